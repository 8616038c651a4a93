"""Whether another `terp` is in the way: a family of packages, `terp-*`, has a command and a namespace of that name.

Where both are installed in one environment, which of them answers to `terp` depends on who came last, and one may overwrite
files of the other.  So the command says so in one line before anything fails in a way that nobody understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

OURS: Final = "terp.views.cli.main:main"
"""What stands behind our command, whatever our own distribution is called."""
_COMMAND: Final = re.compile(r"^terp *= *([\w.:]+)", re.MULTILINE)
"""The line of a distribution's entry points that defines the command."""
_FAMILY: Final = re.compile(r"terp(-.+)?")
"""Names of distributions of the other family."""


def in_the_way(folders: Iterable[str], version: str) -> str | None:
    """One line on who else owns the package or the command `terp`, and what to do; None if nobody does.

    folders   where packages may be installed, as in `sys.path`
    version   what `terp.__version__` says; empty where the package's own first file is not ours

    The line goes to stderr before any verb is looked up.
    """
    others = sorted({f"{name} {number}" for folder in folders for name, number in _others(Path(folder))})
    if not others and version:
        return None
    who = ", ".join(others) or "its first file is not ours"
    remove = f", or remove the other: pip uninstall {' '.join(entry.split()[0] for entry in others)}" if others else ""
    return (
        f"terp: another `terp` is in the way in this environment ({who}); "
        f"install Terp, hpc-terp, in one of its own, as `uv tool install` and `pipx install` do{remove}"
    )


def _others(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each distribution in a folder that owns the command or the package and is not this one.

    A folder that is not there, or a zip file, has none.

    folder   of packages, with a folder NAME-VERSION.dist-info for each distribution
    """
    try:
        infos = [path for path in folder.iterdir() if path.name.endswith(".dist-info")]
    except OSError:
        return  # not there, or a zip file
    for info in infos:
        name, _, number = info.name.removesuffix(".dist-info").partition("-")
        project = name.replace("_", "-").lower()
        command = _COMMAND.search(_text(info / "entry_points.txt"))
        if command is None:
            taken = _FAMILY.fullmatch(project) is not None and _takes_the_package(info)
        else:
            taken = command[1] != OURS
        if taken:
            yield project, number


def _takes_the_package(info: Path) -> bool:
    """Whether files of a distribution lie in a folder `terp`, by the list that it was installed with.

    info   the distribution's folder .dist-info; without a readable RECORD in it the answer is no
    """
    return any(line.startswith("terp/") for line in _text(info / "RECORD").splitlines())


def _text(path: Path) -> str:
    """The text of a file; empty where it cannot be read.

    Bytes that are no UTF-8 are replaced, since only plain words are looked for.
    """
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
