"""Fat trees in closed form: what `trees` builds to the port and cable, counted for a column of machines at once.

The rules are those of `trees`, without the wiring.  Leaves come in two kinds: full ones, and those of the last group of
nodes, which may hold fewer.  Spines and cores that serve the last pod may hold fewer cables than the others.

A plan weighs thousands of machines that differ in the number of nodes alone; wiring each of them would take most of
the time of a search.  Both
must give the same counts for the same machine: a rule that changes there changes here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.catalogue import Node, Switch
from terp.hardware.counts import FabricCounts
from terp.hardware.trees import fewest_even, leaf_ports, leaves_joined, nodes_of_leaf

_RAILS: Final = "rail-optimised-fat-tree"


@dataclass(frozen=True)
class TreeRule:
    """What fat trees that differ in the number of nodes alone have in common.

    node_ports_count      ports of a node on the fabric
    group_nodes_count     nodes that hang on the same leaves: a unit with rails, the nodes of a leaf without
    group_leaves_count    leaves of such a group
    leaf_links_count      links that each of them has to a node
    fits                  whether a leaf has the ports for its group

    ports_count           ports of a switch; `ports_per_cage_count` of them share a transceiver
    links_per_port_count  links of a node's rate that a port carries
    up_count, down_count  ports of a leaf to spines, and links to nodes that it takes
    managers_count        fabric managers, each with a port of a leaf
    """

    ports_count: int
    ports_per_cage_count: int
    links_per_port_count: int
    up_count: int
    down_count: int
    node_ports_count: int
    group_nodes_count: int
    group_leaves_count: int
    leaf_links_count: int
    managers_count: int
    fits: bool


def tree_rule(
    switch: Switch, node: Node, topology: str, oversubscription_ratio: float, nodes_per_unit: int, managers: int
) -> TreeRule:
    """The rule of a fabric of one plane.  Raises ValueError where a unit of a plain fat tree does not fill its leaves.

    topology                 "rail-optimised-fat-tree" or "fat-tree"
    oversubscription_ratio   what a leaf spends on nodes over what it spends on spines; 1 loses nothing
    managers                 fabric managers that need a port of a leaf each
    """
    split, up, down = leaf_ports(switch, node, oversubscription_ratio)
    ports = node.compute_ports_count
    group = nodes_per_unit if topology == _RAILS else nodes_of_leaf(down, ports)
    if nodes_per_unit % group:
        raise ValueError(f"{nodes_per_unit} nodes of a unit do not fill leaves of {group}")
    leaves, links = (ports, 1) if topology == _RAILS else (1, ports)
    fits = group * links <= down
    cage = switch.ports_per_cage_count
    return TreeRule(switch.ports_count, cage, split, up, down, ports, group, leaves, links, managers, fits)


def tree_counts(rule: TreeRule, nodes: Ints) -> tuple[FabricCounts[Ints], NDArray[np.bool_]]:
    """Switches, cables and cages of the trees of so many nodes, at least 1, and which of them can be built.

    Counts of those that cannot mean nothing.

    nodes   shape (machines,), whole numbers

    Gives counts of the same shape, and an array of bool: False where leaves would be more than three tiers join, where no
    port is left for the fabric managers, or where a group does not fit its leaves.
    """
    groups, rest = nodes // rule.group_nodes_count, nodes % rule.group_nodes_count
    some = rest > 0
    full, partly = groups * rule.group_leaves_count, some * rule.group_leaves_count
    leaves = full + partly
    to_full = -(-rule.group_nodes_count * rule.leaf_links_count // rule.links_per_port_count)
    to_partly = -(-(rest * rule.leaf_links_count) // rule.links_per_port_count)
    free = leaves * rule.down_count // rule.links_per_port_count - full * to_full - partly * to_partly
    fits = (leaves <= leaves_joined(rule.ports_count, 3)) & (rule.managers_count <= free) & rule.fits
    high = leaves > leaves_joined(rule.ports_count, 2)
    spines, cores, upper_cages = _low_tree(rule, leaves)
    if high.any():
        above = _high_tree(rule, leaves[high])
        for column, values in zip((spines, cores, upper_cages), above, strict=True):
            column[high] = values
    up = np.where(leaves > 1, rule.up_count, 0)
    links = leaves * up
    return FabricCounts(
        leaf_switches_count=leaves,
        spine_switches_count=spines,
        core_switches_count=cores,
        node_cables_count=nodes * rule.node_ports_count,
        manager_cables_count=np.full_like(nodes, rule.managers_count),
        between_cables_count=links + high * links,
        cages_count=_leaf_cages(rule, (partly, to_partly + up), (full, to_full + up)) + upper_cages,
    ), fits


def _leaf_cages(rule: TreeRule, *kinds: tuple[Ints, Ints]) -> Ints:
    """Cages of the leaves, of each kind a count and the ports in use, from the last kind of the fabric to its first.

    The fabric managers take a port each of the last leaves that have one.

    kinds   pairs of a count of leaves and of the ports in use of each, both of shape (machines,)
    """
    cages, left = np.zeros_like(kinds[0][0]), np.full_like(kinds[0][0], rule.managers_count)
    for count, used in kinds:
        taken = np.minimum(left, count) * (used < rule.ports_count)
        more = used % rule.ports_per_cage_count == 0  # a port more opens a cage
        cages += count * -(-used // rule.ports_per_cage_count) + taken * more
        left = left - taken
    return cages


@cache
def _fewest(uplinks: int) -> Ints:
    """`fewest_even` of each need from 0 to all uplinks."""
    return np.array([fewest_even(need, uplinks) for need in range(uplinks + 1)])


def _low_tree(rule: TreeRule, leaves: Ints) -> tuple[Ints, Ints, Ints]:
    """Spines, cores and their cages in two tiers, and none of them above one leaf.

    leaves   shape (machines,); the three that are given have the same shape.
    """
    need = -(-(leaves * rule.up_count) // rule.ports_count)
    spines = np.where(leaves > 1, _fewest(rule.up_count)[np.minimum(need, rule.up_count)], 0)
    each = leaves * (rule.up_count // np.maximum(spines, 1))
    return spines, np.zeros_like(leaves), spines * -(-each // rule.ports_per_cage_count)


def _high_tree(rule: TreeRule, leaves: Ints) -> tuple[Ints, Ints, Ints]:
    """As `_low_tree`, in three: pods of leaves and spines, and planes of cores.

    A spine has as many cables up as down.  Of a plane's cores the first have one cable more to the last pod's spine.
    """
    cage, half = rule.ports_per_cage_count, rule.ports_count // 2
    pods = -(-leaves // half)
    last = leaves - (pods - 1) * half
    plane = _fewest(half)[np.minimum(-(-leaves // rule.ports_count), half)]
    used, more = (pods - 1) * (half // plane) + last // plane, last % plane
    in_plane = more * -(-(used + 1) // cage) + (plane - more) * -(-used // cage)
    in_pods = (pods - 1) * -(-2 * half // cage) + -(-2 * last // cage)
    return pods * rule.up_count, rule.up_count * plane, rule.up_count * (in_pods + in_plane)
