"""A simulated run and its folder: four tables and two JSON files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from terp.errors import Problem, Problems

TABLES: Final = ("jobs", "interruptions", "timeline", "hours")
DOCUMENTS: Final = {"summary": "summary.json", "origin": "run.json"}
FILES: Final = (*(f"{name}.parquet" for name in TABLES), *DOCUMENTS.values())
REPORTS: Final = ("report.html", "eu-report.json")
FORMAT: Final = "terp-run/1"


@dataclass(frozen=True)
class Run:
    """What a simulation gives.

    jobs       a row a job, see docs/formats/run.md
    interruptions   a row a time that a node failure cut a job short
    timeline   a row a change; each row holds until the next one's time
    hours      a row an hour: energy, cost, carbon, water, reused heat, weather and price
    summary    the figures of summary.json
    origin     run.json: digests of machine, catalogue and workload, seed, version, the provenance of every input
    """

    jobs: pa.Table
    interruptions: pa.Table
    timeline: pa.Table
    hours: pa.Table
    summary: dict[str, Any]
    origin: dict[str, Any]


def _problem(folder: Path, wrong: str, would_do: str) -> Problems:
    return Problems([Problem(str(folder), 0, 0, "", wrong, would_do=would_do)])


def check_target(folder: Path, mark: str = "run.json") -> None:
    """Raises Problems unless a run can be saved to `folder`: new, empty, or an earlier run to be replaced.

    mark   the file that an earlier one has
    """
    if Path.cwd().is_relative_to(folder.absolute().resolve()):
        raise _problem(folder, "is the folder you are in, or holds it", "go elsewhere or name another folder with -o")
    if folder.exists() and not folder.is_dir():
        raise _problem(folder, "is a file, not a folder", "name another folder with -o")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise _problem(folder, "is a folder with other files in it", "name a new folder with -o")
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise _problem(folder, f"cannot be written: {parent} is a file", "name another folder with -o")
    try:
        Path(tempfile.mkdtemp(dir=parent)).rmdir()
    except OSError as error:
        raise _problem(folder, f"cannot be written in {parent}: {error.strerror}", "name another folder with -o") from None


def save_run(run: Run, folder: Path) -> None:
    """Writes a run beside its final name and renames it when whole.

    An earlier run there is replaced, with its reports; other files that lie beside it are kept.
    """

    def write(draft: Path) -> None:
        for name in TABLES:
            pq.write_table(getattr(run, name), draft / f"{name}.parquet", compression="zstd", compression_level=1)
        for name, file in DOCUMENTS.items():
            (draft / file).write_text(json.dumps(getattr(run, name), indent=2) + "\n", "utf-8")

    save_whole(folder, write, "run.json", (*FILES, *REPORTS))


def save_whole(folder: Path, write: Callable[[Path], None], mark: str, own: Collection[str]) -> None:
    """Has a folder written beside its final name and renames it when whole.  Raises Problems.

    write   called with the draft's folder
    mark    the file that an earlier one has, which is then replaced
    own     names that an earlier one may have; other files that lie beside them are kept
    """
    check_target(folder, mark)
    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _problem(folder, f"cannot be written: {error.strerror}", "name another folder with -o") from None
    try:
        write(draft)
        draft.chmod(0o755)
        _rename(draft, target, own)
    except OSError as error:
        raise _problem(folder, f"cannot be written: {error.strerror}", "free some room or name another folder") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _rename(draft: Path, target: Path, own: Collection[str]) -> None:
    """Puts the draft in the target's place; what stood there goes last."""
    if not target.exists():
        draft.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / "run")
    draft.rename(target)
    for path in (old / "run").iterdir():
        if path.name not in own:
            path.rename(target / path.name)
    shutil.rmtree(old, ignore_errors=True)


def load_run(folder: Path) -> Run:
    """Reads a run folder.  Raises Problems naming every file that is missing or unreadable."""
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
    run = Run(*tables, *documents)
    if not _belongs_together(run):
        wrong = f"is not one whole run of this format ({FORMAT})"
        raise _problem(folder, wrong, "simulate it again")
    return run


def _belongs_together(run: Run) -> bool:
    """True if tables and documents are of one run of this format, whichever release wrote it."""
    try:
        return bool(
            run.origin["format"] == FORMAT
            and (run.origin["days"], run.origin["seed"]) == (run.summary["days"], run.summary["seed"])
            and run.hours.num_rows == 24 * run.summary["days"]
            and run.jobs.num_rows == run.summary["jobs_submitted_count"]
            and {"energy_j", "domain"} <= set(run.jobs.column_names)
            and {"time_s", "it_power_w"} <= set(run.timeline.column_names)
            and "water_kg" in run.hours.column_names
        )
    except (KeyError, TypeError):
        return False
