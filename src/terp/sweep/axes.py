"""What a sweep varies: fields of a scenario, each with its values, and every combination of them.

Axes come as words from the terminal (`read_axes`) or as values from Python (`axes_of_values`); both end in the same record,
checked by the same rules, so that both refuse the same mistakes.

>>> len(axes_of_values({"seed": range(3), "load": [0.7, 0.9]}, {"machine": "gefion"}).scenarios)
6
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from terp.describe import Scenario
from terp.describe.scenario import ScenarioField, own_word, scenario_fields, value_of_text
from terp.errors import Problem, Problems, did_you_mean
from terp.reader import record_of_values
from terp.units import NotAQuantity

MOST: Final = 1_000_000
"""Scenarios of a sweep, and values of a range, at most."""
AS_FILED: Final = "file"
"""What an axis says for "as the files say", of fields that may be left to them."""
_RANGE: Final = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*")

Value = str | int | float | bool | None
"""A value of a field; None: as the files say."""


@dataclass(frozen=True)
class SweepAxes:
    """Scenarios to be: `base` with every combination of the values of the axes, the last axis changing fastest.

    base   with the first value of each axis
    axes   values by the field's name (`load_fraction`), not by its word (`load`); none of them twice in an axis
    """

    base: Scenario
    axes: dict[str, tuple[Value, ...]]

    @property
    def scenarios(self) -> list[Scenario]:
        """All of them, in order; as many as the product of the axes' lengths."""
        return [
            self.base.model_copy(update=dict(zip(self.axes, values, strict=True)))
            for values in itertools.product(*self.axes.values())
        ]

    @property
    def fixed(self) -> dict[str, Value]:
        """The fields that are not varied, by name, with None for what is left to the files."""
        return {name: value for name, value in self.base.values.items() if name not in self.axes}


def field_words() -> dict[str, str]:
    """What people call each field of a scenario, its unit left out: `load` -> `load_fraction`.

    Options, axes and keywords from Python all go by these words.
    """
    return {field.word: name for name, field in scenario_fields().items()}


def read_axes(over: Sequence[str], fixed: Mapping[str, object]) -> SweepAxes:
    """The axes that words ask for.  Raises Problems with every mistake in them.

    over    axes such as `load=0.7,0.8`, `seed=1..20` or `site=copenhagen,groningen`; "file" among the values stands for
            what the files say, of fields that may be left to them
    fixed   values of other fields, by the words of the fields, as a file would hold them

    An axis may not stand twice, and a field may not be both varied and fixed.
    """
    problems: list[Problem] = []
    axes: dict[str, tuple[Value, ...]] = {}
    for words in over:
        try:
            name, values = _read_axis(words)
        except Problems as error:
            problems += error.problems
            continue
        if name in axes:
            problems.append(_problem(_axis(words), "stands twice", would_do="name all its values in one"))
        axes[name] = values
    for field in map(scenario_fields().__getitem__, axes):
        if field.word in fixed:
            would_do = f"leave out one of {field.option} and --over {field.word}=..."
            problems.append(_problem(f"--over {field.word}", "is fixed as well", str(fixed[field.word]), would_do))
    named = {_axis(words).removeprefix("--over ").strip() for words in over}
    return _axes_of(axes, fixed, problems, named, _option_of)


def axes_of_values(
    over: Mapping[str, Iterable[object]], fixed: Mapping[str, object], path: Callable[[str], str] = str
) -> SweepAxes:
    """The axes that a program asks for, values by the words of the fields.  Raises Problems with every mistake.

    over    such as `{"gpu_cap": [None, "600 W"], "seed": range(20)}`; None: as the files say
    fixed   values of other fields, by the words of the fields too
    path    how an axis is called in a problem, from its word

    A text is no list of values, so that "gefion" is not taken for six of them.
    """
    problems: list[Problem] = []
    axes: dict[str, tuple[Value, ...]] = {}
    known = field_words()
    for written, given in over.items():
        word = own_word(written)
        if word not in known:
            problems.append(_problem(path(word), "no such field of a scenario", would_do=did_you_mean(word, known)))
            continue
        field = scenario_fields()[known[word]]
        if isinstance(given, str) or not isinstance(given, Iterable):
            problems.append(_problem(path(word), "no list of values", repr(given)[:60], f"write it such as [{given!r}]"))
            continue
        try:
            axes[field.name] = _unlike(_checked(field, list(given), path(word)), path(word))
        except Problems as error:
            problems += error.problems
    for word in sorted(set(over) & set(fixed)):
        problems.append(_problem(path(word), "is fixed as well", repr(fixed[word])[:60], "leave out one of them"))
    return _axes_of(axes, fixed, problems, set(over))


def _option_of(word: str) -> str:
    """The option of a field by its word, as problems of the command line name it.

    >>> _option_of("gpu_cap")
    '--gpu-cap'
    """
    return f"--{word.replace('_', '-')}"


