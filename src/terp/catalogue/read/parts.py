"""The kinds of part, as frozen records in SI units.  Adding a part touches one YAML file and nothing here.

Bounds of the fields are there to catch a wrong unit or a slipped digit; they say nothing of what is usual.  A field that
may be None is one that makers often do not publish; models then use what they say they use.

Names of other parts (a node's accelerator, a kit's switch) are checked when the catalogue is read: `whole` reports every
name that is not there.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from terp.reader import FlopPerS, Name, Record

Precision = Literal["fp64", "fp64-tensor", "fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8"]


class Source(Record):
    """One citation.  `grade` says how close to the maker the text is that was read.

    publisher   who says it;  dated   when it was published, as precisely as it says;  read   when it was read
    address     where it can be read again;  licence   under which, where it has one
    """

    title: str
    publisher: str
    grade: Literal["official", "press", "third-party", "ours", "not opened"]
    read: str
    address: str
    dated: str = ""
    licence: str = ""


class Part(Record):
    """What every part has: a title for people.

    The name, by which files mean it, is the key of its entry.
    """

    title: str


class Accelerator(Part):
    """A GPU.  Peaks are dense; `link_rate_bytes_per_s` is one direction of all its NVLinks together.

    short              its name in a word, for people, such as GB200; its title where there is none
    architecture       of physics/architectures.yaml, which says what models know of it; one that is not there is `unknown`
    board_power_w      its power cap; of a superchip or an APU, with its share of the host processor
    has_host           whether the host processor is part of it, as in a superchip or an APU
    host_memory_bytes  memory of the host processor that it reaches at link speed, as in a superchip; 0 for others
    sms_count          streaming multiprocessors, or compute units

    memory_bytes              as sold, in bytes of 1e9 a gigabyte
    memory_rate_bytes_per_s   of its high-bandwidth memory, nominal
    boost_clock_hz            highest clock of its sheet
    peak_flop_per_s           by precision; a precision that is missing is one that it does not have
    """

    short: str = ""
    architecture: Name
    memory_bytes: float = Field(ge=1e9, le=1e12)
    has_host: bool = False
    host_memory_bytes: float = Field(default=0.0, ge=0, le=1e13)
    memory_rate_bytes_per_s: float = Field(ge=1e9, le=1e15)
    board_power_w: float = Field(ge=10, le=5000)
    sms_count: int = Field(ge=1, le=1000)
    boost_clock_hz: float = Field(ge=1e8, le=5e9)
    link_rate_bytes_per_s: float = Field(ge=1e9, le=1e15)
    peak_flop_per_s: dict[Precision, FlopPerS]

    @property
    def short_title(self) -> str:
        """What people call it, in a word or two."""
        return self.short or self.title

    @property
    def fp64_matrix_flop_per_s(self) -> float:
        """FP64 peak of its matrix units, or of its vectors where it has none for FP64."""
        return self.peak_flop_per_s.get("fp64-tensor", self.peak_flop_per_s.get("fp64", 0.0))


class Processor(Part):
    """A host processor.

    cores_count     of one socket;  power_w   its thermal design power
    turbo_clock_hz  of one busy core; base_clock_hz is what all keep
    """

    cores_count: int = Field(ge=1, le=1000)
    base_clock_hz: float = Field(ge=1e8, le=1e10)
    turbo_clock_hz: float = Field(ge=1e8, le=1e10)
    power_w: float = Field(ge=0, le=2000)


class Adapter(Part):
    """A network adapter.  `latency_s` is of one traversal, host to wire or wire to host.

    rate_bytes_per_s   of a port, one direction [B/s];  power_w   while it runs
    """

    rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    ports_count: int = Field(ge=1, le=8)
    power_w: float = Field(ge=0, le=500)
    latency_s: float = Field(ge=0, le=1e-4)


class Node(Part):
    """A compute node.

    label              what people call it where its title is too long, such as "HGX B300, liquid-cooled"
    rack               the rack or cabinet that it stands in; absent: the usual one for its cooling
    link_domain_count  GPUs that reach each other over NVLink or its like: of the node, or of a rack
    link_switches_count  switches in that domain; 0 where GPUs link directly
    rack_units_count   height; of a blade, the slots it takes in its cabinet
    idle, busy, full   measured powers of the node without fans [W], where there are some; `busy` is long training
    *_fan_power_w      its fans at idle and at full power [W]
    rated_power_w      the maker's maximum, fans included [W]

    compute_ports_count    links to the compute fabric, each of compute_port_rate_bytes_per_s in one direction
    compute_cages_count    transceivers that those links fill: fewer than the ports where one holds two
    storage_ports_count    links to the storage fabric, of storage_port_rate_bytes_per_s
    in_band_ports_count    links to the Ethernet that jobs and file systems use
    memory_bytes, local_storage_bytes   of the host processors, and of its own disks
    down_power_w           of a node that is down
    """

    label: str = ""
    rack: Name | None = None
    accelerator: Name
    accelerators_count: int = Field(ge=1, le=128)
    processor: Name
    processors_count: int = Field(ge=1, le=64)
    memory_bytes: float = Field(ge=0, le=1e14)
    local_storage_bytes: float = Field(ge=0, le=1e15)
    adapter: Name
    compute_ports_count: int = Field(ge=1, le=128)
    compute_port_rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    compute_cages_count: int = Field(ge=1, le=128)
    storage_ports_count: int = Field(ge=0, le=16)
    storage_port_rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    in_band_ports_count: int = Field(ge=0, le=16)
    link_domain_count: int = Field(ge=1, le=1024)
    link_switches_count: int = Field(ge=0, le=256)
    rack_units_count: int = Field(ge=1, le=60)
    mass_kg: float | None = Field(default=None, ge=1, le=5000)
    cooling: Literal["air", "liquid"]
    rated_power_w: float = Field(ge=100, le=2e5)
    idle_power_w: float | None = Field(default=None, ge=0, le=1e6)
    busy_power_w: float | None = Field(default=None, ge=0, le=1e6)
    full_power_w: float | None = Field(default=None, ge=0, le=1e6)
    idle_fan_power_w: float | None = Field(default=None, ge=0, le=1e6)
    full_fan_power_w: float | None = Field(default=None, ge=0, le=1e6)
    down_power_w: float | None = Field(default=None, ge=0, le=1e6)

    @property
    def short_title(self) -> str:
        """What people call it, in a few words."""
        return self.label or self.title


class Switch(Part):
    """A switch.  `typical_power_w` is with passive cables; optics add theirs.

    ports_per_cage_count   ports that share a transceiver: 2 for twin-port optics
    maximum_power_w        the maker's maximum
    hop_latency_s          from a port to another; None where the maker does not say
    """

    ports_count: int = Field(ge=2, le=1024)
    port_rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    ports_per_cage_count: int = Field(ge=1, le=8)
    rack_units_count: int = Field(ge=1, le=60)
    typical_power_w: float = Field(ge=0, le=1e6)
    maximum_power_w: float = Field(ge=0, le=1e6)
    hop_latency_s: float | None = Field(default=None, ge=0, le=1e-3)


class Cable(Part):
    """A cable or transceiver.  `power_w` is of one piece.

    rate_bytes_per_s   of one direction; of a splitting cable, of the end towards the switch
    reach_m            longest run that it carries; of a transceiver, of the fibre that it drives
    """

    rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    power_w: float = Field(ge=0, le=100)
    reach_m: float = Field(ge=0.1, le=1e5)


class StorageAppliance(Part):
    """A storage appliance with its own ports on the storage fabric.

    usable_bytes         for data, after redundancy
    read_rate_bytes_per_s, write_rate_bytes_per_s   sequential, of one appliance
    ports_count          on the storage fabric, each of port_rate_bytes_per_s
    """

    usable_bytes: float = Field(ge=1e12, le=1e18)
    read_rate_bytes_per_s: float = Field(ge=1e9, le=1e15)
    write_rate_bytes_per_s: float = Field(ge=1e9, le=1e15)
    ports_count: int = Field(ge=1, le=128)
    port_rate_bytes_per_s: float = Field(ge=1e6, le=2e11)
    rack_units_count: int = Field(ge=1, le=60)
    typical_power_w: float = Field(ge=0, le=1e6)
    maximum_power_w: float = Field(ge=0, le=1e6)


class Rack(Part):
    """A rack: room in units, or in node slots of a blade cabinet, the power its feed carries, its distribution units.

    power_units_count   distribution units, each with a management port
    """

    rack_units_count: int = Field(ge=1, le=256)
    power_feed_w: float = Field(ge=1e3, le=1e6)
    power_units_count: int = Field(ge=1, le=12)


class Server(Part):
    """A server or appliance that manages the machine.

    Powers are of the whole server, with its own fans and supplies.
    """

    rack_units_count: int = Field(ge=1, le=60)
    typical_power_w: float = Field(ge=0, le=1e6)
    maximum_power_w: float = Field(ge=0, le=1e6)


CauseName = Literal["gpu", "memory", "network", "host", "software"]


class Cause(Record):
    """One cause of failures.

    share_fraction  of all failures; shares of all causes are brought to one
    quick_fraction, slow_median_s   as of Reliability, where the cause has its own
    seen_fraction   share of its failures that announce themselves, so that a health check can see them coming

    Shares need not add up to one: those of the causes that are told apart are scaled.
    """

    share_fraction: float = Field(gt=0, le=1)
    quick_fraction: float | None = Field(default=None, ge=0, le=1)
    slow_median_s: float | None = Field(default=None, ge=1, le=1e7)
    seen_fraction: float = Field(default=0.0, ge=0, le=1)


class Reliability(Record):
    """How often nodes fail and how long they stay away.

    node_failures_per_s    mean rate of one node [1/s]
    spread_ratio           shape of the Gamma law that the nodes' own rates follow; below 1 a few nodes fail most
    quick_fraction         share of failures mended by a restart, uniform from quick_low_s to quick_high_s
    slow_median_s, slow_p95_s   log-normal repair of the others
    causes                 what fails; empty: not told apart
    check_s                between health checks of a node; absent: none are made
    warning_s              mean time by which a failure that announces itself does so before it strikes
    link_flaps_per_s       links of a node that fail and come back by themselves, flap_low_s to flap_high_s later
    flap_interrupts_fraction   share of those that end the jobs on the node; the others stall them
    spare_nodes_count      nodes that stand by; swap_s after a node goes down one of them takes its place

    The rate is of a node in service, whatever its job; times are as a scheduler sees them, from down to up again.
    """

    node_failures_per_s: float = Field(ge=0, le=1e-3)
    spread_ratio: float = Field(gt=0, le=1000)
    quick_fraction: float = Field(ge=0, le=1)
    quick_low_s: float = Field(ge=1, le=1e7)
    quick_high_s: float = Field(ge=1, le=1e7)
    slow_median_s: float = Field(ge=1, le=1e7)
    slow_p95_s: float = Field(ge=1, le=1e8)
    causes: dict[CauseName, Cause] = {}
    check_s: float | None = Field(default=None, ge=1, le=1e7)
    warning_s: float = Field(default=1800.0, ge=1, le=1e7)
    link_flaps_per_s: float = Field(default=0.0, ge=0, le=1e-2)
    flap_low_s: float = Field(default=10.0, ge=1, le=1e5)
    flap_high_s: float = Field(default=60.0, ge=1, le=1e5)
    flap_interrupts_fraction: float = Field(default=0.0, ge=0, le=1)
    spare_nodes_count: int = Field(default=0, ge=0, le=100_000)
    swap_s: float = Field(default=600.0, ge=1, le=1e6)


class Fleet(Part, Reliability):
    """The reliability of a kind of fleet, for machines whose own is not published."""


TreeTopology = Literal["rail-optimised-fat-tree", "fat-tree"]


class Kit(Part):
    """What a compute fabric and a storage fabric are made of, for the nodes that it fits.

    technology     the network's family, such as infiniband or ethernet
    adapters       adapters of nodes that it is for
    above_bytes_per_s, most_bytes_per_s   rates of a node's port that it is for: faster than the first, up to the second
    topologies     of the compute fabric that it can be built in
    cable, switch_optic   of the compute fabric; a cable with ends of its own has no optics
    node_optics    transceivers of a node's cage, from the slowest to the fastest: the first that carries the cage is taken
    node_cable_m   length of a node's cable [m]
    managers_count fabric managers, each with a port of a leaf
    storage_*      of the storage fabric, which may be slower than the compute fabric

    Kits are for a plan: a machine file names its switches and cables one by one.
    """

    technology: Name
    adapters: list[Name] = Field(min_length=1)
    above_bytes_per_s: float = Field(default=0.0, ge=0, le=2e11)
    most_bytes_per_s: float = Field(ge=1e6, le=2e11)
    topologies: list[TreeTopology] = Field(default=["rail-optimised-fat-tree", "fat-tree"], min_length=1)
    switch: Name
    cable: Name
    switch_optic: Name | None = None
    node_optics: list[Name] = []
    node_cable_m: float = Field(ge=0.1, le=1e4)
    managers_count: int = Field(default=0, ge=0, le=64)
    storage_switch: Name
    storage_cable: Name
    storage_optic: Name | None = None


FAMILIES: Final[dict[str, type[Part]]] = {
    "accelerators": Accelerator,
    "processors": Processor,
    "adapters": Adapter,
    "nodes": Node,
    "switches": Switch,
    "cables": Cable,
    "kits": Kit,
    "storage": StorageAppliance,
    "racks": Rack,
    "servers": Server,
    "fleets": Fleet,
}
"""File under `parts/` -> the record of its entries."""
