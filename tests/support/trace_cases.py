"""Traces to test with, and what makes two of them the same."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from terp.describe import TRACE_STATES, Trace

ARRAYS = [field.name for field in dataclasses.fields(Trace) if field.name.islower()][:20]
NAMES = ("users", "accounts", "qos_names", "partitions")
SAID = (*NAMES, "began_unix_s", "notes")
FLOATS, TRUTHS = ("memory",), ("exclusive",)


def differences(one, two, without=()):
    """Fields in which two traces differ, in values or in type."""
    wrong = [
        name
        for name in ARRAYS
        if name not in without
        and not (
            getattr(one, name).dtype == getattr(two, name).dtype and np.array_equal(getattr(one, name), getattr(two, name))
        )
    ]
    return wrong + [name for name in SAID if name not in without and getattr(one, name) != getattr(two, name)]


def trace_of(jobs, **said):
    """A trace of jobs as dictionaries."""
    arrays = {
        name: np.array(
            [job[name] for job in jobs], np.float64 if name in FLOATS else np.bool_ if name in TRUTHS else np.int64
        )
        for name in ARRAYS
    }
    return Trace(**arrays, **said)


JOB = {
    "submit_s": 0, "eligible_s": 0, "nodes": 1, "gpus": 0, "cores": 0, "memory": 0.0, "exclusive": True, "run_s": 60,
    "limit_s": 600, "start_s": -1, "end_s": -1, "state": 0, "user": 0, "account": 0, "qos": 0, "partition": 0, "after": -1,
    "array": -1, "array_limit": 0, "licenses": 0,
}  # fmt: skip

_AWKWARD = st.text(alphabet=" \t\n\r\x00\x0b\x1c\x7f\x85\xa0\u2003\u2028\ufeff;:,|\"\\'a1", max_size=8)
"""Blanks of all kinds, control characters, and what other formats part cells with."""
_names = st.lists(st.text(max_size=8) | _AWKWARD, min_size=1, max_size=4, unique=True).map(tuple)
_whole = st.integers(0, 10**9)


@st.composite
def any_traces(draw):
    """Whatever our own file can hold."""
    said = {name: draw(_names) for name in NAMES}
    lows = draw(st.lists(_whole, min_size=0, max_size=6))
    jobs = []
    for place, submit in enumerate(sorted(lows)):
        job = {name: draw(_whole) for name in ARRAYS} | {"submit_s": submit}
        job |= {"nodes": draw(st.integers(1, 500)), "memory": draw(st.floats(0, 1e15)), "exclusive": draw(st.booleans())}
        job |= {name: draw(st.integers(-1, 10**9)) for name in ("start_s", "end_s", "array")}
        job |= {"after": draw(st.integers(-1, place - 1)), "state": draw(st.integers(0, len(TRACE_STATES) - 1))}
        for column, field in zip(("user", "account", "qos", "partition"), NAMES, strict=True):
            job[column] = draw(st.integers(0, len(said[field]) - 1))
        jobs.append(job)
    notes = draw(st.dictionaries(st.text(max_size=8) | _AWKWARD, st.integers(1, 9), max_size=2))
    return trace_of(jobs, **said, began_unix_s=draw(st.integers(-(10**9), 10**9)), notes=notes)


@st.composite
def swf_traces(draw, unit):
    """What an SWF can hold: sizes in one unit, times that follow from wait and run."""
    said = {name: draw(_names) for name in NAMES}
    jobs = []
    for place, submit in enumerate(sorted(draw(st.lists(_whole, min_size=1, max_size=6)))):
        count, run = draw(st.integers(1, 5000)), draw(st.integers(1, 10**6))
        job = JOB | {"submit_s": submit, "eligible_s": submit, "limit_s": draw(st.integers(1, 10**6)), "run_s": run}
        if unit == "node":
            job |= {"nodes": count, "memory": 1024.0 * draw(st.integers(0, 10**9))}
        else:
            job |= {"nodes": 0, "gpus": count, "exclusive": False}
        kind = draw(st.sampled_from(["completed", "failed", "cancelled", "unknown", "never"]))
        if kind == "never":
            job |= {"run_s": 0, "end_s": submit + draw(_whole), "state": TRACE_STATES.index("cancelled")}
        else:
            job["state"] = TRACE_STATES.index(kind)
            if draw(st.booleans()):
                start = submit + draw(_whole)
                job |= {"start_s": start, "end_s": start + run}
        job["after"] = draw(st.integers(-1, place - 1))
        for column, field in zip(("user", "account", "qos", "partition"), NAMES, strict=True):
            job[column] = draw(st.integers(0, len(said[field]) - 1))
        jobs.append(job)
    notes = draw(st.dictionaries(st.text(max_size=8) | _AWKWARD, st.integers(1, 9), max_size=2))
    return trace_of(jobs, **said, began_unix_s=draw(st.integers(-(10**9), 10**9)), notes=notes)
