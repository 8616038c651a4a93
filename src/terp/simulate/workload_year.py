"""Machine + site + workload + seed -> Run: the chain that strings a year together.

drawn jobs -> settings -> load and faults -> engine -> tables -> figures -> origin

`simulate_scenario` does all of it.  `prepared` stops before the engine, for what compares engines on the same input.  A user
asks `terp.simulate.year`, which turns words into a scenario; traces are replayed by `trace_replay.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from terp.arrays import Floats, Ints
from terp.describe import Policy, Scenario, Site
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import gpu_share_w, idle_power_w, levels_of, machine_power, node_power_w
from terp.results import Run
from terp.results.run_summary import RunSummary
from terp.simulate.account.hours import Hours, hour_by_hour
from terp.simulate.account.operation_figures import controls_data, operation_figures, placement_figures
from terp.simulate.account.origin import origin_of
from terp.simulate.account.summary import hall_figures, summarise
from terp.simulate.account.tables import Attempts, hours_table, interruptions_table, jobs_table, timeline_table
from terp.simulate.controls import Controls, caps_over, controls_on
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.engines import EngineJobs, Outcome, needs_controller, run_controller, run_core, run_own_policy
from terp.simulate.engine.own_policy import OwnPolicy
from terp.simulate.faults import NodeFaults, draw_node_events
from terp.simulate.jobs.draw import draw_jobs
from terp.simulate.jobs.job_controls import ControlledJobs, eligible_s, jobs_under
from terp.simulate.jobs.workload_check import check_workload
from terp.simulate.scenario_inputs import ScenarioInputs, inputs_of
from terp.units import DAY_S

_EIGHTH: Final = 8.0  # job powers are whole eighths of a watt, so that sums of them are exact

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1, a few dozen times; may raise to stop the run."""


@dataclass(frozen=True)
class PreparedYear:
    """A year that only an engine is missing from.

    controls   the scenario's settings as they are in force on the machine
    work       the jobs under them
    load       the same jobs as an engine takes them
    faults     when nodes fail and come back

    inputs     what the scenario's names stand for
    """

    scenario: Scenario
    inputs: ScenarioInputs
    controls: Controls
    work: ControlledJobs
    load: EngineJobs
    faults: NodeFaults

    @property
    def horizon_s(self) -> int:
        """How long it lasts [s]."""
        return self.scenario.days * DAY_S


def simulate_scenario(scenario: Scenario, inputs: ScenarioInputs | None = None, progress: Progress | None = None) -> Run:
    """A run of a scenario.  Same arguments, same tables to the byte.

    inputs   what its names stand for, if they were read before

    Raises Problems if its files are wrong, the workload cannot run on the machine, or the policy not with the workload.

    progress   called with the share done; what it raises ends the run, and nothing is kept

    Only `wall_s` of the summary differs from one computer to another.
    """
    read = inputs or inputs_of(scenario)
    controls = controls_on(read.machine, scenario, read.policy)  # what is refused is refused before a long wait
    engine = engine_of_year(read.policy)
    if engine != "reference":
        kernels(engine)  # compiled, if need be, before the clock starts
    began = time.perf_counter()
    year = prepared(scenario, read, controls)
    return _account(year, _run(year, progress), began)


def prepared(scenario: Scenario, inputs: ScenarioInputs, controls: Controls) -> PreparedYear:
    """All that goes into an engine for a year.  Raises Problems for settings that do not fit the workload.

    controls   of the scenario on the inputs' machine, as `controls_on` gives them

    Jobs, controls and faults draw from streams of their own of the scenario's seed, in which nothing else takes part.
    """
    machine, workload, site = inputs.machine, inputs.workload.record, inputs.site.record
    horizon_s, per_node = scenario.days * DAY_S, machine.node.accelerators_count
    drawn = draw_jobs(workload, machine.gpus_count, per_node, horizon_s, site.utc_offset_s, scenario.seed)
    work = jobs_under(controls, machine, workload, inputs.kinds, drawn)
    load = load_of(machine, site, work, controls)
    faults = draw_node_events(controls.reliability, machine.nodes_count, horizon_s, scenario.seed)
    return PreparedYear(scenario, inputs, controls, work, load, faults)


def engine_of_year(policy: Policy | None) -> Literal["core", "controller", "reference"]:
    """Which engine runs a year: the core if it knows all that a policy says, the reference for a user's choice.

    None is the core's own policy: first come, first served with EASY backfill.
    """
    if isinstance(policy, OwnPolicy) and policy.choose is not None:
        return "reference"
    return "controller" if needs_controller(policy) else "core"


def _run(year: PreparedYear, progress: Progress | None) -> Outcome:
    """What the engine that the policy needs makes of a year.

    The controller and the reference keep no cap of the machine as a whole: such a cap under their policies raises Problems.
    """
    machine, workload, policy = year.inputs.machine, year.inputs.workload.record, year.controls.policy
    engine = engine_of_year(policy)
    if engine != "core" and policy is not None:
        if year.controls.caps_machine:
            wrong = "caps of the machine's power are for policies of order and EASY backfill alone"
            raise Problems([Problem("", 0, 0, policy.name, wrong, would_do="leave the cap or the policy out")])
        if isinstance(policy, OwnPolicy):
            return run_own_policy(machine, policy, workload, year.load, year.faults, year.horizon_s, progress)
        return run_controller(machine, policy, workload, year.load, year.faults, year.horizon_s, progress)
    caps = caps_over(year.controls, year.horizon_s, year.inputs.site.record.utc_offset_s)
    return run_core(machine, policy, workload, year.load, year.faults, caps, year.horizon_s, progress)


