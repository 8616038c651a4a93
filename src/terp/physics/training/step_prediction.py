"""One training step of a model on a machine's GPUs, by a strategy: time, memory, and how sure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from terp.catalogue import Accelerator
from terp.physics.fabric.collectives import Interconnect
from terp.physics.neural.work import Work
from terp.physics.training.memory import StepMemory, room_fraction, step_memory
from terp.physics.training.software import Generation
from terp.physics.training.stage import RECOMPUTE, LayerColumn, Recompute, column, layer_times
from terp.physics.training.step import StepTime, step_time
from terp.physics.training.strategy import Strategy


@dataclass(frozen=True)
class TrainingStep:
    """A predicted step.

    strategy   with the recomputation that was chosen;  column   times of all layers on one GPU
    time       where the step's time goes;  memory   of the fullest GPU
    fits       whether that is within what an allocator can use
    """

    strategy: Strategy
    column: LayerColumn
    time: StepTime
    memory: StepMemory
    fits: bool

    @property
    def step_s(self) -> float:
        """The step [s]."""
        return float(self.time.step_s)


def predict_step(
    chip: Accelerator, net: Interconnect, work: Work, strategy: Strategy, batch_count: int, generation: Generation
) -> TrainingStep:
    """A step of `batch_count` samples by a strategy; one that leaves recomputation open recomputes as few layers as fit.

    chip          the GPU;  net   what its collectives see;  work   of one sample
    batch_count   samples of a step, over all replicas
    generation    of the training software

    Whether the split divides the model is not checked (`strategy.misfits_of_strategy`).  The number of layers to recompute
    is worked out from the memory of one layer and of all, which lie on a line.
    """
    share, splits = strategy.share, strategy.splits(batch_count)
    room = room_fraction() * chip.memory_bytes

    times = layer_times(chip, net, work, share, generation)

    def held(recompute: Recompute) -> tuple[LayerColumn, StepMemory]:
        layers = column(times, work, share, recompute, generation)
        memory = step_memory(
            work, layers, share, recompute, splits, generation, strategy.optimizer, states=strategy.states,
            base=strategy.base, gradients=strategy.gradient_bytes, loss_chunks=strategy.loss_chunks_count,
        )  # fmt: skip
        return layers, memory

    recompute = strategy.recompute or RECOMPUTE["none"]
    layers, memory = held(recompute)
    if strategy.recompute is None and memory.total_bytes > room:
        stage = math.ceil(work.layers_count / strategy.pipeline_count)
        one_layer = held(Recompute(1 / stage))[1].total_bytes
        least = held(RECOMPUTE["full"])[1].total_bytes
        saved_bytes = max(float(one_layer - least), 1.0) / max(stage - 1, 1)
        more = math.ceil(max(float(one_layer - room), 0.0) / saved_bytes)
        recompute = Recompute(min(1 + more, stage) / stage)
        layers, memory = held(recompute)
    return TrainingStep(
        strategy=replace(strategy, recompute=recompute),
        column=layers,
        time=step_time(chip, net, work, layers, share, splits, generation),
        memory=memory,
        fits=bool(memory.total_bytes <= room),
    )
