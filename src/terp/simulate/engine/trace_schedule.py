"""A trace under a policy on a cluster -> when and where each job ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.describe import Cluster, Policy, Trace
from terp.simulate.engine import controller_input as rules
from terp.simulate.engine.compiled import kernels

FAR_S: Final = 2**40
STOPS_A_JOB: Final = 3
"""How often each job may be stopped for others, on average; beyond that nobody is stopped any more."""


@dataclass(frozen=True)
class Extras:
    """What a trace does not say of its jobs: checkpoints [s] and power [W]; empty: none."""

    checkpoint_s: Ints | None = None
    write_s: Ints | None = None
    restart_s: Ints | None = None
    power_w: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Schedule:
    """What came out; one entry a job of the trace, -1 where it did not happen.

    start_s   first start;  end_s  last end;  first_node  of its last start
    outcome   how its last attempt ended, as the controller counts
    refused   reason -> how many jobs could never start
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


def asked_of(core: Any, trace: Trace, cluster: Cluster, tree: rules.Tree, tables: rules.Tables, extras: Extras) -> Any:
    """The jobs as the controller takes them."""
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
    return core.Asked(np.array([column.astype(np.int64) for column in columns]), np.array([power_w.astype(float), billing]))


def park_of(core: Any, cluster: Cluster, idle_w: float = 0.0, down_w: float = 0.0, base_w: float = 0.0) -> Any:
    """The nodes as the controller takes them; what is not said of cores or memory limits nothing."""
    memory = np.where(cluster.memory > 0, cluster.memory / rules.MEGABYTE, 2.0**40).astype(np.int64)
    cores = np.where(cluster.cores > 0, cluster.cores, 2**40)
    node = np.array([cluster.gpus, cores, memory, cluster.leaf])
    return core.Park(node, int(cluster.cores.sum()), float(idle_w), float(down_w), float(base_w))


