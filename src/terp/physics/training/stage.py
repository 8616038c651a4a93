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
from terp.physics.training.layers import micro_batch
from terp.physics.training.products import Share, expert_division
from terp.physics.training.software import Generation


@dataclass(frozen=True)
class Recompute:
    """What is not kept for the backward but worked out again: a share of the layers whole, or attention alone in all.

    A fraction between 0 and 1 recomputes that share of the layers, as many as fit the memory need.
    """

    layers_fraction: float = 0.0
    attention: bool = False


RECOMPUTE: Final = {"none": Recompute(), "selective": Recompute(attention=True), "full": Recompute(1.0)}
"""By the names that Megatron gave them."""


@dataclass(frozen=True)
class StageConstants:
    """Of a stage: the share of the backward's second gather, for the weights' gradients, that does not hide behind a GEMM;
    and parameters of adapters over those of the model.
    """

    PLACE: ClassVar[str] = "training.stage"
    gathered_again_fraction: float
    adapters_fraction: float


@dataclass(frozen=True)
class LayerColumn:
    """Times of all layers together [s], of a micro-batch; what is divided over tensor, context and expert groups is.

    forward_s, backward_s  with what is exchanged and does not hide; never less than the host needs to launch them
    again_s       what recomputation adds
    head_s        the head, forward and backward
    tensor_s, context_s, expert_s  exposed exchanges, part of the times above; products_s, attention_s, moving_s likewise
    dense_parameters, expert_parameters, head_parameters  that a GPU would hold of all layers, and of the embedding or head
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
    trained_fraction: float
    pipe_bytes: float
    clock_ratio: float
    power_w: float

    @property
    def layers_s(self) -> float:
        """A micro-batch through all layers, forward, recomputed and backward [s]."""
        return self.forward_s + self.backward_s + self.again_s


def column(
    chip: Accelerator, net: Interconnect, work: Work, share: Share, recompute: Recompute, generation: Generation
) -> LayerColumn:
    """The column of a split.  A micro-batch's layers cost what `micro_batch` says and what their groups exchange.

    chip         the GPU;  net   what its collectives see;  work   of one sample
    share        one GPU's part of a micro-batch;  recompute   what runs forward twice
    generation   the software, with the share of each exchange that hides behind work

    Exchanges inside a domain go over links, others over ports (`collectives`).  The forward is never shorter than the host
    needs to launch it.
    """
    micro = micro_batch(chip, work, share, generation)
    tensor = _tensor_s(net, work, share, generation)
    expert_s = _expert_s(net, work, share, generation)
    context_s = _context_s(net, work, share, generation)
    again = generation.again_fraction * recompute.layers_fraction
    forward_s = max(micro.forward.gpu_s + tensor[0] + expert_s + context_s, micro.host_s)
    backward_s = max(micro.backward.gpu_s + tensor[1] + expert_s + 2 * context_s, 2 * micro.host_s)
    again_s = again * forward_s + (micro.forward.attention_s if recompute.attention else 0.0)
    dense, experts = _parameters(work, share)
    head = max(work.head.parameters_count, work.embedding_parameters_count) / share.tensor_count
    return LayerColumn(
        forward_s=forward_s,
        backward_s=backward_s,
        again_s=again_s,
        head_s=micro.head.gpu_s,
        tensor_s=tensor[0] * (1 + again) + tensor[1],
        context_s=context_s * (3 + again),
        expert_s=expert_s * (2 + again),
        products_s=micro.forward.products_s * (1 + again) + micro.backward.products_s,
        attention_s=micro.forward.attention_s * (1 + again + recompute.attention) + micro.backward.attention_s,
        moving_s=micro.forward.moving_s * (1 + again) + micro.backward.moving_s,
        dense_parameters_count=dense,
        expert_parameters_count=experts,
        expert_division_count=_expert_division(work, share),
        head_parameters_count=head,
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
    exchanges = sum(layer.count * layer.exchanges_count for layer in work.layers) * (1 - generation.tensor_overlap_fraction)
    size = work.residual_bytes * share.samples_count / share.context_count
    if not share.sequence_parallel:
        once = exchanges * float(collective_s(net, "all_reduce", size, t, inside))
        return once, once
    gather = float(collective_s(net, "all_gather", size, t, inside))
    once = exchanges * (gather + float(collective_s(net, "reduce_scatter", size, t, inside)))
    return once, once + exchanges * constants(StageConstants).gathered_again_fraction * gather


def _expert_s(net: Interconnect, work: Work, share: Share, generation: Generation) -> float:
    """Exposed exchanges of tokens with their experts and back, forward of all layers [s].

    A token that goes to k experts over d domains is sent to d (1 - (1 - 1/d)^k) of them, once each, where software sees to
    it.
    """
    e = share.expert_count
    if e == 1:
        return 0.0
    inside = max(min(e, net.domain_gpus_count // share.tensor_count), 1)
    domains = e / inside
    total = 0.0
    for layer in work.layers:
        routed = [product for product in layer.products if product.split == "experts" and not product.second]
        for product in routed:
            copies = product.rows_count / work.tokens_count if work.tokens_count else 1.0
            sent = domains * (1 - (1 - 1 / domains) ** copies) / copies if generation.sends_once and domains > 1 else 1.0
            size = 2.0 * product.rows_count * product.depth_count * share.inner * min(sent, 1.0)
            total += 2 * layer.count * float(collective_s(net, "all_to_all", size, e, inside))
    return total * (1 - generation.expert_overlap_fraction)


def _context_s(net: Interconnect, work: Work, share: Share, generation: Generation) -> float:
    """Exposed exchanges of keys and values round a ring, forward of all layers [s]."""
    c, t = share.context_count, share.tensor_count
    if c == 1:
        return 0.0
    inside = max(min(c, net.domain_gpus_count // t), 1)
    total = 0.0
    for layer in work.layers:
        for part in layer.attention:
            size = (
                2.0 * part.kv_heads_count / t * (part.head_size + part.value_size) * part.tokens_count * share.samples_count
            )
            total += layer.count * float(collective_s(net, "all_gather", size, c, inside))
    return total * (1 - generation.context_overlap_fraction)


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
    whole = sum(layer.count * layer_bytes(layer, share, generation, scores=not recompute.attention) for layer in work.layers)
    return (1 - recompute.layers_fraction) * whole + recompute.layers_fraction * inputs


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
