"""`terp report THING`: anything that Terp makes as a page, to look at and to hand on.

A THING is a folder that a verb wrote, a machine, a file with a prediction, or the word `validate`; several folders of runs
are compared.  `views.report.written` has the formats; where it goes is all that is printed.

With --eu the same verb writes the yearly report of a data centre, which only a run has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from terp.views.cli.words.names import things_to_report
from terp.views.cli.words.suggestions import TerpCommand

if TYPE_CHECKING:
    from terp.results import Run
    from terp.views.report.written import Thing

VALIDATION: Final = "validate"
"""The THING that is every model's validation."""


@click.command("report", cls=TerpCommand)
@click.argument(
    "things", nargs=-1, required=True, metavar="THING...", type=click.Path(path_type=Path), shell_complete=things_to_report
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=None, help="File to write; its ending says the format."
)
@click.option(
    "--format", "wanted", metavar="html|pdf|md|csv", default=None, help="How it is written, where no name says it."
)
@click.option("--lang", "language", default="en", metavar="en|nl", help="Language of a plan's paper.  [default: en]")
@click.option("--eu", is_flag=True, help="A run's report under Delegated Regulation (EU) 2024/1364: a page, and JSON.")
@click.option("--json", "as_json", is_flag=True, help="With --eu: print it, data alone, and write nothing without -o.")
def command(
    things: tuple[Path, ...], out: Path | None, wanted: str | None, language: str, *, eu: bool, as_json: bool
) -> None:
    """Write THING as a page that needs nothing else: light, dark, on a telephone and on paper.

    THING is a folder of a run, a replay, a sweep or a plan; a machine by its name or file; a prediction that was kept as
    JSON; or `validate`.  Several runs or sweeps are compared.

    PDF is printed by the Chromium or Chrome of this computer.  CSV is every table, into the folder that -o names.
    """
    from terp.views.report.written import format_of, write_report

    if as_json and not eu:
        raise click.UsageError("--json goes with --eu; the figures of a run are in its summary.json")
    if eu:
        _eu(things, out, wanted, as_json=as_json)
        return
    kind = format_of(out, wanted)  # before the thing is read, which may take long
    if out is None and kind == "csv":
        raise click.UsageError("name the folder for the tables: --format csv -o DIR")
    thing = _thing(things)
    target = out if out is not None else _usual(things, thing, kind)
    for path in write_report(thing, target, kind, language):
        click.echo(str(path))


def _usual(things: tuple[Path, ...], thing: Thing, ending: str) -> Path:
    """Where a report goes if nobody says: into the folder that it is of, else beside what it is of or here, by its name.

    ending   of the name, which is also the format

    things   as they were typed, of which the first names the place;  thing   what they were read as

    A plan's paper is called brief, and every other page in a folder report.
    """
    from terp.plan import PurchasePlan
    from terp.sweep import Comparison

    if isinstance(thing, Comparison):
        return Path(f"comparison.{ending}")
    first = things[0]
    if first.is_dir():
        return first / f"{'brief' if isinstance(thing, PurchasePlan) else 'report'}.{ending}"
    if first.is_file():
        return first.with_suffix(f".{ending}")
    return Path(f"{'validation' if str(first) == VALIDATION else first.name}.{ending}")


def _thing(things: tuple[Path, ...]) -> Thing:
    """What is to be shown.  Raises Problems or UnknownName for what is none.

    things   as they were typed; several are compared, whatever they are called

    One is taken for a folder if there is one, then for a prediction if it is a file that ends with .json, then for the word
    `validate` unless a file has that name, and else for a machine.
    """
    import terp

    if len(things) > 1:
        return terp.sweep.compare(*things)
    path = things[0]
    if path.is_dir():
        return terp.load(path)
    if path.suffix == ".json" and path.is_file():
        from terp.predict import read_prediction

        return read_prediction(path)
    if str(path) == VALIDATION and not path.exists():
        return terp.validate.all_models()
    return _machine(path)


def _machine(path: Path) -> Thing:
    """A machine by its name or its file.

    Raises Problems for a name that is of no machine and no folder, with what would do, and for a file that is no machine.
    """
    import terp
    from terp.describe import shipped_names
    from terp.errors import Problem, Problems, did_you_mean

    name = str(path)
    if path.is_file() or name in shipped_names("machines"):
        return terp.machine(name)
    near = did_you_mean(name, [*shipped_names("machines"), VALIDATION])
    would_do = (
        near if near.startswith("did you mean") else "name a folder that a verb wrote with -o, a machine, or `validate`"
    )
    raise Problems([Problem(name, 0, 0, "", "no folder, no file and no machine has this name", would_do=would_do)])


def _eu(things: tuple[Path, ...], out: Path | None, wanted: str | None, *, as_json: bool) -> None:
    """Writes or prints the yearly report to the EU's database: JSON and a page, or the one that the name or format says.

    Without a name or a format both are written, into the run's folder; JSON alone where a name ends with .json.

    things   one folder of a run;  out   a file, None for the usual names;  wanted   a format, None where it was not said
    as_json  prints the document, and writes it only where `out` names a file

    Raises UsageError for several things and for CSV, and Problems for what is no run.
    """
    from terp.files import write_whole
    from terp.results import load_run
    from terp.simulate import eu_report
    from terp.views.report.eu.eu_page import eu_html
    from terp.views.report.written import format_of, write_page

    if len(things) > 1:
        raise click.UsageError("--eu is of one run")
    run: Run = load_run(things[0])
    report = eu_report(run)
    text = json.dumps(report, indent=2)
    if as_json:
        if out is not None:
            write_whole(out, text + "\n")
        click.echo(text)
        return
    is_json = wanted == "json" or (out is not None and out.suffix.lower() == ".json" and wanted is None)
    if is_json or (out is None and wanted is None):
        target = out if out is not None else things[0] / "eu-report.json"
        write_whole(target, text + "\n")
        click.echo(str(target))
    if not is_json:
        kind = format_of(out, wanted)
        if kind == "csv":
            raise click.UsageError("the report to the EU's database is html, pdf, md or json")
        click.echo(str(write_page(eu_html(report), out if out is not None else things[0] / f"eu-report.{kind}", kind)))
