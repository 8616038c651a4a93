"""A budget -> a plan: searched, checked, held against a thousand price scenarios, its frontier simulated.

This is the order of the work, and nothing else: each step is a package beside it.  The years of the frontier's machines
are sent out as soon as the frontier is known, and are collected at the end, so that other processes simulate while this
one draws prices.  What is made here is the record that `terp.plan.purchase` gives.

    designs       kinds of machine that may be bought at all; the others are losers with a reason (`machines.designs`)
    search        every design with every number of nodes that is tried (`search`)
    check         the frontier, each machine of which passes `outcome.independent_check`, or is taken out
    scenarios     prices drawn, the leading designs sized anew in each of them (`uncertainty`)
    simulation    the years of the frontier's machines, in other processes (`outcome.simulated_years`)
    records       figures, payers, assumptions and reasons of what was found (`outcome`)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Final

import numpy as np

import terp
from terp.arrays import Floats
from terp.catalogue import Node, read_reference
from terp.describe import COST_CLASSES
from terp.errors import Problems
from terp.physics import unit_price
from terp.plan.machines.designs import Design, Loser, designs
from terp.plan.machines.machine_writer import machine_text
from terp.plan.machines.workload_writer import workload_text
from terp.plan.money import payers
from terp.plan.money.ledger import Tariff
from terp.plan.outcome.assumptions import assumptions, cited
from terp.plan.outcome.independent_check import Subject, check_machine
from terp.plan.outcome.machine_figures import FrontierFindings, allocation_of, machine_figures, title_of
from terp.plan.outcome.machine_records import ConstraintCheck, PlannedMachine
from terp.plan.outcome.no_plan import NothingFits, nothing_fits, nothing_to_try
from terp.plan.outcome.plan_records import (
    CashFlowRow,
    DeliveryWindow,
    InputSwing,
    MoneyFlow,
    PayerShare,
    PlannedBudget,
    RentInstead,
    Robustness,
    SearchExtent,
)
from terp.plan.outcome.purchase_plan import PurchasePlan
from terp.plan.outcome.simulated_years import MachineYears, team
from terp.plan.outcome.verdicts import binding, caveats, rejected, whys
from terp.plan.planning_inputs import PlanningInputs
from terp.plan.reason_codes import Code, Reason
from terp.plan.search.bound import bound_fraction
from terp.plan.search.evaluate import Evaluated, evaluate
from terp.plan.search.frontier import Pick, Searched, best_of, frontier, rank_of, search
from terp.plan.search.price_table import unpriced_parts
from terp.plan.search.workings import Workings
from terp.plan.uncertainty.price_scenarios import Kind, costs_of, drawn, kind_of
from terp.plan.uncertainty.robustness import robustness
from terp.sweep.executors import Crew

DESIGNS_PER_KIND: Final = 4
"""Designs of each kind of machine that are sized anew in price scenarios: its best ones at central prices."""
WIDER: Final = 3.0
"""Times the money up to which machines are looked at in price scenarios, where all may be cheaper."""
_MOST_DROPPED: Final = 200
"""Rounds in which machines that the independent checker refuses are taken out, before the planner gives up."""

Progress = Callable[[str, float], None]
"""Hears what is being done ("search", "prices" or "simulate") and the share of it that is done."""


def make_plan(
    inputs: PlanningInputs,
    crew: Crew | None = None,
    scenarios_count: int = 1000,
    seed: int = 1,
    progress: Progress | None = None,
) -> PurchasePlan:
    """The plan of a budget.  The same inputs and seed give the same plan.

    inputs            from `read_inputs`
    crew              who simulates the frontier's years; None: nobody, and `simulated` is None
    scenarios_count   of prices, at least some fifty for an interval of 90 %
    seed              of the price scenarios; years have seeds of their own, from 1 on
    progress          hears the stage and the share of it that is done; None: nobody

    Raises NothingFits, with what the cheapest fit would cost, and Problems for what cannot be planned at all.

    The stages are told in the order "search", "prices", "simulate", each with a share from 0 to 1; the last one only where
    there is a crew.  What `progress` raises ends the plan.
    """
    began, tell = time.perf_counter(), progress or (lambda _stage, _share: None)
    with team(crew) as workers:
        wanted, early = designs(inputs)
        workings, wanted, more = _workable(inputs, wanted)
        early = [*early, *more]
        if not wanted:
            raise nothing_to_try(early)
        searched = search(workings, wanted, lambda share: tell("search", share))
        searched, picks, checks = _checked(workings, searched)
        picks = [replace(pick, entry=evaluate(workings, pick.design)) for pick in picks]
        files = {pick.name: text_of(workings, pick) for pick in picks}
        if workers is not None:
            workers.begin(_years_of(workings, picks, files), {pick.name: pick.design.years_count for pick in picks})
        tariff = drawn(workings, scenarios_count, seed)
        leading, wide = _leading(workings, searched)
        sure = robustness(wide, leading, picks[0], tariff, lambda share: tell("prices", share))
        years = workers.finish(lambda share: tell("simulate", share)) if workers is not None else {}
    findings = FrontierFindings(
        picks=tuple(picks),
        checks=checks,
        whys=whys(workings, picks),
        tariff=tariff,
        by_scenario={pick.name: _costs(workings, pick, tariff) for pick in picks},
        years=years,
    )
    machines = tuple(machine_figures(workings, findings, pick) for pick in picks)
    extent = _extent(workings, searched, picks[0], (scenarios_count, seed), began)
    plan = _plan(workings, picks, machines, extent, sure)
    lost = tuple(rejected(workings, searched.entries, picks, early))
    return replace(plan, rejected=lost, files=files, workload=workload_text(inputs, machines[0].gpus_count))


def _plan(
    workings: Workings,
    picks: Sequence[Pick],
    machines: tuple[PlannedMachine, ...],
    extent: SearchExtent,
    sure: tuple[float, Robustness, tuple[InputSwing, ...]],
) -> PurchasePlan:
    """The plan's record, but for what lost and its files.

    picks      the frontier, the recommended machine first;  machines   the same as records, in the same order
    sure       the recommended kind's share of wins, how sure it is, and the swings of the inputs
    extent     what was looked at

    Payers, cash flow, rent, binding constraints and caveats are of the recommended machine; assumptions of the whole
    frontier.
    """
    inputs, best = workings.inputs, picks[0]
    allocation, rows = allocation_of(workings, best), assumptions(workings, picks)
    costs = [(cost.line, cost.cost_class, cost.eur) for cost in machines[0].costs]
    timing = payers.Timing(best.design.delivered, best.design.years_count)
    return PurchasePlan(
        version=terp.__version__,
        budget=_budget(inputs),
        searched=extent,
        machines=machines,
        payers=_payers(workings, best, allocation, machines[0].gpu_hours_per_year),
        cash_flow=tuple(CashFlowRow(*row) for row in payers.cash_flow(allocation, timing)),
        flows=tuple(MoneyFlow(*row) for row in payers.flows(allocation, costs)),
        rent_instead=_rent(workings, best),
        rejected=(),
        binding=binding(workings, best),
        sensitivity=sure[2],
        robustness_fraction=sure[0],
        robustness=sure[1],
        assumptions=rows,
        sources=cited(workings, rows),
        caveats=caveats(workings, best),
    )  # fmt: skip


def _budget(inputs: PlanningInputs) -> PlannedBudget:
    """What was asked for, with names and titles of domains and sites, so that a plan is read without its budget.

    Domains are the weights that the plan went by, which sum to one, whether the budget gave them or its workload.  Sites are
    only those that were tried.
    """
    record = inputs.budget.record
    return PlannedBudget(
        name=record.name,
        title=record.title,
        file=inputs.budget.file,
        digest=inputs.digest,
        prices_of=record.prices_of,
        operation_years_count=record.operation_years_count,
        delivery=DeliveryWindow(record.delivery.from_month, record.delivery.until_month),
        money_eur=inputs.money_eur if isfinite(inputs.money_eur) else None,
        reserve_fraction=record.reserve_fraction,
        objective=inputs.objective,
        domains=inputs.weights,
        domain_titles={name: inputs.workload.record.domains[name].title for name in inputs.weights},
        site_titles=tuple(place.title for place in inputs.places.values()),
        notes=(record.note,) if record.note else (),
    )


def _extent(workings: Workings, searched: Searched, best: Pick, drawn_as: tuple[int, int], began_s: float) -> SearchExtent:
    """What was looked at, and how much better anything else could be.

    drawn_as  how many price scenarios, and their seed
    began_s   when the plan was begun, on the clock of `time.perf_counter` [s]

    Counts are of the search itself, before the independent checker took anything out; the bound is of what it left.
    """
    steps = [workings.step_of(entry.design.frame) for entry in searched.entries]
    return SearchExtent(
        designs_count=len(searched.entries),
        machines_count=searched.machines_count,
        feasible_count=searched.feasible_count,
        exhaustive=searched.exhaustive,
        bound_fraction=bound_fraction(searched.entries, best, workings.inputs.objective, steps),
        scenarios_count=drawn_as[0],
        wall_s=round(time.perf_counter() - began_s, 1),
        seed=drawn_as[1],
    )


def _rent(workings: Workings, pick: Pick) -> RentInstead:
    """What as many H100-hours as a machine does in all years would cost by the hour, without storage, egress and management.

    The price is that of the reference, moved to the month of the budget.

    Its low and high are the ends of the range of the price, and no interval of the price scenarios, which do not draw it.
    """
    price = unit_price(workings.inputs.prices, read_reference().record.rent, workings.inputs.budget.record.prices_of)
    hours = pick.value("science")
    return RentInstead(
        eur_per_h100_hour=price.eur,
        eur=price.eur * hours,
        low_eur=price.low_eur * hours,
        high_eur=price.high_eur * hours,
        status=price.status,
        source=price.source,
    )


def _payers(workings: Workings, pick: Pick, allocation: payers.Allocation, hours_count: float) -> tuple[PayerShare, ...]:
    """What each payer gives and gets, in the order of the budget.

    allocation    of the recommended machine's costs
    hours_count   GPU-hours of finished work a year

    `by_class` has every class of COST_CLASSES, with 0 for those of which a payer pays nothing.
    """
    record, sources = workings.inputs.budget.record, workings.inputs.sources
    access = payers.access(allocation, sources)
    costs = pick.entry.by_class_eur[pick.row].tolist()
    reached = payers.binding(allocation, costs, sources, record.vat, record.reserve_fraction)
    return tuple(
        PayerShare(
            name=source.name,
            title=source.title,
            amount_eur=source.amount_eur if isfinite(source.amount_eur) else None,
            pays_eur=sum(eur for (payer, _), eur in allocation.items() if payer == source.name),
            by_class={kind: allocation.get((source.name, kind), 0.0) for kind in COST_CLASSES},
            access_fraction=access[source.name],
            access_gpu_hours_per_year=access[source.name] * hours_count,
            binding=reached[source.name],
        )
        for source in sources
    )


def _workable(inputs: PlanningInputs, wanted: Sequence[Design]) -> tuple[Workings, list[Design], list[Loser]]:
    """The designs whose nodes can run the workload and whose parts all have a price, and why the others cannot.

    Gives the workings of all frames, the designs that are left, and a loser for each node of which no design is left.

    A node is no loser where any of its designs is left, such as one with another network.
    """
    workings, kept, lost = Workings(inputs, [design.frame for design in wanted]), list[Design](), dict[str, Loser]()
    for design in wanted:
        node, reason = design.frame.node, _unworkable(workings, design)
        if reason is None:
            kept.append(design)
        elif node not in lost:
            lost[node] = Loser(node, inputs.catalogue.part(Node, node).title, reason)
    names = {design.frame.node for design in kept}
    return workings, kept, [loser for node, loser in lost.items() if node not in names]


def _unworkable(workings: Workings, design: Design) -> Reason | None:
    """Why nothing can be worked out of a design, a part without a price or a job that it cannot run; None if it can.

    The jobs are predicted on a small machine of the design's frame, once for all designs of it.
    """
    unpriced = unpriced_parts(workings.inputs, design.frame)
    if unpriced:
        return Reason(Code.NO_PRICE, {"parts": ", ".join(unpriced)})
    try:
        workings.jobs_of(design.frame)
    except Problems as error:
        return Reason(Code.WORKLOAD_CANNOT_RUN, {"problem": error.problems[0].wrong})
    return None


def _checked(workings: Workings, searched: Searched) -> tuple[Searched, list[Pick], dict[str, list[ConstraintCheck]]]:
    """The frontier, each machine of which the independent checker lets pass; what it does not is taken out of the search.

    Gives the search without what failed, the frontier, and the checks of each machine by its name.  A machine that fails has
    another take its place, which is checked in turn, up to _MOST_DROPPED times.

    Raises NothingFits if nothing is left.
    """
    entries, checks = list(searched.entries), dict[str, list[ConstraintCheck]]()
    for _ in range(_MOST_DROPPED):
        best = best_of(entries, workings.inputs.objective)
        if best is None:
            raise nothing_fits(workings, entries)
        picks, dropped = frontier(entries, best), False
        for pick in picks:
            if pick.name not in checks:
                checks[pick.name] = check_machine(workings.inputs, subject_of(workings, pick))
            if not all(check.met for check in checks[pick.name]):
                at = next(place for place, entry in enumerate(entries) if entry.design == pick.design)
                entries[at] = _without(entries[at], pick.row)
                dropped = True
        if not dropped:
            return replace(searched, entries=tuple(entries)), picks, checks
    raise NothingFits(Reason(Code.NOTHING_CHECKED))


def _without(entry: Evaluated, row: int) -> Evaluated:
    """A design without the machine of one row, which then meets every constraint but one named "checked".

    row   index into the arrays of the entry.  Rows that were taken out before stay out
    """
    mask = entry.met.get("checked", np.ones(entry.nodes_count.size, np.bool_)).copy()
    mask[row] = False
    return replace(entry, met={**entry.met, "checked": mask})


def subject_of(workings: Workings, pick: Pick) -> Subject:
    """A pick as the checker takes it.

    All that it knows of the hardware is the text of the machine's file, so that what is checked is what would be saved.
    """
    return Subject(pick.name, text_of(workings, pick), pick.design.place, pick.design.years_count, pick.design.delivered)


def text_of(workings: Workings, pick: Pick) -> str:
    """The machine file of a pick, which `independent_check` builds and `save` writes.

    It names the site file, not the candidate's name, so that the machine is simulated at its place without the budget.

    Raises pydantic's ValidationError for a machine that no file can describe.
    """
    inputs, design = workings.inputs, pick.design
    board_w = workings.jobs_of(design.frame).machine.accelerator.board_power_w
    extras = design.extras(inputs, np.array([pick.nodes_count])).single
    place = inputs.places[design.place]
    return machine_text(
        design.frame, pick.nodes_count, extras, inputs.catalogue,
        name=pick.name,
        title=title_of(workings, pick),
        site=place.choice.site,
        country=place.site.record.country,
        in_service=int(design.first_science[:4]),
        spare_nodes_count=pick.spare_count,
        gpu_cap_w=board_w * design.gpu_cap_fraction if design.gpu_cap_fraction < 1 else None,
        origin=[f"Made by terp plan from {inputs.budget.record.name}: {inputs.budget.record.title}."],
    )  # fmt: skip


def _leading(workings: Workings, searched: Searched) -> tuple[list[Evaluated], Workings]:
    """The best designs of each kind, with as many nodes as lower prices could pay; the best first, which wins of equals.

    Gives DESIGNS_PER_KIND designs of each kind at most, evaluated up to WIDER times the money, and the workings of that.
    """
    objective = workings.inputs.objective
    grouped: dict[Kind, list[Pick]] = {}
    for entry in searched.entries:
        pick = best_of([entry], objective)
        if pick is not None:
            grouped.setdefault(kind_of(entry), []).append(pick)
    ordered = [sorted(group, key=lambda pick: rank_of(pick, objective), reverse=True) for group in grouped.values()]
    leading = [pick for group in ordered for pick in group[:DESIGNS_PER_KIND]]
    leading.sort(key=lambda pick: rank_of(pick, objective), reverse=True)
    wide = workings.wider(WIDER)
    return [evaluate(wide, pick.design) for pick in leading], wide


def _costs(workings: Workings, pick: Pick, tariff: Tariff) -> Floats:
    """Costs of a machine by scenario and class [EUR], shape (scenarios, classes), without value-added tax."""
    return costs_of(workings, pick.entry, np.full(tariff.market_ratio.size, pick.row), tariff).by_class_eur


def _years_of(workings: Workings, picks: Sequence[Pick], files: Mapping[str, str]) -> list[MachineYears]:
    """The machines whose years are simulated, in plain words for other processes; files are their texts by name."""
    want = workings.inputs.budget.record.want
    return [
        MachineYears(
            pick.name, files[pick.name], workings.inputs.places[pick.design.place].choice.site, want.workload,
            tuple(want.domains.items()), want.load_fraction,
        )
        for pick in picks
    ]  # fmt: skip
