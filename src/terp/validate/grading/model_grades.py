"""What the validation of a model gives: its grades on sets of rows, each case, and what the terminal prints as JSON.

`Grades` is the record that all functions of `terp.validate` give, whatever kind of grade the model has: benchmarks are
graded by errors, fleets by intervals, the controller by waits.  What only one kind knows stands in `detail`; text for
people is made of it in `views`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from terp.notes import Caveat
from terp.results.record import Json, Result, one_line
from terp.results.table import Table, table_of
from terp.validate.chips.kernel_grades import KernelGrades
from terp.validate.grading.grade import Grade, GradedCase, Skipped
from terp.validate.grading.published_sources import sources_of
from terp.validate.steps.training_grades import TrainingGrade
from terp.validate.systems.cost_grades import CostGrade
from terp.validate.systems.fleet_grades import FleetGrade
from terp.validate.systems.power_grades import PowerGrades
from terp.validate.systems.slurm_grades import SlurmGrade

Detail: TypeAlias = Grade | KernelGrades | TrainingGrade | PowerGrades | CostGrade | FleetGrade | tuple[SlurmGrade, ...]
"""What only the model's own kind of grade knows."""


@dataclass(frozen=True, eq=False, repr=False)
class Grades(Result):
    """The validation of one model, on the rows that ship and that nothing was fitted to, or on a table of the caller's.

    model      as the terminal names it: "hpl", "training", ...
    shipped    whether the rows are those that ship
    grades     a grade for each set of rows that is graded by errors; none of fleets and of replays of Slurm
    document   what `terp validate MODEL --json` prints, see docs/formats/validate.md
    fell       whether a median, or a figure, is worse than what is held in validation/*/expect.yaml
    missed     which bars are missed of those fixed before the first run, and the baseline where it is no worse
    left_out   rows that no case was made of, each with the reason
    detail     the model's own kind of grade

    A record's equality and hash are those of `to_dict()`, as with all results.
    """

    model: str
    shipped: bool
    grades: tuple[Grade, ...]
    document: Json
    fell: bool
    missed: tuple[str, ...]
    left_out: tuple[Skipped, ...] = field(default=())
    detail: Detail = field(default=())

    @property
    def passed(self) -> bool:
        """True unless shipped rows are predicted worse than is held, by more than the step.

        On a table of the caller's own it is always True: nothing was fixed for those rows.
        """
        return not (self.shipped and self.fell)

    @cached_property
    def table(self) -> Table:
        """A row a set of rows, with its errors [fractions of the published value]; of fleets and Slurm a row a figure."""
        rows = [_row(grade) for grade in self.grades]
        return table_of(rows or _rows(self.to_dict()))

    @cached_property
    def cases(self) -> Table:
        """A row a case that is graded by its error: `published`, `predicted` and `baseline` in the SI unit that `unit`
        names.

        Empty for fleets and replays of Slurm, whose figures stand in `table`.
        """
        return table_of([_case_row(grade.model, grade.unit, case) for grade in self.grades for case in grade.cases])

    def to_dict(self) -> dict[str, Json]:
        """What the terminal prints as JSON; where that is a list, of replays of Slurm, it stands under `replays`."""
        return self.document if isinstance(self.document, dict) else {"replays": self.document}

    def __repr__(self) -> str:
        first = self.grades[0] if self.grades else None
        return one_line(
            "Grades",
            {
                "model": self.model,
                "median_abs_error_fraction": first.median_fraction if first else None,
                "passed": self.passed,
                "missed": ", ".join(self.missed),
                "left_out_count": len(self.left_out),
            },
        )


@dataclass(frozen=True, eq=False, repr=False)
class AllGrades(Result):
    """The validation of every model, in the order of the terminal; `by_model` finds one by its name."""

    models: tuple[Grades, ...]

    @property
    def passed(self) -> bool:
        """True if every model passes."""
        return all(grades.passed for grades in self.models)

    @property
    def by_model(self) -> Mapping[str, Grades]:
        """Name of a model -> its grades."""
        return {grades.model: grades for grades in self.models}

    @cached_property
    def table(self) -> Table:
        """A row a set of rows that is graded by errors, as `terp validate` prints it; errors are fractions of what is
        published.
        """
        return table_of([_row(grade) for grades in self.models for grade in grades.grades])

    @property
    def document(self) -> list[Json]:
        """What `terp validate --json` prints: a document a set of rows, then those of fleets and of replays of Slurm."""
        graded: list[Json] = [grade.as_data() for grades in self.models for grade in grades.grades]
        return graded + [grades.document for grades in self.models if not grades.grades]

    def to_dict(self) -> dict[str, Json]:
        """The list that the terminal prints as JSON, under `grades`."""
        return {"grades": self.document}

    def __repr__(self) -> str:
        return one_line("AllGrades", {"models_count": len(self.models), "passed": self.passed})


