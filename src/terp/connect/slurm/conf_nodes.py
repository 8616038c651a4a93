"""NodeName, DownNodes and NodeSet lines, and a topology.conf -> the nodes of a cluster and their leaves.

Nodes that are down or drained are left out: the cluster is what jobs can have.  Cores are what Slurm calls
CPUs, GPUs are counted whatever their type, and of a tree of switches only the leaves are kept, as placement
knows no more.

Keys that are read: NodeName, State, Gres, CPUs (once Procs), Boards, Sockets, SocketsPerBoard, CoresPerSocket,
ThreadsPerCore, CoreSpecCount, CpuSpecList, RealMemory, MemSpecLimit and Feature of nodes; DownNodes with State;
NodeSet with Nodes and Feature; SwitchName or BlockName with Nodes of a topology.conf.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from terp.connect.slurm.conf_lines import Notes, Pair, read_lines
from terp.connect.slurm.conf_values import Settings, list_of, nothing
from terp.connect.slurm.hostlist import NotAHostlist, expand_hosts
from terp.connect.slurm.ignored_keys import NODE, reasons
from terp.describe import Cluster
from terp.errors import did_you_mean

MEBI: Final = 2.0**20
"""Bytes of a MiB, in which RealMemory counts."""
MOST_NODES: Final = 50_000
"""Nodes of a cluster, at most."""
MOST_NAMED: Final = 2_000_000
"""Names that all lists of hosts together may stand for."""
MOST_SETS: Final = 200
"""NodeSet lines, at most."""
MOST_GPUS: Final = 10_000
"""GPUs of one entry of a Gres, at most."""

_STATES: Final = {
    **dict.fromkeys(("unknown", "idle", "cloud", "resume", "undrain", "reserved", "busy", "allocated", "mixed"), True),
    **dict.fromkeys(("down", "drain", "drained", "draining", "fail", "failing", "future", "error"), False),
}
"""Word of a State -> whether its nodes are in service."""
_NODE: Final = reasons(NODE)
_TYPE: Final = re.compile(r"[a-z_][\w.\-]*", re.IGNORECASE | re.ASCII)
_COUNT: Final = re.compile(r"([0-9]{1,9})([kmgtp]?)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class ConfNode:
    """A node as its line describes it.

    cores_count    CPUs as Slurm counts them, less those that are kept from jobs
    memory_bytes   RealMemory less what is kept for the system; 0 where it is not said
    features       small words by which NodeSet lines pick nodes
    """

    name: str
    gpus_count: int
    cores_count: int
    memory_bytes: float
    features: frozenset[str]


@dataclass
class ConfNodes:
    """The nodes that are in service, by name in the order of their lines, and those that are not.

    up      names of nodes in service -> what their lines say; a node's number is its place here
    down    names of nodes that are left out
    sets    names of NodeSet lines -> names of nodes
    place   names of nodes in service -> their numbers, from 1
    """

    up: dict[str, ConfNode] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    sets: dict[str, list[str]] = field(default_factory=dict)
    place: dict[str, int] = field(default_factory=dict)

    def numbers(self, pair: Pair, notes: Notes) -> list[int]:
        """The numbers, from 1 and rising, of the nodes in service that a list of names and sets stands for."""
        if pair.value.lower() == "all":
            return list(range(1, len(self.up) + 1))
        return sorted({self.place[name] for name in self.named(pair, notes) if name in self.place})

    def named(self, pair: Pair, notes: Notes) -> list[str]:
        """The names of nodes that a list of names and sets stands for; unknown ones are refused.

        pair   a key whose value is a list of hosts and sets; "ALL" stands for every node in service

        Names may come twice, and nodes that are down are among them.
        """
        if pair.value.lower() == "all":
            return list(self.up)
        names: list[str] = []
        unknown = []
        for name in hosts(pair, notes):
            names += self.sets.get(name, [name])
            if name not in self.up and name not in self.down and name not in self.sets:
                unknown.append(name)
        if unknown:
            hint = did_you_mean(unknown[0], [*self.sets, *list(self.up)[:500]])
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            notes.refuse(pair._replace(value=unknown[0]), f"no such node{more}", hint)
        return names


def hosts(pair: Pair, notes: Notes) -> list[str]:
    """The names of a list of hosts; what is none is refused.

    Empty for a list that says that there is none, or that cannot be read.
    """
    if nothing(pair.value):
        return []
    if notes.hosts_count > MOST_NAMED:
        notes.refuse(pair, "too many hosts in all lists together", f"at most {MOST_NAMED:,} would do")
        return []
    try:
        names = expand_hosts(pair.value)
    except NotAHostlist as error:
        notes.refuse(pair, error.wrong, error.would_do)
        return []
    notes.hosts_count += len(names)
    return names


def nodes_of(lines: list[list[Pair]], notes: Notes) -> ConfNodes:
    """The nodes of all NodeName lines, without those that are down.

    lines   pairs of each line of the file; others than NodeName, DownNodes and NodeSet are passed over
    notes   what became of their keys

    `NodeName=DEFAULT` holds for the lines that follow.  Sets are made last, of nodes that are in service.
    """
    nodes, defaults = ConfNodes(), dict[str, Pair]()
    for pairs in lines:
        if pairs[0].key.lower() != "nodename":
            continue
        if pairs[0].value.lower() == "default":
            defaults |= {pair.key.lower(): pair for pair in pairs[1:]}
            notes.model(pairs[0], "holds for the nodes that follow, where they do not say otherwise")
            continue
        own = {pair.key.lower() for pair in pairs}
        _add(nodes, Settings.of(notes, [*(pair for key, pair in defaults.items() if key not in own), *pairs]), notes)
    for pairs in lines:
        if pairs[0].key.lower() == "downnodes":
            _down(nodes, Settings.of(notes, pairs), notes)
    for pairs in lines:
        if pairs[0].key.lower() == "nodeset":
            _set(nodes, Settings.of(notes, pairs), notes)
    nodes.place = {name: number for number, name in enumerate(nodes.up, 1)}
    return nodes


def _add(nodes: ConfNodes, settings: Settings, notes: Notes) -> None:
    """Add the nodes of one line; those that an earlier line described stay as they are."""
    pair = settings.stated["nodename"]
    settings.consulted.add("nodename")
    features = frozenset(item.value.lower() for key in ("Features", "Feature") for item in settings.items(key))
    for key in ("features", "feature"):
        if key in settings.stated:
            notes.ignore(settings.stated[key], "jobs ask for no features; NodeSet lines do")
    gpus, cores, memory = _gpus(settings), _cores(settings), _memory(settings)
    up = _in_service(settings)
    settings.left_over(lambda key: _NODE.get(key, ""))
    names = [name for name in hosts(pair, notes) if name not in nodes.up and name not in nodes.down]
    if not names:
        notes.ignore(pair, "these nodes were described on a line before, or there are none")
    elif len(nodes.up) + len(nodes.down) + len(names) > MOST_NODES:
        notes.refuse(pair, "too many nodes", f"at most {MOST_NODES:,} would do")
    elif not up:
        nodes.down |= set(names)
        notes.model(pair, f"left out: {len(set(names))} nodes")
    else:
        nodes.up |= {name: ConfNode(name, gpus, cores, memory, features) for name in names}
        notes.model(pair, f"{len(set(names))} nodes of {gpus} GPUs and {cores} cores")


def _gpus(settings: Settings) -> int:
    """GPUs a node of a Gres such as `gpu:h100:8(S:0-1),nvme:1`; what stands in brackets binds them to
    sockets.

    A number may have a prefix, each step of it 1024; a type without a number, as in gpu:h100, is one GPU.
    """
    gpus, pair = 0, settings.get("Gres")
    if pair is None or nothing(pair.value):
        return 0
    for item in list_of(re.sub(r"\([^()]*\)", "", pair.value)):
        each = pair._replace(value=item)
        name, *fields = item.split(":")
        if name.lower() != "gpu":
            settings.notes.ignore(each, "of generic resources only GPUs are shared out")
            continue
        count = _COUNT.fullmatch(fields[-1]) if fields else None
        number = int(count[1]) * 1024 ** " kmgtp".index(count[2].lower() or " ") if count else 1
        if number > MOST_GPUS or (fields and not count and not _TYPE.fullmatch(fields[-1])):
            settings.notes.refuse(each, "not a number of GPUs of a node", "write it as gpu:h100:8 or gpu:8")
        else:
            gpus += number
            settings.notes.model(each, f"{number} GPUs a node")
    return gpus


def _cores(settings: Settings) -> int:
    """CPUs as Slurm counts them, which jobs ask for: threads where there are several a core, unless CPUs says
    otherwise.

    Boards, sockets, cores and threads multiply; CpuSpecList and CoreSpecCount take some away.  At least 1 is
    left.

    settings   of one NodeName line, with what DEFAULT lines said before
    """
    boards = settings.count("Boards", "{} boards a node", 1, 1, 10_000)
    sockets = settings.count("Sockets", "{} sockets a node", 1, 1, 10_000)
    sockets = settings.count("SocketsPerBoard", "{} sockets a board", sockets, 1, 10_000)
    per_socket = settings.count("CoresPerSocket", "{} cores a socket", 1, 1, 100_000)
    threads = settings.count("ThreadsPerCore", "{} threads a core", 1, 1, 1024)
    product = boards * sockets * per_socket * threads
    key = "Procs" if "procs" in settings.stated else "CPUs"
    cores = settings.count(key, "{} cores a node, as jobs ask for them", product, 1, 10**6)
    kept = settings.count("CoreSpecCount", "{} cores a node are kept from jobs", 0, 0, 10**6)
    kept *= threads if cores == product else 1
    listed = settings.get("CpuSpecList")
    if listed is not None:
        ids = hosts(listed._replace(value=f"[{listed.value}]"), settings.notes)
        kept += len(set(ids))
        settings.notes.model(listed, f"{len(set(ids))} cores a node are kept from jobs")
    if kept >= cores:
        settings.notes.refuse(settings.stated["nodename"], "no cores are left for jobs", "keep fewer than a node has")
    return min(cores - min(kept, cores - 1), 10**6)


def _memory(settings: Settings) -> float:
    """RealMemory without what is kept for the system [bytes].

    RealMemory and MemSpecLimit count MiB; 0 where nothing is said, or nothing is left.
    """
    memory = settings.count("RealMemory", "{} MiB of memory a node", 0, 0, 10**10)
    kept = settings.count("MemSpecLimit", "{} MiB a node are kept from jobs", 0, 0, 10**10)
    return MEBI * max(memory - kept, 0)


def _in_service(settings: Settings) -> bool:
    """Whether a line's State leaves its nodes in service.

    Signs behind the word, as in "idle*" or "down~", are passed over.
    """
    pair = settings.get("State")
    if pair is None:
        return True
    word = re.split(r"[+*~#$@^-]", pair.value.lower())[0]
    if word not in _STATES:
        settings.notes.refuse(pair, "not a state that is known", did_you_mean(word, _STATES))
        return True
    settings.notes.model(pair, "in service" if _STATES[word] else "left out")
    return _STATES[word]


def _down(nodes: ConfNodes, settings: Settings, notes: Notes) -> None:
    """Take nodes out of service that a DownNodes line names.

    Reason says nothing of when they come back, so they stay out for the whole run.
    """
    pair = settings.stated["downnodes"]
    settings.consulted.add("downnodes")
    state = settings.get("State")
    settings.left_over(lambda key: "says nothing of when nodes come back" if key == "reason" else "")
    names = set(nodes.named(pair, notes))
    if state is not None:
        if _STATES.get(state.value.lower(), True):
            would_do = "write DOWN, DRAIN, FAIL, FAILING or FUTURE"
            notes.refuse(state, "not a state of nodes that are down", would_do)
            return
        notes.model(state, "left out")
    nodes.down |= {name for name in names if nodes.up.pop(name, None)}
    notes.model(pair, f"left out: {len(names)} nodes")


def _set(nodes: ConfNodes, settings: Settings, notes: Notes) -> None:
    """Name a set of nodes: those of a feature, and those that are listed.

    Feature and Nodes add up; a set may be named wherever a node may.
    """
    pair = settings.stated["nodeset"]
    settings.consulted.add("nodeset")
    listed, features = settings.get("Nodes"), {item.value.lower() for item in settings.items("Feature")}
    settings.left_over(lambda _: "")
    if len(nodes.sets) >= MOST_SETS:
        notes.refuse(pair, "too many sets of nodes", f"at most {MOST_SETS} would do")
        return
    names = nodes.named(listed, notes) if listed is not None else []
    names += [name for name, node in nodes.up.items() if features & node.features]
    nodes.sets[pair.value] = list(dict.fromkeys(names))
    for key in ("nodes", "feature"):
        if key in settings.stated:
            notes.model(settings.stated[key], "nodes of the set")
    notes.model(pair, f"{len(nodes.sets[pair.value])} nodes")


def cluster_of(nodes: ConfNodes, leaves: dict[str, int], *, memory_counts: bool) -> Cluster:
    """The nodes in service, as a scheduler sees them.

    leaves          name of a node -> the number of its leaf
    memory_counts   whether memory is shared out like cores; where it is not, it is not said

    Nodes on no leaf hang on one of their own, together; leaves are numbered anew from 0 without gaps.
    """
    rest = max(leaves.values(), default=-1) + 1
    order = {leaf: number for number, leaf in enumerate(dict.fromkeys(sorted(leaves.get(name, rest) for name in nodes.up)))}
    return Cluster(
        names=tuple(nodes.up),
        gpus=np.array([node.gpus_count for node in nodes.up.values()], np.int64),
        cores=np.array([node.cores_count for node in nodes.up.values()], np.int64),
        memory=np.array([node.memory_bytes if memory_counts else 0.0 for node in nodes.up.values()], np.float64),
        leaf=np.array([order[leaves.get(name, rest)] for name in nodes.up], np.int64),
    )


def leaves_of(path: Path, nodes: ConfNodes, notes: Notes) -> dict[str, int]:
    """The leaf of each node that a topology.conf names, numbered as they stand there.

    path   of the file, of a tree (SwitchName) or of blocks (BlockName), where a block counts as a leaf

    Nodes that the slurm.conf does not have are ignored.  Raises Problems if the file cannot be read.
    """
    leaves: dict[str, int] = {}
    count = 0
    for pairs in read_lines(path, notes):
        settings = Settings.of(notes, pairs)
        switch = settings.get("SwitchName") or settings.get("BlockName")
        if switch is None:
            if "blocksizes" in settings.stated:
                notes.ignore(pairs[0], "jobs take blocks as they come")
            else:
                notes.refuse(pairs[0], "not a line of a topology", did_you_mean(pairs[0].key, ["SwitchName", "BlockName"]))
            continue
        listed = settings.get("Nodes")
        if (below := settings.get("Switches")) is not None:
            notes.ignore(below, "of the tree only the leaves count")
        settings.left_over(lambda key: "links are not told by their speed" if key == "linkspeed" else "")
        if listed is None:
            continue
        names = [name for name in hosts(listed, notes) if name not in leaves]
        here = [name for name in names if name in nodes.up]
        leaves |= dict.fromkeys(here, count)
        count += bool(here)
        notes.model(switch, f"a leaf of {len(here)} nodes")
        notes.model(listed, "nodes of the leaf")
        strange = [name for name in names if name not in nodes.up and name not in nodes.down]
        if strange:
            notes.ignore(listed._replace(value=",".join(strange[:3])), "no such node")
    return leaves
