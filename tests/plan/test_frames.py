"""Machines by the column against machines one by one: the rules in closed form are held against the wired machine."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.catalogue import Server, StorageAppliance, Switch, read_catalogue
from terp.errors import Problems
from terp.hardware import build_machine
from terp.physics import benchmark_system, machine_power, predict_hpl
from terp.plan.machines.frames import Extras, extras_for, frame_for, kits_for, machine_file
from terp.plan.machines.node_counts import built, rmax_of
from terp.reader import Tree, Written

TOPOLOGIES = ("rail-optimised-fat-tree", "fat-tree")
NODES = tuple(name for name in read_catalogue().parts["nodes"] if kits_for(name, read_catalogue()))


@cache
def parts_with(ports=None):
    """The catalogue with a disk appliance and a European server of odd sizes, and with switches of so many ports."""
    catalogue = read_catalogue()
    parts = {family: dict(entries) for family, entries in catalogue.parts.items()}
    disk = catalogue.part(StorageAppliance, "ai400x2").model_dump() | {
        "title": "disk", "ports_count": 3, "rack_units_count": 17, "typical_power_w": 4567.0, "maximum_power_w": 6543.0,
    }  # fmt: skip
    other = {"title": "other", "rack_units_count": 2, "typical_power_w": 456.0, "maximum_power_w": 812.0}
    parts["storage"]["disk-appliance"] = StorageAppliance.model_construct(**disk)
    parts["servers"]["european-node"] = Server.model_construct(**other)
    if ports:
        for name in ("qm8700", "qm9700", "q3400-ra", "sn5600"):
            parts["switches"][name] = catalogue.part(Switch, name).model_copy(update={"ports_count": ports})
    return dataclasses.replace(catalogue, parts=parts)


def one(frame, nodes, extras, catalogue):
    """The machine as the builder makes it; None where it refuses."""
    written = Written(machine_file(frame, nodes, extras), "plan.yaml", {}, Tree("plan.yaml"))
    try:
        return build_machine(written, catalogue)
    except Problems:
        return None


def check(frame, nodes, extras, catalogue):
    """Every machine of a column against the same one built by itself."""
    shapes, rmax = built(frame, np.array(nodes), extras, catalogue), rmax_of(frame, np.array(nodes), catalogue)
    for at, count in enumerate(nodes):
        machine = one(frame, count, extras, catalogue)
        assert bool(shapes.fits[at]) == (machine is not None), (count, frame)
        if machine is None:
            continue
        wired = {(line.where, line.name): line.count for line in machine.bill}
        assert len(wired) == len(machine.bill)
        assert {key: int(column[at]) for key, column in shapes.bill.items() if column[at]} == wired, (count, frame)
        power, racks = machine_power(machine), machine.racks_count
        assert shapes.racks_count[at] == racks
        for name in ("base_w", "rated_w", "expected_w", "idle_w"):
            assert getattr(shapes, name)[at] == pytest.approx(getattr(power, name), rel=1e-9)
        run = predict_hpl(benchmark_system(machine))
        found = [float(column[at]) for column in rmax]
        assert found == pytest.approx([run.rmax_low_flop_per_s, run.rmax_flop_per_s, run.rmax_high_flop_per_s], rel=1e-12)


@st.composite
def cases(draw):
    """A frame that can be, counts about its units and anywhere, extras, and at times switches so small that trees grow."""
    catalogue = parts_with(draw(st.sampled_from([None, None, 8, 12, 16, 22, 36])))
    node = draw(st.sampled_from(NODES))
    kit = draw(st.sampled_from(kits_for(node, catalogue)))
    ratio = draw(st.one_of(st.sampled_from([1.0, 1.5, 2.0, 3.0]), st.floats(1, 3)))
    frame = frame_for(node, kit, draw(st.sampled_from(TOPOLOGIES)), ratio, catalogue)
    if frame is None:
        return None
    unit = frame.nodes_per_unit_count
    near = st.builds(lambda times, more: min(max(times * unit + more, 1), 1200), st.integers(1, 40), st.integers(-2, 2))
    nodes = draw(st.lists(st.one_of(st.integers(1, 1200), near), min_size=1, max_size=5))
    flash = draw(st.integers(0, 200))
    extras = Extras(flash, draw(st.integers(0, 60)) if flash else 0, draw(st.integers(0, 500)), draw(st.integers(1, 40)))
    return frame, nodes, extras, catalogue


@given(cases())
@settings(max_examples=150, deadline=None)
def test_a_column_is_its_machines(case):
    if case is not None:
        check(*case)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("node", ["dgx-b200", "dgx-b300", "gb200-nvl72-tray", "mi355x-platform"])
def test_every_count_about_the_steps(node, topology):
    """Where a unit, a leaf, a pod, a tier or the managers' ports begin or end."""
    catalogue = parts_with()
    for kit in kits_for(node, catalogue):
        frame = frame_for(node, kit, topology, 1.0, catalogue)
        unit = frame.nodes_per_unit_count
        counts = {count for times in (1, 2, 3, 8, 9, 16, 17) for count in range(times * unit - 5, times * unit + 3)}
        check(frame, sorted(count for count in counts if 1 <= count <= 640), Extras(9, 2, 7), catalogue)


