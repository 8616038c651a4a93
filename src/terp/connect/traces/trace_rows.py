"""What every reader of a trace hands on: a row a job, names, and a count of all that was repaired or dropped.

A reader knows its format and nothing of traces: it fills `blank` rows with what a file says, `NONE` or -1 where
it says nothing, and yields them in blocks.  Order, repairs and the start of time are the work of `repair` and
`submit_order`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.describe import TRACE_STATES
from terp.errors import Problem, Problems

Rows = NDArray[np.void]
"""Jobs as they are read: records of `ROW`, in the order of the file."""

NONE: Final = int(np.iinfo(np.int64).min)
"""A time or duration that is not known."""
MOST: Final = 10**15
"""No number of a trace is as large; sums of some still fit 64 bits."""
LINES_SHOWN: Final = 3
_LONE: Final = re.compile("[\ud800-\udfff]")
UNKNOWN: Final = TRACE_STATES.index("unknown")
CANCELLED: Final = TRACE_STATES.index("cancelled")

_TIMES: Final = ("submit", "eligible", "start", "end", "run", "limit")
_COUNTS: Final = ("line", "id", "before", "nodes", "gpus", "cores", "state")
NAMED: Final = {"user": "users", "account": "accounts", "qos": "qos_names", "partition": "partitions"}
"""Columns of names -> the field of a trace that holds the names."""
ROW: Final = np.dtype(
    [(name, np.int64) for name in (*_TIMES, *_COUNTS, *NAMED, "array", "array_limit", "licenses")]
    + [("memory", np.float64), ("exclusive", np.bool_)]
)
"""A job as read.  line: where it stands; id, before: its number and that of the job it follows, or -1; array: number of
its array, or -1; times count from one point that the reader says; the rest as in `terp.describe.Trace`."""


def blank(count: int) -> Rows:
    """Rows of which nothing is known yet.

    Times and durations are NONE, numbers of jobs and arrays -1, the state unknown, sizes and names 0.
    """
    rows = np.zeros(count, ROW)
    for name in _TIMES:
        rows[name] = NONE
    for name in ("id", "before", "array"):
        rows[name] = -1
    rows["state"] = UNKNOWN
    return rows


def texts(values: Iterable[str]) -> pa.Array:
    """Texts as a column `(n,)`; half of a surrogate pair, which JSON can spell and no file can hold, becomes a mark.

    Bytes that are no UTF-8 become the same mark in every other format.
    """
    words = list(values)
    try:
        return pa.array(words, pa.string())
    except UnicodeEncodeError:
        return pa.array([_LONE.sub("\ufffd", word) for word in words], pa.string())


@dataclass(frozen=True)
class Known:
    """What a reader is told beyond the file; 0 or "" where nothing is.

    unit               what the processors of an SWF are: "node" (whole nodes) or "gpu"; "" as the file says, or else nodes
    zone               time zone of times that name none, such as "Europe/Amsterdam"; "" for that of the format
    nodes_count        nodes of the machine; larger jobs are dropped
    node_gpus_count    GPUs of a node; jobs that ask for more on a node are dropped; 0: 8 of them are taken for a whole node
    node_cores_count   cores of a node; jobs that hold all take the whole node
    now_unix_s         jobs submitted later are dropped; None: the clock of this machine
    gpu_cores_count    cores that a job of a replay holds with each GPU
    gpu_memory_bytes   memory that it holds with each GPU
    """

    unit: str = ""
    zone: str = ""
    nodes_count: int = 0
    node_gpus_count: int = 0
    node_cores_count: int = 0
    now_unix_s: int | None = None
    gpu_cores_count: int = 14
    gpu_memory_bytes: float = 250000 * 2.0**20

    @property
    def whole_gpus_count(self) -> int:
        """GPUs that make a whole node."""
        return self.node_gpus_count or 8


class RowTally:
    """Counts rows by what was done with them, and keeps the first few lines.

    Reasons of a trace begin with "repaired: ", "dropped: " or "kept: "; the trace's notes show it with the first
    `LINES_SHOWN` lines.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._lines: dict[str, list[int]] = {}

    def add(self, reason: str, lines: Ints) -> None:
        """Counts rows that stand in these lines; none is no reason."""
        if len(lines):
            self._rows[reason] = self._rows.get(reason, 0) + len(lines)
            shown = self._lines.setdefault(reason, [])
            shown += [int(line) for line in lines[: LINES_SHOWN - len(shown)]]

    def notes(self) -> dict[str, int]:
        """What was done, with the first lines -> how many rows."""
        return {f"{reason}; {self._where(reason)}": count for reason, count in self._rows.items()}

    def _where(self, reason: str) -> str:
        shown = self._lines[reason]
        more = ", ..." if self._rows[reason] > len(shown) else ""
        return f"line{'s' if self._rows[reason] > 1 else ''} {', '.join(map(str, shown))}{more}"


