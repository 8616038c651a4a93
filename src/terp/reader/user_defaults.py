"""Defaults of one's own: environment variables, a terp.toml of the project, and a file of the user.

An option counts before a variable, a variable before the project's file, that before the user's, and what Terp says comes
last.  They are of the command line: a function in Python takes what it is given, and nothing from where it happens to run.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems, did_you_mean
from terp.files.open_file import read_text

PROJECT: Final = "terp.toml"
"""The file of a project, looked for in the folder that one is in and in those above it."""
KEYS: Final = {
    "site": "where a machine stands, if --site is not given: a shipped name or a file",
    "policy": "how it is shared, if --policy is not given: a shipped name or a file",
    "workload": "who works on it, if --workload is not given: a shipped name or a file",
    "out": "the folder in which a run without -o gets its own",
    "workers": "processes of a sweep or a plan, if --workers is not given",
}
"""What can be set -> what it is."""
_MOST_BYTES: Final = 64 * 1024
_MOST_WORKERS: Final = 1024


@dataclass(frozen=True)
class UserDefault:
    """A default, and who set it.

    name    a key of KEYS
    value   None where nobody did, so that it is as Terp says; a number of workers alone is no text
    origin  the variable or the file; empty where nobody did
    """

    name: str
    value: str | int | None
    origin: str


def user_defaults(environment: Mapping[str, str] | None = None, start: Path | None = None) -> dict[str, UserDefault]:
    """The defaults by name, each with who set it.

    environment   None: that of this process;  start   where the project's file is looked for; None: the folder one is in

    Raises Problems with everything that is wrong in the variables and files.
    """
    variables = os.environ if environment is None else environment
    problems: list[Problem] = []
    told: dict[str, UserDefault] = {}
    for name in KEYS:
        if text := variables.get(f"TERP_{name.upper()}"):
            value = _value(name, int(text) if name == "workers" and text.isdecimal() and len(text) < 9 else text)
            if isinstance(value, Problem):
                problems.append(Problem(f"TERP_{name.upper()}", 0, 0, "", value.wrong, value.found, value.would_do))
            else:
                told[name] = UserDefault(name, value, f"TERP_{name.upper()}")
    for file in files_of_defaults(variables, start):
        for name, value in _of_file(file, problems).items():
            told.setdefault(name, UserDefault(name, value, str(file)))
    if problems:
        raise Problems(problems)
    return {name: told.get(name, UserDefault(name, None, "")) for name in KEYS}


def files_of_defaults(environment: Mapping[str, str] | None = None, start: Path | None = None) -> list[Path]:
    """The files of defaults that are there, the project's before the user's.

    Arguments are those of `user_defaults`.  Of several folders with a project's file, the nearest counts alone.
    """
    variables = os.environ if environment is None else environment
    place = (start or Path.cwd()).absolute()
    project = next((folder / PROJECT for folder in (place, *place.parents) if (folder / PROJECT).exists()), None)
    home = variables.get("XDG_CONFIG_HOME") or (f"{variables['HOME']}/.config" if variables.get("HOME") else "")
    user = Path(home) / "terp" / "config.toml" if home else None
    return [file for file in (project, user) if file is not None and file.exists()]


def _of_file(file: Path, problems: list[Problem]) -> dict[str, str | int]:
    """What a file sets; what is wrong in it is added to the problems, with its line.

    file       that is there, of whatever kind;  problems   of all files so far

    A site, policy or workload that is a path is meant from where the file lies.
    """
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            problems.append(Problem(str(file), 0, 0, "", "is no file of defaults", would_do="a small text in TOML would do"))
            return {}
        text = read_text(file)
        document = tomllib.loads(text)
    except Problems as error:
        problems.extend(error.problems)
        return {}
    except (OSError, ValueError, RecursionError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        wrong = f"cannot be read as TOML: {str(error).splitlines()[0].partition(' (at')[0]}"
        problems.append(Problem(str(file), line, column, "", wrong, would_do='write lines such as site = "groningen"'))
        return {}
    good: dict[str, str | int] = {}
    for name, written in document.items():
        line = next(
            (at for at, row in enumerate(text.splitlines(), 1) if re.match(rf'\s*"?{re.escape(name)}"?\s*[=.]', row)), 1
        )
        value = _value(name, written) if name in KEYS else Problem("", 0, 0, "", "unknown key", "", did_you_mean(name, KEYS))
        if isinstance(value, Problem):
            problems.append(Problem(str(file), line, 1, name, value.wrong, value.found, value.would_do))
        else:
            beside = isinstance(value, str) and ("/" in value or value.endswith((".yaml", ".yml")) or name == "out")
            good[name] = str(file.parent / value) if beside and isinstance(value, str) else value
    return good


def _value(name: str, written: object) -> str | int | Problem:
    """A value as it counts, or what is wrong with it.

    name   a key of KEYS;  written   as TOML or a variable holds it

    Names and paths are not looked up here: whoever uses them says what is not there, as for an option.
    """
    if name == "workers":
        if isinstance(written, int) and not isinstance(written, bool) and 1 <= written <= _MOST_WORKERS:
            return written
        return Problem("", 0, 0, "", "no number of processes", repr(written), f"write one from 1 to {_MOST_WORKERS:,}")
    if isinstance(written, str) and written.strip() and "\0" not in written:
        return written
    return Problem("", 0, 0, "", "no text", repr(written), f"it is {KEYS[name]}")