def caveats_of(missed: Sequence[str], left_out: Sequence[Skipped]) -> tuple[Caveat, ...]:
    """What limits how far grades tell, as codes with numbers that `views` puts into words.

    missed     bars that are not reached;  left_out   rows that no case was made of

    At most one caveat for each of the two; none where nothing is missed and nothing left out.
    """
    bars = (Caveat("bars-missed", {"bars": ", ".join(missed)}),) if missed else ()
    rows = (Caveat("rows-left-out", {"rows_count": len(left_out)}),) if left_out else ()
    return (*bars, *rows)


def grades_of(
    model: str, detail: Detail, grades: Iterable[Grade], document: Json, *, shipped: bool,
    missed: Sequence[str] | None = None, left_out: Sequence[Skipped] | None = None, fell: bool = False,
) -> Grades:  # fmt: skip
    """The validation of a model from its own kind of grade.

    model      as the terminal names it, a key of `terp.validate.GRADERS`
    detail     the model's own kind of grade
    grades     those that are of errors, in the order of the table
    document   what the terminal prints as JSON
    shipped    whether the rows are those that ship; only then are there sources
    missed     bars that are missed; those of the grades if None
    left_out   rows that no case was made of; those of the grades if None
    fell       whether it is worse than what is held, beside what its grades say
    """
    sets = tuple(grades)
    short = tuple(dict.fromkeys(bar for grade in sets for bar in grade.missed)) if missed is None else tuple(missed)
    left = tuple(row for grade in sets for row in grade.skipped) if left_out is None else tuple(left_out)
    return Grades(
        model=model, shipped=shipped, grades=sets, document=document, detail=detail, missed=short, left_out=left,
        fell=fell or any(grade.worsened for grade in sets),
        caveats=caveats_of(short, left), sources=sources_of(model) if shipped else (),
    )  # fmt: skip


def _row(grade: Grade) -> dict[str, object]:
    """A row of the table of grades; errors and limits are fractions of the published value."""
    return {
        "model": grade.model,
        "quantity": grade.quantity,
        "unit": grade.unit,
        "rows_count": grade.rows_count,
        "fitted_count": grade.fitted_count,
        "graded_count": len(grade.cases),
        "median_abs_error_fraction": grade.median_fraction,
        "p90_abs_error_fraction": grade.p90_fraction,
        "bias_fraction": grade.bias_fraction,
        "baseline_median_abs_error_fraction": grade.baseline_fraction,
        "baseline_p90_abs_error_fraction": grade.baseline_p90_fraction,
        "inside_fraction": grade.inside_fraction,
        "median_width_ratio": grade.median_width_ratio,
        "worst": grade.worst.name if grade.worst else None,
        "worst_error_fraction": grade.worst.error_fraction if grade.worst else None,
        "constants_count": len(grade.constants),
        "bar_fraction": grade.limits.bar_fraction,
        "held_fraction": grade.limits.held_fraction,
        "missed": ", ".join(grade.missed),
    }


def _case_row(model: str, unit: str, case: GradedCase) -> dict[str, object]:
    """A row of the table of cases, its numbers in `unit`."""
    return {
        "model": model,
        "name": case.name,
        "part": case.part,
        "unit": unit,
        "published": case.published,
        "predicted": case.predicted,
        "baseline": case.baseline,
        "low": case.low,
        "high": case.high,
        "class": case.class_name,
        "group": case.group,
        "error_fraction": case.error_fraction,
        "fitted": case.fitted,
    }


def _rows(document: Mapping[str, Json]) -> list[dict[str, object]]:
    """The figures of fleets, or the replays of Slurm, of a document; a single replay is its own row.

    Lists within a row become words with commas, as a table's cell holds one value.
    """
    listed = document.get("cases", document.get("replays", [dict(document)]))
    rows = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return [
        {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in row.items()} for row in rows
    ]
