"""Generations of training software: what each loses and overlaps, in a few named constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    *_overlap         share of each exchange that hides behind work
    dropout           masks are drawn and kept
    straggle_fraction          time lost with each doubling of the nodes, as a share of the step
    step_s            beside the work in each step: loss, clipping, logging [s]
    launch_s          of a product, beyond its arithmetic (aiconfigurator); gap_s  between any two kernels
    spread_fraction, experts_spread_fraction  90th percentile of the errors on rows that nothing was fitted to; with experts
    """

    title: str
    attention: Mapping[str, str]
    products_share: Mapping[str, float]
    residual_passes_count: float = 3.0
    inner_passes_count: float = 1.0
    logit_bytes: float = 20.0
    logit_kept_bytes: float = 8.0
    casts_ratio: float = 1.0
    again_fraction: float = 1.0
    host_s: float = 0.0
    optimizer_bytes: float = 51.0
    gradient_bytes: float = 4.0
    tensor_overlap_fraction: float = 0.0
    data_overlap_fraction: float = 0.0
    pipe_overlap_fraction: float = 0.0
    expert_overlap_fraction: float = 0.0
    context_overlap_fraction: float = 0.8
    dropout: bool = False
    straggle_fraction: float = 0.005
    step_s: float = 0.01
    launch_s: float = 2.66e-6
    experts_ratio: float = 0.8
    experts_s: float = 2e-3
    sends_once: bool = False
    lean: bool = False
    gap_s: float = 0.0
    spread_fraction: float = 0.2
    experts_spread_fraction: float = 0.45


_FLASH2: Final = {"ampere": "flash2", "hopper": "flash2", "blackwell": "cudnn"}
_TRITON: Final = {"ampere": "triton", "hopper": "triton", "blackwell": "triton"}
_CUDNN: Final = {"ampere": "flash2", "hopper": "cudnn", "blackwell": "cudnn"}
_UNFUSED: Final = {"ampere": "unfused", "hopper": "unfused", "blackwell": "unfused"}


def _of(ampere: float = 0.8, hopper: float = 0.8, blackwell: float = 0.8) -> dict[str, float]:
    """A share an architecture."""
    return {"ampere": ampere, "hopper": hopper, "blackwell": blackwell}


def _all(share: float) -> dict[str, float]:
    """One share for all architectures."""
    return _of(share, share, share)


GENERATIONS: Final[dict[str, Generation]] = {
    "compiled": Generation(
        "PyTorch, compiled, one GPU a replica", _FLASH2, _all(1.0),
        again_fraction=0.65, data_overlap_fraction=0.8, step_s=0.0, logit_kept_bytes=2.0,
    ),
    "eager": Generation(
        "PyTorch, launched one by one", _FLASH2, _all(1.0), 7.0, 1.5, 34.0,
        host_s=7.3e-6, gap_s=2.66e-6, data_overlap_fraction=0.8, step_s=0.0,
    ),
    "megatron-2021": Generation(
        "Megatron-LM, 2020 to 2022", _UNFUSED, _all(0.91), 3.25, 1.5, 34.0,
        gradient_bytes=2.0, dropout=True, spread_fraction=0.13,
    ),
    "deepspeed-2021": Generation(
        "Megatron-DeepSpeed, 2021 to 2023", _UNFUSED, _all(0.91), 3.25, 1.5, 34.0,
        host_s=60e-6, gradient_bytes=2.0, dropout=True,
    ),
    "fsdp-2023": Generation(
        "PyTorch FSDP, 2023", _TRITON, _of(ampere=0.91, hopper=0.86), 11.0, 1.5, 34.0, host_s=16e-6, spread_fraction=0.12,
    ),
    "fsdp-2024": Generation(
        "PyTorch FSDP, compiled, from 2024", _FLASH2, _all(0.85), 4.0, gradient_bytes=2.0, data_overlap_fraction=0.53,
    ),
    "jax-2024": Generation(
        "JAX with XLA, 2023 to 2025", _CUDNN, _all(0.74), 5.0,
        casts_ratio=3.8, gradient_bytes=2.0, again_fraction=0.0, data_overlap_fraction=0.19,
    ),
    "internevo-2023": Generation(
        "InternEvo, 2023", _FLASH2, _all(0.705), 6.0, 1.5, 34.0, gradient_bytes=2.0, data_overlap_fraction=0.72,
        spread_fraction=0.1,
    ),
    "megatron-2024": Generation(
        "Megatron-Core with Transformer Engine, 2023 to 2025", _CUDNN, _of(hopper=0.81, blackwell=0.55), 17.0,
        casts_ratio=1.54, gradient_bytes=2.0,
        tensor_overlap_fraction=0.91, data_overlap_fraction=0.76, pipe_overlap_fraction=0.8,
        experts_ratio=0.8, experts_s=4.8e-3, spread_fraction=0.19,
    ),
    "mlperf-2024": Generation(
        "Megatron-Core as tuned for MLPerf, 2023 to 2025", _CUDNN, _of(hopper=0.53, blackwell=0.84), 10.0,
        again_fraction=0.2, gradient_bytes=2.0,
        tensor_overlap_fraction=0.85, data_overlap_fraction=0.6, pipe_overlap_fraction=0.8,
        lean=True, spread_fraction=0.29,
    ),
    "megatron-2025": Generation(
        "Megatron-Core with Transformer Engine, end of 2025", _CUDNN, _all(0.8), 10.0, gradient_bytes=2.0,
        tensor_overlap_fraction=0.85, data_overlap_fraction=0.6, pipe_overlap_fraction=0.8,
        experts_ratio=0.74, experts_s=2.8e-3, sends_once=True, spread_fraction=0.13,
    ),
    "megatron-2026": Generation(
        "Megatron-Core with Transformer Engine, spring of 2026", _CUDNN, _all(0.8), 10.0, gradient_bytes=2.0,
        tensor_overlap_fraction=0.85, data_overlap_fraction=0.6, pipe_overlap_fraction=0.8,
        experts_ratio=0.43, experts_s=1.2e-3, expert_overlap_fraction=0.14, sends_once=True, spread_fraction=0.11,
    ),
    "megatron-2026-06": Generation(
        "Megatron-Core with Transformer Engine, from June 2026", _CUDNN, _all(0.8), 10.0, gradient_bytes=2.0,
        tensor_overlap_fraction=0.85, data_overlap_fraction=0.6, pipe_overlap_fraction=0.8,
        experts_ratio=0.92, experts_s=0.8e-3, expert_overlap_fraction=0.65, sends_once=True, spread_fraction=0.1,
    ),
    "deepspeed-2025": Generation("DeepSpeed ZeRO, 2025", _CUDNN, _all(0.8), 5.0, 1.5, gradient_bytes=2.0),
}  # fmt: skip


def generation_named(name: str) -> Generation:
    """A generation by name.  Raises UnknownName."""
    if name not in GENERATIONS:
        raise UnknownName("software", name, GENERATIONS)
    return GENERATIONS[name]
