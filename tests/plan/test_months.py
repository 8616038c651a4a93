"""Months as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.physics import year_of_month
from terp.plan.money.months import MONTH_S, later, month_of, number_of

months = st.integers(1990 * 12, 2100 * 12).map(month_of)


@given(months, st.integers(-200, 200), st.integers(-200, 200))
def test_months_add(month, one, other):
    assert later(later(month, one), other) == later(month, one + other)
    assert later(month, 0) == month_of(number_of(month)) == month
    assert number_of(later(month, one)) - number_of(month) == one


@given(months, months)
def test_months_stand_in_the_order_of_their_words(one, other):
    """So that they can be compared as they are written."""
    assert (one < other) == (number_of(one) < number_of(other))


@pytest.mark.parametrize(
    ("month", "more", "then"),
    [("2027-09", 3, "2027-12"), ("2027-09", 4, "2028-01"), ("2028-01", -1, "2027-12"), ("2026-12", 12, "2027-12")],
)
def test_across_the_turn_of_the_year(month, more, then):
    assert later(month, more) == then


def test_a_month_as_a_year_is_its_middle_for_a_delivery_as_for_an_edition_of_a_list():
    assert year_of_month("2027-01") == pytest.approx(2027 + 0.5 / 12)
    assert year_of_month("2027-12") < 2028
    assert pytest.approx(365.25) == 12 * MONTH_S / 86_400
