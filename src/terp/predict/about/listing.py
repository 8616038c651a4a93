"""`terp.listing`: all that ships of a kind, a row each with its size, its title, and what tells it from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from terp.catalogue import Accelerator, Node, hourly, read_catalogue
from terp.describe import ModelFile, read_budget, read_model, read_policy, read_site, read_workload
from terp.hardware import machine_from
from terp.physics import machine_power, work_of
from terp.physics.training.software import generations
from terp.predict.about.kinds import KINDS, kind_named, names
from terp.results.record import Json, Result, unprinted
from terp.results.table import Table, table_of
from terp.units import UNITS

SHORT: Final = 512
"""Tokens of a short sequence."""
Row = dict[str, Json]
"""An entry by column; names of columns end with the unit."""


@dataclass(frozen=True, eq=False, repr=False)
class Listing(Result):
    """What ships of a kind, a row an entry, in the order of their names; of no kind, the kinds with how many there are.

    kind      in plural; "kinds" where none was asked for
    entries   mappings by column: `name` first and `title` last; numbers in SI, None where a thing has no such number
    """

    kind: str
    entries: tuple[Row, ...] = unprinted(())

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(str(entry["name"]) for entry in self.entries)

    @property
    def table(self) -> Table:
        """The entries as a table."""
        return table_of([dict(entry) for entry in self.entries])

    def to_dict(self) -> dict[str, Json]:
        """As `terp list KIND --json` prints it: `kind` and `entries`."""
        return {"kind": self.kind, "entries": [dict(entry) for entry in self.entries]}

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.entries)


def listing(kind: str | None = None) -> Listing:
    """What ships of a kind, such as "models"; without a kind, all kinds with how many there are.  Raises UnknownName.

    kind   in plural or singular; see `terp.names`
    """
    if kind is None:
        rows: list[Row] = [
            {"name": name, "entries_count": len(names(name)), "title": known.what} for name, known in KINDS.items()
        ]
        return Listing("kinds", tuple(rows))
    name = kind_named(kind)
    return Listing(name, tuple(_ROWS[name](each) for each in names(name)))


def _machine(name: str) -> Row:
    """Counts of the machine as it is built, and what it draws with every node in long training."""
    built = machine_from(name)
    return {
        "name": name,
        "nodes_count": built.nodes_count,
        "gpus_count": built.gpus_count,
        "gpu": built.node.accelerator,
        "fabric": built.file.fabric.topology,
        "switches_count": built.fabric.switches_count,
        "expected_power_w": machine_power(built).expected_w,
        "title": built.file.title,
    }


def tokens_of_one(record: ModelFile) -> int:
    """Tokens of a sample of which a model's parameters are counted, on which they do not depend; 0 for other than words."""
    return SHORT if getattr(record, "vocabulary_size", 0) else 0


def _model(name: str) -> Row:
    """Parameters are counted from the shape, so that they are there of every model."""
    record = read_model(name).record
    return {
        "name": name,
        "family": getattr(record, "family", ""),
        "parameters_count": work_of(record, tokens_of_one(record)).parameters_count,
        "layers_count": getattr(record, "layers_count", None),
        "title": record.title,
    }


def _site(name: str) -> Row:
    """Prices and carbon are means over the year of the series: the whole year's, not those of any load."""
    record = read_site(name).record
    return {
        "name": name,
        "country": record.country,
        "contract": record.contract.kind,
        "mean_price_eur_per_j": float(hourly(record.price).values.mean()) * UNITS["eur_per_j"]["EUR/MWh"],
        "mean_carbon_kg_per_j": float(hourly(record.carbon).values.mean()) * UNITS["kg_per_j"]["gCO2/kWh"],
        "title": record.title,
    }


def _workload(name: str) -> Row:
    """How many domains, kinds of job and groups it has, and the load that it asks for."""
    record = read_workload(name).record
    kinds = sum(len(domain.jobs) for domain in record.domains.values())
    sizes: Row = {"domains_count": len(record.domains), "kinds_of_job_count": kinds, "groups_count": len(record.groups)}
    return {"name": name, **sizes, "load_fraction": record.load_fraction, "title": record.title}


def _policy(name: str) -> Row:
    """The order of its queue, what may overtake, and how many QOS and partitions it has."""
    record = read_policy(name).record
    sizes: Row = {"qos_count": len(record.qos), "partitions_count": len(record.partitions)}
    return {"name": name, "order": record.order, "backfill": record.backfill.kind, **sizes, "title": record.title}


def _budget(name: str) -> Row:
    """What its payers give, each in the currency of the file; the years and the sites."""
    record = read_budget(name).record
    paid = ", ".join(str(payer.amount) for payer in record.payers.values() if payer.amount is not None)
    return {
        "name": name,
        "amounts": paid,
        "operation_years_count": record.operation_years_count,
        "sites_count": len(record.sites),
        "title": record.title,
    }


def _gpu(name: str) -> Row:
    """Memory, its rate, the dense peak in BF16 and the power cap of the sheet."""
    part = read_catalogue().part(Accelerator, name)
    return {
        "name": name,
        "memory_bytes": part.memory_bytes,
        "memory_rate_bytes_per_s": part.memory_rate_bytes_per_s,
        "bf16_flop_per_s": part.peak_flop_per_s.get("bf16"),
        "board_power_w": part.board_power_w,
        "title": part.title,
    }


def _node(name: str) -> Row:
    """Its GPUs, its cooling, and the maker's maximum of its power."""
    part = read_catalogue().part(Node, name)
    return {
        "name": name,
        "gpus_count": part.accelerators_count,
        "gpu": part.accelerator,
        "cooling": part.cooling,
        "rated_power_w": part.rated_power_w,
        "title": part.title,
    }


def _software(name: str) -> Row:
    """`spread_fraction` is how far nine of ten published steps lay from what is predicted with it."""
    generation = generations()[name]
    return {"name": name, "spread_fraction": generation.spread_fraction, "title": generation.title}


_ROWS: Final[dict[str, Callable[[str], Row]]] = {
    "machines": _machine,
    "models": _model,
    "sites": _site,
    "workloads": _workload,
    "policies": _policy,
    "budgets": _budget,
    "gpus": _gpu,
    "nodes": _node,
    "software": _software,
}
"""Kind -> what makes a row of a name."""
