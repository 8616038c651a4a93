"""Shapes of families that came later than those of `shape_keys`, of which they are made, in the same words."""

from __future__ import annotations

from terp.connect.hub.config_json import Config
from terp.connect.hub.shape_keys import TIED, Shape, plain


def gemma3(config: Config) -> Shape:
    """Dense, with a window in five of six layers; keys that a file leaves out have the library's defaults: Gemma 3.

    Heads 8, heads of keys and values 4, of 256 each, and 262,208 words, as the model of 4 billion parameters has them.
    """
    silent = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262_208}
    config.data.update({key: value for key, value in silent.items() if config.data.get(key) is None})
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
        "count": config.count("experts.count", "n_routed_experts"),
        "active": config.count("experts.active", "num_experts_per_tok"),
        "inner": size,
        "shared_inner": None if size is None or shared is None else size * shared,
        "dense_layers": config.maybe("experts.dense_layers", "first_k_dense_replace"),
    }
    return {**plain(config), "ahead": config.maybe("ahead", "num_nextn_predict_layers"), "experts": experts}


def patterned(config: Config, every: int) -> Shape:
    """A window in all layers but one in so many, unless the layers are named, or the file says another pattern.

    every   layers of which the last sees all tokens; `sliding_window_pattern` says otherwise

    Empty where there is no window.
    """
    tokens, layers = config.maybe("window.tokens", "sliding_window"), config.maybe("layers", "num_hidden_layers")
    kinds, step = config.words("layer_types"), config.maybe("window.layers", "sliding_window_pattern", default=every)
    if tokens is None or layers is None or not step or step < 1:
        return {}
    count = kinds.count("sliding_attention") if kinds else layers - layers // step
    return {"window": {"tokens": tokens, "layers": count}} if count else {}
