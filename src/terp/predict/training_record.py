"""A step of a training as a record: its rates with the wait for data, power, money, the whole run, and what is not known.

Physics gives a step in seconds and watts on bare GPUs; here it becomes what people ask for, in the fields of
`terp.results.training_results`.  No constant that is fitted stands here.
"""

from __future__ import annotations

import math
from typing import Final, TypedDict

import numpy as np

from terp.catalogue import sources_named
from terp.catalogue.read.constants import constants
from terp.describe import ModelFile
from terp.hardware import Machine
from terp.notes import Caveat, SourceNote
from terp.physics.gpu.architectures import architecture_of, is_measured
from terp.physics.gpu.precisions import peak_flop_per_s
from terp.physics.intervals import Interval
from terp.physics.training.checkpoint import checkpoint_bytes, checkpoint_write_s
from terp.physics.training.goodput import run_with_failures
from terp.physics.training.memory import MemoryConstants
from terp.physics.training.stage import Recompute, StageConstants
from terp.physics.training.step_prediction import TrainingStep
from terp.physics.training.strategy import Strategy
from terp.physics.training.training_power import StepPower, step_power
from terp.physics.uncertainty import StepClass, likely_step, step_class, step_intervals
from terp.predict.site_rates import site_rates
from terp.predict.training_job import TrainingJob, TrainingOptions
from terp.reader import Written
from terp.results.training_results import GpuMemory, StepBreakdown, TrainingResult, TrainingRun, TrainingSplit
from terp.units import HOUR_S, YEAR_S

LIFE_S: Final = 5 * YEAR_S
"""Over which a machine's price is spread: assumed, 4 to 7 years."""
FEW_ROWS: Final = ("fp4", "fp8-block")
"""Precisions in which few published steps were there to fit to."""


class Spending(TypedDict):
    """What a step or a run costs [EUR]; None where it is not known.

    cost_eur      electricity at the meter
    hire_eur      GPU-hours at the price that the caller gives
    capital_eur   share of the machine's own price over its life of five years
    """

    cost_eur: float | None
    hire_eur: float | None
    capital_eur: float | None


def training_result(
    machine: Machine, job: TrainingJob, step: TrainingStep, options: TrainingOptions, sources: tuple[SourceNote, ...] = ()
) -> TrainingResult:
    """The result of a step: rates over its time with the wait for data, its power and money, and the run if asked for.

    machine   a built machine; job  what trains on it; step  its predicted step
    options   tokens of the whole run, and a price per GPU-hour, where they are given
    sources   citations of the values that it rests on

    MFU is the model's flops over time and peak in the step's precision; HFU counts those that are computed again besides.
    With adapters two thirds of the flops are done: frozen weights have no gradient.
    """
    wait_s = _input_wait_s(machine, job, step)
    power, step_s, known = step_power(machine, step), step.step_s + wait_s, class_of_step(machine, job, step)
    likely, tokens = likely_step(machine.accelerator, known), options.tokens_count
    flop = job.work.flop * job.batch_count * (2 / 3 if step.strategy.adapters else 1.0)
    peak = peak_flop_per_s(machine.accelerator, step.strategy.precision)
    mfu = flop / step_s / (peak * step.strategy.gpus_count)
    rates = site_rates(machine)
    money = _money(machine, power, step.strategy.gpus_count, step_s, options.gpu_hour_eur)
    return TrainingResult(
        machine=machine.file.name,
        model=job.model.name,
        parameters_count=job.work.parameters_count,
        gpus_count=step.strategy.gpus_count,
        global_batch_count=job.batch_count,
        sequence_tokens_count=job.work.tokens_count or None,
        step_s=step_s,
        step_low_s=step_s * likely.low_ratio,
        step_high_s=step_s * likely.high_ratio,
        class_name=known.name,
        samples_per_s=job.batch_count / step_s,
        tokens_per_s=job.batch_count * job.work.tokens_count / step_s if job.work.tokens_count else None,
        mfu_fraction=mfu,
        hfu_fraction=mfu * (1 + _recomputed(job, step.strategy.recompute or Recompute())),
        memory_bytes=float(step.memory.total_bytes),
        **_memory_ends(step, known),
        memory=GpuMemory(**{name: float(held) for name, held in vars(step.memory).items()}),
        fits=step.fits,
        trained_parameters_count=round(job.work.parameters_count * step.column.trained_fraction),
        breakdown=breakdown_of(step, wait_s),
        gpu_power_w=power.gpu_w,
        node_power_w=power.node_w,
        job_power_w=power.job_w,
        energy_j=power.job_w * step_s,
        pue_ratio=rates.pue_ratio if rates else None,
        **money,
        strategy=split_of(step.strategy),
        software=job.software,
        run=None if tokens is None else _run(machine, job, step, power, step_s, tokens, money, likely),
        machine_title=machine.file.title,
        model_title=job.model.title,
        software_title=job.generation.title,
        gpu_memory_bytes=machine.accelerator.memory_bytes,
        rest_power_w=power.rest_w,
        node_gpus_count=machine.node.accelerators_count,
        caveats=_caveats(machine, job, step, power),
        sources=sources,
    )


