"""Which nodes a job gets, and what is free on them, now and in a look ahead.

A choice goes in three steps, each of which narrows rows of `s.node`: AVAIL, nodes that are up and in the partition, less
those that are reserved for others or planned; FIT, those of them with room for the job; CHOSEN, so many of these as it
needs, by the policy's placement.  Rows from FREE on hold what is free now.  A look ahead copies them to the rows from AHEAD
on and gives back there what running jobs will have given back by then; nothing of what is true now changes.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
base  NodeRow.FREE, what is free now, or NodeRow.AHEAD, what is free in a look ahead

Memory is in whole MB, cores and GPUs in numbers per node.  A job that takes whole nodes takes WHOLE_NODE cores off each of
its nodes, below nought, so nothing fits beside it.  Loops go over all nodes by number,
which makes every choice the same in each run.
"""

import numpy as np

from terp.simulate.engine.controller.controller_rows import (
    WHOLE_NODE,
    FreeRow,
    JobRow,
    NodeRow,
    ParkRow,
    PartitionRow,
    Placement,
    Request,
    ReservationRow,
)
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def fits_on(s, q, job, base, node, whole):
    """Whether a node has room for a job's part, or is empty if the job takes whole nodes.

    base    NodeRow.FREE for now, NodeRow.AHEAD for a look ahead
    whole   whether the job takes whole nodes; the node must then be large enough, too
    """
    if whole and s.node[base + FreeRow.JOBS, node] > 0:
        return False
    free = (
        s.node[base + FreeRow.GPUS, node] >= q.of[Request.GPUS, job]
        and s.node[base + FreeRow.CORES, node] >= q.of[Request.CORES, job]
    )
    return free and s.node[base + FreeRow.MEMORY, node] >= q.of[Request.MEMORY, job]


@kernel
def takes_whole_nodes(r, q, job):
    """Whether a job gets nodes to itself, because it asks for that or its partition gives nothing less.

    By Slurm's --exclusive, or a partition with OverSubscribe=EXCLUSIVE.
    """
    return q.of[Request.EXCLUSIVE, job] or r.part[PartitionRow.WHOLE, q.of[Request.PARTITION, job]]


@kernel
def _better(count, need, best_count, enough):
    """True if a group of `count` is a tighter fit than the best so far.

    need     how many nodes are still to be had;  enough  whether the best so far has so many
    Of groups that are large enough the smallest wins, else the largest; of equals the one that was seen first.
    """
    if count >= need:
        return not enough or count < best_count
    return not enough and count > best_count


@kernel
def _choose_groups(s, park, by_leaf, need):
    """The smallest group of fitting nodes that is enough, else the largest and on; of nodes in a row, or of one leaf.

    by_leaf   groups are the fitting nodes of one leaf switch; else runs of fitting nodes with numbers in a row
    need      nodes in all; the caller has made sure that so many fit
    Nodes that are taken leave FIT, so the next round sees what is left.  Of equal groups the first is taken.
    """
    taken, size = 0, s.node.shape[1]
    while taken < need:
        best, best_count, enough = -1, 0, False
        if by_leaf:
            for leaf in range(s.group.size):
                s.group[leaf] = 0
            for node in range(size):
                s.group[park.node[ParkRow.SWITCH, node]] += s.node[NodeRow.FIT, node]
            for leaf in range(s.group.size):
                count = s.group[leaf]
                if count and _better(count, need - taken, best_count, enough):
                    best, best_count, enough = leaf, count, count >= need - taken
            for node in range(size):
                if s.node[NodeRow.FIT, node] and park.node[ParkRow.SWITCH, node] == best and taken < need:
                    s.node[NodeRow.CHOSEN, taken] = node
                    s.node[NodeRow.FIT, node] = False
                    taken += 1
            continue
        node = 0
        while node < size:
            if not s.node[NodeRow.FIT, node]:
                node += 1
                continue
            first = node
            while node < size and s.node[NodeRow.FIT, node]:
                node += 1
            if _better(node - first, need - taken, best_count, enough):
                best, best_count, enough = first, node - first, node - first >= need - taken
        for node in range(best, min(best + best_count, best + need - taken)):
            s.node[NodeRow.CHOSEN, taken] = node
            s.node[NodeRow.FIT, node] = False
            taken += 1
    return True


@kernel
def _choose_spread(s, park, need, base):
    """The least loaded nodes, each from the leaf with most of them left.

    Least loaded is by free GPUs; of equals the node whose leaf has most fitting nodes left, then the lowest number.
    """
    for leaf in range(s.group.size):
        s.group[leaf] = 0
    for node in range(s.node.shape[1]):
        s.group[park.node[ParkRow.SWITCH, node]] += s.node[NodeRow.FIT, node]
    for taken in range(need):
        best = -1
        for node in range(s.node.shape[1]):
            if not s.node[NodeRow.FIT, node]:
                continue
            if (
                best < 0
                or s.node[base + FreeRow.GPUS, node] > s.node[base + FreeRow.GPUS, best]
                or (
                    s.node[base + FreeRow.GPUS, node] == s.node[base + FreeRow.GPUS, best]
                    and s.group[park.node[ParkRow.SWITCH, node]] > s.group[park.node[ParkRow.SWITCH, best]]
                )
            ):
                best = node
        s.node[NodeRow.CHOSEN, taken] = best
        s.node[NodeRow.FIT, best] = False
        s.group[park.node[ParkRow.SWITCH, best]] -= 1
    return True


