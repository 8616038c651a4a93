"""What an operator's settings do to the jobs of a year: slower under a cap, kept back for cheap hours, checkpointed.

`jobs_under` applies all settings that change a job before the engine sees it; `eligible_s` says from when on it may start.
Caps of the machine's power as a whole are not here: they depend on what runs, and the engine keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from terp.arrays import Bools, Floats, Ints
from terp.catalogue import TYPES, hourly
from terp.describe import Assign, Policy, Site, Workload
from terp.errors import Problem, Problems, did_you_mean
from terp.hardware import Machine
from terp.physics import capped_job, checkpoint_interval
from terp.predict.workload_mix import job_names
from terp.simulate.controls import Controls, capped_kinds
from terp.simulate.jobs.draw import JobSet
from terp.simulate.jobs.job_kinds import JobKind
from terp.units import DAY_S, HOUR_S

_LONGEST_AHEAD_S: Final = DAY_S  # a job's hours are priced over no more than this


@dataclass(frozen=True)
class Assigned:
    """An entry of a policy's `assign` and the jobs that it is the first to fit: a truth a job.

    jobs   shape (jobs,), in the order of submission; no job is in two entries of one policy
    """

    entry: Assign
    jobs: Bools


@dataclass(frozen=True)
class ControlledJobs:
    """The jobs of a year under the settings of a run; arrays have one entry a job.

    kinds        the kinds of job under the caps of the machine
    jobs         with the run times and limits that they have under all caps
    pace_ratio   speed under the cap that the policy gives a job, over its kind's
    level_w      power of a whole node that runs it, without fans [W]
    assigned     what the policy says of which jobs
    checkpoint_s, write_s, restart_s   between checkpoints, of a write, and to set up again [s]; 0 for none
    """

    kinds: tuple[JobKind, ...]
    jobs: JobSet
    pace_ratio: Floats
    level_w: Floats
    assigned: tuple[Assigned, ...]
    checkpoint_s: Ints
    write_s: Ints
    restart_s: Ints


def jobs_under(
    controls: Controls, machine: Machine, workload: Workload, kinds: tuple[JobKind, ...], drawn: JobSet
) -> ControlledJobs:
    """Drawn jobs as a run's settings leave them.

    kinds   without caps, as `kinds_of(machine, workload)` gives them

    Raises Problems for names that the policy assigns and the workload lacks.

    drawn   jobs of the workload, with published run times

    The drawn jobs stay as they are; those of the result have the same order and number.
    """
    assigned = assigned_jobs(controls.policy, workload, drawn)
    capped, speed = capped_kinds(machine, kinds, controls.gpu_cap_w, controls.node_cap_w)
    pace, level_w = capped_jobs(machine, capped, drawn, assigned)
    jobs = slowed(drawn, speed[drawn.job] * pace)
    checkpoint_s, write_s, restart_s = checkpoints_of(machine, workload, capped, jobs, controls)
    return ControlledJobs(capped, jobs, pace, level_w, assigned, checkpoint_s, write_s, restart_s)


def capped_jobs(
    machine: Machine, kinds: tuple[JobKind, ...], jobs: JobSet, assigned: tuple[Assigned, ...]
) -> tuple[Floats, Floats]:
    """Speed of each job under the cap that a policy gives it, over its kind's, and power of its nodes without fans [W].

    kinds   under the caps of the machine;  assigned  with caps of the policy, 0 W for none

    Both results have the shape (jobs,); a job without such a cap has a speed of 1 and its kind's power.
    """
    pace, level_w = np.ones(len(jobs)), np.array([kind.level_w for kind in kinds])[jobs.job]
    for part in assigned:
        if part.entry.gpu_cap_w > 0:
            under = [capped_job(machine, kind.level_w, part.entry.gpu_cap_w) for kind in kinds]
            pace[part.jobs] = np.array([cap.speed_ratio for cap in under])[jobs.job[part.jobs]]
            level_w[part.jobs] = np.array([cap.level_w for cap in under])[jobs.job[part.jobs]]
    return pace, level_w


def slowed(jobs: JobSet, speed_ratio: Floats) -> JobSet:
    """Jobs that run to their own end take longer on slower GPUs and ask for longer; others are stopped when they were.

    speed_ratio   of each job over its published speed, shape (jobs,)

    Jobs that failed, were cancelled or ran into a limit keep their times: what ended them did not wait for their work.
    """
    ratio = np.where(jobs.state == 0, speed_ratio, 1.0)
    if (ratio == 1.0).all():
        return jobs
    run_s, requested_s = (np.rint(column / ratio).astype(np.int64) for column in (jobs.run_s, jobs.requested_s))
    return replace(jobs, run_s=run_s, requested_s=requested_s)


def checkpoints_of(
    machine: Machine, workload: Workload, kinds: tuple[JobKind, ...], jobs: JobSet, controls: Controls
) -> tuple[Ints, Ints, Ints]:
    """Interval, time of a write and time to set up again of each job [s]; 0 for none.

    At the interval that costs least (daly), a kind whose write is known does not write at all where nothing fails.

    kinds   under the caps of the run, whose `write_s` counts;  jobs  whose kinds they are

    Three arrays of shape (jobs,), whole seconds.
    """
    types = [workload.domains[domain].jobs[name] for domain, name in job_names(workload)]
    every = np.array([round(kind.checkpoint_s or 0) for kind in types], np.int64)[jobs.job]
    restart = np.array([round(kind.restart_s) for kind in types], np.int64)[jobs.job]
    write = np.array([kind.write_s for kind in kinds])[jobs.job]
    if controls.checkpoints == "daly":
        known = (write > 0) & (every > 0)
        every[known] = _daly_s(machine, jobs.gpus[known], write[known], controls.reliability.node_failures_per_s)
    return every, np.where(every > 0, np.rint(write), 0).astype(np.int64), restart


def _daly_s(machine: Machine, gpus: Ints, write_s: Floats, node_failures_per_s: float) -> Ints:
    """The interval that costs least of each job [s], from its nodes' failures; 0 where nothing fails: no write pays.

    gpus, write_s   of each job that writes; jobs on as many nodes with the same write have the same interval
    """
    if node_failures_per_s == 0 or not gpus.size:
        return np.zeros(gpus.size, np.int64)
    nodes = np.maximum(gpus // machine.node.accelerators_count, 1)
    pairs, place = np.unique(np.array([nodes, write_s * 1000]), axis=1, return_inverse=True)
    best = [checkpoint_interval(write_ms / 1000, count * node_failures_per_s) for count, write_ms in pairs.T.tolist()]
    interval_s: Ints = np.maximum(np.rint(np.array(best)), 1).astype(np.int64)
    return interval_s[place]


def assigned_jobs(policy: Policy | None, workload: Workload, jobs: JobSet) -> tuple[Assigned, ...]:
    """The policy's assignments, each with the jobs that it is the first to fit.  Raises Problems for unknown names.

    An entry fits a job of its groups, domains, types and sizes; what an entry leaves out fits all.  No policy: no entries.
    """
    names, groups = job_names(workload), list(workload.groups)
    domains = [domain for domain, _ in names]
    entries = policy.assign if policy else []
    _refuse_unknown(entries, workload)
    left, assigned = np.ones(len(jobs), np.bool_), []
    for entry in entries:
        fits = left & (jobs.gpus >= entry.smallest_gpus_count)
        if entry.largest_gpus_count is not None:
            fits &= jobs.gpus <= entry.largest_gpus_count
        if entry.groups:
            fits &= np.isin(jobs.group, [groups.index(name) for name in entry.groups])
        if entry.domains:
            fits &= np.isin(jobs.job, [k for k, domain in enumerate(domains) if domain in entry.domains])
        if entry.types:
            fits &= np.isin(jobs.kind, [TYPES.index(name) for name in entry.types])
        assigned.append(Assigned(entry, fits))
        left &= ~fits
    return tuple(assigned)


def _refuse_unknown(entries: list[Assign], workload: Workload) -> None:
    """Raises Problems, all at once, for groups and domains of assignments that the workload lacks."""
    known = {"group": list(workload.groups), "domain": list(workload.domains)}
    problems = [
        Problem("", 0, 0, "assign", f"no {what} {name!r} in workload {workload.name}", "", did_you_mean(name, known[what]))
        for entry in entries
        for what, names in (("group", entry.groups), ("domain", entry.domains))
        for name in names
        if name not in known[what]
    ]
    if problems:
        raise Problems(problems)


def eligible_s(site: Site, jobs: JobSet, may_wait_s: Ints, by: Literal["price", "carbon"]) -> Ints:
    """From when each job may start: those that may wait, from the hour whose next hours are cheapest, or cleanest [s].

    may_wait_s   how long each may be kept back [s]

    An hour is judged by the mean over as long as the job asks for, a day at most, and kept only if it beats the hour of
    submission; of equal hours the first.  Prices of a day are known the day before; carbon is taken to be forecast well.

    jobs         whose submissions and requested times count
    by           the site's series to judge by: price of energy, or carbon of the electricity

    Gives whole seconds from the start of the run, shape (jobs,), never before a job's submission.
    """
    if not (may_wait_s > 0).any():
        return jobs.submit_s
    series = hourly(site.price if by == "price" else site.carbon)
    last_hour = int((jobs.submit_s.max() + may_wait_s.max() + 2 * _LONGEST_AHEAD_S) // HOUR_S) + 2
    total = np.concatenate([[0.0], np.cumsum(series.over(last_hour))])
    start: Ints = jobs.submit_s.copy()
    length = np.clip(-(-jobs.requested_s // HOUR_S), 1, _LONGEST_AHEAD_S // HOUR_S)
    waiting = np.flatnonzero(may_wait_s > 0)
    hour, hours = jobs.submit_s[waiting] // HOUR_S, length[waiting]
    best = (total[hour + hours] - total[hour]) / hours
    for ahead in range(1, int(may_wait_s.max() // HOUR_S) + 1):
        at = hour + ahead
        able = at * HOUR_S <= jobs.submit_s[waiting] + may_wait_s[waiting]
        mean = (total[at + hours] - total[at]) / hours
        better = able & (mean < best - 1e-12)
        start[waiting[better]] = at[better] * HOUR_S
        best = np.where(better, mean, best)
    return start
