"""Power of a node, from measured levels, or scaled from those of a node that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import Accelerator, Node, Processor
from terp.catalogue.read.constants import constants
from terp.hardware import Machine


@dataclass(frozen=True)
class LevelConstants:
    """Levels of HGX H100 nodes over their full power without fans, by which nodes that nobody measured are scaled.

    rest_switched_fraction, rest_direct_fraction   all else in a node over its GPUs' caps: of boards with link switches,
                    and of boards whose GPUs link directly
    busy_fraction   in long training
    idle_fan_fraction, full_fan_fraction   fans of an air-cooled node at idle and at full power
    """

    PLACE: ClassVar[str] = "node_power.levels"
    rest_switched_fraction: float
    rest_direct_fraction: float
    idle_fraction: float
    busy_fraction: float
    idle_fan_fraction: float
    full_fan_fraction: float
    down_fraction: float


@dataclass(frozen=True)
class NodeLevels:
    """Powers of a node [W]: electronics when idle, in long training and full, its fans at idle and full, and when down.

    idle_w, busy_w and full_w are without fans, which have powers of their own; rated_w is with them.
    """

    idle_w: float
    busy_w: float
    full_w: float
    idle_fan_w: float
    full_fan_w: float
    down_w: float
    rated_w: float


def levels_from_parts(
    gpus_w: float, processors_w: float, board: Literal["switched", "direct"], cooling: Literal["air", "liquid"]
) -> NodeLevels:
    """Levels of a node that nobody measured, from the caps of its GPUs and the powers of its processors [W].

    full = (GPUs) (1 + rest) + (processors); the others are its shares, as of the HGX H100 nodes that were measured.

    board     whether link switches join the GPUs, which draw power of their own;  cooling   a liquid-cooled node has no fans
    """
    c = constants(LevelConstants)
    rest = c.rest_switched_fraction if board == "switched" else c.rest_direct_fraction
    full_w = gpus_w * (1 + rest) + processors_w
    quiet, loud = (c.idle_fan_fraction, c.full_fan_fraction) if cooling == "air" else (0.0, 0.0)
    return NodeLevels(
        idle_w=c.idle_fraction * full_w,
        busy_w=c.busy_fraction * full_w,
        full_w=full_w,
        idle_fan_w=quiet * full_w,
        full_fan_w=loud * full_w,
        down_w=c.down_fraction * full_w,
        rated_w=(1 + loud) * full_w,
    )


def node_levels(node: Node, accelerator: Accelerator, processor: Processor) -> NodeLevels:
    """The levels of a node: measured where the catalogue has them, else from its parts, within its rated power.

    Levels that follow from parts are scaled down together where they would be above the node's rated power.
    """
    caps_w = node.accelerators_count * accelerator.board_power_w
    board: Literal["switched", "direct"] = "switched" if node.link_switches_count else "direct"
    derived = levels_from_parts(caps_w, node.processors_count * processor.power_w, board, node.cooling)
    fit = min(node.rated_power_w / derived.rated_w, 1.0)
    return NodeLevels(
        idle_w=_or(node.idle_power_w, derived.idle_w * fit),
        busy_w=_or(node.busy_power_w, derived.busy_w * fit),
        full_w=_or(node.full_power_w, derived.full_w * fit),
        idle_fan_w=_or(node.idle_fan_power_w, derived.idle_fan_w * fit),
        full_fan_w=_or(node.full_fan_power_w, derived.full_fan_w * fit),
        down_w=_or(node.down_power_w, derived.down_w * fit),
        rated_w=node.rated_power_w,
    )


def levels_of(machine: Machine) -> NodeLevels:
    """The levels of a machine's nodes."""
    return node_levels(machine.node, machine.accelerator, machine.processor)


def _or(measured_w: float | None, scaled_w: float) -> float:
    """A measured power where there is one, else the scaled one [W]."""
    return scaled_w if measured_w is None else measured_w


def fan_power_w(levels: NodeLevels, level_w: float) -> float:
    """Fan power of a node whose electronics draw `level_w` [W].  P = a + (b - a) x

    level_w  power of the node without fans [W]
    x        (level - idle) / (full - idle), 0 to 1 [-]
    a, b     fan power at idle and at full power [W]

    Linear between two points: idle is assumed, full is an air-cooled maximum less that of immersed nodes (latif-2025
    less smc-mlperf-2024).  Fans themselves follow the cube of their speed; a line overstates them in between.
    """
    share = (level_w - levels.idle_w) / (levels.full_w - levels.idle_w)
    share = min(max(share, 0.0), 1.0)
    return levels.idle_fan_w + (levels.full_fan_w - levels.idle_fan_w) * share


def node_power_w(levels: NodeLevels, level_w: float) -> float:
    """Power of a node at the wall, fans included [W], whose electronics draw `level_w` [W].

    Holds up to the rated maximum, which caps it.

    levels   of the node;  level_w   of its electronics [W]
    """
    return min(level_w + fan_power_w(levels, level_w), levels.rated_w)


def gpu_share_w(node_w: Floats | float, gpus_count: Ints | int, node_gpus_count: int) -> Floats:
    """A job's share of its nodes' power [W], by the GPUs that it holds.  P = n P_node / N

    node_w            of a whole node that does nothing else;  gpus_count   n, of the job, which may be less than a node
    node_gpus_count   N, of a node

    As a simulated year charges its jobs: what a node draws is shared by its GPUs, and GPUs that no job holds are nobody's.
    Numbers or arrays, which broadcast.
    """
    return np.asarray(node_w / node_gpus_count * gpus_count)


def idle_power_w(levels: NodeLevels) -> float:
    """Power of an idle node at the wall [W]."""
    return node_power_w(levels, levels.idle_w)
