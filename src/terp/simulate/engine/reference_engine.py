"""The reference engine: a user's own policy on nodes, in plain Python, slow and obviously right.

Discrete events, exact in time.  An instant is handled whole: ends, then nodes that go down, come back or drain, then
arrivals; then the policy is asked once, if anyone waits.  It looks and answers; all that happens is done here.

Shares and whole nodes, failures, drains and checkpoints mean what they mean in the core, and tests hold it to that.  An
attempt that reaches its limit is ended.  A job that a failure cuts short waits again, in its old place, with the work that
its last checkpoint saved.  A job that depends on another is not shown until that has ended; of an array no more are shown
than may run.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from terp.arrays import Ints
from terp.describe import Cluster, Trace
from terp.simulate.engine.own_policy import ClusterView, OwnPolicy, RunningJob, WaitingJob, answer_of, nonsense
from terp.simulate.engine.shared.codes import NEVER, AttemptEnd, NodeTurn, TimelineRow
from terp.simulate.engine.shared.node_events import NodeEvents
from terp.simulate.engine.trace_schedule import Schedule, TraceExtras

CLOSED: Final = -1
"""Free GPUs, cores and memory of a node that takes nobody."""
_UNLIMITED: Final = 2**40
_JOB_ENDS, _NODE_IS_BACK = range(2)


class PowerLevels(NamedTuple):
    """What an idle node, a node that is down, and all else draw [W]."""

    idle_w: float = 0.0
    down_w: float = 0.0
    base_w: float = 0.0


@dataclass
class JobRecord:
    """A job: what it needs, and what has become of it.  Times [s]; -1 where it did not happen.

    view      the job as policies see it;  work_s  what it has to do;  saved_s  what checkpoints hold of that
    outcome   an AttemptEnd;  attempt_index  of its last attempt
    """

    view: WaitingJob
    work_s: int
    checkpoint_s: int
    write_s: int
    restart_s: int
    after_index: int
    array_index: int
    array_limit_count: int
    saved_s: int = 0
    lost_s: int = 0
    first_start_s: int = -1
    end_s: int = -1
    outcome: AttemptEnd = AttemptEnd.STILL_RUNNING
    attempt_index: int = -1

    @property
    def setup_s(self) -> int:
        """Time to set up again from a checkpoint, if there is one."""
        return self.restart_s if self.saved_s > 0 else 0

    def needed_s(self) -> int:
        """Seconds until it would end if it started now: setting up, its work, and a write between pieces of that."""
        left_s = self.work_s - self.saved_s
        writes = (left_s - 1) // self.checkpoint_s if self.checkpoint_s > 0 and left_s > 0 else 0
        return self.setup_s + left_s + writes * self.write_s

    def written_s(self, ran_s: int) -> int:
        """Of an attempt's seconds, how many went into writing checkpoints."""
        after_setup_s, cycle_s = ran_s - self.setup_s, self.checkpoint_s + self.write_s
        if self.checkpoint_s <= 0 or after_setup_s <= 0:
            return 0
        return after_setup_s // cycle_s * self.write_s + max(after_setup_s % cycle_s - self.checkpoint_s, 0)

    def newly_saved_s(self, ran_s: int) -> int:
        """Seconds of work that whole checkpoints of an attempt hold, when it is cut short."""
        if self.checkpoint_s <= 0 or ran_s <= self.setup_s:
            return 0
        return (ran_s - self.setup_s) // (self.checkpoint_s + self.write_s) * self.checkpoint_s


@dataclass
class AttemptRecord:
    """A stretch that a job ran for: whose, where, from and to [s], an AttemptEnd, and what cut it short; -1: nothing."""

    job_index: int
    nodes: tuple[int, ...]
    start_s: int
    end_s: int = -1
    outcome: AttemptEnd = AttemptEnd.STILL_RUNNING
    event_index: int = -1


@dataclass
class NodeRecord:
    """A node: what it has, who is there, and why it takes nobody.

    outages_count   times that it went down and did not come back;  serviced  whether it is down for the repair of a drain
    drain_s    how long it will be down once it is empty [s]; 0: it does not drain
    """

    gpus_count: int
    cores_count: int
    memory_bytes: float
    jobs: list[int] = field(default_factory=list)
    outages_count: int = 0
    drain_s: int = 0
    serviced: bool = False

    @property
    def down(self) -> bool:
        """Whether it is away."""
        return self.outages_count > 0 or self.serviced


class TimelineEntry(NamedTuple):
    """The state from a time on [s]: counts by TimelineRow, and power [W]."""

    time_s: int
    counts: tuple[int, int, int, int, int, int]
    power_w: float


