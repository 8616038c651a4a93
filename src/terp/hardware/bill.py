"""The bill of materials: every part with its count and where it goes.

The bill is counted from the counts of nodes and switches, not from the wired links, so that it takes one machine or a
column of candidate machines alike.  Prices are no part of it: `terp.physics.money.costs` puts them on the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

import numpy as np

import terp
from terp.catalogue import Cable, Catalogue, Node, Part, Rack, Server, StorageAppliance, Switch
from terp.describe import MachineFile
from terp.hardware.counts import Counts, FabricCounts, Whole, over
from terp.hardware.networks import Networks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Line(Generic[Whole]):
    """One line of the bill: `count` pieces of a part, for one purpose.

    Of a column of machines, `count` is a column too, and some of them may have none of the part.

    where   purpose and place, such as "nodes", "compute fabric, leaf" or "storage fabric"; what stands before a comma
            decides the line of the cost that the part is on
    name    the part's name in the catalogue, and `part` its record
    count   pieces, not packs: an optic that ends two ports is one piece
    """

    where: str
    name: str
    part: Part
    count: Whole


class Bill(tuple[Line[int], ...]):
    """The lines of a built machine's bill of materials, with its table for a notebook."""

    __slots__ = ()

    def rows(self) -> list[dict[str, object]]:
        """A row a line, as `terp show --bom --json` prints it.

        Keys are "where", "part" (name in the catalogue), "title" (for people) and "count" (pieces), in the order of the
        bill.
        """
        return [{"where": e.where, "part": e.name, "title": e.part.title, "count": e.count} for e in self]

    @property
    def table(self) -> terp.Table:
        """The rows as a table, which gives pandas and polars."""
        return terp.table_of(self.rows())

    def to_pandas(self) -> pd.DataFrame:
        """A pandas.DataFrame, a row a line."""
        return self.table.to_pandas()

    def __repr__(self) -> str:
        return f"Bill({len(self)} lines, {sum(line.count for line in self):,} parts)"

    def _repr_html_(self) -> str:
        return terp.viewer().table_html(repr(self), self.rows())


