"""Usage of associations and their fair-tree factors, as Slurm works them out.

Usage is kept as of one time for all, with the rate at which what runs adds to it; so it is brought up to now in closed
form, whatever has passed: u f + rate (1 - f) / lambda, with f the part that is left after the half-life has worked, and
lambda its decay.  An association's level is its share among its siblings over its part of its parent's usage (Fair Tree,
slurm.schedmd.com). The tree is walked depth first with a stack of its own, since no kernel may call itself or allocate.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
a, b  associations;  now  [s]

The algorithm is that of Slurm's plugin priority/multifactor with PriorityFlags=FAIR_TREE, the default since 19.05.  Usage is
billing times seconds, raw, and unlike Slurm it decays without steps of PriorityCalcPeriod.
"""

import numpy as np

from terp.simulate.engine.controller.controller_rows import FairTreeRow, Running, ShareRow, TreeRow
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def charge_usage(s, r, now):
    """Bring usage up to now: u = u f + rate (1 - f) / lambda, with f = 2^(-dt / half-life).

    passed   since the last charge, for all associations at once [s];  a half-life of 0: usage never decays
    Must be called before any rate changes: what ran until now is charged at the rate that it had.
    """
    passed = now - s.f[Running.CHARGED_S]
    if passed <= 0:
        return
    s.f[Running.CHARGED_S] = now
    fade, gain = 1.0, float(passed)
    if r.half_life_s > 0:
        fade = 2.0 ** (-passed / r.half_life_s)
        gain = (1.0 - fade) * r.half_life_s / np.log(2.0)
    for a in range(s.share.shape[1]):
        s.share[ShareRow.USE, a] = s.share[ShareRow.USE, a] * fade + s.share[ShareRow.RATE, a] * gain


@kernel
def add_rate(s, r, a, change):
    """Add to the rate of usage of an association and of all above it.

    change   in usage per second; negative at an end.  The root is its own parent, where the walk ends.
    """
    while True:
        s.share[ShareRow.RATE, a] += change
        if r.tree[TreeRow.PARENT, a] == a:
            return
        a = r.tree[TreeRow.PARENT, a]


@kernel
def _before_sibling(s, r, a, b):
    """Whether an association is looked at before a sibling: the higher level, then users, then the lower number.

    The number makes the order of equals the same in every run.  Infinite levels, of those who used nothing, are equal.
    """
    if s.share[ShareRow.LEVEL, a] != s.share[ShareRow.LEVEL, b]:
        return s.share[ShareRow.LEVEL, a] > s.share[ShareRow.LEVEL, b]
    if r.tree[TreeRow.IS_LEAF, a] != r.tree[TreeRow.IS_LEAF, b]:
        return r.tree[TreeRow.IS_LEAF, a] > r.tree[TreeRow.IS_LEAF, b]
    return a < b


@kernel
def _push_children(s, r, a, base, tied):
    """Put the children of an account, and of those merged with it, on the stack of the fair tree; its size then.

    base   the size of the stack without them: the children are put above it, the best on top of those pushed last
    tied   whether the account itself shares the place of who comes next; its last child inherits that
    They are sorted by insertion as they are pushed.  The chain of merged accounts runs through FairTreeRow.MERGED, to -1.
    """
    size = base
    while a >= 0:
        for k in range(r.tree[TreeRow.CHILDREN_FROM, a], r.tree[TreeRow.CHILDREN_FROM, a + 1]):
            b, at = r.tree[TreeRow.CHILDREN, k], size
            while at > base and _before_sibling(s, r, s.acc[FairTreeRow.STACK, at - 1], b):
                s.acc[FairTreeRow.STACK, at] = s.acc[FairTreeRow.STACK, at - 1]
                at -= 1
            s.acc[FairTreeRow.STACK, at] = b
            size += 1
        a = s.acc[FairTreeRow.MERGED, a]
    for at in range(base, size - 1):
        level = s.share[ShareRow.LEVEL, s.acc[FairTreeRow.STACK, at]]
        s.acc[FairTreeRow.TIED, at] = level == s.share[ShareRow.LEVEL, s.acc[FairTreeRow.STACK, at + 1]]
    if size > base:  # an account may have nobody in it
        s.acc[FairTreeRow.TIED, size - 1] = tied
    return size


@kernel
def fair_tree(s, r, now):
    """Fair-tree factors of all users: siblings by shares over usage, depth first; the k-th of n gets (n - k + 1) / n.

    Users of one level share the higher place; accounts of one level have their children merged, and the first of these
    shares the place of a user of that level.

    Writes ShareRow.LEVEL and ShareRow.FACTOR, the latter in (0, 1].  Level is shares over the part of the siblings' usage:
    0 for an association without shares, infinite for one that has used (nearly) nothing.  Its cost is one walk of the tree.
    """
    charge_usage(s, r, now)
    count, leaves = r.tree.shape[1] - 1, 0
    for a in range(count):
        total = s.share[ShareRow.USE, r.tree[TreeRow.PARENT, a]]
        part = s.share[ShareRow.USE, a] / total if total > 0 else 0.0
        s.share[ShareRow.LEVEL, a] = 0.0 if r.shares[a] == 0 else np.inf if part <= 1e-12 else r.shares[a] / part
        leaves += r.tree[TreeRow.IS_LEAF, a]
    place, rank, size = leaves, leaves, 1
    # a stack of associations, of which the last is looked at next
    s.acc[FairTreeRow.STACK, 0] = s.acc[FairTreeRow.TIED, 0] = 0
    while size > 0:
        size -= 1
        a, tied = s.acc[FairTreeRow.STACK, size], s.acc[FairTreeRow.TIED, size]
        if r.tree[TreeRow.IS_LEAF, a]:
            if not tied:
                rank = place
            s.share[ShareRow.FACTOR, a] = rank / leaves
            place -= 1
            continue
        s.acc[FairTreeRow.MERGED, a], first = -1, a
        while (
            size > 0
            and s.acc[FairTreeRow.TIED, size - 1]
            and not r.tree[TreeRow.IS_LEAF, s.acc[FairTreeRow.STACK, size - 1]]
        ):
            size -= 1  # an account of the same level: its children come in among these
            s.acc[FairTreeRow.MERGED, s.acc[FairTreeRow.STACK, size]], first = first, s.acc[FairTreeRow.STACK, size]
        size = _push_children(s, r, first, size, tied)
