"""Why the others lost, what binds, and what would change the answer, each in a sentence with the number that decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue import Node
from terp.describe import COST_CLASSES, CostClass
from terp.plan.machines.designs import Loser
from terp.plan.machines.titles import compared
from terp.plan.money.payers import affordable, allocate, slack_eur, unpaid_eur
from terp.plan.outcome.assumptions import known, speed_title
from terp.plan.outcome.document import gpu_of, kind_title, loser_data, title_of
from terp.plan.search.evaluate import CONTRACT_LINES, PRICED, Evaluated, evaluate
from terp.plan.search.frontier import Pick, best_of, best_of_kinds, by_kind
from terp.plan.search.objectives import OBJECTIVES
from terp.plan.search.price_table import Setting
from terp.plan.uncertainty.price_scenarios import Futures, Kind, Swing, kind_of

_ANY: Final = np.ones(1, np.bool_)
LOOSER: Final = 0.01
_LOST_IN: Final = {
    "rmax": "Rmax",
    "tokens": "tokens",
    "unit-cost": "money an H100-hour",
    "energy": "energy",
    "carbon": "carbon",
}


def whys(setting: Setting, picks: Sequence[Pick]) -> dict[str, str]:
    """What each machine of the frontier is there for."""
    best, found = picks[0], {}
    title = OBJECTIVES[setting.inputs.objective].title.lower()
    found[best.name] = f"It leads in what the budget asks for: {title}."
    for pick in picks[1:]:
        cost, science = (pick.value(name) / best.value(name) for name in ("cost", "science"))
        if pick.value("rmax") == max(one.value("rmax") for one in picks):
            found[pick.name] = f"Fastest in HPL, with {compared(science, 'science')}."
        elif pick.value("time") < best.value("time"):
            earlier = best.value("time") - pick.value("time")
            found[pick.name] = (
                f"{earlier:.0f} month{'s' if round(earlier) != 1 else ''} earlier, with {compared(science, 'science')}."
            )
        elif cost < 0.99:
            found[pick.name] = f"{science:.0%} of the science for {cost:.0%} of the money."
        else:
            found[pick.name] = f"The best with {gpu_of(setting, pick)}, with {compared(science, 'science')}."
    return found


def losers(
    setting: Setting, entries: Sequence[Evaluated], picks: Sequence[Pick], early: Sequence[Loser]
) -> Iterator[dict[str, Any]]:
    """The best machine of each kind that is not on the frontier, and why; then what was turned away at the door."""
    objective, there = setting.inputs.objective, {kind_of(pick.entry) for pick in picks}
    fitting = best_of_kinds(entries, objective)
    for kind, pick in sorted(fitting.items(), key=lambda item: -item[1].value("science")):
        if kind not in there:
            loser = Loser(pick.name, kind_title(setting, kind), _beaten(pick, picks[0], objective), "dominated")
            yield loser_data(loser, pick)
    for kind, mine in by_kind(entries).items():
        if kind not in fitting:
            yield loser_data(Loser(kind.name, kind_title(setting, kind), unfit(setting, mine)))
    for loser in early:
        yield loser_data(loser)


def _beaten(pick: Pick, best: Pick, objective: str) -> str:
    """By how much, and through which of its two halves: GPUs for the money, or what each gets done."""
    science, cost = (pick.value(name) / best.value(name) for name in ("science", "cost"))
    worth = pick.entry.domain_hours_count[pick.row].sum() / pick.value_of("gpu_hours_count")
    lost = compared(science, "science")
    if objective in _LOST_IN:
        lost = f"{compared(pick.value(objective) / best.value(objective), _LOST_IN[objective])} and {lost}"
    money = "the same money" if abs(cost - 1) < 0.01 else compared(cost, "money")
    return f"{lost} for {money}: {pick.entry.gpus_count[pick.row]:,} GPUs, each worth {worth:.2f} H100s."


def unfit(setting: Setting, entries: Sequence[Evaluated]) -> str:
    """Which constraint keeps all numbers of nodes of some designs out."""
    node = setting.inputs.catalogue.part(Node, entries[0].design.frame.node)
    place = setting.inputs.places[entries[0].design.place].choice
    never = [name for name in entries[0].met if not any(entry.met[name].any() for entry in entries)]
    if "pue" in never and place.pue_ceiling_ratio is not None:
        least = min(float(entry.pue_ratio.min()) for entry in entries)
        return f"PUE of {least:.2f}, and {place.pue_ceiling_ratio:g} is allowed."
    if "rank" in never:
        most = max(float(entry.rmax_flop_per_s[entry.without("rank").fits].max(initial=0.0)) for entry in entries)
        return f"Reaches {most / 1e15:.1f} Pflop/s in HPL, too little for the rank that is asked for."
    if "contract" in never and "money" not in never and setting.contract_limit_eur is not None:
        return (
            f"Every contract for what must be there is above the EUR {setting.contract_limit_eur / 1e6:.1f} million allowed."
        )
    cheapest = cheapest_fit(entries)
    if cheapest is not None:
        may, eur = setting.inputs.money_eur, cheapest.value("cost")
        return (
            f"The smallest that meets the rest costs EUR {eur / 1e6:.1f} million, and there are EUR {may / 1e6:.1f} million."
        )
    if "power" in never:
        least_w = min(float(entry.peak_power_w.min()) for entry in entries)
        return f"Takes {least_w / 1e6:.1f} MW, and the hall feeds {place.power_w / 1e6:.1f} MW."
    blocking = sorted(never) or ["the constraints together"]
    return f"No number of {node.title} meets {', '.join(blocking)}."


def cheapest_fit(entries: Sequence[Evaluated]) -> Pick | None:
    """The cheapest machine that meets everything but the money."""
    return best_of([entry.without(*PRICED) for entry in entries], "cost")


def binding(setting: Setting, best: Pick) -> list[dict[str, Any]]:
    """Constraints that hold the best machine back, and what a hundredth more of each would add to the objective."""
    record, place = setting.inputs.budget.record, setting.inputs.places[best.design.place].choice
    money = setting.inputs.money_eur * (1 - record.reserve_fraction)
    slack, _ = slack_eur(best.entry.by_class_eur[[best.row]], setting.inputs.sources, record.vat, record.reserve_fraction)
    rows = [("money", float(slack[0]) / money if np.isfinite(money) else 1.0)]
    rows.append(("power", 1 - best.value_of("peak_power_w") / place.power_w))
    if place.pue_ceiling_ratio is not None:
        rows.append(("pue", 1 - best.value_of("pue_ratio") / place.pue_ceiling_ratio))
    if setting.contract_limit_eur is not None:
        contract = float(contract_eur(setting, best.entry)[best.row])
        rows.append(("machine_contract", 1 - contract / setting.contract_limit_eur))
    return [{"constraint": name, "slack_fraction": slack_, "worth": worth_of(setting, best, name)} for name, slack_ in rows]


def worth_of(setting: Setting, best: Pick, name: str) -> float:
    """What a hundredth more of what a constraint allows would add to the objective, as a share."""
    entry, record = best.entry, setting.inputs.budget.record
    place, more = setting.inputs.places[best.design.place].choice, 1 + LOOSER
    if name == "money":
        sources = [replace(source, amount_eur=source.amount_eur * more) for source in setting.inputs.sources]
        mask = affordable(entry.by_class_eur, sources, record.vat, record.reserve_fraction)
    elif name == "power":
        mask = entry.peak_power_w <= more * place.power_w
    elif name == "pue":
        mask = entry.pue_ratio <= more * (place.pue_ceiling_ratio or np.inf)
    else:
        name, mask = "contract", contract_eur(setting, entry) <= more * (setting.contract_limit_eur or np.inf)
    found = best_of([replace(entry, met={**entry.met, name: mask})], setting.inputs.objective)
    now = best.value(setting.inputs.objective)
    return found.value(setting.inputs.objective) / now - 1 if found is not None and now else 0.0


def contract_eur(setting: Setting, entry: Evaluated) -> Floats:
    """What the contract with a vendor comes to, for each machine of a design [EUR]."""
    return setting.ledger_of(entry.design.years_count).contract_eur(entry.quantities_count, setting.tariff, CONTRACT_LINES)


def throughput_range(setting: Setting, pick: Pick) -> tuple[float, float]:
    """Low and high of what an hour of a machine's GPUs is worth, over the central value, by the budget's domains."""
    work, weights = setting.work_of_frame(pick.design.frame, pick.design.gpu_cap_fraction), setting.inputs.weights
    central, low, high = (
        sum(weights[name] * ratios[name] for name in weights)
        for ratios in (work.h100_ratio, work.low_ratio, work.high_ratio)
    )
    return low / central, high / central


def sensitivity(setting: Setting, found: Sequence[Swing], rates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `sensitivity`: prices and rates, then throughput; by what they do to the answer."""
    rows = []
    for swing in found:
        kind, title, status, source = known(setting, swing.name)
        rows.append(
            {
                "name": swing.name,
                "title": title,
                "kind": kind,
                "low_ratio": swing.low_ratio,
                "high_ratio": swing.high_ratio,
                "objective_low_fraction": swing.values[0] - 1,
                "objective_high_fraction": swing.values[1] - 1,
                "best_at_low": _title(setting, swing.winners[0]),
                "best_at_high": _title(setting, swing.winners[1]),
                "changes_at_ratio": swing.changes_at_ratio,
                "changes_to": _title(setting, swing.changes_to) if swing.changes_at_ratio is not None else None,
                "source": source,
                "status": status,
            }
        )
    rows += [dict(row) for row in rates]
    return sorted(rows, key=lambda row: -max(abs(row["objective_low_fraction"]), abs(row["objective_high_fraction"])))


