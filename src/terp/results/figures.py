"""The headline figures of runs: their mean and band over seeds, and what changed from one case to another, seed by seed.

A year is a mapping of figures by key; the keys are those of summary.json, flattened by `sweep_folder.scalars`.  Nothing
here reads a file: `comparison.py` says which years belong together.

What failures cost a run stands here as well, as functions of its attempts and events: `simulate.account` uses them for a
year, and `simulate.jobs.one_job` for one job, so that both mean the same by kept and lost work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from terp.arrays import Floats, Ints
from terp.statistics import poisson_interval, student_quantile

SIZE_EDGES: Final = (1, 8, 16, 64, 256, 1024, 4096, 16_384)
"""Least GPUs of each class of jobs that failures are told by."""
HEADLINES: Final[dict[str, str]] = {
    "mean_wait_s": "mean wait",
    "median_wait_s": "median wait",
    "p95_wait_s": "95th percentile of waits",
    "sizes.256.mean_wait_s": "mean wait, 256 to 511 GPUs",
    "sizes.512.mean_wait_s": "mean wait, 512 GPUs and more",
    "sizes.512.p95_wait_s": "95th percentile, 512 and more",
    "gpu_utilisation_fraction": "GPUs in use",
    "work_gpu_s": "work done, GPU time",
    "lost_gpu_s": "lost GPU time",
    "jobs_completed_count": "jobs completed",
    "jobs_interrupted_count": "jobs interrupted",
    "node_failures_count": "node failures",
    "facility_energy_j": "energy at the meter",
    "mean_it_power_w": "mean power of the machine",
    "mean_pue": "PUE",
    "electricity_cost_eur": "electricity",
    "carbon_kg": "carbon",
}
"""Key of a figure -> what it is called.  Keys are of summary.json, entries of its lists by their smallest size."""
NO_FIGURES: Final = frozenset(
    {"days", "seed", "nodes_count", "gpus_count", "wall_s", "published_figures_count", "published_figures_met_count"}
)
"""Numbers of a summary that say what was asked for, or how long this computer took, and are no outcome of the year."""
CONFIDENCE: Final = 0.95
"""Of the interval of a mean difference of paired years."""
BAND: Final = (0.05, 0.95)
"""Quantiles of years that a headline's band runs between."""
FEWEST_OF_BAND: Final = 20
"""Years below which no band is given: a 5 % quantile of fewer is below the smallest of them."""


class FigureBand(TypedDict):
    """A headline over years that differ in seed only; standard_error, low and high are None where there are too few.

    figure           key of the headline, see HEADLINES
    mean             over the years, in the unit that the key ends with
    standard_error   of the mean, from the spread of the years; None of one year
    low, high        5 % and 95 % quantiles over the years; None of fewer than 20
    years_count      years that have this figure
    """

    figure: str
    mean: float
    standard_error: float | None
    low: float | None
    high: float | None
    years_count: int


class FigureDifference(TypedDict):
    """What a figure changed by between two cases, over years of the same seed.

    low, high      the 95 % interval of the mean difference; None with one pair
    effect_ratio   difference over what was before; None where that is 0
    base, other    means over the paired years, in the unit that the key ends with
    pairs_count    years of the same seed on both sides
    """

    figure: str
    base: float
    other: float
    difference: float
    low: float | None
    high: float | None
    effect_ratio: float | None
    pairs_count: int


def figures_of(row: Mapping[str, object]) -> dict[str, float]:
    """The headlines of a row, and after them its other numbers that are of the run as a whole.

    Truth values and words are no figures, nor are the numbers that say what was asked for (NO_FIGURES).  Of the numbers of
    parts, those with a dotted key, only headlines are kept.
    """
    numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    rest = [key for key in numbers if "." not in key and key not in NO_FIGURES and key not in HEADLINES]
    return {key: float(numbers[key]) for key in [*HEADLINES, *rest] if key in numbers}


def bands_of(years: Sequence[Mapping[str, float]]) -> list[FigureBand]:
    """Mean, standard error of the mean and the 5 to 95 % band of each headline over years that differ in seed only.

    One year has no standard error, and fewer than 20 no band: both are None then.
    """
    rows: list[FigureBand] = []
    for key in HEADLINES:
        values = np.array([year[key] for year in years if key in year])
        if values.size == 0:
            continue
        error = float(values.std(ddof=1)) / sqrt(values.size) if values.size > 1 else None
        low, high = np.quantile(values, BAND).tolist() if values.size >= FEWEST_OF_BAND else (None, None)
        mean = float(values.mean())
        rows.append(
            {"figure": key, "mean": mean, "standard_error": error, "low": low, "high": high, "years_count": values.size}
        )
    return rows


def differences(base: Mapping[int, Mapping[str, float]], other: Mapping[int, Mapping[str, float]]) -> list[FigureDifference]:
    """What each figure changed by from `base` to `other`, by seed, the largest relative change first.

    The mean of the differences of the years of one seed, with its 95 % interval by Student's t; None with one pair.

    base, other   figures of each year by its seed

    Seeds that only one side has are left out, and so are figures that one of a pair lacks.
    """
    seeds = sorted(set(base) & set(other))
    rows: list[FigureDifference] = []
    for key in dict.fromkeys(key for seed in seeds for key in base[seed]):
        pairs = [(base[seed][key], other[seed][key]) for seed in seeds if key in base[seed] and key in other[seed]]
        if not pairs:
            continue
        before, after = np.array(pairs).T
        low, high = paired_interval(after - before)
        mean, difference = float(before.mean()), float((after - before).mean())
        rows.append(
            {
                "figure": key,
                "base": mean,
                "other": float(after.mean()),
                "difference": difference,
                "low": low,
                "high": high,
                "effect_ratio": difference / abs(mean) if mean else None,
                "pairs_count": len(pairs),
            }
        )
    return sorted(rows, key=lambda row: -_size(row))


def is_told_apart(row: FigureDifference) -> bool:
    """Whether the 95 % interval of a difference leaves out zero; False where one pair gives no interval."""
    low, high = row["low"], row["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _size(row: FigureDifference) -> float:
    """By how much of itself a figure changed; all of it if there was nothing before."""
    if row["effect_ratio"] is None:
        return inf if row["difference"] else 0.0
    return abs(float(row["effect_ratio"]))


def paired_interval(differences_of_pairs: ArrayLike) -> tuple[float | None, float | None]:
    """The 95 % confidence interval of the mean of n differences; none if n is 1.  m -+ t(n - 1) s / sqrt(n)

    s    their standard deviation;  t  the quantile of Student's distribution

    Source: student-1908.  Holds for differences near normal, or many.

    The values are the differences themselves, in any unit, which is that of the interval too.  Not clipped: an interval that
    holds 0 says that the years do not tell the two apart.
    """
    values = np.asarray(differences_of_pairs, float)
    if values.size < 2:
        return None, None
    half = student_quantile(0.5 + CONFIDENCE / 2, values.size - 1) * float(values.std(ddof=1)) / sqrt(values.size)
    return float(values.mean()) - half, float(values.mean()) + half


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
