"""Tables of the caller's own are given the catalogue's intervals, by class, whatever the model."""

import runpy
from pathlib import Path

import pytest

from terp.catalogue import constants
from terp.errors import UnknownName
from terp.physics import Interval, interval_of
from terp.physics.intervals import Intervals
from terp.validate import collectives, kernels

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_a_kernel_of_a_file_has_the_interval_of_its_chips_class(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"kind": "gemm", "dtype": "bf16", "m": 4096, "n": 4096, "k": 4096, "s": 0.0002}\n', "utf-8")
    for gpu, class_name in (("h100-sxm-80gb", "chip fitted to"), ("h200", "chip not fitted to")):
        [case] = kernels(path, gpu=gpu).to_dict()["groups"]["gemm"]["cases"]
        interval = interval_of("gemm", class_name)
        assert case["class"] == class_name
        assert case["low_s"] == pytest.approx(case["predicted_s"] * interval.low_ratio)
        assert case["high_s"] == pytest.approx(case["predicted_s"] * interval.high_ratio)


def test_a_collective_of_a_file_has_the_interval_of_links_or_of_a_network(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "collective,gpu,gpus,nodes,size_bytes,time_us,inter\n"
        "all_reduce,H100 SXM,8,1,1073741824,4500,8x 400 Gb/s\n"
        "all_reduce,H100 SXM,16,2,1073741824,5500,8x 400 Gb/s\n",
        "utf-8",
    )
    document = collectives(path).to_dict()
    assert [case["class"] for case in document["cases"]] == ["over links", "across nodes"]
    widths = [case["high_s"] / case["low_s"] for case in document["cases"]]
    assert widths[0] < widths[1]
    assert document["median_width_ratio"] == pytest.approx(sum(widths) / 2)


def test_classes_and_models_without_an_interval_are_told():
    with pytest.raises(UnknownName, match="no model with intervals 'hlp'; did you mean 'hpl'"):
        interval_of("hlp", "AMD nodes")
    with pytest.raises(UnknownName, match="class of hpl"):
        interval_of("hpl", "nodes of clay")
    for model, classes in constants(Intervals).models.items():
        for name, interval in classes.items():
            assert 0 < interval.low_ratio < interval.high_ratio, (model, name)


def test_intervals_are_written_in_place_and_others_stay(tmp_path):
    write = runpy.run_path(str(SCRIPTS / "intervals_file.py"))["write_intervals"]
    path = tmp_path / "intervals.yaml"
    path.write_text(
        '# head\nmodels:\n  a:\n    "x": {value: {low: 1, high: 2}}\n  b:\n    "y": {value: {low: 3, high: 4}}\n', "utf-8"
    )
    for _ in range(2):
        write("a", {"new": Interval(0.5, 1.5, 1.25)}, {"new": "5 rows"}, script="s.py", source="top", path=path)
    text = path.read_text("utf-8")
    assert text.splitlines()[2:5] == [
        "  a:",
        '    "new": {value: {low: 0.5, high: 1.5, reach: 1.25}, status: fitted, fitted_by: s.py, source: top, note: "5 rows"}',
        "  b:",
    ]
    write("c", {"z": Interval(1.0, 2.0)}, {"z": ""}, script="s.py", source="top", path=path)
    assert path.read_text("utf-8").startswith(text)
