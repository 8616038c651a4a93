"""Dragonfly and dragonfly+, built by rule to the port and cable.

A unit of the machine is a group.  Dragonfly (Kim et al., ISCA 2008; Slingshot): every two switches of a group have
`local_links` cables.  Dragonfly+ (Shpiner et al., HiPINEB 2017): every leaf has `local_links` cables to every spine of
its group, and spines hold the links between groups.  In both, every two groups have `global_links` cables, dealt over
the switches of each group in turn.  The links of a group's nodes fill its switches evenly, in order of nodes, so that a
node may hang on two of them.
"""

from __future__ import annotations

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Node, Switch
from terp.describe import MachineFile
from terp.errors import Problem, Problems
from terp.hardware.fabric import Fabric, links_per_port, ports_in_use, ports_to_nodes
from terp.reader import Written


def build_dragonfly(written: Written[MachineFile], node: Node, switch: Switch) -> Fabric:
    """A dragonfly or dragonfly+.  Raises Problems with all that keeps it from being built.

    written   the machine file with its places, so that a problem names the line
    node      gives the ports of a node on this fabric; `switch` the ports of a switch and their rate [B/s]

    The bisection is the rate of all cables between two halves of the groups, or, of a single group, across its middle;
    never more than half of what the nodes inject.  Problems are keys that the topology needs and the file lacks, and
    switches that would need more ports than they have.  The port count between groups is checked before the wiring, which
    for a wrong number of links could be larger than memory.
    """
    file, compute = written.record.fabric, written.record.compute
    plus = file.topology == "dragonfly+"
    entry = file.leaves_per_group_count if plus else file.switches_per_group_count
    exits = file.spines_per_group_count if plus else file.switches_per_group_count
    if entry is None or exits is None or file.global_links_count is None:
        raise Problems([written.tree.problem(("fabric",), f"not all that a {file.topology} needs is there", key=True)])
    groups, each = compute.units_count, compute.nodes_per_unit_count
    leaf, port = _hang(compute.all_nodes_count, each, node.compute_ports_count, entry)
    ends = (groups - 1 + file.other_groups_count) * file.global_links_count
    if -(-ends // exits) > switch.ports_count:
        raise Problems([_over_ports(written, -(-ends // exits), switch.ports_count, spine=plus)])  # before a large wiring
    local, middle = _local_links(groups, entry, exits if plus else 0, file.local_links_count)
    first_exit = groups * entry if plus else 0
    outside = _global_links(groups, exits, file.global_links_count) + np.array([first_exit, first_exit, 0])
    links = np.concatenate([local, outside])
    switches = groups * (entry + middle)
    split = links_per_port(switch, node)
    used = ports_in_use(links, switches, ports_to_nodes(leaf, groups * entry, split))
    to_others = _ports_to_others(groups, exits, file.global_links_count, file.other_groups_count)
    used[first_exit : first_exit + groups * exits] += to_others
    _check_ports(written, used, switch.ports_count, groups * entry)
    rate = switch.port_rate_bytes_per_s
    nodes_bytes_per_s = leaf.size * rate / split
    across = groups // 2 * (groups - groups // 2) * file.global_links_count
    across = across if groups > 1 else _within(entry, exits, file.local_links_count, plus=plus)
    return Fabric(
        tiers_count=2 if plus else 1,
        leaf_switches_count=groups * entry,
        spine_switches_count=groups * middle,
        core_switches_count=0,
        node_cables_count=leaf.size,
        manager_cables_count=0,
        leaf_spine_cables_count=int(local[:, 2].sum()) if plus else 0,
        spine_core_cables_count=0,
        local_cables_count=int(local[:, 2].sum()),
        global_cables_count=int(outside[:, 2].sum()) + int(to_others.sum()),
        bisection_bytes_per_s=min(across * rate, nodes_bytes_per_s / 2),
        node_leaf=leaf,
        node_port=port,
        links=links,
        ports_used=used,
    )


def _hang(nodes: int, per_group: int, ports: int, entry: int) -> tuple[Ints, Ints]:
    """Leaf and port of each port of each node: the links of a group fill its switches evenly, in order of nodes.

    Gives two arrays of shape (nodes, ports): the switch, numbered over all groups, and the place on it in links of a node's
    rate.
    """
    group, slot = np.divmod(np.arange(nodes), per_group)
    link = slot[:, None] * ports + np.arange(ports)
    a_switch = -(-per_group * ports // entry)
    return group[:, None] * entry + link // a_switch, link % a_switch


def _local_links(groups: int, entry: int, spines: int, cables: int) -> tuple[Ints, int]:
    """Links within groups, and the spines of a group.

    Links are rows of lower switch, upper switch and parallel cables, shape (links, 3); spines are numbered after all leaves.
    """
    if spines:
        one, other = (axis.ravel() for axis in np.meshgrid(np.arange(entry), np.arange(spines), indexing="ij"))
        group = np.repeat(np.arange(groups), one.size)
        lower, upper = np.tile(one, groups) + group * entry, np.tile(other, groups) + group * spines + groups * entry
    else:
        one, other = np.triu_indices(entry, 1)
        group = np.repeat(np.arange(groups), one.size)
        lower, upper = np.tile(one, groups) + group * entry, np.tile(other, groups) + group * entry
    return np.column_stack([lower, upper, np.full(lower.size, cables)]), spines


def _global_links(groups: int, exits: int, cables: int) -> Ints:
    """Links between every two groups, each dealt over the exit switches in turn; equal ones stand together.

    Gives rows of two exit switches, numbered over groups from 0, and their cables; shape (links, 3).  The offset by the
    other group's number spreads the links of a pair so that no switch of a group has over one cable more than another.
    """
    first, second = np.triu_indices(groups, 1)
    number = np.arange(cables)
    lower = first[:, None] * exits + ((second - 1)[:, None] * cables + number) % exits
    upper = second[:, None] * exits + (first[:, None] * cables + number) % exits
    pairs, count = np.unique(np.column_stack([lower.ravel(), upper.ravel()]), axis=0, return_counts=True)
    return np.column_stack([pairs, count]).astype(np.int64).reshape(-1, 3)


def _ports_to_others(groups: int, exits: int, cables: int, others: int) -> Ints:
    """Ports of each exit switch towards groups of other things.

    Such groups hold storage or processors, which are not built here: their cables take ports and have no other end.  Shape
    (exit switches of all groups,).
    """
    one = np.bincount((np.arange(others * cables) + (groups - 1) * cables) % exits, minlength=exits)
    return np.tile(one, groups)


def _within(entry: int, exits: int, cables: int, *, plus: bool) -> int:
    """Cables across the middle of a single group: over the spines, or between two halves of its switches."""
    return entry * exits * cables // 2 if plus else entry // 2 * (entry - entry // 2) * cables


def _check_ports(written: Written[MachineFile], used: Ints, ports: int, leaves: int) -> None:
    """Raises Problems if a leaf or a spine needs more ports than it has."""
    most = (used[:leaves].max(), used[leaves:].max(initial=0))
    over = [_over_ports(written, int(count), ports, spine=bool(spine)) for spine, count in enumerate(most) if count > ports]
    if over:
        raise Problems(over)


def _over_ports(written: Written[MachineFile], needed: int, ports: int, *, spine: bool) -> Problem:
    """A switch that would need more ports than it has: a spine of a dragonfly+, or one that nodes hang on."""
    file = written.record.fabric
    what = "spine" if spine else "switch that nodes hang on"
    key = "spines" if spine else "leaves" if file.topology == "dragonfly+" else "switches"
    wrong = f"a {what} would need {needed} ports, {file.switch} has {ports}"
    more = "spines" if spine else "switches a group"
    return written.tree.problem(("fabric", f"{key}_per_group"), wrong, would_do=f"use more {more}, or fewer links")
