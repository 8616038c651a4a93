"""How published tables spell the parts of the catalogue: patterns over a cell, as data.

Patterns are regular expressions over the cell in small letters, tried in the order of the file, so that the longer
spelling stands before the shorter one that it contains.  Readers of published tables use them; nothing that a user writes
goes through here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal, TypeVar

from pydantic import Field

from terp.catalogue.read.whole import read_catalogue
from terp.errors import Problems, did_you_mean
from terp.reader import Name, Record, read_record

V = TypeVar("V")


class Smaller(Record):
    """The part that a table means where its cell names a larger one.

    unless              words in the cell that say it is the larger one after all
    matrix_below_bytes  share of a GPU in the matrix below which the smaller one is meant [B]
    """

    part: Name
    unless: str
    matrix_below_bytes: float = Field(ge=1e6, le=1e15)


class Spellings(Record):
    """Pattern -> what it stands for; the first that fits counts.

    accelerators    of lists of machines and tables of training -> the part
    smaller         part -> the one that is meant instead
    collectives     GPUs of tables of collectives -> the part
    port_gbit       interconnects of lists of machines -> Gb/s of one port
    link_domain_count   part -> GPUs of its rack's link domain that training jobs use

    kind   says what file it is, and is always "spellings"
    """

    kind: Literal["spellings"]
    accelerators: dict[str, Name]
    smaller: dict[Name, Smaller] = {}
    collectives: dict[str, Name]
    port_gbit: dict[str, int]
    link_domain_count: dict[Name, int] = {}


def spelt(cell: str, patterns: Mapping[str, V]) -> V | None:
    """What the first pattern that is found in a cell, in small letters, stands for; None if none is.

    cell   as the table has it;  patterns   pattern -> what it stands for, of any type

        >>> spelt("NVIDIA H200 SXM", {"h200": 2, "h100": 1})
        2
    """
    text = cell.lower()
    return next((meaning for pattern, meaning in patterns.items() if re.search(pattern, text)), None)


@cache
def read_spellings() -> Spellings:
    """The spellings that ship with Terp.  Raises Problems: a pattern that is none, a part that is not in the catalogue.

    Kept after the first time.
    """
    text = resources.files("terp.catalogue").joinpath("spellings.yaml").read_text("utf-8")
    written = read_record(text, "spellings.yaml", Spellings)
    record, known = written.record, read_catalogue().parts["accelerators"]
    parts = [(("accelerators", pattern), part) for pattern, part in record.accelerators.items()]
    parts += [(("collectives", pattern), part) for pattern, part in record.collectives.items()]
    parts += [(("smaller", larger), part) for larger, entry in record.smaller.items() for part in (larger, entry.part)]
    parts += [(("link_domain", part), part) for part in record.link_domain_count]
    problems = [
        written.tree.problem(path, "no such accelerator", repr(part), did_you_mean(part, known))
        for path, part in parts
        if part not in known
    ]
    tables: dict[str, Mapping[str, object]] = {
        "accelerators": record.accelerators, "collectives": record.collectives, "port_gbit": record.port_gbit,
    }  # fmt: skip
    problems += [
        written.tree.problem((key, pattern), "not a regular expression", repr(pattern), "escape its brackets", key=True)
        for key, table in tables.items()
        for pattern in table
        if not _compiles(pattern)
    ]
    if problems:
        raise Problems(problems)
    return record


def _compiles(pattern: str) -> bool:
    """True for a text that is a regular expression."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
