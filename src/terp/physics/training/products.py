"""The matrix products of a micro-batch on one GPU: their sizes, and how long each takes at any clock.

A product C = A B has m rows (tokens or points), n columns and depth k.  A training step does each forward, once more for the
gradient of its input and once more for that of its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.convolution_rates import convolution
from terp.physics.gpu.kernels import KernelConstants, product_bytes, tiled_s
from terp.physics.gpu.precisions import is_reduced, peak_flop_per_s, precision_named
from terp.physics.neural.work import Product, Work
from terp.physics.training.software import Generation

FORWARD, BACKWARD, HEAD = range(3)


@dataclass(frozen=True)
class LayerConstants:
    """Of a layer's work on one GPU.

    memory_rate_fraction    of work that only moves bytes, over the memory's
    unfused_bytes           of a score of attention that is not fused, forward and backward
    unfused_rate_fraction   of the peak, of attention's GEMM that are not fused
    attention_energy_ratio  of attention's flops over those of GEMM, exponentials included
    sinks_kernel            attention kernel of heads with sinks
    scan_ratio              time of a state-space scan over that of attention of as many flops
    window_block_count      queries that a kernel takes at once, so that a window costs so many keys more
    adapter_rank_count      inner size of adapters where none is given
    adapter_moved_bytes     that an adapter moves of each of its results and of its inputs, forward: added up, dropped out
    merge_bytes             of a result of attention whose keys pass round a ring
    least_depth_count       GEMM as narrow as this stay in 16 bits
    """

    PLACE: ClassVar[str] = "training.layers"
    memory_rate_fraction: float
    unfused_bytes: tuple[float, float]
    unfused_rate_fraction: float
    attention_energy_ratio: float
    merge_bytes: float
    least_depth_count: int
    sinks_kernel: str
    scan_ratio: float
    window_block_count: int
    adapter_rank_count: int
    adapter_moved_bytes: tuple[float, float]


@dataclass(frozen=True)
class Share:
    """One GPU's share of a micro-batch: its samples, and over how many GPUs each layer is divided.

    adapters   only adapters are trained: the weights have no gradients

    samples_count   of the micro-batch;  tensor_count, context_count, expert_count   GPUs that share a layer
    precision       of the large GEMM;  sequence_parallel   values at the ends of layers are divided too
    rank_count      inner size of the adapters; None for the usual one
    tensor_overlap  whether exchanges of tensor parallelism hide behind products; None for the software's usual
    data_overlap    whether exchanges of gradients and weights do; None for the software's usual
    dispatcher      how tokens go to their experts, a name of `DISPATCHERS`; None for the software's usual
    context_kind    how context parallelism exchanges: keys round a "ring", or "heads" for tokens (Ulysses)
    expert_tensor_count  GPUs that share each expert; None for the usual: as `tensor_count` where experts are large
    """

    samples_count: float
    tensor_count: int = 1
    context_count: int = 1
    expert_count: int = 1
    sequence_parallel: bool = True
    precision: str = "bf16"
    adapters: bool = False
    rank_count: int | None = None
    tensor_overlap: bool | None = None
    data_overlap: bool | None = None
    dispatcher: str | None = None
    context_kind: str = "ring"
    expert_tensor_count: int | None = None

    @property
    def inner(self) -> float:
        """Samples' worth of the values between products that the GPU has."""
        return self.samples_count / self.context_count / self.tensor_count

    @property
    def residual(self) -> float:
        """Samples' worth of the values at the ends of layers that it has."""
        return self.inner if self.sequence_parallel else self.samples_count / self.context_count


class _Entry(NamedTuple):
    """A product to be done: C = A B with A of m x k; times, precision, phase, rate over the usual, a convolution's taps."""

    m: float
    n: float
    k: float
    times: float
    precision: str
    phase: int
    rate: float
    taps: int
    read: float


@dataclass(frozen=True)
class Products:
    """All products of a micro-batch: time that follows the clock, at that of the peak, and other [s], an entry each; flops,
    as of BF16; bytes of the memory, and bytes that convolutions fetch from the cache.
    """

    clocked_s: Floats
    other_s: Floats
    phase: NDArray[np.int64]
    energy_flop: float
    moved_bytes: float
    fetched_bytes: float


def products_of(chip: Accelerator, work: Work, share: Share, generation: Generation) -> Products:
    """Times of all products forward and, two for each, backward.  launch + max(tiles, bytes / W), at the clock of the peak.

    Convolutions have tiles of their own; FP32 runs on the vector units, at its peak.

    work         of one sample;  share   one GPU's part of a micro-batch
    generation   gives the launch of a product [s] and the rate in a step over that alone

    Arrays of the result have one entry a product.  Raises UnknownName for a precision that the chip has no GEMM in.
    """
    table = _entries(work, share, generation)
    m, n, k, times = (np.array([row[column] for row in table], np.float64) for column in range(4))
    names = [row.precision for row in table]

    known = {name: precision_named(name) for name in set(names)}

    def by_precision(value: Callable[[str], float | None]) -> Floats:
        each = {name: value(name) for name in known}
        return np.array([each[name] for name in names], np.float64)

    peaks = by_precision(lambda name: peak_flop_per_s(chip, name))
    issued = by_precision(lambda name: known[name].issue_fraction)
    share_of_alone = generation.products_share.get(chip.architecture, architecture_of(chip).steps_fraction)
    rate = share_of_alone * np.array([row.rate for row in table])
    computed = tiled_s(chip, peaks, issued, m, n, k) / rate
    moved_bytes = product_bytes(m, n, k, by_precision(lambda name: known[name].operand_bytes))
    folded = np.array([row.taps for row in table]) > 1
    fetched_bytes = np.zeros(len(table))
    if folded.any():
        issue = precision_named("bf16").issue_fraction or 1.0
        took_s, fetched_bytes[folded] = convolution(chip, m[folded], n[folded], k[folded], issue)
        computed[folded] = took_s / rate[folded]
        moved_bytes[folded] = 2.0 * np.array([row.read for row in table])[folded]
    vector = np.array([name == "fp32" for name in names])
    computed[vector] = (2 * m * n * k / peaks)[vector] / issued[vector]
    moved = moved_bytes / (constants(KernelConstants).gemm.read_fraction * chip.memory_rate_bytes_per_s)
    bound = computed > moved
    return Products(
        clocked_s=np.where(bound, computed, 0.0) * times,
        other_s=(np.where(bound, 0.0, moved) + generation.launch_s) * times,
        phase=np.array([row.phase for row in table]),
        energy_flop=float((2 * m * n * k * times * by_precision(lambda name: known[name].energy_ratio)).sum()),
        moved_bytes=float((moved_bytes * times).sum()),
        fetched_bytes=float((fetched_bytes * times).sum()),
    )


