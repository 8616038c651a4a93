"""The main pass: waiting jobs start in order, and the first that does not fit keeps its partition's nodes.

So it does in slurmctld: its main scheduler never starts a job on nodes that one before it in the queue was refused on; who
could start behind it without delay is left to the backfill pass.  A pass that an event sets off looks at few jobs, and one
in a while looks at all.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
depth  how many jobs are looked at;  now  [s]

A pass costs one look per job and node, so what ends it early matters: when all partitions are blocked, nothing is looked at
any more.  It is Slurm's sched/main loop with default_queue_depth as `depth`; docs/theory/controller.md says what it leaves
out.
"""

from terp.simulate.engine.controller.controller_rows import ControllerCount, JobRow, NodeRow, Request
from terp.simulate.engine.controller.job_limits import may_run
from terp.simulate.engine.controller.job_queue import unqueue
from terp.simulate.engine.controller.node_map import choose_nodes, mark_up_nodes, mind_reservations
from terp.simulate.engine.controller.preemption import preempt, start_after_preemption
from terp.simulate.engine.controller.start_stop import start_job
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def main_pass(s, r, q, park, now, depth):
    """Start waiting jobs in order; the first that does not fit keeps the nodes of its partition from all behind it.

    Row 0 of the plan's nodes is used as a map of nodes that nobody before was refused on; a backfill pass begins it anew.
    Where a job has others stopped the queue may have changed, so the pass goes on from the front.  A job may stop others
    only
    if none of its nodes is kept for somebody before it.
    """
    for part in range(s.blocked.size):
        s.blocked[part] = 0
    for node in range(s.plan_nodes.shape[1]):
        s.plan_nodes[0, node] = 1  # here: nodes that nobody before has been refused on
    at, looked, blocked = 0, 0, 0
    while at < s.n[ControllerCount.WAITING] and looked < depth and blocked < s.blocked.size:
        job = s.job[JobRow.QUEUE, at]
        if s.blocked[q.of[Request.PARTITION, job]] or not may_run(s, r, q, job):
            at += 1
            continue
        mark_up_nodes(s, r, q, job)
        kept = False
        for node in range(s.node.shape[1]):
            kept |= bool(s.node[NodeRow.AVAIL, node]) and not s.plan_nodes[0, node]
            s.node[NodeRow.AVAIL, node] = (
                s.node[NodeRow.AVAIL, node] and s.plan_nodes[0, node] and s.node[NodeRow.COMPLETING, node] == 0
            )
        looked += 1
        mind_reservations(s, r, q, job, now, now + q.of[Request.LIMIT, job])
        if choose_nodes(s, r, q, park, job, NodeRow.FREE):
            unqueue(s, q, at)
            start_job(s, r, q, job, now, 0)
            continue
        stops = s.n[ControllerCount.PREEMPTIONS]
        if not kept and preempt(s, r, q, park, job, now):
            start_after_preemption(s, r, q, job, now)
            at = 0
            continue
        s.blocked[q.of[Request.PARTITION, job]] = 1
        blocked += 1
        for node in range(s.node.shape[1]):
            if r.part_nodes[q.of[Request.PARTITION, job], node]:
                s.plan_nodes[0, node] = 0
        at = at + 1 if s.n[ControllerCount.PREEMPTIONS] == stops else 0
