"""Who pays what: exact feasibility, allocation by flow, access, cash flow."""

from fractions import Fraction
from itertools import product
from math import fsum, inf

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from terp.catalogue import read_prices
from terp.describe import read_budget
from terp.describe.budget import COST_CLASSES, Vat
from terp.plan.money.payers import (
    FundingSource,
    Timing,
    access,
    affordable,
    allocate,
    binding,
    cash_flow,
    flows,
    gross_ratio,
    money,
    slack_eur,
    tax_eur,
    unpaid_eur,
)

M = 1e6
COSTS = (120 * M, 20 * M, 60 * M, 25 * M)  # a machine that the premise could pay
PLANNED = (50 * M, 18 * M, 29.5 * M, 65 * M)  # 64.1 of it the contract, with 14.1 of maintenance
NET = Vat()
HOST = Vat(rate_fraction=0.21, on="host")
ALL = Vat(rate_fraction=0.21, on="all")


def sources_of(name):
    return money(read_budget(name).record, read_prices())


def paid_by(allocation):
    """Payer -> MEUR by class."""
    return {
        name: tuple(round(allocation.get((name, kind), 0.0) / M, 4) for kind in COST_CLASSES)
        for name in dict.fromkeys(payer for payer, _ in allocation)
    }


def one_row(costs):
    return np.array([costs], dtype=float)


amounts = st.one_of(st.just(inf), st.floats(0, 2e8), st.sampled_from([0.0, 1e8]))
shares = st.one_of(st.sampled_from([0.0, 0.35, 0.5, 1.0]), st.floats(0.01, 1))
cases = st.tuples(
    st.tuples(*[st.one_of(st.just(0.0), st.floats(1e3, 1e8))] * 4),
    st.lists(
        st.tuples(amounts, st.tuples(shares, shares, shares, shares), st.booleans(), st.booleans()), min_size=1, max_size=4
    ),
    st.builds(Vat, rate_fraction=st.sampled_from([0.0, 0.21, 0.25]), on=st.sampled_from(["none", "host", "all"])),
    st.sampled_from([0.0, 0.05, 0.3]),
).map(
    lambda case: (
        case[0],
        tuple(
            FundingSource(f"p{i}", "", amount, ceilings, buys, 0.5, exempt)
            for i, (amount, ceilings, buys, exempt) in enumerate(case[1])
        ),
        case[2],
        case[3],
    )
)


# Identities


@given(cases)
def test_allocation_keeps_every_bound_and_pays_all_if_that_can_be(case):
    costs, sources, vat, reserve = case
    paid = allocate(costs, sources, vat, reserve)
    [can], [slack] = affordable(one_row(costs), *case[1:]), slack_eur(one_row(costs), *case[1:])[0]
    total = sum(costs)
    for source in sources:
        ratio, mine = gross_ratio(source, vat), [paid.get((source.name, kind), 0.0) for kind in COST_CLASSES]
        assert fsum(mine) <= source.amount_eur * (1 - reserve) + 1e-9 * total
        for eur, share, cost in zip(mine, source.ceilings, costs, strict=True):
            assert eur / ratio <= share * cost + 1e-9 * total
            assert eur >= 0
    by_class = [
        fsum(eur / gross_ratio(s, vat) for s in sources for eur in [paid.get((s.name, k), 0.0)]) for k in COST_CLASSES
    ]
    assert all(eur <= cost * (1 + 1e-9) for eur, cost in zip(by_class, costs, strict=True))
    short = unpaid_eur(paid, costs, sources, vat)
    assert short == pytest.approx(max(0.0, -slack), abs=3e-9 * total + 1e-9)  # max-flow is min-cut
    assert can == (short <= 1e-8 * total)
    if can:
        assert by_class == pytest.approx(costs, abs=1e-8 * total + 1e-9)


@given(cases)
def test_shares_of_time_come_to_one_and_keep_their_ceilings_where_somebody_hosts(case):
    costs, sources, vat, reserve = case
    paid = allocate(costs, sources, vat, reserve)
    shares = access(paid, sources)
    assume(paid)
    assert fsum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0
    if any(not source.buys_access for source in sources):
        assert all(shares[source.name] <= 0.5 + 1e-12 for source in sources if source.buys_access)


