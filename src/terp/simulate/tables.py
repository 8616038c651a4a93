"""The tables of a run: a row a job, and a row a change of the machine's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.catalogue import TYPES
from terp.describe import Workload
from terp.simulate.account import Hours
from terp.simulate.draw import END_STATES, TIMEOUT, JobSet, job_names, profile_names

FINAL_STATES: Final = (*END_STATES, "running", "waiting")
COUNTS: Final = ("busy_gpus_count", "running_jobs_count", "waiting_jobs_count", "waiting_gpus_count", "down_nodes_count")


@dataclass(frozen=True)
class Attempts:
    """Every stretch that a job ran for, failures and the horizon cutting some short.

    watts   what the job drew of the nodes: its own power and the idle power of the GPUs it held [W]
    """

    job: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    cut: NDArray[np.bool_]
    watts: NDArray[np.float64]

    @classmethod
    def of(cls, core: Any, state: Any, watts_by_job: NDArray[np.float64]) -> Attempts:
        """The attempts that the core noted."""
        count = int(state.n[core.ATTEMPTS])
        job = state.attempt_job[:count]
        cut = state.attempt_outcome[:count] == core.STILL_RUNNING
        return cls(job, state.attempt_start[:count], state.attempt_end[:count], cut, watts_by_job[job])


def timeline_table(core: Any, state: Any) -> pa.Table:
    """The piecewise-constant state: each row holds until the time of the next."""
    rows = int(state.n[core.ROWS])
    columns = {"time_s": state.row_time[:rows]}
    columns |= {name: np.ascontiguousarray(state.row_counts[:rows, index]) for index, name in enumerate(COUNTS)}
    return pa.table({**columns, "it_power_w": state.row_power[:rows]})


def hours_table(hours: Hours) -> pa.Table:
    """The hours of a run, each from its `start_s` on."""
    return pa.table(
        {
            "start_s": hours.edges_s[:-1],
            "it_energy_j": hours.it_j,
            "facility_energy_j": hours.facility_j,
            "cost_eur": hours.cost_eur,
            "carbon_kg": hours.carbon_kg,
            "wet_bulb_celsius": hours.wet_bulb_celsius,
            "price_eur_per_j": hours.price_eur_per_j,
        }
    )


def _coded(codes: NDArray[np.int64], names: tuple[str, ...] | list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names))


def jobs_table(core: Any, workload: Workload, jobs: JobSet, state: Any, attempts: Attempts, hours: Hours) -> pa.Table:
    """The table of jobs.  A job that never started has no start, end or wait; energy, cost and carbon are at the meter."""
    started, ended = state.first_start_s >= 0, state.end_s >= 0
    final = np.where(state.outcome == core.LIMIT_REACHED, TIMEOUT, jobs.state)
    final = np.where(ended, final, FINAL_STATES.index("waiting"))
    final[attempts.job[attempts.cut]] = FINAL_STATES.index("running")
    held_s = np.bincount(attempts.job, attempts.end_s - attempts.start_s, len(jobs))
    energy_j, cost_eur, carbon_kg = (
        np.bincount(attempts.job, amount, len(jobs)) for amount in hours.of(attempts.watts, attempts.start_s, attempts.end_s)
    )
    names, domains = job_names(workload), list(workload.domains)
    domain = np.array([domains.index(name) for name, _ in names])[jobs.job]
    return pa.table(
        {
            "submit_s": jobs.submit_s,
            "start_s": pa.array(state.first_start_s, mask=~started),
            "end_s": pa.array(state.end_s, mask=~ended),
            "wait_s": pa.array(state.first_start_s - jobs.submit_s, mask=~started),
            "run_s": jobs.run_s,
            "requested_s": jobs.requested_s,
            "gpus_count": jobs.gpus.astype(np.int32),
            "state": _coded(final, FINAL_STATES),
            "type": _coded(jobs.kind, TYPES),
            "domain": _coded(domain, domains),
            "job": _coded(jobs.job, [name for _, name in names]),
            "group": _coded(jobs.group, list(workload.groups)),
            "profile": _coded(jobs.profile, profile_names(workload)),
            "restarts_count": state.restarts.astype(np.int32),
            "gpu_s": held_s.astype(np.int64) * jobs.gpus,
            "lost_gpu_s": state.lost_s * jobs.gpus,
            "energy_j": energy_j,
            "cost_eur": cost_eur,
            "carbon_kg": carbon_kg,
        }
    )
