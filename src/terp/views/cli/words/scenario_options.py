"""The options that a scenario's fields are given with, made from the fields, so that all verbs spell them alike.

A field of `terp.describe.scenario` becomes an option with the field's own help, choices and default.  What is typed stays
text until `typed_words` reads it by the field, so that the terminal, a file and Python refuse the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from terp.views.cli.words.names import Completer, matching, named, of_words
from terp.views.cli.words.suggestions import TerpCommand

if TYPE_CHECKING:
    from terp.describe.scenario import ScenarioField

_PREFIX = "field_"
"""Before the names that click has for these options, to tell them from a verb's own."""
_KINDS: Final = {"machine": "machines", "site": "sites", "workload": "workloads", "policy": "policies"}
"""Field whose value is a name -> the kind of it."""


class ScenarioCommand(TerpCommand):
    """A command with an option for each field of a scenario but the machine, made when they are first needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters and those of the fields, which stand right behind the machine.

        ctx   click's, handed on
        """
        if not any(isinstance(param, FieldOption) for param in self.params):
            self.params[1:1] = field_options()  # after the machine
        return super().get_params(ctx)


class FieldOption(click.Option):
    """An option that sets a field of a scenario; its value is the text that was typed.

    Its class tells such options from a verb's own, so that they are made once.
    """


def field_options() -> list[click.Parameter]:
    """The options, in the order of the record: `--gpu-cap` of `gpu_cap_w`, and --no-failures for `--failures no`.

    Each option's value is the text that was typed, None where it was not; the machine is the argument and has none.
    """
    from terp.describe.scenario import OTHER_SPELLINGS, scenario_fields

    options: list[click.Parameter] = []
    for name, field in scenario_fields().items():
        if field.required:
            continue
        others = [f"--{word}" for word in OTHER_SPELLINGS.get(field.word, ())]
        metavar = {"w": "POWER", "fraction": "FRACTION", "count": "COUNT"}.get(field.dimension, "TEXT")
        metavar = "INTEGER" if field.type is int else "yes|no" if field.type is bool else metavar
        metavar = "DAYS" if field.word == "days" else "|".join(field.choices) or metavar
        default = "" if field.default is None or field.type is bool else f"  [default: {field.default}]"
        names = [field.option, *others, f"{_PREFIX}{name}"]
        completes = _completer(field)
        help_text = f"{field.help}{default}"
        options.append(FieldOption(names, default=None, metavar=metavar, help=help_text, shell_complete=completes))
        if field.type is bool:
            without = [f"--no-{field.word}", f"{_PREFIX}no_{name}"]
            options.append(FieldOption(without, is_flag=True, default=False, hidden=True))
    file = ["--scenario", f"{_PREFIX}of_file"]
    options.append(FieldOption(file, default=None, metavar="FILE", help="A file of these, which options override."))
    return options


def _completer(field: ScenarioField) -> Completer | None:
    """What completes a field's value: names of its kind, its words, or nothing.

    field   of a scenario; numbers and what has no list of words get None
    """
    if field.word in _KINDS:
        return named(_KINDS[field.word])
    words = field.choices or (("yes", "no") if field.type is bool else ())
    return of_words(*words) if words else None


