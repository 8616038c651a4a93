"""A machine as a page: what it is, its racks, its fabric, where the power goes, the bill of materials, who says so.

All numbers are those of the built machine and of the models of its power; drawings are schematic, as a machine file says
how many racks and switches there are and not where they stand.

Each function below `machine_page` makes a section: a heading, words, and a table or a picture.  Powers are in watts, rates
in bytes and flop per second; how they are shown, `amounts` decides.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from markupsafe import Markup

import terp
from terp.describe import read_site
from terp.hardware import Machine
from terp.physics import machine_power, power_parts
from terp.predict.site_rates import site_rates
from terp.views.figures import machine_drawings, run_charts
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Cards, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import SPACE, count, euros, in_one_unit, percent, quantity
from terp.views.report.frame.value_origins import Row, source_fold, value_folds
from terp.views.text.machine_text import counted, held_against, rows

_PARTS: Final = {
    "gpus": "GPUs", "processors": "processors", "rest": "boards, memory, drives and losses in the nodes",
    "fans": "fans in the nodes", "networks": "switches and optics", "storage": "storage",
    "management": "management servers and partitions",
    "hall": "cooling and losses of the hall",
}  # fmt: skip
"""Part of the power -> what it is."""
_PERCENT: Final = re.compile(r"(\d)%")
_MOST_BOXES: Final = 16
"""Boxes that stand for a level of the fabric."""


def machine_page(machine: Machine) -> Page:
    """The page of a built machine.

    machine   built, with the parts of the catalogue that it is made of

    Power is before the hall, but for the section on where it goes.  Raises Problems or UnknownName where the site that the
    machine's file names cannot be read.
    """
    file, power = machine.file, machine_power(machine)
    place = f" at {read_site(file.site).record.title}" if file.site else ""
    since = f", in service since {file.in_service}" if file.in_service else ""
    return Page(
        title=file.title,
        kicker=f"Terp {terp.__version__} · machine {file.name}",
        lead=(
            f"{file.title}: {count(machine.gpus_count)} GPUs ({machine.accelerator.title}) in "
            f"{counted(machine.nodes_count, 'node', 'nodes')}{place}{since}. With every node in long training it draws "
            f"{quantity(power.expected_w, 'w')} before the hall, {quantity(power.idle_w, 'w')} when idle."
        ),
        blocks=[_cards(machine), *_what(machine), *_racks(machine), *_fabric(machine), *_power(machine), *_bill(machine),
                *_origins(machine)],
    )  # fmt: skip


def _cards(machine: Machine) -> Cards:
    """The figures to take along.

    What the file does not tell, such as storage or the price, has no card.

    Peaks are dense and of all GPUs, in those of FP64 on matrix units, BF16 and FP8 that the GPU has.  Power is that of long
    training on every node, beside the sum of the makers' maxima.
    """
    power, peaks, storage = machine_power(machine), machine.peak_flop_per_s, machine.storage
    cards = [
        (count(machine.gpus_count), f"GPUs, {quantity(machine.gpu_memory_bytes, 'bytes')} of memory"),
        (count(machine.nodes_count), f"nodes in {counted(machine.nodes.racks_count, 'rack', 'racks')}"),
        *(
            (quantity(peaks[name], "flop_per_s"), f"{name}, dense peak")
            for name in ("fp64-tensor", "bf16", "fp8")
            if name in peaks
        ),
        (quantity(power.expected_w, "w"), f"in long training; {quantity(power.rated_w, 'w')} rated"),
        (quantity(machine.fabric.bisection_bytes_per_s, "bytes_per_s"), "bisection of the compute fabric, each way"),
    ]
    if storage.usable_bytes is not None:
        cards.append((quantity(storage.usable_bytes, "bytes"), "of storage"))
    if machine.file.cost_eur is not None:
        cards.append((euros(machine.file.cost_eur), "paid or planned, as the file says"))
    return Cards(cards)


def _what(machine: Machine) -> list[Block]:
    """The named lines of `terp show`, and what is held against it.

    The lines are those of the terminal, so that the two never differ.

    Published counts, such as those of switches and racks, stand beside the built ones as the file has them: nothing is
    adjusted.
    """
    lines = [(name, _PERCENT.sub(rf"\1{SPACE}%", words)) for name, words in rows(machine) if name]
    blocks: list[Block] = [Heading("What it is"), Rows("The machine in lines", ("what", "as built"), lines, frozenset({1}))]
    held = held_against(machine)
    if held:
        blocks.append(
            Rows(
                "Counts that are published, beside those that were built",
                ("count", "built and published"),
                held,
                frozenset({1}),
            )
        )
    return blocks


def _racks(machine: Machine) -> list[Block]:
    """The racks with their nodes, and what stands in the others.

    Racks of other things are counted from the bill, and stand behind those of nodes.

    A rack that holds nodes of two groups has the colour of the later one.  The power of a rack is the machine's rated power,
    of switches and storage too, over the racks that hold nodes.
    """
    in_rack = Counter(machine.nodes.rack.tolist())
    unit_of = dict(zip(machine.nodes.rack.tolist(), machine.nodes.unit.tolist(), strict=True))
    drawn = [machine_drawings.DrawnRack(in_rack[number], unit_of[number]) for number in sorted(in_rack)]
    per_rack, others = machine.file.compute.nodes_per_rack_count, machine.racks_count - len(drawn)
    power_w = machine_power(machine).rated_w
    words = (
        f"{counted(len(drawn), 'rack', 'racks')} of nodes, {per_rack} in a full one, and "
        f"{counted(others, 'other', 'others')} of switches, storage and servers. The file says how many stand in a rack "
        "and not where a rack stands, so the plan is drawn in rows, as racks are numbered; racks of nodes carry "
        f"{quantity(power_w / max(len(drawn), 1), 'w')} each at the makers' maxima."
    )
    legend = (("bar-0", "nodes, their groups in turn"), ("bar-1", "the next group"))
    figure = both(lambda width: machine_drawings.racks(drawn, per_rack, others, "Racks and their nodes", width))
    return [Heading("Racks and floor"), Words(words), Picture("Racks with their nodes", figure, legend)]


def _fabric(machine: Machine) -> list[Block]:
    """The compute fabric by tiers, with counts and bisection; the networks beside it.

    Full bisection is what half of the nodes can send: the ratio says how much of that the middle carries.

    share of full = 2 bisection / injection, where injection is the rate of a node's port times the ports of all nodes [B/s].
    A network beside it that has no switches has no row.
    """
    fabric, node, switch = machine.fabric, machine.node, machine.switch
    injection = fabric.node_cables_count * node.compute_port_rate_bytes_per_s
    bisection = quantity(fabric.bisection_bytes_per_s, "bytes_per_s")
    share = percent(2 * fabric.bisection_bytes_per_s / injection, 0)
    cut = f"bisection {bisection} each way, {share} of full"
    figure = both(
        lambda width: machine_drawings.tiers(_tiers(machine, narrow=width < 500), cut, "The fabric by tiers", width)
    )
    words = (
        f"{machine.file.fabric.topology}, {counted(fabric.switches_count, 'switch', 'switches')} {switch.title}, "
        f"{switch.ports_count} ports of {quantity(switch.port_rate_bytes_per_s, 'bytes_per_s')} each. Nodes inject "
        f"{quantity(injection, 'bytes_per_s')} in all; the cut through the middle carries {bisection} each way, {share} of "
        "what half of the nodes can send."
    )
    networks = machine.networks
    to_storage = networks.storage_node_cables_count + networks.storage_appliance_cables_count
    beside = [
        ("storage fabric", count(networks.storage_switches_count), count(to_storage + networks.storage_uplink_cables_count)),
        ("Ethernet in band", count(networks.in_band_switches_count), count(networks.in_band_cables_count)),
        ("Ethernet out of band", count(networks.out_of_band_switches_count), count(networks.out_of_band_cables_count)),
    ]  # fmt: skip
    blocks: list[Block] = [Heading("The fabric"), Words(words), Picture("The compute fabric by tiers", figure)]
    known = [row for row in beside if row[1] != "0"]
    if known:
        blocks.append(Rows("The networks beside it", ("network", "switches", "cables"), known))
    return blocks


def _tiers(machine: Machine, *, narrow: bool) -> list[machine_drawings.Tier]:
    """The levels of the fabric from the nodes upwards.

    narrow   whether fewer boxes have room

    A level that the fabric has not is left out: a dragonfly has its switches alone.

    A level is drawn with at most 16 boxes, or 8 where it is narrow, whatever its true count, which its words say.  `below`
    of a level counts its cables to the one under it.
    """
    fabric, node = machine.fabric, machine.node
    most = _MOST_BOXES // 2 if narrow else _MOST_BOXES
    rate = quantity(node.compute_port_rate_bytes_per_s, "bytes_per_s")
    flat = not fabric.spine_switches_count
    levels = [
        (machine.nodes_count, counted(machine.nodes_count, "node", "nodes"), node.title, ""),
        (fabric.leaf_switches_count, counted(fabric.leaf_switches_count, "switch" if flat else "leaf switch",
         "switches" if flat else "leaf switches"), _within(machine), f"{count(fabric.node_cables_count)} links of {rate}"),
        (fabric.spine_switches_count, counted(fabric.spine_switches_count, "spine switch", "spine switches"), "",
         f"{count(fabric.leaf_spine_cables_count)} cables"),
        (fabric.core_switches_count, counted(fabric.core_switches_count, "core switch", "core switches"), "",
         f"{count(fabric.spine_core_cables_count or fabric.global_cables_count)} cables"),
    ]  # fmt: skip
    return [machine_drawings.Tier(words, note, below, min(number, most)) for number, words, note, below in levels if number]


def _within(machine: Machine) -> str:
    """The cables of a dragonfly, within groups and between them; empty for a tree.

    Cables within groups are counted of a dragonfly alone: where there are spines, as in a dragonfly+, they are cables
    between tiers.
    """
    fabric = machine.fabric
    if not fabric.global_cables_count:
        return ""
    local = "" if fabric.spine_switches_count else f"{count(fabric.local_cables_count)} cables within groups, "
    return f"{local}{count(fabric.global_cables_count)} between groups"


def _power(machine: Machine) -> list[Block]:
    """Where the power goes, with the hall where the machine names a site.

    The hall's part is its mean PUE over the year, at the site that the machine's file names; without a site it is left out.

    hall = (PUE - 1) x sum of the parts [W].  Parts that draw nothing and are rated at nothing are left out; shares are of
    the sum with the hall, for which no maker has a maximum.
    """
    parts = [(part.part, part.expected_w, part.rated_w) for part in power_parts(machine) if part.expected_w or part.rated_w]
    total_w, rates = sum(part[1] for part in parts), site_rates(machine)
    if rates is not None:
        parts.append(("hall", (rates.pue_ratio - 1) * total_w, 0.0))
    whole_w = sum(part[1] for part in parts)
    unit, shown = in_one_unit([*(part[1] for part in parts), whole_w], "w", 2)
    _, rated = in_one_unit([part[2] or None for part in parts], "w", 2, unit)
    drawn = [
        (_PARTS[name], expected_w / whole_w, None, f"bar-{index % 6}") for index, (name, expected_w, _) in enumerate(parts)
    ]
    table = [
        (_PARTS[name], shown[index], percent(expected_w / whole_w), rated[index])
        for index, (name, expected_w, _) in enumerate(parts)
    ]
    at = f" at the meter of {machine.file.site}, PUE {rates.pue_ratio:.2f} over the year" if rates is not None else ""
    return [
        Heading("Where the power goes"),
        Picture(
            f"Shares of {quantity(whole_w, 'w')} with every node in long training{at}",
            both(lambda width: run_charts.shares(drawn, "Where the power goes", width=width)),
        ),
        Rows(
            "Power by part", ("part", f"in long training [{unit}]", "share", f"makers' maximum [{unit}]"),
            [*table, ("in all", shown[-1], percent(1.0), "")], total=True,
        ),
        Words(
            "A node's electronics are known as a whole; between GPUs, processors and the rest they are split as the makers' "
            "maxima are.", "note",
        ),
    ]  # fmt: skip


def _bill(machine: Machine) -> list[Block]:
    """Every part with its count, folded.

    Counts are pieces, as on the bill that `terp show --bom` prints.

    A row has where a part is used, its title, its name in the catalogue and how many there are.
    """
    lines = [
        (line.where, line.part.title, Markup("<code>{}</code>").format(line.name), count(line.count))
        for line in machine.bill
    ]
    head = ("where", "part", "in the catalogue", "count")
    return [
        Heading("What it is made of"),
        Fold(f"The bill of materials: {len(lines)} lines", [Rows("Bill of materials", head, lines, frozenset({1, 2}))]),
    ]


def _origins(machine: Machine) -> list[Block]:
    """Who says each value.

    Values of the parts are those of the catalogue, under the name of each part.

    Values are folded by status, assumed ones first, and grouped by what their path begins with; those of the machine's own
    file stand under its title.  The sources are those that the machine cites.
    """
    listed: list[Row] = []
    for path, entry in sorted(machine.provenance.items()):
        row = {"path": path, "value": entry.value_text, "status": entry.status, "source": entry.source}
        listed.append(row | {"range": entry.range_text, "note": entry.note})
    statuses = Counter(row["status"] for row in listed)
    words = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    sources = {
        note.key: {"title": note.title, "publisher": note.publisher, "grade": note.grade, "address": note.address}
        for note in machine.sources
    }
    return [
        Heading("Who says so"),
        Words(f"{words} values stand behind this machine.{SPACE}What is assumed has a range within which it may lie."),
        *value_folds(listed, {machine.file.name: f"The machine: {machine.file.title}"}),
        *source_fold(sources),
    ]
