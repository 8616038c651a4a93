"""Machine file + catalogue -> Machine.  All that keeps it from being built is reported together.

Building is checking: a machine that exists has parts that are in the catalogue, nodes that fit their racks in height and
power, cables that carry and reach, and no switch with more cables than ports.  Later code need not ask again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import terp
from terp.catalogue import (
    Accelerator,
    Adapter,
    Catalogue,
    Fleet,
    Node,
    Processor,
    Rack,
    Reliability,
    StorageAppliance,
    Switch,
    read_catalogue,
    read_reference,
    sources_named,
)
from terp.describe import DescriptionSource, MachineFile, Storage, parts_named, read_machine, unknown_parts
from terp.errors import Problems
from terp.hardware.bill import Bill, Line, bill_of_materials
from terp.hardware.counts import counts_of, fabric_counts
from terp.hardware.dragonflies import build_dragonfly
from terp.hardware.fabric import Fabric
from terp.hardware.networks import Networks, build_networks
from terp.hardware.nodes import Nodes, check_cables, check_racks, place_nodes
from terp.hardware.trees import build_tree
from terp.notes import Caveat, SourceNote
from terp.reader import Provenance, Written, changed_data, record_digest

CHANGED: Final = "changed from the file's value by the caller"


@dataclass(frozen=True)
class Stored:
    """What the storage holds and how fast it is; None where that is not known.

    usable_bytes        for data, after redundancy [B]
    read_bytes_per_s, write_bytes_per_s   of all appliances of the first tier together, sequential and large [B/s]
    """

    usable_bytes: float | None
    read_bytes_per_s: float | None
    write_bytes_per_s: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Machine:
    """A built machine.

    provenance   who says each value of the machine file and of the parts it uses, by dotted path
    written      the machine file as it was read, which `changed` starts from

    Two machines are equal if they are built from the same description and the same catalogue.

    file             the description, as a record
    node, accelerator, processor, adapter, switch   the parts of its compute nodes and of its compute fabric
    nodes            where each node stands and hangs, by number
    fabric, networks the compute fabric to the cable, and the counts of the networks beside it
    storage          what the storage holds and its rates
    reliability      how often nodes fail, its own or that of the usual fleet
    bill             every part with its count
    catalogue_digest SHA-256 of the catalogue that it was built with
    """

    file: MachineFile
    node: Node
    accelerator: Accelerator
    processor: Processor
    adapter: Adapter
    switch: Switch
    nodes: Nodes
    fabric: Fabric
    networks: Networks[int]
    storage: Stored
    reliability: Reliability
    bill: Bill
    catalogue_digest: str
    provenance: dict[str, Provenance]
    written: Written[MachineFile]

    def changed(self, **changes: object) -> Machine:
        """A machine with some values of its file changed, built anew: `changed(compute__nodes=380)`.

        changes   by the keys of the machine file, "__" between a section and what is in it; values as the file takes
                  them, with their units; None leaves a key out

        Raises Problems with every mistake, as a file does.
        """
        written = read_machine(changed_data(self.written.tree, changes))
        notes = {key.replace("__", "."): Provenance("derived", str(value), note=CHANGED) for key, value in changes.items()}
        return build_machine(replace(written, provenance=written.provenance | notes), read_catalogue())

    def to_dict(self) -> dict[str, object]:
        """The document that `terp show --json` prints, see docs/formats/machine.md."""
        return terp.document_of(self)

    def report(self, path: Path | str) -> Path:
        """Writes the machine as a page, drawn and counted, and gives its path.

        path   ends with .html, .pdf or .md, which says what is written.  Raises Problems for another ending
        """
        return terp.viewer().report(self, Path(path), "en")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the machine file's record, as run.json has it."""
        return record_digest(self.file)

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Each value that is assumed, by dotted path, with the range that it may have."""
        assumed = {path: entry for path, entry in sorted(self.provenance.items()) if entry.status == "assumed"}
        return tuple(
            Caveat("value-assumed", {"path": path, "value": entry.value_text, "range": entry.range_text})
            for path, entry in assumed.items()
        )

    @property
    def sources(self) -> tuple[SourceNote, ...]:
        """Citations of every value that the machine rests on, by name."""
        return sources_named(entry.source for entry in self.provenance.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Machine):
            return NotImplemented
        return (self.digest, self.catalogue_digest) == (other.digest, other.catalogue_digest)

    def __hash__(self) -> int:
        return hash((self.digest, self.catalogue_digest))

    def __repr__(self) -> str:
        counts = f"{self.nodes_count:,} {self.file.compute.node}, {self.gpus_count:,} {self.node.accelerator}"
        return f"Machine({self.file.name}: {counts}, {self.file.fabric.topology})"

    def _repr_html_(self) -> str:
        return terp.viewer().html(repr(self), self.to_dict())

    @property
    def nodes_count(self) -> int:
        """Nodes."""
        return int(self.nodes.unit.size)

    @property
    def gpus_count(self) -> int:
        """GPUs of all nodes.

        A GPU is what a scheduler hands out and the catalogue calls an accelerator: a package of two dies counts once.
        """
        return self.nodes_count * self.node.accelerators_count

    @property
    def listed_gpus_count(self) -> int | None:
        """GPUs of the run that the TOP500 lists; None for a machine that is not listed."""
        return self.file.listed.nodes_count * self.node.accelerators_count if self.file.listed else None

    @property
    def racks_count(self) -> int:
        """Racks of nodes and of everything else.

        Racks of cooling units and of the power distribution are not on the bill, and not here.
        """
        return sum(line.count for line in self.bill if isinstance(line.part, Rack))

    @property
    def gpu_memory_bytes(self) -> float:
        """Memory of all GPUs [B]."""
        return self.gpus_count * self.accelerator.memory_bytes

    @property
    def peak_flop_per_s(self) -> dict[str, float]:
        """Dense peak of all GPUs by precision [flop/s].

        Without sparsity, at boost clock, under no power cap: what data sheets say, times the GPUs.
        """
        return {name: self.gpus_count * rate for name, rate in self.accelerator.peak_flop_per_s.items()}


def machine_from(source: DescriptionSource | MachineFile | Written[MachineFile] | Machine) -> Machine:
    """A built machine by shipped name, path, mapping or description; one that is built is given back.

    Raises Problems or UnknownName.

    `machine_from("gefion")` builds a machine that ships, `machine_from("my.yaml")` one of a file, and
    `machine_from({...})` one of the same keys as a mapping.
    """
    return source if isinstance(source, Machine) else build_machine(read_machine(source), read_catalogue())


def build_machine(written: Written[MachineFile], catalogue: Catalogue) -> Machine:
    """Builds a machine by rule.  Raises Problems: parts that are not there, nodes that do not fit fabric or rack.

    written     the machine file with its places and sourcing
    catalogue   the parts to build it of, with the user's own beside those that ship

    Checks that need no fabric are made first and reported together with what the fabric's rule finds.  Numbers that are
    published of the machine (its Rmax, its power) are kept beside it and never used to build it.
    """
    file = written.record
    problems = unknown_parts(written.tree, parts_named(file), catalogue)
    if problems:
        raise Problems(problems)
    node = catalogue.part(Node, file.compute.node)
    switch = catalogue.part(Switch, file.fabric.switch)
    rack = catalogue.part(Rack, file.compute.rack)
    problems = [*check_racks(written, node, rack), *check_cables(written, node, switch, catalogue)]
    build_fabric = build_dragonfly if file.fabric.topology.startswith("dragonfly") else build_tree
    try:
        fabric = build_fabric(written, node, switch)
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    nodes = place_nodes(file.compute, fabric)
    counts = counts_of(file, nodes.racks_count)
    networks = build_networks(file, counts, fabric.switches_count, node, catalogue)
    bill = bill_of_materials(file, catalogue, counts, fabric_counts(fabric, switch.ports_per_cage_count), networks)
    return Machine(
        file=file,
        node=node,
        accelerator=catalogue.part(Accelerator, node.accelerator),
        processor=catalogue.part(Processor, node.processor),
        adapter=catalogue.part(Adapter, node.adapter),
        switch=switch,
        nodes=nodes,
        fabric=fabric,
        networks=networks,
        storage=stored(file.storage, catalogue),
        reliability=reliability_of(written, catalogue, nodes.unit.size),
        bill=Bill(bill),
        catalogue_digest=catalogue.digest,
        provenance=_provenance(written, catalogue, bill, node),
        written=written,
    )


def reliability_of(written: Written[MachineFile], catalogue: Catalogue, nodes_count: int) -> Reliability:
    """The machine's own reliability, with the causes' shares of the usual fleet where it tells none, or that fleet's.

    Raises Problems if no node is left to work.

    nodes_count   of the machine; spare nodes must be fewer

    A machine that publishes its rate and not its causes takes only the causes' shares from the fleet: their repairs and
    warnings were measured elsewhere, and are left out.
    """
    fleet, own = catalogue.part(Fleet, read_reference().record.fleet), written.record.reliability
    if own is None:
        return fleet
    if own.spare_nodes_count >= nodes_count:
        wrong, path = "more spare nodes than there are nodes", ("reliability", "spare_nodes")
        would_do = f"at most {nodes_count - 1} would do"
        raise Problems([written.tree.problem(path, wrong, str(own.spare_nodes_count), would_do)])
    bare = {"quick_fraction": None, "slow_median_s": None, "seen_fraction": 0.0}
    shares = {name: cause.model_copy(update=bare) for name, cause in fleet.causes.items()}
    return own.model_copy(update={"causes": own.causes or shares})


def stored(storage: Storage | None, catalogue: Catalogue) -> Stored:
    """What the storage holds and how fast it is: as published, else added up from its appliances, else not known.

    Both tiers hold data; the rates are of the first one.

    storage   the section of the machine file; None where it has none, which makes every figure unknown
    """
    if storage is None:
        return Stored(None, None, None)
    if storage.appliance is None or storage.appliances_count is None:
        return Stored(storage.usable_bytes, storage.read_rate_bytes_per_s, storage.write_rate_bytes_per_s)
    first, count = catalogue.part(StorageAppliance, storage.appliance), storage.appliances_count
    usable_bytes = count * first.usable_bytes
    if storage.capacity_appliance is not None and storage.capacity_appliances_count is not None:
        second = catalogue.part(StorageAppliance, storage.capacity_appliance)
        usable_bytes += storage.capacity_appliances_count * second.usable_bytes
    return Stored(usable_bytes, count * first.read_rate_bytes_per_s, count * first.write_rate_bytes_per_s)


def _provenance(
    written: Written[MachineFile], catalogue: Catalogue, bill: tuple[Line[int], ...], node: Node
) -> dict[str, Provenance]:
    """The sourcing of the file's values and of every part in the machine.

    Keys are dotted paths that begin with the machine's name, or with the family of a part.
    """
    used = {line.name for line in bill} | {node.accelerator, node.processor, node.adapter}
    if written.record.reliability is None:
        used.add(read_reference().record.fleet)
    parts = {path: entry for path, entry in catalogue.provenance.items() if path.split(".")[1] in used}
    return {f"{written.record.name}.{path}": entry for path, entry in written.provenance.items()} | parts
