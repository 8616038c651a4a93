"""The models of kernels, and of a transformer's steps on one GPU, against measured ones.

Kernels are from tables of an inference engine on four GPUs and from one H100 of our own; steps from that H100.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from terp.catalogue import Accelerator, read_catalogue
from terp.errors import Problem, Problems, TerpError
from terp.model import (
    SOFTWARE,
    STREAM_SHARE,
    Transformer,
    attention_s,
    decode_s,
    gemm_s,
    prefill_s,
    stream_s,
    train_step_s,
)
from terp.reader import read_text
from terp.validate.cases import expected, published_file
from terp.validate.grade import Case, Grade, Skipped

KINDS: Final = {
    "gemm": "gemm",
    "attn": "attention",
    "mem": "memory",
    "train": "train",
    "prefill": "prefill",
    "decode": "decode",
}
"""Kind of a row -> the model that it grades."""
_TORCH_ATTENTION: Final = (
    "share at 64",
    "share at 128",
    "row tokens, causal",
    "row tokens",
    "backward share",
    "backward rows",
)
CONSTANTS: Final = {
    "gemm": (
        "launch", "busy share", "read share", "reduce share", "extra depth", "host of PyTorch",
        *(f"busy share of PyTorch in {precision}" for precision in SOFTWARE["torch-eager"].busy_share),
    ),
    "attention": (
        "launch", "share at 64", "share at 128", "share at 192", "share at 256", "row tokens", "read share",
        *(f"{name} of {kernel}" for kernel in SOFTWARE["torch-eager"].attention for name in _TORCH_ATTENTION),
    ),
    "memory": ("host", "share in the cache", *(f"share of {work}" for work in STREAM_SHARE)),
    "train": (),
    "prefill": (),
    "decode": ("rate of a block", "share of the memory rate"),
}  # fmt: skip
"""Model -> the names of its fitted constants."""
STEPS: Final = ("train", "prefill", "decode")
NOT_CAUSAL: Final = ("bert", "protein", "logs")
"""What names of models that were timed begin with, if their attention looks both ways."""
PROTEIN_VOCABULARY: Final = 64
YES, NO = ("true", "1", "yes"), ("false", "0", "no", "")
SHIPPED: Final = (
    ("aiconfigurator", "table.csv", "trtllm-2025"),
    ("terp-h100", "kernels.csv", "torch-eager"),
    ("terp-h100", "steps.csv", "torch-steps"),
)
"""Source, file and software of the rows that ship."""
BACKENDS: Final = {"FLASH_ATTENTION": "flash2", "CUDNN_ATTENTION": "cudnn", "": "trtllm"}
FIT_TOKENS: Final = ("512", "4096", "32768")
FIT_BATCHES: Final = ("1", "32")
OWN: Final = "terp-h100"


@dataclass(frozen=True)
class KernelRow:
    """One measured kernel or step: where it is from, its kind, GPU, software, columns, time [s], and whether a backward."""

    source: str
    kind: str
    gpu: str
    software: str
    text: Mapping[str, str]
    time_s: float
    backward: bool = False

    def whole(self, column: str, otherwise: int = 0) -> int:
        """A column as a whole number."""
        return int(float(self.text[column])) if self.text.get(column) else otherwise

    def flag(self, column: str, otherwise: str = "") -> bool:
        """A column as yes or no."""
        return self.text.get(column, otherwise).lower() in YES

    @property
    def kernel(self) -> str:
        """The attention kernel, by the model's name."""
        return BACKENDS.get(self.text["backend"], self.text["backend"])

    @property
    def name(self) -> str:
        """The kernel in a few words."""
        if self.kind == "gemm":
            return f"{self.text['dtype']} {self.text['m']} x {self.text['n']} x {self.text['k']}"
        if self.kind == "attn":
            words = [self.text["b"], self.text["heads"], self.text["s_len"], self.text["hd"]]
            return f"{self.kernel} {' x '.join(words)}{', backward' if self.backward else ''}"
        if self.kind in STEPS:
            words = [self.text.get("name", ""), self.text["batch"], self.text.get("seq") or self.text.get("ctx", "")]
            return " x ".join(word for word in words if word)
        return f"{self.text['op']} of {float(self.text['bytes']):.3g} B"


