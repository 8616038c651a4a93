"""Names that complete with Tab: of what ships, of the user's own catalogue, and of folders that verbs have written.

A shell asks for them at every press of the key, so they are read from lists of files and the first letters of lines, without
YAML, numpy or the records: tests hold them to `terp.names`, which reads everything.  Each function is for click's
`shell_complete` and never raises: a name that cannot be found out is not offered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

import terp

_PACKAGE: Final = Path(terp.__file__).parent
"""Folder of the package itself, which holds the catalogue's files."""
SHIPPED: Final = ("machines", "models", "sites", "workloads", "policies", "budgets")
"""Kinds that ship as a folder of files each."""
_TABLES: Final = {"gpus": ("parts/accelerators.yaml", ""), "nodes": ("parts/nodes.yaml", ""), "software": (
    "physics/software.yaml", "generations:")}  # fmt: skip
"""Kind -> its file of the catalogue, and the line behind which its names stand, indented; empty: at the left edge."""
KINDS: Final = (*SHIPPED, *_TABLES)
"""All kinds of what has a name."""
WRITTEN: Final = ("summary.json", "sweep.json", "plan.json")
"""Files by one of which a folder is known for one that a verb wrote."""
FOLDER_DEPTH: Final = 2
"""Levels below the current folder at which such folders are looked for."""

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""Takes click's context and parameter, and what stands of the word so far; gives what it may become."""


def quick_names(kind: str) -> list[str]:
    """The names of a kind, sorted, from files alone; empty for an unknown kind.

    kind   in plural, one of `KINDS`

    Parts of the user's own catalogue stand among them where TERP_CATALOGUE names one; policies of plugins do not, since
    loading a plugin could take as long as it likes.
    """
    if kind in SHIPPED:
        packed = _PACKAGE / "shipped" / kind
        folder = packed if packed.is_dir() else _PACKAGE.parent.parent / kind
        return sorted(path.stem for path in folder.glob("*.yaml"))
    if kind not in _TABLES:
        return []
    file, behind = _TABLES[kind]
    folders = [_PACKAGE / "catalogue", *(Path(own) for own in [os.environ.get("TERP_CATALOGUE", "").strip()] if own)]
    return sorted({name for folder in folders for name in _keys(folder / file, behind)})


def _keys(path: Path, behind: str) -> list[str]:
    """Keys at the left edge of a YAML file, or those two blanks in behind a line; none where it cannot be read.

    path     of the file;  behind   a whole line without its end, or empty for keys at the left edge
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return []
    edge = ""
    if behind:
        edge, text = "  ", text.partition(f"\n{behind}\n")[2]
    return re.findall(rf"^{edge}([a-z0-9][a-z0-9.\-]*):", text, re.MULTILINE)


def matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Names that begin so, whatever the case.

    names        in the order in which they are offered
    incomplete   what stands on the line so far; all names begin with an empty text

    >>> [item.value for item in matching(["gefion", "netherlands"], "GE")]
    ['gefion']
    """
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


def named(*kinds: str, files: bool = True) -> Completer:
    """A completer of names of some kinds and, where they do as well, of files; any file only where no name begins so.

    kinds   in plural, some of `KINDS`;  files   whether a path does as well

    Names are not offered behind a slash, where a path is being typed.
    """

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
        """As `shell_complete` of click calls it: names first, then files of this folder."""
        near = [] if "/" in incomplete else [name for kind in kinds for name in quick_names(kind)]
        items = matching(near, incomplete) + (_files_here(incomplete) if files else [])
        return items or ([CompletionItem(incomplete, type="file")] if files else [])

    return complete


def _files_here(incomplete: str) -> list[CompletionItem]:
    """Files of the current folder that begin so: scripts of shells drop names where they are to look for files.

    Those that end with .yaml and are not hidden, in the order of their names.
    """
    try:
        here = sorted(path.name for path in Path().glob("*.yaml") if not path.name.startswith("."))
    except OSError:
        return []
    return [CompletionItem(name) for name in here if name.startswith(incomplete)]


def of_words(*words: str) -> Completer:
    """A completer of some words.

    words   in the order in which they are offered; small and capital letters are alike
    """
    return lambda ctx, parameter, incomplete: matching(words, incomplete)  # noqa: ARG005 - click's signature


def listed(kind: str) -> Completer:
    """A completer of several names with commas between.

    kind   in plural, one of `KINDS`

    What stands before the last comma is kept as it was typed.
    """

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
        """As `shell_complete` of click calls it; only what stands behind the last comma is completed."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(f"{before}{comma}{item.value}") for item in matching(quick_names(kind), last)]

    return complete


def written_folders(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Folders near by that a verb wrote, and any folder where there is none that begins so.

    incomplete   a path from the current folder, as far as it was typed

    They are looked for two levels deep, and known by the files of `WRITTEN`.
    """
    found = [folder for folder in _folders(Path(), FOLDER_DEPTH) if folder.startswith(incomplete)]
    return [CompletionItem(folder) for folder in sorted(found)] or [CompletionItem(incomplete, type="dir")]


def things_to_report(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `terp report` takes: folders that a verb wrote, machines, and the word for every model's validation.

    incomplete   what stands of the word so far; if no folder begins so, the shell may complete any
    """
    folders = written_folders(ctx, parameter, incomplete)
    return [*matching([*quick_names("machines"), "validate"], incomplete), *folders]


def _folders(top: Path, depth: int) -> list[str]:
    """Folders below one that hold what a verb wrote; those that cannot be looked into are passed over.

    top   where to look;  depth   levels below it, so that a home folder is not searched whole
    """
    try:
        inside = [entry for entry in os.scandir(top) if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []
    found = []
    for entry in inside:
        path = top / entry.name
        if any((path / name).is_file() for name in WRITTEN):
            found.append(path.as_posix())
        elif depth > 1:
            found += _folders(path, depth - 1)
    return found
