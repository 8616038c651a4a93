"""The simulation core: exact discrete events, compiled, the only mutable state in Terp.

All kernels stand in this one module, because numba does not see edits in others (see `kernels.py`).
Time is whole seconds.  An instant is handled whole: ends, then nodes going down or coming back, then arrivals,
then one scheduling pass.  Nothing ticks.

Scheduling: first come, first served, with EASY backfill on requested times.  Shadow time and spare nodes are
worked out anew in every full pass.  Jobs smaller than a node share nodes (best fit); larger ones take whole nodes.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

NEVER: Final = np.int64(2**62)

# Without `_nrt=False` numba counts references to each of State's arrays at every call: four times slower.  No kernel
# may allocate.
kernel: Any = njit(cache=True, _nrt=False)  # type: ignore[call-overload]

# How an attempt to run a job ended
DONE: Final = 0
NODE_FAILED: Final = 1
LIMIT_REACHED: Final = 2
STILL_RUNNING: Final = 3


class Jobs(NamedTuple):
    """The jobs of a run, sorted by submission; one entry a job.

    submit_s      [s]  whole seconds from the start of the run, not falling
    gpus          [-]  below the node size: share of one node; else whole nodes
    work_s        [s]  run time without interruptions
    limit_s       [s]  requested time; an attempt that reaches it is ended
    checkpoint_s  [s]  interval between checkpoints; 0 for none
    restart_s     [s]  set-up time when it resumes from a checkpoint
    power_w       [W]  what the job adds to idle nodes while it runs
    """

    submit_s: Any
    gpus: Any
    work_s: Any
    limit_s: Any
    checkpoint_s: Any
    restart_s: Any
    power_w: Any


class Plant(NamedTuple):
    """The machine as the core sees it.  `base_w` is what is drawn whatever the nodes do."""

    nodes_count: int
    gpus_per_node: int
    idle_w: float
    down_w: float
    base_w: float


class NodeEvents(NamedTuple):
    """Nodes going down (`up` 0) and coming back (`up` 1), sorted by time [s]."""

    time_s: Any
    node: Any
    up: Any


class State(NamedTuple):
    """Everything that changes while a run goes on, as arrays; `n` holds the counters."""

    n: Any  # counters, indexed by the constants below
    dynamic_w: Any  # one entry: power of all running jobs above idle
    free: Any  # free GPUs by node; -1 while the node is down
    with_free: Any  # number of nodes up by free GPUs
    open: Any  # the nodes that are shared and have room, in no order
    open_at: Any  # where a node stands among them; -1 if it does not
    node_end: Any  # latest requested end on a node; 0 if idle, NEVER if down
    ends: Any  # the same, sorted
    owner: Any  # running slot by node and GPU; -1 if free
    heap_time: Any
    heap_serial: Any
    heap_slot: Any
    slot_job: Any
    slot_start: Any
    slot_limit_end: Any
    slot_attempt: Any
    free_slots: Any
    queue: Any  # waiting jobs in order of submission
    queue_gpus: Any  # and their GPUs, side by side for the scan
    done_s: Any  # by job: work saved by checkpoints
    first_start_s: Any
    end_s: Any
    lost_s: Any
    restarts: Any
    outcome: Any
    attempt_job: Any
    attempt_start: Any
    attempt_end: Any
    attempt_outcome: Any
    attempt_nodes_from: Any
    attempt_nodes: Any
    row_time: Any
    row_counts: Any
    row_power: Any


# counters in State.n
HEAP, SLOTS, FRONT, BACK, WAITING, QUEUED_GPUS, BUSY, RUNNING, DOWN, ATTEMPTS, NODE_ENTRIES, ROWS = range(12)
FAILED_NODES, FULL, KNOWN, SHADOW, SPARE, HEAD_NODE, HEAD_SPARE, ARRIVED, EVENTS, OPEN, IDLE_FROM = range(12, 23)
COUNTERS: Final = 23

GONE: Final = np.int64(2**62)  # GPUs of a queue entry whose job has started: more than will ever be free


@kernel
def _heap_before(s, a, b):
    ta, tb = s.heap_time[a], s.heap_time[b]
    return ta < tb or (ta == tb and s.heap_serial[a] < s.heap_serial[b])


@kernel
def _heap_swap(s, a, b):
    s.heap_time[a], s.heap_time[b] = s.heap_time[b], s.heap_time[a]
    s.heap_serial[a], s.heap_serial[b] = s.heap_serial[b], s.heap_serial[a]
    s.heap_slot[a], s.heap_slot[b] = s.heap_slot[b], s.heap_slot[a]


@kernel
def _heap_push(s, time_s, serial, slot):
    at = s.n[HEAP]
    s.heap_time[at], s.heap_serial[at], s.heap_slot[at] = time_s, serial, slot
    s.n[HEAP] += 1
    while at > 0 and _heap_before(s, at, (at - 1) >> 1):
        _heap_swap(s, at, (at - 1) >> 1)
        at = (at - 1) >> 1


@kernel
def _heap_pop(s):
    s.n[HEAP] -= 1
    size = s.n[HEAP]
    _heap_swap(s, 0, size)
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _heap_before(s, child + 1, child):
            child += 1
        if not _heap_before(s, child, at):
            return
        _heap_swap(s, at, child)
        at = child


@kernel
def _room(s, per_node):
    """The most GPUs that one job could get now: of all idle nodes, else of the node with most free."""
    if s.with_free[per_node] > 0:
        return s.with_free[per_node] * per_node
    for free in range(per_node - 1, 0, -1):
        if s.with_free[free] > 0:
            return free
    return 0


@kernel
def _set_free(s, node, free):
    """Note a node's free GPUs (-1 for a node going down), and whether jobs can share it."""
    per_node = s.owner.shape[1]
    if s.free[node] >= 0:
        s.with_free[s.free[node]] -= 1
    if free >= 0:
        s.with_free[free] += 1
    s.free[node] = free
    at = s.open_at[node]
    if 0 < free < per_node:
        if at < 0:
            s.open[s.n[OPEN]], s.open_at[node] = node, s.n[OPEN]
            s.n[OPEN] += 1
    elif at >= 0:
        s.n[OPEN] -= 1
        last = s.open[s.n[OPEN]]
        s.open[at], s.open_at[last], s.open_at[node] = last, at, -1
    if free == per_node and node < s.n[IDLE_FROM]:
        s.n[IDLE_FROM] = node


