"""The grades of kernels and of whole steps on one GPU: held-out rows, the caller's own, and lines that say nothing."""

import json

import numpy as np
import pytest

from terp.catalogue import read_catalogue
from terp.describe import read_model
from terp.errors import Problems, UnknownName
from terp.physics import work_of
from terp.validate.chips.kernel_grades import MODELS, grade_kernels
from terp.validate.chips.kernel_rows import FIT_STEPS, is_for_fitting, read_rows, shipped, shipped_rows
from terp.validate.chips.timed_models import SHAPES, model_of, why_no_model

SCIENCES = ("unet3d", "fourcast", "weather", "resnet", "vit")


def errors_of(kind, *words):
    return np.abs(
        [case.error_fraction for case in grade_kernels()[0][kind].cases if all(word in case.part for word in words)]
    )


@pytest.mark.parametrize("kind", ["gemm", "attention", "train", "prefill", "decode", "train-memory"])
def test_no_kernel_has_worsened_and_each_beats_its_baseline(kind):
    found = grade_kernels()[0][kind]
    assert not found.worsened, f"median {found.median_fraction:.4f}, held {found.limits.held_fraction}"
    assert found.median_fraction < 0.5 * found.baseline_fraction
    assert found.skipped == ()
    assert found.missed == ()


@pytest.mark.parametrize("kind", ["gemm", "attention"])
def test_intervals_of_kernels_hold_on_chips_left_out(kind):
    found = grade_kernels()[0][kind]
    assert 0.80 <= found.inside_fraction <= 0.95
    assert all(errors.inside_fraction >= 0.75 for errors in found.by_group.values())
    assert set(found.by_class) == {"chip fitted to", "chip not fitted to"}


@pytest.mark.parametrize("kind", ["gemm", "attention"])
def test_kernels_of_shapes_and_of_a_gpu_never_fitted(kind):
    """At most 8 % on held-out shapes of one H100, and on an H200, on which nothing was fitted."""
    assert np.median(errors_of(kind, "terp-h100")) < 0.08
    assert np.median(errors_of(kind, "h200-sxm-141gb")) < 0.08
    assert np.median(errors_of(kind, "a100-sxm-80gb")) < 0.10
    assert np.median(errors_of(kind, "b200-sxm-180gb")) < 0.12


def test_no_fitted_row_is_graded_and_none_of_an_h200_is_fitted():
    rows = shipped_rows()
    fitted = [row for row in rows if is_for_fitting(row)]
    assert not any("h200" in row.gpu for row in fitted)
    grades = grade_kernels()[0]
    assert sum(len(grade.cases) for grade in grades.values()) == len(rows) - len(fitted)
    assert {row.text["name"] for row in fitted if row.model == "train"} == set(FIT_STEPS)
    for kind, sizes in (("gemm", ("n", "k")), ("attention", ("heads", "s_len"))):
        sides = ([], [])
        for row in rows:
            if row.source == "aiconfigurator" and row.model == kind and row.gpu == "b200-sxm-180gb":
                sides[is_for_fitting(row)].append(tuple(row.text[size] for size in sizes))
        assert not set(sides[0]) & set(sides[1]), "a shape stands on one side"


def test_every_step_that_was_timed_ships_and_is_within_a_tenth():
    """Of sciences and transformers alike; the three that constants were fitted to as well."""
    rows = [row for row in shipped_rows() if row.kind == "train"]
    assert len({row.text["name"] for row in rows}) == 13
    assert len(rows) == 3 * 13
    assert shipped()[1] == ()
    cases = grade_kernels()[0]["train"].cases
    assert len(cases) == 10
    assert all(abs(case.error_fraction) < 0.10 for case in cases)
    assert {case.name.split("-")[0] for case in cases if case.name.startswith(SCIENCES)} == {"unet3d", "weather"}


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ({"name": "unet3d-b2-p96", "patch": "96", "base": "32", "cin": "4", "classes": "4"}, 16_549_348),
        ({"name": "unet3d-b2-p128"}, 16_549_348),
        ({"name": "fourcast-b1", "ch": "20", "H": "720", "W": "1440", "p": "8", "h": "768", "L": "12"}, 62_213_120),
        ({"name": "resnet50-b128"}, 25_557_032),
        ({"name": "resnet101"}, 44_549_160),
    ],
)
def test_models_that_are_known_by_name(text, parameters):
    """Parameters are those that were counted when they were timed, or published."""
    assert why_no_model(text) == ""
    assert work_of(model_of(text)).parameters_count == parameters


