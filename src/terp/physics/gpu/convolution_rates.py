"""How long convolutions and norms over planes take on one GPU, where products and plain passes do not tell.

A convolution is a product in tiles, but its tiles are narrow where channels are few, and then what they fetch from the
cache binds.  A norm over planes gives each plane to one block of threads, however many points it has.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.kernels import KernelConstants
from terp.physics.gpu.precisions import half_peak_flop_per_s

TILES: Final = ((256, 32), (128, 32), (64, 32), (256, 64), (128, 64), (64, 64), (256, 128), (128, 128), (128, 256))
SPLITS: Final = (1, 2, 4, 8, 16, 32, 64)
DEPTH_STEP: Final = 32
_HIGH, _WIDE, _SPLIT = (
    np.array(column, np.float64)[:, None]
    for column in zip(*((*tile, split) for one in TILES for tile in {one, one[::-1]} for split in SPLITS), strict=True)
)
NORM_PASSES: Final = (2, 2)
"""Passes over a plane forward and backward: mean with variance, and result; both sums, and gradient."""


def convolution(
    accelerator: Accelerator, rows: ArrayLike, columns: ArrayLike, depth: ArrayLike, issue_share: float
) -> tuple[Floats, Floats]:
    """Time of a convolution as a product, without its memory's rate, at the clock of the peak [s], and bytes fetched [B].

    T = min over tiles a x b and splits s of  max(W 2 a b (k/s + e) / (p/SMs) / i, N (a + b) (k/s) 2 / (F o)) + added

    N  tiles, ceil(m/a) ceil(n/b) s;  W = ceil(N/SMs) waves;  o  share of the multiprocessors that are busy in them
    p, i   peak [flop/s] and share of it that is issued;  e  extra depth of a tile
    F  fetched, f p / (flops a clock) [B/s]: f bytes a multiprocessor and clock

    rows m, columns n, depth k; for the gradient of the input m x (k/taps) over n taps, of the kernel n x k over m.
    Fitted in BF16 in PyTorch; other chips by their clocks and multiprocessors.
    """
    c = constants(KernelConstants)
    m, n, k = (np.atleast_1d(np.asarray(size, np.float64)) for size in (rows, columns, depth))
    units, peak = accelerator.sms_count, half_peak_flop_per_s(accelerator)
    part = np.ceil(k / (_SPLIT * DEPTH_STEP)) * DEPTH_STEP
    tiles = np.ceil(m / _HIGH) * np.ceil(n / _WIDE) * _SPLIT
    waves = np.ceil(tiles / units)
    worked_s = waves * 2 * _HIGH * _WIDE * (part + c.gemm.extra_depth_ratio) * units / (peak * issue_share)
    fetched = c.convolution.fetch_bytes * peak / architecture_of(accelerator).per_clock_flop
    fetched_s = waves * units * (_HIGH + _WIDE) * part * 2 / fetched
    added = np.where(_SPLIT > 1, 8.0 * _SPLIT, 0.0) * m * n / accelerator.memory_rate_bytes_per_s
    took_s = np.maximum(worked_s, fetched_s) + added
    best = took_s.argmin(axis=0)[None]
    moved = np.take_along_axis(tiles * (_HIGH + _WIDE) * part * 2, best, axis=0)
    return np.take_along_axis(took_s, best, axis=0)[0], moved[0]


def plane_norm_s(accelerator: Accelerator, planes: ArrayLike, points: ArrayLike) -> Floats:
    """Time of one pass of a norm over planes, each one block's, without its memory's rate [s].

    T = ceil(planes / (4 SMs)) ceil(points / 512) t;  t the time of a step.  Instance norm has samples times channels planes.
    """
    c = constants(KernelConstants).convolution
    waves = np.ceil(np.asarray(planes, np.float64) / (c.blocks_count * accelerator.sms_count))
    return np.asarray(waves * np.ceil(np.asarray(points, np.float64) / c.block_points_count) * c.pass_s)
