"""The other networks: storage, Ethernet in band, Ethernet out of band.

The reference architecture prints their switch counts for one size only, four scalable units and 127 nodes; these
rules are derived from that row and meet it (16, 8 and 8 switches).  Other sizes are extrapolated: a unit whose links
and uplinks are more than the ports of a storage leaf has several of them for each storage port of a node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic

from terp.catalogue import Catalogue, Node, Rack, StorageAppliance, Switch
from terp.describe import MachineFile
from terp.hardware.counts import Counts, Whole, larger, over

UPLINKS_PER_NODE_LEAF: Final = (3, 4)
"""Uplinks to downlinks of a storage leaf that nodes hang on: the reference architecture says "near 4:3 oversubscribed"."""
IN_BAND_UPLINKS: Final = 4
"""Cables of an in-band leaf to the core: the reference architecture has 24 for 6 leaves."""
IN_BAND_PEER_LINKS: Final = 2
"""Cables between the two leaves of a pair: 6 for 3 pairs."""
IN_BAND_CORES: Final = 2
"""Core switches of the network in band, of any size: a pair for redundancy."""
NFS_LINKS: Final = 8
"""Links in band of the home file system."""
OUT_OF_BAND_UPLINKS: Final = 2
"""Cables of an out-of-band switch to the network in band."""


@dataclass(frozen=True)
class Networks(Generic[Whole]):
    """Switches and cables beside the compute fabric, of a machine or of a column of them.

    storage_*       leaves, spines and cables of the storage fabric: to nodes, to appliances, and between switches
    in_band_*       Ethernet that jobs, home directories and the scheduler use
    out_of_band_*   Ethernet for the management ports of nodes, switches, servers and power distribution units
    """

    storage_leaf_switches_count: Whole
    storage_spine_switches_count: Whole
    storage_node_cables_count: Whole
    storage_appliance_cables_count: Whole
    storage_uplink_cables_count: Whole
    in_band_switches_count: Whole
    in_band_cables_count: Whole
    out_of_band_switches_count: Whole
    out_of_band_cables_count: Whole

    @property
    def storage_switches_count(self) -> Whole:
        """Leaves and spines of the storage fabric."""
        return self.storage_leaf_switches_count + self.storage_spine_switches_count


def build_networks(
    file: MachineFile, counts: Counts[Whole], compute_switches: Whole, node: Node, catalogue: Catalogue
) -> Networks[Whole]:
    """The networks of a machine, or of a column of them that differ in their counts alone.

    What the file does not describe has none.  Nodes of partitions have a link in band and one out of band each.

    counts             nodes, units, racks and servers, whole numbers or columns
    compute_switches   switches of the compute fabric, each with a management port

    In-band leaves come in pairs, and so do out-of-band switches, for redundancy.  Raises UnknownName for a switch that the
    catalogue does not have.
    """
    fabric = _storage_fabric(file, counts, node, catalogue)
    management, none = file.management, 0 * counts.nodes_count
    if management is None:
        return Networks(*fabric, none, none, none, none)
    in_band = catalogue.part(Switch, management.in_band_switch)
    out_of_band = catalogue.part(Switch, management.out_of_band_switch)
    rack = catalogue.part(Rack, file.compute.rack)
    beside = counts.other_nodes_count + counts.servers_count
    in_band_links = counts.nodes_count * node.in_band_ports_count + beside + counts.servers_count + NFS_LINKS
    pairs = over(in_band_links, 2 * (in_band.ports_count - IN_BAND_UPLINKS - IN_BAND_PEER_LINKS))
    in_band_switches = 2 * pairs + IN_BAND_CORES
    in_band_cables = in_band_links + 2 * pairs * IN_BAND_UPLINKS + pairs * IN_BAND_PEER_LINKS + 4
    managed = counts.nodes_count + compute_switches + fabric[0] + fabric[1] + in_band_switches + beside
    managed = managed + counts.fabric_managers_count + rack.power_units_count * counts.racks_count
    out_switches = 2 * over(managed, 2 * out_of_band.ports_count)
    out_cables = managed + OUT_OF_BAND_UPLINKS * out_switches
    return Networks(*fabric, in_band_switches, in_band_cables, out_switches, out_cables)


def nodes_of_storage_leaf(switch: Switch) -> int:
    """Links to nodes that a storage leaf takes beside their uplinks.

    With 64 ports and 3 uplinks to 4 downlinks it is 36: ports that the ratio does not use stay free.
    """
    up, down = UPLINKS_PER_NODE_LEAF
    return switch.ports_count * down // (up + down)


def _storage_fabric(
    file: MachineFile, counts: Counts[Whole], node: Node, catalogue: Catalogue
) -> tuple[Whole, Whole, Whole, Whole, Whole]:
    """Switches and cables of the storage fabric in the order of `Networks`.

    None where storage hangs on the compute fabric or is not described.

    Nodes' leaves are as many for each storage port as a unit's nodes need, and every uplink is a cable to a spine.  Leaves
    of appliances are at least as many as units, and have as many uplinks as appliances have ports.
    """
    storage, none = file.storage, 0 * counts.nodes_count
    if storage is None or storage.appliance is None or storage.switch is None:
        return none, none, none, none, none
    some = counts.appliances_count > 0
    switch = catalogue.part(Switch, storage.switch)
    node_links = counts.nodes_count * node.storage_ports_count
    appliance_links = counts.appliances_count * catalogue.part(StorageAppliance, storage.appliance).ports_count
    if storage.capacity_appliance is not None:
        ports = catalogue.part(StorageAppliance, storage.capacity_appliance).ports_count
        appliance_links = appliance_links + counts.capacity_appliances_count * ports
    up, down = UPLINKS_PER_NODE_LEAF
    leaves_a_unit = over(file.compute.nodes_per_unit_count, nodes_of_storage_leaf(switch))
    node_leaves = counts.units_count * (node.storage_ports_count * leaves_a_unit)
    per_node_leaf = over(over(node_links, larger(node_leaves, 1)) * up, down)
    uplinks = node_leaves * per_node_leaf + appliance_links
    storage_leaves = larger(counts.units_count, over(2 * appliance_links, switch.ports_count))
    spines = over(uplinks, switch.ports_count)
    return (
        some * (node_leaves + storage_leaves),
        some * spines,
        some * node_links,
        some * appliance_links,
        some * uplinks,
    )
