"""Why each machine stands on the frontier, why the others lost, and what binds: codes with the numbers that decided.

Nothing here decides: the search has.  This looks back at its arrays for the numbers that a reader would ask for.

`whys`, `rejected`, `binding` and `caveats` each make one part of a plan; `unfit`, `cheapest_fit` and `contract_eur` also
serve the error that says why nothing fits.  Constraints have the search's names in its masks (`Evaluated.met`), and those of
the independent checker in the records of a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from terp.arrays import Bools, Floats
from terp.catalogue import Accelerator, Node
from terp.notes import Caveat
from terp.physics import architecture_of, is_measured
from terp.plan.machines.designs import Loser
from terp.plan.money.payers import affordable, slack_eur
from terp.plan.outcome.machine_figures import gpu_of, named_kind
from terp.plan.outcome.machine_records import MachineKind
from terp.plan.outcome.plan_records import BindingConstraint, RejectedKind
from terp.plan.reason_codes import Code, ConstraintName, Datum, Reason
from terp.plan.search.evaluate import CONTRACT_LINES, PRICED, Evaluated
from terp.plan.search.frontier import Pick, best_of, best_of_kinds, by_kind
from terp.plan.search.workings import Workings
from terp.plan.uncertainty.price_scenarios import kind_of
from terp.predict import work_is_measured

LOOSER: Final = 0.01
"""How much more a constraint is let have to tell what it is worth, as a share of what it allows."""
_CHEAPER: Final = 0.99  # of the best machine's cost: below it a machine is there for being cheaper
_BEATEN_IN: Final = {
    "rmax": Code.BEATEN_IN_RMAX,
    "tokens": Code.BEATEN_IN_TOKENS,
    "unit-cost": Code.BEATEN_IN_UNIT_COST,
    "energy": Code.BEATEN_IN_ENERGY,
    "carbon": Code.BEATEN_IN_CARBON,
}
"""Objective -> the code of what lost in it and in science."""


def whys(workings: Workings, picks: Sequence[Pick]) -> dict[str, Reason]:
    """What each machine of the frontier is there for, by its name.

    picks   the frontier, the recommended machine first; ratios in the reasons are over that machine

    The first that is true is said of each: it has the most Rmax of the frontier, it does science earlier, it costs less than
    99 % of the recommended one, or else it is the best of its GPU.
    """
    best = picks[0]
    reasons = {best.name: Reason(Code.LEADS, {"objective": workings.inputs.objective})}
    fastest = max(pick.value("rmax") for pick in picks)
    for pick in picks[1:]:
        cost, science = (pick.value(name) / best.value(name) for name in ("cost", "science"))
        if pick.value("rmax") == fastest:
            reasons[pick.name] = Reason(Code.FASTEST, {"science_ratio": science})
        elif pick.value("time") < best.value("time"):
            months = round(best.value("time") - pick.value("time"))
            reasons[pick.name] = Reason(Code.EARLIER, {"months_count": months, "science_ratio": science})
        elif cost < _CHEAPER:
            reasons[pick.name] = Reason(Code.CHEAPER, {"science_ratio": science, "cost_ratio": cost})
        else:
            reasons[pick.name] = Reason(Code.BEST_OF_GPU, {"gpu": gpu_of(workings, pick), "science_ratio": science})
    return reasons


def rejected(
    workings: Workings, entries: Sequence[Evaluated], picks: Sequence[Pick], early: Sequence[Loser]
) -> Iterator[RejectedKind]:
    """The best machine of each kind that is not on the frontier, and why; then what was turned away at the door.

    entries   every design that was searched;  picks   the frontier, the recommended machine first
    early     kinds that were turned away before any number was looked at

    In order: kinds that fit and were beaten, the most science first, with what they cost and do; kinds of which no number of
    nodes meets all constraints; and those of `early`.
    """
    objective, shown = workings.inputs.objective, {kind_of(pick.entry) for pick in picks}
    fitting = best_of_kinds(entries, objective)
    for kind, pick in sorted(fitting.items(), key=lambda item: -item[1].value("science")):
        if kind not in shown:
            reason = _beaten(pick, picks[0], objective)
            science = pick.value("science") / pick.design.years_count
            of = named_kind(workings, kind)
            yield RejectedKind(pick.name, of, "dominated", reason, pick.value("cost"), science, pick.value("rmax"))
    for kind, of_kind in by_kind(entries).items():
        if kind not in fitting:
            yield RejectedKind(kind.name, named_kind(workings, kind), "constraint", unfit(workings, of_kind))
    for loser in early:
        place = workings.inputs.places.get(loser.place)
        of = MachineKind(loser.node, loser.label, loser.place, place.title if place else "")
        yield RejectedKind(loser.name, of, "constraint", loser.reason)


def _beaten(pick: Pick, best: Pick, objective: str) -> Reason:
    """By how much, and through which of its two halves: GPUs for the money, or what each gets done.

    Ratios are over the recommended machine; `worth_ratio` is the H100-hours that an hour of the beaten machine's GPUs is
    worth.

    Where the objective is science, cost or time the reason compares science and cost alone; of any other objective the ratio
    in that objective stands beside them.
    """
    data: dict[str, Datum] = {
        "science_ratio": pick.value("science") / best.value("science"),
        "cost_ratio": pick.value("cost") / best.value("cost"),
        "gpus_count": int(pick.entry.gpus_count[pick.row]),
        "worth_ratio": float(pick.entry.domain_hours_count[pick.row].sum() / pick.value_of("gpu_hours_count")),
    }
    if objective in _BEATEN_IN:
        return Reason(_BEATEN_IN[objective], {"objective_ratio": pick.value(objective) / best.value(objective), **data})
    return Reason(Code.BEATEN, data)


def unfit(workings: Workings, entries: Sequence[Evaluated]) -> Reason:
    """Which constraint keeps all numbers of nodes of some designs out, with what the best of them reaches.

    entries   of one kind of machine, at least one; none of their machines meets all constraints

    Looked for in this order: a PUE above the ceiling of the place, an Rmax or a rank out of reach, the ceiling on the
    contract, the money, the power of the place.  If none of these explains it, all constraints are named that no machine
    meets, or "together" if each of them is met by some.
    """
    node = workings.inputs.catalogue.part(Node, entries[0].design.frame.node)
    place = workings.inputs.places[entries[0].design.place].choice
    limit_eur = workings.prices.contract_limit_eur
    never = [name for name in entries[0].met if not any(entry.met[name].any() for entry in entries)]
    if "pue" in never and place.pue_ceiling_ratio is not None:
        least = min(float(entry.pue_ratio.min()) for entry in entries)
        return Reason(Code.PUE_TOO_HIGH, {"pue_ratio": least, "limit_ratio": place.pue_ceiling_ratio})
    if "rank" in never:
        most = max(float(entry.rmax_flop_per_s[entry.without("rank").fits].max(initial=0.0)) for entry in entries)
        return Reason(Code.RMAX_TOO_LOW, {"rmax_flop_per_s": most})
    if "contract" in never and "money" not in never and limit_eur is not None:
        return Reason(Code.CONTRACT_TOO_LARGE, {"limit_eur": limit_eur})
    cheapest = cheapest_fit(entries)
    if cheapest is not None:
        return Reason(Code.TOO_EXPENSIVE, {"cost_eur": cheapest.value("cost"), "money_eur": workings.inputs.money_eur})
    if "power" in never:
        least_w = min(float(entry.peak_power_w.min()) for entry in entries)
        return Reason(Code.TOO_MUCH_POWER, {"power_w": least_w, "limit_w": place.power_w})
    return Reason(Code.NO_COUNT_FITS, {"node_title": node.title, "limits": tuple(sorted(never)) or ("together",)})


def cheapest_fit(entries: Sequence[Evaluated]) -> Pick | None:
    """The cheapest machine that meets everything but the money and the contract; None if there is none."""
    return best_of([entry.without(*PRICED) for entry in entries], "cost")


@dataclass(frozen=True)
class _Limit:
    """A constraint on the best machine, and what would be if it allowed a hundredth more.

    met              its name among the constraints of a search
    slack_fraction   how far the machine is below it, of the limit
    looser           which machines of its design would meet the looser one, shape (n,)
    """

    constraint: ConstraintName
    met: str
    slack_fraction: float
    looser: Bools


def binding(workings: Workings, best: Pick) -> tuple[BindingConstraint, ...]:
    """Constraints that hold the best machine back, and what a hundredth more of each would add to the objective.

    Only other numbers of nodes of the same design are looked at; another design might gain more.
    """
    return tuple(
        BindingConstraint(limit.constraint, limit.slack_fraction, _worth(workings, best, limit))
        for limit in _limits(workings, best)
    )


def _limits(workings: Workings, best: Pick) -> Iterator[_Limit]:
    """The constraints that can hold a machine back by degrees: money, power, PUE and the contract, where there are any.

    The room that is left is a share of what the constraint allows; of the money it is 1 where a payer has no bound.  More
    money means more of every payer alike, with ceilings and reserve as they are.
    """
    inputs, entry, more = workings.inputs, best.entry, 1 + LOOSER
    record, place = inputs.budget.record, inputs.places[best.design.place].choice
    money_eur = inputs.money_eur * (1 - record.reserve_fraction)
    slack, _ = slack_eur(entry.by_class_eur[[best.row]], inputs.sources, record.vat, record.reserve_fraction)
    richer = [replace(source, amount_eur=source.amount_eur * more) for source in inputs.sources]
    paid = affordable(entry.by_class_eur, richer, record.vat, record.reserve_fraction)
    yield _Limit("money", "money", float(slack[0]) / money_eur if np.isfinite(money_eur) else 1.0, paid)
    left = 1 - best.value_of("peak_power_w") / place.power_w
    yield _Limit("power", "power", left, entry.peak_power_w <= more * place.power_w)
    if place.pue_ceiling_ratio is not None:
        left = 1 - best.value_of("pue_ratio") / place.pue_ceiling_ratio
        yield _Limit("pue", "pue", left, entry.pue_ratio <= more * place.pue_ceiling_ratio)
    limit_eur = workings.prices.contract_limit_eur
    if limit_eur is not None:
        contract = contract_eur(workings, entry)
        yield _Limit("machine_contract", "contract", 1 - float(contract[best.row]) / limit_eur, contract <= more * limit_eur)


def _worth(workings: Workings, best: Pick, limit: _Limit) -> float:
    """What a hundredth more of what a constraint allows would add to the objective, as a share; 0 if nothing better then
    fits.

    Below zero for an objective of which less is better.
    """
    objective = workings.inputs.objective
    better = best_of([replace(best.entry, met={**best.entry.met, limit.met: limit.looser})], objective)
    now = best.value(objective)
    return better.value(objective) / now - 1 if better is not None and now else 0.0


def contract_eur(workings: Workings, entry: Evaluated) -> Floats:
    """What the contract with a vendor comes to, for each machine of a design, at central prices [EUR]; shape (n,)."""
    ledger = workings.ledger_of(entry.design.years_count)
    return ledger.contract_eur(entry.quantities_count, workings.prices.tariff, CONTRACT_LINES)


def caveats(workings: Workings, best: Pick) -> tuple[Caveat, ...]:
    """What is not known to be true for a plan: what holds for all of them first, then what the best machine brings with
    it.

    What can be added is about its network if that is tapered, its cap, and what nobody has measured on its GPUs.
    """
    notes = [Caveat(Code.SCIENCE_BY_THROUGHPUT), Caveat(Code.UNMEASURED_GPUS), Caveat(Code.PRICES_MOVE)]
    if best.design.frame.oversubscription_ratio > 1:
        notes.append(Caveat(Code.TAPERED_NETWORK))
    if best.design.gpu_cap_fraction < 1:
        notes.append(Caveat(Code.GPU_CAP_SCALED))
    node = workings.inputs.catalogue.part(Node, best.design.frame.node)
    chip = workings.inputs.catalogue.part(Accelerator, node.accelerator)
    if not is_measured(chip, "hpl"):
        notes.append(Caveat(Code.HPL_NOT_MEASURED, {"architecture_title": architecture_of(chip).title}))
    if not work_is_measured(node.accelerator):
        notes.append(Caveat(Code.WORK_BY_MEMORY, {"gpu_title": chip.short_title}))
    return tuple(notes)
