"""What a network's training is made of: layers, each its matrix products, its attention, its bytes and its parameters.

All numbers are of one sample (a sequence, an image, a patient's volume), forward; a backward does each product twice.

A family of networks makes a `Work` once for a model and a length of sample; parallelism, precision and kernels come later.
Counts may be fractions where a mean is meant, such as the rows that a router gives to an expert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["columns", "depth", "experts", "none"]


@dataclass(frozen=True)
class Product:
    """rows x depth times depth x columns, the right factor parameters.

    split     how tensor parallelism divides it: by its columns, by its depth, or not; experts are divided by expert
              parallelism, and large ones then like the columns (first of two) or the depth (second)
    count     of these in the layer; of experts, how many there are: `rows` is then of all of them together
    taps      points of a convolution's kernel, which `depth` counts; 1 for a plain product
    leaf      its rows are the sample's own data, to which no gradient flows
    precision  of its own, such as fp32, where it does not follow the network's; empty if it does
    parts     products of one input that are done as one, such as queries, keys and values: each has adapters of its own
    inner     beside attention in its layer; some recipes put adapters on attention alone
    """

    rows_count: float
    columns_count: int
    depth_count: int
    split: Split = "none"
    count: int = 1
    taps_count: int = 1
    leaf: bool = False
    precision: str = ""
    second: bool = False
    large: bool = False
    parts_count: int = 1
    inner: bool = False

    @property
    def flop(self) -> float:
        """Work forward [flop]."""
        times = 1 if self.split == "experts" else self.count
        return 2.0 * self.rows_count * self.columns_count * self.depth_count * times

    @property
    def parameters_count(self) -> int:
        """Weights."""
        return self.columns_count * self.depth_count * self.count


@dataclass(frozen=True)
class AttentionWork:
    """Attention of `tokens` queries over `context` keys in each head; `groups` of these run apart from each other in a
    sample, as windows or rows of an alignment do.

    head_size, value_size   sizes of a head's queries and of its values
    window                    tokens that a query sees, if less than all before it; 0 for all
    sinks                     heads have sinks, which few kernels take
    scan                      it stands for a part of a state-space scan, whose kernels are slower than those of attention
    """

    tokens_count: int
    context_count: int
    heads_count: int
    kv_heads_count: int
    head_size: int
    value_size: int
    causal: bool
    groups_count: int = 1
    window_size: int = 0
    scan: bool = False
    sinks: bool = False

    @property
    def pairs(self) -> float:
        """Queries times the keys each sees, on average."""
        window = min(self.window_size or self.context_count, self.context_count)
        seen = window - window**2 / (2 * self.context_count) if self.causal else float(window)
        return self.tokens_count * seen * self.groups_count

    @property
    def flop(self) -> float:
        """Work forward, only of what is not masked [flop]."""
        return 2.0 * self.heads_count * (self.head_size + self.value_size) * self.pairs


@dataclass(frozen=True)
class PlaneNorm:
    """A norm over planes of points, each of one channel of one sample; its bytes are in the layer's `moved_bytes`.

    points_count   of one plane: an image's or a volume's size at this depth of the network
    """

    channels_count: int
    points_count: float


@dataclass(frozen=True)
class Layer:
    """A layer, `count` times in the network.

    residual_values   values at the ends of the layer, such as tokens times hidden: norms, sums, dropout pass over them,
                      and every tensor-parallel GPU has all of them, but for sequence parallelism
    inner_values      values between its products, which tensor parallelism divides
    moved_bytes       bytes that its other work moves, however it is compiled (convolutions' norms, transforms, scatters)
    kept_residual_bytes, kept_inner_bytes  what the backward of its other work needs of both kinds of values
    input_residual_bytes, input_inner_bytes  inputs of products, which only the gradients of weights need
    activated_bytes   of what is kept, what an activation function takes
    scores_bytes      attention scores that are kept too where attention is not fused
    other_parameters_count  parameters that are in no product: norms, biases
    launches          kernels forward, not compiled
    exchanges         times that tensor parallelism sums the residual values forward
    """

    name: str
    count: int
    products: tuple[Product, ...]
    attention: tuple[AttentionWork, ...] = ()
    norms: tuple[PlaneNorm, ...] = ()
    residual_values_count: float = 0.0
    inner_values_count: float = 0.0
    moved_bytes: float = 0.0
    kept_residual_bytes: float = 0.0
    kept_inner_bytes: float = 0.0
    input_residual_bytes: float = 0.0
    input_inner_bytes: float = 0.0
    activated_bytes: float = 0.0
    scores_bytes: float = 0.0
    other_parameters_count: int = 0
    launches_count: int = 14
    exchanges_count: int = 0

    @property
    def parameters_count(self) -> int:
        """Parameters of one such layer."""
        return sum(product.parameters_count for product in self.products) + self.other_parameters_count

    @property
    def flop(self) -> float:
        """Model flops forward of one such layer [flop]."""
        return sum(product.flop for product in self.products) + sum(part.flop for part in self.attention)


@dataclass(frozen=True)
class Work:
    """The work of one sample of a network.

    layers            what pipeline stages are cut from, in order
    head              the last product or layer, such as the logits; on the last stage
    embedding_parameters_count  on the first stage
    tied              embedding and the last product of the head share their parameters
    tokens            tokens of a sample; 0 where samples are not counted in tokens
    residual_bytes    what passes between pipeline stages in 16 bits
    input_bytes       what is read for a sample
    """

    layers: tuple[Layer, ...]
    head: Layer
    embedding_parameters_count: int
    tokens_count: int
    residual_bytes: float
    input_bytes: float
    tied: bool = False

    @property
    def layers_count(self) -> int:
        """Layers that pipeline stages are cut from."""
        return sum(layer.count for layer in self.layers)

    @property
    def parameters_count(self) -> int:
        """All parameters."""
        shared = self.head.products[-1].parameters_count if self.tied and self.head.products else 0
        ends = self.head.parameters_count - shared + self.embedding_parameters_count
        return sum(layer.count * layer.parameters_count for layer in self.layers) + ends

    def adapter_parameters_count(self, rank_count: int) -> int:
        """Parameters of adapters of a rank on every product of the layers, routers and experts aside.  r (n + p k)

        n columns, k depth, p parts that share an input (Hu 2022: a product of k x r and one of r x n beside each)

        rank_count   r, the inner size of an adapter
        """
        return sum(
            layer.count * product.count * rank_count * (product.columns_count + product.parts_count * product.depth_count)
            for layer in self.layers
            for product in layer.products
            if product.split in ("columns", "depth")
        )

    @property
    def flop(self) -> float:
        """Model flops of a training step on one sample, forward and backward, nothing recomputed [flop]."""
        return 3 * (sum(layer.count * layer.flop for layer in self.layers) + self.head.flop)
