"""Makes the intervals of kernels, collectives and the power of jobs from the residuals of whole groups left out.

python scripts/fit_intervals.py [--write]

Constants stay as they are: run it after one of those models changed.  HPL and its kin are in fit_hpl.py, training in fit_training.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from intervals_file import write_intervals

from terp.validate import Grade
from terp.validate.chips.collective_grades import grade_collectives
from terp.validate.chips.kernel_grades import grade_kernels
from terp.validate.grading.grade import GradedCase
from terp.validate.grading.left_out import intervals_of
from terp.validate.systems.power_grades import grade_power

KERNELS = ("gemm", "attention")
"""Kinds of which tables of several chips are there."""


def graded() -> Iterator[tuple[str, str, tuple[GradedCase, ...]]]:
    """Model, source and cases of each model whose intervals are made here."""
    kernels, _ = grade_kernels()
    for model in KERNELS:
        yield model, "aiconfigurator", kernels[model].cases
    yield "collectives", "aiconfigurator", grade_collectives().cases
    power = grade_power()
    groups: Grade | None = power.groups
    yield "power", "smc-mlperf-2024", (*power.energy.cases, *(groups.cases if groups else ()))
    yield "power-levels", "smc-mlperf-2024", power.levels.cases
    yield "power-steps", "smc-mlperf-2024", power.steps.cases


def main() -> None:
    """Prints the intervals, and writes them if the script was called with --write."""
    for model, source, cases in graded():
        found, notes = intervals_of(cases), {}
        for name, one in found.items():
            of_class = [case for case in cases if case.class_name == name]
            notes[name] = f"{len(of_class)} rows of {len({case.group for case in of_class})} groups left out"
            print(f"{model:14} {name:26} {one.low_ratio:.3f} .. {one.high_ratio:.3f}   {notes[name]}")
        if "--write" in sys.argv:
            write_intervals(model, found, notes, script="scripts/fit_intervals.py", source=source)


if __name__ == "__main__":
    main()
