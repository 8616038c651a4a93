"""How long one kernel takes on one GPU: matrix products, attention, and work that only moves memory.

Each is a roofline with the structure of the chip: tiles in waves over its multiprocessors, bytes at its memory rate, and
a floor for the launch.  Chips differ by their numbers in the catalogue, software by its own constants, all of kernels.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.errors import Problem, Problems, UnknownName
from terp.physics.gpu.architectures import Tiling, architecture_of
from terp.physics.gpu.precisions import half_peak_flop_per_s, peak_flop_per_s, precision_named, precisions_of

TILES: Final = ((128, 256), (128, 128), (64, 128), (64, 64))
SPLITS: Final = (1, 2, 4, 8, 16)
STEP: Final = 64
_HIGH, _WIDE, _SPLIT = (
    np.array(column, np.float64)[:, None]
    for column in zip(*((*tile, part) for tile in TILES for part in SPLITS), strict=True)
)
_ADDED: Final = np.where(_SPLIT > 1, 4 * _SPLIT, 0.0)
"""Tiles and splits, each with each; bytes a result that is added up from parts."""


@dataclass(frozen=True)
class Attention:
    """An attention kernel on an architecture.

    peak_fraction    of the BF16 peak, by head size;  backward_peak_fraction  the backward's rate over the forward's
    causal_rows_ratio, full_rows_ratio   tokens that a row costs beyond its own, causal and not
    backward_rows_ratio   how many times more the rows cost the backward
    """

    peak_fraction: Mapping[int, float]
    causal_rows_ratio: float
    full_rows_ratio: float
    backward_peak_fraction: float | None = None
    backward_rows_ratio: float = 1.0


@dataclass(frozen=True)
class AttentionScale:
    """A kernel on another architecture: its share of the peak and its rows over those on a Hopper."""

    peak_ratio: float
    rows_ratio: float


@dataclass(frozen=True)
class AttentionKernel:
    """A kernel on a Hopper, on others where it is known there, and on others as it is scaled to them."""

    hopper: Attention
    others: Mapping[str, Attention] = field(default_factory=dict)
    scaled: Mapping[str, AttentionScale] = field(default_factory=dict)

    def on(self, architecture: str) -> Attention:
        """The kernel on an architecture; where nothing is known of it there, as on a Hopper."""
        if architecture in self.scaled:
            by, base = self.scaled[architecture], self.hopper
            return replace(
                base,
                peak_fraction={size: by.peak_ratio * value for size, value in base.peak_fraction.items()},
                causal_rows_ratio=by.rows_ratio * base.causal_rows_ratio,
                full_rows_ratio=by.rows_ratio * base.full_rows_ratio,
            )
        return self.others.get(architecture, self.hopper)


@dataclass(frozen=True)
class KernelSoftware:
    """What kernels cost in one software.

    host_s        least time between two launches from the host; 0 where launches are recorded
    launch_s      time that a GEMM takes beyond its arithmetic
    attention_launch_s  the same of attention
    busy_fraction  by precision: rate over peak at boost when all multiprocessors are busy, by power-limited clock and issue
    attention     its kernels
    """

    host_s: float
    launch_s: float
    attention_launch_s: float
    busy_fraction: Mapping[str, float]
    attention: tuple[str, ...]


@dataclass(frozen=True)
class GemmConstants:
    """Of GEMM and attention on all architectures.

    extra_depth_ratio   prologue and epilogue of a tile, as so much more depth
    read_fraction       of the memory rate, what GEMM reaches;  attention_read_fraction  what short attention does
    """

    extra_depth_ratio: float
    read_fraction: float
    attention_read_fraction: float


@dataclass(frozen=True)
class StreamConstants:
    """Of work that only moves memory: least time between launches; share of the memory rate by kind of work; the size that
    fits the cache between two launches, and the rate of such work over the memory's.
    """

    host_s: float
    memory_fraction: Mapping[str, float]
    cache_bytes: float
    cache_rate_ratio: float


@dataclass(frozen=True)
class ConvolutionConstants:
    """Of convolutions: bytes that a multiprocessor fetches per clock for their tiles; and of norms over planes: time of a
    block of threads for its next points, points at once, and blocks that a multiprocessor holds.
    """

    fetch_bytes: float
    pass_s: float
    block_points_count: int
    blocks_count: int


@dataclass(frozen=True)
class KernelConstants:
    """All constants of kernels; those of architectures stand apart."""

    PLACE: ClassVar[str] = "kernels"
    gemm: GemmConstants
    stream: StreamConstants
    convolution: ConvolutionConstants
    attention: Mapping[str, AttentionKernel]
    software: Mapping[str, KernelSoftware]

    @cached_property
    def kernels(self) -> dict[tuple[str, str], Attention]:
        """Kernels by name and architecture, as far as they were asked for."""
        return {}

    def attention_on(self, kernel: str, architecture: str) -> Attention:
        """A kernel on an architecture."""
        key = (kernel, architecture)
        if key not in self.kernels:
            self.kernels[key] = self.attention[kernel].on(architecture)
        return self.kernels[key]


def software_named(name: str) -> KernelSoftware:
    """A software by name.  Raises UnknownName."""
    known = constants(KernelConstants).software
    if name not in known:
        raise UnknownName("software", name, known)
    return known[name]


def gemm_s(
    accelerator: Accelerator, m: ArrayLike, n: ArrayLike, k: ArrayLike, *, precision: str = "bf16",
    software: str = "torch-eager",
) -> Floats:  # fmt: skip
    """Time of C = A B with A of m x k and B of k x n [s].  T = max(host, launch + longer + x shorter)

    longer, shorter   of compute and memory; x  share that does not hide

    compute   best over tiles a x b and splits s of k:  waves 2 a b (k/s + e) / (p/SMs) / (1 - (1 - u) occupancy)
              waves = ceil(ceil(m/a) ceil(n/b) s / SMs), occupancy of them 0 to 1; a split adds m n 4 s / (r W)
    memory    (m k + k n) bytes + m n out, over q W
    p, W      peak at boost [flop/s], memory rate [B/s]
    u         share of the peak that a full chip keeps under its power cap [-]
    e, q      extra depth of a tile, rate of reading over W [-], fitted on one chip
    x, r      share that does not hide, rate of reduction over W; these, u's and the launch's ratios by architecture [-]

    Shapes broadcast.  Raises UnknownName for a software, Problems for a precision that chip or software does not have.
    Fitted in one library, bf16; the peaks, rates and multiprocessors of other chips carry it over.

    accelerator   the chip;  m, n, k   sizes, numbers or arrays
    precision     one that both chip and software have GEMM in;  software   a key of `kernels.software`
    """
    ran = software_named(software)
    known = [name for name in precisions_of(accelerator) if name in ran.busy_fraction]
    if precision not in known:
        wrong = f"{software} has no {precision} products on {accelerator.title}"
        raise Problems([Problem("", 0, 0, "", wrong, would_do="known: " + ", ".join(sorted(known)))])
    peak, of, gemm = peak_flop_per_s(accelerator, precision), precision_named(precision), constants(KernelConstants).gemm
    rows, columns, depth = (np.asarray(size, np.float64) for size in (m, n, k))
    tiling = tiling_of(accelerator)
    compute = tiled_s(accelerator, peak, min(ran.busy_fraction[precision] * tiling.busy_ratio, 1.0), rows, columns, depth)
    moved_s = product_bytes(rows, columns, depth, of.operand_bytes) / (
        gemm.read_fraction * accelerator.memory_rate_bytes_per_s
    )
    took_s = np.maximum(compute, moved_s) + tiling.exposed_fraction * np.minimum(compute, moved_s)
    return np.asarray(np.maximum(ran.host_s, ran.launch_s * tiling.launch_ratio + took_s))


def tiling_of(accelerator: Accelerator) -> Tiling:
    """What products cost on the architecture of a chip."""
    return architecture_of(accelerator).tiling


def product_bytes(m: Floats, n: Floats, k: Floats, operand_bytes: ArrayLike) -> Floats:
    """Bytes of both operands and of the result, which is in 16 bits at least.

    m, n, k         arrays of the products' sizes;  operand_bytes   of one value, with its scales
    """
    each = np.asarray(operand_bytes, np.float64)
    return np.asarray((m + n) * k * each + m * n * np.maximum(each, 2.0))


def tiled_s(
    accelerator: Accelerator, peak_flop_per_s: ArrayLike, busy_share: ArrayLike, m: Floats, n: Floats, k: Floats
) -> Floats:
    """Compute time of a product in the tiles and the split that suit it best [s]; all broadcast.

    peak_flop_per_s, busy_share   peak of its precision, and the share of it that a full chip keeps; one, or one a product

    Without launches and without the memory's rate; `gemm_s` adds both.
    """
    units, shape = accelerator.sms_count, np.broadcast_shapes(m.shape, n.shape, k.shape)
    m, n, k = (np.broadcast_to(size, shape).ravel() for size in (m, n, k))
    rate, lost = np.asarray(peak_flop_per_s) / units, 1 - np.asarray(busy_share)
    tiles = np.ceil(m / _HIGH) * np.ceil(n / _WIDE) * _SPLIT
    depth = np.ceil(k / (_SPLIT * STEP)) * STEP + constants(KernelConstants).gemm.extra_depth_ratio
    waves = np.ceil(tiles / units)
    worked_s = waves * (2 * _HIGH * _WIDE) * depth / (rate * (1 - lost * tiles / (waves * units)))
    added_s = _ADDED * m * n / (tiling_of(accelerator).reduce_fraction * accelerator.memory_rate_bytes_per_s)
    return np.asarray((worked_s + added_s).min(axis=0).reshape(shape))


def attention_s(
    accelerator: Accelerator, batch: ArrayLike, heads: ArrayLike, tokens: ArrayLike, head_size: int, *,
    kv_heads: ArrayLike | None = None, causal: bool = True, backward: bool = False,
    kernel: str = "cudnn", software: str = "torch-eager",
) -> Floats:  # fmt: skip
    """Time of attention over `tokens` by `tokens` [s].

    T = max(host, launch + max(F (1 + t sqrt(128/d) / s) / (x p o), B / (q W)))

    F   4 b h s^2 d flops forward, half of it causal, 2.5 times backward
    t   tokens that a row costs beyond its own; x  share of the BF16 peak p; o  blocks of 128 rows over multiprocessors, to 1

    B   bytes of queries, keys, values and result in 16 bits, 2.5 times backward; q W  rate at which they are moved

    Between head sizes x is interpolated.  Raises UnknownName for a kernel, Problems for a backward that was not measured.

    batch, heads, tokens   numbers or arrays;  head_size   of queries and keys
    kv_heads               fewer where heads share keys and values; as many as heads if None
    """
    ran = software_named(software)
    if kernel not in ran.attention:
        raise UnknownName(f"attention kernel of {software}", kernel, ran.attention)
    known = constants(KernelConstants)
    on_chip = known.attention_on(kernel, architecture_of(accelerator).attention_of)
    if backward and on_chip.backward_peak_fraction is None:
        raise Problems([Problem("", 0, 0, "", f"the backward of {kernel} was not measured", would_do="use cudnn or flash2")])
    b, h, s = (np.asarray(size, np.float64) for size in (batch, heads, tokens))
    work = 4 * b * h * s * s * head_size * (0.5 if causal else 1.0) * (2.5 if backward else 1.0)
    sizes = sorted(on_chip.peak_fraction)
    share = np.interp(head_size, sizes, [on_chip.peak_fraction[size] for size in sizes])
    rows = (on_chip.causal_rows_ratio if causal else on_chip.full_rows_ratio) * np.sqrt(128 / head_size)
    if backward:
        rows, share = rows * on_chip.backward_rows_ratio, share * (on_chip.backward_peak_fraction or 1.0)
    occupancy = np.minimum(1.0, b * h * np.ceil(s / 128) / accelerator.sms_count)
    rate = share * half_peak_flop_per_s(accelerator) * occupancy
    kv = h if kv_heads is None else np.asarray(kv_heads, np.float64)
    moved = 4 * b * s * head_size * (h + kv) * (2.5 if backward else 1.0)
    moved_s = moved / (known.gemm.attention_read_fraction * accelerator.memory_rate_bytes_per_s)
    return np.asarray(np.maximum(ran.host_s, ran.attention_launch_s + np.maximum(work * (1 + rows / s) / rate, moved_s)))


def stream_s(accelerator: Accelerator, moved_bytes: ArrayLike, work: str = "copy") -> Floats:
    """Time of work that only moves memory [s].  T = max(host, bytes / (x W)), W the memory rate, x by kind of work.

    Raises UnknownName for a kind of work.

    moved_bytes   read and written together [B], a number or an array;  work   a kind, such as "copy"
    """
    stream = constants(KernelConstants).stream
    share = stream.memory_fraction.get(work)
    if share is None:
        raise UnknownName("kind of memory-bound work", work, stream.memory_fraction)
    moved = np.asarray(moved_bytes, np.float64)
    reached = np.where((moved < stream.cache_bytes) & (share > 0.8), stream.cache_rate_ratio, share)
    return np.asarray(np.maximum(stream.host_s, moved / (reached * accelerator.memory_rate_bytes_per_s)))
