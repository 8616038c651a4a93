"""The doors: what format a file has, bad files, and that long ones stream."""

import dataclasses
import gzip
import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.trace_cases import differences
from test_datasets import HELIOS, KALOS, PHILLY, SEREN
from test_replay import TRACE
from test_sacct import OLD, job_22_05

from terp.connect import TRACE_FORMATS, Known, convert, read_trace, trace_batches, write_trace
from terp.connect.traces import csv_blocks as lines
from terp.connect.traces import formats
from terp.connect.traces import submit_order as ordering
from terp.connect.traces.accounting.sacct_values import STATES
from terp.connect.traces.trace_parquet import COLUMNS
from terp.connect.traces.trace_rows import Reading
from terp.describe import TRACE_STATES
from terp.errors import Problems

SWF = "; Version: 2\n1 0 5 100 4 -1 -1 4 600 -1 1 7 2 -1 1 1 -1 -1\n"
FILES = {
    "swf": SWF, "sacct": OLD, "sacct-json": json.dumps({"jobs": [job_22_05()]}), "acme": SEREN, "helios": HELIOS,
    "philly": json.dumps(PHILLY), "replay": TRACE,
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_format_is_seen_by_the_content(tmp_path, kind, pack):
    path = tmp_path / "anything"
    path.write_bytes(pack(FILES[kind].encode()))
    assert formats.seen_format(path, Reading("")) == kind
    said = read_trace(path, kind)
    assert differences(read_trace(path), said) == []


def test_all_formats_are_tried():
    assert set(FILES) | {"terp"} == set(TRACE_FORMATS)
    assert KALOS.splitlines()[0].startswith("job_id,user,node_num,gpu_num")


def test_through_our_own_file_every_format_stays_as_it_is(tmp_path):
    for kind, text in FILES.items():
        (tmp_path / kind).write_text(text)
        trace = read_trace(tmp_path / kind)
        write_trace(trace, tmp_path / "t.parquet")
        assert differences(read_trace(tmp_path / "t.parquet"), trace) == []
        assert convert(tmp_path / kind, tmp_path / "streamed.parquet") == trace.notes
        assert differences(read_trace(tmp_path / "streamed.parquet"), trace) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02\xff" * 999, "no format of a trace that is known; say its format"),
        (b"a,b,c\n1,2,3\n", "no format of a trace that is known"),
        (b"7|root|COMPLETED\n", r"leave out -n"),
        (gzip.compress(SWF.encode() * 99, mtime=0)[:-9], "the gzip file is cut off or damaged"),
        (b"PAR1" + b"\0" * 99, "cannot be read"),
    ],
    ids=["empty", "binary", "csv", "headless sacct", "cut gzip", "damaged parquet"],
)
def test_other_files_are_refused(tmp_path, content, says):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(Problems, match=says):
        read_trace(tmp_path / "t")


def test_missing_files_and_wrong_words_are_named(tmp_path):
    with pytest.raises(Problems, match="cannot be read: No such file"):
        read_trace(tmp_path / "none")
    with pytest.raises(Problems, match="cannot be read: Is a directory"):
        read_trace(tmp_path)
    with pytest.raises(Problems) as raised:
        read_trace(tmp_path, "swff", "core", Known(zone="Europe/Amsterdm"))
    assert [str(problem) for problem in raised.value.problems] == [
        "format: no such format of a trace, found 'swff'; did you mean 'swf'?",
        "unit: no such unit of a processor, found 'core'; 'node' or 'gpu' would do",
        "zone: no such time zone, found 'Europe/Amsterdm'; did you mean 'Europe/Amsterdam'?",
    ]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=30), st.integers(0, 2000), st.integers(0, 40), st.booleans())
def test_damage_is_a_problem_or_a_note(tmp_path_factory, kind, junk, place, gone, forced):
    """Bytes changed anywhere: the file is refused in our words, or read; nothing else is raised."""
    path = tmp_path_factory.mktemp("t") / "t"
    text = FILES[kind].encode()
    path.write_bytes(text[:place] + junk + text[place + gone :])
    try:
        trace = read_trace(path, kind if forced else "")
    except Problems as problems:
        assert all(problem.wrong for problem in problems.problems)
    else:
        assert len(trace) > 0
        assert (np.diff(trace.submit_s) >= 0).all()
        assert (trace.run_s >= 0).all()
        assert (trace.limit_s > 0).all()


