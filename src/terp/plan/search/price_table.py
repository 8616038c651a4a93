"""All that costs money in a plan: a column for each price and line of cost, central prices, and how far each may be off.

One table serves all designs: its columns are those of the parts of every frame, the services that no bill names, and the
electricity of each place.  A machine has 0 in columns that it takes nothing of.  The table is the link from the catalogue,
whose prices have dates and currencies, to the ledger, which knows euros alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from terp.arrays import Bools, Floats
from terp.catalogue import Part
from terp.physics import MARKET, level_spread, line_of, quantity_of, unit_price
from terp.plan.machines.frames import Extras, Frame
from terp.plan.machines.node_counts import Shapes, built
from terp.plan.money.ledger import CostColumn, Tariff
from terp.plan.planning_inputs import PlanningInputs
from terp.statistics import NORMAL_P95
from terp.units import J_PER_KWH

SERVICES: Final[tuple[CostColumn, ...]] = (
    CostColumn("cdu", "cooling", "acquisition", hardware=True),
    CostColumn("hall", "hall", "building", hardware=False),
    CostColumn("grid-connection", "grid", "building", hardware=False),
    CostColumn("fit-out", "fit-out", "building", hardware=False),
    CostColumn("colocation", "rent", "operation", hardware=False),
    CostColumn("staff", "staff", "operation", hardware=False),
    CostColumn("software", "software", "operation", hardware=False),
)
"""What no bill of materials names."""
EVERYTHING: Final = Extras(1, 1, 1)
"""One of each of what may stand beside the nodes."""
DENSE: Final = "dense-premium"

PriceRange = tuple[float, float, float]
"""Low, central and high of a price or a rate over its central value."""


@dataclass(frozen=True)
class PriceTable:
    """Prices of a plan at the month of its budget.

    columns        all that costs money;  hardware  which of them are, a mask of shape (columns,)
    tariff         central prices, without scenarios
    ranges         of every price and rate that is drawn, by the name of its factor, over the central value
    own_ranges     of the budget's own amounts: they are no prices, and not drawn
    programme_eur  what the programme beside the machine costs in all years
    contract_limit_eur   what the contract with a vendor may come to; None: anything

    A factor is a price by its name, "electricity" for that of all places, a rate, or the level of the deal (MARKET).
    """

    columns: tuple[CostColumn, ...]
    tariff: Tariff
    ranges: Mapping[str, PriceRange]
    own_ranges: Mapping[str, PriceRange]
    programme_eur: float
    contract_limit_eur: float | None
    hardware: Bools = field(init=False)
    _places: Mapping[tuple[str, str], int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hardware", np.array([column.hardware for column in self.columns]))
        places = {(column.name, column.line): place for place, column in enumerate(self.columns)}
        object.__setattr__(self, "_places", places)

    def index(self, name: str, line: str) -> int:
        """The index of a column by its name and line.  Raises KeyError for one that is not there."""
        return self._places[name, line]


def price_table(inputs: PlanningInputs, frames: Iterable[Frame]) -> PriceTable:
    """The prices of all machines of some frames at the month of the budget.

    Raises UnknownName for a price that the catalogue lacks; parts without any price have no column (`unpriced_parts`).
    """
    record = inputs.budget.record
    columns = _columns(inputs, frames)
    tariff, ranges = _tariff(inputs, columns)
    contract = record.ceilings.machine_contract
    return PriceTable(
        columns=columns,
        tariff=tariff,
        ranges=ranges,
        own_ranges=_own_ranges(inputs),
        programme_eur=inputs.prices.euros(record.programme, record.prices_of) if record.programme else 0.0,
        contract_limit_eur=inputs.prices.euros(contract, record.prices_of) if contract else None,
    )


def _columns(inputs: PlanningInputs, frames: Iterable[Frame]) -> tuple[CostColumn, ...]:
    """A column for each price and line of the parts of every frame's bill, then the services, then electricity of each
    place.
    """
    columns = dict[CostColumn, None]()
    for frame in frames:
        for where, part in built(frame, np.array([1]), EVERYTHING, inputs.catalogue).bill:
            name = inputs.prices.of_part(part)
            if name is not None:
                columns[CostColumn(name, line_of(where, part_of(inputs, part)), "acquisition", hardware=True)] = None
    power = [CostColumn(f"electricity-{name}", "electricity", "operation", hardware=False) for name in inputs.places]
    return (*columns, *SERVICES, *power)


def part_of(inputs: PlanningInputs, name: str) -> Part:
    """A part of any family of the catalogue by its name.  Raises StopIteration for a name in none of them."""
    return next(family[name] for family in inputs.catalogue.parts.values() if name in family)


def _tariff(inputs: PlanningInputs, columns: Iterable[CostColumn]) -> tuple[Tariff, dict[str, PriceRange]]:
    """Central prices, and the ranges of all that is not known.

    Gives a tariff without scenarios, prices of shape (columns,), and low, central and high of each factor over its central
    value.  A price of a hall has the premium of dense racks on it.  The market's range is that of deals about their level.
    """
    prices, month = inputs.prices, inputs.budget.record.prices_of
    central, ranges = [], dict[str, PriceRange]()
    for column in columns:
        if column.line == "electricity":
            low, middle, high = _electricity_eur_per_kwh(inputs, column.name.removeprefix("electricity-"))
            central.append(middle)
            ranges.setdefault("electricity", (low / middle, 1.0, high / middle))
            continue
        price = unit_price(prices, column.name, month)
        premium = 1 + prices.rate_range(DENSE)[1] if column.name == "hall" else 1.0
        central.append(price.eur * premium)
        if price.eur > 0:
            ranges[column.name] = (price.low_eur / price.eur, 1.0, price.high_eur / price.eur)
    rates = {name: prices.rate_range(name) for name in ("installation", "maintenance")}
    ranges |= {name: (low / middle, 1.0, high / middle) for name, (low, middle, high) in rates.items()}
    ranges[MARKET] = (np.exp(-NORMAL_P95 * level_spread()), 1.0, np.exp(NORMAL_P95 * level_spread()))
    shares = (np.asarray(share) for share in (1.0, rates["installation"][1], rates["maintenance"][1], 1.0))
    return Tariff(np.array(central), *shares), ranges


def _electricity_eur_per_kwh(inputs: PlanningInputs, place: str) -> PriceRange:
    """Low, central and high price of electricity at a place, without tax [EUR/kWh]."""
    price = inputs.places[place].choice.electricity_eur_per_j
    low, middle, high = inputs.range_of(f"sites.{place}.electricity", "eur_per_j", price)
    return low * J_PER_KWH, middle * J_PER_KWH, high * J_PER_KWH


def _own_ranges(inputs: PlanningInputs) -> dict[str, PriceRange]:
    """Ranges of the budget's own amounts over their central values; empty for a budget without a programme."""
    programme = inputs.budget.record.programme
    if not programme:
        return {}
    low, central, high = inputs.money_range("programme", programme)
    return {"programme": (low / central, 1.0, high / central)}


