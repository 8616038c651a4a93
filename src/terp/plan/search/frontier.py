"""The search: every design with every number of nodes, the frontier of what may be bought, and why the others lost.

`search` evaluates all designs, `best_of` gives the one machine that leads, and `frontier` the few that a reader should see
beside it.  Of equal machines the order is fixed (more science, then less cost), so that a plan is the same on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.plan.machines.designs import Design
from terp.plan.search.evaluate import Evaluated, evaluate
from terp.plan.search.objectives import FRONTIER, OBJECTIVES
from terp.plan.search.workings import Workings
from terp.plan.uncertainty.price_scenarios import Kind, kind_of

MOST_MACHINES: Final = 8
LADDER: Final = (0.75, 0.5)
"""Shares of the recommended machine's cost at which the best machine is shown too."""
_NEAR: Final = 1e-9
_NAME: Final = 64  # signs that the name of a machine file may have


@dataclass(frozen=True)
class Pick:
    """A machine: a design with one of the numbers of nodes that were tried.

    entry         the design's arrays, whose row of this number is the machine's
    nodes_count   spares included
    """

    entry: Evaluated
    nodes_count: int

    @property
    def design(self) -> Design:
        """What it is but for the number of its nodes."""
        return self.entry.design

    @property
    def row(self) -> int:
        """Index of its number of nodes in the arrays of `Evaluated`; that number must be one that was tried."""
        return int(np.searchsorted(self.entry.nodes_count, self.nodes_count))

    @property
    def spare_count(self) -> int:
        """Nodes that stand by."""
        return int(self.design.spare_nodes(self.nodes_count))

    @property
    def name(self) -> str:
        """Such as `hgx-b300-liquid-120-groningen`, with what else sets it apart: taper, network, storage, cap, years and
        spares.

        It is the name of the machine's file, so one that is too long is cut and ends with a check sum of the whole.
        """
        design, frame = self.design, self.design.frame
        words = [frame.node, str(self.nodes_count), design.place]
        words += [f"{frame.oversubscription_ratio:g}to1"] if frame.oversubscription_ratio > 1 else []
        words += ["ethernet"] if frame.kit.technology == "ethernet" else []
        words += ["flash"] if design.all_flash else []
        words += ["plain"] if frame.topology == "fat-tree" else []
        words += [f"cap{100 * design.gpu_cap_fraction:g}"] if design.gpu_cap_fraction < 1 else []
        words += [design.label] if design.label else []
        words += [f"spare{100 * design.spare_fraction:g}"] if design.spare_fraction > 0 else []
        name = "-".join(words)
        return name if len(name) <= _NAME else f"{name[: _NAME - 9].rstrip('-.')}-{crc32(name.encode()):08x}"

    def value_of(self, column: str) -> float:
        """Its entry in a column of `Evaluated`."""
        return float(getattr(self.entry, column)[self.row])

    def value(self, objective: str) -> float:
        """What it reaches in an objective."""
        return self.value_of(OBJECTIVES[objective].column)


@dataclass(frozen=True)
class Searched:
    """What was tried.

    entries          every design, without its quantities, which are as large as all else together
    machines_count   all designs times their numbers of nodes;  feasible_count   those that meet every constraint
    exhaustive       every number of nodes was tried that the money could pay
    """

    entries: tuple[Evaluated, ...]
    machines_count: int
    feasible_count: int
    exhaustive: bool


def search(workings: Workings, designs: Sequence[Design], tell: Callable[[float], None] | None = None) -> Searched:
    """Evaluates all designs with all numbers of nodes that the money could pay.

    tell   hears the share done, 0 to 1, once in sixteen designs; None: nobody
    """
    entries, machines, feasible = [], 0, 0
    for at, design in enumerate(designs):
        entry = evaluate(workings, design)
        machines += entry.nodes_count.size
        feasible += int(entry.fits.sum())
        entries.append(replace(entry, quantities_count=entry.quantities_count[:0]))  # as large as all else together
        if tell is not None and at % 16 == 0:
            tell(at / len(designs))
    exhaustive = all(np.diff(entry.nodes_count).max(initial=0) <= workings.step_of(entry.design.frame) for entry in entries)
    return Searched(tuple(entries), machines, feasible, exhaustive)


