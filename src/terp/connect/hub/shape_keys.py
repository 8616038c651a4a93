"""What the keys of a config.json mean in each family of transformers: its shape, as a model file says it.

Keys that change neither work nor parameters (rotary angles, dropout) are not read; those of biases and norms are in
`small_parameters`.

A function a family takes the `Config` and gives a `Shape`: keys of a model file without their units ("hidden",
"layers"), None for what is not known, and mappings inside for experts, latent attention, windows, state space
and patches.  What could not be read is noted in the config; the functions raise nothing.  The meaning of the
keys is that of the `configuration_*.py` of the library that wrote the files, and of the makers' papers where it
has defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from terp.connect.hub.config_json import Config

Shape = dict[str, Any]
"""Fields of a model file, by the names they are written under."""


@dataclass(frozen=True)
class ShapeKeys:
    """The keys of a family, and what holds where its config is silent.

    layers ... vocabulary  keys, of which the first that is there counts; no key of positions: none are
                           learned
    inner_ratio            inner over hidden where its key is not there or null; 0 if it must be there
    gated                  whether inner products have a gate, and so three matrices instead of two
    causal                 whether a token sees only those before it
    tied                   whether logits share the embedding, where `tie_word_embeddings` does not say

    The defaults are Llama's.
    """

    layers: tuple[str, ...] = ("num_hidden_layers",)
    hidden: tuple[str, ...] = ("hidden_size",)
    heads: tuple[str, ...] = ("num_attention_heads",)
    inner: tuple[str, ...] = ("intermediate_size",)
    positions: tuple[str, ...] = ()
    inner_ratio: int = 0
    vocabulary: tuple[str, ...] = ("vocab_size",)
    gated: bool = True
    causal: bool = True
    tied: bool = False


PLAIN: Final = ShapeKeys()
"""Keys as Llama has them: gated inner products, logits of their own; the others below are named by who has
them.
"""
TIED: Final = ShapeKeys(tied=True)
UNGATED: Final = ShapeKeys(gated=False)
STARCODER: Final = ShapeKeys(gated=False, tied=True)
GPT: Final = ShapeKeys(("n_layer",), ("n_embd",), ("n_head",), ("n_inner",), ("n_positions",), 4, gated=False, tied=True)
ENCODER: Final = ShapeKeys(positions=("max_position_embeddings",), gated=False, causal=False, tied=True)
_OLD: Final = (("num_hidden_layers", "n_layer"), ("hidden_size", "n_embed"), ("num_attention_heads", "n_head"))
"""Keys of layers, width and heads that were renamed on the way; either name may stand."""
EXPERTS: Final = ("n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts")
"""Keys of how many experts there are; the library's fifth major release writes one family's under another's name."""
ACTIVE: Final = ("num_experts_per_tok", "experts_per_token", "moe_k")
AHEAD: Final = ("num_nextn_predict_layers", "num_mtp_layers")
BLOOM: Final = ShapeKeys(*_OLD, inner=("n_inner",), inner_ratio=4, gated=False, tied=True)
FALCON: Final = ShapeKeys(*_OLD, inner=("ffn_hidden_size",), inner_ratio=4, gated=False, tied=True)
MPT: Final = ShapeKeys(("n_layers",), ("d_model",), ("n_heads",), ("d_inner",), inner_ratio=4, gated=False, tied=True)


def plain(config: Config, names: ShapeKeys = PLAIN) -> Shape:
    """A dense transformer, by the keys that its family has.

    Heads of keys and values, and their size, are None where the config does not say: then as many as heads, and
    hidden over heads.
    """
    hidden = config.count("hidden", *names.hidden)
    inner = config.maybe("inner", *names.inner) if names.inner_ratio else config.count("inner", *names.inner)
    return {
        "layers": config.count("layers", *names.layers),
        "hidden": hidden,
        "heads": config.count("heads", *names.heads),
        "kv_heads": config.maybe("kv_heads", "num_key_value_heads"),
        "head_size": config.maybe("head_size", "head_dim"),
        "inner": names.inner_ratio * hidden if inner is None and hidden and names.inner_ratio else inner,
        "vocabulary": config.count("vocabulary", *names.vocabulary) if names.vocabulary else None,
        "positions": config.count("positions", *names.positions) if names.positions else None,
        "gated": names.gated,
        "causal": names.causal,
        "tied": config.flag("tie_word_embeddings", default=names.tied),
    }


def windowed(config: Config, names: ShapeKeys = PLAIN) -> Shape:
    """Dense, with a window in all layers, if any: Mistral, Phi-3, StarCoder2."""
    return plain(config, names) | _window(config, "all")


def alternating(config: Config, names: ShapeKeys = TIED) -> Shape:
    """Dense, with a window in every second layer, the first of them: Gemma 2."""
    return plain(config, names) | _window(config, "half")


def qwen(config: Config) -> Shape:
    """Dense; with a window in its last layers only if it says so (`use_sliding_window`): Qwen 2 and 3."""
    return plain(config) | _window_of_qwen(config)


