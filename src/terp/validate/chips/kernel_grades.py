"""The models of kernels, and of whole steps on one GPU, against measured ones.

Kernels are from tables of an inference engine on four GPUs and from one H100 of our own; steps from that H100.
Each kind of kernel or step has a grade of its own, all in one `KernelGrades`; rows that the models refuse are left out
with the reason.  Which rows constants were fitted to, `kernel_rows.is_for_fitting` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from terp.catalogue import Accelerator, constants, read_catalogue, read_reference
from terp.describe import TransformerModel
from terp.errors import TerpError
from terp.physics import (
    Strategy,
    TrainingStep,
    Work,
    attention_s,
    decode_s,
    gemm_s,
    generation_named,
    interconnect_between,
    predict_step,
    prefill_s,
    stream_s,
    work_of,
)
from terp.physics.gpu.kernels import software_named
from terp.physics.intervals import Intervals
from terp.physics.training.stage import RECOMPUTE
from terp.results.record import Json
from terp.validate.chips.kernel_rows import BESIDE, KINDS, KernelRow, is_for_fitting, read_rows, shipped
from terp.validate.chips.timed_models import answering_model, is_recomputed, model_of
from terp.validate.grading.cases import expected
from terp.validate.grading.grade import Errors, Grade, GradedCase, Skipped, skipped_data
from terp.validate.grading.left_out import with_known_intervals, with_left_out_intervals

MODELS: Final = (*KINDS.values(), *BESIDE)
"""What is graded: the kinds of kernels and steps, and power and memory of training steps."""
UNITS: Final = {"train-power": ("power", "w"), "train-memory": ("memory", "bytes")}
"""Quantity and unit of a model, if not time in seconds."""
_TORCH_ATTENTION: Final = (
    "share at 64",
    "share at 128",
    "row tokens, causal",
    "row tokens",
    "backward share",
    "backward rows",
)
TILED: Final = ("ampere", "blackwell")
"""Architectures beside Hopper on half of whose shapes constants were fitted."""
_PYTORCH: Final = ("bf16", "fp16", "fp8", "tf32", "fp32", "fp64")
_STREAMS: Final = ("copy", "add", "gelu", "layernorm", "softmax", "adamw_fp32")
"""Precisions, and kinds of work that only moves memory, that something was fitted to in PyTorch."""
_TILING: Final = ("launch", "busy share", "exposed share", "reduce share")
CONSTANTS: Final = {
    "gemm": (
        "launch", "busy share", "read share", "reduce share", "extra depth", "host of PyTorch",
        *(f"busy share of PyTorch in {precision}" for precision in _PYTORCH),
        *(f"{name} of {architecture}" for architecture in TILED for name in _TILING),
    ),
    "attention": (
        "launch", "share at 64", "share at 128", "share at 192", "share at 256", "row tokens", "read share",
        *(f"{name} of {architecture}" for architecture in TILED for name in ("share", "rows")),
        *(f"{name} of {kernel}" for kernel in ("flash2", "cudnn") for name in _TORCH_ATTENTION),
    ),
    "memory": ("host", "share in the cache", *(f"share of {work}" for work in _STREAMS)),
    "train": ("fetched by convolutions", "step of a norm's block", "bytes of transforms"),
    "prefill": (),
    "decode": ("rate of a block", "share of the memory rate"),
    "train-power": (
        "power that moves nothing", "energy of a byte", "energy of a fetched byte", "energy of a flop", "flops of FP8",
        "flops of attention", "power of the clock",
    ),
    "train-memory": (),
}  # fmt: skip
"""Model -> the names of its fitted constants."""


def predict(row: KernelRow) -> float:
    """The model's number of a row, in SI: seconds, or watts and bytes for power and memory of a step.

    Raises TerpError for what is not modelled, such as a precision that the GPU has not.
    """
    return _PREDICTED[row.model](read_catalogue().part(Accelerator, row.gpu), row)


def _gemm_s(chip: Accelerator, row: KernelRow) -> float:
    """Time of a GEMM of m x n x k in the row's precision and software [s].

    m, n and k are of C = A B with A of m x k and B of k x n; the software adds its launch and its host's time.
    """
    m, n, k = (row.whole(size) for size in ("m", "n", "k"))
    return float(gemm_s(chip, m, n, k, precision=row.text["dtype"], software=row.software))


def _attention_s(chip: Accelerator, row: KernelRow) -> float:
    """Time of an attention kernel over b samples, forward or backward as the row says [s].

    Heads of keys and values are as many as heads where the row does not say.
    """
    heads = row.whole("heads")
    return float(
        attention_s(
            chip, row.whole("b"), heads, row.whole("s_len"), row.whole("hd"), kv_heads=row.whole("kv", heads),
            causal=row.flag("causal"), backward=row.backward, kernel=row.kernel, software=row.software,
        )
    )  # fmt: skip


def _stream_s(chip: Accelerator, row: KernelRow) -> float:
    """Time of an elementwise or normalising kernel that moves the row's bytes [s].

    op   what the kernel does, such as "copy" or "softmax"; bytes are those read and written together
    """
    return float(stream_s(chip, float(row.text["bytes"]), row.text["op"]))


def _work(row: KernelRow) -> Work:
    """The work of a training step's row.

    Sequence length is 0 where the row has none, as for images and volumes.
    """
    return work_of(model_of(row.text), row.whole("seq"))


def _is_recomputed(row: KernelRow) -> bool:
    """Whether all layers are recomputed in the backward pass, by the row or by the model's own code."""
    return row.flag("recompute") or is_recomputed(row.text)


