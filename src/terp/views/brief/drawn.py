"""The figures of a plan: what goes into each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from terp.views.brief.language import Language, capital
from terp.views.figures import plan_charts as charts
from terp.views.figures.sankey import sankey

Plan = Mapping[str, Any]
SCIENCE: Final = "science_h100_hours_per_year"
_SCALES: Final = {"tco_eur": 1e6, "rmax_flop_per_s": 1e15}
MOST_SWINGS: Final = 12
"""Inputs in the tornado, the strongest first; beyond them bars are too short to see."""
_FELT: Final = 0.005
_SEEN: Final = 0.005  # of the scenarios: what would be shown as none
_GREY: Final = {"constraint": "x", "dominated": "o"}
_TITLES: Final = {"tco_eur": "tco", "rmax_flop_per_s": "rmax"}

interval = charts.interval


def flows(plan: Plan, language: Language, styles: Mapping[str, str]) -> str:
    """Where the money goes."""
    payers = {payer["name"]: payer["title"] for payer in plan["payers"]}
    lines = {cost["line"]: cost["title"] for cost in plan["best"]["costs"]}

    def called(stage: str, key: str) -> str:
        if stage == "payer":
            return capital(language.sentence(payers.get(key, key)))
        return language.name_of("classes", key) if stage == "class" else language.name_of("lines", key, lines.get(key, ""))

    colours = {**{flow["payer"]: "bar-5" for flow in plan["flows"]}, **styles}
    return sankey(plan["flows"], called, colours, language.money, language.text("money_title"))


def frontier(plan: Plan, language: Language, key: str) -> str:
    """Science against another figure: the frontier numbered as in its table, and those that lost where they are known."""
    scale = _SCALES[key]
    points = []
    for index, machine in enumerate(plan["frontier"], 1):
        ends = [machine.get(key.replace(_unit(key), f"{end}_{_unit(key)}")) for end in ("low", "high")]
        interval_ends = None if None in ends else (ends[0] / scale, ends[1] / scale)
        words = (
            f"{language.fixed(machine['gpus_count'])} {short(machine['gpu'])}"  # its title would not fit; the table has it
        )
        at = machine[key] / scale, machine[SCIENCE] / 1e6
        points.append(charts.Point(f"{index}", words, at, interval_ends))
    points += [
        charts.Point(
            _GREY.get(lost["kind"], "o"), language.sentence(lost["title"]), (lost[key] / scale, lost[SCIENCE] / 1e6)
        )
        for lost in plan["rejected"]
        if lost.get(key) is not None and lost.get(SCIENCE) is not None
    ]
    axes = language.text(f"axis_{_TITLES[key]}"), language.text("axis_science")
    return charts.scatter(points, (axes[0], language.number), (axes[1], language.number), language.text("frontier_title"))


def _unit(key: str) -> str:
    return "eur" if key.endswith("_eur") else "flop_per_s"


def rank(best: Plan, language: Language) -> str:
    """Rank over the years."""
    rows = [(str(row["year"]), row["rank"], row["rank_low"], row["rank_high"]) for row in best["ranks"]]
    return charts.rank_over_years(rows, language.text("below"), language.text("rank_title"))


def cash(plan: Plan, language: Language, styles: Mapping[str, str]) -> str:
    """Money by year and payer."""
    summed = cash_by_year(plan)
    rows = [(str(year), [by_payer.get(name, 0.0) / 1e6 for name in styles]) for year, by_payer in summed.items()]
    return charts.cash_flow(rows, list(styles.values()), _tenths(language), language.text("cash_title"), language.number)


def cash_by_year(plan: Plan) -> dict[int, dict[str, float]]:
    """Year -> payer -> euros, every year from the first to the last."""
    years = [row["year"] for row in plan["cash_flow"]]
    summed: dict[int, dict[str, float]] = {year: {} for year in range(min(years, default=0), max(years, default=-1) + 1)}
    for row in plan["cash_flow"]:
        summed[row["year"]][row["payer"]] = summed[row["year"]].get(row["payer"], 0.0) + row["eur"]
    return summed


def _tenths(language: Language) -> charts.Label:
    return lambda value: language.fixed(value, 1)


def science(plan: Plan, language: Language, names: Mapping[str, str]) -> str:
    """Each domain on the recommended machine and on the next of the frontier."""
    machines = compared(plan)
    rows = [
        (
            f"{capital(words)} ({language.percent(plan['budget']['domains'].get(key, 0.0))})",
            [machine["science"].get(key, 0.0) / 1e6 for machine in machines],
        )
        for key, words in names.items()
    ]
    return charts.pairs(rows, ["bar-0", "bar-soft"][: len(machines)], _tenths(language), language.text("science_title"))


def short(gpu: str) -> str:
    """A GPU without what follows its name."""
    return gpu.partition(",")[0]


def compared(plan: Plan) -> list[Plan]:
    """The recommended machine and the next of the frontier, if there is one."""
    return (list(plan["frontier"]) or [plan["best"]])[:2]


def sensitivity(rows: Sequence[Plan], language: Language) -> str:
    """The tornado; ratios at the ends of each range, and where another design wins."""

    def times(ratio: float) -> str:
        return language.text("times", ratio=language.number(ratio, 2))

    swings: list[charts.Swing] = []
    for row in rows[:MOST_SWINGS]:
        low, high = row["objective_low_fraction"], row["objective_high_fraction"]
        ratio, breaks = row["changes_at_ratio"], None
        if ratio is not None:
            breaks = charts.effect_at(ratio, (row["low_ratio"], low), (row["high_ratio"], high))
        ends = times(row["low_ratio"]), times(row["high_ratio"])
        words = "" if ratio is None else f"{times(ratio)}: {language.sentence(row['changes_to'] or '')}"
        assumed = "\u00a0†" if row["status"] == "assumed" else ""
        swings.append(charts.Swing(language.sentence(row["title"]) + assumed, low, high, ends, breaks, words))
    return charts.tornado(swings, lambda value: language.percent(value, sign=True), language.text("sensitivity_title"))


def felt(rows: Sequence[Plan]) -> list[Plan]:
    """The inputs that move the objective by half a percent, or within whose range another design wins."""
    return [
        row
        for row in rows
        if max(abs(row["objective_low_fraction"]), abs(row["objective_high_fraction"])) >= _FELT
        or (row["changes_at_ratio"] is not None and row["low_ratio"] <= row["changes_at_ratio"] <= row["high_ratio"])
    ]


def wins(rows: Sequence[Plan], language: Language) -> str:
    """How often each design wins."""
    bars = [(language.sentence(row["design"]), [row["fraction"]]) for row in rows if row["fraction"] >= _SEEN]
    return charts.pairs(bars, ["bar-0"], language.percent, language.text("robust_title"))
