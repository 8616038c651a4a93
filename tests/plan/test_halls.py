"""Halls looked up on a grid against halls worked out hour by hour."""

import numpy as np
import pytest

from terp.describe import read_site
from terp.plan.machines.halls import Halls, hall_year

SITES = ("amsterdam", "copenhagen", "groningen", "groningen-warm")


def site(name):
    return read_site(name).record


def drawn(count, seed, *, wet):
    """Machines from 50 kW to 20 MW."""
    draw = np.random.default_rng(seed)
    rated_w = np.exp(draw.uniform(np.log(5e4), np.log(2e7), count))
    return rated_w, draw.uniform(0.15, 1, count), draw.uniform(0.1, 1, count) * wet


@pytest.mark.parametrize("wet", [False, True])
@pytest.mark.parametrize("name", SITES)
def test_between_the_points_of_the_grid(name, wet):
    """Of any size; energy to 3 in 10,000, the worst hour to 1 in 1,000."""
    mine = drawn(60, 5, wet=wet)
    found = Halls({"here": site(name)}).of("here", *mine)
    years = [hall_year(site(name), *(float(one) for one in point)) for point in zip(*mine, strict=True)]
    assert found.pue_ratio == pytest.approx(np.array([year.pue_ratio for year in years]), rel=3e-4)
    assert found.worst_ratio == pytest.approx(np.array([year.worst_ratio for year in years]), rel=1e-3)
    assert found.carbon_kg_per_j == pytest.approx(np.array([year.carbon_kg_per_j for year in years]), rel=1e-5)


def test_worked_example():
    """Copenhagen in its worst hour, all on chillers: 1 + 0.06 + 0.07 + 0.01 + 1/5."""
    year = hall_year(site("copenhagen"), 1e6, 0.7, 0.0)
    assert year.worst_ratio == pytest.approx(1.34)
    assert 1.06 + 0.07 + 0.01 / 0.7 < year.pue_ratio < 1.06 + 0.07 + 0.01 / 0.7 + 0.2
    assert f"{year.pue_ratio:.4f}" == "1.1776"


def test_without_a_network_for_heat_size_does_not_matter():
    halls = Halls({"here": site("amsterdam")})
    sizes, same = np.array([1e4, 1e6, 1e8]), np.ones(3)
    for values in vars(halls.of("here", sizes, 0.6 * same, 0.7 * same)).values():
        assert np.ptp(values) == 0


def test_a_network_takes_the_same_share_of_any_small_machine():
    """Below its capacity, and a smaller one above; with it the heat pump's power and the PUE."""
    halls = Halls({"here": site("groningen-warm")})
    sizes, same = np.array([1e5, 5e5, 5e6, 2e7]), np.ones(4)
    pue = halls.of("here", sizes, 0.6 * same, 0.9 * same).pue_ratio
    assert pue[0] == pytest.approx(pue[1], rel=1e-12)
    assert pue[1] > pue[2] > pue[3] > 1


def test_more_load_spreads_what_always_draws():
    """Standing losses weigh less at higher load."""
    halls, loads = Halls({"here": site("copenhagen")}), np.linspace(0.1, 1, 19)
    pue = halls.of("here", np.full(19, 1e6), loads, np.zeros(19)).pue_ratio
    assert (np.diff(pue) < 0).all()
