"""The headline figures of runs: their mean and band over seeds, and what changed from one case to another, seed by seed.

A year is a mapping of figures by key; the keys are those of summary.json, flattened by `sweep_folder.scalars`.  Nothing
here reads a file: `comparison.py` says which years belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import Final, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from terp.statistics import student_quantile

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