def _title(setting: Setting, kind: Kind | None) -> str | None:
    return None if kind is None else kind_title(setting, kind)


def throughput_swings(setting: Setting, told: Futures, picks: Mapping[Kind, Pick], chosen: Kind) -> list[dict[str, Any]]:
    """What the range of each GPU's worth does to the answer, at central prices; of objectives that count science alone.

    told   one scenario: the best of each kind at central prices
    """
    if setting.inputs.objective != "science":
        return []
    values = {kind: float(value) for kind, value in zip(told.kinds, told.values[:, 0], strict=True) if np.isfinite(value)}
    best = values[chosen]
    by_gpu: dict[str, Kind] = {}
    for kind in sorted(values, key=lambda kind: -values[kind]):
        by_gpu.setdefault(setting.inputs.catalogue.part(Node, kind.node).accelerator, kind)
    mine = setting.inputs.catalogue.part(Node, chosen.node).accelerator
    rival = max((kind for gpu, kind in by_gpu.items() if gpu != mine), key=lambda kind: values[kind], default=None)
    rows = []
    for gpu, kind in by_gpu.items():
        low, high = throughput_range(setting, picks[kind])
        at_low, at_high = values[kind] * low, values[kind] * high
        if gpu == mine:
            other = values[rival] if rival else 0.0
            changes, to = (other / best, rival) if rival and other / best >= 0.25 else (None, None)
            ends = max(at_low, other), at_high
            winners = kind if at_low >= other else rival, kind
        else:
            changes, to = (best / values[kind], kind) if best / values[kind] <= 4 else (None, None)
            ends = best, max(best, at_high)
            winners = chosen, kind if at_high > best else chosen
        rows.append(
            {
                "name": f"throughput.{gpu}", "title": speed_title(setting, gpu), "kind": "throughput",
                "low_ratio": low, "high_ratio": high, "objective_low_fraction": ends[0] / best - 1,
                "objective_high_fraction": ends[1] / best - 1, "best_at_low": _title(setting, winners[0]),
                "best_at_high": _title(setting, winners[1]), "changes_at_ratio": changes, "changes_to": _title(setting, to),
                "source": "", "status": "derived",
            }
        )  # fmt: skip
    return rows


