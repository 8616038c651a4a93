"""What a run took and gave: energy, money, tables, figures, origin.

These modules are functions of an engine's outcome and hold no state.  `hours` gives energy, water, money and carbon by hour;
`tables` the Parquet tables; `summary` and `operation_figures` the figures of summary.json; `origin` makes run.json.
"""
