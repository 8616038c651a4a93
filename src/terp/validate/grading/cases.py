"""Finds the published cases that ship under validation/, and the tolerances that were fixed for them.

Each source has a folder there: `source.yaml` says who published it, `split.yaml` which rows constants were fitted to,
`expect.yaml` what each model must reach on it.  In a wheel the folders lie inside the package, in a checkout at its top.
"""

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
    """What a model must reach on a source's rows: one entry of the source's expect.yaml.

    bar_fraction       median error without sign that was asked for before the first run [fraction of the published value]
    bar_p90_fraction   90th percentile asked for then; None where only the median was
    held_fraction      median error that was reached
    step_fraction      by how much a change may worsen the held median before `terp validate` fails
    reason             why the bar stands where it does, in a sentence
    """

    bar_fraction: float = Field(gt=0, le=1)
    bar_p90_fraction: float | None = Field(default=None, gt=0, le=1)
    held_fraction: float = Field(gt=0, le=1)
    step_fraction: float = Field(gt=0, le=1)
    reason: str


def published_file(source: str, name: str) -> Path:
    """A file of a published source: in the installed package, or at the top of a checkout.

    source   a folder under validation/, such as "top500";  name   a file in it, such as "table.csv"

    The file is not opened here, so that a path of a file that is not there is given too.
    """
    packed = _PACKAGE / "shipped" / "validation"
    return (packed if packed.is_dir() else _PACKAGE.parent.parent / "validation") / source / name


@cache
def _limits(source: str) -> dict[str, ErrorLimits]:
    """All entries of a source's expect.yaml by model, read once.  Raises Problems for a file that does not hold them."""
    problems: list[Problem] = []
    path = published_file(source, "expect.yaml")
    entries = read_entries(read_tree(read_text(path), str(path)), ErrorLimits, problems)
    if problems:
        raise Problems(problems)
    return entries


def expected(source: str, model: str) -> ErrorLimits:
    """The limits of a model on a source, as its expect.yaml has them.

    Raises UnknownName for a model without an entry, and Problems for a file that cannot be read.
    """
    limits = _limits(source).get(model)
    if limits is None:
        raise UnknownName(f"expectation of {source}", model, _limits(source))
    return limits
