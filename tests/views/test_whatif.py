"""`terp sweep` and `terp compare` as their users type them; each call is a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import commands, warm_process

from terp.results import HEADLINES, load_sweep
from terp.views.text.comparison_text import bands_text, differences_text, figure_text, title_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
QUICK = ("--days", 1, "--workers", 1)


def terp(*words, check=None):
    done = commands.run(*words)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "load"
    done = terp("sweep", "gefion", *QUICK, "--over", "load=0.5,0.9", "--over", "seed=1..2", "-o", folder, check=0)
    return folder, done


def test_a_sweep_says_what_came_out(sweep):
    folder, done = sweep
    assert "load_fraction 0.5, 2 years" in done.stdout
    assert re.search(r"GPUs in use +\d+\.\d\d % +\d+\.\d\d %", done.stdout)
    assert "a band of 5 to 95 % needs 20 seeds a point" in done.stdout
    assert "4 of 4 scenarios" in done.stdout
    assert "\r" not in done.stderr, "no progress where nobody watches"
    assert load_sweep(folder).rows.num_rows == 4


def test_json_is_data_alone_and_documented(sweep):
    """Goes on from what is there; docs/formats/sweep.md names every key, and every kind of column."""
    folder, _ = sweep
    words = ("sweep", "gefion", *QUICK, "--over", "load=0.5,0.9", "--over", "seed=1..3", "-o", folder, "--json")
    data = json.loads(terp(*words, check=0).stdout)
    assert (data["done_count"], data["complete"]) == (6, True)
    assert [point["point"] for point in data["points"]] == [{"load_fraction": 0.5}, {"load_fraction": 0.9}]
    named = set(re.findall(r"`([\w.]+)`", (ROOT / "docs" / "formats" / "sweep.md").read_text("utf-8")))
    assert {*data, *data["points"][0], *data["points"][0]["figures"][0]} - named == set()
    assert json.loads((folder / "sweep.json").read_text()) == {key: data[key] for key in data if key != "points"}


def test_comparing_the_points_of_a_sweep(sweep):
    folder, _ = sweep
    text = terp("compare", folder, check=0).stdout
    assert "load_fraction: 0.5 -> 0.9" in text
    assert "pairs of years, by seed" in text
    [entry] = json.loads(terp("compare", folder, "--json", check=0).stdout)
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "formats" / "compare.md").read_text("utf-8")))
    assert {*entry, *entry["differences"][0]} - named == set()
    rows = {row["figure"]: row for row in entry["differences"]}
    assert rows["jobs_submitted_count"]["effect_ratio"] > 0.5
    assert "load_fraction" not in rows, "what was asked is no figure"


def test_comparing_two_runs_that_differ_twice(tmp_path):
    terp("simulate", "gefion", "--days", 1, "-o", tmp_path / "a", check=0)
    terp("simulate", "gefion", "--days", 2, "--site", "groningen", "-o", tmp_path / "b", check=0)
    text = terp("compare", tmp_path / "a", tmp_path / "b", check=0).stdout
    assert "2 inputs differ: what follows cannot be put down to one of them" in text
    assert "one pair of years: no interval can be given" in text
    assert "95 % interval" not in text, "a column without a value is left out"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "gefion", "-o", "x"], "say what to vary, such as --over seed=1..20"),
        (["sweep", "gefion", "--over", "lod=1,2", "-o", "x"], "no such field of a scenario; did you mean 'load'?"),
        (["sweep", "gefoin", "--over", "seed=1..2", "-o", "x"], "no machine 'gefoin'; did you mean 'gefion'?"),
        (["sweep", "gefion", "--over", "seed=1..2"], "Missing option '-o'"),
        (
            ["sweep", "gefion", "--over", "seed=1", "-o", "x", "--workers", "2", "--scheduler", "tcp://a:1"],
            "Dask has its own",
        ),
        (["compare", "no-such-folder"], "holds no run"),
        (["compare"], "Missing argument"),
    ],
)
def test_mistakes_are_a_line_and_exit_2(words, said, tmp_path):
    words = [str(tmp_path / "x") if word == "x" else word for word in words]
    done = terp(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_a_failed_scenario_is_exit_1(tmp_path):
    done = terp("sweep", "gefion", *QUICK, "--over", "load=0.9,1e-9", "-o", tmp_path / "sweep")
    assert done.returncode == 1
    assert "failed: load_fraction 1e-09: no job fits into this run" in done.stderr
    assert "1 of 2 scenarios" in done.stdout


def children(pid):
    """Processes whose parent is `pid`."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return [int(stat.split()[0]) for stat, rest in zip(stats, fields, strict=True) if int(rest[1]) == pid]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_sweep_keeps_what_is_done_and_leaves_nobody_behind(tmp_path, how):
    folder = tmp_path / "sweep"
    words = [sys.executable, "-m", "terp", "sweep", "gefion", "--workers", "1", "--over", "seed=1..5000", "--days", "2"]
    with (tmp_path / "said").open("w") as out:  # not a pipe, which workers keep open for a moment longer
        process = subprocess.Popen([*words, "-o", str(folder)], stderr=out)
    wait_for(lambda: list(folder.glob("part-*")))
    workers = children(process.pid)
    process.send_signal(how)
    process.wait(timeout=300)
    said = (tmp_path / "said").read_text()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    kept = load_sweep(folder)
    assert 0 < kept.rows.num_rows < 5000
    assert kept.document["complete"] is False
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"of 5,000 are kept in {folder}" in said
        assert "Traceback" not in said
        assert kept.document["done_count"] == kept.rows.num_rows