def test_columns_change_what_a_name_stands_for():
    weather = model_of({"name": "weather-vit-b1", "ch": "69", "H": "720", "W": "1440", "p": "8", "h": "1024", "L": "12"})
    shipped_one = read_model("weather-vit").record
    assert work_of(weather) == work_of(shipped_one)
    coarse = model_of({"name": "weather-vit-b1", "p": "16"})
    assert coarse.patches.tokens_count * 4 == weather.patches.tokens_count
    wide = model_of({"name": "unet3d-nf64", "base": "64", "patch": "128"})
    assert work_of(wide).parameters_count > 3 * 16_549_348
    assert list(wide.features_count) == [64, 128, 256, 512, 320]
    for beginning, (file, _) in SHAPES.items():
        assert work_of(model_of({"name": beginning})).flop == work_of(read_model(file).record).flop


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ({"name": "unet3d", "patch": "100"}, "100 points do not divide by 16"),
        ({"name": "unet3d", "patch": "200000"}, "no model: patch"),
        ({"name": "fourcast", "h": "100"}, "100 channels do not divide"),
        ({"name": "fourcast", "p": "7"}, "patch: does not divide"),
        ({"name": "gpt", "L": "2", "h": "8", "heads": "16", "seq": "4"}, "more heads than its hidden size"),
        ({"name": "gpt", "L": "5000", "h": "64", "heads": "16", "seq": "4"}, "no model: layers"),
        ({"name": "gpt", "h": "64", "heads": "16", "seq": "4"}, "as a transformer it has no L"),
        ({"kind": "decode", "arch": "[5000, 64, 2, 2, 64, 64]"}, "no model: layers"),
        ({"kind": "train", "name": "gpt", "arch": "[5, 64, 2, 2, 64, 64]"}, "as a transformer it has no L"),
    ],
)
def test_models_that_cannot_be_say_why(text, reason):
    assert reason in why_no_model(text)


def test_steps_of_the_caller_on_another_gpu(tmp_path):
    """What was timed on an H100 is faster on an H200, by no more than its memory; time, power and memory are graded apart."""
    path = tmp_path / "steps.jsonl"
    lines = [
        {
            "kind": "train",
            "name": row.text["name"],
            "s": row.value,
            **{k: v for k, v in row.text.items() if k not in ("s", "kind")},
        }
        for row in shipped_rows()
        if row.model == "train"
    ]
    lines.append({"kind": "train", "name": "resnet50-b128", "batch": 128, "s": 0.04, "power_w": "nan", "mem_gb": None})
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    old, left = grade_kernels(path, "h100-sxm")
    new, _ = grade_kernels(path, "h200-sxm")
    assert [len(old[kind].cases) for kind in ("train", "train-power", "train-memory")] == [14, 13, 13]
    assert [row.reason for row in left] == ["power_w is 'nan', no number from 0.001 to a million"]
    ratios = [fast.predicted / slow.predicted for fast, slow in zip(new["train"].cases, old["train"].cases, strict=True)]
    assert all(3.35 / 4.8 < ratio < 1 for ratio in ratios)
    assert old["train-power"].median_fraction < 0.05
    assert all(case.predicted <= 700 for case in new["train-power"].cases)
    assert {case.part for case in new["train"].cases} == {"steps.jsonl, h200-sxm-141gb"}
    told = old["train-memory"].as_data()["cases"][0]
    assert {"published_bytes", "predicted_bytes", "baseline_bytes"} < set(told)


