"""`terp predict MACHINE hpl | hpcg | mxp | train`: what a machine scores, and what a training run takes on it.

Each benchmark is a command under the machine's name, and calls the function of `terp.predict` of the same name; `train`
calls `training`, or `search` with --search.  Options have the keywords of those functions, dashes for underscores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from terp.views.cli.words.names import matching, named
from terp.views.cli.words.quantities import COUNT
from terp.views.cli.words.suggestions import KnownWord, TerpGroup
from terp.views.cli.words.training_words import TrainingWords, training_options

if TYPE_CHECKING:
    from typing import Unpack

    from terp.errors import Problem
    from terp.hardware import Machine
    from terp.predict.training_job import By
    from terp.results.benchmark_results import BenchmarkResult
    from terp.results.record import Result

_OPTIONS: Final = tuple(TrainingWords.__annotations__)
"""Keywords that are options too; problems of other paths are of files and stay as they are."""
KINDS: Final = ("hpl", "hpcg", "mxp", "train")
"""What can be predicted, in the order of the help."""
_GPUS = click.option("--gpus", type=COUNT, metavar="COUNT", help="GPUs of the run, in whole nodes; all if not given.")
"""Of all three benchmarks."""
_ORDER = click.option(
    "--n", "order", type=COUNT, metavar="COUNT", help="Order of the matrix, such as 2M; fills the memory if not given."
)
"""Of HPL and HPL-MxP, which factorise one matrix."""
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")


def machine_or_kind(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What completes the first word: machines, and what can be predicted, which may stand before the machine.

    incomplete   what stands of the word so far; files are offered only where no name begins so
    """
    items = [*named("machines", files=False)(ctx, parameter, incomplete), *matching(KINDS, incomplete)]
    return items or named("machines")(ctx, parameter, incomplete)


class _Predictions(TerpGroup):
    """What is predicted stands behind the machine or before it: `predict gefion hpl` and `predict hpl gefion`.

    Click hands its context on as `ctx`; its group reads the machine as an argument, and the prediction as its command.
    """

    what = "prediction"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words, with the machine first.  Raises UsageError where nothing says what to predict, or on which machine.

        args   words behind `predict`; where the first says what to predict, the machine among the others is put before it
        """
        words = list(args)
        kind = words[0] if words and words[0] in KINDS else ""
        if kind:
            machine = self._machine_in(ctx, kind, words[1:])
            if machine is not None:
                words.remove(machine)
                words.insert(0, machine)
            elif not ctx.resilient_parsing and not {"-h", "--help"} & set(words):
                ctx.fail(f"name a machine, such as `terp predict {kind} gefion`")
        return super().parse_args(ctx, words)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What can be predicted; machines behind one that is.

        incomplete   what stands of the word so far
        """
        if ctx.params.get("machine") in KINDS:
            return named("machines")(ctx, self.params[0], incomplete)
        return super().shell_complete(ctx, incomplete)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """What can be predicted, in the order of the help."""
        return list(KINDS)

    def _machine_in(self, ctx: click.Context, kind: str, words: list[str]) -> str | None:
        """The word behind what is predicted that names a machine: the first that is no option's; None if there is none.

        kind    what is predicted, whose options tell which words belong to them
        words   behind it; if they cannot be read, the first that does not begin with a dash is taken for the machine
        """
        command = self.get_command(ctx, kind)
        if command is None:
            return None
        try:
            _, left, _ = command.make_parser(click.Context(command, resilient_parsing=True)).parse_args(list(words))
        except click.UsageError:
            left = [word for word in words if not word.startswith("-")][:1]
        return left[0] if left else None


@click.group(
    "predict", cls=_Predictions, subcommand_metavar="hpl|hpcg|mxp|train ...", no_args_is_help=False,
    invoke_without_command=True,
)  # fmt: skip
@click.argument("machine", shell_complete=machine_or_kind)
@click.pass_context
def command(context: click.Context, machine: str) -> None:
    """Predict what MACHINE scores in HPL, HPCG or HPL-MxP, or what a training takes on it: time, power, rank, euros.

    MACHINE is one that ships, or a file; it may stand behind what is predicted too. `terp predict MACHINE train --help` has
    the options of a training. How far to trust it: `terp validate`.

    \b
    Such as
      terp predict gefion hpl
      terp predict gefion train --model llama-3.1-8b --seq 8k --global-batch 512
    """  # noqa: D301 - click wants the letter itself
    if context.invoked_subcommand is None:
        context.fail(f"say what to predict: {', '.join(KINDS)}, such as `terp predict {machine} hpl`")
    context.obj = machine


@contextmanager
def _by_options() -> Iterator[None]:
    """Words problems of a call by the options of the terminal: `global_batch` is `--global-batch`.

    Other errors pass through as they are.
    """
    from terp.errors import Problems

    try:
        yield
    except Problems as error:
        raise Problems([_by_option(problem) for problem in error.problems]) from None


def _by_option(problem: Problem) -> Problem:
    """A problem with the option that it is about, and with options in what would do.

    problem   of a call from Python, whose path is a keyword; `gpus=8` in what would do becomes `--gpus 8`

    Problems of other paths, such as of a file, keep them.
    """
    path = f"--{problem.path.replace('_', '-')}" if problem.path in _OPTIONS else problem.path
    would_do = re.sub(r"\b([a-z_]+)=(\S+)", lambda m: f"--{m[1].replace('_', '-')} {m[2]}", problem.would_do)
    would_do = re.sub(r"\bor pp of\b", "or --pp of", would_do)
    if problem.wrong == "no such type of model":
        would_do += "; one of the same shape as any of these is read with --as, such as --as llama"
    return replace(problem, path=path, would_do=would_do)


