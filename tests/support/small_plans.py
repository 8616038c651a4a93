"""A small budget that plans in half a second, in the variants that tests ask for; and plans of it by brute force."""

import dataclasses
from math import ceil

import numpy as np
import yaml

from terp.catalogue import Node
from terp.describe import COST_CLASSES, machine_of_text, read_budget
from terp.errors import Problems
from terp.hardware import build_machine
from terp.physics import benchmark_system, mean_repair_s, predict_hpl
from terp.plan.machines.frames import Extras, extras_for, frame_for, kits_for
from terp.plan.machines.machine_writer import machine_text
from terp.plan.machines.yearly_work import jobs_on, largest_job, node_work
from terp.plan.money.payers import allocate, unpaid_eur
from terp.plan.outcome import independent_check as check
from terp.plan.outcome.independent_check import Subject, costs_by_class
from terp.plan.planning_inputs import read_inputs
from terp.simulate import kinds_of

YEAR_H = 8760

SMALL = """
kind: budget
name: small
title: "A small machine"
country: NL
prices_of: "2026-06"
payers:
  state: {title: "State", amount: "30 MEUR"}
operation_years: 4
delivery: {from: "2027-06", until: "2028-03"}
programme: "0.5 MEUR"
staff: 1
sites:
  groningen:
    site: groningen-warm
    title: "Groningen"
    hall: new
    power: "0.45 MW"
    pue_ceiling: 1.3
    electricity: {value: "0.115 EUR/kWh", status: assumed, range: "0.075 .. 0.19 EUR/kWh"}
    ready: "2027-09"
  copenhagen:
    site: copenhagen
    title: "Copenhagen"
    hall: colocation
    power: "0.5 MW"
    electricity: "0.105 EUR/kWh"
must: {storage: "3 PB", flash: "1 PB", european_nodes: 0.04}
want:
  workload: national
  domains: {medicine: 0.4, climate: 0.35, cybersecurity: 0.25}
  objective: science
choices:
  nodes: [dgx-h200, hgx-b300-liquid]
  topologies: [rail-optimised-fat-tree]
  oversubscriptions: [1, 2]
  gpu_caps: [0.85]
  spares: [0]
"""


def budget_of(folder, **changes):
    """The small budget with other values: `budget_of(folder, must={"gpus": 64})`; a dictionary is merged, None takes out."""
    data = yaml.safe_load(SMALL)

    def merge(into, more):
        for key, value in more.items():
            if value is None:
                into.pop(key, None)
            elif isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            else:
                into[key] = value

    merge(data, changes)
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    return read_budget(str(path))


def inputs_of(folder, objective="", **changes):
    return read_inputs(budget_of(folder, **changes), objective)


@dataclasses.dataclass(frozen=True)
class Tried:
    """A machine by brute force."""

    key: tuple
    costs: dict
    science: float
    rmax: float
    paid: bool
    met: bool

    @property
    def unit_cost(self):
        return sum(self.costs.values()) / self.science


def brute_force(inputs, monkeypatch, most_nodes):
    """Every machine of a budget, each built, priced and predicted by itself, the long way."""
    record, catalogue, found = inputs.budget.record, inputs.catalogue, []
    kept = {}

    def kinds(machine, workload):  # dear, and the same for any number of nodes: test_work.py
        key = (machine.file.compute.node, machine.file.fabric.switch, machine.file.fabric.oversubscription_ratio)
        if key not in kept:
            kept[key] = kinds_of(machine, workload)
        return kept[key]

    monkeypatch.setattr(check, "kinds_of", kinds)
    for name in record.choices.nodes:
        node = catalogue.part(Node, name)
        step = max(node.link_domain_count // node.accelerators_count, 1)
        for kit in kits_for(name, catalogue):
            for topology in record.choices.topologies:
                for ratio in record.choices.oversubscriptions:
                    frame = frame_for(name, kit, topology, ratio, catalogue)
                    if frame is not None:
                        found += _machines(inputs, frame, node, range(step, most_nodes + 1, step))
    return found


def _machines(inputs, frame, node, counts):
    record, catalogue, must = inputs.budget.record, inputs.catalogue, inputs.budget.record.must
    jobs = jobs_on(inputs, frame)
    lead = inputs.prices.named(inputs.prices.of_part(frame.node)).lead_s
    for place in inputs.places.values():
        if node.cooling == "liquid" and place.site.record.cooling.liquid is None:
            continue
        ordered = _later(record.prices_of, ceil(lead / (365.25 / 12 * 86_400)))
        sold = inputs.prices.named(inputs.prices.of_part(frame.node)).sold_from or ""
        delivered = max(record.delivery.from_month, place.choice.ready or "", ordered, sold)
        sold = inputs.prices.named(inputs.prices.of_part(frame.node)).sold_until or delivered
        if delivered > record.delivery.until_month or sold < delivered:
            continue
        for all_flash in (False, True):
            flash = must.storage_bytes if all_flash else must.flash_bytes
            for cap in record.choices.gpu_caps:
                work = node_work(inputs, jobs, cap)
                worth = sum(weight * work.h100_ratio[domain] for domain, weight in inputs.weights.items())
                board_w = jobs.machine.accelerator.board_power_w
                for spares in record.choices.spares:
                    for nodes in counts:
                        spare = ceil(spares * nodes - 1e-9)
                        extras = extras_for(
                            np.array([nodes]), Extras(), catalogue, usable_bytes=must.storage_bytes, flash_bytes=flash,
                            european_fraction=must.european_nodes_fraction,
                        ).single  # fmt: skip
                        text = machine_text(
                            frame, nodes, extras, catalogue, name="tried", title="tried", spare_nodes_count=spare,
                            gpu_cap_w=board_w * cap if cap < 1 else None,
                        )  # fmt: skip
                        key = (frame, all_flash, place.name, cap, spares, nodes)
                        subject = Subject("tried", text, place.name, record.operation_years_count, delivered)
                        try:
                            machine = build_machine(machine_of_text(text, "tried"), catalogue)
                        except Problems:
                            continue
                        if machine.gpus_count < largest_job(inputs):
                            continue
                        yield _tried(inputs, subject, machine, key, worth, spare, spares)


def _tried(inputs, subject, machine, key, worth, spare, spares):
    record = inputs.budget.record
    costs, contract = costs_by_class(inputs, subject, machine)
    by_class = [costs[kind] for kind in COST_CLASSES]
    allocation = allocate(by_class, inputs.sources, record.vat, record.reserve_fraction)
    paid = unpaid_eur(allocation, by_class, inputs.sources, record.vat) < 1
    if record.ceilings.machine_contract is not None:
        paid &= contract <= inputs.prices.euros(record.ceilings.machine_contract, record.prices_of)
    met = all(one.met for one in (*check._physical(inputs, subject, machine), *check._wanted(inputs, machine)))
    fleet = machine.reliability
    lost = max(fleet.node_failures_per_s * mean_repair_s(fleet) - spares, 0)
    gpus = (machine.nodes_count - spare) * machine.node.accelerators_count
    hours = gpus * YEAR_H * inputs.load_fraction * (1 - lost)
    rmax = predict_hpl(benchmark_system(machine)).rmax_flop_per_s
    return Tried(key, costs, hours * worth * record.operation_years_count, rmax, paid, met and gpus > 0)


def _later(month, months):
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + months
    return f"{number // 12}-{number % 12 + 1:02d}"
