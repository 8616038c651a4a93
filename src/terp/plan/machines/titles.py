"""What people call the inputs of a budget and those of a site."""

from __future__ import annotations

from typing import Final

INPUTS: Final = {
    "amount": "Money of {title}",
    "ceilings": "Largest share of a kind of cost, {title}",
    "pays": "Kinds of cost that are paid, {title}",
    "access_ceiling": "Largest share of the time, {title}",
    "exempt_from_vat": "No value-added tax is paid, {title}",
    "electricity": "Electricity without tax, {title}",
    "power": "Power that the place can feed, {title}",
    "ready": "First month in which a machine can be installed, {title}",
    "pue_ceiling": "Largest PUE, {title}",
}
"""Last part of the path of an input of a payer or a site -> its title."""
PLAIN: Final = {
    "reserve": ("Reserve, kept back of all money", "money"),
    "programme": ("Programme beside the machine", "programme"),
    "staff": ("People who run the machine", "staff"),
    "vat.rate": ("Rate of value-added tax", "tax"),
    "vat.on": ("Who pays value-added tax on top", "tax"),
    "operation_years": ("Years of operation", "operation"),
    "delivery.from": ("First month of delivery", "delivery"),
    "delivery.until": ("Last month of delivery", "delivery"),
    "must.storage": ("Storage that there has to be", "must"),
    "must.flash": ("Storage on flash that there has to be", "must"),
    "must.european_nodes": ("European nodes that there have to be, over GPU nodes", "must"),
    "must.liquid_cooling": ("Liquid cooling has to be", "must"),
    "must.gpus": ("GPUs that there have to be", "must"),
    "must.gpu_memory": ("Memory that a GPU has to have", "must"),
    "must.rmax": ("Rate in HPL that has to be reached", "must"),
    "must.rank": ("Place in the TOP500 that has to be reached", "must"),
    "ceilings.machine_contract": ("Largest contract for the machine", "money"),
    "ceilings.carbon": ("Most carbon a year", "must"),
    "want.domains": ("Weights of the domains", "want"),
}
"""Path of an input of a budget -> its title, and what it is used for."""
SHARES: Final = ("reserve", "vat.rate", "must.european_nodes", "access_ceiling")
"""Inputs that are shares of something, which people write in percent."""
SITE: Final = {
    "cooling.conversion.no_load": "Loss of the power supply without load, over full load",
    "cooling.conversion.proportional": "Loss of the power supply in proportion to the load",
    "cooling.conversion.quadratic": "Loss of the power supply by the square of the load",
    "cooling.electrical_loss": "Loss of the power supply",
    "cooling.air": "Fans and air coolers, over the heat in the air",
    "cooling.fixed": "Lighting and the like, over full load",
    "cooling.free_below": "Outside temperature below which no chiller runs",
    "cooling.full_above": "Outside temperature above which the chiller takes all heat",
    "cooling.chiller_cop": "Heat that a chiller moves, over its electricity",
    "cooling.liquid.heat": "Share of a node's heat that goes into the water",
    "cooling.liquid.pump": "Pumps, over the heat in the water",
    "cooling.liquid.supply": "Temperature of the water to the nodes",
    "cooling.liquid.return": "Temperature of the water from the nodes",
    "cooling.liquid.rejection.approach": "Water above the outside air, after the dry cooler",
    "cooling.liquid.rejection.fan": "Fans of the dry cooler, over the heat",
    "cooling.liquid.rejection.pad": "Effect of wetting the dry cooler",
    "cooling.liquid.rejection.cycles": "Cycles of concentration of the cooling water",
    "heat_reuse.capture": "Share of the water's heat that can be reused",
    "heat_reuse.capacity": "Most heat that a district takes",
    "heat_reuse.full_below": "Outside temperature below which a district takes all",
    "heat_reuse.none_above": "Outside temperature above which homes are not heated",
    "heat_reuse.summer": "Share that a district takes in summer",
    "heat_reuse.supply": "Temperature of the district's water",
    "heat_reuse.lift_carnot": "Heat pump, over the best that physics allows",
    "contract.margin": "Margin of the supplier of electricity",
    "contract.network.year_peak": "Network tariff, on the peak of the year",
    "contract.network.month_peak": "Network tariff, on the peak of the month",
    "contract.network.contracted": "Network tariff, on the contracted power",
    "contract.network.energy": "Network tariff, on energy",
    "hall.setpoint": "Temperature of the air to the nodes",
    "hall.return_air": "Temperature of the air from the nodes",
}
"""Path of an input of a site -> its title."""


def compared(ratio: float, what: str) -> str:
    """A ratio in words: 0.92 of science is "8% less science"."""
    if abs(ratio - 1) < 0.005:
        return f"the same {what}"
    return f"{abs(ratio - 1):.0%} {'less' if ratio < 1 else 'more'} {what}"
