"""A transformer on one GPU: counts of weights, limits, invariants, of training and of answering."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, read_catalogue
from terp.describe import TransformerModel, read_model
from terp.physics import (
    Strategy,
    decode_s,
    generation_named,
    interconnect_between,
    predict_step,
    prefill_s,
    work_of,
)
from terp.physics.training.stage import RECOMPUTE

LLAMA_8B = read_model("llama-3.1-8b").record


def gpu(name="h100-sxm-80gb"):
    return read_catalogue().part(Accelerator, name)


def step_of(chip, model, batch, tokens, recompute="none", software="compiled"):
    strategy = Strategy(gpus_count=1, micro_batch_count=batch, zero_count=0, recompute=RECOMPUTE[recompute])
    net = interconnect_between(chip, 2, 0.0)
    return predict_step(chip, net, work_of(model, tokens), strategy, batch, generation_named(software))


@pytest.mark.parametrize(("name", "published"), [("llama-3.1-8b", 8.03e9), ("gpt3-175b", 175e9), ("llama-3.1-70b", 70.6e9)])
def test_weights_are_those_published(name, published):
    assert work_of(read_model(name).record, 2048).parameters_count == pytest.approx(published, rel=0.005)


def test_a_layer_by_hand():
    """Llama 8B: 6,144 wide queries, keys and values, 4,096 out, 28,672 in, 14,336 back."""
    [layer] = work_of(LLAMA_8B, 1).layers
    assert [(p.columns_count, p.depth_count) for p in layer.products] == [
        (6144, 4096),
        (4096, 4096),
        (28_672, 4096),
        (4096, 14_336),
    ]
    assert layer.parameters_count == 218_103_808 + 2 * 4096


def test_recomputation_costs_part_of_one_more_forward():
    plain, again = (step_of(gpu(), LLAMA_8B, 1, 4096, recompute) for recompute in ("none", "full"))
    assert plain.column.again_s == 0
    assert again.step_s - plain.step_s == pytest.approx(again.column.again_s)
    assert 0.3 * plain.column.forward_s < again.column.again_s <= plain.column.forward_s
    assert again.memory.activations_bytes < 0.3 * plain.memory.activations_bytes


def test_one_gpu_exchanges_nothing_and_waits_for_nobody():
    time = step_of(gpu(), LLAMA_8B, 2, 2048).time
    assert float(time.pipe_s) == float(time.data_s) == float(time.bubble_s) == float(time.straggle_s) == 0


def test_decoding_one_sequence_reads_the_weights_once():
    """15 GB of 16-bit weights at 3.35 TB/s are 4.5 ms; no step is quicker, and 6.8 ms were measured (terp-h100)."""
    floor = 2 * (8.03e9 - LLAMA_8B.vocabulary_size * LLAMA_8B.hidden_size) / 3.35e12
    assert floor < decode_s(gpu(), LLAMA_8B, 1, 512) < 1.7 * floor


def test_a_short_prompt_waits_for_the_host():
    assert prefill_s(gpu(), LLAMA_8B, 1, 16) == pytest.approx(prefill_s(gpu(), LLAMA_8B, 1, 64), rel=0.01)
    assert prefill_s(gpu(), LLAMA_8B, 1, 8192) > 4 * prefill_s(gpu(), LLAMA_8B, 1, 1024)


@given(st.integers(1, 48), st.sampled_from([512, 1024, 4096, 8192]), st.integers(1, 16), st.sampled_from([256, 1024, 4096]))
def test_steps_keep_their_invariants(layers, hidden, batch, tokens):
    model = TransformerModel(
        kind="model", name="x", title="x", family="transformer",
        layers=layers, hidden=hidden, heads=hidden // 64, inner=4 * hidden, vocabulary=32_000,
    )  # fmt: skip
    chip = gpu()
    step = step_of(chip, model, batch, tokens).step_s
    assert step > batch * work_of(model, tokens).flop / chip.peak_flop_per_s["bf16"], "no step beats the peak"
    assert step_of(chip, model, 2 * batch, tokens).step_s > step
    assert step_of(chip, model, batch, tokens, software="eager").step_s > step
    assert step_of(gpu("h200-sxm-141gb"), model, batch, tokens).step_s <= step
    assert decode_s(chip, model, batch, 2 * tokens) > decode_s(chip, model, batch, tokens)
