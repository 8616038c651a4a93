"""EASY backfill in plain Python, slow and obviously right: everything is worked out anew at every instant.

It shares nothing with the compiled core but the meaning of the words.  Jobs are dictionaries, nodes are lists of the
jobs on them.  Ties: lowest-numbered node.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEVER = 2**62


@dataclass
class Job:
    number: int
    submit: int
    gpus: int
    work: int
    limit: int
    checkpoint: int = 0
    restart: int = 0
    done: int = 0
    lost: int = 0
    first_start: int = -1
    end: int = -1
    start: int = -1
    nodes: list[int] = field(default_factory=list)

    @property
    def requested_end(self) -> int:
        return self.start + self.limit

    @property
    def overhead(self) -> int:
        return self.restart if self.done > 0 else 0

    @property
    def real_end(self) -> int:
        return self.start + min(self.work - self.done + self.overhead, self.limit)


class Naive:
    """One machine.  `events` are (time, up, node), sorted."""

    def __init__(self, nodes: int, per_node: int, jobs: list[Job], events: list[tuple[int, int, int]]) -> None:
        self.count, self.per_node, self.jobs, self.events = nodes, per_node, jobs, events
        self.down: set[int] = set()
        self.running: list[Job] = []
        self.waiting: list[Job] = []

    def on(self, node: int) -> list[Job]:
        return [job for job in self.running if node in job.nodes]

    def free(self, node: int) -> int:
        if node in self.down:
            return -1
        return self.per_node - sum(min(job.gpus, self.per_node) for job in self.on(node))

    def node_end(self, node: int) -> int:
        return NEVER if node in self.down else max((job.requested_end for job in self.on(node)), default=0)

    def idle(self) -> list[int]:
        return [node for node in range(self.count) if self.free(node) == self.per_node]

    def best_fit(self, gpus: int, allowed: list[int]) -> int:
        room = [(self.free(node), node) for node in allowed if self.free(node) >= gpus]
        return min(room)[1] if room else -1

    def place(self, job: Job, allowed: list[int]) -> list[int]:
        """Nodes for a job now, best fit or lowest-numbered idle; empty if it does not fit."""
        if job.gpus < self.per_node:
            node = self.best_fit(job.gpus, allowed)
            return [node] if node >= 0 else []
        idle = [node for node in self.idle() if node in allowed]
        need = job.gpus // self.per_node
        return idle[:need] if len(idle) >= need else []

    def begin(self, job: Job, nodes: list[int], now: int) -> None:
        job.start, job.nodes = now, nodes
        if job.first_start < 0:
            job.first_start = now
        self.running.append(job)
        self.waiting.remove(job)

    def head_by_nodes(self, need: int, now: int) -> tuple[int, int]:
        """When enough whole nodes are free by requested ends, and how many are spare then."""
        ends = sorted(self.node_end(node) for node in range(self.count))
        if need > len(ends) or ends[need - 1] >= NEVER:
            return NEVER, self.count
        shadow = max(ends[need - 1], now)
        return shadow, sum(end <= shadow for end in ends) - need

    def head_by_share(self, gpus: int) -> tuple[int, int, int]:
        """When the first node has room by requested ends, which node, and how many GPUs are spare there then."""
        best = (NEVER, -1, 0)
        for node in range(self.count):
            if node in self.down:
                continue
            for time in sorted({job.requested_end for job in self.on(node)}):
                left = sum(job.gpus for job in self.on(node) if job.requested_end > time)
                if self.per_node - left >= gpus:
                    best = min(best, (time, node, self.per_node - left - gpus), key=lambda found: found[:2])
                    break
        return best

    def schedule(self, now: int) -> None:
        everywhere = list(range(self.count))
        while self.waiting:
            nodes = self.place(self.waiting[0], everywhere)
            if not nodes:
                break
            self.begin(self.waiting[0], nodes, now)
        if not self.waiting:
            return
        head = self.waiting[0]
        whole = head.gpus >= self.per_node
        if whole:
            shadow, spare = self.head_by_nodes(head.gpus // self.per_node, now)
            kept, room = -1, 0
        else:
            shadow, kept, room = self.head_by_share(head.gpus)
            spare = self.count
        for job in self.waiting[1:]:
            short = now + job.limit <= shadow
            if job.gpus >= self.per_node:
                nodes, need = self.place(job, everywhere), job.gpus // self.per_node
                if not nodes or (not short and need > spare):
                    continue
                if not short and (whole or kept < 0):
                    spare -= need
            elif short:
                nodes = self.place(job, everywhere)
            elif whole or kept < 0:
                nodes = self.place(job, [node for node in everywhere if self.node_end(node) > shadow])
                if not nodes and spare > 0:
                    nodes = self.place(job, everywhere)
                    spare -= bool(nodes)
            else:
                allowed = everywhere if job.gpus <= room else [node for node in everywhere if node != kept]
                nodes = self.place(job, allowed)
                if nodes == [kept]:
                    room -= job.gpus
            if nodes:
                self.begin(job, nodes, now)

    def fail(self, node: int, now: int) -> None:
        for job in self.on(node):
            ran = now - job.start
            saved = 0
            if job.checkpoint and ran > job.overhead:
                saved = (ran - job.overhead) // job.checkpoint * job.checkpoint
            job.done += saved
            job.lost += ran - saved
            self.running.remove(job)
            self.waiting.append(job)
            self.waiting.sort(key=lambda waiting: waiting.number)
        self.down.add(node)

    def run(self, horizon: int) -> None:
        arriving, events = list(self.jobs), list(self.events)
        while True:
            times = (
                [job.real_end for job in self.running]
                + [job.submit for job in arriving[:1]]
                + [event[0] for event in events[:1]]
            )
            now = min(times, default=horizon)
            if now >= horizon:
                return
            for job in [job for job in self.running if job.real_end == now]:
                job.lost += min(job.overhead, now - job.start)
                job.end = now
                self.running.remove(job)
            while events and events[0][0] == now:
                _, up, node = events.pop(0)
                if up:
                    self.down.discard(node)
                else:
                    self.fail(node, now)
            while arriving and arriving[0].submit == now:
                self.waiting.append(arriving.pop(0))
            self.schedule(now)
