"""How long one GPU takes for a micro-batch: products, attention and all that only moves bytes, forward and backward.

A micro-batch is taken through all layers of the network on one GPU; pipeline stages are shares of it (`stage`, `step`), and
exchanges with other GPUs are added there.  Times are those of kernels one after the other on one stream.
"""

from __future__ import annotations

from dataclasses import dataclass

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.clocks import Load, power_w, sustained_clock
from terp.physics.gpu.convolution_rates import NORM_PASSES, plane_norm_s
from terp.physics.gpu.kernels import attention_s
from terp.physics.gpu.precisions import peak_flop_per_s, precision_named
from terp.physics.neural.convolutions import ConvolutionBytes
from terp.physics.neural.work import AttentionWork, Layer, Work
from terp.physics.training.products import (
    BACKWARD,
    FORWARD,
    HEAD,
    LayerConstants,
    Share,
    adapters_beside,
    has_adapter,
    is_cast,
    products_of,
    sizes_of,
)
from terp.physics.training.software import Generation


@dataclass(frozen=True)
class PartTime:
    """Time of some work by kind [s]."""

    products_s: float
    attention_s: float
    moving_s: float

    @property
    def gpu_s(self) -> float:
        """All of it [s]."""
        return self.products_s + self.attention_s + self.moving_s


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch through all layers on one GPU, and through the head forward and backward.

    host_s      time that the host needs to launch a forward of all layers
    clock_ratio  over that of the peak; power_w  mean power while it computes [W]

    forward, backward   through all layers [s];  head   the last product or layer, forward and backward together [s]
    """

    forward: PartTime
    backward: PartTime
    head: PartTime
    host_s: float
    clock_ratio: float
    power_w: float


def micro_batch(chip: Accelerator, work: Work, share: Share, generation: Generation) -> MicroBatch:
    """Times of a micro-batch under the clock that the board's cap leaves for this mix of work.

    T = sum of products, of which what is bound by arithmetic goes as 1 / x,  + attention + bytes between them / W + waits

    x   clock over that of the peak

    chip         the GPU;  work   of one sample of the network
    share        samples of the micro-batch, and over how many GPUs each layer is divided
    generation   of the training software: what it loses between kernels

    The clock is one for the whole micro-batch, since a cap limits the mean power over many kernels.  Raises UnknownName for
    a precision in which the chip has no GEMM.
    """
    products = products_of(chip, work, share, generation)
    rate = constants(LayerConstants).memory_rate_fraction * chip.memory_rate_bytes_per_s
    phases = (FORWARD, BACKWARD, HEAD)
    attention = [_all_attention_s(chip, work, share, generation, phase) for phase in phases]
    moving = [moving_bytes(work, share, generation, phase) for phase in phases]
    waits = [_waits_s(chip, work, share, generation, phase) for phase in phases]
    attended = sum(layer.count * part.flop for layer in work.layers for part in layer.attention) * share.inner
    load = Load(
        clocked_s=float(products.clocked_s.sum()),
        other_s=float(products.other_s.sum()) + sum(attention) + sum(moving) / rate + sum(waits),
        flop=products.energy_flop + 3.5 * constants(LayerConstants).attention_energy_ratio * attended,
        moved_bytes=products.moved_bytes + sum(moving),
        fetched_bytes=products.fetched_bytes,
    )
    clock = sustained_clock(chip, load)
    each = products.clocked_s / clock + products.other_s
    parts = [
        PartTime(float(each[products.phase == phase].sum()), attention[phase], moving[phase] / rate + waits[phase])
        for phase in phases
    ]
    host_s = sum(layer.count * _host_s(layer, generation) for layer in work.layers)
    return MicroBatch(
        parts[FORWARD], parts[BACKWARD], parts[HEAD], host_s=host_s, clock_ratio=clock, power_w=power_w(chip, load, clock)
    )


def _host_s(layer: Layer, generation: Generation) -> float:
    """What the host needs to launch a layer forward [s]; with experts at least the time to sort tokens to them."""
    least_s = generation.experts_s if any(product.split == "experts" for product in layer.products) else 0.0
    return max(layer.launches_count * generation.host_s, least_s)


def _waits_s(chip: Accelerator, work: Work, share: Share, generation: Generation, phase: int) -> float:
    """What kernels take beyond arithmetic and bytes: gaps between launches, and norms that wait for their planes [s].

    A norm over planes is charged what it takes beyond the bytes that `moving_bytes` counts of it already.
    """
    if phase == HEAD:
        return 3 * work.head.launches_count * generation.gap_s
    times = 1 + phase
    rate = constants(LayerConstants).memory_rate_fraction * chip.memory_rate_bytes_per_s
    total = 0.0
    for layer in work.layers:
        total += layer.count * layer.launches_count * generation.gap_s * times
        for norm in layer.norms:
            planes = norm.channels_count * share.samples_count
            counted_s = constants(ConvolutionBytes).norm_bytes * times * planes * norm.points_count / rate
            passes_s = NORM_PASSES[phase] * float(plane_norm_s(chip, planes, norm.points_count))
            total += layer.count * max(passes_s - counted_s, 0.0)
    return total


def _all_attention_s(chip: Accelerator, work: Work, share: Share, generation: Generation, phase: int) -> float:
    """Attention of all layers in a phase [s]."""
    if phase == HEAD:
        return 0.0
    return sum(
        layer.count * _attention_s(chip, part, share, generation, backward=phase == BACKWARD)
        for layer in work.layers
        for part in layer.attention
    )


def _attention_s(chip: Accelerator, part: AttentionWork, share: Share, generation: Generation, *, backward: bool) -> float:
    """One attention of a layer on one GPU [s]; over context parallelism, in chunks whose results are merged.

    Full attention over tokens by tokens is timed, and scaled to the pairs that are seen and to the size of values.
    """
    of, heads, c = constants(LayerConstants), part.heads_count / share.tensor_count, share.context_count
    rate = of.memory_rate_fraction * chip.memory_rate_bytes_per_s
    kernel = of.sinks_kernel if part.sinks else attention_kernel(chip, generation)
    if share.context_kind == "heads":  # whole sequences of fewer heads, as without context parallelism
        heads, c = heads / c, 1
    if kernel == "unfused":
        scores = share.samples_count * part.groups_count * heads * part.tokens_count * part.context_count / c
        flop = 4 * scores * part.head_size * (2 if backward else 1)
        return scores * of.unfused_bytes[backward] / rate + flop / (of.unfused_rate_fraction * peak_flop_per_s(chip, "fp16"))
    tokens, groups, causal, seen = _squares(part)
    square_s = attention_s(
        chip, share.samples_count * groups * c * c, heads, tokens / c, part.head_size,
        kv_heads=max(part.kv_heads_count / share.tensor_count, 1.0), causal=causal, backward=backward, kernel=kernel,
        software="torch-steps",
    )  # fmt: skip
    sizes = (part.head_size + part.value_size) / (2 * part.head_size)
    results = share.samples_count * part.groups_count * part.tokens_count / c * heads * part.value_size
    slower = of.scan_ratio if part.scan else 1.0
    return float(square_s) * seen * sizes * slower / c + (c - 1) / c * of.merge_bytes * results / rate


def _squares(part: AttentionWork) -> tuple[float, float, bool, float]:
    """Attention as squares of queries and keys that a kernel was timed on: their side, how many, whether causal, and what
    is done of one over all of it.

    A window is a band: squares of twice its width, of which each block of queries sees the window and a block more.
    """
    wide = 2 * part.window_size
    if not 0 < wide < part.tokens_count:
        whole = part.tokens_count**2 * part.groups_count * (0.5 if part.causal else 1.0)
        return part.tokens_count, part.groups_count, part.causal, part.pairs / whole
    block = constants(LayerConstants).window_block_count
    return wide, part.groups_count * part.tokens_count / wide, False, min((part.window_size + block) / wide, 1.0)


def attention_kernel(chip: Accelerator, generation: Generation) -> str:
    """The attention kernel of a software on a chip: its own, the architecture's, or that of the architecture's fallback."""
    known = architecture_of(chip)
    kernels = generation.attention
    return kernels.get(chip.architecture) or known.attention_kernel or kernels.get(known.attention_of, "flash2")


def moving_bytes(work: Work, share: Share, generation: Generation, phase: int) -> float:
    """Bytes that the work between products moves in a phase, casts to lower precision included [B].

    phase   FORWARD, BACKWARD or HEAD; the backward moves twice what the forward does

    Values that tensor parallelism divides count by `share.inner`, those at the ends of layers by `share.residual`.
    """
    samples = share.samples_count / share.context_count
    if phase == HEAD:
        head = work.head
        values = 6 * generation.residual_passes_count * head.residual_values_count * share.residual
        return values + generation.logit_bytes * head.inner_values_count * share.inner + 3 * head.moved_bytes * samples
    total = 0.0
    for layer in work.layers:
        values = generation.residual_passes_count * layer.residual_values_count * share.residual
        values += generation.inner_passes_count * layer.inner_values_count * share.inner
        moved = (
            2.0 * values
            + layer.moved_bytes * samples
            + (_adapter_bytes(layer, share, generation) if share.adapters else 0.0)
        )
        total += layer.count * (moved + generation.casts_ratio * _cast_bytes(layer, share))
    return total * (1 + phase)


def _adapter_bytes(layer: Layer, share: Share, generation: Generation) -> float:
    """Bytes that adapters move forward beside their products: inputs dropped out, results added to the layer's [B]."""
    added, dropped = constants(LayerConstants).adapter_moved_bytes
    dropped = 0.0 if generation.adapters_fused else dropped
    products = [product for product in layer.products if has_adapter(product, generation)]
    sizes = [(*sizes_of(product, share), adapters_beside(product, generation)) for product in products]
    return sum((added * m * n + dropped * parts * m * k) * times for m, n, k, times, parts in sizes)


def _cast_bytes(layer: Layer, share: Share) -> float:
    """Bytes that casts of a layer's inputs move forward; its gradients' are twice as many with what is kept [B]."""
    each = precision_named(share.precision).cast_bytes
    if not each:
        return 0.0
    sizes = [sizes_of(product, share) for product in layer.products if is_cast(product)]
    return 0.5 * each * sum(m * k * times for m, _, k, times in sizes)