def _step(chip: Accelerator, row: KernelRow) -> TrainingStep:
    """A training step on one GPU, by the path that steps on many take.

    Compiled unless the row says otherwise; without sharding, as there is nobody to share with.
    """
    recompute = RECOMPUTE["full" if _is_recomputed(row) else "none"]
    batch = row.whole("batch")
    strategy = Strategy(gpus_count=1, micro_batch_count=batch, zero_count=0, recompute=recompute)
    generation = generation_named("compiled" if row.flag("compile", "true") else "eager")
    return predict_step(chip, interconnect_between(chip, 1, 0.0), _work(row), strategy, batch, generation)


def _train_bytes(chip: Accelerator, row: KernelRow) -> float:
    """Memory that the allocator of PyTorch counts [bytes]: all but what stays outside of it.

    Context of the driver and libraries are outside of it, and no measurement by the allocator has them.
    """
    memory = _step(chip, row).memory
    return float(memory.total_bytes - memory.other_bytes)


_PREDICTED: Final[dict[str, Callable[[Accelerator, KernelRow], float]]] = {
    "gemm": _gemm_s,
    "attention": _attention_s,
    "memory": _stream_s,
    "train": lambda chip, row: _step(chip, row).step_s,
    "train-power": lambda chip, row: _step(chip, row).column.power_w,
    "train-memory": _train_bytes,
    "prefill": lambda chip, row: prefill_s(chip, answering_model(row.text), row.whole("batch"), row.whole("seq")),
    "decode": lambda chip, row: decode_s(chip, answering_model(row.text), row.whole("batch"), row.whole("ctx")),
}
"""Model -> its number for a row."""


def baseline(row: KernelRow) -> float | None:
    """The number of the one-line rule for a row, in SI; None for kinds that have no such rule.

    GEMM        flops over three quarters of the BF16 peak, no less than the launch or the bytes over the memory rate [s]
    attention   flops over half of the peak, no less than the launch [s]
    train       model flops, and what is recomputed, over half of the peak [s]
    answers     the weights' flops over half of the peak, or the weights over the memory rate, whichever is longer [s]
    power       the board's cap [W];  memory   18 bytes a parameter [bytes]
    """
    chip, ran = read_catalogue().part(Accelerator, row.gpu), software_named(row.software)
    peak = chip.peak_flop_per_s["bf16"]
    if row.kind == "gemm" and row.text["dtype"] in ("bf16", "fp16"):
        m, n, k = (row.whole(size) for size in ("m", "n", "k"))
        moved_s = 2 * (m * k + k * n + m * n) / chip.memory_rate_bytes_per_s
        return max(2 * m * n * k / (0.75 * peak), moved_s, ran.host_s, ran.launch_s)
    if row.kind == "attn":
        pairs = row.whole("b") * row.whole("heads") * row.whole("s_len") ** 2 * (0.5 if row.flag("causal") else 1.0)
        work = 4 * pairs * row.whole("hd") * (2.5 if row.backward else 1.0)
        return max(work / (0.5 * peak), ran.attention_launch_s, ran.host_s)
    if row.model == "train-power":
        return chip.board_power_w
    if row.model == "train-memory":
        return 18.0 * _work(row).parameters_count
    if row.model == "train":
        return row.whole("batch") * _work(row).flop * (4 / 3 if _is_recomputed(row) else 1.0) / (0.5 * peak)
    return _answer_s(chip, row) if row.kind in ("prefill", "decode") else None


def _answer_s(chip: Accelerator, row: KernelRow) -> float:
    """Weights' flops over half of the peak; the weights over the memory rate, if that takes longer [s].

    Embeddings are left out, as they are looked up and not multiplied.
    """
    model: TransformerModel = answering_model(row.text)
    work = work_of(model, 1)
    weights = work.parameters_count - work.embedding_parameters_count
    tokens = row.whole("batch") * (row.whole("seq") if row.kind == "prefill" else 1)
    worked_s, read_s = tokens / (0.5 * chip.peak_flop_per_s["bf16"]), 1 / chip.memory_rate_bytes_per_s
    return float(2 * weights * max(worked_s, read_s))


