"""Formulas: limits, worked examples with the printed digits, and their dimensions by pint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, Node, Processor
from terp.describe import TaxSlice, read_site
from terp.physics import (
    facility_power_w,
    fan_power_w,
    levels_of,
    machine_power,
    mechanical_share,
    node_levels,
    node_power_w,
    pue,
    staircase_eur,
)

KWH = 3.6e6


@pytest.fixture(scope="module")
def dutch_tax():
    return read_site("groningen").record.energy_tax


@pytest.mark.parametrize(("gwh", "eur_per_kwh"), [(10, 0.0397), (15, 0.0271), (17, 0.0241), (20, 0.0208)])
def test_dutch_staircase_of_2024_gives_the_mean_rates_worked_out_by_hand(dutch_tax, gwh, eur_per_kwh):
    """Mean rate at 10, 15, 17 and 20 GWh a year: 0.0397, 0.0271, 0.0241 and 0.0208 EUR/kWh."""
    energy_j = gwh * 1e6 * KWH
    assert round(staircase_eur(energy_j, dutch_tax) / (gwh * 1e6), 4) == eur_per_kwh


def test_a_short_run_pays_the_mean_rate_of_its_year(dutch_tax):
    assert staircase_eur(1e12, dutch_tax, 0.1) * 10 == pytest.approx(staircase_eur(1e13, dutch_tax))


def test_ten_years_pay_ten_staircases(dutch_tax):
    assert staircase_eur(6e14, dutch_tax, 10) == pytest.approx(10 * staircase_eur(6e13, dutch_tax))


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_tax_rises_with_energy_and_falls_by_rate(dutch_tax, one, other):
    low, high = sorted((one, other))
    assert staircase_eur(low, dutch_tax) <= staircase_eur(high, dutch_tax) + 1e-9
    first_rate = dutch_tax[0].rate_eur_per_j
    assert staircase_eur(high, dutch_tax) <= high * first_rate + 1e-9


def test_no_slices_no_tax():
    assert staircase_eur(1e15, []) == 0
    assert staircase_eur(1e9, [TaxSlice(rate_eur_per_j="0.1 EUR/kWh")]) == pytest.approx(1e9 / KWH * 0.1)


def test_an_air_cooled_node_at_full_power_draws_what_was_measured(catalogue):
    """About 8.4 kW at most of an air-cooled HGX H100 (latif-2025)."""
    levels = levels_named(catalogue, "dgx-h100")
    assert node_power_w(levels, levels.full_w) == pytest.approx(8400)
    assert node_power_w(levels, 20_000) == levels.rated_w
    assert fan_power_w(levels, 0) == levels.idle_fan_w


def levels_named(catalogue, name):
    node = catalogue.part(Node, name)
    return node_levels(node, catalogue.part(Accelerator, node.accelerator), catalogue.part(Processor, node.processor))


def test_levels_of_a_node_that_nobody_measured_are_in_order(catalogue):
    for name, node in catalogue.parts["nodes"].items():
        levels = levels_named(catalogue, name)
        assert 0 < levels.down_w < levels.idle_w < levels.busy_w < levels.full_w, name
        assert levels.full_w + levels.full_fan_w <= node.rated_power_w * 1.0001, name


@given(st.floats(0, 12_000), st.floats(0, 12_000))
def test_node_power_rises_with_its_level(catalogue, one, other):
    levels = levels_named(catalogue, "dgx-h100")
    low, high = sorted((one, other))
    assert node_power_w(levels, low) <= node_power_w(levels, high)


def test_cooling_limits():
    cooling = read_site("copenhagen").record.cooling
    share = mechanical_share(np.array([-20.0, 10.0, 14.0, 18.0, 40.0]), cooling)
    assert share.tolist() == [0, 0, 0.5, 1, 1]
    power = facility_power_w(np.array([1e6]), np.array([0.0]), 2e6, cooling)
    assert power[0] == pytest.approx(1e6 * 1.13 + 0.01 * 2e6)


def test_pin_copenhagen_lies_where_we_expect_an_air_cooled_hall():
    """A pin of assumed constants, no proof: PUE over 2024 at full load within the 1.15 to 1.25 that they aim at."""
    from terp.catalogue import hourly

    site = read_site("copenhagen").record
    power = facility_power_w(np.full(8784, 1.5e6), hourly(site.wet_bulb).values, 2.0e6, site.cooling)
    assert 1.15 <= pue(power.sum(), 1.5e6 * 8784) <= 1.25


def test_pue_of_nothing_is_one():
    assert pue(0, 0) == 1


def test_dimensions():
    import pint

    unit = pint.UnitRegistry()
    cooling = read_site("copenhagen").record.cooling

    answer = facility_power_w(1e6 * unit.watt, np.array(5.0), 2e6 * unit.watt, cooling)
    assert answer.check("[power]")


def test_the_machine_at_full_power_draws_what_gefion_drew_in_hpl(gefion):
    """1,753.2 kW over the whole HPL run of 2024-11 (top500-2024-11), which nothing here was fitted to; within 5 %."""
    levels = levels_of(gefion)
    whole_w = machine_power(gefion).base_w + gefion.nodes_count * node_power_w(levels, levels.full_w)
    assert whole_w == pytest.approx(1_753_200, rel=0.05)
