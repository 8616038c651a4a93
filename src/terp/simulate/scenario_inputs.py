"""What the names of a scenario stand for: its files read, its machine built, its kinds of job predicted.

A sweep reads each set of inputs once and simulates many scenarios with it.  Everything here is read-only; what changes from
one scenario to the next (seed, days, caps, spare nodes) stays in the `Scenario`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from terp.catalogue import read_catalogue
from terp.describe import (
    MachineFile,
    Policy,
    Scenario,
    Site,
    Workload,
    read_machine,
    read_policy,
    read_site,
    read_workload,
    shipped_names,
)
from terp.errors import Problem, Problems, TerpError, problems_of
from terp.hardware import Machine, build_machine
from terp.reader import Written, record_json
from terp.simulate.account.origin import digests_of
from terp.simulate.jobs.job_kinds import JobKind, kinds_digest, kinds_of

T = TypeVar("T")


@dataclass(frozen=True)
class ScenarioInputs:
    """What a scenario is made from; the same for all that differ in seed, days and settings only.

    machine    built
    workload   with the scenario's load, where that has one
    policy     how the machine is shared; None: first come, first served with EASY backfill

    site       in which the machine stands; the scenario's, or the one that the machine's file names
    """

    machine: Machine
    site: Written[Site]
    workload: Written[Workload]
    policy: Policy | None = None

    @cached_property
    def kinds(self) -> tuple[JobKind, ...]:
        """The kinds of job on the machine, without caps.  Raises Problems for what cannot run there."""
        return kinds_of(self.machine, self.workload)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of everything that the scenario is made from, as in run.json, and of its policy.

        Where the workload cannot run on the machine, `predictions` has the reason in words, and the rest is as usual.
        """
        try:
            predictions = kinds_digest(self.kinds)
        except TerpError as error:
            predictions = str(error)
        policy = record_json(self.policy) if self.policy else ""
        return {
            **digests_of(self.machine, self.site, self.workload),
            "policy": hashlib.sha256(policy.encode()).hexdigest(),
            "predictions": predictions,
        }


@dataclass(frozen=True)
class GivenInputs:
    """Inputs that are at hand, instead of the files that a scenario names; None: as it names.

    A machine may be built or only read: one that was read is built with the catalogue.
    """

    machine: Machine | Written[MachineFile] | None = None
    site: Written[Site] | None = None
    workload: Written[Workload] | None = None
    policy: Policy | None = None


def inputs_of(scenario: Scenario, given: GivenInputs | None = None) -> ScenarioInputs:
    """Reads the files that a scenario names, and builds its machine.

    given   inputs that are at hand

    Raises Problems with the mistakes of all of its files at once.

    A site is sought in this order: given, named by the scenario, named by the machine's file; without any it is a problem,
    as is a file that cannot be read.  The kinds of job are predicted only when they are asked for.
    """
    at_hand, problems = given or GivenInputs(), list[Problem]()

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except TerpError as error:
            problems.extend(problems_of(error))
            return None

    machine = at_hand.machine or attempt(lambda: read_machine(scenario.machine))
    workload = at_hand.workload or attempt(lambda: read_workload(scenario.workload))
    site = at_hand.site
    place = scenario.site or (_site_of(machine) if machine is not None else None)
    if site is None and place is not None:
        site = attempt(lambda: read_site(place))
    elif site is None and machine is not None:
        problems.append(_no_site(machine))
    policy = at_hand.policy
    if policy is None and scenario.policy is not None:
        policy_name = scenario.policy
        policy = attempt(lambda: read_policy(policy_name).record)
    if problems or machine is None or site is None or workload is None:
        raise Problems(problems)
    built = machine if isinstance(machine, Machine) else build_machine(machine, read_catalogue())
    return ScenarioInputs(built, site, _with_load(workload, scenario.load_fraction), policy)


def _site_of(machine: Machine | Written[MachineFile]) -> str | None:
    """The site that a machine's file names, if it names one.

    machine   read or built; None where the file leaves it open
    """
    record = machine.file if isinstance(machine, Machine) else machine.record
    return record.site


def _no_site(machine: Machine | Written[MachineFile]) -> Problem:
    """A machine whose file names no site, under a scenario that names none either.

    The problem names the sites that Terp ships, which would all do.
    """
    file = machine.file.name if isinstance(machine, Machine) else machine.file
    would_do = "say where it stands with " + " or ".join(f"--site {name}" for name in shipped_names("sites"))
    return Problem(file, 0, 0, "site", "names no site", would_do=would_do)


def _with_load(workload: Written[Workload], load_fraction: float | None) -> Written[Workload]:
    """A workload with another load; None: as its file says.

    load_fraction   GPU time asked for over GPU time there is; where its value came from stays as the file says
    """
    if load_fraction is None:
        return workload
    record = workload.record.model_copy(update={"load_fraction": load_fraction})
    return Written(record, workload.file, workload.provenance, workload.tree)
