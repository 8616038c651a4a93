"""A simulated run and its folder: four tables and two JSON files.

`save_run` and `load_run` are each other's inverse.  A folder appears whole or not at all (`terp.files`).
docs/formats/run.md describes every table and key; a later release reads what an earlier one wrote as long as FORMAT is the
same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from terp.catalogue import FIRST_HOUR
from terp.errors import Problem, Problems, printable
from terp.files import FolderKind, write_folder, write_whole
from terp.notes import Caveat, SourceNote
from terp.results.record import Json, Result, digest_of, viewer
from terp.results.run_summary import RunSummary
from terp.results.table import Table

TABLES: Final = ("jobs", "interruptions", "timeline", "hours")
"""Tables of a run, each in a Parquet file of its name and in an attribute of `Run`."""
DOCUMENTS: Final = {"summary": "summary.json", "origin": "run.json"}
"""JSON documents of a run by the attribute of `Run` that holds them."""
FILES: Final = (*(f"{name}.parquet" for name in TABLES), *DOCUMENTS.values())
REPORTS: Final = ("report.html", "eu-report.json")
"""What may be made from a run and lie in its folder; it goes when the run is replaced, since it would describe another."""
RUN: Final = FolderKind("run", "run.json", frozenset({*FILES, *REPORTS}))
"""The folder of a run."""
FORMAT: Final = "terp-run/1"
"""The version of the folder's layout, which run.json names; it changes when an older reader would misread a run."""
MOMENTS: Final[dict[str, tuple[str, ...]]] = {
    "jobs": ("submit_s", "start_s", "last_start_s", "end_s"),
    "interruptions": ("start_s", "end_s"),
    "timeline": ("time_s",),
    "hours": ("start_s",),
}
"""Columns of a run's tables that are seconds since it began."""
START: Final = datetime.fromisoformat(FIRST_HOUR)
"""When a run begins: the first hour of the series of prices and weather."""


@dataclass(frozen=True, eq=False, repr=False)
class Run(Result):
    """What a simulation gives.

    jobs       a row a job, see docs/formats/run.md
    interruptions   a row a time that a node failure cut a job short
    timeline   a row a change; each row holds until the next one's time
    hours      a row an hour: energy, cost, carbon, water, reused heat, weather and price
    summary    the figures of summary.json
    origin     run.json: digests of machine, catalogue and workload, seed, version, the provenance of every input

    Tables may be given as Arrow, and the summary as the mapping that JSON holds.

    Two runs are equal if their figures and the digests of their inputs are, however long each took.  A run that was loaded
    equals the run that was saved.
    """

    jobs: Table
    interruptions: Table
    timeline: Table
    hours: Table
    summary: RunSummary
    origin: dict[str, Any]

    def __post_init__(self) -> None:
        for name, moments in MOMENTS.items():
            table = getattr(self, name)
            if not isinstance(table, Table):
                object.__setattr__(self, name, Table(table, moments, START))
        if not isinstance(self.summary, RunSummary):
            object.__setattr__(self, "summary", RunSummary.of(self.summary))
        if not self.sources:
            object.__setattr__(self, "sources", _sources(self.origin))
        if not self.caveats:
            object.__setattr__(self, "caveats", _caveats(self.origin))

    def to_dict(self) -> dict[str, Json]:
        """What `terp simulate --json` prints: the figures of summary.json."""
        return self.summary.to_dict()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the figures and of what they come from, but for how long it took here."""
        figures = {name: value for name, value in self.summary.items() if name != "wall_s"}
        return digest_of({"summary": figures, "digests": dict(self.origin.get("digests", {}))})

    def save(self, folder: Path | str) -> None:
        """Writes the run's folder, whole or not at all; an earlier run there is replaced.  Raises Problems."""
        save_run(self, Path(folder))

    def report(self, path: Path | str) -> Path:
        """Writes the run as one HTML page that needs nothing else, and gives its path.  Raises Problems if it cannot."""
        target = Path(path)
        write_whole(target, viewer().run_page(self))
        return target

    def __repr__(self) -> str:
        used = f"{self.summary.gpu_utilisation_fraction:.1%} of {self.summary.gpus_count:,} GPUs in use"
        place = f"{self.summary.machine} at {self.origin.get('site', '')}"
        seed = self.summary.seed
        return printable(f"Run({place}, {self.summary.days} days, seed {seed}: {self.jobs.num_rows:,} jobs, {used})")


