"""EASY backfill in plain Python, slow and obviously right: everything is worked out anew at every instant.

By submission or by priority, with failures, drains, checkpoints that take time, and a cap of power.

It shares nothing with the compiled core but the meaning of the words.  Jobs are dictionaries, nodes are lists of the
jobs on them.  Ties: lowest-numbered node.
"""

from __future__ import annotations

import math
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
    write: int = 0
    account: int = 0
    standing: float = 0.0
    key: float = 0.0
    done: int = 0
    lost: int = 0
    written: int = 0
    cuts: list[int] = field(default_factory=list)  # node events that cut its attempts
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

    def history(self, ran: int) -> tuple[int, int, bool]:
        """Second by second, what an attempt of so many seconds comes to: work saved, time written, whether it is done."""
        saved = written = worked = in_piece = in_write = 0
        for _ in range(ran - self.overhead):
            if self.checkpoint and in_piece == self.checkpoint:
                in_write += 1
                written += 1
            else:
                worked += 1
                in_piece += 1
            if self.done + worked == self.work:
                return saved, written, True
            if self.checkpoint and in_piece == self.checkpoint and in_write == self.write:
                saved, in_piece, in_write = worked, 0, 0
        return saved, written, False

    @property
    def real_end(self) -> int:
        """When it has done its work, or reaches its limit."""
        ran = self.limit
        for seconds in range(1, self.limit + 1):
            if self.history(seconds)[2]:
                ran = seconds
                break
        return self.start + ran


@dataclass
class Ranks:
    """Priority: weights, the time scales of age and usage, and the accounts' shares."""

    age_weight: float
    max_age: float
    fair_weight: float
    half_life: float
    calc_period: int
    shares: list[float]


class Usage:
    """What an account's jobs held, in GPU seconds, half of it forgotten after every half-life."""

    def __init__(self, half_life: float) -> None:
        self.half_life, self.used, self.gpus, self.time = half_life, 0.0, 0, 0

    def charge(self, now: int) -> None:
        gone, self.time = now - self.time, now
        if gone and self.half_life:
            rate = math.log(2.0) / self.half_life
            kept = math.exp(-rate * gone)
            self.used = self.used * kept + self.gpus * (1.0 - kept) / rate
        elif gone:
            self.used += self.gpus * gone


