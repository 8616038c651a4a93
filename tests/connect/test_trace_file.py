"""Our own Parquet, and that what is written is read."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from support.trace_cases import ARRAYS, JOB, any_traces, differences, trace_of

from terp.connect import read_trace, write_trace
from terp.connect.traces.trace_parquet import COLUMNS, batches_of
from terp.errors import Problems

TWO = trace_of([JOB, JOB | {"submit_s": 5, "after": 0, "user": 1}], users=("", "ann"), notes={"dropped: x; line 1": 2})


@settings(max_examples=60, deadline=None)
@given(any_traces())
def test_what_is_written_is_read(tmp_path_factory, trace):
    path = tmp_path_factory.mktemp("t") / "trace.parquet"
    write_trace(trace, path)
    assert differences(read_trace(path), trace) == []


def test_columns_are_the_fields_of_a_trace():
    assert list(COLUMNS) == ARRAYS


def test_names_are_dictionaries_of_words(tmp_path):
    """So that any tool shows who and what, not numbers."""
    write_trace(TWO, tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table["user"].to_pylist() == ["", "ann"]
    assert table["state"].to_pylist() == ["completed", "completed"]


def changed(tmp_path, column, values):
    [block] = batches_of(TWO)
    table = pa.Table.from_batches([block])
    place = table.column_names.index(column)
    path = tmp_path / "changed.parquet"
    pq.write_table(table.set_column(place, column, values).replace_schema_metadata(block.schema.metadata), path)
    return path


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("submit_s", [5, 0], "below 0, or not in order"),
        ("submit_s", [-1, 0], "below 0"),
        ("run_s", [1, -1], "below what it may be, found 1 such rows"),
        ("nodes", [0, 1], "no size"),
        ("after", [-1, 1], "not an earlier job"),
        ("limit_s", [1, None], "has empty cells"),
        ("memory", [float("nan"), 0.0], "no number"),
        ("memory", [1, 2], "wrong type, found int64; double would do"),
        ("user", pa.array(["", "eve"]).dictionary_encode(), "a name that its list does not hold, found 'eve'"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, column, values, says):
    with pytest.raises(Problems, match=says):
        read_trace(changed(tmp_path, column, values if isinstance(values, pa.Array) else pa.array(values)))


def test_a_missing_column_is_named(tmp_path):
    [block] = batches_of(TWO)
    table = pa.Table.from_batches([block])
    table = table.rename_columns(["limits_s" if name == "limit_s" else name for name in table.column_names])
    pq.write_table(table.replace_schema_metadata(block.schema.metadata), tmp_path / "t.parquet")
    with pytest.raises(Problems, match=r"limit_s: column missing; did you mean 'limits_s'\?"):
        read_trace(tmp_path / "t.parquet")


def test_other_parquet_and_half_a_file_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(Problems, match="Parquet, but no trace"):
        read_trace(tmp_path / "other.parquet")
    write_trace(TWO, tmp_path / "t.parquet")
    (tmp_path / "half.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-50])
    with pytest.raises(Problems, match="cannot be read"):
        read_trace(tmp_path / "half.parquet")


def test_nothing_is_left_where_it_cannot_be_written(tmp_path):
    with pytest.raises(Problems, match="cannot be written"):
        write_trace(TWO, tmp_path / "none" / "t.parquet")
    with pytest.raises(Problems, match=r"end its name with \.parquet"):
        write_trace(TWO, tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
    assert np.array_equal(TWO.submit_s, [0, 5])
