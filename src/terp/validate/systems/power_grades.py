"""Power of nodes over time against 148 measured runs: their energy, and the swings of the whole job.

A run is predicted from its benchmark's pattern, its nodes and how long it took; the pattern's constants were fitted to
about half of the runs of each group.  Four grades come of it: energy; energy on numbers of nodes that nothing was fitted
to; the levels that a job's power stands at; and its steps from one to the next, which a grid operator asks about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Final

import numpy as np

from terp.physics.power.job_power import JobPower, Pattern, Shape, job_power, patterns
from terp.reader import read_text
from terp.results.record import Json
from terp.validate.grading.cases import expected, published_file
from terp.validate.grading.csv_table import lines_of
from terp.validate.grading.grade import Errors, Grade, GradedCase, Skipped
from terp.validate.grading.left_out import with_known_intervals, with_left_out_intervals
from terp.validate.grading.split import groups_for_fitting
from terp.validate.systems.power_rows import SWINGS, PowerRow, power_row, read_power_rows

SOURCE: Final = "power"
GROWN: Final = {"llama2_70b_lora|64": 8.0}
"""Group -> its global batch over that of the benchmark on one node; the same for all others."""
WHOLE: Final = {"gpt3": 64}
"""Benchmark -> the fewest nodes it was measured on, if not one: its pattern is of those."""

LEVELS: Final = SWINGS[:3]
"""What is told of the levels of a job's power; the others are of its steps."""
SEEN: Final = (1, 64)
"""Numbers of nodes that the harder split fits to."""
_THINNED: Final = 0.189
OF_1_AND_64_NODES: Final = dict(patterns()) | {
    "llama2_70b_lora": replace(patterns()["llama2_70b_lora"], setup_s=13.0, thinned_fraction=_THINNED),
    "resnet": replace(patterns()["resnet"], computing_w=7056.0, setup_s=2.0, thinned_fraction=_THINNED),
    "ssd": replace(patterns()["ssd"], computing_w=7032.0, waiting_w=3031.0, divided_fraction=0.0, thinned_fraction=_THINNED),
    "unet3d": replace(patterns()["unet3d"], computing_w=7291.0, burst_s=1.0, setup_s=4.0, thinned_fraction=_THINNED),
}
"""Patterns fitted to runs on 1 and 64 nodes only; what more nodes change is LoRA's for all."""
CONSTANTS: Final = (
    "idle", "set-up", "loading", "closing", "settling of one node", "settling of several",
    "computing, BERT", "set-up, BERT", "when, BERT", "wait, BERT",
    "computing, DLRM", "idle, DLRM",
    "computing, GPT-3", "waits every, GPT-3", "first wait, GPT-3", "dips every, GPT-3", "dip, GPT-3", "depth, GPT-3",
    "computing, LoRA", "idle, LoRA", "set-up, LoRA", "first when, LoRA", "waits every, LoRA", "wait, LoRA",
    "first wait, LoRA", "thinned, LoRA",
    "computing, ResNet", "set-up, ResNet", "dips every, ResNet", "dip, ResNet", "depth, ResNet", "thinned, ResNet",
    "computing, SSD", "waiting, SSD", "waits every, SSD", "wait, SSD", "divided, SSD", "thinned, SSD",
    "computing, 3D U-Net", "burst, 3D U-Net", "set-up, 3D U-Net", "thinned, 3D U-Net",
)  # fmt: skip
"""Names of the constants of all patterns, as the grades list them."""


def is_for_fitting(row: PowerRow) -> bool:
    """True if constants were fitted to the run: about half of each group, in validation's split.yaml.

    A run of the caller's own is for fitting if it has the benchmark, the nodes and the published name of one that is.
    """
    return f"{row.group}|{row.run}" in groups_for_fitting(SOURCE)


@cache
def shipped_rows() -> tuple[PowerRow, ...]:
    """The runs that ship, already summed up from their readings; read once."""
    path = published_file(SOURCE, "table.csv")
    return tuple(power_row(text) for _, text in lines_of(read_text(path), str(path), ("benchmark", "run")))


