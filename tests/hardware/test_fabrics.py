"""Fabrics of every kind: published tables and counts, and what any wiring must keep to."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.catalogue import Node, Switch, read_catalogue
from terp.describe import read_machine, shipped_names
from terp.errors import Problems
from terp.hardware import build_machine, way_between

ROOT = Path(__file__).parents[2]


def changed(name, compute=None, fabric=None, node=None, switch=None):
    """A shipped machine with other numbers, and, for tables of parts that do not ship, another node or switch."""
    written, catalogue = read_machine(name), read_catalogue()
    record = written.record
    update = {
        "compute": record.compute.model_copy(update=compute or {}),
        "fabric": record.fabric.model_copy(update=fabric or {}),
        "storage": None,
    }
    parts = {family: dict(entries) for family, entries in catalogue.parts.items()}
    parts["racks"]["rack-48u"] = parts["racks"]["rack-48u"].model_copy(update={"power_feed_w": 1e6})
    if node:
        parts["nodes"][update["compute"].node] = catalogue.part(Node, update["compute"].node).model_copy(update=node)
    if switch:
        parts["switches"][update["fabric"].switch] = catalogue.part(Switch, update["fabric"].switch).model_copy(
            update=switch
        )
    return build_machine(
        dataclasses.replace(written, record=record.model_copy(update=update)), dataclasses.replace(catalogue, parts=parts)
    )


def whole_units(nodes, per_unit):
    """The nodes as full units, two a rack."""
    units = {"scalable_units_count": nodes // per_unit, "nodes_per_unit_count": per_unit}
    return units | {"left_out_count": 0, "nodes_per_rack_count": 2}


def counts(machine):
    fabric = machine.fabric
    return machine.nodes_count, fabric.leaf_switches_count, fabric.spine_switches_count, fabric.core_switches_count


# superpod-b200, section on the compute fabric: nodes, leaf, spine, core
B200 = [(64, 16, 8, 0), (128, 32, 16, 0), (256, 64, 32, 0), (512, 128, 128, 64)]
# superpod-b300: SN5600 of 64 x 800G, two planes of 400GbE a GPU
B300_SPECTRUM = [(64, 16, 8, 0), (128, 32, 16, 0), (256, 64, 32, 0), (512, 128, 64, 0)]
# superpod-b300-xdr: Q3400 of 144 x 800G, units of 72 nodes
B300_XDR = [(72, 8, 4, 0), (144, 16, 8, 0), (288, 32, 18, 0), (576, 64, 36, 0)]


@pytest.mark.parametrize("row", B200)
def test_superpods_with_b200_have_the_published_counts(row):
    units = whole_units(row[0], 32)
    assert counts(changed("netherlands", units, {"manager_links_count": 0})) == row


@pytest.mark.parametrize("row", B300_SPECTRUM)
def test_superpods_with_b300_and_spectrum_x_have_the_published_counts(row):
    units = whole_units(row[0], 64)
    fabric = {"switch": "sn5600", "planes_count": 2, "manager_links_count": 0, "tiers_count": None}
    optics = {"switch_optic": None, "node_optic": None}
    machine = changed("netherlands", units, fabric | optics, node={"compute_ports_count": 16, "compute_cages_count": 16})
    assert counts(machine) == row


@pytest.mark.parametrize("row", B300_XDR)
def test_superpods_with_b300_and_xdr_have_the_published_counts(row):
    units = whole_units(row[0], 72)
    fabric = {
        "switch": "q3400-ra",
        "cable": "mpo12-fibre-800",
        "switch_optic": None,
        "node_optic": None,
        "manager_links_count": 0,
    }
    assert counts(changed("netherlands", units, fabric, node={"compute_port_rate_bytes_per_s": 1e11})) == row


@pytest.mark.parametrize("name", sorted(read_catalogue().parts["nodes"]))
def test_every_node_of_the_catalogue_stands_and_is_joined(name):
    """A unit of each node in a rack and fabric that fit it, so that no part ships that nothing can be built of."""
    node = read_catalogue().part(Node, name)
    domain = max(node.link_domain_count // node.accelerators_count, 1)
    rack = node.rack if domain > 1 else "rack-48u" if node.rack_units_count > 1 else "cray-ex-cabinet"
    compute = {"node": name, "rack": rack, "scalable_units_count": 2, "left_out_count": 0, "nodes_per_unit_count": 18}
    fabric = {"switch": "q3400-ra", "cable": "mpo12-fibre-800", "switch_optic": None, "node_optic": None}
    machine = changed("eos", compute | {"nodes_per_rack_count": domain}, fabric | {"tiers_count": 2})
    assert machine.nodes_count == 36
    assert machine.fabric.ports_used.max() <= 144
    assert machine.gpus_count % node.link_domain_count == 0


def test_a_domain_of_a_rack_is_not_torn_apart():
    fabric = {"switch": "q3400-ra", "cable": "mpo12-fibre-800", "switch_optic": None, "node_optic": None, "tiers_count": 2}
    compute = {"node": "gb200-nvl72-tray", "rack": "nvl72-rack", "scalable_units_count": 2, "nodes_per_unit_count": 18}
    machine = changed("eos", compute | {"nodes_per_rack_count": 18}, fabric)
    assert way_between(machine, 0, 71).over == "links"
    assert way_between(machine, 0, 72).over == "fabric"
    with pytest.raises(Problems, match="part of a link domain, which takes 18 nodes"):
        changed("eos", compute | {"nodes_per_rack_count": 9}, fabric)


def test_a_switch_slower_than_the_nodes_ports_is_refused():
    with pytest.raises(Problems, match="slower than the nodes' ports, 200 Gb/s where they have 400 Gb/s"):
        changed("eos", {"scalable_units_count": 1, "nodes_per_unit_count": 16}, {"switch": "qm8700"})


def test_one_leaf_that_all_hang_on_needs_no_spine():
    machine = changed("tsubame4", {"nodes_count": 4}, {"tiers_count": None})
    assert (machine.fabric.leaf_switches_count, machine.fabric.spine_switches_count) == (1, 0)
    assert machine.fabric.bisection_bytes_per_s == pytest.approx(4 * 4 * 2.5e10 / 2)
    assert way_between(machine, 0, 15).switches_count == 1


def test_split_cables_are_counted_once():
    """Of JUPITER's splitters one serves two ports of a node; each of SAKURAONE's 800G links takes two fibres of 400G."""
    jupiter, sakura = (build_machine(read_machine(name), read_catalogue()) for name in ("jupiter", "sakuraone"))
    pieces = [sum(line.count for line in one.bill if line.name == one.file.fabric.cable) for one in (jupiter, sakura)]
    assert pieces[0] == 5884 * 4 / 2 + 25 * 15 * 16 * 2 + 25 * 24 / 2 * 16 + 25 * 2 * 16
    assert pieces[1] == 100 * 8 + 2 * 16 * 32


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["rail-optimised-fat-tree", "fat-tree"]), st.integers(1, 40), st.integers(1, 32),
    st.sampled_from([1, 2, 4, 8]), st.sampled_from([1.0, 1.5, 2.0, 3.0]),
)  # fmt: skip
def test_no_tree_takes_more_ports_than_its_switches_have(topology, units, per_unit, planes, oversubscription):
    planes = planes if topology.startswith("rail") else 1
    compute = {
        "scalable_units_count": units,
        "nodes_per_unit_count": per_unit,
        "left_out_count": 0,
        "nodes_per_rack_count": 1,
    }
    fabric = {"topology": topology, "tiers_count": None, "planes_count": planes, "oversubscription_ratio": oversubscription}
    machine = changed("eos", compute, fabric)
    assert machine.fabric.ports_used.max() <= 64
    up = np.bincount(machine.fabric.links[:, 0], machine.fabric.links[:, 2], machine.fabric.switches_count)
    leaves = machine.fabric.leaf_switches_count
    assert np.unique(up[:leaves]).size == 1, "every leaf has as many ways up"
    assert machine.fabric.node_cables_count == machine.nodes_count * 8


def test_real_machines_have_the_switches_that_are_published():
    built = {name: build_machine(read_machine(name), read_catalogue()).fabric for name in shipped_names("machines")}
    assert built["jupiter"].switches_count == 25 * 31  # jsc-jupiter: 15 and 16 switches in each of 25 groups
    assert built["lumi-g"].switches_count == 24 * 32  # lumi-network
    assert built["frontier-2022"].switches_count == 2368  # frontier-interconnect-notes: 74 groups of 32
    assert (built["sakuraone"].leaf_switches_count, built["sakuraone"].spine_switches_count) == (16, 8)  # sakuraone-2026
    assert built["leonardo-booster"].switches_count == 20 * 36  # lockwood-leonardo: 18 and 18 in each cell
    assert built["hipergator-ai-2021"].switches_count < 170  # hipergator-170-switches: all fabrics together
    assert built["selene"].switches_count < 850  # selene-talk: all fabrics together


@pytest.mark.parametrize("name", shipped_names("machines"))
def test_every_machine_that_ships_is_wired_whole(name):
    machine = build_machine(read_machine(name), read_catalogue())
    fabric = machine.fabric
    assert fabric.ports_used.max() <= machine.switch.ports_count
    assert machine.nodes.leaf.shape == (machine.nodes_count, machine.node.compute_ports_count)
    ends = machine.nodes.leaf.astype(np.int64) * 4096 + machine.nodes.leaf_port
    assert np.unique(ends).size == ends.size, "no leaf port serves two links"
    places = machine.nodes.rack * 4096 + machine.nodes.place
    assert np.unique(places).size == places.size, "no place in a rack holds two nodes"
    assert machine.nodes.place.max() < machine.file.compute.nodes_per_rack_count
    injection = fabric.node_cables_count * machine.node.compute_port_rate_bytes_per_s
    assert 0 < fabric.bisection_bytes_per_s <= injection / 2 * 1.0001


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 20), st.integers(1, 6), st.integers(1, 8), st.integers(1, 3))
def test_groups_of_a_dragonfly_are_all_joined(groups, switches, global_links, local_links):
    """Every two groups have their cables, every two switches of a group theirs, and halves are joined by the bisection."""
    compute = {"nodes_count": groups * 4 - 1, "nodes_per_unit_count": 4, "nodes_per_rack_count": 4}
    fabric = {
        "switches_per_group_count": switches,
        "global_links_count": global_links,
        "local_links_count": local_links,
        "other_groups_count": 0,
    }
    machine = changed("alps", compute, fabric, switch={"ports_count": 1024})
    built = machine.fabric
    group = np.arange(built.switches_count) // switches
    between = np.zeros((groups, groups), int)
    np.add.at(between, (group[built.links[:, 0]], group[built.links[:, 1]]), built.links[:, 2])
    assert (between[np.triu_indices(groups, 1)] == global_links).all()
    assert (np.diag(between) == switches * (switches - 1) // 2 * local_links).all()
    half = group < groups // 2
    across = built.links[half[built.links[:, 0]] != half[built.links[:, 1]], 2].sum() * machine.switch.port_rate_bytes_per_s
    injection = built.node_cables_count * machine.node.compute_port_rate_bytes_per_s
    assert built.bisection_bytes_per_s == pytest.approx(min(across, injection / 2))


@pytest.mark.parametrize(("oversubscription", "share"), [(1, 1.0), (2, 0.5), (3, 1 / 3)])
def test_oversubscription_narrows_the_middle(oversubscription, share):
    machine = changed(
        "eos",
        {"scalable_units_count": 4, "nodes_per_unit_count": 16},
        {"tiers_count": 2, "oversubscription_ratio": oversubscription},
    )
    up = np.bincount(machine.fabric.links[:, 0], machine.fabric.links[:, 2])[0]
    assert up == 64 // (1 + oversubscription)
    injection = machine.fabric.node_cables_count * machine.node.compute_port_rate_bytes_per_s
    assert machine.fabric.bisection_bytes_per_s == pytest.approx(min(injection, 32 * up * 5e10) / 2)
    assert machine.fabric.bisection_bytes_per_s >= injection / 2 * share


@pytest.mark.parametrize(
    ("name", "first", "second", "over", "switches"),
    [
        ("gefion", 5, 5, "same", 0),
        ("gefion", 0, 7, "links", 1),  # one NVSwitch
        ("gefion", 0, 8, "fabric", 1),  # the same rail of a unit
        ("gefion", 0, 9, "fabric", 3),  # another rail: leaf, spine, leaf
        ("gefion", 0, 8 * 32, "fabric", 3),  # another unit
        ("eos", 0, 8 * 575, "fabric", 5),  # over a core switch
        ("alps", 0, 1, "links", 0),  # GPUs of a quad board link directly
        ("alps", 0, 4 * 111, "fabric", 2),  # within a group of a dragonfly
        ("jupiter", 0, 4 * 239, "fabric", 3),  # within a group of a dragonfly+
        ("jupiter", 0, 4 * 240, "fabric", 4),  # leaf, spine, spine, leaf
    ],
)
def test_ways_between_gpus_by_hand(name, first, second, over, switches):
    machine = build_machine(read_machine(name), read_catalogue())
    way = way_between(machine, first, second)
    assert (way.over, way.switches_count) == (over, switches)


def test_no_way_in_a_dragonfly_is_longer_than_its_diameter():
    for name, longest in (("alps", 4), ("frontier", 4), ("jupiter", 4), ("leonardo-booster", 4)):
        machine = build_machine(read_machine(name), read_catalogue())
        rng = np.random.default_rng(1)
        for first, second in rng.integers(machine.gpus_count, size=(20, 2)).tolist():
            assert way_between(machine, first, second).switches_count <= longest


def test_latency_is_that_of_adapters_switches_and_cables(gefion):
    """Two adapters of 0.5 us, three switches of 0.3 us, four cables of 30 m at 5 ns a metre: by hand 2.5 us."""
    assert way_between(gefion, 0, 9).latency_s == pytest.approx(2 * 0.5e-6 + 3 * 0.3e-6 + 4 * 30 * 5e-9)


def test_gpus_on_separate_planes_are_not_joined():
    machine = changed("eos", {"scalable_units_count": 2}, {"planes_count": 8, "tiers_count": 2})
    assert way_between(machine, 0, 8 * 33).switches_count == 3
    with pytest.raises(Problems, match="separate planes"):
        way_between(machine, 0, 8 * 33 + 1)


@pytest.mark.parametrize(
    ("name", "compute", "fabric", "says"),
    [
        ("alps", {}, {"global_links_count": 200}, "a switch that nodes hang on would need"),
        ("alps", {}, {"global_links_count": 10**9}, "a switch that nodes hang on would need"),
        ("jupiter", {}, {"global_links_count": 10**9}, "a spine would need"),
        ("jupiter", {}, {"spines_per_group_count": 1}, "a spine would need"),
        ("jupiter", {"nodes_per_unit_count": 480}, {"leaves_per_group_count": 4}, "a switch that nodes hang on would need"),
        ("eos", {}, {"planes_count": 3, "tiers_count": None}, "do not divide over the planes"),
        ("tsubame4", {"nodes_count": 100_000}, {"tiers_count": 2}, "too many nodes for a fabric of 2 tiers"),
    ],
)
def test_fabrics_that_cannot_connect_the_nodes_say_why(name, compute, fabric, says):
    with pytest.raises(Problems) as error:
        changed(name, compute, fabric)
    assert says in str(error.value)


WRONG = {
    "  topology: {value: dragonfly, ": ("  leaves_per_group: 4\n  topology: {value: dragonfly, ", "a dragonfly has none"),
    "  switches_per_group:": ("  # switches_per_group:", "missing in a dragonfly; add `switches_per_group:`"),
    "  nodes_per_unit: {value: 112": ("  left_out: 7\n  nodes_per_unit: {value: 112", "left out of a count of nodes"),
    "  global_links:": ("  global_links: null\n  # ", "missing in a dragonfly; add `global_links:`"),
    "  node_cable:": ("  manager_links: 4\n  node_cable:", "a dragonfly has none"),
    "  nodes: {value: 2688": ("  scalable_units: 3\n  nodes: {value: 2688", "both `scalable_units` and `nodes`"),
}


@pytest.mark.parametrize("right", WRONG)
def test_keys_that_do_not_fit_the_topology_are_problems(tmp_path, right):
    text = (ROOT / "machines" / "alps.yaml").read_text("utf-8")
    wrong, says = WRONG[right]
    assert text.count(right) == 1
    path = tmp_path / "alps.yaml"
    path.write_text(text.replace(right, wrong), "utf-8")
    with pytest.raises(Problems) as error:
        read_machine(str(path))
    assert says in str(error.value)
