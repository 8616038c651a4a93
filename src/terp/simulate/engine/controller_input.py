"""A policy, a cluster and a trace as the arrays of the controller.

Names become indices, times whole seconds, and inherited limits are written where they hold.  What Slurm would refuse at
submission is found here as well; `trace_schedule.prepare` puts the parts together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from terp.arrays import Bools, Ints
from terp.describe import Account, Cluster, Limits, Partition, Policy, Qos, Trace
from terp.simulate.engine.controller.controller_rows import LimitColumn, Placement, PreemptMode, TreeRow
from terp.simulate.engine.controller.controller_state import ControllerRules
from terp.simulate.engine.shared.codes import BackfillKind

Entry = TypeVar("Entry", Partition, Qos)

LIMIT_FIELDS: Final = (
    "group_gpus_count", "group_nodes_count", "group_jobs_count", "user_gpus_count", "user_jobs_count", "job_gpus_count",
    "job_nodes_count", "job_wall_s",
)  # fmt: skip
"""The order in which the controller holds limits, see LimitColumn."""
PLACEMENTS: Final = {
    "first-fit": Placement.FIRST, "best-fit": Placement.RUNS, "fewest-leaves": Placement.LEAVES, "tree": Placement.LEAVES,
    "spread": Placement.SPREAD,
}  # fmt: skip
MEGABYTE: Final = 1e6
ROOT: Final = "root"


def node_mask(text: str, nodes: int) -> NDArray[np.bool_]:
    """The nodes of ranges such as "1-64,70", numbered from 1; all if empty.  What lies beyond the machine is left out.

    Shape (nodes,).  For example "2-3,5" of six nodes is the second, the third and the fifth.
    """
    if not text:
        return np.ones(nodes, np.bool_)
    mask = np.zeros(nodes, np.bool_)
    for low, high in re.findall(r"(\d+)(?:-(\d+))?", text):
        mask[int(low) - 1 : int(high or low)] = True
    return mask


@dataclass(frozen=True)
class AssociationTree:
    """The associations: the root, accounts below their parents, and a leaf for each user of each account.

    leaf_of   (account index, user index) of the trace -> association

    parent, is_leaf   by association, the root first and its own parent;  limits  association x LIMIT_FIELDS, -1: none
    shares            of each among its siblings, which sum to 1;  account_of  the account's name of each association
    """

    parent: Ints
    shares: NDArray[np.float64]
    is_leaf: Ints
    limits: NDArray[np.int64]
    leaf_of: dict[tuple[int, int], int]
    account_of: list[str]


def tree_of(policy: Policy, trace: Trace) -> AssociationTree:
    """The tree of a policy's accounts, with a user in every account that the trace has one in.

    Accounts that the policy does not name hang under the root with one share.  The root has a user of its own with one
    share, as in every Slurm.

    Users share alike within their account, with one share each.
    """
    pairs = sorted(set(zip(trace.account.tolist(), trace.user.tolist(), strict=True)))
    named = dict(policy.accounts)
    for account, _ in pairs:
        named.setdefault(trace.accounts[account], Account())
    index = {ROOT: 0} | {name: 1 + k for k, name in enumerate(name for name in named if name != ROOT)}
    parent, shares, leaf, owner = [0], [1.0], [0], [ROOT]
    limits = [_limits(named[ROOT].limits if ROOT in named else Limits())]
    for name, account in named.items():
        if name != ROOT:
            parent.append(index.get(account.parent or ROOT, 0))
            shares.append(float(account.shares_count))
            leaf.append(0)
            owner.append(name)
            limits.append(_limits(account.limits))
    leaf_of: dict[tuple[int, int], int] = {}
    for account, user in pairs:
        leaf_of[account, user] = len(parent)
        parent.append(index[trace.accounts[account]])
        shares.append(1.0)
        leaf.append(1)
        owner.append(trace.accounts[account])
        limits.append(_limits(Limits()))
    if not any(parent[at] == 0 for at in leaf_of.values()):
        parent.append(0)
        shares.append(1.0)
        leaf.append(1)
        owner.append(ROOT)
        limits.append(_limits(Limits()))
    above = np.array(parent, np.int64)
    weight = np.array(shares)
    weight[0] = 0.0
    among = np.bincount(above, weight, above.size)
    norm = np.divide(weight, among[above], out=np.zeros(above.size), where=among[above] > 0)
    table = np.array(limits, np.int64)
    _inherit(table, above, np.array(leaf, np.bool_))
    return AssociationTree(above, norm, np.array(leaf, np.int64), table, leaf_of, owner)


def _inherit(limits: Ints, parent: Ints, is_leaf: NDArray[np.bool_]) -> None:
    """Give users the limits for a user and for a job of the nearest account above them that has such a limit.

    Changes `limits` in place; afterwards accounts keep only the limits for groups, which hold for all below them together.
    """
    single = [k for k, name in enumerate(LIMIT_FIELDS) if not name.startswith("group")]
    for at in np.flatnonzero(is_leaf):
        for k in single:
            above = parent[at]
            while limits[above, k] < 0 and parent[above] != above:
                above = parent[above]
            limits[at, k] = limits[above, k]
    for k in single:
        limits[~is_leaf, k] = -1


def _limits(limits: Limits) -> list[int]:
    """In the order of LIMIT_FIELDS, -1 where there is none."""
    values = (getattr(limits, name) for name in LIMIT_FIELDS)
    return [-1 if value is None else int(value) for value in values]


def _children(parent: Ints) -> tuple[Ints, Ints]:
    """Children of each association, as offsets and indices.

    Shapes (associations + 1,) and (associations - 1,): the root is nobody's child.
    """
    children = np.flatnonzero(np.arange(parent.size) != parent)
    order = children[np.argsort(parent[children], kind="stable")]
    counts = np.bincount(parent[children], minlength=parent.size)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), order.astype(np.int64)


@dataclass(frozen=True)
class Tables:
    """Names of the trace -> indices of the controller's tables; names that the policy lacks stand for its defaults.

    partition, qos_index   by job of the trace, indices into the two lists
    """

    partitions: list[tuple[str, Partition]]
    qos: list[tuple[str, Qos]]
    partition: Ints
    qos_index: Ints


def tables_of(policy: Policy, trace: Trace) -> Tables:
    """The partitions and QOS of a policy, and which each job is in; jobs that name none are in the first."""
    partitions, qos = list(policy.partitions.items()), list(policy.qos.items())
    part_of, qos_of = _indexed(partitions, trace.partitions, Partition()), _indexed(qos, trace.qos_names, Qos())
    return Tables(partitions, qos, part_of[trace.partition], qos_of[trace.qos])


def _indexed(table: list[tuple[str, Entry]], names: Sequence[str], default: Entry) -> Ints:
    """Adds names that the table lacks to it, with the defaults; an empty name is its first entry."""
    index = {name: k for k, (name, _) in enumerate(table)}
    places = []
    for name in names:
        if name not in index and (name or not table):
            index[name] = len(table)
            table.append((name, default))
        places.append(index.get(name, 0))
    return np.array(places, np.int64)


def _factors(values: Sequence[float]) -> NDArray[np.float64]:
    """Each over the highest.

    Within 0 and 1, as Slurm norms priorities of partitions and QOS; all 0 where the highest is not above 0.
    """
    most = max(values, default=0.0)
    return np.array([value / most if most > 0 else 0.0 for value in values])


def rules_of(policy: Policy, cluster: Cluster, tree: AssociationTree, tables: Tables) -> ControllerRules:
    """The policy as the controller takes it.

    Times are rounded to whole seconds.  The policy was checked when it was read, so nothing is checked here.
    """
    nodes = len(cluster.names)
    back, prio, weights = policy.backfill, policy.priority, policy.priority.weights
    parts, qos = [entry for _, entry in tables.partitions], [entry for _, entry in tables.qos]
    names = [name for name, _ in tables.qos]
    preempts = np.array([[other in entry.preempts for other in names] for entry in qos], np.bool_)
    resv, resv_nodes, resv_open = _reservations(policy, tree, nodes)
    return ControllerRules(
        multifactor=policy.order == "multifactor",
        backfill=int(BackfillKind[back.kind.upper()]),
        bf_interval_s=round(back.interval_s),
        bf_window_s=round(back.window_s),
        bf_resolution_s=round(back.resolution_s),
        bf_jobs=back.jobs_count,
        bf_test_s=float(back.test_s),
        by_groups=back.planning == "slurm",
        depth=policy.depth_count,
        sched_interval_s=round(policy.sched_interval_s),
        placement=int(PLACEMENTS[policy.placement]),
        launch_s=round(policy.launch_s),
        complete_s=round(policy.complete_s),
        over_s=round(policy.over_s),
        max_age_s=float(prio.max_age_s),
        half_life_s=float(prio.half_life_s),
        calc_period_s=round(prio.calc_period_s),
        favor_small=prio.favor_small,
        licenses=sum(policy.licenses.values()) if policy.licenses else 2**40,
        weights=np.array(
            [weights.age_ratio, weights.fairshare_ratio, weights.job_size_ratio, weights.partition_ratio, weights.qos_ratio]
        ),
        part=_rows([part.tier_count for part in parts], [part.exclusive for part in parts]),
        part_factor=_factors([part.factor_count for part in parts]),
        part_nodes=np.array([node_mask(part.nodes, nodes) for part in parts], np.bool_),
        qos=_rows(
            [PreemptMode[entry.preempt_mode.upper()] for entry in qos],
            [round(entry.grace_s) for entry in qos],
            [round(entry.exempt_s) for entry in qos],
            preempts.any(1),
            preempts.any(0),
        ),
        qos_x=np.array([_factors([entry.priority_ratio for entry in qos]), [entry.usage_factor_ratio for entry in qos]]),
        qos_preempts=preempts,
        qos_limits=np.array([_limits(entry.limits) for entry in qos], np.int64),
        tree=_tree_rows(tree),
        shares=tree.shares,
        limits=tree.limits,
        resv=resv,
        resv_nodes=resv_nodes,
        resv_open=resv_open,
    )


def _rows(*columns: ArrayLike) -> Ints:
    """Shape (columns, entries), one row for each column that is passed."""
    return np.array([np.asarray(column, np.int64) for column in columns])


def _tree_rows(tree: AssociationTree) -> Ints:
    """Parents, children as offsets and indices, and users, side by side in a table one wider than the associations."""
    size = tree.parent.size
    rows = np.zeros((len(TreeRow), size + 1), np.int64)
    rows[TreeRow.PARENT, :size] = tree.parent
    rows[TreeRow.CHILDREN_FROM], children = _children(tree.parent)
    rows[TreeRow.CHILDREN, : children.size] = children
    rows[TreeRow.IS_LEAF, :size] = tree.is_leaf
    return rows


def _reservations(policy: Policy, tree: AssociationTree, nodes: int) -> tuple[Ints, Bools, Bools]:
    """When reservations hold, on which nodes, and who may use them: the accounts named and all below these."""
    entries = policy.reservations.values()
    times, opens = [], []
    for entry in entries:
        length, every = round(entry.length_s), round(entry.every_s)
        times.append((round(entry.start_s), length, max(every, length) if every else 0))
        named = np.array([name in entry.accounts for name in tree.account_of], np.bool_)
        above = np.arange(tree.parent.size)
        open_ = named.copy()
        while (tree.parent[above] != above).any():
            above = tree.parent[above]
            open_ |= named[above]
        opens.append(open_)
    return (
        np.array(times, np.int64).reshape(-1, 3).T.copy(),
        np.array([node_mask(entry.nodes, nodes) for entry in entries], np.bool_).reshape(-1, nodes),
        np.array(opens, np.bool_).reshape(-1, tree.parent.size),
    )


def refused_by(
    policy: Policy, cluster: Cluster, trace: Trace, tree: AssociationTree, tables: Tables
) -> dict[str, NDArray[np.bool_]]:
    """Jobs that can never start, by the reason: Slurm would refuse them at submission.

    Masks of shape (jobs,) by reason, all reasons there whether or not any job has them; one job may have several.
    """
    parts = [entry for _, entry in tables.partitions]
    masks = [node_mask(part.nodes, len(cluster.names)) for part in parts]
    sizes = np.array([int(mask.sum()) for mask in masks])[tables.partition]
    gpus, cores = (
        np.array([int(column[mask].max(initial=0)) for mask in masks])[tables.partition]
        for column in (cluster.gpus, cluster.cores)
    )
    have = int(sum(policy.licenses.values())) if policy.licenses else 2**40
    longest = np.array([np.inf if part.max_time_s is None else part.max_time_s for part in parts])[tables.partition]
    limits = np.array([_limits(entry.limits) for _, entry in tables.qos], np.int64)[tables.qos_index]
    leaf = leaves_of(tree, trace)
    refused = {
        "more nodes than the partition has": trace.nodes > sizes,
        "more GPUs a node than there are": trace.gpus > gpus,
        "more cores a node than there are": (cores > 0) & (trace.cores > cores),
        "nodes that are too small, but for a few": _too_few_able(cluster, trace, tables, masks),
        "longer than the partition allows": trace.limit_s > longest,
        "more licences than there are": trace.licenses > have,
    }
    over = np.zeros(len(trace), np.bool_)
    wanted = (
        (LimitColumn.JOB_GPUS, trace.nodes * trace.gpus),
        (LimitColumn.JOB_NODES, trace.nodes),
        (LimitColumn.JOB_WALL, trace.limit_s),
    )
    for at, amount in wanted:
        most = np.where(limits[:, at] >= 0, limits[:, at], tree.limits[leaf, at])
        over |= (most >= 0) & (amount > most)
    refused["more than its account or QOS allows a job"] = over
    allowed = np.ones(len(trace), np.bool_)
    for k, part in enumerate(parts):
        mine = tables.partition == k
        if part.accounts:
            fine = np.array([name in part.accounts for name in trace.accounts])
            allowed[mine] &= fine[trace.account[mine]]
        if part.qos:
            fine = np.array([name in part.qos for name in trace.qos_names])
            allowed[mine] &= fine[trace.qos[mine]]
    refused["account or QOS not allowed in the partition"] = ~allowed
    return refused


def _too_few_able(cluster: Cluster, trace: Trace, tables: Tables, masks: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Jobs for which fewer nodes of their partition are large enough than they ask for."""
    asked = np.stack([tables.partition, trace.gpus, trace.cores, np.ceil(trace.memory / MEGABYTE).astype(np.int64)])
    kinds, which = np.unique(asked, axis=1, return_inverse=True)
    cores = np.where(cluster.cores > 0, cluster.cores, 2**40)
    memory = np.where(cluster.memory > 0, cluster.memory / MEGABYTE, 2.0**40).astype(np.int64)
    able = [
        int((masks[part] & (cluster.gpus >= gpus) & (cores >= core) & (memory >= mega)).sum())
        for part, gpus, core, mega in kinds.T.tolist()
    ]
    return trace.nodes > np.array(able, np.int64)[which.reshape(-1)] if len(trace) else np.zeros(0, np.bool_)


