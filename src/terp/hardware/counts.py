"""Whole numbers of a machine, of one or of a column of machines at once: the rules of `build` take both alike."""

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
    """`count` over `each`, rounded up."""
    return -(-count // each)


def larger(one: Whole, other: Whole | int) -> Whole:
    """The larger of two."""
    return max(one, other) if isinstance(one, int) else np.maximum(one, other)


@dataclass(frozen=True)
class Counts(Generic[Whole]):
    """What a machine file counts, and the racks that its nodes stand in; what it does not name is 0.

    partitions   servers of each partition of other nodes
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
        """All switches."""
        return self.leaf_switches_count + self.spine_switches_count + self.core_switches_count


def counts_of(file: MachineFile, racks: int) -> Counts[int]:
    """The counts of a machine file whose nodes stand in `racks` racks."""
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
    """The counts of a fabric as it is wired."""
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
