"""The queue of the core: waiting jobs in order, side by side for the scan, with gaps where jobs have started.

By submission, or by priority where there are ranks.  A job joins at its place, which is nearly always the end; when
priorities are worked out anew, runs that are still in order are merged.  Gaps are closed when they are more than what
waits.

A gap holds GONE for its GPUs.  The fewest GPUs of each block of the queue let a pass skip what does not fit.

s  the state, a CoreState;  jobs  CoreJobs;  rules  CoreRules;  at  a place in the queue;  now  [s]

Three arrays stand side by side, for a job's number, GPUs and requested time, so that a scan reads memory in a row and never
looks at the jobs.  Places from Count.FRONT to Count.BACK count.
"""

from terp.simulate.engine.core.account_shares import find_fair_share, priority_of
from terp.simulate.engine.core.core_state import BLOCK_BITS, GONE, Count
from terp.simulate.engine.shared.kernel_options import inlined, kernel


@inlined
def find_least(s, first, back):
    """Work out the fewest GPUs in each block of the queue that has one of these places.

    first, back   places, both within; whole blocks are gone through
    The least may be too low, which costs a look, and must never be too high, which would hide a job.
    """
    for block in range(first >> BLOCK_BITS, (back >> BLOCK_BITS) + 1):
        least = GONE
        for at in range(block << BLOCK_BITS, min((block + 1) << BLOCK_BITS, s.n[Count.BACK])):
            least = min(least, s.queue_gpus[at])
        s.least_gpus[block] = least


@inlined
def _move(s, at, to):
    """Copy an entry of the queue, but for its priority, to another place.

    The priority is moved by the callers, where there is one.
    """
    s.queue[to], s.queue_gpus[to], s.queue_limit[to] = s.queue[at], s.queue_gpus[at], s.queue_limit[at]


@inlined
def leave_queue(s, at):
    """Take an entry out of the queue; its place stays as a gap.

    The counts of those that wait are for the caller.  Its block's least is worked out anew only if it was the least.
    """
    gpus = s.queue_gpus[at]
    s.queue_gpus[at] = GONE
    if gpus == s.least_gpus[at >> BLOCK_BITS]:
        find_least(s, at, at)


@inlined
def enqueue_job(s, jobs, rules, job, now):
    """Put a job in the queue at its place by priority or submission.  Gives that place.

    A job that was cut short by a failure keeps its number, and so its place by submission; by rank it gets its priority as
    of now.
    Those behind it move by a place.  The next pass must look from the place that is given on.
    """
    at, back, key = s.n[Count.BACK], s.n[Count.BACK], 0.0
    if rules.ranked:
        key = priority_of(s, jobs, rules, job, now)
        while at > s.n[Count.FRONT] and (
            s.queue_key[at - 1] < key or (s.queue_key[at - 1] == key and s.queue[at - 1] > job)
        ):
            _move(s, at - 1, at)
            s.queue_key[at] = s.queue_key[at - 1]
            at -= 1
        s.queue_key[at] = key
    else:
        while at > s.n[Count.FRONT] and s.queue[at - 1] > job:
            _move(s, at - 1, at)
            at -= 1
    s.queue[at], s.queue_gpus[at], s.queue_limit[at] = job, jobs.gpus[job], jobs.limit_s[job]
    s.n[Count.BACK] += 1
    s.n[Count.WAITING] += 1
    s.n[Count.QUEUED_GPUS] += jobs.gpus[job]
    if at < back:
        find_least(s, at, back)
    else:  # of a new block, least so far is GONE
        s.least_gpus[at >> BLOCK_BITS] = min(s.least_gpus[at >> BLOCK_BITS], jobs.gpus[job])
    return at


@inlined
def close_gaps(s, rules):
    """Take out of the queue the entries whose jobs have started.

    The order stays, and Count.HEAD follows its entry.
    """
    kept, head, back = s.n[Count.FRONT], s.n[Count.HEAD], s.n[Count.BACK]
    for at in range(s.n[Count.FRONT], back):
        if at == head:
            s.n[Count.HEAD] = kept
        if s.queue_gpus[at] != GONE:
            _move(s, at, kept)
            if rules.ranked:
                s.queue_key[kept] = s.queue_key[at]
            kept += 1
    if head >= back:
        s.n[Count.HEAD] = kept
    s.n[Count.BACK] = kept
    find_least(s, s.n[Count.FRONT], back)


@inlined
def _run_end(s, at, back):
    """Where the run of entries in order ends that begins at a place.

    Order is by priority, then by number.  The place is one behind the run's last, at most `back`.
    """
    at += 1
    while at < back:
        a, b = s.queue_key[at - 1], s.queue_key[at]
        if a < b or (a == b and s.queue[at - 1] > s.queue[at]):
            break
        at += 1
    return min(at, back)


@inlined
def _merge(s, low, middle, high):
    """Merge two runs of the queue that stand side by side.

    low, middle, high   the runs are [low, middle) and [middle, high); the merge is stable
    GPUs and requested times are not moved: `order_anew` writes them afterwards.
    """
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


@kernel
def order_anew(s, jobs, rules, now):
    """Work out fair share and all waiting jobs' priorities, and sort the queue by them.

    A merge sort that takes what is in order for what it is: between two ticks little changes, so mostly one round is enough.
    Sets when it is due next, a multiple of `calc_period_s`, and has the next pass look at all.
    """
    find_fair_share(s, rules, now)
    close_gaps(s, rules)
    first, back = s.n[Count.FRONT], s.n[Count.BACK]
    for at in range(first, back):
        s.queue_key[at] = priority_of(s, jobs, rules, s.queue[at], now)
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
    find_least(s, first, back)
    s.n[Count.NEXT_CALC] = (now // rules.calc_period_s + 1) * rules.calc_period_s
    s.n[Count.FULL] = 1
