"""The work of networks that fold proteins: an alignment of sequences beside pairs of residues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.describe import EvoformerModel
from terp.physics.neural.work import AttentionWork, Layer, Product, Work


@dataclass(frozen=True)
class FoldingBytes:
    """Bytes a value that a part of a block moves beside its GEMM, and of an activation inside a part, in 16 bits."""

    PLACE: ClassVar[str] = "networks.proteins"
    passes_bytes: float
    wide_bytes: float


def _bytes() -> FoldingBytes:
    return constants(FoldingBytes)


@dataclass(frozen=True)
class _Part:
    """A part of a block: its products, what is attention or multiplies activations with each other, and its bytes."""

    products: tuple[Product, ...]
    attention: tuple[AttentionWork, ...] = ()
    moved_bytes: float = 0.0
    kept_bytes: float = 0.0
    scores_bytes: float = 0.0
    other_parameters_count: int = 0
    launches_count: int = 12


def evoformer_work(model: EvoformerModel, _: int) -> Work:
    """The work of one pass of the network on a crop of r residues and s sequences; embedding and structure are left out.

    A block: attention along the rows of the alignment, biased by pairs, and along its columns; a transition; an outer
    product to pairs; two triangle multiplications, two triangle attentions and a transition of pairs.  A multiplication of
    activations with each other is counted as attention without values: r x r queries and keys of size r in every channel.
    """
    residues = model.residues_count
    layers = []
    if model.extra_sequences_count and model.extra_layers_count:
        layers.append(_block(model, "extra", model.extra_layers_count, model.extra_sequences_count, model.extra_size))
    layers.append(_block(model, "block", model.layers_count, model.sequences_count, model.alignment_size))
    single = Product(float(residues), model.single_size, model.alignment_size)
    head = Layer("head", 1, (single,), other_parameters_count=model.single_size, launches_count=2)
    alignment = residues * model.sequences_count * model.alignment_size
    pairs = residues**2 * model.pair_size
    letters = residues * (model.sequences_count + model.extra_sequences_count)
    return Work(tuple(layers), head, 0, 0, 2.0 * (alignment + pairs), 4.0 * letters)


def _block(model: EvoformerModel, name: str, count: int, sequences: int, channels: int) -> Layer:
    """A block of the stack, or of the narrower one before it, whose columns see only their mean."""
    parts = [
        _rows(model, sequences, channels),
        _means(model, sequences, channels) if name == "extra" else _columns(model, sequences, channels),
        _transition(float(sequences * model.residues_count), channels, model.transition_count),
        _outer(model, sequences, channels),
        *(2 * [_triangle(model)]),
        *(2 * [_pair_attention(model)]),
        _transition(float(model.residues_count**2), model.pair_size, model.transition_count),
    ]
    return Layer(
        name=name,
        count=count,
        products=tuple(product for part in parts for product in part.products),
        attention=tuple(work for part in parts for work in part.attention),
        moved_bytes=sum(part.moved_bytes for part in parts),
        kept_residual_bytes=sum(part.kept_bytes for part in parts),
        scores_bytes=sum(part.scores_bytes for part in parts),
        other_parameters_count=sum(part.other_parameters_count for part in parts),
        launches_count=sum(part.launches_count for part in parts),
    )


def _gated(rows: float, channels: int) -> tuple[Product, ...]:
    """Queries, keys and values, the gate, and the way out of gated attention."""
    wide = Product(rows, 3 * channels, channels, split="columns")
    return (wide, Product(rows, channels, channels, split="columns"), Product(rows, channels, channels, split="depth"))


def _attended(tokens: int, groups: int, channels: int, heads: int, bias: tuple[float, int] | None) -> _Part:
    """Gated attention of `tokens` in `groups`; a bias of pairs costs a product, a norm and bytes a score."""
    rows, size = float(tokens * groups), channels // heads
    biases = (Product(bias[0], heads, bias[1]),) if bias else ()
    scores = float(heads * groups * tokens**2)
    return _Part(
        products=(*_gated(rows, channels), *biases),
        attention=(AttentionWork(tokens, tokens, heads, heads, size, size, causal=False, groups_count=groups),),
        moved_bytes=(_bytes().passes_bytes + 4 * _bytes().wide_bytes) * rows * channels
        + (6.0 * bias[0] * bias[1] if bias else 0.0),
        kept_bytes=14.0 * rows * channels + (2.0 * bias[0] * bias[1] if bias else 0.0),
        scores_bytes=4.0 * scores,
        other_parameters_count=4 * channels + (2 * bias[1] if bias else 0),
        launches_count=16,
    )


def _rows(model: EvoformerModel, sequences: int, channels: int) -> _Part:
    bias = (float(model.residues_count**2), model.pair_size)
    return _attended(model.residues_count, sequences, channels, model.heads_count, bias)


def _columns(model: EvoformerModel, sequences: int, channels: int) -> _Part:
    return _attended(sequences, model.residues_count, channels, model.heads_count, None)


def _means(model: EvoformerModel, sequences: int, channels: int) -> _Part:
    """Attention of the mean of a column over it: one query, keys and values of one head."""
    rows, residues = float(sequences * model.residues_count), float(model.residues_count)
    size = channels // model.heads_count
    return _Part(
        products=(
            Product(residues, channels, channels),
            Product(rows, 2 * size, channels),
            Product(rows, channels, channels, split="columns"),
            Product(rows, channels, channels, split="depth"),
        ),
        attention=(
            AttentionWork(1, sequences, model.heads_count, 1, size, size, causal=False, groups_count=model.residues_count),
        ),
        moved_bytes=(_bytes().passes_bytes + 2 * _bytes().wide_bytes) * rows * channels,
        kept_bytes=10.0 * rows * channels,
        other_parameters_count=4 * channels,
        launches_count=16,
    )


def _pair_attention(model: EvoformerModel) -> _Part:
    r = model.residues_count
    rows = (float(r * r), model.pair_size)
    part = _attended(r, r, model.pair_size, model.pair_heads_count, rows)
    other = part.other_parameters_count - 2 * model.pair_size
    return _Part(
        part.products, part.attention, part.moved_bytes, part.kept_bytes, part.scores_bytes, other, part.launches_count
    )


def _transition(rows: float, channels: int, wider: int) -> _Part:
    """Two products over an inner size."""
    inner = channels * wider
    return _Part(
        products=(Product(rows, inner, channels, split="columns"), Product(rows, channels, inner, split="depth")),
        moved_bytes=(_bytes().passes_bytes * channels + _bytes().wide_bytes * inner) * rows,
        kept_bytes=rows * (4.0 * channels + 2.0 * inner),
        other_parameters_count=3 * channels + inner,
        launches_count=6,
    )


def _outer(model: EvoformerModel, sequences: int, channels: int) -> _Part:
    """Mean over the sequences of the outer product of two narrow projections, for every pair of residues."""
    r, c, z = model.residues_count, model.outer_size, model.pair_size
    rows, pairs = float(sequences * r), float(r * r)
    return _Part(
        products=(Product(rows, 2 * c, channels), Product(pairs, z, c * c)),
        attention=(AttentionWork(r * c, r * c, 1, 1, sequences, 0, causal=False),),
        moved_bytes=6.0 * rows * channels + _bytes().wide_bytes * pairs * c * c + 8.0 * pairs * z,
        kept_bytes=2.0 * rows * channels + 4.0 * rows * c + 2.0 * pairs * c * c,
        other_parameters_count=2 * channels + 2 * c + z,
        launches_count=10,
    )


def _triangle(model: EvoformerModel) -> _Part:
    """Pairs i k times pairs j k over all k, in every channel, between gated projections."""
    r, z = model.residues_count, model.pair_size
    pairs = float(r * r)
    return _Part(
        products=(Product(pairs, 5 * z, z), Product(pairs, z, z)),
        attention=(AttentionWork(r, r, z, z, r, 0, causal=False),),
        moved_bytes=(_bytes().passes_bytes + 6 * _bytes().wide_bytes) * pairs * z,
        kept_bytes=18.0 * pairs * z,
        other_parameters_count=10 * z,
        launches_count=18,
    )
