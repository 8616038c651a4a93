"""Terp: an AI supercomputer in software, from one description of the machine.

    import terp

    gefion = terp.machine("gefion")
    terp.predict.hpl(gefion).rmax_flop_per_s

Nouns are functions that read a description: `machine`, `site`, `workload`, `policy`, `model`, `budget`, each by the name of
one that ships, a path, a mapping as a file would hold it, or one that is read already.  Verbs are modules: `predict`,
`simulate`, `sweep`, `plan`, `validate`; `extend` adds what users write.  `load` reads a folder that a verb wrote; `names`,
`listing` and `about` say what there is.

Everything is loaded when it is first used.  What goes wrong on purpose is a `TerpError` with all problems, a line each.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from terp import extend, plan, predict, simulate, sweep, validate
    from terp.describe import (
        Budget,
        DescriptionSource,
        MachineFile,
        ModelFile,
        Policy,
        Site,
        Workload,
    )
    from terp.errors import TerpError
    from terp.hardware import Machine
    from terp.plan import PurchasePlan
    from terp.predict.about import About, Listing
    from terp.reader import Written
    from terp.results import Run, Sweep
    from terp.results.record import Viewer
    from terp.results.replay_folder import Replay
    from terp.results.table import Table

__version__ = "0.1.0"

__all__ = [
    "Machine",
    "Run",
    "Sweep",
    "Table",
    "TerpError",
    "__version__",
    "about",
    "budget",
    "extend",
    "listing",
    "load",
    "machine",
    "model",
    "names",
    "plan",
    "policy",
    "predict",
    "simulate",
    "site",
    "sweep",
    "validate",
    "workload",
]

TYPES: Final = {
    "Machine": "terp.hardware",
    "Run": "terp.results",
    "Sweep": "terp.results",
    "Table": "terp.results.table",
    "TerpError": "terp.errors",
}
"""Names that stand elsewhere, for annotations and `except`."""
VERBS: Final = ("predict", "simulate", "sweep", "plan", "validate", "extend")
"""Modules that are loaded when they are first named."""


def machine(source: DescriptionSource | MachineFile | Written[MachineFile] | Machine) -> Machine:
    """The built machine of a shipped name, a path, a mapping or a description.

    Raises TerpError with every problem of the description, or with the names that are near.
    """
    from terp.hardware import machine_from  # noqa: PLC0415

    return machine_from(source)


def site(source: DescriptionSource | Site | Written[Site]) -> Written[Site]:
    """The site of a shipped name, a path or a mapping: climate, prices, grid and hall.  Raises TerpError."""
    from terp.describe import read_site  # noqa: PLC0415

    return read_site(source)


def workload(source: DescriptionSource | Workload | Written[Workload]) -> Written[Workload]:
    """The workload of a shipped name, a path or a mapping: who works on a machine, and what they run.  Raises TerpError."""
    from terp.describe import read_workload  # noqa: PLC0415

    return read_workload(source)


def policy(source: DescriptionSource | Policy | Written[Policy]) -> Written[Policy]:
    """The policy of a shipped name, a path or a mapping: how jobs are ordered and limited.  Raises TerpError."""
    from terp.describe import read_policy  # noqa: PLC0415

    return read_policy(source)


def model(source: DescriptionSource | ModelFile | Written[ModelFile]) -> Written[ModelFile]:
    """The neural network of a shipped name, a path, a mapping, or a hub's config.json.  Raises TerpError."""
    from terp.connect import model_from  # noqa: PLC0415

    return model_from(source)


def budget(source: DescriptionSource | Budget | Written[Budget]) -> Written[Budget]:
    """The budget of a shipped name, a path or a mapping: what is to be bought, and who pays.  Raises TerpError."""
    from terp.describe import read_budget  # noqa: PLC0415

    return read_budget(source)


def names(kind: str) -> tuple[str, ...]:
    """The names of what ships of a kind: "machines", "models", "sites", "workloads", "policies", "budgets", "gpus", "nodes"
    or "software".

    Those of a catalogue and of policies of one's own are among them.  Raises TerpError for an unknown kind.
    """
    from terp.predict.about import names as all_names  # noqa: PLC0415

    return all_names(kind)


def listing(kind: str | None = None) -> Listing:
    """What ships of a kind, with titles and sizes, as `terp list` prints it; of no kind, the kinds.  Raises TerpError."""
    from terp.predict.about import listing as all_of  # noqa: PLC0415

    return all_of(kind)


def about(source: str | os.PathLike[str], kind: str | None = None) -> About:
    """All that is known of one thing, as `terp show` prints it: of a name, a path, or a hub's id.

    kind   such as "budget", where the name is of several kinds; the likeliest if None

    Raises TerpError for what there is not, with what is near.
    """
    from terp.predict.about import about as all_about  # noqa: PLC0415

    return all_about(source, kind)


def load(folder: str | os.PathLike[str]) -> Run | Sweep | Replay | PurchasePlan:
    """What a folder holds that `save` or `terp ... -o` wrote: a run, a sweep, a replay or a plan.

    Raises TerpError for a folder that holds none of them, or not a whole one.
    """
    from pathlib import Path  # noqa: PLC0415

    from terp.results import load_folder  # noqa: PLC0415

    if (Path(folder) / "plan.json").is_file():
        from terp.plan import read_plan  # noqa: PLC0415

        return read_plan(Path(folder))
    return load_folder(folder)


def viewer() -> Viewer:
    """How records show themselves: by this, results reach `views`, which stand above them."""
    from terp.views import notebook  # noqa: PLC0415

    return notebook


def document_of(built: Machine) -> dict[str, object]:
    """The document of a built machine: by this, `hardware` reaches the physics in it, which stands above."""
    from terp.predict.machine_document import machine_document  # noqa: PLC0415

    return machine_document(built)


def table_of(rows: Sequence[Mapping[str, object]]) -> Table:
    """A table of rows: by this, `hardware` reaches `results`, which stand above it."""
    from terp.results import table  # noqa: PLC0415

    return table.table_of(rows)


def __getattr__(name: str) -> object:
    if name in VERBS:
        return import_module(f"terp.{name}")
    if name in TYPES:
        return getattr(import_module(TYPES[name]), name)
    raise AttributeError(f"module 'terp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
