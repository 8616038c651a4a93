"""Shapes of families that came later than those of `shape_keys`, of which they are made, in the same words."""

from __future__ import annotations

from typing import Final

from terp.connect.hub.config_json import Config
from terp.connect.hub.shape_keys import ACTIVE, AHEAD, EXPERTS, TIED, Shape, ShapeKeys, mixtral, plain, qwen_moe

_OPT: Final = ShapeKeys(inner=("ffn_dim",), positions=("max_position_embeddings",), gated=False, tied=True)


def gemma3(config: Config) -> Shape:
    """Dense, with a window in five of six layers; keys that a file leaves out have the library's defaults: Gemma 3.

    Heads 8, heads of keys and values 4, of 256 each, and 262,208 words, as the model of 4 billion parameters has them.
    """
    silent = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262_208}
    missing = {key: value for key, value in silent.items() if config.data.get(key) is None}
    config.data.update(missing)
    config.by_default += [f"{config.inside}{key} {value}" for key, value in missing.items()]
    return plain(config, TIED) | patterned(config, 6)


def cohere2(config: Config) -> Shape:
    """Dense, tied, with a window in three of four layers: Command R7B and A."""
    return plain(config, TIED) | patterned(config, 4)


def olmo3(config: Config) -> Shape:
    """Dense, with a window in three of four layers: OLMo 3."""
    return plain(config) | patterned(config, 4)


def glm_moe(config: Config) -> Shape:
    """Experts behind some dense layers, one or more of them shared, and attention with groups of heads: GLM 4.5."""
    size = config.count("experts.inner", "moe_intermediate_size")
    shared = config.maybe("experts.shared_inner", "n_shared_experts", default=0)
    experts = {
        "count": config.count("experts.count", *EXPERTS),
        "active": config.count("experts.active", *ACTIVE),
        "inner": size,
        "shared_inner": None if size is None or shared is None else size * shared,
        "dense_layers": config.maybe("experts.dense_layers", "first_k_dense_replace"),
    }
    return {**plain(config), "ahead": config.maybe("ahead", *AHEAD), "experts": experts}


def opt(config: Config) -> Shape:
    """Dense, with learned positions; words may be narrower than the layers: OPT, of which that of 350 million is so.

    word_embed_proj_dim   width of the embedding, with a product to the layers' width and one back
    """
    shape, narrow = plain(config, _OPT), config.maybe("embedding", "word_embed_proj_dim")
    return shape if narrow is None or narrow == shape["hidden"] else {**shape, "embedding": narrow}


def minimax(config: Config) -> Shape:
    """Experts in all layers, all of whose tokens see all before them: MiniMax-M2.

    Its modules for later tokens (`num_mtp_modules`) are in no checkpoint, and are not counted.
    """
    return {**mixtral(config), "window": None}


def qwen_next(config: Config) -> Shape:
    """Experts, one of them shared, behind a gated delta rule in three of four layers and gated attention in the fourth.

    Qwen3-Next, and Qwen 3.5 of experts.
    """
    return _with_delta_rule(config, qwen_moe(config))


def qwen_dense_next(config: Config) -> Shape:
    """As `qwen_next`, with plain inner products: Qwen 3.5 without experts."""
    return _with_delta_rule(config, plain(config))


def _with_delta_rule(config: Config, shape: Shape) -> Shape:
    """A shape whose layers have a gated delta rule in the place of attention, but for some.

    linear_num_key_heads, linear_num_value_heads, linear_key_head_dim, linear_value_head_dim, linear_conv_kernel_dim
                      of the delta rule: groups that share keys, heads, size of the state and of a head, and the convolution
    layer_types       what each layer is; else `full_attention_interval` says which have attention
    mtp_num_hidden_layers   layers that predict later tokens, each with attention
    """
    kinds, layers = config.words("layer_types"), shape["layers"]
    every = config.maybe("state_space.layers", "full_attention_interval", default=4)
    attending = kinds.count("full_attention") if kinds else layers // every if layers and every and every > 0 else 0
    if kinds:
        config.keys["state_space.layers"] = config.inside + "layer_types"
    states = {
        "layers": len(kinds) - attending if kinds else None if layers is None else layers - attending,
        "attention_layers": attending,
        "inner_layers": 0,
        "heads": config.count("state_space.heads", "linear_num_value_heads"),
        "head_size": config.count("state_space.head_size", "linear_value_head_dim"),
        "state": config.count("state_space.state", "linear_key_head_dim"),
        "groups": config.count("state_space.groups", "linear_num_key_heads"),
        "window": config.maybe("state_space.window", "linear_conv_kernel_dim"),
        "paired": True,
        "delta": True,
    }
    ahead = config.maybe("ahead", "mtp_num_hidden_layers", *AHEAD)
    gated = config.flag("attn_output_gate", default=True)
    return {**shape, "window": None, "ahead": ahead, "attention_gate": gated, "state_space": states}


def patterned(config: Config, every: int) -> Shape:
    """A window in all layers but one in so many, unless the layers are named, or the file says another pattern.

    every   layers of which the last sees all tokens; `sliding_window_pattern` or `layer_switch` says otherwise

    Empty where there is no window.
    """
    tokens, layers = config.maybe("window.tokens", "sliding_window"), config.maybe("layers", "num_hidden_layers")
    kinds, step = (
        config.words("layer_types"),
        config.maybe("window.layers", "sliding_window_pattern", "layer_switch", default=every),
    )
    if tokens is None or layers is None or not step or step < 1:
        return {}
    count = kinds.count("sliding_attention") if kinds else layers - layers // step
    return {"window": {"tokens": tokens, "layers": count}} if count else {}