def job_records(trace: Trace, extras: TraceExtras) -> list[JobRecord]:
    """The jobs of a trace, none of which has come."""
    none = np.zeros(len(trace), np.int64)
    checkpoint, write, restart, power = (
        (none if column is None else column).tolist()
        for column in (extras.checkpoint_s, extras.write_s, extras.restart_s, extras.power_w)
    )
    return [
        JobRecord(
            WaitingJob(
                k, int(trace.submit_s[k]), max(int(trace.limit_s[k]), 1), int(trace.nodes[k]), int(trace.gpus[k]),
                int(trace.cores[k]), float(trace.memory[k]), bool(trace.exclusive[k]), float(power[k]),
                trace.accounts[trace.account[k]], trace.users[trace.user[k]], trace.qos_names[trace.qos[k]],
                trace.partitions[trace.partition[k]],
            ),
            max(int(trace.run_s[k]), 1), checkpoint[k], write[k], restart[k], int(trace.after[k]), int(trace.array[k]),
            int(trace.array_limit[k]),
        )
        for k in range(len(trace))
    ]  # fmt: skip


class ReferenceEngine:
    """A run under a user's own policy; `advance` goes on with it.

    jobs, attempts, timeline   what has become of all, in order
    waiting, running           by index of the job, in order of submission and of start
    refused                    jobs that could not run on the empty machine: nobody is asked about them
    """

    def __init__(
        self, policy: OwnPolicy, cluster: Cluster, trace: Trace, extras: TraceExtras, events: NodeEvents,
        power: PowerLevels | None = None,
    ) -> None:  # fmt: skip
        self.policy, self.power = policy, power or PowerLevels()
        cores = np.where(cluster.cores > 0, cluster.cores, _UNLIMITED).tolist()
        memory = np.where(cluster.memory > 0, cluster.memory, float(_UNLIMITED * _UNLIMITED)).tolist()
        self.gpus, self.leaf = tuple(cluster.gpus.tolist()), tuple(cluster.leaf.tolist())
        self.nodes = [NodeRecord(*parts) for parts in zip(self.gpus, cores, memory, strict=True)]
        self.free_gpus, self.free_cores, self.free_memory = list(self.gpus), cores, memory
        self.waiting: dict[int, WaitingJob] = {}
        self.running: dict[int, RunningJob] = {}
        self.running_w, self.jobs_there = 0.0, [0] * len(self.gpus)
        self.away, self.draining = set[int](), set[int]()
        self.jobs = job_records(trace, extras)
        self.refused = _never_fit([job.view for job in self.jobs], self.view(0))
        order = np.argsort(trace.eligible_s, kind="stable").tolist()
        self.coming = [(int(trace.eligible_s[k]), k) for k in order if k not in self.refused]
        self.events = list(zip(*(column.tolist() for column in events), strict=True))
        self.due: list[tuple[int, int, int, int]] = []  # time [s], what, of which job or node, in which attempt
        self.attempts: list[AttemptRecord] = []
        self.arrived = self.turned = self.failed_nodes = 0
        self.timeline = [self._entry(0)]
        self.dependent = bool((trace.after >= 0).any() or (trace.array_limit > 0).any())

    def view(self, now: int) -> ClusterView:
        """The cluster as the policy sees it now."""
        return ClusterView(
            self.gpus, tuple(self.free_gpus), tuple(self.free_cores), tuple(self.free_memory),
            tuple(self.jobs_there), self.leaf, tuple(self.running.values()), self._power_w(), now,
        )  # fmt: skip

    def _power_w(self) -> float:
        down = len(self.away)
        standing_w = self.power.base_w + (len(self.nodes) - down) * self.power.idle_w + down * self.power.down_w
        return standing_w + self.running_w

    def _entry(self, now: int) -> TimelineEntry:
        """The state from now on."""
        held, wanted = (
            sum(job.nodes_count * job.gpus_count for job in jobs)
            for jobs in ((running.job for running in self.running.values()), self.waiting.values())
        )
        counts = (held, len(self.running), len(self.waiting), wanted, len(self.away), len(self.draining))
        return TimelineEntry(now, counts, self._power_w())

    def advance(self, until_s: int) -> None:
        """Go on up to, not including, `until_s` [s].  Raises Problems if the policy fails or answers nonsense."""
        while (now := self._next_time()) < until_s:
            self._end_what_is_due(now)
            self._turn_nodes(now)
            while self.arrived < len(self.coming) and self.coming[self.arrived][0] == now:
                self._wait(self.coming[self.arrived][1])
                self.arrived += 1
            shown = self._shown()
            if shown:
                for job, nodes in self._asked(shown, now):
                    self._start(job, nodes, now)
            if now == 0:
                self.timeline.clear()
            self.timeline.append(self._entry(now))

    def _next_time(self) -> int:
        """The next time at which anything happens [s]."""
        times = [self.due[0][0]] if self.due else []
        times += [at_s for at_s, _ in self.coming[self.arrived : self.arrived + 1]]
        times += [event[0] for event in self.events[self.turned : self.turned + 1]]
        return min(times, default=int(NEVER))

    def _wait(self, number: int) -> None:
        """Put a job among those that wait, in order of submission."""
        self.waiting[number] = self.jobs[number].view
        if number < max(self.waiting):
            self.waiting = dict(sorted(self.waiting.items()))

    def _shown(self) -> tuple[WaitingJob, ...]:
        """Those who wait and may start: whose dependency has ended, and of an array as many as may yet run."""
        if not self.dependent:
            return tuple(self.waiting.values())
        shown, of_array = [], Counter(self.jobs[number].array_index for number in self.running)
        for number, view in self.waiting.items():
            job = self.jobs[number]
            if job.after_index >= 0 and job.after_index not in self.refused and self.jobs[job.after_index].end_s < 0:
                continue
            if job.array_limit_count > 0 and of_array[job.array_index] >= job.array_limit_count:
                continue
            of_array[job.array_index] += 1
            shown.append(view)
        return tuple(shown)

    def _asked(self, shown: tuple[WaitingJob, ...], now: int) -> Iterator[tuple[JobRecord, tuple[int, ...]]]:
        """What the policy starts now, each job with nodes that have room for it when its turn comes."""
        allowed = {job.index: job for job in shown}
        for number, nodes in answer_of(self.policy, shown, self.view(now), now):
            job = allowed.pop(number, None)
            if job is None:
                again = number in self.running
                wrong = "it runs already" if again else "no job that waits has this number"
                raise nonsense(self.policy, now, number, wrong, "indices of `waiting`, each once")
            yield self.jobs[number], self._nodes_for(job, nodes, now)

    def _nodes_for(self, job: WaitingJob, nodes: tuple[int, ...] | None, now: int) -> tuple[int, ...]:
        """The nodes of a job that starts: as the policy says, else the tightest that fit.  Raises Problems for no room."""
        cluster = self.view(now)
        if nodes is None:
            chosen = cluster.tightest_nodes(job)
            if chosen is None:
                wrong = f"takes {job.nodes_count} nodes with room for it, and fewer are free"
                raise nonsense(self.policy, now, job.index, wrong, "see ClusterView.with_started")
            return chosen
        if len(nodes) != job.nodes_count or len(set(nodes)) != len(nodes):
            wrong = f"takes {job.nodes_count} nodes, and was given {list(nodes)}"
            raise nonsense(self.policy, now, job.index, wrong, f"{job.nodes_count} numbers of nodes, each once")
        for node in nodes:
            if not 0 <= node < len(self.nodes):
                raise nonsense(self.policy, now, job.index, f"there is no node {node}", f"0 to {len(self.nodes) - 1}")
            if not cluster.fits_on(job, node):
                raise nonsense(self.policy, now, job.index, f"node {node} has no room for it", "see ClusterView.fits_on")
        return nodes

    def _start(self, job: JobRecord, nodes: tuple[int, ...], now: int) -> None:
        """A job begins to run on nodes that have room for it."""
        view = self.waiting.pop(job.view.index)
        job.attempt_index = len(self.attempts)
        if job.first_start_s < 0:
            job.first_start_s = now
        self.attempts.append(AttemptRecord(view.index, nodes, now))
        self.running[view.index] = RunningJob(view, nodes, now, now + view.requested_s)
        self.running_w += view.power_w
        for node in nodes:
            self.nodes[node].jobs.append(view.index)
            self._settle(node, now)
        ends_s = now + min(job.needed_s(), view.requested_s)
        heapq.heappush(self.due, (ends_s, _JOB_ENDS, view.index, job.attempt_index))

    def _stop(self, job: JobRecord, now: int, outcome: AttemptEnd, event: int) -> None:
        """A job leaves its nodes."""
        running = self.running.pop(job.view.index)
        self.running_w -= running.job.power_w
        attempt = self.attempts[job.attempt_index]
        attempt.end_s, attempt.outcome, attempt.event_index = now, outcome, event
        for node in running.nodes:
            self.nodes[node].jobs.remove(job.view.index)
            self._settle(node, now)

    def _settle(self, number: int, now: int) -> None:
        """Work out anew what is free on a node; one that drains and is empty goes down for its repair."""
        node = self.nodes[number]
        if node.drain_s > 0 and not node.jobs:
            heapq.heappush(self.due, (now + node.drain_s, _NODE_IS_BACK, number, 0))
            node.drain_s, node.serviced = 0, True
        there = [self.running[job].job for job in node.jobs]
        for nodes, among in ((self.away, node.down), (self.draining, node.drain_s > 0)):
            (nodes.add if among else nodes.discard)(number)
        closed = node.down or node.drain_s > 0 or any(job.exclusive for job in there)
        self.jobs_there[number] = len(there)
        self.free_gpus[number] = CLOSED if closed else node.gpus_count - sum(job.gpus_count for job in there)
        self.free_cores[number] = CLOSED if closed else node.cores_count - sum(job.cores_count for job in there)
        self.free_memory[number] = CLOSED if closed else node.memory_bytes - sum(job.memory_bytes for job in there)

    def _end_what_is_due(self, now: int) -> None:
        """Jobs that come to their end or limit, and nodes whose drain is mended."""
        while self.due and self.due[0][0] == now:
            _, what, number, attempt = heapq.heappop(self.due)
            if what == _NODE_IS_BACK:
                self.nodes[number].serviced = False
                self._settle(number, now)
            elif number in self.running and self.jobs[number].attempt_index == attempt:
                job = self.jobs[number]
                ran_s = now - self.attempts[attempt].start_s
                job.outcome = AttemptEnd.DONE if ran_s >= job.needed_s() else AttemptEnd.LIMIT_REACHED
                job.lost_s += min(job.setup_s, ran_s) + job.written_s(ran_s)
                job.end_s = now
                self._stop(job, now, job.outcome, -1)

    def _turn_nodes(self, now: int) -> None:
        """Nodes that fail, come back, or begin to drain."""
        while self.turned < len(self.events) and self.events[self.turned][0] == now:
            _, number, kind, repair_s = self.events[self.turned]
            node = self.nodes[number]
            if kind == NodeTurn.DOWN:
                for job in sorted(node.jobs):
                    self._cut_short(self.jobs[job], now)
                node.outages_count += 1
                self.failed_nodes += 1
            elif kind == NodeTurn.BACK:
                node.outages_count = max(node.outages_count - 1, 0)
            elif not node.serviced:
                node.drain_s = max(node.drain_s, repair_s, 1)
            self._settle(number, now)
            self.turned += 1

    def _cut_short(self, job: JobRecord, now: int) -> None:
        """A node of a job fails: what it did since its last checkpoint is lost, and it waits again."""
        ran_s = now - self.attempts[job.attempt_index].start_s
        saved_s = job.newly_saved_s(ran_s)
        job.lost_s += ran_s - saved_s
        self._stop(job, now, AttemptEnd.NODE_FAILED, self.turned)
        job.saved_s += saved_s
        job.view = replace(job.view, restarts_count=job.view.restarts_count + 1)
        self._wait(job.view.index)


