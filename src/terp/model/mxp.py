"""HPL-MxP: the same system as HPL, factorised in half precision and refined to double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.model.hpl import HplSystem, predict_hpl

GEMM_SHARE: Final = 668.3 / 989.4
"""FP16 GEMM over dense peak at the power-limited clock of 1.36 GHz: one H100 SXM (terp-h100)."""
WORD_SHARE: Final = 2 / 8
"""Bytes that cross the network over those of HPL: halves for doubles."""
LOW_RATIO: Final = 0.65
HIGH_RATIO: Final = 1.6
"""Published over predicted: what most of the 14 rows span."""


@dataclass(frozen=True)
class MxpPrediction:
    """A run of HPL-MxP: rate with its interval [flop/s], time [s], and where it goes [s]."""

    n_count: int
    mxp_flop_per_s: float
    mxp_low_flop_per_s: float
    mxp_high_flop_per_s: float
    run_s: float
    gemm_s: float
    network_s: float


def predict_mxp(system: HplSystem) -> MxpPrediction:
    """Predicts a run.  T = W / (G r16) + (T_network + T_staging of HPL) / 4,  W = 2/3 N^3

    r16  FP16 GEMM rate of a GPU at its power-limited clock [flop/s]

    No constant is fitted: the GEMM share was measured on one GPU, the quarter is that of the words.  Refinement and the
    generation of the matrix are left out, and N is HPL's.  Sites tune this benchmark for years: published rates of like
    machines differ by a factor of two.
    """
    double = predict_hpl(system)
    peak = system.accelerator.peak_flop_per_s["fp16"]
    work = 2 / 3 * double.n_count**3
    gemm_s = work / (system.gpus_count * GEMM_SHARE * peak)
    network_s = WORD_SHARE * (double.network_s + double.staging_s)
    rate = work / (gemm_s + network_s)
    return MxpPrediction(
        n_count=double.n_count,
        mxp_flop_per_s=rate,
        mxp_low_flop_per_s=rate * LOW_RATIO,
        mxp_high_flop_per_s=rate * HIGH_RATIO,
        run_s=gemm_s + network_s,
        gemm_s=gemm_s,
        network_s=network_s,
    )
