"""Published fleets simulated: interruptions, time between failures, effective training time, and where failures sit.

A rate is the geometric mean of the fleets that publish one, without the fleet that is graded; the simulation's interval
holds what fleets differ by.  A published figure's own interval is Poisson's for a count, Wilson's for a share, and what
it was printed with for a bound or a rounded figure; where nothing tells how many failures it is from, it has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field

from terp.arrays import Floats
from terp.catalogue import own_catalogue, usual_fleet
from terp.errors import Problem, Problems
from terp.physics import checkpoint_interval
from terp.reader import Record, read_entries, read_text, read_tree
from terp.results.record import Json
from terp.simulate import draw_node_events
from terp.simulate.jobs.one_job import OneJob, Outcomes, run_one_job
from terp.statistics import poisson_interval, wilson_interval
from terp.units import DAY_S, HOUR_S, YEAR_S
from terp.validate.grading.cases import published_file
from terp.validate.grading.csv_table import lines_of
from terp.validate.grading.grade import Skipped, skipped_data
from terp.validate.systems.fleet_rows import (
    NEEDED,
    SOURCE,
    Law,
    Row,
    check_numbers,
    constants_from,
    gpu_share,
    law_without,
    node_rates,
    number,
    shipped,
)  # fmt: skip

RUNS: Final = 1000
"""Simulated runs a figure."""
SEED: Final = 1
RESTART_S: Final = (300.0, 660.0, 1200.0)
"""From failure to the next step: 5 to 20 min on RSC-1 (kokolis-2024), 11 min the median gap of lablup-2026's retries."""
RETRY_S: Final = 660.0
"""The latter alone, for fleets that the former is from."""
MOST_NODES: Final = 10_000
MOST_FAILURES: Final = 50_000
"""What is simulated at most, of nodes whose rates are ranked and of failures of one job."""
SIDE_BY_SIDE: Final = 128
"""Nodes over which small jobs are simulated at once, so that each size is seen for as long."""


class FleetLimits(Record):
    """What must hold of the figures, by name: one entry of validation/fleets/expect.yaml.

    asked    figures that should lie inside, named before the first run
    held     figures that do, which no change may lose
    reason   why these, in a sentence
    """

    asked: list[str] = Field(min_length=1)
    held: list[str]
    reason: str


@dataclass(frozen=True)
class FleetCase:
    """One published figure with its own 95 % interval, and what the simulation gives, in the unit that was printed.

    name, quantity    the row's id, and what its figure is of
    printed           the figure as the paper has it
    published         the figure as a number; of a printed range its middle
    published_range   its own 95 % interval; None where nothing tells how many failures it is from
    predicted         mean over all simulated runs at the mean rate
    predicted_range   95 % of the simulated runs, which fleets' differences widen
    source            key of who published it
    how_read          "read" from a text or table, or how else, such as off a plot
    bound             whether the paper gives a lower bound alone
    """

    name: str
    quantity: str
    printed: str
    published: float
    published_range: tuple[float, float] | None
    predicted: float
    predicted_range: tuple[float, float]
    source: str
    how_read: str
    bound: bool = False

    @property
    def within_ours(self) -> bool:
        """True if the published figure lies in the simulation's interval; of a lower bound, if all does not lie below.

        What fleets differ by is in the interval, which can be wide.
        """
        low, high = self.predicted_range
        return self.published <= high and (self.bound or low <= self.published)

    @property
    def within_theirs(self) -> bool | None:
        """True if the simulation's mean lies in the published figure's own interval; None where it has none.

        It asks the mean of all fleets to lie where the graded fleet's own counting leaves it room.
        """
        own = self.published_range
        return None if own is None else own[0] <= self.predicted <= own[1]

    @property
    def inside(self) -> bool:
        """True if both hold; of a figure without an interval, if the first does."""
        return self.within_ours and self.within_theirs is not False


