"""A built machine as text: alone, beside others, and what of it is assumed.

Every number here is one of the built machine's; what is expected, idle and rated comes of its power model at the same
cap as everywhere.  JSON is made by `terp.predict.machine_document`.
"""

from __future__ import annotations

from typing import Final

from terp.hardware import Machine
from terp.physics import machine_power
from terp.predict.machine_document import assumed_paths
from terp.units import number, show
from terp.views.text.columns import USUAL, aligned, folded, labelled

LABEL: Final = 15
"""Columns of a line's name."""


def rows(built: Machine) -> list[tuple[str, str]]:
    """The machine as named lines, (name, text) each; a name of "" is a gap, and lines with nothing to say are left out.

    Sizes, rates and powers are scaled; the peaks are those of FP64 tensor, BF16 and FP8 where the GPU has them.
    """
    power, node, file = machine_power(built), built.node, built.file
    wanted = ("fp64-tensor", "bf16", "fp8")
    peaks = [f"{name} {show(rate, 'flop_per_s')}" for name, rate in built.peak_flop_per_s.items() if name in wanted]
    others = built.racks_count - built.nodes.racks_count
    domains = -(-built.gpus_count // node.link_domain_count)
    domain = f"{domains:,} of {node.link_domain_count} GPUs" if node.link_domain_count > 1 else ""
    rows = [
        ("nodes", f"{built.nodes_count:,} {node.title}, {counted(file.compute.units_count, *_units(file.fabric.topology))}"),
        ("GPUs", f"{built.gpus_count:,} {built.accelerator.title}, {show(built.gpu_memory_bytes, 'bytes')} of memory"),
        ("NVLink domains" if "NVIDIA" in built.accelerator.title else "link domains", domain),
        ("racks", f"{built.nodes.racks_count} of nodes" + (f" + {others} others" if others else "")),
        ("", ""),
        *_network_rows(built),
        ("storage", _storage(built)),
        ("", ""),
        ("peak, dense", ", ".join(peaks)),
        *((f"partition {name}", f"{other.servers_count:,} x {other.server}") for name, other in file.partitions.items()),
        ("GPU cap", f"{show(file.compute.gpu_cap_w, 'w')} in operation" if file.compute.gpu_cap_w else ""),
        ("rated power", show(power.rated_w, "w")),
        ("expected power", f"{show(power.expected_w, 'w')} with every node in long training"),
        ("idle power", show(power.idle_w, "w")),
        ("cost", show(file.cost_eur, "eur") if file.cost_eur is not None else ""),
    ]
    return [row for row in rows if row[1] or not row[0]]


def counted(count: int, singular: str, plural: str) -> str:
    """A count with its noun.

    >>> counted(2, "switch", "switches")
    '2 switches'
    """
    return f"{count:,} {singular if count == 1 else plural}"


def _units(topology: str) -> tuple[str, str]:
    """What the topology calls the group in which nodes are bought: one, and many of them.

    topology   of the compute fabric, as the machine's file has it
    """
    if topology == "rail-optimised-fat-tree":
        return "scalable unit", "scalable units"
    return ("group of leaves", "groups of leaves") if topology == "fat-tree" else ("group", "groups")


def _network_rows(built: Machine) -> list[tuple[str, str]]:
    """Lines of the networks: switches by level, cables by the two ends, and the bisection over full injection.

    A fabric without spines, such as a dragonfly, has cables within groups and between them in place of levels.
    """
    fabric, networks = built.fabric, built.networks
    levels = {"leaf": fabric.leaf_switches_count, "spine": fabric.spine_switches_count, "core": fabric.core_switches_count}
    switches = _counts(levels)
    if not fabric.spine_switches_count:
        switches = f"{fabric.leaf_switches_count:,}"
    to_nodes = {"node": fabric.node_cables_count, "manager": fabric.manager_cables_count}
    between = {
        "leaf-spine": fabric.leaf_spine_cables_count,
        "spine-core": fabric.spine_core_cables_count,
        "in groups": 0 if fabric.spine_switches_count else fabric.local_cables_count,
        "between groups": fabric.global_cables_count,
    }
    injection = fabric.node_cables_count * built.node.compute_port_rate_bytes_per_s
    share = 2 * fabric.bisection_bytes_per_s / injection
    ethernet = f"{networks.in_band_switches_count} in band + {networks.out_of_band_switches_count} out of band"
    return [
        ("compute fabric", f"{built.file.fabric.topology}, {switches} switches {built.switch.title}"),
        ("cables", f"{_counts(to_nodes)}, {_counts(between)}"),
        ("bisection", f"{show(fabric.bisection_bytes_per_s, 'bytes_per_s')} each way, {share:.0%} of full"),
        ("storage fabric", f"{networks.storage_switches_count} switches" if networks.storage_switches_count else ""),
        ("Ethernet", ethernet if networks.in_band_switches_count else ""),
    ]


def _counts(counts: dict[str, int]) -> str:
    """Counts with their names, those of 0 left out.

    >>> _counts({"leaf": 1200, "spine": 64, "core": 0})
    '1,200 leaf + 64 spine'
    """
    return " + ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _storage(built: Machine) -> str:
    """Storage in words: appliances where they are told, usable bytes, and the rate of reading; empty if nothing is known."""
    storage, file = built.storage, built.file.storage
    if storage.usable_bytes is None:
        return ""
    text = show(storage.usable_bytes, "bytes")
    if storage.read_bytes_per_s is not None:
        text += f", read {show(storage.read_bytes_per_s, 'bytes_per_s')}"
    if file is None or file.appliance is None:
        return text
    second = f" and {file.capacity_appliances_count} x {file.capacity_appliance}" if file.capacity_appliance else ""
    return f"{file.appliances_count} x {file.appliance}{second}: {text}"


def as_text(built: Machine, width: int = USUAL) -> str:
    """The machine for people, a few dozen lines: its named lines, what it is held against, and how its values are known.

    width   of the screen, to which lines are folded
    """
    place = built.file.site or built.file.country
    title = f"{built.file.title} ({built.file.name})" + (f", at {place}" if place else "")
    lines = [*labelled("", title, 0, width, 0), ""]
    for name, text in [*rows(built), *(("held against", f"{name}: {text}") for name, text in held_against(built))]:
        lines += labelled(name, text, LABEL, width) if name else [""]
    statuses = [entry.status for entry in built.provenance.values()]
    counts = ", ".join(f"{number(statuses.count(status))} {status}" for status in dict.fromkeys(sorted(statuses)))
    told = f"{len(statuses)} values: {counts}; --assumed lists those that are assumed, with their ranges"
    return "\n".join([*lines, "", *labelled("", told, 0, width)])


def assumed_text(built: Machine, width: int = USUAL) -> str:
    """The values that are assumed, each as taken and within which range it may lie.

    width   of the screen, to which cells are folded

    One line says so where nothing is assumed.
    """
    paths = assumed_paths(built)
    if not paths:
        return f"nothing of {built.file.name} is assumed"
    table = [["assumed", "value", "range", "note"]]
    for path in paths:
        entry = built.provenance[path]
        table.append([path, entry.value_text, entry.range_text, entry.note])
    return "\n".join(folded(table, width))


def held_against(built: Machine) -> list[tuple[str, str]]:
    """Counts that the machine file says are published, each beside the built one, as (name, words).

    Nothing is adjusted to them: a difference is shown with the note of the file.
    """
    if built.file.published is None:
        return []
    fabric = built.fabric
    built_counts = {
        "leaf_switches_count": fabric.leaf_switches_count,
        "spine_switches_count": fabric.spine_switches_count,
        "core_switches_count": fabric.core_switches_count,
        "switches_count": fabric.switches_count,
        "groups_count": built.file.compute.units_count,
        "racks_count": built.racks_count,
        "cables_count": sum(line.count for line in built.bill if line.name == built.file.fabric.cable),
    }
    compared = []
    for key, printed in built.file.published.model_dump(exclude_none=True).items():
        name = key.removesuffix("_count")
        entry = built.provenance.get(f"{built.file.name}.published.{name}")
        note = f" ({entry.note})" if entry is not None and entry.note else ""
        compared.append((name.replace("_", " "), f"{built_counts[key]:,} built, {printed:,} published{note}"))
    return compared


def beside(machines: list[Machine], width: int | None = None) -> str:
    """Machines side by side, a column each; a dash where one has no such line.

    width   of the screen, to which cells are folded; None leaves them whole
    """
    columns = [dict(row for row in rows(built) if row[0]) for built in machines]
    names = list(dict.fromkeys(name for column in columns for name in column))
    table = [["", *(built.file.name for built in machines)]]
    table += [[name, *(column.get(name, "-") for column in columns)] for name in names]
    return "\n".join(aligned(table) if width is None else folded(table, width))
