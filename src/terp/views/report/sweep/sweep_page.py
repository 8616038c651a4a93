"""A sweep as a page: what was varied, the headlines of each point with their bands, and what changed from the first.

A point is all years that differ in seed alone.  Four headlines are drawn, point under point; all stand in tables of a row a
point and a column a figure, in one unit each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from terp.errors import Problems
from terp.results import Sweep
from terp.results.comparison import PointBands, bands, compare
from terp.results.figures import FEWEST_OF_BAND, HEADLINES, FigureBand
from terp.units import number
from terp.views.figures.forest import ForestRow, forest
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import NONE, count, factor_of, in_one_unit, percent, quantity
from terp.views.report.sweep.comparison_page import case_blocks
from terp.views.text.comparison_text import dimension_of, title_of

_DRAWN: Final = ("mean_wait_s", "gpu_utilisation_fraction", "facility_energy_j", "electricity_cost_eur")
"""Figures that are drawn for every point; the table has all headlines."""
_MOST_DRAWN: Final = 24
"""Points of a figure."""


def sweep_page(sweep: Sweep) -> Page:
    """The page of a sweep of which something was done.

    sweep   just made, or read from its folder; it may lack scenarios that failed or were not reached

    The lead names up to eight values of each axis; the seed is no axis there, as its years are one point.
    """
    document, points = sweep.document, bands(sweep.cases)
    axes = [f"{_name(axis)} ({', '.join(_value(axis, value) for value in values[:8])}{', ...' if len(values) > 8 else ''})"
            for axis, values in document["axes"].items() if axis != "seed"]  # fmt: skip
    years = sum(point["years_count"] for point in points)
    done = f"{document['done_count']:,} of {document['scenarios_count']:,} scenarios"
    over = f" over {' and '.join(axes)}" if axes else ""
    return Page(
        title=f"Sweep of {document['fixed'].get('machine', '') or 'machines'}",
        kicker=f"Terp {document['version']} · sweep · {done}",
        lead=f"{count(len(points), 'point')}{over}, {count(years, 'simulated year')} in all.",
        blocks=[*_points(points), *_changes(sweep), *_asked(sweep)],
    )


def _name(axis: str) -> str:
    """A field in words, without its unit."""
    return title_of(axis)


def _value(axis: str, value: object) -> str:
    """A value of an axis, in the unit that the axis' name ends with.

    axis   its field's name, which ends with its dimension;  value   in SI, None for as the files say

    >>> _value("gpu_cap_w", None), _value("nodes_count", 128)
    ('as in the file', '128')
    """
    if value is None:
        return "as in the file"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    dimension = dimension_of(axis)
    return percent(value) if dimension == "fraction" else quantity(value, dimension) if dimension == "w" else f"{value:g}"


def _points(points: Sequence[PointBands]) -> list[Block]:
    """Every point: figures with their bands, drawn and as tables of one unit a column.

    points   with the headline figures of each, in the order of the sweep

    Where a point has 20 seeds its band is drawn, else twice the standard error, and a line says which.

    The first seven headlines that any point has stand open, and the others are folded.
    """
    blocks: list[Block] = [Heading("The points, with their bands")]
    for key in _DRAWN:
        figure = _figure(points, key)
        if figure:
            blocks.append(Picture(f"{HEADLINES[key]}{_unit_words(points, key)}", figure))
    fewest = min((point["years_count"] for point in points), default=0)
    if fewest >= FEWEST_OF_BAND:
        blocks.append(Words("Dots are means over the seeds, lines the band in which 9 of 10 years lie (5 to 95 %).", "note"))
    elif fewest > 1:
        words = (
            "Dots are means over the seeds, lines twice the standard error of the mean to either side. A band from 5 to "
            f"95 % needs {FEWEST_OF_BAND} seeds a point, and there are {fewest}."
        )
        blocks.append(Words(words, "note"))
    else:
        blocks.append(Words("One year a point: no interval can be given; add `--over seed=1..20`.", "note"))
    first = [key for key in HEADLINES if any(_row(point, key) for point in points)]
    blocks.append(_table("Means, and standard errors behind ±", points, first[:7]))
    if first[7:]:
        folded: list[Block] = [_table("The other headline figures", points, first[7:12])]
        folded += [_table("And the rest", points, first[12:])] if first[12:] else []
        blocks.append(Fold("The other headline figures", folded))
    return blocks


def _row(point: PointBands, key: str) -> FigureBand | None:
    """A point's figure; None where it has none."""
    return next((row for row in point["figures"] if row["figure"] == key), None)


