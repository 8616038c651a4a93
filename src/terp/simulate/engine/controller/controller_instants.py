"""The controller: jobs on nodes by the rules of a Slurm controller, compiled.

Everything that the core leaves out for speed: partitions, reservations, accounts with limits, QOS that preempt, arrays,
dependencies, licences, cores and memory, backfill in passes of its own, and a plan that names nodes.  The rules stand in
docs/theory/controller.md, and once more, in plain Python, in tests/support/naive_controller.py.

An instant is handled whole: ends, nodes, reservations, ticks of the priorities, arrivals, the main pass, the backfill pass.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
events  NodeEvents;  now  [s]

Time leaps from one instant to the next: `_next_time` is the least of what is due in the heap, the next arrival, the next
turn
of a node, ends of reservations, ticks and passes.  So a quiet night costs nothing, and between two instants nothing changes.
A run may be cut anywhere: `advance` up to one time and on from there gives what one call up to the end gives.
"""

import numpy as np

from terp.simulate.engine.controller.backfill import backfill_pass
from terp.simulate.engine.controller.controller_rows import (
    AGAIN,
    KIND_BITS,
    NUMBER_BITS,
    PATIENCE_S,
    TIMELINE_TIME,
    AttemptRow,
    ControllerCount,
    Due,
    JobRow,
    JobState,
    NodeRow,
    PreemptMode,
    QosRow,
    Request,
    ReservationRow,
    Running,
)
from terp.simulate.engine.controller.controller_state import new_controller_state, smallest_run
from terp.simulate.engine.controller.job_queue import enqueue, reorder
from terp.simulate.engine.controller.main_pass import main_pass
from terp.simulate.engine.controller.node_map import reserved_until_s
from terp.simulate.engine.controller.preemption import resume_suspended
from terp.simulate.engine.controller.start_stop import finish_job, interrupt, mark_completing, settle_node
from terp.simulate.engine.shared.codes import NEVER, AttemptEnd, BackfillKind, NodeTurn, TimelineRow
from terp.simulate.engine.shared.event_heap import pop_due
from terp.simulate.engine.shared.kernel_options import kernel
from terp.simulate.engine.shared.node_events import no_events


@kernel
def _note(s, park, now):
    """Write a row of the timeline, over the last one if that is of the same second; the state from this second on.

    Its columns are the counts of TimelineRow but the draining nodes, the time [s], and the machine's power [W]: the base,
    what
    nodes that are up draw idle, what nodes that are down draw, and what jobs add.
    If the table were full the row is left out; its room is worked out by `new_controller_state` so that this does not
    happen.
    """
    up = park.node.shape[1] - s.n[ControllerCount.DOWN]
    row = s.n[ControllerCount.ROWS] if now > 0 else 0
    if row > 0 and s.row[TIMELINE_TIME, row - 1] == now:
        row -= 1
    if row >= s.row.shape[1]:
        return
    s.row[TIMELINE_TIME, row] = now
    s.row_power[row] = park.base_w + up * park.idle_w + s.n[ControllerCount.DOWN] * park.down_w + s.f[Running.POWER]
    s.row[TimelineRow.BUSY_GPUS, row] = s.n[ControllerCount.BUSY]
    s.row[TimelineRow.RUNNING_JOBS, row] = s.n[ControllerCount.RUNNING]
    s.row[TimelineRow.WAITING_JOBS, row] = s.n[ControllerCount.WAITING]
    s.row[TimelineRow.WAITING_GPUS, row] = s.n[ControllerCount.QUEUED_GPUS]
    s.row[TimelineRow.DOWN_NODES, row] = s.n[ControllerCount.DOWN]
    s.n[ControllerCount.ROWS] = row + 1


@kernel
def _node_comes_back(s, node, now):
    """A repair is over: the node takes jobs again, if that was its last repair.  Whether it does.

    A failure during the repair puts NodeRow.BACK off, so that an older entry of the heap finds another time there and does
    nothing.
    """
    if s.node[NodeRow.UP, node] or s.node[NodeRow.BACK, node] != now:
        return False
    s.node[NodeRow.UP, node], s.node[NodeRow.BACK, node] = 1, 0
    s.n[ControllerCount.DOWN] -= 1
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
    return True


