"""Which rows constants are fitted to, and which they are graded on.

Rows are split by machine family and year, never one by one: all machines that one vendor built with one architecture
in one year stand on one side, so that sisters cannot tell on each other.  Within an architecture the groups are put in
the order of a hash of their names and dealt: three to fitting, two to grading, and again.  Gefion's group is always
graded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from terp.validate.rows import Built

ALWAYS_GRADED: Final = ("nvidia|hopper|2024",)
FIT_OF_FIVE: Final = 3


def group_of(case: Built) -> str:
    """Family and year of a row: vendor, architecture, year."""
    words = (case.row.text.get("vendor", ""), case.system.accelerator.architecture, case.row.text.get("year", ""))
    return "|".join(word.strip().lower() for word in words)


def groups_for_fitting(cases: Iterable[Built]) -> frozenset[str]:
    """The groups that constants may be fitted to; no row of them is ever graded."""
    of_architecture: dict[str, set[str]] = {}
    for case in cases:
        of_architecture.setdefault(case.system.accelerator.architecture, set()).add(group_of(case))
    chosen: set[str] = set()
    for groups in of_architecture.values():
        dealt = sorted(groups - set(ALWAYS_GRADED), key=lambda group: hashlib.sha256(group.encode()).hexdigest())
        chosen |= {group for place, group in enumerate(dealt) if place % 5 < FIT_OF_FIVE}
    return frozenset(chosen)
