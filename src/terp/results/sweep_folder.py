"""A sweep's folder: a row a scenario in Parquet parts, which come one by one, and sweep.json.

Rows come in parts while the sweep goes on, so a sweep that was stopped goes on where it was: `begin_sweep` says which
scenarios are there, `add_part` adds some, `finish_sweep` puts the parts into one.  `read_sweep` reads a folder in any of
these states.  What a scenario is and who runs it stands in `terp.sweep`; docs/formats/sweep.md describes the columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import terp
from terp.describe.scenario import NO_CAP, scenario_fields
from terp.errors import Problem, Problems
from terp.files import FolderKind, Question, cannot_write, check_target, sweep_left, write_through, write_whole
from terp.files.document_check import Damage, damage_of, damaged, read_document
from terp.files.parquet_file import parquet_schema
from terp.files.table_check import Column, damage_of_table, read_table
from terp.results.table_columns import damage_of_rows

FORMAT: Final = "terp-sweep/1"
"""The version of the folder's layout, which sweep.json names."""
DOCUMENT: Final = "sweep.json"
DIGEST: Final = "scenario"
"""The column with the SHA-256 of a scenario's fields: a row's identity."""
DIGESTS: Final = "digests."
"""What the columns with the digests of a scenario's inputs begin with."""
AGAIN: Final = "run the same sweep again"
"""What would do where a sweep is damaged."""
_TRIES: Final = 20
"""How often parts that go while they are read are read again."""
WOULD_DO: Final = "name a folder that `terp sweep -o` made"

Row = dict[str, Any]
"""A scenario that was done: a value by the name of its column."""


FieldValue = str | int | float | bool | None
"""A field of a scenario; None: as the files say."""


class SweepFailure(TypedDict):
    """A scenario that failed: its fields, and what was said."""

    scenario: dict[str, FieldValue]
    error: str


class SweepDocument(TypedDict):
    """sweep.json, see docs/formats/sweep.md.

    format, version   of the folder's layout, and of Terp
    axes              the values that each field was given, by field, in order;  fixed  the value of each other field
    scenarios_count   of all combinations of the axes;  done_count  with a row;  failed_count  without, for an error
    complete          whether every scenario has a row;  failures  what was said of those that failed
    """

    format: str
    version: str
    axes: dict[str, list[FieldValue]]
    fixed: dict[str, FieldValue]
    scenarios_count: int
    done_count: int
    failed_count: int
    complete: bool
    failures: list[SweepFailure]


