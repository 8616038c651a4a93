"""Finds the published cases that ship under validation/, and the tolerances that were fixed for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from pydantic import Field

import terp
from terp.errors import Problem, Problems, UnknownName
from terp.reader import Record, read_entries, read_text, read_tree

_PACKAGE: Final = Path(terp.__file__).parent


class ErrorLimits(Record):
    """What a model must reach on a source's rows.

    bar_fraction, bar_p90_fraction   median and 90th percentile asked for before the first run
    held_fraction   median error that was reached; a change may worsen it by step_fraction at most
    """

    bar_fraction: float = Field(gt=0, le=1)
    bar_p90_fraction: float | None = Field(default=None, gt=0, le=1)
    held_fraction: float = Field(gt=0, le=1)
    step_fraction: float = Field(gt=0, le=1)
    reason: str


def published_file(source: str, name: str) -> Path:
    """A file of a published source: in the installed package, or at the top of a checkout."""
    packed = _PACKAGE / "shipped" / "validation"
    return (packed if packed.is_dir() else _PACKAGE.parent.parent / "validation") / source / name


@cache
def _limits(source: str) -> dict[str, ErrorLimits]:
    problems: list[Problem] = []
    path = published_file(source, "expect.yaml")
    entries = read_entries(read_tree(read_text(path), str(path)), ErrorLimits, problems)
    if problems:
        raise Problems(problems)
    return entries


def expected(source: str, model: str) -> ErrorLimits:
    """The limits of a model on a source.  Raises UnknownName."""
    found = _limits(source).get(model)
    if found is None:
        raise UnknownName(f"expectation of {source}", model, _limits(source))
    return found
