"""Months as people write them, such as "2027-09", counted."""

from __future__ import annotations

from typing import Final

from terp.units import MEAN_YEAR_S

MONTH_S: Final = MEAN_YEAR_S / 12


def number_of(month: str) -> int:
    """Months since the year 0."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_of(number: int) -> str:
    """The month of a number, the other way round."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def later(month: str, months: int) -> str:
    """So many months later."""
    return month_of(number_of(month) + months)
