"""The only place that scales: "400 Gb/s" -> 5e10 bytes per second, and back for people.

A dimension is named by the suffix that names carry everywhere in Terp: a field `rated_w` holds watts, and its
dimension is `w`.  Inside, every number is a float in the SI unit of its suffix.  The table is closed: a unit
that is not listed is refused, so that `Gb` (bits) can never pass for `GB` (bytes), nor `mW` for `MW`.

>>> parse("400 Gb/s", "bytes_per_s")
50000000000.0
>>> show(1.5e6, "w")
'1.5 MW'

Money is the exception: its unit is a currency, which has no rate here, so an amount keeps the currency in which
it was written (`Money`).  Rates of exchange are data of the catalogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Final

from terp.errors import did_you_mean

HOUR_S: Final = 3600
"""Seconds of an hour."""
DAY_S: Final = 86_400
"""Seconds of a day, without leap seconds and changes of the clock."""
YEAR_S: Final = 365 * DAY_S
"""A year that is simulated, billed or planned: 365 days, 8,760 hours."""
MEAN_YEAR_S: Final = 365.25 * DAY_S
"""The mean year of the calendar, which contracts and lives of machines are counted in."""
J_PER_KWH: Final = 3.6e6
"""Joules of a kWh; the next two are those of a MWh and of a GWh."""
J_PER_MWH: Final = 3.6e9
J_PER_GWH: Final = 3.6e12

_DECIMAL: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
"""Prefix of SI -> its factor.  Small prefixes are left out on purpose: `m` would make `mW` a unit."""
_BINARY: Final = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
"""Prefix of IEC 80000-13 -> its factor; of bytes alone."""


def _scaled(base: str, prefixes: str, scale: float = 1.0) -> dict[str, float]:
    """Units of `base` with the decimal prefixes named, as unit -> factor to SI."""
    return {prefix + base: _DECIMAL[prefix] * scale for prefix in ["", *prefixes]}


UNITS: Final[dict[str, dict[str, float]]] = {
    "w": _scaled("W", "kMG"),
    "j": {**_scaled("J", "kMGT"), **_scaled("Wh", "kMGT", 3600.0)},
    "s": {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0, "days": 86_400.0},
    "bytes": {**_scaled("B", "kMGTPE"), **{prefix + "B": factor for prefix, factor in _BINARY.items()}},
    "bytes_per_s": {
        **_scaled("B/s", "kMGTP"),
        **_scaled("b/s", "kMGT", 1 / 8),
        **{prefix + "B/s": factor for prefix, factor in _BINARY.items()},
    },
    "flop_per_s": _scaled("flop/s", "kMGTPE"),
    "flop": _scaled("flop", "kMGTPE"),
    "flop_per_byte": {"flop/B": 1.0},
    "bytes_per_flop": {"B/flop": 1.0},
    "j_per_flop": {"J/flop": 1.0},
    "j_per_byte": {"J/B": 1.0},
    "eur": _scaled("EUR", "kM"),
    "eur_per_j": {"EUR/kWh": 1 / J_PER_KWH, "EUR/MWh": 1 / J_PER_MWH},
    "eur_per_w": {"EUR/kW": 1e-3, "EUR/MW": 1e-6},
    "kg_per_j": {"gCO2/kWh": 1e-3 / J_PER_KWH, "kgCO2/kWh": 1 / J_PER_KWH, "kgCO2/MWh": 1 / J_PER_MWH},
    "hz": _scaled("Hz", "kMG"),
    "per_s": {"/s": 1.0, "/h": 1 / HOUR_S, "/day": 1 / DAY_S, "/year": 1 / YEAR_S},
    "m": {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3},
    "m2": {"m2": 1.0},
    "kg": {"kg": 1.0, "t": 1e3},
    "kg_per_s": {"kg/s": 1.0},
    "celsius": {"degC": 1.0},
    "kelvin": {"K": 1.0},
    "fraction": {"": 1.0, "%": 0.01},
    "ratio": {"": 1.0},
    "count": {"": 1.0},
    "size": {"": 1.0},
    "index": {"": 1.0},
}
"""Dimension (the suffix of a name) -> unit as written -> factor to the SI value.

