"""The hall: limits, pins of what was before, worked examples, and published PUE and water with tolerances set before."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import hourly
from terp.describe import Contract, Conversion, Evaporation, HeatReuse, Network, Rejection, read_site
from terp.errors import Problems
from terp.physics import Peaks, Weather, capacity_charge_eur, cooling_degree_days, facility_power_w, hall_flows, pue
from terp.physics.power.facility import (
    VAPOUR_J_PER_KG,
    cold_side_celsius,
    conversion_loss_w,
    heat_demand_share,
    loop_flows,
    makeup_ratio,
    reuse_w,
)
from terp.simulate import hour_by_hour

HOURS = 8784
KWH = 3.6e6


@pytest.fixture(scope="module")
def warm():
    return read_site("groningen-warm").record


def air(wet, dry):
    return Weather(np.array(wet, float), np.array(dry, float))


def year():
    return Weather(hourly("wet-bulb-aarhus").values, hourly("dry-bulb-aarhus").values)


def with_cooling(site, **changes):
    return site.model_copy(update={"cooling": site.cooling.model_copy(update=changes)})


def with_loop(site, **changes):
    return with_cooling(site, liquid=site.cooling.liquid.model_copy(update=changes))


# pins of what was before the loop, conversion and contracts were added


BEFORE = {
    "copenhagen": "9339add947856ef5e8c95e4da0962aa0292cba3bcd7d983ada9636d0fd48135f",
    "groningen": "ec9c7a09e73de9f817cf82f4af818fdb88b1a02ac7be1a48ad972856465e096c",
}


@pytest.mark.parametrize("name", BEFORE)
def test_pin_sites_without_the_new_keys_give_the_same_bytes_as_before(name):
    """Energy, cost, carbon and price by hour of a year of 4,000 random powers, as version 0.1.0 had them."""
    drawn = np.random.default_rng(7)
    time_s = np.sort(drawn.choice(366 * 86_400, 4000, replace=False))
    time_s[0] = 0
    power_w = np.rint(drawn.uniform(2e5, 1.8e6, 4000) * 8) / 8
    for dry_power_w in (None, 3e5):  # a liquid-cooled machine in a hall without a loop heats the air, as before
        hours = hour_by_hour(read_site(name).record, time_s, power_w, 366 * 86_400, 1.95e6, dry_power_w)
        digest = hashlib.sha256()
        for values in (hours.it_j, hours.facility_j, hours.cost_eur, hours.carbon_kg, hours.price_eur_per_j):
            digest.update(np.ascontiguousarray(values).tobytes())
        assert digest.hexdigest() == BEFORE[name]
        assert hours.water_kg.sum() == hours.reused_j.sum() == hours.network_eur == hours.margin_eur == 0


# limits and worked examples


def test_conversion_losses_by_hand():
    """10 MW of UPS, 1 + 1.5 + 1 % at full load: 350 kW at full, 100 + 75 + 25 at half, 100 kW at none."""
    conversion = Conversion(no_load=0.01, proportional=0.015, quadratic=0.01)
    lost = conversion_loss_w(np.array([1e7, 5e6, 0.0]), 1e7, conversion)
    assert lost == pytest.approx([350e3, 200e3, 100e3])
    assert conversion_loss_w(np.array([0.0]), 0.0, conversion) == 0


def test_conversion_that_is_proportional_alone_is_the_flat_loss(warm):
    flat = warm.cooling.model_copy(update={"electrical_loss_fraction": 0.03, "conversion": None})
    by_load = warm.cooling.model_copy(update={"conversion": Conversion(no_load=0, proportional=0.03, quadratic=0)})
    it_w, wet = np.linspace(0, 2e6, 9), np.linspace(-5, 25, 9)
    assert facility_power_w(it_w, wet, 2e6, by_load) == pytest.approx(facility_power_w(it_w, wet, 2e6, flat))


@given(st.floats(0.05, 0.5), st.floats(0.5, 1))
def test_efficiency_rises_with_load_where_square_losses_are_small(low, high):
    conversion = Conversion(no_load=0.012, proportional=0.014, quadratic=0.005)
    lost = conversion_loss_w(np.array([low, high]), 1.0, conversion) / np.array([low, high])
    assert lost[0] >= lost[1] - 1e-12


def test_a_loop_that_takes_no_heat_is_an_air_cooled_hall(warm):
    site = with_loop(warm, heat_fraction=0.0).model_copy(update={"heat_reuse": None})
    it_w = np.full(HOURS, 1.2e6)
    flows = hall_flows(it_w, it_w, year(), 1.5e6, site)
    assert flows.meter_w == pytest.approx(facility_power_w(it_w, year().wet_bulb_celsius, 1.5e6, site.cooling), rel=1e-14)
    assert flows.water_kg_per_s.sum() == flows.reused_w.sum() == 0


def test_a_cold_tower_by_hand(warm):
    """1 MW of a loop built for 1 MW; 4 K approach at 12 degC wet bulb, 32 degC wanted: fans at a fifth, 1/125 of 20 kW.

    Water: 0.8 of 1 MW as vapour is 0.326 kg/s, and 3 cycles bring in half as much again.
    """
    tower = Rejection(kind="tower", approach="4 K", fan=0.02, latent=0.8, cycles=3)
    loop = warm.cooling.liquid.model_copy(update={"rejection": tower})
    power_w, water = loop_flows(np.array([1e6]), 1e6, air([12], [20]), loop, 6.0)
    assert power_w[0] == pytest.approx(0.02 * 1e6 / 125)
    assert water[0] == pytest.approx(0.8e6 / VAPOUR_J_PER_KG * 1.5)
    assert water[0] == pytest.approx(0.489, abs=0.001)


def test_a_hot_dry_cooler_by_hand(warm):
    """29 degC outside, 8 K approach, water from 42 to 32 degC: half of the way is the chiller's, fans run full."""
    dry = Rejection(kind="dry", approach="8 K", fan=0.02)
    loop = warm.cooling.liquid.model_copy(update={"rejection": dry})
    power_w, water = loop_flows(np.array([1e6]), 1e6, air([20], [29]), loop, 5.0)
    assert power_w[0] == pytest.approx(0.5 * 1e6 / 5 + 0.02 * 1e6)
    assert water[0] == 0


