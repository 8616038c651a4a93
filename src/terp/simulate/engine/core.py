"""The simulation core: exact discrete events, compiled, the only mutable state in Terp.

Time is whole seconds.  An instant is handled whole: ends, then nodes going down or coming back, then priorities, then
arrivals, then one scheduling pass.  Nothing ticks.

Scheduling: first come, first served, or by priority, with EASY backfill on requested times.  Shadow time and spare nodes
are worked out anew in every full pass.  Jobs smaller than a node share nodes (best fit); larger ones take whole nodes.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

NEVER: Final = np.int64(2**62)

# Without `_nrt=False` numba counts references to each of State's arrays at every call: four times slower.  No kernel
# may allocate.  And a call hands over every array of State: what is called for every job is inlined.
kernel: Any = njit(cache=True, _nrt=False)  # type: ignore[call-overload]
inlined: Any = njit(cache=True, _nrt=False, forceinline=True)  # type: ignore[call-overload]

# How an attempt to run a job ended
DONE: Final = 0
NODE_FAILED: Final = 1
LIMIT_REACHED: Final = 2
STILL_RUNNING: Final = 3

# Kinds of node events
NODE_DOWN: Final = 0
NODE_BACK: Final = 1
NODE_DRAIN: Final = 2


class Jobs(NamedTuple):
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
    """

    submit_s: Any
    gpus: Any
    work_s: Any
    limit_s: Any
    checkpoint_s: Any
    restart_s: Any
    power_w: Any
    write_s: Any
    account: Any
    standing: Any


class Plant(NamedTuple):
    """The machine as the core sees it.  `base_w` is what is drawn whatever the nodes do."""

    nodes_count: int
    gpus_per_node: int
    idle_w: float
    down_w: float
    base_w: float


class NodeEvents(NamedTuple):
    """What happens to nodes, sorted by time.

    time_s    [s]  when
    node           which
    kind           NODE_DOWN, until as many NODE_BACK have come; NODE_DRAIN: takes no new jobs, and once empty goes down
    repair_s  [s]  of a drain: how long it is down then, before it comes back by itself; at least 1
    """

    time_s: Any
    node: Any
    kind: Any
    repair_s: Any


class Rules(NamedTuple):
    """In which order jobs start, and within which power.

    ranked             1: by priority, 0: by submission
    age_weight    [-]  of the wait, which counts as a share of max_age  [s]
    fair_weight   [-]  of fair share: the rank of the account by shares over usage, as Slurm's fair tree with one level
    half_life     [s]  of usage; 0: it never decays
    calc_period   [s]  priorities are worked out at its multiples while jobs wait; and of a job when it is submitted
    shares        [-]  by account
    cap_time_s    [s]  sorted times from which the machine may draw cap_w [W]; before the first there is no cap
    """

    ranked: Any
    age_weight: Any
    max_age: Any
    fair_weight: Any
    half_life: Any
    calc_period: Any
    shares: Any
    cap_time_s: Any
    cap_w: Any


def by_submission() -> Rules:
    """First come, first served, without a cap."""
    return Rules(0, 0.0, 1.0, 0.0, 0.0, 1, np.ones(1), np.zeros(0, np.int64), np.zeros(0))


def make_jobs(*columns: Any, write_s: Any = None, account: Any = None, standing: Any = None) -> Jobs:
    """Jobs of the first seven columns; what is not said is nought."""
    none = np.zeros(columns[0].size, np.int64)
    said = (write_s, account, none.astype(np.float64) if standing is None else standing)
    return Jobs._make([*columns, *(none if column is None else column for column in said)])


class State(NamedTuple):
    """Everything that changes while a run goes on, as arrays; `n` holds the counters."""

    n: Any  # counters, indexed by the constants below
    dynamic_w: Any  # one entry: power of all running jobs above idle
    free: Any  # free GPUs by node; -1 while the node is down
    with_free: Any  # number of nodes up by free GPUs
    bits: Any  # by free GPUs: which nodes, 32 a word
    words: Any  # by free GPUs: which of these words are not nought, 32 a word
    node_end: Any  # latest requested end on a node; 0 if idle, NEVER if it takes no jobs
    ends: Any  # such ends, sorted, and on how many nodes
    ends_nodes: Any
    outages: Any  # by node: times that it went down and did not come back
    drain: Any  # how long a node that takes no new jobs will be down once empty [s]; 0: it takes them
    serviced: Any  # whether a drained node is down
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
    queue_gpus: Any  # and their GPUs and requested times, side by side for the scan
    queue_limit: Any
    least_gpus: Any  # fewest GPUs in each block of the queue, or less
    queue_key: Any  # and their priorities
    sort_job: Any  # room for sorting
    sort_key: Any
    usage: Any  # by account: GPU seconds, decayed, as of a time
    usage_time: Any
    usage_gpus: Any  # and what its jobs hold
    level: Any  # shares over usage, and accounts by it
    ranking: Any
    fair: Any  # fair-share factor
    cap_w: Any  # one entry: the cap as it is now
    done_s: Any  # by job: work saved by checkpoints
    first_start_s: Any
    end_s: Any
    lost_s: Any  # time held that became no work: lost to failures, spent on resuming and on writing
    written_s: Any  # of which on writing checkpoints
    restarts: Any
    outcome: Any
    attempt_job: Any
    attempt_start: Any
    attempt_end: Any
    attempt_outcome: Any
    attempt_event: Any  # index of the node event that cut it short; -1 if none did
    attempt_nodes_from: Any
    attempt_nodes: Any
    row_time: Any
    row_counts: Any
    row_power: Any