def _words(point: Mapping[str, object]) -> str:
    """A point in words, by its values of the axes.

    point   value by field; empty where nothing but the seed was varied
    """
    return ", ".join(f"{_name(axis)} {_value(axis, value)}" for axis, value in point.items()) or "as in the files"


def _unit_words(points: Sequence[PointBands], key: str) -> str:
    """The unit of a figure of all points, in brackets."""
    dimension = dimension_of(key)
    unit, _ = in_one_unit([row["mean"] for point in points if (row := _row(point, key))], dimension)
    return f" [{unit}]" if unit else ""


def _figure(points: Sequence[PointBands], key: str) -> Markup:
    """A figure of every point: its mean, and its band or twice its standard error.

    key   of a headline; points without it are left out, and of very many the first are drawn

    Empty where no point has the figure.
    """
    dimension = dimension_of(key)
    known = [(point, row) for point in points[:_MOST_DRAWN] if (row := _row(point, key))]
    means = [row["mean"] for _, row in known]
    unit, shown = in_one_unit(means, dimension)
    factor, drawn = factor_of(dimension, unit), []
    for (point, row), words in zip(known, shown, strict=True):
        low, high, error = row["low"], row["high"], row["standard_error"]
        ends = (low, high) if low is not None and high is not None else None
        if ends is None and error is not None:
            ends = (row["mean"] - 2 * error, row["mean"] + 2 * error)
        scaled = None if ends is None else (ends[0] / factor, ends[1] / factor)
        drawn.append(ForestRow(_words(point["point"]), row["mean"] / factor, scaled, sure=True, note=words))
    return both(lambda width: forest(drawn, number, HEADLINES[key], zero=False, width=width))


def _table(caption: str, points: Sequence[PointBands], keys: Sequence[str]) -> Rows:
    """A row a point, a column a figure, in one unit.

    keys   of the figures, a column each;  the error has as many decimals as the mean

    A cell is "mean ± error"; a point of one year has its mean alone, and one without the figure a dash.
    """
    columns, head = [], ["point", "years"]
    for key in keys:
        dimension = dimension_of(key)
        rows = [_row(point, key) for point in points]
        values = [None if row is None else row["mean"] for row in rows]
        unit, means = in_one_unit(values, dimension)
        decimals = len(means[0].partition(".")[2]) if means else 0
        errors = [None if row is None or row["standard_error"] is None else row["standard_error"] for row in rows]
        _, shown = in_one_unit(errors, dimension, decimals, unit)
        columns.append([mean if error == NONE else f"{mean} ± {error}" for mean, error in zip(means, shown, strict=True)])
        head.append(f"{title_of(key)} [{unit}]" if unit else title_of(key))
    cells = [
        (_words(point["point"]), f"{point['years_count']:,}", *(column[index] for column in columns))
        for index, point in enumerate(points)
    ]
    return Rows(caption, head, cells)


def _changes(sweep: Sweep) -> list[Block]:
    """What changed from the first point to the others, where they share seeds.

    Points of which no two share a seed cannot be compared, which is said in place of the figure.
    """
    try:
        points = {case.name: _words(case.point) for case in sweep.cases}
        return case_blocks(compare(sweep.cases), lambda name: points.get(name, name))
    except Problems as error:
        return [Heading("What changed"), Words(f"The points cannot be compared: {error}.", "note")]


def _asked(sweep: Sweep) -> list[Block]:
    """What is fixed, and what failed.

    What failed is shown as the sweep's folder tells it, a column a key.
    """
    document = sweep.document
    fixed = [(_name(name), _value(name, value)) for name, value in document["fixed"].items()]
    blocks: list[Block] = [Heading("What was asked"), Fold("Fields that are the same in all", [
        Rows("Fixed fields", ("field", "value"), fixed, frozenset({1}))])]  # fmt: skip
    failures = [dict(entry) for entry in document["failures"]]
    if failures:
        names = list(failures[0])
        rows = [[str(entry.get(name, "")) for name in names] for entry in failures]
        blocks.append(Rows("Scenarios that failed", names, rows, frozenset(range(len(names)))))
    return blocks
