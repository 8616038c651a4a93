"""The framework that grades models, and the grades that a change may not worsen."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from terp.catalogue import constants, read_catalogue, with_constants
from terp.errors import Problems, UnknownName
from terp.physics import interval_of
from terp.physics.benchmark.hpl import HplConstants, predict_hpl
from terp.validate import Grade, GradedCase
from terp.validate.grading.cases import ErrorLimits, expected, published_file
from terp.validate.grading.csv_table import KNOWN, read_rows, rows_of
from terp.validate.grading.left_out import intervals_of
from terp.validate.grading.published_rows import Built, Unbuilt, build_row
from terp.validate.grading.split import FOLDS_COUNT, fold_of, group_of
from terp.validate.systems.benchmark_folds import with_fold
from terp.validate.systems.benchmark_grades import for_fitting, grade, models
from terp.views.text.error_text import as_text

HEAD = "name,accelerator,gpus_est,processor,interconnect,rmax_tflops,nmax,rpeak_tflops,cpu_cores,cores_per_socket\n"
GOOD = 'One,NVIDIA H100,1024,Xeon 8480C 56C,"Infiniband NDR400",45000,3000000,68000,14336,56\n'


LIMITS = ErrorLimits(bar_fraction=0.05, held_fraction=0.05, step_fraction=0.01, reason="a test")


def built(line=GOOD):
    return build_row(rows_of(HEAD + line, "x.csv")[0], read_catalogue())


@pytest.mark.parametrize("model", models())
def test_no_median_has_worsened_by_more_than_its_step(model):
    """CI fails here if a change makes a model worse; `held` moves only in a commit that says why."""
    found = grade(model)
    assert not found.worsened, f"median {found.median_fraction:.3f}, held {found.limits.held_fraction}"
    assert len(found.cases) + found.fitted_count + len(found.skipped) == found.rows_count


def test_hpl_beats_its_baseline_where_groups_are_left_out_on_small_machines_and_large():
    """In the median and at 90 %, on all, and on machines below and above 100 GPUs apart."""
    found = grade("hpl")
    assert found.missed == ()
    assert found.median_fraction <= 0.055
    assert found.p90_fraction <= 0.22
    assert len(found.cases) >= 150
    assert len(found.by_scale) == 2
    large, small = found.by_scale["100 GPUs and more"], found.by_scale["below 100 GPUs"]
    for errors in (found, large, small):
        assert errors.median_fraction < 0.8 * errors.baseline_fraction
    for errors in (found, large):
        assert errors.p90_fraction < errors.baseline_p90_fraction
    assert small.p90_fraction <= 0.22


@pytest.mark.parametrize("model", models())
def test_intervals_hold_on_groups_left_out(model):
    """Of a 90 % interval between 80 and 95 % of the rows are inside, each given by other groups alone; none beats its baseline by luck."""
    found = grade(model)
    assert 0.80 <= found.inside_fraction <= 0.95
    assert found.median_fraction < found.baseline_fraction
    assert all(case.low < case.predicted < case.high for case in found.cases)
    assert all(case.class_name and case.group for case in found.cases)


def test_intervals_are_no_wider_than_they_were():
    assert grade("hpl").median_width_ratio < 1.6
    assert grade("hpl").by_class["NVIDIA's own nodes"].median_width_ratio < 1.3
    assert grade("hpl-power").median_width_ratio < 2.1
    assert grade("hpcg").median_width_ratio < 2.4


@pytest.mark.parametrize("model", models())
def test_the_catalogue_has_the_intervals_of_all_groups_left_out(model):
    """What predictions are given is what the residuals of the grade make, to the three digits that the file has."""
    for name, interval in intervals_of(grade(model).cases, tuned=model == "hpl").items():
        held = interval_of(model, name)
        assert held.low_ratio == pytest.approx(interval.low_ratio, rel=0.01)
        assert held.high_ratio == pytest.approx(interval.high_ratio, rel=0.01)
        assert (held.reach_ratio or 0) == pytest.approx(interval.reach_ratio or 0, rel=0.01)


def test_no_row_is_graded_by_constants_that_saw_its_group():
    """Each fold's constants are a minimum on the rows outside it, so that a step either way makes them no better there."""
    rows = for_fitting("hpl")
    assert {fold_of(group_of(row)) for row in rows} == set(range(FOLDS_COUNT))
    for fold in (0, 5):
        fit = [row for row in rows if fold_of(group_of(row)) != fold]

        def loss(fit=fit):
            ratio = [predict_hpl(row.system).rmax_flop_per_s / (row.row.number("rmax_tflops") * 1e12) for row in fit]
            return np.mean(np.sqrt(np.log(ratio) ** 2 + 0.02**2))

        with with_fold(fold):
            best, kept = loss(), constants(HplConstants)
        assert kept.network_fraction != constants(HplConstants).network_fraction
        for step in (0.8, 1.25):
            with with_fold(fold), with_constants(replace(kept, network_fraction=kept.network_fraction * step)):
                assert loss() > best