class Naive:
    """One machine.  `events` are (time, kind, node, repair), sorted; `caps` are (time, watts)."""

    def __init__(self, nodes, per_node, jobs, events, ranks=None, caps=(), watts=(0.0, 0.0, 0.0, 0.0)) -> None:
        self.count, self.per_node, self.jobs, self.events = nodes, per_node, jobs, events
        self.ranks, self.caps, self.watts = ranks, caps, watts
        self.outages = [0] * nodes
        self.drain: dict[int, int] = {}  # nodes that take no new jobs, and how long they will be down
        self.back: dict[int, int] = {}  # drained nodes that are down, and when they come back
        self.usage = [Usage(ranks.half_life) for _ in ranks.shares] if ranks else []
        self.fair = [1.0 for _ in self.usage]
        self.rows: dict[int, list[int]] = {}  # by instant: what the timeline tells
        self.next_calc = 0
        self.running: list[Job] = []
        self.waiting: list[Job] = []

    @property
    def down(self) -> set[int]:
        return {node for node in range(self.count) if self.outages[node] or node in self.back}

    @property
    def closed(self) -> set[int]:
        return self.down | set(self.drain)

    def affordable(self, job: Job, now: int) -> bool:
        """Whether the machine's power with a job stays within the cap."""
        base, idle, down, per_gpu = self.watts
        cap = ([math.inf] + [watts for time, watts in self.caps if time <= now])[-1]
        held = sum(running.gpus for running in self.running) + job.gpus
        return base + idle * (self.count - len(self.down)) + down * len(self.down) + per_gpu * held <= cap

    def on(self, node: int) -> list[Job]:
        return [job for job in self.running if node in job.nodes]

    def free(self, node: int) -> int:
        if node in self.closed:
            return -1
        return self.per_node - sum(min(job.gpus, self.per_node) for job in self.on(node))

    def node_end(self, node: int) -> int:
        return NEVER if node in self.closed else max((job.requested_end for job in self.on(node)), default=0)

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
        if self.ranks:
            self.usage[job.account].charge(now)
            self.usage[job.account].gpus += job.gpus

    def leave(self, job: Job, now: int) -> None:
        self.running.remove(job)
        if self.ranks:
            self.usage[job.account].charge(now)
            self.usage[job.account].gpus -= job.gpus

    def priority(self, job: Job, now: int) -> float:
        age = min(1.0, (now - job.submit) / self.ranks.max_age)
        return self.ranks.age_weight * age + self.ranks.fair_weight * self.fair[job.account] + job.standing

    def wait(self, job: Job, now: int) -> None:
        """Join the queue, which is sorted by priority, then by submission."""
        job.key = self.priority(job, now) if self.ranks else 0.0
        self.waiting.append(job)
        self.waiting.sort(key=lambda waiting: (-waiting.key, waiting.number))

    def calculate(self, now: int) -> None:
        """Fair share: the accounts with no more shares for what they used, over all; then all keys anew."""
        levels = []
        for usage, shares in zip(self.usage, self.ranks.shares, strict=True):
            usage.charge(now)
            levels.append(0.0 if shares <= 0 else math.inf if usage.used <= 0 else shares / usage.used)
        self.fair = [sum(other <= level for other in levels) / len(levels) for level in levels]
        for job in self.waiting:
            job.key = self.priority(job, now)
        self.waiting.sort(key=lambda waiting: (-waiting.key, waiting.number))
        self.next_calc = (now // self.ranks.calc_period + 1) * self.ranks.calc_period

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
            if node in self.closed:
                continue
            for time in sorted({job.requested_end for job in self.on(node)}):
                left = sum(job.gpus for job in self.on(node) if job.requested_end > time)
                if self.per_node - left >= gpus:
                    best = min(best, (time, node, self.per_node - left - gpus), key=lambda found: found[:2])
                    break
        return best

    def schedule(self, now: int) -> None:
        everywhere = list(range(self.count))
        head = None
        for job in list(self.waiting):
            nodes = self.place(job, everywhere)
            if not nodes:
                head = job
                break
            if self.affordable(job, now):
                self.begin(job, nodes, now)
        if head is None:
            return
        whole = head.gpus >= self.per_node
        if whole:
            shadow, spare = self.head_by_nodes(head.gpus // self.per_node, now)
            kept, room = -1, 0
        else:
            shadow, kept, room = self.head_by_share(head.gpus)
            spare = self.count
        for job in self.waiting[self.waiting.index(head) + 1 :]:
            if not self.affordable(job, now):
                continue
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

    def fail(self, event: int, node: int, now: int) -> None:
        for job in sorted(self.on(node), key=lambda job: job.number):
            ran = now - job.start
            saved, written, _ = job.history(ran)
            job.done += saved
            job.written += written
            job.lost += ran - saved
            job.cuts.append(event)
            self.leave(job, now)
            self.settle(now)
            self.wait(job, now)
        self.outages[node] += 1

    def settle(self, now: int) -> None:
        """Drained nodes that are empty go down."""
        for node in [node for node in self.drain if not self.on(node)]:
            self.back[node] = now + self.drain.pop(node)

    def turn(self, index: int, now: int) -> None:
        """One node event."""
        _, kind, node, repair = self.events[index]
        if kind == 0:
            self.fail(index, node, now)
        elif kind == 1:
            self.outages[node] = max(self.outages[node] - 1, 0)
        elif node not in self.back:
            self.drain[node] = max(self.drain.get(node, 0), repair)
        self.settle(now)

    def run(self, horizon: int) -> None:
        arriving, event = list(self.jobs), 0
        while True:
            times = (
                [job.real_end for job in self.running]
                + [job.submit for job in arriving[:1]]
                + [turn[0] for turn in self.events[event : event + 1]]
                + list(self.back.values())
                + [time for time, _ in self.caps if time > getattr(self, "now", -1)]
                + ([self.next_calc] if self.ranks and self.waiting else [])
            )
            self.now = now = min(times, default=horizon)
            if now >= horizon:
                return
            for job in [job for job in self.running if job.real_end == now]:
                ran = now - job.start
                written = job.history(ran)[1]
                job.written += written
                job.lost += min(job.overhead, ran) + written
                job.end = now
                self.leave(job, now)
            self.settle(now)
            self.back = {node: time for node, time in self.back.items() if time > now}
            while event < len(self.events) and self.events[event][0] == now:
                self.turn(event, now)
                event += 1
            arrived = [job for job in arriving if job.submit == now]
            if self.ranks and now >= self.next_calc and (self.waiting or arrived):
                self.calculate(now)
            for job in arrived:
                arriving.remove(job)
                self.wait(job, now)
            self.schedule(now)
            held, wanted = (sum(job.gpus for job in jobs) for jobs in (self.running, self.waiting))
            counts = [held, len(self.running), len(self.waiting), wanted, len(self.down), len(self.drain)]
            self.rows[now] = counts
