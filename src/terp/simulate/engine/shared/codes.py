"""The numbers that stand for words in all engines, each written once.

A member of an IntEnum is an integer, in a compiled kernel too, where it costs nothing.  Results hold these numbers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

NEVER: Final = np.int64(2**62)
"""A time that does not come [s]."""


class AttemptEnd(IntEnum):
    """How an attempt to run a job ended; the last attempt tells what became of the job.

    NODE_FAILED and PREEMPTED attempts are followed by another where the job queues again; the other ends are final.
    """

    DONE = 0
    NODE_FAILED = 1
    LIMIT_REACHED = 2
    STILL_RUNNING = 3
    PREEMPTED = 4


class NodeTurn(IntEnum):
    """What happens to a node.

    DOWN   it fails now, and what runs there is lost since its last checkpoint
    BACK   it takes jobs again
    DRAIN  it takes no new jobs, and goes down for its repair once it is empty
    """

    DOWN = 0
    BACK = 1
    DRAIN = 2


class BackfillKind(IntEnum):
    """What may overtake a job that waits: nothing, what does not delay the first, or what delays none.

    The words of a policy are the names in small letters: none, easy (Lifka 1995), conservative.
    """

    NONE = 0
    EASY = 1
    CONSERVATIVE = 2


class TimelineRow(IntEnum):
    """The counts of a timeline: GPUs in use, jobs that run, jobs that wait, GPUs that these want, nodes down, draining.

    Each holds from its row's second until the next row's.  GPUs in use are those that jobs hold, whether they compute or
    not.
    """

    BUSY_GPUS = 0
    RUNNING_JOBS = 1
    WAITING_JOBS = 2
    WAITING_GPUS = 3
    DOWN_NODES = 4
    DRAINING_NODES = 5
