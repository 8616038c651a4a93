"""Fills the frame: one HTML file that needs nothing else, with a list of its contents.

Everything that comes from files of the user is escaped by the templates, and the page as a whole goes through `printable`,
so that no control character or mark of direction is in it.

A page has no script and asks nothing of the web.  Its list of contents is made of the headings that are in it; boxes that
scroll sideways can be reached by the keyboard and are called by the heading over them.  How it looks, `page.css` says: for
light and dark, for telephones and for A4, where the head of a table stands on every page that the table is on.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from terp.errors import printable
from terp.views.report.frame.page_blocks import Page

FOLDER: Final = "terp.views.report.frame"
_PLACES: Final = re.compile(
    r'(?P<box><div class="scroll">)|<h(?P<level>[23])(?P<more>[^>]*)>(?P<words>.*?)</h(?P=level)>', re.DOTALL
)
_FEWEST: Final = 3
"""Headings from which a page has a list of contents."""


def environment() -> Environment:
    """What all templates of pages are filled by.

    Words are escaped unless they are markup already, and a name that is not given is an error.

    Pages of a run and papers of a plan come from the same settings, so that neither can forget to escape.
    """
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def as_page(page: Page) -> str:
    """A page as HTML, complete in itself.

    page   its title, its answer in some sentences, and its parts in order
    """
    template = _template("blocks.html.j2")
    return framed("en", page.title, template.render(page=page))


def framed(language: str, title: str, body: str, *, more_style: str = "", contents: str = "Contents", look: str = "") -> str:
    """The frame around what a template has filled.

    language     of the page, as HTML names it
    body         the inside of <main>, as HTML
    more_style   what the page adds to the style;  contents  what the list of contents is called;  look  class of <main>
    """
    body, entries = _numbered(body)
    style = resources.files(FOLDER).joinpath("page.css").read_text("utf-8") + more_style
    page = _template("frame.html.j2").render(
        lang=language,
        title=title,
        style=Markup(style),  # noqa: S704 (our own)
        body=Markup(body),  # noqa: S704 (filled by a template that escapes)
        look=look,
        contents=contents,
        entries=entries if len(entries) >= _FEWEST else [],
    )
    return printable(page, keep="\n")


@cache
def _template(name: str) -> Template:
    """A template of this folder.

    name   of the file.  Kept after the first use, since a page needs the same two every time
    """
    return environment().from_string(resources.files(FOLDER).joinpath(name).read_text("utf-8"))


def _numbered(body: str) -> tuple[str, list[tuple[str, Markup]]]:
    """A body whose headings have places to go to, and the list of those, as (place, words).

    A box that scrolls and has no name yet is called by the heading over it, and can be reached by the keyboard.

    body   as a template filled it; places are numbered in the order of the headings, so that none is twice
    """
    entries: list[tuple[str, Markup]] = []
    last: str = ""

    def changed(match: re.Match[str]) -> str:
        nonlocal last
        if match["box"]:
            return f'<div class="scroll" role="group" tabindex="0" aria-label="{last}">'
        last = escape(Markup(match["words"]).striptags())  # noqa: S704 (escaped where it was filled)
        if match["level"] != "2":
            return match[0]
        place = f"part-{len(entries) + 1}"
        entries.append((place, Markup(match["words"])))  # noqa: S704 (likewise)
        return f'<h2 id="{place}"{match["more"]}>{match["words"]}</h2>'

    return _PLACES.sub(changed, body), entries
