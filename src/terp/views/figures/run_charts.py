"""Figures of a run's page as inline SVG: over days, waits, shares.

Colours are classes, so that the page's style sets them for light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape
from math import log10

from terp.views.figures.run_days import FIRST_DAY
from terp.views.figures.svg import WIDTH, svg, ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 10, 24

Label = Callable[[float], str]
"""How to write a value."""


def over_days(
    series: Sequence[tuple[str, str, Sequence[float]]], low: float, high: float, label: Label, title: str, height: int = 190
) -> str:
    """Lines, or filled areas, over the days of a run; a mean holds for its whole day.

    series      (kind, class, values by day); kind is "area" or "line", and all have as many days
    low, high   ends of the axis; values beyond them are drawn at its end
    label       how to write a value of the axis;  title   what is read aloud

    A mean is drawn as a step from its day's start to its end, as it holds for all of it.
    """
    days = len(series[0][2])
    plot_h, plot_w = height - _TOP - _BOTTOM, WIDTH - _LEFT - _RIGHT

    def x(day: float) -> float:
        """Place of a moment, in days from the start."""
        return _LEFT + plot_w * day / days

    def y(value: float) -> float:
        """Place of a value."""
        return _TOP + plot_h * (1 - (min(max(value, low), high) - low) / ((high - low) or 1))

    body = []
    for value in ticks(low, high, 4):
        body.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        body.append(
            f'<text class="tick" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(label(value))}</text>'
        )
    body += _month_marks(days, x, height)
    for kind, style, values in series:
        steps = ((at, value) for day, value in enumerate(values) for at in (day, day + 1))
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in steps)
        if kind == "area":
            points = f"{x(0):.1f},{y(low):.1f} {points} {x(days):.1f},{y(low):.1f}"
            body.append(f'<polygon class="{style}" points="{points}"/>')
        else:
            body.append(f'<polyline class="{style}" points="{points}"/>')
    return svg(height, body, title)


def _month_marks(days: int, x: Callable[[float], float], height: int) -> list[str]:
    """The first of each month, or every few days of a short run."""
    body = []
    every = 1 if days <= 14 else 7
    for day in range(days):
        when = FIRST_DAY + timedelta(days=day)
        if (days > 62 and when.day == 1) or (days <= 62 and day % every == 0):
            text = when.strftime("%b") if days > 62 else f"{when.day} {when.strftime('%b')}"
            if days > 400 and when.month % 3 != 1:
                continue
            body.append(f'<line class="grid" x1="{x(day):.1f}" x2="{x(day):.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>')
            anchor, shift = ("end", -3) if x(day) > WIDTH - 60 else ("start", 3)
            place = f'x="{x(day) + shift:.1f}" y="{height - 8}" text-anchor="{anchor}"'
            body.append(f'<text class="tick" {place}>{text}</text>')
    return body


def waits(rows: Sequence[tuple[str, float, float, float]], label: Label, title: str) -> str:
    """Median, mean and 95th percentile by row, on a logarithmic axis from ten seconds; waits below stand at its start.

    rows    (name, median, mean, 95th percentile), in seconds;  label   how to write a wait
    """
    left, line_h = 150, 34
    height = _TOP + line_h * len(rows) + 30
    longest = max([60.0, *(row[3] for row in rows), *(row[2] for row in rows)])
    plot_w = WIDTH - left - _RIGHT - 10

    def x(seconds: float) -> float:
        """Place of a wait, by its logarithm."""
        return left + plot_w * max(log10(max(seconds, 10) / 10), 0) / log10(longest / 10)

    body = []
    for mark in (10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000):
        if mark <= longest:
            body.append(f'<line class="grid" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{_TOP}" y2="{height - 26}"/>')
            body.append(f'<text class="tick" x="{x(mark):.1f}" y="{height - 10}" text-anchor="middle">{label(mark)}</text>')
    for index, (name, median, mean, p95) in enumerate(rows):
        middle = _TOP + line_h * (index + 0.5)
        body.append(f'<text class="name" x="{left - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        body.append(f'<line class="span" x1="{x(median):.1f}" x2="{x(p95):.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>')
        for style, value, word in (
            ("dot median", median, "median"),
            ("dot mean", mean, "mean"),
            ("dot p95", p95, "95th percentile"),
        ):
            tip = f"<title>{escape(name)}: {word} {escape(label(value))}</title>"
            body.append(f'<circle class="{style}" cx="{x(value):.1f}" cy="{middle:.1f}" r="5">{tip}</circle>')
    return svg(height, body, title)


def shares(rows: Sequence[tuple[str, float, float | None, str]], title: str) -> str:
    """Horizontal bars of shares, with a mark at what each was entitled to.

    rows   (name, share, entitlement or None, class); shares as fractions.  The axis reaches 5 % at least
    """
    left, line_h = 150, 30
    height = _TOP + line_h * len(rows) + 28
    most = max([0.05, *(row[1] for row in rows), *(row[2] or 0 for row in rows)])
    plot_w = WIDTH - left - 70

    def x(share: float) -> float:
        """Place of a share."""
        return left + plot_w * share / most

    body = []
    for mark in ticks(0, most, 5):
        body.append(f'<line class="grid" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{_TOP}" y2="{height - 24}"/>')
        body.append(f'<text class="tick" x="{x(mark):.1f}" y="{height - 8}" text-anchor="middle">{mark:.0%}</text>')
    for index, (name, share, entitlement, style) in enumerate(rows):
        top = _TOP + line_h * index + 6
        body.append(f'<text class="name" x="{left - 12}" y="{top + 13}" text-anchor="end">{escape(name)}</text>')
        body.append(f'<rect class="{style}" x="{left}" y="{top}" width="{max(x(share) - left, 1):.1f}" height="18" rx="2"/>')
        body.append(f'<text class="value" x="{x(share) + 8:.1f}" y="{top + 13}">{share:.1%}</text>')
        if entitlement is not None:
            at = x(entitlement)
            tip = f"<title>entitled to {entitlement:.1%}</title>"
            body.append(f'<line class="entitled" x1="{at:.1f}" x2="{at:.1f}" y1="{top - 4}" y2="{top + 22}">{tip}</line>')
    return svg(height, body, title)
