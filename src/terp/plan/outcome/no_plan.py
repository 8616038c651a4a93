"""Why nothing can be bought: the cheapest that meets all but the money, and which constraint binds.

An empty answer would help nobody: so the search is run again with all the money of the world, and the error says what is
missing.

    NOTHING_TO_TRY        every kind of machine is turned away before any number of nodes is looked at
    NOTHING_MEETS         something else than money stands in the way, and it is named
    NOTHING_IN_CONTRACT   the payers could pay, but the contract with the vendor may not be as large
    NOTHING_IN_MONEY      the cheapest costs more than all payers have after the reserve
    NOTHING_PAID          there is money enough in all, but not for each class of cost, or not with the tax
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from terp.describe import COST_CLASSES
from terp.errors import TerpError
from terp.plan.machines.designs import Loser
from terp.plan.money.payers import affordable, allocate, unpaid_eur
from terp.plan.outcome.machine_figures import title_of
from terp.plan.outcome.purchase_plan import plan_viewer
from terp.plan.outcome.verdicts import cheapest_fit, contract_eur
from terp.plan.reason_codes import Code, Datum, Reason
from terp.plan.search.evaluate import PRICED, Evaluated, evaluate
from terp.plan.search.frontier import Pick
from terp.plan.search.workings import Workings

_ANY: Final = np.ones(1, np.bool_)
_MOST_NAMED: Final = 12
"""Kinds of machine that an error names at most, of those that could not be tried."""


class NothingFits(TerpError):
    """No machine meets the budget.

    reason   what binds, and what the cheapest that meets all but the money would cost
    losers   kinds of machine that could not even be tried

    Its text is in English, a line for the reason and one for each loser; the codes are for other languages.
    """

    def __init__(self, reason: Reason, losers: Sequence[Loser] = ()) -> None:
        self.reason, self.losers = reason, tuple(losers)
        say = plan_viewer().sentence
        super().__init__("\n".join([say(reason), *(f"  {say(loser.title)}: {say(loser.reason)}" for loser in losers)]))

    def __reduce__(self) -> tuple[type[NothingFits], tuple[Reason, tuple[Loser, ...]]]:
        return type(self), (self.reason, self.losers)  # so that it comes back whole from another process


def nothing_to_try(early: Sequence[Loser]) -> NothingFits:
    """Why no design could even be tried.

    early   the kinds of machine, and what kept each out
    """
    return NothingFits(Reason(Code.NOTHING_TO_TRY, {"kinds_count": len(early)}), early[:_MOST_NAMED])


def nothing_fits(workings: Workings, entries: Sequence[Evaluated]) -> NothingFits:
    """Why no machine of some designs fits, and what would, with as much money as it takes.

    entries   all designs that were tried, as the search left them; they are evaluated anew, without a bound on the money

    The cheapest is of those that meet all constraints which do not change with prices.  It returns the error and does not
    raise it.
    """
    free = workings.wider(float("inf"))
    entries = [evaluate(free, entry.design) for entry in entries]
    cheapest = cheapest_fit(entries)
    if cheapest is None:
        return NothingFits(_whatever_it_costs(workings, entries))
    record, sources = workings.inputs.budget.record, workings.inputs.sources
    limit_eur, by_class = workings.prices.contract_limit_eur, cheapest.entry.by_class_eur[[cheapest.row]]
    machine = title_of(workings, cheapest)
    if limit_eur is not None and affordable(by_class, sources, record.vat, record.reserve_fraction):
        contract = float(contract_eur(workings, cheapest.entry)[cheapest.row])
        return NothingFits(
            Reason(Code.NOTHING_IN_CONTRACT, {"limit_eur": limit_eur, "cost_eur": contract, "machine": machine})
        )
    return NothingFits(_too_expensive(workings, cheapest, machine))


def _whatever_it_costs(workings: Workings, entries: Sequence[Evaluated]) -> Reason:
    """Which constraints no machine meets, with all the money of the world.

    The limits are names of constraints of the search; what it keeps as "rank" is called "rmax" where the budget asks for no
    rank.  "together" stands where each constraint is met by some machine, but no machine meets all of them.
    """
    names = dict.fromkeys(name for entry in entries for name in entry.met if name not in PRICED)
    blocking = [name for name in names if not any(entry.met.get(name, _ANY).any() for entry in entries)]
    if workings.inputs.budget.record.must.rank_count is None:
        blocking = ["rmax" if name == "rank" else name for name in blocking]
    return Reason(Code.NOTHING_MEETS, {"limits": tuple(blocking) or ("together",)})


def _too_expensive(workings: Workings, cheapest: Pick, machine: str) -> Reason:
    """What the cheapest costs, of what there is; and what of it nobody may pay, where there is money enough in all.

    cheapest   meets all but the money;  machine   its title
    """
    record, sources, may_eur = workings.inputs.budget.record, workings.inputs.sources, workings.inputs.money_eur
    by_class = cheapest.entry.by_class_eur[cheapest.row].tolist()
    data: dict[str, Datum] = {
        "money_eur": may_eur,
        "reserve_fraction": record.reserve_fraction,
        "cost_eur": cheapest.value("cost"),
        "costs_eur": {kind: eur for kind, eur in zip(COST_CLASSES, by_class, strict=True) if eur > 0},
        "machine": machine,
    }
    if sum(by_class) > may_eur * (1 - record.reserve_fraction):
        return Reason(Code.NOTHING_IN_MONEY, data)
    allocation = allocate(by_class, sources, record.vat, record.reserve_fraction)
    return Reason(Code.NOTHING_PAID, {**data, "unpaid_eur": unpaid_eur(allocation, by_class, sources, record.vat)})