def _sources(origin: Mapping[str, Any]) -> tuple[SourceNote, ...]:
    """The citations of run.json."""
    names = ("title", "publisher", "dated", "address", "grade")
    cited: Mapping[str, Mapping[str, str]] = origin.get("sources", {})
    return tuple(SourceNote(key, *(entry.get(name, "") for name in names)) for key, entry in cited.items())


def _caveats(origin: Mapping[str, Any]) -> tuple[Caveat, ...]:
    """What run.json says is assumed, and which series are modelled."""
    assumed: Sequence[Mapping[str, str]] = origin.get("assumed", ())
    modelled = [Caveat("series-modelled", {"series": name}) for name in origin.get("synthetic_series", ())]
    return (
        *modelled,
        *(Caveat("value-assumed", {name: entry.get(name, "") for name in ("path", "value", "range")}) for entry in assumed),
    )


def _problem(folder: Path, wrong: str, would_do: str) -> Problems:
    """A refusal that concerns a folder: what is wrong with it, and what would do instead."""
    return Problems([Problem(str(folder), 0, 0, "", wrong, would_do=would_do)])


def save_run(run: Run, folder: Path) -> None:
    """Writes a run's folder, whole or not at all.  Raises Problems.

    An earlier run there is replaced, with its reports; other files that lie beside it are kept.
    """

    def write(draft: Path) -> None:
        for name in TABLES:
            pq.write_table(getattr(run, name).arrow, draft / f"{name}.parquet", compression="zstd", compression_level=1)
        for name, file in DOCUMENTS.items():
            (draft / file).write_text(json.dumps(dict(getattr(run, name)), indent=2) + "\n", "utf-8")

    write_folder(folder, write, RUN)


def load_run(folder: Path) -> Run:
    """Reads a run folder.  Raises Problems naming every file that is missing or unreadable.

    Files of a folder that stem from two different runs are refused too: days, seed, and the numbers of rows must agree.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    would_do = "name a folder that `terp simulate -o` made"
    if len(missing) == len(FILES):
        raise _problem(folder, "holds no run", would_do)
    if missing:
        raise Problems([Problem(str(folder / name), 0, 0, "", "is missing", would_do=would_do) for name in missing])
    try:
        tables = [pq.read_table(folder / f"{name}.parquet") for name in TABLES]
        documents = [json.loads((folder / file).read_text("utf-8")) for file in DOCUMENTS.values()]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _problem(folder, f"cannot be read: {str(error).splitlines()[0]}", "simulate it again") from None
    try:
        run = Run(*tables, *documents)
    except (KeyError, TypeError, AttributeError):
        raise _not_whole(folder) from None
    if not _belongs_together(run):
        raise _not_whole(folder)
    return run


def _not_whole(folder: Path) -> Problems:
    """A refusal of a folder whose files are there but do not make one run."""
    return _problem(folder, f"is not one whole run of this format ({FORMAT})", "simulate it again")


def _belongs_together(run: Run) -> bool:
    """True if tables and documents are of one run of this format, whichever release wrote it."""
    try:
        return bool(
            run.origin["format"] == FORMAT
            and (run.origin["days"], run.origin["seed"]) == (run.summary.days, run.summary.seed)
            and run.hours.num_rows == 24 * run.summary.days
            and run.jobs.num_rows == run.summary.jobs_submitted_count
            and {"energy_j", "domain"} <= set(run.jobs.column_names)
            and {"time_s", "it_power_w"} <= set(run.timeline.column_names)
            and "water_kg" in run.hours.column_names
        )
    except (KeyError, TypeError):
        return False
