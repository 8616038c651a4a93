"""Attempts to run jobs: a start, an end, and what a failing node does to those it runs.

A running job has a slot, which holds what is asked of it at every event; the attempt is its line in the record.  Its end is
due when its work is done or its limit is reached, whichever is sooner, and stays in the heap if a failure comes first: then
the slot tells that it is another attempt's by now.

s  the state, a CoreState;  per_node  GPUs of a node;  slot  a place for one running job
jobs  CoreJobs;  rules  CoreRules;  job, node  their numbers;  now  [s]

Every start takes a slot and a number of an attempt, and every end gives the slot back, so slots never run out: there are as
many as GPUs.  Counts of free GPUs, requested ends and account usage are kept in step here and nowhere else.
"""

from terp.simulate.engine.core.account_shares import charge_account
from terp.simulate.engine.core.core_state import SLOT_BITS, Count
from terp.simulate.engine.core.free_nodes import add_end, next_node, requested_end_s, set_end, set_free
from terp.simulate.engine.core.node_drains import add_due, settle_drain
from terp.simulate.engine.core.waiting_queue import enqueue_job
from terp.simulate.engine.shared.checkpoints import saved_work_s, with_writes_s
from terp.simulate.engine.shared.codes import NEVER, AttemptEnd
from terp.simulate.engine.shared.kernel_options import inlined, kernel


@inlined
def need_s(s, jobs, job):
    """Time until a job would end if it started now: resuming, what work is left, and a checkpoint between its pieces.

    Without its limit [s]; who asks takes the lesser of the two.
    """
    taken_s = with_writes_s(jobs.work_s[job] - s.done_s[job], jobs.checkpoint_s[job], jobs.write_s[job])
    return taken_s + (jobs.restart_s[job] if s.done_s[job] > 0 else 0)


@inlined
def written_after_s(jobs, job, ran):
    """Of the time after resuming that a job ran: how much went into checkpoints.

    A piece is work and its write; a part of a write that was cut short counts as writing [s].  0 where no checkpoints are
    written.
    """
    piece, write = jobs.checkpoint_s[job], jobs.write_s[job]
    if piece <= 0 or ran <= 0:
        return 0
    return ran // (piece + write) * write + max(ran % (piece + write) - piece, 0)


