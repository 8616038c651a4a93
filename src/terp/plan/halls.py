"""What a hall makes of a machine that draws the same all year: PUE, worst hour, carbon."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from terp.catalogue import HOURS_COUNT, hourly
from terp.describe import Site
from terp.model import Weather, hall_flows


@dataclass(frozen=True)
class HallYear:
    """A year of a hall.

    pue_ratio        energy at the meter over that of the machine
    worst_ratio      power at the meter in the worst hour, with everything at its rated power, over that power
    carbon_kg_per_j  of the energy at the meter
    """

    pue_ratio: float
    worst_ratio: float
    carbon_kg_per_j: float


class Halls:
    """The halls of the sites that a plan may choose from; a year of each is worked out once for each load."""

    def __init__(self, sites: dict[str, Site]) -> None:
        self.sites = sites
        self.year = lru_cache(maxsize=4096)(self._year)

    def of(self, place: str, load_ratio: float, wet_fraction: float) -> HallYear:
        """A year at a load of the rated power, of which liquid takes a share; both rounded to a hundredth."""
        return self.year(place, round(load_ratio, 2), round(wet_fraction, 2))

    def _year(self, place: str, load_ratio: float, wet_fraction: float) -> HallYear:
        site = self.sites[place]
        dry = hourly(site.dry_bulb).over(HOURS_COUNT) if site.dry_bulb else None
        weather, one = Weather(hourly(site.wet_bulb).over(HOURS_COUNT), dry), np.ones(HOURS_COUNT)
        meter_w = hall_flows(one * load_ratio, one * load_ratio * wet_fraction, weather, 1.0, site).meter_w
        full_w = hall_flows(one, one * wet_fraction, weather, 1.0, site).meter_w
        carbon = hourly(site.carbon).over(HOURS_COUNT) / 3.6e9
        return HallYear(
            pue_ratio=float(meter_w.mean()) / load_ratio,
            worst_ratio=float(full_w.max()),
            carbon_kg_per_j=float((meter_w * carbon).sum() / meter_w.sum()),
        )
