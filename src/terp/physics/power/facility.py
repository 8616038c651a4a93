"""The hall around the machine, from outside air: its power, the water it evaporates and the heat that it hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.describe import Conversion, Cooling, HeatReuse, Liquid, Rejection, Site

VAPOUR_J_PER_KG: Final = 2.454e6
"""Latent heat of water at 20 degC [J/kg] (iapws-steam); 2.501e6 at 0, 2.430e6 at 30 degC."""
KELVIN: Final = 273.15


@dataclass(frozen=True)
class Weather:
    """Outside air, hour by hour; the dry bulb is None where the site names no series of it.

    Both have the shape (hours,), in degC.
    """

    wet_bulb_celsius: Floats
    dry_bulb_celsius: Floats | None = None


@dataclass(frozen=True)
class HallFlows:
    """What a hall takes and gives, hour by hour.

    meter_w          power at the meter
    water_kg_per_s   water that comes in, to evaporate and to keep basins fresh
    reused_w         heat handed to a network at the centre's boundary

    All have the shape (hours,).
    """

    meter_w: Floats
    water_kg_per_s: Floats
    reused_w: Floats


def mechanical_share(wet_bulb_celsius: Floats, cooling: Cooling) -> Floats:
    """Share of the heat that chillers must move.  f = (T - T_free) / (T_full - T_free), within 0 and 1

    wet_bulb_celsius  T  wet-bulb temperature of the outside air [degC]

    An economiser in series with chillers: outside air does all the work up to T_free and none from T_full on.  Our
    own linear form; both temperatures are assumed by site.

    cooling   of the site's file, with both temperatures [degC].  The result has the shape of the temperatures.
    """
    span = cooling.full_above_celsius - cooling.free_below_celsius
    return np.clip((wet_bulb_celsius - cooling.free_below_celsius) / span, 0.0, 1.0)


def conversion_loss_w(it_power_w: Floats, rated_power_w: float, conversion: Conversion) -> Floats:
    """Loss of transformers, UPS and distribution [W].  P = (a + b x + c x^2) P_rated,  x = P_it / P_rated

    a, b, c   no-load, proportional and quadratic losses at full load [-]

    The three terms of UPS losses (schneider-ups-losses): always on, with the current, with its square.

    it_power_w      any shape [W];  rated_power_w   at which the losses of the file are stated [W]
    """
    load = it_power_w / rated_power_w if rated_power_w > 0 else it_power_w * 0.0
    terms = conversion.no_load_fraction + load * (conversion.proportional_fraction + load * conversion.quadratic_fraction)
    return terms * rated_power_w


def facility_power_w(it_power_w: Floats, wet_bulb_celsius: Floats, rated_power_w: float, cooling: Cooling) -> Floats:
    """Power at the meter of an air-cooled hall [W].  P = P_it (1 + e + a + f(T) / COP) + s P_rated

    it_power_w     P_it     power of machine, network and storage [W]
    rated_power_w  P_rated  what the hall was built for [W]
    e, a, s                 electrical loss, air movement, standing losses [-]; e may be `conversion_loss_w` instead
    COP                     heat moved per unit of chiller power [-]

    Each term is assumed by site with a range.  No measured PUE of Gefion's hall was found; its constants aim at 1.15
    to 1.25, which is our expectation.

    wet_bulb_celsius   of the outside air [degC], of the shape of the power, or one for all
    """
    share = mechanical_share(wet_bulb_celsius, cooling) / cooling.chiller_cop_ratio
    rate = 1 + cooling.electrical_loss_fraction + cooling.air_fraction + share
    power_w = it_power_w * rate + cooling.fixed_fraction * rated_power_w
    if cooling.conversion is None:
        return power_w
    return power_w + conversion_loss_w(it_power_w, rated_power_w, cooling.conversion)


def hall_flows(it_power_w: Floats, wetted_power_w: Floats, weather: Weather, rated_power_w: float, site: Site) -> HallFlows:
    """Power at the meter, water and reused heat of a hall.

    wetted_power_w   of the machine's power, that of liquid-cooled nodes [W]; counts only where the site has a loop
    rated_power_w    what hall and loop were built for [W]

    The loop takes its share of the nodes' heat from the air: P = P_air-cooled - P_loop (a + f / COP) + pumps, fans and
    chillers of the loop + heat pump.  Heat of conversion losses is left to the air outside the room.

    it_power_w   of machine, network and storage, by hour [W];  weather   of the same hours
    site         with its cooling, its loop and its reuse of heat, where it has them
    """
    cooling, loop, reuse = site.cooling, site.cooling.liquid, site.heat_reuse
    chilled = mechanical_share(weather.wet_bulb_celsius, cooling) / cooling.chiller_cop_ratio
    wet_w = wetted_power_w * loop.heat_fraction if loop else it_power_w * 0.0
    air_w = it_power_w - wet_w
    meter_w = facility_power_w(it_power_w, weather.wet_bulb_celsius, rated_power_w, cooling)
    meter_w = meter_w - wet_w * (cooling.air_fraction + chilled)
    from_loop = bool(np.any(wet_w > 0))
    taken_w, lift_w = reuse_w(wet_w if from_loop else air_w, weather, reuse, waste_heat_celsius(site, wet=from_loop))
    if not from_loop:
        meter_w, air_w = meter_w - taken_w * chilled, air_w - taken_w
    water = air_water_kg_per_s(air_w, weather.wet_bulb_celsius, cooling)
    if loop is not None and from_loop:
        rated_w, rest_w = rated_power_w * loop.heat_fraction, wet_w - taken_w
        power_w, evaporated = loop_flows(rest_w, rated_w, weather, loop, cooling.chiller_cop_ratio)
        meter_w, water = meter_w + power_w + loop.pump_fraction * wet_w, water + evaporated
    return HallFlows(meter_w + lift_w, water, taken_w + lift_w)


def waste_heat_celsius(site: Site, *, wet: bool) -> float | None:
    """Temperature of the fluid that leaves the machine [degC]: the loop's water, or the hall's air if it says so."""
    return site.cooling.liquid.return_celsius if wet and site.cooling.liquid else site.hall.return_air_celsius


def cold_side_celsius(weather: Weather, supply_celsius: float, rejection: Rejection) -> tuple[Floats, Floats]:
    """What a loop's coolers see [degC], and how far wetted pads have cooled the air [K].

    A tower sees the wet bulb, a dry cooler the dry bulb.  Adiabatic pads are wetted in hours in which dry air is too
    warm for the supply, and cool it by p (T_dry - T_wet).

    supply_celsius   of the loop's water [degC];  rejection   how the loop gives its heat to the air
    """
    wet = weather.wet_bulb_celsius
    if rejection.kind == "tower":
        return wet, wet * 0.0
    dry = weather.dry_bulb_celsius if weather.dry_bulb_celsius is not None else wet
    if rejection.kind == "dry":
        return dry, dry * 0.0
    needed = dry + rejection.approach_kelvin > supply_celsius
    cooled = np.where(needed, (rejection.pad_fraction or 0.0) * np.maximum(dry - wet, 0.0), 0.0)
    return dry - cooled, cooled


def loop_flows(
    heat_w: Floats, rated_heat_w: float, weather: Weather, loop: Liquid, cop_ratio: float
) -> tuple[Floats, Floats]:
    """Power of coolers and chillers of a water loop [W], and its water [kg/s].

    chillers  f Q / COP,  f = (T_air + A - T_supply) / (T_return - T_supply), within 0 and 1
    fans      F Q_rated s^3,  s = (Q / Q_rated) A / (T_supply - T_air), at most 1
    water     of a tower: w Q (1 + f / COP) / r x c / (c - 1);  of pads: the same with w = dT_pad / (T_return - T_supply)

    A, F   approach at full heat and full fans [K]; fans over rated heat [-]
    w, r   share that leaves as vapour [-]; latent heat [J/kg]
    c      cycles of concentration: c / (c - 1) is what comes in over what evaporates

    Coolers stand in series before the chiller.  The cube is the fan law; that heat goes in proportion to air flow and
    temperature difference is our own simplification.  Air through pads warms as much as the water cools.

    heat_w         that the loop carries, by hour [W];  rated_heat_w   that its coolers were built for [W]
    cop_ratio      heat moved per unit of the chillers' power [-]
    """
    rejection, span = loop.rejection, loop.return_celsius - loop.supply_celsius
    air, cooled = cold_side_celsius(weather, loop.supply_celsius, rejection)
    share = np.clip((air + rejection.approach_kelvin - loop.supply_celsius) / span, 0.0, 1.0)
    chillers_w = share * heat_w / cop_ratio
    head = np.maximum(loop.supply_celsius - air, rejection.approach_kelvin)
    load = heat_w / rated_heat_w if rated_heat_w > 0 else heat_w * 0.0
    speed = np.minimum(load * rejection.approach_kelvin / head, 1.0)
    fans_w = rejection.fan_fraction * rated_heat_w * speed**3
    vapour = (rejection.latent_fraction or 0.0) + np.minimum(cooled / span, 1.0)
    return chillers_w + fans_w, vapour * (heat_w + chillers_w) / VAPOUR_J_PER_KG * makeup_ratio(rejection.cycles_ratio)


def makeup_ratio(cycles_ratio: float | None) -> float:
    """Water that comes in over water that evaporates [-].  c / (c - 1): the rest is bled to keep salts at c times theirs."""
    return cycles_ratio / (cycles_ratio - 1) if cycles_ratio else 1.0


def air_water_kg_per_s(heat_w: Floats, wet_bulb_celsius: Floats, cooling: Cooling) -> Floats:
    """Water of an air-cooled hall that evaporates some in warm hours [kg/s]; none if its file does not say so."""
    wet = cooling.evaporation
    if wet is None:
        return heat_w * 0.0
    vapour_w = wet.latent_fraction * heat_w * (wet_bulb_celsius > wet.wet_above_celsius)
    return vapour_w / VAPOUR_J_PER_KG * makeup_ratio(wet.cycles_ratio)


def heat_demand_share(dry_bulb_celsius: Floats, reuse: HeatReuse) -> Floats:
    """What a network takes of what it could [-].  d = h + (1 - h) (T_none - T) / (T_none - T_full), within h and 1

    h   hot water in summer [-]

    Space heating falls in a line with outside air, as degree days have it; the bounds are assumed by site.

    dry_bulb_celsius   by hour [degC];  reuse   the network's bounds, from the site's file
    """
    span = reuse.none_above_celsius - reuse.full_below_celsius
    heating = np.clip((reuse.none_above_celsius - dry_bulb_celsius) / span, 0.0, 1.0)
    return reuse.summer_fraction + (1 - reuse.summer_fraction) * heating


def reuse_w(heat_w: Floats, weather: Weather, reuse: HeatReuse | None, warm_celsius: float | None) -> tuple[Floats, Floats]:
    """Heat taken from the machine's for a network, and power of the centre's own heat pump that lifts it [W].

    warm_celsius   temperature of the heat [degC]

    Taken is d x the least of what exchangers can hand over and what the network can take.  A pump of
    COP = k T_hot / (T_hot - T_warm), in kelvin, adds its power to the heat, and both stay within the network's capacity.
    """
    none = heat_w * 0.0
    if reuse is None or weather.dry_bulb_celsius is None:
        return none, none
    share = heat_demand_share(weather.dry_bulb_celsius, reuse)
    cop = lift_cop_ratio(reuse, warm_celsius)
    taken_w = share * np.minimum(reuse.capture_fraction * heat_w, most_taken_w(reuse, warm_celsius))
    return taken_w, none if cop is None else taken_w / (cop - 1)


def lift_cop_ratio(reuse: HeatReuse, warm_celsius: float | None) -> float | None:
    """COP of the heat pump that lifts heat of a temperature to a network's [-]; None where none is needed."""
    if reuse.lift_carnot_fraction is None or warm_celsius is None or warm_celsius >= reuse.supply_celsius:
        return None
    hot = reuse.supply_celsius + KELVIN
    return max(reuse.lift_carnot_fraction * hot / (reuse.supply_celsius - warm_celsius), 1.0 + 1e-9)


