"""`terp.predict.search`: the best ways to split a training over a machine.

A search tries the splits of `strategy_search.Range` on every number of nodes up to the limit, keeps those that divide and
fit, and gives of each number of nodes the best: the frontier.  Each entry is then predicted again as `training` would be.
"""

from __future__ import annotations

from dataclasses import fields, replace

from terp.connect import model_from
from terp.describe import DescriptionSource, ModelFile
from terp.errors import Problem, Problems
from terp.hardware import Machine, machine_from
from terp.physics import interconnect_of
from terp.physics.training.strategy import Strategy
from terp.predict.call_options import checked_options, euros, keyword_problems, whole
from terp.predict.training_job import BY, By, ModelSource, TrainingJob, TrainingOptions, job_of, splits_up_to
from terp.predict.training_record import sources_of, training_result
from terp.reader import Written
from terp.results.training_results import FrontierEntry, SearchResult, knee_of


def search(
    machine: Machine | DescriptionSource,
    model: ModelSource,
    *,
    global_batch: int | str,
    by: By = "time",
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
) -> SearchResult:
    """The best ways to split a training over a machine: of each number of nodes the best, the best of all first.

    by      "time", "energy", or "euros": hire if a price of a GPU-hour is given, else electricity
    gpus    at most so many; all of the machine if None
    tokens  of the whole run: each entry then has its `run`, with days, energy, euros and failures to expect

    The others are as for `training`; one that is given is held, all others are searched.  Raises TerpError; a search that
    finds nothing that fits raises it too.

    machine       built, or whatever `terp.machine` takes
    model         as `terp.model` takes it
    global_batch  samples of a step, over all replicas; the same on every number of GPUs

    `evaluated_count` and `fitting_count` of the result say how many splits were tried and how many fit.  Times and powers of
    the frontier have the same intervals as those of `training`.  `knee` is the entry beyond which more GPUs stop paying.
    """
    given = dict(locals())
    machine, model, by, lora = (given.pop(name) for name in ("machine", "model", "by", "lora"))
    given |= {"adapters": adapters or lora or rank is not None, "tokens": whole(tokens), "gpu_hour": euros(gpu_hour)}
    options = checked_options(TrainingOptions, given)
    if by not in BY:
        raise Problems([Problem("", 0, 0, "by", "not one of the known words", repr(by), f"known: {', '.join(BY)}")])
    return _searched(machine_from(machine), model_from(model), options, by)


def _searched(machine: Machine, model: Written[ModelFile], options: TrainingOptions, by: By) -> SearchResult:
    """The result of a search whose options are checked.  Raises Problems.

    The frontier is sorted by what was asked for, not by the number of nodes.
    """
    try:
        job = job_of(model.record, options, machine)
        searched = splits_up_to(machine, job, _held(options), job.strategy.gpus_count, by)
    except Problems as error:
        raise keyword_problems(error) from None
    if not searched.frontier:
        wrong, would_do = "no split that was tried fits the memory", "use more GPUs or fewer fixed options"
        raise Problems([Problem("", 0, 0, "", wrong, would_do=would_do)])
    entries = [_entry(machine, job, candidate.strategy, options) for candidate in searched.frontier]
    ordered = tuple(sorted(entries, key=lambda entry: _key(entry, by)))
    return SearchResult(
        evaluated_count=searched.evaluated_count,
        fitting_count=searched.fitting_count,
        frontier=ordered,
        knee_gpus_count=knee_of(ordered),
        by=by,
        machine_title=machine.file.title,
        model_title=model.record.title,
        global_batch_count=options.global_batch_count,
        most_gpus_count=job.strategy.gpus_count,
        caveats=model.record.caveats,
        sources=sources_of(machine, model),
    )


def _held(options: TrainingOptions) -> dict[str, tuple[object, ...]]:
    """What a search holds fixed: the only choice of each option that is given.

    Keys are the fields of `strategy_search.Range`; an option that is not given has no key, and is searched.
    """
    fixed = {
        "tensor": options.tp_count,
        "pipeline": options.pp_count,
        "interleave": options.vp_count,
        "context": options.cp_count,
        "expert": options.ep_count,
        "micro_batches": options.micro_batch_count,
        "zero": options.zero_count,
        "recompute": options.recomputed(),
    }
    return {name: (value,) for name, value in fixed.items() if value is not None}


def _entry(machine: Machine, job: TrainingJob, strategy: Strategy, options: TrainingOptions) -> FrontierEntry:
    """An entry of the frontier: the figures of a candidate's step.

    Figures are those of `training_result`, by the names of the fields that both records share, and the nodes taken whole.
    """
    step = replace(job, strategy=strategy).step(machine.accelerator, interconnect_of(machine))
    result = training_result(machine, job, step, options)
    figures = {part.name: getattr(result, part.name) for part in fields(FrontierEntry) if part.name != "nodes_count"}
    return FrontierEntry(**figures, nodes_count=-(-strategy.gpus_count // machine.node.accelerators_count))


def _key(entry: FrontierEntry, by: By) -> float:
    """What a frontier is sorted by; by euros, hire if it is known, else electricity, else energy.

    Of one search either all entries have a price of hire or none has, so all are compared by the same.
    """
    chosen = {"time": entry.step_s, "energy": entry.energy_j, "euros": entry.hire_eur}[by]
    return chosen or entry.cost_eur or entry.energy_j
