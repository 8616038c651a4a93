"""Frames of machines, by rule: all that is the same for machines that differ in the number of nodes alone.

A plan chooses a node, a kit of switches and cables, a topology and a count; racks, units and the rest follow from the
rules of the reference architectures (nvidia-superpod-h100, superpod-b200, superpod-b300-xdr).  Names of parts are data:
kits and the usual parts beside the nodes are in the catalogue, and no switch or cable is named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, lcm
from typing import Final, cast

import numpy as np

from terp.arrays import Ints
from terp.catalogue import Beside, Cable, Catalogue, Kit, Node, Rack, StorageAppliance, Switch, read_reference
from terp.describe import Compute, FabricSection, MachineFile, Management, OtherNodes, Storage, Topology
from terp.hardware import cable_faults, leaf_ports, nodes_of_leaf, nodes_of_storage_leaf

PARTITION: Final = "european"
PARTITION_TITLE: Final = "Partition of European processors"


@dataclass(frozen=True)
class NodeKit:
    """A kit of the catalogue as it is for one node, with the transceiver that the node's cages take.

    name         of the kit;  other fields as in `Kit`
    node_optic   None where the kit's cable ends in the node itself
    node_cable_m   length of the cable from a node to its leaf [m]
    """

    name: str
    technology: str
    topologies: tuple[str, ...]
    switch: str
    cable: str
    switch_optic: str | None
    node_optic: str | None
    node_cable_m: float
    managers_count: int
    storage_switch: str
    storage_cable: str
    storage_optic: str | None


@dataclass(frozen=True)
class Frame:
    """All that machines of one node, kit and topology have in common.  Made by `frame_for`.

    node, rack   names in the catalogue
    oversubscription_ratio   capacity of a leaf towards nodes over that towards spines; 1: none
    nodes_per_unit_count     of a scalable unit;  nodes_per_rack_count   of a full rack

    It is hashed: what is worked out of a frame is kept by it.
    """

    node: str
    kit: NodeKit
    topology: Topology
    oversubscription_ratio: float
    nodes_per_unit_count: int
    nodes_per_rack_count: int
    rack: str

    @property
    def fabric_managers_count(self) -> int:
        """Fabric managers, each with a port of a leaf."""
        return self.kit.managers_count


@dataclass(frozen=True)
class Extras:
    """What a machine has beside its GPU nodes: counts, each a number or a column of as many as there are machines.

    servers_count   that run the cluster

    Parts are names in the catalogue; they and the servers are those of its reference where nothing is said.
    A second tier of storage needs a first.
    """

    flash_appliances_count: int | Ints = 0
    capacity_appliances_count: int | Ints = 0
    european_servers_count: int | Ints = 0
    servers_count: int | Ints = field(default_factory=lambda: _beside().servers_count)
    flash_appliance: str = field(default_factory=lambda: _beside().flash_appliance)
    capacity_appliance: str = field(default_factory=lambda: _beside().capacity_appliance)
    european_server: str = field(default_factory=lambda: _beside().european_server)

    @property
    def single(self) -> Extras:
        """Columns of one machine as numbers."""
        flash, capacity, european, servers = (int(np.max(column)) for column in self._counts)
        return self._with(flash, capacity, european, servers)

    @property
    def kinds(self) -> Extras:
        """One of each thing that any of the machines has; every one has servers."""
        flash, capacity, european, _ = (int(np.any(np.asarray(column) > 0)) for column in self._counts)
        return self._with(flash, capacity, european, 1)

    @property
    def _counts(self) -> tuple[int | Ints, ...]:
        """Appliances of both tiers, European servers and servers, in this order."""
        return (self.flash_appliances_count, self.capacity_appliances_count, self.european_servers_count, self.servers_count)

    def _with(self, flash: int, capacity: int, european: int, servers: int) -> Extras:
        """The same parts with other counts.

        Each is a number; the names of the parts stay.
        """
        return replace(
            self,
            flash_appliances_count=flash,
            capacity_appliances_count=capacity,
            european_servers_count=european,
            servers_count=servers,
        )


def extras_for(
    nodes: Ints, extras: Extras, catalogue: Catalogue, *,
    usable_bytes: float, flash_bytes: float = 0.0, european_fraction: float = 0.0,
) -> Extras:  # fmt: skip
    """The fewest appliances and servers for machines of so many nodes, of the parts that `extras` names.

    nodes               numbers of nodes, shape (n,);  extras   names of the parts; its counts are replaced
    usable_bytes        in all, of which `flash_bytes` or more on the first tier, which has one appliance at least
    european_fraction   European servers over the nodes

    Gives counts of servers of shape (n,), and of appliances as numbers, since storage does not grow with the nodes.
    Raises UnknownName.
    """
    first_bytes = catalogue.part(StorageAppliance, extras.flash_appliance).usable_bytes
    flash = max(ceil(flash_bytes / first_bytes - 1e-9), 1)
    left_bytes = max(usable_bytes - flash * first_bytes, 0.0)
    second_bytes = catalogue.part(StorageAppliance, extras.capacity_appliance).usable_bytes if left_bytes else 1.0
    return replace(
        extras,
        flash_appliances_count=flash,
        capacity_appliances_count=ceil(left_bytes / second_bytes - 1e-9),
        european_servers_count=np.ceil(np.asarray(nodes) * european_fraction - 1e-9).astype(np.int64),
    )


def _beside() -> Beside:
    """The usual parts beside the nodes.

    They are those of the catalogue's reference, and stand for what a budget does not name.
    """
    return read_reference().record.beside


def kits_for(node: str, catalogue: Catalogue) -> tuple[NodeKit, ...]:
    """The kits that a node's compute ports fit, by its adapter and the rate of a port, in the order of the catalogue.

    Empty where the catalogue has no kit for its adapter, such as that of a network of one maker's cabinets.
    Raises UnknownName.
    """
    part = catalogue.part(Node, node)
    rate_bytes_per_s = part.compute_port_rate_bytes_per_s
    cage_bytes_per_s = part.compute_ports_count / part.compute_cages_count * rate_bytes_per_s
    kits = []
    for name in catalogue.parts[catalogue.family_of(Kit)]:
        kit = catalogue.part(Kit, name)
        if part.adapter not in kit.adapters or not kit.above_bytes_per_s < rate_bytes_per_s <= kit.most_bytes_per_s:
            continue
        able = [optic for optic in kit.node_optics if catalogue.part(Cable, optic).rate_bytes_per_s >= cage_bytes_per_s]
        if able or not kit.node_optics:
            kits.append(_node_kit(name, kit, able[0] if able else None))
    return tuple(kits)


def _node_kit(name: str, kit: Kit, node_optic: str | None) -> NodeKit:
    """A kit with the transceiver of a node's cages; None for one whose cables need none."""
    return NodeKit(
        name=name,
        technology=kit.technology,
        topologies=tuple(kit.topologies),
        switch=kit.switch,
        cable=kit.cable,
        switch_optic=kit.switch_optic,
        node_optic=node_optic,
        node_cable_m=kit.node_cable_m,
        managers_count=kit.managers_count,
        storage_switch=kit.storage_switch,
        storage_cable=kit.storage_cable,
        storage_optic=kit.storage_optic,
    )