@dataclass(frozen=True)
class FleetGrade:
    """All figures that were simulated, the rows that none was made of, and what must hold.

    rows_count   rows of the table
    limits       None on a table of the caller's own, for which nothing was fixed
    """

    rows_count: int
    cases: tuple[FleetCase, ...]
    skipped: tuple[Skipped, ...]
    limits: FleetLimits | None

    @property
    def missed(self) -> tuple[str, ...]:
        """Which of the figures asked for are not inside; a figure that was not simulated is not inside."""
        return self._not_inside(self.limits.asked if self.limits else [])

    @property
    def worsened(self) -> bool:
        """True if a figure that was inside is no longer: `terp validate` fails by it."""
        return bool(self._not_inside(self.limits.held if self.limits else []))

    def _not_inside(self, names: list[str]) -> tuple[str, ...]:
        """Those of the names whose figure does not lie inside."""
        inside = {case.name for case in self.cases if case.inside}
        return tuple(name for name in names if name not in inside)

    def as_data(self) -> dict[str, Json]:
        """The grade as JSON, see docs/formats/validate.md."""
        return {
            "model": SOURCE,
            "n": self.rows_count,
            "graded": len(self.cases),
            "inside": sum(case.inside for case in self.cases),
            "asked": list(self.limits.asked) if self.limits else [],
            "missed": list(self.missed),
            "skipped": skipped_data(self.skipped),
            "cases": [_case_data(case) for case in self.cases],
        }


def _case_data(case: FleetCase) -> dict[str, Json]:
    """A figure as JSON, in the unit that was printed."""
    low, high = case.published_range or (None, None)
    return {
        "name": case.name,
        "quantity": case.quantity,
        "printed": case.printed,
        "published": case.published,
        "published_low": low,
        "published_high": high,
        "simulated": case.predicted,
        "simulated_low": case.predicted_range[0],
        "simulated_high": case.predicted_range[1],
        "inside": case.inside,
        "source": case.source,
        "read": case.how_read,
    }


def grade_fleets(cases: Path | None = None) -> FleetGrade:
    """Simulates every row that can be, of the shipped table or of one with its columns.

    cases   the table, CSV; None for the one that ships, which is simulated once

    Each quantity has a maker of its own in `_MAKERS`; rows of others are left out with the reason, as are those that would
    take more failures than MOST_FAILURES.  Raises Problems for a table that cannot be read or has numbers out of bounds.
    """
    return _shipped_grade(own_catalogue()) if cases is None else _grade(cases, None)


@cache
def _shipped_grade(_own: str) -> FleetGrade:
    """The grade of the table that ships, made once for each own catalogue; a caller's file may change, and is read anew."""
    return _grade(published_file(SOURCE, "table.csv"), _limits())


def _grade(path: Path, limits: FleetLimits | None) -> FleetGrade:
    """The grade of a table; `limits` are what must hold of it, None for a caller's own.  Raises Problems."""
    rows = [row for _, row in lines_of(read_text(path), str(path), NEEDED)]
    check_numbers(rows, str(path))
    cases = [(row["id"], _case(row)) for row in rows]
    made = tuple(case for _, case in cases if not isinstance(case, str))
    skipped = tuple(Skipped(name, case) for name, case in cases if isinstance(case, str))
    return FleetGrade(len(rows), made, skipped, limits)


def _limits() -> FleetLimits:
    """What must hold of the shipped figures.  Raises Problems for a file that does not say it."""
    problems: list[Problem] = []
    path = published_file(SOURCE, "expect.yaml")
    entries = read_entries(read_tree(read_text(path), str(path)), FleetLimits, problems)
    if problems:
        raise Problems(problems)
    return entries[SOURCE]


def _case(row: Row) -> FleetCase | str:
    """The case of a row, or why there is none.

    Nothing is simulated that would take more than MOST_FAILURES, by the highest rate that a fleet publishes.
    """
    quantity = row["quantity"]
    if quantity in LEFT_OUT:
        return LEFT_OUT[quantity]
    if quantity not in _MAKERS:
        return f"{quantity!r} is not simulated; known are {', '.join(_MAKERS)}"
    exposure = (number(row, "nodes") or 1.0) * (number(row, "days") or 1.0) * DAY_S
    if exposure * max(node_rates().values()) > MOST_FAILURES:
        return f"more than {MOST_FAILURES} failures to simulate"
    return _MAKERS[quantity](row)


