"""A pool of units in plain Python, slow and obviously right: everything is worked out anew at every instant.

Its few words can be put wrong, one at a time, as tools in use have them: so the tests can show that they would see it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WRONGS = (
    "no extra units",  # backfill by the window only
    "frozen shadow",  # shadow time and spare units as they were when the head was first refused
    "true run times of waiting jobs",
    "running sorted by length",  # of their limits, not by their ends
    "chosen jobs stay free",  # what a pass starts is not taken from the pool before its end
    "head unprotected",
    "limit as an absolute time",  # never kills
)


@dataclass
class Job:
    number: int
    submit: int
    units: int
    run: int
    limit: int
    rank: float = 0.0
    start: int = -1

    @property
    def order(self) -> tuple[float, int]:
        return self.rank, self.number

    @property
    def requested_end(self) -> int:
        return self.start + self.limit


@dataclass
class Pool:
    """kind: none, easy or conservative, with Slurm's depth and resolution."""

    units: int
    jobs: list[Job]
    kind: str
    depth: int = 10**9
    resolution: int = 1
    wrong: str = ""
    running: list[Job] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    most_units: int = 0
    most_running: int = 0
    most_waiting: int = 0
    frozen: tuple[Job, int, int] | None = None

    def free(self) -> int:
        return self.units - sum(job.units for job in self.running)

    def real_end(self, job: Job) -> int:
        cut = job.limit + (job.start if self.wrong == "limit as an absolute time" else 0)
        return job.start + min(job.run, cut)

    def begin(self, job: Job, now: int) -> None:
        job.start = now
        self.running.append(job)
        self.waiting.remove(job)

    def shadow(self, head: Job) -> tuple[int, int]:
        """When the head fits by requested ends, and the units it leaves then."""
        free = self.free()
        key = "limit" if self.wrong == "running sorted by length" else "requested_end"
        order = sorted(self.running, key=lambda job: getattr(job, key))
        for job in order:
            free += job.units
            if free >= head.units:
                shadow = job.requested_end
                break
        return shadow, self.units - sum(job.units for job in self.running if job.requested_end > shadow) - head.units

    def easy(self, now: int) -> None:
        head = self.waiting[0]
        shadow, spare = self.shadow(head)
        if self.wrong == "frozen shadow":
            if self.frozen is None or self.frozen[0] is not head:
                self.frozen = head, shadow, spare
            _, shadow, spare = self.frozen
        free = self.free()
        for job in self.waiting[1:]:
            length = job.run if self.wrong == "true run times of waiting jobs" else job.limit
            short = now + length <= shadow or self.wrong == "head unprotected"
            extra = job.units <= spare and self.wrong != "no extra units"
            if job.units <= free and (short or extra):
                self.begin(job, now)
                free -= 0 if self.wrong == "chosen jobs stay free" else job.units
                spare -= 0 if short else job.units
        if self.wrong == "frozen shadow":
            self.frozen = head, shadow, spare

    def rounded(self, time: int) -> int:
        return -(-time // self.resolution) * self.resolution

    def conservative(self, now: int) -> None:
        promised = [(now, self.rounded(job.requested_end), job.units) for job in self.running]
        for job in self.waiting[: self.depth]:
            ends = sorted({now, *(end for _, end, _ in promised)})
            for time in ends:
                end = time + job.limit
                moments = [time, *(start for start, _, _ in promised if time < start < end)]
                used = (sum(u for a, b, u in promised if a <= moment < b) for moment in moments)
                if max(used) + job.units <= self.units:
                    break
            promised.append((time, self.rounded(end), job.units))
            if time == now:
                self.begin(job, now)

    def schedule(self, now: int) -> None:
        if self.kind == "conservative":
            self.conservative(now)
            return
        while self.waiting and self.waiting[0].units <= self.free():
            self.begin(self.waiting[0], now)
        if self.waiting and self.kind == "easy":
            self.easy(now)

    def go(self) -> list[int]:
        """Start times of all jobs."""
        arriving = list(self.jobs)
        while arriving or self.running:
            now = min([self.real_end(job) for job in self.running] + [job.submit for job in arriving[:1]])
            self.running = [job for job in self.running if self.real_end(job) > now]
            while arriving and arriving[0].submit == now:
                self.waiting.append(arriving.pop(0))
            self.waiting.sort(key=lambda job: job.order)
            self.schedule(now)
            self.most_units = max(self.most_units, sum(job.units for job in self.running))
            self.most_running = max(self.most_running, len(self.running))
            self.most_waiting = max(self.most_waiting, len(self.waiting))
        return [job.start for job in self.jobs]