def many(path, count, *, disorder, linked=True):
    """A trace of many jobs, in order, or with times that go to and fro."""
    number = np.arange(1, count + 1)
    submit = number * 7919 % (count * 3) if disorder else number * 3
    before = np.where(linked & (number % 10 == 0), number - 1, -1)
    with path.open("w") as out:
        for job, second, link in zip(number.tolist(), submit.tolist(), before.tolist(), strict=True):
            out.write(f"{job} {second} 5 {100 + job % 977} 4 -1 -1 4 6000 -1 1 {job % 97} 2 -1 1 1 {link} -1\n")


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(lines, "BLOCK_BYTES", 2**18)
    monkeypatch.setattr(ordering, "CHUNK_ROWS", 8000)
    monkeypatch.setattr(ordering, "LEAST_ROWS", 16)


@pytest.mark.parametrize("disorder", [False, True])
def test_streamed_or_at_once_it_is_the_same_trace(tmp_path, small_blocks, disorder):
    many(tmp_path / "t.swf", 30_000, disorder=disorder)
    at_once = read_trace(tmp_path / "t.swf")
    assert (at_once.after >= 0).sum() > (300 if disorder else 2900)
    convert(tmp_path / "t.swf", tmp_path / "t.parquet")
    assert differences(read_trace(tmp_path / "t.parquet"), at_once) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=300))
def test_jobs_of_one_second_keep_the_order_of_the_file(tmp_path_factory, seconds):
    """Also where they meet again only in the merge."""
    folder = tmp_path_factory.mktemp("t")
    rows = [f"{job} {second} 5 {job} 4 -1 -1 4 600 -1 1 1 2 -1 1 1 -1 -1\n" for job, second in enumerate(seconds, 1)]
    (folder / "t.swf").write_text("".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", 500)
        patch.setattr(ordering, "CHUNK_ROWS", 8)
        patch.setattr(ordering, "LEAST_ROWS", 2)
        jobs = np.concatenate([block["run_s"].to_numpy() for block in trace_batches(folder / "t.swf")])
    assert jobs.tolist() == [job for _, job in sorted(zip(seconds, range(1, len(seconds) + 1), strict=True))]


@pytest.mark.parametrize("disorder", [False, True])
def test_memory_does_not_grow_with_rows(tmp_path, small_blocks, disorder):
    """Six times the rows, and no more at the peak, of Python, numpy and Arrow together; 300,000 as an array are 50 MB."""
    peaks = []
    for count in (50_000, 300_000):
        many(tmp_path / "t.swf", count, disorder=disorder, linked=False)
        tracemalloc.start()
        arrow, rows = 0, 0
        for block in trace_batches(tmp_path / "t.swf"):
            arrow, rows = max(arrow, pa.total_allocated_bytes()), rows + block.num_rows
        peaks.append(tracemalloc.get_traced_memory()[1] + arrow)
        tracemalloc.stop()
        assert rows == count
    assert peaks[1] < 1.3 * peaks[0]
    assert peaks[1] < 15e6


def test_blocks_of_a_long_trace_are_groups_of_rows(tmp_path, small_blocks):
    many(tmp_path / "t.swf", 30_000, disorder=False)
    convert(tmp_path / "t.swf", tmp_path / "t.parquet")
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups > 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.parquet", "t.swf"]


def test_nothing_is_left_of_a_conversion_that_fails(tmp_path):
    (tmp_path / "t.swf").write_text("1 2 3\n")
    with pytest.raises(Problems, match="no job is left"):
        convert(tmp_path / "t.swf", tmp_path / "t.parquet", "swf")
    assert [path.name for path in tmp_path.iterdir()] == ["t.swf"]


def test_a_trace_becomes_an_swf(tmp_path):
    (tmp_path / "t.txt").write_text(OLD)
    convert(tmp_path / "t.txt", tmp_path / "t.swf.gz")
    trace = read_trace(tmp_path / "t.swf.gz")
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.users) == ([0, 0], [32, 1], ("root", "ann"))
    assert trace.notes == read_trace(tmp_path / "t.txt").notes


def test_the_page_names_all_there_is():
    """docs/formats/trace.md has every column, format, state of Slurm and setting."""
    text = (Path(__file__).parents[2] / "docs" / "formats" / "trace.md").read_text("utf-8")
    words = set(re.findall(r"\w[\w-]*", text))
    settings_of = {field.name for field in dataclasses.fields(Known)}
    assert {*COLUMNS, *TRACE_FORMATS, *TRACE_STATES, *STATES, *settings_of} - words == set()
