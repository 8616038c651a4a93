"""`terp list [KIND]`: what ships, with titles and sizes.

`terp.listing` gives the entries; here they become a table as wide as the screen, or JSON with every column.
"""

from __future__ import annotations

import json

import click

from terp.views.cli.words.names import KINDS, of_words
from terp.views.cli.words.suggestions import TerpCommand


@click.command("list", cls=TerpCommand)
@click.argument("kind", required=False, metavar="[KIND]", shell_complete=of_words(*KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
def command(kind: str | None, *, as_json: bool) -> None:
    """List what ships of a KIND, with titles and sizes; without a KIND, all kinds with how many there are.

    KIND is machines, models, sites, workloads, policies, budgets, gpus, nodes or software. Parts and policies of your own
    stand among them. `terp show NAME` says all of one.

    Such as `terp list models`.
    """
    import terp
    from terp.views.text.about_text import listing_text
    from terp.views.text.columns import screen_width

    found = terp.listing(kind)
    click.echo(json.dumps(found.to_dict(), indent=2) if as_json else listing_text(found, screen_width()))