@given(cases, st.sampled_from(["2027-10", "2028-01", "2028-02", "2024-12"]), st.integers(1, 15))
def test_cash_flow_and_flows_sum_to_what_is_paid(case, delivery, years):
    paid = allocate(*case)
    rows = cash_flow(paid, Timing(delivery, years))
    lines = [
        ("gpus", "acquisition", 3.0),
        ("network", "acquisition", 1.0),
        ("power", "operation", 2.0),
        ("hall", "building", 0.0),
    ]
    parts = flows(paid, lines)
    for (payer, kind), eur in paid.items():
        mine = [eur for _, name, of, eur in rows if (name, of) == (payer, kind)]
        assert fsum(mine) == pytest.approx(eur, rel=1e-12)
        assert min(mine) >= 0
        mine = [eur for name, of, _, eur in parts if (name, of) == (payer, kind)]
        assert fsum(mine) == pytest.approx(eur, rel=1e-12)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_more_money_and_lower_costs_never_hurt():
    rng = np.random.default_rng(5)
    costs = rng.uniform(0, 1e8, (2000, 4))
    state, eurohpc = sources_of("netherlands")
    less = FundingSource("state", "", 150 * M, state.ceilings)
    poor, rich = (affordable(costs, (payer, eurohpc), NET, 0.05) for payer in (less, state))
    assert 0 < poor.sum() < rich.sum() < len(costs)
    assert not (poor & ~rich).any()
    assert not (rich & ~affordable(costs * 0.9, (state, eurohpc), NET, 0.05)).any()


@pytest.mark.parametrize("vat", [NET, HOST, ALL])
@pytest.mark.parametrize("name", ["netherlands", "netherlands-alone", "netherlands-as-planned", "gefion-like"])
def test_slack_is_how_much_dearer_all_could_be(name, vat):
    sources, costs = sources_of(name), np.random.default_rng(3).uniform(0, 9e7, (4000, 4))
    slack, tightest = slack_eur(costs, sources, vat, 0.05)
    can = affordable(costs, sources, vat, 0.05)
    assert (can == (slack >= 0)).all()
    assert (tightest > 0).all()
    assert 50 < can.sum() < 3950
    factor = (1 + slack[can] / costs[can].sum(axis=1))[:, None]
    assert affordable(costs[can] * factor, sources, vat, 0.05).all()
    assert not affordable(costs[can] * factor * (1 + 1e-6), sources, vat, 0.05).any()


def test_nothing_costs_nothing():
    slack, tightest = slack_eur(np.zeros((1, 4)), sources_of("netherlands"), NET, 0.05)
    assert slack[0] == inf
    assert tightest[0] == 0
    assert affordable(np.zeros((1, 4)), sources_of("netherlands"), NET, 0.05)[0]
    assert allocate((0, 0, 0, 0), sources_of("netherlands"), NET, 0.05) == {}
    assert set(access({}, sources_of("netherlands")).values()) == {0.0}


# Cross-check with every cut of the network, in exact fractions


def smallest_cut(costs, sources, vat, reserve):
    """Of all ways to part classes and payers, tried one by one, the least that crosses from the costs to the money."""
    cuts = []
    for sides in product((False, True), repeat=4 + len(sources)):  # True: on the side of the costs
        crossing = [Fraction(cost) for cost, near in zip(costs, sides, strict=False) if not near]
        for source, payer_near in zip(sources, sides[4:], strict=True):
            if payer_near:
                crossing.append(
                    Fraction(inf_or(source.amount_eur)) * (1 - Fraction(reserve)) / Fraction(gross_ratio(source, vat))
                )
            else:
                crossing += [
                    Fraction(c) * Fraction(u) for c, u, near in zip(costs, source.ceilings, sides, strict=False) if near
                ]
        cuts.append(sum(crossing))
    return min(cuts)


def inf_or(amount):
    return 1e15 if amount == inf else amount


def test_affordable_is_what_all_cuts_say():
    rng = np.random.default_rng(11)
    found = []
    for _ in range(150):
        sources = tuple(
            FundingSource(
                f"p{i}",
                "",
                inf if rng.uniform() < 0.15 else rng.uniform(0, 1.5e8),
                tuple(float(rng.choice([0.0, 0.5, 1.0, rng.uniform()])) for _ in range(4)),
                exempt_from_vat=bool(rng.integers(2)),
            )
            for i in range(rng.integers(1, 4))
        )
        costs, vat = rng.uniform(0, 6e7, 4), (NET, HOST, ALL)[rng.integers(3)]
        cut, total = smallest_cut(costs, sources, vat, 0.05), sum(map(Fraction, costs))
        found.append(cut >= total)
        assert affordable(one_row(costs), sources, vat, 0.05)[0] == found[-1]
        short = unpaid_eur(allocate(costs, sources, vat, 0.05), costs, sources, vat)
        assert short == pytest.approx(float(total - cut), abs=1.0)  # of up to EUR 240 million
    assert 15 < sum(found) < 135


# Worked examples


