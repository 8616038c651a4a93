"""The jobs of a year: drawn, checked against the published ones, and what each kind runs.

`draw` makes the jobs of a seed, `workload_check` holds them to the printed figures, `job_kinds` says what each kind draws
and how fast it is on the machine, and `job_controls` applies an operator's settings.  `one_job` stands apart: a single job
with failures, as fleets report them.
"""
