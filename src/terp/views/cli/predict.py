"""`terp predict MACHINE hpl | hpcg | mxp`: what a machine scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terp.build import Machine

_GPUS = click.option("--gpus", type=int, help="GPUs of the run, in whole nodes; all if not given.")
_ORDER = click.option("--n", "order", type=int, help="Order of the matrix; fills the memory if not given.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")


@click.group("predict", subcommand_metavar="hpl | hpcg | mxp [OPTIONS]", no_args_is_help=False)
@click.argument("machine")
@click.pass_context
def command(context: click.Context, machine: str) -> None:
    """Predict what MACHINE, a shipped name or a file, scores: how fast, how long, how much power, which rank.

    Such as `terp predict gefion hpl`.  How far to trust it: `terp validate`.
    """
    context.obj = machine


def _built(name: str) -> Machine:
    from terp.build import build_machine
    from terp.catalogue import read_catalogue
    from terp.describe import read_machine

    return build_machine(read_machine(name), read_catalogue())


def _print(machine: Machine, data: dict[str, Any], edition: str | None = None, *, as_json: bool) -> None:
    from terp.views.predictions import as_text

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
    from terp.views.predictions import hpl_data

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
    from terp.views.predictions import hpcg_data

    machine = _built(name)
    _print(machine, hpcg_data(machine, gpus), as_json=as_json)


@command.command("mxp")
@_GPUS
@_ORDER
@_JSON
@click.pass_obj
def mxp(name: str, gpus: int | None, order: int | None, *, as_json: bool) -> None:
    """Rate, run time and power of HPL-MxP."""
    from terp.views.predictions import mxp_data

    machine = _built(name)
    _print(machine, mxp_data(machine, gpus, order), as_json=as_json)