def test_pads_are_wet_only_in_hours_that_need_them(warm):
    """24 degC is just cool enough for 32 degC by 8 K; at 28 degC pads cool 0.8 of the 10 K to the wet bulb."""
    seen, cooled = cold_side_celsius(air([18, 18], [24, 28]), 32.0, warm.cooling.liquid.rejection)
    assert seen.tolist() == [24, 20]
    assert cooled.tolist() == [0, 8]


@given(st.floats(-15, 30), st.floats(0, 12), st.floats(0, 12), st.sampled_from(["dry", "adiabatic", "tower"]))
def test_warmer_air_never_saves_power(warm, wet, spread, more, kind):
    keys = {"dry": {}, "adiabatic": {"pad": 0.8, "cycles": 3}, "tower": {"latent": 0.8, "cycles": 3}}[kind]
    loop = warm.cooling.liquid.model_copy(update={"rejection": Rejection(kind=kind, approach="5 K", fan=0.02, **keys)})
    heat = np.full(2, 8e5)
    dry = wet + spread
    weather = air([wet, wet + more], [dry, dry + more])
    power_w, water = loop_flows(heat, 1e6, weather, loop, 5.0)
    if kind != "adiabatic":  # wetting the pads saves power at a step
        assert power_w[1] >= power_w[0] - 1e-6
    assert (power_w >= 0).all()
    assert (water >= 0).all()
    assert (water <= 1.2 * heat / VAPOUR_J_PER_KG * 1.5 + 1e-12).all()


def test_a_loop_moves_what_it_takes_from_the_air(warm):
    """With a loop whose pumps and fans cost what the air does, and weather in which no chiller runs, nothing changes."""
    site = with_loop(
        warm, pump_fraction=warm.cooling.air_fraction, rejection=Rejection(kind="dry", approach="5 K", fan=0)
    ).model_copy(update={"heat_reuse": None})
    it_w = np.full(3, 1e6)
    weather = air([0, 5, 10], [1, 6, 11])
    flows = hall_flows(it_w, it_w * 0.8, weather, 1.2e6, site)
    assert flows.meter_w == pytest.approx(facility_power_w(it_w, weather.wet_bulb_celsius, 1.2e6, site.cooling))


