"""What a checkpoint holds, how long it takes to write, how often to write one, and what a job gets done in the end.

Everything is in expectation, for failures that strike at random and one after the other; a simulated year draws them instead
(`terp.simulate`), and its mean should agree with these formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.physics.training.memory import state_bytes


@dataclass(frozen=True)
class CheckpointConstants:
    """Of checkpoints.

    weight_bytes   per parameter of the weights that a step works with, beside the optimizer's state
    node_write_bytes_per_s  a node's rate where the machine's storage is not known
    restart_s      from a failure to the next step
    worth_fraction of a run, lost to failures on the mean without checkpoints, from which they are worth their while
    """

    PLACE: ClassVar[str] = "training.checkpoint"
    weight_bytes: float
    node_write_bytes_per_s: float
    restart_s: float
    worth_fraction: float


def checkpoint_bytes(
    parameters_count: float, optimizer: str = "adamw", trained_fraction: float = 1.0, states: str = "mixed"
) -> float:
    """State that a job writes to go on from [B]: weights, and what the optimizer keeps of those that are trained.

    parameters_count   of the model;  trained_fraction   of them, which adapters make small
    optimizer          a name of `memory.optimizers()`;  states  one of `memory.STATES`
    """
    state = state_bytes(optimizer, states)
    return parameters_count * trained_fraction * (state + constants(CheckpointConstants).weight_bytes)


def checkpoint_write_s(written_bytes: float, nodes_count: int, storage_bytes_per_s: float | None) -> float:
    """Time of a write [s]: at the rate of the machine's storage, or of the job's nodes where that is not known.

    written_bytes        of the whole job;  nodes_count   that write it together
    storage_bytes_per_s  of the machine's storage for this job alone; None or 0 where it is not known
    """
    return written_bytes / (storage_bytes_per_s or constants(CheckpointConstants).node_write_bytes_per_s * nodes_count)


def checkpoint_interval(write_s: float, failures_per_s: float) -> float:
    """Work between checkpoints that costs least [s].  t = sqrt(2 d M) - d

    write_s         d    of a checkpoint, during which no work is done [s]
    failures_per_s  1/M  of all nodes of the job [1/s]

    Young 1974 without the last term, Daly 2006 with it; holds for d < M / 2.  No shorter than a write or a second, and
    without end where nothing fails.
    """
    if failures_per_s <= 0:
        return math.inf
    return max(math.sqrt(2 * write_s / failures_per_s) - write_s, write_s, 1.0)


def expected_ettr(
    failures_per_s: float, interval_s: float, write_s: float, restart_s: float, wait_s: float = 0.0, held_s: float = math.inf
) -> float:
    """Expected effective training time ratio: work done over the time from submission to end.

    E = (1 - (u + t/2) / M) / (1 + d / t) / (1 + q (1/S + 1/M))

    failures_per_s  1/M  of all nodes of the job: their number N times the rate of one [1/s]
    interval_s      t    work between checkpoints;  write_s  d  of one, 0 where writes hide behind work
    restart_s       u    from a failure to the next step
    wait_s          q    in the queue, at first and after every failure;  held_s  S  that it holds nodes in all

    The first two factors are Kokolis 2024, to first order in (u + t/2) / M and 0 beyond; the third counts the waits.

    Between 0 and 1.  An interval of infinity means that nothing fails: only the wait before the start counts.
    """
    if math.isinf(interval_s):
        return 1 / (1 + wait_s / held_s)
    lost = failures_per_s * (restart_s + interval_s / 2)
    waits = wait_s * (1 / held_s + failures_per_s)
    return max(1 - lost, 0.0) / (1 + write_s / interval_s) / (1 + waits)
