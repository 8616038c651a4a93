"""Sums of quantities times prices, with the three shares of the hardware."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from terp.describe import COST_CLASSES
from terp.plan.money.ledger import CostColumn, Ledger, Tariff

COLUMNS = (
    CostColumn("node", "nodes", "acquisition", hardware=True),
    CostColumn("switch", "fabric", "acquisition", hardware=True),
    CostColumn("switch", "storage", "acquisition", hardware=True),
    CostColumn("hall", "hall", "building", hardware=False),
    CostColumn("electricity-here", "electricity", "operation", hardware=False),
    CostColumn("software", "software", "operation", hardware=False),
)
LEDGER = Ledger(COLUMNS, 5)
TARIFF = Tariff(np.array([300e3, 20e3, 20e3, 9e3, 0.1, 100.0]), np.array(0.8), np.array(0.05), np.array(0.04))
ROW = np.array([[10.0, 4.0, 1.0, 120.0, 4e6, 400.0]])


def test_worked_example():
    """10 nodes and 5 switches at 80 % of 3.1 MEUR: 2.48; 5 % installed, 4 % a year maintained."""
    found = dict(
        zip(COST_CLASSES, LEDGER.by_class(ROW, TARIFF, {"operation": 7e3, "programme": 1e6})[0].tolist(), strict=True)
    )
    assert LEDGER.hardware_eur(ROW, TARIFF) == pytest.approx([2.48e6])
    assert found["acquisition"] == pytest.approx(2.604e6)
    assert found["building"] == pytest.approx(1.08e6)
    assert found["operation"] == pytest.approx(0.496e6 + 0.4e6 + 0.04e6 + 7e3)
    assert found["programme"] == 1e6
    assert LEDGER.contract_eur(ROW, TARIFF, ("software",)) == pytest.approx([2.48e6 * 1.25 + 0.04e6])
    lines = LEDGER.by_line(ROW, TARIFF)
    assert lines["storage", "acquisition"] == pytest.approx([16e3])
    assert lines["installation", "acquisition"] == pytest.approx([124e3])
    assert (LEDGER.index("switch"), LEDGER.index("switch", "storage")) == (1, 2)


amounts = arrays(float, (3, len(COLUMNS)), elements=st.floats(0, 1e6))


@given(amounts, st.floats(0.1, 2), st.floats(0, 0.3), st.floats(0, 0.2), st.integers(1, 9))
def test_lines_and_classes_come_to_the_same(quantities, market, installation, maintenance, years):
    ledger = Ledger(COLUMNS, years)
    tariff = Tariff(TARIFF.prices_eur, *(np.asarray(rate) for rate in (market, installation, maintenance)))
    classes = ledger.by_class(quantities, tariff, {})
    for at, kind in enumerate(COST_CLASSES):
        lines = sum(eur for (_, own), eur in ledger.by_line(quantities, tariff).items() if own == kind)
        assert classes[:, at] == pytest.approx(lines, rel=1e-12)


@given(amounts, arrays(float, (3, len(COLUMNS)), elements=st.floats(0.1, 10)), arrays(float, 3, elements=st.floats(0.5, 2)))
def test_prices_row_by_row_are_prices_one_by_one(quantities, scale, market):
    """Rows under scenarios of their own cost what each costs under its own alone."""
    prices = TARIFF.prices_eur * scale
    together = LEDGER.by_class(quantities, Tariff(prices, market, market * 0.05, market * 0.04), {"operation": 3.0})
    for at in range(3):
        own = Tariff(prices[at], *(np.asarray(market[at] * share) for share in (1, 0.05, 0.04)))
        assert LEDGER.by_class(quantities[[at]], own, {"operation": 3.0})[0] == pytest.approx(together[at], rel=1e-12)
