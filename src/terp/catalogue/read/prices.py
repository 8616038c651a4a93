"""What things cost, as dated data: each price in the currency in which it was asked, with a range and a source.

A price is of a month and in a currency.  What it is in another month, with its trend and its range in euros, is the model's
work (`terp.physics.money.costs`), as is what of it is uncertain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from pydantic import Field

from terp.catalogue.read.own_folder import own_catalogue, read_with_own, texts_of
from terp.catalogue.read.parts import Part
from terp.catalogue.read.whole import read_catalogue, unknown_sources
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.reader import Money, Month, Name, Provenance, Ratio, Sourced, dotted, read_entries, read_tree
from terp.units import Money as Amount
from terp.units import NotAQuantity, parse_money_range, parse_range

PRICE_FILES: Final = ("nodes", "networks", "storage", "facilities", "services")
Per = Literal["piece", "TB", "kW", "kW month", "kW year", "FTE year", "GPU year", "GPU hour", "year"]


class Price(Part):
    """What something costs, without tax.

    price        of so many pieces, or of one of what `per` says
    of           parts of the catalogue that it is the price of; empty for what no bill of materials names
    dated        month in which it was asked or paid
    yearly_trend_fraction    change a year since then
    sold_from, sold_until    months in which it can be delivered; absent: no bound is known
    lead_s       from order to delivery

    per          the unit that it is asked for; "FTE year" is a person's year of work
    """

    price: Money
    per: Per = "piece"
    pieces_count: int = Field(default=1, ge=1, le=10_000)
    of: list[Name] = []
    dated: Month
    yearly_trend_fraction: float = Field(default=0.0, ge=-0.9, le=2)
    sold_from: Month | None = None
    sold_until: Month | None = None
    lead_s: float = Field(default=0.0, ge=0, le=1e9)


class Rate(Part):
    """A share that prices something by something else, such as maintenance a year over the price of the hardware [-].

    May be more than 1 where what it is multiplied with is small.
    """

    rate_fraction: float = Field(ge=0, le=10)


class Currency(Part):
    """What one unit of a currency was worth, in euros, in the mean of each year.

    euros   "2024" -> euros for one unit
    """

    euros: dict[str, Ratio]


@dataclass(frozen=True)
class Prices:
    """All that the catalogue knows of prices.

    provenance   "prices.dgx-h100.price" -> Provenance

    entries      prices by name;  rates   shares by name;  currencies   by code, such as USD; the euro needs none
    digest       SHA-256 of the files read
    """

    entries: Mapping[str, Price]
    rates: Mapping[str, Rate]
    currencies: Mapping[str, Currency]
    provenance: Mapping[str, Provenance]
    digest: str

    def of_part(self, part: str) -> str | None:
        """The name of the price of a part; None if the catalogue has none.

        part   its name in the catalogue; no two prices name the same part, which reading checks
        """
        return next((name for name, entry in self.entries.items() if part in entry.of), None)

    def named(self, name: str) -> Price:
        """A price by name.  Raises UnknownName."""
        if name not in self.entries:
            raise UnknownName("price", name, self.entries)
        return self.entries[name]

    def euros(self, money: Amount, month: str) -> float:
        """An amount at the mean rate of the year of `month`, or of the nearest year known.  Raises UnknownName.

        money   an amount with its currency;  month   such as "2026-03"
        """
        if money.currency == "EUR":
            return money.amount
        if money.currency not in self.currencies:
            raise UnknownName("currency with a rate", money.currency, ["EUR", *self.currencies])
        rates, year = self.currencies[money.currency].euros, int(month[:4])
        return money.amount * rates[min(rates, key=lambda known: (abs(int(known) - year), known))]

    def price_range(self, name: str) -> tuple[Amount, Amount, Amount]:
        """Low, central and high of a price, in its own currency; all equal where no range is known.

        Of the month in which it was asked, without trend.  Raises UnknownName.
        """
        central, text = self.named(name).price, self._range(f"prices.{name}.price")
        low, high = parse_money_range(text) if text else (central, central)
        return low, central, high

    def rate_range(self, name: str) -> tuple[float, float, float]:
        """Low, central and high of a rate.  Raises UnknownName."""
        if name not in self.rates:
            raise UnknownName("rate", name, self.rates)
        central, text = self.rates[name].rate_fraction, self._range(f"rates.{name}.rate")
        low, high = parse_range(text, "fraction") if text else (central, central)
        return low, central, high

    def _range(self, path: str) -> str:
        """The range of a value as written; empty where it has none."""
        entry = self.provenance.get(path)
        return entry.range_text if entry else ""


def read_prices() -> Prices:
    """The prices that ship with Terp, with the user's own in their place or beside them.  Raises Problems.

    An own price replaces the one of the same name: a quote for the reader is worth more than a list's.
    """
    return _prices(own_catalogue())


@cache
def _prices(_own: str) -> Prices:
    """The prices with a folder of the user's own."""
    names = (*PRICE_FILES, "rates", "currencies")
    hashed, problems, read = hashlib.sha256(), list[Problem](), dict[str, Sourced]()
    for name in names:
        for text in texts_of(f"prices/{name}.yaml"):
            hashed.update(text.encode())
        try:
            read[name] = read_with_own(f"prices/{name}.yaml")
        except Problems as error:
            problems += error.problems
    if problems:
        raise Problems(problems)
    return _prices_in(read, hashed.hexdigest())


