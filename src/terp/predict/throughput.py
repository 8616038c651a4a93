"""What an hour of a GPU is worth: the work that each kind of job gets done in it, over that on a DGX H100.

Predicted where the model of training knows the GPU, else measured by others, else by the rate of its memory.

Four ways to know a rate, the first that is there: predicted steps (architectures whose steps were measured), training that
others measured, inference that others measured, and the rate of memory.  Each result says which (`known`), because their
intervals differ by a factor; docs/theory/throughput.md compares them with what was measured.

A purchase weighs science by these rates, and no rate has a GPU by its name: what is measured of which is data of the
catalogue (`throughput.yaml`, `reference.yaml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from terp.catalogue import Accelerator, Node, Throughput, own_catalogue, read_catalogue, read_reference, read_throughputs
from terp.describe import Runs, TransformerModel, Workload, read_model
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics.fabric.collectives import Interconnect, interconnect_between, interconnect_of
from terp.physics.gpu.architectures import is_measured
from terp.physics.gpu.precisions import half_peak_flop_per_s
from terp.physics.neural.families import work_of
from terp.physics.training.software import generation_named
from terp.physics.training.strategy import Strategy
from terp.physics.training.strategy_search import Range, search
from terp.predict.training_job import job_of_runs, placed, runs_on
from terp.predict.workload_mix import job_names, kind_shares
from terp.reader import Written

CURRENT: Final[Mapping[str, str]] = MappingProxyType({"megatron-2024": "megatron-2026"})
"""Software of a workload -> what stands for it in the years of a purchase, on every GPU: that of 2024 was not yet tuned for
Blackwell.  Dense models run alike in all generations from 2025 on."""
RATIO_SPREAD_FRACTION: Final = 0.18
"""Largest error of predicted ratios against eight measured ones in FP8 (docs/theory/throughput.md)."""
HELD_LOW_RATIO: Final = 0.78
"""Measured inference of an H200 over what its memory rate alone would give, 1.11 of 1.43."""
MEMORY_LOW_RATIO: Final = 0.6
MEMORY_HIGH_RATIO: Final = 1.3
"""Range of a rate that is only taken from that of memory: an MI300X reaches 0.61 of it; the other end is assumed."""
PREDICTED: Final = "predicted"
TRAINING: Final = "measured training"
INFERENCE: Final = "measured inference"
HELD: Final = "measured inference in 4 bit, held to the memory rate"
MEMORY: Final = "memory rate"
"""How a rate is known."""


@dataclass(frozen=True)
class KindRate:
    """Work of a kind of job in a GPU-hour, over that of the same job on a DGX H100, with its range; how it is known.

    domain, job   as the workload names them
    h100_ratio    1 is the reference GPU of the catalogue in its usual node; low_ratio to high_ratio is its range
    known         one of PREDICTED, TRAINING, INFERENCE, HELD and MEMORY
    """

    domain: str
    job: str
    h100_ratio: float
    low_ratio: float
    high_ratio: float
    known: str


@dataclass(frozen=True)
class DomainRate:
    """H100-hours in an hour of a GPU that works for a domain, with their range.

    predicted_fraction   share of its GPU time whose kinds are predicted

    A GPU-hour of a GPU with a ratio of 2 does as much of the domain's work as two hours of the reference GPU.
    """

    domain: str
    h100_ratio: float
    low_ratio: float
    high_ratio: float
    predicted_fraction: float


@dataclass(frozen=True)
class TokenRate:
    """Tokens a second of one GPU, with their range; how they are known.  `strategy`: the split found, None if none was.

    Per GPU [1/s].  Of training these are tokens read, of inference tokens written.  `known` is as for `KindRate`.
    """

    tokens_per_s: float
    low_per_s: float
    high_per_s: float
    known: str
    strategy: Strategy | None = None


def domain_rates(
    machine: Machine, workload: Written[Workload], software: Mapping[str, str] = CURRENT
) -> tuple[KindRate, ...]:
    """The rate of every kind of job of a workload, in the order of `job_names`.

    ratio = step on a DGX H100 / step on the machine, with the same model, batch, split and software
    ratio = step on a DGX H100 / step on the peer's node  x  measured training over the peer, where no model knows the GPU
    ratio = measured inference over an H100, for kinds that do not say what they run

    Inference that was measured in 4 bits is held to the ratio of memory rates, which no GPU exceeds in the bits of the H100.
    Of the machine's size nothing counts but how full the upper half of its fabric is, and kinds that run on all of it.
    software   names of software -> what stands for them; {} takes the workload as written
    Raises Problems, all at once, for what cannot run so.

    machine    a built machine
    workload   with its places, so that a problem names the line of the job

    Of the machine, the GPU decides nearly all: steps run on as many GPUs as the job names.
    """
    rates, problems = [], []
    for domain, name in job_names(workload.record):
        runs = workload.record.domains[domain].jobs[name].runs
        if runs is None:
            rates.append(KindRate(domain, name, *_inference(machine.node.accelerator)))
            continue
        current = runs.model_copy(update={"software": software.get(runs.software, runs.software)})
        try:
            rates.append(KindRate(domain, name, *_training(machine, current)))
        except Problems as error:
            path = ("domains", domain, "jobs", name, "runs")
            problems += [placed(workload, path, problem) for problem in error.problems]
    if problems:
        raise Problems(problems)
    return tuple(rates)


def domain_ratios(
    machine: Machine, workload: Written[Workload], software: Mapping[str, str] = CURRENT
) -> tuple[DomainRate, ...]:
    """H100-hours a GPU-hour of every domain: the mean over its kinds of job, weighted by their GPU time on the machine.

    R(d) = sum over kinds k of  s(k) r(k),   s  share of the domain's GPU time (`kind_shares`)

    Kinds keep their share of GPU time, whatever the GPU: people fill the hours that they are given.  Ranges of kinds are
    taken to move together.  A domain without jobs is left out.  Raises Problems as `domain_rates`.

    machine, workload, software   as for `domain_rates`

    Gives a rate for each domain that has jobs, in the order of the file.
    """
    shares, rates = kind_shares(workload.record), domain_rates(machine, workload, software)
    domain_means = []
    for domain in workload.record.domains:
        kinds = [(shares[rate.domain, rate.job], rate) for rate in rates if rate.domain == domain]
        if sum(share for share, _ in kinds) > 0:
            central, low, high = (
                sum(share * ratio for (share, _), ratio in zip(kinds, ratios, strict=True))
                for ratios in zip(*((rate.h100_ratio, rate.low_ratio, rate.high_ratio) for _, rate in kinds), strict=True)
            )
            predicted = sum(share for share, rate in kinds if rate.known == PREDICTED)
            domain_means.append(DomainRate(domain, central, low, high, predicted))
    return tuple(domain_means)


def _peer_node(entry: Throughput | None) -> str:
    """The node of the GPU that another was measured beside; of the reference GPU where nothing was measured."""
    reference = read_reference().record
    return reference.peer_nodes[(entry.peer if entry else None) or reference.gpu]


@cache
def _step_on(runs: Runs, node: str, _own: str = "") -> float:
    """Step of what a workload asks for, on as many GPUs of a node of the catalogue [s].

    Kept by job and node, since every machine that is compared is measured by the same reference steps; and by the user's
    own catalogue, which may say other rates.
    """
    return job_of_runs(runs, runs.gpus_count or 1).step_on(node).step_s


def _training(machine: Machine, runs: Runs) -> tuple[float, float, float, str]:
    """Ratio, low, high and how they are known, of what a workload runs.

    runs   a job of a workload, with the software that stands for its own

    The reference is the same job on the reference node.  The GPU of that node has no interval: it is the unit.
    """
    name = machine.node.accelerator
    fixed = runs.model_copy(update={"gpus_count": runs.gpus_count or machine.gpus_count})
    reference_s = _step_on(fixed, read_reference().record.node, own_catalogue())
    if is_measured(machine.accelerator, "steps"):
        job, step = runs_on(machine, fixed)
        ratio = reference_s / step.step_s
        spread = 0.0 if name == read_reference().record.gpu else max(job.generation.spread_fraction, RATIO_SPREAD_FRACTION)
        return ratio, ratio / (1 + spread), ratio * (1 + spread), PREDICTED
    entry = read_throughputs().of(name)
    if entry is None or entry.training_ratio is None:
        return _by_memory(machine.accelerator)
    low, high = read_throughputs().bounds(name, "training")
    peer = reference_s / _step_on(fixed, _peer_node(entry), own_catalogue())
    spread = RATIO_SPREAD_FRACTION  # other models than those that were measured
    return peer * entry.training_ratio, peer * low / (1 + spread), peer * high * (1 + spread), TRAINING


def work_is_measured(accelerator: str) -> bool:
    """True if training was measured on a GPU: on its architecture, so that steps are predicted, or on itself by others.

    Of any other nothing is known but the rate of its memory.  Raises UnknownName.

    accelerator   its name in the catalogue, such as "mi300x"
    """
    entry = read_throughputs().of(accelerator)
    chip = read_catalogue().part(Accelerator, accelerator)
    return is_measured(chip, "steps") or (entry is not None and entry.training_ratio is not None)


def _by_memory(chip: Accelerator) -> tuple[float, float, float, str]:
    """By the rate of its memory, or the BF16 peak if that is less.

    Gives ratio, low, high and MEMORY.  The range is wide on purpose: nothing was measured of such a GPU.
    """
    reference = read_catalogue().part(Accelerator, read_reference().record.gpu)
    memory = chip.memory_rate_bytes_per_s / reference.memory_rate_bytes_per_s
    ratio = min(memory, half_peak_flop_per_s(chip) / half_peak_flop_per_s(reference))
    return ratio, MEMORY_LOW_RATIO * ratio, MEMORY_HIGH_RATIO * ratio, MEMORY


def _inference(name: str) -> tuple[float, float, float, str]:
    """Ratio, low, high and how they are known, of kinds that do not say what they run.

    name   of an accelerator of the catalogue

    In 4 bits where the reference ran in 8, a measured ratio above that of memory rates says more of the precision than of
    the GPU: the ratio of memory is then taken, and the measured one is the high end.
    """
    if name == read_reference().record.gpu:
        return 1.0, 1.0, 1.0, INFERENCE
    chip, reference = (read_catalogue().part(Accelerator, each) for each in (name, read_reference().record.gpu))
    memory = chip.memory_rate_bytes_per_s / reference.memory_rate_bytes_per_s
    entry = read_throughputs().of(name)
    if entry is None or entry.inference_ratio is None:
        return memory, MEMORY_LOW_RATIO * memory, MEMORY_HIGH_RATIO * memory, MEMORY
    low, high = read_throughputs().bounds(name, "inference")
    if entry.inference_bits_count < 8 and entry.inference_ratio > memory:
        return memory, HELD_LOW_RATIO * memory, entry.inference_ratio, HELD
    return entry.inference_ratio, low, high, INFERENCE


MODEL: Final = "llama-3.1-70b"
GPUS: Final = 128
BATCH: Final = 512
TOKENS: Final = 8192
"""The training whose tokens are counted: model, GPUs, sequences a step, tokens a sequence; in BF16."""


def tokens_per_s_per_gpu(machine: Machine) -> TokenRate:
    """Tokens a second that one of 128 GPUs trains of a language model of 70 billion parameters, by the best split.

    Predicted on the machine's own interconnect; where no model knows the GPU, on its peer's node, times the measured
    training over that.  Raises Problems if nothing fits.

    machine   a built machine; with fewer than 128 GPUs all of them are taken

    The same model, batch and sequence for all machines, so that the numbers can be compared.
    """
    name = machine.node.accelerator
    gpus = min(GPUS, machine.gpus_count)
    if is_measured(machine.accelerator, "steps"):
        net, node_gpus = interconnect_of(machine), machine.node.accelerators_count
        rate, strategy = _trained(name, net, node_gpus, gpus, own_catalogue())
        spread = generation_named(CURRENT["megatron-2024"]).spread_fraction
        return TokenRate(rate, rate / (1 + spread), rate * (1 + spread), PREDICTED, strategy)
    entry = read_throughputs().of(name)
    if entry is None or entry.training_ratio is None:
        ratio, low, high, known = _by_memory(machine.accelerator)
        entry = None
    else:
        ratio, (low, high), known = entry.training_ratio, read_throughputs().bounds(name, "training"), TRAINING
    rate, strategy = _trained_on(_peer_node(entry), gpus)
    spread = RATIO_SPREAD_FRACTION
    return TokenRate(rate * ratio, rate * low / (1 + spread), rate * high * (1 + spread), known)


def _trained_on(name: str, gpus: int) -> tuple[float, Strategy]:
    """Tokens a second of a GPU of a node of the catalogue, and the split.

    The node's ports are taken to run at their full rate, on a fabric that loses nothing.
    """
    node = read_catalogue().part(Node, name)
    chip = read_catalogue().part(Accelerator, node.accelerator)
    port_bytes_per_s = node.compute_ports_count * node.compute_port_rate_bytes_per_s / node.accelerators_count
    net = interconnect_between(chip, node.link_domain_count, port_bytes_per_s, switched=node.link_switches_count > 0)
    return _trained(node.accelerator, net, node.accelerators_count, gpus, own_catalogue())


@cache
def _trained(name: str, net: Interconnect, node_gpus: int, gpus: int, _own: str = "") -> tuple[float, Strategy]:
    """Tokens a second of a GPU, and the split that trains most of them on that many.

    name        of the accelerator; net  what a collective sees
    node_gpus   GPUs of a node; gpus  of the job, at most so many
    _own        the user's own catalogue, by which it is kept too

    Raises Problems if no split fits the memory.
    """
    chip, model = read_catalogue().part(Accelerator, name), read_model(MODEL).record
    assert isinstance(model, TransformerModel)
    wanted = Range(
        gpus, node_gpus, BATCH, Strategy(gpus_count=gpus, sequence_parallel=True), tensor=(1, 2, 4, 8), context=(1,),
        expert=(1,), micro_batches=(1, 2), pipeline=(1, 2, 4, 8), interleave=(1, 2, 5, 10), zero=(1, 3),
    )  # fmt: skip
    generation = generation_named(CURRENT["megatron-2024"])
    searched = search(chip, net, model, work_of(model, TOKENS), wanted, generation)
    if not searched.frontier:
        raise Problems([Problem("", 0, 0, "", f"no split of {MODEL} fits on {gpus} GPUs", name)])
    best = min(searched.frontier, key=lambda candidate: candidate.step_s)
    return BATCH * TOKENS / best.step_s / best.strategy.gpus_count, best.strategy


def inference_tokens_per_s_per_gpu(accelerator: str) -> TokenRate:
    """Tokens a second that a GPU writes, serving a language model of 70 billion parameters, 1,000 in and 1,000 out.

    As published: in FP4 where a GPU has it, else FP8; offline, with as many requests as there is room for.  Of a GPU that is
    not in that table, an H100's times the measured inference of both, else times the ratio of memory rates.
    Raises UnknownName.

    accelerator   its name in the catalogue
    """
    read_catalogue().part(Accelerator, accelerator)
    known: Throughput | None = read_throughputs().of(accelerator)
    if known is not None and known.answers_per_s is not None:
        return TokenRate(known.answers_per_s, *read_throughputs().bounds(accelerator, "answers", "per_s"), INFERENCE)
    h100 = inference_tokens_per_s_per_gpu(read_reference().record.gpu)
    ratio, low, high, how = _inference(accelerator)
    if known is not None and known.inference_ratio is not None:
        ratio, (low, high), how = known.inference_ratio, read_throughputs().bounds(accelerator, "inference"), INFERENCE
    return TokenRate(h100.tokens_per_s * ratio, h100.low_per_s * low, h100.high_per_s * high, how)
