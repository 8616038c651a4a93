"""Which designs a budget lets in, and why the others are turned away."""

import pytest
from support.small_plans import inputs_of

from terp.catalogue import Node
from terp.plan.machines.designs import ACCEPTANCE_MONTHS, designs, sold
from terp.plan.machines.frames import kits_for
from terp.plan.reason_codes import Code, Reason


@pytest.fixture
def inputs(tmp_path):
    return lambda **changes: inputs_of(tmp_path, **changes)


def reasons(losers):
    return {loser.name: loser.reason for loser in losers}


def test_every_choice_by_every_other(inputs):
    """Kits x oversubscriptions x flash or disks x caps x spares, at the place that fits."""
    mine = inputs(choices={"nodes": ["hgx-b300-liquid"], "gpu_caps": [1, 0.7], "spares": [0, 0.02, 0.05]})
    found, losers = designs(mine)
    kits = len(kits_for("hgx-b300-liquid", mine.catalogue))
    assert len(found) == len(set(found)) == kits * 2 * 2 * 2 * 3 == 48
    assert {design.place for design in found} == {"groningen"}
    assert reasons(losers) == {"hgx-b300-liquid-copenhagen": Reason(Code.NO_WATER_LOOP)}


def test_no_disks_where_all_storage_must_be_flash(inputs):
    found, _ = designs(inputs(must={"storage": "2 PB", "flash": "2 PB"}))
    assert not any(design.all_flash for design in found)


def test_delivery_waits_for_the_place_and_the_parts(inputs):
    """Groningen is ready in September 2027; Copenhagen at once, so that the budget's first month counts."""
    found, _ = designs(inputs(choices={"nodes": ["dgx-h200", "hgx-b300-liquid"]}))
    months = {(design.frame.node, design.place): (design.delivered, design.first_science) for design in found}
    assert ACCEPTANCE_MONTHS == 3
    assert months["hgx-b300-liquid", "groningen"] == ("2027-09", "2027-12")
    assert months["dgx-h200", "copenhagen"] == ("2027-06", "2027-09")
    for design in found:
        assert "2027-06" <= design.delivered <= "2028-03"


@pytest.mark.parametrize(
    ("changes", "machine", "code", "data"),
    [
        ({"sites": {"groningen": {"ready": "2028-04"}}}, "hgx-b300-liquid-groningen",
         Code.PLACE_TOO_LATE, {"ready": "2028-04", "until": "2028-03"}),
        ({"must": {"liquid_cooling": True}}, "dgx-h200-copenhagen", Code.AIR_COOLED, {}),
        ({"must": {"gpu_memory": "200 GB"}}, "dgx-h200-copenhagen",
         Code.TOO_LITTLE_MEMORY, {"memory_bytes": 141e9, "limit_bytes": 200e9}),
        ({"delivery": {"from": "2026-06", "until": "2026-06"}, "sites": {"groningen": {"ready": None}}},
         "hgx-b300-liquid-groningen", Code.DELIVERED_TOO_LATE, {"first": "2027-02", "until": "2026-06"}),
    ],
)  # fmt: skip
def test_what_is_turned_away_is_told_why(inputs, changes, machine, code, data):
    _, losers = designs(inputs(**changes))
    assert reasons(losers)[machine] == Reason(code, data)


def test_nodes_that_are_sold_are_tried_where_none_are_named(inputs):
    mine = inputs(choices={"nodes": None})
    names = sold(mine)
    assert len(names) == len(set(names)) > 10
    assert all(mine.prices.of_part(name) for name in names)
    found, losers = designs(mine)
    tried = {design.frame.node for design in found} | {name for name in names if any(loser.node == name for loser in losers)}
    assert tried == set(names), "each is tried, or told why not"
    assert all(mine.catalogue.part(Node, name) for name in names)
