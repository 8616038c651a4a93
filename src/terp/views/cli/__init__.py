"""The command line: one module a verb, imported only when it runs, so that `terp --help` is quick."""
