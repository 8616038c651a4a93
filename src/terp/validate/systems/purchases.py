"""Published purchases: what was paid, what that covers, and its price by the model at the same scope.

A file of purchases is YAML, an entry a purchase, with the sources and ranges that all files of Terp may have.  The
machine is built from its machine file and priced line by line at the prices of the month of the contract; what the sum
covers besides, such as maintenance or years of electricity, is added as lines of its own.  Nothing is negotiated here:
`cost_grades` applies the level of the deal to the lines that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import Field

from terp.catalogue import Prices, read_catalogue, read_prices, unknown_sources
from terp.describe import read_machine
from terp.describe.budget import CostClass
from terp.errors import Problem, Problems, TerpError, UnknownName, problems_of
from terp.hardware import Machine, build_machine
from terp.physics import CostLine, cost_line, hardware_lines, installation_line, unpriced_parts
from terp.reader import Money, Month, Name, Record, Sourced, read_entries, read_text, read_tree
from terp.units import MEAN_YEAR_S, NotAQuantity, parse_range

MAINTENANCE: Final = "maintenance"
"""The catalogue's rate of maintenance over hardware and year, and the name of its line."""
ELECTRICITY: Final = "Electricity, with network and taxes"
"""Title of the line of electricity."""


class Extra(Record):
    """Something that the published sum paid and the machine file does not build: so many of what a price is of.

    price            a price of the catalogue, or a part that has one
    quantity_ratio   pieces, TB, kW or kW-months, by what the price is of

    cost_class       whether it is bought or belongs to operation; `class` in the file
    note             for people
    """

    price: Name
    quantity_ratio: float = Field(gt=0, le=1e9)
    cost_class: CostClass = Field(default="acquisition", alias="class")
    note: str = ""


class Operation(Record):
    """Years of operation that the sum covers.

    years_count              years of 365.25 days
    power_w                  mean at the meter
    electricity_eur_per_j    with network and taxes
    staff_count              full-time people
    rented_w                 rated power in a rented hall; 0 where the hall is the owner's
    """

    years_count: int = Field(ge=1, le=15)
    power_w: float = Field(ge=0, le=1e9)
    electricity_eur_per_j: float = Field(ge=0, le=1e-6)
    staff_count: int = Field(default=0, ge=0, le=1000)
    rented_w: float = Field(default=0.0, ge=0, le=1e9)


class Purchase(Record):
    """A published sum, and all that it covers: one entry of a file of purchases.

    title            for people
    machine          a machine file that ships, or the path of one; absent: all that was bought stands in `extras`
    nodes_count      nodes that the sum paid, where the machine file has another number
    published        the sum as printed, in its currency
    signed           month whose prices and currency are used
    covers           the scope, for people
    extras           what the sum paid beside the machine file, by name
    maintenance_years_count   years of maintenance in the sum
    operation        years of operation in the sum; absent where it has none
    gpus_count       for the baseline, where there is no machine file
    quoted           a sum of quotes, on which nobody negotiated
    gives_price      a price of the catalogue is taken from the sum
    left_out         why no price is made of it; empty where one is
    note             for people
    """

    title: str
    machine: str | None = None
    nodes_count: int | None = Field(default=None, ge=1, le=200_000)
    published: Money
    signed: Month
    covers: str
    extras: dict[Name, Extra] = {}
    maintenance_years_count: int = Field(default=0, ge=0, le=15)
    operation: Operation | None = None
    gpus_count: int | None = Field(default=None, ge=1, le=10_000_000)
    quoted: bool = False
    gives_price: bool = False
    left_out: str = ""
    note: str = ""


@dataclass(frozen=True)
class PricedLine:
    """A line, and how well its quantity is known.

    cost         the line at the central quantity [EUR], with the range of its price
    drawn        name of the quantity's draws, which lines may share, such as years of operation; empty if it is known
    low_ratio, high_ratio    ends of the quantity's range over the central one; 1 and 1 if it is known
    """

    cost: CostLine
    drawn: str = ""
    low_ratio: float = 1.0
    high_ratio: float = 1.0


