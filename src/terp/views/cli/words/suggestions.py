"""A word that there is not -> what was perhaps meant: of verbs, options and choices alike.

`TerpGroup` and `TerpCommand` are click's own, but a word that they do not know ends with one that they do.  A word that is
part of a longer one counts as near it, so that `--batch` finds `--global-batch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Final

import click

from terp.errors import did_you_mean

MEANT: Final[Mapping[str, str]] = {
    "--batch": "--global-batch", "--batch-size": "--global-batch", "--mbs": "--micro-batch", "--gbs": "--global-batch",
    "--sequence": "--seq", "--sequence-length": "--seq", "--seq-len": "--seq", "--context-length": "--seq",
    "--quantization": "--qlora", "--quantized": "--qlora", "--dtype": "--precision", "--framework": "--software",
    "--price": "--gpu-hour", "--euros": "--gpu-hour", "--output": "--out", "--years": "--days", "--length": "--days",
    "--months": "--days", "--cap": "--gpu-cap", "--power": "--power-cap", "--cores": "--workers", "--jobs": "--workers",
    "--data": "--trace", "--fsdp": "--zero", "--num-gpus": "--gpus", "--checkpointing": "--recompute",
    "--gradient-checkpointing": "--recompute", "--language": "--lang", "--optimiser": "--optimizer",
    "--model-name": "--model",
}  # fmt: skip
"""Options that people type from other tools -> ours."""
NEAR: Final = 0.6
"""Likeness from which a word is taken for a slip of another."""


def nearest(word: str, known: Iterable[str]) -> str:
    """What to write in place of a word: "did you mean ...?" with the near ones, or a list of what there is.

    word    as typed, an option with its dashes
    known   all that would do, options of others' words aside (`MEANT`)

    >>> nearest("--batch", ["--global-batch", "--gpus"])
    "did you mean '--global-batch'?"
    """
    names = list(known)
    other = MEANT.get(word.lower().replace("_", "-"))
    if other in names:
        return f"did you mean {other!r}?"
    whole = [name for name in names if len(word.strip("-")) > 2 and word.lower().strip("-") in name.lower()]
    slip = any(SequenceMatcher(None, word.lower(), name.lower()).ratio() >= NEAR for name in names)
    if whole and not slip:
        return f"did you mean {' or '.join(map(repr, whole[:3]))}?"
    return did_you_mean(word, names)


class TerpCommand(click.Command):
    """A command whose unknown options end with what was perhaps meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words of the command line, read.  Raises NoSuchOption with a hint.

        ctx    click's, into which the values go;  args   words behind the verb
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _with_hint(error, self, ctx) from None


class TerpGroup(TerpCommand, click.Group):
    """A command with commands below it, for which the same holds; of an unknown one too.

    Its commands are `TerpCommand` too, so that their options get the same hints.
    """

    command_class = TerpCommand
    what = "command"
    """What its commands are called in a message."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the words name, and the words behind it.  Raises UsageError with what was perhaps meant.

        args   at least one, the first the name of a command.  While Tab completes a line, nothing is raised for a name
        """
        name = args[0]
        if name not in self.list_commands(ctx) and not ctx.resilient_parsing:
            ctx.fail(f"no {self.what} {name!r}; {nearest(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def _with_hint(error: click.NoSuchOption, command: click.Command, ctx: click.Context) -> click.NoSuchOption:
    """The error of an option that there is not, with the options that were perhaps meant.

    error     as click raised it, whose own guesses are left out
    command   whose options are looked at; hidden ones are proposed to nobody
    """
    named = [name for part in command.get_params(ctx) for name in part.opts if not getattr(part, "hidden", False)]
    known = [name for name in named if name.startswith("--")]
    message = f"No such option: {error.option_name}; {nearest(error.option_name, known)}"
    return click.NoSuchOption(error.option_name, message, [], ctx)


class KnownWord(click.Choice):  # type: ignore[type-arg]
    """One of some words; another ends with the one that was perhaps meant, or with all."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The word.  Raises BadParameter for another.

        value   as typed; small and capital letters are alike, and the word comes back as it is listed
        """
        if isinstance(value, str) and value not in self.choices:
            words = [str(choice) for choice in self.choices]
            lowered = {word.lower(): word for word in words}
            if value.lower() in lowered:
                return lowered[value.lower()]
            self.fail(f"{value!r} is not one of its words; {nearest(value, words)}", param, ctx)
        return super().convert(value, param, ctx)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """Which words there are, in one line.

        Behind click's own words for a parameter that must be given and was not.
        """
        return f"Choose from: {', '.join(str(choice) for choice in self.choices)}"