def leaves_of(tree: AssociationTree, trace: Trace) -> Ints:
    """The association of each job.

    Shape (jobs,), indices into the tree.
    """
    width = len(trace.users)
    table = np.zeros(len(trace.accounts) * width, np.int64)
    for (account, user), at in tree.leaf_of.items():
        table[account * width + user] = at
    leaves: Ints = table[trace.account * width + trace.user]
    return leaves


def billing_of(trace: Trace, cluster: Cluster, tables: Tables) -> NDArray[np.float64]:
    """What a second of each job counts for in fair share; whole nodes count with all that they have.

    In usage per second, shape (jobs,): TRESBillingWeights of its partition by GPU, core and node.
    """
    parts = [entry for _, entry in tables.partitions]
    gpu, core, node = (
        np.array([getattr(part, f"billing_{name}_ratio") for part in parts])[tables.partition]
        for name in ("gpu", "core", "node")
    )
    whole = trace.exclusive | np.array([part.exclusive for part in parts])[tables.partition]
    cores = np.where(whole, float(cluster.cores.mean()), trace.cores)
    gpus = np.where(whole, float(cluster.gpus.mean()), trace.gpus)
    bill: NDArray[np.float64] = trace.nodes * (gpu * gpus + core * np.maximum(cores, 1) + node)
    return bill
