"""The controller: jobs on nodes by the rules of a Slurm controller, compiled.

Everything that `core.py` leaves out for speed: partitions, reservations, accounts with limits, QOS that preempt, arrays,
dependencies, licences, cores and memory, backfill in passes of its own, and a plan that names nodes.  The rules stand in
docs/theory/controller.md, and once more, in plain Python, in tests/simulate/naive_controller.py.

An instant is handled whole: ends, nodes, reservations, ticks of the priorities, arrivals, the main pass, the backfill pass.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

NEVER: Final = np.int64(2**62)

# Each kernel is handed these few tables, not an array a column: with a hundred arrays it took minutes to compile.
kernel: Any = njit(cache=True, _nrt=False)  # type: ignore[call-overload]

# what became of an attempt, and of a job
DONE, NODE_FAILED, LIMIT_REACHED, STILL_RUNNING, PREEMPTED = range(5)
IS_WAITING, IS_RUNNING, IS_SUSPENDED, HAS_ENDED, IS_COMPLETING = range(5)
AGAIN: Final = True  # a job that is stopped queues again
# words of a policy
NONE, EASY, CONSERVATIVE = range(3)
FIRST, RUNS, LEAVES, SPREAD = range(4)
OFF, REQUEUE, CANCEL, SUSPEND = range(4)
GROUP_GPUS, GROUP_NODES, GROUP_JOBS, USER_GPUS, USER_JOBS, JOB_GPUS, JOB_NODES, JOB_WALL = range(8)
# what the heap holds
END, RELEASE, NODE_BACK, EXEMPT_OVER = range(4)
PATIENCE_S: Final = 7 * 86400
"""A run ends where nothing has happened for so long but that priorities were worked out anew."""
FIRST_SPAN_S: Final = 30
"""slurmctld takes running jobs away in groups: what ends up to 30 s after a barrier, then 60 s, 120 s and so on.

The barrier is the next full 30 s after the first end.
"""
WHOLE_NODE: Final = 2**50  # cores that a whole node's job takes off, so that no share fits beside it

# rows of Asked.of and of Asked.x
ELIGIBLE, NODES, GPUS, CORES, MEMORY, EXCLUSIVE, WORK, LIMIT, CHECKPOINT, WRITE, RESTART = range(11)
LEAF, USER, QOS, PARTITION, AFTER, ARRAY, ARRAY_LIMIT, LICENSE = range(11, 19)
POWER, BILLING = range(2)
# rows of Rules
TIER, WHOLE = range(2)
MODE, GRACE, EXEMPT, PREEMPTS, STOPPABLE = range(5)
RANK, COST = range(2)
PARENT, CHILDREN_FROM, CHILDREN, IS_LEAF = range(4)
BEGIN, UNTIL, NEXT = range(3)
LENGTH, EVERY = 1, 2  # of Rules.resv, after BEGIN
# rows of Turns.event and of Now.heap
TIME, WHAT, KIND, REPAIR = range(4)
ORDER, WHICH = 3, 4
# rows of Now.node; what is free now from FREE on, and in a look ahead from AHEAD on: GPUs, cores, memory, jobs there
FREE, AHEAD, UP, DRAINING, BACK, AVAIL, FIT, CHOSEN, COMPLETING = 0, 4, 8, 9, 10, 11, 12, 13, 14
JOBS_ON: Final = 3
SWITCH: Final = 3  # of Park.node, beside GPUs, cores and memory
# rows of Now.job; the last are lists: the queue, what runs by requested end, whom to stop, who comes when
STATE, START, FIRST_START, LIMIT_END, ENDED, SAVED, LOST, RESTARTS, OUTCOME, ATTEMPT, ASKED, LEFT, AWAY, GOING = range(14)
NODES_FROM, QUEUE, RUN_LIST, VICTIMS, COMING = range(14, 19)
# rows of Now.acc and Now.qos, of Now.share, of Now.att, of Now.row
OF_GPUS, OF_NODES, OF_JOBS, STACK, TIED, MERGED = range(6)
USE, RATE, LEVEL, FACTOR = range(4)
A_JOB, A_START, A_END, A_OUTCOME, A_EVENT, A_NODE = range(6)
ROW_TIME: Final = 5
# counters in Now.n
HEAP, ARRIVED, WAITING, RUNNING, ATTEMPTS, ROWS, TURNS, SLOTS, SERIAL, LICENSES, DOWN, BUSY, QUEUED_GPUS = range(13)
NEXT_BACKFILL, NEXT_MAIN, NEXT_TICK, CHANGED, RESV, SUSPENDED, FAILED_NODES, PREEMPTIONS, MAIN_CHANGED = range(13, 22)
BACKFILLED, STARTED, PARTIAL, BF_PERIOD, LOOKED, STOPS_LEFT, LAST_CHANGE, IDLE, MOST_FREE = range(22, 31)
COUNTERS: Final = 31


class Asked(NamedTuple):
    """Jobs in the order from which they may start.

    of   whole numbers, a row a column, an entry a job: times [s], nodes [-], GPUs, cores and memory of each node [-, -, MB],
         whether it takes whole nodes, indices into the tables of Rules, the job that must have ended before (-1: none), the
         array, how many of it may run at once (0: all), licences
    x    power above idle nodes [W] and usage [1/s]
    """

    of: Any
    x: Any


class Rules(NamedTuple):
    """A policy as numbers; see describe/policy.py for the words.

    weights     of age, fair share, size, partition, QOS
    part        tier and whether whole nodes are given, by partition;  part_nodes  partition x node
    qos         mode, grace [s], exempt time [s], whether it stops others, whether others stop it
    qos_x       factor, what usage is multiplied by
    tree        of associations, the root first: parent, children as offsets and indices, whether a user
    shares      over those of all siblings
    limits, qos_limits   association or QOS x limit, -1: none
    resv        begin, length, and after how long it repeats (0: once) [s];  resv_nodes  x node
    resv_open   x association: who may use it
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
    weights: Any
    part: Any
    part_factor: Any
    part_nodes: Any
    qos: Any
    qos_x: Any
    qos_preempts: Any
    qos_limits: Any
    tree: Any
    shares: Any
    limits: Any
    resv: Any
    resv_nodes: Any
    resv_open: Any


class Park(NamedTuple):
    """The nodes: what each has, and its leaf switch; powers of idle and down nodes and of all else [W]."""

    node: Any
    cores_count: int
    idle_w: float
    down_w: float
    base_w: float


class Turns(NamedTuple):
    """Nodes that go down (0), come back (1) or drain (2: empty out, then are away for the repair [s]), sorted by time."""

    event: Any


class Now(NamedTuple):
    """Everything that changes, in tables whose rows are named above; `n` holds the counters.

    f      power of what runs [W], up to when usage is charged, and the part of a second that the last backfill pass took
    key    priority, by job;  nodes  of each job's last attempt, from NODES_FROM on
    plan   slots of the backfill plan, with the nodes that are left in each
    att    attempts;  row, row_power  the timeline
    """

    n: Any
    f: Any
    node: Any
    job: Any
    key: Any
    nodes: Any
    heap: Any
    group: Any
    blocked: Any
    array_running: Any
    acc: Any
    share: Any
    qos: Any
    qos_user: Any
    plan: Any
    plan_nodes: Any
    att: Any
    row: Any
    row_power: Any


# --- the heap of ends ----------------------------------------------------------------------------------------------


@kernel
def _before(s, a, b):
    ta, tb = s.heap[TIME, a], s.heap[TIME, b]
    return ta < tb or (ta == tb and s.heap[ORDER, a] < s.heap[ORDER, b])


