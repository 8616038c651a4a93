"""Energy, water, money and carbon of a run, exact: power is piecewise constant; weather, price and carbon are hourly.

The energy of each hour is integrated from the engine's timeline, and the hall, the contract and the grid are applied to
that hour's mean power.  `Hours.of` then shares each hour out among jobs by their power, so that jobs and the rest add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import FIRST_HOUR, hourly
from terp.describe import Site
from terp.physics import Peaks, Weather, capacity_charge_eur, energy_price_eur_per_j, hall_flows, staircase_eur
from terp.units import HOUR_S, J_PER_MWH, YEAR_S


@dataclass(frozen=True)
class Hours:
    """The run hour by hour; the last hour may be cut by the horizon.

    edges_s      shape (hours + 1,)
    it_j         energy of nodes, network, storage and management [J]
    facility_j   energy at the meter [J]
    cost_eur     energy, margin, network and tax [EUR]; of which `tax_eur`, `network_eur` and `margin_eur` in all
    carbon_kg    carbon of the electricity [kg CO2]
    water_kg     water that the cooling took in [kg]
    reused_j     heat handed to a network [J]
    dry_bulb_celsius   None where the site names no series of it
    price_eur_per_j    of energy alone: day-ahead, or the contract's

    wet_bulb_celsius   of the air outside, an entry an hour, as are all arrays but `edges_s`

    Second 0 is the first hour of the series of prices and weather.
    """

    edges_s: Ints
    it_j: Floats
    facility_j: Floats
    cost_eur: Floats
    tax_eur: float
    network_eur: float
    margin_eur: float
    carbon_kg: Floats
    water_kg: Floats
    reused_j: Floats
    wet_bulb_celsius: Floats
    dry_bulb_celsius: Floats | None
    price_eur_per_j: Floats

    def of(self, watts: Floats, start_s: Ints, end_s: Ints) -> tuple[Floats, Floats, Floats]:
        """Energy at the meter [J], cost [EUR] and carbon [kg] of machine power `watts` drawn from start to end.

        Each hour's meter, cost and carbon are spread over that hour's machine energy, so that shares add up.

        watts, start_s, end_s   an entry a stretch; times are whole seconds, none after the end of the last hour

        Gives three arrays of the same shape.  A stretch may begin and end within an hour: its share is by the second.
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


def hour_by_hour(
    site: Site, time_s: Ints, power_w: Floats, horizon_s: int, rated_power_w: float, dry_power_w: float | None = None
) -> Hours:
    """The hours of a run from its timeline: `power_w[i]` is drawn from `time_s[i]` to `time_s[i + 1]`.

    rated_power_w   what the hall was built for [W]
    dry_power_w     of a machine with liquid-cooled nodes, the power of all else [W]; None if its nodes are air-cooled

    site            whose hall, weather, contract, network and tax count
    time_s          whole rising seconds from 0 on;  power_w  of the machine, in the same shape [W]
    horizon_s       end of the last row [s]

    Peaks that a network charges for are those of calendar months and years in UTC.  The slices of the energy tax shrink with
    the run's share of a year; what it comes to is spread evenly over the run's energy.
    """
    hours = -(-horizon_s // HOUR_S)
    edges = np.minimum(np.arange(hours + 1) * HOUR_S, horizon_s)
    used = np.concatenate([[0.0], np.cumsum(power_w * np.diff(np.append(time_s, horizon_s)))])
    it_j = np.diff(np.interp(edges, np.append(time_s, horizon_s), used))
    duration = np.diff(edges)
    dry = hourly(site.dry_bulb).over(hours) if site.dry_bulb else None
    weather, it_w = Weather(hourly(site.wet_bulb).over(hours), dry), it_j / duration
    wetted_w = np.maximum(it_w - dry_power_w, 0.0) if dry_power_w is not None else it_w * 0.0
    flows = hall_flows(it_w, wetted_w, weather, rated_power_w, site)
    facility_j, total_j = flows.meter_w * duration, float((flows.meter_w * duration).sum())
    contract, network = site.contract, site.contract.network
    price_eur_per_j = energy_price_eur_per_j(hourly(site.price).over(hours) / J_PER_MWH, contract)
    tax_eur = staircase_eur(total_j, site.energy_tax, horizon_s / (YEAR_S))
    peaks_eur = capacity_charge_eur(facility_j, duration, _periods(hours, "M"), network.month_peak_eur_per_w)
    peaks_eur = peaks_eur + capacity_charge_eur(facility_j, duration, _periods(hours, "Y"), network.year_peak_eur_per_w)
    rate = price_eur_per_j + contract.margin_eur_per_j + network.energy_eur_per_j
    cost = facility_j * (rate + (tax_eur / total_j if total_j > 0 else 0.0)) + peaks_eur
    return Hours(
        edges_s=edges,
        it_j=it_j,
        facility_j=facility_j,
        cost_eur=cost,
        tax_eur=tax_eur,
        network_eur=float(peaks_eur.sum()) + network.energy_eur_per_j * total_j,
        margin_eur=contract.margin_eur_per_j * total_j,
        carbon_kg=facility_j * hourly(site.carbon).over(hours) / J_PER_MWH,
        water_kg=flows.water_kg_per_s * duration,
        reused_j=flows.reused_w * duration,
        wet_bulb_celsius=weather.wet_bulb_celsius,
        dry_bulb_celsius=dry,
        price_eur_per_j=price_eur_per_j,
    )


def _periods(hours: int, unit: Literal["M", "Y"]) -> Peaks:
    """Calendar months or years of the first hours from the start of the series, in UTC.

    Gives the number of the period of each hour, from 0 on, and each period's whole length [s], those cut by the run too.
    """
    first = np.datetime64(FIRST_HOUR.removesuffix("Z"), "h")
    of_hour = (first + np.arange(hours)).astype(f"datetime64[{unit}]")
    number = (of_hour - of_hour[0]).astype(np.int64)
    starts = of_hour[0] + np.arange(int(number[-1]) + 2)
    return Peaks(number, np.diff(starts.astype("datetime64[s]")).astype(np.float64))
