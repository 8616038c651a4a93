"""Sweeps: what is varied, that nothing done is lost, and that what went wrong is said."""

import contextlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import terp
from terp.describe import Scenario, read_site, read_workload
from terp.errors import Interrupted, Problems, TerpError
from terp.results import load_sweep, save_run
from terp.results.sweep_folder import scalars
from terp.simulate import inputs_of, simulate_scenario, year
from terp.simulate.jobs.draw import _HEAVIEST, _dealt, _golden, stable_order
from terp.sweep import processes, read_axes, run_sweep
from terp.sweep.axes import field_words
from terp.sweep.points import do_batch, scenario_digest

ROOT = Path(__file__).parents[2]


def week(*over, **fixed):
    return read_axes(over, {"machine": "gefion", "days": 1, **fixed})


@contextlib.contextmanager
def here():
    """In this process, one at a time: any Executor will do."""
    with ThreadPoolExecutor(1) as executor:
        yield executor, 1


def nobody():
    raise AssertionError("nothing was left to do")


def seeds(folder):
    return load_sweep(folder).rows.column("seed").to_pylist()


# What is varied


def test_axes_are_a_product_and_the_last_changes_fastest():
    axes = read_axes(["load=70 %,0.8", "seed=1..3", "site=copenhagen,groningen"], {"machine": "gefion", "days": 7})
    assert axes.axes == {"load_fraction": (0.7, 0.8), "seed": (1, 2, 3), "site": ("copenhagen", "groningen")}
    assert [(s.load_fraction, s.seed, s.site) for s in axes.scenarios][:3] == [
        (0.7, 1, "copenhagen"), (0.7, 1, "groningen"), (0.7, 2, "copenhagen")
    ]  # fmt: skip
    assert len(axes.scenarios) == 12
    plain = Scenario(machine="gefion", days=7).values
    assert axes.fixed == {name: value for name, value in plain.items() if name not in axes.axes}


@given(low=st.integers(0, 10**6), count=st.integers(1, 50), more=st.integers(0, 9))
def test_ranges_hold_both_ends(low, count, more):
    axes = read_axes([f"seed={low}..{low + count - 1},{low + count + more}"], {"machine": "gefion"})
    assert axes.axes["seed"] == (*range(low, low + count), low + count + more)


def test_every_field_of_a_scenario_can_be_named():
    assert set(field_words().values()) == set(Scenario(machine="gefion").values)
    assert field_words()["load"] == "load_fraction"


def test_all_mistakes_are_named_at_once():
    over = ["lod=3", "seed=5..1", "seed=1..9", "site=", "load=9,x", "days=1.5", "workload=a,a", "seed=2"]
    with pytest.raises(Problems) as error:
        read_axes(over, {"workload": "national"})
    lines = str(error.value).splitlines()
    for words in (
        "--over lod: no such field of a scenario; did you mean 'load'?",
        "--over seed: the range runs backwards, found '5..1'",
        "--over site: has no values; write them such as site=copenhagen,groningen",
        "--over load: out of range, found 9.0; at most 5 would do",
        "--over load: not a fraction, found 'x'",
        "--over days: not a whole number, found '1.5'",
        "--over workload: a value stands twice, found a",
        "--over seed: stands twice",
        "machine: is not said",
    ):
        assert any(line.startswith(words) for line in lines), words
    with pytest.raises(Problems, match="is fixed as well"):
        week("seed=1..2", seed=3)
    with pytest.raises(Problems, match="too many scenarios, found 1,200,000"):
        week("seed=1..600000", "site=copenhagen,groningen")


def test_names_that_are_not_there_are_all_said_before_anything_runs(tmp_path):
    axes = read_axes(["machine=gefoin,gefion", "site=copenhagn,groningen"], {"days": 1})
    with pytest.raises(TerpError) as error:
        run_sweep(axes, tmp_path / "sweep", nobody)
    assert str(error.value).splitlines() == [
        "no machine 'gefoin'; did you mean 'gefion'?", "no site 'copenhagn'; did you mean 'copenhagen'?"
    ]  # fmt: skip
    assert not (tmp_path / "sweep").exists()