def test_the_premise_by_hand():
    """EUR 225 million of costs: Europe could pay 90 (half of 120 and of 60) and has 71 less 5 %."""
    sources = sources_of("netherlands")
    paid = allocate(COSTS, sources, NET, 0.05)
    assert paid_by(paid) == {"state": (60.0, 20.0, 52.55, 25.0), "eurohpc": (60.0, 0.0, 7.45, 0.0)}
    slack, tightest = slack_eur(one_row(COSTS), sources, NET, 0.05)
    assert slack[0] / M == pytest.approx(36.725)  # 194.275 + 67.45 - 225
    assert tightest[0] == 0b1111
    shares = access(paid, sources)
    assert shares["eurohpc"] == pytest.approx(0.374722, abs=1e-6)  # 67.45 of 180
    assert binding(paid, COSTS, sources, NET, 0.05) == {"state": (), "eurohpc": ("amount", "acquisition ceiling")}


def test_the_machine_as_planned_by_hand():
    """Half of 50 + 29.5 + 65 is 72.25, just above the 67.45 that Europe's 71 million are without the reserve."""
    sources = sources_of("netherlands-as-planned")
    paid = allocate(PLANNED, sources, NET, 0.05)
    assert paid_by(paid)["eurohpc"] == (25.0, 0.0, 14.75, 27.7)
    assert paid_by(paid)["state"] == (25.0, 18.0, 14.75, 8.75)
    assert paid_by(paid)["region"] == (0.0, 0.0, 0.0, 28.55)
    shares = access(paid, sources)
    assert shares["eurohpc"] == pytest.approx(0.466782, abs=1e-6)  # 67.45 of 144.5, of 162.5 in all
    assert shares["state"] == pytest.approx((1 - 0.466782) * 66.5 / 95.05, abs=1e-6)
    bounds = binding(paid, PLANNED, sources, NET, 0.05)
    assert bounds["eurohpc"] == ("amount", "acquisition ceiling", "operation ceiling")
    assert bounds["state"] == ("amount",)
    assert bounds["region"] == ()


def test_without_the_programme_europe_cannot_spend_what_it_granted():
    """71 million at half of the costs ask for 142 million: the contract and its operation are 79.5, so that it pays 39.75."""
    eurohpc, *hosts = sources_of("netherlands-as-planned")
    sources = (
        FundingSource(
            "eurohpc", "", eurohpc.amount_eur, (0.5, 0.0, 0.5, 0.0), buys_access=True, access_ceiling_fraction=0.5
        ),
        *hosts,
    )
    paid = allocate(PLANNED, sources, NET, 0.05)
    assert paid_by(paid)["eurohpc"] == (25.0, 0.0, 14.75, 0.0)
    assert access(paid, sources)["eurohpc"] == pytest.approx(0.5)  # all that Article 17(1) allows
    slack, tightest = slack_eur(one_row(PLANNED), sources, NET, 0.05)
    assert slack[0] / M == pytest.approx(0.992872, abs=1e-6)  # 123.5 / 122.75 of 162.5: Europe's half grows with the costs
    assert tightest[0] == 0b1111


def test_tax_on_the_hosts_money_and_on_all():
    sources = sources_of("netherlands")
    paid = allocate(COSTS, sources, HOST, 0.05)
    assert paid_by(paid)["eurohpc"] == (60.0, 0.0, 7.45, 0.0)
    assert sum(paid_by(paid)["state"]) == pytest.approx(157.55 * 1.21)
    assert tax_eur(paid, sources, HOST) / M == pytest.approx(33.0855)
    assert slack_eur(one_row(COSTS), sources, HOST, 0.05)[0][0] / M == pytest.approx(
        3.007851, abs=1e-6
    )  # 194.275 / 1.21 + 67.45 - 225
    assert access(paid, sources)["eurohpc"] == pytest.approx(0.331229, abs=1e-6)  # 67.45 of 203.6355
    assert slack_eur(one_row(COSTS), sources, ALL, 0.05)[0][0] / M == pytest.approx(
        -8.698347, abs=1e-6
    )  # 261.725 / 1.21 - 225
    assert not affordable(one_row(COSTS), sources, ALL, 0.05)[0]
    short = allocate(COSTS, sources, ALL, 0.05)
    assert unpaid_eur(short, COSTS, sources, ALL) / M == pytest.approx(8.698347, abs=1e-6)


def test_a_payer_is_moved_to_another_class_for_the_next_ones_sake():
    """Europe would pay 50 of the machine; the fund may pay nothing else, so that Europe goes to operation."""
    sources = (
        FundingSource("eurohpc", "", 50.0, (0.5, 0, 0.5, 0)),
        FundingSource("fund", "", 100.0, (1, 0, 0, 0)),
        FundingSource("state", "", 50.0, (0, 0, 1, 0)),
    )
    paid = allocate((100.0, 0.0, 100.0, 0.0), sources, NET, 0.0)
    assert {key: round(eur, 9) for key, eur in paid.items()} == {
        ("eurohpc", "operation"): 50.0,
        ("fund", "acquisition"): 100.0,
        ("state", "operation"): 50.0,
    }


