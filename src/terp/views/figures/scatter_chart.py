"""Machines in a plane: the frontier as numbered dots with their names, and those that lost as crosses and circles.

Gives one SVG as text, or an empty text where there is nothing to draw; words and ways to write numbers come from the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot
from typing import Final

from terp.views.figures.svg import WIDTH, Coordinate, line, svg, text, ticks

Label = Callable[[float], str]
"""How to write a value."""
Place = Callable[[float], float]
"""Where a value stands along an axis."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 20.0, 30.0, 44.0
_APART: Final = 19.0  # between the centres of two numbered dots, so that both can be read
_CHAR: Final = 7.3  # width of a character of a label, the widest of the fonts that the page names


@dataclass(frozen=True)
class Point:
    """A machine in a scatter.

    mark    its number within the frontier, or x or o for one that lost
    words   its name, in the figure and as a tip
    at      its two values, along x and along y
    ends    of its interval along x; None where none is known
    """

    mark: str
    words: str
    at: tuple[float, float]
    ends: tuple[float, float] | None = None


def scatter(
    points: Sequence[Point], x_label: tuple[str, Label], y_label: tuple[str, Label], title: str, width: Coordinate = WIDTH
) -> str:
    """Numbered dots with names where there is room; those that lost as grey crosses and circles.

    points   drawn with the frontier over the rest; the first of it stands out
    x_label, y_label   what the axis shows, and how to write a value of it

    Dots that would lie on one another are moved apart, each with a line to where it belongs.

    A point whose mark is a number is of the frontier; any other mark is of one that lost.  Values may be in any unit that
    the labels write.
    """
    height = 370.0
    xs = [value for point in points for value in (point.at[0], *(point.ends or ()))]
    ys = [point.at[1] for point in points]
    if not xs:
        return ""
    low_x, high_x = _room(xs)
    low_y, high_y = _room(ys)

    def x(value: float) -> float:
        """Place of a value along x."""
        return _LEFT + (width - _LEFT - _RIGHT) * (value - low_x) / (high_x - low_x)

    def y(value: float) -> float:
        """Place of a value along y."""
        return _TOP + (height - _TOP - _BOTTOM) * (1 - (value - low_y) / (high_y - low_y))

    body = _grid((low_x, high_x), (low_y, high_y), (x, y), (x_label, y_label), (width, height))
    true = [(x(point.at[0]), y(point.at[1])) for point in points]
    numbered = [index for index, point in enumerate(points) if point.mark.isdigit()]
    limits = (_LEFT + 10, width - _RIGHT, _TOP + 10, height - _BOTTOM - 10)
    at = list(true)
    for index, place in zip(numbered, _spread([true[index] for index in numbered], limits), strict=True):
        at[index] = place
    taken = [(left - 9, top - 9, left + 9, top + 9) for left, top in at]
    taken += [(x(p.ends[0]), top - 1, x(p.ends[1]), top + 1) for p, (_, top) in zip(points, at, strict=True) if p.ends]
    for index in sorted(range(len(points)), key=lambda index: points[index].mark.isdigit()):  # the frontier over the rest
        body += _dot(points[index], true[index], at[index], x)
    body += _names(points, at, taken, (width, height))
    return svg(height, body, title, width)


def _grid(
    ends_x: tuple[float, float], ends_y: tuple[float, float], places: tuple[Place, Place],
    labels: tuple[tuple[str, Label], tuple[str, Label]], size: tuple[float, float],
) -> list[str]:  # fmt: skip
    """The lines and the words of the two axes of a scatter, the vertical one's title over the plot.

    ends_x, ends_y   of the axes;  labels   title and way to write a value, of each;  size   of the figure
    """
    (x, y), (x_label, y_label), (width, height) = places, labels, size
    body = []
    for value in ticks(*ends_x, 7 if width >= WIDTH else 4):
        body += [
            line(x(value), x(value), _TOP, height - _BOTTOM),
            text(x(value), height - 27, x_label[1](value), "tick", "middle"),
        ]
    for value in ticks(*ends_y, 5):
        body += [
            line(_LEFT, width - _RIGHT, y(value), y(value)),
            text(_LEFT - 8, y(value) + 4, y_label[1](value), "tick", "end"),
        ]
    return [*body, text(width - _RIGHT, height - 8, x_label[0], "axis", "end"), text(8, 14, y_label[0], "axis")]


