"""A trace on a machine under a policy: when each job starts, how long it waits, and what the machine draws.

Three engines may run a trace (`engine_of`): the pool where it makes no difference which nodes a job gets, the controller
otherwise, and the slow reference for a policy that chooses by a user's function.  All give a start and an end a job; from
these come waits, use and energy.  A year of drawn jobs is `workload_year.py`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Reliability
from terp.describe import Backfill, Cluster, Policy, Priority, Scenario, Site, Trace
from terp.errors import Problem, Problems
from terp.files import Question
from terp.hardware import Machine
from terp.physics import idle_power_w, levels_of, machine_power, node_power_w, pue
from terp.reader import Written
from terp.results.replay_folder import Replay, ReplayEnergy, ReplaySummary
from terp.simulate.account.hours import hour_by_hour
from terp.simulate.controls import reliability_on
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.engines import cluster_of
from terp.simulate.engine.own_policy import OwnPolicy, PolicyJobs, ranks_by
from terp.simulate.engine.pool_schedule import run_pool
from terp.simulate.engine.reference_engine import schedule_by_choice
from terp.simulate.engine.trace_schedule import TraceExtras, schedule
from terp.simulate.faults import draw_node_events
from terp.units import DAY_S, HOUR_S

BOUND_S: Final = 10
"""Jobs shorter than this count as so long in the bounded slowdown (Feitelson 1998)."""


def replay_trace(
    trace: Trace,
    scenario: Scenario,
    machine: Machine,
    site: Written[Site],
    policy: Policy,
    cluster: Cluster | None = None,
    source: str = "",
    question: Question | None = None,
) -> Replay:
    """Runs a trace on a machine.  Same arguments, same starts to the second.

    scenario  of which the seed, failures and spare nodes count here
    policy    the pool runs it if it needs no nodes (see docs/theory/scheduling.md), else the controller
    cluster   the nodes, if not those of the machine
    source    what the trace is called
    question  what the replay answers, which goes with it; None: that is not said

    Raises Problems for more spare nodes than nodes, and if no job of the trace can run.

    trace     jobs with submission, size, run time and limit; recorded starts are not looked at
    site      whose hall, prices and carbon the energy is set against

    Failures are those of the machine's reliability on the nodes of the replay; without failures the seed decides nothing.

    Gives the trace with its simulated times and the figures of summary.json; `schedule_s` is the engine's time alone,
    without its compilation.
    """
    nodes, seed = cluster or cluster_of(machine), scenario.seed
    spares, count = scenario.spare_nodes_count, len(nodes.names)
    reliability = reliability_on(machine, spares, failures=scenario.failures, nodes_count=count)
    engine = engine_of(policy, trace, failures=scenario.failures)
    if engine != "reference":
        kernels(engine)  # compiled, if need be, before the clock starts
    began = time.perf_counter()
    done = _in_pool(trace, policy, nodes) if engine == "pool" else _on_nodes(trace, policy, nodes, reliability, seed)
    took_s = time.perf_counter() - began
    summary = ReplaySummary(
        machine=machine.file.name,
        policy=policy.name,
        engine=engine,
        seed=seed,
        nodes_count=count,
        gpus_count=int(nodes.gpus.sum()),
        jobs_count=len(done.trace),
        jobs_started_count=int((done.trace.start_s >= 0).sum()),
        makespan_s=int(done.trace.end_s.max(initial=0)) - int(done.trace.submit_s.min(initial=0)),
        **_waits(done.trace),
        **_use(done.trace, done.units, done.pool_units),
        most_units_in_use_count=done.most_units_count,
        counts=done.counts,
        energy=_energy(machine, site, done),
        refused=dict(done.refused),
        notes=dict(trace.notes),
        schedule_s=round(took_s, 4),
        jobs_per_s=round(len(trace) / max(took_s, 1e-9)),
    )
    if summary.jobs_started_count == 0:
        reasons = "; ".join(f"{number} {why}" for why, number in done.refused.items())
        wrong = "no job of the trace can run on this machine"
        raise Problems([Problem("", 0, 0, "", wrong, reasons, "name a larger machine, or another --unit")])
    return Replay(source, done.trace, summary, question=question or {})


@dataclass(frozen=True)
class _Done:
    """What an engine gave: the trace with its times, units held by each job, GPUs of a unit, and counts.

    units       nodes or GPUs of each job, as the engine counts them;  pool_units  as many as there are
    unit_nodes  nodes that a unit is, for the power: 1 where units are nodes, else a GPU's share of a mean node
    refused     how many jobs can never start, by reason

    trace       with simulated starts and ends [s], -1 where they did not happen
    counts      what else the engine counted, by the key that it has in summary.json
    """

    trace: Trace
    units: Ints
    pool_units: int
    unit_nodes: float
    most_units_count: int
    counts: dict[str, int]
    refused: dict[str, int]


def engine_of(policy: Policy, trace: Trace, *, failures: bool) -> Literal["pool", "controller", "reference"]:
    """Which engine runs a trace: the pool if nothing needs nodes, the reference for a user's choice, else the controller.

    Raises Problems for a user's order of jobs that need nodes.

    failures   whether nodes may fail: then which node a job has counts, and the pool cannot tell
    """
    if isinstance(policy, OwnPolicy):
        if policy.choose is not None:
            return "reference"
        if failures or not _needs_no_nodes(trace):
            wrong = "an order is replayed where nothing fails and no job shares a node or waits for another"
            raise Problems([Problem("", 0, 0, f"policy {policy.name}", wrong, "", "--no-failures, or a choice instead")])
        return "pool"
    return "pool" if not failures and _fits_a_pool(policy, trace) else "controller"


def _fits_a_pool(policy: Policy, trace: Trace) -> bool:
    """Whether which node a job gets makes no difference: whole nodes, or bare units, and a policy of order and backfill.

    Told by comparison: names, resolution, priority and assignments aside, the policy must equal one with a backfill alone.
    """
    back = policy.backfill
    same = Policy(kind="policy", name="a", title="", backfill=Backfill(kind=back.kind, jobs_count=back.jobs_count))
    back = back.model_copy(update={"resolution_s": 1.0})
    bare = policy.model_copy(
        update={"name": "a", "title": "", "note": "", "backfill": back, "priority": Priority(), "assign": []}
    )
    return bare == same and _needs_no_nodes(trace)


def _needs_no_nodes(trace: Trace) -> bool:
    """Whether all jobs of a trace take whole nodes, or bare units, and none waits for anything but its turn.

    Dependencies, limits of arrays, licences and a later begin are what else a job may wait for; the pool knows none of them.
    """
    plain = (trace.after < 0).all() and (trace.array_limit == 0).all() and (trace.licenses == 0).all()
    whole = bool((trace.nodes == 0).all() or trace.exclusive.all())
    return bool(plain) and whole and bool((trace.eligible_s == trace.submit_s).all())


def _in_pool(trace: Trace, policy: Policy, nodes: Cluster) -> _Done:
    """A trace in a pool of alike units: whole nodes, or GPUs where no job names nodes.

    Jobs of more units than there are, or of none, never start.  A user's order is asked for once, on copies of the columns,
    so that the function cannot change the trace.

    Units are GPUs where no job of the trace names nodes, else nodes.  A job's run ends at its limit at the latest.
    """
    bare = bool((trace.nodes == 0).all())
    units = trace.gpus if bare else trace.nodes
    pool = int(nodes.gpus.sum()) if bare else len(nodes.names)
    able = units <= pool
    kept = np.flatnonzero(able & (units > 0))
    refused = {"more than the machine has": int((~able).sum())} if not able.all() else {}
    submit_s, run_s, limit_s = (column[kept] for column in (trace.submit_s, trace.run_s, np.maximum(trace.limit_s, 1)))
    rank = None
    if isinstance(policy, OwnPolicy):
        columns = (submit_s, limit_s, trace.gpus[kept] * np.maximum(trace.nodes[kept], 1), trace.nodes[kept])
        rank = ranks_by(policy, PolicyJobs(*(column.copy() for column in (*columns, trace.account[kept]))))
    ran = run_pool(submit_s, units[kept], run_s, limit_s, pool, policy, rank)
    start, end = np.full(len(trace), -1, np.int64), np.full(len(trace), -1, np.int64)
    start[kept] = ran.start_s
    end[kept] = ran.start_s + np.minimum(trace.run_s, trace.limit_s)[kept]
    counts = {"most_waiting_jobs_count": ran.most_waiting_count}
    gpus = 1 / max(float(nodes.gpus.mean()), 1.0) if bare else 1.0
    return _Done(replace(trace, start_s=start, end_s=end), units, pool, gpus, ran.most_units_count, counts, refused)


def _on_nodes(trace: Trace, policy: Policy, nodes: Cluster, reliability: Reliability, seed: int) -> _Done:
    """A trace on named nodes, by the controller, with the failures of a seed.

    Failures are drawn until a day, twice the time that the work would fill and two of the longest limits after the last job
    may start: a replay that lasts longer sees none in what is left.
    """
    jobs = _with_nodes(trace, int(nodes.gpus.max()))
    work_s = float((jobs.nodes * jobs.run_s).sum()) / len(nodes.names)
    horizon_s = int(jobs.eligible_s.max(initial=0) + 2 * work_s + 2 * jobs.limit_s.max(initial=0)) + DAY_S
    faults = draw_node_events(reliability, len(nodes.names), horizon_s, seed)
    turns = (faults.time_s, faults.node, faults.kind, faults.repair_s)
    if isinstance(policy, OwnPolicy):
        ran = schedule_by_choice(policy, nodes, jobs, TraceExtras(), turns, horizon_s)
    else:
        ran = schedule(policy, nodes, jobs, TraceExtras(), turns)
    counts = ran.counters | {
        "interrupted_jobs_count": int((ran.restarts > 0).sum()),
        "lost_node_s": int((ran.lost_s * jobs.nodes).sum()),
    }
    done = replace(jobs, start_s=ran.start_s, end_s=ran.end_s)
    units = jobs.nodes * np.where(jobs.exclusive, int(nodes.gpus.max()), jobs.gpus)
    most, per_gpu = ran.counters["most_gpus_in_use_count"], 1 / max(float(nodes.gpus.mean()), 1.0)
    return _Done(done, units, int(nodes.gpus.sum()), per_gpu, most, counts, ran.refused)


def _with_nodes(trace: Trace, per_node: int) -> Trace:
    """Jobs that only say how many GPUs they want, on nodes: a share of one, or as many whole ones as hold them.

    per_node   GPUs of a node; a job of as many or more has its nodes for itself

    In the result every job names nodes and GPUs per node; jobs that did so already are as they were.
    """
    bare = trace.nodes == 0
    if not bare.any():
        return trace
    whole = trace.gpus >= per_node
    return replace(
        trace,
        nodes=np.where(bare, np.maximum(-(-trace.gpus // per_node), 1), trace.nodes),
        gpus=np.where(bare, np.minimum(trace.gpus, per_node), trace.gpus),
        exclusive=trace.exclusive | (bare & whole),
    )


def _waits(trace: Trace) -> dict[str, float]:
    """Waits of the jobs that started [s], how many waited at all, and their bounded slowdown; 0 if none started.

    The bounded slowdown is (wait + run) over run, a run of under BOUND_S counting as BOUND_S, and never below 1.

    Waits are from submission, not from when a job became eligible, as the summaries of production logs count them.
    """
    ran = trace.start_s >= 0
    wait = (trace.start_s - trace.submit_s)[ran]
    run = np.maximum(trace.end_s - trace.start_s, 0)[ran]
    slowdown = np.maximum(1.0, (wait + run) / np.maximum(BOUND_S, run))
    median, p95 = np.percentile(wait, [50, 95]) if wait.size else (0.0, 0.0)
    return {
        "jobs_waited_fraction": float((wait > 0).mean()) if wait.size else 0.0,
        "mean_wait_s": float(wait.mean()) if wait.size else 0.0,
        "median_wait_s": float(median),
        "p95_wait_s": float(p95),
        "mean_bounded_slowdown_ratio": float(slowdown.mean()) if wait.size else 0.0,
    }


def _use(trace: Trace, units: Ints, pool_units: int) -> dict[str, float]:
    """Use of the units until the last submission and to the last end.

    units   of each job;  pool_units  that there are; both results are fractions of unit time from the first submission on

    Until the last submission no job is missing that would have come, so that share is fair to a trace that ends; the other
    counts the tail in which the machine runs empty.
    """
    ran = trace.start_s >= 0
    run = np.maximum(trace.end_s - trace.start_s, 0)[ran]
    last, end = int(trace.submit_s.max(initial=0)), int(trace.end_s.max(initial=0))
    first = int(trace.submit_s.min(initial=0))
    held = (np.minimum(trace.end_s, last) - trace.start_s).clip(0)[ran] @ units[ran]
    return {
        "utilisation_fraction": float(held / max((last - first) * pool_units, 1)),
        "utilisation_to_end_fraction": float(run @ units[ran] / max((end - first) * pool_units, 1)),
    }


def _energy(machine: Machine, site: Written[Site], done: _Done) -> ReplayEnergy | None:
    """Energy, money and carbon, with every job at the level of a long training; the year begins with the trace.

    None where no job ran.  Nodes without a job draw their idle power throughout; failures do not change the power.

    site   whose weather, prices and carbon count from the first hour of their series on

    Whole hours are counted to the end of the last job, so that idle power of the last hour is among them.
    """
    ran = done.trace.end_s > done.trace.start_s
    start, end, units = done.trace.start_s[ran], done.trace.end_s[ran], done.units[ran] * done.unit_nodes
    if start.size == 0:
        return None
    levels = levels_of(machine)
    idle_w = idle_power_w(levels)
    above_w = units * (node_power_w(levels, levels.busy_w) - idle_w)
    times = np.concatenate([start, end])
    order = np.argsort(times, kind="stable")
    base_w = machine_power(machine).base_w + idle_w * machine.nodes_count
    power = base_w + np.cumsum(np.concatenate([above_w, -above_w])[order])
    time_s = np.concatenate([[0], times[order]])
    horizon_s = -(-int(end.max() + 1) // HOUR_S) * HOUR_S
    dry_w = machine_power(machine).base_w if machine.node.cooling == "liquid" else None
    watts = np.concatenate([[base_w], power])
    hours = hour_by_hour(site.record, time_s, watts, horizon_s, machine_power(machine).rated_w, dry_w)
    it_j, meter_j = float(hours.it_j.sum()), float(hours.facility_j.sum())
    return ReplayEnergy(
        it_energy_j=it_j,
        facility_energy_j=meter_j,
        mean_pue=pue(meter_j, it_j),
        electricity_cost_eur=float(hours.cost_eur.sum()),
        carbon_kg=float(hours.carbon_kg.sum()),
        peak_it_power_w=float(watts.max()),
    )
