"""Nodes that take no new jobs: they run empty, go down for their repair, and come back.

A node takes jobs if no outage and no drain holds it.  An outage lasts until as many returns have come as failures; a drain,
until the node is empty and has then been away for its repair.  Either may fall into the other.

s  the state, a CoreState;  now  [s]

A node that drains has -1 free GPUs like one that is down, and so is never chosen; only its count tells the two apart.
"""

from terp.simulate.engine.core.core_state import Count
from terp.simulate.engine.core.free_nodes import set_end, set_free
from terp.simulate.engine.shared.codes import NEVER
from terp.simulate.engine.shared.event_heap import push_due
from terp.simulate.engine.shared.kernel_options import inlined, kernel


@inlined
def add_due(s, time_s, entry):
    """Note what is due at a time: the end of an attempt, as its number and slot, or a node's return, as -1 - node.

    entry   attempt << SLOT_BITS + slot, or -1 - node.  Of like times returns come first, then older attempts.
    """
    push_due(s.heap_time, s.heap_entry, s.n[Count.HEAP], time_s, entry)
    s.n[Count.HEAP] += 1


@kernel
def settle_drain(s, node, now):
    """A node that takes no new jobs goes down for its repair if it is empty.

    Called whenever something on it ends.  It is down for `CoreState.drain` [s], and counts as down unless an outage has it
    already.
    """
    if s.drain[node] == 0:
        return
    for gpu in range(s.owner.shape[1]):
        if s.owner[node, gpu] >= 0:
            return
    add_due(s, now + s.drain[node], -1 - node)
    s.drain[node], s.serviced[node] = 0, 1
    s.n[Count.DRAINING] -= 1
    s.n[Count.DOWN] += s.outages[node] == 0


@kernel
def drain_node(s, node, repair_s, now):
    """A node takes no new jobs from now on.

    repair_s   how long it is down once it is empty [s]; of several drains before that, the longest counts
    A node that is away for a repair already is left alone.
    """
    if s.serviced[node]:
        return
    s.n[Count.DRAINING] += s.drain[node] == 0
    s.drain[node] = max(s.drain[node], repair_s, 1)
    if s.free[node] >= 0:
        set_end(s, node, 0)
        set_free(s, node, -1)
        s.node_end[node] = NEVER
    settle_drain(s, node, now)


@inlined
def bring_up(s, node):
    """A node takes jobs again, unless something else keeps it down.

    Called after the outage or the drain was counted off; the node comes back idle, with all its GPUs.
    """
    if s.outages[node] == 0 and not s.serviced[node]:
        s.n[Count.DOWN] -= 1
        s.node_end[node] = 0
        set_free(s, node, s.owner.shape[1])
