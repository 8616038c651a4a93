"""The tables of a thing as CSV, safe to open in a spreadsheet: no text in them begins as a formula does.

Numbers are unrounded and in SI, as in Parquet: a table is for programs, and pages are for people.

What has no rows of its own becomes a table of two columns, `figure` and `value`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import pyarrow as pa
from pyarrow import csv

from terp.errors import printable
from terp.hardware import Machine
from terp.plan import PurchasePlan
from terp.plan.outcome.plan_folder import TABLES
from terp.results import Run, Sweep
from terp.results.comparison import bands
from terp.results.record import Result, as_json
from terp.results.run_folder import TABLES as RUN_TABLES
from terp.results.training_results import SearchResult
from terp.sweep import Comparison
from terp.validate import AllGrades, Grades
from terp.views.printing import no_formula


def tables_of(thing: object) -> dict[str, pa.Table]:
    """The tables of a result or of a machine, by name; a single file can hold them only where there is one alone.

    thing   as of `written.Thing`; of what has no table of its own, its figures are one

    A run has its four tables and `summary`; a sweep `rows`, and `points` with a row a figure of a point; a comparison
    `differences`; a plan the tables of its folder; a machine `figures`, `bill` and `nodes`; a validation `grades`, and
    `cases` where there are any; a search `frontier`; any other result `figures`.  What is no result and no machine has no
    table.
    """
    if isinstance(thing, Run):
        return {name: getattr(thing, name).arrow for name in RUN_TABLES} | {"summary": _flat(thing.to_dict())}
    if isinstance(thing, Sweep):
        points = [{**point["point"], "years_count": point["years_count"], **row}
                  for point in bands(thing.cases) for row in point["figures"]]  # fmt: skip
        return {"rows": thing.rows.arrow, "points": pa.Table.from_pylist(points)}
    if isinstance(thing, Comparison):
        return {"differences": thing.table.arrow}
    if isinstance(thing, PurchasePlan):
        return {name: thing.table(name).arrow for name in TABLES}
    if isinstance(thing, Machine):
        return {"figures": _flat(thing.to_dict()), "bill": thing.bill.table.arrow, "nodes": thing.nodes.table.arrow}
    if isinstance(thing, AllGrades | Grades):
        models = thing.models if isinstance(thing, AllGrades) else (thing,)
        cases = [grades.cases.arrow for grades in models if grades.cases.num_rows]
        return {"grades": thing.table.arrow} | ({"cases": pa.concat_tables(cases)} if cases else {})
    if isinstance(thing, SearchResult):
        return {"frontier": thing.table.arrow}
    return {"figures": _flat(thing.to_dict())} if isinstance(thing, Result) else {}


def _flat(document: Mapping[str, object]) -> pa.Table:
    """A document as rows of a figure and its value, by dotted path.

    document   with mappings and lists within it, whose places are counted from 0; null becomes an empty cell

    >>> _flat({"energy": {"by_month": [5, None]}}).to_pylist()
    [{'figure': 'energy.by_month.0', 'value': '5'}, {'figure': 'energy.by_month.1', 'value': ''}]
    """
    rows: list[dict[str, str]] = []

    def walk(path: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else str(key), inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(f"{path}.{index}", inner)
        else:
            rows.append({"figure": path, "value": "" if value is None else str(value)})

    walk("", as_json(document))
    return pa.Table.from_pylist(rows)


def as_csv(table: pa.Table) -> bytes:
    r"""A table as CSV in UTF-8; a text that a spreadsheet would take for a formula has an apostrophe before it.

    Control characters of texts and of names of columns are shown escaped.

    table   with names of columns as they are in results: each ends with its unit, and values are in SI

    >>> as_csv(pa.table({"note": ["=1+1", "-2"]})).decode().split()
    ['"note"', '"\'=1+1"', '"-2"']
    """
    columns = [_safe(table.column(name)) for name in table.column_names]
    out = io.BytesIO()
    names = [printable(no_formula(name)) for name in table.column_names]
    csv.write_csv(pa.table(columns, names), out)
    return out.getvalue()


def _safe(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column whose texts are no formulas and hold no control character; lists become words, and numbers stay numbers.

    An empty cell stays empty.
    """
    if pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = column.to_pylist()
    else:
        return column
    cells = {text: None if text is None else printable(no_formula(text)) for text in set(texts)}
    return pa.chunked_array([[cells[text] for text in texts]], pa.string())
