"""Where the power of a machine goes: GPUs, processors, the rest of the nodes, fans, networks, storage, management."""

from __future__ import annotations

from dataclasses import dataclass

from terp.catalogue import Cable, Server, StorageAppliance, Switch
from terp.hardware import Machine
from terp.physics.power.node_levels import fan_power_w, levels_of


@dataclass(frozen=True)
class PowerPart:
    """What one part of a machine draws.

    part         "gpus", "processors", "rest", "fans", "networks", "storage" or "management"
    expected_w   with every node in long training;  rated_w   by its makers' maxima
    """

    part: str
    expected_w: float
    rated_w: float


def power_parts(machine: Machine) -> tuple[PowerPart, ...]:
    """The parts of a machine's power, which add up to its expected and its rated power [W]; the hall is not among them.

    A node's electronics are measured or scaled as a whole; between GPUs, processors and the rest (boards, memory, adapters,
    drives, conversion) they are split as the makers' maxima are.  Fans are what the node draws beyond its electronics.
    """
    levels, node, nodes = levels_of(machine), machine.node, machine.nodes_count
    gpus_w = node.accelerators_count * machine.accelerator.board_power_w
    processors_w = node.processors_count * machine.processor.power_w
    rated_w = levels.rated_w - levels.full_fan_w
    caps_w = gpus_w + processors_w
    share = min(rated_w / caps_w, 1.0)  # a node may be rated below the sum of its parts
    parts_w = {"gpus": gpus_w * share, "processors": processors_w * share}
    parts_w["rest"] = rated_w - sum(parts_w.values())
    fans_w = min(fan_power_w(levels, levels.busy_w), levels.rated_w - levels.busy_w)
    inside = [PowerPart(name, nodes * levels.busy_w * value / rated_w, nodes * value) for name, value in parts_w.items()]
    return (*inside, PowerPart("fans", nodes * fans_w, nodes * levels.full_fan_w), *_beside(machine))


def _beside(machine: Machine) -> list[PowerPart]:
    """Networks with their optics, storage and management servers, from the bill; the nodes' own optics are in the nodes.

    Expected power is what is typical of a part, rated power its maker's maximum; optics have the same for both.
    """
    sums = {name: [0.0, 0.0] for name in ("networks", "storage", "management")}
    for line in machine.bill:
        name = "storage" if isinstance(line.part, StorageAppliance) else "networks"
        if isinstance(line.part, Server):
            name = "management"
        if isinstance(line.part, Switch | StorageAppliance | Server):
            sums[name][0] += line.count * line.part.typical_power_w
            sums[name][1] += line.count * line.part.maximum_power_w
        elif isinstance(line.part, Cable) and line.where != "nodes":
            sums[name][0] += line.count * line.part.power_w
    return [PowerPart(name, expected, rated) for name, (expected, rated) in sums.items()]