@kernel
def _attempt_is_due(s, r, q, park, kind, attempt, now):
    """What a Due of an attempt does; nothing if the job is no longer in that attempt.  Whether anything ended.

    kind   a Due but NODE_BACK;  attempt  its number, as the heap held it
    Entries are never taken out of the heap ahead of their time; a job that was cut short has another attempt by now, by
    which
    an old entry is known.
    """
    job = s.att[AttemptRow.JOB, attempt]
    state, same = s.job[JobRow.STATE, job], s.job[JobRow.ATTEMPT, job] == attempt
    if kind == Due.EXEMPT_OVER:
        if state == JobState.RUNNING and s.job[JobRow.START, job] + r.qos[QosRow.EXEMPT, q.of[Request.QOS, job]] == now:
            s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
        return False
    if kind == Due.RELEASE:
        if state != JobState.COMPLETING or not same:
            return False
        mark_completing(s, q, job, -1)
        for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
            settle_node(s, s.nodes[k], now)
        s.job[JobRow.STATE, job] = JobState.ENDED
        s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
        return True
    if state != JobState.RUNNING or not same:
        return False
    if kind == Due.GRACE_OVER:
        again = r.qos[QosRow.MODE, q.of[Request.QOS, job]] == PreemptMode.REQUEUE
        interrupt(s, r, q, park, job, now, AttemptEnd.PREEMPTED, -1, again)
    else:
        finish_job(s, r, q, job, now)
    return True


@kernel
def _due_ends(s, r, q, park, now):
    """All that was due: jobs that end or have completed, graces that are over, nodes that were repaired.

    They come in the order in which they were put into the heap.  True if the timeline needs a row.
    """
    any_ = False
    while s.n[ControllerCount.HEAP] > 0 and s.heap_time[0] == now:
        entry = s.heap_entry[0]
        pop_due(s.heap_time, s.heap_entry, s.n[ControllerCount.HEAP])
        s.n[ControllerCount.HEAP] -= 1
        kind, number = (entry >> NUMBER_BITS) & ((1 << KIND_BITS) - 1), entry & ((1 << NUMBER_BITS) - 1)
        if kind == Due.NODE_BACK:
            any_ |= _node_comes_back(s, number, now)
        else:
            any_ |= _attempt_is_due(s, r, q, park, kind, number, now)
    return any_


@kernel
def _lose_suspended(s, r, q, park, node, event, now):
    """Jobs suspended on a node that fails are lost like running ones.

    event   index of the node event.  They lose what no checkpoint holds, and queue again.
    """
    if s.n[ControllerCount.SUSPENDED] == 0:
        return
    for job in range(q.of.shape[1]):
        if s.job[JobRow.STATE, job] == JobState.SUSPENDED:
            on = False
            for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
                on |= s.nodes[k] == node
            if on:
                interrupt(s, r, q, park, job, now, AttemptEnd.NODE_FAILED, event, AGAIN)


@kernel
def _turn_nodes(s, r, q, park, events, now):
    """Nodes go down, come back, or begin to drain.

    Events of one second are handled in their order.  A node that fails takes along every job that has a part on it, whose
    other
    nodes become free; one that drains lets its jobs end.  Each turn makes the next passes look at all.  True if any turned.
    """
    any_ = False
    while s.n[ControllerCount.TURNS] < events.time_s.size and events.time_s[s.n[ControllerCount.TURNS]] == now:
        event = s.n[ControllerCount.TURNS]
        node = events.node[event]
        s.n[ControllerCount.TURNS] += 1
        any_ = True
        if events.kind[event] == NodeTurn.BACK:
            if not s.node[NodeRow.UP, node]:
                s.node[NodeRow.UP, node] = 1
                s.node[NodeRow.BACK, node] = 0
                s.n[ControllerCount.DOWN] -= 1
        elif events.kind[event] == NodeTurn.DRAIN:
            if s.node[NodeRow.UP, node]:
                s.node[NodeRow.DRAINING, node] = max(events.repair_s[event], 1)
                settle_node(s, node, now)
        elif s.node[NodeRow.UP, node]:
            at = s.n[ControllerCount.SLOTS] - 1
            while at >= 0:
                job = s.job[JobRow.RUN_LIST, at]
                on = False
                for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
                    on |= s.nodes[k] == node
                if on and s.job[JobRow.STATE, job] == JobState.RUNNING:
                    interrupt(s, r, q, park, job, now, AttemptEnd.NODE_FAILED, event, AGAIN)
                at = min(at, s.n[ControllerCount.SLOTS]) - 1
            _lose_suspended(s, r, q, park, node, event, now)
            if s.node[NodeRow.UP, node]:
                s.node[NodeRow.UP, node] = 0
                s.n[ControllerCount.DOWN] += 1
            s.node[NodeRow.DRAINING, node] = s.node[NodeRow.BACK, node] = 0
            s.n[ControllerCount.FAILED_NODES] += 1
        else:
            s.node[NodeRow.BACK, node] = 0  # it fails while it is repaired, and is back when a turn says so
        s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
    return any_


