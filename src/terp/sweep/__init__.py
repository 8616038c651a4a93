"""WHAT IF?

Many scenarios at once: every combination of the values of some fields, each simulated, none lost.
"""

from terp.sweep.axes import SweepAxes, axes_of_values, read_axes
from terp.sweep.executors import dask, processes
from terp.sweep.many_years import Comparison, compare, run
from terp.sweep.points import run_sweep

__all__ = [
    "Comparison",
    "SweepAxes",
    "axes_of_values",
    "compare",
    "dask",
    "processes",
    "read_axes",
    "run",
    "run_sweep",
]
