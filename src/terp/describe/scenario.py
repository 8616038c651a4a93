"""A question to the simulation as people ask it: on the command line, as the axes of a sweep, in a file, or from Python.

`Scenario` is the one place that says which questions there are: the options of `terp simulate` and `terp sweep`, their
help, and the keys of a scenario's file are made from its fields.  None means "as the file says"; zero means zero.
"""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from terp.reader import Record
from terp.reader.fields import dimension_of, plain_type, scaled, written_name, wrong
from terp.units import NotAQuantity, parse, parse_days

NO_CAP: Final = "none"
"""What is written to run without a cap that a file sets."""
MOST_DAYS: Final = 3660
"""Ten years, the longest run."""
MOST_SEED: Final = 2**32 - 1
"""Seeds are 32 bits, as the random numbers of the kernel take them."""
OTHER_SPELLINGS: Final = {"spare_nodes": ("spares",)}
"""Words that are also taken for a field, by its own word: as options, axes, and keys of files alike."""
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}
_HOURS: Final = re.compile(r"(\d{1,2})-(\d{1,2})")


def _days(value: object) -> object:
    """Whole days, also as "2w" or "1y"; what is no text is left to the field's own check."""
    if not isinstance(value, str):
        return value
    try:
        return parse_days(value)
    except NotAQuantity as error:
        raise wrong(error.wrong, error.would_do) from None


def _cap(value: object, *, least_w: float) -> object:
    """A power in watts, or the word that lifts a cap.  `least_w` is excluded if it is 0 and a cap of it makes
    no sense.

    Raises the reader's error, which becomes a problem with the place, for a power below zero or one that
    leaves none.
    """
    if value is None or value == NO_CAP:
        return value
    bare = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if re.fullmatch(r"\d+(\.\d+)?", bare):
        raise wrong("the unit is missing", f"write it with its unit, such as '{bare} W'")
    cap_w = scaled(value, "w")
    if cap_w < 0 or (cap_w == 0 and least_w > 0):
        raise wrong("a cap that leaves no power", f"write a power, such as '600 W', or {NO_CAP!r} to run without a cap")
    return cap_w


def _node_cap(value: object) -> object:
    """The cap of a GPU or of a node: above zero."""
    return _cap(value, least_w=1.0)


def _machine_cap(value: object) -> object:
    """The cap of a machine, under which nothing new may start: zero keeps everything waiting."""
    return _cap(value, least_w=0.0)


def _hours(value: object) -> object:
    """Two hours of a day, the first before the second, as written: "17-20".  A span over midnight is refused."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]) < int(match[2]) <= 24:
        raise wrong("no hours", "write two hours of a day, such as '17-20'")
    return value


NodeCap = Annotated[Literal["none"] | float | None, BeforeValidator(_node_cap)]
"""Cap of a GPU or a node [W]; "none" lifts the cap of the machine's file."""
MachineCap = Annotated[Literal["none"] | float | None, BeforeValidator(_machine_cap)]
"""Cap of the machine [W]."""


def own_word(word: str) -> str:
    """A field's own word from how it was written: `spares` and `spare-nodes` are `spare_nodes`.

    A word that is none of a field is given back with underscores for dashes.
    """
    plain = word.strip().replace("-", "_")
    return next((own for own, others in OTHER_SPELLINGS.items() if plain in others), plain)


class Scenario(Record):
    """A run to be, in plain words and numbers, so that it can be varied, sent to another process and kept.

    Names are of shipped files, or paths.  What is None is as the files say: the site and the load, the GPU cap and the
    spare nodes of the machine, and EASY backfill where no policy is named.  A cap that is "none" is lifted.
    """

    kind: Literal["scenario"] = "scenario"
    machine: str = Field(description="The machine: a shipped name or a file.", min_length=1, examples=["gefion,netherlands"])
    site: str | None = Field(
        default=None,
        min_length=1,
        description="Where it stands, if not where its file says: a shipped name or a file.",
        examples=["copenhagen,groningen"],
    )
    workload: str = Field(default="national", min_length=1, description="Who works on it: a shipped name or a file.")
    days: Annotated[int, BeforeValidator(_days)] = Field(
        default=365,
        strict=True,
        ge=1,
        le=MOST_DAYS,
        description="Days to simulate; 2w and 1y are 14 and 365 days.",
        examples=["30,1y"],
    )
    seed: int = Field(default=1, strict=True, ge=0, le=MOST_SEED, description="Another seed, another year.")
    load_fraction: float | None = Field(
        default=None,
        gt=0,
        le=5,
        description="GPU time asked for over GPU time there is, if not as the workload's file says.",
        examples=["0.7,0.8,0.9"],
    )
    policy: str | None = Field(
        default=None, min_length=1, description="How it is shared: a shipped name, such as conservative, or a file."
    )
    gpu_cap_w: NodeCap = Field(
        default=None,
        description="Cap the power of every GPU, such as '600 W'; none lifts the cap of the machine's file.",
        examples=["none,600 W"],
    )
    node_cap_w: NodeCap = Field(
        default=None, description="Cap the GPUs so that no node draws more, fans aside.", examples=["none,6 kW"]
    )
    power_cap_w: MachineCap = Field(
        default=None, description="Start nothing that takes the machine above it.", examples=["none,1.4 MW"]
    )
    response_w: MachineCap = Field(
        default=None, description="The same in the hours of --response-hours, each day.", examples=["none,1.2 MW"]
    )
    response_hours: Annotated[str, BeforeValidator(_hours)] = Field(
        default="17-20", description="Local hours of --response.", examples=["7-10,17-20"]
    )
    spare_nodes_count: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Nodes that stand by for those that fail, if not as the machine's file says.",
        examples=["0,4,8"],
    )
    failures: bool = Field(default=True, description="Whether anything fails; --no-failures is no.", examples=["yes,no"])
    checkpoints: Literal["file", "daly"] = Field(
        default="file", description="file: as the workload says; daly: as costs least.", examples=["file,daly"]
    )
    delay_by: Literal["price", "carbon"] = Field(
        default="price", description="What jobs that may be delayed wait for: price or carbon.", examples=["price,carbon"]
    )

    @model_validator(mode="before")
    @classmethod
    def _own_words(cls, data: object) -> object:
        """Fields by their own words, whatever others they were written with; a word that is there twice is left as it is."""
        if not isinstance(data, dict):
            return data
        return {word if (word := own_word(str(key))) not in data else key: value for key, value in data.items()}

    @property
    def response_local_hours(self) -> tuple[int, int]:
        """The hours of `response_hours`: from, to, local."""
        begin, end = self.response_hours.split("-")
        return int(begin), int(end)

    @property
    def values(self) -> dict[str, str | int | float | bool | None]:
        """Every field but its kind, by name."""
        return {name: getattr(self, name) for name in scenario_fields()}


