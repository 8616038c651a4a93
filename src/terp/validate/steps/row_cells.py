"""Cells of a row of measured training: numbers, whole numbers, yes or no, and why a row cannot be read.

A cell that means nothing is never passed over: the row is refused, with the column and what would do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Cells = Mapping[str, str]
"""Column -> cell of one row."""
YES: Final = ("yes", "true", "1", "y")
NO: Final = ("no", "false", "0", "n")


class Unmodelled(Exception):
    """A row that no case is made of.

    Its text says why, with the numbers of the row; `kind` is the reason in few words, by which refused rows are counted.
    """

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


def number_of(cells: Cells, column: str) -> float | None:
    """A column as a number, 0 or more; None where it is empty.  Raises Unmodelled for anything else."""
    cell = (cells.get(column) or "").strip()
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise Unmodelled(f"{column} is {cell[:20]!r}, no number", "a cell is no number") from None
    if not 0 <= value < 1e15:
        raise Unmodelled(f"{column} is {cell[:20]!r}, out of range", "a number is out of range")
    return value


def whole_of(cells: Cells, column: str, otherwise: int | None = None) -> int:
    """A column as a whole number; `otherwise` where it is empty or 0.

    Raises Unmodelled for a fraction, and for an empty cell where there is no `otherwise`.
    """
    value = number_of(cells, column)
    if value is None or value == 0:
        if otherwise is None:
            raise Unmodelled(f"no {column}: write it in the column {column}", f"no {column}")
        return otherwise
    if value != int(value):
        raise Unmodelled(f"{column} is {value:g}, no whole number", "a cell is no whole number")
    return int(value)


def yes_of(cells: Cells, column: str) -> bool | None:
    """A column of yes or no; None where it is empty.  Raises Unmodelled for any other word."""
    cell = (cells.get(column) or "").strip().lower()
    if not cell:
        return None
    if cell not in (*YES, *NO):
        raise Unmodelled(f"{column} is {cell[:20]!r}: yes or no would do", "a cell is neither yes nor no")
    return cell in YES


def words_of(cells: Cells) -> str:
    """Framework and note in small letters, in which settings without a column are told."""
    return f"{cells.get('framework') or ''}; {cells.get('note') or ''}".lower()
