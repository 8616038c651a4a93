"""The model of training steps against measured ones, and against one line: model flops over half of the peak.

Rows are dealt by source and model, so that runs of one paper do not vouch for each other; which are for fitting,
validation/training/split.yaml says.  Beside errors of step times the grade has those of memory, to which nothing was
fitted, and how well the order of a model's rows on as many GPUs is met, which a search depends on.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from terp.errors import Problem, Problems
from terp.physics.intervals import Interval
from terp.reader import one_line, read_text
from terp.results.record import Json
from terp.validate.grading.cases import expected, published_file
from terp.validate.grading.grade import Grade, GradedCase, Skipped, refused_data, skipped_data
from terp.validate.grading.split import groups_for_fitting
from terp.validate.steps.training_cases import TrainingCase, TrainingErrors, figures_of, predict_row, rank_tau
from terp.validate.steps.training_rows import TrainingRow, read_row

FITTED: Final = {
    "megatron-2024": (
        "hopper", "blackwell", "residual_passes_count", "tensor_overlap_fraction", "data_overlap_fraction", "casts_ratio",
        "experts_ratio", "experts_s",
    ),
    "mlperf-2024": ("hopper", "blackwell", "again_fraction"),
    "megatron-2025": ("experts_ratio", "experts_s", "expert_overlap_fraction"),
    "megatron-2026": ("experts_ratio", "experts_s", "expert_overlap_fraction"),
    "megatron-2026-06": ("experts_ratio", "experts_s", "expert_overlap_fraction"),
    "fsdp-2023": ("ampere", "hopper", "residual_passes_count", "host_s"),
    "fsdp-2024": ("data_overlap_fraction",),
    "jax-2024": ("hopper", "casts_ratio", "again_fraction", "data_overlap_fraction"),
    "internevo-2023": ("ampere", "data_overlap_fraction"),
    "deepspeed-2021": ("ampere", "residual_passes_count", "host_s"),
}  # fmt: skip
"""Generation of software -> its constants that are fitted; those named by an architecture are rates of products."""
NEEDED: Final = ("model", "gpu", "gpus", "framework")
"""Columns a table must have."""


@dataclass(frozen=True)
class TrainingGrade:
    """The grade of a table: its cases, its rows that none was made of, and how many rows constants were fitted to.

    unseen   names of shipped rows of sources that nothing was fitted to, which are graded apart; none of a caller's table

    Rows that were fitted to and publish a memory are cases still, of memory alone.
    """

    cases: tuple[TrainingCase, ...]
    skipped: tuple[Skipped, ...]
    fitted_count: int
    unseen: frozenset[str] = frozenset()

    @property
    def grades(self) -> tuple[Grade, ...]:
        """The grade of step times, and that of memory where some is published; of shipped rows the same for sources that
        nothing was fitted to.

        Rows that constants were fitted to count in the first alone; a row that publishes a memory is graded in the second
        even then, as nothing was fitted to memory.
        """
        constants = tuple(f"{name} of {generation}" for generation, names in FITTED.items() for name in names)
        old, new = (
            tuple(case for case in self.cases if (case.row.name in self.unseen) is unseen) for unseen in (False, True)
        )
        old_left = tuple(row for row in self.skipped if row.name not in self.unseen)
        new_left = tuple(row for row in self.skipped if row.name in self.unseen)
        graded = [
            _times("training", old, old_left, self.fitted_count, constants), _memories("training-memory", old),
            _times("training-unseen", new, new_left, 0, ()), _memories("training-unseen-memory", new),
        ]  # fmt: skip
        return tuple(entry for entry in graded if entry.cases or entry.model == "training")

    def as_data(self) -> dict[str, Json]:
        """The JSON of `terp validate training`: errors of all, by source, and each case [s].

        Sources are in the order of their names, each with the errors of its own cases; docs/formats/validate.md has the
        keys.
        """
        groups: dict[str, list[TrainingCase]] = defaultdict(list)
        for case in self.cases:
            groups[case.row.source].append(case)
        return {
            "n": len(self.cases) + len(self.skipped) + self.fitted_count,
            "graded": len(self.cases),
            "fitted": self.fitted_count,
            "open_settings": self.open_count,
            "skipped": skipped_data(self.skipped),
            "refused": refused_data(self.skipped),
            **self.figures.as_data(),
            "rank_tau": self.rank_tau,
            "groups": {
                source: {"graded": len(cases), **figures_of(cases).as_data()} for source, cases in sorted(groups.items())
            },
            "cases": [
                {
                    "id": case.row.name,
                    "predicted_s": case.step_s,
                    "published_s": case.row.step_s,
                    "low_s": case.low_s,
                    "high_s": case.high_s,
                    "class": case.known.name,
                    "inside": case.inside,
                    "error": case.error_fraction,
                    "predicted_memory_bytes": case.memory_bytes,
                    "published_memory_bytes": case.row.memory_bytes,
                    "memory_error": case.memory_error_fraction,
                    "open": case.open,
                    "software": case.row.software,
                    "parameters_count": case.row.work.parameters_count,
                    "known": dict(case.row.known),
                }
                for case in self.cases
            ],
        }

    @property
    def figures(self) -> TrainingErrors:
        """What the errors of all cases add up to."""
        return figures_of(self.cases)

    @property
    def open_count(self) -> int:
        """Cases whose rows leave settings open, so that the middle of what is plausible stands for them."""
        return sum(case.open for case in self.cases)

    @property
    def rank_tau(self) -> float | None:
        """How well the order within a model's rows is met, as `rank_tau` of this module has it [-1 to 1]; None without
        a group.
        """
        return rank_tau([case for case in self.cases if case.error_fraction is not None])


def _times(
    model: str, cases: Sequence[TrainingCase], skipped: tuple[Skipped, ...], fitted_count: int, constants: tuple[str, ...]
) -> Grade:
    """The grade of step times [s]."""
    graded = tuple(
        _case(case, case.row.step_s, case.step_s, case.likely, case.baseline_s) for case in cases if case.row.step_s
    )
    return Grade(
        model=model, quantity="step time", unit="s", rows_count=len(graded) + fitted_count, fitted_count=fitted_count,
        cases=graded, skipped=skipped, constants=constants, limits=expected("training", model),
    )  # fmt: skip


def _memories(model: str, cases: Sequence[TrainingCase]) -> Grade:
    """The grade of memory [bytes]."""
    graded = tuple(
        _case(case, case.row.memory_bytes, case.memory_bytes, case.held) for case in cases if case.row.memory_bytes
    )
    return Grade(
        model=model, quantity="memory", unit="bytes", rows_count=len(graded), fitted_count=0, cases=graded, skipped=(),
        constants=(), limits=expected("training", model),
    )  # fmt: skip


def _case(
    case: TrainingCase, published: float, predicted: float, ends: Interval, baseline: float | None = None
) -> GradedCase:
    """A case as the grades of all models have it.

    published, predicted, baseline   in the unit of the grade that the case is for;  ends   of its interval, as ratios
    """
    name = f"{case.row.name} {case.row.model}, {case.row.gpus_count} GPUs"
    return GradedCase(
        name, case.row.source, published, predicted, baseline, case.row.known, low=predicted * ends.low_ratio,
        high=predicted * ends.high_ratio, class_name=case.known.name, group=case.row.source,
    )  # fmt: skip


def group_of(row: TrainingRow) -> str:
    """What rows are dealt by: source and model; of sources with one model, or sizes of one, source and GPUs.

    Two rows of one group never stand on both sides of the split.
    """
    prefix = row.name.partition("-")[0]
    return f"{prefix}|{row.gpus_count} GPUs" if prefix in ("vtm", "vts", "intern") else f"{prefix}|{row.model}"


def is_for_fitting(row: TrainingRow) -> bool:
    """True if constants were fitted to the row, as validation/training/split.yaml says."""
    return group_of(row) in groups_for_fitting("training")


def read_table(path: Path) -> list[TrainingRow | Skipped]:
    """The rows of a CSV file, those that no case can be made of as `Skipped`.

    Raises Problems for a file that is none, or that lacks a column of NEEDED.

    path   a CSV file whose first line names its columns; those that are not known are passed over
    """
    try:
        lines = csv.DictReader(io.StringIO(read_text(path)))
        missing = [column for column in NEEDED if column not in (lines.fieldnames or ())]
        cells = [{key: one_line(value or "") for key, value in line.items() if key} for line in lines]
    except csv.Error as error:
        raise Problems([Problem(str(path), 0, 0, "", f"not CSV: {error}", would_do="write it again")]) from None
    if missing:
        wrong = "no column " + ", ".join(missing)
        raise Problems([Problem(str(path), 1, 0, "", wrong, would_do="name them in the first line")])
    return [read_row(line) for line in cells]


@cache
def _read(name: str) -> tuple[TrainingRow | Skipped, ...]:
    """The rows of a table that ships, read once."""
    return tuple(read_table(published_file("training", name)))


def _shipped() -> tuple[TrainingRow | Skipped, ...]:
    """All lines of the tables that constants may be fitted to, on many nodes and on one."""
    return _read("table.csv") + _read("one_node.csv")


def shipped_rows() -> tuple[TrainingRow, ...]:
    """The rows that ship, that cases are made of, and that constants may be fitted to: for fitting and grading alike."""
    return tuple(row for row in _shipped() if isinstance(row, TrainingRow))


def all_rows() -> tuple[TrainingRow, ...]:
    """All rows that ship and that cases are made of, with those of sources that nothing is fitted to."""
    return tuple(row for row in (*_shipped(), *_read("unseen.csv")) if isinstance(row, TrainingRow))


def predictors_mape() -> float:
    """Mean error without sign [fraction] on the 37 published steps that other predictors were graded on; none of them was
    fitted to.

    The steps stand in validation/training/predictors.csv, apart from the table that is graded.
    """
    rows = read_table(published_file("training", "predictors.csv"))
    errors = [predict_row(row).error_fraction for row in rows if isinstance(row, TrainingRow)]
    return float(np.mean([abs(error) for error in errors if error is not None]))


def grade_training(path: Path | None = None) -> TrainingGrade:
    """The grade of training steps: on shipped rows that nothing was fitted to, or on all rows of a CSV file.

    path   the file; None for the rows that ship

    Raises Problems for a file.
    """
    unseen = _read("unseen.csv") if path is None else ()
    rows = (*_shipped(), *unseen) if path is None else read_table(path)
    cases, skipped, fitted = [], [], 0
    for row in rows:
        if isinstance(row, Skipped):
            skipped.append(row)
        elif path is None and is_for_fitting(row):
            fitted += 1
            if row.memory_bytes is not None:  # to which nothing was fitted
                cases.append(predict_row(replace(row, step_s=None)))
        else:
            cases.append(predict_row(row))
    return TrainingGrade(tuple(cases), tuple(skipped), fitted, frozenset(row.name for row in unseen))