@kernel
def _swap(s, a, b):
    for row in range(s.heap.shape[0]):
        s.heap[row, a], s.heap[row, b] = s.heap[row, b], s.heap[row, a]


@kernel
def _push(s, time_s, what, kind, attempt):
    at = s.n[HEAP]
    s.heap[TIME, at], s.heap[ORDER, at], s.heap[WHAT, at] = time_s, s.n[SERIAL], what
    s.heap[KIND, at], s.heap[WHICH, at] = kind, attempt
    s.n[HEAP] += 1
    s.n[SERIAL] += 1
    while at > 0 and _before(s, at, (at - 1) >> 1):
        _swap(s, at, (at - 1) >> 1)
        at = (at - 1) >> 1


@kernel
def _pop(s):
    s.n[HEAP] -= 1
    size = s.n[HEAP]
    _swap(s, 0, size)
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _before(s, child + 1, child):
            child += 1
        if not _before(s, child, at):
            return
        _swap(s, at, child)
        at = child


# --- usage, fair share, priority ------------------------------------------------------------------------------------


@kernel
def _charge(s, r, now):
    """Bring usage up to now: u = u f + rate (1 - f) / lambda, with f = 2^(-dt / half-life)."""
    passed = now - s.f[1]
    if passed <= 0:
        return
    s.f[1] = now
    fade, gain = 1.0, float(passed)
    if r.half_life_s > 0:
        fade = 2.0 ** (-passed / r.half_life_s)
        gain = (1.0 - fade) * r.half_life_s / np.log(2.0)
    for a in range(s.share.shape[1]):
        s.share[USE, a] = s.share[USE, a] * fade + s.share[RATE, a] * gain


@kernel
def _set_rate(s, r, a, change):
    """Add to the rate of usage of an association and of all above it."""
    while True:
        s.share[RATE, a] += change
        if r.tree[PARENT, a] == a:
            return
        a = r.tree[PARENT, a]


@kernel
def _fair_tree(s, r, now):
    """Fair-tree factors of all users: siblings by shares over usage, depth first; the k-th of n gets (n - k + 1) / n.

    Users of one level share the higher place; accounts of one level have their children merged, and the first of these
    shares the place of a user of that level.
    """
    _charge(s, r, now)
    count, leaves = r.tree.shape[1] - 1, 0
    for a in range(count):
        total = s.share[USE, r.tree[PARENT, a]]
        part = s.share[USE, a] / total if total > 0 else 0.0
        s.share[LEVEL, a] = 0.0 if r.shares[a] == 0 else np.inf if part <= 1e-12 else r.shares[a] / part
        leaves += r.tree[IS_LEAF, a]
    place, rank, size = leaves, leaves, 1
    s.acc[STACK, 0], s.acc[TIED, 0] = 0, 0  # a stack of associations, of which the last is looked at next
    while size > 0:
        size -= 1
        a, tied = s.acc[STACK, size], s.acc[TIED, size]
        if r.tree[IS_LEAF, a]:
            if not tied:
                rank = place
            s.share[FACTOR, a] = rank / leaves
            place -= 1
            continue
        s.acc[MERGED, a], first = -1, a
        while size > 0 and s.acc[TIED, size - 1] and not r.tree[IS_LEAF, s.acc[STACK, size - 1]]:
            size -= 1  # an account of the same level: its children come in among these
            s.acc[MERGED, s.acc[STACK, size]], first = first, s.acc[STACK, size]
        size = _push_children(s, r, first, size, tied)


@kernel
def _push_children(s, r, a, base, tied):
    """Put the children of an account, and of those merged with it, on the stack of the fair tree; its size then."""
    size = base
    while a >= 0:
        for k in range(r.tree[CHILDREN_FROM, a], r.tree[CHILDREN_FROM, a + 1]):
            b, at = r.tree[CHILDREN, k], size
            while at > base and _before_sibling(s, r, s.acc[STACK, at - 1], b):
                s.acc[STACK, at] = s.acc[STACK, at - 1]
                at -= 1
            s.acc[STACK, at] = b
            size += 1
        a = s.acc[MERGED, a]
    for at in range(base, size - 1):
        s.acc[TIED, at] = s.share[LEVEL, s.acc[STACK, at]] == s.share[LEVEL, s.acc[STACK, at + 1]]
    if size > base:  # an account may have nobody in it
        s.acc[TIED, size - 1] = tied
    return size


@kernel
def _before_sibling(s, r, a, b):
    """Whether an association is looked at before a sibling: the higher level, then users, then the lower number."""
    if s.share[LEVEL, a] != s.share[LEVEL, b]:
        return s.share[LEVEL, a] > s.share[LEVEL, b]
    if r.tree[IS_LEAF, a] != r.tree[IS_LEAF, b]:
        return r.tree[IS_LEAF, a] > r.tree[IS_LEAF, b]
    return a < b


@kernel
def _priority(s, r, q, park, job, now):
    """Slurm's multifactor priority, in whole points."""
    age = min((now - q.of[ELIGIBLE, job]) / r.max_age_s, 1.0)
    nodes, cores = park.node.shape[1], park.cores_count
    size = q.of[NODES, job] / nodes
    part = q.of[NODES, job] * max(q.of[CORES, job], 1) / max(cores, 1)
    if r.favor_small:
        size, part = 1.0 - size, 1.0 - part
    if cores > 0:
        size = (size + part) / 2
    total = r.weights[0] * max(age, 0.0) + r.weights[1] * s.share[FACTOR, q.of[LEAF, job]] + r.weights[2] * size
    total += r.weights[3] * r.part_factor[q.of[PARTITION, job]] + r.weights[4] * r.qos_x[RANK, q.of[QOS, job]]
    return np.floor(total)


@kernel
def _comes_first(s, r, q, a, b):
    """True if job a stands before job b in the queue."""
    ta, tb = r.part[TIER, q.of[PARTITION, a]], r.part[TIER, q.of[PARTITION, b]]
    if ta != tb:
        return ta > tb
    if s.key[a] != s.key[b]:
        return s.key[a] > s.key[b]
    return a < b


@kernel
def _enqueue(s, r, q, park, job, now):
    """Put a job in the queue at its place."""
    s.key[job] = _priority(s, r, q, park, job, now) if r.multifactor else 0.0
    at = s.n[WAITING]
    while at > 0 and _comes_first(s, r, q, job, s.job[QUEUE, at - 1]):
        s.job[QUEUE, at] = s.job[QUEUE, at - 1]
        at -= 1
    s.job[QUEUE, at] = job
    s.n[WAITING] += 1
    s.n[QUEUED_GPUS] += q.of[NODES, job] * q.of[GPUS, job]
    s.job[STATE, job] = IS_WAITING


@kernel
def _reorder(s, r, q, park, now):
    """A tick: factors and priorities anew, and the queue sorted by them."""
    if r.weights[1] != 0:
        _fair_tree(s, r, now)
    for at in range(s.n[WAITING]):
        s.key[s.job[QUEUE, at]] = _priority(s, r, q, park, s.job[QUEUE, at], now)
    for at in range(1, s.n[WAITING]):
        job, to = s.job[QUEUE, at], at
        while to > 0 and _comes_first(s, r, q, job, s.job[QUEUE, to - 1]):
            s.job[QUEUE, to] = s.job[QUEUE, to - 1]
            to -= 1
        s.job[QUEUE, to] = job


@kernel
def _unqueue(s, q, at):
    job = s.job[QUEUE, at]
    for k in range(at, s.n[WAITING] - 1):
        s.job[QUEUE, k] = s.job[QUEUE, k + 1]
    s.n[WAITING] -= 1
    s.n[QUEUED_GPUS] -= q.of[NODES, job] * q.of[GPUS, job]