# counters in State.n
HEAP, SLOTS, FRONT, BACK, WAITING, QUEUED_GPUS, BUSY, RUNNING, DOWN, ATTEMPTS, NODE_ENTRIES, ROWS = range(12)
FAILED_NODES, FULL, KNOWN, SHADOW, SPARE, HEAD_NODE, HEAD_SPARE, ARRIVED, EVENTS, ENDS = range(12, 22)
HEAD, DRAINING, NEXT_CALC, CAPS, REFUSED = range(22, 27)
COUNTERS: Final = 27

_BIT: Final = np.array([next((bit for bit in range(32) if 2**bit % 37 == rest), 0) for rest in range(37)])

BLOCK: Final = 5  # bits of a place in the queue within its block
GONE: Final = np.int64(2**62)  # GPUs of a queue entry whose job has started: more than will ever be free


@inlined
def _heap_push(s, time_s, serial, slot):
    at = s.n[HEAP]
    s.n[HEAP] += 1
    while at > 0:
        above = (at - 1) >> 1
        if s.heap_time[above] < time_s or (s.heap_time[above] == time_s and s.heap_serial[above] < serial):
            break
        s.heap_time[at], s.heap_serial[at], s.heap_slot[at] = s.heap_time[above], s.heap_serial[above], s.heap_slot[above]
        at = above
    s.heap_time[at], s.heap_serial[at], s.heap_slot[at] = time_s, serial, slot


@inlined
def _heap_pop(s):
    size = s.n[HEAP] - 1
    s.n[HEAP] = size
    time_s, serial, slot = s.heap_time[size], s.heap_serial[size], s.heap_slot[size]
    at, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            s.heap_time[other] < s.heap_time[child]
            or (s.heap_time[other] == s.heap_time[child] and s.heap_serial[other] < s.heap_serial[child])
        ):
            child = other
        if time_s < s.heap_time[child] or (time_s == s.heap_time[child] and serial < s.heap_serial[child]):
            break
        s.heap_time[at], s.heap_serial[at], s.heap_slot[at] = s.heap_time[child], s.heap_serial[child], s.heap_slot[child]
        at, child = child, 2 * child + 1
    s.heap_time[at], s.heap_serial[at], s.heap_slot[at] = time_s, serial, slot


@inlined
def _room(s, per_node):
    """The most GPUs that one job could get now: of all idle nodes, else of the node with most free."""
    if s.with_free[per_node] > 0:
        return s.with_free[per_node] * per_node
    for free in range(per_node - 1, 0, -1):
        if s.with_free[free] > 0:
            return free
    return 0


@inlined
def _set_free(s, node, free):
    """Note a node's free GPUs; -1 for a node that takes no jobs."""
    old, word, bit = s.free[node], node >> 5, 1 << (node & 31)
    s.free[node] = free
    if old >= 0:
        s.with_free[old] -= 1
        s.bits[old, word] &= ~bit
        if s.bits[old, word] == 0:
            s.words[old, word >> 5] &= ~(1 << (word & 31))
    if free >= 0:
        s.with_free[free] += 1
        s.bits[free, word] |= bit
        s.words[free, word >> 5] |= 1 << (word & 31)


@inlined
def _first_bit(word):
    """The lowest bit that is set: powers of two differ by their rest over 37."""
    return _BIT[(word & -word) % 37]


@inlined
def _next_node(s, free, node):
    """The lowest-numbered node from `node` on with so many free GPUs; -1 if none."""
    word = node >> 5
    if word >= s.bits.shape[1]:
        return -1
    left = s.bits[free, word] >> (node & 31) << (node & 31)
    if left != 0:
        return (word << 5) + _first_bit(left)
    word += 1
    group = word >> 5
    while group < s.words.shape[1]:
        left = s.words[free, group] >> (word & 31) << (word & 31)
        if left != 0:
            word = (group << 5) + _first_bit(left)
            return (word << 5) + _first_bit(s.bits[free, word])
        group += 1
        word = group << 5
    return -1