def esm(config: Config) -> Shape:
    """An encoder of proteins (ESM-2); positions are learned only if they are absolute, else rotary."""
    absolute = config.text("position_embedding_type") in ("", "absolute")
    return plain(config, ENCODER) | ({} if absolute else {"positions": None})


def gpt_bigcode(config: Config) -> Shape:
    """GPT-2 whose heads share one head of keys and values, unless `multi_query` is false: StarCoder."""
    return plain(config, GPT) | ({"kv_heads": 1} if config.flag("multi_query", default=True) else {})


def falcon(config: Config) -> Shape:
    """Keys and values are shared by all heads, by groups in the new architecture, or not at all.

    Falcon 7B has one head of them; 40B and 180B, of the new decoder architecture, say how many.
    """
    shape = plain(config, FALCON)
    if config.flag("new_decoder_architecture", default=False):
        shape["kv_heads"] = config.maybe("kv_heads", "num_kv_heads", "n_head_kv")
    elif config.flag("multi_query", default=True):
        shape["kv_heads"] = 1
    return shape


def mpt(config: Config) -> Shape:
    """Positions are learned, but for linear biases (ALiBi) in place of them; inner products are
    `expansion_ratio` times as wide.
    """
    attention, shape = config.below("attn_config"), plain(config, MPT)
    learned = config.flag("learned_pos_emb", default=True) and not attention.flag("alibi", default=False)
    return {
        **shape,
        "inner": _times(config.maybe("inner", "expansion_ratio", default=4), shape["hidden"]),
        "kv_heads": attention.maybe("kv_heads", "kv_n_heads"),
        "positions": config.count("positions", "max_seq_len") if learned else None,
    }


def mixtral(config: Config) -> Shape:
    """Experts in all layers, of the size inside that a dense model would have; none are shared."""
    shape = windowed(config)
    active = config.count("experts.active", *ACTIVE)
    experts = {
        "count": config.count("experts.count", "num_local_experts", *EXPERTS),
        "active": active,
        "inner": config.count("experts.inner", "intermediate_size"),
    }
    return {**shape, "inner": None, "experts": experts}


def grok(config: Config) -> Shape:
    """As Mixtral, with tied logits."""
    return mixtral(config) | {"tied": config.flag("tie_word_embeddings", default=True)}


def gpt_oss(config: Config) -> Shape:
    """As Mixtral, with a window in every second layer and sinks."""
    return mixtral(config) | _window(config, "half") | {"sinks": True}


def qwen_moe(config: Config) -> Shape:
    """Experts in every so many layers, but for some that are named.

    A model file can say dense layers only if they are the first; others are noted as a problem.

    num_experts, num_experts_per_tok, moe_intermediate_size   of the experts that a token chooses among
    shared_expert_intermediate_size    of the one that all tokens pass; none if absent
    decoder_sparse_step, mlp_only_layers   which layers have experts
    """
    named = config.words("mlp_only_layers") or []
    if named != list(range(len(named))):
        config.wrong("mlp_only_layers", "layers without experts that are not the first", would_do="the format cannot say it")
    step = config.maybe("experts.every", "decoder_sparse_step", default=1)
    experts = {
        "count": config.count("experts.count", "num_experts", *EXPERTS),
        "active": config.count("experts.active", *ACTIVE),
        "inner": config.count("experts.inner", "moe_intermediate_size"),
        "shared_inner": config.maybe("experts.shared_inner", "shared_expert_intermediate_size"),
        "dense_layers": len(named),
        "every": step,
    }
    dense = bool(named) or step != 1
    inner = ("intermediate_size",) if dense else ("intermediate_size", "moe_intermediate_size")
    shape = plain(config, ShapeKeys(inner=inner)) | _window_of_qwen(config)
    return {**shape, "inner": shape["inner"] if dense else None, "experts": experts}


def deepseek(config: Config) -> Shape:
    """Latent attention; experts, some shared by all tokens, behind a few dense layers; layers ahead.

    For DeepSeek V2 and V3 and for Kimi K2.  Shared experts become one inner product of their sizes together.

    q_lora_rank, kv_lora_rank              ranks of the projections of queries, and of keys with values
    qk_nope_head_dim, qk_rope_head_dim     sizes of a head without and with position
    n_routed_experts, n_shared_experts, num_experts_per_tok, moe_intermediate_size   of the experts
    first_k_dense_replace, moe_layer_freq  dense layers at the front, and one in so many layers that has
                                           experts
    num_nextn_predict_layers               layers that predict later tokens
    """
    size = config.count("experts.inner", "moe_intermediate_size")
    return {
        **plain(config),
        "kv_heads": None,
        "head_size": None,
        "ahead": config.maybe("ahead", *AHEAD),
        "experts": {
            "count": config.count("experts.count", *EXPERTS),
            "active": config.count("experts.active", *ACTIVE),
            "inner": size,
            "shared_inner": _times(size, config.maybe("experts.shared_inner", "n_shared_experts", default=0)),
            "dense_layers": config.maybe("experts.dense_layers", "first_k_dense_replace"),
            "every": config.maybe("experts.every", "moe_layer_freq"),
        },
        "latent": {
            "query": config.maybe("latent.query", "q_lora_rank"),
            "keys": config.count("latent.keys", "kv_lora_rank"),
            "plain": config.count("latent.plain", "qk_nope_head_dim"),
            "rotary": config.count("latent.rotary", "qk_rope_head_dim"),
            "values": config.count("latent.values", "v_head_dim"),
        },
    }


