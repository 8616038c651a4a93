"""What all results share: they are frozen, know their caveats and sources, and show themselves in one line.

A result is a dataclass below `Result`:

    @dataclass(frozen=True, eq=False, repr=False)
    class HplScore(Result):
        machine: str
        rmax_flop_per_s: float

`eq=False` and `repr=False` leave equality, hash and repr to `Result`; a test holds every result to that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np

import terp
from terp.notes import Caveat, Scalar, SourceNote

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Caveat", "Json", "Result", "Scalar", "SourceNote", "Viewer", "as_json", "unprinted", "viewer"]

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
"""What `json.dumps` takes."""
MOST_REPR: Final = 196
"""Characters that a result's repr may take in all; the rest is cut."""
PRINTED: Final = "printed"
"""Metadata of a field that is False where the document leaves it out."""
WRITTEN: Final = {"class_name": "class"}
"""Field -> its key in a document, where Python has the word for itself."""
F = TypeVar("F")


def unprinted(default: F) -> F:
    """A field of a result that its document leaves out, such as a title that only people read."""
    made: F = field(default=default, metadata={PRINTED: False})
    return made


class Viewer(Protocol):
    """How people see a record.  `views` has the only one; results reach it through the front door, which stands above."""

    def sentence(self, caveat: Caveat) -> str:
        """A caveat in words, as the terminal prints it."""

    def html(self, title: str, data: Mapping[str, object]) -> str:
        """A record's data as an HTML table for a notebook."""

    def table_html(self, title: str, rows: Sequence[Mapping[str, object]]) -> str:
        """Rows of a table as an HTML table for a notebook."""

    def report(self, thing: object, path: Path, language: str) -> Path:
        """Writes the report of a result or a machine.  Raises Problems for a name that says no format, or if it cannot."""

    def plot(self, result: Result, figure: str, axes: Axes | None) -> Axes:
        """A figure of a result.  Raises Problems for one that it has not, and where matplotlib is not installed."""


@runtime_checkable
class Documented(Protocol):
    """What makes its own document."""

    def to_dict(self) -> Mapping[str, object]:
        """The document, as JSON takes it."""


def viewer() -> Viewer:
    """The viewer that the front door names."""
    return terp.viewer()


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result:
    """A frozen record of what came out.

    caveats   what is not known to be true of it
    sources   citations of the inputs and formulas that it rests on

    Two results of one class are equal if their documents are: `digest` is the identity.
    """

    caveats: tuple[Caveat, ...] = field(default=(), metadata={PRINTED: False})
    sources: tuple[SourceNote, ...] = field(default=(), metadata={PRINTED: False})

    def to_dict(self) -> dict[str, Json]:
        """The document of this result, as `--json` prints it: fields by name, caveats as sentences, no sources."""
        names = [part.name for part in fields(self) if part.metadata.get(PRINTED, True)]
        document: dict[str, Json] = {WRITTEN.get(name, name): as_json(getattr(self, name)) for name in names}
        return {**document, "caveats": self.sentences()}

    def plot(self, figure: str, axes: Axes | None = None) -> Axes:
        """Draws a figure of this result with matplotlib, which the extra `plots` installs.

        figure   "use", "waits" or "power" of a run, "breakdown" of a training, "frontier" of a search or a plan
        axes     to draw in; a figure of its own if None

        Gives the axes.  Raises Problems for a figure that this result has not, with those that it has.
        """
        return viewer().plot(self, figure, axes)

    def report(self, path: Path | str, language: str = "en") -> Path:
        """Writes this result as a page that needs nothing else, and gives its path.

        path       ends with .html, .pdf, .md or .csv, which says what is written; PDF needs a browser on this computer
        language   "en", or "nl" for plans

        Raises Problems for another ending, and where it cannot be written.
        """
        return viewer().report(self, Path(path), language)

    def sentences(self) -> list[Json]:
        """The caveats in words."""
        if not self.caveats:
            return []
        shown = viewer()
        return [shown.sentence(caveat) for caveat in self.caveats]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, which is the same for equal results on any machine."""
        return digest_of(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Result):
            return NotImplemented
        return self.digest == other.digest

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.digest))

    def __repr__(self) -> str:
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return one_line(type(self).__name__, values)

    def _repr_html_(self) -> str:
        return viewer().html(type(self).__name__, self.to_dict())


def digest_of(document: Mapping[str, Json]) -> str:
    """SHA-256 of a document's canonical JSON: keys sorted, no blanks."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def one_line(name: str, values: Mapping[str, object]) -> str:
    """`Name(key=value, ...)` of the plain values, cut so that it stays below 200 characters."""
    shown = [f"{key}={value!r}" for key, value in _rounded(values).items()]
    text = ""
    for word in shown:
        longer = f"{text}, {word}" if text else word
        if len(name) + len(longer) + 7 > MOST_REPR:
            return f"{name}({text}, ...)" if text else f"{name}(...)"
        text = longer
    return f"{name}({text})"


def _rounded(values: Mapping[str, object]) -> dict[str, object]:
    """The words and numbers among some values; numbers to four digits."""
    plain = {key: value for key, value in values.items() if isinstance(value, bool | int | float | str)}
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in plain.items()}


def built_from(kind: type[F], document: Mapping[str, object]) -> F:
    """A dataclass from its document, records inside it too: what `as_json` undoes.

    Keys that the class does not have are left out.  Raises KeyError for a value that is missing, TypeError for one of
    another shape.
    """
    hints = get_type_hints(kind)
    values = {}
    for part in fields(kind):  # type: ignore[arg-type]
        if part.name not in document and part.default is not MISSING:
            continue
        values[part.name] = _value_from(hints[part.name], document[part.name])
    return kind(**values)


def _value_from(hint: object, value: object) -> object:
    """A value by its annotation: a record, records in a tuple or by key, or as it is."""
    inner = get_args(hint)[-1:] if get_origin(hint) is Mapping else get_args(hint)[:1]
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise TypeError(f"no mapping: {value!r}")
        return built_from(hint, value)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value_from(inner[0], entry) for entry in value)
    if get_origin(hint) is Mapping and isinstance(value, Mapping):
        return {key: _value_from(inner[0], entry) for key, entry in value.items()}
    return value


def as_json(value: object) -> Json:
    """A value as JSON takes it: records and mappings by key, sequences as lists, numbers of numpy as Python's.

    Raises TypeError for a kind that has no JSON.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Result):
        return {name: entry for name, entry in value.to_dict().items() if name != "caveats" or entry}
    if isinstance(value, np.generic | np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Documented):
        return as_json(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: as_json(getattr(value, part.name)) for part in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON")
