"""A plan's folder: the recommended machine, the frontier, the document, tables and the paper, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from terp.plan.machines.workload_writer import FILE as WORKLOAD
from terp.plan.planner import Plan
from terp.results import save_whole

DOCUMENT: Final = "plan.json"
BEST: Final = "best.yaml"
BRIEF: Final = "brief.html"
TABLES: Final = ("frontier", "costs", "payers", "cash_flow", "flows", "sensitivity", "rejected", "assumptions")


def save_plan(plan: Plan, folder: Path, brief: str) -> None:
    """Writes a plan beside its final name and renames it when whole; an earlier plan there is replaced.  Raises Problems.

    brief   the paper, as HTML
    """

    def write(draft: Path) -> None:
        (draft / DOCUMENT).write_text(json.dumps(plan.document, indent=2, allow_nan=False) + "\n", "utf-8")
        (draft / BRIEF).write_text(brief, "utf-8")
        (draft / WORKLOAD).write_text(plan.workload, "utf-8")
        for number, (name, text) in enumerate(plan.machines.items()):
            (draft / f"{name}.yaml").write_text(text, "utf-8")
            if number == 0:
                (draft / BEST).write_text(text, "utf-8")
        for name in TABLES:
            pq.write_table(_table(plan.document, name), draft / f"{name}.parquet", compression="zstd")

    save_whole(folder, write, DOCUMENT, _own(folder))


def _own(folder: Path) -> set[str]:
    """Files of an earlier plan in a folder."""
    own = {DOCUMENT, BEST, BRIEF, WORKLOAD, *(f"{name}.parquet" for name in TABLES)}
    try:
        earlier = json.loads((folder / DOCUMENT).read_text("utf-8"))
        return own | {str(machine["file"]) for machine in earlier["frontier"]}
    except (OSError, ValueError, KeyError, TypeError):
        return own


def _table(document: dict[str, Any], name: str) -> pa.Table:
    """A table of the document: rows as they stand, without what is nested in them."""
    if name == "costs":
        rows = [{"machine": one["machine"], **cost} for one in document["frontier"] for cost in one["costs"]]
    else:
        rows = [{key: value for key, value in row.items() if not isinstance(value, list | dict)} for row in document[name]]
    return pa.Table.from_pylist(rows)
