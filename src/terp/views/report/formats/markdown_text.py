"""A page as Markdown: the same words and tables, without its drawings, whose captions stay.

The page is read by Python's own parser of HTML, tag by tag, and only the tags that Terp's own templates write are
known.  What Markdown has no sign for, such as colours, is left out, and so are the addresses of links.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_SKIPPED: Final = ("style", "nav", "svg", "head", "title")
_PLAIN: Final = {"b": "**", "strong": "**", "code": "`"}
_BLANKS: Final = re.compile(r"[ \t\r\n]+")


def as_markdown(page: str) -> str:
    r"""The words of a page, as Markdown that people and other programs read.

    page   HTML as the frame makes it

    >>> as_markdown("<h1>A run</h1><p>It <b>ran</b>.</p>")
    '# A run\n\nIt **ran**.\n'
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    text = re.sub(r"(?m)^(?!- )(.+)\n(?=- )", r"\1\n\n", "\n".join(reader.lines))  # a list stands apart
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class _Reader(HTMLParser):
    """Collects lines; what is skipped is counted by its depth, and cells are kept until their row ends.

    lines     what is written so far, a line of Markdown each; empty ones part blocks
    words     of the block or the cell that is open
    skipped   how deep within a tag that is passed over the reader is; 0 outside of any
    row       cells of the row that is open; None outside of rows
    head      whether the row that ends next is the head of a table
    closed    whether the last words end with the sign that ends bold words or code
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.words = ""
        self.skipped = 0
        self.row: list[str] | None = None
        self.head = False
        self.closed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins what a tag begins.

        tag, attrs   as the parser gives them; what stands inside a drawing or a list of contents is passed over
        """
        if tag in _SKIPPED or self.skipped:
            self.skipped += tag not in ("meta", "br", "link")
            return
        if tag in ("h1", "h2", "h3", "p", "li", "summary", "figcaption", "caption", "table"):
            self._flush()
        elif tag == "tr":
            self.row = []
        elif tag == "thead":
            self.head = True
        elif tag in ("th", "td"):
            self.words = ""
        elif tag == "div" and ("class", "card") in attrs:
            self._flush()
        if tag in _PLAIN and self.row is None:
            self.words += (" " if self.closed else "") + _PLAIN[tag]
            self.closed = False

    def handle_endtag(self, tag: str) -> None:
        """Ends what a tag ends.

        tag   as the parser gives it; a block that ends is written with the mark that Markdown has for it
        """
        if self.skipped:
            self.skipped -= 1
            return
        marks = {"h1": "# ", "h2": "## ", "h3": "### ", "p": "", "li": "- ", "figcaption": "*Figure: ", "caption": ""}
        if tag in ("th", "td") and self.row is not None:
            self.row.append(self._taken())
        elif tag == "tr" and self.row is not None:
            self._end_row()
        elif tag in _PLAIN and self.row is None:
            self.words, self.closed = self.words.rstrip() + _PLAIN[tag], True
        elif tag == "summary":
            words = self._taken()
            self.lines += ["", words if words.startswith("#") else f"### {words}", ""]
        elif tag in marks:
            words = self._taken()
            if words:
                self.lines += [*([] if tag == "li" else [""]), marks[tag] + words + ("*" if tag == "figcaption" else "")]
        elif tag == "div" and self.words.strip():
            self.lines.append(f"- {self._taken()}")
        elif tag == "table":
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        """Takes words; the signs that make Markdown are left as they are but for the bar of a table.

        data   as the parser gives it, entities resolved

        A word that follows a bold one at once, as in two parts of a tile, is set apart; a full stop is not.
        """
        if not self.skipped and data:
            self.words += (" " if self.closed and data[0].isalnum() else "") + data
            self.closed = False

    def _taken(self) -> str:
        """The words so far, on one line."""
        words, self.words, self.closed = _BLANKS.sub(" ", self.words).strip(), "", False
        return words

    def _flush(self) -> None:
        """Keeps words that stood outside of any block."""
        words = self._taken()
        if words:
            self.lines += ["", words]

    def _end_row(self) -> None:
        """Writes a row of a table, and under the first the line that makes it a head.

        A bar within a cell is escaped, since it would begin another one.
        """
        cells = [cell.replace("|", "\\|") for cell in self.row or []]
        self.row = None
        if self.head:
            self.lines.append("")
        self.lines.append(f"| {' | '.join(cells)} |")
        if self.head:
            self.lines.append("|" + "---|" * len(cells))
            self.head = False
