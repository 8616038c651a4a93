"""Grades of models as text: one table for all, and one model with its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from terp.units import show
from terp.validate import Errors, Grade, Skipped
from terp.views.columns import aligned

HEAD = (
    "model",
    "rows",
    "fitted",
    "graded",
    "median",
    "90 %",
    "worst",
    "bias",
    "baseline",
    "constants",
    "asked for",
    "missed",
)


def table_rows(grades: Sequence[Grade]) -> list[tuple[str, ...]]:
    """The grade table, a row a model, without its head."""
    return [
        (
            entry.model,
            f"{entry.rows_count}",
            f"{entry.fitted_count}",
            f"{len(entry.cases)}",
            _share(entry.median_fraction),
            _share(entry.p90_fraction),
            f"{entry.worst.error_fraction:+.0%} {entry.worst.name}" if entry.worst else "-",
            _share(entry.bias_fraction, "+.1%"),
            _share(entry.baseline_fraction),
            f"{len(entry.constants)}",
            _share(entry.limits.bar_fraction, ".0%"),
            ", ".join(entry.missed) or "-",
        )
        for entry in grades
    ]


def _share(value: float | None, form: str = ".1%") -> str:
    return "-" if value is None else f"{value:{form}}"


def table_lines(grades: Sequence[Grade]) -> list[str]:
    """The grade table, aligned."""
    return aligned([HEAD, *table_rows(grades)])


MOST_CASES = 150


def by_part(grade: Grade) -> list[tuple[str, int, float, float]]:
    """Cases and errors of each part: name, number, median and 90th percentile."""
    errors: dict[str, list[float]] = {}
    for case in grade.cases:
        errors.setdefault(case.part, []).append(abs(case.error_fraction))
    return [(part, len(found), *np.quantile(found, [0.5, 0.9]).tolist()) for part, found in sorted(errors.items())]


def kernels_data(grades: Mapping[str, Grade], left: Sequence[Skipped]) -> dict[str, Any]:
    """The JSON of `terp validate kernels`: all kinds together, and each under `groups`."""
    groups = {kind: grade.as_data() for kind, grade in grades.items() if grade.rows_count}
    whole = Errors(tuple(case for grade in grades.values() for case in grade.cases))
    fitted = sum(grade.fitted_count for grade in grades.values())
    return {
        "n": len(whole.cases) + fitted + len(left),
        "graded": len(whole.cases),
        "fitted": fitted,
        "skipped": [{"name": row.name, "reason": row.reason} for row in left],
        "median_abs_error": whole.median_fraction,
        "p90_abs_error": whole.p90_fraction,
        "bias": whole.bias_fraction,
        "baseline_median_abs_error": whole.baseline_fraction,
        "groups": groups,
    }


def left_lines(left: Sequence[Skipped]) -> list[str]:
    """Rows that no case was made of, each with the reason."""
    return [f"  {len(left)} rows left out:", *(f"    {row.name[:40]}: {row.reason}" for row in left)] if left else []


def as_text(grade: Grade) -> str:
    """One model: its line of the table, its cases or, of very many, their parts, and every row that none was made of."""
    lines = [*table_lines([grade]), ""]
    cases = sorted(grade.cases, key=lambda case: abs(case.error_fraction))
    if len(cases) > MOST_CASES:
        lines += [
            f"  {part:40} {count:5} cases, median {median:.1%}, 90 % {p90:.1%}"
            for part, count, median, p90 in by_part(grade)
        ]
        cases = []
    dimension = grade.unit
    for case in cases:
        told = f"{show(case.published, dimension, 4)} published, {show(case.predicted, dimension, 4)} predicted"
        fitted = ", fitted to" if case.fitted else ""
        lines.append(f"  {case.error_fraction:+7.1%}  {case.name[:40]:40}  {case.part:17} {told}{fitted}")
    if grade.skipped:
        lines += ["", *left_lines(grade.skipped)]
    constants = ", ".join(grade.constants) if grade.constants else "none"
    lines += ["", f"  fitted constants: {constants}"]
    return "\n".join(lines)
