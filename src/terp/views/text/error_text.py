"""Grades of errors as text: the table of all models, and one model with its classes, groups and cases.

The words and numbers of the terminal, the pages and docs/validation.md are the same, made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from terp.units import show
from terp.validate import Errors, Grade, GradedCase, Skipped
from terp.views.text.columns import aligned

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
    "its 90 %",
    "inside",
    "width",
    "constants",
    "asked for",
    "missed",
)
"""Names of the columns of the table of grades."""


def table_rows(grades: Sequence[Grade]) -> list[tuple[str, ...]]:
    """The grade table, a row a model, without its head.

    grades   of all models or of one; errors as per cent of the published value, the worst with its sign and name
    """
    return [
        (
            entry.model,
            f"{entry.rows_count}",
            f"{entry.fitted_count}",
            f"{len(entry.cases)}",
            share(entry.median_fraction),
            share(entry.p90_fraction),
            f"{entry.worst.error_fraction:+.0%} {entry.worst.name}" if entry.worst else "-",
            share(entry.bias_fraction, "+.1%"),
            share(entry.baseline_fraction),
            share(entry.baseline_p90_fraction),
            share(entry.inside_fraction, ".0%"),
            _ratio(entry.median_width_ratio),
            f"{len(entry.constants)}",
            share(entry.limits.bar_fraction).replace(".0%", "%"),
            ", ".join(entry.missed) or "-",
        )
        for entry in grades
    ]


def share(value: float | None, form: str = ".1%") -> str:
    """A fraction as per cent by a format of Python's; a dash for None.

    form   in Python's language of formats, such as "+.1%" for a sign and a digit

    >>> share(0.0812), share(None)
    ('8.1%', '-')
    """
    return "-" if value is None else f"{value:{form}}"


def _ratio(value: float | None) -> str:
    """A ratio with two decimals; a dash for None.

    >>> _ratio(1.9), _ratio(None)
    ('1.90', '-')
    """
    return "-" if value is None else f"{value:.2f}"


PART_HEAD: Final = ("cases", "median", "90 %", "bias", "baseline", "inside", "width")
"""Names of the columns of `part_rows`, after the first, which names what cases are grouped by."""


def part_rows(parts: Mapping[str, Errors]) -> list[tuple[str, ...]]:
    """Groups or classes of cases, a row each: its name, then PART_HEAD.

    parts   of a grade's `by_group` or `by_class`; errors as per cent of the published value, the width high over low end
    """
    return [
        (
            name,
            f"{len(errors.cases)}",
            share(errors.median_fraction),
            share(errors.p90_fraction),
            share(errors.bias_fraction, "+.1%"),
            share(errors.baseline_fraction),
            share(errors.inside_fraction, ".0%"),
            _ratio(errors.median_width_ratio),
        )
        for name, errors in parts.items()
    ]


MOST_GROUPS: Final = 20
"""Groups above which those of a single case are counted in one line."""


def grouped(grade: Grade) -> list[tuple[str, dict[str, Errors]]]:
    """What cases are grouped by, and what each group's errors add up to; a grouping of one group is left out.

    Of very many groups those of one case stand together, in one that says how many they are.
    """
    groups = grade.by_group
    single = [errors.cases[0] for errors in groups.values() if len(errors.cases) == 1]
    if len(groups) > MOST_GROUPS and single:
        groups = {name: errors for name, errors in groups.items() if len(errors.cases) > 1}
        groups[f"{len(single)} groups of one case"] = Errors(tuple(single))
    parts = (("class", grade.by_class), ("scale", grade.by_scale), ("source or group", groups))
    return [(title, dict(errors)) for title, errors in parts if len(errors) > 1]


def part_lines(grade: Grade) -> list[str]:
    """Errors, coverage and width of a grade by class of how much is known, by scale and by group, aligned and indented."""
    lines: list[str] = []
    for title, parts in grouped(grade):
        lines += ["", *(f"  {line}" for line in aligned([(title, *PART_HEAD), *part_rows(parts)]))]
    return lines


def table_lines(grades: Sequence[Grade]) -> list[str]:
    """The grade table under its head, aligned, a line a grade."""
    return aligned([HEAD, *table_rows(grades)])


MOST_CASES = 200
"""Cases above which their parts are listed in their place."""
MOST_LEFT = 60
"""Rows left out above which their reasons are counted in place of a line each."""


def by_part(grade: Grade) -> list[tuple[str, int, float, float]]:
    """Cases and errors of each part: name, number, median and 90th percentile of the errors without sign [fractions].

    Parts come in the order of their names; the signs of errors are left out before the quantiles are taken.
    """
    errors: dict[str, list[float]] = {}
    for case in grade.cases:
        errors.setdefault(case.part, []).append(abs(case.error_fraction))
    return [(part, len(of_part), *np.quantile(of_part, [0.5, 0.9]).tolist()) for part, of_part in sorted(errors.items())]


def left_lines(left: Sequence[Skipped]) -> list[str]:
    """Rows that no case was made of, each with the reason; of very many, reasons with how many rows each.

    Up to MOST_LEFT rows have a line each; none gives no lines.
    """
    if not left:
        return []
    if len(left) <= MOST_LEFT:
        return [f"  {len(left)} rows left out:", *(f"    {row.name[:40]}: {row.reason}" for row in left)]
    reasons = Counter(row.reason for row in left)
    return [f"  {len(left)} rows left out:", *(f"    {count:4} {reason}" for reason, count in reasons.most_common())]


def as_text(grade: Grade) -> str:
    """One model: its line of the table, its cases or, of very many, their parts, and every row that none was made of.

    Cases are in order of their errors without sign, so that the worst stand last, where a terminal ends.

    grade   of any model; published and predicted values are shown in its own unit, scaled
    """
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
        numbers = f"{show(case.published, dimension, 4)} published, {show(case.predicted, dimension, 4)} predicted"
        fitted = ", fitted to" if case.fitted else ""
        lines.append(f"  {case.error_fraction:+7.1%}  {case.name[:40]:40}  {case.part:17} {numbers}{_within(case)}{fitted}")
    lines += part_lines(grade)
    if grade.skipped:
        lines += ["", *left_lines(grade.skipped)]
    constants = ", ".join(grade.constants) if grade.constants else "none"
    lines += ["", f"  fitted constants: {constants}"]
    return "\n".join(lines)


def _within(case: GradedCase) -> str:
    """Whether a case lies in its interval, and by which class of knowledge that is as wide as it is; empty without one."""
    if case.width_ratio is None:
        return ""
    low, high = (case.low or 0.0) / case.predicted, (case.high or 0.0) / case.predicted
    class_name = f", {case.class_name}" if case.class_name else ""
    return f", {'inside' if case.inside else 'outside'} x{low:.2f} to x{high:.2f}{class_name}"
