"""A budget -> a plan: searched, checked, held against a thousand price scenarios, its frontier simulated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue import Node
from terp.errors import Problems, TerpError
from terp.plan.machines.designs import Design, Loser, designs
from terp.plan.machines.machine_writer import machine_text
from terp.plan.machines.workload_writer import workload_text
from terp.plan.money.ledger import Tariff
from terp.plan.outcome.document import Found, document, title_of
from terp.plan.outcome.independent_check import Check, Subject, check_machine
from terp.plan.outcome.reasons import binding, losers, nothing, nothing_to_try, whys
from terp.plan.outcome.simulated_years import Asked, team
from terp.plan.planning_inputs import Inputs
from terp.plan.search.bound import bound_fraction
from terp.plan.search.evaluate import Evaluated, evaluate
from terp.plan.search.frontier import Pick, Searched, best_of, frontier, rank_of, search
from terp.plan.search.price_table import Setting
from terp.plan.uncertainty.price_scenarios import Kind, costs_of, drawn, kind_of
from terp.plan.uncertainty.robustness import robustness
from terp.sweep.executors import Crew

DESIGNS_PER_KIND: Final = 4
"""Designs of each kind of machine that are sized anew in price scenarios: its best ones at central prices."""
WIDER: Final = 3.0
"""Times the money up to which machines are looked at in price scenarios, where all may be cheaper."""
_MOST_DROPPED: Final = 200

Tell = Callable[[str, float], None]


class NothingFits(TerpError):
    """No machine meets the budget: the cheapest that meets all but the money, and which constraint binds."""


@dataclass(frozen=True)
class Plan:
    """A plan: its document, the text of each machine's file by name, the recommended one first, and of its workload's."""

    document: dict[str, Any]
    machines: dict[str, str]
    workload: str


def make_plan(
    inputs: Inputs, crew: Crew | None = None, scenarios_count: int = 1000, seed: int = 1, tell: Tell | None = None
) -> Plan:
    """Plans.  The same inputs and seed give the same plan.

    crew   who simulates the frontier's years; None: nobody, and `simulated` is null
    tell   called with what is being done and the share of it

    Raises NothingFits, with what the cheapest fit would cost, and Problems for what cannot be planned at all.
    """
    began, told = time.perf_counter(), tell or (lambda _stage, _share: None)
    with team(crew) as workers:
        wanted, early = designs(inputs)
        setting, wanted, more = _workable(inputs, wanted)
        if not wanted:
            raise NothingFits(nothing_to_try([*early, *more]))
        searched = search(setting, wanted, lambda share: told("search", share))
        searched, picks, checks = _checked(setting, searched)
        picks = [replace(pick, entry=evaluate(setting, pick.design)) for pick in picks]
        texts = {pick.name: text_of(setting, pick) for pick in picks}
        if workers is not None:
            workers.begin(_asked(setting, picks, texts), {pick.name: pick.design.years_count for pick in picks})
        tariff = drawn(setting, scenarios_count, seed)
        leading, wide = _leading(setting, searched)
        robust, swung = robustness(wide, leading, picks[0], tariff, lambda share: told("prices", share))
        years = workers.finish(lambda share: told("simulate", share)) if workers is not None else {}
    found = Found(
        setting=setting,
        searched=searched,
        bound_fraction=_bound(setting, searched, picks[0]),
        picks=tuple(picks),
        checks=checks,
        tariff=tariff,
        by_scenario={pick.name: _costs(setting, pick, tariff) for pick in picks},
        losers=tuple(losers(setting, searched.entries, picks, [*early, *more])),
        binding=tuple(binding(setting, picks[0])),
        sensitivity=tuple(swung),
        robustness=robust,
        years=years,
        wall_s=time.perf_counter() - began,
        whys=whys(setting, picks),
    )
    return Plan(document(found), texts, workload_text(inputs, int(picks[0].value_of("gpus_count"))))


def _workable(inputs: Inputs, wanted: Sequence[Design]) -> tuple[Setting, list[Design], list[Loser]]:
    """The designs whose nodes can run the workload and whose parts all have a price, and why the others cannot."""
    setting, kept, lost = Setting(inputs, [design.frame for design in wanted]), list[Design](), dict[str, Loser]()
    for design in wanted:
        node = design.frame.node
        unpriced = setting.unpriced_of(design.frame)
        reason = f"no price of {', '.join(unpriced)} is known" if unpriced else ""
        try:
            if not reason:
                setting.jobs_of(design.frame)
        except Problems as error:
            reason = f"the workload cannot run: {error.problems[0].wrong}"
        if not reason:
            kept.append(design)
        elif node not in lost:
            lost[node] = Loser(node, inputs.catalogue.part(Node, node).title, reason)
    names = {design.frame.node for design in kept}
    return setting, kept, [loser for node, loser in lost.items() if node not in names]


def _checked(setting: Setting, searched: Searched) -> tuple[Searched, list[Pick], dict[str, list[Check]]]:
    """The frontier, each machine of which the independent checker lets pass; what it does not is taken out of the search.

    Raises NothingFits.
    """
    entries, checks = list(searched.entries), dict[str, list[Check]]()
    for _ in range(_MOST_DROPPED):
        best = best_of(entries, setting.inputs.objective)
        if best is None:
            raise NothingFits(nothing(setting, entries))
        picks, dropped = frontier(entries, best), False
        for pick in picks:
            if pick.name not in checks:
                checks[pick.name] = check_machine(setting.inputs, subject_of(setting, pick))
            if not all(check.met for check in checks[pick.name]):
                at = next(place for place, entry in enumerate(entries) if entry.design == pick.design)
                entries[at] = _without(entries[at], pick.row)
                dropped = True
        if not dropped:
            return replace(searched, entries=tuple(entries)), picks, checks
    raise NothingFits("the independent checker turned away every machine that was tried last; please report this budget")


def _bound(setting: Setting, searched: Searched, best: Pick) -> float:
    steps = [setting.step_of(entry.design.frame) for entry in searched.entries]
    return bound_fraction(searched.entries, best, setting.inputs.objective, steps)


def _without(entry: Evaluated, row: int) -> Evaluated:
    mask = entry.met.get("checked", np.ones(entry.nodes_count.size, np.bool_)).copy()
    mask[row] = False
    return replace(entry, met={**entry.met, "checked": mask})


def subject_of(setting: Setting, pick: Pick) -> Subject:
    """A pick as the checker takes it."""
    return Subject(pick.name, text_of(setting, pick), pick.design.place, pick.design.years_count, pick.design.delivered)


def text_of(setting: Setting, pick: Pick) -> str:
    """The machine file of a pick."""
    inputs, design = setting.inputs, pick.design
    board_w = setting.jobs_of(design.frame).machine.accelerator.board_power_w
    extras = design.extras(inputs, np.array([pick.nodes_count])).single
    place = inputs.places[design.place]
    return machine_text(
        design.frame, pick.nodes_count, extras, inputs.catalogue,
        name=pick.name,
        title=title_of(setting, pick),
        site=place.choice.site,
        country=place.site.record.country,
        in_service=int(design.first_science[:4]),
        spare_nodes_count=pick.spare_count,
        gpu_cap_w=board_w * design.gpu_cap_fraction if design.gpu_cap_fraction < 1 else None,
        origin=[f"Made by terp plan from {inputs.budget.record.name}: {inputs.budget.record.title}."],
    )  # fmt: skip


def _leading(setting: Setting, searched: Searched) -> tuple[list[Evaluated], Setting]:
    """The best designs of each kind, with as many nodes as lower prices could pay; the best first, which wins of equals."""
    objective = setting.inputs.objective
    grouped: dict[Kind, list[Pick]] = {}
    for entry in searched.entries:
        pick = best_of([entry], objective)
        if pick is not None:
            grouped.setdefault(kind_of(entry), []).append(pick)
    ordered = [sorted(group, key=lambda pick: rank_of(pick, objective), reverse=True) for group in grouped.values()]
    leading = [pick for group in ordered for pick in group[:DESIGNS_PER_KIND]]
    leading.sort(key=lambda pick: rank_of(pick, objective), reverse=True)
    wide = setting.wider(WIDER)
    return [evaluate(wide, pick.design) for pick in leading], wide


def _costs(setting: Setting, pick: Pick, tariff: Tariff) -> Floats:
    """Costs of a machine by scenario and class [EUR]."""
    return costs_of(setting, pick.entry, np.full(tariff.market_ratio.size, pick.row), tariff).by_class_eur


def _asked(setting: Setting, picks: Sequence[Pick], texts: Mapping[str, str]) -> list[Asked]:
    """The machines whose years are simulated."""
    want = setting.inputs.budget.record.want
    return [
        Asked(
            pick.name, texts[pick.name], setting.inputs.places[pick.design.place].choice.site, want.workload,
            tuple(want.domains.items()), want.load_fraction,
        )
        for pick in picks
    ]  # fmt: skip
