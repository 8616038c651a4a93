"""Parameters of a hub's model that stand in no matrix product: norms, biases, segment words, poolers, heads of words.

They change no work, and make up half a per cent of a small encoder.  A family says which of them it has, by flags or by
the keys of its config; what a config does not say is what the library that wrote it has there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.connect.hub.config_json import Config
from terp.describe import StateSpace, TransformerModel

Flag = bool | tuple[str, bool]
"""Whether a family has something; or the key of its config that says so, and what holds where that is silent."""


@dataclass(frozen=True)
class Small:
    """What a family has beside its products.

    norms_count   norms of a layer, each of hidden size;  shifted  they have a bias too
    queries, output, inner   biases of queries, keys and values; of what comes out of attention; of inner products
    heads         norms of queries and keys: "size" of a head's size, "wide" of all heads, or the key that turns on the first
    last          the norm behind the last layer
    embedding     a norm behind the embedding;  words  a bias of the logits
    shared_gate   a gate on what all tokens share beside the experts;  experts  biases of experts and their router
    sinks         a number a head that attention may fall on
    positions_count   rows of the learned positions beyond what the config counts
    encoder       segment words, pooler and head of words of BERT and its like
    """

    norms_count: int = 2
    shifted: bool = False
    queries: Flag = False
    output: Flag = False
    inner: Flag = False
    heads: str = ""
    last: bool = True
    embedding: bool = False
    words: Flag = False
    shared_gate: bool = False
    experts: bool = False
    sinks: bool = False
    positions_count: int = 0
    encoder: bool = False


_ATTENTION: Final[Flag] = ("attention_bias", False)
_MLP: Final[Flag] = ("mlp_bias", False)
_LLAMA: Final = Small(queries=_ATTENTION, output=_ATTENTION, inner=_MLP)
_OLMO: Final = Small(queries=_ATTENTION, output=_ATTENTION, heads="wide")
_FULL: Final = Small(shifted=True, queries=True, output=True, inner=True)
_BERT: Final = Small(
    shifted=True, queries=True, output=True, inner=True, last=False, embedding=True, words=True, encoder=True
)
_QWEN2: Final = Small(queries=True)
_QWEN3: Final = Small(queries=_ATTENTION, output=_ATTENTION, heads="size")
_QWEN_NEXT: Final = Small(queries=_ATTENTION, output=_ATTENTION, heads="size", shared_gate=True)
_EVERY: Final[Flag] = ("use_bias", True)

SMALL: Final[dict[str, Small]] = {
    "arcee": _LLAMA,
    "bert": _BERT,
    "bloom": Small(shifted=True, queries=True, output=True, inner=True, embedding=True),
    "cohere": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION, heads="use_qk_norm"),
    "cohere2": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION),
    "ernie4_5": Small(queries=("use_bias", False), output=("use_bias", False), inner=("use_bias", False)),
    "esm": Small(shifted=True, queries=True, output=True, inner=True, words=True, encoder=True),
    "falcon": Small(shifted=True, queries=("bias", False), output=("bias", False), inner=("bias", False)),
    "gemma": _LLAMA,
    "gemma2": Small(norms_count=4, queries=_ATTENTION, output=_ATTENTION),
    "gemma3_text": Small(norms_count=4, queries=_ATTENTION, output=_ATTENTION, heads="size"),
    "glm": Small(queries=("attention_bias", True)),
    "glm4": Small(norms_count=4, queries=("attention_bias", True)),
    "glm4_moe": Small(queries=_ATTENTION, heads="use_qk_norm"),
    "gpt2": _FULL,
    "gpt_bigcode": _FULL,
    "gpt_neox": Small(shifted=True, queries=("attention_bias", True), output=("attention_bias", True), inner=True),
    "gpt_oss": Small(queries=("attention_bias", True), output=("attention_bias", True), experts=True, sinks=True),
    "granite": _LLAMA,
    "granitemoe": _LLAMA,
    "grok-1": Small(norms_count=4),
    "internlm": Small(queries=("bias", True), output=("bias", True)),
    "internlm2": Small(queries=("bias", False), output=("bias", False)),
    "llama": _LLAMA,
    "llama4_text": Small(queries=_ATTENTION, output=_ATTENTION),
    "mamba2": Small(norms_count=1),
    "minimax_m2": Small(heads="wide"),
    "nemotron": Small(shifted=True, queries=_ATTENTION, output=_ATTENTION, inner=_MLP),
    "nemotron_h": Small(norms_count=1, queries=_ATTENTION, output=_ATTENTION, inner=_MLP),
    "olmo": Small(norms_count=0, queries=_ATTENTION, output=_ATTENTION, last=False),
    "olmo2": _OLMO,
    "olmo3": _OLMO,
    "olmoe": _OLMO,
    "opt": Small(
        shifted=True,
        queries=("enable_bias", True),
        output=("enable_bias", True),
        inner=("enable_bias", True),
        positions_count=2,
    ),
    "phi": Small(norms_count=1, shifted=True, queries=True, output=True, inner=True, heads="qk_layernorm", words=True),
    "phimoe": Small(shifted=True, queries=_ATTENTION, output=_ATTENTION, words=("lm_head_bias", False)),
    "qwen2": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen2_moe": Small(queries=("qkv_bias", True), shared_gate=True),
    "qwen2_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_5_moe_text": _QWEN_NEXT,
    "qwen3_5_text": _QWEN_NEXT,
    "qwen3_moe": _QWEN3,
    "qwen3_next": _QWEN_NEXT,
    "qwen3_vl_moe_text": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "roberta": _BERT,
    "seed_oss": Small(queries=("attention_bias", True), output=("attention_out_bias", False), inner=_MLP),
    "smollm3": _LLAMA,
    "stablelm": Small(shifted=True, queries=("use_qkv_bias", False), heads="qk_layernorm"),
    "starcoder2": Small(shifted=True, queries=_EVERY, output=_EVERY, inner=_EVERY),
    "vit": Small(shifted=True, queries=("qkv_bias", True), output=True, inner=True),
    "xlm-roberta": _BERT,
}
"""`model_type` -> what it has; those that are not here have two norms a layer and no bias."""


def small_parameters_count(config: Config, kind: str, model: TransformerModel) -> int:
    """Parameters of a model that are in no product.

    config   the config.json, whose flags say what there is
    kind     its `model_type`, one of `SMALL` or of a family with two norms a layer and no bias
    model    its record, whose sizes say how much that is

    A layer ahead has what another has, norms of the two things that it joins, and one before its logits.
    """
    small = SMALL.get(kind, Small())
    states, layers, ahead = model.state_space, model.layers_count, model.ahead_count
    norm = _norm(small, model)
    attending = states.attention_layers_count if states else layers
    behind = states.inner_layers_count if states and not states.paired else layers
    last = small.last and (kind != "opt" or config.flag("do_layer_norm_before", default=True))
    return (
        (layers + ahead) * _norms_count(config, kind, small) * norm
        + (ahead + last) * norm
        + ahead * 2 * model.hidden_size
        + (attending + ahead) * _attention(config, small, model)
        + _inner(config, small, model, behind + ahead)
        + (_states(config, states, model.hidden_size) if states else 0)
        + _ends(config, kind, small, model)
    )


def _norm(small: Small, model: TransformerModel) -> int:
    """Parameters of a norm of hidden size, with its bias where the family's norms have one.

    small   of the family;  model   whose hidden size counts
    """
    return model.hidden_size * (2 if small.shifted else 1)


def _norms_count(config: Config, kind: str, small: Small) -> int:
    """Norms of a layer; a layer whose halves stand side by side may have one for both.

    Falcon's new decoder says how many it has; the old one has one if its halves stand side by side.
    """
    if kind == "falcon":
        new, beside = config.flag("new_decoder_architecture", default=False), config.flag("parallel_attn", default=True)
        stated = config.maybe("small_parameters", "num_ln_in_parallel_attn", default=2) or 0
        return stated if new else 1 if beside else 2
    if kind == "stablelm" and config.flag("use_parallel_residual", default=False):
        return 1
    return small.norms_count


def _attention(config: Config, small: Small, model: TransformerModel) -> int:
    """Biases and norms of one layer's attention.

    Of latent attention: norms of both ranks, and biases of what goes down to them and of what comes out.
    """
    hidden, heads, size, kv = model.hidden_size, model.heads_count, model.head_size, model.kv_count
    if model.latent:
        ranks = model.latent.query_size + model.latent.keys_size
        biased = config.flag("attention_bias", default=False)
        return ranks + biased * (ranks + model.latent.rotary_size + hidden)
    queries = _flag(config, small.queries) * (heads * (2 if model.attention_gate else 1) + 2 * kv) * size
    return queries + _flag(config, small.output) * hidden + _head_norms(config, small, model) + small.sinks * heads


def _head_norms(config: Config, small: Small, model: TransformerModel) -> int:
    """Norms of queries and keys of one layer: of one head's size, or of all heads.

    Where a key turns them on, a family without experts has one for each head.
    """
    wide = (model.heads_count + model.kv_count) * model.head_size
    if small.heads in ("", "size", "wide"):
        return {"": 0, "size": 2 * model.head_size, "wide": wide}[small.heads]
    normed = config.flag(small.heads, default=False)
    return normed * (wide if model.experts is None else 2 * model.head_size)


def _inner(config: Config, small: Small, model: TransformerModel, layers: int) -> int:
    """Biases of inner products, and of experts with their router and gate, of all layers that have inner products.

    layers   as many as these are
    """
    hidden, gates, experts = model.hidden_size, 2 if model.gated else 1, model.experts
    biased = _flag(config, small.inner)
    if experts is None:
        return layers * biased * (gates * model.inner_size + hidden)
    each = experts.count * (gates * experts.inner_size + hidden)
    routed = (layers - experts.dense_layers_count) // experts.every_count
    shared = biased * (each + gates * experts.shared_inner_size + hidden)
    return routed * (small.shared_gate * hidden + small.experts * (each + experts.count) + shared)


def _states(config: Config, states: StateSpace, hidden: int) -> int:
    """Convolutions, decays, steps and norms of all state-space layers.

    A delta rule has one norm for all heads, and a gate of each head besides, which is a narrow product.
    """
    heads, inner = states.heads_count, states.heads_count * states.head_size
    shared, window = 2 * states.groups_count * states.state_size, states.window_size
    if states.delta:
        return states.layers_count * ((inner + shared) * window + 2 * heads + states.head_size + heads * hidden)
    projected = config.flag("use_bias", default=False) or config.flag("mamba_proj_bias", default=False)
    convolution = (inner + shared) * (window + config.flag("use_conv_bias", default=True))
    return states.layers_count * (convolution + 3 * heads + inner + projected * (2 * inner + shared + heads + hidden))


def _ends(config: Config, kind: str, small: Small, model: TransformerModel) -> int:
    """What stands before the first layer and behind the last: norms, segment words, poolers, heads of words or classes.

    Which heads there are is told by the class that a config was saved from; the head of words where it tells none.
    """
    hidden, classes = model.hidden_size, config.architecture
    square, words = hidden * hidden + hidden, _flag(config, small.words) * model.vocabulary_size
    total = small.embedding * _norm(small, model) + small.positions_count * hidden
    if model.patches:  # a token for the whole, and a bias of the patches
        return total + 2 * hidden + (square if classes.endswith("Model") else model.patches.classes_count)
    if not small.encoder:
        return total + words
    if kind != "esm":
        total += hidden * (config.maybe("small_parameters", "type_vocab_size", default=2) or 0)
    elif config.flag("emb_layer_norm_before", default=False):
        total += _norm(small, model)
    if classes.endswith(("ForTokenClassification", "ForQuestionAnswering")):
        return total
    if classes.endswith(("Model", "ForSequenceClassification", "ForMultipleChoice")) and "LMHead" not in classes:
        return total + square
    contacts = model.layers_count * model.heads_count + 1 if kind == "esm" else 0
    pretrained = square + 2 * hidden + 2 if classes.endswith("ForPreTraining") else 0
    return total + words + square + _norm(small, model) + contacts + pretrained


def _flag(config: Config, flag: Flag) -> bool:
    """A flag, by the config where it has the key.

    What is neither true nor false is noted as a problem, and the family's default taken.
    """
    return flag if isinstance(flag, bool) else config.flag(flag[0], default=flag[1])
