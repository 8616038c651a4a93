"""The queue of the pool, with gaps where jobs have started, and the running jobs.

Running jobs are kept twice: by true end in a heap, by requested end in a sorted list, of which shadow time and plan are
read.  The fewest units in each block of the queue let a pass skip what does not fit.

s  the state, a PoolState;  jobs  PoolJobs;  policy  a PoolPolicy;  now  [s];  at  a place in the queue

Places from PoolCount.FRONT to PoolCount.BACK count.  An entry's units and requested time are copied next to its number, so
that a scan never looks at the jobs.
"""

from terp.simulate.engine.pool.pool_state import GONE_UNITS, POOL_BLOCK_BITS, PoolCount
from terp.simulate.engine.shared.event_heap import pop_due, push_due
from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def run_job(s, jobs, job, now):
    """Start a job: its units, its true end in the heap, its requested end in the list.

    There must be room.  The sorted list is kept by insertion from the end; of like ends the older stands first.
    """
    units = jobs.units[job]
    s.start_s[job] = now
    s.n[PoolCount.FREE] -= units
    s.n[PoolCount.WAITING] -= 1
    running = s.n[PoolCount.RUNNING]
    s.n[PoolCount.RUNNING] = running + 1
    push_due(s.heap_time, s.heap_entry, running, now + jobs.run_s[job], job)
    end, at = now + jobs.limit_s[job], running
    while at > 0 and s.requested_end[at - 1] > end:
        s.requested_end[at], s.held[at] = s.requested_end[at - 1], s.held[at - 1]
        at -= 1
    s.requested_end[at], s.held[at] = end, units


@inlined
def end_first(s, jobs):
    """End the job that is due: off the heap, and off the list, where of like ends and units any will do.

    The true end is never behind the requested one, as run times are cut at the limit.
    """
    job = s.heap_entry[0]
    units, end = jobs.units[job], s.start_s[job] + jobs.limit_s[job]
    s.n[PoolCount.FREE] += units
    size = s.n[PoolCount.RUNNING] - 1
    s.n[PoolCount.RUNNING] = size
    pop_due(s.heap_time, s.heap_entry, size + 1)
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
    """Work out the fewest units in a block of the queue.

    GONE_UNITS for a block in which nobody waits.
    """
    least = GONE_UNITS
    for at in range(block << POOL_BLOCK_BITS, min((block + 1) << POOL_BLOCK_BITS, s.n[PoolCount.BACK])):
        least = min(least, s.queue_units[at])
    s.block_least[block] = least


@inlined
def _move(s, at, to):
    """Copy an entry of the queue to another place.

    The rank stays with the job's number and is not copied.
    """
    s.queue[to], s.queue_units[to], s.queue_limit[to] = s.queue[at], s.queue_units[at], s.queue_limit[at]


@inlined
def leave_pool_queue(s, at):
    """Take an entry out of the queue; its place stays as a gap.

    `run_job` has counted it off already.  The block's least is worked out anew only if this was it.
    """
    units, block = s.queue_units[at], at >> POOL_BLOCK_BITS
    s.queue_units[at] = GONE_UNITS
    if units == s.block_least[block]:
        _find_least(s, block)


@inlined
def join_pool_queue(s, jobs, job):
    """Put an arrived job in the queue at its rank.  Gives its place there.

    Ranks are fixed for a run; with one entry for all, the place is the end.  Of like ranks who came first stands first.
    """
    at, back, units = s.n[PoolCount.BACK], s.n[PoolCount.BACK], jobs.units[job]
    s.n[PoolCount.BACK] += 1
    s.n[PoolCount.WAITING] += 1
    if jobs.rank.size > 1:
        while at > s.n[PoolCount.FRONT] and jobs.rank[s.queue[at - 1]] > jobs.rank[job]:
            _move(s, at - 1, at)
            at -= 1
    s.queue[at], s.queue_units[at], s.queue_limit[at] = job, units, jobs.limit_s[job]
    if at < back:
        for block in range(at >> POOL_BLOCK_BITS, (back >> POOL_BLOCK_BITS) + 1):
            _find_least(s, block)
    else:  # of a new block, fewest so far is GONE_UNITS
        s.block_least[at >> POOL_BLOCK_BITS] = min(s.block_least[at >> POOL_BLOCK_BITS], units)
    return at


@inlined
def close_pool_gaps(s):
    """Take the gaps out of the queue.

    The order stays, and PoolCount.PLANNED follows its entry.
    """
    kept = first = s.n[PoolCount.FRONT]
    back, planned = s.n[PoolCount.BACK], s.n[PoolCount.PLANNED]
    for at in range(first, back):
        if at == planned:
            s.n[PoolCount.PLANNED] = kept
        if s.queue_units[at] != GONE_UNITS:
            _move(s, at, kept)
            kept += 1
    if planned >= back:
        s.n[PoolCount.PLANNED] = kept
    s.n[PoolCount.BACK] = kept
    for block in range(first >> POOL_BLOCK_BITS, (back >> POOL_BLOCK_BITS) + 1):
        _find_least(s, block)
