"""The figures of a plan: what goes into each.

How a figure is drawn is in `views.figures`; here values get their scale, and things their names.  Each function gives SVG,
or an empty text where there is nothing to show.

Along axes money is in million EUR, science in million H100-hours a year and a rate in Pflop/s; a plan holds them in euros,
hours and flop/s, so the scaling is done here.  Every figure is drawn in two widths (`views.figures.svg.both`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from markupsafe import Markup

from terp.plan import InputSwing, KindWins, PlannedMachine, PurchasePlan, RejectedKind
from terp.plan.reason_codes import Reason
from terp.views.figures import plan_charts as charts
from terp.views.figures.sankey import sankey
from terp.views.figures.scatter_chart import Point, scatter
from terp.views.figures.svg import WIDTH, Coordinate, both
from terp.views.messages import Language, capital

Axis = Literal["tco", "rmax"]
_SCALES: Final[dict[Axis, float]] = {"tco": 1e6, "rmax": 1e15}
MOST_SWINGS: Final = 12
"""Inputs in the tornado, the strongest first; beyond them bars are too short to see."""
MOST_SWINGS_NARROW: Final = 8
"""The same on a telephone, where a row takes more height."""
_SEEN: Final = 0.005  # of the scenarios: what would be shown as none
_GREY: Final = {"constraint": "x", "dominated": "o"}

interval = charts.interval


def flows(plan: PurchasePlan, language: Language, styles: Mapping[str, str]) -> Markup:
    """Where the money goes: from payers by class of cost to lines of cost, as bands as wide as the money.

    styles   payer -> class of its colour

    A payer that `styles` does not name is drawn in the sixth colour.
    """
    payers = {payer.name: payer.title for payer in plan.payers}

    def called(stage: str, key: str) -> str:
        if stage == "payer":
            return capital(language.title(payers.get(key, key)))
        if stage == "class" or (key in language.names["classes"] and key not in _lines(plan)):
            return language.name_of("classes", key)
        return capital(language.sentence(Reason(f"line.{key}")))

    colours = {**{flow.payer: "bar-5" for flow in plan.flows}, **styles}
    title = language.text("money_title")
    return both(lambda width: sankey(plan.flows, called, colours, language.money, title, width))


def _lines(plan: PurchasePlan) -> set[str]:
    """Keys of the lines of cost of the recommended machine."""
    return {cost.line for cost in plan.best.costs}


def frontier(plan: PurchasePlan, language: Language, axis: Axis) -> Markup:
    """Science against another figure: the frontier numbered as in its table, and those that lost where they are known.

    axis   "tco": cost of all years [million EUR];  "rmax": rate in HPL [Pflop/s].  Science is in million H100-hours a year

    A machine that lost is drawn where the plan knows both of its figures: as a cross where a constraint keeps it out, as a
    circle where another machine beats it.
    """
    scale = _SCALES[axis]
    points = []
    for index, machine in enumerate(plan.machines, 1):
        value, low, high = _along(machine, axis)
        words = f"{language.fixed(machine.gpus_count)} {machine.gpu}"  # its title would not fit; the table has it
        at = value / scale, machine.science_h100_hours_per_year / 1e6
        points.append(Point(f"{index}", words, at, (low / scale, high / scale)))
    for row in plan.rejected:
        at_ = _of_loser(row, axis)
        if at_ is not None:
            at = at_[0] / scale, at_[1] / 1e6
            points.append(Point(_GREY[row.kind], language.sentence(row.of.title), at))
    axes = language.text(f"axis_{axis}"), language.text("axis_science")
    labels = (axes[0], language.number), (axes[1], language.number)
    return both(lambda width: scatter(points, *labels, language.text("frontier_title"), width))


def _along(machine: PlannedMachine, axis: Axis) -> tuple[float, float, float]:
    """Where a machine stands along an axis, and the ends of its interval [EUR, or flop/s]."""
    if axis == "tco":
        return machine.tco_eur, machine.tco_low_eur, machine.tco_high_eur
    return machine.rmax_flop_per_s, machine.rmax_low_flop_per_s, machine.rmax_high_flop_per_s


def _of_loser(row: RejectedKind, axis: Axis) -> tuple[float, float] | None:
    """Where what lost stands: along an axis, and its science a year; None where it was not worked out."""
    along = row.tco_eur if axis == "tco" else row.rmax_flop_per_s
    science = row.science_h100_hours_per_year
    return None if along is None or science is None else (along, science)


def rank(best: PlannedMachine, language: Language) -> Markup:
    """Rank over the years, with its band, of the recommended machine.

    The band goes from `rank_low` to `rank_high`, which are by the growth of the list alone; None is below its last place.
    """
    rows = [(str(row.year), row.rank, row.rank_low, row.rank_high) for row in best.ranks]
    return both(lambda width: charts.rank_over_years(rows, language.text("below"), language.text("rank_title"), width))


def cash(plan: PurchasePlan, language: Language, styles: Mapping[str, str]) -> Markup:
    """Money by year and payer [million EUR].

    styles   payer -> class of its colour, in the order in which bars are stacked
    """
    summed = cash_by_year(plan)
    rows = [(str(year), [by_payer.get(name, 0.0) / 1e6 for name in styles]) for year, by_payer in summed.items()]
    title, bars = language.text("cash_title"), list(styles.values())
    return both(lambda width: charts.cash_flow(rows, bars, _tenths(language), title, language.number, width))


def cash_by_year(plan: PurchasePlan) -> dict[int, dict[str, float]]:
    """Year -> payer -> euros, every year from the first to the last, those in which nobody pays too.

    A year in which nobody pays has an empty mapping; a plan without any payment gives no year.
    """
    years = [row.year for row in plan.cash_flow]
    summed: dict[int, dict[str, float]] = {year: {} for year in range(min(years, default=0), max(years, default=-1) + 1)}
    for row in plan.cash_flow:
        summed[row.year][row.payer] = summed[row.year].get(row.payer, 0.0) + row.eur
    return summed


def _tenths(language: Language) -> charts.Label:
    """Writes a number with one decimal."""
    return lambda value: language.fixed(value, 1)


def science(plan: PurchasePlan, language: Language, names: Mapping[str, str]) -> Markup:
    """Each domain on the recommended machine and on the next of the frontier [million H100-hours a year].

    names   domain -> what it is called
    In brackets behind each name stands the weight of the domain in the budget, 0 % where the budget does not weigh it.
    """
    machines = plan.machines[:2]
    rows = [
        (
            f"{capital(words)} ({language.percent(plan.budget.domains.get(key, 0.0))})",
            [machine.science.get(key, 0.0) / 1e6 for machine in machines],
        )
        for key, words in names.items()
    ]
    bars, title = ["bar-0", "bar-soft"][: len(machines)], language.text("science_title")
    return both(lambda width: charts.pairs(rows, bars, _tenths(language), title, width))


def sensitivity(rows: Sequence[InputSwing], language: Language) -> Markup:
    """The tornado: what each input does to the objective, and where another kind of machine wins.

    rows   the strongest first; the first MOST_SWINGS are drawn, and what is assumed has its mark
    Ends are multiples of an input's central value, and effects are shares of the objective as planned.  On a telephone the
    first MOST_SWINGS_NARROW are drawn.
    """

    def times(ratio: float) -> str:
        return language.text("times", ratio=language.number(ratio, 2))

    bars: list[charts.TornadoBar] = []
    for row in rows[:MOST_SWINGS]:
        low, high = row.objective_low_fraction, row.objective_high_fraction
        breaks, words = None, ""
        if row.changes_at_ratio is not None and row.changes_to is not None:
            breaks = charts.effect_at(row.changes_at_ratio, (row.low_ratio, low), (row.high_ratio, high))
            words = f"{times(row.changes_at_ratio)}: {language.sentence(row.changes_to.title)}"
        ends = times(row.low_ratio), times(row.high_ratio)
        assumed = "\u00a0†" if row.status == "assumed" else ""
        bars.append(charts.TornadoBar(language.plain(row.title) + assumed, low, high, ends, breaks, words))
    title = language.text("sensitivity_title")

    def drawn(width: Coordinate) -> str:
        some = bars if width >= WIDTH else bars[:MOST_SWINGS_NARROW]
        return charts.tornado(some, lambda value: language.percent(value, sign=True), title, width)

    return both(drawn)


def wins(rows: Sequence[KindWins], language: Language) -> Markup:
    """How often each kind of machine wins in the price scenarios; those below half a percent are left out."""
    bars = [(language.sentence(row.design.title), [row.fraction]) for row in rows if row.fraction >= _SEEN]
    return both(lambda width: charts.pairs(bars, ["bar-0"], language.percent, language.text("robust_title"), width))
