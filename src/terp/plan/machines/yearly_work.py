"""What a node gets done and draws, for each frame and cap of its GPUs: the same for any number of nodes.

The workload's jobs are predicted once on a small machine of the frame; a search multiplies.  What so many jobs wait, and
what failures undo, is not here: the simulated years of a plan say that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from terp.catalogue import Node
from terp.describe import machine_of_text
from terp.hardware import Machine, build_machine
from terp.physics import idle_power_w, levels_of, node_power_w
from terp.plan.machines.frames import Extras, Frame
from terp.plan.machines.machine_writer import machine_text
from terp.plan.machines.node_counts import built
from terp.plan.planning_inputs import PlanningInputs
from terp.predict import KindRate, domain_rates, gpu_time_shares, inference_tokens_per_s_per_gpu, tokens_per_s_per_gpu
from terp.simulate import JobKind, kinds_of
from terp.simulate.controls import capped_kinds


@dataclass(frozen=True)
class NodeWork:
    """A node in operation.

    busy_w, idle_w, down_w   power at the wall: while its GPUs work on the budget's mix, idle, and standing by [W]
    capped_off_w   what the cap of the GPUs takes off the rated power of the node [W]
    h100_ratio     H100-hours that a GPU-hour is worth, by domain; low_ratio and high_ratio are the ends of its range
    tokens_per_s, inference_tokens_per_s   of one GPU under the cap: trained, and written

    Ratios have the domains that the budget counts, and are under the cap of the GPUs.
    """

    busy_w: float
    idle_w: float
    down_w: float
    capped_off_w: float
    h100_ratio: Mapping[str, float]
    low_ratio: Mapping[str, float]
    high_ratio: Mapping[str, float]
    tokens_per_s: float
    inference_tokens_per_s: float


@dataclass(frozen=True)
class Jobs:
    """A small machine of a frame with the workload's jobs on it: their power, and what an hour of its GPUs is worth.

    machine   of as few nodes as its largest job needs
    kinds, rates   of each job of the workload, in the same order
    tokens_per_s, inference_tokens_per_s   of one GPU, a language model of 70 billion parameters: trained, and written
    """

    machine: Machine
    kinds: tuple[JobKind, ...]
    rates: tuple[KindRate, ...]
    tokens_per_s: float
    inference_tokens_per_s: float


def jobs_on(inputs: PlanningInputs, frame: Frame) -> Jobs:
    """The jobs on as few nodes of a frame as the largest of them needs.  Raises Problems for what cannot run there.

    The sample is the smallest machine of the frame that can be built and has that many GPUs; what is predicted on it is
    taken for any number of nodes.
    """
    each = inputs.catalogue.part(Node, frame.node).accelerators_count
    nodes = np.arange(1, 2 + 2 * max(frame.nodes_per_unit_count, -(-largest_job(inputs) // each)))
    able = nodes[built(frame, nodes, Extras(), inputs.catalogue).fits & (nodes * each >= largest_job(inputs))]
    text = machine_text(frame, int(able[0]), Extras(), inputs.catalogue, name="sample", title="sample")
    machine = build_machine(machine_of_text(text, "sample"), inputs.catalogue)
    return Jobs(
        machine=machine,
        kinds=kinds_of(machine, inputs.workload),
        rates=domain_rates(machine, inputs.workload),
        tokens_per_s=tokens_per_s_per_gpu(machine).tokens_per_s,
        inference_tokens_per_s=inference_tokens_per_s_per_gpu(machine.node.accelerator).tokens_per_s,
    )


def largest_job(inputs: PlanningInputs) -> int:
    """GPUs of the largest job that the workload's file asks for; 1 if no job names a number."""
    domains = inputs.workload.record.domains.values()
    asked = [job.runs.gpus_count or 1 for domain in domains for job in domain.jobs.values() if job.runs is not None]
    return max(asked, default=1)


def node_work(inputs: PlanningInputs, jobs: Jobs, cap_fraction: float) -> NodeWork:
    """A node of a machine with its jobs, under a cap of its GPUs.

    jobs           of the node's frame, from `jobs_on`
    cap_fraction   power that the GPUs may take over the makers' own limit; 1: no cap

    Busy power and worth are means over the jobs by their share of the GPU time, those of a domain by its own jobs.

    The worth of a GPU-hour in a domain is the mean of its jobs' ratios, each times its pace under the cap; tokens are
    slowed down by the mean pace of the jobs.
    """
    machine = jobs.machine
    board_w, levels = machine.accelerator.board_power_w, levels_of(machine)
    cap_w = cap_fraction * board_w if cap_fraction < 1 else None
    kinds, pace = capped_kinds(machine, jobs.kinds, cap_w)
    time = gpu_time_shares(inputs.workload.record)
    busy_w, rates = 0.0, {name: [0.0, 0.0, 0.0, 0.0] for name in inputs.weights}
    for kind, speed, rate in zip(kinds, pace.tolist(), jobs.rates, strict=True):
        share = time[kind.domain, kind.job]
        busy_w += share * node_power_w(levels, kind.level_w)
        if kind.domain in rates:
            worth = (1.0, rate.h100_ratio * speed, rate.low_ratio * speed, rate.high_ratio * speed)
            rates[kind.domain] = [sum_ + share * one for sum_, one in zip(rates[kind.domain], worth, strict=True)]
    whole = sum(values[0] for values in rates.values())
    speed = sum(time[kind.domain, kind.job] * one for kind, one in zip(kinds, pace.tolist(), strict=True)) / whole
    central, low, high = ({name: values[at] / values[0] for name, values in rates.items()} for at in (1, 2, 3))
    return NodeWork(
        busy_w=busy_w,
        idle_w=idle_power_w(levels),
        down_w=levels.down_w,
        capped_off_w=machine.node.accelerators_count * (1 - cap_fraction) * board_w,
        h100_ratio=central,
        low_ratio=low,
        high_ratio=high,
        tokens_per_s=jobs.tokens_per_s * speed,
        inference_tokens_per_s=jobs.inference_tokens_per_s * speed,
    )
