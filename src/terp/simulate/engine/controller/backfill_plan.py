"""The plan of a backfill pass, and when a job fits by requested ends.

The plan is a list of stretches of time that follow on one another, each with the nodes that nobody planned so far needs in
it.  A job that is planned cuts stretches at its start and its end, and takes its nodes out of those between.  As slurmctld,
the plan rounds times down to a resolution, and looks no further than a window.

When a job fits is worked out apart from the plan, from what runs: running jobs are taken away by their requested ends, one
end after the other, or in groups as slurmctld takes them (`by_groups`), until what is left has room.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
slot  a stretch of the plan;  slots  how many there are;  from_s, to_s  [s]

Stretches are a linked list in rows of PlanRow, in order of time from stretch 0 on, and lie side by side without a gap; a cut
adds one at the end of the table, so its size bounds how many jobs a pass can plan.
"""

import numpy as np

from terp.simulate.engine.controller.controller_rows import (
    FIRST_SPAN_S,
    ControllerCount,
    JobRow,
    NodeRow,
    PlanRow,
    Request,
    ReservationRow,
)
from terp.simulate.engine.controller.node_map import choose_nodes, give_back, look_ahead, mark_up_nodes, mind_reservations
from terp.simulate.engine.shared.codes import NEVER
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def on_grid_s(r, at_s):
    """A time of the plan: rounded down to the resolution.

    bf_resolution of slurm.conf [s].
    """
    return at_s // r.bf_resolution_s * r.bf_resolution_s


@kernel
def new_plan(s, r, now):
    """Begin a plan of one stretch, the whole window, in which nobody is planned; the number of stretches.

    The plan has room for `ControllerState.plan.shape[1]` stretches; `backfill_pass` stops before it is full.
    """
    begin = on_grid_s(r, now)
    s.plan[PlanRow.BEGIN, 0], s.plan[PlanRow.UNTIL, 0], s.plan[PlanRow.NEXT, 0] = begin, begin + r.bf_window_s, -1
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[0, node] = 1
    return 1


@kernel
def _split(s, slot, at_s, slots):
    """Cut a slot of the plan in two at a time; the index of the second part.

    at_s    the time, within the slot [s];  slots  how many there are so far, and so the index of the new one
    Both parts have the same nodes left; the first keeps its index.
    """
    s.plan[PlanRow.BEGIN, slots] = at_s
    s.plan[PlanRow.UNTIL, slots], s.plan[PlanRow.NEXT, slots] = s.plan[PlanRow.UNTIL, slot], s.plan[PlanRow.NEXT, slot]
    s.plan[PlanRow.UNTIL, slot], s.plan[PlanRow.NEXT, slot] = at_s, slots
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[slots, node] = s.plan_nodes[slot, node]
    return slots


@kernel
def reserve(s, q, job, from_s, to_s, slots):
    """Keep the chosen nodes for a job between two times; the number of slots then.

    The nodes are the job's in NodeRow.CHOSEN.  At most two stretches are added, one at each end; stretches in between only
    lose
    nodes.  from_s and to_s lie on the grid.
    """
    slot = 0
    while slot >= 0 and s.plan[PlanRow.BEGIN, slot] < to_s:
        if s.plan[PlanRow.UNTIL, slot] > from_s:
            if s.plan[PlanRow.BEGIN, slot] < from_s:
                slot = _split(s, slot, from_s, slots)
                slots += 1
            if s.plan[PlanRow.UNTIL, slot] > to_s:
                _split(s, slot, to_s, slots)
                slots += 1
            for k in range(q.of[Request.NODES, job]):
                s.plan_nodes[slot, s.node[NodeRow.CHOSEN, k]] = 0
        slot = s.plan[PlanRow.NEXT, slot]
    return slots


@kernel
def _frees_another(s, slot):
    """Whether the slot after this one has a node of the job's partition that this one or one looked at before lacks.

    NodeRow.FIT holds the nodes of the job's partition that are up, NodeRow.AVAIL those that are left so far.
    """
    after = s.plan[PlanRow.NEXT, slot]
    if after < 0:
        return False
    for node in range(s.node.shape[1]):
        if (
            s.node[NodeRow.FIT, node]
            and s.plan_nodes[after, node]
            and not (s.node[NodeRow.AVAIL, node] and s.plan_nodes[slot, node])
        ):
            return True
    return False


