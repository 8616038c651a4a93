"""Published traces: rows made up in exactly the columns and forms of AcmeTrace, Helios and Philly."""

import json

import pytest

from terp.connect import Known, read_trace
from terp.connect.traces.accounting.sacct_values import Clock
from terp.connect.traces.trace_rows import RowTally
from terp.describe import TRACE_STATES
from terp.errors import Problems

SEREN = """\
job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time
5778432,u5907,1,8,128,Other,FAILED,2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,2023-03-01 00:20:51+08:00,117,32,936.0
5778469,u11,4,32,512,Pretrain,COMPLETED,2023-03-01 00:23:58+08:00,2023-03-01 00:24:11+08:00,2023-03-01 01:09:04+08:00,2693,13,86176.0
5778470,u11,1,1,16,Eval,CANCELLED,2023-03-01 00:24:00+08:00,,2023-03-01 00:25:00+08:00,0,60,0.0
5778471,u2,1,0,4,Other,COMPLETED,2023-03-01 00:24:01+08:00,2023-03-01 00:24:02+08:00,2023-03-01 00:24:12+08:00,10,1,0.0
"""
KALOS = """\
job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,shared_mem_per_pod,type,state,submit_time,start_time,end_time,fail_time,stop_time,duration,queue,gpu_time
dlcaaaa,uf794,8,64,960,1000,100.0,Other,FAILED,2023-05-17 11:00:58+00:00,2023-05-17 11:01:08+00:00,2023-05-17 11:01:16+00:00,2023-05-17 11:01:16+00:00,,18,10.0,1152.0
"""
HELIOS = """\
job_id,user,vc,jobname,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue
1425511,uXBbc,vcJkd,"a, b",1,1,1,COMPLETED,2020-06-09 18:41:01,2020-06-09 18:41:01,2020-06-10 04:55:09,36848,0
1425512,uVMrF,vchbv,train,16,64,2,NODE_FAIL,2020-06-09 18:41:27,2020-06-09 18:42:27,2020-06-09 18:46:36,249,60
1425513,uVMrF,vchbv,odd,3,8,2,SUSPENDED,2020-06-09 18:41:28,2020-06-09 18:42:27,2020-06-09 18:46:36,249,60
"""


def attempt(start, end, *gpus):
    detail = [{"ip": f"m{place}", "gpus": [f"gpu{number}" for number in range(count)]} for place, count in enumerate(gpus)]
    return {"start_time": start, "end_time": end, "detail": detail}


PHILLY = [
    {"status": "Pass", "vc": "ee9e8c", "jobid": "application_1_1", "user": "ce2f4c", "submitted_time": "2017-10-07 01:11:39",
     "attempts": [attempt("2017-10-07 01:12:09", "2017-10-07 01:13:23", 8), attempt("2017-10-07 01:13:30", "2017-10-07 01:14:30", 8, 8)]},
    {"status": "Killed", "vc": "6214e9", "jobid": "application_1_2", "user": "a1", "submitted_time": "2017-10-07 01:20:00",
     "attempts": [attempt("2017-10-07 01:20:10", "2017-10-07 01:20:40", 2, 1)]},
    {"status": "Killed", "vc": "6214e9", "jobid": "application_1_3", "user": "a1", "submitted_time": "2017-10-07 01:21:00", "attempts": []},
    {"status": "Pass", "vc": "6214e9", "jobid": "application_1_4", "user": "a1", "submitted_time": "2017-10-07 01:22:00",
     "attempts": [attempt("2017-10-07 01:20:10", None, 1)]},
]  # fmt: skip


def read(tmp_path, text, **known):
    (tmp_path / "log").write_text(text)
    return read_trace(tmp_path / "log", known=Known(**known))


def states(trace):
    return [TRACE_STATES[state] for state in trace.state]


