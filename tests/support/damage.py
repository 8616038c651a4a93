"""Damage to documents and tables, one change at a time: every key, every column, in every way that a disk or a hand may do it."""

import copy
import json
import math
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

VALUES = (
    None,
    "x",
    3,
    -1,
    0,
    True,
    [],
    {},
    [1],
    {"x": 1},
    math.nan,
    math.inf,
    1e300,
    -1e300,
    10**40,
    "\ud800",
    "\x1b[31m\n",
    "",
)
DROPPED = object()
MOST = 3
"""Entries of a list or of a mapping of many that are damaged each; the others are like them."""


def places(document, path=()):
    """Paths of all values in a document, of the first and last few of many that are alike."""
    if isinstance(document, dict):
        keys = list(document)
    elif isinstance(document, list):
        keys = list(range(len(document)))
    else:
        return
    many = len(keys) > 60 or isinstance(document, list)
    for key in [*keys[: MOST - 1], keys[-1]] if many and len(keys) > MOST else keys:
        yield (*path, key)
        yield from places(document[key], (*path, key))


def damaged_documents(document):
    """What is done, and a function that gives the document after it."""
    for path in places(document):
        for value in (DROPPED, *VALUES):
            how = f"{'.'.join(map(str, path))} {'dropped' if value is DROPPED else ascii(value)}"
            yield how, partial(_changed, document, path, value)


def _changed(document, path, value):
    """A document with one value dropped or changed."""
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if value is DROPPED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return changed


def damaged_bytes(content):
    """A file's content, spoilt as a whole."""
    yield "empty", b""
    yield "cut", content[: len(content) // 2]
    yield "cut at the end", content[:-1]
    yield "zeros", bytes(len(content))
    yield "brackets", b"[" * 100_000
    yield "a number of 5,000 digits", b'{"format": ' + b"9" * 5_000 + b"}"
    yield "not UTF-8", b'"\xff\xfe"'
    yield "a list", b"[]"
    yield "an empty mapping", b"{}"


def damaged_tables(table):
    """What was done to a column, and the table after it."""
    for place, name in enumerate(table.column_names):
        column = table.column(name)
        yield f"{name} dropped", table.drop_columns([name])
        plain = pa.array(column.to_pylist())
        others = {
            "texts": pa.array(["x"] * len(column)),
            "empty": pa.nulls(len(column), plain.type),
            "of no kind": pa.nulls(len(column)),
            "not numbers": pa.array([math.nan] * len(column)),
            "without an end": pa.array([math.inf] * len(column)),
            "huge": pa.array([1e300] * len(column)),
            "largest": pa.array([2**63 - 1] * len(column)),
            "below zero": pa.array([-1] * len(column)),
            "zero": pa.array([0] * len(column)),
            "lists": pa.array([[1]] * len(column)),
        }
        for how, values in others.items():
            yield f"{name} {how}", table.set_column(place, name, values)
        if len(column):
            values = column.to_pylist()
            yield f"{name} with one empty", table.set_column(place, name, pa.array([None, *values[1:]], plain.type))
        yield f"{name} twice", table.append_column(name, column)
    yield "no rows", table.slice(0, 0)
    yield "no columns", pa.table({})


def of_a_folder(folder):
    """Every damage to the files of a folder: what is done, which file, and a function that gives its content; None: it goes."""
    for file in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".parquet")):
        content = file.read_bytes()
        yield f"{file.name} gone", file, None
        for how, spoilt in damaged_bytes(content):
            yield f"{file.name} {how}", file, partial(bytes, spoilt)
        if file.suffix == ".json":
            for how, changed in damaged_documents(json.loads(content)):
                yield f"{file.name} {how}", file, partial(_json_of, changed)
        else:
            for how, table in damaged_tables(pq.read_table(file)):
                yield f"{file.name} {how}", file, partial(_parquet_of, table)


def _json_of(changed):
    return json.dumps(changed()).encode()


def _parquet_of(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def printable(error):
    """Whether an error is of lines that can be printed as they are, each with what is wrong."""
    return all(line.isprintable() and line for line in str(error).split("\n"))
