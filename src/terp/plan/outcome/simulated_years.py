"""The years of operation of a frontier's machines, simulated: the budget's country at work on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np

from terp.catalogue import read_catalogue
from terp.describe import Scenario, Workload, machine_of_text, read_site, read_workload
from terp.hardware import build_machine
from terp.plan.planning_inputs import largest_on, weighted
from terp.reader import Written
from terp.simulate import ScenarioInputs, simulate_scenario
from terp.sweep.executors import Crew
from terp.units import HOUR_S

DAYS: Final = 365
FIRST_SEED: Final = 1
_KEPT: Final = (
    "gpu_utilisation_fraction", "mean_pue", "facility_energy_j", "carbon_kg", "node_failures_count", "mean_wait_s",
    "p95_wait_s", "jobs_interrupted_count", "lost_gpu_s",
)  # fmt: skip
Years = list[dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A machine in plain words, so that it can be sent to another process.

    text      of its machine file
    site, workload   names of shipped files
    domains   weights of the budget; load_fraction  instead of the workload's
    """

    name: str
    text: str
    site: str
    workload: str
    domains: tuple[tuple[str, float], ...] = field(default=())
    load_fraction: float | None = None


@lru_cache(maxsize=4)
def _inputs(asked: Asked) -> ScenarioInputs:
    machine = build_machine(machine_of_text(asked.text, asked.name), read_catalogue())
    workload = weighted(read_workload(asked.workload), dict(asked.domains), asked.load_fraction)
    return ScenarioInputs(machine, read_site(asked.site), _that_fits(workload, machine.gpus_count))


def _that_fits(workload: Written[Workload], gpus_count: int) -> Written[Workload]:
    """A workload without the jobs of its profiles that are larger than a machine."""
    record = workload.record.model_copy(update={"largest_job_count": largest_on(workload.record, gpus_count)})
    return Written(record, workload.file, workload.provenance, workload.tree)


def one_year(asked: Asked, seed: int) -> dict[str, Any]:
    """The figures of one simulated year that a plan keeps, with GPU-hours of work by domain and kind of job."""
    inputs = _inputs(asked)
    summary = simulate_scenario(Scenario(machine=asked.name, days=DAYS, seed=seed), inputs).summary
    kept = {name: summary[name] for name in _KEPT}
    useful = summary["domains"]
    kept["gpu_hours"] = {name: (entry["gpu_s"] - entry["lost_gpu_s"]) / HOUR_S for name, entry in useful.items()}
    return {"seed": seed, **kept}


@dataclass(frozen=True)
class Team:
    """Who simulates: an executor that is warm before it is needed, and the work that is under way."""

    executor: Executor
    tasks: dict[Future[dict[str, Any]], str] = field(default_factory=dict)

    def begin(self, machines: Sequence[Asked], years_count: Mapping[str, int]) -> None:
        """Sends out all years of some machines, each with a seed of its own; the same seeds for all machines."""
        for asked in machines:
            for year in range(years_count[asked.name]):
                self.tasks[self.executor.submit(one_year, asked, FIRST_SEED + year)] = asked.name

    def finish(self, tell: Callable[[float], None]) -> dict[str, Years]:
        """The years of each machine, by name; `tell` hears the share done."""
        found: dict[str, Years] = {name: [] for name in self.tasks.values()}
        for done, task in enumerate(as_completed(self.tasks), 1):
            found[self.tasks[task]].append(task.result())
            tell(done / len(self.tasks))
        return {name: sorted(years, key=lambda year: int(year["seed"])) for name, years in found.items()}


@contextmanager
def team(crew: Crew | None) -> Iterator[Team | None]:
    """The crew at work; its processes start while the machines are still searched.  None: nobody simulates."""
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


def summary_of(years: Years, h100_ratio: Mapping[str, float], first_year: int, eur_per_j: float) -> dict[str, Any]:
    """`simulated` of a machine in plan.json: means of its years, and each of them.

    h100_ratio   H100-hours of a GPU-hour, by domain
    eur_per_j    price of electricity, without tax
    """
    mean = {name: float(np.mean([year[name] for year in years])) for name in _KEPT}
    hours = {name: float(np.mean([year["gpu_hours"].get(name, 0.0) for year in years])) for name in h100_ratio}
    return {
        "years_count": len(years),
        "seeds": [year["seed"] for year in years],
        "gpu_utilisation_fraction": mean["gpu_utilisation_fraction"],
        "mean_pue": mean["mean_pue"],
        "facility_energy_j_per_year": mean["facility_energy_j"],
        "carbon_kg_per_year": mean["carbon_kg"],
        "node_failures_per_year": mean["node_failures_count"],
        "mean_wait_s": mean["mean_wait_s"],
        "p95_wait_s": mean["p95_wait_s"],
        "gpu_hours_per_year": sum(hours.values()),
        "science": {name: hours[name] * ratio for name, ratio in h100_ratio.items()},
        "by_year": [
            {
                "year": first_year + number,
                "seed": year["seed"],
                "gpu_utilisation_fraction": year["gpu_utilisation_fraction"],
                "gpu_hours": sum(year["gpu_hours"].values()),
                "electricity_eur": year["facility_energy_j"] * eur_per_j,
            }
            for number, year in enumerate(years)
        ],
    }
