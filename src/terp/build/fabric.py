"""The compute fabric: a rail-optimised fat tree built by rule to the port and cable.

Rail r of every node of a unit hangs on the unit's leaf r, so that GPUs of one rail in a unit are one hop apart.
Every leaf spends half its ports on nodes and half on spines: full bisection.  The rules, which reproduce the
published tables of the DGX H100 SuperPOD from 1 to 64 scalable units (nvidia-superpod-h100):

- two tiers while every spine can reach every leaf: spines are the fewest that carry all uplinks and divide a leaf's
  uplinks evenly;
- three tiers beyond: pods of as many leaves as a spine has ports down, one spine for each uplink of a leaf; each
  spine's uplinks divide evenly over the fewest core switches of its own plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import Node, Switch
from terp.describe import Compute, MachineFile
from terp.describe import Fabric as FabricFile
from terp.errors import Problems
from terp.reader import Written


@dataclass(frozen=True)
class Fabric:
    """A compute fabric.  Switches are numbered leaves first, then spines, then cores.

    leaf_of_rail   shape (units, rails): leaf by unit and rail
    links          shape (n, 3): lower switch, upper switch, parallel cables
    """

    tiers_count: int
    leaf_switches_count: int
    spine_switches_count: int
    core_switches_count: int
    node_cables_count: int
    manager_cables_count: int
    leaf_spine_cables_count: int
    spine_core_cables_count: int
    leaf_of_rail: NDArray[np.int64]
    links: NDArray[np.int64]
    ports_used: NDArray[np.int64]

    @property
    def switches_count(self) -> int:
        """Leaves, spines and cores."""
        return self.leaf_switches_count + self.spine_switches_count + self.core_switches_count


def build_fabric(written: Written[MachineFile], node: Node, switch: Switch) -> Fabric:
    """The fabric of a machine file.  Raises Problems with all that keeps it from being built."""
    file, compute, tree = written.record.fabric, written.record.compute, written.tree
    down, units = switch.ports_count // 2, compute.scalable_units_count
    rails, leaves = node.compute_ports_count, compute.scalable_units_count * node.compute_ports_count
    tiers = file.tiers_count or (2 if leaves <= switch.ports_count else 3)
    most_leaves = switch.ports_count if tiers == 2 else switch.ports_count * down
    problems = []
    if compute.nodes_per_unit_count > down:
        wrong = f"too many nodes for a leaf, half of whose {switch.ports_count} ports go to spines"
        problems.append(
            tree.problem(("compute", "nodes_per_unit"), wrong, str(compute.nodes_per_unit_count), f"at most {down} would do")
        )
    if leaves > most_leaves:
        wrong = f"too many nodes for a fabric of {tiers} tiers of {switch.ports_count}-port switches"
        would_do = f"at most {most_leaves // rails} units would do" + (", or tiers: 3" if tiers == 2 else "")
        problems.append(tree.problem(("compute", "scalable_units"), wrong, str(units), would_do))
    free = max(down - compute.nodes_per_unit_count, 0) * leaves + compute.left_out_count * rails
    if file.manager_links_count > free:
        would_do = "leave out a node (left_out: 1) to free its ports"
        wrong = f"no leaf has ports left for the fabric managers: {free} are free"
        problems.append(tree.problem(("fabric", "manager_links"), wrong, str(file.manager_links_count), would_do))
    if compute.left_out_count >= compute.nodes_per_unit_count:
        wrong = "more nodes are left out than a unit has"
        would_do = "describe one unit less"
        problems.append(tree.problem(("compute", "left_out"), wrong, str(compute.left_out_count), would_do))
    if problems:
        raise Problems(problems)
    return _build(file, compute, rails, down, tiers)


def _build(file: FabricFile, compute: Compute, rails: int, down: int, tiers: int) -> Fabric:
    """The fabric, once it is known to fit."""
    units = compute.scalable_units_count
    leaf_of_rail = np.arange(units * rails).reshape(units, rails)
    leaves = leaf_of_rail.size
    links, spines, cores = _two_tiers(leaves, down) if tiers == 2 else _three_tiers(leaves, down)
    nodes = np.full(leaves, compute.nodes_per_unit_count)
    nodes[-rails:] -= compute.left_out_count
    used: NDArray[Any] = np.bincount(links[:, 0], links[:, 2], leaves + spines + cores)
    used += np.bincount(links[:, 1], links[:, 2], leaves + spines + cores)
    used[:leaves] += nodes
    used[_manager_leaves(used[:leaves], 2 * down, file.manager_links_count)] += 1
    return Fabric(
        tiers_count=tiers,
        leaf_switches_count=leaves,
        spine_switches_count=spines,
        core_switches_count=cores,
        node_cables_count=int(nodes.sum()),
        manager_cables_count=file.manager_links_count,
        leaf_spine_cables_count=int(links[links[:, 0] < leaves, 2].sum()),
        spine_core_cables_count=int(links[links[:, 0] >= leaves, 2].sum()),
        leaf_of_rail=leaf_of_rail,
        links=links,
        ports_used=used.astype(np.int64),
    )


def _manager_leaves(used: NDArray[Any], ports: int, links: int) -> NDArray[np.int64]:
    """The leaves that the fabric managers hang on: one each, the last ones with a free port."""
    free = np.flatnonzero(used < ports)[::-1]
    return np.resize(free, links) if links <= free.size else free


def _fewest_even(need: int, uplinks: int) -> int:
    """The fewest switches, at least `need`, over which `uplinks` divide evenly."""
    return next((count for count in range(max(need, 1), uplinks + 1) if uplinks % count == 0), uplinks)


def _two_tiers(leaves: int, down: int) -> tuple[NDArray[np.int64], int, int]:
    """Links of leaves to spines, with the numbers of spines and cores."""
    spines = _fewest_even(-(-leaves * down // (2 * down)), down)
    leaf, spine = np.meshgrid(np.arange(leaves), leaves + np.arange(spines), indexing="ij")
    cables = np.full(leaf.size, down // spines)
    return np.column_stack([leaf.ravel(), spine.ravel(), cables]), spines, 0


def _three_tiers(leaves: int, down: int) -> tuple[NDArray[np.int64], int, int]:
    """Links of leaves to their pod's spines and of spines to the cores of their plane."""
    pods = -(-leaves // down)
    spines = pods * down
    per_plane = _fewest_even(-(-leaves // (2 * down)), down)
    leaf = np.repeat(np.arange(leaves), down)
    spine = leaves + leaf // down * down + np.tile(np.arange(down), leaves)
    lower = np.column_stack([leaf, spine, np.ones(leaf.size, np.int64)])
    pod, plane, core = np.meshgrid(np.arange(pods), np.arange(down), np.arange(per_plane), indexing="ij")
    in_pod = np.minimum(down, leaves - pod * down)
    cables = in_pod // per_plane + (core < in_pod % per_plane)
    upper = np.column_stack(
        [(leaves + pod * down + plane).ravel(), (leaves + spines + plane * per_plane + core).ravel(), cables.ravel()]
    )
    return np.concatenate([lower, upper[upper[:, 2] > 0]]), spines, down * per_plane
