"""plan.json: what was asked, what was found, and what it rests on, in plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

import numpy as np

import terp
from terp.arrays import Floats
from terp.catalogue import Accelerator, Node, StorageAppliance, read_reference
from terp.describe import COST_CLASSES, CostClass
from terp.physics import rank_in, rmax_interval, unit_price
from terp.plan.machines.designs import Loser
from terp.plan.machines.frames import Extras
from terp.plan.money import payers
from terp.plan.money.ledger import Tariff
from terp.plan.money.months import year_of
from terp.plan.outcome.assumptions import assumptions, cited, status_of
from terp.plan.outcome.independent_check import Check
from terp.plan.outcome.simulated_years import Years, summary_of
from terp.plan.search.frontier import Pick, Searched
from terp.plan.search.objectives import OBJECTIVES
from terp.plan.search.price_table import Setting
from terp.plan.uncertainty.price_scenarios import Kind

FORMAT: Final = "terp-plan/1"
LINES: Final[dict[str, tuple[str, str]]] = {
    "nodes": ("nodes", "GPU nodes"),
    "fabric": ("network", "Network"),
    "storage": ("storage", "Storage"),
    "management": ("management", "Management and login nodes"),
    "partition": ("european-nodes", "European nodes"),
    "racks": ("racks", "Racks"),
    "cooling": ("cooling", "Cooling"),
    "installation": ("installation", "Installation"),
    "hall": ("hall", "Hall"),
    "grid": ("grid", "Connection to the grid"),
    "fit-out": ("fit-out", "Fitting out the hall"),
    "rent": ("rent", "Rent of the hall"),
    "electricity": ("electricity", "Electricity"),
    "energy-tax": ("energy-tax", "Energy tax"),
    "maintenance": ("maintenance", "Maintenance"),
    "staff": ("staff", "Staff"),
    "software": ("software", "Software"),
    "programme": ("programme", "Programme"),
}
"""Line of the ledger -> its key and title in a document."""
_INTERVAL: Final = (0.05, 0.95)


@dataclass(frozen=True)
class Found:
    """What a plan came to, before it is written down.

    picks   the frontier, the chosen machine first;  costs  of each by scenario, shape (scenarios, classes)
    years   simulated, by name; empty where none were
    bound_fraction   how much better than the chosen machine anything that was not tried could be
    """

    setting: Setting
    searched: Searched
    bound_fraction: float
    picks: tuple[Pick, ...]
    checks: Mapping[str, Sequence[Check]]
    tariff: Tariff
    by_scenario: Mapping[str, Floats]
    losers: tuple[Mapping[str, Any], ...]
    binding: tuple[Mapping[str, Any], ...]
    sensitivity: tuple[Mapping[str, Any], ...]
    robustness: Mapping[str, Any]
    years: Mapping[str, Years]
    wall_s: float
    whys: Mapping[str, str] = field(default_factory=dict)


def document(found: Found) -> dict[str, Any]:
    """The whole document, see docs/formats/plan.md."""
    setting, best = found.setting, found.picks[0]
    frontier = [machine_data(found, pick) for pick in found.picks]
    allocation = allocation_of(setting, best)
    listed = assumptions(setting, found.picks)
    return {
        "format": FORMAT,
        "version": terp.__version__,
        "budget": _budget(setting),
        "searched": {
            "designs_count": len(found.searched.entries),
            "machines_count": found.searched.machines_count,
            "feasible_count": found.searched.feasible_count,
            "exhaustive": found.searched.exhaustive,
            "bound_fraction": found.bound_fraction,
            "scenarios_count": int(found.tariff.market_ratio.size),
            "wall_s": round(found.wall_s, 1),
        },
        "best": frontier[0],
        "frontier": frontier,
        "payers": _payers(setting, best, allocation, frontier[0]["gpu_hours_per_year"]),
        "cash_flow": payers.cash_flow(allocation, payers.Timing(best.design.delivered, best.design.years_count)),
        "flows": payers.flows(allocation, [(cost["line"], cost["class"], cost["eur"]) for cost in frontier[0]["costs"]]),
        "rent_instead": _rent(setting, best),
        "rejected": list(found.losers),
        "binding": list(found.binding),
        "sensitivity": list(found.sensitivity),
        "robustness_fraction": found.robustness["wins_fraction"],
        "robustness": {key: value for key, value in found.robustness.items() if key != "wins_fraction"},
        "assumptions": listed,
        "sources": cited(setting, listed),
        "caveats": caveats(found),
    }


def _budget(setting: Setting) -> dict[str, Any]:
    inputs, record = setting.inputs, setting.inputs.budget.record
    return {
        "name": record.name,
        "title": record.title,
        "file": inputs.budget.file,
        "digest": inputs.digest,
        "prices_of": record.prices_of,
        "operation_years_count": record.operation_years_count,
        "delivery": {"from": record.delivery.from_month, "until": record.delivery.until_month},
        "money_eur": inputs.money_eur if isfinite(inputs.money_eur) else None,
        "reserve_fraction": record.reserve_fraction,
        "objective": inputs.objective,
        "domains": inputs.weights,
        "domain_titles": {name: inputs.workload.record.domains[name].title for name in inputs.weights},
        "site_titles": [place.title for place in inputs.places.values()],
        "notes": [record.note] if record.note else [],
    }


def _rent(setting: Setting, pick: Pick) -> dict[str, Any]:
    """What as many H100-hours would cost by the hour, without storage, egress and management."""
    one = unit_price(setting.inputs.prices, read_reference().record.rent, setting.inputs.budget.record.prices_of)
    hours = pick.value("science")
    found = {"eur": one.eur * hours, "low_eur": one.low_eur * hours, "high_eur": one.high_eur * hours}
    return {"eur_per_h100_hour": one.eur, **found, "status": one.status, "source": one.source}


def title_of(setting: Setting, pick: Pick) -> str:
    """Such as "3,348 GPUs, GB200 NVL4, Groningen, a new hall"."""
    gpus = int(pick.entry.gpus_count[pick.row])
    node = setting.inputs.catalogue.part(Node, pick.design.frame.node)
    return f"{gpus:,} GPUs, {node.short_title}, {setting.inputs.places[pick.design.place].title}"


def gpu_of(setting: Setting, pick: Pick) -> str:
    """What people call its GPU, such as "GB200"."""
    node = setting.inputs.catalogue.part(Node, pick.design.frame.node)
    return setting.inputs.catalogue.part(Accelerator, node.accelerator).short_title


def kind_title(setting: Setting, kind: Kind) -> str:
    """A kind of machine for people."""
    node = setting.inputs.catalogue.part(Node, kind.node)
    return f"{node.short_title}, {setting.inputs.places[kind.place].title}"


def machine_data(found: Found, pick: Pick) -> dict[str, Any]:
    """One machine of the frontier."""
    setting, entry = found.setting, pick.entry
    return {
        "machine": pick.name,
        "title": title_of(setting, pick),
        "file": f"{pick.name}.yaml",
        "design": _design(setting, pick),
        "best_in": [name for name in OBJECTIVES if _leads(found.picks, pick, name)],
        "why": found.whys.get(pick.name, ""),
        "nodes_count": pick.nodes_count,
        "gpus_count": int(entry.gpus_count[pick.row]),
        "gpu": gpu_of(setting, pick),
        **_money_of(found, pick),
        **_rates_of(setting, pick),
        "power_w": pick.value_of("power_w"),
        "peak_power_w": pick.value_of("peak_power_w"),
        "pue_ratio": pick.value_of("pue_ratio"),
        "energy_j_per_year": pick.value_of("energy_j"),
        "carbon_kg_per_year": pick.value_of("carbon_kg"),
        **_science_of(setting, pick),
        "first_science": pick.design.first_science,
        "access": payers.access(allocation_of(setting, pick), setting.inputs.sources),
        "simulated": _simulated(found, pick),
        "checks": [check.as_data() for check in found.checks[pick.name]],
    }


def _money_of(found: Found, pick: Pick) -> dict[str, Any]:
    """What it costs, with its intervals."""
    setting, scenarios = found.setting, found.by_scenario[pick.name]
    acquisition, building, operation, _ = pick.entry.by_class_eur[pick.row].tolist()
    capex_low, capex_high = np.quantile(scenarios[:, :2].sum(1), _INTERVAL).tolist()
    tco_low, tco_high = np.quantile(scenarios.sum(1), _INTERVAL).tolist()
    tax_eur = payers.tax_eur(allocation_of(setting, pick), setting.inputs.sources, setting.inputs.budget.record.vat)
    return {
        "capex_eur": acquisition + building,
        "capex_low_eur": capex_low,
        "capex_high_eur": capex_high,
        "opex_eur_per_year": operation / pick.design.years_count,
        "tco_eur": pick.value("cost"),
        "tco_low_eur": tco_low,
        "tco_high_eur": tco_high,
        "vat_eur": tax_eur,
        "costs": costs_data(found, pick),
    }


def _rates_of(setting: Setting, pick: Pick) -> dict[str, Any]:
    """Its rate in HPL, and the ranks that come of it."""
    node = setting.inputs.catalogue.part(Node, pick.design.frame.node)
    low, high = rmax_interval(setting.inputs.catalogue.part(Accelerator, node.accelerator))
    rmax = pick.value("rmax")
    ranks = _ranks(pick, rmax)
    return {
        "rmax_flop_per_s": rmax,
        "rmax_low_flop_per_s": rmax * low,
        "rmax_high_flop_per_s": rmax * high,
        "rank": ranks[0]["rank"],
        "ranks": ranks,
    }


def _science_of(setting: Setting, pick: Pick) -> dict[str, Any]:
    """What it gets done in a year, and what that costs."""
    inputs, entry, row, years = setting.inputs, pick.entry, pick.row, pick.design.years_count
    hours, tco = pick.value_of("gpu_hours_count"), pick.value("cost")
    work = setting.work_of_frame(pick.design.frame, pick.design.gpu_cap_fraction)
    return {
        "gpu_hours_per_year": hours,
        "science": dict(zip(inputs.weights, entry.domain_hours_count[row].tolist(), strict=True)),
        "science_h100_hours_per_year": pick.value("science") / years,
        "tokens_per_year": float(entry.tokens_count[row]),
        "inference_tokens_per_s": work.inference_tokens_per_s * float(entry.gpus_count[row]),
        "eur_per_gpu_hour": tco / (hours * years),
        "eur_per_h100_hour": tco / pick.value("science"),
    }


def _leads(picks: Sequence[Pick], pick: Pick, name: str) -> bool:
    values = [one.value(name) for one in picks]
    best = min(values) if OBJECTIVES[name].less else max(values)
    return pick.value(name) == best and values.count(best) == 1


def _design(setting: Setting, pick: Pick) -> dict[str, Any]:
    design, inputs = pick.design, setting.inputs
    node, place = inputs.catalogue.part(Node, design.frame.node), inputs.places[design.place]
    extras = design.extras(inputs, np.array([pick.nodes_count])).single
    flash, disk = (
        inputs.catalogue.part(StorageAppliance, name) for name in (Extras().flash_appliance, Extras().capacity_appliance)
    )
    on_flash = extras.flash_appliances_count * flash.usable_bytes
    return {
        "node": design.frame.node,
        "node_title": node.title,
        "topology": design.frame.topology,
        "switch": design.frame.kit.switch,
        "oversubscription_ratio": design.frame.oversubscription_ratio,
        "cooling": node.cooling,
        "site": design.place,
        "site_title": place.title,
        "hall": place.choice.hall,
        "operation_years_count": design.years_count,
        "gpu_cap_fraction": design.gpu_cap_fraction,
        "spare_nodes_count": pick.spare_count,
        "storage_bytes": on_flash + extras.capacity_appliances_count * disk.usable_bytes,
        "flash_bytes": on_flash,
        "european_nodes_count": extras.european_servers_count,
    }


def _ranks(pick: Pick, rmax: float) -> list[dict[str, Any]]:
    """Places on delivery and in each year of operation."""
    began = year_of(pick.design.delivered)
    rows = []
    for year in range(pick.design.years_count + 1):
        place = rank_in(began + year, rmax)
        rows.append({"year": int(began) + year, "rank": place.rank, "rank_low": place.low, "rank_high": place.high})
    return rows


def costs_data(found: Found, pick: Pick) -> list[dict[str, Any]]:
    """Costs by line with their intervals; they sum to the total."""
    setting, rows = found.setting, np.array([pick.row])
    ledger, quantities = setting.ledger_of(pick.design.years_count), pick.entry.quantities_count[rows]
    central = ledger.by_line(quantities, setting.tariff)
    drawn = ledger.by_line(np.repeat(quantities, found.tariff.market_ratio.size, 0), found.tariff)
    fixed: list[tuple[str, CostClass, float]] = [
        ("energy-tax", "operation", float(pick.entry.tax_eur[pick.row])),
        ("programme", "programme", setting.programme_eur),
    ]
    lines = [(line, kind, float(eur[0]), np.quantile(drawn[line, kind], _INTERVAL)) for (line, kind), eur in central.items()]
    lines += [(line, kind, eur, np.array([eur, eur])) for line, kind, eur in fixed]
    order = list(LINES)
    return [
        {
            "line": LINES[line][0],
            "title": LINES[line][1],
            "class": kind,
            "eur": eur,
            "low_eur": min(float(ends[0]), eur),
            "high_eur": max(float(ends[1]), eur),
            "status": status_of(setting, line),
        }
        for line, kind, eur, ends in sorted(lines, key=lambda one: (COST_CLASSES.index(one[1]), order.index(one[0])))
        if eur > 0
    ]


def allocation_of(setting: Setting, pick: Pick) -> payers.Allocation:
    """Who pays what of a machine."""
    record = setting.inputs.budget.record
    costs = pick.entry.by_class_eur[pick.row].tolist()
    return payers.allocate(costs, setting.inputs.sources, record.vat, record.reserve_fraction)


def _payers(setting: Setting, pick: Pick, allocation: payers.Allocation, hours: float) -> list[dict[str, Any]]:
    record, sources = setting.inputs.budget.record, setting.inputs.sources
    access = payers.access(allocation, sources)
    costs = pick.entry.by_class_eur[pick.row].tolist()
    reached = payers.binding(allocation, costs, sources, record.vat, record.reserve_fraction)
    return [
        {
            "name": source.name,
            "title": source.title,
            "amount_eur": source.amount_eur if isfinite(source.amount_eur) else None,
            "pays_eur": sum(eur for (payer, _), eur in allocation.items() if payer == source.name),
            "by_class": {kind: allocation.get((source.name, kind), 0.0) for kind in COST_CLASSES},
            "access_fraction": access[source.name],
            "access_gpu_hours_per_year": access[source.name] * hours,
            "binding": ", ".join(reached[source.name]),
        }
        for source in sources
    ]


def _simulated(found: Found, pick: Pick) -> dict[str, Any] | None:
    years = found.years.get(pick.name)
    if not years:
        return None
    work = found.setting.work_of_frame(pick.design.frame, pick.design.gpu_cap_fraction)
    price = found.setting.inputs.places[pick.design.place].choice.electricity_eur_per_j
    return summary_of(years, work.h100_ratio, int(year_of(pick.design.first_science)), price)


def caveats(found: Found) -> list[str]:
    """What is not known to be true for this plan."""
    told = [
        "Science is counted in H100-hours, by predicted and measured throughput of today's software.",
        "GPUs that will be sold after those of the catalogue, such as Rubin's, have no measurement yet and are not in it.",
        "Prices move: the money is planned at the prices of the budget's month, without inflation or interest.",
    ]
    best = found.picks[0]
    if best.design.frame.oversubscription_ratio > 1:
        told.append(
            "The network is thinned out; by our models this costs the workload's jobs nothing, since they fit under a few "
            "switches, but jobs of many hundred GPUs would feel it."
        )
    if best.design.gpu_cap_fraction < 1:
        told.append("The cap on the GPUs' power was tested on measurements of one H100 alone; for others it is scaled.")
    node = found.setting.inputs.catalogue.part(Node, best.design.frame.node)
    if found.setting.inputs.catalogue.part(Accelerator, node.accelerator).architecture == "blackwell":
        told.append("No measurement of HPL on Blackwell was used: its rate, and with it the rank, is less certain.")
    return told


def loser_data(loser: Loser, pick: Pick | None = None) -> dict[str, Any]:
    """A row of `rejected`."""
    return {
        "machine": loser.machine,
        "title": loser.title,
        "reason": loser.reason,
        "kind": loser.kind,
        "tco_eur": pick.value("cost") if pick else None,
        "science_h100_hours_per_year": pick.value("science") / pick.design.years_count if pick else None,
        "rmax_flop_per_s": pick.value("rmax") if pick else None,
    }
