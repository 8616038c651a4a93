"""Power of a job's nodes over time: a sequence of phases by kind of job and by how thinly its work is spread.

Patterns are of benchmarks of MLPerf Training on HGX H100 nodes; other nodes and other jobs take the nearest one,
moved between their own idle and full levels (`on_node`, `pattern_for`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import ClassVar, Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue.read.constants import constants
from terp.errors import UnknownName
from terp.hardware import Machine
from terp.physics.power.node_levels import NodeLevels, levels_of
from terp.units import DAY_S

STEP_S: Final = 2
"""Seconds between readings that swings are told for; what is faster is hidden."""
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
    waiting_w: float = field(default_factory=lambda: constants(JobConstants).setup_w)
    idle_w: float = field(default_factory=lambda: constants(JobConstants).idle_w)
    burst_s: float = 0.0
    setup_s: float = 0.0
    waits_fraction: tuple[float, ...] = ()
    wait_s: float = 0.0
    first_more_s: float = 0.0
    divided_fraction: float = 0.0
    thinned_fraction: float = 0.0
    dip_every_s: float = 0.0
    dip_s: float = 0.0
    dip_fraction: float = field(default=0.0, metadata={"key": "dip_depth"})


@dataclass(frozen=True)
class JobConstants:
    """What all patterns share, of HGX H100 nodes without fans.

    idle_w, full_w    of such nodes;  setup_w  of one that loads a program or data, whose GPUs have a context and no work
    loading_s, closing_s  how long before a run its nodes begin to load, and how long after it they close
    settle_s, settle_many_s  time constants at which power follows a change of phase: of one node, and of several
    node_spread_fraction  standard deviation of nodes' mean powers in one job, over their mean
    loss_w, loss_rate_fraction  loss of a node's power supplies: constant, and over what they deliver
    patterns          by benchmark of MLPerf Training;  pattern_of  type of job -> the nearest of them
    """

    PLACE: ClassVar[str] = "node_power.jobs"
    idle_w: float
    full_w: float
    setup_w: float
    loading_s: int
    closing_s: int
    settle_s: float
    settle_many_s: float
    node_spread_fraction: float
    loss_w: float
    loss_rate_fraction: float
    patterns: Mapping[str, Pattern]
    pattern_of: Mapping[str, str]

    @classmethod
    def completed(cls, data: object) -> object:
        """Patterns with all of their waits, from the first and the step to the next, and with idle and waiting power."""
        if not isinstance(data, dict) or not isinstance(data.get("patterns"), dict):
            return data
        shared = {"waiting": data.get("setup"), "idle": data.get("idle")}
        return data | {"patterns": {name: shared | _with_waits(one) for name, one in data["patterns"].items()}}


def _with_waits(pattern: Mapping[str, object]) -> dict[str, object]:
    """A pattern's plain data with a list of its waits, as shares of a run, at equal steps from the first."""
    first, step = pattern.get("first_wait"), pattern.get("wait_every")
    rest = {key: value for key, value in pattern.items() if key not in ("first_wait", "wait_every")}
    if not isinstance(first, int | float) or not isinstance(step, int | float):
        return dict(pattern)
    return rest | {"waits": [first + step * index for index in range(int((0.999 - first) / step) + 1)]}


def patterns() -> Mapping[str, Pattern]:
    """Benchmark of MLPerf Training -> the pattern of its power, of HGX H100 nodes."""
    return constants(JobConstants).patterns


