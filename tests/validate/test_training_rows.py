"""Rows of published training steps: what they are read as, and what is refused."""

import pytest

from terp.physics import generation_named, predict_step
from terp.physics.training.software import generations
from terp.validate.grading.grade import Skipped
from terp.validate.steps.row_words import compiled_of, date_of, row_words, settings_of, software_of
from terp.validate.steps.training_grades import predictors_mape
from terp.validate.steps.training_rows import TrainingRow, read_row

LLAMA = {
    "id": "x-1", "model": "Llama-3.1 8B", "family": "dense", "params_b": "8.03", "layers": "32", "hidden": "4096", "heads": "32",
    "kv_heads": "8", "ffn_hidden": "14336", "vocab": "128256", "seq_len": "8192", "global_batch": "64", "micro_batch": "1",
    "gpu": "H100 SXM 80GB", "gpus": "64", "precision": "bf16", "tp": "1", "pp": "1", "fsdp": "3", "recompute": "none",
    "framework": "PyTorch FSDP", "step_time_s": "1.0", "source": "a/b@1", "note": "",
}  # fmt: skip


def row(**changed):
    """A row with some cells changed."""
    return read_row(LLAMA | changed)


def reason(**changed):
    """Why a row with some cells changed is refused."""
    read = row(**changed)
    assert isinstance(read, Skipped), read
    return read.reason


SHAPES = [  # published parameters [billion], layers, hidden, heads, heads of keys, inner, vocabulary
    ("OLMo-2 7B", "7.30", 32, 4096, 32, 32, 11008, 100352, False),
    ("Yi-34B", "34.39", 60, 7168, 56, 8, 20480, 64000, False),
    ("DeepSeek LLM 67B", "67.4", 95, 8192, 64, 8, 22016, 102400, False),
    ("Phi-4", "14.66", 40, 5120, 40, 10, 17920, 100352, False),
    ("Granite 3.1 8B", "8.17", 40, 4096, 32, 8, 12800, 49155, True),
    ("Command R 35B", "34.98", 40, 8192, 64, 64, 22528, 256000, True),
    ("Llama-3.2 3B", "3.21", 28, 3072, 24, 8, 8192, 128256, True),
    ("An Unnamed 7B", "6.74", 32, 4096, 32, 32, 11008, 32000, False),
    ("MPT-7B", "6.65", 32, 4096, 32, 32, 16384, 50368, True),
]


@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
@pytest.mark.parametrize("told", ["params_b", "name"])
def test_a_shape_is_what_its_parameters_imply_and_else_what_its_name_says(shape, told):
    """Gated or not changes a network's parameters by a fifth; the published count tells, and of known names the name."""
    name, published, layers, hidden, heads, kv, inner, words, tied = shape
    cells = {
        "model": name, "layers": str(layers), "hidden": str(hidden), "heads": str(heads), "kv_heads": str(kv), "ffn_hidden": str(inner),
        "vocab": str(words), "params_b": published, "seq_len": "4096", "step_time_s": "9",
    }  # fmt: skip
    if told == "name":
        if name in ("An Unnamed 7B", "Granite 3.1 8B"):
            pytest.skip("its name does not tell")
        cells["params_b"] = ""
    read = row(**cells)
    assert isinstance(read, TrainingRow), read
    assert read.work.parameters_count / 1e9 == pytest.approx(float(published), rel=0.012)
    assert read.known["gated"] == ("implied by params_b" if told == "params_b" else "by name")
    assert read.work.tied is tied


def test_a_column_goes_before_what_the_name_and_the_parameters_say():
    plain = row(params_b="")
    other = row(params_b="", gated="no", tied="yes", head_dim="64")
    assert plain.known["gated"] == "by name"
    assert (other.known["gated"], other.known["tied"]) == ("stated", "stated")
    assert other.work.parameters_count < 0.85 * plain.work.parameters_count