def lifted(cap_w: Literal["none"] | float | None, of_file_w: float | None = None) -> float | None:
    """The cap that is in force [W]; None for none.

    cap_w       as asked for: None leaves the file's, "none" lifts it
    of_file_w   what the file says, if anything [W]
    """
    if isinstance(cap_w, str):
        return None
    return of_file_w if cap_w is None else cap_w


@dataclass(frozen=True)
class ScenarioField:
    """A field of a scenario as people meet it: as an option, as an axis of a sweep, as a key of a file.

    name      of the record's field, such as `gpu_cap_w`
    word      what it is called: the field's name without its unit, such as `gpu_cap`
    type      of a value that is given
    dimension   a key of `units.UNITS`; empty for words and truths
    default   None: as the files say
    help      one line
    example   of several values, as an axis has them: "gpu_cap=none,600 W"
    required  whether there is no run without it
    optional  whether None is a value: as the files say
    choices   words that it takes; empty where it takes any
    """

    name: str
    word: str
    type: type
    dimension: str
    default: str | int | float | bool | None
    help: str
    example: str
    required: bool
    optional: bool
    choices: tuple[str, ...]

    @property
    def option(self) -> str:
        """The option of the command line, such as `--gpu-cap`."""
        return f"--{self.word.replace('_', '-')}"


def scenario_fields() -> dict[str, ScenarioField]:
    """The fields of a scenario by name, in the order of the record; `kind`, which is always the same, is none
    of them.
    """
    return dict(_FIELDS)


def _field_of(name: str) -> ScenarioField:
    """A field as people meet it, from pydantic's own account of the record, so that the two cannot differ."""
    info = Scenario.model_fields[name]
    bare = plain_type(info.annotation)
    literal = typing.get_origin(bare) is Literal
    cap = literal and typing.get_args(bare) == (NO_CAP,)
    word = written_name(name)
    kind = float if cap else bare if bare in (bool, int, float) else str
    example = str(info.examples[0]) if info.examples else "1..20" if kind is int else "one,other"
    return ScenarioField(
        name=name,
        word=word,
        type=kind,
        dimension=dimension_of(name),
        default=None if info.is_required() else info.default,
        help=info.description or "",
        example=f"{word}={example}",
        required=info.is_required(),
        optional=info.default is None,
        choices=typing.get_args(bare) if literal and not cap else (),
    )


_FIELDS: Final = {name: _field_of(name) for name in Scenario.model_fields if name != "kind"}


def value_of_text(field: ScenarioField, text: str) -> str | int | float | bool:
    """What a typed text says of a field, as a file would hold it: whole numbers as numbers, yes and no as
    truths.

    field   one of `scenario_fields`
    text    as typed behind an option or in an axis

    Quantities with a unit stay texts, which the record scales.  Raises NotAQuantity for what is no value of
    the field's type.
    """
    if not text:
        raise NotAQuantity("a value is empty", f"write it such as {field.example}")
    if field.type is bool:
        if text.lower() not in _TRUTH:
            raise NotAQuantity("neither yes nor no", "write yes or no")
        return _TRUTH[text.lower()]
    if field.type is str or field.dimension not in ("", "count", "fraction"):
        return text
    if field.word == "days":
        return parse_days(text)
    value = float(f"{parse(text, field.dimension or 'ratio'):.12g}")  # 70 % is 0.7, whatever 70 times 0.01 is
    if field.type is float:
        return value
    if value != int(value):
        raise NotAQuantity("not a whole number", f"write it such as {field.example}")
    return int(value)
