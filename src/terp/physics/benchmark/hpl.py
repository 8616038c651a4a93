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
from terp.errors import UnknownName
from terp.notes import Caveat
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.dgemm import dgemm_flop_per_s
from terp.physics.intervals import interval_of

Floats = Any
"""An array of float64, or one of them."""

BLOCK: Final = 1024
"""Rows of a block; runs take whole numbers of them."""


@dataclass(frozen=True)
class HplConstants:
    """Constants of HPL.

    memory_fraction, host_memory_fraction  matrix over memory of the GPUs, and over that of a superchip's host besides
    network_fraction     of the published volume, what updates do not hide
    log_words_ratio      words that a process sends more for each doubling of the GPUs
    staging_fraction     rate at which swapped rows are gathered within a node, over that of the GPUs' links
    panel_year           machines installed from then on factorise panels on the GPUs
    emulation_ratio      INT8 operations of a chip's peak in a flop of emulated FP64
    gpus_count           of the smallest and the largest run that constants were fitted to
    activity_fraction    level of a node in HPL between idle and full
    network_energy_j_per_byte  power of a fabric over its nodes' rate, for machines of which only the ports are known
    """

    PLACE: ClassVar[str] = "benchmarks.hpl"
    memory_fraction: float
    host_memory_fraction: float
    network_fraction: float
    log_words_ratio: float
    staging_fraction: float
    panel_year: int
    emulation_ratio: float
    gpus_count: tuple[int, int]
    activity_fraction: float
    network_energy_j_per_byte: float


@dataclass(frozen=True)
class HplSystem:
    """What HPL sees of a machine.

    network_bytes_per_s   rate of the ports of a node over its GPUs, one direction [B/s]
    n_count               order of the matrix; None to fill the memory
    speed_ratio           of products, under a cap of the GPUs' power, over that without
    year                  the machine was installed in, which tells the software of its time; None where it is not known
    reference             whether nodes are the chip maker's own design, such as a DGX
    emulated              whether FP64 is emulated on INT8 matrix units

    gpus_count            of the run;  gpus_per_node_count   that reach each other over links
    """

    accelerator: Accelerator
    gpus_count: int
    gpus_per_node_count: int
    network_bytes_per_s: float
    n_count: int | None = None
    speed_ratio: float = 1.0
    year: int | None = None
    reference: bool = False
    emulated: bool = False

    @property
    def class_name(self) -> str:
        """How much is known of such a machine in HPL, by which its interval is chosen: a class of `intervals.yaml`."""
        return hpl_class(self.accelerator, reference=self.reference, emulated=self.emulated)

    def caveats(self) -> tuple[Caveat, ...]:
        """What is not known to be true for a prediction of this system."""
        caveats = []
        if "hpl" not in architecture_of(self.accelerator).fitted:
            caveats.append(Caveat("hpl-not-fitted", {"architecture": self.accelerator.architecture}))
        low, high = constants(HplConstants).gpus_count
        if not low <= self.gpus_count <= high:
            caveats.append(Caveat("gpus-outside-fit", {"low_count": low, "high_count": high}))
        if self.emulated:
            faster = emulated_flop_per_s(self.accelerator) >= dgemm_flop_per_s(self.accelerator)
            caveats.append(Caveat("fp64-emulated" if faster else "fp64-emulated-slower"))
        elif has_little_fp64(self.accelerator):
            caveats.append(Caveat("little-fp64"))
        return tuple(caveats)


@dataclass(frozen=True)
class HplPrediction:
    """One run of HPL: order of the matrix, rate with its interval [flop/s], time [s], and where the time goes [s].

    rmax         what the middle of sites submits, with the ends that 9 of 10 lie between
    reach        what the machine can do: one site in ten tunes it so far
    class_name   how much is known of such machines, which decides how wide the interval is
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
    reach_flop_per_s: float
    class_name: str
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


def has_little_fp64(accelerator: Accelerator) -> bool:
    """True for a chip whose FP64 is next to none, as of a B300: its sisters' runs say nothing of it."""
    peaks = accelerator.peak_flop_per_s
    return peaks.get("fp64-tensor", 0) < 0.2 * peaks.get("fp32", 0)


NOT_GRADED: Final = "chip or mode not graded"
"""The class of architectures, and of emulation, of which no published run is graded."""


def hpl_class(accelerator: Accelerator, *, reference: bool, emulated: bool = False) -> str:
    """The class of machines, by which intervals of HPL and of its power are chosen: a class of `intervals.yaml`.

    reference   whether nodes are the chip maker's own design, on which sites run the maker's software as it comes
    emulated    whether FP64 is emulated, of which one node was measured and none is left to grade
    """
    if emulated or has_little_fp64(accelerator) or "hpl" not in architecture_of(accelerator).graded:
        return NOT_GRADED
    if accelerator.architecture.startswith("cdna"):
        return "AMD nodes"
    return "NVIDIA's own nodes" if reference else "others' nodes of NVIDIA GPUs"


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


