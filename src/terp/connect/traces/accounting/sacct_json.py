"""Slurm's accounting, as `sacct --json` prints it: in 22.05 plain numbers and words, later records of numbers
and lists.

Each job is turned into the texts that `sacct --parsable2` would print, and `sacct` makes rows of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from terp.arrays import Ints
from terp.connect.traces.accounting import sacct_values as words
from terp.connect.traces.accounting.sacct import jobs_of
from terp.connect.traces.trace_rows import Reading, Rows, texts
from terp.reader import NoList, json_entries

BLOCK_JOBS: Final = 4096
"""Jobs that are read at once."""

_TYPES: Final = {"gres": "gres/{}", "license": "license/{}"}
"""Type of a trackable resource that has a name -> how sacct writes it in text."""


def job_blocks(
    path: Path, reading: Reading, key: str, is_job: Callable[[dict[str, object]], bool]
) -> Iterator[tuple[list[dict[str, object]], Ints]]:
    """The jobs of a JSON file in blocks, and where they stand in its list, `(n,)` from 1; memory holds a block at a time.

    key      of the list of jobs; "" where the file is the list
    is_job   whether an object says enough to be a job at all; entries that are no objects are counted as dropped

    A file without a job at all still gives one empty block.  Raises Problems where the file is no JSON, and for so many
    entries in a row that are no jobs that the file cannot be meant.
    """
    entries = enumerate(json_entries(path, key), 1)
    first = True
    while (block := list(itertools.islice(entries, BLOCK_JOBS))) or first:
        jobs = [(line, job) for line, job in block if isinstance(job, dict)]
        good = {line for line, _ in jobs}
        reading.tally.add("dropped: not a job", np.array([line for line, _ in block if line not in good], np.int64))
        if len(block) == BLOCK_JOBS and not any(is_job(job) for _, job in jobs):
            raise reading.problem(f"{BLOCK_JOBS} entries in a row are no jobs", "name a file of jobs")
        yield [job for _, job in jobs], np.array([line for line, _ in jobs], np.int64)
        first = False


def sacct_json_rows(path: Path, reading: Reading) -> Iterator[Rows]:
    """The jobs of `sacct --json` in blocks; "line" counts jobs, from 1.  Raises Problems if it is something else.

    path   of the JSON, packed or not;  reading   counts entries that are no jobs

    Output of `squeue --json`, which has jobs of another form, is told apart and refused.
    """
    clock = words.Clock(reading.known.zone or "UTC", reading.tally)
    try:
        for jobs, lines in job_blocks(path, reading, "jobs", lambda job: "time" in job):
            if jobs and all("job_state" in job for job in jobs):
                raise reading.problem("jobs of squeue, not of sacct", "name what `sacct --json` printed")
            cells = [_cells(job) for job in jobs]
            if cells:
                yield jobs_of({name: texts(each[name] for each in cells) for name in cells[0]}, lines, reading, clock)
    except NoList:
        raise reading.problem("JSON without a list `jobs`", "name what `sacct --json` printed") from None


def _cells(job: dict[str, object]) -> dict[str, str]:
    """A job as sacct prints it in text: column -> cell, the same columns for every job.

    job   an entry of `jobs`; objects and keys that are not there give empty cells
    """
    time = _part(job, "time")
    current = _part(job, "state").get("current")
    state = current[0] if isinstance(current, list) and current else current
    tres = {name: _tres(_part(job, "tres").get(name)) for name in ("allocated", "requested")}
    cells = {
        "jobid": _number_of(job),
        "submit": _text(time.get("submission")),
        "state": _text(state),
        "eligible": _text(time.get("eligible")),
        "start": _text(time.get("start")),
        "end": _text(time.get("end")),
        "elapsedraw": _text(time.get("elapsed")),
        "timelimit": _text(time.get("limit")),
        "allocnodes": _text(job.get("allocation_nodes")),
        "reqcpus": _text(_part(job, "required").get("CPUs")),
        "alloctres": "" if tres["allocated"] == tres["requested"] == "" else tres["allocated"],
        "reqtres": tres["requested"],
    }
    return cells | {name: _text(job.get(name)) for name in ("user", "account", "qos", "partition")}


def _part(job: dict[str, object], name: str) -> dict[str, object]:
    """An object inside a job, such as its `time`; an empty one where there is none, so that its keys are not
    set.
    """
    part = job.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    """A number in either form, or a word, as text; what is not set is empty.

    Later versions write {"set": true, "infinite": false, "number": 4} for 4.
    """
    if isinstance(value, dict):
        if value.get("infinite"):
            return "UNLIMITED"
        return _text(value.get("number")) if value.get("set") else ""
    if isinstance(value, float):
        return str(int(value)) if abs(value) < 1e15 else ""  # true for no NaN either
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _number_of(job: dict[str, object]) -> str:
    """123, 123_4, 123_[4-9%2] or 123+1, as sacct prints it.

    An array's waiting tasks stand in one entry, as "4-9" with the limit of those that run at once beside it.
    """
    array, het = _part(job, "array"), _part(job, "het")
    of_array, of_het = _text(array.get("job_id")), _text(het.get("job_id"))
    task, waiting = _text(array.get("task_id")), _text(array.get("task"))
    if of_array not in ("", "0") and (task or waiting):
        running = _text(_part(_part(_part(array, "limits"), "max"), "running").get("tasks"))
        limit = f"%{running}" if running not in ("", "0") and "%" not in waiting else ""
        return f"{of_array}_{task}" if task else f"{of_array}_[{waiting.strip('[]')}{limit}]"
    if of_het not in ("", "0"):
        return f"{of_het}+{_text(het.get('job_offset')) or 0}"
    return _text(job.get("job_id"))


def _tres(listed: object) -> str:
    """Resources as sacct writes them in text, such as "cpu=4,mem=4000M,gres/gpu=1"; memory is in MiB."""
    parts = []
    for item in listed if isinstance(listed, list) else []:
        kind, name, count = (item.get(key) for key in ("type", "name", "count")) if isinstance(item, dict) else (None,) * 3
        if isinstance(kind, str) and isinstance(count, int) and count >= 0:
            shown = _TYPES.get(kind, "{}").format(name) if kind in _TYPES else kind
            parts.append(f"{shown}={count}{'M' if kind == 'mem' else ''}")
    return ",".join(parts)
