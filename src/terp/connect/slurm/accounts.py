"""What `sacctmgr` says of accounts and QOS -> their records; three forms, which may follow one another in one file.

sacctmgr show assoc --parsable2, sacctmgr show qos --parsable2    tables, columns by their headings
sacctmgr dump                                                     `Account - 'climate':Fairshare=30`
by hand                                                           `account climate fairshare=30`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from terp.connect.slurm.conf_lines import Notes, Pair, one_file
from terp.connect.slurm.conf_values import ENDLESS, Settings, number_of, resources_of, written_s
from terp.connect.slurm.scheduling import Scheduling, mode_of
from terp.errors import did_you_mean

_SAME: Final = {
    "share": "fairshare", "shares": "fairshare", "parname": "parent", "parentname": "parent", "maxtresperjob": "maxtres",
    "maxtresperuser": "maxtrespu", "maxjobsperuser": "maxjobspu", "maxwalldurationperjob": "maxwall",
    "maxwallduration": "maxwall", "maxnodesperjob": "maxnodes", "acct": "account",
}  # fmt: skip
"""Small heading or key -> the one it is read as."""

NOT_LIMITED: Final = "no such limit is modelled"
IGNORED: Final[dict[str, tuple[str, ...]]] = {
    "says who someone is": (
        "Cluster", "Account", "User", "Partition", "Description", "Descr", "Organization", "Org", "Coordinator",
        "DefaultAccount", "DefAccount", "AdminLevel", "DefaultWCKey", "ID", "LFT", "RGT", "ParentID", "Lineage", "Comment",
    ),
    "jobs name their QOS": ("QOS", "DefQOS", "DefaultQOS", "QOSRaw"),
    NOT_LIMITED: (
        "GrpSubmit", "GrpSubmitJobs", "GrpWall", "GrpTRESMins", "GrpTRESRunMins", "GrpJobsAccrue", "GrpCPUs", "GrpCPUMins",
        "GrpCPURunMins", "GrpMem", "MaxSubmit", "MaxSubmitJobs", "MaxTRESPerNode", "MaxTRESMins", "MaxTRESMinsPerJob",
        "MaxTRESRunMins", "MaxJobsAccrue", "MaxCPUs", "MaxCPUMins", "MaxCPUsPerJob", "MaxSubmitPU", "MaxSubmitPA",
        "MaxSubmitJobsPerUser", "MaxSubmitJobsPerAccount", "MaxTRESPA", "MaxTRESPerAccount", "MaxJobsPA",
        "MaxJobsPerAccount", "MaxJobsAccruePU", "MaxJobsAccruePA", "MaxTRESRunMinsPU", "MaxTRESRunMinsPA", "MinTRES",
        "MinTRESPerJob", "MinPrioThresh", "MinPrioThreshold", "LimitFactor", "UsageThres", "UsageThreshold", "RawUsage",
    ),
    "jobs of a QOS are not treated otherwise than its limits and priority say": ("Flags",),
}  # fmt: skip
"""Why a column or key is ignored -> the columns."""

_WHY: Final = {key.lower(): why for why, keys in IGNORED.items() for key in keys}
_READ: Final = (
    "Fairshare", "Parent", "GrpTRES", "GrpNodes", "GrpJobs", "MaxTRES", "MaxTRESPU", "MaxJobs", "MaxJobsPU", "MaxNodes",
    "MaxWall", "Name", "Priority", "Preempt", "PreemptMode", "PreemptExemptTime", "GraceTime", "UsageFactor",
)  # fmt: skip
_KEYS: Final = {key.lower(): key for key in (*_READ, *(key for keys in IGNORED.values() for key in keys))}
"""Small heading or key -> as it is written."""
_DUMPED: Final = re.compile(r"\s*(Cluster|Parent|Account|User)\s+-\s+(.*)", re.IGNORECASE)
_PLAIN: Final = re.compile(r"\s*(account|qos|user)\s+([^\s=]+)((?:\s+\S+)*)\s*", re.IGNORECASE)
_PIECE: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^:]+)|(:)")
LONGEST_LINE: Final = 65_536
FORMS: Final = "write `account NAME fairshare=40`, or name what `sacctmgr show assoc --parsable2` or `sacctmgr dump` wrote"


@dataclass(frozen=True)
class _Entry:
    """An account, a user's association or a QOS, whichever form it was written in."""

    kind: str
    name: Pair
    parent: str
    settings: Settings


