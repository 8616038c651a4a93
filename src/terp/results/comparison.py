"""Runs and sweeps as cases to compare: what was asked in each, and its figures by seed.

A case is a set of years alike in all but their seed.  Cases are compared year by year of the same seed, for the same seed
draws the same jobs and failures: what differs between partners is then the effect of what was changed, and not of chance.
`figures.py` has the statistics; here stands which years belong together and how their inputs differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Final, TypedDict

import pyarrow as pa

from terp.describe.scenario import NO_CAP
from terp.errors import Problem, Problems
from terp.results.figures import FigureBand, FigureDifference, bands_of, differences, figures_of
from terp.results.run_folder import Run, load_run
from terp.results.sweep_folder import DIGESTS, SweepDocument, is_sweep, nothing_done, read_sweep, scalars

_OF_RUN: Final = frozenset({"format", "title", "site_title", "note", "seed", "country", "in_service", "storage_bytes"})
"""Values of run.json that are no input of their own: they follow from the machine or the site, whose digests tell."""
_FOLLOWS: Final = "predictions"
_EXPLAINS: Final = {"load_fraction": "workload"}  # a field that changes what the digest of another is of


@dataclass(frozen=True)
class Case:
    """Years that differ in seed only.

    name     for people: its folder, and in a sweep its values of the axes
    asked    fields that say what was asked for, and digests what they stood for
    point    its values of the axes of a sweep; empty for runs
    years    figures by seed

    folder   the folder of the run or sweep, as it was named
    digests  SHA-256 of each input by its name, as in run.json; two cases with equal digests had the same inputs
    is_sweep whether it is a point of a sweep, whose fields name files as they were typed
    """

    name: str
    folder: str
    asked: dict[str, str]
    digests: dict[str, str]
    point: dict[str, object]
    years: dict[int, dict[str, float]]
    is_sweep: bool


def read_cases(folders: Sequence[Path]) -> list[Case]:
    """The cases of run folders and sweep folders, in order; runs that differ in seed only are one.

    Raises Problems with what is wrong with any of them.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for folder in folders:
        try:
            of_folder = cases_of_sweep(folder) if is_sweep(folder) else [case_of_run(folder)]
        except Problems as error:
            problems += error.problems
            continue
        cases += of_folder
    try:
        joined = joined_cases(cases)
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    return joined


def joined_cases(cases: Sequence[Case]) -> list[Case]:
    """Cases with the runs that differ in seed only as one.  Raises Problems for a run that stands twice.

    Runs are joined where fields and digests agree; a point of a sweep stays by itself.  The cases given are not changed.
    """
    joined: list[Case] = []
    problems: list[Problem] = []
    for case in cases:
        same = next((known for known in joined if not case.is_sweep and _same(known, case)), None)
        if same is None:
            joined.append(replace(case, years=dict(case.years)))
        elif set(same.years) & set(case.years):
            seed = min(set(same.years) & set(case.years))
            wrong = f"is the same run as seed {seed} of {same.name}"
            problems.append(Problem(case.folder, 0, 0, "", wrong, would_do="name each run once"))
        else:
            same.years.update(case.years)
    if problems:
        raise Problems(problems)
    return joined


def _same(first: Case, other: Case) -> bool:
    """Whether two cases had the same inputs, so that they differ in seed at most."""
    return (first.is_sweep, first.asked, first.digests) == (other.is_sweep, other.asked, other.digests)


def case_of_run(folder: Path) -> Case:
    """A run folder as a case of one year.  Raises Problems."""
    return case_of(load_run(folder), str(folder))


def case_of(run: Run, name: str) -> Case:
    """A run as a case of one year, under a name for people.

    Its `asked` are the plain values of run.json without titles, notes and the seed, in words; its year is keyed by the seed.
    """
    plain = {key: value for key, value in run.origin.items() if isinstance(value, bool | int | float | str)}
    asked = {key: str(value) for key, value in plain.items() if key not in _OF_RUN}
    figures = figures_of(scalars(run.summary))
    years = {int(run.origin["seed"]): figures}
    return Case(name, name, asked, dict(run.origin["digests"]), {}, years, is_sweep=False)


def cases_of_sweep(folder: Path) -> list[Case]:
    """A sweep folder as a case for each combination of the values of its axes, seed aside.  Raises Problems."""
    rows, document = read_sweep(folder)
    if rows is None:
        raise nothing_done(folder)
    return cases_of_rows(rows, document, str(folder))


