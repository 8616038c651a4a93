"""Starts and ends of jobs: what they hold on their nodes, how long they run, and what is lost when they are stopped.

A job goes from waiting to running, on to completing, in which it still keeps its nodes from others, and to its end; or back
to waiting, when its node fails or it is stopped for another.  Every attempt is noted with its start, end and outcome.  What
is due of it lies in the heap until its time; whether it still holds is asked then, by the number of the attempt.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
job, node  their numbers;  now  [s]
sign  1: take, -1: give back
"""

from terp.simulate.engine.controller.controller_rows import (
    KIND_BITS,
    NUMBER_BITS,
    AttemptRow,
    ControllerCount,
    Due,
    FreeRow,
    JobRow,
    JobState,
    NodeRow,
    QosRow,
    Request,
)
from terp.simulate.engine.controller.job_limits import add_load, count_held
from terp.simulate.engine.controller.job_queue import enqueue
from terp.simulate.engine.controller.node_map import hold_node, takes_whole_nodes
from terp.simulate.engine.shared.checkpoints import saved_work_s, with_writes_s
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.event_heap import push_due
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def add_due(s, time_s, kind, number):
    """Note what is due at a time: a Due of an attempt or of a node.  An entry is its serial number, the Due, the number."""
    entry = (((s.n[ControllerCount.SERIAL] << KIND_BITS) + kind) << NUMBER_BITS) + number
    push_due(s.heap_time, s.heap_entry, s.n[ControllerCount.HEAP], time_s, entry)
    s.n[ControllerCount.HEAP] += 1
    s.n[ControllerCount.SERIAL] += 1


@kernel
def occupy(s, r, q, job, sign):
    """Take (1) or give back (-1) what a job holds on its nodes."""
    whole = takes_whole_nodes(r, q, job)
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        hold_node(s, q, job, NodeRow.FREE, s.nodes[k], whole, sign)


@kernel
def sort_in(s, job):
    """Put a job among the running ones by its requested end."""
    at = s.n[ControllerCount.SLOTS]
    while at > 0 and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at - 1]] > s.job[JobRow.LIMIT_END, job]:
        s.job[JobRow.RUN_LIST, at] = s.job[JobRow.RUN_LIST, at - 1]
        at -= 1
    s.job[JobRow.RUN_LIST, at] = job
    s.n[ControllerCount.SLOTS] += 1


@kernel
def _take_out(s, job):
    """Take a job out of the list of running ones."""
    at = 0
    while s.job[JobRow.RUN_LIST, at] != job:
        at += 1
    for k in range(at, s.n[ControllerCount.SLOTS] - 1):
        s.job[JobRow.RUN_LIST, k] = s.job[JobRow.RUN_LIST, k + 1]
    s.n[ControllerCount.SLOTS] -= 1


@kernel
def needed_s(s, r, q, job):
    """Seconds from start to end if nothing happens: launch, setting up again, what is left, and its checkpoints."""
    left_s = q.of[Request.WORK, job] - s.job[JobRow.SAVED, job]
    taken_s = with_writes_s(left_s, q.of[Request.CHECKPOINT, job], q.of[Request.WRITE, job])
    return r.launch_s + (q.of[Request.RESTART, job] if s.job[JobRow.SAVED, job] > 0 else 0) + taken_s


@kernel
def start_job(s, r, q, job, now, late):
    """Start a job on the chosen nodes, which it holds from now on, in `late` seconds; it must be out of the queue."""
    begin = now + late
    at = s.job[JobRow.NODES_FROM, job]
    for k in range(q.of[Request.NODES, job]):
        s.nodes[at + k] = s.node[NodeRow.CHOSEN, k]
    attempt = s.n[ControllerCount.ATTEMPTS]
    s.n[ControllerCount.ATTEMPTS] += 1
    s.att[AttemptRow.JOB, attempt], s.att[AttemptRow.START, attempt] = job, begin
    s.att[AttemptRow.OUTCOME, attempt], s.att[AttemptRow.NODE, attempt] = AttemptEnd.STILL_RUNNING, s.node[NodeRow.CHOSEN, 0]
    s.job[JobRow.ATTEMPT, job], s.job[JobRow.START, job], s.job[JobRow.STATE, job] = attempt, begin, JobState.RUNNING
    s.job[JobRow.LIMIT_END, job] = begin + q.of[Request.LIMIT, job]
    s.job[JobRow.AWAY, job] = 0
    s.job[JobRow.ASKED, job] = s.job[JobRow.GOING, job] = 0
    if s.job[JobRow.FIRST_START, job] < 0:
        s.job[JobRow.FIRST_START, job] = begin
    occupy(s, r, q, job, 1)
    count_held(s, r, q, job, 1)
    add_load(s, r, q, job, now, 1)
    sort_in(s, job)
    add_due(s, begin + min(needed_s(s, r, q, job), q.of[Request.LIMIT, job] + r.over_s), Due.END, attempt)
    qos = q.of[Request.QOS, job]
    if r.qos[QosRow.EXEMPT, qos] > 0 and r.qos[QosRow.STOPPABLE, qos]:
        add_due(s, begin + r.qos[QosRow.EXEMPT, qos], Due.EXEMPT_OVER, attempt)
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
    s.n[ControllerCount.STARTED] += 1


