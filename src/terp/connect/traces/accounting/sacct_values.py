"""The words of Slurm's accounting: times, durations, limits, states, resources, numbers of jobs.

What a text means is worked out once for each distinct text of a block (`each`), since listings repeat a few
words millions of times; times are read as columns by pyarrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from terp.arrays import Bools, Ints
from terp.connect.traces.trace_rows import NONE, UNKNOWN, RowTally
from terp.describe import TRACE_STATES
from terp.errors import Problem, Problems
from terp.units import DAY_S, HOUR_S

UNSAID: Final = ("", "Unknown", "None", "NONE", "N/A", "(null)", "null", "NaT", "nan", "NULL")
"""How a time says that it is not known."""
UNLIMITED_S: Final = 365 * DAY_S
"""What Slurm's backfill plans with where a job has no limit: a year."""

STATES: Final = {
    "COMPLETED": "completed", "FAILED": "failed", "LAUNCH_FAILED": "failed", "RECONFIG_FAIL": "failed",
    "CANCELLED": "cancelled", "REVOKED": "cancelled", "TIMEOUT": "timeout", "DEADLINE": "timeout",
    "NODE_FAIL": "node_fail", "BOOT_FAIL": "node_fail", "OUT_OF_MEMORY": "out_of_memory",
    "PREEMPTED": "preempted", "REQUEUED": "preempted",
}  # fmt: skip
"""Slurm's state of a job that has ended -> ours."""
OPEN: Final = (
    "PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "RESIZING", "STOPPED", "SIGNALING", "STAGE_OUT",
    "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT", "POWER_UP_NODE", "UPDATE_DB", "EXPEDITING",
)  # fmt: skip
"""States of a job that has not."""
NOT_ENDED: Final = -1
"""What `state` gives for a job that has not ended."""
STRANGE: Final = -2
"""What `state` gives for a word that Slurm does not have."""

