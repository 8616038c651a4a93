"""The front door of `sweep`: many scenarios run, and runs compared seed by seed, with the words of the options.

Only what is asked is settled here; `points.py` does the work, and `results.comparison` the statistics.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from terp.errors import Problem, Problems, printable
from terp.results import Run
from terp.results.comparison import Case, CaseDifference, case_of, joined_cases, read_cases
from terp.results.comparison import compare as compared_cases
from terp.results.record import Json, Result, as_json
from terp.results.sweep_result import Sweep, sweep_at
from terp.results.table import Table, table_of
from terp.simulate.questions import MachineSource, asked_in_words
from terp.sweep.axes import axes_of_values, field_words
from terp.sweep.executors import cores, dask, processes
from terp.sweep.points import Progress, run_sweep


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """What changed from one case to others, seed by seed.

    entries   one a case that stands beside another: `base`, `other`, `changes`, `seeds`, `differences`; see
              docs/formats/compare.md
    """

    entries: tuple[CaseDifference, ...]

    def to_dict(self) -> dict[str, Json]:
        """`comparisons` is what `terp compare --json` prints."""
        return {"comparisons": as_json(self.entries)}

    @property
    def table(self) -> Table:
        """A row a figure of a comparison: which cases, means, difference and its 95 % interval.

        Figures are in SI, as in the summary of a run; the interval is of the difference in pairs of the same seed.
        """
        rows = [
            {"base_case": entry["base"], "other_case": entry["other"], **row}
            for entry in self.entries
            for row in entry["differences"]
        ]
        return table_of(rows)

    def __repr__(self) -> str:
        changes = [change for entry in self.entries for change in entry["changes"]]
        return printable(
            f"Comparison({len(self.entries):,} beside the first: {'; '.join(changes)[:120] or 'no input differs'})"
        )


def run(
    machine: MachineSource | None = None,
    *,
    over: Mapping[str, Iterable[object]],
    out: str | os.PathLike[str],
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **fixed: object,
) -> Sweep:
    """Runs every combination of the values of some fields, and keeps the figures of each in a folder.

    machine     as of `terp.simulate.year`; None if it is an axis
    over        values by the words of a scenario's fields: {"gpu_cap": [None, "600 W"], "seed": range(20)}; None: as
                the files say
    out         the folder; the same call again does only what is missing
    workers     processes of this computer, as many as it has cores if None;  scheduler  of Dask, instead
    progress    called with scenarios done, scenarios in all, and about how long the rest will take [s]
    fixed       the other fields, as keywords of `terp.simulate.year`

    Raises Problems with everything that is wrong with the question at once.  A scenario that fails is noted in
    `document["failures"]`, and the others go on.
    """
    if scheduler is not None and workers is not None:
        raise Problems([Problem("", 0, 0, "workers", "are of this computer: Dask has its own", would_do="leave one out")])
    _refuse_inputs_as_axes(over)
    words = {word: value for word, value in {"machine": machine, **fixed}.items() if value is not None}
    placeholder = {} if machine is not None else {"machine": "-"}
    scenario, given = asked_in_words({**placeholder, **words})
    names = {word: getattr(scenario, field) for word, field in field_words().items() if word in _INPUTS and word in words}
    axes = axes_of_values(over, {**words, **names})
    crew = dask(scheduler) if scheduler is not None else processes(workers or cores())
    folder = Path(os.fspath(out))
    run_sweep(axes, folder, crew, progress, given if any(value is not None for value in vars(given).values()) else None)
    return sweep_at(folder)


_INPUTS = ("machine", "site", "workload", "policy")
"""Fields whose values may be at hand, read or built."""


def _refuse_inputs_as_axes(over: Mapping[str, Iterable[object]]) -> None:
    """Raises Problems for axes of what was read or built: those are of names, so that every process can read them.

    over   as of `run`; fields that are no inputs may have any values
    """
    problems = [
        Problem("", 0, 0, word, "an axis of what is no name", type(value).__name__, "name shipped ones or files")
        for word in _INPUTS
        for value in over.get(word, ())
        if value is not None and not isinstance(value, str)
    ]
    if problems:
        raise Problems(problems)


def compare(*runs: Run | Sweep | str | os.PathLike[str]) -> Comparison:
    """What changed from the first run or sweep to the others, in pairs of the same seed.

    runs   results, or folders that hold them; runs that differ in seed only are years of one case

        terp.sweep.compare("base", "capped").table.to_pandas()

    Raises Problems if there is nothing to compare, or no seed in common, and for folders that hold no run or sweep, all at
    once.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for number, result in enumerate(runs, 1):
        if isinstance(result, Run):
            cases.append(case_of(result, f"run {number}"))
        elif isinstance(result, Sweep):
            cases += result.cases
        else:
            try:
                cases += read_cases([Path(os.fspath(result))])
            except Problems as error:
                problems += error.problems
    if problems:
        raise Problems(problems)
    return Comparison(tuple(compared_cases(joined_cases(cases))))
