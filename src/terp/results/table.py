"""A table of a result: Arrow inside, pandas or polars on request, with time stamps where the table knows its start.

Every table of a result is one of these, so that pandas and polars stay optional and are imported only when asked for.
Values are in the unit that a column's name ends with; seconds are whole and count from `start`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from terp.errors import Problem, Problems, printable
from terp.results.record import viewer

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_SHOWN_ROWS = 10


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows and columns; a column's name ends with its unit.

    arrow     the pyarrow.Table
    moments   columns of whole seconds since `start`, such as "submit_s": `to_pandas` and `to_polars` give them as time
              stamps under the name without "_s"
    start     when second 0 is, with its time zone; None leaves seconds as they are

    Frozen, and equal to a table with the same rows, columns and moments.  Iterating gives a dictionary a row; the table
    itself may be handed to whatever reads Arrow's stream protocol.
    """

    arrow: pa.Table
    moments: tuple[str, ...] = ()
    start: datetime | None = None

    def to_pandas(self) -> pd.DataFrame:
        """A pandas.DataFrame, with time stamps where the table knows its start.

        Raises Problems where pandas is not installed.
        """
        try:
            import pandas  # noqa: F401, ICN001, PLC0415 - half a second that only this needs
        except ImportError:
            raise _missing("pandas") from None
        return self.stamped().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """A polars.DataFrame, with time stamps where the table knows its start.

        Raises Problems where polars is not installed.
        """
        try:
            import polars  # noqa: ICN001, PLC0415 - of an extra
        except ImportError:
            raise _missing("polars") from None
        frame = polars.from_arrow(self.stamped())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def stamped(self) -> pa.Table:
        """The Arrow table with its moments as time stamps [s]; as it is where it knows no start."""
        if self.start is None:
            return self.arrow
        first_s, zone = int(self.start.timestamp()), self.start.tzname() or "UTC"
        columns: dict[str, pa.ChunkedArray] = {}
        for name in self.arrow.column_names:
            column = self.arrow.column(name)
            if name in self.moments:
                seconds = pa.compute.add(column.cast(pa.int64()), first_s)
                columns[name.removesuffix("_s")] = seconds.cast(pa.timestamp("s", tz=zone))
            else:
                columns[name] = column
        return pa.table(columns)

    @property
    def num_rows(self) -> int:
        """Rows."""
        return int(self.arrow.num_rows)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.arrow.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """A column by name.  Raises Problems with the names that there are."""
        if name not in self.arrow.column_names:
            known = ", ".join(self.arrow.column_names)
            raise Problems([Problem("", 0, 0, "", "no such column", repr(name), f"known: {known}")])
        return self.arrow.column(name)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.column(name)

    def equals(self, other: Table) -> bool:
        """True if the other has the same rows, columns and moments."""
        return self == other

    def to_pylist(self) -> list[dict[str, object]]:
        """A dictionary a row."""
        return list(self.arrow.to_pylist())

    def __len__(self) -> int:
        return self.num_rows

    def __iter__(self) -> Iterator[dict[str, object]]:
        return iter(self.to_pylist())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow stream that pyarrow, polars, DuckDB and pandas read without a copy."""
        return self.arrow.__arrow_c_stream__(requested_schema)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        same = (self.start, self.moments) == (other.start, other.moments)
        return same and (bool(self.arrow.equals(other.arrow)) or bool(_in_words(self.arrow).equals(_in_words(other.arrow))))

    def __hash__(self) -> int:
        schema = hashlib.sha256(str(_in_words(self.arrow.slice(0, 0)).schema).encode()).hexdigest()
        return hash((schema, self.arrow.num_rows, self.start, self.moments))

    def __repr__(self) -> str:
        names = ", ".join(self.arrow.column_names)
        most = 140
        return printable(f"Table({self.num_rows:,} rows of {names if len(names) <= most else names[:most] + '...'})")

    def _repr_html_(self) -> str:
        return viewer().table_html(repr(self), self.stamped().slice(0, _SHOWN_ROWS).to_pylist())


def _in_words(table: pa.Table) -> pa.Table:
    """A table with its words written out: how wide their codes are is a matter of the file and of Arrow's version."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def table_of(rows: Sequence[Mapping[str, object]]) -> Table:
    """A table of rows that have the same keys; of none, an empty one."""
    return Table(pa.Table.from_pylist([dict(row) for row in rows]))


def _missing(package: str) -> Problems:
    """A refusal where a package is not installed, with the command that installs it."""
    would_do = f"install it: pip install {package}"
    return Problems([Problem("", 0, 0, "", f"{package} is not installed", would_do=would_do)])
