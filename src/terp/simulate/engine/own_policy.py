"""Policies that users write in Python: what they see, what they may answer, and what becomes of a wrong answer.

A policy looks and answers; it never starts anything itself.  There are two kinds:

choice  `choose(waiting, cluster, now)` gives the jobs to start now.  It can do anything, and the reference engine runs it,
        in plain Python (reference_engine.py).
order   `order(jobs)` gives a number for each job, once for the whole run: of lower numbers first, EASY backfill behind
        them.  It is called with arrays, and the compiled engines run it at their full speed.

Times are whole seconds from the start of the run.

Register one with `terp.extend.policy`; afterwards its name may stand wherever a policy's name may.  A wrong answer ends the
run with the policy, the job and the time in the message, and is never mended in silence.  An order may look like this:

    def short_first(jobs: PolicyJobs) -> Floats:
        return jobs.requested_s.astype(float)
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from pydantic import Field

from terp.arrays import Floats, Ints
from terp.describe import OWN_POLICIES, Policy
from terp.errors import Problem, Problems


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that waits and may start now.

    index          number of the job: its place in the order of submission
    submit_s       [s]  when it was submitted; a job that was cut short by a failure keeps this time
    requested_s    [s]  the time that it asked for; how long it will really run nobody knows
    nodes_count    [-]  nodes that it takes
    gpus_count     [-]  GPUs on each of its nodes
    cores_count    [-]  cores on each of its nodes; 0 where that is not known
    memory_bytes   [bytes]  on each of its nodes; 0 where that is not known
    exclusive           whether it takes whole nodes, which nobody shares
    power_w        [W]  what it adds to idle nodes while it runs; 0 in a replay
    account, user, qos, partition   names; empty where there are none
    restarts_count [-]  how often it was cut short so far

    A node has room for it if it has its GPUs, cores and memory free; see `ClusterView.fits_on`.
    """

    index: int
    submit_s: int
    requested_s: int
    nodes_count: int
    gpus_count: int
    cores_count: int
    memory_bytes: float
    exclusive: bool
    power_w: float
    account: str
    user: str
    qos: str
    partition: str
    restarts_count: int = 0


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that runs: the job as it waited, its nodes by number, its start, and its end if it takes all that it asked for.

    start_s, requested_end_s   [s]

    Its true end is hidden from a policy, as from a scheduler of a real machine.
    """

    job: WaitingJob
    nodes: tuple[int, ...]
    start_s: int
    requested_end_s: int


@dataclass(frozen=True, slots=True)
class ClusterView:
    """The nodes and what runs on them, one entry a node, numbered from 0.

    gpus           [-]  GPUs that each node has
    free_gpus      [-]  GPUs that are free on it; -1 on a node that takes nobody: down, draining, or given whole
    free_cores     [-]  cores that are free on it; very many where the machine's cores are not known
    free_memory_bytes  [bytes]  the same of memory
    jobs           [-]  how many jobs are there
    leaf                number of its leaf switch
    running             what runs, in the order of its starts
    power_w        [W]  what the machine draws now;  now_s  [s]  the time

    A view is a copy that nothing changes: `with_started` gives another.
    """

    gpus: tuple[int, ...]
    free_gpus: tuple[int, ...]
    free_cores: tuple[int, ...]
    free_memory_bytes: tuple[float, ...]
    jobs: tuple[int, ...]
    leaf: tuple[int, ...]
    running: tuple[RunningJob, ...]
    power_w: float
    now_s: int

    def fits_on(self, job: WaitingJob, node: int) -> bool:
        """Whether a node has room for a job's part, or is empty and large enough if the job takes whole nodes.

        node   its number, from 0.  A node that takes nobody has -1 GPUs free, and so fits no job.
        """
        if job.exclusive and self.jobs[node]:
            return False
        return (
            self.free_gpus[node] >= job.gpus_count
            and self.free_cores[node] >= job.cores_count
            and self.free_memory_bytes[node] >= job.memory_bytes
        )

    def fitting_nodes(self, job: WaitingJob) -> tuple[int, ...]:
        """The nodes that have room for a job's part, the one with fewest free GPUs first, then by number.

        In an order that keeps whole nodes free for those who need them; empty if there is none.
        """
        able = [node for node, gpus in enumerate(self.free_gpus) if gpus >= job.gpus_count]  # few, on a busy machine
        fitting = [node for node in able if self.fits_on(job, node)]
        return tuple(sorted(fitting, key=self.free_gpus.__getitem__))

    def tightest_nodes(self, job: WaitingJob) -> tuple[int, ...] | None:
        """The nodes that a job gets where a choice names none: the first fitting ones, by number; None if too few fit.

        As many as the job asks for.  Only a suggestion: a choice may name any nodes that fit.
        """
        fitting = self.fitting_nodes(job)[: job.nodes_count]
        return tuple(sorted(fitting)) if len(fitting) == job.nodes_count else None

    def with_started(self, job: WaitingJob, nodes: Sequence[int] | None = None) -> ClusterView | None:
        """The cluster as it is once a job has started, on `nodes` or the tightest that fit; None if there is no room.

        So a choice can go on to the next job with what the last has left.

        The power grows by the job's own [W], and the job counts as running until its requested end.
        """
        chosen = self.tightest_nodes(job) if nodes is None else tuple(nodes)
        if chosen is None or not all(self.fits_on(job, node) for node in chosen):
            return None
        gpus, cores, jobs = list(self.free_gpus), list(self.free_cores), list(self.jobs)
        memory = list(self.free_memory_bytes)
        for node in chosen:
            gpus[node] = -1 if job.exclusive else gpus[node] - job.gpus_count
            cores[node] = -1 if job.exclusive else cores[node] - job.cores_count
            memory[node] = -1 if job.exclusive else memory[node] - job.memory_bytes
            jobs[node] += 1
        started = RunningJob(job, chosen, self.now_s, self.now_s + job.requested_s)
        return replace(
            self, free_gpus=tuple(gpus), free_cores=tuple(cores), free_memory_bytes=tuple(memory), jobs=tuple(jobs),
            running=(*self.running, started), power_w=self.power_w + job.power_w,
        )  # fmt: skip


class PolicyJobs(NamedTuple):
    """All jobs of a run as an order sees them: arrays with one entry a job, in the order in which they may start.

    submit_s, requested_s   [s]
    gpus_count     [-]  in all;  nodes_count  [-]  1 for a share of a node
    account             numbers from 0: groups of a workload, accounts of a trace

    All arrays have shape (jobs,) and cannot be written to.
    """

    submit_s: Ints
    requested_s: Ints
    gpus_count: Ints
    nodes_count: Ints
    account: Ints


Choice = WaitingJob | int
"""A job to start: as it was shown, or by its index."""
Answer = Iterable[Choice | tuple[Choice, Sequence[int]]]
"""What `choose` gives: jobs to start now, each by itself or with the numbers of the nodes that it gets."""
Choose = Callable[[Sequence[WaitingJob], ClusterView, int], Answer]
"""A choice: who waits in order of submission, the cluster, and the time [s] -> whom to start."""
Order = Callable[[PolicyJobs], Floats]
"""An order: all jobs -> a number for each, the lower first; like numbers in order of submission."""


class OwnPolicy(Policy):
    """A policy written in Python: one of `choose` and `order` is there.

    code_digest   hash of its source, by which a run tells what it ran with; empty where there is no source

    All other words of a policy are a Policy's and keep their defaults; neither function is written to files or results.
    """

    choose: Callable[..., object] | None = Field(default=None, exclude=True, repr=False)
    order_by: Callable[..., object] | None = Field(default=None, exclude=True, repr=False)
    code_digest: str = ""


def own_policy(name: str, function: Callable[..., object], *, by: str = "choice", title: str = "") -> OwnPolicy:
    """A policy from a function, under a name; `OWN_POLICIES` knows it from now on, by its name and by its function.

    by   choice or order, see the head of this module

    Raises Problems for what is no function, for a `by` that is neither, and for a name that is none (a Policy's).

    name    what views and results call it;  title  what people read, the name if it is empty
    A second policy of the same name takes the place of the first.
    """
    wrong = []
    if not callable(function):
        wrong.append(Problem("", 0, 0, name, "a policy is a function", repr(function)[:60], "a function"))
    if by not in ("choice", "order"):
        wrong.append(Problem("", 0, 0, name, "no such kind of policy", repr(by), "choice or order"))
    if wrong:
        raise Problems(wrong)
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = ""
    digest = hashlib.sha256(source.encode()).hexdigest() if source else ""
    part = {"choose": function} if by == "choice" else {"order_by": function}
    policy = OwnPolicy.model_validate({"name": name, "title": title or name, "code_digest": digest, **part})
    OWN_POLICIES[name] = OWN_POLICIES[function] = policy
    return policy


def clock(at_s: int) -> str:
    """A time of a run for people: day and time of day, and the seconds.

    For example `clock(93_784)` is "day 1 02:03:04 (93784 s)": the first day is day 0.
    """
    day, rest = divmod(int(at_s), 86_400)
    return f"day {day} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} ({at_s} s)"


def nonsense(policy: Policy, at_s: int, job: object, wrong: str, would_do: str = "") -> Problems:
    """A refusal of what a policy answered, that names it, the job and the time.

    job        its index or a phrase for it;  at_s  [s]  of the run;  would_do  an answer that would be right, or empty
    The caller raises it.
    """
    return Problems([Problem("", 0, 0, f"policy {policy.name}", wrong, f"job {job} at {clock(at_s)}", would_do)])


def ranks_by(policy: OwnPolicy, jobs: PolicyJobs) -> Floats:
    """The numbers that an order gives, one a job.  Raises Problems if it fails or gives something else.

    Shape (jobs,), finite or infinite, but never nan.  The order is called once, with arrays that it cannot write to.
    """
    count = jobs.submit_s.size
    if policy.order_by is None:
        raise Problems([Problem("", 0, 0, f"policy {policy.name}", "has no order", "", "by='order'")])
    try:
        ranks = np.array(policy.order_by(PolicyJobs(*map(_read_only, jobs))), np.float64)
    except Exception as error:
        wrong = f"the order failed: {type(error).__name__}: {error}"
        raise Problems([Problem("", 0, 0, f"policy {policy.name}", wrong, f"{count} jobs")]) from error
    if ranks.shape != (count,):
        wrong, shape = "the order must give one number a job", f"an array of shape {ranks.shape}"
        raise Problems([Problem("", 0, 0, f"policy {policy.name}", wrong, shape, f"shape ({count},)")])
    lost = np.flatnonzero(np.isnan(ranks))
    if lost.size:
        job = int(lost[0])
        raise nonsense(policy, int(jobs.submit_s[job]), job, "the order gives no number, but nan", "a number for each job")
    return ranks


def _read_only(column: Ints) -> Ints:
    """A column that cannot be written to; the given one still can, which kernels are compiled for."""
    view = column.view()
    view.flags.writeable = False
    return view


def answer_of(
    policy: OwnPolicy, waiting: tuple[WaitingJob, ...], cluster: ClusterView, now: int
) -> list[tuple[int, tuple[int, ...] | None]]:
    """What a choice answers: index of each job to start, and its nodes or None.  Raises Problems for anything else.

    waiting   at least one job, in order of submission;  now  [s]
    Whether the jobs wait and the nodes have room is not checked here: the reference engine does that job by job.
    """
    first = waiting[0].index
    if policy.choose is None:
        raise Problems([Problem("", 0, 0, f"policy {policy.name}", "has no choice", "", "by='choice'")])
    try:
        answer = policy.choose(waiting, cluster, now)
        items = None if answer is None or isinstance(answer, str) else list(answer)  # type: ignore[call-overload]
    except Exception as error:
        wrong = f"the choice failed: {type(error).__name__}: {error}"
        raise nonsense(policy, now, f"{first}, the first to wait,", wrong) from error
    if items is None:
        wrong, would_do = f"answered {answer!r:.60}, which is no list of jobs", "jobs to start now; [] for none"
        raise nonsense(policy, now, f"{first}, the first to wait,", wrong, would_do)
    return [_item(policy, item, now) for item in items]


def _item(policy: OwnPolicy, item: object, now: int) -> tuple[int, tuple[int, ...] | None]:
    """One job of an answer: its index, and its nodes where they are given.

    Numbers of numpy will do as Python's do; True and False will not.  Raises Problems for anything else.
    """
    job, nodes = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
    number = job.index if isinstance(job, WaitingJob) else job
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        wrong = f"answered {item!r:.60}, which is no job"
        raise nonsense(policy, now, repr(job)[:60], wrong, "a job of `waiting`, its index, or (job, nodes)")
    if nodes is None:
        return int(number), None
    given = list(nodes) if isinstance(nodes, Iterable) and not isinstance(nodes, str) else [nodes]
    if any(isinstance(node, bool) or not isinstance(node, int | np.integer) for node in given):
        raise nonsense(policy, now, int(number), f"nodes must be numbers, and are {nodes!r:.60}", "numbers of nodes from 0")
    return int(number), tuple(int(node) for node in given)
