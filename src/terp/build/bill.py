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


def bill_of_materials(
    file: MachineFile, catalogue: Catalogue, node: Node, nodes: int, racks: int, fabric: Fabric, networks: Networks
) -> tuple[Line, ...]:
    """Every part of the machine.  Twin-port optics fill a cage each, rounded up by switch."""

    def line(where: str, kind: type[Part], name: str, count: int) -> Line:
        return Line(where, name, catalogue.part(kind, name), count)

    switch = catalogue.part(Switch, file.fabric.switch)
    per_cage = switch.ports_per_cage_count
    cages = int(np.ceil(fabric.ports_used / per_cage).sum())
    storage_switch = catalogue.part(Switch, file.storage.switch)
    storage_ports = networks.storage_node_cables_count + networks.storage_appliance_cables_count
    storage_ports += 2 * networks.storage_uplink_cables_count
    storage_fibres = storage_ports - networks.storage_uplink_cables_count
    fabric_fibres = fabric.node_cables_count + fabric.manager_cables_count
    fabric_fibres += fabric.leaf_spine_cables_count + fabric.spine_core_cables_count
    management = file.management
    lines = [
        line("nodes", Node, file.compute.node, nodes),
        line("nodes", Cable, file.fabric.node_optic, nodes * node.compute_cages_count),
        line("compute fabric, leaf", Switch, file.fabric.switch, fabric.leaf_switches_count),
        line("compute fabric, spine", Switch, file.fabric.switch, fabric.spine_switches_count),
        line("compute fabric, core", Switch, file.fabric.switch, fabric.core_switches_count),
        line("compute fabric", Cable, file.fabric.switch_optic, cages),
        line("compute fabric", Cable, file.fabric.fibre, fabric_fibres),
        line("storage", StorageAppliance, file.storage.appliance, file.storage.appliances_count),
        line("storage fabric", Switch, file.storage.switch, networks.storage_switches_count),
        line("storage fabric", Cable, file.fabric.switch_optic, ceil(storage_ports / storage_switch.ports_per_cage_count)),
        line("storage fabric", Cable, file.fabric.fibre, storage_fibres),
        line("in band", Switch, management.in_band_switch, networks.in_band_switches_count),
        line("in band", Cable, management.in_band_cable, networks.in_band_cables_count),
        line("out of band", Switch, management.out_of_band_switch, networks.out_of_band_switches_count),
        line("out of band", Cable, management.out_of_band_cable, networks.out_of_band_cables_count),
        line("management", Server, management.fabric_manager, management.fabric_managers_count),
        line("management", Server, management.server, management.servers_count),
        line("compute racks", Rack, file.compute.rack, racks),
    ]
    units = sum(
        entry.count * entry.part.rack_units_count
        for entry in lines
        if isinstance(entry.part, Switch | Server | StorageAppliance)
    )
    lines.append(line("other racks", Rack, management.rack, ceil(units / management.rack_units_used_count)))
    return tuple(entry for entry in lines if entry.count > 0)
