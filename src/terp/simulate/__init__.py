"""WHAT HAPPENS OVER A YEAR?

The only mutable state in Terp, inside one compiled core.  Everything around it draws inputs and adds up outputs.
"""

from terp.simulate.account import Hours, hour_by_hour
from terp.simulate.axes import Plan, read_plan
from terp.simulate.check import TOLERANCE, Check, check_workload
from terp.simulate.controls import Controls
from terp.simulate.draw import JobSet, draw_jobs
from terp.simulate.executors import dask, processes
from terp.simulate.faults import draw_node_events
from terp.simulate.flat import FlatSchedule, run_pool, schedule_pool
from terp.simulate.kernels import compiled_before, kernels
from terp.simulate.kinds import Kind, kinds_of
from terp.simulate.replay import Replay, replay
from terp.simulate.scenario import Scenario
from terp.simulate.schedule import Extras, Schedule, schedule
from terp.simulate.sweep import run_sweep
from terp.simulate.year import simulate

__all__ = [
    "TOLERANCE",
    "Check",
    "Controls",
    "Extras",
    "FlatSchedule",
    "Hours",
    "JobSet",
    "Kind",
    "Plan",
    "Replay",
    "Scenario",
    "Schedule",
    "check_workload",
    "compiled_before",
    "dask",
    "draw_jobs",
    "draw_node_events",
    "hour_by_hour",
    "kernels",
    "kinds_of",
    "processes",
    "read_plan",
    "replay",
    "run_pool",
    "run_sweep",
    "schedule",
    "schedule_pool",
    "simulate",
]
