"""Reads readings of nodes' power and sums up each run: its energy, its quantiles, and how it stood before and after.

A file is Parquet, a reading of one node a row; docs/formats/validate.md has its columns.  Readings of a node need not be
evenly spaced: energy is by trapezoids, and the job's power is put on a grid of two seconds.  Runs that ship were summed
up by the same functions and stand as CSV, which `write_power_rows` wrote.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terp.arrays import Floats
from terp.errors import Problem, Problems
from terp.files.parquet_file import parquet_schema, read_parquet, words_of
from terp.physics.power.job_power import SHARES, STEP_S
from terp.units import DAY_S
from terp.validate.grading.grade import Skipped

NEEDED: Final = {
    "benchmark": "text", "n_nodes": "int", "run": "text", "start_unix_ms": "int", "node": "int", "t_s": "float",
    "power_ac_w": "float",
}  # fmt: skip
"""Columns of a file of readings, a reading a row, and what they hold."""
WINDOW: Final = ("run_start_unix_ms", "run_stop_unix_ms")
"""Columns that say when the run itself began and ended, if they are there."""
FEWEST: Final = 20
"""Readings a run must have of each node in the mean."""
LEAST_W, MOST_W = 100.0, 30_000.0
"""What a node may draw, as far as a reading is believed [W]."""
LONGEST_S: Final = 30.0 * DAY_S
"""How long a run may be."""
MOST_POINTS: Final = 2 * 10**8
"""Nodes times steps of two seconds of a run; a thousand nodes for four days come to so many."""


@dataclass(frozen=True)
class PowerRow:
    """One run: what is given of it, and what was measured, a node in the mean.

    benchmark, nodes_count, run   what ran, on how many nodes, and the run's published name
    lead_s, run_s, tail_s   readings before the run, the run, readings after it; lead and tail NaN if not told
    energy_j, mean_w        of one node over all three
    p05_ratio, p50_ratio, p95_ratio   percentiles of the job's power over its mean, every two seconds
    step_p99_ratio, step_max_ratio   change of the job's power in two seconds over its mean
    computing_w, low_s      median of what is above 80 % of the highest; seconds in the run that are below it
    spread_fraction         standard deviation of the nodes' means over the mean; 0 of one node

    Power is in W and time in s.  A ratio is over the mean power of the same run.
    """

    benchmark: str
    nodes_count: int
    run: str
    lead_s: float
    run_s: float
    tail_s: float
    energy_j: float
    mean_w: float
    p05_ratio: float
    p50_ratio: float
    p95_ratio: float
    step_p99_ratio: float
    step_max_ratio: float
    computing_w: float
    low_s: float
    spread_fraction: float

    @property
    def group(self) -> str:
        """Benchmark and nodes as "benchmark|nodes", the key of what was fitted together."""
        return f"{self.benchmark}|{self.nodes_count}"

    @property
    def name(self) -> str:
        """Benchmark, nodes and the end of the run's name, as published."""
        return f"{self.benchmark} on {self.nodes_count}, {self.run[-28:]}"


_NAMED: Final = ("benchmark", "nodes_count", "run")
"""What says which run it is; all else is measured."""
SWINGS: Final = ("p05_ratio", "p50_ratio", "p95_ratio", "step_p99_ratio", "step_max_ratio")
"""What is graded of a run's swings: three levels, then two figures of its steps."""


def read_power_rows(path: Path) -> tuple[list[PowerRow], list[Skipped]]:
    """The runs of a Parquet file of readings, and those that none is made of, each with the reason.

    Two runs of one benchmark that began in the same millisecond are the same readings twice; the first counts.
    Raises Problems for a file that is no such table, or an empty one.
    """
    table = _table(path)
    if not table.num_rows:
        raise Problems([Problem(str(path), 0, 0, "", "no rows", would_do="a row is a reading of a node")])
    columns = {name: _column(table, name) for name in table.column_names}
    rows: list[PowerRow] = []
    skipped: list[Skipped] = []
    seen: dict[tuple[str, int, int], str] = {}
    for key, readings in _runs(columns):
        name = f"{key[0]} on {key[1]}, {key[3][-28:]}"
        first = seen.setdefault(key[:3], key[3])
        row: PowerRow | str = f"the same readings as {first[-28:]}" if first != key[3] else summed_up(key, readings)
        if isinstance(row, str):
            skipped.append(Skipped(name, row))
        else:
            rows.append(row)
    return rows, skipped


