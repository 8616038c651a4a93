"""Records for people in a notebook: caveats in words, documents and tables as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from terp.notes import Caveat
from terp.units import number
from terp.views.text.caveat_text import SENTENCES

_MOST_ENTRIES = 12


def sentence(caveat: Caveat) -> str:
    """A caveat in words, as the terminal prints it after "mind that"."""
    return SENTENCES[caveat.code].format(**caveat.data)


def html(title: str, data: Mapping[str, object]) -> str:
    """A document as an HTML table, a row a key; inner documents within it, long lists cut."""
    return f'<div class="terp"><strong>{escape(title)}</strong>{_rows(data)}</div>'


def table_html(title: str, rows: Sequence[Mapping[str, object]]) -> str:
    """The first rows of a table as an HTML table."""
    names = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in names) + "</tr>" for row in rows)
    return f'<div class="terp"><strong>{escape(title)}</strong><table><tr>{head}</tr>{body}</table></div>'


def _rows(data: Mapping[str, object]) -> str:
    lines = "".join(f"<tr><th>{escape(key)}</th><td>{_cell(value)}</td></tr>" for key, value in data.items())
    return f"<table>{lines}</table>"


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return _rows(value)
    if isinstance(value, list | tuple):
        shown = ", ".join(_cell(entry) for entry in value[:_MOST_ENTRIES])
        return shown + (", ..." if len(value) > _MOST_ENTRIES else "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return escape(number(value, 4))
    return "" if value is None else escape(str(value))
