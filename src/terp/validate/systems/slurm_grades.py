"""The controller against a real slurmctld: the same jobs under the same slurm.conf, and when each of them started.

What jobs are and how long each ran is given; when they start is graded.  Schedules are chaotic: a second's shift of a
submission moves later starts by hours.  So the simulation runs many times with submissions shifted by 0 or 1 s; its mean
is compared, and its spread is the floor below which a difference means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from terp.arrays import Ints
from terp.connect import Known, Observed, read_observed, read_replay, read_slurm_conf
from terp.describe import TRACE_STATES, Cluster, Policy, Trace
from terp.errors import Problem, Problems
from terp.results.record import Json
from terp.simulate import Schedule, schedule
from terp.validate.grading.cases import expected, published_file

SOURCE: Final = "slurm"
DRAWS: Final = 20
"""Simulations of a replay, each with submissions shifted anew, and the seed of the shifts."""
SEED: Final = 1
START_SHARE: Final = 0.06
COMPLETE_S: Final = 1.0
COMPLETE_SHARE: Final = 0.35
TEST_SHARE: Final = 0.01
"""Latencies of a controller over what launching a job adds to its run time, which is measured: from decision to start
(with up to a second until its scheduler looks, once a second), from a job's end to free nodes (with a second of its own),
and of backfill for each job.  From the gaps between jobs on a node, the shortest waits and the lengths of passes in three
replays (fifo_11, multifactor_31, plain_7), on a plain clock and on one sixty times faster."""
_COMPLETED: Final = TRACE_STATES.index("completed")


@dataclass(frozen=True)
class SlurmGrade:
    """One replay: waits as the real controller gave them, and as the simulated one does.

    name               of the folder, or as the caller says
    multifactor        whether jobs were ordered by priority
    jobs_count         jobs that were seen to start, which are compared
    left_count         jobs of the trace that the real controller never started, which are left out
    launch_s           what launching adds to a job's run time, measured
    mean_wait_observed_s, mean_wait_simulated_s    from submission to start; the latter over all draws
    median_start_s, p90_start_s   error without sign of a job's start, without shifts
    ks_fraction        Kolmogorov-Smirnov distance between observed waits and those of all draws
    ks_chaos_fraction  95th percentile of that distance between one draw and the others
    chaos_fraction     standard deviation of the simulated mean wait over the observed one
    most_gpus_count    GPUs in use at once, at most, in the simulation without shifts
    """

    name: str
    multifactor: bool
    jobs_count: int
    left_count: int
    launch_s: float
    mean_wait_observed_s: float
    mean_wait_simulated_s: float
    median_start_s: float
    p90_start_s: float
    ks_fraction: float
    ks_chaos_fraction: float
    chaos_fraction: float
    most_gpus_count: int

    @property
    def error_fraction(self) -> float:
        """Simulated over observed mean wait, less one; 0 where nobody waited.

        Above 0 where jobs wait longer in the simulation.
        """
        return self.mean_wait_simulated_s / self.mean_wait_observed_s - 1 if self.mean_wait_observed_s else 0.0

    @property
    def missed(self) -> tuple[str, ...]:
        """Which bars are missed: 10 % of the mean wait (15 % with priorities), and 0.10 of KS, or what chaos alone
        would miss.

        A bar is never below twice the spread of the simulation's own mean wait: a second's shift moves it by as much.
        """
        bar = max(0.15 if self.multifactor else 0.10, 2 * self.chaos_fraction)
        missed = ["mean wait"] if abs(self.error_fraction) > bar else []
        return (*missed, "KS") if self.ks_fraction > max(0.10, self.ks_chaos_fraction) else tuple(missed)

    def as_data(self) -> dict[str, Json]:
        """The replay as JSON, see docs/formats/validate.md: seconds, and fractions for errors and distances."""
        return {
            "name": self.name,
            "n": self.jobs_count,
            "left_out": self.left_count,
            "launch_overhead_s": self.launch_s,
            "mean_wait_observed_s": self.mean_wait_observed_s,
            "mean_wait_simulated_s": self.mean_wait_simulated_s,
            "mean_wait_error": self.error_fraction,
            "median_abs_start_error_s": self.median_start_s,
            "p90_abs_start_error_s": self.p90_start_s,
            "wait_ks_distance": self.ks_fraction,
            "chaos_wait_ks_distance": self.ks_chaos_fraction,
            "chaos_mean_wait_error": self.chaos_fraction,
            "most_gpus_in_use_count": self.most_gpus_count,
            "draws": DRAWS,
            "missed": list(self.missed),
        }


def grade_slurm(trace: Path, observed: Path, conf: Path, assoc: Path | None = None, name: str = "") -> SlurmGrade:
    """Simulates a trace under a slurm.conf and compares with what the real controller did.

    trace      jobs as they were submitted, CSV
    observed   row of the trace, submission, start and elapsed time of each job as sacct saw it, CSV
    conf       the slurm.conf;  assoc   accounts and QOS, None without
    name       of the replay; the trace's folder if empty

    Run times are the observed ones, submissions the observed seconds: only when jobs start is left to the simulation.
    Raises Problems for files that cannot be read or do not belong together.
    """
    read = read_slurm_conf(conf, assoc)
    known = Known(node_gpus_count=int(read.cluster.gpus.max(initial=1)))
    sacct = read_observed(observed)
    jobs, seen = _joined(read_replay(trace, known), sacct, trace, observed)
    ran = seen.state == _COMPLETED
    extra = (seen.elapsed_s - jobs.run_s)[ran]
    launch_s = max(float(extra.mean()), 0.0) if ran.any() else 0.0
    policy = _with_latencies(read.policy, launch_s)
    given = replace(jobs, run_s=np.maximum(seen.elapsed_s, 1), submit_s=seen.submit_s, eligible_s=seen.submit_s)
    return _graded(name or trace.parent.name, policy, read.cluster, given, seen, launch_s, len(sacct.idx))


def _with_latencies(policy: Policy, launch_s: float) -> Policy:
    """The policy with the latencies of a controller whose launches take so long; jobs end as they were seen to.

    launch_s   what launching adds to a job's run time, measured in the same replay [s]
    """
    test_s = round(TEST_SHARE * launch_s, 4)
    return policy.model_copy(
        update={
            "launch_s": float(round(0.5 + START_SHARE * launch_s)),
            "complete_s": float(round(COMPLETE_S + COMPLETE_SHARE * launch_s)),
            "over_s": 1e8,
            "backfill": policy.backfill.model_copy(update={"test_s": test_s}),
        }
    )


def _joined(trace: Trace, seen: Observed, file: Path, other: Path) -> tuple[Trace, Observed]:
    """The jobs that were seen to start, in the order in which they were submitted.

    Raises Problems where the two files are of different replays, a job stands twice, or rows of the trace were repaired.
    """
    problems = []
    if seen.idx.size and int(seen.idx.max()) >= len(trace):
        wrong = f"row {int(seen.idx.max())} is not in {file.name}, which has {len(trace):,} jobs"
        problems.append(Problem(str(other), 0, 0, "idx", wrong, would_do="name the trace that was replayed"))
    if np.unique(seen.idx).size != seen.idx.size:
        problems.append(Problem(str(other), 0, 0, "idx", "a job stands twice", would_do="keep one line a job"))
    if trace.notes:
        repairs = "; ".join(f"{count} rows: {reason}" for reason, count in trace.notes.items())
        problems.append(Problem(str(file), 0, 0, "", f"rows were dropped or repaired: {repairs}", would_do="mend them"))
    if problems:
        raise Problems(problems)
    kept = np.flatnonzero((seen.start_s >= 0) & (seen.submit_s >= 0) & (seen.elapsed_s >= 0))
    if kept.size == 0:
        raise Problems([Problem(str(other), 0, 0, "", "no job was seen to start", would_do="name what sacct saw")])
    kept = kept[np.lexsort((seen.idx[kept], seen.submit_s[kept]))]
    chosen = Observed(**{name: getattr(seen, name)[kept] for name in Observed.__dataclass_fields__})
    return trace.take(chosen.idx), chosen


def _graded(
    name: str, policy: Policy, cluster: Cluster, jobs: Trace, seen: Observed, launch_s: float, rows: int
) -> SlurmGrade:
    """The grade of a replay whose files go together.

    jobs, seen   the same jobs in the same order, as given and as observed
    rows         jobs that the observations name, those that never started too
    """
    observed = seen.start_s - seen.submit_s
    planned = schedule(policy, cluster, jobs)
    off = np.abs(_checked(planned, policy) - seen.start_s)
    waits = np.array(list(_shifted(policy, cluster, jobs, launch_s)))
    means = waits.mean(1)
    spread = [_ks(draw, np.delete(waits, k, 0).ravel()) for k, draw in enumerate(waits)]
    return SlurmGrade(
        name=name,
        multifactor=policy.order == "multifactor",
        jobs_count=len(jobs),
        left_count=rows - len(jobs),
        launch_s=launch_s,
        mean_wait_observed_s=float(observed.mean()),
        mean_wait_simulated_s=float(means.mean()),
        median_start_s=float(np.median(off)),
        p90_start_s=float(np.quantile(off, 0.9)),
        ks_fraction=_ks(observed, waits.ravel()),
        ks_chaos_fraction=float(np.quantile(spread, 0.95)),
        chaos_fraction=float(means.std(ddof=1) / max(observed.mean(), 1e-9)),
        most_gpus_count=planned.counters["most_gpus_in_use_count"],
    )


def _checked(planned: Schedule, policy: Policy) -> Ints:
    """When each job started: when the controller decided, and then the launch [s], a job an entry.

    Raises Problems where a job that the real controller started never fits here: then the files are not of one cluster.
    """
    if (planned.start_s < 0).any():
        reasons = ", ".join(f"{why}: {count}" for why, count in planned.refused.items()) or "they never fit"
        wrong = f"{int((planned.start_s < 0).sum())} jobs that the real controller started never start here ({reasons})"
        raise Problems([Problem("", 0, 0, "", wrong, would_do="check that slurm.conf and trace belong together")])
    started: Ints = planned.start_s + round(policy.launch_s)
    return started


def _shifted(policy: Policy, cluster: Cluster, jobs: Trace, launch_s: float) -> Iterator[Ints]:
    """Waits of the jobs [s], DRAWS times with their submissions shifted by 0 or 1 s, in the order that they had."""
    rng = np.random.default_rng(SEED)
    for _ in range(DRAWS):
        at = np.maximum.accumulate(jobs.submit_s + rng.integers(0, 2, len(jobs)))
        shifted = replace(jobs, submit_s=at, eligible_s=at)
        decided = _checked(schedule(policy, cluster, shifted), policy) - round(policy.launch_s) - at
        # a submission falls within a second, the scheduler looks once a second, and times are told in whole seconds
        parts = rng.random((2, len(jobs))).sum(0) + START_SHARE * launch_s
        yield decided + np.floor(parts).astype(np.int64)


def _ks(a: Ints, b: Ints) -> float:
    """Kolmogorov-Smirnov distance of two samples: the largest gap between their cumulative shares.

    Both are sorted here; 0 where they are spread alike, 1 where no value of one reaches the other.
    """
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate([a, b])
    gap = np.searchsorted(a, at, side="right") / a.size - np.searchsorted(b, at, side="right") / b.size
    return float(np.abs(gap).max())


@cache
def grade_replays() -> tuple[SlurmGrade, ...]:
    """The replays that ship, each folder of validation/slurm with a trace, what was seen of it, and its slurm.conf.

    Simulated once for a process, in the order of their names.
    """
    folder = published_file(SOURCE, "source.yaml").parent
    grades = []
    for path in sorted(folder.iterdir()):
        if (path / "trace.csv").is_file():
            assoc = path / "assoc.txt"
            files = (path / "trace.csv", path / "observed.csv", path / "slurm.conf", assoc if assoc.is_file() else None)
            grades.append(grade_slurm(*files, name=path.name))
    return tuple(grades)


def worsened_slurm(grades: Sequence[SlurmGrade]) -> bool:
    """True if the mean waits of replays are off by more in the median than is held, and its step.

    grades   of the replays that ship, for which expect.yaml holds a median
    """
    limits = expected(SOURCE, "slurm")
    off = float(np.median([abs(entry.error_fraction) for entry in grades]))
    return off > limits.held_fraction + limits.step_fraction
