"""`terp completion SHELL`: the script by which names, options and verbs complete with Tab.

The script is click's own for each shell.  It calls `terp` at a press of Tab with `VARIABLE` set, and `main` then answers
with words in place of running a verb.
"""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from terp.views.cli.words.names import of_words
from terp.views.cli.words.suggestions import KnownWord, TerpCommand

WHERE: Final = {
    "bash": "~/.bash_completion",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/terp.fish",
}
"""Shell -> the file that it reads when it starts."""
VARIABLE: Final = "_TERP_COMPLETE"
"""Environment variable by which the script asks for what completes a line."""


@click.command("completion", cls=TerpCommand)
@click.argument("shell", metavar="SHELL", type=KnownWord(list(WHERE)), shell_complete=of_words(*WHERE))
def command(shell: str) -> None:
    """Print the script that lets SHELL complete verbs, options and names with Tab: bash, zsh or fish.

    For this terminal alone: `source <(terp completion bash)`, or in fish `terp completion fish | source`.

    \b
    For all to come, once:
      bash   terp completion bash >> ~/.bash_completion
      zsh    terp completion zsh >> ~/.zshrc       (behind the line with compinit)
      fish   terp completion fish > ~/.config/fish/completions/terp.fish

    Names are those that ship and those of your own catalogue; bash needs version 4.4.
    """  # noqa: D301 - click wants the letter itself
    from terp.views.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(cli, {}, "terp", VARIABLE).source(), nl=False)
