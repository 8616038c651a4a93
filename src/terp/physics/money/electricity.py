"""Money: what electricity costs, by the hour and by the peak, and what is levied on it.

Prices by hour are those of the day-ahead exchange, or of a contract; margins, network charges and taxes are of a site's
file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats, Ints
from terp.describe import Contract, TaxSlice


@dataclass(frozen=True)
class Peaks:
    """What each period of a capacity charge is: months, or years.

    period    its number by hour, from 0; shape (hours,)
    whole_s   length of the whole period, simulated or not, by period [s]
    """

    period: NDArray[np.int64]
    whole_s: Floats


def staircase_eur(energy_j: float, slices: Sequence[TaxSlice], share_of_year: float = 1.0) -> float:
    """Energy tax of a connection [EUR]: each slice of the year's energy at its own rate.

    energy_j       energy taken in the time [J]
    share_of_year  length of the time over a year [-]; the bounds of the slices shrink, or grow, with it

    The Dutch energy tax works so, by connection and calendar year (dutch-energy-tax-2024): a flat share of the bill
    would be wrong by a factor, since the rate falls twenty-fold beyond 10 GWh.

    slices   of the year's energy, from the first: up to a bound [J], None for no bound, and a rate [EUR/J]
    """
    return float(staircases_eur(np.array([energy_j]), slices, share_of_year)[0])


def staircases_eur(energy_j: Floats, slices: Sequence[TaxSlice], share_of_year: float = 1.0) -> Floats:
    """The same for many connections at once, each with a tax of its own.

    energy_j   shape (connections,), and the result too
    """
    tax_eur, below_j = np.zeros_like(energy_j), 0.0
    for slice_ in slices:
        bound_j = np.inf if slice_.up_to_j is None else slice_.up_to_j * share_of_year
        tax_eur += np.clip(energy_j - below_j, 0.0, max(bound_j - below_j, 0.0)) * slice_.rate_eur_per_j
        below_j = max(below_j, bound_j)
        if below_j == np.inf:
            break
    return tax_eur


def energy_price_eur_per_j(day_ahead_eur_per_j: Floats, contract: Contract) -> Floats:
    """Price of energy by hour [EUR/J], before margin, network and tax: the exchange's, or the contract's one price.

    day_ahead_eur_per_j   any shape, which the result has;  contract   with a price of its own, or None for the exchange's
    """
    if contract.price_eur_per_j is None:
        return day_ahead_eur_per_j
    return np.full_like(day_ahead_eur_per_j, contract.price_eur_per_j)


def capacity_charge_eur(energy_j: Floats, duration_s: Ints, peaks: Peaks, rate_eur_per_w: float) -> Floats:
    """What a network operator charges on peaks, by hour [EUR].  C = r P_max t / t_whole, by period

    energy_j     at the meter, by hour [J]
    duration_s   of each hour, the last one of a run may be cut [s]
    r            charge on the highest hour of a whole period [EUR/W]
    t            how much of the period was simulated [s]

    Each period's charge is spread over its energy, as a bill by unit would be.  Operators meter quarters of an hour;
    hourly means understate a peak.

    peaks   the period of each hour and the length of each period;  rate_eur_per_w   0 where there is no such charge
    Gives shape (hours,).
    """
    charge = np.zeros_like(energy_j)
    for period in range(peaks.whole_s.size if rate_eur_per_w else 0):
        hours = peaks.period == period
        total_j = float(energy_j[hours].sum())
        if total_j > 0:
            peak_w = float((energy_j[hours] / duration_s[hours]).max())
            due_eur = rate_eur_per_w * peak_w * float(duration_s[hours].sum()) / float(peaks.whole_s[period])
            charge[hours] = energy_j[hours] * (due_eur / total_j)
    return charge
