"""HPL, HPCG, HPL-MxP, their power, and ranks in lists.

`benchmark_system` makes of a machine what the three models take (`HplSystem`); each model gives a rate with its interval.
The formulas and their tests against the lists are in docs/theory/hpl.md.
"""
