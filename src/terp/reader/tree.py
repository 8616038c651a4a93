"""YAML text -> plain data with the place of every key and value; hostile files stop at a limit.

YAML 1.2 core rules: only `true`, `false`, `null` and numbers are anything but text, so `country: NO` stays
"NO".
Built from the parser's events with a stack of our own: no recursion for a deep file to exhaust.

Tags, second documents and keys that are no text are refused; anchors and aliases work, and values behind an
alias count towards the limit as often as they are used, which ends a bomb of aliases.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from terp.errors import Problem, Problems
from terp.files.open_file import MAX_BYTES

MAX_DEPTH: Final = 24
"""Mappings and lists within one another, at most."""
MAX_VALUES: Final = 100_000
"""Values of one file, at most."""

Path = tuple[str | int, ...]
"""Keys and indexes from the top of a file to a value."""
Place = tuple[int, int]
"""Line and column, from 1; (0, 0) for what stands in no file."""
Scalar = str | int | float | bool | None
"""What a single value of a file may be."""

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[+-]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][+-]?[0-9]{1,3})?")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN_TAGS: Final = (None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass
class Tree:
    """Plain data of a file, with where each value (`values`) and each key (`keys`) stands, 1-based.

    file       its name, as problems show it
    data       mappings, lists, texts, numbers, truths and None
    problems   keys that stand twice; the first was kept, so that the rest of the file can be checked as well
    """

    file: str
    data: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def mapping(self) -> dict[str, object]:
        """The data of a file that holds keys and values; empty for any other, which has problems of its own."""
        return self.data if isinstance(self.data, dict) else {}

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Line and column of a path, or of its nearest ancestor that stands in the file.

        key   the place of the key and not of its value
        """
        while path:
            table = self.keys if key and path in self.keys else self.values
            if path in table:
                return table[path]
            path = path[:-1]
        return self.values.get((), (1, 1))

    def problem(self, path: Path, wrong: str, written: str = "", would_do: str = "", *, key: bool = False) -> Problem:
        """A problem at the place of a path.

        wrong      what is wrong, as part of a sentence
        written    the value as it stands in the file, quoted if it is a text
        would_do   what to write in its place, as part of a sentence
        """
        line, column = self.place(path, key=key)
        return Problem(self.file, line, column, dotted(path), wrong, written, would_do)


def dotted(path: Path) -> str:
    """`("groups", 0, "share")` as "groups.0.share"."""
    return ".".join(str(step) for step in path)


def tree_of_mapping(data: Mapping[str, object], shown: str) -> Tree:
    """The tree of a mapping that a program made, with the limits and the checks of a file; its values have no
    place.

    shown   what problems name it by

    Raises Problems with every value that a file could not hold: keys that are no text, objects, too deep, too
    large.

    data    keys and values as a file would hold them; numbers of numpy pass for plain ones, tuples for lists
    """
    tree = Tree(shown, values={(): (0, 0)})
    problems: list[Problem] = []
    count = 0

    def plain(value: object, path: Path) -> object:
        nonlocal count
        count += 1
        if len(path) > MAX_DEPTH or count > MAX_VALUES:
            limit = f"nested deeper than {MAX_DEPTH} levels" if len(path) > MAX_DEPTH else f"more than {MAX_VALUES:,} values"
            raise Problems([*problems, tree.problem(path[:3], limit, would_do="leave data out of it")])
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, Mapping):
            wrong, would_do = "a key that is not plain text", "write keys as plain words"
            names = [repr(key)[:60] for key in value if not isinstance(key, str)]
            problems.extend(tree.problem(path, wrong, name, would_do) for name in names)
            return {key: plain(entry, (*path, key)) for key, entry in value.items() if isinstance(key, str)}
        if isinstance(value, list | tuple):
            return [plain(entry, (*path, index)) for index, entry in enumerate(value)]
        item = getattr(value, "item", None)
        if callable(item) and getattr(value, "ndim", None) == 0:  # a number of numpy
            return plain(item(), path)
        would_do = "texts, numbers, truths, None, lists and mappings would do"
        problems.append(tree.problem(path, "not plain data", type(value).__name__, would_do))
        return None

    tree.data = plain(data, ())
    if problems:
        raise Problems(problems)
    return tree


def changed_data(tree: Tree, changes: Mapping[str, object]) -> dict[str, object]:
    """A file's data with some values changed; the tree stays as it is.

    changes   by key, "__" between a section and what is in it, such as `compute__nodes`; None leaves the key
              out

    Raises Problems for a change inside what is not a mapping.

    The data are a copy, all the way down.
    """
    data: dict[str, object] = copy.deepcopy(tree.mapping)
    problems = []
    for name, value in changes.items():
        *sections, key = name.split("__")
        inside: object = data
        for section in sections:
            inside = inside.setdefault(section, {}) if isinstance(inside, dict) else None
        if not isinstance(inside, dict):
            problems.append(Problem(tree.file, 0, 0, dotted((*sections, key)), "is not in a mapping", repr(value)[:60]))
        elif value is None:
            inside.pop(key, None)
        else:
            inside[key] = value
    if problems:
        raise Problems(problems)
    return data


