"""Bands and comparisons for the terminal.

A band is what the years of one point of a sweep lie between; a comparison is a case beside the first one, in pairs of
years with the same seed.  Figures are shown in the unit that their key ends with, money, power and energy scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from terp.results.comparison import CaseDifference, PointBands
from terp.results.figures import FEWEST_OF_BAND, HEADLINES, FigureDifference, is_told_apart
from terp.units import HOUR_S, UNITS, number, show
from terp.views.text.columns import aligned

_MOST_POINTS: Final = 12
"""Points of a sweep that fit on a screen; --json has all."""
_SURE: Final = (
    "  told apart from chance: the 95 % interval leaves out zero (of 20 figures that do not change, one does by chance)"
)
_UNSURE: Final = "  not told apart from chance"
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


def dimension_of(key: str) -> str:
    """The dimension of a figure, by the end of its key; GPU time, which is seconds of GPUs, is one of its own.

    >>> dimension_of("lost_gpu_s"), dimension_of("mean_wait_s")
    ('gpu_s', 's')

    key   as of `figure_text`; "ratio" where it ends with no unit
    """
    name = key.rpartition(".")[2]
    if name.endswith("_gpu_s"):
        return "gpu_s"
    return max((unit for unit in UNITS if name.endswith(f"_{unit}")), key=len, default="ratio")


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
    banded = any(row["low"] is not None for point in points for row in point["figures"])
    several = any(row["standard_error"] is not None for point in points for row in point["figures"])
    columns = ["mean", *(["standard_error"] if several else []), *(["low", "high"] if banded else [])]
    heads = {"mean": "mean", "standard_error": "standard error", "low": "5 %", "high": "95 %"}
    for point in points[:_MOST_POINTS]:
        years = point["years_count"]
        words = [f"{name} {value}" for name, value in point["point"].items()]
        lines += ["", ", ".join([*words, f"{years:,} {'year' if years == 1 else 'years'}"])]
        rows: list[tuple[str, ...]] = [("", *(heads[name] for name in columns))]
        for row in point["figures"]:
            values: dict[str, float | None] = {name: row[name] for name in heads}  # type: ignore[literal-required]
            rows.append((title_of(row["figure"]), *(figure_text(row["figure"], values[name]) for name in columns)))
        lines += [f"  {line}" for line in aligned(rows)]
    if len(points) > _MOST_POINTS:
        lines.append(f"\n{len(points) - _MOST_POINTS:,} more points; --json prints all")
    if not several:
        lines.append(
            "\none seed a point: how far the years of other seeds lie apart is not known; --over seed=1..20 would tell"
        )
    elif any(row["low"] is None for point in points for row in point["figures"]):
        lines.append(f"\na band of 5 to 95 % needs {FEWEST_OF_BAND} seeds a point, which not every point has")
    return "\n".join(lines[1:])


def differences_text(compared: Sequence[CaseDifference]) -> str:
    """A table of differences for each case beside the first.

    compared   a case each, with what was changed of its inputs and the years that have a partner of the same seed

    What is told apart from chance, since its 95 % interval leaves out zero, stands first, the rest in a block of its own.
    Figures that did not move stand in one line.
    """
    lines: list[str] = []
    for entry in compared:
        pairs = len(entry["seeds"])
        lines += [f"{entry['base']} -> {entry['other']}", *_changes(entry["changes"])]
        paired = f"{pairs} pairs of years, by seed" if pairs > 1 else "one pair of years: no interval can be given"
        left_out = f"; {entry['unpaired_count']} years without a partner are left out" if entry["unpaired_count"] else ""
        changed = [row for row in entry["differences"] if row["difference"] or row["low"]]
        sure = [row for row in changed if is_told_apart(row)]
        rest = [row for row in changed if not is_told_apart(row)]
        lines += [f"  {paired}{left_out}", ""]
        if sure:
            lines += [_SURE, *_table(sure), ""]
        if rest:
            lines += [_UNSURE if pairs > 1 else "  changes, which may be chance", *_table(rest)]
        same = [title_of(row["figure"]) for row in entry["differences"] if row not in changed]
        if same:
            lines.append(f"  unchanged: {', '.join(same)}")
        lines.append("")
    return "\n".join(lines).rstrip()


def _table(rows: Sequence[FigureDifference]) -> list[str]:
    """Rows of differences under their head; the interval has a column where any row has one.

    rows   of one case, in the order in which they are shown
    """
    paired = any(row["low"] is not None for row in rows)
    head = ("", "from", "to", "difference", *(["95 % interval"] if paired else []), "relative")
    return [f"  {line}" for line in aligned([head, *(_row(row, paired=paired) for row in rows)])]


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


def _row(row: FigureDifference, *, paired: bool) -> tuple[str, ...]:
    """One figure: both values, the difference, its interval if that has a column, and how much it is of the first.

    As many cells as the head in `_table` has: five, and a sixth with the interval.
    """
    key, low, high = row["figure"], row["low"], row["high"]
    interval = "-" if low is None else f"{figure_text(key, low, sign=True)} to {figure_text(key, high, sign=True)}"
    relative = "from nothing" if row["effect_ratio"] is None else f"{100 * row['effect_ratio']:+.2f} %"
    values = (figure_text(key, row["base"]), figure_text(key, row["other"]), figure_text(key, row["difference"], sign=True))
    return (title_of(key), *values, *([interval] if paired else []), relative)