A unit whose text is empty is a number without a unit.  Carbon intensities are kg of CO2 per joule, prices of
energy euros per joule; a temperature is in degrees Celsius and a difference of two in kelvin, which are never
converted.
"""

SPOKEN: Final[dict[str, dict[str, float]]] = {
    "s": {"d": DAY_S, "w": 7 * DAY_S, "week": 7 * DAY_S, "weeks": 7 * DAY_S, "y": YEAR_S, "year": YEAR_S, "years": YEAR_S},
    "count": {"k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12},
}
"""Units that are read and never written, since they are no SI: a year is one of 365 days, and B a billion, as of tokens."""

NAMES: Final[dict[str, str]] = {
    "w": "a power", "j": "an energy", "s": "a time", "bytes": "a size in bytes", "bytes_per_s": "a data rate",
    "flop_per_s": "a compute rate", "flop": "an amount of arithmetic", "flop_per_byte": "arithmetic per byte",
    "bytes_per_flop": "bytes per flop", "j_per_flop": "energy per flop", "j_per_byte": "energy per byte",
    "eur": "an amount of money", "eur_per_j": "a price of energy",
    "eur_per_w": "a price of power", "m2": "an area", "kg_per_s": "a mass flow", "kelvin": "a temperature difference",
    "kg_per_j": "a carbon intensity", "hz": "a frequency", "per_s": "a rate of events", "m": "a length",
    "kg": "a mass", "celsius": "a temperature", "fraction": "a fraction",
    "ratio": "a plain number", "count": "a whole number", "size": "a size", "index": "a place in a row",
}  # fmt: skip
"""Dimension -> what it is called in a message."""

EXAMPLES: Final[dict[str, str]] = {
    "w": "10.2 kW", "j": "3 GWh", "s": "30 min", "bytes": "80 GB", "bytes_per_s": "400 Gb/s",
    "flop_per_s": "989 Tflop/s", "flop": "4096 flop", "flop_per_byte": "0.167 flop/B",
    "bytes_per_flop": "0.0067 B/flop", "j_per_flop": "0.97e-12 J/flop", "j_per_byte": "139e-12 J/B",
    "eur": "64.1 MEUR", "eur_per_j": "0.14 EUR/kWh", "kg_per_j": "143 gCO2/kWh",
    "eur_per_w": "50 EUR/kW", "m2": "1200 m2", "kg_per_s": "0.5 kg/s", "kelvin": "4 K",
    "hz": "1.98 GHz", "per_s": "0.0029 /day", "m": "50 m", "kg": "130 kg", "celsius": "18 degC",
    "fraction": "85 %", "ratio": "1.5", "count": "8", "size": "128", "index": "0",
}  # fmt: skip
"""Dimension -> a quantity as it may be written, for messages that say what would do."""

_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)?")
"""A number, with a point and an exponent if need be, and whatever stands behind it as its unit."""
_MAX_TEXT: Final = 64
"""Letters of the longest text that is looked at, so that a hostile one costs nothing."""


class NotAQuantity(ValueError):
    """A text that is no quantity of the dimension it should have.

    wrong      what is wrong with it, without the text itself
    would_do   what to write in its place

    The reader of files turns it into a problem with the place of the value.
    """

    def __init__(self, wrong: str, would_do: str) -> None:
        self.wrong, self.would_do = wrong, would_do
        super().__init__(f"{wrong}; {would_do}")


def parse(text: str, dimension: str) -> float:
    """The SI value of a quantity: `parse("400 Gb/s", "bytes_per_s")` is 5e10.

    text        a number and its unit, with or without a blank between
    dimension   a key of `UNITS`

    Raises NotAQuantity for a missing, unknown or wrong unit, for a comma in the number and for what is not
    finite, saying what would do.  No unit is guessed: a plain number passes only where the dimension has units
    without letters.

    >>> parse("70 %", "fraction"), parse("2 days", "s")
    (0.7000000000000001, 172800.0)
    """
    units = UNITS[dimension]
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise NotAQuantity(f"not {NAMES[dimension]}", f"write a number and its unit, such as {EXAMPLES[dimension]!r}")
    number, unit = match[1], (match[2] or "")
    scale = units.get(unit, SPOKEN.get(dimension, {}).get(unit))
    if scale is not None:
        value = float(number) * scale
        if not isfinite(value):
            raise NotAQuantity("not a finite number", f"write it such as {EXAMPLES[dimension]!r}")
        return value
    if _grouped(text):
        raise NotAQuantity("a number is written with one point and no comma", f"write it such as {EXAMPLES[dimension]!r}")
    if not unit:
        raise NotAQuantity("the unit is missing", f"write it with its unit, such as {EXAMPLES[dimension]!r}")
    raise NotAQuantity(*_wrong_unit(number, unit, dimension))


def _grouped(text: str) -> bool:
    """True of a number with a comma, or with more than one point: "8,5 MW", "71.000.000 EUR"."""
    return re.match(r"[+-]?\d+(,|\.\d+[.,])\d", text.strip()) is not None


def _wrong_unit(number: str, unit: str, dimension: str) -> tuple[str, str]:
    """What is wrong with a unit, and what would do: bits for bytes, a unit of another dimension, or a
    misspelling.
    """
    units = UNITS[dimension]
    if dimension == "bytes" and unit.removesuffix("b") in _DECIMAL:
        return f"{unit} counts bits, and this is {NAMES[dimension]}", f"did you mean {number} {unit[:-1]}B?"
    for other, table in UNITS.items():
        if unit in table and unit:
            return f"{unit} is a unit of {NAMES[other].split(' ', 1)[1]}, and this is {NAMES[dimension]}", (
                f"write it such as {EXAMPLES[dimension]!r}"
            )
    known = [name for name in units if name]
    same = [name for name in known if name.lower() == unit.lower()]
    hint = "did you mean " + " or ".join(map(repr, same)) + "?" if same else did_you_mean(unit, known)
    return f"unknown unit {unit!r}", hint


def parse_days(text: str) -> int:
    """Whole days of a text such as "30", "30 days", "2w" or "1y", which is 365 days.  Raises NotAQuantity.

    text   a number alone counts days; with a unit of time it must come to whole days

    >>> parse_days("2w"), parse_days("1 year")
    (14, 365)
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    plain = match is not None and not match[2]
    try:
        days = parse(text, "count") if plain else parse(text, "s") / DAY_S
    except NotAQuantity as error:
        raise NotAQuantity("not a number of days", "write it such as 30, '2w' or '1y'") from error
    if days != int(days):
        raise NotAQuantity("not a whole number" if plain else "not whole days", "write it such as 30, '2w' or '1y'")
    return int(days)