WrittenLimits = dict[str, int | str]
"""Limits of a record by the names of its fields; times with their unit."""


class WrittenAccount(TypedDict):
    """An account as a policy file says it, with the names of the record's fields; no parent: it stands under the root."""

    parent: str
    shares_count: int
    limits: WrittenLimits


class WrittenQos(TypedDict):
    """A QOS as a policy file says it, with the names of the record's fields; times with their unit."""

    priority_ratio: int
    preempts: list[str]
    preempt_mode: str
    grace_s: str
    exempt_s: str
    usage_factor_ratio: float | None
    limits: WrittenLimits


@dataclass(frozen=True)
class Accounting:
    """Accounts and QOS as a policy file says them."""

    accounts: dict[str, WrittenAccount]
    qos: dict[str, WrittenQos]


def read_accounting(path: Path, cluster: str, scheduling: Scheduling, notes: Notes) -> Accounting:
    """The accounts and QOS of a file, of one cluster where it tells of several.  What cannot be read goes to the notes.

    scheduling   whether limits hold, and how jobs are stopped
    """
    entries = _of_cluster(list(_entries(path, notes)), cluster, notes)
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


def _entries(path: Path, notes: Notes) -> Iterator[_Entry]:
    """What each line of the file says."""
    headings: list[str] = []
    parent, tree = "root", list[str]()
    for number, raw in enumerate(one_file(path).split("\n"), 1):
        line = raw.rstrip()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = Pair("", line.strip(), str(path), number, 1)
        if len(line) > LONGEST_LINE:
            notes.refuse(place._replace(key="line"), "too long", f"at most {LONGEST_LINE:,} letters would do")
        elif "|" in line:
            cells = line.split("|")
            if _are_headings(cells):
                headings, tree = [cell.strip() for cell in cells], []
            elif not headings:
                notes.refuse(place, "a row without headings above", "leave --noheader away")
            elif (entry := _row(headings, cells, place, tree, notes)) is not None:
                yield entry
        elif match := _DUMPED.fullmatch(line):
            kind, (name, pairs) = match[1].lower(), _dumped(match[2], place)
            if kind == "parent":
                parent = name.value.lower()
            elif kind == "cluster":
                yield _Entry("user", name._replace(value="root"), "", Settings.of(notes, pairs))
            else:
                yield _Entry(kind, name, parent, Settings.of(notes, pairs))
        elif match := _PLAIN.fullmatch(line):
            words = [word.partition("=") for word in match[3].split()]
            pairs = [place._replace(key=_proper(key), value=value) for key, _, value in words]
            settings = Settings.of(notes, pairs)
            above = settings.get("Parent")
            yield _Entry(
                match[1].lower(), place._replace(key=match[1], value=match[2]), above.value if above else "", settings
            )
        else:
            notes.refuse(place._replace(key="line"), "neither an account nor a QOS", FORMS)


def _proper(key: str) -> str:
    """A heading or key by the name that it is read under; an unknown one as it is."""
    small = key.strip().lower().replace(" ", "")
    small = _SAME.get(small, small)
    return _KEYS.get(small, key.strip())


def _are_headings(cells: list[str]) -> bool:
    """Whether most cells of a row are names of columns, of accounts or of QOS."""
    known = [_proper(cell).lower() in _KEYS for cell in cells if cell.strip()]
    return {"account", "name"} & {cell.strip().lower() for cell in cells} != set() and 2 * sum(known) > len(known)


