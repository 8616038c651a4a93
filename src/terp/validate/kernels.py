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
        *(f"busy share of PyTorch, {precision}" for precision in SOFTWARE["torch-eager"].busy_share),
    ),
    "attention": (
        "launch", "share at 64", "share at 128", "share at 192", "share at 256", "row tokens", "read share",
        *(f"{name} of {kernel}" for kernel in SOFTWARE["torch-eager"].attention for name in _TORCH_ATTENTION),
    ),
    "memory": ("host", "share in the cache", *(f"share of {work}" for work in STREAM_SHARE)),
    "train": (),
    "prefill": (),
    "decode": ("rate of a block",),
}  # fmt: skip
"""Model -> the names of its fitted constants."""
STEPS: Final = ("train", "prefill", "decode")
NOT_CAUSAL: Final = ("bert", "protein", "logs")
"""What names of models that were timed begin with, if their attention looks both ways."""
PROTEIN_VOCABULARY: Final = "64"
BACKENDS: Final = {"FLASH_ATTENTION": "flash2", "CUDNN_ATTENTION": "cudnn", "": "trtllm"}
FIT_TOKENS: Final = ("512", "4096", "32768")
OWN: Final = "terp-h100"


@dataclass(frozen=True)
class KernelRow:
    """One measured kernel: where it is from, its kind, the GPU, its columns, its time [s], and whether it is a backward."""

    source: str
    kind: str
    gpu: str
    text: Mapping[str, str]
    time_s: float
    backward: bool = False

    @property
    def name(self) -> str:
        """The kernel in a few words."""
        if self.kind == "gemm":
            return f"{self.text['dtype']} {self.text['m']} x {self.text['n']} x {self.text['k']}"
        if self.kind == "attn":
            words = [self.text["b"], self.text["heads"], self.text["s_len"], self.text["hd"]]
            return f"{BACKENDS[self.text['backend']]} {' x '.join(words)}{', backward' if self.backward else ''}"
        if self.kind in STEPS:
            words = [self.text.get("name", ""), self.text["batch"], self.text.get("seq") or self.text.get("ctx", "")]
            return " x ".join(word for word in words if word)
        return f"{self.text['op']} of {float(self.text['bytes']):.3g} B"


@cache
def shipped_rows() -> tuple[KernelRow, ...]:
    """The kernels that ship: a draw of the engine's tables, and all of our own H100."""
    rows: list[KernelRow] = []
    for source, name in (("aiconfigurator", "table.csv"), (OWN, "kernels.csv"), (OWN, "steps.csv")):
        text = read_text(published_file(source, name))
        for line in csv.DictReader(io.StringIO(text)):
            filled = {"backend": "", "causal": "True"} | {key: value for key, value in line.items() if value}
            if not _why_not(filled):
                rows += _times(source, filled, line.get("gpu") or "h100-sxm-80gb")
    return tuple(rows)


