"""Figures of a run's page as inline SVG: over days, waits, shares.

Colours are classes, so that the page's style sets them for light, dark and paper.  Every function takes the width to draw
in: in a narrow one, names stand over their rows and not beside them.

Rows are plain tuples, so that pages of runs, replays, machines and predictions draw by the same functions.  Each gives one
SVG as text, in units of its viewBox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape
from math import log10

from terp.views.figures.run_days import FIRST_DAY
from terp.views.figures.svg import WIDTH, Coordinate, line, rect, svg, text, ticks, wrapped

_RIGHT, _TOP, _BOTTOM = 14, 10, 24
_CHARS = 40  # of a name beside its bar; a longer one takes two lines
_CHARS_OVER = 48  # of a name over its bar

Label = Callable[[float], str]
"""How to write a value."""
Place = Callable[[float], float]
"""Where a value stands along an axis."""


def over_days(
    series: Sequence[tuple[str, str, Sequence[float]]], low: float, high: float, label: Label, title: str, height: int = 190,
    width: Coordinate = WIDTH,
) -> str:  # fmt: skip
    """Lines, or filled areas, over the days of a run; a mean holds for its whole day.

    series      (kind, class, values by day); kind is "area" or "line", and all have as many days
    low, high   ends of the axis; values beyond them are drawn at its end
    label       how to write a value of the axis;  title   what is read aloud

    A mean is drawn as a step from its day's start to its end, as it holds for all of it.
    The first series says how many days there are; day 0 is `run_days.FIRST_DAY`.  Later series lie over earlier ones.
    """
    left = 64 if width >= WIDTH else 54
    days = len(series[0][2])
    plot_h, plot_w = height - _TOP - _BOTTOM, width - left - _RIGHT

    def x(day: float) -> float:
        """Place of a moment, in days from the start."""
        return left + plot_w * day / days

    def y(value: float) -> float:
        """Place of a value."""
        return _TOP + plot_h * (1 - (min(max(value, low), high) - low) / ((high - low) or 1))

    body = []
    for value in ticks(low, high, 4):
        body.append(line(left, width - _RIGHT, y(value), y(value)))
        body.append(text(left - 8, y(value) + 4, label(value), "tick", "end"))
    body += _month_marks(days, x, height, width)
    for kind, style, values in series:
        steps = "".join(f"V{y(value):.1f}H{x(day + 1):.1f}" for day, value in enumerate(values))
        if kind == "area":
            body.append(f'<path class="{style}" d="M{x(0):.1f},{y(low):.1f}{steps}V{y(low):.1f}Z"/>')
        else:
            body.append(f'<path class="{style}" d="M{x(0):.1f},{y(values[0]):.1f}{steps}"/>')
    return svg(height, body, title, width)


def _month_marks(days: int, x: Place, height: int, width: Coordinate) -> list[str]:
    """The first of each month, or every few days of a short run; as many as have room for their names.

    days   of the run;  x   place of a day;  height, width   of the figure

    Up to 14 days each day is marked, up to 62 every seventh, and beyond that the first of each month.
    """
    firsts = [day for day in range(days) if (FIRST_DAY + timedelta(days=day)).day == 1]
    marked = firsts if days > 62 else list(range(0, days, 1 if days <= 14 else 7))
    needs = 26 if days > 62 else 44
    every = max(1, -(-needs * len(marked) // int(x(days) - x(0)))) if marked else 1
    body = []
    for day in marked[::every]:
        when = FIRST_DAY + timedelta(days=day)
        words = when.strftime("%b") if days > 62 else f"{when.day} {when.strftime('%b')}"
        anchor, shift = ("end", -3) if x(day) > width - 40 else ("start", 3)
        body.append(line(x(day), x(day), _TOP, height - _BOTTOM))
        body.append(text(x(day) + shift, height - 8, words, "tick", anchor))
    return body


def waits(
    rows: Sequence[tuple[str, float, float, float]], label: Label, title: str, axis: str = "", width: Coordinate = WIDTH
) -> str:
    """Median, mean and 95th percentile by row, on a logarithmic axis from ten seconds; waits below stand at its start.

    rows    (name, median, mean, 95th percentile), in seconds;  label   how to write a wait;  axis   what it shows

    The axis ends at a mark, so that the last dot is never beyond what can be read.
    A row is a line from its median to its 95th percentile with three dots, of the classes median, mean and p95.  On a
    telephone every second mark has words, and the last.
    """
    over = width < WIDTH
    left, line_h, top = (16, 44, 14) if over else (150, 34, _TOP)
    foot = 44 if axis else 30
    height = top + line_h * len(rows) + foot
    longest = max([60.0, *(row[3] for row in rows), *(row[2] for row in rows)])
    marks = (10, 60, 600, 3600, 21_600, 86_400, 259_200, 604_800, 2_592_000, 7_776_000, 31_536_000)
    end = next((mark for mark in marks if mark >= longest), longest)
    plot_w = width - left - 26

    def x(seconds: float) -> float:
        """Place of a wait, by its logarithm."""
        return left + plot_w * max(log10(max(seconds, 10) / 10), 0) / log10(end / 10)

    body = []
    for place, mark in enumerate(mark for mark in marks if mark <= end):
        body.append(line(x(mark), x(mark), top, height - foot + 4))
        if not over or place % 2 == 0 or mark == end:
            body.append(text(x(mark), height - foot + 20, label(mark), "tick", "middle"))
    if axis:
        body.append(text(width - 2, height - 6, axis, "tick", "end"))
    for index, (name, median, mean, p95) in enumerate(rows):
        middle = top + line_h * (index + 0.5) + (8 if over else 0)
        body.append(text(left, middle - 12, name, "name over") if over else text(left - 12, middle + 4, name, "name", "end"))
        body.append(line(x(median), x(p95), middle, middle, "span"))
        for style, value, word in (
            ("dot median", median, "median"),
            ("dot mean", mean, "mean"),
            ("dot p95", p95, "95th percentile"),
        ):
            tip = f"<title>{escape(name)}: {word} {escape(label(value))}</title>"
            body.append(f'<circle class="{style}" cx="{x(value):.1f}" cy="{middle:.1f}" r="5">{tip}</circle>')
    return svg(height, body, title, width)


def shares(
    rows: Sequence[tuple[str, float, float | None, str]], title: str, mark: str = "entitled to", width: Coordinate = WIDTH
) -> str:
    """Horizontal bars of shares, with a mark at what each was entitled to.

    rows   (name, share, entitlement or None, class); shares as fractions.  The axis reaches 5 % at least
    mark   what the mark of a row is, in its tip

    class   of a bar's colour, such as "bar-0";  title   what is read aloud

    All bars are on the scale of the largest share or entitlement.  Names too long for one line take two.
    """
    over = width < WIDTH
    left, line_h = (10, 46) if over else (150, 30)
    longest = max((len(name) for name, *_ in rows), default=0)
    second = 14 if over and longest > _CHARS_OVER else 0  # a line more for names that need it
    line_h += second
    left = left if over else max(left, min(7 * longest + 20, 7 * _CHARS + 20))
    height = _TOP + line_h * len(rows) + 28
    most = max([0.05, *(row[1] for row in rows), *(row[2] or 0 for row in rows)])
    plot_w = width - left - 66

    def x(share: float) -> float:
        """Place of a share."""
        return left + plot_w * share / most

    body = []
    for value in ticks(0, most, 5 if not over else 3):
        body.append(line(x(value), x(value), _TOP, height - 24))
        body.append(
            text(x(value), height - 8, f"{value:.0%}".replace("%", "\u00a0%"), "tick", "middle" if value else "start")
        )
    for index, (name, share, entitlement, style) in enumerate(rows):
        top = _TOP + line_h * index + (20 + second if over else 6)
        body.append(
            wrapped(left, top - 9 - second / 2, name, _CHARS_OVER, "name over", "start")
            if over
            else wrapped(left - 12, top + 9, name, _CHARS)
        )
        body.append(rect(left, top, max(x(share) - left, 1), 18, style))
        body.append(text(x(share) + 8, top + 13, f"{100 * share:.1f}\u00a0%", "value"))
        if entitlement is not None:
            at = x(entitlement)
            tip = f"<title>{escape(mark)} {100 * entitlement:.1f}\u00a0%</title>"
            body.append(f'<line class="entitled" x1="{at:.1f}" x2="{at:.1f}" y1="{top - 4}" y2="{top + 22}">{tip}</line>')
    return svg(height, body, title, width)
