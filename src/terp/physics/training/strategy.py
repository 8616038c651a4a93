"""How a model is divided over GPUs and run, and what keeps a strategy from working."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.describe import ModelFile, TransformerModel
from terp.errors import Problem
from terp.physics.gpu.precisions import Precisions, precisions_of
from terp.physics.neural.work import Work
from terp.physics.training.memory import STATES, frozen_formats, optimizers
from terp.physics.training.products import Share
from terp.physics.training.stage import DISPATCHERS, Recompute
from terp.physics.training.step import Splits


@dataclass(frozen=True)
class Strategy:
    """How a model is divided over GPUs and run.

    zero_count    what is sharded over data parallelism: 0 nothing, 1 the optimizer, 2 gradients too, 3 weights too (FSDP)
    shard_count   GPUs that share the shards; all replicas if None
    recompute     None for as few layers as fit the memory
    adapters      only adapters are trained (LoRA); rank_count  their inner size, the usual share of parameters if None
    base          format of frozen weights under adapters: "bf16", or "nf4" of QLoRA, whose products stay in 16 bits
    tensor_overlap  whether exchanges of tensor parallelism hide behind products; None for the software's usual
    data_overlap  whether exchanges of gradients and weights hide behind work; None for the software's usual
    dispatcher    how tokens go to their experts; None for the software's usual
    context_kind  "ring" or "heads", how context parallelism exchanges
    gradient_bytes  of a gradient that is kept, 2 or 4; None for the software's usual
    loss_chunks_count  parts of the logits that are made, and their loss taken, one after the other
    states        what the optimizer keeps: "mixed" in 32 bits with master weights, or "bf16" all in 16 bits without

    micro_batch_count   samples that a replica runs at once
    tensor_count, pipeline_count, context_count, expert_count   GPUs that share a layer's GEMM; stages; GPUs that share a
                    sequence; GPUs that share the experts
    expert_tensor_count  GPUs that share each expert; None for the usual
    interleave_count    parts of a stage that take turns, which makes the bubble smaller
    """

    gpus_count: int
    micro_batch_count: float = 1
    tensor_count: int = 1
    pipeline_count: int = 1
    interleave_count: int = 1
    context_count: int = 1
    expert_count: int = 1
    sequence_parallel: bool = True
    zero_count: int = 1
    shard_count: int | None = None
    recompute: Recompute | None = None
    precision: str = "bf16"
    adapters: bool = False
    optimizer: str = "adamw"
    rank_count: int | None = None
    base: str = "bf16"
    states: str = "mixed"
    tensor_overlap: bool | None = None
    data_overlap: bool | None = None
    dispatcher: str | None = None
    context_kind: str = "ring"
    expert_tensor_count: int | None = None
    gradient_bytes: float | None = None
    loss_chunks_count: int = 1

    @property
    def replicas_count(self) -> int:
        """Data-parallel replicas.

        Rounded down; that the GPUs divide is checked by `misfits_of_strategy`.
        """
        return self.gpus_count // (self.tensor_count * self.pipeline_count * self.context_count)

    @property
    def share(self) -> Share:
        """One GPU's share of a micro-batch."""
        return Share(
            self.micro_batch_count, self.tensor_count, self.context_count, self.expert_count, self.sequence_parallel,
            self.precision, self.adapters, self.rank_count, self.tensor_overlap, self.data_overlap, self.dispatcher,
            self.context_kind, self.expert_tensor_count,
        )  # fmt: skip

    def splits(self, batch_count: int) -> Splits:
        """The split of a batch.

        batch_count   samples of a step;  micro-batches a replica runs follow from it, and need not be whole in a search
        """
        replicas = self.replicas_count
        shard = self.shard_count or replicas * self.context_count
        batches = batch_count / replicas / self.micro_batch_count
        return Splits(self.pipeline_count, self.interleave_count, replicas, batches, self.zero_count, shard)