def _entries(work: Work, share: Share, generation: Generation) -> list[_Entry]:
    """Each product forward, and backward for what came in, unless that is data, and for its weights, unless they are frozen.

    The head's stay in 16 bits.
    """
    plain = "bf16" if is_reduced(share.precision) else share.precision
    table = []
    for layer in (*work.layers, work.head):
        last = layer is work.head
        first, back = (HEAD, HEAD) if last else (FORWARD, BACKWARD)
        for product in layer.products:
            precision = product.precision or (share.precision if is_cast(product) and not last else plain)
            rate = generation.experts_ratio if product.split == "experts" else 1.0
            m, n, k, each = sizes_of(product, share)
            taps, times = product.taps_count, each * layer.count
            rest = (rate, taps, m * k / taps + n * k + m * n)
            table.append(_Entry(m, n, k, times, precision, first, *rest))
            if not product.leaf:
                table.append(_Entry(m, k / taps, n * taps, times, precision, back, *rest))
            if not share.adapters:
                table.append(_Entry(k, n, m, times, precision, back, *rest))
            elif has_adapter(product, generation) and not last:
                table += _adapter_entries(product, share, generation, times, plain)
    return table


def has_adapter(product: Product, generation: Generation) -> bool:
    """True for a product that a recipe of the software puts an adapter beside: of the layers, routers and experts aside."""
    return product.split in ("columns", "depth") and (generation.adapters_inner or not product.inner)


def adapter_rank(share: Share) -> int:
    """Inner size of the adapters [-]: as given, or the usual one."""
    return constants(LayerConstants).adapter_rank_count if share.rank_count is None else share.rank_count


def adapters_beside(product: Product, generation: Generation) -> int:
    """Adapters beside a product [-]: one for each part that shares its input, or one where the software fuses them."""
    return 1 if generation.adapters_fused else product.parts_count


def _adapter_entries(product: Product, share: Share, generation: Generation, times: float, precision: str) -> list[_Entry]:
    """The two thin products of an adapter forward, and for both the gradient of its input and that of its weights.

    Parts that share an input have one each, unless they are fused.  Tensor parallelism divides them as it does the product.
    """
    m, n, k, _ = sizes_of(product, share)
    rank, parts = float(adapter_rank(share)), adapters_beside(product, generation)
    thin = []
    for columns, depth, count in ((rank, k, times * parts), (n / parts, rank, times * parts)):
        rest = (1.0, 1, m * depth + columns * depth + m * columns)
        for rows, wide, deep, phase in (
            (m, columns, depth, FORWARD),
            (m, depth, columns, BACKWARD),
            (depth, columns, m, BACKWARD),
        ):
            thin.append(_Entry(rows, wide, deep, count, precision, phase, *rest))
    return thin


def is_cast(product: Product) -> bool:
    """True for a product that FP8 and FP4 apply to."""
    return (
        product.split != "none"
        and min(product.depth_count, product.columns_count) > constants(LayerConstants).least_depth_count
    )


def sizes_of(product: Product, share: Share) -> tuple[float, float, float, float]:
    """m, n, k of a product on one GPU, and how many of these it has.

    Expert parallelism gives each GPU some whole experts, and tokens of all GPUs of its group; tensor parallelism divides
    large ones further, and all where there is no expert parallelism.

    Sizes may be fractions: of a micro-batch that does not divide evenly each GPU is given the mean.
    """
    t, e = share.tensor_count, share.expert_count
    rows = product.rows_count * share.samples_count / share.context_count
    if product.split == "experts":
        here, over = product.count / e, _expert_tensor(product, share)
        each = rows * over / t / here
        return (
            (each, product.columns_count, product.depth_count / over, here)
            if product.second
            else (each, product.columns_count / over, product.depth_count, here)
        )
    if product.split == "depth":
        return rows, product.columns_count, product.depth_count / t, product.count
    if product.split == "none":
        return rows / (t if share.sequence_parallel else 1), product.columns_count, product.depth_count, product.count
    return rows, product.columns_count / t, product.depth_count, product.count


def _expert_tensor(product: Product, share: Share) -> int:
    """GPUs that share each expert: as asked for, else those of tensor parallelism where nothing else divides it."""
    if share.expert_tensor_count is not None:
        return min(share.expert_tensor_count, share.tensor_count)
    return share.tensor_count if share.expert_count == 1 or product.large else 1


def expert_division(product: Product, share: Share) -> int:
    """GPUs that the experts of a product are divided over."""
    return share.expert_count * _expert_tensor(product, share)
