"""What folders hold, by table and by key: the columns of a run's tables, the shape of run.json, the rows of a sweep.

docs/formats says what each means.  A folder that is read is held against this, so that whoever uses a result finds it whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from terp.describe.scenario import ScenarioField
from terp.files.document_check import MOST_NUMBER, Damage, shown
from terp.files.table_check import Column
from terp.results.figures import HEADLINES
from terp.results.run_summary import RunSummary
from terp.results.table import Table
from terp.units import HOUR_S

STATES: Final = frozenset({"completed", "cancelled", "failed", "timeout", "running", "waiting"})
"""What may have become of a job."""
_WHOLE, _NUMBER, _TEXT = Column("whole"), Column("number"), Column("text")
_LATER, _MONEY = Column("whole", optional=True), Column("number", negative=True)
COLUMNS: Final[dict[str, dict[str, Column]]] = {
    "jobs": {
        **dict.fromkeys(("submit_s", "run_s", "requested_s", "gpus_count", "restarts_count", "gpu_s", "lost_gpu_s"), _WHOLE),
        **dict.fromkeys(("start_s", "last_start_s", "end_s", "wait_s"), _LATER),
        "first_node": Column("whole", optional=True, negative=True),
        **dict.fromkeys(("state", "type", "domain", "job", "group", "profile"), _TEXT),
        **dict.fromkeys(("energy_j", "carbon_kg"), _NUMBER),
        "cost_eur": _MONEY,
    },
    "interruptions": dict.fromkeys(("job", "start_s", "end_s", "first_node"), _WHOLE),
    "timeline": {
        **dict.fromkeys(
            (
                "time_s", "busy_gpus_count", "running_jobs_count", "waiting_jobs_count", "waiting_gpus_count",
                "down_nodes_count",
            ),
            _WHOLE,
        ),
        "it_power_w": _NUMBER,
    },
    "hours": {
        "start_s": _WHOLE,
        **dict.fromkeys(("it_energy_j", "facility_energy_j", "carbon_kg", "water_kg", "reused_heat_j"), _NUMBER),
        **dict.fromkeys(("cost_eur", "wet_bulb_celsius", "price_eur_per_j"), _MONEY),
        "dry_bulb_celsius": Column("number", optional=True, negative=True),
    },
}  # fmt: skip
"""Columns by table; the dry bulb is empty where the site names no series of it."""


class PowerOfMachine(TypedDict):
    """`power` of run.json: levels of the whole machine."""

    rated_w: float
    expected_w: float
    idle_w: float
    base_w: float


class FacilityAsUsed(TypedDict):
    """`facility` of run.json: the hall as the machine uses it, and what the site declares."""

    liquid_cooled: bool
    rejection: str | None
    evaporates: bool
    waste_heat_celsius: float | None
    heat_pump: bool
    contract: str
    setpoint_celsius: float | None
    floor_area_m2: float | None
    room_area_m2: float | None
    refrigerants: list[str] | None
    renewables: DeclaredShares | None


class DeclaredToEu(TypedDict):
    """`declared` of run.json: what the site file declares to the EU's database, null where it is silent.

    Runs of earlier versions have none of it, and of the four keys of run.json that came with it.
    """

    owner: str | None
    municipality: str | None
    centre: str | None
    in_operation: str | None
    electrical_redundancy: str | None
    cooling_redundancy: str | None
    backup_energy_j: float | None
    grid_functions: list[str]
    grid_battery_w: float | None
    potable_fraction: float | None
    server_capacity_ratio: float | None
    rate_in_bytes_per_s: float | None
    rate_out_bytes_per_s: float | None
    data_in_bytes: float | None
    data_out_bytes: float | None


class DeclaredShares(TypedDict):
    """`facility.renewables` of run.json."""

    guarantees_fraction: float
    agreements_fraction: float
    on_site_fraction: float


class SeriesUsed(TypedDict):
    """A series in `series` of run.json."""

    name: str
    title: str
    unit: str
    synthetic: bool
    attribution: str
    note: str


class ValueRow(TypedDict):
    """A row of `assumed` and `provenance` in run.json."""

    path: str
    value: NotRequired[str]
    status: str
    source: NotRequired[str]
    range: NotRequired[str]
    note: NotRequired[str]


class Citation(TypedDict):
    """An entry of `sources` in run.json."""

    title: str
    publisher: str
    address: str
    grade: str
    dated: str
    read: str
    licence: str


class TitlesOfWork(TypedDict):
    """`titles` of run.json."""

    domains: dict[str, str]
    groups: dict[str, str]
    jobs: dict[str, dict[str, str]]


class ControlsInForce(TypedDict):
    """`controls` of run.json."""

    policy: str
    policy_digest: str
    gpu_cap_w: float | None
    node_cap_w: float | None
    power_cap_w: float | None
    response_w: float | None
    spare_nodes_count: int
    failures: bool
    checkpoints: str
    delay_by: str


class RunOrigin(TypedDict):
    """run.json."""

    format: str
    version: str
    machine: str
    title: str
    site: str
    site_title: str
    workload: str
    days: int
    seed: int
    note: str
    digests: dict[str, str]
    titles: TitlesOfWork
    power: PowerOfMachine
    facility: FacilityAsUsed
    series: dict[str, SeriesUsed]
    synthetic_series: list[str]
    statuses: dict[str, int]
    assumed: list[ValueRow]
    provenance: dict[str, ValueRow]
    sources: dict[str, Citation]
    controls: ControlsInForce
    declared: NotRequired[DeclaredToEu]
    country: NotRequired[str]
    in_service: NotRequired[int | None]
    storage_bytes: NotRequired[float | None]


def damage_of_summary(summary: RunSummary, titles: TitlesOfWork) -> Iterator[Damage]:
    """What in a summary cannot be, though every value of it can: a machine without GPUs, shares of work without a title.

    summary  whose values are each of their kind
    titles   of run.json, which must name all that the summary counts by name
    """
    for name in ("days", "nodes_count", "gpus_count"):
        if summary[name] == 0:
            yield Damage(name, "no number that can be", "0")
    for name in ("domains", "groups", "sizes"):
        if not summary[name]:
            yield Damage(name, "it is empty")
    untitled = [f"domains.{name}" for name in summary.domains if name not in titles["domains"]]
    untitled += [f"groups.{name}" for name in summary.groups if name not in titles["groups"]]
    untitled += [
        f"kinds[{place}]" for place, kind in enumerate(summary.kinds) if kind.job not in titles["jobs"].get(kind.domain, {})
    ]
    yield from (Damage(path, "run.json has no title of it") for path in untitled)


def damage_of_times(hours: Table, timeline: Table, days: int) -> Iterator[tuple[str, Damage]]:
    """What is wrong with the times of two tables: hours are whole ones from 0 on, and changes rise from 0.

    hours, timeline   with all of their columns;  days   of the run

    Gives the table's name beside each damage.
    """
    if not np.array_equal(hours.column("start_s").to_numpy(), np.arange(24 * days) * HOUR_S):
        yield "hours", Damage("start_s", f"its hours are not the {24 * days:,} of {days:,} days")
    elif (hours.column("it_energy_j").to_numpy().reshape(days, 24).sum(1) <= 0).any():
        yield "hours", Damage("it_energy_j", "a day in which the machine drew nothing")
    time_s = timeline.column("time_s").to_numpy()
    if time_s.size == 0 or time_s[0] != 0 or (np.diff(time_s) < 0).any():
        yield "timeline", Damage("time_s", "its times do not rise from 0")


def damage_of_words(jobs: Table) -> Iterator[Damage]:
    """Words in the jobs' table that no job can have.

    jobs   with all of its columns; other words are names of the workload's file, and may be any
    """
    others = set(pc.unique(jobs.column("state").cast("string")).to_pylist()) - STATES
    if others:
        yield Damage("state", "no state of a job", repr(min(others)))


def damage_of_rows(rows: pa.Table, fields: Mapping[str, ScenarioField]) -> Iterator[Damage]:
    """What is wrong with the columns of a sweep's rows.

    rows     at least one
    fields   of the scenarios, by the names of their columns

    Figures that a row lacks are empty, as rows of other workloads have others; but the headlines all have.
    """
    names = rows.column_names
    for name, field in fields.items():
        if names.count(name) != 1:
            yield Damage(name, "the column is missing")
        elif not _fits(rows.column(name).type, field):
            yield Damage(name, f"the column is not of the kind {field.type.__name__}", str(rows.column(name).type))
        elif rows.column(name).null_count and not field.optional:
            yield Damage(name, "a place of the column is empty")
    if "seed" not in fields:
        yield Damage("seed", "no field of these scenarios")
    for name in (name for name in HEADLINES if "." not in name):  # those of a size only where a machine has it
        if names.count(name) != 1 or rows.column(name).null_count:
            yield Damage(name, "the column is missing" if name not in names else "a place of the column is empty")
    for name in dict.fromkeys(names):
        if name not in fields and names.count(name) == 1:
            yield from _damage_of_figure(rows.column(name), name)


def _damage_of_figure(values: pa.ChunkedArray, name: str) -> Iterator[Damage]:
    """A column of figures or words: numbers are finite, and nothing is of a kind of its own.

    name   of the column; headlines are numbers, and a count is no less one
    """
    kind = values.type
    if pa.types.is_floating(kind):
        ends = pc.min_max(pc.abs(values))
        if pc.any(pc.is_nan(values)).as_py() or (ends["max"].as_py() or 0) > MOST_NUMBER:
            yield Damage(name, "a number in the column cannot be", shown(ends["max"].as_py()))
    elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_null(kind)):
        yield Damage(name, "the column holds neither numbers nor words", str(kind))
    elif name in HEADLINES and not pa.types.is_integer(kind):
        yield Damage(name, "the column is not of numbers", str(kind))


def _fits(kind: pa.DataType, field: ScenarioField) -> bool:
    """Whether a column may hold the values of a field; one without any value is of no kind, which an optional field may be.

    kind   of the column in Arrow;  field   whose values it should hold
    """
    if pa.types.is_null(kind):
        return field.optional
    if field.type is bool:
        return bool(pa.types.is_boolean(kind))
    if field.type is int:
        return bool(pa.types.is_integer(kind))
    if field.type is float:
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
