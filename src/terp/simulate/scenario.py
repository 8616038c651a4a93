"""One question to the simulation in plain words and numbers, so that it can be varied, sent to another process and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from terp.build import build_machine
from terp.catalogue import read_catalogue
from terp.describe import read_machine, read_site, read_workload
from terp.errors import TerpError
from terp.results import Run
from terp.simulate.year import Tell, simulate


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

    def run(self, tell: Tell | None = None) -> Run:
        """Simulates it.  Raises TerpError for what is wrong with its files or cannot run."""
        machine_file, workload = read_machine(self.machine), read_workload(self.workload)
        site = self.site or machine_file.record.site
        if not site:
            raise TerpError(f"{machine_file.file} names no site; say where it stands")
        if self.load_fraction:
            record = workload.record.model_copy(update={"load_fraction": self.load_fraction})
            workload = type(workload)(record, workload.file, workload.provenance, workload.tree)
        built = build_machine(machine_file, read_catalogue())
        return simulate(built, read_site(site), workload, self.days, self.seed, tell)

    def summary(self) -> dict[str, Any]:
        """summary.json of the run, and nothing else of it: what sweeps keep."""
        return self.run().summary