def wait_for(happens, most_s=300):
    end = time.monotonic() + most_s
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_progress_shows_where_someone_watches(tmp_path):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    words = ["sweep", "gefion", *QUICK, "--over", "seed=1..2", "-o", tmp_path / "sweep"]
    with Path(os.devnull).open("r+b") as nothing:
        files = [nothing.fileno(), nothing.fileno(), theirs]
        assert warm_process.asked(commands.warm().socket, list(map(str, words)), str(tmp_path), dict(os.environ), files) == 0
    os.close(theirs)
    assert re.search(r"1 of 2 scenarios, about [\d.]+ \w+ left", os.read(ours, 10_000).decode())


def test_figures_are_shown_in_their_units():
    assert figure_text("mean_wait_s", 5400.0) == "1.5 h"
    assert figure_text("lost_gpu_s", 7200.0, sign=True) == "+2 GPU h"
    assert figure_text("gpu_utilisation_fraction", 0.8512) == "85.12 %"
    assert figure_text("carbon_kg", -2500.0, sign=True) == "-2.5 t"
    assert figure_text("electricity_cost_eur", 6.41e7) == "64.1 MEUR"
    assert figure_text("mean_pue", 1.14567) == "1.146"
    assert figure_text("mean_pue", None) == "-"
    assert title_of("jobs_timeout_count") == "jobs timeout"
    assert all(title_of(key) == title for key, title in HEADLINES.items())


def test_texts_for_people():
    figure = {"figure": "mean_wait_s", "mean": 60.0, "standard_error": 1.0, "low": 50.0, "high": 70.0, "years_count": 20}
    points = [{"point": {"seed": n}, "years_count": 20, "figures": [figure]} for n in range(14)]
    assert "2 more points; --json prints all" in bands_text(points)
    row = {"figure": "mean_wait_s", "base": 0.0, "other": 60.0, "difference": 60.0, "low": 10.0, "high": 110.0,
           "effect_ratio": None, "pairs_count": 3}  # fmt: skip
    same = {**row, "figure": "mean_pue", "difference": 0.0, "low": 0.0, "high": 0.0, "effect_ratio": 0.0}
    entry = {"base": "a", "other": "b", "changes": [], "seeds": [1, 2, 3], "unpaired_count": 2, "differences": [row, same]}
    text = differences_text([entry])
    for words in ("the same inputs", "2 years without a partner", "+10 s to +1.83 min", "from nothing", "unchanged: PUE"):
        assert words in text
