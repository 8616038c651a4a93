"""The figures of a run: functions of its tables, nothing kept while it goes on.

`summarise` reads the tables of jobs and hours; `hall_figures` adds what the building did.  Together with
`operation_figures.py` they make summary.json, to which `terp.results.run_summary` gives types and meanings.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.describe import Site, Workload
from terp.hardware import Machine
from terp.physics import cooling_degree_days, pue
from terp.simulate.account.hours import Hours
from terp.simulate.account.tables import FINAL_STATES
from terp.simulate.jobs.job_kinds import JobKind, kinds_data
from terp.units import DAY_S

SIZE_EDGES: Final = (1, 8, 16, 64, 256, 512)
"""Least GPUs of each class of jobs whose waits are told apart; the last class has no upper end."""


def summarise(
    table: pa.Table, hours: Hours, machine: Machine, workload: Workload, kinds: tuple[JobKind, ...], days: int, seed: int,
    node_failures: int, pace: NDArray[np.float64] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """summary.json, see docs/formats/run.md.  Keys carry their unit.

    pace   speed of each job over its kind's; absent: 1

    table           of jobs, a row a job, as `jobs_table` makes it;  hours  of the same run
    kinds           in the order of the table's column `job`
    days            length of the run [d]
    node_failures   that struck within the run

    `unattributed` is the hall's total less what the jobs were charged, so that the two add up by definition.
    """
    state = _codes(table, "state")
    by_state = np.bincount(state, minlength=len(FINAL_STATES))
    count = {name: int(by_state[index]) for index, name in enumerate(FINAL_STATES)}
    started = table.column("wait_s").is_valid().to_numpy()
    wait_s = table.column("wait_s").drop_null().to_numpy()
    gpu_s, gpus = table.column("gpu_s").to_numpy(), table.column("gpus_count").to_numpy()
    capacity_gpu_s = machine.gpus_count * days * DAY_S
    done = kinds_data(table, kinds, pace)
    it_j, facility_j = float(hours.it_j.sum()), float(hours.facility_j.sum())
    totals = {"energy_j": facility_j, "cost_eur": float(hours.cost_eur.sum()), "carbon_kg": float(hours.carbon_kg.sum())}
    return {
        "machine": machine.file.name,
        "workload": workload.name,
        "days": days,
        "seed": seed,
        "nodes_count": machine.nodes_count,
        "gpus_count": machine.gpus_count,
        "jobs_submitted_count": len(state),
        "jobs_started_count": int(started.sum()),
        "jobs_completed_count": count["completed"],
        "jobs_cancelled_count": count["cancelled"],
        "jobs_failed_count": count["failed"] + count["timeout"],
        "jobs_timeout_count": count["timeout"],
        "jobs_running_count": count["running"],
        "jobs_waiting_count": count["waiting"],
        "offered_load_fraction": float((table.column("run_s").to_numpy() * gpus).sum() / capacity_gpu_s),
        "gpu_utilisation_fraction": float(gpu_s.sum() / capacity_gpu_s),
        "work_gpu_s": sum(kind["work_gpu_s"] for kind in done),
        **_waits(wait_s),
        "it_energy_j": it_j,
        "facility_energy_j": facility_j,
        "mean_it_power_w": it_j / (days * DAY_S),
        "mean_pue": pue(facility_j, it_j),
        "electricity_cost_eur": totals["cost_eur"],
        "energy_tax_eur": hours.tax_eur,
        "carbon_kg": totals["carbon_kg"],
        "node_failures_count": node_failures,
        "jobs_interrupted_count": int((table.column("restarts_count").to_numpy() > 0).sum()),
        "lost_gpu_s": int(table.column("lost_gpu_s").to_numpy().sum()),
        "domains": _shares(table, "domain", wait_s, started),
        "groups": _groups(table, workload, wait_s, started),
        "sizes": _sizes(gpus, gpu_s, wait_s, started),
        "kinds": done,
        "unattributed": {key: value - float(table.column(key).to_numpy().sum()) for key, value in totals.items()},
    }


def hall_figures(site: Site, hours: Hours) -> dict[str, float | None]:
    """What the hall did with energy, heat and water, and what the parts of the bill came to.

    Energies are [J] over the run, powers means of an hour [W], money [EUR], water [kg]; None where the site says nothing.
    Water usage effectiveness is over the machine's energy [kg/J], reuse and renewables are over the meter's.
    """
    it_j, facility_j = float(hours.it_j.sum()), float(hours.facility_j.sum())
    water_kg, reused_j = float(hours.water_kg.sum()), float(hours.reused_j.sum())
    dry, renewables = hours.dry_bulb_celsius, site.renewables
    return {
        "peak_facility_power_w": float((hours.facility_j / np.diff(hours.edges_s)).max()),
        "network_charge_eur": hours.network_eur,
        "supplier_margin_eur": hours.margin_eur,
        "water_kg": water_kg,
        "mean_wue_kg_per_j": water_kg / it_j if it_j > 0 else 0.0,
        "reused_heat_j": reused_j,
        "energy_reuse_fraction": reused_j / facility_j if facility_j > 0 else 0.0,
        "renewable_energy_j": facility_j * renewables.total_fraction if renewables else None,
        "renewable_energy_fraction": renewables.total_fraction if renewables else None,
        "cooling_degree_days": cooling_degree_days(dry) if dry is not None else None,
    }


def _codes(table: pa.Table, name: str) -> NDArray[np.int64]:
    """The codes of a column of names, shape (rows,)."""
    codes: NDArray[np.int64] = table.column(name).combine_chunks().indices.to_numpy().astype(np.int64)
    return codes


def _waits(wait_s: NDArray[np.int64]) -> dict[str, float]:
    """Mean, median and 95th percentile of the waits of started jobs [s]; 0 if none started.

    wait_s   of the jobs that started, shape (jobs that started,); percentiles are interpolated between waits
    """
    if wait_s.size == 0:
        return {"mean_wait_s": 0.0, "median_wait_s": 0.0, "p95_wait_s": 0.0}
    median, p95 = np.percentile(wait_s, [50, 95])
    return {"mean_wait_s": float(wait_s.mean()), "median_wait_s": float(median), "p95_wait_s": float(p95)}


def _shares(table: pa.Table, by: str, wait_s: NDArray[np.int64], started: NDArray[np.bool_]) -> dict[str, dict[str, Any]]:
    """What each entry of a column of names got.

    wait_s    waits of the jobs that started, in the order of the table [s];  started  a truth a row

    GPU time [s] and its fraction, jobs, waits [s], and energy [J], cost [EUR] and carbon [kg] at the meter, by name.
    """
    names = table.column(by).combine_chunks().dictionary.to_pylist()
    codes = _codes(table, by)
    jobs = np.bincount(codes, minlength=len(names))
    of_started = codes[started]
    sums = {
        key: np.bincount(codes, table.column(key).to_numpy(), len(names))
        for key in ("gpu_s", "lost_gpu_s", "energy_j", "cost_eur", "carbon_kg")
    }
    total_gpu_s = max(float(sums["gpu_s"].sum()), 1.0)
    return {
        name: {
            "gpu_s": float(sums["gpu_s"][index]),
            "gpu_time_fraction": float(sums["gpu_s"][index]) / total_gpu_s,
            "jobs_count": int(jobs[index]),
            **_waits(wait_s[of_started == index]),
            **{key: float(sums[key][index]) for key in ("lost_gpu_s", "energy_j", "cost_eur", "carbon_kg")},
        }
        for index, name in enumerate(names)
    }


def _groups(
    table: pa.Table, workload: Workload, wait_s: NDArray[np.int64], started: NDArray[np.bool_]
) -> dict[str, dict[str, Any]]:
    """What each group got, beside what it is entitled to.

    `entitlement_fraction` is of GPU time, as `gpu_time_fraction` is, so that the two may be set side by side.
    """
    shares = _shares(table, "group", wait_s, started)
    return {name: {**share, "entitlement_fraction": workload.groups[name].share_fraction} for name, share in shares.items()}


def _sizes(
    gpus: NDArray[np.int32], gpu_s: NDArray[np.int64], wait_s: NDArray[np.int64], started: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Jobs, GPU time and waits by size class.

    gpus, gpu_s   an entry a job;  wait_s  of those that `started`, in the same order [s]

    A row for every class, those without jobs too; the last one ends with the largest job.
    """
    step = np.searchsorted(SIZE_EDGES, gpus, side="right") - 1
    highest = [*(edge - 1 for edge in SIZE_EDGES[1:]), int(gpus.max(initial=1))]
    return [
        {
            "lowest_gpus_count": lowest,
            "highest_gpus_count": max(highest[index], lowest),
            "jobs_count": int((step == index).sum()),
            "gpu_s": int(gpu_s[step == index].sum()),
            **_waits(wait_s[step[started] == index]),
        }
        for index, lowest in enumerate(SIZE_EDGES)
    ]
