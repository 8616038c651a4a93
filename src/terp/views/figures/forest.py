"""Effects and values with their intervals, a row each: the forest plot of a comparison, and the bands of a sweep.

What is told apart from chance has a full dot, what is not an empty one; the axis is made for the former, so that a figure
that nobody can tell anything of does not squeeze those that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from terp.views.figures.svg import WIDTH, Coordinate, line, svg, text, ticks

Label = Callable[[float], str]
"""How to write a value."""
_CHAR: Final = 6.6


@dataclass(frozen=True)
class ForestRow:
    """A value and its interval.

    words       what it is of;  value   its place along the axis
    ends        low and high; None where there is no interval
    sure        whether it is told apart from none, and is drawn full
    note        what stands behind it, such as its value in words
    """

    words: str
    value: float
    ends: tuple[float, float] | None
    sure: bool
    note: str


def forest(rows: Sequence[ForestRow], label: Label, title: str, *, zero: bool = True, width: Coordinate = WIDTH) -> str:
    """Dots with their intervals; names stand beside them, and over them where it is narrow.

    zero   whether the axis has nought with a line; without it, the axis spans the values

    The axis is made for what is sure, and for all where nothing is; what goes on beyond it ends in an arrow.  Empty without
    rows.
    label, title   how to write a value of the axis;  what is read aloud
    """
    if not rows:
        return ""
    over = width < WIDTH
    longest = max(len(row.words) for row in rows)
    noted = max(len(row.note) for row in rows)
    left = 10.0 if over else min(_CHAR * longest + 20, 270.0)
    right = width - min(_CHAR * noted + 24, 250.0) if not over else width - 12
    line_h, top = (46.0, 4.0) if over else (26.0, 8.0)
    height = top + line_h * len(rows) + 28
    low, high = _span(rows, zero=zero)

    def x(value: float) -> float:
        """Place of a value."""
        return left + (right - left) * (min(max(value, low), high) - low) / (high - low)

    body = []
    for value in ticks(low, high, 4 if over else 6):
        body += [line(x(value), x(value), top, height - 24), text(x(value), height - 8, label(value), "tick", "middle")]
    if zero:
        body.append(line(x(0.0), x(0.0), top, height - 24, "zero"))
    for index, row in enumerate(rows):
        y = top + line_h * (index + 0.5) + (9 if over else 0)
        if over:
            body += [text(2, y - 13, row.words, "name over"), text(width - 2, y - 13, row.note, "small over", "end")]
        else:
            body += [text(left - 12, y + 4, row.words, "name", "end"), text(right + 10, y + 4, row.note, "value")]
        body += _mark(row, x, y, (low, high))
    return svg(height, body, title, width)


def _span(rows: Sequence[ForestRow], *, zero: bool) -> tuple[float, float]:
    """Ends of the axis: the values and intervals of what is sure, and nought if it is wanted, with some room.

    With nought wanted, what is not sure counts as far as twice the largest end of what is sure, whatever its sign.  The room
    is 6 % of the span at either end; where the span is nothing, 5 % of the value, or 0.01.
    """
    some = [row for row in rows if row.sure] or list(rows)
    values = [row.value for row in some]
    values += [end for row in some if row.ends is not None for end in row.ends]
    if zero and len(some) < len(rows):  # what is not sure may go beyond, and gets at least as much room again
        most = 2 * max(map(abs, values))
        values += [min(max(row.value, -most), most) for row in rows]
    low, high = min([*values, 0.0] if zero else values), max([*values, 0.0] if zero else values)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 0.01
    return low - room, high + room


def _mark(row: ForestRow, x: Callable[[float], float], y: float, span: tuple[float, float]) -> list[str]:
    """The interval and the dot of a row; an arrow where the interval goes on beyond the axis.

    x, y   places along the axis and of the row;  span   the axis' ends, beyond which an arrow stands
    """
    body = []
    style = "reach" if row.sure else "reach-soft"
    if row.ends is not None:
        first, last = x(row.ends[0]), x(row.ends[1])
        body.append(line(first, last, y, y, style))
        for end, beyond, way in ((first, row.ends[0] < span[0], -1), (last, row.ends[1] > span[1], 1)):
            shape = (
                f"M{end:.1f},{y:.1f} l{-6 * way},-4 m{6 * way},4 l{-6 * way},4" if beyond else f"M{end:.1f},{y - 4:.1f} v8"
            )
            body.append(f'<path class="{style}" fill="none" d="{shape}"/>')
    tip = f"<title>{escape(row.words)}: {escape(row.note)}</title>"
    dot = "sure" if row.sure else "unsure"
    body.append(f'<circle class="{dot}" cx="{x(row.value):.1f}" cy="{y:.1f}" r="4.5">{tip}</circle>')
    return body