def _never_fit(jobs: Iterable[WaitingJob], empty: ClusterView) -> set[int]:
    """The jobs that could not run on the empty machine."""
    room: dict[tuple[int, int, float], int] = {}
    refused = set()
    for job in jobs:
        shape = (job.gpus_count, job.cores_count, job.memory_bytes)
        if shape not in room:
            room[shape] = len(empty.fitting_nodes(job))
        if room[shape] < job.nodes_count:
            refused.add(job.index)
    return refused


def schedule_by_choice(
    policy: OwnPolicy, cluster: Cluster, trace: Trace, extras: TraceExtras, turns: Sequence[Ints], horizon_s: int
) -> Schedule:
    """Runs a trace under a user's choice, as `schedule` does under a policy file.  Raises Problems for nonsense."""
    engine = ReferenceEngine(policy, cluster, trace, extras, NodeEvents(*turns))
    engine.advance(horizon_s)
    jobs = engine.jobs
    nodes = [engine.attempts[job.attempt_index].nodes if job.attempt_index >= 0 else () for job in jobs]
    counts = {"backfilled_jobs_count": 0, "preemptions_count": 0, "node_failures_count": engine.failed_nodes}
    most = max(entry.counts[TimelineRow.BUSY_GPUS] for entry in engine.timeline)
    return Schedule(
        start_s=np.array([job.first_start_s for job in jobs], np.int64),
        end_s=np.array([job.end_s for job in jobs], np.int64),
        outcome=np.array([job.outcome for job in jobs], np.int64),
        restarts=np.array([job.view.restarts_count for job in jobs], np.int64),
        lost_s=np.array([job.lost_s for job in jobs], np.int64),
        nodes_from=np.cumsum([0, *map(len, nodes)], dtype=np.int64),
        nodes=np.array([node for held in nodes for node in held], np.int32),
        refused={"more than the machine has": len(engine.refused)} if engine.refused else {},
        counters=counts | {"most_gpus_in_use_count": most},
    )
