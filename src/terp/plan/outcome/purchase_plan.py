"""A plan of what to buy, as `terp.plan.purchase` gives it: typed, frozen, and its own document.

`save` and `read_plan` are each other's inverse, as are `to_dict` and `plan_of`: what is read is equal to what was saved.

    plan = terp.plan.read_plan("plan")
    plan.best.tco_eur, plan.robustness_fraction
    plan.table("sensitivity").to_pandas()
    plan.brief("brief.html", language="nl")

The records that a plan is made of are in `machine_records.py` and `plan_records.py`, how they become a document in
`plan_document.py`, and what is written to a folder in `plan_folder.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, cast

from pydantic import TypeAdapter, ValidationError

import terp
from terp.describe import COST_CLASSES
from terp.errors import Problem, Problems, UnknownName
from terp.files import write_whole
from terp.files.document_check import Damage, damage_of_numbers, damaged, read_document
from terp.files.document_check import shown as shown_value
from terp.files.open_file import read_text
from terp.notes import Caveat, SourceNote
from terp.plan.outcome.machine_figures import LINES
from terp.plan.outcome.machine_records import ConstraintCheck, PlannedMachine
from terp.plan.outcome.plan_document import data_of, fields_of
from terp.plan.outcome.plan_folder import TABLES, save_plan
from terp.plan.outcome.plan_records import (
    Assumption,
    BindingConstraint,
    CashFlowRow,
    InputSwing,
    MoneyFlow,
    PayerShare,
    PlannedBudget,
    RejectedKind,
    RentInstead,
    Robustness,
    SearchExtent,
)
from terp.plan.reason_codes import Reason
from terp.results.record import Json, Result, digest_of, one_line
from terp.results.table import Table, table_of

FORMAT: Final = "terp-plan/1"
AGAIN: Final = "plan it again"
"""What would do where a plan is damaged."""


class PlanViewer(Protocol):
    """What of `views` a plan needs; it is reached through the front door, which stands above."""

    def sentence(self, caveat: Caveat | Reason) -> str:
        """A code in English words."""

    def brief(self, plan: PurchasePlan, language: str) -> str:
        """The decision paper, as HTML."""


def plan_viewer() -> PlanViewer:
    """The viewer that the front door names."""
    return cast("PlanViewer", terp.viewer())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PurchasePlan(Result):
    """What a budget should buy, what else there is to choose from, who pays, and how sure it is.

    machines             of which nothing beats any in every respect, the recommended one first
    payers, cash_flow, flows, rent_instead, binding   for the recommended machine
    sensitivity          what each uncertain input does to the answer, the strongest first
    robustness_fraction  of price scenarios in which the recommended kind, sized anew, is still the best
    files, workload      text of each machine's file by its name, and of the workload's, as `save` writes them
    version              release of Terp that made it
    budget, searched     what was asked, and what was looked at
    rejected             kinds of machine that are not on the frontier, and why
    assumptions          prices, rates and inputs that the plan rests on, with their sources

    Two plans are equal if their digests are, whatever time they took, and with or without their files.
    """

    version: str
    budget: PlannedBudget
    searched: SearchExtent
    machines: tuple[PlannedMachine, ...]
    payers: tuple[PayerShare, ...]
    cash_flow: tuple[CashFlowRow, ...]
    flows: tuple[MoneyFlow, ...]
    rent_instead: RentInstead
    rejected: tuple[RejectedKind, ...]
    binding: tuple[BindingConstraint, ...]
    sensitivity: tuple[InputSwing, ...]
    robustness_fraction: float
    robustness: Robustness
    assumptions: tuple[Assumption, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    workload: str = ""

    @property
    def best(self) -> PlannedMachine:
        """The recommended machine, which is the first of `machines`."""
        return self.machines[0]

    @property
    def frontier(self) -> Table:
        """The machines, a row each, the recommended one first; `plan.plot("frontier")` draws them."""
        return self.table("frontier")

    def table(self, name: str) -> Table:
        """A part of the plan as a table, without what is nested in its rows; `costs` are of all machines.

        name   one of TABLES.  Raises UnknownName.

        Columns are the keys of the document, in SI and in euros: `plan.table("costs").to_pandas()`.
        """
        if name not in TABLES:
            raise UnknownName("table of a plan", name, TABLES)
        return table_of(rows_of(self.to_dict(), name))

    def machine(self, name: str) -> PlannedMachine:
        """A machine of the frontier by its name.  Raises UnknownName."""
        by_name = {machine.machine: machine for machine in self.machines}
        if name not in by_name:
            raise UnknownName("machine of the plan", name, by_name)
        return by_name[name]

    def check(self, name: str = "") -> tuple[ConstraintCheck, ...]:
        """Every constraint of the budget on a machine of the frontier, by the checker that stands apart from the search.

        name   the recommended machine if empty.  Raises UnknownName.
        """
        return (self.machine(name) if name else self.best).checks

    def to_dict(self) -> dict[str, Json]:
        """plan.json: docs/formats/plan.md."""
        return dict(self._document)

    @cached_property
    def _document(self) -> dict[str, Json]:
        """The document, made once: sentences are English, and the recommended machine stands in it twice, as `best` too."""
        say = plan_viewer().sentence
        frontier = [data_of(machine, say) for machine in self.machines]
        parts = (
            "payers", "cash_flow", "flows", "rent_instead", "rejected", "binding", "sensitivity", "robustness_fraction",
            "robustness", "assumptions",
        )  # fmt: skip
        return {
            "format": FORMAT,
            "version": self.version,
            "budget": data_of(self.budget, say),
            "searched": data_of(self.searched, say),
            "best": frontier[0],
            "frontier": frontier,
            **{name: data_of(getattr(self, name), say) for name in parts},
            "sources": {source.key: _cited(source) for source in self.sources},
            "caveats": [say(caveat) for caveat in self.caveats],
            "caveat_codes": [data_of(caveat, say) for caveat in self.caveats],
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document but for the time that the plan took: equal plans have the same on any machine."""
        document = self.to_dict()
        return digest_of({**document, "searched": {**cast("dict[str, Json]", document["searched"]), "wall_s": 0.0}})

    def __repr__(self) -> str:
        values = {
            "budget": self.budget.name,
            "best": self.best.machine,
            "gpus_count": self.best.gpus_count,
            "tco_eur": self.best.tco_eur,
            "machines_count": len(self.machines),
        }
        return one_line("PurchasePlan", values)

    def save(self, folder: str | Path, language: str = "en", *, force: bool = False) -> Path:
        """Writes the plan's folder, whole or not at all, and gives its path.

        An earlier plan of the same question there is replaced.

        plan.json, best.yaml, a machine file for each machine of the frontier, workload.yaml, tables in Parquet, brief.html.

        language   of the paper
        force      replace a plan of another question too

        Raises Problems where something else stands there, and for a plan read without its files.
        """
        target = Path(folder)
        if not self.files:
            would_do = "a plan that was made, or read from its folder"
            raise Problems([Problem(str(target), 0, 0, "", "the plan has no machine files to write", "", would_do)])
        save_plan(self, target, plan_viewer().brief(self, language), force=force)
        return target

    def brief(self, path: str | Path, language: str = "nl") -> Path:
        """Writes the decision paper, one HTML page, and gives its path.

        language   "nl" or "en".  Raises UnknownName for another, and Problems where the file cannot be written.
        """
        target = Path(path)
        write_whole(target, plan_viewer().brief(self, language))
        return target