def parse_yaml(text: str, file: str) -> Tree:
    """The tree of a YAML text.

    text   the YAML; an empty one gives the data None
    file   its name, for problems

    Raises Problems at the first of: bad syntax, a tag, too deep, too large, an alias bomb.  Keys that stand
    twice are noted in the tree and raise nothing here.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        wrong = f"the file is larger than {MAX_BYTES // 2**20} MiB"
        raise Problems([Problem(file, 1, 1, "", wrong, would_do="split it or leave data out of it")])
    builder = _Builder(Tree(file))
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = str(error.problem or error.context)
        too_deep = Problem(file, line, column, "", f"nested deeper than {MAX_DEPTH} levels", would_do="flatten the file")
        builder.problems.append(
            too_deep if "nesting depth" in message else Problem(file, line, column, "", f"not valid YAML: {message}")
        )
    except (yaml.YAMLError, ValueError) as error:  # a character YAML does not allow
        builder.problems.append(Problem(file, 1, 1, "", f"not valid YAML: {str(error).splitlines()[0]}"))
    except _Stop:
        pass
    if builder.problems:
        raise Problems(builder.problems)
    return builder.tree


class _Stop(Exception):
    """A limit was passed; the problem is already noted."""


@dataclass
class _Open:
    """A mapping or list that is still being read.

    anchor   name under which an alias may repeat it; None for none
    key      the key whose value comes next; None where a key is to come, and in lists
    """

    data: dict[str, object] | list[object]
    path: Path
    anchor: str | None
    key: str | None = None

    def next_path(self) -> Path:
        """The path of the value that comes next."""
        return (*self.path, len(self.data) if isinstance(self.data, list) else self.key or "")


class _Builder:
    """Takes the parser's events one by one and grows the tree.

    The stack `_open` holds what is being read, outermost first.  A problem ends the reading by `_Stop`.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree, self.problems = tree, list[Problem]()
        self._open: list[_Open] = []
        self._anchors: dict[str, object] = {}
        self._documents = self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Takes the next event of the parser.  Raises _Stop at a limit, with the problem noted."""
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(place, "a second document", "keep one document a file")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._check_tag(event, place)
            path = self._value_place(place)
            self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], path, event.anchor))
            if len(self._open) > MAX_DEPTH:
                self._stop(place, f"nested deeper than {MAX_DEPTH} levels", "flatten the file")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self._open.pop()
            if done.anchor:
                self._anchors[done.anchor] = done.data
            self._attach(done.data)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor, place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        """A key, if the mapping that is open waits for one, or else a value; quoted texts stay texts."""
        self._tally(place)
        inside = self._open[-1] if self._open else None
        if inside is not None and isinstance(inside.data, dict) and inside.key is None:
            inside.key = event.value
            path = (*inside.path, event.value)
            if event.value in inside.data:
                line, _ = self.tree.keys[path]
                wrong, would_do = "this key stands twice", f"keep one; the first is on line {line}"
                self.tree.problems.append(Problem(self.tree.file, *place, dotted(path), wrong, "", would_do))
            self.tree.keys.setdefault(path, place)
            return
        self._check_tag(event, place)
        self._value_place(place)
        value = resolved(event.value) if event.implicit[0] and not event.style else event.value
        if event.anchor:
            self._anchors[event.anchor] = value
        self._attach(value)

    def _alias(self, anchor: str | None, place: Place) -> None:
        """A value that an anchor named before; it is shared and not copied, and counted in full."""
        path = self._value_place(place)
        if anchor is None or anchor not in self._anchors:
            self.problems.append(Problem(self.tree.file, *place, dotted(path), f"unknown alias *{anchor}"))
            raise _Stop
        value = self._anchors[anchor]
        for _ in _values(value):
            self._tally(place)
        self._attach(value)

    def _value_place(self, place: Place) -> Path:
        """Notes where a value stands, and gives its path.  A mapping or list as a key ends the reading."""
        if self._open and isinstance(self._open[-1].data, dict) and self._open[-1].key is None:
            self._stop(place, "a key that is not plain text", "write keys as plain words")
        path = self._open[-1].next_path() if self._open else ()
        self.tree.values.setdefault(path, place)
        return path

    def _attach(self, value: object) -> None:
        """Puts a finished value into what is open; of a key that stands twice the first value is kept."""
        if not self._open:
            self.tree.data = value
            return
        inside = self._open[-1]
        if isinstance(inside.data, list):
            inside.data.append(value)
        else:
            inside.data.setdefault(inside.key or "", value)
            inside.key = None

    def _tally(self, place: Place) -> None:
        """Counts a value, and ends the reading at the limit."""
        self._count += 1
        if self._count > MAX_VALUES:
            self._stop(place, f"more than {MAX_VALUES:,} values, aliases counted as often as used", "write less")

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> None:
        """Ends the reading at a tag: none is needed, and some run code in other readers."""
        if event.tag not in _PLAIN_TAGS:
            self._stop(place, f"the tag {event.tag} is not allowed", "leave it out")

    def _stop(self, place: Place, wrong: str, would_do: str) -> None:
        """Notes a problem and ends the reading."""
        self.problems.append(Problem(self.tree.file, *place, "", wrong, "", would_do))
        raise _Stop


def _values(data: object) -> Iterator[object]:
    """Every value in plain data, itself first, without recursion."""
    stack = [data]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def resolved(text: str) -> Scalar:
    """A plain scalar by YAML 1.2 core rules: null, a truth, a whole number, a float, or else the text itself.

    Whole numbers of more than 18 digits become floats; octal and hexadecimal ones stay texts.

    >>> resolved("8"), resolved("1e3"), resolved("NO")
    (8, 1000.0, 'NO')
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
