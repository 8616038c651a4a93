"""Many scenarios at once: sent out in batches, kept as they come back, gone on with where they stopped.

A scenario is known by its digest, which holds the release, the fields and what is in the files that they name.  So a sweep
that goes on does what is missing, and nothing else; and a file that was edited meanwhile makes its scenarios new ones.
Rows are written as they come: whatever kills the sweep loses a few seconds of work.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import terp
from terp.describe import Scenario
from terp.errors import Interrupted, Problem, Problems, TerpError, problems_of
from terp.files import Writing, check_target, one_writer
from terp.reader import read_limited
from terp.results.sweep_folder import (
    Row,
    SweepDocument,
    SweepFailure,
    add_part,
    begin_sweep,
    finish_sweep,
    merge_parts,
    row_of,
    sweep_document,
    sweep_kind,
)
from terp.simulate import ScenarioInputs, inputs_of, simulate_scenario
from terp.simulate.scenario_inputs import GivenInputs
from terp.sweep.axes import SweepAxes
from terp.sweep.executors import Crew

TASK_S: Final = 3.0  # a task's work, so that sending it costs little and losing it no more
_LARGEST: Final = 256
"""Scenarios of a batch, at most."""
_KILLS: Final = 3
"""Workers that may die with a scenario under way before it is given up."""
_SMALL: Final = 200
"""Parts, each of the rows of a batch, that may lie in the folder before they are merged into one."""

Item = tuple[str, Scenario]
Outcome = tuple[str, Row | None, str]
"""Digest of a scenario; its row, or none and what went wrong."""
Progress = Callable[[int, int, float], None]
"""Called with scenarios done, scenarios in all, and about how long the rest will take [s]; may raise to stop."""


@dataclass
class _Work:
    """What is left to do, and what came of the rest.

    waiting      items that were not sent, or whose worker was lost
    keep         writes outcomes down;  given   inputs that stand for those that the scenarios name
    killed       how often a worker died with a digest under way
    rows_count, spent_s   scenarios that came back, and the time that they took [s], by which batches are sized
    """

    waiting: deque[Item]
    keep: Callable[[list[Outcome]], None]
    given: GivenInputs | None = None
    killed: Counter[str] = field(default_factory=Counter)
    rows_count: int = 0
    spent_s: float = 0.0

    def next_batch(self, workers: int) -> list[Item]:
        """A few seconds of work; what was lost before goes alone, since it may be what kills.

        workers   among whom the rest is shared, so that the last batches are small and all end at about the same time
        """
        if self.killed[self.waiting[0][0]]:
            return [self.waiting.popleft()]
        each_s = self.spent_s / self.rows_count if self.rows_count else TASK_S
        share = -(-len(self.waiting) // (2 * workers))
        count = max(1, min(int(TASK_S / max(each_s, 1e-3)), share, _LARGEST))
        return [self.waiting.popleft() for _ in range(count)]

    def room(self, flying: list[list[Item]], workers: int) -> bool:
        """True if another batch may go.  What was under way each time that workers died goes alone: it shows who did it.

        flying   batches that were sent and did not come back;  workers   in the executor
        """
        if not self.waiting:
            return False
        next_kills = self.killed[self.waiting[0][0]]
        kills = max([next_kills, *(self.killed[batch[0][0]] for batch in flying)])
        return len(flying) < (1 if kills >= _KILLS - 1 else 2 * workers)

    def came_back(self, outcomes: list[Outcome]) -> None:
        """Keeps what a batch gave, and learns from its times how large the next may be."""
        rows = [row for _, row, _ in outcomes if row is not None]
        self.rows_count += len(rows)
        self.spent_s += sum(row["wall_s"] for row in rows)
        self.keep(outcomes)

    def was_lost(self, batch: list[Item]) -> None:
        """A batch whose worker is gone: tried again, until it is clear that it is what kills (after _KILLS times).

        What is given up is kept as a failure, so that the rest of the sweep goes on.
        """
        for digest, scenario in reversed(batch):
            self.killed[digest] += 1
            if self.killed[digest] >= _KILLS:
                self.keep([(digest, None, f"its worker died, {_KILLS} times; it may need more memory")])
            else:
                self.waiting.appendleft((digest, scenario))


def run_sweep(
    axes: SweepAxes,
    folder: Path,
    crew: Crew,
    progress: Progress | None = None,
    given: GivenInputs | None = None,
    waiting: Callable[[Writing], None] | None = lambda _: None,
) -> SweepDocument:
    """Runs what is missing of a sweep in its folder, and gives the document that stands there as sweep.json.

    Where another process has a sweep in that folder under way it is waited for, and what it did is not done again.

    axes       the scenarios;  folder   made if it is not there
    crew       who works; asked again when an executor breaks
    progress   hears how far it is; None: nobody
    given      inputs that stand for those that the scenarios name
    waiting    called with who writes the folder before it is waited for; None: that is refused

    Raises Problems, all at once, for names that are not there and for a folder that cannot be used, and Interrupted,
    with sweep.json, if stopped.  A scenario that fails is noted, and the others go on.
    """
    scenarios = _digested(axes, given)
    check_target(folder, sweep_kind(folder))
    with one_writer(folder, waiting):
        return _run_missing(axes, scenarios, folder, crew, progress, given)


def _run_missing(
    axes: SweepAxes,
    scenarios: dict[str, Scenario],
    folder: Path,
    crew: Crew,
    progress: Progress | None,
    given: GivenInputs | None,
) -> SweepDocument:
    """Runs what is missing, as `run_sweep` says, once its folder is ours.

    scenarios   of the sweep by their digests
    """
    document = sweep_document(axes.axes, axes.fixed, len(scenarios))
    there = begin_sweep(folder, document, set(scenarios))
    failures: dict[str, str] = {}
    small: list[Path] = []
    done_count, began = len(there), time.perf_counter()

    def keep(outcomes: list[Outcome]) -> None:
        nonlocal done_count
        rows = [row for _, row, _ in outcomes if row is not None]
        if rows:
            small.append(add_part(folder, rows))
        if len(small) >= _SMALL:
            merge_parts(folder, small)
            small.clear()
        failures.update((digest, wrong) for digest, row, wrong in outcomes if row is None)
        done_count += len(outcomes)
        if progress is not None:
            each_s = (time.perf_counter() - began) / (done_count - len(there))
            progress(done_count, len(scenarios), each_s * (len(scenarios) - done_count))

    work = _Work(deque(item for item in scenarios.items() if item[0] not in there), keep, given)
    try:
        while work.waiting:
            with crew() as (executor, workers):
                _until_broken(executor, workers, work)
    except KeyboardInterrupt:
        raise Interrupted(f"{done_count - len(failures):,} of {len(scenarios):,}") from None
    finally:
        failed: list[SweepFailure] = [
            {"scenario": scenarios[digest].values, "error": wrong} for digest, wrong in failures.items()
        ]
        document = finish_sweep(folder, document, failed, list(scenarios))
    return document


def _until_broken(executor: Executor, workers: int, work: _Work) -> None:
    """Sends batches out and keeps what comes back, until all is done or the executor breaks.

    A broken executor takes all that is under way with it; each such batch is put back, and counts as one that may have
    killed the worker.

    workers   in the executor; up to twice as many batches are under way at a time
    work      what is left, which this changes
    """
    flying: dict[Future[list[Outcome]], list[Item]] = {}
    broken = False
    while flying or (work.waiting and not broken):
        while not broken and work.room(list(flying.values()), workers):
            batch = work.next_batch(workers)
            try:
                flying[executor.submit(do_batch, batch, work.given)] = batch
            except BrokenExecutor:
                work.waiting.extendleft(reversed(batch))
                broken = True
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            batch = flying.pop(future)
            try:
                outcomes = future.result()
            except BrokenExecutor:
                broken = True
                work.was_lost(batch)
            except Exception:  # noqa: BLE001 - a batch raises nothing: whatever comes is of the executor
                work.was_lost(batch)
            else:
                work.came_back(outcomes)


def _digested(axes: SweepAxes, given: GivenInputs | None) -> dict[str, Scenario]:
    """The scenarios of a sweep by digest, in order.  Raises Problems for what is wrong with any of their files.

    Scenarios that name the same files share their inputs, which are read once.
    """
    digested: dict[str, Scenario] = {}
    problems: list[Problem] = []
    read: dict[Scenario, ScenarioInputs | None] = {}
    for scenario in axes.scenarios:
        files = _files(scenario)
        if files not in read:
            try:
                read[files] = inputs_of(files, given)
            except TerpError as error:
                read[files] = None
                problems += problems_of(error)
        inputs = read[files]
        if inputs is not None:
            digested[scenario_digest(scenario, inputs)] = scenario
    if problems:
        raise Problems(problems)
    return digested


def scenario_digest(scenario: Scenario, inputs: ScenarioInputs) -> str:
    """SHA-256 of a question as it stands: version of Terp, fields, and what is in the files that they name.

    inputs   of the scenario, whose own digests count, so that a shipped file that changed makes another question

    A row of a sweep is kept under this digest: the same digest is the same row, on whichever machine it was done.
    """
    values = scenario.values
    named = {name: Path(value) for name, value in values.items() if isinstance(value, str)}
    files = {name: hashlib.sha256(read_limited(path)).hexdigest() for name, path in named.items() if path.is_file()}
    question = [terp.__version__, values, inputs.digests, files]
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def _files(scenario: Scenario) -> Scenario:
    """The scenario as all have it that share its inputs: of its own only what names a file, and the load.

    Days, seeds and caps need no other files, so a sweep over them reads its inputs once.
    """
    return Scenario(
        machine=scenario.machine,
        site=scenario.site,
        workload=scenario.workload,
        load_fraction=scenario.load_fraction,
        policy=scenario.policy,
    )


@lru_cache(maxsize=16)
def _read(files: Scenario, given: GivenInputs | None) -> ScenarioInputs:
    """The inputs of scenarios, read once by a process.

    files   as `_files` makes them;  given   inputs that stand for those that they name

    The last sixteen are kept.  Raises TerpError for what is wrong with a file.
    """
    return inputs_of(files, given)


def do_batch(batch: list[Item], given: GivenInputs | None = None) -> list[Outcome]:
    """Runs scenarios where this is called, in the order of the batch; what one raises is its outcome, and not raised.

    given   inputs that stand for those that the scenarios name; None: they are read, and kept for the next batch
    """
    return [_outcome(digest, scenario, given) for digest, scenario in batch]


def _outcome(digest: str, scenario: Scenario, given: GivenInputs | None) -> Outcome:
    """A scenario's row, or what went wrong.

    Files are read once by a process; where they no longer give the digest that was asked for they are read again, and if
    they
    still do not, the scenario fails: it would be another one.

    Whatever error the simulation raises is caught and becomes the words of the outcome.
    """
    try:
        inputs = _read(_files(scenario), given)
        if scenario_digest(scenario, inputs) != digest:
            _read.cache_clear()
            inputs = _read(_files(scenario), given)
        if scenario_digest(scenario, inputs) != digest:
            return digest, None, "its files, or Terp itself, are others here and now than where and when the sweep began"
        summary = simulate_scenario(scenario, inputs).summary
        return digest, row_of(digest, scenario.values, inputs.digests, summary), ""
    except TerpError as error:
        return digest, None, str(error)
    except Exception as error:  # noqa: BLE001 - one bad scenario must not end a night's work
        return digest, None, f"{type(error).__name__}: {error}"
