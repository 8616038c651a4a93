"""Starts and ends of jobs: what they hold on their nodes, how long they run, and what is lost when they are stopped.

A job goes from waiting to running, on to completing, in which it still keeps its nodes from others, and to its end; or back
to waiting, when its node fails or it is stopped for another.  Every attempt is noted with its start, end and outcome.  What
is due of it lies in the heap until its time; whether it still holds is asked then, by the number of the attempt.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
job, node  their numbers;  now  [s]
sign  1: take, -1: give back

Two lists keep what runs: the table of jobs by number, and JobRow.RUN_LIST, sorted by requested end, of which plans are made.
The calls below keep both, the free rows of the nodes, the sums of limits and the usage in step; who changes one of these
elsewhere breaks the others.  How a job's time is cut by checkpoints stands in `shared/checkpoints.py`.
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
    """Note what is due at a time: a Due of an attempt or of a node.  An entry is its serial number, the Due, the number.

    time_s   when it is due [s]
    kind     a Due, in KIND_BITS bits
    number   of the attempt, or of the node for Due.NODE_BACK; below 2^NUMBER_BITS
    As the serial number stands on top, entries that are due at one time come out in the order in which they went in.
    """
    entry = (((s.n[ControllerCount.SERIAL] << KIND_BITS) + kind) << NUMBER_BITS) + number
    push_due(s.heap_time, s.heap_entry, s.n[ControllerCount.HEAP], time_s, entry)
    s.n[ControllerCount.HEAP] += 1
    s.n[ControllerCount.SERIAL] += 1


@kernel
def occupy(s, r, q, job, sign):
    """Take (1) or give back (-1) what a job holds on its nodes.

    Works on what is free now (NodeRow.FREE), for the nodes that `start_job` wrote down; a look ahead is left as it is.
    """
    whole = takes_whole_nodes(r, q, job)
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        hold_node(s, q, job, NodeRow.FREE, s.nodes[k], whole, sign)


@kernel
def sort_in(s, job):
    """Put a job among the running ones by its requested end.

    The list is JobRow.RUN_LIST; its first ControllerCount.SLOTS places count.  Of like ends the job that came first stays
    first.
    The place is found by insertion from the end, since most new jobs end late.
    """
    at = s.n[ControllerCount.SLOTS]
    while at > 0 and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at - 1]] > s.job[JobRow.LIMIT_END, job]:
        s.job[JobRow.RUN_LIST, at] = s.job[JobRow.RUN_LIST, at - 1]
        at -= 1
    s.job[JobRow.RUN_LIST, at] = job
    s.n[ControllerCount.SLOTS] += 1


@kernel
def _take_out(s, job):
    """Take a job out of the list of running ones.

    The job must be in the list: the search has no bound of its own.
    """
    at = 0
    while s.job[JobRow.RUN_LIST, at] != job:
        at += 1
    for k in range(at, s.n[ControllerCount.SLOTS] - 1):
        s.job[JobRow.RUN_LIST, k] = s.job[JobRow.RUN_LIST, k + 1]
    s.n[ControllerCount.SLOTS] -= 1


@kernel
def needed_s(s, r, q, job):
    """Seconds from start to end if nothing happens: launch, setting up again, what is left, and its checkpoints.

    The result counts from the attempt's start [s].  Setting up again is paid only by a job that has saved work, and a
    checkpoint
    is written after each interval but the last.  The limit is not looked at here; `start_job` takes the lesser of the two.
    """
    left_s = q.of[Request.WORK, job] - s.job[JobRow.SAVED, job]
    taken_s = with_writes_s(left_s, q.of[Request.CHECKPOINT, job], q.of[Request.WRITE, job])
    return r.launch_s + (q.of[Request.RESTART, job] if s.job[JobRow.SAVED, job] > 0 else 0) + taken_s


@kernel
def start_job(s, r, q, job, now, late):
    """Start a job on the chosen nodes, which it holds from now on, in `late` seconds; it must be out of the queue.

    The nodes are those of NodeRow.CHOSEN, as `choose_nodes` left them; as many as the job asks for.
    late   how long a backfill pass has taken before it comes to this job [s]; the nodes are held from now, the work begins
    then
    Notes an attempt, its end as due at the lesser of what it needs and its limit (with what slurm.conf's OverTimeLimit
    adds), and
    the time from which it may be stopped for others, where its QOS has one.
    """
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
    """End an attempt: the job no longer runs, and unless it is completing its nodes are free.

    outcome   an AttemptEnd;  event  index of the node event that cut it short, -1: none did
    Usage is charged up to now before the job's rate is taken off, so what it used is counted to the second.
    """
    attempt = s.job[JobRow.ATTEMPT, job]
    s.att[AttemptRow.END, attempt], s.att[AttemptRow.EVENT, attempt] = now, event
    s.att[AttemptRow.OUTCOME, attempt] = outcome
    s.att[AttemptRow.START, attempt] = min(s.att[AttemptRow.START, attempt], now)  # one that a pass was yet to start
    count_held(s, r, q, job, -1)
    add_load(s, r, q, job, now, -1)
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1


@kernel
def settle_node(s, node, now):
    """A draining node that has run empty goes down for its repair.

    Nothing happens while a job runs or completes there.  The repair takes what NodeRow.DRAINING holds [s], and its end is
    due as
    Due.NODE_BACK; from now on the node counts as down, not as draining.
    """
    busy = s.node[NodeRow.FREE + FreeRow.JOBS, node] + s.node[NodeRow.COMPLETING, node]
    if s.node[NodeRow.DRAINING, node] > 0 and busy == 0 and s.node[NodeRow.UP, node]:
        s.node[NodeRow.UP, node] = 0
        s.n[ControllerCount.DOWN] += 1
        s.node[NodeRow.BACK, node] = now + s.node[NodeRow.DRAINING, node]
        add_due(s, s.node[NodeRow.BACK, node], Due.NODE_BACK, node)
        s.node[NodeRow.DRAINING, node] = 0


@kernel
def free_nodes(s, r, q, job, now):
    """Free a job's nodes; draining ones that are empty now go down for their repair.

    The job leaves the list of what runs; its state and its attempt are for the caller to set.
    """
    _take_out(s, job)
    occupy(s, r, q, job, -1)
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        settle_node(s, s.nodes[k], now)
    s.n[ControllerCount.CHANGED] = s.n[ControllerCount.MAIN_CHANGED] = 1


@kernel
def mark_completing(s, q, job, sign):
    """Note on a job's nodes that it completes there (1) or no longer (-1): plans count on them, yet nothing starts there.

    Slurm's CG state: the epilog runs on the node, whose resources the backfill plan takes for free while the main pass does
    not.
    """
    for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
        s.node[NodeRow.COMPLETING, s.nodes[k]] += sign


@kernel
def any_completing(s, q, job):
    """Whether a job completes on one of the chosen nodes.

    Where it is so, a start that the plan holds for now is moved by a second, and so is not made in this pass.
    """
    some = False
    for k in range(q.of[Request.NODES, job]):
        some |= s.node[NodeRow.COMPLETING, s.node[NodeRow.CHOSEN, k]] > 0
    return some


@kernel
def finish_job(s, r, q, job, now):
    """A job comes to its end or its limit; others may start on its nodes once it has completed.

    It is done if it ran for all that it needed, and has reached its limit if it did not.  Setting up again counts as lost
    [s].
    With a time of completion (`complete_s` > 0) its nodes are marked until Due.RELEASE; without one they are free at once.
    """
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
    """Stop a running or suspended job: what it did since its last checkpoint is lost; it queues again, or is at its end.

    outcome   an AttemptEnd: why it was stopped;  event  index of the node event that did it, -1: none
    again     whether it joins the queue anew; if not, this outcome is its last
    What whole checkpoints hold is kept, and the rest of the time that it ran becomes lost time, launch and set-up included
    [s].
    A suspended job holds no nodes and draws nothing, so only the sums that limits look at are taken back.
    """
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
