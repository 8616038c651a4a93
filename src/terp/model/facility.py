"""Power of the hall around the machine, from wet-bulb weather."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terp.describe import Cooling

Floats = NDArray[np.float64]


def mechanical_share(wet_bulb_celsius: Floats, cooling: Cooling) -> Floats:
    """Share of the heat that chillers must move.  f = (T - T_free) / (T_full - T_free), within 0 and 1

    wet_bulb_celsius  T  wet-bulb temperature of the outside air [degC]

    An economiser in series with chillers: outside air does all the work up to T_free and none from T_full on.  Our
    own linear form; both temperatures are assumed by site.
    """
    span = cooling.full_above_celsius - cooling.free_below_celsius
    return np.clip((wet_bulb_celsius - cooling.free_below_celsius) / span, 0.0, 1.0)


def facility_power_w(it_power_w: Floats, wet_bulb_celsius: Floats, rated_power_w: float, cooling: Cooling) -> Floats:
    """Power at the meter [W].  P = P_it (1 + e + a + f(T) / COP) + s P_rated

    it_power_w     P_it     power of machine, network and storage [W]
    rated_power_w  P_rated  what the hall was built for [W]
    e, a, s                 electrical loss, air movement, standing losses [-]
    COP                     heat moved per unit of chiller power [-]

    Each term is assumed by site with a range.  No measured PUE of Gefion's hall was found; its constants aim at 1.15
    to 1.25, which is our expectation.
    """
    share = mechanical_share(wet_bulb_celsius, cooling) / cooling.chiller_cop_ratio
    rate = 1 + cooling.electrical_loss_fraction + cooling.air_fraction + share
    return it_power_w * rate + cooling.fixed_fraction * rated_power_w


def pue(facility_energy_j: float, it_energy_j: float) -> float:
    """Power usage effectiveness: energy at the meter over energy of the machine, over the same time [-].

    ISO/IEC 30134-2.  1 where no energy was used.
    """
    return facility_energy_j / it_energy_j if it_energy_j > 0 else 1.0
