"""`python -m terp` is the `terp` command."""

from terp.views.cli.main import main

main()
