"""Everything Terp raises on purpose, and nothing else.

    TerpError
    ├── Problems           one or more mistakes in what the user wrote or asked; exit code 2
    ├── UnknownName        a part, machine, workload or site that is not there
    └── Interrupted        the user stopped a run; exit code 130

An error carries data (`problems`, `name`, `known`), reads as one line a problem, and says what would do.
Nothing below `views` prints; `views.cli` turns these into lines on stderr and an exit code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_SHOWN: Final = 300
"""Characters of a key, a value or a name that an error shows."""
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What may do something to a terminal or to the order of letters: control characters, C1, marks of direction, joiners
that nobody sees, ends of lines and paragraphs, halves of surrogate pairs, tags."""
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, keep: str = "") -> str:
    r"""A text that does nothing to a terminal or a page: what is unsafe is shown as Python escapes it, such as `\x1b`.

    keep   characters that stay as they are, such as a newline of our own

    Every text that came from a file, an option or a library goes through this before somebody sees it: problems do it
    themselves, `views.printing` does it for all that a verb prints, and pages for all that they hold.

    >>> printable("\x1b[2Jred\u202etxt")
    '\\x1b[2Jred\\u202etxt'
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escaped(match[0]), text)


def _escaped(letter: str) -> str:
    """One unsafe character as Python writes it between quotes."""
    code = ord(letter)
    wide = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT.get(letter, wide)


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """A text of at most so many characters; what is cut is said by three dots."""
    return text if len(text) <= most else text[: most - 3] + "..."


class TerpError(Exception):
    """Everything this package raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is, what is wrong, what was found and what would do.

    line, column   1-based position in `file`; 0 where the mistake has no place in a file
    path           dotted path of the value, such as `compute.scalable_units`; may be empty

    The fields hold what was written as it stands; the text of a problem is one line that prints.
    """

    file: str
    line: int
    column: int
    path: str
    wrong: str
    found: str = ""
    would_do: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        text = place + (f"{shortened(self.path)}: " if self.path else "") + self.wrong
        if self.found:
            text += f", found {shortened(self.found)}"
        if self.would_do:
            text += f"; {self.would_do}"
        return printable(text)


class Problems(TerpError):
    """All the mistakes of one input, sorted by place.  `problems` holds them as records."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[Problems], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # so that it comes back whole from another process


class UnknownName(TerpError):
    """A name that is not among the known ones; suggests the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(printable(f"no {kind} {shortened(name)!r}; {did_you_mean(name, self.known)}"))

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.known)


def problems_of(error: TerpError) -> tuple[Problem, ...]:
    """What an error says as problems, so that several errors can be raised as one."""
    if isinstance(error, Problems):
        return error.problems
    if isinstance(error, UnknownName):
        wrong = f"no {error.kind} {shortened(error.name)!r}"
        return (Problem("", 0, 0, "", wrong, would_do=did_you_mean(error.name, error.known)),)
    return (Problem("", 0, 0, "", str(error)),)


class Interrupted(TerpError):
    """The user stopped the work; nothing was left under the final name."""


def did_you_mean(name: str, known: Iterable[str], most: int = 3) -> str:
    """A hint such as "did you mean 'kW'?", or the list of what there is when nothing is near."""
    names = list(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    hits = difflib.get_close_matches(str(name).lower(), list(lowered), n=most, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, hit, str(name).lower()).ratio() for hit in hits]
    near = [lowered[hit] for hit, ratio in zip(hits, likeness, strict=True) if ratio > likeness[0] - 0.1]
    if near:
        return "did you mean " + " or ".join(repr(hit) for hit in near) + "?"
    return "known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none is known"
