"""Numbers as people type them, handed on to the one parser of their quantity, which says what would do.

`TypedCount` hands on what it cannot read, for options that a record reads later; `TypedRange` is for a verb's own.
"""

from __future__ import annotations

import re
from typing import Final

import click

from terp.units import NotAQuantity, parse

_DIGITS: Final = re.compile(r"[+-]?\d{1,18}")
"""A whole number in digits, with or without a sign; one of more than 18 digits is left to the parser."""


class TypedCount(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A whole number: digits are read here; `8k` or `1e12` stay text, which the record of the call reads by its field."""

    name = "count"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:  # noqa: ARG002
        """The number, or the text as it was typed.

        value   as typed, or a default;  param, ctx   click's, not used

        >>> COUNT.convert("64", None, None), COUNT.convert("8k", None, None)
        (64, '8k')
        """
        text = str(value).strip()
        return int(text) if _DIGITS.fullmatch(text) else text


class TypedRange(click.IntRange):
    """A whole number within limits, as people type it: 2k is 2,000."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number.  Raises BadParameter for one outside of the limits, and for a text that is none.

        value   as typed, or a default;  param, ctx   click's, for its message

        >>> TypedRange(50, 100_000).convert("2k", None, None)
        2000
        """
        text = str(value).strip()
        if not _DIGITS.fullmatch(text):
            try:
                number = parse(text, "count")
            except NotAQuantity:
                number = 0.5
            if number != int(number):
                self.fail(f"{text!r} is not a whole number; write it such as 2000 or 2k", param, ctx)
            text = str(int(number))
        return int(super().convert(text, param, ctx))  # type: ignore[arg-type, unused-ignore]


COUNT: Final = TypedCount()
"""The type of options that take a whole number."""
