"""A user's own catalogue: a folder with files of the same form beside those that ship, read as one with them.

The folder is named by the environment variable TERP_CATALOGUE, by `terp --catalogue DIR`, or by `use_own_catalogue`.  It
may hold any of `catalogue_files`, each with entries of its own; an entry that ships is not changed, but for prices, where
a quote of one's own takes the place of the one of the same name.

Every reader of the catalogue goes through `texts_of` and `read_with_own`, and its cache is kept by the folder, so that a
change of the folder takes effect at once, and one of its files when the folder is named again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import Final, Self, TypeGuard

from terp.errors import Problem, Problems, did_you_mean
from terp.reader import Sourced, Tree, read_text, read_tree
from terp.reader.tree import Path

VARIABLE: Final = "TERP_CATALOGUE"
"""Environment variable with the path of the user's own catalogue; processes that are started take it over."""
_FOLDERS: Final = ("parts", "prices", "physics")
_ALONE: Final = ("sources.yaml", "throughput.yaml")
_REPLACED: Final = "prices/"


@cache
def catalogue_files() -> tuple[str, ...]:
    """Files of the catalogue that a folder of one's own may add to, such as "parts/nodes.yaml".

    Files of series, lists and job statistics are not among them: those cannot be added to.
    """
    shipped = resources.files("terp.catalogue")
    names = [f"{name}/{file.name}" for name in _FOLDERS for file in shipped.joinpath(name).iterdir()]
    return (*_ALONE, *sorted(name for name in names if name.endswith(".yaml")))


class OwnFolder(str):
    """The path of a folder of one's own, and how its files stood when it was named.

    Caches that are kept by it are other ones once the folder is named again and a file has changed.
    """

    __slots__ = ("stood",)

    def __new__(cls, path: str) -> Self:
        """The folder as it stands now; one that cannot be looked into has no files."""
        folder = super().__new__(cls, path)
        try:
            files = sorted(_yaml_files(FilePath(path))) if path else []
            folder.stood = tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
        except (OSError, ValueError):
            folder.stood = ()
        return folder

    stood: tuple[tuple[str, int, int], ...]

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, str(other)) and self.stood == getattr(other, "stood", self.stood)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)


def _yaml_files(top: FilePath) -> list[FilePath]:
    """The YAML files of a folder and of those right in it: a catalogue has no deeper ones, and a home folder has many."""
    return [*top.glob("*.y*ml"), *top.glob("*/*.y*ml")]


@cache
def own_catalogue() -> str:
    """The folder of the user's own catalogue; empty if there is none.

    The environment is read once: models ask for constants hundreds of thousands of times in a plan.
    An absolute path where `use_own_catalogue` set it, as written where the environment did.
    """
    path = os.environ.get(VARIABLE, "").strip()
    return OwnFolder(path) if path else ""


def use_own_catalogue(folder: str | FilePath | None) -> None:
    """Reads the catalogue with a folder of one's own from now on, in this process and those that it starts; None: without.

    What was read before stays as it is.  Raises Problems if the folder is not one of a catalogue.

    folder   with files by the names of `catalogue_files`, such as parts/nodes.yaml
    """
    if folder is None:
        os.environ.pop(VARIABLE, None)
    else:
        path = OwnFolder(str(FilePath(folder).absolute()))
        _own_files(path)
        os.environ[VARIABLE] = path
    own_catalogue.cache_clear()


@cache
def _own_files(folder: str) -> Mapping[str, FilePath]:
    """Files of a folder by their name in the catalogue.  Raises Problems: no folder, or files that no catalogue has."""
    top = FilePath(folder)
    if not top.is_dir():
        would_do = f"name a folder with files such as parts/nodes.yaml, or unset {VARIABLE}"
        raise Problems([Problem(folder, 0, 0, "", "no such folder", would_do=would_do)])
    files = {path.relative_to(top).as_posix(): path for path in sorted(_yaml_files(top))}
    problems = [
        Problem(str(path), 0, 0, "", "not a file of the catalogue", repr(name), did_you_mean(name, catalogue_files()))
        for name, path in files.items()
        if name not in catalogue_files()
    ]
    if problems:
        raise Problems(problems)
    return files