@kernel
def _arrivals(s, r, q, park, now):
    """Jobs that may start from now on join the queue.

    Their order is JobRow.COMING, by when they are eligible [s].  True if any came.
    """
    any_ = False
    while (
        s.n[ControllerCount.ARRIVED] < q.of.shape[1]
        and q.of[Request.ELIGIBLE, s.job[JobRow.COMING, s.n[ControllerCount.ARRIVED]]] == now
    ):
        enqueue(s, r, q, park, s.job[JobRow.COMING, s.n[ControllerCount.ARRIVED]], now)
        s.n[ControllerCount.ARRIVED] += 1
        s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
        any_ = True
    return any_


@kernel
def _next_time(s, r, q, events):
    """The next second at which anything happens.

    NEVER if nothing is to come.  Ticks, passes and ends of reservations matter only while somebody waits, so without a queue
    the
    time leaps over them.
    """
    now = s.heap_time[0] if s.n[ControllerCount.HEAP] > 0 else NEVER
    if s.n[ControllerCount.ARRIVED] < q.of.shape[1]:
        now = min(now, q.of[Request.ELIGIBLE, s.job[JobRow.COMING, s.n[ControllerCount.ARRIVED]]])
    if s.n[ControllerCount.TURNS] < events.time_s.size:
        now = min(now, events.time_s[s.n[ControllerCount.TURNS]])
    if s.n[ControllerCount.WAITING] > 0:
        for k in range(r.resv.shape[1]):
            end = reserved_until_s(r, k, s.n[ControllerCount.RESV])
            if end > s.n[ControllerCount.RESV]:
                now = min(now, end)
        if r.multifactor:
            now = min(now, s.n[ControllerCount.NEXT_TICK])
        if r.backfill != BackfillKind.NONE and r.bf_interval_s > 0 and s.n[ControllerCount.CHANGED]:
            now = min(now, s.n[ControllerCount.NEXT_BACKFILL])
        if r.sched_interval_s > 0 and s.n[ControllerCount.PARTIAL]:
            now = min(now, s.n[ControllerCount.NEXT_MAIN])
    return now


@kernel
def _due_passes(s, r, q, park, now):
    """The passes that are due at an instant.

    The main pass looks at `depth` jobs where an event set it off, and at all when `sched_interval_s` has passed or is 0.
    Backfill
    passes follow on one another, `bf_interval_s` and what the last one took apart [s]; with an interval of 0 there is one at
    every
    event.  A pass in which a job had others stopped begins anew at once.
    """
    if s.n[ControllerCount.MAIN_CHANGED] or (s.n[ControllerCount.PARTIAL] and now >= s.n[ControllerCount.NEXT_MAIN]):
        full = r.sched_interval_s == 0 or now >= s.n[ControllerCount.NEXT_MAIN]
        main_pass(s, r, q, park, now, NEVER if full else np.int64(r.depth))
        s.n[ControllerCount.PARTIAL] = 0 if full else 1
        if full and r.sched_interval_s > 0:
            s.n[ControllerCount.NEXT_MAIN] = now + r.sched_interval_s
    if (
        r.backfill != BackfillKind.NONE
        and s.n[ControllerCount.CHANGED]
        and (r.bf_interval_s == 0 or now >= s.n[ControllerCount.NEXT_BACKFILL])
    ):
        s.n[ControllerCount.LOOKED] = 0
        while s.n[ControllerCount.WAITING] > 0 and backfill_pass(s, r, q, park, now):
            pass
        s.n[ControllerCount.CHANGED] = 0
        s.f[Running.PASS_S] += r.bf_test_s * s.n[ControllerCount.LOOKED]
        s.n[ControllerCount.BF_PERIOD] = r.bf_interval_s + np.int64(s.f[Running.PASS_S])
        s.f[Running.PASS_S] -= np.int64(s.f[Running.PASS_S])
        s.n[ControllerCount.NEXT_BACKFILL] = now + s.n[ControllerCount.BF_PERIOD]
    s.n[ControllerCount.MAIN_CHANGED] = 0  # what the passes themselves changed they have looked at


