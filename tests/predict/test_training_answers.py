"""What a researcher asks of a training: its own share of a node, days and euros by GPUs, the knee, recipes, checkpoints."""

import math

import pytest

import terp
from terp.connect import hub_model_name
from terp.errors import TerpError
from terp.physics import gpu_share_w, levels_of, machine_power, node_power_w, work_of
from terp.physics.training.goodput import run_with_failures
from terp.results.training_results import FrontierEntry, SearchResult, knee_of
from terp.units import parse, parse_days, parse_tokens

GEFION = terp.machine("gefion")
LORA = {"model": "llama-3.1-8b", "seq": 2048, "global_batch": 32, "gpus": 1, "lora": True}


def train(**options):
    return terp.predict.training(GEFION, options.pop("model"), **options)


# ---- shares of a node


@pytest.mark.parametrize("gpus", [1, 2, 4, 8, 16])
def test_the_energy_of_some_work_does_not_depend_on_how_much_of_a_node_it_takes(gpus):
    """As far as it takes the same GPU time: within 3 % of a whole node's, where it was 8 times as much on one GPU."""
    part, whole = (
        train(model="nnunet-brats", global_batch=16, micro_batch=1, tokens=100_000, gpus=count) for count in (gpus, 8)
    )
    gpu_time = part.run.run_s * gpus / (whole.run.run_s * 8)
    assert part.run.energy_j / whole.run.energy_j == pytest.approx(gpu_time, rel=0.01)
    assert part.run.energy_j == pytest.approx(whole.run.energy_j, rel=0.03)
    assert part.run.cost_eur == pytest.approx(whole.run.cost_eur, rel=0.03)


def test_a_job_on_a_part_of_a_node_has_its_share_and_the_rest_is_named():
    result = train(**LORA)
    assert result.job_power_w == pytest.approx(result.node_power_w / 8 + machine_power(GEFION).base_w / 1528)
    [caveat] = [caveat for caveat in result.caveats if caveat.code == "part-of-a-node"]
    assert (caveat.data["idle_count"], caveat.data["each_count"]) == (7, 8)
    idle_w = node_power_w(levels_of(GEFION), levels_of(GEFION).idle_w)
    assert caveat.data["rest_w"] == pytest.approx(idle_w * 7 / 8)
    whole = train(**LORA | {"gpus": 8})
    assert "part-of-a-node" not in [caveat.code for caveat in whole.caveats]
    assert whole.job_power_w == pytest.approx(whole.node_power_w + machine_power(GEFION).base_w / 191)


def test_a_simulated_year_charges_jobs_the_same_share():
    """A job of n GPUs draws n / 8 of what its node would, idle power of its GPUs included."""
    from terp.simulate import controls_on
    from terp.simulate.jobs.job_kinds import kinds_of
    from terp.simulate.questions import asked_in_words
    from terp.simulate.scenario_inputs import inputs_of
    from terp.simulate.workload_year import _watts_by_job, prepared

    scenario, given = asked_in_words({"machine": GEFION, "site": "copenhagen", "days": 1, "failures": False})
    inputs = inputs_of(scenario, given)
    year = prepared(scenario, inputs, controls_on(GEFION, scenario, inputs.policy))
    watts, jobs, levels = _watts_by_job(year), year.work.jobs, levels_of(GEFION)
    assert len(kinds_of(GEFION, year.inputs.workload)) > 10
    for job in range(0, len(jobs), 97):
        node_w = node_power_w(levels, float(year.work.level_w[job]))
        assert watts[job] == pytest.approx(float(gpu_share_w(node_w, int(jobs.gpus[job]), 8)), abs=0.1)


# ---- a search of runs


@pytest.fixture(scope="module")
def searched():
    return terp.predict.search(
        GEFION, "llama-3.1-8b", seq="8k", global_batch=64, tokens="10B", gpus=128, gpu_hour=2.5, zero=1, cp=1, pp=1
    )


def test_a_search_with_tokens_has_the_run_of_every_entry(searched):
    for entry in searched:
        single = terp.predict.training(
            GEFION, "llama-3.1-8b", seq=8192, global_batch=64, tokens=1e10, gpu_hour=2.5, gpus=entry.gpus_count,
            tp=entry.strategy.tp_count, micro_batch=int(entry.strategy.micro_batch_count), zero=1,
            recompute=entry.strategy.recompute,
        )  # fmt: skip
        assert entry.run.run_s == pytest.approx(single.run.run_s, rel=1e-9)
        assert entry.run.energy_j == pytest.approx(single.run.energy_j, rel=1e-9)
        assert entry.run.hire_eur == pytest.approx(entry.run.run_s * entry.gpus_count / 3600 * 2.5)
        assert entry.run.interruptions_count > 0
    document = searched.to_dict()
    assert document["frontier"][0]["run"]["run_s"] == searched.best.run.run_s
    assert document["knee_gpus_count"] == searched.knee.gpus_count
    row = next(iter(searched.table.to_pandas().to_dict("records")))
    assert row["run_s"] == searched.best.run.run_s


