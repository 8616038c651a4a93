"""What a machine costs: every part of its bill at the prices of a month, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue import Cable, Part, Price, Prices, StorageAppliance
from terp.catalogue.read.prices import Per
from terp.describe.budget import CostClass
from terp.hardware import Machine
from terp.physics.money.price_uncertainty import MARKET

TB: Final = 1e12
COOLING: Final = "cdu"
"""Price of cooling, by kW of what liquid cools."""
INSTALLATION: Final = "installation"
"""Rate of delivery, installation and acceptance, over the hardware."""


@dataclass(frozen=True)
class UnitPrice:
    """A price in euros of a month: median, and the ends of its 90 % interval, of one of what `per` says.

    name     of the price in the catalogue;  title  for people
    status   published, derived, assumed, ...;  source   an entry of sources.yaml, empty if it has none
    """

    name: str
    title: str
    eur: float
    low_eur: float
    high_eur: float
    per: Per
    status: str
    source: str


@dataclass(frozen=True)
class CostLine:
    """One line of a cost: `quantity` of what `name` is the price or rate of.

    line     nodes, fabric, storage, management, racks, cooling, installation, ...
    status   who says the price: published, derived, assumed, ...

    quantity_ratio   pieces, TB, kW or, of a rate, the euros that it is over
    eur, low_eur, high_eur   of the whole line: median, and the ends of the 90 % interval
    """

    line: str
    title: str
    cost_class: CostClass
    name: str
    quantity_ratio: float
    eur: float
    low_eur: float
    high_eur: float
    status: str

    @property
    def negotiated(self) -> bool:
        """True if the level of the deal multiplies it: what is acquired, and the maintenance that comes with it."""
        return self.cost_class == "acquisition" or self.line == "maintenance"


def months_between(from_month: str, until_month: str) -> int:
    """Months from one to the other, such as "2024-08" to "2025-02": 6.

    Negative where the second lies before the first.  Months are written "YYYY-MM".
    """
    (from_year, from_number), (year, number) = (map(int, month.split("-")) for month in (from_month, until_month))
    return 12 * (year - from_year) + number - from_number


def unit_price(prices: Prices, name: str, month: str) -> UnitPrice:
    """A price in euros of a month.  p = p0 e (1 + g)^(t/12); its range scales with it.  Raises UnknownName.

    p0   as asked at its date, in its currency
    e    euros of that currency in the mean of the month's year
    g    its trend a year, over t months from its date to `month`; also back in time

    prices   of the catalogue;  name   of the price in it;  month   "YYYY-MM", for which it is wanted
    """
    entry = prices.named(name)
    trend = (1 + entry.yearly_trend_fraction) ** (months_between(entry.dated, month) / 12)
    low, central, high = (prices.euros(money, month) * trend / entry.pieces_count for money in prices.price_range(name))
    known = prices.provenance.get(f"prices.{name}.price")
    status, source = (known.status, known.source) if known else ("published", "")
    return UnitPrice(name, entry.title, central, low, high, entry.per, status, source)


def part_price(prices: Prices, part_name: str, part: Part, month: str) -> float | None:
    """Price of one piece of a part [EUR]; None where the catalogue has none, or has it by something else than the piece.

    part_name   in the catalogue, and `part` its record;  month   "YYYY-MM"
    """
    name = prices.of_part(part_name)
    if name is None:
        return None
    quantity = quantity_of(prices.entries[name], part)
    return None if quantity is None else unit_price(prices, name, month).eur * quantity


def quantity_of(entry: Price, part: Part) -> float | None:
    """How many of what a price is per one piece of a part has: 1, or its usable TB; None if the price is of neither."""
    if entry.per == "piece":
        return 1.0
    return part.usable_bytes / TB if entry.per == "TB" and isinstance(part, StorageAppliance) else None


_LINES: Final = {
    "nodes": "nodes",
    "compute fabric": "fabric",
    "storage": "storage",
    "storage fabric": "storage",
    "in band": "management",
    "out of band": "management",
    "management": "management",
    "compute racks": "racks",
    "other racks": "racks",
}
"""Purpose of a line of the bill, without what stands after a comma -> line of the cost."""


def line_of(where: str, part: Part) -> str:
    """The cost line of a part; the optics in the nodes belong to the fabric.

    where   the purpose on the bill; what is no line of its own is a partition of other nodes
    """
    if where == "nodes" and isinstance(part, Cable):
        return "fabric"
    return _LINES.get(where.partition(",")[0], "partition")


def hardware_lines(machine: Machine, prices: Prices, month: str) -> tuple[CostLine, ...]:
    """The machine at quoted prices of a month, a line a price, installation last.

    Lines are nodes, fabric, storage, management, racks, cooling and installation.  Parts without a price are left out,
    and `unpriced_parts` names them.  What a machine file publishes of its storage without naming appliances is no part
    of its bill.

    machine   a built machine;  prices   of the catalogue;  month   "YYYY-MM"

    Parts that share a price are one line.  Euros are at quoted prices: what a deal of this size takes off is drawn later.
    """
    counts: dict[tuple[str, str], float] = {}
    for line in machine.bill:
        name = prices.of_part(line.name)
        quantity = None if name is None else quantity_of(prices.entries[name], line.part)
        if name is not None and quantity is not None:
            key = (line_of(line.where, line.part), name)
            counts[key] = counts.get(key, 0.0) + line.count * quantity
    lines = [cost_line(prices, line, name, count, month) for (line, name), count in counts.items()]
    if COOLING in prices.entries and liquid_power_w(machine) > 0:
        lines.append(cost_line(prices, "cooling", COOLING, liquid_power_w(machine) / 1e3, month))
    return (*lines, *installation_line(prices, sum(line.eur for line in lines)))


def cost_line(
    prices: Prices, line: str, name: str, quantity_ratio: float, month: str, cost_class: CostClass = "acquisition"
) -> CostLine:
    """A line of `quantity_ratio` of what a price is of, at the price of a month.  Raises UnknownName.

    line         the cost that it belongs to;  name   of the price
    cost_class   what kind of cost it is, one of `CostClass`
    """
    price = unit_price(prices, name, month)
    eur, low, high = (quantity_ratio * each_eur for each_eur in (price.eur, price.low_eur, price.high_eur))
    return CostLine(line, price.title, cost_class, name, quantity_ratio, eur, low, high, price.status)


def installation_line(prices: Prices, hardware_eur: float) -> tuple[CostLine, ...]:
    """The line of the rate of installation over hardware of so much; empty where there is no such rate.

    hardware_eur   at quoted prices
    """
    if INSTALLATION not in prices.rates or hardware_eur <= 0:
        return ()
    low, central, high = (hardware_eur * rate for rate in prices.rate_range(INSTALLATION))
    known = prices.provenance.get(f"rates.{INSTALLATION}.rate")
    title, status = prices.rates[INSTALLATION].title, known.status if known else "published"
    return (CostLine("installation", title, "acquisition", INSTALLATION, hardware_eur, central, low, high, status),)


def liquid_power_w(machine: Machine) -> float:
    """Rated power of the nodes that liquid cools [W]."""
    return machine.nodes_count * machine.node.rated_power_w if machine.node.cooling == "liquid" else 0.0


def unpriced_parts(machine: Machine, prices: Prices) -> tuple[tuple[str, int], ...]:
    """Parts of the bill that the catalogue has no price of, with their counts: what `hardware_lines` leaves out."""
    left: dict[str, int] = {}
    for line in machine.bill:
        name = prices.of_part(line.name)
        if name is None or quantity_of(prices.entries[name], line.part) is None:
            left[line.name] = left.get(line.name, 0) + line.count
    return tuple(sorted(left.items()))


def ranges_of(lines: Sequence[CostLine]) -> dict[str, tuple[float, float, float]]:
    """Low, central and high of each price or rate of some lines, over the central value, for `draw_factors`.

    A low end of nothing, which no log-normal law has, is taken for a hundredth; a price of nothing stays what it is.
    """
    return {
        line.name: (max(line.low_eur / line.eur, 0.01), 1.0, line.high_eur / line.eur) if line.eur > 0 else (1.0, 1.0, 1.0)
        for line in lines
    }


def scenarios_eur(lines: Sequence[CostLine], factors: dict[str, Floats], level_fraction: float = 1.0) -> Floats:
    """Total of some lines by scenario [EUR]; `market` and the level multiply what is negotiated, and nothing else.

    factors          by name of the price, from `draw_factors`; shape (scenarios,)
    level_fraction   of the deal, over quoted prices
    """
    bought = sum((line.eur * factors[line.name] for line in lines if line.negotiated), np.zeros(1))
    others = sum((line.eur * factors[line.name] for line in lines if not line.negotiated), np.zeros(1))
    return np.asarray(level_fraction * factors[MARKET] * bought + others)
