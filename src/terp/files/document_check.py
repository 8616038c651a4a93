"""Documents of a folder, read and held against the types that they are of: damage is said before anything uses it.

A document's type is a dataclass or a TypedDict.  Checked are which keys are there, of what kind each value is, and that
numbers are numbers: not null, not NaN, not beyond what anything here can reach.  Keys that a later release added are passed
over.

Who reads a result calls `read_document`, lists `damage_of` its type, and raises `damaged` if that list is not empty.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from terp.errors import Problem, Problems

MOST_BYTES: Final = 256 * 1024 * 1024
"""A document that is larger is none of ours."""
MOST_INTEGER: Final = 2**53
"""Whole numbers beyond it are not exact in every reader of JSON."""
MOST_NUMBER: Final = 1e30
"""No energy, time or sum of money here comes near it."""
_WORDS: Final[dict[object, str]] = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null",
}  # fmt: skip
"""Kind of a plain value -> it in words, for messages such as "not a whole number"."""


@dataclass(frozen=True)
class Damage:
    """What is wrong in a document or a table: where in it, what should stand there, and what does.

    path    of the value: keys with dots between and places in brackets, such as `jobs[3].wait_s`; of a table, the column
    wrong   what should stand there or is missing, to follow "is damaged: "
    found   the value as `shown` gives it; empty where there is none to show
    """

    path: str
    wrong: str
    found: str = ""


def damaged(file: Path | str, damage: list[Damage], would_do: str) -> Problems:
    """The refusal of a file that is damaged: one line, with the first place and how many more there are.

    damage     at least one;  would_do   instead, such as "simulate it again"
    """
    first, more = damage[0], len(damage) - 1
    rest = f", and {more:,} more like it" if more else ""
    return Problems([Problem(str(file), 0, 0, first.path, f"is damaged: {first.wrong}{rest}", first.found, would_do)])


def read_document(file: Path, would_do: str) -> object:
    """What a JSON file holds, whatever that is.  Raises Problems, a line, where it cannot be read or is no JSON.

    file       that should be there, and no larger than MOST_BYTES
    would_do   where it is not, or is no JSON, such as "simulate it again"
    """
    try:
        if not file.is_file():
            raise Problems([Problem(str(file), 0, 0, "", "is missing", would_do=would_do)])
        if file.stat().st_size > MOST_BYTES:
            raise Problems([Problem(str(file), 0, 0, "", "is too large to be one of ours", would_do=would_do)])
        return json.loads(file.read_text("utf-8"))
    except RecursionError:
        wrong = "cannot be read: brackets within brackets without an end"
    except (OSError, ValueError) as error:
        wrong = f"cannot be read: {(str(error).splitlines() or [type(error).__name__])[0]}"
    raise Problems([Problem(str(file), 0, 0, "", wrong, would_do=would_do)]) from None


def damage_of(kind: object, value: object, path: str = "") -> Iterator[Damage]:
    """What in a value of JSON is not as a type says; nothing where it is.

    kind   a dataclass, a TypedDict, or an annotation made of these, of texts, numbers, truths, tuples, lists and mappings
    path   of the value in its document, for people; empty for all of it
    """
    origin = get_origin(kind)
    if origin is NotRequired:
        yield from damage_of(get_args(kind)[0], value, path)
    elif origin is Literal:
        if value not in get_args(kind):
            yield Damage(path, f"none of {', '.join(map(str, get_args(kind)))}", shown(value))
    elif origin in (Union, types.UnionType):
        yield from _damage_of_union(get_args(kind), value, path)
    elif origin in (tuple, list):
        if isinstance(value, list):
            inner = get_args(kind)
            for place, entry in enumerate(value):
                yield from damage_of(
                    inner[0] if Ellipsis in inner or len(inner) == 1 else inner[place], entry, f"{path}[{place}]"
                )
        else:
            yield Damage(path, "no list", shown(value))
    elif origin is not None and issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            for key, entry in value.items():
                yield from damage_of(get_args(kind)[1], entry, _under(path, key))
        else:
            yield Damage(path, "no mapping", shown(value))
    elif is_dataclass(kind) or typing.is_typeddict(kind):
        yield from _damage_of_record(kind, value, path)
    elif kind in _WORDS:
        yield from _damage_of_plain(kind, value, path)


def damage_of_numbers(value: object, path: str = "") -> Iterator[Damage]:
    """Numbers anywhere in a document that cannot be, and texts that are none, whatever its type.

    path   of the value in its document, for people; empty for all of it

    Keys of mappings are looked at as texts too.  Truths and null pass, whose type is not asked for here.
    """
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from damage_of_numbers(key, path)
            yield from damage_of_numbers(entry, _under(path, key))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from damage_of_numbers(entry, f"{path}[{place}]")
    elif isinstance(value, str | int | float):
        yield from _damage_of_plain(type(value), value, path)


def _damage_of_record(kind: object, value: object, path: str) -> Iterator[Damage]:
    """What of a record's keys is missing or wrong; a field with a default may be left out.

    kind    a dataclass or a TypedDict;  value   what stands in its place, of any kind
    path    of the value; that of a key is added behind it

    Keys that the record does not have are not looked at.
    """
    if not isinstance(value, Mapping):
        yield Damage(path, "no mapping", shown(value))
        return
    hints, needed = _keys_of(kind)
    for name, hint in hints.items():
        if name in value:
            yield from damage_of(hint, value[name], _under(path, name))
        elif name in needed:
            yield Damage(_under(path, name), "it is missing")


@cache
def _keys_of(kind: object) -> tuple[dict[str, object], frozenset[str]]:
    """The keys of a record's document by their annotations, and those of them that must be there.

    kind   a dataclass, whose fields with a default may be left out, or a TypedDict, whose keys may be NotRequired
    """
    hints = get_type_hints(kind, include_extras=True)
    needed = {name for name, hint in hints.items() if get_origin(hint) is not NotRequired}
    if is_dataclass(kind):
        needed -= {part.name for part in fields(kind) if part.default is not MISSING or part.default_factory is not MISSING}
    return hints, frozenset(needed)


def _damage_of_union(kinds: tuple[object, ...], value: object, path: str) -> Iterator[Damage]:
    """Nothing if a value is of any of some kinds; else what it is not, or what is wrong inside it.

    kinds   of which None is one where there may be no value
    """
    tries = [list(damage_of(kind, value, path)) for kind in kinds]
    if all(tries):
        inside = [found for found in tries if found[0].path != path]
        words = " or ".join(_WORDS.get(kind, "a mapping") for kind in kinds)
        yield from inside[0] if inside else [Damage(path, f"not {words}", shown(value))]


def _damage_of_plain(kind: object, value: object, path: str) -> Iterator[Damage]:
    """A text, a number, a truth or null.

    Whole numbers do for numbers, but truths do for neither, though Python counts them among the whole ones.  A text with
    half of a surrogate pair cannot be written as UTF-8, and is refused.
    """
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= MOST_NUMBER:  # whole numbers of hundreds of digits are compared, and cannot be made floats
            yield Damage(path, "no number that can be", shown(value))
    elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):  # type: ignore[arg-type]
        yield Damage(path, f"not {_WORDS[kind]}", shown(value))
    elif isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            yield Damage(path, "half of a letter", shown(value))
    elif kind is int and isinstance(value, int) and not 0 <= value + _below(path) <= MOST_INTEGER:
        yield Damage(path, "no number that can be", shown(value))


def _below(path: str) -> int:
    """How far below zero a whole number may go: counts may not.

    path   of the number, whose last word ends with `_count` if it is a count

    Counts lie from 0 to 2^53; others from -2^52 up to 2^52.
    """
    return 0 if path.endswith("_count") else MOST_INTEGER // 2


def shown(value: object) -> str:
    """A value in a message: as JSON has it, cut short.

    Forty characters of it, with dots where more were; the name of its type for what JSON cannot hold.

    >>> shown({"a": None})
    '{"a": null}'
    """
    most = 40
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= most else text[:most] + "..."


def _under(path: str, key: object) -> str:
    """The path of a key.

    path   of the mapping that holds it; empty for the document itself
    """
    return f"{path}.{key}" if path else str(key)
