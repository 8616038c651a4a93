"""Hourly series of 2024: prices, weather, carbon.  Each knows its unit, its source, and whether it is modelled.

All series share one calendar, the 8,784 hours of 2024 in UTC, so that a price, a temperature and a carbon intensity of the
same hour belong together.  `scripts/distil_series.py` makes the Parquet file; `series.yaml` says of each column what it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from terp.arrays import numbers_of
from terp.errors import Problem, Problems, UnknownName
from terp.reader import Name, Record, read_entries, read_tree

FIRST_HOUR: Final = "2024-01-01T00:00Z"
HOURS_COUNT: Final = 8784


class SeriesEntry(Record):
    """What `series.yaml` says of one column.

    synthetic   True where the values are modelled rather than observed; shown wherever they are used

    unit                  of the values, such as "EUR/MWh" or "degC"
    origin                the entry of sources.yaml that it comes from
    licence, attribution  under which it may be passed on, and the words that this asks for
    low_ratio, high_ratio bounds of what the column may hold, in its unit; a test reads them
    """

    title: str
    unit: str
    origin: Name
    synthetic: bool
    licence: str
    attribution: str
    low_ratio: float = Field(ge=-1e6, le=1e6)
    high_ratio: float = Field(ge=-1e6, le=1e6)
    note: str = ""


@dataclass(frozen=True)
class Series:
    """An hourly series from `FIRST_HOUR` on, in the unit of its entry; `values` has 8,784 entries.

    values   shape (8784,), hour by hour in UTC, without gaps
    """

    name: str
    entry: SeriesEntry
    values: NDArray[np.float64]

    def over(self, hours: int) -> NDArray[np.float64]:
        """The first `hours` values; past the year's end the year begins again.

        hours   any number, shape of the result; hour 8,784 is the first hour again
        """
        return np.resize(self.values, hours)


@cache
def _entries() -> dict[str, SeriesEntry]:
    """What series.yaml says of each series, by name.  Raises Problems if it is wrong."""
    text = resources.files("terp.catalogue").joinpath("series", "series.yaml").read_text("utf-8")
    problems: list[Problem] = []
    entries = read_entries(read_tree(text, "series.yaml"), SeriesEntry, problems)
    if problems:
        raise Problems(problems)
    return entries


def series_names() -> tuple[str, ...]:
    """The names of all series."""
    return tuple(_entries())


def hourly(name: str) -> Series:
    """A series by name.  Raises UnknownName.

    The values are a new array: a caller may change it.
    """
    entry = _entries().get(name)
    if entry is None:
        raise UnknownName("hourly series", name, _entries())
    return Series(name, entry, numbers_of(_table().column(name)).astype(np.float64))


@cache
def _table() -> pa.Table:
    """The Parquet file of all series, a column each, read once."""
    with resources.as_file(resources.files("terp.catalogue").joinpath("series", "hourly-2024.parquet")) as path:
        return pq.ParquetFile(path).read()  # `read_table` imports datasets, and with them pandas: 0.4 s


@cache
def series_digest() -> str:
    """SHA-256 of the series that ship."""
    folder = resources.files("terp.catalogue").joinpath("series")
    return hashlib.sha256(folder.joinpath("hourly-2024.parquet").read_bytes()).hexdigest()
