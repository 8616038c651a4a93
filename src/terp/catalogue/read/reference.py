"""What comparisons are made with, and what stands beside the nodes of a planned machine: names of parts, as data.

No name of a part stands in the code of Terp, so what a comparison takes for granted must be data: changing the reference
GPU is an edit of reference.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field

from terp.catalogue.read.parts import Accelerator, Cable, Fleet, Node, Part, Rack, Server, StorageAppliance, Switch
from terp.catalogue.read.whole import Catalogue, read_catalogue, unknown_sources
from terp.errors import Problem, Problems, did_you_mean
from terp.reader import Name, Record, Sourced, Written, read_record


class Beside(Record):
    """Parts of a planned machine beside its nodes and their kit.

    servers_count   that run the cluster
    rack, rack_units_used_count   rack of switches and servers, and the units of it in use

    flash_appliance, capacity_appliance   storage of the first and the second tier
    european_server   server of a European maker
    in_band_*, out_of_band_*   switches and cables of the two Ethernets
    fabric_manager, server   what manages the compute fabric, and what runs the cluster
    """

    flash_appliance: Name
    capacity_appliance: Name
    european_server: Name
    in_band_switch: Name
    in_band_cable: Name
    out_of_band_switch: Name
    out_of_band_cable: Name
    fabric_manager: Name
    server: Name
    servers_count: int = Field(ge=1, le=10_000)
    rack: Name
    rack_units_used_count: int = Field(ge=1, le=60)


class Reference(Record):
    """Names in the catalogue of what stands for all of its kind.

    gpu, node       the GPU whose hour of science counts 1, and the node that it stands in
    workload_node   whose power a workload file gives for its jobs
    fleet           whose reliability a machine has that publishes none
    rent            price of an hour of the reference GPU, rented
    peer_nodes      GPUs that others were measured beside -> the node that they stand in
    racks           cooling of a node -> the rack that it stands in if it names none
    """

    kind: Literal["reference"]
    gpu: Name
    node: Name
    workload_node: Name
    fleet: Name
    rent: Name
    peer_nodes: dict[Name, Name]
    beside: Beside
    racks: dict[Literal["air", "liquid"], Name]


_KINDS: dict[str, type[Part]] = {
    "gpu": Accelerator,
    "node": Node,
    "workload_node": Node,
    "fleet": Fleet,
    "flash_appliance": StorageAppliance,
    "capacity_appliance": StorageAppliance,
    "european_server": Server,
    "in_band_switch": Switch,
    "in_band_cable": Cable,
    "out_of_band_switch": Switch,
    "out_of_band_cable": Cable,
    "fabric_manager": Server,
    "server": Server,
    "rack": Rack,
}
"""Field -> the kind of part that it names."""


@cache
def read_reference() -> Written[Reference]:
    """The reference that ships with Terp, with who says each value.  Raises Problems if its file is wrong.

    Kept after the first time; the user's own folder does not change it.
    """
    text = resources.files("terp.catalogue").joinpath("reference.yaml").read_text("utf-8")
    return reference_of(text, read_catalogue())


def usual_fleet() -> Fleet:
    """The reliability of machines that publish none of their own."""
    return read_catalogue().part(Fleet, read_reference().record.fleet)


def reference_of(text: str, catalogue: Catalogue) -> Written[Reference]:
    """The reference of a text of YAML.  Raises Problems, all at once, of parts and sources that nobody knows too.

    text        of reference.yaml, or of a test;  catalogue   in which its parts must be
    """

    def unmet(sourced: Sourced) -> list[Problem]:
        return unknown_sources(sourced, catalogue.sources)

    written = read_record(text, "reference.yaml", Reference, unmet)
    problems = [
        written.tree.problem(path, f"no such part in {catalogue.family_of(kind)}", repr(name), did_you_mean(name, known))
        for path, kind, name in _named(written.record)
        if name not in (known := catalogue.parts[catalogue.family_of(kind)])
    ]
    if problems:
        raise Problems(problems)
    return written


def _named(record: Reference) -> Iterator[tuple[tuple[str, ...], type[Part], str]]:
    """Path, kind and name of every part that is named."""
    for prefix, section in (((), record), (("beside",), record.beside)):
        for field, value in section:
            if field in _KINDS:
                yield (*prefix, field), _KINDS[field], value
    for cooling, rack in record.racks.items():
        yield ("racks", cooling), Rack, rack
    for gpu, node in record.peer_nodes.items():
        yield ("peer_nodes", gpu), Accelerator, gpu
        yield ("peer_nodes", gpu), Node, node