def scalars(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Every number, word and truth of a summary, by dotted path; entries of lists by the words or the sizes they are of.

    A list's entry is named by its smallest size, by its domain and job or name, or else by its place.  Nulls and lists of
    plain values are left out.

    >>> scalars({"days": 7, "sizes": [{"lowest_gpus_count": 8, "gpu_s": 3}]})
    {'days': 7, 'sizes.8.lowest_gpus_count': 8, 'sizes.8.gpu_s': 3}
    """
    flat: dict[str, Any] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": entry for inner, entry in scalars(value).items()}
        elif isinstance(value, list):
            for place, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    flat |= {f"{key}.{_label(entry, place)}.{inner}": of for inner, of in scalars(entry).items()}
        elif isinstance(value, bool | int | float | str):
            flat[key] = value
    return flat


def _label(entry: Mapping[str, Any], place: int) -> str:
    """What an entry of a list is of."""
    if "lowest_gpus_count" in entry:
        return str(entry["lowest_gpus_count"])
    words = [entry[key] for key in ("domain", "job", "name") if isinstance(entry.get(key), str)]
    return ".".join(words) or str(place)


def row_of(digest: str, fields: Mapping[str, Any], digests: Mapping[str, str], summary: Mapping[str, Any]) -> Row:
    """A scenario's row: its digest, its fields, what its inputs were, and every scalar of its summary.

    digest   SHA-256 of the fields;  fields  of the scenario by name;  digests  of its inputs by name, as run.json has them
    summary  the figures of summary.json

    A field wins over a figure of the same name.
    """
    inputs = {f"{DIGESTS}{name}": value for name, value in digests.items()}
    return {**scalars(summary), DIGEST: digest, **{name: _cell(name, value) for name, value in fields.items()}, **inputs}


def _cell(name: str, value: object) -> object:
    """A field's value in its column: numbers stay among numbers, so that a cap that was lifted is infinite."""
    return inf if value == NO_CAP and name.endswith("_w") else value


def sweep_document(axes: Mapping[str, Sequence[FieldValue]], fixed: Mapping[str, FieldValue], count: int) -> SweepDocument:
    """sweep.json of a sweep that begins.

    axes    the values of each field that is varied;  fixed  the value of each that is not;  count  of scenarios in all
    """
    return {
        "format": FORMAT,
        "version": terp.__version__,
        "axes": {name: list(values) for name, values in axes.items()},
        "fixed": dict(fixed),
        "scenarios_count": count,
        "done_count": 0,
        "failed_count": 0,
        "complete": False,
        "failures": [],
    }


def begin_sweep(folder: Path, document: SweepDocument, digests: set[str]) -> set[str]:
    """Makes the folder, or goes on with it; digests of the scenarios that are there.

    Raises Problems if it cannot be written, or holds rows of other scenarios than `digests`.

    digests   of all scenarios of the sweep that is asked for

    An earlier folder of the same scenarios is gone on with, whatever part of them it holds; what a killed sweep left
    half-written is removed.  Called with the folder's lock.
    """
    kind = sweep_kind(folder)
    check_target(folder, kind)
    sweep_left(folder, kind)
    there: set[str] = set()
    if (folder / DOCUMENT).is_file():
        kept = _read_document(folder)
        table = _read_rows(folder)
        there = set(table.column(DIGEST).to_pylist()) if table is not None else set()
        if there - digests:
            raise _other(folder, kept, len(there - digests))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    _write_document(folder, {**document, "done_count": len(there)})
    return there


def _other(folder: Path, kept: SweepDocument, count: int) -> Problems:
    """A folder that holds what is not asked for."""
    if kept.get("version") != terp.__version__:
        wrong = f"holds a sweep of version {kept.get('version')}, and this is {terp.__version__}"
    else:
        axes = ", ".join(kept.get("axes", {})) or "nothing"
        wrong = (
            f"holds {count:,} scenarios over {axes} that are not of this sweep: of other values, or of files changed since"
        )
    return _problem(folder, wrong, "name a new folder with -o")


def add_part(folder: Path, rows: Sequence[Row]) -> Path:
    """Adds rows as one more part, whole or not at all.  Raises Problems if it cannot be written.

    A column that a row lacks is null in it.  Gives the part's path, whose name follows from the scenarios in it.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return _write_part(folder, pa.table({name: [row.get(name) for row in rows] for name in names}))


def merge_parts(folder: Path, parts: Sequence[Path]) -> None:
    """Puts parts into one: many small ones are slow to read.

    parts   files of the folder; they are removed once the file that holds all of their rows is there
    """
    table = _read_rows(folder, parts)
    if table is not None:
        _replace_parts(folder, parts, table)


def _replace_parts(folder: Path, parts: Sequence[Path], table: pa.Table) -> None:
    """Parts go when the one that holds their rows is there; a row that stands in two meanwhile is read once."""
    whole = _write_part(folder, table)
    for part in parts:
        if part != whole:
            part.unlink(missing_ok=True)


def _write_part(folder: Path, table: pa.Table) -> Path:
    """Writes a part under a name that its scenarios give, so that parts of several writers never meet."""
    digest = hashlib.sha256("".join(table.column(DIGEST).to_pylist()).encode()).hexdigest()
    target = folder / f"part-{digest[:16]}.parquet"

    def write(draft: Path) -> None:
        pq.write_table(table, draft, compression="zstd", use_dictionary=False, write_statistics=False)

    write_through(target, write)
    return target


def finish_sweep(
    folder: Path, document: SweepDocument, failures: Sequence[SweepFailure], order: Sequence[str]
) -> SweepDocument:
    """Puts all parts into one, in order, and writes sweep.json as it now is; gives it.

    order   digests of all scenarios, in the order that their rows shall stand in

    Rows are kept as they are; sweep.json counts as done the rows that are there.
    """
    parts = _parts(folder)
    table = _read_rows(folder, parts)
    done_count = 0 if table is None else table.num_rows
    if table is not None and len(parts) > 1:
        place = {digest: index for index, digest in enumerate(order)}
        sorted_rows = np.argsort([place[digest] for digest in table.column(DIGEST).to_pylist()], kind="stable")
        _replace_parts(folder, parts, table.take(pa.array(sorted_rows)))
    ended: SweepDocument = {
        **document,
        "done_count": done_count,
        "failed_count": len(failures),
        "complete": done_count == document["scenarios_count"],
        "failures": list(failures),
    }
    _write_document(folder, ended)
    return ended


def read_sweep(folder: Path) -> tuple[pa.Table | None, SweepDocument]:
    """The rows and sweep.json of a folder; no rows if nothing was done.

    Raises Problems if it holds no sweep, or says what is damaged in it.
    """
    if not (folder / DOCUMENT).is_file():
        raise _problem(folder, "holds no sweep", WOULD_DO)
    document = _read_document(folder)
    rows = _read_rows(folder)
    if rows is not None and not rows.num_rows:
        rows = None
    if rows is not None:
        fields = [*document["axes"], *document["fixed"]]
        known = {name: field for name, field in scenario_fields().items() if name in fields}
        if other := sorted(set(fields) - set(known)):
            found = Damage(f"axes.{other[0]}", "no field of a scenario")
            raise damaged(folder / DOCUMENT, [found], AGAIN)
        if wrong := list(damage_of_rows(rows, known)):
            raise damaged(folder / "part-*.parquet", wrong, f"remove the part that is spoilt, and {AGAIN}")
    return rows, document


def nothing_done(folder: Path) -> Problems:
    """A refusal of a sweep of which nothing was done."""
    return _problem(folder, "holds no scenario that was done", AGAIN)


def sweep_kind(folder: Path) -> FolderKind:
    """The folder of a sweep, with the parts that lie there."""
    own = frozenset({DOCUMENT, *(path.name for path in _parts(folder))})
    return FolderKind("sweep", DOCUMENT, own, _is_part, _question_at)


def question_of_sweep(document: Mapping[str, object]) -> Question:
    """What a sweep answers: its axes and the fields that are fixed.

    document   sweep.json, whole or damaged
    """
    axes, fixed = document.get("axes"), document.get("fixed")
    values = axes if isinstance(axes, Mapping) else {}
    return {"axes": ", ".join(map(str, values)), **(fixed if isinstance(fixed, Mapping) else {}), **values}


def _question_at(folder: Path) -> Question | None:
    """What the sweep in a folder answers, as far as its sweep.json can be read."""
    try:
        document = read_document(folder / DOCUMENT, WOULD_DO)
    except Problems:
        return None
    return question_of_sweep(document) if isinstance(document, Mapping) else None


def _is_part(path: Path) -> bool:
    """True for rows of a sweep, as their columns tell.

    So a folder that lost its sweep.json is still known to be one.
    """
    try:
        return DIGEST in parquet_schema(path).names
    except Problems:
        return False


def is_sweep(folder: Path) -> bool:
    """True for a folder that `terp sweep` made, as far as its name tells."""
    return (folder / DOCUMENT).is_file()


def _parts(folder: Path) -> list[Path]:
    """The parts in a folder, in order of their names."""
    return sorted(folder.glob("part-*.parquet"))


def _read_rows(folder: Path, parts: Sequence[Path] | None = None) -> pa.Table | None:
    """The rows of parts, each scenario once; None if there is none.

    parts   None: all that lie there, and again where one went while they were read, since a sweep is putting them together
    """
    for last in [False] * _TRIES + [True]:
        listed = _parts(folder) if parts is None else parts
        tables = []
        try:
            for part in listed:
                tables.append(read_table(part, f"remove the part that is spoilt, and {AGAIN}"))
                if wrong := list(damage_of_table(tables[-1], {DIGEST: Column("text")})):
                    raise damaged(part, wrong, f"remove the part that is spoilt, and {AGAIN}")
            if not tables:
                return None
            table = pa.concat_tables(tables, promote_options="permissive")
        except Problems:
            if last or parts is not None or _parts(folder) == listed:
                raise
        except pa.ArrowException as error:
            why = f"its parts do not go together: {str(error).splitlines()[0]}"
            raise _problem(folder, why, f"remove the part that is spoilt, and {AGAIN}") from None
        else:
            _, first = np.unique(np.array(table.column(DIGEST).to_pylist()), return_index=True)
            return table if first.size == table.num_rows else table.take(pa.array(np.sort(first)))
    return None


def _read_document(folder: Path) -> SweepDocument:
    """Reads sweep.json.  Raises Problems if it cannot be read, is of another format, or is damaged."""
    document = read_document(folder / DOCUMENT, WOULD_DO)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _problem(folder / DOCUMENT, f"is not of this format ({FORMAT})", WOULD_DO)
    if wrong := list(damage_of(SweepDocument, document)):
        raise damaged(folder / DOCUMENT, wrong, AGAIN)
    return cast("SweepDocument", document)


def _write_document(folder: Path, document: SweepDocument) -> None:
    """Writes sweep.json, whole or not at all."""
    write_whole(folder / DOCUMENT, json.dumps(document, indent=2) + "\n")


def _problem(place: Path, wrong: str, would_do: str) -> Problems:
    """A refusal that concerns a file or folder: what is wrong with it, and what would do instead."""
    return Problems([Problem(str(place), 0, 0, "", wrong, would_do=would_do)])
