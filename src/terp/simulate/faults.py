"""Draws when nodes fail and come back.  Failures do not depend on what runs, so they are known before the run.

`draw_node_events` is what others call: it gives the events that an engine walks through beside the jobs'.  Rates, causes
and repair times are those of the machine's `Reliability`; what a failure costs jobs is told by `terp.results.figures`.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, replace
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Bools, Ints
from terp.catalogue import CauseName, Reliability
from terp.simulate.engine.shared.codes import NodeTurn
from terp.statistics import NORMAL_P95

CAUSES: Final = (*get_args(CauseName), "unknown")
"""What fails, in the order of the numbers that stand for it."""
_P95: Final = round(NORMAL_P95, 7)  # as the first release had it, so that a seed gives the same repairs


@dataclass(frozen=True)
class NodeFaults:
    """What happens to the nodes of a run, sorted by time.  One entry an event in the first five.

    DOWN and BACK of a node take turns.  How long a DRAIN lasts depends on what runs: the node's next DOWN may strike while
    it still drains, and a DOWN and its BACK may fall into the drain's repair, where they change nothing.

    time_s    [s]  whole seconds from the start of the run
    node      [-]
    kind      [-]  a NodeTurn: DOWN goes down now, BACK comes back, DRAIN takes no new jobs and is mended once it is empty
    repair_s  [s]  how long a failed or drained node is away for repair; 0 of others
    cause     [-]  index into CAUSES; -1 where nothing failed: a return, and a spare node that stands by from the start
    standby   [-]  a row an interval in which a node is down only because it stands by: node, from [s], to [s]
    stalls    [-]  a row a flap that only holds up the jobs on a node: from [s], node, how long [s]
    """

    time_s: NDArray[np.int64]
    node: NDArray[np.int64]
    kind: NDArray[np.int64]
    repair_s: NDArray[np.int64]
    cause: NDArray[np.int64]
    standby: NDArray[np.int64]
    stalls: NDArray[np.int64]


@dataclass(frozen=True)
class _Failures:
    """Failures alone, one entry each: when, of which node, DOWN or DRAIN, away for how long, from which cause."""

    time_s: NDArray[np.int64]
    node: NDArray[np.int64]
    kind: NDArray[np.int64]
    repair_s: NDArray[np.int64]
    cause: NDArray[np.int64]

    def taken(self, which: Ints | Bools) -> _Failures:
        """Those of an index or mask."""
        return _Failures(*(values[which] for values in vars(self).values()))


def draw_node_events(reliability: Reliability, nodes: int, horizon_s: int, seed: int) -> NodeFaults:
    """Failures and repairs of `nodes` nodes within the horizon.

    A node fails with its own constant rate, Gamma-distributed over the nodes about the mean: with a shape below 1 a
    few nodes fail far more often than the rest, as fleets report (kokolis-2024, lablup-2026).  The cause is drawn by
    its share.  Most failures are mended by a restart within minutes, the rest by a log-normal repair.  A repair that
    outlasts the run leaves the node down.  The last `spare_nodes_count` nodes stand by at first.

    horizon_s   no failure strikes after it, though a repair may end later [s]
    seed        of the whole run; failures have a stream of their own, so that other settings do not change them

    Gives events sorted by time, then kind, then node, as the engines take them.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    spread = reliability.spread_ratio
    rates = rng.gamma(spread, 1 / spread, nodes) * reliability.node_failures_per_s
    failures = _draw_failures(reliability, rates, float(horizon_s), rng)
    stalls = _draw_stalls(reliability, nodes, horizon_s, rng)
    if reliability.spare_nodes_count:
        return replace(_with_spares(failures, reliability, nodes, horizon_s), stalls=stalls)
    down = failures.kind == NodeTurn.DOWN
    back = failures.taken(down)
    returns = _Failures(
        back.time_s + back.repair_s, back.node, back.node * 0 + NodeTurn.BACK, back.node * 0, back.node * 0 - 1
    )
    return _sorted(failures, returns, np.empty((0, 3), np.int64), stalls)


def _sorted(first: _Failures, second: _Failures, standby: NDArray[np.int64], stalls: NDArray[np.int64]) -> NodeFaults:
    """Two sets of events as one, in order of time, then kind, then node."""
    both = zip(vars(first).values(), vars(second).values(), strict=True)
    time_s, node, kind, repair_s, cause = (np.concatenate(pair) for pair in both)
    order = np.lexsort((node, kind, time_s))
    return NodeFaults(time_s[order], node[order], kind[order], repair_s[order], cause[order], standby, stalls)


