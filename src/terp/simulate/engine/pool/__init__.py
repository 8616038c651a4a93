"""The flat pool: bare units, one order and backfill; millions of jobs a second.

Chapters: `pool_state` (what changes, without compilation), `pool_queue`, `pool_plan`, `pool_passes`.  The compiled ones are
reached by `terp.simulate.engine.compiled` alone.
"""
