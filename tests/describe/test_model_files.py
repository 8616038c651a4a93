"""The model files that ship: all read, and our count of parameters is their makers'."""

import pytest

from terp.describe import TransformerModel, read_model, shipped_names
from terp.errors import Problems, UnknownName
from terp.physics.neural.families import work_of

NAMES = shipped_names("models")
TRANSFORMERS = [name for name in NAMES if isinstance(read_model(name).record, TransformerModel)]
ROUNDED = {  # their makers' number is round: ours over it, to a tenth of a percent
    "esm2-3b": -0.054,  # 2.83e9 by its shape of 36 layers of 2560
    "falcon-40b": 0.033,  # 41.3e9 by its shape
    "megatron-1.7b": -0.028,  # 1.65e9 by the formula that the table was made with
    "nemotron-3-22b": -0.033,  # 21.3e9 by the shape on the page that times it
}


def parameters_of(name):
    record = read_model(name).record
    return work_of(record, 0 if record.patches else 2048).parameters_count


@pytest.mark.parametrize("name", NAMES)
def test_shipped_models_read(name):
    written = read_model(name)
    assert written.record.name == name
    assert written.record.title
    numbers = {key for key, value in written.tree.data.items() if isinstance(value, int) and not isinstance(value, bool)}
    assert all(written.provenance[key].source for key in numbers)


@pytest.mark.parametrize("spelt", ["llama3.1-70b", "Llama-3.1-70B", "llama_3_1_70b", "gpt3-175b"])
def test_a_name_is_found_however_it_is_spelt(spelt):
    letters = [letter for letter in spelt.lower() if letter.isalnum()]
    assert [letter for letter in read_model(spelt).record.name if letter.isalnum()] == letters


def test_another_size_is_another_model():
    with pytest.raises(UnknownName, match=r"no model 'llama3\.1-71b'; did you mean 'llama-3\.1-70b'"):
        read_model("llama3.1-71b")


def test_there_are_many_models():
    assert len(TRANSFORMERS) >= 80


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_parameters_are_those_published(name):
    published = read_model(name).record.published_parameters_count
    error = parameters_of(name) / published - 1
    assert error == pytest.approx(ROUNDED.get(name, 0), abs=0.001 if name in ROUNDED else 0.02)


@pytest.mark.parametrize(
    "name", ["code-llama-34b", "llama-2-7b", "llama-2-13b", "llama-2-70b", "llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b",
             "mistral-7b", "mixtral-8x7b", "mixtral-8x22b", "phi-3-mini", "phi-3-medium"],
)  # fmt: skip
def test_without_biases_and_inner_norms_the_count_is_exact(name):
    """Llama 3.1 8B: 2 x 128,256 x 4,096 + 32 x (218,103,808 + 2 x 4,096) + 4,096 = 8,030,261,248."""
    assert parameters_of(name) == read_model(name).record.published_parameters_count


@pytest.mark.parametrize(
    ("name", "published", "within"),
    [
        ("mpt-760m", 760_471_000, 0.001),  # as llm-foundry counts them, at 2,048 positions
        ("mpt-7b", 6_658_860_000, 0.001),
        ("gpt3-125m", 125_226_240, 0.001),  # 12 x (12 x 768^2 + 13 x 768) + (50,257 + 2,048) x 768 + 2 x 768
        ("gemma-2-9b", 9_241_705_984, 0.0001),
        ("qwen3-30b-a3b", 30_532_122_624, 0.0001),
    ],
)
def test_counts_to_the_thousandth(name, published, within):
    """But for norms and biases, tied embeddings and learned positions are counted once."""
    assert parameters_of(name) == pytest.approx(published, rel=within)


@pytest.mark.parametrize(
    ("name", "active"),
    [("qwen3-30b-a3b", 3.3e9), ("qwen3-235b-a22b", 22e9), ("mixtral-8x7b", 12.9e9), ("gpt-oss-120b", 5.1e9),
     ("kimi-k2", 32e9), ("llama-4-scout", 17e9), ("llama-4-maverick", 17e9), ("nemotron-3-nano", 3.5e9)],
)  # fmt: skip
def test_a_token_passes_the_parameters_that_are_called_active(name, active):
    """Two flops a parameter and token forward, attention over few tokens aside; makers count the embedding, or not."""
    model = read_model(name).record
    work = work_of(model, 64)
    passed = work.flop / 6 / 64
    embedding = model.vocabulary_size * model.hidden_size
    assert passed < 1.1 * active
    assert passed + embedding > 0.9 * active


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"heads": "7"}, "heads: 64 does not divide by 7; a divisor would do, or a size of heads"),
        ({"heads": "8", "kv_heads": "3"}, "kv_heads: 8 heads do not divide by 3; a divisor would do"),
        ({"vocabulary": "0"}, "neither a vocabulary nor patches, or both; write one of them"),
        ({"inner": "0"}, "inner: missing: there are layers without experts; give the size inside of them"),
        ({"experts": "{count: 4, active: 8, inner: 64}"}, "experts.active: more than the 4 experts there are"),
        ({"experts": "{count: 4, active: 2, inner: 64, dense_layers: 2}"}, "experts.dense_layers: all of 2 layers, or more"),
        ({"window": "{tokens: 128, layers: 3}"}, "window.layers: more than the 2 there are; at most as many would do"),
        ({"layers": "2.5"}, "layers: not a whole number, found 2.5"),
        ({"patches": "{height: 30, width: 32, size: 16, channels: 3}", "vocabulary": "0"}, "patches.size: does not divide"),
        ({"family": "transfomer"}, "family: no such family, found 'transfomer'; did you mean 'transformer'?"),
        ({"hiden": "3"}, "hiden: unknown key, found 'hiden'; did you mean 'hidden'?"),
    ],
)
def test_shapes_that_cannot_be_are_refused(tmp_path, change, wrong):
    keys = {"kind": "model", "name": "tiny", "title": "Tiny", "family": "transformer", "layers": "2", "hidden": "64",
            "heads": "8", "inner": "256", "vocabulary": "100"} | change  # fmt: skip
    path = tmp_path / "tiny.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    with pytest.raises(Problems) as caught:
        read_model(str(path))
    assert wrong in str(caught.value)
