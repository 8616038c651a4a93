"""What a machine draws while it runs HPL."""

from __future__ import annotations

from typing import Final

from terp.physics.power.node_levels import NodeLevels, node_power_w

ACTIVITY: Final = 0.91
"""Level of a node in HPL between idle and full: fitted to submitted powers (scripts/fit_hpl.py)."""

NETWORK_J_PER_BYTE: Final = 0.7e-9
"""Power of a fabric over its nodes' rate: three switch ports a node's port, of switches at 11.7 W a port of 50 GB/s
(QM9700), 6.3 and 5.5 W of 25 GB/s (QM8700, Rosetta); for machines of which no more is known than their ports."""


def hpl_power_w(levels: NodeLevels, nodes: float, beside_w: float = 0.0, activity: float = ACTIVITY) -> float:
    """Mean power of a run at the wall [W].  P = n (L + fans(L)) + P_b,  L = idle + a (full - idle)

    nodes     n    nodes of the run; those of other jobs are not counted
    activity  a    level between idle and full [-]; another benchmark has its own
    beside_w  P_b  network, storage and management, where the machine is known [W]

    Submitted powers differ in what they count (nodes alone, or network and storage too) and in the caps that sites set
    for the run: of equal machines half lie more than 8 % apart.
    """
    level_w = levels.idle_w + activity * (levels.full_w - levels.idle_w)
    return nodes * node_power_w(levels, level_w) + beside_w
