"""Figures of results with matplotlib, for notebooks: a function each, that draws in axes.

matplotlib is of the extra `plots` and imported only when a figure is drawn.  `FIGURES` says which figures each kind of
result has; `result.plot(name)` ends here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from terp.errors import Problem, Problems, did_you_mean, printable
from terp.files import write_through
from terp.plan import PlannedMachine, PurchasePlan, RejectedKind
from terp.results import Run
from terp.results.record import Result
from terp.results.training_results import SearchResult, TrainingResult
from terp.units import DAY_S, HOUR_S
from terp.views.figures.run_days import by_day

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#1b5e8a", "#d9822b", "#3b8f5a", "#8a4f9e", "#777777")
"""Colours that people with red-green blindness can tell apart, in the order of use."""
ENDINGS: Final = (".svg", ".png", ".pdf")
"""Endings of files that a figure can be written to."""
LEAST_PART: Final = 0.002
"""Parts of a step that are smaller, as a share of it, are not drawn."""

Draw = Callable[[Result, "Axes"], None]
"""A figure: draws a result in axes."""


def plot(result: Result, figure: str, axes: Axes | None = None) -> Axes:
    """Draws a figure of a result.

    figure   one of those that `FIGURES` has for results of this kind
    axes     to draw in; a figure of its own if None

    Gives the axes.  Raises Problems for another figure, and where matplotlib is not installed.
    """
    drawn = next((figures for kind, figures in FIGURES.items() if isinstance(result, kind)), {})
    if figure not in drawn:
        would_do = did_you_mean(str(figure), drawn)
        raise Problems([Problem("", 0, 0, "figure", f"{type(result).__name__} has no such figure", repr(figure), would_do)])
    target = _own_axes() if axes is None else axes
    drawn[figure](result, target)
    for side in ("top", "right"):
        target.spines[side].set_visible(False)
    return target


def _own_axes() -> Axes:
    """Axes of a figure that belongs to nobody else.  Raises Problems where matplotlib is not installed.

    The figure is 7.5 by 3.2 inches and made without pyplot, which would keep it open.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        would_do = "install it: pip install matplotlib, or this with its extra `plots`"
        raise Problems([Problem("", 0, 0, "", "matplotlib is not installed", would_do=would_do)]) from None
    return Figure(figsize=(7.5, 3.2), layout="constrained").add_subplot()


def use(result: Result, axes: Axes) -> None:
    """GPUs in use by day, as a share of all [%].

    result   a Run;  axes   to draw in, from day 0 on and from 0 to 100 %
    """
    daily = by_day(cast("Run", result))
    axes.fill_between(np.arange(daily.busy_fraction.size), 100 * daily.busy_fraction, color=COLOURS[0], alpha=0.8)
    axes.set(xlabel="day", ylabel="GPUs in use [%]", ylim=(0, 100))


def power(result: Result, axes: Axes) -> None:
    """Power by day: at the meter, and of the machine [MW].

    What lies between the two lines is what cooling and conversion take.
    result   a Run;  axes   to draw in, from 0 upwards
    """
    daily = by_day(cast("Run", result))
    days = np.arange(daily.it_power_w.size)
    axes.plot(days, daily.facility_power_w / 1e6, color=COLOURS[1], label="at the meter")
    axes.plot(days, daily.it_power_w / 1e6, color=COLOURS[0], label="machine")
    axes.set(xlabel="day", ylabel="power [MW]", ylim=(0, None))
    axes.legend(frameon=False)


def waits(result: Result, axes: Axes) -> None:
    """Median, mean and 95th percentile of the wait by size of job, in hours, on a logarithmic axis.

    Classes without a job are left out; the smallest stands at the bottom.
    result   a Run;  axes   to draw in; a wait of less than a second is drawn as one of a second
    """
    classes = [entry for entry in cast("Run", result).summary.sizes if entry.jobs_count]
    rows = np.arange(len(classes))
    for name, marker, colour in (("median", "o", COLOURS[0]), ("mean", "s", COLOURS[2]), ("p95", "^", COLOURS[1])):
        hours = [max(getattr(entry, f"{name}_wait_s"), 1.0) / HOUR_S for entry in classes]
        axes.plot(hours, rows, marker, color=colour, label="95th percentile" if name == "p95" else name)
    axes.set(xlabel="wait [h]; under a second as a second", xscale="log", ylim=(-0.5, len(classes) - 0.5))
    axes.set_yticks(rows, [f"{entry.lowest_gpus_count} to {entry.highest_gpus_count} GPUs" for entry in classes])
    axes.legend(frameon=False)


def breakdown(result: Result, axes: Axes) -> None:
    """Where a step's time goes: a bar a part, as a share of the step [%], the largest on top.

    result   a TrainingResult; parts that are less than LEAST_PART of the step are left out
    """
    step = cast("TrainingResult", result)
    shares = {name.removesuffix("_s"): part / step.step_s for name, part in asdict(step.breakdown).items()}
    drawn = dict(sorted(((name, share) for name, share in shares.items() if share > LEAST_PART), key=lambda item: item[1]))
    axes.barh(list(drawn), [100 * share for share in drawn.values()], color=COLOURS[0])
    axes.set(xlabel=f"share of a step of {step.step_s:.3g} s [%]")


