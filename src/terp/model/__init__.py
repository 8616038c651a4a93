"""HOW FAST, HOW HOT, HOW RELIABLE?

Pure functions, one model each, with its symbols, units and source.  No clock, no files, no state.
"""

from terp.model.facility import facility_power_w, mechanical_share, pue
from terp.model.machine import MachinePower, machine_power
from terp.model.money import staircase_eur
from terp.model.power import NodeLevels, fan_power_w, idle_power_w, levels_of, node_levels, node_power_w

__all__ = [
    "MachinePower",
    "NodeLevels",
    "facility_power_w",
    "fan_power_w",
    "idle_power_w",
    "levels_of",
    "machine_power",
    "mechanical_share",
    "node_levels",
    "node_power_w",
    "pue",
    "staircase_eur",
]
