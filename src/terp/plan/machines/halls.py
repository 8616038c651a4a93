"""What a hall makes of machines that draw the same all year: PUE, worst hour, carbon.

A search asks for the year of a hall once for every number of nodes of every design.  So years are worked out by
`hall_flows`, hour by hour, at points of a grid, and looked up between them; `hall_year` takes the long way for one
machine, and the independent checker uses that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.catalogue import HOURS_COUNT, hourly
from terp.describe import Site
from terp.physics import Weather, hall_flows, most_taken_w, waste_heat_celsius
from terp.units import J_PER_MWH

_REUSED: Final = np.linspace(0.0, 1.0, 4)
_LOADS: Final = np.linspace(0.1, 1.0, 10)
_WET: Final = np.linspace(1e-6, 1.0, 11)
_REUSED_FULL: Final = np.linspace(0.0, 1.0, 33)
_WET_FULL: Final = np.linspace(1e-6, 1.0, 41)
"""Points of the grids: share of the heat on offer that a network has room for, load over rated power, share that liquid
cools; and of the worst hour, which is another one from point to point, so that they lie closer."""
_HOTTEST: Final = 24
"""Hours of each point of the first grid among which the worst ones between are sought."""


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
    weather, ones = _air(site), np.ones(HOURS_COUNT)
    it_w = ones * rated_w * load_ratio
    meter_w = hall_flows(it_w, it_w * wet_fraction, weather, rated_w, site).meter_w
    full_w = hall_flows(ones * rated_w, ones * rated_w * wet_fraction, weather, rated_w, site).meter_w
    carbon = hourly(site.carbon).over(HOURS_COUNT) / J_PER_MWH
    return HallYear(meter_w.mean() / it_w[0], full_w.max() / rated_w, (meter_w * carbon).sum() / meter_w.sum())


class Halls:
    """The halls of the sites that a plan may choose from, worked out on a grid and looked up between its points.

    A hall and its flows are in proportion to the size of the machine, but for the heat that a network has room for.  So
    tables are by the share of the heat on offer that it takes, and not by size.
    """

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self.sites = sites
        self._tables = cache(self._tabulate)

    def of(self, place: str, rated_w: Floats, load_ratio: Floats, wet_fraction: Floats) -> HallYear:
        """Years of many machines, of nodes that are all cooled by liquid, or none of them.

        Power at the meter is taken as linear between the points of the grid.
        """
        wet = self.sites[place].cooling.liquid is not None and bool(np.any(wet_fraction > 0))
        years, worst = self._tables(place, wet)
        load, share = np.clip(load_ratio, _LOADS[0], _LOADS[-1]), np.clip(wet_fraction, 0.0, 1.0)
        full, part = (_room(self.sites[place], power_w, share, wet=wet) for power_w in (rated_w, rated_w * load))
        cooled, cooled_full = _place(share, _WET), _place(share, _WET_FULL)
        meter, carbon = _between(years, _place(part, _REUSED), _place(load, _LOADS), cooled)
        (at_worst,) = _between(worst, _place(full, _REUSED_FULL), cooled_full)
        return HallYear(meter / load, at_worst, carbon)

    def _tabulate(self, place: str, wet: bool) -> tuple[Floats, Floats]:  # noqa: FBT001 - kept by its arguments
        """Power at the meter over rated power and carbon, shape (2, reused, loads, wet); worst hour, (1, reused, wet)."""
        site = self.sites[place]
        weather, carbon = _air(site), hourly(site.carbon).over(HOURS_COUNT) / J_PER_MWH
        reused, shares = (_REUSED if site.heat_reuse else _REUSED[-1:]), (_WET if wet else np.zeros(1))
        years = np.empty((2, _REUSED.size, _LOADS.size, _WET.size))
        hottest = set[int]()
        for (row, room), (at, load), (across, share) in product(enumerate(reused), enumerate(_LOADS), enumerate(shares)):
            meter = _meter_ratio(_with_room(site, room), weather, load, share)
            years[:, row, at, across] = meter.mean(), (meter * carbon).sum() / meter.sum()
            if at == _LOADS.size - 1:
                hottest.update(meter.argpartition(-_HOTTEST)[-_HOTTEST:].tolist())
        worst = np.empty((1, _REUSED_FULL.size, _WET_FULL.size))
        extremes = _hours_of(weather, sorted(hottest))
        reused_full, shares_full = (_REUSED_FULL if site.heat_reuse else _REUSED[-1:]), (_WET_FULL if wet else np.zeros(1))
        for (row, room), (across, share) in product(enumerate(reused_full), enumerate(shares_full)):
            worst[0, row, across] = _meter_ratio(_with_room(site, room), extremes, 1.0, share).max()
        for table, rows, columns in ((years, reused.size, shares.size), (worst, reused_full.size, shares_full.size)):
            table[..., columns:] = table[..., :1]
            table[:, rows:] = table[:, :1]
        return years, worst


def _air(site: Site) -> Weather:
    """Outside air of a year: wet bulb, and dry bulb where the site has it [Celsius], an hour each."""
    dry = hourly(site.dry_bulb).over(HOURS_COUNT) if site.dry_bulb else None
    return Weather(hourly(site.wet_bulb).over(HOURS_COUNT), dry)


def _hours_of(weather: Weather, hours: list[int]) -> Weather:
    """The air of some hours."""
    dry = weather.dry_bulb_celsius
    return Weather(weather.wet_bulb_celsius[hours], None if dry is None else dry[hours])


def _meter_ratio(site: Site, weather: Weather, load_ratio: float, wet_fraction: float) -> Floats:
    """Power at the meter over the rated power, hour by hour [-].

    load_ratio   power of the machine over the rated power;  wet_fraction   share of it that liquid cools
    """
    it = np.full(weather.wet_bulb_celsius.size, load_ratio)
    return hall_flows(it, it * wet_fraction, weather, 1.0, site).meter_w


def _with_room(site: Site, share: float) -> Site:
    """A site with a network that has room for a share of the heat on offer, whatever the size of the machine."""
    reuse = site.heat_reuse
    if reuse is None:
        return site
    update = {"capture_fraction": share * reuse.capture_fraction, "capacity_w": inf}
    return site.model_copy(update={"heat_reuse": reuse.model_copy(update=update)})


def _room(site: Site, power_w: Floats, wet_fraction: Floats, *, wet: bool) -> Floats:
    """Share of the heat on offer that a network has room for on its coldest days, 0 to 1; 1 where no heat is reused.

    power_w   of the machines [W];  wet_fraction   share that liquid cools;  wet   whether the liquid's heat is what is
              offered
    """
    reuse, loop = site.heat_reuse, site.cooling.liquid
    if reuse is None:
        return np.ones(power_w.size)
    heat_w = power_w * wet_fraction * loop.heat_fraction if wet and loop is not None else power_w
    room: Floats = most_taken_w(reuse, waste_heat_celsius(site, wet=wet)) / np.maximum(reuse.capture_fraction * heat_w, 1e-9)
    return np.minimum(room, 1.0)


_Place = tuple[NDArray[np.int64], Floats]


def _place(value: Floats, grid: Floats) -> _Place:
    """The point of a rising, even grid below each value, and how far beyond it the value lies, 0 to 1."""
    scaled = np.clip((value - grid[0]) / (grid[1] - grid[0]), 0.0, grid.size - 1.0)
    below = np.minimum(scaled.astype(np.int64), grid.size - 2)
    return below, scaled - below


def _between(tables: Floats, *at: _Place) -> Floats:
    """Linear between the corners around each point, in each of some tables: shape (tables, points).

    tables   shape (tables, grid of the first axis, of the second, ...);  at   the points' place on each axis, as `_place`
             gives
    """
    shape = tables.shape[1:]
    flat, values = tables.reshape(tables.shape[0], -1), np.zeros((tables.shape[0], at[0][0].size))
    for corner in product((0, 1), repeat=len(at)):
        place, weight = np.zeros(at[0][0].size, np.int64), np.ones(at[0][0].size)
        for up, (below, part), size in zip(corner, at, shape, strict=True):
            place *= size
            place += below + up
            weight *= part if up else 1 - part
        values += weight * flat[:, place]
    return values