def _print(machine: Machine, result: BenchmarkResult, edition: str | None = None, *, as_json: bool) -> None:
    """Prints a prediction as JSON or for people; `edition` leaves one edition of the TOP500 in the text.

    machine   that the result is of, for its title and its listed run
    edition   None leaves all editions
    """
    from terp.views.text.benchmark_text import as_text

    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else as_text(machine, result, edition))


@command.command("hpl", short_help="Rmax of HPL, its run time, power and TOP500 rank.")
@_GPUS
@_ORDER
@click.option("--edition", metavar="EDITION", help="Rank in this edition of the TOP500 only, such as 2024-11.")
@click.option("--emulated-fp64", "emulated", is_flag=True, help="Emulate FP64 on INT8 matrix units; off if not given.")
@_JSON
@click.pass_obj
def hpl(name: str, gpus: int | None, order: int | None, edition: str | None, *, emulated: bool, as_json: bool) -> None:
    """Rmax, run time, power and energy of HPL, and the rank in every edition of the TOP500 that is held."""
    import terp

    machine = terp.machine(name)
    result = terp.predict.hpl(machine, gpus=gpus, n=order, edition=edition, emulated_fp64=emulated)
    _print(machine, result, edition, as_json=as_json)


@command.command("hpcg", short_help="Rate and power of HPCG.")
@_GPUS
@_JSON
@click.pass_obj
def hpcg(name: str, gpus: int | None, *, as_json: bool) -> None:
    """Rate and power of HPCG."""
    import terp

    machine = terp.machine(name)
    _print(machine, terp.predict.hpcg(machine, gpus=gpus), as_json=as_json)


@command.command("mxp", short_help="Rate, run time and power of HPL-MxP.")
@_GPUS
@_ORDER
@_JSON
@click.pass_obj
def mxp(name: str, gpus: int | None, order: int | None, *, as_json: bool) -> None:
    """Rate, run time and power of HPL-MxP."""
    import terp

    machine = terp.machine(name)
    _print(machine, terp.predict.mxp(machine, gpus=gpus, n=order), as_json=as_json)


@command.command("train", short_help="A training: step, memory, power, days, euros.")
@training_options
@click.option("--search", "searched", is_flag=True, help="Find the best splits on every number of nodes, and the knee.")
@click.option(
    "--by", type=KnownWord(["time", "energy", "euros"]), default="time", show_default=True,
    help="What --search puts first: time, energy or euros.",
)  # fmt: skip
@click.option(
    "--figure", type=click.Path(path_type=Path), metavar="FILE",
    help="Draw it to a .svg, .png or .pdf: where a step's time goes, or with --search time over GPUs.",
)  # fmt: skip
@_JSON
@click.pass_obj
def train(
    name: str,
    /,
    *,
    model: str,
    read_as: str | None,
    as_json: bool,
    searched: bool,
    by: By,
    figure: Path | None,
    qlora: bool,
    no_sequence_parallel: bool,
    **options: Unpack[TrainingWords],
) -> None:
    """Predict a training step of a model: time, memory, power, energy, euros; with --tokens the whole run.

    \b
    Such as
      terp predict gefion train --model llama-3.1-8b --seq 8k --global-batch 512 --gpus 64 --tokens 1T
      terp predict gefion train --model llama-3.1-70b --seq 8k --global-batch 1024 --search --tokens 2T
      terp predict gefion train --model llama-3.1-8b --seq 2k --global-batch 32 --gpus 1 --lora --rank 16
    """  # noqa: D301 - click wants the letter itself
    import terp
    from terp.connect import model_from
    from terp.views.text.training_text import frontier_text, training_text

    if qlora:
        options["adapters"], options["base"] = True, "nf4"
    if figure is not None:
        _check_ending(figure)
    with _by_options():
        network = model if read_as is None else model_from(model, read_as)
        parallel = not no_sequence_parallel
        if searched:
            frontier = terp.predict.search(name, network, by=by, sequence_parallel=parallel, **options)
            _hand_out(frontier, frontier_text(frontier), "frontier", figure, as_json=as_json)
            return
        result = terp.predict.training(name, network, sequence_parallel=parallel, **options)
    _hand_out(result, training_text(result), "breakdown", figure, as_json=as_json)


def _check_ending(path: Path) -> None:
    """Refuses a figure's file by its ending before anything is computed.  Raises UsageError.

    path   of the file, which need not be there; small and capital letters are alike
    """
    from terp.views.figures.plots import ENDINGS

    if path.suffix.lower() not in ENDINGS:
        raise click.UsageError(f"--figure: {str(path)!r} ends with none of {', '.join(ENDINGS)}")


def _hand_out(result: Result, text: str, figure: str, path: Path | None, *, as_json: bool) -> None:
    """Prints a training or a search as JSON or for people, and draws its figure where one was asked for.

    text     of the result for people;  figure  its name, as `Result.plot` has it
    path     of the picture, whose ending was checked before; None for none
    """
    if path is not None:
        from terp.views.figures.plots import save_figure

        save_figure(result, figure, path)
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else text)
    if path is not None and not as_json:
        click.echo(f"\n  figure   {path}")