def parse_tokens(text: str) -> int:
    """Tokens of a sequence, of which k is 1,024, as models are named: "8k" is 8,192.  Raises NotAQuantity.

    >>> parse_tokens("8k"), parse_tokens("8192"), parse_tokens("1M")
    (8192, 8192, 1048576)
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    scale = {"": 1, "k": 2**10, "K": 2**10, "Ki": 2**10, "M": 2**20, "Mi": 2**20}.get(match[2] or "") if match else None
    tokens = float(match[1]) * scale if match and scale else 0.5
    if not isfinite(tokens) or tokens != int(tokens):
        raise NotAQuantity("not a number of tokens", "write it such as 8192 or '8k'")
    return int(tokens)


def parse_range(text: str, dimension: str) -> tuple[float, float]:
    """Low and high SI values of a range such as "50 .. 120 W"; the unit may stand once, at the end.

    text        two quantities with two points between them
    dimension   a key of `UNITS`; both ends have it

    Raises NotAQuantity for what is no range, for an end that cannot be read, and for a range that runs
    backwards.

    >>> parse_range("50 .. 120 W", "w")
    (50.0, 120.0)
    """
    low, dots, high = text.partition("..")
    if not dots:
        raise NotAQuantity("not a range", f"write it as 'low .. high', such as '1 .. {EXAMPLES[dimension]}'")
    high_value = parse(high, dimension)
    unit = match[2] if (match := _QUANTITY.fullmatch(high.strip())) else ""
    low_text = low if (match := _QUANTITY.fullmatch(low.strip())) and match[2] else f"{low} {unit or ''}"
    low_value = parse(low_text, dimension)
    if low_value > high_value:
        raise NotAQuantity("the range runs backwards", "write the lower end first")
    return low_value, high_value


_MONEY: Final = re.compile(r"([kMG]?)([A-Z]{3})")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, in the currency in which it was said.

    amount     in whole units of the currency, not below zero where it was parsed
    currency   three letters of ISO 4217, such as "DKK"; not checked against rates here

    As text it has four digits and the largest prefix that leaves at least 1: "64.1 MEUR".
    """

    amount: float
    currency: str

    def __str__(self) -> str:
        scale = next((prefix for prefix in ("G", "M", "k") if abs(self.amount) >= _DECIMAL[prefix]), "")
        return f"{number(self.amount / _DECIMAL[scale], 4)} {scale}{self.currency}"


