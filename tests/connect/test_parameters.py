"""Parameters of 121 public configs, in both forms that the library saves, and what a config leaves out or keeps silent.

`data/parameters.json` holds the keys of each config that count, and its parameters: counted from the modules that
transformers 5.24.0 builds of it, without weights; those marked as the makers' are what they state.
"""

import json
from pathlib import Path

import pytest

import terp
from terp.connect import read_config
from terp.describe import read_model
from terp.errors import Problems
from terp.physics.neural.families import work_of
from terp.predict.saved_predictions import prediction_of
from terp.views.notebook import sentence
from terp.views.text.training_text import frontier_text, training_text

ROWS = json.loads((Path(__file__).parent / "data" / "parameters.json").read_text())
BY_NAME = {row["name"]: row for row in ROWS}
WORDS = {"M": "linear_attention", "*": "full_attention", "-": "mlp", "E": "moe"}
LLAMA = BY_NAME["llama-3.1-8b"]["config"]


def config_of(row):
    config = dict(row["config"])
    if "id2label" in config:
        config["id2label"] = {str(index): f"class {index}" for index in range(config["id2label"])}
    return config


def read(tmp_path, config):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return read_config(path)


def counted(model):
    return work_of(model, 512).parameters_count


def saved_by_five(config):
    """The keys as the fifth major release of the library writes them."""
    config = config | {"dtype": "bfloat16", "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}}
    if config["model_type"] in ("qwen3_moe", "olmoe"):
        config["num_local_experts"] = config.pop("num_experts")
    if config["model_type"] == "nemotron_h":
        config["layers_block_type"] = [WORDS[letter] for letter in config.pop("hybrid_override_pattern")]
        del config["num_hidden_layers"]
        config["time_step_limit"] = [0.0, {"__float__": "Infinity"}]
    return config


@pytest.mark.parametrize("name", BY_NAME)
def test_parameters_are_those_of_the_modules(tmp_path, name):
    row = BY_NAME[name]
    near = 0.006 if "by" in row else 1e-6
    assert counted(read(tmp_path, config_of(row))) == pytest.approx(row["parameters"], rel=near)
    assert counted(read(tmp_path, saved_by_five(config_of(row)))) == pytest.approx(row["parameters"], rel=near)


def test_there_are_as_many_as_are_needed():
    assert len(BY_NAME) == len(ROWS) >= 100


def test_a_layer_ahead_brings_its_joining_product(tmp_path):
    """DeepSeek-V3 on the hub: 684.5 billion, with copies of what the layer ahead shares; a layer, 2 h x h and norms."""
    row = BY_NAME["deepseek-v3"]
    model = read(tmp_path, config_of(row) | {"num_nextn_predict_layers": 1})
    experts = 257 * 3 * 2048 * 7168 + 256 * 7168
    latent = 7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 128 * 128 * 7168
    norms = 2 * 7168 + 1536 + 512 + 3 * 7168
    assert counted(model) - row["parameters"] == experts + latent + norms + 2 * 7168**2
    assert counted(model) == pytest.approx(684.5e9, rel=0.005)
    assert "which share embedding and logits" in sentence(model.caveats[0])


def test_infinity_and_nan_are_read_where_nothing_hangs_on_them(tmp_path):
    config = config_of(BY_NAME["nemotron-h-8b"])
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config | {"time_step_limit": [0.0, float("inf")], "a": float("-inf"), "b": float("nan")}))
    assert counted(read_config(path)) == BY_NAME["nemotron-h-8b"]["parameters"]
    path.write_text(json.dumps(config | {"hidden_size": float("inf")}))
    with pytest.raises(Problems, match="hidden_size: not a whole number, found Infinity"):
        read_config(path)


