"""Months as people write them, such as "2027-09", counted.

Months are text wherever a plan keeps them, since text of this form sorts by time; only here are they numbers.

>>> later("2027-11", 3)
'2028-02'
"""

from __future__ import annotations

from typing import Final

from terp.units import MEAN_YEAR_S

MONTH_S: Final = MEAN_YEAR_S / 12


def number_of(month: str) -> int:
    """Months since the year 0 of a month as "YYYY-MM", or of a date that begins with one; January 2027 is 24324."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_of(number: int) -> str:
    """The month of a number that `number_of` gave, as "YYYY-MM"."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def later(month: str, months: int) -> str:
    """So many months after a month, as "YYYY-MM"; before it if the number is negative."""
    return month_of(number_of(month) + months)
