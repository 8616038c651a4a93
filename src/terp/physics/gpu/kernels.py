"""How long one kernel takes on one GPU: matrix products, attention, and work that only moves memory.

Each is a roofline with the structure of the chip: tiles in waves over its multiprocessors, bytes at its memory rate, and
a floor for the launch.  Chips differ by their numbers in the catalogue, software by the constants of `SOFTWARE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.errors import Problem, Problems, UnknownName
from terp.physics.gpu.architectures import Tiling, architecture_of

BYTES: Final = {"fp64": 8.0, "fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0}
"""Bytes of an operand by precision; products of FP8 are written in 16 bits."""
MATRIX_PEAK: Final = {"fp64": "fp64-tensor"}
"""Precision -> the peak that its matrix products have, where that goes by another name."""
TILES: Final = ((128, 256), (128, 128), (64, 128), (64, 64))
SPLITS: Final = (1, 2, 4, 8, 16)
STEP: Final = 64
_HIGH, _WIDE, _SPLIT = (
    np.array(column, np.float64)[:, None]
    for column in zip(*((*tile, part) for tile in TILES for part in SPLITS), strict=True)
)
_ADDED: Final = np.where(_SPLIT > 1, 4 * _SPLIT, 0.0)
"""Tiles and splits, each with each; bytes a result that is added up from parts."""
EXTRA_K: Final = 146.0
"""Prologue and epilogue of a tile, as so much more depth."""
READ_SHARE: Final = 0.794
"""Share of the memory rate that products reach.  Both are fitted on an H100 (scripts/fit_kernels.py)."""
ATTENTION_SHARE: Final = 0.25
"""The same of attention on short sequences, fitted likewise."""


@dataclass(frozen=True)
class Attention:
    """Constants of an attention kernel: share of the peak by head size, tokens that a row costs beyond its own (causal and
    not), the backward's rate over the forward's, and how many times more the rows cost it.
    """

    peak_share: Mapping[int, float]
    row_tokens: tuple[float, float]
    backward_share: float | None = None
    backward_rows_ratio: float = 1.0


@dataclass(frozen=True)
class Software:
    """What kernels cost in one software.

    host_s        least time between two launches from the host; 0 where launches are recorded
    launch_s      time that a product takes beyond its arithmetic
    attention_launch_s  the same of attention
    busy_share    by precision: rate over peak at boost when all multiprocessors are busy, by power-limited clock and issue
    attention     by kernel
    """

    host_s: float
    launch_s: float
    attention_launch_s: float
    busy_share: Mapping[str, float]
    attention: Mapping[str, Attention]


_TRTLLM: Final = Attention({64: 0.481, 128: 0.560, 192: 0.525, 256: 0.551}, (1157.0, 579.0))


def scaled(one: Attention, share: float, rows: float) -> Attention:
    """An attention kernel at so much of the share of the peak, and so many times the row tokens."""
    shares = {size: share * value for size, value in one.peak_share.items()}
    causal, full = one.row_tokens
    return Attention(shares, (rows * causal, rows * full), one.backward_share, one.backward_rows_ratio)


_TORCH_BUSY: Final = {"bf16": 0.716, "fp16": 0.74, "fp8": 0.64, "tf32": 0.76, "fp32": 0.82, "fp64": 0.98}
_TORCH_ATTENTION: Final = {
    "flash2": Attention({64: 0.337, 128: 0.348}, (404.0, 127.0), 0.883, 2.3),
    "triton": Attention({64: 0.22, 128: 0.25}, (404.0, 127.0), 0.6, 2.3),
    "triton, ampere": Attention({64: 0.40, 128: 0.50}, (210.0, 75.0), 0.7, 2.3),
    "flash2, ampere": Attention({64: 0.62, 128: 0.69}, (210.0, 75.0), 0.883, 2.3),
    "cudnn": Attention({64: 0.478, 128: 0.570}, (275.0, 79.0), 0.970, 3.7),
    "cudnn, blackwell": Attention({64: 0.40, 128: 0.56}, (500.0, 145.0), 0.9, 3.7),
    "cudnn, ampere": Attention({64: 0.62, 128: 0.69}, (210.0, 75.0), 0.883, 2.3),
}
"""On an H100 from our own (terp-h100).  FlashAttention-2 on an A100 by its makers' figures, 88 to 203 Tflop/s; cuDNN on
Blackwell forward by aiconfigurator's tables, backward assumed, 0.7 to 1.0; llm-foundry's Triton kernel assumed, 0.2 to 0.35
of an H100 and 0.35 to 0.6 of an A100, and its backward."""

SOFTWARE: Final = {
    "trtllm-2025": Software(
        host_s=0.0,
        launch_s=2.66e-6,
        attention_launch_s=15.4e-6,
        busy_share={"bf16": 0.821},
        attention={
            "trtllm": _TRTLLM,
            "trtllm, ampere": scaled(_TRTLLM, 0.856, 0.452),
            "trtllm, blackwell": scaled(_TRTLLM, 0.898, 1.61),
        },
    ),
    "torch-eager": Software(17.3e-6, 0.0, 0.0, _TORCH_BUSY, _TORCH_ATTENTION),
    "torch-steps": Software(0.0, 2.66e-6, 0.0, _TORCH_BUSY, _TORCH_ATTENTION),
}
"""Steady kernels of an inference engine (aiconfigurator); of PyTorch called one by one (terp-h100); and of PyTorch in whole
steps, whose launches the host keeps ahead of, each taken to cost what the engine's does."""

