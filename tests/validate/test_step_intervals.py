"""Intervals of training steps: classes by what is known, and that they hold of sources left out."""

from dataclasses import replace

import pytest
from support.scripts import module_of

import terp.validate
from terp.catalogue import Accelerator, read_catalogue
from terp.physics.intervals import Interval
from terp.physics.uncertainty import StepClass, StepIntervals, features_of, likely_step, step_class, step_intervals
from terp.physics.uncertainty.step_intervals import GradedSoftware
from terp.validate.grading.grade import LEAST_INSIDE_FRACTION, MOST_INSIDE_FRACTION
from terp.validate.steps.training_cases import class_of, predict_row
from terp.validate.steps.training_grades import all_rows, shipped_rows

GRADED = GradedSoftware(("precision bf16", "tensor", "pipeline"), 512)
INTERVALS = StepIntervals(
    16_384,
    ("h100-sxm-80gb",),
    {"megatron-2024": {"hopper": GRADED}},
    {"any": Interval(0.5, 2.0)},
    {"any": Interval(0.6, 1.5)},
)


@pytest.fixture(scope="module")
def a_row():
    rows = (row for row in shipped_rows() if row.software == "megatron-2024" and row.part == "h100-sxm-80gb")
    return next(
        row for row in rows if features_of(row.strategies[0], row.work) <= set(GRADED.features) and row.gpus_count <= 512
    )


def test_each_fact_that_no_row_to_fit_holds_is_told(a_row):
    first = a_row.strategies[0]
    assert class_of(a_row, INTERVALS) == StepClass((), "")
    assert class_of(replace(a_row, part="mi300x"), INTERVALS).new == ("chip",)
    assert class_of(replace(a_row, software="jax-2024"), INTERVALS).new == ("software",)
    assert class_of(replace(a_row, nearest=True), INTERVALS).new == ("software",)
    for changed in ({"precision": "fp8"}, {"zero_count": 3}, {"states": "bf16"}, {"context_count": 2}):
        other = replace(a_row, strategies=(replace(first, **changed),))
        assert class_of(other, INTERVALS).new == ("recipe",), changed
    large = replace(a_row, strategies=(replace(first, gpus_count=1024),))
    assert class_of(large, INTERVALS).new == ("scale",)
    lora = replace(a_row, nearest=True, strategies=(replace(first, adapters=True),))
    assert class_of(lora, INTERVALS).name == "software and recipe not graded, adapters"


def test_software_is_graded_on_the_architectures_of_its_rows_alone(a_row):
    blackwell = step_class(INTERVALS, "b200", "blackwell", "megatron-2024", a_row.strategies[0], a_row.work)
    assert blackwell.new == ("chip", "software")


def test_a_class_that_is_not_there_takes_the_one_that_it_belongs_to():
    known = StepClass(("chip", "scale"), "experts")
    wide, narrow = Interval(0.5, 2.0), Interval(0.8, 1.2)
    with_any = replace(INTERVALS, step={"any": wide})
    assert with_any.of_step(known) == wide
    assert replace(with_any, step={"any": wide, "any software graded, experts": narrow}).of_step(known) == narrow
    assert replace(with_any, step={"any": wide, known.name: narrow}).of_step(known) == narrow


def test_all_classes_of_shipped_rows_have_ends_around_the_prediction():
    for row in all_rows():
        known = class_of(row)
        for ends in (step_intervals().of_step(known), step_intervals().of_memory(known)):
            assert 0.2 <= ends.low_ratio <= 1 <= ends.high_ratio <= 4, known.name


def test_what_rows_to_fit_hold_is_what_the_catalogue_says():
    """Run scripts/fit_step_intervals.py --write after a change of the rows, their reading or the split."""
    fits = module_of("fit_step_intervals")
    chips, software = fits.seen_of([row for row in all_rows() if row.step_s and fits.is_for_fitting(row)])
    assert (chips, software) == (
        step_intervals().chips,
        {name: dict(of_name) for name, of_name in step_intervals().software.items()},
    )


def test_quantiles_by_weight():
    fits = module_of("fit_step_intervals")
    values, even = fits.np.arange(101.0), fits.np.ones(101)
    assert fits.quantile(values, even, 0.5) == pytest.approx(50)
    assert fits.quantile(values, even, 0.95) == pytest.approx(95.5, abs=1)
    assert fits.quantile(values, fits.np.where(values < 10, 1.0, 0.0), 0.5) == pytest.approx(4.5, abs=0.6)


def test_a_class_of_few_sources_is_near_the_one_that_it_belongs_to():
    """One source is a third of its class's interval; ten are nearly all of it."""
    fits = module_of("fit_step_intervals")
    wide, off = StepClass((), ""), StepClass(("software",), "")

    def ends(count):
        rows = [fits.Residual(f"s{n}", "r", wide, 0.0, None) for n in range(10)]
        rows += [fits.Residual(f"t{n}", "r", off, 1.0, None) for n in range(count)]
        mixed = fits.mixture(rows, fits.weights(rows), off.names)
        return float(mixed[10:].sum())

    assert ends(1) < ends(3) < ends(10)
    assert ends(10) > 0.9


@pytest.mark.slow  # every source predicted without it: twenty seconds
def test_the_interval_holds_for_sources_left_out():
    fits = module_of("fit_step_intervals")
    residuals, _, _ = fits.residuals_of_all()
    for quantity in ("step",):
        _, inside = fits.fitted_intervals(residuals, quantity)
        assert LEAST_INSIDE_FRACTION <= fits.held_fraction(inside) <= MOST_INSIDE_FRACTION


def test_cases_and_sources_have_their_interval_in_the_document():
    document = terp.validate.training().to_dict()
    case = next(case for case in document["cases"] if case["published_s"])
    assert case["low_s"] < case["predicted_s"] < case["high_s"]
    assert case["class"]
    assert case["inside"] is (case["low_s"] <= case["published_s"] <= case["high_s"])
    assert 0 < document["inside_fraction"] <= 1
    assert document["median_width_ratio"] > 1
    assert all(group["graded"] for group in document["groups"].values())
    assert sum(document["refused"].values()) == len(document["skipped"])


def test_the_interval_of_a_case_is_that_of_its_class():
    row = next(row for row in all_rows() if row.step_s)
    case = predict_row(row)
    ends = step_intervals().of_step(case.known)
    assert case.low_s == pytest.approx(case.step_s * ends.low_ratio)
    assert case.high_s == pytest.approx(case.step_s * ends.high_ratio)


@pytest.mark.parametrize("part", ["mi250x", "mi300x", "mi325x", "mi355x", "mi455x"])
def test_makers_of_whom_no_step_is_known_have_a_wider_interval(part):
    """What steps on AMD's GPUs take nobody told us: their ends lie further apart than those of an H100 of the same class."""
    chips = [read_catalogue().part(Accelerator, name) for name in (part, "h100-sxm-80gb")]
    known = StepClass(("chip",), "")
    theirs, ours = (likely_step(chip, known) for chip in chips)
    assert theirs.low_ratio < ours.low_ratio
    assert theirs.high_ratio / theirs.low_ratio > 1.3 * ours.high_ratio / ours.low_ratio
