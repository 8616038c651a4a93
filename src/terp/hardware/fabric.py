"""The compute fabric, as any topology leaves it: switches, the links between them, and the ports nodes hang on.

`trees` and `dragonflies` each wire a `Fabric` by their own rule; all that comes later (paths between GPUs, collectives,
the bill, placement of jobs) reads this one form and asks for no topology by name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Node, Switch


@dataclass(frozen=True)
class Fabric:
    """A compute fabric.  Switches are numbered leaves first, then spines, then cores; a dragonfly has leaves only.

    tiers_count    levels of switches between two nodes of different units, up and down counted once
    node_leaf      shape (nodes, ports): the leaf that each port of a node hangs on
    node_port      shape (nodes, ports): the port of that leaf, counted in links of a node's rate
    links          shape (n, 3): lower switch, upper switch, parallel cables
    ports_used     ports in use of each switch
    local_cables_count, global_cables_count   cables within and between the groups of a dragonfly or dragonfly+
    bisection_bytes_per_s   least rate between two halves of the nodes, one direction [B/s]

    node_cables_count      ports of all nodes; `manager_cables_count` those of fabric managers
    leaf_spine_cables_count, spine_core_cables_count   cables between tiers, parallel ones counted each; 0 where there is
                                                       none
    """

    tiers_count: int
    leaf_switches_count: int
    spine_switches_count: int
    core_switches_count: int
    node_cables_count: int
    manager_cables_count: int
    leaf_spine_cables_count: int
    spine_core_cables_count: int
    local_cables_count: int
    global_cables_count: int
    bisection_bytes_per_s: float
    node_leaf: Ints
    node_port: Ints
    links: Ints
    ports_used: Ints

    @property
    def switches_count(self) -> int:
        """All switches of the compute nodes' part of the fabric."""
        return self.leaf_switches_count + self.spine_switches_count + self.core_switches_count

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """The switches that each switch has a cable to.

        A list by switch number; of several parallel cables the other end stands in it once.  Kept after the first use.
        """
        joined: list[list[int]] = [[] for _ in range(self.switches_count)]
        for lower, upper, _ in self.links.tolist():
            joined[lower].append(upper)
            joined[upper].append(lower)
        return joined

    def switches_between(self, first: int, second: int) -> int | None:
        """Switches on the shortest way from leaf `first` to leaf `second`, both counted; None where none leads there.

        Breadth first, so the count is the least; 1 where both are the same leaf.  Planes of a fabric have no way between
        them.
        """
        distance = {first: 1}
        queue = deque([first])
        while queue:
            here = queue.popleft()
            if here == second:
                return distance[here]
            for there in self.neighbours[here]:
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        return None


def links_per_port(switch: Switch, node: Node) -> int:
    """Links of a node's rate that one port of a switch carries.

    An 800 Gb/s port that is split feeds two nodes' ports of 400 Gb/s.  At least 1, also where the node is the faster.
    """
    return max(int(switch.port_rate_bytes_per_s / node.compute_port_rate_bytes_per_s + 1e-9), 1)


def ports_to_nodes(leaf: Ints, leaves: int, split: int) -> Ints:
    """Ports towards nodes of each leaf; `split` links share one.

    leaf     the leaf of each link of a node, of any shape;  leaves   how many there are
    Gives shape (leaves,), rounded up leaf by leaf.
    """
    return -(-np.bincount(leaf.ravel(), minlength=leaves) // split)


def ports_in_use(links: Ints, switches: int, to_nodes: Ints) -> Ints:
    """Ports of each switch that links between switches take, and of the leaves those to nodes.

    links      rows of lower switch, upper switch and parallel cables, shape (n, 3)
    to_nodes   ports towards nodes of the first switches, which are the leaves
    Gives shape (switches,).  Whether they are more than a switch has, the caller checks.
    """
    used = np.zeros(switches, np.int64)
    for end in (0, 1):
        np.add.at(used, links[:, end], links[:, 2])
    used[: to_nodes.size] += to_nodes
    return used