@inlined
def start_attempt(s, jobs, rules, job, now, per_node, node):
    """Start a job now: on `node` if it shares one, else on the lowest-numbered idle nodes.

    node   where a job smaller than a node goes, as `choose_shared` gave it; of no meaning for others
    There must be room: that is for the pass to know.  The entry in the queue is the caller's to take out.
    """
    s.n[Count.SLOTS] -= 1
    slot = s.free_slots[s.n[Count.SLOTS]]
    attempt = s.n[Count.ATTEMPTS]
    s.n[Count.ATTEMPTS] += 1
    end = now + jobs.limit_s[job]
    s.slot_job[slot], s.slot_start[slot], s.slot_attempt[slot] = job, now, attempt
    s.slot_limit_end[slot] = end
    s.attempt_job[attempt], s.attempt_start[attempt], s.attempt_outcome[attempt] = job, now, AttemptEnd.STILL_RUNNING
    gpus, entry = jobs.gpus[job], s.n[Count.NODE_ENTRIES]
    if gpus < per_node:
        left = gpus
        for gpu in range(per_node):
            if left > 0 and s.owner[node, gpu] < 0:
                s.owner[node, gpu] = slot
                left -= 1
        set_free(s, node, s.free[node] - gpus)
        if end > s.node_end[node]:
            set_end(s, node, end)
        s.attempt_nodes[entry] = node
        entry += 1
    else:
        idle = 0
        for _ in range(gpus // per_node):
            idle = next_node(s, per_node, idle)
            s.owner[idle, :] = slot
            set_free(s, idle, 0)
            s.node_end[idle] = end
            s.attempt_nodes[entry] = idle
            entry += 1
        add_end(s, end, gpus // per_node)
    s.n[Count.NODE_ENTRIES] = s.attempt_nodes_from[attempt + 1] = entry
    if s.first_start_s[job] < 0:
        s.first_start_s[job] = now
    s.n[Count.WAITING] -= 1
    s.n[Count.QUEUED_GPUS] -= gpus
    add_due(s, now + min(need_s(s, jobs, job), jobs.limit_s[job]), (attempt << SLOT_BITS) + slot)
    s.n[Count.BUSY] += gpus
    s.n[Count.RUNNING] += 1
    s.dynamic_w[0] += jobs.power_w[job]
    if rules.ranked:
        charge_account(s, rules, jobs.account[job], now)
        s.usage_gpus[jobs.account[job]] += gpus


@inlined
def release(s, jobs, rules, slot, now, outcome, event):
    """Take a running job off its nodes and close its attempt.

    outcome   an AttemptEnd;  event  index of the node event that cut it short, -1: none
    Nodes that drain and are empty now go down for their repair.  Requested ends of the nodes it shared are worked out anew.
    """
    attempt, job = s.slot_attempt[slot], s.slot_job[slot]
    gpus, per_node, whole = jobs.gpus[job], s.owner.shape[1], 0
    for entry in range(s.attempt_nodes_from[attempt], s.attempt_nodes_from[attempt + 1]):
        node = s.attempt_nodes[entry]
        for gpu in range(per_node):
            if s.owner[node, gpu] == slot:
                s.owner[node, gpu] = -1
        if s.free[node] < 0:
            settle_drain(s, node, now)
        elif gpus < per_node:
            set_free(s, node, s.free[node] + gpus)
            set_end(s, node, requested_end_s(s, node))
        else:
            set_free(s, node, per_node)
            s.node_end[node] = 0
            whole += 1
    if whole > 0:
        add_end(s, s.slot_limit_end[slot], -whole)
    s.attempt_end[attempt], s.attempt_outcome[attempt], s.attempt_event[attempt] = now, outcome, event
    s.slot_attempt[slot] = -1
    s.free_slots[s.n[Count.SLOTS]] = slot
    s.n[Count.SLOTS] += 1
    s.n[Count.BUSY] -= gpus
    s.n[Count.RUNNING] -= 1
    s.dynamic_w[0] -= jobs.power_w[job]
    if rules.ranked:
        charge_account(s, rules, jobs.account[job], now)
        s.usage_gpus[jobs.account[job]] -= gpus


@inlined
def finish_attempt(s, jobs, rules, slot, now):
    """A job reaches its end or its limit.  Time set up again after a failure, and time writing, count as lost.

    It is done if it ran for all that it needed; otherwise its limit was in the way, and the work after its last checkpoint
    is not
    taken off, as its time was used.
    """
    job = s.slot_job[slot]
    restart = jobs.restart_s[job] if s.done_s[job] > 0 else 0
    ran = now - s.slot_start[slot]
    outcome = AttemptEnd.DONE if ran >= need_s(s, jobs, job) else AttemptEnd.LIMIT_REACHED
    written = written_after_s(jobs, job, ran - restart)
    s.lost_s[job] += min(restart, ran) + written
    s.written_s[job] += written
    s.end_s[job], s.outcome[job] = now, outcome
    release(s, jobs, rules, slot, now, outcome, -1)


@kernel
def fail_node(s, jobs, rules, event, node, now):
    """A node goes down: its jobs lose what they did since their last checkpoint and queue again.

    event   its index, which the attempts keep as their reason
    Jobs on several nodes lose all of them.  One that takes no jobs already counts another
    outage, and what still ran there is lost as well.
    """
    for gpu in range(s.owner.shape[1]):
        slot = s.owner[node, gpu]
        if slot < 0:
            continue
        job = s.slot_job[slot]
        ran = now - s.slot_start[slot]
        restart = jobs.restart_s[job] if s.done_s[job] > 0 else 0
        saved = saved_work_s(ran, restart, jobs.checkpoint_s[job], jobs.write_s[job])
        s.written_s[job] += written_after_s(jobs, job, ran - restart)
        s.done_s[job] += saved
        s.lost_s[job] += ran - saved
        s.restarts[job] += 1
        release(s, jobs, rules, slot, now, AttemptEnd.NODE_FAILED, event)
        enqueue_job(s, jobs, rules, job, now)
    if s.free[node] >= 0:
        set_free(s, node, -1)
        s.node_end[node] = NEVER
        s.n[Count.DOWN] += 1
    s.outages[node] += 1
    s.n[Count.FAILED_NODES] += 1
