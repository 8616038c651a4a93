"""A plan's folder: the recommended machine, the frontier, the document, tables and the paper, whole or not at all.

`plan.json` alone is the plan; all else is made from it, or is there to be run, read or opened elsewhere.

    plan.json        the document (docs/formats/plan.md)
    best.yaml        the machine file of the recommended machine, a copy of the one under its own name
    NAME.yaml        the machine file of each machine of the frontier
    workload.yaml    the workload as the budget weighs it
    TABLE.parquet    each of TABLES
    brief.html       the decision paper
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from terp.errors import Problems
from terp.files import FolderKind, Question, write_folder
from terp.files.document_check import read_document
from terp.files.parquet_file import read_parquet, words_of
from terp.plan.machines.workload_writer import FILE as WORKLOAD

if TYPE_CHECKING:
    from terp.plan.outcome.purchase_plan import PurchasePlan

DOCUMENT: Final = "plan.json"
BEST: Final = "best.yaml"
BRIEF: Final = "brief.html"
TABLES: Final = ("frontier", "costs", "payers", "cash_flow", "flows", "sensitivity", "rejected", "assumptions")
"""Parts of a plan that are tables."""


def save_plan(plan: PurchasePlan, folder: Path, brief: str, *, force: bool = False) -> None:
    """Writes a plan beside its final name and renames it when whole; an earlier plan of the same question is replaced.

    folder   need not be there; may hold nothing but an earlier plan
    brief    the paper, as HTML
    force    replace a plan of another question too

    Raises Problems where something else stands there.
    """

    def write(draft: Path) -> None:
        (draft / DOCUMENT).write_text(json.dumps(plan.to_dict(), indent=2, allow_nan=False) + "\n", "utf-8")
        (draft / BRIEF).write_text(brief, "utf-8")
        (draft / WORKLOAD).write_text(plan.workload, "utf-8")
        (draft / BEST).write_text(plan.files[plan.best.machine], "utf-8")
        for name, text in plan.files.items():
            (draft / f"{name}.yaml").write_text(text, "utf-8")
        for name in TABLES:
            pq.write_table(plan.table(name).arrow, draft / f"{name}.parquet", compression="zstd")

    write_folder(folder, write, plan_kind(folder), None if force else question_of_plan(plan.to_dict()))


def question_of_plan(document: Mapping[str, object]) -> Question | None:
    """What a plan answers: its budget with all that it names, the objective, the places, and how sure it had to be.

    document   plan.json, whole or damaged.  None where it does not say
    """
    budget, searched, best = (document.get(name) for name in ("budget", "searched", "best"))
    if not isinstance(budget, Mapping) or not isinstance(searched, Mapping) or not isinstance(best, Mapping):
        return None
    words = {"budget": budget.get("name"), "budget_or_prices_digest": budget.get("digest")}
    words |= {"objective": budget.get("objective"), "sites": budget.get("site_titles")}
    words |= {"scenarios_count": searched.get("scenarios_count"), "simulation": best.get("simulated") is not None}
    return words | ({"seed": searched["seed"]} if searched.get("seed") is not None else {})


def _question_at(folder: Path) -> Question | None:
    """What the plan in a folder answers, as far as its plan.json can be read."""
    try:
        document = read_document(folder / DOCUMENT, "")
    except Problems:
        return None
    return question_of_plan(document) if isinstance(document, Mapping) else None


def plan_kind(folder: Path) -> FolderKind:
    """The folder of a plan, with the names of the machine files of the one that lies there: only those may be replaced.

    Which machine files are its own is read from the table of the frontier in the folder; where that cannot be read, none
    are.
    """
    own = {DOCUMENT, BEST, BRIEF, WORKLOAD, *(f"{name}.parquet" for name in TABLES)}
    try:
        names = words_of(read_parquet(folder / "frontier.parquet", ["file"]).column("file")).tolist()
        own |= {name for name in names if isinstance(name, str) and name.endswith(".yaml") and Path(name).name == name}
    except (Problems, KeyError, pa.ArrowException):
        pass  # none lies there, or not a whole one
    return FolderKind("plan", DOCUMENT, frozenset(own), question=_question_at)
