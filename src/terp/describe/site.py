"""What a site file says: where the machine stands, what its air, power and taxes are like."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from terp.reader import Name, Record
from terp.reader.fields import wrong


def _country(code: str) -> str:
    if not re.fullmatch("[A-Z]{2}", code):
        raise wrong("not a country code", "write two capital letters, such as 'NL'")
    return code


class Cooling(Record):
    """How the hall is cooled; the terms of `model.facility_power_w`.

    electrical_loss_fraction   transformers, UPS and distribution, of IT power
    air_fraction               fans and pumps that move heat out, of IT power
    fixed_fraction             lights, controls and standing losses, of the machine's rated power, always drawn
    free_below_celsius         wet bulb up to which outside air does all the cooling
    full_above_celsius         wet bulb from which chillers do all of it
    chiller_cop_ratio          heat moved per unit of chiller power
    """

    electrical_loss_fraction: float = Field(ge=0, le=0.5)
    air_fraction: float = Field(ge=0, le=0.5)
    fixed_fraction: float = Field(ge=0, le=0.2)
    free_below_celsius: float = Field(ge=-30, le=40)
    full_above_celsius: float = Field(ge=-30, le=50)
    chiller_cop_ratio: float = Field(ge=1, le=30)


class TaxSlice(Record):
    """A slice of a tax staircase: the rate on the energy of a year up to a bound, beyond the slice before."""

    up_to_j: float | None = Field(default=None, ge=0, le=1e18)
    rate_eur_per_j: float = Field(ge=0, le=1e-6)


class Site(Record):
    """A place, with the names of its hourly series in the catalogue."""

    kind: Literal["site"]
    name: Name
    title: str
    country: Annotated[str, AfterValidator(_country)]
    utc_offset_s: float = Field(ge=-86400, le=86400)
    price: Name
    carbon: Name
    wet_bulb: Name
    cooling: Cooling
    energy_tax: list[TaxSlice] = []
    note: str = ""
