"""Kinds of job that say what they run: predicted power and work, and mistakes at their places."""

import dataclasses
from pathlib import Path

import pytest

from terp.catalogue import Accelerator, Node, constants, job_profile, job_profiles, with_constants
from terp.describe import read_machine, read_model, read_site, read_workload
from terp.errors import Problems
from terp.hardware import build_machine
from terp.physics import (
    Strategy,
    generation_named,
    interconnect_between,
    interconnect_of,
    levels_of,
    node_power_w,
    predict_step,
    work_of,
)
from terp.physics.gpu.clocks import PowerConstants
from terp.physics.training.training_power import step_power
from terp.simulate import kinds_of, year

NATIONAL = (Path(__file__).parents[2] / "workloads" / "national.yaml").read_text("utf-8")
PROTEIN = "{model: esm2-3b, gpus: 64, seq: 1024, global_batch: 1024, micro_batch: 4}"


@pytest.fixture(scope="module")
def national():
    return read_workload("national")


@pytest.fixture(scope="module")
def kinds(gefion, national):
    return {kind.job: kind for kind in kinds_of(gefion, national)}


def with_protein(tmp_path, runs, **others):
    """The national workload whose protein models run something else."""
    text = NATIONAL
    for right, wrong in ((PROTEIN, runs), *others.items()):
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    (tmp_path / "w.yaml").write_text(text)
    return read_workload(str(tmp_path / "w.yaml"))


def test_a_kind_gets_the_power_and_speed_of_its_step(gefion, catalogue, kinds):
    """ESM-2 3B on 64 GPUs: a step here, and one of the same split on 64 A100 in nodes of eight with 25 GB/s a GPU."""
    work, generation = work_of(read_model("esm2-3b").record, 1024), generation_named("megatron-2024")
    strategy = Strategy(gpus_count=64, micro_batch_count=4)
    here = predict_step(gefion.accelerator, interconnect_of(gefion), work, strategy, 1024, generation)
    a100 = catalogue.part(Accelerator, "a100-sxm-80gb")
    there = predict_step(a100, interconnect_between(a100, 8, 200e9 / 8), work, strategy, 1024, generation)
    kind = kinds["protein-model-training"]
    assert kind.level_w == round(step_power(gefion, here).level_w)
    assert kind.speed_ratio == dict.fromkeys(("acme-seren", "acme-kalos"), round(there.step_s / here.step_s, 3))
    assert (kind.level_from, kind.speed_from) == ("predicted", "predicted")


def test_the_level_of_a_step_is_its_power_without_fans(gefion):
    work, generation = work_of(read_model("llama-3.1-8b").record, 4096), generation_named("megatron-2024")
    step = predict_step(gefion.accelerator, interconnect_of(gefion), work, Strategy(8, zero_count=3), 8, generation)
    power, levels = step_power(gefion, step), levels_of(gefion)
    assert levels.idle_w < power.level_w < levels.full_w
    assert power.node_w == node_power_w(levels, power.level_w)


def test_a_kind_that_says_nothing_keeps_its_power_and_the_published_speed(kinds):
    kind = kinds["coursework"]
    assert (kind.level_w, kind.level_from) == (4332, "file")
    assert (set(kind.speed_ratio.values()), kind.speed_from) == ({1.0}, "published")


def test_a_power_in_the_file_stands_beside_what_is_run(gefion, tmp_path):
    written = with_protein(
        tmp_path,
        PROTEIN,
        **{"jobs:\n      protein-model-training: {": "jobs:\n      protein-model-training: {node_power: 5 kW, "},
    )
    kind = next(kind for kind in kinds_of(gefion, written) if kind.job == "protein-model-training")
    assert (kind.level_w, kind.level_from, kind.speed_from) == (5000, "file", "predicted")


def test_on_the_nodes_of_the_profiles_nothing_is_faster(catalogue, national):
    """HiPerGator of 2021 has DGX A100 80GB, which stand for the profiles' nodes."""
    machine = build_machine(read_machine("hipergator-ai-2021"), catalogue)
    for kind in kinds_of(machine, national):
        assert list(kind.speed_ratio.values()) == pytest.approx([1, 1], abs=0.002)


def test_where_no_step_was_measured_jobs_are_as_published(catalogue, national):
    machine = build_machine(read_machine("lumi-g"), catalogue)
    kinds = {kind.job: kind for kind in kinds_of(machine, national)}
    assert {ratio for kind in kinds.values() for ratio in kind.speed_ratio.values()} == {1}
    kind = kinds["language-pretraining"]
    assert (kind.level_w, kind.level_from) == (levels_of(machine).busy_w, "long training")


def test_predicted_powers_are_near_those_measured(kinds):
    """Llama 70B on many nodes and its adapters beside GPT-3 and Llama 2 70B LoRA (smc-mlperf-2024): nothing was fitted to them."""
    assert kinds["language-pretraining"].level_w == pytest.approx(6849, rel=0.05)
    assert kinds["language-fine-tuning"].level_w == pytest.approx(6952, rel=0.05)


