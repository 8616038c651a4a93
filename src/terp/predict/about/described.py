"""`terp.about`: all that is known of one thing with a name, line by line with who says it, and as one document.

A machine's document is `machine_document`; of all others it is the record of its file, with what follows from it before and
`said_by` behind: the status, range and source of every value that has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pydantic import BaseModel

from terp.catalogue import sources_named
from terp.connect import model_from
from terp.describe import ModelFile, read_budget, read_policy, read_site, read_workload
from terp.errors import UnknownName
from terp.hardware import machine_from
from terp.notes import Scalar
from terp.physics import work_of
from terp.predict.about.kinds import KINDS, kind_named, kinds_of, names, spelt_alike
from terp.predict.about.listing import tokens_of_one
from terp.predict.about.part_lines import AboutLine, gpu_lines, node_lines, said_by, software_lines
from terp.reader import Provenance, Record, Written, dotted
from terp.reader.fields import dimension_of, keys_of
from terp.results.record import PRINTED, Json, Result, as_json, unprinted
from terp.units import Money

R = TypeVar("R", bound=Record)
MOST_LINES: Final = 400
"""Values of one thing that are listed; a workload of hundreds of kinds of job has more, which its document has."""


@dataclass(frozen=True, eq=False, repr=False)
class About(Result):
    """What is known of one thing: its kind and name, its values a line each, and the whole as a document.

    kind      in singular, such as "model";  file  that it was read from; of a part, its file of the catalogue
    lines     values for people, most telling first
    document  the whole, as `terp show NAME --json` prints it
    """

    kind: str
    name: str
    title: str
    file: str
    lines: tuple[AboutLine, ...] = unprinted(())
    document: Mapping[str, Json] = field(default_factory=dict, metadata={PRINTED: False})

    def to_dict(self) -> dict[str, Json]:
        """As `terp show NAME --json` prints it."""
        return dict(self.document)


def about(source: str | os.PathLike[str], kind: str | None = None) -> About:
    """All that is known of what a name or a path means: a machine, a model, a site, a GPU, a software ...

    source   a name in whatever spelling, a path, or a hub's id or folder
    kind     of it, where the name is of several; the likeliest if None

    Raises Problems or UnknownName, with what is near.
    """
    text = os.fspath(source)
    chosen = kinds_of(text)[0] if kind is None else kind_named(kind)
    if KINDS[chosen].folder:
        return _READ[chosen](text)
    name = spelt_alike(text, chosen)
    if name is None:
        raise UnknownName(KINDS[chosen].word, text, names(chosen))
    title, file, lines, figures = {"gpus": gpu_lines, "nodes": node_lines, "software": software_lines}[chosen](name)
    document = {"kind": KINDS[chosen].word, "name": name, "title": title, "file": file, **figures}
    return _about(document, lines)


def _about(document: dict[str, object], lines: list[AboutLine]) -> About:
    """The record of a document and its lines, with the citations that the lines rest on.

    document   with `kind`, `name`, `title` and `file` first;  lines   every value, most telling first

    Only the first `MOST_LINES` lines are kept for people; `said_by` of the document has the status of all.
    """
    sources = sources_named(line.source for line in lines)
    cited = [
        {"key": note.key, "title": note.title, "publisher": note.publisher, "address": note.address} for note in sources
    ]
    whole = as_json({**document, "said_by": _said_by(lines), "sources": cited})
    assert isinstance(whole, dict)
    kind, name, title, file = (str(document[key]) for key in ("kind", "name", "title", "file"))
    return About(kind, name, title, file, lines=tuple(lines[:MOST_LINES]), document=whole, sources=sources)


def _said_by(lines: list[AboutLine]) -> dict[str, object]:
    """Path of a value -> its status, range and source, of those that say so."""
    return {
        line.path: {"status": line.status, "range": line.range_text, "source": line.source, "note": line.note}
        for line in lines
        if line.status
    }


def _machine(source: str) -> About:
    """A machine's document is that of `Machine.to_dict`, to which nothing is added; its lines are those of its file."""
    built = machine_from(source)
    document = as_json(built.to_dict())
    assert isinstance(document, dict)
    lines = list(_lines(built.file, built.written.provenance))
    return About(
        "machine", built.file.name, built.file.title, built.written.file, tuple(lines), document, sources=built.sources
    )


