"""The bill of materials: every part with its count and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from terp.build.fabric import Fabric
from terp.build.networks import Networks
from terp.catalogue import Cable, Catalogue, Node, Part, Rack, Server, StorageAppliance, Switch
from terp.describe import MachineFile


@dataclass(frozen=True)
class Line:
    """One line of the bill: `count` pieces of a part, for one purpose."""

    where: str
    name: str
    part: Part
    count: int


class _Bill:
    """Collects lines; parts that a machine file does not name are not counted."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.lines: list[Line] = []

    def add(self, where: str, kind: type[Part], name: str | None, count: int) -> None:
        if name is not None and count > 0:
            self.lines.append(Line(where, name, self.catalogue.part(kind, name), count))


def bill_of_materials(
    file: MachineFile, catalogue: Catalogue, node: Node, racks: int, fabric: Fabric, networks: Networks
) -> tuple[Line, ...]:
    """Every part of the machine.  Twin-port optics fill a cage each, rounded up by switch."""
    bill = _Bill(catalogue)
    nodes, wires = file.compute.all_nodes_count, file.fabric
    bill.add("nodes", Node, file.compute.node, nodes)
    bill.add("nodes", Cable, wires.node_optic, nodes * node.compute_cages_count)
    _compute_fabric(bill, file, fabric)
    _storage(bill, file, networks)
    _management(bill, file, networks)
    bill.add("compute racks", Rack, file.compute.rack, racks)
    if file.management is not None:
        units = sum(
            line.count * line.part.rack_units_count
            for line in bill.lines
            if isinstance(line.part, Switch | Server | StorageAppliance)
        )
        bill.add("other racks", Rack, file.management.rack, ceil(units / file.management.rack_units_used_count))
    return tuple(bill.lines)


def _compute_fabric(bill: _Bill, file: MachineFile, fabric: Fabric) -> None:
    wires = file.fabric
    per_cage = bill.catalogue.part(Switch, wires.switch).ports_per_cage_count
    cages = int(np.ceil(fabric.ports_used / per_cage).sum())
    bill.add("compute fabric, leaf", Switch, wires.switch, fabric.leaf_switches_count)
    bill.add("compute fabric, spine", Switch, wires.switch, fabric.spine_switches_count)
    bill.add("compute fabric, core", Switch, wires.switch, fabric.core_switches_count)
    bill.add("compute fabric", Cable, wires.switch_optic, cages)
    bill.add("compute fabric", Cable, wires.cable, _pieces(bill, file, fabric))


def _pieces(bill: _Bill, file: MachineFile, fabric: Fabric) -> int:
    """Pieces of the compute fabric's cable.  One that is faster than a node's port splits over as many ports as a switch's
    port does; where it is slower than a switch's port, several run side by side.
    """
    switch, cable = bill.catalogue.part(Switch, file.fabric.switch), bill.catalogue.part(Cable, file.fabric.cable)
    node_bytes_per_s = bill.catalogue.part(Node, file.compute.node).compute_port_rate_bytes_per_s
    fastest = min(cable.rate_bytes_per_s, switch.port_rate_bytes_per_s)
    tails = max(int(fastest / node_bytes_per_s + 1e-9), 1)
    abreast = ceil(switch.port_rate_bytes_per_s / cable.rate_bytes_per_s - 1e-9)
    between = fabric.leaf_spine_cables_count + fabric.spine_core_cables_count + fabric.global_cables_count
    if not fabric.spine_switches_count:
        between += fabric.local_cables_count  # of a dragonfly; those of a dragonfly+ are its leaf-spine cables
    return ceil(fabric.node_cables_count / tails) + fabric.manager_cables_count + between * abreast


def _storage(bill: _Bill, file: MachineFile, networks: Networks) -> None:
    storage = file.storage
    if storage is None or storage.switch is None or storage.appliances_count is None:
        return
    ports = networks.storage_node_cables_count + networks.storage_appliance_cables_count
    ports += 2 * networks.storage_uplink_cables_count
    per_cage = bill.catalogue.part(Switch, storage.switch).ports_per_cage_count
    bill.add("storage", StorageAppliance, storage.appliance, storage.appliances_count)
    bill.add("storage fabric", Switch, storage.switch, networks.storage_switches_count)
    bill.add("storage fabric", Cable, file.fabric.switch_optic, ceil(ports / per_cage))
    bill.add("storage fabric", Cable, file.fabric.cable, ports - networks.storage_uplink_cables_count)


def _management(bill: _Bill, file: MachineFile, networks: Networks) -> None:
    management = file.management
    if management is None:
        return
    bill.add("in band", Switch, management.in_band_switch, networks.in_band_switches_count)
    bill.add("in band", Cable, management.in_band_cable, networks.in_band_cables_count)
    bill.add("out of band", Switch, management.out_of_band_switch, networks.out_of_band_switches_count)
    bill.add("out of band", Cable, management.out_of_band_cable, networks.out_of_band_cables_count)
    bill.add("management", Server, management.fabric_manager, management.fabric_managers_count)
    bill.add("management", Server, management.server, management.servers_count)
