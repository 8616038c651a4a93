"""WHAT SHOULD WE BUY?

A search over machines that a budget can pay: built by rule, priced, predicted, and the best of them simulated.

`purchase` makes a plan, `read_plan` reads one that was saved, and `plan_of` makes one of its document.  Below:
`machines` builds every machine that could be bought, `money` says who can pay for it, `search` tries all of them,
`uncertainty` holds the choice against other prices, and `outcome` is what is said of it.  Words are made in `views`.

    plan = terp.plan.purchase("netherlands", simulation=False)
    plan.best.gpus_count, plan.frontier, plan.check()
    plan.save("plan")
    terp.plan.read_plan("plan") == plan

In order: `buying.py` checks the question, `planning_inputs.py` reads all files, and `planner.py` takes the steps, from the
designs (`machines.designs`) over their arrays (`search.evaluate`) to the frontier (`search.frontier`), the independent check
(`outcome.independent_check`), the price scenarios and the simulated years.  Arrays live as long as the search does; what
comes out is a `PurchasePlan` of plain records, with codes for what is said (`reason_codes.py`).
"""

from terp.plan.buying import LEAST_SCENARIOS, MOST_SCENARIOS, purchase
from terp.plan.outcome.machine_records import ConstraintCheck, CostOfLine, MachineKind, PlannedMachine, SimulatedYear
from terp.plan.outcome.no_plan import NothingFits
from terp.plan.outcome.plan_records import (
    Assumption,
    BindingConstraint,
    CashFlowRow,
    InputSwing,
    KindWins,
    MoneyFlow,
    PayerShare,
    RejectedKind,
)
from terp.plan.outcome.purchase_plan import PurchasePlan, plan_of, read_plan
from terp.plan.reason_codes import Reason
from terp.plan.search.objectives import OBJECTIVES

__all__ = [
    "LEAST_SCENARIOS",
    "MOST_SCENARIOS",
    "OBJECTIVES",
    "Assumption",
    "BindingConstraint",
    "CashFlowRow",
    "ConstraintCheck",
    "CostOfLine",
    "InputSwing",
    "KindWins",
    "MachineKind",
    "MoneyFlow",
    "NothingFits",
    "PayerShare",
    "PlannedMachine",
    "PurchasePlan",
    "Reason",
    "RejectedKind",
    "SimulatedYear",
    "plan_of",
    "purchase",
    "read_plan",
]
