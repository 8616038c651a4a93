"""The standard workload format; lines made up in the published form, good and bad."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measure import least_cpu_s
from support.trace_cases import JOB, differences, swf_traces, trace_of

from terp.connect import Known, read_trace, write_trace
from terp.describe import TRACE_STATES
from terp.errors import Problems

LINE = "{job} {submit} 5 {run} 4 -1 -1 {asked} {limit} -1 {status} 7 2 -1 1 1 {before} -1\n"


def line(job=1, submit=0, run=100, asked=4, limit=600, status=1, before=-1):
    return LINE.format(job=job, submit=submit, run=run, asked=asked, limit=limit, status=status, before=before)


def read(tmp_path, text, **asked):
    path = tmp_path / "t.swf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(path, **asked)


@pytest.mark.parametrize("unit", ["node", "gpu"])
@pytest.mark.parametrize("name", ["t.swf", "t.swf.gz"])
def test_what_is_written_is_read(tmp_path_factory, unit, name):
    folder = tmp_path_factory.mktemp("t")

    @settings(max_examples=40, deadline=None)
    @given(swf_traces(unit))
    def check(trace):
        write_trace(trace, folder / name)
        assert differences(read_trace(folder / name, known=Known(now_unix_s=10**10)), trace) == []

    check()


@pytest.mark.parametrize(
    "name",
    ["Ada  Lovelace", " Ada ", "a\tb", "\t", 'a\nb; User: 9 "c"', "\x00\x1b[31m", "a\\", '"', "\xa0\u2003 \u2028", "7"],
)
def test_names_keep_their_blanks(tmp_path, name):
    """As they stand between quotes, however many blanks part the numbers."""
    trace = trace_of([JOB, JOB | {"user": 1}], users=(name, "Bob"), accounts=(name,), notes={name: 3, "unit=gpu": 1})
    write_trace(trace, tmp_path / "t.swf")
    assert differences(read_trace(tmp_path / "t.swf"), trace) == []
    text = (tmp_path / "t.swf").read_bytes()
    jobs = b"".join(b"  " + line.replace(b" ", b" \t ") + b" \n" for line in text.splitlines() if line[:1] != b";")
    header = b"".join(line + b"\n" for line in text.split(b"\n") if line[:1] == b";")
    assert differences(read(tmp_path, header + jobs), trace) == []


@pytest.mark.parametrize("name", ['"\\ud800"', '"\\q"', '"\\u12"'])
def test_a_name_that_cannot_be_read_is_a_number(tmp_path, name):
    trace = read(tmp_path, f"; Version: 2.2\n; User: 7 {name}\n" + line())
    assert trace.users == ("7",)
    assert trace.notes == {"repaired: a name in the header that cannot be read, its number taken; line 2": 1}


def test_a_number_of_a_name_has_a_limit(tmp_path):
    assert read(tmp_path, f'; User: {"9" * 5000} "a"\n' + line()).users == ("7",)


def test_a_line_of_the_format(tmp_path):
    """Every field that is read, at its place."""
    said = "; UnixStartTime: 1000\n 12\t30 5 100 4 90.5 2048 8 600 -1 0 7 2 3 1 9 -1 -1\r\n"
    trace = read(tmp_path, said)
    assert (trace.submit_s[0], trace.start_s[0], trace.end_s[0], trace.run_s[0], trace.limit_s[0]) == (30, 35, 135, 100, 600)
    assert (trace.nodes[0], trace.gpus[0], trace.exclusive[0], trace.memory[0]) == (8, 0, True, 2048 * 1024)
    assert TRACE_STATES[trace.state[0]] == "failed"
    assert (trace.users, trace.accounts, trace.qos_names, trace.partitions) == (("7",), ("2",), ("1",), ("9",))
    assert (trace.began_unix_s, trace.notes) == (1000, {})


def test_processors_are_nodes_or_gpus(tmp_path):
    trace = read(tmp_path, line(), unit="gpu")
    assert (trace.nodes[0], trace.gpus[0], trace.exclusive[0]) == (0, 4, False)
    said = "; Computer: ours, unit=gpu\n" + line()
    assert read(tmp_path, said).gpus[0] == 4
    with pytest.raises(Problems, match="its processors are GPUs, as its header says; read it with unit='gpu'"):
        read(tmp_path, said, unit="node")


def test_cancelled_before_it_started(tmp_path):
    trace = read(tmp_path, line(run=-1, status=5))
    assert (trace.start_s[0], trace.end_s[0], trace.run_s[0]) == (-1, 5, 0)


def test_jobs_follow_one_another_by_number(tmp_path):
    text = line(8, 50) + line(3, 20, before=8) + line(9, 60, before=3) + line(10, 70, before=99)
    trace = read(tmp_path, text)
    assert trace.submit_s.tolist() == [20, 50, 60, 70]
    assert trace.after.tolist() == [-1, -1, 0, -1]
    assert trace.notes == {
        "repaired: out of order, sorted by submission; line 2": 1,
        "repaired: the job it follows is not there, taken as free; line 4": 1,
        "repaired: follows a later job, taken as free; line 2": 1,
    }


@pytest.mark.parametrize(
    ("bad", "rows", "note"),
    [
        ("1 2 3\n", 1, "dropped: not 18 columns; line 3"),
        (line().replace("600", "x"), 1, "dropped: not a number; line 3"),
        (line(submit=-1), 1, "dropped: no time of submission; line 3"),
        (line(submit=10**9), 1, "dropped: submitted in the future; line 3"),
        (line(submit=10**25), 1, "dropped: not a number; line 3"),
        (line(asked=-1).replace(" 4 ", " 0 "), 1, "dropped: no size; line 3"),
        (line(asked=10**10), 1, "dropped: a number beyond reason; line 3"),
        (line(run=10**12), 1, "dropped: a number beyond reason; line 3"),
        (line(asked=200), 1, "dropped: larger than the machine; line 3"),
        (line(status=3), 1, "dropped: part of a job that was swapped out; line 3"),
        (line(run=-1, limit=-1), 1, "dropped: neither run time nor limit; line 3"),
        (line(run=-1), 2, "repaired: run time unknown, limit taken; line 3"),
        (line(run=-7), 2, "repaired: a negative run time, taken as unknown; line 3"),
        (line(limit=-1), 2, "repaired: limit not said, run time taken; line 3"),
        (line(status=8), 2, "repaired: an unknown state; line 3"),
        (line().replace(" 5 100", " -5 100"), 2, "repaired: a negative wait, taken as unknown; line 3"),
    ],
)
def test_every_bad_line_is_counted_by_its_rule(tmp_path, bad, rows, note):
    known = Known(nodes_count=191, now_unix_s=10**8)
    trace = read(tmp_path, "; made up\n" + line() + bad, known=known)
    assert len(trace) == rows
    assert trace.notes.get(note) == 1
    assert (trace.run_s[0], trace.limit_s[0]) == (100, 600)


def test_many_bad_lines_are_shortened(tmp_path):
    assert read(tmp_path, "\n\n" + line() + "; x\n" + "1 2\n" * 9).notes == {
        "dropped: not 18 columns; lines 5, 6, 7, ...": 9
    }


def test_decimals_are_cut(tmp_path):
    assert read(tmp_path, line(run="100.9")).run_s[0] == 100


def test_a_file_without_a_job_says_why(tmp_path):
    with pytest.raises(Problems, match="no job is left: dropped: not 18 columns; lines 2, 3, found 2 rows"):
        read(tmp_path, "; Version: 2\n1 2\n3 4\n")
    with pytest.raises(Problems, match="holds no job"):
        read(tmp_path, "; Version: 2\n")


def test_a_broken_gzip_is_refused(tmp_path):
    whole = gzip.compress(b"".join(line(job, job).encode() for job in range(50000)))
    for broken in (whole[:-2000], whole[:-4] + b"abcd", whole[:2000] + b"\0" * 400 + whole[2400:]):
        with pytest.raises(Problems, match="the gzip file is cut off or damaged"):
            read(tmp_path, broken)


def test_a_trace_of_two_kinds_of_processor_is_not_written(tmp_path):
    jobs = trace_of([JOB, JOB | {"exclusive": False, "gpus": 2}])
    with pytest.raises(Problems, match=r"1 job without a GPU among jobs on parts of nodes.*write a \.parquet"):
        write_trace(jobs, tmp_path / "t.swf")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.lists(st.lists(st.integers(-9, 10**20), min_size=15, max_size=19), max_size=4))
def test_junk_never_breaks_the_reader(tmp_path_factory, junk, numbers):
    """Every row is in the trace or in a note, or the file is refused."""
    rows = [" ".join(map(str, row)) for row in numbers]
    text = line().encode() + b"\n".join([*(row.encode() for row in rows), junk.replace(b"\n", b" ").replace(b"\r", b" ")])
    trace = read(tmp_path_factory.mktemp("t"), text)
    lines = [
        text for text in text.decode("latin-1").split("\n") if text.strip(" \t") and not text.strip(" \t").startswith(";")
    ]
    gone = sum(count for note, count in trace.notes.items() if note.startswith("dropped"))
    assert len(trace) + gone == len(lines)


def test_a_hundred_thousand_jobs_are_read_in_a_moment(tmp_path):
    """The bar is 0.3 s on an idle core; CPU time here, as other work may run beside."""
    text = "".join(line(job, job * 7, 100 + job % 5000) for job in range(1, 100001))
    (tmp_path / "t.swf.gz").write_bytes(gzip.compress(text.encode(), 1))
    trace = read_trace(tmp_path / "t.swf.gz")
    assert least_cpu_s(lambda: read_trace(tmp_path / "t.swf.gz")) < 0.6
    assert (len(trace), int(np.sum(trace.nodes))) == (100000, 400000)
