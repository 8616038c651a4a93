"""How long one kernel takes on one GPU: matrix products, attention, and work that only moves memory.

Each is a roofline with the structure of the chip: tiles in waves over its multiprocessors, bytes at its memory rate, and
a floor for the launch.  Chips differ by their numbers in the catalogue, software by the constants of `SOFTWARE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from terp.catalogue import Accelerator
from terp.errors import Problem, Problems, UnknownName

Floats = NDArray[np.float64]

BYTES: Final = {"fp64": 8.0, "fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0}
"""Bytes of an operand by precision; products of FP8 are written in 16 bits."""
MATRIX_PEAK: Final = {"fp64": "fp64-tensor"}
"""Precision -> the peak that its matrix products have, where that goes by another name."""
TILES: Final = ((128, 256), (128, 128), (64, 128), (64, 64))
SPLITS: Final = (1, 2, 4, 8, 16)
STEP: Final = 64
EXTRA_K: Final = 146.0
"""Prologue and epilogue of a tile, as so much more depth."""
REDUCE_SHARE: Final = 0.0088
"""Rate at which the parts of a split product are added up, over the memory rate."""
READ_SHARE: Final = 0.794
"""Share of the memory rate that products reach.  The three are fitted on an H100 (scripts/fit_kernels.py)."""
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


_TORCH_BUSY: Final = {"bf16": 0.716, "fp16": 0.74, "fp8": 0.64, "tf32": 0.76, "fp32": 0.82, "fp64": 0.98}
_TORCH_ATTENTION: Final = {
    "flash2": Attention({64: 0.337, 128: 0.348}, (404.0, 127.0), 0.883, 2.3),
    "cudnn": Attention({64: 0.478, 128: 0.570}, (275.0, 79.0), 0.970, 3.7),
}

SOFTWARE: Final = {
    "trtllm-2025": Software(
        host_s=0.0,
        launch_s=2.66e-6,
        attention_launch_s=15.4e-6,
        busy_share={"bf16": 0.821},
        attention={"trtllm": Attention({64: 0.481, 128: 0.560, 192: 0.525, 256: 0.551}, (1157.0, 579.0))},
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
    """Time of C = A B with A of m x k and B of k x n [s].  T = max(host, launch + max(compute, memory))

    compute   best over tiles a x b and splits s of k:  waves 2 a b (k/s + e) / (p/SMs) / (1 - (1 - u) occupancy)
              waves = ceil(ceil(m/a) ceil(n/b) s / SMs), occupancy of them 0 to 1; a split adds m n 4 s / (r W)
    memory    (m k + k n) bytes + m n out, over q W
    p, W      peak at boost [flop/s], memory rate [B/s]
    u         share of the peak that a full chip keeps under its power cap [-]
    e, r, q   extra depth of a tile, rates of reduction and of reading over W [-], fitted on one chip

    Shapes broadcast.  Raises UnknownName for a software, Problems for a precision that chip or software does not have.
    Fitted on an H100 with one library, bf16; the peaks, rates and multiprocessors of other chips carry it over.
    """
    ran = software_named(software)
    peak = accelerator.peak_flop_per_s.get(MATRIX_PEAK.get(precision, precision))  # type: ignore[call-overload]
    if peak is None or precision not in ran.busy_share or precision not in BYTES:
        known = sorted(set(ran.busy_share) & set(accelerator.peak_flop_per_s))
        wrong = f"{software} has no {precision} products on {accelerator.title}"
        raise Problems([Problem("", 0, 0, "", wrong, would_do="known: " + ", ".join(known))])
    rows, columns, depth = (np.asarray(size, np.float64) for size in (m, n, k))
    compute = _tiled_s(accelerator, float(peak), ran.busy_share[precision], rows, columns, depth)
    out_bytes = rows * columns * max(BYTES[precision], 2.0)
    memory = (rows + columns) * depth * BYTES[precision] + out_bytes
    moved_s = memory / (READ_SHARE * accelerator.memory_rate_bytes_per_s)
    return np.asarray(np.maximum(ran.host_s, ran.launch_s + np.maximum(compute, moved_s)))


def _tiled_s(accelerator: Accelerator, peak: float, busy: float, m: Floats, n: Floats, k: Floats) -> Floats:
    """Compute time of a product in the tiles and the split that suit it best [s]."""
    units = accelerator.sms_count
    best = np.full(np.broadcast_shapes(m.shape, n.shape, k.shape), np.inf)
    for high, wide in TILES:
        tiles = np.ceil(m / high) * np.ceil(n / wide)
        for split in SPLITS:
            depth = np.ceil(k / split / STEP) * STEP + EXTRA_K
            waves = np.ceil(tiles * split / units)
            occupancy = tiles * split / (waves * units)
            time_s = waves * 2 * high * wide * depth / (peak / units) / (1 - (1 - busy) * occupancy)
            if split > 1:
                time_s = time_s + 4 * split * m * n / (REDUCE_SHARE * accelerator.memory_rate_bytes_per_s)
            best = np.minimum(best, time_s)
    return best


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
    found = ran.attention.get(kernel)
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
