"""What a training step draws and costs: of its GPUs, its nodes, and the share of everything else."""

from __future__ import annotations

from dataclasses import dataclass

from terp.catalogue.read.constants import constants
from terp.hardware import Machine
from terp.physics.gpu.clocks import PowerConstants, base_w, cap_w, idle_w
from terp.physics.power.machine_power import machine_power
from terp.physics.power.node_levels import gpu_share_w, idle_power_w, levels_of, node_power_w
from terp.physics.training.step_prediction import TrainingStep


@dataclass(frozen=True)
class StepPower:
    """Mean powers during training [W].

    gpu_w    of one GPU;  level_w  of one node without fans;  node_w  of one node at the wall, all of whose GPUs do this
    job_w    of the job's GPUs with their share of their nodes, of network and of storage
    rest_w   what idle GPUs of the job's last node draw, which is not in job_w; 0 where it fills its nodes
    """

    gpu_w: float
    level_w: float
    node_w: float
    job_w: float
    rest_w: float = 0.0


def step_power(machine: Machine, step: TrainingStep) -> StepPower:
    """Powers of a job.  A GPU draws what its mix of work does while it computes, and less while it waits.

    A node draws between its measured idle and full levels as its GPUs draw between idle and their cap; a job has the
    share of its GPUs (`gpu_share_w`), as in a simulated year.

    machine   gives the levels of its nodes and the power of network and storage, of which the job has its GPUs' share
    step      a predicted step;  times that are exposed exchanges count as waiting
    """
    chip, node, levels = machine.accelerator, machine.node, levels_of(machine)
    time, layers = step.time, step.column
    exposed = layers.tensor_s + layers.context_s + layers.expert_s
    busy_s = float(time.layers_s + time.head_s) * (1 - exposed / max(layers.layers_s, 1e-12)) + float(time.optimizer_s)
    busy = min(busy_s / step.step_s, 1.0)
    least_w, lowest_w = base_w(chip), idle_w(chip)
    waiting = constants(PowerConstants).waiting_fraction
    gpu_w = least_w + (layers.power_w - least_w) * (busy + waiting * (1 - busy))
    full = max(min((gpu_w - lowest_w) / (cap_w(chip) - lowest_w), 1.0), 0.0)
    level_w = levels.idle_w + full * (levels.full_w - levels.idle_w)
    node_w = node_power_w(levels, level_w)
    gpus, each = step.strategy.gpus_count, node.accelerators_count
    others_w = machine_power(machine).base_w * gpus / machine.gpus_count
    rest_w = float(gpu_share_w(idle_power_w(levels), -gpus % each, each))
    return StepPower(gpu_w, level_w, node_w, float(gpu_share_w(node_w, gpus, each)) + others_w, rest_w)