def texts_of(name: str) -> tuple[str, ...]:
    """The text of a file of the catalogue that ships, and the user's own beside it, if there is one.  Raises Problems.

    name    such as "parts/nodes.yaml"

    The first is always the one that ships; digests are made of both, in this order.
    """
    shipped = resources.files("terp.catalogue").joinpath(*name.split("/")).read_text("utf-8")
    folder = own_catalogue()
    own = _own_files(folder).get(name) if folder else None
    return (shipped,) if own is None else (shipped, read_text(own))


def read_with_own(name: str, shown: str = "") -> Sourced:
    """A file of the catalogue with the user's own entries in it.  Raises Problems.

    name    such as "parts/nodes.yaml"
    shown   what problems call the file that ships; its name if empty

    Problems of an entry name the file that it is from.
    """
    texts = texts_of(name)
    shipped = read_tree(texts[0], shown or name)
    if len(texts) == 1:
        return shipped
    own = read_tree(texts[1], str(_own_files(own_catalogue())[name]))
    return joined(shipped, own, replaces=name.startswith(_REPLACED))


def joined(shipped: Sourced, own: Sourced, *, replaces: bool = False) -> Sourced:
    """Two files of entries as one.  Raises Problems, all at once, for entries that stand in both unless `replaces`.

    A key whose value is a mapping of entries in both, such as `architectures`, is joined entry by entry.

    shipped, own   both read with their places;  replaces   True where an own entry takes the place of one that ships

    The sourcing of a replaced entry goes with it, so that no value has another's source.
    """
    if not isinstance(own.data, dict):
        raise Problems([own.tree.problem((), "not a mapping of names to entries", would_do="start with a name and a colon")])
    data, moved, problems = dict(shipped.mapping), list[Path](), list[Problem]()
    for key, entry in own.data.items():
        if key not in data or replaces:
            data[key] = entry
            moved.append((key,))
            continue
        known = data[key]
        if not _holds_entries(known) or not _holds_entries(entry):
            problems.append(own.tree.problem((key,), "ships with Terp already", repr(key), "give it another name", key=True))
            continue
        for name in entry:
            if name in known:
                wrong = "ships with Terp already"
                problems.append(own.tree.problem((key, name), wrong, repr(name), "give it another name", key=True))
        data[key] = {**known, **entry}
        moved += [(key, name) for name in entry]
    if problems:
        raise Problems(problems)
    kept = {path: note for path, note in shipped.provenance.items() if not _within(path, moved)}
    tree = JoinedTree(shipped.tree.file, data, shipped.tree.values, shipped.tree.keys, own=own.tree, moved=tuple(moved))
    return replace(shipped, tree=tree, data=data, provenance={**kept, **own.provenance})


def _holds_entries(value: object) -> TypeGuard[dict[str, object]]:
    """True for a mapping whose values are all mappings, as a group of entries is."""
    return isinstance(value, dict) and bool(value) and all(isinstance(entry, dict) for entry in value.values())


def _within(path: Path, prefixes: list[Path] | tuple[Path, ...]) -> bool:
    """True for a path that begins with one of some prefixes."""
    return any(path[: len(prefix)] == prefix for prefix in prefixes)


@dataclass
class JoinedTree(Tree):
    """The places of two files: problems of the entries that `moved` names point into `own`.

    own     the tree of the user's file;  moved   paths of the entries that are from it
    """

    own: Tree = field(default_factory=lambda: Tree(""))
    moved: tuple[Path, ...] = ()

    def problem(self, path: Path, wrong: str, written: str = "", would_do: str = "", *, key: bool = False) -> Problem:
        """A problem at the place of a path, in the file that the path is from."""
        if _within(path, self.moved):
            return self.own.problem(path, wrong, written, would_do, key=key)
        return super().problem(path, wrong, written, would_do, key=key)
