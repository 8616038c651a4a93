"""Whether a result that lies in a folder answers the question that is asked now, so that another one's is not lost.

A question is a mapping of plain values by words with their unit, such as days, seed and caps, and of digests of what was
named: two with equal digests mean the same, wherever their files lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from terp.units import show

Question = Mapping[str, object]
"""What was asked: numbers, texts, truths, None or lists of these by their words; words of digests end with `_digest`."""
_MOST_NAMED: Final = 4
"""Differences that are named in one line."""
_MOST_LISTED: Final = 3
"""Entries of a list that are said."""


def differences_of(kept: Question, question: Question) -> list[str]:
    """How a kept result's question differs from the one of now, each in a few words; none where it is the same.

    kept, question   compared where both have a word, so that a result of an earlier release, which has fewer, is not refused

    Numbers are equal if they are the same number, also where one was read as a float.

    >>> differences_of({"days": 30, "gpu_cap_w": 600.0}, {"days": 365, "gpu_cap_w": None})
    ['days 30', 'gpu cap 600 W']
    """
    return [_in_words(word, value) for word, value in kept.items() if word in question and value != question[word]]


def named_differences(differences: list[str]) -> str:
    """The first differences in a line, and how many more there are."""
    more = len(differences) - _MOST_NAMED
    return ", ".join(differences[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _in_words(word: str, value: object) -> str:
    """A word of a question with its value, as of the kept result: `seed 3`, `another machine`, `no gpu cap`."""
    if word.endswith("_digest"):
        return f"another {word.removesuffix('_digest').replace('_', ' ')}"
    plain = word.removesuffix("_count").removesuffix("_w").replace("_", " ")
    if value is None or value is False or value == "":
        return f"no {plain}"
    if value is True:
        return plain
    if isinstance(value, list | tuple):
        return f"{plain} {'-'.join(map(str, value))}" if len(value) <= _MOST_LISTED else f"other values of {plain}"
    return f"{plain} {show(value, 'w') if word.endswith('_w') and isinstance(value, int | float) else value}"