@inlined
def _add_end(s, end, nodes):
    """Note that so many nodes more, or fewer, are free by requested ends from `end` on."""
    low, high = 0, s.n[ENDS]
    while low < high:
        middle = (low + high) >> 1
        if s.ends[middle] < end:
            low = middle + 1
        else:
            high = middle
    if low < s.n[ENDS] and s.ends[low] == end:
        s.ends_nodes[low] += nodes
        if s.ends_nodes[low] == 0:
            s.n[ENDS] -= 1
            for at in range(low, s.n[ENDS]):
                s.ends[at] = s.ends[at + 1]
            for at in range(low, s.n[ENDS]):
                s.ends_nodes[at] = s.ends_nodes[at + 1]
        return
    for at in range(s.n[ENDS], low, -1):
        s.ends[at] = s.ends[at - 1]
    for at in range(s.n[ENDS], low, -1):
        s.ends_nodes[at] = s.ends_nodes[at - 1]
    s.ends[low], s.ends_nodes[low] = end, nodes
    s.n[ENDS] += 1


@inlined
def _set_end(s, node, end):
    """Note the latest requested end on a node that takes jobs."""
    old = s.node_end[node]
    if old != end:
        s.node_end[node] = end
        if old > 0:
            _add_end(s, old, -1)
        if end > 0:
            _add_end(s, end, 1)


@inlined
def _requested_end(s, node):
    """The latest requested end of the jobs on a node [s]; 0 if it is idle."""
    latest = np.int64(0)
    for gpu in range(s.owner.shape[1]):
        slot = s.owner[node, gpu]
        if slot >= 0 and s.slot_limit_end[slot] > latest:
            latest = s.slot_limit_end[slot]
    return latest


@inlined
def _choose_shared(s, gpus, after, skip):
    """Best-fit node for a share of a node, -1 if none; only nodes busy beyond `after`, and never node `skip`."""
    per_node = s.owner.shape[1]
    for free in range(gpus, per_node):
        if s.with_free[free] > 0:
            node = _next_node(s, free, 0)
            while node >= 0 and (s.node_end[node] <= after or node == skip):
                node = _next_node(s, free, node + 1)
            if node >= 0:
                return node
    if after < 0 and s.with_free[per_node] > 0:
        return _next_node(s, per_node, 0)
    return -1


@inlined
def _need_s(s, jobs, job):
    """Time until a job would end if it started now: resuming, what work is left, and a checkpoint between its pieces."""
    left = jobs.work_s[job] - s.done_s[job]
    writes = (left - 1) // jobs.checkpoint_s[job] if jobs.checkpoint_s[job] > 0 and left > 0 else 0
    return left + writes * jobs.write_s[job] + (jobs.restart_s[job] if s.done_s[job] > 0 else 0)


