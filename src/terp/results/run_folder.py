"""A simulated run and its folder: four tables and two JSON files.

`save_run` and `load_run` are each other's inverse.  A folder appears whole or not at all (`terp.files`).
docs/formats/run.md describes every table and key; a later release reads what an earlier one wrote as long as FORMAT is the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from terp.catalogue import FIRST_HOUR
from terp.errors import Problem, Problems, printable
from terp.files import FolderKind, Question, settle, write_folder
from terp.files.document_check import Damage, damage_of, damaged, read_document
from terp.files.json_text import read_json
from terp.files.open_file import MOST_DOCUMENT_BYTES
from terp.files.parquet_file import parquet_schema
from terp.files.table_check import damage_of_table, read_table
from terp.notes import Caveat, SourceNote
from terp.results.record import Json, Result, digest_of
from terp.results.run_summary import RunSummary
from terp.results.table import Table
from terp.results.table_columns import COLUMNS, RunOrigin, damage_of_summary, damage_of_times, damage_of_words

TABLES: Final = ("jobs", "interruptions", "timeline", "hours")
"""Tables of a run, each in a Parquet file of its name and in an attribute of `Run`."""
DOCUMENTS: Final = {"summary": "summary.json", "origin": "run.json"}
"""JSON documents of a run by the attribute of `Run` that holds them."""
FILES: Final = (*(f"{name}.parquet" for name in TABLES), *DOCUMENTS.values())
REPORTS: Final = (
    *(f"{name}.{ending}" for name in ("report", "eu-report") for ending in ("html", "pdf", "md")),
    "eu-report.json",
)
"""What may be made from a run and lie in its folder; it goes when the run is replaced, since it would describe another."""
FORMAT: Final = "terp-run/1"
"""The version of the folder's layout, which run.json names; it changes when an older reader would misread a run."""
AGAIN: Final = "simulate it again"
"""What would do where a run is damaged."""
_TRIES: Final = 20
"""How often a folder that changes while it is read is read again."""
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

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Writes the run's folder, whole or not at all; an earlier run of the same question there is replaced.

        force   replace one of another question as well.  Raises Problems where that stands there and this is False
        """
        save_run(self, Path(folder), force=force)

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


def save_run(run: Run, folder: Path, *, force: bool = False) -> None:
    """Writes a run's folder, whole or not at all.  Raises Problems.

    force   replace an earlier run of another question too

    An earlier run of the same question is replaced, with its reports; other files that lie beside it are kept.
    """

    def write(draft: Path) -> None:
        for name in TABLES:
            pq.write_table(getattr(run, name).arrow, draft / f"{name}.parquet", compression="zstd", compression_level=1)
        for name, file in DOCUMENTS.items():
            (draft / file).write_text(json.dumps(dict(getattr(run, name)), indent=2) + "\n", "utf-8")

    write_folder(folder, write, RUN, None if force else question_of_run(run.origin))


def question_of_run(origin: Mapping[str, object]) -> Question | None:
    """What a run answers: digests of its machine, site and workload, days, seed, and the controls that were in force.

    origin   run.json, whole or damaged.  None where it does not say

    Two runs of the same question are alike but for what Terp and its catalogue knew when.
    """
    digests, controls = origin.get("digests"), origin.get("controls")
    if not isinstance(digests, Mapping) or not isinstance(controls, Mapping):
        return None
    named = {f"{name}_digest": digests[name] for name in ("machine", "site", "workload") if name in digests}
    return {**named, **{name: origin[name] for name in ("days", "seed") if name in origin}, **controls}


def _question_at(folder: Path) -> Question | None:
    """What the run in a folder answers, as far as its run.json can be read."""
    try:
        origin = read_json(folder / DOCUMENTS["origin"], MOST_DOCUMENT_BYTES)
    except Problems:
        return None
    return question_of_run(origin) if isinstance(origin, Mapping) else None


def load_run(folder: Path) -> Run:
    """Reads a run folder.  Raises Problems naming every file that is missing, or what is damaged in one that is there.

    Files of a folder that stem from two different runs are refused too: days, seed, and the numbers of rows must agree.
    A folder that is replaced meanwhile is read again.
    """
    for _ in range(_TRIES):
        settle(folder, RUN.own)
        before = _stamps(folder)
        try:
            run = _load(folder)
        except Problems:
            if before == _stamps(folder):
                raise
        else:
            if before == _stamps(folder):
                return run
    raise _problem(folder, "is being written all the time", "wait until that has ended")


def _stamps(folder: Path) -> list[tuple[int, int] | None]:
    """Which files lie in a run's folder, and of when: told before and after a reading, which must be of one run."""
    stamps: list[tuple[int, int] | None] = []
    for name in FILES:
        try:
            state = (folder / name).stat()
            stamps.append((state.st_ino, state.st_mtime_ns))
        except (OSError, ValueError):
            stamps.append(None)
    return stamps


