"""Machine + site + workload + seed -> Run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.describe import Assign, Site, Workload
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import idle_power_w, levels_of, machine_power, node_power_w
from terp.reader import Written
from terp.results import Run
from terp.simulate.account.hours import hour_by_hour
from terp.simulate.account.operation_figures import controls_data, operation_figures, placement_figures
from terp.simulate.account.origin import origin_of
from terp.simulate.account.summary import hall_figures, summarise
from terp.simulate.account.tables import Attempts, hours_table, interruptions_table, jobs_table, timeline_table
from terp.simulate.controls import (
    Controls,
    assigned,
    capped_jobs,
    capped_kinds,
    caps_over,
    checkpoints_of,
    controls_of,
    eligible_s,
    reliability_under,
    slowed,
)
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.engines import EngineJobs, Outcome, needs_controller, run_controller, run_core
from terp.simulate.faults import NodeFaults, draw_node_events
from terp.simulate.jobs.draw import JobSet, draw_jobs
from terp.simulate.jobs.job_kinds import Kind, kinds_of
from terp.simulate.jobs.workload_check import check_workload
from terp.units import DAY_S

_EIGHTH: Final = 8.0  # job powers are whole eighths of a watt, so that sums of them are exact

Tell = Callable[[float], None]


def simulate(
    machine: Machine,
    site: Written[Site],
    workload: Written[Workload],
    days: int,
    seed: int,
    tell: Tell | None = None,
    kinds: tuple[Kind, ...] | None = None,
    controls: Controls | None = None,
) -> Run:
    """A run of `days` days.  Same arguments, same tables to the byte.

    tell   called with the share done, 0 to 1, a few dozen times; may raise to stop the run
    kinds  what `kinds_of(machine, workload)` gives, if it was asked before

    Raises Problems if the workload cannot run on the machine, or the policy not with the workload.
    """
    turned = controls_of(machine, controls)
    by_controller = needs_controller(turned.policy)
    kernels("controller" if by_controller else "core")  # compiled, if need be, before the clock starts
    began = time.perf_counter()
    horizon_s, utc_offset_s = days * DAY_S, site.record.utc_offset_s
    kinds, speed = capped_kinds(machine, kinds_of(machine, workload) if kinds is None else kinds, turned)
    per_node = machine.node.accelerators_count
    drawn = draw_jobs(workload.record, machine.gpus_count, per_node, horizon_s, utc_offset_s, seed)
    rules = assigned(turned.policy, workload.record, drawn)
    pace, level_w = capped_jobs(machine, kinds, drawn, rules)
    jobs = slowed(drawn, speed[drawn.job] * pace)
    load = _load(
        machine, site.record, checkpoints_of(machine, workload.record, kinds, jobs, turned), jobs, level_w, rules, turned
    )
    reliability = reliability_under(machine.reliability, turned)
    faults = draw_node_events(reliability, machine.nodes_count, horizon_s, seed)
    if by_controller and turned.policy is not None:
        _no_caps(turned)
        outcome = run_controller(machine, turned.policy, workload.record, load, faults, horizon_s, tell)
    else:
        caps = caps_over(turned, horizon_s, utc_offset_s)
        outcome = run_core(machine, turned.policy, workload.record, load, faults, caps, horizon_s, tell)
    run = _told(machine, site, workload, kinds, jobs, load, faults, outcome, days, seed, turned, pace)
    run.summary["wall_s"] = round(time.perf_counter() - began, 3)
    return run


def _no_caps(controls: Controls) -> None:
    """Raises Problems for a cap of the machine under a policy that only the controller runs."""
    if controls.power_cap_w or controls.response_w:
        wrong = "caps of the machine's power are for policies of order and EASY backfill alone"
        name = controls.policy.name if controls.policy else ""
        raise Problems([Problem("", 0, 0, name, wrong, would_do="leave the cap or the policy out")])


def _load(
    machine: Machine, site: Site, checkpoints: tuple[Ints, Ints, Ints], jobs: JobSet, level_w: Floats,
    rules: list[tuple[Assign, NDArray[np.bool_]]], controls: Controls,
) -> EngineJobs:  # fmt: skip
    """The jobs as the engines take them.  A job's power is its nodes' level above idle, by its share of the node."""
    levels = levels_of(machine)
    idle_w = idle_power_w(levels)
    known, place = np.unique(level_w, return_inverse=True)
    per_node_w = [max(node_power_w(levels, level) - idle_w, 0) for level in known.tolist()]
    per_gpu_w = np.array(per_node_w) / machine.node.accelerators_count
    power_w = np.rint(per_gpu_w[place] * jobs.gpus * _EIGHTH) / _EIGHTH
    may_wait, qos, partition = (np.zeros(len(jobs), np.int64) for _ in range(3))
    for entry, mine in rules:
        may_wait[mine] = round(entry.delay_s)
        for column, name, table in ((qos, entry.qos, "qos"), (partition, entry.partition, "partitions")):
            if name:
                column[mine] = list(getattr(controls.policy, table)).index(name)
    start_s = eligible_s(site, jobs, may_wait, controls.delay_by)
    order = np.argsort(start_s, kind="stable")
    every, write, restart, lane, part = (column[order] for column in (*checkpoints, qos, partition))
    return EngineJobs(jobs, order, start_s[order], every, write, restart, power_w[order], lane, part)


def _told(
    machine: Machine, site: Written[Site], workload: Written[Workload], kinds: tuple[Kind, ...], jobs: JobSet,
    load: EngineJobs, faults: NodeFaults, outcome: Outcome, days: int, seed: int, controls: Controls, pace: Floats,
) -> Run:  # fmt: skip
    """The tables, the figures and the origin of a run."""
    horizon_s, power = days * DAY_S, machine_power(machine)
    standby_w = idle_power_w(levels_of(machine)) - levels_of(machine).down_w
    row_power = outcome.row_power + standby_w * _standing_by(faults, outcome.row_time)
    outcome = replace(outcome, row_power=row_power)
    dry_w = power.base_w if machine.node.cooling == "liquid" else None
    hours = hour_by_hour(site.record, outcome.row_time, outcome.row_power, horizon_s, power.rated_w, dry_w)
    idle_w = idle_power_w(levels_of(machine)) / machine.node.accelerators_count
    power_w = np.empty_like(load.power_w)
    power_w[load.order] = load.power_w
    attempts = Attempts.of(outcome, power_w + idle_w * jobs.gpus)
    table = jobs_table(workload.record, jobs, outcome, attempts, hours)
    failed = int((faults.cause[faults.time_s < horizon_s] >= 0).sum())
    summary = summarise(table, hours, machine, workload.record, kinds, days, seed, failed, pace)
    summary |= hall_figures(site.record, hours)
    summary |= operation_figures(load, faults, outcome, controls, horizon_s)
    summary["placement"] = placement_figures(machine, kinds, jobs, outcome)
    checks = check_workload(workload.record, jobs)
    summary["published_figures_count"] = len(checks)
    summary["published_figures_met_count"] = sum(check.passes for check in checks)
    origin = origin_of(machine, site, workload, kinds, days, seed)
    origin["controls"] = controls_data(controls)
    summary["synthetic_series"] = origin["synthetic_series"]
    return Run(table, interruptions_table(attempts), timeline_table(outcome), hours_table(hours), summary, origin)


def _standing_by(faults: NodeFaults, time_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many nodes stand by from each row of the timeline on; the engines count them as down."""
    if not len(faults.standby):
        return np.zeros(time_s.size, np.int64)
    begins, ends = (np.sort(faults.standby[:, column]) for column in (1, 2))
    return np.searchsorted(begins, time_s, side="right") - np.searchsorted(ends, time_s, side="right")
