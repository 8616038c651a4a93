"""What a language needs: its texts, its numbers and months, its names for what results are made of.

Below `views` results carry codes with numbers and names.  The sentence of a code is in `en.yaml` and `nl.yaml`, under the
same key and with the same gaps.  Titles and notes that come from files, such as a price's or a site's, are English;
`data.nl.yaml` has the Dutch of those that ship.  One that it lacks is shown as it stands, marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, Literal, Protocol, TypedDict, get_args

import yaml
from markupsafe import Markup

from terp.errors import UnknownName
from terp.units import number, show
from terp.views.messages.gaps import Gaps

Code = Literal["en", "nl"]
_SWAP: Final = str.maketrans(",.", ".,")
_NUMBER: Final = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w-])")
_MONTH: Final = re.compile(r"(?<![\w.-])20\d\d-(?:0[1-9]|1[0-2])(?![\w-])")
_WORD: Final = re.compile(r"\b[a-z]{2,}\b")
_SPACE: Final = "\u00a0"
_ALIASES: Final = {"W": "w", "EUR": "eur", "J": "j", "flop/s": "flop_per_s"}
_DIMENSIONS: Final = ("w", "j", "bytes", "bytes_per_s", "flop_per_s", "s")


class Coded(Protocol):
    """What a sentence is made of: a code of the catalogue, and the numbers (in SI) and names that fill its gaps."""

    @property
    def code(self) -> str:
        """Its key in the catalogue."""

    @property
    def data(self) -> Mapping[str, object]:
        """What fills its gaps, by their names."""


class Plural(TypedDict):
    """A sentence with one form for one, and another for any other count.

    by   the gap that holds the count
    """

    by: str
    one: str
    other: str


class Compared(TypedDict):
    """How a ratio to one is put in words: as much, less, or more."""

    same: str
    less: str
    more: str


class MessageCatalogue(TypedDict):
    """A language's file.

    texts      of pages and tables, by key
    names      of what is common, by family and key
    compared   ratios in words, by what is compared
    messages   sentence of each code
    """

    texts: dict[str, str]
    names: dict[str, dict[str, str]]
    compared: dict[str, Compared]
    messages: dict[str, str | Plural]


class Language:
    """Texts and numbers for people who read one language.  Raises UnknownName for a language that is not there.

    figures   months stay as files have them, "2027-09": so in JSON and on the terminal
    """

    def __init__(self, code: str, *, figures: bool = False) -> None:
        if code not in get_args(Code):
            raise UnknownName("language", code, get_args(Code))
        self.code, self.figures = code, figures
        read = read_catalogue_of(code)
        self.texts, self.names, self.compared, self.messages = (
            read["texts"], read["names"], read["compared"], read["messages"],
        )  # fmt: skip
        self._titles = _dutch() if code == "nl" else {}
        self._gaps = Gaps(self)

    def text(self, key: str, **values: object) -> str:
        """The text of a key with its gaps filled.  Raises KeyError for a key that is not there."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def sentence(self, coded: Coded) -> str:
        """The sentence of a code with its gaps filled.  Raises KeyError for a code or a gap that is not there."""
        message = self.messages[coded.code]
        if not isinstance(message, str):
            message = message["one" if coded.data[message["by"]] == 1 else "other"]
        return self._gaps.filled(message, coded.data)

    def name(self, family: str, key: str, default: str = "") -> str:
        """What something common is called; else its title in its file, else its key as words."""
        known = self.names.get(family, {})
        if key in known and (self.code != "en" or not default):
            return known[key]
        return self.title(default) if default else key.replace("-", " ").replace("_", " ")

    def name_of(self, family: str, key: str, default: str = "") -> str:
        """The same with a capital, as rows of tables and labels have it."""
        return capital(self.name(family, key, default))

    def title(self, words: str) -> str:
        """Words of a file, translated if they are known."""
        return self._titles.get(words) or self._dated(words)

    def marked(self, words: str | Coded) -> str | Markup:
        """A code's sentence, or words of a file for a page: what stays English in another language says so."""
        if not isinstance(words, str):
            return self.sentence(words)
        if self.code == "en" or words in self._titles or not _WORD.search(words):
            return self.title(words)
        return Markup('<span lang="en">{}</span>').format(words)

    def noted(self, words: str | Coded) -> str | Markup:
        """A note of several parts between semicolons: whole if it is known, else part by part."""
        if not isinstance(words, str) or self.code == "en" or words in self._titles:
            return self.marked(words)
        return Markup("; ").join(self.marked(part) for part in words.split("; "))

    def plain(self, words: str | Coded) -> str:
        """A code's sentence, or words of a file, without any mark."""
        return self.title(words) if isinstance(words, str) else self.sentence(words)

    def ratio(self, ratio: float, what: str, same: float = 0.005) -> str:
        """A ratio to one in words: 0.92 of science is "8% less science".

        same   how far from one it may be and still be the same
        """
        words = self.compared[what]
        if abs(ratio - 1) < same:
            return words["same"]
        return words["less" if ratio < 1 else "more"].format(share=self.percent(abs(ratio - 1)))

    def _dated(self, words: str) -> str:
        """Months by their names where English is read: "2026-12" is "December 2026"."""
        if self.code != "en" or self.figures:
            return words
        return _MONTH.sub(lambda match: self.month(match[0]), words)

    def _numbers(self, words: str) -> str:
        """Numbers within words, written this language's way; a month alone by its name."""
        if re.fullmatch(r"\d{4}-\d{2}", words):
            return self.month(words)
        if self.code == "nl":
            words = words.replace(" %", "%")
        return _NUMBER.sub(lambda match: self.written(match[0]), words)

    def written(self, figures: str) -> str:
        """Figures as Python writes them, with this language's comma and point."""
        return figures.translate(_SWAP) if self.code == "nl" else figures

    def number(self, value: float, digits: int = 3) -> str:
        """A number with at least `digits` significant digits, with this language's comma and point; no unit."""
        return self.written(number(value, digits))

    def fixed(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals, as a column needs; no minus before a nought.

        >>> Language("nl").fixed(1234.5, 1)
        '1.234,5'
        """
        return self.written(f"{round(value, decimals) + 0.0:,.{decimals}f}")

    def percent(self, fraction: float, decimals: int = 0, *, sign: bool = False) -> str:
        """A share in percent; with `sign`, the plus of what grows, and a true minus.

        >>> Language("en").percent(0.125, 1), Language("nl").percent(0.125, 1)
        ('12.5%', '12,5%')
        """
        words = f"{self.fixed(100 * fraction, decimals)}%"
        return f"+{words}" if sign and round(100 * fraction, decimals) > 0 else words.replace("-", "\u2212")

    def money(self, eur: float) -> str:
        """Euros in words, millions to a tenth: "€204.5 million", "€ 204,5 miljoen"."""
        sign = "\u2212" if eur < 0 else ""
        mark = f"€{_SPACE}" if self.code == "nl" else "€"
        for least, factor, key, decimals in ((1e9, 1e9, "billion", 3), (1e5, 1e6, "million", 1)):
            if abs(eur) >= least:
                amount = self.written(f"{abs(eur) / factor:,.{decimals}f}".rstrip("0").rstrip("."))
                return f"{sign}{mark}{amount}{_SPACE}{self.texts[key]}"
        return f"{sign}{mark}{self.fixed(abs(eur), 2 if abs(eur) < 100 else 0)}"

    def millions(self, eur: float) -> str:
        """Euros in millions, for a column that says so."""
        return self.fixed(eur / 1e6, 1)

    def quantity(self, value: float, dimension: str, digits: int = 3) -> str:
        """A value with its unit, by its dimension in `units.py`, in the prefix that suits it and the words of this language.

        value   in SI;  dimension   suffix of a name's unit, such as "w";  digits   significant ones, at least
        """
        amount, _, unit = show(value, dimension, digits).partition(" ")
        return f"{self.written(amount)}{_SPACE}{self.names['units'].get(unit, unit)}".rstrip(_SPACE)

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
        """A month: "2027-09" is "September 2027", and a year alone stays; with `figures`, months stay as files have them.

        when   None or empty gives the language's own word for none
        """
        if not when:
            return self.texts["none"]
        if self.figures:
            return when
        year, _, month = when.partition("-")
        return f"{self.names['months'][str(int(month[:2]))]} {year}" if month else year

    def date(self, when: str) -> str:
        """A date, of a day, a month or a year: "2025-10-03" is "3 October 2025"."""
        day = None if self.figures else re.fullmatch(r"(\d{4}-\d{2})-(\d{2})", when)
        if day:
            return f"{int(day[2])} {self.month(day[1])}"
        return self.month(when) if re.fullmatch(r"\d{4}-\d{2}", when) else when

    def value(self, value: str | float | Coded | None, unit: str = "") -> str:
        """A value of a result, whatever it is: a code's, a quantity as its file has it, a number in its unit, nothing.

        unit   suffix of a dimension, "fraction", "count", "ratio", "kg" or a word that is written behind the number; nothing
               is
               written for None and for an empty text but the language's own word for none
        """
        if value is None or value == "":
            return self.texts["none"]
        if isinstance(value, str):
            return self._quantity_of(value)
        if not isinstance(value, int | float):
            return self.sentence(value)
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

    def _quantity_of(self, words: str) -> str:
        """A quantity as its file has it, with this language's comma and words for its units."""
        if words in self._titles:
            return self._titles[words]
        units = self.names["quantities"]
        keys = "|".join(re.escape(key) for key in sorted(units, key=len, reverse=True))
        spelt = re.sub(rf"(?<![\w/])(?:{keys})(?![\w/])", lambda match: units[match[0]], self._numbers(words))
        return spelt.replace(" .. ", " \u2013 ")


def capital(words: str) -> str:
    """With its first letter as a capital."""
    return words[:1].upper() + words[1:]


def _read(name: str) -> str:
    """The text of a file of this folder, in UTF-8."""
    return resources.files("terp.views.messages").joinpath(name).read_text("utf-8")


@cache
def read_catalogue_of(code: str) -> MessageCatalogue:
    """The catalogue of a language, from its file."""
    data: MessageCatalogue = yaml.safe_load(_read(f"{code}.yaml"))
    return data


@cache
def _dutch() -> dict[str, str]:
    """Titles and notes of the files that ship -> their Dutch."""
    data: dict[str, str] = yaml.safe_load(_read("data.nl.yaml"))
    return data
