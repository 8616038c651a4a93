"""An architecture that nobody measured has every constant, each with the name of where it comes from."""

import dataclasses

import pytest

from terp.catalogue import Accelerator, constants, read_catalogue, with_constants
from terp.catalogue.read.constants import FILES, constants_from, wrong_ranges
from terp.catalogue.read.whole import unknown_sources
from terp.errors import Problems
from terp.physics import architecture_of, attention_s, dgemm_flop_per_s, gemm_s, interconnect_between
from terp.physics.gpu.architectures import SUBJECTS, Architectures
from terp.physics.gpu.clocks import Load, highest_clock, power_w
from terp.reader import read_tree

CHIPS = read_catalogue().parts["accelerators"]


def invented(**changes):
    """A chip of which only the sheet is known."""
    return read_catalogue().part(Accelerator, "b200-sxm-180gb").model_copy(update={"architecture": "invented", **changes})


def test_every_shipped_chip_has_an_architecture_of_the_file():
    known = constants(Architectures).architectures
    assert {chip.architecture for chip in CHIPS.values()} <= set(known)


@pytest.mark.parametrize("name", FILES)
def test_files_of_constants_name_known_sources_and_hold_their_values_in_their_ranges(name):
    from terp.catalogue.read.constants import _file

    assert unknown_sources(_file(name, ""), read_catalogue().sources) == []
    assert wrong_ranges(_file(name, "")) == []


def test_an_invented_chip_runs_in_every_model_and_names_what_was_never_measured():
    chip = invented()
    known = architecture_of(chip)
    assert known.fitted == frozenset()
    assert {one.subject for one in known.fallbacks} == set(SUBJECTS)
    assert dgemm_flop_per_s(chip) > 0
    assert gemm_s(chip, 4096, 4096, 4096, software="torch-steps") > 0
    assert attention_s(chip, 8, 32, 4096, 128, software="torch-steps") > 0
    assert interconnect_between(chip, 8, 5e10).latency_ratio > 0
    assert power_w(chip, Load(1.0, 0.0, 1e15, 0.0), 1.0) > 0
    assert highest_clock(chip) == pytest.approx(1.0)
    assert [one.code for one in known.fallbacks_of("hpcg")] == ["never-measured:hpcg:blackwell"]
    assert ("clocks", "sheet") in {(one.subject, one.taken_from) for one in known.fallbacks_of("training")}
    assert known.training_wider_ratio > 1


def test_an_mi300x_in_training_says_that_its_attention_is_a_hoppers():
    known = architecture_of(CHIPS["mi300x"])
    codes = [one.code for one in known.fallbacks_of("training")]
    assert "never-measured:attention:hopper" in codes
    assert "never-measured:tiling:hopper" in codes
    assert known.fallbacks_of("hpl") == ()


def test_the_power_of_a_board_binds_dgemm_where_an_energy_is_known():
    """An MI300X of 750 W does what its watts pay for, and not a third more than an MI300A for its third more units."""
    energy = constants(Architectures).architectures["cdna3"].fp64_energy_j_per_flop
    for name in ("mi300x", "mi300a", "mi250x"):
        assert dgemm_flop_per_s(CHIPS[name]) == pytest.approx(CHIPS[name].board_power_w / energy)
    cool = CHIPS["mi300x"].model_copy(update={"board_power_w": 5000.0})
    assert dgemm_flop_per_s(cool) == pytest.approx(0.97538 * 163.4e12, rel=1e-4)
    assert architecture_of(CHIPS["mi355x"]).fp64_energy_j_per_flop == 0


def test_a_measured_architecture_falls_back_on_nothing_in_what_was_measured():
    for name in ("hopper", "ampere", "blackwell"):
        chip = next(chip for chip in CHIPS.values() if chip.architecture == name)
        assert architecture_of(chip).fallbacks_of("training") == ()


def test_constants_change_inside_a_with_alone():
    chip = CHIPS["mi300x"]
    before, table = dgemm_flop_per_s(chip), constants(Architectures)
    entry = table.architectures["cdna3"]
    entry = dataclasses.replace(entry, fp64_energy_j_per_flop=entry.fp64_energy_j_per_flop * 2)
    with with_constants(dataclasses.replace(table, architectures={**table.architectures, "cdna3": entry})):
        assert dgemm_flop_per_s(chip) == pytest.approx(before / 2)
    assert dgemm_flop_per_s(chip) == before


def test_every_mistake_of_a_file_is_told_at_once_with_its_place():
    text = """
sheet: {flop_energy: -1}
architectures:
  hopper:
    title: 5
    fallback: {}
    dgemm: 1.5
    per_clock: "2048 W"
    tilings: {}
"""
    with pytest.raises(Problems) as error:
        constants_from(Architectures, read_tree(text, "x.yaml"))
    lines = [str(problem) for problem in error.value.problems]
    assert sorted(line.split(": ")[1] for line in lines) == sorted([
        "sheet.flop_energy", "architectures.hopper.title", "architectures.hopper.dgemm", "architectures.hopper.per_clock",
        "architectures.hopper.tilings",
    ])  # fmt: skip
