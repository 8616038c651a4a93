"""A predicted training: a step with its interval, memory, power and cost; the whole run; and the frontier of a search.

The records hold what `terp predict MACHINE train --json` prints, with and without `--search`; `terp.predict` fills them,
and `physics` has the models.  Counts are per job, bytes per GPU, powers are means over a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from terp.results.record import Json, Result, as_json, unprinted
from terp.results.table import Table, table_of


@dataclass(frozen=True)
class TrainingSplit:
    """How a training is split over GPUs, by the names of its options; a count of one is not split.

    dp_count              replicas
    zero_count            what is sharded over replicas: 0 nothing, 1 the optimizer, 2 gradients too, 3 weights too
    shard_count           GPUs that share the shards; None for all replicas
    recompute             "none", "selective" (attention), "ops" (by operation) or "full"; recomputed_fraction  of layers
    tp, pp, cp, ep        GPUs that share a layer's tensors, pipeline stages, GPUs that share a sequence, or the experts
    vp_count              chunks of layers on each stage that take turns; 1 without interleaving
    micro_batch_count     samples of a micro-batch on one replica
    adapters              whether only adapters are trained;  rank_count  their inner size, None for the usual
    base                  format of the frozen weights under adapters;  states  what the optimizer keeps: "mixed" or "bf16"
    tp_overlap, dp_overlap, dispatcher, gradients, etp_count   as asked for; None for the software's usual
    cp_kind               how context parallelism exchanges: "ring" or "heads"
    """

    gpus_count: int
    tp_count: int
    pp_count: int
    vp_count: int
    cp_count: int
    ep_count: int
    dp_count: int
    micro_batch_count: float
    zero_count: int
    shard_count: int | None
    sequence_parallel: bool
    recompute: str
    recomputed_fraction: float
    precision: str
    optimizer: str
    adapters: bool
    rank_count: int | None = None
    base: str = "bf16"
    states: str = "mixed"
    tp_overlap: bool | None = None
    dp_overlap: bool | None = None
    cp_kind: str = "ring"
    etp_count: int | None = None
    dispatcher: str | None = None
    gradients: str | None = None

    def to_dict(self) -> dict[str, Json]:
        """By the names of the options: `tp` for `tp_count`."""
        values = {field.name: as_json(getattr(self, field.name)) for field in fields(self)}
        return {name if name == "gpus_count" else name.removesuffix("_count"): value for name, value in values.items()}


@dataclass(frozen=True)
class GpuMemory:
    """What the fullest GPU holds [B].

    The parts add up to the `memory_bytes` of the result; which GPU is fullest depends on its stage of the pipeline.
    """

    weights_bytes: float
    gradients_bytes: float
    optimizer_bytes: float
    activations_bytes: float
    logits_bytes: float
    other_bytes: float


@dataclass(frozen=True)
class StepBreakdown:
    """Parts of a step, which add up to it [s]; of exchanges only what does not hide behind work.

    tensor_s, context_s, expert_s   exchanges of tensor, context and expert parallelism
    pipeline_s   sends between stages;  bubble_s  the pipeline's;  data_s  gradients and weights over replicas
    input_s      waiting for data;  overhead_s  loss, clipping, logging;  stragglers_s  waiting for the slowest
    """

    compute_s: float
    attention_s: float
    tensor_s: float
    context_s: float
    expert_s: float
    pipeline_s: float
    bubble_s: float
    data_s: float
    optimizer_s: float
    input_s: float
    overhead_s: float
    stragglers_s: float


@dataclass(frozen=True)
class TrainingRun:
    """A whole run, with failures and checkpoints.

    tokens_count        or samples, where there are no tokens
    goodput_fraction    time without failures and checkpoints over all of it
    interruptions_count   to expect
    checkpoint_interval_s   between two; None where none is needed, because next to nothing is lost without
    checkpoint_s, checkpoint_bytes   of one, and its size
    cost_eur, hire_eur, capital_eur   as of a step; None where they are not known
    """

    tokens_count: float
    steps_count: int
    run_s: float
    run_low_s: float
    run_high_s: float
    goodput_fraction: float
    interruptions_count: float
    checkpoint_interval_s: float | None
    checkpoint_s: float
    checkpoint_bytes: float
    energy_j: float
    cost_eur: float | None
    hire_eur: float | None
    capital_eur: float | None

    @property
    def low(self) -> float:
        """The low end of `run_s` [s]."""
        return self.run_low_s

    @property
    def high(self) -> float:
        """The high end of `run_s` [s]."""
        return self.run_high_s


@dataclass(frozen=True, eq=False, repr=False)
class TrainingResult(Result):
    """A predicted step of a training, see docs/formats/predict.md.

    step_low_s, step_high_s   of its 90 % interval: nine of ten published steps of its class lie between
    class_name      how much is known of the step, in words such as "software not graded"; key "class" of the document
    mfu_fraction    model flops over the dense peak of the precision; hfu_fraction counts what was recomputed too
    memory_bytes    what the fullest GPU holds, with the ends of its own interval
    trained_parameters_count   all of them, or those of the adapters
    gpu_power_w, node_power_w   means of a GPU, and of a node with its fans, all of whose GPUs do this
    job_power_w     mean of the job's GPUs with their share of nodes, network, storage and management
    rest_power_w    what idle GPUs of its last node draw, which nobody is charged;  node_gpus_count  GPUs of a node
    energy_j        of a step of the job, before the hall
    cost_eur        electricity of a step; None without a site;  hire_eur  None without a price of a GPU-hour
    capital_eur     share of the machine's own price over five years; None where its file has none
    run             None where no number of tokens was given
    """

    machine: str
    model: str
    parameters_count: int
    gpus_count: int
    global_batch_count: int
    sequence_tokens_count: int | None
    step_s: float
    step_low_s: float
    step_high_s: float
    class_name: str
    samples_per_s: float
    tokens_per_s: float | None
    mfu_fraction: float
    hfu_fraction: float
    memory_bytes: float
    memory_low_bytes: float
    memory_high_bytes: float
    memory: GpuMemory
    fits: bool
    breakdown: StepBreakdown
    gpu_power_w: float
    node_power_w: float
    job_power_w: float
    energy_j: float
    pue_ratio: float | None
    cost_eur: float | None
    hire_eur: float | None
    capital_eur: float | None
    strategy: TrainingSplit
    software: str
    run: TrainingRun | None = None
    trained_parameters_count: int = 0
    rest_power_w: float = unprinted(0.0)
    node_gpus_count: int = unprinted(0)
    machine_title: str = unprinted("")
    model_title: str = unprinted("")
    software_title: str = unprinted("")
    gpu_memory_bytes: float = unprinted(0.0)

    @property
    def value(self) -> float:
        """The step [s]."""
        return self.step_s

    @property
    def low(self) -> float:
        """The low end of the step [s]."""
        return self.step_low_s

    @property
    def high(self) -> float:
        """The high end of the step [s]."""
        return self.step_high_s

    def to_dict(self) -> dict[str, Json]:
        """As `terp predict MACHINE train --json` prints it; `run` only where there is one."""
        document = super().to_dict()
        run = document.pop("run")
        return document if run is None else {**document, "run": run}


@dataclass(frozen=True)
class FrontierEntry:
    """The best split that a search found on a number of nodes.

    step_s, samples_per_s, tokens_per_s   of a step and the rates per second; tokens None where the model has none
    memory_bytes             of the fullest GPU;  gpu_power_w  mean of a GPU
    energy_j, cost_eur, hire_eur   of a step of the whole job, as in `TrainingResult`; None where not known
    run                      the whole run; None where no number of tokens was given
    """

    gpus_count: int
    step_s: float
    samples_per_s: float
    tokens_per_s: float | None
    mfu_fraction: float
    memory_bytes: float
    gpu_power_w: float
    energy_j: float
    cost_eur: float | None
    hire_eur: float | None
    strategy: TrainingSplit
    nodes_count: int
    run: TrainingRun | None = None

    @property
    def time_s(self) -> float:
        """The whole run [s] where there is one, else a step."""
        return self.step_s if self.run is None else self.run.run_s

    @property
    def gpu_time_s(self) -> float:
        """GPU time of the run, or of a step [s]: what is paid for."""
        return self.time_s * self.gpus_count


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult(Result):
    """The best splits of a training on every number of nodes, the best first.

    evaluated_count   splits that were looked at;  fitting_count  that fit the memory
    by                what is best: "time", "energy" or "euros"
    knee_gpus_count   GPUs of the knee (`knee`)

    machine_title, model_title, global_batch_count   for people; no part of the document
    most_gpus_count   the most GPUs that were looked at, for people; 0 where that is not known
    """

    evaluated_count: int
    fitting_count: int
    frontier: tuple[FrontierEntry, ...]
    knee_gpus_count: int = 0
    by: str = unprinted("time")
    machine_title: str = unprinted("")
    model_title: str = unprinted("")
    global_batch_count: int = unprinted(0)
    most_gpus_count: int = unprinted(0)

    @property
    def best(self) -> FrontierEntry:
        """The first of the frontier."""
        return self.frontier[0]

    @property
    def knee(self) -> FrontierEntry:
        """Where more GPUs stop paying: the entry of least GPU time multiplied by time.

        There one per cent more GPU time buys one per cent less time; beyond it, it buys less.
        """
        return next(entry for entry in self.frontier if entry.gpus_count == self.knee_gpus_count)

    @property
    def knee_is_reached(self) -> bool:
        """Whether more GPUs than the knee's were looked at; if not, more may pay."""
        largest = max(self.most_gpus_count, *(entry.gpus_count for entry in self.frontier))
        return self.knee_gpus_count < largest

    @property
    def table(self) -> Table:
        """The frontier as a table, a row an entry, the split's options beside its figures."""
        return table_of([self._row(entry) for entry in self.frontier])

    def to_dict(self) -> dict[str, Json]:
        """As `terp predict MACHINE train --search --json` prints it."""
        document = super().to_dict()
        entries: list[Json] = [_without_run(entry) for entry in self.frontier]
        counts = {name: document[name] for name in ("evaluated_count", "fitting_count", "knee_gpus_count")}
        return {**counts, "frontier": entries, **({"caveats": self.sentences()} if self.caveats else {})}

    def __len__(self) -> int:
        return len(self.frontier)

    def __iter__(self) -> Iterator[FrontierEntry]:
        return iter(self.frontier)

    @staticmethod
    def _row(entry: FrontierEntry) -> dict[str, object]:
        """An entry as a flat row: its own figures, then the split's fields."""
        split = {name: value for name, value in asdict(entry.strategy).items() if name != "gpus_count"}
        run = (
            {}
            if entry.run is None
            else {f"run_{name.removeprefix('run_')}": value for name, value in vars(entry.run).items()}
        )
        own = {name: value for name, value in vars(entry).items() if name not in ("strategy", "run")}
        return {**own, **run, **split}


def _without_run(entry: FrontierEntry) -> Json:
    """An entry's document, its run only where there is one."""
    document = as_json(entry)
    assert isinstance(document, dict)
    return {name: value for name, value in document.items() if name != "run" or value is not None}


def knee_of(frontier: tuple[FrontierEntry, ...]) -> int:
    """GPUs of the knee of a frontier: of the entry of least GPU time times time, the smaller of two alike.

    min n T^2 over entries of n GPUs and time T, which is GPU time n T times time T.  Where T goes as n^-e it is least at
    e = 1/2: there doubling the GPUs takes 29 % off the time; below the knee it takes more, beyond it less.
    """
    return min(frontier, key=lambda entry: (entry.gpu_time_s * entry.time_s, entry.gpus_count)).gpus_count
