"""The `terp` command: finds the verb, and turns errors into lines on stderr and an exit code.

Exit codes: 0 done; 1 the answer is "no"; 2 the input is wrong; 130 interrupted.
Every error that a user can cause is a TerpError, one line a problem; anything else is a bug and shows its traceback.

`main` is what the installed command calls.  It guards the two streams, looks whether another package of the same name is in
the way, runs the verb by click, and turns what was raised into one of the codes above.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Final, NoReturn

import click
from click.shell_completion import CompletionItem

import terp
from terp.errors import Interrupted, Problems, TerpError, printable
from terp.views.cli.setup.other_terp import in_the_way
from terp.views.cli.words.suggestions import TerpGroup
from terp.views.printing import guard

GROUPS: Final = {
    "ask": {
        "list": "What ships: machines, models, sites, policies, GPUs.",
        "show": "What is this machine, exactly? Or a model, a GPU, a site?",
        "predict": "How fast is it: HPL and its rank; a training's days, cost?",
    },
    "plan": {
        "plan": "What should we buy under a budget?",
        "sweep": "What if? Many scenarios at once.",
        "compare": "What if? What changed, and is it more than chance?",
    },
    "run": {
        "simulate": "What if a whole country works on it for a year?",
        "report": "Show me: a page to look at and to hand on.",
    },
    "trust": {
        "validate": "Can I believe you?",
    },
    "set up": {
        "completion": "Names and options that complete with Tab.",
        "config": "Defaults of your own, and who set each.",
        "clean": "Remove what was compiled.",
    },
}
"""Who asks -> verb -> the question that it answers, as the help lists them."""
VERBS: Final = {verb: question for verbs in GROUPS.values() for verb, question in verbs.items()}
"""Verb -> its question; a module of this folder, or of `setup`, has each verb's name."""
LISTS: Final = {
    "machine": "machines", "model": "models", "site": "sites", "workload": "workloads", "policy": "policies",
    "budget": "budgets", "software": "software", "part in accelerators": "gpus", "part in nodes": "nodes",
}  # fmt: skip
"""What an unknown name is of -> the list that has all of them."""
VERSION: Final[str] = getattr(terp, "__version__", "")
"""Ours; empty where the package's own first file belongs to somebody else."""


_OF_OUTPUT: Final = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)
"""Errors of writing to what standard output is."""


@contextmanager
def _unseen_by_click() -> Iterator[None]:
    """Lets errors pass click that it would take for others: a full disk for a gone reader, the end of a file for Ctrl-C.

    Raises `_Unwritten` in place of an OSError, and RuntimeError in place of an EOFError; others pass as they are.
    """
    try:
        yield
    except OSError as error:
        raise _Unwritten(error) from error
    except EOFError as error:
        raise RuntimeError("a file ended too soon") from error


def command_of(verb: str) -> click.Command:
    """The click command of a verb, whose module is imported now.

    verb   one of `VERBS`; what looks after Terp itself lies in the folder `setup`, all others in this one
    """
    folder = "terp.views.cli.setup" if verb in GROUPS["set up"] else "terp.views.cli"
    command: click.Command = import_module(f"{folder}.{verb}").command
    return command


class _Verbs(TerpGroup):
    """Lists verbs without importing them; a wrong verb gets a hint.

    Click calls these methods with its context of the command line, `ctx`; no verb is imported until its own name is read.
    """

    what = "verb"

    def invoke(self, ctx: click.Context) -> object:
        """Runs the verb.

        ctx   click's, in which the words are read.  An error of writing is raised as `_Unwritten`
        """
        with _unseen_by_click():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the words, and prints the help or the version where they ask for it.

        args   words behind `terp`.  Raises NoSuchOption for an option that there is not, with what was perhaps meant
        """
        with _unseen_by_click():
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order of the questions that they answer."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a verb, imported now; None for a verb that there is not.

        cmd_name   the verb as it was typed
        """
        return command_of(cmd_name) if cmd_name in VERBS else None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The whole help, which fits a screen of 80 columns and 24 lines: the verbs by who asks, then options.

        formatter   click's, to which the lines are written

        Written by hand, since click would import every verb for its short help.
        """
        formatter.write("Usage: terp VERB ...    (`terp VERB --help` says all of a verb)\n\n")
        formatter.write("  An AI supercomputer in software, from one description of the machine.\n")
        formatter.write("  Start with `terp show gefion`, then `terp simulate gefion`.\n\nVerbs:\n")
        for who, verbs in GROUPS.items():
            for index, (verb, question) in enumerate(verbs.items()):
                formatter.write(f"  {'' if index else who:7} {verb:11} {question}\n")
        formatter.write("\nOptions:\n")
        for part in self.get_params(ctx):
            if record := part.get_help_record(ctx):
                formatter.write(f"  {record[0]:15} {record[1]}\n")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs with their questions, and options, without importing any verb.

        incomplete   what stands of the word so far; empty gives all verbs
        """
        verbs = [CompletionItem(verb, help=question) for verb, question in VERBS.items() if verb.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=_Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="terp")
