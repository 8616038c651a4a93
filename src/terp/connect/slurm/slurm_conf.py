"""A slurm.conf, and what sacctmgr says of accounts and QOS -> a policy and a cluster, and what became of each
line.

    conf = read_slurm_conf("slurm.conf", assoc="assoc.txt")
    conf.policy, conf.cluster, conf.ignored

docs/formats/slurm-conf.md says key by key what is modelled.

A key that is misspelt, out of bounds, or of an unknown word is refused, and the file with it: a centre would
rather be told than have a policy that is not its own.  `go_on` reads it all the same, and `refused` then says
what was left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from terp.connect.slurm.accounts import Accounting, read_accounting
from terp.connect.slurm.conf_lines import ConfLine, Notes, Pair, read_lines
from terp.connect.slurm.conf_nodes import ConfNodes, cluster_of, leaves_of, nodes_of
from terp.connect.slurm.conf_values import Settings
from terp.connect.slurm.partitions import WrittenPartition, partitions_of
from terp.connect.slurm.scheduling import Scheduling, left_over, scheduling_of
from terp.describe import Cluster, Policy
from terp.errors import Problem, Problems

_OWN_LINES: Final = ("nodename", "partitionname", "downnodes", "nodeset", "frontendname")
"""Small keys whose lines describe one thing each, and not the machine."""


@dataclass(frozen=True)
class SlurmConf:
    """What a slurm.conf says, and what became of its lines.

    policy     how jobs are ordered, limited and placed, checked as a policy file is
    cluster    the nodes in service
    modelled   keys that became part of the policy or the cluster, and as what
    ignored    keys that change nothing, and why
    refused    keys that could not be read, and what would do; empty unless it was asked to go on
    """

    policy: Policy
    cluster: Cluster
    modelled: tuple[ConfLine, ...]
    ignored: tuple[ConfLine, ...]
    refused: tuple[ConfLine, ...]


def read_slurm_conf(
    path: str | Path, assoc: str | Path | None = None, topology: str | Path | None = None, *, go_on: bool = False
) -> SlurmConf:
    """The policy and the cluster that a slurm.conf describes.

    path       of the file; those that it includes are read too
    assoc      what `sacctmgr show assoc` and `show qos` (--parsable2) or `sacctmgr dump` wrote
    topology   a topology.conf; without it, the one beside the slurm.conf where TopologyPlugin asks for one
    go_on      pass over refused lines: they are as if they were not there

    Raises Problems with every line that is refused, at once, and for files without a node or a partition in
    service.
    """
    path, notes = Path(path), Notes()
    lines = read_lines(path, notes)
    settings = Settings.of(notes, (pair for pairs in lines if pairs[0].key.lower() not in _OWN_LINES for pair in pairs))
    name = settings.get("ClusterName")
    cluster_name = name.value if name else "cluster"
    scheduling = scheduling_of(settings)
    left_over(settings)
    if name is not None:
        notes.model(name, "name")
    nodes = nodes_of(lines, notes)
    accounting = read_accounting(Path(assoc), cluster_name, scheduling, notes) if assoc is not None else Accounting({}, {})
    partitions, default = partitions_of(
        lines, nodes, notes, accounting.accounts, accounting.qos, whole=scheduling.whole
    )  # fmt: skip
    for pairs in lines:
        if pairs[0].key.lower() == "frontendname":
            notes.ignore(pairs[0], "front ends are not modelled: jobs run on nodes")
    leaves = _leaves(path, topology, scheduling, settings, nodes, notes)
    if not nodes.up or not partitions:
        _refuse_empty(path, nodes, lines, notes)
    if notes.problems and not (go_on and nodes.up):
        raise Problems(notes.problems)
    policy = _policy(path, cluster_name, scheduling, accounting, partitions, default)
    cluster = cluster_of(nodes, leaves, memory_counts=scheduling.memory_counts)
    return SlurmConf(policy, cluster, _sorted(notes.modelled), _sorted(notes.ignored), _sorted(notes.refused))


def _sorted(lines: list[ConfLine]) -> tuple[ConfLine, ...]:
    """What became of lines, each once, by file in the order of reading and by line.

    A line that described many nodes was noted for each, and is told once.
    """
    files = {file: place for place, file in enumerate(dict.fromkeys(line.file for line in lines))}
    return tuple(sorted(dict.fromkeys(lines), key=lambda line: (files[line.file], line.line)))


def _refuse_empty(path: Path, nodes: ConfNodes, lines: list[list[Pair]], notes: Notes) -> None:
    """No node or no partition, which is no machine.

    Noted as problems without a line; a file that has the lines, and all its nodes down, is told so.
    """
    named = {pairs[0].key.lower() for pairs in lines}
    for key, there in (("NodeName", bool(nodes.up)), ("PartitionName", False)):
        if not there and (key.lower() not in named or key == "NodeName"):
            wrong = f"no {key} line" if key.lower() not in named else "no node is in service"
            notes.problems.append(
                Problem(str(path), 0, 0, "", wrong, would_do="name a slurm.conf with nodes and partitions")
            )


def _leaves(
    path: Path, topology: str | Path | None, scheduling: Scheduling, settings: Settings, nodes: ConfNodes, notes: Notes
) -> dict[str, int]:
    """The leaf of each node: of the file that is named, or of the one beside if the placement asks for it.

    Empty where there is neither: then all nodes hang on one leaf.
    """
    beside = path.parent / "topology.conf"
    if topology is not None:
        return leaves_of(Path(topology), nodes, notes)
    plugin = settings.stated.get("topologyplugin")
    if plugin is None or scheduling.placement not in ("tree", "fewest-leaves"):
        return {}
    if beside.is_file():
        return leaves_of(beside, nodes, notes)
    notes.ignore(plugin, "there is no topology.conf: all nodes hang on one leaf")
    return {}


def _policy(
    path: Path,
    name: str,
    scheduling: Scheduling,
    accounting: Accounting,
    partitions: dict[str, WrittenPartition],
    default: str,
) -> Policy:
    """All of it as one record, checked once more as a policy file is.

    Accounts and QOS that only partitions name are added without shares or limits of their own.  A factor that
    Slurm does not divide by the highest of all has its weight multiplied by it instead, which comes to the
    same.
    """
    accounts: dict[str, Mapping[str, object]] = {**accounting.accounts}
    qos: dict[str, Mapping[str, object]] = {**accounting.qos}
    for partition in partitions.values():
        accounts |= {account: {} for account in partition["accounts"] if account not in accounts}
        qos |= {word: {} for word in partition["qos"] if word not in qos}
    highest = {
        "qos": max((entry["priority_ratio"] for entry in accounting.qos.values()), default=0),
        "partition": max((entry["factor_count"] for entry in partitions.values()), default=0),
    }
    weights = dict(scheduling.priority["weights"])
    for factor in scheduling.not_normal:
        weights[f"{factor}_ratio"] *= highest[factor]
    data = {
        "kind": "policy",
        "name": re.sub(r"[^a-z0-9.\-]+", "-", name.lower()).strip("-.")[:64] or "cluster",
        "title": f"{name} as its slurm.conf says",
        "order": scheduling.order,
        "priority": {**scheduling.priority, "weights": weights},
        "backfill": scheduling.backfill,
        "depth_count": scheduling.depth_count,
        "sched_interval_s": f"{scheduling.sched_interval_s} s",
        "placement": scheduling.placement,
        "accounts": accounts,
        "qos": qos,
        "partitions": partitions,
        "default_partition": default,
        "licenses": scheduling.licenses,
    }
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise Problems(
            Problem(str(path), 0, 0, ".".join(map(str, item["loc"])), item["msg"][:1].lower() + item["msg"][1:])
            for item in error.errors(include_url=False)
        ) from None
