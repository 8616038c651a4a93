"""`terp compare RUN RUN ...`: what changed, seed by seed.

Which runs are years of one case, and which cases are compared with which, `terp.sweep.compare` decides.

That something differs is no error: the exit code is 0.  The text comes from `views.text.comparison_text`; --json prints the
records, numbers in SI.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from terp.views.cli.words.names import written_folders
from terp.views.cli.words.suggestions import TerpCommand


@click.command("compare", cls=TerpCommand)
@click.argument(
    "folders", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path), shell_complete=written_folders
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
def command(folders: tuple[Path, ...], *, as_json: bool) -> None:
    """Compare RUNs, folders made by `terp simulate` or `terp sweep`, with the first one, in pairs of the same seed.

    Runs that differ in seed only are years of one case; the points of a sweep are compared with its first, or with the
    same points of the first sweep.  The figures that changed most come first.
    """
    from terp.sweep import compare
    from terp.views.text.comparison_text import differences_text

    comparison = compare(*folders)
    if as_json:
        click.echo(json.dumps(comparison.to_dict()["comparisons"], indent=2, allow_nan=False))
    else:
        click.echo(differences_text(comparison.entries))