def frame_for(node: str, kit: NodeKit, topology: str, oversubscription_ratio: float, catalogue: Catalogue) -> Frame | None:
    """The frame of a node, kit and topology by rule; None where they do not go together.

    node                     name in the catalogue;  kit   one that fits it, from `kits_for`
    topology                 one that the kit may be built as
    oversubscription_ratio   capacity of a leaf towards nodes over that towards spines; 1: none

    A unit with rails is as many nodes as a leaf takes, in whole link domains; without, as many whole leaves and link
    domains as a storage leaf takes, at least one of each.  A rack holds as many nodes as its height and feed allow, in
    whole link domains.  Raises UnknownName.
    """
    part, switch = catalogue.part(Node, node), catalogue.part(Switch, kit.switch)
    if topology not in kit.topologies:
        return None
    domain = max(part.link_domain_count // part.accelerators_count, 1)
    _, _, down = leaf_ports(switch, part, oversubscription_ratio)
    if topology == "fat-tree":
        block = lcm(nodes_of_leaf(down, part.compute_ports_count), domain)
        room = nodes_of_storage_leaf(catalogue.part(Switch, kit.storage_switch))
        per_unit = max(room // block, 1) * block if part.compute_ports_count <= down else 0
    else:
        per_unit = down // domain * domain
    rack_name = rack_of(part)
    rack = catalogue.part(Rack, rack_name)
    able = min(rack.rack_units_count // part.rack_units_count, int(rack.power_feed_w // part.rated_power_w))
    per_rack = able // domain * domain
    if not per_unit or not per_rack:
        return None
    frame = Frame(node, kit, cast("Topology", topology), oversubscription_ratio, per_unit, per_rack, rack_name)
    return None if cable_faults(_fabric(frame), part, switch, catalogue) else frame


def rack_of(node: Node) -> str:
    """The rack that a node stands in: the one that it names, such as its cabinet, or the usual one for its cooling.

    It gives the name of a rack in the catalogue.
    """
    return node.rack or read_reference().record.racks[node.cooling]


def _fabric(frame: Frame) -> FabricSection:
    """The section `fabric` of a machine file of a frame.

    What there is none of, such as fabric managers of a network without any, is left out.
    """
    kit, managers = frame.kit, frame.fabric_managers_count
    written = {
        "topology": frame.topology,
        "switch": kit.switch,
        "cable": kit.cable,
        "node_cable_m": f"{kit.node_cable_m:g} m",
        "switch_optic": kit.switch_optic,
        "node_optic": kit.node_optic,
        "oversubscription_ratio": frame.oversubscription_ratio if frame.oversubscription_ratio != 1 else None,
        "manager_links_count": managers or None,
    }
    return FabricSection.model_validate(_without_none(written))


def _without_none(written: Mapping[str, object]) -> dict[str, object]:
    """What is set in a section of a machine file, without what there is none of."""
    return {key: value for key, value in written.items() if value is not None}


def machine_file(frame: Frame, nodes_count: int, extras: Extras, name: str = "plan", title: str = "") -> MachineFile:
    """The record of a machine of a frame, with the counts of `extras`, which must be numbers and not columns.

    name, title   as the file has them.  What there is none of is left out, so that the file says only what is there.
    """
    kit, beside = frame.kit, _beside()
    written = {
        "appliance": extras.flash_appliance,
        "appliances_count": extras.flash_appliances_count or None,
        "capacity_appliance": extras.capacity_appliance if extras.capacity_appliances_count else None,
        "capacity_appliances_count": extras.capacity_appliances_count or None,
        "switch": kit.storage_switch,
        "cable": kit.storage_cable,
        "switch_optic": kit.storage_optic,
    }
    other = {"title": PARTITION_TITLE, "server": extras.european_server, "servers_count": extras.european_servers_count}
    storage = Storage.model_validate(_without_none(written)) if extras.flash_appliances_count else None
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
        storage=storage,
        management=Management(
            in_band_switch=beside.in_band_switch,
            in_band_cable=beside.in_band_cable,
            out_of_band_switch=beside.out_of_band_switch,
            out_of_band_cable=beside.out_of_band_cable,
            fabric_manager=beside.fabric_manager,
            fabric_managers_count=frame.fabric_managers_count,
            server=beside.server,
            servers_count=extras.servers_count,
            rack=beside.rack,
            rack_units_used_count=beside.rack_units_used_count,
        ),
        partitions={PARTITION: OtherNodes.model_validate(other)} if extras.european_servers_count else {},
    )
