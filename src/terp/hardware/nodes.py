"""Where every node stands: its unit, rack, place in the rack, and the leaf port of each of its rails.

Numbers count from 0 and follow the order of the machine file: unit, rack, place.  A scheduler's node list, the fabric's
leaves and `terp show --nodes` all mean the same node by the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import terp
from terp.catalogue import Cable, Catalogue, Node, Rack, Switch
from terp.describe import Compute, FabricSection, MachineFile
from terp.errors import Problem
from terp.hardware.counts import Whole, over
from terp.hardware.fabric import Fabric
from terp.reader import Written
from terp.units import show

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Nodes:
    """One entry a node, in order of unit, then rack, then place.

    leaf, leaf_port   shape (nodes, rails): the leaf switch of each rail and the port on it

    unit    shape (nodes,): its scalable unit or group;  rack  shape (nodes,);  place  shape (nodes,), in its rack
    """

    unit: NDArray[np.int64]
    rack: NDArray[np.int64]
    place: NDArray[np.int64]
    leaf: NDArray[np.int64]
    leaf_port: NDArray[np.int64]

    @property
    def racks_count(self) -> int:
        """Racks that hold nodes."""
        return int(self.rack.max()) + 1

    def rows(self) -> list[dict[str, object]]:
        """A row a node, for `terp show --nodes`: unit, rack, place, leaf and leaf port of each rail, all from 0."""
        places = enumerate(zip(self.unit.tolist(), self.rack.tolist(), self.place.tolist(), strict=True))
        return [
            {"node": number, "unit": unit, "rack": rack, "place": place}
            | {f"rail{rail}_leaf": leaf for rail, leaf in enumerate(self.leaf[number].tolist())}
            | {f"rail{rail}_port": port for rail, port in enumerate(self.leaf_port[number].tolist())}
            for number, (unit, rack, place) in places
        ]

    @property
    def table(self) -> terp.Table:
        """The rows as a table, which gives pandas and polars."""
        return terp.table_of(self.rows())

    def to_pandas(self) -> pd.DataFrame:
        """A pandas.DataFrame, a row a node."""
        return self.table.to_pandas()

    def __repr__(self) -> str:
        return f"Nodes({self.unit.size:,} nodes in {self.racks_count:,} racks)"


def check_racks(written: Written[MachineFile], node: Node, rack: Rack) -> list[Problem]:
    """What keeps the nodes from standing in their racks: height or power.

    written   the machine file; problems point at its `nodes_per_rack`
    node      its height [rack units], rated power [W] and NVLink domain; `rack` the room and the power of its feed

    A domain of several nodes, such as a rack of NVL72, must lie within one rack and one unit.  Gives every problem, none if
    the nodes fit.
    """
    per_rack = written.record.compute.nodes_per_rack_count
    path = ("compute", "nodes_per_rack")
    problems = []
    if per_rack * node.rack_units_count > rack.rack_units_count:
        would_do = f"at most {rack.rack_units_count // node.rack_units_count} would do"
        wrong = f"the nodes are higher than the rack, {per_rack} x {node.rack_units_count}U in {rack.rack_units_count}U"
        problems.append(written.tree.problem(path, wrong, str(per_rack), would_do))
    if per_rack * node.rated_power_w > rack.power_feed_w:
        would_do = f"at most {int(rack.power_feed_w // node.rated_power_w)} would do"
        drawn, fed = (show(power_w, "w", 5) for power_w in (per_rack * node.rated_power_w, rack.power_feed_w))
        wrong = f"the nodes draw more than the rack's feed, {drawn} of {fed}"
        problems.append(written.tree.problem(path, wrong, str(per_rack), would_do))
    domain = node.link_domain_count // node.accelerators_count
    if domain > 1 and (per_rack % domain or written.record.compute.nodes_per_unit_count % domain):
        wrong = f"a rack or unit would hold part of a link domain, which takes {domain} nodes"
        problems.append(written.tree.problem(path, wrong, str(per_rack), f"use multiples of {domain} for both"))
    return problems


def check_cables(written: Written[MachineFile], node: Node, switch: Switch, catalogue: Catalogue) -> list[Problem]:
    """What keeps the compute fabric's optics and cables from joining nodes and switches: rate or reach.

    Gives a problem for each field of the fabric that is too slow for what passes or too short for the distance.
    """
    faults = cable_faults(written.record.fabric, node, switch, catalogue)
    return [written.tree.problem(("fabric", field), wrong, found) for field, wrong, found in faults]


def cable_faults(file: FabricSection, node: Node, switch: Switch, catalogue: Catalogue) -> list[tuple[str, str, str]]:
    """As `check_cables`: the field, what is wrong with it, and what was found there.

    file        the fabric of a machine file, or the one that a plan composes
    node        rate of its ports [B/s], and ports that share a cage
    switch      rate of its ports [B/s], and ports that share a cage

    Fields that the file leaves out have no fault.  Rates are compared by direction, and printed in Gb/s, as people say them.
    """
    needs = {
        "switch_optic": switch.ports_per_cage_count * switch.port_rate_bytes_per_s,
        "node_optic": node.compute_ports_count / node.compute_cages_count * node.compute_port_rate_bytes_per_s,
        "cable": node.compute_port_rate_bytes_per_s,
    }
    faults = []
    if node.compute_port_rate_bytes_per_s > switch.port_rate_bytes_per_s * 1.0001:
        wrong = f"slower than the nodes' ports, {8e-9 * switch.port_rate_bytes_per_s:.0f} Gb/s where they have "
        wrong += f"{8e-9 * node.compute_port_rate_bytes_per_s:.0f} Gb/s"
        faults.append(("switch", wrong, repr(file.switch)))
    for field, need in needs.items():
        if getattr(file, field) is None:
            continue
        cable = catalogue.part(Cable, getattr(file, field))
        if cable.rate_bytes_per_s < need:
            wrong = f"too slow: {8e-9 * cable.rate_bytes_per_s:.0f} Gb/s where {8e-9 * need:.0f} Gb/s pass"
            faults.append((field, wrong, repr(getattr(file, field))))
        if cable.reach_m < file.node_cable_m:
            wrong = f"longer than {getattr(file, field)} reaches, {cable.reach_m:g} m"
            faults.append(("node_cable", wrong, f"{file.node_cable_m:g} m"))
    return faults


def racks_of(nodes: Whole, per_unit: int, per_rack: int) -> Whole:
    """Racks that nodes fill as `place_nodes` places them.

    nodes      one number or a column of them, at least 1
    per_unit   nodes of a scalable unit;  per_rack   nodes that stand in one rack
    """
    if per_rack > per_unit:
        return over(nodes, per_rack)
    units = over(nodes, per_unit)
    return (units - 1) * over(per_unit, per_rack) + over(nodes - (units - 1) * per_unit, per_rack)


def place_nodes(compute: Compute, fabric: Fabric) -> Nodes:
    """Fills unit after unit and rack after rack; places that stay empty are the last of the last unit.

    A unit starts a new rack where it fills whole racks, as a scalable unit does; where racks hold more than a unit or
    part of one, nodes fill racks across units.

    compute   counts of nodes, of units and of nodes per rack
    fabric    gives the leaf and port of each rail, which are kept as they are, shape (nodes, rails)
    """
    number = np.arange(compute.all_nodes_count)
    per_unit, per_rack = compute.nodes_per_unit_count, compute.nodes_per_rack_count
    unit, slot = np.divmod(number, per_unit)
    if per_rack > per_unit:
        rack, place = np.divmod(number, per_rack)
    else:
        in_unit, place = np.divmod(slot, per_rack)
        rack = unit * -(-per_unit // per_rack) + in_unit
    return Nodes(unit, rack, place, fabric.node_leaf, fabric.node_port)
