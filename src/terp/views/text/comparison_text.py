"""Bands and comparisons for the terminal.

A band is what the years of one point of a sweep lie between; a comparison is a case beside the first one, in pairs of
years with the same seed.  Figures are shown in the unit that their key ends with, money, power and energy scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from terp.results.comparison import CaseDifference, PointBands
from terp.results.figures import HEADLINES, FigureDifference
from terp.units import HOUR_S, UNITS, number, show
from terp.views.text.columns import aligned

_MOST_POINTS: Final = 12
"""Points of a sweep that fit on a screen; --json has all."""
_SHOWN: Final = ("w", "j", "s", "eur")
"""Units that are scaled to thousands, millions and so on."""


def figure_text(key: str, value: float | None, *, sign: bool = False) -> str:
    """A figure for people, in the unit of its key; a dash for none.

    key    such as "mean_wait_s" or "energy.facility_energy_j": its last word is the unit
    sign   whether a value above 0 has its plus, as a difference has

    >>> figure_text("utilisation_fraction", 0.5)
    '50.00 %'
    """
    if value is None:
        return "-"
    plus = "+" if sign and value > 0 else ""
    name = key.rpartition(".")[2]
    if name.endswith("_gpu_s"):
        return f"{plus}{number(value / HOUR_S)} GPU h"
    unit = max((unit for unit in UNITS if name.endswith(f"_{unit}")), key=len, default="")
    if unit == "fraction":
        return f"{plus}{100 * value:.2f} %"
    if unit == "kg":
        return f"{plus}{number(value / 1000)} t"
    return plus + (show(value, unit) if unit in _SHOWN else number(value, 4))


def title_of(key: str) -> str:
    """What a figure is called; by its key without the unit, if it is no headline.

    >>> title_of("mean_detour_s")
    'mean detour'
    """
    unit = max((unit for unit in UNITS if key.endswith(f"_{unit}")), key=len, default="")
    return HEADLINES.get(key) or key.removesuffix(f"_{unit}").replace("_", " ")


def bands_text(points: Sequence[PointBands]) -> str:
    """A table of headlines for each point of a sweep: mean, standard error, and the band from 5 to 95 %.

    points   in the order of the sweep.  A point of fewer than 20 years has no band, which a line below says
    """
    lines: list[str] = []
    for point in points[:_MOST_POINTS]:
        years = point["years_count"]
        words = [f"{name} {value}" for name, value in point["point"].items()]
        lines += ["", ", ".join([*words, f"{years:,} {'year' if years == 1 else 'years'}"])]
        rows: list[tuple[str, ...]] = [("", "mean", "standard error", "5 %", "95 %")]
        for row in point["figures"]:
            values = (row[name] for name in ("mean", "standard_error", "low", "high"))
            rows.append((title_of(row["figure"]), *(figure_text(row["figure"], value) for value in values)))
        lines += [f"  {line}" for line in aligned(rows)]
    if len(points) > _MOST_POINTS:
        lines.append(f"\n{len(points) - _MOST_POINTS:,} more points; --json prints all")
    if any(row["low"] is None for point in points for row in point["figures"]):
        lines.append("\na band of 5 to 95 % needs 20 seeds a point")
    return "\n".join(lines[1:])


def differences_text(compared: Sequence[CaseDifference]) -> str:
    """A table of differences for each case beside the first.

    compared   a case each, with what was changed of its inputs and the years that have a partner of the same seed

    An asterisk marks a difference whose 95 % interval leaves out zero.  Figures that did not move stand in one line.
    """
    lines: list[str] = []
    for entry in compared:
        pairs = len(entry["seeds"])
        lines += [f"{entry['base']} -> {entry['other']}", *_changes(entry["changes"])]
        paired = f"{pairs} pairs of years, by seed" if pairs > 1 else "one pair of years: no interval can be given"
        left_out = f"; {entry['unpaired_count']} years without a partner are left out" if entry["unpaired_count"] else ""
        rows: list[tuple[str, ...]] = [("", "from", "to", "difference", "95 % interval", "relative")]
        rows += [_row(row) for row in entry["differences"] if row["difference"] or row["low"]]
        same = [title_of(row["figure"]) for row in entry["differences"] if not row["difference"] and not row["low"]]
        lines += [f"  {paired}{left_out}", "", *(f"  {line}" for line in aligned(rows))]
        if same:
            lines.append(f"  unchanged: {', '.join(same)}")
        lines.append("")
    if any(row["low"] is not None for entry in compared for row in entry["differences"]):
        lines.append("* the interval leaves out zero; of 20 figures that do not change, one does so by chance")
    return "\n".join(lines).rstrip()


def _changes(changes: Sequence[str]) -> list[str]:
    """What was changed, and a warning where it was more than one thing.

    changes   a line each, such as "load: 0.7 -> 0.8"
    """
    if not changes:
        return ["  the same inputs"]
    lines = [f"  {line}" for line in changes]
    if len(changes) > 1:
        lines.append(f"  {len(changes)} inputs differ: what follows cannot be put down to one of them")
    return lines


def _row(row: FigureDifference) -> tuple[str, ...]:
    """One figure: both values, the difference with its interval, and how much that is of the first."""
    key, low, high = row["figure"], row["low"], row["high"]
    interval = "-" if low is None else f"{figure_text(key, low, sign=True)} to {figure_text(key, high, sign=True)}"
    mark = " *" if low is not None and high is not None and (low > 0 or high < 0) else ""
    relative = "from nothing" if row["effect_ratio"] is None else f"{100 * row['effect_ratio']:+.2f} %"
    values = (figure_text(key, row["base"]), figure_text(key, row["other"]))
    return (title_of(key), *values, figure_text(key, row["difference"], sign=True), interval, relative + mark)
