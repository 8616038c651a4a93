"""The lines that `sacctmgr` writes of accounts and QOS -> entries with their places; three forms, in one file
too.

sacctmgr show assoc --parsable2, sacctmgr show qos --parsable2    tables, columns by their headings
sacctmgr dump                                                     `Account - 'climate':Fairshare=30`
by hand                                                           `account climate fairshare=30`

What a column means, and whether it can be had, is decided in `accounts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.connect.slurm.conf_lines import Notes, Pair
from terp.connect.slurm.conf_values import Settings
from terp.errors import did_you_mean
from terp.reader import read_text

_SAME: Final = {
    "share": "fairshare", "shares": "fairshare", "parname": "parent", "parentname": "parent", "maxtresperjob": "maxtres",
    "maxtresperuser": "maxtrespu", "maxjobsperuser": "maxjobspu", "maxwalldurationperjob": "maxwall",
    "maxwallduration": "maxwall", "maxnodesperjob": "maxnodes", "acct": "account",
}  # fmt: skip
"""Small heading or key -> the one it is read as."""

NOT_LIMITED: Final = "no such limit is modelled"
"""Why most limits of Slurm are ignored; those that hold are GPUs, nodes, jobs and time."""
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

WHY_IGNORED: Final = {key.lower(): why for why, keys in IGNORED.items() for key in keys}
"""Small heading or key -> why it is ignored."""
_READ: Final = (
    "Fairshare", "Parent", "GrpTRES", "GrpNodes", "GrpJobs", "MaxTRES", "MaxTRESPU", "MaxJobs", "MaxJobsPU", "MaxNodes",
    "MaxWall", "Name", "Priority", "Preempt", "PreemptMode", "PreemptExemptTime", "GraceTime", "UsageFactor",
)  # fmt: skip
"""Headings and keys that become part of a record."""
_KEYS: Final = {key.lower(): key for key in (*_READ, *(key for keys in IGNORED.values() for key in keys))}
"""Small heading or key -> as it is written."""
_DUMPED: Final = re.compile(r"\s*(Cluster|Parent|Account|User)\s+-\s+(.*)", re.IGNORECASE)
"""A line of a dump: what it is of, and the name with what is said of it."""
_PLAIN: Final = re.compile(r"\s*(account|qos|user)\s+([^\s=]+)((?:\s+\S+)*)\s*", re.IGNORECASE)
"""A line by hand: what it is of, its name, and its keys."""
_PIECE: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^:]+)|(:)")
"""A piece of a line of a dump: quoted either way, plain, or the colon between two."""
LONGEST_LINE: Final = 65_536
"""Letters of a line, at most; a longer one is refused."""
FORMS: Final = "write `account NAME fairshare=40`, or name what `sacctmgr show assoc --parsable2` or `sacctmgr dump` wrote"
"""What would do for a line in none of the three forms."""


@dataclass(frozen=True)
class AccountingEntry:
    """An account, a user's association or a QOS, whichever form it was written in.

    kind       "account", "user" or "qos"; a cluster counts as a user, whose settings change nothing
    name       with its place
    parent     of an account; empty where none is said
    settings   its other keys, by the names that Slurm documents
    """

    kind: str
    name: Pair
    parent: str
    settings: Settings


def accounting_entries(path: Path, notes: Notes) -> Iterator[AccountingEntry]:
    """What each line of the file says, in its order; lines in no form that is known are refused in the notes.

    path   of a text that sacctmgr wrote or a person did, which may hold several forms one after another

    Raises Problems if the file cannot be read.
    """
    headings: list[str] = []
    parent, tree = "root", list[str]()
    for number, raw in enumerate(read_text(path).split("\n"), 1):
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
                yield AccountingEntry("user", name._replace(value="root"), "", Settings.of(notes, pairs))
            else:
                yield AccountingEntry(kind, name, parent, Settings.of(notes, pairs))
        elif match := _PLAIN.fullmatch(line):
            words = [word.partition("=") for word in match[3].split()]
            pairs = [place._replace(key=_proper(key), value=value) for key, _, value in words]
            settings = Settings.of(notes, pairs)
            above = settings.get("Parent")
            yield AccountingEntry(
                match[1].lower(), place._replace(key=match[1], value=match[2]), above.value if above else "", settings
            )
        else:
            notes.refuse(place._replace(key="line"), "neither an account nor a QOS", FORMS)


def _proper(key: str) -> str:
    """A heading or key by the name that it is read under; an unknown one as it is.  Case and blanks do not
    matter.
    """
    small = key.strip().lower().replace(" ", "")
    small = _SAME.get(small, small)
    return _KEYS.get(small, key.strip())


def _are_headings(cells: list[str]) -> bool:
    """Whether most cells of a row are names of columns, of accounts or of QOS.

    A table has "Account" or "Name" among its columns; a second table in the file begins with such a row too.
    """
    known = [_proper(cell).lower() in _KEYS for cell in cells if cell.strip()]
    return {"account", "name"} & {cell.strip().lower() for cell in cells} != set() and 2 * sum(known) > len(known)


def _row(headings: list[str], cells: list[str], place: Pair, tree: list[str], notes: Notes) -> AccountingEntry | None:
    """A row of a table; where accounts are indented, they stand under the nearest one that is indented less.

    headings   names of the columns
    tree       small names of the accounts above, by depth; changed here

    None for a row that has another number of columns, which is refused.
    """
    if len(cells) != len(headings):
        would_do = f"{len(headings)} would do, as the headings have"
        notes.refuse(place._replace(key="row"), f"a row of {len(cells)} columns", would_do)
        return None
    named = {_proper(heading): cell for heading, cell in zip(headings, cells, strict=True)}
    pairs = [place._replace(key=key, value=cell.strip()) for key, cell in named.items() if cell.strip()]
    settings = Settings.of(notes, pairs)
    if "Account" not in named:
        return AccountingEntry("qos", place._replace(key="qos", value=named.get("Name", "").strip()), "", settings)
    account = named["Account"]
    depth = len(account) - len(account.lstrip())
    del tree[depth:]
    tree += [""] * (depth - len(tree))
    parent = named.get("Parent", "").strip() or next((name for name in reversed(tree) if name), "")
    user = named.get("User", "").strip()
    if not user:
        tree.append(account.strip().lower())
    name = place._replace(key="user" if user else "account", value=user or account.strip())
    return AccountingEntry("user" if user or named.get("Partition", "").strip() else "account", name, parent, settings)


def _dumped(text: str, place: Pair) -> tuple[Pair, list[Pair]]:
    """Name and values of a line of a dump: parts between colons, which quoted ones may hold.

    text    what stands behind the dash
    place   of the line
    """
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


def entries_of_cluster(entries: list[AccountingEntry], cluster: str, notes: Notes) -> list[AccountingEntry]:
    """The entries of one cluster; those of a file of one are taken whatever it is called.

    cluster   ClusterName of the slurm.conf; if the file tells of several others and not of it, all is refused
    """
    named = {entry.settings.stated["cluster"].value.lower() for entry in entries if "cluster" in entry.settings.stated}
    if len(named) < 2:
        return entries
    if cluster.lower() not in named:
        first = next(entry for entry in entries if "cluster" in entry.settings.stated)
        notes.refuse(
            first.settings.stated["cluster"], f"several clusters, and none is {cluster!r}", did_you_mean(cluster, named)
        )
        return []
    return [
        entry
        for entry in entries
        if "cluster" not in entry.settings.stated or entry.settings.stated["cluster"].value.lower() == cluster.lower()
    ]
