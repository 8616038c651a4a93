"""The fitted and assumed numbers of the models: files under `physics/`, each value with who says so.

A model asks `constants(Kind)` for its record, where `Kind.PLACE` says the file and the place in it.  A script or a test
that varies numbers runs the model inside `with_constants(changed_record)`; nothing is ever changed in place.

A kind is a frozen dataclass beside the model that uses it, so a model says which numbers it needs and this module how they
are written.  A record is read once for each folder of the user's own, and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import ClassVar, Final, Protocol, TypeVar, cast

from terp import units
from terp.catalogue.read.constants_fields import NotPlain, Report, plain_values, record_of
from terp.catalogue.read.own_folder import own_catalogue, read_with_own, texts_of
from terp.errors import Problem, Problems, UnknownName
from terp.reader import Provenance, Sourced, Tree, dotted
from terp.reader.tree import Path


class Placed(Protocol):
    """A record of constants that says where it stands: "benchmarks.hpl" is `hpl` of benchmarks.yaml."""

    PLACE: ClassVar[str]


C = TypeVar("C", bound=Placed)

FOLDER: Final = "physics"
FILES: Final = (
    "architectures", "precisions", "kernels", "collectives", "benchmarks", "training", "software", "networks", "inference",
    "node_power", "costs", "intervals",
)  # fmt: skip
"""Files of constants, in the order of the docs' page."""
_ARCHITECTURE: Final = "architectures.architectures.*."
RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "hpl": (
        "benchmarks.hpl.*", "benchmarks.dgemm.*", f"{_ARCHITECTURE}dgemm", f"{_ARCHITECTURE}fp64_energy",
        f"{_ARCHITECTURE}panel",
        "intervals.models.hpl.*", "intervals.models.hpl-power.*",
    ),
    "hpcg": ("benchmarks.hpcg.*", f"{_ARCHITECTURE}hpcg", "intervals.models.hpcg.*"),
    "mxp": ("benchmarks.mxp.*", "intervals.models.mxp.*"),
    "kernels": (
        "kernels.*", "precisions.*", f"{_ARCHITECTURE}tiling.*", "intervals.models.gemm.*", "intervals.models.attention.*",
    ),
    "collectives": ("collectives.*", f"{_ARCHITECTURE}switch", f"{_ARCHITECTURE}latency", "intervals.models.collectives.*"),
    "training": (
        "training.*", "software.*", "networks.*", "precisions.*", "kernels.*", "collectives.*", "node_power.gpu.*",
        "architectures.sheet.*", f"{_ARCHITECTURE}per_clock", f"{_ARCHITECTURE}flop_energy", f"{_ARCHITECTURE}tiling.*",
        f"{_ARCHITECTURE}switch", f"{_ARCHITECTURE}latency", f"{_ARCHITECTURE}steps", f"{_ARCHITECTURE}wider.training",
    ),
    "inference": ("inference.*", "kernels.*", f"{_ARCHITECTURE}tiling.*"),
    "power": (
        "node_power.*", "benchmarks.hpl.activity", "benchmarks.hpcg.activity", f"{_ARCHITECTURE}per_clock",
        f"{_ARCHITECTURE}flop_energy", "intervals.models.power*",
    ),
    "costs": ("costs.*",),
}  # fmt: skip
"""Model -> the constants that its predictions rest on, by path with wildcards."""
_CHANGED: Final[ContextVar[Mapping[type, Placed]]] = ContextVar("changed constants", default={})  # noqa: B039


@dataclass(frozen=True)
class ConstantNote:
    """One number that models rest on, and who says it.

    path        file and path in it, such as "architectures.hopper.flop_energy"
    value_text  as written, with its unit
    status      published, measured, derived, fitted or assumed
    range_text  as written; empty where none is given
    source      an entry of sources.yaml; empty where it is our own
    fitted_by   the script that fitted it; empty if none did

    note        what is to be known besides: how it was measured, where it holds; empty if nothing
    """

    path: str
    value_text: str
    status: str
    range_text: str
    source: str
    fitted_by: str
    note: str


