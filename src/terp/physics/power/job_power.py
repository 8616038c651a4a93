"""Power of a job's nodes over time: a sequence of phases by kind of job and by how thinly its work is spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.errors import UnknownName
from terp.hardware import Machine
from terp.physics.power.node_levels import NodeLevels, levels_of
from terp.units import DAY_S

MEASURED_IDLE_W: Final = 2240.0
MEASURED_FULL_W: Final = 7300.0
"""Idle and full power of the HGX H100 nodes that the patterns below are of, without fans [W] (smc-mlperf-2024)."""
SETUP_W: Final = 2700.0
"""A node that loads a program or data, whose GPUs have a context and no work [W]."""
LOADING_S: Final = 27
CLOSING_S: Final = 18
"""How long before a run its nodes begin to load, and how long after it they close [s]."""
SETTLE_S: Final = 1.6
SETTLE_MANY_S: Final = 2.3
"""Time constants at which power follows a change of phase [s]: of one node, and of several, which are not quite in step."""
STEP_S: Final = 2
"""Seconds between readings that swings are told for; what is faster is hidden."""
NODE_SPREAD_FRACTION: Final = 0.0095
"""Standard deviation of nodes' mean powers in one job, over their mean: 46 of 6,849 W between readings that two nodes share,
in GPT-3 on 64, and a root of two more of one node."""
LOSS_W: Final = 122.0
LOSS_FRACTION: Final = 0.009
"""Loss of a node's power supplies: constant, and over what they deliver, from one-node runs.
Meters of other runs differ by 1 %."""
SHARES: Final = (0.05, 0.5, 0.95)
"""Percentiles that are told of a job's power."""
LONGEST_TRACE_S: Final = float(DAY_S)


@dataclass(frozen=True)
class Pattern:
    """How a kind of job draws power, of HGX H100 nodes without fans.

    computing_w       while it computes on one node        waiting_w   while it waits
    idle_w            before it loads and after it closed
    burst_s, setup_s  first steps at the start of the run, and the wait after them
    waits_fraction    when in the run later waits begin    wait_s      each on one node, the first longer by first_more_s
    divided_fraction  share of a wait that divides by the nodes (evaluation), where the rest does not
    thinned_fraction  share of the computing power that is lost as the share of the batch a GPU has goes to nothing
    dip_every_s, dip_s, dip_fraction   short dips while it computes: period, length, depth over the level
    """

    computing_w: float
    waiting_w: float = SETUP_W
    idle_w: float = MEASURED_IDLE_W
    burst_s: float = 0.0
    setup_s: float = 0.0
    waits_fraction: tuple[float, ...] = ()
    wait_s: float = 0.0
    first_more_s: float = 0.0
    divided_fraction: float = 0.0
    thinned_fraction: float = 0.0
    dip_every_s: float = 0.0
    dip_s: float = 0.0
    dip_fraction: float = 0.0


def _every(step: float, first: float | None = None) -> tuple[float, ...]:
    """Shares of a run at equal steps."""
    first = step if first is None else first
    return tuple(first + step * index for index in range(int((0.999 - first) / step) + 1))


