"""Scripts that fit constants write them into the catalogue in place, and change nothing else."""

import importlib
import shutil
from pathlib import Path

import pytest

from terp.reader import read_tree

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("fit_*.py"))


@pytest.fixture
def script(monkeypatch):
    """Imports a script by its name, as Python does that runs it."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_that_a_constant_names_can_be_run(script, name):
    assert callable(script(name).main)


@pytest.mark.parametrize(
    ("path", "value", "written"),
    [
        ("kernels.gemm.read", 0.8123, "0.812"),
        ("collectives.step", 7.01e-7, "7.01e-07 s"),
        ("node_power.jobs.patterns.value.gpt3.computing", 7155.0, "7.16e+03 W"),
        ("kernels.attention.trtllm.hopper.peak.value.64", 0.5, "0.5"),
        ("architectures.architectures.hopper.hpcg", 0.17, "0.17 flop/B"),
    ],
)
def test_a_fitted_value_is_written_in_place(script, tmp_path, path, value, written):
    """Value and range alone change: unit, status, source, notes, comments and every other line stay."""
    fitting = script("fitting")
    name, *steps = path.split(".")
    file = shutil.copy(fitting.FOLDER / f"{name}.yaml", tmp_path)
    before = Path(file).read_text("utf-8")
    fitting.write(fitting.Fitted(path, value, value * 0.9, value * 1.1), tmp_path)
    after = Path(file).read_text("utf-8")
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    data = read_tree(after, name).data
    for step in (step for step in steps if step != "value"):
        data = data[step]
    assert str(data) == written
    fitting.write(fitting.Fitted(path, value, value * 0.9, value * 1.1), tmp_path)
    assert Path(file).read_text("utf-8") == after


def test_a_range_is_where_the_error_stays_near_the_least(script):
    pytest.importorskip("scipy", reason="the scripts that fit need scipy")
    fitting = script("fitting")

    def loss(values):
        return 1 + (values[0] / 2 - 1) ** 2 + (values[1] / 3 - 1) ** 2

    values, left = fitting.least(loss, (1.0, 1.0))
    assert list(values) == pytest.approx([2.0, 3.0], rel=1e-2)
    assert left == pytest.approx(1.0, rel=1e-3)
    low, high = fitting.ranges(loss, [2.0, 3.0])[0]
    assert (low, high) == pytest.approx((2 * (1 - 0.05**0.5), 2 * (1 + 0.05**0.5)), rel=1e-2)
