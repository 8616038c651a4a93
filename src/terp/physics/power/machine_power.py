"""What the whole machine draws: rated by the makers, and expected in long training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from terp.catalogue import Cable, Server, StorageAppliance, Switch
from terp.hardware import Line, Machine
from terp.physics.power.node_levels import NodeLevels, idle_power_w, levels_of, node_power_w


@dataclass(frozen=True)
class MachinePower:
    """Powers of the whole machine at the wall [W].

    rated_w      every part at its maker's maximum
    expected_w   every node in long training, the rest at its typical power
    idle_w       no job anywhere
    base_w       network, storage and management at their typical power; part of expected and idle
    """

    rated_w: float
    expected_w: float
    idle_w: float
    base_w: float


def machine_power(machine: Machine) -> MachinePower:
    """Adds up the bill of materials.  The nodes' own optics are in the nodes' measured power.

    machine   a built machine; its hall is not in it (`facility`)
    """
    rated_w, expected_w, idle_w, base_w = powers_w(machine.bill, machine.nodes_count, levels_of(machine))
    return MachinePower(rated_w, expected_w, idle_w, base_w)


def powers_w(bill: Iterable[Line[Any]], nodes: Any, levels: NodeLevels) -> tuple[Any, Any, Any, Any]:
    """Rated, expected, idle and base power of a machine, or of a column of them with columns of counts [W].

    bill     lines with counts;  nodes   how many;  levels   of one node [W]
    Counts and nodes are whole numbers, or columns of the shape (machines,), which the powers then have.
    """
    base_w, rated_w = 0.0, 0.0
    for line in bill:
        if isinstance(line.part, Switch | StorageAppliance | Server):
            base_w = base_w + line.count * line.part.typical_power_w
            rated_w = rated_w + line.count * line.part.maximum_power_w
        elif isinstance(line.part, Cable) and line.where != "nodes":
            base_w = base_w + line.count * line.part.power_w
    return (
        rated_w + nodes * levels.rated_w,
        base_w + nodes * node_power_w(levels, levels.busy_w),
        base_w + nodes * idle_power_w(levels),
        base_w,
    )
