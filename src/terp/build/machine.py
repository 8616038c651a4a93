"""Machine file + catalogue -> Machine.  All that keeps it from being built is reported together."""

from __future__ import annotations

from dataclasses import dataclass

from terp.build.bill import Line, bill_of_materials
from terp.build.fabric import Fabric, build_fabric
from terp.build.networks import Networks, build_networks
from terp.build.nodes import Nodes, check_cables, check_racks, place_nodes
from terp.catalogue import Accelerator, Catalogue, Node, Processor, Rack, StorageAppliance, Switch
from terp.describe import PARTS, MachineFile, unknown_parts
from terp.errors import Problems
from terp.reader import Provenance, Written


@dataclass(frozen=True)
class Machine:
    """A built machine.

    provenance   who says each value of the machine file and of the parts it uses, by dotted path
    """

    file: MachineFile
    node: Node
    accelerator: Accelerator
    processor: Processor
    nodes: Nodes
    fabric: Fabric
    networks: Networks
    appliance: StorageAppliance
    bill: tuple[Line, ...]
    catalogue_digest: str
    provenance: dict[str, Provenance]

    @property
    def nodes_count(self) -> int:
        """Nodes."""
        return int(self.nodes.unit.size)

    @property
    def gpus_count(self) -> int:
        """GPUs of all nodes."""
        return self.nodes_count * self.node.accelerators_count

    @property
    def racks_count(self) -> int:
        """Racks of nodes and of everything else."""
        return sum(line.count for line in self.bill if isinstance(line.part, Rack))

    @property
    def gpu_memory_bytes(self) -> float:
        """Memory of all GPUs [B]."""
        return self.gpus_count * self.accelerator.memory_bytes

    @property
    def peak_flop_per_s(self) -> dict[str, float]:
        """Dense peak of all GPUs by precision [flop/s]."""
        return {name: self.gpus_count * rate for name, rate in self.accelerator.peak_flop_per_s.items()}


def build_machine(written: Written[MachineFile], catalogue: Catalogue) -> Machine:
    """Builds a machine by rule.  Raises Problems: parts that are not there, nodes that do not fit fabric or rack."""
    file = written.record
    named = {(section, field): getattr(getattr(file, section), field) for section, field, _ in PARTS}
    problems = unknown_parts(written.tree, named, catalogue)
    if problems:
        raise Problems(problems)
    node = catalogue.part(Node, file.compute.node)
    switch = catalogue.part(Switch, file.fabric.switch)
    rack = catalogue.part(Rack, file.compute.rack)
    problems = [*check_racks(written, node, rack), *check_cables(written, node, switch, catalogue)]
    try:
        fabric = build_fabric(written, node, switch)
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    nodes = place_nodes(written, fabric)
    count = int(nodes.unit.size)
    appliance = catalogue.part(StorageAppliance, file.storage.appliance)
    networks = build_networks(
        file, node, count, nodes.racks_count, fabric.switches_count, appliance,
        catalogue.part(Switch, file.storage.switch), catalogue.part(Switch, file.management.in_band_switch),
        catalogue.part(Switch, file.management.out_of_band_switch), rack,
    )  # fmt: skip
    bill = bill_of_materials(file, catalogue, node, count, nodes.racks_count, fabric, networks)
    return Machine(
        file=file,
        node=node,
        accelerator=catalogue.part(Accelerator, node.accelerator),
        processor=catalogue.part(Processor, node.processor),
        nodes=nodes,
        fabric=fabric,
        networks=networks,
        appliance=appliance,
        bill=bill,
        catalogue_digest=catalogue.digest,
        provenance=_provenance(written, catalogue, bill, node),
    )


def _provenance(
    written: Written[MachineFile], catalogue: Catalogue, bill: tuple[Line, ...], node: Node
) -> dict[str, Provenance]:
    """The sourcing of the file's values and of every part in the machine."""
    used = {line.name for line in bill} | {node.accelerator, node.processor}
    parts = {path: entry for path, entry in catalogue.provenance.items() if path.split(".")[1] in used}
    return {f"{written.record.name}.{path}": entry for path, entry in written.provenance.items()} | parts
