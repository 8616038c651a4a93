"""What figures as inline SVG share: the frame, round ticks, labels that wrap.

Colours are classes of the page's style, so that a figure follows light, dark and paper.  y grows downwards, as in SVG.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from math import ceil, floor, log10
from textwrap import wrap
from typing import Final

from markupsafe import Markup

Coordinate = float
"""A place or a length within a figure, in units of its viewBox."""

WIDTH: Final = 760
"""Width of a figure on a screen and on paper, in units of its viewBox."""
NARROW: Final = 350
"""Width of the same figure on a telephone, where a unit is about a pixel, so that its labels stay as large as text."""
LINE: Final = 13.5
"""From one line of text to the next."""


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from low to high: every multiple of a step that lies within, low and high themselves if they are some.

    most   steps at most, about;  steps are 1, 2, 2.5 or 5 times a power of ten

    Where high is not above low, `low` stands alone.

    >>> ticks(0, 100, 4), ticks(3, 98, 4)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [25.0, 50.0, 75.0])
    """
    if high <= low:
        return [low]
    raw = (high - low) / most
    step = next(m * 10 ** floor(log10(raw)) for m in (1, 2, 2.5, 5, 10) if m * 10 ** floor(log10(raw)) >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def both(draw: Callable[[Coordinate], str]) -> Markup:
    """A figure drawn twice, for screens and paper and for telephones; the page's style shows the one that fits.

    draw   gives the figure in a width.  Empty where it draws nothing
    """
    wide = draw(WIDTH)
    if not wide:
        return Markup("")
    return Markup(f'<div class="wide">{wide}</div><div class="narrow">{draw(NARROW)}</div>')  # noqa: S704 (figures escape)


def svg(height: float, body: list[str], title: str, width: Coordinate = WIDTH) -> str:
    """The frame of a figure, `width` wide and `height` high; `title` is read aloud in its place.

    body   elements, in the order in which they are drawn: later ones lie over earlier ones
    """
    return (
        f'<svg viewBox="0 0 {width} {height:g}" role="img" aria-label="{escape(title)}" preserveAspectRatio="xMidYMid meet">'
        + "".join(body)
        + "</svg>"
    )


def text(x: float, y: float, words: str, style: str = "name", anchor: str = "start") -> str:
    """One line of text, escaped; y is its baseline, and anchor the end that stands at x: start, middle or end."""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def tall(words: str, width_count: int) -> Coordinate:
    """How much height `wrapped` takes.

    `wrapped` draws the same words with the same `width_count` in just that height.
    """
    return LINE * len(wrap(words, width_count) or [""])


def wrapped(x: float, middle: float, words: str, width_count: int, style: str = "name", anchor: str = "end") -> str:
    """Text in as many lines as it needs, of at most `width_count` characters, centred on `middle`.

    `tall` says how much height it takes with the same `width_count`.
    """
    lines = wrap(words, width_count, break_long_words=True) or [""]
    first = middle + 4 - LINE * (len(lines) - 1) / 2
    return "".join(text(x, first + LINE * index, line, style, anchor) for index, line in enumerate(lines))


def line(x1: float, x2: float, y1: float, y2: float, style: str = "grid") -> str:
    """A straight line from (x1, y1) to (x2, y2); mind the order of the coordinates."""
    return f'<line class="{style}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def rect(x: float, y: float, width: float, height: float, style: str, tip: str = "", more: str = "") -> str:
    """A rectangle by its upper left corner, with a tip that shows when it is pointed at.

    more   further attributes, as text that is not escaped.  A negative size is drawn as 0
    """
    shown = f"<title>{escape(tip)}</title>" if tip else ""
    size = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{style}" {size}{more}>{shown}</rect>'
