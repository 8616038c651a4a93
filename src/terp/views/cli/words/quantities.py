"""Numbers as people type them, handed on to the one parser of their quantity, which says what would do."""

from __future__ import annotations

import re
from typing import Final

import click

_DIGITS: Final = re.compile(r"[+-]?\d{1,18}")


class TypedCount(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A whole number: digits are read here; `8k` or `1e12` stay text, which the record of the call reads by its field."""

    name = "count"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:  # noqa: ARG002
        """The number, or the text as it was typed."""
        text = str(value).strip()
        return int(text) if _DIGITS.fullmatch(text) else text


COUNT: Final = TypedCount()
"""The type of options that take a whole number."""
