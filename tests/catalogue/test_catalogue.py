"""The catalogue checks itself: sources used and known, numbers that must agree with each other, series that are whole."""

import re
from pathlib import Path

import numpy as np
import pytest

from terp.catalogue import (
    HOURS_COUNT,
    STATES,
    TYPES,
    Accelerator,
    Node,
    constant_notes,
    hourly,
    job_profiles,
    job_table,
    published_jobs,
    read_prices,
    series_names,
)
from terp.catalogue.read.constants import FILES as CONSTANT_FILES
from terp.catalogue.read.parts import FAMILIES
from terp.describe import read_machine, read_model, read_site, read_workload, shipped_names
from terp.reader import STATUSES

ROOT = Path(__file__).parents[2]
SHIPPED = [
    (read, name)
    for kind, read in (
        ("machines", read_machine),
        ("sites", read_site),
        ("workloads", read_workload),
        ("models", read_model),
    )
    for name in shipped_names(kind)
]


def test_every_number_of_every_part_has_a_source_or_is_assumed_with_a_range(catalogue):
    for family, parts in catalogue.parts.items():
        for name, part in parts.items():
            for field, value in part:
                if isinstance(value, int | float) and field in part.model_fields_set:
                    key = f"{family}.{name}.{type(part).model_fields[field].alias}"
                    entry = catalogue.provenance.get(key)
                    assert entry is not None, key
                    assert entry.status in STATUSES
                    assert entry.source or (entry.status == "assumed" and entry.range_text), key


def test_every_source_is_used_and_known(catalogue):
    used = {entry.source for entry in catalogue.provenance.values() if entry.source}
    for read, name in SHIPPED:
        used |= {entry.source for entry in read(name).provenance.values() if entry.source}
    used |= {entry.source for entry in read_prices().provenance.values() if entry.source}
    used |= {hourly(name).entry.origin for name in series_names()}
    used |= {note.source for file in CONSTANT_FILES for note in constant_notes(file) if note.source}
    assert used - set(catalogue.sources) == set()
    read = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs" / "theory").glob("*.md"), *(ROOT / "scripts").glob("*.py")]
    read += [*(ROOT / "budgets").glob("*.yaml"), *(ROOT / "sites").glob("*.yaml"), *(ROOT / "validation").rglob("*.yaml")]
    words = set(re.findall(r"[a-z0-9][a-z0-9.-]+", " ".join(path.read_text("utf-8") for path in read)))
    assert {key for key in set(catalogue.sources) - used if key not in words} == set(), "cited nowhere"


@pytest.mark.parametrize(("read", "name"), SHIPPED)
def test_shipped_files_read(read, name):
    assert read(name).record.name == name


def test_ranges_of_parts_hold_their_values(catalogue):
    from terp.reader.fields import dimension_of, written_name
    from terp.units import parse_range

    checked = 0
    for family, parts in catalogue.parts.items():
        for name, part in parts.items():
            for field, value in part:
                entry = catalogue.provenance.get(f"{family}.{name}.{written_name(field)}")
                if entry and entry.range_text and isinstance(value, int | float):
                    low, high = parse_range(entry.range_text, dimension_of(field))
                    assert low <= value <= high, f"{name}.{field}"
                    checked += 1
    assert checked >= 15


def test_memory_of_a_dgx_adds_up(catalogue):
    node, gpu = catalogue.part(Node, "dgx-h100"), catalogue.part(Accelerator, "h100-sxm-80gb")
    assert node.accelerators_count * gpu.memory_bytes == 640e9


def test_peak_is_multiprocessors_times_clock_times_operations(catalogue):
    """FP64 tensor: 132 x 1.98 GHz x 256 operations a clock (128 fused multiply-adds), within a percent."""
    gpu = catalogue.part(Accelerator, "h100-sxm-80gb")
    assert gpu.sms_count * gpu.boost_clock_hz * 256 == pytest.approx(gpu.peak_flop_per_s["fp64-tensor"], rel=0.01)


def test_peaks_double_with_each_halving_of_precision(catalogue):
    peak = catalogue.part(Accelerator, "h100-sxm-80gb").peak_flop_per_s
    for wide, narrow in (("tf32", "bf16"), ("bf16", "fp8"), ("fp64", "fp64-tensor")):
        assert peak[narrow] / peak[wide] == pytest.approx(2, rel=0.01)


def test_a_node_is_rated_above_its_gpus_and_all_that_was_measured_of_it(catalogue):
    measured = 0
    for node in catalogue.parts["nodes"].values():
        gpu = catalogue.part(Accelerator, node.accelerator)
        assert node.accelerators_count * gpu.board_power_w < node.rated_power_w
        if node.full_power_w is not None:
            assert node.down_power_w <= node.idle_power_w < node.busy_power_w < node.full_power_w
            assert node.full_power_w + node.full_fan_power_w <= node.rated_power_w
            measured += 1
    assert measured >= 2


@pytest.mark.parametrize("name", series_names())
def test_series_are_whole_and_within_their_bounds(name):
    series = hourly(name)
    assert series.values.size == HOURS_COUNT
    assert np.isfinite(series.values).all()
    assert series.entry.low_ratio <= series.values.min() <= series.values.max() <= series.entry.high_ratio


@pytest.mark.parametrize(
    ("name", "mean"),
    [("price-nl", 77.3), ("price-dk2", 70.9), ("carbon-dk", 143.3), ("carbon-nl", 253.3), ("wet-bulb-aarhus", 7.8)],
)
def test_yearly_means_are_the_published_ones(name, mean):
    assert hourly(name).values.mean() == pytest.approx(mean, abs=0.05)


def test_a_series_begins_again_past_the_year():
    series = hourly("price-nl")
    longer = series.over(HOURS_COUNT + 2)
    assert longer.size == HOURS_COUNT + 2
    assert longer[-2:].tolist() == series.values[:2].tolist()


@pytest.mark.parametrize("profile", job_profiles())
def test_the_joint_table_keeps_the_published_margins(profile):
    """Shares of jobs and GPU time to half a percentage point, and GPU time a job to a percent."""
    table = job_table(profile)
    time = table.share * table.cell_gpu_s
    time /= time.sum()
    labels = {"gpus": table.gpus, "state": table.state_index, "type": table.type_index}
    names = {"state": STATES, "type": TYPES}
    for figure in published_jobs():
        if figure.profile == profile and figure.measure != "duration_s":
            weighed, _, by = figure.measure.partition("_by_")
            label = names[by].index(figure.at) if by in names else int(figure.at)
            got = (time if weighed == "gpu_time" else table.share)[labels[by] == label].sum()
            assert got == pytest.approx(figure.value, abs=0.005), figure
    printed = {"acme-seren": 32_405, "acme-kalos": 267_905}  # GPU seconds over GPU jobs, as printed
    assert table.mean_gpu_s == pytest.approx(printed[profile], rel=0.01)


def test_families_are_files():
    from importlib import resources

    files = {path.name.removesuffix(".yaml") for path in resources.files("terp.catalogue").joinpath("parts").iterdir()}
    assert files == set(FAMILIES)
