"""One row of a table of measured training -> a model, a machine, a split and a software, with how each is known."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from pydantic import ValidationError

from terp.catalogue import Accelerator, read_catalogue, read_spellings, spelt
from terp.describe import ModelFile, TransformerModel, read_model
from terp.physics import Interconnect, Work, interconnect_between, work_of
from terp.physics.training.software import generations
from terp.physics.training.stage import RECOMPUTE, Recompute
from terp.physics.training.strategy import Strategy
from terp.validate.grading.grade import Skipped

SOFTWARE: Final = (
    ("mlperf", "mlperf-2024"), (r"meta internal \(", "megatron-2024"),
    ("1f1b|megatron-deepspeed|gpt-neox", "deepspeed-2021"), ("megatron-bridge 2(5|6.02)", "megatron-2025"),
    ("megatron-bridge 26.04", "megatron-2026"), ("megatron-bridge", "megatron-2026-06"),
    ("megatron-core", "megatron-2024"), ("megatron-lm", "megatron-2021"), ("llm-foundry|metaseq", "fsdp-2023"),
    ("fms-fsdp|torchtitan|fsdp", "fsdp-2024"), ("maxtext|paxml|jax|flax", "jax-2024"), ("internevo", "internevo-2023"),
    ("deepspeed", "deepspeed-2025"), ("nemo|meta internal|megatron|hai-llm", "megatron-2024"), ("pytorch ddp", "eager"),
)  # fmt: skip
"""What the framework column says, in small letters -> the generation; the first that fits counts."""
PRECISIONS: Final = {
    "bf16": "bf16", "fp16": "bf16", "fp16 amp": "bf16", "tf32": "tf32", "fp8": "fp8", "fp8-cs": "fp8", "mxfp8": "fp8-block",
    "fp8-mx": "fp8-block", "nvfp4": "fp4", "fp4": "fp4",
}  # fmt: skip
NAMED: Final = (
    ("deepseek-?v3", "deepseek-v3"), ("kimi-k2", "kimi-k2"), ("qwen3[ _]235b", "qwen3-235b-a22b"),
    ("nemotron_3_nano", "nemotron-3-nano"), ("qwen3[ _]30b", "qwen3-30b-a3b"), ("gpt-oss 120b", "gpt-oss-120b"),
    ("grok-1", "grok-1"),
    ("maverick", "llama-4-maverick"), ("mixtral 8x7b", "mixtral-8x7b"), ("mixtral 8x22b", "mixtral-8x22b"),
    ("resnet-?50", "resnet-50"),
)  # fmt: skip
"""Models whose row does not hold their whole shape: what its name says -> the model that ships."""
GATED: Final = "llama|qwen|internlm|mistral|gemma"
TIED: Final = "^(gpt|mpt|bert|opt|bloom)"
MICRO_BATCHES: Final = (1, 2, 4, 8)
"""Where a row does not tell, those that leave a pipeline as many micro-batches as stages."""
MOST_GPUS_WITHOUT_BATCH: Final = 64
MOST_OF_PEAK: Final = 0.68
"""No step in BF16 is known to have reached more of the peak; a row that did and does not tell its precision ran in FP8."""
GBIT: Final = 1.25e8
PORT_GBIT: Final = {"ampere": 200.0, "hopper": 400.0, "blackwell": 400.0}
"""Rate of the fabric a GPU where the row does not tell: one port of its time."""


@dataclass(frozen=True)
class TrainingRow:
    """A row: what was measured, and every strategy that its stated settings leave open.

    name, source  the row's id, and where it is from
    model         as the row has it
    gpus_count    GPUs of the job
    chip, net     the GPU with the row's own cap, and what joins GPUs
    work          flops and bytes of a sample
    strategies    splits to try, at least one
    batch_count   samples of a step
    software      generation
    step_s        published, or worked out from what is; None where only memory is
    memory_bytes  of a GPU; None where none is published
    known         input -> how it is known: stated or open
    """

    name: str
    source: str
    model: str
    gpus_count: int
    chip: Accelerator
    net: Interconnect
    work: Work
    strategies: tuple[Strategy, ...]
    batch_count: int
    software: str
    step_s: float | None
    memory_bytes: float | None
    known: Mapping[str, str]


class Unmodelled(Exception):
    """A row that no case is made of; its text says why."""


def read_row(text: Mapping[str, str]) -> TrainingRow | Skipped:
    """The row of a line of the table, or why there is none."""
    name = text.get("id", "") or text.get("model", "")
    try:
        return _row(text)
    except Unmodelled as error:
        return Skipped(name, str(error))
    except ValidationError as error:  # sizes that no model has
        first = error.errors(include_url=False)[0]
        return Skipped(name, f"{'.'.join(map(str, first['loc']))} is {str(first['input'])[:20]}, out of range")


def _row(text: Mapping[str, str]) -> TrainingRow:
    """The row of a line.  Raises Unmodelled, and ValidationError for sizes that no model has."""
    if "offload" in text.get("framework", "").lower():
        raise Unmodelled("what is held on the host and fetched from there is not modelled")
    software = _software(text)
    chip, part = _chip(text)
    model = _model(text)
    gpus = _whole(text, "gpus")
    tokens = _whole(text, "seq_len", 0)
    if not tokens and isinstance(model, TransformerModel) and model.patches is None:
        raise Unmodelled("no sequence length")
    known: dict[str, str] = {}
    work = _work(model, tokens)
    if software == "mlperf-2024" and not tokens:
        raise Unmodelled("MLPerf's convolutions are fused by software that no generation here stands for")
    batch = _whole(text, "global_batch", 0) or _batch_of_tokens(text, gpus, tokens)
    strategies = tuple(_strategies(text, work, gpus, batch, software, chip, known))
    step_s = _step_s(text, work, batch, gpus)
    memory = _number(text, "memory_gb")
    if step_s is None and memory is None:
        raise Unmodelled("neither a step time, a rate nor a memory")
    return TrainingRow(
        name=text.get("id", "") or text["model"],
        source=source_of(text),
        model=text["model"],
        gpus_count=gpus,
        chip=chip,
        net=_net(text, chip, part, gpus),
        work=work,
        strategies=strategies,
        batch_count=batch,
        software=software,
        step_s=step_s,
        memory_bytes=None if memory is None else memory * (2**30 if "GiB" in text.get("note", "") else 1e9),
        known=known,
    )


def source_of(text: Mapping[str, str]) -> str:
    """Where a row is from: the repository that its source names, else what its id begins with."""
    repository = re.match(r"([\w.-]+/[\w.-]+|arXiv)", text.get("source", ""))
    return repository[1] if repository else text.get("id", "").partition("-")[0] or "unknown"


def _number(text: Mapping[str, str], column: str) -> float | None:
    """A column as a number above 0; None where it is empty.  Raises Unmodelled for anything else."""
    cell = (text.get(column) or "").strip()
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise Unmodelled(f"{column} is {cell[:20]!r}, no number") from None
    if not 0 <= value < 1e15:
        raise Unmodelled(f"{column} is {cell[:20]!r}, out of range")
    return value


def _whole(text: Mapping[str, str], column: str, otherwise: int | None = None) -> int:
    """A column as a whole number; `otherwise` where it is empty or 0.  Raises Unmodelled for a fraction."""
    value = _number(text, column)
    if value is None or value == 0:
        if otherwise is None:
            raise Unmodelled(f"no {column}")
        return otherwise
    if value != int(value):
        raise Unmodelled(f"{column} is {value:g}, no whole number")
    return int(value)


def _software(text: Mapping[str, str]) -> str:
    """The generation of software of the column `framework`, by SOFTWARE.  Raises Unmodelled for any other."""
    framework = text.get("framework", "").lower()
    generation = next((name for pattern, name in SOFTWARE if re.search(pattern, framework)), None)
    if generation is None:
        raise Unmodelled(f"no software {framework[:40]!r}; there are " + ", ".join(generations()))
    return generation


def _chip(text: Mapping[str, str]) -> tuple[Accelerator, str]:
    """The GPU, with a power cap or memory rate of its own where the row states one.

    Raises Unmodelled for a GPU that the catalogue has not.
    """
    name = text.get("gpu", "")
    part = spelt(name, read_spellings().accelerators)
    if part is None:
        raise Unmodelled(f"no GPU {name[:40]!r} in the catalogue")
    chip = read_catalogue().part(Accelerator, part)
    words = f"{name} {text.get('note', '')} {text.get('interconnect', '')}"
    own: dict[str, object] = {}
    if cap := re.search(r"\b([3-9]\d\d|1\d{3}) ?W\b", words):
        own["board_power_w"] = float(cap[1])
    if rate := re.search(r"\b(\d\.\d+) ?TB/s", words):
        own["memory_rate_bytes_per_s"] = float(rate[1]) * 1e12
    return chip.model_copy(update=own), part


def _net(text: Mapping[str, str], chip: Accelerator, part: str, gpus: int) -> Interconnect:
    """The interconnect: a node's GPUs in one domain, or a rack's; the fabric's rate as stated, else of its time."""
    a_node = _whole(text, "gpus_per_node", 8)
    domain = max(min(read_spellings().link_domain_count.get(part, a_node), gpus), 1)
    words = text.get("interconnect", "")
    rate = PORT_GBIT.get(chip.architecture, 200.0)
    if ports := re.search(r"(\d+)x ?(?:HDR|Omni-Path )?(\d+)(?: Gb/s)?(?: RoCE)? ?.*?(per node)?", words):
        rate = float(ports[1]) * float(ports[2]) / a_node
    elif ports := re.search(r"(\d+) Gb/s per node", words):
        rate = float(ports[1]) / a_node
    return interconnect_between(chip, domain, rate * GBIT)


