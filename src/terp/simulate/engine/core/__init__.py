"""The core: nodes, failures, checkpoints, power and one order with EASY backfill; three million jobs a second.

Chapters: `core_state` (what changes, without compilation), `free_nodes`, `account_shares`, `waiting_queue`, `node_drains`,
`attempts`, `easy_backfill`, `core_instants`.  The compiled ones are reached by `terp.simulate.engine.compiled` alone.
"""
