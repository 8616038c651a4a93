"""`terp clean`: empties the folder of compiled code, and says what that was.

A line a folder with its files and its size [MB], and one for all; --dry-run says what would go.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from terp.views.cli.words.suggestions import TerpCommand


@click.command("clean", cls=TerpCommand)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, data alone.")
def command(*, dry_run: bool, as_json: bool) -> None:
    """Remove the compiled code of all versions; the next simulation compiles anew, once, for about a minute.

    Results are never touched.
    """
    from terp.simulate.engine.compiled import clean_cache

    contents = clean_cache(dry_run=dry_run)
    if as_json:
        click.echo(json.dumps([asdict(content) for content in contents], indent=2))
        return
    verb = "would remove" if dry_run else "removed"
    for content in contents:
        click.echo(f"{verb} {content.folder}: {content.files_count:,} files, {content.size_bytes / 1e6:,.1f} MB")
    total = sum(content.size_bytes for content in contents)
    click.echo(f"{verb} {total / 1e6:,.1f} MB of compiled code" if contents else "there is no compiled code to remove")