@cache
def _shipped() -> tuple[tuple[KernelRow, ...], tuple[Skipped, ...]]:
    """The rows that ship, and those of models that there are none of."""
    rows: list[KernelRow] = []
    skipped = []
    for source, name, software in SHIPPED:
        for line in csv.DictReader(io.StringIO(read_text(published_file(source, name)))):
            filled = {key: value for key, value in line.items() if value}
            text: dict[str, str] = {"backend": "", "causal": "true", **filled}
            reason = why_not(text)
            if reason:
                skipped.append(Skipped(text.get("name", text["kind"]), reason))
            else:
                rows += _times(source, text, line.get("gpu") or "h100-sxm-80gb", software)
    return tuple(rows), tuple(skipped)


def shipped_rows() -> tuple[KernelRow, ...]:
    """The kernels that ship: a draw of the engine's tables, and all of our own H100."""
    return _shipped()[0]


def _times(source: str, text: Mapping[str, str], gpu: str, software: str) -> list[KernelRow]:
    """A row for each time that a line holds: attention has a forward and may have a backward."""
    columns = ("fwd_s", "bwd_s") if text["kind"] == "attn" else ("s",)
    return [
        KernelRow(source, text["kind"], gpu, software, text, float(text[column]), column == "bwd_s")
        for column in columns
        if text.get(column)
    ]


def is_for_fitting(row: KernelRow) -> bool:
    """True if constants were fitted to the row.

    Those are the engine's H100; of ours half of the BF16 shapes by a hash, three lengths of attention, and everything of
    which there are too few to hold out.
    """
    if row.source == "aiconfigurator":
        return row.gpu == "h100-sxm-80gb"
    if row.source != OWN:
        return False
    if row.kind == "gemm" and row.text["dtype"] == "bf16":
        return int(hashlib.sha256(f"{row.text['n']}x{row.text['k']}".encode()).hexdigest(), 16) % 2 == 0
    if row.kind == "attn":
        return row.text["s_len"] in FIT_TOKENS
    return row.kind in ("mem", "gemm") or (row.kind == "decode" and row.text["batch"] in FIT_BATCHES)


def predict(row: KernelRow) -> float:
    """The model's time of a row [s].  Raises TerpError for what is not modelled."""
    chip, text = read_catalogue().part(Accelerator, row.gpu), row.text
    if row.kind == "gemm":
        m, n, k = (row.whole(size) for size in ("m", "n", "k"))
        return float(gemm_s(chip, m, n, k, precision=text["dtype"], software=row.software))
    if row.kind == "attn":
        heads = row.whole("heads")
        return float(
            attention_s(
                chip, row.whole("b"), heads, row.whole("s_len"), row.whole("hd"), kv_heads=row.whole("kv", heads),
                causal=row.flag("causal"), backward=row.backward, kernel=row.kernel, software=row.software,
            )
        )  # fmt: skip
    if row.kind == "mem":
        return float(stream_s(chip, float(text["bytes"]), text["op"]))
    shape, batch = _shape(row), row.whole("batch")
    if row.kind == "train":
        recompute, compiled = row.flag("recompute"), row.flag("compile", "true")
        return train_step_s(chip, shape, batch, row.whole("seq"), recompute=recompute, compiled=compiled).step_s
    if row.kind == "prefill":
        return prefill_s(chip, shape, batch, row.whole("seq"))
    return decode_s(chip, shape, batch, row.whole("ctx"))


def _shape(row: KernelRow) -> Transformer:
    """The transformer of a step."""
    if row.kind != "train":
        layers, hidden, heads, kv, inner, vocabulary = (int(size) for size in json.loads(row.text["arch"]))
        return Transformer(layers, hidden, heads, kv, inner, vocabulary, gated=True)
    return Transformer(
        layers_count=row.whole("L"),
        hidden_count=row.whole("h"),
        heads_count=row.whole("heads"),
        kv_heads_count=row.whole("kv", row.whole("heads")),
        inner_count=row.whole("ffn", 4 * row.whole("h")),
        vocabulary_count=row.whole("vocab", PROTEIN_VOCABULARY),
        gated=row.flag("swiglu"),
        causal=not row.text["name"].startswith(NOT_CAUSAL),
    )


