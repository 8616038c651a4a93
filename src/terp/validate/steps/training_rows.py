"""One row of a table of measured training -> a model, a machine, a split and a software, with how each is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from terp.catalogue import Accelerator, constants
from terp.describe import ModelFile, TransformerModel
from terp.physics import Interconnect, Work, work_of
from terp.physics.gpu.precisions import peak_flop_per_s
from terp.physics.training.memory import MemoryConstants
from terp.physics.training.strategy import Strategy
from terp.validate.grading.grade import Skipped
from terp.validate.steps.row_cells import Cells, Unmodelled, number_of, whole_of, words_of
from terp.validate.steps.row_chips import chip_of, net_of
from terp.validate.steps.row_models import model_of, transformer_work
from terp.validate.steps.row_splits import RowJob, batch_of, strategies_of
from terp.validate.steps.row_words import row_words, software_of

HARDWARE: Final = "hardware FLOPs|count recomputation|include recompute"
"""Words of a source whose flops count what is done again."""
MOST_GPUS: Final = 10**8
MOST_TOKENS: Final = 10**8
CAUSAL: Final = "Megatron-Bridge|stas00|AutoModel"
"""Sources that count half of attention."""


@dataclass(frozen=True)
class TrainingRow:
    """A row: what was measured, and every strategy that its stated settings leave open.

    name, source  the row's id, and where it is from
    model         as the row has it
    gpus_count    GPUs of the job
    chip, net     the GPU with the row's own cap, and what joins GPUs
    part          the GPU's name in the catalogue
    work          flops and bytes of a sample
    strategies    splits to try, at least one
    batch_count   samples of a step
    software      generation;  nearest   True where it stands in for software that nothing was fitted to
    step_s        published, or worked out from what is; None where only memory is
    memory_bytes  of a GPU; None where none is published;  allocated  True where it is what the allocator counted
    known         input -> how it is known: stated, implied, recipe, by name or open
    """

    name: str
    source: str
    model: str
    gpus_count: int
    chip: Accelerator
    part: str
    net: Interconnect
    work: Work
    strategies: tuple[Strategy, ...]
    batch_count: int
    software: str
    nearest: bool
    step_s: float | None
    memory_bytes: float | None
    allocated: bool
    known: Mapping[str, str]


def read_row(cells: Cells) -> TrainingRow | Skipped:
    """The row of a line of the table, or why there is none."""
    name = cells.get("id") or cells.get("model") or ""
    try:
        return _row(cells)
    except Unmodelled as error:
        return Skipped(name, str(error), error.kind)
    except ValidationError as error:  # sizes that no model has
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))} is {str(first['input'])[:20]}, out of range"
        return Skipped(name, reason, "a number is out of range")


def _row(cells: Cells) -> TrainingRow:
    """The row of a line.  Raises Unmodelled, and ValidationError for sizes that no model has."""
    if re.search(row_words().offloads, (cells.get("framework") or "").lower()):
        raise Unmodelled("what is held on the host and fetched from there is not modelled", "offloading")
    chip, part = chip_of(cells)
    software, of_row = software_of(cells, chip.architecture), model_of(cells)
    gpus, tokens = whole_of(cells, "gpus"), whole_of(cells, "seq_len", 0)
    for column, value, most in (("gpus", gpus, MOST_GPUS), ("seq_len", tokens, MOST_TOKENS)):
        if value > most:
            raise Unmodelled(f"{column} is {value:,}, out of range: at most {most:,} would do", "a number is out of range")
    if not tokens and isinstance(of_row.model, TransformerModel) and of_row.model.patches is None:
        raise Unmodelled("no sequence length: write it in seq_len", "no seq_len")
    if software.name == "mlperf-2024" and not tokens:
        raise Unmodelled(
            "MLPerf's convolutions are fused by software that no generation here stands for", "MLPerf's convolutions"
        )
    work, batch = _work(of_row.model, tokens), batch_of(cells, gpus, tokens)
    known = {**of_row.known, "software": "nearest" if software.nearest else "stated"}
    strategies = tuple(strategies_of(cells, RowJob(work, chip, software.name, gpus, batch), known))
    step_s, memory = _step_s(cells, work, batch, gpus), number_of(cells, "memory_gb")
    if step_s is None and not memory:
        raise Unmodelled(
            "neither a step time, a rate nor a memory: step_time_s or tokens_per_s_per_gpu would do", "nothing measured"
        )
    _check_peak(work, strategies, chip, batch, step_s)
    memory_bytes = memory * (2**30 if "gib" in words_of(cells) else 1e9) if memory else None
    _check_memory(memory_bytes, chip)
    return TrainingRow(
        name=cells.get("id") or cells["model"],
        source=source_of(cells),
        model=cells.get("model") or "",
        gpus_count=gpus,
        chip=chip,
        part=part,
        net=net_of(cells, chip, part, gpus),
        work=work,
        strategies=strategies,
        batch_count=batch,
        software=software.name,
        nearest=software.nearest,
        step_s=step_s,
        memory_bytes=memory_bytes,
        allocated=bool(re.search(row_words().allocated, words_of(cells))),
        known=known,
    )


def source_of(cells: Cells) -> str:
    """Where a row is from: the repository that its source names, else what its id begins with."""
    repository = re.match(r"([\w.-]+/[\w.-]+|arXiv)", cells.get("source") or "")
    return repository[1] if repository else (cells.get("id") or "").partition("-")[0] or "unknown"


def _work(model: ModelFile, tokens: int) -> Work:
    return transformer_work(model, tokens) if isinstance(model, TransformerModel) else work_of(model, tokens)


def _check_peak(work: Work, strategies: tuple[Strategy, ...], chip: Accelerator, batch: int, step_s: float | None) -> None:
    """Raises Unmodelled for a step that is shorter than its flops at the peak of its GPUs, which no machine can do.

    Counted are flops of the model, by two thirds with adapters, and a third again where all layers are recomputed.
    """
    if not step_s:
        return
    first = strategies[0]
    again = 1 + (first.recompute.layers_fraction / 3 if first.recompute and first.recompute.layers_fraction == 1 else 0.0)
    flop = batch * work.flop * again * (2 / 3 if first.adapters else 1.0)
    peak = max(peak_flop_per_s(chip, strategy.precision) for strategy in strategies)
    ratio = flop / (first.gpus_count * peak * step_s)
    if ratio > 1:
        read = f"read with {work.parameters_count / 1e9:.4g} billion parameters"
        wrong = f"{read}, its flops are {ratio:.2f} times what {first.gpus_count:,} GPUs at their peak do in {step_s:.4g} s"
        raise Unmodelled(f"{wrong}: time, batch, GPUs or model is wrong", "above the peak")


def _check_memory(memory_bytes: float | None, chip: Accelerator) -> None:
    """Raises Unmodelled for more memory than a GPU has."""
    has = constants(MemoryConstants).binary_ratio * chip.memory_bytes
    if memory_bytes is not None and memory_bytes > has:
        wrong = f"memory_gb is {memory_bytes / 1e9:.4g} GB, and a {chip.title} has {has / 1e9:.4g}"
        raise Unmodelled(f"{wrong}: memory_gb, its unit in note, or gpu is wrong", "memory above the GPU's")


def _step_s(cells: Cells, work: Work, batch: int, gpus: int) -> float | None:
    """Seconds a step: as published, else from tokens or flops a second and GPU, by the convention of the source.

    Full attention counts 12 L h s a token, causal half of it; hardware flops hold what was recomputed, 4/3 of the model's.
    """
    if step := number_of(cells, "step_time_s"):
        return step
    if rate := number_of(cells, "tokens_per_s_per_gpu"):
        return batch * work.tokens_count / rate / gpus if work.tokens_count else None
    rate = number_of(cells, "tflops_per_gpu")
    if not rate or not work.tokens_count:
        return None
    words = f"{cells.get('source') or ''} {cells.get('note') or ''}"
    full = 1.0 if re.search(CAUSAL, words) else 2.0
    attended = sum(layer.count * part.flop for layer in work.layers for part in layer.attention if part.causal)
    flop = work.flop + 3 * (full - 1) * attended
    again = 4 / 3 if re.search(HARDWARE, words) and cells.get("recompute") == "full" else 1.0
    return batch * flop * again / (gpus * rate * 1e12)