def test_cofunding_is_used_first_wherever_it_stands_in_the_file():
    state, eurohpc = sources_of("netherlands")
    for order in ((state, eurohpc), (eurohpc, state)):
        assert fsum(paid_by(allocate(COSTS, order, NET, 0.05))["eurohpc"]) == pytest.approx(67.45)


def test_the_years_of_a_machine_that_is_delivered_in_october_2027():
    paid = allocate(COSTS, (FundingSource("state", "", inf, (1, 1, 1, 1)),), NET, 0.0)
    rows = {(kind, year): round(eur / M, 6) for year, _, kind, eur in cash_flow(paid, Timing("2027-10", 5))}
    assert {year: eur for (kind, year), eur in rows.items() if kind == "acquisition"} == {2027: 96.0, 2028: 24.0}
    assert {year: eur for (kind, year), eur in rows.items() if kind == "building"} == {2026: 10.0, 2027: 10.0}
    assert {year: eur for (kind, year), eur in rows.items() if kind == "operation"} == dict.fromkeys(range(2028, 2033), 12.0)
    assert rows["programme", 2027] == pytest.approx(25 * 12 / 72, abs=1e-6)


def test_first_and_last_year_of_operation_are_parts_by_the_month():
    rows = cash_flow({("state", "operation"): 60.0}, Timing("2028-02", 5))
    assert [(year, round(eur, 9)) for year, _, _, eur in rows] == [
        (2028, 8.0),
        (2029, 12.0),
        (2030, 12.0),
        (2031, 12.0),
        (2032, 12.0),
        (2033, 4.0),
    ]


def test_flows_share_every_line_of_a_class_alike():
    paid = {("state", "acquisition"): 60.0, ("eurohpc", "acquisition"): 20.0, ("state", "programme"): 5.0}
    rows = flows(paid, [("gpus", "acquisition", 75.0), ("network", "acquisition", 25.0)])
    assert [(payer, line, eur) for payer, _, line, eur in rows] == [
        ("state", "gpus", 45.0),
        ("state", "network", 15.0),
        ("eurohpc", "gpus", 15.0),
        ("eurohpc", "network", 5.0),
        ("state", "programme", 5.0),
    ]


@pytest.mark.parametrize(
    ("eurohpc", "share"),
    [((0.5, 0.0), 0.25), ((0.0, 0.5), 0.25), ((0.5, 0.5), 0.5), ((0.35, 0.0), 0.175)],
)
def test_time_is_in_proportion_to_what_europe_pays_of_what_it_may_pay(eurohpc, share):
    """Machine and operation cost the same; Europe may pay both but pays as given (Article 17(1))."""
    sources = (
        FundingSource("eurohpc", "", inf, (1, 0, 1, 0), buys_access=True, access_ceiling_fraction=0.5),
        FundingSource("state", "", inf, (1, 1, 1, 1)),
    )
    paid = {("eurohpc", "acquisition"): eurohpc[0], ("state", "acquisition"): 1 - eurohpc[0], ("state", "building"): 3.0}
    paid |= {("eurohpc", "operation"): eurohpc[1], ("state", "operation"): 1 - eurohpc[1]}
    assert access(paid, sources)["eurohpc"] == pytest.approx(share)


def test_who_may_pay_the_machine_alone_is_measured_by_the_machine_alone():
    """Article 17(3): 35 % of the acquisition of an industrial machine are 35 % of its time."""
    sources = (
        FundingSource("eurohpc", "", inf, (0.35, 0, 0, 0), buys_access=True, access_ceiling_fraction=0.35),
        FundingSource("firms", "", inf, (1, 1, 1, 1)),
    )
    assert access(allocate((100.0, 0.0, 100.0, 0.0), sources, NET, 0.0), sources)["eurohpc"] == pytest.approx(0.35)


def test_currencies_come_in_euros_of_the_budgets_year():
    """Euronews gave DKK 700 million as EUR 93.8 million in March 2024."""
    sources = sources_of("gefion-like")
    assert [source.amount_eur / M for source in sources] == pytest.approx([80.4, 13.4], rel=0.001)
    assert fsum(source.amount_eur for source in sources) == pytest.approx(93.8 * M, rel=0.001)


def test_a_payer_without_an_amount_is_bounded_by_its_ceilings_alone():
    sources = (FundingSource("eurohpc", "", inf, (0.5, 0, 0.5, 0)), FundingSource("state", "", 100.0, (1, 1, 1, 1)))
    rows = np.array([[a, 0.0, b, 0.0] for a, b in product((100.0, 101.0), (100.0, 101.0))])
    assert affordable(rows, sources, NET, 0.0).tolist() == [True, False, False, False]
