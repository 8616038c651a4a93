"""`terp config`: the defaults of one's own, each with who set it.

`terp.reader.user_defaults` finds them; two lines each are printed, the value with who set it and what it means.
"""

from __future__ import annotations

import json

import click

from terp.views.cli.words.suggestions import TerpCommand


@click.command("config", cls=TerpCommand)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, data alone.")
def command(*, as_json: bool) -> None:
    """Show the defaults of site, policy, workload, out and workers, and who set each: an option overrides them all.

    TERP_SITE and the like count first, then terp.toml in this folder or one above it, then ~/.config/terp/config.toml.
    """
    from terp.reader.user_defaults import KEYS, user_defaults

    told = user_defaults()
    if as_json:
        document = {name: {"value": entry.value, "origin": entry.origin or None} for name, entry in told.items()}
        click.echo(json.dumps(document, indent=2))
        return
    for name, entry in told.items():
        value = "-" if entry.value is None else str(entry.value)
        click.echo(f"{name:9} {value:24} {entry.origin or 'not set'}")
        click.echo(f"{'':9} {KEYS[name]}")