@dataclass(frozen=True)
class KernelGrades:
    """The grade of each kind of kernel and step, and the rows that no case was made of.

    kinds   model, a name of MODELS -> its grade, those without a case too
    left    rows that no case was made of, of all kinds
    """

    kinds: Mapping[str, Grade]
    left: tuple[Skipped, ...]

    @property
    def grades(self) -> tuple[Grade, ...]:
        """The grades of the kinds that have a case, in the order of MODELS."""
        return tuple(grade for grade in self.kinds.values() if grade.cases)

    def as_data(self) -> dict[str, Json]:
        """The JSON of `terp validate kernels`: all that was timed together, and each kind under `groups`.

        The errors at the top are of all kinds whose quantity is a time; power and memory stand under `groups` alone.  Kinds
        that the table has no row of are left out.
        """
        groups: dict[str, Json] = {kind: grade.as_data() for kind, grade in self.kinds.items() if grade.rows_count}
        timed = [grade for grade in self.kinds.values() if grade.quantity == "time"]
        together = Errors(tuple(case for grade in timed for case in grade.cases))
        fitted = sum(grade.fitted_count for grade in timed)
        return {
            "n": len(together.cases) + fitted + len(self.left),
            "graded": len(together.cases),
            "fitted": fitted,
            "skipped": skipped_data(self.left),
            **together.figures(),
            "groups": groups,
        }


def grade_kernels(path: Path | None = None, gpu: str | None = None) -> tuple[dict[str, Grade], tuple[Skipped, ...]]:
    """The grade of each kind of kernel and step, and the rows that none was made of: on shipped rows that nothing was fitted
    to, or on all rows of a JSON-lines file.

    path   the file; None for the rows that ship
    gpu    the catalogue's name of the GPU that the file was measured on, or its beginning; the reference GPU if None

    Gives model -> grade, and the rows left out.  Raises Problems for a file, UnknownName for a GPU.

    A row that a model refuses is left out with the first line of the error.  Rows of the caller's own are never taken for
    fitted.
    """
    all_rows, left = shipped() if path is None else read_rows(path, gpu or read_reference().record.gpu)
    rows, skipped = [row for row in all_rows if path is not None or not is_for_fitting(row)], list(left)
    cases: dict[str, list[GradedCase]] = {model: [] for model in MODELS}
    for row in rows:
        try:
            predicted = predict(row)
        except TerpError as error:
            skipped.append(Skipped(row.name, str(error).splitlines()[0]))
            continue
        part = f"{row.source}, {row.gpu}"
        cases[row.model].append(
            GradedCase(
                row.name,
                part,
                row.value,
                predicted,
                baseline(row),
                {"shape": "stated"},
                class_name=class_of(row),
                group=part,
            )
        )
    fitted = [row.model for row in all_rows if path is None and is_for_fitting(row)]
    given = {model: _with_intervals(model, of_model, shipped=path is None) for model, of_model in cases.items()}
    return {model: _grade(model, model_cases, fitted.count(model)) for model, model_cases in given.items()}, tuple(skipped)


def class_of(row: KernelRow) -> str:
    """How much is known of a row's chip: whether constants of its kind of kernel were fitted to tables of it."""
    return "chip fitted to" if (row.model, row.gpu) in _fitted_chips() else "chip not fitted to"


@cache
def _fitted_chips() -> frozenset[tuple[str, str]]:
    """Kind and GPU of all rows that constants were fitted to."""
    return frozenset((row.model, row.gpu) for row in shipped()[0] if is_for_fitting(row))


def _with_intervals(model: str, cases: list[GradedCase], *, shipped: bool) -> tuple[GradedCase, ...]:
    """The cases with intervals, of kinds of which tables of several chips are there; those of one chip have none."""
    if model not in constants(Intervals).models:
        return tuple(cases)
    return with_left_out_intervals(cases) if shipped else with_known_intervals(model, cases)


def _grade(model: str, cases: tuple[GradedCase, ...], fitted_count: int) -> Grade:
    """The grade of one kind; `fitted_count` rows of it were fitted to and are not among its cases."""
    quantity, unit = UNITS.get(model, ("time", "s"))
    return Grade(
        model=model,
        quantity=quantity,
        unit=unit,
        rows_count=len(cases) + fitted_count,
        fitted_count=fitted_count,
        cases=cases,
        skipped=(),
        constants=CONSTANTS[model],
        limits=expected("aiconfigurator", model),
    )