def _cited(source: SourceNote) -> Json:
    """A source as the document has it, without its key."""
    return {key: getattr(source, key) for key in ("title", "publisher", "address", "grade", "dated")}


def rows_of(document: Mapping[str, Json], name: str) -> list[dict[str, object]]:
    """Rows of a table of a plan's document, without what is nested in them.

    name   one of TABLES; "costs" are those of every machine of the frontier, with the machine's name.  Raises KeyError.
    """
    if name == "costs":
        machines = cast("list[dict[str, list[dict[str, object]]]]", document["frontier"])
        rows = [{"machine": machine["machine"], **cost} for machine in machines for cost in machine["costs"]]
    else:
        rows = cast("list[dict[str, object]]", document[name])
    return [{key: value for key, value in row.items() if not isinstance(value, list | dict)} for row in rows]


def plan_of(document: object, file: str = "", files: Mapping[str, str] | None = None, workload: str = "") -> PurchasePlan:
    """The plan of a document, as `to_dict` and `--json` give it.

    document          of format FORMAT
    file              named in errors
    files, workload   texts of its machine files by name, and of its workload; a plan without them cannot be saved

    Raises Problems, one for each part that does not fit.

    A document is checked in this order: its format, its numbers, the types of all fields, that there is a machine, and that
    every code in it has a sentence.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        shown = document.get("format") if isinstance(document, dict) else None
        raise Problems([Problem(file, 0, 0, "format", "not a plan of this program", repr(shown), f"{FORMAT!r} would do")])
    if wrong := list(damage_of_numbers(document)):
        raise damaged(file, wrong, AGAIN)
    try:
        plain = dict(cast("Mapping[str, object]", fields_of(document)))
        cited = cast("Mapping[str, Mapping[str, object]]", plain.pop("sources", {}))
        plain |= {
            "machines": plain.pop("frontier", None),
            "caveats": document.get("caveat_codes", []),
            "sources": [{"key": key, **entry} for key, entry in cited.items()],
            "files": dict(files or {}),
            "workload": workload,
        }
        plan = TypeAdapter(PurchasePlan).validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        errors = error.errors()
        found = [Damage(".".join(map(str, one["loc"])), one["msg"].lower(), shown_value(one["input"])) for one in errors]
        raise damaged(file, found, AGAIN) from None
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        found = [Damage("", f"a part of it is of another shape ({str(error).splitlines()[0]})")]
        raise damaged(file, found, AGAIN) from None
    if not plan.machines:
        raise damaged(file, [Damage("frontier", "it is empty")], AGAIN)
    lines = {*LINES.values(), *COST_CLASSES}
    if found := [
        Damage(f"flows.{place}.line", "it is no line of the costs", shown_value(flow.line))
        for place, flow in enumerate(plan.flows)
        if flow.line not in lines
    ]:
        raise damaged(file, found, AGAIN)
    try:
        plan.to_dict()  # every sentence of it can be said
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        unsaid = Damage("", f"a code in it is not said so ({type(error).__name__} at {str(error).splitlines()[0]!r})")
        raise damaged(file, [unsaid], AGAIN) from None
    return plan


def read_plan(path: str | Path) -> PurchasePlan:
    """A plan from its folder, or from plan.json alone.

    path   of the folder or of the document.  Machine files beside it are read too, so that the plan can be saved again;
           without them the plan is whole, but `save` refuses

    Raises Problems for what is no plan, and where nothing is.
    """
    given = Path(path)
    file = given / "plan.json" if given.is_dir() else given
    document = read_document(file, "name a folder that `terp plan -o` made")
    machines = document.get("frontier", []) if isinstance(document, dict) else []
    listed = machines if isinstance(machines, list) else []
    names = [machine.get("machine") for machine in listed if isinstance(machine, dict)]
    plain = [name for name in names if isinstance(name, str) and Path(name).name == name]
    beside = {name: text for name in plain if (text := _text(file.parent / f"{name}.yaml")) is not None}
    return plan_of(document, str(file), beside, _text(file.parent / "workload.yaml") or "")


def _text(path: Path) -> str | None:
    """The text of a file; None where it is not there or no text."""
    try:
        return read_text(path)
    except Problems:
        return None
