"""Finds and reads machine, site and workload files: by path, or by the name of one that ships with Terp."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

import terp
from terp.catalogue import job_profiles, read_catalogue, series_names
from terp.describe.machine import MachineFile
from terp.describe.site import Site
from terp.describe.workload import TypeName, Workload
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.reader import Record, Written, read_record, read_text

_PACKAGE: Final = Path(terp.__file__).parent
T = TypeVar("T", bound=Record)


def _folder(kind: str) -> Path:
    """Where files of a kind ship: in the installed package, or at the top of a checkout."""
    packed = _PACKAGE / "shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent.parent / kind


def shipped_names(kind: str) -> tuple[str, ...]:
    """Names of the shipped files of a kind: "machines", "sites" or "workloads"."""
    return tuple(sorted(path.stem for path in _folder(kind).glob("*.yaml")))


def _read(name_or_path: str, folder: str, kind: type[T]) -> Written[T]:
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and "/" not in name_or_path:
        if name_or_path not in shipped_names(folder):
            raise UnknownName(folder.removesuffix("s"), name_or_path, shipped_names(folder))
        path = _folder(folder) / f"{name_or_path}.yaml"
    shown = str(path.relative_to(_folder(folder).parent)) if path.is_relative_to(_folder(folder)) else str(path)
    written = read_record(read_text(path), shown, kind)
    problems = _unknown_sources(written)
    if problems:
        raise Problems(problems)
    return written


def read_machine(name_or_path: str) -> Written[MachineFile]:
    """A machine file, by path or shipped name.  Raises Problems or UnknownName."""
    return _read(name_or_path, "machines", MachineFile)


def read_site(name_or_path: str) -> Written[Site]:
    """A site file, by path or shipped name.  Raises Problems (also for unknown series) or UnknownName."""
    written = _read(name_or_path, "sites", Site)
    known = series_names()
    problems = [
        written.tree.problem((field,), "unknown hourly series", repr(name), did_you_mean(name, known))
        for field in ("price", "carbon", "wet_bulb")
        if (name := getattr(written.record, field)) not in known
    ]
    cooling = written.record.cooling
    if cooling.free_below_celsius >= cooling.full_above_celsius:
        wrong = "free cooling ends above where chillers do all"
        problems.append(written.tree.problem(("cooling", "full_above"), wrong, would_do="put full_above above free_below"))
    bounds = [slice_.up_to_j for slice_ in written.record.energy_tax]
    if any(bound is None for bound in bounds[:-1]) or sorted(b for b in bounds if b) != [b for b in bounds if b]:
        wrong = "the slices do not rise"
        problems.append(written.tree.problem(("energy_tax",), wrong, would_do="sort by up_to; only the last goes without"))
    if problems:
        raise Problems(problems)
    return written


def read_workload(name_or_path: str) -> Written[Workload]:
    """A workload file, by path or shipped name.  Raises Problems (also for names that do not meet) or UnknownName."""
    written = _read(name_or_path, "workloads", Workload)
    problems = [*_sums(written), *_unmet_names(written), *_requests(written)]
    if problems:
        raise Problems(problems)
    return written


def _unknown_sources(written: Written[T]) -> list[Problem]:
    known = read_catalogue().sources
    return [
        written.tree.problem(tuple(path.split(".")), "unknown source", repr(entry.source), did_you_mean(entry.source, known))
        for path, entry in written.provenance.items()
        if entry.source and entry.source not in known
    ]


def _sums(written: Written[Workload]) -> list[Problem]:
    """Shares that do not add up to one."""
    sums: dict[tuple[str, ...], list[float]] = {
        ("groups",): [group.share_fraction for group in written.record.groups.values()]
    }
    for name, group in written.record.groups.items():
        sums["groups", name, "profiles"] = list(group.profiles.values())
        sums["groups", name, "domains"] = list(group.domains.values())
    return [
        written.tree.problem(path, "the shares do not add up to 1", f"{sum(shares):.4g}", "change one of them")
        for path, shares in sums.items()
        if abs(sum(shares) - 1) > 1e-6
    ]


def _unmet_names(written: Written[Workload]) -> list[Problem]:
    """Domains and profiles that are named but not there, and types that nobody of a group can run."""
    workload, problems = written.record, []
    for name, group in workload.groups.items():
        for field, used, known in (
            ("profiles", group.profiles, job_profiles()),
            ("domains", group.domains, workload.domains),
        ):
            problems += [
                written.tree.problem(
                    ("groups", name, field, key), f"unknown {field[:-1]}", repr(key), did_you_mean(key, known), key=True
                )
                for key in used
                if key not in known
            ]
        jobs = [
            job for domain in group.domains if domain in workload.domains for job in workload.domains[domain].jobs.values()
        ]
        covered = {kind for job in jobs for kind in job.like}
        problems += [
            written.tree.problem(
                ("groups", name, "domains"), f"no domain of this group has jobs like {kind!r}", would_do="add one"
            )
            for kind in TypeName.__args__  # type: ignore[attr-defined]
            if kind not in covered
        ]
    return problems


def _requests(written: Written[Workload]) -> list[Problem]:
    """Points of a distribution, or limits, that do not rise or do not pair."""
    requests, tree = written.record.requests, written.tree
    rising = {
        "quantile": requests.quantile_fraction, "run_over_requested": requests.run_over_requested_fraction,
        "limits": requests.limits_s,
    }  # fmt: skip
    problems = [
        tree.problem(("requests", field), "the values do not rise", would_do="sort them")
        for field, values in rising.items()
        if values != sorted(values)
    ]
    if len(requests.quantile_fraction) != len(requests.run_over_requested_fraction):
        found, would_do = str(len(requests.run_over_requested_fraction)), f"write {len(requests.quantile_fraction)}"
        problems.append(tree.problem(("requests", "run_over_requested"), "one value a quantile is needed", found, would_do))
    return problems
