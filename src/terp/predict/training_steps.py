"""`terp.predict.training`: a step of a model on a machine, and its run.

Below it, `training_job` says what is asked for and `training_record` what comes out; here is the call alone, with its
keywords, and the search for a split that would do where the one asked for does not fit.
"""

from __future__ import annotations

from terp.connect import model_from
from terp.describe import DescriptionSource
from terp.errors import Problems
from terp.hardware import Machine, machine_from
from terp.predict.call_options import checked_options, euros, keyword_problems, whole
from terp.predict.training_job import (
    ModelSource,
    TrainingJob,
    TrainingOptions,
    job_of,
    splits_up_to,
    step_that_fits,
    with_micro_batch,
)
from terp.predict.training_record import sources_of, split_of, training_result
from terp.results.training_results import TrainingResult


def training(
    machine: Machine | DescriptionSource,
    model: ModelSource,
    *,
    global_batch: int | str,
    seq: int | str | None = None,
    gpus: int | str | None = None,
    tp: int | str | None = None,
    pp: int | str | None = None,
    vp: int | str | None = None,
    cp: int | str | None = None,
    ep: int | str | None = None,
    micro_batch: int | str | None = None,
    zero: int | str | None = None,
    shard: int | str | None = None,
    recompute: str | None = None,
    recompute_every: int | str | None = None,
    sequence_parallel: bool = True,
    tp_overlap: bool | None = None,
    dp_overlap: bool | None = None,
    cp_kind: str = "ring",
    etp: int | str | None = None,
    dispatcher: str | None = None,
    adapters: bool = False,
    lora: bool = False,
    rank: int | str | None = None,
    base: str = "bf16",
    states: str = "mixed",
    gradients: str | None = None,
    optimizer: str = "adamw",
    precision: str = "bf16",
    software: str | None = None,
    tokens: float | str | None = None,
    gpu_hour: float | str | None = None,
) -> TrainingResult:
    """A training step of a model on a machine: time with its interval, memory, power, energy and euros; and its run.

    machine       built, or whatever `terp.machine` takes
    model         as `terp.model` takes it
    global_batch  samples of a step, over all replicas
    seq           tokens of a sequence; not for models of images and volumes, whose samples have their own size
    gpus          of the job; all of the machine if None
    tp, pp, vp, cp, ep   tensor, pipeline, interleaved, context and expert parallelism; 1 if None
    micro_batch   samples that a replica runs at once; the fastest power of two that fits if None
    zero          sharded over replicas: 0 nothing, 1 the optimizer (if None), 2 gradients too, 3 weights too
    shard         GPUs that share the shards; all replicas if None
    recompute     "none", "selective" (attention), "ops" (by operation, as PyTorch does) or "full"; as few layers as fit if
                  None; recompute_every  every so-many-th layer whole
    tp_overlap    whether exchanges of tensor parallelism hide behind products; dp_overlap  those of gradients and weights;
                  as the software does it if None
    cp_kind       "ring", or "heads" for all-to-alls (Ulysses);  etp  GPUs that share each expert
    dispatcher    "all-to-all", "deepep" or "hybridep"; as the software does it if None
    gradients     in which gradients are kept, "bf16" or "fp32"; as the software does it if None
    adapters      only adapters are trained; `lora` is the same
    rank          inner size of the adapters, on every product of the layers; the usual share of parameters if None
    base          format of frozen weights under adapters: "bf16", or "nf4" for QLoRA
    states        "mixed": 32 bits and master weights, or "bf16": weights, gradients and moments in 16 bits
    software      generation of the training software; "megatron-2024", or "eager" for other than transformers, if None
    tokens        of the whole run, or samples where there are no tokens: gives `run`
    gpu_hour      price of a GPU and hour, such as "2 EUR"; a number is euros

    Raises TerpError with every problem of a split that does not divide or does not fit, and with one that would do.
    The model: docs/theory/training.md.

    Times have an interval of nine in ten (`step_low_s`, `step_high_s`), wider on architectures whose steps nobody published.
    Counts take the forms that people type: `seq="8k"`, `tokens="1T"`.  `breakdown` adds up to `step_s`.  Euros are None
    where neither the site nor a price is known.

        >>> import terp
        >>> step = terp.predict.training("gefion", "llama-3.1-70b", seq=8192, global_batch=1504, gpus=1504, tp=4, cp=2,
        zero=2) >>> step.fits, step.strategy.dp_count
        (True, 188)
    """
    given = dict(locals())
    machine, model, lora = (given.pop(name) for name in ("machine", "model", "lora"))
    given |= {"adapters": adapters or lora or rank is not None, "tokens": whole(tokens), "gpu_hour": euros(gpu_hour)}
    options = checked_options(TrainingOptions, given)
    built, network = machine_from(machine), model_from(model)
    try:
        job = job_of(network.record, options, built)
        if options.micro_batch_count is None:
            job = with_micro_batch(built, job)
        step = step_that_fits(built, job, lambda: _what_would_fit(built, job))
    except Problems as error:
        raise keyword_problems(error) from None
    return training_result(built, job, step, options, sources_of(built, network))


def _what_would_fit(machine: Machine, job: TrainingJob) -> str:
    """Options of a split that fits on as many GPUs, in words; or that none does.

    Searches with nothing held, so this is asked only where a split did not fit.
    """
    searched = splits_up_to(machine, job, {}, job.strategy.gpus_count)
    if not searched.frontier:
        return "no split that was tried fits on as many GPUs: use more, or a machine with more memory"
    best = split_of(searched.frontier[0].strategy)
    fewer = {} if best.gpus_count == job.strategy.gpus_count else {"gpus": best.gpus_count}
    counts = {"tp": best.tp_count, "pp": best.pp_count, "vp": best.vp_count, "cp": best.cp_count, "ep": best.ep_count}
    counts["micro_batch"] = int(best.micro_batch_count)
    split = {name: count for name, count in counts.items() if count > 1}
    words = {**fewer, **split, "zero": best.zero_count, "recompute": best.recompute}
    return " ".join(f"{name}={value}" for name, value in words.items()) + " would do"
