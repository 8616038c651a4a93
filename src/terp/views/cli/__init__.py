"""The command line: a module a verb, each with a click command named `command`.

`main` finds the verb by its name and imports that module alone, which is why modules import what computes inside of
functions: `terp --help` must come at once.  A verb reads options, calls one function of the library, and prints what it
gives as text or as JSON; what a verb means stands in its own docstring, which is its help.
"""