def shape_of(row: PowerRow) -> Shape:
    """What is given of a run: nodes, duration, readings before and after it [s], and its batch a node over the pattern's.

    Lead and tail that a file does not tell are those of its group's shipped runs, or none where they would not leave a run.
    """
    ratio = GROWN.get(row.group, 1.0) * WHOLE.get(row.benchmark, 1) / row.nodes_count
    lead_s, tail_s = row.lead_s, row.tail_s
    if np.isnan(lead_s + tail_s):
        lead_s, tail_s = _around().get(row.group, (0.0, 0.0))
        if lead_s + tail_s >= row.run_s:
            lead_s = tail_s = 0.0
        return Shape(row.nodes_count, row.run_s - lead_s - tail_s, lead_s, tail_s, min(ratio, 1.0))
    return Shape(row.nodes_count, row.run_s, lead_s, tail_s, min(ratio, 1.0))


@cache
def _around() -> dict[str, tuple[float, float]]:
    """Group -> median lead and tail of its shipped runs [s]: how its log was kept.

    Logs of one group were kept by one script, which waited as long before and after each run.
    """
    groups: dict[str, list[PowerRow]] = {}
    for row in shipped_rows():
        groups.setdefault(row.group, []).append(row)
    return {
        group: (median(row.lead_s for row in rows), median(row.tail_s for row in rows)) for group, rows in groups.items()
    }


def predicted(row: PowerRow, known: Mapping[str, Pattern] | None = None) -> JobPower:
    """The model's power of a run, a node in the mean [W], over lead, run and tail.

    known   benchmark -> pattern; the catalogue's if None.  A benchmark without a pattern raises KeyError.
    """
    return job_power((known or patterns())[row.benchmark], shape_of(row))


def swings_of(power: JobPower) -> tuple[float, ...]:
    """What is predicted of the swings, in the order of SWINGS: five ratios over the mean power.

    The first three are levels, the 5th, 50th and 95th percentile; the others the 99th percentile and the most of its steps.
    """
    return (*power.level_ratios, power.step_p99_ratio, power.step_max_ratio)


@dataclass(frozen=True)
class PowerGrades:
    """Grades of energy; of energy on numbers of nodes never fitted to; of the levels and of the steps of a job's power.

    energy   of one node over the run's readings [J]
    groups   energy on 8 and 9 nodes, by constants of runs on 1 and 64; None on a file of the caller's own
    levels   percentiles of the job's power over its mean
    steps    changes of the job's power within two seconds over its mean
    baseline_of_group_fraction   median error of a harder baseline of the energy: the mean power of the group's fit runs;
                                 None where no run is of such a group
    """

    energy: Grade
    groups: Grade | None
    levels: Grade
    steps: Grade
    baseline_of_group_fraction: float | None

    @property
    def grades(self) -> tuple[Grade, ...]:
        """All four, or of a file the three that it has, in the order of the table."""
        more = () if self.groups is None else (self.groups,)
        return (self.energy, *more, self.levels, self.steps)

    @property
    def swings(self) -> dict[str, Errors]:
        """Errors of each figure of a job's power, by its name in SWINGS."""
        cases = (*self.levels.cases, *self.steps.cases)
        return {name: Errors(tuple(case for case in cases if case.part == name)) for name in SWINGS}

    def as_data(self) -> dict[str, Json]:
        """The JSON of `terp validate power`, see docs/formats/validate.md."""
        swings: Json = {name: part.figures() for name, part in self.swings.items()}
        groups = None if self.groups is None else self.groups.as_data()
        more: dict[str, Json] = {"baseline_of_group_median_abs_error": self.baseline_of_group_fraction, "swings": swings}
        return self.energy.as_data() | more | {"groups": groups}


def grade_power(path: Path | None = None) -> PowerGrades:
    """The grades of power: on shipped runs that nothing was fitted to, or on all runs of a Parquet file of readings.

    path   the file; None for the runs that ship

    Runs of a benchmark without a pattern are left out with the reason.  Raises Problems for a file.
    """
    known = patterns()
    rows, skipped = (list(shipped_rows()), []) if path is None else read_power_rows(path)
    skipped += [Skipped(row.name, f"no pattern of {row.benchmark[:40]!r}") for row in rows if row.benchmark not in known]
    rows = [row for row in rows if row.benchmark in known]
    fit = [row for row in shipped_rows() if is_for_fitting(row)]
    graded = [row for row in rows if path is not None or not is_for_fitting(row)]
    energy, swings = _cases(graded, fit, known)
    levels, steps = ([case for case in swings if (case.part in LEVELS) == is_level] for is_level in (True, False))
    many = [row for row in rows if row.nodes_count not in SEEN]
    return PowerGrades(
        energy=_grade("power", "energy", "j", rows, _with_intervals("power", energy, path), skipped),
        groups=None if path is not None else _of_groups(many, [row for row in fit if row.nodes_count in SEEN]),
        levels=_grade("power-levels", "levels", "ratio", rows, _with_intervals("power-levels", levels, path)),
        steps=_grade("power-steps", "steps", "ratio", rows, _with_intervals("power-steps", steps, path)),
        baseline_of_group_fraction=_of_group(graded, fit),
    )