def test_seren(tmp_path):
    trace = read(tmp_path, SEREN)
    assert trace.began_unix_s == 1677601102  # 2023-02-28 16:18:22 UTC
    assert trace.submit_s.tolist() == [0, 336, 338, 339]
    assert (trace.start_s.tolist(), trace.end_s.tolist()) == ([32, 349, -1, 340], [149, 3042, 398, 350])
    assert trace.run_s.tolist() == [117, 2693, 0, 10]
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.cores.tolist()) == (
        [1, 4, 1, 1],
        [8, 8, 1, 0],
        [128, 128, 16, 4],
    )
    assert trace.exclusive.tolist() == [True, True, False, False]
    assert states(trace) == ["failed", "completed", "cancelled", "completed"]
    assert (trace.qos_names, trace.users) == (("Other", "Pretrain", "Eval"), ("u5907", "u11", "u2"))
    assert trace.notes == {"repaired: limit not said, run time taken; lines 2, 3, 4, ...": 4}


def test_kalos(tmp_path):
    """Its published duration of 18 s is that from submission to end; it ran for 8 s."""
    trace = read(tmp_path, KALOS)
    assert (trace.run_s[0], trace.nodes[0], trace.gpus[0], trace.cores[0], trace.memory[0]) == (8, 8, 8, 120, 1e12)
    assert [read(tmp_path, KALOS.replace(",1000,", f",{said},")).memory[0] for said in ("nan", "inf", "-1", "x")] == [0] * 4
    assert trace.notes["kept: its duration is not its end less its start, which was taken; line 2"] == 1


def test_helios(tmp_path):
    trace = read(tmp_path, HELIOS)
    assert trace.began_unix_s == 1591699261  # 18:41:01 in Shanghai is 10:41:01 UTC
    assert read(tmp_path, HELIOS, zone="UTC").began_unix_s == 1591699261 + 8 * 3600
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.cores.tolist()) == ([1, 2, 0], [1, 8, 3], [1, 32, 0])
    assert states(trace) == ["completed", "node_fail", "unknown"]
    assert trace.partitions == ("vcJkd", "vchbv")
    assert trace.notes == {
        "repaired: an unknown state; line 4": 1,
        "kept: GPUs uneven over its nodes, taken as so many anywhere; line 4": 1,
        "repaired: limit not said, run time taken; lines 2, 3, 4": 3,
    }


def test_philly(tmp_path):
    trace = read(tmp_path, json.dumps(PHILLY), node_gpus_count=8)
    assert trace.began_unix_s == 1507363899  # 01:11:39 PDT is 08:11:39 UTC
    assert (trace.nodes.tolist(), trace.gpus.tolist(), trace.exclusive.tolist()) == ([2, 0], [8, 3], [True, False])
    assert (trace.start_s.tolist(), trace.end_s.tolist(), trace.run_s.tolist()) == ([30, 511], [171, 541], [134, 30])
    assert states(trace) == ["completed", "cancelled"]
    assert trace.notes == {
        "kept: run time of all attempts added up; line 1": 1,
        "kept: an attempt without a start or an end, not counted; line 4": 1,
        "kept: GPUs uneven over its nodes, taken as so many anywhere; line 2": 1,
        "dropped: no size; line 3": 1,
        "repaired: start before submission, submission taken; line 4": 1,
        "dropped: neither run time nor limit; line 4": 1,
        "repaired: limit not said, run time taken; lines 1, 2": 2,
    }


def test_philly_junk(tmp_path):
    strange = [
        3,
        {},
        {"attempts": 3},
        {"attempts": [3, {"detail": [{"gpus": 3}]}], "status": [], "user": 4, "submitted_time": 1},
    ]
    trace = read(tmp_path, json.dumps([*strange, *PHILLY[:1]]))
    assert len(trace) == 1
    assert trace.notes["dropped: not a job; line 1"] == 1
    assert trace.notes["dropped: no time of submission; lines 2, 3, 4"] == 3


def test_quotes(tmp_path):
    """Commas between quotes are no separators; a quote that does not end spoils its line only."""
    lines = HELIOS.splitlines()
    quoted = lines[1].replace("COMPLETED", '"COMPLETED"')
    trace = read(tmp_path, "\n".join([lines[0], quoted, '"' + lines[2], lines[2], ""]))
    assert states(trace) == ["completed", "node_fail"]
    assert trace.notes["dropped: not 13 columns; line 3"] == 1


def test_a_zone_that_this_machine_does_not_know():
    with pytest.raises(Problems, match=r"zone: the rules of this time zone are not on this machine, found 'Mars/Base'"):
        Clock("Mars/Base", RowTally())


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(Problems, match="state: column missing; name the file as it was published"):
        read(tmp_path, SEREN.replace("state", "status"))
