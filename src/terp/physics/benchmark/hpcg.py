"""HPCG: conjugate gradients on a sparse grid, bound by memory and by the exchange of halos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.physics.benchmark.hpl import HplSystem
from terp.physics.gpu.architectures import architecture_of

HALO_BYTES_PER_FLOP: Final = 0.0067
"""Bytes over the network for each flop, assumed, 0.003 to 0.01: a multigrid iteration does about 320 flops a point and
exchanges the six faces of a 256-point cube some five times, 0.004, and again half as much for what latency adds."""
LOW_RATIO: Final = 0.74
HIGH_RATIO: Final = 1.13
"""Published over predicted: the 10th and 90th percentile of the fit rows."""
RUN_S: Final = 1800.0
"""Shortest run that the list takes (hpcg-rules)."""
ACTIVITY: Final = 0.70
"""Power of an H100 in memory copies, 514 W, between idle 77 W and its cap 700 W (terp-h100)."""


@dataclass(frozen=True)
class HpcgPrediction:
    """A run of HPCG: rate with its interval [flop/s], and where the time goes, as shares of it [-]."""

    hpcg_flop_per_s: float
    hpcg_low_flop_per_s: float
    hpcg_high_flop_per_s: float
    run_s: float
    memory_fraction: float
    halo_fraction: float


def predict_hpcg(system: HplSystem) -> HpcgPrediction:
    """Predicts a run.  1 / (rate a GPU) = 1 / (i W) + h / b

    W  nominal memory rate of a GPU [B/s]       i  flops a byte [flop/B]
    b  network rate of a GPU [B/s]              h  bytes over the network a flop [B/flop]

    Roofline with a term for halos.  Range 60 to 40,000 GPUs of at least 40 GB.  A machine of one node has no halo term.
    """
    known = architecture_of(system.accelerator)
    memory_s = 1 / (known.hpcg_flop_per_byte * system.accelerator.memory_rate_bytes_per_s)
    crosses = system.gpus_count > system.gpus_per_node_count
    halo_s = HALO_BYTES_PER_FLOP / system.network_bytes_per_s if crosses else 0.0
    rate = system.gpus_count / (memory_s + halo_s)
    return HpcgPrediction(
        hpcg_flop_per_s=rate,
        hpcg_low_flop_per_s=rate * LOW_RATIO / known.hpcg_wider_ratio,
        hpcg_high_flop_per_s=rate * HIGH_RATIO * known.hpcg_wider_ratio,
        run_s=RUN_S,
        memory_fraction=memory_s / (memory_s + halo_s),
        halo_fraction=halo_s / (memory_s + halo_s),
    )