@dataclass(frozen=True)
class Shape:
    """A run: nodes, its length, the readings before and after it, and the batch that a GPU has over that on one node.

    nodes_count   of the job;  run_s   of the run alone [s];  lead_s, tail_s   read before and after it [s]
    """

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

    pattern   of the kind of job;  shape   of the run, whose batch a GPU counts
    """
    return pattern.computing_w * (1 - pattern.thinned_fraction * (1 - shape.batch_ratio))


def phases(pattern: Pattern, shape: Shape) -> list[tuple[int, float]]:
    """The job as levels, each until a whole second [s, W]: idle, loading, set-up, computing with waits, closing, idle.

    A wait of t1 on one node takes t1 (1 - d + d / n) on n, with d the divided fraction; what the first takes more,
    compiling, does not divide.

    Each pair is the second until which a level holds, and the level of a node without fans [W].
    """
    c = constants(JobConstants)
    begin, end = round(shape.lead_s), round(shape.lead_s + shape.run_s)
    level = computing_w(pattern, shape)
    divided = 1 - pattern.divided_fraction + pattern.divided_fraction / shape.nodes_count
    burst = min(begin + round(pattern.burst_s), end)
    at = min(burst + round(pattern.setup_s), end)
    loading = (begin - c.loading_s, pattern.idle_w), (begin, max(c.setup_w, pattern.idle_w))
    levels = [*loading, (burst, level), (at, pattern.waiting_w)]
    for index, fraction in enumerate(pattern.waits_fraction):
        start = min(max(begin + round(fraction * shape.run_s), at), end)
        levels += _computing(pattern, level, at, start)
        at = min(start + round(divided * pattern.wait_s + (0 if index else pattern.first_more_s)), end)
        levels.append((at, pattern.waiting_w))
    levels += _computing(pattern, level, at, end)
    last = round(shape.window_s)
    return [*levels, (min(end + c.closing_s, last), max(c.setup_w, pattern.idle_w)), (last, pattern.idle_w)]


def _computing(pattern: Pattern, level_w: float, start: int, end: int) -> Iterator[tuple[int, float]]:
    """A stretch of computing, with its dips."""
    every, length = round(pattern.dip_every_s), round(pattern.dip_s)
    for at in range(start + every, end - length, every) if length and every > length else ():
        yield at, level_w
        yield at + length, level_w * (1 - pattern.dip_fraction)
    yield end, level_w


def node_trace_w(pattern: Pattern, shape: Shape) -> Floats:
    """Mean power of a job's nodes at every second of the window, which follows the phases with a time constant [W].

    Shape (seconds + 1,), the first at the beginning of the lead.
    """
    c = constants(JobConstants)
    settle_s = c.settle_s if shape.nodes_count == 1 else c.settle_many_s
    steps = phases(pattern, shape)
    trace = np.full(steps[-1][0] + 1, pattern.idle_w)
    at, power_w = 0, next((level_w for until, level_w in steps if until > 0), pattern.idle_w)
    for until, level_w in steps:
        if until > at:
            trace[at : until + 1] = level_w + (power_w - level_w) * np.exp(-np.arange(until - at + 1) / settle_s)
            at, power_w = until, float(trace[until])
    return trace


def job_power(pattern: Pattern, shape: Shape) -> JobPower:
    """Energy of a job's nodes, and the distribution of its power and of its steps of two seconds.

    A run of more than a day is told by one of a day, whose waits lie as far apart in shares of the run.

    Ratios are of the job's own mean, so they hold for any number of equal nodes.
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
    """The pattern on another node, as far between idle and full.  P' = i' + (P - i) (f' - i') / (f - i)

    levels   of the other node [W]; dips and waits keep their lengths
    """
    c = constants(JobConstants)
    share = (levels.full_w - levels.idle_w) / (c.full_w - c.idle_w)

    def moved(level_w: float) -> float:
        return levels.idle_w + (level_w - c.idle_w) * share

    return replace(
        pattern,
        computing_w=moved(pattern.computing_w),
        waiting_w=moved(pattern.waiting_w),
        idle_w=moved(pattern.idle_w),
    )


def pattern_for(machine: Machine, job_type: str) -> Pattern:
    """The pattern of a type of job in published statistics, on a machine's nodes.  Raises UnknownName.

    job_type   one of the catalogue's `TYPES`
    """
    c = constants(JobConstants)
    if job_type not in c.pattern_of:
        raise UnknownName("type of job", job_type, c.pattern_of)
    return on_node(c.patterns[c.pattern_of[job_type]], levels_of(machine))


def at_mean(pattern: Pattern, shape: Shape, level_w: float) -> Pattern:
    """The pattern with the computing power at which the job's mean is a level that is known otherwise, as predicted [W].

    level_w   the mean that the job's node is to have [W]; four rounds come near enough, since the mean goes nearly with it
    """
    found = pattern
    for _ in range(4):
        missing_w = level_w - job_power(found, shape).mean_w
        found = replace(found, computing_w=max(found.computing_w + missing_w, found.waiting_w))
    return found


def swings_w(power: JobPower, nodes_count: int) -> tuple[float, float]:
    """Changes of a whole job's power in two seconds: 99th percentile and largest [W]."""
    mean_w = power.mean_w * nodes_count
    return power.step_p99_ratio * mean_w, power.step_max_ratio * mean_w


def mean_spread_w(mean_w: float, nodes_count: int) -> float:
    """Standard deviation of the mean power of a job's nodes by which nodes it got [W].  s = f P / sqrt(n)

    mean_w   of a node;  nodes_count   of the job
    """
    return constants(JobConstants).node_spread_fraction * mean_w / sqrt(nodes_count)


def ac_power_w(dc_w: float) -> float:
    """Power that a node takes from the wall for what its supplies deliver [W].  P = a + (1 + b) P_dc"""
    c = constants(JobConstants)
    return c.loss_w + (1 + c.loss_rate_fraction) * dc_w
