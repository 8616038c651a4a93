"""The network of a row of measured training: by its columns, by what its parameters imply, or one that ships.

A row is never read as another network in silence.  What a column states counts first; then what `params_b` implies, among
gated or not and tied or not; only then the name.  Where the network read differs from `params_b` by more than a twentieth,
or a name says a kind of network that the columns cannot hold, the row is refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from terp.describe import ModelFile, TransformerModel, read_model
from terp.errors import UnknownName
from terp.physics import Work, work_of
from terp.validate.steps.row_cells import Cells, Unmodelled, number_of, whole_of, yes_of
from terp.validate.steps.row_words import number_in, row_words

AGREES_FRACTION: Final = 0.02
"""Parameters that differ by no more, or by half of the last digit of `params_b`, are those of the name's network."""
SAME_FRACTION: Final = 0.003
"""Parameters that differ by no more are the very network's, whatever the name says."""
OTHER_FRACTION: Final = 0.05
"""Parameters that differ by more are another network's."""
MOST_POSITIONS: Final = 10**6
"""Learned positions that a network may have."""
BILLION: Final = 1e9


@dataclass(frozen=True)
class RowModel:
    """The network of a row, and how what it is made of is known: stated, implied by params_b, or by name."""

    model: ModelFile
    known: Mapping[str, str]


def model_of(cells: Cells) -> RowModel:
    """The network of a row.  Raises Unmodelled for one that its columns and name do not tell.

    Without a column of experts, a name of `models` in the table of words is the network that ships, with as many layers as
    the row has; else a transformer by its columns.
    """
    name, layers = cells.get("model") or "", whole_of(cells, "layers", 0)
    has_experts = bool(whole_of(cells, "experts", 0))
    shipped = next((file for pattern, file in row_words().models.items() if re.search(pattern, name.lower())), None)
    if shipped is not None and not has_experts and not (layers and _is_plain(shipped)):
        return _shipped_row(cells, shipped, layers)
    if re.search(row_words().other_nets, name.lower()):
        raise Unmodelled(
            f"{name[:40]} is no plain transformer, and no network of that name ships", "no network of that name"
        )
    if cells.get("family") == "moe" and not has_experts:
        wanted = "experts, experts_active and expert_ffn_hidden would tell"
        raise Unmodelled(
            f"{name[:40]} is a mixture of experts whose experts the row does not tell: {wanted}", "experts not told"
        )
    if not layers:
        raise Unmodelled(f"the shape of {name[:40]} is not in the row, nor a model that ships", "shape not told")
    if cells.get("family") == "vision":
        raise Unmodelled(f"the image size of {name[:40]} is not in the row", "shape not told")
    return _by_columns(cells, name, layers)


def _is_plain(file: str) -> bool:
    """True for a network that ships whose shape the columns of a row can hold."""
    try:
        model = _shipped(file)
    except UnknownName:
        return False
    return isinstance(model, TransformerModel) and not (model.experts or model.latent or model.state_space or model.patches)


def _shipped_row(cells: Cells, file: str, layers: int) -> RowModel:
    """A network that ships, with the row's layers and its first dense ones."""
    name = (cells.get("model") or "").lower()
    try:
        whole = _shipped(file)
    except UnknownName:
        raise Unmodelled(f"the shape of {name[:40]} is not in the row, nor a model that ships", "shape not told") from None
    known = {"model": f"ships as {file}"}
    if not isinstance(whole, TransformerModel):
        return RowModel(whole, known)
    changes: dict[str, object] = {}
    reduced = bool(layers) and layers != whole.layers_count
    if "w/o mtp" in name or "without mtp" in name or (reduced and "mtp" not in name):
        changes["ahead_count"] = 0
    if reduced:
        if whole.state_space is not None:
            wrong = f"{layers} layers of {whole.title}, which has {whole.layers_count} of several kinds"
            raise Unmodelled(f"{wrong}: which of them the row does not tell", "layers not told")
        changes["layers_count"] = layers
        if whole.experts is not None:
            dense, how = _dense_layers(cells, whole, layers)
            changes["experts"] = whole.experts.model_dump() | {"dense_layers_count": dense}
            known["first_dense_layers"] = how
    model = TransformerModel.model_validate(whole.model_dump() | changes) if changes else whole
    if not reduced:
        _check_parameters(cells, model)
    return RowModel(model, known)


