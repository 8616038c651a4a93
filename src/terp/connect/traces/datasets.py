"""Published traces of GPU clusters: AcmeTrace, Helios and Philly, in the columns in which they were
published.

AcmeTrace (Hu 2024) is of two clusters for language models, Helios (Hu 2021) of four, both in Asia; Philly (Jeon
2019) is of a cluster of a search company and is JSON with all attempts of a job.  Times without a zone are of
the place of the cluster.  None of them says limits, so run times stand for those.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from terp.arrays import Ints
from terp.connect.traces.accounting import sacct_values as words
from terp.connect.traces.accounting.sacct_json import job_blocks
from terp.connect.traces.csv_blocks import Columns, Mend, tables
from terp.connect.traces.trace_rows import NONE, UNKNOWN, Reading, Rows, blank, texts
from terp.describe import TRACE_STATES
from terp.errors import Problem, Problems
from terp.reader import NoList

NEEDED: Final = ("node_num", "gpu_num", "state", "submit_time", "start_time", "end_time")
"""Columns without which the CSV of AcmeTrace and Helios are no trace."""
READ: Final = (*NEEDED, "job_id", "user", "cpu_num", "duration", "mem_per_pod_gb", "vc", "type")
"""Columns that are read where they are there."""
PHILLY: Final = {"Pass": "completed", "Killed": "cancelled", "Failed": "failed"}
"""Philly's status -> our state."""


@dataclass(frozen=True)
class Dataset:
    """A published CSV.

    zone    of times that name none
    names   column of names -> field of a row

    What both have in common stands in NEEDED and READ.
    """

    zone: str
    names: dict[str, str] = field(default_factory=dict)


DATASETS: Final = {
    "acme": Dataset("Asia/Shanghai", {"user": "user", "type": "qos"}),
    "helios": Dataset("Asia/Shanghai", {"user": "user", "vc": "partition"}),
}
"""
Format -> how its file differs from the others'; the two share their columns.
"""
PHILLY_ZONE: Final = "America/Los_Angeles"


def acme_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of AcmeTrace's trace_seren.csv or trace_kalos.csv.

    `type` becomes the QOS; the memory of a pod counts only where its nodes are known.
    """
    return _csv_rows(path, reading, DATASETS["acme"])


def helios_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of a cluster_log.csv of Helios.

    `vc`, the virtual cluster of a group, becomes the partition.
    """
    return _csv_rows(path, reading, DATASETS["helios"])


def quoted(_: list[str]) -> Mend:
    """What reads a line with commas between quotes, whatever the names of its columns."""
    return _unquoted


def _unquoted(line: str) -> list[str] | None:
    """The cells of a line with quotes, or None."""
    try:
        return next(csv.reader([line], strict=True), None) if '"' in line else None
    except csv.Error:
        return None


def _csv_rows(path: Path, reading: Reading, dataset: Dataset) -> Iterator[Rows]:
    """The rows of a published CSV in blocks.  Raises Problems if it lacks a column."""
    clock = words.Clock(reading.known.zone or dataset.zone, reading.tally)
    for cells, lines in tables(path, ",", READ, reading, quoted):
        need_columns(cells, NEEDED, reading)
        yield _jobs(cells, lines, reading, clock, dataset)


def need_columns(cells: Columns, needed: tuple[str, ...], reading: Reading) -> None:
    """Raises Problems with every column that is not there.

    cells    columns of a block;  needed   names of those that must be among them
    """
    if missing := [name for name in needed if name not in cells]:
        would_do = "name the file as it was published"
        raise Problems([Problem(reading.file, 1, 1, name, "column missing", would_do=would_do) for name in missing])


