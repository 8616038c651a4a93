"""WHAT HAPPENS OVER A YEAR?

The only mutable state in Terp, inside three compiled engines and their slow reference.  Everything around them draws inputs
and adds up outputs.
"""

from terp.simulate.account.hours import Hours, hour_by_hour
from terp.simulate.controls import Controls
from terp.simulate.engine.compiled import compiled_before, kernels
from terp.simulate.engine.pool_schedule import FlatSchedule, run_pool, schedule_pool
from terp.simulate.engine.trace_schedule import Schedule, TraceExtras, schedule
from terp.simulate.faults import draw_node_events
from terp.simulate.jobs.draw import JobSet, draw_jobs
from terp.simulate.jobs.job_kinds import Kind, kinds_of
from terp.simulate.jobs.workload_check import TOLERANCE, Check, check_workload
from terp.simulate.trace_replay import Replay, replay
from terp.simulate.year import simulate

__all__ = [
    "TOLERANCE",
    "Check",
    "Controls",
    "FlatSchedule",
    "Hours",
    "JobSet",
    "Kind",
    "Replay",
    "Schedule",
    "TraceExtras",
    "check_workload",
    "compiled_before",
    "draw_jobs",
    "draw_node_events",
    "hour_by_hour",
    "kernels",
    "kinds_of",
    "replay",
    "run_pool",
    "schedule",
    "schedule_pool",
    "simulate",
]
