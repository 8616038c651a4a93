"""Who pays what, when, and what access it buys: money with ceilings, spent on classes of cost.

Payers p give at most A_p, of a class k at most the share u_pk of its cost c_k.  Whether costs can be paid is a question
of flow in a small network, from classes to payers; by max-flow and min-cut the answer is exact and needs no search:

    sum over S of c_k  <=  sum over p of min(a_p, sum over S of u_pk c_k)     for each of the 15 sets S of classes

with a_p = A_p (1 - r) / g_p what a payer's money buys: r is the reserve, and g_p = 1 + VAT for who pays the tax, else 1.
Ceilings are shares of the cost without tax, which is the same share of the cost with it where all pay it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.catalogue import Prices
from terp.describe.budget import COST_CLASSES, Budget, CostClass, Vat
from terp.plan.money.months import number_of

Allocation = dict[tuple[str, CostClass], float]
"""(payer, class) -> what it pays of it [EUR], with the tax that it pays."""

_SETS: Final = np.array([[mask >> place & 1 for place in range(len(COST_CLASSES))] for mask in range(1, 16)], dtype=float)
_BLOCK_ROWS: Final = 8192  # so that the arrays of a block stay in the cache
_EXACT: Final = 1e-9  # of the whole cost: below it a shortage is rounding, 20 cents of EUR 200 million
_REACHED: Final = 1e-6  # of a bound: nearer to it than that, it is reached


@dataclass(frozen=True)
class FundingSource:
    """A payer of the budget, with its amounts in euros.

    name, title   as in the budget's file
    amount_eur    most that it gives, the value-added tax that it pays included; infinite where its file gives none
    ceilings      share of each class of COST_CLASSES that it may pay; 0 for what it does not pay
    buys_access   it gets a share of the machine's time for its share of the costs, as EuroHPC does; else it is a host
    access_ceiling_fraction   most of the time that it can get so
    exempt_from_vat           it pays no tax where only hosts that are not exempt do
    """

    name: str
    title: str
    amount_eur: float
    ceilings: tuple[float, ...]
    buys_access: bool = False
    access_ceiling_fraction: float = 1.0
    exempt_from_vat: bool = False


def money(budget: Budget, prices: Prices) -> tuple[FundingSource, ...]:
    """The payers of a budget in its own order, in euros at the mean rate of the year of `prices_of`.  Raises UnknownName."""
    return tuple(
        FundingSource(
            name,
            payer.title,
            inf if payer.amount is None else prices.euros(payer.amount, budget.prices_of),
            tuple(payer.ceilings.get(kind, 1.0) if kind in payer.pays else 0.0 for kind in COST_CLASSES),
            payer.buys_access,
            payer.access_ceiling_fraction,
            payer.exempt_from_vat,
        )
        for name, payer in budget.payers.items()
    )


def gross_ratio(source: FundingSource, vat: Vat) -> float:
    """What a payer pays for a euro of cost: 1, or 1 + the rate where it pays the tax.

    on: all    everybody pays it, exempt or not;  on: host    those pay it that are not exempt
    """
    taxed = vat.on == "all" or (vat.on == "host" and not source.exempt_from_vat)
    return 1.0 + vat.rate_fraction if taxed else 1.0


def _buys_eur(sources: Sequence[FundingSource], vat: Vat, reserve_fraction: float) -> list[float]:
    """What each payer's money buys, without tax and reserve [EUR]: a_p.

    It is infinite for a payer without a bound.
    """
    return [source.amount_eur * (1.0 - reserve_fraction) / gross_ratio(source, vat) for source in sources]


def slack_eur(costs_eur: Floats, sources: Sequence[FundingSource], vat: Vat, reserve_fraction: float) -> tuple[Floats, Ints]:
    """How much dearer all could be, in proportion, and the set of classes at which money then ends; shapes (n,).

    costs_eur   without tax, >= 0, shape (n, 4) in the order of COST_CLASSES [EUR]

    Slack is (f - 1) of the whole cost, f the largest factor on all costs that can be paid (ceilings are shares, and grow
    with the costs).  Below zero it is exactly what nobody can pay.  It is without tax, and infinite where no money ends.
    Sets are numbers whose bit k stands for class k: 1 acquisition, 2 building, 4 operation, 8 programme; 0 is none.
    """
    slack, tightest = np.empty(len(costs_eur)), np.empty(len(costs_eur), dtype=np.int64)
    buys = _buys_eur(sources, vat, reserve_fraction)
    for start in range(0, len(costs_eur), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        costs = costs_eur[rows]
        spare, factor, whole = _spare_eur(costs, sources, buys), _factor(costs, sources, buys), costs.sum(axis=1)
        short = spare.min(axis=0) < -_EXACT * whole
        tightest[rows] = np.where(short, spare.argmin(axis=0), factor.argmin(axis=0)) + 1
        with np.errstate(invalid="ignore"):  # nothing times infinity
            more = np.where(whole > 0, (factor.min(axis=0) - 1.0) * whole, inf)
        slack[rows] = np.where(short, spare.min(axis=0), np.maximum(0.0, more))
    tightest[np.isinf(slack)] = 0
    return slack, tightest


def _factor(costs_eur: Floats, sources: Sequence[FundingSource], buys_eur: Sequence[float]) -> Floats:
    """The largest factor on all costs at which each set of classes can be paid, shape (15, n); infinite if all can.

    The root of sum over p of min(a_p, f w_p) = f d, concave in f: Newton's steps from above meet it exactly, after at most
    as many as there are payers, since each step takes those for spent whose money ends at the factor before.  Here w_p is
    what payer p may pay of a set at its ceilings, and d what the set costs.
    """
    by_class = np.ascontiguousarray(costs_eur.T)
    due = _SETS @ by_class
    might = [(_SETS * np.array(source.ceilings)) @ by_class for source in sources]
    factor = np.full_like(due, inf)
    for _ in range(len(sources) + 1):
        spent, open_eur = np.zeros_like(due), due.copy()
        with np.errstate(invalid="ignore", divide="ignore"):
            for bound, share in zip(buys_eur, might, strict=True):
                ends = (factor * share >= bound) & (bound < inf)
                spent += np.where(ends, bound, 0.0)
                open_eur -= np.where(ends, 0.0, share)
            # at the root rounding may take a payer for unspent: a step never goes up
            np.minimum(factor, np.where(open_eur > _EXACT * due, spent / open_eur, inf), out=factor)
    return factor


def _spare_eur(costs_eur: Floats, sources: Sequence[FundingSource], buys_eur: Sequence[float]) -> Floats:
    """What could be paid beyond the cost of each set of classes, shape (15, n) [EUR]; infinite for what costs nothing."""
    by_class = np.ascontiguousarray(costs_eur.T)
    due = _SETS @ by_class
    spare = -due
    for source, bound in zip(sources, buys_eur, strict=True):
        might = (_SETS * np.array(source.ceilings)) @ by_class
        spare += might if bound == inf else np.minimum(might, bound, out=might)
    if not by_class.all():
        spare[due <= 0] = inf
    return spare


def affordable(costs_eur: Floats, sources: Sequence[FundingSource], vat: Vat, reserve_fraction: float) -> NDArray[np.bool_]:
    """Whether each row of costs can be paid, shape (n,): exact, by the condition on all 15 sets of classes.

    costs_eur   without tax, >= 0, shape (n, 4) in the order of COST_CLASSES [EUR]

    A shortage below 1e-9 of the whole cost is taken for rounding.
    """
    can = np.empty(len(costs_eur), dtype=np.bool_)
    buys = _buys_eur(sources, vat, reserve_fraction)
    for start in range(0, len(costs_eur), _BLOCK_ROWS):
        rows = costs_eur[start : start + _BLOCK_ROWS]
        short = _spare_eur(rows, sources, buys).min(axis=0)
        can[start : start + _BLOCK_ROWS] = short >= -_EXACT * rows.sum(axis=1)
    return can


def _order(sources: Sequence[FundingSource]) -> list[int]:
    """Places of payers as they are asked to pay: those with a ceiling first, each kind in the order of the file."""
    return sorted(range(len(sources)), key=lambda place: not any(0 < share < 1 for share in sources[place].ceilings))


def allocate(costs_eur: Sequence[float], sources: Sequence[FundingSource], vat: Vat, reserve_fraction: float) -> Allocation:
    """Who pays how much of each class, with its tax [EUR]: money with a ceiling first, as far as it goes, then by the file.

    costs_eur   without tax, >= 0, of each of COST_CLASSES [EUR]

    A maximum flow (Edmonds and Karp): payers are let in one after another, and what one of them pays is never taken back,
    though it may be moved to another class for the sake of the next.  So each pays all that it can given those before
    it, and all costs are paid if that is possible at all; else `unpaid_eur` says what is left.  Of classes among which a
    payer may choose, it pays the earlier ones of COST_CLASSES first.
    """
    total, classes, sink = fsum(costs_eur), len(COST_CLASSES), len(COST_CLASSES) + len(sources) + 1
    left = [[0.0] * (sink + 1) for _ in range(sink + 1)]
    for kind, cost in enumerate(costs_eur):
        left[0][1 + kind] = float(cost)
        for place, source in enumerate(sources):
            left[1 + kind][1 + classes + place] = source.ceilings[kind] * float(cost)
    buys = _buys_eur(sources, vat, reserve_fraction)
    for place in _order(sources):
        left[1 + classes + place][sink] = buys[place]
        while path := _shortest(left, sink, total * 1e-13):
            steps = list(pairwise(path))
            pushed = min(left[one][other] for one, other in steps)
            for one, other in steps:
                left[one][other] -= pushed
                left[other][one] += pushed
    return {
        (source.name, kind): left[1 + classes + place][1 + number] * gross_ratio(source, vat)
        for place, source in enumerate(sources)
        for number, kind in enumerate(COST_CLASSES)
        if left[1 + classes + place][1 + number] > 0
    }


def _shortest(left: list[list[float]], sink: int, nothing: float) -> list[int]:
    """Nodes of the path of fewest edges from 0 to the sink over edges with capacity left, breadth first; empty if none is.

    left   remaining capacity of each edge [EUR], as a square table;  nothing   what counts as none of it [EUR]
    """
    came, queue = {0: 0}, deque([0])
    while queue:
        node = queue.popleft()
        for other, capacity in enumerate(left[node]):
            if capacity > nothing and other not in came:
                came[other] = node
                queue.append(other)
    if sink not in came:
        return []
    path = [sink]
    while path[-1]:
        path.append(came[path[-1]])
    return path[::-1]


def tax_eur(allocation: Mapping[tuple[str, CostClass], float], sources: Sequence[FundingSource], vat: Vat) -> float:
    """The value-added tax in what is paid [EUR]."""
    ratio = {source.name: gross_ratio(source, vat) for source in sources}
    return fsum(eur * (1.0 - 1.0 / ratio[payer]) for (payer, _), eur in allocation.items())


def unpaid_eur(
    allocation: Mapping[tuple[str, CostClass], float], costs_eur: Sequence[float], sources: Sequence[FundingSource], vat: Vat
) -> float:
    """What of the costs nobody pays, without tax [EUR]; rounding aside, the slack below zero, and 0 where there is some."""
    ratio = {source.name: gross_ratio(source, vat) for source in sources}
    return max(0.0, fsum(costs_eur) - fsum(eur / ratio[payer] for (payer, _), eur in allocation.items()))


def access(allocation: Mapping[tuple[str, CostClass], float], sources: Sequence[FundingSource]) -> dict[str, float]:
    """Each payer's share of the machine's time; shares come to one where anything is paid.

    Who buys access gets what it pays of the classes that it may pay, over all that is paid of them, at most its ceiling.
    For EuroHPC those are the total cost of ownership, acquisition and operation with services (Articles 2(30), 12a(2) and
    17(1) of eu-hpc-regulation; by Article 17(3) a payer of the acquisition alone is measured by the acquisition alone).
    The rest is the hosts', by all that they pay, or in equal parts if they pay nothing (17(4): they agree among them);
    if all payers buy access it is theirs beyond their ceilings, as there is no other.
    """
    paid = {source.name: fsum(eur for (payer, _), eur in allocation.items() if payer == source.name) for source in sources}
    shares = {source.name: 0.0 for source in sources}
    if fsum(paid.values()) <= 0:
        return shares
    for source in sources:
        may = [kind for kind, share in zip(COST_CLASSES, source.ceilings, strict=True) if share > 0]
        owned = fsum(eur for (_, kind), eur in allocation.items() if kind in may)
        if source.buys_access and owned > 0:
            shares[source.name] = min(paid[source.name] / owned, source.access_ceiling_fraction)
    bought = fsum(shares.values())
    if bought > 1.0:  # buyers that are measured by different classes
        return {name: share / bought for name, share in shares.items()}
    hosts = [source.name for source in sources if not source.buys_access] or list(shares)
    whole = fsum(paid[name] for name in hosts)
    for name in hosts:
        shares[name] += (1.0 - bought) * (paid[name] / whole if whole > 0 else 1.0 / len(hosts))
    return shares


@dataclass(frozen=True)
class Timing:
    """When costs fall due, in months around delivery.  The defaults stand here and nowhere else.

    delivery      month in which the machine is delivered, such as "2027-10"
    milestones    (months after delivery, share of the acquisition): the tender of the Dutch machine allows up to 30 %
                  ahead (dutch-tender); order nine months before (assumed, 6 .. 15), half on delivery (assumed, 40 .. 70 %)
                  and the rest on acceptance three months later (assumed, 1 .. 6) are ours
    building_months_count    over which a hall is paid, up to delivery (assumed, 12 .. 24)
    start_months_count       from delivery to the first month of operation: acceptance, as above
    """

    delivery: str
    operation_years_count: int
    milestones: tuple[tuple[int, float], ...] = ((-9, 0.3), (0, 0.5), (3, 0.2))
    building_months_count: int = 18
    start_months_count: int = 3


def _due(timing: Timing, kind: CostClass) -> dict[int, float]:
    """Share of a class of cost that falls due in each calendar year, in the order of years; shares come to one."""
    delivered, first = number_of(timing.delivery), timing.start_months_count
    last = first + 12 * timing.operation_years_count
    ordered = min(0, *(months for months, _ in timing.milestones))
    equal = {
        "building": range(-timing.building_months_count, 0),
        "operation": range(first, last),
        "programme": range(ordered, last),  # it works from the order of the machine on
    }
    parts = timing.milestones if kind == "acquisition" else [(months, 1.0 / len(equal[kind])) for months in equal[kind]]
    shares: dict[int, float] = {}
    for months, share in sorted(parts):
        due = (delivered + months) // 12
        shares[due] = shares.get(due, 0.0) + share
    return shares


def cash_flow(allocation: Mapping[tuple[str, CostClass], float], timing: Timing) -> list[tuple[int, str, CostClass, float]]:
    """What each payer pays in each year: (year, payer, class, EUR), by year, payer and class as they were allocated.

    The machine is paid by milestones, the hall in equal months before delivery, operation in equal months from acceptance
    (so that its first and last year are parts), the programme in equal months from order to the end.  A payer's share of a
    class is the same in every year; its last year takes the rest, so that rows sum to the allocation.  No inflation and
    no interest: prices are those of the budget's month.
    """
    due = {kind: _due(timing, kind) for kind in COST_CLASSES}
    rows: list[tuple[int, str, CostClass, float]] = []
    for (payer, kind), eur in allocation.items():
        paid: list[float] = []
        for year, share in due[kind].items():
            final = year == max(due[kind])
            paid.append(eur - fsum(paid) if final else eur * share)
            rows.append((year, payer, kind, paid[-1]))
    return sorted(rows, key=lambda row: row[0])


def flows(
    allocation: Mapping[tuple[str, CostClass], float], lines: Sequence[tuple[str, CostClass, float]]
) -> list[tuple[str, CostClass, str, float]]:
    """From payers to what is bought: (payer, class, line, EUR), which sums to the allocation.

    lines   (name, class, cost) of each line of cost, >= 0 [EUR]

    Within a class each payer pays the same share of every line, with its tax.  A class without lines is its own line.
    """
    of_class = {kind: [(name, eur) for name, owner, eur in lines if owner == kind and eur > 0] for kind in COST_CLASSES}
    rows: list[tuple[str, CostClass, str, float]] = []
    for (payer, kind), eur in allocation.items():
        parts = of_class[kind] or [(kind, 1.0)]
        whole = fsum(cost for _, cost in parts)
        rows += [(payer, kind, name, eur * (cost / whole)) for name, cost in parts]
    return rows


def binding(
    allocation: Mapping[tuple[str, CostClass], float],
    costs_eur: Sequence[float],
    sources: Sequence[FundingSource],
    vat: Vat,
    reserve_fraction: float,
) -> dict[str, tuple[str, ...]]:
    """Bounds that each payer has reached: "amount", "acquisition ceiling", ...; empty for who could pay more of anything.

    costs_eur   without tax, of each of COST_CLASSES [EUR]

    A ceiling of 100 % is none, and neither is one on a class that costs nothing.
    """
    reached = {}
    for source, bound in zip(sources, _buys_eur(sources, vat, reserve_fraction), strict=True):
        ratio = gross_ratio(source, vat)
        paid = [allocation.get((source.name, kind), 0.0) / ratio for kind in COST_CLASSES]
        names = ["amount"] if fsum(paid) >= bound * (1 - _REACHED) else []
        for kind, eur, share, cost in zip(COST_CLASSES, paid, source.ceilings, costs_eur, strict=True):
            if 0 < share < 1 and cost > 0 and eur >= share * cost * (1 - _REACHED):
                names.append(f"{kind} ceiling")
        reached[source.name] = tuple(names)
    return reached