def frontier(result: Result, axes: Axes) -> None:
    """Days of the run, or seconds of a step, over GPUs, of the best split of each number of nodes, both logarithmic.

    Beside it the line of perfect scaling from the smallest, and the knee, with its GPUs and time.
    result   a SearchResult; days are drawn where its best split has a run, seconds of a step otherwise
    """
    searched = cast("SearchResult", result)
    entries = sorted(searched.frontier, key=lambda entry: entry.gpus_count)
    first, knee, of_run = entries[0], searched.knee, searched.best.run is not None
    unit_s = DAY_S if of_run else 1
    gpus, times = [entry.gpus_count for entry in entries], [entry.time_s / unit_s for entry in entries]
    perfect = [first.gpu_time_s / count / unit_s for count in gpus]
    axes.plot(gpus, perfect, "--", color=COLOURS[4], linewidth=1, label="perfect scaling")
    axes.plot(gpus, times, "o-", color=COLOURS[0], markersize=3, label="best split")
    at, words = knee.time_s / unit_s, "days" if of_run else "s"
    mark = "knee" if searched.knee_is_reached else "more still pay"
    axes.plot([knee.gpus_count], [at], "D", color=COLOURS[1], markersize=8, label=mark)
    label = f"{knee.gpus_count:,} GPUs, {at:.3g} {words}"
    axes.annotate(label, (knee.gpus_count, at), xytext=(-8, -14), textcoords="offset points", ha="right")
    axes.set(xlabel="GPUs", ylabel="run [days]" if of_run else "step [s]", xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.legend(frameon=False)


def save_figure(result: Result, figure: str, path: Path) -> None:
    """Writes a figure of a result to a file, in the format of its ending.

    figure   one of those that `FIGURES` has for results of this kind
    path     that ends with .svg, .png or .pdf

    Raises Problems for another ending, where matplotlib is not installed, and where it cannot be written.
    A picture of pixels has 160 to an inch.  The file is whole or not there: it is written beside its name, then renamed.
    """
    if path.suffix.lower() not in ENDINGS:
        found = repr(path.suffix) if path.suffix else "none"
        raise Problems([Problem(str(path), 0, 0, "", "not an ending of a picture", found, f"{', '.join(ENDINGS)} would do")])
    axes = _own_axes()
    plot(result, figure, axes)
    drawn = cast("Figure", axes.figure)
    write_through(path, lambda draft: drawn.savefig(draft, format=path.suffix.lower()[1:], dpi=160))


_DONE: Final[Mapping[str, tuple[str, float, str]]] = {
    "science": ("science_h100_hours_per_year", 1e6, "science [million H100-hours per year]"),
    "rmax": ("rmax_flop_per_s", 1e15, "HPL Rmax [Pflop/s]"),
}
"""Objective -> the figure of a machine that it counts, which losers have too, its divisor and its label."""


def machines_by_cost(result: Result, axes: Axes) -> None:
    """What the machines of a plan do against what they cost over all years [million EUR], with 90 % intervals of the cost.

    What they do is Rmax where the plan was made for it, and science per year for any other objective.  The recommended
    machine is drawn apart; kinds that lost are grey crosses, where the plan knows both of their figures.
    """
    plan = cast("PurchasePlan", result)
    attribute, divisor, label = _DONE.get(plan.budget.objective, _DONE["science"])

    def done(machine: PlannedMachine | RejectedKind) -> float:
        value: float | None = getattr(machine, attribute)
        return float("nan") if value is None else value / divisor  # matplotlib leaves out what is no number

    lost = [(row.tco_eur / 1e6, done(row)) for row in plan.rejected if row.tco_eur is not None]
    axes.plot([at[0] for at in lost], [at[1] for at in lost], "x", color=COLOURS[4], label="lost")
    for number, machine in enumerate(plan.machines):
        cost, height = machine.tco_eur / 1e6, done(machine)
        beyond = [[cost - machine.tco_low_eur / 1e6], [machine.tco_high_eur / 1e6 - cost]]
        label_of = "recommended" if not number else "frontier" if number == 1 else None
        axes.errorbar([cost], [height], xerr=beyond, fmt="o", color=COLOURS[0 if number else 1], label=label_of)
        words = printable(f"{machine.gpus_count:,} {machine.gpu}")
        named = axes.annotate(words, (cost, height), xytext=(5, 5), textcoords="offset points")
        named.set_parse_math(False)  # a dollar in a title begins no formula
        named.set_in_layout(False)  # nor does a long one take the room of the axes
    axes.set(xlabel="total cost of ownership [million EUR]", ylabel=label)
    axes.legend(frameon=False)


FIGURES: Final[Mapping[type[Result], Mapping[str, Draw]]] = {
    Run: {"use": use, "waits": waits, "power": power},
    TrainingResult: {"breakdown": breakdown},
    SearchResult: {"frontier": frontier},
    PurchasePlan: {"frontier": machines_by_cost},
}
"""Kind of result -> its figures by name."""
