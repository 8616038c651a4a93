"""What one GPU does for a micro-batch if it held all layers of a pipeline, with what it exchanges with its neighbours.

A `LayerColumn` is of one choice of tensor, context and expert parallelism, micro-batch and recomputation, for all layers.
How many stages, replicas and micro-batches there are comes after it (`step`), so that a search makes it once for thousands
of splits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.fabric.collectives import Interconnect, collective_s
from terp.physics.gpu.precisions import is_reduced
from terp.physics.neural.work import Layer, Work
from terp.physics.training.layers import MicroBatch, micro_batch
from terp.physics.training.products import Share, expert_division, sizes_of
from terp.physics.training.software import Generation


@dataclass(frozen=True)
class Recompute:
    """What is not kept for the backward but worked out again: a share of the layers whole, attention alone in all, or by
    operation, where attention, what is exchanged and every second product are kept and all else is worked out again.

    A fraction between 0 and 1 recomputes that share of the layers, as many as fit the memory need.
    """

    layers_fraction: float = 0.0
    attention: bool = False
    operations: bool = False


RECOMPUTE: Final = {
    "none": Recompute(), "selective": Recompute(attention=True), "ops": Recompute(operations=True), "full": Recompute(1.0),
}  # fmt: skip
"""By the names that Megatron gave them; "ops" as PyTorch's selective checkpointing, which torchtitan calls so."""


DISPATCHERS: Final = {"all-to-all": False, "deepep": True, "hybridep": True}
"""How tokens go to their experts -> whether one goes once to a domain, or within one to a GPU, with several of its own."""


@dataclass(frozen=True)
class StageConstants:
    """Of a stage: the share of the backward's second gather, for the weights' gradients, that does not hide behind a GEMM;
    parameters of adapters over those of the model; and products that are worked out again where it goes by operation.
    """

    PLACE: ClassVar[str] = "training.stage"
    gathered_again_fraction: float
    adapters_fraction: float
    products_again_fraction: float


@dataclass(frozen=True)
class LayerColumn:
    """Times of all layers together [s], of a micro-batch; what is divided over tensor, context and expert groups is.

    forward_s, backward_s  with what is exchanged and does not hide; never less than the host needs to launch them
    again_s       what recomputation adds
    head_s        the head, forward and backward
    tensor_s, context_s, expert_s  exposed exchanges, part of the times above; products_s, attention_s, moving_s likewise
    dense_parameters, expert_parameters, head_parameters  that a GPU would hold of all layers, and of the embedding or head,
                  whichever is larger; ends_parameters  of both, which a single stage holds, one where they are tied
    pipe_bytes    what passes to the next stage [B]
    expert_division_count  GPUs that an expert layer is divided over
    clock_ratio, power_w  while it computes
    """

    forward_s: float
    backward_s: float
    again_s: float
    head_s: float
    tensor_s: float
    context_s: float
    expert_s: float
    products_s: float
    attention_s: float
    moving_s: float
    dense_parameters_count: float
    expert_parameters_count: float
    expert_division_count: int
    head_parameters_count: float
    ends_parameters_count: float
    trained_fraction: float
    pipe_bytes: float
    clock_ratio: float
    power_w: float

    @property
    def layers_s(self) -> float:
        """A micro-batch through all layers, forward, recomputed and backward [s]."""
        return self.forward_s + self.backward_s + self.again_s


@dataclass(frozen=True)
class LayerTimes:
    """A micro-batch through all layers before it is known what is computed again: its work, and what is exchanged and does
    not hide [s], forward and backward; of experts forward, which is as long backward.
    """

    micro: MicroBatch
    tensor_s: tuple[float, float]
    context_s: tuple[float, float]
    expert_s: float


def layer_times(chip: Accelerator, net: Interconnect, work: Work, share: Share, generation: Generation) -> LayerTimes:
    """What a micro-batch's layers cost: what `micro_batch` says, and what their groups exchange.

    chip         the GPU;  net   what its collectives see;  work   of one sample;  share   one GPU's part of a micro-batch
    generation   the software, with the share of each exchange that hides behind work

    Exchanges inside a domain go over links, others over ports (`collectives`).
    """
    return LayerTimes(
        micro_batch(chip, work, share, generation),
        _tensor_s(net, work, share, generation),
        _context_s(net, work, share, generation),
        _expert_s(net, work, share, generation),
    )


