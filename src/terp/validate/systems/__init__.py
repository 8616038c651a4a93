"""Grades of whole systems: benchmarks, power, costs, fleets, Slurm."""
