"""The frozen record that a file becomes, and how its fields are written.

A field's name says its dimension: `idle_power_w` holds watts and is written `idle_power: "2.2 kW"`.  The unit
stands with the number in the file and with the name in the code; limits are pydantic's own `Field(ge=, le=)`, in SI.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing
from functools import cache, partial
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from terp import units

WHOLE: Final = ("count", "size", "index")
"""Dimensions of whole numbers."""
LARGE: Final = 1000.0
"""From here on a whole number may be written with a power of ten, such as 1e12; a small one with a point is a slip."""
_SUFFIXES: Final = sorted((f"_{dimension}" for dimension in units.UNITS), key=len, reverse=True)


_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
"""What any program takes for the end of a line."""


def one_line(text: str) -> str:
    r"""A title, a note or a cell as one line, however it was written: what it ends lines with becomes a blank.

    >>> one_line("a title\nof two lines\n")
    'a title of two lines'
    """
    return " ".join(_BREAK.split(text)).strip() if _BREAK.search(text) else text


def written_name(name: str) -> str:
    """The key that stands in a file for a field, unless the field says another: its name without the unit.

    >>> written_name("idle_power_w"), written_name("title")
    ('idle_power', 'title')
    """
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


@cache
def dimension_of(name: str) -> str:
    """The dimension that a field's name ends with, a key of `units.UNITS`; empty if none.

    >>> dimension_of("link_rate_bytes_per_s"), dimension_of("title")
    ('bytes_per_s', '')
    """
    return next((suffix[1:] for suffix in _SUFFIXES if name.endswith(suffix)), "")


def keys_of(kind: type[BaseModel]) -> dict[str, str]:
    """Field of a record -> the key that stands for it in a file."""
    return {name: info.alias or name for name, info in kind.model_fields.items()}


def wrong(message: str, would_do: str = "") -> PydanticCustomError:
    """An error for a validator: what is wrong, and what would do.

    pydantic passes it on, and `load` gives it the place of the value that the validator refused.
    """
    return PydanticCustomError("terp", "{wrong}", {"wrong": message, "would_do": would_do})


def scaled(value: object, dimension: str) -> float:
    """A written value in SI: a text with a unit is parsed, a plain number passes where the dimension has
    units without letters.

    value       as it stands in the file or as Python gave it
    dimension   a key of `units.UNITS`

    Raises pydantic's custom error for anything else, and for a fraction of a whole number; whole numbers stay
    `int`.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "" not in units.UNITS[dimension]:
            raise wrong("the unit is missing", f"write it with its unit, such as {units.EXAMPLES[dimension]!r}")
        if dimension in WHOLE and isinstance(value, float):
            return _whole(value)
        return value
    if isinstance(value, str) and dimension in WHOLE:
        return _whole_of_text(value, dimension)
    if not isinstance(value, str):
        raise wrong(f"not {units.NAMES[dimension]}", f"write it such as {units.EXAMPLES[dimension]!r}")
    try:
        return units.parse(value, dimension)
    except units.NotAQuantity as error:
        raise wrong(error.wrong, error.would_do) from None


def _whole(value: float) -> int:
    """A large whole number that was written as a float, such as 1e12.  Raises pydantic's custom error for others."""
    if value.is_integer() and abs(value) >= LARGE:
        return int(value)
    raise wrong("not a whole number", "write it in digits, such as 8")


def _whole_of_text(value: str, dimension: str) -> int:
    """A whole number from a text such as "8k", "300B" or "1e12"; digits alone are no text.

    Raises pydantic's custom error for others.
    """
    try:
        number = 0.5 if value.strip().isdecimal() else units.parse(value, dimension)  # a number in quotes is a slip
    except units.NotAQuantity:
        number = 0.5
    if number != int(number):
        raise wrong("not a whole number", "write it in digits and without quotes, such as 8")
    return int(number)


class Record(BaseModel):
    """A frozen description; unknown keys are refused; fields are written without their unit suffix.

    Subclasses name a field with the suffix of its unit and give its limits in SI:

        class Rack(Record):
            rated_w: float = Field(ge=0, le=1e6)    # written `rated: "40 kW"`

    In Python a field may be given by either name.  Infinite numbers and NaN are refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=written_name, populate_by_name=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _in_si(cls, value: object, info: ValidationInfo) -> object:
        """Scale what is written for a plain number field, by the unit that its name ends with; a text is made one line.

        It runs before pydantic's own checks.  Lists and mappings carry no unit in their field's name for each
        entry; they use the annotated types below (`Seconds`, `Share`).
        """
        name = info.field_name or ""
        value = one_line(value) if isinstance(value, str) else value
        plain = plain_type(cls.model_fields[name].annotation)
        dimension = dimension_of(name)
        return scaled(value, dimension) if plain in (int, float) and dimension and value is not None else value


def record_json(record: BaseModel) -> str:
    """A record as JSON, fields by name, in the order of its class: the text that digests are made of.

    Python's own writer spells numbers alike in all its versions; pydantic's does not, and would give one machine another
    digest after an update of a library.
    """
    return json.dumps(record.model_dump(mode="json"), separators=(",", ":"))


def record_digest(record: BaseModel) -> str:
    """SHA-256 of a record's JSON: the same description, however written, has the same digest with any library."""
    return hashlib.sha256(record_json(record).encode()).hexdigest()


def sequence_tokens(value: object) -> object:
    """Tokens of a sequence as people write them: "8k" is 8,192; what is no text is left to the field's own check.

    For a validator before the field's own; raises pydantic's custom error for a text that is no number of tokens.
    """
    if not isinstance(value, str):
        return value
    try:
        return units.parse_tokens(value)
    except units.NotAQuantity as error:
        raise wrong(error.wrong, error.would_do) from None


def plain_type(annotation: object) -> object:
    """An annotation without `Annotated` and without `| None`: of `Annotated[float, ...] | None` it is
    `float`.

    Dictionaries, lists, tuples and literals are left as they are.
    """
    while typing.get_origin(annotation) is not None and typing.get_origin(annotation) not in (dict, list, tuple):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        if not options or typing.get_origin(annotation) is typing.Literal:
            break
        annotation = options[0]
    return annotation


FlopPerS = Annotated[float, BeforeValidator(partial(scaled, dimension="flop_per_s")), Field(ge=1e9, le=1e17)]
"""A compute rate in a mapping or list [flop/s]."""

Seconds = Annotated[float, BeforeValidator(partial(scaled, dimension="s")), Field(ge=0, le=1e9)]
"""A time in a mapping or list [s]."""

Share = Annotated[float, BeforeValidator(partial(scaled, dimension="fraction")), Field(ge=0, le=1)]
"""A fraction in a mapping or list, 0 to 1."""

Ratio = Annotated[float, BeforeValidator(partial(scaled, dimension="ratio")), Field(ge=0, le=1e6)]
"""A plain number that is not negative, in a mapping or list."""


def _paid(value: object) -> units.Money:
    """An amount of money as written, such as "71 MEUR".  Raises pydantic's custom error for a number without
    a currency.
    """
    if isinstance(value, units.Money):
        return value
    try:
        return units.parse_money(value if isinstance(value, str) else "")
    except units.NotAQuantity as error:
        raise wrong(error.wrong, error.would_do) from None


Money = Annotated[units.Money, BeforeValidator(_paid)]
"""An amount of money in any currency, such as "310 kUSD"."""

Month = Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
"""A month, such as "2027-09"."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]{0,63}$")]
"""A short name in small letters, digits, dots and dashes."""
