"""The models whose steps were timed on one GPU: from a row's name and columns to a model record.

A name that begins as one of SHAPES is a model that ships, with sizes of the row's own in place of the file's.  Any
other row is a transformer by its columns; a row of an answer, prefill or decoding, has its decoder in one cell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import ValidationError

from terp.describe import ModelFile, TransformerModel, read_model
from terp.describe.science import misfits_of_science

NOT_CAUSAL: Final = ("bert", "protein", "logs")
"""What names of transformers that were timed begin with, if their attention looks both ways."""
RECOMPUTED: Final = ("weather-vit",)
"""Whose layers are all recomputed, whatever the row says."""
PROTEIN_VOCABULARY: Final = 64
"""Tokens of a vocabulary where the row has none: those models read amino acids."""
UNET_LEVELS: Final = (1, 2, 4, 8)
UNET_DEEPEST: Final = 320
"""Features of the U-Nets that were timed over those of the finest level, and of the deepest level."""

Sizes = Mapping[str, int]
"""Columns of a row that hold whole numbers."""


def _unet(sizes: Sizes) -> dict[str, object]:
    """What a row changes of the U-Net: patch of three equal sides [voxels], features by level, channels, classes."""
    changed: dict[str, object] = {"patch": [sizes["patch"]] * 3} if "patch" in sizes else {}
    if "base" in sizes:
        changed["features"] = [*(ratio * sizes["base"] for ratio in UNET_LEVELS), UNET_DEEPEST]
    return changed | _named(sizes, {"cin": "channels", "classes": "classes"})


def _fourcast(sizes: Sizes) -> dict[str, object]:
    """What a row changes of the spectral model: grid [points], patch, width, depth; as many channels out as in."""
    changed = _named(sizes, {"H": "height", "W": "width", "p": "patch", "h": "hidden", "L": "layers"})
    if "ch" in sizes:
        changed |= {"channels": sizes["ch"], "outputs": sizes["ch"]}
    return changed | ({"inner": 4 * sizes["h"]} if "h" in sizes else {})


def _weather(sizes: Sizes) -> dict[str, object]:
    """What a row changes of the weather transformer: by patches of a grid of 69 channels at a quarter degree if it
    says none.
    """
    shape = {"ch": 69, "H": 720, "W": 1440, "p": 8} | {key: sizes[key] for key in ("ch", "H", "W", "p") if key in sizes}
    patches = _named(shape, {"H": "height", "W": "width", "p": "size", "ch": "channels"})
    positions = (shape["H"] // shape["p"]) * (shape["W"] // shape["p"])
    changed = {"patches": patches | {"outputs": shape["ch"] * shape["p"] ** 2}, "positions": positions}
    changed |= _named(sizes, {"h": "hidden", "L": "layers", "heads": "heads"})
    return changed | ({"inner": 4 * sizes["h"]} if "h" in sizes else {})


def _as_shipped(_: Sizes) -> dict[str, object]:
    """Nothing changes: models for images were timed as they ship."""
    return {}


def _named(sizes: Sizes, names: Mapping[str, str]) -> dict[str, object]:
    """Columns by the names that model files have for them."""
    return {name: sizes[column] for column, name in names.items() if column in sizes}


SHAPES: Final[dict[str, tuple[str, Callable[[Sizes], dict[str, object]]]]] = {
    "unet3d": ("unet3d-32", _unet),
    "fourcast": ("fourcastnet-timed", _fourcast),
    "weather-vit": ("weather-vit", _weather),
    "resnet50": ("resnet-50", _as_shipped),
    "resnet101": ("resnet-101", _as_shipped),
    "resnet152": ("resnet-152", _as_shipped),
    "vit_l_16": ("vit-l-16", _as_shipped),
    "vit_b_16": ("vit-b-16", _as_shipped),
}
"""What a name begins with -> the model file that ships, and what a row's columns change of it."""


def is_recomputed(text: Mapping[str, str]) -> bool:
    """True if all layers of a model are recomputed by its own code.

    It holds whatever the row says of recomputation.
    """
    return text["name"].startswith(RECOMPUTED)


def model_of(text: Mapping[str, str]) -> ModelFile:
    """The model of a training step's row: one that ships, changed as its columns say, or the transformer that they are.

    Raises pydantic's ValidationError for sizes that make no model; `why_no_model` words that for a report.
    """
    sizes = {key: int(float(cell)) for key, cell in text.items() if key in _COLUMNS}
    for beginning, (file, shape) in SHAPES.items():
        if text["name"].startswith(beginning):
            record = read_model(file).record
            written = record.model_dump(by_alias=True, exclude_none=True) | shape(sizes) | {"published_parameters": None}
            return type(record).model_validate(written)
    h = sizes["h"]
    return _transformer(
        layers=sizes["L"],
        hidden=h,
        heads=sizes["heads"],
        kv_heads=sizes.get("kv", sizes["heads"]),
        inner=sizes.get("ffn", 4 * h),
        vocabulary=sizes.get("vocab", PROTEIN_VOCABULARY),
        positions=sizes["seq"],
        gated=text.get("swiglu", "").lower() in ("true", "1", "yes"),
        causal=not text["name"].startswith(NOT_CAUSAL),
    )


_COLUMNS: Final = (
    "L", "h", "heads", "kv", "ffn", "vocab", "seq", "patch", "base", "cin", "classes", "ch", "H", "W", "p",
)  # fmt: skip
"""Columns that hold sizes of a model."""
_TRANSFORMER: Final = ("L", "h", "heads", "seq")
"""Columns without which a row is no transformer."""


def why_no_model(text: Mapping[str, str]) -> str:
    """Why no model is made of a step's row; empty if one is.

    Its columns are numbers already, as `kernel_rows.why_not` asks here last.
    """
    name, answers = text.get("name", ""), text.get("kind") in ("prefill", "decode")
    missing = [key for key in _TRANSFORMER if key not in text]
    if missing and not answers and not name.startswith(tuple(SHAPES)):
        return f"{name[:40]} is no model that is known by name, and as a transformer it has no " + ", ".join(missing)
    try:
        model = answering_model(text) if answers else model_of(text)
    except ValidationError as error:
        wrong = error.errors()[0]
        return f"no model: {'.'.join(str(part) for part in wrong['loc'])}: {wrong['msg']}"
    if isinstance(model, TransformerModel) and model.hidden_size < model.heads_count:
        return "more heads than its hidden size"
    misfits = misfits_of_science(model)
    return f"no model: {'.'.join(misfits[0][0])}: {misfits[0][1]}" if misfits else ""


def answering_model(text: Mapping[str, str]) -> TransformerModel:
    """The decoder of a prefill's or a decoding step's row.

    Its `arch` is a JSON list: layers, hidden size, heads, heads of keys and values, inner size, vocabulary.
    """
    layers, hidden, heads, kv, inner, vocabulary = (int(size) for size in json.loads(text["arch"]))
    return _transformer(
        layers=layers, hidden=hidden, heads=heads, kv_heads=kv, inner=inner, vocabulary=vocabulary, gated=True
    )


def _transformer(**written: object) -> TransformerModel:
    """A transformer with the fields that are given, by the names that records have for them."""
    fields = {"kind": "model", "name": "timed", "title": "timed", "family": "transformer", **written}
    return TransformerModel.model_validate(fields)
