"""A real slurmctld on loopback: what holds of a replay whatever the scheduler decides, and that nothing stays behind."""

import csv
import json
import signal
import subprocess
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from support.schedules import busiest_gpus

pytestmark = pytest.mark.slurm


def test_every_job_is_observed_and_ran(replayed):
    trace, observed = replayed.rows("trace"), replayed.rows("observed")
    asked = [key for key in trace[0] if key != "submit_s"]
    assert [{key: row[key] for key in asked} for row in observed] == [{key: row[key] for key in asked} for row in trace]
    assert {row["state"] for row in observed} == {"COMPLETED"}
    assert all(value for row in observed for value in row.values())


def test_times_are_those_of_the_trace(replayed):
    """Submitted within 2 s of when the trace says; a job sleeps its time, launch and end cost seconds at most."""
    for asked, row in zip(replayed.rows("trace"), replayed.rows("observed"), strict=True):
        assert abs(float(row["submit_s"]) - float(asked["submit_s"])) < 2
        assert int(row["wait_s"]) == int(row["start_s"]) - int(row["submit_s"]) >= 0
        assert 0 <= int(row["elapsed_s"]) - int(row["duration_s"]) < 8


def test_no_gpu_is_given_twice(replayed):
    assert busiest_gpus(replayed.rows("observed")) == 8  # the machine was full at some time, and no node beyond


def test_jobs_that_take_the_machine_come_first_come_first_served(replayed):
    """All priorities are equal, so two jobs that both need every node cannot pass one another."""
    whole = [row for row in replayed.rows("observed") if (row["nodes"], row["gpus_per_node"]) == ("8", "8")]
    whole.sort(key=lambda row: int(row["jobid"]))
    assert len(whole) > 2
    assert all(int(one["end_s"]) <= int(two["start_s"]) for one, two in pairwise(whole))


def test_some_jobs_wait_and_some_are_backfilled(replayed):
    """The trace offers more than the machine can do, or there would be nothing to compare."""
    rows = sorted(replayed.rows("observed"), key=lambda row: int(row["jobid"]))
    assert sum(int(row["wait_s"]) > 5 for row in rows) > 5
    starts = [int(row["start_s"]) for row in rows]
    assert any(start < max(starts[:place]) for place, start in enumerate(starts) if place)


def test_the_accounting_is_kept_in_both_forms(replayed):
    """--parsable2 and --json tell of the same jobs, the warming-up one included, and jobcomp agrees."""
    table = list(csv.DictReader(replayed.sacct_parsable2.read_text().splitlines(), delimiter="|"))
    jobs = json.loads(replayed.sacct_json.read_text())["jobs"]
    assert [int(row["JobID"]) for row in table] == [job["job_id"] for job in jobs] == list(range(1, 42))
    by_name = {row["JobName"]: row for row in table}
    for row in replayed.rows("observed"):
        said = by_name[f"j{row['idx']}"]
        assert (said["Account"], said["QOS"], said["ElapsedRaw"]) == (row["account"], row["qos"], row["elapsed_s"])
        assert f"gres/gpu={int(row['nodes']) * int(row['gpus_per_node'])}" in said["AllocTRES"]
    assert json.loads(replayed.facts.read_text())["sacct_unlike_jobcomp"] == []


def test_priorities_and_shares_are_noted_on_the_way(replayed):
    assert "PRIORITY" in (replayed.conf.parent / "sprio_at_10s.txt").read_text()
    assert "medicine" in (replayed.conf.parent / "sshare_at_10s.txt").read_text()


def test_the_configuration_names_no_folder_of_the_machine(replayed):
    text = replayed.conf.read_text()
    assert "StateSaveLocation=$WORKDIR/state" in text
    assert "NodeName=dgx[001-008] " in text
    assert tempfile.gettempdir() not in text


@pytest.mark.parametrize(
    ("command", "number", "code", "background"),
    [
        ("exit 3", None, 3, False),
        ("sleep 90", signal.SIGINT, 130, False),
        ("sleep 90", signal.SIGINT, 130, True),
        ("sleep 90", signal.SIGTERM, 143, False),
    ],
)
def test_nothing_stays_behind(real_slurm, tmp_path, command, number, code, background):
    """However the command ends, with a job of minutes still running.

    A shell without job control has its background jobs ignore SIGINT, and what they start inherits that.
    """
    ignoring = ["sh", "-c", 'trap "" INT; exec "$0" "$@"'] if background else []
    begun = tmp_path / "begun"
    inside = f"sbatch --quiet -o /dev/null -t 5 --wrap 'sleep 271' && sleep 1 && touch {begun} && {command}"
    words = [*ignoring, real_slurm, "run", "--nodes", "1", "--work", tmp_path / "work", "--", "sh", "-c", inside]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
        while number and not begun.exists():
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.2)
        if number:
            running.send_signal(number)
        assert (running.wait(60), running.stderr.read()) == (code, "")
    assert processes_of(tmp_path / "work") == []


def processes_of(folder):
    """Those that name the folder in their command or environment, ended ones that nobody waited for apart."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            said = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in said:
            found.append(said)
    return found


def test_a_fast_clock_is_fast_for_slurm_and_its_jobs(real_slurm):
    """Ten minutes of a job pass in ten seconds, and Slurm's own clock agrees with the job's."""
    inside = "sbatch --quiet --wait -o /dev/null -t 20 --wrap 'sleep 600'; sacct -X -n -P -o ElapsedRaw"
    began = time.monotonic()
    done = subprocess.run(
        [real_slurm, "run", "--nodes", "2", "--speed", "60", "--", "sh", "-c", inside],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert 600 <= int(done.stdout.split()[-1]) < 720
    assert time.monotonic() - began < 100