def test_a_silent_part_has_the_sizes_of_its_type_and_says_so(tmp_path):
    config = {"model_type": "llava", "text_config": {"vocab_size": 32064}, "vision_config": {"hidden_size": 1024}}
    for text in ({"model_type": "llama", "vocab_size": 32064}, {"vocab_size": 32064}):
        model = read(tmp_path, config | {"text_config": text})
        assert counted(model) == 6_738_415_616 + 2 * 64 * 4096
        left_out, told = (sentence(caveat) for caveat in model.caveats)
        assert "vision_config" in left_out
        assert "text_config.hidden_size 4096" in told
    with pytest.raises(Problems, match=r"text_config\.model_type: missing"):
        read(tmp_path, config | {"model_type": "something_new"})
    with pytest.raises(Problems, match=r"text_config\.hidden_size: missing"):
        read(tmp_path, {"model_type": "something_new", "text_config": {"model_type": "llama", "vocab_size": 32064}})
    assert read(tmp_path, {"model_type": "llava", "text_config": {}}).left_out == ("all but text_config",)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"model_type": "llava"}, "text_config: missing; llava keeps its language model there"),
        (
            {"model_type": "llava", "text_config": "llama"},
            'text_config: not an object of keys and values, found "llama"; llava',
        ),
    ],
)
def test_a_model_of_more_than_text_without_its_language_model_is_refused(tmp_path, config, line):
    with pytest.raises(Problems) as caught:
        read(tmp_path, config)
    [problem] = caught.value.problems
    assert line in str(problem)


@pytest.mark.parametrize("key", ["text_config", "llm_config", "language_config"])
def test_a_language_model_is_found_under_each_name(tmp_path, key):
    model = read(tmp_path, {"model_type": "internvl_chat", key: LLAMA, "vision_config": {"depth": 24}})
    assert counted(model) == BY_NAME["llama-3.1-8b"]["parameters"]
    assert model.left_out == ("vision_config",)


def test_a_whole_model_has_nothing_left_out(tmp_path):
    quantized = LLAMA | {"quantization_config": {"quant_method": "fp8"}, "generation_config": {"top_k": 3}}
    assert read(tmp_path, quantized).caveats == ()


def test_words_are_tied_as_the_whole_says_where_the_part_is_silent(tmp_path):
    text = {key: value for key, value in config_of(BY_NAME["qwen3-0.6b"]).items() if key != "tie_word_embeddings"}
    whole = {"model_type": "qwen3_vl", "text_config": text | {"model_type": "qwen3_vl_text"}, "tie_word_embeddings": True}
    assert counted(read(tmp_path, whole)) == BY_NAME["qwen3-0.6b"]["parameters"]
    experts = config_of(BY_NAME["qwen3-30b-a3b"]) | {"model_type": "qwen3_vl_moe_text", "tie_word_embeddings": True}
    whole = {"model_type": "qwen3_vl_moe", "text_config": experts, "tie_word_embeddings": False}
    assert counted(read(tmp_path, whole)) == BY_NAME["qwen3-30b-a3b"]["parameters"]


def test_an_encoder_inside_a_detector_is_not_taken_for_it(tmp_path):
    bert = config_of(BY_NAME["bert-base"])
    whole = {"model_type": "grounding-dino", "d_model": 256, "text_config": bert, "backbone_config": {"model_type": "swin"}}
    with pytest.raises(Problems, match=r"model_type: its text is read by an encoder \(bert\).*--as bert"):
        read(tmp_path, whole)
    (tmp_path / "config.json").write_text(json.dumps(whole))
    assert read_config(tmp_path / "config.json", "bert").left_out == ("backbone_config",)


def test_experts_behind_a_narrow_product(tmp_path):
    """Nemotron 3 Super: 120.6 billion, as its makers state; its layer ahead comes on top."""
    row = BY_NAME["nemotron-3-super"]
    ahead = {"num_nextn_predict_layers": 1, "mtp_hybrid_override_pattern": "*E"}
    assert row["parameters"] == pytest.approx(120.6e9, rel=0.001)
    model = read(tmp_path, config_of(row) | ahead)
    assert model.experts.latent_size == 1024
    assert counted(model) > row["parameters"]
    with pytest.raises(Problems, match="mtp_hybrid_override_pattern: a layer ahead that is not"):
        read(tmp_path, config_of(row) | ahead | {"mtp_hybrid_override_pattern": "M"})