def test_makeup_by_hand():
    assert makeup_ratio(None) == 1
    assert makeup_ratio(2) == 2
    assert makeup_ratio(12.8) == pytest.approx(1.0847, abs=1e-4)


def test_air_cooled_halls_evaporate_only_above_their_bound():
    site = read_site("copenhagen").record
    site = with_cooling(site, evaporation=Evaporation(wet_above="12 degC", latent=0.5, cycles=2))
    it_w = np.full(2, 1e6)
    flows = hall_flows(it_w, it_w * 0, air([11, 13], [15, 18]), 1e6, site)
    assert flows.water_kg_per_s == pytest.approx([0, 0.5e6 / VAPOUR_J_PER_KG * 2])


# heat for a network


def reuse(**changes):
    base = {"capture": 0.9, "capacity": "1 MW", "full_below": "0 degC", "none_above": "16 degC", "summer": 0.2,
            "supply": "40 degC"}  # fmt: skip
    return HeatReuse(**{**base, **changes})


def test_demand_by_season():
    share = heat_demand_share(np.array([-10.0, 0.0, 8.0, 16.0, 30.0]), reuse())
    assert share == pytest.approx([1, 1, 0.6, 0.2, 0.2])


def test_heat_that_is_warm_enough_is_handed_over_as_it_is():
    taken, lift = reuse_w(np.array([5e5, 2e6]), air([0, 0], [-5, -5]), reuse(), 42.0)
    assert taken == pytest.approx([4.5e5, 1e6])
    assert lift.sum() == 0


def test_a_heat_pump_by_carnot():
    """From 42 to 70 degC at half of Carnot: COP 343.15 / 28 / 2 = 6.128; the network's megawatt is heat and power."""
    taken, lift = reuse_w(np.array([2e6]), air([0], [-5]), reuse(supply="70 degC", lift_carnot=0.5), 42.0)
    assert (taken + lift)[0] == pytest.approx(1e6)
    assert (taken + lift)[0] / lift[0] == pytest.approx(343.15 / 28 / 2)


@given(st.floats(0, 2e6), st.floats(-20, 35))
def test_heat_is_conserved_and_within_what_there_is(warm, it_w, outside):
    weather = air([outside - 2], [outside])
    power = np.array([it_w])
    flows = hall_flows(power, power * 0.9, weather, 2e6, warm)
    none = hall_flows(power, power * 0.9, weather, 2e6, warm.model_copy(update={"heat_reuse": None}))
    assert 0 <= flows.reused_w[0] <= warm.heat_reuse.capacity_w * (1 + 1e-9)
    assert flows.reused_w[0] <= flows.meter_w[0] + 1e-6
    assert flows.water_kg_per_s[0] <= none.water_kg_per_s[0] + 1e-12


def test_reuse_without_a_pump_saves_power_and_water(warm):
    site = warm.model_copy(update={"heat_reuse": reuse()})
    it_w = np.full(HOURS, 1.5e6)
    flows = hall_flows(it_w, it_w, year(), 2e6, site)
    none = hall_flows(it_w, it_w, year(), 2e6, site.model_copy(update={"heat_reuse": None}))
    assert (flows.meter_w <= none.meter_w + 1e-6).all()
    assert flows.water_kg_per_s.sum() < none.water_kg_per_s.sum()
    assert flows.reused_w.sum() > 0


# degree days


def test_cooling_degree_days_by_hand():
    """Days of 20, 23.9, 24 and 27 degC: only the last two count, from 21 degC."""
    days = np.repeat([20.0, 23.9, 24.0, 27.0], 24)
    assert cooling_degree_days(days) == pytest.approx(3 + 6)
    assert cooling_degree_days(days[: 24 * 3 + 5]) == pytest.approx(3)


# contracts