@dataclass(frozen=True)
class _Law:
    """The causes as arrays in the order of CAUSES, and the rate of flaps that end jobs.

    shares        chance of each cause, which add up to 1
    quick         fraction of its failures that a restart mends
    slow_median   median of the other repairs [s]
    seen          fraction that a health check can see coming

    All of shape (causes,).
    """

    shares: NDArray[np.float64]
    quick: NDArray[np.float64]
    slow_median: NDArray[np.float64]
    seen: NDArray[np.float64]

    @classmethod
    def of(cls, law: Reliability) -> _Law:
        """Of what is written; all `unknown` where no causes are."""
        causes = [law.causes.get(name) for name in CAUSES[:-1]]
        shares = np.array([cause.share_fraction if cause else 0.0 for cause in causes] + [0.0 if law.causes else 1.0])
        quick = [
            law.quick_fraction if cause is None or cause.quick_fraction is None else cause.quick_fraction for cause in causes
        ]
        slow = [
            law.slow_median_s if cause is None or cause.slow_median_s is None else cause.slow_median_s for cause in causes
        ]
        seen = [cause.seen_fraction if cause else 0.0 for cause in causes]
        return cls(
            shares / shares.sum(),
            np.array([*quick, law.quick_fraction]),
            np.array([*slow, law.slow_median_s]),
            np.array([*seen, 0.0]),
        )


def _draw_failures(
    reliability: Reliability, rates: NDArray[np.float64], horizon_s: float, rng: np.random.Generator
) -> _Failures:
    """Failures of all nodes: the first of each, then the next of each that had one, until the horizon.

    rates       of each node, flaps aside [1/s], shape (nodes,)

    A node's time to the next failure is exponential from its return on.  A link's flap that ends jobs counts as a failure of
    cause "network".  Rates do not change with age.
    """
    law = _Law.of(reliability)
    flaps_per_s = reliability.link_flaps_per_s * reliability.flap_interrupts_fraction
    total = rates + flaps_per_s
    node = np.flatnonzero(total > 0)
    since = np.zeros(node.size)  # when the node last came back
    rounds = [_Failures(*(np.empty(0, np.int64) for _ in range(5)))]
    while node.size:
        struck = since + rng.exponential(1 / total[node])
        within = struck < horizon_s
        node, since, struck = node[within], since[within], struck[within]
        flap = rng.random(node.size) * total[node] < flaps_per_s
        cause = np.where(flap, CAUSES.index("network"), rng.choice(len(CAUSES), node.size, p=law.shares))
        repair = np.maximum(_repair_s(reliability, law, cause, flap, rng), 1.0).astype(np.int64)
        noticed, seen = _noticed_s(reliability, law.seen[cause] * ~flap, since, struck, rng)
        at = np.where(seen, noticed, struck).astype(np.int64)
        rounds.append(_Failures(at, node, np.where(seen, NodeTurn.DRAIN, NodeTurn.DOWN), repair, cause.astype(np.int64)))
        since = (at + repair + 1).astype(float)
    return _Failures(*(np.concatenate([vars(each)[key] for each in rounds]) for key in vars(rounds[0])))


