"""Second tiers of storage, partitions of other nodes and caps of GPUs in machine files, and what they leave as it was."""

from math import ceil

import pytest

from terp.catalogue import Server, StorageAppliance
from terp.describe import machine_of_text, read_machine, read_site, read_workload, shipped_names
from terp.errors import Problems
from terp.hardware import build_machine
from terp.physics import benchmark_system, machine_power, predict_hpl
from terp.simulate import year
from terp.views.text.machine_text import as_text

TEXT = """
kind: machine
name: two-tiers
title: "Two tiers and a partition"
compute: {node: dgx-h100, nodes: 63, nodes_per_unit: 32, rack: rack-48u, nodes_per_rack: 4, gpu_cap: "560 W"}
fabric: {topology: rail-optimised-fat-tree, switch: qm9700, cable: mpo12-fibre, switch_optic: osfp-2x400-sr4}
storage: {appliance: ai400x2, appliances: 3, switch: qm9700, capacity_appliance: ai400x2, capacity_appliances: 5}
management:
  {in_band_switch: sn4600c, in_band_cable: aoc-200g, out_of_band_switch: sn2201, out_of_band_cable: cat6,
   fabric_manager: ufm-appliance, fabric_managers: 4, server: management-server, servers: 5, rack: rack-48u, rack_units_used: 16}
partitions:
  european: {title: "European processors", server: management-server, servers: 50}
  login: {title: "Login nodes", server: ufm-appliance, servers: 2}
"""


def machine(catalogue, *changes):
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return build_machine(machine_of_text(text, "two-tiers.yaml"), catalogue)


def counts(built):
    return {(line.where, line.name): line.count for line in built.bill}


def without_partitions():
    return TEXT[TEXT.index("partitions:") :], ""


def test_a_second_tier(catalogue):
    """Both tiers hold data, the first one's rates count, and the ports of both hang on the storage fabric."""
    one = catalogue.part(StorageAppliance, "ai400x2")
    both, alone = machine(catalogue), machine(catalogue, (", capacity_appliance: ai400x2, capacity_appliances: 5", ""))
    assert (both.storage.usable_bytes, alone.storage.usable_bytes) == (8 * one.usable_bytes, 3 * one.usable_bytes)
    assert both.storage.read_bytes_per_s == alone.storage.read_bytes_per_s == 3 * one.read_rate_bytes_per_s
    assert both.storage.write_bytes_per_s == alone.storage.write_bytes_per_s
    assert both.networks.storage_appliance_cables_count == 8 * one.ports_count
    assert alone.networks.storage_appliance_cables_count == 3 * one.ports_count
    assert counts(both)["storage, capacity", "ai400x2"] == 5
    # as eight appliances of one tier would be, but for the line that tells them apart
    eight = machine(
        catalogue, (", capacity_appliance: ai400x2, capacity_appliances: 5", ""), ("appliances: 3", "appliances: 8")
    )
    assert eight.networks == both.networks
    assert machine_power(eight) == machine_power(both)
    assert "3 x ai400x2 and 5 x ai400x2: 4 PB" in as_text(both)


