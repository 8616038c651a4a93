"""The table of published fleets, which constants are from which, and the law that their rates follow.

A row is one figure of one paper; its columns stand in docs/formats/validate.md.  Rates are failures of a node a second.
The law of rates is made without the fleet that is graded, so that no fleet vouches for itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.errors import Problem, Problems
from terp.reader import read_text, read_tree
from terp.units import DAY_S
from terp.validate.grading.cases import published_file
from terp.validate.grading.csv_table import lines_of

SOURCE: Final = "fleets"
NEEDED: Final = ("id", "fleet", "quantity", "printed", "value", "count", "of", "low", "high", "nodes", "days", "source")
"""Columns a table must have."""

Row = Mapping[str, str]
"""Column -> cell, as printed."""

BOUNDS: Final = {
    "count": (0, 1e9), "of": (1, 1e9), "low": (0, 1e9), "high": (0, 1e9), "nodes": (1, 1e6), "days": (0.01, 1e5),
    "value": (0, 1e9), "interval": (0, 1e7), "write_bytes": (0, 1e16), "write_rate": (1, 1e16),
}  # fmt: skip
"""Column of numbers -> the least and the most there may be."""


def number(row: Row, column: str) -> float | None:
    """A column as a number; None where it is empty or not there."""
    text = row.get(column, "").strip()
    return float(text) if text else None


def check_numbers(rows: Sequence[Row], file: str) -> None:
    """Refuses a table with cells of number columns that hold no number, or one out of bounds.

    rows   in the order of the file, the first on line 2;  file   the name that problems give

    Raises Problems with all such cells.
    """
    problems = []
    for line, row in enumerate(rows, 2):
        for column, (low, high) in BOUNDS.items():
            text = row.get(column, "").strip()
            try:
                wrong = bool(text) and not low <= float(text) <= high
            except ValueError:
                wrong = True
            if wrong:
                problems.append(
                    Problem(file, line, 1, column, "no such number", repr(text), f"{low:g} to {high:g} would do")
                )
    if problems:
        raise Problems(problems)


@cache
def shipped() -> tuple[Row, ...]:
    """The rows that ship, read once."""
    path = published_file(SOURCE, "table.csv")
    return tuple(row for _, row in lines_of(read_text(path), str(path), NEEDED))


@cache
def constants_from(constant: str) -> frozenset[str]:
    """The fleets that a constant was taken from, by validation/fleets/split.yaml: "rate" or "restart", say."""
    path = published_file(SOURCE, "split.yaml")
    fitted = read_tree(read_text(path), str(path)).mapping["fit"]
    named = [str(entry).split("|") for entry in fitted] if isinstance(fitted, list) else []
    return frozenset(fleet for what, fleet in named if what == constant)


@dataclass(frozen=True)
class Law:
    """What node rates of fleets follow: log-normal about their geometric mean.

    mean_per_s        geometric mean of the fleets' rates [failures of a node per second]
    deviation_ratio   standard deviation of the natural logarithms; 0 for a rate that is known
    """

    mean_per_s: float
    deviation_ratio: float

    def drawn(self, count: int, rng: np.random.Generator) -> Floats:
        """Rates of so many fleets [1/s], shape (count,)."""
        return np.asarray(self.mean_per_s * np.exp(self.deviation_ratio * rng.standard_normal(count)))


def gpu_share(fleet: str) -> float:
    """Share of GPUs and their memory in failures that software did not cause, by a fleet's table of causes [0 to 1]."""
    rows = [row for row in shipped() if row["fleet"] == fleet and row["quantity"] == "cause" and row["cause"] != "software"]
    counts = [(row["cause"] in ("gpu", "memory"), float(row["count"])) for row in rows]
    return sum(count for own, count in counts if own) / sum(count for _, count in counts)


def node_rates() -> dict[str, float]:
    """Failures of a node a second, by the fleets that publish it.

    Of a fleet that counts failures of GPUs alone, the count is first divided by the GPUs' share of all.
    """
    rates: dict[str, float] = {}
    for row in shipped():
        if row["fleet"] not in constants_from("rate"):
            continue
        if row["quantity"] == "rate":
            rates[row["fleet"]] = float(row["value"]) / 1000 / DAY_S
        elif row["quantity"] in ("interruptions", "gpu failures"):
            part = gpu_share("acme") if row["quantity"] == "gpu failures" else 1.0
            rates[row["fleet"]] = float(row["count"]) / part / (float(row["nodes"]) * float(row["days"]) * DAY_S)
    return rates


def law_without(fleet: str) -> Law:
    """The law of fleets' rates as the others tell it: deviation with that of the mean, as for one more fleet.

    fleet   the one that is graded; a name that publishes no rate leaves all of them in

    The deviation is of n - 1 degrees, times sqrt(1 + 1/n): the mean of n fleets is itself not known better.
    """
    logs = np.log([rate for name, rate in node_rates().items() if name != fleet])
    return Law(float(np.exp(logs.mean())), float(logs.std(ddof=1) * math.sqrt(1 + 1 / logs.size)))
