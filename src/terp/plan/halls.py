"""What a hall makes of machines that draw the same all year: PUE, worst hour, carbon."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import HOURS_COUNT, hourly
from terp.describe import Site
from terp.model import Weather, hall_flows

Floats = NDArray[np.float64]

_LOADS: Final = np.linspace(0.1, 1.0, 10)
_WET: Final = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True)
class HallYear:
    """A year of a hall, for one machine or for arrays of them.

    pue_ratio        energy at the meter over that of the machine
    worst_ratio      power at the meter in the worst hour, with everything at its rated power, over that power
    carbon_kg_per_j  of the energy at the meter
    """

    pue_ratio: Floats
    worst_ratio: Floats
    carbon_kg_per_j: Floats


def hall_year(site: Site, load_ratio: float, wet_fraction: float) -> HallYear:
    """The year 2024 at a steady load.

    load_ratio     power of the machine over its rated power [-]
    wet_fraction   share of it that liquid cools, of what the site's loop can take [-]
    """
    dry = hourly(site.dry_bulb).over(HOURS_COUNT) if site.dry_bulb else None
    weather, one = Weather(hourly(site.wet_bulb).over(HOURS_COUNT), dry), np.ones(HOURS_COUNT)
    meter_w = hall_flows(one * load_ratio, one * load_ratio * wet_fraction, weather, 1.0, site).meter_w
    full_w = hall_flows(one, one * wet_fraction, weather, 1.0, site).meter_w
    carbon = hourly(site.carbon).over(HOURS_COUNT) / 3.6e9
    return HallYear(meter_w.mean() / load_ratio, full_w.max(), (meter_w * carbon).sum() / meter_w.sum())


class Halls:
    """The halls of the sites that a plan may choose from, worked out on a grid of loads and looked up between."""

    def __init__(self, sites: dict[str, Site]) -> None:
        self.sites = sites
        self._table = cache(self._tabulate)

    def of(self, place: str, load_ratio: Floats, wet_fraction: Floats) -> HallYear:
        """Years of many machines.  Power at the meter is taken as linear between the points of the grid, 0.1 apart."""
        meter, worst, carbon = self._table(place)
        load = np.clip(load_ratio, _LOADS[0], _LOADS[-1])
        one, two = _place(load, _LOADS), _place(np.clip(wet_fraction, 0.0, 1.0), _WET)
        return HallYear(_between(meter, one, two) / load, _between(worst, one, two), _between(carbon, one, two))

    def _tabulate(self, place: str) -> tuple[Floats, Floats, Floats]:
        years = [[hall_year(self.sites[place], load, wet) for wet in _WET.tolist()] for load in _LOADS.tolist()]
        pue, worst, carbon = (
            np.array([[getattr(year, name) for year in row] for row in years])
            for name in ("pue_ratio", "worst_ratio", "carbon_kg_per_j")
        )
        return pue * _LOADS[:, None], worst, carbon


def _place(value: Floats, grid: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The point of an even grid below each value, and how far beyond it the value lies."""
    scaled = (value - grid[0]) / (grid[1] - grid[0])
    below = np.minimum(scaled.astype(np.int64), grid.size - 2)
    return below, scaled - below


def _between(table: Floats, one: tuple[NDArray[np.int64], Floats], two: tuple[NDArray[np.int64], Floats]) -> Floats:
    (row, down), (column, right) = one, two
    upper = table[row, column] * (1 - right) + table[row, column + 1] * right
    lower = table[row + 1, column] * (1 - right) + table[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)