@dataclass(frozen=True)
class Priced:
    """A purchase at the prices of its month, nothing negotiated yet.

    name             of the entry
    purchase         the entry itself
    published_eur    the sum, at the month's rate where it is in another currency
    lines            hardware, installation, maintenance, operation
    unpriced         parts of the bill without a price, with their counts
    gpus_count       of the machine, else as the entry says; None if neither does
    gpu              of the machine file; empty without one
    source           key of the source that published the sum; empty if the file names none
    """

    name: str
    purchase: Purchase
    published_eur: float
    lines: tuple[PricedLine, ...]
    unpriced: tuple[tuple[str, int], ...]
    gpus_count: int | None
    gpu: str
    source: str

    @property
    def negotiated_eur(self) -> float:
        """What the level of the deal multiplies: hardware, installation, and maintenance that comes with it [EUR].

        Lines of `operation` are not in it, but for maintenance that comes with the hardware.
        """
        return sum(line.cost.eur for line in self.lines if line.cost.negotiated)

    @property
    def hardware_eur(self) -> float:
        """Hardware at quoted prices, by which the level of the deal goes [EUR].

        Machine and extras of the class `acquisition`, before anything is taken off.
        """
        return sum(line.cost.eur for line in self.lines if line.cost.cost_class == "acquisition")

    @property
    def other_eur(self) -> float:
        """What is paid besides: halls, electricity, rent, staff [EUR].

        The level of the deal does not touch it.
        """
        return sum(line.cost.eur for line in self.lines if not line.cost.negotiated)


@dataclass(frozen=True)
class PurchaseFile:
    """A file of purchases, and the sourcing of its values: the purchases by name, and where each value stands in
    the file.
    """

    purchases: Mapping[str, Purchase]
    sourced: Sourced


def read_purchases(path: Path) -> PurchaseFile:
    """The purchases of a file.

    Raises Problems, all at once: what cannot be read, prices, machines, currencies and sources that nobody knows, entries
    with which nothing was bought.
    """
    sourced = read_tree(read_text(path), str(path))
    problems: list[Problem] = []
    if not isinstance(sourced.data, dict):
        raise Problems([sourced.tree.problem((), "not a mapping of names to purchases", would_do="start with a name")])
    purchases = read_entries(sourced, Purchase, problems)
    problems += unknown_sources(sourced, read_catalogue().sources)
    file = PurchaseFile(purchases, sourced)
    for name, purchase in purchases.items():
        problems += _misfits(file, name, purchase, read_prices())
    if problems:
        raise Problems(problems)
    return file


def _misfits(file: PurchaseFile, name: str, purchase: Purchase, prices: Prices) -> list[Problem]:
    """What an entry says that goes with no price: extras that nobody sells, a currency without a rate, nothing
    bought at all.
    """
    problems = []
    for extra, entry in purchase.extras.items():
        if _price_name(prices, entry.price) is None:
            path = (name, "extras", extra, "price")
            problems.append(file.sourced.tree.problem(path, "neither a price nor a part that has one", repr(entry.price)))
    if not purchase.left_out and purchase.machine is None and not purchase.extras:
        problems.append(file.sourced.tree.problem((name,), "nothing was bought", would_do="name a machine, or extras"))
    currency = purchase.published.currency
    if currency not in ("EUR", *prices.currencies):
        problems.append(file.sourced.tree.problem((name, "published"), "a currency without a rate", currency))
    return problems


def _price_name(prices: Prices, name: str) -> str | None:
    """The name of a price, given itself or the part that it is of; None where there is none."""
    return name if name in prices.entries else prices.of_part(name)


def price_purchase(file: PurchaseFile, name: str) -> Priced:
    """A purchase line by line at the prices of its month and at its scope.

    name   an entry of the file

    Installation is a line of its own beside the hardware, but of quotes, which have it in the sum.
    Raises Problems for a machine that cannot be built or a bad range, and UnknownName for the entry or what it names.
    """
    if name not in file.purchases:
        raise UnknownName("purchase", name, file.purchases)
    purchase, prices = file.purchases[name], read_prices()
    machine = _machine(file, name, purchase)
    lines = [PricedLine(line) for line in hardware_lines(machine, prices, purchase.signed)] if machine else []
    lines = [line for line in lines if line.cost.line != "installation"]
    for extra, entry in purchase.extras.items():
        price = _price_name(prices, entry.price) or entry.price
        cost = cost_line(prices, extra, price, entry.quantity_ratio, purchase.signed, entry.cost_class)
        lines.append(_ranged(file, cost, (name, "extras", extra, "quantity"), entry.quantity_ratio, "ratio"))
    bought = sum(line.cost.eur for line in lines if line.cost.cost_class == "acquisition")
    lines += [] if purchase.quoted else [PricedLine(line) for line in installation_line(prices, bought)]
    lines += _maintenance(file, name, purchase, prices, bought) + _operation(file, name, purchase, prices)
    source = file.sourced.provenance.get((name, "published"))
    return Priced(
        name=name,
        purchase=purchase,
        published_eur=prices.euros(purchase.published, purchase.signed),
        lines=tuple(lines),
        unpriced=unpriced_parts(machine, prices) if machine else (),
        gpus_count=machine.gpus_count if machine else purchase.gpus_count,
        gpu=machine.node.accelerator if machine else "",
        source=source.source if source else "",
    )