def _baseline(row: KernelRow) -> float | None:
    """One line: flops over three quarters of the peak (half in attention), and no less than the launch or the bytes."""
    chip, ran = read_catalogue().part(Accelerator, row.gpu), SOFTWARE[row.software]
    peak = chip.peak_flop_per_s["bf16"]
    if row.kind == "gemm" and row.text["dtype"] in ("bf16", "fp16"):
        m, n, k = (row.whole(size) for size in ("m", "n", "k"))
        moved_s = 2 * (m * k + k * n + m * n) / chip.memory_rate_bytes_per_s
        return max(2 * m * n * k / (0.75 * peak), moved_s, ran.host_s, ran.launch_s)
    if row.kind == "attn":
        pairs = row.whole("b") * row.whole("heads") * row.whole("s_len") ** 2 * (0.5 if row.flag("causal") else 1.0)
        work = 4 * pairs * row.whole("hd") * (2.5 if row.backward else 1.0)
        return max(work / (0.5 * peak), ran.attention_launch_s, ran.host_s)
    return _step_baseline(chip, row) if row.kind in STEPS else None


def _step_baseline(chip: Accelerator, row: KernelRow) -> float:
    """Model flops over half of the peak, recomputation counted; in decoding the weights over the memory rate, if longer."""
    shape, peak, batch = _shape(row), 0.5 * chip.peak_flop_per_s["bf16"], row.whole("batch")
    weights = shape.layers_count * shape.layer_parameters_count + shape.hidden_count * shape.vocabulary_count
    if row.kind == "train":
        seen, tokens = (8 if row.flag("recompute") else 6), row.whole("seq")
        attention = 2 * seen * shape.layers_count * shape.hidden_count * tokens / (2 if shape.causal else 1)
        return batch * tokens * (seen * weights + attention) / peak
    tokens = batch * (row.whole("seq") if row.kind == "prefill" else 1)
    return float(max(2 * weights * tokens / peak, 2 * weights / chip.memory_rate_bytes_per_s))


def grade_kernels(path: Path | None = None, gpu: str | None = None) -> tuple[dict[str, Grade], tuple[Skipped, ...]]:
    """The grade of each kind of kernel, and the rows that none was made of: on shipped rows that nothing was fitted to, or
    on all rows of a JSON-lines file.

    gpu   the catalogue's name of the GPU that the file was measured on

    Raises Problems for a file, UnknownName for a GPU.
    """
    if path is None:
        all_rows, left = _shipped()
        rows, skipped = [row for row in all_rows if not is_for_fitting(row)], list(left)
    else:
        all_rows, (rows, skipped) = (), _read(path, gpu or "h100-sxm-80gb")
    cases: dict[str, list[Case]] = {model: [] for model in KINDS.values()}
    for row in rows:
        try:
            told = predict(row)
        except TerpError as error:
            skipped.append(Skipped(row.name, str(error).splitlines()[0]))
            continue
        part = f"{row.source}, {row.gpu}"
        cases[KINDS[row.kind]].append(Case(row.name, part, row.time_s, told, _baseline(row), {"shape": "stated"}))
    fitted = {model: sum(is_for_fitting(row) for row in all_rows if KINDS[row.kind] == model) for model in cases}
    grades = {
        model: Grade(
            model=model,
            quantity="time",
            unit="s",
            rows_count=len(found) + fitted[model],
            fitted_count=fitted[model],
            cases=tuple(found),
            skipped=(),
            constants=CONSTANTS[model],
            limits=expected("aiconfigurator", model),
        )
        for model, found in cases.items()
    }
    return grades, tuple(skipped)


