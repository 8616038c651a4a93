"""Rows of measured kernels and steps: those that ship, those of the caller, and which of them constants were fitted to.

A line holds one kernel or one step; a step that tells its power and memory too becomes three rows, attention that tells
its backward two.  Lines that no row can be made of are kept as `Skipped` with the reason; only a file that is not what
it should be raises.  docs/formats/validate.md has the keys of a line.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from terp.catalogue import read_catalogue, read_reference
from terp.errors import Problem, Problems
from terp.reader import read_text
from terp.validate.chips.timed_models import why_no_model
from terp.validate.grading.cases import published_file
from terp.validate.grading.grade import Skipped
from terp.validate.grading.split import groups_for_fitting

KINDS: Final = {
    "gemm": "gemm",
    "attn": "attention",
    "mem": "memory",
    "train": "train",
    "prefill": "prefill",
    "decode": "decode",
}
"""Kind of a row -> the model that it grades."""
BESIDE: Final = {"train-power": ("power_w", 1.0), "train-memory": ("mem_gb", 1e9)}
"""What a training step's row may say beside its time -> its column, and what that is in SI."""
STEPS: Final = ("train", "prefill", "decode")
"""Kinds that are whole steps on one GPU: training, reading a prompt, and making the next token."""
YES, NO = ("true", "1", "yes"), ("false", "0", "no", "")
"""What stands for true, and for false, in a cell."""
SHIPPED: Final = (
    ("aiconfigurator", "table.csv", "trtllm-2025"),
    ("terp-h100", "kernels.csv", "torch-eager"),
    ("terp-h100", "steps.csv", "torch-steps"),
)
"""Source, file and software of the rows that ship."""
BACKENDS: Final = {"FLASH_ATTENTION": "flash2", "CUDNN_ATTENTION": "cudnn", "": "trtllm"}
"""Attention kernels by the names that PyTorch has -> the model's; a row without one is of the inference engine."""
OWN: Final = "terp-h100"
"""The source that is our own H100."""
FIT_TOKENS: Final = ("512", "4096", "32768")
"""Lengths of attention, as cells have them, that constants were fitted to."""
FIT_BATCHES: Final = ("1", "32")
"""Batches of decoding that constants were fitted to."""
FIT_STEPS: Final = ("unet3d-b2-p128", "fourcast-b1", "resnet50-b128")
"""Steps whose times constants of convolutions, norms over planes and transforms were fitted to."""


@dataclass(frozen=True)
class KernelRow:
    """One measured number of a kernel or step, in SI.

    source     folder of validation/, or the caller's file
    kind       a key of KINDS
    model      what it grades: one of KINDS' or BESIDE's names
    gpu        the catalogue's name
    software   generation of kernels that ran it
    text       the line's columns as printed
    value      the number: seconds, or watts or bytes for what stands in BESIDE
    backward   whether it is of the backward pass
    """

    source: str
    kind: str
    model: str
    gpu: str
    software: str
    text: Mapping[str, str]
    value: float
    backward: bool = False

    def whole(self, column: str, otherwise: int = 0) -> int:
        """A column as a whole number; `otherwise` where it is empty or not there."""
        return int(float(self.text[column])) if self.text.get(column) else otherwise

    def flag(self, column: str, otherwise: str = "") -> bool:
        """A column as yes or no; what `otherwise` spells where it is not there."""
        return self.text.get(column, otherwise).lower() in YES

    @property
    def kernel(self) -> str:
        """The attention kernel, by the model's name.

        It is from the column `backend`, where a name that is no key of BACKENDS is the model's already.
        """
        return BACKENDS.get(self.text["backend"], self.text["backend"])

    @property
    def name(self) -> str:
        """The kernel in a few words.

        Sizes joined by x; for kernels that move memory the kind of work and the bytes.
        """
        if self.kind == "gemm":
            return f"{self.text['dtype']} {self.text['m']} x {self.text['n']} x {self.text['k']}"
        if self.kind == "attn":
            words = [self.text["b"], self.text["heads"], self.text["s_len"], self.text["hd"]]
            return f"{self.kernel} {' x '.join(words)}{', backward' if self.backward else ''}"
        if self.kind in STEPS:
            words = [self.text.get("name", ""), self.text["batch"], self.text.get("seq") or self.text.get("ctx", "")]
            return " x ".join(word for word in words if word)
        return f"{self.text['op']} of {float(self.text['bytes']):.3g} B"


