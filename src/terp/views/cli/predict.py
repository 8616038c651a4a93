"""`terp predict MACHINE hpl | hpcg | mxp | train`: what a machine scores, and what a training run takes on it.

Each benchmark is a command under the machine's name, and calls the function of `terp.predict` of the same name; `train`
calls `training`, or `search` with --search.  Options have the keywords of those functions, dashes for underscores.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypedDict

import click

if TYPE_CHECKING:
    from typing import Unpack

    from terp.errors import Problem
    from terp.hardware import Machine
    from terp.predict.training_job import By
    from terp.results.benchmark_results import BenchmarkResult


class _Options(TypedDict):
    """Options of a training that a search has too, by the keywords of both calls.

    None means that the option was not given: the prediction then chooses, as its help says.
    """

    global_batch: int
    seq: int | None
    gpus: int | None
    tp: int | None
    pp: int | None
    vp: int | None
    cp: int | None
    ep: int | None
    micro_batch: int | None
    zero: int | None
    shard: int | None
    recompute: str | None
    adapters: bool
    optimizer: str
    precision: str
    software: str | None
    gpu_hour: float | None


_OPTIONS: Final = ("tokens", *_Options.__annotations__)
"""Keywords that are options too; problems of other paths are of files and stay as they are."""
_GPUS = click.option("--gpus", type=int, help="GPUs of the run, in whole nodes; all if not given.")
_ORDER = click.option("--n", "order", type=int, help="Order of the matrix; fills the memory if not given.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")


@click.group("predict", subcommand_metavar="hpl | hpcg | mxp | train [OPTIONS]", no_args_is_help=False)
@click.argument("machine")
@click.pass_context
def command(context: click.Context, machine: str) -> None:
    """Predict what MACHINE, a shipped name or a file, scores: how fast, how long, how much power, which rank.

    Such as `terp predict gefion hpl`.  How far to trust it: `terp validate`.
    """
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
    """A problem with the option that it is about, and with options in what would do."""
    path = f"--{problem.path.replace('_', '-')}" if problem.path in _OPTIONS else problem.path
    would_do = re.sub(r"\b([a-z_]+)=(\S+)", lambda m: f"--{m[1].replace('_', '-')} {m[2]}", problem.would_do)
    would_do = re.sub(r"\bor pp of\b", "or --pp of", would_do)
    return replace(problem, path=path, would_do=would_do)


def _print(machine: Machine, result: BenchmarkResult, edition: str | None = None, *, as_json: bool) -> None:
    """Prints a prediction as JSON or for people; `edition` leaves one edition of the TOP500 in the text."""
    from terp.views.text.benchmark_text import as_text

    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else as_text(machine, result, edition))


@command.command("hpl")
@_GPUS
@_ORDER
@click.option("--edition", help="Rank in this edition of the TOP500 only, such as 2024-11.")
@_JSON
@click.pass_obj
def hpl(name: str, gpus: int | None, order: int | None, edition: str | None, *, as_json: bool) -> None:
    """Rmax, run time, power and energy of HPL, and the rank in every edition of the TOP500 that is held."""
    import terp

    machine = terp.machine(name)
    _print(machine, terp.predict.hpl(machine, gpus=gpus, n=order, edition=edition), edition, as_json=as_json)


@command.command("hpcg")
@_GPUS
@_JSON
@click.pass_obj
def hpcg(name: str, gpus: int | None, *, as_json: bool) -> None:
    """Rate and power of HPCG."""
    import terp

    machine = terp.machine(name)
    _print(machine, terp.predict.hpcg(machine, gpus=gpus), as_json=as_json)


@command.command("mxp")
@_GPUS
@_ORDER
@_JSON
@click.pass_obj
def mxp(name: str, gpus: int | None, order: int | None, *, as_json: bool) -> None:
    """Rate, run time and power of HPL-MxP."""
    import terp

    machine = terp.machine(name)
    _print(machine, terp.predict.mxp(machine, gpus=gpus, n=order), as_json=as_json)


def _finite(_: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A number that one can count with.  Raises BadParameter for "nan" and "inf", which click's ranges let through."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number", param=parameter)
    return value


@command.command("train")
@click.option("--model", required=True, help="A model that ships, a model file, or a hub's config.json.")
@click.option("--gpus", type=int, help="GPUs of the job; all if not given.  With --search, at most so many.")
@click.option("--seq", type=int, help="Tokens of a sequence; not for models of images and volumes.")
@click.option("--global-batch", type=int, required=True, help="Samples of a step.")
@click.option("--precision", default="bf16", show_default=True, help="Of matrix products: bf16, fp8, fp8-block, fp4, tf32.")
@click.option("--tp", type=int, help="Tensor parallelism.")
@click.option("--pp", type=int, help="Pipeline stages.")
@click.option("--vp", type=int, help="Parts of a stage that take turns (interleaving).")
@click.option("--cp", type=int, help="Context parallelism.")
@click.option("--ep", type=int, help="Expert parallelism.")
@click.option("--micro-batch", type=int, help="Samples of a micro-batch; the fastest that fits if not given.")
@click.option(
    "--zero", type=click.IntRange(0, 3), help="Sharded over replicas: 1 optimizer, 2 and gradients, 3 and weights."
)
@click.option("--shard", type=int, help="GPUs that share the shards; all replicas if not given.")
@click.option("--recompute", type=click.Choice(["none", "selective", "full"]), help="If not given, as few layers as fit.")
@click.option("--no-sequence-parallel", is_flag=True, help="Tensor parallelism without sequence parallelism.")
@click.option("--adapters", is_flag=True, help="Train adapters alone (LoRA).")
@click.option("--optimizer", default="adamw", show_default=True, help="adamw, adamw-8bit or sgd.")
@click.option("--software", help="Generation of the training software; megatron-2024, or eager for images and volumes.")
@click.option(
    "--tokens",
    type=click.FloatRange(1, 1e18),
    callback=_finite,
    help="Tokens of the whole run, or samples: time with failures, energy, euros.",
)
@click.option("--gpu-hour", type=click.FloatRange(0, 1e6), callback=_finite, help="Price of a GPU and hour, in euros.")
@click.option("--search", "searched", is_flag=True, help="Find the best splits, on every number of nodes.")
@click.option("--by", type=click.Choice(["time", "energy", "euros"]), default="time", help="What --search puts first.")
@_JSON
@click.pass_obj
def train(
    name: str,
    /,
    *,
    model: str,
    as_json: bool,
    searched: bool,
    by: By,
    no_sequence_parallel: bool,
    tokens: float | None,
    **options: Unpack[_Options],
) -> None:
    """A training step of a model: time, memory, power, energy, euros, and the best way to split it."""
    import terp
    from terp.views.text.training_text import frontier_text, training_text

    with _by_options():
        if searched:
            frontier = terp.predict.search(name, model, by=by, sequence_parallel=not no_sequence_parallel, **options)
            click.echo(json.dumps(frontier.to_dict(), indent=2) if as_json else frontier_text(frontier))
            return
        result = terp.predict.training(name, model, tokens=tokens, sequence_parallel=not no_sequence_parallel, **options)
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else training_text(result))