def _row(headings: list[str], cells: list[str], place: Pair, tree: list[str], notes: Notes) -> _Entry | None:
    """A row of a table; where accounts are indented, they stand under the nearest one that is indented less."""
    if len(cells) != len(headings):
        would_do = f"{len(headings)} would do, as the headings have"
        notes.refuse(place._replace(key="row"), f"a row of {len(cells)} columns", would_do)
        return None
    named = {_proper(heading): cell for heading, cell in zip(headings, cells, strict=True)}
    pairs = [place._replace(key=key, value=cell.strip()) for key, cell in named.items() if cell.strip()]
    settings = Settings.of(notes, pairs)
    if "Account" not in named:
        return _Entry("qos", place._replace(key="qos", value=named.get("Name", "").strip()), "", settings)
    account = named["Account"]
    depth = len(account) - len(account.lstrip())
    del tree[depth:]
    tree += [""] * (depth - len(tree))
    parent = named.get("Parent", "").strip() or next((name for name in reversed(tree) if name), "")
    user = named.get("User", "").strip()
    if not user:
        tree.append(account.strip().lower())
    name = place._replace(key="user" if user else "account", value=user or account.strip())
    return _Entry("user" if user or named.get("Partition", "").strip() else "account", name, parent, settings)


def _dumped(text: str, place: Pair) -> tuple[Pair, list[Pair]]:
    """Name and values of a line of a dump: parts between colons, which quoted ones may hold."""
    parts = [""]
    for match in _PIECE.finditer(text):
        if match[4]:
            parts.append("")
        else:
            parts[-1] += next(group for group in match.groups() if group is not None)
    pairs: list[Pair] = []
    for part in parts[1:]:
        key, sign, value = part.partition("=")
        if sign and (_proper(key.rstrip("+-")).lower() in _KEYS or not pairs):
            pairs.append(place._replace(key=_proper(key.rstrip("+-")), value=value))
        elif pairs:  # a colon within a value, as in GrpTRES=gres/gpu:h100=8
            pairs[-1] = pairs[-1]._replace(value=f"{pairs[-1].value}:{part}")
    return place._replace(key="name", value=parts[0].strip()), pairs


def _of_cluster(entries: list[_Entry], cluster: str, notes: Notes) -> list[_Entry]:
    """The entries of one cluster; those of a file of one are taken whatever it is called."""
    named = {entry.settings.said["cluster"].value.lower() for entry in entries if "cluster" in entry.settings.said}
    if len(named) < 2:
        return entries
    if cluster.lower() not in named:
        first = next(entry for entry in entries if "cluster" in entry.settings.said)
        notes.refuse(
            first.settings.said["cluster"], f"several clusters, and none is {cluster!r}", did_you_mean(cluster, named)
        )
        return []
    return [
        entry
        for entry in entries
        if "cluster" not in entry.settings.said or entry.settings.said["cluster"].value.lower() == cluster.lower()
    ]


def _nobody(entry: _Entry, notes: Notes) -> None:
    """What is said of users and of the root: ignored, and noted where it is more than that they are there."""
    for key, pair in entry.settings.said.items():
        if key == "fairshare" and pair.value.lower() not in ("1", "parent", "2147483647"):
            notes.ignore(pair, "users of an account have equal shares")
        elif _WHY.get(key, NOT_LIMITED) == NOT_LIMITED and key not in ("fairshare", "parent", "name"):
            notes.ignore(pair, "limits belong to accounts and QOS")


