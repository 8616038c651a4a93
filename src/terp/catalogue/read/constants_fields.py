"""Plain data of a file of constants -> a frozen dataclass, by the types and units of its fields.

A field's name says its dimension, as in every file: `launch_s` is written `launch: "2.66e-6 s"`, unless its metadata has a
`key` of its own.  Values of a mapping or a list have the dimension of their field.  Every mistake is collected with its
path; nothing is guessed or clamped.

The YAML that ships with Terp is read fast, without places and sourcing (`plain_values`): every command that predicts
needs the constants.  A file that this does not take, such as one with a key that stands twice, goes to the reader that
says what is wrong and where.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import yaml

from terp import units
from terp.errors import did_you_mean
from terp.reader.fields import dimension_of, written_name
from terp.reader.tree import LOADER, Path, resolved

K = TypeVar("K")
Report = Callable[[Path, str, str, str], None]
"""Takes a problem: its path, what is wrong, what stands there, what would do."""


class _Wrong(Exception):
    """A value is wrong, and has been reported."""


def record_of(kind: type[K], data: object, path: Path, report: Report) -> K | None:
    """The record of plain data, or None if anything of it is wrong, which `report` then has been told.

    kind   a frozen dataclass of numbers, texts, mappings, tuples and such dataclasses

    data     what stands at `path` in the file
    path     from the top of the file, for problems
    report   is called once for each problem, so that all are told together

        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Launch:
        ...     launch_s: float
        >>> record_of(Launch, {"launch": "2 s"}, (), print)
        Launch(launch_s=2.0)
    """
    try:
        return _record(kind, data, path, report)
    except _Wrong:
        return None


@cache
def _plan(kind: type) -> dict[str, tuple[str, object, str, bool]]:
    """Key in a file -> field, type, dimension, and whether it may be left out."""
    hints = get_type_hints(kind)
    return {
        field.metadata.get("key", written_name(field.name)): (
            field.name,
            hints[field.name],
            dimension_of(field.name),
            field.default is not MISSING or field.default_factory is not MISSING,
        )
        for field in fields(kind)
    }


def _record(kind: type[K], data: object, path: Path, report: Report) -> K:
    """A dataclass of a mapping.  Raises _Wrong after all of its keys are looked at, so that none hides another."""
    plan, values, wrong = _plan(cast("type", kind)), dict[str, object](), False
    if not isinstance(data, dict):
        report(path, "not a mapping of keys to values", repr(data), "known keys: " + ", ".join(plan))
        raise _Wrong
    for key in data:
        if key not in plan:
            report((*path, key), "unknown key", repr(key), did_you_mean(str(key), list(plan)))
            wrong = True
    for key, (name, hint, dimension, optional) in plan.items():
        if key not in data:
            if not optional:
                report(path, f"the key {key!r} is missing", "", "add it, with its status and source")
                wrong = True
            continue
        try:
            values[name] = _value(hint, data[key], dimension, (*path, key), report)
        except _Wrong:
            wrong = True
    if wrong:
        raise _Wrong
    return kind(**values)


def _value(hint: object, data: object, dimension: str, path: Path, report: Report) -> object:
    """A value of an annotated type.

    hint        float, int, bool, str, a dataclass, or a tuple, mapping or optional of such
    dimension   of the field, such as "duration"; empty where it has none
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = next(option for option in arguments if option is not type(None))
        return None if data is None else _value(inner, data, dimension, path, report)
    if origin is tuple:
        return _tuple(arguments, data, dimension, path, report)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(arguments, data, dimension, path, report)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, data, path, report)
    if hint in (float, int):
        return _number(data, dimension, path, report, whole=hint is int)
    if hint in (str, bool) and type(data) is hint:
        return data
    report(path, "not a text" if hint is str else "not true or false", repr(data), "")
    raise _Wrong


def _tuple(arguments: tuple[object, ...], data: object, dimension: str, path: Path, report: Report) -> tuple[object, ...]:
    """A list of one type, or of as many entries as the type names."""
    if not isinstance(data, list):
        report(path, "not a list", repr(data), "write it as [a, b]")
        raise _Wrong
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(data)
    if len(arguments) != len(data):
        report(path, f"not {len(arguments)} entries", f"{len(data)} entries", "")
        raise _Wrong
    return tuple(
        _value(hint, entry, dimension, (*path, index), report)
        for index, (hint, entry) in enumerate(zip(arguments, data, strict=True))
    )


