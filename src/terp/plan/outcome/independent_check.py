"""Every constraint of a budget once more, on the machine as its file is built: by the long way round, apart from the search.

Nothing here is taken from the search but the file's text, the place, the years and the month of delivery.  The machine is
built by the builder, its hall is worked out hour by hour, its bill is priced line by line, and who pays is settled by a
maximum flow, where the search uses tables and the min-cut condition.  A machine that fails here is not recommended.

What is shared is below both: the models of `physics`, of halls hour by hour, and of the jobs' power.  Constraints have names
of their own here (`ConstraintName`): the search keeps Rmax and rank in one mask, and does not look at what its designs meet
by construction, such as storage, cooling and the month of delivery.  All of these are looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite

from terp.catalogue import StorageAppliance
from terp.describe import COST_CLASSES, CostClass, machine_of_text
from terp.errors import Problems
from terp.hardware import Machine, build_machine
from terp.physics import (
    benchmark_system,
    hardware_lines,
    idle_power_w,
    level_fraction,
    levels_of,
    machine_power,
    node_power_w,
    predict_hpl,
    rank_in,
    staircase_eur,
    unit_price,
    year_of_month,
)
from terp.plan.machines.halls import hall_year
from terp.plan.money.payers import allocate, unpaid_eur
from terp.plan.outcome.machine_records import ConstraintCheck
from terp.plan.planning_inputs import PlanningInputs
from terp.predict import gpu_time_shares
from terp.simulate import kinds_of
from terp.simulate.controls import capped_kinds
from terp.units import YEAR_S

_ROUNDING_EUR = 1.0
"""What may stay unpaid without failing the check on money [EUR]."""


@dataclass(frozen=True)
class Subject:
    """A machine that is checked.

    text        of its machine file, which is all that is known of its hardware
    place       name of a candidate site;  years_count   of operation;  delivered   month, "YYYY-MM"
    name        of the machine, for what is said of its file
    """

    name: str
    text: str
    place: str
    years_count: int
    delivered: str


def check_machine(inputs: PlanningInputs, subject: Subject) -> list[ConstraintCheck]:
    """Every constraint that the budget has, on a machine; one check alone, "built", where its file cannot be built.

    The order is that of the budget's page: what is physical, what must be there, speed, money.

    inputs    of the plan: budget, catalogue, prices, sites and workload
    subject   the machine, at one of the places of `inputs`

    Power, delivery and money are always checked; any other only where the budget or the place has such a constraint.
    Whether a check is met is in `met`, and nothing is raised for one that is not.  Raises KeyError for a place that `inputs`
    does not have.
    """
    try:
        machine = build_machine(machine_of_text(subject.text, subject.name), inputs.catalogue)
    except Problems as error:
        return [ConstraintCheck("built", str(error), None, "", met=False)]
    built = ConstraintCheck("built", machine.nodes_count, None, "count", met=True)
    return [
        built,
        *_physical(inputs, subject, machine),
        *_wanted(inputs, machine),
        *_speed(inputs, subject, machine),
        *_money(inputs, subject, machine),
    ]


def _capped_off_w(machine: Machine) -> float:
    """What a cap of the GPUs takes off the rated power of the whole machine [W]; 0 without a cap.

    GPUs times what each of them may draw by its maker's limit less what it may draw under the cap; spares are counted too.
    """
    cap_w = machine.file.compute.gpu_cap_w
    return machine.gpus_count * (machine.accelerator.board_power_w - cap_w) if cap_w else 0.0


def _year(inputs: PlanningInputs, subject: Subject, machine: Machine) -> tuple[float, float, float, float]:
    """Energy of a year at the meter [J], PUE, power at the meter in the worst hour [W], carbon [kg].

    The nodes in service draw the busy power of the mix for the share of the load, and idle power for the rest; spares stand
    by.  The worst hour is that with everything at its rated power, less what a cap takes off.

        it      = base + (nodes - spares) (load busy + (1 - load) idle) + spares standby
        energy  = it PUE YEAR_S

    base is what all but the nodes draws, and busy the mean over the jobs of the workload by their share of the GPU time,
    each under the cap of the GPUs.  Only what the nodes in service draw is cooled by liquid, and only in nodes that are.
    """
    levels, power, cap_w = levels_of(machine), machine_power(machine), machine.file.compute.gpu_cap_w
    kinds, _ = capped_kinds(machine, kinds_of(machine, inputs.workload), cap_w)
    time = gpu_time_shares(inputs.workload.record)
    busy_w = fsum(time[kind.domain, kind.job] * node_power_w(levels, kind.level_w) for kind in kinds)
    spare = machine.file.reliability.spare_nodes_count if machine.file.reliability else 0
    load = inputs.load_fraction
    nodes_w = (machine.nodes_count - spare) * (load * busy_w + (1 - load) * idle_power_w(levels))
    it_w = power.base_w + nodes_w + spare * levels.down_w
    rated_w = power.rated_w - _capped_off_w(machine)
    wet = nodes_w / it_w if machine.node.cooling == "liquid" else 0.0
    hall = hall_year(inputs.places[subject.place].site.record, rated_w, it_w / rated_w, wet)
    energy_j = it_w * float(hall.pue_ratio) * YEAR_S
    carbon_kg = energy_j * float(hall.carbon_kg_per_j)
    return energy_j, float(hall.pue_ratio), rated_w * float(hall.worst_ratio), carbon_kg


def _physical(inputs: PlanningInputs, subject: Subject, machine: Machine) -> list[ConstraintCheck]:
    """Power, PUE, carbon, and when it can be delivered.

    PUE and carbon are checked only where the place or the budget has a ceiling.

    A machine may be delivered from the later of the budget's first month and the month in which the place is ready, up to
    the budget's last month; months are compared as text, "YYYY-MM".
    """
    record, choice = inputs.budget.record, inputs.places[subject.place].choice
    _, pue, worst_w, carbon_kg = _year(inputs, subject, machine)
    checks = [
        ConstraintCheck("power", worst_w, choice.power_w, "w", worst_w <= choice.power_w),
        ConstraintCheck("delivery", subject.delivered, record.delivery.until_month, "month",
            max(record.delivery.from_month, choice.ready or "") <= subject.delivered <= record.delivery.until_month,
        ),
    ]  # fmt: skip
    if choice.pue_ceiling_ratio is not None:
        checks.append(ConstraintCheck("pue", pue, choice.pue_ceiling_ratio, "ratio", pue <= choice.pue_ceiling_ratio))
    if record.ceilings.carbon_kg_per_year is not None:
        limit = record.ceilings.carbon_kg_per_year
        checks.append(ConstraintCheck("carbon", carbon_kg, limit, "kg", carbon_kg <= limit))
    return checks


def _wanted(inputs: PlanningInputs, machine: Machine) -> list[ConstraintCheck]:
    """What the budget says must be there: storage, flash, European nodes, cooling, GPUs and their memory; each where it says
    so.

    Storage is counted on the bill of the machine as built, and not from the budget's floors.

    Flash is what stands on appliances of the kind that the section `storage` of the machine file names first; all appliances
    count as storage, by their usable bytes.  European nodes are servers of the partitions over GPU nodes, spares included.
    """
    must, checks = inputs.budget.record.must, list[ConstraintCheck]()
    stores = [line for line in machine.bill if isinstance(line.part, StorageAppliance)]
    held = fsum(line.count * line.part.usable_bytes for line in stores)  # type: ignore[attr-defined]
    named = machine.file.storage.appliance if machine.file.storage else None
    flash = fsum(line.count * line.part.usable_bytes for line in stores if line.name == named)  # type: ignore[attr-defined]
    other = sum(partition.servers_count for partition in machine.file.partitions.values())
    if must.storage_bytes:
        checks.append(ConstraintCheck("storage", held, must.storage_bytes, "bytes", held >= must.storage_bytes))
    if must.flash_bytes:
        checks.append(ConstraintCheck("flash", flash, must.flash_bytes, "bytes", flash >= must.flash_bytes))
    if must.european_nodes_fraction:
        share, least = other / machine.nodes_count, must.european_nodes_fraction
        checks.append(ConstraintCheck("european_nodes", share, least, "fraction", share >= least - 1e-12))
    if must.liquid_cooling:
        cooling = machine.node.cooling
        checks.append(ConstraintCheck("liquid_cooling", cooling, "liquid", "", cooling == "liquid"))
    if must.gpus_count:
        gpus = machine.gpus_count
        checks.append(ConstraintCheck("gpus", gpus, must.gpus_count, "count", gpus >= must.gpus_count))
    if must.gpu_memory_bytes:
        memory, least = machine.accelerator.memory_bytes, must.gpu_memory_bytes
        checks.append(ConstraintCheck("gpu_memory", memory, least, "bytes", memory >= least))
    return checks


def _speed(inputs: PlanningInputs, subject: Subject, machine: Machine) -> list[ConstraintCheck]:
    """Rmax of the machine as its file is, and its rank on delivery; each where the budget asks for it.

    Both are of all GPUs under the cap of the file, at the central prediction.  A machine that is below the last place of the
    list has no rank, and "below 500" is shown for it.
    """
    must, checks = inputs.budget.record.must, list[ConstraintCheck]()
    rmax = predict_hpl(benchmark_system(machine)).rmax_flop_per_s
    if must.rmax_flop_per_s:
        least = must.rmax_flop_per_s
        checks.append(ConstraintCheck("rmax", rmax, least, "flop_per_s", rmax >= least))
    if must.rank_count is not None:
        rank = rank_in(year_of_month(subject.delivered), rmax).rank
        met = rank is not None and rank <= must.rank_count
        checks.append(ConstraintCheck("rank", "below 500" if rank is None else rank, must.rank_count, "count", met))
    return checks


def costs_by_class(inputs: PlanningInputs, subject: Subject, machine: Machine) -> tuple[dict[CostClass, float], float]:
    """Costs of all years by class, and what the contract with the vendor comes to [EUR], both without value-added tax.

    machine   the subject as built

    Gives a mapping with every class of COST_CLASSES, and the contract.  With H the hardware at quoted prices, g the level of
    a deal of that size, and i and m the rates of installation and of maintenance a year:

        acquisition  = g H (1 + i)
        building     = a new hall and its grid connection, or the fit-out of one that stands
        operation    = g H m years + rent + software + energy tax + electricity + staff
        contract     = acquisition + maintenance + software

    A hall, a fit-out and a rent are paid by the rated power under the cap, and the grid by the worst hour at the meter.
    """
    record, prices, years = inputs.budget.record, inputs.prices, subject.years_count
    choice = inputs.places[subject.place].choice
    energy_j, _, worst_w, _ = _year(inputs, subject, machine)
    lines = hardware_lines(machine, prices, record.prices_of)
    quoted = fsum(line.eur for line in lines if line.line != "installation")
    level = float(level_fraction(quoted))
    acquisition = level * fsum(line.eur for line in lines)
    maintenance = level * quoted * prices.rate_range("maintenance")[1] * years

    def each(name: str) -> float:
        """Central price of a name in the catalogue at the month of the budget [EUR per unit].  Raises UnknownName."""
        return unit_price(prices, name, record.prices_of).eur

    kilowatt = (machine_power(machine).rated_w - _capped_off_w(machine)) / 1e3
    new = kilowatt * each("hall") * (1 + prices.rate_range("dense-premium")[1]) + worst_w / 1e3 * each("grid-connection")
    building = new if choice.hall == "new" else kilowatt * each("fit-out")
    rent = kilowatt * 12 * years * each("colocation") if choice.hall == "colocation" else 0.0
    software = machine.gpus_count * years * each("software")
    tax = staircase_eur(energy_j, inputs.places[subject.place].site.record.energy_tax) * years
    power = energy_j * years * choice.electricity_eur_per_j
    staff = record.staff_count * years * each("staff")
    programme = prices.euros(record.programme, record.prices_of) if record.programme else 0.0
    operation = fsum([maintenance, rent, software, tax, power, staff])
    by_class = dict(zip(COST_CLASSES, (acquisition, building, operation, programme), strict=True))
    return by_class, acquisition + maintenance + software


def _money(inputs: PlanningInputs, subject: Subject, machine: Machine) -> list[ConstraintCheck]:
    """That the payers can pay it within what each of them may pay, and the contract within its ceiling.

    A euro that nobody pays is rounding (_ROUNDING_EUR); the limit that is shown is None where a payer has no bound.

    The value that is shown is the sum of all costs without tax, and the limit all the money less the reserve.  Costs below
    that limit may still not be payable, because of ceilings of payers and of tax, and so the maximum flow decides and not
    the sum.
    """
    record, (costs, contract) = inputs.budget.record, costs_by_class(inputs, subject, machine)
    by_class = [costs[kind] for kind in COST_CLASSES]
    allocation = allocate(by_class, inputs.sources, record.vat, record.reserve_fraction)
    unpaid, total = unpaid_eur(allocation, by_class, inputs.sources, record.vat), fsum(by_class)
    may = fsum(source.amount_eur for source in inputs.sources) * (1 - record.reserve_fraction)
    limit = may if isfinite(may) else None
    checks = [ConstraintCheck("money", total, limit, "eur", unpaid <= _ROUNDING_EUR)]
    if record.ceilings.machine_contract is not None:
        most = inputs.prices.euros(record.ceilings.machine_contract, record.prices_of)
        checks.append(
            ConstraintCheck(
                "machine_contract",
                contract,
                most,
                "eur",
                contract <= most * (1 + 1e-9),
            )
        )
    return checks
