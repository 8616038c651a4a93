"""The rules of the controller once more in plain Python, slow and obviously right.

It shares nothing with the compiled controller but the words of a policy.  Free room, usage, limits and plans are worked out
anew from the list of jobs whenever they are asked for.  What is remembered is only what the rules remember: the state of
each job and node, priorities and fair-share factors since the last tick, and when the next passes are due.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field

from terp.describe import Limits, Partition, Qos

NEVER = 2**62
DONE, NODE_FAILED, LIMIT_REACHED, STILL_RUNNING, PREEMPTED = range(5)
STOPS_A_JOB = 3


class AmbiguousError(Exception):
    """Two levels of fair share so near each other that rounding decides which comes first."""


@dataclass(eq=False)
class Job:
    number: int
    eligible: int
    nodes: int
    gpus: int
    cores: int
    memory: int
    whole: bool
    work: int
    limit: int
    checkpoint: int
    write: int
    restart: int
    account: str
    user: str
    qos: str
    partition: str
    after: int
    array: int
    array_limit: int
    licenses: int
    bill: float
    state: str = "coming"  # then waiting, running, suspended, completing, ended
    start: int = -1
    first_start: int = -1
    end: int = -1
    outcome: int = STILL_RUNNING
    hold: list[int] = field(default_factory=list)
    ran: list[list[int]] = field(default_factory=list)  # from, to (NEVER: still) of all its attempts
    away: int = 0  # how long it was suspended in this attempt
    saved: int = 0
    lost: int = 0
    restarts: int = 0
    key: float = 0.0
    asks_until: int = 0  # it has asked others to stop, and waits for them
    stops_at: int = 0  # it has been asked to stop
    turn: int = 0  # which of all that began to run, or went on, it was

    @property
    def setup(self) -> int:
        return self.restart if self.saved else 0


def numbers(text: str, count: int) -> set[int]:
    if not text:
        return set(range(count))
    ranges = [(int(low), int(high or low)) for low, high in re.findall(r"(\d+)(?:-(\d+))?", text)]
    return {node for low, high in ranges for node in range(low - 1, high) if node < count}


class Naive:
    def __init__(self, policy, cluster, trace, extras=None, turns=()):
        self.policy, self.cluster, self.count = policy, cluster, len(cluster.names)
        self.everywhere = range(self.count)
        self.gpus, self.leaf = cluster.gpus.tolist(), cluster.leaf.tolist()
        self.cores = [cores or NEVER for cores in cluster.cores.tolist()]
        self.memory = [memory / 1e6 or NEVER for memory in cluster.memory.tolist()]
        self.partitions, self.qos = dict(policy.partitions), dict(policy.qos)
        partition = self.named(self.partitions, trace.partitions, Partition())
        qos = self.named(self.qos, trace.qos_names, Qos())
        self.parts = {name: numbers(entry.nodes, self.count) for name, entry in self.partitions.items()}
        self.turns = sorted(turns, key=lambda turn: turn[0])
        self.jobs = []
        for k in range(len(trace)):
            mine = self.partitions[partition[trace.partition[k]]]
            whole = bool(trace.exclusive[k]) or mine.exclusive
            gpus = cluster.gpus.mean() if whole else trace.gpus[k]
            cores = cluster.cores.mean() if whole else trace.cores[k]
            a_node = mine.billing_gpu_ratio * gpus + mine.billing_core_ratio * max(cores, 1) + mine.billing_node_ratio
            checkpoint, write, restart = ((0 if row is None else int(row[k])) for row in extras or (None, None, None))
            self.jobs.append(
                Job(
                    k, int(trace.eligible_s[k]), int(trace.nodes[k]), int(trace.gpus[k]), int(trace.cores[k]),
                    math.ceil(trace.memory[k] / 1e6), whole, max(int(trace.run_s[k]), 1), max(int(trace.limit_s[k]), 1),
                    checkpoint, write, restart, trace.accounts[trace.account[k]], trace.users[trace.user[k]],
                    qos[trace.qos[k]], partition[trace.partition[k]], int(trace.after[k]), int(trace.array[k]),
                    int(trace.array_limit[k]), int(trace.licenses[k]), int(trace.nodes[k]) * a_node,
                )
            )  # fmt: skip
        self.parent = {name: account.parent or "root" for name, account in policy.accounts.items() if name != "root"}
        for job in self.jobs:
            if job.account != "root":
                self.parent.setdefault(job.account, "root")
        for name, parent in self.parent.items():
            if parent not in self.parent:
                self.parent[name] = "root"
        self.leaves = sorted({(job.account, job.user) for job in self.jobs})
        self.factor = dict.fromkeys(self.leaves, 1.0)
        self.down: dict[int, int] = {}  # node -> when it is back; NEVER: when a turn says so
        self.draining: dict[int, int] = {}  # node -> repair time
        self.backfilled = self.stops = self.failures = self.begun = self.looked = 0
        self.next_tick = self.next_backfill = self.next_main = 0
        self.period = round(policy.backfill.interval_s)
        self.fraction = 0.0  # of a second that backfill passes took
        self.changed = self.main_changed = self.partial = False
        self.now = 0
        self.jobs_kept = [job for job in self.jobs if not self.refused(job)]
        self.can_stop = STOPS_A_JOB * len(self.jobs_kept)

    @staticmethod
    def named(table, names, default):
        """The name in the table for each name of a trace: none stands for the first, an unknown one for the defaults."""
        found = []
        for name in names:
            if name not in table and (name or not table):
                table[name] = default
            found.append(name if name in table else next(iter(table)))
        return found

    # --- accounts and limits ---

    def above(self, account):
        """An account and all above it, the root last."""
        chain = [account]
        while chain[-1] != "root":
            chain.append(self.parent[chain[-1]])
        return chain

    def limits(self, account):
        return self.policy.accounts[account].limits if account in self.policy.accounts else Limits()

    def limit_of(self, job, name):
        """The limit for a user or a job: the QOS's if it has one, else that of the nearest account that has one."""
        for limits in [self.qos[job.qos].limits] + [self.limits(account) for account in self.above(job.account)]:
            if getattr(limits, name) is not None:
                return getattr(limits, name), limits is self.qos[job.qos].limits
        return math.inf, False

    def refused(self, job):
        part, mine = self.partitions[job.partition], self.parts[job.partition]
        able = [n for n in mine if self.gpus[n] >= job.gpus and self.cores[n] >= job.cores and self.memory[n] >= job.memory]
        wanted = {"job_gpus_count": job.nodes * job.gpus, "job_nodes_count": job.nodes, "job_wall_s": job.limit}
        return (
            len(able) < job.nodes
            or (part.max_time_s is not None and job.limit > part.max_time_s)
            or any(amount > self.limit_of(job, name)[0] for name, amount in wanted.items())
            or (part.accounts and job.account not in part.accounts)
            or (part.qos and job.qos not in part.qos)
            or (self.policy.licenses and job.licenses > sum(self.policy.licenses.values()))
        )

    def may_run(self, job):
        if job.after >= 0 and self.jobs[job.after] in self.jobs_kept and self.jobs[job.after].state != "ended":
            return False
        held = [other for other in self.jobs if other.state in ("running", "suspended")]
        if job.array_limit and sum(other.array == job.array for other in held) >= job.array_limit:
            return False
        if self.policy.licenses and job.licenses:
            if sum(other.licenses for other in held) + job.licenses > sum(self.policy.licenses.values()):
                return False
        amounts = {
            "gpus": lambda jobs: sum(other.nodes * other.gpus for other in [*jobs, job]),
            "nodes": lambda jobs: sum(other.nodes for other in [*jobs, job]),
            "jobs": lambda jobs: len(jobs) + 1,
        }
        of_qos = self.qos[job.qos].limits
        same_qos = [other for other in held if other.qos == job.qos]
        for what, amount in amounts.items():
            name = f"group_{what}_count"
            if getattr(of_qos, name) is not None:
                if amount(same_qos) > getattr(of_qos, name):
                    return False
                continue
            for account in self.above(job.account):
                below = [other for other in held if account in self.above(other.account)]
                if getattr(self.limits(account), name) is not None and amount(below) > getattr(self.limits(account), name):
                    return False
        for what in ("gpus", "jobs"):
            limit, from_qos = self.limit_of(job, f"user_{what}_count")
            mine = [other for other in (same_qos if from_qos else held) if other.user == job.user]
            if amounts[what](mine if from_qos else [other for other in mine if other.account == job.account]) > limit:
                return False
        return True

    # --- usage, fair share, priority ---

    def usage(self, jobs):
        half_life, total = self.policy.priority.half_life_s, 0.0
        for job in jobs:
            for begin, end in job.ran:
                end = min(end, self.now)  # noqa: PLW2901
                rate = job.bill * self.qos[job.qos].usage_factor_ratio
                if half_life:
                    old, new = (2 ** (-(self.now - at) / half_life) for at in (begin, end))
                    total += rate * (new - old) * half_life / math.log(2)
                else:
                    total += rate * (end - begin)
        return total

    def fair_tree(self):
        """Factor of each user: (account, user) -> rank over how many there are."""
        own = dict.fromkeys(["root", *self.parent], 1)
        own.update({name: account.shares_count for name, account in self.policy.accounts.items()})
        children: dict[str, list] = {name: [] for name in own}
        for name, parent in self.parent.items():
            children[parent].append(name)
        for account, user in self.leaves:
            children[account].append((account, user))
        if not any(account == "root" for account, _ in self.leaves):
            children["root"].append(("root", "root"))  # as in every Slurm
        users = sum(isinstance(child, tuple) for mine in children.values() for child in mine)

        def used(node):
            if isinstance(node, tuple):
                return self.usage([job for job in self.jobs if (job.account, job.user) == node])
            return sum(used(child) for child in children[node])

        def levels(account):
            shares = {child: 1 if isinstance(child, tuple) else own[child] for child in children[account]}
            total, among, found = used(account), sum(shares.values()), []
            for child in children[account]:
                share, part = (shares[child] / among if among else 0), (used(child) / total if total else 0)
                found.append((0.0 if not share else math.inf if part <= 1e-12 else share / part, child))
            return found

        ranks, state = {}, {"rank": users, "place": users}

        def walk(siblings, *, tied):
            self.sure_of([level for level, _ in siblings])
            for level in sorted({level for level, _ in siblings}, reverse=True):
                alike = [child for other, child in siblings if other == level]
                for child in [child for child in alike if isinstance(child, tuple)]:
                    if not tied:
                        state["rank"] = state["place"]
                    ranks[child] = state["rank"] / users
                    state["place"] -= 1
                    tied = True
                accounts = [child for child in alike if not isinstance(child, tuple)]
                if accounts:  # children of tied accounts stand together
                    walk([entry for account in accounts for entry in levels(account)], tied=tied)
                tied = False

        walk(levels("root"), tied=False)
        return ranks

    @staticmethod
    def sure_of(levels):
        for a in levels:
            for b in levels:
                if a != b and math.isclose(a, b, rel_tol=1e-9):
                    raise AmbiguousError

    def ratio(self, table, name, value):
        most = max(getattr(entry, name) for entry in table.values())
        return value / most if most else 0.0

    def priority(self, job):
        rules, weights = self.policy.priority, self.policy.priority.weights
        size, cores = job.nodes / self.count, int(self.cluster.cores.sum())
        part = job.nodes * max(job.cores, 1) / cores if cores else 0.0
        if rules.favor_small:
            size, part = 1.0 - size, 1.0 - part
        if cores:
            size = (size + part) / 2
        total = weights.age_ratio * min((self.now - job.eligible) / rules.max_age_s, 1.0)
        total += weights.fairshare_ratio * self.factor[job.account, job.user]
        total += weights.job_size_ratio * size
        factor = self.partitions[job.partition].factor_count
        part = weights.partition_ratio * self.ratio(self.partitions, "factor_count", factor)
        qos = weights.qos_ratio * self.ratio(self.qos, "priority_ratio", self.qos[job.qos].priority_ratio)
        return math.floor(total + (part + qos))

    def queue(self):
        waiting = [job for job in self.jobs if job.state == "waiting"]
        return sorted(waiting, key=lambda job: (-self.partitions[job.partition].tier_count, -job.key, job.number))

    def enqueue(self, job):
        job.state = "waiting"
        job.key = self.priority(job) if self.policy.order == "multifactor" else 0.0

    # --- nodes ---

    def on(self, node, gone=()):
        return [j for j in self.jobs if j.state == "running" and node in j.hold and j not in gone]

    def completing(self):
        """Nodes that count as free in plans, though nothing starts there yet."""
        return {node for job in self.jobs if job.state == "completing" for node in job.hold}

    def free_gpus(self, node, gone=()):
        return self.gpus[node] - sum(job.gpus for job in self.on(node, gone) if not job.whole)

    def fits(self, job, node, gone=()):
        there = self.on(node, gone)
        if there and (job.whole or any(other.whole for other in there)):
            return False
        return (
            self.gpus[node] - sum(other.gpus for other in there) >= job.gpus
            and self.cores[node] - sum(other.cores for other in there) >= job.cores
            and self.memory[node] - sum(other.memory for other in there) >= job.memory
        )

    def choose(self, job, avail, gone=()):
        """Nodes for a job among `avail`, without the jobs that are `gone`; None if it does not fit."""
        fit = sorted(node for node in avail if self.fits(job, node, gone))
        if len(fit) < job.nodes:
            return None
        chosen = []
        while len(chosen) < job.nodes:
            left, need = [node for node in fit if node not in chosen], job.nodes - len(chosen)
            if self.policy.placement == "first-fit":
                chosen.append(left[0])
            elif self.policy.placement == "spread":
                in_leaf = {leaf: sum(self.leaf[n] == leaf for n in left) for leaf in self.leaf}
                chosen.append(min(left, key=lambda n: (-self.free_gpus(n, gone), -in_leaf[self.leaf[n]], n)))
            else:
                if self.policy.placement == "best-fit":
                    groups = {n - k: [m for i, m in enumerate(left) if m - i == n - k] for k, n in enumerate(left)}
                else:
                    groups = {self.leaf[n]: [m for m in left if self.leaf[m] == self.leaf[n]] for n in left}
                enough = {name: group for name, group in groups.items() if len(group) >= need}
                name = min(enough or groups, key=lambda name: (len(groups[name]) if enough else -len(groups[name]), name))
                chosen += groups[name][:need]
        return chosen

    def up(self, job):
        return {node for node in self.parts[job.partition] if node not in self.down and node not in self.draining}

    def reservations(self, begin, end):
        """All times that a reservation holds that overlap a stretch."""
        for entry in self.policy.reservations.values():
            length, every = round(entry.length_s), round(entry.every_s)
            at = round(entry.start_s)
            step = max(every, length)
            if every:
                at += max(0, (begin - at - length) // step) * step
            while at < end:
                if at + length > begin:
                    yield at, at + length, entry
                if not every:
                    break
                at += step

    def reserved(self, job, begin, end):
        """Nodes kept from a job at some time in a stretch, and the earliest end of such a reservation."""
        found = [r for r in self.reservations(begin, end) if not set(r[2].accounts) & set(self.above(job.account))]
        nodes = {node for _, _, entry in found for node in numbers(entry.nodes, self.count)}
        return nodes, min((until for _, until, _ in found), default=NEVER)

    # --- starts and ends ---

    def touch(self):
        self.changed = self.main_changed = True

    def need(self, job):
        left = job.work - job.saved
        writes = (left - 1) // job.checkpoint * job.write if job.checkpoint else 0
        return round(self.policy.launch_s) + job.setup + left + writes

    def due(self, job):
        return job.start + job.away + min(self.need(job), job.limit + round(self.policy.over_s))

    def expected(self, job):
        """When a running job's nodes are free as far as the scheduler knows."""
        return job.start + job.away + job.limit

    def completed(self, job):
        return job.end + round(self.policy.complete_s)

    def begin(self, job, nodes, late=0):
        """Start a job in `late` seconds; it holds its nodes, and is charged for them, from now on."""
        job.state, job.start, job.hold = "running", self.now + late, nodes
        job.away = job.asks_until = job.stops_at = 0
        job.first_start = job.start if job.first_start < 0 else job.first_start
        job.ran.append([self.now, NEVER])
        self.queue_up(job)
        self.touch()

    def queue_up(self, job):
        """Put a job behind all that run, of those with the same requested end."""
        self.begun += 1
        job.turn = self.begun

    def drain(self):
        """Draining nodes that are empty go down for their repair."""
        for node, repair in list(self.draining.items()):
            if not self.on(node) and node not in self.completing():
                self.down[node] = self.now + repair
                del self.draining[node]

    def finish(self, job):
        ran = self.now - job.start - job.away
        job.lost += min(job.setup, ran)
        job.outcome = DONE if ran >= self.need(job) else LIMIT_REACHED
        job.end, job.ran[-1][1] = self.now, self.now
        job.state = "completing" if self.policy.complete_s else "ended"
        self.touch()

    def interrupt(self, job, outcome, again):
        stopped = job.ran[-1][1] if job.state == "suspended" else self.now
        ran, over = max(stopped - job.start - job.away, 0), round(self.policy.launch_s) + job.setup
        saved = (ran - over) // (job.checkpoint + job.write) * job.checkpoint if job.checkpoint and ran > over else 0
        job.saved += saved
        job.lost += ran - saved
        job.ran[-1][1] = stopped
        if again:
            job.restarts += 1
            self.enqueue(job)
        else:
            job.state, job.end, job.outcome = "ended", self.now, outcome
        self.touch()

    def resume(self):
        for job in self.jobs:
            empty = all(n not in self.down and n not in self.completing() and self.fits(job, n) for n in job.hold)
            if job.state == "suspended" and empty:
                job.away += self.now - job.ran[-1][1]
                job.ran.append([self.now, NEVER])
                job.state = "running"
                self.queue_up(job)

    # --- preemption ---

    def preempt(self, job, avail):
        """Stop others for a job; the nodes on which it can start now, or None."""
        if job.asks_until > self.now:
            return None
        victims = [v for v in self.jobs if v.state == "running" and v.qos in self.qos[job.qos].preempts]
        victims = [v for v in victims if self.qos[v.qos].preempt_mode != "off"]
        victims = [v for v in victims if self.now - v.start >= self.qos[v.qos].exempt_s]
        victims.sort(key=lambda v: (self.qos[v.qos].priority_ratio, -v.start, -v.number))
        for count in range(1, len(victims) + 1):
            chosen = self.choose(job, avail, victims[:count])
            if chosen is not None:
                break
        else:
            return None
        if self.stops + count > self.can_stop:
            return None
        for victim in victims[:count]:
            if set(victim.hold) & set(chosen):
                job.asks_until = max(job.asks_until, self.stop(victim))
        self.drain()
        return chosen if job.asks_until <= self.now else None

    def stop(self, victim):
        """When the nodes of one that is stopped are free."""
        qos = self.qos[victim.qos]
        if victim.stops_at:
            return victim.stops_at
        self.stops += 1
        self.touch()
        if qos.preempt_mode == "suspend":
            victim.state, victim.ran[-1][1] = "suspended", self.now
        elif qos.grace_s:
            victim.stops_at = self.now + round(qos.grace_s)
            return victim.stops_at
        else:
            self.interrupt(victim, PREEMPTED, qos.preempt_mode == "requeue")
        return self.now

    # --- the main pass ---

    def main_pass(self, depth):
        refused, blocked = set(), set()
        for _ in range(depth):
            job = next((j for j in self.queue() if j.partition not in blocked and self.may_run(j)), None)
            if job is None:
                return
            avail = self.up(job)
            kept = avail & refused
            avail -= refused | self.completing() | self.reserved(job, self.now, self.now + job.limit)[0]
            chosen = self.choose(job, avail)
            if chosen is None and not kept:
                chosen = self.preempt(job, avail)
            if chosen is not None:
                self.begin(job, chosen)
            else:
                blocked.add(job.partition)
                refused |= self.parts[job.partition]

    # --- the backfill pass; a plan is a list of (from, to, nodes) ---

    def on_grid(self, at):
        grid = round(self.policy.backfill.resolution_s)
        return at // grid * grid

    def plan_end(self):
        return self.on_grid(self.now) + round(self.policy.backfill.window_s)

    def slots(self, plan):
        """The plan as stretches between which nothing changes: from, to, and nodes that are planned for someone."""
        begin, end = self.on_grid(self.now), self.plan_end()
        cuts = sorted({begin, end} | {at for planned in plan for at in planned[:2] if begin < at < end})
        found = []
        for start, until in itertools.pairwise(cuts):
            taken = [set(nodes) for planned, over, nodes in plan if planned <= start and over >= until]
            found.append((start, until, set().union(*taken)))
        return found

    def will_run(self, job, avail):
        """The earliest time at which a job fits on `avail` by requested ends, and the nodes."""
        chosen = self.choose(job, avail)
        if chosen is not None:
            return self.now, chosen
        running = sorted((j for j in self.jobs if j.state == "running"), key=lambda j: (self.expected(j), j.turn))
        group_of = self.groups if self.policy.backfill.planning == "slurm" else self.ends
        for gone in group_of(running, avail):
            chosen = self.choose(job, avail, gone)
            if chosen is not None:
                return max(self.now + 1, *(self.expected(other) for other in gone)), chosen
        return NEVER, None

    def ends(self, running, avail):
        """Those that have gone after each end on usable nodes."""
        usable = [job for job in running if avail & set(job.hold)]
        for end in sorted({self.expected(job) for job in usable}):
            yield [job for job in usable if self.expected(job) <= end]

    def groups(self, running, avail):
        """Those that have gone after each group of ends on usable nodes.

        A group is closed by whoever, on usable nodes, is followed by one that ends, on whichever nodes, beyond its barrier.
        """
        gone, barriers = [], None
        for job, after in itertools.zip_longest(running, running[1:]):
            if not avail & set(job.hold):
                continue
            if barriers is None:
                first = (self.expected(job) // 30 + 1) * 30
                barriers = [first + 30 * 2**k for k in range(60)]
            gone.append(job)
            if after is not None and self.expected(after) > barriers[0]:
                yield gone
                barriers = [at for at in barriers[1:] if at >= self.expected(after)]
        yield gone

    def plan_avail(self, job, plan, begin):
        """Nodes that nobody planned before needs while a job would run, and when the next stretch has one more."""
        end, mine, taken, later = begin + job.limit, self.up(job), set(), NEVER
        slots = [slot for slot in self.slots(plan) if slot[1] > begin]
        for (start, until, planned), after in itertools.zip_longest(slots, slots[1:]):
            if later == NEVER and after and mine & ((taken | planned) - after[2]):
                later = until
            if start > end or (start == end and self.policy.backfill.planning != "slurm"):
                break  # slurmctld minds what begins at the very end
            taken |= planned
        reserved, over = self.reserved(job, begin, end)
        return mine - taken - reserved, min(later, over)

    def earliest(self, job, plan, only_now):
        begin = self.now
        while True:
            avail, later = self.plan_avail(job, plan, begin)
            start, chosen = self.will_run(job, avail) if not only_now else (self.now, self.choose(job, avail))
            start = max(start, begin) if chosen is not None else NEVER
            if only_now and chosen is None:
                return NEVER, None
            if start <= self.now:
                return self.now + bool(self.completing() & set(chosen)), chosen
            if start > later:
                if chosen is None and later > self.last_change(plan):
                    return NEVER, None
                begin = later
            elif start >= self.plan_end():
                return NEVER, None
            elif self.overlaps(job, plan, start, chosen):
                begin = start
            else:
                return start, chosen

    def last_change(self, plan):
        """When all that is planned and reserved once is over and what repeats has come round twice, or the window ends."""
        kept = self.policy.reservations.values()
        once = [round(entry.start_s) + round(entry.length_s) for entry in kept if not entry.every_s]
        every = [max(round(entry.every_s), round(entry.length_s)) for entry in kept if entry.every_s]
        last = max([self.now, *once, *(start for start, _, _ in self.slots(plan))])
        return min(last + 2 * max(every, default=0), self.now + round(self.policy.backfill.window_s))

    def overlaps(self, job, plan, start, chosen):
        begin, end = self.on_grid(start), self.on_grid(start + job.limit)
        return any(over > begin and at < end and nodes & set(chosen) for at, over, nodes in self.slots(plan))

    def backfill_pass(self):
        """Whether it came to its end; if not, it had others stopped and is to begin anew."""
        rules, plan, planned, self.looked = self.policy.backfill, [], 0, 0
        for job in self.queue():
            if self.looked >= rules.jobs_count:
                break
            if not self.may_run(job):
                continue
            self.looked += 1
            only_now = rules.kind == "easy" and planned > 0
            start, chosen = self.earliest(job, plan, only_now)
            if start == self.now:
                self.begin(job, chosen, late=math.floor(rules.test_s * self.looked))
                self.backfilled += 1
                if job.whole:
                    plan.append((self.on_grid(self.now), self.on_grid(self.now + job.limit), chosen))
                continue
            stops = self.stops
            nodes = self.preempt(job, self.plan_avail(job, plan, self.now)[0] - self.completing())
            if nodes is not None:
                self.begin(job, nodes)
            if nodes is not None or self.stops > stops:
                return False
            if start < NEVER:
                begin, end = self.on_grid(start), self.on_grid(start + job.limit)
                plan.append((begin, max(end, begin + round(rules.resolution_s)), chosen))
            planned += not only_now
        return True

    # --- instants ---

    def next_time(self):
        running = [job for job in self.jobs if job.state == "running"]
        times = [self.due(job) for job in running] + [job.stops_at for job in running if job.stops_at]
        times += [self.completed(job) for job in self.jobs if job.state == "completing"]
        times += [job.eligible for job in self.jobs_kept if job.state == "coming"]
        times += [turn[0] for turn in self.turns] + list(self.down.values())
        times += [at for at in map(self.exempt_until, running) if at > self.now]
        if self.queue():
            for entry in self.policy.reservations.values():
                begin, length = round(entry.start_s), round(entry.length_s)
                step = max(round(entry.every_s), length)
                after = max(0, (self.now - begin - length) // step + 1) if entry.every_s else 0
                times += [at for at in [begin + after * step + length] if at > self.now]
            times += [self.next_tick] if self.policy.order == "multifactor" else []
            times += [self.next_backfill] if self.backfills() and self.policy.backfill.interval_s and self.changed else []
            times += [self.next_main] if self.policy.sched_interval_s and self.partial else []
        return min(times, default=NEVER)

    def exempt_until(self, job):
        """When a job that may be stopped for others no longer is exempt."""
        stoppable = any(job.qos in entry.preempts for entry in self.qos.values())
        return job.start + round(self.qos[job.qos].exempt_s) if stoppable and self.qos[job.qos].exempt_s >= 1 else 0

    def backfills(self):
        return self.policy.backfill.kind != "none"

    def events(self):
        for job in self.jobs:
            if job.state == "completing" and self.completed(job) == self.now:
                job.state = "ended"
                self.touch()
        for job in self.jobs:
            if job.state == "running" and self.due(job) == self.now:
                self.finish(job)
            elif job.state == "running" and job.stops_at == self.now > 0:
                self.interrupt(job, PREEMPTED, self.qos[job.qos].preempt_mode == "requeue")
            elif job.state == "running" and self.exempt_until(job) == self.now > 0:
                self.touch()
        for node in [node for node, back in self.down.items() if back == self.now]:
            del self.down[node]
            self.touch()
        self.drain()
        while self.turns and self.turns[0][0] == self.now:
            self.turn(*self.turns.pop(0)[1:])
            self.drain()
            self.touch()
        self.main_changed |= any(until == self.now for _, until, _ in self.reservations(self.now - 1, self.now + 1))
        self.changed |= any(until == self.now for _, until, _ in self.reservations(self.now - 1, self.now + 1))
        for job in self.jobs_kept:
            if job.state == "coming" and job.eligible == self.now:
                self.enqueue(job)
                self.touch()

    def turn(self, node, kind, repair):
        if kind == 1:
            self.down.pop(node, None)
        elif kind == 2 and node not in self.down:
            self.draining[node] = max(repair, 1)
        elif kind == 0:
            if node not in self.down:
                self.failures += 1
                for job in self.jobs:
                    if node in job.hold and job.state in ("running", "suspended"):
                        self.interrupt(job, NODE_FAILED, again=True)
            self.down[node] = NEVER
            self.draining.pop(node, None)

    def run(self, horizon):
        while True:
            now = self.next_time()
            if now >= horizon:
                return self
            self.now = now
            if self.queue() and self.period:
                while self.next_backfill < now:
                    self.next_backfill += self.period
            self.events()
            if self.policy.order == "multifactor" and self.queue() and now >= self.next_tick:
                self.tick()
            self.resume()
            if self.queue():
                self.passes()
            self.resume()

    def tick(self):
        period = round(self.policy.priority.calc_period_s)
        if self.policy.priority.weights.fairshare_ratio:
            self.factor = self.fair_tree()
        for job in self.queue():
            job.key = self.priority(job)
        self.next_tick = (self.now // period + 1) * period
        self.touch()

    def passes(self):
        sched, back = round(self.policy.sched_interval_s), self.policy.backfill
        if self.main_changed or (self.partial and sched and self.now >= self.next_main):
            full = not sched or self.now >= self.next_main
            self.main_pass(10**9 if full else self.policy.depth_count)
            self.partial = not full
            self.next_main = self.now + sched if full else self.next_main
        if self.backfills() and self.changed and (not back.interval_s or self.now >= self.next_backfill):
            self.looked = 0
            while self.queue() and not self.backfill_pass():
                pass
            self.changed = False
            whole = math.floor(self.fraction + back.test_s * self.looked)
            self.fraction += back.test_s * self.looked - whole
            self.period = round(back.interval_s) + whole
            self.next_backfill = self.now + self.period
        self.main_changed = False