def _mapping(
    arguments: tuple[object, ...], data: object, dimension: str, path: Path, report: Report
) -> Mapping[object, object]:
    """A mapping that cannot be changed; its keys are texts, or whole numbers written as such."""
    if not isinstance(data, dict):
        report(path, "not a mapping of keys to values", repr(data), "write it as {key: value}")
        raise _Wrong
    if arguments[0] is int and not all(str(key).isdecimal() for key in data):
        report(path, "keys that are no whole numbers", ", ".join(data), "write them in digits")
        raise _Wrong
    return types.MappingProxyType(
        {
            int(key) if arguments[0] is int else key: _value(arguments[1], entry, dimension, (*path, key), report)
            for key, entry in data.items()
        }
    )


MOST: Final = 1e300
"""A number above it is none that can be; whole ones of hundreds of digits are compared, and cannot be made floats."""
_ONE: Final = ("fraction",)


def _number(data: object, dimension: str, path: Path, report: Report, *, whole: bool) -> float | int:
    """A number in SI, not negative, and of a fraction at most 1.

    A text is read with its unit; a bare number is taken where the dimension has no unit, such as a ratio or a count.
    """
    if isinstance(data, str) and dimension:
        try:
            data = units.parse(data, dimension)
        except units.NotAQuantity as error:
            report(path, error.wrong, repr(data), error.would_do)
            raise _Wrong from None
    elif dimension and "" not in units.UNITS[dimension]:
        report(path, "the unit is missing", repr(data), f"write it with its unit, such as {units.EXAMPLES[dimension]!r}")
        raise _Wrong
    if isinstance(data, bool) or not isinstance(data, int | float) or not abs(data) <= MOST:
        report(path, "not a number", repr(data), f"write it such as {units.EXAMPLES.get(dimension, '1.5')!r}")
        raise _Wrong
    if data < 0 or (dimension in _ONE and data > 1):
        report(path, "out of bounds", repr(data), "0 to 1" if dimension in _ONE else "0 or more")
        raise _Wrong
    if whole and data != int(data):
        report(path, "not a whole number", repr(data), "write it in digits, such as 8")
        raise _Wrong
    return int(data) if whole else float(data)


class NotPlain(Exception):
    """The text is for the reader with places."""


def plain_values(text: str) -> object:
    """The data of a YAML text, each value without who says it.  Raises NotPlain for what needs a closer look."""
    try:
        return without_sourcing(_built(text))
    except (yaml.YAMLError, ValueError, LookupError) as error:
        raise NotPlain from error


def _built(text: str) -> object:
    """The data of the parser's events; a stack of open mappings and lists, and of the keys that wait for a value."""
    anchors: dict[str, object] = {}
    top: list[object] = []
    open_: list[dict[str, object] | list[object]] = [top]
    keys: list[str | None] = [None]
    value: object
    event: Any  # of a kind that is asked by name, faster than by class
    for event in yaml.parse(text, Loader=LOADER):
        kind, inmost = type(event), open_[-1]
        opens = kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent
        awaits_key = type(inmost) is dict and keys[-1] is None
        if kind is yaml.ScalarEvent and awaits_key:
            if event.value in inmost:
                raise NotPlain
            keys[-1] = event.value
            continue
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            open_.pop()
            keys.pop()
            continue
        if kind is yaml.ScalarEvent:
            value = resolved(event.value) if event.implicit[0] and not event.style else event.value
        elif opens:
            value = {} if kind is yaml.MappingStartEvent else []
        elif kind is yaml.AliasEvent:
            value = anchors[event.anchor]
        else:
            continue
        if awaits_key:
            raise NotPlain
        if kind is not yaml.AliasEvent and event.anchor:
            anchors[event.anchor] = value
        name = keys[-1]
        if isinstance(inmost, list):
            inmost.append(value)
        elif name is not None:
            inmost[name] = value
            keys[-1] = None
        if isinstance(value, dict | list) and opens:
            open_.append(value)
            keys.append(None)
    return top[0]


def without_sourcing(data: object) -> object:
    """Plain data: a mapping that has a `value` is that value, and no mapping has a `source`."""
    if type(data) is dict:
        if "value" in data:
            return data["value"]
        return {key: without_sourcing(value) for key, value in data.items() if key != "source"}
    if type(data) is list:
        return [without_sourcing(value) for value in data]
    return data