def emulated_flop_per_s(accelerator: Accelerator) -> float:
    """Rate of large FP64 products that are emulated on INT8 matrix units [flop/s].  r = p8 / e

    p8  dense INT8 peak [op/s];  e  operations of that peak in a flop: slices of both factors, and all that is beside them

    Measured on a node of four GB200 (riken-rikyu), 1.56 times the hardware's; by the same rule an H100 loses more than half,
    as 1,979 Top/s stand against 67 Tflop/s of its own.  Raises UnknownName for a chip without an INT8 rate in the catalogue.
    """
    peak = accelerator.peak_flop_per_s.get("int8", 0.0)
    if not peak:
        raise UnknownName(f"precision of {accelerator.title} to emulate FP64 on", "int8", accelerator.peak_flop_per_s)
    return peak / constants(HplConstants).emulation_ratio


def hpl_terms(
    accelerator: Accelerator, gpus: Floats, order: Floats, gpus_per_node: int, network_bytes_per_s: float,
    speed_ratio: float = 1.0, *, year: int | None = None, emulated: bool = False,
) -> HplTerms:  # fmt: skip
    """The times of runs, one for each number of GPUs and order.  T = W / (G r) (1 + c (1/(b sqrt(g)) + 1/s)) + N log2(G) t

    W = 2/3 N^3 + 2 N^2,  c = k (6 r / sqrt(M / 8)) (4 + log2(G)/4) (1 - 1/sqrt(G))
    G, g  GPUs, and GPUs a node [-]       r  DGEMM rate of a GPU [flop/s]     N  order of the matrix [-]
    M     matrix a GPU [B]                b  network rate of a GPU [B/s]      s  gathering rate within a node [B/s]
    k     share not hidden by updates [-] t  panel time a column and doubling of GPUs [s]

    Terms of HPL's own scalability model (hpl-scalability): on a square grid of sqrt(G) x sqrt(G) its broadcasts and
    long swaps move 4 N^2 / (2 sqrt(G)) words a process, and swaps of narrow blocks half a word for each doubling, of
    which half are.  A node holds a square tile of the grid, so that 1/sqrt(g) of that leaves it; what stays is gathered
    over the links, at a share of their rate.  Memory enters as M, since the volume falls behind the arithmetic as N grows.
    k and t are fitted to runs on the TOP500, the share of the links is assumed; range 60 to 40,000 GPUs.  Half of all
    equal machines differ by more than 4 % for reasons that are not on the list.

    gpus, order   shape (runs,), or one number each;  gpus_per_node   of a link domain
    network_bytes_per_s   of a GPU [B/s];  speed_ratio   of DGEMM under a cap of the GPUs
    year          of the machine; t is 0 from `panel_year` on;  emulated   FP64 on INT8 units
    """
    c = constants(HplConstants)
    products = emulated_flop_per_s(accelerator) if emulated else dgemm_flop_per_s(accelerator)
    rate, square, doublings, root = speed_ratio * products, order * order, np.log2(gpus), np.sqrt(gpus)
    flop = 2 / 3 * (square * order) + 2 * square
    dgemm_s = flop / (gpus * rate)
    words_s = c.network_fraction * 6 * rate * root / order * (4 + c.log_words_ratio * doublings) * (1 - 1 / root) * dgemm_s
    outside, on_gpu = gpus > gpus_per_node, year is not None and year >= c.panel_year
    return HplTerms(
        flop=flop,
        dgemm_s=dgemm_s,
        network_s=outside * (words_s / (network_bytes_per_s * sqrt(gpus_per_node))),
        staging_s=words_s / (c.staging_fraction * (accelerator.link_rate_bytes_per_s or network_bytes_per_s)),
        panel_s=order * doublings * (0.0 if on_gpu else architecture_of(accelerator).panel_s),
    )


def predict_hpl(system: HplSystem) -> HplPrediction:
    """Predicts a run by `hpl_terms`, which has the formula, and its interval by the class of the system.

    Raises UnknownName for a chip without FP64, or without an INT8 rate to emulate it on.
    """
    chip, gpus = system.accelerator, np.float64(system.gpus_count)
    order = system.n_count or matrix_order(chip, system.gpus_count)
    terms = hpl_terms(
        chip, gpus, np.float64(order), system.gpus_per_node_count, system.network_bytes_per_s, system.speed_ratio,
        year=system.year, emulated=system.emulated,
    )  # fmt: skip
    rmax, interval = float(terms.rmax_flop_per_s), interval_of("hpl", system.class_name)
    products = emulated_flop_per_s(chip) if system.emulated else dgemm_flop_per_s(chip)
    return HplPrediction(
        n_count=order,
        rmax_flop_per_s=rmax,
        rmax_low_flop_per_s=rmax * interval.low_ratio,
        rmax_high_flop_per_s=rmax * interval.high_ratio,
        reach_flop_per_s=rmax * (interval.reach_ratio or 1.0),
        class_name=system.class_name,
        run_s=float(terms.run_s),
        dgemm_flop_per_s=system.speed_ratio * products,
        dgemm_s=float(terms.dgemm_s),
        network_s=float(terms.network_s),
        staging_s=float(terms.staging_s),
        panel_s=float(terms.panel_s),
    )
