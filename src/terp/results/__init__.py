"""WHAT CAME OUT, AND FROM WHAT?

Records of results with their origin; saved whole or not at all.
"""

from terp.results.comparison import Case, bands, cases_of_sweep, compare, read_cases
from terp.results.figures import HEADLINES, paired_interval
from terp.results.reliability import kept_work_s, reliability_of
from terp.results.run_folder import Run, check_target, load_run, save_run, save_whole
from terp.results.sweep_result import Sweep, load_folder, load_sweep

__all__ = [
    "HEADLINES",
    "Case",
    "Run",
    "Sweep",
    "bands",
    "cases_of_sweep",
    "check_target",
    "compare",
    "kept_work_s",
    "load_folder",
    "load_run",
    "load_sweep",
    "paired_interval",
    "read_cases",
    "reliability_of",
    "save_run",
    "save_whole",
]
