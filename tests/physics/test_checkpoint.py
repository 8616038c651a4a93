"""Checkpoints and effective training time: by hand, as printed, against the simulation, and what failures cost a run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.physics import checkpoint_bytes, checkpoint_interval, checkpoint_write_s, expected_ettr
from terp.physics.training.goodput import run_with_failures
from terp.results import kept_work_s, reliability_of
from terp.simulate.jobs.one_job import OneJob, run_one_job
from terp.statistics import poisson_interval

DAY_S = 86_400.0


def test_state_of_a_70b_model():
    assert checkpoint_bytes(70e9) == 980e9
    assert checkpoint_bytes(70e9, "adamw-8bit") == 560e9
    assert checkpoint_bytes(70e9, "adamw", 0.01) == pytest.approx(9.8e9)
    assert checkpoint_write_s(980e9, 16, 98e9) == 10
    assert checkpoint_write_s(980e9, 49, None) == 10


def test_interval_by_hand_and_at_its_limits():
    assert checkpoint_interval(60, 1 / 118_800) == pytest.approx(math.sqrt(2 * 60 * 118_800) - 60)  # 33 h: 63 minutes
    assert checkpoint_interval(60, 1 / 118_800) / 60 == pytest.approx(61.9, abs=0.1)
    assert checkpoint_interval(60, 0) == math.inf
    assert checkpoint_interval(1000, 1 / 1000) == 1000
    assert checkpoint_interval(0, 1.0) == 1


@given(st.floats(0.1, 600), st.floats(1e4, 1e7))
def test_the_interval_is_near_the_one_that_costs_least(write_s, mean_s):
    """Daly's run time at the interval is within 2 % of the least that any of many intervals gives."""
    if write_s > mean_s / 50:
        return
    chosen = checkpoint_interval(write_s, 1 / mean_s)

    def cost(interval):
        return mean_s / interval * np.expm1((interval + write_s) / mean_s)

    assert cost(chosen) <= 1.02 * cost(chosen * np.logspace(-1.5, 1.5, 200)).min()


def test_ettr_as_printed():
    """Kokolis 2024: RSC-1 as one job of 16,000 GPUs reaches 0.93 with checkpoints of 5 minutes that hide behind work."""
    per_s = 2000 * 6.50 / 1000 / DAY_S
    assert round(expected_ettr(per_s, 300, 0, 300), 2) == 0.93
    assert expected_ettr(per_s, 3600, 0, 300) == pytest.approx(0.684, abs=0.001)


def test_ettr_as_printed_of_100_000_gpus():
    """Kokolis 2024: 0.9 on 100,000 GPUs at RSC-2's rate takes intervals and restarts of about 2 minutes."""
    per_s = 12_500 * 2.34 / 1000 / DAY_S
    assert 0.9 < expected_ettr(per_s, 120, 0, 120) < 0.95
    assert expected_ettr(per_s, 300, 0, 300) < 0.9


@pytest.mark.parametrize(("nodes", "hours"), [(2048, 1.8), (16_384, 0.23)])
def test_time_to_failure_as_projected_from_the_rate(nodes, hours):
    assert 24 / (nodes * 6.50 / 1000) == pytest.approx(hours, rel=0.03)


def test_ettr_at_its_limits():
    assert expected_ettr(0, math.inf, 60, 900) == 1
    assert expected_ettr(0, 540, 60, 900) == pytest.approx(0.9)
    assert expected_ettr(1, 1000, 60, 900) == 0
    assert expected_ettr(1e-6, 1e3, 0, 0, wait_s=1e5, held_s=1e6) == pytest.approx((1 - 5e-4) / 1.2)
    assert expected_ettr(1e-6, 1e3, 0, 0, wait_s=1e5) == pytest.approx((1 - 5e-4) / 1.1)


@pytest.mark.parametrize(("mean_h", "write_s"), [(33.0, 60.0), (8.0, 20.0), (3.0, 5.0)])
def test_ettr_against_daly_and_against_the_simulation(mean_h, write_s):
    """Three ways: to first order, in closed form, and simulated; small losses, so that all agree."""
    per_s, restart = 1 / (mean_h * 3600), 400.0
    interval = checkpoint_interval(write_s, per_s)
    first = expected_ettr(per_s, interval, write_s, restart)
    daly = run_with_failures(1e8, per_s, write_s, restart).good_fraction
    job = OneJob(1000, 300 * DAY_S, 1e3, interval, write_s, (restart, restart, restart))
    found = run_one_job(job, np.full(400, per_s / 1000), 1).ettr
    error = found.std(ddof=1) / 20
    assert daly == pytest.approx(found.mean(), abs=4 * error + 0.002)
    assert first == pytest.approx(daly, abs=0.01)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(5, 1.62, 11.67), (10, 4.80, 18.39), (50, 37.11, 65.92), (419, 379.8, 461.1)]
)
def test_poisson_interval_as_tabulated(count, low, high):
    """The exact interval, as tables print it."""
    assert poisson_interval(count) == pytest.approx((low, high), rel=0.01)
    tail = sum(math.exp(k * math.log(high) - high - math.lgamma(k + 1)) for k in range(count + 1))
    assert tail == pytest.approx(0.025, abs=0.001)


