"""HOW FAST, HOW HOT, HOW RELIABLE?

Pure functions, one model each, with its symbols, units and source.  No clock, no files, no state.

Each module says its formula, its symbols, the range it was fitted in and its source; its constants are data of the catalogue
(`terp.catalogue.constants`), asked for where they are used.  Numbers are SI floats or numpy arrays of them, and most
functions take either.

Folders go by subject: `gpu` (clocks, GEMM, attention), `fabric` (collectives), `neural` (what a network computes),
`training` and `serving` (what that takes on GPUs), `benchmark` (HPL and its kin), `power` (GPU to hall), `money` (prices and
bills). `terp.predict` asks these models about a machine by name, and `terp.simulate` runs them over a year.
"""

from terp.physics.benchmark.benchmark_system import (
    benchmark_power_w,
    benchmark_system,
    is_reference,
    node_in_hpl,
    products_under_cap,
)
from terp.physics.benchmark.hpcg import HpcgPrediction, predict_hpcg
from terp.physics.benchmark.hpl import (
    HplPrediction,
    HplSystem,
    HplTerms,
    hpl_class,
    hpl_terms,
    matrix_order,
    matrix_orders,
    predict_hpl,
)
from terp.physics.benchmark.hpl_power import hpl_power_class, hpl_power_w
from terp.physics.benchmark.mxp import MxpPrediction, predict_mxp
from terp.physics.benchmark.ranks import Rank, listed_flop_per_s, rank_in, ranks_in, year_of_month
from terp.physics.fabric.collectives import Interconnect, collective_s, interconnect_between, interconnect_of
from terp.physics.gpu.architectures import Architecture, Fallback, architecture_of, is_measured
from terp.physics.gpu.dgemm import dgemm_flop_per_s, power_limited_clock_hz
from terp.physics.gpu.kernels import attention_s, gemm_s, stream_s
from terp.physics.intervals import Interval, interval_of
from terp.physics.money.costs import (
    CostLine,
    UnitPrice,
    cost_line,
    hardware_lines,
    installation_line,
    line_of,
    part_price,
    quantity_of,
    ranges_of,
    scenarios_eur,
    unit_price,
    unpriced_parts,
)
from terp.physics.money.electricity import Peaks, capacity_charge_eur, energy_price_eur_per_j, staircase_eur, staircases_eur
from terp.physics.money.price_uncertainty import (
    MARKET,
    draw_factors,
    level_fraction,
    level_fractions,
    level_spread,
    split_lognormal,
)
from terp.physics.neural.families import work_of
from terp.physics.neural.work import Work
from terp.physics.power.facility import (
    HallFlows,
    Weather,
    cooling_degree_days,
    facility_power_w,
    hall_flows,
    mechanical_share,
    most_taken_w,
    pue,
    waste_heat_celsius,
)
from terp.physics.power.job_power import JobPower, Pattern, Shape, job_power, node_trace_w, pattern_for, patterns
from terp.physics.power.machine_power import MachinePower, machine_power, powers_w
from terp.physics.power.node_levels import (
    NodeLevels,
    fan_power_w,
    gpu_share_w,
    idle_power_w,
    levels_from_parts,
    levels_of,
    node_levels,
    node_power_w,
)
from terp.physics.power.power_caps import Capped, capped, capped_job, gpu_cap_of_node_w, least_cap_fraction
from terp.physics.power.power_parts import PowerPart, power_parts
from terp.physics.serving.inference import decode_s, prefill_s
from terp.physics.training.checkpoint import checkpoint_bytes, checkpoint_interval, checkpoint_write_s, expected_ettr
from terp.physics.training.goodput import mean_repair_s
from terp.physics.training.software import Generation, generation_named, generations
from terp.physics.training.step_prediction import TrainingStep, predict_step
from terp.physics.training.strategy import Strategy

__all__ = [
    "MARKET",
    "Architecture",
    "Capped",
    "CostLine",
    "Fallback",
    "Generation",
    "HallFlows",
    "HpcgPrediction",
    "HplPrediction",
    "HplSystem",
    "HplTerms",
    "Interconnect",
    "Interval",
    "JobPower",
    "MachinePower",
    "MxpPrediction",
    "NodeLevels",
    "Pattern",
    "Peaks",
    "PowerPart",
    "Rank",
    "Shape",
    "Strategy",
    "TrainingStep",
    "UnitPrice",
    "Weather",
    "Work",
    "architecture_of",
    "attention_s",
    "benchmark_power_w",
    "benchmark_system",
    "capacity_charge_eur",
    "capped",
    "capped_job",
    "checkpoint_bytes",
    "checkpoint_interval",
    "checkpoint_write_s",
    "collective_s",
    "cooling_degree_days",
    "cost_line",
    "decode_s",
    "dgemm_flop_per_s",
    "draw_factors",
    "energy_price_eur_per_j",
    "expected_ettr",
    "facility_power_w",
    "fan_power_w",
    "gemm_s",
    "generation_named",
    "generations",
    "gpu_cap_of_node_w",
    "gpu_share_w",
    "hall_flows",
    "hardware_lines",
    "hpl_class",
    "hpl_power_class",
    "hpl_power_w",
    "hpl_terms",
    "idle_power_w",
    "installation_line",
    "interconnect_between",
    "interconnect_of",
    "interval_of",
    "is_measured",
    "is_reference",
    "job_power",
    "least_cap_fraction",
    "level_fraction",
    "level_fractions",
    "level_spread",
    "levels_from_parts",
    "levels_of",
    "line_of",
    "listed_flop_per_s",
    "machine_power",
    "matrix_order",
    "matrix_orders",
    "mean_repair_s",
    "mechanical_share",
    "most_taken_w",
    "node_in_hpl",
    "node_levels",
    "node_power_w",
    "node_trace_w",
    "part_price",
    "pattern_for",
    "patterns",
    "power_limited_clock_hz",
    "power_parts",
    "powers_w",
    "predict_hpcg",
    "predict_hpl",
    "predict_mxp",
    "predict_step",
    "prefill_s",
    "products_under_cap",
    "pue",
    "quantity_of",
    "ranges_of",
    "rank_in",
    "ranks_in",
    "scenarios_eur",
    "split_lognormal",
    "staircase_eur",
    "staircases_eur",
    "stream_s",
    "unit_price",
    "unpriced_parts",
    "waste_heat_celsius",
    "work_of",
    "year_of_month",
]
