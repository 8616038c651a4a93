"""A training on a machine: what is asked for, whether it can be, and its step.  Everything that trains goes through here.

The verb of the terminal, the call from Python, a workload's `runs`, and the rates of a purchase all make a `TrainingJob` and
ask it for its step, so that one training has one answer.  The order is always the same: options are checked as a file is,
a job is made of them (`job_of`, `job_of_runs`), its split is checked against model and machine (`misfits_on`), and the
step is predicted and must fit the memory (`step_that_fits`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from pydantic import Field, field_validator

from terp.catalogue import Accelerator, Node, read_catalogue
from terp.describe import DescriptionSource, ModelFile, Runs, TransformerModel, Workload, read_model
from terp.errors import Problem, Problems, UnknownName
from terp.hardware import Machine
from terp.physics.fabric.collectives import Interconnect, interconnect_between, interconnect_of
from terp.physics.gpu.precisions import half_precision
from terp.physics.neural.families import work_of
from terp.physics.neural.work import Work
from terp.physics.training.software import Generation, generation_named
from terp.physics.training.stage import RECOMPUTE, Recompute
from terp.physics.training.step_prediction import TrainingStep, predict_step
from terp.physics.training.strategy import Strategy, misfits_of_precision, misfits_of_strategy
from terp.physics.training.strategy_search import Range, SearchedSplits, search
from terp.reader import Record, Written
from terp.reader.fields import sequence_tokens
from terp.units import show

LANGUAGE_SOFTWARE: Final = "megatron-2024"
OTHER_SOFTWARE: Final = "eager"
"""Of transformers, and of convolutions, operators and graphs, where none is asked for."""
By = Literal["time", "energy", "euros"]
BY: Final = ("time", "energy", "euros")
"""What the best split is best by."""
ModelSource = DescriptionSource | ModelFile | Written[ModelFile]
"""What names a model: a shipped name, a path, a hub's config.json, a mapping, or one that is read already."""
MOST_MICRO_BATCH: Final = 11
"""Powers of two that are tried for a micro-batch that is not given."""