def test_a_port_too_few_for_the_managers():
    """Leaves with 35 ports for nodes have 3 free above four nodes of 8, one fewer than the four managers ask for."""
    catalogue = parts_with()
    frame = frame_for("dgx-b200", kits_for("dgx-b200", catalogue)[0], "fat-tree", 1.28, catalogue)
    assert built(frame, np.array([3, 4, 5, 8]), Extras(), catalogue).fits.tolist() == [True, False, True, True]
    check(frame, [1, 3, 4, 5, 7, 8, 9, 300], Extras(), catalogue)


def test_extras_by_the_machine():
    """Columns of extras are taken row by row, and none of a thing is as if it were not asked for."""
    catalogue = parts_with()
    frame = frame_for("dgx-h100", kits_for("dgx-h100", catalogue)[0], TOPOLOGIES[0], 1.0, catalogue)
    nodes = np.array([31, 100, 191, 300])
    flash, capacity, european = np.array([0, 4, 9, 30]), np.array([0, 0, 5, 1]), np.array([0, 10, 0, 25])
    column = built(frame, nodes, Extras(flash, capacity, european), catalogue)
    for at in range(nodes.size):
        alone = built(frame, nodes[at : at + 1], Extras(int(flash[at]), int(capacity[at]), int(european[at])), catalogue)
        mine = {key: int(values[at]) for key, values in column.bill.items() if values[at]}
        assert mine == {key: int(values[0]) for key, values in alone.bill.items() if values[0]}
        assert column.base_w[at] == alone.base_w[0]
    assert not built(frame, nodes, Extras(0, 3), catalogue).fits.any()  # a second tier without a first


def test_extras_by_rule(catalogue):
    """3 PB, of which 1.1 on flash: three appliances of 500 TB, and as many more for what they do not hold."""
    mine = Extras(capacity_appliance="ai400x2", servers_count=7)
    found = extras_for(
        np.array([100, 101, 160]), mine, catalogue, usable_bytes=3e15, flash_bytes=1.1e15, european_fraction=0.1
    )
    assert (found.flash_appliances_count, found.capacity_appliances_count, found.servers_count) == (3, 3, 7)
    assert np.asarray(found.european_servers_count).tolist() == [10, 11, 16]
    bare = extras_for(np.array([8]), Extras(), catalogue, usable_bytes=0.0)
    assert (bare.flash_appliances_count, bare.capacity_appliances_count) == (1, 0)


def test_gefion():
    """The shipped SuperPOD of six scalable units less a node, from its frame: the switches and racks that it has."""
    catalogue = parts_with()
    frame = frame_for("dgx-h100", kits_for("dgx-h100", catalogue)[0], TOPOLOGIES[0], 1.0, catalogue)
    assert (frame.nodes_per_unit_count, frame.nodes_per_rack_count, frame.rack) == (32, 4, "rack-48u")
    shapes = built(frame, np.array([190, 191, 192]), Extras(9), catalogue)
    assert shapes.fits.tolist() == [True, True, False]  # the managers' ports are those of the node that is left out
    assert shapes.bill["compute fabric, leaf", "qm9700"][1] == 48
    assert shapes.bill["compute fabric, spine", "qm9700"][1] == 32


def test_what_has_no_kit_or_frame(catalogue):
    assert kits_for("ex254n", catalogue) == ()  # Slingshot
    assert {kit.technology for kit in kits_for("mi355x-platform", catalogue)} == {"ethernet"}
    slow = kits_for("dgx-h100", catalogue)[0]
    assert frame_for("dgx-b300", slow, "fat-tree", 1.0, catalogue) is None  # 800 Gb/s ports on 400 Gb/s switches
    assert frame_for("dgx-h100", slow, "dragonfly", 1.0, catalogue) is None
