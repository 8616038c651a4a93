"""What the controller is given and what changes in it, as tables; and the state that a run begins with.

Nothing here is compiled, so it may be imported by whoever prepares a run.

The chapters that are compiled take these records as arguments and change the arrays of the state in place.  A record's types
and the order of its fields are part of what is compiled: a change of either makes all kernels compile anew.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Bools, Floats, Ints
from terp.errors import Problem, Problems
from terp.simulate.engine.controller.controller_rows import (
    AttemptRow,
    ControllerCount,
    FairTreeRow,
    HeldRow,
    JobRow,
    LimitColumn,
    NodeRow,
    ParkRow,
    PlanRow,
    QosFactor,
    QosRow,
    Request,
    RequestRate,
    Running,
    ShareRow,
    TreeRow,
    UserRow,
    Weight,
)
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.node_events import NodeEvents

Small = NDArray[np.int32]

STOPS_A_JOB: Final = 3
"""How often each job may be stopped for others, on average; beyond that nobody is stopped any more."""
_MOST_ATTEMPTS: Final = 2**28  # an entry of the heap has room for the number of an attempt and for four entries of each
_MOST_SLOTS: Final = 4096


class ControllerJobs(NamedTuple):
    """Jobs in the order of their submission: what they ask for, in rows of `of` by Request and of `x` by RequestRate.

    of   whole numbers, shape (Request, jobs);  x  rates, shape (RequestRate, jobs)
    A job's number is its column, in both and in all tables of the state.
    """

    of: Ints
    x: Floats


class ControllerRules(NamedTuple):
    """A policy as numbers; see describe/policy.py for the words.  `backfill` is a BackfillKind, `placement` a Placement.

    weights              by Weight
    part                 PartitionRow x partition;  part_nodes  partition x node
    qos, qos_x           QosRow and QosFactor x QOS;  qos_preempts  QOS x QOS: whether the first stops the second
    tree                 of associations, TreeRow x association;  shares  over those of all siblings
    limits, qos_limits   association or QOS x LimitColumn, -1: none
    resv                 ReservationRow x reservation;  resv_nodes  reservation x node
    resv_open            reservation x association: who may use it

    multifactor          order by priority, else by submission;  by_groups  plan in slurmctld's groups of ends
    bf_interval_s, bf_window_s, bf_resolution_s, bf_test_s   times of backfill [s];  bf_jobs  jobs that a pass looks at, at
    most
    depth                jobs that a main pass looks at after an event;  sched_interval_s  between full ones, 0: all are full
    [s]
    launch_s, complete_s, over_s   before work begins, after it has ended, and past the limit [s]
    max_age_s, half_life_s, calc_period_s   of priorities: the age that counts most, of usage, and between ticks [s]
    favor_small          small jobs first (PriorityFavorSmall);  licenses  how many there are of all kinds
    part_factor          partition's factor in the priority, 0 to 1;  shares  of each association among its siblings, 0 to 1
    """

    multifactor: bool
    backfill: int
    bf_interval_s: int
    bf_window_s: int
    bf_resolution_s: int
    bf_jobs: int
    bf_test_s: float
    by_groups: bool
    depth: int
    sched_interval_s: int
    placement: int
    launch_s: int
    complete_s: int
    over_s: int
    max_age_s: float
    half_life_s: float
    calc_period_s: int
    favor_small: bool
    licenses: int
    weights: Floats
    part: Ints
    part_factor: Floats
    part_nodes: Bools
    qos: Ints
    qos_x: Floats
    qos_preempts: Bools
    qos_limits: Ints
    tree: Ints
    shares: Floats
    limits: Ints
    resv: Ints
    resv_nodes: Bools
    resv_open: Bools


class ControllerPark(NamedTuple):
    """The nodes: what each has, ParkRow x node; and the powers of idle and down nodes and of all else [W].

    node          whole numbers, shape (ParkRow, nodes); memory in MB, leaf switches numbered from 0
    cores_count   of all nodes, 0 where that is not known
    idle_w, down_w   of one node;  base_w  of the machine, whatever its nodes do
    """

    node: Ints
    cores_count: int
    idle_w: float
    down_w: float
    base_w: float


class ControllerState(NamedTuple):
    """Everything that changes, in tables whose rows are named in controller_rows.py; `n` the counters, by ControllerCount.

    f      by Running;  node  NodeRow x node;  job  JobRow x job, and one column more
    key    priority, by job;  nodes  of each job's last attempt, from JobRow.NODES_FROM on
    heap_time, heap_entry   what is due, see event_heap.py
    group, blocked, array_running   counts by leaf switch, by partition, by array
    acc    HeldRow and FairTreeRow x association;  share  ShareRow x association
    qos    HeldRow x QOS;  qos_user  UserRow x QOS x user
    plan   PlanRow x stretch of the backfill plan;  plan_nodes  stretch x node: whether it is left
    att    AttemptRow x attempt
    row    the timeline, TimelineRow and TIMELINE_TIME x row;  row_power  [W]

    All arrays are made once, as large as the run can need, since no kernel may allocate.  Jobs, nodes and attempts are
    columns, so
    that a loop over all nodes reads memory in a row.
    """

    n: Ints
    f: Floats
    node: Ints
    job: Ints
    key: Floats
    nodes: Small
    heap_time: Ints
    heap_entry: Ints
    group: Ints
    blocked: Ints
    array_running: Ints
    acc: Ints
    share: Floats
    qos: Ints
    qos_user: Ints
    plan: Ints
    plan_nodes: Bools
    att: Ints
    row: Ints
    row_power: Floats


def _ints(*shape: int) -> Ints:
    """Whole noughts of a shape."""
    return np.zeros(shape, np.int64)


def _most_on_a_node(jobs: ControllerJobs, park: ControllerPark) -> int:
    """How many jobs a failing node can interrupt: as many as share what it has most of, if each asks for some of that.

    Jobs that take whole nodes share with nobody.  Used to bound attempts, so it may be too many but never too few.
    """
    shared = jobs.of[:, jobs.of[Request.EXCLUSIVE] == 0]
    most = [int(shared.shape[1])]
    for at, row in ((ParkRow.GPUS, Request.GPUS), (ParkRow.CORES, Request.CORES), (ParkRow.MEMORY, Request.MEMORY)):
        least = int(shared[row].min(initial=2**40))
        if least > 0:
            most.append(int(park.node[at].max()) // least)
    return max(min(most), 1)


def _attempts_at_most(jobs: ControllerJobs, stops: int, failures: int, park: ControllerPark) -> int:
    """Attempts that a run can have.  Raises Problems where they are more than an entry of the heap can number.

    stops      how often jobs may be stopped for others;  failures  events of nodes
    A job has one attempt to begin with, another for each failure that hits it, and two more
    for each stop, as a suspended job goes on as a new attempt.
    """
    attempts: int = jobs.of.shape[1] + failures * _most_on_a_node(jobs, park) + 2 * stops + 1
    if attempts >= _MOST_ATTEMPTS:
        wrong = "the controller cannot number so many attempts to run jobs"
        raise Problems([Problem("", 0, 0, "jobs", wrong, f"up to {attempts:,}", f"fewer than {_MOST_ATTEMPTS:,}")])
    return attempts


def new_controller_state(
    jobs: ControllerJobs, rules: ControllerRules, park: ControllerPark, events: NodeEvents
) -> ControllerState:
    """An empty machine with room for everything that can happen in a run.

    Jobs all wait to come, nodes are up and idle, nobody has used anything; row 0 of the timeline holds that state.
    events   only their number matters here: each failure may add attempts, rows and entries of the heap
    Raises Problems where a run could have more attempts than the heap can number.
    """
    count, nodes, failures = jobs.of.shape[1], park.node.shape[1], events.time_s.size
    stops = STOPS_A_JOB * count if rules.qos_preempts.any() else 0
    attempts = _attempts_at_most(jobs, stops, failures, park)
    assocs, qos, users = rules.shares.size, rules.qos_limits.shape[0], int(jobs.of[Request.USER].max(initial=0)) + 1
    slots = min(2 * min(rules.bf_jobs, count) + 8, _MOST_SLOTS)
    rows, heap = 3 * count + 2 * attempts + 2 * failures + 64, count + 2 * attempts + stops + failures + 8
    n, row_power, att = _ints(len(ControllerCount)), np.zeros(rows), _ints(len(AttemptRow), attempts)
    n[ControllerCount.ROWS], n[ControllerCount.BF_PERIOD], n[ControllerCount.STOPS_LEFT] = (
        1,
        max(rules.bf_interval_s, 1),
        stops,
    )
    row_power[0], att[[AttemptRow.END, AttemptRow.EVENT]] = park.base_w + nodes * park.idle_w, -1
    node = _ints(max(NodeRow) + 1, nodes)
    node[NodeRow.FREE : NodeRow.FREE + 3], node[NodeRow.UP] = park.node[:3], 1
    job = _new_jobs(jobs)
    return ControllerState(
        n=n, f=np.zeros(len(Running)), node=node, job=job, key=np.zeros(count),
        nodes=np.zeros(int(job[JobRow.NODES_FROM, -1]), np.int32), heap_time=_ints(heap), heap_entry=_ints(heap),
        group=_ints(int(park.node[ParkRow.SWITCH].max(initial=0)) + 1), blocked=_ints(rules.part.shape[1]),
        array_running=_ints(int(jobs.of[Request.ARRAY].max(initial=0)) + 1),
        acc=_ints(len(HeldRow) + len(FairTreeRow), assocs + 1), share=_no_usage(assocs), qos=_ints(len(HeldRow), qos),
        qos_user=_ints(len(UserRow), qos, users), plan=_ints(len(PlanRow), slots),
        plan_nodes=np.zeros((slots, nodes), np.bool_), att=att, row=_ints(6, rows), row_power=row_power,
    )  # fmt: skip


def _new_jobs(jobs: ControllerJobs) -> Ints:
    """The table of jobs of which none has come; its last column only ends the list of their nodes.

    Column i of JobRow.NODES_FROM is where the nodes of job i begin, so its list of nodes ends where that of job i + 1
    begins.
    """
    job = _ints(len(JobRow), jobs.of.shape[1] + 1)
    job[[JobRow.START, JobRow.FIRST_START, JobRow.ENDED, JobRow.ATTEMPT]] = -1
    job[JobRow.OUTCOME] = AttemptEnd.STILL_RUNNING
    job[JobRow.COMING, :-1] = np.argsort(jobs.of[Request.ELIGIBLE], kind="stable")
    job[JobRow.NODES_FROM, 1:] = np.cumsum(jobs.of[Request.NODES])
    return job


def _no_usage(assocs: int) -> Floats:
    """Nobody has used anything, and all have the best factor.

    These factors hold until the first tick of the priorities; shape (ShareRow, associations).
    """
    share = np.zeros((len(ShareRow), assocs))
    share[ShareRow.FACTOR] = 1.0
    return share


def smallest_run() -> tuple[ControllerJobs, ControllerRules, ControllerPark]:
    """No jobs on one node: what the kernels are compiled with, of the types that every run has.

    Its arrays have the types and numbers of dimensions of any run, so what is compiled for them serves all.
    """
    none, flag = ControllerJobs(_ints(len(Request), 0), np.zeros((len(RequestRate), 0))), np.zeros((1, 1), np.bool_)
    rules = ControllerRules(
        multifactor=False, backfill=0, bf_interval_s=0, bf_window_s=1, bf_resolution_s=1, bf_jobs=1, bf_test_s=0.0,
        by_groups=False, depth=1, sched_interval_s=0, placement=0, launch_s=0, complete_s=0, over_s=0, max_age_s=1.0,
        half_life_s=1.0, calc_period_s=1, favor_small=False, licenses=0, weights=np.zeros(len(Weight)), part=_ints(2, 1),
        part_factor=np.zeros(1), part_nodes=flag, qos=_ints(len(QosRow), 1), qos_x=np.zeros((len(QosFactor), 1)),
        qos_preempts=flag, qos_limits=_ints(1, len(LimitColumn)), tree=_ints(len(TreeRow), 2), shares=np.zeros(1),
        limits=_ints(1, len(LimitColumn)), resv=_ints(3, 0), resv_nodes=flag[:0], resv_open=flag[:0],
    )  # fmt: skip
    return none, rules, ControllerPark(_ints(len(ParkRow), 1), 1, 0.0, 0.0, 0.0)
