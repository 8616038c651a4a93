"""`terp show [NAME...]`: what something is, exactly, for people and for programs.

A machine is shown as it is built, everything else by its values with who says them; several of one kind stand side by side.
Tables of parts and nodes of a machine are CSV, so that spreadsheets read them.

What was asked for goes to stdout; hints about other kinds and lists go to stderr, and with --json there are none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from terp.views.cli.words.names import KINDS, named, of_words
from terp.views.cli.words.suggestions import TerpCommand

if TYPE_CHECKING:
    from terp.hardware import Machine


@click.command("show", cls=TerpCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=named(*KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
@click.option(
    "--kind", metavar="KIND", shell_complete=of_words(*KINDS),
    help="What NAME is, where a name is of several kinds, such as machine or budget.",
)  # fmt: skip
@click.option("--assumed", is_flag=True, help="List what of a machine is assumed, with its range.")
@click.option("--bom", is_flag=True, help="Print a machine's bill of materials, as CSV or JSON.")
@click.option("--nodes", is_flag=True, help="Print where every node of a machine stands, as CSV or JSON.")
@click.option("--way", nargs=2, type=int, metavar="GPU GPU", help="Print the way between two GPUs, by number from 0.")
def command(
    names: tuple[str, ...],
    kind: str | None,
    *,
    as_json: bool,
    assumed: bool,
    bom: bool,
    nodes: bool,
    way: tuple[int, int] | None,
) -> None:
    """Show what NAME is, exactly: a machine, a model, a site, a workload, a policy, a budget, a GPU, a node or a software.

    NAME is one that `terp list` has, or a file; a model's is a hub's folder or id too. Two or more of one kind are shown
    side by side; without one, all machines are listed.

    Such as `terp show gefion`, `terp show llama-3.1-8b`, `terp show h100 b200`.
    """
    of_machine = {"--assumed": assumed, "--bom": bom, "--nodes": nodes, "--way": way}
    given = [option for option, value in of_machine.items() if value]
    if given and len(names) != 1:
        raise click.UsageError(f"{', '.join(of_machine)} are of one machine")
    if len(given) > 1:
        raise click.UsageError(f"ask for one of {', '.join(of_machine)} at a time")
    if not names:
        _list_machines(as_json=as_json)
        return
    from terp.predict.about.described import same_kind

    common = "machines" if given else same_kind(names, kind)
    if common == "machines":
        _show_machines(names, given, way, as_json=as_json)
    else:
        _show_others(names, common, as_json=as_json)
    if kind is None and not given and not as_json:
        _say_other_kinds(names, common)


def _list_machines(*, as_json: bool) -> None:
    """All machines that ship, a line each; or the document of each.

    As a list for people it ends with a hint on stderr, where the other kinds are.
    """
    import terp
    from terp.views.text.about_text import listing_text
    from terp.views.text.columns import screen_width

    if as_json:
        click.echo(json.dumps([terp.machine(name).to_dict() for name in terp.names("machines")], indent=2))
        return
    click.echo(listing_text(terp.listing("machines"), screen_width()))
    click.echo("`terp list` has models, sites, GPUs and all else", err=True)


def _show_machines(names: tuple[str, ...], given: list[str], way: tuple[int, int] | None, *, as_json: bool) -> None:
    """Machines: one whole, or what an option asks of it; several side by side.

    names   shipped ones or files;  given   the one option of a machine that was set, as typed, or nothing
    way     numbers of two GPUs, None where --way was not given

    As JSON one machine is its document, several are a list of them.  Machines side by
    side are folded only where somebody watches.
    """
    from terp.hardware import machine_from
    from terp.views.text import machine_text as view
    from terp.views.text.columns import is_watched, screen_width

    built = [machine_from(name) for name in names]
    first, width = built[0], screen_width()
    if way:
        _show_way(first, way, as_json=as_json)
    elif given == ["--assumed"]:
        told = {caveat.data["path"]: dict(caveat.data) for caveat in first.caveats}
        click.echo(json.dumps(list(told.values()), indent=2) if as_json else view.assumed_text(first, width))
    elif given:
        rows = first.bill.rows() if given == ["--bom"] else first.nodes.rows()
        from terp.views.printing import csv_text

        click.echo(json.dumps(rows, indent=2) if as_json else csv_text(rows), nl=as_json)
    elif as_json:
        data = [each.to_dict() for each in built]
        click.echo(json.dumps(data[0] if len(data) == 1 else data, indent=2))
    elif len(built) == 1:
        click.echo(view.as_text(first, width))
    else:
        click.echo(view.beside(built, width if is_watched() else None))


def _show_others(names: tuple[str, ...], kind: str | None, *, as_json: bool) -> None:
    """Things that are no machines, or not all of one kind: those of one kind side by side, others one below the other.

    names   as typed;  kind   that all are of, in plural; None where they have none in common

    Raises UnknownName or Problems for a name that is of nothing.
    """
    import terp
    from terp.views.text.about_text import about_text, beside_text
    from terp.views.text.columns import is_watched, screen_width

    found = [terp.about(name, kind) for name in names]
    if as_json:
        data = [each.to_dict() for each in found]
        click.echo(json.dumps(data[0] if len(data) == 1 else data, indent=2))
    elif len(found) > 1 and kind is not None:
        click.echo(beside_text(found, screen_width() if is_watched() else None))
    else:
        click.echo("\n\n".join(about_text(each, screen_width()) for each in found))


def _say_other_kinds(names: tuple[str, ...], shown: str | None) -> None:
    """A line for each name that is of another kind too, which --kind shows.

    shown   the kind that was shown; None where each was shown as its likeliest

    names   as typed.  The lines go to stderr
    """
    from terp.predict.about import KINDS as ALL
    from terp.predict.about import kinds_of

    for name in names:
        for kind in kinds_of(name):
            if kind != (shown or kinds_of(name)[0]):
                word = ALL[kind].word
                click.echo(f"{name} is a {word} too: terp show {name} --kind {word}", err=True)


def _show_way(built: Machine, gpus: tuple[int, int], *, as_json: bool) -> None:
    """Prints the way between two GPUs, numbered from 0 through the whole machine, with its latency [s] unless it
    is the same.

    gpus      their numbers;  as_json   the way's record in place of a sentence
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
