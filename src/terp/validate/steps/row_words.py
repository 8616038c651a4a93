"""The words in which published rows of training tell their settings, as data: validation/training/words.yaml.

Software is told by name, date and whether it is compiled; precisions and recomputation by a cell and the words of a note;
what has no column, such as the experts' dispatcher, by words alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from terp.catalogue import constants
from terp.physics.gpu.precisions import Precisions
from terp.physics.training.software import generations
from terp.reader import Record, read_record, read_text
from terp.validate.grading.cases import published_file
from terp.validate.steps.row_cells import Cells, Unmodelled, words_of

MOST_COUNT = 10**6
"""Largest count that words of a row may tell."""
YEAR_MIDDLE = "05"
"""Month that stands for a cell with a year alone."""


class SoftwareWords(Record):
    """A line of the table of software: it fits where all that it states does.

    words           pattern over the framework in small letters
    generations     the first that this release has
    since, before   of the cell's own date, "2025-09"; a cell without one is before everything
    compiled        what framework and note say of PyTorch; None where it does not matter
    architectures   of the GPU; all if empty
    dense           whether the network has no experts; None where it does not matter
    nearest         the generation stands in for software that nothing was fitted to
    """

    words: str
    generations: list[str] = Field(min_length=1)
    since: str = ""
    before: str = ""
    compiled: bool | None = None
    architectures: list[str] = []
    dense: bool | None = None
    nearest: bool = False


class PrecisionWords(Record):
    """A line of the table of precisions: patterns that the whole cell, and some of the note, must fit."""

    cell: str
    beside: str = ""
    precisions: list[str] = Field(min_length=1)


class SettingWords(Record):
    """Words of framework and note that say what a setting is, in rows of a publisher; `because` says on what grounds."""

    setting: str
    words: str
    published_by: str = ""
    means: str
    because: str = ""


class RowWords(Record):
    """The tables of words, see the comments of the file."""

    kind: Literal["training-words"]
    software: list[SoftwareWords]
    unknown_software: dict[str, list[str]]
    releases: dict[str, str]
    compiled: str
    eager: str
    precisions: list[PrecisionWords]
    recompute: dict[str, str]
    selective_by_operation: str
    settings: list[SettingWords]
    numbers: dict[str, str]
    hybrid_shards: str
    offloads: str
    allocated: str
    capped: str
    without_sequence_parallel: list[str]
    zero: dict[str, int]
    models: dict[str, str]
    other_nets: str
    gated: str
    tied: str
    both_ways: str


@cache
def row_words() -> RowWords:
    """The tables that ship.  Raises Problems for a file that is damaged."""
    path = published_file("training", "words.yaml")
    return read_record(read_text(path), str(path), RowWords).record


@dataclass(frozen=True)
class RowSoftware:
    """The generation of software of a row; `nearest` where it stands in for one that nothing was fitted to."""

    name: str
    nearest: bool


def software_of(cells: Cells, architecture: str) -> RowSoftware:
    """The generation of software that a row's framework, its date and its note lead to.

    architecture   of the GPU, such as "hopper"

    Software that is in no table is the nearest by the row's split, and marked so: its interval is the wider one.
    Raises Unmodelled for a column `software` that names no generation.
    """
    words, known = row_words(), generations()
    stated = (cells.get("software") or "").strip()
    if stated:
        if stated not in known:
            raise Unmodelled(f"no software {stated[:40]!r}; there are " + ", ".join(known), "software not known")
        return RowSoftware(stated, nearest=False)
    for line in words.software:
        if _fits(line, cells, architecture):
            return RowSoftware(_first(line.generations, known), nearest=line.nearest)
    split = any((cells.get(column) or "1").strip() not in ("", "0", "1") for column in ("tp", "pp"))
    return RowSoftware(_first(words.unknown_software["split" if split else "plain"], known), nearest=True)


def _fits(line: SoftwareWords, cells: Cells, architecture: str) -> bool:
    """True if all that a line states holds of a row."""
    date = date_of(cells)
    return (
        re.search(line.words, (cells.get("framework") or "").lower()) is not None
        and (not line.since or date >= line.since)
        and (not line.before or date < line.before)
        and (line.compiled is None or compiled_of(cells) is line.compiled)
        and (not line.architectures or architecture in line.architectures)
        and (line.dense is None or (cells.get("family") != "moe") is line.dense)
    )


def _first(names: Sequence[str], known: Collection[str]) -> str:
    """The first name that this release has; the last, which a reader then refuses, if it has none."""
    return next((name for name in names if name in known), names[-1])


def date_of(cells: Cells) -> str:
    """Year and month of a row's software, "2025-09", as its framework tells; empty where it does not.

        >>> date_of({"framework": "Megatron-Bridge 25.11"}), date_of({"framework": "XTuner (2024-03)"})
        ('2025-11', '2024-03')

    A year alone stands for its spring; releases of Transformer Engine for their month.
    """
    framework = (cells.get("framework") or "").lower()
    if month := re.search(r"\b(20\d\d)[-.](0[1-9]|1[0-2])\b", framework):
        return f"{month[1]}-{month[2]}"
    if release := re.search(r"\bv?(2\d)\.(0[1-9]|1[0-2])(?:\.\d+)?\b", framework):
        return f"20{release[1]}-{release[2]}"
    released = next((date for pattern, date in row_words().releases.items() if re.search(pattern, framework)), "")
    if released:
        return released
    year = re.search(r"\b(20[12]\d)\b", framework)
    return f"{year[1]}-{YEAR_MIDDLE}" if year else ""


def compiled_of(cells: Cells) -> bool | None:
    """Whether PyTorch was compiled, as framework and note tell; None where they do not."""
    words, text = row_words(), words_of(cells)
    if re.search(words.eager, text):
        return False
    return True if re.search(words.compiled, text) else None


def precision_of(cells: Cells) -> str | None:
    """The precision of a row; None where its cell is empty.  Raises Unmodelled for a word that is in no table."""
    cell, text = (cells.get("precision") or "").strip().lower(), words_of(cells)
    if not cell:
        return None
    known = constants(Precisions).precisions
    for line in row_words().precisions:
        if re.fullmatch(line.cell, cell) and (not line.beside or re.search(line.beside, text)):
            return _first(line.precisions, known)
    raise Unmodelled(f"no precision {cell[:20]!r}: bf16, fp8, mxfp8 or nvfp4 would do", "precision not known")


def recompute_of(cells: Cells) -> str | None:
    """The kind of recomputation by its cell: none, selective, ops or full; None where it is empty.

    In PyTorch's own software "selective" is by operation.

    Raises Unmodelled for a word that is in no table.
    """
    cell = (cells.get("recompute") or "").strip().lower()
    if not cell:
        return None
    kind = next((kind for pattern, kind in row_words().recompute.items() if re.fullmatch(pattern, cell)), None)
    if kind is None and every_layer_of(cells) is None:
        raise Unmodelled(f"no recomputation {cell[:20]!r}: none, selective, ops or full would do", "recomputation not known")
    framework = (cells.get("framework") or "").lower()
    if kind == "selective" and re.search(row_words().selective_by_operation, framework):
        return "ops"
    return kind or "full"


def every_layer_of(cells: Cells) -> int | None:
    """N where every n-th layer is recomputed, as the cell or the note tells; None where they do not."""
    cell = (cells.get("recompute") or "").lower()
    found = re.search(row_words().numbers["every_layer"], f"{cell}; {words_of(cells)}")
    return _positive(found[1], "every n-th layer") if found else None


def number_in(cells: Cells, name: str) -> int | None:
    """A number that the note tells in words, by its name in the table; None where it does not."""
    found = re.search(row_words().numbers[name], words_of(cells))
    least = 0 if name == "dense_layers" else 1
    return next((_positive(group, name, least) for group in found.groups() if group), None) if found else None


def _positive(digits: str, name: str, least: int = 1) -> int:
    """A count that words tell, from `least` to a million.  Raises Unmodelled."""
    count = int(digits[:9])
    if not least <= count <= MOST_COUNT:
        raise Unmodelled(
            f"{name} is {digits[:9]}, out of range: {least} to {MOST_COUNT:,} would do", "a number is out of range"
        )
    return count


def settings_of(cells: Cells) -> Mapping[str, str]:
    """Settings that have no column, as framework and note tell them -> the value; a column of that name goes before."""
    text, source, found = words_of(cells), (cells.get("source") or "").lower(), dict[str, str]()
    for line in row_words().settings:
        if line.setting not in found and re.search(line.words, text) and re.search(line.published_by, source):
            found[line.setting] = line.means
    for name in {line.setting for line in row_words().settings} | {"expert_tensor_count", "rank_count"}:
        cell = (cells.get(name) or "").strip()
        if cell:
            found[name] = cell.lower()
    return found
