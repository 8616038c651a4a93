"""Energy, money and carbon of a run, exact: power is piecewise constant, and weather, price and carbon are hourly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import HOUR_S, hourly
from terp.describe import Site
from terp.model import facility_power_w, staircase_eur

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hours:
    """The run hour by hour; the last hour may be cut by the horizon.

    edges_s      shape (hours + 1,)
    it_j         energy of nodes, network, storage and management [J]
    facility_j   energy at the meter [J]
    cost_eur     day-ahead cost and energy tax [EUR], of which `tax_eur` in all
    carbon_kg    carbon of the electricity [kg CO2]
    """

    edges_s: Ints
    it_j: Floats
    facility_j: Floats
    cost_eur: Floats
    tax_eur: float
    carbon_kg: Floats
    wet_bulb_celsius: Floats
    price_eur_per_j: Floats

    def of(self, watts: Floats, start_s: Ints, end_s: Ints) -> tuple[Floats, Floats, Floats]:
        """Energy at the meter [J], cost [EUR] and carbon [kg] of machine power `watts` drawn from start to end.

        Each hour's meter, cost and carbon are spread over that hour's machine energy, so that shares add up.
        """
        duration = np.diff(self.edges_s)
        results = []
        for hourly_total in (self.facility_j, self.cost_eur, self.carbon_kg):
            rate = np.divide(hourly_total, self.it_j, out=np.zeros_like(self.it_j), where=self.it_j > 0)
            until = np.concatenate([[0.0], np.cumsum(rate * duration)])
            rate = np.append(rate, 0.0)
            at = [until[t // HOUR_S] + rate[t // HOUR_S] * (t % HOUR_S) for t in (start_s, end_s)]
            results.append(watts * (at[1] - at[0]))
        return results[0], results[1], results[2]


def hour_by_hour(site: Site, time_s: Ints, power_w: Floats, horizon_s: int, rated_power_w: float) -> Hours:
    """The hours of a run from its timeline: `power_w[i]` is drawn from `time_s[i]` to `time_s[i + 1]`.

    rated_power_w   what the hall was built for [W]
    """
    hours = -(-horizon_s // HOUR_S)
    edges = np.minimum(np.arange(hours + 1) * HOUR_S, horizon_s)
    used = np.concatenate([[0.0], np.cumsum(power_w * np.diff(np.append(time_s, horizon_s)))])
    it_j = np.diff(np.interp(edges, np.append(time_s, horizon_s), used))
    duration = np.diff(edges)
    wet_bulb = hourly(site.wet_bulb).over(hours)
    facility_j = facility_power_w(it_j / duration, wet_bulb, rated_power_w, site.cooling) * duration
    price_eur_per_j = hourly(site.price).over(hours) / 3.6e9
    tax_eur = staircase_eur(float(facility_j.sum()), site.energy_tax, horizon_s / (365 * 86_400))
    cost = facility_j * (price_eur_per_j + tax_eur / facility_j.sum())
    carbon = facility_j * hourly(site.carbon).over(hours) / 3.6e9
    return Hours(edges, it_j, facility_j, cost, tax_eur, carbon, wet_bulb, price_eur_per_j)
