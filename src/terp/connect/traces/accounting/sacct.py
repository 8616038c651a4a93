"""Slurm's accounting, as `sacct --parsable2` prints it: a row a job, names of columns first, `|` between.

Column names and words are those of sacct(1).  Steps of jobs are left out, jobs that were granted something are
taken with that, others with what they asked for, and a row of waiting tasks of an array becomes a row each.

Times are of the zone of the machine where sacct ran, unless they carry an offset: `Known.zone` says which.  The
wait is not read, as Reserved and Planned differ between versions; it follows from submission and start.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from terp.arrays import Bools, Ints
from terp.connect.traces.accounting import sacct_values as words
from terp.connect.traces.csv_blocks import Columns, Mend, tables
from terp.connect.traces.repair import dropped
from terp.connect.traces.trace_rows import NONE, UNKNOWN, Reading, Rows, blank
from terp.errors import Problem, Problems

WANTED: Final = (
    "jobid", "submit", "state", "eligible", "start", "end", "elapsedraw", "elapsed", "timelimitraw", "timelimit",
    "nnodes", "allocnodes", "reqnodes", "ncpus", "alloccpus", "reqcpus", "alloctres", "reqtres",
    "user", "account", "qos", "partition",
)  # fmt: skip
"""Columns that are read, in small letters; the wait is what lies between (Reserved or Planned is not read)."""
NEEDED: Final = {
    "JobID": ("jobid",),
    "Submit": ("submit",),
    "State": ("state",),
    "ElapsedRaw": ("elapsedraw", "elapsed", "end"),
    "AllocTRES": ("alloctres", "reqtres", "nnodes", "allocnodes"),
}
"""A column to ask sacct for -> any of these would do."""
FREE: Final = (
    "jobname",
    "comment",
    "admincomment",
    "systemcomment",
    "submitline",
    "workdir",
    "wckey",
    "constraints",
    "reason",
)
"""Columns in which people may write a `|`, which --parsable2 does not quote."""


def sacct_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of a listing in blocks, each in the order of the file.

    path      of the text, packed or not
    reading   what is known of the machine and its zone; counts what is left out, and collects names

    Raises Problems if it cannot be read or lacks a column.
    """
    clock = words.Clock(reading.known.zone or "UTC", reading.tally)
    for cells, lines in tables(path, "|", WANTED, reading, _mend):
        if missing := [column for column, any_of in NEEDED.items() if not any(name in cells for name in any_of)]:
            would_do = f"add it to the list behind sacct's -o, such as -o {','.join(NEEDED)},Start,End,TimelimitRaw"
            raise Problems([Problem(reading.file, 1, 1, column, "column missing", would_do=would_do) for column in missing])
        yield jobs_of(cells, lines, reading, clock)


def _mend(names: list[str]) -> Mend:
    """What puts a name that has a `|` together again: the first place where times, states and numbers then
    stand right.

    names   of the columns, in small letters
    """
    return partial(_mended, names, [place for place, name in enumerate(names) if name in FREE])


def _mended(names: list[str], free: list[int], line: str) -> list[str] | None:
    """The cells of a line that has too many, or None where no place makes all others stand right.

    names   of the columns;  free   places of those in which a `|` may stand
    """
    parts = line.split("|")
    extra = len(parts) - len(names)
    for place in free if extra > 0 else []:
        cells = [*parts[:place], " ".join(parts[place : place + extra + 1]), *parts[place + extra + 1 :]]
        if all(_stands_right(name, cell) for name, cell in zip(names, cells, strict=True)):
            return cells
    return None


def _stands_right(name: str, cell: str) -> bool:
    """True if a cell may be of this column: a time, a state, a number, or resources; others may hold
    anything.
    """
    if name in ("submit", "eligible", "start", "end"):
        return cell in words.UNSAID or cell[:4].isdecimal()
    if name == "state":
        return words.state(cell) != words.STRANGE
    if name in ("elapsedraw", "nnodes", "allocnodes", "reqnodes", "ncpus", "alloccpus", "reqcpus"):
        return cell == "" or cell.isdecimal()
    return "=" in cell or cell == "" if name in ("alloctres", "reqtres") else True


def jobs_of(cells: Columns, lines: Ints, reading: Reading, clock: words.Clock) -> Rows:
    """Rows of columns of text by small names; steps are left out, waiting tasks of an array become a row
    each.

    cells   column -> a text a row;  lines   where each row stands, `(n,)`
    clock   reads times of the zone of the listing

    Gives rows with whatever the listing says; times are Unix seconds.
    """
    tally = reading.tally
    step = pc.match_substring(cells["jobid"], ".").to_numpy(zero_copy_only=False)
    tally.add("dropped: a step of a job, not a job", lines[step])
    if step.any():
        cells, lines = {name: cell.filter(pa.array(~step)) for name, cell in cells.items()}, lines[~step]
    rows = blank(len(lines))
    rows["line"] = lines
    for name in ("submit", "eligible", "start", "end"):
        if name in cells:
            rows[name] = clock.read(cells[name], lines)
    _states_and_runs(rows, cells, reading)
    _sizes(rows, cells, reading)
    for name, table in reading.names.items():
        if name in cells:
            rows[name] = table.codes(cells[name])
    return _arrays(rows, cells["jobid"], reading)