SEEN_GROUP: Final = "benchmark and nodes seen"
NEW_GROUP: Final = "nodes not seen"
"""Classes of the energy of a run: whether runs of the benchmark on as many nodes were fitted to."""


def _with_intervals(model: str, cases: Sequence[GradedCase], path: Path | None) -> tuple[GradedCase, ...]:
    """The cases with 90 % intervals: from other benchmarks and numbers of nodes, or of a caller's file the catalogue's."""
    return with_left_out_intervals(cases) if path is None else with_known_intervals(model, cases)


def _grade(
    model: str, quantity: str, unit: str, rows: list[PowerRow], cases: Sequence[GradedCase], skipped: Sequence[Skipped] = ()
) -> Grade:
    """One of the grades, with the limits that were fixed for its name.

    rows      runs that are graded or were fitted to;  cases   what is graded of them, in the unit
    skipped   runs that no case was made of, which count as rows
    """
    return Grade(
        model=model,
        quantity=quantity,
        unit=unit,
        rows_count=len(rows) + len(skipped),
        fitted_count=sum(is_for_fitting(row) for row in rows),
        cases=tuple(cases),
        skipped=tuple(skipped),
        constants=CONSTANTS,
        limits=expected(SOURCE, model),
    )


def _of_groups(rows: list[PowerRow], fit: list[PowerRow]) -> Grade:
    """The harder split: all runs on 8 and 9 nodes, by constants of runs on 1 and 64.

    The rows that were fitted to in the usual split may be among its cases: here they were not.
    """
    cases, _ = _cases(rows, fit, OF_1_AND_64_NODES)
    new = [replace(case, fitted=False, class_name=NEW_GROUP) for case in cases]
    grade = _grade("power-groups", "energy", "j", rows, with_left_out_intervals(new))
    return replace(grade, rows_count=len(rows) + len(fit), fitted_count=len(fit))


def _cases(
    rows: list[PowerRow], fit: list[PowerRow], known: Mapping[str, Pattern]
) -> tuple[list[GradedCase], list[GradedCase]]:
    """Cases of energy [J] and of swings [ratios]; their baseline is the mean over all fit runs.

    Figures that are 0 in a run, such as steps that did not happen, have no error and are no cases.
    """
    mean_w = fmean(row.mean_w for row in fit)
    mean = [fmean(getattr(row, name) for row in fit) for name in SWINGS]
    energy, swings, seen = [], [], {row.group for row in fit}
    for row in rows:
        power, fitted = predicted(row, known), is_for_fitting(row)
        inputs = {"run": _how_known(row)}
        baseline_j = mean_w * shape_of(row).window_s
        class_name, group = SEEN_GROUP if row.group in seen else NEW_GROUP, _part(row)
        energy.append(
            GradedCase(
                row.name, group, row.energy_j, power.energy_j, baseline_j, inputs, fitted, class_name=class_name, group=group
            )
        )
        swings += [
            GradedCase(row.name, name, getattr(row, name), value, baseline, inputs, fitted, class_name=name, group=group)
            for name, value, baseline in zip(SWINGS, swings_of(power), mean, strict=True)
            if getattr(row, name) > 0
        ]
    return energy, swings


def _how_known(row: PowerRow) -> str:
    """How it is known when the run itself began and ended within the readings."""
    if not np.isnan(row.lead_s + row.tail_s):
        return "stated"
    return "inferred: as shipped runs of its group" if row.group in _around() else "assumed: nothing is read around it"


def _part(row: PowerRow) -> str:
    """Benchmark and nodes, in words.

    It is what cases of energy are grouped by in a long list.
    """
    return f"{row.benchmark}, {row.nodes_count} node{'s' if row.nodes_count > 1 else ''}"


def _of_group(rows: list[PowerRow], fit: list[PowerRow]) -> float | None:
    """Median error of the mean power of the group's fit runs times the window; None if no group has any.

    Energy of a run is then that mean power [W] times the run's window [s], which knows the benchmark and the nodes.
    """
    means = {group: fmean(row.mean_w for row in fit if row.group == group) for group in {row.group for row in fit}}
    errors = [abs(means[row.group] * shape_of(row).window_s / row.energy_j - 1) for row in rows if row.group in means]
    return median(errors) if errors else None
