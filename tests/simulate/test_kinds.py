"""Kinds of job that say what they run: predicted power and speed, the load still met, and mistakes at their places."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from terp.build import build_machine
from terp.catalogue import TYPES, Accelerator, Node, job_profile, job_profiles, job_table
from terp.describe import read_machine, read_model, read_site, read_workload
from terp.errors import Problems
from terp.model import (
    Strategy,
    generation_named,
    interconnect_between,
    interconnect_of,
    levels_of,
    node_power_w,
    predict_step,
    work_of,
)
from terp.model.training_power import step_power
from terp.simulate import check_workload, draw_jobs, kinds_of, simulate, speeds_of
from terp.simulate.draw import job_names

NATIONAL = (Path(__file__).parents[2] / "workloads" / "national.yaml").read_text("utf-8")
PROTEIN = "{model: esm2-3b, gpus: 64, seq: 1024, global_batch: 1024, micro_batch: 4}"
YEAR_S = 365 * 86_400


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
    assert np.allclose(speeds_of(kinds_of(machine, national)), 1, atol=0.002)


def test_where_no_step_was_measured_jobs_are_as_published(catalogue, national):
    machine = build_machine(read_machine("lumi-g"), catalogue)
    kinds = {kind.job: kind for kind in kinds_of(machine, national)}
    assert (speeds_of(kinds.values()) == 1).all()
    kind = kinds["language-pretraining"]
    assert (kind.level_w, kind.level_from) == (levels_of(machine).busy_w, "long training")


def test_predicted_powers_are_near_those_measured(kinds):
    """Llama 70B on many nodes and its adapters beside GPT-3 and Llama 2 70B LoRA (smc-mlperf-2024): nothing was fitted to them."""
    assert kinds["language-pretraining"].level_w == pytest.approx(6849, rel=0.05)
    assert kinds["language-fine-tuning"].level_w == pytest.approx(6952, rel=0.05)


@pytest.mark.parametrize("seed", [1, 2])
def test_load_entitlements_and_published_shares_are_still_met(gefion, national, seed):
    workload, kinds = national.record, kinds_of(gefion, national)
    jobs = draw_jobs(workload, gefion.gpus_count, 8, YEAR_S, 3600, seed, speeds_of(kinds))
    gpu_s = jobs.gpus * jobs.run_s
    assert gpu_s.sum() / (gefion.gpus_count * YEAR_S) == pytest.approx(workload.load_fraction, rel=0.01)
    got = np.bincount(jobs.group, gpu_s) / gpu_s.sum()
    assert got == pytest.approx([group.share_fraction for group in workload.groups.values()], abs=0.01)
    assert [check for check in check_workload(workload, jobs) if not check.passes] == []


def test_twice_the_speed_is_half_the_time_and_twice_the_jobs(national):
    workload = national.record
    shape = (2, len(job_names(workload)))
    one, same, fast = (
        draw_jobs(workload, 1528, 8, YEAR_S, 3600, 1, speeds) for speeds in (None, np.ones(shape), np.full(shape, 2.0))
    )
    assert all(np.array_equal(getattr(one, f.name), getattr(same, f.name)) for f in dataclasses.fields(one))
    assert len(fast) == pytest.approx(2 * len(one), rel=1e-3)
    assert fast.run_s.mean() == pytest.approx(one.run_s.mean() / 2, rel=0.01)
    assert (fast.gpus * fast.run_s).sum() == pytest.approx((one.gpus * one.run_s).sum(), rel=0.01)


def test_one_fast_kind_brings_the_jobs_that_its_share_says(national):
    """All pretraining but that of surrogates twice as fast: one group's GPU time is W/2 + (1 - W) of what it was, W worked out from the table."""
    [national_research] = [group for name, group in national.record.groups.items() if name == "national-research"]
    alone = national_research.model_copy(update={"share_fraction": 1.0})
    workload = national.record.model_copy(update={"groups": {"national-research": alone}})
    only = [workload.domains[domain].jobs[name].like == ["pretraining"] for domain, name in job_names(workload)]
    surrogate = [name for _, name in job_names(workload)].index("surrogate-training")
    speeds = np.where(only, 2.0, 1.0)[None, :]
    speeds[0, surrogate] = 1.0
    table = job_table("acme-seren")
    gpu_s = table.share * table.cell_gpu_s
    share = gpu_s[table.type_index == TYPES.index("pretraining")].sum() / gpu_s.sum()
    weights = alone.domains  # a domain's weight where it has a kind of pretraining
    faster = sum(weights[name] for name in ("medicine", "climate", "cybersecurity", "language-models"))
    share *= faster / (faster + weights["engineering"])
    before, after = (len(draw_jobs(workload, 1528, 8, YEAR_S, 3600, 1, s)) for s in (None, speeds))
    assert before / after == pytest.approx(1 - share / 2, rel=1e-3)


def test_profiles_say_what_they_ran_on(catalogue):
    for name in job_profiles():
        profile = job_profile(name)
        assert catalogue.part(Node, profile.node).accelerator == profile.accelerator == "a100-sxm-80gb"


def test_a_run_tells_where_powers_and_speeds_come_from(gefion, national):
    run = simulate(gefion, read_site("copenhagen"), national, 1, 1)
    rows = {row["job"]: row for row in run.summary["kinds"]}
    assert rows["protein-model-training"]["model"] == "esm2-3b"
    assert rows["protein-model-training"]["node_power_from"] == "predicted"
    path = "national.domains.medicine.jobs.protein-model-training.node_power"
    assert run.origin["provenance"][path]["note"] == "predicted step of esm2-3b"


def test_the_origin_changes_with_the_constants_of_the_models(gefion, national, monkeypatch):
    before = simulate(gefion, read_site("copenhagen"), national, 1, 1).origin["digests"]
    monkeypatch.setattr("terp.model.training_power.WAITING_SHARE", 0.5)
    after = simulate(gefion, read_site("copenhagen"), national, 1, 1).origin["digests"]
    assert {name for name in before if before[name] != after[name]} == {"predictions"}


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
