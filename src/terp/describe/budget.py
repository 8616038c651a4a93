"""What a budget file says: who pays how much for what, where the machine may stand, what it must have, what
is wanted.

Money keeps the currency in which it was written; `plan` brings it to euros.  Shares are fractions, 0 to 1,
written in per cent where one likes.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from terp.reader import Money, Month, Name, Ratio, Record, Share

CostClass = Literal["acquisition", "building", "operation", "programme"]
COST_CLASSES: Final[tuple[CostClass, ...]] = ("acquisition", "building", "operation", "programme")
"""acquisition  the machine, delivered and installed;  building  the hall, where it is built for the machine
operation    electricity, rent, staff, maintenance, software;  programme  what the same money pays that is no machine"""

MOST_YEARS: Final = 15
"""Years of operation that a budget may have."""

PlannedTopology = Literal["rail-optimised-fat-tree", "fat-tree"]
ObjectiveName = Literal["science", "rmax", "tokens", "cost", "unit-cost", "energy", "carbon", "time"]


class Payer(Record):
    """A source of money.

    amount    at most so much; absent: no bound but the ceilings
    pays      classes of cost that its money may be spent on
    ceilings  at most this share of a class of cost, such as half of the acquisition
    buys_access              gets access time in proportion to what it pays of the classes that it may pay
    access_ceiling_fraction  and at most this share of the time
    exempt_from_vat          no tax on what it pays, as of a body of the European Union
    """

    title: str
    amount: Money | None = None
    pays: list[CostClass] = list(COST_CLASSES)
    ceilings: dict[CostClass, Share] = {}
    buys_access: bool = False
    access_ceiling_fraction: float = Field(default=1.0, ge=0, le=1)
    exempt_from_vat: bool = False


class SiteChoice(Record):
    """A place where the machine may stand.

    site       a site file that ships, for climate, carbon and the tax on energy
    hall       new: built for the machine, which `building` pays;  colocation: rented by the kW;  existing: free
    power_w    what the place can feed, at the meter
    electricity_eur_per_j    price of supply and network, without the energy tax, which the site file has
    ready      first month in which a machine can be installed
    """

    site: Name
    title: str = ""
    hall: Literal["new", "colocation", "existing"]
    power_w: float = Field(ge=0, le=1e10)
    pue_ceiling_ratio: float | None = Field(default=None, ge=1, le=5)
    electricity_eur_per_j: float = Field(ge=0, le=1e-6)
    ready: Month | None = None


class Delivery(Record):
    """When the machine is to be delivered."""

    from_month: Month = Field(alias="from")
    until_month: Month = Field(alias="until")


class Vat(Record):
    """Value-added tax.  `on`: none, all costs, or the host's: what payers pay that are not exempt."""

    rate_fraction: float = Field(default=0.21, ge=0, le=1)
    on: Literal["none", "all", "host"] = "none"


class Must(Record):
    """What every machine has to have; what stands nowhere is not asked for.

    storage_bytes, flash_bytes   usable, in all and of it on flash
    european_nodes_fraction      nodes of a partition of European technology, over the GPU nodes
    rank_count                   place in the TOP500 on delivery, or better
    """

    storage_bytes: float = Field(default=0.0, ge=0, le=1e19)
    flash_bytes: float = Field(default=0.0, ge=0, le=1e19)
    european_nodes_fraction: float = Field(default=0.0, ge=0, le=1)
    liquid_cooling: bool = False
    gpus_count: int = Field(default=0, ge=0, le=1_000_000)
    gpu_memory_bytes: float = Field(default=0.0, ge=0, le=1e13)
    rank_count: int | None = Field(default=None, ge=1, le=500)
    rmax_flop_per_s: float = Field(default=0.0, ge=0, le=1e20)


class Want(Record):
    """What the machine is for: the country's workload, and how much each domain counts (shares are brought to one)."""

    workload: Name = "national"
    domains: dict[Name, Ratio] = {}
    objective: ObjectiveName = "science"
    load_fraction: float | None = Field(default=None, gt=0, le=1)


class Choices(Record):
    """What may be chosen from; empty: all that the catalogue prices and that can be delivered in time.

    gpu_caps   power caps of the GPUs in operation, over the makers' own
    spares     nodes that stand by, over all
    operation_years   years of operation to choose from; empty: the budget's
    """

    nodes: list[Name] = []
    topologies: list[PlannedTopology] = ["rail-optimised-fat-tree", "fat-tree"]
    oversubscriptions: list[Ratio] = [1.0, 2.0]
    gpu_caps: list[Share] = [1.0, 0.85, 0.7]
    spares: list[Share] = [0.0, 0.02]
    operation_years: list[int] = []


class Ceilings(Record):
    """What may not be exceeded beside the money.

    machine_contract   acquisition, maintenance and software together, as a contract with a vendor has them
    """

    machine_contract: Money | None = None
    carbon_kg_per_year: float | None = Field(default=None, ge=0, le=1e12)


class Budget(Record):
    """A budget as its file describes it.  Amounts are brought to euros at the rates of the catalogue.

    prices_of         month whose prices are used
    operation_years_count   full years of operation after delivery
    reserve_fraction  of all money, kept back
    programme         what the money pays beside the machine, such as an expertise centre
    staff_count       people who run the machine
    """

    kind: Literal["budget"]
    name: Name
    title: str
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    prices_of: Month
    payers: dict[Name, Payer] = Field(min_length=1)
    operation_years_count: int = Field(default=5, ge=1, le=MOST_YEARS)
    delivery: Delivery
    vat: Vat = Vat()
    reserve_fraction: float = Field(default=0.0, ge=0, lt=1)
    programme: Money | None = None
    staff_count: int = Field(default=10, ge=0, le=1000)
    sites: dict[Name, SiteChoice] = Field(min_length=1)
    must: Must = Must()
    want: Want = Want()
    choices: Choices = Choices()
    ceilings: Ceilings = Ceilings()
    note: str = ""
