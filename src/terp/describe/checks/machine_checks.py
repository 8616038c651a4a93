"""What the fields of a machine file cannot tell one by one: parts that must be known, counts that must fit each other.

The checks of names work on the plain data of a file, so that they report beside whatever else is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from terp.catalogue import Catalogue, Part, Server, read_catalogue, unknown_sources
from terp.describe.machine_file import OF_TOPOLOGY, PARTS, MachineFile
from terp.errors import Problem, UnknownName
from terp.reader import Sourced, Tree, Written


def unmet_sources(sourced: Sourced) -> list[Problem]:
    """Sources of a file that the catalogue does not cite.

    sourced   plain data with the sources that its values name
    """
    return unknown_sources(sourced, read_catalogue().sources)


def unmet_names(sourced: Sourced) -> list[Problem]:
    """Sources and parts of a machine file that the catalogue does not have.

    It works on plain data, before there is a record, and so tells of names beside whatever else is wrong.
    """
    places: list[tuple[str, ...]] = [(section, field) for section, field, _ in PARTS]
    partitions = _at(sourced.data, ("partitions",))
    places += [("partitions", name, "server") for name in (partitions if isinstance(partitions, dict) else {})]
    names = {place: _at(sourced.data, place) for place in places}
    named = {place: name for place, name in names.items() if isinstance(name, str)}
    return [*unmet_sources(sourced), *unknown_parts(sourced.tree, named, read_catalogue())]


def _at(data: object, path: tuple[str, ...]) -> object:
    """What stands at a path of plain data; None where nothing does."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def parts_named(file: MachineFile) -> dict[tuple[str, ...], str]:
    """The parts that a machine file names: path of the key -> the name, as ("compute", "node") -> "dgx-h100".

    Keys that are left out are not there.  `PARTS` has the kinds, all others are servers of partitions.
    """
    sections = {(section, field): getattr(file, section) for section, field, _ in PARTS}
    names = {place: getattr(section, place[1], None) for place, section in sections.items()}
    named: dict[tuple[str, ...], str] = {place: name for place, name in names.items() if name is not None}
    return named | {("partitions", name, "server"): other.server for name, other in file.partitions.items()}


def unknown_parts(tree: Tree, named: Mapping[tuple[str, ...], str], catalogue: Catalogue) -> list[Problem]:
    """Parts that a machine file names and the catalogue does not have, or has as another kind of part.

    tree     the file, for the places of problems
    named    path of the key -> the name that stands there
    """
    kinds: dict[tuple[str, ...], type[Part]] = {(section, field): kind for section, field, kind in PARTS}
    problems = []
    for place, name in named.items():
        try:
            catalogue.part(kinds.get(place, Server), name)
        except UnknownName as error:
            hint = str(error).partition("; ")[2]
            problems.append(tree.problem(place, "no such part in the catalogue", repr(error.name), hint))
    return problems


def misfits_of_machine(written: Written[MachineFile]) -> list[Problem]:
    """Nodes counted twice or not at all, keys that a topology does not have or needs, repair times that run backwards."""
    return [*_counts_of_nodes(written), *_keys_of_topology(written), *_storage_forms(written), *_repair_times(written)]


def _counts_of_nodes(written: Written[MachineFile]) -> list[Problem]:
    """Nodes are counted by units or in all, never both, and only a unit can leave some out."""
    compute, tree = written.record.compute, written.tree
    if (compute.scalable_units_count is None) == (compute.nodes_count is None):
        wrong = (
            "neither `scalable_units` nor `nodes`" if compute.nodes_count is None else "both `scalable_units` and `nodes`"
        )
        return [tree.problem(("compute",), wrong, would_do="write one of them", key=True)]
    if compute.nodes_count is not None and compute.left_out_count:
        would_do = "leave it away: `nodes` counts those that are there"
        return [tree.problem(("compute", "left_out"), "left out of a count of nodes", str(compute.left_out_count), would_do)]
    if compute.left_out_count >= compute.nodes_per_unit_count:
        wrong, would_do = "more nodes are left out than a unit has", "use fewer units or leave out fewer"
        return [tree.problem(("compute", "left_out"), wrong, str(compute.left_out_count), would_do)]
    return []


def _keys_of_topology(written: Written[MachineFile]) -> list[Problem]:
    """Keys of `fabric` that belong to another topology, and those that this one cannot do without."""
    fabric, tree = written.record.fabric, written.tree
    own = OF_TOPOLOGY[fabric.topology]
    others = {key for keys in OF_TOPOLOGY.values() for key in keys} - set(own)
    there = tree.data.get("fabric", {}) if isinstance(tree.data, dict) else {}
    problems = [
        tree.problem(
            ("fabric", key), f"a {fabric.topology} has none", would_do="leave it away; it has " + ", ".join(own), key=True
        )
        for key in sorted(others & set(there))
    ]
    needed = [key for key in own if key.endswith("_per_group") or key == "global_links"]
    return problems + [
        tree.problem(("fabric", key), f"missing in a {fabric.topology}", would_do=f"add `{key}:`", key=True)
        for key in needed
        if getattr(fabric, f"{key}_count") is None
    ]


def _storage_forms(written: Written[MachineFile]) -> list[Problem]:
    """Appliances of which the count, the part or the switch is missing; a second tier without a first."""
    storage, problems = written.record.storage, []
    if storage is None:
        return []
    if len({part is None for part in (storage.appliance, storage.appliances_count, storage.switch)}) > 1:
        would_do = "write `appliance`, `appliances` and `switch`, or none of them"
        problems.append(written.tree.problem(("storage",), "appliances in part", would_do=would_do, key=True))
    second = (storage.capacity_appliance, storage.capacity_appliances_count)
    if any(second) and not all((*second, storage.appliance)):
        would_do = "write `capacity_appliance` and `capacity_appliances`, beside `appliance`"
        problems.append(written.tree.problem(("storage",), "a second tier in part", would_do=would_do, key=True))
    return problems


def _repair_times(written: Written[MachineFile]) -> list[Problem]:
    """Repair times whose high end or 95th percentile lies below the low end or the median."""
    reliability, tree = written.record.reliability, written.tree
    pairs = (("quick_low", "quick_high"), ("slow_median", "slow_p95"))
    return [
        tree.problem(("reliability", high), f"less than {low}", would_do="the larger one comes second")
        for low, high in pairs
        if reliability is not None and getattr(reliability, f"{low}_s") > getattr(reliability, f"{high}_s")
    ]
