"""A comparison as a page: what is told apart from chance first, as a forest plot and a table, then what is not.

A figure is told apart where the 95 % interval of its mean difference, over pairs of years of one seed, leaves out zero.
`results.comparison` works that out; words, units and signs are added here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import Final

import terp
from terp.results.comparison import CaseDifference
from terp.results.figures import FigureDifference, is_told_apart
from terp.sweep import Comparison
from terp.views.figures.forest import ForestRow, forest
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import MINUS, NONE, SPACE, count, factor_of, in_one_unit, percent
from terp.views.text.comparison_text import dimension_of, title_of

MOST_CASES: Final = 6
"""Cases that stand open; the others are folded."""


def comparison_page(comparison: Comparison) -> Page:
    """The page of a comparison.

    comparison   of at least one case beside another

    One pair of years gives no interval, so that nothing is told apart; the lead then says so.
    """
    entries = comparison.entries
    told = sum(is_told_apart(row) for entry in entries for row in entry["differences"])
    words = f"{count(len(entries), 'case')} beside {entries[0]['base']}, in pairs of years of the same seed."
    several = any(len(entry["seeds"]) > 1 for entry in entries)
    figures = f"{count(told, 'figure')} {'is' if told == 1 else 'are'} told apart from chance."
    pairs = figures if several else "One pair of years tells no change apart from chance."
    return Page(
        title="What changed",
        kicker=f"Terp {terp.__version__} · comparison",
        lead=f"{words} {pairs}",
        blocks=case_blocks(entries),
    )


def case_blocks(entries: Sequence[CaseDifference], named: Callable[[str], str] = str) -> list[Block]:
    """Each case beside its base: the first of them open, the rest folded.

    named   what a case is called, from its name

    entries   in the order of the comparison; as many as MOST_CASES stand open
    """
    blocks: list[Block] = []
    for entry in entries[:MOST_CASES]:
        blocks += [Heading(f"{named(entry['base'])} → {named(entry['other'])}"), *_case(entry)]
    rest: list[Block] = [
        Fold(f"{named(entry['base'])} → {named(entry['other'])}", _case(entry)) for entry in entries[MOST_CASES:]
    ]
    return [*blocks, Heading(f"{len(rest)} more cases"), *rest] if rest else blocks


def _case(entry: CaseDifference) -> list[Block]:
    """What was asked otherwise, and what came of it.

    Figures that did not move stand in one line, so that nobody looks for them.
    """
    changed = [row for row in entry["differences"] if row["difference"] or row["low"]]
    sure = [row for row in changed if is_told_apart(row)]
    unsure = [row for row in changed if not is_told_apart(row)]
    same = [title_of(row["figure"]) for row in entry["differences"] if row not in changed]
    blocks: list[Block] = [Words(_asked(entry))]
    drawn = _drawn([*sure, *unsure])
    legend = (("sure", "told apart: the 95 % interval leaves out zero"), ("unsure", "not told apart from chance"))
    figure = both(lambda width: forest(drawn, lambda value: percent(value, 0, sign=True), "What changed", width=width))
    if drawn:
        blocks.append(Picture("Change over what was before, with the 95 % interval of the pairs.", figure, legend))
    if sure:
        blocks.append(_table("Told apart from chance", sure))
    if unsure:
        paired = len(entry["seeds"]) > 1
        name = "Not told apart from chance" if paired else "Changes of one pair of years, which may be chance"
        blocks.append(_table(name, unsure))
    if same:
        blocks.append(Words(f"Unchanged: {', '.join(same)}.", "note"))
    if sure:
        blocks.append(Words("Of 20 figures that do not change, one is told apart by chance.", "note"))
    return blocks


def _asked(entry: CaseDifference) -> str:
    """What differs between the two, and how many pairs there are.

    Two inputs or more that differ are warned of: no difference can be put down to one of them.
    """
    changes, pairs = entry["changes"], len(entry["seeds"])
    asked = f"Changed: {'; '.join(changes)}." if changes else "The same inputs."
    if len(changes) > 1:
        asked += f" {len(changes)} inputs differ: what follows cannot be put down to one of them."
    paired = f"{pairs} pairs of years, by seed" if pairs > 1 else "One pair of years: no interval can be given"
    left = entry["unpaired_count"]
    return f"{asked} {paired}{f'; {left} years without a partner are left out' if left else ''}."


def _drawn(rows: Sequence[FigureDifference]) -> list[ForestRow]:
    """Rows of the forest plot: relative changes, as far as there was something before.

    Figures that were nought before have no relative change, and are in the table alone.

    Both ends of an interval are over the size of what was before, as the change itself is.
    """
    drawn = []
    for row in rows:
        if row["effect_ratio"] is None or not row["base"]:
            continue
        ends = None
        if row["low"] is not None and row["high"] is not None:
            ends = (row["low"] / abs(row["base"]), row["high"] / abs(row["base"]))
        note = percent(row["effect_ratio"], 1, sign=True)
        drawn.append(ForestRow(title_of(row["figure"]), row["effect_ratio"], ends, is_told_apart(row), note))
    return drawn


def _table(caption: str, rows: Sequence[FigureDifference]) -> Rows:
    """A row a figure, each with its own unit in a column, so that all of a row's numbers share it.

    rows   of differences, all in SI; the unit of each is chosen by its largest value

    The column of intervals is there only where a row has one; a figure that was nought before changed "from nothing".
    """
    paired = any(row["low"] is not None for row in rows)
    cells = []
    for row in rows:
        low, high = row["low"], row["high"]
        dimension = dimension_of(row["figure"])
        values = [row["base"], row["other"], row["difference"], low, high]
        unit, shown = in_one_unit(values, dimension, _decimals(values, dimension))
        interval = NONE if low is None else f"{_signed(shown[3])} to {_signed(shown[4])}"
        relative = "from nothing" if row["effect_ratio"] is None else percent(row["effect_ratio"], 1, sign=True)
        name = f"{title_of(row['figure'])} [{unit}]" if unit else title_of(row["figure"])
        cells.append((name, shown[0], shown[1], _signed(shown[2]), *([interval] if paired else []), relative))
    head = ("figure", "from", "to", "difference", *([f"95{SPACE}% interval"] if paired else []), "relative")
    return Rows(caption, head, cells)


def _decimals(values: Sequence[float | None], dimension: str) -> int:
    """Decimals at which the difference, the third of the values, has two digits; none more than that takes.

    values   before, after, and their difference, in SI

    At most six, and two where nothing changed.

    >>> _decimals([100.0, 100.5, 0.5], "w")
    2
    """
    unit, _ = in_one_unit(values, dimension)
    difference = abs(values[2] or 0.0) / factor_of(dimension, unit)
    return min(max(1 - floor(log10(difference)), 0), 6) if difference else 2


def _signed(shown: str) -> str:
    """A number with its sign, unless it is nought.

    >>> _signed("1.5"), _signed("0.00")
    ('+1.5', '0.00')
    """
    return shown if shown.startswith(MINUS) or not shown.strip("0.,") else f"+{shown}"
