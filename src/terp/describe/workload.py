"""What a workload file says: who works on the machine, on what, and how hard it is loaded.

Sizes and run times of jobs are drawn from published profiles of the catalogue, which groups name; a domain says
what such a job then runs.  Nothing is drawn here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from terp.reader import Name, Ratio, Record, Seconds, Share
from terp.reader.fields import sequence_tokens

TypeName = Literal["evaluation", "pretraining", "fine-tuning", "multimodal", "debug", "other"]


class Arrivals(Record):
    """When jobs come: a rate by local hour and weekday, Gamma noise from hour to hour, and arrays of like jobs.

    by_hour_ratio        24 rates relative to their mean, local hour 0 to 23
    by_weekday_ratio     7 rates, Monday first
    noise_shape_ratio    shape of the Gamma factor of each hour; its variance is 1 over the shape
    array_size_ratio     mean jobs of one submission (geometric), by type; 1 if absent
    """

    by_hour_ratio: list[Ratio]
    by_weekday_ratio: list[Ratio]
    noise_shape_ratio: float = Field(gt=0, le=1000)
    array_size_ratio: dict[TypeName, Annotated[Ratio, Field(ge=1, le=1000)]] = {}


class Requests(Record):
    """What users ask for: run time over requested time, then rounded up to a limit that people type.

    quantile_fraction, run_over_requested_fraction   points of the distribution of that ratio, both rising
    at_limit_fraction share of jobs that run into their limit
    shortest_at_limit_s   jobs shorter than this never do
    limits_s          requested times people type, rising; the longest is the partition's
    """

    quantile_fraction: Annotated[list[Share], Field(min_length=2)]
    run_over_requested_fraction: Annotated[list[Share], Field(min_length=2)]
    at_limit_fraction: float = Field(ge=0, le=0.5)
    shortest_at_limit_s: float = Field(ge=1, le=1e6)
    limits_s: Annotated[list[Seconds], Field(min_length=1)]


class Group(Record):
    """A group of users.

    share_fraction   its share of the load and its entitlement
    profiles         published job profiles it is drawn from -> share of its GPU time
    domains          fields it works in -> weight among its jobs of each type
    """

    title: str
    share_fraction: float = Field(ge=0, le=1)
    profiles: dict[Name, Share]
    domains: dict[Name, Share]


class Runs(Record):
    """What a kind of job runs, for the models of training; names and defaults are those of `terp predict MACHINE train`.

    model        of those that ship
    gpus_count   all of the machine if absent
    seq_count    tokens of a sequence; absent for models of images and volumes
    tp, pp, vp, cp, ep   tensor, pipeline, interleaved, context and expert parallelism
    zero_count   what is sharded over replicas; shard_count  GPUs that share the shards, all replicas if absent
    recompute    as few layers as fit if absent
    rank_count   inner size of adapters;  base  format of the weights under them;  states  what the optimizer keeps
    tp_overlap, dp_overlap, cp_kind, etp_count, dispatcher, gradients, recompute_every_count   as the options of these names
    """

    model: Name
    gpus_count: int | None = Field(default=None, ge=1, le=1_000_000)
    seq_count: int | None = Field(default=None, ge=1, le=10**8)
    global_batch_count: int = Field(ge=1, le=10**8)
    micro_batch_count: int = Field(default=1, ge=1, le=10**6)
    tp_count: int = Field(default=1, ge=1, le=10**6)
    pp_count: int = Field(default=1, ge=1, le=10**6)
    vp_count: int = Field(default=1, ge=1, le=10**6)
    cp_count: int = Field(default=1, ge=1, le=10**6)
    ep_count: int = Field(default=1, ge=1, le=10**6)
    zero_count: int = Field(default=1, ge=0, le=3)
    shard_count: int | None = Field(default=None, ge=1, le=10**6)
    recompute: Literal["none", "selective", "ops", "full"] | None = None
    recompute_every_count: int | None = Field(default=None, ge=1, le=10**6)
    sequence_parallel: bool = True
    tp_overlap: bool | None = None
    dp_overlap: bool | None = None
    cp_kind: str = "ring"
    etp_count: int | None = Field(default=None, ge=1, le=10**6)
    dispatcher: str | None = None
    adapters: bool = False
    rank_count: int | None = Field(default=None, ge=1, le=100_000)
    base: str = "bf16"
    states: str = "mixed"
    gradients: Literal["bf16", "fp32"] | None = None
    optimizer: str = "adamw"
    precision: str = "bf16"
    software: str = "megatron-2024"

    @model_validator(mode="before")
    @classmethod
    def _own_words(cls, data: object) -> object:
        """`lora` is `adapters`, as it is among the options."""
        if not isinstance(data, dict) or "lora" not in data or "adapters" in data:
            return data
        return {"adapters" if key == "lora" else key: value for key, value in data.items()}

    @field_validator("seq_count", mode="before")
    @classmethod
    def _tokens(cls, value: object) -> object:
        """Tokens of a sequence as people write them: "8k" is 8,192."""
        return sequence_tokens(value)


class JobType(Record):
    """A kind of job of a domain.

    like            published types it is drawn from
    weight_ratio    weight among the domain's kinds of the same type
    runs            what it runs: the work it gets done, and its power if not given, are predicted; absent: work as published
    node_power_w    mean power of a whole node that runs it, without fans [W]
    checkpoint_s    time between checkpoints; absent: none, a failure loses all
    restart_s       time to set up again from a checkpoint
    """

    title: str
    like: Annotated[list[TypeName], Field(min_length=1)]
    weight_ratio: float = Field(default=1.0, gt=0, le=1000)
    runs: Runs | None = None
    node_power_w: float | None = Field(default=None, ge=100, le=2e5)
    checkpoint_s: float | None = Field(default=None, ge=1, le=1e7)
    restart_s: float = Field(default=0.0, ge=0, le=1e6)


class Domain(Record):
    """A field of work, with its kinds of job."""

    title: str
    jobs: dict[Name, JobType]


class Workload(Record):
    """A country, or a centre, at work.

    load_fraction      GPU time asked for over GPU time there is
    largest_job_count  jobs of more GPUs are left out of the profiles; absent: none is
    """

    kind: Literal["workload"]
    name: Name
    title: str
    load_fraction: float = Field(gt=0, le=5)
    largest_job_count: int | None = Field(default=None, ge=1, le=1_000_000)
    arrivals: Arrivals
    requests: Requests
    groups: dict[Name, Group]
    domains: dict[Name, Domain]
    note: str = ""
