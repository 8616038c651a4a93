"""What a trace says: the jobs of a real or made-up machine, and where it is known what became of them.

A trace is columns, one array a field, so that a year of jobs fits a compiled loop.  `connect` reads traces from
files, `simulate` makes them from a workload; both keep the invariants that `Trace` names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Ints

TRACE_STATES: Final = (
    "completed", "failed", "cancelled", "timeout", "node_fail", "out_of_memory", "preempted", "unknown",
)  # fmt: skip
"""How a job ended."""


@dataclass(frozen=True)
class Cluster:
    """The nodes of a machine as a scheduler sees them; one entry a node.

    gpus, cores    [-];  memory  [bytes], 0 where it is not said
    leaf           number of the leaf switch that each node hangs on
    """

    names: tuple[str, ...]
    gpus: Ints
    cores: Ints
    memory: NDArray[np.float64]
    leaf: Ints


@dataclass(frozen=True)
class Trace:
    """Jobs sorted by submission; one entry a job.  Seconds count from `began_unix_s`.

    submit_s   [s]  whole seconds;  eligible_s  [s]  when it may start at the earliest
    nodes      [-]  nodes asked for; 0 where only units are known
    gpus       [-]  GPUs on each of its nodes, or, where `nodes` is 0, in all
    cores      [-]  cores on each of its nodes, 0 if unknown;  memory  [bytes]  on each, 0 if unknown
    exclusive       whether it takes whole nodes
    run_s      [s]  how long it ran;  limit_s  [s]  how long it asked for
    start_s, end_s  [s]  when it did start and end; -1 where unknown
    state           into TRACE_STATES
    user, account, qos, partition   into the names below
    after           index of a job that must have ended before; -1 for none
    array           number of the array it belongs to, -1 for none;  array_limit  how many of it may run at
                    once, 0 for all
    licenses        how many of the one kind of licence it holds

    notes      what was repaired or dropped by a stated rule -> how many rows

    Every job has `nodes` or `gpus` above 0, and `after` is a lower index than its own; all arrays are `(n,)`.
    """

    submit_s: Ints
    eligible_s: Ints
    nodes: Ints
    gpus: Ints
    cores: Ints
    memory: NDArray[np.float64]
    exclusive: NDArray[np.bool_]
    run_s: Ints
    limit_s: Ints
    start_s: Ints
    end_s: Ints
    state: Ints
    user: Ints
    account: Ints
    qos: Ints
    partition: Ints
    after: Ints
    array: Ints
    array_limit: Ints
    licenses: Ints
    users: tuple[str, ...] = ("",)
    accounts: tuple[str, ...] = ("",)
    qos_names: tuple[str, ...] = ("",)
    partitions: tuple[str, ...] = ("",)
    began_unix_s: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.submit_s.size)

    def take(self, rows: Ints) -> Trace:
        """Some of the jobs, in the order of `rows`; a job that waits for one that is not among them waits for
        none.

        rows   indexes into this trace, each at most once, as `(n,)`; they must rise for the trace to stay
               sorted
        """
        place = np.full(len(self) + 1, -1, np.int64)
        place[rows] = np.arange(rows.size)
        columns: dict[str, Any] = {
            entry.name: value[rows] for entry in fields(self) if isinstance(value := getattr(self, entry.name), np.ndarray)
        }
        columns["after"] = place[columns["after"]]
        return replace(self, **columns)
