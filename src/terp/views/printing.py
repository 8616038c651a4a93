"""All that a verb prints goes through here: nothing of an input reaches a terminal raw, and no letter stops a line.

`guard` stands between Terp and its two streams once, when the command starts, so that verbs, progress, warnings and
tracebacks need not think of it.  Only our own progress may move the cursor: a line on stderr that begins with a carriage
return, which is written over the one before it.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from terp.errors import printable

_OVER: Final = re.compile(r"(\r(?:\x1b\[K)?)?(.*?)(\x1b\[K)?", re.DOTALL)
"""A line of progress: it goes back to the start of the line, says something, and wipes the rest."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, and runs."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class _Printed(io.TextIOWrapper):
    """A stream whose text is shown with what is unsafe escaped.

    moves   whether a line may begin with a carriage return of ours
    over    the stream in whose place it is, which would close the file if nobody held it
    """

    moves = False
    over: TextIO | None = None

    def write(self, text: str) -> int:
        """Writes a text; gives its length as it was handed over, as streams do."""
        head, body, tail = _OVER.fullmatch(text).groups() if self.moves else ("", text, "")  # type: ignore[union-attr]
        super().write((head or "") + printable(body, keep="\n") + (tail or ""))
        return len(text)


def guard() -> None:
    """Lets all that is printed from now on go through `printable`; letters that the terminal has not are escaped as well.

    Called once by the command, and never by who imports Terp.  Streams that are no files, as in tests, stay as they are.
    """
    sys.stdout = _guarded(sys.stdout, moves=False)
    sys.stderr = _guarded(sys.stderr, moves=True)


def _guarded(stream: TextIO, *, moves: bool) -> TextIO:
    """A stream that escapes, over the same file; None, as without a terminal, and streams that are no files as they are."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _Printed):
        return stream
    stream.flush()
    plain = stream.encoding.lower().replace("-", "") in ("ascii", "usascii", "ansi_x3.41968", "646")
    printed = _Printed(
        stream.buffer,
        encoding="utf-8" if plain else stream.encoding,  # what click would do, but past us
        errors="backslashreplace",
        newline="",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    printed.moves, printed.over = moves, stream
    return printed


def no_formula(text: str) -> str:
    """A text with an apostrophe before it where a spreadsheet would take it for a formula; "this is text", they read.

    Numbers as text, negative ones too, stay as they are.

    >>> no_formula("=1+1"), no_formula("-1.5")
    ("'=1+1", '-1.5')
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def csv_cell(value: object) -> str:
    """A value as a cell of a CSV file that people open in a spreadsheet: no formula, and no control character.

    >>> csv_cell("=1+1"), csv_cell(-1.5), csv_cell("-1.5"), csv_cell("+49 30")
    ("'=1+1", '-1.5', '-1.5', "'+49 30")
    """
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) else printable(no_formula(str(value)))


def csv_text(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Rows as CSV, a line of names first; the one writer of tables for spreadsheets.

    columns   in their order; those of the first row if not given
    """
    import csv

    names = list(columns or (rows[0] if rows else ()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in names])
    writer.writerows([csv_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()
