"""A replay on a real Slurm, once a session, for all tests that want to compare with it."""

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "slurm-cluster"
sys.path.insert(0, str(SCRIPT.parent))  # for its modules, slurm.cluster and slurm.replays
ASSOC = """# shares of accounts, priorities of QOS
account medicine fairshare=40
account climate fairshare=30
qos normal priority=50
qos high priority=100
"""


@dataclass(frozen=True)
class Replayed:
    """What a replay leaves: the files it read and wrote, and what sacct said of it in both forms."""

    trace: Path
    observed: Path
    assoc: Path
    conf: Path  # slurm.conf as used, its folder as $WORKDIR
    sacct_parsable2: Path  # sacct -X --parsable2, times as seconds since 1970
    sacct_json: Path
    facts: Path  # replay.json: speed, states, waits, load of the machine
    nodes_count: int

    def rows(self, name):
        """Rows of the trace or of what was observed."""
        with getattr(self, name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def real_slurm():
    """The script's path, where it can bring up a cluster; else the test is skipped."""
    from slurm.cluster import missing

    if lacks := missing():
        pytest.skip(f"no real Slurm here, missing: {', '.join(lacks)}; as root: scripts/slurm-cluster install")
    return SCRIPT


@pytest.fixture(scope="session")
def replayed(real_slurm, tmp_path_factory):
    """40 jobs on 8 nodes of 8 GPUs, on the plain clock, in about a minute."""
    folder = tmp_path_factory.mktemp("replayed")
    trace, observed, assoc, record = (folder / name for name in ("trace.csv", "observed.csv", "assoc.txt", "record"))
    assoc.write_text(ASSOC)
    shape = ["--seed", "5", "--jobs", "40", "--window", "20", "--load", "1.2", "--subnode", "0.2", "--limits", "1,2,3"]
    names = ["--accounts", "medicine=2,climate=3", "--qoss", "normal=3,high=1"]
    subprocess.run([real_slurm, "trace", *shape, *names, trace], check=True)
    done = subprocess.run(
        [real_slurm, "replay", "--assoc", assoc, "--record", record, "--snapshots", "10", trace, observed],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = [record / name for name in ("slurm.conf", "sacct_parsable2.txt", "sacct.json", "replay.json")]
    return Replayed(trace, observed, assoc, *kept, nodes_count=8)
