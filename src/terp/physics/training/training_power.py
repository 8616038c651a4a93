"""What a training step draws and costs: of its GPUs, its nodes, and the share of everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.hardware import Machine
from terp.physics.gpu.clocks import BASE_W, cap_w
from terp.physics.power.machine_power import machine_power
from terp.physics.power.node_levels import levels_of, node_power_w
from terp.physics.training.step_prediction import TrainingStep

IDLE_W: Final = 77.0
"""An H100 without work (terp-h100); others by their caps."""
WAITING_SHARE: Final = 0.35
"""Power of a GPU that waits for others or exchanges data, above its base, over one that computes: assumed, 0.1 to 0.6."""


@dataclass(frozen=True)
class StepPower:
    """Mean powers during training [W].

    gpu_w    of one GPU;  level_w  of one node without fans;  node_w  of one node at the wall
    job_w    of all nodes with their share of network and storage
    """

    gpu_w: float
    level_w: float
    node_w: float
    job_w: float


def step_power(machine: Machine, step: TrainingStep) -> StepPower:
    """Powers of a job.  A GPU draws what its mix of work does while it computes, and less while it waits.

    A node draws between its measured idle and full levels as its GPUs draw between idle and their cap.
    """
    chip, node, levels = machine.accelerator, machine.node, levels_of(machine)
    time, one = step.time, step.column
    exposed = one.tensor_s + one.context_s + one.expert_s
    busy_s = float(time.layers_s + time.head_s) * (1 - exposed / max(one.layers_s, 1e-12)) + float(time.optimizer_s)
    busy = min(busy_s / step.step_s, 1.0)
    base_w = BASE_W * cap_w(chip) / 700.0
    gpu_w = base_w + (one.power_w - base_w) * (busy + WAITING_SHARE * (1 - busy))
    idle_w = IDLE_W * cap_w(chip) / 700.0
    full = max(min((gpu_w - idle_w) / (cap_w(chip) - idle_w), 1.0), 0.0)
    level_w = levels.idle_w + full * (levels.full_w - levels.idle_w)
    node_w = node_power_w(levels, level_w)
    nodes = -(-step.strategy.gpus_count // node.accelerators_count)
    others_w = machine_power(machine).base_w * nodes / machine.nodes_count
    return StepPower(gpu_w, level_w, node_w, nodes * node_w + others_w)
