"""The other networks: storage, Ethernet in band, Ethernet out of band.

The reference architecture prints their switch counts for one size only, four scalable units and 127 nodes; these
rules are derived from that row and meet it (16, 8 and 8 switches).  Other sizes are extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from terp.catalogue import Node, Rack, StorageAppliance, Switch
from terp.describe import MachineFile

UPLINKS_PER_NODE_LEAF: Final = (3, 4)  # uplinks to downlinks, "near 4:3 oversubscribed"
IN_BAND_UPLINKS: Final = 4  # of a leaf to the core: 24 cables of 6 leaves
IN_BAND_PEER_LINKS: Final = 2  # of a pair of leaves: 6 cables of 3 pairs
IN_BAND_CORES: Final = 2
NFS_LINKS: Final = 8
OUT_OF_BAND_UPLINKS: Final = 2


@dataclass(frozen=True)
class Networks:
    """Switches and cables beside the compute fabric."""

    storage_leaf_switches_count: int
    storage_spine_switches_count: int
    storage_node_cables_count: int
    storage_appliance_cables_count: int
    storage_uplink_cables_count: int
    in_band_switches_count: int
    in_band_cables_count: int
    out_of_band_switches_count: int
    out_of_band_cables_count: int

    @property
    def storage_switches_count(self) -> int:
        """Leaves and spines of the storage fabric."""
        return self.storage_leaf_switches_count + self.storage_spine_switches_count


def build_networks(
    file: MachineFile, node: Node, nodes: int, racks: int, compute_switches: int, appliance: StorageAppliance,
    storage_switch: Switch, in_band: Switch, out_of_band: Switch, rack: Rack,
) -> Networks:  # fmt: skip
    """The networks of a machine of `nodes` nodes in `racks` racks."""
    units = file.compute.scalable_units_count
    node_links = nodes * node.storage_ports_count
    appliance_links = file.storage.appliances_count * appliance.ports_count
    up, down = UPLINKS_PER_NODE_LEAF
    node_leaves = node.storage_ports_count * units
    per_node_leaf = ceil(ceil(node_links / node_leaves) * up / down) if node_leaves else 0
    uplinks = node_leaves * per_node_leaf + appliance_links
    storage_leaves = max(units, ceil(2 * appliance_links / storage_switch.ports_count))
    spines = ceil(uplinks / storage_switch.ports_count)
    servers = file.management.servers_count
    in_band_links = nodes * node.in_band_ports_count + 2 * servers + NFS_LINKS
    room = in_band.ports_count - IN_BAND_UPLINKS - IN_BAND_PEER_LINKS
    pairs = ceil(in_band_links / 2 / room)
    in_band_switches = 2 * pairs + IN_BAND_CORES
    in_band_cables = in_band_links + 2 * pairs * IN_BAND_UPLINKS + pairs * IN_BAND_PEER_LINKS + 4
    power_units = rack.power_units_count * racks
    managed = nodes + compute_switches + node_leaves + storage_leaves + spines + in_band_switches + servers
    managed += file.management.fabric_managers_count + power_units
    out_switches = 2 * ceil(managed / out_of_band.ports_count / 2)
    return Networks(
        storage_leaf_switches_count=node_leaves + storage_leaves,
        storage_spine_switches_count=spines,
        storage_node_cables_count=node_links,
        storage_appliance_cables_count=appliance_links,
        storage_uplink_cables_count=uplinks,
        in_band_switches_count=in_band_switches,
        in_band_cables_count=in_band_cables,
        out_of_band_switches_count=out_switches,
        out_of_band_cables_count=managed + OUT_OF_BAND_UPLINKS * out_switches,
    )
