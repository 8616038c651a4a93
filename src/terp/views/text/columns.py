"""Rows of text as aligned columns, and lines folded to the width of the reader's screen.

`aligned` leaves lines as long as they are, for files and programs; `folded` and `labelled` break them for a screen.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import Final

USUAL: Final = 80
"""Columns of a screen that nobody told us of."""
LEAST_CELL: Final = 16
"""Columns below which a cell is not folded, since it would be a word a line."""


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """A line a row, each column as wide as its widest cell, two blanks between columns and none at the end.

    table   at least one row, all of as many cells

    >>> aligned([("model", "rows"), ("hpl", "128")])
    ['model  rows', 'hpl    128']
    """
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]


def screen_width() -> int:
    """Columns of the reader's screen: of COLUMNS or the terminal; 80 where neither is known.

    At least 40, however narrow the screen is, since fewer columns hold no table.
    """
    return max(shutil.get_terminal_size((USUAL, 24)).columns, 40)


def is_watched() -> bool:
    """True where somebody reads on a screen; False where the output goes to a program or a file, whose lines stay whole."""
    return sys.stdout.isatty()


def folded(table: Sequence[Sequence[str]], width: int, *, titles: bool = False) -> list[str]:
    """As `aligned`, with cells folded so that no line is longer than a width, as far as words can be folded.

    table   at least one row, all of as many cells;  width  in columns

    The first column, which holds names, stays whole; of the others the widest gives way.  What does not fit stands on
    further lines below its own cell.

    titles   whether the last column holds titles, which give way before all others

    >>> folded([("b200", "a long title of a part")], 22)
    ['b200  a long title of', '      a part']
    """
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    if titles and over > 0:
        widths[-1] -= min(over, max(widths[-1] - LEAST_CELL, 0))
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths[1:], default=0) > LEAST_CELL // 2:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    lines = []
    for row in table:
        cells = [wrap(text, size, break_on_hyphens=False) or [""] for text, size in zip(row, widths, strict=True)]
        for index in range(max(map(len, cells))):
            parts = [cell[index] if index < len(cell) else "" for cell in cells]
            lines.append("  ".join(part.ljust(size) for part, size in zip(parts, widths, strict=True)).rstrip())
    return lines


def labelled(name: str, text: str, label_width: int, width: int, indent: int = 2) -> list[str]:
    """A named line: the name in a column of its own, the text behind it folded to a width.

    >>> labelled("cables", "1,528 node + 4 manager", 8, 27)
    ['  cables   1,528 node + 4', '           manager']

    name          of the line; one longer than its column has a line to itself
    label_width   columns of the names, 0 for a text that has none
    width         of the screen, in columns; the text has 16 or more, however narrow that is
    indent        blanks before the name
    """
    behind = indent + label_width + 1 if label_width else indent
    parts = wrap(text, max(width - behind, LEAST_CELL), break_on_hyphens=False) or [""]
    if label_width and len(name) > label_width:
        return [" " * indent + name, *(" " * behind + part for part in parts)]
    head = f"{'':{indent}}{name:{label_width}} " if label_width else " " * indent
    return [f"{head}{parts[0]}".rstrip(), *(" " * behind + part for part in parts[1:])]
