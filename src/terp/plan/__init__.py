"""WHAT SHOULD WE BUY?

A search over machines that a budget can pay: built by rule, priced, predicted, and the best of them simulated.
"""

from terp.plan.outcome.plan_folder import save_plan
from terp.plan.planner import NothingFits, Plan, make_plan
from terp.plan.planning_inputs import Inputs, read_inputs
from terp.plan.search.objectives import OBJECTIVES

__all__ = ["OBJECTIVES", "Inputs", "NothingFits", "Plan", "make_plan", "read_inputs", "save_plan"]