def test_a_name_that_begins_several_gpus(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"kind": "mem", "op": "copy", "bytes": 8589934592, "s": 0.00284}\n', "utf-8")
    assert read_rows(path, "h100")[0][0].gpu == "h100-sxm-80gb"
    with pytest.raises(Problems, match="begins several accelerators; gh200-96gb, gh200-144gb"):
        grade_kernels(path, "gh200")
    assert set(grade_kernels(path)[0]) == set(MODELS)
    assert "h200-sxm-141gb" in read_catalogue().parts["accelerators"]


def test_kernels_of_the_caller_are_graded_and_the_rest_is_said(tmp_path):
    path = tmp_path / "mine.jsonl"
    lines = [
        '{"kind": "gemm", "dtype": "bf16", "m": 8192, "n": 8192, "k": 8192, "s": 0.00152}',
        '{"kind": "gemm", "dtype": "int7", "m": 8, "n": 8, "k": 8, "s": 1e-5}',
        '{"kind": "gemm", "dtype": "bf16", "m": -8, "n": 8, "k": 8, "s": 1e-5}',
        '{"kind": "gemm", "dtype": "bf16", "n": 8, "k": 8, "s": 1e-5}',
        '{"kind": "attn", "b": 4, "heads": 16, "s_len": 4096, "hd": 128, "fwd_s": 0.00054, "bwd_s": 0.0015}',
        '{"kind": "mem", "op": "copy", "bytes": 8589934592, "s": 0.00284}',
        '{"kind": "train", "name": "mine", "batch": 2, "s": 1.0}',
        '{"kind": "attn", "b": 4, "heads": 16, "s_len": 4096, "hd": 128.0, "fwd_s": 0.00054, "bwd_s": 0, "backend": "cudnn"}',
        '{"kind": "attn", "b": 4, "heads": 16, "s_len": 4096, "hd": 128, "fwd_s": 0.00054, "backend": "EFFICIENT_ATTENTION"}',
        '{"kind": "attn", "b": 4.0, "heads": 16, "s_len": 4096, "hd": 128.0, "fwd_s": 0.00054, "backend": "cudnn", "causal": 1}',
        '{"kind": "pcie", "op": "h2d", "s": 1.0}',
        '{"kind": "decode", "arch": [32, 4096, 0, 8, 14336, 128256], "batch": 1, "ctx": 512, "s": 0.007}',
        '{"kind": "decode", "arch": "llama", "batch": 1, "ctx": 512, "s": 0.007}',
        '{"kind": "decode", "arch": [32, 4096, 32, 8, 14336, 128256], "batch": 8, "ctx": 2048, "s": 0.00761}',
        "",
    ]
    path.write_text("\n".join(lines), "utf-8")
    found, left = grade_kernels(path)
    assert [len(found[kind].cases) for kind in ("gemm", "attention", "memory")] == [1, 3, 1]
    assert all(abs(case.error_fraction) < 0.15 for entry in found.values() for case in entry.cases)
    reasons = [row.reason for row in left]
    assert len(found["decode"].cases) == 1
    assert len(reasons) == 9
    assert any("no model of kind 'pcie'" in reason for reason in reasons)
    assert any(reason.startswith("mine is no model that is known by name") for reason in reasons)
    assert any("m is '-8', no whole number from 1" in reason for reason in reasons)
    assert any(reason == "no m" for reason in reasons)
    faster = grade_kernels(path, "h200-sxm-141gb")[0]["memory"].cases[0]
    assert faster.predicted < found["memory"].cases[0].predicted
    with pytest.raises(UnknownName):
        grade_kernels(path, "h300")
    renamed = tmp_path / "aiconfigurator.jsonl"
    renamed.write_text(path.read_text("utf-8"), "utf-8")
    assert grade_kernels(renamed)[0]["gemm"].cases[0].predicted == found["gemm"].cases[0].predicted
    path.write_text("{\n[]\n", "utf-8")
    with pytest.raises(Problems) as error:
        grade_kernels(path)
    assert len(error.value.problems) == 2
