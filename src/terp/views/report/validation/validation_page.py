"""A validation as a page: how far every model is off on rows that nothing was fitted to, beside a one-line baseline.

The words and the numbers of its tables are those of the terminal's; the page adds the figure, the folds and the sources.

An error is the predicted value over the published one, less one; a set is the rows of one table that one model predicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import terp
from terp.units import show
from terp.validate import AllGrades, Grade, Grades
from terp.validate.systems.cost_grades import CostGrade
from terp.validate.systems.fleet_grades import FleetGrade
from terp.views.figures.forest import ForestRow, forest
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import count, percent
from terp.views.report.frame.value_origins import source_fold
from terp.views.text import error_text
from terp.views.text import grades_text as lines

_INSIDE: Final = {True: "inside", False: "outside", None: ""}
"""Where a case lies to its interval -> the word for it; empty without one."""
_ERRORS: Final = error_text.HEAD.index("inside")
"""Columns of the table of grades that are of errors; those after it are of intervals and bars."""
_MOST_CASES: Final = 200
"""Cases of a model that its table has, the worst first."""


def validation_page(graded: AllGrades | Grades) -> Page:
    """The page of one model's validation, or of all.

    graded   one model, or all of them in the order of the terminal

    The lead counts cases, sets and those that beat their baseline, and says whether any is predicted worse than what is
    held.
    """
    models = graded.models if isinstance(graded, AllGrades) else (graded,)
    grades = [grade for entry in models for grade in entry.grades]
    better = [grade for grade in grades if _beats(grade)]
    known = [grade for grade in grades if grade.median_fraction is not None and grade.baseline_fraction is not None]
    cases = sum(len(grade.cases) for grade in grades)
    words = f"{count(cases, 'published row')} that nothing was fitted to, {count(len(grades), 'set')} of them."
    beats = f" {len(better)} of {len(known)} sets are predicted better than by a one-line baseline." if known else ""
    held = "" if graded.passed else " Some are predicted worse than what is held, by more than its step."
    return Page(
        title="Can you believe it?" if len(models) > 1 else f"Validation of {models[0].model}",
        kicker=f"Terp {terp.__version__} · validation",
        lead=f"{words}{beats}{held}",
        blocks=[*_all(grades), *(block for entry in models for block in _model(entry)), *_sources(graded)],
    )


def _beats(grade: Grade) -> bool:
    """Whether a model's median error is below its baseline's.

    False where either is not known.
    """
    median, baseline = grade.median_fraction, grade.baseline_fraction
    return median is not None and baseline is not None and median < baseline


def _all(grades: Sequence[Grade]) -> list[Block]:
    """The table of all sets, and their median errors drawn.

    grades   of all models, each on rows that nothing was fitted to

    A line goes from none to the median error, with a full dot where the baseline is beaten.  Nothing is shown without a set
    that is graded by errors: fleets and replays of Slurm have none.
    """
    if not grades:
        return []
    drawn = [
        ForestRow(grade.model, grade.median_fraction, (0.0, grade.median_fraction), _beats(grade), _beside(grade))
        for grade in grades
        if grade.median_fraction is not None
    ]
    figure = both(lambda width: forest(drawn, lambda value: percent(value, 0), "Median errors", width=width))
    legend = (("sure", "better than the baseline"), ("unsure", "no better, or no baseline"))
    rows = [[cell.replace("%", "\u00a0%") for cell in row] for row in error_text.table_rows(grades)]
    return [
        Heading("How far it is off"),
        Picture("Median error without sign; behind it the baseline's", figure, legend),
        Rows("Errors, over the published value", error_text.HEAD[:_ERRORS], [row[:_ERRORS] for row in rows], frozenset({6})),
        Rows(
            "90 % intervals, and what was asked for",
            (error_text.HEAD[0], *error_text.HEAD[_ERRORS:]),
            [(row[0], *row[_ERRORS:]) for row in rows],
            frozenset({5}),
        ),
        Words(
            "Errors are of rows that no constant was fitted to. Inside is the share of them that lie in their 90 % "
            "intervals, which come from groups of rows left out; the width is high over low end. What is missed are bars "
            "that were fixed before the first run; a bar that is missed is shown and not moved.", "note",
        ),
    ]  # fmt: skip


def _beside(grade: Grade) -> str:
    """A median error and the baseline's.

    Both are shares of the published value; without a baseline the model's own stands alone.
    """
    baseline = f" ({percent(grade.baseline_fraction)})" if grade.baseline_fraction is not None else ""
    return f"{percent(grade.median_fraction)}{baseline}"


def _model(entry: Grades) -> list[Block]:
    """One model: its line where it has no errors, and its cases folded.

    Fleets, costs and replays have tables of their own kind; all others have a fold a set, with its cases.

    entry   whose `detail` says of which kind it is
    """
    blocks: list[Block] = []
    detail = entry.detail
    if isinstance(detail, FleetGrade):
        rows = lines.fleet_rows(detail)
        blocks += [Heading("Fleets"), Words(lines.fleets_line(detail)), Fold(f"{len(rows)} figures of fleets", [
            Rows("Figures of fleets", _named(lines.FLEET_HEAD), rows, frozenset(range(8)))])]  # fmt: skip
    elif isinstance(detail, CostGrade):
        rows = lines.cost_rows(detail)
        blocks += [Heading("Costs"), Words(lines.costs_line(detail)), Fold(f"{len(rows)} purchases", [
            Rows("Purchases", _named(lines.COST_HEAD), rows, frozenset({1, 2, 3, 8}))])]  # fmt: skip
    elif isinstance(detail, tuple) and detail:
        rows = lines.slurm_rows(detail)
        blocks += [Heading("The controller beside a real Slurm"), Words(lines.slurm_line(detail)), Fold(
            f"{len(rows)} replays", [Rows("Replays", lines.SLURM_HEAD, rows, frozenset({9}))])]  # fmt: skip
    else:
        blocks += [
            Fold(f"{grade.model}: {count(len(grade.cases), 'case')}", _cases(grade)) for grade in entry.grades if grade.cases
        ]
    return blocks


def _named(head: Sequence[str]) -> tuple[str, ...]:
    """A head whose first column has a name as well.

    >>> _named(("", "error"))
    ('verdict', 'error')
    """
    return (head[0] or "verdict", *head[1:])


def _cases(grade: Grade) -> list[Block]:
    """The cases of a set, the worst first; of very many their parts.

    Above 200 cases a table would hide what it shows: parts with their medians stand in its place.

    The worst is the one with the largest error without its sign.  A part's row has its cases, and the median and the 90th
    percentile of their errors without sign; published and predicted values are shown in the set's unit.
    """
    grouped = [
        Rows(f"{grade.model} by {title}", (title, *error_text.PART_HEAD), error_text.part_rows(parts))
        for title, parts in error_text.grouped(grade)
    ]
    if len(grade.cases) > _MOST_CASES:
        rows = [
            (part, count(number), percent(median), percent(p90)) for part, number, median, p90 in error_text.by_part(grade)
        ]
        return [Rows(f"{grade.model} by part", ("part", "cases", "median error", "90 % within"), rows), *grouped]
    cases = sorted(grade.cases, key=lambda case: -abs(case.error_fraction))
    rows_ = [
        (case.name, case.part, show(case.published, grade.unit, 4), show(case.predicted, grade.unit, 4),
         percent(case.error_fraction, 1, sign=True), _INSIDE[case.inside], case.class_name, "yes" if case.fitted else "")
        for case in cases
    ]  # fmt: skip
    fitted = ", ".join(grade.constants) or "none"
    return [
        Rows(
            f"Cases of {grade.model}",
            ("case", "part", "published", "predicted", "error", "interval", "class", "fitted to"),
            rows_,
            frozenset({1, 6}),
        ),
        *grouped,
        Words(f"Constants that were fitted, on other rows: {fitted}.", "note"),
    ]


def _sources(graded: AllGrades | Grades) -> list[Block]:
    """Who published the rows.

    The `grade` of a source is how near to the maker its text is, and no grade of a model.
    """
    sources = {
        note.key: {"title": note.title, "publisher": note.publisher, "grade": note.grade, "address": note.address}
        for note in graded.sources
    }
    return source_fold(sources)
