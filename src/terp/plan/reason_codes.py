"""What a plan says beside its numbers, as codes: `views` has the sentence of each, in every language.

The planner says nothing in words: it gives a code with the numbers that decided, so that one plan can be read in English
and in Dutch, and compared by program.  A code stays when its sentence is reworded, since plans that were saved name it.
A test holds the codes of this module and the sentences of the catalogue of messages to each other.

    Reason(Code.TOO_EXPENSIVE, {"cost_eur": 2.1e8, "money_eur": 1.6e8})

is what the planner says of a machine that costs more than there is; `terp.plan.outcome.purchase_plan.plan_viewer` makes
the English sentence of it.  In plan.json both stand side by side, as `reason`, `reason_code` and `reason_data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Datum = str | int | float | tuple[str, ...] | Mapping[str, float]
"""What fills a gap of a sentence: a name, a number in SI or in euros, names, or shares by name."""


@dataclass(frozen=True)
class Reason:
    """Something to be said: a code, and the numbers and names that its sentence needs.

    code   a key of the catalogue of messages
    data   what fills the sentence's gaps, by name; numbers in SI, their names end with the unit

    Two reasons are equal if code and data are.  The hash sorts the data's names, so that their order does not matter.

    Nothing checks here that the code has a sentence, or the data all that it needs: `plan_of` tries every sentence of a plan
    that is read, and refuses one that cannot be said.
    """

    code: str
    data: Mapping[str, Datum] = field(default_factory=dict)

    def __hash__(self) -> int:
        """By the code and the data in the order of their names, so that reasons may be keys and members of sets."""
        return hash((self.code, repr(sorted(self.data.items()))))


Words = str | Reason
"""A title, a note or a value: as a file has it, or of a code."""


class Code(StrEnum):
    """Codes of sentences, titles and notes; the families below stand beside them.

    In order: what machines are called, why they stand on the frontier, why others lost, caveats, why nothing can be bought,
    and titles and notes of assumptions.  Families whose last part is a name have no entry here: `check.NAME` of constraints,
    `line.NAME` of lines of cost, `input.PATH` of a budget's inputs and `site.PATH` of a site's.

    Who says what: `verdicts.whys` says LEADS to BEST_OF_GPU, `verdicts.rejected` BEATEN to NO_COUNT_FITS, `machines.designs`
    and the planner's first step NO_NETWORK to WORKLOAD_CANNOT_RUN, `verdicts.caveats` SCIENCE_BY_THROUGHPUT to
    WORK_BY_MEMORY, and `no_plan` NOTHING_TO_TRY to NOTHING_PAID.  NOTHING_CHECKED is the planner's own.  The rest, from
    ACCEPTANCE on, are titles, values and notes of assumptions and of inputs that swing.
    """

    MACHINE = "machine"
    MACHINE_KIND = "machine-kind"
    NODE_KIND = "node-kind"
    LEADS = "leads-in-objective"
    FASTEST = "fastest"
    EARLIER = "earlier"
    CHEAPER = "cheaper"
    BEST_OF_GPU = "best-of-gpu"
    BEATEN = "beaten"
    BEATEN_IN_RMAX = "beaten-in-rmax"
    BEATEN_IN_TOKENS = "beaten-in-tokens"
    BEATEN_IN_UNIT_COST = "beaten-in-unit-cost"
    BEATEN_IN_ENERGY = "beaten-in-energy"
    BEATEN_IN_CARBON = "beaten-in-carbon"
    PUE_TOO_HIGH = "pue-too-high"
    RMAX_TOO_LOW = "rmax-too-low"
    CONTRACT_TOO_LARGE = "contract-too-large"
    TOO_EXPENSIVE = "too-expensive"
    TOO_MUCH_POWER = "too-much-power"
    NO_COUNT_FITS = "no-count-fits"
    NO_NETWORK = "no-network"
    NEVER_MEASURED = "never-measured"
    PLACE_TOO_LATE = "place-too-late"
    SOLD_TOO_LATE = "sold-too-late"
    DELIVERED_TOO_LATE = "delivered-too-late"
    NO_LONGER_SOLD = "no-longer-sold"
    AIR_COOLED = "air-cooled"
    NO_WATER_LOOP = "no-water-loop"
    TOO_LITTLE_MEMORY = "too-little-memory"
    NO_PRICE = "no-price"
    WORKLOAD_CANNOT_RUN = "workload-cannot-run"
    SCIENCE_BY_THROUGHPUT = "science-by-throughput"
    UNMEASURED_GPUS = "unmeasured-gpus"
    PRICES_MOVE = "prices-move"
    TAPERED_NETWORK = "tapered-network"
    GPU_CAP_SCALED = "gpu-cap-scaled"
    HPL_NOT_MEASURED = "hpl-not-measured"
    WORK_BY_MEMORY = "work-by-memory"
    NOTHING_TO_TRY = "nothing-to-try"
    NOTHING_MEETS = "nothing-meets-the-rest"
    NOTHING_IN_CONTRACT = "nothing-in-the-contract"
    NOTHING_IN_MONEY = "nothing-in-the-money"
    NOTHING_PAID = "nothing-that-each-payer-may-pay"
    NOTHING_CHECKED = "nothing-that-the-checker-passes"
    ACCEPTANCE = "acceptance"
    MILESTONES = "milestones"
    DEAL_LEVEL_BY_SIZE = "deal-level-by-size"
    DEAL_LEVEL = "deal-level"
    ELECTRICITY = "electricity-without-tax"
    SPEED_OF_GPU = "speed-of-gpu"
    SPEED_IN_DOMAIN = "speed-of-gpu-in-domain"
    SITE_INPUT = "site-input"
    PRICE_DATED = "price-dated"
    PRICE_MOVED = "price-moved"
    SPEED_PREDICTED = "speed-predicted"
    FITTED_ON_DEALS = "fitted-on-deals"
    SPREAD_OF_DEALS = "spread-of-deals"
    DOMAIN_SHARES = "domain-shares"
    CLASS_SHARES = "class-shares"
    CLASSES_PAID = "classes-paid"
    YES = "yes"
    NO = "no"


ConstraintName = Literal[
    "built", "power", "delivery", "pue", "carbon", "storage", "flash", "european_nodes", "liquid_cooling", "gpus",
    "gpu_memory", "rmax", "rank", "money", "machine_contract",
]  # fmt: skip
"""Constraints that the independent checker looks at; each has a title `check.NAME`."""