def most_taken_w(reuse: HeatReuse, warm_celsius: float | None) -> float:
    """The most of the machine's heat that a network can take, whatever there is of it [W].

    reuse   the network, with its capacity;  warm_celsius   of the heat [degC], None where it is not known
    """
    cop = lift_cop_ratio(reuse, warm_celsius)
    return reuse.capacity_w if cop is None else reuse.capacity_w * (1 - 1 / cop)


def cooling_degree_days(dry_bulb_celsius: Floats) -> float:
    """Cooling degree days [K day] of whole days of hourly air temperature.  sum of (T_day - 21) over days with T_day >= 24

    The method of Eurostat and the JRC (eurostat-degree-days); base 21 degC as in eu-2024-1364.
    """
    means = dry_bulb_celsius[: dry_bulb_celsius.size // 24 * 24].reshape(-1, 24).mean(1)
    return float(np.where(means >= 24.0, means - 21.0, 0.0).sum())


def pue(facility_energy_j: float, it_energy_j: float) -> float:
    """Power usage effectiveness: energy at the meter over energy of the machine, over the same time [-].

    ISO/IEC 30134-2.  1 where no energy was used.

    Both in joules, of the same hours.
    """
    return facility_energy_j / it_energy_j if it_energy_j > 0 else 1.0
