"""The work of a transformer: dense or of experts, with full, shared or latent keys, on words or patches, and of
state-space layers between its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.describe import Latent, StateSpace, TransformerModel
from terp.physics.neural.work import AttentionWork, Layer, Product, Work


@dataclass(frozen=True)
class TransformerConstants:
    """Kernels of half a layer forward, not compiled; inner over hidden size from which experts are divided by tensor
    parallelism too; tokens that a state-space layer treats as attention among themselves.
    """

    PLACE: ClassVar[str] = "networks.transformers"
    sublayer_launches_count: int
    large_expert_ratio: float
    scan_chunk_count: int


@dataclass(frozen=True)
class _Part:
    """Attention, inner products or a state-space scan: half of a layer, or a layer of its own."""

    products: tuple[Product, ...]
    attention: tuple[AttentionWork, ...] = ()
    inner_values_count: float = 0.0
    kept_inner_bytes: float = 0.0
    input_inner_bytes: float = 0.0
    activated_bytes: float = 0.0
    scores_bytes: float = 0.0


def transformer_work(model: TransformerModel, tokens: int) -> Work:
    """The work of a transformer on sequences of `tokens`; of patches, on its own images.

    Products are those of queries, keys and values, output, and inner; experts run `active` times a token's rows.
    Attention counts what is not masked.  Kept bytes as in Korthikanti 2022, without dropout masks.

    model    the description;  tokens   of a sequence; images have as many patches as their file says
    """
    s = model.patches.tokens_count if model.patches else tokens
    layers, head = _with_small(model, _layers(model, s), _head(model, s))
    h, narrow = model.hidden_size, model.embedding_size or model.hidden_size
    widen = 0 if narrow == h else narrow * h
    return Work(
        layers=layers,
        head=head,
        embedding_parameters_count=model.vocabulary_size * narrow + widen + model.positions_count * h,
        tokens_count=0 if model.patches else s,
        residual_bytes=2.0 * s * model.hidden_size,
        input_bytes=4.0 * s if model.patches is None else 4.0 * s * model.patches.channels_count * model.patches.size**2,
        tied=model.tied,
    )


def _with_small(model: TransformerModel, layers: list[Layer], head: Layer) -> tuple[tuple[Layer, ...], Layer]:
    """Layers and head with the parameters in no product that the model counts, spread evenly over the layers."""
    if model.small_parameters_count is None:
        return tuple(layers), head
    each, rest = divmod(model.small_parameters_count, sum(layer.count for layer in layers))
    even = tuple(replace(layer, other_parameters_count=each) for layer in layers)
    return even, replace(head, other_parameters_count=rest)


def _head(model: TransformerModel, s: int) -> Layer:
    """Logits, of the tokens to come as well, or what comes out of patches; the last of its products is theirs.

    Patches of which neither is asked have none.  A layer ahead joins the state of a token with the embedding of the next
    one, by a product of 2 h x h.
    """
    h, rows, columns = model.hidden_size, float(s), model.vocabulary_size
    if model.patches:
        columns = model.patches.outputs_count or model.patches.classes_count
        rows = float(s) if model.patches.outputs_count else 1.0
    rows *= 1 + model.ahead_count
    joined = (Product(float(s), h, 2 * h, count=model.ahead_count),) if model.ahead_count else ()
    narrow = model.embedding_size or h
    narrowed = (Product(rows, narrow, h),) if narrow != h else ()
    return Layer(
        "head",
        1,
        (*joined, *narrowed, Product(rows, columns, narrow, split="columns")) if columns else (),
        residual_values_count=float(s * h),
        inner_values_count=rows * columns,
        other_parameters_count=h,
    )


def _layers(model: TransformerModel, s: int) -> list[Layer]:
    """The layers, in groups of like ones."""
    found = []
    if model.patches:
        pixels = model.patches.channels_count * model.patches.size**2
        cut = Product(float(s), model.hidden_size, pixels)
        found.append(Layer("patches", 1, (cut,), residual_values_count=float(s * model.hidden_size), launches_count=3))
    if model.state_space:
        return found + _hybrid(model, model.state_space, s)
    experts, windowed = model.experts, model.window.layers_count if model.window else 0
    layers = model.layers_count + model.ahead_count
    dense = layers if experts is None else experts.dense_layers_count
    if experts is not None and experts.every_count > 1:
        dense = layers - (layers - dense) // experts.every_count
    of_experts = layers - dense
    for name, count, inner in (("dense", dense, _inner(model, s)), ("experts", of_experts, _experts(model, s))):
        narrow = round(count * windowed / layers)
        for part, many, window in ((name, count - narrow, 0), (f"{name}, windowed", narrow, windowed)):
            if many and inner:
                seen = model.window.tokens_count if window and model.window else 0
                found.append(_layer(part, many, model.hidden_size, s, (_attention(model, s, seen), inner)))
    return found


def _layer(name: str, count: int, hidden: int, s: int, parts: tuple[_Part, ...]) -> Layer:
    """A layer of one part or two, each behind a norm and added to what it came from."""
    return Layer(
        name=name,
        count=count,
        products=tuple(product for part in parts for product in part.products),
        attention=tuple(work for part in parts for work in part.attention),
        residual_values_count=float(len(parts) * s * hidden),
        inner_values_count=sum(part.inner_values_count for part in parts),
        kept_residual_bytes=2.0 * len(parts) * s * hidden,
        kept_inner_bytes=sum(part.kept_inner_bytes for part in parts),
        input_residual_bytes=2.0 * len(parts) * s * hidden,
        input_inner_bytes=sum(part.input_inner_bytes for part in parts),
        activated_bytes=sum(part.activated_bytes for part in parts),
        scores_bytes=sum(part.scores_bytes for part in parts),
        other_parameters_count=len(parts) * hidden,
        launches_count=constants(TransformerConstants).sublayer_launches_count * len(parts),
        exchanges_count=len(parts),
    )


def _attention(model: TransformerModel, s: int, window: int = 0) -> _Part:
    """Attention with its projections; a window narrows what is seen."""
    h, a, kv, d = model.hidden_size, model.heads_count, model.kv_count, model.head_size
    value = d
    if model.latent:
        d, value = model.latent.plain_size + model.latent.rotary_size, model.latent.values_size
        kv = a
        projections = _latent(model.latent, h, a, s)
    else:
        queries = 2 * a if model.attention_gate else a
        projections = (Product(float(s), (queries + 2 * kv) * d, h, split="columns", parts_count=3),)
    wide = a * d * (2 if model.attention_gate else 1) + kv * (d + value)
    return _Part(
        products=(*projections, Product(float(s), h, a * value, split="depth")),
        attention=(AttentionWork(s, s, a, kv, d, value, model.causal, window_size=window, sinks=model.sinks),),
        inner_values_count=float(s * 2 * wide),
        kept_inner_bytes=2.0 * s * (wide + a * value),
        scores_bytes=5.0 * a * s * s,
    )


def _latent(latent: Latent, h: int, a: int, s: int) -> tuple[Product, ...]:
    """Queries, keys and values by way of their ranks; the narrow products are not divided."""
    rows, size = float(s), latent.plain_size + latent.rotary_size
    queries = (
        (Product(rows, latent.query_size, h), Product(rows, a * size, latent.query_size, split="columns"))
        if latent.query_size
        else (Product(rows, a * size, h, split="columns"),)
    )
    down = Product(rows, latent.keys_size + latent.rotary_size, h)
    up = Product(rows, a * (latent.plain_size + latent.values_size), latent.keys_size, split="columns")
    return (*queries, down, up)


def _inner(model: TransformerModel, s: int, size: int | None = None) -> _Part:
    """The two inner products, the first twice as wide where it is gated."""
    h, f = model.hidden_size, model.inner_size if size is None else size
    wide = f * (2 if model.gated else 1)
    return _Part(
        products=(
            Product(float(s), wide, h, split="columns", parts_count=2 if model.gated else 1, inner=True),
            Product(float(s), h, f, split="depth", inner=True),
        ),
        inner_values_count=float(s * (wide + f)),
        kept_inner_bytes=2.0 * s * wide,
        input_inner_bytes=2.0 * s * f,
        activated_bytes=2.0 * s * wide,
    )


def _experts(model: TransformerModel, s: int) -> _Part | None:
    """Router, experts and what all tokens share; rows are sorted to their experts and back."""
    if model.experts is None:
        return None
    h, experts = model.hidden_size, model.experts
    width = experts.latent_size or h
    narrow = (Product(float(s), width, h), Product(float(s), h, width)) if experts.latent_size else ()
    rows, wide = float(s * experts.active_count), experts.inner_size * (2 if model.gated else 1)
    large = experts.inner_size >= constants(TransformerConstants).large_expert_ratio * h
    shared = _inner(model, s, experts.shared_inner_size) if experts.shared_inner_size else _Part(())
    return _Part(
        products=(
            Product(float(s), experts.count, h),
            *narrow,
            Product(rows, wide, width, split="experts", count=experts.count, large=large),
            Product(rows, width, experts.inner_size, split="experts", count=experts.count, second=True, large=large),
            *shared.products,
        ),
        inner_values_count=rows * (wide + experts.inner_size + 4 * width) + shared.inner_values_count,
        kept_inner_bytes=2.0 * rows * wide + shared.kept_inner_bytes,
        input_inner_bytes=2.0 * rows * (experts.inner_size + width) + shared.input_inner_bytes,
        activated_bytes=2.0 * rows * wide + shared.activated_bytes,
    )


def _hybrid(model: TransformerModel, states: StateSpace, s: int) -> list[Layer]:
    """State-space layers, and the others, each of one part, or with inner products behind where they are paired.

    Layers ahead are one of attention and one of inner products each.
    """
    inner = _experts(model, s) or _inner(model, s)
    behind = (inner,) if states.paired else ()
    ahead = model.ahead_count
    kinds = (
        ("state space", states.layers_count, (_scan(model, states, s), *behind)),
        ("attention", states.attention_layers_count + ahead, (_attention(model, s), *behind)),
        ("inner", states.inner_layers_count + (0 if states.paired else ahead), (inner,)),
    )
    return [_layer(name, count, model.hidden_size, s, parts) for name, count, parts in kinds if count]


def _scan(model: TransformerModel, states: StateSpace, s: int) -> _Part:
    """A Mamba-2 layer: one wide product in, a short convolution, the scan in chunks, one product out.

    A chunk is attention among its tokens with keys of the state's size; what chunks hand on is as much work as
    2 n d / (n + d) keys more a token, n the state and d the head's size.
    """
    h, n, d, heads = model.hidden_size, states.state_size, states.head_size, states.heads_count
    inner, shared = heads * d, 2 * states.groups_count * n
    wide = 2 * inner + shared + heads
    chunk = min(constants(TransformerConstants).scan_chunk_count, s)
    chunks = max(s // chunk, 1)
    within = AttentionWork(
        chunk, chunk, heads, states.groups_count, n, d, causal=True, groups_count=chunks, scan=True
    )  # fmt: skip
    between = replace(within, context_count=round(2 * n * d / (n + d)), causal=False)
    return _Part(
        products=(Product(float(s), wide, h, split="columns"), Product(float(s), h, inner, split="depth")),
        attention=(within, between),
        inner_values_count=float(s * (wide + 2 * states.window_size * (inner + shared) + 4 * inner)),
        kept_inner_bytes=2.0 * s * (wide + 3 * inner),
    )
