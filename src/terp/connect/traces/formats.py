"""One door for traces: a file in any format that is known -> a trace, a trace -> a file, and one file ->
another.

    trace = read_trace("sacct.txt", known=Known(zone="Europe/Amsterdam", node_gpus_count=4))
    convert("big.swf.gz", "big.parquet")

The format is seen by the first bytes unless it is named.  `read_trace` has all jobs in memory, `trace_batches`
and `convert` to Parquet do not.  A format is added by an entry in READERS, and is tried before those that ship
if it has one in SEERS.
"""

from __future__ import annotations

import json
import re
import tempfile
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa

from terp.connect.traces.accounting.sacct import sacct_rows
from terp.connect.traces.accounting.sacct_json import sacct_json_rows
from terp.connect.traces.csv_blocks import head
from terp.connect.traces.datasets import acme_rows, helios_rows, philly_rows
from terp.connect.traces.observed import replay_rows
from terp.connect.traces.submit_order import Finish, Spool, TraceSpan, began_unix_s, gathered, settled_chunks
from terp.connect.traces.swf import UNITS, swf_rows
from terp.connect.traces.swf_writer import write_swf
from terp.connect.traces.trace_parquet import batch, batches_of, read_trace_file, schema, write_batches
from terp.connect.traces.trace_rows import Known, Reading, Rows
from terp.describe import Trace
from terp.errors import Problem, Problems, did_you_mean

READERS: Final[dict[str, Callable[[Path, Reading], Iterator[Rows]]]] = {
    "swf": swf_rows,
    "sacct": sacct_rows,
    "sacct-json": sacct_json_rows,
    "acme": acme_rows,
    "helios": helios_rows,
    "philly": philly_rows,
    "replay": replay_rows,
}
"""Format -> what yields its jobs in blocks, in the order of the file."""
OWN: Final = "terp"
"""Our own Parquet, which keeps all that a `Trace` holds."""
TRACE_FORMATS: Final = (*READERS, OWN)
"""Formats that ship; "terp" is our own Parquet.  `terp.extend.trace_format` adds to READERS."""
SEERS: Final[dict[str, Callable[[bytes], bool]]] = {}
"""Format that a user added -> whether a file is of it, by its first bytes."""

_NUMBERS: Final = re.compile(r"\s*-?\d+(\.\d*)?([ \t]+-?\d+(\.\d*)?){10,}\s*")
"""A line of an SWF: many numbers and nothing else."""


def read_trace(path: str | Path, format: str = "", unit: str = "", known: Known | None = None) -> Trace:  # noqa: A002
    """The jobs of a file.

    path     of a text, packed or not, or of a Parquet file
    format   one of TRACE_FORMATS, or a user's own; "" sees it by the content
    unit     what the processors of an SWF are, "node" or "gpu"; "" as the file says, or else nodes
    known    what else is known of the machine and its clock

    Raises Problems if it cannot be used; what was repaired or dropped is in the trace's notes.
    """
    reading, kind = _reading(path, format, unit, known)
    return read_trace_file(Path(path)) if kind == OWN else gathered(READERS[kind](Path(path), reading), reading)


def write_trace(trace: Trace, path: str | Path) -> None:
    """Writes a trace as its name ends: .parquet (all of it), .swf or .swf.gz.

    A file that is there is replaced, whole or not at all.  Raises Problems if it cannot, or SWF cannot say
    these jobs.
    """
    if _suffix(Path(path)) == ".parquet":
        write_batches(batches_of(trace), Path(path))
    else:
        write_swf(trace, path)


def trace_batches(
    path: str | Path,
    format: str = "",  # noqa: A002
    unit: str = "",
    known: Known | None = None,
) -> Iterator[pa.RecordBatch]:
    """The jobs of a file in blocks of rows, in order, in the columns of our Parquet; memory does not grow
    with rows.

    Rows wait on disk until the last one was read, as only then their order is known.

    Arguments are those of `read_trace`.  Jobs of one second keep the order of the file, and the batches
    joined are the trace.
    """
    reading, kind = _reading(path, format, unit, known)
    if kind == OWN:
        yield from batches_of(read_trace_file(Path(path)))
        return
    span = TraceSpan()
    with tempfile.TemporaryDirectory(prefix="terp-trace-") as folder:
        spool = Spool(settled_chunks(READERS[kind](Path(path), reading), reading, span), Path(folder))
        ids = [rows["id"].copy() for rows in spool.blocks()] if span.linked else []
        if ids:
            counting = Finish(reading, span, ids)
            for rows in spool.blocks():
                counting.fields(rows)
        names = reading.all_names()
        columns = schema(names, began_unix_s(reading, span), reading.notes())
        finish = Finish(reading, span, ids)
        for rows in spool.blocks():
            yield batch(finish.fields(rows), names, columns)


