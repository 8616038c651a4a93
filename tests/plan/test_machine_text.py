"""Machines of plans as files: what is written is read and built again as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.catalogue import Fleet, read_catalogue
from terp.describe import machine_of_text
from terp.hardware import build_machine
from terp.plan.machines.frames import Extras, frame_for, kits_for, machine_file
from terp.plan.machines.machine_writer import machine_text

CATALOGUE = read_catalogue()
NODES = tuple(name for name in CATALOGUE.parts["nodes"] if kits_for(name, CATALOGUE))
SHIPPED = {"capacity_appliance": "ai400x2", "european_server": "management-server"}


@st.composite
def plans(draw):
    node = draw(st.sampled_from(NODES))
    kit = draw(st.sampled_from(kits_for(node, CATALOGUE)))
    topology = draw(st.sampled_from(["rail-optimised-fat-tree", "fat-tree"]))
    flash = draw(st.integers(0, 40))
    extras = Extras(
        flash, draw(st.integers(0, 9)) if flash else 0, draw(st.integers(0, 90)), draw(st.integers(1, 9)), **SHIPPED
    )
    frame = frame_for(node, kit, topology, draw(st.sampled_from([1.0, 1.3, 2.0, 3.0])), CATALOGUE)
    return frame, draw(st.integers(1, 500)), extras


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)  # a note is one line


@given(plans(), WORDS, WORDS, st.integers(0, 3), st.sampled_from([None, 595.0, 700.25]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(plan, title, note, spares, cap_w):
    frame, nodes, extras = plan
    if frame is None:
        return
    text = machine_text(
        frame, nodes, extras, CATALOGUE, name="plan-1", title=title, note=note, site="groningen", country="NO",
        in_service=2028, spare_nodes_count=spares, gpu_cap_w=cap_w, origin=["terp plan", note],
    )  # fmt: skip
    record = machine_of_text(text, "plan.yaml").record
    wanted = machine_file(frame, nodes, extras, "plan-1", title)
    for section in ("fabric", "storage", "management", "partitions"):
        assert getattr(record, section) == getattr(wanted, section)
    assert record.compute == wanted.compute.model_copy(update={"gpu_cap_w": cap_w})
    assert (record.title, record.note, record.site, record.country, record.in_service) == (
        title,
        note,
        "groningen",
        "NO",
        2028,
    )
    assert (record.reliability is None) == (spares == 0)
    if record.reliability is not None:
        fleet, own = CATALOGUE.part(Fleet, "gpu-fleet-2024"), record.reliability
        assert own.spare_nodes_count == spares
        for field in type(own).model_fields:
            if field != "spare_nodes_count":
                assert getattr(own, field) == getattr(fleet, field), field


def test_it_says_who_says_so():
    """The plan's choices are derived, what the reference prints has its source, and the fleet's values keep theirs."""
    frame = frame_for("dgx-b200", kits_for("dgx-b200", CATALOGUE)[0], "rail-optimised-fat-tree", 1.0, CATALOGUE)
    text = machine_text(
        frame, 127, Extras(9, **SHIPPED), CATALOGUE, name="plan-1", title="A plan", spare_nodes_count=2, origin=["by a plan"]
    )
    written = machine_of_text(text, "plan.yaml")
    assert text.startswith("# by a plan\nkind: machine\n")
    assert (
        'node_failures: {value: "0.0038 /day", status: derived, range: "0.0023 .. 0.0065 /day", source: llama3-2024' in text
    )
    assert written.provenance["compute.nodes"].status == "derived"
    assert written.provenance["fabric.manager_links"].source == "nvidia-superpod-h100"
    assert written.provenance["reliability.quick"].range_text == "0.6 .. 0.95"
    machine = build_machine(written, CATALOGUE)
    assert (machine.nodes_count, machine.reliability.spare_nodes_count) == (127, 2)
    assert machine.fabric.manager_cables_count == 4


def test_a_name_that_is_none_is_refused():
    frame = frame_for("dgx-b200", kits_for("dgx-b200", CATALOGUE)[0], "fat-tree", 1.0, CATALOGUE)
    with pytest.raises(ValueError, match="name"):
        machine_text(frame, 3, Extras(), CATALOGUE, name="A Plan", title="")
