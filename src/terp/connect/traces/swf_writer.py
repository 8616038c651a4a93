"""A trace -> an SWF, as `swf` reads it; what the format cannot say is named in the header."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from terp.arrays import Ints
from terp.connect.traces.swf import FIELDS, STATUS
from terp.connect.traces.trace_rows import CANCELLED
from terp.describe import TRACE_STATES, Trace
from terp.errors import Problem, Problems
from terp.files import write_whole

LOST: Final = "times of eligibility, cores, GPUs of nodes, arrays and licences are not kept; ends are starts and run times"
"""What is lost on the way, as the header says it."""


def write_swf(trace: Trace, path: str | Path) -> None:
    """Writes whole nodes as processors where all jobs take such, or else GPUs.

    path   of the file, which is replaced whole; packed if the name ends with .gz

    The header says the unit, names, and what was repaired or dropped.  Reading it again gives the same jobs but
    for what the header says is lost.  Raises Problems for jobs that have neither nodes of their own nor GPUs.
    """
    path = Path(path)
    unit, processors = _processors(trace, path)
    text = _header(trace, unit).encode() + _lines(trace, unit, processors)
    write_whole(path, gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)


def _processors(trace: Trace, path: Path) -> tuple[str, Ints]:
    """The unit in which all jobs can be said, and how many of it each holds.

    Nodes need every job to be exclusive; GPUs need every job to have some, and forget on how many nodes they
    were.
    """
    if len(trace) and ((trace.nodes > 0) & trace.exclusive).all():
        return "node", trace.nodes
    gpus = np.where(trace.nodes > 0, trace.nodes * trace.gpus, trace.gpus)
    if (gpus > 0).all():
        return "gpu", gpus
    count = int((gpus <= 0).sum())
    wrong = f"{count} job{'s' * (count > 1)} without a GPU among jobs on parts of nodes: SWF has one kind of processor"
    raise Problems([Problem(str(path), 0, 0, "", wrong, would_do="write a .parquet")])


def _header(trace: Trace, unit: str) -> str:
    """What is said of all jobs.

    Version, unit, start, counts, names by number from 1, and notes, each a line behind a semicolon; names are
    JSON, so that line ends and quotes in them do no harm.
    """
    lines = [
        "Version: 2.2",
        f"Note: processors are {'whole nodes' if unit == 'node' else 'GPUs'}, unit={unit}",
        f"Note: {LOST}",
        f"UnixStartTime: {trace.began_unix_s}",
        f"MaxJobs: {len(trace)}",
        f"MaxRecords: {len(trace)}",
    ]
    tables = {"User": trace.users, "Group": trace.accounts, "Queue": trace.qos_names, "Partition": trace.partitions}
    for kind, names in tables.items():
        lines += [f"{kind}: {number} {json.dumps(name)}" for number, name in enumerate(names, 1)]
    lines += [f"Note: {count} rows: {json.dumps(reason)}" for reason, count in trace.notes.items()]
    return "".join(f"; {line}\n" for line in lines)


def _lines(trace: Trace, unit: str, processors: Ints) -> bytes:
    """18 numbers a job, -1 where nothing is known; memory in KiB.

    processors   of each job, `(n,)`, in the unit
    """
    unknown = np.full(len(trace), -1, np.int64)
    never = (trace.start_s < 0) & (trace.run_s == 0) & (trace.state == CANCELLED)
    reached = np.where(never, trace.end_s, trace.start_s)
    numbers = {state: number for number, state in STATUS.items()}
    status = np.array([numbers.get(state, 0) for state in TRACE_STATES], np.int64)
    memory = (trace.memory // 1024).astype(np.int64) if unit == "node" else unknown
    fields = {
        **dict.fromkeys(FIELDS, unknown),
        "job": np.arange(1, len(trace) + 1),
        "submit": trace.submit_s,
        "wait": np.where(reached >= 0, reached - trace.submit_s, -1),
        "run": np.where(never, -1, trace.run_s),
        "used": np.where(never, -1, processors),
        "asked": processors,
        "limit": trace.limit_s,
        "memory": np.where(memory > 0, memory, -1),
        "status": status[trace.state],
        "user": _numbers(trace.user, trace.users),
        "group": _numbers(trace.account, trace.accounts),
        "queue": _numbers(trace.qos, trace.qos_names),
        "partition": _numbers(trace.partition, trace.partitions),
        "before": np.where(trace.after >= 0, trace.after + 1, -1),
    }
    out = io.BytesIO()
    options = pa_csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    pa_csv.write_csv(pa.table(fields), out, options)
    return out.getvalue()


def _numbers(codes: Ints, names: tuple[str, ...]) -> Ints:
    """Codes from 1; -1 for no name.

    codes   `(n,)` into `names`
    """
    named = np.array([number if name else -1 for number, name in enumerate(names, 1)], np.int64)
    return named[codes]
