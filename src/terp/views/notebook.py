"""Records for people in a notebook: caveats in words, documents and tables as HTML.

`terp.results` calls these by name when a record is shown, plotted or written as a page, so that it need not import what
draws; heavy things are imported when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

from terp.errors import printable
from terp.results.record import Result
from terp.units import number
from terp.views.messages import Coded, Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from terp.plan import PurchasePlan

_MOST_ENTRIES = 12
"""Rows of a folded part that are shown, and entries of a list; a line says how many there are."""
_MEASURED = "wall_s"
"""How long it took to work out: another number each time, so it is no part of what the same record shows."""


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
    """A document as an HTML table, a row a key; what stands within is folded one level deep, and counted below that.

    title   above the table;  data   what `to_dict()` gives.  All text is escaped
    """
    shown = {key: value for key, value in data.items() if key != _MEASURED}
    return printable(f'<div class="terp"><strong>{escape(title)}</strong>{_rows(shown, _folded)}</div>')


def report(thing: object, path: Path, language: str = "en") -> Path:
    """Writes the report of a result or a machine, in the format that the ending of its name says, and gives its path.

    Raises Problems for another ending, for what has no page, and where it cannot be written.
    """
    from terp.views.report.written import Thing, write_report

    return write_report(cast("Thing", thing), path, None, language)[0]


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
    return printable(f'<div class="terp"><strong>{escape(title)}</strong><table><tr>{head}</tr>{body}</table></div>')


def _rows(data: Mapping[str, object], inner: Callable[[object], str]) -> str:
    """A table: a row a key, the value beside it as `inner` shows it."""
    lines = "".join(f"<tr><th>{escape(key)}</th><td>{inner(value)}</td></tr>" for key, value in data.items())
    return f"<table>{lines}</table>"


def _folded(value: object) -> str:
    """A value as the inside of a cell; an inner document or a list of documents folded under their number."""
    if isinstance(value, Mapping) and value:
        shown = dict(list(value.items())[:_MOST_ENTRIES])
    elif isinstance(value, list | tuple) and any(isinstance(entry, Mapping) for entry in value):
        shown = {str(place): entry for place, entry in enumerate(value[:_MOST_ENTRIES])}
    else:
        return _cell(value)
    rest = f"<p>and {len(value) - len(shown)} more</p>" if len(value) > len(shown) else ""
    return f"<details><summary>{_counted(value)}</summary>{_rows(shown, _cell)}{rest}</details>"


def _cell(value: object) -> str:
    """A value as text: numbers to four digits, nothing for None, the keys of a document and its plain values."""
    if isinstance(value, Mapping):
        plain = {key: inner for key, inner in value.items() if not isinstance(inner, Mapping | list | tuple)}
        if not plain:
            return _counted(value)
        return ", ".join(f"{escape(key)} {_cell(inner)}" for key, inner in list(plain.items())[:_MOST_ENTRIES])
    if isinstance(value, list | tuple):
        if any(isinstance(entry, Mapping | list | tuple) for entry in value):
            return _counted(value)
        shown = ", ".join(_cell(entry) for entry in value[:_MOST_ENTRIES])
        return shown + (", ..." if len(value) > _MOST_ENTRIES else "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return escape(number(value, 4))
    return "" if value is None else escape(str(value))


def _counted(value: Mapping[str, object] | Sequence[object]) -> str:
    """How many entries something has, in words."""
    return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
