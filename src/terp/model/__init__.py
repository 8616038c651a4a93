"""HOW FAST, HOW HOT, HOW RELIABLE?

Pure functions, one model each, with its symbols, units and source.  No clock, no files, no state.
"""

from terp.model.benchmark import benchmark_power_w, benchmark_system
from terp.model.dgemm import dgemm_flop_per_s, power_limited_clock_hz
from terp.model.facility import facility_power_w, mechanical_share, pue
from terp.model.hpcg import HpcgPrediction, predict_hpcg
from terp.model.hpl import HplPrediction, HplSystem, matrix_order, predict_hpl
from terp.model.hpl_power import NETWORK_J_PER_BYTE, hpl_power_w
from terp.model.kernels import SOFTWARE, STREAM_SHARE, attention_s, gemm_s, stream_s
from terp.model.machine import MachinePower, machine_power
from terp.model.money import staircase_eur
from terp.model.mxp import MxpPrediction, predict_mxp
from terp.model.power import NodeLevels, fan_power_w, idle_power_w, levels_from_parts, levels_of, node_levels, node_power_w
from terp.model.transformer import StepTime, Transformer, decode_s, prefill_s, train_step_s

__all__ = [
    "NETWORK_J_PER_BYTE",
    "SOFTWARE",
    "STREAM_SHARE",
    "HpcgPrediction",
    "HplPrediction",
    "HplSystem",
    "MachinePower",
    "MxpPrediction",
    "NodeLevels",
    "StepTime",
    "Transformer",
    "attention_s",
    "benchmark_power_w",
    "benchmark_system",
    "decode_s",
    "dgemm_flop_per_s",
    "facility_power_w",
    "fan_power_w",
    "gemm_s",
    "hpl_power_w",
    "idle_power_w",
    "levels_from_parts",
    "levels_of",
    "machine_power",
    "matrix_order",
    "mechanical_share",
    "node_levels",
    "node_power_w",
    "power_limited_clock_hz",
    "predict_hpcg",
    "predict_hpl",
    "predict_mxp",
    "prefill_s",
    "pue",
    "staircase_eur",
    "stream_s",
    "train_step_s",
]
