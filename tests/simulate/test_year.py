"""A run as a whole: the same bytes, nothing lost between the tables, money and energy that add up."""

import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import terp
from terp.describe import read_site, read_workload
from terp.errors import Problems
from terp.results import Run, load_run, save_run
from terp.simulate import hour_by_hour, year
from terp.simulate.engine import compiled
from terp.simulate.engine.compiled import cache_folder, kernel_digest

DAYS = 20


@pytest.fixture(scope="module")
def run(gefion):
    return year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=DAYS, seed=7)


def test_same_seed_same_bytes(gefion, run, tmp_path):
    again = year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=DAYS, seed=7)
    other = year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=DAYS, seed=8)
    for name, result in (("one", run), ("again", again), ("other", other)):
        save_run(result, tmp_path / name)

    def digest(folder, file):
        return hashlib.sha256((tmp_path / folder / file).read_bytes()).hexdigest()

    for file in ("jobs.parquet", "interruptions.parquet", "timeline.parquet", "hours.parquet", "run.json"):
        assert digest("one", file) == digest("again", file)
        assert digest("one", file) != digest("other", file)
    without_clock = [{k: v for k, v in r.summary.items() if k != "wall_s"} for r in (run, again)]
    assert without_clock[0] == without_clock[1]


def test_every_job_is_accounted_for(run):
    s = run.summary
    ends = ("completed", "cancelled", "failed", "running", "waiting")
    assert sum(s[f"jobs_{word}_count"] for word in ends) == s["jobs_submitted_count"] == run.jobs.num_rows
    assert s["jobs_started_count"] == run.jobs.num_rows - run.jobs.column("start_s").null_count
    waits = run.jobs.column("wait_s").drop_null().to_numpy()
    assert waits.min() >= 0
    assert s["mean_wait_s"] == pytest.approx(waits.mean())
    state = run.jobs.column("state").to_pylist()
    ended = [word not in ("running", "waiting") for word in state]
    assert ended == run.jobs.column("end_s").is_valid().to_pylist()


def test_gpu_time_of_jobs_is_the_integral_of_the_timeline(gefion, run):
    duration = np.diff(np.append(run.timeline.column("time_s").to_numpy(), DAYS * 86_400))
    busy = run.timeline.column("busy_gpus_count").to_numpy()
    assert (busy * duration).sum() == pc.sum(run.jobs.column("gpu_s")).as_py()
    assert busy.max() <= gefion.gpus_count
    capacity = gefion.gpus_count * DAYS * 86_400
    assert run.summary["gpu_utilisation_fraction"] == pytest.approx((busy * duration).sum() / capacity)


def test_the_tables_alone_tell_where_everything_ran(gefion, run):
    """Interruptions and last starts give the busy GPUs of the timeline, and no shared node is ever over its capacity."""
    horizon_s, jobs = DAYS * 86_400, run.jobs
    gpus = jobs.column("gpus_count").to_numpy()
    last, end = (jobs.column(name).fill_null(-1).to_numpy() for name in ("last_start_s", "end_s"))
    state = np.array(jobs.column("state").to_pylist())
    ran = (end >= 0) | (state == "running")
    until = np.where(end >= 0, end, horizon_s)
    cut = run.interruptions
    start = np.concatenate([last[ran], cut.column("start_s").to_numpy()])
    stop = np.concatenate([until[ran], cut.column("end_s").to_numpy()])
    size = np.concatenate([gpus[ran], gpus[cut.column("job").to_numpy()]])
    assert cut.num_rows > 0
    changes = np.zeros(horizon_s + 1, np.int64)
    np.add.at(changes, start, size)
    np.subtract.at(changes, stop, size)
    busy = np.cumsum(changes)[:-1]
    time_s = run.timeline.column("time_s").to_numpy()
    assert (busy[time_s] == run.timeline.column("busy_gpus_count").to_numpy()).all()
    node = np.concatenate([jobs.column("first_node").fill_null(-1).to_numpy()[ran], cut.column("first_node").to_numpy()])
    for number in range(gefion.nodes_count):
        mine = (node == number) & (size < gefion.node.accelerators_count)
        changes = np.zeros(horizon_s + 1, np.int64)
        np.add.at(changes, start[mine], size[mine])
        np.subtract.at(changes, stop[mine], size[mine])
        assert np.cumsum(changes).max() <= gefion.node.accelerators_count


