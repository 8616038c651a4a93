"""How a row of measured training was split over GPUs and run: every strategy that its stated settings leave open."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from terp.catalogue import Accelerator
from terp.physics import Work
from terp.physics.gpu.precisions import half_precision, peak_flop_per_s
from terp.physics.training.stage import RECOMPUTE, Recompute
from terp.physics.training.strategy import Strategy
from terp.validate.steps.row_cells import Cells, Unmodelled, number_of, whole_of, words_of
from terp.validate.steps.row_recipes import recipe_of
from terp.validate.steps.row_words import (
    every_layer_of,
    number_in,
    precision_of,
    recompute_of,
    row_words,
    settings_of,
)

MICRO_BATCHES: Final = (1, 2, 4, 8)
"""Where a row does not tell, those that leave a pipeline as many micro-batches as stages."""
MOST_GPUS_WITHOUT_BATCH: Final = 64
MOST_OF_PEAK: Final = 0.68
"""No step in BF16 is known to have reached more of the peak; a row that did and does not tell its precision ran in FP8."""
PLAIN_PIPELINE: Final = "(?<!interleaved )1f1b"
"""Words that say that stages take no turns."""
ENDS_COUNT: Final = 2
"""Embedding and head, which a pipeline of Megatron may count as layers."""
FIELDS: Final = {field.name for field in dataclasses.fields(Strategy)}
"""Settings of a strategy in this release."""


@dataclass(frozen=True)
class RowJob:
    """What a row's split is read beside.

    work       of one sample;  chip   the GPU;  software   the generation's name
    gpus_count, batch_count   of the job and of a step
    """

    work: Work
    chip: Accelerator
    software: str
    gpus_count: int
    batch_count: int


def batch_of(cells: Cells, gpus: int, tokens: int) -> int:
    """Samples of a step: as stated, else one micro-batch a replica, where the rate matters and not the step."""
    stated = whole_of(cells, "global_batch", 0)
    if stated:
        return stated
    if gpus > MOST_GPUS_WITHOUT_BATCH or not tokens or whole_of(cells, "pp", 1) > 1:
        raise Unmodelled("no global_batch: write the samples of a step", "no global_batch")
    replicas = gpus // (whole_of(cells, "tp", 1) * whole_of(cells, "pp", 1) * whole_of(cells, "cp", 1))
    return max(replicas, 1) * whole_of(cells, "micro_batch", 1)


def strategies_of(cells: Cells, job: RowJob, known: dict[str, str]) -> Iterator[Strategy]:
    """Every split that the row's settings leave open, in order of micro-batch, precision and interleave.

    known   gets how each of them is known: stated, recipe or open

    Raises Unmodelled for a split that is not told, or that does not multiply.
    """
    base, pipeline = _base(cells, job), whole_of(cells, "pp", 1)
    a_replica = job.batch_count / base.replicas_count
    micro_batches = _micro_batches(cells, a_replica)
    precisions, interleaves = _precisions(cells, job.chip), _interleaves(cells, job.work.layers_count, pipeline)
    for column, choices in (("micro_batch", micro_batches), ("precision", precisions), ("vp", interleaves)):
        known[column] = "stated" if len(choices) == 1 else "open"
    if known["vp"] == "open" and (of_recipe := recipe_of(cells, job.chip.architecture)) in interleaves:
        interleaves, known["vp"] = (of_recipe,), "recipe"
    known["recompute"] = "stated" if cells.get("recompute") else "open"
    for micro, precision, interleave in itertools.product(micro_batches, precisions, interleaves):
        yield replace(base, micro_batch_count=micro, precision=precision, interleave_count=interleave)


def _base(cells: Cells, job: RowJob) -> Strategy:
    """The split of a row, but for what may be open.  Raises Unmodelled."""
    gpus = job.gpus_count
    told = cells.get("tp") or cells.get("fsdp") or gpus == 1 or whole_of(cells, "dp", 0) == gpus
    if not told and job.work.tokens_count:
        raise Unmodelled("how the model was split is not in the row: tp, pp, cp or fsdp would tell", "split not told")
    t, p, c, e = (whole_of(cells, column, 1) for column in ("tp", "pp", "cp", "ep"))
    _check_split(cells, gpus, (t, p, c, e), job.work.layers_count)
    replicas = gpus // (t * p * c)
    if job.batch_count < replicas:
        wrong = f"a batch of {job.batch_count} leaves some of {replicas} replicas without work"
        raise Unmodelled(f"{wrong}: is cp, tp or pp missing?", "batch below replicas")
    zero, shard = _sharding(cells, job.software, replicas * c)
    strategy = Strategy(
        gpus_count=gpus, tensor_count=t, pipeline_count=p, context_count=c, expert_count=e, zero_count=zero,
        shard_count=shard, sequence_parallel=t > 1 and job.software not in row_words().without_sequence_parallel,
        recompute=_recompute(cells), adapters="lora" in (cells.get("model") or "").lower() or "lora rank" in words_of(cells),
    )  # fmt: skip
    return _with_settings(cells, strategy)


def _check_split(cells: Cells, gpus: int, split: tuple[int, int, int, int], layers: int) -> None:
    """Raises Unmodelled for a split whose parts do not multiply to the GPUs, or that has more stages than layers.

    split   tensor, pipeline, context and expert parallelism;  layers   of the network
    """
    t, p, c, e = split
    replicas = whole_of(cells, "dp", 0)
    if replicas and t * p * c * replicas != gpus:
        wrong = f"TP {t} x PP {p} x CP {c} x DP {replicas} is {t * p * c * replicas}, and there are {gpus} GPUs"
        raise Unmodelled(f"{wrong}: one of tp, pp, cp, dp and gpus is wrong", "split does not multiply")
    if gpus % (t * p * c):
        wrong = f"TP {t} x PP {p} x CP {c} does not divide {gpus} GPUs"
        raise Unmodelled(f"{wrong}: one of tp, pp, cp and gpus is wrong", "split does not multiply")
    if p * whole_of(cells, "vp", 1) > layers + ENDS_COUNT:
        wrong = f"PP {p} x VP {whole_of(cells, 'vp', 1)} are more parts than {layers} layers"
        raise Unmodelled(f"{wrong}: one of pp, vp and layers is wrong", "split does not multiply")
    if e > 1 and (gpus // p) % e:
        raise Unmodelled(f"EP {e} does not divide the {gpus // p} GPUs of a stage", "split does not multiply")


def _with_settings(cells: Cells, strategy: Strategy) -> Strategy:
    """The strategy with what the words of the row say that has no column, as far as this release has a field for it."""
    told = settings_of(cells)
    values: dict[str, object] = {
        name: told[name] for name in ("states", "optimizer", "dispatcher", "context_kind") if name in told
    }
    for name in ("tensor_overlap", "data_overlap", "sequence_parallel"):
        if name in told:
            values[name] = told[name] == "true"
    if "gradient_bytes" in told:
        values["gradient_bytes"] = float(told["gradient_bytes"])
    if "loss_chunks_count" in told:
        values["loss_chunks_count"] = int(told["loss_chunks_count"])
    if (etp := _stated_number(cells, told, "expert_tensor_count")) is not None:
        values["expert_tensor_count"] = etp
    if strategy.adapters:
        values |= {"rank_count": _stated_number(cells, told, "rank_count"), "base": told.get("base", "bf16")}
    if strategy.tensor_count == 1:
        values["sequence_parallel"] = False
    kept = {name: value for name, value in values.items() if name in FIELDS}
    return Strategy(**{**vars(strategy), **kept})


def _stated_number(cells: Cells, settings: Mapping[str, str], name: str) -> int | None:
    """A count that a column or the note tells; None where neither does.  Raises Unmodelled for a word."""
    return whole_of(settings, name) if name in settings else number_in(cells, name)


def _recompute(cells: Cells) -> Recompute | None:
    """What is recomputed, None where the row does not say.  Raises Unmodelled for a word that is in no table."""
    every, kind = every_layer_of(cells), recompute_of(cells)
    if every is not None:
        return Recompute(1 / every)
    if kind is None:
        return None
    return RECOMPUTE[kind]


def _sharding(cells: Cells, software: str, ranks: int) -> tuple[int, int]:
    """What is sharded, and over how many GPUs; a number above 3 is the size of the groups of a full sharding."""
    level = number_of(cells, "fsdp")
    if level is not None and level > 3:
        return 3, min(int(level), ranks)
    zero = int(level) if level is not None else 0
    zero = zero or row_words().zero.get(software, 0)
    shard = ranks
    if group := number_in(cells, "zero_group"):
        shard = min(group, ranks)
    if re.search(row_words().hybrid_shards, words_of(cells)):
        shard = min(whole_of(cells, "gpus_per_node", 8), ranks)
    return zero, shard


def _micro_batches(cells: Cells, a_replica: float) -> tuple[float, ...]:
    """Samples of a micro-batch: as stated, at most `a_replica`; else of MICRO_BATCHES what divides it."""
    stated = number_of(cells, "micro_batch")
    if stated:
        return (min(stated, a_replica),)
    if not cells.get("seq_len"):
        return (a_replica,)
    fills = a_replica / whole_of(cells, "pp", 1)
    whole = tuple(float(size) for size in MICRO_BATCHES if a_replica % size == 0 and size <= max(fills, 1))
    return whole or (1.0,)


def _precisions(cells: Cells, chip: Accelerator) -> tuple[str, ...]:
    """The precision; where none is stated, MLPerf's language models ran in FP8 and others may have run in either."""
    stated = precision_of(cells)
    if stated is not None:
        if stated.partition("-")[0].removeprefix("mx") not in chip.peak_flop_per_s:
            raise Unmodelled(
                f"{chip.title} has no {cells['precision']}: is precision or gpu wrong?", "precision not of the GPU"
            )
        return (stated,)
    if "fp8" not in chip.peak_flop_per_s or not cells.get("seq_len"):
        return (half_precision(chip),)
    reached = number_of(cells, "tflops_per_gpu") or 0.0
    beyond = reached * 1e12 > MOST_OF_PEAK * peak_flop_per_s(chip, "bf16")
    return ("fp8",) if beyond or "mlperf" in words_of(cells) else ("bf16", "fp8")


def _interleaves(cells: Cells, layers: int, p: int) -> tuple[int, ...]:
    """Parts of each stage: as stated, 1 without; else each up to 8 that divides its layers, all where stages differ."""
    stated = whole_of(cells, "vp", 0)
    if stated or p == 1 or re.search(PLAIN_PIPELINE, words_of(cells)):
        return (stated or 1,)
    each, uneven = layers // p, layers % p
    return tuple(v for v in range(1, min(each, 8) + 1) if uneven or each % v == 0)
