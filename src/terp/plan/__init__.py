"""WHAT SHOULD WE BUY?

A search over machines that a budget can pay: built by rule, priced, predicted, and the best of them simulated.
"""

from terp.plan.inputs import Inputs, read_inputs
from terp.plan.objectives import OBJECTIVES
from terp.plan.plan import NothingFits, Plan, make_plan
from terp.plan.save import save_plan

__all__ = ["OBJECTIVES", "Inputs", "NothingFits", "Plan", "make_plan", "read_inputs", "save_plan"]