PATTERNS: Final = {
    "bert": Pattern(7040.0, setup_s=5.0, waits_fraction=(0.06,), wait_s=1.0),
    "dlrm_dcnv2": Pattern(7210.0, idle_w=2700.0),
    "gpt3": Pattern(
        7140.0, waits_fraction=_every(1 / 24), first_more_s=1.0, dip_every_s=9.0, dip_s=2.0, dip_fraction=0.194,
    ),
    "llama2_70b_lora": Pattern(
        7320.0, idle_w=2800.0, setup_s=14.0, waits_fraction=_every(0.14, 0.46), wait_s=2.0, first_more_s=13.0,
        thinned_fraction=0.18,
    ),
    "resnet": Pattern(7100.0, setup_s=1.0, dip_every_s=90.0, dip_s=3.0, dip_fraction=0.055, thinned_fraction=0.19),
    "ssd": Pattern(7010.0, 3460.0, waits_fraction=_every(0.245), wait_s=26.0, divided_fraction=0.81, thinned_fraction=0.092),
    "unet3d": Pattern(7280.0, burst_s=2.0, setup_s=3.0, thinned_fraction=0.116),
}  # fmt: skip
"""Benchmark of MLPerf Training -> its pattern, fitted by scripts/fit_power.py: on one node, GPT-3 on 64, and what more nodes
change."""
PATTERN_OF: Final = {
    "pretraining": "gpt3", "fine-tuning": "llama2_70b_lora", "multimodal": "unet3d", "evaluation": "bert", "debug": "bert",
    "other": "dlrm_dcnv2",
}  # fmt: skip
"""Type of job in published statistics -> the measured pattern nearest to it: our choice, nothing measured says so."""


@dataclass(frozen=True)
class Shape:
    """A run: nodes, its length, the readings before and after it, and the batch that a GPU has over that on one node."""

    nodes_count: int
    run_s: float
    lead_s: float = 0.0
    tail_s: float = 0.0
    batch_ratio: float = 1.0

    @property
    def window_s(self) -> float:
        """The run with what is read before and after it [s]."""
        return self.lead_s + self.run_s + self.tail_s


@dataclass(frozen=True)
class JobPower:
    """What is told of a job's power over time.

    mean_w, energy_j   of one node, without fans
    level_ratios       5th, 50th and 95th percentile of the job's power over its mean
    step_p99_ratio, step_max_ratio   change of the job's power in two seconds over its mean: 99th percentile and largest
    """

    mean_w: float
    energy_j: float
    level_ratios: tuple[float, float, float]
    step_p99_ratio: float
    step_max_ratio: float


def computing_w(pattern: Pattern, shape: Shape) -> float:
    """Power of a node that computes [W].  P = P1 (1 - l (1 - r))

    P1  on one node;  l  thinned fraction;  r  batch of a GPU over that on one node
    """
    return pattern.computing_w * (1 - pattern.thinned_fraction * (1 - shape.batch_ratio))


def phases(pattern: Pattern, shape: Shape) -> list[tuple[int, float]]:
    """The job as levels, each until a whole second [s, W]: idle, loading, set-up, computing with waits, closing, idle.

    A wait of t1 on one node takes t1 (1 - d + d / n) on n, with d the divided fraction; what the first takes more,
    compiling, does not divide.
    """
    begin, end = round(shape.lead_s), round(shape.lead_s + shape.run_s)
    level = computing_w(pattern, shape)
    divided = 1 - pattern.divided_fraction + pattern.divided_fraction / shape.nodes_count
    burst = min(begin + round(pattern.burst_s), end)
    at = min(burst + round(pattern.setup_s), end)
    loading = (begin - LOADING_S, pattern.idle_w), (begin, max(SETUP_W, pattern.idle_w))
    found = [*loading, (burst, level), (at, pattern.waiting_w)]
    for index, fraction in enumerate(pattern.waits_fraction):
        start = min(max(begin + round(fraction * shape.run_s), at), end)
        found += _computing(pattern, level, at, start)
        at = min(start + round(divided * pattern.wait_s + (0 if index else pattern.first_more_s)), end)
        found.append((at, pattern.waiting_w))
    found += _computing(pattern, level, at, end)
    last = round(shape.window_s)
    return [*found, (min(end + CLOSING_S, last), max(SETUP_W, pattern.idle_w)), (last, pattern.idle_w)]


def _computing(pattern: Pattern, level_w: float, start: int, end: int) -> Iterator[tuple[int, float]]:
    """A stretch of computing, with its dips."""
    every, length = round(pattern.dip_every_s), round(pattern.dip_s)
    for at in range(start + every, end - length, every) if length and every > length else ():
        yield at, level_w
        yield at + length, level_w * (1 - pattern.dip_fraction)
    yield end, level_w