def test_no_events_have_an_upper_limit_alone():
    low, high = poisson_interval(0)
    assert low == 0
    assert high == pytest.approx(3.69, rel=0.01)


def test_kept_work_by_hand():
    kept = kept_work_s([1000, 1000, 1000, 50, 1000], [300, 300, 0, 300, 0], [20, 20, 0, 20, 0], [100, 100, 0, 100, 0],
                       [True, False, True, True, False])  # fmt: skip
    assert kept.tolist() == [600, 860, 0, 0, 1000]
    assert kept_work_s(1000, math.inf, 20, 0, cut=False) == 1000
    assert kept_work_s(1000, math.inf, 20, 0, cut=True) == 0


def test_costs_of_a_run_by_hand():
    """Two jobs: one of 8 GPUs that never fails, one of 64 that a GPU cuts short after 100 s and that waits 50 s."""
    found = reliability_of(
        gpus=[8, 64], job=[0, 1, 1], start_s=[0, 0, 150], end_s=[400, 100, 300], kept_s=[400, 60, 140], event=[-1, 2, -1],
        cause=[1, -1, 0], causes=("gpu", "memory"),
    )  # fmt: skip
    assert found["interruptions_count"] == 1
    assert found["causes"]["gpu"] == {"interruptions_count": 1, "lost_gpu_s": 40 * 64}
    assert found["causes"]["memory"] == {"interruptions_count": 0, "lost_gpu_s": 0}
    assert "other" not in found["causes"]
    assert found["lost_to_failures_gpu_s"] == 40 * 64
    assert found["lost_to_checkpoints_gpu_s"] == 10 * 64
    assert found["ettr_fraction"] == pytest.approx((400 * 8 + 200 * 64) / (400 * 8 + 300 * 64))
    assert found["kept_fraction"] == pytest.approx((400 * 8 + 200 * 64) / (400 * 8 + 250 * 64))
    small, large = found["sizes"]
    assert (small["lowest_gpus_count"], small["mttf_s"], small["mttf_high_s"], small["ettr_fraction"]) == (
        8,
        None,
        None,
        1.0,
    )
    assert (large["lowest_gpus_count"], large["mttf_s"], large["interruptions_count"]) == (64, 250, 1)
    assert large["ettr_fraction"] == pytest.approx(200 / 300)
    assert large["mttf_low_s"] < 250 < large["mttf_high_s"]


def test_nothing_ran():
    found = reliability_of([], [], [], [], [], [], [], ("gpu",))
    assert found["ettr_fraction"] is None
    assert found["sizes"] == []


@given(st.integers(1, 30), st.integers(0, 10**6))
def test_what_is_held_is_kept_or_lost(jobs, seed):
    rng = np.random.default_rng(seed)
    count = 3 * jobs
    job = np.repeat(np.arange(jobs), 3)
    start = rng.integers(0, 1000, count) + np.tile([0, 5000, 10_000], jobs)
    end = start + rng.integers(1, 3000, count)
    event = np.where(rng.random(count) < 0.5, rng.integers(0, 9, count), -1)
    kept = (end - start) * rng.random(count)
    gpus = 2 ** rng.integers(0, 12, jobs)
    found = reliability_of(gpus, job, start, end, kept, event, rng.integers(-1, 3, 9), ("a", "b", "c"))
    held = ((end - start) * gpus[job]).sum()
    lost = found["lost_to_failures_gpu_s"] + found["lost_to_checkpoints_gpu_s"]
    assert lost + (kept * gpus[job]).sum() == pytest.approx(held)
    assert sum(one["lost_gpu_s"] for one in found["causes"].values()) == pytest.approx(found["lost_to_failures_gpu_s"])
    assert sum(row["held_gpu_s"] for row in found["sizes"]) == pytest.approx(held)
    assert sum(row["interruptions_count"] for row in found["sizes"]) == found["interruptions_count"]
    assert found["ettr_fraction"] <= found["kept_fraction"] <= 1
