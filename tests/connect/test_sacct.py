"""Slurm's accounting in text and JSON: rows as 22.05 and 24.11 print them, shortened, and every trap of the format."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.connect import Known, read_trace
from terp.connect.traces.accounting.sacct_values import UNLIMITED_S, duration_s, limit_s, resources, tasks
from terp.connect.traces.trace_rows import NONE
from terp.describe import TRACE_STATES
from terp.errors import Problems

OLD = """\
JobID|JobName|User|Account|Partition|QOS|State|ExitCode|Submit|Eligible|Start|End|ElapsedRaw|TimelimitRaw|AllocNodes|ReqTRES|AllocTRES|NodeList|Reason|Priority|Reserved
3|j0|root|root|batch|normal|COMPLETED|0:0|2026-11-22T15:54:31|2026-11-22T15:54:31|2026-11-22T15:54:32|2026-11-22T15:54:44|12|1|4|billing=4,cpu=4,gres/gpu=32,mem=4000M,node=4|billing=448,cpu=448,gres/gpu=32,mem=437.50G,node=4|dgx[001-004]|None|1|00:00:01
3.batch|batch||root|||COMPLETED|0:0|2026-11-22T15:54:32|2026-11-22T15:54:32|2026-11-22T15:54:32|2026-11-22T15:54:44|12||1||cpu=112,gres/gpu=8,mem=112000M,node=1|dgx001||| 
506|a|ann|climate|batch|normal|TIMEOUT|0:0|2026-11-22T15:54:36|2026-11-22T15:54:37|2026-11-22T15:54:37|2026-11-22T15:57:20|163|2|1|billing=14,cpu=14,gres/gpu=1,mem=250000M,node=1|billing=14,cpu=14,gres/gpu=1,mem=250000M,node=1|dgx041|None|1|00:00:00
"""  # noqa: W291
NAMES = "JobID|JobName|User|State|Submit|Start|End|ElapsedRaw|Timelimit|NNodes|ReqTRES|AllocTRES|Planned"
ROW = {
    "JobID": "7", "JobName": "train", "User": "ann", "State": "COMPLETED", "Submit": "1000", "Start": "1010", "End": "1110",
    "ElapsedRaw": "100", "Timelimit": "01:00:00", "NNodes": "2", "ReqTRES": "cpu=28,gres/gpu=4,mem=500000M,node=2",
    "AllocTRES": "cpu=28,gres/gpu:h100=4,gres/gpu=4,mem=500000M,node=2", "Planned": "00:00:10",
}  # fmt: skip


def row(**cells):
    return "|".join((ROW | cells).values())


def read(tmp_path, *lines, names=NAMES, **known):
    (tmp_path / "t.txt").write_text("\n".join([names, *lines]) + "\n")
    return read_trace(tmp_path / "t.txt", known=Known(**known))


def test_a_listing_of_22_05(tmp_path):
    (tmp_path / "t.txt").write_text(OLD)
    trace = read_trace(tmp_path / "t.txt")
    assert trace.began_unix_s == 1795362871  # 2026-11-22 15:54:31 UTC, as sacct --json says the same second
    assert trace.submit_s.tolist() == [0, 5]
    assert trace.eligible_s.tolist() == [0, 6]
    assert (trace.start_s.tolist(), trace.end_s.tolist()) == ([1, 6], [13, 169])
    assert (trace.run_s.tolist(), trace.limit_s.tolist()) == ([12, 163], [60, 120])
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.cores.tolist()) == ([4, 1], [8, 1], [112, 14])
    assert trace.memory.tolist() == [437.5 * 2**30 / 4, 250000 * 2**20]
    assert trace.exclusive.tolist() == [True, False]
    assert [TRACE_STATES[state] for state in trace.state] == ["completed", "timeout"]
    assert (trace.users, trace.accounts, trace.qos_names, trace.partitions) == (("root", "ann"), ("root", "climate"), ("normal",), ("batch",))  # fmt: skip
    assert trace.notes == {"dropped: a step of a job, not a job; line 3": 1}


def test_gpus_listed_twice_are_the_same_ones(tmp_path):
    trace = read(tmp_path, row(), row(AllocTRES="cpu=28,gres/gpu:h100=6,node=2"))
    assert (trace.gpus.tolist(), trace.nodes.tolist(), trace.cores.tolist()) == ([2, 3], [2, 2], [14, 14])


@pytest.mark.parametrize(
    ("cells", "field", "value", "note"),
    [
        ({"State": "CANCELLED by 1234"}, "state", "cancelled", None),
        ({"State": "OUT_OF_MEMORY"}, "state", "out_of_memory", None),
        ({"State": "NODE_FAIL"}, "state", "node_fail", None),
        ({"State": "PREEMPTED"}, "state", "preempted", None),
        ({"State": "BORED"}, "state", "unknown", "repaired: an unknown state; line 2"),
        ({"End": "Unknown"}, "end_s", 110, None),
        ({"End": "10?"}, "end_s", 110, "repaired: a time that cannot be read, taken as unknown; line 2"),
        ({"End": "¼"}, "end_s", 110, "repaired: a time that cannot be read, taken as unknown; line 2"),
        ({"End": "1001"}, "end_s", 110, "repaired: end before start, taken as unknown; line 2"),
        ({"Start": "900", "End": "1100"}, "start_s", 0, "repaired: start before submission, submission taken; line 2"),
        ({"ElapsedRaw": ""}, "run_s", 100, None),
        ({"ElapsedRaw": "-4"}, "run_s", 100, "repaired: a negative run time, taken as unknown; line 2"),
        ({"Timelimit": "2-00:00:00"}, "limit_s", 172800, None),
        ({"Timelimit": "UNLIMITED"}, "limit_s", UNLIMITED_S, "repaired: no limit, a year taken as Slurm plans with; line 2"),
        ({"Timelimit": "Partition_Limit"}, "limit_s", 100, "repaired: limit not said, run time taken; line 2"),
        ({"State": "RUNNING", "End": "Unknown"}, "run_s", 3600, "kept: not ended, taken to run to its limit; line 2"),
        ({"State": "PENDING", "Start": "Unknown", "End": "Unknown", "ElapsedRaw": "0", "AllocTRES": ""}, "start_s", -1,
         "kept: not ended, taken to run to its limit; line 2"),
        ({"State": "CANCELLED", "Start": "1110", "ElapsedRaw": "0", "AllocTRES": ""}, "start_s", -1, None),
        ({"JobID": "123+0"}, "array", -1, "kept: part of a heterogeneous job, taken as a job of its own; line 2"),
        ({"JobName": "a|b|c"}, "gpus", 2, "repaired: a | inside a name; line 2"),
        ({"AllocTRES": "cpu=28,gres/gpu=3,node=2"}, "gpus", 2,
         "repaired: GPUs uneven over its nodes, rounded up to as many on each; line 2"),
        ({"AllocTRES": "cpu=28,gres/gpu=4,license/matlab=2,node=2"}, "licenses", 2, None),
        ({"AllocTRES": "", "ReqTRES": ""}, "nodes", 2, None),
    ],
)  # fmt: skip
def test_the_traps_of_the_format(tmp_path, cells, field, value, note):
    trace = read(tmp_path, row(**cells))
    found = getattr(trace, field)[0]
    assert (TRACE_STATES[found] if field == "state" else found) == value
    assert trace.notes == ({} if note is None else {note: 1})


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ({"Submit": "Unknown"}, "dropped: no time of submission; line 3"),
        ({"Submit": "9000000000"}, "dropped: submitted in the future; line 3"),
        ({"JobID": "x"}, "dropped: no number of a job; line 3"),
        ({"JobID": "7_[a-b]"}, "dropped: no number of a job; line 3"),
        ({"JobID": "7.extern"}, "dropped: a step of a job, not a job; line 3"),
        ({"AllocTRES": "", "ReqTRES": "", "NNodes": ""}, "dropped: no size; line 3"),
        ({"AllocTRES": "node=500"}, "dropped: larger than the machine; line 3"),
        ({"AllocTRES": "node=1,gres/gpu=9"}, "dropped: more GPUs a node than it has; line 3"),
        ({"User": "a|b", "JobName": "c", "Submit": "x|"}, "dropped: not 13 columns; line 3"),
    ],
)
def test_what_is_dropped_is_counted(tmp_path, cells, note):
    trace = read(tmp_path, row(), row(**cells), nodes_count=191, node_gpus_count=8)
    assert (len(trace), trace.notes) == (1, {note: 1})


def test_waiting_tasks_of_an_array_are_jobs(tmp_path):
    pending = row(
        JobID="123_[4-9%2]", State="PENDING", Start="Unknown", End="Unknown", ElapsedRaw="0", AllocTRES="", Submit="2000"
    )
    trace = read(tmp_path, row(JobID="123_1"), row(JobID="99_7"), pending)
    assert trace.array.tolist() == [1, 0, *[1] * 6]
    assert trace.array_limit.tolist() == [2, 0, *[2] * 6]
    assert (tasks("[1,3,5-7]"), tasks("[0-20:5%3]"), tasks("[1-3,x]")) == ((5, 0), (5, 3), (0, 0))


def test_zones(tmp_path):
    """Epochs, times with an offset and local times are the same moments; what has no zone among such is said."""
    epoch = 1795362871
    forms = [
        str(epoch),
        "2026-11-22T15:54:31Z",
        "2026-11-22T16:54:31+01:00",
        "2026-11-22T10:54:31-0500",
        "2026-11-22T16:54:31",
    ]
    trace = read(
        tmp_path,
        *(row(Submit=form, Start=str(epoch), End=str(epoch + 100)) for form in forms),
        zone="Europe/Copenhagen",
    )
    assert (trace.submit_s.tolist(), trace.began_unix_s) == ([0] * 5, epoch)
    assert trace.notes == {"kept: time without a zone among others with one, read as Europe/Copenhagen; line 6": 1}


def test_the_hour_that_comes_twice(tmp_path):
    """2023-10-29 02:30 came at 00:30 UTC and again at 01:30 UTC."""
    trace = read(tmp_path, row(Submit="2023-10-29T02:30:00", Start="None", End="None"), zone="Europe/Amsterdam")
    assert trace.began_unix_s == 1698539400
    assert "kept: local time that comes twice or never, the earlier taken; line 2" in trace.notes


def test_whole_nodes_by_what_was_granted(tmp_path):
    more = {"ReqTRES": "cpu=2,node=2", "AllocTRES": "cpu=224,node=2"}
    assert read(tmp_path, row(**more)).exclusive[0]
    assert not read(tmp_path, row(**more), node_cores_count=128).exclusive[0]
    assert read(tmp_path, row(**more), node_cores_count=112).exclusive[0]


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(Problems) as raised:
        read(tmp_path, "1|COMPLETED", names="JobID|State")
    assert [problem.path for problem in raised.value.problems] == ["AllocTRES", "ElapsedRaw", "Submit"]


def test_listings_put_together_and_parsable_ones(tmp_path):
    """With the names again in the middle, with a bar at the end (--parsable), and a line cut off."""
    lines = [row() + "|", NAMES + "|", row(JobID="8") + "|", row()[:30]]
    trace = read(tmp_path, *lines, names=NAMES + "|")
    assert len(trace) == 2
    assert trace.notes == {"dropped: not 14 columns; line 5": 1, "dropped: the line of names again; line 3": 1}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:01:03", 63),
        ("2-00:00:00", 172800),
        ("1-12", 129600),
        ("05:30", 330),
        ("90", 5400),
        ("01:02:03.456", 3723),
        ("x", NONE),
    ],
)
def test_durations(text, seconds):
    assert duration_s(text) == seconds


def test_limits_and_resources():
    assert [limit_s(text) for text in ("²", "¼", "٣")] == [NONE, NONE, 180]  # only what counts in tens is a number
    assert [limit_s(text) for text in ("90", "UNLIMITED", "", "Partition_Limit")] == [5400, UNLIMITED_S, NONE, NONE]
    assert resources("billing=1,cpu=8,mem=1.50T,node=2") == (2, 8, 1.5 * 2**40, 0, 0)
    assert resources("nonsense,cpu=x,=,node=" + "9" * 99) == (0, 0, 0.0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\n\r|", exclude_categories=["Cs"]), max_size=6), min_size=12, max_size=15), max_size=4))  # fmt: skip
def test_junk_never_breaks_the_reader(tmp_path_factory, rows):
    """Every row is in the trace or in a note."""
    trace = read(tmp_path_factory.mktemp("t"), row(), *("|".join(cells) for cells in rows))
    gone = sum(count for note, count in trace.notes.items() if note.startswith("dropped"))
    assert len(trace) + gone == 1 + len(rows)


# JSON


def job_22_05(**more):
    return {
        "account": "root", "allocation_nodes": 2, "array": {"job_id": 0, "limits": {"max": {"running": {"tasks": 0}}}, "task": None, "task_id": None},
        "time": {"elapsed": 100, "eligible": 1000, "end": 1110, "start": 1010, "submission": 1000, "suspended": 0, "limit": 60},
        "het": {"job_id": 0, "job_offset": None}, "job_id": 7, "partition": "batch", "qos": "normal", "required": {"CPUs": 28, "memory": 0},
        "state": {"current": "COMPLETED", "reason": "None"}, "user": "ann", "steps": [{}],
        "tres": {name: [{"type": "cpu", "name": None, "id": 1, "count": 28}, {"type": "mem", "name": None, "id": 2, "count": 500000},
                        {"type": "energy", "name": None, "id": 3, "count": None}, {"type": "node", "name": None, "id": 4, "count": 2},
                        {"type": "gres", "name": "gpu", "id": 1001, "count": 4}] for name in ("allocated", "requested")},
    } | more  # fmt: skip


def number(value, *, infinite=False):
    return {"set": value is not None or infinite, "infinite": infinite, "number": value or 0}


def job_24_11(**more):
    time = {
        "elapsed": 100,
        "eligible": 1000,
        "end": 1110,
        "start": 1010,
        "submission": 1000,
        "suspended": 0,
        "limit": number(60),
    }
    array = {"job_id": 0, "limits": {"max": {"running": {"tasks": 0}}}, "task_id": number(None), "task": ""}
    later = {
        "time": time,
        "array": array,
        "het": {"job_id": 0, "job_offset": number(None)},
        "state": {"current": ["COMPLETED"]},
    }
    return job_22_05() | later | {"licenses": "", "restart_cnt": 0} | more


def read_json(tmp_path, *jobs):
    (tmp_path / "t.json").write_text(json.dumps({"meta": {}, "errors": [], "jobs": jobs}))
    return read_trace(tmp_path / "t.json")


def test_json_says_what_text_says(tmp_path):
    text = read(tmp_path, row())
    for job in (job_22_05(), job_24_11()):
        trace = read_json(tmp_path, job)
        for field in (
            "submit_s",
            "start_s",
            "end_s",
            "run_s",
            "limit_s",
            "nodes",
            "gpus",
            "cores",
            "memory",
            "exclusive",
            "state",
        ):
            assert np.array_equal(getattr(trace, field), getattr(text, field)), field
        assert (trace.users, trace.qos_names, trace.notes) == (("ann",), ("normal",), {})


def test_arrays_parts_and_limits_of_json(tmp_path):
    waiting = {"job_id": 9, "limits": {"max": {"running": {"tasks": 2}}}, "task_id": number(None), "task": "4-9"}
    time = job_24_11()["time"] | {"limit": number(None, infinite=True), "start": 0, "end": 0}
    one = {"job_id": 9, "limits": {"max": {"running": {"tasks": 0}}}, "task_id": number(1), "task": ""}
    trace = read_json(
        tmp_path,
        job_24_11(array=waiting, state={"current": ["PENDING"]}, time=time),
        job_24_11(array=one),
        job_22_05(het={"job_id": 5, "job_offset": 1}),
        "no job",
    )
    assert (trace.array.tolist(), trace.array_limit.tolist()) == ([0] * 7 + [-1], [2] * 7 + [0])
    assert trace.limit_s.tolist() == [UNLIMITED_S] * 6 + [3600] * 2
    assert trace.notes == {
        "dropped: not a job; line 4": 1,
        "repaired: no limit, a year taken as Slurm plans with; line 1": 1,
        "kept: not ended, taken to run to its limit; line 1": 1,
        "kept: part of a heterogeneous job, taken as a job of its own; line 3": 1,
        "kept: waiting tasks of an array in one row, taken as a job each; line 1": 1,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"jobs": [', "not JSON: "),
        ('{"jobs": 3}', "JSON without a list `jobs`"),
        ('{"jobs": []}', "holds no job"),
        ('{"jobs": [{"job_state": "RUNNING"}]}', "jobs of squeue, not of sacct"),
        ('{"jobs": ' + "[" * 100000, "not JSON"),
        ('{"jobs": [{"time": 3, "array": [], "tres": {"allocated": [1, {}]}, "state": {"current": []}}]}', "no job is left"),
    ],
)
def test_other_json_is_refused(tmp_path, text, says):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(Problems, match=says):
        read_trace(tmp_path / "t.json")
