"""The figures of operation: what failures, stops for others, delays and caps did to a run, and which settings it had.

`summary.py` has the figures of a year as a whole.  The figures here need the attempts of jobs and the events of nodes, which
an engine notes and no table keeps whole.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from terp.arrays import Bools
from terp.hardware import Machine
from terp.reader import record_digest
from terp.results import kept_work_s, reliability_of
from terp.simulate.controls import Controls
from terp.simulate.engine.engines import EngineJobs, Outcome, leaf_of
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.faults import CAUSES, NodeFaults
from terp.simulate.jobs.draw import JobSet
from terp.simulate.jobs.job_kinds import JobKind

_CAPS: Final = ("gpu_cap_w", "node_cap_w", "power_cap_w", "response_w")
"""Fields of `Controls` that are powers [W], or None."""


def operation_figures(
    load: EngineJobs, faults: NodeFaults, outcome: Outcome, controls: Controls, horizon_s: int
) -> dict[str, object]:
    """Keys of summary.json on failures and control, see docs/formats/run.md.

    load       the jobs as the engine took them, in the order in which they become eligible
    faults     the events of nodes that the outcome's attempts point to
    horizon_s  the end of the run, to which the last row of the timeline holds [s]

    An attempt that was not its job's first begins with the job's set-up, which is no kept work.
    """
    back = np.empty_like(load.order)
    back[load.order] = np.arange(load.order.size)
    place = back[outcome.attempt_job]
    ran = outcome.attempt_end - outcome.attempt_start
    cut = outcome.attempt_outcome == AttemptEnd.NODE_FAILED
    again = _later_attempts(outcome)
    restart = np.where(again, load.restart_s[place], 0)
    stopped = cut | (outcome.attempt_outcome == AttemptEnd.PREEMPTED)
    kept = kept_work_s(ran, load.checkpoint_s[place], load.write_s[place], restart, stopped)
    event = np.where(cut, outcome.attempt_event, -1)
    failures = reliability_of(
        load.jobs.gpus, outcome.attempt_job, outcome.attempt_start, outcome.attempt_end, kept, event, faults.cause, CAUSES
    )
    down = np.diff(np.append(outcome.row_time, horizon_s)) * outcome.row_counts[:, 4]
    delayed = load.eligible_s > load.jobs.submit_s[load.order]
    return {
        "reliability": failures,
        "node_down_s": int(down.sum()),
        "preemptions_count": outcome.preemptions_count,
        "backfilled_jobs_count": outcome.backfilled_jobs_count,
        "delayed_jobs_count": int(delayed.sum()),
        "mean_delay_s": float((load.eligible_s - load.jobs.submit_s[load.order])[delayed].mean()) if delayed.any() else 0.0,
        "peak_it_power_w": float(outcome.row_power.max()),
        "policy": controls.policy.name if controls.policy else "easy",
    }


def placement_figures(machine: Machine, kinds: tuple[JobKind, ...], jobs: JobSet, outcome: Outcome) -> dict[str, float]:
    """What being spread over more leaves than need be cost jobs of several nodes, by the models of their steps.

    A job on L of between L0 (as few as can be) and n leaves (every node on its own) takes
    1 + (s - 1) (L - L0) / (n - L0) as long as packed, with s the scatter ratio of its kind: our own interpolation.

    kinds     of jobs, in the order that `jobs.job` counts
    outcome   whose `leaves` has the leaf switches of each job of several nodes; 0 leaves a job out

    No run time is changed by it: the figure says what the spread would have cost, beside a run in which it costs nothing.
    """
    nodes = jobs.gpus // machine.node.accelerators_count
    placed = np.flatnonzero(outcome.leaves > 0)
    leaves, count = outcome.leaves[placed], nodes[placed]
    on_leaf = np.bincount(leaf_of(machine))
    least = -(-count // int(on_leaf.max()))
    apart = np.minimum(count, on_leaf.size)
    share = np.divide(leaves - least, apart - least, out=np.zeros(placed.size), where=apart > least).clip(0, 1)
    ratio = np.array([kind.scatter_ratio for kind in kinds])[jobs.job[placed]]
    slower = 1 + (ratio - 1) * share
    held_s = np.bincount(outcome.attempt_job, outcome.attempt_end - outcome.attempt_start, len(jobs))[placed]
    return {
        "jobs_count": int(placed.size),
        "mean_leaves_count": float(leaves.mean()) if placed.size else 0.0,
        "least_leaves_count": float(least.mean()) if placed.size else 0.0,
        "cost_gpu_s": float((held_s * jobs.gpus[placed] * (1 - 1 / slower)).sum()),
    }


def _later_attempts(outcome: Outcome) -> Bools:
    """Which attempts were not the first of their job.

    A truth an attempt, in the order of the outcome.
    """
    order = np.lexsort((outcome.attempt_start, outcome.attempt_job))
    later = np.zeros(order.size, np.bool_)
    later[order[1:]] = outcome.attempt_job[order[1:]] == outcome.attempt_job[order[:-1]]
    return later


def controls_data(controls: Controls) -> dict[str, object]:
    """The settings as run.json holds them: as they were in force, null for no cap; the policy by name and digest.

    A reader that compares two runs finds here every setting that may differ between them while the inputs are the same.
    Powers are [W]; `response` holds the first and the last hour, local time.
    """
    policy = controls.policy
    digest = record_digest(policy) if policy else ""
    return {
        "policy": policy.name if policy else "easy",
        "policy_digest": digest,
        **{name: getattr(controls, name) for name in _CAPS},
        "spare_nodes_count": controls.spare_nodes_count,
        "response": list(controls.response),
        "failures": controls.failures,
        "checkpoints": controls.checkpoints,
        "delay_by": controls.delay_by,
    }