def test_constants_are_those_that_the_fit_finds():
    """The fitted constants are a minimum on all rows that list a matrix: a step either way makes them no better."""
    fit = for_fitting("hpl")

    def loss():
        ratio = [predict_hpl(case.system).rmax_flop_per_s / (case.row.number("rmax_tflops") * 1e12) for case in fit]
        return np.mean(np.sqrt(np.log(ratio) ** 2 + 0.02**2))

    best, kept = loss(), constants(HplConstants)
    for step in (0.8, 1.25):
        with with_constants(replace(kept, network_fraction=kept.network_fraction * step)):
            assert loss() > best


def test_machines_of_lists_without_a_matrix_are_graded_and_never_fitted_to():
    """29 machines of the HPCG and HPL-MxP lists, Blackwell among them, and one node of Rikyu, which is no run of 400."""
    listed = [row for row in read_rows(published_file("top500", "table.csv")) if "list of" in row.text["source"]]
    fitted = {case.row.name for case in for_fitting("hpl")}
    assert len(listed) == 29
    assert not {"LUMI", "El Capitan", "CHIE-4", "Rikyu, one node"} & fitted
    cases = {case.name: case for case in grade("hpl").cases}
    assert abs(cases["Rikyu, one node"].error_fraction) < 0.05
    assert cases["Rikyu, one node"].published == pytest.approx(149.075e12)
    blackwell = [case for case in cases.values() if case.part == "b200-sxm-180gb"]
    assert len(blackwell) == 5
    assert max(abs(case.error_fraction) for case in blackwell) < 0.08


def test_a_grade_adds_up_by_hand():
    cases = tuple(
        GradedCase(str(number), "x", 100.0, predicted, baseline, {})
        for number, (predicted, baseline) in enumerate([(110, 120), (95, None), (100, 90), (130, 100), (98, 100)])
    )
    found = Grade(cases, "m", "q", "w", 5, 0, (), (), LIMITS)
    assert found.median_fraction == pytest.approx(0.05)
    assert found.bias_fraction == pytest.approx(0.0)
    assert found.p90_fraction == pytest.approx(0.22)
    assert found.baseline_fraction == pytest.approx(0.05)
    assert found.worst.name == "3"
    assert not found.worsened
    assert found.missed == ("median", "baseline")
    empty = Grade((), "m", "q", "w", 0, 0, (), (), LIMITS)
    assert empty.median_fraction is None
    assert empty.worsened