def cases_of_rows(rows: pa.Table, document: SweepDocument, folder: str) -> list[Case]:
    """The rows of a sweep as cases.

    folder   what the sweep is called

    rows     a row a scenario, with its fields, its digests under `digests.`, and its figures by dotted path

    One case a combination of the values of the axes, in the order in which they first stand in the rows.
    """
    axes = [name for name in document["axes"] if name != "seed"]
    fields = [name for name in [*document["axes"], *document["fixed"]] if name != "seed"]
    cases: dict[tuple[object, ...], Case] = {}
    for row in rows.to_pylist():
        key = tuple(_plain(row.get(name)) for name in axes)
        if key not in cases:
            point = dict(zip(axes, key, strict=True))
            name = " ".join([folder, *(f"{axis}={value}" for axis, value in point.items())])
            inputs = {"version": document["version"], **{field: _as_asked(row.get(field)) for field in fields}}
            digests = {name.removeprefix(DIGESTS): value for name, value in row.items() if name.startswith(DIGESTS)}
            cases[key] = Case(name, folder, inputs, digests, point, {}, is_sweep=True)
        numbers = {name: value for name, value in row.items() if value is not None and name not in fields}
        cases[key].years[int(row["seed"])] = figures_of(numbers)
    return list(cases.values())


def _plain(value: object) -> object:
    """A field's value as a row holds it, as JSON takes it: a cap that was lifted is the word that lifts it."""
    return NO_CAP if value == inf else value


def _as_asked(value: object) -> str:
    """A field's value in words; empty for what was left to the files."""
    return "" if value is None else str(_plain(value))


def changes_between(base: Case, other: Case) -> list[str]:
    """The inputs that two cases differ in, each as a line.

    A digest is named where no field says why it differs; the digest of predictions, where nothing else does.
    """
    shared = set(base.asked) & set(other.asked)
    if base.is_sweep != other.is_sweep:
        shared &= {"version", "days"}  # a sweep knows its files as they were named, a run as they are called inside
    fields = sorted(name for name in shared if base.asked[name] != other.asked[name])
    lines = [f"{name}: {base.asked[name] or 'as in the file'} -> {other.asked[name] or 'as in the file'}" for name in fields]
    explained = {*fields, *(of for field, of in _EXPLAINS.items() if field in fields), _FOLLOWS}
    contents = sorted(set(base.digests) & set(other.digests) - explained)
    others = [name for name in contents if base.digests[name] != other.digests[name]]
    lines += [f"{name.replace('_', ' ')}: its contents differ" for name in others]
    if not lines and base.digests.get(_FOLLOWS) != other.digests.get(_FOLLOWS):
        lines.append("predictions: the models say something else")
    return lines


class CaseDifference(TypedDict):
    """A case beside another: what was asked otherwise, the seeds that both have, and what every figure changed by.

    unpaired_count   years that have no partner of the same seed, and are left out
    """

    base: str
    other: str
    changes: list[str]
    seeds: list[int]
    unpaired_count: int
    differences: list[FigureDifference]


class PointBands(TypedDict):
    """The headlines of a case: its values of the axes of a sweep, how many years it has, and each figure over them."""

    point: dict[str, object]
    years_count: int
    figures: list[FigureBand]


def compare(cases: Sequence[Case]) -> list[CaseDifference]:
    """Every case beside the first; a point of another sweep beside the same point of the first, if that has it.

    Raises Problems if there is only one case, or one has no seed in common with what it stands beside.
    """
    if len(cases) < 2:
        where = cases[0].name if cases else ""
        raise Problems([Problem(where, 0, 0, "", "nothing to compare it with", would_do="name runs or sweeps that differ")])
    first, problems = cases[0], list[Problem]()
    compared: list[CaseDifference] = []
    for case in [case for case in cases if case.folder != first.folder] or cases[1:]:
        same = (known for known in cases if known.folder == first.folder and known.point == case.point)
        base = next(same, first) if case.folder != first.folder else first
        seeds = sorted(set(base.years) & set(case.years))
        if not seeds:
            wrong = f"has no seed in common with {base.name}, which has {_listed(base.years)}"
            problems.append(Problem(case.name, 0, 0, "", wrong, _listed(case.years), "simulate both with the same seeds"))
            continue
        compared.append(
            {
                "base": base.name,
                "other": case.name,
                "changes": changes_between(base, case),
                "seeds": seeds,
                "unpaired_count": len(set(base.years) ^ set(case.years)),
                "differences": differences(base.years, case.years),
            }
        )
    if problems:
        raise Problems(problems)
    return compared


def bands(cases: Sequence[Case]) -> list[PointBands]:
    """Mean, standard error and band of the headlines of each case.

    In the order of the cases; `point` of a case is empty where it is no part of a sweep.
    """
    return [
        {"point": case.point, "years_count": len(case.years), "figures": bands_of(list(case.years.values()))}
        for case in cases
    ]


def _listed(seeds: Iterable[int]) -> str:
    """At most five seeds in rising order, for a message."""
    ordered = sorted(seeds)
    return ", ".join(map(str, ordered[:5])) + (", ..." if len(ordered) > 5 else "")
