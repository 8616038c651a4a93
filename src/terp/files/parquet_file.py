"""Parquet files that anyone may have written -> tables of Arrow; what would unpack without end is refused before it is read.

A column of a million equal values takes some bytes in such a file, so that its size says nothing of the memory that it
needs; the rows and the types that its end tells do.  Not a part of the face of `files`, since Arrow takes a while to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terp.errors import Problem, Problems
from terp.files.open_file import LEAST_UNPACKED_BYTES, MOST_UNPACKED_RATIO, open_regular, refuse_packed

WRITE_AGAIN: Final = "write it again"
_WIDEST_BYTES: Final = 16
"""What a value takes whose type has no width of its own, such as a list's [bytes]."""


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a file and their types.  Raises Problems for what is no regular file, or no Parquet."""
    return _checked(path).schema_arrow


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a file; texts come as Arrow's dictionaries, so that one that stands in every row is held once.

    path      of the file
    columns   names of those that are read, all of which must be there; None for all

    Raises Problems, in one line, for what is no regular file, no whole Parquet, or would unpack to more than any honest
    file of its size.
    """
    file = _checked(path, columns)
    names = [field.name for field in file.schema_arrow if _is_text(field.type)]
    try:
        table = pq.read_table(path, columns=columns, read_dictionary=names, memory_map=False, use_threads=False)
        table.validate(full=True)  # Arrow takes codes beyond the words of a column as they come
    except (OSError, pa.ArrowException, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(path, error) from None
    return table


def words_of(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """The texts of a column that `read_parquet` gave, `(n,)`, each word once in memory; "" where a cell is empty."""
    parts = [chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode() for chunk in column.chunks]
    words = [np.array([*chunk.dictionary.to_pylist(), ""], object) for chunk in parts]
    codes = [chunk.indices.fill_null(len(held) - 1).to_numpy() for chunk, held in zip(parts, words, strict=True)]
    texts = [held[code] for held, code in zip(words, codes, strict=True)]
    return np.concatenate(texts) if texts else np.array([], object)


def _checked(path: Path, columns: Sequence[str] | None = None) -> pq.ParquetFile:
    """A file whose end was read and whose size is believed.  Raises Problems.

    columns   that will be read, whose size counts; None for all

    Refused is what would take more than 64 MiB and more than a hundred times the size of the file.
    """
    with open_regular(path) as stream:
        refuse_packed(stream.read(8), path)
        size_bytes = stream.seek(0, 2)
    try:
        file = pq.ParquetFile(path, memory_map=False)
        unpacked_bytes = _unpacked_bytes(file, columns)
    except (OSError, pa.ArrowException, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(path, error) from None
    if unpacked_bytes > max(LEAST_UNPACKED_BYTES, MOST_UNPACKED_RATIO * size_bytes):
        wrong = f"unpacks to {unpacked_bytes / 1e6:,.0f} MB, more than {MOST_UNPACKED_RATIO} times its size"
        raise Problems([Problem(str(path), 0, 0, "", wrong, would_do="name a file of measured or simulated rows")])
    return file


def _unpacked_bytes(file: pq.ParquetFile, columns: Sequence[str] | None) -> int:
    """What some columns of a file take in memory, by what its end tells of rows, types and pages.

    columns   names of those whose widths count; None for all

    The larger of two: rows times the widths of the columns, and what the row groups, with all columns, say they come to.
    """
    metadata, schema = file.metadata, file.schema_arrow
    widths = [_width_bytes(field.type) for field in schema if columns is None or field.name in columns]
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    return int(max(rows * sum(widths), sum(group.total_byte_size for group in groups)))


def _width_bytes(kind: pa.DataType) -> int:
    """What a value of a type takes; a text or a word of a dictionary takes its number.

    At least one byte, also for truths, of which Arrow packs eight into one.
    """
    if _is_text(kind) or pa.types.is_dictionary(kind):
        return 4
    try:
        return max(int(kind.bit_width) // 8, 1)
    except ValueError:  # a list or the like
        return _WIDEST_BYTES


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _damaged(path: Path, error: BaseException) -> Problems:
    """A refusal with the first line of what Arrow says, if it says anything."""
    if isinstance(error, OSError) and error.strerror:
        return Problems([Problem(str(path), 0, 0, "", f"cannot be read: {error.strerror}")])
    said = next(iter(str(error).splitlines()), "")
    wrong = "cannot be read: not Parquet, or not the whole of it" if "magic bytes" in said else f"cannot be read: {said}"
    return Problems([Problem(str(path), 0, 0, "", wrong, would_do=WRITE_AGAIN)])