def test_partitions(catalogue):
    """Servers with a link in band and one out of band each, their power, and room in the other racks."""
    with_them, without = machine(catalogue), machine(catalogue, without_partitions())
    bill, bare = counts(with_them), counts(without)
    assert (bill["partition european", "management-server"], bill["partition login", "ufm-appliance"]) == (50, 2)
    before, after = without.networks, with_them.networks
    room = 64 - 4 - 2
    links = 63 * 2 + 2 * 5 + 8
    assert before.in_band_switches_count == 2 * ceil(links / 2 / room) + 2
    assert after.in_band_switches_count == 2 * ceil((links + 52) / 2 / room) + 2
    for found, more in ((before, 0), (after, 52)):
        cables = links + more + (found.in_band_switches_count - 2) // 2 * (2 * 4 + 2) + 4
        assert found.in_band_cables_count == cables
    switches = after.in_band_switches_count - before.in_band_switches_count
    pairs = switches // 2
    assert after.in_band_cables_count - before.in_band_cables_count == 52 + pairs * (2 * 4 + 2)
    more = after.out_of_band_switches_count - before.out_of_band_switches_count
    assert after.out_of_band_cables_count - before.out_of_band_cables_count == 52 + switches + 2 * more
    units = 50 * 1 + 2 * 1 + 2 * switches + more
    assert bill["other racks", "rack-48u"] - bare["other racks", "rack-48u"] in (units // 16, ceil(units / 16))
    named = {name: catalogue.part(Server, name).typical_power_w for name in ("management-server", "ufm-appliance")}
    added = 50 * named["management-server"] + 2 * named["ufm-appliance"]
    assert machine_power(with_them).base_w - machine_power(without).base_w > added
    data = with_them.to_dict()
    assert (data["partitions"], data["gpu_cap_w"]) == ({"european": 50, "login": 2}, 560.0)
    assert with_them.nodes_count == without.nodes_count  # nothing is scheduled there


def test_own_cables_of_the_storage_fabric(catalogue):
    other = machine(
        catalogue, ("capacity_appliances: 5", "capacity_appliances: 5, cable: aoc-hdr-200g, switch_optic: osfp-400-sr4")
    )
    mine = {name for where, name in counts(other) if where == "storage fabric"}
    assert mine == {"qm9700", "aoc-hdr-200g", "osfp-400-sr4"}
    assert other.networks == machine(catalogue).networks


def test_storage_leaves_have_the_ports_for_their_unit(catalogue):
    """A unit of 64 nodes needs two storage leaves a port of a node: 64 links and 48 uplinks are more than a leaf's 64."""
    changes = (
        ("nodes: 63", "nodes: 126"),
        ("dgx-h100", "sakuraone-node"),
        ("switch: qm9700, cable", "switch: sn5600, cable"),
    )
    narrow = machine(catalogue, *changes)
    wide = machine(catalogue, *changes, ("nodes_per_unit: 32", "nodes_per_unit: 64"))
    assert narrow.networks.storage_node_cables_count == wide.networks.storage_node_cables_count == 252
    spare = narrow.networks.storage_leaf_switches_count - wide.networks.storage_leaf_switches_count
    assert spare == 2  # storage leaves, one a unit; those of the nodes are as many: 4 units x 2, and 2 x 2 x 2


@pytest.mark.slow
def test_gpu_cap_of_the_file(catalogue):
    """A year under the file's cap is a year under the same cap given, in its origin too; benchmarks run under it, and are slower."""
    site, work = read_site("copenhagen"), read_workload("national")
    large = ("nodes: 63", "nodes: 159")
    capped, free = machine(catalogue, large), machine(catalogue, large, (', gpu_cap: "560 W"', ""))
    by_file = year(capped, site=site, workload=work, days=2, seed=1)
    given = year(free, site=site, workload=work, days=2, seed=1, gpu_cap="560 W")
    other = year(capped, site=site, workload=work, days=2, seed=1, gpu_cap="450 W")
    uncapped = year(free, site=site, workload=work, days=2, seed=1)
    assert by_file.origin["controls"] == given.origin["controls"]
    assert by_file.origin["controls"]["gpu_cap_w"] == 560.0
    assert by_file.jobs.equals(given.jobs)
    assert not by_file.jobs.equals(uncapped.jobs)
    assert other.origin["controls"]["gpu_cap_w"] == 450.0
    lifted = year(capped, site=site, workload=work, days=2, seed=1, gpu_cap="none")
    assert lifted.origin["controls"]["gpu_cap_w"] is None
    assert lifted.jobs.equals(uncapped.jobs)
    under, above = predict_hpl(benchmark_system(capped)), predict_hpl(benchmark_system(free))
    assert under.rmax_flop_per_s < above.rmax_flop_per_s


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (", capacity_appliances: 5", "", "storage: a second tier in part; write `capacity_appliance`"),
        ("appliance: ai400x2, appliances: 3, switch: qm9700, ", "", "storage: a second tier in part"),
        ("capacity_appliance: ai400x2", "capacity_appliance: ai400", "storage.capacity_appliance: no such part"),
        ("server: management-server, servers: 50", "server: rhea, servers: 50", "partitions.european.server: no such part"),
        ("servers: 50", "servers: 0", "partitions.european.servers: out of range"),
        ('gpu_cap: "560 W"', "gpu_cap: 560", "compute.gpu_cap: the unit is missing"),
    ],
)
def test_what_a_file_cannot_say(old, new, told):
    assert old in TEXT
    with pytest.raises(Problems) as caught:
        machine_of_text(TEXT.replace(old, new), "two-tiers.yaml")
    assert told in str(caught.value)


def test_no_shipped_machine_has_them():
    """So that every shipped machine is built as before."""
    for name in shipped_names("machines"):
        record = read_machine(name).record
        assert record.partitions == {}
        assert record.compute.gpu_cap_w is None
        assert record.storage is None or record.storage.capacity_appliance is None
