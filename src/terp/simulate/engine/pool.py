"""The flat pool: jobs of so many units out of so many, compiled, for millions of jobs a second.

No nodes, no failures: what schedulers are compared by.  Time is whole seconds.  An instant is handled whole: ends, then
arrivals, then one scheduling pass.  `schedule.py` is the way in.

Running jobs are kept twice: by true end in a heap, by requested end in a sorted list, of which shadow time and plan are
read.  The queue is an array with gaps; the fewest units in each block of it let a pass skip what does not fit.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

NEVER: Final = np.int64(2**62)
GONE: Final = np.int32(2**31 - 1)  # units of a queue entry whose job has started: more than will ever be free
BITS: Final = 4  # of a place in the queue within its block

NONE, EASY, CONSERVATIVE = range(3)

# See core.py: no kernel may allocate.  A call hands over every array of State, which costs more than what is done with
# them: inlined, all this is two and a half times as fast.
kernel: Any = njit(cache=True, _nrt=False)  # type: ignore[call-overload]
inlined: Any = njit(cache=True, _nrt=False, forceinline=True)  # type: ignore[call-overload]


class Jobs(NamedTuple):
    """The jobs, sorted by submission; one entry a job.

    submit_s  [s]  whole seconds, not falling;  units  [-]  at least 1 and at most the pool
    run_s     [s]  how long it runs, cut at its limit;  limit_s  [s]  requested time
    rank           jobs of lower rank stand before others; one entry for all: by submission alone
    """

    submit_s: Any
    units: Any
    run_s: Any
    limit_s: Any
    rank: Any


class Policy(NamedTuple):
    """What may overtake: NONE, EASY or CONSERVATIVE, this one over the first `depth` waiting jobs of a pass.

    resolution  [s]  planned ends are rounded up to its multiples
    """

    backfill: Any
    depth: Any
    resolution: Any


class State(NamedTuple):
    """Everything that changes; `n` holds the counters."""

    n: Any
    start_s: Any
    heap_end: Any  # running jobs by true end
    heap_job: Any
    requested_end: Any  # running jobs by requested end
    held: Any
    queue: Any  # waiting jobs in order
    queue_units: Any
    queue_limit: Any
    block_least: Any  # fewest units by block of the queue
    plan_time: Any  # units free from each time on, by requested ends and by what is planned so far
    plan_free: Any


# counters in State.n
FREE, RUNNING, FRONT, BACK, WAITING, ARRIVED, FULL, KNOWN, SHADOW, SPARE = range(10)
STEPS, PLANNED, PLANNED_WAIT, LEAST_FREE, MOST_RUNNING, MOST_WAITING, PASSES = range(10, 17)


@inlined
def _run(s, jobs, job, now):
    """Start a job: its units, its true end in the heap, its requested end in the list."""
    units = jobs.units[job]
    s.start_s[job] = now
    s.n[FREE] -= units
    s.n[WAITING] -= 1
    running = s.n[RUNNING]
    s.n[RUNNING] = running + 1
    end, at = now + jobs.run_s[job], running
    while at > 0 and s.heap_end[(at - 1) >> 1] > end:
        s.heap_end[at], s.heap_job[at] = s.heap_end[(at - 1) >> 1], s.heap_job[(at - 1) >> 1]
        at = (at - 1) >> 1
    s.heap_end[at], s.heap_job[at] = end, job
    end, at = now + jobs.limit_s[job], running
    while at > 0 and s.requested_end[at - 1] > end:
        s.requested_end[at], s.held[at] = s.requested_end[at - 1], s.held[at - 1]
        at -= 1
    s.requested_end[at], s.held[at] = end, units


@inlined
def _end_first(s, jobs):
    """End the job that is due: off the heap, and off the list, where of like ends and units any will do."""
    job = s.heap_job[0]
    units, end = jobs.units[job], s.start_s[job] + jobs.limit_s[job]
    s.n[FREE] += units
    size = s.n[RUNNING] - 1
    s.n[RUNNING] = size
    last_end, last_job, at, child = s.heap_end[size], s.heap_job[size], 0, 1
    while child < size:
        if child + 1 < size and s.heap_end[child + 1] < s.heap_end[child]:
            child += 1
        if s.heap_end[child] >= last_end:
            break
        s.heap_end[at], s.heap_job[at] = s.heap_end[child], s.heap_job[child]
        at, child = child, 2 * child + 1
    s.heap_end[at], s.heap_job[at] = last_end, last_job
    low, high = 0, size
    while low < high:
        middle = (low + high) >> 1
        if s.requested_end[middle] < end:
            low = middle + 1
        else:
            high = middle
    while s.held[low] != units:
        low += 1
    for at in range(low, size):
        s.requested_end[at] = s.requested_end[at + 1]
    for at in range(low, size):
        s.held[at] = s.held[at + 1]


@inlined
def _find_least(s, block):
    """Work out the fewest units in a block of the queue."""
    least = GONE
    for at in range(block << BITS, min((block + 1) << BITS, s.n[BACK])):
        least = min(least, s.queue_units[at])
    s.block_least[block] = least


@inlined
def _move(s, at, to):
    s.queue[to], s.queue_units[to], s.queue_limit[to] = s.queue[at], s.queue_units[at], s.queue_limit[at]


@inlined
def _leave(s, at):
    """Take an entry out of the queue; its place stays as a gap."""
    units, block = s.queue_units[at], at >> BITS
    s.queue_units[at] = GONE
    if units == s.block_least[block]:
        _find_least(s, block)


@inlined
def _join(s, jobs, job):
    """Put an arrived job in the queue at its rank.  Gives its place there."""
    at, back, units = s.n[BACK], s.n[BACK], jobs.units[job]
    s.n[BACK] += 1
    s.n[WAITING] += 1
    if jobs.rank.size > 1:
        while at > s.n[FRONT] and jobs.rank[s.queue[at - 1]] > jobs.rank[job]:
            _move(s, at - 1, at)
            at -= 1
    s.queue[at], s.queue_units[at], s.queue_limit[at] = job, units, jobs.limit_s[job]
    if at < back:
        for block in range(at >> BITS, (back >> BITS) + 1):
            _find_least(s, block)
    else:  # of a new block, fewest so far is GONE
        s.block_least[at >> BITS] = min(s.block_least[at >> BITS], units)
    return at


@inlined
def _close_gaps(s):
    """Take the gaps out of the queue."""
    kept = first = s.n[FRONT]
    back, planned = s.n[BACK], s.n[PLANNED]
    for at in range(first, back):
        if at == planned:
            s.n[PLANNED] = kept
        if s.queue_units[at] != GONE:
            _move(s, at, kept)
            kept += 1
    if planned >= back:
        s.n[PLANNED] = kept
    s.n[BACK] = kept
    for block in range(first >> BITS, (back >> BITS) + 1):
        _find_least(s, block)


@inlined
def _start_heads(s, jobs, now):
    """Start waiting jobs in order until one does not fit."""
    at = s.n[FRONT]
    while at < s.n[BACK] and (s.queue_units[at] <= s.n[FREE] or s.queue_units[at] == GONE):
        if s.queue_units[at] != GONE:
            _run(s, jobs, s.queue[at], now)
            _leave(s, at)
        at += 1
    s.n[FRONT] = at


@inlined
def _find_shadow(s, units):
    """When the first waiting job can start by requested ends, and what it leaves unused then."""
    free, at = s.n[FREE], 0
    while free < units:
        free += s.held[at]
        at += 1
    shadow = s.requested_end[at - 1]
    while at < s.n[RUNNING] and s.requested_end[at] == shadow:
        free += s.held[at]
        at += 1
    s.n[SHADOW], s.n[SPARE], s.n[KNOWN] = shadow, free - units, 1


@inlined
def _easy(s, jobs, now, first):
    """Start what does not delay the first waiting job, from a place in the queue on."""
    at, back, free = first, s.n[BACK], s.n[FREE]
    while at < back and s.block_least[at >> BITS] > free:
        at = ((at >> BITS) + 1) << BITS
    if at >= back:
        return
    if not s.n[KNOWN]:
        _find_shadow(s, s.queue_units[s.n[FRONT]])
    window, spare = s.n[SHADOW] - now, s.n[SPARE]
    while at < back:
        stop = min(((at >> BITS) + 1) << BITS, back)
        if s.block_least[at >> BITS] > free:
            at = stop
        while at < stop:
            units, limit_s = s.queue_units[at], s.queue_limit[at]
            if (units <= free) & ((limit_s <= window) | (units <= spare)):  # no branch for each: few entries pass
                _run(s, jobs, s.queue[at], now)
                _leave(s, at)
                free -= units
                if limit_s > window:
                    spare -= units
            at += 1
    s.n[SPARE] = spare


@inlined
def _plan_anew(s, policy, now):
    """Begin a plan: what will be free by the requested ends of what runs."""
    free, step = s.n[FREE], 0
    s.plan_time[0], s.plan_free[0] = now, free
    for at in range(s.n[RUNNING]):
        time_s = -(-s.requested_end[at] // policy.resolution) * policy.resolution  # rounded up
        free += s.held[at]
        if time_s > s.plan_time[step]:
            step += 1
            s.plan_time[step] = time_s
        s.plan_free[step] = free
    s.n[STEPS], s.n[PLANNED], s.n[PLANNED_WAIT] = step + 1, s.n[FRONT], 0


@inlined
def _earliest(s, units, limit_s):
    """The first step of the plan from which on `units` stay free for long enough."""
    steps, first, at = s.n[STEPS], 0, 0
    while True:
        while s.plan_free[first] < units:
            first += 1
        end, at = s.plan_time[first] + limit_s, first + 1
        while at < steps and s.plan_time[at] < end and s.plan_free[at] >= units:
            at += 1
        if at == steps or s.plan_time[at] >= end:
            return first
        first = at + 1


@inlined
def _promise(s, units, first, end):
    """Keep `units` from a step of the plan on until `end`."""
    steps, at = s.n[STEPS], first + 1
    while at < steps and s.plan_time[at] < end:
        s.plan_free[at] -= units
        at += 1
    s.plan_free[first] -= units
    if at == steps or s.plan_time[at] > end:
        for step in range(steps, at, -1):
            s.plan_time[step], s.plan_free[step] = s.plan_time[step - 1], s.plan_free[step - 1]
        s.plan_time[at], s.plan_free[at] = end, s.plan_free[at - 1] + units
        s.n[STEPS] = steps + 1


@inlined
def _last_to_try(s, depth):
    """The last entry within the depth that fits what is free, so that planning beyond it starts nothing; -1 if none."""
    last, left, at = -1, depth - s.n[PLANNED_WAIT], s.n[PLANNED]
    while at < s.n[BACK] and left > 0:
        if s.queue_units[at] != GONE:
            left -= 1
            if s.queue_units[at] <= s.n[FREE]:
                last = at
        at += 1
    return last


@inlined
def _conservative(s, jobs, policy, now):
    """Plan the first waiting jobs in order, each as early as those before it allow, and start what may start now.

    An arrival changes nothing of what is planned, so the plan is kept until a job ends.
    """
    if s.n[FULL]:
        s.n[PLANNED], s.n[PLANNED_WAIT] = s.n[FRONT], 0
    last = _last_to_try(s, policy.depth)
    if last < 0:
        return
    if s.n[FULL]:
        _plan_anew(s, policy, now)
        s.n[FULL] = 0
    s.plan_time[0] = now
    at = s.n[PLANNED]
    while at <= last:
        units = s.queue_units[at]
        if units != GONE:
            job = s.queue[at]
            first = _earliest(s, units, jobs.limit_s[job])
            end = s.plan_time[first] + jobs.limit_s[job]
            _promise(s, units, first, -(-end // policy.resolution) * policy.resolution)
            if first == 0:
                _run(s, jobs, job, now)
                _leave(s, at)
                while last > at and s.queue_units[last] > s.n[FREE]:
                    last -= 1
            else:
                s.n[PLANNED_WAIT] += 1
        at += 1
    s.n[PLANNED] = at


@inlined
def _pass(s, jobs, policy, now, first):
    """One scheduling pass.  After arrivals alone only what stands from `first` on needs a look."""
    s.n[PASSES] += 1
    if policy.backfill == CONSERVATIVE:
        _conservative(s, jobs, policy, now)
        while s.n[FRONT] < s.n[BACK] and s.queue_units[s.n[FRONT]] == GONE:
            s.n[FRONT] += 1
        s.n[PLANNED] = max(s.n[PLANNED], s.n[FRONT])
    else:
        if s.n[FULL] or first <= s.n[FRONT]:
            _start_heads(s, jobs, now)
            s.n[FULL] = s.n[KNOWN] = 0
            first = s.n[FRONT] + 1
        if policy.backfill == EASY:
            _easy(s, jobs, now, first)
    if s.n[BACK] - s.n[FRONT] > 2 * s.n[WAITING] + 8:
        _close_gaps(s)
    s.n[LEAST_FREE] = min(s.n[LEAST_FREE], s.n[FREE])
    s.n[MOST_RUNNING] = max(s.n[MOST_RUNNING], s.n[RUNNING])
    s.n[MOST_WAITING] = max(s.n[MOST_WAITING], s.n[WAITING])


@kernel
def advance(s, jobs, policy):
    """Run all jobs to their end."""
    count = jobs.submit_s.size
    while s.n[RUNNING] > 0 or s.n[ARRIVED] < count:
        now = s.heap_end[0] if s.n[RUNNING] > 0 else NEVER
        if s.n[ARRIVED] < count:
            now = min(now, jobs.submit_s[s.n[ARRIVED]])
        while s.n[RUNNING] > 0 and s.heap_end[0] == now:
            _end_first(s, jobs)
            s.n[FULL] = 1
        first = s.n[BACK]
        while s.n[ARRIVED] < count and jobs.submit_s[s.n[ARRIVED]] == now:
            first = min(first, _join(s, jobs, s.n[ARRIVED]))
            s.n[ARRIVED] += 1
        if s.n[WAITING] > 0:
            if first < s.n[PLANNED]:
                s.n[FULL] = 1
            _pass(s, jobs, policy, now, first)


def new_state(jobs: Jobs, units: int, depth: int) -> State:
    """An empty pool of so many units."""
    count = jobs.submit_s.size
    most = min(count, units) + 1  # running at once
    n = np.zeros(PASSES + 1, np.int64)
    n[FREE], n[LEAST_FREE], n[FULL] = units, units, 1
    steps = most + min(count, depth) + most + 2
    return State(
        n=n, start_s=np.full(count, -1, np.int64), heap_end=np.zeros(most, np.int64), heap_job=np.zeros(most, np.int32),
        requested_end=np.zeros(most, np.int64), held=np.zeros(most, np.int32), queue=np.zeros(count + 1, np.int32),
        queue_units=np.full(count + 1, GONE, np.int32), queue_limit=np.zeros(count + 1, np.int64),
        block_least=np.full((count >> BITS) + 2, GONE, np.int32),
        plan_time=np.zeros(steps, np.int64), plan_free=np.zeros(steps, np.int64),
    )  # fmt: skip


def warm_up() -> None:
    """Runs one job, which has the kernels compiled with the types that every run has."""
    one = np.ones(1, np.int64)
    jobs = Jobs(one, one.astype(np.int32), one, one, np.zeros(1))
    advance(new_state(jobs, 1, 1), jobs, Policy(EASY, 1, 1))