class TrainingOptions(Record):
    """The options of a training, by the words of the terminal and of a workload's `runs`; None where one is not given.

    seq_count            tokens of a sequence; not for models of images and volumes
    global_batch_count   samples of a step, over all replicas
    gpus_count           of the job; all of the machine if absent; of a search, at most so many
    micro_batch_count    the fastest that fits if absent
    tokens_count         of the whole run, or samples where there are no tokens
    gpu_hour_eur         price of a GPU and hour

    tp_count, pp_count, vp_count, cp_count, ep_count   tensor, pipeline, interleaved, context and expert parallelism
    zero_count           0 shards nothing, 1 the optimizer's state, 2 gradients too, 3 weights too
    shard_count          GPUs that share the shards; all replicas if absent
    recompute            activations that the backward computes again; as few layers as fit if absent
    adapters             trains low-rank adapters on frozen weights (LoRA)
    rank_count           inner size of the adapters, which it asks for too; the usual share of parameters if absent
    base                 format of the frozen weights under adapters: "bf16", or "nf4", which is QLoRA
    states               what the optimizer keeps: "mixed" in 32 bits with master weights, or "bf16" all in 16 bits
    tp_overlap           whether exchanges of tensor parallelism hide behind products; as the software does it if absent
    dp_overlap           whether exchanges of gradients and weights do; as the software does it if absent
    cp_kind              how context parallelism exchanges: "ring", or "heads" (Ulysses)
    etp_count            GPUs that share each expert; the usual if absent
    dispatcher           "all-to-all", "deepep" or "hybridep"; as the software does it if absent
    gradients            in which gradients are kept, "bf16" or "fp32"; as the software does it if absent
    recompute_every_count   recomputes every so-many-th layer whole, in place of `recompute`
    software             a generation of the training software; the usual one of the model if absent
    """

    seq_count: int | None = Field(default=None, ge=1, le=10**8)
    global_batch_count: int = Field(le=10**9)
    gpus_count: int | None = Field(default=None, le=10**8)
    tp_count: int | None = Field(default=None, le=10**6)
    pp_count: int | None = Field(default=None, le=10**6)
    vp_count: int | None = Field(default=None, le=10**6)
    cp_count: int | None = Field(default=None, le=10**6)
    ep_count: int | None = Field(default=None, le=10**6)
    micro_batch_count: int | None = Field(default=None, le=10**6)
    zero_count: int | None = Field(default=None, ge=0, le=3)
    shard_count: int | None = Field(default=None, ge=1, le=10**6)
    recompute: Literal["none", "selective", "ops", "full"] | None = None
    recompute_every_count: int | None = Field(default=None, ge=1, le=10**6)
    sequence_parallel: bool = True
    tp_overlap: bool | None = None
    dp_overlap: bool | None = None
    cp_kind: str = "ring"
    etp_count: int | None = Field(default=None, le=10**6)
    dispatcher: str | None = None
    adapters: bool = False
    rank_count: int | None = Field(default=None, le=100_000)
    base: str = "bf16"
    states: str = "mixed"
    gradients: Literal["bf16", "fp32"] | None = None
    optimizer: str = "adamw"
    precision: str = "bf16"
    software: str | None = None
    tokens_count: int | None = Field(default=None, ge=1, le=10**18)
    gpu_hour_eur: float | None = Field(default=None, ge=0, le=1e6)

    @field_validator("seq_count", mode="before")
    @classmethod
    def _tokens(cls, value: object) -> object:
        """Tokens of a sequence as people write them: "8k" is 8,192."""
        return sequence_tokens(value)

    def strategy(self, gpus_most: int) -> Strategy:
        """The split of these options, on all of so many GPUs if they name no number; 1 for a split that is not given.

        Whether the parts divide the GPUs, the layers and the batch is checked later, with the model and the machine at hand.
        """
        return Strategy(
            gpus_count=gpus_most if self.gpus_count is None else self.gpus_count,
            micro_batch_count=_or_one(self.micro_batch_count),
            tensor_count=_or_one(self.tp_count),
            pipeline_count=_or_one(self.pp_count),
            interleave_count=_or_one(self.vp_count),
            context_count=_or_one(self.cp_count),
            expert_count=_or_one(self.ep_count),
            sequence_parallel=self.sequence_parallel,
            zero_count=1 if self.zero_count is None else self.zero_count,
            shard_count=self.shard_count,
            recompute=self.recomputed(),
            precision=self.precision,
            adapters=self.adapters,
            optimizer=self.optimizer,
            rank_count=self.rank_count,
            base=self.base,
            states=self.states,
            tensor_overlap=self.tp_overlap,
            data_overlap=self.dp_overlap,
            context_kind=self.cp_kind,
            expert_tensor_count=self.etp_count,
            dispatcher=self.dispatcher,
            gradient_bytes={None: None, "bf16": 2.0, "fp32": 4.0}[self.gradients],
        )

    def recomputed(self) -> Recompute | None:
        """What is computed again; None for as few layers as fit.

        Every so-many-th layer, where that is given, goes before a kind.
        """
        if self.recompute_every_count is not None:
            return Recompute(1 / self.recompute_every_count)
        return RECOMPUTE[self.recompute] if self.recompute else None


def _or_one(count: int | None) -> int:
    """The count, or 1 where none is given."""
    return 1 if count is None else count


