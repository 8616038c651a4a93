"""Every number of nodes of a design at once: what it takes of all that costs money, what it does, and what it may not be.

The steps are those of `independent_check.py`, which takes the long way for one machine, as arrays for thousands: power of
the nodes by the budget's mix, the hall around them, costs by the ledger, and a mask for each constraint.  Nothing is
searched here, and nothing is rounded.

Row i of every array is the machine with `nodes_count[i]` nodes.  The names of constraints are those of `_met`: "fabric",
"largest job", "gpus", "power", "serving" and "money" always, and "pue", "contract", "carbon" and "rank" where the budget or
the place has them; the planner adds "checked" where the independent checker has refused a machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from terp.arrays import Bools, Floats, Ints
from terp.catalogue import Node
from terp.physics import level_fractions, staircases_eur
from terp.plan.machines.designs import Design
from terp.plan.machines.node_counts import Shapes
from terp.plan.money.months import number_of
from terp.plan.money.payers import affordable
from terp.plan.search.workings import Workings
from terp.units import HOUR_S, J_PER_KWH, YEAR_S

YEAR_H: Final = YEAR_S / HOUR_S
CONTRACT_LINES: Final = ("software",)
"""What a contract with a vendor holds beside hardware, installation and maintenance."""
MONEY: Final = "money"
PRICED: Final = (MONEY, "contract")
"""Constraints that change with prices."""


@dataclass(frozen=True)
class Evaluated:
    """What machines of one design are, arrays over numbers of nodes of shape (n,) unless said otherwise.

    nodes_count          rising;  gpus_count   on all of them, spares too
    quantities_count     of what each price is of, shape (n, columns of the ledger)
    tax_eur              energy tax of all years, which no price makes
    by_class_eur         costs of all years at central prices, shape (n, classes)
    tco_eur              their sum, without value-added tax
    domain_hours_count   H100-hours of science a year, shape (n, domains)
    h100_hours_count     the same of all domains and years
    gpu_hours_count      of finished work a year;  tokens_count, energy_j, carbon_kg  a year, too
    rmax_flop_per_s      on all GPUs
    power_w              mean at the meter;  peak_power_w   in the worst hour, with everything at its rated power
    pue_ratio            energy at the meter over that of the machine
    unit_cost_eur        of an H100-hour; infinite where nothing is done
    months_count         from the month of the prices to the first jobs
    met                  constraint -> which meet it; a constraint that the budget does not have is not there
    """

    design: Design
    nodes_count: Ints
    gpus_count: Ints
    quantities_count: Floats
    tax_eur: Floats
    by_class_eur: Floats
    tco_eur: Floats
    domain_hours_count: Floats
    h100_hours_count: Floats
    gpu_hours_count: Floats
    tokens_count: Floats
    rmax_flop_per_s: Floats
    energy_j: Floats
    carbon_kg: Floats
    power_w: Floats
    peak_power_w: Floats
    pue_ratio: Floats
    unit_cost_eur: Floats
    months_count: Floats
    met: Mapping[str, Bools]

    @property
    def fits(self) -> Bools:
        """Which meet every constraint, shape (n,)."""
        return np.asarray(np.logical_and.reduce(list(self.met.values())))

    @property
    def fits_but_money(self) -> Bools:
        """Which meet every constraint that does not change with prices."""
        return self.without(*PRICED).fits

    def without(self, *names: str) -> Evaluated:
        """The same without some of its constraints; names that it does not have are passed over."""
        return replace(self, met={name: mask for name, mask in self.met.items() if name not in names})


def evaluate(workings: Workings, design: Design) -> Evaluated:
    """A design with every number of nodes that is tried.

    workings   of the plan; what it keeps of the design's frame is used again for the next design
    design     all of a machine but its number of nodes

    Nodes in service draw the busy power of the mix for the share of the load, and idle power for the rest; spares stand by.
    Failures take what the spares do not make up for out of the work, and none of the power.

    With N nodes, of which s stand by, and the load l of the time in service:

        it      = base + (N - s) (l busy + (1 - l) idle) + s standby
        energy  = it PUE YEAR_S
        hours   = (N - s) GPUs a node, times l and the hours of a year, less what failures keep away
        science = hours, times the share of each domain and the H100-hours that an hour is worth in it
    """
    inputs, work = workings.inputs, workings.work_of_frame(design.frame, design.gpu_cap_fraction)
    shapes = workings.shapes_of(design.frame, design.all_flash)
    nodes = shapes.nodes_count
    node = inputs.catalogue.part(Node, design.frame.node)
    gpus = nodes * node.accelerators_count
    load = inputs.load_fraction
    spare = design.spare_nodes(nodes)
    serving = nodes - spare
    rated_w = shapes.rated_w - nodes * work.capped_off_w
    per_node_w = load * work.busy_w + (1 - load) * work.idle_w
    it_w = shapes.base_w + serving * per_node_w + spare * work.down_w
    wet = serving * per_node_w / it_w if node.cooling == "liquid" else np.zeros(nodes.size)
    hall = inputs.halls.of(design.place, rated_w, it_w / rated_w, wet)
    pue, worst, carbon = hall.pue_ratio, hall.worst_ratio, hall.carbon_kg_per_j
    energy_j = it_w * pue * YEAR_S
    hours = serving * node.accelerators_count * YEAR_H * load * (1 - workings.lost_fraction(design))
    weights = inputs.weights
    science = hours[:, None] * np.array([weights[name] * work.h100_ratio[name] for name in weights])
    quantities = _quantities(workings, design, nodes, rated_w, rated_w * worst, energy_j)
    tax_eur = design.years_count * staircases_eur(energy_j, inputs.places[design.place].site.record.energy_tax)
    ledger = workings.ledger_of(design.years_count)
    by_class = ledger.by_class(
        quantities, workings.prices.tariff, {"operation": tax_eur, "programme": workings.prices.programme_eur}
    )
    tco = by_class.sum(1)
    total = science.sum(1) * design.years_count
    busy_gpus = serving * node.accelerators_count
    return Evaluated(
        design=design,
        nodes_count=nodes,
        gpus_count=gpus,
        quantities_count=quantities,
        tax_eur=tax_eur,
        by_class_eur=by_class,
        tco_eur=tco,
        domain_hours_count=science,
        h100_hours_count=total,
        gpu_hours_count=hours,
        tokens_count=busy_gpus * work.tokens_per_s * YEAR_S,
        rmax_flop_per_s=workings.rmax_of(design),
        energy_j=energy_j,
        carbon_kg=energy_j * carbon,
        power_w=it_w * pue,
        peak_power_w=rated_w * worst,
        pue_ratio=pue,
        unit_cost_eur=np.divide(tco, total, out=np.full(nodes.size, np.inf), where=total > 0),
        months_count=np.full(nodes.size, float(number_of(design.first_science) - number_of(inputs.budget.record.prices_of))),
        met=_met(workings, design, shapes, by_class, quantities, pue, rated_w * worst, energy_j * carbon),
    )


def _quantities(
    workings: Workings, design: Design, nodes: Ints, rated_w: Floats, meter_w: Floats, energy_j: Floats
) -> Floats:
    """What each machine takes of each column, in the unit of its price, shape (n, columns).

    nodes     with the spares;  rated_w   of the machine under its cap;  meter_w   at the meter in the worst hour [W]
    energy_j  of a year at the meter

    Hardware is at the level of a deal of its size, so quantities of hardware are pieces times that level.  Halls are paid by
    the rated power, the grid by the power at the meter, electricity, rent, staff and software by the years.
    """
    node = workings.inputs.catalogue.part(Node, design.frame.node)
    columns = workings.hardware_of(design).copy()
    years, kilowatt = design.years_count, rated_w / 1e3
    place = workings.inputs.places[design.place].choice
    if node.cooling == "liquid":
        columns[:, workings.prices.index("cdu", "cooling")] = nodes * node.rated_power_w / 1e3
    hardware = workings.prices.hardware
    columns[:, hardware] *= level_fractions(columns[:, hardware] @ workings.prices.tariff.prices_eur[hardware])[:, None]
    if place.hall == "new":
        columns[:, workings.prices.index("hall", "hall")] = kilowatt
        columns[:, workings.prices.index("grid-connection", "grid")] = meter_w / 1e3
    else:
        columns[:, workings.prices.index("fit-out", "fit-out")] = kilowatt
    if place.hall == "colocation":
        columns[:, workings.prices.index("colocation", "rent")] = kilowatt * 12 * years
    columns[:, workings.prices.index(f"electricity-{design.place}", "electricity")] = energy_j / J_PER_KWH * years
    columns[:, workings.prices.index("staff", "staff")] = workings.inputs.budget.record.staff_count * years
    columns[:, workings.prices.index("software", "software")] = nodes * node.accelerators_count * years
    return columns


def _met(
    workings: Workings, design: Design, shapes: Shapes, by_class: Floats, quantities: Floats, pue: Floats, peak_w: Floats,
    carbon_kg: Floats,
) -> dict[str, Bools]:  # fmt: skip
    """Which machines meet which constraint, by its name; masks of shape (n,).

    by_class   costs of all years, shape (n, classes) [EUR];  peak_w   at the meter in the worst hour;  carbon_kg   per year

    A machine of which all nodes stand by does not meet "serving".  "rank" asks for the larger of the budget's least Rmax and
    that which the budget's rank will take in the month of delivery.
    """
    record, place = workings.inputs.budget.record, workings.inputs.places[design.place].choice
    node = workings.inputs.catalogue.part(Node, design.frame.node)
    gpus = shapes.nodes_count * node.accelerators_count
    met = {
        "fabric": shapes.fits,
        "largest job": gpus >= workings.largest_job_count,
        "gpus": gpus >= record.must.gpus_count,
        "power": peak_w <= place.power_w,
        "serving": shapes.nodes_count > design.spare_nodes(shapes.nodes_count),
        MONEY: affordable(by_class, workings.inputs.sources, record.vat, record.reserve_fraction),
    }
    if place.pue_ceiling_ratio is not None:
        met["pue"] = pue <= place.pue_ceiling_ratio
    if workings.prices.contract_limit_eur is not None:
        contract = workings.ledger_of(design.years_count).contract_eur(quantities, workings.prices.tariff, CONTRACT_LINES)
        met["contract"] = contract <= workings.prices.contract_limit_eur
    if record.ceilings.carbon_kg_per_year is not None:
        met["carbon"] = carbon_kg <= record.ceilings.carbon_kg_per_year
    least = max(record.must.rmax_flop_per_s, workings.least_rmax(record.must.rank_count, design.delivered))
    if least > 0:
        met["rank"] = workings.rmax_of(design) >= least
    return met
