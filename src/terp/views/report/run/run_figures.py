"""The figures of a run's page, each in both widths: what is drawn, on which scale, and how its values are written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

from terp.results import Run
from terp.results.run_summary import ShareOfTime, SizeClass
from terp.units import number, show
from terp.views.figures import run_charts
from terp.views.figures.run_days import by_day
from terp.views.figures.svg import both

_LOW: int = 130
"""Height of a figure that stands under another of the same days."""


def use(run: Run) -> Markup:
    """GPUs in use by day, over all.

    The axis reaches from none to all GPUs, whatever the run had.
    """
    values = by_day(run).busy_fraction.tolist()
    return both(
        lambda width: run_charts.over_days(
            [("area", "fill-a", values)], 0, 1, lambda value: f"{value:.0%}".replace("%", " %"), "GPUs in use by day",
            width=width,
        )
    )  # fmt: skip


def queue(run: Run) -> Markup:
    """GPUs that are waited for by day, over all.

    A value of 2 means that waiting jobs ask for twice as many GPUs as the machine has.
    """
    values = by_day(run).waiting_gpus_count / run.summary.gpus_count
    high = max(float(values.max()) * 1.05, 0.1)
    title = "GPUs waited for by day, over the GPUs there are"
    return both(
        lambda width: run_charts.over_days(
            [("area", "fill-b", values.tolist())], 0, high, lambda value: f"{value:g} x", title, _LOW, width
        )
    )


def power(run: Run) -> Markup:
    """Power by day: at the meter, and of the machine before it.

    What lies between the two areas is what the hall adds: cooling and losses.
    """
    daily = by_day(run)
    high = max(float(daily.facility_power_w.max()), 1.0) * 1.05
    series = [("area", "fill-c", daily.facility_power_w.tolist()), ("area", "fill-a", daily.it_power_w.tolist())]
    title = "Power by day: at the meter, and of the machine"
    return both(lambda width: run_charts.over_days(series, 0, high, lambda value: show(value, "w"), title, width=width))


def pue(run: Run) -> Markup:
    """PUE by day, on a scale of its own range.

    It moves little, so that an axis from 1 would show a straight line.
    """
    values = by_day(run).pue_ratio
    low, high = float(values.min()) - 0.005, float(values.max()) + 0.005
    return both(
        lambda width: run_charts.over_days(
            [("line", "line-c", values.tolist())], low, high, lambda value: f"{value:.2f}", "PUE by day", _LOW, width
        )
    )


def down(run: Run) -> Markup:
    """Nodes down by day.

    Nodes that are broken or being mended; spare nodes that stand in for them are not subtracted.
    """
    values = by_day(run).down_nodes_count
    high = max(float(values.max()) * 1.1, 1.0)
    return both(
        lambda width: run_charts.over_days(
            [("area", "fill-d", values.tolist())], 0, high, lambda value: number(value, 2), "Nodes down by day", _LOW, width
        )
    )


def waits_by_size(run: Run) -> Markup:
    """Waits by GPUs a job.

    Classes without a job are left out.
    """
    rows = [_wait_row(_size(entry), entry) for entry in run.summary.sizes if entry.jobs_count]
    return both(lambda width: run_charts.waits(rows, waited, "Wait by size of job", "wait, logarithmic", width))


def waits_by_domain(run: Run) -> Markup:
    """Waits by field of science and work."""
    titles = run.origin["titles"]["domains"]
    rows = [_wait_row(titles[name], entry) for name, entry in run.summary.domains.items()]
    return both(lambda width: run_charts.waits(rows, waited, "Wait by field", "wait, logarithmic", width))


def domains(run: Run) -> Markup:
    """GPU time by field."""
    return _bars(run.summary.domains, run.origin["titles"]["domains"], "GPU time by field")


def groups(run: Run) -> Markup:
    """GPU time by group, and what each is entitled to."""
    title = "GPU time by group, and what each is entitled to"
    return _bars(run.summary.groups, run.origin["titles"]["groups"], title)


def _bars(entries: Mapping[str, ShareOfTime], titles: Mapping[str, str], title: str) -> Markup:
    """Shares of GPU time, with what each was entitled to where the entries have that.

    entries   key -> its share of time;  titles   key -> what people call it
    """
    rows = [
        (titles[name], entry.gpu_time_fraction, getattr(entry, "entitlement_fraction", None), f"bar-{index % 6}")
        for index, (name, entry) in enumerate(entries.items())
    ]
    return both(lambda width: run_charts.shares(rows, title, width=width))


def _size(entry: SizeClass) -> str:
    """A class of sizes in words."""
    low, high = entry.lowest_gpus_count, entry.highest_gpus_count
    words = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{words} GPU{'' if high == 1 else 's'}"


def _wait_row(name: str, entry: ShareOfTime | SizeClass) -> tuple[str, float, float, float]:
    """Name, and median, mean and 95th percentile of the wait [s]."""
    return name, entry.median_wait_s, entry.mean_wait_s, entry.p95_wait_s


def waited(value: float) -> str:
    """A wait in its unit, to two digits, short enough for an axis.

    value   [s];  days are written "d", so that neighbours on an axis do not touch
    """
    return show(float(np.round(value, 1)), "s", 2).replace(" days", " d").replace(" day", " d")
