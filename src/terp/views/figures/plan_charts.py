"""The paper's other figures: rank over the years, cash flow, science by domain, what moves the answer.

Each function gives one SVG as text, or an empty text where there is nothing to draw; words and ways to write numbers
come from the caller, who knows the language.

A `width` below WIDTH (760) is that of a telephone: names then stand over their bars.  Colours are classes of the page's
style, so that a figure follows light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log, log10

from terp.views.figures.svg import WIDTH, Coordinate, line, rect, svg, tall, text, ticks, wrapped

Label = Callable[[float], str]
"""How to write a value."""
Place = Callable[[float], float]
"""Where a value stands along an axis."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 20.0, 30.0, 44.0


def rank_over_years(
    rows: Sequence[tuple[str, float | None, float | None, float | None]], below: str, title: str, width: Coordinate = WIDTH
) -> str:
    """Place in the TOP500 by year with its band; the first place on top, on a logarithmic axis that ends at 500.

    rows    (year, rank, low, high); None is below 500
    below   what to write for it

    Empty where no rank is known at all, as then there is nothing but the edge of the list.
    """
    height, last = 210.0, 500.0
    known = [value for _, *values in rows for value in values if value is not None]
    if not rows or not known:
        return ""
    first = max(1.0, min(known) * 0.8)
    left, right = (_LEFT, width - 60.0) if width >= WIDTH else (36.0, width - 46.0)

    def x(index: int) -> float:
        """Place of a year, by its index."""
        return left + 30 + (right - left - 30) * index / max(len(rows) - 1, 1)

    def y(rank: float | None) -> float:
        """Place of a rank, by its logarithm; None stands at 500."""
        return 24 + (height - 60) * log(min(rank or last, last) / first) / log(last / first)

    body = []
    for mark in (1, 2, 5, 10, 20, 50, 100, 200, 500):
        if mark >= first:
            body += [line(left, width - _RIGHT, y(mark), y(mark)), text(left - 8, y(mark) + 4, f"{mark}", "tick", "end")]
    band = [(x(i), y(row[2])) for i, row in enumerate(rows)] + [
        (x(i), y(row[3])) for i, row in reversed(list(enumerate(rows)))
    ]
    body.append(f'<polygon class="band" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in band)}"/>')
    points = " ".join(f"{x(i):.1f},{y(row[1]):.1f}" for i, row in enumerate(rows) if row[1] is not None)
    body.append(f'<polyline class="line-c" points="{points}"/>')
    for index, (year, rank, low, high) in enumerate(rows):
        words = below if rank is None else f"{rank:.0f}"
        ends = " \u2013 ".join(below if value is None else f"{value:.0f}" for value in (low, high))
        tip = f"<title>{escape(f'{year}: {words} ({ends})')}</title>"
        body.append(f'<circle class="point first" cx="{x(index):.1f}" cy="{y(rank):.1f}" r="5">{tip}</circle>')
        body.append(text(x(index) + 4, y(rank) - 10, words, "value over"))
        body.append(text(x(index), height - 10, year, "tick", "middle"))
    return svg(height, body, title, width)


def cash_flow(
    rows: Sequence[tuple[str, Sequence[float]]], styles: Sequence[str], label: Label, title: str, axis: Label,
    width: Coordinate = WIDTH,
) -> str:  # fmt: skip
    """Money by year as stacked bars, a colour a payer, with the sum on top.  Empty where nobody pays anything.

    rows          (year, amounts by payer), as many amounts as styles, in the unit that the labels write
    styles        class of colour of each payer
    label, axis   how to write an amount, and a value of the axis

    The axis ends at the largest sum of a year.
    """
    height = 230.0
    most = max((sum(amounts) for _, amounts in rows), default=0.0)
    if most <= 0:
        return ""
    left_edge = _LEFT if width >= WIDTH else 40.0
    slot = (width - left_edge - _RIGHT) / len(rows)
    wide = min(slot * 0.62, 74.0)

    def y(value: float) -> float:
        """Place of an amount."""
        return 28 + (height - 56) * (1 - value / most)

    body = []
    for value in ticks(0, most, 4):
        body += [line(left_edge, width - _RIGHT, y(value), y(value))]
        body += [text(left_edge - 8, y(value) + 4, axis(value), "tick", "end")]
    for index, (year, amounts) in enumerate(rows):
        left, base = left_edge + slot * (index + 0.5) - wide / 2, 0.0
        for amount, style in zip(amounts, styles, strict=True):
            if amount > 0:
                body.append(
                    rect(left, y(base + amount), wide, y(base) - y(base + amount), style, f"{year}: {label(amount)}")
                )
                base += amount
        body += [text(left + wide / 2, y(base) - 5, label(base), "value over", "middle")]
        body += [text(left + wide / 2, height - 10, year, "tick", "middle")]
    return svg(height, body, title, width)


def pairs(
    rows: Sequence[tuple[str, Sequence[float]]], styles: Sequence[str], label: Label, title: str, width: Coordinate = WIDTH
) -> str:
    """Horizontal bars in groups, such as each domain on the best machine and on the second-best.

    rows     (name, values), as many values as styles
    styles   class of colour of each bar of a group

    Names stand beside their bars, and over them where it is narrow.
    All bars are on the scale of the largest value; empty where no value is above 0.
    """
    over = width < WIDTH
    left, bar_h, chars, top = (8.0, 17.0, 50, 6.0) if over else (276.0, 17.0, 38, 6.0)
    most = max((value for _, values in rows for value in values), default=0.0)
    if most <= 0:
        return ""
    body = []
    for words, values in rows:
        named = tall(words, chars)
        room = bar_h * len(styles) + named + 12 if over else max(bar_h * len(styles) + 14, named + 8)
        if over:
            first = top + named + 4
            body.append(wrapped(left, top + named / 2, words, chars, "name", "start"))
        else:
            middle, first = top + room / 2, top + (room - bar_h * len(styles)) / 2
            body.append(wrapped(left - 12, middle - 1, words, chars))
        for place, (value, style) in enumerate(zip(values, styles, strict=True)):
            wide, y = (width - left - 76) * value / most, first + bar_h * place
            body.append(rect(left, y, max(wide, 1), bar_h - 2, style))
            body.append(text(left + wide + 8, y + 12, label(value), "value"))
        top += room
    return svg(top, body, title, width)


