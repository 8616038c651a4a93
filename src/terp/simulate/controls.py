"""What an operator may turn: policy, caps of power, spare nodes, checkpoints; and what each does to jobs and machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.catalogue import TYPES, Reliability, hourly
from terp.describe import Assign, Policy, Site, Workload
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import capped_job, checkpoint_interval, gpu_cap_of_node_w
from terp.predict.workload_mix import job_names
from terp.simulate.jobs.draw import JobSet
from terp.simulate.jobs.job_kinds import Kind
from terp.units import DAY_S, HOUR_S

_LONGEST_AHEAD_S: Final = DAY_S  # a job's hours are priced over no more than this


@dataclass(frozen=True)
class Controls:
    """Settings of a run beside its machine, site and workload; what is 0 or None is left as it is.

    policy       how the machine is shared; None: first come, first served with EASY backfill
    gpu_cap_w    of every GPU;  node_cap_w  of every node without fans, which caps its GPUs; the lower counts
    power_cap_w  of the whole machine, above which nothing starts
    response_w   cap of the machine in the hours of `response`, such as (17, 20): local, each day
    spare_nodes_count  that stand by
    failures     False: nothing fails
    checkpoints  file: as the workload says; daly: where a kind's writes are known, at the interval that costs least
    delay_by     what jobs that may be delayed wait for: the cheapest or the cleanest hours
    """

    policy: Policy | None = None
    gpu_cap_w: float = 0.0
    node_cap_w: float = 0.0
    power_cap_w: float = 0.0
    response_w: float = 0.0
    response: tuple[int, int] = (17, 20)
    spare_nodes_count: int = 0
    failures: bool = True
    checkpoints: Literal["file", "daly"] = "file"
    delay_by: Literal["price", "carbon"] = "price"


def controls_of(machine: Machine, controls: Controls | None) -> Controls:
    """The settings of a run on a machine: its file's cap of the GPUs counts where none is given."""
    turned, cap_w = controls or Controls(), machine.file.compute.gpu_cap_w
    return turned if turned.gpu_cap_w or cap_w is None else replace(turned, gpu_cap_w=cap_w)


def capped_kinds(machine: Machine, kinds: tuple[Kind, ...], controls: Controls) -> tuple[tuple[Kind, ...], Floats]:
    """The kinds of job under a cap of their GPUs or nodes, and how fast each then runs over before."""
    caps_w = [controls.gpu_cap_w] if controls.gpu_cap_w > 0 else []
    caps_w += [gpu_cap_of_node_w(machine, controls.node_cap_w)] if controls.node_cap_w > 0 else []
    if not caps_w:
        return kinds, np.ones(len(kinds))
    under = [capped_job(machine, kind.level_w, min(caps_w)) for kind in kinds]
    slower = tuple(
        replace(
            kind,
            level_w=cap.level_w,
            speed_ratio={profile: round(ratio * cap.speed_ratio, 3) for profile, ratio in kind.speed_ratio.items()},
        )
        for kind, cap in zip(kinds, under, strict=True)
    )
    return slower, np.array([cap.speed_ratio for cap in under])


def capped_jobs(
    machine: Machine, kinds: tuple[Kind, ...], jobs: JobSet, rules: list[tuple[Assign, NDArray[np.bool_]]]
) -> tuple[Floats, Floats]:
    """Speed of each job under the cap that a policy gives it, over its kind's, and power of its nodes without fans [W]."""
    pace, level_w = np.ones(len(jobs)), np.array([kind.level_w for kind in kinds])[jobs.job]
    for entry, mine in rules:
        if entry.gpu_cap_w > 0:
            under = [capped_job(machine, kind.level_w, entry.gpu_cap_w) for kind in kinds]
            pace[mine] = np.array([cap.speed_ratio for cap in under])[jobs.job[mine]]
            level_w[mine] = np.array([cap.level_w for cap in under])[jobs.job[mine]]
    return pace, level_w


def slowed(jobs: JobSet, speed: Floats) -> JobSet:
    """Jobs that run to their own end take longer on slower GPUs and ask for longer; others are stopped when they were."""
    ratio = np.where(jobs.state == 0, speed, 1.0)
    if (ratio == 1.0).all():
        return jobs
    run_s, requested_s = (np.rint(column / ratio).astype(np.int64) for column in (jobs.run_s, jobs.requested_s))
    return replace(jobs, run_s=run_s, requested_s=requested_s)


