"""Slurm's lists of hosts: `dgx[001-191],login[1-2]` -> names, and numbers back to ranges.

Only lists are expanded; whether such nodes exist is not known here.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from typing import Final

MOST_HOSTS: Final = 50_000
"""No machine that Slurm runs has as many nodes; a hostile list ends here."""

_PARTS: Final = re.compile(r"[^\[\],\s]+|\[[^\[\]]*\]")
_RANGE: Final = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")


class NotAHostlist(ValueError):
    """A text that names no hosts; `would_do` says what would.

    wrong   what is wrong with it
    """

    def __init__(self, wrong: str, would_do: str) -> None:
        self.wrong, self.would_do = wrong, would_do
        super().__init__(f"{wrong}; {would_do}")


def expand_hosts(text: str) -> list[str]:
    """The names that a list stands for, in its order.  Raises NotAHostlist.

    A name may have several ranges and ends with the last of them; the last range runs fastest, and a number is
    written with as many digits as the first of its range.

    >>> expand_hosts("gpu[08-10],login1")
    ['gpu08', 'gpu09', 'gpu10', 'login1']
    """
    names: list[str] = []
    for item in _items(text):
        parts = [_part(part) for part in _PARTS.findall(item)] if "[" in item else [[item]]
        if len(names) + math.prod(map(len, parts)) > MOST_HOSTS:
            raise NotAHostlist("too many hosts", f"at most {MOST_HOSTS:,} would do")
        names += map("".join, itertools.product(*parts))
    return names


def _items(text: str) -> list[str]:
    """The parts between commas outside of brackets.  Raises NotAHostlist for blanks, and for brackets that do
    not match.
    """
    items, start, inside = [], 0, False
    for place, letter in enumerate(text):
        if letter in "[]":
            if (letter == "[") == inside:
                raise NotAHostlist("brackets that do not match", "write ranges as n[1-3,7]")
            inside = letter == "["
        elif letter.isspace() or not letter.isprintable():
            raise NotAHostlist("a blank within a name", "separate names by commas alone")
        elif letter == "," and not inside:
            items.append(text[start:place])
            start = place + 1
    if inside:
        raise NotAHostlist("brackets that do not match", "write ranges as n[1-3,7]")
    items = [item for item in [*items, text[start:]] if item]
    for item in items:
        if "[" in item and not item.endswith("]"):
            raise NotAHostlist("letters behind the last range", "end the name with a range, as rack[1-3]n[01-16]")
    return items


def _part(part: str) -> list[str]:
    """What one part of a name may be: itself, or each number of its ranges, with the digits of the first."""
    if not part.startswith("["):
        return [part]
    numbers: list[str] = []
    for item in part[1:-1].split(","):
        match = _RANGE.fullmatch(item)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise NotAHostlist(f"no range {item!r}", "write numbers that rise, as 1-3 or 001-191")
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= MOST_HOSTS or len(numbers) >= MOST_HOSTS:
            raise NotAHostlist("too many hosts", f"at most {MOST_HOSTS:,} would do")
        numbers += [f"{number:0{len(match[1])}d}" for number in range(first, last + 1)]
    return numbers


def ranges_of(numbers: Iterable[int]) -> str:
    """Numbers as ranges, sorted, each once.

    >>> ranges_of([7, 1, 2, 3])
    '1-3,7'
    """
    text = []
    for _, group in itertools.groupby(enumerate(sorted(set(numbers))), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        text.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join(text)