def test_energy_is_the_integral_of_power(run):
    duration = np.diff(np.append(run.timeline.column("time_s").to_numpy(), DAYS * 86_400))
    integral = (run.timeline.column("it_power_w").to_numpy() * duration).sum()
    assert run.summary["it_energy_j"] == pytest.approx(integral, rel=1e-12)
    assert pc.sum(run.hours.column("it_energy_j")).as_py() == pytest.approx(integral, rel=1e-9)
    assert run.summary["facility_energy_j"] == pytest.approx(pc.sum(run.hours.column("facility_energy_j")).as_py())
    assert run.summary["mean_pue"] == pytest.approx(run.summary["facility_energy_j"] / integral)


def test_domains_groups_and_the_unattributed_add_up(run):
    s = run.summary
    for kind in ("domains", "groups"):
        for key, total in (
            ("energy_j", "facility_energy_j"),
            ("cost_eur", "electricity_cost_eur"),
            ("carbon_kg", "carbon_kg"),
        ):
            parts = sum(entry[key] for entry in s[kind].values())
            assert parts + s["unattributed"][key] == pytest.approx(s[total], rel=1e-9)
            assert 0 < s["unattributed"][key] < 0.5 * s[total]
        assert sum(entry["gpu_s"] for entry in s[kind].values()) == pc.sum(run.jobs.column("gpu_s")).as_py()
        assert sum(entry["jobs_count"] for entry in s[kind].values()) == s["jobs_submitted_count"]


def test_lost_time_is_what_jobs_held_beyond_their_work(run):
    jobs = run.jobs.arrow.filter(pc.is_in(run.jobs.column("state"), pc.cast(["completed", "cancelled", "failed"], "string")))
    gpus = jobs.column("gpus_count").to_numpy()
    held, work = jobs.column("gpu_s").to_numpy(), jobs.column("run_s").to_numpy() * gpus
    assert (held - work == jobs.column("lost_gpu_s").to_numpy()).all()
    writes = {kind["job"] for kind in run.summary["kinds"] if kind["write_s"] > 0}
    uncut = jobs.column("restarts_count").to_numpy() == 0
    names = np.array(jobs.column("job").to_pylist())
    assert jobs.column("lost_gpu_s").to_numpy()[uncut & ~np.isin(names, list(writes))].sum() == 0, (
        "else it wrote checkpoints"
    )


def test_hours_of_a_constant_load_are_price_times_energy():
    """1 MW for two days and a half hour in the middle of an hour, by hand."""
    site = read_site("copenhagen").record
    horizon_s = 2 * 86_400
    time_s, power_w = np.array([0, 86_400 + 1800]), np.array([1e6, 0.0])
    hours = hour_by_hour(site, time_s, power_w, horizon_s, 0.0)
    assert hours.it_j.sum() == pytest.approx(1e6 * (86_400 + 1800))
    assert hours.it_j[24] == pytest.approx(1e6 * 1800)
    assert hours.it_j[25:].sum() == 0
    energy, cost, carbon = hours.of(np.array([1e6]), np.array([0]), np.array([86_400 + 1800]))
    assert energy[0] == pytest.approx(hours.facility_j.sum())
    assert cost[0] == pytest.approx((hours.facility_j * hours.price_eur_per_j).sum())
    assert carbon[0] == pytest.approx(hours.carbon_kg.sum())
    halves = [hours.of(np.array([1e6]), np.array([a]), np.array([b]))[1][0] for a, b in ((0, 5000), (5000, 88_200))]
    assert sum(halves) == pytest.approx(cost[0])


def test_the_same_machine_in_groningen_pays_tax(gefion):
    there = year(gefion, site=read_site("groningen"), workload=read_workload("national"), days=3, seed=1)
    here = year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=3, seed=1)
    assert there.summary["it_energy_j"] == here.summary["it_energy_j"]
    assert there.summary["energy_tax_eur"] > 0 == here.summary["energy_tax_eur"]
    assert there.origin["series"]["carbon"]["synthetic"] is True


def test_provenance_names_every_source_and_assumption(run):
    origin = run.origin
    assert {"acme-2024", "open-meteo", "energinet", "smc-mlperf-2024"} <= set(origin["sources"])
    assert all(row["range"] for row in origin["assumed"])
    assert sum(origin["statuses"].values()) == len(origin["provenance"])
    assert all(len(digest) == 64 for digest in origin["digests"].values())