def constants(kind: type[C]) -> C:
    """The constants of a kind: the catalogue's, or those that `with_constants` around the call has put in their place.

    kind   the dataclass, such as `HplConstants`

    The only way that models get their numbers, and cheap: call it where the number is used rather than at import, so that
    `with_constants` has effect.  Raises Problems as `read_constants`.
    """
    changed = _CHANGED.get()
    return changed[kind] if kind in changed else _read_constants(kind, own_catalogue())  # type: ignore[return-value]


@contextmanager
def with_constants(*records: Placed) -> Iterator[None]:
    """Models inside the `with` take these records instead of the catalogue's, each for its own kind.

    Blocks may stand in each other, and an inner record hides an outer one of its kind.  Threads that are started inside do
    not see them.

        with with_constants(replace(constants(HplConstants), network_fraction=0.5)):
            predict_hpl(system)
    """
    token = _CHANGED.set({**_CHANGED.get(), **{type(record): record for record in records}})
    try:
        yield
    finally:
        _CHANGED.reset(token)


def read_constants(kind: type[C]) -> C:
    """The record of a kind from the catalogue's file, with the user's own entries in it.

    Raises Problems with every wrong value, by file and path.

    What `with_constants` has changed plays no part.
    """
    return cast("C", _read_constants(kind, own_catalogue()))


@cache
def _read_constants(kind: type[C], own: str) -> C:
    """The record of a kind, kept by kind and by folder of the user's own.

    The fast way reads plain data alone; where that finds anything wrong, or the user has entries of the same file, the file
    is read again with places, for problems that name a line.
    """
    name = kind.PLACE.partition(".")[0]
    wrong: list[str] = []
    try:
        record = _built(kind, _values(name, own), lambda *problem: wrong.append(problem[1]))
    except NotPlain:
        record = None
    return constants_from(kind, _file(name, own)) if record is None else record


def constants_from(kind: type[C], sourced: Sourced) -> C:
    """The record of a kind from a file that was read.  Raises Problems.

    A kind with a class method `completed` is made of what that makes of the plain data, such as with defaults filled in.

    kind      the dataclass;  sourced   the whole file that it stands in

    Tests use it on a file of their own.
    """
    problems: list[Problem] = []

    def report(path: Path, wrong: str, written: str, would_do: str) -> None:
        problems.append(sourced.tree.problem(path, wrong, written, would_do))

    record = _built(kind, sourced.data, report)
    if record is None:
        raise Problems(problems)
    return record


def _built(kind: type[C], data: object, report: Report) -> C | None:
    """The record of a kind from a file's plain data; None where `report` was told what is wrong.

    data     the whole file as plain data, in which PLACE leads to the record
    report   takes each problem: path, what is wrong, what stands there, what would do
    """
    steps = tuple(kind.PLACE.split(".")[1:])
    for step in steps:
        data = data.get(step) if isinstance(data, dict) else None
    completed = getattr(kind, "completed", None)
    return record_of(kind, completed(data) if completed else data, steps, report)


@cache
def _values(name: str, _own: str) -> object:
    """A file of constants as plain data alone.  Raises NotPlain where the user's own entries are to be joined to it."""
    texts = texts_of(f"{FOLDER}/{name}.yaml")
    if len(texts) > 1:
        raise NotPlain
    return plain_values(texts[0])


@cache
def _file(name: str, _own: str) -> Sourced:
    """A file of constants as plain data, its sourcing and its places, with a folder of the user's own."""
    return read_with_own(f"{FOLDER}/{name}.yaml")


def constants_digest() -> str:
    """SHA-256 of all files of constants, and of what `with_constants` around the call has put in their place.

    A run is written with it: two runs of the same digest rest on the same numbers.
    """
    files, changed = _files_digest(own_catalogue()), sorted(repr(record) for record in _CHANGED.get().values())
    return hashlib.sha256("\n".join([files, *changed]).encode()).hexdigest() if changed else files


