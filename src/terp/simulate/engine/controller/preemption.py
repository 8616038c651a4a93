"""Stopping jobs for others: who is stopped, at once, after a grace, or suspended; and suspended jobs going on.

Those that may be stopped are put in order, the least dear first, and given back one after another in a look ahead until the
job would fit; of these only those are stopped that stand on the nodes that were chosen.  A job whose victims have a grace
waits for the longest of them and then asks again.  How often jobs may be stopped in a run is bounded, so that two QOS that
stop each other come to an end.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
other  a job that is stopped for `job`;  now  [s]

As with Slurm's preempt/qos: which QOS may stop which is a table, the mode (requeue, cancel, suspend) is that of the job that
is stopped, and a job is exempt for its first PreemptExemptTime seconds.  Suspended jobs keep their place in all limits, give
their nodes back, and go on on just these nodes.
"""

from terp.simulate.engine.controller.controller_rows import (
    AttemptRow,
    ControllerCount,
    Due,
    JobRow,
    JobState,
    NodeRow,
    PreemptMode,
    QosFactor,
    QosRow,
    Request,
)
from terp.simulate.engine.controller.job_limits import add_load
from terp.simulate.engine.controller.job_queue import unqueue
from terp.simulate.engine.controller.node_map import choose_nodes, fits_on, give_back, look_ahead, takes_whole_nodes
from terp.simulate.engine.controller.start_stop import add_due, free_nodes, interrupt, needed_s, occupy, sort_in, start_job
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def _victim_before(s, r, q, a, b):
    """Whether a is stopped rather than b: the lower QOS, then the later start, then the higher number.

    So the job of least priority goes first, and of those the one that loses least work.
    """
    fa, fb = r.qos_x[QosFactor.RANK, q.of[Request.QOS, a]], r.qos_x[QosFactor.RANK, q.of[Request.QOS, b]]
    if fa != fb:
        return fa < fb
    if s.job[JobRow.START, a] != s.job[JobRow.START, b]:
        return s.job[JobRow.START, a] > s.job[JobRow.START, b]
    return a > b


@kernel
def _find_victims(s, r, q, job, now):
    """Running jobs that may be stopped for this one, in the order in which they would be; how many.

    They are written to JobRow.VICTIMS, by insertion.  A QOS whose mode is off is never stopped, nor is a job within its
    exempt
    time, nor one that is suspended already.
    """
    count, mine = 0, q.of[Request.QOS, job]
    if not r.qos[QosRow.PREEMPTS, mine]:
        return 0
    for k in range(s.n[ControllerCount.SLOTS]):
        other = s.job[JobRow.RUN_LIST, k]
        theirs = q.of[Request.QOS, other]
        if (
            s.job[JobRow.STATE, other] != JobState.RUNNING
            or not r.qos_preempts[mine, theirs]
            or r.qos[QosRow.MODE, theirs] == PreemptMode.OFF
        ):
            continue
        if now - s.job[JobRow.START, other] < r.qos[QosRow.EXEMPT, theirs]:
            continue
        at = count
        while at > 0 and _victim_before(s, r, q, other, s.job[JobRow.VICTIMS, at - 1]):
            s.job[JobRow.VICTIMS, at] = s.job[JobRow.VICTIMS, at - 1]
            at -= 1
        s.job[JobRow.VICTIMS, at] = other
        count += 1
    return count


@kernel
def _room_by_preemption(s, r, q, park, job, now):
    """How many of the first victims, with what is free, are enough; -1 if all are not.  Chooses the nodes.

    Nodes are chosen from NodeRow.AVAIL, in a look ahead in which the victims are gone; what is true now does not change.
    """
    count = _find_victims(s, r, q, job, now)
    if count == 0:
        return -1
    look_ahead(s)
    for k in range(count):
        give_back(s, r, q, s.job[JobRow.VICTIMS, k])
        if choose_nodes(s, r, q, park, job, NodeRow.AHEAD):
            return k + 1
    return -1


@kernel
def _stop_for(s, r, q, park, other, now):
    """Stop a job for another: at once, or after its grace.  When its nodes are free.

    other    a running job, stopped by the mode of its own QOS
    Gives the time at which its nodes are free [s]: now, or the end of its grace.  A job that was asked before is not asked
    again,
    and counts once against STOPS_LEFT.
    """
    if s.job[JobRow.GOING, other] > 0:
        return s.job[JobRow.GOING, other]
    qos = q.of[Request.QOS, other]
    mode, grace = r.qos[QosRow.MODE, qos], r.qos[QosRow.GRACE, qos]
    s.n[ControllerCount.PREEMPTIONS] += 1
    s.n[ControllerCount.STOPS_LEFT] -= 1
    if mode == PreemptMode.SUSPEND:
        due = min(needed_s(s, r, q, other), q.of[Request.LIMIT, other] + r.over_s)
        s.job[JobRow.LEFT, other] = s.job[JobRow.START, other] + s.job[JobRow.AWAY, other] + due - now
        add_load(s, r, q, other, now, -1)
        free_nodes(s, r, q, other, now)
        s.job[JobRow.STATE, other] = JobState.SUSPENDED
        attempt = s.job[JobRow.ATTEMPT, other]
        s.att[AttemptRow.END, attempt], s.att[AttemptRow.OUTCOME, attempt] = now, AttemptEnd.PREEMPTED
        s.job[JobRow.AWAY, other] -= now
        s.n[ControllerCount.SUSPENDED] += 1
        return now
    if grace > 0:
        s.job[JobRow.GOING, other] = now + grace
        add_due(s, now + grace, Due.GRACE_OVER, s.job[JobRow.ATTEMPT, other])
        return now + grace
    interrupt(s, r, q, park, other, now, AttemptEnd.PREEMPTED, -1, mode == PreemptMode.REQUEUE)
    return now


