"""The standard workload format: 18 numbers a job, `;` before what is said of all.  In and out.

Version 2.2 (Feitelson's Parallel Workloads Archive).  What its processors are, nodes or GPUs, the format does
not say; our own files say it in a note of the header.  -1 is not known; memory is KiB a processor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from terp.arrays import Ints
from terp.connect.traces.csv_blocks import Block, blocks, columns, even
from terp.connect.traces.repair import dropped, repair
from terp.connect.traces.trace_rows import MOST, NONE, UNKNOWN, NameTable, Reading, Rows, RowTally, blank
from terp.describe import TRACE_STATES

FIELDS: Final = [
    "job", "submit", "wait", "run", "used", "cpu", "used_memory", "asked", "limit", "memory", "status",
    "user", "group", "application", "queue", "partition", "before", "think",
]  # fmt: skip
"""The 18 fields in their order."""
READ: Final = [name for name in FIELDS if name not in ("cpu", "application", "think")]
"""Fields that are read; of the others nothing is made."""
UNITS: Final = ("node", "gpu")
"""What a processor may be."""
STATUS: Final = {0: "failed", 1: "completed", 5: "cancelled", -1: "unknown"}
"""Status of a job -> our state."""
PARTS: Final = (2, 3, 4)
"""Statuses of parts of a job that was swapped out; another line tells of all of it."""

_NAMED: Final = {"user": "user", "group": "account", "queue": "qos", "partition": "partition"}
"""Field of an SWF that holds a number of a name -> field of a row."""
_NUMBER: Final = r"^[+-]?\d{1,15}(\.\d*)?$"
_HEADER: Final = re.compile(r"^[ \t]*;[ \t]*([A-Za-z]+)[ \t]*:[ \t]*(.*)", re.MULTILINE)
"""A line of the header: its key, and what it says."""
_NAME: Final = re.compile(r'(\d{1,18})\s+("(?:[^"\\]|\\.)*")')
"""A number and the name that it stands for, as JSON."""
_NOTE: Final = re.compile(r'(\d{1,18})\s+rows?:\s+("(?:[^"\\]|\\.)*")')
"""What was repaired or dropped before the file was written: rows, and the reason as JSON."""


def swf_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of an SWF in blocks, in the order of the file.

    path      of the text, packed or not
    reading   its `known.unit` is what processors are, if the file does not say; its start and names are
              filled here

    Raises Problems if the file cannot be read, or says another unit than was asked.
    """
    names: dict[str, dict[int, str]] = {name: {} for name in _NAMED}
    unit = reading.known.unit
    reading.began_unix_s = 0
    for first, data in blocks(path, reading):
        if b";" in data:  # before blanks are squeezed, which names may have several of
            unit = _header(data.decode("utf-8", "replace"), first, names, reading) or unit
        block = even(_single_spaced(data), first, " ", len(FIELDS), reading, comment=";")
        if len(block.numbers):
            yield _jobs(_numbers(block, reading), names, unit or "node", reading)


def _single_spaced(data: bytes) -> bytes:
    """Lines with one space between numbers and none around them.

    Archives pad numbers with blanks, and the reader of columns takes one separator.
    """
    text = data.replace(b"\t", b" ") if b"\t" in data else data
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    text = text.removeprefix(b" ")
    text = text.replace(b"\n ", b"\n") if b"\n " in text else text
    return text.replace(b" \n", b"\n") if b" \n" in text else text


def _header(text: str, first: int, names: dict[str, dict[int, str]], reading: Reading) -> str:
    """Takes what comments say: the start, names of numbers, and what was repaired before; gives the unit, or "".

    text    lines as they stand in the file, blanks and all;  first  the number of its first line
    names   kind of name -> number -> name; filled here

    Raises Problems if the unit is another than was asked for.
    """
    unit = ""
    for match in _HEADER.finditer(text):
        kind, value = match[1].lower(), match[2].rstrip()
        if kind == "unixstarttime" and re.fullmatch(r"-?\d{1,12}", value):
            reading.base_unix_s = reading.began_unix_s = int(value)
        elif kind in (*names, "note") and (quoted := (_NOTE if kind == "note" else _NAME).fullmatch(value)):
            number, name = int(quoted[1]), _unquoted(quoted[2])
            if name is None:
                line = np.array([first + text.count("\n", 0, match.start())], np.int64)
                reading.tally.add("repaired: a name in the header that cannot be read, its number taken", line)
            elif kind == "note":
                reading.earlier[name] = number
            else:
                names[kind][number] = name
                reading.names[_NAMED[kind]].codes(pa.array([name]))
        elif kind in ("note", "computer") and (words := re.search(r"\bunit=(node|gpu)\b", value)):
            unit = words[1]
    if unit and reading.known.unit not in ("", unit):
        wrong = f"its processors are {'GPUs' if unit == 'gpu' else 'whole nodes'}, as its header says"
        raise reading.problem(wrong, f"read it with unit={unit!r}")
    return unit


