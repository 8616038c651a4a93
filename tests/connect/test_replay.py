"""Jobs submitted to a real Slurm, and what it did: the first rows of three replays, in their form."""

import pytest

from terp.connect import Known, read_observed, read_replay, read_trace
from terp.describe import TRACE_STATES
from terp.errors import Problems

TRACE = """\
idx,submit_s,nodes,gpus_per_node,limit_min,duration_s,account,qos
0,7.544,1,1,120,3265,climate,normal
1,28.982,2,8,60,1380,climate,high
2,28.999,1,4,90,5163,life,normal
3,28.100,1,8,90,5163,life,normal
"""
SEEN = """\
idx,jobid,state,submit_s,start_s,end_s,elapsed_s,wait_s,nodes,gpus_per_node,limit_min,duration_s,nodelist
0,2,COMPLETED,8,8,3276,3268,0,1,1,120,3265,dgx001
1,3,TIMEOUT,29,30,1413,1383,1,2,8,60,1380,"dgx[002,004]"
2,4,CANCELLED by 0,29,,,0,,1,4,90,5163,
"""


def written(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_replay(tmp_path):
    """Within a second, jobs keep their order."""
    trace = read_replay(written(tmp_path, TRACE))
    assert trace.submit_s.tolist() == [7, 28, 28, 28]
    assert (trace.nodes.tolist(), trace.gpus.tolist()) == ([1, 2, 1, 1], [1, 8, 4, 8])
    assert trace.exclusive.tolist() == [False, True, False, True]
    assert (trace.cores.tolist(), trace.memory.tolist()) == ([14, 0, 56, 0], [250000 * 2**20, 0, 1000000 * 2**20, 0])
    assert (trace.run_s.tolist(), trace.limit_s.tolist()) == ([3265, 1380, 5163, 5163], [7200, 3600, 5400, 5400])
    assert (trace.start_s.tolist(), trace.notes, trace.began_unix_s) == ([-1] * 4, {}, 0)
    assert [trace.accounts[code] for code in trace.account] == ["climate", "climate", "life", "life"]
    assert [trace.qos_names[code] for code in trace.qos] == ["normal", "high", "normal", "normal"]


def test_what_shares_of_a_node_hold_is_a_parameter(tmp_path):
    known = Known(node_gpus_count=4, gpu_cores_count=12, gpu_memory_bytes=1e9)
    path = written(tmp_path, "\n".join(line for line in TRACE.splitlines() if ",8," not in line))
    trace = read_trace(path, known=known)
    assert (trace.exclusive.tolist(), trace.cores.tolist(), trace.memory.tolist()) == ([False, True], [12, 0], [1e9, 0])


def test_what_was_seen(tmp_path):
    seen = read_observed(written(tmp_path, SEEN))
    assert seen.idx.tolist() == [0, 1, 2]
    assert [TRACE_STATES[state] for state in seen.state] == ["completed", "timeout", "cancelled"]
    assert (seen.submit_s.tolist(), seen.start_s.tolist()) == ([8, 29, 29], [8, 30, -1])
    assert (seen.end_s.tolist(), seen.elapsed_s.tolist()) == ([3276, 1413, -1], [3268, 1383, 0])


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(Problems, match="no job is left: not a number in start_s; line 2"):
        read_observed(written(tmp_path, SEEN.replace("8,8,3276", "8,x,3276")))
    with pytest.raises(Problems, match="elapsed_s: column missing"):
        read_observed(written(tmp_path, SEEN.replace("elapsed_s", "elapsed")))
    trace = read_replay(written(tmp_path, TRACE.replace("0,7.544", "0,-7").replace(",60,", ",,")))
    assert trace.notes == {
        "dropped: no time of submission; line 2": 1,
        "repaired: limit not said, run time taken; line 3": 1,
    }
