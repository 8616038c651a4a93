"""Tables of a folder, read and held against their columns: what is damaged is said before anything uses it.

A column is of numbers or words, may be empty or not, and its numbers are finite.  Columns that a later release added are
passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from terp.errors import Problem, Problems
from terp.files.document_check import MOST_INTEGER, MOST_NUMBER, Damage, shown
from terp.files.parquet_file import parquet_schema

_WORDS: Final = {"whole": "whole numbers", "number": "numbers", "text": "texts"}


@dataclass(frozen=True)
class Column:
    """What a column holds.

    kind      whole numbers, numbers, or texts
    optional  whether places may be empty
    negative  whether numbers may be below zero
    """

    kind: Literal["whole", "number", "text"]
    optional: bool = False
    negative: bool = False


def read_table(file: Path, would_do: str) -> pa.Table:
    """The table of a Parquet file.  Raises Problems, a line, where it cannot be read.

    file       that should be there;  would_do   where it is not, or is no Parquet
    """
    if not file.is_file():
        raise Problems([Problem(str(file), 0, 0, "", "is missing", would_do=would_do)])
    try:
        parquet_schema(file)  # refuses one that would unpack without end
        table = pq.read_table(file, memory_map=False)
        table.validate(full=True)  # Arrow takes codes beyond the words of a column as they come
    except Problems as error:
        raise Problems(replace(problem, would_do=would_do) for problem in error.problems) from None
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, pa.ArrowException) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise Problems([Problem(str(file), 0, 0, "", f"cannot be read: {why}", would_do=would_do)]) from None
    return table


def damage_of_table(table: pa.Table, columns: Mapping[str, Column]) -> Iterator[Damage]:
    """What in a table is not as its columns should be.

    columns   by name; all of them must be there, once

    For each column it yields whether it is missing, of another type, empty where it may not be, or holds numbers that
    cannot be.
    """
    for name, column in columns.items():
        count = table.column_names.count(name)
        if count != 1:
            yield Damage(name, "the column is missing" if count == 0 else "the column stands there twice")
        else:
            yield from _damage_of_column(table.column(name), column, name)


def _damage_of_column(values: pa.ChunkedArray, column: Column, name: str) -> Iterator[Damage]:
    """What is wrong with the type, the empty places and the numbers of a column.

    values   in which empty is not the same as not a number;  column   what should stand there;  name   for the message
    """
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not _fits(kind, column.kind):
        yield Damage(name, f"the column is not of {_WORDS[column.kind]}", str(values.type))
        return
    if values.null_count and not column.optional:
        yield Damage(name, f"{values.null_count:,} of {len(values):,} places of the column are empty")
    if column.kind == "text" or len(values) == values.null_count:
        return
    ends = pc.min_max(values)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    most = MOST_INTEGER if column.kind == "whole" else MOST_NUMBER
    if pa.types.is_floating(kind) and pc.any(pc.is_nan(values)).as_py():
        yield Damage(name, "a place of the column is not a number")
    elif max(-low, high) > most or (low < 0 and not column.negative):
        yield Damage(name, "a number in the column cannot be", shown(low if low < 0 else high))


def _fits(kind: pa.DataType, wanted: str) -> bool:
    """Whether an Arrow type holds what a column should.

    kind   of the column, or of its values where it is a dictionary;  wanted   as of `Column`
    """
    if wanted == "text":
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    if wanted == "whole":
        return bool(pa.types.is_integer(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