@kernel
def _set_end(s, node, end):
    """Note the latest requested end on a node, and keep all ends sorted."""
    ends, old = s.ends, s.node_end[node]
    s.node_end[node] = end
    at = np.searchsorted(ends, old)
    while at + 1 < ends.size and ends[at + 1] < end:
        ends[at] = ends[at + 1]
        at += 1
    while at > 0 and ends[at - 1] > end:
        ends[at] = ends[at - 1]
        at -= 1
    ends[at] = end


@kernel
def _requested_end(s, node):
    """The latest requested end of the jobs on a node [s]; 0 if it is idle."""
    latest = np.int64(0)
    for gpu in range(s.owner.shape[1]):
        slot = s.owner[node, gpu]
        if slot >= 0 and s.slot_limit_end[slot] > latest:
            latest = s.slot_limit_end[slot]
    return latest


@kernel
def _first_idle(s):
    """The lowest-numbered idle node; there must be one."""
    node = s.n[IDLE_FROM]
    while s.free[node] != s.owner.shape[1]:
        node += 1
    s.n[IDLE_FROM] = node
    return node


@kernel
def _choose_shared(s, gpus, after, skip):
    """Best-fit node for a share of a node, -1 if none; only nodes busy beyond `after`, and never node `skip`."""
    best, best_free = -1, s.owner.shape[1] + 1
    for place in range(s.n[OPEN]):
        node = s.open[place]
        free = s.free[node]
        better = free < best_free or (free == best_free and node < best)
        if better and free >= gpus and s.node_end[node] > after and node != skip:
            best, best_free = node, free
    if best < 0 and after < 0 and s.with_free[s.owner.shape[1]] > 0:
        return _first_idle(s)
    return best


