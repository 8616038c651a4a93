"""The country's workload as a budget weighs it, as a workload file: what the simulated years of a plan are of.

It is written beside the machines of a plan, so that anyone can run the years again: `terp simulate best.yaml --workload
workload.yaml`.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from terp.describe import text_of
from terp.plan.planning_inputs import PlanningInputs, largest_on

FILE: Final = "workload.yaml"
_NOTE: Final = "as the budget weighs them"


def workload_text(inputs: PlanningInputs, gpus_count: int) -> str:
    """The text of a workload file for a machine of so many GPUs: the budget's domains and load, no larger jobs.

    All else stands as in the file that the budget names, with its sourcing, but for its comments.
    """
    want, record = inputs.budget.record.want, inputs.workload.record
    data: dict[str, Any] = yaml.safe_load(text_of(want.workload, "workloads"))
    data["name"] = f"{record.name}-of-{inputs.budget.record.name}"[:64].rstrip("-.")
    data["title"] = f"{record.title}, as {inputs.budget.record.name} weighs it"
    data["largest_job"] = largest_on(record, gpus_count)
    if want.load_fraction is not None:
        data["load"] = {"value": want.load_fraction, "status": "derived", "note": _NOTE}
    for name, group in record.groups.items() if want.domains else ():
        data["groups"][name]["domains"] = {"value": dict(group.domains), "status": "derived", "note": _NOTE}
    comment = f"# Made by terp plan from {inputs.budget.record.name}: `terp simulate best.yaml --workload {FILE}`.\n"
    return comment + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
