"""Files that would take the machine: bombs, endless lines, one entry without end; what is read stays within its limits."""

import gzip
import json
import lzma
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.connect import read_trace
from terp.errors import Problems
from terp.files import json_text, open_file
from terp.files.json_text import NoList, json_entries, json_of_text, read_json
from terp.files.open_file import open_unpacked, read_limited, read_text
from terp.files.parquet_file import read_parquet, words_of

MOST_GROWTH = 256 * 2**20
GROWTH = """
import resource, sys
from pathlib import Path
from terp.connect import read_trace
from terp.errors import TerpError
read_trace(Path(sys.argv[2]))  # what reading takes once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_trace(Path(sys.argv[1]))
except TerpError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, str(error).splitlines()[0])
"""


@pytest.mark.parametrize(
    ("start", "piece", "says"),
    [
        (b'{"jobs": [', b'{"job_id": 1},', "entries in a row are no jobs"),
        (b'{"jobs": [', b"0,", "entries in a row are no jobs"),
        pytest.param(b'{"jobs": [[', b"[],", "longer than four million", marks=pytest.mark.slow),
        (b'{"jobs": ["', b"a", "longer than four million"),
        (b"[", b'{"attempts": []},', "entries in a row are no jobs"),
        (b"1 1 1 1 1 1 1 1 1 1 1 1 ", b"1 ", "times its size"),
        pytest.param(b"; comment\n", b"\n", "times its size", marks=pytest.mark.slow),
        pytest.param(b"; comment\n", b"; comment\n", "times its size", marks=pytest.mark.slow),
    ],
)
def test_a_bomb_costs_little_memory(tmp_path, start, piece, says):
    """160 MB of it, in a file of a hundredth of that or less."""
    bomb, small = tmp_path / "bomb.gz", tmp_path / "small.swf"
    block = gzip.compress(piece * (2**20 // len(piece)), 6)  # as many of these as there are: gzip files may be joined
    with bomb.open("wb") as stream:
        stream.write(gzip.compress(start))
        for _ in range(160):
            stream.write(block)
    small.write_text("1 0 0 10 1 1 1 1 10 1 1 1 1 1 1 1 -1 -1\n")
    done = subprocess.run([sys.executable, "-c", GROWTH, bomb, small], capture_output=True, text=True, check=True)
    grown, _, line = done.stdout.partition(" ")
    assert says in line
    assert int(grown) < MOST_GROWTH


def test_a_table_of_equal_rows_is_no_bomb(tmp_path):
    text = "1 0 0 10 1 1 1 1 10 1 1 1 1 1 1 1 -1 -1\n" * 100_000
    (tmp_path / "t.swf.gz").write_bytes(gzip.compress(text.encode()))
    assert len(read_trace(tmp_path / "t.swf.gz")) == 100_000


def test_a_parquet_bomb_is_refused_before_it_is_read(tmp_path):
    table = pa.table({"a": np.zeros(9_000_000, np.int64)})
    pq.write_table(table, tmp_path / "b.parquet", compression="zstd")
    assert (tmp_path / "b.parquet").stat().st_size < 300_000
    with pytest.raises(Problems, match="more than 100 times its size"):
        read_parquet(tmp_path / "b.parquet")


def test_texts_of_parquet_are_held_once(tmp_path):
    words = pa.array(["a" * 1000, None, "b"] * 1000)
    pq.write_table(pa.table({"w": words}), tmp_path / "w.parquet", row_group_size=500)
    table = read_parquet(tmp_path / "w.parquet")
    assert pa.types.is_dictionary(table["w"].type)
    assert words_of(table["w"]).tolist() == ["a" * 1000, "", "b"] * 1000
    assert len(words_of(pa.chunked_array([], pa.string()))) == 0


@pytest.mark.parametrize("name", ["none.parquet", "text.parquet", "half.parquet", "folder.parquet"])
def test_what_is_no_parquet_is_one_line(tmp_path, name):
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "good.parquet")
    (tmp_path / "text.parquet").write_text("kind: site\n")
    (tmp_path / "half.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:-30])
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(Problems) as refused:
        read_parquet(tmp_path / name)
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"x", mtime=0), "packed by gzip; unpack it first: gunzip"),
        (lzma.compress(b"x"), "packed by xz"),
        (b"BZh91AY", "packed by bzip2"),
        (b"\x28\xb5\x2f\xfd\x00", "packed by Zstandard; unpack it first: unzstd"),
        (b"PK\x03\x04....", "packed by zip"),
        ("kind: site".encode("utf-16"), "not UTF-8 text, but UTF-16; save it as UTF-8"),
        (b"a: \xff", "not UTF-8 text, at byte 3"),
        (b"a: 1\nb: \x00", "not a text: it holds a zero byte"),
        (b"a" * (4 * 2**20 + 1), "larger than 4 MiB"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, content, says):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(Problems, match=says):
        read_text(path)
    if not says.startswith(("packed by gzip", "not", "larger")):
        with pytest.raises(Problems, match=says):
            open_unpacked(path)


