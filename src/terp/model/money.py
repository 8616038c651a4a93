"""Money: what energy costs beyond its price."""

from __future__ import annotations

from collections.abc import Sequence

from terp.describe import TaxSlice


def staircase_eur(energy_j: float, slices: Sequence[TaxSlice], share_of_year: float = 1.0) -> float:
    """Energy tax of a connection [EUR]: each slice of the year's energy at its own rate.

    energy_j       energy taken in the time [J]
    share_of_year  length of the time over a year [-]; the bounds of the slices shrink, or grow, with it

    The Dutch energy tax works so, by connection and calendar year (dutch-energy-tax-2024): a flat share of the bill
    would be wrong by a factor, since the rate falls twenty-fold beyond 10 GWh.
    """
    tax_eur = below_j = 0.0
    for slice_ in slices:
        upto_j = energy_j if slice_.up_to_j is None else min(energy_j, slice_.up_to_j * share_of_year)
        tax_eur += max(0.0, upto_j - below_j) * slice_.rate_eur_per_j
        below_j = max(below_j, upto_j)
    return tax_eur
