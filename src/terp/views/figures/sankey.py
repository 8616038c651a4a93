"""Where the money goes: from payers to classes of cost to parts, as ribbons whose widths are the amounts.

Widths are to scale and sum to the same in each of the three stages, which a test adds up from the attributes of the
bars.  A stage with many labels is taller than the others; each is centred on the height.

A euro is `_BODY` over the sum of all flows high, so that all money together is 300 units in every figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from terp.plan import MoneyFlow
from terp.views.figures.svg import WIDTH, Coordinate, rect, svg, tall, wrapped

_STAGES: Final = ("payer", "class", "line")
"""The stages from left to right."""
_BAR: Final = 12.0
_BODY: Final = 300.0
"""Height of all money together."""
_GAP, _TOP = 9.0, 8.0


@dataclass(frozen=True)
class _Places:
    """Where the stages stand.

    left         left edges of the bars;  chars_count   characters of a line of a label, by stage
    inside       whether the payers' labels stand on the right of their bars, as the others do
    """

    left: tuple[Coordinate, Coordinate, Coordinate]
    chars_count: tuple[int, int, int]
    inside: bool


_WIDE: Final = _Places((150.0, 370.0, 560.0), (21, 21, 28), inside=False)
_SLIM: Final = _Places((2.0, 118.0, 232.0), (13, 13, 13), inside=True)


@dataclass
class _Node:
    """A payer, a class or a part: where its bar stands, and how much of it is taken up on either side.

    words, label   its name, and the name with the amount
    amount_eur     of all flows through it
    top            upper edge of the bar
    left, right    heights that ribbons from the left, and to the right, have taken up so far
    """

    words: str
    chars_count: int
    label: str = ""
    amount_eur: float = 0.0
    top: Coordinate = 0.0
    left: Coordinate = 0.0
    right: Coordinate = 0.0


def sankey(
    flows: Sequence[MoneyFlow],
    name: Callable[[str, str], str],
    style: Mapping[str, str],
    money: Callable[[float], str],
    title: str,
    width: Coordinate = WIDTH,
) -> str:
    """Ribbons from payer to class to line; the bars of each of the three stages sum to the same.  Empty without money.

    flows   an amount each with its payer, class and line [EUR]
    name    (stage, key) -> what people call it
    style   payer -> class of colour
    money   how to write an amount

    Raises KeyError for a payer that `style` has no class for.
    """
    places = _WIDE if width >= WIDTH else _SLIM
    stages = [_nodes(flows, stage, name, money, places) for stage in _STAGES]
    total = sum(node.amount_eur for node in stages[0].values())
    if total <= 0:
        return ""
    scale = _BODY / total
    height = max(_stack(nodes, scale) for nodes in stages)
    for nodes in stages:  # each stage in the middle of the height
        shift = (height - _stack(nodes, scale)) / 2
        for node in nodes.values():
            node.top += shift
    ribbons = _ribbons(flows, stages, scale, style, money, places)
    return svg(height + 2 * _TOP, [*ribbons, *_bars(stages, scale, style, money, places)], title, width)


def _nodes(
    flows: Sequence[MoneyFlow], stage: str, name: Callable[[str, str], str], money: Callable[[float], str], places: _Places
) -> dict[str, _Node]:
    """The bars of a stage, in the order of the flows for payers and classes, by amount within a class for parts.

    stage   "payer", "class" or "line"; gives key -> bar, without its place
    name, money   as of `sankey`;  places   how many characters a line of a label has, by stage
    """
    nodes: dict[str, _Node] = {}
    classes = list(dict.fromkeys(flow.cost_class for flow in flows))
    of_class = {_at(flow, stage): classes.index(flow.cost_class) for flow in flows}
    for flow in flows:
        key = _at(flow, stage)
        node = nodes.setdefault(key, _Node(name(stage, key), places.chars_count[_STAGES.index(stage)]))
        node.amount_eur += flow.eur
    for node in nodes.values():
        amount = money(node.amount_eur)
        node.label = f"{node.words} {amount.replace(chr(0xA0), ' ') if places.inside else amount}"
    if stage != "line":
        return nodes
    return dict(sorted(nodes.items(), key=lambda item: (of_class[item[0]], -item[1].amount_eur)))


def _at(flow: MoneyFlow, stage: str) -> str:
    """Which bar of a stage a flow goes through."""
    return {"payer": flow.payer, "class": flow.cost_class, "line": flow.line}[stage]


def _stack(nodes: Mapping[str, _Node], scale: float) -> float:
    """Sets the tops of a stage, each with room for its label, and gives its height.

    scale   height of a euro

    A label may need more height than its bar, which then stands in the middle of that room; 9 units lie between two rooms.
    """
    at = 0.0
    for node in nodes.values():
        wide = node.amount_eur * scale
        room = max(wide, tall(node.label, node.chars_count) + 2)
        node.top = _TOP + at + (room - wide) / 2
        at += room + _GAP
    return at - _GAP


def _ribbons(
    flows: Sequence[MoneyFlow], stages: Sequence[Mapping[str, _Node]], scale: float, style: Mapping[str, str],
    money: Callable[[float], str], places: _Places,
) -> list[str]:  # fmt: skip
    """From stage to stage, in the order of the bars on both sides, so that ribbons cross as little as they can.

    Money that takes the same way is one ribbon, in its payer's colour all the way; nodes remember what is taken up.
    """
    body = []
    payers, lines = list(stages[0]), list(stages[2])
    for place in (0, 1):
        near, far = _STAGES[place], _STAGES[place + 1]
        order = sorted(flows, key=lambda flow: (payers.index(flow.payer), lines.index(flow.line)))
        summed: dict[tuple[str, str, str], float] = {}
        for flow in order:
            key = (_at(flow, near), _at(flow, far), flow.payer)
            summed[key] = summed.get(key, 0.0) + flow.eur
        keys = list(stages[place])
        for (source, target, payer), amount in sorted(summed.items(), key=lambda item: keys.index(item[0][0])):
            start, end, wide = stages[place][source], stages[place + 1][target], amount * scale
            y1, y2 = start.top + start.right, end.top + end.left
            start.right, end.left = start.right + wide, end.left + wide
            tip = f"{stages[0][payer].words}, {end.words}: {money(amount)}"
            body.append(_ribbon(places.left[place] + _BAR, places.left[place + 1], y1, y2, wide, style[payer], tip))
    return body


def _ribbon(x1: float, x2: float, y1: float, y2: float, wide: float, style: str, tip: str) -> str:
    """One ribbon of an even height from (x1, y1) to (x2, y2), with a tip."""
    middle = (x1 + x2) / 2
    path = (
        f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f} "
        f"V{y2 + wide:.1f} C{middle:.1f},{y2 + wide:.1f} {middle:.1f},{y1 + wide:.1f} {x1:.1f},{y1 + wide:.1f} Z"
    )
    return f'<path class="ribbon {style}" d="{path}"><title>{escape(tip)}</title></path>'


def _bars(
    stages: Sequence[Mapping[str, _Node]], scale: float, style: Mapping[str, str], money: Callable[[float], str],
    places: _Places,
) -> list[str]:  # fmt: skip
    """A bar and a label each: payers on the left where there is room, the others on the right of their bar.

    Amounts stand unrounded in `data-eur`, from which a test sums the stages.

    No bar is lower than one unit, so that a small amount can still be pointed at.
    """
    body = []
    for place, nodes in enumerate(stages):
        x = places.left[place]
        for key, node in nodes.items():
            wide = node.amount_eur * scale
            more = f' data-stage="{_STAGES[place]}" data-eur="{node.amount_eur!r}"'
            tip = f"{node.words}: {money(node.amount_eur)}"
            body.append(rect(x, node.top, _BAR, max(wide, 1), style[key] if place == 0 else "bar-ink", tip, more))
            outside = place == 0 and not places.inside
            at, anchor = (x - 8, "end") if outside else (x + _BAR + (5 if places.inside else 7), "start")
            look = "name" if outside else "name over"
            body.append(wrapped(at, node.top + wide / 2, node.label, node.chars_count, look, anchor))
    return body
