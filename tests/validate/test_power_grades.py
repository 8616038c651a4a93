"""The grades of nodes' power: held-out runs, groups that nothing was fitted to, and files of readings."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from terp.errors import Problems
from terp.physics import node_trace_w, patterns
from terp.validate import power
from terp.validate.grading.cases import published_file
from terp.validate.grading.split import groups_for_fitting
from terp.validate.systems.power_grades import (
    CONSTANTS,
    OF_1_AND_64_NODES,
    SEEN,
    grade_power,
    is_for_fitting,
    predicted,
    shape_of,
    shipped_rows,
)
from terp.validate.systems.power_rows import SWINGS, read_power_rows
from terp.views.text.grades_text import grades_text

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def grades():
    return grade_power()


def readings(benchmark="bert", nodes=1, run="r1", start=10**12, seconds=400.0, watts=None, **others):
    """Rows of a run, a reading of a node every two seconds."""
    times = np.arange(0.0, seconds, 2.0)
    powers = np.full(len(times), 6000.0) if watts is None else watts(times)
    one = len(times)
    columns = {
        "benchmark": [benchmark] * one * nodes,
        "n_nodes": [nodes] * one * nodes,
        "run": [run] * one * nodes,
        "start_unix_ms": [start] * one * nodes,
        "node": np.repeat(np.arange(nodes), one),
        "t_s": np.tile(times, nodes),
        "power_ac_w": np.tile(powers, nodes),
    }
    columns |= {name: [value] * one * nodes for name, value in others.items()}
    return pa.table(columns)


def module_of(script):
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(tmp_path, *tables):
    path = tmp_path / "power.parquet"
    pq.write_table(pa.concat_tables(tables), path)
    return path


# the runs that ship


def test_no_grade_has_worsened_and_each_beats_its_baseline(grades):
    for entry in grades.grades:
        assert not entry.worsened, f"{entry.model}: median {entry.median_fraction:.4f}, held {entry.limits.held_fraction}"
        assert 0.80 <= entry.inside_fraction <= 0.95, entry.model
        assert "baseline" not in entry.missed
    assert [entry.missed for entry in grades.grades] == [(), (), (), ("median",)]
    assert grades.energy.median_fraction < 0.5 * grades.baseline_of_group_fraction
    assert grades.energy.p90_fraction < 0.03


def test_the_quantiles_meet_their_bar_but_for_the_99th_of_steps(grades):
    found = {name: entry["median_abs_error"] for name, entry in grades.as_data()["swings"].items()}
    assert list(found) == list(SWINGS)
    assert max(found[name] for name in SWINGS[:3]) < 0.02
    assert found["step_max_ratio"] < 0.1
    assert 0.1 < found["step_p99_ratio"] < 0.17  # missed, and said so in docs/theory/power.md


def test_fit_and_grade_never_share_a_run_nor_its_readings(grades):
    rows = shipped_rows()
    fitted = [row for row in rows if is_for_fitting(row)]
    assert (
        len(fitted) == grades.energy.fitted_count == len(groups_for_fitting("power")) == len(rows) - len(grades.energy.cases)
    )
    assert {case.name for case in grades.energy.cases}.isdisjoint(row.name for row in fitted)
    assert len({(row.group, row.energy_j) for row in rows}) == len(rows) == 148
    assert {row.group for row in fitted} == {row.group for row in rows}
    assert not any(case.fitted for entry in grades.grades for case in entry.cases)


def test_the_harder_split_sees_no_run_on_8_or_9_nodes(grades):
    """Its patterns differ from the others in what more nodes change, and that is LoRA's for all."""
    assert {row.nodes_count for row in shipped_rows()} - set(SEEN) == {8, 9}
    assert {case.part for case in grades.groups.cases} == {
        "llama2_70b_lora, 8 nodes", "resnet, 8 nodes", "ssd, 8 nodes", "unet3d, 9 nodes",
    }  # fmt: skip
    assert len(grades.groups.cases) == 60
    spread = [kind for kind in OF_1_AND_64_NODES if patterns()[kind].thinned_fraction]
    assert {OF_1_AND_64_NODES[kind].thinned_fraction for kind in spread} == {0.189}
    assert OF_1_AND_64_NODES["ssd"].divided_fraction == 0


