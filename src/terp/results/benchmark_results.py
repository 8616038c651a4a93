"""Predicted benchmarks of a machine: HPL, HPCG and HPL-MxP, each a rate with its interval, a time and a power.

The records hold what `terp predict MACHINE hpl|hpcg|mxp --json` prints; `terp.predict` fills them.  All three give their
headline as `value`, with `low` and `high` about it, so that a reader may treat them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from terp.results.record import Result


@dataclass(frozen=True)
class Neighbour:
    """A machine of a list, and its Rmax [flop/s]."""

    name: str
    rmax_flop_per_s: float


@dataclass(frozen=True)
class Neighbours:
    """Who stands above and below in an edition of the TOP500; None at an end.

    exact   False where the edition is held in part, and the place interpolated
    """

    exact: bool
    above: Neighbour | None
    below: Neighbour | None


@dataclass(frozen=True)
class HplBreakdown:
    """Where the time of a run of HPL goes; the fractions of time add up to 1.

    dgemm_flop_per_s      rate of one GPU in large products, at its power-limited clock
    matrix_bytes          the matrix in double precision
    gpu_memory_fraction   the matrix over the memory of all GPUs; above 1 where the host's memory helps
    """

    dgemm_flop_per_s: float
    dgemm_fraction: float
    network_fraction: float
    staging_fraction: float
    panel_fraction: float
    matrix_bytes: float
    gpu_memory_fraction: float


@dataclass(frozen=True)
class HpcgBreakdown:
    """Where the time of a run of HPCG goes: reading memory, and exchanging halos.

    The two are fractions of the run's time and add up to 1.
    """

    memory_fraction: float
    halo_fraction: float


@dataclass(frozen=True)
class NoBreakdown:
    """Of a benchmark for which it is not modelled where the time goes."""


@dataclass(frozen=True, eq=False, repr=False)
class HplResult(Result):
    """A predicted run of HPL.

    rmax_flop_per_s       what the middle of sites submits
    rmax_low_flop_per_s, rmax_high_flop_per_s   9 of 10 sites submit between, of machines of the class
    reach_flop_per_s      what the machine can do: one site in ten tunes it so far
    submitted_fraction    what the middle of sites submits of that
    class_name            how much is known of such machines, by which the interval is as wide as it is
    emulated              whether FP64 is emulated on INT8 matrix units
    n_count               order of the matrix
    efficiency_fraction   of the FP64 matrix peak
    power_w               mean, with network, storage and management where the machine file describes them; 9 of 10
                          submitted powers lie between its ends
    rank, green_rank      by edition, such as "2024-11"; None below the list's end, or where an edition is held in part

    value, low, high      Rmax and its ends under the names that all benchmarks share
    energy_j              `power_w` over the run, before the cooling of the hall
    """

    machine: str
    benchmark: str
    gpus_count: int
    rmax_flop_per_s: float
    rmax_low_flop_per_s: float
    rmax_high_flop_per_s: float
    reach_flop_per_s: float
    submitted_fraction: float
    class_name: str
    emulated: bool
    n_count: int
    run_s: float
    efficiency_fraction: float
    power_w: float
    power_low_w: float
    power_high_w: float
    energy_j: float
    flop_per_s_per_w: float
    rank: Mapping[str, int | None]
    green_rank: Mapping[str, int | None]
    neighbours: Mapping[str, Neighbours]
    breakdown: HplBreakdown

    @property
    def value(self) -> float:
        """Rmax [flop/s]."""
        return self.rmax_flop_per_s

    @property
    def low(self) -> float:
        """The low end of Rmax [flop/s]."""
        return self.rmax_low_flop_per_s

    @property
    def high(self) -> float:
        """The high end of Rmax [flop/s]."""
        return self.rmax_high_flop_per_s


@dataclass(frozen=True, eq=False, repr=False)
class HpcgResult(Result):
    """A predicted run of HPCG: rate with its 90 % interval, by the class of how much is known, least time, and power.

    Power [W] and energy [J] are of the same parts of the machine as in `HplResult`; HPCG has no rank among the lists held.
    """

    machine: str
    benchmark: str
    gpus_count: int
    hpcg_flop_per_s: float
    hpcg_low_flop_per_s: float
    hpcg_high_flop_per_s: float
    class_name: str
    run_s: float
    power_w: float
    energy_j: float
    breakdown: HpcgBreakdown

    @property
    def value(self) -> float:
        """The rate [flop/s]."""
        return self.hpcg_flop_per_s

    @property
    def low(self) -> float:
        """The low end of the rate [flop/s]."""
        return self.hpcg_low_flop_per_s

    @property
    def high(self) -> float:
        """The high end of the rate [flop/s]."""
        return self.hpcg_high_flop_per_s


@dataclass(frozen=True, eq=False, repr=False)
class MxpResult(Result):
    """A predicted run of HPL-MxP: rate with its 90 % interval by class of what is known, order of the matrix, time, power.

    n_count   order of the matrix; the rate counts the operations of an FP64 solution, as the list does,
              whatever the precision that they are done in
    """

    machine: str
    benchmark: str
    gpus_count: int
    mxp_flop_per_s: float
    mxp_low_flop_per_s: float
    mxp_high_flop_per_s: float
    class_name: str
    n_count: int
    run_s: float
    power_w: float
    energy_j: float
    breakdown: NoBreakdown

    @property
    def value(self) -> float:
        """The rate [flop/s]."""
        return self.mxp_flop_per_s

    @property
    def low(self) -> float:
        """The low end of the rate [flop/s]."""
        return self.mxp_low_flop_per_s

    @property
    def high(self) -> float:
        """The high end of the rate [flop/s]."""
        return self.mxp_high_flop_per_s


BenchmarkResult = HplResult | HpcgResult | MxpResult
"""Any of the three."""
