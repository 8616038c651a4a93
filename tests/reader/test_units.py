"""Units: worked examples, refusals that say what would do, and pint as the oracle."""

import math

import pint
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from terp import units

ORACLE = pint.UnitRegistry()
PINT_NAMES = {"Wh": "watt_hour", "B": "byte", "degC": None, "min": "minute", "day": "day", "days": "day", "t": "tonne"}
SHARED = [(dimension, unit) for dimension in ("w", "j", "s", "bytes", "hz", "m", "kg") for unit in units.UNITS[dimension]]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("10.2 kW", "w", 10_200.0),
        ("400 Gb/s", "bytes_per_s", 5e10),
        ("400 GB/s", "bytes_per_s", 4e11),
        ("0.14 EUR/kWh", "eur_per_j", 0.14 / 3.6e6),
        ("1 GiB", "bytes", 2**30),
        ("1 GWh", "j", 3.6e12),
        ("143 gCO2/kWh", "kg_per_j", 0.143 / 3.6e6),
        ("85 %", "fraction", 0.85),
        ("0.0038 /day", "per_s", 0.0038 / 86_400),
        ("-11.5 degC", "celsius", -11.5),
        ("80GB", "bytes", 8e10),
    ],
)
def test_worked_examples(text, dimension, value):
    assert units.parse(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "says"),
    [
        ("80 Gb", "bytes", "did you mean 80 GB?"),
        ("10.2 kw", "w", "did you mean 'kW'?"),
        ("10.2 mW", "w", "'MW'"),
        ("10.2 kWW", "w", "did you mean"),
        ("10.2", "w", "the unit is missing"),
        ("10 kWh", "w", "kWh is a unit of energy"),
        ("kW", "w", "write a number and its unit"),
        ("9" * 80 + " W", "w", "write a number"),
        ("1e400 W", "w", "not a finite number"),
        ("1,528 W", "w", "one point and no comma"),
        ("8,5 MW", "w", "one point and no comma"),
        ("nan W", "w", "not a power"),
    ],
)
def test_refusals_say_what_would_do(text, dimension, says):
    with pytest.raises(units.NotAQuantity) as error:
        units.parse(text, dimension)
    assert says in str(error.value)


@given(st.sampled_from(SHARED), st.floats(1e-6, 1e6))
def test_scaling_agrees_with_pint(case, number):
    """On the units both know; `b` is left out, which pint reads as something else."""
    dimension, unit = case
    base = (
        next(name for name in sorted(PINT_NAMES, key=len, reverse=True) if unit.endswith(name))
        if any(unit.endswith(name) for name in PINT_NAMES)
        and unit not in ("m", "mm", "cm", "km", "kg", "s", "ms", "us", "ns")
        else ""
    )
    spelt = unit.removesuffix(base) + (PINT_NAMES.get(base) or base) if base else unit
    prefixes = {"k": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa"}
    prefixes |= {"Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "Pi": "pebi"}
    if base and unit != base:
        spelt = prefixes[unit.removesuffix(base)] + PINT_NAMES[base]
    si = {"w": "watt", "j": "joule", "s": "second", "bytes": "byte", "hz": "hertz", "m": "metre", "kg": "kilogram"}
    expected = ORACLE.Quantity(number, spelt).to(si[dimension]).magnitude
    assert units.parse(f"{number!r} {unit}", dimension) == pytest.approx(expected, rel=1e-12)


@given(st.sampled_from(["w", "j", "s", "bytes", "bytes_per_s", "flop_per_s", "eur"]), st.floats(1e-3, 1e18))
@example("j", 0.001953125)  # millionths of a Wh
@example("j", 6.0)  # thousandths of a Wh
def test_what_is_shown_reads_back(dimension, value):
    back = units.parse(units.show(value, dimension, 6).replace(",", ""), dimension)
    assert math.isclose(back, value, rel_tol=1e-4, abs_tol=1e-6)


@given(
    st.sampled_from([name for name in units.UNITS if name != "celsius"]),
    st.floats(-1e18, 1e18).filter(lambda value: value == 0 or abs(value) > 1e-9),
    st.integers(2, 6),
)
@example("s", 86_399.0, 3)
@example("s", 86_400.0, 3)
@example("s", -86_400.0, 3)
@example("s", 3599.9, 3)
@example("w", 999.96, 3)
@example("w", 995.0, 2)
def test_what_is_shown_is_in_a_unit_that_fits(dimension, value, digits):
    """Never "1 days" nor "1,000 W": the unit is chosen after rounding, and the value reads back within rounding."""
    shown = units.show(value, dimension, digits)
    text, _, unit = shown.replace(",", "").partition(" ")
    assert (abs(float(text)) == 1) == (unit == "day") or unit not in ("day", "days")
    larger = [
        other
        for other in units._SHOWN.get(dimension, units.UNITS[dimension])
        if units.UNITS[dimension][other] > units.UNITS[dimension][unit]
    ]
    for other in larger:
        assert abs(float(units.number(value / units.UNITS[dimension][other], digits).replace(",", ""))) < 1
    half = 0.51 * 10.0**-digits * units.UNITS[dimension][unit]
    assert math.isclose(
        units.parse(f"{text} {unit}".strip(), dimension), value, rel_tol=0.6 * 10 ** (1 - digits), abs_tol=half
    )


@given(st.text(max_size=40), st.sampled_from(sorted(units.UNITS)))
def test_no_text_breaks_the_parser(text, dimension):
    try:
        assert math.isfinite(units.parse(text, dimension))
    except units.NotAQuantity as error:
        assert error.would_do


def test_ranges_borrow_the_unit():
    assert units.parse_range("0.8 .. 2 kW", "w") == (800.0, 2000.0)
    assert units.parse_range("500 W .. 2 kW", "w") == (500.0, 2000.0)
    assert units.parse_range("0.25 .. 4 h", "s") == (900.0, 14400.0)
    with pytest.raises(units.NotAQuantity, match="backwards"):
        units.parse_range("3 .. 2 kW", "w")


def test_zero_is_shown_in_the_base_unit():
    assert units.show(0.0, "s") == "0 s"
    assert units.show(0.0, "w") == "0 W"
