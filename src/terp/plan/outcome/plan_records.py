"""The parts of a plan beside its machines, as records: what was asked, who pays, what lost and how sure it is.

Names end with their unit.  `cost_class` is one of COST_CLASSES; `low` and `high` are the ends of a 90 % interval over the
price scenarios, unless a record says otherwise.  In plan.json each stands under the same key: docs/formats/plan.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from terp.describe import CostClass
from terp.plan.outcome.machine_records import MachineKind
from terp.plan.reason_codes import ConstraintName, Reason, Words


@dataclass(frozen=True)
class DeliveryWindow:
    """First and last month in which a machine may be delivered, both included, as "YYYY-MM"."""

    from_month: str
    until_month: str


@dataclass(frozen=True)
class PlannedBudget:
    """What was asked for, so that a plan is read without its budget.

    file, digest  where the budget stood, and SHA-256 of all that the plan was made from
    prices_of     month that all euros are of, "YYYY-MM"
    money_eur     all that the payers may give at most; None: one of them has no bound
    reserve_fraction   of the money that is kept back
    objective     what the recommended machine is the best in, a key of OBJECTIVES
    domains       weights of the domains, which sum to one;  domain_titles   what each is called
    site_titles   of all places that were tried
    notes         of the budget's file
    """

    name: str
    title: str
    file: str
    digest: str
    prices_of: str
    operation_years_count: int
    delivery: DeliveryWindow
    money_eur: float | None
    reserve_fraction: float
    objective: str
    domains: Mapping[str, float]
    domain_titles: Mapping[str, str]
    site_titles: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SearchExtent:
    """What was looked at.

    designs_count    kinds of machine but for the number of nodes;  machines_count   with every number that was tried
    feasible_count   machines that meet every constraint
    exhaustive       no number of nodes that the money could pay was left out
    bound_fraction   how much better than the best machine anything that was not tried could be, of it as a share
    scenarios_count  of prices;  wall_s   that the plan took, the one figure that differs from run to run
    seed             of the scenarios; None in a plan of an earlier release
    """

    designs_count: int
    machines_count: int
    feasible_count: int
    exhaustive: bool
    bound_fraction: float
    scenarios_count: int
    wall_s: float
    seed: int | None = None


@dataclass(frozen=True)
class PayerShare:
    """What a payer gives and gets.

    amount_eur   at most; None: no bound
    pays_eur     with the tax that it pays;  by_class   the same by class of cost
    access_fraction, access_gpu_hours_per_year   of the machine's time, and of its finished work
    binding      bounds that it has reached: "amount", "acquisition ceiling", ...
    """

    name: str
    title: str
    amount_eur: float | None
    pays_eur: float
    by_class: Mapping[str, float]
    access_fraction: float
    access_gpu_hours_per_year: float
    binding: tuple[str, ...]


@dataclass(frozen=True)
class CashFlowRow:
    """What a payer pays for a class of cost in a calendar year [EUR], with the tax that it pays."""

    year: int
    payer: str
    cost_class: CostClass
    eur: float


@dataclass(frozen=True)
class MoneyFlow:
    """What a payer pays for a line of cost over all years [EUR]; rows sum to all that is paid."""

    payer: str
    cost_class: CostClass
    line: str
    eur: float


@dataclass(frozen=True)
class RentInstead:
    """What as many H100-hours would cost by the hour on demand, without storage, egress and management.

    eur, low_eur, high_eur   for the science of all years, by the price and the ends of its range
    status, source           of the price per hour
    """

    eur_per_h100_hour: float
    eur: float
    low_eur: float
    high_eur: float
    status: str
    source: str


@dataclass(frozen=True)
class RejectedKind:
    """The best machine of a kind that lost, and the number that decided.

    kind   "dominated": another is better;  "constraint": it may not be.  What it costs and does is None where not worked out
    """

    machine: str
    of: MachineKind
    kind: Literal["constraint", "dominated"]
    reason: Reason
    tco_eur: float | None = None
    science_h100_hours_per_year: float | None = None
    rmax_flop_per_s: float | None = None


@dataclass(frozen=True)
class BindingConstraint:
    """How far a constraint is from holding the best machine back.

    slack_fraction   room below it, of what it allows
    worth   what a hundredth more of what it allows would add to the objective, as a share
    """

    constraint: ConstraintName
    slack_fraction: float
    worth: float


@dataclass(frozen=True)
class InputSwing:
    """What one input does to the answer.

    low_ratio, high_ratio   ends of its range over the central value
    objective_low_fraction, objective_high_fraction   objective of the best machine there, over the central one, less one
    best_at_low, best_at_high   kind that wins there; None: nothing can be bought
    changes_at_ratio, changes_to   nearest multiple of the central value at which another kind wins; None: within 1/4 to 4
    """

    name: str
    title: Words
    kind: Literal["price", "rate", "throughput"]
    low_ratio: float
    high_ratio: float
    objective_low_fraction: float
    objective_high_fraction: float
    best_at_low: MachineKind | None
    best_at_high: MachineKind | None
    changes_at_ratio: float | None
    changes_to: MachineKind | None
    source: str
    status: str

    @property
    def effect_fraction(self) -> float:
        """The larger of its two effects on the objective, as a share of it, by which inputs are ordered."""
        return max(abs(self.objective_low_fraction), abs(self.objective_high_fraction))


@dataclass(frozen=True)
class KindWins:
    """In which share of the price scenarios a kind of machine, sized anew in each, is the best."""

    design: MachineKind
    fraction: float


@dataclass(frozen=True)
class ReserveWorth:
    """What a reserve buys: the machine that it leaves, and in which share of scenarios all the money then pays for it.

    science_fraction   of the recommended machine's science;  fits_fraction   with the reserve spent too
    """

    reserve_fraction: float
    gpus_count: int
    science_fraction: float
    fits_fraction: float


@dataclass(frozen=True)
class Robustness:
    """How sure the choice is.

    wins              by kind, the most frequent first
    fits_fraction     of scenarios in which all the money, with the reserve, pays for the very machine
    regret_fraction   mean loss of the objective by having chosen it
    """

    scenarios_count: int
    wins: tuple[KindWins, ...]
    fits_fraction: float
    reserves: tuple[ReserveWorth, ...]
    regret_fraction: float


@dataclass(frozen=True)
class Assumption:
    """A price, a rate or an input that counts.

    value, range, notes   as its file has them, or of a code
    used_for              line or class of cost, or what else
    site_title            of whose site or place it is; empty for any other
    """

    name: str
    title: Words
    value: Words
    range: Words
    status: str
    source: str
    notes: tuple[Words, ...]
    used_for: str
    site_title: str = ""
