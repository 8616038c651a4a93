"""Draws a workload: who submits which job, when, how long it runs, what it asked for and how it ends.

Jobs are drawn by systematic sampling of the published joint table: every stretch of it gets its share of jobs to
within one.  So each seed is another year, and each year meets the published shares that its tails would else miss.

`draw_jobs` is what others call.  Four streams of the seed draw the mix, the arrays, the times of submission and the
requests, so that a change to one leaves the others as they were.  Run times are those published on the GPUs of a profile;
how they change on the machine at hand is for `job_controls`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.catalogue import STATES, TYPES, job_table
from terp.catalogue.read.job_statistics import JobTable
from terp.describe import Requests, Workload
from terp.errors import Problem, Problems
from terp.predict.workload_mix import job_names, kind_weights, profile_names
from terp.units import DAY_S, HOUR_S

END_STATES: Final = (*STATES, "timeout")
"""How a job may end if no node fails, in the order of the codes: those of the statistics, and at its limit."""
TIMEOUT: Final = END_STATES.index("timeout")
"""Code of a job that runs into its limit."""
_GOLDEN: Final = 0.6180339887498949
_HEAVIEST: Final = 4000
_LONG_S: Final = DAY_S
_RAKES: Final = 12
_MOST_RAKED: Final = 3.0
_RUN_BITS: Final = 21  # 24 days, longer than any published job
_FEW: Final = 600  # a type of fewer jobs keeps its own long ones: its quantiles rest on a handful


@dataclass(frozen=True)
class JobSet:
    """The jobs of a run, sorted by submission; one entry a job.

    run_s       time it runs if nothing fails [s];  requested_s  its limit [s]
    state       how it ends, into END_STATES;  kind  its type, into TYPES
    group, domain, job, profile   into the names of the workload, in the order of `names`
    submit_s    from the start of the run [s];  gpus  that it holds, whole nodes where it needs more than a node has

    All arrays have the shape (jobs,); a job's place here is its number throughout a run.
    """

    submit_s: Ints
    gpus: Ints
    run_s: Ints
    requested_s: Ints
    state: Ints
    kind: Ints
    group: Ints
    job: Ints
    profile: Ints

    def __len__(self) -> int:
        return int(self.submit_s.size)

    def take(self, order: NDArray[np.int64]) -> JobSet:
        """The jobs in another order.

        order   their places in this set, shape (jobs,)
        """
        return JobSet(*(getattr(self, field.name)[order] for field in fields(self)))


def stable_order(key: Ints) -> Ints:
    """What sorts keys of 0 and more, equal ones as they stand: `np.argsort(key, kind="stable")`, ten times as fast.

    Key and place are packed into one integer, where there is room, since plain numbers sort faster than references.

    key   whole numbers of 0 and more, shape (n,); gives the places that sort it, shape (n,)

    >>> stable_order(np.array([2, 0, 2, 1])).tolist()
    [1, 3, 0, 2]
    """
    bits = key.size.bit_length()
    if key.size == 0 or int(key.max()).bit_length() + bits > 63:
        return np.argsort(key, kind="stable")
    packed = np.sort((key << bits) | np.arange(key.size))
    return packed & ((1 << bits) - 1)


def draw_jobs(workload: Workload, gpus: int, gpus_per_node: int, horizon_s: int, utc_offset_s: float, seed: int) -> JobSet:
    """The jobs of a run on `gpus` GPUs for `horizon_s` seconds.  Same arguments, same jobs.

    Raises Problems if a job is larger than the machine, or if the run is too short to hold any.

    gpus_per_node   a job of more fills whole nodes: its size is rounded up
    utc_offset_s    of the site's local time, by whose hours and weekdays people submit [s]
    seed            of the run

    The number of jobs of a profile is its share of the load over the mean GPU time of a job, so that the load is met on
    average and not exactly.
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 1]).spawn(4)]
    parts = []
    for index, name in enumerate(profile_names(workload)):
        table = _usable(job_table(name), workload, gpus)
        shares = np.array([group.share_fraction * group.profiles.get(name, 0.0) for group in workload.groups.values()])
        count = round(float(shares.sum()) * workload.load_fraction * gpus * horizon_s / table.mean_gpu_s)
        if count > 0:
            size, run_s, state, kind = _sample(table, count, streams[0])
            group = _dealt(shares[None, :], np.zeros(size.size, np.int64), (size * run_s).astype(float), streams[0])
            parts.append((size, run_s, state, kind, group, np.full(size.size, index)))
    if not parts or not sum(part[0].size for part in parts):
        raise Problems([Problem("", 0, 0, "", "no job fits into this run", would_do="simulate more days or raise the load")])
    size, run_s, state, kind, group, profile = (np.concatenate(column) for column in zip(*parts, strict=True))
    size = np.where(size < gpus_per_node, size, -(-size // gpus_per_node) * gpus_per_node)
    rank = np.cumsum(np.bincount(size) > 0)  # of a size among those there are: sorts alike, in fewer bits
    order = stable_order((((group * len(TYPES) + kind) * (rank[-1] + 1) + rank[size]) << _RUN_BITS) + run_s)
    size, run_s, state, kind, group, profile = (column[order] for column in (size, run_s, state, kind, group, profile))
    array = _arrays(workload, size, kind, group, streams[1])
    job = _kinds_of_job(workload, kind, group, array, streams[1])
    submit_s = _submissions(workload, int(array[-1]) + 1, horizon_s, utc_offset_s, streams[2])[array]
    run_s, requested_s, state = _requests(workload.requests, run_s, state, streams[3])
    jobs = JobSet(submit_s, size, run_s, requested_s, state, kind, group, job, profile)
    return jobs.take(stable_order(submit_s))


def _usable(table: JobTable, workload: Workload, gpus: int) -> JobTable:
    """The part of a table that the workload allows; raises Problems if that does not fit the machine.

    gpus   that the machine has; the workload may allow less with its largest job
    """
    largest = workload.largest_job_count or int(table.gpus.max())
    allowed = table.gpus <= largest
    widest = int(table.gpus[allowed].max(initial=0))
    if widest > gpus:
        wrong = f"a job of {table.profile} asks for more GPUs than the machine has, {gpus:,}"
        raise Problems([Problem("", 0, 0, "", wrong, f"{widest:,}", f"set `largest_job: {gpus}` or less in the workload")])
    return table.only(allowed)


def _sample(table: JobTable, count: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """GPUs, run time [s], end state and type of about `count` jobs.

    Type by type, systematic sampling along rising run time, so that the durations of a type come out to within one
    job; then the end state; then the long run times are raked until GPU time by size, type and state is the table's.

    All four have one shape; run times are of the table's bins, log-uniform within a bin.
    """
    parts: list[tuple[Ints, Floats, Ints, Ints]] = []
    chances: list[Floats] = []
    for kind in range(len(TYPES)):
        cells = np.flatnonzero(table.type_index == kind)
        drawn = round(float(table.share[cells].sum()) * count)
        if drawn == 0:
            continue
        order = cells[np.lexsort((table.state_index[cells], table.gpus[cells], table.low_s[cells]))]
        pair, first = _pairs(table, order)
        edges = np.cumsum(np.add.reduceat(table.share[order], first))
        place = (np.arange(drawn) + rng.random()) / drawn * edges[-1]
        step = np.minimum(np.searchsorted(edges, place, side="right"), first.size - 1)
        low, high = table.low_s[order][first][step], table.high_s[order][first][step]
        run_s = low * (high / low) ** _spread(step, rng)
        gpus = table.gpus[order][first][step]
        of_state = np.zeros((first.size, len(STATES)))
        np.add.at(of_state, (pair, table.state_index[order]), table.share[order])
        chances.append(of_state)
        parts.append((gpus, run_s, step + sum(len(rows) for rows in chances[:-1]), np.full(drawn, kind)))
    gpus, run_s, row, kinds = (np.concatenate(column) for column in zip(*parts, strict=True))
    state = _dealt(np.concatenate(chances), row, gpus * run_s, rng)
    return gpus, _raked(table, gpus, run_s, state, kinds), state, kinds


def _pairs(table: JobTable, order: Ints) -> tuple[Ints, Ints]:
    """Which (run time bin, GPUs) each cell in order belongs to, and the first cell of each.

    order   cells of a table, sorted by run time and then by GPUs; both results are places in it
    """
    changes = (np.diff(table.gpus[order]) != 0) | (np.diff(table.low_s[order]) != 0)
    first = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return np.concatenate([[0], np.cumsum(changes)]), first


def _spread(step: Ints, rng: np.random.Generator) -> Floats:
    """Rising places from 0 to 1, even within each run of equal steps."""
    count = np.bincount(step)
    first = np.concatenate([[0], np.cumsum(count)])[step]
    place: Floats = (np.arange(step.size) - first + rng.random(step.size)) / count[step]
    return place


def _dealt(chances: Floats, row: Ints, weight: Floats, rng: np.random.Generator) -> Ints:
    """Deals each job one of several labels by the `chances` in its row.

    Along the golden ratio's sequence; but for the heaviest jobs, which carry most GPU time, the label that is furthest
    behind its share of the weight so far.

    chances   a row a kind of job, a column a label; rows need not add up to 1.  A single row is of all jobs
    row       of each job;  weight  GPU time of each [s]

    Gives the label of each job, shape (jobs,).
    """
    chances = chances / chances.sum(1, keepdims=True)
    below = np.cumsum(chances, 1)
    sequence = _golden(weight.size, rng)
    label: Ints = np.zeros(weight.size, np.int64)
    for column in range(chances.shape[1] - 1):
        label += sequence >= (below[row, column] if len(below) > 1 else below[0, column])
    heaviest = _heaviest(weight)
    behind, labels = [0.0] * chances.shape[1], []
    for shares, heavy in zip(chances[row[heaviest]].tolist(), weight[heaviest].tolist(), strict=True):
        chosen, most = 0, -np.inf
        for column, share in enumerate(shares):  # plain floats: arrays of three entries cost more than they save
            behind[column] += share * heavy
            if share > 0 and behind[column] > most:
                chosen, most = column, behind[column]
        behind[chosen] -= heavy
        labels.append(chosen)
    label[heaviest] = labels
    return label


def _golden(count: int, rng: np.random.Generator) -> Floats:
    """The golden ratio's sequence from 0 to 1, from a random place on.

    Shape (count,); any stretch of it is spread nearly evenly, so labels dealt along it meet their shares at every length.
    """
    place = np.arange(count) * _GOLDEN + rng.random()
    within: Floats = place - np.floor(place)
    return within


def _heaviest(weight: Floats) -> Ints:
    """The heaviest jobs, heaviest first, equal ones as they stand.

    Places of at most 4,000 of them; a whole year has many more jobs, but these carry most of the GPU time.
    """
    most = min(_HEAVIEST, weight.size)
    lightest = np.partition(weight, weight.size - most)[weight.size - most] if most else 0.0
    among = np.flatnonzero(weight >= lightest)
    return among[np.argsort(-weight[among], kind="stable")[:most]]


def _raked(table: JobTable, gpus: Ints, run_s: Floats, state: Ints, kind: Ints) -> Ints:
    """Run times [s], the long ones stretched or shrunk until GPU time by size, type and state is the table's share.

    Raking is iterative proportional fitting: each margin in turn is brought to its target.  Factors stay between a third and
    three, a run time never exceeds the longest published one, and short jobs and types of few jobs are left as drawn.
    """
    sizes = np.unique(table.gpus)
    margins = (
        (np.searchsorted(sizes, gpus), np.searchsorted(sizes, table.gpus), sizes.size),
        (kind, table.type_index, len(TYPES)),
        (state, table.state_index, len(STATES)),
    )
    cell_gpu_s = table.share * table.cell_gpu_s * gpus.size
    long = np.flatnonzero((run_s >= _LONG_S) & (np.bincount(kind) >= _FEW)[kind])
    gpu_s = gpus * run_s
    factor = np.ones(long.size)
    wanted = []  # of the long jobs: what the table gives less what the short jobs take
    for of_job, of_cell, count in margins:
        short = np.bincount(of_job, gpu_s, count) - np.bincount(of_job[long], gpu_s[long], count)
        wanted.append(np.bincount(of_cell, cell_gpu_s, count) - short)
    for _ in range(_RAKES):
        for (of_job, _, count), target in zip(margins, wanted, strict=True):
            drawn = np.bincount(of_job[long], gpu_s[long] * factor, count)
            ratio = np.divide(target, drawn, out=np.ones(count), where=drawn > 0)
            factor = np.clip(factor * ratio[of_job[long]], 1 / _MOST_RAKED, _MOST_RAKED)
    raked = run_s.copy()
    raked[long] = np.minimum(run_s[long] * factor, table.high_s.max())
    return np.maximum(np.rint(raked), 1).astype(np.int64)


def _arrays(workload: Workload, size: Ints, kind: Ints, group: Ints, rng: np.random.Generator) -> Ints:
    """Number of the submission that each job belongs to: like jobs of a group come as arrays of geometric size.

    size, kind, group   of the sorted jobs; an array never holds jobs that differ in one of them.  Numbers rise from 0.
    """
    mean = np.array([workload.arrivals.array_size_ratio.get(name, 1.0) for name in TYPES])
    starts = rng.random(size.size) < 1 / mean[kind]
    starts[0] = True
    starts[1:] |= (np.diff(size) != 0) | (np.diff(kind) != 0) | (np.diff(group) != 0)
    return np.cumsum(starts) - 1


def _kinds_of_job(workload: Workload, kind: Ints, group: Ints, array: Ints, rng: np.random.Generator) -> Ints:
    """Which domain's job each is, an array as a whole; even along the sorted jobs by the golden ratio's sequence."""
    first = np.concatenate([[0], np.flatnonzero(np.diff(array)) + 1])
    sorted_by = group[first] * len(TYPES) + kind[first]  # jobs stand by group, then type
    edges = np.searchsorted(sorted_by, np.arange(len(workload.groups) * len(TYPES) + 1))
    chosen = np.zeros(first.size, np.int64)
    for group_index, members in enumerate(workload.groups.values()):
        for kind_index, name in enumerate(TYPES):
            start, stop = edges[group_index * len(TYPES) + kind_index :][:2]
            weights = kind_weights(workload, members.domains, name)
            sequence = _golden(stop - start, rng)
            chosen[start:stop] = np.searchsorted(np.cumsum(weights / weights.sum()), sequence, side="right")
    return np.minimum(chosen, len(job_names(workload)) - 1)[array]


def _submissions(workload: Workload, count: int, horizon_s: int, utc_offset_s: float, rng: np.random.Generator) -> Ints:
    """Seconds at which `count` submissions come: a rate by local hour and weekday times Gamma noise of each hour.

    count       submissions, an array being one;  utc_offset_s  of local time [s]

    Whole seconds within the run, unsorted, shape (count,).
    """
    arrivals = workload.arrivals
    first, gone_s = divmod(round(utc_offset_s), HOUR_S)  # the local hour that the run begins in, and how far it is gone
    hours = -(-(horizon_s + gone_s) // HOUR_S)
    local = np.arange(hours) + first  # 2024-01-01 is a Monday
    edges_s = np.clip(np.arange(hours + 1) * HOUR_S - gone_s, 0, horizon_s)
    rate = np.array(arrivals.by_hour_ratio)[local % 24] * np.array(arrivals.by_weekday_ratio)[local // 24 % 7]
    rate *= rng.gamma(arrivals.noise_shape_ratio, 1 / arrivals.noise_shape_ratio, hours)
    rate *= np.diff(edges_s) / HOUR_S
    total = np.concatenate([[0.0], np.cumsum(rate)])
    at_s = np.interp(rng.random(count) * total[-1], total, edges_s)
    submit_s: Ints = np.minimum(at_s.astype(np.int64), horizon_s - 1)
    return submit_s


def _requests(requests: Requests, run_s: Ints, state: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Run times, requested times and end states, with the jobs that run into their limit among the failed ones.

    run_s, state   as drawn; all three results have their shape, times in [s]

    A request is a run time over a drawn ratio, raised to the next limit that users choose from, never below the run time.
    Jobs at their limit run to a whole minute, which is what they asked for.
    """
    ratio = np.interp(rng.random(run_s.size), requests.quantile_fraction, requests.run_over_requested_fraction)
    limits = np.array(requests.limits_s, np.int64)
    longest = np.maximum(limits[-1], run_s)
    wanted_s = np.minimum(run_s / np.maximum(ratio, 1e-6), longest)
    requested_s = limits[np.minimum(np.searchsorted(limits, wanted_s), limits.size - 1)]
    may = (state == STATES.index("failed")) & (run_s >= requests.shortest_at_limit_s)
    chance = requests.at_limit_fraction * run_s.size / max(int(may.sum()), 1)
    at_limit = may & (rng.random(run_s.size) < chance)
    minute_s = -(-run_s // 60) * 60
    requested_s = np.where(at_limit, minute_s, np.maximum(requested_s, run_s))
    return np.where(at_limit, minute_s, run_s), requested_s, np.where(at_limit, TIMEOUT, state)