def _model(text: Mapping[str, str]) -> ModelFile:
    """The model: as its columns say, or one that ships, with as many layers as the row has."""
    name = text.get("model", "")
    layers = _whole(text, "layers", 0)
    shipped = next((file for pattern, file in NAMED if re.search(pattern, name.lower())), None)
    if shipped is not None:
        return _shipped(shipped, layers, ahead="w/o mtp" not in name.lower())
    if text.get("family") == "moe":
        raise Unmodelled(f"{name[:40]} is a mixture of experts whose experts the row does not tell")
    if not layers:
        raise Unmodelled(f"the shape of {name[:40]} is not in the row, nor a model that ships")
    return _columns(
        name, layers, *(_whole(text, column) for column in ("hidden", "heads")), _whole(text, "kv_heads", 0),
        _whole(text, "ffn_hidden", 0), _whole(text, "vocab", 0), has_patches=text.get("family") == "vision",
    )  # fmt: skip


@cache
def _shipped(name: str, layers: int, *, ahead: bool = True) -> ModelFile:
    """A model that ships, with the layers of the row if it is a transformer; `ahead`: with its further layers."""
    model = read_model(name).record
    if not ahead:
        model = model.model_copy(update={"ahead_count": 0})
    if layers and isinstance(model, TransformerModel) and model.layers_count != layers:
        return TransformerModel.model_validate(model.model_dump() | {"layers_count": layers})
    return model


