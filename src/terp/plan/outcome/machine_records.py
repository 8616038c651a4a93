"""A machine of a plan, as records: what it is, costs, reaches and gets done, and whether it meets the constraints.

Names end with their unit.  `cost_class` is one of COST_CLASSES; `low` and `high` are the ends of a 90 % interval over the
price scenarios, unless a record says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from terp.describe import CostClass
from terp.plan.reason_codes import Code, ConstraintName, Datum, Reason


@dataclass(frozen=True)
class MachineKind:
    """A kind of node at a place, with what both are called; of a kind that no place was looked for, no place.

    node, place   names in the catalogue and in the budget;  node_label, site_title   for people
    """

    node: str
    node_label: str
    place: str = ""
    site_title: str = ""

    @property
    def title(self) -> Reason:
        """What it is called."""
        if not self.place:
            return Reason(Code.NODE_KIND, {"node_label": self.node_label})
        return Reason(Code.MACHINE_KIND, {"node_label": self.node_label, "site_title": self.site_title})


@dataclass(frozen=True)
class PlannedDesign:
    """Everything of a machine but the number of its nodes.

    node_title   as in the catalogue;  node_label  in a word or two
    oversubscription_ratio   capacity of a leaf towards nodes over that towards spines; 1: none
    site, site_title   name of the place in the budget, and what it is called;  hall   "new", "colocation", ...
    gpu_cap_fraction   power that its GPUs may take, over what they can; 1: no cap
    storage_bytes      usable, on all tiers, of which flash_bytes on the first
    european_nodes_count   servers of the partition of European processors
    """

    node: str
    node_title: str
    node_label: str
    topology: str
    switch: str
    oversubscription_ratio: float
    cooling: str
    site: str
    site_title: str
    hall: str
    operation_years_count: int
    gpu_cap_fraction: float
    spare_nodes_count: int
    storage_bytes: float
    flash_bytes: float
    european_nodes_count: int


@dataclass(frozen=True)
class CostOfLine:
    """What a line of cost comes to over all years; its title is the message `line.LINE`.

    eur      at central prices, without value-added tax;  low_eur, high_eur  never exclude it
    status   how its prices are known: "published", "derived" or "assumed"
    """

    line: str
    cost_class: CostClass
    eur: float
    low_eur: float
    high_eur: float
    status: str


@dataclass(frozen=True)
class RankOfYear:
    """A place in the TOP500 in a year.

    rank   by the central growth of the list; None: below its last place.  Its low and high are by the list's growth alone
    """

    year: int
    rank: int | None
    rank_low: int | None
    rank_high: int | None


@dataclass(frozen=True)
class ConstraintCheck:
    """A constraint on one machine: what it comes to, what it may be, and whether it is met.

    unit   suffix of the value's dimension; its title is the message `check.CONSTRAINT`

    value and limit are in SI, in euros, or a word such as a month; a limit of None means that there is no bound.
    """

    constraint: ConstraintName
    value: int | float | str  # apart, so that a count is a count again when its plan is read
    limit: int | float | str | None
    unit: str
    met: bool

    @property
    def title(self) -> Reason:
        """What the constraint is called."""
        return Reason(f"check.{self.constraint}")


@dataclass(frozen=True)
class SimulatedYear:
    """One simulated year of a machine.

    year              of the calendar, the first being that of the first jobs;  seed   of its jobs and failures
    gpu_hours         of finished work
    electricity_eur   at the price of the place, without tax
    """

    year: int
    seed: int
    gpu_utilisation_fraction: float
    gpu_hours: float
    electricity_eur: float


@dataclass(frozen=True)
class SimulatedYears:
    """Means over the simulated years of a machine, and each of them.

    gpu_utilisation_fraction   GPU time in use over GPU time in all;  mean_pue   over the year
    mean_wait_s, p95_wait_s    from arrival to start, means of the years' own
    gpu_hours_per_year         of finished work
    science   H100-hours a year by domain
    """

    years_count: int
    seeds: tuple[int, ...]
    gpu_utilisation_fraction: float
    mean_pue: float
    facility_energy_j_per_year: float
    carbon_kg_per_year: float
    node_failures_per_year: float
    mean_wait_s: float
    p95_wait_s: float
    gpu_hours_per_year: float
    science: Mapping[str, float]
    by_year: tuple[SimulatedYear, ...]


@dataclass(frozen=True)
class PlannedMachine:
    """A machine of the frontier, with all that is known of it.

    machine, file   its name, and that of its machine file;  title  as in that file
    best_in         objectives in which it leads the frontier;  why  it is there
    capex_eur       acquisition and building;  opex_eur_per_year  of a year of operation
    tco_eur         of all years, with the programme, without value-added tax;  vat_eur  that tax, where the payers pay it
    power_w, peak_power_w   mean and most at the meter
    science         H100-hours a year by domain
    tokens_per_year           that a language model of 70 billion parameters is trained on if nothing else ran
    inference_tokens_per_s    that the whole machine writes, serving such a model
    access          payer -> share of the time
    simulated       None where its years were not simulated
    """

    machine: str
    title: str
    file: str
    design: PlannedDesign
    best_in: tuple[str, ...]
    why: Reason
    nodes_count: int
    gpus_count: int
    gpu: str
    capex_eur: float
    capex_low_eur: float
    capex_high_eur: float
    opex_eur_per_year: float
    tco_eur: float
    tco_low_eur: float
    tco_high_eur: float
    vat_eur: float
    costs: tuple[CostOfLine, ...]
    rmax_flop_per_s: float
    rmax_low_flop_per_s: float
    rmax_high_flop_per_s: float
    rank: int | None
    ranks: tuple[RankOfYear, ...]
    power_w: float
    peak_power_w: float
    pue_ratio: float
    energy_j_per_year: float
    carbon_kg_per_year: float
    gpu_hours_per_year: float
    science: Mapping[str, float]
    science_h100_hours_per_year: float
    tokens_per_year: float
    inference_tokens_per_s: float
    eur_per_gpu_hour: float
    eur_per_h100_hour: float
    first_science: str
    access: Mapping[str, float]
    simulated: SimulatedYears | None
    checks: tuple[ConstraintCheck, ...]

    @property
    def kind(self) -> MachineKind:
        """The kind of machine that it is of."""
        design = self.design
        return MachineKind(design.node, design.node_label, design.site, design.site_title)

    @property
    def called(self) -> Reason:
        """What it is called, with the number of its GPUs, for a sentence in any language."""
        data: dict[str, Datum] = {
            "gpus_count": self.gpus_count,
            "node_label": self.design.node_label,
            "site_title": self.design.site_title,
        }
        return Reason(Code.MACHINE, data)