def reliability_under(reliability: Reliability, controls: Controls) -> Reliability:
    """The machine's reliability with the spare nodes asked for, or without failures."""
    update: dict[str, float | int] = {}
    if controls.spare_nodes_count:
        update["spare_nodes_count"] = controls.spare_nodes_count
    if not controls.failures:
        update["node_failures_per_s"] = 0.0
    return reliability.model_copy(update=update)


def checkpoints_of(
    machine: Machine, workload: Workload, kinds: tuple[Kind, ...], jobs: JobSet, controls: Controls
) -> tuple[Ints, Ints, Ints]:
    """Interval, time of a write and time to set up again of each job [s]; 0 for none."""
    types = [workload.domains[domain].jobs[name] for domain, name in job_names(workload)]
    every = np.array([round(kind.checkpoint_s or 0) for kind in types], np.int64)[jobs.job]
    restart = np.array([round(kind.restart_s) for kind in types], np.int64)[jobs.job]
    write = np.array([kind.write_s for kind in kinds])[jobs.job]
    if controls.checkpoints == "daly" and machine.reliability.node_failures_per_s > 0:
        nodes = np.maximum(jobs.gpus // machine.node.accelerators_count, 1)
        known = (write > 0) & (every > 0)
        pairs, place = np.unique(np.array([nodes[known], write[known] * 1000]), axis=1, return_inverse=True)
        rate = machine.reliability.node_failures_per_s
        best = [checkpoint_interval(write_ms / 1000, count * rate) for count, write_ms in pairs.T.tolist()]
        every[known] = np.maximum(np.rint(np.array(best)), 1).astype(np.int64)[place]
    return every, np.where(every > 0, np.rint(write), 0).astype(np.int64), restart


def assigned(policy: Policy | None, workload: Workload, jobs: JobSet) -> list[tuple[Assign, NDArray[np.bool_]]]:
    """The policy's assignments, each with the jobs that it is the first to fit.  Raises Problems for unknown names."""
    names, groups = job_names(workload), list(workload.groups)
    domains = [domain for domain, _ in names]
    left, found = np.ones(len(jobs), np.bool_), []
    problems = []
    for entry in policy.assign if policy else []:
        for given, known, what in ((entry.groups, groups, "group"), (entry.domains, domains, "domain")):
            problems += [
                Problem("", 0, 0, "assign", f"no {what} {name!r} in workload {workload.name}")
                for name in given
                if name not in known
            ]
        mine = left & (jobs.gpus >= entry.smallest_gpus_count)
        if entry.largest_gpus_count is not None:
            mine &= jobs.gpus <= entry.largest_gpus_count
        if entry.groups:
            mine &= np.isin(jobs.group, [groups.index(name) for name in entry.groups if name in groups])
        if entry.domains:
            mine &= np.isin(jobs.job, [k for k, domain in enumerate(domains) if domain in entry.domains])
        if entry.types:
            mine &= np.isin(jobs.kind, [TYPES.index(name) for name in entry.types])
        found.append((entry, mine))
        left &= ~mine
    if problems:
        raise Problems(problems)
    return found


def eligible_s(site: Site, jobs: JobSet, may_wait_s: Ints, by: Literal["price", "carbon"]) -> Ints:
    """From when each job may start: those that may wait, from the hour whose next hours are cheapest, or cleanest [s].

    may_wait_s   how long each may be kept back [s]

    An hour is judged by the mean over as long as the job asks for, a day at most, and kept only if it beats the hour of
    submission; of equal hours the first.  Prices of a day are known the day before; carbon is taken to be forecast well.
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


def caps_over(controls: Controls, horizon_s: int, utc_offset_s: float) -> tuple[Ints, Floats]:
    """When the machine's cap changes [s], and to what [W]; nothing where there is none."""
    usual = controls.power_cap_w or np.inf
    if not controls.response_w:
        times, caps = ([0], [usual]) if controls.power_cap_w else ([], [])
        return np.array(times, np.int64), np.array(caps, float)
    begin, end = (round(hour * HOUR_S - utc_offset_s) for hour in controls.response)
    edges = [(0, usual)]
    for day in range(-1, -(-horizon_s // DAY_S) + 1):
        edges += [(day * DAY_S + begin, min(controls.response_w, usual)), (day * DAY_S + end, usual)]
    inside = [(at, cap) for at, cap in edges if 0 <= at < horizon_s]
    return np.array([at for at, _ in inside], np.int64), np.array([cap for _, cap in inside], float)
