"""Collectives: limits, a worked example, invariants, and times as published."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, read_catalogue
from terp.errors import Problems, UnknownName
from terp.physics.fabric.collectives import LAWS, collective_s, interconnect_between, interconnect_of

KINDS = st.sampled_from(sorted(LAWS))
MIB = 2**20


def net(name="h100-sxm-80gb", port=5e10, **more):
    return interconnect_between(read_catalogue().part(Accelerator, name), 8, port, **more)


def test_a_ring_by_hand():
    """64 MiB on eight A100: 14 steps, 14.402 eighths of the bytes at 0.843 x 300 GB/s, and the filling of the pipeline."""
    latency = (5e-6 + 14 * 0.685e-6) * 1.63
    wire = 14.402 / 8 * 64 * MIB / 252.9e9
    assert latency == pytest.approx(23.8e-6, rel=0.002)
    assert wire == pytest.approx(477.7e-6, rel=0.002)
    time_s = float(collective_s(net("a100-sxm-80gb"), "all_reduce", 64 * MIB, 8, 8))
    assert time_s == pytest.approx(latency + wire + 2 * (0.398 * latency * wire) ** 0.5)
    assert time_s == pytest.approx(684.6e-6, rel=0.1), "as printed by ml-engineering"


@pytest.mark.parametrize(
    ("kind", "size", "published_s", "tolerance"),
    [
        ("all_reduce", 512 * MIB, 2.11e-3, 0.05),
        ("all_gather", 512 * MIB, 1.40e-3, 0.05),
        ("reduce_scatter", 512 * MIB, 1.40e-3, 0.05),
        ("all_to_all", 512 * MIB, 1.49e-3, 0.10),
        ("all_reduce", 512, 15.5e-6, 0.10),
        ("all_gather", 512, 10.3e-6, 0.10),
        ("all_to_all", 512, 7.4e-6, 0.20),
    ],
)
def test_eight_h100_take_what_was_measured(kind, size, published_s, tolerance):
    assert float(collective_s(net(), kind, size, 8, 8)) == pytest.approx(published_s, rel=tolerance)


def test_a_node_of_h200_is_held_by_its_links_and_one_of_b200_by_its_ports():
    """Bus bandwidths of 4 GiB on four nodes with eight ports of 400 Gb/s: 365 and 377 GB/s (ml-engineering)."""
    for name, bus in (("h200-sxm-141gb", 365e9), ("b200-sxm-180gb", 377e9)):
        time_s = 2 * 31 / 32 * 2**32 / bus
        assert float(collective_s(net(name), "all_reduce", 2**32, 32, 8)) == pytest.approx(time_s, rel=0.12)
    doubled = net("b200-sxm-180gb", port=1e11)
    assert collective_s(doubled, "all_reduce", 2**32, 32, 8) < 0.6 * collective_s(
        net("b200-sxm-180gb"), "all_reduce", 2**32, 32, 8
    )


def test_large_messages_reach_the_rate_of_the_slowest_wire():
    size, share = 1e15, 0.96 * 5e10
    assert float(collective_s(net(), "all_gather", size, 64, 1)) == pytest.approx(63.4 / 64 * size / share, rel=0.001)
    assert float(collective_s(net(), "send", size, 2, 1)) == pytest.approx(size / share, rel=0.001)
    assert float(collective_s(net(), "send", size, 2, 2)) == pytest.approx(size / (0.843 * 450e9), rel=0.001)
    assert float(collective_s(net(), "all_to_all", size, 64, 8)) == pytest.approx(size / 64 * 56 / share, rel=0.001)


@given(KINDS, st.floats(0, 1e12), st.sampled_from([1, 2, 4, 8]), st.integers(1, 512))
def test_more_bytes_are_never_faster_and_one_rank_costs_nothing(kind, size, inside, domains):
    ranks = inside * domains
    one, other = collective_s(net(), kind, [size, 2 * size + 1], ranks, inside)
    assert (one < other) if ranks > 1 else (one == other == 0)
    assert one >= 0


@given(KINDS, st.floats(1e6, 1e12), st.sampled_from([1, 2, 4, 8]), st.integers(2, 512))
def test_no_collective_beats_its_wires(kind, size, inside, domains):
    ranks = inside * domains
    leaves = {"all_to_all": (ranks - inside) / ranks, "send": 0.0 if inside > 1 else 1.0}.get(kind, (domains - 1) / domains)
    ports = 5e10 * (1 if kind == "all_to_all" else inside)
    assert float(collective_s(net(), kind, size, ranks, inside)) >= leaves * size / ports


@given(KINDS, st.floats(1, 1e11), st.sampled_from([2, 4, 8]))
def test_faster_wires_are_never_slower(kind, size, inside):
    for ranks in (inside, 8 * inside):
        slow, fast = net(), net(port=1e11)
        assert collective_s(fast, kind, size, ranks, inside) <= collective_s(slow, kind, size, ranks, inside) * (1 + 1e-12)
        wide = dataclasses.replace(slow, link_bytes_per_s=9e11, pair_bytes_per_s=9e11)
        assert collective_s(wide, kind, size, ranks, inside) <= collective_s(slow, kind, size, ranks, inside) * (1 + 1e-12)


def test_switches_that_add_up_help_eight_gpus_and_not_two():
    with_switch, without = net(), dataclasses.replace(net(), switch_bytes_per_s=0.0)
    assert collective_s(with_switch, "all_reduce", 2**30, 8, 8) < 0.85 * collective_s(without, "all_reduce", 2**30, 8, 8)
    assert collective_s(with_switch, "all_reduce", 2**30, 2, 2) == collective_s(without, "all_reduce", 2**30, 2, 2)
    assert net("a100-sxm-80gb").switch_bytes_per_s == 0


def test_a_tree_makes_small_messages_cheap_on_many_nodes():
    """63 us on 32 nodes of eight A100 with 4 ports of 200 Gb/s (nccl issue 652)."""
    small = float(collective_s(net("a100-sxm-80gb", port=1.25e10), "all_reduce", 8, 256, 8))
    assert small == pytest.approx(63e-6, rel=0.2)


def test_directly_linked_pairs_share_the_links():
    direct = interconnect_between(read_catalogue().part(Accelerator, "gh200-96gb"), 4, 2.5e10, switched=False)
    assert direct.pair_bytes_per_s == 150e9
    assert float(collective_s(direct, "send", 1e13, 2, 2)) == pytest.approx(1e13 / (0.843 * 150e9), rel=0.01)
    two, four = (float(collective_s(direct, "all_gather", 1e13, ranks, ranks)) for ranks in (2, 4))
    assert two > four, "a ring of two uses one link of three"


def test_taper_slows_only_what_leaves_the_leaf():
    tapered = net(leaf_gpus_count=64, taper_ratio=2.0)
    assert collective_s(tapered, "all_to_all", 1e9, 64, 8) == collective_s(net(), "all_to_all", 1e9, 64, 8)
    assert collective_s(tapered, "all_to_all", 1e9, 512, 8) > 1.7 * collective_s(net(), "all_to_all", 1e9, 512, 8)


def test_what_a_collective_sees_of_a_built_machine(gefion):
    seen = interconnect_of(gefion)
    assert (seen.domain_gpus_count, seen.link_bytes_per_s, seen.port_bytes_per_s) == (8, 450e9, 50e9)
    assert (seen.leaf_gpus_count, seen.taper_ratio) == (256, 1.0)
    assert seen.switch_bytes_per_s > 0


def test_sizes_ranks_and_inside_broadcast():
    table = collective_s(net(), "all_reduce", np.array([[1e3], [1e6], [1e9]]), np.array([8, 16, 1024]), 8)
    assert table.shape == (3, 3)
    assert table[2, 1] == collective_s(net(), "all_reduce", 1e9, 16, 8)


def test_what_cannot_be_is_said():
    with pytest.raises(UnknownName, match="no collective 'allreduce'; did you mean 'all_reduce'"):
        collective_s(net(), "allreduce", 1e6, 8, 8)
    for size, ranks, inside in ((1e6, 4, 8), (1e6, 16, 16), (1e6, 8, 0), (-1, 8, 8), (float("nan"), 8, 8)):
        with pytest.raises(Problems, match="inside: 1 to 8"):
            collective_s(net(), "all_reduce", size, ranks, inside)
    with pytest.raises(Problems, match="no ports between them"):
        collective_s(net(port=0.0), "all_gather", 1e6, 16, 8)