@kernel
def _start(s, jobs, job, now, per_node, node):
    """Start a job now: on `node` if it shares one, else on the lowest-numbered idle nodes."""
    s.n[SLOTS] -= 1
    slot = s.free_slots[s.n[SLOTS]]
    attempt = s.n[ATTEMPTS]
    s.n[ATTEMPTS] += 1
    s.slot_job[slot], s.slot_start[slot], s.slot_attempt[slot] = job, now, attempt
    s.slot_limit_end[slot] = now + jobs.limit_s[job]
    s.attempt_job[attempt], s.attempt_start[attempt], s.attempt_outcome[attempt] = job, now, STILL_RUNNING
    gpus = jobs.gpus[job]
    if gpus < per_node:
        _take(s, node, slot, gpus)
    else:
        for _ in range(gpus // per_node):
            _take(s, _first_idle(s), slot, per_node)
    s.attempt_nodes_from[attempt + 1] = s.n[NODE_ENTRIES]
    if s.first_start_s[job] < 0:
        s.first_start_s[job] = now
    s.n[WAITING] -= 1
    s.n[QUEUED_GPUS] -= gpus
    need = jobs.work_s[job] - s.done_s[job] + (jobs.restart_s[job] if s.done_s[job] > 0 else 0)
    _heap_push(s, now + min(need, jobs.limit_s[job]), attempt, slot)
    s.n[BUSY] += gpus
    s.n[RUNNING] += 1
    s.dynamic_w[0] += jobs.power_w[job]


@kernel
def _take(s, node, slot, gpus):
    """Give `gpus` free GPUs of a node to a running slot."""
    left = gpus
    for gpu in range(s.owner.shape[1]):
        if left > 0 and s.owner[node, gpu] < 0:
            s.owner[node, gpu] = slot
            left -= 1
    _set_free(s, node, s.free[node] - gpus)
    if s.slot_limit_end[slot] > s.node_end[node]:
        _set_end(s, node, s.slot_limit_end[slot])
    s.attempt_nodes[s.n[NODE_ENTRIES]] = node
    s.n[NODE_ENTRIES] += 1


@kernel
def _release(s, jobs, slot, now, outcome):
    """Take a running job off its nodes and close its attempt."""
    attempt, job = s.slot_attempt[slot], s.slot_job[slot]
    for entry in range(s.attempt_nodes_from[attempt], s.attempt_nodes_from[attempt + 1]):
        node = s.attempt_nodes[entry]
        freed = 0
        for gpu in range(s.owner.shape[1]):
            if s.owner[node, gpu] == slot:
                s.owner[node, gpu] = -1
                freed += 1
        _set_free(s, node, s.free[node] + freed)
        _set_end(s, node, _requested_end(s, node))
    s.attempt_end[attempt], s.attempt_outcome[attempt] = now, outcome
    s.slot_attempt[slot] = -1
    s.free_slots[s.n[SLOTS]] = slot
    s.n[SLOTS] += 1
    s.n[BUSY] -= jobs.gpus[job]
    s.n[RUNNING] -= 1
    s.dynamic_w[0] -= jobs.power_w[job]


@kernel
def _finish(s, jobs, slot, now):
    """A job reaches its end or its limit.  Time set up again after a failure counts as lost."""
    job = s.slot_job[slot]
    restart = jobs.restart_s[job] if s.done_s[job] > 0 else 0
    ran = now - s.slot_start[slot]
    worked = ran - restart >= jobs.work_s[job] - s.done_s[job]
    outcome = DONE if worked else LIMIT_REACHED
    s.lost_s[job] += min(restart, ran)
    s.end_s[job], s.outcome[job] = now, outcome
    _release(s, jobs, slot, now, outcome)


@kernel
def _fail_node(s, jobs, node, now):
    """A node goes down: its jobs lose what they did since their last checkpoint and queue again."""
    for gpu in range(s.owner.shape[1]):
        slot = s.owner[node, gpu]
        if slot < 0:
            continue
        job = s.slot_job[slot]
        ran = now - s.slot_start[slot]
        restart = jobs.restart_s[job] if s.done_s[job] > 0 else 0
        saved = np.int64(0)
        if jobs.checkpoint_s[job] > 0 and ran > restart:
            saved = (ran - restart) // jobs.checkpoint_s[job] * jobs.checkpoint_s[job]
        s.done_s[job] += saved
        s.lost_s[job] += ran - saved
        s.restarts[job] += 1
        _release(s, jobs, slot, now, NODE_FAILED)
        _requeue(s, jobs, job)
    _set_free(s, node, -1)
    _set_end(s, node, NEVER)
    s.n[DOWN] += 1
    s.n[FAILED_NODES] += 1


@kernel
def _requeue(s, jobs, job):
    """Put a job back in the queue at its place by submission."""
    at = s.n[BACK]
    while at > s.n[FRONT] and s.queue[at - 1] > job:
        s.queue[at], s.queue_gpus[at] = s.queue[at - 1], s.queue_gpus[at - 1]
        at -= 1
    s.queue[at], s.queue_gpus[at] = job, jobs.gpus[job]
    s.n[BACK] += 1
    s.n[WAITING] += 1
    s.n[QUEUED_GPUS] += jobs.gpus[job]


@kernel
def _find_shadow(s, gpus, now, per_node):
    """When the first waiting job can start by requested times, and what it leaves unused then.

    Whole nodes: SHADOW is the time, SPARE the nodes free by then beyond its need.
    A share of a node: SHADOW, the node (HEAD_NODE), and the GPUs it leaves there (HEAD_SPARE).
    """
    s.n[KNOWN] = 1
    s.n[HEAD_NODE] = -1
    s.n[SHADOW], s.n[SPARE] = NEVER, s.free.size
    if gpus >= per_node:
        need = gpus // per_node
        if need <= s.ends.size and s.ends[need - 1] < NEVER:
            s.n[SHADOW], s.n[SPARE] = max(s.ends[need - 1], now), 0
            while need + s.n[SPARE] < s.ends.size and s.ends[need + s.n[SPARE]] <= s.n[SHADOW]:
                s.n[SPARE] += 1
        return
    for node in range(s.free.size):
        if s.free[node] >= 0:
            time_s, free = _when_free(s, node, gpus)
            if time_s < s.n[SHADOW]:
                s.n[SHADOW], s.n[HEAD_NODE], s.n[HEAD_SPARE] = time_s, node, free - gpus


@kernel
def _when_free(s, node, gpus):
    """Earliest requested time at which a node has `gpus` free, and how many it then has."""
    before, free = np.int64(-1), s.free[node]
    while free < gpus:
        after = NEVER
        for gpu in range(s.owner.shape[1]):
            slot = s.owner[node, gpu]
            if slot >= 0 and before < s.slot_limit_end[slot] < after:
                after = s.slot_limit_end[slot]
        before = after
        for gpu in range(s.owner.shape[1]):
            slot = s.owner[node, gpu]
            if slot >= 0 and s.slot_limit_end[slot] == before:
                free += 1
    return before, free


@kernel
def _backfill(s, jobs, job, now, per_node):
    """Start a waiting job that fits behind a blocked head, unless that could delay the head.  True if it started."""
    if not s.n[KNOWN]:
        _find_shadow(s, jobs.gpus[s.queue[s.n[FRONT]]], now, per_node)
    gpus = jobs.gpus[job]
    short = now + jobs.limit_s[job] <= s.n[SHADOW]
    whole_head = s.n[HEAD_NODE] < 0
    node = -1
    if gpus >= per_node:
        need = gpus // per_node
        if not short and need > s.n[SPARE]:
            return False
        if not short and whole_head:
            s.n[SPARE] -= need
    elif short:
        node = _choose_shared(s, gpus, -1, -1)
    elif whole_head:
        node = _choose_shared(s, gpus, s.n[SHADOW], -1)
        if node < 0 and s.n[SPARE] > 0:
            node = _choose_shared(s, gpus, -1, -1)
            s.n[SPARE] -= 1
    else:
        node = _choose_shared(s, gpus, -1, -1 if gpus <= s.n[HEAD_SPARE] else s.n[HEAD_NODE])
        if node == s.n[HEAD_NODE]:
            s.n[HEAD_SPARE] -= gpus
    if gpus < per_node and node < 0:
        return False
    _start(s, jobs, job, now, per_node, node)
    return True


@kernel
def _start_heads(s, jobs, now, per_node):
    """Start waiting jobs in order until one does not fit."""
    while s.n[FRONT] < s.n[BACK]:
        gpus, job, node = s.queue_gpus[s.n[FRONT]], s.queue[s.n[FRONT]], -1
        if gpus != GONE:
            if gpus < per_node:
                node = _choose_shared(s, gpus, -1, -1)
                if node < 0:
                    return
            elif s.with_free[per_node] * per_node < gpus:
                return
            _start(s, jobs, job, now, per_node, node)
        s.n[FRONT] += 1


@kernel
def _schedule(s, jobs, now, per_node, arrived):
    """One scheduling pass.  After arrivals alone only these need a look: the others were refused with as much free."""
    at = s.n[BACK] - arrived
    if s.n[FULL] or at <= s.n[FRONT]:
        _start_heads(s, jobs, now, per_node)
        s.n[FULL] = s.n[KNOWN] = 0
        at = s.n[FRONT] + 1
    back, room = s.n[BACK], _room(s, per_node)
    while room > 0:
        while at < back and s.queue_gpus[at] > room:
            at += 1
        if at >= back:
            break
        if _backfill(s, jobs, s.queue[at], now, per_node):
            s.queue_gpus[at] = GONE
            room = _room(s, per_node)
        at += 1
    if s.n[BACK] - s.n[FRONT] > 2 * s.n[WAITING] + 64:
        _close_gaps(s)


@kernel
def _close_gaps(s):
    """Take out of the queue the entries whose jobs have started."""
    kept = s.n[FRONT]
    for at in range(s.n[FRONT], s.n[BACK]):
        if s.queue_gpus[at] != GONE:
            s.queue[kept], s.queue_gpus[kept] = s.queue[at], s.queue_gpus[at]
            kept += 1
    s.n[BACK] = kept


@kernel
def _note(s, plant, now):
    """Add a row to the timeline: the state from this second on.  Second 0 has its row from the start."""
    up = plant.nodes_count - s.n[DOWN]
    row = s.n[ROWS] if now > 0 else 0
    s.row_time[row] = now
    s.row_power[row] = plant.base_w + up * plant.idle_w + s.n[DOWN] * plant.down_w + s.dynamic_w[0]
    s.row_counts[row, 0] = s.n[BUSY]
    s.row_counts[row, 1] = s.n[RUNNING]
    s.row_counts[row, 2] = s.n[WAITING]
    s.row_counts[row, 3] = s.n[QUEUED_GPUS]
    s.row_counts[row, 4] = s.n[DOWN]
    s.n[ROWS] = row + 1


@kernel
def _end_jobs(s, jobs, now):
    """Finish every job whose time has come; ends of attempts that a failure cut short are passed over."""
    while s.n[HEAP] > 0 and s.heap_time[0] == now:
        slot, attempt = s.heap_slot[0], s.heap_serial[0]
        _heap_pop(s)
        if s.slot_attempt[slot] == attempt:
            _finish(s, jobs, slot, now)
            s.n[FULL] = 1


@kernel
def _turn_nodes(s, jobs, events, now, per_node):
    """Take nodes down and bring them back."""
    while s.n[EVENTS] < events.time_s.size and events.time_s[s.n[EVENTS]] == now:
        node = events.node[s.n[EVENTS]]
        if events.up[s.n[EVENTS]]:
            s.n[DOWN] -= 1
            _set_end(s, node, 0)
            _set_free(s, node, per_node)
        else:
            _fail_node(s, jobs, node, now)
        s.n[FULL] = 1
        s.n[EVENTS] += 1


@kernel
def advance(s, jobs, plant, events, until_s):
    """Go on with a run up to, not including, `until_s` [s].  May be called again with a later time."""
    per_node = plant.gpus_per_node
    while True:
        now = s.heap_time[0] if s.n[HEAP] > 0 else NEVER
        if s.n[ARRIVED] < jobs.submit_s.size:
            now = min(now, jobs.submit_s[s.n[ARRIVED]])
        if s.n[EVENTS] < events.time_s.size:
            now = min(now, events.time_s[s.n[EVENTS]])
        if now >= until_s:
            return
        _end_jobs(s, jobs, now)
        _turn_nodes(s, jobs, events, now, per_node)
        before = s.n[ARRIVED]
        while s.n[ARRIVED] < jobs.submit_s.size and jobs.submit_s[s.n[ARRIVED]] == now:
            s.queue[s.n[BACK]] = s.n[ARRIVED]
            s.queue_gpus[s.n[BACK]] = jobs.gpus[s.n[ARRIVED]]
            s.n[QUEUED_GPUS] += jobs.gpus[s.n[ARRIVED]]
            s.n[BACK] += 1
            s.n[WAITING] += 1
            s.n[ARRIVED] += 1
        if s.n[WAITING] > 0:
            _schedule(s, jobs, now, per_node, s.n[ARRIVED] - before)
        _note(s, plant, now)


def new_state(jobs: Jobs, plant: Plant, events: NodeEvents) -> State:
    """An empty machine with room for everything that can happen in a run."""
    count, nodes, per_node = jobs.submit_s.size, plant.nodes_count, plant.gpus_per_node
    failures = events.time_s.size
    slots = nodes * per_node
    attempts = count + failures * per_node
    job_nodes = np.maximum(jobs.gpus // per_node, 1)
    widest = int(job_nodes.max(initial=1))
    rows = count + attempts + failures + 2
    free_counts = np.zeros(per_node + 1, np.int64)
    free_counts[per_node] = nodes
    n = np.zeros(COUNTERS, np.int64)
    n[SLOTS], n[FULL], n[HEAD_NODE], n[ROWS] = slots, 1, -1, 1
    row_power = np.zeros(rows)
    row_power[0] = plant.base_w + nodes * plant.idle_w

    def ints(*shape: int) -> Any:
        return np.zeros(shape, np.int64)

    return State(
        n=n, dynamic_w=np.zeros(1), free=np.full(nodes, per_node, np.int64), with_free=free_counts, open=ints(nodes),
        open_at=np.full(nodes, -1, np.int64), node_end=ints(nodes), ends=ints(nodes),
        owner=np.full((nodes, per_node), -1, np.int64), heap_time=ints(slots + attempts - count + 1),
        heap_serial=ints(slots + attempts - count + 1), heap_slot=ints(slots + attempts - count + 1),
        slot_job=ints(slots), slot_start=ints(slots), slot_limit_end=ints(slots),
        slot_attempt=np.full(slots, -1, np.int64), free_slots=np.arange(slots - 1, -1, -1, dtype=np.int64),
        queue=ints(attempts + 1), queue_gpus=ints(attempts + 1), done_s=ints(count),
        first_start_s=np.full(count, -1, np.int64), end_s=np.full(count, -1, np.int64), lost_s=ints(count),
        restarts=ints(count), outcome=np.full(count, STILL_RUNNING, np.int64),
        attempt_job=ints(attempts), attempt_start=ints(attempts),
        attempt_end=np.full(attempts, -1, np.int64), attempt_outcome=ints(attempts), attempt_nodes_from=ints(attempts + 1),
        attempt_nodes=np.zeros(int(job_nodes.sum()) + failures * max(per_node, widest), np.int32),
        row_time=ints(rows), row_counts=np.zeros((rows, 5), np.int32), row_power=row_power,
    )  # fmt: skip


def close(s: State, horizon_s: int) -> None:
    """End the run: what still runs is cut at the horizon [s]."""
    running = s.slot_attempt[s.slot_attempt >= 0]
    s.attempt_end[running] = horizon_s


def warm_up() -> None:
    """Runs one job on one node, which has the kernels compiled with the types that every run has."""
    one = np.ones(1, np.int64)
    jobs = Jobs(np.zeros(1, np.int64), one, one, one, one, one, np.ones(1))
    plant, events = Plant(1, 1, 1.0, 1.0, 1.0), NodeEvents(one[:0], one[:0], one[:0])
    advance(new_state(jobs, plant, events), jobs, plant, events, 1)
