"""How long a run takes in the end: with checkpoints, and with failures that send it back to the last."""

from __future__ import annotations

import math
from dataclasses import dataclass

from terp.catalogue import Reliability
from terp.catalogue.read.constants import constants
from terp.physics.training.checkpoint import CheckpointConstants, checkpoint_interval
from terp.statistics import NORMAL_P95


@dataclass(frozen=True)
class Goodput:
    """A run with failures.

    run_s          all of it [s];  good_fraction  time without failures and checkpoints over it
    interval_s     between checkpoints; infinite where none is needed;  write_s  of one
    interruptions_count  expected

    good_fraction is 1 and the interval infinite where nothing fails.
    """

    run_s: float
    good_fraction: float
    interval_s: float
    write_s: float
    interruptions_count: float


def run_with_failures(work_s: float, failures_per_s: float, write_s: float, restart_s: float | None = None) -> Goodput:
    """A run of `work_s` under random failures.  T = (W / t) M e^(R/M) (e^((t + d)/M) - 1),  t = sqrt(2 d M) - d

    work_s    W  without failures or checkpoints [s];  failures_per_s  1/M  of all its nodes [1/s]
    write_s   d  of a checkpoint, during which no step is taken;  restart_s  R

    Daly 2006, with his first-order interval, no shorter than a write and no longer than the run.  A run that on the mean
    loses next to nothing without checkpoints (`worth_fraction`) has none, and its T is that with t = W and d = 0.

    restart_s   from a failure to the next step; the catalogue's if None

    A failure costs the restart and what was done since the last checkpoint.  Exponents are cut at 600, so that
    a hopeless run is a large number and no overflow.
    """
    restart_s = constants(CheckpointConstants).restart_s if restart_s is None else restart_s
    if failures_per_s <= 0:
        return Goodput(work_s, 1.0, math.inf, write_s, 0.0)
    mean_s = 1 / failures_per_s
    restarts = math.exp(min(restart_s / mean_s, 600.0))
    without_s = mean_s * restarts * math.expm1(min(work_s / mean_s, 600.0))
    if without_s <= work_s * restarts * (1 + constants(CheckpointConstants).worth_fraction):
        return Goodput(without_s, work_s / without_s if without_s else 1.0, math.inf, write_s, without_s * failures_per_s)
    interval_s = min(checkpoint_interval(write_s, failures_per_s), max(work_s, 1.0))
    segment = min((interval_s + write_s) / mean_s, 600.0)
    run_s = work_s / interval_s * mean_s * restarts * math.expm1(segment)
    return Goodput(run_s, work_s / run_s if run_s else 1.0, interval_s, write_s, run_s * failures_per_s)


def mean_repair_s(reliability: Reliability) -> float:
    """Mean time that a failed node is away [s].  q (a + b) / 2 + (1 - q) m e^(s^2 / 2),  s = ln(p95 / m) / 1.645

    q  share mended by a restart, from a to b;  m, p95  median and 95th percentile of the others, log-normal; causes with
    repairs of their own are not told apart

    reliability   of a machine or a kind of fleet
    """
    sigma = math.log(max(reliability.slow_p95_s / reliability.slow_median_s, 1.0)) / NORMAL_P95
    slow_s = reliability.slow_median_s * math.exp(sigma**2 / 2)
    quick_s = (reliability.quick_low_s + reliability.quick_high_s) / 2
    return reliability.quick_fraction * quick_s + (1 - reliability.quick_fraction) * slow_s
