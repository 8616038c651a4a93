"""The front door's predictions: what they give, that the terminal prints the same, and that intervals hold their value."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import commands

import terp
from terp.errors import Problems

GEFION = terp.machine("gefion")


def printed(*words):
    done = commands.run("predict", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_lines_of_the_front_door_run_as_written():
    m = terp.machine("gefion")
    assert m.gpus_count == 1528
    assert terp.predict.hpl(m).rmax_flop_per_s == pytest.approx(66.6e15, rel=0.2)
    step = terp.predict.training(m, "llama-3.1-70b", seq=8192, global_batch=1504, gpus=1504, tp=4, cp=2, zero=2)
    assert step.step_s == pytest.approx(7.25, rel=0.2)


@pytest.mark.parametrize("name", ["hpl", "hpcg", "mxp"])
def test_a_benchmark_is_what_the_terminal_prints(name):
    result = getattr(terp.predict, name)("gefion", gpus=800)
    assert result.to_dict() == printed("gefion", name, "--gpus", "800")
    assert result == getattr(terp.predict, name)(GEFION, gpus=800)
    assert hash(result) == hash(getattr(terp.predict, name)(GEFION, gpus=800))
    assert result != getattr(terp.predict, name)(GEFION)
    assert result.low < result.value < result.high
    assert len(repr(result)) < 200
    assert "hpl-scalability" in {source.key for source in terp.predict.hpl(GEFION).sources}


def test_a_training_is_what_the_terminal_prints():
    result = terp.predict.training(
        GEFION, "llama-3.1-8b", seq=8192, global_batch=1528, tokens=2e12, gpu_hour="2 EUR", software="megatron-2026"
    )
    words = ("--model", "llama-3.1-8b", "--seq", "8192", "--global-batch", "1528", "--tokens", "2e12", "--gpu-hour", "2")
    assert result.to_dict() == printed("gefion", "train", *words, "--software", "megatron-2026")
    assert len(repr(result)) < 200
    assert result.run.tokens_count == 2e12
    assert sum(vars(result.breakdown).values()) == pytest.approx(result.step_s)
    assert result.low < result.value < result.high


def test_a_search_is_what_the_terminal_prints():
    options = {"seq": 4096, "global_batch": 64, "gpus": 32, "tp": 2}
    result = terp.predict.search(GEFION, "llama-2-7b", by="euros", gpu_hour=2, **options)
    words = ("--model", "llama-2-7b", "--seq", "4096", "--global-batch", "64", "--gpus", "32", "--tp", "2", "--search")
    assert result.to_dict() == printed("gefion", "train", *words, "--by", "euros", "--gpu-hour", "2")
    frame = result.table.to_pandas()
    assert frame.tp_count.tolist() == [2] * len(result)
    assert frame.step_s[0] == result.best.step_s
    assert len(repr(result)) < 200


@settings(max_examples=25)
@given(
    st.sampled_from(["sakuraone", "gefion", "leonardo-booster"]),
    st.sampled_from([("resnet-50", None), ("graphcast", None), ("llama-3.1-8b", 8192)]),
    st.integers(1, 8),
    st.sampled_from([1, 32, 256]),
    st.floats(1, 1e14),
)
def test_a_run_lies_inside_its_interval_and_takes_its_steps(machine, of, nodes, samples, tokens):
    model, seq = of
    built = MACHINES[machine]
    gpus = nodes * built.node.accelerators_count
    result = terp.predict.training(
        built, model, seq=seq, gpus=gpus, global_batch=gpus * samples, tokens=round(tokens), gpu_hour=2.0, zero=3
    )
    run = result.run
    assert run.run_low_s <= run.run_s <= run.run_high_s
    assert run.run_s >= run.steps_count * result.step_s * (1 - 1e-12)
    assert run.goodput_fraction == pytest.approx(run.steps_count * result.step_s / run.run_s)
    assert run.hire_eur == pytest.approx(run.run_s / 3600 * gpus * 2)
    assert run.energy_j == pytest.approx(result.energy_j / result.step_s * run.run_s)


MACHINES = {name: terp.machine(name) for name in ("sakuraone", "gefion", "leonardo-booster")}


def test_a_run_waits_for_its_data_as_its_steps_do():
    """Storage that reads at 200 GB/s binds 800 GPUs on small images: a step waits, and so must the run."""
    result = terp.predict.training("sakuraone", "resnet-50", global_batch=204_800, tokens=1e9, gpu_hour=2)
    assert result.breakdown.input_s > 0.7 * result.step_s
    assert result.run.run_s >= result.run.steps_count * result.step_s
    assert result.hire_eur == pytest.approx(result.step_s / 3600 * 800 * 2)


def train(**changes):
    options = {"seq": 8192, "global_batch": 64, "gpus": 64} | changes
    return terp.predict.training(GEFION, options.pop("model", "llama-3.1-8b"), **options)


WRONG = {
    "machine": (lambda: terp.predict.hpl("gefjon"), "no machine 'gefjon'; did you mean 'gefion'?"),
    "object": (lambda: terp.predict.hpl(8), "machine: not a machine, found int"),
    "part of a node": (lambda: terp.predict.hpl(GEFION, gpus=7), "use whole nodes of 8, up to 1528"),
    "gpus": (lambda: terp.predict.hpcg(GEFION, gpus="8"), "gpus: not a whole number, found '8'; write it in digits"),
    "order": (lambda: terp.predict.mxp(GEFION, n=1.5), "n: not a whole number, found 1.5"),
    "edition": (lambda: terp.predict.hpl(GEFION, edition="2022-11"), "no edition of the TOP500 '2022-11'"),
    "model": (lambda: train(model="llama-3.1-8c"), "no model 'llama-3.1-8c'; did you mean 'llama-3.1-8b'"),
    "no seq": (lambda: train(seq=None), "seq: missing; write the tokens of a sequence, such as seq=8192"),
    "seq of images": (lambda: train(model="resnet-50"), "seq: ResNet-50 v1.5 has samples of its own size, found 8192"),
    "batch": (lambda: train(global_batch=100), "global_batch: does not divide by 64 replicas of micro-batches of 1"),
    "split": (lambda: train(tp=3), "tp: does not divide 32 heads, found 3; 1, 2, 4, 8, 16, 32 would do"),
    "many gpus": (lambda: train(gpus=10_000, global_batch=10_000), "gpus: more than the machine has, found 10000"),
    "software": (lambda: train(software="megatron-2023"), "megatron-2024"),
    "memory": (lambda: train(model="llama-3.1-405b", gpus=64), "does not fit: "),
    "gpu_hour": (lambda: train(gpu_hour="2 W"), "gpu_hour: W is a unit of"),
    "precision": (lambda: train(precision="bf17"), "precision: not known, found bf17; known: "),
    "no split": (lambda: train(tp=0), "tp: not a positive number, found 0; at least 1 would do"),
    "search of none": (
        lambda: terp.predict.search(GEFION, "llama-3.1-8b", seq=8192, global_batch=0, gpus=8, cp=-1),
        "cp: not a positive number, found -1; at least 1 would do\nglobal_batch: not a positive number, found 0",
    ),
    "by": (
        lambda: terp.predict.search(GEFION, "llama-3.1-8b", seq=8192, global_batch=64, by="cost"),
        "by: not one of the known words, found 'cost'; known: time, energy, euros",
    ),
    "search of too many": (
        lambda: terp.predict.search(GEFION, "llama-3.1-8b", seq=8192, global_batch=64, gpus=10_000),
        "gpus: not on this machine, found 10000; 1 to 1528 would do",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_say_what_would_do(case):
    call, message = WRONG[case]
    with pytest.raises(terp.TerpError) as caught:
        call()
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_all_problems_of_a_call_come_at_once():
    with pytest.raises(Problems) as caught:
        train(pp=True, zero=7, recompute="some", gpu_hour="cheap", tokens=0)
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"pp", "zero", "recompute", "gpu_hour", "tokens"}


def test_what_would_fit_is_said_in_keywords_that_run():
    with pytest.raises(Problems) as caught:
        train(model="llama-3.1-70b", gpus=64, zero=0)
    [problem] = caught.value.problems
    words = dict(word.split("=") for word in problem.would_do.removesuffix(" would do").split())
    options = {name: value if name == "recompute" else int(value) for name, value in words.items()}
    assert train(model="llama-3.1-70b", **options).fits
