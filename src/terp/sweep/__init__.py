"""WHAT IF?

Many scenarios at once: every combination of the values of some fields, each simulated, none lost.
"""

from terp.sweep.axes import SweepAxes, axes_of_values, read_axes
from terp.sweep.executors import dask, processes
from terp.sweep.points import run_sweep

__all__ = ["SweepAxes", "axes_of_values", "dask", "processes", "read_axes", "run_sweep"]