CONTEXT_KINDS: Final = ("ring", "heads")
"""How context parallelism exchanges: keys and values round a ring, or all-to-alls that give each GPU heads (Ulysses)."""
POSITIVE: Final = ("gpus", "micro-batch", "tp", "pp", "vp", "cp", "ep")


def misfits_of_strategy(
    chip: Accelerator, model: ModelFile, work: Work, strategy: Strategy, batch_count: int, gpus_most: int
) -> list[Problem]:
    """All that keeps a strategy from dividing a model, a batch and a machine, each with what would do.

    chip, model, work   the GPU, and the network with its work on one sample
    batch_count         samples of a step;  gpus_most   of the machine

    Each problem is at the option that could be changed, by its name in the terminal; empty if nothing is wrong.
    """
    numbers = (
        strategy.gpus_count, strategy.micro_batch_count, strategy.tensor_count, strategy.pipeline_count,
        strategy.interleave_count, strategy.context_count, strategy.expert_count,
    )  # fmt: skip
    wrong = [
        _problem(name, "not a positive number", number, "at least 1 would do")
        for name, number in zip((*POSITIVE, "global-batch"), (*numbers, batch_count), strict=True)
        if number < 1
    ]
    wrong += misfits_of_precision(chip, strategy.precision)
    if strategy.optimizer not in optimizers():
        wrong.append(_problem("optimizer", "not known", strategy.optimizer, "known: " + ", ".join(optimizers())))
    wrong += _recipe(strategy)
    if strategy.gpus_count > gpus_most:
        wrong.append(_problem("gpus", "more than the machine has", strategy.gpus_count, f"at most {gpus_most} would do"))
    if min(numbers) < 1:
        return wrong
    ranks = strategy.replicas_count * strategy.context_count
    if strategy.shard_count is not None and (strategy.shard_count < 1 or ranks % strategy.shard_count):
        wrong.append(_problem("shard", f"does not divide {ranks} replicas", strategy.shard_count, _divisors(ranks, 4096)))
    wrong += _layers(model, work, strategy)
    return wrong + (_counts(strategy, batch_count) if batch_count >= 1 else [])


def _recipe(strategy: Strategy) -> list[Problem]:
    """What of a recipe does not go together: a rank or a frozen format without adapters, a rank below one."""
    wrong = []
    if strategy.rank_count is not None and not strategy.adapters:
        wrong.append(_problem("rank", "is of adapters", strategy.rank_count, "write --adapters as well"))
    if strategy.rank_count is not None and strategy.rank_count < 1:
        wrong.append(_problem("rank", "not a positive number", strategy.rank_count, "at least 1 would do"))
    if strategy.base not in frozen_formats():
        wrong.append(_problem("base", "not known", strategy.base, "known: " + ", ".join(frozen_formats())))
    elif strategy.base != "bf16" and not strategy.adapters:
        wrong.append(_problem("base", "is of the frozen weights under adapters", strategy.base, "write --adapters as well"))
    if strategy.context_kind not in CONTEXT_KINDS:
        wrong.append(_problem("cp-kind", "not known", strategy.context_kind, "known: " + ", ".join(CONTEXT_KINDS)))
    if strategy.dispatcher is not None and strategy.dispatcher not in DISPATCHERS:
        wrong.append(_problem("dispatcher", "not known", strategy.dispatcher, "known: " + ", ".join(DISPATCHERS)))
    if strategy.states not in STATES:
        wrong.append(_problem("states", "not known", strategy.states, "known: " + ", ".join(STATES)))
    return wrong


def misfits_of_precision(chip: Accelerator, precision: str) -> list[Problem]:
    """A precision that is not known, or that the chip has no matrix units for.

    Known are those in which steps are predicted, which may be fewer than the chip's GEMM has.
    """
    known = precisions_of(chip, in_steps=True)
    if precision in known:
        return []
    what = f"{chip.title} has none" if precision in constants(Precisions).precisions else "not known"
    return [_problem("precision", what, precision, "known: " + ", ".join(known))]


