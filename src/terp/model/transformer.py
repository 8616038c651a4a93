"""A dense transformer on one GPU: a training step, a prefill, a decoding step, as sums of their kernels.

Nothing is fitted to whole steps but one rate of decoding: products, attention and memory-bound work are those of
`kernels`, and what lies between them is counted in passes over the activations, which is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.catalogue import Accelerator
from terp.model.kernels import STREAM_SHARE, attention_s, gemm_s, software_named

PASSES: Final = {True: (8, 3), False: (20, 5)}
"""Passes over activations of hidden and of inner size in a layer forward, compiled or not: assumed, 6 to 10 and 2 to 4,
16 to 24 and 4 to 6; backward takes twice as many.  A gated layer has one more of inner size."""
LOGIT_PASSES: Final = {True: 6, False: 8}
"""Passes over the logits in 32 bits, forward and backward, compiled or not: assumed, 4 to 8 and 6 to 10."""
OPTIMIZER_BYTES: Final = 28 / STREAM_SHARE["adamw_fp32"] + 16
"""Bytes a parameter: AdamW in FP32 (terp-h100), then its cast to 16 bits and back and the gradient's."""
KERNELS_A_LAYER: Final = 14
"""Launches of a layer forward, not compiled: counted in the models that were timed."""
SMALL_KERNELS: Final = 9
"""Of these, small ones in decoding."""
KV_SHARE: Final = 0.7
BLOCK_BYTES_PER_S: Final = 50e9
"""Share of the memory rate at which the cache of keys and values is read, and the rate of one block of it, a sequence and
head: read off one decoding step of 32 sequences and three of one (terp-h100)."""


@dataclass(frozen=True)
class Transformer:
    """The shape of a dense transformer.  `heads_count` of them share `kv_heads_count` keys and values."""

    layers_count: int
    hidden_count: int
    heads_count: int
    kv_heads_count: int
    inner_count: int
    vocabulary_count: int
    gated: bool
    causal: bool = True

    @property
    def head_count(self) -> int:
        """Size of a head."""
        return self.hidden_count // self.heads_count

    @property
    def layer_parameters_count(self) -> int:
        """Weights of the products of a layer."""
        return sum(n * k for n, k in self.products())

    @property
    def parameters_count(self) -> int:
        """Weights of all products, and of embeddings that are not tied to the logits."""
        return self.layers_count * self.layer_parameters_count + 2 * self.vocabulary_count * self.hidden_count

    def products(self) -> tuple[tuple[int, int], ...]:
        """N and k of the products of a layer, whose m is the tokens: queries with keys and values, output, in, out."""
        h, f = self.hidden_count, self.inner_count
        wide = (self.heads_count + 2 * self.kv_heads_count) * self.head_count
        return ((wide, h), (h, h), (f * (2 if self.gated else 1), h), (h, f))


@dataclass(frozen=True)
class StepTime:
    """Where a training step's time goes [s]; recomputed layers are in `recompute_s`."""

    products_s: float
    attention_s: float
    elementwise_s: float
    recompute_s: float
    logits_s: float
    optimizer_s: float

    @property
    def step_s(self) -> float:
        """The whole step [s]."""
        parts = (self.products_s, self.attention_s, self.elementwise_s)
        return sum(parts) + self.recompute_s + self.logits_s + self.optimizer_s


def _elementwise_s(chip: Accelerator, shape: Transformer, tokens: int, *, compiled: bool) -> float:
    """Memory-bound work of a layer forward [s]."""
    hidden, inner = PASSES[compiled]
    values = hidden * shape.hidden_count + (inner + shape.gated) * shape.inner_count
    return 2 * tokens * values / (STREAM_SHARE["gelu"] * chip.memory_rate_bytes_per_s)


def train_step_s(
    chip: Accelerator, shape: Transformer, batch: int, tokens: int, *, recompute: bool = False, compiled: bool = True,
    kernel: str = "cudnn", software: str = "torch-steps",
) -> StepTime:  # fmt: skip
    """A step of `batch` sequences of `tokens` in BF16 with master weights and AdamW in FP32, all on one GPU.

    Each product runs forward and twice backward, (m, k, n) and (n, k, m).  Within 20 % of eight steps of GPT, Llama, BERT,
    protein and log models of 70 million to 1.4 billion weights on one H100 (validation).
    """
    m, layers = batch * tokens, shape.layers_count

    def product(rows: int, columns: int, depth: int) -> float:
        return float(gemm_s(chip, rows, columns, depth, software=software))

    forward = sum(product(m, n, k) for n, k in shape.products())
    backward = sum(product(m, k, n) + product(n, k, m) for n, k in shape.products())
    attention = [
        float(
            attention_s(
                chip, batch, shape.heads_count, tokens, shape.head_count,
                kv_heads=shape.kv_heads_count, causal=shape.causal, backward=back, kernel=kernel, software=software,
            )
        )
        for back in (False, True)
    ]  # fmt: skip
    between = _elementwise_s(chip, shape, m, compiled=compiled)
    v, h = shape.vocabulary_count, shape.hidden_count
    logit_bytes = m * v * (2 + 4 * LOGIT_PASSES[compiled])
    return StepTime(
        products_s=layers * (forward + backward),
        attention_s=layers * sum(attention),
        elementwise_s=layers * 3 * between,
        recompute_s=layers * (forward + attention[0] + between) if recompute else 0.0,
        logits_s=product(m, v, h)
        + product(m, h, v)
        + product(v, h, m)
        + logit_bytes / (STREAM_SHARE["gelu"] * chip.memory_rate_bytes_per_s),
        optimizer_s=shape.parameters_count * OPTIMIZER_BYTES / chip.memory_rate_bytes_per_s,
    )


def prefill_s(chip: Accelerator, shape: Transformer, batch: int, tokens: int, *, kernel: str = "cudnn") -> float:
    """Reading `batch` prompts of `tokens` in PyTorch, not compiled, up to the first token's logits [s].

    The host's launches bind short prompts.
    """
    m = batch * tokens
    layer = sum(float(gemm_s(chip, m, n, k, software="torch-steps")) for n, k in shape.products())
    layer += float(
        attention_s(
            chip, batch, shape.heads_count, tokens, shape.head_count,
            kv_heads=shape.kv_heads_count, causal=shape.causal, kernel=kernel, software="torch-steps",
        )
    )  # fmt: skip
    layer += _elementwise_s(chip, shape, m, compiled=False)
    host = KERNELS_A_LAYER * software_named("torch-eager").host_s
    last = float(gemm_s(chip, batch, shape.vocabulary_count, shape.hidden_count, software="torch-steps"))
    return shape.layers_count * max(layer, host) + last


def decode_s(chip: Accelerator, shape: Transformer, batch: int, context: int) -> float:
    """One token more for each of `batch` sequences of `context` tokens, launches recorded [s].

    Weights and the cache of keys and values are read once; the cache no faster than its blocks.
    """
    launch_s = software_named("torch-steps").launch_s
    layer = sum(float(gemm_s(chip, batch, n, k, software="torch-steps")) for n, k in shape.products())
    cache = 4 * batch * shape.kv_heads_count * context * shape.head_count
    rate = min(KV_SHARE * chip.memory_rate_bytes_per_s, batch * shape.kv_heads_count * BLOCK_BYTES_PER_S)
    layer += cache / rate + SMALL_KERNELS * launch_s
    last = float(gemm_s(chip, batch, shape.vocabulary_count, shape.hidden_count, software="torch-steps"))
    return shape.layers_count * layer + last
