"""What a machine draws while it runs HPL."""

from __future__ import annotations

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.benchmark.hpl import NOT_GRADED, HplConstants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.power.node_levels import NodeLevels, node_power_w


def hpl_power_class(accelerator: Accelerator) -> str:
    """How much is known of a chip's nodes in power under HPL, which chooses the interval: a class of `intervals.yaml`."""
    if "hpl" not in architecture_of(accelerator).graded:
        return NOT_GRADED
    return "AMD nodes" if accelerator.architecture.startswith("cdna") else "nodes with NVIDIA GPUs"


def hpl_power_w(levels: NodeLevels, nodes: float, beside_w: float = 0.0, activity: float | None = None) -> float:
    """Mean power of a run at the wall [W].  P = n (L + fans(L)) + P_b,  L = idle + a (full - idle)

    nodes     n    nodes of the run; those of other jobs are not counted
    activity  a    level between idle and full [-], HPL's if None; another benchmark has its own
    beside_w  P_b  network, storage and management, where the machine is known [W]

    Submitted powers differ in what they count (nodes alone, or network and storage too) and in the caps that sites set
    for the run: of equal machines half lie more than 8 % apart.
    """
    activity = constants(HplConstants).activity_fraction if activity is None else activity
    level_w = levels.idle_w + activity * (levels.full_w - levels.idle_w)
    return nodes * node_power_w(levels, level_w) + beside_w