def test_a_gated_delta_rule_says_what_it_is_predicted_as(tmp_path):
    model = read(tmp_path, config_of(BY_NAME["qwen3-next-80b"]))
    assert [(layer.name, layer.count) for layer in work_of(model, 512).layers] == [("state space", 36), ("attention", 12)]
    assert "state-space scan" in sentence(model.caveats[0])


@pytest.mark.parametrize("name", ["bert-base", "bert-large", "esm2-650m", "esm2-3b"])
def test_encoders_that_ship_are_whole(name):
    assert work_of(read_model(name).record, 512).parameters_count == BY_NAME[name]["parameters"]


def test_what_is_left_out_is_said_by_a_step_and_by_a_search_and_comes_back_from_json(tmp_path):
    whole = {"model_type": "llava", "text_config": LLAMA, "vision_config": {"hidden_size": 1024}}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    path, job = str(tmp_path / "config.json"), {"global_batch": 64, "seq": 2048}
    step = terp.predict.training("gefion", path, gpus=8, **job)
    found = terp.predict.search("gefion", path, gpus=16, **job)
    for result, text in ((step, training_text(step)), (found, frontier_text(found))):
        [said] = result.to_dict()["caveats"]
        assert said.startswith("its language model alone is predicted: vision_config")
        assert f"mind that {said}" in text
        assert prediction_of(result.to_dict()).to_dict() == result.to_dict()
    assert step.to_dict()["parameters_count"] == BY_NAME["llama-3.1-8b"]["parameters"]


@pytest.mark.parametrize(
    ("name", "keys", "parameters"),
    [
        ("llama-2-7b", {"attention_bias": True}, 6_738_939_904),
        ("stablelm-3b", {"use_parallel_residual": True}, 2_795_279_360),
        ("bert-base", {"architectures": ["BertForQuestionAnswering"]}, 108_893_186),
        ("roberta-base", {"architectures": ["RobertaForTokenClassification"]}, 124_056_578),
        ("roberta-base", {"architectures": ["RobertaModel"]}, 124_645_632),
        ("vit-b-16", {"architectures": ["ViTModel"]}, 86_389_248),
        ("qwen3-next-80b", {"attention_bias": True}, 79_674_526_464),
        ("mamba2-2.7b", {"use_bias": True, "use_conv_bias": False}, None),
    ],
)
def test_flags_and_heads_change_what_is_counted(tmp_path, name, keys, parameters):
    """Counts of the same library; the biases of a Mamba-2's two products in the place of that of its convolution."""
    if parameters is None:
        parameters = BY_NAME[name]["parameters"] + 64 * (2 * 5120 + 256 + 80 + 2560 - (5120 + 256))
    assert counted(read(tmp_path, config_of(BY_NAME[name]) | keys)) == pytest.approx(parameters, abs=2100)


def test_patches_without_classes_have_a_step(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config_of(BY_NAME["vit-b-16"]) | {"architectures": ["ViTModel"]}))
    step = terp.predict.training("gefion", str(tmp_path / "config.json"), gpus=8, global_batch=256)
    assert 0 < step.step_s < 1


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        ("gpt2", {"add_cross_attention": True}, "add_cross_attention: attention to what an encoder gives"),
        ("qwen3-next-80b", {"mlp_only_layers": [0]}, "layers without experts beside state-space layers"),
    ],
)
def test_what_no_model_file_can_say_is_refused(tmp_path, name, keys, line):
    with pytest.raises(Problems, match=line):
        read(tmp_path, config_of(BY_NAME[name]) | keys)
