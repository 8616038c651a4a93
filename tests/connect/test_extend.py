"""What users add: formats of traces, families of models, and files that the terminal loads."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import terp
from terp.connect import read_trace, trace_batches
from terp.connect.traces import formats
from terp.connect.traces.job_columns import COLUMNS, rows_of_columns
from terp.connect.traces.trace_rows import NONE, Reading
from terp.describe import MODEL_FAMILIES, TRACE_STATES
from terp.describe.checks.model_checks import FAMILY_MISFITS
from terp.errors import Problems, TerpError
from terp.extend import ModelFile, Work
from terp.physics import work_of
from terp.physics.neural import families

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def _as_before():
    """Registries are those of the process: what a test adds goes with it."""
    kept = [
        (registry, dict(registry))
        for registry in (formats.READERS, formats.SEERS, MODEL_FAMILIES, families.WORKS, FAMILY_MISFITS)
    ]
    yield
    for registry, entries in kept:
        registry.clear()
        registry.update(entries)


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jobs(path, columns, **more):
    """The trace of a format that gives these columns."""
    terp.extend.trace_format("made-up")(lambda *_: [columns])
    path.write_text("x")
    return read_trace(path, "made-up", **more)


# formats of traces


def test_the_example_of_a_format_runs(tmp_path, capsys):
    example = loaded("own_trace_format")
    example.main()
    assert capsys.readouterr().out.splitlines() == [
        "ann 2 nodes 8 GPUs 3600 s",
        "bob 1 nodes 4 GPUs 600 s",
        "ann 0 nodes 8 GPUs 1800 s",
        "1 dropped: machines are no number; line 5",
        "1 repaired: limit not said, run time taken; line 4",
    ]
    path = tmp_path / "jobs.csv"
    path.write_text(example.JOBS)
    trace = read_trace(path)
    assert trace.began_unix_s == 1_700_000_000
    assert trace.submit_s.tolist() == [0, 60, 120]
    assert [TRACE_STATES[state] for state in trace.state] == ["completed", "failed", "cancelled"]
    assert sum(block.num_rows for block in trace_batches(path)) == 3


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(1, 500), st.integers(0, 8), st.integers(1, 10**6), st.text(max_size=5)),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=40, deadline=None)
def test_columns_are_the_trace(tmp_path_factory, rows):
    """Whatever kind of sequence holds them; rows of one second keep their order."""
    rows.sort(key=lambda row: row[0])
    submit, nodes, gpus, run, users = map(list, zip(*rows, strict=True))
    columns = {"submit_s": np.array(submit, float), "nodes": nodes, "gpus": tuple(gpus), "run_s": run, "user": users}
    trace = jobs(tmp_path_factory.mktemp("t") / "t", columns)
    assert (trace.submit_s + trace.began_unix_s).tolist() == submit
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.run_s.tolist()) == (nodes, gpus, run)
    assert [trace.users[code] for code in trace.user] == users


def test_what_is_not_known_is_not_known():
    columns = {
        "submit_s": [5, None, math.nan],
        "gpus": [1, None, 2],
        "start_s": [math.inf, 7.9, -1.5],
        "state": ["failed", None, "odd"],
    }
    reading = Reading("t")
    rows = rows_of_columns(columns, reading, 10)
    assert rows["submit"].tolist() == [5, NONE, NONE]
    assert rows["gpus"].tolist() == [1, 0, 2]
    assert rows["start"].tolist() == [10**15, 7, -2]
    assert rows["line"].tolist() == [10, 11, 12]
    assert [TRACE_STATES[state] for state in rows["state"]] == ["failed", "unknown", "unknown"]
    assert reading.notes() == {"repaired: an unknown state; line 12": 1}


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"submit_s": [1], "node": [1]}, "no such column of jobs, found 'node'; did you mean 'nodes'"),
        ({"submit_s": [1], "user": ["a"]}, "columns are missing, found submit_s, user; give submit_s, and nodes or gpus"),
        ({"submit_s": [1, 2], "nodes": [1]}, "columns of different lengths, found submit_s: 2, nodes: 1"),
        ({"submit_s": ["soon"], "nodes": [1]}, "column submit_s holds what is no number, found 'soon'"),
        ({"submit_s": [1], "nodes": [[1]]}, "column nodes has 2 axes"),
        ({"submit_s": [1], "nodes": [1], "user": [7]}, "column user holds what is no text, found 7"),
        ([1, 2], "a reader gave what are no columns, found list"),
    ],
)
def test_columns_that_are_none_are_said(tmp_path, columns, says):
    with pytest.raises(Problems) as error:
        jobs(tmp_path / "t", columns)
    assert says in str(error.value)
    assert str(tmp_path / "t") in str(error.value)


def test_a_reader_that_fails_is_named(tmp_path):
    @terp.extend.trace_format("broken")
    def broken(path, _):
        yield {"submit_s": [int(path.read_text())], "nodes": [1]}

    (tmp_path / "t").write_text("abc")
    with pytest.raises(
        Problems, match=r"the reader of 'broken' failed: ValueError: invalid literal.*mend the reader 'broken'"
    ):
        read_trace(tmp_path / "t", "broken")
    with pytest.raises(Problems, match="no such format of a trace, found 'brokn'; did you mean 'broken'"):
        read_trace(tmp_path / "t", "brokn")


@pytest.mark.parametrize("name", ["swf", "terp", "", "A b", "../x", 7])
def test_names_that_ship_or_are_none_are_refused(name):
    with pytest.raises(Problems):
        terp.extend.trace_format(name)
    with pytest.raises(Problems):
        terp.extend.model_family("transformer" if name == "swf" else name if name != "terp" else "unet", ModelFile)


def test_the_page_lists_every_column():
    page = (ROOT / "docs" / "howto" / "own-trace.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []


# families of models


def test_the_example_of_a_family_runs(capsys):
    loaded("own_model_family").main()
    assert capsys.readouterr().out == "MLP-Mixer L/16 208 million parameters 267 Gflop an image\n"


def test_a_model_of_ones_own_family_is_read_checked_and_predicted(tmp_path):
    example = loaded("own_model_family")
    path = tmp_path / "mixer.yaml"
    path.write_text(example.FILE)
    work = work_of(terp.model(str(path)).record)
    assert work.parameters_count == pytest.approx(208.2e6, rel=0.002)  # tolstikhin-2021, table 1: 207 to 208 million
    path.write_text(example.FILE.replace("patch: 16", "patch: 15"))
    with pytest.raises(Problems, match=r"mixer.yaml:10:8: patch: does not divide the image of 224; a divisor would do"):
        terp.model(str(path))
    path.write_text(example.FILE.replace("layers: 24", "layer: 24"))
    with pytest.raises(Problems, match="layer: unknown key, found 'layer'; did you mean 'layers'"):
        terp.model(str(path))


def test_a_record_that_does_not_fit_its_family_is_refused():
    class Other(ModelFile):
        """Of another name."""

        family: Literal["other"]

    with pytest.raises(Problems, match="a ModelFile with the field `family: Literal\\['mine'\\]` would do"):
        terp.extend.model_family("mine", Other)
    with pytest.raises(Problems, match="no record of the family"):
        terp.extend.model_family("mine", dict)
    terp.extend.model_family("other", Other)(lambda model, tokens: (model, tokens))
    model = terp.model({"name": "a", "title": "A", "family": "other"})
    with pytest.raises(Problems, match="other: its function gives no work, found tuple"):
        work_of(model.record)


# files that the terminal loads


def terminal(*arguments, plugins):
    environment = os.environ | {"TERP_PLUGINS": str(plugins)}
    command = [sys.executable, "-m", "terp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_terminal_predicts_a_family_of_a_plugin(tmp_path):
    example = loaded("own_model_family")
    (tmp_path / "mixer.yaml").write_text(example.FILE)
    plugin = tmp_path / "family.py"
    plugin.write_text((EXAMPLES / "own_model_family.py").read_text())
    plugin.chmod(0o600)
    arguments = [
        "predict",
        "gefion",
        "train",
        "--model",
        str(tmp_path / "mixer.yaml"),
        "--global-batch",
        "4096",
        "--gpus",
        "512",
    ]
    done = terminal(*arguments, "--json", plugins=plugin)
    assert done.returncode == 0, done.stderr
    assert 0 < json.loads(done.stdout)["step_s"] < 10


def test_a_plugin_that_others_can_write_is_not_loaded(tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text("raise SystemExit('loaded')")
    plugin.chmod(0o666)
    with pytest.raises(Problems, match=f"others can write {plugin}; chmod go-w {plugin}"):
        terp.extend.load_plugins(str(plugin))
    plugin.chmod(0o600)
    tmp_path.chmod(0o1777)
    with pytest.raises(Problems, match=f"others can write {tmp_path}"):
        terp.extend.load_plugins(str(plugin))
    tmp_path.chmod(0o700)
    link = tmp_path / "link.py"
    link.symlink_to(plugin)
    with pytest.raises(SystemExit, match="loaded"):
        terp.extend.load_plugins(str(link))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 +", "cannot be loaded: SyntaxError"),
        ("import none_of_this_name", "cannot be loaded: ModuleNotFoundError"),
        ("import terp.extend\nterp.extend.trace_format('swf')", "a format of traces of this name ships"),
    ],
)
def test_a_plugin_that_fails_is_named(tmp_path, text, says):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(text)
    plugin.chmod(0o600)
    with pytest.raises(TerpError, match=says):
        terp.extend.load_plugins(str(plugin))
    with pytest.raises(TerpError, match="is no file; correct the environment variable TERP_PLUGINS"):
        terp.extend.load_plugins(str(tmp_path / "none.py"))


def test_plugins_are_parted_as_in_path(tmp_path):
    for name in ("one", "two"):
        plugin = tmp_path / f"{name}.py"
        plugin.write_text(
            f"import terp.extend\n@terp.extend.trace_format('{name}')\ndef read(path, reading):\n    yield {{}}\n"
        )
        plugin.chmod(0o600)
    terp.extend.load_plugins(os.pathsep.join([str(tmp_path / "one.py"), "", str(tmp_path / "two.py")]))
    assert {"one", "two"} <= set(formats.READERS)


def test_work_is_of_the_front_door():
    assert Work is families.Work