def quantities_of(inputs: PlanningInputs, table: PriceTable, shapes: Shapes) -> Floats:
    """What machines take of each column, in the unit of its price, shape (machines, columns).

    shapes   machines of one frame, with the bill of each;  table   whose columns the bill's lines are booked on

    Services that no bill names, such as the hall, stay 0 here: `evaluate` fills them in.
    """
    quantities = np.zeros((shapes.nodes_count.size, len(table.columns)))
    for (where, name), count in shapes.bill.items():
        price, part = inputs.prices.of_part(name), part_of(inputs, name)
        if price is not None:
            each = quantity_of(inputs.prices.entries[price], part) or 0.0
            quantities[:, table.index(price, line_of(where, part))] += count * each
    return quantities


def unpriced_parts(inputs: PlanningInputs, frame: Frame) -> tuple[str, ...]:
    """Parts of a frame's machines that the catalogue has no price of, by name; none if all can be priced.

    They are looked for on a machine with one of everything, so that no number of nodes can bring in another.
    """
    shapes = built(frame, np.array([1]), EVERYTHING, inputs.catalogue)
    return tuple(sorted({part for (_, part), count in shapes.bill.items() if count[0] and not _has_price(inputs, part)}))


def _has_price(inputs: PlanningInputs, part: str) -> bool:
    """Whether a part has a price, and the figure that its price goes by, which is its usable bytes for a price per TB."""
    name = inputs.prices.of_part(part)
    return name is not None and quantity_of(inputs.prices.entries[name], part_of(inputs, part)) is not None