def _problem(option: str, wrong: str, given: object, would_do: str) -> Problem:
    """A problem of an option, by its name in the terminal without the dashes."""
    return Problem("", 0, 0, f"--{option}", wrong, str(given), would_do)


def _divisors(number: int, most: int) -> str:
    """Divisors of a number up to a limit, as words."""
    return ", ".join(str(size) for size in range(1, min(number, most) + 1) if number % size == 0)


def _layers(model: ModelFile, work: Work, strategy: Strategy) -> list[Problem]:
    """Splits of layers: heads over tensor parallelism, layers over stages, tokens over context, experts over their GPUs."""
    wrong = []
    t, p, v = strategy.tensor_count, strategy.pipeline_count, strategy.interleave_count
    c, e = strategy.context_count, strategy.expert_count
    heads = model.heads_count if isinstance(model, TransformerModel) else 1
    if heads % t:
        wrong.append(_problem("tp", f"does not divide {heads} heads", t, _divisors(heads, 64) + " would do"))
    if p > work.layers_count:
        wrong.append(_problem("pp", "more stages than layers", p, f"at most {work.layers_count} would do"))
    elif p * v > work.layers_count:
        wrong.append(_problem("vp", "more parts than a stage has layers", v, f"at most {work.layers_count // p} would do"))
    if v > 1 and p == 1:
        wrong.append(_problem("vp", "interleaves a pipeline of one stage", v, "1 would do, or --pp of 2 and more"))
    if work.tokens_count and work.tokens_count % (2 * c if c > 1 else 1):
        wrong.append(
            _problem("cp", f"twice it does not divide {work.tokens_count} tokens", c, "a smaller power of two would do")
        )
    if strategy.context_kind == "heads" and c > 1 and heads % (t * c):
        wrong.append(_problem("cp", f"times TP does not divide {heads} heads", c, _divisors(heads // t, 64) + " would do"))
    etp = strategy.expert_tensor_count
    if etp is not None and (etp < 1 or t % etp):
        wrong.append(_problem("etp", f"does not divide TP {t}", etp, _divisors(t, 64) + " would do"))
    experts = model.experts.count if isinstance(model, TransformerModel) and model.experts else 0
    if e > 1 and not experts:
        wrong.append(_problem("ep", f"{model.title} has no experts", e, "1 would do"))
    elif e > 1 and experts % e:
        wrong.append(_problem("ep", f"does not divide {experts} experts", e, _divisors(experts, 256) + " would do"))
    return wrong


def _counts(strategy: Strategy, batch_count: int) -> list[Problem]:
    """GPUs over the split, and the batch over replicas and micro-batches."""
    replica = strategy.tensor_count * strategy.pipeline_count * strategy.context_count
    if strategy.gpus_count % replica:
        fewer = strategy.gpus_count // replica * replica
        would_do = f"{fewer or replica} would do, or a split of which the product divides {strategy.gpus_count}"
        return [_problem("gpus", f"do not divide by TP x PP x CP = {replica}", strategy.gpus_count, would_do)]
    replicas = strategy.replicas_count
    at_once = replicas * strategy.micro_batch_count
    wrong = []
    if batch_count % at_once:
        near = max(round(batch_count / at_once), 1) * at_once
        what = f"does not divide by {replicas} replicas of micro-batches of {strategy.micro_batch_count:g}"
        wrong.append(_problem("global-batch", what, batch_count, f"{near:g} would do"))
    most = strategy.replicas_count * strategy.context_count * strategy.tensor_count
    if strategy.expert_count > 1 and most % strategy.expert_count:
        wrong.append(
            _problem("ep", f"does not divide the {most} GPUs of a stage", strategy.expert_count, _divisors(most, 256))
        )
    return wrong