@cache
def _columns(
    name: str, layers: int, hidden: int, heads: int, kv: int, inner: int, vocabulary: int, *, has_patches: bool
) -> TransformerModel:
    """A dense transformer by its columns; whether it is gated, tied and causal is known by its name."""
    if has_patches:
        raise Unmodelled(f"the image size of {name[:40]} is not in the row")
    low = name.lower()
    if hidden % heads or (kv and heads % kv):
        raise Unmodelled(f"{heads} heads with {kv} of keys do not divide a hidden size of {hidden}")
    return TransformerModel(
        kind="model",
        name="row",
        title=name,
        family="transformer",
        layers_count=layers,
        hidden_size=hidden,
        heads_count=heads,
        kv_heads_count=kv or heads,
        inner_size=inner or 4 * hidden,
        vocabulary_size=vocabulary or 51200,
        gated=bool(re.search(GATED, low)),
        tied=bool(re.search(TIED, low)),
        causal=not low.startswith("bert"),
    )


def _work(model: ModelFile, tokens: int) -> Work:
    return _transformer_work(model, tokens) if isinstance(model, TransformerModel) else work_of(model, tokens)


@cache
def _transformer_work(model: TransformerModel, tokens: int) -> Work:
    return work_of(model, tokens)


def _batch_of_tokens(text: Mapping[str, str], gpus: int, tokens: int) -> int:
    """Samples of a step where the row does not say: one micro-batch a replica; the rate matters then, not the step."""
    if gpus > MOST_GPUS_WITHOUT_BATCH:
        raise Unmodelled("no global_batch")
    replicas = gpus // (_whole(text, "tp", 1) * _whole(text, "pp", 1) * _whole(text, "cp", 1))
    if not tokens or _whole(text, "pp", 1) > 1:
        raise Unmodelled("no global_batch")
    return max(replicas, 1) * _whole(text, "micro_batch", 1)