def test_a_run_reads_back(run, tmp_path):
    save_run(run, tmp_path / "run")
    back = load_run(tmp_path / "run")
    assert isinstance(back, Run)
    assert back.summary == json.loads(json.dumps(dict(run.summary)))
    assert back.jobs.equals(run.jobs)
    assert back.timeline.equals(run.timeline)


def test_a_run_is_replaced_whole_and_other_folders_are_not_touched(run, tmp_path):
    save_run(run, tmp_path / "run")
    save_run(run, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(Problems, match="is a folder with other files in it"):
        save_run(run, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(Problems, match="is a file, not a folder"):
        save_run(run, tmp_path / "mine" / "thesis.txt")


def test_what_others_put_beside_a_run_survives_its_replacement(run, tmp_path, monkeypatch):
    save_run(run, tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("look at May")
    (tmp_path / "run" / "report.html").write_text("of the old run")
    save_run(run, tmp_path / "run")
    assert (tmp_path / "run" / "notes.txt").read_text() == "look at May"
    assert not (tmp_path / "run" / "report.html").exists(), "a report of another run would lie"
    monkeypatch.chdir(tmp_path / "run")
    with pytest.raises(Problems, match="is the folder you are in"):
        save_run(run, tmp_path / "run")


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": "terp-run/0"}', "null"])
@pytest.mark.parametrize("name", ["summary.json", "run.json"])
def test_documents_of_another_kind_are_one_line(run, tmp_path, name, text):
    save_run(run, tmp_path / "run")
    (tmp_path / "run" / name).write_text(text)
    with pytest.raises(Problems, match="is not one whole run of this format"):
        load_run(tmp_path / "run")


def test_a_write_that_fails_leaves_nothing(run, tmp_path, monkeypatch):
    calls = []

    def full(table, where, **options):
        calls.append(where)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        original(table, where, **options)

    original = pq.write_table
    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(Problems, match="No space left on device"):
        save_run(run, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_missing_files_are_named_all_at_once(run, tmp_path):
    save_run(run, tmp_path / "run")
    for name in ("timeline.parquet", "summary.json"):
        (tmp_path / "run" / name).unlink()
    with pytest.raises(Problems) as error:
        load_run(tmp_path / "run")
    assert len(error.value.problems) == 2


def test_a_spoilt_file_is_one_line(run, tmp_path):
    save_run(run, tmp_path / "run")
    (tmp_path / "run" / "jobs.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(Problems, match="cannot be read"):
        load_run(tmp_path / "run")


def test_the_kernel_cache_is_named_by_its_source(tmp_path, monkeypatch):
    """Editing any kernel gives another folder, so a stale result cannot come back."""
    source = tmp_path / "core.py"
    source.write_text("one")
    before = kernel_digest((source,))
    source.write_text("two")
    assert kernel_digest((source,)) != before
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "terp" / f"kernels-{kernel_digest()}"


def test_all_kernels_stand_in_folders_that_name_the_cache():
    """Whatever compiles lies in a package whose files the digest reads, so an edit of any of them names another folder."""
    engine = Path(compiled.__file__).parent
    users = [path for path in Path(terp.__file__).parent.rglob("*.py") if "from numba" in path.read_text("utf-8")]
    users += [
        path for path in engine.rglob("*.py") if re.search("^@(kernel|inlined)$", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(users) > 20
    assert set(users) <= set(compiled._SOURCES)
    assert {path.parent.name for path in compiled._SOURCES} == set(compiled.PACKAGES)


@pytest.mark.parametrize("fault", ["open to all", "open to the group", "a link", "another's", "a file"])
def test_a_cache_folder_that_others_may_write_to_is_passed_over(tmp_path, monkeypatch, fault):
    """Code that lies there would be run: who cannot write to the usual place takes no other that someone else prepared."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"terp-{os.getuid()}"
    assert cache_folder().parent == folder
    assert folder.stat().st_mode & 0o777 == cache_folder().stat().st_mode & 0o777 == 0o700
    if fault == "another's":
        monkeypatch.setattr(compiled.os, "getuid", lambda: 12345)
        (tmp_path / "terp-12345").mkdir(mode=0o700)
    elif fault == "a link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    elif fault == "a file":
        (folder / cache_folder().name).rmdir()
        (folder / f"kernels-{kernel_digest()}").write_text("")
    else:
        folder.chmod(0o777 if fault == "open to all" else 0o770)
    private = cache_folder()
    assert private == cache_folder(), "the same for the whole process"
    assert not private.is_relative_to(folder)
    assert private.parent.stat().st_mode & 0o777 == 0o700
