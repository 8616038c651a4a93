"""A transformer that answers, on one GPU: a prefill and a decoding step, as sums of their kernels.

Nothing is fitted to whole steps but two constants of decoding.  Training is in `training`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.describe import TransformerModel
from terp.physics.gpu.kernels import KernelConstants, attention_s, gemm_s, software_named
from terp.physics.neural.transformer import transformer_work
from terp.physics.neural.work import Layer
from terp.physics.training.products import Share, sizes_of


@dataclass(frozen=True)
class InferenceConstants:
    """Of a transformer that answers, in PyTorch.

    hidden_passes_count, inner_passes_count   over activations of hidden and of inner size in a layer, not compiled
    small_kernels_count    of a layer's kernels in decoding
    kv_rate_fraction       of the memory rate, at which the cache of keys and values is read
    block_rate_bytes_per_s  of one block of it, a sequence and head
    """

    PLACE: ClassVar[str] = "inference"
    hidden_passes_count: int
    inner_passes_count: int
    small_kernels_count: int
    kv_rate_fraction: float
    block_rate_bytes_per_s: float


def _products_s(chip: Accelerator, layer: Layer, share: Share) -> float:
    """The products of one such layer [s]."""
    total = 0.0
    for product in layer.products:
        m, n, k, times = sizes_of(product, share)
        total += times * float(gemm_s(chip, m, n, k, software="torch-steps"))
    return total


def _last_s(chip: Accelerator, model: TransformerModel, batch: int) -> float:
    """The logits of a token of each sequence [s]."""
    return float(gemm_s(chip, batch, model.vocabulary_size, model.hidden_size, software="torch-steps"))


def prefill_s(chip: Accelerator, model: TransformerModel, batch: int, tokens: int, *, kernel: str = "cudnn") -> float:
    """Reading `batch` prompts of `tokens` in PyTorch, not compiled, up to the first token's logits [s].

    The host's launches bind short prompts.  Dense layers with full attention were timed.

    batch    prompts at once;  tokens   of each
    kernel   of attention, one that `kernels.software_named("torch-steps")` has
    """
    c = constants(InferenceConstants)
    hidden, inner = c.hidden_passes_count, c.inner_passes_count
    values = batch * tokens * (hidden * model.hidden_size + (inner + model.gated) * model.inner_size)
    between_s = 2 * values / (constants(KernelConstants).stream.memory_fraction["gelu"] * chip.memory_rate_bytes_per_s)
    host_s, total = software_named("torch-eager").host_s, _last_s(chip, model, batch)
    for layer in transformer_work(model, tokens).layers:
        layer_s = _products_s(chip, layer, Share(batch)) + between_s
        for part in layer.attention:
            layer_s += float(
                attention_s(
                    chip, batch, part.heads_count, part.tokens_count, part.head_size,
                    kv_heads=part.kv_heads_count, causal=part.causal, kernel=kernel, software="torch-steps",
                )
            )  # fmt: skip
        total += layer.count * max(layer_s, layer.launches_count * host_s)
    return total


def decode_s(chip: Accelerator, model: TransformerModel, batch: int, context: int) -> float:
    """One token more for each of `batch` sequences of `context` tokens, launches recorded [s].

    Weights and the cache of keys and values are read once; the cache no faster than its blocks.

    batch     sequences at once;  context   tokens that each has so far
    """
    cache_bytes = 4 * batch * model.kv_count * context * model.head_size
    c = constants(InferenceConstants)
    rate = min(c.kv_rate_fraction * chip.memory_rate_bytes_per_s, batch * model.kv_count * c.block_rate_bytes_per_s)
    beside_s = cache_bytes / rate + c.small_kernels_count * software_named("torch-steps").launch_s
    layers = transformer_work(model, 1).layers
    each_s = sum(layer.count * (_products_s(chip, layer, Share(batch)) + beside_s) for layer in layers)
    return each_s + _last_s(chip, model, batch)
