"""Published job statistics: a joint table to draw jobs from, the printed margins to check a year against, and the GPUs.

The first two are made by `scripts/distil_jobs.py` from the Acme release (acme-2024, CC-BY-4.0).

A profile is one published cluster.  Its joint table has cells by type, final state, number of GPUs and bounds of run time,
with their share of all jobs; a workload file says which profiles its groups resemble.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terp.arrays import numbers_of
from terp.errors import Problem, Problems, UnknownName
from terp.reader import Name, Record, read_entries, read_tree

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TYPES: Final = ("evaluation", "pretraining", "fine-tuning", "multimodal", "debug", "other")
STATES: Final = ("completed", "cancelled", "failed")


@dataclass(frozen=True)
class JobTable:
    """Joint distribution of one profile's jobs; one entry a cell, `share` sums to 1.

    type_index, state_index   into TYPES and STATES
    gpus                      GPUs a job [-]
    low_s, high_s             bounds of the cell's run times [s], log-uniform between them

    share                     of all jobs of the profile [-]
    Arrays have the shape (cells,).
    """

    profile: str
    type_index: NDArray[np.int64]
    state_index: NDArray[np.int64]
    gpus: NDArray[np.int64]
    low_s: NDArray[np.float64]
    high_s: NDArray[np.float64]
    share: NDArray[np.float64]

    def only(self, cells: NDArray[np.bool_]) -> JobTable:
        """The table without the other cells, its shares adding up to 1 again.

        cells   shape (cells,), True for those to keep; at least one of them has a share
        """
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
        """Mean GPU time of a job by cell [GPU s].

        Shape (cells,): GPUs times the mean of a log-uniform run time, (high - low) / ln(high / low).
        """
        mean: NDArray[np.float64] = self.gpus * (self.high_s - self.low_s) / np.log(self.high_s / self.low_s)
        return mean

    @property
    def mean_gpu_s(self) -> float:
        """Mean GPU time of a job [GPU s].

        Over all jobs of the profile, by their shares.
        """
        return float((self.share * self.cell_gpu_s).sum())


@dataclass(frozen=True)
class Published:
    """One printed figure: `measure` of the jobs `of` a type (or all) `at` a size, state, type or quantile.

    profile   the cluster;  value   in the unit that the measure says, as printed
    """

    profile: str
    measure: str
    of: str
    at: str
    value: float


class JobProfile(Record):
    """On what the jobs of a profile ran: its accelerator, and a node of the catalogue that stands for its nodes.

    Run times of a profile are those of jobs on these GPUs.
    """

    title: str
    accelerator: Name
    node: Name


def _folder() -> Traversable:
    """Where the job statistics stand in the package."""
    return resources.files("terp.catalogue").joinpath("job_statistics")


@cache
def _tables() -> dict[str, JobTable]:
    """The joint tables by profile, read once; their shares are brought to one."""
    with resources.as_file(_folder().joinpath("joint.parquet")) as path:
        table = pq.ParquetFile(path).read()
    profiles = np.array(table.column("profile").to_pylist())
    types = np.array([TYPES.index(name) for name in table.column("type").to_pylist()])
    states = np.array([STATES.index(name) for name in table.column("state").to_pylist()])
    numbers = {name: numbers_of(table.column(name)) for name in ("gpus", "low_s", "high_s", "share")}
    tables = {}
    for profile in dict.fromkeys(profiles.tolist()):
        own = profiles == profile
        share = numbers["share"][own]
        tables[profile] = JobTable(
            profile, types[own], states[own], numbers["gpus"][own], numbers["low_s"][own], numbers["high_s"][own],
            share / share.sum(),
        )  # fmt: skip
    return tables


def job_profiles() -> tuple[str, ...]:
    """The names of the profiles that jobs can be drawn from."""
    return tuple(_tables())


def job_table(profile: str) -> JobTable:
    """The joint table of a profile.  Raises UnknownName.

    profile   one of `job_profiles()`
    """
    if profile not in _tables():
        raise UnknownName("job profile", profile, _tables())
    return _tables()[profile]


@cache
def _profiles() -> dict[str, JobProfile]:
    """What profiles.yaml says of each profile.  Raises Problems if it is wrong."""
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
    """Every printed figure that a generated year is checked against.

    In the order of published.csv; `terp validate` compares a year with each.
    """
    rows = csv.DictReader(_folder().joinpath("published.csv").read_text("utf-8").splitlines())
    return tuple(Published(r["profile"], r["measure"], r["of"], r["at"], float(r["value"])) for r in rows)


@cache
def job_statistics_digest() -> str:
    """SHA-256 of the job statistics that ship."""
    files = (_folder().joinpath(name).read_bytes() for name in ("joint.parquet", "profiles.yaml"))
    return hashlib.sha256(b"".join(files)).hexdigest()
