"""What one GPU must hold for a training step.

Weights, gradients, the optimizer's state, activations, logits and what the software takes; of a pipeline the first stage is
the fullest, because it keeps activations of the most micro-batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue.read.constants import constants
from terp.physics.gpu.precisions import is_reduced
from terp.physics.neural.work import Work
from terp.physics.training.products import Share
from terp.physics.training.software import Generation
from terp.physics.training.stage import LayerColumn, Recompute, kept_bytes, layer_bytes
from terp.physics.training.step import Splits, arrays, expert_shard


@dataclass(frozen=True)
class MemoryConstants:
    """Of memory.

    state_bytes      by optimizer, per parameter, with master weights in 32 bits
    bf16_state_bytes the same where weights, gradients and moments are all kept in 16 bits, without master weights
    frozen_bytes     by format, of a weight of the layers that is not trained
    near_fraction    of the memory, from which a job that fits is told to be near its end
    context_bytes    what CUDA, NCCL and an allocator's gaps take
    binary_ratio     makers' gigabytes of GPU memory over 1e9 bytes;  usable_fraction  what an allocator can use of them
    """

    PLACE: ClassVar[str] = "training.memory"
    state_bytes: Mapping[str, float]
    bf16_state_bytes: Mapping[str, float]
    frozen_bytes: Mapping[str, float]
    near_fraction: float
    context_bytes: float
    binary_ratio: float
    usable_fraction: float


def room_fraction() -> float:
    """What a job can take, over the memory that is sold [-]."""
    c = constants(MemoryConstants)
    return c.binary_ratio * c.usable_fraction


STATES: Final = ("mixed", "bf16")
"""What an optimizer keeps: 32 bits with master weights, or 16 bits of everything."""


def frozen_formats() -> tuple[str, ...]:
    """Formats in which frozen weights are known to be kept."""
    return tuple(constants(MemoryConstants).frozen_bytes)


def state_bytes(optimizer: str, states: str = "mixed") -> float:
    """What an optimizer keeps of a parameter [B].

    optimizer   a name of `optimizers()`;  states   one of `STATES`
    """
    c = constants(MemoryConstants)
    return (c.bf16_state_bytes if states == "bf16" else c.state_bytes)[optimizer]


def optimizers() -> tuple[str, ...]:
    """Optimizers whose state is known."""
    return tuple(constants(MemoryConstants).state_bytes)


@dataclass(frozen=True)
class StepMemory:
    """What the fullest GPU holds [B]; arrays where the splits are.

    weights_bytes      in the precision of the step;  gradients_bytes  as they are summed;  optimizer_bytes  its state
    activations_bytes  what the backward needs, with one layer's that is computed again
    logits_bytes       where the head is on the same GPU;  other_bytes  the software's own and weights that are gathered
    """

    weights_bytes: Floats
    gradients_bytes: Floats
    optimizer_bytes: Floats
    activations_bytes: Floats
    logits_bytes: Floats
    other_bytes: Floats

    @property
    def total_bytes(self) -> Floats:
        """All of it [B]."""
        held = self.weights_bytes + self.gradients_bytes + self.optimizer_bytes
        return np.asarray(held + self.activations_bytes + self.logits_bytes + self.other_bytes)


def step_memory(
    work: Work, stage: LayerColumn, share: Share, recompute: Recompute, splits: Splits, generation: Generation,
    optimizer: str = "adamw", *, states: str = "mixed", base: str = "bf16", gradients: float | None = None,
    loss_chunks: int = 1,
) -> StepMemory:  # fmt: skip
    """What the fullest GPU holds, the first stage of a pipeline, or the only one.

    Of a pipeline with interleave v the first stage keeps min(m, p) (1 + (p - 1) / (p v)) micro-batches' activations
    (Korthikanti 2022).

    work, share   of one sample, and one GPU's part of a micro-batch
    stage         the times and parameters of all layers, from `stage.column`
    recompute     what is computed again instead of kept
    splits        numbers or arrays; results have their shape
    optimizer     a name of `optimizers()`;  states   one of `STATES`
    gradients     bytes of a gradient that is kept; the software's usual if None
    loss_chunks   parts of the logits that are made one after the other
    base          format of the layers' weights where adapters are trained, of `frozen_formats()`; embedding and head stay in
                  16 bits
    """
    p, v, _, m, z, shard = arrays(splits)
    ends = np.where(p > 1, stage.head_parameters_count, stage.ends_parameters_count)
    dense = stage.dense_parameters_count / p + ends
    held = dense + stage.expert_parameters_count / p
    few = expert_shard(shard, share, stage)
    # what is left of dense parameters, and of experts, of whose replicas there are fewer, where each is sharded
    sharded = dense / shard + stage.expert_parameters_count / p / few
    left = {level: np.where(z >= level, sharded, held) / held for level in (1, 2, 3)}
    trained = held * stage.trained_fraction
    flight = np.where(p > 1, np.minimum(m, p) * np.where(v > 1, 1 + (p - 1) / (p * v), 1.0), 1.0)
    kept = kept_bytes(work, share, recompute, generation) / p * flight
    redone = recompute.layers_fraction or recompute.operations
    again = max(layer_bytes(layer, share, generation) for layer in work.layers) if redone else 0.0
    lean = is_reduced(share.precision) and (generation.lean or share.adapters)
    layer = (stage.dense_parameters_count + stage.expert_parameters_count) / work.layers_count
    logits = generation.logit_kept_bytes / loss_chunks * work.head.inner_values_count * share.inner
    of_layer = constants(MemoryConstants).frozen_bytes[base] if share.adapters and base != "bf16" else 1.0 if lean else 2.0
    of_head = 1.0 if lean and of_layer == 1.0 else 2.0
    weights = of_layer * (held - ends) + of_head * ends
    gradient_bytes = 2.0 if states == "bf16" else gradients or generation.gradient_kept_bytes
    stays = np.where((z >= 3) & (p > 1), 1.0, 0.0)  # a pipeline keeps what it gathered from micro-batch to micro-batch
    return StepMemory(
        weights_bytes=np.asarray(weights * left[3] + stays * of_layer * (held - ends)),
        gradients_bytes=np.asarray(gradient_bytes * trained * left[2]),
        optimizer_bytes=np.asarray(state_bytes(optimizer, states) * trained * left[1]),
        activations_bytes=np.asarray(kept + again),
        logits_bytes=np.where(p > 1, 0.0, logits),
        other_bytes=constants(MemoryConstants).context_bytes + np.where(z >= 3, 4.0 * layer, 0.0),
    )
