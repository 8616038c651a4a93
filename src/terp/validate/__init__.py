"""CAN YOU BELIEVE IT?

Models against published results: rows that constants are fitted to and rows that they are graded on never meet, and a
one-line baseline is graded beside each.
"""

from terp.validate.grading.grade import Case, Errors, Grade, Skipped
from terp.validate.kernels.collective_grades import grade_collectives
from terp.validate.kernels.kernel_grades import grade_kernels
from terp.validate.systems.benchmark_grades import grade, models
from terp.validate.systems.cost_grades import CostCase, CostGrade, grade_costs
from terp.validate.systems.fleet_grades import FleetCase, FleetGrade, grade_fleets
from terp.validate.systems.power_grades import PowerGrades, grade_power
from terp.validate.systems.slurm_grades import SlurmGrade, grade_replays, grade_slurm, worsened_slurm
from terp.validate.training.training_grades import TrainingGrade, grade_training

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
