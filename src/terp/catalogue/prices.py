"""What things cost, as dated data: each price in the currency in which it was asked, with a range and a source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

from pydantic import Field

from terp.catalogue.parts import Part
from terp.catalogue.read import read_catalogue, unknown_sources
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
    """A share that prices something by something else, such as maintenance a year over the price of the hardware."""

    rate_fraction: float = Field(ge=0, le=10)


class Currency(Part):
    """What one unit of a currency was worth, in euros, in the mean of each year."""

    euros: dict[str, Ratio]


@dataclass(frozen=True)
class Prices:
    """All that the catalogue knows of prices.

    provenance   "prices.dgx-h100.price" -> Provenance
    """

    entries: Mapping[str, Price]
    rates: Mapping[str, Rate]
    currencies: Mapping[str, Currency]
    provenance: Mapping[str, Provenance]
    digest: str

    def of_part(self, part: str) -> str | None:
        """The name of the price of a part; None if the catalogue has none."""
        return next((name for name, entry in self.entries.items() if part in entry.of), None)

    def named(self, name: str) -> Price:
        """A price by name.  Raises UnknownName."""
        if name not in self.entries:
            raise UnknownName("price", name, self.entries)
        return self.entries[name]

    def euros(self, money: Amount, month: str) -> float:
        """An amount at the mean rate of the year of `month`, or of the nearest year known.  Raises UnknownName."""
        if money.currency == "EUR":
            return money.amount
        if money.currency not in self.currencies:
            raise UnknownName("currency with a rate", money.currency, ["EUR", *self.currencies])
        rates, year = self.currencies[money.currency].euros, int(month[:4])
        return money.amount * rates[min(rates, key=lambda known: (abs(int(known) - year), known))]

    def price_range(self, name: str) -> tuple[Amount, Amount, Amount]:
        """Low, central and high of a price, in its own currency; all equal where no range is known."""
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
        entry = self.provenance.get(path)
        return entry.range_text if entry else ""


@cache
def read_prices() -> Prices:
    """The prices that ship with Terp.  Raises Problems if a file of them is wrong."""
    folder, hashed, problems = resources.files("terp.catalogue").joinpath("prices"), hashlib.sha256(), list[Problem]()
    read: dict[str, Sourced] = {}
    for name in (*PRICE_FILES, "rates", "currencies"):
        text = folder.joinpath(f"{name}.yaml").read_text("utf-8")
        hashed.update(text.encode())
        read[name] = read_tree(text, f"prices/{name}.yaml")
    entries: dict[str, Price] = {}
    for name in PRICE_FILES:
        entries |= read_entries(read[name], Price, problems)
    rates, currencies = read_entries(read["rates"], Rate, problems), read_entries(read["currencies"], Currency, problems)
    provenance: dict[str, Provenance] = {}
    for name, sourced in read.items():
        problems += unknown_sources(sourced, read_catalogue().sources)
        prefix = "prices" if name in PRICE_FILES else name
        provenance |= {f"{prefix}.{dotted(path)}": entry for path, entry in sourced.provenance.items()}
        problems += _misfits(sourced, entries if name in PRICE_FILES else {}, currencies)
    if problems:
        raise Problems(problems)
    return Prices(entries, rates, currencies, provenance, hashed.hexdigest())


def _misfits(sourced: Sourced, entries: Mapping[str, Price], currencies: Mapping[str, Currency]) -> list[Problem]:
    """Parts that nobody knows, currencies without a rate, ranges that leave the price out."""
    known = {name for family in read_catalogue().parts.values() for name in family}
    problems = []
    for name in sourced.data:
        entry = entries.get(name)
        if entry is None:
            continue
        for index, part in enumerate(entry.of):
            if part not in known:
                path = (name, "of", index)
                problems.append(sourced.tree.problem(path, "no such part", repr(part), did_you_mean(part, known)))
        if entry.price.currency not in ("EUR", *currencies):
            found, would_do = entry.price.currency, did_you_mean(entry.price.currency, ["EUR", *currencies])
            problems.append(sourced.tree.problem((name, "price"), "a currency without a rate", found, would_do))
        text = sourced.provenance[name, "price"].range_text if (name, "price") in sourced.provenance else ""
        try:
            low, high = parse_money_range(text) if text else (entry.price, entry.price)
        except NotAQuantity as error:
            problems.append(sourced.tree.problem((name, "price", "range"), error.wrong, repr(text), error.would_do))
            continue
        if low.currency != entry.price.currency or not low.amount <= entry.price.amount <= high.amount:
            problems.append(sourced.tree.problem((name, "price", "range"), "the price lies outside its range", repr(text)))
    return problems
