"""Many scenarios at once: sent out in batches, kept as they come back, gone on with where they stopped."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from terp.errors import Interrupted, TerpError
from terp.results.sweep_folder import Row, add_part, begin_sweep, finish_sweep, merge_parts, row_of, sweep_document
from terp.sweep.axes import Plan
from terp.sweep.executors import Crew
from terp.sweep.scenario import Inputs, Scenario

TASK_S: Final = 3.0  # a task's work, so that sending it costs little and losing it no more
_LARGEST: Final = 256
_KILLS: Final = 3
_SMALL: Final = 200

Item = tuple[str, Scenario]
Outcome = tuple[str, Row | None, str]
"""Digest of a scenario; its row, or none and what went wrong."""
Told = Callable[[int, int, float], None]


@dataclass
class _Work:
    """What is left to do, and what came of the rest."""

    waiting: deque[Item]
    keep: Callable[[list[Outcome]], None]
    killed: Counter[str] = field(default_factory=Counter)
    rows_count: int = 0
    spent_s: float = 0.0

    def next_batch(self, workers: int) -> list[Item]:
        """A few seconds of work; what was lost before goes alone, since it may be what kills."""
        if self.killed[self.waiting[0][0]]:
            return [self.waiting.popleft()]
        each_s = self.spent_s / self.rows_count if self.rows_count else TASK_S
        share = -(-len(self.waiting) // (2 * workers))
        count = max(1, min(int(TASK_S / max(each_s, 1e-3)), share, _LARGEST))
        return [self.waiting.popleft() for _ in range(count)]

    def room(self, flying: list[list[Item]], workers: int) -> bool:
        """True if another batch may go.  What was under way each time that workers died goes alone: it shows who did it."""
        if not self.waiting:
            return False
        next_kills = self.killed[self.waiting[0][0]]
        kills = max([next_kills, *(self.killed[batch[0][0]] for batch in flying)])
        return len(flying) < (1 if kills >= _KILLS - 1 else 2 * workers)

    def came_back(self, outcomes: list[Outcome]) -> None:
        """Keeps what a batch gave."""
        rows = [row for _, row, _ in outcomes if row is not None]
        self.rows_count += len(rows)
        self.spent_s += sum(row["wall_s"] for row in rows)
        self.keep(outcomes)

    def was_lost(self, batch: list[Item]) -> None:
        """A batch whose worker is gone: tried again, until it is clear that it is what kills."""
        for digest, scenario in reversed(batch):
            self.killed[digest] += 1
            if self.killed[digest] >= _KILLS:
                self.keep([(digest, None, f"its worker died, {_KILLS} times; it may need more memory")])
            else:
                self.waiting.appendleft((digest, scenario))


def run_sweep(plan: Plan, folder: Path, crew: Crew, tell: Told | None = None) -> dict[str, Any]:
    """Runs what is missing of a plan in a sweep folder; sweep.json.

    tell   called with scenarios done, scenarios in all, and about how long the rest will take [s]

    Raises Problems, all at once, for names that are not there and for a folder that cannot be used, and Interrupted,
    with sweep.json, if stopped.  A scenario that fails is noted, and the others go on.
    """
    scenarios = _digested(plan)
    document = sweep_document(plan.axes, plan.fixed, len(scenarios))
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
        if tell is not None:
            each_s = (time.perf_counter() - began) / (done_count - len(there))
            tell(done_count, len(scenarios), each_s * (len(scenarios) - done_count))

    work = _Work(deque(item for item in scenarios.items() if item[0] not in there), keep)
    try:
        while work.waiting:
            with crew() as (executor, workers):
                _until_broken(executor, workers, work)
    except KeyboardInterrupt:
        raise Interrupted(f"{done_count - len(failures):,} of {len(scenarios):,}") from None
    finally:
        failed = [{"scenario": asdict(scenarios[digest]), "error": wrong} for digest, wrong in failures.items()]
        document = finish_sweep(folder, document, failed, list(scenarios))
    return document


def _until_broken(executor: Any, workers: int, work: _Work) -> None:
    """Sends batches out and keeps what comes back, until all is done or the executor breaks."""
    flying: dict[Future[list[Outcome]], list[Item]] = {}
    broken = False
    while flying or (work.waiting and not broken):
        while not broken and work.room(list(flying.values()), workers):
            batch = work.next_batch(workers)
            try:
                flying[executor.submit(do_batch, batch)] = batch
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


def _digested(plan: Plan) -> dict[str, Scenario]:
    """The scenarios of a plan by digest, in order.  Raises TerpError for what is wrong with any of their files."""
    found: dict[str, Scenario] = {}
    wrong: dict[str, None] = {}
    read: dict[Scenario, Inputs | None] = {}
    for scenario in plan.scenarios:
        files = _files(scenario)
        if files not in read:
            try:
                read[files] = scenario.inputs()
            except TerpError as error:
                read[files] = None
                wrong |= dict.fromkeys(str(error).splitlines())
        inputs = read[files]
        if inputs is not None:
            found[scenario.digest(inputs)] = scenario
    if wrong:
        raise TerpError("\n".join(wrong))
    return found


def _files(scenario: Scenario) -> Scenario:
    """The scenario with the seed and the days of all that share its inputs."""
    return replace(scenario, seed=1, days=1)


@lru_cache(maxsize=16)
def _read(files: Scenario) -> Inputs:
    return files.inputs()


def do_batch(batch: list[Item]) -> list[Outcome]:
    """Runs scenarios where this is called; what one raises is its outcome."""
    return [_outcome(digest, scenario) for digest, scenario in batch]


def _outcome(digest: str, scenario: Scenario) -> Outcome:
    try:
        inputs = _read(_files(scenario))
        if scenario.digest(inputs) != digest:
            _read.cache_clear()
            inputs = _read(_files(scenario))
        if scenario.digest(inputs) != digest:
            return digest, None, "its files, or Terp itself, are others here and now than where and when the sweep began"
        return digest, row_of(digest, asdict(scenario), inputs.digests, scenario.summary(inputs)), ""
    except TerpError as error:
        return digest, None, str(error)
    except Exception as error:  # noqa: BLE001 - one bad scenario must not end a night's work
        return digest, None, f"{type(error).__name__}: {error}"
