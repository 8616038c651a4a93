"""What happens to the nodes of a run, as the kernels take it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from terp.arrays import Ints


class NodeEvents(NamedTuple):
    """What happens to nodes, sorted by time; one entry an event.

    time_s    [s]  when
    node           which
    kind           a NodeTurn: DOWN, until as many BACK have come; DRAIN: takes no new jobs, and once empty goes down
    repair_s  [s]  of a drain: how long it is down then, before it comes back by itself; at least 1
    """

    time_s: Ints
    node: Ints
    kind: Ints
    repair_s: Ints


def no_events() -> NodeEvents:
    """Nothing happens to any node."""
    return NodeEvents(*np.zeros((4, 0), np.int64))