def node_trace_w(pattern: Pattern, shape: Shape) -> Floats:
    """Mean power of a job's nodes at every second of the window, which follows the phases with a time constant [W]."""
    settle_s = SETTLE_S if shape.nodes_count == 1 else SETTLE_MANY_S
    steps = phases(pattern, shape)
    found = np.full(steps[-1][0] + 1, pattern.idle_w)
    at, power_w = 0, next((level_w for until, level_w in steps if until > 0), pattern.idle_w)
    for until, level_w in steps:
        if until > at:
            found[at : until + 1] = level_w + (power_w - level_w) * np.exp(-np.arange(until - at + 1) / settle_s)
            at, power_w = until, float(found[until])
    return found


def job_power(pattern: Pattern, shape: Shape) -> JobPower:
    """Energy of a job's nodes, and the distribution of its power and of its steps of two seconds.

    A run of more than a day is told by one of a day, whose waits lie as far apart in shares of the run.
    """
    trace = node_trace_w(pattern, replace(shape, run_s=min(shape.run_s, LONGEST_TRACE_S)))
    mean_w = float(trace.mean())
    low, middle, high = np.quantile(trace, SHARES) / mean_w
    steps = np.abs(trace[STEP_S:] - trace[:-STEP_S]) / mean_w if len(trace) > STEP_S else np.zeros(1)
    return JobPower(
        mean_w=mean_w,
        energy_j=mean_w * shape.window_s,
        level_ratios=(float(low), float(middle), float(high)),
        step_p99_ratio=float(np.quantile(steps, 0.99)),
        step_max_ratio=float(steps.max()),
    )


def on_node(pattern: Pattern, levels: NodeLevels) -> Pattern:
    """The pattern on another node, as far between idle and full.  P' = i' + (P - i) (f' - i') / (f - i)"""
    share = (levels.full_w - levels.idle_w) / (MEASURED_FULL_W - MEASURED_IDLE_W)

    def moved(level_w: float) -> float:
        return levels.idle_w + (level_w - MEASURED_IDLE_W) * share

    return replace(
        pattern,
        computing_w=moved(pattern.computing_w),
        waiting_w=moved(pattern.waiting_w),
        idle_w=moved(pattern.idle_w),
    )


def pattern_for(machine: Machine, job_type: str) -> Pattern:
    """The pattern of a type of job in published statistics, on a machine's nodes.  Raises UnknownName."""
    if job_type not in PATTERN_OF:
        raise UnknownName("type of job", job_type, PATTERN_OF)
    return on_node(PATTERNS[PATTERN_OF[job_type]], levels_of(machine))


def at_mean(pattern: Pattern, shape: Shape, level_w: float) -> Pattern:
    """The pattern with the computing power at which the job's mean is a level that is known otherwise, as predicted [W]."""
    found = pattern
    for _ in range(4):
        missing_w = level_w - job_power(found, shape).mean_w
        found = replace(found, computing_w=max(found.computing_w + missing_w, found.waiting_w))
    return found


def swings_w(found: JobPower, nodes_count: int) -> tuple[float, float]:
    """Changes of a whole job's power in two seconds: 99th percentile and largest [W]."""
    mean_w = found.mean_w * nodes_count
    return found.step_p99_ratio * mean_w, found.step_max_ratio * mean_w


def mean_spread_w(mean_w: float, nodes_count: int) -> float:
    """Standard deviation of the mean power of a job's nodes by which nodes it got [W].  s = f P / sqrt(n)"""
    return NODE_SPREAD_FRACTION * mean_w / sqrt(nodes_count)


def ac_power_w(dc_w: float) -> float:
    """Power that a node takes from the wall for what its supplies deliver [W].  P = a + (1 + b) P_dc"""
    return LOSS_W + (1 + LOSS_FRACTION) * dc_w
