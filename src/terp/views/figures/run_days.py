"""What the figures show: means by day and by month, from the run's tables.

The state of a run changes at moments and holds between them, so that a mean by day is exact: an integral over the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.results import Run
from terp.units import DAY_S, J_PER_MWH

FIRST_DAY: Final = date(2024, 1, 1)
"""Day 0 of every run, a Monday of a leap year."""


@dataclass(frozen=True)
class Daily:
    """Means by day, each of shape (days,); powers in watts, the PUE as energy at the meter over that of the machine.

    busy_fraction        GPUs in use over all;  waiting_gpus_count   GPUs that waiting jobs ask for
    down_nodes_count     nodes that are broken or being mended

    A mean of a count need not be whole: half a day with one node down is 0.5.  `it_power_w` is of the machine,
    `facility_power_w` at the meter of its hall.
    """

    busy_fraction: Floats
    waiting_gpus_count: Floats
    down_nodes_count: Floats
    it_power_w: Floats
    facility_power_w: Floats
    pue_ratio: Floats


def by_day(run: Run) -> Daily:
    """Exact means of the piecewise-constant state over each day of a run, and its hourly energies by day.

    run   with a row an hour for each of its days, 24 a day; its summary says how many days and GPUs there are
    """
    days = run.summary.days
    edges = np.arange(days + 1) * DAY_S
    time_s = run.timeline.column("time_s").to_numpy()
    mean = {
        name: _means(time_s, run.timeline.column(name).to_numpy(), edges)
        for name in ("busy_gpus_count", "waiting_gpus_count", "down_nodes_count")
    }
    it_j, facility_j = (
        run.hours.column(name).to_numpy().reshape(days, 24).sum(1) for name in ("it_energy_j", "facility_energy_j")
    )
    return Daily(
        busy_fraction=mean["busy_gpus_count"] / run.summary.gpus_count,
        waiting_gpus_count=mean["waiting_gpus_count"],
        down_nodes_count=mean["down_nodes_count"],
        it_power_w=it_j / DAY_S,
        facility_power_w=facility_j / DAY_S,
        pue_ratio=facility_j / it_j,
    )


def _means(time_s: NDArray[np.int64], values: NDArray[np.int32], edges: NDArray[np.int64]) -> Floats:
    """Mean of a step function between each two edges, shape (edges - 1,).

    time_s   when the function changes, ascending and from 0;  values   what it is from then on

    edges   ascending, within the time of the function; the last one is also where it ends

    >>> _means(np.array([0, 5]), np.array([0, 10]), np.array([0, 10])).tolist()
    [5.0]
    """
    ends = np.append(time_s, edges[-1])
    until = np.concatenate([[0.0], np.cumsum(values * np.diff(ends).astype(float))])
    means: Floats = np.diff(np.interp(edges, ends, until)) / np.diff(edges)
    return means


@dataclass(frozen=True)
class Month:
    """Totals of one month, or of the part of it that was simulated.

    name   of the month, with the year in runs of more than one;  means of price and temperature are over its hours
    """

    name: str
    facility_energy_j: float
    pue_ratio: float
    mean_price_eur_per_mwh: float
    cost_eur: float
    carbon_kg: float
    mean_wet_bulb_celsius: float


def by_month(run: Run) -> list[Month]:
    """Energy, price and carbon month by month, in the order of the calendar.

    Hours are those of the run's table; energies are in joules, prices in euros per MWh, temperatures in degrees Celsius.

    A month's PUE is its energy at the meter over that of the machine; its price is a plain mean over its hours, whatever was
    drawn in them.
    """
    hours = run.hours
    days = [FIRST_DAY + timedelta(days=int(second) // DAY_S) for second in hours.column("start_s").to_numpy()[::24]]
    month = np.repeat([day.year * 12 + day.month - 1 for day in days], 24)
    return [_month(hours, int(number), month == number) for number in dict.fromkeys(month.tolist())]


def _month(hours: pa.Table, number: int, in_month: NDArray[np.bool_]) -> Month:
    """The totals of the month with this number, year x 12 + month - 1; `in_month` marks its hours, shape (hours,)."""
    column = {name: hours.column(name).to_numpy()[in_month] for name in hours.column_names}
    facility_j = float(column["facility_energy_j"].sum())
    return Month(
        name=date(number // 12, number % 12 + 1, 1).strftime("%B" if hours.num_rows <= 8784 else "%B %Y"),
        facility_energy_j=facility_j,
        pue_ratio=facility_j / float(column["it_energy_j"].sum()),
        mean_price_eur_per_mwh=float(column["price_eur_per_j"].mean()) * J_PER_MWH,
        cost_eur=float(column["cost_eur"].sum()),
        carbon_kg=float(column["carbon_kg"].sum()),
        mean_wet_bulb_celsius=float(column["wet_bulb_celsius"].mean()),
    )