_PLAIN: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?$"
_ZONED: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$"
_DURATION: Final = re.compile(r"(?:(\d{1,6})-)?(\d{1,9})(?::(\d{1,9}))?(?::(\d{1,9}))?(?:\.\d+)?")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)([KMGTPE]?)")
_BINARY: Final = {"": 2.0**20, "K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40, "P": 2.0**50, "E": 2.0**60}
"""Letter behind a size of memory -> bytes; none means MiB, as sacct has it."""
_JOB: Final = r"^(?P<job>\d{1,15})(?:_(?P<task>\d{1,9}|\[.*\]))?(?:\+(?P<part>\d{1,9}))?$"
_TASKS: Final = re.compile(r"(\d{1,7})(?:-(\d{1,7})(?::(\d{1,7}))?)?")
MOST_TASKS: Final = 4_000_001
"""Slurm's highest MaxArraySize."""


def each(texts: pa.Array, meaning: Callable[[str], object], kind: type = np.int64) -> NDArray[Any]:
    """What every distinct text means, in the place of each: `(n,)`, or `(n, k)` where a meaning is k numbers.

    texts     `(n,)`, without nulls
    meaning   of one text; called once a distinct one
    """
    encoded = texts.dictionary_encode()
    values: NDArray[Any] = np.array([meaning(text) for text in encoded.dictionary.to_pylist() or [""]], kind)
    return np.asarray(values[encoded.indices.to_numpy()])


def _mask(values: pa.Array) -> Bools:
    """A pyarrow truth as numpy's."""
    return np.asarray(values.to_numpy(zero_copy_only=False), np.bool_)


class Clock:
    """Texts of times -> Unix seconds.  Epochs and times with an offset stand for themselves; others are of
    one zone.

    zone    of times that name none, such as "Europe/Amsterdam"
    tally   counts what cannot be read, comes twice in autumn, or never in spring

    Raises Problems if this machine does not know the zone.
    """

    def __init__(self, zone: str, tally: RowTally) -> None:
        self._zone, self._tally = zone, tally
        try:
            self._local(pa.array([0], pa.timestamp("s")), np.zeros(1, np.bool_), np.zeros(1, np.int64))
        except pa.ArrowInvalid:
            wrong, would_do = "the rules of this time zone are not on this machine", "install the tz database (tzdata)"
            raise Problems([Problem("", 0, 0, "zone", wrong, repr(zone), would_do)]) from None
        self._zoned = False

    def read(self, texts: pa.Array, lines: Ints) -> Ints:
        """Seconds since 1970, NONE where a text says no time; what it cannot read is counted."""
        digits = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), 12))
        unsaid = pc.is_in(texts, pa.array(UNSAID))
        seconds = _numbers(texts, digits)
        seconds[seconds == 0] = NONE  # JSON's way to say nothing
        rest = _mask(pc.invert(pc.or_(digits, unsaid)))
        if rest.any():
            kept = pa.array(rest)
            seconds[rest] = self._written(texts.filter(kept), lines[rest])
        return seconds

    def _written(self, texts: pa.Array, lines: Ints) -> Ints:
        """Seconds of times in letters."""
        plain, zoned = _mask(pc.match_substring_regex(texts, _PLAIN)), _mask(pc.match_substring_regex(texts, _ZONED))
        stamps = _stamps(pc.utf8_slice_codeunits(texts, 0, 19), plain | zoned)
        offset = each(pc.replace_substring_regex(texts, r"^.{19}(\.\d+)?", ""), _offset_s)
        seconds = np.where(zoned, _epochs(stamps) - offset, self._local(stamps, plain, lines))
        self._zoned |= bool(zoned.any())
        bad = ~(plain | zoned) | _mask(pc.is_null(stamps))
        self._tally.add("repaired: a time that cannot be read, taken as unknown", lines[bad])
        if self._zoned:
            self._tally.add(f"kept: time without a zone among others with one, read as {self._zone}", lines[plain & ~bad])
        seconds[bad] = NONE
        return seconds

    def _local(self, stamps: pa.Array, plain: Bools, lines: Ints) -> Ints:
        """Seconds of local times; of an hour that comes twice the first is taken, and both cases are counted."""
        if self._zone == "UTC":
            return _epochs(stamps)
        first, second = (
            _epochs(pc.assume_timezone(stamps, self._zone, ambiguous=which, nonexistent=which))
            for which in ("earliest", "latest")
        )
        self._tally.add("kept: local time that comes twice or never, the earlier taken", lines[plain & (first != second)])
        return first


def _epochs(stamps: pa.Array) -> Ints:
    """Seconds since 1970 of times; 0 where there is none."""
    return np.array(stamps.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), np.int64)


def _stamps(texts: pa.Array, good: Bools) -> pa.Array:
    """Times of texts such as 2026-11-22T15:54:31; null where the calendar has none such."""
    texts = pc.replace_substring(pc.if_else(pa.array(good), texts, None), " ", "T")
    try:
        return texts.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return pc.strptime(texts, format="%Y-%m-%dT%H:%M:%S", unit="s", error_is_null=True)


def _offset_s(text: str) -> int:
    """Seconds east of UTC: +0530 is 19800."""
    match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text)
    return (int(match[2]) * HOUR_S + int(match[3]) * 60) * (-1 if match[1] == "-" else 1) if match else 0


def _numbers(texts: pa.Array, good: pa.Array) -> Ints:
    """Whole numbers; NONE elsewhere."""
    return np.array(pc.if_else(good, texts, None).cast(pa.int64()).fill_null(NONE).to_numpy(), np.int64)


def whole_numbers(texts: pa.Array) -> Ints:
    """Whole numbers, with a decimal part cut, of up to 15 digits; NONE where there is none.

    >>> whole_numbers(pa.array(["12", "3.9", "n/a"])).tolist() == [12, 3, NONE]
    True
    """
    good = pc.match_substring_regex(texts, r"^-?\d{1,15}(\.\d*)?$")
    return _numbers(pc.replace_substring_regex(texts, r"\.\d*$", ""), good)