def parse_money(text: str) -> Money:
    """An amount of money with its currency: `parse_money("700 MDKK")` is Money(7e8, "DKK").

    Prefixes are k, M and G.  Raises NotAQuantity for an amount without a currency, below zero, or not finite.
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    unit = _MONEY.fullmatch(match[2] or "") if match else None
    if unit is None and _grouped(text):
        raise NotAQuantity(
            "not an amount of money", "write the number with one point and no comma, such as '64.1 MEUR' or '310 kUSD'"
        )
    if match is None or unit is None:
        raise NotAQuantity("not an amount of money", "write a number and its currency, such as '64.1 MEUR' or '310 kUSD'")
    amount = float(match[1]) * _DECIMAL[unit[1]]
    if not isfinite(amount) or amount < 0:
        raise NotAQuantity("not an amount that can be paid", "write it such as '64.1 MEUR'")
    return Money(amount, unit[2])


def parse_money_range(text: str) -> tuple[Money, Money]:
    """Low and high of a range such as "300 .. 350 kUSD"; the unit may stand once, at the end.

    Both ends have the same currency.  Raises NotAQuantity for another one, or for a range that runs
    backwards.
    """
    low, dots, high = text.partition("..")
    if not dots:
        raise NotAQuantity("not a range", "write it as 'low .. high', such as '300 .. 350 kUSD'")
    match = _QUANTITY.fullmatch(low.strip())
    unit = _QUANTITY.fullmatch(high.strip())
    bare = match is not None and not match[2] and unit is not None
    low_money, high_money = parse_money(f"{low} {unit[2] or ''}" if bare and unit else low), parse_money(high)
    if low_money.currency != high_money.currency or low_money.amount > high_money.amount:
        raise NotAQuantity("the range runs backwards, or from one currency to another", "write the lower end first")
    return low_money, high_money


_SHOWN: Final[dict[str, list[str]]] = {
    "w": ["GW", "MW", "kW", "W"],
    "j": ["TWh", "GWh", "MWh", "kWh", "Wh"],
    "s": ["days", "h", "min", "s", "ms", "us", "ns"],
    "bytes": ["EB", "PB", "TB", "GB", "MB", "kB", "B"],
    "bytes_per_s": ["PB/s", "TB/s", "GB/s", "MB/s", "B/s"],
    "flop_per_s": ["Eflop/s", "Pflop/s", "Tflop/s", "Gflop/s", "flop/s"],
    "eur": ["MEUR", "kEUR", "EUR"],
}
"""Dimension -> units in which people read it, largest first; other dimensions are shown in any of their
units.
"""
_SINGULAR: Final = {"days": "day"}


def show(value: float, dimension: str, digits: int = 3) -> str:
    """A value for people, in the largest unit in which what is shown is at least 1: `show(1.5e6, "w")` is
    "1.5 MW".

    value      in the SI unit of `dimension`, a key of `UNITS`
    digits     significant ones of what is shown, at least

    The unit is chosen by the rounded number: 999,999 W are "1 MW" and not "1,000 kW".
    """
    units = UNITS[dimension]
    names = _SHOWN.get(dimension) or sorted(units, key=lambda unit: -units[unit])
    if value == 0:
        return f"0 {next((unit for unit in names if units[unit] == 1), names[-1])}".rstrip()
    for name in names:
        shown = number(value / units[name], digits)
        if name == names[-1] or abs(float(shown.replace(",", ""))) >= 1:
            break
    return f"{shown} {_SINGULAR.get(name, name) if shown in ('1', '-1') else name}".rstrip()


def number(value: float, digits: int = 3) -> str:
    """A number for people with at least `digits` significant digits and thousands separated: 1528 -> "1,528".

    Whole digits are never rounded away, and zeros behind the point are left out.

    >>> number(12345.678), number(0.0012345)
    ('12,346', '0.00123')
    """
    if value == 0:
        return "0"
    whole_digits = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    decimals = max(0, digits - whole_digits) if abs(value) >= 0.1 else digits - 1 - floor(log10(abs(value)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
