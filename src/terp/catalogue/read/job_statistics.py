"""Published job statistics: a joint table to draw jobs from, the printed margins to check a year against, and the GPUs.

The first two are made by `scripts/distil_jobs.py` from the Acme release (acme-2024, CC-BY-4.0).
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terp.errors import Problem, Problems, UnknownName
from terp.reader import Name, Record, read_entries, read_tree

TYPES: Final = ("evaluation", "pretraining", "fine-tuning", "multimodal", "debug", "other")
STATES: Final = ("completed", "cancelled", "failed")


@dataclass(frozen=True)
class JobTable:
    """Joint distribution of one profile's jobs; one entry a cell, `share` sums to 1.

    type_index, state_index   into TYPES and STATES
    gpus                      GPUs a job [-]
    low_s, high_s             bounds of the cell's run times [s], log-uniform between them
    """

    profile: str
    type_index: NDArray[np.int64]
    state_index: NDArray[np.int64]
    gpus: NDArray[np.int64]
    low_s: NDArray[np.float64]
    high_s: NDArray[np.float64]
    share: NDArray[np.float64]

    def only(self, cells: NDArray[np.bool_]) -> JobTable:
        """The table without the other cells, its shares adding up to 1 again."""
        share = self.share[cells]
        return JobTable(
            self.profile,
            self.type_index[cells],
            self.state_index[cells],
            self.gpus[cells],
            self.low_s[cells],
            self.high_s[cells],
            share / share.sum(),
        )

    @property
    def cell_gpu_s(self) -> NDArray[np.float64]:
        """Mean GPU time of a job by cell [GPU s]."""
        mean: NDArray[np.float64] = self.gpus * (self.high_s - self.low_s) / np.log(self.high_s / self.low_s)
        return mean

    @property
    def mean_gpu_s(self) -> float:
        """Mean GPU time of a job [GPU s]."""
        return float((self.share * self.cell_gpu_s).sum())


@dataclass(frozen=True)
class Published:
    """One printed figure: `measure` of the jobs `of` a type (or all) `at` a size, state, type or quantile."""

    profile: str
    measure: str
    of: str
    at: str
    value: float


class JobProfile(Record):
    """On what the jobs of a profile ran: its accelerator, and a node of the catalogue that stands for its nodes."""

    title: str
    accelerator: Name
    node: Name


def _folder() -> Any:
    return resources.files("terp.catalogue").joinpath("job_statistics")


@cache
def _tables() -> dict[str, JobTable]:
    with resources.as_file(_folder().joinpath("joint.parquet")) as path:
        table = pq.read_table(path)
    profiles = np.array(table.column("profile").to_pylist())
    types = np.array([TYPES.index(name) for name in table.column("type").to_pylist()])
    states = np.array([STATES.index(name) for name in table.column("state").to_pylist()])
    numbers = {name: table.column(name).to_numpy() for name in ("gpus", "low_s", "high_s", "share")}
    tables = {}
    for profile in dict.fromkeys(profiles.tolist()):
        mine = profiles == profile
        share = numbers["share"][mine]
        tables[profile] = JobTable(
            profile, types[mine], states[mine], numbers["gpus"][mine], numbers["low_s"][mine], numbers["high_s"][mine],
            share / share.sum(),
        )  # fmt: skip
    return tables


def job_profiles() -> tuple[str, ...]:
    """The names of the profiles that jobs can be drawn from."""
    return tuple(_tables())


def job_table(profile: str) -> JobTable:
    """The joint table of a profile.  Raises UnknownName."""
    if profile not in _tables():
        raise UnknownName("job profile", profile, _tables())
    return _tables()[profile]


@cache
def _profiles() -> dict[str, JobProfile]:
    problems: list[Problem] = []
    tree = read_tree(_folder().joinpath("profiles.yaml").read_text("utf-8"), "profiles.yaml")
    profiles = read_entries(tree, JobProfile, problems)
    if problems:
        raise Problems(problems)
    return profiles


def job_profile(profile: str) -> JobProfile:
    """On what the jobs of a profile ran.  Raises UnknownName."""
    if profile not in _profiles():
        raise UnknownName("job profile", profile, _profiles())
    return _profiles()[profile]


@cache
def published_jobs() -> tuple[Published, ...]:
    """Every printed figure that a generated year is checked against."""
    rows = csv.DictReader(_folder().joinpath("published.csv").read_text("utf-8").splitlines())
    return tuple(Published(r["profile"], r["measure"], r["of"], r["at"], float(r["value"])) for r in rows)


@cache
def job_statistics_digest() -> str:
    """SHA-256 of the job statistics that ship."""
    files = (_folder().joinpath(name).read_bytes() for name in ("joint.parquet", "profiles.yaml"))
    return hashlib.sha256(b"".join(files)).hexdigest()