def test_capacity_charges_by_hand():
    """Two months of a flat 1 MW with one hour of 3 MW in the second; 5 EUR/kW a month: 5,000 and 15,000 EUR."""
    energy = np.full(60 * 24, 3.6e9)
    energy[40 * 24] *= 3
    month = np.repeat([0, 1], 30 * 24)
    duration = np.full(energy.size, 3600)
    charge = capacity_charge_eur(energy, duration, Peaks(month, np.full(2, 30 * 86_400.0)), 5e-3)
    assert charge[month == 0].sum() == pytest.approx(5000)
    assert charge[month == 1].sum() == pytest.approx(15_000)
    half = capacity_charge_eur(energy[:360], duration[:360], Peaks(month[:360], np.array([30 * 86_400.0])), 5e-3)
    assert half.sum() == pytest.approx(2500)


def bought(**contract):
    site = read_site("copenhagen").record.model_copy(update={"contract": Contract(**contract)})
    return hour_by_hour(site, np.array([0]), np.array([1e6]), 60 * 86_400, 1e6)


def test_a_fixed_price_is_paid_on_every_unit():
    hours = bought(kind="fixed", price="0.1 EUR/kWh")
    assert hours.cost_eur.sum() == pytest.approx(hours.facility_j.sum() / KWH * 0.1)
    assert hours.price_eur_per_j == pytest.approx(0.1 / KWH, rel=1e-12)


def test_margin_and_network_come_on_top_of_the_day_ahead_price():
    plain = bought()
    network = Network(energy="5 EUR/MWh", month_peak="2 EUR/kW", year_peak="12 EUR/kW")
    hours = bought(margin="2 EUR/MWh", network=network)
    mwh = plain.facility_j.sum() / 3.6e9
    assert hours.margin_eur == pytest.approx(2 * mwh)
    power_kw = plain.facility_j / 3.6e6
    january, february = power_kw[: 31 * 24].max(), power_kw[31 * 24 :].max()
    months = 2 * (january + february)  # 31 and 29 days: both are whole
    assert hours.network_eur == pytest.approx(5 * mwh + months + 12 * power_kw.max() * 60 / 366)
    assert hours.cost_eur.sum() == pytest.approx(plain.cost_eur.sum() + hours.margin_eur + hours.network_eur)


def test_tax_stands_beside_every_contract():
    site = read_site("groningen").record
    fixed = site.model_copy(update={"contract": Contract(kind="fixed", price="0.1 EUR/kWh")})
    runs = [hour_by_hour(place, np.array([0]), np.array([1e6]), 60 * 86_400, 1e6) for place in (site, fixed)]
    assert runs[0].tax_eur == runs[1].tax_eur > 0
    assert runs[1].cost_eur.sum() == pytest.approx(runs[1].facility_j.sum() / KWH * 0.1 + runs[1].tax_eur)


def test_a_step_s_price_is_that_of_a_year_of_flat_load(gefion):
    """PUE and price of `predict train` against the bill of such a year.

    Price within 2 %: the mean price is not weighted with the hall's load, and a month's peak is taken for the year's.
    """
    from terp.physics import machine_power
    from terp.predict.site_rates import site_rates

    there = dataclasses.replace(gefion, file=gefion.file.model_copy(update={"site": "groningen-warm"}))
    rates = site_rates(there)
    power_w, site = machine_power(gefion).expected_w, read_site("groningen-warm").record
    hours = hour_by_hour(site, np.array([0]), np.array([power_w]), 366 * 86_400, power_w)
    assert rates.pue_ratio == pytest.approx(pue(hours.facility_j.sum(), hours.it_j.sum()))
    assert rates.energy_eur_per_j == pytest.approx(hours.cost_eur.sum() / hours.facility_j.sum(), rel=0.02)


# published.  Constants are those of sites/groningen-warm.yaml, assumed before any of these was computed; no fit.


def warm_water_pue(site, wetted, it=0.8):
    rated_w = 1e7
    it_w = np.full(HOURS, it * rated_w)
    flows = hall_flows(it_w, it_w * wetted, year(), rated_w, site.model_copy(update={"heat_reuse": None}))
    return pue(flows.meter_w.sum(), it_w.sum())


