"""PartitionName lines -> the partitions of a policy.

Who may use a partition, its nodes, limits, tier and billing are taken.  Memory is not billed, and a partition
that is down, or has no node in service, is left out.

Keys that are read: Nodes, State, Default, MaxTime, DefaultTime, Priority, PriorityJobFactor, PriorityTier,
OverSubscribe (once Shared), AllowAccounts, DenyAccounts, AllowQos, DenyQos and TRESBillingWeights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final, TypedDict

from terp.connect.slurm.conf_lines import Notes, Pair
from terp.connect.slurm.conf_nodes import ConfNodes
from terp.connect.slurm.conf_values import (
    LONGEST_S,
    TIMES,
    Settings,
    nothing,
    number_of,
    resources_of,
    seconds_of,
    written_s,
)
from terp.connect.slurm.hostlist import ranges_of
from terp.connect.slurm.ignored_keys import PARTITION, reasons
from terp.errors import did_you_mean

MOST_PARTITIONS: Final = 500
"""Partitions of a file, at most."""
_PARTITION: Final = reasons(PARTITION)
_WEIGHT: Final = re.compile(r"([+-]?[0-9]{0,12}(?:\.[0-9]{0,12})?)([kmgtp]?)", re.IGNORECASE | re.ASCII)
"""A weight of TRESBillingWeights and its prefix: per so many units of the resource."""
_BILLED: Final = {"cpu": "billing_core_ratio", "gres/gpu": "billing_gpu_ratio", "node": "billing_node_ratio"}
"""Trackable resource -> the field of a partition that bills it."""


class Billing(TypedDict, total=False):
    """What an hour of each resource counts for in fair share; nothing is said where keys are absent.

    billing_core_ratio, billing_gpu_ratio, billing_node_ratio   per core, GPU and node, each for an hour
    """

    billing_core_ratio: float
    billing_gpu_ratio: float
    billing_node_ratio: float


class WrittenPartition(Billing):
    """A partition as a policy file says it, with the names of the record's fields; None and empty lists: no
    bounds.

    nodes          numbers from 1 as ranges; empty for all
    max_time_s, default_time_s   with their unit, such as "86400.0 s"
    factor_count   PriorityJobFactor, 1 if not said; its share of the highest is the partition factor
    tier_count     PriorityTier, 1 if not said; jobs of a higher tier are looked at first
    exclusive      whether jobs take whole nodes
    accounts, qos  small names of those that may use it
    """

    nodes: str
    max_time_s: str | None
    default_time_s: str | None
    factor_count: int
    tier_count: int
    exclusive: bool
    accounts: list[str]
    qos: list[str]


def partitions_of(
    lines: list[list[Pair]], nodes: ConfNodes, notes: Notes, accounts: Iterable[str], qos: Iterable[str], *, whole: bool
) -> tuple[dict[str, WrittenPartition], str]:
    """The partitions that are up, as a policy file says them, and the name of the default one.

    lines           pairs of each line of the file; others than PartitionName are passed over
    nodes           those in service, by which lists of nodes become numbers
    accounts, qos   names that are known, for what a line denies
    whole           whether every job takes whole nodes

    `PartitionName=DEFAULT` holds for the lines that follow.  The name is empty where no line says
    Default=YES.
    """
    partitions: dict[str, WrittenPartition] = {}
    defaults = dict[str, Pair]()
    chosen = ""
    for pairs in lines:
        if pairs[0].key.lower() != "partitionname":
            continue
        if pairs[0].value.lower() == "default":
            defaults |= {pair.key.lower(): pair for pair in pairs[1:]}
            notes.model(pairs[0], "holds for the partitions that follow, where they do not say otherwise")
            continue
        name = pairs[0].value
        if name in partitions:
            notes.ignore(pairs[0], "this partition was described on a line before")
            continue
        if len(partitions) >= MOST_PARTITIONS or not 0 < len(name) <= 128:
            notes.refuse(pairs[0], "too many partitions, or not a name", f"{MOST_PARTITIONS} of up to 128 letters would do")
            continue
        own = {pair.key.lower() for pair in pairs}
        settings = Settings.of(notes, [*(pair for key, pair in defaults.items() if key not in own), *pairs])
        partition = _partition(settings, nodes, set(accounts), set(qos), whole=whole)
        default = settings.flag("Default", "the partition of jobs that name none")
        settings.left_over(lambda key: _PARTITION.get(key, ""))
        if partition is not None:
            partitions[name] = partition
            chosen = name if default else chosen
    return partitions, chosen


def _partition(
    settings: Settings, nodes: ConfNodes, accounts: set[str], qos: set[str], *, whole: bool
) -> WrittenPartition | None:
    """One partition; None where it is down or has no node in service.

    Priority, which later versions split, gives both the factor and the tier where these are not said.
    """
    pair, notes = settings.stated["partitionname"], settings.notes
    settings.consulted.add("partitionname")
    listed = settings.get("Nodes")
    numbers = nodes.numbers(listed, notes) if listed is not None else []
    ranges = "" if len(numbers) == len(nodes.up) else ranges_of(numbers)
    if listed is not None:
        notes.model(listed, f"nodes {ranges or 'all'}"[:200] if numbers else "no nodes")
    both = settings.count("Priority", "factor and tier {}", 1, 0, 65533)
    partition: WrittenPartition = {
        "nodes": ranges,
        "max_time_s": _limit(settings, "MaxTime", "max_time {}"),
        "default_time_s": _limit(settings, "DefaultTime", "default_time {}"),
        "factor_count": settings.count("PriorityJobFactor", "factor {}", both, 0, 65533),
        "tier_count": settings.count("PriorityTier", "tier {}", both, 0, 65533),
        "exclusive": _exclusive(settings) or whole,
        "accounts": _allowed(settings, "Accounts", accounts),
        "qos": _allowed(settings, "Qos", qos),
        **_billing(settings),
    }
    up = _is_up(settings)
    if not up or not numbers:
        notes.ignore(pair, "a partition that is not up" if not up else "a partition without a node in service")
        return None
    notes.model(pair, f"partition of {len(numbers)} nodes")
    return partition


def _limit(settings: Settings, key: str, became: str) -> str | None:
    """MaxTime or DefaultTime in whole minutes, seconds rounded up; None without end or if not said.

    became   what the time is here, with {} for it, for the notes

    A time of nothing, or longer than `LONGEST_S`, is refused and gives None.
    """
    pair = settings.get(key)
    if pair is None or nothing(pair.value):
        return None
    value = seconds_of(pair.value)
    if value == math.inf:
        settings.notes.model(pair, became.format("without end"))
        return None
    if value is None or not 0 < value <= LONGEST_S:
        settings.notes.refuse(pair, "not a time that can be", f"{TIMES}, or UNLIMITED")
        return None
    settings.notes.model(pair, became.format(f"{60 * math.ceil(value / 60)} s"))
    return written_s(min(60.0 * math.ceil(value / 60), LONGEST_S))


def _exclusive(settings: Settings) -> bool:
    """OverSubscribe, which was Shared: whether jobs take whole nodes.  Jobs never share a core or a GPU here.

    NO and EXCLUSIVE are modelled; YES and FORCE, which put two jobs on one core, are noted as ignored.
    """
    pair = settings.get("OverSubscribe") or settings.get("Shared")
    if pair is None:
        return False
    word = pair.value.lower().partition(":")[0]
    if word not in ("no", "yes", "force", "exclusive"):
        settings.notes.refuse(pair, "not a word that is known", did_you_mean(word, ["NO", "YES", "FORCE", "EXCLUSIVE"]))
    elif word in ("yes", "force"):
        settings.notes.ignore(pair, "nothing is given to two jobs at once")
    else:
        settings.notes.model(pair, "exclusive" if word == "exclusive" else "jobs share nodes")
    return word == "exclusive"


def _allowed(settings: Settings, what: str, known: set[str]) -> list[str]:
    """Who may use a partition: those allowed, or all that are known but those denied; empty for all.

    what    "Accounts" or "Qos"
    known   small names, of which some are denied

    Where a line allows some and denies others, slurmctld goes by those allowed, and so does this.
    """
    allow, deny = settings.get(f"Allow{what}"), settings.get(f"Deny{what}")
    if allow is not None and not nothing(allow.value):
        names = [item.value.lower() for item in settings.items(f"Allow{what}")]
        if deny is not None:
            settings.notes.ignore(deny, f"does not count beside Allow{what}")
        if "all" in names:
            settings.notes.model(allow, "all may use it")
            return []
        settings.notes.model(allow, f"{len(names)} may use it")
        return names
    denied = {item.value.lower() for item in settings.items(f"Deny{what}")}
    if deny is None or not denied:
        return []
    rest = sorted(known - denied)
    if rest:
        settings.notes.model(deny, f"the other {len(rest)} may use it")
    else:
        settings.notes.ignore(deny, "the names of the others are not known")
    return rest


def _billing(settings: Settings) -> Billing:
    """TRESBillingWeights: what an hour counts for; without it, an hour of a core counts 1.

    Weights of GPUs by type count only where one type is all there is; others are ignored, memory among them.

    CPU, GRES/gpu and Node become ratios an hour of each; a prefix divides, as in Mem=0.25G, so that CPU=1K is
    1/1024 a core.
    """
    pair = settings.get("TRESBillingWeights")
    if pair is None or nothing(pair.value):
        return {}
    billing = dict.fromkeys(_BILLED.values(), 0.0)
    resources = resources_of(pair.value)
    typed = [name for name in resources if name.startswith("gres/gpu:")]
    for name, text in resources.items():
        each = pair._replace(value=f"{name}={text}")
        match = _WEIGHT.fullmatch(text)
        value = number_of(match[1]) if match else None
        if match is None or value is None or value > 1e9:
            settings.notes.refuse(each, "not a resource with its weight", "write them as CPU=1.0,Mem=0.25G,GRES/gpu=2.0")
            continue
        place = _BILLED.get("gres/gpu" if typed == [name] and "gres/gpu" not in resources else name)
        if place is None or value < 0:
            settings.notes.ignore(each, "GPUs, cores and nodes are billed, by weights of at least 0")
        else:
            billing[place] = value / 1024 ** " kmgtp".index(match[2].lower() or " ")
            settings.notes.model(each, f"{place.removesuffix('_ratio')} {billing[place]:g}")
    return {
        "billing_core_ratio": billing["billing_core_ratio"],
        "billing_gpu_ratio": billing["billing_gpu_ratio"],
        "billing_node_ratio": billing["billing_node_ratio"],
    }


def _is_up(settings: Settings) -> bool:
    """Whether jobs start in a partition: UP, or nothing said."""
    pair = settings.get("State")
    if pair is None:
        return True
    word = pair.value.lower()
    if word not in ("up", "down", "drain", "inactive"):
        settings.notes.refuse(pair, "not a state that is known", did_you_mean(word, ["UP", "DOWN", "DRAIN", "INACTIVE"]))
    else:
        settings.notes.model(pair, word)
    return word not in ("down", "drain", "inactive")