def _strategies(
    text: Mapping[str, str], work: Work, gpus: int, batch: int, software: str, chip: Accelerator, known: dict[str, str]
) -> Iterator[Strategy]:
    """Every split that the row's settings leave open, in order of micro-batch, precision and interleave."""
    if not text.get("tp") and not text.get("fsdp") and gpus > 1 and _whole(text, "dp", 0) != gpus and work.tokens_count:
        raise Unmodelled("how the model was split is not in the row")
    t, p, c, e = (_whole(text, column, 1) for column in ("tp", "pp", "cp", "ep"))
    if gpus % (t * p * c):
        raise Unmodelled(f"TP {t} x PP {p} x CP {c} does not divide {gpus} GPUs")
    replicas = gpus // (t * p * c)
    if batch < replicas:
        raise Unmodelled(f"a batch of {batch} leaves some of {replicas} replicas without work")
    zero, shard = _sharding(text, software, replicas * c)
    core = generations()[software].title.startswith("Megatron-Core")
    base = Strategy(
        gpus_count=gpus, tensor_count=t, pipeline_count=p, context_count=c, expert_count=e, zero_count=zero,
        shard_count=shard, sequence_parallel=t > 1 and (core or text.get("recompute") == "selective"),
        recompute=_recompute(text), adapters="lora" in text.get("model", "").lower(),
    )  # fmt: skip
    open_ = (_micro_batches(text, batch / replicas), _precisions(text, chip), _interleaves(text, work.layers_count, p))
    for column, choices in zip(("micro_batch", "precision", "vp"), open_, strict=True):
        known[column] = "stated" if len(choices) == 1 else "open"
    known["recompute"] = "stated" if text.get("recompute") else "open"
    for micro, precision, interleave in itertools.product(*open_):
        yield replace(base, micro_batch_count=micro, precision=precision, interleave_count=interleave)


def _recompute(text: Mapping[str, str]) -> Recompute | None:
    """What is recomputed, None where the row does not say.  Raises Unmodelled for a word not in RECOMPUTE."""
    cell = text.get("recompute", "")
    if cell and cell not in RECOMPUTE:
        raise Unmodelled(f"no recomputation {cell[:20]!r}; there are " + ", ".join(RECOMPUTE))
    return RECOMPUTE.get(cell)