@click.option(
    "--catalogue",
    metavar="DIR",
    help="Own parts and prices, beside ours; also TERP_CATALOGUE.",
)
@click.pass_context
def cli(context: click.Context, catalogue: str | None) -> None:
    """An AI supercomputer in software, from one description of the machine."""
    if catalogue is not None:
        from terp.catalogue import use_own_catalogue

        use_own_catalogue(catalogue)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _where_to_look(error: click.ClickException) -> str:
    """Where a wrong option or argument is explained; empty where click does not say which command it was.

    error   as click raised it;  what comes back stands behind its message, such as "; see `terp plan --help`"
    """
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"; see `{context.command_path} --help`" if context else ""


def _with_lists(text: str) -> str:
    """The lines of an error; that of a name which is near none leads to the list that has all of its kind.

    text   lines of problems, of which those that are cut off behind some of the known names are changed
    """
    kinds = "|".join(map(re.escape, LISTS))
    return re.sub(
        rf"(no ({kinds}) '[^\n]*; known: [^\n]*), \.\.\.$", lambda m: f"{m[1]}; `terp list {LISTS[m[2]]}` has all", text,
        flags=re.MULTILINE,
    )  # fmt: skip


def main() -> NoReturn:
    """Runs the command line and exits with its code; does not come back.

    Plugins that TERP_PLUGINS names are loaded before the verb is looked up, so that it knows their policies and formats.
    """
    guard()
    warnings.showwarning = _as_line
    if trouble := in_the_way(sys.path, VERSION):
        click.echo(trouble, err=True)
        sys.exit(2)
    code = _code_of_verb()
    try:
        if sys.stdout is not None:  # it is closed
            sys.stdout.flush()
    except OSError as error:
        code = _say_unwritten(error)
    sys.exit(code)


def _as_line(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object) -> None:
    """A warning on stderr: our own as a line like all others, another's with its place.  The arguments are Python's.

    Stands in the place of `warnings.showwarning`.  If stderr takes nothing the warning is lost, and the verb goes on.
    """
    place = "" if category.__module__.startswith("terp.") else f"{filename}:{lineno}: {category.__name__}: "
    with suppress(OSError):
        click.echo(f"terp: {place}{message}", err=True)


def _code_of_verb() -> int:
    """Runs the verb that was asked for; its exit code, with what went wrong said on stderr.

    A verb's own exit code, such as 1 for the answer "no", is handed on.  Raises what is none of the user's making, whose
    traceback Python then shows.
    """
    try:
        plugins = os.environ.get("TERP_PLUGINS")
        if plugins and "_TERP_COMPLETE" not in os.environ:  # a press of Tab waits for nothing
            import_module("terp.extend").load_plugins(plugins)
        cli.main(prog_name="terp", standalone_mode=False, color=True)  # of ANSI codes we show what they are, not nothing
        code = 0
    except click.exceptions.Exit as error:
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except click.ClickException as error:
        line = printable(" ".join(error.format_message().split()).rstrip("."))
        click.echo(f"{line}{_where_to_look(error)}", err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort, Interrupted):
        click.echo("terp: interrupted; nothing was written", err=True)
        code = 130
    except TerpError as error:
        click.echo(_with_lists(str(error) if isinstance(error, Problems) else printable(str(error))), err=True)
        code = 2
    except MemoryError:
        click.echo("terp: this machine has too little memory for that; simulate fewer days or a smaller machine", err=True)
        code = 2
    except _Unwritten as error:
        code = _say_unwritten(error.why)
    return code


class _Unwritten(Exception):
    """What we print could not be written; click would make its own of the system's error.

    why   the error as the system raised it, in which its number and perhaps a file are
    """

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


def _say_unwritten(why: OSError) -> int:
    """The exit code where standard output takes no more: 0 where its reader has gone, as `| head` does, else 2 with a line.

    Raises the error again if it is of something else, which is a bug.

    why   an error without a file, of a full disk, a broken pipe or the like

    What standard output still held is thrown away, so that nothing tries to write it again at the end.
    """
    if why.filename is not None or why.errno not in _OF_OUTPUT:
        raise why
    if isinstance(sys.stdout, io.TextIOWrapper):  # its buffer would be tried again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if why.errno == errno.EPIPE:
        return 0
    with suppress(OSError):
        click.echo(f"terp: what is printed cannot be written: {os.strerror(why.errno)}; free some room there", err=True)
    return 2