def _machine(file: PurchaseFile, name: str, purchase: Purchase) -> Machine | None:
    """The machine of an entry with as many nodes as the sum paid; None where all that was bought stands in `extras`.

    Raises Problems at the entry's place for a machine that cannot be read.
    """
    if purchase.machine is None:
        return None
    try:
        written = read_machine(purchase.machine)
    except TerpError as error:
        place = (name, "machine")
        raise Problems(file.sourced.tree.problem(place, str(problem)) for problem in problems_of(error)) from None
    if purchase.nodes_count is not None:
        compute = written.record.compute.model_copy(
            update={"nodes_count": purchase.nodes_count, "scalable_units_count": None, "left_out_count": 0}
        )
        written = replace(written, record=written.record.model_copy(update={"compute": compute}))
    return build_machine(written, read_catalogue())


def _maintenance(file: PurchaseFile, name: str, purchase: Purchase, prices: Prices, hardware_eur: float) -> list[PricedLine]:
    """The line of maintenance: its rate a year over the hardware, for the years that the sum covers.

    It grows with the hardware at quoted prices and is negotiated with it.
    """
    years = purchase.maintenance_years_count
    if not years:
        return []
    low, central, high = (years * hardware_eur * rate for rate in prices.rate_range(MAINTENANCE))
    title = prices.rates[MAINTENANCE].title
    cost = CostLine(MAINTENANCE, title, "operation", MAINTENANCE, years * hardware_eur, central, low, high, "assumed")
    return [_ranged(file, cost, (name, "maintenance_years"), years, "count")]


def _operation(file: PurchaseFile, name: str, purchase: Purchase, prices: Prices) -> list[PricedLine]:
    """The lines of operation that the sum covers: electricity [J], people [years], rent [kW-months]; none without
    operation.
    """
    operation, month = purchase.operation, purchase.signed
    if operation is None:
        return []
    years, costs = operation.years_count, []
    price = operation.electricity_eur_per_j
    if operation.power_w > 0 and price > 0:
        low, high = _spread(file, (name, "operation", "electricity"), price, "eur_per_j")
        energy_j = years * MEAN_YEAR_S * operation.power_w
        eur = energy_j * price
        costs.append(
            CostLine("electricity", ELECTRICITY, "operation", "electricity", energy_j, eur, eur * low, eur * high, "assumed")
        )
    if operation.staff_count:
        costs.append(cost_line(prices, "staff", "staff", years * operation.staff_count, month, "operation"))
    if operation.rented_w > 0:
        kw_months = 12 * years * operation.rented_w / 1e3
        costs.append(cost_line(prices, "rent", "colocation", kw_months, month, "operation"))
    return [_ranged(file, cost, (name, "operation", "years"), years, "count") for cost in costs]


def _ranged(file: PurchaseFile, cost: CostLine, path: tuple[str, ...], value: float, dimension: str) -> PricedLine:
    """A line whose quantity stands at a path of the file, with its range there.

    Lines that name the same path share their draws; a quantity without a range is known, and has no name.
    """
    low, high = _spread(file, path, value, dimension)
    return PricedLine(cost, ".".join(path) if low < high else "", low, high)


def _spread(file: PurchaseFile, path: tuple[str, ...], value: float, dimension: str) -> tuple[float, float]:
    """Low and high of a value of the file over itself; 1 and 1 where it stands without a range.

    Raises Problems for a range that cannot be read, or that leaves its own value out.
    """
    known = file.sourced.provenance.get(path)
    if known is None or not known.range_text:
        return 1.0, 1.0
    try:
        low, high = parse_range(known.range_text, dimension)
    except NotAQuantity as error:
        problem = file.sourced.tree.problem((*path, "range"), error.wrong, repr(known.range_text), error.would_do)
        raise Problems([problem]) from None
    if not 0 < low <= value <= high:
        raise Problems([file.sourced.tree.problem((*path, "range"), "the value lies outside its range", known.range_text)])
    return low / value, high / value
