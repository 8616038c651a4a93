"""Accelerators by the beginning of their names."""

import pytest

from terp.catalogue import read_catalogue
from terp.errors import Problems, UnknownName


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        ("h200-sxm-141gb", "h200-sxm-141gb"),
        ("h200-sxm", "h200-sxm-141gb"),
        ("H200", "h200-sxm-141gb"),
        ("h20", "h20-sxm-96gb"),
        ("h800", "h800-sxm-80gb"),
        ("l40", "l40s-48gb"),
        ("h100-sxm", "h100-sxm-80gb"),
        ("h100", "h100-sxm-80gb"),
        ("h100-pcie", "h100-pcie-80gb"),
        ("a100", "a100-sxm-80gb"),
        ("gb200", "gb200"),
        ("b200", "b200-sxm-180gb"),
    ],
)
def test_a_beginning_is_enough(beginning, name):
    assert read_catalogue().accelerator_named(beginning) == name


@pytest.mark.parametrize("beginning", ["gh200", "gb", "h", "a100-sxm-", "mi3"])
def test_a_beginning_of_several_is_told_which(beginning):
    with pytest.raises(Problems, match=f"'{beginning}' begins several accelerators; {beginning}.*, ") as caught:
        read_catalogue().accelerator_named(beginning)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("beginning", ["", "h300", "-", "h200-sxm-141gb-"])
def test_what_begins_none_is_unknown(beginning):
    with pytest.raises(UnknownName, match="no part in accelerators"):
        read_catalogue().accelerator_named(beginning)
