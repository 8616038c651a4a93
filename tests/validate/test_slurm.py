"""Replays of a real slurmctld: the bars, the floor of chaos, and files that do not belong together."""

import csv
import shutil

import numpy as np
import pytest

from terp.errors import Problems
from terp.validate.grading.cases import published_file
from terp.validate.systems.slurm_grades import _ks, grade_slurm

pytestmark = pytest.mark.slow

REPLAYS = published_file("slurm", "source.yaml").parent
NEVER_SEEN = ("fifo_s102", "multifactor_s201", "multifactor_s202")
"""Recorded with new seeds, on a machine that was not overloaded; no constant was fitted to them."""


def graded(name):
    folder = REPLAYS / name
    assoc = folder / "assoc.txt"
    return grade_slurm(
        folder / "trace.csv", folder / "observed.csv", folder / "slurm.conf", assoc if assoc.is_file() else None
    )


@pytest.mark.parametrize("name", NEVER_SEEN)
def test_replays_that_nothing_was_fitted_to_meet_the_bars(name):
    """Published kind: mean wait within 10 %, or 15 % with priorities, or twice the chaos; waits within 0.10 of KS."""
    found = graded(name)
    assert found.missed == ()
    assert found.jobs_count == 500
    assert found.most_gpus_count <= 1528
    assert 0 < found.chaos_fraction < 0.3, "else shifts do nothing, or the floor hides everything"


def test_the_distance_of_samples():
    a = np.array([1, 2, 3, 4])
    assert _ks(a, a) == 0
    assert _ks(a, a + 10) == 1
    assert _ks(a, np.array([1, 2, 3, 40])) == pytest.approx(0.25)


def test_another_policy_is_seen(tmp_path):
    """The same jobs without backfill wait many times longer: the grade can fail."""
    folder = REPLAYS / "plain_7"
    conf = tmp_path / "slurm.conf"
    conf.write_text((folder / "slurm.conf").read_text().replace("sched/backfill", "sched/builtin"))
    found = grade_slurm(folder / "trace.csv", folder / "observed.csv", conf)
    assert found.error_fraction > 0.2
    assert "mean wait" in found.missed


def test_files_that_do_not_belong_together(tmp_path):
    folder = REPLAYS / "plain_7"
    short = tmp_path / "trace.csv"
    short.write_text("\n".join((folder / "trace.csv").read_text().splitlines()[:100]) + "\n")
    with pytest.raises(Problems, match=r"is not in trace\.csv, which has 99 jobs"):
        grade_slurm(short, folder / "observed.csv", folder / "slurm.conf")
    twice = tmp_path / "observed.csv"
    lines = (folder / "observed.csv").read_text().splitlines()
    twice.write_text("\n".join([*lines, lines[-1]]) + "\n")
    with pytest.raises(Problems, match="a job stands twice"):
        grade_slurm(folder / "trace.csv", twice, folder / "slurm.conf")
    small = tmp_path / "slurm.conf"
    small.write_text((folder / "slurm.conf").read_text().replace("dgx[001-191]", "dgx[001-016]"))
    with pytest.raises(Problems, match="never start here"):
        grade_slurm(folder / "trace.csv", folder / "observed.csv", small)


def test_jobs_that_never_started_are_left_out_and_counted(tmp_path):
    folder = REPLAYS / "plain_7"
    for name in ("trace.csv", "slurm.conf"):
        shutil.copy(folder / name, tmp_path / name)
    with (folder / "observed.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row in rows[-3:]:
        row.update(start_s="", end_s="", elapsed_s="", wait_s="", state="CANCELLED by 0")
    with (tmp_path / "observed.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    found = grade_slurm(tmp_path / "trace.csv", tmp_path / "observed.csv", tmp_path / "slurm.conf")
    assert (found.jobs_count, found.left_count) == (497, 3)