def column(times: LayerTimes, work: Work, share: Share, recompute: Recompute, generation: Generation) -> LayerColumn:
    """The column of a split.  The forward is never shorter than the host needs to launch it.

    times       of the share's micro-batch, from `layer_times`;  work   of one sample
    share       one GPU's part of a micro-batch;  recompute   what runs forward twice
    generation  the software, with the share of a layer that it repeats
    """
    micro, tensor, context, expert_s = times.micro, times.tensor_s, times.context_s, times.expert_s
    again = generation.again_fraction * recompute.layers_fraction
    forward_s = max(micro.forward.gpu_s + tensor[0] + expert_s + context[0], micro.host_s)
    backward_s = max(micro.backward.gpu_s + tensor[1] + expert_s + context[1], 2 * micro.host_s)
    again_s = again * forward_s + (micro.forward.attention_s if recompute.attention else 0.0)
    some = constants(StageConstants).products_again_fraction if recompute.operations else 0.0
    again_s += some * micro.forward.products_s + (micro.forward.moving_s if recompute.operations else 0.0)
    dense, experts = _parameters(work, share)
    both = (work.head.parameters_count, work.embedding_parameters_count)
    head, ends = max(both) / share.tensor_count, (max(both) if work.tied else sum(both)) / share.tensor_count
    return LayerColumn(
        forward_s=forward_s,
        backward_s=backward_s,
        again_s=again_s,
        head_s=micro.head.gpu_s,
        tensor_s=tensor[0] * (1 + again) + tensor[1],
        context_s=context[0] * (1 + again) + context[1],
        expert_s=expert_s * (2 + again),
        products_s=micro.forward.products_s * (1 + again + some) + micro.backward.products_s,
        attention_s=micro.forward.attention_s * (1 + again + recompute.attention) + micro.backward.attention_s,
        moving_s=micro.forward.moving_s * (1 + again + recompute.operations) + micro.backward.moving_s,
        dense_parameters_count=dense,
        expert_parameters_count=experts,
        expert_division_count=_expert_division(work, share),
        head_parameters_count=head,
        ends_parameters_count=ends,
        trained_fraction=_trained_fraction(work, share),
        pipe_bytes=work.residual_bytes * share.inner,
        clock_ratio=micro.clock_ratio,
        power_w=micro.power_w,
    )


def _trained_fraction(work: Work, share: Share) -> float:
    """Parameters that are trained over all: those of adapters of a rank, or of the usual share, or 1."""
    if not share.adapters:
        return 1.0
    if share.rank_count is None:
        return constants(StageConstants).adapters_fraction
    return work.adapter_parameters_count(share.rank_count) / work.parameters_count


def _tensor_s(net: Interconnect, work: Work, share: Share, generation: Generation) -> tuple[float, float]:
    """Exposed exchanges of tensor parallelism, forward and backward of all layers [s].

    With sequence parallelism each is a gather and a scatter, and the backward gathers once more; else one reduction.

    The group is taken to lie within as few link domains as it can.
    """
    t = share.tensor_count
    if t == 1:
        return 0.0, 0.0
    inside = min(t, net.domain_gpus_count)
    exchanges = sum(layer.count * layer.exchanges_count for layer in work.layers) * (1 - _tensor_hidden(share, generation))
    size = work.residual_bytes * share.samples_count / share.context_count
    if not share.sequence_parallel:
        once = exchanges * float(collective_s(net, "all_reduce", size, t, inside))
        return once, once
    gather = float(collective_s(net, "all_gather", size, t, inside))
    once = exchanges * (gather + float(collective_s(net, "reduce_scatter", size, t, inside)))
    return once, once + exchanges * constants(StageConstants).gathered_again_fraction * gather


def _tensor_hidden(share: Share, generation: Generation) -> float:
    """Share of tensor parallelism's exchanges that hides: as the job asks for it, else as the software usually does."""
    return 0.0 if share.tensor_overlap is False else generation.tensor_overlap_fraction