@dataclass(frozen=True)
class TrainingJob:
    """A model on its samples, a software, a split and a batch: a training that is asked for, on whatever machine.

    software      name of `generation`
    batch_count   samples of a step

    model         the description of the network;  work  its GEMM, attention and bytes for one sample
    generation    constants of the software
    strategy      how the work is split over GPUs
    """

    model: ModelFile
    work: Work
    software: str
    generation: Generation
    strategy: Strategy
    batch_count: int

    def step(self, chip: Accelerator, net: Interconnect) -> TrainingStep:
        """The predicted step; in 16 bits on a chip that does not have the precision asked for.

        chip   the GPU;  net  what collectives see of its machine

        Whether the split divides and fits is not checked here; `step.fits` says the second.
        """
        has = not misfits_of_precision(chip, self.strategy.precision)
        strategy = self.strategy if has else replace(self.strategy, precision=half_precision(chip))
        return predict_step(chip, net, self.work, strategy, self.batch_count, self.generation)

    def step_on(self, name: str) -> TrainingStep:
        """The step on as many GPUs of a node of the catalogue, on a fabric that loses nothing.

        Whether the split fits their memory is not asked.  Raises UnknownName.

        name   of a node of the catalogue, such as "dgx-h100"
        """
        node = read_catalogue().part(Node, name)
        chip = read_catalogue().part(Accelerator, node.accelerator)
        port_bytes_per_s = node.compute_ports_count * node.compute_port_rate_bytes_per_s / node.accelerators_count
        switched = node.link_switches_count > 0
        return self.step(chip, interconnect_between(chip, node.link_domain_count, port_bytes_per_s, switched=switched))

    def misfits_on(self, machine: Machine) -> list[Problem]:
        """All that keeps its split from dividing the model, the batch and the machine.

        Every problem, each by the option that could be changed and with a value that would do; empty if it can run.
        """
        return misfits_of_strategy(
            machine.accelerator, self.model, self.work, self.strategy, self.batch_count, machine.gpus_count
        )


def job_of(model: ModelFile, options: TrainingOptions, machine: Machine) -> TrainingJob:
    """The training of a call's options on a machine, with the software that is usual for the model if none is named.

    Raises Problems for a sequence that is missing or means nothing, with those of the precision; or UnknownName.

    model     the description of the network
    options   checked; gpus_count, if absent, becomes all GPUs of the machine

    A model without a vocabulary (images, volumes, grids) has samples of its own size, and no sequence.
    """
    if options.software is not None:
        generation_named(options.software)
    own_size = getattr(model, "vocabulary_size", 0) == 0
    problems = []
    if not own_size and options.seq_count is None:
        problems.append(Problem("", 0, 0, "seq", "missing", would_do="write the tokens of a sequence, such as --seq 8192"))
    if own_size and options.seq_count is not None:
        wrong = f"{model.title} has samples of its own size"
        problems.append(Problem("", 0, 0, "seq", wrong, str(options.seq_count), "leave it away"))
    if problems:
        raise Problems([*problems, *misfits_of_precision(machine.accelerator, options.precision)])
    software = options.software or (LANGUAGE_SOFTWARE if isinstance(model, TransformerModel) else OTHER_SOFTWARE)
    strategy = options.strategy(machine.gpus_count)
    work = work_of(model, options.seq_count or 0)
    return TrainingJob(model, work, software, generation_named(software), strategy, options.global_batch_count)


def job_of_runs(runs: Runs, gpus_most: int) -> TrainingJob:
    """The training of a workload's `runs`, on all of so many GPUs if it names no number.

    Raises UnknownName for a model or a software that is not there.

    runs   what a job of a workload file runs; its software is always named
    """
    options = TrainingOptions.model_validate(runs.model_dump(exclude={"model"}, exclude_none=True))
    model = read_model(runs.model).record
    generation, strategy = generation_named(runs.software), options.strategy(gpus_most)
    return TrainingJob(
        model, work_of(model, runs.seq_count or 0), runs.software, generation, strategy, runs.global_batch_count
    )


def runs_on(machine: Machine, runs: Runs) -> tuple[TrainingJob, TrainingStep]:
    """The training of a workload's `runs` and its step on a machine.  Raises Problems, by the keys of `runs`.

    machine   a built machine
    runs      what a job of a workload file runs; on all GPUs of the machine if it names no number

    The problems point at the keys of `runs`, so that the reader of the workload file finds the line (`placed`).
    """
    try:
        generation_named(runs.software)
    except UnknownName as error:
        raise Problems([Problem("", 0, 0, "software", str(error))]) from None
    job = job_of_runs(runs, machine.gpus_count)
    remedy = f"a split that `terp predict {machine.file.name} train --search` finds would do"
    return job, step_that_fits(machine, job, lambda: remedy)