def _made(
    row: Row, published: float, own: tuple[float, float] | None, simulated: float, many: Floats, *, bound: bool = False
) -> FleetCase:
    """The case of a row.

    published, own   the figure and its own 95 % interval, if it has one
    simulated        mean of the runs at the mean rate;  many   a run each [RUNS], over fleets' rates
    bound            whether the paper gives a lower bound alone
    """
    low, high = np.quantile(many, [0.025, 0.975]).tolist()
    source, how = row["source"], row.get("read", "")
    return FleetCase(row["id"], row["quantity"], row["printed"], published, own, simulated, (low, high), source, how, bound)


def _interruptions(row: Row, *, part: float = 1.0) -> FleetCase | str:
    """A count of failures over so many nodes and days; `part` of all is counted.

    Both are counts over the whole job [nodes x days]; the published one has Poisson's interval.
    """
    count, nodes, days = (number(row, column) for column in ("count", "nodes", "days"))
    if count is None or nodes is None or days is None:
        return "count, nodes or days are not known"
    law = law_without(row["fleet"])
    job = _whole_job(nodes, days)
    at_mean, over_fleets = _both(job, Law(law.mean_per_s * part, law.deviation_ratio))
    simulated, many = float(at_mean.interruptions.mean()), over_fleets.interruptions.astype(float)
    return _made(row, count, poisson_interval(count), simulated, many)


def _rate(row: Row) -> FleetCase | str:
    """Failures per thousand node-days.

    The published one has Poisson's interval only where the row says over how many days it was counted; a year is simulated
    else.
    """
    published, nodes, days = (number(row, column) for column in ("value", "nodes", "days"))
    if published is None or nodes is None:
        return "value or nodes are not known"
    seen_days = nodes * (days or 365.0)
    own = poisson_interval(published * seen_days / 1000) if days else None
    at_mean, over_fleets = _both(_whole_job(nodes, days or 365.0), law_without(row["fleet"]))
    scale = 1000 / seen_days
    theirs = None if own is None else (own[0] * scale, own[1] * scale)
    many = np.asarray(over_fleets.interruptions * scale, float)
    return _made(row, published, theirs, float(at_mean.interruptions.mean()) * scale, many)


