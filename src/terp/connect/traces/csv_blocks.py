"""Text files of any length -> blocks of whole lines with the right number of cells; gzip is unpacked as it is
read.

A block is some megabytes, so that a trace of many gigabytes is read in bounded memory.  pyarrow reads the
cells; it would refuse a whole block for one bad line, so lines are counted first, and mended or dropped here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from terp.arrays import Bools, Ints
from terp.connect.traces.trace_rows import Reading
from terp.reader import open_unpacked

BLOCK_BYTES: Final = 4 * 2**20
"""Text that is read at once [bytes]; where every line is empty, what is known of the lines takes forty times that."""
LONGEST_LINE_BYTES: Final = 64 * 2**20
"""A file without a newline in so many bytes is no text of jobs."""
NEWLINE: Final = 10

Mend = Callable[[str], "list[str] | None"]
"""A line with a wrong number of cells -> its cells, or None."""
Columns = dict[str, pa.Array]
"""Column by name, all of one length."""


@dataclass(frozen=True)
class Block:
    """Whole lines; `numbers` holds the line of each in its file, from 1.

    Every line ends with a newline and has the right number of cells; `numbers` is `(n,)` for n lines, and
    rises.
    """

    text: bytes
    numbers: NDArray[np.int64]


def head(path: Path, size: int = 2**16) -> bytes:
    """The first bytes of a file, unpacked; fewer where the file is shorter.  Raises Problems if it cannot be read."""
    with open_unpacked(path) as stream:
        return stream.read(size)


def blocks(path: Path, reading: Reading) -> Iterator[tuple[int, bytes]]:
    """Number of the first line, and whole lines, each ended by a newline.

    A byte order mark is taken out, and a carriage return ends a line, alone or before a newline, as in every other text
    that Terp reads; a last line without an end gets one.  Raises Problems if the file cannot be read, is a broken gzip
    file, or has no end of line.
    """
    number, rest = 1, b""
    with open_unpacked(path) as stream:
        while data := stream.read(BLOCK_BYTES):
            if data.endswith(b"\r"):  # perhaps half of an end of line
                data += stream.read(1)
            data = _plain(data, first=number == 1 and not rest)
            cut = data.rfind(b"\n") + 1
            if not cut:
                rest += data
                if len(rest) > LONGEST_LINE_BYTES:
                    raise reading.problem("no end of line", "name a text file with a line a job", number)
                continue
            whole, rest = rest + data[:cut], data[cut:]
            yield number, whole
            number += whole.count(b"\n")
    if rest:
        yield number, rest + b"\n"


def _plain(data: bytes, *, first: bool) -> bytes:
    """Text without carriage returns, and the first of a file without a byte order mark."""
    data = data.removeprefix(b"\xef\xbb\xbf") if first else data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def even(
    data: bytes, first: int, separator: str, cells: int, reading: Reading, comment: str = "", mend: Mend | None = None
) -> Block:
    """The lines that have this many cells, without blank ones and comments; others are mended or dropped, and
    counted.

    data        whole lines;  first   number of the first one in its file
    separator   a single letter;  cells   how many every line should have
    comment     letter that begins a line which is no row; "" for none
    mend        what puts a line right that has another number of cells, or, in CSV, quotes
    """
    letters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(letters == NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    counts = np.add.reduceat(letters == ord(separator), starts, dtype=np.int32) + 1
    skipped = (ends == starts) | (letters[starts] == ord(comment) if comment else False)
    bad = (counts != cells) & ~skipped
    if separator == "," and b'"' in data:  # commas inside quotes: a reader of CSV counts those lines
        bad |= np.add.reduceat(letters == ord('"'), starts, dtype=np.int32) > 0
    numbers = first + np.arange(len(ends), dtype=np.int64)
    if mend is not None and bad.any():
        mended, places = _mended(data, starts, ends, bad, cells, separator, mend)
        if separator == "|":  # between quotes, as in CSV, it is nothing to repair
            reading.tally.add("repaired: a | inside a name", numbers[places])
        return even(mended, first, separator, cells, reading, comment)
    reading.tally.add(f"dropped: not {cells} columns", numbers[bad])
    keep = ~(bad | skipped)
    if keep.all():
        return Block(data, numbers)
    return Block(letters[np.repeat(keep, ends - starts + 1)].tobytes(), numbers[keep])


def _mended(
    data: bytes, starts: Ints, ends: Ints, bad: Bools, cells: int, separator: str, mend: Mend
) -> tuple[bytes, list[int]]:
    """The text with lines replaced that could be mended, and which they are.

    starts, ends   offsets of lines and of their newlines, `(n,)`
    bad            lines to mend, `(n,)`

    Separators and quotes inside a cell become blanks and nothing, so that the text can be split again.
    """
    pieces, done, places = [], 0, []
    for place in np.flatnonzero(bad):
        start, end = int(starts[place]), int(ends[place])
        parts = mend(data[start:end].decode("utf-8", "replace"))
        if parts is not None and len(parts) == cells:
            text = separator.join(part.replace(separator, " ").replace('"', "") for part in parts)
            pieces += [data[done:start], text.encode()]
            done = end
            places.append(int(place))
    return b"".join([*pieces, data[done:]]), places


def columns(block: Block, names: list[str], wanted: list[str], separator: str, kind: pa.DataType) -> Columns:
    """The wanted columns of a block, as one array each.

    names    of all columns, in order
    kind     of pyarrow, the same for all

    Raises pyarrow's error where a cell is not of this kind.
    """
    if not len(block.numbers):
        return {name: pa.array([], kind) for name in wanted}
    table = pa_csv.read_csv(
        pa.BufferReader(block.text),
        pa_csv.ReadOptions(column_names=names, block_size=len(block.text) + 1, use_threads=False),
        pa_csv.ParseOptions(delimiter=separator, quote_char=False),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, kind),
            include_columns=wanted,
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    return {name: table[name].combine_chunks() for name in wanted}


def tables(
    path: Path, separator: str, wanted: tuple[str, ...], reading: Reading, mend: Callable[[list[str]], Mend]
) -> Iterator[tuple[Columns, Ints]]:
    """The columns that are wanted and there, as text, by small names, and the lines of their rows; line 1
    names them.

    separator   between cells
    wanted      small names of columns; those that are not there are left out, which the caller must look
                after
    reading     counts lines that were mended or dropped
    mend        names of the columns -> what mends a line with a wrong number of cells

    Gives a pair a block: column -> texts `(n,)`, and `(n,)` numbers of lines, from 1.
    """
    names: list[str] = []
    for first, data in blocks(path, reading):
        text, skipped = _utf8(data), 0
        if not names:
            title, text, skipped = _title(text)
            names = _distinct(title.decode().lower().split(separator)) if title else []
        if not text or not names:
            continue
        block = even(text, first + skipped, separator, len(names), reading, mend=mend(names))
        there = [name for name in wanted if name in names]
        cells = columns(block, names, there, separator, pa.string())
        yield _without_titles(cells, block.numbers, reading) if there else (cells, block.numbers)


def _without_titles(cells: Columns, numbers: Ints, reading: Reading) -> tuple[Columns, Ints]:
    """Cells without the lines that name the columns again, as where files were put together."""
    name, first = next(iter(cells.items()))
    again = pc.equal(pc.ascii_lower(first), name)
    if not pc.any(again).as_py():
        return cells, numbers
    mask = again.to_numpy(zero_copy_only=False)
    reading.tally.add("dropped: the line of names again", numbers[mask])
    keep = pc.invert(again)
    return {name: cell.filter(keep) for name, cell in cells.items()}, numbers[~mask]


def _title(text: bytes) -> tuple[bytes, bytes, int]:
    """The first line that is not blank, what follows, and how many lines it took."""
    skipped = 0
    while text:
        title, _, text = text.partition(b"\n")
        skipped += 1
        if title.strip():
            return title.strip(), text, skipped
    return b"", b"", skipped


def _distinct(names: list[str]) -> list[str]:
    """Names of columns, made different where one comes twice."""
    names = [name.strip().strip('"') for name in names]
    return [name if name not in names[:place] else f"{name}#{place}" for place, name in enumerate(names)]


def _utf8(data: bytes) -> bytes:
    """Text whose letters are all UTF-8; others become a mark."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data
