"""Frames of machines, by rule: all that is the same for machines that differ in the number of nodes alone.

A plan chooses a node, a kit of switches and cables, a topology and a count; racks, units and the rest follow from the
rules of the reference architectures (nvidia-superpod-h100, superpod-b200, superpod-b300-xdr).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, lcm
from typing import Any, Final, Literal, cast

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Cable, Catalogue, Node, Rack, StorageAppliance, Switch
from terp.describe import Compute, Fabric, MachineFile, Management, OtherNodes, Storage, Topology
from terp.hardware import cable_faults, leaf_ports, nodes_of_leaf, nodes_of_storage_leaf

Technology = Literal["infiniband", "ethernet"]
NODE_CABLE_M: Final = 30.0
"""Length of a node's cable: assumed, 3 to 50 m, as in the shipped SuperPODs."""
MANAGERS: Final[dict[Technology, int]] = {"infiniband": 4, "ethernet": 0}
"""Fabric managers, with a leaf port each: of a SuperPOD of any size (nvidia-superpod-h100); Ethernet has none."""
OTHER_RACK: Final = "rack-48u"
OTHER_RACK_UNITS: Final = 16
"""Rack of switches and servers, and the units of it in use: 96 in 6 racks of four scalable units (nvidia-superpod-h100)."""
ADAPTERS: Final[dict[str, tuple[Technology, ...]]] = {
    "connectx-6": ("infiniband", "ethernet"),
    "connectx-7": ("infiniband", "ethernet"),
    "connectx-8": ("infiniband", "ethernet"),
    "bluefield-3": ("infiniband", "ethernet"),
    "thor-2": ("ethernet",),
}
"""Adapter -> networks that its ports speak; those of Slingshot and BXI hang on fabrics that no kit is of."""
BLADES: Final = {
    "jupiter-node": "xh3000-rack",
    "mn5-acc-node": "xh3000-rack",
    "leonardo-booster-node": "xh2000-rack",
    "meluxina-node": "xh2000-rack",
}
"""Nodes whose height counts slots of a cabinet -> the cabinet."""
PARTITION: Final = "european"
PARTITION_TITLE: Final = "Partition of European processors"


@dataclass(frozen=True)
class Kit:
    """Switch, cables and transceivers that go together.

    cable, switch_optic, node_optic   of the compute fabric; a cable with its own ends has no optics
    storage_*   of the storage fabric, which stays at 400 Gb/s where the compute fabric is faster
    """

    technology: Technology
    switch: str
    cable: str
    switch_optic: str | None
    node_optic: str | None
    node_cable_m: float
    storage_switch: str
    storage_cable: str
    storage_optic: str | None


@dataclass(frozen=True)
class _Rates:
    """Which ports a kit is for, and its node optics from the slowest to the fastest."""

    above_bytes_per_s: float
    most_bytes_per_s: float
    adapters: tuple[str, ...]
    node_optics: tuple[str, ...]
    kit: Kit


