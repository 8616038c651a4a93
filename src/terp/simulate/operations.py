"""The figures of operation: what failures, stops for others, delays and caps did to a run, and which settings it had."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from terp.results import kept_work_s, reliability_of
from terp.simulate.controls import Controls
from terp.simulate.engines import Load, Outcome
from terp.simulate.faults import CAUSES, NodeFaults
from terp.simulate.tables import NODE_FAILED


def operation_figures(
    load: Load, faults: NodeFaults, outcome: Outcome, controls: Controls, horizon_s: int
) -> dict[str, Any]:
    """Keys of summary.json on failures and control, see docs/formats/run.md."""
    back = np.empty_like(load.order)
    back[load.order] = np.arange(load.order.size)
    place = back[outcome.attempt_job]
    ran = outcome.attempt_end - outcome.attempt_start
    cut = outcome.attempt_outcome == NODE_FAILED
    again = _later_attempts(outcome)
    restart = np.where(again, load.restart_s[place], 0)
    kept = kept_work_s(ran, load.checkpoint_s[place], load.write_s[place], restart, outcome.attempt_outcome >= 4) * ~cut
    kept += kept_work_s(ran, load.checkpoint_s[place], load.write_s[place], restart, cut) * cut
    event = np.where(cut, outcome.attempt_event, -1)
    told = reliability_of(
        load.jobs.gpus, outcome.attempt_job, outcome.attempt_start, outcome.attempt_end, kept, event, faults.cause, CAUSES
    )
    down = np.diff(np.append(outcome.row_time, horizon_s)) * outcome.row_counts[:, 4]
    delayed = load.eligible_s > load.jobs.submit_s[load.order]
    return {
        "reliability": told,
        "node_down_s": int(down.sum()),
        "preemptions_count": outcome.preemptions_count,
        "backfilled_jobs_count": outcome.backfilled_jobs_count,
        "delayed_jobs_count": int(delayed.sum()),
        "mean_delay_s": float((load.eligible_s - load.jobs.submit_s[load.order])[delayed].mean()) if delayed.any() else 0.0,
        "peak_it_power_w": float(outcome.row_power.max()),
        "policy": controls.policy.name if controls.policy else "easy",
    }


def _later_attempts(outcome: Outcome) -> Any:
    """Which attempts were not the first of their job."""
    order = np.lexsort((outcome.attempt_start, outcome.attempt_job))
    later = np.zeros(order.size, np.bool_)
    later[order[1:]] = outcome.attempt_job[order[1:]] == outcome.attempt_job[order[:-1]]
    return later


def controls_data(controls: Controls) -> dict[str, Any]:
    """The settings as run.json holds them, the policy by name and digest."""
    policy = controls.policy
    digest = hashlib.sha256(policy.model_dump_json().encode()).hexdigest() if policy else ""
    return {
        "policy": policy.name if policy else "easy",
        "policy_digest": digest,
        **{name: getattr(controls, name) for name in ("gpu_cap_w", "power_cap_w", "response_w", "spare_nodes_count")},
        "response": list(controls.response),
        "failures": controls.failures,
        "checkpoints": controls.checkpoints,
        "delay_by": controls.delay_by,
    }
