"""Draws when nodes fail and come back.  Failures do not depend on what runs, so they are known before the run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import Reliability

Events = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def draw_node_events(reliability: Reliability, nodes: int, horizon_s: int, seed: int) -> Events:
    """Failures and repairs of `nodes` nodes within the horizon, sorted: times [s], nodes, and 1 for up, 0 for down.

    A node fails with its own constant rate, Gamma-distributed over the nodes about the mean: with a shape below 1 a
    few nodes fail far more often than the rest, as fleets report (kokolis-2024).  Most failures are mended by a
    restart within minutes, the rest by a log-normal repair.  A repair that outlasts the run leaves the node down.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    rates = rng.gamma(reliability.spread_ratio, 1 / reliability.spread_ratio, nodes) * reliability.node_failures_per_s
    sigma = np.log(max(reliability.slow_p95_s / reliability.slow_median_s, 1.0)) / 1.6448536
    events: list[tuple[int, int, int]] = []
    for node, rate in enumerate(rates.tolist()):
        at_s = 0.0
        while rate > 0:
            at_s += rng.exponential(1 / rate)
            if at_s >= horizon_s:
                break
            quick = rng.random() < reliability.quick_fraction
            slow_s = reliability.slow_median_s * np.exp(sigma * rng.standard_normal())
            repair_s = rng.uniform(reliability.quick_low_s, reliability.quick_high_s) if quick else slow_s
            down_s = int(at_s)
            up_s = down_s + max(int(repair_s), 1)
            events += [(down_s, 0, node), (up_s, 1, node)]
            at_s = float(up_s) + 1.0
    columns = np.array(sorted(events), np.int64).reshape(-1, 3)
    return columns[:, 0].copy(), columns[:, 2].copy(), columns[:, 1].copy()
