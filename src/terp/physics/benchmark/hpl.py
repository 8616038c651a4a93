"""HPL: the LU factorisation that the TOP500 ranks by, on many GPUs.

`predict_hpl` is for one machine, `hpl_terms` for columns of them, as a plan weighs; both are the same formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar, Final

import numpy as np

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.notes import Caveat
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.dgemm import dgemm_flop_per_s

Floats = Any
"""An array of float64, or one of them."""

BLOCK: Final = 1024
"""Rows of a block; runs take whole numbers of them."""


@dataclass(frozen=True)
class HplConstants:
    """Constants of HPL.

    memory_fraction, host_memory_fraction  matrix over memory of the GPUs, and over that of a superchip's host besides
    network_fraction     of the published volume, what updates do not hide
    staging_bytes_per_s  rate at which swapped rows are gathered within a node
    low_ratio, high_ratio  published over predicted Rmax: 10th and 90th percentile of the fit rows
    gpus_count           of the smallest and the largest run that constants were fitted to
    activity_fraction    level of a node in HPL between idle and full
    network_energy_j_per_byte  power of a fabric over its nodes' rate, for machines of which only the ports are known
    """

    PLACE: ClassVar[str] = "benchmarks.hpl"
    memory_fraction: float
    host_memory_fraction: float
    network_fraction: float
    staging_bytes_per_s: float
    low_ratio: float
    high_ratio: float
    gpus_count: tuple[int, int]
    activity_fraction: float
    network_energy_j_per_byte: float


@dataclass(frozen=True)
class HplSystem:
    """What HPL sees of a machine.

    network_bytes_per_s   rate of the ports of a node over its GPUs, one direction [B/s]
    n_count               order of the matrix; None to fill the memory
    speed_ratio           of products, under a cap of the GPUs' power, over that without

    gpus_count            of the run;  gpus_per_node_count   that reach each other over links
    """

    accelerator: Accelerator
    gpus_count: int
    gpus_per_node_count: int
    network_bytes_per_s: float
    n_count: int | None = None
    speed_ratio: float = 1.0

    def caveats(self) -> tuple[Caveat, ...]:
        """What is not known to be true for a prediction of this system."""
        caveats = []
        if "hpl" not in architecture_of(self.accelerator).fitted:
            caveats.append(Caveat("hpl-not-fitted", {"architecture": self.accelerator.architecture}))
        low, high = constants(HplConstants).gpus_count
        if not low <= self.gpus_count <= high:
            caveats.append(Caveat("gpus-outside-fit", {"low_count": low, "high_count": high}))
        if self.accelerator.peak_flop_per_s.get("fp64-tensor", 0) < 0.2 * self.accelerator.peak_flop_per_s.get("fp32", 0):
            caveats.append(Caveat("little-fp64"))
        return tuple(caveats)


@dataclass(frozen=True)
class HplPrediction:
    """One run of HPL: order of the matrix, rate with its interval [flop/s], time [s], and where the time goes [s].

    dgemm_s     updates at the power-limited clock
    network_s   broadcasts and row swaps between nodes that updates do not hide
    staging_s   gathering the swapped rows within a node
    panel_s     panels that updates do not hide

    The four times add up to the run's; Rmax is (2/3 N^3 + 2 N^2) over it.
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


@dataclass(frozen=True)
class HplTerms:
    """Where the time of runs goes, one entry a run: as in `HplPrediction`, with the arithmetic of the run [flop]."""

    flop: Floats
    dgemm_s: Floats
    network_s: Floats
    staging_s: Floats
    panel_s: Floats

    @property
    def run_s(self) -> Floats:
        """Time of each run [s]."""
        return self.dgemm_s + self.network_s + self.staging_s + self.panel_s

    @property
    def rmax_flop_per_s(self) -> Floats:
        """Rate of each run [flop/s]."""
        return self.flop / self.run_s


def matrix_order(accelerator: Accelerator, gpus: int) -> int:
    """Largest order of a matrix that fills the memory as sites do: a whole number of blocks of 1,024.

    At least one block, however small the memory; a superchip's host memory counts with a share of its own.
    """
    return int(matrix_orders(accelerator, np.float64(gpus)))