def _model(source: str) -> About:
    """A model, with what follows from its shape: parameters, and the flops that a token or a sample of training takes.

    Flops are of a sequence of one token, without attention's growth: 6 times the active parameters, which a token meets.
    """
    written = model_from(source)
    record = written.record
    work = work_of(record, tokens_of_one(record))
    return _written("model", written, _model_figures(record, work.parameters_count))


def _model_figures(record: ModelFile, parameters_count: int) -> dict[str, tuple[Scalar, str]]:
    """Figures that follow from a shape, by key with their dimension."""
    figures: dict[str, tuple[Scalar, str]] = {"parameters_count": (parameters_count, "count")}
    if getattr(record, "vocabulary_size", 0):
        token = work_of(record, 1)
        figures["flop_per_token"] = (token.flop, "flop")
        figures["active_parameters_count"] = (round(token.flop / 6), "count")
    figures["bf16_weights_bytes"] = (2.0 * parameters_count, "bytes")
    return figures


def _written(word: str, written: Written[R], figures: Mapping[str, tuple[Scalar, str]] | None = None) -> About:
    """Of a file that was read: what follows from it, then its values with who says them.

    word     what it is called, in singular
    figures  what follows from it: key with its unit -> value in SI and dimension
    """
    record = written.record
    derived = [AboutLine(key, key, value, dimension, "derived") for key, (value, dimension) in (figures or {}).items()]
    lines = [*derived, *_lines(record, written.provenance)]
    dumped = record.model_dump(mode="json", exclude={"kind", "name", "title"})
    values = {key: value for key, (value, _) in (figures or {}).items()}
    head = {"kind": word, "name": getattr(record, "name", ""), "title": getattr(record, "title", ""), "file": written.file}
    return _about({**head, **values, **dumped}, lines)


def _lines(record: BaseModel, sourcing: Mapping[str, Provenance]) -> Iterator[AboutLine]:
    """A line for every value of a record that is said, by its path in the file; defaults that are empty are left out.

    sourcing   who says each value, by dotted path

    Kind, name and title stand in the heading and have no line.
    """
    for path, name, value in _leaves(record, ()):
        where = dotted(path)
        if where in ("kind", "name", "title"):
            continue
        yield said_by(AboutLine(where, name, value, dimension_of(name)), sourcing.get(where))


def _leaves(
    value: object, path: tuple[str | int, ...], name: str = ""
) -> Iterator[tuple[tuple[str | int, ...], str, Scalar]]:
    """Path, name of the field and value of all plain values inside one, in order; lists of plain values in one.

    name   of the field that the value is of, whose unit the values of a mapping have too
    """
    if isinstance(value, BaseModel):
        keys = keys_of(type(value))
        for each in type(value).model_fields:
            yield from _leaves(getattr(value, each), (*path, keys[each]), each)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)), name)
    elif isinstance(value, list | tuple) and any(isinstance(inner, BaseModel | Mapping) for inner in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index), name)
    elif isinstance(value, list | tuple):
        if value:
            yield path, "", ", ".join(map(str, value))
    elif isinstance(value, Money):
        yield path, "", str(value)
    elif value is not None and value != "":
        yield path, name, value if isinstance(value, str | int | float | bool) else str(value)


_READ: Final[Mapping[str, Callable[[str], About]]] = {
    "machines": _machine,
    "models": _model,
    "sites": lambda source: _written("site", read_site(source)),
    "workloads": lambda source: _written("workload", read_workload(source)),
    "policies": lambda source: _written("policy", read_policy(source)),
    "budgets": lambda source: _written("budget", read_budget(source)),
}
"""Kind of a file -> what makes its record of a name or a path."""


def same_kind(sources: tuple[str, ...], kind: str | None = None) -> str | None:
    """The first kind that all of some names are of; None where they have none in common.  Raises Problems.

    sources   names, paths or ids;  kind   if it was said, in plural or singular

    Things of one kind can stand side by side; others are shown one below the other.
    """
    if kind is not None:
        return kind_named(kind)
    every = [kinds_of(source) for source in sources]
    return next((name for name in every[0] if all(name in others for others in every)), None)