class _Bill(Generic[Whole]):
    """Collects lines; parts that a machine file does not name are not counted."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.lines: list[Line[Whole]] = []

    def add(self, where: str, kind: type[Part], name: str | None, count: Whole) -> None:
        if name is not None and np.any(count > 0):
            self.lines.append(Line(where, name, self.catalogue.part(kind, name), count))


def bill_of_materials(
    file: MachineFile, catalogue: Catalogue, counts: Counts[Whole], fabric: FabricCounts[Whole], networks: Networks[Whole]
) -> tuple[Line[Whole], ...]:
    """Every part of a machine, or of a column of machines.  Twin-port optics fill a cage each, rounded up by switch.

    file       what is described: which parts stand where
    counts     nodes, racks, appliances and servers, from `counts_of` or as columns
    fabric     switches, cables and cages of the compute fabric, from `fabric_counts` or `tree_counts`
    networks   switches and cables beside it, from `build_networks`

    A part that the file does not name, or whose count is zero in all machines of the column, has no line.  Racks for
    switches, servers and appliances are counted last, from the units that all lines before them take.  Raises UnknownName
    for a part that the catalogue does not have.
    """
    bill = _Bill[Whole](catalogue)
    node, wires = catalogue.part(Node, file.compute.node), file.fabric
    bill.add("nodes", Node, file.compute.node, counts.nodes_count)
    bill.add("nodes", Cable, wires.node_optic, counts.nodes_count * node.compute_cages_count)
    _compute_fabric(bill, file, fabric)
    _storage(bill, file, counts, networks)
    _management(bill, file, counts, networks)
    for name, other in file.partitions.items():
        bill.add(f"partition {name}", Server, other.server, counts.partitions[name])
    bill.add("compute racks", Rack, file.compute.rack, counts.racks_count)
    if file.management is not None:
        units = 0 * counts.nodes_count
        for line in bill.lines:
            if isinstance(line.part, Switch | Server | StorageAppliance):
                units = units + line.count * line.part.rack_units_count
        bill.add("other racks", Rack, file.management.rack, over(units, file.management.rack_units_used_count))
    return tuple(bill.lines)


def _compute_fabric(bill: _Bill[Whole], file: MachineFile, fabric: FabricCounts[Whole]) -> None:
    """Adds the switches of each tier, the transceivers in their cages, and the cables of the compute fabric."""
    wires = file.fabric
    bill.add("compute fabric, leaf", Switch, wires.switch, fabric.leaf_switches_count)
    bill.add("compute fabric, spine", Switch, wires.switch, fabric.spine_switches_count)
    bill.add("compute fabric, core", Switch, wires.switch, fabric.core_switches_count)
    bill.add("compute fabric", Cable, wires.switch_optic, fabric.cages_count)
    bill.add("compute fabric", Cable, wires.cable, _pieces(bill.catalogue, file, fabric))


def _pieces(catalogue: Catalogue, file: MachineFile, fabric: FabricCounts[Whole]) -> Whole:
    """Pieces of the compute fabric's cable.  One that is faster than a node's port splits over as many ports as a switch's
    port does; where it is slower than a switch's port, several run side by side.

    catalogue   where the rates of switch, cable and node are looked up
    fabric      cables by what they join: nodes, fabric managers, and switches with each other

    A port that is split for several nodes takes one cable with as many tails, which is one piece.
    """
    switch, cable = catalogue.part(Switch, file.fabric.switch), catalogue.part(Cable, file.fabric.cable)
    node_bytes_per_s = catalogue.part(Node, file.compute.node).compute_port_rate_bytes_per_s
    fastest = min(cable.rate_bytes_per_s, switch.port_rate_bytes_per_s)
    tails = max(int(fastest / node_bytes_per_s + 1e-9), 1)
    abreast = -int(-(switch.port_rate_bytes_per_s / cable.rate_bytes_per_s - 1e-9) // 1)
    return over(fabric.node_cables_count, tails) + fabric.manager_cables_count + fabric.between_cables_count * abreast


def _storage(bill: _Bill[Whole], file: MachineFile, counts: Counts[Whole], networks: Networks[Whole]) -> None:
    """Adds the appliances of both tiers and the switches, optics and cables of their fabric; nothing where storage hangs on
    the compute fabric or is not described.  A cable between two switches ends in two ports and is one piece, so pieces are
    ports less uplinks.
    """
    storage = file.storage
    if storage is None or storage.switch is None or storage.appliance is None:
        return
    ports = networks.storage_node_cables_count + networks.storage_appliance_cables_count
    ports = ports + 2 * networks.storage_uplink_cables_count
    per_cage = bill.catalogue.part(Switch, storage.switch).ports_per_cage_count
    bill.add("storage", StorageAppliance, storage.appliance, counts.appliances_count)
    bill.add("storage, capacity", StorageAppliance, storage.capacity_appliance, counts.capacity_appliances_count)
    bill.add("storage fabric", Switch, storage.switch, networks.storage_switches_count)
    bill.add("storage fabric", Cable, storage.switch_optic or file.fabric.switch_optic, over(ports, per_cage))
    pieces = ports - networks.storage_uplink_cables_count
    bill.add("storage fabric", Cable, storage.cable or file.fabric.cable, pieces)


def _management(bill: _Bill[Whole], file: MachineFile, counts: Counts[Whole], networks: Networks[Whole]) -> None:
    """Adds the Ethernet in band and out of band, the fabric managers and the servers that run the cluster."""
    management = file.management
    if management is None:
        return
    bill.add("in band", Switch, management.in_band_switch, networks.in_band_switches_count)
    bill.add("in band", Cable, management.in_band_cable, networks.in_band_cables_count)
    bill.add("out of band", Switch, management.out_of_band_switch, networks.out_of_band_switches_count)
    bill.add("out of band", Cable, management.out_of_band_cable, networks.out_of_band_cables_count)
    bill.add("management", Server, management.fabric_manager, counts.fabric_managers_count)
    bill.add("management", Server, management.server, counts.servers_count)
