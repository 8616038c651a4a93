"""What the core is given and what changes in it, as arrays; and the state that a run begins with.

Nothing here is compiled, so it may be imported by whoever prepares a run.

The kernels take these records as arguments and change the arrays of the state in place.  Fields' types and order are part of
what is compiled.  Jobs are numbered by submission, nodes from 0, slots are places for running jobs, used again and again.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.simulate.engine.shared.codes import AttemptEnd, NodeTurn, TimelineRow
from terp.simulate.engine.shared.node_events import NodeEvents

Small = NDArray[np.int32]

BIT_OF_REST: Final = np.array([next((bit for bit in range(32) if 2**bit % 37 == rest), 0) for rest in range(37)])
"""Which bit a power of two is, by its rest over 37."""
BLOCK_BITS: Final = 5
"""Bits of a place in the queue within its block."""
GONE: Final = np.int64(2**62)
"""GPUs of a queue entry whose job has started: more than will ever be free."""
SLOT_BITS: Final = 26
"""Bits of an entry of the heap that hold the slot of a running job; the attempt stands above them."""


class CoreJobs(NamedTuple):
    """The jobs of a run, sorted by submission; one entry a job.

    submit_s      [s]  whole seconds from the start of the run, not falling
    gpus          [-]  below the node size: share of one node; else whole nodes
    work_s        [s]  run time without interruptions
    limit_s       [s]  requested time; an attempt that reaches it is ended
    checkpoint_s  [s]  interval between checkpoints; 0 for none
    restart_s     [s]  set-up time when it resumes from a checkpoint
    power_w       [W]  what the job adds to idle nodes while it runs
    write_s       [s]  time of writing a checkpoint, in which no work is done
    account            whose usage it counts for; 0 where order is by submission
    standing      [-]  what of its priority does not change: size, QOS and partition, each by its weight

    All arrays have shape (jobs,).  A job of at least a node's GPUs takes whole nodes, and asks for a multiple of them.
    """

    submit_s: Ints
    gpus: Ints
    work_s: Ints
    limit_s: Ints
    checkpoint_s: Ints
    restart_s: Ints
    power_w: Floats
    write_s: Ints
    account: Ints
    standing: Floats


def make_jobs(
    submit_s: Ints, gpus: Ints, work_s: Ints, limit_s: Ints, checkpoint_s: Ints, restart_s: Ints, power_w: Floats,
    write_s: Ints | None = None, account: Ints | None = None, standing: Floats | None = None,
) -> CoreJobs:  # fmt: skip
    """Jobs, of which checkpoints take no time, all count for account 0 and none has a standing, where that is not said.

    All arrays have the same length, and none is copied.
    """
    none = np.zeros(submit_s.size, np.int64)
    return CoreJobs(
        submit_s, gpus, work_s, limit_s, checkpoint_s, restart_s, power_w, none if write_s is None else write_s,
        none if account is None else account, none.astype(np.float64) if standing is None else standing,
    )  # fmt: skip


class CorePlant(NamedTuple):
    """The machine as the core sees it.  `base_w` [W] is what is drawn whatever the nodes do.

    idle_w, down_w   of one node [W].  What jobs draw beyond idle nodes is their own, in `CoreJobs.power_w`.
    """

    nodes_count: int
    gpus_per_node: int
    idle_w: float
    down_w: float
    base_w: float


class CoreRules(NamedTuple):
    """In which order jobs start, and within which power.

    ranked               1: by priority, 0: by submission
    age_weight      [-]  of the wait, which counts as a share of max_age_s  [s]
    fair_weight     [-]  of fair share: the rank of the account by shares over usage, as Slurm's fair tree with one level
    half_life_s     [s]  of usage; 0: it never decays
    calc_period_s   [s]  priorities are worked out at its multiples while jobs wait; and of a job when it is submitted
    shares          [-]  by account
    cap_time_s      [s]  sorted times from which the machine may draw cap_w [W]; before the first there is no cap

    With `ranked` 0 only the cap counts, and weights and shares are never looked at.
    """

    ranked: int
    age_weight: float
    max_age_s: float
    fair_weight: float
    half_life_s: float
    calc_period_s: int
    shares: Floats
    cap_time_s: Ints
    cap_w: Floats


def by_submission() -> CoreRules:
    """First come, first served, without a cap.

    As with Slurm's priority/basic, with EASY backfill behind the first that waits.
    """
    return CoreRules(0, 0.0, 1.0, 0.0, 0.0, 1, np.ones(1), np.zeros(0, np.int64), np.zeros(0))


class Count(IntEnum):
    """Places of the counters in `CoreState.n`.

    HEAP              entries of the heap of ends;  SLOTS  free places for running jobs
    FRONT, BACK       first place of the queue and first behind it;  HEAD  the place of the first job that does not fit
    WAITING, RUNNING  jobs;  BUSY, QUEUED_GPUS  GPUs that are in use and that are waited for
    DOWN, DRAINING    nodes;  FAILED_NODES  how often a node went down
    ATTEMPTS, NODE_ENTRIES, ROWS   filled of the lists of attempts, of their nodes, and of the timeline
    ARRIVED, EVENTS, CAPS          jobs, node events and caps that were handled
    ENDS              requested ends in the sorted list
    FULL              whether the next pass looks at all;  KNOWN  whether the shadow of the head is known
    SHADOW, SPARE     when the head can start by requested times [s], and the nodes that are free then beyond its need
    HEAD_NODE, HEAD_SPARE   the same of a head that shares a node: which, and the GPUs that it leaves there
    REFUSED           shares from so many GPUs on found no room beyond the shadow time
    NEXT_CALC         when priorities are worked out next [s]
    """

    HEAP = 0
    SLOTS = 1
    FRONT = 2
    BACK = 3
    WAITING = 4
    QUEUED_GPUS = 5
    BUSY = 6
    RUNNING = 7
    DOWN = 8
    ATTEMPTS = 9
    NODE_ENTRIES = 10
    ROWS = 11
    FAILED_NODES = 12
    FULL = 13
    KNOWN = 14
    SHADOW = 15
    SPARE = 16
    HEAD_NODE = 17
    HEAD_SPARE = 18
    ARRIVED = 19
    EVENTS = 20
    ENDS = 21
    HEAD = 22
    DRAINING = 23
    NEXT_CALC = 24
    CAPS = 25
    REFUSED = 26


class CoreState(NamedTuple):
    """Everything that changes while a run goes on, as arrays; `n` holds the counters.

    Sizes are in `_room_for`: arrays are made once, since no kernel may allocate.  Times are whole seconds from the start of
    the run.
    jobs       done_s, first_start_s, end_s, lost_s, written_s, restarts, outcome: shape (jobs,); -1 s where it did not
    happen
    attempts   attempt_*: one entry each, filled up to Count.ATTEMPTS; the nodes of attempt a are attempt_nodes from
               attempt_nodes_from[a] to attempt_nodes_from[a + 1]
    timeline   row_time [s], row_counts by TimelineRow and row_power [W], filled up to Count.ROWS; a row holds until the next
    """

    n: Ints  # by Count
    dynamic_w: Floats  # one entry: power of all running jobs above idle
    free: Ints  # free GPUs by node; -1 while the node is down
    with_free: Ints  # number of nodes up by free GPUs
    bits: Ints  # by free GPUs: which nodes, 32 a word
    words: Ints  # by free GPUs: which of these words are not nought, 32 a word
    node_end: Ints  # latest requested end on a node; 0 if idle, NEVER if it takes no jobs
    ends: Ints  # such ends, sorted, and on how many nodes
    ends_nodes: Ints
    outages: Small  # by node: times that it went down and did not come back
    drain: Ints  # how long a node that takes no new jobs will be down once empty [s]; 0: it takes them
    serviced: Small  # whether a drained node is down
    owner: Small  # running slot by node and GPU; -1 if free
    heap_time: Ints  # what is due, see event_heap.py: ends of attempts, returns of drained nodes
    heap_entry: Ints
    slot_job: Ints
    slot_start: Ints
    slot_limit_end: Ints
    slot_attempt: Ints
    free_slots: Ints
    queue: Small  # waiting jobs in order of submission
    queue_gpus: Ints  # and their GPUs and requested times, side by side for the scan
    queue_limit: Ints
    least_gpus: Ints  # fewest GPUs in each block of the queue, or less
    queue_key: Floats  # and their priorities
    sort_job: Small  # room for sorting
    sort_key: Floats
    usage: Floats  # by account: GPU seconds, decayed, as of a time
    usage_time: Ints
    usage_gpus: Ints  # and what its jobs hold
    level: Floats  # shares over usage, and accounts by it
    ranking: Ints
    fair: Floats  # fair-share factor
    cap_w: Floats  # one entry: the cap as it is now
    done_s: Ints  # by job: work saved by checkpoints
    first_start_s: Ints
    end_s: Ints
    lost_s: Ints  # time held that became no work: lost to failures, spent on resuming and on writing
    written_s: Ints  # of which on writing checkpoints
    restarts: Ints
    outcome: Ints  # an AttemptEnd
    attempt_job: Ints
    attempt_start: Ints
    attempt_end: Ints
    attempt_outcome: Ints
    attempt_event: Small  # index of the node event that cut it short; -1 if none did
    attempt_nodes_from: Ints
    attempt_nodes: Small
    row_time: Ints
    row_counts: Small  # by TimelineRow
    row_power: Floats


class _Room(NamedTuple):
    """How much room a run needs at most: attempts, their nodes, entries of the heap and of the queue, timeline rows.

    Each is a bound that no run passes, whatever fails when; arrays of these sizes are never checked while it goes on.
    """

    attempts: int
    attempt_nodes: int
    heap: int
    queued: int
    rows: int


def _room_for(jobs: CoreJobs, plant: CorePlant, events: NodeEvents, rules: CoreRules) -> _Room:
    """Each failure of a node cuts as many attempts short as it has GPUs, at most.

    Raises nothing: whether the arrays fit into memory is seen when they are made.
    """
    count, per_node = jobs.submit_s.size, plant.gpus_per_node
    failures, drains = int((events.kind == NodeTurn.DOWN).sum()), int((events.kind == NodeTurn.DRAIN).sum())
    job_nodes = np.maximum(jobs.gpus // per_node, 1)
    attempts = count + failures * per_node
    return _Room(
        attempts=attempts,
        attempt_nodes=int(job_nodes.sum()) + failures * max(per_node, int(job_nodes.max(initial=1))),
        heap=plant.nodes_count * per_node + attempts - count + drains + 1,
        queued=attempts + 1,
        rows=count + attempts + events.time_s.size + drains + rules.cap_time_s.size + 2 + rules.ranked * attempts,
    )


def _idle_bits(nodes: int, per_node: int) -> tuple[Ints, Ints]:
    """The bits of nodes by free GPUs while all are idle, and which of their words are not nought.

    Shapes (GPUs of a node + 1, words) and (GPUs of a node + 1, words of words); a word has 32 bits, in 64, so no sign is in
    the way.
    """
    words = nodes // 32 + 1
    bits = np.zeros((per_node + 1, words), np.int64)
    bits[per_node] = [(1 << min(max(nodes - 32 * word, 0), 32)) - 1 for word in range(words)]
    groups = np.zeros((per_node + 1, words // 32 + 1), np.int64)
    for word in np.flatnonzero(bits[per_node]).tolist():
        groups[per_node, word >> 5] |= 1 << (word & 31)
    return bits, groups


def _ints(*shape: int) -> Ints:
    """Whole noughts of a shape."""
    return np.zeros(shape, np.int64)


def _small(*shape: int) -> Small:
    """The same in half the room: for what is kept by the million and stays below two thousand million."""
    return np.zeros(shape, np.int32)


def new_core_state(jobs: CoreJobs, plant: CorePlant, events: NodeEvents, rules: CoreRules) -> CoreState:
    """An empty machine with room for everything that can happen in a run.

    All nodes are up and idle, nobody waits, and no cap holds before its time; row 0 of the timeline holds that state.
    Raises MemoryError where the run is too large for this machine.
    """
    room, count, nodes, per_node = (
        _room_for(jobs, plant, events, rules), jobs.submit_s.size, plant.nodes_count, plant.gpus_per_node
    )  # fmt: skip
    slots, accounts, ranked = nodes * per_node, rules.shares.size, room.queued if rules.ranked else 1
    n, with_free, row_power = _ints(len(Count)), _ints(per_node + 1), np.zeros(room.rows)
    n[Count.SLOTS], n[Count.FULL], n[Count.HEAD_NODE], n[Count.ROWS] = slots, 1, -1, 1
    with_free[per_node], row_power[0] = nodes, plant.base_w + nodes * plant.idle_w
    bits, words = _idle_bits(nodes, per_node)
    return CoreState(
        n=n, dynamic_w=np.zeros(1), free=np.full(nodes, per_node, np.int64), with_free=with_free, bits=bits, words=words,
        node_end=_ints(nodes), ends=_ints(nodes + 2), ends_nodes=_ints(nodes + 2), outages=_small(nodes), drain=_ints(nodes),
        serviced=_small(nodes), owner=np.full((nodes, per_node), -1, np.int32), heap_time=_ints(room.heap),
        heap_entry=_ints(room.heap), slot_job=_ints(slots), slot_start=_ints(slots), slot_limit_end=_ints(slots),
        slot_attempt=np.full(slots, -1, np.int64), free_slots=np.arange(slots - 1, -1, -1, dtype=np.int64),
        queue=_small(room.queued), queue_gpus=_ints(room.queued), queue_limit=_ints(room.queued),
        least_gpus=np.full((room.queued >> BLOCK_BITS) + 2, GONE), queue_key=np.zeros(ranked),
        sort_job=_small(ranked), sort_key=np.zeros(ranked),
        usage=np.zeros(accounts), usage_time=_ints(accounts), usage_gpus=_ints(accounts), level=np.zeros(accounts),
        ranking=np.arange(accounts), fair=np.ones(accounts), cap_w=np.full(1, np.inf), done_s=_ints(count),
        first_start_s=np.full(count, -1, np.int64), end_s=np.full(count, -1, np.int64), lost_s=_ints(count),
        written_s=_ints(count), restarts=_ints(count), outcome=np.full(count, AttemptEnd.STILL_RUNNING, np.int64),
        attempt_job=_ints(room.attempts), attempt_start=_ints(room.attempts),
        attempt_end=np.full(room.attempts, -1, np.int64), attempt_outcome=_ints(room.attempts),
        attempt_event=np.full(room.attempts, -1, np.int32), attempt_nodes_from=_ints(room.attempts + 1),
        attempt_nodes=_small(room.attempt_nodes), row_time=_ints(room.rows), row_counts=_small(room.rows, len(TimelineRow)),
        row_power=row_power,
    )  # fmt: skip


def close_core_state(s: CoreState, horizon_s: int) -> None:
    """End the run: what still runs is cut at the horizon [s].

    Their jobs keep the outcome STILL_RUNNING; only the attempts get an end, so that GPU hours can be summed up.
    """
    running = s.slot_attempt[s.slot_attempt >= 0]
    s.attempt_end[running] = horizon_s