STREAM_HOST_S: Final = 8.3e-6
STREAM_SHARE: Final = {"copy": 0.90, "add": 0.90, "gelu": 0.86, "layernorm": 0.55, "softmax": 0.40, "adamw_fp32": 0.80}
"""Share of the memory rate by kind of work (terp-h100)."""
CACHE_BYTES: Final = 40e6
CACHE_SHARE: Final = 1.2
"""Work that fits the cache between two launches runs at this share of the memory rate."""


def software_named(name: str) -> Software:
    """A software by name.  Raises UnknownName."""
    found = SOFTWARE.get(name)
    if found is None:
        raise UnknownName("software", name, SOFTWARE)
    return found


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
    """
    ran = software_named(software)
    peak = accelerator.peak_flop_per_s.get(MATRIX_PEAK.get(precision, precision))  # type: ignore[call-overload]
    if peak is None or precision not in ran.busy_share or precision not in BYTES:
        known = sorted(set(ran.busy_share) & set(accelerator.peak_flop_per_s))
        wrong = f"{software} has no {precision} products on {accelerator.title}"
        raise Problems([Problem("", 0, 0, "", wrong, would_do="known: " + ", ".join(known))])
    rows, columns, depth = (np.asarray(size, np.float64) for size in (m, n, k))
    tiling = tiling_of(accelerator)
    compute = tiled_s(accelerator, peak, min(ran.busy_share[precision] * tiling.busy_ratio, 1.0), rows, columns, depth)
    moved_s = product_bytes(rows, columns, depth, BYTES[precision]) / (READ_SHARE * accelerator.memory_rate_bytes_per_s)
    took_s = np.maximum(compute, moved_s) + tiling.exposed_fraction * np.minimum(compute, moved_s)
    return np.asarray(np.maximum(ran.host_s, ran.launch_s * tiling.launch_ratio + took_s))


def tiling_of(accelerator: Accelerator) -> Tiling:
    """What products cost on the architecture of a chip."""
    return architecture_of(accelerator).tiling


def product_bytes(m: Floats, n: Floats, k: Floats, operand_bytes: ArrayLike) -> Floats:
    """Bytes of both operands and of the result, which is in 16 bits at least."""
    each = np.asarray(operand_bytes, np.float64)
    return np.asarray((m + n) * k * each + m * n * np.maximum(each, 2.0))


def tiled_s(
    accelerator: Accelerator, peak_flop_per_s: ArrayLike, busy_share: ArrayLike, m: Floats, n: Floats, k: Floats
) -> Floats:
    """Compute time of a product in the tiles and the split that suit it best [s]; all broadcast.

    peak_flop_per_s, busy_share   peak of its precision, and the share of it that a full chip keeps; one, or one a product
    """
    units, shape = accelerator.sms_count, np.broadcast_shapes(m.shape, n.shape, k.shape)
    m, n, k = (np.broadcast_to(size, shape).ravel() for size in (m, n, k))
    rate, lost = np.asarray(peak_flop_per_s) / units, 1 - np.asarray(busy_share)
    tiles = np.ceil(m / _HIGH) * np.ceil(n / _WIDE) * _SPLIT
    depth = np.ceil(k / (_SPLIT * STEP)) * STEP + EXTRA_K
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
    """
    ran = software_named(software)
    found = ran.attention.get(f"{kernel}, {architecture_of(accelerator).attention_of}", ran.attention.get(kernel))
    if found is None:
        raise UnknownName(f"attention kernel of {software}", kernel, ran.attention)
    if backward and found.backward_share is None:
        raise Problems([Problem("", 0, 0, "", f"the backward of {kernel} was not measured", would_do="use cudnn or flash2")])
    b, h, s = (np.asarray(size, np.float64) for size in (batch, heads, tokens))
    work = 4 * b * h * s * s * head_size * (0.5 if causal else 1.0) * (2.5 if backward else 1.0)
    sizes = sorted(found.peak_share)
    share = np.interp(head_size, sizes, [found.peak_share[size] for size in sizes])
    rows = found.row_tokens[0 if causal else 1] * np.sqrt(128 / head_size)
    if backward:
        rows, share = rows * found.backward_rows_ratio, share * (found.backward_share or 1.0)
    occupancy = np.minimum(1.0, b * h * np.ceil(s / 128) / accelerator.sms_count)
    rate = share * accelerator.peak_flop_per_s["bf16"] * occupancy
    kv = h if kv_heads is None else np.asarray(kv_heads, np.float64)
    moved = 4 * b * s * head_size * (h + kv) * (2.5 if backward else 1.0)
    moved_s = moved / (ATTENTION_SHARE * accelerator.memory_rate_bytes_per_s)
    return np.asarray(np.maximum(ran.host_s, ran.attention_launch_s + np.maximum(work * (1 + rows / s) / rate, moved_s)))


def stream_s(accelerator: Accelerator, moved_bytes: ArrayLike, work: str = "copy") -> Floats:
    """Time of work that only moves memory [s].  T = max(host, bytes / (x W)), W the memory rate, x by kind of work.

    Raises UnknownName for a kind of work.
    """
    share = STREAM_SHARE.get(work)
    if share is None:
        raise UnknownName("kind of memory-bound work", work, STREAM_SHARE)
    moved = np.asarray(moved_bytes, np.float64)
    reached = np.where((moved < CACHE_BYTES) & (share > 0.8), CACHE_SHARE, share)
    return np.asarray(np.maximum(STREAM_HOST_S, moved / (reached * accelerator.memory_rate_bytes_per_s)))
