"""One job on N nodes with failures, many times over: a renewal process, without a machine or a queue around it.

`terp.validate` compares it with the ratios that fleets report for large jobs; the engines do not use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.results import kept_work_s


@dataclass(frozen=True)
class OneJob:
    """A job that holds its nodes for so long, whatever fails: a node that goes down has a spare at once.

    spread_ratio   shape of the Gamma law of the nodes' own rates
    interval_s     work between checkpoints;  write_s  of one, during which no work is done
    restart_s      least, most likely and most of the set-up after a failure, triangular

    nodes_count    that it holds throughout;  held_s  from its first start to its end, whatever was lost [s]

    All times are [s].  The shape is that of one node: a small one makes a few nodes fail far more often than the rest.
    """

    nodes_count: int
    held_s: float
    spread_ratio: float
    interval_s: float
    write_s: float
    restart_s: tuple[float, float, float]


@dataclass(frozen=True)
class Outcomes:
    """What came of each run: times that it was cut short, and work done over time held.

    Shape (runs,) each; `ettr` is the effective training time ratio, 0 to 1.
    """

    interruptions: NDArray[np.int64]
    ettr: NDArray[np.float64]


def run_one_job(job: OneJob, node_failures_per_s: Floats, seed: int) -> Outcomes:
    """A run for each of the mean node rates given [1/s].

    The nodes' rates are drawn once a run: their sum is Gamma-distributed with N times the shape of one.  Between
    failures the run is exponential; it sets up, works, and writes, and keeps what it had written (kept_work_s).

    Same arguments, same outcomes.  The first set-up is free, as a job's start is no failure; a rate of 0 never fails.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    shape = job.spread_ratio * job.nodes_count
    total = node_failures_per_s * rng.gamma(shape, 1 / job.spread_ratio, node_failures_per_s.size)
    at, kept = np.zeros(total.size), np.zeros(total.size)
    cuts = np.zeros(total.size, np.int64)
    setup = np.zeros(total.size)
    alive = np.arange(total.size)
    while alive.size:
        left = job.held_s - at[alive]
        lasts = np.full(alive.size, np.inf)
        fails = total[alive] > 0
        lasts[fails] = rng.exponential(1 / total[alive][fails])
        cut = lasts < left
        ran = np.minimum(lasts, left)
        kept[alive] += kept_work_s(ran, job.interval_s, job.write_s, setup[alive], cut)
        at[alive] += ran
        alive = alive[cut]
        cuts[alive] += 1
        setup[alive] = _triangular(rng, job.restart_s, alive.size)
    return Outcomes(cuts, kept / job.held_s)


def _triangular(rng: np.random.Generator, law: tuple[float, float, float], count: int) -> Floats:
    """Set-up times of a triangular law of least, likely and most, shape (count,) [s]; all likely where it has no width."""
    low, likely, high = law
    return rng.triangular(low, likely, high, count) if high > low else np.full(count, likely)
