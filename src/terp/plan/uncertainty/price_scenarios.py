"""Prices that are not known: which kind of machine wins in how many futures, and what would change the answer.

A price scenario is a tariff: each price within its own range, all at once.  In each the machines are sized anew, since who
pays less buys more.  `robustness.py` makes records of what comes out; nothing here names anything for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.arrays import Bools, Floats, Ints
from terp.describe import CostClass
from terp.physics import MARKET, draw_factors
from terp.plan.money.ledger import Tariff
from terp.plan.money.payers import affordable
from terp.plan.search.evaluate import CONTRACT_LINES, Evaluated
from terp.plan.search.objectives import OBJECTIVES
from terp.plan.search.workings import Workings

GRID: Final = np.geomspace(0.25, 4.0, 33)
"""Multiples of a price at which it is looked whether another kind of machine wins."""
RESERVES: Final = (0.0, 0.05, 0.1, 0.2, 0.3)
"""Reserves that are compared."""
ELECTRICITY: Final = "electricity"
PROGRAMME: Final = "programme"


@dataclass(frozen=True)
class Kind:
    """What is decided on: a kind of node at a place.  Its taper, cap and spares are chosen anew as prices change."""

    node: str
    place: str

    @property
    def name(self) -> str:
        """Such as `hgx-b300-liquid-groningen`."""
        return f"{self.node}-{self.place}"


def kind_of(entry: Evaluated) -> Kind:
    """The kind of machine that a design is of."""
    return Kind(entry.design.frame.node, entry.design.place)


def factor_of(column: str) -> str:
    """The factor that a column's price moves by: electricity moves alike everywhere."""
    return ELECTRICITY if column.startswith(f"{ELECTRICITY}-") else column


def tariffs(workings: Workings, factors: Mapping[str, Floats], scenarios_count: int) -> Tariff:
    """The central prices times some factors; what has no factor stays as it is.

    factors           by name, each of shape (scenarios,): of a price, a rate, the level of the deal, or the programme
    scenarios_count   length of all arrays of the tariff
    """
    unchanged = np.ones(scenarios_count)
    central = workings.prices.tariff
    scale = np.stack([factors.get(factor_of(column.name), unchanged) for column in workings.prices.columns], axis=1)
    return Tariff(
        prices_eur=central.prices_eur * scale,
        market_ratio=central.market_ratio * factors.get(MARKET, unchanged),
        installation_fraction=central.installation_fraction * factors.get("installation", unchanged),
        maintenance_fraction=central.maintenance_fraction * factors.get("maintenance", unchanged),
        programme_ratio=central.programme_ratio * factors.get(PROGRAMME, unchanged),
    )


@dataclass(frozen=True)
class Costs:
    """What rows of a design cost under a tariff.

    by_class_eur   costs of all years, shape (rows, classes), without value-added tax
    paid           whether the payers can pay it, and the contract is within its ceiling; shape (rows,)
    """

    by_class_eur: Floats
    paid: Bools


def costs_of(
    workings: Workings, entry: Evaluated, rows: Ints, tariff: Tariff, reserve_fraction: float | None = None
) -> Costs:
    """Costs of some rows of a design, each under the prices of its own scenario.

    rows               index into the arrays of the entry, shape (scenarios,): row i is priced by scenario i of the tariff
    reserve_fraction   of the money that is kept back; None: as the budget says
    """
    ledger, record = workings.ledger_of(entry.design.years_count), workings.inputs.budget.record
    quantities = entry.quantities_count[rows]
    fixed: dict[CostClass, Floats] = {
        "operation": entry.tax_eur[rows],
        "programme": workings.prices.programme_eur * tariff.programme_ratio,
    }
    by_class = ledger.by_class(quantities, tariff, fixed)
    kept = record.reserve_fraction if reserve_fraction is None else reserve_fraction
    paid = affordable(by_class, workings.inputs.sources, record.vat, kept)
    if workings.prices.contract_limit_eur is not None:
        paid &= ledger.contract_eur(quantities, tariff, CONTRACT_LINES) <= workings.prices.contract_limit_eur
    return Costs(by_class, paid)


