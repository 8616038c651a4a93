"""A built machine as one document: counts, fabric, storage, memory, peaks and powers.

The one document that the terminal prints as JSON, `Machine.to_dict` gives from Python, and pages show.  Keys and units are
a format (docs/formats/machine.md): adding a key is free, and renaming one breaks its readers.
"""

from __future__ import annotations

from terp.hardware import Fabric, Machine
from terp.physics import machine_power


def machine_document(built: Machine) -> dict[str, object]:
    """What `terp show --json` prints of a machine, in SI; see docs/formats/machine.md.

    built   a built machine

    Every number is in SI, with its unit in the key.  None means not known or not described; 0 means none there.  Powers are
    of the whole machine: rated by the makers, expected in long training, idle, and of networks and storage alone [W].
    """
    networks, node, power, storage = built.networks, built.node, machine_power(built), built.storage
    file = built.file.storage
    appliances = (file.appliances_count or 0, file.capacity_appliances_count or 0) if file else (0, 0)
    return {
        "machine": built.file.name,
        "title": built.file.title,
        "country": built.file.country,
        "in_service": built.file.in_service,
        "site": built.file.site,
        "nodes_count": built.nodes_count,
        "gpus_count": built.gpus_count,
        "gpus_per_node_count": node.accelerators_count,
        "gpu": node.accelerator,
        "scalable_units_count": built.file.compute.units_count,
        "racks_count": built.racks_count,
        "link_domain": {
            "gpus_count": node.link_domain_count,
            "switches_count": node.link_switches_count,
            "domains_count": -(-built.gpus_count // node.link_domain_count),
        },
        "fabric": {"topology": built.file.fabric.topology, **_fabric_counts(built.fabric)},
        "networks": {
            "storage_switches_count": networks.storage_switches_count,
            "in_band_switches_count": networks.in_band_switches_count,
            "out_of_band_switches_count": networks.out_of_band_switches_count,
        },
        "storage": {
            "appliances_count": appliances[0],
            "capacity_appliances_count": appliances[1],
            "usable_bytes": storage.usable_bytes,
            "read_bytes_per_s": storage.read_bytes_per_s,
            "write_bytes_per_s": storage.write_bytes_per_s,
        },
        "partitions": {name: other.servers_count for name, other in built.file.partitions.items()},
        "gpu_cap_w": built.file.compute.gpu_cap_w,
        "gpu_memory_bytes": built.gpu_memory_bytes,
        "host_memory_bytes": built.nodes_count * node.memory_bytes,
        "peak_flop_per_s": built.peak_flop_per_s,
        "rated_power_w": power.rated_w,
        "expected_power_w": power.expected_w,
        "idle_power_w": power.idle_w,
        "network_and_storage_power_w": power.base_w,
        "cost_eur": built.file.cost_eur,
        "published": built.file.published.model_dump(exclude_none=True) if built.file.published else {},
        "assumed": assumed_paths(built),
        "catalogue_digest": built.catalogue_digest,
    }


def _fabric_counts(fabric: Fabric) -> dict[str, object]:
    """Counts of switches and cables by tier, and the bisection [B/s], by the names of their fields."""
    names = (
        "tiers_count", "leaf_switches_count", "spine_switches_count", "core_switches_count", "node_cables_count",
        "manager_cables_count", "leaf_spine_cables_count", "spine_core_cables_count", "local_cables_count",
        "global_cables_count", "bisection_bytes_per_s",
    )  # fmt: skip
    return {name: getattr(fabric, name) for name in names}


def assumed_paths(built: Machine) -> list[str]:
    """Dotted paths of the values that are assumed, sorted.

    Such as "adapters.connectx-7.latency": what a reader should doubt first.
    """
    return sorted(path for path, entry in built.provenance.items() if entry.status == "assumed")