@kernel
def choose_nodes(s, r, q, park, job, base):
    """Choose nodes for a job among those of AVAIL, by what is free in the rows from `base` on.  False if too few.

    Writes NodeRow.FIT, and on success the job's nodes in NodeRow.CHOSEN, as many as it asks for; what is free does not
    change.
    The first fitting nodes are taken by number; the other placements are those of `describe` (best-fit, fewest-leaves,
    spread).
    """
    need, count, whole = q.of[Request.NODES, job], 0, takes_whole_nodes(r, q, job)
    for node in range(s.node.shape[1]):
        fits = s.node[NodeRow.AVAIL, node] and fits_on(s, q, job, base, node, whole)
        s.node[NodeRow.FIT, node] = fits
        count += fits
    if count < need:
        return False
    if r.placement == Placement.FIRST:
        taken = 0
        for node in range(s.node.shape[1]):
            if s.node[NodeRow.FIT, node] and taken < need:
                s.node[NodeRow.CHOSEN, taken] = node
                taken += 1
        return True
    if r.placement == Placement.SPREAD:
        return _choose_spread(s, park, need, base)
    return _choose_groups(s, park, r.placement == Placement.LEAVES, need)


@kernel
def mark_up_nodes(s, r, q, job):
    """Set `avail` to the nodes of the job's partition that take jobs.

    Begins every choice: later steps only take nodes away.  What runs on a node plays no part here.
    """
    part = q.of[Request.PARTITION, job]
    for node in range(s.node.shape[1]):
        s.node[NodeRow.AVAIL, node] = (
            s.node[NodeRow.UP, node] and r.part_nodes[part, node] and s.node[NodeRow.DRAINING, node] == 0
        )


@kernel
def reserved_until_s(r, k, from_s):
    """The end of the first time that a reservation holds that is not over at a time, or of its last.

    from_s   a time that the end must lie behind, if the reservation repeats [s]
    A reservation that does not repeat has one end, which may be over already; callers compare it with their time.
    """
    end, every = r.resv[ReservationRow.BEGIN, k] + r.resv[ReservationRow.LENGTH, k], r.resv[ReservationRow.EVERY, k]
    return end + ((from_s - end) // every + 1) * every if every > 0 and end <= from_s else end


@kernel
def mind_reservations(s, r, q, job, from_s, to_s):
    """Take nodes out of `avail` that are reserved for others between two times; the earliest end of these, 0 if none.

    Reservations that are open to the job's association take nothing away.  The end is when to look again: from then on nodes
    may
    be there that are not now [s].
    """
    first_end = np.int64(0)
    for k in range(r.resv.shape[1]):
        end = reserved_until_s(r, k, from_s)
        if end > from_s and end - r.resv[ReservationRow.LENGTH, k] < to_s and not r.resv_open[k, q.of[Request.LEAF, job]]:
            for node in range(s.node.shape[1]):
                if r.resv_nodes[k, node]:
                    s.node[NodeRow.AVAIL, node] = False
            if first_end == 0 or end < first_end:
                first_end = end
    return first_end


@kernel
def hold_node(s, q, job, base, node, whole, sign):
    """Take (1) or give back (-1) one node's part of what a job holds.

    base   NodeRow.FREE for now, NodeRow.AHEAD for a look ahead.  The same `whole` must be passed to take and to give back.
    """
    s.node[base + FreeRow.JOBS, node] += sign
    if whole:
        s.node[base + FreeRow.CORES, node] -= sign * WHOLE_NODE
        return
    s.node[base + FreeRow.GPUS, node] -= sign * q.of[Request.GPUS, job]
    s.node[base + FreeRow.CORES, node] -= sign * q.of[Request.CORES, job]
    s.node[base + FreeRow.MEMORY, node] -= sign * q.of[Request.MEMORY, job]


@kernel
def look_ahead(s):
    """Begin a look ahead with what is free now.

    Nothing is given back yet; `give_back` does that, job by job, and `choose_nodes` may be asked after each.
    """
    for row in range(NodeRow.AHEAD - NodeRow.FREE):
        for node in range(s.node.shape[1]):
            s.node[NodeRow.AHEAD + row, node] = s.node[NodeRow.FREE + row, node]


@kernel
def give_back(s, r, q, other):
    """Take a running job away in the look ahead.

    other   a running job; taking one away twice would make room that is not there
    """
    whole = takes_whole_nodes(r, q, other)
    for k in range(s.job[JobRow.NODES_FROM, other], s.job[JobRow.NODES_FROM, other] + q.of[Request.NODES, other]):
        hold_node(s, q, other, NodeRow.AHEAD, s.nodes[k], whole, -1)
