"""The backfill pass: each waiting job in order is planned where it delays nobody planned before, or starts.

Conservative: every job that is looked at gets its earliest place, and keeps it from those behind.  EASY: the first that
cannot start gets one, and the others start now or not at all; most of these are passed over by what is known of the room.
docs/theory/controller.md has the five steps by which a place is found.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
slots  stretches of the plan so far;  now  [s]

Only whole-node jobs that start in this pass are cut out of the plan; jobs that share nodes are seen in the rows of what is
free.  A pass ends when it has looked at `bf_jobs` jobs (bf_max_job_test), when the plan has no stretch left for another, or
when a job has had others stopped.  What a look costs (`bf_test_s`) makes starts of this pass later and the next pass too.
"""

import numpy as np

from terp.simulate.engine.controller.backfill_plan import (
    last_change_s,
    mark_unplanned,
    new_plan,
    on_grid_s,
    overlaps_plan,
    reserve,
    will_run_s,
)
from terp.simulate.engine.controller.controller_rows import (
    ControllerCount,
    FreeRow,
    JobRow,
    NodeRow,
    PlanRow,
    QosRow,
    Request,
)
from terp.simulate.engine.controller.job_limits import may_run
from terp.simulate.engine.controller.job_queue import unqueue
from terp.simulate.engine.controller.node_map import choose_nodes, takes_whole_nodes
from terp.simulate.engine.controller.preemption import preempt, start_after_preemption
from terp.simulate.engine.controller.start_stop import any_completing, start_job
from terp.simulate.engine.shared.codes import NEVER, BackfillKind
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def look_for_room(s):
    """Note how many nodes are idle, and the most GPUs free on any: without so much no job can start now.

    Nodes that are down or draining, or that a job has to itself, count for nothing.  Called at the begin of a pass and after
    each start of it, so that `has_room` is never less than the truth.
    """
    s.n[ControllerCount.IDLE] = s.n[ControllerCount.MOST_FREE] = 0
    for node in range(s.node.shape[1]):
        if (
            s.node[NodeRow.UP, node]
            and s.node[NodeRow.DRAINING, node] == 0
            and s.node[NodeRow.FREE + FreeRow.CORES, node] >= 0
        ):
            s.n[ControllerCount.IDLE] += s.node[NodeRow.FREE + FreeRow.JOBS, node] == 0
            s.n[ControllerCount.MOST_FREE] = max(s.n[ControllerCount.MOST_FREE], s.node[NodeRow.FREE + FreeRow.GPUS, node])


@kernel
def has_room(s, r, q, job):
    """Whether there may be room for a job now; most of a long queue is passed over by this.

    True may be wrong, False never is: it is a bound from the counters of `look_for_room`, and no node is looked at.
    """
    if takes_whole_nodes(r, q, job):
        return q.of[Request.NODES, job] <= s.n[ControllerCount.IDLE]
    return q.of[Request.GPUS, job] <= s.n[ControllerCount.MOST_FREE]


@kernel
def _earliest_start_s(s, r, q, park, job, now, only_now):
    """When a job can start without delaying anyone planned before it, NEVER if not within the window; chooses the nodes.

    only_now   ask for a start now or none, as EASY does for all behind the first that waits
    Goes on from one time at which the plan frees another node to the next, until the job fits by requested ends and touches
    nobody's plan.  A result of `now` + 1 says that a job still completes on a chosen node [s].  Where repeating reservations
    keep
    a job out for good, the search ends at `last_change_s`.
    """
    if only_now and not has_room(s, r, q, job):
        return NEVER
    later = now
    while True:
        from_s = later
        later = mark_unplanned(s, r, q, job, from_s, from_s + q.of[Request.LIMIT, job])
        if only_now:
            able = choose_nodes(s, r, q, park, job, NodeRow.FREE)
            return now + any_completing(s, q, job) if able else NEVER
        count = 0
        for node in range(s.node.shape[1]):
            count += s.node[NodeRow.AVAIL, node]
        start = will_run_s(s, r, q, park, job, now) if count >= q.of[Request.NODES, job] else NEVER
        start = max(start, from_s)
        if start <= now:
            return now + any_completing(s, q, job)
        if later > 0 and start > later:
            if start == NEVER and r.resv.shape[1] > 0 and later > last_change_s(s, r, now):
                return NEVER
            continue
        if start >= s.plan[PlanRow.BEGIN, 0] + r.bf_window_s:
            return NEVER
        if overlaps_plan(s, q, job, on_grid_s(r, start), on_grid_s(r, start + q.of[Request.LIMIT, job])):
            later = start
            continue
        return start


@kernel
def backfill_pass(s, r, q, park, now):
    """Plan waiting jobs in order; those whose time is now start, those whose time comes keep their nodes from all behind.

    True if a job had others stopped: then the pass is to begin anew.

    ControllerCount.LOOKED holds how many jobs were looked at, by which the caller works out how long the pass took.
    With preemption the job is tried on nodes that nobody before it has planned; a job that has had others stopped changes
    the
    queue and what is free, so the plan made so far does not hold.
    """
    slots, planned, looked, at = new_plan(s, r, now), 0, 0, 0
    look_for_room(s)
    most = s.plan.shape[1] - 3
    s.n[ControllerCount.LOOKED] = 0
    while at < s.n[ControllerCount.WAITING] and looked < r.bf_jobs and slots < most:
        job = s.job[JobRow.QUEUE, at]
        at += 1
        if not may_run(s, r, q, job):
            continue
        looked += 1
        s.n[ControllerCount.LOOKED] = looked
        only_now = r.backfill == BackfillKind.EASY and planned > 0
        start = _earliest_start_s(s, r, q, park, job, now, only_now)
        if start == now:
            at -= 1
            unqueue(s, q, at)
            if takes_whole_nodes(r, q, job):
                slots = reserve(s, q, job, s.plan[PlanRow.BEGIN, 0], on_grid_s(r, now + q.of[Request.LIMIT, job]), slots)
            start_job(s, r, q, job, now, np.int64(r.bf_test_s * looked))  # the pass takes its time
            look_for_room(s)
            s.n[ControllerCount.BACKFILLED] += 1
            continue
        if r.qos[QosRow.PREEMPTS, q.of[Request.QOS, job]]:
            mark_unplanned(s, r, q, job, now, now + q.of[Request.LIMIT, job])
            for node in range(s.node.shape[1]):
                s.node[NodeRow.AVAIL, node] = s.node[NodeRow.AVAIL, node] and s.node[NodeRow.COMPLETING, node] == 0
            stops = s.n[ControllerCount.PREEMPTIONS]
            if preempt(s, r, q, park, job, now):
                start_after_preemption(s, r, q, job, now)
                return True
            if s.n[ControllerCount.PREEMPTIONS] != stops:
                return True
            start = _earliest_start_s(s, r, q, park, job, now, only_now)
        if start < NEVER:
            from_s, to_s = on_grid_s(r, start), on_grid_s(r, start + q.of[Request.LIMIT, job])
            slots = reserve(s, q, job, from_s, max(to_s, from_s + r.bf_resolution_s), slots)
        if not only_now:
            planned += 1
    return False
