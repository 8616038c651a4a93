"""The queue of the controller: multifactor priorities, and waiting jobs sorted by tier, priority and submission.

The queue is a list in JobRow.QUEUE, and a job joins it by insertion at its place.  Priorities stand as they were worked out
when it joined, or at the last tick, as in Slurm, whose PriorityCalcPeriod sets the ticks.  A tick sorts by insertion as
well: little changes places between two, so that is nearly one comparison a job.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
at  a place in the queue;  now  [s]

Tier comes first in every order, so jobs of a partition of a higher PriorityTier stand before all others.  With first come,
first served all keys are 0, and the number of a job, which is its place by submission, decides.
"""

import numpy as np

from terp.simulate.engine.controller.controller_rows import (
    ControllerCount,
    JobRow,
    JobState,
    PartitionRow,
    QosFactor,
    Request,
    ShareRow,
    Weight,
)
from terp.simulate.engine.controller.fair_share import fair_tree
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def multifactor(s, r, q, park, job, now):
    """Slurm's multifactor priority, in whole points.

    Age counts from when the job could start, up to PriorityMaxAge, beyond which it grows no more.  Size is the mean of the
    part
    of the nodes and of the part of the cores, or of the nodes alone where cores are not known.  Fair share is what the last
    tick
    found.  Each factor lies within 0 and 1, so a weight is the most points that it can give.
    """
    age = min((now - q.of[Request.ELIGIBLE, job]) / r.max_age_s, 1.0)
    nodes, cores = park.node.shape[1], park.cores_count
    size = q.of[Request.NODES, job] / nodes
    part = q.of[Request.NODES, job] * max(q.of[Request.CORES, job], 1) / max(cores, 1)
    if r.favor_small:
        size, part = 1.0 - size, 1.0 - part
    if cores > 0:
        size = (size + part) / 2
    fair, qos = s.share[ShareRow.FACTOR, q.of[Request.LEAF, job]], r.qos_x[QosFactor.RANK, q.of[Request.QOS, job]]
    total = r.weights[Weight.AGE] * max(age, 0.0) + r.weights[Weight.FAIR_SHARE] * fair + r.weights[Weight.JOB_SIZE] * size
    total += r.weights[Weight.PARTITION] * r.part_factor[q.of[Request.PARTITION, job]] + r.weights[Weight.QOS] * qos
    return np.floor(total)


@kernel
def _comes_first(s, r, q, a, b):
    """True if job a stands before job b in the queue.

    Jobs of equal priority keep the order of their submission.
    """
    ta, tb = r.part[PartitionRow.TIER, q.of[Request.PARTITION, a]], r.part[PartitionRow.TIER, q.of[Request.PARTITION, b]]
    if ta != tb:
        return ta > tb
    if s.key[a] != s.key[b]:
        return s.key[a] > s.key[b]
    return a < b


@kernel
def enqueue(s, r, q, park, job, now):
    """Put a job in the queue at its place.

    Its priority is worked out now, with the fair-share factor of the last tick.  A job that was cut short joins again in
    this
    way, and as its age counts from its first submission it mostly comes near the front.
    """
    s.key[job] = multifactor(s, r, q, park, job, now) if r.multifactor else 0.0
    at = s.n[ControllerCount.WAITING]
    while at > 0 and _comes_first(s, r, q, job, s.job[JobRow.QUEUE, at - 1]):
        s.job[JobRow.QUEUE, at] = s.job[JobRow.QUEUE, at - 1]
        at -= 1
    s.job[JobRow.QUEUE, at] = job
    s.n[ControllerCount.WAITING] += 1
    s.n[ControllerCount.QUEUED_GPUS] += q.of[Request.NODES, job] * q.of[Request.GPUS, job]
    s.job[JobRow.STATE, job] = JobState.WAITING


@kernel
def reorder(s, r, q, park, now):
    """A tick: factors and priorities anew, and the queue sorted by them.

    The fair tree is walked only if fair share has weight.  What is sorted is nearly in order, and the sort is stable.
    """
    if r.weights[Weight.FAIR_SHARE] != 0:
        fair_tree(s, r, now)
    for at in range(s.n[ControllerCount.WAITING]):
        s.key[s.job[JobRow.QUEUE, at]] = multifactor(s, r, q, park, s.job[JobRow.QUEUE, at], now)
    for at in range(1, s.n[ControllerCount.WAITING]):
        job, to = s.job[JobRow.QUEUE, at], at
        while to > 0 and _comes_first(s, r, q, job, s.job[JobRow.QUEUE, to - 1]):
            s.job[JobRow.QUEUE, to] = s.job[JobRow.QUEUE, to - 1]
            to -= 1
        s.job[JobRow.QUEUE, to] = job


@kernel
def unqueue(s, q, at):
    """Take the job at a place out of the queue.

    Those behind move up by a place; the job's state and its nodes are for the caller to set.
    """
    job = s.job[JobRow.QUEUE, at]
    for k in range(at, s.n[ControllerCount.WAITING] - 1):
        s.job[JobRow.QUEUE, k] = s.job[JobRow.QUEUE, k + 1]
    s.n[ControllerCount.WAITING] -= 1
    s.n[ControllerCount.QUEUED_GPUS] -= q.of[Request.NODES, job] * q.of[Request.GPUS, job]
