"""What a machine file says: a page that names parts and counts; `build` makes the machine of it."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from terp.catalogue import Cable, Node, Part, Rack, Server, StorageAppliance, Switch
from terp.reader import Name, Record

PARTS: Final[tuple[tuple[str, str, type[Part]], ...]] = (
    ("compute", "node", Node),
    ("compute", "rack", Rack),
    ("fabric", "switch", Switch),
    ("fabric", "switch_optic", Cable),
    ("fabric", "node_optic", Cable),
    ("fabric", "fibre", Cable),
    ("storage", "appliance", StorageAppliance),
    ("storage", "switch", Switch),
    ("management", "in_band_switch", Switch),
    ("management", "in_band_cable", Cable),
    ("management", "out_of_band_switch", Switch),
    ("management", "out_of_band_cable", Cable),
    ("management", "fabric_manager", Server),
    ("management", "server", Server),
    ("management", "rack", Rack),
)
"""Where a machine file names parts: section, field, and the kind of part."""


class Compute(Record):
    """The nodes.  `left_out_count` nodes of the last unit give way, as one does to the fabric managers in a SuperPOD."""

    node: Name
    scalable_units_count: int = Field(ge=1, le=1024)
    nodes_per_unit_count: int = Field(ge=1, le=1024)
    left_out_count: int = Field(default=0, ge=0, le=1023)
    rack: Name
    nodes_per_rack_count: int = Field(ge=1, le=64)


class Fabric(Record):
    """The compute fabric.  `tiers_count` is worked out where it is not given; `manager_links_count` are ports for UFM."""

    topology: Literal["rail-optimised-fat-tree"]
    switch: Name
    switch_optic: Name
    node_optic: Name
    fibre: Name
    tiers_count: int | None = Field(default=None, ge=2, le=3)
    manager_links_count: int = Field(default=0, ge=0, le=64)
    node_cable_m: float = Field(default=30.0, ge=1, le=100)


class Storage(Record):
    """The storage and its own fabric, a pair of node leaves and one storage leaf a scalable unit."""

    appliance: Name
    appliances_count: int = Field(ge=1, le=10_000)
    switch: Name


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


class Reliability(Record):
    """How often nodes fail and how long they stay away.

    node_failures_per_s    mean rate of one node [1/s]
    spread_ratio           shape of the Gamma law that the nodes' own rates follow; below 1 a few nodes fail most
    quick_fraction         share of failures mended by a restart, uniform from quick_low_s to quick_high_s
    slow_median_s, slow_p95_s   log-normal repair of the others
    """

    node_failures_per_s: float = Field(ge=0, le=1e-3)
    spread_ratio: float = Field(gt=0, le=1000)
    quick_fraction: float = Field(ge=0, le=1)
    quick_low_s: float = Field(ge=1, le=1e7)
    quick_high_s: float = Field(ge=1, le=1e7)
    slow_median_s: float = Field(ge=1, le=1e7)
    slow_p95_s: float = Field(ge=1, le=1e8)


class MachineFile(Record):
    """A machine as its file describes it."""

    kind: Literal["machine"]
    name: Name
    title: str
    site: Name
    compute: Compute
    fabric: Fabric
    storage: Storage
    management: Management
    reliability: Reliability
    note: str = ""