def test_texts_lose_marks_and_carriage_returns(tmp_path):
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n\r\n")
    assert read_text(tmp_path / "x") == "a\nb\nc\n\n"


def test_a_file_that_tells_no_size_stops_at_the_limit(monkeypatch):
    """Files of /proc have the size 0, whatever is in them."""
    assert len(read_limited(open_file.Path("/proc/self/maps"), 2**20)) > 0
    with pytest.raises(Problems, match="larger than 0 MiB"):
        read_limited(open_file.Path("/proc/self/maps"), 10)
    monkeypatch.setattr(open_file, "MOST_READ_S", -1.0)
    with pytest.raises(Problems, match="takes longer"):
        read_limited(open_file.Path("/proc/self/maps"), 2**20)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 300, "none", "none/none", "/dev/tty"])
def test_names_that_are_no_files_are_one_line(tmp_path, name):
    with pytest.raises(Problems) as refused:
        read_text(tmp_path / name)
    assert "\n" not in str(refused.value)
    assert str(refused.value).encode()


def test_what_was_refused_is_closed(tmp_path):
    """Under -W error an open file that is forgotten fails the test."""
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"x" * 100)[:-9])
    for _ in range(3):
        with open_unpacked(tmp_path / "x.gz") as stream, pytest.raises(Problems, match="cut off or damaged"):
            stream.read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inside, max_size=4),
    max_leaves=20,
)


@given(
    st.lists(JSON, max_size=6),
    st.dictionaries(st.sampled_from("abc"), JSON),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
)
def test_entries_are_those_of_the_whole(tmp_path_factory, entries, beside, piece, indent, letters):
    """However the text is cut into pieces, laid out, escaped and packed."""
    path = tmp_path_factory.mktemp("json") / "x.json"
    before, json_text._PIECE_BYTES = json_text._PIECE_BYTES, piece
    try:
        text = json.dumps(beside | {"jobs": entries} | {"z": beside}, indent=2 if indent else None, ensure_ascii=letters)
        path.write_bytes(gzip.compress(text.encode(), 1) if indent else text.encode())
        assert list(json_entries(path, "jobs")) == entries
        path.write_text(json.dumps(entries, ensure_ascii=letters), "utf-8")
        assert list(json_entries(path)) == entries
        with pytest.raises(NoList):
            list(json_entries(path, "jobs"))
    finally:
        json_text._PIECE_BYTES = before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2", "a comma or ] should stand here"),
        ("[1 2]", "a comma or ] should stand here"),
        ("[1,]", "Expecting value"),
        ("[]x", "more after its end"),
        ('{"a" 1}', ": should stand here"),
        ("{1: 2}", "a key in quotes should stand here"),
        ('{"jobs": [], "jobs": []}', "the key `jobs` stands twice"),
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ("[" + "9" * 5000 + "]", "a number of too many digits"),
        ("", "Expecting value"),
        ("nul", "Expecting value"),
    ],
)
def test_what_is_no_json_is_one_line(tmp_path, text, says):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Problems, match=says) as refused:
        list(json_entries(tmp_path / "x.json", "jobs" if text[:1] == "{" else ""))
    assert len(refused.value.problems) == 1
    if "twice" not in says:
        with pytest.raises(Problems, match="not JSON"):
            read_json(tmp_path / "x.json")


def test_a_small_document_is_read_whole(tmp_path):
    (tmp_path / "x.json").write_text('\ufeff{"a": 1}', "utf-8")
    assert read_json(tmp_path / "x.json") == {"a": 1} == json_of_text('{"a": 1}', "x")


def test_jobs_of_json_come_in_blocks(tmp_path):
    """More jobs than a block, and a name that no file can hold."""
    jobs = [{"job_id": number, "user": "a\ud800b", "time": {"submission": 10**9 + number, "elapsed": 5},
             "state": {"current": "COMPLETED"}, "tres": {"allocated": [{"type": "node", "count": 1}]}} for number in range(9000)]  # fmt: skip
    (tmp_path / "t.json").write_text(json.dumps({"meta": {}, "jobs": jobs}))
    trace = read_trace(tmp_path / "t.json")
    assert len(trace) == 9000
    assert trace.users == ("a\ufffdb",)
