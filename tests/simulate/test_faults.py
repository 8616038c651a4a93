"""When nodes fail and come back: rates, causes, repairs, drains, flaps and spare nodes."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measure import least_cpu_s

from terp.catalogue import Reliability, read_catalogue
from terp.catalogue.read.parts import Fleet
from terp.describe import read_machine
from terp.errors import Problems
from terp.hardware import build_machine
from terp.simulate.engine.shared.codes import NodeTurn
from terp.simulate.faults import CAUSES, draw_node_events
from terp.simulate.jobs.one_job import OneJob, run_one_job

YEAR_S, DAY_S = 365 * 86_400, 86_400
FLEET = read_catalogue().part(Fleet, "gpu-fleet-2024")
PLAIN = Reliability.model_validate(
    {"node_failures": "0.5 /day", "spread": 0.8, "quick": 0.5, "quick_low": "10 min", "quick_high": "30 min",
     "slow_median": "8 h", "slow_p95": "5 days"}
)  # fmt: skip


def changed(law, **fields):
    return law.model_copy(update=fields)


def test_failures_come_at_their_rate_and_a_few_nodes_have_most():
    reliability = read_machine("gefion").record.reliability
    nodes, runs = 191, 60
    counts, worst = [], []
    for seed in range(runs):
        drawn = draw_node_events(reliability, nodes, YEAR_S, seed)
        assert (np.diff(drawn.time_s) >= 0).all()
        by_node = np.bincount(drawn.node[drawn.kind == NodeTurn.DOWN], minlength=nodes)
        counts.append(by_node.sum())
        worst.append(np.sort(by_node)[-nodes // 10 :].sum() / by_node.sum())
    expected = nodes * reliability.node_failures_per_s * YEAR_S
    error = np.std(counts, ddof=1) / np.sqrt(runs)
    assert abs(np.mean(counts) - expected) < 4 * error + 0.02 * expected  # repairs take a little of the year
    assert error < 0.05 * expected
    assert np.mean(worst) > 0.5, "a tenth of the nodes has far more than a tenth of the failures"


def test_the_worst_3_of_63_nodes_have_half_of_the_failures_as_of_the_exclusions():
    rates = np.sort(np.random.default_rng(1).gamma(FLEET.spread_ratio, 1.0, (20_000, 63)), axis=1)
    share = rates[:, -3:].sum(axis=1) / rates.sum(axis=1)
    assert share.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "law", [PLAIN, changed(PLAIN, spare_nodes_count=3), changed(FLEET, node_failures_per_s=0.2 / DAY_S)]
)
def test_each_node_goes_down_and_comes_back_in_turn(law):
    drawn = draw_node_events(law, 20, YEAR_S, 1)
    for number in range(20):
        mine = (drawn.node == number) & (drawn.kind != NodeTurn.DRAIN)
        turns = drawn.kind[mine]
        assert (turns[::2] == NodeTurn.DOWN).all()
        assert (turns[1::2] == NodeTurn.BACK).all()
        assert (np.diff(drawn.time_s[mine]) > 0).all()


def test_no_failures_without_a_rate():
    assert draw_node_events(changed(PLAIN, node_failures_per_s=0.0), 191, YEAR_S, 1).time_s.size == 0


def test_same_seed_same_events():
    first, second = (draw_node_events(FLEET, 50, YEAR_S, 7) for _ in range(2))
    for field in dataclasses.fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name))
    assert not np.array_equal(first.time_s, draw_node_events(FLEET, 50, YEAR_S, 8).time_s)


def test_ten_thousand_nodes_for_a_year_take_well_under_a_second():
    for spares in (0, 300):
        fleet = changed(FLEET, spare_nodes_count=spares)
        assert least_cpu_s(lambda fleet=fleet: draw_node_events(fleet, 10_000, YEAR_S, 1)) < 1.0


def test_causes_come_by_their_shares():
    drawn = draw_node_events(FLEET, 20_000, YEAR_S, 3)
    failed = drawn.cause[drawn.cause >= 0]
    shares = np.array([FLEET.causes[name].share_fraction for name in CAUSES[:-1]])
    shares /= shares.sum()
    seen = np.bincount(failed, minlength=len(CAUSES))
    assert seen[-1] == 0
    assert (np.abs(seen[:-1] / failed.size - shares) < 4 * np.sqrt(shares * (1 - shares) / failed.size)).all()


def test_shares_of_the_fleet_are_those_of_llama_3_by_count():
    counts = {"gpu": 148 + 17 + 6 + 6, "memory": 72 + 19, "network": 35 + 7, "host": 46, "software": 54 + 7 + 2}
    assert sum(counts.values()) == 419
    for name, count in counts.items():
        assert FLEET.causes[name].share_fraction == pytest.approx(count / 419, abs=0.001)


def test_without_causes_all_are_unknown_and_a_machine_file_gets_the_usual_shares():
    drawn = draw_node_events(PLAIN, 20, YEAR_S, 1)
    assert set(drawn.cause.tolist()) == {-1, CAUSES.index("unknown")}
    gefion = build_machine(read_machine("gefion"), read_catalogue()).reliability
    assert {name: cause.share_fraction for name, cause in gefion.causes.items()} == {
        name: cause.share_fraction for name, cause in FLEET.causes.items()
    }
    assert all(cause.quick_fraction is None and cause.seen_fraction == 0 for cause in gefion.causes.values())


def test_repairs_are_a_mixture_of_restarts_and_a_log_normal():
    drawn = draw_node_events(changed(PLAIN, node_failures_per_s=2 / DAY_S), 2000, YEAR_S, 1)
    repair = drawn.repair_s[drawn.kind == NodeTurn.DOWN]
    quick = (repair >= 600) & (repair < 1800)
    sigma = np.log(15) / 1.6448536
    slow_in_window = 0.5 * np.mean((s := 28_800 * np.exp(sigma * np.random.default_rng(1).standard_normal(10**6))) < 1800)
    assert np.mean(repair < 1800) == pytest.approx(0.5 + slow_in_window, abs=0.003)
    assert quick.mean() > 0.5
    assert np.quantile(repair, 0.75) == pytest.approx(np.median(s), rel=0.05)  # half are quick, so this is the slow median
    back = drawn.kind == NodeTurn.BACK
    assert (drawn.repair_s[back] == 0).all()
    assert (drawn.cause[back] == -1).all()


def test_a_check_turns_some_failures_into_drains():
    causes = {name: cause.model_copy(update={"seen_fraction": 1.0}) for name, cause in FLEET.causes.items()}
    law = changed(FLEET, causes=causes, check_s=600.0, warning_s=1200.0)
    drawn = draw_node_events(law, 20_000, YEAR_S, 1)
    failed = drawn.cause >= 0
    share = (drawn.kind[failed] == NodeTurn.DRAIN).mean()
    # a warning of mean w ends before a check of interval c finds it with chance (w/c) (1 - e^(-c/w))
    expected = 2 * (1 - np.exp(-0.5))
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / failed.sum()))
    assert (drawn.repair_s[drawn.kind == NodeTurn.DRAIN] > 0).all()
    none = draw_node_events(changed(law, check_s=None), 2000, YEAR_S, 1)
    assert not (none.kind == NodeTurn.DRAIN).any()


def test_flaps_stall_or_interrupt():
    law = changed(PLAIN, node_failures_per_s=0.0, link_flaps_per_s=1 / DAY_S, flap_interrupts_fraction=0.25)
    drawn = draw_node_events(law, 100, YEAR_S, 1)
    failed = drawn.kind == NodeTurn.DOWN
    assert failed.sum() == pytest.approx(0.25 * 36_500, abs=4 * np.sqrt(0.25 * 36_500))
    assert len(drawn.stalls) == pytest.approx(0.75 * 36_500, abs=4 * np.sqrt(0.75 * 36_500))
    assert set(drawn.cause[failed].tolist()) == {CAUSES.index("network")}
    assert drawn.repair_s[failed].max() <= 60
    assert drawn.stalls[:, 2].min() >= 10
    assert drawn.stalls[:, 2].max() <= 60


def in_service(drawn, nodes, at_s):
    """Nodes up at a time, by replaying the events."""
    up = np.ones(nodes, bool)
    for when, node, kind in zip(drawn.time_s, drawn.node, drawn.kind, strict=True):
        if when > at_s:
            break
        if kind != NodeTurn.DRAIN:
            up[node] = kind == NodeTurn.BACK
    return up


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 10**6), st.floats(0.01, 2.0))
def test_spare_nodes_take_the_places_of_those_that_go_down(nodes, spares, seed, per_day):
    spares = min(spares, nodes - 1)
    law = changed(PLAIN, node_failures_per_s=per_day / DAY_S, spare_nodes_count=spares, swap_s=300.0)
    horizon = 60 * DAY_S
    drawn = draw_node_events(law, nodes, horizon, seed)
    for at in range(0, horizon, 5 * DAY_S):
        up = in_service(drawn, nodes, at)
        standing = {node for node, low, high in drawn.standby.tolist() if low <= at < high}
        assert up.sum() <= nodes - spares
        assert not any(up[node] for node in standing)
    for number in range(nodes):
        mine = drawn.standby[drawn.standby[:, 0] == number]
        assert (mine[:, 1] < mine[:, 2]).all() or number >= nodes - spares
        assert (mine[1:, 1] >= mine[:-1, 2]).all()
        turns = drawn.kind[(drawn.node == number) & (drawn.kind != NodeTurn.DRAIN)]
        assert (turns[::2] == NodeTurn.DOWN).all()
        assert (turns[1::2] == NodeTurn.BACK).all()


def test_spare_nodes_keep_a_machine_whole():
    law = changed(FLEET, swap_s=600.0, check_s=None)
    nodes, spares = 200, 10
    bare = draw_node_events(law, nodes - spares, YEAR_S, 1)
    spared = draw_node_events(changed(law, spare_nodes_count=spares), nodes, YEAR_S, 1)
    times = range(DAY_S, YEAR_S, 3 * DAY_S)
    whole = [in_service(spared, nodes, at).sum() == nodes - spares for at in times]
    whole_bare = [in_service(bare, nodes - spares, at).all() for at in times]
    assert np.mean(whole) > 0.97
    assert np.mean(whole_bare) < np.mean(whole)
    assert spared.standby[:, 2].max() == YEAR_S


def test_more_spare_nodes_than_nodes_is_a_problem(tmp_path):
    text = (open_shipped()).replace("reliability:\n", "reliability:\n  spare_nodes: 191\n")
    path = tmp_path / "gefion.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(Problems, match=r"more spare nodes than there are nodes.*at most 190 would do"):
        build_machine(read_machine(str(path)), read_catalogue())


def open_shipped():
    from pathlib import Path

    return (Path(__file__).parents[2] / "machines" / "gefion.yaml").read_text("utf-8")


def test_one_job_is_cut_short_as_often_as_its_nodes_fail():
    job = OneJob(100, 30.0 * DAY_S, 0.5, float("inf"), 0.0, (0.0, 0.0, 0.0))
    rate = 0.01 / DAY_S
    found = run_one_job(job, np.full(4000, rate), 1)
    expected = 100 * 30 * 0.01
    variance = expected + expected**2 / (100 * 0.5)  # Poisson's, and that of the nodes' rates
    assert found.interruptions.mean() == pytest.approx(expected, abs=4 * np.sqrt(variance / 4000))
    assert found.interruptions.var() == pytest.approx(variance, rel=0.1)


def test_one_job_that_never_fails_loses_its_writes_alone():
    found = run_one_job(OneJob(10, 1e5, 0.5, 900.0, 100.0, (0.0, 0.0, 0.0)), np.zeros(3), 1)
    assert (found.interruptions == 0).all()
    assert found.ettr == pytest.approx(0.9)
