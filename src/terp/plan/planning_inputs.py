"""All that a plan is made from: the budget with the files that it names, prices at its month, and the workload it wants.

`read_inputs` is the only reader: it finds everything that is wrong at once.  After it nothing of a plan reads a file of
the budget, so a plan is a function of `PlanningInputs` and the number of its seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import terp
from terp.catalogue import Catalogue, Prices, read_catalogue, read_prices
from terp.describe import Budget, Site, SiteChoice, Workload, read_site, read_workload
from terp.errors import Problem, Problems, did_you_mean
from terp.physics import least_cap_fraction
from terp.plan.machines.halls import Halls
from terp.plan.money.payers import FundingSource, money
from terp.plan.search.objectives import OBJECTIVES
from terp.reader import Written, record_json
from terp.units import Money, NotAQuantity, number, parse_money_range, parse_range


@dataclass(frozen=True)
class CandidateSite:
    """A site that the budget may choose, with its site file.

    name     key of `sites` in the budget, which designs and machines name as their place
    choice   what the budget says of it: hall, power, price of electricity, when it is ready
    site     the file that the choice names: climate, cooling, carbon, taxes
    """

    name: str
    choice: SiteChoice
    site: Written[Site]

    @property
    def title(self) -> str:
        """Its title, or its site's."""
        return self.choice.title or self.site.record.title


@dataclass(frozen=True)
class PlanningInputs:
    """What a plan is made from, read once; everything else of a plan is a function of it.

    budget      the file, with the sourcing of its values
    catalogue   parts and their figures;  prices   their prices and rates, moved to the month of the budget where asked for
    workload    as the budget weighs it: its domains and its load, where it gives any
    places      candidate sites by name, only those that were asked for, in the order of the budget
    sources     payers in euros, in the order of the budget
    objective   a key of OBJECTIVES: the caller's, or the budget's
    """

    budget: Written[Budget]
    catalogue: Catalogue
    prices: Prices
    workload: Written[Workload]
    places: dict[str, CandidateSite]
    sources: tuple[FundingSource, ...]
    objective: str

    @cached_property
    def halls(self) -> Halls:
        """The halls of its candidate sites; tables of a year are worked out when a site is first asked for."""
        return Halls({name: place.site.record for name, place in self.places.items()})

    @property
    def money_eur(self) -> float:
        """All that the payers may give at most [EUR]; infinite if one of them has no bound."""
        return sum(source.amount_eur for source in self.sources)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Share of the machine's time by domain: the budget's, or the workload's own; they sum to one."""
        record = self.budget.record
        given = record.want.domains
        if not given:
            given = dict.fromkeys(self.workload.record.domains, 0.0)
            for group in self.workload.record.groups.values():
                whole = sum(group.domains.values())
                for name, weight in group.domains.items():
                    given[name] += group.share_fraction * weight / whole
        total = sum(given.values())
        return {name: weight / total for name, weight in given.items() if weight > 0}

    def range_of(self, path: str, dimension: str, value: float) -> tuple[float, float, float]:
        """Low, central and high of a value of the budget, in SI; all equal where its file gives no range in numbers.

        path        of the value in the file, such as "sites.groningen.electricity"
        dimension   suffix of its unit, such as "eur_per_j";  value   as it was read, which stays the central one
        """
        entry = self.budget.provenance.get(path)
        try:
            low, high = parse_range(entry.range_text, dimension) if entry and entry.range_text else (value, value)
        except NotAQuantity:
            low, high = value, value
        return low, value, high

    def money_range(self, path: str, value: Money | None) -> tuple[float, float, float]:
        """Low, central and high of an amount of the budget [EUR], at the rate of the month of its prices.

        value   as it was read; None gives 0.  All equal where the file gives no range
        """
        month, entry = self.budget.record.prices_of, self.budget.provenance.get(path)
        amounts = (value, value)
        if entry and entry.range_text:
            amounts = parse_money_range(entry.range_text)
        low, central, high = (self.prices.euros(one, month) if one else 0.0 for one in (amounts[0], value, amounts[1]))
        return low, central, high

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that the plan is made from: release, budget, workload, site files, catalogue and prices.

        It stands in plan.json, so that a plan can be told from one of other prices.
        """
        hashed = hashlib.sha256(terp.__version__.encode())
        records = [self.budget.record, self.workload.record, *(place.site.record for place in self.places.values())]
        for text in (*(record_json(record) for record in records), self.catalogue.digest, self.prices.digest):
            hashed.update(text.encode())
        return hashed.hexdigest()

    @property
    def load_fraction(self) -> float:
        """GPU time asked for over GPU time in service [-]: of the budget, or of its workload."""
        return self.budget.record.want.load_fraction or self.workload.record.load_fraction


def read_inputs(budget: Written[Budget], objective: str = "", sites: tuple[str, ...] = ()) -> PlanningInputs:
    """The inputs of a plan.  Raises Problems, all at once, and UnknownName for a workload or a site that is not there.

    objective, sites   instead of the budget's objective, and only these of its sites; empty: as the budget says

    GPU caps below the lowest at which the power model was fitted are refused, and not rounded up to it.
    """
    record, problems = budget.record, []
    wanted = objective or record.want.objective
    if wanted not in OBJECTIVES:
        hint = did_you_mean(wanted, OBJECTIVES)
        problems.append(Problem("", 0, 0, "--objective", "unknown objective", repr(wanted), hint))
    problems += [
        Problem("", 0, 0, "--sites", "no such site in the budget", repr(name), did_you_mean(name, record.sites))
        for name in sites
        if name not in record.sites
    ]
    problems += [
        budget.tree.problem(
            ("choices", "gpu_caps", index),
            "a lower cap than the models know",
            number(cap),
            f"at least {least_cap_fraction():.2f} would do",
        )
        for index, cap in enumerate(record.choices.gpu_caps)
        if cap < least_cap_fraction()
    ]
    if problems:
        raise Problems(problems)
    places = {
        name: CandidateSite(name, choice, read_site(choice.site))
        for name, choice in record.sites.items()
        if not sites or name in sites
    }
    prices = read_prices()
    workload = weighted(read_workload(record.want.workload), record.want.domains, record.want.load_fraction)
    return PlanningInputs(budget, read_catalogue(), prices, workload, places, money(record, prices), wanted)


def largest_on(workload: Workload, gpus_count: int) -> int:
    """GPUs of the largest job of a workload that a machine of so many GPUs can take; all of them if it sets no limit."""
    return min(workload.largest_job_count or gpus_count, gpus_count)


def weighted(
    workload: Written[Workload], domains: Mapping[str, float], load_fraction: float | None = None
) -> Written[Workload]:
    """A workload with another load, in which each group works on the domains as they are weighed.

    domains         weights by domain, of any sum; those of zero are left out.  Empty: each group's own domains stay
    load_fraction   GPU time asked for over GPU time in service; None: as it stands

    File and sourcing stay those of the workload that was read.
    """
    update: dict[str, object] = {}
    if domains:
        total = sum(domains.values())
        shares = {name: weight / total for name, weight in domains.items() if weight > 0}
        groups = workload.record.groups.items()
        update["groups"] = {name: group.model_copy(update={"domains": shares}) for name, group in groups}
    if load_fraction is not None:
        update["load_fraction"] = load_fraction
    changed = workload.record.model_copy(update=update) if update else workload.record
    return Written(changed, workload.file, workload.provenance, workload.tree)
