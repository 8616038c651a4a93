"""What a language needs: its texts, its numbers and months, its names for what plans are made of.

Texts are in `en.yaml` and `nl.yaml`, with the same keys.  A plan also carries sentences of its own, in English; the Dutch
file `sentences.nl.yaml` has those that Terp writes, with gaps such as {a}.  One that it lacks is shown as it is, marked
as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import yaml
from markupsafe import Markup

from terp.errors import UnknownName
from terp.units import number, show

Code = Literal["en", "nl"]
_SWAP: Final = str.maketrans(",.", ".,")
_NUMBER: Final = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w-])")
_ENGLISH: Final = re.compile(r"\b(?:the|and|by|with|for|from|less|more|at|which|another)\b")  # none of them Dutch
_MONTH: Final = re.compile(r"(?<![\w.-])20\d\d-(?:0[1-9]|1[0-2])(?![\w-])")
_SPACE: Final = "\u00a0"
_ALIASES: Final = {"W": "w", "EUR": "eur", "J": "j", "flop/s": "flop_per_s"}
_DIMENSIONS: Final = ("w", "j", "bytes", "bytes_per_s", "flop_per_s", "s")


class Language:
    """Texts and numbers for people who read one language.  Raises UnknownName for a language that is not there."""

    def __init__(self, code: str) -> None:
        if code not in get_args(Code):
            raise UnknownName("language", code, get_args(Code))
        self.code = code
        self.texts: dict[str, str] = read_texts(code)["texts"]
        self.names: dict[str, dict[str, str]] = read_texts(code)["names"]
        self._sentences = _patterns() if code == "nl" else ()

    def text(self, key: str, **values: Any) -> str:
        """The text of a key with its gaps filled.  Raises KeyError for a key that is not there."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def name(self, family: str, key: str, default: str = "") -> str:
        """What something common is called; else its title in the plan, else its key as words."""
        known = self.names.get(family, {})
        if key in known and (self.code != "en" or not default):
            return known[key]
        return self.sentence(default) if default else key.replace("-", " ").replace("_", " ")

    def sentence(self, words: str) -> str:
        """Words of the plan itself, translated if they are known."""
        return self._translated(words) or self._dated(words)

    def marked(self, words: str) -> str | Markup:
        """The same for the page: what stays English in another language says so."""
        if self.code == "en" or not words:
            return self._dated(words)
        return self._translated(words) or Markup('<span lang="en">{}</span>').format(words)

    def noted(self, words: str) -> str | Markup:
        """A note of several parts between semicolons: whole if it is known, else part by part."""
        if self.code == "en" or self._translated(words):
            return self.marked(words)
        return Markup("; ").join(self.marked(part) for part in words.split("; "))

    def _dated(self, words: str) -> str:
        """Months by their names where the plan's own language is read: "2026-12" is "December 2026"."""
        return _MONTH.sub(lambda found: self.month(found[0]), words) if self.code == "en" else words

    def _translated(self, words: str) -> str | None:
        for pattern, ours in self._sentences:
            match = pattern.fullmatch(words)
            if match:
                parts = {key: self._part(part) for key, part in match.groupdict().items()}
                if not any(_ENGLISH.search(part) for part in parts.values()):
                    return ours.format(**parts)
        return None

    def _part(self, words: str) -> str:
        """What fills a gap: known words, or known words and a place after a comma, or as it is."""
        left, comma, right = words.rpartition(", ")
        known = self._translated(left) if comma else None
        return self._translated(words) or (f"{known}, {self._numbers(right)}" if known else self._numbers(words))

    def _numbers(self, words: str) -> str:
        """Numbers within words, written this language's way; a month alone by its name."""
        if re.fullmatch(r"\d{4}-\d{2}", words):
            return self.month(words)
        if self.code == "nl":
            words = re.sub(r"(?<=\d) to (?=\d)", " tot ", words.replace(" %", "%"))
        return _NUMBER.sub(lambda found: self._written(found[0]), words)

    def _written(self, figures: str) -> str:
        return figures.translate(_SWAP) if self.code == "nl" else figures

    def number(self, value: float, digits: int = 3) -> str:
        """A number with at least `digits` significant digits."""
        return self._written(number(value, digits))

    def fixed(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals, as a column needs; no minus before a nought."""
        return self._written(f"{round(value, decimals) + 0.0:,.{decimals}f}")

    def percent(self, fraction: float, decimals: int = 0, *, sign: bool = False) -> str:
        """A share in percent; with `sign`, the plus of what grows, and a true minus."""
        words = f"{self.fixed(100 * fraction, decimals)}%"
        return f"+{words}" if sign and round(100 * fraction, decimals) > 0 else words.replace("-", "\u2212")

    def money(self, eur: float) -> str:
        """Euros in words, millions to a tenth: "€204.5 million", "€ 204,5 miljoen"."""
        sign = "\u2212" if eur < 0 else ""
        mark = f"€{_SPACE}" if self.code == "nl" else "€"
        for least, factor, key, decimals in ((1e9, 1e9, "billion", 3), (1e5, 1e6, "million", 1)):
            if abs(eur) >= least:
                amount = self._written(f"{abs(eur) / factor:,.{decimals}f}".rstrip("0").rstrip("."))
                return f"{sign}{mark}{amount}{_SPACE}{self.texts[key]}"
        return f"{sign}{mark}{self.fixed(abs(eur), 2 if abs(eur) < 100 else 0)}"

    def name_of(self, family: str, key: str, default: str = "") -> str:
        """The same with a capital, as rows of tables and labels have it."""
        return capital(self.name(family, key, default))

    def millions(self, eur: float) -> str:
        """Euros in millions, for a column that says so."""
        return self.fixed(eur / 1e6, 1)

    def quantity(self, value: float, dimension: str, digits: int = 3) -> str:
        """A value with its unit, by its dimension in `units.py`."""
        amount, _, unit = show(value, dimension, digits).partition(" ")
        return f"{self._written(amount)}{_SPACE}{self.names['units'].get(unit, unit)}".rstrip(_SPACE)

    def large(self, value: float) -> str:
        """A large count in words: "38.9 million"."""
        for factor, key in (
            (1e18, "quintillion"),
            (1e15, "quadrillion"),
            (1e12, "trillion"),
            (1e9, "billion"),
            (1e6, "million"),
        ):
            if value >= factor:
                return f"{self.number(value / factor)}{_SPACE}{self.texts[key]}"
        return self.fixed(value)

    def month(self, when: str | None) -> str:
        """A month: "2027-09" is "September 2027"."""
        if not when:
            return self.texts["none"]
        year, _, month = when.partition("-")
        return f"{self.names['months'][str(int(month[:2]))]} {year}" if month else year

    def date(self, when: str) -> str:
        """A date, of a day, a month or a year: "2025-10-03" is "3 October 2025"."""
        found = re.fullmatch(r"(\d{4}-\d{2})-(\d{2})", when)
        if found:
            return f"{int(found[2])} {self.month(found[1])}"
        return self.month(when) if re.fullmatch(r"\d{4}-\d{2}", when) else when

    def value(self, value: Any, unit: str = "") -> str:
        """A value of the plan, whatever it is: a text as written, a number in its unit, a range, nothing."""
        if value is None or value == "":
            return self.texts["none"]
        if isinstance(value, bool):
            return self.texts["yes" if value else "no"]
        if isinstance(value, str):
            return self.month(value) if re.fullmatch(r"\d{4}-\d{2}", value) else self._written_value(value)
        if isinstance(value, Mapping):
            return ", ".join(f"{self._numbers(str(key))}: {self.value(part)}" for key, part in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(self.value(part) for part in value)
        unit = _ALIASES.get(unit, unit)
        if unit == "eur":
            return self.money(value)
        if unit == "kg" and value >= 1000:
            return self.value(value / 1000, "t")
        if unit in _DIMENSIONS:
            return self.quantity(value, unit)
        if unit == "fraction":
            return self.percent(value, 1)
        shown = self.fixed(value) if float(value).is_integer() else self.number(value, 4)
        return shown if unit in ("", "count", "ratio") else f"{shown}{_SPACE}{unit}"

    def _written_value(self, words: str) -> str:
        """A quantity as its file has it, with this language's comma and words for its units; names in a list by theirs."""
        if known := self._translated(words):
            return known
        if re.fullmatch(r"[a-z]+(?: \d+%)?(?:, [a-z]+(?: \d+%)?)*", words):
            called = {**self.names["classes"], **self.names["domains"], "yes": self.texts["yes"], "no": self.texts["no"]}
            return re.sub(r"[a-z]+", lambda found: called.get(found[0], found[0]), words)
        units = self.names["quantities"]
        keys = "|".join(re.escape(key) for key in sorted(units, key=len, reverse=True))
        spelt = re.sub(rf"(?<![\w/])(?:{keys})(?![\w/])", lambda found: units[found[0]], self._numbers(words))
        return spelt.replace(" .. ", " \u2013 ")


def capital(words: str) -> str:
    """With its first letter as a capital."""
    return words[:1].upper() + words[1:]


@cache
def read_texts(code: str) -> dict[str, dict[str, Any]]:
    """The texts and names of a language, from its file."""
    folder = resources.files("terp.views.brief")
    data: dict[str, dict[str, Any]] = yaml.safe_load(folder.joinpath(f"{code}.yaml").read_text("utf-8"))
    return data


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences that Terp writes into plans, as patterns; longer ones first, so that the more exact one wins."""
    read = yaml.safe_load(resources.files("terp.views.brief").joinpath("sentences.nl.yaml").read_text("utf-8"))
    rows = sorted(read.items(), key=lambda row: -len(row[0]))
    return tuple(
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^;]+?)", re.escape(english))), dutch) for english, dutch in rows
    )
