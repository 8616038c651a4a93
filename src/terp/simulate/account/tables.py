"""The tables of a run: a row a job, and a row a change of the machine's state.

Columns and units are described in docs/formats/run.md.  Times are whole seconds from the start of the run; a job's row keeps
its place in the order of submission, and other tables refer to it by that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.catalogue import TYPES
from terp.describe import Workload
from terp.predict.workload_mix import job_names, profile_names
from terp.simulate.account.hours import Hours
from terp.simulate.engine.engines import Outcome
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.jobs.draw import END_STATES, TIMEOUT, JobSet

FINAL_STATES: Final = (*END_STATES, "running", "waiting")
"""What may have become of a job at the horizon, in the order of the codes of the column `state`."""
COUNTS: Final = ("busy_gpus_count", "running_jobs_count", "waiting_jobs_count", "waiting_gpus_count", "down_nodes_count")
"""Columns of the timeline, in the order in which the engines count them."""


@dataclass(frozen=True)
class Attempts:
    """Every stretch that a job ran for, failures and the horizon cutting some short.

    outcome     how it ended, an AttemptEnd
    first_node  the lowest-numbered node it ran on
    watts       what the job drew of the nodes: its own power and the idle power of the GPUs it held [W]

    job             the job's place in the order of submission
    start_s, end_s  when it began and stopped; at the horizon where it still ran [s]

    One entry an attempt, in the order in which the engine noted them; those of one job are in order of time.
    """

    job: Ints
    start_s: Ints
    end_s: Ints
    outcome: Ints
    first_node: Ints | NDArray[np.int32]
    watts: Floats

    @classmethod
    def of(cls, outcome: Outcome, watts_by_job: Floats) -> Attempts:
        """The attempts that an engine noted.

        watts_by_job   what each job draws while it runs [W], in the order of submission
        """
        columns = (outcome.attempt_start, outcome.attempt_end, outcome.attempt_outcome, outcome.attempt_node)
        return cls(outcome.attempt_job, *columns, watts_by_job[outcome.attempt_job])

    def last(self, jobs: int) -> Ints:
        """Which attempt was the last of each job; -1 where there was none.

        Shape (jobs,).  It rests on the attempts of a job standing in order of time.
        """
        by_job = np.full(jobs, -1, np.int64)
        np.maximum.at(by_job, self.job, np.arange(self.job.size))
        return by_job


def interruptions_table(attempts: Attempts) -> pa.Table:
    """Every time that a node failure or another job cut a job short: its row in the table of jobs, and when it ran.

    Columns `job`, `start_s` and `end_s` [s], and `first_node`; a job that was cut short twice has two rows.
    """
    cut = (attempts.outcome == AttemptEnd.NODE_FAILED) | (attempts.outcome == AttemptEnd.PREEMPTED)
    columns: dict[str, Ints | NDArray[np.int32]] = {
        "job": attempts.job,
        "start_s": attempts.start_s,
        "end_s": attempts.end_s,
        "first_node": attempts.first_node,
    }
    return pa.table({name: values[cut] for name, values in columns.items()})


def timeline_table(outcome: Outcome) -> pa.Table:
    """The piecewise-constant state: each row holds until the time of the next.

    Counts of GPUs, jobs and nodes, and the power of nodes, network, storage and management [W].
    """
    columns = {"time_s": outcome.row_time}
    columns |= {name: np.ascontiguousarray(outcome.row_counts[:, index]) for index, name in enumerate(COUNTS)}
    return pa.table({**columns, "it_power_w": outcome.row_power})


def hours_table(hours: Hours) -> pa.Table:
    """The hours of a run, each from its `start_s` on; the dry bulb is empty where the site names no series of it.

    Energies [J], cost [EUR], carbon and water [kg] are sums over the hour; temperatures [Celsius] and the price [EUR/J] hold
    for it.
    """
    dry = hours.dry_bulb_celsius
    return pa.table(
        {
            "start_s": hours.edges_s[:-1],
            "it_energy_j": hours.it_j,
            "facility_energy_j": hours.facility_j,
            "cost_eur": hours.cost_eur,
            "carbon_kg": hours.carbon_kg,
            "water_kg": hours.water_kg,
            "reused_heat_j": hours.reused_j,
            "wet_bulb_celsius": hours.wet_bulb_celsius,
            "dry_bulb_celsius": pa.nulls(hours.it_j.size, pa.float64()) if dry is None else dry,
            "price_eur_per_j": hours.price_eur_per_j,
        }
    )


def _coded(codes: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    """A column of names by their codes, in the smallest integers that hold them: one byte up to 128 names."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.min_scalar_type(-len(names)))), pa.array(list(names)))


def _of_last(values: Ints | NDArray[np.int32], last: Ints) -> Ints | NDArray[np.int32]:
    """What an attempt's column says of each job's last attempt; anything where a job has none, -1 in `last`."""
    return values[last] if values.size else np.zeros(last.size, np.int64)


def jobs_table(workload: Workload, jobs: JobSet, state: Outcome, attempts: Attempts, hours: Hours) -> pa.Table:
    """The table of jobs.  A job that never started has no start, end or wait; energy, cost and carbon are at the meter.

    jobs       as drawn, with the run times and limits that they have under the run's caps
    state      what the engine made of them;  attempts  of the same outcome
    hours      that energy [J], cost [EUR] and carbon [kg] of each attempt are taken from

    A row a job in the order of submission.  The final state is the drawn one unless something came between: a limit reached
    through failures, a stop for another job, or the horizon.
    """
    started, ended = state.first_start_s >= 0, state.end_s >= 0
    final = np.where(state.limit_reached, TIMEOUT, jobs.state)
    final = np.where(state.stopped, FINAL_STATES.index("cancelled"), final)
    final = np.where(ended, final, FINAL_STATES.index("waiting"))
    final[attempts.job[attempts.outcome == AttemptEnd.STILL_RUNNING]] = FINAL_STATES.index("running")
    held_s = np.bincount(attempts.job, attempts.end_s - attempts.start_s, len(jobs))
    energy_j, cost_eur, carbon_kg = (
        np.bincount(attempts.job, amount, len(jobs)) for amount in hours.of(attempts.watts, attempts.start_s, attempts.end_s)
    )
    last = attempts.last(len(jobs))
    names, domains = job_names(workload), list(workload.domains)
    domain = np.array([domains.index(name) for name, _ in names])[jobs.job]
    return pa.table(
        {
            "submit_s": jobs.submit_s,
            "start_s": pa.array(state.first_start_s, mask=~started),
            "last_start_s": pa.array(_of_last(attempts.start_s, last), mask=~started),
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
            "first_node": pa.array(_of_last(attempts.first_node, last), mask=~started),
            "restarts_count": state.restarts.astype(np.int32),
            "gpu_s": held_s.astype(np.int64) * jobs.gpus,
            "lost_gpu_s": state.lost_s * jobs.gpus,
            "energy_j": energy_j,
            "cost_eur": cost_eur,
            "carbon_kg": carbon_kg,
        }
    )