def _spread(places: Sequence[tuple[float, float]], limits: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    """Places moved apart until no two are nearer than the size of a dot, each as little as that takes.

    limits   left, right, top and bottom that none leaves
    places   centres of the dots, in units of the figure

    Two that lie on the very same place are parted up and down.  After 80 rounds what is still too near stays so.
    """
    at = [[left, top] for left, top in places]
    for _ in range(80):
        moved = False
        for first in range(len(at)):
            for second in range(first):
                dx, dy = at[first][0] - at[second][0], at[first][1] - at[second][1]
                far = hypot(dx, dy)
                if far >= _APART - 0.01:
                    continue
                dx, dy, far = (dx, dy, far) if far > 0 else (0.0, 1.0, 1.0)
                push = (_APART - far) / 2 if (dx, dy) != (0.0, 1.0) else _APART / 2
                for index, way in ((first, 1), (second, -1)):
                    at[index][0] = min(max(at[index][0] + way * push * dx / far, limits[0]), limits[1])
                    at[index][1] = min(max(at[index][1] + way * push * dy / far, limits[2]), limits[3])
                moved = True
        if not moved:
            break
    return [(left, top) for left, top in at]


def _dot(point: Point, true: tuple[float, float], at: tuple[float, float], x: Place) -> list[str]:
    """A machine: a cross or a circle if it lost, else its numbered dot with its interval and a line to where it belongs.

    true, at   where it belongs, and where it is drawn

    x   place along the axis, for the ends of the interval
    """
    tip = f"<title>{escape(point.words)}</title>"
    if not point.mark.isdigit():
        return [_lost(point.mark, *at, tip)]
    body = [line(x(point.ends[0]), x(point.ends[1]), true[1], true[1], "whisker")] if point.ends is not None else []
    if hypot(at[0] - true[0], at[1] - true[1]) > 3:
        body += [
            line(true[0], at[0], true[1], at[1], "lead"),
            f'<circle class="seat" cx="{true[0]:.1f}" cy="{true[1]:.1f}" r="2"/>',
        ]
    style = "point first" if point.mark == "1" else "point"
    body.append(f'<circle class="{style}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="9">{tip}</circle>')
    return [*body, text(at[0], at[1] + 4, point.mark, "on", "middle")]


def _lost(mark: str, x: float, y: float, tip: str) -> str:
    """The cross or the circle of a machine that lost, with its tip.

    mark   "x" for a cross, any other for a circle;  x, y   its middle;  tip   as an element of SVG
    """
    if mark == "x":
        return f'<path class="lost" d="M{x - 4:.1f},{y - 4:.1f} l8,8 m0,-8 l-8,8">{tip}</path>'
    return f'<circle class="lost" cx="{x:.1f}" cy="{y:.1f}" r="4.5">{tip}</circle>'


def _room(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis, with some room around the values.

    An axis of values that are never negative does not go below 0.

    values   at least one of them

    >>> _room([10.0, 20.0])
    (9.2, 20.8)
    """
    low, high = min(values), max(values)
    around = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return max(low - around, 0.0) if low >= 0 else low - around, high + around


def _names(
    points: Sequence[Point], places: Sequence[tuple[float, float]], taken: list[tuple[float, float, float, float]],
    size: tuple[float, float],
) -> list[str]:  # fmt: skip
    """Names beside, over or under their dots where nothing else stands; the table has them all by number.

    Six places are tried for each; a name that fits in none of them is left out.

    places   where the dots are drawn;  size   of the figure
    taken    boxes (left, top, right, bottom) that are full; those of the names are added to it
    """
    body = []
    for point, (at_x, at_y) in zip(points, places, strict=True):
        if not point.mark.isdigit():
            continue
        words = f"{point.mark}: {point.words}"
        wide = _CHAR * len(words)
        for left, base in (
            (at_x + 13, at_y - 5), (at_x - 13 - wide, at_y - 5), (at_x + 13, at_y + 13), (at_x - 13 - wide, at_y + 13),
            (at_x - wide / 2, at_y - 14), (at_x - wide / 2, at_y + 22),
        ):  # fmt: skip
            box = (left, base - 11, left + wide, base + 3)
            inside = box[0] > _LEFT and box[2] < size[0] - 2 and box[1] > _TOP and box[3] < size[1] - _BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                body.append(text(left, base, words, "name over"))
                break
    return body


def _overlap(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, top, right, bottom) share any of their areas."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
