"""What machines take of all that costs money, as numbers in columns, and what they come to at given prices.

Costs are sums of quantities times unit prices, but for three shares of the hardware: the level of the whole deal
(`market`), installation and maintenance.  So a thousand price scenarios are a few products of matrices.

Quantities are an array of shape (rows, columns): a row a machine (or the same machine once a scenario), a column a price
and line of cost, in the unit of the price (pieces, kW, kWh, ...).  Where prices come from is in `search/price_table.py`,
and who pays is in `payers.py`; nothing here knows either.  Amounts are in euros without value-added tax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.describe import COST_CLASSES, CostClass


@dataclass(frozen=True)
class CostColumn:
    """Something that costs money: the name of its price, the line of the costs that it belongs to, and its class.

    hardware   True for what a vendor quotes: only that moves with the level of the deal and bears installation and
               maintenance

    One price may stand in two columns, such as a switch in the network and in management, so a column is known by its name
    and its line together.
    """

    name: str
    line: str
    cost_class: CostClass
    hardware: bool


@dataclass(frozen=True)
class Tariff:
    """Prices of the columns [EUR per unit] and the rates, once or by scenario.

    prices_eur              shape (columns,), or (scenarios, columns)
    market_ratio            level of the whole deal over quoted prices [-]; scalar, or (scenarios,), as those below
    installation_fraction   of the hardware, paid once
    maintenance_fraction    of the hardware, per year of operation
    programme_ratio         cost of the programme as a multiple of what the budget says

    All five have scenarios, or none has.
    """

    prices_eur: Floats
    market_ratio: Floats
    installation_fraction: Floats
    maintenance_fraction: Floats
    programme_ratio: Floats = field(default_factory=lambda: np.ones(()))


@dataclass(frozen=True)
class Ledger:
    """The columns, and what each row of quantities costs.

    years_count   of operation, over which maintenance is paid
    """

    columns: tuple[CostColumn, ...]
    years_count: int
    _masks: dict[str, NDArray[np.bool_]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        masks = {"hardware": np.array([column.hardware for column in self.columns])}
        for kind in COST_CLASSES:
            masks[kind] = np.array([column.cost_class == kind and not column.hardware for column in self.columns])
        object.__setattr__(self, "_masks", masks)

    def index(self, name: str, line: str = "") -> int:
        """The index of a column by its name; the first of that name if no line is given.

        Raises StopIteration for a column that is not there.
        """
        return next(
            at for at, column in enumerate(self.columns) if column.name == name and (not line or column.line == line)
        )

    def hardware_eur(self, quantities: Floats, tariff: Tariff) -> Floats:
        """What the parts cost, at the level of the whole deal [EUR]; shape (rows,).

        quantities   shape (rows, columns); with a tariff of scenarios, row i is priced by scenario i
        """
        return tariff.market_ratio * self._sum(quantities, tariff.prices_eur, "hardware")

    def by_class(self, quantities: Floats, tariff: Tariff, fixed: Mapping[CostClass, Floats | float]) -> Floats:
        """Costs of all years by class [EUR], shape (rows, classes).

        quantities   shape (rows, columns)
        fixed        amounts that no price makes: energy tax, the programme
        """
        hardware = self.hardware_eur(quantities, tariff)
        more = {
            "acquisition": hardware * (1 + tariff.installation_fraction),
            "operation": hardware * tariff.maintenance_fraction * self.years_count,
        }
        columns = [
            self._sum(quantities, tariff.prices_eur, kind) + more.get(kind, 0.0) + fixed.get(kind, 0.0)
            for kind in COST_CLASSES
        ]
        return np.stack(np.broadcast_arrays(*columns), axis=-1)

    def contract_eur(self, quantities: Floats, tariff: Tariff, lines: Sequence[str]) -> Floats:
        """What one contract with a vendor comes to: hardware, installation, maintenance and the lines named [EUR]; shape
        (rows,).

        lines   of other columns that the contract holds, such as "software"; hardware is in it anyway

        This is what a budget's ceiling on the contract of the machine is held against.
        """
        beside = np.array([column.line in lines and not column.hardware for column in self.columns])
        share = 1 + tariff.installation_fraction + tariff.maintenance_fraction * self.years_count
        return self.hardware_eur(quantities, tariff) * share + _dot(quantities[..., beside], tariff.prices_eur[..., beside])

    def by_line(self, quantities: Floats, tariff: Tariff) -> dict[tuple[str, CostClass], Floats]:
        """Costs of all years by line and class [EUR], each of shape (rows,); the lines that the rates make stand beside the
        others.

        They sum to `by_class` without its fixed amounts, which belong to no column.
        """
        totals: dict[tuple[str, CostClass], Floats] = {}
        for at, column in enumerate(self.columns):
            amount = quantities[..., at] * tariff.prices_eur[..., at] * (tariff.market_ratio if column.hardware else 1.0)
            key = (column.line, column.cost_class)
            totals[key] = totals[key] + amount if key in totals else amount
        hardware = self.hardware_eur(quantities, tariff)
        totals["installation", "acquisition"] = hardware * tariff.installation_fraction
        totals["maintenance", "operation"] = hardware * tariff.maintenance_fraction * self.years_count
        return totals

    def _sum(self, quantities: Floats, prices: Floats, which: str) -> Floats:
        """Quantities times prices, summed over the columns of one mask (hardware, or a class without it) [EUR]."""
        mask = self._masks[which]
        return _dot(quantities[..., mask], prices[..., mask])


def _dot(quantities: Floats, prices: Floats) -> Floats:
    """Sum over columns of rows times prices, row by row where there are as many price rows."""
    if prices.ndim == 1:
        return quantities @ prices
    return np.asarray(np.einsum("...c,...c->...", quantities, prices))
