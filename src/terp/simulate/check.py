"""Does a drawn year look like the published jobs?  Every printed share and quantile, beside what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.catalogue import STATES, TYPES, published_jobs
from terp.describe import Workload
from terp.simulate.draw import TIMEOUT, JobSet, profile_names

TOLERANCE: Final = 0.10
POINT: Final = 0.01  # or by a percentage point: the curves were read off figures, and where one is flat seconds say little


@dataclass(frozen=True)
class Check:
    """One printed figure and what was drawn.  Shares are fractions, durations seconds.

    measure   what is compared;  of  for which type, or all;  at  at which size, state, type or quantile
    points    miss as a share: of jobs or GPU time, or of the type's jobs up to the printed duration
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
        """Relative to the printed figure."""
        return self.drawn / self.published - 1 if self.published else float(self.drawn > 0)

    @property
    def passes(self) -> bool:
        """Within a tenth of the printed figure, or within one percentage point."""
        return abs(self.miss) <= TOLERANCE or abs(self.points) <= POINT


def check_workload(workload: Workload, jobs: JobSet) -> list[Check]:
    """Compares drawn jobs with the printed figures of the profiles they were drawn from (acme-2024)."""
    checks = []
    gpu_s = jobs.gpus * jobs.run_s
    state = np.where(jobs.state == TIMEOUT, STATES.index("failed"), jobs.state)
    labels = {"gpus": jobs.gpus, "state": state, "type": jobs.kind}
    names = {"state": STATES, "type": TYPES}
    for index, profile in enumerate(profile_names(workload)):
        mine = jobs.profile == index
        for figure in (entry for entry in published_jobs() if entry.profile == profile):
            if figure.measure == "duration_s":
                picked = jobs.run_s[mine & (jobs.kind == TYPES.index(figure.of))]
                drawn = float(np.quantile(picked, float(figure.at))) if picked.size else 0.0
                points = float((picked <= figure.value).mean()) - float(figure.at) if picked.size else 1.0
                count = picked.size
            else:
                weighed, _, by = figure.measure.partition("_by_")
                label = names[by].index(figure.at) if by in names else int(figure.at)
                weight = gpu_s[mine] if weighed == "gpu_time" else np.ones(int(mine.sum()))
                hit = labels[by][mine] == label
                drawn, count = float(weight[hit].sum() / max(weight.sum(), 1)), int(hit.sum())
                points = drawn - figure.value
            checks.append(Check(profile, figure.measure, figure.of, figure.at, figure.value, drawn, points, count))
    return checks