# --- which nodes -----------------------------------------------------------------------------------------------------


@kernel
def _fits(s, q, job, base, node, whole):
    if whole and s.node[base + JOBS_ON, node] > 0:
        return False
    free = s.node[base, node] >= q.of[GPUS, job] and s.node[base + 1, node] >= q.of[CORES, job]
    return free and s.node[base + 2, node] >= q.of[MEMORY, job]


@kernel
def _whole(r, q, job):
    return q.of[EXCLUSIVE, job] or r.part[WHOLE, q.of[PARTITION, job]]


@kernel
def _choose(s, r, q, park, job, base):
    """Choose nodes for a job among those of AVAIL, by what is free now (FREE) or ahead (AHEAD); False if too few."""
    need, count, whole = q.of[NODES, job], 0, _whole(r, q, job)
    for node in range(s.node.shape[1]):
        fits = s.node[AVAIL, node] and _fits(s, q, job, base, node, whole)
        s.node[FIT, node] = fits
        count += fits
    if count < need:
        return False
    if r.placement == FIRST:
        taken = 0
        for node in range(s.node.shape[1]):
            if s.node[FIT, node] and taken < need:
                s.node[CHOSEN, taken] = node
                taken += 1
        return True
    if r.placement == SPREAD:
        return _choose_spread(s, park, need, base)
    return _choose_groups(s, park, r.placement == LEAVES, need)


@kernel
def _choose_groups(s, park, by_leaf, need):
    """The smallest group of fitting nodes that is enough, else the largest and on; of nodes in a row, or of one leaf."""
    taken, size = 0, s.node.shape[1]
    while taken < need:
        best, best_count, enough = -1, 0, False
        if by_leaf:
            for leaf in range(s.group.size):
                s.group[leaf] = 0
            for node in range(size):
                s.group[park.node[SWITCH, node]] += s.node[FIT, node]
            for leaf in range(s.group.size):
                count = s.group[leaf]
                if count and _better(count, need - taken, best_count, enough):
                    best, best_count, enough = leaf, count, count >= need - taken
            for node in range(size):
                if s.node[FIT, node] and park.node[SWITCH, node] == best and taken < need:
                    s.node[CHOSEN, taken] = node
                    s.node[FIT, node] = False
                    taken += 1
            continue
        node = 0
        while node < size:
            if not s.node[FIT, node]:
                node += 1
                continue
            first = node
            while node < size and s.node[FIT, node]:
                node += 1
            if _better(node - first, need - taken, best_count, enough):
                best, best_count, enough = first, node - first, node - first >= need - taken
        for node in range(best, min(best + best_count, best + need - taken)):
            s.node[CHOSEN, taken] = node
            s.node[FIT, node] = False
            taken += 1
    return True


@kernel
def _better(count, need, best_count, enough):
    """True if a group of `count` is a tighter fit than the best so far."""
    if count >= need:
        return not enough or count < best_count
    return not enough and count > best_count


@kernel
def _choose_spread(s, park, need, base):
    """The least loaded nodes, each from the leaf with most of them left."""
    for leaf in range(s.group.size):
        s.group[leaf] = 0
    for node in range(s.node.shape[1]):
        s.group[park.node[SWITCH, node]] += s.node[FIT, node]
    for taken in range(need):
        best = -1
        for node in range(s.node.shape[1]):
            if not s.node[FIT, node]:
                continue
            if (
                best < 0
                or s.node[base, node] > s.node[base, best]
                or (
                    s.node[base, node] == s.node[base, best]
                    and s.group[park.node[SWITCH, node]] > s.group[park.node[SWITCH, best]]
                )
            ):
                best = node
        s.node[CHOSEN, taken] = best
        s.node[FIT, best] = False
        s.group[park.node[SWITCH, best]] -= 1
    return True


@kernel
def _up_nodes(s, r, q, job):
    """Set `avail` to the nodes of the job's partition that take jobs."""
    part = q.of[PARTITION, job]
    for node in range(s.node.shape[1]):
        s.node[AVAIL, node] = s.node[UP, node] and r.part_nodes[part, node] and s.node[DRAINING, node] == 0


@kernel
def _mind_reservations(s, r, q, job, from_s, to_s):
    """Take nodes out of `avail` that are reserved for others between two times; the earliest end of these, 0 if none."""
    first_end = np.int64(0)
    for k in range(r.resv.shape[1]):
        end = _reserved_until(r, k, from_s)
        if end > from_s and end - r.resv[LENGTH, k] < to_s and not r.resv_open[k, q.of[LEAF, job]]:
            for node in range(s.node.shape[1]):
                if r.resv_nodes[k, node]:
                    s.node[AVAIL, node] = False
            if first_end == 0 or end < first_end:
                first_end = end
    return first_end


