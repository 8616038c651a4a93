"""How long a training step takes on many GPUs: micro-batches through a pipeline, and what replicas exchange.

All of it takes numbers or arrays: a search evaluates thousands of splits of one `LayerColumn` in one call, and a single
prediction is the same code on numbers, so the two cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.physics.fabric.collectives import Interconnect, collective_s
from terp.physics.gpu.precisions import precision_named
from terp.physics.neural.work import Work
from terp.physics.training.products import Share
from terp.physics.training.software import Generation
from terp.physics.training.stage import LayerColumn


@dataclass(frozen=True)
class Splits:
    """Splits of one column: numbers, or arrays of them, that broadcast.

    pipeline     stages;  interleave  parts of a stage that take turns;  data  replicas
    batches      micro-batches that a replica runs in a step
    zero, shard  what is sharded over data parallelism (0 to 3), over groups of so many GPUs
    """

    pipeline: ArrayLike
    interleave: ArrayLike
    data: ArrayLike
    batches: ArrayLike
    zero: ArrayLike
    shard: ArrayLike


@dataclass(frozen=True)
class StepTime:
    """Where a step's time goes [s]; arrays where the splits are.

    layers_s is of the slowest stage; head_s of the last; the exchanges in them are in tensor_s, context_s and expert_s too

    bubble_s     of the pipeline, where stages wait;  pipe_s   sends between stages that do not hide
    data_s       exchanges of gradients and sharded weights that do not hide;  optimizer_s   its step
    overhead_s   of the software in each step;  straggle_s   lost to the slowest of many nodes
    """

    layers_s: Floats
    head_s: Floats
    bubble_s: Floats
    pipe_s: Floats
    data_s: Floats
    optimizer_s: Floats
    overhead_s: Floats
    straggle_s: Floats

    @property
    def step_s(self) -> Floats:
        """The whole step [s]."""
        busy = self.layers_s + self.head_s + self.bubble_s + self.pipe_s + self.data_s
        return np.asarray(busy + self.optimizer_s + self.overhead_s + self.straggle_s)


def step_time(
    chip: Accelerator,
    net: Interconnect,
    work: Work,
    stage: LayerColumn,
    share: Share,
    splits: Splits,
    generation: Generation,
) -> StepTime:
    """Time of a step.  T = m t + (sum t_i - t) / v + sends + gradients + optimizer + overhead, and stragglers

    t    a micro-batch in the slowest stage, t_i in each [s];  m  micro-batches;  v  interleave

    1F1B of Narayanan 2021; layers that do not divide evenly make the slowest stage one longer, and the head goes to one of
    the shorter.

    stage     times of all layers, from `stage.column`;  share   of the micro-batch that it was made of
    splits    numbers or arrays, which broadcast; results have their shape

    A send goes over the fabric where a stage's GPUs fill a link domain, else over links.
    """
    p, v, d, m, z, shard = arrays(splits)
    layers, layer_s = work.layers_count, stage.layers_s / work.layers_count
    most, fewest = np.ceil(layers / p), np.floor(layers / p)
    with_head = fewest * layer_s + stage.head_s
    slow = np.maximum(most * layer_s, with_head)
    bubble = (layers * layer_s + stage.head_s - slow) / v
    crossing = np.where(share.tensor_count * share.context_count * d >= net.domain_gpus_count, 1.0, 2.0)
    sends: Any = 0.0
    if np.any(p > 1):
        once_s = collective_s(net, "send", stage.pipe_bytes, 2.0, np.minimum(crossing, net.domain_gpus_count))
        sends = np.where(p > 1, 2 * v * m * (1 - generation.pipe_overlap_fraction) * once_s, 0.0)
    ends = np.where(p > 1, stage.head_parameters_count, stage.ends_parameters_count)
    held = (stage.dense_parameters_count / p, stage.expert_parameters_count / p, ends)
    data_s = _data_s(net, stage, share, held, (p, d, m, z, shard), m * slow, layers, generation)
    few = expert_shard(shard, share, stage)
    updated = (held[0] + held[2]) / np.where(z >= 1, shard, 1.0) + held[1] / np.where(z >= 1, few, 1.0)
    gpus = p * d * share.tensor_count * share.context_count
    head_s = m * np.where(with_head >= most * layer_s, stage.head_s, 0.0)
    step = StepTime(
        layers_s=m * slow - head_s,
        head_s=head_s,
        bubble_s=np.asarray(bubble),
        pipe_s=np.asarray(sends),
        data_s=data_s,
        optimizer_s=updated * stage.trained_fraction * generation.optimizer_bytes / chip.memory_rate_bytes_per_s,
        overhead_s=np.asarray(generation.step_s),
        straggle_s=np.asarray(0.0),
    )
    doublings = np.log2(np.maximum(gpus / net.domain_gpus_count, 1.0))
    return StepTime(**{**step.__dict__, "straggle_s": step.step_s * generation.straggle_fraction * doublings})


def expert_shard(shard: ArrayLike, share: Share, stage: LayerColumn) -> Floats:
    """GPUs that share the shards of experts: of those that share the others', the ones that hold the same experts.

    shard   GPUs that share the shards of dense parameters, a number or an array
    """
    fewer = np.asarray(shard, np.float64) * share.tensor_count / stage.expert_division_count
    return np.asarray(np.maximum(fewer, 1.0))


def arrays(splits: Splits) -> tuple[Any, ...]:
    """The six of a split, as arrays that broadcast.

    In the order of the fields, in float64, of any shapes that broadcast.
    """
    values = (splits.pipeline, splits.interleave, splits.data, splits.batches, splits.zero, splits.shard)
    return tuple(np.asarray(value, np.float64)[()] for value in values)


def _data_s(
    net: Interconnect, stage: LayerColumn, share: Share, held: tuple[Any, Any, Any], split: tuple[Any, ...], work_s: Any,
    layers: int, generation: Generation,
) -> Floats:  # fmt: skip
    """Exposed time of data parallelism [s].

    Gradients are summed once a step, sharded ones scattered and weights gathered; with all sharded (FSDP, ZeRO 3) each
    micro-batch gathers weights twice and scatters gradients once.  A share hides behind the work beside it.

    held     parameters a GPU holds: dense, experts', and of embedding or head
    split    pipeline stages, replicas, micro-batches, sharding level and shard group
    work_s   of the slowest stage in a step, behind which exchanges of sharded weights hide [s]
    """
    p, d, m, z, shard = split
    t, c = share.tensor_count, share.context_count
    dense, experts, head = held
    total = np.asarray(0.0)
    groups = [(dense + head, d * c)]
    if stage.expert_parameters_count:
        groups.append((experts, d * c * t / stage.expert_division_count))
    for parameters, spread in groups:
        ranks = np.maximum(spread, 1.0)
        inside = np.clip(net.domain_gpus_count // t, 1.0, ranks)
        weights = 2.0 * parameters
        gradients = generation.gradient_bytes * parameters * stage.trained_fraction
        sharded: Any = 0.0
        if np.any(z >= 3):
            units = np.ceil(layers / p) + 1  # the embedding or the head is one more
            each = precision_named(share.precision).gathered_bytes if generation.gathers_reduced else 2.0
            sharded = _sharded_s(
                net,
                (parameters, each, units),
                np.minimum(shard, ranks),
                ranks,
                inside,
                (p, m),
                work_s,
                _hidden(share, generation),
            )
        if np.all(z >= 3):
            total = total + sharded
            continue
        summed = collective_s(net, "all_reduce", gradients, ranks, inside)
        scattered = collective_s(net, "reduce_scatter", gradients, ranks, inside)
        gathered = collective_s(net, "all_gather", weights * stage.trained_fraction, ranks, inside)
        plain = np.where(z >= 1, scattered + gathered, summed)
        exposed = plain - np.minimum(plain * _hidden(share, generation), (stage.forward_s + stage.backward_s) / p)
        total = total + np.where(z >= 3, sharded, exposed)
    return np.asarray(total)


def _hidden(share: Share, generation: Generation) -> float:
    """Share of data parallelism's exchanges that hides behind work: none where the job does not let them."""
    return 0.0 if share.data_overlap is False else generation.data_overlap_fraction


