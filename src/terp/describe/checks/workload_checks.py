"""What the fields of a workload cannot tell one by one: shares that add up, names that meet, types that somebody runs."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection

from terp.catalogue import job_profiles
from terp.describe.model_file import ModelFile
from terp.describe.workload import TypeName, Workload
from terp.errors import Problem, did_you_mean
from terp.reader import Tree, Written


def misfits_of_workload(written: Written[Workload]) -> list[Problem]:
    """Shares that do not add up, names that do not meet, types that nobody can run, rates and requests that
    cannot be.

    Gives a problem a mistake, with the place in the file; what jobs run is checked by `misfits_of_runs`.
    """
    return [*_sums(written), *_unmet_names(written), *_uncovered_types(written), *_rates_and_requests(written)]


def _sums(written: Written[Workload]) -> list[Problem]:
    """Shares of groups, of a group's profiles and of its domains that do not add up to 1 within a millionth."""
    groups = written.record.groups
    sums: dict[tuple[str, ...], list[float]] = {("groups",): [group.share_fraction for group in groups.values()]}
    for name, group in groups.items():
        sums["groups", name, "profiles"] = list(group.profiles.values())
        sums["groups", name, "domains"] = list(group.domains.values())
    return [
        written.tree.problem(path, "the shares do not add up to 1", f"{sum(shares):.4g}", "change one of them")
        for path, shares in sums.items()
        if abs(sum(shares) - 1) > 1e-6
    ]


def _unmet_names(written: Written[Workload]) -> list[Problem]:
    """Profiles that the catalogue does not have, domains that the file does not have or that have no jobs."""
    workload, problems = written.record, []
    for name, group in workload.groups.items():
        used: dict[str, tuple[Collection[str], Collection[str]]] = {
            "profiles": (group.profiles, job_profiles()),
            "domains": (group.domains, workload.domains),
        }
        for field, (keys, known) in used.items():
            for key in keys:
                path = ("groups", name, field, key)
                if key not in known:
                    hint = did_you_mean(key, known)
                    problems.append(written.tree.problem(path, f"unknown {field[:-1]}", repr(key), hint, key=True))
                elif field == "domains" and group.domains[key] > 0 and not workload.domains[key].jobs:
                    wrong, would_do = "a domain without jobs", "give it jobs, or this group none of it"
                    problems.append(written.tree.problem(path, wrong, repr(key), would_do))
    return problems


def _uncovered_types(written: Written[Workload]) -> list[Problem]:
    """Groups whose profiles may draw a type of job that none of their domains has."""
    workload, problems = written.record, []
    for name, group in workload.groups.items():
        domains = [workload.domains[key] for key, weight in group.domains.items() if weight > 0 and key in workload.domains]
        covered = {kind for domain in domains for job in domain.jobs.values() for kind in job.like}
        missing = [kind for kind in typing.get_args(TypeName) if kind not in covered]
        if missing and domains:
            wrong = "no domain of this group has jobs like " + " or ".join(missing)
            problems.append(written.tree.problem(("groups", name, "domains"), wrong, would_do="add one to a domain"))
    return problems


def _rates_and_requests(written: Written[Workload]) -> list[Problem]:
    """Quantiles and limits that do not rise, 24 hours and 7 weekdays that are not as many, rates that are all
    zero.
    """
    requests, arrivals, tree = written.record.requests, written.record.arrivals, written.tree
    rising = {
        "quantile": requests.quantile_fraction,
        "run_over_requested": requests.run_over_requested_fraction,
        "limits": requests.limits_s,
    }
    problems = [
        tree.problem(("requests", field), "the values do not rise", would_do="sort them")
        for field, values in rising.items()
        if values != sorted(values)
    ]
    if len(requests.quantile_fraction) != len(requests.run_over_requested_fraction):
        shown, would_do = str(len(requests.run_over_requested_fraction)), f"write {len(requests.quantile_fraction)}"
        problems.append(tree.problem(("requests", "run_over_requested"), "one value a quantile is needed", shown, would_do))
    if min(requests.limits_s) < 1:
        problems.append(tree.problem(("requests", "limits"), "a limit of no time", would_do="write at least 1 s"))
    rates = {"by_hour": (arrivals.by_hour_ratio, 24), "by_weekday": (arrivals.by_weekday_ratio, 7)}
    for field, (values, count) in rates.items():
        if len(values) != count:
            shown = f"{len(values)} rates"
            problems.append(tree.problem(("arrivals", field), "not one rate an hour or a day", shown, f"write {count}"))
        elif max(values) <= 0:
            problems.append(tree.problem(("arrivals", field), "nobody ever comes", would_do="write a rate above 0"))
    return problems


def misfits_of_runs(
    written: Written[Workload], models: Collection[str], read: Callable[[str], Written[ModelFile]]
) -> list[Problem]:
    """Kinds of job without a power, models that do not ship, sequences that are missing or that a model does
    not have.

    models   names that ship
    read     a model by one of them
    """
    tree, problems = written.tree, []
    for domain, entry in written.record.domains.items():
        for name, job in entry.jobs.items():
            path, runs = ("domains", domain, "jobs", name), job.runs
            if runs is None:
                if job.node_power_w is None:
                    would_do = "say what it runs, or add `node_power:`"
                    problems.append(tree.problem(path, "neither `runs` nor `node_power`", would_do=would_do, key=True))
            elif runs.model not in models:
                hint = did_you_mean(runs.model, models)
                problems.append(tree.problem((*path, "runs", "model"), "no such model ships", repr(runs.model), hint))
            else:
                problems += _sequence(tree, (*path, "runs"), read(runs.model).record, runs.seq_count)
    return problems


def _sequence(tree: Tree, path: tuple[str, ...], model: ModelFile, seq: int | None) -> list[Problem]:
    """A sequence length that is missing for a model of tokens, or given for one of images and volumes."""
    words = bool(getattr(model, "vocabulary_size", 0))
    if words and seq is None:
        would_do = "write the tokens of a sequence, such as `seq: 8192`"
        return [tree.problem((*path, "seq"), "missing", would_do=would_do, key=True)]
    if not words and seq is not None:
        wrong = f"{model.title} has samples of its own size"
        return [tree.problem((*path, "seq"), wrong, str(seq), "leave it away", key=True)]
    return []