def test_a_row_becomes_a_machine():
    case = built()
    assert case.part == "h100-sxm-80gb"
    assert (case.system.gpus_count, case.system.gpus_per_node_count) == (1024, 8)
    assert case.system.network_bytes_per_s == pytest.approx(5e10)
    assert case.system.n_count == 3_000_000
    assert case.known == {
        "accelerator": "stated", "gpus": "inferred", "gpus_per_node": "inferred", "nmax": "stated", "ports": "inferred"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "part", "per_node", "network"),
    [
        ("A,NVIDIA A100,100,EPYC,Infiniband HDR,1300,600000,,,", "a100-sxm-40gb", 8, 2.5e10),
        ("A,NVIDIA A100,100,EPYC,Infiniband HDR,1300,1000000,,,", "a100-sxm-80gb", 8, 2.5e10),
        ("A,NVIDIA GH200 Superchip,96,Grace,Quad-Rail NVIDIA InfiniBand NDR200,4500,,,6912,72", "gh200-96gb", 4, 2.5e10),
        ("A,AMD Instinct MI250X,512,EPYC,Slingshot-11,19000,,,8192,64", "mi250x", 4, 2.5e10),
        ("A,NVIDIA H100 SXM5 80GB,56,Xeon,Octo-rail NVIDIA HDR100 Infiniband,2700,,,784,56", "h100-sxm-80gb", 8, 5e10),
        ("A,Nvidia H100 SXM5 94Gb,96,EPYC,Infiniband NDR,3900,,,1536,32", "h100-sxm-94gb", 4, 2.5e10),
        ("A,NVIDIA B200,504,Xeon,Infiniband NDR400,17000,,,7056,56", "b200-sxm-180gb", 8, 5e10),
    ],
)
def test_what_a_row_says_is_read(line, part, per_node, network):
    case = built(line + "\n")
    assert isinstance(case, Built), case
    assert (case.part, case.system.gpus_per_node_count) == (part, per_node)
    assert case.system.network_bytes_per_s == pytest.approx(network)


def test_a_run_on_part_of_a_machine_is_built_of_what_ran():
    """JUPITER's list has all 23,536 superchips, and the note says that 18,600 ran: no node without GPUs took part."""
    [row] = [row for row in read_rows(published_file("top500", "table.csv")) if row.text["system_id"] == "180357"]
    case = build_row(row, read_catalogue())
    assert isinstance(case, Built), case
    assert (case.system.gpus_count, case.system.gpus_per_node_count) == (18_600, 4)
    assert case.known["gpus"] == "stated in the note"
    assert predict_hpl(case.system).rmax_flop_per_s == pytest.approx(793.4e15, rel=0.10)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A,Vector Engine Type20B,100,x,x,100,,,,", "no accelerator 'Vector Engine Type20B' in the catalogue"),
        ("A,NVIDIA H100/H200,100,x,x,100,,,,", "no accelerator 'NVIDIA H100/H200' in the catalogue"),
        ("A,NVIDIA H100,,x,x,100,,,,", "no number of GPUs"),
        ("A,NVIDIA H100,100,x,x,,,,,", "no Rmax"),
        ("A,NVIDIA H100,100,x,x,n/a,,,,", "rmax_tflops is 'n/a', no number from 0.001 to 1e+09"),
        ("A,NVIDIA H100,100,x,x,-4,,,,", "rmax_tflops is '-4'"),
        ("A,NVIDIA H100,100,x,x,1e300,,,,", "rmax_tflops is '1e300'"),
        ("A,NVIDIA H100,1e300,x,x,100,,,,", "gpus_est is '1e300', no number from 1 to 1e+07"),
        ("A,NVIDIA H100 NVL 94GB,100,x,x,100,,,,", "no accelerator 'NVIDIA H100 NVL 94GB'"),
        ("A,NVIDIA A100X,100,x,x,100,,,,", "no accelerator 'NVIDIA A100X'"),
        ("A,NVIDIA H100,100,x,x,2000,,2300,,", "the GPUs are miscounted"),
        ("A,NVIDIA H100,100,x,x,2000,1300000,,,", "a run from host memory"),
        ("A,NVIDIA H100,100,x,x,2000,,,12800,64", "0.50 GPUs a host processor: nodes without GPUs took part"),
    ],
)
def test_a_row_that_no_machine_can_be_built_from_says_why(line, reason):
    case = built(line + "\n")
    assert isinstance(case, Unbuilt)
    assert reason in case.reason


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("A,NVIDIA H100,100,x,x,4000,abc,,,", "nmax"),
        ("A,NVIDIA H100,100,x,x,4000,1e200,,,", "nmax"),
        ("A,NVIDIA H100,100,x,x,4000,0.5,,,", "nmax"),
        ("A,NVIDIA H100,100,x,x,4000,,-3,,", "rpeak_tflops"),
        ("A,NVIDIA H100,100,x,x,4000,,,1e-300,1e300", "cores_per_socket"),
    ],
)
def test_other_cells_without_a_number_are_left_aside_and_said(line, column):
    case = built(line + "\n")
    assert isinstance(case, Built)
    assert "left aside" in case.known[column]
    assert case.system.n_count is None


