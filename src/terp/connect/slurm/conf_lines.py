"""Slurm's configuration files: comments, continued lines, Include, and keys with values, each with its place.

The grammar is that of slurm.conf(5): a comment begins at a `#` that no backslash precedes, a backslash at the
end joins the next line, keys are of any case, values with blanks stand in quotes.  `Notes` is where everything
that reads a key says what became of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from terp.connect.hub.config_json import shown
from terp.errors import Problem, Problems
from terp.reader import is_there, read_text

MOST_INCLUDES: Final = 100
"""Files that one configuration may be made of."""
MOST_PROBLEMS: Final = 200
"""Reading ends at so many: the file is no configuration."""

_PAIR: Final = re.compile(r'\s*([\w.]+)\s*[-*+/]?=(?:[ \t]*"([^"]*)"|[ \t]+(?=[\w.]+=)|[ \t]*(\S+))?(?=\s|$)', re.ASCII)
"""A key, its sign, and a value in quotes, empty before another key, or up to the next blank."""
_WORD: Final = re.compile(r"\S+")
_INCLUDE: Final = re.compile(r"\s*include\s+(\S.*)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"(?<!\\)#")


class Pair(NamedTuple):
    """A key and its value as they were written, and where.

    file           path of the file, which may be an included one
    line, column   of the key, from 1
    """

    key: str
    value: str
    file: str
    line: int
    column: int


class ConfLine(NamedTuple):
    """A key of a line, and what became of it, or why nothing did.

    text   its value, cut to a line
    what   what it became; or why it is ignored; or what is wrong, and what would do
    """

    line: int
    key: str
    text: str
    what: str
    file: str


@dataclass
class Notes:
    """What became of each line so far: modelled, ignored or refused; the refused ones also as problems.

    hosts_count   names that lists of hosts stood for so far; a hostile file names the same ones over and over

    A key may be noted more than once, as where one line describes many nodes.
    """

    modelled: list[ConfLine] = field(default_factory=list)
    ignored: list[ConfLine] = field(default_factory=list)
    refused: list[ConfLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    hosts_count: int = 0

    def model(self, pair: Pair, what: str) -> None:
        """Note what a value became."""
        self.modelled.append(_line(pair, what))

    def ignore(self, pair: Pair, why: str) -> None:
        """Note why a value changes nothing."""
        self.ignored.append(_line(pair, why))

    def refuse(self, pair: Pair, wrong: str, would_do: str = "") -> None:
        """Note that a value cannot be read, and what would do.  Raises Problems at the last one that is
        noted.

        The reading goes on after it as if the key were not there, so that all mistakes are told at once.
        """
        self.refused.append(_line(pair, f"{wrong}; {would_do}" if would_do else wrong))
        found = repr(shown(pair.value)) if pair.value else ""
        self.problems.append(Problem(pair.file, pair.line, pair.column, shown(pair.key), wrong, found, would_do))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Problems(self.problems)


def _line(pair: Pair, what: str) -> ConfLine:
    """A note, with texts that fit a line and do nothing to a terminal."""
    return ConfLine(pair.line, shown(pair.key), shown(pair.value), what, pair.file)


def read_lines(path: Path, notes: Notes) -> list[list[Pair]]:
    """The pairs of each line of a file and of those that it includes, in the order of reading.

    path    of the file; includes without a folder lie beside it, and `%c` in them is the ClusterName read so
            far
    notes   where lines that are no keys with values are refused, and includes noted

    Lines without any key are left out.  Raises Problems if the file, or one that it includes, cannot be read.
    """
    return _Reader(path, notes).lines


class _Reader:
    """Lines of a file and of those it includes, in order.

    cluster   ClusterName so far, which `%c` in the name of an include stands for
    files     how many were read
    lines     pairs of each line that has any
    """

    def __init__(self, path: Path, notes: Notes) -> None:
        self.folder, self.notes = path.parent, notes
        self.cluster, self.files = "", 0
        self.lines: list[list[Pair]] = []
        self._read(path, read_text(path), [])

    def _read(self, path: Path, text: str, above: list[Path]) -> None:
        """Takes the lines of a file; `above` are those that include it, outermost first."""
        self.files += 1
        for place, line in _joined(text):
            if (match := _INCLUDE.fullmatch(line)) and not _PAIR.match(line):
                self._include(Pair("Include", match[1].strip(), str(path), *place.at(0)), [*above, path])
            elif pairs := self._pairs(line, place, str(path)):
                self.lines.append(pairs)

    def _include(self, pair: Pair, above: list[Path]) -> None:
        """Read an included file, which lies beside the first one if it does not say where.

        pair    the name as it was written, and where;  above   files that are being read, outermost first

        A file that includes itself, is not there, or is one too many is refused, and the reading goes on.
        """
        path = self.folder / pair.value.strip("\"'").replace("%c", self.cluster)
        if path in above:
            self.notes.refuse(pair, "the file includes itself", "take this line out")
        elif self.files >= MOST_INCLUDES:
            self.notes.refuse(pair, "too many files", f"at most {MOST_INCLUDES} would do")
        elif not is_there(path):
            self.notes.refuse(pair, "no such file", f"put it at {shown(str(path))}")
        else:
            try:
                text = read_text(path)
            except Problems as error:
                self.notes.refuse(pair, error.problems[0].wrong, error.problems[0].would_do)
                return
            self.notes.model(pair, "its lines are read here")
            self._read(path, text, above)

    def _pairs(self, line: str, place: _Places, file: str) -> list[Pair]:
        """Keys and values of a line; from where it has none, the rest of it is refused."""
        pairs: list[Pair] = []
        at = 0
        while at < len(line):
            match = _PAIR.match(line, at)
            if match is None:
                word = _WORD.search(line, at)
                rest = Pair(word[0] if word else "", "", file, *place.at(word.start() if word else at))
                self.notes.refuse(rest, "not a key with a value", "write it as Key=Value, and values with blanks in quotes")
                break
            value = match[2] if match[2] is not None else match[3] or ""
            pairs.append(Pair(match[1], value, file, *place.at(match.start(1))))
            at = match.end()
            if match[1].lower() == "clustername":
                self.cluster = value
        return pairs


@dataclass(frozen=True)
class _Places:
    """Where the letters of a joined line stood: offsets and the numbers of the lines that begin there.

    offsets   of the first letter of each piece in the joined line, rising from 0
    numbers   of the line of the file that each piece stood on, from 1
    """

    offsets: list[int]
    numbers: list[int]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        piece = bisect_right(self.offsets, offset) - 1
        return self.numbers[piece], offset - self.offsets[piece] + 1


def _joined(text: str) -> list[tuple[_Places, str]]:
    """Lines without comments, those that a backslash continues in one, with the places of their letters.

    A comment ends its line, one that goes on too; blank lines are left out.  Columns are those of the file as
    it was written.
    """
    lines: list[tuple[_Places, str]] = []
    offsets: list[int] = []
    numbers: list[int] = []
    pieces: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        comment = _COMMENT.search(raw)
        line = (raw[: comment.start()] if comment else raw).rstrip()
        goes_on = line.endswith("\\")
        offsets.append(offsets[-1] + len(pieces[-1]) if pieces else 0)
        numbers.append(number)
        pieces.append(line[:-1] if goes_on else line)
        if not goes_on:
            lines.append((_Places(offsets, numbers), "".join(pieces)))
            offsets, numbers, pieces = [], [], []
    if pieces:
        lines.append((_Places(offsets, numbers), "".join(pieces)))
    return [(place, line) for place, line in lines if line.strip()]