def convert(
    path_in: str | Path,
    path_out: str | Path,
    format: str = "",  # noqa: A002
    unit: str = "",
    known: Known | None = None,
) -> dict[str, int]:
    """Writes the jobs of one file to another; into .parquet in bounded memory.  Gives what was repaired or
    dropped.

    path_out   ends with .parquet, .swf or .swf.gz
    format, unit, known   of the file that is read, as in `read_trace`

    Gives reason -> how many rows.  Raises Problems if one cannot be read or the other not be written.
    """
    if _suffix(Path(path_out)) != ".parquet":
        trace = read_trace(path_in, format, unit, known)
        write_trace(trace, path_out)
        return trace.notes
    notes: dict[str, int] = {}

    def noted() -> Iterator[pa.RecordBatch]:
        for block in trace_batches(path_in, format, unit, known):
            notes.update(json.loads(block.schema.metadata[b"terp"])["notes"])
            yield block

    write_batches(noted(), Path(path_out))
    return notes


def _suffix(path: Path) -> str:
    """How a file that is to be written ends.  Raises Problems if it is no format we write."""
    for suffix in (".parquet", ".swf", ".swf.gz"):
        if path.name.lower().endswith(suffix):
            return suffix
    would_do = "end its name with .parquet, .swf or .swf.gz"
    raise Problems([Problem(str(path), 0, 0, "", "no format that traces are written in", would_do=would_do)])


def _reading(path: str | Path, kind: str, unit: str, known: Known | None) -> tuple[Reading, str]:
    """A reading of a file, and its format.  Raises Problems with what was asked wrongly, or if no format is
    seen.

    kind   the format that was asked for; "" to see it
    unit   takes the place of `known.unit` if it is given

    All that was asked wrongly is told at once, before the file is opened.
    """
    known = known or Known()
    known = known if not unit else Known(**{**vars(known), "unit": unit})
    problems = []
    if kind not in ("", *READERS, OWN):
        hint = did_you_mean(kind, (*READERS, OWN))
        problems.append(Problem("", 0, 0, "format", "no such format of a trace", repr(kind), hint))
    if known.unit not in ("", *UNITS):
        hint = "'node' or 'gpu' would do"
        problems.append(Problem("", 0, 0, "unit", "no such unit of a processor", repr(known.unit), hint))
    if known.zone and known.zone not in zoneinfo.available_timezones():
        hint = did_you_mean(known.zone, zoneinfo.available_timezones())
        problems.append(Problem("", 0, 0, "zone", "no such time zone", repr(known.zone), hint))
    if problems:
        raise Problems(problems)
    reading = Reading(str(path), known)
    return reading, kind or seen_format(Path(path), reading)


def seen_format(path: Path, reading: Reading) -> str:
    """The format of a file, by its first bytes: a user's own first, then Parquet, JSON, SWF, and tables by
    their columns.

    Raises Problems if it is none that is known.
    """
    start = head(path)
    for kind, sees in SEERS.items():
        if sees(start):
            return kind
    if start[:4] == b"PAR1":
        return OWN
    text = start.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if not text:
        raise reading.problem("is empty", "name a file with a line a job")
    if text[0] in "[{":
        return "philly" if '"attempts"' in text or '"submitted_time"' in text or text[0] == "[" else "sacct-json"
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    names = set(re.split(r"[|,]", first.lower().strip()))
    if first.startswith(";") or _NUMBERS.fullmatch(first):
        return "swf"
    if "|" in first and {"jobid", "jobidraw"} & names:
        return "sacct"
    for kind, columns in {
        "replay": {"submit_s", "gpus_per_node"},
        "helios": {"vc", "gpu_num"},
        "acme": {"gpu_num", "node_num"},
    }.items():
        if columns <= names:
            return kind
    hint = f"say its format ({', '.join((*READERS, OWN))}); a sacct listing needs its line of names, so leave out -n"
    raise reading.problem("no format of a trace that is known", hint)