def _recomputed(job: TrainingJob, recompute: Recompute) -> float:
    """Flops that are done twice over those of the model [-].

    recompute   share of layers that run forward twice, and whether attention alone does
    """
    work = job.work
    attention = sum(layer.count * part.flop for layer in work.layers for part in layer.attention) / work.flop
    whole = recompute.layers_fraction * job.generation.again_fraction * (work.flop / 3 - work.head.flop) / work.flop
    some = constants(StageConstants).products_again_fraction * recompute.operations
    return (
        whole + recompute.attention * attention + some * (work.flop / 3 - work.head.flop - attention * work.flop) / work.flop
    )


def _input_wait_s(machine: Machine, job: TrainingJob, step: TrainingStep) -> float:
    """What reading a batch takes beyond a step, at the rate of the machine's storage for this job alone [s].

    0 where the machine's storage rate is not known, and where reading hides behind the step before.
    """
    rate = machine.storage.read_bytes_per_s
    return max(job.work.input_bytes * job.batch_count / rate - step.step_s, 0.0) if rate else 0.0


class MemoryEnds(TypedDict):
    """Ends of the 90 % interval of what the fullest GPU holds [B]."""

    memory_low_bytes: float
    memory_high_bytes: float


def _memory_ends(step: TrainingStep, known: StepClass) -> MemoryEnds:
    """The interval of a step's memory, by what is known of it."""
    held, ends = float(step.memory.total_bytes), step_intervals().of_memory(known)
    return {"memory_low_bytes": held * ends.low_ratio, "memory_high_bytes": held * ends.high_ratio}


def class_of_step(machine: Machine, job: TrainingJob, step: TrainingStep) -> StepClass:
    """How much is known of a step: which of chip, software, recipe and scale stand in rows that constants were fitted to."""
    chip, architecture = machine.node.accelerator, machine.accelerator.architecture
    return step_class(step_intervals(), chip, architecture, job.software, step.strategy, job.work)


def breakdown_of(step: TrainingStep, wait_s: float = 0.0) -> StepBreakdown:
    """Where a step's time goes, by kind [s]; exchanges are what of them does not hide behind work.

    wait_s   for data, beyond the step

    The kinds add up to the step with its wait.  What the layers take is scaled to the slowest stage of the pipeline.
    """
    column, time = step.column, step.time
    scale = float(time.layers_s) / max(column.layers_s, 1e-12)
    exposed = {"tensor_s": column.tensor_s, "context_s": column.context_s, "expert_s": column.expert_s}
    parts_s = {key: value * scale for key, value in exposed.items()}
    exposed_s = sum(parts_s.values())
    attention_s = min(column.attention_s * scale, float(time.layers_s) - exposed_s)
    return StepBreakdown(
        compute_s=float(time.layers_s) - exposed_s - attention_s + float(time.head_s),
        attention_s=attention_s,
        **parts_s,
        pipeline_s=float(time.pipe_s),
        bubble_s=float(time.bubble_s),
        data_s=float(time.data_s),
        optimizer_s=float(time.optimizer_s),
        input_s=wait_s,
        overhead_s=float(time.overhead_s),
        stragglers_s=float(time.straggle_s),
    )


def _money(machine: Machine, power: StepPower, gpus_count: int, time_s: float, hire_eur: float | None) -> Spending:
    """Electricity at the site's mean price and losses, hire by the hour, and the share of the machine's own price.

    gpus_count   of the job;  time_s  of a step or a run [s];  hire_eur  price of a GPU and hour
    """
    energy_j, gpu_s = power.job_w * time_s, time_s * gpus_count
    own, rates = machine.file.cost_eur, site_rates(machine)
    return {
        "cost_eur": energy_j * rates.pue_ratio * rates.energy_eur_per_j if rates else None,
        "hire_eur": gpu_s / HOUR_S * hire_eur if hire_eur is not None else None,
        "capital_eur": own * gpu_s / (machine.gpus_count * LIFE_S) if own else None,
    }


