"""Our own file of a trace: Parquet, a column a field of `Trace`, names as dictionaries.  In and out.

Metadata of the schema hold what is said of all jobs: when seconds count from, notes, and the tables of names.
A file is checked as it is read, since anyone may have written it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.connect.traces.trace_rows import NAMED
from terp.describe import TRACE_STATES, Trace
from terp.errors import Problem, Problems, did_you_mean
from terp.files import write_through
from terp.files.parquet_file import parquet_schema, read_parquet

FORMAT: Final = "terp-trace/1"
"""What the metadata call the format; a number is added to it when the columns change."""
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
COLUMNS: Final[dict[str, pa.DataType]] = {
    "submit_s": pa.int64(), "eligible_s": pa.int64(), "nodes": pa.int64(), "gpus": pa.int64(), "cores": pa.int64(),
    "memory": pa.float64(), "exclusive": pa.bool_(), "run_s": pa.int64(), "limit_s": pa.int64(), "start_s": pa.int64(),
    "end_s": pa.int64(), "state": _TEXT, "user": _TEXT, "account": _TEXT, "qos": _TEXT, "partition": _TEXT,
    "after": pa.int64(), "array": pa.int64(), "array_limit": pa.int64(), "licenses": pa.int64(),
}  # fmt: skip
"""Field of a trace -> the type of its column."""
LOWEST: Final = {"start_s": -1, "end_s": -1, "after": -1, "array": -1}
"""Columns that may hold -1; no other number lies below 0."""
BATCH_ROWS: Final = 2**17
"""Jobs of a batch that is written."""


class TraceMetadata(TypedDict):
    """What the metadata of a file say of all jobs.

    format         `FORMAT`
    began_unix_s   Unix time of second 0
    notes          what was repaired or dropped -> how many rows
    names          field of a trace that holds names -> the names
    """

    format: str
    began_unix_s: int
    notes: dict[str, int]
    names: dict[str, list[str]]


def schema(names: dict[str, tuple[str, ...]], began_unix_s: int, notes: dict[str, int]) -> pa.Schema:
    """The columns of a trace, and what is said of all of it.

    names          field of a trace that holds names -> the names
    began_unix_s   Unix time of second 0
    notes          what was repaired or dropped -> how many rows
    """
    metadata = {"format": FORMAT, "began_unix_s": began_unix_s, "notes": notes, "names": names}
    return pa.schema(list(COLUMNS.items()), metadata={"terp": json.dumps(metadata)})


def batch(
    fields: Mapping[str, NDArray[np.generic]], names: dict[str, tuple[str, ...]], columns: pa.Schema
) -> pa.RecordBatch:
    """Some jobs of a trace, from its arrays.

    fields    field of a trace -> `(n,)`; states and names as numbers
    names     field of a trace that holds names -> the names
    columns   of `schema`
    """
    tables = {"state": TRACE_STATES} | {column: names[field] for column, field in NAMED.items()}
    arrays = [
        pa.DictionaryArray.from_arrays(pa.array(fields[name].astype(np.int32)), pa.array(tables[name], pa.string()))
        if name in tables
        else pa.array(fields[name], kind)
        for name, kind in COLUMNS.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def batches_of(trace: Trace) -> Iterator[pa.RecordBatch]:
    """A trace in blocks of rows; one empty block where it has no jobs, so that the file still has its schema."""
    names = {field: getattr(trace, field) for field in NAMED.values()}
    columns = schema(names, trace.began_unix_s, trace.notes)
    for start in range(0, max(len(trace), 1), BATCH_ROWS):
        part = slice(start, start + BATCH_ROWS)
        yield batch({name: getattr(trace, name)[part] for name in COLUMNS}, names, columns)


def write_batches(batches: Iterator[pa.RecordBatch], path: Path) -> None:
    """Writes batches of one trace to a file, whole or not at all.  Raises Problems if it cannot.

    batches   at least one; all of one schema
    path      of the file, which is replaced
    """

    def write(draft: Path) -> None:
        first = next(batches)
        with pq.ParquetWriter(draft, first.schema, compression="zstd", compression_level=1) as writer:
            writer.write_batch(first)
            for block in batches:
                writer.write_batch(block)

    write_through(path, write)


def read_trace_file(path: Path) -> Trace:
    """A trace from our own file.  Raises Problems with all that is wrong with it: columns, types, empty cells,
    numbers that no trace holds, jobs out of order.
    """
    columns = parquet_schema(path)
    metadata = _metadata(columns, path)
    problems = [problem for name in COLUMNS for problem in _wrong_type(columns, name, path)]
    if problems:
        raise Problems(problems)
    table = read_parquet(path, list(COLUMNS))
    empty = {name: table[name].null_count for name in COLUMNS if table[name].null_count}
    if empty:
        raise Problems(
            Problem(str(path), 0, 0, name, "has empty cells", str(count), "fill them") for name, count in empty.items()
        )
    names: dict[str, Any] = {field: tuple(metadata["names"][field]) for field in NAMED.values()}
    tables = {"state": TRACE_STATES} | {column: names[field] for column, field in NAMED.items()}
    try:
        fields = {name: _array(table[name], tables.get(name)) for name in COLUMNS}
    except KeyError as error:
        raise Problems([Problem(str(path), 0, 0, "", "a name that its list does not hold", str(error))]) from None
    trace = Trace(**fields, **names, began_unix_s=metadata["began_unix_s"], notes=metadata["notes"])
    if problems := _wrong_values(trace, path):
        raise Problems(problems)
    return trace


def _metadata(columns: pa.Schema, path: Path) -> TraceMetadata:
    """What the file says of all jobs.  Raises Problems if it is no trace of ours."""
    would_do = "name a file that Terp wrote"
    try:
        metadata = json.loads((columns.metadata or {})[b"terp"])
        kinds = isinstance(metadata["began_unix_s"], int) and all(
            isinstance(count, int) for count in metadata["notes"].values()
        )
        texts = all(isinstance(name, str) for field in NAMED.values() for name in metadata["names"][field])
        if metadata["format"] == FORMAT and kinds and texts:
            began_unix_s, notes, names = (metadata[key] for key in ("began_unix_s", "notes", "names"))
            return {"format": FORMAT, "began_unix_s": began_unix_s, "notes": notes, "names": names}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise Problems([Problem(str(path), 0, 0, "", f"Parquet, but no trace ({FORMAT})", would_do=would_do)])


def _wrong_type(columns: pa.Schema, name: str, path: Path) -> Iterator[Problem]:
    """What is wrong with a column, before any is read.

    columns   of the file;  name   a key of `COLUMNS`

    At most one problem: missing, there twice, or of another type.
    """
    places = columns.get_all_field_indices(name)
    if not places:
        near = did_you_mean(name, [other for other in columns.names if other not in COLUMNS])
        yield Problem(str(path), 0, 0, name, "column missing", would_do=near if near.startswith("did") else "write it again")
    elif len(places) > 1:
        yield Problem(str(path), 0, 0, name, "this column stands twice", would_do="write it again")
    elif columns.field(name).type != COLUMNS[name]:
        yield Problem(str(path), 0, 0, name, "wrong type", str(columns.field(name).type), f"{COLUMNS[name]} would do")


def _array(column: pa.ChunkedArray, names: tuple[str, ...] | None) -> Any:
    """A column as an array `(n,)`; names become their numbers.  Raises KeyError for a name that its table
    does not hold.
    """
    if names is None:
        return column.to_numpy()
    codes = {name: code for code, name in reversed(list(enumerate(names)))}
    parts: list[Ints] = [
        np.array([codes[name] for name in chunk.dictionary.to_pylist()] or [0], np.int64)[chunk.indices.to_numpy()]
        for chunk in column.chunks
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _wrong_values(trace: Trace, path: Path) -> list[Problem]:
    """What a trace may not hold, a line a column, with the first row.

    Every number is at least 0, or -1 where `LOWEST` says so; submissions do not fall, a job follows an earlier
    one, and has nodes or GPUs.
    """
    bad = {name: getattr(trace, name) < LOWEST.get(name, 0) for name in COLUMNS if name not in ("exclusive", "memory")}
    bad["submit_s"] = bad["submit_s"] | (np.diff(trace.submit_s, prepend=trace.submit_s[:1]) < 0)
    bad["memory"] = ~((trace.memory >= 0) & (trace.memory < np.inf))
    bad["after"] |= trace.after >= np.arange(len(trace))
    bad["nodes"] |= (trace.nodes == 0) & (trace.gpus == 0)
    wrong = {
        "submit_s": "below 0, or not in order",
        "memory": "below 0 or no number",
        "after": "not an earlier job",
        "nodes": "below 0, or no size",
    }
    return [
        Problem(str(path), 0, 0, name, wrong.get(name, "below what it may be"), f"{int(rows.sum())} such rows")
        for name, rows in bad.items()
        if rows.any()
    ]