def _repair_s(
    law: Reliability, causes: _Law, cause: NDArray[np.int64], flap: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """How long a node is away: uniform if a restart mends it, else log-normal; a flap as long as it lasts.

    causes   by cause;  cause, flap  an entry a failure, as is the result [s]

    The log-normal's spread follows from the median and the 95th percentile that the reliability gives for all causes.
    """
    sigma = np.log(max(law.slow_p95_s / law.slow_median_s, 1.0)) / _P95
    quick = rng.random(cause.size) < causes.quick[cause]
    slow_s = causes.slow_median[cause] * np.exp(sigma * rng.standard_normal(cause.size))
    mended_s = np.where(quick, rng.uniform(law.quick_low_s, law.quick_high_s, cause.size), slow_s)
    return np.where(flap, rng.uniform(law.flap_low_s, max(law.flap_low_s, law.flap_high_s), cause.size), mended_s)


def _noticed_s(
    law: Reliability,
    chance: NDArray[np.float64],
    since: NDArray[np.float64],
    struck: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """When a health check sees a failure coming, and whether one does before it strikes.

    chance   that a failure gives a warning, by failure;  since, struck  when its node came back, and when it fails [s]

    The warning comes an exponential time before, and the next check notices it; one noticed too late strikes as any other.
    """
    if law.check_s is None or not chance.any():
        return struck, np.zeros(struck.size, bool)
    warned = np.maximum(struck - rng.exponential(law.warning_s, struck.size), since)
    noticed = warned + rng.random(struck.size) * law.check_s  # checks of nodes fall anywhere
    return noticed, (rng.random(struck.size) < chance) & (noticed < struck)


def _draw_stalls(law: Reliability, nodes: int, horizon_s: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Flaps that end no job, by time.

    Rows of time [s], node and length [s], as `NodeFaults.stalls`; their number is Poisson over all nodes and the whole run.
    """
    per_s = law.link_flaps_per_s * (1 - law.flap_interrupts_fraction)
    count = rng.poisson(per_s * nodes * horizon_s)
    at = np.sort(rng.integers(0, max(horizon_s, 1), count))
    lasts = rng.uniform(law.flap_low_s, max(law.flap_low_s, law.flap_high_s), count)
    return np.column_stack([at, rng.integers(0, nodes, count), np.ceil(lasts).astype(np.int64)])


class _Places:
    """Who holds the places of a machine with spare nodes, as its failures are gone through in order of time.

    swap_s     that a spare takes to stand in for a node [s]
    waiting    spares in the order in which they began to wait: the one that waited longest goes first
    standby    intervals that have ended, as rows of node, from [s], to [s]
    events     as rows of time [s], node, NodeTurn, repair [s] and cause

    `here_s` of a node that is out of service is the horizon, so that failures drawn for it meanwhile are passed over.
    """

    def __init__(self, nodes: int, spares: int, swap_s: int, horizon_s: int) -> None:
        self.swap_s, self.horizon_s = swap_s, horizon_s
        self.waiting = deque(range(nodes - spares, nodes))
        self.since_s = dict.fromkeys(self.waiting, 0)  # when each of those began to wait
        self.here_s = [0] * (nodes - spares) + [horizon_s] * spares  # from when on a node is in service
        self.mended: list[tuple[int, int]] = []  # who will be, and when
        self.open_places = 0
        self.events = [(0, spare, NodeTurn.DOWN, 0, -1) for spare in self.waiting]
        self.standby: list[tuple[int, int, int]] = []

    def up(self, at_s: int, node: int) -> None:
        """A node takes a place."""
        self.here_s[node] = at_s
        self.events.append((at_s, node, NodeTurn.BACK, 0, -1))

    def settle(self, until_s: int) -> None:
        """Mended nodes fill places that are open, or stand by."""
        while self.mended and self.mended[0][0] <= until_s:
            at_s, node = heapq.heappop(self.mended)
            if self.open_places:
                self.open_places -= 1
                self.up(at_s, node)
            else:
                self.since_s[node] = at_s
                self.waiting.append(node)

    def leave(self, at_s: int, node: int, repair_s: int) -> None:
        """A node goes down: it is back before a spare would be, or one takes its place, if there is one."""
        if repair_s <= self.swap_s:
            self.up(at_s + repair_s, node)
            return
        self.here_s[node] = self.horizon_s
        heapq.heappush(self.mended, (at_s + repair_s, node))
        if self.waiting:
            spare, taken_s = self.waiting.popleft(), at_s + self.swap_s
            self.standby.append((spare, self.since_s.pop(spare), min(taken_s, self.horizon_s)))
            self.up(taken_s, spare)
        else:
            self.open_places += 1


def _with_spares(failures: _Failures, law: Reliability, nodes: int, horizon_s: int) -> NodeFaults:
    """The events when the last nodes stand by and take the place of those that go down.

    A node that would be back before the spare is not replaced.  A mended node takes a place that is open, or else
    stands by.  A drained node comes back to its own place.  Nodes that stand by do not fail.
    """
    places = _Places(nodes, law.spare_nodes_count, max(round(law.swap_s), 1), horizon_s)
    order = np.lexsort((failures.node, failures.time_s))
    for at_s, node, kind, repair_s, cause in zip(
        *(values[order].tolist() for values in vars(failures).values()), strict=True
    ):
        places.settle(at_s)
        if places.here_s[node] > at_s:
            continue
        places.events.append((at_s, node, kind, repair_s, cause))
        if kind == NodeTurn.DOWN:
            places.leave(at_s, node, repair_s)
    places.settle(horizon_s)
    standby = places.standby + [(node, from_s, horizon_s) for node, from_s in places.since_s.items()]
    rows = np.array(sorted(standby), np.int64).reshape(-1, 3)
    columns = np.array(places.events, np.int64).reshape(-1, 5).T
    none = _Failures(*(np.empty(0, np.int64) for _ in range(5)))
    return _sorted(_Failures(*columns), none, rows, np.empty((0, 3), np.int64))