Read = tuple[tuple[KernelRow, ...], tuple[Skipped, ...]]
"""Rows, and the lines that none was made of."""


@cache
def shipped() -> Read:
    """The rows that ship, a draw of the engine's tables and all of our own H100, and those that none is made of.

    Read once for a process; a step's row names itself, a kernel's is named by its kind where it is left out.
    """
    read = []
    for source, name, software in SHIPPED:
        for line in csv.DictReader(io.StringIO(read_text(published_file(source, name)))):
            text = {"backend": "", "causal": "true", **{key: value for key, value in line.items() if value}}
            read.append(
                _of_line(
                    source, text, text.get("gpu", read_reference().record.gpu), software, text.get("name", text["kind"])
                )
            )
    return _joined(read)


def shipped_rows() -> tuple[KernelRow, ...]:
    """The rows that ship.

    They are for fitting and for grading alike; `is_for_fitting` tells them apart.
    """
    return shipped()[0]


def read_rows(path: Path, gpu: str) -> Read:
    """The rows of a JSON-lines file that was measured on a GPU of the catalogue, and its other lines with the reason.

    gpu   the GPU's name or its beginning

    Lines are objects with a `kind`; all are taken to have run in PyTorch, attention without a backend by cuDNN.
    Raises Problems for lines that are not JSON, all at once, or for a name that begins several GPUs; UnknownName for one
    that begins none.
    """
    gpu = read_catalogue().accelerator_named(gpu)
    read, problems = [], []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            data: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            wrong = f"not JSON: {getattr(error, 'msg', 'nested too deeply, or a number too long')}"
            problems.append(Problem(str(path), number, getattr(error, "colno", 1), "", wrong))
            continue
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            problems.append(Problem(str(path), number, 1, "kind", "missing", would_do='write {"kind": "gemm", ...} a line'))
            continue
        text = {"backend": "CUDNN_ATTENTION", "causal": "true"}
        text |= {key: str(value) for key, value in data.items() if value is not None}
        software = "torch-steps" if text["kind"] in STEPS else "torch-eager"
        read.append(_of_line(path.name, text, gpu, software, f"line {number}, {text['kind'][:20]}"))
    if problems:
        raise Problems(problems)
    return _joined(read)


def _joined(read: Iterable[tuple[list[KernelRow], list[Skipped]]]) -> Read:
    """The rows of all lines, and of all lines what was left out."""
    lines = list(read)
    return tuple(row for rows, _ in lines for row in rows), tuple(left for _, skipped in lines for left in skipped)


def _of_line(
    source: str, text: Mapping[str, str], gpu: str, software: str, shown: str
) -> tuple[list[KernelRow], list[Skipped]]:
    """A row for each number that a line holds: attention may have a backward, a step its power and memory.

    shown   what a line that is left out is called

    Gives rows and skipped ones; a step whose power is nonsense still counts by its time.
    """
    reason, kind = why_not(text), text["kind"]
    if reason:
        return [], [Skipped(shown, reason)]
    columns = ("fwd_s", "bwd_s") if kind == "attn" else ("s",)
    rows = [
        KernelRow(source, kind, KINDS[kind], gpu, software, text, float(text[column]), column == "bwd_s")
        for column in columns
        if text.get(column)
    ]
    skipped = []
    for model, (column, unit) in BESIDE.items():
        if kind != "train" or column not in text:
            continue
        if 1e-3 <= _number(text[column]) <= 1e6:
            rows.append(KernelRow(source, kind, model, gpu, software, text, unit * float(text[column])))
        else:
            skipped.append(Skipped(shown, f"{column} is {text[column][:20]!r}, no number from 0.001 to a million"))
    return rows, skipped