@kernel
def preempt(s, r, q, park, job, now):
    """Stop others for this job.  True if it can start now on the chosen nodes; if not, it asks again after their grace.

    Among the first victims that make room only those on a chosen node are stopped; the rest run on.
    JobRow.ASKED holds the time until which the job waits for their grace [s]; until then it stops nobody else.
    False also where nobody can be stopped, or where the run's number of stops is used up.
    """
    if s.job[JobRow.ASKED, job] > now:
        return False
    count = _room_by_preemption(s, r, q, park, job, now)
    if count < 0 or count > s.n[ControllerCount.STOPS_LEFT]:
        return False
    for node in range(s.node.shape[1]):
        s.node[NodeRow.FIT, node] = False
    for k in range(q.of[Request.NODES, job]):
        s.node[NodeRow.FIT, s.node[NodeRow.CHOSEN, k]] = True
    for k in range(count):
        other = s.job[JobRow.VICTIMS, k]
        needed = False
        for m in range(s.job[JobRow.NODES_FROM, other], s.job[JobRow.NODES_FROM, other] + q.of[Request.NODES, other]):
            needed |= s.node[NodeRow.FIT, s.nodes[m]]
        if needed:
            s.job[JobRow.ASKED, job] = max(s.job[JobRow.ASKED, job], _stop_for(s, r, q, park, other, now))
    return s.job[JobRow.ASKED, job] <= now


@kernel
def resume_suspended(s, r, q, now):
    """Suspended jobs go on, in order of their numbers, where all their nodes have room again.

    Each goes on as a new attempt with what it had left to run, and its limit is later by the time it was away [s].
    Asked before and after the passes of an instant, in both places by the same rule.  True if
    any
    went on.
    """
    any_ = False
    if s.n[ControllerCount.SUSPENDED] == 0:
        return any_
    for job in range(q.of.shape[1]):
        if s.job[JobRow.STATE, job] != JobState.SUSPENDED:
            continue
        whole, free = takes_whole_nodes(r, q, job), True
        for k in range(s.job[JobRow.NODES_FROM, job], s.job[JobRow.NODES_FROM, job] + q.of[Request.NODES, job]):
            node = s.nodes[k]
            free &= (
                bool(s.node[NodeRow.UP, node])
                and s.node[NodeRow.COMPLETING, node] == 0
                and fits_on(s, q, job, NodeRow.FREE, node, whole)
            )
        if not free or s.n[ControllerCount.ATTEMPTS] + 1 >= s.att.shape[1]:
            continue
        attempt = s.n[ControllerCount.ATTEMPTS]
        s.n[ControllerCount.ATTEMPTS] += 1
        s.att[AttemptRow.JOB, attempt], s.att[AttemptRow.START, attempt] = job, now
        s.att[AttemptRow.OUTCOME, attempt] = AttemptEnd.STILL_RUNNING
        s.att[AttemptRow.NODE, attempt] = s.nodes[s.job[JobRow.NODES_FROM, job]]
        s.job[JobRow.ATTEMPT, job], s.job[JobRow.STATE, job] = attempt, JobState.RUNNING
        s.job[JobRow.AWAY, job] += now
        s.job[JobRow.LIMIT_END, job] = s.job[JobRow.START, job] + s.job[JobRow.AWAY, job] + q.of[Request.LIMIT, job]
        occupy(s, r, q, job, 1)
        add_load(s, r, q, job, now, 1)
        sort_in(s, job)
        add_due(s, now + s.job[JobRow.LEFT, job], Due.END, attempt)
        s.n[ControllerCount.SUSPENDED] -= 1
        any_ = True
    return any_


@kernel
def start_after_preemption(s, r, q, job, now):
    """Start a job whose place in the queue may have changed with those that were stopped for it.

    The nodes must still be those that `preempt` chose.
    """
    at = 0
    while s.job[JobRow.QUEUE, at] != job:
        at += 1
    unqueue(s, q, at)
    start_job(s, r, q, job, now, 0)
