"""Numbers of documents that cannot be: found by the fuzz, each said and none raised."""

import pytest

from terp.files.document_check import damage_of, damage_of_numbers


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), 1e308 * 10])
def test_a_number_that_no_float_holds_is_damage(value):
    assert [found.wrong for found in damage_of(float, value, "run.hours")] == ["no number that can be"]
    assert [found.path for found in damage_of_numbers({"hours": [value]})]


@pytest.mark.parametrize("value", [0, 1.5, -3, 10**15])
def test_a_number_that_can_be_is_none(value):
    assert not list(damage_of(float, value, "run.hours"))