def test_parameters_of_another_network_are_refused_with_both_numbers():
    said = reason(params_b="56.3")
    assert "read as 8.03 billion" in said
    assert "params_b is 56.3" in said
    assert isinstance(row(params_b="8"), TrainingRow)  # half of the last digit is 0.5
    assert isinstance(row(params_b="8.3"), TrainingRow)
    assert "params_b is 8.6" in reason(params_b="8.6")


def test_a_hybrid_by_name_is_the_hybrid_that_ships_and_no_other():
    cells = {
        "params_b": "",
        "layers": "118",
        "hidden": "8192",
        "heads": "64",
        "ffn_hidden": "32768",
        "vocab": "131072",
        "step_time_s": "30",
    }
    read = row(model="Nemotron-H 56B", **cells)
    assert read.work.parameters_count / 1e9 == pytest.approx(56.3, rel=0.02)
    assert read.known["model"] == "ships as nemotron-h-56b"
    assert "no network of that name ships" in reason(model="Nemotron-H 400B", **cells)
    assert "several kinds" in reason(model="Nemotron-H 56B", **cells | {"layers": "20"})


def test_first_dense_layers_are_those_of_the_row():
    cells = {
        "model": "DeepSeek-V3, 4 layers (w/o MTP)", "family": "moe", "params_b": "", "layers": "4", "hidden": "", "heads": "", "seq_len": "4096",
        "gpu": "B200", "ep": "8", "framework": "Megatron-Core 2026",
    }  # fmt: skip
    one = row(**cells, note="DeepSeek-V3 with 1 dense layer")
    assert one.known["first_dense_layers"] == "stated in the note"
    stated = row(**cells, first_dense_layers="3")
    share = row(**cells)
    assert share.known["first_dense_layers"] == "by share of the layers"
    assert one.work.parameters_count == share.work.parameters_count
    assert stated.work.parameters_count < 0.5 * one.work.parameters_count


def test_experts_come_from_their_columns_and_a_lack_says_which():
    cells = {"model": "My experts", "family": "moe", "params_b": "", "step_time_s": "9"}
    assert "experts, experts_active and expert_ffn_hidden would tell" in reason(**cells)
    assert "no experts_active and expert_ffn_hidden" in reason(**cells, experts="64")
    read = row(**cells, experts="64", experts_active="4", expert_ffn_hidden="1024", shared_experts="2", gated="yes")
    assert any(product.split == "experts" for product in read.work.layers[0].products)
    wrong = reason(**cells | {"params_b": "8"}, experts="64", experts_active="4", expert_ffn_hidden="1024")
    assert "params_b is 8" in wrong


