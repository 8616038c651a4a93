"""Pairs, intervals and bands: against printed tables, against theory with a standard error, and by hand."""

import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.describe import read_site, read_workload
from terp.errors import Problems
from terp.results import compare, paired_interval, read_cases, save_run
from terp.results.comparison import Case, bands, changes_between
from terp.results.figures import bands_of, differences, figures_of
from terp.simulate import year
from terp.statistics import student_quantile


@pytest.mark.parametrize(
    ("degrees", "share", "printed"),
    [
        (1, 0.975, "12.706"), (2, 0.975, "4.303"), (3, 0.975, "3.182"), (4, 0.975, "2.776"), (9, 0.975, "2.262"),
        (19, 0.975, "2.093"), (30, 0.975, "2.042"), (60, 0.975, "2.000"), (120, 0.975, "1.980"),
        (1, 0.95, "6.314"), (5, 0.995, "4.032"), (10, 0.9, "1.372"),
    ],
)  # fmt: skip
def test_student_quantiles_are_those_of_the_printed_table(degrees, share, printed):
    """Abramowitz and Stegun, table 26.10."""
    assert f"{student_quantile(share, degrees):.3f}" == printed


def test_many_degrees_of_freedom_are_the_normal_distribution():
    assert student_quantile(0.975, 10**4) == pytest.approx(1.959964, abs=3e-4)
    assert student_quantile(0.5, 7) == pytest.approx(0, abs=1e-12)


def test_an_interval_by_hand():
    """Differences 1, 2, 3: mean 2, standard deviation 1, t(2) = 4.303."""
    low, high = paired_interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-4)
    assert paired_interval([5.0]) == (None, None)


def test_intervals_hold_the_truth_nineteen_times_of_twenty():
    """4,000 sets of five normal differences of mean 1: the share within four standard errors of 95 %."""
    rng = np.random.default_rng(1)
    held = [low <= 1 <= high for low, high in (paired_interval(rng.normal(1, 3, 5)) for _ in range(4000))]
    standard_error = math.sqrt(0.95 * 0.05 / 4000)
    assert abs(np.mean(held) - 0.95) < 4 * standard_error


def test_pairing_takes_out_what_both_years_share():
    """Years of very different weather and a change of exactly 1 in each: the paired interval has no width."""
    base = {seed: {"x_s": 1000.0 * seed} for seed in range(1, 6)}
    other = {seed: {"x_s": 1000.0 * seed + 1} for seed in range(1, 6)}
    [row] = differences(base, other)
    assert (row["difference"], row["low"], row["high"]) == (1, 1, 1)


figures = st.dictionaries(st.sampled_from(["a_s", "b_j", "c_eur"]), st.floats(-1e6, 1e6), min_size=1)
years = st.dictionaries(st.integers(1, 6), figures, min_size=1)


