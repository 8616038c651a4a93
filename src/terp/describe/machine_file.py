"""What a machine file says: a page that names parts and counts; `hardware` makes the machine of it.

Every name is looked up in the catalogue, by the kind that `PARTS` gives.  A section that is left out is not
known: a machine without `storage` has none that counts, and is predicted without it.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from terp.catalogue import Cable, Node, Part, Rack, Reliability, Server, StorageAppliance, Switch
from terp.reader import Name, Record

PARTS: Final[tuple[tuple[str, str, type[Part]], ...]] = (
    ("compute", "node", Node),
    ("compute", "rack", Rack),
    ("fabric", "switch", Switch),
    ("fabric", "cable", Cable),
    ("fabric", "switch_optic", Cable),
    ("fabric", "node_optic", Cable),
    ("storage", "appliance", StorageAppliance),
    ("storage", "switch", Switch),
    ("storage", "cable", Cable),
    ("storage", "switch_optic", Cable),
    ("storage", "capacity_appliance", StorageAppliance),
    ("management", "in_band_switch", Switch),
    ("management", "in_band_cable", Cable),
    ("management", "out_of_band_switch", Switch),
    ("management", "out_of_band_cable", Cable),
    ("management", "fabric_manager", Server),
    ("management", "server", Server),
    ("management", "rack", Rack),
)
"""Where a machine file names parts: section, field, and the kind of part; `partitions` name a Server each beside these."""

MOST_OVERSUBSCRIPTION: Final = 16
"""Links down over links up of a leaf, at most."""

Topology = Literal["rail-optimised-fat-tree", "fat-tree", "dragonfly+", "dragonfly"]

OF_TOPOLOGY: Final[dict[str, tuple[str, ...]]] = {
    "rail-optimised-fat-tree": ("tiers", "oversubscription", "planes", "manager_links"),
    "fat-tree": ("tiers", "oversubscription", "manager_links"),
    "dragonfly+": ("leaves_per_group", "spines_per_group", "local_links", "global_links", "other_groups"),
    "dragonfly": ("switches_per_group", "local_links", "global_links", "other_groups"),
}
"""The keys of `fabric` that mean something in some topologies only."""


class Compute(Record):
    """The nodes: of so many scalable units, or so many in all.

    A unit is what its fabric is made of: a scalable unit of a SuperPOD, a group of a dragonfly, the nodes under one
    group of leaves in a plain fat tree.  `left_out_count` nodes of the last unit give way, as one does to the fabric
    managers in a SuperPOD.

    gpu_cap_w   cap under which the GPUs are run, in benchmarks too
    """

    node: Name
    scalable_units_count: int | None = Field(default=None, ge=1, le=1024)
    nodes_count: int | None = Field(default=None, ge=1, le=200_000)
    nodes_per_unit_count: int = Field(ge=1, le=4096)
    left_out_count: int = Field(default=0, ge=0, le=1023)
    rack: Name
    nodes_per_rack_count: int = Field(ge=1, le=256)
    gpu_cap_w: float | None = Field(default=None, ge=10, le=5000)

    @property
    def all_nodes_count(self) -> int:
        """Nodes of the machine, those that stand by for others among them."""
        if self.nodes_count is not None:
            return self.nodes_count
        return (self.scalable_units_count or 0) * self.nodes_per_unit_count - self.left_out_count

    @property
    def units_count(self) -> int:
        """Units, the last of which may have free places."""
        if self.nodes_count is not None:
            return -(-self.nodes_count // self.nodes_per_unit_count)
        return self.scalable_units_count or 0


class FabricSection(Record):
    """The compute fabric.  Which of the keys below the line belong to a topology, `OF_TOPOLOGY` says.

    switch, cable         parts: the switch of every tier, and the cables between switches
    switch_optic, node_optic   transceivers in a port of a switch and of a node; none where cables bring their
                               own
    node_cable_m          length of a cable, for the time that light takes through each of a path [m]
    tiers_count           worked out where it is not given
    oversubscription_ratio  links down over links up of a leaf
    planes_count          separate fabrics that the ports of a node are dealt over
    manager_links_count   leaf ports for fabric managers
    local_links_count     links between each two switches, or each leaf and spine, of a group
    global_links_count    links between each two groups
    other_groups_count    groups of other things on the same fabric: storage, processors, services
    """

    topology: Topology
    switch: Name
    cable: Name
    switch_optic: Name | None = None
    node_optic: Name | None = None
    node_cable_m: float = Field(default=30.0, ge=0, le=100)
    manager_links_count: int = Field(default=0, ge=0, le=64)
    tiers_count: int | None = Field(default=None, ge=2, le=3)
    oversubscription_ratio: float = Field(default=1.0, ge=1, le=MOST_OVERSUBSCRIPTION)
    planes_count: int = Field(default=1, ge=1, le=16)
    switches_per_group_count: int | None = Field(default=None, ge=1, le=256)
    leaves_per_group_count: int | None = Field(default=None, ge=1, le=256)
    spines_per_group_count: int | None = Field(default=None, ge=1, le=256)
    local_links_count: int = Field(default=1, ge=1, le=64)
    global_links_count: int | None = Field(default=None, ge=1, le=1024)
    other_groups_count: int = Field(default=0, ge=0, le=256)


class Storage(Record):
    """The storage: appliances on a fabric of their own, a pair of node leaves and a storage leaf a unit; or
    as published.

    capacity_appliance    a second tier on the same fabric, which holds more and whose rates are not counted
    cable, switch_optic   of the storage fabric; those of the compute fabric where they are not given
    usable_bytes          of all, after redundancy, as published: for storage of which no appliances are named
    read_rate_bytes_per_s, write_rate_bytes_per_s   of all together, as published, likewise
    """

    appliance: Name | None = None
    appliances_count: int | None = Field(default=None, ge=1, le=10_000)
    capacity_appliance: Name | None = None
    capacity_appliances_count: int | None = Field(default=None, ge=1, le=10_000)
    switch: Name | None = None
    cable: Name | None = None
    switch_optic: Name | None = None
    usable_bytes: float | None = Field(default=None, ge=1e12, le=1e19)
    read_rate_bytes_per_s: float | None = Field(default=None, ge=1e9, le=1e15)
    write_rate_bytes_per_s: float | None = Field(default=None, ge=1e9, le=1e15)


class Management(Record):
    """Ethernet in and out of band, fabric managers, and the servers that run the cluster."""

    in_band_switch: Name
    in_band_cable: Name
    out_of_band_switch: Name
    out_of_band_cable: Name
    fabric_manager: Name
    fabric_managers_count: int = Field(ge=0, le=64)
    server: Name
    servers_count: int = Field(ge=1, le=1000)
    rack: Name
    rack_units_used_count: int = Field(ge=1, le=60)


class OtherNodes(Record):
    """A partition of other nodes beside the GPU nodes, such as European processors.  The simulation runs no jobs there."""

    title: str
    server: Name
    servers_count: int = Field(ge=1, le=100_000)


class Listed(Record):
    """Its entry in the TOP500: the name there, the edition, and how many nodes ran.

    rmax_flop_per_s   what the list prints; absent: the predicted one stands for it among the neighbours
    """

    name: str
    edition: str = Field(pattern=r"^20\d\d-(06|11)$")
    rmax_flop_per_s: float | None = Field(default=None, ge=1e12, le=1e20)
    nodes_count: int = Field(ge=1, le=200_000)


class PublishedCounts(Record):
    """Counts that the owner or a paper prints, to hold the built machine against."""

    leaf_switches_count: int | None = Field(default=None, ge=0)
    spine_switches_count: int | None = Field(default=None, ge=0)
    core_switches_count: int | None = Field(default=None, ge=0)
    switches_count: int | None = Field(default=None, ge=0)
    groups_count: int | None = Field(default=None, ge=0)
    racks_count: int | None = Field(default=None, ge=0)
    cables_count: int | None = Field(default=None, ge=0)


class MachineFile(Record):
    """A machine as its file describes it.  What is left out is not known, and not built."""

    kind: Literal["machine"]
    name: Name
    title: str
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    in_service: int | None = Field(default=None, ge=1990, le=2100)
    site: Name | None = None
    compute: Compute
    fabric: FabricSection
    storage: Storage | None = None
    management: Management | None = None
    partitions: dict[Name, OtherNodes] = {}
    reliability: Reliability | None = None
    listed: Listed | None = None
    published: PublishedCounts | None = None
    cost_eur: float | None = Field(default=None, ge=0, le=1e11)
    note: str = ""
