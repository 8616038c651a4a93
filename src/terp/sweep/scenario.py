"""One question to the simulation in plain words and numbers, so that it can be varied, sent to another process and kept."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import terp
from terp.catalogue import read_catalogue
from terp.describe import Policy, Site, Workload, read_machine, read_policy, read_site, read_workload
from terp.errors import Problem, Problems, TerpError, did_you_mean
from terp.hardware import Machine, build_machine
from terp.reader import Written
from terp.results import Run
from terp.simulate.account.origin import digests_of
from terp.simulate.controls import Controls
from terp.simulate.jobs.job_kinds import Kind, kinds_digest, kinds_of
from terp.simulate.year import Tell, simulate

CHECKPOINTS: Final[dict[str, Literal["file", "daly"]]] = {"file": "file", "daly": "daly"}
DELAYS: Final[dict[str, Literal["price", "carbon"]]] = {"price": "price", "carbon": "carbon"}


@dataclass(frozen=True)
class Inputs:
    """What the names of a scenario stand for; the same for all that differ in seed and days only."""

    machine: Machine
    site: Written[Site]
    workload: Written[Workload]
    policy: Written[Policy] | None = None

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of job on the machine.  Raises Problems for what cannot run there."""
        return kinds_of(self.machine, self.workload)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of everything that the scenario is made from, as in run.json."""
        try:
            predictions = kinds_digest(self.kinds)
        except TerpError as error:
            predictions = str(error)
        policy = self.policy.record.model_dump_json() if self.policy else ""
        return {
            **digests_of(self.machine, self.site, self.workload),
            "policy": hashlib.sha256(policy.encode()).hexdigest(),
            "predictions": predictions,
        }


@dataclass(frozen=True)
class Scenario:
    """A run to be.  Names are of shipped files, or paths.

    site           where the machine's file says, if empty
    load_fraction  instead of the workload's own, if not 0
    policy         how the machine is shared; easy, if empty
    the others     see Controls
    """

    machine: str
    site: str = ""
    workload: str = "national"
    days: int = 365
    seed: int = 1
    load_fraction: float = 0.0
    policy: str = ""
    gpu_cap_w: float = 0.0
    node_cap_w: float = 0.0
    power_cap_w: float = 0.0
    response_w: float = 0.0
    response_hours: str = "17-20"
    spare_nodes_count: int = 0
    failures: bool = True
    checkpoints: str = "file"
    delay_by: str = "price"

    def inputs(self) -> Inputs:
        """Reads its files.  Raises TerpError for what is wrong with them."""
        machine_file, workload = read_machine(self.machine), read_workload(self.workload)
        site = self.site or machine_file.record.site
        if not site:
            raise TerpError(f"{machine_file.file} names no site; say where it stands")
        if self.load_fraction:
            record = workload.record.model_copy(update={"load_fraction": self.load_fraction})
            workload = type(workload)(record, workload.file, workload.provenance, workload.tree)
        policy = read_policy(self.policy) if self.policy else None
        return Inputs(build_machine(machine_file, read_catalogue()), read_site(site), workload, policy)

    def controls(self, policy: Policy | None = None) -> Controls:
        """The settings as the simulation takes them.  Raises Problems for what it cannot take."""
        problems = []
        for name, value, known in (("checkpoints", self.checkpoints, CHECKPOINTS), ("delay_by", self.delay_by, DELAYS)):
            if value not in known:
                problems.append(
                    Problem("", 0, 0, name, "not one of the known words", repr(value), did_you_mean(value, known))
                )
        hours = re.fullmatch(r"(\d{1,2})-(\d{1,2})", self.response_hours)
        begin, end = (int(hours[1]), int(hours[2])) if hours else (0, 0)
        if not 0 <= begin < end <= 24:
            would_do = "write two hours of a day, such as '17-20'"
            problems.append(Problem("", 0, 0, "response_hours", "no hours", repr(self.response_hours), would_do))
        if problems:
            raise Problems(problems)
        return Controls(
            policy=policy,
            gpu_cap_w=self.gpu_cap_w,
            node_cap_w=self.node_cap_w,
            power_cap_w=self.power_cap_w,
            response_w=self.response_w,
            response=(begin, end),
            spare_nodes_count=self.spare_nodes_count,
            failures=self.failures,
            checkpoints=CHECKPOINTS[self.checkpoints],
            delay_by=DELAYS[self.delay_by],
        )

    def digest(self, inputs: Inputs) -> str:
        """SHA-256 of the question as it stands: version of Terp, fields, and what is in the files that they name."""
        named = {name: Path(value) for name, value in asdict(self).items() if isinstance(value, str)}
        files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named.items() if path.is_file()}
        question = [terp.__version__, asdict(self), inputs.digests, files]
        return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()

    def run(self, tell: Tell | None = None, inputs: Inputs | None = None) -> Run:
        """Simulates it.  Raises TerpError for what is wrong with its files or cannot run.

        inputs   its files, if they were read before
        """
        read = inputs or self.inputs()
        controls = self.controls(read.policy.record if read.policy else None)
        return simulate(read.machine, read.site, read.workload, self.days, self.seed, tell, read.kinds, controls)

    def summary(self, inputs: Inputs | None = None) -> dict[str, Any]:
        """summary.json of the run, and nothing else of it: what sweeps keep."""
        return self.run(inputs=inputs).summary