def test_a_year_that_is_none_is_left_aside_and_said():
    row = rows_of(HEAD.replace("nmax", "year") + "A,NVIDIA A100,100,x,x,1300,20x4,,,\n", "x.csv")[0]
    case = build_row(row, read_catalogue())
    assert isinstance(case, Built)
    assert case.system.year is None
    assert "left aside: year is '20x4'" in case.known["year"]


def test_vendors_and_host_processors_tell_the_makers_own_nodes():
    head = HEAD.replace("nmax", "vendor")
    for line, own in (
        ("A,NVIDIA H100,256,Xeon Platinum 8480C 56C 2GHz,NDR400,11000,HPE,,,", True),
        ("A,NVIDIA H100,256,Xeon Platinum 8468 48C 2.1GHz,NDR400,11000,Nvidia,,,", True),
        ("A,NVIDIA H100,256,Xeon Platinum 8480C 48C 2GHz,NDR400,11000,Microsoft Azure,,,", False),
        ("A,NVIDIA H100,256,Xeon Platinum 8468 48C 2.1GHz,NDR400,11000,Dell,,,", False),
    ):
        case = build_row(rows_of(head + line + "\n", "x.csv")[0], read_catalogue())
        assert case.system.reference is own, line


def test_a_table_without_the_quantity_is_a_problem_and_a_row_without_it_is_counted(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + GOOD, "utf-8")
    with pytest.raises(Problems, match="power_kw: missing column"):
        grade("hpl-power", path)
    path.write_text(
        HEAD.replace("nmax", "power_kw") + GOOD + "Two,NVIDIA H100,8,x,x,300,1e-320,,,\nThree,NVIDIA H100,8,x,x,300,,,,\n",
        "utf-8",
    )
    found = grade("hpl-power", path)
    assert found.rows_count == 3
    assert [row.name for row in found.skipped] == ["Two", "Three"]


def test_an_order_with_a_digit_too_many_is_left_aside():
    case = built("A,NVIDIA H100,512,x,x,21460,19660880,,,\n")
    assert case.system.n_count is None
    assert "does not fit" in case.known["nmax"]


def test_a_table_of_the_caller_is_graded_whole(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + GOOD + "Two,NVIDIA K80,8,x,x,50,,,,\n", "utf-8")
    found = grade("hpl", path).as_data()
    assert (found["n"], found["graded"]) == (2, 1)
    assert found["skipped"] == [{"name": "Two", "reason": "no accelerator 'NVIDIA K80' in the catalogue"}]
    assert found["cases"][0]["fitted"] is False
    assert found["cases"][0]["published_flop_per_s"] == 45e15
    assert found["cases"][0]["class"] == "others' nodes of NVIDIA GPUs"
    assert (
        found["cases"][0]["low_flop_per_s"]
        < found["cases"][0]["predicted_flop_per_s"]
        < found["cases"][0]["high_flop_per_s"]
    )
    assert found["inside_fraction"] == 1.0
    assert found["median_width_ratio"] == pytest.approx(
        found["cases"][0]["high_flop_per_s"] / found["cases"][0]["low_flop_per_s"]
    )