def duration_s(text: str) -> int:
    """Seconds of [days-]hours:minutes:seconds and its short forms; NONE if it is none.

    >>> duration_s("1-02:00:00"), duration_s("05:30"), duration_s("12")
    (93600, 330, 720)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        return NONE
    days, *parts = (int(part) if part else None for part in match.groups())
    given = [part for part in parts if part is not None]
    units = (HOUR_S, 60, 1) if days is not None or len(given) == 3 else (60, 1)
    return (days or 0) * DAY_S + sum(part * unit for part, unit in zip(given, units, strict=False))


def limit_s(text: str) -> int:
    """Seconds of a limit in letters or, as plain digits, in minutes; NONE if it is the partition's or not
    said.

    TimelimitRaw counts minutes, Timelimit is written as a duration; both come here.
    """
    if text.upper() in ("UNLIMITED", "INFINITE"):
        return UNLIMITED_S
    return int(text) * 60 if text.isdecimal() and len(text) < 10 else duration_s(text)


def state(text: str) -> int:
    """Our number of a state such as "CANCELLED by 1234"; NOT_ENDED or STRANGE.

    A word may be followed by who did it, or by a plus where it was cut.
    """
    word = text.split(" ", 1)[0].rstrip("+").upper()
    if word in STATES:
        return TRACE_STATES.index(STATES[word])
    return NOT_ENDED if word in OPEN else UNKNOWN if word in ("", "UNKNOWN") else STRANGE


def resources(text: str) -> tuple[int, int, float, int, int]:
    """Nodes, CPUs, bytes, GPUs and licences of "cpu=4,gres/gpu=8,mem=4000M,node=1".

    Where GPUs are listed as such and by type they are the same ones.

    Memory without a letter is MiB; what cannot be read counts nothing.
    """
    nodes = cpus = gpus = typed = licenses = 0
    memory = 0.0
    for part in text.split(","):
        name, _, value = part.partition("=")
        match = _SIZE.fullmatch(value)
        if match is None or len(value) > 15:
            continue
        count = int(float(match[1]))
        if name == "node":
            nodes = count
        elif name == "cpu":
            cpus = count
        elif name == "mem":
            memory = float(match[1]) * _BINARY[match[2]]
        elif name == "gres/gpu":
            gpus = count
        elif name.startswith("gres/gpu:"):
            typed += count
        elif name.startswith("license/"):
            licenses += count
    return nodes, cpus, memory, gpus or typed, licenses


def jobs(texts: pa.Array) -> tuple[Ints, Bools, list[str], Bools]:
    """Number of each job, or -1; whether it is of an array; its tasks if they wait in one row; whether it is
    a part.

    texts   `(n,)` such as "123", "123_4", "123_[4-9%2]" or "123+1"

    Gives four columns of n; the third is "" for all but rows of waiting tasks.
    """
    parts = pc.extract_regex(texts, _JOB)
    job = pc.struct_field(parts, "job")
    task, part = (pc.fill_null(pc.struct_field(parts, name), "") for name in ("task", "part"))
    numbers = np.array(job.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    waiting = pc.if_else(pc.starts_with(task, "["), task, "").to_pylist()
    return numbers, _mask(pc.not_equal(task, "")), waiting, _mask(pc.not_equal(part, ""))


def tasks(text: str) -> tuple[int, int]:
    """How many tasks "[4-9%2]" stands for, and how many may run at once (0 for all); 0 tasks if it cannot be
    read.

    >>> tasks("[4-9%2]"), tasks("[0-10:5]")
    ((6, 2), (3, 0))
    """
    inner, _, limit = text.strip("[]").partition("%")
    count = 0
    for part in inner.split(","):
        match = _TASKS.fullmatch(part)
        if match is None:
            return 0, 0
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        count += max(0, (last - first) // step + 1) if step else 0
    return (count, int(limit) if limit.isdecimal() and len(limit) < 8 else 0) if count <= MOST_TASKS else (0, 0)
