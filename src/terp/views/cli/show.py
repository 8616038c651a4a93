"""`terp show [MACHINE...]`: built machines, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

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
    from terp.catalogue import read_catalogue
    from terp.describe import read_machine, shipped_names
    from terp.hardware import build_machine
    from terp.views.text import machine_text as view

    if (bom or nodes or way) and len(machines) != 1:
        raise click.UsageError("--bom, --nodes and --way are of one machine")
    if bom + nodes + bool(way) > 1:
        raise click.UsageError("ask for one of --bom, --nodes and --way at a time")
    built = [build_machine(read_machine(name), read_catalogue()) for name in machines or shipped_names("machines")]
    if bom or nodes:
        rows = bill_rows(built[0]) if bom else node_rows(built[0])
        click.echo(json.dumps(rows, indent=2) if as_json else _csv(rows), nl=as_json)
    elif way:
        _show_way(built[0], way, as_json=as_json)
    elif as_json:
        data = [view.as_data(one) for one in built]
        click.echo(json.dumps(data[0] if len(machines) == 1 else data, indent=2))
    elif len(machines) == 1:
        click.echo(view.as_text(built[0]))
    else:
        click.echo(view.beside(built) if machines else view.listing(built))


def _show_way(built: Machine, gpus: tuple[int, int], *, as_json: bool) -> None:
    """Prints the way between two GPUs."""
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


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def bill_rows(built: Machine) -> list[dict[str, Any]]:
    """The bill of materials, a row a line."""
    return [{"where": e.where, "part": e.name, "title": e.part.title, "count": e.count} for e in built.bill]


def node_rows(built: Machine) -> list[dict[str, Any]]:
    """Where every node stands: unit, rack, place in the rack, and leaf and leaf port of each rail, all from 0."""
    nodes = built.nodes
    return [
        {"node": number, "unit": int(unit), "rack": int(rack), "place": int(place)}
        | {f"rail{rail}_leaf": int(leaf) for rail, leaf in enumerate(nodes.leaf[number])}
        | {f"rail{rail}_port": int(port) for rail, port in enumerate(nodes.leaf_port[number])}
        for number, (unit, rack, place) in enumerate(zip(nodes.unit, nodes.rack, nodes.place, strict=True))
    ]
