"""Generations of training software: what each loses and overlaps, in a few named constants.

A generation is a year of a framework with the kernels and the overlap that it had, such as "megatron-2024".  Its constants
are in physics/software.yaml, most fitted to published steps; `scripts` that fit them write that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.errors import UnknownName


@dataclass(frozen=True)
class Generation:
    """One generation of training software.

    attention         kernel by architecture of the GPU; "unfused" writes the scores to memory
    products_share    rate of products in a step over what they reach alone and without end, by architecture
    experts_ratio     rate of experts' products over that of others
    experts_s         least time of a layer of experts forward: sorting, counting, waiting for the host [s]
    sends_once        a token goes once to a domain with several of its experts
    lean              where products run in FP8, weights and what activation functions take are held in it too
    residual_passes_count, inner_passes_count  passes over such values forward; a backward takes twice as many
    logit_bytes, logit_kept_bytes  bytes moved a logit, forward and backward, and held at once
    casts_ratio       passes that casting to FP8 and FP4 takes over the least, which is in `layers`
    again_fraction       of a layer's forward, what full recomputation repeats
    host_s            least time between two launches from the host; 0 where it keeps ahead
    optimizer_bytes   bytes moved a parameter in the optimizer's step
    gradient_bytes    bytes of a gradient as it is summed over data parallelism
    gradient_kept_bytes  as it is kept
    *_overlap         share of each exchange that hides behind work
    dropout           masks are drawn and kept
    gathers_reduced   sharded weights are gathered in FP8 where their products run in FP8 with a scale a tensor
    adapters_inner    adapters stand beside inner products too, and not only beside those of attention
    adapters_fused    products that share an input have one adapter, without dropout
    straggle_fraction          time lost with each doubling of the nodes, as a share of the step
    step_s            beside the work in each step: loss, clipping, logging [s]
    launch_s          of a product, beyond its arithmetic (aiconfigurator); gap_s  between any two kernels
    spread_fraction, experts_spread_fraction  90th percentile of the errors on rows that nothing was fitted to; with experts
    """

    title: str
    attention: Mapping[str, str]
    products_share: Mapping[str, float] = field(metadata={"key": "products"})
    residual_passes_count: float
    inner_passes_count: float
    logit_bytes: float
    logit_kept_bytes: float
    casts_ratio: float
    again_fraction: float
    host_s: float
    optimizer_bytes: float
    gradient_bytes: float
    tensor_overlap_fraction: float
    data_overlap_fraction: float
    pipe_overlap_fraction: float
    expert_overlap_fraction: float
    context_overlap_fraction: float
    dropout: bool
    straggle_fraction: float
    step_s: float
    launch_s: float
    experts_ratio: float = field(metadata={"key": "experts_rate"})
    experts_s: float
    sends_once: bool
    lean: bool
    adapters_inner: bool
    adapters_fused: bool
    gathers_reduced: bool
    gradient_kept_bytes: float
    gap_s: float
    spread_fraction: float
    experts_spread_fraction: float


@dataclass(frozen=True)
class TrainingSoftware:
    """Generations by name; `defaults` is what holds for those that do not say."""

    PLACE: ClassVar[str] = "software"
    defaults: Generation
    generations: Mapping[str, Generation]

    @classmethod
    def completed(cls, data: object) -> object:
        """Every generation with the defaults where it says nothing.

        data   of the file, which is given back as it is where its form is wrong, for the reader to say so
        """
        if not isinstance(data, dict) or not all(isinstance(data.get(key), dict) for key in ("defaults", "generations")):
            return data
        plain = {"title": "", "attention": {}, "products": {}} | data["defaults"]
        return {
            "defaults": plain,
            "generations": {
                name: data["defaults"] | one if isinstance(one, dict) else one for name, one in data["generations"].items()
            },
        }


def generations() -> Mapping[str, Generation]:
    """All generations of training software by name.

    A mapping that cannot be changed; tests vary it by `with_constants`.
    """
    return constants(TrainingSoftware).generations


def generation_named(name: str) -> Generation:
    """A generation by name.  Raises UnknownName.

    The message names the generations that are known, and the nearest.
    """
    known = generations()
    if name not in known:
        raise UnknownName("software", name, known)
    return known[name]