def is_for_fitting(row: KernelRow) -> bool:
    """True if constants were fitted to the row.

    Of the engine those are all of its H100, and half of its shapes on an A100 and on a B200, by a hash; of our own half of
    the BF16 products, likewise, three lengths of attention, three steps of sciences, some of decoding, the power of all
    steps, and everything of which there are too few to hold out.

    A row of a caller's own file is never for fitting.
    """
    if row.source == "aiconfigurator":
        if row.gpu == read_reference().record.gpu:
            return True
        return row.gpu in groups_for_fitting(row.source) and _is_drawn(row)
    if row.source != OWN:
        return False
    if row.kind == "gemm" and row.text["dtype"] == "bf16":
        return _is_drawn(row)
    if row.kind == "attn":
        return row.text["s_len"] in FIT_TOKENS
    if row.model == "train":
        return row.text["name"] in FIT_STEPS
    return row.kind in ("mem", "gemm") or row.model == "train-power" or _is_fitted_decoding(row)


def _is_drawn(row: KernelRow) -> bool:
    """True for half of the products, by width and depth, and of attention, by heads and length.

    By a hash of those sizes, so that the same shapes are for fitting on every machine and for ever.
    """
    sizes = ("n", "k") if row.kind == "gemm" else ("heads", "s_len")
    return int(hashlib.sha256("x".join(row.text[size] for size in sizes).encode()).hexdigest(), 16) % 2 == 0


def _is_fitted_decoding(row: KernelRow) -> bool:
    """True for the batches of decoding that constants were fitted to."""
    return row.kind == "decode" and row.text["batch"] in FIT_BATCHES


_NEEDED: Final = {
    "gemm": ("dtype", "m", "n", "k", "s"),
    "attn": ("b", "heads", "s_len", "hd", "fwd_s"),
    "mem": ("op", "bytes", "s"),
    "train": ("name", "batch", "s"),
    "prefill": ("arch", "batch", "seq", "s"),
    "decode": ("arch", "batch", "ctx", "s"),
}
"""Kind -> the keys that a line must have."""
_WHOLE: Final = (
    "m", "n", "k", "b", "heads", "s_len", "hd", "kv", "L", "h", "ffn", "vocab", "seq", "batch", "ctx",
    "patch", "base", "cin", "classes", "ch", "H", "W", "p",
)  # fmt: skip
"""Keys that hold whole numbers: sizes of kernels and of models."""
_MOST_WHOLE: Final = 10**9
_TIMES: Final = ("s", "fwd_s", "bwd_s")
_FLAGS: Final = ("causal", "swiglu", "recompute", "compile")


def why_not(text: Mapping[str, str]) -> str:
    """Why no kernel is made of a line; empty if one is.

    A line may say that its measurement failed, be of a kind that is not modelled, lack a key, or hold nonsense under one.
    """
    kind = text["kind"]
    if "error" in text:
        return f"it failed when it was measured: {text['error'][:60]}"
    if kind not in KINDS:
        return f"no model of kind {kind[:20]!r}; there are " + ", ".join(KINDS)
    missing = [key for key in _NEEDED[kind] if key not in text]
    if missing:
        return "no " + ", ".join(missing)
    if kind == "attn" and text["backend"] not in (*BACKENDS, *BACKENDS.values()):
        return f"no attention kernel {text['backend'][:30]!r}; there are " + ", ".join(filter(None, BACKENDS))
    for key in text:
        bad = _bad(key, text[key])
        if bad:
            return f"{key} is {text[key][:20]!r}, {bad}"
    return why_no_model(text) if kind in STEPS else ""


def _bad(key: str, cell: str) -> str:
    """What is wrong with a cell; empty if nothing is.

    The words go behind "KEY is CELL," in the reason of a line that is left out.
    """
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
    """A cell as a finite number; -1 if it is none.

    A cell that spells infinity, or no number, becomes -1, which no column that is checked allows.
    """
    try:
        value = float(cell)
    except ValueError:
        return -1.0
    return value if abs(value) < 1e300 else -1.0