def _load(folder: Path) -> Run:
    """A run's folder as it stands; as `load_run`.

    Documents are looked at before tables, and each file before what must agree between them, so that the first thing that
    is wrong is said and not what follows from it.
    """
    missing = [name for name, stamp in zip(FILES, _stamps(folder), strict=True) if stamp is None]
    would_do = "name a folder that `terp simulate -o` made"
    if len(missing) == len(FILES):
        raise _problem(folder, "holds no run", would_do)
    if missing:
        raise Problems([Problem(str(folder / name), 0, 0, "", "is missing", would_do=would_do) for name in missing])
    summary, origin = (read_document(folder / file, AGAIN) for file in DOCUMENTS.values())
    if not isinstance(origin, dict) or origin.get("format") != FORMAT:
        raise _not_whole(folder)
    if not isinstance(summary, dict) or not {"machine", "days"} & set(summary):
        raise _not_whole(folder)
    _refuse_damage(folder / DOCUMENTS["origin"], damage_of(RunOrigin, origin))
    _refuse_damage(folder / DOCUMENTS["summary"], damage_of(RunSummary, summary))
    tables = []
    for name in TABLES:
        tables.append(read_table(folder / f"{name}.parquet", AGAIN))
        _refuse_damage(folder / f"{name}.parquet", damage_of_table(tables[-1], COLUMNS[name]))
    run = Run(tables[0], tables[1], tables[2], tables[3], RunSummary.of(summary), origin)
    if not _belongs_together(run):
        raise _not_whole(folder)
    _refuse_damage(folder / DOCUMENTS["summary"], damage_of_summary(run.summary, origin["titles"]))
    for name, found in damage_of_times(run.hours, run.timeline, run.summary.days):
        _refuse_damage(folder / f"{name}.parquet", [found])
    _refuse_damage(folder / "jobs.parquet", damage_of_words(run.jobs))
    return run


def _refuse_damage(file: Path, damage: Iterable[Damage]) -> None:
    """Raises Problems, a line, if anything is damaged in a file.

    damage   of that file, told when it is asked for, so that a whole file costs one look at each value
    """
    if listed := list(damage):
        raise damaged(file, listed, AGAIN)


def _not_whole(folder: Path) -> Problems:
    """A refusal of a folder whose files are there but do not make one run."""
    return _problem(folder, f"is not one whole run of this format ({FORMAT})", AGAIN)


def _belongs_together(run: Run) -> bool:
    """True if tables and documents are of one run, whichever release wrote it."""
    return bool(
        (run.origin["days"], run.origin["seed"]) == (run.summary.days, run.summary.seed)
        and run.hours.num_rows == 24 * run.summary.days
        and run.jobs.num_rows == run.summary.jobs_submitted_count
    )


def _is_ours(file: Path) -> bool:
    """True for a file of a run that has its name and what a run's file holds: what is left of a half-deleted folder.

    A table is known by its columns, a document by two of its keys; a page or anything damaged is nobody's.
    """
    try:
        if file.suffix == ".parquet":
            return file.stem in COLUMNS and set(COLUMNS[file.stem]) <= set(parquet_schema(file).names)
        if file.suffix != ".json":
            return False
        document = read_json(file, MOST_DOCUMENT_BYTES)
        wanted = {"format", "digests"} if file.name == DOCUMENTS["origin"] else {"jobs_submitted_count", "mean_pue"}
        return isinstance(document, dict) and wanted <= set(document)
    except Problems:
        return False


RUN: Final = FolderKind("run", "run.json", frozenset({*FILES, *REPORTS}), _is_ours, _question_at)
"""The folder of a run."""
