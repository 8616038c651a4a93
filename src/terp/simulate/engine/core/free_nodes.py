"""Which nodes have how many GPUs free, and until when they are held by requested ends.

A job below the size of a node gets the busiest node that has room, so that whole nodes stay idle for those who need them; a
larger one gets the idle nodes of lowest number.

Nodes are kept by their free GPUs as bits, 32 a word, and the words that are not nought as bits again: so the lowest node
with so many free is found in a few steps.  Requested ends of whole nodes are kept as a sorted list with their numbers.

s  the state, a CoreState;  per_node  GPUs of a node;  slot  a place for one running job

The three tables must agree at all times: `free` by node, `with_free` as counts, `bits` and `words` as sets; so only
`set_free`
writes them.
"""

import numpy as np

from terp.simulate.engine.core.core_state import BIT_OF_REST, Count
from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def most_room(s, per_node):
    """The most GPUs that one job could get now: of all idle nodes, else of the node with most free.

    A bound for a scan of the queue: whoever wants more cannot start.
    """
    if s.with_free[per_node] > 0:
        return s.with_free[per_node] * per_node
    for free in range(per_node - 1, 0, -1):
        if s.with_free[free] > 0:
            return free
    return 0


@inlined
def set_free(s, node, free):
    """Note a node's free GPUs; -1 for a node that takes no jobs.

    free   from 0 to the GPUs of a node; the old count may be -1, too, in which case the node joins the sets again
    """
    old, word, bit = s.free[node], node >> 5, 1 << (node & 31)
    s.free[node] = free
    if old >= 0:
        s.with_free[old] -= 1
        s.bits[old, word] &= ~bit
        if s.bits[old, word] == 0:
            s.words[old, word >> 5] &= ~(1 << (word & 31))
    if free >= 0:
        s.with_free[free] += 1
        s.bits[free, word] |= bit
        s.words[free, word >> 5] |= 1 << (word & 31)


@inlined
def _first_bit(word):
    """The lowest bit that is set: powers of two differ by their rest over 37.

    word   not 0, of 32 bits.  A table of 37 entries gives the bit without a loop, as 2 generates all rests over 37 but 0.
    """
    return BIT_OF_REST[(word & -word) % 37]


@inlined
def next_node(s, free, node):
    """The lowest-numbered node from `node` on with so many free GPUs; -1 if none.

    free   the number of free GPUs, exactly; the least of all nodes is asked for with `node` 0
    """
    word = node >> 5
    if word >= s.bits.shape[1]:
        return -1
    left = s.bits[free, word] >> (node & 31) << (node & 31)
    if left != 0:
        return (word << 5) + _first_bit(left)
    word += 1
    group = word >> 5
    while group < s.words.shape[1]:
        left = s.words[free, group] >> (word & 31) << (word & 31)
        if left != 0:
            word = (group << 5) + _first_bit(left)
            return (word << 5) + _first_bit(s.bits[free, word])
        group += 1
        word = group << 5
    return -1


@inlined
def add_end(s, end, nodes):
    """Note that so many nodes more, or fewer, are free by requested ends from `end` on.

    nodes   how many more whole nodes are free from then on; negative takes them off again
    The list holds each time once; a time without nodes leaves it.  The two loops for a shift are apart so that each is one
    copy.
    """
    low, high = 0, s.n[Count.ENDS]
    while low < high:
        middle = (low + high) >> 1
        if s.ends[middle] < end:
            low = middle + 1
        else:
            high = middle
    if low < s.n[Count.ENDS] and s.ends[low] == end:
        s.ends_nodes[low] += nodes
        if s.ends_nodes[low] == 0:
            s.n[Count.ENDS] -= 1
            for at in range(low, s.n[Count.ENDS]):
                s.ends[at] = s.ends[at + 1]
            for at in range(low, s.n[Count.ENDS]):
                s.ends_nodes[at] = s.ends_nodes[at + 1]
        return
    for at in range(s.n[Count.ENDS], low, -1):
        s.ends[at] = s.ends[at - 1]
    for at in range(s.n[Count.ENDS], low, -1):
        s.ends_nodes[at] = s.ends_nodes[at - 1]
    s.ends[low], s.ends_nodes[low] = end, nodes
    s.n[Count.ENDS] += 1


@inlined
def set_end(s, node, end):
    """Note the latest requested end on a node that takes jobs.

    end   0 for an idle node [s].  The list of ends follows; nodes that take no jobs must not be passed.
    """
    old = s.node_end[node]
    if old != end:
        s.node_end[node] = end
        if old > 0:
            add_end(s, old, -1)
        if end > 0:
            add_end(s, end, 1)


@inlined
def requested_end_s(s, node):
    """The latest requested end of the jobs on a node [s]; 0 if it is idle.

    Worked out from the slots on it; `CoreState.node_end` holds it between changes.
    """
    latest = np.int64(0)
    for gpu in range(s.owner.shape[1]):
        slot = s.owner[node, gpu]
        if slot >= 0 and s.slot_limit_end[slot] > latest:
            latest = s.slot_limit_end[slot]
    return latest


@inlined
def choose_shared(s, gpus, after, skip):
    """Best-fit node for a share of a node, -1 if none; only nodes busy beyond `after`, and never node `skip`.

    after   only nodes that are held beyond this requested time [s]; -1: any, idle ones too
    skip    a node that is kept for the head of the queue; -1: none
    Fewest free GPUs that are enough, and of those the lowest number.
    """
    per_node = s.owner.shape[1]
    for free in range(gpus, per_node):
        if s.with_free[free] > 0:
            node = next_node(s, free, 0)
            while node >= 0 and (s.node_end[node] <= after or node == skip):
                node = next_node(s, free, node + 1)
            if node >= 0:
                return node
    if after < 0 and s.with_free[per_node] > 0:
        return next_node(s, per_node, 0)
    return -1