# What is kept


def test_rows_hold_fields_and_every_scalar_of_the_summary(tmp_path):
    document = run_sweep(week("load=0.5,0.9", "seed=1..2"), tmp_path, here)
    assert (document["done_count"], document["failed_count"], document["complete"]) == (4, 0, True)
    rows = load_sweep(tmp_path).rows.to_pylist()
    assert [(row["load_fraction"], row["seed"]) for row in rows] == [(0.5, 1), (0.5, 2), (0.9, 1), (0.9, 2)]
    scenario = Scenario(machine="gefion", days=1, seed=2, load=0.9)
    expected = scalars(simulate_scenario(scenario).summary)
    got = rows[3]
    for key in set(expected) - {"wall_s"} - set(scenario.values):
        assert got[key] == expected[key], key
    assert {key: got[key] for key in scenario.values} == scenario.values
    assert len(got["digests.machine"]) == len(got["scenario"]) == 64
    assert len(list(tmp_path.glob("part-*"))) == 1, "parts are put into one at the end"


def test_scalars_are_named_by_what_they_are_of():
    summary = {"a_s": 1, "none": None, "names": ["x"], "groups": {"g": {"gpu_s": 2.0}},
               "sizes": [{"lowest_gpus_count": 256, "jobs_count": 3}],
               "kinds": [{"domain": "d", "job": "j", "gpu_s": 4}], "other": [{"x_s": 5}]}  # fmt: skip
    assert scalars(summary) == {
        "a_s": 1, "groups.g.gpu_s": 2.0, "sizes.256.lowest_gpus_count": 256, "sizes.256.jobs_count": 3,
        "kinds.d.j.domain": "d", "kinds.d.j.job": "j", "kinds.d.j.gpu_s": 4, "other.0.x_s": 5,
    }  # fmt: skip


def test_it_goes_on_where_it_stopped_and_may_grow(tmp_path):
    calls = []
    run_sweep(week("seed=1..2"), tmp_path, here)
    assert run_sweep(week("seed=1..2"), tmp_path, nobody)["complete"]
    run_sweep(week("seed=1..4"), tmp_path, here, lambda *told: calls.append(told))
    assert [(done, total) for done, total, _ in calls] == [(3, 4), (4, 4)], "only what was missing"
    assert calls[-1][2] == 0
    assert seeds(tmp_path) == [1, 2, 3, 4]


def test_other_sweeps_other_versions_and_other_folders_are_not_mixed(tmp_path, monkeypatch):
    run_sweep(week("seed=1..2"), tmp_path / "a", here)
    with pytest.raises(Problems, match="holds 2 scenarios over seed that are not of this sweep"):
        run_sweep(week("seed=1..2", load=0.5), tmp_path / "a", nobody)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(Problems, match="is a folder with other files in it"):
        run_sweep(week("seed=1"), tmp_path / "mine", nobody)
    monkeypatch.setattr(terp, "__version__", "99.0")
    with pytest.raises(Problems, match=r"holds a sweep of version .*, and this is 99\.0"):
        run_sweep(week("seed=1..2"), tmp_path / "a", nobody)


def test_a_changed_file_is_another_sweep(tmp_path):
    file = tmp_path / "mine.yaml"
    text = (ROOT / "sites" / "copenhagen.yaml").read_text("utf-8")
    file.write_text(text)
    run_sweep(week("seed=1", site=str(file)), tmp_path / "sweep", here)
    assert run_sweep(week("seed=1", site=str(file)), tmp_path / "sweep", nobody)["complete"]
    file.write_text(re.sub(r"(?m)^title: .*$", "title: Elsewhere", text))
    with pytest.raises(Problems, match="or of files changed since"):
        run_sweep(week("seed=1", site=str(file)), tmp_path / "sweep", nobody)


def test_a_file_that_changes_on_the_way_is_said(tmp_path):
    scenario = Scenario(machine="gefion", days=1)
    [(digest, row, wrong)] = do_batch([("not its digest", scenario)])
    assert (digest, row) == ("not its digest", None)
    assert "others here and now" in wrong


