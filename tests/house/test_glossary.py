"""The glossary: in order, every unit, every option that is a term, and no option that is not there."""

import re
from pathlib import Path

import click

from terp.units import UNITS
from terp.views.cli.main import VERBS, command_of

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text("utf-8")
PLAIN = {  # options whose help says all there is to say
    "--as", "--by", "--cases", "--check-workload", "--days", "--dry-run", "--eu", "--failures", "--figure", "--force", "--format", "--gpu", "--gpus", "--help", "--json", "--kind", "--lang", "--no-failures",
    "--no-simulation", "--nodes", "--observed", "--out", "--search", "--workers", "--scheduler",
}  # fmt: skip


def section(title):
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title):
    """The rows of a table as cells."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def options(command):
    """Long options of a command and of those below it."""
    params = command.get_params(click.Context(command))  # some are made when they are first asked for
    named = {name for part in params for name in part.opts if name.startswith("--")}
    below = command.commands.values() if isinstance(command, click.Group) else []
    return named.union(*map(options, below))


def test_terms_stand_in_order_and_once():
    terms = [cells[0].casefold() for cells in rows("Terms")]
    assert len(terms) > 80
    assert terms == sorted(set(terms))
    assert all(len(cells) == 3 and all(cells) for cells in rows("Terms"))


def test_every_unit_is_there():
    told = {cells[0].strip("`").removeprefix("_"): set(re.findall(r"`(\S+)`", cells[2])) for cells in rows("Units")}
    assert told == {dimension: {unit for unit in units if unit} for dimension, units in UNITS.items()}


def test_every_option_is_a_term_or_plain():
    known = set().union(*(options(command_of(verb)) for verb in VERBS))
    named = set(re.findall(r"`(--[a-z0-9-]+)", section("Terms")))
    assert known - named - PLAIN == set()
    assert named - known == set()


def test_words_in_italics_are_terms_themselves():
    """Each word that a row leans on has a row of its own."""
    terms = " ; ".join(cells[0].casefold() for cells in rows("Terms"))
    for word in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", section("Terms")):
        assert word.casefold().removesuffix("s") in terms, word