def _sharded_s(
    net: Interconnect, weights: tuple[Floats, float, Floats], shard: Floats, ranks: Floats, inside: Floats,
    batches: tuple[Floats, Floats], work_s: Floats, hidden: float,
) -> Floats:  # fmt: skip
    """Exposed time where weights are sharded too [s]; groups of shards sum their gradients once a step.

    Each layer is gathered and scattered by itself, so that a ring's latency is paid a layer.  In a pipeline weights stay
    gathered from the first micro-batch to the last, as gathering them for each would fill the fabric.

    weights   of a GPU before sharding, their bytes as they are gathered, and in how many units
    shard, ranks   GPUs of a group of shards, and of data parallelism;  batches   stages and micro-batches
    hidden    share of it that hides behind work
    """
    near, (p, m), (held, each, units) = np.minimum(inside, shard), batches, weights
    times = np.where(p > 1, 1.0, m)
    gather = units * collective_s(net, "all_gather", each * held / units, shard, near)
    scatter = units * collective_s(net, "reduce_scatter", 2.0 * held / units, shard, near)
    replicas = np.maximum(ranks / shard, 1.0)
    summed = collective_s(net, "all_reduce", 2.0 * held / shard, replicas, np.maximum(inside / shard, 1.0))
    moved = times * (np.where(p > 1, 1.0, 2.0) * gather + scatter) + summed
    return np.asarray(moved - np.minimum(moved * hidden, work_s))
