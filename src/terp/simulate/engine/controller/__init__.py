"""The controller: jobs on nodes by all that slurm.conf says, some ten thousand jobs a second.

Chapters: `controller_rows` (what the rows of the tables are), `controller_state` (the tables, without compilation), then
`fair_share`, `job_queue`, `node_map`, `job_limits`, `start_stop`, `preemption`, `main_pass`, `backfill_plan`,
`backfill`, `controller_instants`.  The compiled ones are reached by `terp.simulate.engine.compiled` alone.
"""