@given(years, years)
def test_differences_pair_common_seeds_and_turn_round(base, other):
    there, back = differences(base, other), differences(other, base)
    assert {row["figure"] for row in there} == {row["figure"] for row in back}
    by_key = {row["figure"]: row for row in back}
    for row in there:
        assert row["difference"] == pytest.approx(-by_key[row["figure"]]["difference"], abs=1e-6)
        common = [s for s in base if row["figure"] in base[s] and row["figure"] in other.get(s, {})]
        assert row["pairs_count"] == len(common)
        assert (row["low"] is None) == (len(common) == 1)
    sizes = [
        math.inf if row["effect_ratio"] is None and row["difference"] else abs(row["effect_ratio"] or 0) for row in there
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_bands_of_a_known_distribution():
    """20,000 normal years: mean, error of the mean and quantiles within four standard errors."""
    values = np.random.default_rng(3).normal(10, 2, 20_000)
    [row] = bands_of([{"mean_wait_s": value} for value in values.tolist()])
    assert row["standard_error"] == pytest.approx(2 / math.sqrt(20_000), rel=0.03)
    assert abs(row["mean"] - 10) < 4 * row["standard_error"]
    of_quantile = math.sqrt(0.05 * 0.95 / 20_000) / (0.10314 / 2)  # density of the normal at its 5 % quantile
    assert abs(row["low"] - (10 - 2 * 1.64485)) < 4 * of_quantile
    assert abs(row["high"] - (10 + 2 * 1.64485)) < 4 * of_quantile


def test_few_years_have_no_band_and_one_no_error():
    [one] = bands_of([{"mean_wait_s": 1.0}])
    assert (one["mean"], one["standard_error"], one["low"]) == (1, None, None)
    [some] = bands_of([{"mean_wait_s": float(value)} for value in range(19)])
    assert some["standard_error"] == pytest.approx(np.std(range(19), ddof=1) / math.sqrt(19))
    assert some["low"] is None
    [many] = bands_of([{"mean_wait_s": float(value)} for value in range(21)])
    assert (many["low"], many["high"]) == (1, 19)


def test_figures_are_of_the_run_as_a_whole():
    row = {"mean_wait_s": 1, "seed": 4, "wall_s": 2.0, "machine": "gefion", "energy_tax_eur": 3.0, "groups.a.gpu_s": 5,
           "sizes.512.mean_wait_s": 6, "done": True}  # fmt: skip
    assert figures_of(row) == {"mean_wait_s": 1, "sizes.512.mean_wait_s": 6, "energy_tax_eur": 3.0}


def case(name="a", asked=None, digests=None, years=None, *, is_sweep=False):
    return Case(name, name, asked or {}, digests or {}, {}, years or {1: {"x_s": 1.0}}, is_sweep)


def test_changes_are_named_once_each():
    base = case(asked={"machine": "gefion", "days": "3"}, digests={"machine": "1", "site": "1", "predictions": "1"})
    machine = case(asked={"machine": "jeti", "days": "3"}, digests={"machine": "2", "site": "1", "predictions": "2"})
    assert changes_between(base, machine) == ["machine: gefion -> jeti"]
    site = case(asked=base.asked, digests={**base.digests, "site": "2"})
    assert changes_between(base, site) == ["site: its contents differ"]
    models = case(asked=base.asked, digests={**base.digests, "predictions": "2"})
    assert changes_between(base, models) == ["predictions: the models say something else"]
    both = case(asked={"machine": "gefion", "days": "4"}, digests=site.digests)
    assert changes_between(base, both) == ["days: 3 -> 4", "site: its contents differ"]
    load = [case(asked={"load_fraction": str(of)}, digests={"workload": str(of)}, is_sweep=True) for of in (0.7, 0.8)]
    assert changes_between(*load) == ["load_fraction: 0.7 -> 0.8"]


def test_nothing_in_common_is_a_problem():
    with pytest.raises(Problems, match="nothing to compare it with"):
        compare([case()])
    with pytest.raises(Problems, match="has no seed in common with a, which has 1, found 2, 3"):
        compare([case(), case("b", years={2: {}, 3: {}})])


def test_points_of_two_sweeps_stand_beside_each_other():
    """Two folders over the same loads: load by load; a point that the first lacks stands beside its first."""

    def points(folder, *loads):
        years = {1: {"x_s": 1.0}}
        asked = ({"load_fraction": str(load), "site": folder} for load in loads)
        return [
            Case(f"{folder} {of['load_fraction']}", folder, of, {}, {"load": of["load_fraction"]}, years, is_sweep=True)
            for of in asked
        ]

    pairs = [(entry["base"], entry["other"]) for entry in compare([*points("a", 0.7, 0.8), *points("b", 0.8, 0.7, 0.9)])]
    assert pairs == [("a 0.8", "b 0.8"), ("a 0.7", "b 0.7"), ("a 0.7", "b 0.9")]
    assert [(entry["base"], entry["other"]) for entry in compare(points("a", 0.7, 0.8))] == [("a 0.7", "a 0.8")]


@pytest.fixture(scope="module")
def run_folders(gefion, tmp_path_factory):
    """Two days in Copenhagen and in Groningen, two seeds each."""
    folder = tmp_path_factory.mktemp("runs")
    for site in ("copenhagen", "groningen"):
        for seed in (1, 2):
            run = year(gefion, site=read_site(site), workload=read_workload("national"), days=2, seed=seed)
            save_run(run, folder / f"{site}-{seed}")
    return folder


def test_runs_that_differ_in_seed_only_are_one_case(run_folders):
    names = ("copenhagen-1", "groningen-1", "copenhagen-2", "groningen-2")
    [compared] = compare(read_cases([run_folders / name for name in names]))
    assert compared["changes"] == ["site: copenhagen -> groningen"]
    assert compared["seeds"] == [1, 2]
    rows = {row["figure"]: row for row in compared["differences"]}
    summaries = {name: json.loads((run_folders / name / "summary.json").read_text()) for name in names}
    by_hand = [summaries[f"groningen-{s}"]["carbon_kg"] - summaries[f"copenhagen-{s}"]["carbon_kg"] for s in (1, 2)]
    assert rows["carbon_kg"]["difference"] == pytest.approx(np.mean(by_hand))
    assert rows["carbon_kg"]["low"] < np.mean(by_hand) < rows["carbon_kg"]["high"]
    assert rows["mean_wait_s"]["difference"] == 0, "the same jobs on the same machine"


def test_one_pair_has_no_interval(run_folders):
    [compared] = compare(read_cases([run_folders / "copenhagen-1", run_folders / "groningen-1"]))
    assert {row["low"] for row in compared["differences"]} == {None}


def test_what_is_no_run_is_named_all_at_once(run_folders, tmp_path):
    shutil.copytree(run_folders / "copenhagen-1", tmp_path / "copy")
    with pytest.raises(Problems) as error:
        read_cases([run_folders / "copenhagen-1", tmp_path / "nothing", tmp_path / "copy"])
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert "is the same run as seed 1" in lines[0]
    assert "holds no run" in lines[1]


def test_bands_of_cases():
    [point] = bands([case(years={seed: {"mean_pue": 1.1 + seed / 100} for seed in (1, 2, 3)})])
    assert (point["years_count"], point["figures"][0]["mean"]) == (3, pytest.approx(1.12))