def _axes_of(
    axes: dict[str, tuple[Value, ...]],
    fixed: Mapping[str, object],
    problems: list[Problem],
    named: set[str],
    path_of: Callable[[str], str] = str,
) -> SweepAxes:
    """The axes with the scenario that they start from.  Raises Problems, those that were there among them.

    problems   of the axes so far;  path_of   how a fixed field is called in a problem, from its word
    named      words of the fields that are asked for, rightly or not, so that none of them is said to be missing
    """
    fields = scenario_fields()
    count = prod(len(values) for values in axes.values())
    if count > MOST:
        problems.append(_problem("", "too many scenarios", f"{count:,}", f"{MOST:,} or fewer do"))
    missing = {field.word for field in fields.values() if field.required} - set(fixed) - {fields[name].word for name in axes}
    problems += [
        _problem(word, "is not said", would_do=f"name a {word}, such as gefion") for word in sorted(missing - named)
    ]
    try:
        base = record_of_values({"machine": "-", **fixed}, Scenario, path_of)
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    return SweepAxes(base.model_copy(update={name: values[0] for name, values in axes.items()}), axes)


def _problem(path: str, wrong: str, value: str = "", would_do: str = "") -> Problem:
    """A problem of a question, which stands in no file.

    path   of an axis or a field, such as `--over load`; empty for the question as a whole
    """
    return Problem("", 0, 0, path, wrong, value, would_do)


def _axis(words: str) -> str:
    """How an axis is called in problems of the command line: `--over load`.

    words   an axis as it was typed, of which what stands before the first `=` is the field
    """
    return f"--over {words.partition('=')[0]}"


def _read_axis(words: str) -> tuple[str, tuple[Value, ...]]:
    """The name of a field and its values, from words such as `load=0.7,0.8`.

    Raises Problems with every value that is none of the field.
    """
    word, equals, text = words.partition("=")
    known = field_words()
    spelt = own_word(word)
    name = known.get(spelt, spelt if spelt in known.values() else "")
    if not name:
        raise Problems([_problem(_axis(words), "no such field of a scenario", would_do=did_you_mean(spelt, known))])
    field = scenario_fields()[name]
    if not equals or not text.strip():
        raise Problems([_problem(_axis(words), "has no values", would_do=f"write them such as {field.example}")])
    values: list[object] = []
    problems = []
    for part in text.split(","):
        try:
            values += _values_of_text(field, part.strip())
        except NotAQuantity as error:
            problems.append(_problem(_axis(words), error.wrong, repr(part.strip()), error.would_do))
    try:
        checked = _checked(field, values, _axis(words))
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    return name, _unlike(checked, _axis(words))


def _values_of_text(field: ScenarioField, text: str) -> list[object]:
    """What one text between commas says: a value, the values of a range, or None for what the files say.

    Ranges such as `1..20` hold both ends and are of whole numbers only.  Raises NotAQuantity.
    """
    if text == AS_FILED and field.optional and field.type is not str:
        return [None]
    ends = _RANGE.fullmatch(text) if field.type is int else None
    if not ends:
        return [value_of_text(field, text)]
    low, high = int(ends[1]), int(ends[2])
    if low > high or high - low >= MOST:
        wrong = "the range runs backwards" if low > high else f"the range holds more than {MOST:,} values"
        raise NotAQuantity(wrong, f"write it such as {field.example}")
    return list(range(low, high + 1))


def _checked(field: ScenarioField, values: list[object], path: str) -> tuple[Value, ...]:
    """Values as a scenario holds them.  Whole numbers are within their field's limits if their ends are.

    path   how the axis is called in problems.  Raises Problems with every value that is none of the field.
    """
    ends: list[object] = values
    if field.type is int and len(values) > 2 and all(type(value) is int for value in values):
        numbers = [value for value in values if isinstance(value, int)]
        ends = list({min(numbers), max(numbers)})
    problems, checked = list[Problem](), dict[int, Value]()
    for index, value in enumerate(ends):
        given = {"machine": "-", field.word: value} if value is not None or not field.optional else {"machine": "-"}
        try:
            checked[index] = getattr(record_of_values(given, Scenario, lambda _: path), field.name)
        except Problems as error:
            problems += error.problems
    if problems:
        raise Problems(problems)
    if ends is not values:
        return tuple(value for value in values if isinstance(value, int))
    return tuple(checked.values())


def _unlike(values: tuple[Value, ...], path: str) -> tuple[Value, ...]:
    """The values, at least one, each of which may stand once.  Raises Problems that name those that stand twice."""
    if not values:
        raise Problems([_problem(path, "has no values", would_do="name one or more")])
    if len(set(values)) < len(values):
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        raise Problems([_problem(path, "a value stands twice", ", ".join(twice[:3]))])
    return values
