"""The best ways to split a model over GPUs: every split on every number of nodes.

Exhaustive within a range of usual sizes: no heuristic decides which split is looked at, so the best of a range is the best.
Choices that change a layer's cost are looped over; stages, replicas and sharding are evaluated as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.describe import ModelFile, TransformerModel
from terp.physics.fabric.collectives import Interconnect
from terp.physics.neural.work import Work
from terp.physics.training.memory import room_fraction, step_memory
from terp.physics.training.software import Generation
from terp.physics.training.stage import LayerColumn, Recompute, column, layer_times
from terp.physics.training.step import Splits, step_time
from terp.physics.training.strategy import Strategy

RECOMPUTES: Final = (Recompute(), Recompute(attention=True), Recompute(0.5), Recompute(1.0))
TENSOR: Final = (1, 2, 4, 8, 16)
CONTEXT: Final = (1, 2, 4, 8, 16)
EXPERT: Final = (1, 2, 4, 8, 16, 32, 64)
MICRO_BATCHES: Final = (1, 2, 4, 8, 16)
MOST_INTERLEAVE: Final = 12
LEAST_CHUNK: Final = 2048
"""Tokens of a sequence that each GPU of a context group has at least."""
CHUNK: Final = 8192
"""Splits that are evaluated at once, so that their columns stay in the cache."""


@dataclass(frozen=True)
class Candidate:
    """A split that fits: its time a step [s], what the fullest GPU holds [B], and what it is chosen by; less is better."""

    strategy: Strategy
    step_s: float
    memory_bytes: float
    key_ratio: float


@dataclass(frozen=True)
class SearchedSplits:
    """What a search found: of each number of nodes the best split, as far as no other is better and as fast.

    evaluated_count   splits that were looked at;  fitting_count  that fit the memory

    Empty where nothing fits.  By energy or euros a larger job is kept if it is faster, by time only if no smaller one is as
    fast.
    """

    frontier: tuple[Candidate, ...]
    evaluated_count: int
    fitting_count: int


@dataclass(frozen=True)
class Range:
    """What is searched: up to so many GPUs, of nodes of so many, for a batch; an option that is fixed has one choice.

    by   what is best: "time", "energy" of the GPUs, or "euros", GPUs times hours

    tensor, context, expert, micro_batches   choices of each, looped over
    pipeline, interleave, zero   choices; all up to the number of layers, or to MOST_INTERLEAVE, where None
    base                         what all splits share: precision, optimizer, adapters
    """

    most_gpus_count: int
    node_gpus_count: int
    batch_count: int
    base: Strategy
    tensor: Sequence[int] = TENSOR
    context: Sequence[int] = CONTEXT
    expert: Sequence[int] = EXPERT
    micro_batches: Sequence[int] = MICRO_BATCHES
    pipeline: Sequence[int] | None = None
    interleave: Sequence[int] | None = None
    recompute: Sequence[Recompute] = RECOMPUTES
    zero: Sequence[int] = (0, 1, 2, 3)
    by: Literal["time", "energy", "euros"] = "time"


def search(
    chip: Accelerator, net: Interconnect, model: ModelFile, work: Work, wanted: Range, generation: Generation
) -> SearchedSplits:
    """Evaluates every split of a range, memory first, and keeps of each number of nodes the best by what is wanted.

    191 is prime: jobs of any number of GPUs are tried that is a product of their split, on the nodes that hold them, with
    stages of uneven numbers of layers.  A batch is divided evenly, as frameworks do.

    chip, net, model, work   the GPU, what its collectives see, the network and its work on one sample
    wanted                   the range;  generation   of the software

    Candidates are kept by how many nodes they take, rounded up.
    """
    best: dict[int, Candidate] = {}
    evaluated = fitting = 0
    for choice in _columns(chip, net, model, work, wanted, generation):
        for grid in _grids(work, wanted, choice.strategy):
            evaluated += len(grid.pipeline_count)
            held = _held(work, choice, grid, generation)
            fits = held <= room_fraction() * chip.memory_bytes
            fitting += int(fits.sum())
            if fits.any():
                _keep(best, chip, net, work, choice, grid.only(fits), held[fits], wanted, generation)
    return SearchedSplits(_frontier(best, by_time=wanted.by == "time"), evaluated, fitting)


@dataclass(frozen=True)
class _Choice:
    strategy: Strategy
    column: LayerColumn
    recompute: Recompute


@dataclass(frozen=True)
class _Grid:
    """Splits of a column, an entry each."""

    pipeline_count: Floats
    interleave_count: Floats
    data_count: Floats
    batches_count: Floats
    zero_count: Floats

    def only(self, chosen: NDArray[np.bool_]) -> _Grid:
        return _Grid(*(values[chosen] for values in vars(self).values()))

    def splits(self, strategy: Strategy) -> Splits:
        ranks = self.data_count * strategy.context_count
        shard = np.minimum(strategy.shard_count, ranks) if strategy.shard_count else ranks
        return Splits(
            self.pipeline_count, self.interleave_count, self.data_count, self.batches_count, self.zero_count, shard
        )  # fmt: skip


def _columns(
    chip: Accelerator, net: Interconnect, model: ModelFile, work: Work, wanted: Range, generation: Generation
) -> Iterator[_Choice]:
    """A column for each choice that changes what a layer costs."""
    transformer = model if isinstance(model, TransformerModel) else None
    experts = transformer.experts.count if transformer and transformer.experts else 1
    for t in wanted.tensor if transformer else (1,):
        heads, etp = transformer.heads_count if transformer else 1, wanted.base.expert_tensor_count or 1
        if t > net.domain_gpus_count or heads % t or t % etp:
            continue
        for c in wanted.context:
            if c > 1 and (work.tokens_count % (2 * c) or work.tokens_count < c * LEAST_CHUNK):
                continue
            if wanted.base.context_kind == "heads" and heads % (t * c):
                continue
            for e in wanted.expert:
                if experts % e:
                    continue
                for micro in wanted.micro_batches:
                    if wanted.batch_count % micro:
                        continue
                    strategy = replace(
                        wanted.base, tensor_count=t, context_count=c, expert_count=e, micro_batch_count=micro,
                        sequence_parallel=t > 1 and wanted.base.sequence_parallel,
                    )  # fmt: skip
                    times = layer_times(chip, net, work, strategy.share, generation)
                    for recompute in wanted.recompute:
                        yield _Choice(strategy, column(times, work, strategy.share, recompute, generation), recompute)


def _grids(work: Work, wanted: Range, strategy: Strategy) -> Iterator[_Grid]:
    """Stages, parts, replicas and sharding of a column, in pieces.

    A sharding of gradients or weights is tried only where there is no pipeline.
    """
    each = strategy.tensor_count * strategy.context_count
    micro = int(strategy.micro_batch_count)
    replicas = np.array([d for d in range(1, wanted.batch_count // micro + 1) if wanted.batch_count % (d * micro) == 0])
    stages = np.array(wanted.pipeline or range(1, (work.layers_count if work.tokens_count else 1) + 1))
    parts = np.array(wanted.interleave or range(1, MOST_INTERLEAVE + 1))
    p, v, d, z = (axis.ravel() for axis in np.meshgrid(stages, parts, replicas, np.array(wanted.zero), indexing="ij"))
    keep = (p * d * each <= wanted.most_gpus_count) & (p * v <= work.layers_count) & ((v == 1) | (p > 1))
    if strategy.shard_count:
        keep &= (d * strategy.context_count) % strategy.shard_count == 0
    keep &= ((z < 2) | (p == 1)) & ((z > 0) | (d == 1)) & ((d * each) % strategy.expert_count == 0)
    p, v, d, z = (axis[keep].astype(np.float64) for axis in (p, v, d, z))
    for start in range(0, len(p), CHUNK):
        piece = slice(start, start + CHUNK)
        yield _Grid(p[piece], v[piece], d[piece], wanted.batch_count / d[piece] / micro, z[piece])


def _held(work: Work, choice: _Choice, grid: _Grid, generation: Generation) -> Floats:
    """What the fullest GPU holds, by split of the grid [B]."""
    splits = grid.splits(choice.strategy)
    strategy = choice.strategy
    memory = step_memory(
        work, choice.column, strategy.share, choice.recompute, splits, generation, strategy.optimizer,
        states=strategy.states, base=strategy.base, gradients=strategy.gradient_bytes,
        loss_chunks=strategy.loss_chunks_count,
    )  # fmt: skip
    return np.broadcast_to(memory.total_bytes, grid.pipeline_count.shape)


def _keep(
    best: dict[int, Candidate], chip: Accelerator, net: Interconnect, work: Work, choice: _Choice, grid: _Grid, held: Any,
    wanted: Range, generation: Generation,
) -> None:  # fmt: skip
    """Keeps of each number of nodes the fastest split.

    held   by split of the grid [B];  best   by number of nodes, which is changed in place
    """
    strategy = choice.strategy
    each = strategy.tensor_count * strategy.context_count
    for sharded in (False, True):
        part = (grid.zero_count >= 3) == sharded
        if not part.any():
            continue
        some = grid.only(part)
        step_s = step_time(chip, net, work, choice.column, strategy.share, some.splits(strategy), generation).step_s
        gpus = some.pipeline_count * some.data_count * each
        nodes = np.ceil(gpus / wanted.node_gpus_count).astype(np.int64)
        key = step_s * _weight(wanted.by, gpus, choice.column)
        order = np.lexsort((key, nodes))
        first = order[np.r_[True, np.diff(nodes[order]) > 0]]
        for index in first:
            before = best.get(int(nodes[index]))
            if before is None or key[index] < before.key_ratio:
                chosen = replace(
                    strategy, gpus_count=int(gpus[index]), pipeline_count=int(some.pipeline_count[index]),
                    interleave_count=int(some.interleave_count[index]), zero_count=int(some.zero_count[index]),
                    recompute=choice.recompute,
                )  # fmt: skip
                best[int(nodes[index])] = Candidate(
                    chosen, float(step_s[index]), float(held[part][index]), float(key[index])
                )  # fmt: skip


def _weight(by: str, gpus: Floats, stage: LayerColumn) -> Any:
    """What a second of a step counts."""
    return {"time": 1.0, "energy": gpus * stage.power_w, "euros": gpus}[by]


def _frontier(best: dict[int, Candidate], *, by_time: bool) -> tuple[Candidate, ...]:
    """By what is best first, those that no other beats in it and in time; by time itself, that no smaller job beats."""
    kept: list[Candidate] = []
    for nodes, candidate in sorted(best.items()):
        others = (other for count, other in best.items() if other is not candidate and (count < nodes or not by_time))
        if not any(other.step_s <= candidate.step_s and other.key_ratio <= candidate.key_ratio for other in others):
            kept.append(candidate)
    return tuple(sorted(kept, key=lambda candidate: candidate.key_ratio))