_G: Final = 1e9 / 8
_SR4: Final = ("osfp-400-sr4", "osfp-2x400-sr4")
_DR8: Final = ("osfp-800-dr8", "osfp-xdr-1600")  # the part of 800 Gb/s stands in for a single-port XDR transceiver
_NDR: Final = ("qm9700", "mpo12-fibre", "osfp-2x400-sr4")
_SN5600: Final = ("sn5600", "mpo12-fibre", "osfp-2x400-sr4")
_OLD: Final = ("connectx-6",)
_NEW: Final = ("connectx-7", "connectx-8", "bluefield-3", "thor-2")
_KITS: Final = (
    _Rates(
        0, 200 * _G, _OLD, (),
        Kit("infiniband", "qm8700", "aoc-hdr-200g", None, None, 15.0, "qm8700", "aoc-hdr-200g", None),
    ),
    _Rates(
        0, 400 * _G, _NEW, _SR4,
        Kit("infiniband", "qm9700", "mpo12-fibre", "osfp-2x400-sr4", None, NODE_CABLE_M, *_NDR),
    ),
    _Rates(
        400 * _G, 800 * _G, _NEW, _DR8,
        Kit("infiniband", "q3400-ra", "mpo12-fibre-800", "osfp-xdr-1600", None, NODE_CABLE_M, *_NDR),
    ),
    _Rates(
        0, 400 * _G, _NEW, _SR4,
        Kit("ethernet", "sn5600", "mpo12-fibre", "osfp-2x400-sr4", None, NODE_CABLE_M, *_SN5600),
    ),
    _Rates(
        400 * _G, 800 * _G, _NEW, _DR8,
        Kit("ethernet", "sn5600", "mpo12-fibre-800", "osfp-800-dr8", None, NODE_CABLE_M, *_SN5600),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """All that machines of one node, kit and topology have in common.  Made by `frame_for`."""

    node: str
    kit: Kit
    topology: Topology
    oversubscription_ratio: float
    nodes_per_unit_count: int
    nodes_per_rack_count: int
    rack: str

    @property
    def fabric_managers_count(self) -> int:
        """Fabric managers, each with a port of a leaf."""
        return MANAGERS[self.kit.technology]


@dataclass(frozen=True)
class Extras:
    """What a machine has beside its GPU nodes: counts, each a number or a column of as many as there are machines.

    servers_count   that run the cluster: 5 in a SuperPOD of four scalable units (nvidia-superpod-h100), assumed for others

    Parts are names in the catalogue.  A second tier of storage needs a first.
    """

    flash_appliances_count: int | Ints = 0
    capacity_appliances_count: int | Ints = 0
    european_servers_count: int | Ints = 0
    servers_count: int | Ints = 5
    flash_appliance: str = "ai400x2"
    capacity_appliance: str = "disk-appliance"
    european_server: str = "european-node"

    @property
    def single(self) -> Extras:
        """Columns of one machine as numbers."""
        counts: dict[str, Any] = {name: int(np.max(getattr(self, name))) for name in vars(self) if name.endswith("_count")}
        return replace(self, **counts)

    @property
    def kinds(self) -> Extras:
        """One of each thing that any of the machines has; every one has servers."""
        names = [name for name in vars(self) if name.endswith("_count")]
        counts: dict[str, Any] = {name: int(np.any(np.asarray(getattr(self, name)) > 0)) for name in names}
        return replace(self, **(counts | {"servers_count": 1}))


def extras_for(
    nodes: Ints, extras: Extras, catalogue: Catalogue, *,
    usable_bytes: float, flash_bytes: float = 0.0, european_fraction: float = 0.0,
) -> Extras:  # fmt: skip
    """The fewest appliances and servers for machines of so many nodes, of the parts that `extras` names.

    usable_bytes        in all, of which `flash_bytes` or more on the first tier, which has one appliance at least
    european_fraction   European servers over the nodes

    Raises UnknownName.
    """
    one = catalogue.part(StorageAppliance, extras.flash_appliance).usable_bytes
    flash = max(ceil(flash_bytes / one - 1e-9), 1)
    left_bytes = max(usable_bytes - flash * one, 0.0)
    second = catalogue.part(StorageAppliance, extras.capacity_appliance).usable_bytes if left_bytes else 1.0
    return replace(
        extras,
        flash_appliances_count=flash,
        capacity_appliances_count=ceil(left_bytes / second - 1e-9),
        european_servers_count=np.ceil(np.asarray(nodes) * european_fraction - 1e-9).astype(np.int64),
    )


def kits_for(node: str, catalogue: Catalogue) -> tuple[Kit, ...]:
    """The kits that a node's compute ports fit, by their rate and the networks that its adapter speaks.

    Empty where the fabric of its adapter is not one of them.  Raises UnknownName.
    """
    part = catalogue.part(Node, node)
    rate_bytes_per_s = part.compute_port_rate_bytes_per_s
    cage_bytes_per_s = part.compute_ports_count / part.compute_cages_count * rate_bytes_per_s
    found = []
    for entry in _KITS:
        speaks = part.adapter in entry.adapters and entry.kit.technology in ADAPTERS.get(part.adapter, ())
        if not speaks or not entry.above_bytes_per_s < rate_bytes_per_s <= entry.most_bytes_per_s:
            continue
        able = [name for name in entry.node_optics if catalogue.part(Cable, name).rate_bytes_per_s >= cage_bytes_per_s]
        if able or not entry.node_optics:
            found.append(replace(entry.kit, node_optic=able[0] if able else None))
    return tuple(found)


def frame_for(node: str, kit: Kit, topology: str, oversubscription_ratio: float, catalogue: Catalogue) -> Frame | None:
    """The frame of a node, kit and topology by rule; None where they do not go together.

    A unit with rails is as many nodes as a leaf takes, in whole link domains; without, as many whole leaves and link
    domains as a storage leaf takes, at least one of each.  A rack holds as many nodes as its height and feed allow, in
    whole link domains.  Raises UnknownName.
    """
    part, switch = catalogue.part(Node, node), catalogue.part(Switch, kit.switch)
    if topology not in ("rail-optimised-fat-tree", "fat-tree"):
        return None
    domain = max(part.link_domain_count // part.accelerators_count, 1)
    _, _, down = leaf_ports(switch, part, oversubscription_ratio)
    if topology == "fat-tree":
        block = lcm(nodes_of_leaf(down, part.compute_ports_count), domain)
        room = nodes_of_storage_leaf(catalogue.part(Switch, kit.storage_switch))
        per_unit = max(room // block, 1) * block if part.compute_ports_count <= down else 0
    else:
        per_unit = down // domain * domain
    rack_name = rack_of(part, node)
    rack = catalogue.part(Rack, rack_name)
    able = min(rack.rack_units_count // part.rack_units_count, int(rack.power_feed_w // part.rated_power_w))
    per_rack = able // domain * domain
    if not per_unit or not per_rack:
        return None
    frame = Frame(node, kit, cast("Topology", topology), oversubscription_ratio, per_unit, per_rack, rack_name)
    return None if cable_faults(_fabric(frame), part, switch, catalogue) else frame


def rack_of(part: Node, name: str) -> str:
    """The rack that a node stands in: its cabinet, that of its link domain, or one that its cooling asks for."""
    if name in BLADES:
        return BLADES[name]
    if part.link_domain_count > part.accelerators_count:
        return "nvl72-rack"
    return "lenovo-dlc-rack" if part.cooling == "liquid" else "rack-48u"


def _fabric(frame: Frame) -> Fabric:
    kit, managers = frame.kit, frame.fabric_managers_count
    given: dict[str, Any] = {"switch_optic": kit.switch_optic, "node_optic": kit.node_optic}
    given |= {"oversubscription_ratio": frame.oversubscription_ratio} if frame.oversubscription_ratio != 1 else {}
    given |= {"manager_links_count": managers} if managers else {}
    return Fabric(
        topology=frame.topology,
        switch=kit.switch,
        cable=kit.cable,
        node_cable_m=f"{kit.node_cable_m:g} m",
        **{key: value for key, value in given.items() if value is not None},
    )


def machine_file(frame: Frame, nodes_count: int, extras: Extras, name: str = "plan", title: str = "") -> MachineFile:
    """The record of a machine of a frame, with the counts of `extras`.

    What there is none of is left out.
    """
    kit = frame.kit
    given: dict[str, Any] = {
        "appliance": extras.flash_appliance,
        "appliances_count": extras.flash_appliances_count or None,
        "capacity_appliance": extras.capacity_appliance if extras.capacity_appliances_count else None,
        "capacity_appliances_count": extras.capacity_appliances_count or None,
        "switch": kit.storage_switch,
        "cable": kit.storage_cable,
        "switch_optic": kit.storage_optic,
    }
    other = {"title": PARTITION_TITLE, "server": extras.european_server, "servers_count": extras.european_servers_count}
    storage = Storage(**{key: value for key, value in given.items() if value is not None})
    return MachineFile(
        kind="machine",
        name=name,
        title=title,
        compute=Compute(
            node=frame.node,
            nodes_count=nodes_count,
            nodes_per_unit_count=frame.nodes_per_unit_count,
            rack=frame.rack,
            nodes_per_rack_count=frame.nodes_per_rack_count,
        ),
        fabric=_fabric(frame),
        storage=storage if extras.flash_appliances_count else None,
        management=Management(
            in_band_switch="sn4600c",
            in_band_cable="aoc-200g",
            out_of_band_switch="sn2201",
            out_of_band_cable="cat6",
            fabric_manager="ufm-appliance",
            fabric_managers_count=frame.fabric_managers_count,
            server="management-server",
            servers_count=extras.servers_count,
            rack=OTHER_RACK,
            rack_units_used_count=OTHER_RACK_UNITS,
        ),
        partitions={PARTITION: OtherNodes.model_validate(other)} if extras.european_servers_count else {},
    )
