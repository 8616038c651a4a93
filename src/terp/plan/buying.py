"""`terp.plan.purchase`: what a budget should buy, from its name, its file or a mapping.

Limits of the question are checked here, together, before anything is read; the plan itself is made in `planner.py`.

    plan = terp.plan.purchase("netherlands", simulation=False)
    plan.best.gpus_count, plan.best.tco_eur
    plan.save("plan")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from os import cpu_count
from pathlib import Path
from typing import Final

from terp.describe import Budget, read_budget
from terp.errors import Problem, Problems
from terp.files import Question, check_target
from terp.plan.outcome.plan_folder import plan_kind, question_of_plan
from terp.plan.outcome.purchase_plan import PurchasePlan
from terp.plan.planner import Progress, make_plan
from terp.plan.planning_inputs import PlanningInputs, read_inputs
from terp.reader import Written
from terp.sweep.executors import Crew, cores, processes

LEAST_SCENARIOS: Final = 50
MOST_SCENARIOS: Final = 100_000
"""Price scenarios that an interval of 90 % can be told from, and beyond which nothing changes."""


def purchase(
    budget: str | Path | Mapping[str, object] | Written[Budget],
    *,
    objective: str | None = None,
    sites: Sequence[str] | None = None,
    scenarios: int = 1000,
    seed: int = 1,
    simulation: bool = True,
    executor: Executor | Crew | None = None,
    progress: Progress | None = None,
    out: str | Path | None = None,
    force: bool = False,
) -> PurchasePlan:
    """What to buy under a budget: which kind of machine, how large, where, who pays what, and how sure it is.

    budget       a shipped name, a file, what such a file holds, or a budget that was read
    objective    what the best machine is the best in, if not as the budget says
    sites        only these places of the budget
    scenarios    price scenarios that the choice is held against
    seed         other scenarios
    simulation   whether the years of the frontier's machines are simulated, too
    executor     who simulates them; as many processes of this machine as it has cores if None
    progress     hears what is being done ("search", "prices" or "simulate") and the share of it that is done
    out          a folder that the plan will be saved to: one that holds a plan of another question is refused before the
                 work, unless `force`.  Nothing is written there by this

    The same budget, prices and seed give the same plan, whoever simulates.

    Raises Problems for what is wrong in the budget or asked for, UnknownName for a name that is not there, and NothingFits
    with the cheapest machine that meets all but the money where none fits.
    """
    problems = []
    if not LEAST_SCENARIOS <= scenarios <= MOST_SCENARIOS:
        would_do = f"{LEAST_SCENARIOS} to {MOST_SCENARIOS:,} would do"
        problems.append(Problem("", 0, 0, "scenarios", "no such number of price scenarios", f"{scenarios:,}", would_do))
    if seed < 0:
        problems.append(Problem("", 0, 0, "seed", "a negative seed", str(seed), "0 or more would do"))
    if problems:
        raise Problems(problems)
    inputs = read_inputs(read_budget(budget), objective or "", tuple(sites or ()))
    if out is not None:
        asked = question_of_inputs(inputs, scenarios, seed, simulation=simulation)
        check_target(Path(out), plan_kind(Path(out)), None if force else asked)
    return make_plan(inputs, _crew(executor) if simulation else None, scenarios, seed, progress)


def question_of_inputs(inputs: PlanningInputs, scenarios: int, seed: int, *, simulation: bool) -> Question | None:
    """What a plan of some inputs will answer, in the words of its plan.json.

    scenarios, seed, simulation   as of `purchase`
    """
    document = {
        "budget": {
            "name": inputs.budget.record.name,
            "digest": inputs.digest,
            "objective": inputs.objective,
            "site_titles": [place.title for place in inputs.places.values()],
        },
        "searched": {"scenarios_count": scenarios, "seed": seed},
        "best": {"simulated": True if simulation else None},
    }
    return question_of_plan(document)


def _crew(executor: Executor | Crew | None) -> Crew:
    """Who simulates: an executor is used as it is and left open, with as many workers as it says, or as there are cores."""
    if executor is None:
        return processes(cores())
    if not isinstance(executor, Executor):
        return executor

    @contextmanager
    def given() -> Iterator[tuple[Executor, int]]:
        yield executor, getattr(executor, "_max_workers", None) or cpu_count() or 1

    return given