def test_flops_above_the_peak_are_refused_with_the_ratio():
    assert "times what 64 GPUs at their peak" in reason(step_time_s="0.2")
    fast = {"step_time_s": "0.45"}  # 0.96 of the peak, and 1.28 where all is done twice
    assert isinstance(row(**fast), TrainingRow)
    assert "1.2" in reason(**fast, recompute="full")


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"dp": "32"}, "TP 1 x PP 1 x CP 1 x DP 32 is 32, and there are 64 GPUs"),
        ({"tp": "3"}, "TP 3 x PP 1 x CP 1 does not divide 64 GPUs"),
        ({"ep": "48"}, "EP 48 does not divide the 64 GPUs of a stage"),
        ({"global_batch": "32"}, "a batch of 32 leaves some of 64 replicas without work"),
        ({"precision": "int8"}, "no precision 'int8'"),
        ({"recompute": "sometimes"}, "no recomputation 'sometimes'"),
        ({"gpu": "Abacus"}, "no GPU 'Abacus'"),
        ({"note": "B200, power limited"}, "write the watts in gpu"),
        ({"framework": "DeepSpeed with CPU offload"}, "held on the host"),
        ({"gated": "perhaps"}, "yes or no would do"),
        ({"layers": "3.5"}, "no whole number"),
        ({"seq_len": ""}, "write it in seq_len"),
        ({"seq_len": "900000000"}, "seq_len is 900,000,000, out of range"),
        ({"gpus": "99999999999999"}, "out of range: at most 100,000,000 would do"),
        ({"note": "every 0th layer"}, "every n-th layer is 0, out of range"),
        ({"note": "ETP 0"}, "expert_tensor_count is 0, out of range"),
        ({"pp": "16", "vp": "8", "fsdp": "", "tp": "1"}, "PP 16 x VP 8 are more parts than 32 layers"),
        ({"params_b": "7o"}, "params_b is '7o', no number"),
        ({"step_time_s": "nan"}, "step_time_s is 'nan', out of range"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_the_column(cells, says):
    read = row(**cells)
    assert isinstance(read, Skipped)
    assert says in read.reason
    assert read.kind
    assert not any(character.isdigit() for character in read.kind)


SOFTWARE = [
    ("MLPerf v5.0 NVIDIA (NeMo)", "mlperf-2024", False),
    ("Megatron-DeepSpeed (1F1B)", "deepspeed-2021", False),
    ("Megatron-LM, 1F1B", "megatron-2024", False),
    ("Megatron-Core with TE 2.11 (2026)", "megatron-2024", True),
    ("NeMo with Megatron-Core 2026-01", "megatron-2025", False),
    ("Megatron-Core MoE (Pai-Megatron-Patch 25.04)", "megatron-2024", False),
    ("Megatron-MoE-ModelZoo 2025-11", "megatron-2025", False),
    ("Megatron-Core 2026", "megatron-2024", True),
    ("Megatron-Bridge 26.02.01", "megatron-2025", False),
    ("Megatron-Bridge 26.04", "megatron-2026", False),
    ("Megatron-Bridge 26.08", "megatron-2026-06", False),
    ("NeMo (dgxc v25.05.01)", "megatron-2024", False),
    ("NeMo 24.07", "megatron-2024", False),
    ("XTuner on DeepSpeed ZeRO-3 (2024-03)", "deepspeed-2025", False),
    ("Colossal-AI (DeepSpeed-like ZeRO-2, 2025)", "deepspeed-2025", True),
    ("DeepSpeed (HF, ZeRO, 2023)", "deepspeed-2025", True),
    ("llm-foundry (PyTorch FSDP)", "fsdp-2023", False),
    ("torchtitan 2024-12, compiled", "fsdp-2024", False),
    ("NeMo AutoModel: PyTorch FSDP2, compiled", "fsdp-2024", True),
    ("MaxText/JAX (dgxc v25.02)", "jax-2024", False),
    ("MegaScale", "megatron-2024", True),
    ("InternEvo", "internevo-2023", False),
]


@pytest.mark.parametrize(("framework", "generation", "nearest"), SOFTWARE)
def test_software_by_name_and_date(framework, generation, nearest):
    found = software_of({"framework": framework}, "hopper")
    assert (found.name, found.nearest) == (generation, nearest)


def test_experts_of_plain_megatron_core_are_those_of_its_date():
    found = software_of({"framework": "Megatron-Core with TE 2.11 (2026)", "family": "moe"}, "blackwell")
    assert (found.name, found.nearest) == ("megatron-2025", False)


def test_megatron_without_a_date_is_that_of_its_gpu():
    assert software_of({"framework": "Megatron-LM"}, "ampere").name == "megatron-2021"
    assert software_of({"framework": "Megatron-LM"}, "hopper").name == "megatron-2024"


@pytest.mark.parametrize(
    "framework", ["", "Our own loop", "Lightning", "Hugging Face Trainer", "Axolotl", "torchtune, eager"]
)
def test_software_that_was_never_graded_is_the_nearest_and_says_so(framework):
    read = row(framework=framework)
    assert read.nearest
    assert read.known["software"] == "nearest"


@pytest.mark.parametrize(
    ("note", "compiled"), [("2D compile+float8", True), ("not compiled", False), ("eager", False), ("packed", None)]
)  # fmt: skip
def test_compiled_or_eager_by_words(note, compiled):
    assert compiled_of({"framework": "torchtitan", "note": note}) is compiled


def test_dates_in_a_framework():
    dates = {
        "TE 2.11": "2026-01",
        "v25.05.01": "2025-05",
        "(2024-03)": "2024-03",
        "Modalities, 2024": "2024-05",
        "MLPerf v3.0": "",
    }
    assert {text: date_of({"framework": text}) for text in dates} == dates


def test_every_generation_and_setting_of_the_tables_of_words_is_known_somewhere():
    """A line whose last generation is unknown would be a row that fails late."""
    for line in row_words().software:
        assert line.generations[-1] in generations(), line.words
    assert all(names[-1] in generations() for names in row_words().unknown_software.values())


def test_settings_that_only_words_tell():
    read = row(note="weights and AdamW moments in BF16, no master weights", tp="8", gpus="64", global_batch="64")
    [strategy] = {strategy.states for strategy in read.strategies}
    assert strategy == "bf16"
    lora = row(model="Llama-3.1 8B (LoRA)", note="LoRA rank 16, frozen base", step_time_s="1")
    assert (lora.strategies[0].adapters, lora.strategies[0].rank_count) == (True, 16)
    half = row(recompute="every 2nd layer")
    assert half.strategies[0].recompute.layers_fraction == 0.5


@pytest.mark.parametrize(
    ("framework", "note", "parallel"),
    [
        ("torchtitan 2024-12", "", True), ("DeepSpeed", "", True), ("NeMo 24.07", "", True), ("NeMo 24.07", "no sequence parallel", False),
        ("Megatron-LM 2020", "", False), ("Megatron-LM 2020", "sequence parallel + selective recompute", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recompute", ["none", "full", "selective"])
def test_sequence_parallelism_is_of_the_software_and_not_of_the_recomputation(framework, note, parallel, recompute):
    read = row(framework=framework, note=note, tp="8", recompute=recompute, gpu="A100 SXM 80GB", step_time_s="9")
    assert {strategy.sequence_parallel for strategy in read.strategies} == {parallel}


def test_an_open_interleave_is_the_recipe_s():
    cells = {
        "model": "Llama-3 70B", "params_b": "70.6", "layers": "80", "hidden": "8192", "heads": "64", "ffn_hidden": "28672", "pp": "4", "tp": "4",
        "framework": "NeMo (dgxc v25.02)", "fsdp": "", "step_time_s": "9", "micro_batch": "1", "vp": "",
    }  # fmt: skip
    read = row(**cells)
    assert read.known["vp"] == "recipe"
    assert {strategy.interleave_count for strategy in read.strategies} == {5}
    other = row(**cells | {"model": "Somebody's 70B", "gated": "yes"})
    assert other.known["vp"] == "open"


@pytest.mark.parametrize(
    ("framework", "operations"), [("torchtitan, compiled", True), ("PyTorch FSDP", True), ("NeMo 24.07", False)]
)
def test_selective_is_by_operation_in_pytorch_and_of_attention_in_megatron(framework, operations):
    recompute = row(framework=framework, recompute="selective").strategies[0].recompute
    assert (recompute.operations, recompute.attention) == (operations, not operations)
    assert row(framework=framework, recompute="ops").strategies[0].recompute.operations


def test_a_plain_pipeline_takes_no_turns_and_an_interleaved_one_may():
    cells = {"framework": "torchtitan, compiled", "pp": "4", "tp": "2", "step_time_s": "9"}
    assert {split.interleave_count for split in row(**cells, note="1F1B").strategies} == {1}
    assert len({split.interleave_count for split in row(**cells, note="interleaved 1F1B").strategies}) > 1


@pytest.mark.parametrize(
    ("note", "setting", "value"),
    [
        ("DeepEP", "dispatcher", "deepep"), ("HybridEP", "dispatcher", "hybridep"), ("plain all-to-all", "dispatcher", "all-to-all"),
        ("CP by all-to-all of heads", "context_kind", "heads"), ("CP by all-to-all of heads", "dispatcher", None),
        ("async TP", "tensor_overlap", True), ("no TP overlap", "tensor_overlap", False), ("ETP 2", "expert_tensor_count", 2),
        ("FP32 gradients", "gradient_bytes", 4.0), ("8-bit Adam", "optimizer", "adamw-8bit"), ("packed", "tensor_overlap", None),
    ],
)  # fmt: skip
def test_what_a_note_says_of_a_setting(note, setting, value):
    assert getattr(row(note=note, tp="2").strategies[0], setting) == value


def test_plain_megatron_core_hides_no_tensor_exchange_and_nemo_s_recipes_do():
    plain = row(framework="Megatron-Core with TE 2.11 (2026)", tp="2").strategies[0]
    nemo = row(framework="NeMo (dgxc v25.02)", tp="2").strategies[0]
    assert (plain.tensor_overlap, nemo.tensor_overlap) == (False, None)


def test_hybrid_shards_are_a_node():
    read = row(note="HSDP", gpus_per_node="4")
    assert read.strategies[0].shard_count == 4


def test_boards_of_custom_memory_lead_to_their_machine_s_part():
    assert row(gpu="H100 custom SXM 64GB").part == "h100-sxm-64gb"
    assert row(gpu="A100 custom SXM 64GB", step_time_s="9").part == "a100-custom-64gb"


@pytest.mark.parametrize(
    ("gpu", "part"),
    [
        ("Tesla V100-SXM2-32GB", "V100 SXM2 32 GB"), ("V100 SXM2 16GB", "V100 SXM2 16 GB"), ("A800 80GB", "A800 SXM4 80 GB"),
        ("H800 SXM 80GB", "H800 SXM5 80 GB"), ("NVIDIA H20", "H20 SXM5 96 GB"), ("L40S", "L40S 48 GB"),
        ("RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000 Blackwell"), ("MI250X", "MI250X"), ("MI325X", "MI325X"),
        ("MI355X", "MI355X"),
    ],
)  # fmt: skip
def test_each_gpu_of_the_catalogue_takes_a_row_in_sixteen_bits(gpu, part):
    """FP16 and a silent cell go on every chip, in what 16 bits it has; a step lies between the peak and a tenth of it."""
    for cell in ("fp16", ""):
        read = row(gpu=gpu, precision=cell, gpus="16", step_time_s="60")
        assert isinstance(read, TrainingRow), read
        assert part in read.chip.title
        flop = read.work.flop * read.batch_count / read.gpus_count
        peak = read.chip.peak_flop_per_s["fp16"]
        [*_, strategy] = read.strategies
        step = predict_step(read.chip, read.net, read.work, strategy, read.batch_count, generation_named(read.software))
        assert flop / peak / 2.1 < float(step.step_s) < 12 * flop / peak  # half of it where FP8 may have been meant


@pytest.mark.parametrize("gpu", ["V100 PCIe 32GB", "V100S", "H800 PCIe", "A800 PCIe 40GB", "L40", "RTX PRO 6000 Max-Q"])
def test_a_gpu_is_not_taken_for_one_of_its_name(gpu):
    assert reason(gpu=gpu).startswith("no GPU")


def test_a_v100_has_no_bf16():
    assert "V100 SXM2 32 GB has no bf16" in reason(gpu="V100 32GB", precision="bf16", step_time_s="60")


def test_memory_above_the_gpu_s_is_refused():
    assert "memory_gb is 90 GB, and a NVIDIA H100" in reason(memory_gb="90")
    assert isinstance(row(memory_gb="79", note="memory in GiB"), TrainingRow)


def test_the_table_of_megatron_lm_itself_hides_its_exchanges():
    """Its README says that it was measured with --tp-comm-overlap; Megatron-Core by itself does without.

    37 published steps stay as near as they were before that was a choice: 4.9 % by the issue that asked for them.
    """
    cells = {"framework": "Megatron-Core", "source": "megatron-lm-readme"}
    assert settings_of(cells)["tensor_overlap"] == "true"
    assert settings_of(cells | {"source": "NVIDIA/Megatron-LM@d98e8a6:README.md"})["tensor_overlap"] == "true"
    assert settings_of(cells | {"source": "MooreThreads/SimuMax@4dcaae5"})["tensor_overlap"] == "false"
    assert predictors_mape() <= 0.049
