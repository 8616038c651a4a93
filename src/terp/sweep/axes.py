"""What a sweep varies: fields of a scenario, each with its values, and every combination of them."""

from __future__ import annotations

import itertools
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from math import prod
from types import UnionType
from typing import Any, Final

from terp.errors import Problem, Problems, did_you_mean
from terp.sweep.scenario import Scenario
from terp.units import UNITS, NotAQuantity, parse

MOST: Final = 1_000_000
LIMITS: Final[dict[str, tuple[float, float]]] = {"days": (1, 3660), "seed": (0, 2**32 - 1), "load_fraction": (0, 5)}
_RANGE: Final = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*")
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Plan:
    """Scenarios to be: `base` with every combination of the values of the axes, the last axis changing fastest."""

    base: Scenario
    axes: dict[str, tuple[Any, ...]]

    @property
    def scenarios(self) -> list[Scenario]:
        """All of them, in order."""
        return [
            replace(self.base, **dict(zip(self.axes, values, strict=True)))
            for values in itertools.product(*self.axes.values())
        ]

    @property
    def fixed(self) -> dict[str, Any]:
        """The fields that are not varied."""
        return {name: value for name, value in asdict(self.base).items() if name not in self.axes}


def field_words() -> dict[str, str]:
    """What people call each field of a scenario, its unit left out: `load` -> `load_fraction`."""
    words = {}
    for field in fields(Scenario):
        unit = _dimension(field.name)
        words[field.name.removesuffix(f"_{unit}") if unit else field.name] = field.name
    return words


def read_plan(over: Sequence[str], fixed: Mapping[str, str]) -> Plan:
    """The plan that words ask for.  Raises Problems with every mistake in them.

    over    axes such as `load=0.7,0.8`, `seed=1..20` or `site=copenhagen,groningen`
    fixed   values of other fields, by field
    """
    problems: list[Problem] = []
    axes: dict[str, tuple[Any, ...]] = {}
    for words in over:
        try:
            name, values = _read_axis(words)
        except Problems as error:
            problems += error.problems
            continue
        if name in axes:
            problems.append(_problem(_axis(words), "stands twice", would_do="name all its values in one"))
        axes[name] = values
    values_of: dict[str, Any] = {}
    for name, text in fixed.items():
        try:
            [values_of[name]] = _read_values(name, _word_of(name), [text])
        except Problems as error:
            problems += error.problems
        if name in axes:
            would_do = f"leave out one of {_word_of(name)} and --over {_word_of(name)}=..."
            problems.append(_problem(f"--over {_word_of(name)}", "is fixed as well", text, would_do))
    needed = {field.name for field in fields(Scenario) if field.default is MISSING}
    asked = {_axis(words).removeprefix("--over ").strip() for words in over}
    for name in sorted(needed - set(values_of) - set(axes) - set(fixed) - asked):
        problems.append(_problem(_word_of(name), "is not said", would_do=f"name a {_word_of(name)}, such as gefion"))
    count = prod(len(values) for values in axes.values())
    if count > MOST:
        problems.append(_problem("", "too many scenarios", f"{count:,}", f"{MOST:,} or fewer do"))
    if problems:
        raise Problems(problems)
    first = {name: values[0] for name, values in axes.items()}
    return Plan(Scenario(**{**first, **values_of}), axes)


def _problem(path: str, wrong: str, found: str = "", would_do: str = "") -> Problem:
    return Problem("", 0, 0, path, wrong, found, would_do)


def _axis(words: str) -> str:
    return f"--over {words.partition('=')[0]}"


def _word_of(name: str) -> str:
    return next(word for word, field in field_words().items() if field == name)


def _read_axis(words: str) -> tuple[str, tuple[Any, ...]]:
    """A field and its values.  Raises Problems."""
    word, equals, text = words.partition("=")
    known = field_words()
    spelt = word.strip().replace("-", "_")
    name = known.get(spelt, spelt if spelt in known.values() else "")
    if not name:
        raise Problems([_problem(_axis(words), "no such field of a scenario", would_do=did_you_mean(spelt, known))])
    if not equals or not text.strip():
        raise Problems([_problem(_axis(words), "has no values", would_do=f"write them such as {_example(name)}")])
    values = _read_values(name, _axis(words), text.split(","))
    twice = sorted({str(value) for value in values if values.count(value) > 1}) if len(set(values)) < len(values) else []
    if twice:
        raise Problems([_problem(_axis(words), "a value stands twice", ", ".join(twice[:3]))])
    return name, values


def _read_values(name: str, path: str, texts: Iterable[str]) -> tuple[Any, ...]:
    """The values of a field that texts say, ranges written out.  Raises Problems."""
    values: list[Any] = []
    problems = []
    for text in texts:
        try:
            values += _read_value(name, text.strip())
        except NotAQuantity as error:
            problems.append(_problem(path, error.wrong, repr(text.strip()), error.would_do))
    if problems:
        raise Problems(problems)
    return tuple(values)


def _read_value(name: str, text: str) -> list[Any]:
    """A value or a range of a field.  Raises NotAQuantity."""
    kind = _kind(name)
    if kind is str:
        if not text:
            raise NotAQuantity("a value is empty", f"write it such as {_example(name)}")
        return [text]
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise NotAQuantity("neither yes nor no", "write yes or no")
        return [_TRUTH[text.lower()]]
    found = _RANGE.fullmatch(text) if kind is int else None
    if found:
        low, high = int(found[1]), int(found[2])
        if low > high or high - low >= MOST:
            wrong = "the range runs backwards" if low > high else f"the range holds more than {MOST:,} values"
            raise NotAQuantity(wrong, f"write it such as {_example(name)}")
        return [*map(_within(name), range(low, high + 1))]
    value = float(f"{parse(text, _dimension(name) or 'ratio'):.12g}")  # 70 % is 0.7, whatever 70 times 0.01 is
    if kind is int and value != int(value):
        raise NotAQuantity("not a whole number", f"write it such as {_example(name)}")
    return [_within(name)(int(value) if kind is int else value)]


def _within(name: str) -> Any:
    """A check that a number is one that the field may have.  Raises NotAQuantity."""
    low, high = LIMITS.get(name, (float("-inf"), float("inf")))

    def check(value: float) -> float:
        if not low <= value <= high:
            raise NotAQuantity(f"not from {low:,} to {high:,}", f"write it such as {_example(name)}")
        return value

    return check


def _kind(name: str) -> type:
    """Type of a field: str, bool, int or float; of an optional one, what it is when given."""
    hint: Any = typing.get_type_hints(Scenario)[name]
    if isinstance(hint, UnionType):
        [hint] = [part for part in typing.get_args(hint) if part is not type(None)]
    return hint if hint in (bool, int, float) else str


def _dimension(name: str) -> str:
    """The unit that ends a field's name; empty if none does."""
    return max((unit for unit in UNITS if name.endswith(f"_{unit}")), key=len, default="")


def _example(name: str) -> str:
    word = _word_of(name)
    examples = {
        "machine": "gefion,netherlands",
        "site": "copenhagen,groningen",
        "load_fraction": "0.7,0.8,0.9",
        "days": "30,365",
    }
    return f"{word}={examples.get(name, '1..20' if _kind(name) is int else 'one,other')}"
