"""WHAT CAME OUT, AND FROM WHAT?

Records of results with their origin; saved whole or not at all.

`Result` in `record.py` is what all of them share; each kind of result has a module: benchmarks, trainings, a simulated
year with its summary and folder, a replayed trace, a sweep.  `figures.py` and `comparison.py` set years side by side.
Nothing here computes a prediction or runs an engine, and nothing prints: the verbs and notebooks show these records
through the viewer that `views` gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from terp.exports import exported

if TYPE_CHECKING:
    from terp.results.comparison import Case, bands, cases_of_sweep, compare, read_cases
    from terp.results.figures import HEADLINES, kept_work_s, paired_interval, reliability_of
    from terp.results.run_folder import RUN, Run, load_run, question_of_run, save_run
    from terp.results.sweep_result import Sweep, load_folder, load_sweep

__all__ = [
    "HEADLINES",
    "RUN",
    "Case",
    "Run",
    "Sweep",
    "bands",
    "cases_of_sweep",
    "compare",
    "kept_work_s",
    "load_folder",
    "load_run",
    "load_sweep",
    "paired_interval",
    "question_of_run",
    "read_cases",
    "reliability_of",
    "save_run",
]

__getattr__ = exported(
    __name__,
    {
        "comparison": ("Case", "bands", "cases_of_sweep", "compare", "read_cases"),
        "figures": ("HEADLINES", "kept_work_s", "paired_interval", "reliability_of"),
        "run_folder": ("RUN", "Run", "load_run", "question_of_run", "save_run"),
        "sweep_result": ("Sweep", "load_folder", "load_sweep"),
    },
)
