"""What the fields of a policy cannot tell one by one: names that must be there, trees that must have a root."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from terp.describe.policy import Policy
from terp.errors import Problem, did_you_mean
from terp.reader import Written

_ASSIGNED: Final = (("qos", "qos"), ("partition", "partitions"))
_RANGES: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def misfits_of_policy(written: Written[Policy]) -> list[Problem]:
    """Accounts and QOS that are named and not there, accounts that are their own parents, ranges of nodes
    that are none.

    Gives a problem a mistake, with the place in the file.  A QOS whose jobs could, through others, be stopped
    for those that they stop is refused too: the controller would stop jobs in a circle.
    """
    policy, tree = written.record, written.tree
    named: list[tuple[tuple[str, ...], str, Collection[str]]] = [
        (("default_partition",), policy.default_partition, policy.partitions),
        *((("accounts", name, "parent"), account.parent, policy.accounts) for name, account in policy.accounts.items()),
        *((("qos", name, "preempts"), other, policy.qos) for name, qos in policy.qos.items() for other in qos.preempts),
    ]
    named += [
        ((section, name, "accounts"), account, policy.accounts)
        for section in ("partitions", "reservations")
        for name, entry in getattr(policy, section).items()
        for account in entry.accounts
    ]
    for place, rule in enumerate(policy.assign):
        named += [(("assign", str(place), key), getattr(rule, key), getattr(policy, section)) for key, section in _ASSIGNED]
    problems = [
        tree.problem(path, "is not there", repr(name), did_you_mean(name, known))
        for path, name, known in named
        if name and name not in known
    ]
    for name in policy.accounts:
        above, at = {name}, policy.accounts[name].parent
        while at in policy.accounts and at not in above:
            above.add(at)
            at = policy.accounts[at].parent
        if at in above:
            problems.append(tree.problem(("accounts", name, "parent"), "leads back to itself", repr(at)))
    problems += [
        tree.problem(("qos", name, "preempts"), "its jobs could be stopped for those that they stop", repr(name))
        for name in policy.qos
        if name in _stopped_for(policy, name)
    ]
    for section in ("partitions", "reservations"):
        for name, entry in getattr(policy, section).items():
            if entry.nodes and not _RANGES.fullmatch(entry.nodes):
                would_do = "write numbers from 1, such as '1-64,70'"
                problems.append(tree.problem((section, name, "nodes"), "no ranges of nodes", repr(entry.nodes), would_do))
    return problems


def _stopped_for(policy: Policy, name: str) -> set[str]:
    """All QOS whose jobs a QOS may stop, itself or through others."""
    found: set[str] = set()
    left = list(policy.qos[name].preempts)
    while left:
        other = left.pop()
        if other in policy.qos and other not in found:
            found.add(other)
            left += policy.qos[other].preempts
    return found