def test_what_fails_is_noted_and_the_others_go_on(tmp_path):
    document = run_sweep(week("load=0.5,1e-9", "seed=1..2"), tmp_path, here)
    assert (document["done_count"], document["failed_count"], document["complete"]) == (2, 2, False)
    assert {failure["error"] for failure in document["failures"]} == {
        "no job fits into this run; simulate more days or raise the load"
    }
    assert [failure["scenario"]["seed"] for failure in document["failures"]] == [1, 2]
    assert json.loads((tmp_path / "sweep.json").read_text()) == document


def test_a_surprise_in_one_scenario_is_noted_with_its_kind(monkeypatch):
    def surprising(scenario, inputs):
        raise ZeroDivisionError("a bug of ours")

    scenario = Scenario(machine="gefion", days=1)
    digest = scenario_digest(scenario, inputs_of(scenario))
    monkeypatch.setattr("terp.sweep.points.simulate_scenario", surprising)
    assert do_batch([(digest, scenario)]) == [(digest, None, "ZeroDivisionError: a bug of ours")]


# What dies


def test_a_killed_worker_loses_nothing(tmp_path):
    """One of two processes is killed as soon as something came back; every scenario is there all the same."""
    killed = []

    def tell(done, total, left_s):
        if not killed:
            killed.append(next(child.pid for child in multiprocessing.active_children() if child.is_alive()))
            os.kill(killed[0], signal.SIGKILL)

    document = run_sweep(week("seed=1..8"), tmp_path, processes(2), tell)
    assert killed
    assert (document["done_count"], document["failed_count"]) == (8, 0)
    assert seeds(tmp_path) == list(range(1, 9))


class Fragile(Executor):
    """Dies with all that is under way whenever it is asked for a scenario of some seed, as a process pool does."""

    def __init__(self, deadly):
        self.deadly, self.dead, self.flying = deadly, False, []

    def submit(self, function, batch, given):
        assert (function, given) == (do_batch, None)
        if self.dead:
            raise BrokenProcessPool
        future = Future()
        self.flying.append((future, batch))
        if any(scenario.seed == self.deadly for _, scenario in batch):
            self.dead = True
            for other, _ in self.flying:
                other.set_exception(BrokenProcessPool())
        elif len(self.flying) > 2:
            self.work()
        else:
            threading.Timer(0.05, self.work).start()
        return future

    def work(self):
        while self.flying and not self.dead:
            future, batch = self.flying.pop(0)
            future.set_result(do_batch(batch))


@pytest.mark.parametrize("deadly", [1, 4, 9])
def test_what_kills_every_worker_is_found_and_noted(tmp_path, deadly):
    crews = []

    @contextlib.contextmanager
    def crew():
        crews.append(Fragile(deadly))
        yield crews[-1], 2

    document = run_sweep(week("seed=1..9"), tmp_path, crew)
    [failure] = document["failures"]
    assert failure["scenario"]["seed"] == deadly
    assert failure["error"] == "its worker died, 3 times; it may need more memory"
    assert seeds(tmp_path) == [seed for seed in range(1, 10) if seed != deadly]
    assert len(crews) in (3, 4), "a fresh one after each death, if anything was left"


def test_stopping_keeps_what_is_done(tmp_path):
    def tell(done, total, left_s):
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="2 of 5"):
        run_sweep(week("seed=1..5"), tmp_path, here, tell)
    document = json.loads((tmp_path / "sweep.json").read_text())
    assert (document["done_count"], document["complete"]) == (2, False)
    assert run_sweep(week("seed=1..5"), tmp_path, here)["complete"]
    assert seeds(tmp_path) == [1, 2, 3, 4, 5]


def test_a_part_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(table, where, **options):
        Path(where).write_bytes(b"PAR1 half")
        raise OSError(28, "No space left on device")

    run_sweep(week("seed=1"), tmp_path, here)
    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(Problems, match="No space left on device"):
        run_sweep(week("seed=1..2"), tmp_path, here)
    assert len(list(tmp_path.iterdir())) == 2
    assert seeds(tmp_path) == [1]


