"""CAN YOU BELIEVE IT?

Models against published results: rows that constants are fitted to and rows that they are graded on never meet, and a
one-line baseline is graded beside each.
"""

from terp.validate.collectives import grade_collectives
from terp.validate.costs import CostCase, CostGrade, grade_costs
from terp.validate.fleets import FleetCase, FleetGrade, grade_fleets
from terp.validate.grade import Case, Errors, Grade, Skipped
from terp.validate.kernels import grade_kernels
from terp.validate.power import PowerGrades, grade_power
from terp.validate.slurm import SlurmGrade, grade_replays, grade_slurm, worsened_slurm
from terp.validate.top500 import grade, models
from terp.validate.training import TrainingGrade, grade_training

__all__ = [
    "Case",
    "CostCase",
    "CostGrade",
    "Errors",
    "FleetCase",
    "FleetGrade",
    "Grade",
    "PowerGrades",
    "Skipped",
    "SlurmGrade",
    "TrainingGrade",
    "grade",
    "grade_collectives",
    "grade_costs",
    "grade_fleets",
    "grade_kernels",
    "grade_power",
    "grade_replays",
    "grade_slurm",
    "grade_training",
    "models",
    "worsened_slurm",
]
