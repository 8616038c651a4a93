"""YAML that ships with Terp -> plain data, fast: without places and sourcing, which are read again where they are needed.

The models' constants are read by every command that predicts.  A file that this does not take, such as one with a key that
stands twice, goes to the reader that says what is wrong and where.
"""

from __future__ import annotations

from typing import Any

import yaml

from terp.reader.tree import LOADER, resolved


class NotPlain(Exception):
    """The text is for the reader with places."""


def plain_values(text: str) -> Any:
    """The data of a YAML text, each value without who says it.  Raises NotPlain for what needs a closer look."""
    try:
        return without_sourcing(_built(text))
    except (yaml.YAMLError, ValueError, LookupError) as error:
        raise NotPlain from error


def _built(text: str) -> Any:
    """The data of the parser's events; a stack of open mappings and lists, and of the keys that wait for a value."""
    anchors: dict[str, Any] = {}
    top: list[Any] = []
    open_: list[Any] = [top]
    keys: list[str | None] = [None]
    event: Any
    for event in yaml.parse(text, Loader=LOADER):
        kind = type(event)
        opens = kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent
        awaits_key = type(open_[-1]) is dict and keys[-1] is None
        if kind is yaml.ScalarEvent and awaits_key:
            if event.value in open_[-1]:
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
        if type(open_[-1]) is dict:
            open_[-1][keys[-1]] = value
            keys[-1] = None
        else:
            open_[-1].append(value)
        if opens:
            open_.append(value)
            keys.append(None)
    return top[0]


def without_sourcing(data: Any) -> Any:
    """Plain data: a mapping that has a `value` is that value, and no mapping has a `source`."""
    if type(data) is dict:
        if "value" in data:
            return data["value"]
        return {key: without_sourcing(value) for key, value in data.items() if key != "source"}
    if type(data) is list:
        return [without_sourcing(value) for value in data]
    return data
