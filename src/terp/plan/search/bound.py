"""How much better than the best machine any could be that was not tried.

Where a frame allows more numbers of nodes than are tried, the search has gaps.  This bounds what they could hide, so that
a plan can say "exhaustive", or by how much at most it may be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.plan.search.evaluate import PRICED, Evaluated
from terp.plan.search.frontier import Pick
from terp.plan.search.objectives import OBJECTIVES

RISING: Final = (*PRICED, "power", "carbon")
"""Constraints that a machine with more nodes does not meet if one with fewer does not."""
FALLING: Final = ("gpus", "largest job", "rank", "serving")
"""Those that one with fewer nodes does not meet if one with more does not.  PUE and the fabric are neither."""


def bound_fraction(entries: Sequence[Evaluated], best: Pick, objective: str, steps: Sequence[int]) -> float:
    """How much better than `best` a machine between two numbers of nodes that were tried could be, as a share; 0 if none
    could.

    entries   every design that was tried, with its arrays over numbers of nodes
    steps     between numbers of nodes that a design of each entry can have, in the order of the entries

    Costs, power and what a machine does rise with its nodes.  So what lies between two of them does no more than the
    larger, costs no less than the smaller, and can be bought only if the smaller can be paid and the larger is large enough.
    The bound is safe, and not tight.
    """
    value, less = best.value(objective), OBJECTIVES[objective].less
    most = 0.0
    for entry, step in zip(entries, steps, strict=True):
        gaps = _open(entry, step)
        if gaps.any() and value:
            could = _could_be(entry, objective)[gaps]
            most = max(most, 1 - float(could.min()) / value if less else float(could.max()) / value - 1)
    return most


def _open(entry: Evaluated, step: int) -> NDArray[np.bool_]:
    """Between which neighbours something could fit that was not tried, shape (n - 1,)."""
    gaps: NDArray[np.bool_] = np.diff(entry.nodes_count) > step
    for name, mask in entry.met.items():
        gaps &= mask[:-1] if name in RISING else mask[1:] if name in FALLING else True
    return gaps


def _could_be(entry: Evaluated, objective: str) -> Floats:
    """The best that anything between two neighbours could reach in an objective, in its unit, shape (n - 1,)."""
    wanted = OBJECTIVES[objective]
    if wanted.column == "unit_cost_eur":
        least: Floats = entry.tco_eur[:-1] / np.maximum(entry.h100_hours_count[1:], 1e-9)
        return least
    column: Floats = getattr(entry, wanted.column)
    return column[:-1] if wanted.less else column[1:]