def tower(approach="4 K", cycles=12.8):
    return Rejection(kind="tower", approach=approach, fan=0.02, latent=0.8, cycles=cycles)


def test_published_pue_of_a_warm_water_hall_with_towers(warm):
    """NREL's ESIF: 1.036 over a year, without losses before the machine, which its page does not count (nrel-esif).

    Tolerance, set before: 0.015.  Weather is Aarhus, not Golden.
    """
    site = with_loop(with_cooling(warm, conversion=None), rejection=tower())
    assert warm_water_pue(site, 1.0) == pytest.approx(1.036, abs=0.015)


def test_published_pue_of_frontier_and_lumi_as_far_as_known(warm):
    """About 1.03 (transformers alone: 1 % at full load) and about 1.04 to 1.1 (with UPS); neither was read at its source.

    Tolerance, set before: 0.02 for the first, the printed range for the second.
    """
    transformers = Conversion(no_load=0.002, proportional=0, quadratic=0.008)
    frontier = with_loop(with_cooling(warm, conversion=transformers), rejection=tower())
    assert warm_water_pue(frontier, 0.95) == pytest.approx(1.03, abs=0.02)
    assert 1.04 <= warm_water_pue(warm, 0.95) <= 1.1


def test_published_water_of_towers_alone(warm):
    """NREL's ESIF with towers alone: 1.42 l per kWh of the machine, at 12.8 cycles (nrel-esif-water).

    Tolerance, set before: 15 %, for the share that leaves as vapour is assumed.  All heat of the centre goes to the
    towers there, so the loop takes all of it here.
    """
    loop = warm.cooling.liquid.model_copy(update={"rejection": tower(), "heat_fraction": 1.0})
    heat_w = np.full(HOURS, 1e6)
    _, water = loop_flows(heat_w, 1.2e6, year(), loop, 6.0)
    assert water.sum() / heat_w.sum() * KWH == pytest.approx(1.42, rel=0.15)


def test_published_water_saved_by_heat_reuse(warm):
    """There, heat reuse of 10.5 % took 1.42 to 1.27 l/kWh: water falls with the heat that towers see; within 2 %."""
    loop = warm.cooling.liquid.model_copy(update={"rejection": tower(), "heat_fraction": 1.0})
    water = [loop_flows(np.full(HOURS, heat), 1.2e6, year(), loop, 6.0)[1].sum() for heat in (1e6, 0.895e6)]
    assert water[1] / water[0] == pytest.approx(1.27 / 1.42, rel=0.02)


# files that cannot be


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: adiabatic", "kind: dry", "cooling.liquid.rejection.pad: not a key for `kind: dry`"),
        ("kind: adiabatic", "kind: tower", "missing for `kind: tower`; add `latent:`"),
        ('return: {value: "42 degC"', 'return: {value: "31 degC", range: "20 .. 60 degC"', "not above the supply"),
        ("  conversion:\n", "  electrical_loss: 0.05\n  conversion:\n", "both `electrical_loss` and `conversion`"),
        ("dry_bulb: dry-bulb-aarhus\n", "", "dry_bulb: missing, and coolers of `kind: adiabatic` need it"),
        ('supply: {value: "70 degC"', 'supply: {value: "40 degC", range: "30 .. 90 degC"', "warm enough without"),
        ("  kind: day-ahead\n", "  kind: fixed\n", "contract.price: missing for `kind: fixed`"),
        ("hall:\n", "renewables: {guarantees: 0.7, agreements: 0.4}\nhall:\n", "more than all of the energy, found 1.1"),
        ('full_below: {value: "-5 degC"', 'full_below: {value: "17 degC", range: "-15 .. 20 degC"', "not above full_below"),
    ],
)
def test_halls_that_cannot_be_are_refused(tmp_path, old, new, says):
    text = (Path(__file__).parents[2] / "sites" / "groningen-warm.yaml").read_text("utf-8")
    assert old in text
    if "range" in new:  # the range that stood there goes
        head, tail = text.split(old, 1)
        text = head + new + tail[tail.index("}") :]
    else:
        text = text.replace(old, new)
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(Problems) as error:
        read_site(str(tmp_path / "site.yaml"))
    assert says in str(error.value)
