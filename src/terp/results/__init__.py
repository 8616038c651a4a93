"""WHAT CAME OUT, AND FROM WHAT?

Records of results with their origin; saved whole or not at all.
"""

from terp.results.reliability import kept_work_s, poisson_interval, reliability_of
from terp.results.run import Run, check_target, load_run, save_run, write_whole

__all__ = [
    "Run",
    "check_target",
    "kept_work_s",
    "load_run",
    "poisson_interval",
    "reliability_of",
    "save_run",
    "write_whole",
]
