"""HPL-MxP: the same system as HPL, factorised in half precision and refined to double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.physics.benchmark.hpl import HplSystem, matrix_order
from terp.physics.gpu.architectures import graded_class
from terp.physics.gpu.precisions import peak_flop_per_s
from terp.physics.intervals import interval_of


@dataclass(frozen=True)
class MxpConstants:
    """Published rate over dense FP16 peak: median of the rows."""

    PLACE: ClassVar[str] = "benchmarks.mxp"
    peak_fraction: float


@dataclass(frozen=True)
class MxpPrediction:
    """A run of HPL-MxP: order of the matrix, rate with its interval [flop/s], time [s], class that decides the interval."""

    n_count: int
    mxp_flop_per_s: float
    mxp_low_flop_per_s: float
    mxp_high_flop_per_s: float
    class_name: str
    run_s: float


def predict_mxp(system: HplSystem) -> MxpPrediction:
    """Predicts a run.  R = 0.45 G p16 s,  T = 2/3 N^3 / R

    G, p16  GPUs [-], and the dense FP16 peak of one [flop/s];  s  speed under a cap of the GPUs, if there is one

    The one-line baseline, kept on purpose: a model of GEMM at the power-limited clock and a quarter of HPL's traffic
    lost to it on the rows held out.  Sites tune this benchmark for years, and published rates of like machines differ
    by a factor of two.
    """
    order = system.n_count or matrix_order(system.accelerator, system.gpus_count)
    peak = peak_flop_per_s(system.accelerator, "fp16")
    c = constants(MxpConstants)
    class_name = graded_class(system.accelerator, "mxp")
    interval = interval_of("mxp", class_name)
    rate = c.peak_fraction * system.gpus_count * peak * system.speed_ratio
    return MxpPrediction(
        n_count=order,
        mxp_flop_per_s=rate,
        mxp_low_flop_per_s=rate * interval.low_ratio,
        mxp_high_flop_per_s=rate * interval.high_ratio,
        class_name=class_name,
        run_s=2 / 3 * order**3 / rate,
    )