@kernel
def _end_attempt(s, r, q, job, now, outcome, event):
    """End an attempt: the job no longer runs, and unless it is completing its nodes are free."""
    attempt = s.job[JobRow.ATTEMPT, job]
    s.att[AttemptRow.END, attempt], s.att[AttemptRow.EVENT, attempt] = now, event
    s.att[AttemptRow.OUTCOME, attempt] = outcome
    s.att[AttemptRow.START, attempt] = min(s.att[AttemptRow.START, attempt], now)  # one that a pass was yet to start
    count_held(s, r, q, job, -1)
    add_load(s, r, q, job, now, -1)
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1


@kernel
def settle_node(s, node, now):
    """A draining node that has run empty goes down for its repair."""
    busy = s.node[NodeRow.FREE + FreeRow.JOBS, node] + s.node[NodeRow.COMPLETING, node]
    if s.node[NodeRow.DRAINING, node] > 0 and busy == 0 and s.node[NodeRow.UP, node]:
        s.node[NodeRow.UP, node] = 0
        s.n[ControllerCount.DOWN] += 1
        s.node[NodeRow.BACK, node] = now + s.node[NodeRow.DRAINING, node]
        add_due(s, s.node[NodeRow.BACK, node], Due.NODE_BACK, node)
        s.node[NodeRow.DRAINING, node] = 0


@kernel
def free_nodes(s, r, q, job, now):
    """Free a job's nodes; draining ones that are empty now go down for their repair."""
    _take_out(s, job)
    occupy(s, r, q, job, -1)
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        settle_node(s, s.nodes[k], now)
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1


@kernel
def mark_completing(s, q, job, sign):
    """Note on a job's nodes that it completes there (1) or no longer (-1): plans count on them, yet nothing starts there."""
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        s.node[NodeRow.COMPLETING, s.nodes[k]] += sign


@kernel
def any_completing(s, q, job):
    """Whether a job completes on one of the chosen nodes."""
    some = False
    for k in range(q.of[Request.NODES, job]):
        some |= s.node[NodeRow.COMPLETING, s.node[NodeRow.CHOSEN, k]] > 0
    return some


@kernel
def finish_job(s, r, q, job, now):
    """A job comes to its end or its limit; others may start on its nodes once it has completed."""
    ran = now - s.job[JobRow.START, job] - s.job[JobRow.AWAY, job]
    worked = ran >= needed_s(s, r, q, job)
    outcome = AttemptEnd.DONE if worked else AttemptEnd.LIMIT_REACHED
    s.job[JobRow.LOST, job] += min(q.of[Request.RESTART, job] if s.job[JobRow.SAVED, job] > 0 else 0, ran)
    s.job[JobRow.ENDED, job], s.job[JobRow.OUTCOME, job] = now, outcome
    _end_attempt(s, r, q, job, now, outcome, -1)
    if r.complete_s > 0:
        s.job[JobRow.STATE, job] = JobState.COMPLETING
        _take_out(s, job)
        occupy(s, r, q, job, -1)
        mark_completing(s, q, job, 1)
        add_due(s, now + r.complete_s, Due.RELEASE, s.job[JobRow.ATTEMPT, job])
    else:
        free_nodes(s, r, q, job, now)
        s.job[JobRow.STATE, job] = JobState.ENDED


@kernel
def interrupt(s, r, q, park, job, now, outcome, event, again):
    """Stop a running or suspended job: what it did since its last checkpoint is lost; it queues again, or is at its end."""
    suspended = s.job[JobRow.STATE, job] == JobState.SUSPENDED
    if suspended:
        s.job[JobRow.AWAY, job] += now
        s.n[ControllerCount.SUSPENDED] -= 1
    ran = max(now - s.job[JobRow.START, job] - s.job[JobRow.AWAY, job], 0)
    over = r.launch_s + (q.of[Request.RESTART, job] if s.job[JobRow.SAVED, job] > 0 else 0)
    saved = saved_work_s(ran, over, q.of[Request.CHECKPOINT, job], q.of[Request.WRITE, job])
    s.job[JobRow.SAVED, job] += saved
    s.job[JobRow.LOST, job] += ran - saved
    if suspended:
        count_held(s, r, q, job, -1)
        s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1
    else:
        _end_attempt(s, r, q, job, now, outcome, event)
        free_nodes(s, r, q, job, now)
    if again:
        s.job[JobRow.RESTARTS, job] += 1
        enqueue(s, r, q, park, job, now)
    else:
        s.job[JobRow.STATE, job], s.job[JobRow.ENDED, job], s.job[JobRow.OUTCOME, job] = JobState.ENDED, now, outcome