def nothing_to_try(early: Sequence[Loser]) -> str:
    """Why no design could even be tried."""
    lines = [f"nothing that the catalogue sells can be considered; of {len(early)} kinds of machine:"]
    return "\n".join([*lines, *(f"  {loser.title}: {loser.reason}" for loser in early[:12])])


def nothing(setting: Setting, entries: Sequence[Evaluated]) -> str:
    """Why nothing fits, and what would, with as much money as it takes."""
    free = setting.wider(float("inf"))
    entries = [evaluate(free, entry.design) for entry in entries]
    cheapest = cheapest_fit(entries)
    if cheapest is None:
        names = dict.fromkeys(name for entry in entries for name in entry.met if name not in PRICED)
        blocking = [name for name in names if not any(entry.met.get(name, _ANY).any() for entry in entries)]
        if setting.inputs.budget.record.must.rank_count is None:
            blocking = ["rmax" if name == "rank" else name for name in blocking]
        told = ", ".join(blocking) or "the constraints taken together"
        return f"no machine meets what must be there, whatever it costs, with the power of the sites: {told} cannot be met"
    if setting.contract_limit_eur is not None and affordable(
        cheapest.entry.by_class_eur[[cheapest.row]],
        setting.inputs.sources,
        setting.inputs.budget.record.vat,
        setting.inputs.budget.record.reserve_fraction,
    ):
        eur = contract_eur(setting, cheapest.entry)[cheapest.row]
        return (
            f"no machine fits the contract of EUR {setting.contract_limit_eur / 1e6:.1f} million; that of the cheapest that "
            f"meets everything else comes to EUR {eur / 1e6:.1f} million: {title_of(setting, cheapest)}"
        )
    may = setting.inputs.money_eur
    reserve = setting.inputs.budget.record.reserve_fraction
    kept = f", {reserve:.0%} of it kept back" if reserve else ""
    costs = dict(zip(COST_CLASSES, cheapest.entry.by_class_eur[cheapest.row].tolist(), strict=True))
    parts = ", ".join(f"{kind} {eur / 1e6:.1f}" for kind, eur in costs.items() if eur > 0)
    return (
        f"no machine fits the money of EUR {may / 1e6:.1f} million{kept}; the cheapest that meets everything else costs EUR "
        f"{cheapest.value('cost') / 1e6:.1f} million ({parts}){_unpaid(setting, costs, may)}: {title_of(setting, cheapest)}"
    )


def _unpaid(setting: Setting, costs: Mapping[CostClass, float], may_eur: float) -> str:
    """What of costs nobody may pay, where there is money enough in all."""
    record, sources, by_class = setting.inputs.budget.record, setting.inputs.sources, list(costs.values())
    if sum(by_class) > may_eur * (1 - record.reserve_fraction):
        return ""
    unpaid = unpaid_eur(allocate(by_class, sources, record.vat, record.reserve_fraction), by_class, sources, record.vat)
    return f", of which EUR {unpaid / 1e6:.1f} million are above what each payer has and may pay of each class"