@dataclass(frozen=True)
class TornadoBar:
    """A row of the tornado: what one input does to the objective between the ends of its range.

    words             the input's name
    low_fraction, high_fraction   effect at those ends, over the objective as planned
    ends              the two ends, as people write them
    breaks            as far along a bar as another design starts to win, if that is within the range; else None
    break_words       tip of that mark
    """

    words: str
    low_fraction: float
    high_fraction: float
    ends: tuple[str, str]
    breaks: float | None = None
    break_words: str = ""


def tornado(rows: Sequence[TornadoBar], label: Label, title: str, width: Coordinate = WIDTH) -> str:
    """Bars of effect on both sides of none, the strongest first, with a mark where another design wins.

    rows    the strongest first, as the plan sorts them;  label   how to write an effect

    Names stand beside their bars, and over them where it is narrow.
    The axis reaches as far as the largest effect without its sign, alike to both sides.
    """
    over = width < WIDTH
    left, chars, edge, y = (0.0, 52, 52.0, 8.0) if over else (256.0, 35, 58.0, 8.0)
    effects = [abs(value) for row in rows for value in (row.low_fraction, row.high_fraction)]
    most = max(effects, default=0.0) or 0.01
    middle, half = (left + width) / 2, (width - left - 2 * edge) / 2
    body, tops = [], []
    for row in rows:
        named = tall(row.words, chars)
        room = named + 40 if over else max(38.0, named + 10)
        tops.append(y + (named + 20 if over else room / 2))
        y += room
    for value in ticks(-most, most, 6 if not over else 4):
        at = middle + half * value / most
        body += [line(at, at, 8, y + 2), text(at, y + 18, label(value), "tick", "middle")]
    for row, centre in zip(rows, tops, strict=True):
        named = tall(row.words, chars)
        name = wrapped(middle, centre - 14 - named / 2, row.words, chars, "name over", "middle") if over else ""
        body += [name or wrapped(left - 12, centre, row.words, chars), *_swing(row, centre - 9, middle, half / most, label)]
    body.append(line(middle, middle, 8, y + 2, "zero"))
    return svg(y + 26, body, title, width)


def _swing(row: TornadoBar, y: float, middle: float, scale: float, label: Label) -> list[str]:
    """The two bars of a row, what stands at their ends, and the mark.

    y       upper edge of the bars;  middle   x of no effect;  scale   units of the figure in an effect of 1
    """
    body = []
    low, high = middle + scale * row.low_fraction, middle + scale * row.high_fraction
    for at, value, end, style in (
        (low, row.low_fraction, row.ends[0], "low"),
        (high, row.high_fraction, row.ends[1], "high"),
    ):
        body.append(rect(min(at, middle), y, abs(at - middle), 18, style, f"{row.words} {end}: {label(value)}"))
    (near, near_end), (far, far_end) = sorted(((low, row.ends[0]), (high, row.ends[1])))
    if near > middle or far < middle:  # both on one side: the ends stand together beyond the longer one
        both = f"{near_end}, {far_end}"
        body.append(text(far + 6, y + 13, both, "value") if near > middle else text(near - 6, y + 13, both, "value", "end"))
    else:
        body += [text(near - 6, y + 13, near_end, "value", "end"), text(far + 6, y + 13, far_end, "value")]
    if row.breaks is not None:
        at = middle + scale * row.breaks
        tip = f"<title>{escape(row.break_words)}</title>"
        body.append(f'<path class="break" d="M{at:.1f},{y - 5:.1f} v28 m-5,-28 h10">{tip}</path>')
    return body


def interval(value: float, low: float, high: float, most: float) -> str:
    """A bar with its interval, small enough for a cell of a table; `most` is what fills its width [EUR].

    value, low, high   in euros, the ends those of its interval

    The bar of `most` is 160 units wide, and none is narrower than half a unit.  It is hidden from what
    reads a page aloud.
    """

    def x(eur: float) -> float:
        """Place of an amount."""
        return 160 * eur / (most or 1.0)

    body = rect(0, 3, max(x(value), 0.5), 10, "bar-0") + line(x(low), x(high), 8, 8, "whisker")
    return f'<svg class="cell" viewBox="0 0 164 16" aria-hidden="true">{body}</svg>'


def effect_at(ratio: float, low: tuple[float, float], high: tuple[float, float]) -> float | None:
    """Effect of an input at a multiple of its central value; None outside the range.  effect(end) log(ratio) / log(end)

    ratio       value over the central one, which has no effect
    low, high   (ratio, effect) at the ends of the range; an end at the central value itself says nothing

    From no effect at the central value to the effect at an end goes a straight line in the logarithm of the ratio.

    >>> effect_at(10.0, (0.1, -0.2), (100.0, 0.4))
    0.2
    """
    for end, effect in (low, high):
        if end > 0 and end != 1 and ratio > 0 and 0 <= log10(ratio) / log10(end) <= 1:
            return effect * log10(ratio) / log10(end)
    return None