def _dense_layers(cells: Cells, whole: TransformerModel, layers: int) -> tuple[int, str]:
    """First layers without experts of a network of fewer layers, and how they are known.

    A column or the note of a row of this very network tells; else as many as its share of the layers, rounded up.
    """
    dense = whole.experts.dense_layers_count if whole.experts else 0
    if (cells.get("first_dense_layers") or "").strip():
        return whole_of(cells, "first_dense_layers", 0), "stated"
    if dense and (noted := number_in(cells, "dense_layers")) is not None:
        return noted, "stated in the note"
    return min(dense, -(-dense * layers // whole.layers_count)), "by share of the layers"


@cache
def _shipped(name: str) -> ModelFile:
    """A model that ships.  Raises UnknownName."""
    return read_model(name).record


def _by_columns(cells: Cells, name: str, layers: int) -> RowModel:
    """A transformer by its columns; what they leave open is what params_b implies, or else what the name says."""
    low, known = name.lower(), dict[str, str]()
    shape = _shape(cells, name, layers)
    stated = {key: yes_of(cells, key) for key in ("gated", "tied")}
    named = {key: bool(re.search(getattr(row_words(), key), low)) for key in stated}
    choices = {key: [named[key], not named[key]] if value is None else [value] for key, value in stated.items()}
    published = number_of(cells, "params_b")
    tokens = whole_of(cells, "seq_len", 0)
    positions = [0, tokens] if published and 0 < tokens <= MOST_POSITIONS else [0]
    models = [
        _transformer(shape, gated=gated, tied=tied, positions=count)
        for count, gated, tied in itertools.product(positions, choices["gated"], choices["tied"])
    ]
    chosen = _nearest(cells, models, published) if published else models[0]
    for key, value in stated.items():
        implied = "implied by params_b" if published else "by name"
        known[key] = "stated" if value is not None else implied
    _check_parameters(cells, chosen)
    return RowModel(chosen, known)


def _nearest(cells: Cells, models: list[TransformerModel], published_b: float) -> TransformerModel:
    """The first model, that of the name, where its parameters agree with those published; else the one that is nearest.

    Another that is the same to the digits goes before one that agrees roughly; learned positions, as many as the sequence is
    long, are taken only where they make it the same.
    """
    off = [_off_b(cells, model, published_b) for model in models]
    least = min(off)
    agrees = max(AGREES_FRACTION * published_b, _half_digit(cells))
    exact = max(SAME_FRACTION * published_b, _half_digit(cells))
    if off[0] <= exact or (off[0] <= agrees and least > exact):
        return models[0]
    without = [one for one, model in zip(off, models, strict=True) if not model.positions_count]
    return models[off.index(least if least <= exact else min(without))]


def _off_b(cells: Cells, model: TransformerModel, published_b: float) -> float:
    """How far the parameters of a network are from those published [billion].

    Where the vocabulary is not in the row, published are often those of the layers alone: then the nearer counts.
    """
    work = _counted(model)
    off = abs(work.parameters_count / BILLION - published_b)
    if whole_of(cells, "vocab", 0):
        return off
    layers = sum(layer.count * layer.parameters_count for layer in work.layers)
    return min(off, abs(layers / BILLION - published_b))


def _half_digit(cells: Cells) -> float:
    """Half of the last digit of `params_b` [billion]: what its rounding leaves open.

    >>> _half_digit({"params_b": "2.7"}), _half_digit({"params_b": "70"})
    (0.05, 0.5)
    """
    digits = (cells.get("params_b") or "").strip().partition(".")[2]
    return 0.5 * 10.0 ** -len(digits)


def _check_parameters(cells: Cells, model: ModelFile) -> None:
    """Raises Unmodelled where the network has other parameters than the row says."""
    published = number_of(cells, "params_b")
    if not published or not isinstance(model, TransformerModel):
        return
    if _off_b(cells, model, published) > max(OTHER_FRACTION * published, _half_digit(cells)):
        counted = _counted(model).parameters_count / BILLION
        wrong = f"read as {counted:,.4g} billion parameters, params_b is {published:g}"
        raise Unmodelled(f"{wrong}: columns gated, tied, head_dim or experts would tell", "parameters differ from params_b")


def _counted(model: TransformerModel) -> Work:
    """The work of a transformer, whatever the sample, for its parameters."""
    return transformer_work(model, model.patches.tokens_count if model.patches else 128)


@cache
def transformer_work(model: TransformerModel, tokens: int) -> Work:
    """The work of a transformer on a sample of so many tokens, kept after the first time."""
    return work_of(model, tokens)


Shape = tuple[tuple[str, object], ...]
"""Fields of a transformer that its columns hold."""


def _shape(cells: Cells, name: str, layers: int) -> Shape:
    """Fields of a transformer that the columns of a row hold.

    Raises Unmodelled for what is missing or does not divide.
    """
    hidden, heads = whole_of(cells, "hidden"), whole_of(cells, "heads")
    kv, head = whole_of(cells, "kv_heads", 0) or heads, whole_of(cells, "head_dim", 0)
    if (hidden % heads and not head) or heads % kv:
        wrong = f"{heads} heads with {kv} of keys do not divide a hidden size of {hidden}"
        raise Unmodelled(f"{wrong}: head_dim would tell", "heads do not divide")
    window = whole_of(cells, "window", 0)
    fields: dict[str, object] = {
        "title": name,
        "layers_count": layers,
        "hidden_size": hidden,
        "heads_count": heads,
        "kv_heads_count": kv,
        "stated_head_size": head or None,
        "inner_size": whole_of(cells, "ffn_hidden", 0) or 4 * hidden,
        "vocabulary_size": whole_of(cells, "vocab", 0) or 51200,
        "causal": not re.search(row_words().both_ways, name.lower()),
        "window": (window, layers) if window else None,
        "experts": _experts(cells, name),
    }
    return tuple(fields.items())


def _experts(cells: Cells, name: str) -> tuple[tuple[str, int], ...] | None:
    """Fields of the experts of a row; None for a dense network.  Raises Unmodelled where some are missing."""
    count = whole_of(cells, "experts", 0)
    if not count:
        return None
    active, inner = whole_of(cells, "experts_active", 0), whole_of(cells, "expert_ffn_hidden", 0)
    if not active or not inner:
        missing = [name for name, value in (("experts_active", active), ("expert_ffn_hidden", inner)) if not value]
        wrong = f"{name[:40]} has {count} experts and no " + " and ".join(missing)
        raise Unmodelled(f"{wrong}: write them in columns of that name", "experts not told")
    shared = whole_of(cells, "shared_experts", 0) * inner
    dense = whole_of(cells, "first_dense_layers", 0)
    return (
        ("count", count), ("active_count", active), ("inner_size", inner), ("shared_inner_size", shared),
        ("dense_layers_count", dense),
    )  # fmt: skip


@cache
def _transformer(shape: Shape, *, gated: bool, tied: bool, positions: int) -> TransformerModel:
    """The transformer of a shape.  Raises ValidationError for sizes that no model has."""
    fields = dict(shape)
    window, experts = fields.pop("window"), fields.pop("experts")
    if isinstance(window, tuple):
        fields["window"] = {"tokens_count": window[0], "layers_count": window[1]}
    if isinstance(experts, tuple):
        fields["experts"] = dict(experts)
    return TransformerModel.model_validate(
        {
            "kind": "model",
            "name": "row",
            "family": "transformer",
            "gated": gated,
            "tied": tied,
            "positions_count": positions,
            **fields,
        }
    )
