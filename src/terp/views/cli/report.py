"""`terp report RUN`: one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="File to write; RUN/report.html if absent.")
def command(run: Path, out: Path | None) -> None:
    """Write RUN, a folder made by `terp simulate`, as one HTML page that needs nothing else."""
    from terp.results import load_run, write_whole
    from terp.views.report import as_html

    target = out if out is not None else run / "report.html"
    write_whole(target, as_html(load_run(run)))
    click.echo(str(target))
