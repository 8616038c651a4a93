"""HPCG: conjugate gradients on a sparse grid, bound by memory and by the exchange of halos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.physics.benchmark.hpl import HplSystem
from terp.physics.gpu.architectures import architecture_of, graded_class
from terp.physics.intervals import interval_of


@dataclass(frozen=True)
class HpcgConstants:
    """Constants of HPCG.

    halo_bytes_per_flop  over the network for each flop
    run_s                shortest run that the list takes
    activity_fraction    level of a node between idle and full
    """

    PLACE: ClassVar[str] = "benchmarks.hpcg"
    halo_bytes_per_flop: float
    run_s: float
    activity_fraction: float


@dataclass(frozen=True)
class HpcgPrediction:
    """A run of HPCG: rate with its interval [flop/s], and where the time goes, as shares of it [-].

    class_name says how much is known of such chips, which decides how wide the interval is.
    memory_fraction and halo_fraction add up to 1; run_s is the shortest time that the list takes, not a predicted one.
    """

    hpcg_flop_per_s: float
    hpcg_low_flop_per_s: float
    hpcg_high_flop_per_s: float
    class_name: str
    run_s: float
    memory_fraction: float
    halo_fraction: float


def predict_hpcg(system: HplSystem) -> HpcgPrediction:
    """Predicts a run.  1 / (rate a GPU) = 1 / (i W) + h / b

    W  nominal memory rate of a GPU [B/s]       i  flops a byte [flop/B]
    b  network rate of a GPU [B/s]              h  bytes over the network a flop [B/flop]

    Roofline with a term for halos.  Range 60 to 40,000 GPUs of at least 40 GB.  A machine of one node has no halo term.

    system   of a machine; order and speed under a cap play no part, since memory binds
    """
    c, known = constants(HpcgConstants), architecture_of(system.accelerator)
    memory_s = 1 / (known.hpcg_flop_per_byte * system.accelerator.memory_rate_bytes_per_s)
    crosses = system.gpus_count > system.gpus_per_node_count
    halo_s = c.halo_bytes_per_flop / system.network_bytes_per_s if crosses else 0.0
    rate, class_name = system.gpus_count / (memory_s + halo_s), graded_class(system.accelerator, "hpcg")
    interval = interval_of("hpcg", class_name)
    return HpcgPrediction(
        hpcg_flop_per_s=rate,
        hpcg_low_flop_per_s=rate * interval.low_ratio,
        hpcg_high_flop_per_s=rate * interval.high_ratio,
        class_name=class_name,
        run_s=c.run_s,
        memory_fraction=memory_s / (memory_s + halo_s),
        halo_fraction=halo_s / (memory_s + halo_s),
    )
