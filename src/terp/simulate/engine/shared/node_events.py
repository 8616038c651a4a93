"""What happens to the nodes of a run, as the kernels take it.

Drawn failures, planned maintenance and a trace of a real machine's outages all end up in this form.
"""

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

    All arrays have shape (events,), of whole seconds from the start of the run; events of one second are handled in their
    order.
    """

    time_s: Ints
    node: Ints
    kind: Ints
    repair_s: Ints


def no_events() -> NodeEvents:
    """Nothing happens to any node.

    Four empty arrays, of the types that every run has.
    """
    return NodeEvents(*np.zeros((4, 0), np.int64))
