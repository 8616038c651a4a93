"""A trace under a policy on a cluster -> when and where each job ran.

`schedule` is the short way; `prepare` and `park_of` are its parts, for who runs the controller step by step.  Energy,
failures
drawn at random and a year's results are the business of `engines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.describe import Cluster, Policy, Trace
from terp.simulate.engine import controller_input as rules
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.controller.controller_rows import ControllerCount, JobRow, Request
from terp.simulate.engine.controller.controller_state import (
    ControllerJobs,
    ControllerPark,
    ControllerRules,
    ControllerState,
    new_controller_state,
)
from terp.simulate.engine.shared.codes import AttemptEnd, TimelineRow
from terp.simulate.engine.shared.node_events import NodeEvents, no_events

FAR_S: Final = 2**40


@dataclass(frozen=True)
class TraceExtras:
    """What a trace does not say of its jobs: checkpoints [s] and power [W]; empty: none.

    All arrays have shape (jobs,), in the order of the trace.  checkpoint_s is of work between writes, write_s of one write,
    restart_s of setting up after an interruption; power_w is what a job adds to idle nodes.
    """

    checkpoint_s: Ints | None = None
    write_s: Ints | None = None
    restart_s: Ints | None = None
    power_w: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Schedule:
    """What came out; one entry a job of the trace, -1 where it did not happen.

    start_s   first start;  end_s  last end;  first_node  of its last start
    outcome   how its last attempt ended, an AttemptEnd
    refused   reason -> how many jobs could never start

    Times are seconds from the trace's start, arrays of shape (jobs,).  The nodes of job i are
    nodes[nodes_from[i]:nodes_from[i + 1]].
    restarts  how often it began again;  lost_s  time that became no work [s];  counters  of the whole run, by name
    """

    start_s: Ints
    end_s: Ints
    outcome: Ints
    restarts: Ints
    lost_s: Ints
    nodes_from: Ints
    nodes: NDArray[np.int32]
    refused: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)


def controller_jobs(
    trace: Trace, cluster: Cluster, tree: rules.AssociationTree, tables: rules.Tables, extras: TraceExtras
) -> ControllerJobs:
    """The jobs as the controller takes them.

    Rows as in Request and RequestRate, in their order; times are at least 1 s for work and limit, and memory is rounded up
    to MB.
    """
    none = np.zeros(len(trace), np.int64)
    memory = np.ceil(trace.memory / rules.MEGABYTE)
    given = (none if value is None else value for value in (extras.checkpoint_s, extras.write_s, extras.restart_s))
    columns = (
        trace.eligible_s, trace.nodes, trace.gpus, trace.cores, memory, trace.exclusive, np.maximum(trace.run_s, 1),
        np.maximum(trace.limit_s, 1), *given, rules.leaves_of(tree, trace), trace.user, tables.qos_index, tables.partition,
        trace.after, trace.array, trace.array_limit, trace.licenses,
    )  # fmt: skip
    power_w = none if extras.power_w is None else extras.power_w
    billing = rules.billing_of(trace, cluster, tables)
    return ControllerJobs(
        np.array([column.astype(np.int64) for column in columns]), np.array([power_w.astype(float), billing])
    )


def park_of(cluster: Cluster, idle_w: float = 0.0, down_w: float = 0.0, base_w: float = 0.0) -> ControllerPark:
    """The nodes as the controller takes them; what is not said of cores or memory limits nothing.

    idle_w, down_w   of a node, base_w  of the machine [W]; a replay without power leaves them at 0
    """
    memory = np.where(cluster.memory > 0, cluster.memory / rules.MEGABYTE, 2.0**40).astype(np.int64)
    cores = np.where(cluster.cores > 0, cluster.cores, 2**40)
    node = np.array([cluster.gpus, cores, memory, cluster.leaf])
    return ControllerPark(node, int(cluster.cores.sum()), float(idle_w), float(down_w), float(base_w))


@dataclass(frozen=True)
class ReadyTrace:
    """A policy and a trace as the controller takes them.

    kept      the jobs that can run, by their places in the trace;  refused   reason -> how many cannot

    Columns of `jobs` are the jobs of `kept` in their order, with dependencies renumbered to it.
    """

    jobs: ControllerJobs
    rules: ControllerRules
    kept: Ints
    refused: dict[str, int]


def prepare(policy: Policy, cluster: Cluster, trace: Trace, extras: TraceExtras) -> ReadyTrace:
    """The tables of a run, without the jobs that Slurm would refuse at submission.

    Raises nothing: jobs that cannot run are counted by their reasons, and one with several reasons counts for each.
    """
    tree, tables = rules.tree_of(policy, trace), rules.tables_of(policy, trace)
    rule = rules.rules_of(policy, cluster, tree, tables)
    refused = rules.refused_by(policy, cluster, trace, tree, tables)
    kept = np.flatnonzero(~np.any(list(refused.values()), axis=0))
    jobs = _only(controller_jobs(trace, cluster, tree, tables, extras), kept)
    return ReadyTrace(jobs, rule, kept, {why: int(mask.sum()) for why, mask in refused.items() if mask.any()})


def schedule(
    policy: Policy,
    cluster: Cluster,
    trace: Trace,
    extras: TraceExtras | None = None,
    turns: Sequence[Ints] | None = None,
    horizon_s: int = FAR_S,
) -> Schedule:
    """Runs a trace through the controller.  Same arguments, same schedule to the second.

    turns      nodes that go down, come back or drain: (times [s], nodes, kinds, repair times [s])
    horizon_s  where it stops [s]

    extras     checkpoints and power; None: none
    Raises Problems where the run could have more attempts than the controller can number.
    """
    ready = prepare(policy, cluster, trace, extras or TraceExtras())
    park = park_of(cluster)
    events = no_events() if turns is None else NodeEvents(*(np.ascontiguousarray(column, np.int64) for column in turns))
    state = new_controller_state(ready.jobs, ready.rules, park, events)
    kernels("controller").advance(state, ready.jobs, ready.rules, park, events, horizon_s)
    return _schedule_of(state, ready.kept, len(trace), ready.refused)


def _only(jobs: ControllerJobs, kept: Ints) -> ControllerJobs:
    """The jobs that are kept, with dependencies on others dropped or renumbered.

    A job that was to wait for one that is not kept waits for nobody.
    """
    place = np.full(jobs.of.shape[1] + 1, -1, np.int64)
    place[kept] = np.arange(kept.size)
    of = np.ascontiguousarray(jobs.of[:, kept])
    of[Request.AFTER] = place[of[Request.AFTER]]
    return ControllerJobs(of, np.ascontiguousarray(jobs.x[:, kept]))


def _schedule_of(state: ControllerState, kept: Ints, count: int, refused: dict[str, int]) -> Schedule:
    """Jobs that were refused have no nodes, times of -1 and the outcome STILL_RUNNING."""

    def spread(row: int, absent: int) -> Ints:
        whole = np.full(count, absent, np.int64)
        whole[kept] = state.job[row, :-1]
        return whole

    sizes = np.zeros(count, np.int64)
    sizes[kept] = np.diff(state.job[JobRow.NODES_FROM])
    rows = int(state.n[ControllerCount.ROWS])
    return Schedule(
        start_s=spread(JobRow.FIRST_START, -1),
        end_s=spread(JobRow.ENDED, -1),
        outcome=spread(JobRow.OUTCOME, AttemptEnd.STILL_RUNNING),
        restarts=spread(JobRow.RESTARTS, 0),
        lost_s=spread(JobRow.LOST, 0),
        nodes_from=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        nodes=state.nodes,
        refused=refused,
        counters={
            "backfilled_jobs_count": int(state.n[ControllerCount.BACKFILLED]),
            "preemptions_count": int(state.n[ControllerCount.PREEMPTIONS]),
            "node_failures_count": int(state.n[ControllerCount.FAILED_NODES]),
            "most_gpus_in_use_count": int(state.row[TimelineRow.BUSY_GPUS, :rows].max(initial=0)),
        },
    )
