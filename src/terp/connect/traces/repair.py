"""The rules by which bad rows are repaired or dropped; docs/formats/trace.md lists them.  Every one counts
what it did.

A row is repaired where something sure can stand in its place, such as the limit for a run time that is not
known, and dropped where its time, size or length cannot be known.  The order matters: sizes, then times, then
what is filled from them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from terp.arrays import Bools
from terp.connect.traces.trace_rows import CANCELLED, MOST, NONE, UNKNOWN, Reading, Rows, RowTally

LARGEST: Final = 10**9
"""More nodes, GPUs or cores than any machine has."""
LONGEST_S: Final = 10**11
"""More than three thousand years: a time or duration that no trace has [s]."""
MOST_BYTES: Final = 1e18
"""More memory than any node has; such a number is no size, and memory then not known."""


def settled(rows: Rows, reading: Reading) -> Rows:
    """Rows with every field known that a trace needs; what cannot be repaired is dropped, and all is counted.

    reading   what is known of the machine, and the tally of what was done

    The rows that come in are changed in part.  After it `submit <= eligible`, nodes or GPUs are above 0, `run
    >= 0` and `limit >= 1`.
    """
    tally = reading.tally
    rows = dropped(rows, rows["submit"] == NONE, "no time of submission", tally)
    rows = dropped(rows, rows["submit"] > reading.now_s(), "submitted in the future", tally)
    rows = _sized(rows, reading)
    _order_times(rows, reading)
    rows = _timed(rows, tally)
    wild = (np.abs(rows["submit"]) > LONGEST_S) | (rows["run"] > LONGEST_S) | (rows["limit"] > LONGEST_S)
    return dropped(rows, wild, "a number beyond reason", tally)


def dropped(rows: Rows, bad: Bools, reason: str, tally: RowTally) -> Rows:
    """Rows without the bad ones, which are counted.

    bad      `(n,)`, true for those that go
    reason   as the trace's notes say it, behind "dropped: "
    """
    if not bad.any():
        return rows
    tally.add(f"dropped: {reason}", rows["line"][bad])
    return rows[~bad]


def repair(rows: Rows, bad: Bools, reason: str, tally: RowTally, **values: object) -> None:
    """Sets fields of the bad rows, which are counted.  A value is one for all, or one for each row.

    bad      `(n,)`, true for those that are changed
    reason   as the trace's notes say it, behind "repaired: "
    values   field of a row -> a value, or an array `(n,)` of which the bad rows take theirs
    """
    if not bad.any():
        return
    tally.add(f"repaired: {reason}", rows["line"][bad])
    for name, value in values.items():
        rows[name][bad] = value[bad] if isinstance(value, np.ndarray) else value


def _sized(rows: Rows, reading: Reading) -> Rows:
    """Drops rows without a size, and those larger than the machine; whole nodes are marked."""
    tally, known = reading.tally, reading.known
    negative = (rows["nodes"] < 0) | (rows["gpus"] < 0)
    rows = dropped(rows, negative, "a negative size", tally)
    rows = dropped(rows, (rows["nodes"] == 0) & (rows["gpus"] == 0), "no size", tally)
    rows["cores"][rows["cores"] < 0] = 0
    rows["memory"][~((rows["memory"] > 0) & (rows["memory"] < MOST_BYTES))] = 0
    wild = (rows["nodes"] > LARGEST) | (rows["gpus"] > LARGEST) | (rows["cores"] > LARGEST)
    rows = dropped(rows, wild, "a number beyond reason", tally)
    if known.nodes_count:
        rows = dropped(rows, rows["nodes"] > known.nodes_count, "larger than the machine", tally)
    if known.node_gpus_count:
        large = (rows["nodes"] > 0) & (rows["gpus"] > known.node_gpus_count)
        rows = dropped(rows, large, "more GPUs a node than it has", tally)
    if known.nodes_count and known.node_gpus_count:
        total = known.nodes_count * known.node_gpus_count
        rows = dropped(rows, (rows["nodes"] == 0) & (rows["gpus"] > total), "larger than the machine", tally)
    if known.node_cores_count:
        rows["exclusive"] |= (rows["nodes"] > 0) & (rows["cores"] >= known.node_cores_count)
    return rows


def _order_times(rows: Rows, reading: Reading) -> None:
    """Puts times in order: submission, eligible, start, end; what lies in the future did not happen yet."""
    tally, now = reading.tally, reading.now_s()
    absent = rows["eligible"] == NONE
    rows["eligible"][absent] = rows["submit"][absent]
    early = rows["eligible"] < rows["submit"]
    repair(rows, early, "eligible before submission, submission taken", tally, eligible=rows["submit"])
    planned = rows["start"] > now
    repair(rows, planned, "a start in the future, taken as not started", tally, start=NONE, end=NONE)
    repair(rows, rows["end"] > now, "an end in the future, taken as unknown", tally, end=NONE)
    early = (rows["start"] != NONE) & (rows["start"] < rows["submit"])
    repair(rows, early, "start before submission, submission taken", tally, start=rows["submit"])
    backward = (rows["end"] != NONE) & (rows["end"] < np.where(rows["start"] == NONE, rows["submit"], rows["start"]))
    repair(rows, backward, "end before start, taken as unknown", tally, end=NONE)
    repair(rows, (rows["run"] < 0) & (rows["run"] != NONE), "a negative run time, taken as unknown", tally, run=NONE)
    repair(rows, (rows["limit"] <= 0) & (rows["limit"] != NONE), "a limit below 1 s, taken as not said", tally, limit=NONE)


def _timed(rows: Rows, tally: RowTally) -> Rows:
    """Fills run times, ends and limits from one another; drops rows with neither a run time nor a limit.

    A job that was cancelled and never started ran for 0 s.
    """
    from_times = (rows["run"] == NONE) & (rows["start"] != NONE) & (rows["end"] != NONE)
    rows["run"][from_times] = (rows["end"] - rows["start"])[from_times]
    never = (rows["run"] == NONE) & (rows["start"] == NONE) & (rows["state"] == CANCELLED)
    rows["run"][never] = 0
    unknown = (rows["run"] == NONE) & (rows["limit"] != NONE)
    repair(rows, unknown, "run time unknown, limit taken", tally, run=rows["limit"])
    rows = dropped(rows, rows["run"] == NONE, "neither run time nor limit", tally)
    open_end = (rows["end"] == NONE) & (rows["start"] != NONE) & (rows["state"] != UNKNOWN)
    rows["end"][open_end] = (rows["start"] + rows["run"])[open_end]
    limit = np.clip(rows["run"], 1, MOST)
    repair(rows, rows["limit"] == NONE, "limit not said, run time taken", tally, limit=limit)
    return rows