def _expert_s(net: Interconnect, work: Work, share: Share, generation: Generation) -> float:
    """Exposed exchanges of tokens with their experts and back, forward of all layers [s].

    A token that goes to k experts over d domains is sent to d (1 - (1 - 1/d)^k) of them, once each, where software sees to
    it; within one domain the same holds of its GPUs.
    """
    e = share.expert_count
    if e == 1:
        return 0.0
    inside = max(min(e, net.domain_gpus_count // share.tensor_count), 1)
    domains = e / inside
    once = generation.sends_once if share.dispatcher is None else DISPATCHERS[share.dispatcher]
    places = domains if domains > 1 else e
    total = 0.0
    for layer in work.layers:
        routed = [product for product in layer.products if product.split == "experts" and not product.second]
        for product in routed:
            copies = product.rows_count / work.tokens_count if work.tokens_count else 1.0
            sent = places * (1 - (1 - 1 / places) ** copies) / copies if once else 1.0
            size = 2.0 * product.rows_count * product.depth_count * share.inner * min(sent, 1.0)
            total += 2 * layer.count * float(collective_s(net, "all_to_all", size, e, inside))
    return total * (1 - generation.expert_overlap_fraction)


def _context_s(net: Interconnect, work: Work, share: Share, generation: Generation) -> tuple[float, float]:
    """Exposed exchanges of context parallelism, forward and backward of all layers [s].

    Keys and values go round a ring beside the work; or all-to-alls, for which the work waits, give each GPU whole sequences
    of fewer heads, and back.  Heads of keys that are fewer than the GPUs are sent to several.
    """
    c, t = share.context_count, share.tensor_count
    if c == 1:
        return 0.0, 0.0
    inside = max(min(c, net.domain_gpus_count // t), 1)
    total = 0.0
    if share.context_kind == "heads":
        for layer in work.layers:
            for part in layer.attention:
                keys = max(part.kv_heads_count / t, c)
                rows = 2.0 * part.tokens_count * share.samples_count / c
                in_bytes = rows * (part.heads_count / t * part.head_size + keys * (part.head_size + part.value_size))
                out_bytes = rows * part.heads_count / t * part.value_size
                total += layer.count * sum(
                    float(collective_s(net, "all_to_all", n, c, inside)) for n in (in_bytes, out_bytes)
                )
        return total, total
    for layer in work.layers:
        for part in layer.attention:
            size = (
                2.0 * part.kv_heads_count / t * (part.head_size + part.value_size) * part.tokens_count * share.samples_count
            )
            total += layer.count * float(collective_s(net, "all_gather", size, c, inside))
    exposed_s = total * (1 - generation.context_overlap_fraction)
    return exposed_s, 2 * exposed_s


def _parameters(work: Work, share: Share) -> tuple[float, float]:
    """Parameters of all layers that one GPU of the column would hold: dense ones, and experts'."""
    t = share.tensor_count
    dense = experts = 0.0
    for layer in work.layers:
        dense += layer.count * layer.other_parameters_count
        for product in layer.products:
            parameters = layer.count * product.parameters_count
            if product.split == "experts":
                experts += parameters / expert_division(product, share)
            else:
                dense += parameters / (1 if product.split == "none" else t)
    return dense, experts


def _expert_division(work: Work, share: Share) -> int:
    """GPUs that experts are divided over; 1 where there are none."""
    products = (product for layer in work.layers for product in layer.products if product.split == "experts")
    return max((expert_division(product, share) for product in products), default=1)


def kept_bytes(work: Work, share: Share, recompute: Recompute, generation: Generation) -> float:
    """What the backward of a micro-batch needs of all layers [B]: activations, or their inputs where all is recomputed.

    In 16 bits, but for inputs of products in FP8; of one micro-batch, whatever the pipeline holds of it at once.
    """
    inputs = work.layers_count * work.residual_bytes * share.residual
    if recompute.operations:
        return inputs + sum(layer.count * _operations_bytes(layer, share) for layer in work.layers)
    whole = sum(layer.count * layer_bytes(layer, share, generation, scores=not recompute.attention) for layer in work.layers)
    return (1 - recompute.layers_fraction) * whole + recompute.layers_fraction * inputs


def _operations_bytes(layer: Layer, share: Share) -> float:
    """What a layer keeps where it is worked out again by operation: results of attention and of the products kept, in 16
    bits; what each gathers or scatters over tensor parallelism is of the same size [B].
    """
    again = constants(StageConstants).products_again_fraction
    sizes = [sizes_of(product, share) for product in layer.products]
    kept = 2.0 * (1 - again) * sum(m * n * times for m, n, _, times in sizes)
    attended = sum(part.groups_count * part.tokens_count * part.heads_count * part.value_size for part in layer.attention)
    return kept + 2.0 * attended * share.inner


def layer_bytes(layer: Layer, share: Share, generation: Generation, *, scores: bool = True) -> float:
    """Activations of one layer that are kept; of products' inputs, none for adapters, and half where they are in FP8 [B].

    scores   False where attention is computed again, whose scores then need not be kept
    """
    masks = layer.residual_values_count if generation.dropout else 0.0
    inputs = 0.0 if share.adapters else 0.5 if is_reduced(share.precision) else 1.0
    kept = (layer.kept_residual_bytes + inputs * layer.input_residual_bytes + masks) * share.residual
    lean = generation.lean and is_reduced(share.precision)
    kept += (layer.kept_inner_bytes - 0.5 * lean * layer.activated_bytes + inputs * layer.input_inner_bytes) * share.inner
    if scores and "unfused" in generation.attention.values():
        kept += layer.scores_bytes * share.inner
    return kept