def load_of(machine: Machine, site: Site, work: ControlledJobs, controls: Controls) -> EngineJobs:
    """The jobs as the engines take them.  A job's power is its nodes' level above idle, by its share of the node.

    site       whose prices or carbon say from when a job that may wait is eligible
    work       the jobs under the controls of the run

    All columns but `jobs` stand in the order in which jobs become eligible, equal ones by submission; `order` has their
    places in `jobs`.  Power [W] is what a job adds to the idle power of its GPUs, in eighths, so that sums are exact.
    """
    jobs, levels = work.jobs, levels_of(machine)
    idle_w = idle_power_w(levels)
    known, place = np.unique(work.level_w, return_inverse=True)
    per_node_w = [max(node_power_w(levels, level) - idle_w, 0) for level in known.tolist()]
    own_w = gpu_share_w(np.array(per_node_w)[place], jobs.gpus, machine.node.accelerators_count)
    power_w = np.rint(own_w * _EIGHTH) / _EIGHTH
    may_wait, qos, partition = (np.zeros(len(jobs), np.int64) for _ in range(3))
    for part in work.assigned:
        may_wait[part.jobs] = round(part.entry.delay_s)
        if controls.policy is not None and part.entry.qos:
            qos[part.jobs] = list(controls.policy.qos).index(part.entry.qos)
        if controls.policy is not None and part.entry.partition:
            partition[part.jobs] = list(controls.policy.partitions).index(part.entry.partition)
    start_s = eligible_s(site, jobs, may_wait, controls.delay_by)
    order = np.argsort(start_s, kind="stable")
    return EngineJobs(
        jobs=jobs,
        order=order,
        eligible_s=start_s[order],
        checkpoint_s=work.checkpoint_s[order],
        write_s=work.write_s[order],
        restart_s=work.restart_s[order],
        power_w=power_w[order],
        qos=qos[order],
        partition=partition[order],
    )


def _account(year: PreparedYear, outcome: Outcome, began_s: float) -> Run:
    """The tables, the figures and the origin of a run, which began when this computer's clock stood at `began_s`.

    Spare nodes that stand by draw idle power, which the engines, who count them as down, leave out: it is added here first.

    The tables are made first, and all figures are functions of them and of what the engine noted.
    """
    machine, workload, scenario = year.inputs.machine, year.inputs.workload.record, year.scenario
    drawn_w = outcome.row_power + _standby_w(machine) * _standing_by(year.faults, outcome.row_time)
    outcome = replace(outcome, row_power=drawn_w)
    hours = _hours(year, outcome)
    attempts = Attempts.of(outcome, _watts_by_job(year))
    table = jobs_table(workload, year.work.jobs, outcome, attempts, hours)
    failed = int((year.faults.cause[year.faults.time_s < year.horizon_s] >= 0).sum())
    kinds, pace = year.work.kinds, year.work.pace_ratio
    summary = summarise(table, hours, machine, workload, kinds, scenario.days, scenario.seed, failed, pace)
    summary |= hall_figures(year.inputs.site.record, hours)
    summary |= operation_figures(year.load, year.faults, outcome, year.controls, year.horizon_s)
    summary["placement"] = placement_figures(machine, kinds, year.work.jobs, outcome)
    checks = check_workload(workload, year.work.jobs)
    summary["published_figures_count"] = len(checks)
    summary["published_figures_met_count"] = sum(check.passes for check in checks)
    origin = origin_of(machine, year.inputs.site, year.inputs.workload, kinds, scenario.days, scenario.seed)
    origin["controls"] = controls_data(year.controls)
    summary["synthetic_series"] = origin["synthetic_series"]
    tables = (table, interruptions_table(attempts), timeline_table(outcome), hours_table(hours))
    summary["wall_s"] = round(time.perf_counter() - began_s, 3)
    return Run(*tables, RunSummary.of(summary), origin)


def _hours(year: PreparedYear, outcome: Outcome) -> Hours:
    """The hours of the hall, from what the machine drew.

    A machine whose nodes are not liquid-cooled gives all of its heat to the air of the hall.
    """
    machine, power = year.inputs.machine, machine_power(year.inputs.machine)
    dry_w = power.base_w if machine.node.cooling == "liquid" else None
    site = year.inputs.site.record
    return hour_by_hour(site, outcome.row_time, outcome.row_power, year.horizon_s, power.rated_w, dry_w)


def _watts_by_job(year: PreparedYear) -> Floats:
    """What each job draws of the nodes while it runs, the idle power of its GPUs included [W]; in the order of the jobs.

    Shape (jobs,), in the order of submission, while `load` stands in that of eligibility.
    """
    machine, load = year.inputs.machine, year.load
    idle_w = gpu_share_w(idle_power_w(levels_of(machine)), year.work.jobs.gpus, machine.node.accelerators_count)
    power_w = np.empty_like(load.power_w)
    power_w[load.order] = load.power_w
    return power_w + idle_w


def _standby_w(machine: Machine) -> float:
    """What a node that stands by draws over one that is down [W].

    A node that stands by is switched on and idle, so that it can take a place at once.
    """
    return idle_power_w(levels_of(machine)) - levels_of(machine).down_w


def _standing_by(faults: NodeFaults, time_s: Ints) -> Ints:
    """How many nodes stand by from each row of the timeline on; the engines count them as down.

    time_s   of the rows, rising [s]; gives a count a row
    """
    if not len(faults.standby):
        return np.zeros(time_s.size, np.int64)
    begins, ends = (np.sort(faults.standby[:, column]) for column in (1, 2))
    return np.searchsorted(begins, time_s, side="right") - np.searchsorted(ends, time_s, side="right")