def prices_of(texts: Mapping[str, str]) -> Prices:
    """The prices in texts of YAML, by the name of their file: `PRICE_FILES`, "rates", "currencies".  Raises Problems.

    For tests and for fits: nothing of the user's own is joined.
    """
    read = {name: read_tree(text, f"prices/{name}.yaml") for name, text in texts.items()}
    return _prices_in(read, hashlib.sha256("".join(texts.values()).encode()).hexdigest())


def _prices_in(read: Mapping[str, Sourced], digest: str) -> Prices:
    """The prices of files that were read, by name.  Raises Problems."""
    problems = list[Problem]()
    tables = {name: read_entries(read[name], Price, problems) for name in PRICE_FILES if name in read}
    rates = read_entries(read["rates"], Rate, problems) if "rates" in read else {}
    currencies = read_entries(read["currencies"], Currency, problems) if "currencies" in read else {}
    provenance: dict[str, Provenance] = {}
    for name, sourced in read.items():
        problems += unknown_sources(sourced, read_catalogue().sources)
        prefix = "prices" if name in PRICE_FILES else name
        provenance |= {f"{prefix}.{dotted(path)}": entry for path, entry in sourced.provenance.items()}
    priced: dict[str, str] = {}
    for name, table in tables.items():
        problems += _misfits(read[name], table, ["EUR", *currencies], priced)
    if "rates" in read:
        problems += _rates_outside(read["rates"], rates)
    if problems:
        raise Problems(problems)
    entries = {name: entry for table in tables.values() for name, entry in table.items()}
    return Prices(entries, rates, currencies, provenance, digest)


def _misfits(
    sourced: Sourced, entries: Mapping[str, Price], currencies: Collection[str], priced: dict[str, str]
) -> list[Problem]:
    """What does not fit in a file of prices.  `priced`, part -> its price, is added to.

    Parts that nobody knows or that have a price already, currencies without a rate, ranges that leave the price out,
    and sales that end before they begin.
    """
    known = {name for family in read_catalogue().parts.values() for name in family}
    problems = []
    for name, entry in entries.items():
        for index, part in enumerate(entry.of):
            path = (name, "of", index)
            if part not in known:
                problems.append(sourced.tree.problem(path, "no such part", repr(part), did_you_mean(part, known)))
            elif part in priced:
                problems.append(sourced.tree.problem(path, f"priced already, by {priced[part]}", repr(part)))
            priced.setdefault(part, name)
        if entry.price.currency not in currencies:
            found, would_do = entry.price.currency, did_you_mean(entry.price.currency, currencies)
            problems.append(sourced.tree.problem((name, "price"), "a currency without a rate", found, would_do))
        if (entry.sold_from or "") > (entry.sold_until or "9999"):
            problems.append(
                sourced.tree.problem((name, "sold_until"), "sold until before it is sold", repr(entry.sold_until))
            )
        problems += _outside(sourced, name, entry.price)
    return problems


def _outside(sourced: Sourced, name: str, price: Amount) -> list[Problem]:
    """A range that is none, or that leaves the price out.

    sourced   the file, with the range as it was written;  name   of the price

    The range must be in the price's own currency.
    """
    written, path = sourced.provenance.get((name, "price")), (name, "price", "range")
    if written is None or not written.range_text:
        return []
    try:
        low, high = parse_money_range(written.range_text)
    except NotAQuantity as error:
        return [sourced.tree.problem(path, error.wrong, repr(written.range_text), error.would_do)]
    if low.currency == price.currency and low.amount <= price.amount <= high.amount:
        return []
    return [sourced.tree.problem(path, "the price lies outside its range", repr(written.range_text))]


def _rates_outside(sourced: Sourced, rates: Mapping[str, Rate]) -> list[Problem]:
    """Ranges that are none, or that leave the rate out."""
    problems = []
    for name, entry in rates.items():
        written, path = sourced.provenance.get((name, "rate")), (name, "rate", "range")
        if written is None or not written.range_text:
            continue
        try:
            low, high = parse_range(written.range_text, "fraction")
        except NotAQuantity as error:
            problems.append(sourced.tree.problem(path, error.wrong, repr(written.range_text), error.would_do))
            continue
        if not low <= entry.rate_fraction <= high:
            problems.append(sourced.tree.problem(path, "the rate lies outside its range", repr(written.range_text)))
    return problems