def _times(source: str, text: Mapping[str, str], gpu: str) -> list[KernelRow]:
    """A row for each time that a line holds: attention has a forward and may have a backward."""
    columns = ("fwd_s", "bwd_s") if text["kind"] == "attn" else ("s",)
    return [
        KernelRow(source, text["kind"], gpu, text, float(text[column]), column == "bwd_s")
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
    return row.kind in ("mem", "gemm") or (row.kind == "decode" and row.text["batch"] == "1")


def predict(row: KernelRow) -> float:
    """The model's time of a row [s].  Raises TerpError for what is not modelled."""
    chip, text = read_catalogue().part(Accelerator, row.gpu), row.text
    software = "trtllm-2025" if row.source == "aiconfigurator" else "torch-eager"
    if row.kind == "gemm":
        m, n, k = (float(text[size]) for size in ("m", "n", "k"))
        return float(gemm_s(chip, m, n, k, precision=text["dtype"], software=software))
    if row.kind == "attn":
        size = (float(text["b"]), float(text["heads"]), float(text["s_len"]))
        kernel = BACKENDS.get(text["backend"], text["backend"])
        causal = str(text["causal"]).lower() in ("true", "1")
        return float(
            attention_s(
                chip,
                *size,
                int(text["hd"]),
                kv_heads=float(text.get("kv") or text["heads"]),
                causal=causal,
                backward=row.backward,
                kernel=kernel,
                software=software,
            )
        )
    if row.kind in STEPS:
        return _step_s(chip, row)
    return float(stream_s(chip, float(text["bytes"]), text["op"]))


def _step_s(chip: Accelerator, row: KernelRow) -> float:
    """A whole step of a dense transformer [s]."""
    text, batch = row.text, int(row.text["batch"])
    if row.kind == "train":
        shape = Transformer(
            layers_count=int(text["L"]),
            hidden_count=int(text["h"]),
            heads_count=int(text["heads"]),
            kv_heads_count=int(text.get("kv") or text["heads"]),
            inner_count=int(text.get("ffn") or 4 * int(text["h"])),
            vocabulary_count=int(text.get("vocab") or PROTEIN_VOCABULARY),
            gated=text.get("swiglu") == "True",
            causal=not text["name"].startswith(NOT_CAUSAL),
        )
        recompute, compiled = text.get("recompute") == "True", text.get("compile") != "False"
        return train_step_s(chip, shape, batch, int(text["seq"]), recompute=recompute, compiled=compiled).step_s
    layers, hidden, heads, kv, inner, vocabulary = json.loads(text["arch"])
    shape = Transformer(layers, hidden, heads, kv, inner, vocabulary, gated=True)
    if row.kind == "prefill":
        return prefill_s(chip, shape, batch, int(text["seq"]))
    return decode_s(chip, shape, batch, int(text["ctx"]))


def _baseline(row: KernelRow) -> float | None:
    """One line: flops over three quarters of the peak (half in attention), and no less than the launch or the bytes."""
    chip, text = read_catalogue().part(Accelerator, row.gpu), row.text
    ran = SOFTWARE["trtllm-2025" if row.source == "aiconfigurator" else "torch-eager"]
    if row.kind == "gemm" and text["dtype"] in ("bf16", "fp16"):
        m, n, k = (float(text[size]) for size in ("m", "n", "k"))
        peak_s = 2 * m * n * k / (0.75 * chip.peak_flop_per_s["bf16"])
        moved_s = 2 * (m * k + k * n + m * n) / chip.memory_rate_bytes_per_s
        return max(peak_s, moved_s, ran.host_s, ran.launch_s)
    if row.kind == "attn":
        b, h, s = (float(text[size]) for size in ("b", "heads", "s_len"))
        causal = str(text["causal"]).lower() in ("true", "1")
        work = 4 * b * h * s * s * float(text["hd"]) * (0.5 if causal else 1.0) * (2.5 if row.backward else 1.0)
        return max(work / (0.5 * chip.peak_flop_per_s["bf16"]), ran.attention_launch_s, ran.host_s)
    return _step_baseline(chip, row) if row.kind in STEPS else None


def _step_baseline(chip: Accelerator, row: KernelRow) -> float:
    """Model flops over half of the peak, recomputation counted; in decoding the weights over the memory rate, if longer."""
    text, peak = row.text, 0.5 * chip.peak_flop_per_s["bf16"]
    if row.kind == "train":
        h, f = int(text["h"]), int(text.get("ffn") or 4 * int(text["h"]))
        kv = int(text.get("kv") or text["heads"]) / int(text["heads"])
        weights = int(text["L"]) * (h * h * (2 + 2 * kv) + h * f * (3 if text.get("swiglu") == "True" else 2))
        weights += h * int(text.get("vocab") or PROTEIN_VOCABULARY)
        seen = 8 if text.get("recompute") == "True" else 6
        attention = 2 * seen * int(text["L"]) * h * int(text["seq"]) / (1 if text["name"].startswith(NOT_CAUSAL) else 2)
        return int(text["batch"]) * int(text["seq"]) * (seen * weights + attention) / peak
    layers, h, heads, kv, f, vocabulary = json.loads(text["arch"])
    weights = layers * (h * h * (2 + 2 * kv / heads) + 3 * h * f) + h * vocabulary
    tokens = int(text["batch"]) * (int(text["seq"]) if row.kind == "prefill" else 1)
    return float(max(2 * weights * tokens / peak, 2 * weights / chip.memory_rate_bytes_per_s))


def grade_kernels(path: Path | None = None, gpu: str | None = None) -> dict[str, Grade]:
    """The grade of each kind of kernel: on shipped rows that nothing was fitted to, or on all rows of a JSON-lines file.

    gpu   the catalogue's name of the GPU that the file was measured on

    Raises Problems for a file, UnknownName for a GPU.
    """
    skipped: list[Skipped] = []
    if path is None:
        rows = [row for row in shipped_rows() if not is_for_fitting(row)]
    else:
        rows, skipped = _read(path, gpu or "h100-sxm-80gb")
    cases: dict[str, list[Case]] = {model: [] for model in KINDS.values()}
    for row in rows:
        try:
            told = predict(row)
        except (TerpError, ValueError, TypeError, KeyError, OverflowError, ZeroDivisionError) as error:
            skipped.append(Skipped(row.name if row.kind in KINDS else row.kind, str(error).splitlines()[0]))
            continue
        part = f"{row.source}, {row.gpu}"
        cases[KINDS[row.kind]].append(Case(row.name, part, row.time_s, told, _baseline(row), {"shape": "stated"}))
    fitted = dict.fromkeys(KINDS.values(), 0)
    for row in shipped_rows():
        fitted[KINDS[row.kind]] += is_for_fitting(row)
    return {
        model: Grade(
            model=model,
            quantity="time",
            unit="s",
            rows_count=len(found) + (fitted[model] if path is None else 0),
            fitted_count=fitted[model] if path is None else 0,
            cases=tuple(found),
            skipped=tuple(skipped) if model == "gemm" else (),
            constants=CONSTANTS[model],
            limits=expected("aiconfigurator", model),
        )
        for model, found in cases.items()
    }


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
        except json.JSONDecodeError as error:
            problems.append(Problem(str(path), number, error.colno, "", f"not JSON: {error.msg}"))
            continue
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            problems.append(Problem(str(path), number, 1, "kind", "missing", would_do='write {"kind": "gemm", ...} a line'))
            continue
        text = {key: str(value) for key, value in data.items() if value is not None}
        reason = _why_not(text)
        if reason:
            skipped.append(Skipped(f"line {number}, {text['kind']}", reason))
        else:
            rows += _times(path.stem, {"backend": "CUDNN_ATTENTION", "causal": "True", **text}, gpu)
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
_TEXTS: Final = ("dtype", "op", "name", "arch")


def _why_not(text: Mapping[str, str]) -> str:
    """Why no kernel is made of a line; empty if one is."""
    kind = text["kind"]
    if "error" in text:
        return f"it failed when it was measured: {text['error'][:60]}"
    if kind not in KINDS:
        return f"no model of kind {kind!r}; there are " + ", ".join(KINDS)
    missing = [key for key in _NEEDED[kind] if key not in text]
    if missing:
        model = f"{text.get('name', 'it')} is not a transformer that is modelled: " if kind in STEPS else ""
        return model + "no " + ", ".join(missing)
    for key in (key for key in _NEEDED[kind] if key not in _TEXTS):
        try:
            if not 0 < float(text[key]) < 1e18:
                return f"{key} is {text[key][:20]!r}, no number above 0"
        except ValueError:
            return f"{key} is {text[key][:20]!r}, no number"
    return ""
