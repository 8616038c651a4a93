"""The machine built by rule against the published tables of the DGX H100 SuperPOD (nvidia-superpod-h100, section 3)."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.catalogue import read_catalogue
from terp.describe import read_machine
from terp.errors import Problems
from terp.hardware import build_machine
from terp.physics import machine_power

# units, left out, manager links: nodes, GPUs, leaf, spine, core, node + manager cables, leaf-spine, spine-core
PUBLISHED = [
    ((1, 1, 4), (31, 248, 8, 4, 0, 252, 256, 0)),
    ((2, 1, 4), (63, 504, 16, 8, 0, 508, 512, 0)),
    ((3, 1, 4), (95, 760, 24, 16, 0, 764, 768, 0)),
    ((4, 1, 4), (127, 1016, 32, 16, 0, 1020, 1024, 0)),
    ((4, 0, 0), (128, 1024, 32, 16, 0, 1024, 1024, 0)),
    ((8, 0, 0), (256, 2048, 64, 32, 0, 2048, 2048, 0)),
    ((16, 0, 0), (512, 4096, 128, 128, 64, 4096, 4096, 4096)),
    ((32, 0, 0), (1024, 8192, 256, 256, 128, 8192, 8192, 8192)),
    ((64, 0, 0), (2048, 16384, 512, 512, 256, 16384, 16384, 16384)),
]


def superpod(units, left_out=0, managers=0, **compute):
    written = read_machine("gefion")
    record = written.record
    changed = record.model_copy(
        update={
            "compute": record.compute.model_copy(
                update={"scalable_units_count": units, "left_out_count": left_out, **compute}
            ),
            "fabric": record.fabric.model_copy(update={"manager_links_count": managers}),
            "storage": record.storage.model_copy(update={"appliances_count": 6}),
        }
    )
    return build_machine(dataclasses.replace(written, record=changed), read_catalogue())


@pytest.mark.parametrize(("size", "row"), PUBLISHED)
def test_counts_are_the_published_ones(size, row):
    machine = superpod(*size)
    fabric = machine.fabric
    assert row == (
        machine.nodes_count,
        machine.gpus_count,
        fabric.leaf_switches_count,
        fabric.spine_switches_count,
        fabric.core_switches_count,
        fabric.node_cables_count + fabric.manager_cables_count,
        fabric.leaf_spine_cables_count,
        fabric.spine_core_cables_count,
    )


def test_four_units_have_the_published_switches_optics_and_racks():
    """The one row that prints the other networks: 127 nodes with 48 storage ports; derived rules must meet it."""
    machine = superpod(4, 1, 4)
    counts = {(line.where, line.name): line.count for line in machine.bill}
    networks = machine.networks
    assert networks.storage_switches_count == 16
    assert networks.storage_node_cables_count + networks.storage_uplink_cables_count == 494
    assert networks.storage_appliance_cables_count == 48
    assert networks.in_band_switches_count == 8
    assert networks.out_of_band_switches_count == 8
    assert counts["compute fabric", "osfp-2x400-sr4"] == 1536
    assert counts["nodes", "osfp-2x400-sr4"] == 508
    assert counts["compute racks", "rack-48u"] == 32


def test_gefion_is_six_units_less_one_node(gefion):
    assert (gefion.nodes_count, gefion.gpus_count) == (191, 1528)
    fabric = gefion.fabric
    assert (fabric.leaf_switches_count, fabric.spine_switches_count) == (48, 32)
    assert (fabric.node_cables_count, fabric.manager_cables_count) == (1528, 4)
    assert fabric.leaf_spine_cables_count == 1536
    assert gefion.gpu_memory_bytes == pytest.approx(122.24e12)
    assert gefion.peak_flop_per_s["fp64-tensor"] == pytest.approx(102.2e15, rel=0.001)


def test_expected_power_of_gefion_in_training(gefion):
    """191 nodes of 6.85 kW and 1.0 kW of fans are 1.50 MW; rated nodes are 1.95 MW: by hand."""
    power = machine_power(gefion)
    assert power.expected_w - power.base_w == pytest.approx(1.50e6, rel=0.005)
    assert gefion.nodes_count * gefion.node.rated_power_w == pytest.approx(1.948e6, rel=0.001)
    assert power.idle_w < power.expected_w < power.rated_w


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.integers(1, 32), st.integers(0, 1))
def test_every_fabric_is_wired_whole(units, nodes, left_out):
    """No switch over its ports; every leaf has as many ways up as a full one needs; every node is on every rail."""
    machine = superpod(units, min(left_out, nodes - 1), 0, nodes_per_unit_count=nodes, nodes_per_rack_count=1)
    fabric = machine.fabric
    assert fabric.ports_used.max() <= 64
    leaves = fabric.leaf_switches_count
    up = np.bincount(fabric.links[:, 0], fabric.links[:, 2], fabric.switches_count)
    assert (up[:leaves] == 32).all(), "full bisection: half of each leaf's ports go up"
    if fabric.tiers_count == 3:
        down = np.bincount(fabric.links[:, 1], fabric.links[:, 2], fabric.switches_count)
        spines = slice(leaves, leaves + fabric.spine_switches_count)
        assert (up[spines] == down[spines]).all(), "as much goes up from a spine as comes from below"
    assert fabric.node_cables_count == machine.nodes_count * 8
    assert machine.nodes.leaf.shape == (machine.nodes_count, 8)
    ends = machine.nodes.leaf * 64 + machine.nodes.leaf_port
    assert np.unique(ends).size == ends.size, "no leaf port serves two nodes"
    for rail in range(8):
        one_rail = machine.nodes.leaf[machine.nodes.unit == 0, rail]
        assert np.unique(one_rail).size == 1, "one rail of a unit is one hop"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"units": 300},
            "too many nodes for a fabric of 3 tiers of 64-port switches, found 300; at most 256 units would do",
        ),
        ({"units": 6, "nodes_per_unit_count": 33}, "too many nodes for a leaf"),
        ({"units": 6, "managers": 4}, "no leaf has ports left for the fabric managers: 0 are free"),
        ({"units": 6, "nodes_per_rack_count": 5}, "the nodes draw more than the rack's feed, 51 kW of 46 kW"),
        ({"units": 6, "nodes_per_rack_count": 7}, "the nodes are higher than the rack, 7 x 8U in 48U"),
        ({"units": 6, "node": "dgx-h1000"}, "no such part in the catalogue, found 'dgx-h1000'; did you mean 'dgx-h100'?"),
    ],
)
def test_what_cannot_be_built_says_why(change, says):
    with pytest.raises(Problems) as error:
        superpod(**change)
    assert says in str(error.value)
    assert all(problem.line > 0 for problem in error.value.problems)


def test_two_tiers_asked_for_and_too_small():
    written = read_machine("gefion")
    record = written.record
    update = {
        "compute": record.compute.model_copy(update={"scalable_units_count": 9}),
        "fabric": record.fabric.model_copy(update={"tiers_count": 2}),
    }
    with pytest.raises(Problems, match="at most 8 units would do, or tiers: 3"):
        build_machine(dataclasses.replace(written, record=record.model_copy(update=update)), read_catalogue())
