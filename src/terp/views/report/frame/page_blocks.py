"""The parts of a page: headings, words, figures in numbers, tables, pictures, and what is folded away.

A page is a title and a list of these; the template knows how each looks.  Text is escaped there, but for markup that is
marked as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

Cell = str | Markup
"""What stands in a cell, or in a sentence."""


@dataclass(frozen=True)
class Heading:
    """A heading; those that are not minor are the contents list.

    minor   whether it is of a part of a section
    """

    words: str
    minor: bool = False

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "heading"


@dataclass(frozen=True)
class Words:
    """A paragraph, as text that is escaped or as markup of ours.

    words   one paragraph: a page has several of these, so that each can be a sentence or five

    look   "" for running text, "lead" or "note"
    """

    words: Cell
    look: str = ""

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "words"


@dataclass(frozen=True)
class Cards:
    """The figures that a reader should take along, each as (value, what it is).

    cards   eight at most, or they are a table: a value is short, and its words say what it is of, with the figure beside it

    Values have their unit and stand large; on a telephone two of them share a line.
    """

    cards: Sequence[tuple[Cell, Cell]]

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "cards"


@dataclass(frozen=True)
class Rows:
    """A table.

    caption   what it shows, over it
    head      names of the columns, with the unit where a column has one
    rows      a cell a column; the first names the row
    texts     columns that hold words and may break; all others are numbers, on the right
    total     whether the last row is the sum of the others
    groups    first rows of groups -> the name of the group, on a line over it
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: frozenset[int] = frozenset()
    total: bool = False
    groups: dict[int, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "rows"


@dataclass(frozen=True)
class Picture:
    """A figure with its caption.

    caption  what is drawn, in which unit, and where its numbers are means of something

    drawn    as SVG, in both widths: what `views.figures.svg.both` gives
    legend   (class of the key, what it stands for)
    """

    caption: str
    drawn: Markup
    legend: Sequence[tuple[str, str]] = ()

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "picture"


@dataclass(frozen=True)
class Fold:
    """What is there for who wants it: folded away on a screen, open on paper.

    Sources, assumptions and long tables go here, so that a page stays under ten screens and still holds everything.

    summary   what is inside, in some words
    """

    summary: str
    blocks: Sequence[Block]

    @property
    def kind(self) -> str:
        """How the template knows it."""
        return "fold"


Block = Heading | Words | Cards | Rows | Picture | Fold
"""Any part of a page."""


@dataclass(frozen=True)
class Page:
    """A page.

    title    of the page and of its window
    kicker   a line over the title: what kind of page it is, of which version
    lead     the answer in some sentences
    """

    title: str
    kicker: str
    lead: Cell
    blocks: Sequence[Block]
