"""Writes what changes with the models: the table of generations in docs/theory/training.md, and what the commands of
docs/tutorials/training.md, docs/tutorials/plan.md and the README print.

python scripts/training_pages.py
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from terp.catalogue import constants
from terp.physics.training.software import Generation, TrainingSoftware
from terp.validate.steps.training_grades import FITTED

ROOT = Path(__file__).parents[1]
THEORY = ROOT / "docs" / "theory" / "training.md"
RUN = (*(ROOT / "docs" / "tutorials" / f"{name}.md" for name in ("training", "plan")), ROOT / "README.md")
BEGIN, END = "<!-- generations -->\n", "<!-- end -->\n"
BLOCK = re.compile(r"(<!-- (refused|nothing fits) -->\n)?```console\n(\$ (?:terp|mkdir|cp|sed|grep) .*?)```", re.DOTALL)
"""A block of commands, and what it is marked as."""
CODES = {None: 0, "nothing fits": 1, "refused": 2}
"""Exit code of each command of a block."""
PLAN = re.compile(r"terp plan [\w-]+ .*?(?= \| )")
"""A plan of a budget that ships; it takes seconds, so that pages share what it prints."""
SUFFIX = re.compile("_(count|fraction)$")


def page(path: Path) -> str:
    """One of the pages as it should be."""
    text = path.read_text("utf-8")
    return theory(text) if path == THEORY else ran(text)


def theory(text: str) -> str:
    """The page with its table of generations made anew."""
    above, _, rest = text.partition(BEGIN)
    return above + BEGIN + "\n".join(table()) + "\n" + END + rest.partition(END)[2]


def table() -> list[str]:
    """A row a generation: what differs from what all have by default; in bold what is fitted."""
    known = constants(TrainingSoftware)
    return [
        "| `--software` | what | attention | constants that differ |", "|---|---|---|---|",
        *(row(name, one, FITTED.get(name, ())) for name, one in known.generations.items()), "",
        "By default: " + ", ".join(f"{in_words(field.name)} {shown(getattr(known.defaults, field.name))}" for field in plain_fields()) + ".",
    ]  # fmt: skip


def row(name: str, one: Generation, fitted: tuple[str, ...]) -> str:
    """One generation."""
    kernels, shares, defaults = one.attention, one.products_share, constants(TrainingSoftware).defaults
    words = [bold(f"products {shown(value)} {chip}", by=chip in fitted) for chip, value in shares.items()]
    if len(set(shares.values())) == 1 and not set(shares) & set(fitted):
        words = [f"products {shown(next(iter(shares.values())))}"]
    for field in plain_fields():
        value = getattr(one, field.name)
        if value != getattr(defaults, field.name) or field.name in fitted:
            words.append(bold(f"{in_words(field.name)} {shown(value)}", by=field.name in fitted))
    kinds = sorted(set(kernels.values()))
    attention = kinds[0] if len(kinds) == 1 else ", ".join(f"{kernels[chip]} {chip}" for chip in kernels)
    return f"| `{name}` | {one.title} | {attention} | {', '.join(words)} |"


def plain_fields() -> list[dataclasses.Field[Any]]:
    """Constants that have a default."""
    return [field for field in dataclasses.fields(Generation) if field.name not in ("title", "attention", "products_share")]


def in_words(name: str) -> str:
    """A constant's name for people, its unit behind it if it has one."""
    words = SUFFIX.sub("", name)
    for suffix, unit in (("_bytes", " [B]"), ("_s", " [s]")):
        if words.endswith(suffix):
            return words.removesuffix(suffix).replace("_", " ") + unit
    return words.replace("_", " ")


def shown(value: Any) -> str:
    """A constant with its digits."""
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:.3g}"


def bold(text: str, *, by: bool) -> str:
    return f"**{text}**" if by else text


def ran(text: str) -> str:
    """A page with what its commands print; blocks whose first command is not of Terp stay as they stand."""
    with tempfile.TemporaryDirectory() as folder:
        return BLOCK.sub(lambda found: block(found, folder), text)


def block(found: re.Match[str], folder: str) -> str:
    """One block: each command, and below it what it prints."""
    lines = [
        part
        for line in found[3].splitlines()
        if line.startswith("$ ")
        for part in (line, *printed(line[2:], folder, CODES[found[2]]))
    ]
    return (found[1] or "") + "```console\n" + "\n".join(lines) + "\n```"


def printed(command: str, folder: str, code: int) -> list[str]:
    """What a command prints, errors too, without blank lines around it.

    A plan of a shipped budget that was made before is not made again, unless it writes files.
    """
    terp = Path(folder, "bin", "terp")
    if not terp.exists():
        terp.parent.mkdir()
        terp.write_text(TERP)
        terp.chmod(0o755)
    plan = PLAN.match(command)
    if plan is None:
        text = shell(command, folder, code)
    else:
        made = re.sub(r" (-o|--lang) \S+", "", plan[0])
        if made not in MADE or made != plan[0]:
            MADE[made] = shell(plan[0], folder, code)
        text = shell(f"cat{command[plan.end() :]}", folder, 0, MADE[made])
    return [line.rstrip() for line in text.strip("\n").splitlines()]


TERP = f'#!/bin/sh\nexec "{sys.executable}" -m terp "$@"\n'
"""The command of the pages."""
MADE: dict[str, str] = {}
"""Command of a plan, without its folder and the language of its paper -> what it printed."""


def shell(command: str, folder: str, code: int, given: str = "") -> str:
    """What a command prints in a folder, given something to read."""
    done = subprocess.run(  # noqa: S603 - the page's own commands
        ["/bin/bash", "-o", "pipefail", "-c", command], cwd=folder, input=given,
        env={**os.environ, "PATH": f"{Path(folder, 'bin')}:{os.environ['PATH']}", "TERP": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode != code:
        raise RuntimeError(f"{command}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    for made in (THEORY, *RUN):
        made.write_text(page(made), "utf-8")
