"""Shapes of networks that cannot be, by the family of the model.

The same checks hold for a model file and for a config.json of a hub, which has other places for the same
mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from terp.describe.model_file import ModelFile, TransformerModel
from terp.describe.science import SCIENCE_FAMILIES, Wrong, misfits_of_science
from terp.errors import Problem
from terp.reader import Written


def misfits_of_model(written: Written[ModelFile]) -> list[Problem]:
    """Shapes that cannot be, each with its place.

    The family's own check is looked up in `FAMILY_MISFITS`.
    """
    model, tree = written.record, written.tree
    wrong = FAMILY_MISFITS[getattr(model, "family", "")](model)
    return [tree.problem(path, what, would_do=would_do) for path, what, would_do in wrong]


def wrong_shapes(model: TransformerModel) -> list[tuple[tuple[str, ...], str, str]]:
    """Heads that do not divide, more experts than there are, layers that do not add up: path, what, and what
    would do.

    The path is that of the file's key, without units, such as ("experts", "active"); () is the model itself.
    """
    wrong: list[tuple[tuple[str, ...], str, str]] = []
    if model.latent is None and model.stated_head_size is None and model.hidden_size % model.heads_count:
        what = f"{model.hidden_size} does not divide by {model.heads_count}"
        wrong.append((("heads",), what, "a divisor would do, or a size of heads"))
    if model.heads_count % model.kv_count:
        wrong.append((("kv_heads",), f"{model.heads_count} heads do not divide by {model.kv_count}", "a divisor would do"))
    if bool(model.vocabulary_size) == (model.patches is not None):
        wrong.append(((), "neither a vocabulary nor patches, or both", "write one of them"))
    experts, states = model.experts, model.state_space
    if experts and experts.active_count > experts.count:
        wrong.append((("experts", "active"), f"more than the {experts.count} experts there are", "at most as many would do"))
    if experts and experts.dense_layers_count >= model.layers_count:
        wrong.append((("experts", "dense_layers"), f"all of {model.layers_count} layers, or more", "fewer would do"))
    dense = not experts or experts.dense_layers_count or experts.every_count > 1
    if dense and not model.inner_size and not (states and not states.inner_layers_count):
        wrong.append((("inner",), "missing: there are layers without experts", "give the size inside of them"))
    if states and states.layers_count + states.attention_layers_count + states.inner_layers_count != model.layers_count:
        wrong.append((("state_space", "layers"), f"its layers do not add up to {model.layers_count}", "change one of them"))
    if experts and states and (experts.dense_layers_count or experts.every_count > 1):
        wrong.append((("experts", "dense_layers"), "layers without experts beside state-space layers", "none would do"))
    if model.window and model.window.layers_count > model.layers_count:
        wrong.append((("window", "layers"), f"more than the {model.layers_count} there are", "at most as many would do"))
    if model.patches and (model.patches.height_size % model.patches.size or model.patches.width_size % model.patches.size):
        wrong.append((("patches", "size"), "does not divide the height and the width", "a common divisor would do"))
    return wrong


FAMILY_MISFITS: Final[dict[str, Callable[[Any], Iterable[Wrong]]]] = {
    "transformer": wrong_shapes,
    **dict.fromkeys(SCIENCE_FAMILIES, misfits_of_science),
}
"""Family of models -> what is wrong with their shapes.  `terp.extend.model_family` adds to it."""
