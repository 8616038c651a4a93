"""Families whose layers are of one part each, in an order of letters or words: Nemotron-H and what followed it."""

from __future__ import annotations

from typing import Final

from terp.connect.hub.config_json import Config
from terp.connect.hub.shape_keys import ACTIVE, AHEAD, EXPERTS, Shape, ShapeKeys, plain

WORDS: Final = {
    "mamba": "M",
    "attention": "*",
    "mlp": "-",
    "moe": "E",
    "linear_attention": "M",
    "full_attention": "*",
}
"""Word for a kind of layer in a list -> its letter in a pattern: state space, attention, inner product, experts.

The library's fifth major release says of a state-space layer that its attention is linear.
"""


def nemotron_h(config: Config) -> Shape:
    """State-space layers among attention alone and inner products, or experts, alone.

    The order itself does not matter to work and memory; only how many of each there are is kept.

    hybrid_override_pattern   a letter a layer: M state space, * attention, - inner product, E experts
    layers_block_type         the same as words; it counts if both are there
    mamba_num_heads, mamba_head_dim, ssm_state_size, n_groups, conv_kernel   of the state-space layers
    moe_latent_size           width at which experts work, behind a product down and before one up
    num_nextn_predict_layers, mtp_hybrid_override_pattern   layers that predict later tokens: each of attention and experts

    Inner products and experts in one model have no place in a model file, and are noted.
    """
    pattern = _pattern(config, "layers_block_type", "hybrid_override_pattern")
    layers = len(pattern)
    if "-" in pattern and "E" in pattern:
        key = config.keys["state_space.layers"].removeprefix(config.inside)
        config.wrong(key, "experts and dense inner layers in one model", would_do="the format cannot say it")
    states = {
        "layers": pattern.count("M"),
        "attention_layers": pattern.count("*"),
        "inner_layers": pattern.count("-") + pattern.count("E"),
        "heads": config.count("state_space.heads", "mamba_num_heads"),
        "head_size": config.count("state_space.head_size", "mamba_head_dim"),
        "state": config.count("state_space.state", "ssm_state_size"),
        "groups": config.maybe("state_space.groups", "n_groups"),
        "window": config.maybe("state_space.window", "conv_kernel"),
    }
    if layers and config.data.get("num_hidden_layers") is None:
        config.data["num_hidden_layers"] = layers
    shape = plain(config, ShapeKeys(gated=False, inner=("intermediate_size", "moe_intermediate_size")))
    shape["ahead"] = _ahead(config)
    if "E" not in pattern:
        return {**shape, "state_space": states}
    experts = {
        "count": config.count("experts.count", *EXPERTS),
        "active": config.count("experts.active", *ACTIVE),
        "inner": config.count("experts.inner", "moe_intermediate_size", "intermediate_size"),
        "shared_inner": config.maybe("experts.shared_inner", "moe_shared_expert_intermediate_size"),
        "latent": config.maybe("experts.latent", "moe_latent_size"),
    }
    return {**shape, "inner": None, "experts": experts, "state_space": states}


def _pattern(config: Config, by_words: str, by_letters: str) -> str:
    """The order of layers as letters; what is missing or of an unknown kind is noted, and gives what is known.

    by_words, by_letters   keys of a list of words, and of a text of letters
    """
    words, letters = config.words(by_words), config.text(by_letters)
    key = by_words if words else by_letters
    pattern = "".join(WORDS.get(word, "?") if isinstance(word, str) else "?" for word in words) if words else letters
    config.keys["state_space.layers"] = config.inside + key
    if not pattern:
        config.wrong(key, "missing", would_do="a config of this type has it")
    elif not set(pattern) <= set(WORDS.values()):
        known = ", ".join(f"{letter} ({word})" for word, letter in WORDS.items())
        config.wrong(key, "a layer of an unknown kind", would_do=f"known: {known}")
    return pattern


def _ahead(config: Config) -> int | None:
    """Layers ahead, each one of attention and one of experts or inner products; others are noted.

    Their order, where the config says one, is that of one layer ahead; where it says none they are as the library has them.
    """
    count = config.maybe("ahead", *AHEAD)
    if count and (config.words("mtp_layers_block_type") or config.text("mtp_hybrid_override_pattern")):
        before = dict(config.keys)
        if sorted(_pattern(config, "mtp_layers_block_type", "mtp_hybrid_override_pattern")) not in (["*", "E"], ["*", "-"]):
            key = config.keys["state_space.layers"].removeprefix(config.inside)
            config.wrong(key, "a layer ahead that is not one of attention and one of experts", would_do='"*E" would do')
        config.keys.update(before)
    return count
