"""Rows in the order of a file -> a trace in the order of submission; through files on disk where all do not
fit memory.

Three things are known only when the last row was read: where time begins, which jobs follow which, and how many
of an array may run at once.  `TraceSpan` gathers them on the first pass, `Finish` uses them on the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.connect.traces.repair import settled
from terp.connect.traces.trace_rows import NONE, ROW, Reading, Rows
from terp.describe import Trace

CHUNK_ROWS: Final = 2**17
"""Rows that are in memory at once where a trace streams; a file in disorder has a block of each of its runs there."""
LEAST_ROWS: Final = 1024
"""Rows of each run that are in memory at least while runs are merged."""


@dataclass
class TraceSpan:
    """What is known of all rows only when the last was read.

    rows_count   rows so far
    first_s, last_s   earliest and latest submission, on the clock of the rows [s]; NONE before the first
    linked   whether any job follows another
    arrays   numbers of arrays, sorted
    limits   number of an array -> how many of it may run at once
    """

    rows_count: int = 0
    first_s: int = NONE
    last_s: int = NONE
    linked: bool = False
    arrays: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    limits: dict[int, int] = field(default_factory=dict)


def settled_chunks(chunks: Iterator[Rows], reading: Reading, span: TraceSpan) -> Iterator[Rows]:
    """Chunks by the rules, each in order of submission; rows that stood behind a later one are counted.

    span   filled on the way; complete when the last chunk was taken

    Raises Problems at the end if no row was left.
    """
    for chunk in chunks:
        rows = settled(chunk, reading)
        if not len(rows):
            continue
        submit = np.concatenate([[span.last_s], rows["submit"]])
        late = rows["submit"] < np.maximum.accumulate(submit)[:-1]
        reading.tally.add("repaired: out of order, sorted by submission", rows["line"][late])
        if late.any():
            rows = rows[np.argsort(rows["submit"], kind="stable")]
        span.rows_count += len(rows)
        first = int(rows["submit"][0])
        span.first_s = first if span.first_s == NONE else min(span.first_s, first)
        span.last_s = max(span.last_s, int(rows["submit"][-1]))
        span.linked |= bool((rows["before"] >= 0).any())
        span.arrays = np.union1d(span.arrays, rows["array"][rows["array"] >= 0])
        limited = rows[(rows["array"] >= 0) & (rows["array_limit"] > 0)]
        span.limits |= dict(zip(limited["array"].tolist(), limited["array_limit"].tolist(), strict=True))
        yield rows
    if not span.rows_count:
        raise reading.useless()


def gathered(chunks: Iterator[Rows], reading: Reading) -> Trace:
    """All rows as a trace.  Raises Problems if none is left.

    chunks   of a reader, in the order of the file
    """
    span = TraceSpan()
    rows = np.concatenate(list(settled_chunks(chunks, reading, span)))
    if (np.diff(rows["submit"]) < 0).any():
        rows = rows[np.argsort(rows["submit"], kind="stable")]
    fields = Finish(reading, span, [rows["id"]] if span.linked else []).fields(rows)
    return Trace(
        **fields | reading.all_names(),
        began_unix_s=began_unix_s(reading, span),
        notes=reading.notes(),
    )


def began_unix_s(reading: Reading, span: TraceSpan) -> int:
    """Unix time that the trace counts from.

    A reader that knows sets it (the header of an SWF, the start of a replay); else it is the first
    submission.
    """
    return span.first_s + reading.base_unix_s if reading.began_unix_s is None else reading.began_unix_s


class Finish:
    """Rows in order of submission -> the fields of a trace, block by block.

    ids   numbers of all jobs in that order, in blocks, if any job follows another: 16 bytes a job

    Blocks must come in the order of the trace, each once: an index of a job counts from the first block.
    """

    def __init__(self, reading: Reading, span: TraceSpan, ids: list[Ints]) -> None:
        self._reading, self._span, self._done = reading, span, 0
        self._zero = began_unix_s(reading, span) - reading.base_unix_s
        numbers = np.concatenate(ids) if ids else np.zeros(0, np.int64)
        self._order = np.argsort(numbers, kind="stable")
        self._ids = numbers[self._order]

    def fields(self, rows: Rows) -> dict[str, Any]:
        """The arrays of a trace for the next rows, by the names of its fields; seconds count from the start
        of the trace.
        """
        times = {name: np.where(rows[name] == NONE, -1, rows[name] - self._zero) for name in ("start", "end")}
        array = np.searchsorted(self._span.arrays, rows["array"])
        fields = {
            "submit_s": rows["submit"] - self._zero,
            "eligible_s": rows["eligible"] - self._zero,
            "start_s": times["start"],
            "end_s": times["end"],
            "run_s": rows["run"],
            "limit_s": rows["limit"],
            "after": self._after(rows),
            "array": np.where(rows["array"] >= 0, array, -1),
            "array_limit": self._limits(rows),
        }
        same = ("nodes", "gpus", "cores", "memory", "exclusive", "state", "user", "account", "qos", "partition", "licenses")
        self._done += len(rows)
        return {name: np.ascontiguousarray(value) for name, value in (fields | {name: rows[name] for name in same}).items()}

    def _limits(self, rows: Rows) -> Ints:
        """How many of an array may run at once, as any of its rows says.

        sacct prints the limit only with the tasks that wait; those that run belong to the same array and
        share it.
        """
        arrays = np.array(sorted(self._span.limits), np.int64)
        if not len(arrays):
            return rows["array_limit"]
        limits = np.array([self._span.limits[array] for array in arrays.tolist()], np.int64)
        place = np.minimum(np.searchsorted(arrays, rows["array"]), len(arrays) - 1)
        return np.where(arrays[place] == rows["array"], limits[place], rows["array_limit"])

    def _after(self, rows: Rows) -> Ints:
        """Index of the job that each follows; one that is not there, or comes no earlier, is none, and
        counted.

        The job it waits for is found by its number in the file; a job cannot wait for one that was submitted
        later.
        """
        index = np.full(len(rows), -1, np.int64)
        wants = np.flatnonzero(rows["before"] >= 0)
        if not len(wants):
            return index
        place = np.minimum(np.searchsorted(self._ids, rows["before"][wants]), len(self._ids) - 1)
        there = self._ids[place] == rows["before"][wants]
        candidate = self._order[place]
        earlier = candidate < self._done + wants
        index[wants[there & earlier]] = candidate[there & earlier]
        lines = rows["line"][wants]
        self._reading.tally.add("repaired: the job it follows is not there, taken as free", lines[~there])
        self._reading.tally.add("repaired: follows a later job, taken as free", lines[there & ~earlier])
        return index


@dataclass(frozen=True)
class _Run:
    """Rows on disk in order of submission.

    A run is a chunk as the reader gave it, as records of `ROW` without a header.
    """

    path: Path
    rows_count: int
    first_s: int
    last_s: int

    def rows(self, start: int, count: int) -> Rows:
        """Some of them."""
        return np.fromfile(self.path, ROW, count, offset=start * ROW.itemsize)


class Spool:
    """All rows of a file on disk, to be read in order of submission as often as is needed.

    chunks   each in order of submission; written as they come, one file each
    folder   where; the caller removes it
    """

    def __init__(self, chunks: Iterator[Rows], folder: Path) -> None:
        self._runs: list[_Run] = []
        for number, rows in enumerate(chunks):
            path = folder / f"{number}.rows"
            rows.tofile(path)
            self._runs.append(_Run(path, len(rows), int(rows["submit"][0]), int(rows["submit"][-1])))

    def blocks(self) -> Iterator[Rows]:
        """Rows in order of submission; those of one second in the order of the file.

        Each call reads the disk anew.  Runs that do not overlap follow one another; else they are merged, a
        part of each in memory.
        """
        pairs = zip(self._runs, self._runs[1:], strict=False)
        return self._one_by_one() if all(a.last_s <= b.first_s for a, b in pairs) else self._merged()

    def _one_by_one(self) -> Iterator[Rows]:
        """Runs that follow one another."""
        for run in self._runs:
            for start in range(0, run.rows_count, CHUNK_ROWS):
                yield run.rows(start, CHUNK_ROWS)

    def _merged(self) -> Iterator[Rows]:
        """Runs that overlap: what lies before the end of every block in memory is in order once it is sorted."""
        step = max(CHUNK_ROWS // 2 // len(self._runs), LEAST_ROWS)
        done, heads, cut_s = [0] * len(self._runs), [np.zeros(0, ROW) for _ in self._runs], NONE
        while True:
            for place, run in enumerate(self._runs):
                while done[place] < run.rows_count and (len(heads[place]) < step or heads[place]["submit"][-1] == cut_s):
                    heads[place] = np.concatenate([heads[place], run.rows(done[place], step)])
                    done[place] = min(done[place] + step, run.rows_count)
            unread = [run.rows_count - at for run, at in zip(self._runs, done, strict=True)]
            cut_s = min((int(head["submit"][-1]) for head, more in zip(heads, unread, strict=True) if more), default=NONE)
            cuts = [len(head) if cut_s == NONE else int(np.searchsorted(head["submit"], cut_s)) for head in heads]
            rows = np.concatenate([head[:cut] for head, cut in zip(heads, cuts, strict=True)])
            heads = [head[cut:] for head, cut in zip(heads, cuts, strict=True)]
            if len(rows):
                yield rows[np.argsort(rows["submit"], kind="stable")]
            if cut_s == NONE:
                return
