"""`terp show [MACHINE...]`: built machines, for people and for programs.

One machine is shown whole, several side by side, all that ship as a list; tables of parts and nodes are CSV, so that
spreadsheets read them.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from terp.hardware import Machine


@click.command("show")
@click.argument("machines", nargs=-1, metavar="[MACHINE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
@click.option("--bom", is_flag=True, help="Print the bill of materials, as CSV or with --json as JSON.")
@click.option("--nodes", is_flag=True, help="Print where every node stands, as CSV or with --json as JSON.")
@click.option("--way", nargs=2, type=int, metavar="GPU GPU", help="Print the way between two GPUs, by number from 0.")
def command(machines: tuple[str, ...], *, as_json: bool, bom: bool, nodes: bool, way: tuple[int, int] | None) -> None:
    """Show a MACHINE, a shipped name or a file, as it is built: counts, fabric, power, memory, peak rates.

    Two or more are shown side by side; without one, all machines that ship with Terp are listed.
    """
    from terp.describe import shipped_names
    from terp.hardware import machine_from
    from terp.views.text import machine_text as view

    if (bom or nodes or way) and len(machines) != 1:
        raise click.UsageError("--bom, --nodes and --way are of one machine")
    if bom + nodes + bool(way) > 1:
        raise click.UsageError("ask for one of --bom, --nodes and --way at a time")
    built = [machine_from(name) for name in machines or shipped_names("machines")]
    if bom or nodes:
        rows = built[0].bill.rows() if bom else built[0].nodes.rows()
        click.echo(json.dumps(rows, indent=2) if as_json else _csv(rows), nl=as_json)
    elif way:
        _show_way(built[0], way, as_json=as_json)
    elif as_json:
        data = [each.to_dict() for each in built]
        click.echo(json.dumps(data[0] if len(machines) == 1 else data, indent=2))
    elif len(machines) == 1:
        click.echo(view.as_text(built[0]))
    else:
        click.echo(view.beside(built) if machines else view.listing(built))


def _show_way(built: Machine, gpus: tuple[int, int], *, as_json: bool) -> None:
    """Prints the way between two GPUs, numbered from 0 through the whole machine, with its latency [s] unless it
    is the same.
    """
    from dataclasses import asdict

    from terp.hardware import way_between
    from terp.units import show
    from terp.views.text.machine_text import counted

    way = way_between(built, *gpus)
    if as_json:
        click.echo(json.dumps(asdict(way)))
        return
    words = {"same": "the same GPU", "links": "over the links of one domain", "fabric": "over the compute fabric"}
    latency = f", {show(way.latency_s, 's')} when nobody else is on it" if way.latency_s else ""
    click.echo(f"{words[way.over]}, {counted(way.switches_count, 'switch', 'switches')}{latency}")


def _csv(rows: list[dict[str, object]]) -> str:
    """A table as CSV under the keys of its first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
