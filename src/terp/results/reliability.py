"""What failures cost a run: functions of its attempts and events, nothing kept while it goes on.

Used by `simulate.account` for the attempts of a year, and by the model of one job (`simulate.jobs.one_job`), so that both
mean the same by kept and lost work.  Rates and causes of failures are drawn in `simulate.faults`, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from terp.arrays import Floats, Ints
from terp.statistics import poisson_interval

SIZE_EDGES: Final = (1, 8, 16, 64, 256, 1024, 4096, 16_384)
"""Least GPUs of each class of jobs that failures are told by."""


def kept_work_s(
    ran_s: ArrayLike, checkpoint_s: ArrayLike, write_s: ArrayLike, restart_s: ArrayLike, cut: ArrayLike
) -> NDArray[np.float64]:
    """Work of attempts that was not done again [s].

    ran_s         how long each ran, set-up included
    checkpoint_s  work between checkpoints, 0 or without end for none;  write_s  of each, during which no work is done
    restart_s     its set-up, 0 where it began anew
    cut           whether a failure ended it: then what it did after its last whole checkpoint is lost

    Arguments are numbers or arrays of one shape, [s] but for `cut`; the result has that shape.  Work and writes alternate
    from the end of the set-up on, so after w seconds floor(w / (checkpoint_s + write_s)) checkpoints are whole.  An attempt
    that was not cut keeps all of its work, and what a write took is never work.

    >>> kept_work_s([100.0, 100.0], 30.0, 5.0, 0.0, [True, False]).tolist()
    [60.0, 90.0]
    """
    worked = np.maximum(np.asarray(ran_s, float) - np.asarray(restart_s, float), 0.0)
    interval, write = np.asarray(checkpoint_s, float), np.asarray(write_s, float)
    some = (interval > 0) & np.isfinite(interval)
    every = np.where(some, interval, 0.0)
    period = np.where(some, every + write, np.inf)
    whole = np.floor(worked / period) * every
    part = np.where(some, np.minimum(np.mod(worked, period), every), worked)
    return np.asarray(np.where(np.asarray(cut, bool), whole, whole + part), float)


def reliability_of(
    gpus: ArrayLike, job: ArrayLike, start_s: ArrayLike, end_s: ArrayLike, kept_s: ArrayLike, event: ArrayLike,
    cause: ArrayLike, causes: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Interruptions, what they cost and how long jobs ran between them, for a run's summary.

    gpus   by job
    job, start_s, end_s, kept_s, event   by attempt: whose, from when to when, the work of it that was not done again, and
           the event that cut it short, -1 for none
    cause  by event: index into `causes`, -1 where nothing failed

    `ettr_fraction` is kept work over the time from a job's first start to its last end, waits between attempts included
    (kokolis-2024), by GPU; `kept_fraction` over the time that nodes were held.  Both are None where nothing ran.

    Times are [s]; `kept_s` is as `kept_work_s` gives it.  The keys of the result are those of `reliability` in summary.json,
    see docs/formats/run.md; interruptions whose event is no failure count under the cause "other".
    """
    of_job = np.asarray(job, np.int64)
    size = np.asarray(gpus, np.int64)
    start, end = np.asarray(start_s, float), np.asarray(end_s, float)
    held = np.asarray((end - start) * size[of_job], float)
    kept = np.asarray(np.asarray(kept_s, float) * size[of_job], float)
    cut = np.asarray(event, np.int64) >= 0
    wall = np.asarray(_wall_s(of_job, start, end, size.size) * size, float)
    why = np.asarray(cause, np.int64)[np.asarray(event, np.int64)[cut]]
    why = np.where(why < 0, len(causes), why)
    lost = np.bincount(why, (held - kept)[cut], len(causes) + 1)
    count = np.bincount(why, minlength=len(causes) + 1)
    names = [*causes, "other"]
    return {
        "interruptions_count": int(cut.sum()),
        "ettr_fraction": _share(kept.sum(), wall.sum()),
        "kept_fraction": _share(kept.sum(), held.sum()),
        "lost_to_failures_gpu_s": float(lost.sum()),
        "lost_to_checkpoints_gpu_s": float((held - kept)[~cut].sum()),
        "causes": {
            name: {"interruptions_count": int(count[index]), "lost_gpu_s": float(lost[index])}
            for index, name in enumerate(names)
            if count[index] or name != "other"
        },
        "sizes": _by_size(size, of_job, held, kept, wall, cut),
    }


def _wall_s(job: Ints, start: Floats, end: Floats, jobs: int) -> Floats:
    """From first start to last end of each job; 0 of those that never ran [s]."""
    first, last = np.full(jobs, np.inf), np.full(jobs, -np.inf)
    np.minimum.at(first, job, start)
    np.maximum.at(last, job, end)
    ran = np.isfinite(first)
    return np.where(ran, np.where(ran, last, 0.0) - np.where(ran, first, 0.0), 0.0)


def _by_size(
    size: Ints, job: Ints, held: Floats, kept: Floats, wall: Floats, cut: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Mean time to failure and the ratio of work done, by class of size, of classes that ran.

    Mean time to failure is the time that jobs of a class ran over how often they were cut [s]; its 95 % interval is that of
    a Poisson count, so that a class without an interruption has no mean and no upper end, but has a lower end.
    """
    classes = np.searchsorted(SIZE_EDGES, size, side="right") - 1
    class_of_attempt = classes[job]
    ran = held / size[job]  # of the job, not of its GPUs
    rows = []
    for index, lowest in enumerate(SIZE_EDGES):
        here = class_of_attempt == index
        if not here.any():
            continue
        count, ran_s = int(cut[here].sum()), float(ran[here].sum())
        low, high = poisson_interval(count)
        rows.append(
            {
                "lowest_gpus_count": lowest,
                "highest_gpus_count": int(size[classes == index].max()),
                "interruptions_count": count,
                "mttf_s": ran_s / count if count else None,
                "mttf_low_s": ran_s / high,
                "mttf_high_s": ran_s / low if low > 0 else None,
                "held_gpu_s": float(held[here].sum()),
                "lost_gpu_s": float((held - kept)[here].sum()),
                "ettr_fraction": _share(kept[here].sum(), wall[classes == index].sum()),
            }
        )
    return rows


def _share(part: float, whole: float) -> float | None:
    """A part over a whole; None where there is no whole."""
    return float(part / whole) if whole > 0 else None
