"""What the pool is given and what changes in it, as arrays; and the state that a run begins with.

Nothing here is compiled, so it may be imported by whoever prepares a run.

The kernels take these records and change the state's arrays in place; all are made once, since no kernel may allocate.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints

Small = NDArray[np.int32]

GONE_UNITS: Final = np.int32(2**31 - 1)
"""Units of a queue entry whose job has started: more than will ever be free."""
POOL_BLOCK_BITS: Final = 4
"""Bits of a place in the queue within its block."""


class PoolJobs(NamedTuple):
    """The jobs, sorted by submission; one entry a job.

    submit_s  [s]  whole seconds, not falling;  units  [-]  at least 1 and at most the pool
    run_s     [s]  how long it runs, cut at its limit;  limit_s  [s]  requested time
    rank           jobs of lower rank stand before others; one entry for all: by submission alone

    All arrays have shape (jobs,), but `rank`, which may have shape (1,).  `limit_s` is at least 1 and not below `run_s`.
    """

    submit_s: Ints
    units: Small
    run_s: Ints
    limit_s: Ints
    rank: Floats


class PoolPolicy(NamedTuple):
    """What may overtake, a BackfillKind; conservative plans the first `depth` waiting jobs of a pass.

    resolution  [s]  planned ends are rounded up to its multiples

    With EASY and without backfill, depth and resolution play no part.
    """

    backfill: int
    depth: int
    resolution: int


class PoolCount(IntEnum):
    """Places of the counters in `PoolState.n`.

    FREE             units;  RUNNING, WAITING, ARRIVED  jobs
    FRONT, BACK      first place of the queue, and first behind it
    FULL             whether the next pass looks at all
    KNOWN, SHADOW, SPARE   whether the shadow of the head is known; when it can start [s], and the units that it leaves then
    STEPS            of the plan;  PLANNED  first place of the queue that is not;  PLANNED_WAIT  jobs in it that wait
    LEAST_FREE, MOST_RUNNING, MOST_WAITING, PASSES   over the run

    A shadow is known until a pass looks at all again; units that it leaves shrink as jobs take them.
    """

    FREE = 0
    RUNNING = 1
    FRONT = 2
    BACK = 3
    WAITING = 4
    ARRIVED = 5
    FULL = 6
    KNOWN = 7
    SHADOW = 8
    SPARE = 9
    STEPS = 10
    PLANNED = 11
    PLANNED_WAIT = 12
    LEAST_FREE = 13
    MOST_RUNNING = 14
    MOST_WAITING = 15
    PASSES = 16


class PoolState(NamedTuple):
    """Everything that changes; `n` holds the counters.

    start_s has shape (jobs,), -1 until a job starts; times are whole seconds from the start of the run.
    heap, requested_end and held   filled up to PoolCount.RUNNING;  queue  from PoolCount.FRONT to PoolCount.BACK
    plan_time, plan_free   filled up to PoolCount.STEPS; used by conservative backfill alone
    """

    n: Ints  # by PoolCount
    start_s: Ints
    heap_time: Ints  # running jobs by true end, see event_heap.py
    heap_entry: Small
    requested_end: Ints  # running jobs by requested end
    held: Small
    queue: Small  # waiting jobs in order
    queue_units: Small
    queue_limit: Ints
    block_least: Small  # fewest units by block of the queue
    plan_time: Ints  # units free from each time on, by requested ends and by what is planned so far
    plan_free: Ints


def new_pool_state(jobs: PoolJobs, units: int, depth: int) -> PoolState:
    """An empty pool of so many units, with room for jobs of which `depth` are planned in a pass.

    units    of the pool, which bounds how many jobs run at once, as each takes at least one
    depth    how many jobs a pass plans, each of which may add a step to the plan
    """
    count = jobs.submit_s.size
    most = min(count, units) + 1  # running at once
    n = np.zeros(len(PoolCount), np.int64)
    n[PoolCount.FREE], n[PoolCount.LEAST_FREE], n[PoolCount.FULL] = units, units, 1
    steps = most + min(count, depth) + most + 2
    return PoolState(
        n=n, start_s=np.full(count, -1, np.int64), heap_time=np.zeros(most, np.int64), heap_entry=np.zeros(most, np.int32),
        requested_end=np.zeros(most, np.int64), held=np.zeros(most, np.int32), queue=np.zeros(count + 1, np.int32),
        queue_units=np.full(count + 1, GONE_UNITS, np.int32), queue_limit=np.zeros(count + 1, np.int64),
        block_least=np.full((count >> POOL_BLOCK_BITS) + 2, GONE_UNITS, np.int32),
        plan_time=np.zeros(steps, np.int64), plan_free=np.zeros(steps, np.int64),
    )  # fmt: skip
