"""Fills the page from a run: figures as SVG, words and tables by the template page.html.j2, colours by page.css.

The page is a single file without a script or a font from elsewhere, so that it can be kept and sent.  Everything that
comes from files of the user is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import numpy as np
from jinja2 import Environment, StrictUndefined

from terp.results import Run
from terp.results.run_summary import ShareOfTime, SizeClass
from terp.units import DAY_S, number, show
from terp.views.figures import run_charts
from terp.views.figures.run_days import by_day, by_month


def as_html(run: Run) -> str:
    """The page of a run, complete in itself.

    A value that the template asks for and the run has not is an error, never an empty place.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "show": show,
        "number": number,
        "euros": _euros,
        "counted": _counted,
        "gpu_hours": lambda value: f"{number(value / 1e6)} M" if value >= 1e6 else f"{value:,.0f}",
        "percent": lambda value, digits=1: f"{value:.{digits}%}",
    }
    folder = resources.files("terp.views.report")
    template = environment.from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    style = folder.joinpath("page.css").read_text("utf-8")
    summary = run.summary
    capacity_gpu_s = summary.gpus_count * summary.days * DAY_S
    return template.render(
        s=summary,
        origin=run.origin,
        titles=run.origin["titles"],
        style=style,
        figures=_figures(run),
        months=by_month(run),
        largest=summary.sizes[-1],
        sourced=[row for row in run.origin["provenance"].values() if row["status"] != "assumed"],
        lost_fraction=summary.lost_gpu_s / capacity_gpu_s,
        synthetic=[entry["title"] for entry in run.origin["series"].values() if entry["synthetic"]],
        span="year" if summary.days in (365, 366) else f"period of {summary.days} days",
    )


def _euros(value: float) -> str:
    """Money for people: 1.07e6 as "€1.07 million".

    Amounts below a million are written in whole euros.
    """
    for factor, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= factor:
            return f"€{number(value / factor)} {word}"
    return f"€{value:,.0f}"


def _counted(count: int, word: str) -> str:
    """A count with its word: `_counted(1, "job")` is "1 job"."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _figures(run: Run) -> dict[str, str]:
    """All figures of the page, as SVG, by the names that the template has for them; axes end a little above the
    largest value.
    """
    daily, summary, titles = by_day(run), run.summary, run.origin["titles"]
    power_high = max(float(daily.facility_power_w.max()), 1.0) * 1.05
    pue_low, pue_high = float(daily.pue_ratio.min()), float(daily.pue_ratio.max())
    down_high = max(float(daily.down_nodes_count.max()) * 1.1, 1.0)
    queue = daily.waiting_gpus_count / summary.gpus_count
    return {
        "use": run_charts.over_days(
            [("area", "fill-a", daily.busy_fraction.tolist())], 0, 1, lambda value: f"{value:.0%}", "GPUs in use by day"
        ),
        "queue": run_charts.over_days(
            [("area", "fill-b", queue.tolist())], 0, max(float(queue.max()) * 1.05, 0.1), lambda value: f"{value:g}x",
            "GPUs waited for by day, over the GPUs there are", 130,
        ),
        "power": run_charts.over_days(
            [("area", "fill-c", daily.facility_power_w.tolist()), ("area", "fill-a", daily.it_power_w.tolist())],
            0, power_high, lambda value: show(value, "w"), "Power by day: at the meter, and of the machine",
        ),
        "pue": run_charts.over_days(
            [("line", "line-c", daily.pue_ratio.tolist())], pue_low - 0.005, pue_high + 0.005, lambda value: f"{value:.2f}",
            "PUE by day", 130,
        ),
        "down": run_charts.over_days(
            [("area", "fill-d", daily.down_nodes_count.tolist())], 0, down_high, lambda value: number(value, 2),
            "Nodes down by day", 130,
        ),
        "sizes": run_charts.waits(
            [_wait_row(_size(entry), entry) for entry in summary.sizes if entry.jobs_count],
            _seconds, "Wait by size of job",
        ),
        "waits": run_charts.waits(
            [_wait_row(titles["domains"][name], entry) for name, entry in summary.domains.items()],
            _seconds, "Wait by domain",
        ),
        "domains": _bars(summary.domains, titles["domains"], "GPU time by domain"),
        "groups": _bars(summary.groups, titles["groups"], "GPU time by group, and what each is entitled to"),
    }  # fmt: skip


def _bars(entries: Mapping[str, ShareOfTime], titles: dict[str, str], title: str) -> str:
    """A figure of shares of GPU time, with what each was entitled to where the entries have that.

    entries   key -> its share of time;  titles   key -> what people call it
    """
    rows = [
        (titles[name], entry.gpu_time_fraction, getattr(entry, "entitlement_fraction", None), f"bar-{index % 6}")
        for index, (name, entry) in enumerate(entries.items())
    ]
    return run_charts.shares(rows, title)


def _size(entry: SizeClass) -> str:
    """A class of sizes in words."""
    low, high = entry.lowest_gpus_count, entry.highest_gpus_count
    return f"{low:,} GPUs" if low == high else f"{low:,} to {high:,} GPUs"


def _wait_row(name: str, entry: ShareOfTime | SizeClass) -> tuple[str, float, float, float]:
    """Name, and median, mean and 95th percentile of the wait [s]."""
    return name, entry.median_wait_s, entry.mean_wait_s, entry.p95_wait_s


def _seconds(value: float) -> str:
    """A wait in its unit, to two digits, short enough for an axis."""
    return show(float(np.round(value, 1)), "s", 2).replace(" days", " d")
