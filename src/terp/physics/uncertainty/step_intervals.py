"""The interval of a training step, by how much is known of it: chip, software, recipe and scale, each graded or not.

A fact is graded if rows that constants were fitted to hold it.  The ends of an interval are ratios to the prediction, by
class.  They are fitted by scripts/fit_step_intervals.py to residuals of whole sources, each predicted without it; a class
that few sources tell of takes more of the wider class that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Final

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.intervals import Interval
from terp.physics.neural.work import Work
from terp.physics.training.stage import RECOMPUTE
from terp.physics.training.strategy import Strategy

FACTS: Final = ("chip", "software", "recipe", "scale")
"""What of a step may be graded or not."""
KINDS: Final = ("experts", "adapters")


@dataclass(frozen=True)
class GradedSoftware:
    """What the rows hold that a generation's constants were fitted to, on GPUs of one architecture.

    features   of their recipes, as `features_of`;  gpus_count   the most of a row
    """

    features: tuple[str, ...]
    gpus_count: int


@dataclass(frozen=True)
class StepIntervals:
    """Intervals of training steps, in time and in memory.

    long_tokens_count   tokens above which a sequence is a recipe of its own: its attention weighs more than all else
    chips      parts of the catalogue that rows to fit hold
    software   generation -> architecture of GPUs -> what its own rows hold
    step, memory   name of a class, or of one that it belongs to, as `StepClass.names` -> its ends
    """

    PLACE: ClassVar[str] = "training.intervals"
    long_tokens_count: int
    chips: tuple[str, ...]
    software: Mapping[str, Mapping[str, GradedSoftware]]
    step: Mapping[str, Interval]
    memory: Mapping[str, Interval] = field(metadata={"key": "held"})

    def of_step(self, known: StepClass) -> Interval:
        """The ends of a class for the time of a step, or those of the nearest class that it belongs to."""
        return next(self.step[name] for name in known.names if name in self.step)

    def of_memory(self, known: StepClass) -> Interval:
        """The ends of a class for the memory of the fullest GPU."""
        return next(self.memory[name] for name in known.names if name in self.memory)


@dataclass(frozen=True)
class StepClass:
    """How much is known of a step.

    new    facts of FACTS that are not graded, in that order
    kind   "experts" or "adapters", which err more; empty for others

        >>> StepClass(("software", "scale"), "").name
        'software and scale not graded'
        >>> StepClass((), "experts").name
        'all graded, experts'
    """

    new: tuple[str, ...]
    kind: str

    @property
    def name(self) -> str:
        """The class in words, as it is printed and stands in JSON."""
        *first, last = self.new or ("",)
        facts = f"{', '.join(first)} and {last}" if first else last
        words = f"{facts} not graded" if self.new else "all graded"
        return f"{words}, {self.kind}" if self.kind else words

    @property
    def names(self) -> tuple[str, ...]:
        """The class and those that it belongs to, each wider than the one before, up to "any".

        >>> StepClass(("software", "scale"), "experts").names[1:]
        ('any software not graded, experts', 'any software not graded', 'any')
        """
        software = "any software not graded" if "software" in self.new else "any software graded"
        return (self.name, *((f"{software}, {self.kind}",) if self.kind else ()), software, "any")


def step_intervals() -> StepIntervals:
    """The intervals of the catalogue, or those that `with_constants` has put in their place."""
    return constants(StepIntervals)


def likely_step(chip: Accelerator, known: StepClass) -> Interval:
    """Ends of the 90 % interval of a step's time, as ratios to it; wider on an architecture whose rates are another's."""
    ends, wider = step_intervals().of_step(known), architecture_of(chip).training_wider_ratio
    return Interval(ends.low_ratio**wider, ends.high_ratio**wider)


def features_of(strategy: Strategy, work: Work) -> frozenset[str]:
    """What makes a recipe, each a word or two: a recipe is graded if each of them stands in a row to fit of its software."""
    split = {
        "tensor": strategy.tensor_count, "pipeline": strategy.pipeline_count, "context": strategy.context_count,
        "expert parallel": strategy.expert_count,
    }  # fmt: skip
    recompute = strategy.recompute
    kind = next((name for name, value in RECOMPUTE.items() if value == recompute), "every n-th") if recompute else "as fits"
    words = {name for name, count in split.items() if count > 1} | _of_work(work, step_intervals().long_tokens_count)
    words.add(f"precision {strategy.precision}")
    words |= {f"recompute {kind}"} if kind not in ("none", "as fits") else set()
    words |= {"sharded weights"} if strategy.zero_count >= 3 else set()
    words |= {"adapters"} if strategy.adapters else set()
    words |= {f"states {strategy.states}"} if strategy.states != "mixed" else set()
    words |= {f"optimizer {strategy.optimizer}"} if strategy.optimizer != "adamw" else set()
    words |= {f"base {strategy.base}"} if strategy.base != "bf16" else set()
    return frozenset(words)


@cache
def _of_work(work: Work, long_tokens_count: int) -> frozenset[str]:
    """What of a recipe the network itself makes: experts, windows, sequences above a length, no tokens."""
    attention = [part for layer in work.layers for part in layer.attention]
    words = {
        "experts": any(product.split == "experts" for layer in work.layers for product in layer.products),
        "windows": any(0 < part.window_size < part.context_count for part in attention),
        "long sequences": work.tokens_count > long_tokens_count,
        "no tokens": not work.tokens_count,
        "no attention in a layer": bool(attention) and any(not layer.attention for layer in work.layers),
    }
    return frozenset(name for name, holds in words.items() if holds)


def step_class(
    intervals: StepIntervals, part: str, architecture: str, software: str, strategy: Strategy, work: Work, *,
    nearest: bool = False,
) -> StepClass:  # fmt: skip
    """The class of a step.

    part, architecture   of the GPU in the catalogue;  software   a generation;  work   of one sample
    nearest              True where the generation stands in for software that is not known
    """
    features, of_software = features_of(strategy, work), intervals.software.get(software, {})
    graded = of_software.get(architecture)
    rows = graded or next(iter(of_software.values()), None)
    most = rows.gpus_count if rows else max(one.gpus_count for each in intervals.software.values() for one in each.values())
    new = {
        "chip": part not in intervals.chips,
        "software": graded is None or nearest,
        "recipe": rows is not None and not features <= set(rows.features),
        "scale": strategy.gpus_count > most,
    }
    kind = "adapters" if strategy.adapters else "experts" if "experts" in features else ""
    return StepClass(tuple(fact for fact in FACTS if new[fact]), kind)