def test_the_harder_constant_is_the_one_that_64_nodes_ask_for():
    """A step of 2 % either way makes LoRA's fit runs on 64 nodes no better."""
    rows = [row for row in shipped_rows() if is_for_fitting(row) and row.group == "llama2_70b_lora|64"]
    assert rows
    losses = []
    for share in (0.98, 1.0, 1.02):
        held = OF_1_AND_64_NODES["llama2_70b_lora"]
        trial = replace(held, thinned_fraction=held.thinned_fraction * share)
        losses.append(fmean(abs(predicted(row, {row.benchmark: trial}).energy_j / row.energy_j - 1) for row in rows))
    assert losses[1] <= min(losses) + 0.001


def test_constants_are_those_that_the_fit_finds(monkeypatch):
    """The fit's own search, from the shipped patterns, finds next to nothing better."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script = module_of("fit_power")
    for kind in ("bert", "dlrm_dcnv2", "resnet", "unet3d"):
        rows = [row for row in shipped_rows() if is_for_fitting(row) and row.benchmark == kind]
        names = (*script.ONE[kind], *script.MANY.get(kind, ()))
        held = script.loss(rows, patterns()[kind])
        _, least = script.searched(lambda trial, rows=rows: script.loss(rows, trial), patterns()[kind], names)
        assert held <= 1.01 * least


def test_constants_are_counted():
    """Every number of a pattern that is not zero or shared is named."""
    shared = 6
    numbers = 0
    for pattern in patterns().values():
        for name, value in vars(pattern).items():
            if name == "waits_fraction":
                numbers += min(len(value), 1) + (len(value) > 1 and abs(value[0] - (value[1] - value[0])) > 1e-9)
            else:
                numbers += bool(value) and (name, value) not in (("waiting_w", 2700.0), ("idle_w", 2240.0))
    assert numbers + shared == len(CONSTANTS) == len(set(CONSTANTS))


def test_the_split_is_the_one_that_was_dealt():
    """About half of each group, by a hash that knows nothing of power."""
    assert set(module_of("distil_power").dealt(shipped_rows())) == groups_for_fitting("power")
    assert published_file("power", "table.csv").stat().st_size < 60_000


def test_what_is_printed_names_every_key_and_quantile():
    grades = power()
    data, text = grades.to_dict(), grades_text(grades)
    assert [entry.model for entry in grades.grades] == ["power", "power-groups", "power-levels", "power-steps"]
    for name in SWINGS:
        assert name in text
    assert "the harder baseline: 1.5%" in text
    page = (ROOT / "docs" / "formats" / "validate.md").read_text("utf-8")
    documented = set(re.findall(r"`(\w+)`", page))
    keys = {*data, *data["swings"], *data["swings"]["p05_ratio"], *data["cases"][0]}
    assert {key for key in keys if not key.endswith("_j")} - documented == set()
    assert {name for name in vars(shipped_rows()[0]) if name not in ("nodes_count", "benchmark", "run")} <= documented
    json.dumps(data, allow_nan=False)


# files of readings


def test_a_file_made_by_the_model_is_graded_as_right(tmp_path):
    """What the model says of BERT, with the lead and tail of its shipped runs, read every two seconds."""
    row = next(row for row in shipped_rows() if row.benchmark == "bert")
    shape = shape_of(row)
    trace = node_trace_w(patterns()["bert"], shape)
    path = written(
        tmp_path,
        readings(seconds=shape.window_s, watts=lambda times: np.interp(times, np.arange(len(trace)), trace)),
    )
    found = grade_power(path)
    assert found.groups is None
    assert [entry.model for entry in found.grades] == ["power", "power-levels", "power-steps"]
    assert found.energy.median_fraction < 0.02
    assert found.levels.median_fraction < 0.02
    assert found.energy.cases[0].known == {"run": "inferred: as shipped runs of its group"}
    assert set(found.as_data()) >= {"n", "graded", "fitted", "median_abs_error", "p90_abs_error", "bias", "swings"}


def test_energy_is_that_of_all_readings(tmp_path):
    """A ramp from 2 to 6 kW over 400 s on two nodes is 1.6 MJ a node; the gap of a node is joined by a line."""
    table = readings("resnet", 2, seconds=402.0, watts=lambda times: 2000 + 10 * times)
    lost = pa.array(~((table["node"].to_numpy() == 1) & (table["t_s"].to_numpy() > 100) & (table["t_s"].to_numpy() < 120)))
    rows, skipped = read_power_rows(written(tmp_path, table.filter(lost)))
    assert skipped == []
    [row] = rows
    assert row.energy_j == pytest.approx(1.6e6)
    assert row.mean_w == pytest.approx(4000, rel=0.01)
    assert row.step_max_ratio == pytest.approx(20 / row.mean_w)
    assert np.isnan(row.lead_s)


def test_a_file_may_say_when_the_run_began(tmp_path):
    start = 10**12
    path = written(tmp_path, readings(run_start_unix_ms=start + 50_000, run_stop_unix_ms=start + 350_000))
    [row] = read_power_rows(path)[0]
    assert (row.lead_s, row.run_s, row.tail_s) == (50, 300, 48)
    assert grade_power(path).energy.cases[0].known == {"run": "stated"}


def test_what_no_case_is_made_of_is_said(tmp_path):
    short = readings(run="short", start=2, seconds=20.0)
    strange = readings("hpl", run="strange", start=3)
    missing = readings("resnet", 8, run="missing", start=4)
    missing = missing.filter(pc.less(missing["node"], 7))
    zero = readings(run="zero", start=5, watts=lambda times: np.zeros(len(times)))
    twice = readings(run="again")
    found = grade_power(written(tmp_path, readings(), twice, short, strange, missing, zero))
    reasons = {entry.name.split(", ")[1]: entry.reason for entry in found.energy.skipped}
    assert len(found.energy.cases) == 1
    assert found.energy.rows_count == 6
    assert "fewer than 20" in reasons["short"]
    assert "no pattern of 'hpl'" in reasons["strange"]
    assert "readings of 7 nodes, where n_nodes says 8" in reasons["missing"]
    assert "0 nodes" in reasons["zero"]
    assert {"the same readings as r1", "the same readings as again"} & set(reasons.values())


def test_unknown_surroundings_are_assumed_away(tmp_path):
    found = grade_power(written(tmp_path, readings("bert", 4)))
    assert found.energy.cases[0].known == {"run": "assumed: nothing is read around it"}
    assert found.as_data()["baseline_of_group_median_abs_error"] is None


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        (lambda: readings().drop_columns(["node"]), "node: missing column"),
        (lambda: readings().set_column(5, "t_s", pa.array(["a"] * 200)), "t_s: not float"),
        (lambda: readings().slice(0, 0), "no rows"),
    ],
)
def test_files_of_other_columns_are_refused(tmp_path, table, wrong):
    with pytest.raises(Problems, match=wrong):
        grade_power(written(tmp_path, table()))


def test_files_that_are_not_parquet_are_refused(tmp_path):
    (tmp_path / "x.parquet").write_text("benchmark,n_nodes\n")
    with pytest.raises(Problems, match="not Parquet"):
        grade_power(tmp_path / "x.parquet")
    with pytest.raises(Problems, match="cannot be read"):
        grade_power(tmp_path / "nowhere.parquet")
