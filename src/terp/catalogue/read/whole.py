"""Reads the catalogue: YAML files -> records, with the sourcing of every value beside them.

The catalogue is checked when it is read, as a whole: every source that is cited and every part that another names must be
there.  A `Catalogue` that exists can therefore be followed from part to part without a check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

from terp.catalogue.read.own_folder import own_catalogue, read_with_own, texts_of
from terp.catalogue.read.parts import FAMILIES, Part, Source
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.notes import SourceNote
from terp.reader import Provenance, Sourced, dotted, read_entries

P = TypeVar("P", bound=Part)

_FAMILY_OF: Final = {record: family for family, record in FAMILIES.items()}


@dataclass(frozen=True)
class Catalogue:
    """Parts by family and name, citations, and who says each value.

    provenance   "nodes.dgx-h100.idle_power" -> Provenance
    digest       SHA-256 of the files read

    parts     family -> name -> record, such as parts["nodes"]["dgx-h100"]
    sources   citations by name
    """

    parts: Mapping[str, Mapping[str, Part]]
    sources: Mapping[str, Source]
    provenance: Mapping[str, Provenance]
    digest: str

    def part(self, kind: type[P], name: str) -> P:
        """A part of a kind by name.  Raises UnknownName with the nearest names.

        kind   the record's class, such as `Node`, which also says the family

            read_catalogue().part(Node, "dgx-h100").accelerators_count
        """
        family = self.family_of(kind)
        part = self.parts[family].get(name)
        if part is None:
            raise UnknownName(f"part in {family}", name, self.parts[family])
        assert isinstance(part, kind)
        return part

    @staticmethod
    def family_of(kind: type[Part]) -> str:
        """The family that parts of a kind stand in, such as "nodes"."""
        return _FAMILY_OF[kind]

    def accelerator_named(self, beginning: str) -> str:
        """The name of the accelerator that a name begins: `h20` is h20-sxm-96gb, and `h100` the first of 80 GB.

        Raises UnknownName, or Problems if it begins several of which none has 80 GB.

        For the terminal, where people write h100; files name parts in full.
        """
        names, name = self.parts["accelerators"], beginning.lower()
        if name in names:
            return name
        begun = [known for known in names if name and known.startswith(name)]
        if len(begun) == 1:
            return begun[0]
        of_word = [known for known in begun if known.startswith(f"{name}-")]
        of_80gb = [known for known in of_word if known.endswith("-80gb")]
        if of_80gb or len(of_word) == 1:
            return (of_80gb or of_word)[0]
        if begun:
            raise Problems([Problem("", 0, 0, "", f"{beginning!r} begins several accelerators", would_do=", ".join(begun))])
        raise UnknownName("part in accelerators", beginning, names)


def read_catalogue() -> Catalogue:
    """The catalogue that ships with Terp, with the user's own beside it if there is one.

    Raises Problems, all at once, if a file of it is wrong.

    Kept by the path of the user's folder: the first call reads and checks every file, and later ones cost nothing.
    """
    return _catalogue(own_catalogue())


@cache
def _catalogue(_own: str) -> Catalogue:
    """The catalogue with a folder of the user's own."""
    hashed = hashlib.sha256()
    problems: list[Problem] = []
    read: dict[str, Sourced] = {}
    for name in ("sources.yaml", *(f"parts/{family}.yaml" for family in FAMILIES)):
        for text in texts_of(name):
            hashed.update(text.encode())
        try:
            read[name] = read_with_own(name, name.removeprefix("parts/"))
        except Problems as error:
            problems += error.problems
    if problems:
        raise Problems(problems)
    sources = read_entries(read.pop("sources.yaml"), Source, problems)
    parts: dict[str, Mapping[str, Part]] = {}
    provenance: dict[str, Provenance] = {}
    for family, sourced in zip(FAMILIES, read.values(), strict=True):
        parts[family] = read_entries(sourced, FAMILIES[family], problems)
        problems += unknown_sources(sourced, sources)
        provenance |= {f"{family}.{dotted(path)}": entry for path, entry in sourced.provenance.items()}
    for family, sourced in zip(FAMILIES, read.values(), strict=True):
        problems += [problem for name in parts[family] for problem in _unmet(sourced, name, parts[family][name], parts)]
    if problems:
        raise Problems(problems)
    return Catalogue(parts, sources, provenance, hashed.hexdigest())


_NAMED: Final[Mapping[str, str]] = {
    "accelerator": "accelerators", "processor": "processors", "adapter": "adapters", "rack": "racks", "adapters": "adapters",
    "switch": "switches", "storage_switch": "switches", "cable": "cables", "storage_cable": "cables",
    "switch_optic": "cables", "storage_optic": "cables", "node_optics": "cables",
}  # fmt: skip
"""Field of a part that names others -> their family."""


def _unmet(sourced: Sourced, name: str, part: Part, parts: Mapping[str, Mapping[str, Part]]) -> Iterator[Problem]:
    """Parts that a part names and the catalogue does not have."""
    for field, family in _NAMED.items():
        named = getattr(part, field, None)
        for other in named if isinstance(named, list) else [named]:
            if other is not None and other not in parts[family]:
                yield sourced.tree.problem(
                    (name, field), f"no such part in {family}", repr(other), did_you_mean(other, parts[family])
                )


def sources_named(names: Iterable[str]) -> tuple[SourceNote, ...]:
    """Citations of the catalogue by name, each once, sorted; names that are empty are left out.

    Names that the catalogue does not have are left out too: a source is looked up, never made up.
    """
    cited = read_catalogue().sources
    return tuple(
        SourceNote(name, entry.title, entry.publisher, entry.dated, entry.address, entry.grade)
        for name in sorted({name for name in names if name})
        if (entry := cited.get(name)) is not None
    )


def unknown_sources(sourced: Sourced, sources: Mapping[str, Source]) -> list[Problem]:
    """Sources that a file names and `sources` does not have.

    sourced   a file that was read, with the sourcing of its values;  sources   of the catalogue

    Gives a problem for each, at the line that cites it, with the nearest name.
    """
    return [
        sourced.tree.problem(path, "unknown source", repr(entry.source), did_you_mean(entry.source, sources))
        for path, entry in sourced.provenance.items()
        if entry.source and entry.source not in sources
    ]
