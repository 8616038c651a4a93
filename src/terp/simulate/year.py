"""Machine + site + workload + seed -> Run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from terp.build import Machine
from terp.describe import Site, Workload
from terp.model import idle_power_w, levels_of, machine_power, node_power_w
from terp.reader import Written
from terp.results import Run
from terp.simulate.account import hour_by_hour
from terp.simulate.check import check_workload
from terp.simulate.draw import DAY_S, JobSet, draw_jobs, job_names
from terp.simulate.faults import draw_node_events
from terp.simulate.kernels import kernels
from terp.simulate.kinds import Kind, kinds_of
from terp.simulate.origin import origin_of
from terp.simulate.summary import hall_figures, summarise
from terp.simulate.tables import Attempts, hours_table, interruptions_table, jobs_table, timeline_table

_CHUNKS: Final = 40
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
) -> Run:
    """A run of `days` days.  Same arguments, same tables to the byte.

    tell   called with the share done, 0 to 1, a few dozen times; may raise to stop the run
    kinds  what `kinds_of(machine, workload)` gives, if it was asked before

    Raises Problems if the workload cannot run on the machine.
    """
    core = kernels()  # compiled, if need be, before the clock starts
    began = time.perf_counter()
    horizon_s, gpus_per_node = days * DAY_S, machine.node.accelerators_count
    utc_offset_s = site.record.utc_offset_s
    kinds = kinds_of(machine, workload) if kinds is None else kinds
    jobs = draw_jobs(workload.record, machine.gpus_count, gpus_per_node, horizon_s, utc_offset_s, seed)
    work = _for_core(core, machine, workload.record, kinds, jobs)
    state = _run(core, machine, work, horizon_s, seed, tell)
    timeline = timeline_table(core, state)
    time_s, power_w = state.row_time[: int(state.n[core.ROWS])], state.row_power[: int(state.n[core.ROWS])]
    power = machine_power(machine)
    dry_w = power.base_w if machine.node.cooling == "liquid" else None
    hours = hour_by_hour(site.record, time_s, power_w, horizon_s, power.rated_w, dry_w)
    idle_w = idle_power_w(levels_of(machine)) / gpus_per_node
    attempts = Attempts.of(core, state, work.power_w + idle_w * jobs.gpus)
    table = jobs_table(core, workload.record, jobs, state, attempts, hours)
    summary = summarise(table, hours, machine, workload.record, kinds, days, seed, int(state.n[core.FAILED_NODES]))
    summary |= hall_figures(site.record, hours)
    checks = check_workload(workload.record, jobs)
    summary["published_figures_count"] = len(checks)
    summary["published_figures_met_count"] = sum(check.passes for check in checks)
    origin = origin_of(machine, site, workload, kinds, days, seed)
    summary["synthetic_series"] = origin["synthetic_series"]
    summary["wall_s"] = round(time.perf_counter() - began, 3)
    interruptions = interruptions_table(core, attempts)
    return Run(table, interruptions, timeline, hours_table(hours), summary, origin)


def _for_core(core: Any, machine: Machine, workload: Workload, kinds: tuple[Kind, ...], jobs: JobSet) -> Any:
    """The jobs as the core takes them.  A job's power is its kind's level above idle, by its share of the node."""
    levels = levels_of(machine)
    types = [workload.domains[domain].jobs[name] for domain, name in job_names(workload)]
    idle_w = idle_power_w(levels)
    per_node_w = [max(node_power_w(levels, kind.level_w) - idle_w, 0) for kind in kinds]
    per_gpu_w = np.array(per_node_w) / machine.node.accelerators_count
    checkpoint_s = np.array([round(kind.checkpoint_s or 0) for kind in types], np.int64)[jobs.job]
    restart_s = np.array([round(kind.restart_s) for kind in types], np.int64)[jobs.job]
    power_w = np.rint(per_gpu_w[jobs.job] * jobs.gpus * _EIGHTH) / _EIGHTH
    return core.make_jobs(jobs.submit_s, jobs.gpus, jobs.run_s, jobs.requested_s, checkpoint_s, restart_s, power_w)


def _run(core: Any, machine: Machine, work: Any, horizon_s: int, seed: int, tell: Tell | None) -> Any:
    """Runs the core to the horizon in steps, so that progress shows and an interrupt is heard."""
    levels, base_w = levels_of(machine), machine_power(machine).base_w
    idle_w = idle_power_w(levels)
    plant = core.Plant(machine.nodes_count, machine.node.accelerators_count, idle_w, float(levels.down_w), base_w)
    drawn = draw_node_events(machine.reliability, machine.nodes_count, horizon_s, seed)
    events, rules = core.NodeEvents(drawn.time_s, drawn.node, drawn.kind, drawn.repair_s), core.by_submission()
    state = core.new_state(work, plant, events, rules)
    for chunk in range(1, _CHUNKS + 1):
        core.advance(state, work, plant, events, rules, horizon_s * chunk // _CHUNKS)
        if tell is not None:
            tell(chunk / _CHUNKS)
    core.close(state, horizon_s)
    return state
