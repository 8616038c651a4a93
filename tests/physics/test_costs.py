"""What a machine costs: identities of lines and draws, a worked example, and what stays out of the sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.catalogue import constants, read_catalogue, read_prices
from terp.catalogue.read.parts import StorageAppliance
from terp.catalogue.read.prices import Currency, Price, Prices
from terp.describe import read_machine
from terp.errors import UnknownName
from terp.hardware import build_machine
from terp.physics import (
    MARKET,
    CostLine,
    draw_factors,
    hardware_lines,
    level_fraction,
    part_price,
    ranges_of,
    scenarios_eur,
    split_lognormal,
    unit_price,
    unpriced_parts,
)
from terp.physics.money.costs import months_between
from terp.physics.money.price_uncertainty import DealConstants
from terp.reader import Provenance
from terp.statistics import NORMAL_P95
from terp.units import Money

LINES = ("nodes", "fabric", "storage", "management", "racks", "cooling", "installation")


@pytest.fixture(scope="module")
def gefion():
    return build_machine(read_machine("gefion"), read_catalogue())


def only(**entries):
    """Prices of the given entries alone, with a range of the first."""
    ranges = {f"prices.{name}.price": Provenance("assumed", range_text="80 .. 140 kUSD") for name in entries}
    euros = {"USD": Currency(title="dollar", euros={"2024": 0.9, "2025": 0.8})}
    return Prices({name.replace("_", "-"): entry for name, entry in entries.items()}, {}, euros, ranges, "")


def price(**more):
    return Price(title="A node", price=Money(95e3, "USD"), dated="2024-06", **more)


def test_a_price_in_another_month_by_hand():
    """95 kUSD of June 2024, 10 % less a year, a year later at 0.8: 68,400 EUR; a piece of eighteen 3,800."""
    prices = only(node=price(yearly_trend_fraction=-0.1))
    one = unit_price(prices, "node", "2025-06")
    assert one.eur == pytest.approx(95e3 * 0.9 * 0.8)
    assert (one.low_eur, one.high_eur) == pytest.approx((80e3 * 0.9 * 0.8, 140e3 * 0.9 * 0.8))
    assert unit_price(prices, "node", "2024-06").eur == pytest.approx(85_500)
    assert unit_price(only(node=price(pieces_count=18)), "node", "2024-06").eur == pytest.approx(4750)
    with pytest.raises(UnknownName):
        unit_price(prices, "rack", "2025-06")


def test_months_between():
    assert months_between("2024-08", "2025-02") == 6
    assert months_between("2025-02", "2024-08") == -6


def test_a_part_is_priced_by_the_piece_or_by_what_it_stores():
    appliance = read_catalogue().part(StorageAppliance, "ai400x2")
    prices = only(flash=price(of=["ai400x2"], per="TB"))
    assert part_price(prices, "ai400x2", appliance, "2024-06") == pytest.approx(95e3 * 0.9 * appliance.usable_bytes / 1e12)
    assert part_price(prices, "qm9700", appliance, "2024-06") is None
    assert part_price(only(hall=price(of=["ai400x2"], per="kW")), "ai400x2", appliance, "2024-06") is None


def test_quantiles_of_the_theory_page():
    z = np.array([-NORMAL_P95, 0.0, 1.0, NORMAL_P95])
    assert split_lognormal(80, 95, 140, z) == pytest.approx([80, 95, 120.26, 140], abs=0.01)


@given(
    st.floats(1e-3, 1e6), st.floats(1, 20), st.floats(1, 20), st.lists(st.floats(-4, 4), min_size=2, max_size=8, unique=True)
)
def test_quantiles_rise_and_end_where_the_range_does(central, down, up, z):
    low, high = central / down, central * up
    found = split_lognormal(low, central, high, np.sort(np.array(z)))
    assert np.all(np.diff(found) >= -1e-9 * high)
    ends = split_lognormal(low, central, high, np.array([-NORMAL_P95, 0, NORMAL_P95]))
    assert ends == pytest.approx([low, central, high])


@pytest.mark.parametrize("wrong", [(0, 1, 2), (2, 1, 3), (1, 3, 2)])
def test_a_range_that_leaves_its_value_out_is_refused(wrong):
    with pytest.raises(ValueError, match="not a range"):
        split_lognormal(*wrong, np.zeros(1))


def test_draws_keep_their_ranges_and_know_nothing_of_each_other():
    ranges = {"a": (0.8, 1.0, 1.5), "b": (5.0, 10.0, 12.0), "free": (0.0, 0.0, 0.0)}
    drawn = draw_factors(ranges, 4000, 1)
    assert set(drawn) == {"a", "b", "free", MARKET}
    assert np.quantile(drawn["a"], [0.05, 0.5, 0.95]) == pytest.approx([0.8, 1.0, 1.5], rel=5e-3)
    assert np.quantile(drawn["b"], [0.05, 0.5, 0.95]) == pytest.approx([0.5, 1.0, 1.2], rel=5e-3)
    assert np.all(drawn["free"] == 1)
    assert np.median(drawn[MARKET]) == pytest.approx(1, abs=2e-3)
    pairs = [("a", "b"), ("a", MARKET), ("b", MARKET)]
    assert all(abs(np.corrcoef(drawn[one], drawn[other])[0, 1]) < 0.05 for one, other in pairs)
    alone = draw_factors({"a": ranges["a"]}, 4000, 1)
    assert np.array_equal(alone["a"], drawn["a"])
    assert not np.array_equal(draw_factors(ranges, 4000, 2)["a"], drawn["a"])


@given(st.floats(1e3, 1e11), st.floats(1, 50))
def test_larger_deals_pay_less_a_part_and_more_in_all(quoted, times):
    small, large = level_fraction(quoted), level_fraction(quoted * times)
    assert 0 < large <= small <= 1
    assert large * quoted * times >= small * quoted * (1 - 1e-12)


def test_the_level_of_a_deal_by_hand():
    known = constants(DealConstants)
    assert level_fraction(known.level_at_eur) == known.level_fraction
    assert level_fraction(10 * known.level_at_eur) == pytest.approx(known.level_fraction * 10**-known.exponent_ratio)
    assert level_fraction(0) == 1


def test_lines_of_a_machine_and_what_is_left_out(gefion):
    prices = read_prices()
    lines = hardware_lines(gefion, prices, "2024-03")
    assert {line.line for line in lines} <= set(LINES)
    assert all(line.low_eur <= line.eur <= line.high_eur and line.cost_class == "acquisition" for line in lines)
    by_hand = {}
    for line in gefion.bill:
        one = part_price(prices, line.name, line.part, "2024-03")
        by_hand[line.name] = by_hand.get(line.name, 0.0) + line.count * (one or 0.0)
    hardware = [line for line in lines if line.line != "installation"]
    assert sum(line.eur for line in hardware) == pytest.approx(sum(by_hand.values()))
    nodes = next(line for line in lines if line.line == "nodes")
    assert (nodes.quantity_ratio, nodes.eur) == (191, pytest.approx(191 * unit_price(prices, "dgx-h100", "2024-03").eur))
    assert unpriced_parts(gefion, prices) == ()
    bare = only(node=price(of=["dgx-h100"]))
    assert [line.line for line in hardware_lines(gefion, bare, "2024-03")] == ["nodes"]
    assert dict(unpriced_parts(gefion, bare))["qm9700"] > 50
    assert "dgx-h100" not in dict(unpriced_parts(gefion, bare))


def test_liquid_cooling_is_priced_where_there_is_some(gefion):
    prices = read_prices()
    wet = build_machine(read_machine("meluxina"), read_catalogue())
    cooling = [line for line in hardware_lines(wet, prices, "2024-03") if line.line == "cooling"]
    assert cooling[0].quantity_ratio == pytest.approx(200 * wet.node.rated_power_w / 1e3)
    assert all(line.line != "cooling" for line in hardware_lines(gefion, prices, "2024-03"))


def test_the_interval_of_a_total_holds_its_central_value_and_the_market_widens_it(gefion):
    lines = hardware_lines(gefion, read_prices(), "2024-03")
    total = sum(line.eur for line in lines)
    factors = draw_factors(ranges_of(lines), 2000, 3)
    drawn = scenarios_eur(lines, factors)
    low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95])
    assert low < total < high
    assert middle == pytest.approx(total, rel=0.05)
    still = scenarios_eur(lines, {**factors, MARKET: np.ones(2000)})
    assert np.quantile(still, 0.95) - np.quantile(still, 0.05) < high - low
    assert scenarios_eur(lines, factors, 0.7) == pytest.approx(0.7 * drawn)
    ones = {name: np.ones(1) for name in factors}
    assert scenarios_eur(lines, ones)[0] == pytest.approx(total)


def test_what_costs_nothing_is_drawn_too():
    free = CostLine("racks", "A rack", "acquisition", "free", 4, 0.0, 0.0, 100.0, "assumed")
    from_nothing = CostLine("racks", "A rack", "acquisition", "rack", 4, 80.0, 0.0, 100.0, "assumed")
    ranges = ranges_of([free, from_nothing])
    assert ranges == {"free": (1, 1, 1), "rack": (0.01, 1, 1.25)}
    drawn = scenarios_eur([free, from_nothing], {**draw_factors(ranges, 1000, 1), MARKET: np.ones(1000)})
    assert np.quantile(drawn, [0.05, 0.5, 0.95]) == pytest.approx([0.8, 80, 100], rel=0.05)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.1, 10))
def test_prices_scale_linearly(gefion, scale):
    prices = read_prices()
    dearer = {
        name: entry.model_copy(update={"price": Money(entry.price.amount * scale, entry.price.currency)})
        for name, entry in prices.entries.items()
    }
    scaled = Prices(dearer, prices.rates, prices.currencies, {}, "")
    plain = Prices(prices.entries, prices.rates, prices.currencies, {}, "")
    ours, theirs = (sum(line.eur for line in hardware_lines(gefion, one, "2025-01")) for one in (scaled, plain))
    assert ours == pytest.approx(scale * theirs)
