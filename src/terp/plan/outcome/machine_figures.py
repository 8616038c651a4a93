"""A machine of the frontier in figures: what it is, costs, reaches and gets done, for the plan's document.

Arrays of the search end here: a `PlannedMachine` has plain numbers of one machine.  Nothing is decided: the planner calls
`machine_figures` for each machine of the frontier when the checks, the price scenarios and the simulated years are there.

Central values are those of the search.  Intervals of costs are the 5th and the 95th percentile over the price scenarios,
those of Rmax come from `rmax_interval` of the GPU, and those of ranks from the growth of the TOP500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue import Accelerator, Node, StorageAppliance
from terp.describe import COST_CLASSES, CostClass
from terp.physics import rank_in, year_of_month
from terp.plan.machines.frames import Extras
from terp.plan.machines.node_counts import rmax_interval
from terp.plan.money import payers
from terp.plan.money.ledger import Tariff
from terp.plan.outcome.assumptions import status_of
from terp.plan.outcome.machine_records import (
    ConstraintCheck,
    CostOfLine,
    MachineKind,
    PlannedDesign,
    PlannedMachine,
    RankOfYear,
    SimulatedYears,
)
from terp.plan.outcome.simulated_years import Years, summary_of
from terp.plan.reason_codes import Reason
from terp.plan.search.frontier import Pick
from terp.plan.search.objectives import OBJECTIVES
from terp.plan.search.workings import Workings
from terp.plan.uncertainty.price_scenarios import Kind

LINES: Final[dict[str, str]] = {
    "nodes": "nodes",
    "fabric": "network",
    "storage": "storage",
    "management": "management",
    "partition": "european-nodes",
    "racks": "racks",
    "cooling": "cooling",
    "installation": "installation",
    "hall": "hall",
    "grid": "grid",
    "fit-out": "fit-out",
    "rent": "rent",
    "electricity": "electricity",
    "energy-tax": "energy-tax",
    "maintenance": "maintenance",
    "staff": "staff",
    "software": "software",
    "programme": "programme",
}
"""Line of the ledger -> its key in a document, in the order in which lines of a class stand; its title is `line.KEY`."""
_INTERVAL: Final = (0.05, 0.95)
"""Quantiles of the price scenarios that are the ends of a 90 % interval."""


@dataclass(frozen=True)
class FrontierFindings:
    """What is known of the machines of the frontier when their figures are written down.

    picks        the chosen one first, with their quantities
    checks       of the independent checker, by name;  whys   what each is there for, by name
    tariff       the price scenarios
    by_scenario  costs of each machine by scenario [EUR], shape (scenarios, classes), by name
    years        simulated, by name; empty where none were

    Checks, reasons and costs are there for every pick.  Amounts are of all years and without value-added tax.
    """

    picks: tuple[Pick, ...]
    checks: Mapping[str, Sequence[ConstraintCheck]]
    whys: Mapping[str, Reason]
    tariff: Tariff
    by_scenario: Mapping[str, Floats]
    years: Mapping[str, Years]


def _node_of(workings: Workings, name: str) -> Node:
    """The node of a name in the catalogue.  Raises UnknownName."""
    return workings.inputs.catalogue.part(Node, name)


def title_of(workings: Workings, pick: Pick) -> str:
    """The title of its machine file, such as "3,348 GPUs, GB200 NVL4, Groningen, a new hall".

    GPUs of the spare nodes are counted too, and the title is in English, as all of a machine file is.
    """
    gpus = int(pick.entry.gpus_count[pick.row])
    label = _node_of(workings, pick.design.frame.node).short_title
    return f"{gpus:,} GPUs, {label}, {workings.inputs.places[pick.design.place].title}"


def gpu_of(workings: Workings, pick: Pick) -> str:
    """What people call its GPU, such as "GB200"."""
    node = workings.inputs.catalogue.part(Node, pick.design.frame.node)
    return workings.inputs.catalogue.part(Accelerator, node.accelerator).short_title


def named_kind(workings: Workings, kind: Kind) -> MachineKind:
    """A kind of machine with what people call its node and its place.

    kind   of a design of this plan.  Raises UnknownName for a node, and KeyError for a place, that the plan does not know
    """
    return MachineKind(
        kind.node, _node_of(workings, kind.node).short_title, kind.place, workings.inputs.places[kind.place].title
    )


def machine_figures(workings: Workings, findings: FrontierFindings, pick: Pick) -> PlannedMachine:
    """One machine of the frontier, with intervals over the price scenarios.

    findings   of all machines of the frontier, since what leads in an objective is told by comparison;  pick   one of them

    Costs, power, energy and work are the row of the pick in the arrays of its design: at central prices, under a load that
    is the same all year.  Acquisition and building together are `capex_eur`, and operation over the years is
    `opex_eur_per_year`; the programme is in `tco_eur` alone.  A cost per hour is all of `tco_eur` over the hours of all
    years.

    Raises KeyError for a machine of which the findings have no check, reason or costs.
    """
    entry, row, design, inputs = pick.entry, pick.row, pick.design, workings.inputs
    acquisition, building, operation, _ = entry.by_class_eur[row].tolist()
    capex, tco = _intervals(findings.by_scenario[pick.name])
    allocation, ranks = allocation_of(workings, pick), _ranks(pick)
    rmax, rmax_low, rmax_high = _rmax_of(workings, pick)
    hours, years = pick.value_of("gpu_hours_count"), design.years_count
    work = workings.work_of_frame(design.frame, design.gpu_cap_fraction)
    return PlannedMachine(
        machine=pick.name,
        title=title_of(workings, pick),
        file=f"{pick.name}.yaml",
        design=_design(workings, pick),
        best_in=tuple(name for name in OBJECTIVES if _leads(findings.picks, pick, name)),
        why=findings.whys[pick.name],
        nodes_count=pick.nodes_count,
        gpus_count=int(entry.gpus_count[row]),
        gpu=gpu_of(workings, pick),
        capex_eur=acquisition + building, capex_low_eur=capex[0], capex_high_eur=capex[1],
        opex_eur_per_year=operation / years,
        tco_eur=pick.value("cost"), tco_low_eur=tco[0], tco_high_eur=tco[1],
        vat_eur=payers.tax_eur(allocation, inputs.sources, inputs.budget.record.vat),
        costs=cost_lines(workings, pick, findings.tariff),
        rmax_flop_per_s=rmax, rmax_low_flop_per_s=rmax_low, rmax_high_flop_per_s=rmax_high,
        rank=ranks[0].rank,
        ranks=ranks,
        power_w=pick.value_of("power_w"),
        peak_power_w=pick.value_of("peak_power_w"),
        pue_ratio=pick.value_of("pue_ratio"),
        energy_j_per_year=pick.value_of("energy_j"),
        carbon_kg_per_year=pick.value_of("carbon_kg"),
        gpu_hours_per_year=hours,
        science=dict(zip(inputs.weights, entry.domain_hours_count[row].tolist(), strict=True)),
        science_h100_hours_per_year=pick.value("science") / years,
        tokens_per_year=float(entry.tokens_count[row]),
        inference_tokens_per_s=work.inference_tokens_per_s * float(entry.gpus_count[row]),
        eur_per_gpu_hour=pick.value("cost") / (hours * years),
        eur_per_h100_hour=pick.value("cost") / pick.value("science"),
        first_science=design.first_science,
        access=payers.access(allocation, inputs.sources),
        simulated=_simulated(workings, findings, pick),
        checks=tuple(findings.checks[pick.name]),
    )  # fmt: skip


def _intervals(by_scenario_eur: Floats) -> tuple[list[float], list[float]]:
    """Low and high of acquisition and building, and of all costs [EUR]: the 5th and the 95th percentile.

    by_scenario_eur   costs by class, shape (scenarios, classes)
    """
    capex, tco = by_scenario_eur[:, :2].sum(1), by_scenario_eur.sum(1)
    return np.quantile(capex, _INTERVAL).tolist(), np.quantile(tco, _INTERVAL).tolist()


def _rmax_of(workings: Workings, pick: Pick) -> tuple[float, float, float]:
    """Rate in HPL, with its interval [flop/s].

    Gives the central rate, then low and high, which are fixed shares of it that depend on the GPU alone.
    """
    node = _node_of(workings, pick.design.frame.node)
    interval, rmax = rmax_interval(node, workings.inputs.catalogue), pick.value("rmax")
    return rmax, rmax * interval.low_ratio, rmax * interval.high_ratio


def _leads(picks: Sequence[Pick], pick: Pick, objective: str) -> bool:
    """True if a machine alone is the best of the frontier in an objective; of equal ones none leads.

    picks   the whole frontier, `pick` among them;  objective   a key of OBJECTIVES
    """
    values = [other.value(objective) for other in picks]
    best = min(values) if OBJECTIVES[objective].less else max(values)
    return pick.value(objective) == best and values.count(best) == 1


def _design(workings: Workings, pick: Pick) -> PlannedDesign:
    """Everything of a machine but the number of its nodes, with the counts of what stands beside them.

    Appliances are whole, so storage may be more than the floor of the budget; the first tier is flash.
    """
    design, inputs = pick.design, workings.inputs
    node, place = inputs.catalogue.part(Node, design.frame.node), inputs.places[design.place]
    extras = design.extras(inputs, np.array([pick.nodes_count])).single
    flash, disk = (
        inputs.catalogue.part(StorageAppliance, name) for name in (Extras().flash_appliance, Extras().capacity_appliance)
    )
    on_flash = float(extras.flash_appliances_count * flash.usable_bytes)
    return PlannedDesign(
        node=design.frame.node,
        node_title=node.title,
        node_label=node.short_title,
        topology=design.frame.topology,
        switch=design.frame.kit.switch,
        oversubscription_ratio=design.frame.oversubscription_ratio,
        cooling=node.cooling,
        site=design.place,
        site_title=place.title,
        hall=place.choice.hall,
        operation_years_count=design.years_count,
        gpu_cap_fraction=design.gpu_cap_fraction,
        spare_nodes_count=pick.spare_count,
        storage_bytes=on_flash + float(extras.capacity_appliances_count * disk.usable_bytes),
        flash_bytes=on_flash,
        european_nodes_count=int(extras.european_servers_count),
    )


def _ranks(pick: Pick) -> tuple[RankOfYear, ...]:
    """Places on delivery and in each year of operation, with the interval of the list's growth.

    The first entry is the place on delivery, and each of the others is a year later than the one before: one more entry than
    there are years of operation.  `year` is the calendar year; the rate of the machine stays the same, and the list grows.
    """
    began, rmax = year_of_month(pick.design.delivered), pick.value("rmax")
    rows = []
    for year in range(pick.design.years_count + 1):
        place = rank_in(began + year, rmax)
        rows.append(RankOfYear(int(began) + year, place.rank, place.low, place.high))
    return tuple(rows)


def cost_lines(workings: Workings, pick: Pick, tariff: Tariff) -> tuple[CostOfLine, ...]:
    """Costs by line with their intervals over the price scenarios; they sum to the total.

    tariff   the price scenarios

    Lines are in the order of COST_CLASSES, and within a class of LINES; those that cost nothing are left out.  Energy tax
    and
    the programme have no interval, since no price moves them.
    """
    prices, rows = workings.prices, np.array([pick.row])
    ledger, quantities = workings.ledger_of(pick.design.years_count), pick.entry.quantities_count[rows]
    central = ledger.by_line(quantities, prices.tariff)
    drawn = ledger.by_line(np.repeat(quantities, tariff.market_ratio.size, 0), tariff)
    fixed: list[tuple[str, CostClass, float]] = [
        ("energy-tax", "operation", float(pick.entry.tax_eur[pick.row])),
        ("programme", "programme", prices.programme_eur),
    ]
    lines = [(line, kind, float(eur[0]), np.quantile(drawn[line, kind], _INTERVAL)) for (line, kind), eur in central.items()]
    lines += [(line, kind, eur, np.array([eur, eur])) for line, kind, eur in fixed]
    order = list(LINES)
    lines.sort(key=lambda entry: (COST_CLASSES.index(entry[1]), order.index(entry[0])))
    return tuple(
        CostOfLine(LINES[line], kind, eur, min(float(ends[0]), eur), max(float(ends[1]), eur), status_of(workings, line))
        for line, kind, eur, ends in lines
        if eur > 0
    )


def allocation_of(workings: Workings, pick: Pick) -> payers.Allocation:
    """Who pays what of a machine at central prices, by payer and class [EUR], with the tax that each pays.

    What a payer pays nothing of has no entry.  Where costs exceed what may be paid, entries sum to less than the costs.
    """
    record = workings.inputs.budget.record
    costs = pick.entry.by_class_eur[pick.row].tolist()
    return payers.allocate(costs, workings.inputs.sources, record.vat, record.reserve_fraction)


def _simulated(workings: Workings, findings: FrontierFindings, pick: Pick) -> SimulatedYears | None:
    """Its simulated years, with its first in the year of its first jobs; None where there are none.

    GPU-hours become H100-hours by the worth of this machine's GPUs under its cap, and energy is billed at the price of its
    place.
    """
    years = findings.years.get(pick.name)
    if not years:
        return None
    work = workings.work_of_frame(pick.design.frame, pick.design.gpu_cap_fraction)
    price = workings.inputs.places[pick.design.place].choice.electricity_eur_per_j
    return summary_of(years, work.h100_ratio, int(year_of_month(pick.design.first_science)), price)
