"""What a model file says: the shape of a network, from which its work, its parameters and its memory follow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from terp.notes import Caveat
from terp.reader import Name, Record


class ModelFile(Record):
    """What every model file has.  `published_parameters_count` is what its makers say, to hold ours against."""

    kind: Literal["model"]
    name: Name
    title: str
    published_parameters_count: int | None = Field(default=None, ge=1, le=10**14)
    note: str = ""

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What its description leaves out or had to assume; every prediction with it says so."""
        return ()


class Experts(Record):
    """A mixture of experts in place of the layers' inner products.

    active_count       experts that a token goes to
    inner_size        inner size of one
    shared_inner_size inner size of what every token passes beside them; 0 for none
    dense_layers_count first layers that have none, and keep the model's `inner`
    every_count        one layer in so many has experts
    latent_size        width at which experts work, behind a product down and before one up; 0 for the model's own
    """

    count: int = Field(ge=2, le=4096)
    active_count: int = Field(ge=1, le=256)
    inner_size: int = Field(ge=1, le=10**6)
    shared_inner_size: int = Field(default=0, ge=0, le=10**6)
    dense_layers_count: int = Field(default=0, ge=0, le=1000)
    every_count: int = Field(default=1, ge=1, le=100)
    latent_size: int = Field(default=0, ge=0, le=10**6)


class Latent(Record):
    """Multi-head latent attention: queries and keys with values through projections of low rank.

    query_size, keys_size   ranks; a query rank of 0 is a full projection
    plain_size, rotary_size, values_size   sizes of a head: without and with position, and of its values
    """

    query_size: int = Field(default=0, ge=0, le=10**6)
    keys_size: int = Field(ge=1, le=10**6)
    plain_size: int = Field(ge=1, le=4096)
    rotary_size: int = Field(ge=1, le=4096)
    values_size: int = Field(ge=1, le=4096)


class Window(Record):
    """Layers whose tokens see only so many before them."""

    tokens_count: int = Field(ge=1, le=10**8)
    layers_count: int = Field(ge=1, le=1000)


class StateSpace(Record):
    """State-space layers (Mamba-2) among the others, which are then attention alone or inner products alone.

    layers_count   of these; `attention_layers_count` and `inner_layers_count` are the others
    state_size    size of the state of a channel; heads of one group share its projections
    paired         each of these layers and of attention's has inner products or experts behind it, and none stand alone
    delta          its states follow the gated delta rule, which is predicted as Mamba-2's scan
    """

    layers_count: int = Field(ge=1, le=1000)
    attention_layers_count: int = Field(ge=0, le=1000)
    inner_layers_count: int = Field(ge=0, le=1000)
    heads_count: int = Field(ge=1, le=10**5)
    head_size: int = Field(alias="head_size", ge=1, le=4096)
    state_size: int = Field(ge=1, le=10**5)
    groups_count: int = Field(default=1, ge=1, le=10**4)
    window_size: int = Field(default=4, ge=1, le=64)
    paired: bool = False
    delta: bool = False


class Patches(Record):
    """Tokens cut from images or fields; `outputs_count` numbers come out of a patch, or `classes_count` of a whole."""

    height_size: int = Field(ge=1, le=10**5)
    width_size: int = Field(ge=1, le=10**5)
    size: int = Field(ge=1, le=1024)
    channels_count: int = Field(ge=1, le=10**4)
    outputs_count: int = Field(default=0, ge=0, le=10**7)
    classes_count: int = Field(default=0, ge=0, le=10**7)

    @property
    def tokens_count(self) -> int:
        """Tokens of one image."""
        return (self.height_size // self.size) * (self.width_size // self.size)


class TransformerModel(ModelFile):
    """A transformer: of language, of proteins, of images and fields; dense or of experts; with state-space layers.

    kv_heads_count   heads of keys and values; as many as heads if absent
    stated_head_size   hidden over heads if absent
    inner_size      of the dense layers; 0 where all have experts
    vocabulary_size 0 for a model of patches
    positions_count  learned positions; 0 for none
    ahead_count      further layers that predict later tokens (multi-token prediction), each with its own logits
    embedding_size   width of the embedding and of the logits' input; hidden if absent
    attention_gate   queries are twice as wide, half of them a gate on what comes out of attention
    sinks            each head has a number that attention may fall on, which fused kernels of the makers did not take
    small_parameters_count  parameters in no product, of all layers and both ends: norms, biases, poolers, segment words;
                     a norm a half layer and one at the end if absent
    left_out         parts of the model that are not predicted, such as an encoder of images, as its config names them
    by_default       keys that a config did not state, with what its family has there
    """

    family: Literal["transformer"]
    layers_count: int = Field(ge=1, le=1000)
    hidden_size: int = Field(ge=1, le=10**6)
    heads_count: int = Field(ge=1, le=10**5)
    kv_heads_count: int | None = Field(default=None, ge=1, le=10**5)
    stated_head_size: int | None = Field(alias="head_size", default=None, ge=1, le=4096)
    inner_size: int = Field(default=0, ge=0, le=10**7)
    vocabulary_size: int = Field(default=0, ge=0, le=10**8)
    positions_count: int = Field(default=0, ge=0, le=10**8)
    ahead_count: int = Field(default=0, ge=0, le=16)
    embedding_size: int | None = Field(default=None, ge=1, le=10**6)
    small_parameters_count: int | None = Field(default=None, ge=0, le=10**12)
    gated: bool = False
    causal: bool = True
    tied: bool = False
    attention_gate: bool = False
    sinks: bool = False
    left_out: tuple[str, ...] = Field(default=(), max_length=20)
    by_default: tuple[str, ...] = Field(default=(), max_length=40)
    experts: Experts | None = None
    latent: Latent | None = None
    window: Window | None = None
    state_space: StateSpace | None = None
    patches: Patches | None = None

    @property
    def kv_count(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads_count or self.heads_count

    @property
    def head_size(self) -> int:
        """Size of a head."""
        return self.stated_head_size or self.hidden_size // self.heads_count

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Parts that are left out, keys taken by default, and layers that are predicted as others."""
        found = []
        if self.left_out:
            found.append(Caveat("parts-left-out", {"parts": ", ".join(self.left_out)}))
        if self.by_default:
            found.append(Caveat("keys-by-default", {"keys": ", ".join(self.by_default)}))
        if self.state_space and self.state_space.delta:
            found.append(Caveat("delta-rule-as-scan"))
        if self.ahead_count:
            found.append(Caveat("ahead-shares-its-ends", {"ahead_count": self.ahead_count}))
        return tuple(found)
