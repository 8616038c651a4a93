"""Accounts and QOS as `sacctmgr` tells of them -> the records of a policy file.

Shares, limits of GPUs, nodes, jobs and time, priorities and preemption are taken; what belongs to single users
is not, since users of an account have equal shares here.  sacctmgr(1) has the meaning of the keys.

Keys that are read, and the fields that they become:

Fairshare, or Share      shares of an account; `parent` is noted, and counts as 1
Parent, or ParName       the account above; none, or root: right under the root
GrpTRES, GrpNodes, GrpJobs         limits of all jobs together (`group_*`)
MaxTRESPU, MaxJobsPU, MaxJobs      limits of a user's jobs together (`user_*`)
MaxTRES, MaxNodes, MaxWall         limits of a job (`job_*`)
Priority, Preempt, PreemptMode, PreemptExemptTime, GraceTime, UsageFactor      of a QOS
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from terp.connect.slurm.conf_lines import Notes, Pair
from terp.connect.slurm.conf_values import ENDLESS, Settings, number_of, resources_of, written_s
from terp.connect.slurm.preempt_keys import mode_of
from terp.connect.slurm.sacctmgr_lines import (
    NOT_LIMITED,
    WHY_IGNORED,
    AccountingEntry,
    accounting_entries,
    entries_of_cluster,
)
from terp.connect.slurm.scheduling import Scheduling
from terp.errors import did_you_mean

WrittenLimits = dict[str, int | str]
"""Limits of a record by the names of its fields; times with their unit."""


class WrittenAccount(TypedDict):
    """An account as a policy file says it, with the names of the record's fields; no parent: it stands under
    the root.

    parent         small name; empty right under the root
    shares_count   Fairshare, 1 where it is not said
    limits         empty where AccountingStorageEnforce does not hold limits
    """

    parent: str
    shares_count: int
    limits: WrittenLimits


class WrittenQos(TypedDict):
    """A QOS as a policy file says it, with the names of the record's fields; times with their unit.

    priority_ratio   its priority as sacctmgr has it; only its share of the highest counts
    preempts         small names of the QOS whose jobs it stops
    preempt_mode     what becomes of its own jobs when they are stopped
    grace_s, exempt_s   time that they are given then, and run time before which they are left alone
    usage_factor_ratio  what its jobs' usage is multiplied by
    """

    priority_ratio: int
    preempts: list[str]
    preempt_mode: str
    grace_s: str
    exempt_s: str
    usage_factor_ratio: float | None
    limits: WrittenLimits


@dataclass(frozen=True)
class Accounting:
    """Accounts and QOS as a policy file says them, by their names in small letters."""

    accounts: dict[str, WrittenAccount]
    qos: dict[str, WrittenQos]


def read_accounting(path: Path, cluster: str, scheduling: Scheduling, notes: Notes) -> Accounting:
    """The accounts and QOS of a file, of one cluster where it tells of several.

    path         of what sacctmgr wrote
    cluster      ClusterName of the slurm.conf
    scheduling   whether limits hold, and how jobs are stopped
    notes        what became of each line; what cannot be read is refused there, and only there

    Accounts with an unknown parent, or above themselves, are put under the root.  Raises Problems if the file
    cannot be read.
    """
    entries = entries_of_cluster(list(accounting_entries(path, notes)), cluster, notes)
    accounts: dict[str, WrittenAccount] = {}
    qos: dict[str, WrittenQos] = {}
    above = {entry.name.value.lower(): entry for entry in entries if entry.kind == "account"}
    for entry in entries:
        name, known = entry.name.value.lower(), qos if entry.kind == "qos" else accounts
        if entry.kind == "user" or name == "root":
            _nobody(entry, notes)
        elif not 0 < len(name) <= 128:
            notes.refuse(entry.name, "not a name", "1 to 128 letters would do")
        elif name in known:
            notes.ignore(entry.name, "said before")
        elif entry.kind == "qos":
            qos[name] = _qos(entry.settings, scheduling)
            notes.model(entry.name, f"qos {name}")
        else:
            accounts[name] = _account(entry, above, scheduling, notes)
            notes.model(entry.name, f"account {name} under {accounts[name]['parent'] or 'root'}")
    _refuse_loops(accounts, above, notes)
    unknown = {name for entry in entries if entry.kind == "qos" for name in _unknown(entry, qos, notes)}
    for record in qos.values():
        record["preempts"] = [name for name in record["preempts"] if name not in unknown]
    return Accounting(accounts, qos)


def _nobody(entry: AccountingEntry, notes: Notes) -> None:
    """What is said of users and of the root: ignored, and noted where it is more than that they are there.

    entry   a user, a cluster, or the root account; shares that differ from 1 and limits of its own are noted
    """
    for key, pair in entry.settings.stated.items():
        if key == "fairshare" and pair.value.lower() not in ("1", "parent", "2147483647"):
            notes.ignore(pair, "users of an account have equal shares")
        elif WHY_IGNORED.get(key, NOT_LIMITED) == NOT_LIMITED and key not in ("fairshare", "parent", "name"):
            notes.ignore(pair, "limits belong to accounts and QOS")


def _account(
    entry: AccountingEntry, above: dict[str, AccountingEntry], scheduling: Scheduling, notes: Notes
) -> WrittenAccount:
    """An account: under whom, its shares and limits.

    above   accounts of the file by small name, for parents that are described later
    """
    settings, parent = entry.settings, entry.parent.lower()
    shares = 1
    pair = settings.get("Fairshare")
    if pair is not None and pair.value.lower() in ("parent", "2147483647"):
        notes.ignore(pair, "an account has shares of its own, here 1")
    else:
        shares = settings.count("Fairshare", "shares {}", 1, 0, 10_000_000)
    settings.consulted |= {"parent", "cluster", "account"}
    if parent not in ("", "root") and parent not in above:
        notes.refuse(settings.stated.get("parent", entry.name), "no such parent", did_you_mean(parent, list(above)[:500]))
        parent = ""
    limits = _limits(settings, scheduling)
    priority = settings.get("Priority")
    if priority is not None:
        notes.ignore(priority, "associations have no priorities of their own here")
    settings.left_over(lambda key: WHY_IGNORED.get(key, ""))
    return {"parent": "" if parent == "root" else parent, "shares_count": shares, "limits": limits}


def _refuse_loops(accounts: dict[str, WrittenAccount], above: dict[str, AccountingEntry], notes: Notes) -> None:
    """Accounts that are above themselves: refused, and put under the root, so that every account has a way
    up.
    """
    fine: set[str] = set()
    for name in accounts:
        path, at = dict[str, None](), name
        while at in accounts and at not in fine and at not in path:
            path[at] = None
            at = accounts[at]["parent"]
        if at in path:
            notes.refuse(above[at].name, "an account above itself", "name another parent")
            accounts[at]["parent"] = ""
        fine |= set(path)


def _qos(settings: Settings, scheduling: Scheduling) -> WrittenQos:
    """A QOS: its priority, whom it stops, how its own jobs are stopped, and its limits.

    Where it says no mode or time of its own, those of the slurm.conf hold.
    """
    notes = settings.notes
    settings.consulted.add("name")
    preempts = [item.value.lower() for item in settings.items("Preempt")]
    if preempts and scheduling.preempting == "qos":
        notes.model(settings.stated["preempt"], f"stops jobs of {', '.join(preempts)}"[:200])
    elif preempts:
        notes.ignore(settings.stated["preempt"], "PreemptType is not preempt/qos")
    words = [item for item in settings.items("PreemptMode") if item.value.lower() not in ("cluster", "off")]
    mode = mode_of(words, notes)
    mode = scheduling.mode if mode == "off" else mode
    exempt = settings.stated.get("preemptexempttime")
    own = exempt is not None and exempt.value != "-1"
    settings.consulted.add("preemptexempttime")
    exempt_s = (
        settings.seconds("PreemptExemptTime", "exempt {}", scheduling.exempt_s, 0, 1e7) if own else scheduling.exempt_s
    )
    grace = settings.get("GraceTime")
    whole = grace is not None and number_of(grace.value) is not None
    grace_s = (
        settings.count("GraceTime", "grace {} s", 0, 0, 10**6)
        if whole
        else settings.seconds("GraceTime", "grace {}", 0.0, 0, 1e6)
    )
    factor = settings.get("UsageFactor")
    usage = number_of(factor.value) if factor is not None else 1.0
    if factor is not None and (usage is None or not 0 <= usage <= 1e6):
        notes.refuse(factor, "not a factor that can be", "write a number from 0 to 1000000")
        usage = 1.0
    elif factor is not None:
        notes.model(factor, f"usage_factor {usage:g}")
    qos: WrittenQos = {
        "priority_ratio": settings.count("Priority", "priority {}", 0, 0, 10**9),
        "preempts": preempts if scheduling.preempting == "qos" else [],
        "preempt_mode": mode,
        "grace_s": written_s(grace_s),
        "exempt_s": written_s(exempt_s),
        "usage_factor_ratio": usage,
        "limits": _limits(settings, scheduling),
    }
    settings.left_over(lambda key: WHY_IGNORED.get(key, ""))
    return qos


def _unknown(entry: AccountingEntry, qos: dict[str, WrittenQos], notes: Notes) -> list[str]:
    """QOS that a QOS stops jobs of and that are not there: refused.

    entry   a QOS of the file;  qos   all of them by small name

    Gives the small names that are to be taken out of every list.
    """
    items = [item for item in entry.settings.items("Preempt") if item.value.lower() not in qos]
    for item in items:
        notes.refuse(item, "no such QOS", did_you_mean(item.value, list(qos)[:500]))
    return [item.value.lower() for item in items]


def _limits(settings: Settings, scheduling: Scheduling) -> WrittenLimits:
    """Grp*, Max*: GPUs, nodes, jobs and time; none of them where limits are not enforced.

    -1 lifts a limit in Slurm, and is no limit here.  Others are noted as not modelled by
    `Settings.left_over`.

    Gives field of `Limits` -> a count, or a time with its unit; keys that are absent are no limits.
    """
    keys = ("GrpTRES", "GrpNodes", "GrpJobs", "MaxTRESPU", "MaxJobsPU", "MaxJobs", "MaxTRES", "MaxNodes", "MaxWall")
    given = [pair for key in keys if (pair := settings.get(key)) is not None and pair.value != "-1"]
    if not scheduling.limits_hold:
        for pair in given:
            settings.notes.ignore(pair, "AccountingStorageEnforce does not hold `limits`")
        return {}
    limits: WrittenLimits = {}
    for pair in given:
        if pair.key in _RESOURCES:
            _limit_resources(_RESOURCES[pair.key], pair, limits, settings.notes)
        elif pair.key in _COUNTS:
            name = _COUNTS[pair.key]
            limits[f"{name}_count"] = settings.count(pair.key, f"{name} {{}}", 0, 0, 10_000_000)
        elif pair.value.lower() not in ENDLESS:
            limits["job_wall_s"] = written_s(settings.seconds(pair.key, "job_wall {}", 0.0))
    return limits


_RESOURCES: Final = {"GrpTRES": "group", "MaxTRESPU": "user", "MaxTRES": "job"}
"""Key of trackable resources -> whose limit it is, as fields of `Limits` begin."""
_COUNTS: Final = {
    "GrpNodes": "group_nodes",
    "GrpJobs": "group_jobs",
    "MaxJobsPU": "user_jobs",
    "MaxJobs": "user_jobs",
    "MaxNodes": "job_nodes",
}
"""Key of a count -> the field of `Limits`, without its unit."""


def _limit_resources(who: str, pair: Pair, limits: WrittenLimits, notes: Notes) -> None:
    """Limits of GPUs and nodes out of cpu=100,gres/gpu=8,node=4; a type of GPU alone stands for all.

    who      "group", "user" or "job"
    limits   filled here
    """
    resources = resources_of(pair.value)
    typed = [name for name in resources if name.startswith("gres/gpu:")]
    for name, text in resources.items():
        each = pair._replace(value=f"{name}={text}")
        what = (
            "gpus"
            if name == "gres/gpu" or (typed == [name] and "gres/gpu" not in resources)
            else "nodes"
            if name == "node"
            else ""
        )
        value = number_of(text)
        if not what or (what == "nodes" and who == "user"):
            notes.ignore(each, NOT_LIMITED)
        elif value is None or value != int(value) or not -1 <= value <= 10_000_000:
            notes.refuse(each, "not a whole number that can be", "write one from 0 to 10000000")
        elif value >= 0:
            limits[f"{who}_{what}_count"] = int(value)
            notes.model(each, f"{who}_{what} {int(value)}")
