"""Pages of what was simulated: a run of a workload, and a trace that was replayed."""
