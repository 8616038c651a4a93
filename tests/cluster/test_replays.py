"""The replays that ship, and the parts of the script that need no Slurm."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from slurm.cluster import Trouble, associations
from slurm.replays import completions
from support.schedules import busiest_gpus, nodes_of

ROOT = Path(__file__).parents[2]
SLURM = ROOT / "validation" / "slurm"
REPLAYS = sorted(path.parent.name for path in SLURM.glob("*/observed.csv"))
HOURS = ["--nodes", "191", "--window", "21600", "--load", "1.15", "--subnode", "0.2", "--limits", "30,60,90,120,180,240"]


def drawn(folder, *options):
    subprocess.run([ROOT / "scripts" / "slurm-cluster", "trace", *options, folder / "trace.csv"], check=True)
    return read(folder / "trace.csv")


def rows_of(replay, name):
    return read(SLURM / replay / f"{name}.csv")


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("replay", "options"),
    [
        ("fifo_11", ["--seed", "11", *HOURS]),
        ("plain_7", ["--seed", "7", "--nodes", "191", "--load", "1.25"]),
    ],
)
def test_a_seed_gives_the_trace_that_ships(replay, options, tmp_path):
    drawn(tmp_path, *options)
    assert (tmp_path / "trace.csv").read_bytes() == (SLURM / replay / "trace.csv").read_bytes()


def test_names_leave_the_jobs_as_they_are(tmp_path):
    """And come about as often as their weights say."""
    words = ["--seed", "5", "--jobs", "2000"]
    bare, named = drawn(tmp_path, *words), drawn(tmp_path, *words, "--accounts", "a=3,b=1", "--qoss", "q=1")
    assert [{**row, "account": None, "qos": None} for row in bare] == [
        {**row, "account": None, "qos": None} for row in named
    ]
    share = Counter(row["account"] for row in named)["a"] / 2000
    assert abs(share - 0.75) < 4 * (0.75 * 0.25 / 2000) ** 0.5
    assert {row["qos"] for row in named} == {"q"}


@pytest.mark.parametrize("replay", REPLAYS)
def test_a_shipped_replay_is_whole(replay):
    """A row a job of the trace, in its words; waits add up; no GPU given twice, as many nodes as asked for."""
    trace, observed = rows_of(replay, "trace"), rows_of(replay, "observed")
    asked = [key for key in trace[0] if key != "submit_s"]
    assert [[row[key] for key in asked] for row in observed] == [[row[key] for key in asked] for row in trace]
    for row in observed:
        times = {key: int(row[key]) for key in ("submit_s", "start_s", "end_s", "wait_s", "elapsed_s")}
        assert times["wait_s"] == times["start_s"] - times["submit_s"] >= 0
        assert times["elapsed_s"] == times["end_s"] - times["start_s"] > 0
        assert len(nodes_of(row["nodelist"])) == int(row["nodes"])
    assert busiest_gpus(observed) == 8


@pytest.mark.parametrize("replay", REPLAYS)
def test_a_shipped_configuration_names_no_folder_of_a_machine(replay):
    text = (SLURM / replay / "slurm.conf").read_text()
    assert "StateSaveLocation=$WORKDIR/state" in text
    assert "NodeName=dgx[001-191] " in text


def test_a_list_of_nodes_is_spelled_out():
    assert nodes_of("dgx[001-003,007],login") == ["dgx001", "dgx002", "dgx003", "dgx007", "login"]
    assert nodes_of("dgx004") == ["dgx004"]


def test_two_jobs_on_one_gpu_are_seen():
    row = {"nodelist": "a[1-2]", "gpus_per_node": "8", "start_s": "0", "end_s": "9"}
    assert busiest_gpus([row, {**row, "start_s": "9", "end_s": "10"}]) == 8
    assert busiest_gpus([row, {**row, "nodelist": "a2", "gpus_per_node": "1", "start_s": "8"}]) == 9


def test_accounts_and_qos_become_commands(tmp_path):
    path = tmp_path / "assoc.txt"
    path.write_text("# shares\naccount medicine fairshare=40\nqos normal priority=50\nqos high priority=100\n")
    assert [" ".join(words) for words in associations(path)] == [
        "add account medicine fairshare=40",
        "add user root account=medicine",
        "modify qos normal set priority=50",
        "add qos high priority=100",
        "modify user root set qos+=normal,high",
    ]
    path.write_text("acount medicine\nqos\n")
    with pytest.raises(Trouble, match="acount medicine; qos"):
        associations(path)


def test_times_of_jobcomp_are_read_in_every_form(tmp_path):
    path = tmp_path / "jobcomp.txt"
    path.write_text(
        "JobId=7 Name=j5 JobState=COMPLETED StartTime=2027-01-04T00:10:00 EndTime=1799022000 NodeList=dgx001 \n"
        "JobId=8 Name=j6 JobState=CANCELLED StartTime=Unknown EndTime=2027-01-04T00:10:01 NodeList=(null) \n"
    )
    assert completions(path) == {
        "7": {"Start": "1799021400", "End": "1799022000"},
        "8": {"Start": "Unknown", "End": "1799021401"},
    }
