"""Start times of jobs in a flat pool: the way into the compiled pool.

For comparing schedulers on logs of machines without nodes of their own, such as those of the Parallel Workloads Archive.
For
nodes, failures and power take `engines`; for a Slurm cluster, `trace_schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Ints
from terp.describe import Policy
from terp.errors import Problem, Problems
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.pool.pool_state import PoolCount, PoolJobs, PoolPolicy, new_pool_state
from terp.simulate.engine.shared.codes import BackfillKind

_LONGEST_S: Final = 2**50


@dataclass(frozen=True)
class FlatSchedule:
    """When jobs start in a pool [s], the most units in use, jobs running and jobs waiting, and the passes made.

    start_s has shape (jobs,), in the order of the jobs given.  The counts are the highest at the end of any pass.
    """

    start_s: Ints
    most_units_count: int
    most_running_count: int
    most_waiting_count: int
    passes_count: int


def schedule_pool(
    submit_s: ArrayLike, units: ArrayLike, run_s: ArrayLike, limit_s: ArrayLike, pool_units: int, policy: Policy,
    rank: ArrayLike | None = None,
) -> Ints:  # fmt: skip
    """Start times [s] of jobs in a pool of so many units.  Arguments as of `run_pool`.

    Shape (jobs,), whole seconds.  Raises Problems as `run_pool` does.
    """
    return run_pool(submit_s, units, run_s, limit_s, pool_units, policy, rank).start_s


def run_pool(
    submit_s: ArrayLike, units: ArrayLike, run_s: ArrayLike, limit_s: ArrayLike, pool_units: int, policy: Policy,
    rank: ArrayLike | None = None,
) -> FlatSchedule:  # fmt: skip
    """Schedules jobs in a pool of units without nodes.

    submit_s   [s]  whole seconds, sorted;  units  [-]  what each takes
    run_s      [s]  how long each runs; one that would run past its limit is ended there
    limit_s    [s]  requested time, by which alone starts are planned
    policy     its backfill: kind, jobs_count and resolution_s
    rank       jobs of lower rank stand before others, equals by submission; None: by submission

    Raises Problems for jobs that could never run, and for what a pool has not.

    All columns have one entry a job, as whole numbers.  Same arguments, same schedule to the second.
    In a pool of 2 units, jobs submitted at 0, 1 and 2 s that take 1, 2 and 1 units for 10 s each start under EASY at
    0, 10 and 20 s: the third would end at 12 s, past the shadow time of the second, 10 s, which leaves nothing spare.
    """
    columns = [np.ascontiguousarray(column, np.int64) for column in (submit_s, units, run_s, limit_s)]
    ranks = np.zeros(1) if rank is None else np.ascontiguousarray(rank, np.float64)
    faults = [*_wrong(columns, pool_units), *_not_of_a_pool(policy, rank is not None)]
    if rank is not None and ranks.size != columns[0].size:
        faults.append(("rank", "must have one entry a job", str(ranks.size), ""))
    if faults:
        raise Problems(Problem("", 0, 0, *fault) for fault in faults)
    submit, size, run, limit = columns
    jobs = PoolJobs(submit, size.astype(np.int32), np.minimum(run, limit), limit, ranks)
    backfill = policy.backfill
    depth = min(backfill.jobs_count, max(submit.size, 1))
    state = new_pool_state(jobs, pool_units, depth)
    kind = int(BackfillKind[backfill.kind.upper()])
    kernels("pool").advance(state, jobs, PoolPolicy(kind, depth, round(backfill.resolution_s)))
    used = pool_units - state.n[PoolCount.LEAST_FREE]
    counts = (used, *state.n[[PoolCount.MOST_RUNNING, PoolCount.MOST_WAITING, PoolCount.PASSES]])
    return FlatSchedule(state.start_s, *(int(count) for count in counts))


def _wrong(columns: list[Ints], pool_units: int) -> Iterator[tuple[str, str, str, str]]:
    """What is wrong with the jobs: path, fault, what was found, what would do.

    Stops at columns of unlike length, since nothing else could be said of them; else all faults are given.
    """
    submit, units, run, limit = columns
    if len({column.size for column in columns}) > 1:
        yield "jobs", "columns of unlike length", ", ".join(str(column.size) for column in columns), "one entry a job"
        return
    if (np.diff(submit) < 0).any():
        yield "submit_s", "submissions must be sorted", f"a fall after job {int(np.argmax(np.diff(submit) < 0))}", ""
    for path, column, low, high in (
        ("submit_s", submit, 0, _LONGEST_S),
        ("units", units, 1, pool_units),
        ("run_s", run, 0, _LONGEST_S),
        ("limit_s", limit, 1, _LONGEST_S),
    ):
        outside = np.flatnonzero((column < low) | (column > high))
        if outside.size:
            yield path, "cannot run in this pool", f"{int(column[outside[0]])} of job {int(outside[0])}", f"{low} to {high}"
    if not 1 <= pool_units < 2**31 - 1:
        yield "pool_units", "a pool has units", str(pool_units), f"1 to {2**31 - 2}"


def _not_of_a_pool(policy: Policy, ranked: bool) -> Iterator[tuple[str, str, str, str]]:  # noqa: FBT001
    """What a policy says that a pool has not.

    ranked   whether ranks stand for the policy's order.  The same four parts as `_wrong` gives.
    """
    backfill = policy.backfill
    if backfill.interval_s > 0:
        yield "backfill.interval_s", "a pool passes at every event", f"{backfill.interval_s:g}", "0"
    if backfill.planning != "exact":
        yield "backfill.planning", "a pool plans exactly", backfill.planning, "exact"
    if backfill.resolution_s % 1:
        yield "backfill.resolution_s", "time is whole seconds", f"{backfill.resolution_s:g}", ""
    if backfill.kind == "conservative" and backfill.window_s < 1e9:
        yield "backfill.window_s", "a pool plans as far as it goes", f"{backfill.window_s:g}", "leave it out"
    if policy.order != "fifo" and not ranked:
        yield "order", "a pool knows no fair share", policy.order, "fifo, or the order of the jobs as `rank`"
