"""Conservative backfill of the pool: a plan of what is free from each time on, kept until a job ends.

Each waiting job in order, up to the policy's depth, gets the first place in the plan at which its units stay free for as
long as it asks, and takes them there; if that place is now, it starts.  What arrives later is planned behind those that
are, which changes nothing for them.

s  the state, a PoolState;  jobs  PoolJobs;  policy  a PoolPolicy;  now  [s];  step  a place in the plan

A plan is a step function in two arrays: from plan_time[k] on, until the next time, plan_free[k] units are free; the last
step
holds for ever, with the whole pool but what was promised free.  It never falls below nought.
"""

from terp.simulate.engine.pool.pool_queue import leave_pool_queue, run_job
from terp.simulate.engine.pool.pool_state import GONE_UNITS, PoolCount
from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def _plan_anew(s, policy, now):
    """Begin a plan: what will be free by the requested ends of what runs.

    Ends are rounded up to the policy's resolution [s], so many running jobs share a step; a resolution of 1 is exact.
    """
    free, step = s.n[PoolCount.FREE], 0
    s.plan_time[0], s.plan_free[0] = now, free
    for at in range(s.n[PoolCount.RUNNING]):
        time_s = -(-s.requested_end[at] // policy.resolution) * policy.resolution  # rounded up
        free += s.held[at]
        if time_s > s.plan_time[step]:
            step += 1
            s.plan_time[step] = time_s
        s.plan_free[step] = free
    s.n[PoolCount.STEPS], s.n[PoolCount.PLANNED], s.n[PoolCount.PLANNED_WAIT] = step + 1, s.n[PoolCount.FRONT], 0


@inlined
def _earliest(s, units, limit_s):
    """The first step of the plan from which on `units` stay free for long enough.

    limit_s   the requested time, over which they must stay free [s]
    Goes over the plan once: where it is too low on the way, the search begins behind that place.  There is always such a
    step.
    """
    steps, first, at = s.n[PoolCount.STEPS], 0, 0
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
    """Keep `units` from a step of the plan on until `end`.

    end   in seconds, on the grid.  One step is added where no step begins at the end.
    """
    steps, at = s.n[PoolCount.STEPS], first + 1
    while at < steps and s.plan_time[at] < end:
        s.plan_free[at] -= units
        at += 1
    s.plan_free[first] -= units
    if at == steps or s.plan_time[at] > end:
        for step in range(steps, at, -1):
            s.plan_time[step], s.plan_free[step] = s.plan_time[step - 1], s.plan_free[step - 1]
        s.plan_time[at], s.plan_free[at] = end, s.plan_free[at - 1] + units
        s.n[PoolCount.STEPS] = steps + 1


@inlined
def _last_to_try(s, depth):
    """The last entry within the depth that fits what is free, so that planning beyond it starts nothing; -1 if none.

    Where nobody within the depth fits now no plan is needed, which spares most passes.
    """
    last, left, at = -1, depth - s.n[PoolCount.PLANNED_WAIT], s.n[PoolCount.PLANNED]
    while at < s.n[PoolCount.BACK] and left > 0:
        if s.queue_units[at] != GONE_UNITS:
            left -= 1
            if s.queue_units[at] <= s.n[PoolCount.FREE]:
                last = at
        at += 1
    return last


@inlined
def pass_conservative(s, jobs, policy, now):
    """Plan the first waiting jobs in order, each as early as those before it allow, and start what may start now.

    An arrival changes nothing of what is planned, so the plan is kept until a job ends.

    depth   of the policy: how many waiting jobs are planned; those behind start only when they come within it
    A job is planned by its requested time, so it may end earlier; then the plan is made anew.
    """
    if s.n[PoolCount.FULL]:
        s.n[PoolCount.PLANNED], s.n[PoolCount.PLANNED_WAIT] = s.n[PoolCount.FRONT], 0
    last = _last_to_try(s, policy.depth)
    if last < 0:
        return
    if s.n[PoolCount.FULL]:
        _plan_anew(s, policy, now)
        s.n[PoolCount.FULL] = 0
    s.plan_time[0] = now
    at = s.n[PoolCount.PLANNED]
    while at <= last:
        units = s.queue_units[at]
        if units != GONE_UNITS:
            job = s.queue[at]
            first = _earliest(s, units, jobs.limit_s[job])
            end = s.plan_time[first] + jobs.limit_s[job]
            _promise(s, units, first, -(-end // policy.resolution) * policy.resolution)
            if first == 0:
                run_job(s, jobs, job, now)
                leave_pool_queue(s, at)
                while last > at and s.queue_units[last] > s.n[PoolCount.FREE]:
                    last -= 1
            else:
                s.n[PoolCount.PLANNED_WAIT] += 1
        at += 1
    s.n[PoolCount.PLANNED] = at
