"""Rows of text as aligned columns."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """A line a row, each column as wide as its widest cell, two blanks between columns and none at the end.

    table   at least one row, all of as many cells

    >>> aligned([("model", "rows"), ("hpl", "128")])
    ['model  rows', 'hpl    128']
    """
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