def _run(
    machine: Machine, job: TrainingJob, step: TrainingStep, power: StepPower, step_s: float, tokens: int, money: Spending,
    likely: Interval,
) -> TrainingRun:  # fmt: skip
    """The whole run on so many tokens, or samples where there are no tokens, with failures and checkpoints.

    step_s   of a step with its wait for data;  money  of a step;  likely  ends of its interval

    Time, energy and euros are those of all steps over the share of time that does work: failures cost power too.
    """
    steps = int(np.ceil(tokens / (job.batch_count * (job.work.tokens_count or 1))))
    nodes = -(-step.strategy.gpus_count // machine.node.accelerators_count)
    recipe = (step.strategy.optimizer, step.column.trained_fraction, step.strategy.states)
    written = checkpoint_bytes(job.work.parameters_count, *recipe)
    write_s = checkpoint_write_s(written, nodes, machine.storage.write_bytes_per_s)
    failures_per_s = nodes * machine.reliability.node_failures_per_s
    done = run_with_failures(steps * step_s, failures_per_s, write_s)
    times = done.run_s / step_s
    eur = {name: None if value is None else value * times for name, value in _amounts(money).items()}
    return TrainingRun(
        tokens_count=float(tokens),
        steps_count=steps,
        run_s=done.run_s,
        run_low_s=done.run_s * likely.low_ratio,
        run_high_s=done.run_s * likely.high_ratio,
        goodput_fraction=done.good_fraction,
        interruptions_count=done.interruptions_count,
        checkpoint_interval_s=None if math.isinf(done.interval_s) else done.interval_s,
        checkpoint_s=done.write_s,
        checkpoint_bytes=written,
        energy_j=power.job_w * done.run_s,
        cost_eur=eur["cost_eur"],
        hire_eur=eur["hire_eur"],
        capital_eur=eur["capital_eur"],
    )


def _amounts(money: Spending) -> dict[str, float | None]:
    """The three amounts by name, for code that treats them alike [EUR]."""
    return {"cost_eur": money["cost_eur"], "hire_eur": money["hire_eur"], "capital_eur": money["capital_eur"]}


def split_of(strategy: Strategy) -> TrainingSplit:
    """A strategy by the names of its options.

    Names and counts are those of the call's keywords, so that a result can be asked for again.
    """
    recompute = strategy.recompute or Recompute()
    part = "selective" if recompute.attention else "ops" if recompute.operations else "none"
    return TrainingSplit(
        gpus_count=strategy.gpus_count,
        tp_count=strategy.tensor_count,
        pp_count=strategy.pipeline_count,
        vp_count=strategy.interleave_count,
        cp_count=strategy.context_count,
        ep_count=strategy.expert_count,
        dp_count=strategy.replicas_count,
        micro_batch_count=strategy.micro_batch_count,
        zero_count=strategy.zero_count,
        shard_count=strategy.shard_count,
        sequence_parallel=strategy.sequence_parallel,
        recompute="full" if recompute.layers_fraction else part,
        recomputed_fraction=recompute.layers_fraction,
        precision=strategy.precision,
        optimizer=strategy.optimizer,
        adapters=strategy.adapters,
        rank_count=strategy.rank_count,
        base=strategy.base,
        states=strategy.states,
        tp_overlap=strategy.tensor_overlap,
        dp_overlap=strategy.data_overlap,
        cp_kind=strategy.context_kind,
        etp_count=strategy.expert_tensor_count,
        dispatcher=strategy.dispatcher,
        gradients={None: None, 2.0: "bf16", 4.0: "fp32"}[strategy.gradient_bytes],
    )


def _caveats(machine: Machine, job: TrainingJob, step: TrainingStep, power: StepPower) -> tuple[Caveat, ...]:
    """What is not known to be true of a step here.

    Codes with their values; the sentences are made in `views`.
    """
    caveats = [*job.model.caveats]
    if not is_measured(machine.accelerator, "steps"):
        caveats.append(Caveat("architecture-not-measured", {"gpu": machine.accelerator.title}))
    caveats += architecture_of(machine.accelerator).caveats("training")
    if job.work.tokens_count == 0:
        caveats.append(Caveat("host-not-modelled"))
    strategy = step.strategy
    if strategy.precision in FEW_ROWS:
        caveats.append(Caveat("few-rows-of-precision", {"precision": strategy.precision}))
    if strategy.adapters:
        caveats.append(Caveat("adapters-of-one-model"))
    if strategy.states != "mixed" or strategy.base != "bf16" or strategy.rank_count is not None:
        caveats.append(Caveat("recipe-not-graded"))
    used = float(step.memory.total_bytes) / (constants(MemoryConstants).binary_ratio * machine.accelerator.memory_bytes)
    if step.fits and used > constants(MemoryConstants).near_fraction:
        caveats.append(Caveat("memory-nearly-full", {"used_fraction": used}))
    if power.rest_w:
        gpus, each = strategy.gpus_count, machine.node.accelerators_count
        caveats.append(Caveat("part-of-a-node", {"idle_count": -gpus % each, "each_count": each, "rest_w": power.rest_w}))
    return tuple(caveats)


def sources_of(machine: Machine, model: Written[ModelFile]) -> tuple[SourceNote, ...]:
    """Citations of the machine's and the model's values.

    model   with the sourcing of its file's values
    """
    return sources_named({note.key for note in machine.sources} | {entry.source for entry in model.provenance.values()})
