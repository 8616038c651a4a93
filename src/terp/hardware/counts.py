"""Whole numbers of a machine, of one or of a column of machines at once.

`Whole` is either `int` or a numpy array of int64, shape (machines,).  A rule written with `over`, `larger` and ordinary
arithmetic takes both, so that the bill of one machine and of ten thousand candidates comes from the same lines of code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from terp.arrays import Ints
from terp.describe import MachineFile
from terp.hardware.fabric import Fabric

Whole = TypeVar("Whole", int, Ints)


def over(count: Whole, each: Whole | int) -> Whole:
    """`count` over `each`, rounded up.

    Both are not negative; `each` is at least 1.  `over(7, 2)` is 4.
    """
    return -(-count // each)


def larger(count: Whole, other: Whole | int) -> Whole:
    """The larger of two, entry by entry where either is a column."""
    return max(count, other) if isinstance(count, int) else np.maximum(count, other)


@dataclass(frozen=True)
class Counts(Generic[Whole]):
    """What a machine file counts, and the racks that its nodes stand in; what it does not name is 0.

    partitions   servers of each partition of other nodes

    nodes_count                compute nodes, those left out of the last unit not among them
    units_count                scalable units, groups or racks in which the file counts its nodes
    racks_count                racks that hold compute nodes; racks of everything else are on the bill alone
    appliances_count           storage appliances of the first tier, and `capacity_appliances_count` of the second
    fabric_managers_count      servers that manage the compute fabric
    servers_count              servers that run the cluster: login, scheduling, provisioning
    """

    nodes_count: Whole
    units_count: Whole
    racks_count: Whole
    appliances_count: Whole
    capacity_appliances_count: Whole
    fabric_managers_count: Whole
    servers_count: Whole
    partitions: Mapping[str, Whole]

    @property
    def other_nodes_count(self) -> Whole | int:
        """Servers of all partitions."""
        return sum(self.partitions.values())


@dataclass(frozen=True)
class FabricCounts(Generic[Whole]):
    """What the bill asks of a compute fabric.

    between_cables_count   cables between switches
    cages_count            cages of switches that hold a transceiver

    leaf_switches_count    switches that nodes hang on; spines join leaves, and cores join spines
    node_cables_count      cables from a node's port to a leaf, one a port
    manager_cables_count   cables of fabric managers to leaves
    """

    leaf_switches_count: Whole
    spine_switches_count: Whole
    core_switches_count: Whole
    node_cables_count: Whole
    manager_cables_count: Whole
    between_cables_count: Whole
    cages_count: Whole

    @property
    def switches_count(self) -> Whole:
        """All switches.

        Fabric managers and switches of other networks are not among them.
        """
        return self.leaf_switches_count + self.spine_switches_count + self.core_switches_count


def counts_of(file: MachineFile, racks: int) -> Counts[int]:
    """The counts of a machine file whose nodes stand in `racks` racks.

    The racks are given because only the placing of nodes knows them (`place_nodes`, or `racks_of` without placing).
    """
    storage, management = file.storage, file.management
    return Counts(
        nodes_count=file.compute.all_nodes_count,
        units_count=file.compute.units_count,
        racks_count=racks,
        appliances_count=(storage.appliances_count or 0) if storage else 0,
        capacity_appliances_count=(storage.capacity_appliances_count or 0) if storage else 0,
        fabric_managers_count=management.fabric_managers_count if management else 0,
        servers_count=management.servers_count if management else 0,
        partitions={name: other.servers_count for name, other in file.partitions.items()},
    )


def fabric_counts(fabric: Fabric, ports_per_cage: int) -> FabricCounts[int]:
    """The counts of a fabric as it is wired.

    fabric           a wired fabric
    ports_per_cage   ports of a switch that share one transceiver: 2 for twin-port optics.  Cages are rounded up by switch

    Parallel cables between two switches are counted each.
    """
    between = fabric.leaf_spine_cables_count + fabric.spine_core_cables_count + fabric.global_cables_count
    if not fabric.spine_switches_count:
        between += fabric.local_cables_count  # of a dragonfly; those of a dragonfly+ are its leaf-spine cables
    return FabricCounts(
        leaf_switches_count=fabric.leaf_switches_count,
        spine_switches_count=fabric.spine_switches_count,
        core_switches_count=fabric.core_switches_count,
        node_cables_count=fabric.node_cables_count,
        manager_cables_count=fabric.manager_cables_count,
        between_cables_count=between,
        cages_count=int((-(-fabric.ports_used // ports_per_cage)).sum()),
    )