@kernel
def _reserved_until(r, k, from_s):
    """The end of the first time that a reservation holds that is not over at a time, or of its last."""
    end, every = r.resv[BEGIN, k] + r.resv[LENGTH, k], r.resv[EVERY, k]
    return end + ((from_s - end) // every + 1) * every if every > 0 and end <= from_s else end


# --- limits ---------------------------------------------------------------------------------------------------------


@kernel
def _over(limit, value):
    return limit >= 0 and value > limit


@kernel
def _may_run(s, r, q, job):
    """True if dependency, array, licences and limits let a job run now."""
    after = q.of[AFTER, job]
    if after >= 0 and s.job[STATE, after] != HAS_ENDED:
        return False
    if q.of[ARRAY_LIMIT, job] > 0 and s.array_running[q.of[ARRAY, job]] >= q.of[ARRAY_LIMIT, job]:
        return False
    if q.of[LICENSE, job] > 0 and s.n[LICENSES] + q.of[LICENSE, job] > r.licenses:
        return False
    nodes, gpus = q.of[NODES, job], q.of[NODES, job] * q.of[GPUS, job]
    qos, user = q.of[QOS, job], q.of[USER, job]
    own = r.qos_limits[qos]
    if _over(own[GROUP_GPUS], s.qos[OF_GPUS, qos] + gpus) or _over(own[GROUP_NODES], s.qos[OF_NODES, qos] + nodes):
        return False
    if _over(own[GROUP_JOBS], s.qos[OF_JOBS, qos] + 1) or _over(own[USER_GPUS], s.qos_user[0, qos, user] + gpus):
        return False
    if _over(own[USER_JOBS], s.qos_user[1, qos, user] + 1):
        return False
    a, leaf = q.of[LEAF, job], q.of[LEAF, job]
    while True:  # a limit of the QOS stands for those of the accounts
        lim = r.limits[a]
        if own[GROUP_GPUS] < 0 and _over(lim[GROUP_GPUS], s.acc[OF_GPUS, a] + gpus):
            return False
        if own[GROUP_NODES] < 0 and _over(lim[GROUP_NODES], s.acc[OF_NODES, a] + nodes):
            return False
        if own[GROUP_JOBS] < 0 and _over(lim[GROUP_JOBS], s.acc[OF_JOBS, a] + 1):
            return False
        if own[USER_GPUS] < 0 and _over(lim[USER_GPUS], s.acc[OF_GPUS, leaf] + gpus):
            return False
        if own[USER_JOBS] < 0 and _over(lim[USER_JOBS], s.acc[OF_JOBS, leaf] + 1):
            return False
        if r.tree[PARENT, a] == a:
            return True
        a = r.tree[PARENT, a]


@kernel
def _count(s, r, q, job, sign):
    """Note in all sums that limits look at that a job has started (1) or no longer runs (-1); suspended ones count."""
    nodes, gpus = q.of[NODES, job] * sign, q.of[NODES, job] * q.of[GPUS, job] * sign
    a = q.of[LEAF, job]
    while True:
        s.acc[OF_GPUS, a] += gpus
        s.acc[OF_NODES, a] += nodes
        s.acc[OF_JOBS, a] += sign
        if r.tree[PARENT, a] == a:
            break
        a = r.tree[PARENT, a]
    qos, user = q.of[QOS, job], q.of[USER, job]
    s.qos[OF_GPUS, qos] += gpus
    s.qos[OF_NODES, qos] += nodes
    s.qos[OF_JOBS, qos] += sign
    s.qos_user[0, qos, user] += gpus
    s.qos_user[1, qos, user] += sign
    s.n[LICENSES] += q.of[LICENSE, job] * sign
    if q.of[ARRAY, job] >= 0:
        s.array_running[q.of[ARRAY, job]] += sign


@kernel
def _load(s, r, q, job, now, sign):
    """A job begins to run (1) or stops (-1): usage, power, what is busy."""
    _charge(s, r, now)
    _set_rate(s, r, q.of[LEAF, job], sign * q.x[BILLING, job] * r.qos_x[COST, q.of[QOS, job]])
    s.n[RUNNING] += sign
    s.n[BUSY] += q.of[NODES, job] * q.of[GPUS, job] * sign
    s.f[0] += q.x[POWER, job] * sign


# --- starting and stopping -------------------------------------------------------------------------------------------


@kernel
def _occupy(s, r, q, job, sign):
    """Take (1) or give back (-1) what a job holds on its nodes."""
    whole = _whole(r, q, job)
    for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
        _hold(s, q, job, FREE, s.nodes[k], whole, sign)


@kernel
def _hold(s, q, job, base, node, whole, sign):
    """Take (1) or give back (-1) one node's part of what a job holds."""
    s.node[base + JOBS_ON, node] += sign
    if whole:
        s.node[base + 1, node] -= sign * WHOLE_NODE
        return
    s.node[base, node] -= sign * q.of[GPUS, job]
    s.node[base + 1, node] -= sign * q.of[CORES, job]
    s.node[base + 2, node] -= sign * q.of[MEMORY, job]


@kernel
def _sort_in(s, job):
    """Put a job among the running ones by its requested end."""
    at = s.n[SLOTS]
    while at > 0 and s.job[LIMIT_END, s.job[RUN_LIST, at - 1]] > s.job[LIMIT_END, job]:
        s.job[RUN_LIST, at] = s.job[RUN_LIST, at - 1]
        at -= 1
    s.job[RUN_LIST, at] = job
    s.n[SLOTS] += 1


@kernel
def _take_out(s, job):
    at = 0
    while s.job[RUN_LIST, at] != job:
        at += 1
    for k in range(at, s.n[SLOTS] - 1):
        s.job[RUN_LIST, k] = s.job[RUN_LIST, k + 1]
    s.n[SLOTS] -= 1


@kernel
def _start(s, r, q, job, now, late):
    """Start a job on the chosen nodes, which it holds from now on, in `late` seconds; it must be out of the queue."""
    begin = now + late
    at = s.job[NODES_FROM, job]
    for k in range(q.of[NODES, job]):
        s.nodes[at + k] = s.node[CHOSEN, k]
    attempt = s.n[ATTEMPTS]
    s.n[ATTEMPTS] += 1
    s.att[A_JOB, attempt], s.att[A_START, attempt], s.att[A_OUTCOME, attempt] = job, begin, STILL_RUNNING
    s.att[A_NODE, attempt] = s.node[CHOSEN, 0]
    s.job[ATTEMPT, job], s.job[START, job], s.job[STATE, job] = attempt, begin, IS_RUNNING
    s.job[LIMIT_END, job] = begin + q.of[LIMIT, job]
    s.job[AWAY, job] = 0
    s.job[ASKED, job] = s.job[GOING, job] = 0
    if s.job[FIRST_START, job] < 0:
        s.job[FIRST_START, job] = begin
    _occupy(s, r, q, job, 1)
    _count(s, r, q, job, 1)
    _load(s, r, q, job, now, 1)
    _sort_in(s, job)
    _push(s, begin + min(_need(s, r, q, job), q.of[LIMIT, job] + r.over_s), job, END, attempt)
    qos = q.of[QOS, job]
    if r.qos[EXEMPT, qos] > 0 and r.qos[STOPPABLE, qos]:
        _push(s, begin + r.qos[EXEMPT, qos], job, EXEMPT_OVER, attempt)
    s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
    s.n[STARTED] += 1


@kernel
def _need(s, r, q, job):
    """Seconds from start to end if nothing happens: launch, setting up again, what is left, and its checkpoints."""
    left = q.of[WORK, job] - s.job[SAVED, job]
    writes = (left - 1) // q.of[CHECKPOINT, job] if q.of[CHECKPOINT, job] > 0 and left > 0 else 0
    return r.launch_s + (q.of[RESTART, job] if s.job[SAVED, job] > 0 else 0) + left + writes * q.of[WRITE, job]


@kernel
def _leave(s, r, q, job, now, outcome, event):
    """End an attempt: the job no longer runs, and unless it is completing its nodes are free."""
    attempt = s.job[ATTEMPT, job]
    s.att[A_END, attempt], s.att[A_OUTCOME, attempt], s.att[A_EVENT, attempt] = now, outcome, event
    s.att[A_START, attempt] = min(s.att[A_START, attempt], now)  # one that a pass was yet to start
    _count(s, r, q, job, -1)
    _load(s, r, q, job, now, -1)
    s.n[CHANGED] = s.n[MAIN_CHANGED] = 1


@kernel
def _free(s, r, q, job, now):
    """Free a job's nodes; draining ones that are empty now go down for their repair."""
    _take_out(s, job)
    _occupy(s, r, q, job, -1)
    for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
        _drained(s, s.nodes[k], now)
    s.n[CHANGED] = s.n[MAIN_CHANGED] = 1


@kernel
def _drained(s, node, now):
    if s.node[DRAINING, node] > 0 and s.node[JOBS_ON, node] + s.node[COMPLETING, node] == 0 and s.node[UP, node]:
        s.node[UP, node] = 0
        s.n[DOWN] += 1
        s.node[BACK, node] = now + s.node[DRAINING, node]
        _push(s, s.node[BACK, node], node, NODE_BACK, -1)
        s.node[DRAINING, node] = 0


@kernel
def _finish(s, r, q, job, now):
    """A job comes to its end or its limit; others may start on its nodes once it has completed."""
    ran = now - s.job[START, job] - s.job[AWAY, job]
    worked = ran >= _need(s, r, q, job)
    outcome = DONE if worked else LIMIT_REACHED
    s.job[LOST, job] += min(q.of[RESTART, job] if s.job[SAVED, job] > 0 else 0, ran)
    s.job[ENDED, job], s.job[OUTCOME, job] = now, outcome
    _leave(s, r, q, job, now, outcome, -1)
    if r.complete_s > 0:
        s.job[STATE, job] = IS_COMPLETING
        _take_out(s, job)
        _occupy(s, r, q, job, -1)
        _complete(s, q, job, 1)
        _push(s, now + r.complete_s, job, RELEASE, s.job[ATTEMPT, job])
    else:
        _free(s, r, q, job, now)
        s.job[STATE, job] = HAS_ENDED


@kernel
def _complete(s, q, job, sign):
    """Note on a job's nodes that it completes there (1) or no longer (-1): plans count on them, yet nothing starts there."""
    for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
        s.node[COMPLETING, s.nodes[k]] += sign


@kernel
def _any_completing(s, q, job):
    """Whether a job completes on one of the chosen nodes."""
    some = False
    for k in range(q.of[NODES, job]):
        some |= s.node[COMPLETING, s.node[CHOSEN, k]] > 0
    return some


@kernel
def _interrupt(s, r, q, park, job, now, outcome, event, again):
    """Stop a running or suspended job: what it did since its last checkpoint is lost; it queues again, or is at its end."""
    suspended = s.job[STATE, job] == IS_SUSPENDED
    if suspended:
        s.job[AWAY, job] += now
        s.n[SUSPENDED] -= 1
    ran = max(now - s.job[START, job] - s.job[AWAY, job], 0)
    over = r.launch_s + (q.of[RESTART, job] if s.job[SAVED, job] > 0 else 0)
    saved = np.int64(0)
    if q.of[CHECKPOINT, job] > 0 and ran > over:
        saved = (ran - over) // (q.of[CHECKPOINT, job] + q.of[WRITE, job]) * q.of[CHECKPOINT, job]
    s.job[SAVED, job] += saved
    s.job[LOST, job] += ran - saved
    if suspended:
        _count(s, r, q, job, -1)
        s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
    else:
        _leave(s, r, q, job, now, outcome, event)
        _free(s, r, q, job, now)
    if again:
        s.job[RESTARTS, job] += 1
        _enqueue(s, r, q, park, job, now)
    else:
        s.job[STATE, job], s.job[ENDED, job], s.job[OUTCOME, job] = HAS_ENDED, now, outcome


# --- preemption ------------------------------------------------------------------------------------------------------


@kernel
def _victim_before(s, r, q, a, b):
    """Whether a is stopped rather than b: the lower QOS, then the later start, then the higher number."""
    fa, fb = r.qos_x[RANK, q.of[QOS, a]], r.qos_x[RANK, q.of[QOS, b]]
    if fa != fb:
        return fa < fb
    if s.job[START, a] != s.job[START, b]:
        return s.job[START, a] > s.job[START, b]
    return a > b


@kernel
def _find_victims(s, r, q, job, now):
    """Running jobs that may be stopped for this one, in the order in which they would be; how many."""
    count, mine = 0, q.of[QOS, job]
    if not r.qos[PREEMPTS, mine]:
        return 0
    for k in range(s.n[SLOTS]):
        other = s.job[RUN_LIST, k]
        theirs = q.of[QOS, other]
        if s.job[STATE, other] != IS_RUNNING or not r.qos_preempts[mine, theirs] or r.qos[MODE, theirs] == OFF:
            continue
        if now - s.job[START, other] < r.qos[EXEMPT, theirs]:
            continue
        at = count
        while at > 0 and _victim_before(s, r, q, other, s.job[VICTIMS, at - 1]):
            s.job[VICTIMS, at] = s.job[VICTIMS, at - 1]
            at -= 1
        s.job[VICTIMS, at] = other
        count += 1
    return count


@kernel
def _room_by_preemption(s, r, q, park, job, now):
    """How many of the first victims, with what is free, are enough; -1 if all are not.  Chooses the nodes."""
    count = _find_victims(s, r, q, job, now)
    if count == 0:
        return -1
    _look_ahead(s)
    for k in range(count):
        _give_back(s, r, q, s.job[VICTIMS, k])
        if _choose(s, r, q, park, job, AHEAD):
            return k + 1
    return -1


@kernel
def _preempt(s, r, q, park, job, now):
    """Stop others for this job.  True if it can start now on the chosen nodes; if not, it asks again after their grace."""
    if s.job[ASKED, job] > now:
        return False
    count = _room_by_preemption(s, r, q, park, job, now)
    if count < 0 or count > s.n[STOPS_LEFT]:
        return False
    for node in range(s.node.shape[1]):
        s.node[FIT, node] = False
    for k in range(q.of[NODES, job]):
        s.node[FIT, s.node[CHOSEN, k]] = True
    for k in range(count):
        other = s.job[VICTIMS, k]
        needed = False
        for m in range(s.job[NODES_FROM, other], s.job[NODES_FROM, other] + q.of[NODES, other]):
            needed |= s.node[FIT, s.nodes[m]]
        if needed:
            s.job[ASKED, job] = max(s.job[ASKED, job], _stop_for(s, r, q, park, other, now))
    return s.job[ASKED, job] <= now


@kernel
def _stop_for(s, r, q, park, other, now):
    """Stop a job for another: at once, or after its grace.  When its nodes are free."""
    if s.job[GOING, other] > 0:
        return s.job[GOING, other]
    qos = q.of[QOS, other]
    mode, grace = r.qos[MODE, qos], r.qos[GRACE, qos]
    s.n[PREEMPTIONS] += 1
    s.n[STOPS_LEFT] -= 1
    if mode == SUSPEND:
        due = min(_need(s, r, q, other), q.of[LIMIT, other] + r.over_s)
        s.job[LEFT, other] = s.job[START, other] + s.job[AWAY, other] + due - now
        _load(s, r, q, other, now, -1)
        _free(s, r, q, other, now)
        s.job[STATE, other] = IS_SUSPENDED
        attempt = s.job[ATTEMPT, other]
        s.att[A_END, attempt], s.att[A_OUTCOME, attempt] = now, PREEMPTED
        s.job[AWAY, other] -= now
        s.n[SUSPENDED] += 1
        return now
    if grace > 0:
        s.job[GOING, other] = now + grace
        _push(s, now + grace, other, END, -2 - s.job[ATTEMPT, other])
        return now + grace
    _interrupt(s, r, q, park, other, now, PREEMPTED, -1, mode == REQUEUE)
    return now


@kernel
def _resume(s, r, q, now):
    """Suspended jobs go on, in order of their numbers, where all their nodes have room again."""
    any_ = False
    if s.n[SUSPENDED] == 0:
        return any_
    for job in range(q.of.shape[1]):
        if s.job[STATE, job] != IS_SUSPENDED:
            continue
        whole, free = _whole(r, q, job), True
        for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
            node = s.nodes[k]
            free &= bool(s.node[UP, node]) and s.node[COMPLETING, node] == 0 and _fits(s, q, job, FREE, node, whole)
        if not free or s.n[ATTEMPTS] + 1 >= s.att.shape[1]:
            continue
        attempt = s.n[ATTEMPTS]
        s.n[ATTEMPTS] += 1
        s.att[A_JOB, attempt], s.att[A_START, attempt], s.att[A_OUTCOME, attempt] = job, now, STILL_RUNNING
        s.att[A_NODE, attempt] = s.nodes[s.job[NODES_FROM, job]]
        s.job[ATTEMPT, job], s.job[STATE, job] = attempt, IS_RUNNING
        s.job[AWAY, job] += now
        s.job[LIMIT_END, job] = s.job[START, job] + s.job[AWAY, job] + q.of[LIMIT, job]
        _occupy(s, r, q, job, 1)
        _load(s, r, q, job, now, 1)
        _sort_in(s, job)
        _push(s, now + s.job[LEFT, job], job, END, attempt)
        s.n[SUSPENDED] -= 1
        any_ = True
    return any_


@kernel
def _start_after_preemption(s, r, q, job, now):
    """Start a job whose place in the queue may have changed with those that were stopped for it."""
    at = 0
    while s.job[QUEUE, at] != job:
        at += 1
    _unqueue(s, q, at)
    _start(s, r, q, job, now, 0)


# --- the main pass ---------------------------------------------------------------------------------------------------


@kernel
def _main_pass(s, r, q, park, now, depth):
    """Start waiting jobs in order; the first that does not fit keeps the nodes of its partition from all behind it."""
    for part in range(s.blocked.size):
        s.blocked[part] = 0
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[0, node] = 1  # here: nodes that nobody before has been refused on
    at, looked, blocked = 0, 0, 0
    while at < s.n[WAITING] and looked < depth and blocked < s.blocked.size:
        job = s.job[QUEUE, at]
        if s.blocked[q.of[PARTITION, job]] or not _may_run(s, r, q, job):
            at += 1
            continue
        _up_nodes(s, r, q, job)
        kept = False
        for node in range(s.node.shape[1]):
            kept |= bool(s.node[AVAIL, node]) and not s.plan_nodes[0, node]
            s.node[AVAIL, node] = s.node[AVAIL, node] and s.plan_nodes[0, node] and s.node[COMPLETING, node] == 0
        looked += 1
        _mind_reservations(s, r, q, job, now, now + q.of[LIMIT, job])
        if _choose(s, r, q, park, job, FREE):
            _unqueue(s, q, at)
            _start(s, r, q, job, now, 0)
            continue
        stops = s.n[PREEMPTIONS]
        if not kept and _preempt(s, r, q, park, job, now):
            _start_after_preemption(s, r, q, job, now)
            at = 0
            continue
        s.blocked[q.of[PARTITION, job]] = 1
        blocked += 1
        for node in range(s.node.shape[1]):
            if r.part_nodes[q.of[PARTITION, job], node]:
                s.plan_nodes[0, node] = 0
        at = at + 1 if s.n[PREEMPTIONS] == stops else 0


# --- the backfill pass -----------------------------------------------------------------------------------------------


@kernel
def _look_ahead(s):
    for row in range(AHEAD - FREE):
        for node in range(s.node.shape[1]):
            s.node[AHEAD + row, node] = s.node[FREE + row, node]


@kernel
def _give_back(s, r, q, other):
    """Take a running job away in the look ahead."""
    whole = _whole(r, q, other)
    for k in range(s.job[NODES_FROM, other], s.job[NODES_FROM, other] + q.of[NODES, other]):
        _hold(s, q, other, AHEAD, s.nodes[k], whole, -1)


@kernel
def _touches(s, q, other):
    """Whether a running job has a node among `avail`."""
    for k in range(s.job[NODES_FROM, other], s.job[NODES_FROM, other] + q.of[NODES, other]):
        if s.node[AVAIL, s.nodes[k]]:
            return True
    return False


@kernel
def _will_run(s, r, q, park, job, now):
    """The earliest start on `avail` by the requested ends of what runs; NEVER if there is none.  Chooses the nodes."""
    if _choose(s, r, q, park, job, FREE):
        return now
    _look_ahead(s)
    at, span, count, barrier = 0, FIRST_SPAN_S, s.n[SLOTS], np.int64(-1)
    while at < count:
        last = np.int64(-1)
        while at < count:
            other = s.job[RUN_LIST, at]
            if not r.by_groups and last >= 0 and s.job[LIMIT_END, other] > last:
                break
            at += 1
            if not _touches(s, q, other):
                continue
            last = s.job[LIMIT_END, other]
            if barrier < 0:
                barrier = last // FIRST_SPAN_S * FIRST_SPAN_S + FIRST_SPAN_S
            _give_back(s, r, q, other)
            if r.by_groups and at < count and s.job[LIMIT_END, s.job[RUN_LIST, at]] > barrier + span:
                break
        if last < 0:
            return NEVER
        span *= 2
        while r.by_groups and at < count and s.job[LIMIT_END, s.job[RUN_LIST, at]] > barrier + span:
            span *= 2
        if _choose(s, r, q, park, job, AHEAD):
            return max(last, now + 1)
    return NEVER


@kernel
def _new_plan(s, r, now):
    begin = _on_grid(r, now)
    s.plan[BEGIN, 0], s.plan[UNTIL, 0], s.plan[NEXT, 0] = begin, begin + r.bf_window_s, -1
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[0, node] = 1
    return 1


@kernel
def _split(s, slot, at_s, slots):
    """Cut a slot of the plan in two at a time; the index of the second part."""
    s.plan[BEGIN, slots], s.plan[UNTIL, slots], s.plan[NEXT, slots] = at_s, s.plan[UNTIL, slot], s.plan[NEXT, slot]
    s.plan[UNTIL, slot], s.plan[NEXT, slot] = at_s, slots
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[slots, node] = s.plan_nodes[slot, node]
    return slots


@kernel
def _reserve(s, q, job, from_s, to_s, slots):
    """Keep the chosen nodes for a job between two times; the number of slots then."""
    slot = 0
    while slot >= 0 and s.plan[BEGIN, slot] < to_s:
        if s.plan[UNTIL, slot] > from_s:
            if s.plan[BEGIN, slot] < from_s:
                slot = _split(s, slot, from_s, slots)
                slots += 1
            if s.plan[UNTIL, slot] > to_s:
                _split(s, slot, to_s, slots)
                slots += 1
            for k in range(q.of[NODES, job]):
                s.plan_nodes[slot, s.node[CHOSEN, k]] = 0
        slot = s.plan[NEXT, slot]
    return slots


@kernel
def _plan_avail(s, r, q, job, from_s, to_s):
    """Set `avail` to nodes that nobody planned before needs between two times; the next time that frees another, or 0."""
    _up_nodes(s, r, q, job)
    for node in range(s.node.shape[1]):
        s.node[FIT, node] = s.node[AVAIL, node]
    later, slot = np.int64(0), 0
    while slot >= 0:
        if s.plan[UNTIL, slot] > from_s:
            if later == 0 and _frees_another(s, slot):
                later = s.plan[UNTIL, slot]
            if s.plan[BEGIN, slot] >= to_s + r.by_groups:  # slurmctld also minds what begins at the very end
                break
            for node in range(s.node.shape[1]):
                s.node[AVAIL, node] = s.node[AVAIL, node] and s.plan_nodes[slot, node]
        slot = s.plan[NEXT, slot]
    end = _mind_reservations(s, r, q, job, from_s, to_s)
    if end > 0 and (later == 0 or end < later):
        later = end
    return later


@kernel
def _frees_another(s, slot):
    """Whether the slot after this one has a node of the job's partition that this one or one looked at before lacks."""
    after = s.plan[NEXT, slot]
    if after < 0:
        return False
    for node in range(s.node.shape[1]):
        if s.node[FIT, node] and s.plan_nodes[after, node] and not (s.node[AVAIL, node] and s.plan_nodes[slot, node]):
            return True
    return False


@kernel
def _overlaps(s, q, job, from_s, to_s):
    """Whether someone planned before needs one of the chosen nodes between two times."""
    slot = 0
    while slot >= 0 and s.plan[BEGIN, slot] < to_s:
        if s.plan[UNTIL, slot] > from_s:
            for k in range(q.of[NODES, job]):
                if not s.plan_nodes[slot, s.node[CHOSEN, k]]:
                    return True
        slot = s.plan[NEXT, slot]
    return False


@kernel
def _on_grid(r, at_s):
    """A time of the plan: rounded down to the resolution."""
    return at_s // r.bf_resolution_s * r.bf_resolution_s


@kernel
def _last_change(s, r, now):
    """When all that is planned and reserved once is over and what repeats has come round twice, or the window ends."""
    last, most, slot = now, np.int64(0), 0
    while slot >= 0:
        last = max(last, s.plan[BEGIN, slot])
        slot = s.plan[NEXT, slot]
    for k in range(r.resv.shape[1]):
        most = max(most, r.resv[EVERY, k])
        if r.resv[EVERY, k] == 0:
            last = max(last, r.resv[BEGIN, k] + r.resv[LENGTH, k])
    return min(last + 2 * most, now + r.bf_window_s)


@kernel
def _look_for_room(s):
    """Note how many nodes are idle, and the most GPUs free on any: without so much no job can start now."""
    s.n[IDLE] = s.n[MOST_FREE] = 0
    for node in range(s.node.shape[1]):
        if s.node[UP, node] and s.node[DRAINING, node] == 0 and s.node[FREE + 1, node] >= 0:
            s.n[IDLE] += s.node[FREE + JOBS_ON, node] == 0
            s.n[MOST_FREE] = max(s.n[MOST_FREE], s.node[FREE, node])


@kernel
def _has_room(s, r, q, job):
    """Whether there may be room for a job now; most of a long queue is passed over by this."""
    if _whole(r, q, job):
        return q.of[NODES, job] <= s.n[IDLE]
    return q.of[GPUS, job] <= s.n[MOST_FREE]


@kernel
def _earliest(s, r, q, park, job, now, only_now):
    """When a job can start without delaying anyone planned before it, NEVER if not within the window; chooses the nodes."""
    if only_now and not _has_room(s, r, q, job):
        return NEVER
    later = now
    while True:
        from_s = later
        later = _plan_avail(s, r, q, job, from_s, from_s + q.of[LIMIT, job])
        if only_now:
            able = _choose(s, r, q, park, job, FREE)
            return now + _any_completing(s, q, job) if able else NEVER
        count = 0
        for node in range(s.node.shape[1]):
            count += s.node[AVAIL, node]
        start = _will_run(s, r, q, park, job, now) if count >= q.of[NODES, job] else NEVER
        start = max(start, from_s)
        if start <= now:
            return now + _any_completing(s, q, job)
        if later > 0 and start > later:
            if start == NEVER and r.resv.shape[1] > 0 and later > _last_change(s, r, now):
                return NEVER
            continue
        if start >= s.plan[BEGIN, 0] + r.bf_window_s:
            return NEVER
        if _overlaps(s, q, job, _on_grid(r, start), _on_grid(r, start + q.of[LIMIT, job])):
            later = start
            continue
        return start


@kernel
def _backfill_pass(s, r, q, park, now):
    """Plan waiting jobs in order; those whose time is now start, those whose time comes keep their nodes from all behind.

    True if a job had others stopped: then the pass is to begin anew.
    """
    slots, planned, looked, at = _new_plan(s, r, now), 0, 0, 0
    _look_for_room(s)
    most = s.plan.shape[1] - 3
    s.n[LOOKED] = 0
    while at < s.n[WAITING] and looked < r.bf_jobs and slots < most:
        job = s.job[QUEUE, at]
        at += 1
        if not _may_run(s, r, q, job):
            continue
        looked += 1
        s.n[LOOKED] = looked
        only_now = r.backfill == EASY and planned > 0
        start = _earliest(s, r, q, park, job, now, only_now)
        if start == now:
            at -= 1
            _unqueue(s, q, at)
            if _whole(r, q, job):
                slots = _reserve(s, q, job, s.plan[BEGIN, 0], _on_grid(r, now + q.of[LIMIT, job]), slots)
            _start(s, r, q, job, now, np.int64(r.bf_test_s * looked))  # the pass takes its time
            _look_for_room(s)
            s.n[BACKFILLED] += 1
            continue
        if r.qos[PREEMPTS, q.of[QOS, job]]:
            _plan_avail(s, r, q, job, now, now + q.of[LIMIT, job])
            for node in range(s.node.shape[1]):
                s.node[AVAIL, node] = s.node[AVAIL, node] and s.node[COMPLETING, node] == 0
            stops = s.n[PREEMPTIONS]
            if _preempt(s, r, q, park, job, now):
                _start_after_preemption(s, r, q, job, now)
                return True
            if s.n[PREEMPTIONS] != stops:
                return True
            start = _earliest(s, r, q, park, job, now, only_now)
        if start < NEVER:
            from_s, to_s = _on_grid(r, start), _on_grid(r, start + q.of[LIMIT, job])
            slots = _reserve(s, q, job, from_s, max(to_s, from_s + r.bf_resolution_s), slots)
        if not only_now:
            planned += 1
    return False


# --- instants --------------------------------------------------------------------------------------------------------


@kernel
def _note(s, park, now):
    up = park.node.shape[1] - s.n[DOWN]
    row = s.n[ROWS] if now > 0 else 0
    if row > 0 and s.row[ROW_TIME, row - 1] == now:
        row -= 1
    if row >= s.row.shape[1]:
        return
    s.row[ROW_TIME, row] = now
    s.row_power[row] = park.base_w + up * park.idle_w + s.n[DOWN] * park.down_w + s.f[0]
    s.row[0, row] = s.n[BUSY]
    s.row[1, row] = s.n[RUNNING]
    s.row[2, row] = s.n[WAITING]
    s.row[3, row] = s.n[QUEUED_GPUS]
    s.row[4, row] = s.n[DOWN]
    s.n[ROWS] = row + 1


@kernel
def _ends(s, r, q, park, now):
    """All that was due: jobs that end or have completed, graces that are over, nodes that were repaired."""
    any_ = False
    while s.n[HEAP] > 0 and s.heap[TIME, 0] == now:
        what, kind, attempt = s.heap[WHAT, 0], s.heap[KIND, 0], s.heap[WHICH, 0]
        _pop(s)
        if kind == NODE_BACK:
            if not s.node[UP, what] and s.node[BACK, what] == now:
                s.node[UP, what], s.node[BACK, what] = 1, 0
                s.n[DOWN] -= 1
                s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
                any_ = True
        elif kind == EXEMPT_OVER:
            if s.job[STATE, what] == IS_RUNNING and s.job[START, what] + r.qos[EXEMPT, q.of[QOS, what]] == now:
                s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
        elif kind == RELEASE:
            if s.job[STATE, what] == IS_COMPLETING and s.job[ATTEMPT, what] == attempt:
                _complete(s, q, what, -1)
                for k in range(s.job[NODES_FROM, what], s.job[NODES_FROM, what] + q.of[NODES, what]):
                    _drained(s, s.nodes[k], now)
                s.job[STATE, what] = HAS_ENDED
                s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
                any_ = True
        elif s.job[STATE, what] == IS_RUNNING and attempt == s.job[ATTEMPT, what]:
            _finish(s, r, q, what, now)
            any_ = True
        elif s.job[STATE, what] == IS_RUNNING and attempt == -2 - s.job[ATTEMPT, what]:
            _interrupt(s, r, q, park, what, now, PREEMPTED, -1, r.qos[MODE, q.of[QOS, what]] == REQUEUE)
            any_ = True
    return any_


@kernel
def _lose_suspended(s, r, q, park, node, event, now):
    """Jobs suspended on a node that fails are lost like running ones."""
    if s.n[SUSPENDED] == 0:
        return
    for job in range(q.of.shape[1]):
        if s.job[STATE, job] == IS_SUSPENDED:
            on = False
            for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
                on |= s.nodes[k] == node
            if on:
                _interrupt(s, r, q, park, job, now, NODE_FAILED, event, AGAIN)


@kernel
def _turn(s, r, q, park, turns, now):
    """Nodes go down, come back, or begin to drain."""
    any_ = False
    while s.n[TURNS] < turns.event.shape[1] and turns.event[TIME, s.n[TURNS]] == now:
        event = s.n[TURNS]
        node = turns.event[WHAT, event]
        s.n[TURNS] += 1
        any_ = True
        if turns.event[KIND, event] == 1:
            if not s.node[UP, node]:
                s.node[UP, node] = 1
                s.node[BACK, node] = 0
                s.n[DOWN] -= 1
        elif turns.event[KIND, event] == 2:
            if s.node[UP, node]:
                s.node[DRAINING, node] = max(turns.event[REPAIR, event], 1)
                _drained(s, node, now)
        elif s.node[UP, node]:
            at = s.n[SLOTS] - 1
            while at >= 0:
                job = s.job[RUN_LIST, at]
                on = False
                for k in range(s.job[NODES_FROM, job], s.job[NODES_FROM, job] + q.of[NODES, job]):
                    on |= s.nodes[k] == node
                if on and s.job[STATE, job] == IS_RUNNING:
                    _interrupt(s, r, q, park, job, now, NODE_FAILED, event, AGAIN)
                at = min(at, s.n[SLOTS]) - 1
            _lose_suspended(s, r, q, park, node, event, now)
            if s.node[UP, node]:
                s.node[UP, node] = 0
                s.n[DOWN] += 1
            s.node[DRAINING, node] = s.node[BACK, node] = 0
            s.n[FAILED_NODES] += 1
        else:
            s.node[BACK, node] = 0  # it fails while it is repaired, and is back when a turn says so
        s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
    return any_


@kernel
def _arrive(s, r, q, park, now):
    any_ = False
    while s.n[ARRIVED] < q.of.shape[1] and q.of[ELIGIBLE, s.job[COMING, s.n[ARRIVED]]] == now:
        _enqueue(s, r, q, park, s.job[COMING, s.n[ARRIVED]], now)
        s.n[ARRIVED] += 1
        s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
        any_ = True
    return any_


@kernel
def _next_time(s, r, q, turns):
    """The next second at which anything happens."""
    now = s.heap[TIME, 0] if s.n[HEAP] > 0 else NEVER
    if s.n[ARRIVED] < q.of.shape[1]:
        now = min(now, q.of[ELIGIBLE, s.job[COMING, s.n[ARRIVED]]])
    if s.n[TURNS] < turns.event.shape[1]:
        now = min(now, turns.event[TIME, s.n[TURNS]])
    if s.n[WAITING] > 0:
        for k in range(r.resv.shape[1]):
            end = _reserved_until(r, k, s.n[RESV])
            if end > s.n[RESV]:
                now = min(now, end)
        if r.multifactor:
            now = min(now, s.n[NEXT_TICK])
        if r.backfill != NONE and r.bf_interval_s > 0 and s.n[CHANGED]:
            now = min(now, s.n[NEXT_BACKFILL])
        if r.sched_interval_s > 0 and s.n[PARTIAL]:
            now = min(now, s.n[NEXT_MAIN])
    return now


@kernel
def _pass(s, r, q, park, now):
    """The passes that are due at an instant."""
    if s.n[MAIN_CHANGED] or (s.n[PARTIAL] and now >= s.n[NEXT_MAIN]):
        full = r.sched_interval_s == 0 or now >= s.n[NEXT_MAIN]
        _main_pass(s, r, q, park, now, NEVER if full else np.int64(r.depth))
        s.n[PARTIAL] = 0 if full else 1
        if full and r.sched_interval_s > 0:
            s.n[NEXT_MAIN] = now + r.sched_interval_s
    if r.backfill != NONE and s.n[CHANGED] and (r.bf_interval_s == 0 or now >= s.n[NEXT_BACKFILL]):
        s.n[LOOKED] = 0
        while s.n[WAITING] > 0 and _backfill_pass(s, r, q, park, now):
            pass
        s.n[CHANGED] = 0
        s.f[2] += r.bf_test_s * s.n[LOOKED]
        s.n[BF_PERIOD] = r.bf_interval_s + np.int64(s.f[2])
        s.f[2] -= np.int64(s.f[2])
        s.n[NEXT_BACKFILL] = now + s.n[BF_PERIOD]
    s.n[MAIN_CHANGED] = 0  # what the passes themselves changed they have looked at


@kernel
def _is_stuck(s, r, q, turns, now):
    """Whether those who wait never start: nothing runs, comes or turns, ages are at their most, reservations came round."""
    if s.n[HEAP] > 0 or s.n[ARRIVED] < q.of.shape[1] or s.n[TURNS] < turns.event.shape[1]:
        return False
    patience = np.int64(max(PATIENCE_S, r.max_age_s))
    for k in range(r.resv.shape[1]):
        if _reserved_until(r, k, now - 1) >= now and r.resv[EVERY, k] == 0:
            return False
        patience = max(patience, r.resv[LENGTH, k] + 2 * r.resv[EVERY, k])
    return now - s.n[LAST_CHANGE] > patience


@kernel
def advance(s, q, r, park, turns, until_s):
    """Go on with a run up to, not including, `until_s` [s].  May be called again with a later time."""
    while True:
        now = _next_time(s, r, q, turns)
        if now >= until_s:
            return
        if s.n[WAITING] > 0 and r.bf_interval_s > 0 and s.n[NEXT_BACKFILL] < now:
            # passes in which nothing had changed went by on the way
            s.n[NEXT_BACKFILL] += -(-(now - s.n[NEXT_BACKFILL]) // s.n[BF_PERIOD]) * s.n[BF_PERIOD]
        changed = _ends(s, r, q, park, now)
        changed |= _turn(s, r, q, park, turns, now)
        for k in range(r.resv.shape[1]):
            if _reserved_until(r, k, now - 1) == now:
                s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
        s.n[RESV] = now
        changed |= _arrive(s, r, q, park, now)
        if r.multifactor and s.n[WAITING] > 0 and now >= s.n[NEXT_TICK]:
            _reorder(s, r, q, park, now)
            s.n[NEXT_TICK] = (now // r.calc_period_s + 1) * r.calc_period_s
            s.n[CHANGED] = s.n[MAIN_CHANGED] = 1
        changed |= _resume(s, r, q, now)
        before = s.n[STARTED] + s.n[PREEMPTIONS]
        if s.n[WAITING] > 0:
            _pass(s, r, q, park, now)
        changed |= _resume(s, r, q, now)
        if changed or s.n[STARTED] + s.n[PREEMPTIONS] != before:
            _note(s, park, now)
            s.n[LAST_CHANGE] = now
        elif _is_stuck(s, r, q, turns, now):
            return


def warm_up() -> None:
    """Runs nothing on one node, which has the kernels compiled with the types that every run has."""

    def ints(*shape: int) -> Any:
        return np.zeros(shape, np.int64)

    def floats(*shape: int) -> Any:
        return np.zeros(shape)

    def flags(*shape: int) -> Any:
        return np.zeros(shape, np.bool_)

    rules = Rules(
        False, NONE, 0, 1, 1, 1, 0.0, False, 1, 0, FIRST, 0, 0, 0, 1.0, 1.0, 1, False, 0, floats(5), ints(2, 1), floats(1),
        flags(1, 1), ints(5, 1), floats(2, 1), flags(1, 1), ints(1, 8), ints(4, 2), floats(1), ints(1, 8), ints(3, 0),
        flags(0, 1), flags(0, 1),
    )  # fmt: skip
    state = Now(
        ints(COUNTERS), floats(3), ints(15, 1), ints(19, 1), floats(0), np.zeros(0, np.int32), ints(5, 1), ints(1), ints(1),
        ints(1), ints(6, 2), floats(4, 1), ints(3, 1), ints(2, 1, 1), ints(3, 8), flags(8, 1), ints(6, 1), ints(6, 1),
        floats(1),
    )  # fmt: skip
    park = Park(ints(4, 1), 1, 0.0, 0.0, 0.0)
    advance(state, Asked(ints(19, 0), floats(2, 0)), rules, park, Turns(ints(4, 0)), 1)
