"""What a site file says: where the machine stands, what its hall, power and taxes are like.

Prices, carbon and weather are names of hourly series of the catalogue, a year each; the hall's own numbers
stand in `hall`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from terp.describe.hall import Cooling, Declared, Hall, HeatReuse, Renewables
from terp.reader import Name, Record
from terp.reader.fields import wrong
from terp.units import DAY_S


def _country(code: str) -> str:
    """A country by two capital letters, as ISO 3166 has it; the list itself is not checked."""
    if not re.fullmatch("[A-Z]{2}", code):
        raise wrong("not a country code", "write two capital letters, such as 'NL'")
    return code


class TaxSlice(Record):
    """A slice of a tax staircase: the rate on the energy of a year up to a bound, beyond the slice before.

    up_to_j   upper end of the slice, of the energy of a calendar year [J]; None for the last, which has no
              end
    """

    up_to_j: float | None = Field(default=None, ge=0, le=1e18)
    rate_eur_per_j: float = Field(ge=0, le=1e-6)


class Network(Record):
    """What the network operator charges.

    energy_eur_per_j       on every unit of energy
    year_peak_eur_per_w    a year, on its highest hour
    month_peak_eur_per_w   a month, on its highest hour
    """

    energy_eur_per_j: float = Field(default=0.0, ge=0, le=1e-6)
    year_peak_eur_per_w: float = Field(default=0.0, ge=0, le=10)
    month_peak_eur_per_w: float = Field(default=0.0, ge=0, le=10)


class Contract(Record):
    """How electricity is bought: by the hour at the day-ahead price, or at one price; with margin and network if given.

    price_eur_per_j    the one price
    margin_eur_per_j   of the supplier, on top
    """

    kind: Literal["day-ahead", "fixed"] = "day-ahead"
    price_eur_per_j: float | None = Field(default=None, ge=0, le=1e-6)
    margin_eur_per_j: float = Field(default=0.0, ge=0, le=1e-6)
    network: Network = Network()


class Site(Record):
    """A place, with the names of its hourly series in the catalogue.

    utc_offset_s   of local standard time, without summer time [s]
    price      series of day-ahead prices, in EUR/MWh
    carbon     series of the grid's carbon intensity, in gCO2/kWh
    wet_bulb, dry_bulb   series of air temperatures, in degC; dry bulb only where coolers or a heat network
                         need it
    energy_tax   slices of a year's energy, rising; empty: no tax
    """

    kind: Literal["site"]
    name: Name
    title: str
    country: Annotated[str, AfterValidator(_country)]
    utc_offset_s: float = Field(ge=-DAY_S, le=DAY_S)
    price: Name
    carbon: Name
    wet_bulb: Name
    dry_bulb: Name | None = None
    cooling: Cooling
    heat_reuse: HeatReuse | None = None
    renewables: Renewables | None = None
    contract: Contract = Contract()
    energy_tax: list[TaxSlice] = []
    hall: Hall = Hall()
    declared: Declared = Declared()
    note: str = ""
