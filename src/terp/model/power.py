"""Power of a node, from measured levels."""

from __future__ import annotations

from terp.catalogue import Node


def fan_power_w(node: Node, level_w: float) -> float:
    """Fan power of a node whose electronics draw `level_w` [W].  P = a + (b - a) x

    level_w  power of the node without fans [W]
    x        (level - idle) / (full - idle), 0 to 1 [-]
    a, b     fan power at idle and at full power [W]

    Linear between two points: idle is assumed, full is an air-cooled maximum less that of immersed nodes (latif-2025
    less smc-mlperf-2024).  Fans themselves follow the cube of their speed; a line overstates them in between.
    """
    share = (level_w - node.idle_power_w) / (node.full_power_w - node.idle_power_w)
    share = min(max(share, 0.0), 1.0)
    return node.idle_fan_power_w + (node.full_fan_power_w - node.idle_fan_power_w) * share


def node_power_w(node: Node, level_w: float) -> float:
    """Power of a node at the wall, fans included [W], whose electronics draw `level_w` [W].

    Holds up to the rated maximum, which caps it.
    """
    return min(level_w + fan_power_w(node, level_w), node.rated_power_w)