def step_that_fits(machine: Machine, job: TrainingJob, remedy: Callable[[], str]) -> TrainingStep:
    """The step of a training on a machine.

    remedy   what would do if it does not fit the memory

    Raises Problems for a split that does not divide, or does not fit.

    The remedy is made only when it is needed, because it may take a search.
    """
    problems = job.misfits_on(machine)
    if problems:
        raise Problems(problems)
    step = job.step(machine.accelerator, interconnect_of(machine))
    if not step.fits:
        held, room = (show(size, "bytes", 3) for size in (float(step.memory.total_bytes), machine.accelerator.memory_bytes))
        raise Problems([Problem("", 0, 0, "", f"does not fit: {held} on a GPU of {room}", would_do=remedy())])
    return step


def with_micro_batch(machine: Machine, job: TrainingJob) -> TrainingJob:
    """The training with the micro-batch that is fastest of the powers of two that divide and fit; with 1 if none does.

    A larger micro-batch fills the GPU better and makes more of a bubble in the pipeline, so the fastest lies between;
    memory only grows, which is why the first that does not fit ends the trying.
    """
    net, fastest, least_s = interconnect_of(machine), job, float("inf")
    for power in range(MOST_MICRO_BATCH):
        tried = replace(job, strategy=replace(job.strategy, micro_batch_count=2**power))
        if tried.misfits_on(machine):
            break
        step = tried.step(machine.accelerator, net)
        if not step.fits:
            break
        if step.step_s < least_s:
            fastest, least_s = tried, step.step_s
    return fastest


def not_positive(job: TrainingJob) -> list[Problem]:
    """Counts of a training that are below one; what else keeps a split from working, a search steps over.

    Empty if all are at least 1.
    """
    split = job.strategy
    counts = {
        "gpus": split.gpus_count,
        "micro_batch": split.micro_batch_count,
        "tp": split.tensor_count,
        "pp": split.pipeline_count,
        "vp": split.interleave_count,
        "cp": split.context_count,
        "ep": split.expert_count,
        "global_batch": job.batch_count,
    }
    wrong, would_do = "not a positive number", "at least 1 would do"
    return [Problem("", 0, 0, name, wrong, f"{count:g}", would_do) for name, count in counts.items() if count < 1]


def splits_up_to(
    machine: Machine, job: TrainingJob, held: Mapping[str, tuple[object, ...]], gpus_most: int, by: By = "time"
) -> SearchedSplits:
    """Searches splits up to so many GPUs.  Raises Problems for a precision or a number of GPUs that the machine has not.

    held        field of `Range` -> the values that it is held to; {} searches everything
    gpus_most   at most so many GPUs
    by          "time", "energy" or "euros": what the best is best by
    """
    problems = [*not_positive(job), *misfits_of_precision(machine.accelerator, job.strategy.precision)]
    if gpus_most > machine.gpus_count:
        would_do = f"1 to {machine.gpus_count} would do"
        problems.append(Problem("", 0, 0, "gpus", "not on this machine", str(gpus_most), would_do))
    if problems:
        raise Problems(problems)
    node, base = machine.node.accelerators_count, job.strategy
    wide = Range(gpus_most, node, job.batch_count, base, by=by, **held)  # type: ignore[arg-type]
    return search(machine.accelerator, interconnect_of(machine), job.model, job.work, wide, job.generation)


def placed(workload: Written[Workload], path: tuple[str, ...], problem: Problem) -> Problem:
    """A problem of an option, at the key of a workload file that says the same.

    path   of the job's `runs` in the workload file
    """
    key = problem.path.removeprefix("--").replace("-", "_")
    would_do = re.sub(r"--([a-z]+)", r"\1", problem.would_do) if key else problem.would_do
    return workload.tree.problem((*path, key) if key else path, problem.wrong, problem.found, would_do)
