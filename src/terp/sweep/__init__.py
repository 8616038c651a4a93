"""WHAT IF?

Many scenarios at once: every combination of the values of some fields, each simulated, none lost.
"""

from terp.sweep.axes import Plan, read_plan
from terp.sweep.executors import dask, processes
from terp.sweep.points import run_sweep
from terp.sweep.scenario import Scenario

__all__ = ["Plan", "Scenario", "dask", "processes", "read_plan", "run_sweep"]