def _most_on_a_node(core: Any, asked: Any, park: Any) -> int:
    """How many jobs a failing node can interrupt: as many as share what it has most of, if each asks for some of that."""
    shared = asked.of[:, asked.of[core.EXCLUSIVE] == 0]
    most = [int(shared.shape[1])]
    for at, row in enumerate((core.GPUS, core.CORES, core.MEMORY)):
        least = int(shared[row].min(initial=2**40))
        if least > 0:
            most.append(int(park.node[at].max()) // least)
    return max(min(most), 1)


def new_state(core: Any, asked: Any, rule: Any, park: Any, turns: Any) -> Any:
    """An empty machine with room for everything that can happen in a run."""
    count, nodes, failures = asked.of.shape[1], park.node.shape[1], turns.event.shape[1]
    stops = STOPS_A_JOB * count if rule.qos_preempts.any() else 0
    attempts = count + failures * _most_on_a_node(core, asked, park) + 2 * stops + 1
    assocs, qos, users = rule.shares.size, rule.qos_limits.shape[0], int(asked.of[core.USER].max(initial=0)) + 1
    slots = min(2 * min(rule.bf_jobs, count) + 8, 4096)
    rows, heap = 3 * count + 2 * attempts + 2 * failures + 64, count + 2 * attempts + stops + failures + 8

    def ints(*shape: int) -> Any:
        return np.zeros(shape, np.int64)

    n, node, job, att, row_power = (
        ints(core.COUNTERS),
        ints(15, nodes),
        ints(19, count + 1),
        ints(6, attempts),
        np.zeros(rows),
    )
    n[core.ROWS], n[core.BF_PERIOD], n[core.STOPS_LEFT] = 1, max(rule.bf_interval_s, 1), stops
    row_power[0] = park.base_w + nodes * park.idle_w
    node[core.FREE : core.FREE + 3], node[core.UP] = park.node[:3], 1
    job[[core.START, core.FIRST_START, core.ENDED, core.ATTEMPT]] = -1
    job[core.OUTCOME] = core.STILL_RUNNING
    job[core.COMING, :-1] = np.argsort(asked.of[core.ELIGIBLE], kind="stable")
    job[core.NODES_FROM, 1:] = np.cumsum(asked.of[core.NODES])
    att[[core.A_END, core.A_EVENT]] = -1
    return core.Now(
        n=n, f=np.zeros(3), node=node, job=job, key=np.zeros(count),
        nodes=np.zeros(int(job[core.NODES_FROM, -1]), np.int32), heap=ints(5, heap),
        group=ints(int(park.node[core.SWITCH].max(initial=0)) + 1), blocked=ints(rule.part.shape[1]),
        array_running=ints(int(asked.of[core.ARRAY].max(initial=0)) + 1), acc=ints(6, assocs + 1),
        share=np.ones((4, assocs)) * [[0.0], [0.0], [0.0], [1.0]], qos=ints(3, qos), qos_user=ints(2, qos, users),
        plan=ints(3, slots), plan_nodes=np.zeros((slots, nodes), np.bool_), att=att, row=ints(6, rows), row_power=row_power,
    )  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """A policy and a trace as the controller takes them.

    kept      the jobs that can run, by their places in the trace;  refused   reason -> how many cannot
    """

    asked: Any
    rule: Any
    kept: Ints
    refused: dict[str, int]


def prepare(core: Any, policy: Policy, cluster: Cluster, trace: Trace, extras: Extras) -> Ready:
    """The tables of a run, without the jobs that Slurm would refuse at submission."""
    tree, tables = rules.tree_of(policy, trace), rules.tables_of(policy, trace)
    rule = rules.rules_of(core, policy, cluster, tree, tables)
    refused = rules.refused_by(policy, cluster, trace, tree, tables)
    kept = np.flatnonzero(~np.any(list(refused.values()), axis=0))
    asked = _only(core, asked_of(core, trace, cluster, tree, tables, extras), kept)
    return Ready(asked, rule, kept, {why: int(mask.sum()) for why, mask in refused.items() if mask.any()})


def schedule(
    policy: Policy, cluster: Cluster, trace: Trace, extras: Extras | None = None, turns: Any = None, horizon_s: int = FAR_S
) -> Schedule:
    """Runs a trace through the controller.  Same arguments, same schedule to the second.

    turns      nodes that go down, come back or drain: (times [s], nodes, kinds, repair times [s])
    horizon_s  where it stops [s]
    """
    core = kernels("controller")
    ready = prepare(core, policy, cluster, trace, extras or Extras())
    park, none = park_of(core, cluster), np.zeros(0, np.int64)
    events = core.Turns(np.array(turns if turns is not None else (none, none, none, none), np.int64))
    state = new_state(core, ready.asked, ready.rule, park, events)
    core.advance(state, ready.asked, ready.rule, park, events, horizon_s)
    return _schedule_of(core, state, ready.kept, len(trace), ready.refused)


def _only(core: Any, asked: Any, kept: Ints) -> Any:
    """The jobs that are kept, with dependencies on others dropped or renumbered."""
    place = np.full(asked.of.shape[1] + 1, -1, np.int64)
    place[kept] = np.arange(kept.size)
    of = np.ascontiguousarray(asked.of[:, kept])
    of[core.AFTER] = place[of[core.AFTER]]
    return core.Asked(of, np.ascontiguousarray(asked.x[:, kept]))


def _schedule_of(core: Any, state: Any, kept: Ints, count: int, refused: dict[str, int]) -> Schedule:
    def spread(row: int, absent: int) -> Ints:
        whole = np.full(count, absent, np.int64)
        whole[kept] = state.job[row, :-1]
        return whole

    sizes = np.zeros(count, np.int64)
    sizes[kept] = np.diff(state.job[core.NODES_FROM])
    rows = int(state.n[core.ROWS])
    return Schedule(
        start_s=spread(core.FIRST_START, -1),
        end_s=spread(core.ENDED, -1),
        outcome=spread(core.OUTCOME, core.STILL_RUNNING),
        restarts=spread(core.RESTARTS, 0),
        lost_s=spread(core.LOST, 0),
        nodes_from=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        nodes=state.nodes,
        refused=refused,
        counters={
            "backfilled_jobs_count": int(state.n[core.BACKFILLED]),
            "preemptions_count": int(state.n[core.PREEMPTIONS]),
            "node_failures_count": int(state.n[core.FAILED_NODES]),
            "most_gpus_in_use_count": int(state.row[0, :rows].max(initial=0)),
        },
    )
