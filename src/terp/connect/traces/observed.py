"""Jobs that were submitted to a real Slurm, and what it was seen to do with them.

A replay is a folder of two CSV files: trace.csv, what was submitted and when, and observed.csv, what sacct said
afterwards.  Times count from the start of the replay and not from 1970.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from terp.arrays import Ints
from terp.connect.traces.accounting import sacct_values as words
from terp.connect.traces.csv_blocks import tables
from terp.connect.traces.datasets import need_columns, quoted
from terp.connect.traces.submit_order import gathered
from terp.connect.traces.trace_rows import NONE, UNKNOWN, Known, Reading, Rows, blank
from terp.describe import Trace

NEEDED: Final = ("submit_s", "nodes", "gpus_per_node", "limit_min", "duration_s")
"""Columns of trace.csv, in this order."""
SEEN: Final = ("idx", "state", "submit_s", "start_s", "end_s", "elapsed_s")
"""Columns of observed.csv."""


@dataclass(frozen=True)
class Observed:
    """What a real Slurm did with the jobs of a replay; one entry a job, in the order of the file.

    idx              row of the job in its trace, from 0
    state            into TRACE_STATES
    submit_s, start_s, end_s, elapsed_s   [s]  from the start of the replay; -1 where unknown

    All are `(n,)`.  A job that Slurm did not start before the replay ended has no start, and so no wait.
    """

    idx: NDArray[np.int64]
    state: NDArray[np.int64]
    submit_s: Ints
    start_s: Ints
    end_s: Ints
    elapsed_s: Ints


def replay_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of a replay's trace.csv.  A submission within a second is at its start; rows of a second keep
    their order.

    Limits are minutes in the file and seconds in the rows.  A job with all GPUs of its nodes has them alone.
    """
    reading.began_unix_s = 0
    for cells, lines in tables(path, ",", (*NEEDED, "account", "qos"), reading, quoted):
        need_columns(cells, NEEDED, reading)
        rows, known = blank(len(lines)), reading.known
        rows["line"] = lines
        submit, nodes, gpus, limit, run = (words.whole_numbers(cells[name]) for name in NEEDED)
        rows["submit"], rows["run"] = np.where(submit < 0, NONE, submit), run
        rows["limit"] = np.where(limit == NONE, NONE, limit * 60)
        rows["nodes"], rows["gpus"] = (np.where(count == NONE, -1, count) for count in (nodes, gpus))
        rows["exclusive"] = gpus == known.whole_gpus_count
        shared = np.where(rows["exclusive"], 0, np.maximum(gpus, 0))
        rows["cores"], rows["memory"] = shared * known.gpu_cores_count, shared * known.gpu_memory_bytes
        for name in ("account", "qos"):
            if name in cells:
                rows[name] = reading.names[name].codes(cells[name])
        yield rows


def read_replay(path: str | Path, known: Known | None = None) -> Trace:
    """The trace that was submitted in a replay.

    path    of its trace.csv
    known   GPUs of a node, and the cores and memory that come with each GPU

    A job that asks for all GPUs of its nodes had them alone; others held cores and memory with each GPU, as
    `known` says.
    Raises Problems if no job of it can be read.
    """
    reading = Reading(str(path), known or Known())
    return gathered(replay_rows(Path(path), reading), reading)


def read_observed(path: str | Path) -> Observed:
    """What was seen of a replay, from its observed.csv.  Raises Problems if a row cannot be read.

    path   of its observed.csv; cells may be empty where nothing was seen
    """
    reading = Reading(str(path))
    parts: list[dict[str, Ints]] = []
    for cells, lines in tables(Path(path), ",", SEEN, reading, quoted):
        need_columns(cells, SEEN, reading)
        numbers = {name: words.whole_numbers(cells[name]) for name in SEEN if name != "state"}
        state = words.each(cells["state"], words.state)
        reading.tally.add("not a row of what was seen", lines[(numbers["idx"] < 0) | (numbers["submit_s"] == NONE)])
        _unsaid(cells, numbers, lines, reading)
        filled = {name: np.where(value == NONE, -1, value) for name, value in numbers.items()}
        parts.append(filled | {"state": np.where(state < 0, UNKNOWN, state)})
    if reading.tally.notes() or not parts:
        raise reading.useless()
    return Observed(**{name: np.concatenate([part[name] for part in parts]) for name in SEEN})


def _unsaid(cells: dict[str, pa.Array], numbers: dict[str, Ints], lines: Ints, reading: Reading) -> None:
    """Counts cells that are neither a number nor empty."""
    for name, values in numbers.items():
        empty = pc.equal(cells[name], "").to_numpy(zero_copy_only=False)
        reading.tally.add(f"not a number in {name}", lines[(values == NONE) & ~empty])
