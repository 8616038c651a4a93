"""Does a drawn year look like the published jobs?  Every printed share and quantile, beside what was drawn.

A run reports how many of these figures its draw met; the tests ask more of long runs.  It is a check of the drawing, and no
proof that the published jobs are those that another machine would see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from terp.arrays import Ints
from terp.catalogue import STATES, TYPES, Published, published_jobs
from terp.describe import Workload
from terp.predict.workload_mix import profile_names
from terp.simulate.jobs.draw import TIMEOUT, JobSet

TOLERANCE: Final = 0.10
"""Largest relative miss of a figure that passes."""
POINT: Final = 0.01  # or by a percentage point: the curves were read off figures, and where one is flat seconds say little


@dataclass(frozen=True)
class WorkloadCheck:
    """One printed figure and what was drawn.  Shares are fractions, durations seconds.

    measure   what is compared;  of  for which type, or all;  at  at which size, state, type or quantile
    points    miss as a share: of jobs or GPU time, or of the type's jobs up to the printed duration

    profile      whose figure it is;  published, drawn  the two values
    jobs_count   drawn jobs that the value rests on: a miss by a handful says little
    """

    profile: str
    measure: str
    of: str
    at: str
    published: float
    drawn: float
    points: float
    jobs_count: int

    @property
    def miss(self) -> float:
        """Relative to the printed figure.

        Where the printed figure is 0: 1 if anything was drawn, else 0.
        """
        return self.drawn / self.published - 1 if self.published else float(self.drawn > 0)

    @property
    def passes(self) -> bool:
        """Within a tenth of the printed figure, or within one percentage point."""
        return abs(self.miss) <= TOLERANCE or abs(self.points) <= POINT


class _Drawn(NamedTuple):
    """What is compared of the jobs of a profile.

    Arrays of one shape, coded as in `JobSet`, run times in [s].
    """

    gpus: Ints
    run_s: Ints
    state: Ints
    kind: Ints


def check_workload(workload: Workload, jobs: JobSet) -> list[WorkloadCheck]:
    """Compares drawn jobs with the printed figures of the profiles they were drawn from (acme-2024).

    Jobs must be as drawn or as slowed by caps; under caps durations differ from the published ones, and checks tell that.
    A row a figure, profile by profile, shares before durations.
    """
    checks: list[WorkloadCheck] = []
    for index, profile in enumerate(profile_names(workload)):
        drawn = _Drawn(*(column[jobs.profile == index] for column in (jobs.gpus, jobs.run_s, jobs.state, jobs.kind)))
        figures = [figure for figure in published_jobs() if figure.profile == profile]
        checks += _shares(drawn, [figure for figure in figures if figure.measure != "duration_s"])
        checks += _durations(drawn, [figure for figure in figures if figure.measure == "duration_s"])
    return checks


def _shares(jobs: _Drawn, figures: list[Published]) -> list[WorkloadCheck]:
    """Shares of jobs and of GPU time by size, end state and type.  Jobs at their limit were drawn as failed.

    Shares are fractions of the profile's jobs, or of their GPU time, 0 where it has no jobs.
    """
    labels = {
        "gpus": jobs.gpus,
        "state": np.where(jobs.state == TIMEOUT, STATES.index("failed"), jobs.state),
        "type": jobs.kind,
    }
    names = {"state": STATES, "type": TYPES}
    gpu_s = (jobs.gpus * jobs.run_s).astype(float)
    count = {by: np.bincount(label, minlength=2048) for by, label in labels.items()}
    weight = {by: np.bincount(label, gpu_s, 2048) for by, label in labels.items()}
    checks = []
    for figure in figures:
        weighed, _, by = figure.measure.partition("_by_")
        label = names[by].index(figure.at) if by in names else int(figure.at)
        amounts = weight[by] if weighed == "gpu_time" else count[by]
        drawn = float(amounts[label] / max(amounts.sum(), 1))
        checks.append(_check(figure, drawn, drawn - figure.value, int(count[by][label])))
    return checks


def _durations(jobs: _Drawn, figures: list[Published]) -> list[WorkloadCheck]:
    """Quantiles of the run times by type.

    A duration's miss as a share is that of the type's jobs below the printed duration, less the quantile.
    """
    checks = []
    for kind in dict.fromkeys(figure.of for figure in figures):
        run_s = np.sort(jobs.run_s[jobs.kind == TYPES.index(kind)])
        printed = [figure for figure in figures if figure.of == kind]
        quantiles = [float(figure.at) for figure in printed]
        drawn = np.quantile(run_s, quantiles) if run_s.size else np.zeros(len(printed))
        for figure, quantile, value in zip(printed, quantiles, drawn.tolist(), strict=True):
            below = np.searchsorted(run_s, figure.value, side="right") / max(run_s.size, 1)
            checks.append(_check(figure, value, float(below) - quantile, run_s.size))
    return checks


def _check(figure: Published, drawn: float, points: float, count: int) -> WorkloadCheck:
    """The check of a figure by the drawn value, its miss as a share, and the jobs that it rests on."""
    return WorkloadCheck(figure.profile, figure.measure, figure.of, figure.at, figure.value, drawn, points, count)
