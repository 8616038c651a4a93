"""`terp simulate` with traces, policies and a slurm.conf, as their users type it."""

import gzip
import json
from pathlib import Path

import pytest
from support import commands

from terp.validate.grading.cases import published_file

pytestmark = pytest.mark.slow

NODE10K = Path(__file__).parents[1] / "data" / "node10k.swf.gz"
REPLAY = published_file("slurm", "source.yaml").parent / "multifactor_s202"


def terp(*words, cwd=None, check=None):
    done = commands.run(*words, cwd=cwd)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def test_easy_on_a_trace_gives_the_known_figures():
    """Cross-check: mean wait 7606.5 s, bounded slowdown 15.970, at most 191 nodes, as three prototypes agreed."""
    words = ("simulate", "gefion", "--trace", NODE10K, "--unit", "node", "--policy", "easy", "--no-failures", "--json")
    data = json.loads(terp(*words, check=0).stdout)
    assert f"{data['mean_wait_s']:.1f}" == "7606.5"
    assert f"{data['mean_bounded_slowdown_ratio']:.3f}" == "15.970"
    assert f"{data['utilisation_fraction']:.4f} {data['utilisation_to_end_fraction']:.4f}" == "0.8485 0.8314"
    assert (data["most_units_in_use_count"], data["engine"]) == (191, "pool")


def test_a_trace_under_a_real_slurm_conf(tmp_path):
    words = ("--slurm-conf", REPLAY / "slurm.conf", "--assoc", REPLAY / "assoc.txt", "--trace", REPLAY / "trace.csv")
    done = terp("simulate", "gefion", *words, "--no-failures", "-o", tmp_path / "run", check=0)
    assert "settings are modelled" in done.stderr
    assert "KillWait (line" in done.stderr
    assert "by the controller" in done.stdout
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["jobs_started_count"] == 500
    again = terp("simulate", "gefion", "--trace", tmp_path / "run" / "trace.parquet", "--no-failures", "--json", check=0)
    assert json.loads(again.stdout)["jobs_count"] == 500


def test_what_cannot_run_is_told(tmp_path):
    (tmp_path / "jobs.swf").write_text(
        "; MaxNodes: 500\n"
        "1 0 -1 100 4 -1 -1 4 200 -1 1 1 1 -1 -1 -1 -1 -1\n"
        "2 5 -1 100 400 -1 -1 400 200 -1 1 1 1 -1 -1 -1 -1 -1\n"
        "3 5 -1 -7 4 -1 -1 4 200 -1 1 1 1 -1 -1 -1 -1 -1\n"
    )
    data = json.loads(
        terp(
            "simulate", "gefion", "--trace", tmp_path / "jobs.swf", "--unit", "node", "--no-failures", "--json", check=0
        ).stdout
    )
    told = " ".join([*data["notes"], *data["refused"]])
    assert data["jobs_started_count"] >= 1
    assert "line" in told
    assert sum(data["notes"].values()) + sum(data["refused"].values()) >= 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--policy", "esy"), "no policy 'esy'; did you mean 'easy'?"),
        (("--policy", "easy", "--slurm-conf", "x"), "leave one out"),
        (("--assoc", "x"), "--assoc goes with --slurm-conf"),
        (("--unit", "gpu"), "--unit goes with --trace"),
        (("--gpu-cap", "600"), "--gpu-cap: the unit is missing"),
        (("--checkpoints", "dally"), "did you mean 'daly'?"),
        (("--response-hours", "20-17"), "no hours"),
        (("--trace", "nowhere.swf"), "cannot be read"),
        (("--policy", "preemption", "--power-cap", "1 MW"), "leave the cap or the policy out"),
        (("--trace", "nowhere.swf", "--gpu-cap", "600 W"), "caps are of years with a workload"),
        (("--gpu-cap", "1 W"), "gpu_cap: a GPU of gefion takes no such cap, found 1 W; 200 W to 700 W would do"),
        (("--spares", "191"), "spare_nodes: more spare nodes than there are nodes, found 191; at most 190 would do"),
        (("--failures", "yes", "--no-failures"), "contradict each other"),
        (("--load", "0"), "--load: out of range"),
    ],
)
def test_mistakes_are_one_line(words, says):
    done = terp("simulate", "gefion", "--days", 1, "--json", *words, check=2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cut_file_is_refused(tmp_path):
    (tmp_path / "cut.swf.gz").write_bytes(gzip.compress(NODE10K.read_bytes())[:2000])
    done = terp("simulate", "gefion", "--trace", tmp_path / "cut.swf.gz", check=2)
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_year_under_preemption_says_so(tmp_path):
    done = terp("simulate", "gefion", "--days", 5, "--policy", "preemption", "-o", tmp_path / "run", check=0)
    assert "days, seed 1" in done.stdout
    data = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert data["policy"] == "preemption"
    origin = json.loads((tmp_path / "run" / "run.json").read_text())
    assert origin["controls"]["policy"] == "preemption"
    assert terp("report", tmp_path / "run", check=0)


def test_validate_slurm_on_files_of_ones_own():
    words = ("--trace", REPLAY / "trace.csv", "--observed", REPLAY / "observed.csv", "--slurm-conf", REPLAY / "slurm.conf")
    data = json.loads(terp("validate", "slurm", *words, "--assoc", REPLAY / "assoc.txt", "--json", check=0).stdout)
    wanted = {"n", "mean_wait_observed_s", "mean_wait_simulated_s", "mean_wait_error", "median_abs_start_error_s",
              "p90_abs_start_error_s", "wait_ks_distance", "chaos_mean_wait_error", "most_gpus_in_use_count"}  # fmt: skip
    assert wanted <= set(data)
    assert "needs --trace" in terp("validate", "slurm", "--trace", REPLAY / "trace.csv", check=2).stderr


def test_a_scenarios_file_is_asked_as_its_options_are_and_options_override_it(tmp_path):
    (tmp_path / "night.yaml").write_text(
        'kind: scenario\nmachine: gefion\ndays: 9\nseed: 3\nspare_nodes: 4\ngpu_cap: "600 W"\nfailures: false\n'
    )
    by_file = terp("simulate", "--scenario", tmp_path / "night.yaml", "--days", 1, "--json", check=0)
    typed = ("--seed", 3, "--spare-nodes", 4, "--gpu-cap", "600 W", "--failures", "no")
    by_options = terp("simulate", "gefion", "--days", 1, *typed, "--json", check=0)
    ours, theirs = ({**json.loads(done.stdout), "wall_s": 0} for done in (by_file, by_options))
    assert ours == theirs
    (tmp_path / "night.yaml").write_text("kind: scenario\nmachine: gefion\ndayz: 9\nseed: -1\n")
    done = terp("simulate", "--scenario", tmp_path / "night.yaml", check=2)
    assert "night.yaml:3:1: dayz: unknown key, found 'dayz'; did you mean 'days'?" in done.stderr
    assert "night.yaml:4:7: seed: out of range" in done.stderr


def test_all_mistakes_of_options_are_said_at_once():
    done = terp("simulate", "gefion", "--seed", "x", "--gpu-cap", "600", "--load", "70", "--checkpoints", "dally", check=2)
    starts = [line.split(":")[0] for line in done.stderr.strip().splitlines()]
    assert starts == ["--checkpoints", "--gpu-cap", "--load", "--seed"]
