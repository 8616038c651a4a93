"""Very many machines of one frame at once, exactly as `build_machine` builds each of them.

The rules of the builder take columns as well as numbers, so a frame is built once for all its numbers of nodes; a test
holds each row against the machine that the builder makes of its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.catalogue import Accelerator, Catalogue, Node, Processor, Rack, Switch
from terp.describe import MachineFile
from terp.hardware import Counts, bill_of_materials, build_networks, over, racks_of, tree_counts, tree_rule
from terp.physics import (
    Interval,
    hpl_class,
    hpl_terms,
    interval_of,
    is_reference,
    matrix_orders,
    node_in_hpl,
    node_levels,
    powers_w,
)
from terp.plan.machines.frames import PARTITION, Extras, Frame, machine_file

MOST_NODES = 200_000
"""Nodes that a machine file may have."""


@dataclass(frozen=True)
class Shapes:
    """Machines of one frame, an entry for each number of nodes; all arrays have the shape of `nodes_count`.

    fits        whether the builder takes it: its leaves can be joined, and the fabric managers find a port.  Of the others
                the numbers mean nothing
    bill        count by where a part goes and its name: the lines of `bill_of_materials`, with 0 where there is none
    base_w, rated_w, expected_w, idle_w   as in `MachinePower`
    racks_count of nodes and of everything else
    """

    nodes_count: Ints
    fits: NDArray[np.bool_]
    bill: Mapping[tuple[str, str], Ints]
    base_w: Floats
    rated_w: Floats
    expected_w: Floats
    idle_w: Floats
    racks_count: Ints


def built(frame: Frame, nodes: Ints, extras: Extras, catalogue: Catalogue) -> Shapes:
    """The machines of a frame with so many nodes each, and the counts of `extras`.

    nodes    numbers of nodes, shape (n,);  extras   numbers, or columns of the same shape

    Costs some 200 ns a machine in columns of a few thousand.  Numbers that the builder would refuse are not left out, but
    marked in `fits`.  Raises UnknownName for a part that is not in the catalogue.
    """
    file = _template(frame, extras.kinds)
    node, switch = catalogue.part(Node, frame.node), catalogue.part(Switch, frame.kit.switch)
    rule = tree_rule(
        switch, node, frame.topology, frame.oversubscription_ratio, frame.nodes_per_unit_count, frame.fabric_managers_count
    )
    count = np.asarray(nodes, np.int64)
    fabric, fits = tree_counts(rule, count)
    racks = racks_of(count, frame.nodes_per_unit_count, frame.nodes_per_rack_count)
    flash, capacity, european, servers = (
        np.asarray(column, np.int64)
        for column in (
            extras.flash_appliances_count,
            extras.capacity_appliances_count,
            extras.european_servers_count,
            extras.servers_count,
        )
    )
    counts = Counts(
        nodes_count=count,
        units_count=over(count, frame.nodes_per_unit_count),
        racks_count=racks,
        appliances_count=flash,
        capacity_appliances_count=capacity,
        fabric_managers_count=np.asarray(frame.fabric_managers_count, np.int64),
        servers_count=servers,
        partitions={PARTITION: european},
    )
    lines = bill_of_materials(
        file, catalogue, counts, fabric, build_networks(file, counts, fabric.switches_count, node, catalogue)
    )
    levels = node_levels(node, catalogue.part(Accelerator, node.accelerator), catalogue.part(Processor, node.processor))
    rated_w, expected_w, idle_w, base_w = powers_w(lines, count, levels)
    bill: dict[tuple[str, str], Ints] = {}
    for line in lines:
        key, column = (line.where, line.name), np.broadcast_to(line.count, count.shape)
        bill[key] = bill[key] + column if key in bill else column
    fits = fits & (count >= 1) & (count <= MOST_NODES) & (servers >= 1) & ((flash > 0) | (capacity == 0))
    in_all = np.sum([np.broadcast_to(line.count, count.shape) for line in lines if isinstance(line.part, Rack)], axis=0)
    return Shapes(count, fits, bill, base_w, rated_w, expected_w, idle_w, in_all)


@lru_cache(maxsize=1024)
def _template(frame: Frame, kinds: Extras) -> MachineFile:
    """A file of the frame for the names in it; its counts are not used.

    kinds   what of each thing the machines have, from `Extras.kinds`.  It is kept by frame and kinds
    """
    return machine_file(frame, 1, kinds)


def rmax_of(
    frame: Frame, nodes: Ints, catalogue: Catalogue, speed_ratio: float = 1.0, year: int | None = None
) -> tuple[Floats, Floats, Floats]:
    """Low, central and high Rmax of the machines of a frame with so many nodes, on all their GPUs [flop/s]; shape (n,) each.

    nodes         numbers of nodes, shape (n,)
    speed_ratio   of matrix products under a cap of the GPUs over that without; 1: no cap
    year          that the machine is in service from, which tells its software; None where it is not known

    As `predict_hpl(benchmark_system(machine))`, whose docs/theory page says where the terms come from.
    """
    node = catalogue.part(Node, frame.node)
    chip = catalogue.part(Accelerator, node.accelerator)
    gpus = np.asarray(nodes, np.float64) * node.accelerators_count
    gpus_per_node, network_bytes_per_s = node_in_hpl(node, frame.oversubscription_ratio)
    terms = hpl_terms(chip, gpus, matrix_orders(chip, gpus), gpus_per_node, network_bytes_per_s, speed_ratio, year=year)
    interval, rmax = rmax_interval(node, catalogue), terms.rmax_flop_per_s
    return interval.low_ratio * rmax, rmax, interval.high_ratio * rmax


def rmax_interval(node: Node, catalogue: Catalogue) -> Interval:
    """Ends of the 90 % interval of Rmax over the predicted one, of machines of a kind of node."""
    chip = catalogue.part(Accelerator, node.accelerator)
    return interval_of("hpl", hpl_class(chip, reference=is_reference(node)))
