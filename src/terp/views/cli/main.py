"""The `terp` command: finds the verb, and turns errors into lines on stderr and an exit code.

Exit codes: 0 done; 1 the answer is "no"; 2 the input is wrong; 130 interrupted.
Every error that a user can cause is a TerpError, one line a problem; anything else is a bug and shows its traceback.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Final, NoReturn

import click

import terp
from terp.errors import Interrupted, TerpError, did_you_mean
from terp.views.cli.other_terp import in_the_way

VERBS: Final = {
    "show": "What is this machine, exactly?",
    "predict": "How fast is it: HPL, HPCG, HPL-MxP, and which rank of the TOP500?",
    "simulate": "What happens when a whole country works on it for a year?",
    "plan": "What should we buy under a budget?",
    "sweep": "What if? Many scenarios at once.",
    "compare": "What if? What changed, seed by seed.",
    "report": "Show me a simulated run as one HTML page.",
    "validate": "Can I believe you?",
}
"""Verb -> the question that it answers, as the help lists them; a module of this folder has each verb's name."""
VERSION: Final[str] = getattr(terp, "__version__", "")
"""Ours; empty where the package's own first file belongs to somebody else."""


_OF_OUTPUT: Final = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)
"""Errors of writing to what standard output is."""


@contextmanager
def _unseen_by_click() -> Iterator[None]:
    """Lets errors pass click that it would take for others: a full disk for a gone reader, the end of a file for Ctrl-C."""
    try:
        yield
    except OSError as error:
        raise _Unwritten(error) from error
    except EOFError as error:
        raise RuntimeError("a file ended too soon") from error


class _Verbs(click.Group):
    """Lists verbs without importing them; a wrong verb gets a hint."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs the verb."""
        with _unseen_by_click():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the words, and prints the help or the version where they ask for it."""
        with _unseen_by_click():
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order of the questions that they answer."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported now; a verb that there is not ends with what was perhaps meant."""
        if cmd_name not in VERBS:
            ctx.fail(f"no verb {cmd_name!r}; {did_you_mean(cmd_name, VERBS)}")
        command: click.Command = import_module(f"terp.views.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs with their questions, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="terp")
@click.option(
    "--catalogue",
    metavar="DIR",
    help="Folder with parts, prices and architectures of your own, beside those that ship; also TERP_CATALOGUE.",
)
@click.pass_context
def cli(context: click.Context, catalogue: str | None) -> None:
    """Terp: an AI supercomputer in software, from one description of the machine.

    Start with `terp show gefion`, then `terp simulate gefion`.
    """
    if catalogue is not None:
        from terp.catalogue import use_own_catalogue

        use_own_catalogue(catalogue)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _where_to_look(error: click.ClickException) -> str:
    """Where a wrong option or argument is explained; empty where click does not say which command it was."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"; see `{context.command_path} --help`" if context else ""


def main() -> NoReturn:
    """Runs the command line and exits with its code; does not come back.

    Plugins that TERP_PLUGINS names are loaded before the verb is looked up, so that it knows their policies and formats.
    """
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


def _code_of_verb() -> int:
    """Runs the verb that was asked for; its exit code, with what went wrong said on stderr."""
    try:
        if plugins := os.environ.get("TERP_PLUGINS"):
            import_module("terp.extend").load_plugins(plugins)
        cli.main(prog_name="terp", standalone_mode=False)
        code = 0
    except click.exceptions.Exit as error:
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except click.ClickException as error:
        click.echo(f"{error.format_message().rstrip('.')}{_where_to_look(error)}", err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort, Interrupted):
        click.echo("terp: interrupted; nothing was written", err=True)
        code = 130
    except TerpError as error:
        click.echo(str(error), err=True)
        code = 2
    except MemoryError:
        click.echo("terp: this machine has too little memory for that; simulate fewer days or a smaller machine", err=True)
        code = 2
    except _Unwritten as error:
        code = _say_unwritten(error.why)
    return code


class _Unwritten(Exception):
    """What we print could not be written; click would make its own of the system's error."""

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


def _say_unwritten(why: OSError) -> int:
    """The exit code where standard output takes no more: 0 where its reader has gone, as `| head` does, else 2 with a line.

    Raises the error again if it is of something else, which is a bug.
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