def test_a_search_without_tokens_has_no_runs():
    search = terp.predict.search(GEFION, "llama-3.1-8b", seq=8192, global_batch=16, gpus=16, zero=1, cp=1, pp=1, tp=1)
    assert all(entry.run is None for entry in search)
    assert all("run" not in entry for entry in search.to_dict()["frontier"])


def test_the_text_of_runs_has_a_unit_a_column_and_the_knee(searched):
    from terp.views.text.training_text import frontier_text

    text = frontier_text(searched)
    assert "10,000,000,000 tokens" in text
    head = next(line for line in text.splitlines() if line.lstrip().startswith("nodes"))
    assert head.split()[:4] == ["nodes", "GPUs", "days", "MFU"]
    assert "kWh" in head
    assert "EUR of hire" in head
    assert "failures" in head
    assert "the knee is not reached: more GPUs still pay at 128" in text
    [marked] = [line for line in text.splitlines() if line.endswith("  <- no knee yet")]
    assert marked.split()[1] == str(searched.knee.gpus_count)


def entry_of(gpus, time_s):
    split = terp.predict.training(GEFION, "resnet-50", global_batch=8, gpus=8).strategy
    return FrontierEntry(gpus, time_s, 1.0, None, 0.5, 1.0, 1.0, 1.0, None, None, split, -(-gpus // 8))


@pytest.mark.parametrize(("exponent", "knee"), [(0.3, 8), (0.7, 1024), (1.0, 1024)])
def test_the_knee_of_a_power_law_is_at_the_end_that_its_exponent_says(exponent, knee):
    """T = n^-e: above one half more GPUs always pay, below they never do."""
    frontier = tuple(entry_of(2**power, 1e6 * 2 ** (-exponent * power)) for power in range(3, 11))
    assert knee_of(frontier) == knee


def test_the_knee_is_where_the_slope_passes_one_half():
    """T = a + b / n has the slope b / (a n + b), which is one half at n = b / a."""
    frontier = tuple(entry_of(gpus, 1.0 + 100.0 / gpus) for gpus in (10, 25, 50, 100, 200, 400))
    assert knee_of(frontier) == 100


@pytest.mark.parametrize(
    ("most", "mark", "line", "label"),
    [
        (400, "  <- no knee yet", "the knee is not reached: more GPUs still pay at 400, the most that were looked at", "more still pay"),
        (800, "  <- knee", "the knee is at 400 GPUs: of the larger numbers up to 800 none is faster with this batch", "knee"),
    ],
)  # fmt: skip
def test_a_knee_at_the_last_number_of_gpus_says_so_in_its_line(most, mark, line, label):
    pytest.importorskip("matplotlib")
    from terp.views.text.training_text import frontier_text

    frontier = tuple(entry_of(gpus, 800 / gpus) for gpus in (400, 200, 100))
    searched = SearchResult(9, 9, frontier, knee_of(frontier), most_gpus_count=most)
    text = frontier_text(searched).splitlines()
    assert [row.split()[1] for row in text if row.endswith(mark)] == ["400"]
    assert sum("<-" in row for row in text) == 1
    assert text[-1].strip() == line
    assert label in [drawn.get_label() for drawn in searched.plot("frontier").get_lines()]


def test_one_number_of_gpus_has_no_knee():
    from terp.views.text.training_text import frontier_text

    frontier = (entry_of(8, 1.0),)
    assert "knee" not in frontier_text(SearchResult(1, 1, frontier, 8, most_gpus_count=8))


def test_the_figure_of_a_search_marks_the_knee(searched, tmp_path):
    pytest.importorskip("matplotlib")
    from terp.views.figures.plots import save_figure

    axes = searched.plot("frontier")
    [knee] = [line for line in axes.get_lines() if line.get_label() == "more still pay"]
    assert knee.get_xdata()[0] == searched.knee.gpus_count
    assert knee.get_ydata()[0] == pytest.approx(searched.knee.run.run_s / 86_400)
    assert axes.get_ylabel() == "run [days]"
    for ending in ("svg", "png", "pdf"):
        save_figure(searched, "frontier", tmp_path / f"knee.{ending}")
        assert (tmp_path / f"knee.{ending}").stat().st_size > 1000
    with pytest.raises(TerpError, match=r"not an ending of a picture, found '\.docx'"):
        save_figure(searched, "frontier", tmp_path / "knee.docx")


# ---- checkpoints


def test_no_checkpoint_is_advised_where_next_to_nothing_is_lost_without():
    """A run of minutes on a node that fails once in nine months; and a long one on many, which needs them."""
    from terp.views.text.training_text import training_text

    short = train(**LORA, tokens="6M")
    assert short.run.checkpoint_interval_s is None
    assert short.to_dict()["run"]["checkpoint_interval_s"] is None
    assert "no checkpoint needed" in training_text(short)
    long = train(model="llama-3.1-70b", seq=8192, global_batch=1504, gpus=1504, tp=4, cp=2, zero=2, tokens="2T")
    assert 60 < long.run.checkpoint_interval_s < 3600
    assert "a checkpoint of" in training_text(long)


def test_a_run_without_checkpoints_is_that_of_a_renewal_process():
    """T = M e^(R/M) (e^(W/M) - 1), and it joins the one with checkpoints without a step of over a per cent."""
    work_s, mean_s = 3600.0, 3600.0 * 400
    done = run_with_failures(work_s, 1 / mean_s, 30.0, 900.0)
    assert math.isinf(done.interval_s)
    assert done.run_s == pytest.approx(mean_s * math.exp(900 / mean_s) * math.expm1(work_s / mean_s))
    edge = [run_with_failures(hours * 3600.0, 1 / mean_s, 30.0, 900.0) for hours in (7.9, 8.1)]
    assert [math.isinf(one.interval_s) for one in edge] == [True, False]
    assert edge[1].run_s / 8.1 == pytest.approx(edge[0].run_s / 7.9, rel=0.01)


# ---- recipes of adapters and states


def test_rank_counts_the_adapters_that_peft_counts():
    """Rank 16 on all linear products of Llama 3.1 8B is 41,943,040 parameters, of 70B 207,093,760 (PEFT)."""
    for name, count in (("llama-3.1-8b", 41_943_040), ("llama-3.1-70b", 207_093_760)):
        assert work_of(terp.model(name).record, 512).adapter_parameters_count(16) == count
    result = train(**LORA, rank=16)
    assert result.trained_parameters_count == 41_943_040
    assert result.strategy.rank_count == 16
    assert result.to_dict()["strategy"]["rank"] == 16
    assert train(**LORA | {"lora": False}, rank=16).strategy.adapters


def test_memory_of_recipes_is_what_they_keep():
    """All states in 16 bits: 2, 2 and 4 bytes a parameter with AdamW; in NF4 half a byte of the layers', 2 of the rest."""
    model = terp.model("llama-3.1-8b").record
    count = work_of(model, 512).parameters_count
    ends = model.vocabulary_size * model.hidden_size
    options = {"model": "llama-3.1-8b", "seq": 2048, "global_batch": 8, "gpus": 8, "zero": 3}
    whole = train(**options, states="bf16").memory
    held = count  # one stage holds the embedding and the head
    assert whole.weights_bytes * 8 == pytest.approx(2 * held, rel=0.001)
    assert whole.gradients_bytes * 8 == pytest.approx(2 * held, rel=0.001)
    assert whole.optimizer_bytes * 8 == pytest.approx(4 * held, rel=0.001)
    assert train(**options, states="bf16", optimizer="sgd-plain").memory.optimizer_bytes == 0
    packed = train(**LORA, base="nf4").memory
    assert packed.weights_bytes == pytest.approx(0.516 * (held - 2 * ends) + 4 * ends, rel=0.001)


def test_seventy_billion_in_nf4_fit_one_gpu_whose_plain_adapters_do_not():
    """As the makers of QLoRA say; plain weights of 141 GB do not fit 80 GB."""
    options = {"model": "llama-3.1-70b", "seq": 512, "global_batch": 1, "gpus": 1, "lora": True, "rank": 16}
    assert train(**options, base="nf4").fits
    with pytest.raises(TerpError, match="does not fit"):
        train(**options)


WRONG = {
    "rank alone in a file": ({"rank": 0}, "rank: not a positive number"),
    "base alone": (
        {"base": "nf4", "lora": False},
        "base: is of the frozen weights under adapters, found nf4; write adapters",
    ),
    "base": ({"base": "nf5"}, "base: not known, found nf5; known: bf16, nf4"),
    "states": ({"states": "fp8"}, "states: not known, found fp8; known: mixed, bf16"),
    "seq": ({"seq": "8x"}, "seq: not a number of tokens, found '8x'; write it such as 8192 or '8k'"),
    "tokens": ({"tokens": "1Q"}, "tokens: not a whole number, found '1Q'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_together_is_said(case):
    changes, message = WRONG[case]
    with pytest.raises(TerpError) as caught:
        train(**LORA | changes)
    assert message in str(caught.value)


def test_memory_that_is_nearly_full_is_said_and_changes_nothing():
    options = {"model": "llama-3.1-70b", "seq": 8192, "global_batch": 1504, "gpus": 1504, "tp": 4, "cp": 2, "zero": 2}
    roomy = train(**options)
    assert "memory-nearly-full" not in [caveat.code for caveat in roomy.caveats]
    full = terp.predict.training(
        GEFION, "llama-3.1-70b", seq=8192, global_batch=1504, gpus=192, tp=4, pp=3, vp=8, micro_batch=1
    )
    if full.memory_bytes > 0.93 * 1.07 * 80e9:
        assert "memory-nearly-full" in [caveat.code for caveat in full.caveats]
    assert full.fits


# ---- numbers and names


def test_numbers_take_the_forms_that_people_type():
    assert (parse("1T", "count"), parse("300B", "count"), parse("1e12", "count")) == (1e12, 3e11, 1e12)
    assert (parse_days("30"), parse_days("2w"), parse_days("1y"), parse_days("48 h")) == (30, 14, 365, 2)
    assert (parse_tokens("8k"), parse_tokens("128k"), parse_tokens("4096")) == (8192, 131072, 4096)
    assert train(**LORA | {"seq": "2k"}) == train(**LORA)
    result = train(**LORA, tokens="0.5B")
    assert result.run.tokens_count == 5e8


def test_the_same_numbers_are_read_in_scenarios_axes_and_workloads(tmp_path):
    from terp.describe import read_scenario, read_workload, text_of
    from terp.sweep.axes import axes_of_values, read_axes

    (tmp_path / "s.yaml").write_text("kind: scenario\nmachine: gefion\ndays: 2w\nspares: 3\n")
    scenario = read_scenario(str(tmp_path / "s.yaml")).record
    assert (scenario.days, scenario.spare_nodes_count) == (14, 3)
    axes = read_axes(["days=1w,1y", "spares=0,4", "gpu-cap=none,600W"], {"machine": "gefion"}).axes
    assert axes == {"days": (7, 365), "spare_nodes_count": (0, 4), "gpu_cap_w": ("none", 600.0)}
    assert axes_of_values({"spares": [1, 2]}, {"machine": "gefion"}).axes == {"spare_nodes_count": (1, 2)}
    text = text_of("national", "workloads").replace("seq: 4096", "seq: 4k").replace("adapters: true", "lora: true")
    assert "seq: 4k" in text
    (tmp_path / "w.yaml").write_text(text)
    assert read_workload(str(tmp_path / "w.yaml")).record == read_workload("national").record


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("meta-llama/Llama-3.1-8B", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-70B-Instruct", "llama-3.1-70b"),
        ("Qwen/Qwen3-8B-Base", "qwen3-8b"),
        ("mistralai/Mistral-7B-v0.1", "mistral-7b"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4-scout"),
        ("nvidia/Nemotron-H-8B-Base-8K", "nemotron-h-8b"),
        ("nvidia/Nemotron-H-56B-Base-8K", "nemotron-h-56b"),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nemotron-3-nano"),
        ("nnU-Net", "nnunet-brats"),
        ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16", None),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", None),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-7b"),
        ("google-bert/bert-base-uncased", "bert-base"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"),
        ("Qwen/Qwen2.5-7B", None),
        ("deepseek-ai/DeepSeek-R1", None),
    ],
)
def test_a_hub_id_is_the_model_that_ships(written, name):
    assert hub_model_name(written) == name
    if name:
        assert terp.model(written) == terp.model(name)
    else:
        with pytest.raises(TerpError, match=r"ships; .* or name the folder of its config\.json"):
            terp.model(written)


def test_a_hubs_folder_is_taken_like_its_config(tmp_path, monkeypatch):
    folder = tmp_path / "Qwen2.5-7B"
    folder.mkdir()
    config = (
        '{"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28,'
        '"num_hidden_layers": 28, "num_key_value_heads": 4, "vocab_size": 152064}'
    )
    (folder / "config.json").write_text(config)
    monkeypatch.chdir(tmp_path)
    by_file = terp.model(str(folder / "config.json"))
    for written in ("Qwen2.5-7B", "Qwen2.5-7B/", "./Qwen2.5-7B", folder, str(folder)):
        assert terp.model(written) == by_file
    (tmp_path / "empty").mkdir()
    with pytest.raises(TerpError, match=r"a folder without a config\.json"):
        terp.model("empty/")
    (folder / "config.json").write_text(config.replace("qwen2", "qwen9"))
    with pytest.raises(TerpError, match="no such type of model"):
        terp.model(folder)
    from terp.connect import model_from

    assert model_from(folder, "llama").record.layers_count == 28
    with pytest.raises(TerpError, match="did you mean 'llama'"):
        model_from(folder, "lama")
    with pytest.raises(TerpError, match=r"is of a hub's config\.json alone"):
        model_from("llama-3.1-8b", "llama")
