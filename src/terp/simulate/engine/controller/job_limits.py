"""Limits of associations and QOS, dependencies, arrays and licences; and what all jobs hold and draw together.

What limits look at is summed up along the tree whenever a job starts or stops, so that asking is a walk from a leaf to the
root.  A limit of -1 is none.  Where a QOS limits something, the accounts' limits of the same thing do not count; limits for
a user stand in the leaf, inherited from the nearest account that has one (controller_input.py).

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
sign  1: a job begins to count, -1: it no longer does

Limits for one job (GPUs, nodes and wall time of a job) are not asked here: jobs over these are refused before a run begins,
by `controller_input.refused_by`.  Jobs that a limit keeps back stay in the queue and are passed over, as with Slurm's
reasons AssocGrp* and QOSMax*: nobody behind them waits for them.
"""

from terp.simulate.engine.controller.controller_rows import (
    ControllerCount,
    HeldRow,
    JobRow,
    JobState,
    LimitColumn,
    QosFactor,
    Request,
    RequestRate,
    Running,
    TreeRow,
    UserRow,
)
from terp.simulate.engine.controller.fair_share import add_rate, charge_usage
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def _over(limit, value):
    """Whether a value is over a limit; -1 limits nothing.

    limit   as the tables hold it; value  what would be held with the job in question
    """
    return limit >= 0 and value > limit


@kernel
def may_run(s, r, q, job):
    """True if dependency, array, licences and limits let a job run now.

    Whether there is room for it is not asked here.  The walk goes from the job's leaf up to the root, which is its own
    parent,
    and ends at the first limit that the job would go over.
    after     the job it depends on must have ended, however it ended (Slurm's afterany)
    licences  all kinds are one pool, of `ControllerRules.licenses`
    """
    after = q.of[Request.AFTER, job]
    if after >= 0 and s.job[JobRow.STATE, after] != JobState.ENDED:
        return False
    if q.of[Request.ARRAY_LIMIT, job] > 0 and s.array_running[q.of[Request.ARRAY, job]] >= q.of[Request.ARRAY_LIMIT, job]:
        return False
    if q.of[Request.LICENSE, job] > 0 and s.n[ControllerCount.LICENSES] + q.of[Request.LICENSE, job] > r.licenses:
        return False
    nodes, gpus = q.of[Request.NODES, job], q.of[Request.NODES, job] * q.of[Request.GPUS, job]
    qos, user = q.of[Request.QOS, job], q.of[Request.USER, job]
    own = r.qos_limits[qos]
    if _over(own[LimitColumn.GROUP_GPUS], s.qos[HeldRow.GPUS, qos] + gpus) or _over(
        own[LimitColumn.GROUP_NODES], s.qos[HeldRow.NODES, qos] + nodes
    ):
        return False
    if _over(own[LimitColumn.GROUP_JOBS], s.qos[HeldRow.JOBS, qos] + 1) or _over(
        own[LimitColumn.USER_GPUS], s.qos_user[UserRow.GPUS, qos, user] + gpus
    ):
        return False
    if _over(own[LimitColumn.USER_JOBS], s.qos_user[UserRow.JOBS, qos, user] + 1):
        return False
    a, leaf = q.of[Request.LEAF, job], q.of[Request.LEAF, job]
    while True:  # a limit of the QOS stands for those of the accounts
        lim = r.limits[a]
        if own[LimitColumn.GROUP_GPUS] < 0 and _over(lim[LimitColumn.GROUP_GPUS], s.acc[HeldRow.GPUS, a] + gpus):
            return False
        if own[LimitColumn.GROUP_NODES] < 0 and _over(lim[LimitColumn.GROUP_NODES], s.acc[HeldRow.NODES, a] + nodes):
            return False
        if own[LimitColumn.GROUP_JOBS] < 0 and _over(lim[LimitColumn.GROUP_JOBS], s.acc[HeldRow.JOBS, a] + 1):
            return False
        if own[LimitColumn.USER_GPUS] < 0 and _over(lim[LimitColumn.USER_GPUS], s.acc[HeldRow.GPUS, leaf] + gpus):
            return False
        if own[LimitColumn.USER_JOBS] < 0 and _over(lim[LimitColumn.USER_JOBS], s.acc[HeldRow.JOBS, leaf] + 1):
            return False
        if r.tree[TreeRow.PARENT, a] == a:
            return True
        a = r.tree[TreeRow.PARENT, a]


@kernel
def count_held(s, r, q, job, sign):
    """Note in all sums that limits look at that a job has started (1) or no longer runs (-1); suspended ones count.

    sign   1 at a start, -1 at an end.  Each call at a start must be matched by one at the end, else limits drift.
    GPUs are nodes times GPUs per node; a job that takes whole nodes counts with what it asked for.
    """
    nodes, gpus = q.of[Request.NODES, job] * sign, q.of[Request.NODES, job] * q.of[Request.GPUS, job] * sign
    a = q.of[Request.LEAF, job]
    while True:
        s.acc[HeldRow.GPUS, a] += gpus
        s.acc[HeldRow.NODES, a] += nodes
        s.acc[HeldRow.JOBS, a] += sign
        if r.tree[TreeRow.PARENT, a] == a:
            break
        a = r.tree[TreeRow.PARENT, a]
    qos, user = q.of[Request.QOS, job], q.of[Request.USER, job]
    s.qos[HeldRow.GPUS, qos] += gpus
    s.qos[HeldRow.NODES, qos] += nodes
    s.qos[HeldRow.JOBS, qos] += sign
    s.qos_user[UserRow.GPUS, qos, user] += gpus
    s.qos_user[UserRow.JOBS, qos, user] += sign
    s.n[ControllerCount.LICENSES] += q.of[Request.LICENSE, job] * sign
    if q.of[Request.ARRAY, job] >= 0:
        s.array_running[q.of[Request.ARRAY, job]] += sign


@kernel
def add_load(s, r, q, job, now, sign):
    """A job begins to run (1) or stops (-1): usage, power, what is busy.

    Its power [W] joins or leaves what runs, its nodes times GPUs what is busy, and its rate of usage (billing per second
    times
    the usage factor of its QOS) its association and all above it.  A suspended job has no load, though limits still count
    it.
    """
    charge_usage(s, r, now)
    add_rate(
        s, r, q.of[Request.LEAF, job], sign * q.x[RequestRate.BILLING, job] * r.qos_x[QosFactor.COST, q.of[Request.QOS, job]]
    )
    s.n[ControllerCount.RUNNING] += sign
    s.n[ControllerCount.BUSY] += q.of[Request.NODES, job] * q.of[Request.GPUS, job] * sign
    s.f[Running.POWER] += q.x[RequestRate.POWER, job] * sign
