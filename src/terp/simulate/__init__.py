"""WHAT HAPPENS OVER A YEAR?

The only mutable state in Terp, inside three compiled engines and their slow reference.  Everything around them draws inputs
and adds up outputs.

`questions` has the front door, `year` and `replay`.  A year goes through `jobs` (drawn from published statistics),
`controls` (what the operator set), `faults` (when nodes fail), `engine` (who runs when) and `account` (tables and figures).
A seed decides all that is drawn: the same question with the same seed gives the same tables to the byte.
"""

from terp.results.replay_folder import Replay
from terp.simulate.account.eu_report import eu_report
from terp.simulate.account.hours import Hours, hour_by_hour
from terp.simulate.controls import Controls, controls_on
from terp.simulate.engine.compiled import compiled_before, kernels
from terp.simulate.engine.pool_schedule import FlatSchedule, run_pool, schedule_pool
from terp.simulate.engine.trace_schedule import Schedule, TraceExtras, schedule
from terp.simulate.faults import draw_node_events
from terp.simulate.jobs.draw import JobSet, draw_jobs
from terp.simulate.jobs.job_kinds import JobKind, kinds_of
from terp.simulate.jobs.workload_check import TOLERANCE, WorkloadCheck, check_workload
from terp.simulate.question_digests import question_of_replay, question_of_year
from terp.simulate.questions import replay, year
from terp.simulate.scenario_inputs import ScenarioInputs, inputs_of
from terp.simulate.trace_replay import replay_trace
from terp.simulate.workload_year import simulate_scenario

__all__ = [
    "TOLERANCE",
    "Controls",
    "FlatSchedule",
    "Hours",
    "JobKind",
    "JobSet",
    "Replay",
    "ScenarioInputs",
    "Schedule",
    "TraceExtras",
    "WorkloadCheck",
    "check_workload",
    "compiled_before",
    "controls_on",
    "draw_jobs",
    "draw_node_events",
    "eu_report",
    "hour_by_hour",
    "inputs_of",
    "kernels",
    "kinds_of",
    "question_of_replay",
    "question_of_year",
    "replay",
    "replay_trace",
    "run_pool",
    "schedule",
    "schedule_pool",
    "simulate_scenario",
    "year",
]
