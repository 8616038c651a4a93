"""A machine drawn: its racks with their nodes, and its compute fabric by tiers.

Both are schematic: a machine file says how many racks there are and what hangs on what, not where things stand in a hall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import Final

from terp.views.figures.svg import WIDTH, Coordinate, line, rect, svg, text

_MOST_LINES: Final = 1_500
"""Nodes up to which each is drawn; of more, a rack shows how full it is."""


@dataclass(frozen=True)
class DrawnRack:
    """A rack that holds nodes.

    nodes_count   in it;  unit_index   the group that they belong to
    """

    nodes_count: int
    unit_index: int


def racks(some: Sequence[DrawnRack], per_rack: int, others_count: int, title: str, width: Coordinate = WIDTH) -> str:
    """Racks in rows from left to right, as they are numbered, with their nodes; racks of other things stand last.

    per_rack       nodes that a full rack holds
    others_count   racks of switches, storage and servers

    Groups of nodes take turns in two colours.
    """
    total = len(some) + others_count
    wide = 26.0 if total <= 130 else 13.0 if total <= 500 else 7.0
    high, gap, left = (58.0, 14.0, 30.0) if wide > 10 else (34.0, 8.0, 30.0)
    across = max(int((width - left - 4) // wide), 1)
    each = sum(rack.nodes_count for rack in some) <= _MOST_LINES
    body = []
    for index in range(total):
        row, column = divmod(index, across)
        x, y = left + wide * column, 4 + (high + gap) * row
        if column == 0:
            body.append(text(left - 6, y + high / 2 + 4, f"{index + 1}", "tick", "end"))
        rack = some[index] if index < len(some) else None
        words = f"rack {index + 1}: " + (
            f"{rack.nodes_count} nodes of group {rack.unit_index + 1}" if rack else "switches, storage, servers"
        )
        body.append(rect(x + 1, y, wide - 3, high, "rack", words))
        if rack is not None:
            body.append(_nodes(rack, (x + 2.5, y + 2, wide - 6, high - 4), per_rack, each=each))
    rows = ceil(total / across) if total else 1
    return svg(8 + (high + gap) * rows - gap, body, title, width)


def _nodes(rack: DrawnRack, box: tuple[float, float, float, float], per_rack: int, *, each: bool) -> str:
    """The nodes of a rack, from the bottom up: a line a node, or a bar as high as the rack is full.

    box   left, top, width and height of what they may fill
    """
    left, top, wide, high = box
    style = f"-{rack.unit_index % 2}"
    if not each:
        full = high * rack.nodes_count / max(per_rack, 1)
        return rect(left, top + high - full, wide, full, f"bar{style}")
    step = high / max(per_rack, 1)
    thick = max(min(step - 1.4, 10.0), 1.0)
    lines = "".join(f"M{left:.1f},{top + high - step * (place + 0.5):.1f}h{wide:.1f}" for place in range(rack.nodes_count))
    return f'<path class="slots{style}" stroke-width="{thick:.1f}" d="{lines}"/>'


@dataclass(frozen=True)
class Tier:
    """A level of the fabric, from the nodes upwards.

    words   what stands there, such as "48 leaf switches";  note   of what kind
    below   the cables to the level below, in words; empty at the bottom
    shown_count   boxes that stand for it
    """

    words: str
    note: str
    below: str
    shown_count: int


def tiers(some: Sequence[Tier], cut: str, title: str, width: Coordinate = WIDTH) -> str:
    """Levels over one another, joined by their cables, and the cut through the middle that the bisection counts.

    some   from the nodes upwards;  cut   what the bisection is, in words
    """
    named, high, between, foot = 20.0, 16.0, 40.0, 26.0
    step = named + high + between
    height = len(some) * step - between + foot
    body: list[str] = []
    tops = [height - foot - high - index * step for index in range(len(some))]
    for index, tier in enumerate(some[1:], 1):
        body += _cables(tops[index] + high, between, (some[index - 1].shown_count, tier.shown_count), width)
    for index, (tier, y) in enumerate(zip(some, tops, strict=True)):
        if index:
            body.append(text(width / 2 - 8, y + high + between / 2 + 4, tier.below, "name over", "end"))
        body += _boxes(tier, y, high, width)
        body.append(text(4, y - 6, tier.words, "name strong over"))
        if tier.note:
            body.append(text(width - 4, y - 6, tier.note, "small over", "end"))
    if cut:
        middle = width / 2
        body.append(f'<line class="cut" x1="{middle}" x2="{middle}" y1="{named - 6}" y2="{height - foot + 4}"/>')
        body.append(text(middle, height - 8, cut, "tick", "middle"))
    return svg(height, body, title, width)


def _places(count: int, width: Coordinate) -> list[float]:
    """Middles of so many boxes across a figure."""
    return [width * (index + 0.5) / count for index in range(count)]


def _boxes(tier: Tier, y: float, high: float, width: Coordinate) -> list[str]:
    """The boxes of a level.

    y   its upper edge;  high   its height;  width   of the figure
    """
    wide = width / tier.shown_count
    tip = escape(tier.words)
    return [
        f'<rect class="box" x="{middle - wide / 2 + 2:.1f}" y="{y:.1f}" width="{wide - 4:.1f}" height="{high}" rx="3">'
        f"<title>{tip}</title></rect>"
        for middle in _places(tier.shown_count, width)
    ]


def _cables(top: float, high: float, counts: tuple[int, int], width: Coordinate) -> list[str]:
    """Lines from each box below to each above.

    counts   boxes below and above; lines stand for cables, and are not counted
    """
    lower, upper = (_places(count, width) for count in counts)
    return [line(above, below, top, top + high, "cable") for below in lower for above in upper]