def matrix_orders(accelerator: Accelerator, gpus: Floats) -> Floats:
    """As `matrix_order`, one for each number of GPUs.

    gpus   shape (runs,), or one number; the result has its shape
    """
    c = constants(HplConstants)
    a_gpu_bytes = c.memory_fraction * accelerator.memory_bytes + c.host_memory_fraction * accelerator.host_memory_bytes
    return np.maximum(np.floor(np.sqrt(gpus * a_gpu_bytes / 8) / BLOCK), 1.0) * BLOCK


def hpl_terms(
    accelerator: Accelerator, gpus: Floats, order: Floats, gpus_per_node: int, network_bytes_per_s: float,
    speed_ratio: float = 1.0,
) -> HplTerms:  # fmt: skip
    """The times of runs, one for each number of GPUs and order.  T = W / (G r) (1 + c (1/(b sqrt(g)) + 1/s)) + N log2(G) t

    W = 2/3 N^3 + 2 N^2,  c = k (6 r / sqrt(M / 8)) (4 + log2(G)/2) (1 - 1/sqrt(G))
    G, g  GPUs, and GPUs a node [-]       r  DGEMM rate of a GPU [flop/s]     N  order of the matrix [-]
    M     matrix a GPU [B]                b  network rate of a GPU [B/s]      s  gathering rate within a node [B/s]
    k     share not hidden by updates [-] t  panel time a column and doubling of GPUs [s]

    Terms of HPL's own scalability model (hpl-scalability): on a square grid of sqrt(G) x sqrt(G) its broadcasts and
    long swaps move 4 N^2 / (2 sqrt(G)) words a process, and the swaps' log phase half a word for each doubling.  A
    node holds a square tile of the grid, so that 1/sqrt(g) of that leaves it.  Memory enters as M, since the volume
    falls behind the arithmetic as N grows.  k and t are fitted to runs on the TOP500, s is assumed;
    range 60 to 40,000 GPUs.  Half of all equal machines differ by more than 5 % for reasons that are not on the list.

    gpus, order   shape (runs,), or one number each;  gpus_per_node   of a link domain
    network_bytes_per_s   of a GPU [B/s];  speed_ratio   of DGEMM under a cap of the GPUs
    """
    c = constants(HplConstants)
    rate, square, doublings, root = speed_ratio * dgemm_flop_per_s(accelerator), order * order, np.log2(gpus), np.sqrt(gpus)
    flop = 2 / 3 * (square * order) + 2 * square
    dgemm_s = flop / (gpus * rate)
    words_s = c.network_fraction * 6 * rate * root / order * (4 + doublings / 2) * (1 - 1 / root) * dgemm_s
    outside = gpus > gpus_per_node
    return HplTerms(
        flop=flop,
        dgemm_s=dgemm_s,
        network_s=outside * (words_s / (network_bytes_per_s * sqrt(gpus_per_node))),
        staging_s=words_s / c.staging_bytes_per_s,
        panel_s=order * doublings * architecture_of(accelerator).panel_s,
    )


def rmax_interval(accelerator: Accelerator) -> tuple[float, float]:
    """Low and high ends of the interval over the predicted rate.

    The 10th and the 90th percentile of published over predicted [-], wider on an architecture that nothing was fitted to.
    """
    wider = architecture_of(accelerator).hpl_wider_ratio
    c = constants(HplConstants)
    return c.low_ratio / wider, c.high_ratio * wider


def predict_hpl(system: HplSystem) -> HplPrediction:
    """Predicts a run by `hpl_terms`, which has the formula.

    Raises UnknownName for a chip without FP64.
    """
    chip, gpus = system.accelerator, np.float64(system.gpus_count)
    order = system.n_count or matrix_order(chip, system.gpus_count)
    terms = hpl_terms(
        chip, gpus, np.float64(order), system.gpus_per_node_count, system.network_bytes_per_s, system.speed_ratio
    )
    rmax, (low, high) = float(terms.rmax_flop_per_s), rmax_interval(chip)
    return HplPrediction(
        n_count=order,
        rmax_flop_per_s=rmax,
        rmax_low_flop_per_s=rmax * low,
        rmax_high_flop_per_s=rmax * high,
        run_s=float(terms.run_s),
        dgemm_flop_per_s=system.speed_ratio * dgemm_flop_per_s(chip),
        dgemm_s=float(terms.dgemm_s),
        network_s=float(terms.network_s),
        staging_s=float(terms.staging_s),
        panel_s=float(terms.panel_s),
    )
