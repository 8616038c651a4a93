"""The front door of `simulate`: a year of a workload, or a trace replayed, asked with the words of the options.

The verbs of the terminal call these, and nothing else of this folder.

Words become a `Scenario` and the inputs that it names (`asked_in_words`), with every mistake in one error; then the year is
simulated or the trace replayed by the modules below.  Whoever has records at hand already may call those directly.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from terp.connect import Known, SlurmConf, read_slurm_conf, read_trace
from terp.describe import (
    DescriptionSource,
    MachineFile,
    Policy,
    Scenario,
    Site,
    Trace,
    Workload,
    read_machine,
    read_policy,
    read_site,
    read_workload,
)
from terp.errors import Problem, Problems, TerpError, problems_of
from terp.files import check_target
from terp.hardware import Machine
from terp.reader import Written, record_of_values
from terp.results import Run
from terp.results.replay_folder import REPLAY, Replay
from terp.simulate.question_digests import question_of_replay
from terp.simulate.scenario_inputs import GivenInputs, ScenarioInputs, inputs_of
from terp.simulate.trace_replay import engine_of, replay_trace
from terp.simulate.workload_year import Progress, simulate_scenario

MachineSource = DescriptionSource | MachineFile | Written[MachineFile] | Machine
SiteSource = DescriptionSource | Site | Written[Site]
WorkloadSource = DescriptionSource | Workload | Written[Workload]
PolicySource = DescriptionSource | Policy | Written[Policy] | Callable[..., object]
T = TypeVar("T")
Named = TypeVar("Named", MachineFile, Site, Workload, Policy)


def year(
    machine: MachineSource,
    *,
    site: SiteSource | None = None,
    workload: WorkloadSource = "national",
    days: int | str = 365,
    seed: int = 1,
    load: float | str | None = None,
    policy: PolicySource | None = None,
    gpu_cap: str | None = None,
    node_cap: str | None = None,
    power_cap: str | None = None,
    response: str | None = None,
    response_hours: str = "17-20",
    spare_nodes: int | None = None,
    failures: bool = True,
    checkpoints: Literal["file", "daly"] = "file",
    delay_by: Literal["price", "carbon"] = "price",
    progress: Progress | None = None,
) -> Run:
    """A year, or some days, of a machine with a whole country working on it.

    machine, site, workload, policy   by shipped name, path or mapping, or as they were read or built; a policy of yours by
                  its name or function, see terp.extend
    days, seed    how long, such as 30, "2w" or "1y", and which year of all that might be: the same seed gives the same
                  tables to the byte
    load          GPU time asked for over GPU time there is
    gpu_cap, node_cap, power_cap, response   powers with their unit, such as "600 W"; "none" lifts a cap of the file
    spare_nodes   that stand by for those that fail
    failures      False: nothing fails
    progress      called with the share done, 0 to 1; may raise to stop the run

    What is None is as the files say.  Raises Problems with everything that is wrong with the question at once.

    workload      whose load, groups, domains and checkpoints count; the job profiles it names are drawn from
    site          None: where the machine's file says that it stands
    response, response_hours   a cap of the machine in some local hours of each day, such as "17-20"
    checkpoints   file: as the workload says; daly: at the interval that costs least
    delay_by      what jobs that a policy lets wait are kept for: cheap or clean hours

    The run holds its four tables, the figures of summary.json and where they come from; `Run.save` keeps it.
    """
    words: dict[str, object] = {
        "site": site,
        "workload": workload,
        "days": days,
        "seed": seed,
        "load": load,
        "policy": policy,
        "gpu_cap": gpu_cap,
        "node_cap": node_cap,
        "power_cap": power_cap,
        "response": response,
        "response_hours": response_hours,
        "spare_nodes": spare_nodes,
        "failures": failures,
        "checkpoints": checkpoints,
        "delay_by": delay_by,
    }
    scenario, given = asked_in_words({"machine": machine, **words})
    return simulate_scenario(scenario, inputs_of(scenario, given), progress)


def replay(
    trace: Trace | str | Path,
    machine: MachineSource,
    *,
    site: SiteSource | None = None,
    policy: PolicySource | None = None,
    slurm_conf: str | Path | SlurmConf | None = None,
    assoc: str | Path | None = None,
    trace_format: str = "",
    unit: Literal["node", "gpu"] | None = None,
    seed: int = 1,
    spare_nodes: int | None = None,
    failures: bool = True,
    before: Callable[[str], None] | None = None,
    out: str | Path | None = None,
    force: bool = False,
) -> Replay:
    """The jobs of a trace on a machine, under a policy or a real slurm.conf; EASY backfill if neither is given.

    trace        a file of any format that Terp reads, or a trace that was read
    machine, site, policy   by shipped name, path or mapping, or as they were read or built
    slurm_conf   its policy and its nodes count, not the machine's;  assoc  accounts and QOS, as sacctmgr prints them
    trace_format one of `terp.connect.TRACE_FORMATS`, or a user's own; "" tells it by the content
    unit         what a processor of an SWF trace is
    seed, spare_nodes, failures   as of `year`
    before       called with the engine's name before it begins
    out          a folder that the replay will be saved to: one that holds a replay of another question is refused before
                 the work, unless `force`.  Nothing is written there by this

    Raises Problems with everything that is wrong with the question at once, and if no job of the trace can run.

    The trace that comes back has the simulated starts and ends; energy and money are those of the machine at the site, every
    job at the power of a long training.
    """
    words: dict[str, object] = {"machine": machine, "site": site, "policy": policy}
    scenario, given = asked_in_words({**words, "seed": seed, "spare_nodes": spare_nodes, "failures": failures})
    conf, inputs = conf_and_inputs(scenario, given, slurm_conf, assoc)
    shared = conf.policy if conf else inputs.policy or read_policy("easy").record
    source = trace if isinstance(trace, Trace) else Path(trace)
    question = question_of_replay(source, scenario, inputs, shared, conf, f"{trace_format} {unit or ''}".strip())
    if out is not None:
        check_target(Path(out), REPLAY, None if force else question)
    jobs = source if isinstance(source, Trace) else read_jobs(source, unit or "", inputs.machine, conf, trace_format)
    if before is not None:
        before(engine_of(shared, jobs, failures=scenario.failures))
    cluster, name = conf.cluster if conf else None, "" if isinstance(source, Trace) else source.name
    return replay_trace(jobs, scenario, inputs.machine, inputs.site, shared, cluster, name, question)


def conf_and_inputs(
    scenario: Scenario, given: GivenInputs, slurm_conf: str | Path | SlurmConf | None, assoc: str | Path | None = None
) -> tuple[SlurmConf | None, ScenarioInputs]:
    """A slurm.conf, where one is named, and a scenario's inputs with its policy.

    Raises Problems with the mistakes of all files at once, and for two answers to how the machine is shared.

    slurm_conf   a path, or as it was read;  assoc  the path of accounts and QOS, which counts with a slurm.conf alone

    Of the two that come back, the first is None without a slurm.conf; the second has its policy where there is one.
    """
    problems: list[Problem] = []
    conf = slurm_conf if isinstance(slurm_conf, SlurmConf) else None
    if slurm_conf is not None and (scenario.policy is not None or given.policy is not None):
        wrong = "a policy and a slurm.conf both say how the machine is shared"
        problems.append(Problem("", 0, 0, "slurm_conf", wrong, would_do="leave one out"))
    if assoc is not None and slurm_conf is None:
        problems.append(Problem("", 0, 0, "assoc", "is of a slurm.conf", would_do="name a slurm.conf as well"))
    try:
        if slurm_conf is not None and conf is None:
            conf = read_slurm_conf(Path(str(slurm_conf)), Path(assoc) if assoc is not None else None)
    except TerpError as error:
        problems += problems_of(error)
    try:
        inputs = inputs_of(scenario, given)
    except TerpError as error:
        raise Problems([*problems, *problems_of(error)]) from None
    if problems:
        raise Problems(problems)
    shared = conf.policy if conf else inputs.policy
    return conf, ScenarioInputs(inputs.machine, inputs.site, inputs.workload, shared)


def read_jobs(path: Path, unit: str, machine: Machine, conf: SlurmConf | None = None, trace_format: str = "") -> Trace:
    """A trace's file, as the machine has room for it, or the nodes of a slurm.conf.  Raises Problems.

    unit   what a processor of an SWF trace is: "node" or "gpu"; empty for other formats
    conf   whose nodes count instead of the machine's
    trace_format   of the file; "" tells it by the content
    """
    if conf is not None:
        known = Known(nodes_count=len(conf.cluster.names), node_gpus_count=int(conf.cluster.gpus.max(initial=0)))
    else:
        known = Known(nodes_count=machine.nodes_count, node_gpus_count=machine.node.accelerators_count)
    return read_trace(path, trace_format, unit, known)


def asked_in_words(words: Mapping[str, object], path_of: Callable[[str], str] = str) -> tuple[Scenario, GivenInputs]:
    """A scenario from words and values, and the inputs among them that are no names.

    words     by the words of the fields; None: as the files say
    path_of   how a field is called in a problem, from its word

    Raises Problems with every mistake at once.

    Records, machines and policies among the values come back in the second part, and stand in the scenario by their names; a
    path or name is left to be read with the scenario's files.
    """
    problems: list[Problem] = []

    def at_hand(word: str, read: Callable[[object], T]) -> T | None:
        value = words.get(word)
        if value is None or isinstance(value, str | os.PathLike):
            return None
        try:
            return read(value)
        except TerpError as error:
            problems.extend(problems_of(error))
            return None

    policy = at_hand("policy", read_policy)  # type: ignore[arg-type]  # it refuses what is none
    given = GivenInputs(
        machine=at_hand("machine", lambda value: value if isinstance(value, Machine) else read_machine(value)),  # type: ignore[arg-type]
        site=at_hand("site", read_site),  # type: ignore[arg-type]
        workload=at_hand("workload", read_workload),  # type: ignore[arg-type]
        policy=policy.record if policy else None,
    )
    plain = {word: os.fspath(value) if isinstance(value, os.PathLike) else value for word, value in words.items()}
    plain |= {word: _name_of(value) for word, value in vars(given).items() if value is not None}
    named = {word: value for word, value in plain.items() if value is not None}
    for word in ("machine", "site", "workload", "policy"):
        if problems and not isinstance(named.get(word, ""), str):
            named[word] = "-"  # what is wrong with it is said already
    try:
        scenario = record_of_values(named, Scenario, path_of)
    except Problems as error:
        raise Problems([*problems, *error.problems]) from None
    if problems:
        raise Problems(problems)
    return scenario, given


def _name_of(given: Machine | Written[Named] | Policy) -> str:
    """The name of what was read or built.

    It stands in the scenario for what is at hand, and is not looked up.
    """
    if isinstance(given, Machine):
        return given.file.name
    return given.record.name if isinstance(given, Written) else given.name