@inlined
def _start(s, jobs, rules, job, now, per_node, node):
    """Start a job now: on `node` if it shares one, else on the lowest-numbered idle nodes."""
    s.n[SLOTS] -= 1
    slot = s.free_slots[s.n[SLOTS]]
    attempt = s.n[ATTEMPTS]
    s.n[ATTEMPTS] += 1
    end = now + jobs.limit_s[job]
    s.slot_job[slot], s.slot_start[slot], s.slot_attempt[slot] = job, now, attempt
    s.slot_limit_end[slot] = end
    s.attempt_job[attempt], s.attempt_start[attempt], s.attempt_outcome[attempt] = job, now, STILL_RUNNING
    gpus, entry = jobs.gpus[job], s.n[NODE_ENTRIES]
    if gpus < per_node:
        left = gpus
        for gpu in range(per_node):
            if left > 0 and s.owner[node, gpu] < 0:
                s.owner[node, gpu] = slot
                left -= 1
        _set_free(s, node, s.free[node] - gpus)
        if end > s.node_end[node]:
            _set_end(s, node, end)
        s.attempt_nodes[entry] = node
        entry += 1
    else:
        idle = 0
        for _ in range(gpus // per_node):
            idle = _next_node(s, per_node, idle)
            s.owner[idle, :] = slot
            _set_free(s, idle, 0)
            s.node_end[idle] = end
            s.attempt_nodes[entry] = idle
            entry += 1
        _add_end(s, end, gpus // per_node)
    s.n[NODE_ENTRIES] = s.attempt_nodes_from[attempt + 1] = entry
    if s.first_start_s[job] < 0:
        s.first_start_s[job] = now
    s.n[WAITING] -= 1
    s.n[QUEUED_GPUS] -= gpus
    _heap_push(s, now + min(_need_s(s, jobs, job), jobs.limit_s[job]), attempt, slot)
    s.n[BUSY] += gpus
    s.n[RUNNING] += 1
    s.dynamic_w[0] += jobs.power_w[job]
    if rules.ranked:
        _charge(s, rules, jobs.account[job], now)
        s.usage_gpus[jobs.account[job]] += gpus


@inlined
def _release(s, jobs, rules, slot, now, outcome, event):
    """Take a running job off its nodes and close its attempt."""
    attempt, job = s.slot_attempt[slot], s.slot_job[slot]
    gpus, per_node, whole = jobs.gpus[job], s.owner.shape[1], 0
    for entry in range(s.attempt_nodes_from[attempt], s.attempt_nodes_from[attempt + 1]):
        node = s.attempt_nodes[entry]
        for gpu in range(per_node):
            if s.owner[node, gpu] == slot:
                s.owner[node, gpu] = -1
        if s.free[node] < 0:
            _settle(s, node, now)
        elif gpus < per_node:
            _set_free(s, node, s.free[node] + gpus)
            _set_end(s, node, _requested_end(s, node))
        else:
            _set_free(s, node, per_node)
            s.node_end[node] = 0
            whole += 1
    if whole > 0:
        _add_end(s, s.slot_limit_end[slot], -whole)
    s.attempt_end[attempt], s.attempt_outcome[attempt], s.attempt_event[attempt] = now, outcome, event
    s.slot_attempt[slot] = -1
    s.free_slots[s.n[SLOTS]] = slot
    s.n[SLOTS] += 1
    s.n[BUSY] -= gpus
    s.n[RUNNING] -= 1
    s.dynamic_w[0] -= jobs.power_w[job]
    if rules.ranked:
        _charge(s, rules, jobs.account[job], now)
        s.usage_gpus[jobs.account[job]] -= gpus


@inlined
def _written_s(jobs, job, ran):
    """Of the time after resuming that a job ran: how much went into checkpoints."""
    piece, write = jobs.checkpoint_s[job], jobs.write_s[job]
    if piece <= 0 or ran <= 0:
        return 0
    return ran // (piece + write) * write + max(ran % (piece + write) - piece, 0)


@inlined
def _finish(s, jobs, rules, slot, now):
    """A job reaches its end or its limit.  Time set up again after a failure, and time writing, count as lost."""
    job = s.slot_job[slot]
    restart = jobs.restart_s[job] if s.done_s[job] > 0 else 0
    ran = now - s.slot_start[slot]
    outcome = DONE if ran >= _need_s(s, jobs, job) else LIMIT_REACHED
    written = _written_s(jobs, job, ran - restart)
    s.lost_s[job] += min(restart, ran) + written
    s.written_s[job] += written
    s.end_s[job], s.outcome[job] = now, outcome
    _release(s, jobs, rules, slot, now, outcome, -1)


@kernel
def _settle(s, node, now):
    """A node that takes no new jobs goes down for its repair if it is empty."""
    if s.drain[node] == 0:
        return
    for gpu in range(s.owner.shape[1]):
        if s.owner[node, gpu] >= 0:
            return
    _heap_push(s, now + s.drain[node], 0, -1 - node)
    s.drain[node], s.serviced[node] = 0, 1
    s.n[DRAINING] -= 1
    s.n[DOWN] += s.outages[node] == 0


@kernel
def _drain_node(s, node, repair_s, now):
    """A node takes no new jobs from now on."""
    if s.serviced[node]:
        return
    s.n[DRAINING] += s.drain[node] == 0
    s.drain[node] = max(s.drain[node], repair_s, 1)
    if s.free[node] >= 0:
        _set_end(s, node, 0)
        _set_free(s, node, -1)
        s.node_end[node] = NEVER
    _settle(s, node, now)


@inlined
def _bring_up(s, node):
    """A node takes jobs again, unless something else keeps it down."""
    if s.outages[node] == 0 and not s.serviced[node]:
        s.n[DOWN] -= 1
        s.node_end[node] = 0
        _set_free(s, node, s.owner.shape[1])


@kernel
def _fail_node(s, jobs, rules, event, node, now):
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
            saved = (ran - restart) // (jobs.checkpoint_s[job] + jobs.write_s[job]) * jobs.checkpoint_s[job]
        s.written_s[job] += _written_s(jobs, job, ran - restart)
        s.done_s[job] += saved
        s.lost_s[job] += ran - saved
        s.restarts[job] += 1
        _release(s, jobs, rules, slot, now, NODE_FAILED, event)
        _enqueue(s, jobs, rules, job, now)
    if s.free[node] >= 0:
        _set_free(s, node, -1)
        s.node_end[node] = NEVER
        s.n[DOWN] += 1
    s.outages[node] += 1
    s.n[FAILED_NODES] += 1


@inlined
def _charge(s, rules, account, now):
    """Bring an account's usage to now: it grows by what its jobs hold, and decays."""
    gone = now - s.usage_time[account]
    if gone > 0:
        s.usage_time[account] = now
        if rules.half_life > 0:
            rate = math.log(2.0) / rules.half_life
            kept = math.exp(-rate * gone)
            s.usage[account] = s.usage[account] * kept + s.usage_gpus[account] * (1.0 - kept) / rate
        else:
            s.usage[account] += s.usage_gpus[account] * gone


@inlined
def _find_fair_share(s, rules, now):
    """Fair tree with one level: accounts by shares over usage; the factor is the rank from below over their number."""
    count = rules.shares.size
    for account in range(count):
        _charge(s, rules, account, now)
        used, shares = s.usage[account], rules.shares[account]
        s.level[account] = 0.0 if shares <= 0 else np.inf if used <= 0 else shares / used
    for place in range(1, count):
        account, at = s.ranking[place], place
        while at > 0 and s.level[s.ranking[at - 1]] < s.level[account]:
            s.ranking[at] = s.ranking[at - 1]
            at -= 1
        s.ranking[at] = account
    ahead = 0
    for place in range(count):
        if place > 0 and s.level[s.ranking[place]] != s.level[s.ranking[place - 1]]:
            ahead = place
        s.fair[s.ranking[place]] = (count - ahead) / count


@inlined
def _priority(s, jobs, rules, job, now):
    age = min(1.0, (now - jobs.submit_s[job]) / rules.max_age)
    return rules.age_weight * age + rules.fair_weight * s.fair[jobs.account[job]] + jobs.standing[job]


@kernel
def _order_anew(s, jobs, rules, now):
    """Work out fair share and all waiting jobs' priorities, and sort the queue by them."""
    _find_fair_share(s, rules, now)
    _close_gaps(s, rules)
    first, back = s.n[FRONT], s.n[BACK]
    for at in range(first, back):
        s.queue_key[at] = _priority(s, jobs, rules, s.queue[at], now)
    merged = True
    while merged:  # runs that are in order are merged by pairs until there is one
        merged, low = False, first
        while low < back:
            middle = _run_end(s, low, back)
            if middle == back:
                break
            high = _run_end(s, middle, back)
            _merge(s, low, middle, high)
            merged, low = True, high
    for at in range(first, back):
        s.queue_gpus[at], s.queue_limit[at] = jobs.gpus[s.queue[at]], jobs.limit_s[s.queue[at]]
    _find_least(s, first, back)
    s.n[NEXT_CALC] = (now // rules.calc_period + 1) * rules.calc_period
    s.n[FULL] = 1


@inlined
def _run_end(s, at, back):
    """Where the run of entries in order ends that begins at a place."""
    at += 1
    while at < back:
        a, b = s.queue_key[at - 1], s.queue_key[at]
        if a < b or (a == b and s.queue[at - 1] > s.queue[at]):
            break
        at += 1
    return min(at, back)


@inlined
def _merge(s, low, middle, high):
    """Merge two runs of the queue that stand side by side."""
    for at in range(low, middle):
        s.sort_job[at - low], s.sort_key[at - low] = s.queue[at], s.queue_key[at]
    left, right, to = 0, middle, low
    while left < middle - low:
        a = s.sort_key[left]
        if right < high and (a < s.queue_key[right] or (a == s.queue_key[right] and s.sort_job[left] > s.queue[right])):
            s.queue[to], s.queue_key[to] = s.queue[right], s.queue_key[right]
            right += 1
        else:
            s.queue[to], s.queue_key[to] = s.sort_job[left], a
            left += 1
        to += 1


@inlined
def _find_least(s, first, back):
    """Work out the fewest GPUs in each block of the queue that has one of these places."""
    for block in range(first >> BLOCK, (back >> BLOCK) + 1):
        least = GONE
        for at in range(block << BLOCK, min((block + 1) << BLOCK, s.n[BACK])):
            least = min(least, s.queue_gpus[at])
        s.least_gpus[block] = least


@inlined
def _move(s, at, to):
    s.queue[to], s.queue_gpus[to], s.queue_limit[to] = s.queue[at], s.queue_gpus[at], s.queue_limit[at]


@inlined
def _leave(s, at):
    """Take an entry out of the queue; its place stays as a gap."""
    gpus = s.queue_gpus[at]
    s.queue_gpus[at] = GONE
    if gpus == s.least_gpus[at >> BLOCK]:
        _find_least(s, at, at)


@inlined
def _enqueue(s, jobs, rules, job, now):
    """Put a job in the queue at its place by priority or submission.  Gives that place."""
    at, back, key = s.n[BACK], s.n[BACK], 0.0
    if rules.ranked:
        key = _priority(s, jobs, rules, job, now)
        while at > s.n[FRONT] and (s.queue_key[at - 1] < key or (s.queue_key[at - 1] == key and s.queue[at - 1] > job)):
            _move(s, at - 1, at)
            s.queue_key[at] = s.queue_key[at - 1]
            at -= 1
        s.queue_key[at] = key
    else:
        while at > s.n[FRONT] and s.queue[at - 1] > job:
            _move(s, at - 1, at)
            at -= 1
    s.queue[at], s.queue_gpus[at], s.queue_limit[at] = job, jobs.gpus[job], jobs.limit_s[job]
    s.n[BACK] += 1
    s.n[WAITING] += 1
    s.n[QUEUED_GPUS] += jobs.gpus[job]
    if at < back:
        _find_least(s, at, back)
    else:  # of a new block, least so far is GONE
        s.least_gpus[at >> BLOCK] = min(s.least_gpus[at >> BLOCK], jobs.gpus[job])
    return at


@kernel
def _find_shadow(s, gpus, per_node):
    """When the first waiting job can start by requested times, and what it leaves unused then.

    Whole nodes: SHADOW is the time, SPARE the nodes free by then beyond its need.
    A share of a node: SHADOW, the node (HEAD_NODE), and the GPUs it leaves there (HEAD_SPARE).
    REFUSED: shares from so many GPUs on found no room beyond the shadow time, and will find none until a job ends.
    """
    s.n[KNOWN], s.n[REFUSED] = 1, per_node
    s.n[HEAD_NODE] = -1
    s.n[SHADOW], s.n[SPARE] = NEVER, s.free.size
    if gpus >= per_node:
        short, at = gpus // per_node - s.with_free[per_node], 0
        while at < s.n[ENDS] and short > 0:
            short -= s.ends_nodes[at]
            at += 1
        if short <= 0:
            s.n[SHADOW], s.n[SPARE] = s.ends[at - 1], -short
        return
    for node in range(s.free.size):
        if s.free[node] >= 0:
            time_s, free = _when_free(s, node, gpus)
            if time_s < s.n[SHADOW]:
                s.n[SHADOW], s.n[HEAD_NODE], s.n[HEAD_SPARE] = time_s, node, free - gpus


@inlined
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


@inlined
def _affordable(s, jobs, plant, job):
    """Whether a job may start within the machine's cap of power."""
    if s.cap_w[0] == np.inf:
        return True
    down = s.n[DOWN]
    idle_w = plant.base_w + (plant.nodes_count - down) * plant.idle_w + down * plant.down_w
    return idle_w + s.dynamic_w[0] + jobs.power_w[job] <= s.cap_w[0]


@inlined
def _backfill(s, jobs, plant, rules, job, now, per_node):
    """Start a waiting job that fits behind a blocked head, unless that could delay the head.  True if it started."""
    if not _affordable(s, jobs, plant, job):
        return False
    if not s.n[KNOWN]:
        _find_shadow(s, s.queue_gpus[s.n[HEAD]], per_node)
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
        s.n[REFUSED] = min(s.n[REFUSED], gpus)
        return False
    _start(s, jobs, rules, job, now, per_node, node)
    return True


@inlined
def _start_heads(s, jobs, plant, rules, now, per_node):
    """Start waiting jobs in order until one does not fit, the head; one that only power keeps back is passed over."""
    at = s.n[FRONT]
    while at < s.n[BACK]:
        gpus, job, node = s.queue_gpus[at], s.queue[at], -1
        if gpus != GONE:
            if gpus < per_node:
                node = _choose_shared(s, gpus, -1, -1)
                if node < 0:
                    break
            elif s.with_free[per_node] * per_node < gpus:
                break
            if _affordable(s, jobs, plant, job):
                _start(s, jobs, rules, job, now, per_node, node)
                _leave(s, at)
        if s.n[FRONT] == at and s.queue_gpus[at] == GONE:
            s.n[FRONT] += 1
        at += 1
    s.n[HEAD] = at


@inlined
def _worth_a_look(s, gpus, limit_s, now, room, per_node):
    """Whether a waiting job could start behind the head, by what is known without looking at nodes."""
    if gpus > room:
        return False
    late = now + limit_s > s.n[SHADOW]
    return not (s.n[KNOWN] and late and gpus >= (s.n[REFUSED] if gpus < per_node else s.n[SPARE] * per_node + 1))


@inlined
def _schedule(s, jobs, plant, rules, now, per_node, first):
    """One scheduling pass.  After arrivals alone only what stands from `first` on needs a look.

    What stood there before was refused with as much free.
    """
    if s.n[FULL] or first <= s.n[HEAD]:
        _start_heads(s, jobs, plant, rules, now, per_node)
        s.n[FULL] = s.n[FRONT] < s.n[HEAD]  # one that power kept back may be the head by now
        s.n[KNOWN] = 0
        first = s.n[HEAD] + 1
    at, back, room = first, s.n[BACK], _room(s, per_node)
    while at < back and room > 0:
        stop = min(((at >> BLOCK) + 1) << BLOCK, back)
        if s.least_gpus[at >> BLOCK] > room:
            at = stop
        while at < stop and not _worth_a_look(s, s.queue_gpus[at], s.queue_limit[at], now, room, per_node):
            at += 1
        if at < stop:
            if _backfill(s, jobs, plant, rules, s.queue[at], now, per_node):
                _leave(s, at)
                room = _room(s, per_node)
            at += 1
    if s.n[BACK] - s.n[FRONT] > 2 * s.n[WAITING] + 64:
        _close_gaps(s, rules)


@inlined
def _close_gaps(s, rules):
    """Take out of the queue the entries whose jobs have started."""
    kept, head, back = s.n[FRONT], s.n[HEAD], s.n[BACK]
    for at in range(s.n[FRONT], back):
        if at == head:
            s.n[HEAD] = kept
        if s.queue_gpus[at] != GONE:
            _move(s, at, kept)
            if rules.ranked:
                s.queue_key[kept] = s.queue_key[at]
            kept += 1
    if head >= back:
        s.n[HEAD] = kept
    s.n[BACK] = kept
    _find_least(s, s.n[FRONT], back)


@inlined
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
    s.row_counts[row, 5] = s.n[DRAINING]
    s.n[ROWS] = row + 1


@inlined
def _end_jobs(s, jobs, rules, now):
    """Finish every job whose time has come, and bring back drained nodes.

    Ends of attempts that a failure cut short are passed over.
    """
    while s.n[HEAP] > 0 and s.heap_time[0] == now:
        slot, attempt = s.heap_slot[0], s.heap_serial[0]
        _heap_pop(s)
        if slot < 0:
            s.serviced[-1 - slot] = 0
            _bring_up(s, -1 - slot)
            s.n[FULL] = 1
        elif s.slot_attempt[slot] == attempt:
            _finish(s, jobs, rules, slot, now)
            s.n[FULL] = 1


@inlined
def _turn_nodes(s, jobs, rules, events, now):
    """Take nodes down, bring them back, and drain them."""
    while s.n[EVENTS] < events.time_s.size and events.time_s[s.n[EVENTS]] == now:
        event = s.n[EVENTS]
        node, kind = events.node[event], events.kind[event]
        if kind == NODE_DOWN:
            _fail_node(s, jobs, rules, event, node, now)
        elif kind == NODE_DRAIN:
            _drain_node(s, node, events.repair_s[event], now)
        elif s.outages[node] > 0:
            s.outages[node] -= 1
            _bring_up(s, node)
        s.n[FULL] = 1
        s.n[EVENTS] += 1


@inlined
def _next_instant(s, jobs, events, rules):
    """When something happens next [s]; NEVER if nothing does."""
    now = s.heap_time[0] if s.n[HEAP] > 0 else NEVER
    if s.n[ARRIVED] < jobs.submit_s.size:
        now = min(now, jobs.submit_s[s.n[ARRIVED]])
    if s.n[EVENTS] < events.time_s.size:
        now = min(now, events.time_s[s.n[EVENTS]])
    if s.n[CAPS] < rules.cap_time_s.size:
        now = min(now, rules.cap_time_s[s.n[CAPS]])
    if rules.ranked and s.n[WAITING] > 0:
        now = min(now, s.n[NEXT_CALC])
    return now


@kernel
def advance(s, jobs, plant, events, rules, until_s):
    """Go on with a run up to, not including, `until_s` [s].  May be called again with a later time."""
    per_node, count = plant.gpus_per_node, jobs.submit_s.size
    while True:
        now = _next_instant(s, jobs, events, rules)
        if now >= until_s:
            return
        quiet = s.n[HEAP] == 0 or s.heap_time[0] > now
        before = s.n[ARRIVED] + s.n[EVENTS] + s.n[CAPS] + s.n[ATTEMPTS]
        _end_jobs(s, jobs, rules, now)
        _turn_nodes(s, jobs, rules, events, now)
        while s.n[CAPS] < rules.cap_time_s.size and rules.cap_time_s[s.n[CAPS]] == now:
            s.cap_w[0] = rules.cap_w[s.n[CAPS]]
            s.n[CAPS] += 1
            s.n[FULL] = 1
        arrives = s.n[ARRIVED] < count and jobs.submit_s[s.n[ARRIVED]] == now
        if rules.ranked and now >= s.n[NEXT_CALC] and (s.n[WAITING] > 0 or arrives):
            _order_anew(s, jobs, rules, now)
        first = s.n[BACK]
        while s.n[ARRIVED] < count and jobs.submit_s[s.n[ARRIVED]] == now:
            first = min(first, _enqueue(s, jobs, rules, s.n[ARRIVED], now))
            s.n[ARRIVED] += 1
        if s.n[WAITING] > 0:
            _schedule(s, jobs, plant, rules, now, per_node, first)
        if not quiet or s.n[ARRIVED] + s.n[EVENTS] + s.n[CAPS] + s.n[ATTEMPTS] != before:
            _note(s, plant, now)


def new_state(jobs: Jobs, plant: Plant, events: NodeEvents, rules: Rules) -> State:
    """An empty machine with room for everything that can happen in a run."""
    count, nodes, per_node = jobs.submit_s.size, plant.nodes_count, plant.gpus_per_node
    failures, drains = int((events.kind == NODE_DOWN).sum()), int((events.kind == NODE_DRAIN).sum())
    slots, words, accounts = nodes * per_node, nodes // 32 + 1, rules.shares.size
    attempts = count + failures * per_node
    job_nodes = np.maximum(jobs.gpus // per_node, 1)
    widest = int(job_nodes.max(initial=1))
    heap = slots + attempts - count + drains + 1
    rows = count + attempts + events.time_s.size + drains + rules.cap_time_s.size + 2 + rules.ranked * attempts
    queued = attempts + 1
    free_counts = np.zeros(per_node + 1, np.int64)
    free_counts[per_node] = nodes
    n = np.zeros(COUNTERS, np.int64)
    n[SLOTS], n[FULL], n[HEAD_NODE], n[ROWS] = slots, 1, -1, 1
    row_power = np.zeros(rows)
    row_power[0] = plant.base_w + nodes * plant.idle_w
    bits = np.zeros((per_node + 1, words), np.int64)
    bits[per_node] = [(1 << min(max(nodes - 32 * word, 0), 32)) - 1 for word in range(words)]
    groups = np.zeros((per_node + 1, words // 32 + 1), np.int64)
    for word in np.flatnonzero(bits[per_node]).tolist():
        groups[per_node, word >> 5] |= 1 << (word & 31)

    def ints(*shape: int) -> Any:
        return np.zeros(shape, np.int64)

    def small(*shape: int) -> Any:
        return np.zeros(shape, np.int32)

    return State(
        n=n, dynamic_w=np.zeros(1), free=np.full(nodes, per_node, np.int64), with_free=free_counts, bits=bits, words=groups,
        node_end=ints(nodes), ends=ints(nodes + 2), ends_nodes=ints(nodes + 2), outages=small(nodes), drain=ints(nodes),
        serviced=small(nodes), owner=np.full((nodes, per_node), -1, np.int32), heap_time=ints(heap),
        heap_serial=ints(heap), heap_slot=ints(heap),
        slot_job=ints(slots), slot_start=ints(slots), slot_limit_end=ints(slots),
        slot_attempt=np.full(slots, -1, np.int64), free_slots=np.arange(slots - 1, -1, -1, dtype=np.int64),
        queue=small(queued), queue_gpus=ints(queued), queue_limit=ints(queued),
        least_gpus=np.full((queued >> BLOCK) + 2, GONE), queue_key=np.zeros(queued if rules.ranked else 1),
        sort_job=small(queued if rules.ranked else 1), sort_key=np.zeros(queued if rules.ranked else 1),
        usage=np.zeros(accounts), usage_time=ints(accounts), usage_gpus=ints(accounts), level=np.zeros(accounts),
        ranking=np.arange(accounts), fair=np.ones(accounts), cap_w=np.full(1, np.inf), done_s=ints(count),
        first_start_s=np.full(count, -1, np.int64), end_s=np.full(count, -1, np.int64), lost_s=ints(count),
        written_s=ints(count), restarts=ints(count), outcome=np.full(count, STILL_RUNNING, np.int64),
        attempt_job=ints(attempts), attempt_start=ints(attempts),
        attempt_end=np.full(attempts, -1, np.int64), attempt_outcome=ints(attempts),
        attempt_event=np.full(attempts, -1, np.int32), attempt_nodes_from=ints(attempts + 1),
        attempt_nodes=small(int(job_nodes.sum()) + failures * max(per_node, widest)),
        row_time=ints(rows), row_counts=small(rows, 6), row_power=row_power,
    )  # fmt: skip


def close(s: State, horizon_s: int) -> None:
    """End the run: what still runs is cut at the horizon [s]."""
    running = s.slot_attempt[s.slot_attempt >= 0]
    s.attempt_end[running] = horizon_s


def warm_up() -> None:
    """Runs one job on one node, which has the kernels compiled with the types that every run has."""
    one = np.ones(1, np.int64)
    jobs = make_jobs(np.zeros(1, np.int64), one, one, one, one, one, np.ones(1))
    plant, events, rules = Plant(1, 1, 1.0, 1.0, 1.0), NodeEvents(*[one[:0]] * 4), by_submission()
    advance(new_state(jobs, plant, events, rules), jobs, plant, events, rules, 1)