def best_of(entries: Sequence[Evaluated], objective: str) -> Pick | None:
    """The machine that leads in an objective; of equal ones that with more science, then that which costs less.

    Only machines that meet every constraint count; None if there is none.
    """
    picks = [pick for entry in entries if (pick := _best_row(entry, objective, entry.fits)) is not None]
    return max(picks, key=lambda pick: rank_of(pick, objective), default=None)


def _best_row(entry: Evaluated, objective: str, allowed: NDArray[np.bool_]) -> Pick | None:
    """The machine of a design that leads among some of its rows, with ties as `rank_of` settles them; None if none is."""
    rows = np.flatnonzero(allowed)
    if not rows.size:
        return None
    sign = -1.0 if OBJECTIVES[objective].less else 1.0
    value = sign * getattr(entry, OBJECTIVES[objective].column)[rows]
    order = np.lexsort((-entry.tco_eur[rows], entry.h100_hours_count[rows], value))
    return Pick(entry, int(entry.nodes_count[rows[order[-1]]]))


def rank_of(pick: Pick, objective: str) -> tuple[float, float, float]:
    """By which of two machines the better one is the larger: the objective, then more science, then less cost.

    Signs are such that more is better in each.
    """
    sign = -1.0 if OBJECTIVES[objective].less else 1.0
    return sign * pick.value(objective), pick.value("science"), -pick.value("cost")


def frontier(entries: Sequence[Evaluated], chosen: Pick) -> list[Pick]:
    """Machines of which none is beaten in all of FRONTIER at once by anything that fits; the chosen one first.

    entries   what fits is sought in all of them;  chosen   stays first even if something beats it

    Beside the chosen one: who leads in rate and in time, the best for less money (LADDER), and the best of each kind; at
    most
    MOST_MACHINES of them, in that order.
    """
    wanted = [chosen, *(pick for name in ("science", "rmax", "time") if (pick := best_of(entries, name)))]
    for share in LADDER:
        limit = share * chosen.value("cost")
        picks = [pick for entry in entries if (pick := _best_row(entry, "science", entry.fits & (entry.tco_eur <= limit)))]
        wanted += [max(picks, key=lambda pick: rank_of(pick, "science"))] if picks else []
    wanted += sorted(best_of_kinds(entries, "science").values(), key=lambda pick: -pick.value("science"))
    picks_by_name: dict[str, Pick] = {}
    for pick in wanted:
        if (
            len(picks_by_name) < MOST_MACHINES
            and pick.name not in picks_by_name
            and (pick is chosen or not beaten(pick, entries))
        ):
            picks_by_name[pick.name] = pick
    return list(picks_by_name.values())


def best_of_kinds(entries: Sequence[Evaluated], objective: str) -> dict[Kind, Pick]:
    """The machine of each kind that leads in an objective, of those that fit."""
    grouped = by_kind(entries).items()
    return {kind: pick for kind, group in grouped if (pick := best_of(group, objective)) is not None}


def by_kind(entries: Sequence[Evaluated]) -> dict[Kind, list[Evaluated]]:
    """The designs of each kind of machine, in their order."""
    grouped: dict[Kind, list[Evaluated]] = {}
    for entry in entries:
        grouped.setdefault(kind_of(entry), []).append(entry)
    return grouped


def beaten(pick: Pick, entries: Sequence[Evaluated]) -> bool:
    """True if something that fits is as good in all of FRONTIER (to a part in 1e9), and better in one.

    entries   designs among whose machines that fit a better one is sought; the pick's own is no better than itself
    """
    own = np.array([_signed(pick.entry, name)[pick.row] for name in FRONTIER])
    slack = _NEAR * np.abs(own)
    for entry in entries:
        rows = entry.fits
        if rows.any():
            theirs = np.stack([_signed(entry, name)[rows] for name in FRONTIER], axis=1)
            if ((theirs >= own - slack).all(1) & (theirs > own + slack).any(1)).any():
                return True
    return False


def _signed(entry: Evaluated, objective: str) -> Floats:
    """An objective's column, with its sign changed where less is better, so that more always is; shape (n,)."""
    value: Floats = getattr(entry, OBJECTIVES[objective].column)
    return -value if OBJECTIVES[objective].less else value
