"""The flat pool: jobs of so many units out of so many, compiled, for millions of jobs a second.

No nodes, no failures: what schedulers are compared by.  Time is whole seconds.  An instant is handled whole: ends, then
arrivals, then one scheduling pass.  `pool_schedule.py` is the way in.

s  the state, a PoolState;  jobs  PoolJobs;  policy  a PoolPolicy;  now  [s]

The rules are those of the core without nodes, power and priorities, so any units that are free are as good as others: a
count
of free units stands for all of them.
"""

import numpy as np

from terp.simulate.engine.pool.pool_plan import pass_conservative
from terp.simulate.engine.pool.pool_queue import close_pool_gaps, end_first, join_pool_queue, leave_pool_queue, run_job
from terp.simulate.engine.pool.pool_state import GONE_UNITS, POOL_BLOCK_BITS, PoolCount, PoolJobs, PoolPolicy, new_pool_state
from terp.simulate.engine.shared.codes import NEVER, BackfillKind
from terp.simulate.engine.shared.kernel_options import inlined, kernel


@inlined
def _start_fitting(s, jobs, now):
    """Start waiting jobs in order until one does not fit.

    Afterwards PoolCount.FRONT is the place of the first that does not fit, or PoolCount.BACK.
    """
    at = s.n[PoolCount.FRONT]
    while at < s.n[PoolCount.BACK] and (s.queue_units[at] <= s.n[PoolCount.FREE] or s.queue_units[at] == GONE_UNITS):
        if s.queue_units[at] != GONE_UNITS:
            run_job(s, jobs, s.queue[at], now)
            leave_pool_queue(s, at)
        at += 1
    s.n[PoolCount.FRONT] = at


@inlined
def _pool_shadow(s, units):
    """When the first waiting job can start by requested ends, and what it leaves unused then.

    Writes PoolCount.SHADOW [s] and PoolCount.SPARE, units.  All ends at the shadow time count, as they free units together.
    The head's units are at most the pool, so the sum gets there.
    """
    free, at = s.n[PoolCount.FREE], 0
    while free < units:
        free += s.held[at]
        at += 1
    shadow = s.requested_end[at - 1]
    while at < s.n[PoolCount.RUNNING] and s.requested_end[at] == shadow:
        free += s.held[at]
        at += 1
    s.n[PoolCount.SHADOW], s.n[PoolCount.SPARE], s.n[PoolCount.KNOWN] = shadow, free - units, 1


@inlined
def _pass_easy(s, jobs, now, first):
    """Start what does not delay the first waiting job, from a place in the queue on.

    A job may start if it ends by the shadow time or takes spare units only.  Blocks without anybody who fits are skipped
    whole.
    first   where to begin: those before were refused with as much free, and still are
    """
    at, back, free = first, s.n[PoolCount.BACK], s.n[PoolCount.FREE]
    while at < back and s.block_least[at >> POOL_BLOCK_BITS] > free:
        at = ((at >> POOL_BLOCK_BITS) + 1) << POOL_BLOCK_BITS
    if at >= back:
        return
    if not s.n[PoolCount.KNOWN]:
        _pool_shadow(s, s.queue_units[s.n[PoolCount.FRONT]])
    window, spare = s.n[PoolCount.SHADOW] - now, s.n[PoolCount.SPARE]
    while at < back:
        stop = min(((at >> POOL_BLOCK_BITS) + 1) << POOL_BLOCK_BITS, back)
        if s.block_least[at >> POOL_BLOCK_BITS] > free:
            at = stop
        while at < stop:
            units, limit_s = s.queue_units[at], s.queue_limit[at]
            if (units <= free) & ((limit_s <= window) | (units <= spare)):  # no branch for each: few entries pass
                run_job(s, jobs, s.queue[at], now)
                leave_pool_queue(s, at)
                free -= units
                if limit_s > window:
                    spare -= units
            at += 1
    s.n[PoolCount.SPARE] = spare


@inlined
def _pool_pass(s, jobs, policy, now, first):
    """One scheduling pass.  After arrivals alone only what stands from `first` on needs a look.

    Also counts passes, the least free and the most running and waiting units and jobs, which `FlatSchedule` reports.
    """
    s.n[PoolCount.PASSES] += 1
    if policy.backfill == BackfillKind.CONSERVATIVE:
        pass_conservative(s, jobs, policy, now)
        while s.n[PoolCount.FRONT] < s.n[PoolCount.BACK] and s.queue_units[s.n[PoolCount.FRONT]] == GONE_UNITS:
            s.n[PoolCount.FRONT] += 1
        s.n[PoolCount.PLANNED] = max(s.n[PoolCount.PLANNED], s.n[PoolCount.FRONT])
    else:
        if s.n[PoolCount.FULL] or first <= s.n[PoolCount.FRONT]:
            _start_fitting(s, jobs, now)
            s.n[PoolCount.FULL] = s.n[PoolCount.KNOWN] = 0
            first = s.n[PoolCount.FRONT] + 1
        if policy.backfill == BackfillKind.EASY:
            _pass_easy(s, jobs, now, first)
    if s.n[PoolCount.BACK] - s.n[PoolCount.FRONT] > 2 * s.n[PoolCount.WAITING] + 8:
        close_pool_gaps(s)
    s.n[PoolCount.LEAST_FREE] = min(s.n[PoolCount.LEAST_FREE], s.n[PoolCount.FREE])
    s.n[PoolCount.MOST_RUNNING] = max(s.n[PoolCount.MOST_RUNNING], s.n[PoolCount.RUNNING])
    s.n[PoolCount.MOST_WAITING] = max(s.n[PoolCount.MOST_WAITING], s.n[PoolCount.WAITING])


@kernel
def advance(s, jobs, policy):
    """Run all jobs to their end.

    Afterwards `PoolState.start_s` holds every start [s]: each job fits the pool, so each runs.  May not be called twice.
    """
    count = jobs.submit_s.size
    while s.n[PoolCount.RUNNING] > 0 or s.n[PoolCount.ARRIVED] < count:
        now = s.heap_time[0] if s.n[PoolCount.RUNNING] > 0 else NEVER
        if s.n[PoolCount.ARRIVED] < count:
            now = min(now, jobs.submit_s[s.n[PoolCount.ARRIVED]])
        while s.n[PoolCount.RUNNING] > 0 and s.heap_time[0] == now:
            end_first(s, jobs)
            s.n[PoolCount.FULL] = 1
        first = s.n[PoolCount.BACK]
        while s.n[PoolCount.ARRIVED] < count and jobs.submit_s[s.n[PoolCount.ARRIVED]] == now:
            first = min(first, join_pool_queue(s, jobs, s.n[PoolCount.ARRIVED]))
            s.n[PoolCount.ARRIVED] += 1
        if s.n[PoolCount.WAITING] > 0:
            if first < s.n[PoolCount.PLANNED]:
                s.n[PoolCount.FULL] = 1
            _pool_pass(s, jobs, policy, now, first)


def warm_up() -> None:
    """Runs one job, which has the kernels compiled with the types that every run has.

    What is compiled for it serves any number of jobs, as only the types of the arrays matter.
    """
    one = np.ones(1, np.int64)
    jobs = PoolJobs(one, one.astype(np.int32), one, one, np.zeros(1))
    advance(new_pool_state(jobs, 1, 1), jobs, PoolPolicy(int(BackfillKind.EASY), 1, 1))
