"""A sweep that was kept, as a result; and what any folder of results holds.

`terp.sweep` runs scenarios and gives a `Sweep`; `load_folder` is the front door's reader for whatever `-o` made.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from terp.errors import printable
from terp.files import write_folder
from terp.results.comparison import Case, bands, cases_of_rows
from terp.results.record import Json, Result, as_json
from terp.results.replay_folder import Replay, is_replay, load_replay
from terp.results.run_folder import Run, load_run
from terp.results.sweep_folder import (
    DOCUMENT,
    SweepDocument,
    is_sweep,
    nothing_done,
    question_of_sweep,
    read_sweep,
    sweep_kind,
)
from terp.results.table import Table


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """Many scenarios at once.

    rows       a row a scenario that was done, in the order of the axes, see docs/formats/sweep.md
    document   sweep.json: the axes, what is fixed, and what failed
    folder     where it is kept
    """

    rows: Table
    document: SweepDocument
    folder: str

    @cached_property
    def cases(self) -> list[Case]:
        """A case for each combination of the values of the axes, seed aside: years that differ in seed only."""
        return cases_of_rows(self.rows.arrow, self.document, self.folder)

    def to_dict(self) -> dict[str, Json]:
        """What `terp sweep --json` prints: sweep.json, and the figures of each point."""
        document = {name: as_json(value) for name, value in self.document.items()}
        return {**document, "points": as_json(bands(self.cases))}

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Writes a copy of the sweep's folder, whole or not at all.  Raises Problems.

        force   replace a sweep of another question too; one of the same question is replaced without
        """

        def write(draft: Path) -> None:
            if self.rows.num_rows:
                pq.write_table(self.rows.arrow, draft / "part-all.parquet", compression="zstd", use_dictionary=False)
            (draft / DOCUMENT).write_text(json.dumps(self.document, indent=2) + "\n", "utf-8")

        asked = None if force else question_of_sweep(self.document)
        write_folder(Path(folder), write, sweep_kind(Path(folder)), asked)

    def __repr__(self) -> str:
        axes = ", ".join(f"{len(values):,} of {name}" for name, values in self.document["axes"].items())
        done = f"{self.document['done_count']:,} of {self.document['scenarios_count']:,} scenarios done"
        return printable(f"Sweep({axes[:100]}: {done})")


def sweep_at(folder: Path) -> Sweep:
    """The sweep of a folder, of which nothing may have been done yet.  Raises Problems if it holds none.

    A sweep without a row has an empty table, and its document says how many scenarios are to come.
    """
    rows, document = read_sweep(folder)
    return Sweep(Table(pa.table({}) if rows is None else rows), document, str(folder))


def load_sweep(folder: Path) -> Sweep:
    """Reads a sweep folder.  Raises Problems if it holds none, or nothing that was done."""
    sweep = sweep_at(folder)
    if not sweep.rows.num_rows:
        raise nothing_done(folder)
    return sweep


def load_folder(folder: str | os.PathLike[str]) -> Run | Sweep | Replay:
    """A run, a sweep or a replay, whichever a folder holds.  Raises Problems if it holds none, or not a whole one.

    The kind is told by the names of the files: sweep.json for a sweep, a trace beside summary.json for a replay, else a run.
    """
    path = Path(os.fspath(folder))
    return load_sweep(path) if is_sweep(path) else load_replay(path) if is_replay(path) else load_run(path)