def test_two_writers_of_one_folder_count_each_scenario_once(tmp_path):
    """Parts are named by what is in them, and rows that stand in two are read once."""
    run_sweep(week("seed=1..2"), tmp_path / "a", here)
    run_sweep(week("seed=2..3"), tmp_path / "b", here)
    for part in (tmp_path / "b").glob("part-*"):
        part.rename(tmp_path / "a" / part.name)
    document = run_sweep(week("seed=1..3"), tmp_path / "a", nobody)
    assert document["done_count"] == 3
    assert seeds(tmp_path / "a") == [1, 2, 3]


def test_dask_does_the_same(tmp_path):
    distributed = pytest.importorskip("distributed")
    from terp.sweep import dask

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        run_sweep(week("seed=1..4"), tmp_path / "dask", dask(cluster.scheduler_address))
    run_sweep(week("seed=1..4"), tmp_path / "here", here)
    ours, theirs = (load_sweep(tmp_path / name).rows.arrow.drop_columns("wall_s") for name in ("here", "dask"))
    assert ours.equals(theirs)


# The same numbers, sooner


def test_a_summary_is_that_of_its_run(gefion):
    """To the last digit; only the clock differs."""
    workload, site = read_workload("national"), read_site("copenhagen")
    of_run = year(gefion, site=site, workload=workload, days=5, seed=3).summary
    of_scenario = simulate_scenario(Scenario(machine="gefion", days=5, seed=3)).summary
    assert {**of_scenario, "wall_s": 0} == {**of_run, "wall_s": 0}


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**62), max_size=60))
def test_stable_order_is_the_stable_sort(keys):
    key = np.array(keys, np.int64)
    assert stable_order(key).tolist() == np.argsort(key, kind="stable").tolist()


@given(st.integers(1, 400), st.integers(1, 4), st.integers(0, 10**6))
def test_labels_are_dealt_as_the_plain_loop_deals_them(count, labels, seed):
    rng = np.random.default_rng(seed)
    chances = rng.integers(0, 4, (3, labels)) + np.eye(3, labels)[:, :labels] + 1e-3
    chances[:, 0] *= rng.random(3) > 0.5
    chances[:, -1] += 0.1
    row, weight = rng.integers(0, 3, count), np.round(rng.exponential(3, count), 1)
    dealt = _dealt(chances, row, weight, np.random.default_rng(seed))
    assert dealt.tolist() == plainly_dealt(chances, row, weight, np.random.default_rng(seed)).tolist()


def plainly_dealt(chances, row, weight, rng):
    chances = chances / chances.sum(1, keepdims=True)
    below = np.cumsum(chances, 1)
    sequence = (np.arange(weight.size) * 0.6180339887498949 + rng.random()) % 1.0
    label = np.zeros(weight.size, np.int64)
    for column in range(chances.shape[1] - 1):
        label += sequence >= below[row, column]
    behind = np.zeros(chances.shape[1])
    for job in np.argsort(-weight, kind="stable")[:_HEAVIEST].tolist():
        behind += chances[row[job]] * weight[job]
        label[job] = int(np.argmax(np.where(chances[row[job]] > 0, behind, -np.inf)))
        behind[label[job]] -= weight[job]
    return label


def test_the_golden_sequence_is_the_remainder():
    place = np.arange(10**5) * 0.6180339887498949 + np.random.default_rng(1).random()
    assert (_golden(10**5, np.random.default_rng(1)) == place % 1.0).all()


# --- the front door --------------------------------------------------------------------------------------------------