def _jobs(cells: Columns, lines: Ints, reading: Reading, clock: words.Clock, dataset: Dataset) -> Rows:
    """Rows of a published CSV.  A job ran from its start to its end; its duration counts where one is not
    known.

    GPUs that do not share out evenly over a job's nodes are taken as so many anywhere, since rows have GPUs a
    node.
    """
    rows, tally = blank(len(lines)), reading.tally
    rows["line"] = lines
    for name in ("submit", "start", "end"):
        rows[name] = clock.read(cells[f"{name}_time"], lines)
    state = words.each(cells["state"], words.state)
    rows["state"] = np.where(state < 0, UNKNOWN, state)
    tally.add("repaired: an unknown state", lines[state < 0])
    if "duration" in cells:
        duration = words.whole_numbers(cells["duration"])
        spans = (rows["start"] != NONE) & (rows["end"] != NONE)
        started = rows["start"] != NONE
        differs = spans & (duration != NONE) & (duration != rows["end"] - rows["start"])
        tally.add("kept: its duration is not its end less its start, which was taken", lines[differs])
        rows["run"] = np.where(started & ~spans, duration, NONE)
    nodes, gpus = (np.maximum(words.whole_numbers(cells[name]), -1) for name in ("node_num", "gpu_num"))
    rows["nodes"], each = nodes, np.maximum(nodes, 1)
    uneven = (nodes > 0) & (gpus % each != 0)
    tally.add("kept: GPUs uneven over its nodes, taken as so many anywhere", lines[uneven])
    rows["nodes"][uneven] = 0
    rows["gpus"] = np.where(uneven | (nodes <= 0), gpus, gpus // each)
    rows["exclusive"] = (rows["nodes"] > 0) & (rows["gpus"] >= reading.known.whole_gpus_count)
    if "cpu_num" in cells:
        rows["cores"] = np.where(rows["nodes"] > 0, -(-np.maximum(words.whole_numbers(cells["cpu_num"]), 0) // each), 0)
    if "mem_per_pod_gb" in cells:
        memory = words.each(cells["mem_per_pod_gb"], _gigabytes, np.float64)
        rows["memory"] = np.where(rows["nodes"] > 0, memory, 0)
    for column, into in dataset.names.items():
        if column in cells:
            rows[into] = reading.names[into].codes(cells[column])
    return rows


def _gigabytes(text: str) -> float:
    """Bytes of a number of GB; 0 where there is none."""
    try:
        return max(float(text), 0.0) * 1e9
    except ValueError:
        return 0.0


def philly_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of Philly's cluster_job_log in blocks; "line" counts jobs, from 1.  Attempts of a job add up to its run
    time.

    Raises Problems if it is no JSON, or no list.
    """
    clock = words.Clock(reading.known.zone or PHILLY_ZONE, reading.tally)
    try:
        for jobs, lines in job_blocks(path, reading, "", lambda job: bool(job.get("submitted_time"))):
            yield _philly_jobs(jobs, lines, clock, reading)
    except NoList:
        raise reading.problem("JSON, but no list of jobs", "name Philly's cluster_job_log") from None


def _philly_jobs(jobs: list[dict[str, object]], lines: Ints, clock: words.Clock, reading: Reading) -> Rows:
    """Rows of some jobs.

    lines   where they stand in the list, `(n,)` from 1
    """
    rows = blank(len(jobs))
    rows["line"] = lines
    rows["submit"] = clock.read(_texts(job.get("submitted_time") for job in jobs), lines)
    rows["user"] = reading.names["user"].codes(_texts(job.get("user") for job in jobs))
    rows["partition"] = reading.names["partition"].codes(_texts(job.get("vc") for job in jobs))
    rows["state"] = words.each(_texts(job.get("status") for job in jobs), _philly_state)
    strange_state = rows["state"] < 0
    reading.tally.add("repaired: an unknown state", lines[strange_state])
    rows["state"][strange_state] = UNKNOWN
    _attempts(rows, jobs, clock, reading)
    return rows


def _philly_state(text: str) -> int:
    """Our number of a status, or -1."""
    return TRACE_STATES.index(PHILLY[text]) if text in PHILLY else -1


def _texts(values: Iterable[object]) -> pa.Array:
    """Words of JSON; what is none is empty."""
    return texts(value if isinstance(value, str) else "" for value in values)


def _attempts(rows: Rows, jobs: list[dict[str, object]], clock: words.Clock, reading: Reading) -> None:
    """Sizes of the last attempt that says GPUs, start of the first, end of the last, run time of all.  Fills
    the rows in place.

    jobs   as the JSON has them, one a row
    """
    tally, lines = reading.tally, rows["line"]
    listed = [(job, attempt) for job, entry in enumerate(jobs) for attempt in _dicts(entry.get("attempts"))]
    owner = np.array([job for job, _ in listed], np.int64)
    start, end = (
        clock.read(_texts(attempt.get(name) for _, attempt in listed), lines[owner]) for name in ("start_time", "end_time")
    )
    known = (start != NONE) & (end != NONE) & (end >= start)
    run, first, last = (np.full(len(rows), value, np.int64) for value in (0, np.iinfo(np.int64).max, NONE))
    np.add.at(run, owner[known], (end - start)[known])
    np.minimum.at(first, owner[start != NONE], start[start != NONE])
    np.maximum.at(last, owner[known], end[known])
    rows["start"] = np.where(first == np.iinfo(np.int64).max, NONE, first)
    rows["end"] = last
    rows["run"] = np.where(last != NONE, run, NONE)
    count = np.bincount(owner, minlength=len(rows))
    tally.add("kept: run time of all attempts added up", lines[count > 1])
    tally.add("kept: an attempt without a start or an end, not counted", np.unique(lines[owner[~known]]))
    for job, attempt in listed:
        gpus = [len(there) for node in _dicts(attempt.get("detail")) if isinstance(there := node.get("gpus"), list)]
        if sum(gpus):
            even = len(set(gpus)) == 1
            rows["nodes"][job], rows["gpus"][job] = (len(gpus), gpus[0]) if even else (0, sum(gpus))
    uneven = (rows["nodes"] == 0) & (rows["gpus"] > 0)
    tally.add("kept: GPUs uneven over its nodes, taken as so many anywhere", lines[uneven])
    rows["exclusive"] = bool(reading.known.node_gpus_count) & (rows["gpus"] >= reading.known.whole_gpus_count)
    rows["exclusive"] &= rows["nodes"] > 0


def _dicts(value: object) -> list[dict[str, object]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