def _states_and_runs(rows: Rows, cells: Columns, reading: Reading) -> None:
    """States, run times and limits; a job that has not ended is taken to run to its limit.  Fills the rows in
    place.
    """
    tally, lines = reading.tally, rows["line"]
    state = words.each(cells["state"], words.state)
    rows["state"] = np.where(state < 0, UNKNOWN, state)
    tally.add("repaired: an unknown state", lines[state == words.STRANGE])
    if "elapsedraw" in cells:
        rows["run"] = words.whole_numbers(cells["elapsedraw"])
    elif "elapsed" in cells:
        rows["run"] = words.each(cells["elapsed"], words.duration_s)
    for name in ("timelimitraw", "timelimit"):
        if name in cells:
            limit = words.each(cells[name], words.limit_s)
            rows["limit"] = np.where(rows["limit"] == NONE, limit, rows["limit"])
    tally.add("repaired: no limit, a year taken as Slurm plans with", lines[rows["limit"] == words.UNLIMITED_S])
    still = state == words.NOT_ENDED
    tally.add("kept: not ended, taken to run to its limit", lines[still])
    rows["end"][still] = NONE
    rows["run"][still] = np.where(rows["limit"] == NONE, NONE, np.maximum(rows["limit"], rows["run"]))[still]


def _sizes(rows: Rows, cells: Columns, reading: Reading) -> None:
    """What a job was granted, or asked for if it never started; cores, memory and GPUs are shared out over
    its nodes.

    A job counts as exclusive if it has as many GPUs a node as a node has, or, where a node's cores are not
    known, if it was granted more than twice the cores it asked for, as where whole nodes are given.  Fills the
    rows in place.

    cells   AllocTRES and ReqTRES before all; columns of nodes and cores stand in where these are not printed
    """
    zero = np.zeros((len(rows), 5))
    granted = words.each(cells["alloctres"], words.resources, np.float64) if "alloctres" in cells else zero
    requested = words.each(cells["reqtres"], words.resources, np.float64) if "reqtres" in cells else zero
    started: Bools = np.asarray(granted.any(axis=1))
    never = (rows["state"] != UNKNOWN) & (rows["run"] == 0) & ~started & ("alloctres" in cells)
    rows["start"][never] = NONE
    nodes, cpus, memory, gpus, licenses = np.where(started[:, None], granted, requested).T
    listed = _first_number(cells, ("allocnodes", "nnodes", "reqnodes"), len(rows))
    rows["nodes"] = np.where(nodes > 0, nodes, listed)
    shares = np.maximum(rows["nodes"], 1)
    cpus = np.where(cpus > 0, cpus, _first_number(cells, ("alloccpus", "ncpus", "reqcpus"), len(rows)))
    uneven = (rows["nodes"] > 0) & (gpus % shares != 0)
    reading.tally.add("repaired: GPUs uneven over its nodes, rounded up to as many on each", rows["line"][uneven])
    rows["gpus"], rows["cores"], rows["memory"] = np.ceil(gpus / shares), np.ceil(cpus / shares), memory / shares
    rows["licenses"] = licenses
    more = started & requested.any(axis=1) & (granted[:, 1] > 2 * requested[:, 1]) & (reading.known.node_cores_count == 0)
    rows["exclusive"] = (rows["nodes"] > 0) & ((rows["gpus"] >= reading.known.whole_gpus_count) | more)


def _first_number(cells: Columns, names: tuple[str, ...], count: int) -> Ints:
    """The first of these columns that holds a number above 0, or 0, a row each."""
    numbers = np.zeros(count, np.int64)
    for name in names:
        if name in cells:
            numbers = np.where(numbers > 0, numbers, np.maximum(words.whole_numbers(cells[name]), 0))
    return numbers


def _arrays(rows: Rows, jobids: pa.Array, reading: Reading) -> Rows:
    """Rows with the numbers of their arrays; a row of waiting tasks becomes as many.

    jobids   `(n,)` as printed; a row without a number of a job is dropped

    A row such as 123_[4-9%2] becomes six, each with at most two of its array at once.
    """
    number, of_array, waiting, part = words.jobs(jobids)
    rows["array"] = np.where(of_array, number, -1)
    reading.tally.add("kept: part of a heterogeneous job, taken as a job of its own", rows["line"][part])
    times, bad = np.ones(len(rows), np.int64), np.asarray(number < 0)
    for place in np.flatnonzero([text != "" for text in waiting]):
        times[place], rows["array_limit"][place] = words.tasks(waiting[place])
        bad[place] |= times[place] == 0
    reading.tally.add("kept: waiting tasks of an array in one row, taken as a job each", rows["line"][times > 1])
    times = np.maximum(times, 1)
    return dropped(np.repeat(rows, times), np.repeat(bad, times), "no number of a job", reading.tally)
