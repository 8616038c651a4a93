"""What a machine may be chosen for.

One table, used by the search, the frontier, the price scenarios and the pages alike; a new objective is a line of it and a
column of `Evaluated`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Objective:
    """An objective: what it counts, and whether less of it is better.

    title, unit   in English, for help and documents
    column      of `Evaluated`, in SI, in euros, or in months
    less        less of it is better
    smallest    the smallest machine that will do is the best: the budget should say what it must have
    of_prices   it changes with prices, and is worked out anew in each price scenario
    """

    title: str
    unit: str
    column: str
    less: bool = False
    smallest: bool = False
    of_prices: bool = False


OBJECTIVES: Final[dict[str, Objective]] = {
    "science": Objective("Science delivered over all years of operation", "H100-hours", "h100_hours_count"),
    "rmax": Objective("Rate in HPL, and with it the rank in the TOP500", "flop/s", "rmax_flop_per_s"),
    "tokens": Objective("Tokens that a language model could be trained on in a year", "tokens", "tokens_count"),
    "cost": Objective("Total cost of ownership", "EUR", "tco_eur", less=True, smallest=True, of_prices=True),
    "unit-cost": Objective("Cost of an H100-hour of science", "EUR", "unit_cost_eur", less=True, of_prices=True),
    "energy": Objective("Energy of a year at the meter", "J", "energy_j", less=True, smallest=True),
    "carbon": Objective("Carbon of a year's electricity", "kg", "carbon_kg", less=True, smallest=True),
    "time": Objective("Time to the first science", "months", "months_count", less=True),
}
"""Name, as in a budget's `objective`, -> objective."""

FRONTIER: Final = ("science", "rmax", "cost", "carbon", "time")
"""In which no machine of a frontier may be beaten at once by another."""
