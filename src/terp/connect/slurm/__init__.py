"""Slurm's configuration and accounts."""