def _account(entry: _Entry, above: dict[str, _Entry], scheduling: Scheduling, notes: Notes) -> WrittenAccount:
    """An account: under whom, its shares and limits."""
    settings, parent = entry.settings, entry.parent.lower()
    shares = 1
    pair = settings.get("Fairshare")
    if pair is not None and pair.value.lower() in ("parent", "2147483647"):
        notes.ignore(pair, "an account has shares of its own, here 1")
    else:
        shares = settings.count("Fairshare", "shares {}", 1, 0, 10_000_000)
    settings.asked |= {"parent", "cluster", "account"}
    if parent not in ("", "root") and parent not in above:
        notes.refuse(settings.said.get("parent", entry.name), "no such parent", did_you_mean(parent, list(above)[:500]))
        parent = ""
    limits = _limits(settings, scheduling)
    priority = settings.get("Priority")
    if priority is not None:
        notes.ignore(priority, "associations have no priorities of their own here")
    settings.left_over(lambda key: _WHY.get(key, ""))
    return {"parent": "" if parent == "root" else parent, "shares_count": shares, "limits": limits}


def _refuse_loops(accounts: dict[str, WrittenAccount], above: dict[str, _Entry], notes: Notes) -> None:
    """Accounts that are above themselves."""
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
    """A QOS: its priority, whom it stops, how its own jobs are stopped, and its limits."""
    notes = settings.notes
    settings.asked.add("name")
    preempts = [item.value.lower() for item in settings.items("Preempt")]
    if preempts and scheduling.preempting == "qos":
        notes.model(settings.said["preempt"], f"stops jobs of {', '.join(preempts)}"[:200])
    elif preempts:
        notes.ignore(settings.said["preempt"], "PreemptType is not preempt/qos")
    words = [item for item in settings.items("PreemptMode") if item.value.lower() not in ("cluster", "off")]
    mode = mode_of(words, notes)
    mode = scheduling.mode if mode == "off" else mode
    exempt = settings.said.get("preemptexempttime")
    own = exempt is not None and exempt.value != "-1"
    settings.asked.add("preemptexempttime")
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
    settings.left_over(lambda key: _WHY.get(key, ""))
    return qos


def _unknown(entry: _Entry, qos: dict[str, WrittenQos], notes: Notes) -> list[str]:
    """QOS that a QOS stops jobs of and that are not there: refused."""
    items = [item for item in entry.settings.items("Preempt") if item.value.lower() not in qos]
    for item in items:
        notes.refuse(item, "no such QOS", did_you_mean(item.value, list(qos)[:500]))
    return [item.value.lower() for item in items]


def _limits(settings: Settings, scheduling: Scheduling) -> WrittenLimits:
    """Grp*, Max*: GPUs, nodes, jobs and time; none of them where limits are not enforced."""
    keys = ("GrpTRES", "GrpNodes", "GrpJobs", "MaxTRESPU", "MaxJobsPU", "MaxJobs", "MaxTRES", "MaxNodes", "MaxWall")
    said = [pair for key in keys if (pair := settings.get(key)) is not None and pair.value != "-1"]
    if not scheduling.limits_hold:
        for pair in said:
            settings.notes.ignore(pair, "AccountingStorageEnforce does not hold `limits`")
        return {}
    limits: WrittenLimits = {}
    for pair in said:
        if pair.key in _RESOURCES:
            _limit_resources(_RESOURCES[pair.key], pair, limits, settings.notes)
        elif pair.key in _COUNTS:
            name = _COUNTS[pair.key]
            limits[f"{name}_count"] = settings.count(pair.key, f"{name} {{}}", 0, 0, 10_000_000)
        elif pair.value.lower() not in ENDLESS:
            limits["job_wall_s"] = written_s(settings.seconds(pair.key, "job_wall {}", 0.0))
    return limits


_RESOURCES: Final = {"GrpTRES": "group", "MaxTRESPU": "user", "MaxTRES": "job"}
_COUNTS: Final = {
    "GrpNodes": "group_nodes",
    "GrpJobs": "group_jobs",
    "MaxJobsPU": "user_jobs",
    "MaxJobs": "user_jobs",
    "MaxNodes": "job_nodes",
}


def _limit_resources(who: str, pair: Pair, limits: WrittenLimits, notes: Notes) -> None:
    """Limits of GPUs and nodes out of cpu=100,gres/gpu=8,node=4; a type of GPU alone stands for all."""
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
