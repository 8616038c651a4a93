"""Which kinds of job a workload has, and what share of the GPU time each takes, from the published job statistics.

A workload file names domains, groups and kinds of jobs by weight; the published tables say how much GPU time each type of
job takes.  Both together give the mix in expectation, which a drawn year approaches.  `terp.simulate` draws from the same
tables, and the names here are in the order in which it counts.
"""

from __future__ import annotations

import numpy as np

from terp.arrays import Floats
from terp.catalogue import TYPES, job_table
from terp.describe import Workload


def job_names(workload: Workload) -> list[tuple[str, str]]:
    """Domain and name of every kind of job, in the order that jobs drawn from the workload count.

    workload   the record of a workload file; gives pairs, one a kind of job
    """
    return [(domain, job) for domain, entry in workload.domains.items() for job in entry.jobs]


def profile_names(workload: Workload) -> list[str]:
    """Names of the profiles in use, in the order that jobs drawn from the workload count."""
    return list(dict.fromkeys(name for group in workload.groups.values() for name in group.profiles))


def kind_weights(workload: Workload, domains: dict[str, float], like: str) -> Floats:
    """Weight of every kind of job, by `job_names`, among a group's jobs of a published type.

    domains   weight of each domain in the group
    like      a published type, one of `TYPES`

    Gives shape (kinds,); within a domain the weights of the kinds that are like the type add up to the domain's own.
    """
    weights = []
    for domain, name in job_names(workload):
        jobs = workload.domains[domain].jobs
        alike = [job.weight_ratio for job in jobs.values() if like in job.like]
        mine = jobs[name].weight_ratio if like in jobs[name].like else 0.0
        weights.append(domains.get(domain, 0.0) * mine / sum(alike) if alike else 0.0)
    return np.array(weights)


def type_shares(workload: Workload, profile: str) -> Floats:
    """Share of a profile's GPU time by type, in the order of `TYPES`, among jobs that the workload allows.

    Raises UnknownName.

    Jobs larger than the workload's largest are left out of the table before the shares are taken.  Gives shape (types,).
    """
    table = job_table(profile)
    table = table.only(table.gpus <= (workload.largest_job_count or int(table.gpus.max())))
    gpu_s = np.bincount(table.type_index, table.share * table.cell_gpu_s, len(TYPES))
    shares: Floats = gpu_s / gpu_s.sum()
    return shares


def gpu_time_shares(workload: Workload) -> dict[tuple[str, str], float]:
    """Expected share of all GPU time by domain and kind of job; sums to 1.

    s(k) = sum over groups g, profiles p, types t of  share(g) share(g, p) t(p, t) w(k | g, t)

    t   share of type t in the profile's GPU time, from the published joint table
    w   chance that a job of the type is of kind k, from the group's domains and the kinds' weights

    Exact: a drawn year scatters about it, most where a few long trainings carry a kind.

    Keys are those of `job_names`, with 0 for a kind that no group runs.
    """
    names = job_names(workload)
    total = np.zeros(len(names))
    by_profile = {name: type_shares(workload, name) for name in profile_names(workload)}
    for group in workload.groups.values():
        for profile, fraction in group.profiles.items():
            for like, share in zip(TYPES, by_profile[profile], strict=True):
                weights = kind_weights(workload, group.domains, like)
                if share > 0 and weights.sum() > 0:
                    total += group.share_fraction * fraction * share * weights / weights.sum()
    return dict(zip(names, (total / total.sum()).tolist(), strict=True))


def kind_shares(workload: Workload) -> dict[tuple[str, str], float]:
    """Share of its domain's GPU time by domain and kind of job; sums to 1 in each domain that has any.

    A domain that no group works in has 0 for all of its kinds.
    """
    shares = gpu_time_shares(workload)
    domains = dict.fromkeys((domain for domain, _ in shares), 0.0)
    for (domain, _), share in shares.items():
        domains[domain] += share
    return {key: share / domains[key[0]] if domains[key[0]] > 0 else 0.0 for key, share in shares.items()}