def _mttf(row: Row, *, by_size: bool = False) -> FleetCase | str:
    """Mean time to failure of a job [h], from the rate of the fleet's nodes, or from its jobs of one node.

    Small jobs are simulated side by side, so that rare failures are seen at all.  The published time has no interval.
    """
    value, nodes, days = (number(row, column) for column in ("value", "nodes", "days"))
    rate = node_rates().get(row["fleet"])
    if value is None or nodes is None or days is None or rate is None:
        return "value, nodes, days or the fleet's rate are not known"
    if by_size:
        alone = [other for other in shipped() if other["fleet"] == row["fleet"] and other["nodes"] == "1"]
        if not alone:
            return "the fleet's time to failure on one node is not known"
        rate = 1 / (float(alone[0]["value"]) * HOUR_S)
    beside = max(SIDE_BY_SIDE // nodes, 1.0)
    at_mean, over_fleets = _both(_whole_job(nodes * beside, days), Law(rate, 0.0))
    hours = days * 24 * beside
    spread = hours / np.maximum(over_fleets.interruptions, 1)
    return _made(row, value, None, hours / max(float(at_mean.interruptions.mean()), 1.0), spread)


def _ettr(row: Row) -> FleetCase | str:
    """Effective training time ratio of a job on N nodes.

    It grows with the time between checkpoints that the row gives, or by Daly's rule from how long one takes to write.
    """
    nodes, days, low, high = (number(row, column) for column in ("nodes", "days", "low", "high"))
    if nodes is None or days is None or low is None or high is None:
        return "nodes or days are not known"
    law = law_without(row["fleet"])
    write_s = (number(row, "write_bytes") or 0.0) / (number(row, "write_rate") or 1.0)
    interval = number(row, "interval")
    interval_s = checkpoint_interval(write_s, nodes * law.mean_per_s) if interval is None else max(interval, 1.0)
    own_restart = row["fleet"] in constants_from("restart")
    restart = (RETRY_S, RETRY_S, RETRY_S) if own_restart else RESTART_S
    shape = usual_fleet().spread_ratio
    job = OneJob(round(nodes), days * DAY_S, shape, interval_s, write_s, restart)
    at_mean, over_fleets = _both(job, law)
    bound = high >= 1
    published = low if bound else (low + high) / 2
    return _made(row, published, (low, high), float(at_mean.ettr.mean()), over_fleets.ettr, bound=bound)


def _gpu_share(row: Row) -> FleetCase | str:
    """Share of GPUs in failures that software did not cause, as another fleet's table has it.

    Ours is the share in another fleet's table, drawn as often as there were failures; theirs has Wilson's interval.
    """
    count, of = number(row, "count"), number(row, "of")
    if count is None or of is None:
        return "count or of are not known"
    own, share = wilson_interval(count / of, of), gpu_share("acme")
    seen = np.random.default_rng([SEED, 5]).binomial(round(of), share, RUNS) / of
    return _made(row, count / of, own, share, seen)


def _lemons(row: Row) -> FleetCase | str:
    """Share of failures that the worst `count` of `of` nodes have, rates of nodes by the gamma law of the usual fleet."""
    published, count, of = (number(row, column) for column in ("value", "count", "of"))
    if published is None or count is None or of is None or not 1 <= count <= of <= MOST_NODES:
        return f"value, count or of are not known, or of is above {MOST_NODES}"
    shape = usual_fleet().spread_ratio
    rates = np.sort(np.random.default_rng([SEED, 6]).gamma(shape, 1.0, (RUNS // 10, round(of))), axis=1)
    share = rates[:, -round(count) :].sum(axis=1) / rates.sum(axis=1)
    return _made(row, published, None, float(share.mean()), share)


def _repair(row: Row) -> FleetCase | str:
    """Mean repair time of a node [h]: of 100 failures at a time.

    The published mean has no interval; ours is that of means of a hundred repairs.
    """
    published = number(row, "value")
    if published is None:
        return "value is not known"
    drawn = draw_node_events(usual_fleet(), 10_000, YEAR_S, SEED)
    repair_h = drawn.repair_s[drawn.cause >= 0] / HOUR_S
    groups = repair_h[: repair_h.size // 100 * 100].reshape(-1, 100).mean(axis=1)
    return _made(row, published, None, float(repair_h.mean()), groups)


def _whole_job(nodes: float, days: float) -> OneJob:
    """A job of which only the interruptions count: it writes no checkpoint and restarts at once."""
    shape = usual_fleet().spread_ratio
    return OneJob(round(nodes), days * DAY_S, shape, math.inf, 0.0, (0.0, 0.0, 0.0))


def _both(job: OneJob, law: Law) -> tuple[Outcomes, Outcomes]:
    """Runs at the law's mean rate, and runs on as many fleets as there are runs, each with a rate drawn by the law."""
    fleets = law.drawn(RUNS, np.random.default_rng([SEED, 4]))
    return run_one_job(job, np.full(RUNS, law.mean_per_s), SEED), run_one_job(job, fleets, SEED)


_MAKERS: Final[dict[str, Callable[[Row], FleetCase | str]]] = {
    "interruptions": _interruptions,
    "gpu failures": lambda row: _interruptions(row, part=gpu_share("acme")),
    "rate": _rate,
    "mttf": _mttf,
    "mttf by size": partial(_mttf, by_size=True),
    "ettr": _ettr,
    "gpu share": _gpu_share,
    "lemons": _lemons,
    "repair": _repair,
}
"""What a row's quantity is simulated by."""
LEFT_OUT: Final = {
    "cause": "a share is taken from it",
    "spread": "the spread of rates is taken from it",
    "projection": "projected from the fleet's own rate, not seen",
    "chains": "tries that fail at once are not simulated",
}
"""Quantities that no case is made of, and why."""