def _table(path: Path) -> pa.Table:
    """The columns that are used of a Parquet file.  Raises Problems for columns that lack or hold something else.

    The columns of WINDOW are read only if both are there and hold whole numbers; all others of the file are passed over.
    """
    schema = parquet_schema(path)
    missing = [name for name in NEEDED if name not in schema.names]
    if missing:
        would_do = "needed are " + ", ".join(NEEDED)
        raise Problems([Problem(str(path), 0, 0, name, "missing column", would_do=would_do) for name in missing])
    twice = [name for name in (*NEEDED, *WINDOW) if schema.names.count(name) > 1]
    if twice:
        raise Problems([Problem(str(path), 0, 0, name, "this column stands twice", would_do="keep one") for name in twice])
    wrong = [name for name, kind in NEEDED.items() if not _holds(schema.field(name).type, kind)]
    if wrong:
        raise Problems(
            [Problem(str(path), 0, 0, name, f"not {NEEDED[name]}", str(schema.field(name).type)) for name in wrong]
        )
    has_window = all(name in schema.names and _holds(schema.field(name).type, "int") for name in WINDOW)
    return read_parquet(path, [*NEEDED, *(WINDOW if has_window else ())])


def _holds(kind: pa.DataType, wanted: str) -> bool:
    """Whether a column of a type holds what is wanted: whole numbers do for floats, codes of a dictionary for
    their values.
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if wanted == "text":
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    number = bool(pa.types.is_integer(kind))
    return number or (wanted == "float" and bool(pa.types.is_floating(kind)))


def _column(table: pa.Table, name: str) -> Column:
    """A column as an array; numbers that are not there are NaN, words that are not there empty.

    Numbers of any width become floats, so that a reading that is not there can be NaN.
    """
    column = table.column(name)
    if NEEDED.get(name) == "text":
        return words_of(column)
    numbers: Floats = column.cast(pa.float64(), safe=False).to_numpy().astype(float)
    return numbers


Column: TypeAlias = NDArray[Any]
"""A column of readings: numbers as floats, or words."""
Key = tuple[str, int, int, str]
"""Benchmark, nodes, start [ms], run."""


def _runs(columns: Mapping[str, Column]) -> Iterator[tuple[Key, dict[str, Floats]]]:
    """The readings of each run, those without a believable power or a time left out.

    columns   name -> one value a reading, in the order of the file

    Gives a run's key and its readings by column; a run all of whose readings are left out comes with empty ones.
    """
    powers, times = columns["power_ac_w"], columns["t_s"]
    good = np.isfinite(powers) & np.isfinite(times) & (powers >= LEAST_W) & (powers <= MOST_W)
    good &= np.isfinite(columns["n_nodes"]) & np.isfinite(columns["start_unix_ms"]) & np.isfinite(columns["node"])
    names = ("benchmark", "n_nodes", "start_unix_ms", "run")
    codes = np.stack([np.unique(columns[name], return_inverse=True)[1] for name in names])
    groups, which = np.unique(codes, axis=1, return_inverse=True)
    which = which.reshape(-1)
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(groups.shape[1] + 1))
    for group in range(groups.shape[1]):
        every = order[bounds[group] : bounds[group + 1]]
        at = every[good[every]]
        benchmark, nodes, start, run = (columns[name][every[0]] for name in names)
        key = (str(benchmark), int(nodes) if np.isfinite(nodes) else 0, int(start) if np.isfinite(start) else 0, str(run))
        yield key, {name: column[at] for name, column in columns.items() if name not in ("benchmark", "run")}


def summed_up(key: Key, readings: Mapping[str, Floats]) -> PowerRow | str:
    """A run from its readings, or why none is made of it.

    readings   column -> one value a reading of any node: node, t_s [s], power_ac_w [W], and those of WINDOW if told

    Every one of `n_nodes` nodes must have been read, FEWEST times in the mean.

    key   benchmark, nodes, start and name of the run

    The energy is that of one node in the mean, by trapezoids between the node's own readings; the job's power is the sum
    over its nodes on a grid of STEP_S, interpolated between readings.
    """
    benchmark, nodes, start_ms, run = key
    read_nodes = np.unique(readings["node"])
    if nodes < 1 or len(read_nodes) != nodes:
        return f"readings of {len(read_nodes)} nodes, where n_nodes says {nodes}"
    if len(readings["t_s"]) < FEWEST * nodes:
        return f"{len(readings['t_s'])} readings, fewer than {FEWEST} of each node"
    begin_s, end_s = float(readings["t_s"].min()), float(readings["t_s"].max())
    if not 0 < end_s - begin_s <= LONGEST_S:
        return f"readings over {end_s - begin_s:g} s"
    lead_s, tail_s = _around(readings, start_ms, begin_s, end_s)
    grid = np.arange(begin_s, end_s, STEP_S)
    if len(grid) * nodes > MOST_POINTS:
        return f"readings of {nodes} nodes over {end_s - begin_s:g} s, more than are summed up"
    job, means, energy_j = np.zeros(len(grid)), [], 0.0
    order = np.lexsort((readings["t_s"], readings["node"]))
    bounds = np.flatnonzero(np.diff(readings["node"][order])) + 1
    for of_node in np.split(order, bounds):
        times, powers = readings["t_s"][of_node], readings["power_ac_w"][of_node]
        job += np.interp(grid, times, powers)
        energy_j += float(((powers[1:] + powers[:-1]) * np.diff(times)).sum()) / 2 / nodes
        means.append(float(powers.mean()))
    return _measured(
        PowerRow(
            benchmark, nodes, run, lead_s, end_s - begin_s - np.nan_to_num(lead_s + tail_s), tail_s, energy_j,
            *(0.0,) * 8, float(np.std(means, ddof=1) / np.mean(means)) if nodes > 1 else 0.0,
        ),
        job / nodes,
    )  # fmt: skip


def _around(readings: Mapping[str, Floats], start_ms: int, begin_s: float, end_s: float) -> tuple[float, float]:
    """Seconds of readings before and after the run; NaN and NaN if the file does not say when it ran.

    start_ms          when t_s is 0, in ms since 1970, as is the window
    begin_s, end_s    first and last reading of the run, on the clock of t_s

    Both are NaN, too, where they leave no time for the run.
    """
    if WINDOW[0] not in readings:
        return float("nan"), float("nan")
    start, stop = (float(readings[name][0]) for name in WINDOW)
    lead_s = max((start - start_ms) / 1000 - begin_s, 0.0)
    tail_s = max(end_s - (stop - start_ms) / 1000, 0.0)
    return (lead_s, tail_s) if lead_s + tail_s < end_s - begin_s else (float("nan"), float("nan"))


def _measured(row: PowerRow, job_w: Floats) -> PowerRow:
    """The row with what its power over time tells: `job_w` is a node in the mean, every two seconds [W].

    Seconds of low power are counted within the run alone; all other figures are over lead, run and tail.
    """
    mean_w = float(job_w.mean())
    low, middle, high = (float(value) / mean_w for value in np.quantile(job_w, SHARES))
    steps = np.abs(np.diff(job_w)) / mean_w
    computing = job_w > 0.8 * job_w.max()
    lead = int(np.nan_to_num(row.lead_s) / STEP_S)
    inside = computing[lead : lead + max(int(row.run_s / STEP_S), 1)]
    return replace(
        row,
        mean_w=mean_w,
        p05_ratio=low,
        p50_ratio=middle,
        p95_ratio=high,
        step_p99_ratio=float(np.quantile(steps, 0.99)),
        step_max_ratio=float(steps.max()),
        computing_w=float(np.median(job_w[computing])),
        low_s=float(STEP_S * (~inside).sum()),
    )


def write_power_rows(rows: list[PowerRow], file: TextIO) -> None:
    """Writes runs as CSV, six digits a number: `power_row` reads each line again.

    The columns are the fields of `PowerRow` in their order, and the first line names them.
    """
    names = [field.name for field in fields(PowerRow)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in asdict(row).values()])


def power_row(text: Mapping[str, str]) -> PowerRow:
    """A run from a line of a table that `write_power_rows` wrote, columns by name."""
    measured = {field.name: float(text[field.name]) for field in fields(PowerRow) if field.name not in _NAMED}
    return PowerRow(text["benchmark"], int(text["nodes_count"]), text["run"], **measured)