def llama4(config: Config) -> Shape:
    """Experts in every so many layers; most layers see only their chunk, in which a token sees half on
    average.

    A chunk of 8192 tokens becomes a window of 4096, since a token sees its chunk up to itself: from none to all
    of it.  One expert, as large as the others, is shared by all tokens.
    """
    step = config.maybe("experts.every", "interleave_moe_layer_step", default=1)
    size = config.count("experts.inner", "intermediate_size")
    chunk = config.maybe("window.tokens", "attention_chunk_size", default=8192)
    shape = plain(config)
    experts = {
        "count": config.count("experts.count", "num_local_experts", *EXPERTS),
        "active": config.count("experts.active", *ACTIVE),
        "inner": size,
        "shared_inner": size,
        "every": step,
    }
    dense = config.count("inner", "intermediate_size_mlp") if step != 1 else None
    window = {"tokens": chunk // 2 if chunk else None, "layers": _chunked_count(config, shape["layers"])}
    return {**shape, "inner": dense, "experts": experts, "window": window if window["layers"] else None}


def _chunked_count(config: Config, layers: int | None) -> int | None:
    """Layers that see only their chunk: those named by `layer_types`, those with rotary angles, or all but
    every fourth.

    layers   of the model; None if it does not say, and then None is given
    """
    kinds, rotary = config.words("layer_types"), config.words("no_rope_layers")
    if kinds or rotary:
        return kinds.count("chunked_attention") if kinds else (rotary or []).count(1)
    every = config.maybe("window.layers", "no_rope_layer_interval", default=4)
    return layers - layers // every if layers and every and every > 0 else layers


def mamba2(config: Config) -> Shape:
    """State-space layers alone: the heads of the record are those of its states, and none attends."""
    layers, heads = config.count("layers", "num_hidden_layers"), config.count("heads", "num_heads")
    size = config.count("head_size", "head_dim")
    return {
        "layers": layers,
        "hidden": config.count("hidden", "hidden_size"),
        "heads": heads,
        "head_size": size,
        "vocabulary": config.count("vocabulary", "vocab_size"),
        "tied": config.flag("tie_word_embeddings", default=False),
        "state_space": {
            "layers": layers,
            "attention_layers": 0,
            "inner_layers": 0,
            "heads": heads,
            "head_size": size,
            "state": config.count("state_space.state", "state_size"),
            "groups": config.maybe("state_space.groups", "n_groups", default=8),
            "window": config.maybe("state_space.window", "conv_kernel"),
        },
    }


def vit(config: Config) -> Shape:
    """An encoder of patches of an image; classes are as many as have a label.

    Positions are one more than patches, for the token that stands for the whole.
    """
    size, edge = config.count("patches.size", "patch_size"), config.count("patches.height", "image_size")
    labels = config.below("id2label").data
    shape = plain(config, ShapeKeys(vocabulary=(), gated=False, causal=False))
    config.keys["patches.width"] = config.keys.get("patches.height", "image_size")
    patches = {
        "height": edge,
        "width": edge,
        "size": size,
        "channels": config.maybe("patches.channels", "num_channels", default=3),
        "classes": None if config.architecture.endswith("Model") else len(labels) or None,
    }
    tokens = (edge // size) ** 2 if edge and size and size > 0 else 0
    return {**shape, "positions": tokens + 1, "patches": patches}


def _window(config: Config, where: str) -> Shape:
    """A window in the layers that are named as sliding; in all or every second, from the first, if none are.

    where   "all" or "half", for configs that do not name their layers

    Empty where there is no window.
    """
    tokens = config.maybe("window.tokens", "sliding_window")
    layers = config.maybe("layers", "num_hidden_layers")
    kinds = config.words("layer_types")
    if tokens is None or layers is None:
        return {}
    count = kinds.count("sliding_attention") if kinds else layers if where == "all" else (layers + 1) // 2
    return {"window": {"tokens": tokens, "layers": count}} if count else {}


def _window_of_qwen(config: Config) -> Shape:
    """A window in the layers from `max_window_layers` on, if `use_sliding_window` is true; empty for none."""
    if not config.flag("use_sliding_window", default=False):
        return {}
    window = _window(config, "all")
    if window and not config.words("layer_types"):
        window["window"]["layers"] -= config.maybe("window.layers", "max_window_layers", default=0) or 0
    return window if window and window["window"]["layers"] > 0 else {}


def _times(first: int | None, second: int | None) -> int | None:
    """A product of what is known; None where either is not."""
    return None if first is None or second is None else first * second
