"""CAN YOU BELIEVE IT?

Models against published results: rows that constants are fitted to and rows that they are graded on never meet, and a
one-line baseline is graded beside each.  A function a model gives its `Grades`: `terp.validate.training().table`.

`grading` has what all share: tables, splits, errors and limits; `chips` grades kernels and collectives, `steps` training,
`systems` whole machines: benchmarks, power, prices, fleets and the controller.  The rows stand under validation/, with
their sources, splits and the limits that were fixed before the first run.

    grades = terp.validate.hpl()
    grades.table.to_pandas(), grades.missed, grades.passed
    terp.validate.hpl("machines.csv")

A function without a file grades the rows that ship and that nothing was fitted to; with a file, all rows of it.  A row that
no case can be made of is listed with the reason, and counts in no error.
"""

from terp.validate.graders import (
    GRADERS,
    all_models,
    collectives,
    costs,
    fleets,
    hpcg,
    hpl,
    hpl_power,
    kernels,
    mxp,
    power,
    slurm,
    training,
)
from terp.validate.grading.grade import Errors, Grade, GradedCase, Skipped
from terp.validate.grading.model_grades import AllGrades, Grades

__all__ = [
    "GRADERS",
    "AllGrades",
    "Errors",
    "Grade",
    "GradedCase",
    "Grades",
    "Skipped",
    "all_models",
    "collectives",
    "costs",
    "fleets",
    "hpcg",
    "hpl",
    "hpl_power",
    "kernels",
    "mxp",
    "power",
    "slurm",
    "training",
]