def resized(workings: Workings, entry: Evaluated, tariff: Tariff) -> tuple[Ints, Floats]:
    """Under each scenario the largest machine of a design that can be paid, and its objective.

    Gives rows of the entry, shape (scenarios,), -1 where none can be paid, and the objective there in its unit, NaN for
    none.
    Where an objective wants the smallest machine, only the smallest that the other constraints allow is priced.  Costs rise
    with the number of nodes, so halving finds it in as many steps as the number of rows has bits.
    """
    objective, allowed = OBJECTIVES[workings.inputs.objective], np.flatnonzero(entry.fits_but_money)
    scenarios = tariff.market_ratio.size
    if not allowed.size:
        return np.full(scenarios, -1), np.full(scenarios, np.nan)
    least, most = np.full(scenarios, -1), np.full(scenarios, 1 if objective.smallest else allowed.size)
    while ((most - least) > 1).any():
        middle = np.clip((least + most) // 2, 0, allowed.size - 1)
        paid = costs_of(workings, entry, allowed[middle], tariff).paid
        open_ = most - least > 1
        least, most = np.where(open_ & paid, middle, least), np.where(open_ & ~paid, middle, most)
    rows = np.where(least >= 0, allowed[np.maximum(least, 0)], 0)
    value = getattr(entry, objective.column)[rows]
    if objective.of_prices:
        tco = costs_of(workings, entry, rows, tariff).by_class_eur.sum(1)
        value = tco if objective.column == "tco_eur" else tco / entry.h100_hours_count[rows]
    return np.where(least >= 0, rows, -1), np.where(least >= 0, value, np.nan)


@dataclass(frozen=True)
class Futures:
    """The best of each kind of machine in each scenario.

    kinds    in the order of the rows of `values`
    values   shape (kinds, scenarios), in the unit of the objective; NaN where nothing of it can be paid
    winner_index   of each scenario, into `kinds`, shape (scenarios,); -1 where nothing can be bought at all
    """

    kinds: tuple[Kind, ...]
    values: Floats
    winner_index: Ints

    @property
    def best(self) -> Floats:
        """The objective of each scenario's winner, shape (scenarios,); NaN where nothing can be bought."""
        return np.where(self.winner_index >= 0, self.values[self.winner_index, np.arange(self.winner_index.size)], np.nan)


def futures(workings: Workings, entries: Sequence[Evaluated], tariff: Tariff) -> Futures:
    """Every kind of machine sized anew under each scenario, by the best of its designs there.

    entries   designs with so many numbers of nodes that cheaper scenarios do not run out of them; of kinds that reach the
              same
              the one whose design comes first wins
    """
    less = OBJECTIVES[workings.inputs.objective].less
    kinds = tuple(dict.fromkeys(kind_of(entry) for entry in entries))
    worst = np.inf if less else -np.inf
    values = np.full((len(kinds), tariff.market_ratio.size), worst)
    better = np.minimum if less else np.maximum
    for entry in entries:
        _, value = resized(workings, entry, tariff)
        row = kinds.index(kind_of(entry))
        values[row] = better(values[row], np.where(np.isnan(value), worst, value))
    winner = values.argmin(0) if less else values.argmax(0)
    known = np.isfinite(values.min(0) if less else values.max(0))
    return Futures(kinds, np.where(np.isfinite(values), values, np.nan), np.where(known, winner, -1))


def drawn(workings: Workings, scenarios_count: int, seed: int) -> Tariff:
    """Price scenarios: every price by its own range, and the level of the whole deal, drawn apart from each other.

    seed   the same seed and prices give the same scenarios on any machine
    """
    return tariffs(workings, draw_factors(workings.prices.ranges, scenarios_count, seed), scenarios_count)


@dataclass(frozen=True)
class PriceSwing:
    """What one price does to the answer.

    low_ratio, high_ratio   ends of its range over the central value
    values      objective of the best machine at those ends, over the central one; 0 where nothing can be bought
    winners     kinds that win there; None where nothing can be bought
    changes_at_ratio, changes_to   the nearest multiple of the central value at which another kind wins
    """

    name: str
    low_ratio: float
    high_ratio: float
    values: tuple[float, float]
    winners: tuple[Kind | None, Kind | None]
    changes_at_ratio: float | None
    changes_to: Kind | None


def _over(value: float, central: float) -> float:
    """An objective over the central one [-]; 0 where nothing can be bought."""
    return value / central if value == value and central else 0.0  # noqa: PLR0124 - NaN


def swings(workings: Workings, entries: Sequence[Evaluated], chosen: Kind) -> list[PriceSwing]:
    """Each uncertain price by itself: at both ends of its range, and over a grid of multiples of its central value.

    entries   designs of each kind, wide enough for low prices;  chosen   the recommended kind

    Those that do most to the answer come first.  All points of all prices are one tariff, so each design is sized once.
    """
    ranges = {**workings.prices.ranges, **workings.prices.own_ranges}
    names = [name for name, (low, _, high) in ranges.items() if high > low]
    points = {name: np.array([ranges[name][0], ranges[name][2], *GRID]) for name in names}
    each = len(GRID) + 2
    factors = {}
    for at, name in enumerate(names):
        factors[name] = np.ones(each * len(names) + 1)
        factors[name][at * each : (at + 1) * each] = points[name]
    outcomes = futures(workings, entries, tariffs(workings, factors, each * len(names) + 1))
    price_swings = []
    for at, name in enumerate(names):
        own_scenarios = slice(at * each, (at + 1) * each)
        winners = [
            outcomes.kinds[number] if number >= 0 else None for number in outcomes.winner_index[own_scenarios].tolist()
        ]
        ratios = points[name][2:]
        others = [place for place, winner in enumerate(winners[2:]) if winner not in (chosen, None)]
        nearest = min(others, key=lambda place: abs(np.log(ratios[place])), default=None)
        low, high = (_over(value, outcomes.best[-1]) for value in outcomes.best[own_scenarios][:2].tolist())
        price_swings.append(
            PriceSwing(
                name, float(points[name][0]), float(points[name][1]), (low, high), (winners[0], winners[1]),
                None if nearest is None else float(ratios[nearest]),
                None if nearest is None else winners[2 + nearest],
            )
        )  # fmt: skip
    return sorted(price_swings, key=lambda swing: -max(abs(value - 1) for value in swing.values))


@dataclass(frozen=True)
class ReserveKept:
    """What a reserve buys: the machine that it leaves, and in which share of scenarios all the money then pays for it.

    reserve_fraction   of the money;  gpus_count, h100_hours_count   of that machine, the hours over all years
    fits_fraction      of scenarios, with the reserve spent too
    """

    reserve_fraction: float
    gpus_count: int
    h100_hours_count: float
    fits_fraction: float


def reserves(workings: Workings, entry: Evaluated, tariff: Tariff) -> list[ReserveKept]:
    """The largest machine of a design at central prices under each of some reserves, and how sure it then is.

    tariff   the price scenarios.  Reserves under which nothing can be paid are left out; the budget's own is always tried.
    """
    record, kept = workings.inputs.budget.record, []
    for share in sorted({*RESERVES, record.reserve_fraction}):
        can = affordable(entry.by_class_eur, workings.inputs.sources, record.vat, share) & entry.without("money").fits
        rows = np.flatnonzero(can)
        if rows.size:
            row = int(rows[np.argmax(entry.h100_hours_count[rows])])
            paid = costs_of(workings, entry, np.full(tariff.market_ratio.size, row), tariff, 0.0).paid
            hours = float(entry.h100_hours_count[row])
            kept.append(ReserveKept(share, int(entry.gpus_count[row]), hours, float(paid.mean())))
    return kept