def test_a_sweep_from_python_is_the_sweep_of_the_same_words(tmp_path):
    swept = terp.sweep.run(
        "gefion", over={"gpu_cap": [None, "none", "600 W"], "seed": range(1, 3)}, days=1, out=tmp_path / "a", workers=1
    )
    assert swept.document["complete"]
    assert swept.document["axes"] == {"gpu_cap_w": [None, "none", 600.0], "seed": [1, 2]}
    axes = week("gpu_cap=file,none,600 W", "seed=1..2")
    assert axes.axes == {"gpu_cap_w": (None, "none", 600.0), "seed": (1, 2)}
    assert run_sweep(axes, tmp_path / "a", nobody)["complete"], "the same scenarios, by their digests"
    assert [point["point"]["gpu_cap_w"] for point in swept.to_dict()["points"]] == [None, "none", 600.0]
    assert json.dumps(swept.to_dict(), allow_nan=False)
    kept = terp.load(tmp_path / "a")
    assert (kept, hash(kept)) == (swept, hash(swept))
    kept.save(tmp_path / "copy")
    assert terp.load(tmp_path / "copy").rows.arrow.equals(swept.rows.arrow)
    assert len(repr(swept)) < 200


def test_spare_nodes_of_zero_differ_from_those_of_the_file(tmp_path):
    """A file with nine spare nodes: zero, nine and the file's own are two different machines, not three and not one."""
    machine = terp.machine("gefion").changed(reliability__spare_nodes=9)
    swept = terp.sweep.run(
        machine, over={"spare_nodes": [0, 9, None]}, days=1, failures=False, out=tmp_path / "a", workers=1
    )
    down_s = swept.rows.column("node_down_s").to_pylist()
    assert down_s == [0, 9 * 86_400, 9 * 86_400]
    [nine, filed] = terp.sweep.compare(swept).entries
    assert nine["changes"] == ["spare_nodes_count: 0 -> 9"]
    assert filed["changes"] == ["spare_nodes_count: 0 -> as in the file"]


def test_runs_and_sweeps_are_compared_as_results_and_as_folders(tmp_path):
    first, second = (terp.simulate.year("gefion", days=1, seed=seed) for seed in (1, 2))
    capped = [terp.simulate.year("gefion", days=1, seed=seed, gpu_cap="500 W") for seed in (1, 2)]
    comparison = terp.sweep.compare(first, second, *capped)
    [entry] = comparison.entries
    assert entry["seeds"] == [1, 2]
    for name, run in (("a", first), ("b", second), ("c", capped[0]), ("d", capped[1])):
        save_run(run, tmp_path / name)
    [again] = terp.sweep.compare(*(tmp_path / name for name in "abcd")).entries
    assert again["differences"] == entry["differences"]
    rows = comparison.table.to_pylist()
    assert len(rows) == len(entry["differences"])
    assert len(repr(comparison)) < 200
    with pytest.raises(Problems, match="is the same run as seed 1 of run 1"):
        terp.sweep.compare(first, first)
    with pytest.raises(Problems) as error:
        terp.sweep.compare(tmp_path / "x", tmp_path / "y")
    assert len(str(error.value).splitlines()) == 2


def test_mistakes_from_python_are_all_said(tmp_path):
    with pytest.raises(Problems) as error:
        terp.sweep.run(over={"lod": [1], "seed": 5, "gpu_cap": ["600"], "days": [1, 1]}, out=tmp_path / "a")
    lines = [line.split(":")[0] for line in str(error.value).splitlines()]
    assert lines == ["days", "gpu_cap", "lod", "machine", "seed"]
    with pytest.raises(Problems, match="an axis of what is no name"):
        terp.sweep.run(over={"machine": [terp.machine("gefion")]}, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_two_sweeps_of_one_folder_take_turns(tmp_path):
    """Both end well, with the same folder as one alone would have made but for the clock."""
    words = ["sweep", "gefion", "--over", "seed=1..2", "--days", "1", "--workers", "1", "-o"]
    ran = [
        subprocess.Popen([sys.executable, "-m", "terp", *words, tmp_path / "two"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in ran]
    assert [process.returncode for process in ran] == [0, 0]
    assert said[0] == said[1]
    assert {path.name.partition("-")[0] for path in (tmp_path / "two").iterdir()} == {"part", "sweep.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    run_sweep(read_axes(["seed=1..2"], {"machine": "gefion", "days": 1}), tmp_path / "alone", here)
    two, alone = (load_sweep(tmp_path / name).rows.arrow.drop_columns(["wall_s"]) for name in ("two", "alone"))
    assert two.equals(alone)
