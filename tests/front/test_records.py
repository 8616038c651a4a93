"""What all results share: identity by document, one-line reprs, caveats in words, tables that know their start."""

from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.errors import Problems, TerpError
from terp.results.record import Caveat, Result, SourceNote, as_json, one_line
from terp.results.table import Table, table_of


@dataclass(frozen=True, eq=False, repr=False)
class Score(Result):
    """A result as any other."""

    machine: str
    rate_flop_per_s: float
    parts: dict[str, float]


def score(**changes):
    return Score(**{"machine": "gefion", "rate_flop_per_s": 1.5e15, "parts": {"a": 0.25}} | changes)


def test_equality_and_hash_are_those_of_the_document():
    assert score() == score()
    assert hash(score()) == hash(score())
    assert score() != score(rate_flop_per_s=1.6e15)
    assert score() != "gefion"
    assert len({score(), score(), score(machine="jupiter")}) == 2


def test_a_result_is_frozen():
    with pytest.raises(FrozenInstanceError):
        score().machine = "other"


def test_sources_are_no_part_of_the_document_and_caveats_are_sentences():
    told = score(caveats=(Caveat("few-rows-of-precision"),), sources=(SourceNote("a-2024", "A title"),))
    assert told.to_dict() == {
        "machine": "gefion",
        "rate_flop_per_s": 1.5e15,
        "parts": {"a": 0.25},
        "caveats": ["in this precision few rows were there to fit to"],
    }
    assert hash(told.caveats[0]) == hash(Caveat("few-rows-of-precision"))


def test_repr_and_html():
    assert repr(score()) == "Score(machine='gefion', rate_flop_per_s=1500000000000000.0)"
    assert "<td>gefion</td>" in score(machine="gefion")._repr_html_()
    assert "<script>" not in score(machine="<script>")._repr_html_()


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=90) | st.floats() | st.integers(), max_size=9))
def test_a_repr_is_one_short_line(values):
    line = one_line("Name", values)
    assert len(line) < 200
    assert line.isprintable() or any(not key.isprintable() for key in values)


def test_what_has_no_json_is_refused():
    with pytest.raises(TypeError, match="set has no JSON"):
        as_json({1, 2})


def table():
    columns = {
        "submit_s": [0, 3600],
        "start_s": pa.array([10, None], pa.int64()),
        "wait_s": [10, None],
        "gpus_count": [8, 16],
    }
    return Table(pa.table(columns), moments=("submit_s", "start_s"), start=datetime(2025, 1, 1, tzinfo=UTC))


def test_moments_are_time_stamps_in_pandas():
    frame = table().to_pandas()
    assert list(frame.columns) == ["submit", "start", "wait_s", "gpus_count"]
    assert str(frame.submit[1]) == "2025-01-01 01:00:00+00:00"
    assert frame.start.isna().tolist() == [False, True]


def test_moments_are_time_stamps_in_polars():
    frame = table().to_polars()
    assert frame["submit"][1] == datetime(2025, 1, 1, 1, tzinfo=UTC)
    assert frame["start"].is_null().to_list() == [False, True]


def test_a_table_without_a_start_keeps_its_seconds():
    assert Table(table().arrow, ("submit_s",)).to_pandas()["submit_s"].tolist() == [0, 3600]


def test_tables_say_what_they_hold():
    assert repr(table()) == "Table(2 rows of submit_s, start_s, wait_s, gpus_count)"
    assert "<th>gpus_count</th>" in table()._repr_html_()
    assert table() == table()
    assert hash(table()) == hash(table())
    assert table() != table_of([{"a": 1}])
    assert len(repr(table_of([{f"column-{index}": index for index in range(100)}]))) < 200
    assert pa.table(table()).num_rows == len(table()) == 2


def test_an_unknown_column_is_refused_with_those_there_are():
    with pytest.raises(
        Problems, match="no such column, found 'waits'; known: submit_s, start_s, wait_s, gpus_count"
    ) as caught:
        table().column("waits")
    assert isinstance(caught.value, TerpError)
