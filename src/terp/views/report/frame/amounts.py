"""Numbers as pages have them: one unit in a column, a space that does not break before every unit, one way to write shares.

Inside a page money is "EUR 1.09 million" in words and whole euros in tables; shares are "85.2 %".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from terp.units import UNITS, number, show

SPACE: Final = "\u00a0"
"""A space at which no line ends."""
MINUS: Final = "\u2212"
NONE: Final = "\u2013"
"""What stands where there is no value."""


def quantity(value: float | None, dimension: str, digits: int = 3) -> str:
    """A value with its unit, kept together: 1.5e6 W is "1.5 MW".  A dash for None.

    dimension   a key of `units.UNITS`;  digits   significant ones, at least
    """
    return NONE if value is None else show(value, dimension, digits).replace(" ", SPACE)


def percent(fraction: float | None, decimals: int = 1, *, sign: bool = False) -> str:
    """A share: 0.852 is "85.2 %", with `sign` "+85.2 %"; a dash for None.

    >>> percent(-0.0131, 2, sign=True) == MINUS + "1.31" + SPACE + "%"
    True

    decimals   behind the point;  sign   whether a share above 0 has its plus
    """
    if fraction is None:
        return NONE
    words = f"{round(100 * fraction, decimals) + 0.0:,.{decimals}f}".replace("-", MINUS)
    return f"{'+' if sign and round(100 * fraction, decimals) > 0 else ''}{words}{SPACE}%"


def euros(value: float | None) -> str:
    """Money in words: 1.09e6 is "EUR 1.09 million"; whole euros below a million, cents below ten; a dash for None."""
    if value is None:
        return NONE
    for factor, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= factor:
            return f"EUR{SPACE}{number(value / factor)} {word}"
    return f"EUR{SPACE}{value:,.0f}" if abs(value) >= 10 or value == 0 else f"EUR{SPACE}{value:.2g}"


def count(value: float, word: str = "") -> str:
    """A whole number, with its word if there is one: `count(1, "job")` is "1 job".

    value   a count; what stands behind its point is rounded away
    word    in the singular, such as "job"; an s makes it many
    """
    return f"{value:,.0f}" + (f"{SPACE}{word}{'' if value == 1 else 's'}" if word else "")


def in_one_unit(
    values: Sequence[float | None], dimension: str, decimals: int | None = None, unit: str = ""
) -> tuple[str, list[str]]:
    """A column of values in one unit, the largest in which the largest value is at least 1, with as many decimals each.

    decimals   behind the point; as many as the median value needs for three digits if None
    unit       the unit to use, such as "h" for waits of which most are short; chosen if empty

    Gives the unit's name, and the numbers; a dash for None.

    >>> in_one_unit([1.2e9, 3.4e8], "w")
    ('GW', ['1.20', '0.34'])
    """
    known = sorted(abs(value) for value in values if value)
    units = _shown_units(dimension)
    unit = unit or _unit_for(known[-1] if known else 0.0, units)
    if decimals is None:
        middle = known[len(known) // 2] / units[unit] if known else 1.0
        decimals = 0 if middle >= 100 else 1 if middle >= 10 else 2
    shown = [NONE if value is None else f"{value / units[unit]:,.{decimals}f}".replace("-", MINUS) for value in values]
    return unit, shown


def factor_of(dimension: str, unit: str) -> float:
    """What a number in a unit is multiplied with to be in SI.

    dimension   as of `in_one_unit`;  unit   one that this gave
    """
    return _shown_units(dimension)[unit]


def _unit_for(largest: float, units: Mapping[str, float]) -> str:
    """The largest unit in which a value is at least 1; the SI unit for nought.

    largest   without its sign, in SI;  units   with their factors, the largest first
    """
    if not largest:
        return next((name for name, factor in units.items() if factor == 1), list(units)[-1])
    return next((name for name, factor in units.items() if largest >= factor), list(units)[-1])


_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "j": ("TWh", "GWh", "MWh", "kWh", "Wh"),
    "s": ("days", "h", "min", "s", "ms", "us"),
    "bytes": ("EB", "PB", "TB", "GB", "MB", "kB", "B"),
    "bytes_per_s": ("PB/s", "TB/s", "GB/s", "MB/s", "kB/s", "B/s"),
    "kg": ("t", "kg"),
    "eur": ("EUR",),
}
"""Dimension -> its units for people, the largest first: energies in watt-hours, times in hours and days, money whole."""
_OWN: Final[Mapping[str, Mapping[str, float]]] = {
    "fraction": {"%": 0.01},
    "gpu_s": {"GPU hours": 3600.0},
    "count": {"": 1.0},
    "ratio": {"": 1.0},
}
"""Dimensions that pages write otherwise than files."""


def _shown_units(dimension: str) -> Mapping[str, float]:
    """Units of a dimension that people are shown, the largest first."""
    if dimension in _OWN:
        return _OWN[dimension]
    units = UNITS[dimension]
    return {name: units[name] for name in _SHOWN.get(dimension, tuple(sorted(units, key=lambda unit: -units[unit])))}
