"""Inputs of a budget and of a site that have a title in the catalogue of messages, and what they are used for.

An input that is not here is still listed among a plan's assumptions, by its path; here it gets words in both languages.

A path is that of the value in its file, such as "must.gpus", and not the name of a field of the record, which ends with the
unit.  `assumptions.py` alone reads these tables: it looks for an input of the budget in `USES` by its whole path, then in
`OF_PAYER_OR_SITE` by the last part of the path where the rest of it names a payer or a site.  `OF_SITE_FILE` is of another
file, the one that describes the site itself.

What an input is used for is a class or a line of cost where it makes one ("programme", "staff"), and else a word for the
part of a plan that it goes into ("must", "want", "delivery"); it becomes `used_for` of the plan's `Assumption`.
"""

from __future__ import annotations

from typing import Final

USES: Final = {
    "reserve": "money",
    "programme": "programme",
    "staff": "staff",
    "vat.rate": "tax",
    "vat.on": "tax",
    "operation_years": "operation",
    "delivery.from": "delivery",
    "delivery.until": "delivery",
    "must.storage": "must",
    "must.flash": "must",
    "must.european_nodes": "must",
    "must.liquid_cooling": "must",
    "must.gpus": "must",
    "must.gpu_memory": "must",
    "must.rmax": "must",
    "must.rank": "must",
    "ceilings.machine_contract": "money",
    "ceilings.carbon": "must",
    "want.domains": "want",
}
"""Path of an input of a budget -> what it is used for; its title is `input.PATH`."""
OF_PAYER_OR_SITE: Final = {
    "amount": "money",
    "ceilings": "money",
    "pays": "money",
    "access_ceiling": "money",
    "exempt_from_vat": "money",
    "electricity": "electricity",
    "power": "power",
    "ready": "time",
    "pue_ceiling": "pue",
}
"""Last part of the path of an input of a payer or a site -> what it is used for; its title is `input.PART`."""
SHARES: Final = ("reserve", "vat.rate", "must.european_nodes", "access_ceiling")
"""Inputs that are shares of something, which people write in percent: paths, or the last part of the path of one of a payer.

Their values and ranges are fractions in the file, and are shown as percentages in a plan.
"""
OF_SITE_FILE: Final = (
    "cooling.conversion.no_load",
    "cooling.conversion.proportional",
    "cooling.conversion.quadratic",
    "cooling.electrical_loss",
    "cooling.air",
    "cooling.fixed",
    "cooling.free_below",
    "cooling.full_above",
    "cooling.chiller_cop",
    "cooling.liquid.heat",
    "cooling.liquid.pump",
    "cooling.liquid.supply",
    "cooling.liquid.return",
    "cooling.liquid.rejection.approach",
    "cooling.liquid.rejection.fan",
    "cooling.liquid.rejection.pad",
    "cooling.liquid.rejection.cycles",
    "heat_reuse.capture",
    "heat_reuse.capacity",
    "heat_reuse.full_below",
    "heat_reuse.none_above",
    "heat_reuse.summer",
    "heat_reuse.supply",
    "heat_reuse.lift_carnot",
    "contract.margin",
    "contract.network.year_peak",
    "contract.network.month_peak",
    "contract.network.contracted",
    "contract.network.energy",
    "hall.setpoint",
    "hall.return_air",
)
"""Paths of a site's file; the title of each is `site.PATH`.

Only inputs that the site's file marks as assumed are listed in a plan.  One that is assumed and not here is called by the
words of its path.
"""
