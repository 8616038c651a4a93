"""`terp show MACHINE`: the built machine, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terp.build import Machine


@click.command("show")
@click.argument("machine")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
@click.option("--bom", is_flag=True, help="Print the bill of materials, as CSV or with --json as JSON.")
@click.option("--nodes", is_flag=True, help="Print where every node stands, as CSV or with --json as JSON.")
def command(machine: str, *, as_json: bool, bom: bool, nodes: bool) -> None:
    """Show MACHINE, a shipped name or a file, as it is built: counts, fabric, power, memory, peak rates."""
    from terp.build import build_machine
    from terp.catalogue import read_catalogue
    from terp.describe import read_machine

    built = build_machine(read_machine(machine), read_catalogue())
    if bom or nodes:
        rows = bill_rows(built) if bom else node_rows(built)
        click.echo(json.dumps(rows, indent=2) if as_json else _csv(rows), nl=as_json)
    elif as_json:
        click.echo(json.dumps(as_data(built), indent=2))
    else:
        click.echo(as_text(built))


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def bill_rows(built: Machine) -> list[dict[str, Any]]:
    """The bill of materials, a row a line."""
    return [{"where": e.where, "part": e.name, "title": e.part.title, "count": e.count} for e in built.bill]


def node_rows(built: Machine) -> list[dict[str, Any]]:
    """Where every node stands: unit, rack, place in the rack, and leaf and leaf port of each rail, all from 0."""
    nodes = built.nodes
    return [
        {"node": number, "unit": int(unit), "rack": int(rack), "place": int(place)}
        | {f"rail{rail}_leaf": int(leaf) for rail, leaf in enumerate(nodes.leaf[number])}
        | {f"rail{rail}_port": int(port) for rail, port in enumerate(nodes.leaf_port[number])}
        for number, (unit, rack, place) in enumerate(zip(nodes.unit, nodes.rack, nodes.place, strict=True))
    ]


def as_data(built: Machine) -> dict[str, Any]:
    """The JSON of `terp show`, see docs/formats/machine.md."""
    from terp.model import machine_power

    fabric, networks, node, power = built.fabric, built.networks, built.node, machine_power(built)
    storage = built.file.storage.appliances_count
    return {
        "machine": built.file.name,
        "title": built.file.title,
        "site": built.file.site,
        "nodes_count": built.nodes_count,
        "gpus_count": built.gpus_count,
        "gpus_per_node_count": node.accelerators_count,
        "gpu": node.accelerator,
        "scalable_units_count": built.file.compute.scalable_units_count,
        "racks_count": built.racks_count,
        "fabric": {
            "topology": built.file.fabric.topology,
            "tiers_count": fabric.tiers_count,
            "leaf_switches_count": fabric.leaf_switches_count,
            "spine_switches_count": fabric.spine_switches_count,
            "core_switches_count": fabric.core_switches_count,
            "node_cables_count": fabric.node_cables_count,
            "manager_cables_count": fabric.manager_cables_count,
            "leaf_spine_cables_count": fabric.leaf_spine_cables_count,
            "spine_core_cables_count": fabric.spine_core_cables_count,
        },
        "networks": {
            "storage_switches_count": networks.storage_switches_count,
            "in_band_switches_count": networks.in_band_switches_count,
            "out_of_band_switches_count": networks.out_of_band_switches_count,
        },
        "storage": {
            "appliances_count": storage,
            "usable_bytes": storage * built.appliance.usable_bytes,
            "read_bytes_per_s": storage * built.appliance.read_rate_bytes_per_s,
            "write_bytes_per_s": storage * built.appliance.write_rate_bytes_per_s,
        },
        "gpu_memory_bytes": built.gpu_memory_bytes,
        "host_memory_bytes": built.nodes_count * node.memory_bytes,
        "peak_flop_per_s": built.peak_flop_per_s,
        "rated_power_w": power.rated_w,
        "expected_power_w": power.expected_w,
        "idle_power_w": power.idle_w,
        "network_and_storage_power_w": power.base_w,
        "assumed": sorted(path for path, entry in built.provenance.items() if entry.status == "assumed"),
        "catalogue_digest": built.catalogue_digest,
    }


def as_text(built: Machine) -> str:
    """The machine for people, a few dozen lines."""
    from terp.model import machine_power
    from terp.units import number, show

    power = machine_power(built)
    fabric, networks, node = built.fabric, built.networks, built.node
    storage, compute = built.file.storage.appliances_count, built.file.compute
    tiers = f"{fabric.leaf_switches_count} leaf + {fabric.spine_switches_count} spine"
    tiers += f" + {fabric.core_switches_count} core" if fabric.core_switches_count else ""
    upper = f"{fabric.leaf_spine_cables_count:,} leaf-spine"
    upper += f" + {fabric.spine_core_cables_count:,} spine-core" if fabric.spine_core_cables_count else ""
    usable, read = storage * built.appliance.usable_bytes, storage * built.appliance.read_rate_bytes_per_s
    wanted = ("fp64-tensor", "bf16", "fp8")
    peaks = [f"{name} {show(rate, 'flop_per_s')}" for name, rate in built.peak_flop_per_s.items() if name in wanted]
    rows = [
        ("nodes", f"{built.nodes_count:,} {node.title}, {compute.scalable_units_count} scalable units"),
        ("GPUs", f"{built.gpus_count:,} {built.accelerator.title}, {show(built.gpu_memory_bytes, 'bytes')} of memory"),
        ("racks", f"{built.nodes.racks_count} of nodes + {built.racks_count - built.nodes.racks_count} others"),
        ("", ""),
        ("compute fabric", f"{built.file.fabric.topology}, {fabric.tiers_count} tiers: {tiers} switches"),
        ("cables", f"{fabric.node_cables_count:,} node + {fabric.manager_cables_count} manager, {upper}"),
        ("storage fabric", f"{networks.storage_switches_count} switches"),
        ("Ethernet", f"{networks.in_band_switches_count} in band + {networks.out_of_band_switches_count} out of band"),
        ("storage", f"{storage} x {built.appliance.title}: {show(usable, 'bytes')}, read {show(read, 'bytes_per_s')}"),
        ("", ""),
        ("peak, dense", ", ".join(peaks)),
        ("rated power", show(power.rated_w, "w")),
        ("expected power", f"{show(power.expected_w, 'w')} with every node in long training"),
        ("idle power", show(power.idle_w, "w")),
    ]  # fmt: skip
    lines = [f"{built.file.title} ({built.file.name}), at {built.file.site}", ""]
    lines += [f"  {name:15} {text}".rstrip() for name, text in rows]
    statuses = [entry.status for entry in built.provenance.values()]
    counts = ", ".join(f"{number(statuses.count(status))} {status}" for status in dict.fromkeys(sorted(statuses)))
    assumed = sorted(path for path, entry in built.provenance.items() if entry.status == "assumed")
    lines += ["", f"  {len(statuses)} values: {counts}", "  assumed: " + ", ".join(assumed)]
    return "\n".join(lines)
