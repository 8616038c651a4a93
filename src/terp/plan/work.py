"""What a node gets done and draws, for each frame and cap of its GPUs: the same for any number of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from terp.build import Machine, build_machine
from terp.describe import machine_of_text
from terp.model import idle_power_w, levels_of, node_power_w
from terp.plan.designs import Design
from terp.plan.frames import Extras, Frame, machine_text
from terp.plan.inputs import Inputs
from terp.simulate import Controls, capped_kinds, kinds_of


@dataclass(frozen=True)
class NodeWork:
    """A node in operation.

    busy_w, idle_w, down_w   power at the wall: while its GPUs work on the budget's mix, idle, and standing by
    h100_ratio     H100-hours that a GPU-hour is worth, by domain; low and high of its range
    rated_share    what the cap takes off the rated power, by node [W]
    """

    busy_w: float
    idle_w: float
    down_w: float
    h100_ratio: Mapping[str, float]
    low_ratio: Mapping[str, float]
    high_ratio: Mapping[str, float]
    capped_off_w: float
    tokens_per_s: float
    inference_tokens_per_s: float


def sample_machine(inputs: Inputs, frame: Frame) -> Machine:
    """A small machine of a frame, on which steps are predicted: as many whole units as the largest job needs."""
    largest = max(
        (job.runs.gpus_count or 0 for domain in inputs.workload.record.domains.values() for job in domain.jobs.values() if job.runs),
        default=0,
    )
    nodes = frame.smallest_with(max(largest, 1))
    text = machine_text(frame, nodes, Extras(), name="sample", title="sample")
    return build_machine(machine_of_text(text, "sample"), inputs.catalogue)