def test_rows_that_constants_were_fitted_to_are_marked_in_a_table_of_the_caller():
    found = grade("hpl", published_file("top500", "table.csv"))
    assert found.fitted_count == len(for_fitting("hpl"))
    assert sum(case.fitted for case in found.cases) == found.fitted_count
    assert grade("hpl").fitted_count == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (HEAD, "x.csv:2:1: no rows under the column names"),
        ("name,accelerator\n", "x.csv:1:1: gpus_est: missing column"),
        (HEAD.replace("nmax", "nmx") + GOOD, "x.csv:1:1: nmx: strange column, found 'nmx'; did you mean 'nmax'?"),
        (HEAD.replace("nmax", "name") + GOOD, "x.csv:1:1: name: this column stands twice"),
        (HEAD + "a,b\n", "x.csv:2:1: 2 values under 10 columns"),
        (HEAD + '"a', "not CSV"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(text, says):
    with pytest.raises(Problems) as error:
        rows_of(text, "x.csv")
    assert says in str(error.value)


def test_all_mistakes_of_a_head_come_at_once():
    with pytest.raises(Problems) as error:
        rows_of("nme,accelerator,gpus,processor,interconnect,rmax_tflops\n", "x.csv")
    assert len(error.value.problems) == 4


def test_the_shipped_table_is_as_printed():
    text = published_file("top500", "table.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 166
    assert set(rows[0]) <= set(KNOWN)
    [gefion] = [row for row in rows if row["name"] == "Gefion"]
    assert (gefion["rmax_tflops"], gefion["nmax"], gefion["power_kw"]) == ("66590.0", "3648000.0", "1753.2")


def test_unknown_models_and_expectations():
    with pytest.raises(UnknownName, match="no model to validate 'hlp'; did you mean 'hpl'"):
        grade("hlp")
    with pytest.raises(UnknownName):
        expected("top500", "weather")


def interval_case(name, published, low, high, class_name="known", group="a"):
    return GradedCase(name, "x", published, 100.0, None, {}, low=low, high=high, class_name=class_name, group=group)


def test_coverage_and_width_add_up_by_hand():
    cases = (
        interval_case("in", 100.0, 80.0, 120.0),
        interval_case("on its end", 50.0, 50.0, 200.0, "chip not seen", "b"),
        interval_case("out", 130.0, 80.0, 120.0),
        GradedCase("without", "x", 100.0, 101.0, None, {}),
    )
    found = Grade(cases, "m", "q", "w", 4, 0, (), (), LIMITS)
    assert found.inside_fraction == pytest.approx(2 / 3)
    assert found.median_width_ratio == pytest.approx(1.5)
    assert [case.inside for case in cases] == [True, True, False, None]
    assert "inside" in found.missed
    assert {name: len(errors.cases) for name, errors in found.by_class.items()} == {"chip not seen": 1, "known": 2}
    assert found.by_group["a"].inside_fraction == 0.5
    data = found.as_data()
    assert data["by_group"]["b"]["median_width_ratio"] == pytest.approx(4.0)
    assert (data["cases"][1]["low_w"], data["cases"][1]["high_w"], data["cases"][1]["class"]) == (
        50.0,
        200.0,
        "chip not seen",
    )
    assert data["cases"][3]["low_w"] is None
    none = Grade(cases[3:], "m", "q", "w", 1, 0, (), (), LIMITS)
    assert none.inside_fraction is None
    assert none.median_width_ratio is None
    assert "inside" not in none.missed


@pytest.mark.parametrize(("low", "high"), [(1.0, None), (None, 1.0), (2.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_an_interval_that_is_none_is_refused(low, high):
    with pytest.raises(ValueError, match="interval"):
        interval_case("odd", 1.0, low, high)


def test_the_text_says_coverage_and_width_by_class_and_by_group():
    cases = (interval_case("one", 100.0, 80.0, 120.0), interval_case("two", 300.0, 50.0, 200.0, "chip not seen", "b"))
    text = as_text(Grade(cases, "m", "q", "w", 2, 0, (), (), LIMITS))
    assert "inside  width" in text.splitlines()[0]
    assert "inside x0.80 to x1.20, known" in text
    assert "outside x0.50 to x2.00, chip not seen" in text
    assert [line.split()[:2] for line in text.splitlines() if line.startswith(("  a ", "  b "))] == [["a", "1"], ["b", "1"]]
