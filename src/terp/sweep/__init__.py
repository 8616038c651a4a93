"""WHAT IF?

Many scenarios at once: every combination of the values of some fields, each simulated, none lost.

`run` does them and keeps the figures of each in a folder, `compare` says what changed between runs or sweeps of the same
seeds.  A sweep that was stopped goes on with the same call: what is in its folder is not done again.

`axes` says which scenarios there are, `executors` who works, `points` does the work and keeps it, and `many_years` is the
front door to all of them.  What lies in the folder is the matter of `terp.results`.
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