def axes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What completes an axis: names of fields with `=` behind, and behind that the values of one.

    ctx, parameter   click's, handed on
    incomplete       the axis as far as it was typed; values before the last comma are kept

    Of files those of the current folder are offered alone, though an axis may name others.
    """
    from terp.describe.scenario import own_word, scenario_fields

    word, equals, values = incomplete.partition("=")
    fields = {field.word: field for field in scenario_fields().values()}
    if not equals:
        return matching([f"{name}=" for name in fields], word)
    before, comma, last = values.rpartition(",")
    field = fields.get(own_word(word))
    complete = _completer(field) if field else None
    items = complete(ctx, parameter, last) if complete else []
    return [CompletionItem(f"{word}={before}{comma}{item.value}") for item in items if item.type == "plain"]


def typed_fields(options: Mapping[str, object]) -> dict[str, str]:
    """What was typed for each field, by the field's name.  Raises click.UsageError for `--failures yes --no-failures`.

    A switch of the form --no-X counts as "no"; fields that were not typed are not in it.

    options   all that click hands over, by its names for them
    """
    from terp.describe.scenario import scenario_fields

    typed: dict[str, str] = {}
    for name, field in scenario_fields().items():
        text = options.get(f"{_PREFIX}{name}")
        without = bool(options.get(f"{_PREFIX}no_{name}"))
        if without and text not in (None, "no"):
            raise click.UsageError(f"{field.option} {text} and --no-{field.word} contradict each other: leave one out")
        if without or isinstance(text, str):
            typed[name] = "no" if without else str(text)
    return typed


def typed_words(machine: str | None, options: Mapping[str, object]) -> dict[str, object]:
    """The values that were typed, by the words of the fields, over those of the scenario's file if there is one.

    machine   the argument; None where it is left out, so that a file may name it
    options   all that click hands over, those of other options too, which are passed over

    Raises Problems with every value that is none of its field, by its option.
    """
    from terp.describe.scenario import Scenario, scenario_fields, value_of_text
    from terp.errors import Problem, Problems
    from terp.reader import record_of_values
    from terp.units import NotAQuantity

    words: dict[str, object] = {} if machine is None else {"machine": machine}
    problems = []
    for name, text in typed_fields(options).items():
        field = scenario_fields()[name]
        try:
            words[field.word] = value_of_text(field, text)
        except NotAQuantity as error:
            problems.append(Problem("", 0, 0, field.option, error.wrong, repr(text), error.would_do))
    if problems:
        try:
            record_of_values({"machine": "-", **words}, Scenario, option_of)
        except Problems as error:
            problems += error.problems
        raise Problems(problems)
    return {**_of_file(options), **words}


def _of_file(options: Mapping[str, object]) -> dict[str, object]:
    """The values of the file that --scenario names, as they are written there, by the words of the fields.

    Values keep the form of the file: a text with a unit, a number, or the `value` of a mapping with a source.

    Empty where --scenario was not given.  Raises Problems for a file that is no scenario.
    """
    from terp.describe import read_scenario
    from terp.describe.scenario import own_word

    file = options.get(f"{_PREFIX}of_file")
    if not isinstance(file, str):
        return {}
    data = read_scenario(file).tree.mapping
    plain = {word: value["value"] if isinstance(value, dict) else value for word, value in data.items() if word != "kind"}
    return {own_word(word): value for word, value in plain.items()}


def option_of(word: str) -> str:
    """How a field is spelt on the command line, by its word: `gpu_cap` is `--gpu-cap`, and the machine is the argument.

    >>> option_of("gpu_cap")
    '--gpu-cap'
    """
    return word if word == "machine" else f"--{word.replace('_', '-')}"


def with_defaults(words: Mapping[str, object], without: tuple[str, ...] = ()) -> dict[str, object]:
    """Words with the defaults of the user's own for those that nothing says, told on stderr with who set each.

    words     as `typed_words` gives them;  without   words that have no default here, since something else says them

    Only site, policy and workload have defaults here.  Raises Problems for a mistake in any default.
    """
    from terp.reader.user_defaults import user_defaults

    told = [entry for name, entry in user_defaults().items() if name in ("site", "policy", "workload") and entry.origin]
    used = [entry for entry in told if entry.name not in words and entry.name not in without]
    if used:
        click.echo("; ".join(f"{entry.name} {entry.value}, by {entry.origin}" for entry in used), err=True)
    return {**words, **{entry.name: entry.value for entry in used}}


def default_of(name: str) -> str | int | None:
    """A default of the user's own, None where nobody set it.  Raises Problems for a mistake in any of them.

    name   a key of `terp.reader.user_defaults.KEYS`, such as "out" or "workers"
    """
    from terp.reader.user_defaults import user_defaults

    return user_defaults()[name].value
