"""The yearly report to the EU's database as a page: what is known, what is missing, and which key of which file gives it.

What is missing stands first, since that is what whoever sends the report in has to do; what is known follows with how it is
known.  The page is made of the document alone, so that a report that was kept as JSON can be shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from terp.units import number
from terp.views.report.frame import Block, Cards, Heading, Page, Rows, Words, as_page
from terp.views.report.frame.amounts import NONE, count

Item = Mapping[str, object]
"""An item as eu-report.json has it."""


def eu_html(report: Mapping[str, object]) -> str:
    """The page of a report, as `terp.simulate.eu_report` gives it.

    report   the document of eu-report.json, with its items of annexes I and II and its indicators of annex III

    An item without a value, which is None or an empty list, is missing.  Raises KeyError for a document that lacks a key
    that the page shows; docs/formats/eu-report.md has them.
    """
    items = cast("Sequence[Item]", report["items"])
    indicators = cast("Sequence[Item]", report["indicators"])
    missing = [item for item in items if item["value"] in (None, [])]
    must = "must be reported" if report["must_report"] else "need not be reported, below 500 kW of installed IT power"
    whole = "a whole year" if report["whole_year"] else "less than a whole year"
    known = len(items) - len(missing)
    return as_page(
        Page(
            title=f"{items[0]['value']}",
            kicker=f"Terp {report['version']} · {report['regulation']} · simulated, seed {report['seed']}",
            lead=(
                f"What the data centre tells the EU's database for {report['from']} to {report['to']}, {whole}. It "
                f"{must}; its size is {report['size']}. Of {len(items)} items {known} are known and {len(missing)} are "
                "missing. This is a simulation, and no report that anybody may send in."
            ),
            blocks=[
                _cards(indicators, known, len(missing)),
                Words(f"Whole year: {report['year_rule']}.", "note"),
                *_missing(missing, f"sites/{report['site']}.yaml"),
                Heading("What is known"),
                _table("Items of annexes I and II", [item for item in items if item["value"] not in (None, [])]),
                Heading("Indicators of annex III"),
                _table("Indicators, by the regulation's formulas", indicators),
            ],
        )
    )


def _cards(indicators: Sequence[Item], known: int, missing: int) -> Cards:
    """The indicators, and how much of the report is there.

    indicators       of annex III, such as the PUE, each with its symbol
    known, missing   how many items of annexes I and II have a value, and how many have none
    """
    cards = [(_value(item), f"{item['symbol']}: {item['name']}") for item in indicators]
    return Cards([*cards, (count(known), "items known"), (count(missing), "items to declare")])


def _missing(items: Sequence[Item], site: str) -> list[Block]:
    """What is still to be declared, and which key of which file gives it.

    items   without a value;  site   the file that ships, or whose copy is the operator's own
    A row has the item's point of the annex, its name, its unit, the key of the site file that would give it, and a note.
    """
    if not items:
        return [Heading("What is missing"), Words("Nothing: every item has a value.")]
    rows = [(item["point"], item["name"], item["unit"] or NONE, item["key"] or NONE, item["note"]) for item in items]
    words = (
        f"Each of these is the operator's to declare. Write the key into the site file ({site}, or your own), simulate "
        "again and report again; docs/formats/site.md says in which form."
    )
    head = ("point", "what", "unit", "key that gives it", "note")
    return [Heading("What is missing"), Words(words), Rows("To be declared", head, _text(rows), frozenset({1, 3, 4}))]


def _table(caption: str, items: Sequence[Item]) -> Rows:
    """Items with their values, and how each is known.

    items   of annexes or indicators, each with its unit as the regulation has it
    """
    rows = [
        (item["point"], item["symbol"] or NONE, item["name"], f"{_value(item)} {item['unit']}", item["known"], item["note"])
        for item in items
    ]
    head = ("point", "symbol", "what", "value", "known", "note")
    return Rows(caption, head, _text(rows), frozenset({2, 3, 5}))


def _text(rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """Cells as text."""
    return [[str(cell) for cell in row] for row in rows]


def _value(item: Item) -> str:
    """A value with three digits at least, whole from a thousand up; words as they are; a dash for none.

    >>> _value({"value": 12345.6}), _value({"value": ["heat", "power"]}), _value({"value": None}) == NONE
    ('12,346', 'heat, power', True)
    """
    value = item["value"]
    if value is None:
        return NONE
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NONE
    return number(float(value), 4) if isinstance(value, int | float) else str(value)
