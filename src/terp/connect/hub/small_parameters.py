"""Parameters of a hub's model that stand in no matrix product: norms, biases, segment words, poolers, heads of words.

They change no work, and make up half a per cent of a small encoder.  A family says which of them it has, by flags or by
the keys of its config; what a config does not say is what the library that wrote it has there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from terp.connect.hub.config_json import Config

Flag = bool | tuple[str, bool]
"""Whether a family has something; or the key of its config that says so, and what holds where that is silent."""


@dataclass(frozen=True)
class Small:
    """What a family has beside its products.

    norms_count   norms of a layer, each of hidden size;  shifted  they have a bias too
    queries, output, inner   biases of queries, keys and values; of what comes out of attention; of inner products
    heads         norms of queries and keys: "size" of a head's size, "wide" of all heads, or the key that turns on the first
    last          the norm behind the last layer
    embedding     a norm behind the embedding;  words  a bias of the logits
    shared_gate   a gate on what all tokens share beside the experts;  experts  biases of experts and their router
    sinks         a number a head that attention may fall on
    positions_count   rows of the learned positions beyond what the config counts
    encoder       segment words, pooler and head of words of BERT and its like
    """

    norms_count: int = 2
    shifted: bool = False
    queries: Flag = False
    output: Flag = False
    inner: Flag = False
    heads: str = ""
    last: bool = True
    embedding: bool = False
    words: Flag = False
    shared_gate: bool = False
    experts: bool = False
    sinks: bool = False
    positions_count: int = 0
    encoder: bool = False


_ATTENTION: Final[Flag] = ("attention_bias", False)
_MLP: Final[Flag] = ("mlp_bias", False)
_LLAMA: Final = Small(queries=_ATTENTION, output=_ATTENTION, inner=_MLP)
_OLMO: Final = Small(queries=_ATTENTION, output=_ATTENTION, heads="wide")
_FULL: Final = Small(shifted=True, queries=True, output=True, inner=True)
_BERT: Final = Small(shifted=True, queries=True, output=True, inner=True, last=False, embedding=True, words=True, encoder=True)
_QWEN2: Final = Small(queries=True)
_QWEN3: Final = Small(queries=_ATTENTION, output=_ATTENTION, heads="size")
_EVERY: Final[Flag] = ("use_bias", True)

SMALL: Final[dict[str, Small]] = {
    "arcee": _LLAMA,
    "bert": _BERT,
    "bloom": Small(shifted=True, queries=True, output=True, inner=True, embedding=True),
    "cohere": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION, heads="use_qk_norm"),
    "cohere2": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION),
    "ernie4_5": Small(queries=("use_bias", False), output=("use_bias", False), inner=("use_bias", False)),
    "esm": Small(shifted=True, queries=True, output=True, inner=True, words=True, encoder=True),
    "falcon": Small(shifted=True, queries=("bias", False), output=("bias", False), inner=("bias", False)),
    "gemma": _LLAMA,
    "gemma2": Small(norms_count=4, queries=_ATTENTION, output=_ATTENTION),
    "gemma3_text": Small(norms_count=4, queries=_ATTENTION, output=_ATTENTION, heads="size"),
    "glm": Small(queries=("attention_bias", True)),
    "glm4": Small(norms_count=4, queries=("attention_bias", True)),
    "glm4_moe": Small(queries=_ATTENTION, heads="use_qk_norm"),
    "gpt2": _FULL,
    "gpt_bigcode": _FULL,
    "gpt_neox": Small(shifted=True, queries=("attention_bias", True), output=("attention_bias", True), inner=True),
    "gpt_oss": Small(queries=("attention_bias", True), output=("attention_bias", True), experts=True, sinks=True),
    "granite": _LLAMA,
    "granitemoe": _LLAMA,
    "grok-1": Small(norms_count=4),
    "internlm": Small(queries=("bias", True), output=("bias", True)),
    "internlm2": Small(queries=("bias", False), output=("bias", False)),
    "llama": _LLAMA,
    "llama4_text": Small(queries=_ATTENTION, output=_ATTENTION),
    "mamba2": Small(norms_count=1),
    "minimax_m2": Small(heads="wide"),
    "nemotron": Small(shifted=True, queries=_ATTENTION, output=_ATTENTION, inner=_MLP),
    "nemotron_h": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION, inner=_MLP),
    "olmo": Small(norms_count=0, queries=_ATTENTION, output=_ATTENTION, last=False),
    "olmo2": _OLMO,
    "olmo3": _OLMO,
    "olmoe": _OLMO,
    "opt": Small(
        shifted=True, queries=("enable_bias", True), output=("enable_bias", True), inner=("enable_bias", True), positions_count=2
    ),
    "phi": Small(norms_count=1, shifted=True, queries=True, output=True, inner=True, heads="qk_layernorm", words=True),
    "phimoe": Small(shifted=True, queries=_ATTENTION, output=_ATTENTION, words=("lm_head_bias", False)),
    "qwen2": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen2_moe": Small(queries=("qkv_bias", True), shared_gate=True),
    "qwen2_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_moe": _QWEN3,
    "qwen3_next": Small(queries=_ATTENTION, output=_ATTENTION, heads="size", shared_gate=True),
    "qwen3_vl_moe_text": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "roberta": _BERT,
    "seed_oss": Small(queries=("attention_bias", True), output=("attention_out_bias", False), inner=_MLP),
    "smollm3": _LLAMA,
    "stablelm": Small(shifted=True, queries=("use_qkv_bias", False), heads="qk_layernorm"),
    "starcoder2": Small(shifted=True, queries=_EVERY, output=_EVERY, inner=_EVERY),
    "vit": Small(shifted=True, queries=("qkv_bias", True), output=True, inner=True),
    "xlm-roberta": _BERT,
}
"""`model_type` -> what it has; those that are not here have two norms a layer and no bias."""


def small_parameters_count(config: Config, kind: str, shape: dict[str, Any]) -> int | None:
    """Parameters of a model in no product.

    config   the config.json;  kind   its `model_type`;  shape  of the model, as the family's function made it

    None where the shape is not whole, which is told by whoever made it.
    """
    states = shape.get("state_space") or {}
    sizes = [shape.get(key) for key in ("layers", "hidden", "heads")]
    sizes += [states.get(key, 1) for key in ("layers", "attention_layers")]
    if not all(isinstance(size, int) and size >= (place < 3) for place, size in enumerate(sizes)):
        return None
    small = SMALL.get(kind, Small())
    layers, hidden, heads = (int(size or 0) for size in sizes[:3])
    size = shape.get("head_size") or hidden // heads
    norm = hidden * (2 if small.shifted else 1)
    ahead = shape.get("ahead") or 0
    attending = states["attention_layers"] if states else layers
    behind = layers if not states or states.get("paired") else layers - states["layers"] - states["attention_layers"]
    ahead_norms = 2 * hidden + norm  # of what is joined, and the last one before its logits
    return (
        (layers + ahead) * _norms_count(config, kind, small) * norm
        + (ahead + small.last * _has_last(config, kind)) * norm
        + ahead * (ahead_norms - norm)
        + (attending + ahead) * _attention(config, small, shape, (hidden, heads, size))
        + _inner(config, small, shape, behind + ahead)
        + (_states(config, states, hidden) if states else 0)
        + _ends(config, kind, small, shape)
    )


def _norms_count(config: Config, kind: str, small: Small) -> int:
    """Norms of a layer; a layer whose halves stand side by side may have one for both."""
    if kind == "falcon":
        new, beside = config.flag("new_decoder_architecture", default=False), config.flag("parallel_attn", default=True)
        return (config.maybe("small_parameters", "num_ln_in_parallel_attn", default=2) or 0) if new else 1 if beside else 2
    if kind == "stablelm" and config.flag("use_parallel_residual", default=False):
        return 1
    return small.norms_count


def _has_last(config: Config, kind: str) -> bool:
    """Whether the norm behind the last layer is there: in OPT only where norms stand before what they feed."""
    return kind != "opt" or config.flag("do_layer_norm_before", default=True)


def _attention(config: Config, small: Small, shape: dict[str, Any], sizes: tuple[int, int, int]) -> int:
    """Biases and norms of one layer's attention; sizes are hidden, heads and a head's size."""
    hidden, heads, size = sizes
    latent, output = shape.get("latent"), _flag(config, small.output) * hidden
    if latent:
        ranks = (latent.get("query") or 0) + (latent.get("keys") or 0)
        biased = config.flag("attention_bias", default=False)
        return ranks + biased * (ranks + (latent.get("rotary") or 0) + hidden)
    kv = shape.get("kv_heads") or heads
    wide = (heads + kv) * size
    normed = small.heads if small.heads in ("", "size", "wide") else "size" if config.flag(small.heads, default=False) else ""
    if normed == "size" and small.heads in ("use_qk_norm", "qk_layernorm") and shape.get("experts") is None:
        normed = "wide"  # one for each head
    norms = {"": 0, "size": 2 * size, "wide": wide}[normed]
    queries = _flag(config, small.queries) * (wide + kv * size)
    return queries + output + norms + small.sinks * heads


def _inner(config: Config, small: Small, shape: dict[str, Any], layers: int) -> int:
    """Biases of inner products, and of experts with their router and gate, of all layers."""
    hidden, gates, experts = shape["hidden"], 2 if shape.get("gated", True) else 1, shape.get("experts")
    biased = _flag(config, small.inner)
    if not experts:
        return layers * biased * (gates * (shape.get("inner") or 0) + hidden)
    count, size = experts.get("count") or 0, experts.get("inner") or 0
    dense = experts.get("dense_layers") or 0
    routed = (layers - dense) // max(experts.get("every") or 1, 1)
    return routed * (
        small.shared_gate * hidden
        + small.experts * count * (gates * size + hidden + 1)
        + biased * (count * (gates * size + hidden) + gates * (experts.get("shared_inner") or 0) + hidden)
    )


def _states(config: Config, states: dict[str, Any], hidden: int) -> int:
    """Convolutions, decays, steps and norms of all state-space layers."""
    heads, size, state = (states.get(key) or 0 for key in ("heads", "head_size", "state"))
    inner, shared = heads * size, 2 * (states.get("groups") or 1) * state
    window = states.get("window") or 4
    if states.get("delta"):  # a decay and a step a head, a gate of each besides, one norm for all heads
        return int(states["layers"] * ((inner + shared) * window + 2 * heads + size + heads * hidden))
    biased = config.flag("use_conv_bias", default=True)
    wide = 2 * inner + shared + heads
    projected = config.flag("use_bias", default=False) or config.flag("mamba_proj_bias", default=False)
    each = (inner + shared) * (window + biased) + 3 * heads + inner + projected * (wide + hidden)
    return int(states["layers"] * each)


def _ends(config: Config, kind: str, small: Small, shape: dict[str, Any]) -> int:
    """What stands before the first layer and behind the last: norms, segment words, poolers, heads of words and of classes."""
    hidden, words = shape["hidden"], shape.get("vocabulary") or 0
    norm = hidden * (2 if small.shifted else 1)
    total = small.embedding * norm + small.positions_count * hidden + _flag(config, small.words) * words
    classes = _architecture(config)
    if kind == "vit":
        labels = (shape.get("patches") or {}).get("classes") or 0
        pooled = hidden * hidden + hidden if classes.endswith("Model") else labels
        return total + 2 * hidden + pooled  # a token for the whole, a bias of the patches
    if not small.encoder:
        return total
    segments = 0 if kind == "esm" else config.maybe("small_parameters", "type_vocab_size", default=2) or 0
    total += segments * hidden
    if kind == "esm" and config.flag("emb_layer_norm_before", default=False):
        total += norm
    square = hidden * hidden + hidden
    if classes.endswith("Model"):
        return total + square - words
    if kind == "esm":  # contacts are read off all heads of all layers
        return total + square + norm + shape["layers"] * shape["heads"] + 1
    pretrained = square + 2 * hidden + 2 if classes.endswith("ForPreTraining") else 0
    return total + square + norm + pretrained


def _architecture(config: Config) -> str:
    """The class that a config was saved from; empty where it does not say."""
    classes = config.words("architectures") or []
    return classes[0] if classes and isinstance(classes[0], str) else ""


def _flag(config: Config, flag: Flag) -> bool:
    """A flag, by the config where it has the key."""
    return flag if isinstance(flag, bool) else config.flag(flag[0], default=flag[1])
