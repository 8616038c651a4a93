"""The other networks: storage, Ethernet in band, Ethernet out of band.

The reference architecture prints their switch counts for one size only, four scalable units and 127 nodes; these
rules are derived from that row and meet it (16, 8 and 8 switches).  Other sizes are extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from terp.catalogue import Catalogue, Node, Rack, StorageAppliance, Switch
from terp.describe import Compute, MachineFile, Storage

UPLINKS_PER_NODE_LEAF: Final = (3, 4)  # uplinks to downlinks, "near 4:3 oversubscribed"
IN_BAND_UPLINKS: Final = 4  # of a leaf to the core: 24 cables of 6 leaves
IN_BAND_PEER_LINKS: Final = 2  # of a pair of leaves: 6 cables of 3 pairs
IN_BAND_CORES: Final = 2
NFS_LINKS: Final = 8
OUT_OF_BAND_UPLINKS: Final = 2

_STORAGE: Final = (
    "storage_leaf_switches_count",
    "storage_spine_switches_count",
    "storage_node_cables_count",
    "storage_appliance_cables_count",
    "storage_uplink_cables_count",
)
_ETHERNET: Final = (
    "in_band_switches_count",
    "in_band_cables_count",
    "out_of_band_switches_count",
    "out_of_band_cables_count",
)


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
    file: MachineFile, node: Node, racks: int, compute_switches: int, catalogue: Catalogue, rack: Rack
) -> Networks:
    """The networks of a machine whose nodes stand in `racks` racks.  What the file does not describe has none."""
    compute, storage, management = file.compute, file.storage, file.management
    fabric = _storage_fabric(compute, storage, node, catalogue)
    if management is None:
        return Networks(**fabric, **dict.fromkeys(_ETHERNET, 0))
    in_band = catalogue.part(Switch, management.in_band_switch)
    out_of_band = catalogue.part(Switch, management.out_of_band_switch)
    in_band_links = compute.all_nodes_count * node.in_band_ports_count + 2 * management.servers_count + NFS_LINKS
    room = in_band.ports_count - IN_BAND_UPLINKS - IN_BAND_PEER_LINKS
    pairs = ceil(in_band_links / 2 / room)
    in_band_switches = 2 * pairs + IN_BAND_CORES
    in_band_cables = in_band_links + 2 * pairs * IN_BAND_UPLINKS + pairs * IN_BAND_PEER_LINKS + 4
    storage_switches = fabric["storage_leaf_switches_count"] + fabric["storage_spine_switches_count"]
    managed = compute.all_nodes_count + compute_switches + storage_switches + in_band_switches + management.servers_count
    managed += management.fabric_managers_count + rack.power_units_count * racks
    out_switches = 2 * ceil(managed / out_of_band.ports_count / 2)
    return Networks(
        **fabric,
        in_band_switches_count=in_band_switches,
        in_band_cables_count=in_band_cables,
        out_of_band_switches_count=out_switches,
        out_of_band_cables_count=managed + OUT_OF_BAND_UPLINKS * out_switches,
    )


def _storage_fabric(compute: Compute, storage: Storage | None, node: Node, catalogue: Catalogue) -> dict[str, int]:
    """Switches and cables of the storage fabric; none where storage hangs on the compute fabric or is not described."""
    if storage is None or storage.appliance is None or storage.appliances_count is None or storage.switch is None:
        return dict.fromkeys(_STORAGE, 0)
    switch = catalogue.part(Switch, storage.switch)
    node_links = compute.all_nodes_count * node.storage_ports_count
    appliance_links = storage.appliances_count * catalogue.part(StorageAppliance, storage.appliance).ports_count
    up, down = UPLINKS_PER_NODE_LEAF
    node_leaves = node.storage_ports_count * compute.units_count
    per_node_leaf = ceil(ceil(node_links / node_leaves) * up / down) if node_leaves else 0
    uplinks = node_leaves * per_node_leaf + appliance_links
    storage_leaves = max(compute.units_count, ceil(2 * appliance_links / switch.ports_count))
    counts = (node_leaves + storage_leaves, ceil(uplinks / switch.ports_count), node_links, appliance_links, uplinks)
    return dict(zip(_STORAGE, counts, strict=True))