def _unquoted(literal: str) -> str | None:
    """The text between quotes, with JSON's escapes; None if it is none, or no text that can be written again."""
    try:
        text = str(json.loads(literal, strict=False))
        text.encode()
    except ValueError:
        return None
    return text


def _numbers(block: Block, reading: Reading) -> dict[str, Ints]:
    """The fields as whole numbers, and their lines, all `(n,)`."""
    try:
        cells = columns(block, FIELDS, READ, " ", pa.int64())
        return {"line": block.numbers} | {name: cell.to_numpy() for name, cell in cells.items()}
    except pa.ArrowInvalid:
        return _mixed_numbers(block, reading)


def _mixed_numbers(block: Block, reading: Reading) -> dict[str, Ints]:
    """As `_numbers`, for lines with decimals, which are cut, or with what is no number, which are dropped.

    Slower, and so used only for blocks that are not whole numbers throughout.
    """
    try:
        cells = columns(block, FIELDS, READ, " ", pa.string())
    except pa.ArrowInvalid:  # not UTF-8
        clean = Block(block.text.decode("ascii", "replace").encode("ascii", "replace"), block.numbers)
        cells = columns(clean, FIELDS, READ, " ", pa.string())
    good = np.ones(len(block.numbers), np.bool_)
    for cell in cells.values():
        good &= pc.match_substring_regex(cell, _NUMBER).to_numpy(zero_copy_only=False)
    reading.tally.add("dropped: not a number", block.numbers[~good])
    keep = pa.array(good)
    values = {name: pc.cast(cell.filter(keep), pa.float64()).to_numpy() for name, cell in cells.items()}
    return {"line": block.numbers[good]} | {name: np.floor(value).astype(np.int64) for name, value in values.items()}


def _jobs(cells: dict[str, Ints], names: dict[str, dict[int, str]], unit: str, reading: Reading) -> Rows:
    """Numbers -> rows; what is below 0 is not known.

    cells   field -> numbers `(n,)`;  names   kind of name -> number -> name
    unit    "node" or "gpu"; of GPUs memory is not taken, since it would be of a part of a node
    """
    rows, tally = blank(len(cells["line"])), reading.tally
    field = {name: np.clip(value, -MOST, MOST) for name, value in cells.items()}
    rows["line"], rows["id"], rows["before"] = field["line"], field["job"], field["before"]
    processors = np.where(field["asked"] > 0, field["asked"], np.maximum(field["used"], 0))
    rows["nodes" if unit == "node" else "gpus"] = processors
    rows["exclusive"] = unit == "node"
    memory = np.where(field["memory"] > 0, field["memory"], field["used_memory"])
    rows["memory"] = np.where((memory > 0) & (unit == "node"), memory * 1024.0, 0.0)
    for name in ("submit", "run"):
        rows[name] = np.where(field[name] >= 0, field[name], NONE)
    rows["limit"] = np.where(field["limit"] > 0, field["limit"], NONE)
    _spans(rows, field, tally)
    _states(rows, field["status"], tally)
    for name, into in _NAMED.items():
        rows[into] = _codes(field[name], names[name], reading.names[into])
    return dropped(rows, np.isin(field["status"], PARTS), "part of a job that was swapped out", tally)


def _spans(rows: Rows, field: dict[str, Ints], tally: RowTally) -> None:
    """Starts and ends; a job cancelled with no run time never started, and its wait is the time until then.

    field   numbers of the file, `(n,)`;  rows   filled in place

    SWF has no end: it is submission, wait and run time together, and not known unless all three are.
    """
    known = (field["wait"] >= 0) & (rows["submit"] != NONE)
    reached = np.where(known, rows["submit"] + np.maximum(field["wait"], 0), NONE)
    never = (field["status"] == 5) & (field["run"] <= 0)
    rows["start"] = np.where(never, NONE, reached)
    ended = known & (never | (field["run"] >= 0))
    rows["end"] = np.where(ended, reached + np.maximum(field["run"], 0), NONE)
    rows["run"][never] = 0
    repair(rows, field["wait"] < -1, "a negative wait, taken as unknown", tally)
    repair(rows, (field["run"] < -1) & ~never, "a negative run time, taken as unknown", tally)


def _states(rows: Rows, status: Ints, tally: RowTally) -> None:
    """Status -> state.

    Statuses 2 to 4 are parts of a job that was swapped out, whose rows are dropped afterwards.
    """
    for number, state in STATUS.items():
        rows["state"][status == number] = TRACE_STATES.index(state)
    repair(rows, ~np.isin(status, [*STATUS, *PARTS]), "an unknown state", tally, state=UNKNOWN)


def _codes(numbers: Ints, names: dict[int, str], table: NameTable) -> Ints:
    """Numbers of users and the like -> ours, by the name that the header gives them, or their digits.

    numbers   `(n,)`;  names   number -> name, as the header has them;  table   our names so far
    """
    distinct, inverse = np.unique(numbers, return_inverse=True)
    called = [names.get(number, str(number) if number >= 0 else "") for number in distinct.tolist()]
    return table.codes(pa.array(called, pa.string()))[inverse]
