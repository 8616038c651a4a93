"""A trace that was replayed, its figures, and its folder: the trace with the simulated times, and summary.json.

`simulate.trace_replay` makes a `Replay`; `save` and `load_replay` write and read its folder.  The trace is kept in the
canonical Parquet form of `connect`, with the simulated starts and ends in place of the recorded ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Final

from terp.connect import read_trace, write_trace
from terp.describe import Trace
from terp.errors import Problem, Problems
from terp.files import FolderKind, Question, write_folder
from terp.files.document_check import Damage, damage_of, damaged, read_document, shown
from terp.results.record import PRINTED, Json, Result, as_json, digest_of

TRACE_FILE: Final = "trace.parquet"
SUMMARY_FILE: Final = "summary.json"
_ASKED: Final = "asked"
"""The key of summary.json with what the replay answers, which stands in the folder alone."""
_CLOCK: Final = ("schedule_s", "jobs_per_s")
"""Figures of the computer that replayed it, not of the machine."""


@dataclass(frozen=True)
class ReplayEnergy:
    """What the machine drew, every job at the level of a long training; at the meter but for `it_`.

    Energies [J] are over whole hours from second 0 of the trace until its last job has ended; cost [EUR] and carbon [kg CO2]
    are of the electricity at the meter; `peak_it_power_w` is the most that nodes, network, storage and management drew.
    """

    it_energy_j: float
    facility_energy_j: float
    mean_pue: float
    electricity_cost_eur: float
    carbon_kg: float
    peak_it_power_w: float


@dataclass(frozen=True)
class ReplaySummary:
    """The figures of a replay.

    engine      pool, controller, or reference
    *_wait_s    from submission to the start, of jobs that started
    mean_bounded_slowdown_ratio      jobs under 10 s counting as 10 s (Feitelson 1998)
    utilisation_fraction             of the units until the last submission; utilisation_to_end_fraction  to the last end
    most_units_in_use_count          nodes or GPUs, as the engine counts them
    counts      what else the engine counted, by name
    energy      None if no job ran
    refused     how many jobs could never start, by reason;  notes  what was repaired in the trace
    schedule_s  how long the engine took here;  jobs_per_s  of the trace in that time

    nodes_count, gpus_count          of the machine, or of the slurm.conf where that was given
    makespan_s  from the first submission to the last end
    """

    machine: str
    policy: str
    engine: str
    seed: int
    nodes_count: int
    gpus_count: int
    jobs_count: int
    jobs_started_count: int
    jobs_waited_fraction: float
    mean_wait_s: float
    median_wait_s: float
    p95_wait_s: float
    mean_bounded_slowdown_ratio: float
    utilisation_fraction: float
    utilisation_to_end_fraction: float
    makespan_s: int
    most_units_in_use_count: int
    schedule_s: float
    jobs_per_s: int
    counts: dict[str, int] = field(default_factory=dict)
    energy: ReplayEnergy | None = None
    refused: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Json]:
        """summary.json: the counts and the energy stand among the other figures."""
        document: dict[str, Json] = {}
        for entry in fields(self):
            value = as_json(getattr(self, entry.name))
            if entry.name in ("counts", "energy"):
                document |= value if isinstance(value, dict) else {}
            elif entry.name not in ("refused", "notes", *_CLOCK):
                document[entry.name] = value
        last = ("refused", "notes", *_CLOCK)
        return document | {name: as_json(getattr(self, name)) for name in last}

    @classmethod
    def of(cls, document: Mapping[str, Json]) -> ReplaySummary:
        """The figures of a summary.json; what was refused and noted may be left out.

        Raises KeyError for a figure that is missing.
        """
        energy_names = [entry.name for entry in fields(ReplayEnergy)]
        own = {entry.name for entry in fields(cls)} - {"counts", "energy"}
        energy = ReplayEnergy(**{name: document[name] for name in energy_names}) if energy_names[0] in document else None  # type: ignore[arg-type]
        counts = {
            name: value
            for name, value in document.items()
            if name not in own and name not in energy_names and isinstance(value, int)
        }
        plain = {name: document[name] for name in own if name in document or name not in ("refused", "notes")}
        return cls(**plain, counts=counts, energy=energy)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Result):
    """A trace as it was simulated.

    source    the name of the file that the trace was read from; empty if it was at hand
    trace     the same jobs with simulated starts and ends, -1 where they did not happen
    summary   the figures
    question  what it answers: digests of trace, machine, site, policy and nodes, and the settings; empty if not known
    """

    source: str
    trace: Trace
    summary: ReplaySummary
    question: Question = field(default_factory=dict, metadata={PRINTED: False})

    def to_dict(self) -> dict[str, Json]:
        """What `terp simulate --trace --json` prints."""
        return {"trace": self.source, **self.summary.to_dict()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the figures, but for how long it took here: the same replay has the same digest on any computer."""
        return digest_of({name: value for name, value in self.to_dict().items() if name not in _CLOCK})

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Writes the trace with its simulated times, and its figures.  Raises Problems if it cannot.

        force   replace a replay of another question too; one of the same question is replaced without
        """

        def write(draft: Path) -> None:
            write_trace(self.trace, draft / TRACE_FILE)
            document = {**self.summary.to_dict(), **({_ASKED: dict(self.question)} if self.question else {})}
            (draft / SUMMARY_FILE).write_text(json.dumps(document, indent=2) + "\n", "utf-8")

        write_folder(Path(folder), write, REPLAY, None if force else self.question)


def _question_at(folder: Path) -> Question | None:
    """What the replay in a folder answers; None where its summary.json cannot be read, or does not say."""
    try:
        document = read_document(folder / SUMMARY_FILE, "")
    except Problems:
        return None
    asked = document.get(_ASKED) if isinstance(document, Mapping) else None
    return asked if isinstance(asked, Mapping) else None


REPLAY: Final = FolderKind("replay", TRACE_FILE, frozenset({TRACE_FILE, SUMMARY_FILE}), question=_question_at)
"""The folder of a replay."""


def is_replay(folder: Path) -> bool:
    """True for a folder that a replay was saved to, as far as its names tell.

    A run's folder has a summary.json too, but no trace; nothing is opened to tell.
    """
    return (folder / TRACE_FILE).is_file() and (folder / SUMMARY_FILE).is_file()


def load_replay(folder: Path) -> Replay:
    """Reads a replay's folder.  Raises Problems if it holds none, or says what is damaged.

    Its `source` is the name of the kept trace, since the folder does not say what the original was called.
    """
    file, again = folder / SUMMARY_FILE, "replay the trace again"
    document = read_document(file, again)
    if not isinstance(document, dict) or "jobs_count" not in document:
        raise Problems([Problem(str(folder), 0, 0, "", "holds no whole replay", would_do=again)])
    plain = {entry.name for entry in fields(ReplaySummary)} - {"energy"}
    wrong = list(damage_of(ReplaySummary, {name: value for name, value in document.items() if name in plain}))
    if fields(ReplayEnergy)[0].name in document:
        wrong += damage_of(ReplayEnergy, document)
    if not wrong and document["gpus_count"] * document["nodes_count"] == 0:
        wrong = [Damage("gpus_count", "a machine of none")]
    if wrong:
        raise damaged(file, wrong, again)
    trace = read_trace(folder / TRACE_FILE)
    if len(trace) != document["jobs_count"]:
        other = Damage("jobs_count", f"the trace beside it has {len(trace):,} jobs", shown(document["jobs_count"]))
        raise damaged(file, [other], again)
    asked = document.get(_ASKED)
    return Replay(TRACE_FILE, trace, ReplaySummary.of(document), question=asked if isinstance(asked, Mapping) else {})