@kernel
def _is_stuck(s, r, q, events, now):
    """Whether those who wait never start: nothing runs, comes or turns, ages are at their most, reservations came round.

    Such a run would tick for ever: priorities are worked out again and again and nobody starts.  Its jobs stay waiting in
    the
    result, which the caller sees by their outcome.
    """
    if (
        s.n[ControllerCount.HEAP] > 0
        or s.n[ControllerCount.ARRIVED] < q.of.shape[1]
        or s.n[ControllerCount.TURNS] < events.time_s.size
    ):
        return False
    patience = np.int64(max(PATIENCE_S, r.max_age_s))
    for k in range(r.resv.shape[1]):
        if reserved_until_s(r, k, now - 1) >= now and r.resv[ReservationRow.EVERY, k] == 0:
            return False
        patience = max(patience, r.resv[ReservationRow.LENGTH, k] + 2 * r.resv[ReservationRow.EVERY, k])
    return now - s.n[ControllerCount.LAST_CHANGE] > patience


@kernel
def advance(s, q, r, park, events, until_s):
    """Go on with a run up to, not including, `until_s` [s].  May be called again with a later time.

    The state is changed in place; rules, jobs, nodes and events must be the ones that it was made of.
    until_s   also the horizon: jobs that still run then stay running in the state, for the caller to cut
    A row of the timeline is written at every instant at which something has changed, and for no other.
    """
    while True:
        now = _next_time(s, r, q, events)
        if now >= until_s:
            return
        if s.n[ControllerCount.WAITING] > 0 and r.bf_interval_s > 0 and s.n[ControllerCount.NEXT_BACKFILL] < now:
            # passes in which nothing had changed went by on the way
            s.n[ControllerCount.NEXT_BACKFILL] += (
                -(-(now - s.n[ControllerCount.NEXT_BACKFILL]) // s.n[ControllerCount.BF_PERIOD])
                * s.n[ControllerCount.BF_PERIOD]
            )
        changed = _due_ends(s, r, q, park, now)
        changed |= _turn_nodes(s, r, q, park, events, now)
        for k in range(r.resv.shape[1]):
            if reserved_until_s(r, k, now - 1) == now:
                s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
        s.n[ControllerCount.RESV] = now
        changed |= _arrivals(s, r, q, park, now)
        if r.multifactor and s.n[ControllerCount.WAITING] > 0 and now >= s.n[ControllerCount.NEXT_TICK]:
            reorder(s, r, q, park, now)
            s.n[ControllerCount.NEXT_TICK] = (now // r.calc_period_s + 1) * r.calc_period_s
            s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
        changed |= resume_suspended(s, r, q, now)
        before = s.n[ControllerCount.STARTED] + s.n[ControllerCount.PREEMPTIONS]
        if s.n[ControllerCount.WAITING] > 0:
            _due_passes(s, r, q, park, now)
        changed |= resume_suspended(s, r, q, now)
        if changed or s.n[ControllerCount.STARTED] + s.n[ControllerCount.PREEMPTIONS] != before:
            _note(s, park, now)
            s.n[ControllerCount.LAST_CHANGE] = now
        elif _is_stuck(s, r, q, events, now):
            return


def warm_up() -> None:
    """Runs nothing on one node, which has the kernels compiled with the types that every run has.

    Compilation is slow, the first time; `compiled.kernels` keeps the result in the user's cache folder.
    """
    jobs, rules, park = smallest_run()
    advance(new_controller_state(jobs, rules, park, no_events()), jobs, rules, park, no_events(), 1)
