"""`terp report RUN`: one self-contained HTML page, or the yearly report to the EU's database.

The page goes into the run's folder unless a file is named, and its path is all that is printed.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from terp.views.cli.words.names import written_folders
from terp.views.cli.words.suggestions import TerpCommand


@click.command("report", cls=TerpCommand)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=written_folders)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="File to write; in RUN if absent.")
@click.option("--eu", is_flag=True, help="The report of Delegated Regulation (EU) 2024/1364 instead, as eu-report.json.")
@click.option("--json", "as_json", is_flag=True, help="With --eu: print it, data alone, and write nothing without -o.")
def command(run: Path, out: Path | None, *, eu: bool, as_json: bool) -> None:
    """Write RUN, a folder made by `terp simulate`, as one HTML page that needs nothing else."""
    from terp.files import write_whole
    from terp.results import load_run

    if as_json and not eu:
        raise click.UsageError("--json goes with --eu; the figures of a run are in its summary.json")
    if eu:
        from terp.views.report.eu_report import eu_report

        text = json.dumps(eu_report(load_run(run)), indent=2)
        if out is not None or not as_json:
            target = out if out is not None else run / "eu-report.json"
            write_whole(target, text + "\n")
        click.echo(text if as_json else str(target))
        return
    from terp.views.report import as_html

    target = out if out is not None else run / "report.html"
    write_whole(target, as_html(load_run(run)))
    click.echo(str(target))
