"""What a site adds to a joule of the machine: the power at the meter, and what the energy costs with tax and charges.

A prediction of one step has no clock, so it takes means over a year; a simulated year takes each hour's weather and price
instead (`terp.simulate`), and the two agree as far as load and price are independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from terp.catalogue import hourly
from terp.describe import read_site
from terp.hardware import Machine
from terp.physics import Weather, energy_price_eur_per_j, hall_flows, machine_power, staircase_eur
from terp.units import J_PER_MWH, YEAR_S


@dataclass(frozen=True)
class SiteRates:
    """Means of a site's year for a machine in long training.

    pue_ratio          power at the meter over that of the machine
    energy_eur_per_j   price of energy at the meter, with margin, network charges and tax

    Both are means over 8,784 hours of 2024 at the machine's expected power, long training on all nodes.
    """

    pue_ratio: float
    energy_eur_per_j: float


@lru_cache(maxsize=32)
def site_rates(machine: Machine) -> SiteRates | None:
    """The rates of a machine's own site; None where its file names none.

    Tax and network charge are those of a year in which the machine is in long training, over its energy; each month's
    peak is taken for the year's.

    machine   a built machine; kept by its description and catalogue, so that a search asks once

    Without a contract price the
    mean of the site's day-ahead series counts.  Raises Problems or UnknownName for a site that cannot be read.
    """
    if machine.file.site is None:
        return None
    site = read_site(machine.file.site).record
    power, contract = machine_power(machine), site.contract
    weather = Weather(hourly(site.wet_bulb).values, hourly(site.dry_bulb).values if site.dry_bulb else None)
    it_w = np.full_like(weather.wet_bulb_celsius, power.expected_w)
    wetted_w = it_w - power.base_w if machine.node.cooling == "liquid" else it_w * 0.0
    drawn_w = hall_flows(it_w, wetted_w, weather, power.expected_w, site).meter_w
    year_j = float(drawn_w.mean()) * YEAR_S
    price = energy_price_eur_per_j(np.array(float(hourly(site.price).values.mean()) / J_PER_MWH), contract)
    peaks_eur = float(drawn_w.max()) * (contract.network.year_peak_eur_per_w + 12 * contract.network.month_peak_eur_per_w)
    levies_eur = staircase_eur(year_j, site.energy_tax) + peaks_eur
    extra = contract.margin_eur_per_j + contract.network.energy_eur_per_j
    return SiteRates(float(drawn_w.mean() / power.expected_w), float(price) + extra + levies_eur / year_j)
