"""What a hall makes of machines that draw the same all year: PUE, worst hour, carbon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import HOURS_COUNT, hourly
from terp.describe import Site
from terp.model import Weather, hall_flows

Floats = NDArray[np.float64]

_SIZES: Final = np.geomspace(0.01, 1.28, 8)
_LOADS: Final = np.linspace(0.2, 1.0, 5)
_WET: Final = np.linspace(0.0, 1.0, 6)
"""Points of the grid: rated power over what a place can feed, load over rated power, share that liquid cools."""


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


def hall_year(site: Site, rated_w: float, load_ratio: float, wet_fraction: float) -> HallYear:
    """The year 2024 at a steady load.

    rated_w        power that the hall is built for [W]
    load_ratio     power of the machine over it [-]
    wet_fraction   share of it that liquid cools, of what the site's loop can take [-]
    """
    dry = hourly(site.dry_bulb).over(HOURS_COUNT) if site.dry_bulb else None
    weather, one = Weather(hourly(site.wet_bulb).over(HOURS_COUNT), dry), np.ones(HOURS_COUNT)
    it_w = one * rated_w * load_ratio
    meter_w = hall_flows(it_w, it_w * wet_fraction, weather, rated_w, site).meter_w
    full_w = hall_flows(one * rated_w, one * rated_w * wet_fraction, weather, rated_w, site).meter_w
    carbon = hourly(site.carbon).over(HOURS_COUNT) / 3.6e9
    return HallYear(meter_w.mean() / it_w[0], full_w.max() / rated_w, (meter_w * carbon).sum() / meter_w.sum())


class Halls:
    """The halls of the sites that a plan may choose from, worked out on a grid of sizes and loads and looked up between.

    sites   with the power that each can feed [W]
    """

    def __init__(self, sites: Mapping[str, tuple[Site, float]]) -> None:
        self.sites = sites
        self._table = cache(self._tabulate)

    def of(self, place: str, rated_w: Floats, load_ratio: Floats, wet_fraction: Floats) -> HallYear:
        """Years of many machines.  Power at the meter is taken as linear between the points of the grid."""
        sizes, table = self._table(place)
        load = np.clip(load_ratio, _LOADS[0], _LOADS[-1])
        at = (_place(np.log(rated_w), sizes), _place(load, _LOADS), _place(np.clip(wet_fraction, 0.0, 1.0), _WET))
        meter, worst, carbon = _between(table, *at)
        return HallYear(meter / load, worst, carbon)

    def _tabulate(self, place: str) -> tuple[Floats, Floats]:
        """Sizes, in the log, and power at the meter, worst hour and carbon, shape (3, sizes, loads, wet).

        Without heat reuse size does not matter.
        """
        site, power_w = self.sites[place]
        sizes = power_w * (_SIZES if site.heat_reuse is not None else _SIZES[-2:])
        years = [hall_year(site, *point) for point in product(sizes.tolist(), _LOADS.tolist(), _WET.tolist())]
        shape = (sizes.size, _LOADS.size, _WET.size)
        pue, worst, carbon = (
            np.array([getattr(year, name) for year in years]).reshape(shape)
            for name in ("pue_ratio", "worst_ratio", "carbon_kg_per_j")
        )
        return np.log(sizes), np.stack([pue * _LOADS[:, None], worst, carbon])


_Place = tuple[NDArray[np.int64], Floats]


def _place(value: Floats, grid: Floats) -> _Place:
    """The point of a rising, even grid below each value, and how far beyond it the value lies, 0 to 1."""
    scaled = np.clip((value - grid[0]) / (grid[1] - grid[0]), 0.0, grid.size - 1.0)
    below = np.minimum(scaled.astype(np.int64), grid.size - 2)
    return below, scaled - below


def _between(tables: Floats, *at: _Place) -> Floats:
    """Linear between the corners around each point, in each of some tables: shape (tables, points)."""
    shape = tables.shape[1:]
    flat, found = tables.reshape(tables.shape[0], -1), np.zeros((tables.shape[0], at[0][0].size))
    for corner in product((0, 1), repeat=len(at)):
        place, weight = np.zeros(at[0][0].size, np.int64), np.ones(at[0][0].size)
        for up, (below, part), size in zip(corner, at, shape, strict=True):
            place *= size
            place += below + up
            weight *= part if up else 1 - part
        found += weight * flat[:, place]
    return found
