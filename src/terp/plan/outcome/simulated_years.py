"""The years of operation of a frontier's machines, simulated: the budget's country at work on each of them.

The search takes the same load all year; here jobs arrive, wait, fail and run again.  Years are sent to other processes as
plain words (`MachineYears`) and come back as figures, while price scenarios are still worked out in this one.

Year k of any machine, counted from 0, has the seed FIRST_SEED + k, so that machines are compared under the same seeds, and
a plan is the same whoever simulates and in whatever order the years come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from terp.catalogue import read_catalogue
from terp.describe import Scenario, Workload, machine_of_text, read_site, read_workload
from terp.hardware import build_machine
from terp.plan.outcome.machine_records import SimulatedYear, SimulatedYears
from terp.plan.planning_inputs import largest_on, weighted
from terp.reader import Written
from terp.simulate import ScenarioInputs, simulate_scenario
from terp.sweep.executors import Crew
from terp.units import HOUR_S

DAYS: Final = 365
"""Days of a simulated year."""
FIRST_SEED: Final = 1


@dataclass(frozen=True)
class YearFigures:
    """What a plan keeps of one simulated year of a machine.

    gpu_hours   GPU-hours of finished work by domain
    facility_energy_j, carbon_kg   of the year, at the meter;  mean_pue   mean over the year
    mean_wait_s, p95_wait_s        from arrival to start
    """

    seed: int
    gpu_utilisation_fraction: float
    mean_pue: float
    facility_energy_j: float
    carbon_kg: float
    node_failures_count: float
    mean_wait_s: float
    p95_wait_s: float
    gpu_hours: Mapping[str, float]


Years = Sequence[YearFigures]
"""The years of a machine, in the order of their seeds."""


@dataclass(frozen=True)
class MachineYears:
    """A machine in plain words, so that it can be sent to another process.

    text      of its machine file
    site, workload   names of shipped files, or paths
    domains   weights of the budget, as pairs so that the record can be hashed; empty: the workload's own
    load_fraction    instead of the workload's; None: as it stands
    """

    name: str
    text: str
    site: str
    workload: str
    domains: tuple[tuple[str, float], ...] = field(default=())
    load_fraction: float | None = None


@lru_cache(maxsize=4)
def _inputs(wanted: MachineYears) -> ScenarioInputs:
    """The inputs of a machine's years, kept for the next of its years in this process."""
    machine = build_machine(machine_of_text(wanted.text, wanted.name), read_catalogue())
    workload = weighted(read_workload(wanted.workload), dict(wanted.domains), wanted.load_fraction)
    return ScenarioInputs(machine, read_site(wanted.site), _that_fits(workload, machine.gpus_count))


def _that_fits(workload: Written[Workload], gpus_count: int) -> Written[Workload]:
    """A workload without the jobs of its profiles that are larger than a machine.

    The limit of a workload that sets a smaller one stays.
    """
    record = workload.record.model_copy(update={"largest_job_count": largest_on(workload.record, gpus_count)})
    return Written(record, workload.file, workload.provenance, workload.tree)


def one_year(wanted: MachineYears, seed: int) -> YearFigures:
    """The figures of one simulated year of DAYS days.

    wanted   the machine and its workload;  seed   of arrivals and failures: the same seed gives the same year anywhere

    It is called in other processes, and reads catalogue, site and workload there.  Work that failures undid is not counted
    in `gpu_hours`.
    """
    scenario = Scenario(machine=wanted.name, days=DAYS, seed=seed)
    summary = simulate_scenario(scenario, _inputs(wanted)).summary
    work = summary.domains
    return YearFigures(
        seed=seed,
        gpu_utilisation_fraction=summary.gpu_utilisation_fraction,
        mean_pue=summary.mean_pue,
        facility_energy_j=summary.facility_energy_j,
        carbon_kg=summary.carbon_kg,
        node_failures_count=summary.node_failures_count,
        mean_wait_s=summary.mean_wait_s,
        p95_wait_s=summary.p95_wait_s,
        gpu_hours={name: (entry.gpu_s - entry.lost_gpu_s) / HOUR_S for name, entry in work.items()},
    )


