"""Records for people in a notebook: caveats in words, documents and tables as HTML.

`terp.results` calls these by name when a record is shown, plotted or written as a page, so that it need not import what
draws; heavy things are imported when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from terp.results import Run
from terp.results.record import Result
from terp.units import number
from terp.views.messages import Coded, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from terp.plan import PurchasePlan

_MOST_ENTRIES = 12
"""Entries of a list that a cell shows; dots stand for the rest."""


def sentence(caveat: Coded) -> str:
    """A caveat or another code in English words, as the terminal and JSON have them.

    The language is English here and in JSON; papers word the same codes in their own language.
    """
    return Language("en", figures=True).sentence(caveat)


def brief(plan: PurchasePlan, language: str) -> str:
    """The decision paper of a plan, as HTML.  Raises UnknownName for a language that is not there.

    language   "en" or "nl"
    """
    from terp.views.brief import as_brief

    return as_brief(plan, language)


def html(title: str, data: Mapping[str, object]) -> str:
    """A document as an HTML table, a row a key; inner documents are tables within it, long lists are cut.

    title   above the table;  data   what `to_dict()` gives.  All text is escaped
    """
    return f'<div class="terp"><strong>{escape(title)}</strong>{_rows(data)}</div>'


def run_page(run: Result) -> str:
    """A simulated run as one HTML page that needs nothing else.

    run   a `Run`, as a `Result` because results do not know their kinds
    """
    from terp.views.report import as_html

    assert isinstance(run, Run)
    return as_html(run)


def plot(result: Result, figure: str, axes: Axes | None) -> Axes:
    """A figure of a result, in axes that are given or in a figure of its own.

    Raises Problems for a figure that it has not, and where matplotlib is not installed.

    Needs the extra `plots`.
    """
    from terp.views.figures import plots

    return plots.plot(result, figure, axes)


def table_html(title: str, rows: Sequence[Mapping[str, object]]) -> str:
    """The first rows of a table as an HTML table.

    rows   each with the same keys, which become the head; none gives a table without rows
    """
    names = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in names) + "</tr>" for row in rows)
    return f'<div class="terp"><strong>{escape(title)}</strong><table><tr>{head}</tr>{body}</table></div>'


def _rows(data: Mapping[str, object]) -> str:
    """An inner table: a row a key, the value beside it."""
    lines = "".join(f"<tr><th>{escape(key)}</th><td>{_cell(value)}</td></tr>" for key, value in data.items())
    return f"<table>{lines}</table>"


def _cell(value: object) -> str:
    """A value as the inside of a cell: numbers to four digits, nothing for None, a table for a document."""
    if isinstance(value, Mapping):
        return _rows(value)
    if isinstance(value, list | tuple):
        shown = ", ".join(_cell(entry) for entry in value[:_MOST_ENTRIES])
        return shown + (", ..." if len(value) > _MOST_ENTRIES else "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return escape(number(value, 4))
    return "" if value is None else escape(str(value))
