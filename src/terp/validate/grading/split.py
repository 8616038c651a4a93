"""Which rows constants are fitted to, and which they are graded on.

Rows are split by machine family and year, never one by one: all machines that one vendor built with one architecture
in one year stand on one side, so that sisters cannot tell on each other.  Machines of the TOP500 are few, so every group
of them is left out once: groups are dealt into folds, and each is graded by constants fitted to the other folds.  Of other
sources the groups for fitting are named in validation/SOURCE/split.yaml; a group that is not there is graded.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

from pydantic import Field

from terp.errors import Problems
from terp.reader import Record, read_text, read_tree
from terp.validate.grading.cases import published_file
from terp.validate.grading.published_rows import Built


class Split(Record):
    """A split file: the groups that constants may be fitted to, and what those constants are called.

    fit         groups as the source names them, such as "hpe|cdna2|2022"; each once
    constants   names for people; empty where the code that fits them has the names
    """

    fit: list[str] = Field(min_length=1)
    constants: list[str] = []


def group_of(case: Built) -> str:
    """Family and year of a row as "vendor|architecture|year", in small letters: the key by which machines are dealt."""
    words = (
        case.row.text.get("vendor", "") or NO_VENDOR,
        case.system.accelerator.architecture,
        case.row.text.get("year", ""),
    )
    return "|".join(word.strip().lower().replace('"', "'") for word in words)


@cache
def _split_of(source: str) -> Split:
    """The split file of a source.  Raises Problems."""
    path = published_file(source, "split.yaml")
    sourced = read_tree(read_text(path), str(path))
    split = Split.model_validate(sourced.data)
    if len(set(split.fit)) != len(split.fit):
        raise Problems([sourced.tree.problem(("fit",), "a group stands twice")])
    return split


@cache
def groups_for_fitting(source: str) -> frozenset[str]:
    """The groups that constants may be fitted to; no shipped row of them is ever graded.

    source   a folder under validation/ that has a split.yaml.  Raises Problems for a file that names a group twice.
    """
    return frozenset(_split_of(source).fit)


NO_VENDOR: Final = "vendor not listed"
"""Stands for the vendor of rows of lists that name none; all of one architecture are left out together."""
FOLDS_COUNT: Final = 8
"""Parts that groups are dealt into where every group is left out once."""


def fold_of(group: str) -> int:
    """The fold of a group, 0 to 7, by the hash of its name alone: a new row or group moves no other.

    group   as of `group_of`

    >>> 0 <= fold_of("nvidia|hopper|2024") < FOLDS_COUNT
    True
    """
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % FOLDS_COUNT


def fitted_constants(source: str) -> tuple[str, ...]:
    """What the constants that were fitted to those groups are called.  Raises Problems."""
    return tuple(_split_of(source).constants)
