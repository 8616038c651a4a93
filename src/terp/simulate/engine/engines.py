"""The engines of a year, and what comes out of each.

The core knows first come, first served or priorities, with EASY backfill, and is fast; the controller knows everything; the
reference runs what a user wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.describe import Account, Backfill, Cluster, Policy, Priority, Trace, Workload
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import idle_power_w, levels_of, machine_power
from terp.simulate.engine import trace_schedule
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.controller.controller_rows import TIMELINE_TIME, AttemptRow, ControllerCount, JobRow
from terp.simulate.engine.controller.controller_state import ControllerState, new_controller_state
from terp.simulate.engine.core.core_state import (
    CorePlant,
    CoreRules,
    CoreState,
    Count,
    by_submission,
    close_core_state,
    make_jobs,
    new_core_state,
)
from terp.simulate.engine.own_policy import OwnPolicy, PolicyJobs, ranks_by
from terp.simulate.engine.reference_engine import PowerLevels, ReferenceEngine
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.node_events import NodeEvents
from terp.simulate.faults import NodeFaults
from terp.simulate.jobs.draw import JobSet

Small = NDArray[np.int32]
CHUNKS: Final = 40
_NEVER_ANEW_S: Final = 2**40  # a user's order stands for the whole run

Tell = Callable[[float], None]


@dataclass(frozen=True)
class EngineJobs:
    """The jobs of a year as an engine takes them, sorted by when they may start; one entry a job.

    order        place of each in the JobSet that they are from
    eligible_s, checkpoint_s, write_s, restart_s   [s];  power_w  [W]
    qos, partition   into the policy's own, in the order of its file
    """

    jobs: JobSet
    order: Ints
    eligible_s: Ints
    checkpoint_s: Ints
    write_s: Ints
    restart_s: Ints
    power_w: Floats
    qos: Ints
    partition: Ints


@dataclass(frozen=True)
class Outcome:
    """What became of the jobs, in the order of the JobSet, and of the machine.

    limit_reached   whether a job ran into its limit;  stopped  whether it ended because others were preferred
    attempt_*       every stretch that a job ran for: whose, from, to, an AttemptEnd, the event that cut it short (-1: none)
    leaves          on how many leaf switches a job of several nodes last ran; 0 of others
    row_*           the timeline: [s], counts by TimelineRow, [W]
    """

    first_start_s: Ints
    end_s: Ints
    limit_reached: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    lost_s: Ints
    restarts: Ints
    attempt_job: Ints
    attempt_start: Ints
    attempt_end: Ints
    attempt_outcome: Ints
    attempt_event: Ints | Small
    attempt_node: Ints | Small
    leaves: Ints
    row_time: Ints
    row_counts: NDArray[np.int32]
    row_power: Floats
    failed_nodes_count: int
    preemptions_count: int
    backfilled_jobs_count: int


_NO_LIMITS: Final = Account().limits


def needs_controller(policy: Policy | None) -> bool:
    """Whether a policy asks for what the core does not know."""
    if policy is None or isinstance(policy, OwnPolicy):
        return False
    plain = policy.model_copy(
        update={
            "name": "easy", "title": "", "note": "", "order": "fifo", "priority": Priority(), "accounts": {}, "assign": [],
            "backfill": Backfill(), "qos": {},
        }
    )  # fmt: skip
    simple = Policy(kind="policy", name="easy", title="")
    deep = any(account.parent or account.limits != _NO_LIMITS for account in policy.accounts.values())
    heavy = any(qos.preempts or qos.limits != _NO_LIMITS or qos.usage_factor_ratio != 1.0 for qos in policy.qos.values())
    return plain != simple or policy.backfill != Backfill() or deep or heavy


def run_core(
    machine: Machine, policy: Policy | None, workload: Workload, load: EngineJobs, faults: NodeFaults,
    caps: tuple[Ints, Floats], horizon_s: int, tell: Tell | None,
) -> Outcome:  # fmt: skip
    """A run by the core, in steps, so that progress shows and an interrupt is heard."""
    levels = levels_of(machine)
    plant = CorePlant(
        machine.nodes_count, machine.node.accelerators_count, idle_power_w(levels), float(levels.down_w),
        machine_power(machine).base_w,
    )  # fmt: skip
    jobs = load.jobs.take(load.order)
    ranked, account, standing = _ranking(machine, policy, workload, load, jobs, caps)
    work = make_jobs(
        load.eligible_s, jobs.gpus, jobs.run_s, jobs.requested_s, load.checkpoint_s, load.restart_s, load.power_w,
        write_s=load.write_s, account=account, standing=standing,
    )  # fmt: skip
    events = NodeEvents(faults.time_s, faults.node, faults.kind, faults.repair_s)
    state, core = new_core_state(work, plant, events, ranked), kernels()
    for chunk in range(1, CHUNKS + 1):
        core.advance(state, work, plant, events, ranked, horizon_s * chunk // CHUNKS)
        if tell is not None:
            tell(chunk / CHUNKS)
    close_core_state(state, horizon_s)
    return _of_core(state, load, leaf_of(machine))


def _ranking(
    machine: Machine, policy: Policy | None, workload: Workload, load: EngineJobs, jobs: JobSet, caps: tuple[Ints, Floats]
) -> tuple[CoreRules, Ints | None, Floats | None]:  # fmt: skip
    """The core's rules; accounts are the workload's groups, with the policy's shares or the shares of the load."""
    plain = by_submission()._replace(cap_time_s=caps[0], cap_w=caps[1])
    if isinstance(policy, OwnPolicy):
        nodes = np.maximum(jobs.gpus // machine.node.accelerators_count, 1)
        ranks = ranks_by(policy, PolicyJobs(load.eligible_s.copy(), jobs.requested_s, jobs.gpus.copy(), nodes, jobs.group))
        return plain._replace(ranked=1, calc_period_s=_NEVER_ANEW_S), None, -ranks
    if policy is None or policy.order == "fifo":
        return plain, None, None
    weights, prio = policy.priority.weights, policy.priority
    shares = [
        float(policy.accounts[name].shares_count) if name in policy.accounts else group.share_fraction * 1000
        for name, group in workload.groups.items()
    ]
    size = np.maximum(jobs.gpus / machine.gpus_count, 1 / machine.gpus_count)
    size = 1 - size if prio.favor_small else size
    entries = list(policy.qos.values())
    rank = np.array([entry.priority_ratio for entry in entries] or [0.0])
    factor = rank / rank.max() if rank.max() > 0 else rank
    standing = weights.job_size_ratio * size + weights.qos_ratio * factor[load.qos]
    ranked = plain._replace(
        ranked=1, age_weight=weights.age_ratio, max_age_s=prio.max_age_s, fair_weight=weights.fairshare_ratio,
        half_life_s=prio.half_life_s, calc_period_s=round(prio.calc_period_s), shares=np.array(shares),
    )  # fmt: skip
    return ranked, jobs.group, standing


def _of_core(state: CoreState, load: EngineJobs, leaf: Ints) -> Outcome:
    attempts, rows = int(state.n[Count.ATTEMPTS]), int(state.n[Count.ROWS])
    back = np.empty_like(load.order)
    back[load.order] = np.arange(load.order.size)
    return Outcome(
        first_start_s=state.first_start_s[back],
        end_s=state.end_s[back],
        limit_reached=(state.outcome == AttemptEnd.LIMIT_REACHED)[back],
        stopped=np.zeros(load.order.size, np.bool_),
        lost_s=state.lost_s[back],
        restarts=state.restarts[back],
        attempt_job=load.order[state.attempt_job[:attempts]],
        attempt_start=state.attempt_start[:attempts],
        attempt_end=state.attempt_end[:attempts],
        attempt_outcome=state.attempt_outcome[:attempts],
        attempt_event=state.attempt_event[:attempts],
        attempt_node=state.attempt_nodes[state.attempt_nodes_from[:attempts]],
        leaves=_leaves_of_core(state, attempts, load, leaf),
        row_time=state.row_time[:rows],
        row_counts=state.row_counts[:rows],
        row_power=state.row_power[:rows],
        failed_nodes_count=int(state.n[Count.FAILED_NODES]),
        preemptions_count=0,
        backfilled_jobs_count=0,
    )


def leaf_of(machine: Machine) -> Ints:
    """The leaf of each node: of its first port, as the others go to leaves of the same unit."""
    first: Ints = machine.fabric.node_leaf[:, 0].astype(np.int64)
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


def _leaves(counts: Ints, leaf: Ints) -> Ints:
    """On how many leaves jobs of several nodes are, whose nodes' leaves stand one job after the other; 0 of others."""
    job = np.repeat(np.arange(counts.size), counts)
    many = counts[job] > 1
    width = int(leaf.max(initial=0)) + 1
    pairs = np.sort(job[many] * width + leaf[many])  # ten times as fast as np.unique
    first = np.ones(pairs.size, np.bool_)
    first[1:] = pairs[1:] != pairs[:-1]
    return np.bincount(pairs[first] // width, minlength=counts.size).astype(np.int64)


def _leaves_of_core(state: CoreState, attempts: int, load: EngineJobs, leaf: Ints) -> Ints:
    """The same of each job's last attempt, in the order of the JobSet."""
    ends = state.attempt_nodes_from[: attempts + 1]
    spread = _leaves(np.diff(ends), leaf[state.attempt_nodes[: ends[-1]]])
    by_job = np.zeros(load.order.size, np.int64)
    by_job[load.order[state.attempt_job[:attempts]]] = spread  # the last attempt of a job comes last
    return by_job


def cluster_of(machine: Machine) -> Cluster:
    """The nodes of a machine as a scheduler sees them; nodes of a unit of the fabric hang on one leaf."""
    nodes = machine.nodes_count
    cores = machine.node.processors_count * (machine.processor.cores_count or 0)
    return Cluster(
        names=tuple(f"n{number:05d}" for number in range(1, nodes + 1)),
        gpus=np.full(nodes, machine.node.accelerators_count, np.int64),
        cores=np.full(nodes, cores, np.int64),
        memory=np.zeros(nodes),
        leaf=leaf_of(machine),
    )


def trace_of(machine: Machine, policy: Policy, workload: Workload, load: EngineJobs) -> Trace:
    """The jobs of a year as a trace: accounts are the groups; a share of a node takes its share of the cores."""
    jobs = load.jobs.take(load.order)
    per_node = machine.node.accelerators_count
    whole = jobs.gpus >= per_node
    cores = machine.node.processors_count * (machine.processor.cores_count or 0)
    none = np.zeros(len(jobs), np.int64)
    return Trace(
        submit_s=jobs.submit_s,
        eligible_s=load.eligible_s,
        nodes=np.maximum(jobs.gpus // per_node, 1),
        gpus=np.minimum(jobs.gpus, per_node),
        cores=np.where(whole, cores, cores * jobs.gpus // per_node),
        memory=np.zeros(len(jobs)),
        exclusive=whole,
        run_s=jobs.run_s,
        limit_s=jobs.requested_s,
        start_s=none - 1,
        end_s=none - 1,
        state=none,
        user=none,
        account=jobs.group,
        qos=load.qos,
        partition=load.partition,
        after=none - 1,
        array=none - 1,
        array_limit=none,
        licenses=none,
        users=("all",),
        accounts=tuple(workload.groups),
        qos_names=tuple(policy.qos) or ("",),
        partitions=tuple(policy.partitions) or ("",),
    )


def run_controller(
    machine: Machine,
    policy: Policy,
    workload: Workload,
    load: EngineJobs,
    faults: NodeFaults,
    horizon_s: int,
    tell: Tell | None,
) -> Outcome:
    """A run by the controller."""
    shares = {
        name: Account(shares_count=max(round(1000 * group.share_fraction), 1))
        for name, group in workload.groups.items()
        if name not in policy.accounts
    }
    full = policy.model_copy(update={"accounts": {**policy.accounts, **shares}})
    levels = levels_of(machine)
    cluster, trace = cluster_of(machine), trace_of(machine, full, workload, load)
    extras = trace_schedule.TraceExtras(load.checkpoint_s, load.write_s, load.restart_s, load.power_w)
    ready = trace_schedule.prepare(full, cluster, trace, extras)
    if ready.refused:
        told = ", ".join(f"{count:,} {why}" for why, count in ready.refused.items())
        would_do = "raise the limits of the policy or leave such jobs out of the workload"
        raise Problems([Problem("", 0, 0, policy.name, "refuses jobs of the workload", told, would_do)])
    park = trace_schedule.park_of(cluster, idle_power_w(levels), levels.down_w, machine_power(machine).base_w)
    events = NodeEvents(faults.time_s, faults.node, faults.kind, faults.repair_s)
    state, controller = new_controller_state(ready.jobs, ready.rules, park, events), kernels("controller")
    for chunk in range(1, CHUNKS + 1):
        controller.advance(state, ready.jobs, ready.rules, park, events, horizon_s * chunk // CHUNKS)
        if tell is not None:
            tell(chunk / CHUNKS)
    return _of_controller(state, load, cluster.leaf, horizon_s)


def _of_controller(state: ControllerState, load: EngineJobs, leaf: Ints, horizon_s: int) -> Outcome:
    attempts, rows = int(state.n[ControllerCount.ATTEMPTS]), int(state.n[ControllerCount.ROWS])
    back = np.empty_like(load.order)
    back[load.order] = np.arange(load.order.size)
    job, att = state.job[:, :-1][:, back], state.att[:, :attempts]
    return Outcome(
        first_start_s=job[JobRow.FIRST_START],
        end_s=job[JobRow.ENDED],
        limit_reached=job[JobRow.OUTCOME] == AttemptEnd.LIMIT_REACHED,
        stopped=job[JobRow.OUTCOME] == AttemptEnd.PREEMPTED,
        lost_s=job[JobRow.LOST],
        restarts=job[JobRow.RESTARTS],
        attempt_job=load.order[att[AttemptRow.JOB]],
        attempt_start=att[AttemptRow.START],
        attempt_end=np.where(att[AttemptRow.END] < 0, horizon_s, att[AttemptRow.END]),
        attempt_outcome=att[AttemptRow.OUTCOME],
        attempt_event=att[AttemptRow.EVENT],
        attempt_node=att[AttemptRow.NODE],
        leaves=_leaves(np.diff(state.job[JobRow.NODES_FROM]), leaf[state.nodes])[back] * (job[JobRow.FIRST_START] >= 0),
        row_time=state.row[TIMELINE_TIME, :rows],
        row_counts=np.ascontiguousarray(state.row[:5, :rows].T).astype(np.int32),
        row_power=state.row_power[:rows],
        failed_nodes_count=int(state.n[ControllerCount.FAILED_NODES]),
        preemptions_count=int(state.n[ControllerCount.PREEMPTIONS]),
        backfilled_jobs_count=int(state.n[ControllerCount.BACKFILLED]),
    )


def run_own_policy(
    machine: Machine, policy: OwnPolicy, workload: Workload, load: EngineJobs, faults: NodeFaults, horizon_s: int,
    tell: Tell | None,
) -> Outcome:  # fmt: skip
    """A run under a user's choice, by the reference engine.  Raises Problems if it fails or answers nonsense."""
    levels, cluster = levels_of(machine), cluster_of(machine)
    trace = trace_of(machine, policy, workload, load)
    extras = trace_schedule.TraceExtras(load.checkpoint_s, load.write_s, load.restart_s, load.power_w)
    events = NodeEvents(faults.time_s, faults.node, faults.kind, faults.repair_s)
    power = PowerLevels(idle_power_w(levels), float(levels.down_w), machine_power(machine).base_w)
    engine = ReferenceEngine(policy, cluster, trace, extras, events, power)
    for chunk in range(1, CHUNKS + 1):
        engine.advance(horizon_s * chunk // CHUNKS)
        if tell is not None:
            tell(chunk / CHUNKS)
    return _of_reference(engine, load, cluster.leaf, horizon_s)


def _of_reference(engine: ReferenceEngine, load: EngineJobs, leaf: Ints, horizon_s: int) -> Outcome:
    back = np.empty_like(load.order)
    back[load.order] = np.arange(load.order.size)
    jobs, attempts = [engine.jobs[k] for k in back.tolist()], engine.attempts
    leaves = np.zeros(len(jobs), np.int64)
    for place, job in enumerate(jobs):
        nodes = attempts[job.attempt_index].nodes if job.attempt_index >= 0 else ()
        leaves[place] = len({leaf[node] for node in nodes}) if len(nodes) > 1 else 0

    def ints(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64)

    return Outcome(
        first_start_s=ints(job.first_start_s for job in jobs),
        end_s=ints(job.end_s for job in jobs),
        limit_reached=ints(job.outcome for job in jobs) == AttemptEnd.LIMIT_REACHED,
        stopped=np.zeros(len(jobs), np.bool_),
        lost_s=ints(job.lost_s for job in jobs),
        restarts=ints(job.view.restarts_count for job in jobs),
        attempt_job=load.order[ints(attempt.job_index for attempt in attempts)],
        attempt_start=ints(attempt.start_s for attempt in attempts),
        attempt_end=ints(horizon_s if attempt.end_s < 0 else attempt.end_s for attempt in attempts),
        attempt_outcome=ints(attempt.outcome for attempt in attempts),
        attempt_event=ints(attempt.event_index for attempt in attempts),
        attempt_node=ints(attempt.nodes[0] for attempt in attempts),
        leaves=leaves,
        row_time=ints(row.time_s for row in engine.timeline),
        row_counts=np.array([row.counts for row in engine.timeline], np.int32),
        row_power=np.array([row.power_w for row in engine.timeline]),
        failed_nodes_count=engine.failed_nodes,
        preemptions_count=0,
        backfilled_jobs_count=0,
    )