class NameTable:
    """Names as they turn up -> their numbers.

    Numbers go by first appearance, from 0, and stay as they are when blocks follow: columns of codes can be
    joined.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._codes = {name: code for code, name in enumerate(dict.fromkeys(names))}

    def codes(self, names: pa.Array) -> Ints:
        """The numbers of these names; new ones get the next.

        names   texts `(n,)`; null counts as ""

        Gives `(n,)` numbers, the same for the same name.
        """
        encoded = names.fill_null("").dictionary_encode()
        known = [self._codes.setdefault(name, len(self._codes)) for name in encoded.dictionary.to_pylist()]
        return np.array(known, np.int64)[encoded.indices.to_numpy()] if known else np.zeros(len(names), np.int64)

    def all(self) -> tuple[str, ...]:
        """All names by number; one empty name where there is none."""
        return tuple(self._codes) or ("",)


@dataclass
class Reading:
    """A file that is being read.

    names          column of names -> its names so far
    earlier        what the file itself says was repaired or dropped before
    base_unix_s    Unix time of second 0 of the rows
    began_unix_s   Unix time that the trace counts from; None: that of its first submission
    file           path, as problems show it
    known          what is known of the machine and its clock beyond the file
    tally          what was repaired, dropped or kept as it is, so far
    """

    file: str
    known: Known = Known()
    tally: RowTally = field(default_factory=RowTally)
    names: dict[str, NameTable] = field(default_factory=lambda: {column: NameTable() for column in NAMED})
    earlier: dict[str, int] = field(default_factory=dict)
    base_unix_s: int = 0
    began_unix_s: int | None = None

    def all_names(self) -> dict[str, tuple[str, ...]]:
        """Field of a trace -> its names."""
        return {field: self.names[column].all() for column, field in NAMED.items()}

    def now_s(self) -> int:
        """Now, on the clock of the rows."""
        now = int(time.time()) if self.known.now_unix_s is None else self.known.now_unix_s
        return now - self.base_unix_s

    def notes(self) -> dict[str, int]:
        """What was repaired or dropped, before and now -> how many rows."""
        return self.earlier | self.tally.notes()

    def leave_out(self, reason: str, lines: Sequence[int]) -> None:
        """Counts jobs that a reader does not hand on, by the lines where they stand; the trace's notes then say so."""
        self.tally.add(f"dropped: {reason}", np.asarray(lines, np.int64))

    def problem(self, wrong: str, would_do: str = "", line: int = 0, written: str = "") -> Problems:
        """The file cannot be used, for this reason.

        wrong      why, as part of a sentence;  would_do   what to do about it
        line       where, from 1; 0 for the file as a whole
        written    what stands there
        """
        return Problems([Problem(self.file, line, 1 if line else 0, "", wrong, written, would_do)])

    def useless(self) -> Problems:
        """No job is left; says what became of all of them."""
        notes = self.tally.notes()
        if not notes:
            return self.problem("holds no job", "name a file with a line a job")
        would_do = "correct these lines, or say more of the machine, the zone or the time"
        return Problems(
            [
                Problem(self.file, 0, 0, "", f"no job is left: {what}", f"{count} row{'s' * (count > 1)}", would_do)
                for what, count in notes.items()
            ]
        )