@dataclass(frozen=True)
class Team:
    """Who simulates: an executor that is warm before it is needed, and the work that is under way.

    tasks   year under way -> name of its machine
    """

    executor: Executor
    tasks: dict[Future[YearFigures], str] = field(default_factory=dict)

    def begin(self, machines: Sequence[MachineYears], years_count: Mapping[str, int]) -> None:
        """Sends out all years of some machines, each with a seed of its own; the same seeds for all machines.

        machines      in plain words;  years_count   of operation, by the name of each machine
        """
        for wanted in machines:
            for year in range(years_count[wanted.name]):
                self.tasks[self.executor.submit(one_year, wanted, FIRST_SEED + year)] = wanted.name

    def finish(self, tell: Callable[[float], None]) -> dict[str, list[YearFigures]]:
        """The years of each machine, by name; `tell` hears the share done.

        Years come back in any order and are given in the order of their seeds.  What was raised in another process is raised
        here.
        """
        years: dict[str, list[YearFigures]] = {name: [] for name in self.tasks.values()}
        for done, task in enumerate(as_completed(self.tasks), 1):
            years[self.tasks[task]].append(task.result())
            tell(done / len(self.tasks))
        return {name: sorted(of_machine, key=lambda year: year.seed) for name, of_machine in years.items()}


@contextmanager
def team(crew: Crew | None) -> Iterator[Team | None]:
    """The crew at work; its processes start while the machines are still searched.  None: nobody simulates.

    As many tasks as there are workers go first, which load the catalogue.  Leaving the block leaves the crew, which closes
    its executor or not.
    """
    if crew is None:
        yield None
        return
    with crew() as (executor, workers):
        for _ in range(workers):
            executor.submit(ready)
        yield Team(executor)


def ready() -> None:
    """Loads what a year needs, so that the first one does not wait for it."""
    read_catalogue()


def summary_of(years: Years, h100_ratio: Mapping[str, float], first_year: int, eur_per_j: float) -> SimulatedYears:
    """`simulated` of a machine: means of its years, and each of them.

    years        of one machine, at least one, in the order of their seeds
    h100_ratio   H100-hours of a GPU-hour, by domain
    first_year   calendar year of the first
    eur_per_j    price of electricity, without tax

    Mean GPU-hours are of the domains of `h100_ratio` alone, and science is those hours times the ratio of the domain.  Each
    year has the calendar year after the one before, and its electricity is all its energy at the one price.
    """

    def mean(values: Iterable[float]) -> float:
        """The mean as a plain number, of at least one value."""
        return float(np.mean(list(values)))

    hours = {name: mean(year.gpu_hours.get(name, 0.0) for year in years) for name in h100_ratio}
    return SimulatedYears(
        years_count=len(years),
        seeds=tuple(year.seed for year in years),
        gpu_utilisation_fraction=mean(year.gpu_utilisation_fraction for year in years),
        mean_pue=mean(year.mean_pue for year in years),
        facility_energy_j_per_year=mean(year.facility_energy_j for year in years),
        carbon_kg_per_year=mean(year.carbon_kg for year in years),
        node_failures_per_year=mean(year.node_failures_count for year in years),
        mean_wait_s=mean(year.mean_wait_s for year in years),
        p95_wait_s=mean(year.p95_wait_s for year in years),
        gpu_hours_per_year=sum(hours.values()),
        science={name: hours[name] * ratio for name, ratio in h100_ratio.items()},
        by_year=tuple(
            SimulatedYear(
                year=first_year + number,
                seed=year.seed,
                gpu_utilisation_fraction=year.gpu_utilisation_fraction,
                gpu_hours=sum(year.gpu_hours.values()),
                electricity_eur=year.facility_energy_j * eur_per_j,
            )
            for number, year in enumerate(years)
        ),
    )
