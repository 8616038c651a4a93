"""`terp predict MACHINE hpl | hpcg | mxp | train`: what a machine scores, and what a training run takes on it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terp.hardware import Machine

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


def _built(name: str) -> Machine:
    from terp.catalogue import read_catalogue
    from terp.describe import read_machine
    from terp.hardware import build_machine

    return build_machine(read_machine(name), read_catalogue())


def _print(machine: Machine, data: dict[str, Any], edition: str | None = None, *, as_json: bool) -> None:
    from terp.views.text.benchmark_text import as_text

    click.echo(json.dumps(data, indent=2) if as_json else as_text(machine, data, edition))


@command.command("hpl")
@_GPUS
@_ORDER
@click.option("--edition", help="Rank in this edition of the TOP500 only, such as 2024-11.")
@_JSON
@click.pass_obj
def hpl(name: str, gpus: int | None, order: int | None, edition: str | None, *, as_json: bool) -> None:
    """Rmax, run time, power and energy of HPL, and the rank in every edition of the TOP500 that is held."""
    from terp.catalogue import edition as held
    from terp.views.text.benchmark_text import hpl_data

    if edition is not None:
        held(edition)
    machine = _built(name)
    data = hpl_data(machine, gpus, order)
    if edition is not None:
        data |= {key: {edition: data[key][edition]} for key in ("rank", "green_rank", "neighbours")}
    _print(machine, data, edition, as_json=as_json)


@command.command("hpcg")
@_GPUS
@_JSON
@click.pass_obj
def hpcg(name: str, gpus: int | None, *, as_json: bool) -> None:
    """Rate and power of HPCG."""
    from terp.views.text.benchmark_text import hpcg_data

    machine = _built(name)
    _print(machine, hpcg_data(machine, gpus), as_json=as_json)


@command.command("mxp")
@_GPUS
@_ORDER
@_JSON
@click.pass_obj
def mxp(name: str, gpus: int | None, order: int | None, *, as_json: bool) -> None:
    """Rate, run time and power of HPL-MxP."""
    from terp.views.text.benchmark_text import mxp_data

    machine = _built(name)
    _print(machine, mxp_data(machine, gpus, order), as_json=as_json)


def _finite(_: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A number that is one."""
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
def train(name: str, /, *, as_json: bool, **options: Any) -> None:
    """A training step of a model: time, memory, power, energy, euros, and the best way to split it."""
    from terp.views.text.training_data import asked, found_by, frontier_data, step_of, training_data
    from terp.views.text.training_text import frontier_text, training_text

    machine = _built(name)
    named = (options[name] for name in ("model", "seq", "global_batch", "software", "precision"))
    wanted = asked(machine, *named)
    strategy, fixed = _strategy(machine, options)
    if options["searched"]:
        found = found_by(wanted, strategy, fixed, strategy.gpus_count, options["by"])
        rows = frontier_data(wanted, found, options["by"], options["gpu_hour"])
        if not rows:
            raise click.ClickException("no split that was tried fits the memory; use more GPUs or fewer fixed options")
        data: Any = {"evaluated_count": found.evaluated_count, "fitting_count": found.fitting_count, "frontier": rows}
        click.echo(json.dumps(data, indent=2) if as_json else frontier_text(wanted, found, rows, options["by"]))
        return
    step = step_of(wanted, strategy, any_micro_batch=options["micro_batch"] is None)
    data = training_data(wanted, step, options["tokens"], options["gpu_hour"])
    click.echo(json.dumps(data, indent=2) if as_json else training_text(wanted, data))


def _strategy(machine: Machine, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The strategy of the options, and those that a search holds fixed."""
    from terp.physics import Strategy
    from terp.physics.training.stage import RECOMPUTE

    again = RECOMPUTE[options["recompute"]] if options["recompute"] else None
    strategy = Strategy(
        gpus_count=options["gpus"] if options["gpus"] is not None else machine.gpus_count,
        micro_batch_count=_or_one(options["micro_batch"]),
        tensor_count=_or_one(options["tp"]),
        pipeline_count=_or_one(options["pp"]),
        interleave_count=_or_one(options["vp"]),
        context_count=_or_one(options["cp"]),
        expert_count=_or_one(options["ep"]),
        sequence_parallel=not options["no_sequence_parallel"],
        zero_count=1 if options["zero"] is None else options["zero"],
        shard_count=options["shard"],
        recompute=again,
        precision=options["precision"],
        adapters=options["adapters"],
        optimizer=options["optimizer"],
    )
    named = {
        "tensor": "tp",
        "pipeline": "pp",
        "interleave": "vp",
        "context": "cp",
        "expert": "ep",
        "micro_batches": "micro_batch",
    }
    fixed = {key: options[option] for key, option in named.items()}
    return strategy, fixed | {"recompute": again, "zero": options["zero"]}


def _or_one(value: int | None) -> int:
    return 1 if value is None else value
