"""HPL: the LU factorisation that the TOP500 ranks by, on many GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, sqrt
from typing import Final

from terp.catalogue import Accelerator
from terp.model.dgemm import dgemm_flop_per_s

BLOCK: Final = 1024
MEMORY_SHARE: Final = 0.98
HOST_SHARE: Final = 0.60
"""Matrix over memory of the GPUs, and over that of a superchip's host besides: medians of the fit rows, rounded."""

NETWORK_SHARE: Final = 0.60
STAGING_BYTES_PER_S: Final = 100e9
"""Share of the published volume that updates do not hide (fitted, scripts/fit_hpl.py), and the rate at which swapped rows
are gathered within a node (assumed, 70 to 250 GB/s; over that range the grade moves by less than a percentage point)."""
PANEL_S: Final = {"ampere": 5.2e-6}
"""Panel time a column and doubling of GPUs: fitted on Ampere, whose software factorised panels with the host's help; on
later GPUs the fit finds none."""

LOW_RATIO: Final = 0.81
HIGH_RATIO: Final = 1.10
"""Published over predicted Rmax: the 10th and 90th percentile of the fit rows."""
FITTED: Final = ("ampere", "hopper", "cdna2", "cdna3")
WIDER_RATIO: Final = 1.25
"""Architectures that constants were fitted on; for others the interval is wider by this, assumed."""
GPUS: Final = (60, 40_000)
"""GPUs of the smallest and the largest run that constants were fitted to, rounded."""


@dataclass(frozen=True)
class HplSystem:
    """What HPL sees of a machine.

    network_bytes_per_s   rate of the ports of a node over its GPUs, one direction [B/s]
    n_count               order of the matrix; None to fill the memory
    """

    accelerator: Accelerator
    gpus_count: int
    gpus_per_node_count: int
    network_bytes_per_s: float
    n_count: int | None = None

    def caveats(self) -> tuple[str, ...]:
        """What is not known to be true for a prediction of this system, a sentence each."""
        told = []
        if self.accelerator.architecture not in FITTED:
            told.append(f"no constant was fitted on {self.accelerator.architecture}: the interval is wider, and assumed")
        low, high = GPUS
        if not low <= self.gpus_count <= high:
            told.append(f"constants were fitted on {low} to {high:,} GPUs")
        if self.accelerator.peak_flop_per_s.get("fp64-tensor", 0) < 0.2 * self.accelerator.peak_flop_per_s.get("fp32", 0):
            told.append("this GPU has little FP64: its power in HPL is overstated, and emulated FP64 is not modelled")
        return tuple(told)


@dataclass(frozen=True)
class HplPrediction:
    """One run of HPL: order of the matrix, rate with its interval [flop/s], time [s], and where the time goes [s].

    dgemm_s     updates at the power-limited clock
    network_s   broadcasts and row swaps between nodes that updates do not hide
    staging_s   gathering the swapped rows within a node
    panel_s     panels that updates do not hide
    """

    n_count: int
    rmax_flop_per_s: float
    rmax_low_flop_per_s: float
    rmax_high_flop_per_s: float
    run_s: float
    dgemm_flop_per_s: float
    dgemm_s: float
    network_s: float
    staging_s: float
    panel_s: float


def matrix_order(accelerator: Accelerator, gpus: int) -> int:
    """Largest order of a matrix that fills the memory as sites do: a whole number of blocks of 1,024."""
    a_gpu_bytes = MEMORY_SHARE * accelerator.memory_bytes + HOST_SHARE * accelerator.host_memory_bytes
    return max(int(sqrt(gpus * a_gpu_bytes / 8) // BLOCK), 1) * BLOCK


def predict_hpl(system: HplSystem) -> HplPrediction:
    """Predicts a run.  T = W / (G r) (1 + c (1/(b sqrt(g)) + 1/s)) + N log2(G) t, W = 2/3 N^3 + 2 N^2

    c = k (6 r / sqrt(M / 8)) (4 + log2(G)/2) (1 - 1/sqrt(G))
    G, g  GPUs, and GPUs a node [-]       r  DGEMM rate of a GPU [flop/s]     N  order of the matrix [-]
    M     matrix a GPU [B]                b  network rate of a GPU [B/s]      s  gathering rate within a node [B/s]
    k     share not hidden by updates [-] t  panel time a column and doubling of GPUs [s]

    Terms of HPL's own scalability model (hpl-scalability): on a square grid of sqrt(G) x sqrt(G) its broadcasts and
    long swaps move 4 N^2 / (2 sqrt(G)) words a process, and the swaps' log phase half a word for each doubling.  A
    node holds a square tile of the grid, so that 1/sqrt(g) of that leaves it.  Memory enters as M, since the volume
    falls behind the arithmetic as N grows.  k and t are fitted to runs on the TOP500, s is assumed;
    range 60 to 40,000 GPUs.  Half of all equal machines differ by more than 5 % for reasons that are not on the list.
    """
    gpus, order = system.gpus_count, system.n_count or matrix_order(system.accelerator, system.gpus_count)
    rate = dgemm_flop_per_s(system.accelerator)
    dgemm_s = (2 / 3 * order**3 + 2 * order**2) / (gpus * rate)
    a_gpu = 8 * order**2 / gpus
    words_s = NETWORK_SHARE * 6 * rate / sqrt(a_gpu / 8) * (4 + log2(gpus) / 2) * (1 - 1 / sqrt(gpus)) * dgemm_s
    leaves_node = gpus > system.gpus_per_node_count
    network_s = words_s / (system.network_bytes_per_s * sqrt(system.gpus_per_node_count)) if leaves_node else 0.0
    staging_s = words_s / STAGING_BYTES_PER_S
    panel_s = order * log2(gpus) * PANEL_S.get(system.accelerator.architecture, 0.0)
    run_s = dgemm_s + network_s + staging_s + panel_s
    rmax = (2 / 3 * order**3 + 2 * order**2) / run_s
    wider = 1.0 if system.accelerator.architecture in FITTED else WIDER_RATIO
    return HplPrediction(
        n_count=order,
        rmax_flop_per_s=rmax,
        rmax_low_flop_per_s=rmax * LOW_RATIO / wider,
        rmax_high_flop_per_s=rmax * HIGH_RATIO * wider,
        run_s=run_s,
        dgemm_flop_per_s=rate,
        dgemm_s=dgemm_s,
        network_s=network_s,
        staging_s=staging_s,
        panel_s=panel_s,
    )
