"""Jobs as columns, which a reader of a user's own format gives -> checked rows; docs/howto/own-trace.md lists
them.

Users know neither rows nor tallies: they give columns in SI, as numpy, pandas or Arrow has them, and None or
NaN where they know nothing.  What a column holds is checked here, what jobs mean is then settled by the same
rules as for formats that ship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from terp.arrays import Floats, Ints
from terp.connect.traces.trace_rows import MOST, NONE, UNKNOWN, Reading, Rows, blank, texts
from terp.describe import TRACE_STATES
from terp.errors import TerpError, did_you_mean

JobColumns: TypeAlias = Mapping[str, ArrayLike]
"""Column -> a value a job, all of one length: numpy arrays, lists, columns of pandas or Arrow."""
TraceReader: TypeAlias = Callable[[Path, Reading], Iterable[JobColumns]]
"""A file, and what is known of the machine -> its jobs, in blocks as large as are to be in memory at once."""

TIMES: Final = {name: name.removesuffix("_s") for name in ("submit_s", "eligible_s", "start_s", "end_s", "run_s", "limit_s")}
"""Column of times [s] -> field of a row."""
COUNTS: Final = {
    "nodes": "nodes", "gpus": "gpus", "cores": "cores", "licenses": "licenses", "array_limit": "array_limit",
}  # fmt: skip
"""Column of sizes -> field of a row; 0 where nothing is known."""
NUMBERS: Final = {"line": "line", "job_id": "id", "after_id": "before", "array_id": "array"}
"""Column of numbers of lines, jobs and arrays -> field of a row; -1 where nothing is known."""
NAMES: Final = ("user", "account", "qos", "partition")
"""Columns of texts."""
Cells: TypeAlias = np.ndarray[tuple[int], np.dtype[np.generic]]
"""A column of any kind."""
COLUMNS: Final = (*TIMES, *COUNTS, "memory_bytes", "exclusive", "state", *NAMES, *NUMBERS)
"""What a block of jobs may hold: times [s], sizes, names, and numbers of lines, jobs and arrays."""


def rows_by(name: str, reader: TraceReader, path: Path, reading: Reading) -> Iterator[Rows]:
    """The rows of a file by a user's reader.

    name     of the format, for problems
    reader   gives blocks of columns
    path, reading   handed to the reader

    Raises Problems where the reader fails, or gives what are no jobs.
    """
    first = 1
    try:
        for columns in reader(path, reading):
            rows = rows_of_columns(columns, reading, first)
            first += len(rows)
            yield rows
    except TerpError:
        raise
    except Exception as error:  # a user's own code: whatever it raises is said with the file, not as a traceback
        wrong = f"the reader of {name!r} failed: {type(error).__name__}: {error}"
        raise reading.problem(wrong, f"mend the reader {getattr(reader, '__name__', '')!r}, or the file") from error


def rows_of_columns(columns: JobColumns, reading: Reading, first: int = 1) -> Rows:
    """Rows of a block of jobs; what is not given is not known.

    first   line of the first job, where the block has no column `line`

    Raises Problems for a column that is not known, is missing, has another length, or holds what it cannot.
    """
    _check_names(columns, reading)
    arrays = {name: _array(name, values, reading) for name, values in columns.items()}
    sizes = {len(array) for array in arrays.values()}
    if len(sizes) > 1:
        lengths = ", ".join(f"{name}: {len(array)}" for name, array in arrays.items())
        raise reading.problem("columns of different lengths", "give a value a job in each", written=lengths)
    rows = blank(sizes.pop())
    rows["line"] = first + np.arange(len(rows))
    for name, field in (TIMES | COUNTS | NUMBERS).items():
        if name in arrays:
            rows[field] = _whole(name, arrays[name], reading, NONE if name in TIMES else -1 if name in NUMBERS else 0)
    if "memory_bytes" in arrays:
        rows["memory"] = np.nan_to_num(_floats("memory_bytes", arrays["memory_bytes"], reading))
    if "exclusive" in arrays:
        rows["exclusive"] = _floats("exclusive", arrays["exclusive"], reading) > 0
    if "state" in arrays:
        rows["state"] = _states(arrays["state"], rows["line"], reading)
    for name in NAMES:
        if name in arrays:
            rows[name] = reading.names[name].codes(_texts(name, arrays[name], reading))
    return rows


def _check_names(columns: JobColumns, reading: Reading) -> None:
    """Raises Problems unless a block has known columns only, and those without which a job is none."""
    if not isinstance(columns, Mapping):
        would_do = "yield a mapping of columns, such as {'submit_s': [...], 'nodes': [...]}"
        raise reading.problem("a reader gave what are no columns", would_do, written=type(columns).__name__)
    for name in columns:
        if name not in COLUMNS:
            raise reading.problem("no such column of jobs", did_you_mean(str(name), COLUMNS), written=repr(name))
    if "submit_s" not in columns or not {"nodes", "gpus"} & set(columns):
        raise reading.problem("columns are missing", "give submit_s, and nodes or gpus", written=", ".join(columns))


def _array(name: str, values: ArrayLike, reading: Reading) -> Cells:
    """A column as an array of one axis; texts stay objects."""
    array = np.asarray(values, object) if name in (*NAMES, "state") else np.asarray(values)
    if array.ndim != 1:
        raise reading.problem(f"column {name} has {array.ndim} axes", "give one value a job")
    return array


def _floats(name: str, array: Cells, reading: Reading) -> Floats:
    """A column as numbers, NaN where it holds none."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        odd = next((value for value in array.tolist() if not isinstance(value, int | float | None)), None)
        raise reading.problem(f"column {name} holds what is no number", "None is not known", written=repr(odd)) from None


def _whole(name: str, array: Cells, reading: Reading, unknown: int) -> Ints:
    """A column as whole numbers, cut below; `unknown` where it holds none.

    name      of the column;  unknown   what stands for None and NaN
    """
    numbers = _floats(name, array, reading)
    known = ~np.isnan(numbers)
    whole = np.floor(np.clip(np.where(known, numbers, 0.0), -MOST, MOST)).astype(np.int64)
    return np.where(known, whole, unknown)


def _texts(name: str, array: Cells, reading: Reading) -> pa.Array:
    """A column as texts, empty where nothing is known."""
    try:
        return texts("" if value is None else value for value in array.tolist())
    except (pa.ArrowException, TypeError):
        odd = next((value for value in array.tolist() if not isinstance(value, str | None)), None)
        raise reading.problem(f"column {name} holds what is no text", "None is not known", written=repr(odd)) from None


def _states(array: Cells, lines: Ints, reading: Reading) -> Ints:
    """Words of `TRACE_STATES` as their numbers; others are not known, and counted."""
    numbers = {state: number for number, state in enumerate(TRACE_STATES)}
    words = _texts("state", array, reading).to_pylist()
    strange = np.array([word not in numbers and word != "" for word in words], np.bool_)
    reading.tally.add("repaired: an unknown state", lines[strange])
    return np.array([numbers.get(word, UNKNOWN) for word in words], np.int64)
