"""A trace on a machine under a policy: when each job starts, how long it waits, and what the machine draws."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from terp.arrays import Ints
from terp.describe import Backfill, Cluster, Policy, Priority, Site, Trace
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import idle_power_w, levels_of, machine_power, node_power_w, pue
from terp.reader import Written
from terp.simulate.account.hours import hour_by_hour
from terp.simulate.controls import Controls, reliability_under
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.engines import cluster_of
from terp.simulate.engine.pool_schedule import run_pool
from terp.simulate.engine.trace_schedule import TraceExtras, schedule
from terp.simulate.faults import draw_node_events
from terp.units import DAY_S, HOUR_S

BOUND_S: Final = 10
"""Jobs shorter than this count as so long in the bounded slowdown (Feitelson 1998)."""


@dataclass(frozen=True)
class Replay:
    """A trace as it was simulated: the same jobs with simulated starts and ends, -1 where they did not happen."""

    trace: Trace
    summary: dict[str, Any]


def replay(
    machine: Machine, site: Written[Site], trace: Trace, policy: Policy, seed: int, controls: Controls,
    cluster: Cluster | None = None,
) -> Replay:  # fmt: skip
    """Runs a trace on a machine.  Same arguments, same starts to the second.

    policy    the pool runs it if it needs no nodes (see docs/theory/scheduling.md), else the controller
    controls  of which failures and spare nodes count here
    cluster   the nodes, if not those of the machine

    Raises Problems for jobs that can never run.
    """
    nodes = cluster or cluster_of(machine)
    engine = engine_of(policy, trace, controls)
    flat = engine == "pool"
    kernels(engine)  # compiled, if need be, before the clock starts
    began = time.perf_counter()
    done = _in_pool(trace, policy, nodes) if flat else _on_nodes(machine, trace, policy, nodes, seed, controls)
    took_s = time.perf_counter() - began
    summary = {
        "machine": machine.file.name,
        "policy": policy.name,
        "engine": engine,
        "seed": seed,
        "nodes_count": len(nodes.names),
        "gpus_count": int(nodes.gpus.sum()),
        **_waits(done.trace, done.units, done.pool_units),
        **done.figures,
        **_energy(machine, site, done),
        "refused": done.refused,
        "notes": trace.notes,
        "schedule_s": round(took_s, 4),
        "jobs_per_s": round(len(trace) / max(took_s, 1e-9)),
    }
    return Replay(done.trace, summary)


@dataclass(frozen=True)
class _Done:
    """What an engine gave: the trace with its times, units held by each job, GPUs of a unit, and counts."""

    trace: Trace
    units: Ints
    pool_units: int
    unit_nodes: float
    figures: dict[str, Any]
    refused: dict[str, int]


def engine_of(policy: Policy, trace: Trace, controls: Controls) -> str:
    """Which engine runs a trace: the pool if nothing that is asked needs nodes, else the controller."""
    return "pool" if not controls.failures and _fits_a_pool(policy, trace) else "controller"


def _fits_a_pool(policy: Policy, trace: Trace) -> bool:
    """Whether which node a job gets makes no difference: whole nodes, or bare units, and a policy of order and backfill."""
    back = policy.backfill
    same = Policy(kind="policy", name="a", title="", backfill=Backfill(kind=back.kind, jobs_count=back.jobs_count))
    back = back.model_copy(update={"resolution_s": 1.0})
    bare = policy.model_copy(
        update={"name": "a", "title": "", "note": "", "backfill": back, "priority": Priority(), "assign": []}
    )
    plain = (trace.after < 0).all() and (trace.array_limit == 0).all() and (trace.licenses == 0).all()
    whole = bool((trace.nodes == 0).all() or trace.exclusive.all())
    return bool(plain) and whole and bare == same and (trace.eligible_s == trace.submit_s).all()


def _in_pool(trace: Trace, policy: Policy, nodes: Cluster) -> _Done:
    bare = bool((trace.nodes == 0).all())
    units = trace.gpus if bare else trace.nodes
    pool = int(nodes.gpus.sum()) if bare else len(nodes.names)
    able = units <= pool
    kept = np.flatnonzero(able & (units > 0))
    refused = {"more than the machine has": int((~able).sum())} if not able.all() else {}
    submit_s, run_s, limit_s = (column[kept] for column in (trace.submit_s, trace.run_s, np.maximum(trace.limit_s, 1)))
    found = run_pool(submit_s, units[kept], run_s, limit_s, pool, policy)
    start, end = np.full(len(trace), -1, np.int64), np.full(len(trace), -1, np.int64)
    start[kept] = found.start_s
    end[kept] = found.start_s + np.minimum(trace.run_s, trace.limit_s)[kept]
    figures = {"most_units_in_use_count": found.most_units_count, "most_waiting_jobs_count": found.most_waiting_count}
    gpus = 1 / max(float(nodes.gpus.mean()), 1.0) if bare else 1.0
    return _Done(replace(trace, start_s=start, end_s=end), units, pool, gpus, figures, refused)


def _on_nodes(machine: Machine, trace: Trace, policy: Policy, nodes: Cluster, seed: int, controls: Controls) -> _Done:
    jobs = _with_nodes(trace, int(nodes.gpus.max()))
    work_s = float((jobs.nodes * jobs.run_s).sum()) / len(nodes.names)
    horizon_s = int(jobs.eligible_s.max(initial=0) + 2 * work_s + 2 * jobs.limit_s.max(initial=0)) + DAY_S
    faults = draw_node_events(reliability_under(machine.reliability, controls), len(nodes.names), horizon_s, seed)
    turns = (faults.time_s, faults.node, faults.kind, faults.repair_s)
    found = schedule(policy, nodes, jobs, TraceExtras(), turns)
    told = {**found.counters, "most_units_in_use_count": found.counters["most_gpus_in_use_count"]}
    told |= {
        "interrupted_jobs_count": int((found.restarts > 0).sum()),
        "lost_node_s": int((found.lost_s * jobs.nodes).sum()),
    }
    done = replace(jobs, start_s=found.start_s, end_s=found.end_s)
    units = jobs.nodes * np.where(jobs.exclusive, int(nodes.gpus.max()), jobs.gpus)
    return _Done(done, units, int(nodes.gpus.sum()), 1 / max(float(nodes.gpus.mean()), 1.0), told, found.refused)


def _with_nodes(trace: Trace, per_node: int) -> Trace:
    """Jobs that only say how many GPUs they want, on nodes: a share of one, or as many whole ones as hold them."""
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


def _waits(trace: Trace, units: Ints, pool_units: int) -> dict[str, Any]:
    """Waits, slowdown, and use until the last submission and to the end."""
    ran = trace.start_s >= 0
    wait = (trace.start_s - trace.submit_s)[ran]
    run = np.maximum(trace.end_s - trace.start_s, 0)[ran]
    last, end = int(trace.submit_s.max(initial=0)), int(trace.end_s.max(initial=0))
    first = int(trace.submit_s.min(initial=0))
    held = (np.minimum(trace.end_s, last) - trace.start_s).clip(0)[ran] @ units[ran]
    whole = run @ units[ran]
    slowdown = np.maximum(1.0, (wait + run) / np.maximum(BOUND_S, run))
    median, p95 = np.percentile(wait, [50, 95]) if wait.size else (0.0, 0.0)
    return {
        "jobs_count": len(trace),
        "jobs_started_count": int(ran.sum()),
        "jobs_waited_fraction": float((wait > 0).mean()) if wait.size else 0.0,
        "mean_wait_s": float(wait.mean()) if wait.size else 0.0,
        "median_wait_s": float(median),
        "p95_wait_s": float(p95),
        "mean_bounded_slowdown_ratio": float(slowdown.mean()) if wait.size else 0.0,
        "utilisation_fraction": float(held / max((last - first) * pool_units, 1)),
        "utilisation_to_end_fraction": float(whole / max((end - first) * pool_units, 1)),
        "makespan_s": end - first,
    }


def _energy(machine: Machine, site: Written[Site], done: _Done) -> dict[str, Any]:
    """Energy, money and carbon, with every job at the level of a long training; the year begins with the trace."""
    ran = done.trace.end_s > done.trace.start_s
    start, end, units = done.trace.start_s[ran], done.trace.end_s[ran], done.units[ran] * done.unit_nodes
    if start.size == 0:
        return {}
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
    return {
        "it_energy_j": it_j,
        "facility_energy_j": meter_j,
        "mean_pue": pue(meter_j, it_j),
        "electricity_cost_eur": float(hours.cost_eur.sum()),
        "carbon_kg": float(hours.carbon_kg.sum()),
        "peak_it_power_w": float(watts.max()),
    }


def refuse_if_nothing_ran(done: Replay) -> None:
    """Raises Problems if no job of a trace could start."""
    if done.summary["jobs_started_count"] == 0:
        told = "; ".join(f"{count} {why}" for why, count in done.summary["refused"].items())
        wrong = "no job of the trace can run on this machine"
        raise Problems([Problem("", 0, 0, "", wrong, told, "name a larger machine, or another --unit")])