@cache
def _files_digest(_own: str) -> str:
    """SHA-256 of the texts of all files of constants, kept by folder of the user's own."""
    hashed = hashlib.sha256()
    for name in FILES:
        for text in texts_of(f"{FOLDER}/{name}.yaml"):
            hashed.update(text.encode())
    return hashed.hexdigest()


def constant_notes(file: str) -> tuple[ConstantNote, ...]:
    """Every sourced value of a file of constants, in its order.  Raises UnknownName.

    file   a name of `FILES`, such as "kernels"
    """
    if file not in FILES:
        raise UnknownName("file of constants", file, FILES)
    sourced = _file(file, own_catalogue())
    return tuple(_note(sourced, file, path, entry) for path, entry in sourced.provenance.items())


def constants_used(model: str, architectures: Collection[str] = ()) -> tuple[ConstantNote, ...]:
    """The constants that a model's predictions rest on, with who says them.  Raises UnknownName.

    model           a key of `RESTS_ON`, such as "hpl" or "training"
    architectures   those whose values are wanted, such as a chip's and those it falls back on; all if empty

    The docs' page of constants is made of it.
    """
    if model not in RESTS_ON:
        raise UnknownName("model with constants", model, RESTS_ON)
    wanted = RESTS_ON[model]
    files = dict.fromkeys(pattern.partition(".")[0] for pattern in wanted)
    return tuple(
        note
        for file in files
        for note in constant_notes(file)
        if any(fnmatchcase(note.path, pattern) for pattern in wanted) and _is_of(note.path, architectures)
    )


def _is_of(path: str, architectures: Collection[str]) -> bool:
    """True for a path that is of no architecture, or of one of some."""
    steps = path.split(".")
    return not architectures or steps[:2] != ["architectures", "architectures"] or steps[2] in architectures


def _note(sourced: Sourced, file: str, path: Path, entry: Provenance) -> ConstantNote:
    """A value of a file with its sourcing, as one record for people."""
    text = entry.value_text or _in_words(sourced.data, path)
    name = f"{file}.{dotted(path)}"
    return ConstantNote(name, text, entry.status, entry.range_text, entry.source, entry.fitted_by, entry.note)


def _in_words(data: object, path: Path) -> str:
    """A list or a mapping at a path, in one line."""
    for step in path:
        data = cast("Mapping[str | int, object]", data)[step]
    if isinstance(data, list):
        return ", ".join(map(str, data))
    return ", ".join(f"{dotted(inner)} {value}" for inner, value in _leaves(data))


def _leaves(data: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Paths and values of the numbers and texts in nested mappings, depth first."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path, data


def wrong_ranges(sourced: Sourced) -> list[Problem]:
    """Ranges of a file of constants that cannot be read, or that leave their value out.

    Only values with both a range and a value as text are checked.  Tests ask it of every file that ships.
    """
    problems = []
    for path, entry in sourced.provenance.items():
        if entry.range_text and entry.value_text:
            problem = _wrong_range(sourced.tree, path, entry)
            problems += [problem] if problem else []
    return problems


def _wrong_range(tree: Tree, path: Path, entry: Provenance) -> Problem | None:
    """The problem of one value's range, at the range's own place in the file; None if the value lies within it."""
    unit = entry.value_text.partition(" ")[2]
    dimension = next((name for name, known in units.UNITS.items() if unit in known), "ratio")
    try:
        low, high = units.parse_range(entry.range_text, dimension)
        inside = low <= units.parse(entry.value_text, dimension) <= high
    except units.NotAQuantity as error:
        return tree.problem((*path, "range"), error.wrong, repr(entry.range_text), error.would_do)
    if inside:
        return None
    return tree.problem((*path, "range"), "the value lies outside its range", entry.range_text, "widen it or mend the value")