def _read(path: Path, gpu: str) -> tuple[list[KernelRow], list[Skipped]]:
    """The kernels of a JSON-lines file, and its other lines with the reason why none is made of them."""
    read_catalogue().part(Accelerator, gpu)
    rows: list[KernelRow] = []
    skipped, problems = [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            data: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            wrong = f"not JSON: {getattr(error, 'msg', 'nested too deeply, or a number too long')}"
            problems.append(Problem(str(path), number, getattr(error, "colno", 1), "", wrong))
            continue
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            problems.append(Problem(str(path), number, 1, "kind", "missing", would_do='write {"kind": "gemm", ...} a line'))
            continue
        text = {"backend": "CUDNN_ATTENTION", "causal": "true"}
        text |= {key: str(value) for key, value in data.items() if value is not None}
        reason = why_not(text)
        if reason:
            skipped.append(Skipped(f"line {number}, {text['kind']}", reason))
        else:
            rows += _times(path.name, text, gpu, "torch-steps" if text["kind"] in STEPS else "torch-eager")
    if problems:
        raise Problems(problems)
    return rows, skipped


_NEEDED: Final = {
    "gemm": ("dtype", "m", "n", "k", "s"),
    "attn": ("b", "heads", "s_len", "hd", "fwd_s"),
    "mem": ("op", "bytes", "s"),
    "train": ("name", "L", "h", "heads", "seq", "batch", "s"),
    "prefill": ("arch", "batch", "seq", "s"),
    "decode": ("arch", "batch", "ctx", "s"),
}
_WHOLE: Final = ("m", "n", "k", "b", "heads", "s_len", "hd", "kv", "L", "h", "ffn", "vocab", "seq", "batch", "ctx")
_MOST_WHOLE: Final = 10**9
_TIMES: Final = ("s", "fwd_s", "bwd_s")
_FLAGS: Final = ("causal", "swiglu", "recompute", "compile")


def why_not(text: Mapping[str, str]) -> str:
    """Why no kernel is made of a line; empty if one is."""
    kind = text["kind"]
    if "error" in text:
        return f"it failed when it was measured: {text['error'][:60]}"
    if kind not in KINDS:
        return f"no model of kind {kind[:20]!r}; there are " + ", ".join(KINDS)
    missing = [key for key in _NEEDED[kind] if key not in text]
    if missing:
        model = f"{text.get('name', 'it')[:40]} is not a transformer that is modelled: " if kind in STEPS else ""
        return model + "no " + ", ".join(missing)
    if kind == "attn" and text["backend"] not in (*BACKENDS, *BACKENDS.values()):
        return f"no attention kernel {text['backend'][:30]!r}; there are " + ", ".join(filter(None, BACKENDS))
    for key in text:
        bad = _bad(key, text[key])
        if bad:
            return f"{key} is {text[key][:20]!r}, {bad}"
    heads = _number(text.get("heads", "1"))
    if kind == "train" and _number(text["h"]) < heads:
        return "more heads than its hidden size"
    return ""


def _bad(key: str, cell: str) -> str:
    """What is wrong with a cell; empty if nothing is."""
    value = _number(cell)
    if key in _WHOLE and not (value == int(value) and 1 <= value <= _MOST_WHOLE):
        return "no whole number from 1 to a billion"
    if key in _TIMES and not 1e-9 <= value <= 1e6:
        return "no time from 1 ns to a million seconds"
    if key == "bytes" and not 1 <= value <= 1e15:
        return "no number of bytes"
    if key in _FLAGS and cell.lower() not in (*YES, *NO):
        return "neither true nor false"
    if key == "arch":
        try:
            sizes = json.loads(cell)
            right = len(sizes) == 6 and all(isinstance(size, int) and 1 <= size <= _MOST_WHOLE for size in sizes)
            right = right and sizes[3] <= sizes[2] <= sizes[1]
        except (ValueError, TypeError, RecursionError):
            right = False
        return "" if right else "not [layers, hidden, heads, kv heads, inner, vocabulary]"
    return ""


def _number(cell: str) -> float:
    """A cell as a finite number; -1 if it is none."""
    try:
        value = float(cell)
    except ValueError:
        return -1.0
    return value if abs(value) < 1e300 else -1.0
