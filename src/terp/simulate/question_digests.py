"""What a year or a replay answers, before it is worked out: digests of what was named, and the settings in force.

A folder with the same question is written over, one with another is not (`terp.files.same_question`).
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from terp.connect import SlurmConf
from terp.describe import Policy, Scenario, Trace
from terp.describe.hall import Declared
from terp.files import Question
from terp.files.open_file import open_regular
from terp.reader import record_digest
from terp.results import question_of_run
from terp.simulate.account.operation_figures import controls_data
from terp.simulate.account.origin import digests_of
from terp.simulate.controls import controls_on
from terp.simulate.scenario_inputs import ScenarioInputs


def question_of_year(scenario: Scenario, inputs: ScenarioInputs) -> Question | None:
    """What a year of a scenario answers, in the words in which its run.json says it.

    inputs   of the scenario.  Raises Problems for controls that this machine cannot have
    """
    controls = controls_data(controls_on(inputs.machine, scenario, inputs.policy))
    digests = digests_of(inputs.machine, inputs.site, inputs.workload)
    return question_of_run({"digests": digests, "days": scenario.days, "seed": scenario.seed, "controls": controls})


def question_of_replay(
    trace: Trace | Path,
    scenario: Scenario,
    inputs: ScenarioInputs,
    policy: Policy,
    conf: SlurmConf | None,
    read_as: str = "",
) -> Question:
    """What a replay of a trace answers.  Raises Problems for a file that cannot be read.

    trace     the jobs, or the file that has them, which is digested as it stands
    inputs    whose machine and site count;  policy  how it is shared
    conf      whose nodes count instead of the machine's; None without one
    read_as   the format of the file and what its processors are, where that was said

    Without failures the seed decides nothing, and is left out.
    """
    site = inputs.site.record.model_copy(update={"declared": Declared()})  # which changes no figure
    return {
        "trace_digest": _digest_of_trace(trace),
        "format": read_as,
        "machine_digest": record_digest(inputs.machine.file),
        "site_digest": record_digest(site),
        "policy": policy.name,
        "policy_digest": record_digest(policy),
        "nodes_digest": "" if conf is None else _digest_of_arrays(conf.cluster),
        "spare_nodes_count": scenario.spare_nodes_count,
        "failures": scenario.failures,
        **({"seed": scenario.seed} if scenario.failures else {}),
    }


def _digest_of_trace(trace: Trace | Path) -> str:
    """SHA-256 of a trace, or of the file that has it."""
    if isinstance(trace, Trace):
        return _digest_of_arrays(trace)
    with open_regular(trace) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _digest_of_arrays(record: object) -> str:
    """SHA-256 of the arrays and names of a record; what else it holds, such as notes, is left out."""
    whole = hashlib.sha256()
    for part in fields(record):  # type: ignore[arg-type]
        value = getattr(record, part.name)
        if isinstance(value, np.ndarray):
            whole.update(part.name.encode() + np.ascontiguousarray(value).tobytes())
        elif isinstance(value, tuple):
            whole.update(repr((part.name, value)).encode())
    return whole.hexdigest()
