"""What an operator may turn: caps of power, spare nodes, failures, checkpoints, delays; as they are in force on a machine.

A `Scenario` says what was asked for, and leaves to the files what it does not say.  `controls_on` settles both, once, and
refuses what the machine cannot do; nothing after it has to ask where a setting comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import Reliability
from terp.describe import Policy, Scenario
from terp.describe.scenario import lifted
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics.power.power_caps import capped_job, gpu_cap_of_node_w, gpu_cap_range_w, least_node_cap_w
from terp.simulate.jobs.job_kinds import JobKind
from terp.units import DAY_S, HOUR_S, show


@dataclass(frozen=True)
class Controls:
    """The settings of a run as they are in force; None where there is none.

    policy        how the machine is shared; None: first come, first served with EASY backfill
    gpu_cap_w     of every GPU [W];  node_cap_w  of every node without fans, which caps its GPUs [W]; the lower counts
    power_cap_w   of the whole machine, above which nothing starts [W]
    response_w    cap of the machine in the hours of `response`, such as (17, 20): local, each day [W]
    reliability   of the machine, with the spare nodes that stand by; of rate zero if nothing fails
    failures      False: nothing fails
    checkpoints   file: as the workload says; daly: where a kind's writes are known, at the interval that costs least
    delay_by      what jobs that may be delayed wait for: the cheapest or the cleanest hours

    power_cap_w and response_w count what the machine draws as a whole.  None of the settings changes which jobs come: a seed
    draws the same jobs under any controls, so that runs with different ones can be compared year by year.
    """

    policy: Policy | None
    gpu_cap_w: float | None
    node_cap_w: float | None
    power_cap_w: float | None
    response_w: float | None
    response: tuple[int, int]
    reliability: Reliability
    failures: bool
    checkpoints: Literal["file", "daly"]
    delay_by: Literal["price", "carbon"]

    @property
    def spare_nodes_count(self) -> int:
        """Nodes that stand by."""
        return self.reliability.spare_nodes_count

    @property
    def caps_machine(self) -> bool:
        """Whether the power of the machine as a whole is capped at any time.

        Only the core engine keeps such a cap.
        """
        return self.power_cap_w is not None or self.response_w is not None


def controls_on(machine: Machine, scenario: Scenario, policy: Policy | None) -> Controls:
    """The settings of a scenario on a machine, whose file counts where the scenario says nothing.

    Raises Problems, all at once, for caps that its GPUs do not take and for more spare nodes than it has nodes.

    policy   as it was read, with caps of its own for some jobs, which are checked as well

    A scenario's cap replaces the file's, and "none" lifts it.
    """
    gpu_cap_w = lifted(scenario.gpu_cap_w, machine.file.compute.gpu_cap_w)
    node_cap_w = lifted(scenario.node_cap_w)
    problems = [*misfits_of_caps(machine, gpu_cap_w, node_cap_w), *_misfits_of_assigned_caps(machine, policy)]
    reliability, misfits = _reliability(machine, scenario.spare_nodes_count, failures=scenario.failures)
    if problems or misfits:
        raise Problems([*problems, *misfits])
    return Controls(
        policy=policy,
        gpu_cap_w=gpu_cap_w,
        node_cap_w=node_cap_w,
        power_cap_w=lifted(scenario.power_cap_w),
        response_w=lifted(scenario.response_w),
        response=scenario.response_local_hours,
        reliability=reliability,
        failures=scenario.failures,
        checkpoints=scenario.checkpoints,
        delay_by=scenario.delay_by,
    )


def reliability_on(machine: Machine, spare_nodes_count: int | None, *, failures: bool, nodes_count: int = 0) -> Reliability:
    """The machine's reliability with the spare nodes that were asked for, or without failures of any kind.

    spare_nodes_count   None: as the machine's file says
    nodes_count         of which nodes there are, if not the machine's own

    Raises Problems if no node is left to work.

    failures            False: nodes and links have a rate of zero, and spare nodes stand by all the same
    """
    reliability, problems = _reliability(machine, spare_nodes_count, failures=failures, nodes_count=nodes_count)
    if problems:
        raise Problems(problems)
    return reliability


def _reliability(
    machine: Machine, spare_nodes_count: int | None, *, failures: bool, nodes_count: int = 0
) -> tuple[Reliability, list[Problem]]:
    """The reliability in force, and what is wrong with it: spare nodes leave no node to work."""
    own, nodes = machine.reliability, nodes_count or machine.nodes_count
    spare = own.spare_nodes_count if spare_nodes_count is None else spare_nodes_count
    rates = {} if failures else {"node_failures_per_s": 0.0, "link_flaps_per_s": 0.0}
    reliability = own.model_copy(update={"spare_nodes_count": spare, **rates})
    if spare < nodes:
        return reliability, []
    wrong, would_do = "more spare nodes than there are nodes", f"at most {nodes - 1:,} would do"
    return reliability, [Problem("", 0, 0, "spare_nodes", wrong, f"{spare:,}", would_do)]


def misfits_of_caps(
    machine: Machine, gpu_cap_w: float | None, node_cap_w: float | None = None, path: str = "gpu_cap"
) -> list[Problem]:
    """What is wrong with a cap of each GPU, and with one of each node: that its GPUs do not take such a cap [W].

    path   what the cap of a GPU is called in a problem

    A cap within a billionth of an end is taken, so that rounding refuses none.  An empty list where nothing is wrong.
    """
    problems = []
    low_w, high_w = gpu_cap_range_w(machine.accelerator)
    if gpu_cap_w is not None and not low_w * (1 - 1e-9) <= gpu_cap_w <= high_w * (1 + 1e-9):
        would_do = f"{show(low_w, 'w')} to {show(high_w, 'w')} would do"
        wrong = f"a GPU of {machine.file.name} takes no such cap"
        problems.append(Problem("", 0, 0, path, wrong, show(gpu_cap_w, "w"), would_do))
    least_w = least_node_cap_w(machine)
    if node_cap_w is not None and node_cap_w < least_w * (1 - 1e-9):
        wrong = f"caps of its GPUs keep no node of {machine.file.name} below it"
        problems.append(
            Problem("", 0, 0, "node_cap", wrong, show(node_cap_w, "w"), f"at least {show(least_w, 'w')} would do")
        )
    return problems


def _misfits_of_assigned_caps(machine: Machine, policy: Policy | None) -> list[Problem]:
    """The same of the caps that a policy gives to jobs.

    Each different cap is told once; without a policy nothing is wrong.
    """
    caps_w: Iterable[float] = {entry.gpu_cap_w for entry in policy.assign if entry.gpu_cap_w > 0} if policy else ()
    return [problem for cap_w in caps_w for problem in misfits_of_caps(machine, cap_w, path="assign.gpu_cap")]


def capped_kinds(
    machine: Machine, kinds: tuple[JobKind, ...], gpu_cap_w: float | None, node_cap_w: float | None = None
) -> tuple[tuple[JobKind, ...], Floats]:
    """The kinds of job under a cap of each GPU or node [W], and how fast each then runs over before, one entry a kind.

    Without caps the kinds are the same and the speeds are ones; of two caps the lower counts.  A kind's power and its speed
    ratios are those of `physics.power.power_caps`; speeds have the shape (kinds,).
    """
    caps_w = [gpu_cap_w] if gpu_cap_w is not None else []
    caps_w += [gpu_cap_of_node_w(machine, node_cap_w)] if node_cap_w is not None else []
    if not caps_w:
        return kinds, np.ones(len(kinds))
    under = [capped_job(machine, kind.level_w, min(caps_w)) for kind in kinds]
    slower = tuple(
        replace(
            kind,
            level_w=cap.level_w,
            speed_ratio={profile: round(ratio * cap.speed_ratio, 3) for profile, ratio in kind.speed_ratio.items()},
        )
        for kind, cap in zip(kinds, under, strict=True)
    )
    return slower, np.array([cap.speed_ratio for cap in under])


def caps_over(controls: Controls, horizon_s: int, utc_offset_s: float) -> tuple[Ints, Floats]:
    """When the machine's cap changes [s], and to what [W]; nothing where there is none.

    horizon_s      length of the run [s];  utc_offset_s  of the site's local time, for the hours of a response

    Two arrays of one shape, times rising within the run; an infinite cap lifts the one before.
    """
    usual = np.inf if controls.power_cap_w is None else controls.power_cap_w
    if controls.response_w is None:
        times, caps = ([], []) if controls.power_cap_w is None else ([0], [usual])
        return np.array(times, np.int64), np.array(caps, float)
    begin, end = (round(hour * HOUR_S - utc_offset_s) for hour in controls.response)
    edges = [(0, usual)]
    for day in range(-1, -(-horizon_s // DAY_S) + 1):
        edges += [(day * DAY_S + begin, min(controls.response_w, usual)), (day * DAY_S + end, usual)]
    inside = [(at, cap) for at, cap in edges if 0 <= at < horizon_s]
    return np.array([at for at, _ in inside], np.int64), np.array([cap for _, cap in inside], float)
