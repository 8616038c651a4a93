"""The catalogue of messages and what the program can say are the same: no sentence without words, no words unsaid."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

import terp
from terp.catalogue import Node, read_catalogue, read_prices
from terp.describe import COST_CLASSES, read_budget, read_site, read_workload, shipped_names
from terp.describe.budget import ObjectiveName, PlannedTopology
from terp.plan.outcome.known_inputs import OF_PAYER_OR_SITE, OF_SITE_FILE, USES
from terp.plan.outcome.machine_figures import LINES
from terp.plan.reason_codes import Code, ConstraintName
from terp.views.messages import Language, gaps_of, read_catalogue_of
from terp.views.messages.gaps import KINDS

ENGLISH, DUTCH = read_catalogue_of("en"), read_catalogue_of("nl")
PACKAGE = Path(terp.__file__).parent
WORD = re.compile(r"\b[a-z]{2,}\b")


def forms(message):
    """A message as its sentences: one, or one for a count of one and one for any other."""
    return [message] if isinstance(message, str) else [message["one"], message["other"]]


def keys_of(catalogue):
    return {
        part: {(family, key) for family, entries in catalogue[part].items() for key in entries}
        if part in ("names", "compared")
        else set(catalogue[part])
        for part in catalogue
    }


def test_both_languages_have_the_same_keys():
    assert keys_of(ENGLISH) == keys_of(DUTCH)


def test_both_languages_have_the_same_gaps():
    for part in ("texts", "messages"):
        for key, message in ENGLISH[part].items():
            gaps = [gaps_of(form) for form in (*forms(message), *forms(DUTCH[part][key]))]
            assert all(set(of_form) <= set().union(*gaps) for of_form in gaps), key
            if isinstance(message, str):
                assert gaps[0] == gaps[1], key
            else:
                assert message["by"] == DUTCH[part][key]["by"] in set().union(*gaps), key
                assert gaps[1] == gaps[3], key
    for what, words in ENGLISH["compared"].items():
        for form in words:
            assert gaps_of(words[form]) == gaps_of(DUTCH["compared"][what][form]), what


@pytest.mark.parametrize("catalogue", [ENGLISH, DUTCH], ids=["en", "nl"])
def test_every_gap_is_of_a_kind_that_is_there(catalogue):
    for key, message in catalogue["messages"].items():
        for form in forms(message):
            for kind, words in re.findall(r"\{\w+:([a-z]+)(?: ([\w. -]+))?\}", form):
                assert kind in KINDS, key
                if kind in ("name", "list", "shares", "amounts"):
                    assert words in catalogue["names"], key
                if kind == "compared":
                    assert words.split(" ")[0] in catalogue["compared"], key
                if kind == "optional":
                    assert words in catalogue["texts"], key


def codes_of_plans():
    """Every code that a plan can say."""
    codes = {*map(str, Code), *(f"line.{line}" for line in LINES.values())}
    codes |= {f"check.{name}" for name in get_args(ConstraintName)}
    return codes | {f"input.{path}" for path in (*USES, *OF_PAYER_OR_SITE)} | {f"site.{path}" for path in OF_SITE_FILE}


def below_views():
    files = (path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("views", "plan"))
    return "".join(path.read_text("utf-8") for path in files)


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    source, plans = below_views(), codes_of_plans()
    assert plans | set(re.findall(r"Caveat\(\s*\"([\w.-]+)\"", source)) <= set(ENGLISH["messages"])
    assert {code for code in ENGLISH["messages"] if code not in plans and f'"{code}"' not in source} == set()


def test_every_code_of_the_plan_is_used():
    source = "".join(path.read_text("utf-8") for path in (PACKAGE / "plan").rglob("*.py") if path.name != "codes.py")
    assert [code.name for code in Code if f"Code.{code.name}" not in source] == []


def test_every_text_is_used_and_every_text_asked_for_is_there():
    views = PACKAGE / "views"
    sources = [path for path in views.rglob("*") if path.suffix in (".py", ".j2")]
    code = "".join(path.read_text("utf-8") for path in sources).replace("'", '"')
    code += " ".join(f'"{words}"' for words in re.findall(r":optional (\w+)\}", str(ENGLISH["messages"])))
    keys = set(ENGLISH["texts"])
    wanted = set(re.findall(r"\bt\(\"(\w+)\"", code)) | set(re.findall(r"\btext\(\s*\"(\w+)\"", code))
    made = ("axis_", "group_", "lost_")  # with what follows worked out
    assert {key for key in wanted if key not in made} <= keys
    assert [key for key in keys if f'"{key}"' not in code and not key.startswith(made)] == []


def domains_that_ship():
    return {name for workload in shipped_names("workloads") for name in read_workload(workload).record.domains}


def test_names_are_those_of_what_there_is():
    names = {family: set(entries) for family, entries in ENGLISH["names"].items()}
    assert names["classes"] == set(COST_CLASSES)
    assert names["objectives"] == names["goals"] == set(get_args(ObjectiveName))
    assert names["topologies"] == set(get_args(PlannedTopology))
    assert names["domains"] <= domains_that_ship()
    assert names["months"] == {str(month) for month in range(1, 13)}
    assert names["bounds"] == {"amount"} | {f"{kind} ceiling" for kind in COST_CLASSES}
    used_for = {*USES.values(), *OF_PAYER_OR_SITE.values(), *(LINES.keys() - {"energy-tax", "installation", "maintenance"})}
    used_for |= {"acquisition", "operation", "building", "science", "energy", "time", "cash flow"}
    assert names["uses"] == used_for
    views = "".join(path.read_text("utf-8") for path in (PACKAGE / "views").rglob("*") if path.suffix in (".py", ".j2"))
    said = set(re.findall(r"name(?:_of)?\(\s*\"(\w+)\"", views)) | set(re.findall(r"names\[[\"'](\w+)[\"']\]", views))
    said |= {family for kind, family in re.findall(r":(name|list|shares|amounts) (\w+)\}", str(ENGLISH["messages"]))}
    assert set(names) == said


# Titles and notes of files


def texts_that_ship():
    """Titles, labels, notes and ranges of the budgets, sites, parts and prices that ship, by what they are."""
    catalogue, prices = read_catalogue(), read_prices()
    titles = {entry.title for entry in (*prices.entries.values(), *prices.rates.values())}
    nodes = [catalogue.part(Node, name) for name in catalogue.parts["nodes"]]
    titles |= {node.title for node in nodes} | {node.short_title for node in nodes}
    origins = [*prices.provenance.values()]
    notes = set()
    for name in shipped_names("budgets"):
        budget = read_budget(name)
        titles |= {budget.record.title, *(payer.title for payer in budget.record.payers.values())}
        notes.add(budget.record.note)
        origins += budget.provenance.values()
        for place in budget.record.sites.values():
            site = read_site(place.site)
            titles.add(place.title or site.record.title)
            origins += site.provenance.values()
    values = {text for origin in origins for text in (origin.value_text, origin.range_text)}
    notes |= {origin.note for origin in origins}
    return titles, notes | {part for note in notes for part in note.split("; ")}, values


CHECKED = {"liquid", "air", "below 500"}
"""Values of checks that are words."""


def test_dutch_of_files_is_of_what_ships_and_all_titles_have_it():
    dutch = yaml.safe_load((PACKAGE / "views" / "messages" / "data.nl.yaml").read_text("utf-8"))
    titles, notes, values = texts_that_ship()
    assert sorted(set(dutch) - titles - notes - values - CHECKED) == []
    assert sorted(title for title in titles if WORD.search(title) and title not in dutch) == []


# Words


def test_a_sentence_is_said_in_both_languages():
    class Said:
        code = "too-expensive"
        data = {"cost_eur": 283.4e6, "money_eur": 1_204.5e6}

    english = "The smallest that meets the rest costs EUR 283.4 million, and there are EUR 1,204.5 million."
    dutch = "De kleinste die aan de rest voldoet, kost 283,4 miljoen euro, en er is 1.204,5 miljoen euro."
    assert Language("en").sentence(Said) == english
    assert Language("nl").sentence(Said) == dutch


@pytest.mark.parametrize(
    ("ratio", "english", "dutch"),
    [
        (0.92, "8% less science", "8% minder wetenschap"),
        (1.0049, "the same science", "dezelfde wetenschap"),
        (1.1, "10% more science", "10% meer wetenschap"),
    ],
)
def test_a_ratio_in_words(ratio, english, dutch):
    assert Language("en").ratio(ratio, "science") == english
    assert Language("nl").ratio(ratio, "science") == dutch


def test_one_month_is_not_one_months():
    class Earlier:
        code = "earlier"

        def __init__(self, months):
            self.data = {"months_count": months, "science_ratio": 1.0}

    assert Language("en").sentence(Earlier(1)) == "1 month earlier, with the same science."
    assert Language("en").sentence(Earlier(3)) == "3 months earlier, with the same science."
    assert Language("nl").sentence(Earlier(1)) == "Eén maand eerder, met dezelfde wetenschap."


def test_months_are_figures_in_json_and_words_on_paper():
    class Sold:
        code = "no-longer-sold"
        data = {"sold_until": "2026-12", "first": "2027-06"}

    assert Language("en", figures=True).sentence(Sold) == "sold until 2026-12, and cannot be delivered before 2027-06"
    assert Language("en").sentence(Sold) == "sold until December 2026, and cannot be delivered before June 2027"
    assert Language("nl").sentence(Sold) == "te koop tot december 2026, en niet te leveren vóór juni 2027"
