"""One question to the simulation in plain words and numbers, so that it can be varied, sent to another process and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import terp
from terp.build import Machine, build_machine
from terp.catalogue import read_catalogue
from terp.describe import Site, Workload, read_machine, read_site, read_workload
from terp.errors import TerpError
from terp.reader import Written
from terp.results import Run
from terp.simulate.kinds import Kind, kinds_digest, kinds_of
from terp.simulate.origin import digests_of
from terp.simulate.year import Tell, simulate


@dataclass(frozen=True)
class Inputs:
    """What the names of a scenario stand for; the same for all that differ in seed and days only."""

    machine: Machine
    site: Written[Site]
    workload: Written[Workload]

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
        return {**digests_of(self.machine, self.site, self.workload), "predictions": predictions}


@dataclass(frozen=True)
class Scenario:
    """A run to be.  Names are of shipped files, or paths.

    site           where the machine's file says, if empty
    load_fraction  instead of the workload's own, if not 0
    """

    machine: str
    site: str = ""
    workload: str = "national"
    days: int = 365
    seed: int = 1
    load_fraction: float = 0.0

    def inputs(self) -> Inputs:
        """Reads its files.  Raises TerpError for what is wrong with them."""
        machine_file, workload = read_machine(self.machine), read_workload(self.workload)
        site = self.site or machine_file.record.site
        if not site:
            raise TerpError(f"{machine_file.file} names no site; say where it stands")
        if self.load_fraction:
            record = workload.record.model_copy(update={"load_fraction": self.load_fraction})
            workload = type(workload)(record, workload.file, workload.provenance, workload.tree)
        return Inputs(build_machine(machine_file, read_catalogue()), read_site(site), workload)

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
        return simulate(read.machine, read.site, read.workload, self.days, self.seed, tell, read.kinds)

    def summary(self, inputs: Inputs | None = None) -> dict[str, Any]:
        """summary.json of the run, and nothing else of it: what sweeps keep."""
        return self.run(inputs=inputs).summary
