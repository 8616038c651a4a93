"""What a policy file says: in which order jobs start, what may overtake what, and who is limited to how much.

The words mean what they mean in slurm.conf; a slurm.conf becomes such a record (`connect`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import Field

from terp.describe.workload import TypeName
from terp.reader import Name, Record
from terp.units import DAY_S, HOUR_S

Word = Annotated[str, Field(min_length=1, max_length=128)]
"""A name as Slurm has them: any letters."""

PREEMPT_MODES = Literal["off", "requeue", "cancel", "suspend"]
PLACEMENTS = Literal["first-fit", "best-fit", "fewest-leaves", "tree", "spread"]


class Weights(Record):
    """PriorityWeight*: what each factor, from 0 to 1, is multiplied by."""

    age_ratio: float = Field(default=0.0, ge=0, le=1e9)
    fairshare_ratio: float = Field(default=0.0, ge=0, le=1e9)
    job_size_ratio: float = Field(default=0.0, ge=0, le=1e9)
    partition_ratio: float = Field(default=0.0, ge=0, le=1e9)
    qos_ratio: float = Field(default=0.0, ge=0, le=1e9)


class Priority(Record):
    """priority/multifactor.

    max_age_s       PriorityMaxAge: the wait at which the age factor is 1
    half_life_s     PriorityDecayHalfLife of usage; 0: it never decays
    calc_period_s   PriorityCalcPeriod: how often usage decays and waiting jobs are ordered anew
    favor_small     PriorityFavorSmall
    """

    weights: Weights = Weights()
    max_age_s: float = Field(default=7.0 * DAY_S, ge=1, le=1e9)
    half_life_s: float = Field(default=7.0 * DAY_S, ge=0, le=1e9)
    calc_period_s: float = Field(default=300.0, ge=1, le=1e6)
    favor_small: bool = False


class Backfill(Record):
    """What may overtake a job that waits.

    kind          none; easy: whatever does not delay the first waiting job; conservative: whatever delays none
    interval_s    bf_interval: seconds between passes; 0: at every event
    window_s      bf_window: how far ahead is planned
    resolution_s  bf_resolution: planned times are rounded to it
    jobs_count    bf_max_job_test: waiting jobs looked at in a pass
    test_s        what the controller takes for each job that it looks at, so that it starts and the next pass comes later
    planning      exact: the earliest start by requested ends.  slurm: as slurmctld does it, who takes running jobs away in
                  groups up to barriers whose distance from the first end doubles
    """

    kind: Literal["none", "easy", "conservative"] = "easy"
    interval_s: float = Field(default=0.0, ge=0, le=DAY_S)
    window_s: float = Field(default=1e9, ge=60, le=1e9)
    resolution_s: float = Field(default=1.0, ge=1, le=DAY_S)
    jobs_count: int = Field(default=1_000_000, ge=1, le=10_000_000)
    test_s: float = Field(default=0.0, ge=0, le=60)
    planning: Literal["exact", "slurm"] = "exact"


class Limits(Record):
    """Limits of an account or a QOS, together over its jobs (Grp*), for each user, and for each job; absent: none."""

    group_gpus_count: int | None = Field(default=None, ge=0, le=10_000_000)
    group_nodes_count: int | None = Field(default=None, ge=0, le=10_000_000)
    group_jobs_count: int | None = Field(default=None, ge=0, le=10_000_000)
    user_gpus_count: int | None = Field(default=None, ge=0, le=10_000_000)
    user_jobs_count: int | None = Field(default=None, ge=0, le=10_000_000)
    job_gpus_count: int | None = Field(default=None, ge=0, le=10_000_000)
    job_nodes_count: int | None = Field(default=None, ge=0, le=10_000_000)
    job_wall_s: float | None = Field(default=None, ge=0, le=1e9)


class Account(Record):
    """An account of the tree; `parent` is empty right under the root."""

    parent: str = ""
    shares_count: int = Field(default=1, ge=0, le=10_000_000)
    limits: Limits = Limits()


class Qos(Record):
    """A quality of service.

    priority_ratio    its priority; the factor is this over the highest of all
    preempts          QOS whose running jobs may be stopped for it
    preempt_mode      what becomes of its own jobs when they are stopped
    grace_s           time that they are given; exempt_s  run time before which they are left alone
    usage_factor_ratio  what its jobs' usage is multiplied by
    """

    priority_ratio: float = Field(default=0.0, ge=0, le=1e9)
    preempts: list[Word] = []
    preempt_mode: PREEMPT_MODES = "requeue"
    grace_s: float = Field(default=0.0, ge=0, le=1e6)
    exempt_s: float = Field(default=0.0, ge=0, le=1e7)
    usage_factor_ratio: float = Field(default=1.0, ge=0, le=1e6)
    limits: Limits = Limits()


class Partition(Record):
    """A partition.

    nodes           numbers from 1, such as "1-64,70"; empty: all
    max_time_s      MaxTime;  default_time_s  DefaultTime, of jobs that ask for none; absent: max_time_s
    factor_count    PriorityJobFactor; the factor is this over the highest of all
    tier_count      PriorityTier: jobs of a higher tier are looked at first
    exclusive       jobs get whole nodes
    billing         TRESBillingWeights: what an hour of each resource counts for in fair share
    """

    nodes: str = Field(default="", max_length=100_000)
    max_time_s: float | None = Field(default=None, ge=1, le=1e9)
    default_time_s: float | None = Field(default=None, ge=1, le=1e9)
    factor_count: int = Field(default=1, ge=0, le=65535)
    tier_count: int = Field(default=1, ge=0, le=65535)
    exclusive: bool = False
    billing_gpu_ratio: float = Field(default=0.0, ge=0, le=1e9)
    billing_core_ratio: float = Field(default=1.0, ge=0, le=1e9)
    billing_node_ratio: float = Field(default=0.0, ge=0, le=1e9)
    accounts: list[Word] = []
    qos: list[Word] = []


class Reservation(Record):
    """Nodes kept from a time on, for some accounts or, where none is named, for maintenance.

    start_s, length_s   from the start of the run; every_s  repeats after so long; 0: once
    nodes               numbers from 1; empty: all
    """

    start_s: float = Field(ge=0, le=1e10)
    length_s: float = Field(ge=1, le=1e9)
    every_s: float = Field(default=0.0, ge=0, le=1e9)
    nodes: str = Field(default="", max_length=100_000)
    accounts: list[Word] = []


class Assign(Record):
    """Which jobs of a workload get a QOS or a partition, or may be delayed; each job goes by the first that fits it.

    groups, types, domains   of which it must be; empty: any
    delay_s   how long it may be kept back for a cheaper or cleaner hour
    gpu_cap_w  cap of the GPUs that it runs on; 0: none of its own
    """

    groups: list[Name] = []
    types: list[TypeName] = []
    domains: list[Name] = []
    smallest_gpus_count: int = Field(default=1, ge=1, le=10_000_000)
    largest_gpus_count: int | None = Field(default=None, ge=1, le=10_000_000)
    qos: str = ""
    partition: str = ""
    delay_s: float = Field(default=0.0, ge=0, le=14 * DAY_S)
    gpu_cap_w: float = Field(default=0.0, ge=0, le=1e5)


class Policy(Record):
    """How a machine is shared.

    order        fifo: by submission; multifactor: by priority
    depth_count  default_queue_depth: jobs looked at in a pass of the main scheduler that an event sets off
    sched_interval_s  how often the main scheduler looks at all of them; 0: at every event
    launch_s     from the decision to the first second of the job's own run time
    complete_s   from a job's end to its nodes being free
    over_s       OverTimeLimit: how long past its limit a job is let run
    default_partition  the partition of jobs that name none; empty: the first
    licenses     name -> how many there are
    """

    kind: Literal["policy"] = "policy"
    name: Name
    title: str
    order: Literal["fifo", "multifactor"] = "fifo"
    priority: Priority = Priority()
    backfill: Backfill = Backfill()
    depth_count: int = Field(default=1_000_000, ge=1, le=10_000_000)
    sched_interval_s: float = Field(default=0.0, ge=0, le=DAY_S)
    placement: PLACEMENTS = "first-fit"
    launch_s: float = Field(default=0.0, ge=0, le=HOUR_S)
    complete_s: float = Field(default=0.0, ge=0, le=HOUR_S)
    over_s: float = Field(default=0.0, ge=0, le=1e9)
    accounts: dict[Word, Account] = {}
    qos: dict[Word, Qos] = {}
    partitions: dict[Word, Partition] = {}
    default_partition: str = Field(default="", max_length=128)
    reservations: dict[Word, Reservation] = {}
    licenses: dict[Word, int] = {}
    assign: list[Assign] = []
    note: str = ""


OWN_POLICIES: Final[dict[str | Callable[..., object], Policy]] = {}
"""Policies that users wrote in Python, by their names and by their functions; see `terp.extend.policy`."""