def test_work_done_is_useful_time_at_the_speed_of_each_job(gefion, national):
    """Job by job in plain Python; and none is more than what its kinds could do."""
    run = year(gefion, site=read_site("copenhagen"), workload=national, days=3, seed=1)
    speeds = {(kind.domain, kind.job): kind.speed_ratio for kind in kinds_of(gefion, national)}
    work = dict.fromkeys(speeds, 0.0)
    for row in run.jobs.to_pylist():
        of = row["domain"], row["job"]
        work[of] += (row["gpu_s"] - row["lost_gpu_s"]) * speeds[of][row["profile"]]
    told = {(row["domain"], row["job"]): row["work_gpu_s"] for row in run.summary["kinds"]}
    assert told == pytest.approx(work)
    assert run.summary["work_gpu_s"] == pytest.approx(sum(work.values()))
    assert run.summary["work_gpu_s"] > sum(row["gpu_s"] for row in run.summary["kinds"])


def test_newer_gpus_get_more_done_in_the_same_time(catalogue, gefion, national):
    """H100 beside the A100 of the published jobs, by which an hour of work counts."""
    older = build_machine(read_machine("hipergator-ai-2021"), catalogue)
    here, there = (
        year(machine, site=read_site("copenhagen"), workload=national, days=3, seed=1) for machine in (gefion, older)
    )
    faster, same = (run.summary["work_gpu_s"] / run.jobs.column("gpu_s").to_numpy().sum() for run in (here, there))
    assert faster > 1.5
    assert 0.9 < same < 1.002


def test_profiles_say_what_they_ran_on(catalogue):
    for name in job_profiles():
        profile = job_profile(name)
        assert catalogue.part(Node, profile.node).accelerator == profile.accelerator == "a100-sxm-80gb"


def test_a_run_tells_where_powers_and_speeds_come_from(gefion, national):
    run = year(gefion, site=read_site("copenhagen"), workload=national, days=1, seed=1)
    rows = {row["job"]: row for row in run.summary["kinds"]}
    assert rows["protein-model-training"]["model"] == "esm2-3b"
    assert rows["protein-model-training"]["node_power_from"] == "predicted"
    path = "national.domains.medicine.jobs.protein-model-training.node_power"
    assert run.origin["provenance"][path]["note"] == "predicted step of esm2-3b"


def test_the_origin_changes_with_the_constants_of_the_models(gefion, national):
    before = year(gefion, site=read_site("copenhagen"), workload=national, days=1, seed=1).origin["digests"]
    with with_constants(dataclasses.replace(constants(PowerConstants), waiting_fraction=0.5)):
        after = year(gefion, site=read_site("copenhagen"), workload=national, days=1, seed=1).origin["digests"]
    assert {name for name in before if before[name] != after[name]} == {"constants", "predictions"}


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ("{model: esm2-3bb, gpus: 64, seq: 1024, global_batch: 64}", "runs.model: no such model ships, found 'esm2-3bb'; did you mean 'esm2-3b'"),
        ("{model: esm2-3b, gpus: 64, global_batch: 64}", "runs.seq: missing; write the tokens of a sequence"),
        ("{model: weather-vit, seq: 9, global_batch: 64}", "runs.seq: Weather transformer of 0.25 degrees, as timed for Terp has samples of its own size"),
        ("{model: esm2-3b, seq: 1024}", "runs.global_batch: missing"),
        ("{model: esm2-3b, seq: 1024, global_batch: 64, zerro: 1}", "unknown key, found 'zerro'; did you mean 'zero'?"),
        ("{model: esm2-3b, seq: 1024, global_batch: 64, recompute: some}", "not one of the known words, found 'some'"),
        ("{model: esm2-3b, seq: 1024, global_batch: 64, tp: 0}", "out of range, found 0; at least 1 would do"),
    ],
)  # fmt: skip
def test_mistakes_that_the_file_alone_shows(tmp_path, runs, says):
    with pytest.raises(Problems) as error:
        with_protein(tmp_path, runs)
    [problem] = error.value.problems
    assert says in str(problem)
    assert str(problem).startswith(f"{tmp_path}/w.yaml:49:")


def test_neither_what_it_runs_nor_a_power(tmp_path):
    with pytest.raises(
        Problems, match=r"jobs.coursework: neither `runs` nor `node_power`; say what it runs, or add `node_power:`"
    ):
        with_protein(tmp_path, PROTEIN, **{'node_power: {value: "4332 W", status: assumed, range: "2224 .. 6845 W", source: smc-mlperf-2024, note: "as 3D U-Net spread over nine nodes: much waiting"}': "weight: 1"})  # fmt: skip


def test_what_the_machine_cannot_do_is_said_for_all_kinds_at_once(gefion, tmp_path):
    written = with_protein(
        tmp_path,
        "{model: esm2-3b, gpus: 64, seq: 1024, global_batch: 100, tp: 3}",
        **{
            "global_batch: 64, software: compiled": "global_batch: 64, software: compild",
            "gpus: 128, seq: 8192": "gpus: 4096, seq: 8192",
            "gpus: 8, seq: 8192, global_batch: 16, tp: 4, pp: 2, adapters: true": "gpus: 8, seq: 8192, global_batch: 16, zero: 0",
        },
    )
    with pytest.raises(Problems) as error:
        kinds_of(gefion, written)
    text = str(error.value)
    assert "protein-model-training.runs.tp: does not divide 40 heads, found 3; 1, 2, 4, 5, 8, 10, 20, 40 would do" in text
    assert "protein-model-training.runs.gpus: do not divide by TP x PP x CP = 3, found 64; 63 would do" in text
    assert "weather-model-training.runs.software: no software 'compild'; did you mean 'compiled'?" in text
    assert "language-pretraining.runs.gpus: more than the machine has, found 4096; at most 1528 would do" in text
    assert "language-fine-tuning.runs: does not fit: " in text
    assert all(problem.line for problem in error.value.problems)