def _sharding(text: Mapping[str, str], software: str, ranks: int) -> tuple[int, int]:
    """What is sharded, and over how many GPUs; a number above 3 is the size of the groups of a full sharding."""
    level = _number(text, "fsdp")
    note = text.get("note", "")
    if level is not None and level > 3:
        return 3, min(int(level), ranks)
    zero = int(level) if level is not None else 0
    if zero == 0 and generations()[software].title.startswith("Megatron-Core"):
        zero = 1
    if zero == 0 and software.startswith("fsdp"):
        zero = 3
    shard = ranks
    if group := re.search(r"ZeRO-1 group (\d+)", note):
        shard = min(int(group[1]), ranks)
    if "HSDP" in note:
        shard = min(_whole(text, "gpus_per_node", 8), ranks)
    return zero, shard


def _micro_batches(text: Mapping[str, str], a_replica: float) -> tuple[float, ...]:
    """Samples of a micro-batch: as stated, at most `a_replica`; else of MICRO_BATCHES what divides it."""
    stated = _number(text, "micro_batch")
    if stated:
        return (min(stated, a_replica),)
    if not text.get("seq_len"):
        return (a_replica,)
    fills = a_replica / _whole(text, "pp", 1)
    whole = tuple(float(size) for size in MICRO_BATCHES if a_replica % size == 0 and size <= max(fills, 1))
    return whole or (1.0,)


def _precisions(text: Mapping[str, str], chip: Accelerator) -> tuple[str, ...]:
    """The precision; where none is stated, MLPerf's language models ran in FP8 and others may have run in either."""
    cell = (text.get("precision") or "").lower()
    if cell:
        if cell not in PRECISIONS:
            raise Unmodelled(f"no precision {cell[:20]!r}; there are " + ", ".join(PRECISIONS))
        if PRECISIONS[cell].partition("-")[0] not in chip.peak_flop_per_s:
            raise Unmodelled(f"{chip.title} has no {cell}")
        return (PRECISIONS[cell],)
    if chip.architecture == "ampere" or not text.get("seq_len"):
        return ("bf16",)
    reached = _number(text, "tflops_per_gpu") or 0.0
    beyond = reached * 1e12 > MOST_OF_PEAK * chip.peak_flop_per_s["bf16"]
    return ("fp8",) if beyond or "mlperf" in text.get("framework", "").lower() else ("bf16", "fp8")


def _interleaves(text: Mapping[str, str], layers: int, p: int) -> tuple[int, ...]:
    """Parts of each stage: as stated, 1 without; else each up to 8 that divides its layers, all where stages differ."""
    stated = _whole(text, "vp", 0)
    if stated or p == 1 or "1f1b" in text.get("framework", "").lower():
        return (stated or 1,)
    each, uneven = layers // p, layers % p
    return tuple(v for v in range(1, min(each, 8) + 1) if uneven or each % v == 0)


HARDWARE: Final = "hardware FLOPs|count recomputation|include recompute"
CAUSAL: Final = "Megatron-Bridge|stas00"


def _step_s(text: Mapping[str, str], work: Work, batch: int, gpus: int) -> float | None:
    """Seconds a step: as published, else from tokens or flops a second and GPU, by the convention of the source.

    Full attention counts 12 L h s a token, causal half of it; hardware flops hold what was recomputed, 4/3 of the model's.
    """
    if step := _number(text, "step_time_s"):
        return step
    if rate := _number(text, "tokens_per_s_per_gpu"):
        return batch * work.tokens_count / rate / gpus if work.tokens_count else None
    rate = _number(text, "tflops_per_gpu")
    if not rate or not work.tokens_count:
        return None
    words = f"{text.get('source', '')} {text.get('note', '')}"
    full = 1.0 if re.search(CAUSAL, words) else 2.0
    attended = sum(layer.count * part.flop for layer in work.layers for part in layer.attention if part.causal)
    flop = work.flop + 3 * (full - 1) * attended
    again = 4 / 3 if re.search(HARDWARE, words) and text.get("recompute") == "full" else 1.0
    return batch * flop * again / (gpus * rate * 1e12)