@kernel
def mark_unplanned(s, r, q, job, from_s, to_s):
    """Set `avail` to nodes that nobody planned before needs between two times; the next time that frees another, or 0.

    The next time lies behind `from_s` and is the end of a stretch or of a reservation; trying any time between the two would
    find
    the same nodes [s].
    """
    mark_up_nodes(s, r, q, job)
    for node in range(s.node.shape[1]):
        s.node[NodeRow.FIT, node] = s.node[NodeRow.AVAIL, node]
    later, slot = np.int64(0), 0
    while slot >= 0:
        if s.plan[PlanRow.UNTIL, slot] > from_s:
            if later == 0 and _frees_another(s, slot):
                later = s.plan[PlanRow.UNTIL, slot]
            if s.plan[PlanRow.BEGIN, slot] >= to_s + r.by_groups:  # slurmctld also minds what begins at the very end
                break
            for node in range(s.node.shape[1]):
                s.node[NodeRow.AVAIL, node] = s.node[NodeRow.AVAIL, node] and s.plan_nodes[slot, node]
        slot = s.plan[PlanRow.NEXT, slot]
    end = mind_reservations(s, r, q, job, from_s, to_s)
    if end > 0 and (later == 0 or end < later):
        later = end
    return later


@kernel
def overlaps_plan(s, q, job, from_s, to_s):
    """Whether someone planned before needs one of the chosen nodes between two times.

    Asked after the nodes were chosen by requested ends alone, for the time at which they are free, which may lie behind the
    stretch of time for which `mark_unplanned` looked.
    """
    slot = 0
    while slot >= 0 and s.plan[PlanRow.BEGIN, slot] < to_s:
        if s.plan[PlanRow.UNTIL, slot] > from_s:
            for k in range(q.of[Request.NODES, job]):
                if not s.plan_nodes[slot, s.node[NodeRow.CHOSEN, k]]:
                    return True
        slot = s.plan[PlanRow.NEXT, slot]
    return False


@kernel
def last_change_s(s, r, now):
    """When all that is planned and reserved once is over and what repeats has come round twice, or the window ends.

    Bounds a search that repeating reservations would keep up for ever.
    """
    last, most, slot = now, np.int64(0), 0
    while slot >= 0:
        last = max(last, s.plan[PlanRow.BEGIN, slot])
        slot = s.plan[PlanRow.NEXT, slot]
    for k in range(r.resv.shape[1]):
        most = max(most, r.resv[ReservationRow.EVERY, k])
        if r.resv[ReservationRow.EVERY, k] == 0:
            last = max(last, r.resv[ReservationRow.BEGIN, k] + r.resv[ReservationRow.LENGTH, k])
    return min(last + 2 * most, now + r.bf_window_s)


@kernel
def _touches(s, q, other):
    """Whether a running job has a node among `avail`.

    Only such jobs can make room for the one that is looked at, so others are passed over.
    """
    for k in range(s.job[JobRow.NODES_FROM, other], s.job[JobRow.NODES_FROM, other] + q.of[Request.NODES, other]):
        if s.node[NodeRow.AVAIL, s.nodes[k]]:
            return True
    return False


@kernel
def will_run_s(s, r, q, park, job, now):
    """The earliest start on `avail` by the requested ends of what runs; NEVER if there is none.  Chooses the nodes.

    NodeRow.AVAIL says which nodes may be had; the plan is not looked at.  With `by_groups` the time is the end of the last
    job of
    a group, as slurmctld has it, which may be later than need be; without, it is exact.  It is at least a second from now
    where
    running jobs must end first [s].
    """
    if choose_nodes(s, r, q, park, job, NodeRow.FREE):
        return now
    look_ahead(s)
    at, span, count, barrier = 0, FIRST_SPAN_S, s.n[ControllerCount.SLOTS], np.int64(-1)
    while at < count:
        last = np.int64(-1)
        while at < count:
            other = s.job[JobRow.RUN_LIST, at]
            if not r.by_groups and last >= 0 and s.job[JobRow.LIMIT_END, other] > last:
                break
            at += 1
            if not _touches(s, q, other):
                continue
            last = s.job[JobRow.LIMIT_END, other]
            if barrier < 0:
                barrier = last // FIRST_SPAN_S * FIRST_SPAN_S + FIRST_SPAN_S
            give_back(s, r, q, other)
            if r.by_groups and at < count and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at]] > barrier + span:
                break
        if last < 0:
            return NEVER
        span *= 2
        while r.by_groups and at < count and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at]] > barrier + span:
            span *= 2
        if choose_nodes(s, r, q, park, job, NodeRow.AHEAD):
            return max(last, now + 1)
    return NEVER
