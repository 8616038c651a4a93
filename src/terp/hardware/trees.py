"""Fat trees, built by rule to the port and cable.

Rail-optimised: port r of every node of a unit hangs on the unit's leaf r, so that GPUs of one rail in a unit are one
switch apart.  Plain: all ports of a node hang on one leaf, which takes as many whole nodes as it can.  A leaf with
oversubscription o spends ports on nodes and on spines as o to 1.  The rules above the leaves reproduce the published
tables of the DGX SuperPODs with H100, B200 and B300 (nvidia-superpod-h100, superpod-b200, superpod-b300):

- two tiers while every spine can reach every leaf: spines are the fewest that carry all uplinks and divide a leaf's
  uplinks evenly;
- three tiers beyond: pods of as many leaves as a spine has ports down, one spine for each uplink of a leaf; each
  spine's uplinks divide evenly over the fewest core switches of its own plane;
- a fabric of several planes is that many fabrics side by side, and the ports of a node are dealt over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Node, Switch
from terp.describe import MachineFile
from terp.errors import Problem, Problems
from terp.hardware.fabric import Fabric, links_per_port, ports_in_use, ports_to_nodes
from terp.reader import Written


@dataclass(frozen=True)
class _Shape:
    """The sizes that the rules work with.

    split   links of a node's rate that one port of a switch carries
    up      ports of a leaf towards spines
    down    links of a node's rate that a leaf takes
    leaf    shape (nodes, ports): leaf of each port; `port` the place on it
    """

    ports: int
    split: int
    up: int
    down: int
    leaves: int
    planes: int
    leaf: Ints
    port: Ints

    @property
    def most_leaves(self) -> int:
        """Leaves of a plane."""
        return -(-self.leaves // self.planes)

    @property
    def to_nodes(self) -> Ints:
        """Ports towards nodes of each leaf."""
        return ports_to_nodes(self.leaf, self.leaves, self.split)


def build_tree(written: Written[MachineFile], node: Node, switch: Switch) -> Fabric:
    """A fat tree.  Raises Problems with all that keeps it from being built.

    written   the machine file, whose lines the problems point at
    node      gives its ports and their rate [B/s];  switch   ports, rate [B/s]

    Two tiers where the file names no number and they suffice, else three.  The bisection is half of what the narrowest tier
    carries, never more than half of what the nodes inject.
    """
    file, compute = written.record.fabric, written.record.compute
    split, up, down = leaf_ports(switch, node, file.oversubscription_ratio)
    lay = _rails if file.topology == "rail-optimised-fat-tree" else _whole_nodes
    leaf, port, leaves = lay(compute.all_nodes_count, compute.nodes_per_unit_count, node.compute_ports_count, down)
    shape = _Shape(switch.ports_count, split, up, down, leaves, file.planes_count, leaf, port)
    tiers = file.tiers_count or (2 if shape.most_leaves <= shape.ports else 3)
    problems = _misfits(written, node, shape, tiers)
    if problems:
        raise Problems(problems)
    return _wire(shape, tiers, file.manager_links_count, switch.port_rate_bytes_per_s)


def leaf_ports(switch: Switch, node: Node, oversubscription_ratio: float) -> tuple[int, int, int]:
    """Of a leaf: links of a node's rate that a port carries, ports towards spines, and links to nodes that it takes.

    A small number is added before rounding down, so that a ratio written in decimals does not lose a port.
    """
    split = links_per_port(switch, node)
    up = max(int(switch.ports_count / (1 + oversubscription_ratio) + 1e-9), 1)
    return split, up, int(up * oversubscription_ratio + 1e-9) * split


def nodes_of_leaf(down: int, node_ports: int) -> int:
    """Whole nodes that a leaf of a plain fat tree takes."""
    return max(down // node_ports, 1)


def leaves_joined(ports: int, tiers: int) -> int:
    """Leaves of a plane that spines, or pods and cores, of `ports` ports can join.

    Two tiers: a spine has a port for each leaf.  Three: a spine's ports are half down, half up, and a core has one for a
    pod.
    """
    return ports if tiers == 2 else ports * (ports // 2)


def _rails(nodes: int, per_unit: int, ports: int, _down: int) -> tuple[Ints, Ints, int]:
    """Leaf and port of each port of each node, and the leaves: one leaf a rail and unit.

    Gives leaf and port of shape (nodes, ports), and the number of leaves.
    """
    unit, slot = np.divmod(np.arange(nodes), per_unit)
    leaf = unit[:, None] * ports + np.arange(ports)
    return leaf, np.repeat(slot[:, None], ports, axis=1), -(-nodes // per_unit) * ports


def _whole_nodes(nodes: int, per_unit: int, ports: int, down: int) -> tuple[Ints, Ints, int]:
    """As `_rails`, with all ports of a node on one leaf."""
    per_leaf = nodes_of_leaf(down, ports)
    leaves_a_unit = -(-per_unit // per_leaf)
    unit, slot = np.divmod(np.arange(nodes), per_unit)
    leaf = np.repeat((unit * leaves_a_unit + slot // per_leaf)[:, None], ports, axis=1)
    port = (slot % per_leaf * ports)[:, None] + np.arange(ports)
    return leaf, port, int(leaf.max()) + 1


def _misfits(written: Written[MachineFile], node: Node, shape: _Shape, tiers: int) -> list[Problem]:
    """All that keeps a tree from being built, each at the key of the machine file that could be changed; empty if it
    fits.
    """
    file, compute, tree = written.record.fabric, written.record.compute, written.tree
    problems = []
    rails = file.topology == "rail-optimised-fat-tree"
    if rails and compute.nodes_per_unit_count > shape.down:
        wrong = f"too many nodes for a leaf, which has {shape.down} of its {shape.ports} ports for them"
        found, would_do = str(compute.nodes_per_unit_count), f"at most {shape.down} would do"
        problems.append(tree.problem(("compute", "nodes_per_unit"), wrong, found, would_do))
    if not rails and node.compute_ports_count > shape.down:
        wrong = f"too few ports for one node of {node.compute_ports_count}, {shape.down} face nodes"
        problems.append(tree.problem(("fabric", "switch"), wrong, repr(file.switch)))
    if node.compute_ports_count % shape.planes:
        wrong = f"the {node.compute_ports_count} ports of a node do not divide over the planes"
        problems.append(tree.problem(("fabric", "planes"), wrong, str(shape.planes)))
    most = leaves_joined(shape.ports, tiers)
    if shape.most_leaves > most:
        a_unit = shape.leaves / compute.units_count / shape.planes
        wrong = f"too many nodes for a fabric of {tiers} tiers of {shape.ports}-port switches"
        would_do = f"at most {int(most / a_unit)} units would do" + (", or tiers: 3" if tiers == 2 else "")
        if compute.nodes_count is None:
            problems.append(tree.problem(("compute", "scalable_units"), wrong, str(compute.scalable_units_count), would_do))
        else:
            problems.append(tree.problem(("compute", "nodes"), wrong, str(compute.nodes_count), would_do))
    if not problems:
        free = shape.leaves * shape.down // shape.split - int(shape.to_nodes.sum())
        if file.manager_links_count > free:
            would_do = "leave out a node (left_out: 1) to free its ports"
            wrong = f"no leaf has ports left for the fabric managers: {free} are free"
            problems.append(tree.problem(("fabric", "manager_links"), wrong, str(file.manager_links_count), would_do))
    return problems


def _wire(shape: _Shape, tiers: int, managers: int, rate_bytes_per_s: float) -> Fabric:
    """The fabric, once it is known to fit.

    The planes are wired one after the other and numbered leaves first, then spines, then cores, over the whole fabric.
    managers           ports of leaves that fabric managers take
    rate_bytes_per_s   of a port of a switch, one direction [B/s]
    """
    leaves_of_planes = [_leaves_of_plane(shape, plane) for plane in range(shape.planes)]
    links, spines, cores = [], 0, 0
    for leaves in leaves_of_planes:
        wired, more_spines, more_cores = _two_tiers(leaves.size, shape) if tiers == 2 else _three_tiers(leaves.size, shape)
        links.append((leaves, wired, spines, more_spines, cores))
        spines, cores = spines + more_spines, cores + more_cores
    rows = np.concatenate([_numbered(*entry, shape.leaves, spines) for entry in links])
    switches = shape.leaves + spines + cores
    used = ports_in_use(rows, switches, shape.to_nodes)
    used[_manager_leaves(used[: shape.leaves], shape.ports, managers)] += 1
    lower = rows[:, 0] < shape.leaves
    up, over = int(rows[lower, 2].sum()), int(rows[~lower, 2].sum())
    nodes_bytes_per_s = shape.leaf.size * rate_bytes_per_s / shape.split
    narrowest = min([up, over] if tiers == 3 else [up]) * rate_bytes_per_s if shape.leaves > 1 else nodes_bytes_per_s
    return Fabric(
        tiers_count=tiers,
        leaf_switches_count=shape.leaves,
        spine_switches_count=spines,
        core_switches_count=cores,
        node_cables_count=shape.leaf.size,
        manager_cables_count=managers,
        leaf_spine_cables_count=up,
        spine_core_cables_count=over,
        local_cables_count=0,
        global_cables_count=0,
        bisection_bytes_per_s=min(nodes_bytes_per_s, narrowest) / 2,
        node_leaf=shape.leaf,
        node_port=shape.port,
        links=rows,
        ports_used=used,
    )


def _leaves_of_plane(shape: _Shape, plane: int) -> Ints:
    """The leaves that the ports of a plane hang on."""
    each = shape.leaf.shape[1] // shape.planes
    return np.unique(shape.leaf[:, plane * each : (plane + 1) * each])


def _numbered(
    leaves: Ints, wired: Ints, spines_before: int, spines: int, cores_before: int, all_leaves: int, all_spines: int
) -> Ints:
    """Links of one plane, numbered from 0 within it, in the numbers of the whole fabric."""
    cores = max(int(wired[:, 1].max(initial=0)) + 1 - leaves.size - spines, 0)
    numbers = np.concatenate(
        [
            leaves,
            all_leaves + spines_before + np.arange(spines),
            all_leaves + all_spines + cores_before + np.arange(cores),
        ]
    )
    return np.column_stack([numbers[wired[:, 0]], numbers[wired[:, 1]], wired[:, 2]])


def _manager_leaves(used: Ints, ports: int, links: int) -> Ints:
    """The leaves that the fabric managers hang on: one each, the last ones with a free port."""
    free = np.flatnonzero(used < ports)[::-1]
    return np.resize(free, links) if links <= free.size else free


def fewest_even(need: int, uplinks: int) -> int:
    """The fewest switches, at least `need`, over which `uplinks` divide evenly.

    `fewest_even(5, 32)` is 8: five would carry the load, and eight is the next that 32 uplinks divide over evenly.
    """
    return next((count for count in range(max(need, 1), uplinks + 1) if uplinks % count == 0), uplinks)


def _two_tiers(leaves: int, shape: _Shape) -> tuple[Ints, int, int]:
    """Links of leaves to spines, with the numbers of spines and cores.  One leaf that all hang on needs no spine.

    Rows are lower switch, upper switch and parallel cables, shape (links, 3), numbered within the plane.
    """
    if leaves == 1:
        return np.zeros((0, 3), np.int64), 0, 0
    spines = fewest_even(-(-leaves * shape.up // shape.ports), shape.up)
    leaf, spine = np.meshgrid(np.arange(leaves), leaves + np.arange(spines), indexing="ij")
    cables = np.full(leaf.size, shape.up // spines)
    return np.column_stack([leaf.ravel(), spine.ravel(), cables]), spines, 0


def _three_tiers(leaves: int, shape: _Shape) -> tuple[Ints, int, int]:
    """Links of leaves to their pod's spines and of spines to the cores of their plane.

    The last pod may have fewer leaves than the others; its spines then have fewer cables up, and no row is left empty.
    """
    half = shape.ports // 2
    pods = -(-leaves // half)
    spines = pods * shape.up
    per_plane = fewest_even(-(-leaves // shape.ports), half)
    leaf = np.repeat(np.arange(leaves), shape.up)
    spine = leaves + leaf // half * shape.up + np.tile(np.arange(shape.up), leaves)
    lower = np.column_stack([leaf, spine, np.ones(leaf.size, np.int64)])
    pod, plane, core = np.meshgrid(np.arange(pods), np.arange(shape.up), np.arange(per_plane), indexing="ij")
    in_pod = np.minimum(half, leaves - pod * half)
    cables = in_pod // per_plane + (core < in_pod % per_plane)
    upper = np.column_stack(
        [(leaves + pod * shape.up + plane).ravel(), (leaves + spines + plane * per_plane + core).ravel(), cables.ravel()]
    )
    return np.concatenate([lower, upper[upper[:, 2] > 0]]), spines, shape.up * per_plane
