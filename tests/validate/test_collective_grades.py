"""The grade of collectives: held-out rows, the caller's own, and cells that say nothing."""

import numpy as np
import pytest

from terp.errors import Problems
from terp.validate.chips.collective_grades import grade_collectives, is_for_fitting, shipped_rows

HEAD = "collective,gpu,gpus,nodes,inter,library,algo,size_bytes,time_us,busbw_gb_s\n"


@pytest.fixture(scope="module")
def grade():
    return grade_collectives()


def errors_of(grade, *words):
    return np.abs([case.error_fraction for case in grade.cases if all(word in case.part for word in words)])


def test_it_has_not_worsened_and_beats_its_baseline(grade):
    assert not grade.worsened, f"median {grade.median_fraction:.4f}, held {grade.limits.held_fraction}"
    assert grade.missed == ()
    assert grade.median_fraction < 0.2 * grade.baseline_fraction
    assert 0.80 <= grade.inside_fraction <= 0.95
    assert set(grade.by_class) == {"over links", "across nodes"}
    assert len(grade.constants) == 10


def test_nothing_across_nodes_is_fitted_and_no_fitted_row_is_graded(grade):
    rows, _ = shipped_rows()
    fitted = [row for row in rows if is_for_fitting(row)]
    assert len(fitted) == grade.fitted_count == len(rows) - len(grade.cases)
    assert {row.text["source"] for row in fitted} == {"aiconfigurator"}
    assert all(row.inside_count == row.ranks_count for row in fitted)


@pytest.mark.parametrize("gpu", ["h100-sxm-80gb", "h200-sxm-141gb", "a100-sxm-80gb", "b200-sxm-180gb", "gb200", "gb300"])
def test_in_a_node_every_chip_is_within_15_percent_in_the_median(grade, gpu):
    assert np.median(errors_of(grade, f", {gpu},", ", 1 node")) < 0.15


@pytest.mark.parametrize("kind", ["all_reduce", "all_gather", "reduce_scatter", "all_to_all"])
def test_in_a_node_every_collective_is_within_10_percent_in_the_median(grade, kind):
    assert np.median(errors_of(grade, f"{kind},", ", 1 node")) < 0.10


def test_large_messages_across_nodes(grade):
    rows = [row for row in shipped_rows()[0] if not is_for_fitting(row)]
    errors = [
        abs(case.error_fraction)
        for row, case in zip(rows, grade.cases, strict=True)
        if row.inside_count < row.ranks_count and row.size_bytes >= 2**24
    ]
    assert len(errors) == 20
    assert np.median(errors) < 0.15


def test_rows_of_the_caller_are_graded_and_the_rest_is_said(tmp_path):
    path = tmp_path / "mine.csv"
    lines = [
        "all_reduce,H100 80GB HBM3 SXM,8,1,,nccl-tests,,536870912,2151.0,436.79",
        "all_gather,NVIDIA H200,16,2,8x 400 Gb/s IB,nccl-tests,,1073741824,,340",
        "all_reduce,H100,16,2,NDR,nccl-tests,,1024,30,",
        "all_reduce,V100,8,1,,,,1024,30,",
        "broadcast,H100,8,1,,,,1024,30,",
        "all_reduce,H100,8,1,,,,-3,30,",
        "all_reduce,H100,8,1,,,,1024,fast,",
        "all_reduce,H100,8,1,,,,1024,,",
        "all_reduce,H100,8,3,,,,1024,30,",
        "all_reduce,H100,16,2,8x 400,,NVLSTree,1024,30,",
        "all_to_all,H100,8,1,,,,512,99,",
        "all_to_all,H100,8,1,,,,1024,8,",
        "all_to_all,H100,,1,,,,1024,8,",
        "",
    ]
    path.write_text(HEAD + "\n".join(lines), "utf-8")
    grade = grade_collectives(path)
    assert [case.part for case in grade.cases] == [
        "all_reduce, h100-sxm-80gb, 1 node",
        "all_gather, h200-sxm-141gb, 2 nodes",
        "all_to_all, h100-sxm-80gb, 1 node",
    ]
    assert all(abs(case.error_fraction) < 0.3 for case in grade.cases)
    reasons = [row.reason for row in grade.skipped]
    assert [row.name.split(",")[0] for row in grade.skipped] == [
        f"line {number}" for number in (4, 5, 6, 7, 8, 9, 10, 11, 12, 14)
    ]
    for reason, words in zip(
        reasons,
        ("ports is not said", "no GPU", "no collective", "size_bytes is '-3'", "time_us is 'fast'", "neither", "do not divide",
         "forced", "longer message", "no gpus"),
        strict=True,
    ):  # fmt: skip
        assert words in reason


def test_pytorch_waits_for_its_launch(tmp_path):
    path = tmp_path / "torch.csv"
    path.write_text(
        HEAD + "all_reduce,H100,8,1,,torch.distributed,,1024,35,\nall_reduce,H100,8,1,,nccl-tests,,1024,16,\n", "utf-8"
    )
    torch, plain = (case.predicted for case in grade_collectives(path).cases)
    assert torch == pytest.approx(plain + 17.3e-6)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "missing column"),
        (HEAD, "no rows"),
        (HEAD + "all_reduce,H100\n", "2 values under 10 columns"),
        (HEAD.replace("algo", "inter") + "a,b,c,d,e,f,g,h,i,j\n", "stands twice"),
        (HEAD + '"', "not CSV"),
    ],
)
def test_files_that_are_no_table_are_refused(tmp_path, text, wrong):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(Problems, match=wrong):
        grade_collectives(path)
