"""What Slurm's accounting prints: `sacct` as text and as JSON."""
