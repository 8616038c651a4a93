"""A dense transformer on one GPU: counts of weights, limits, invariants."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, read_catalogue
from terp.model import Transformer, decode_s, prefill_s, train_step_s

LLAMA_8B = Transformer(32, 4096, 32, 8, 14_336, 128_256, gated=True)
GPT3_175B = Transformer(96, 12_288, 96, 96, 49_152, 50_257, gated=False)


def gpu(name="h100-sxm-80gb"):
    return read_catalogue().part(Accelerator, name)


@pytest.mark.parametrize(
    ("shape", "published"),
    [
        (LLAMA_8B, 8.03e9),
        (GPT3_175B, 175e9 + 50_257 * 12_288),
        (Transformer(80, 8192, 64, 8, 28_672, 128_256, gated=True), 70.6e9),
    ],
)
def test_weights_are_those_published(shape, published):
    """Llama 3.1 8B and 70B print 8.03 and 70.6 billion; GPT-3 ties its embeddings, which are counted twice here."""
    assert shape.parameters_count == pytest.approx(published, rel=0.005)


def test_a_layer_by_hand():
    """Llama 8B: 6,144 wide queries, keys and values, 4,096 out, 28,672 in, 14,336 back."""
    assert LLAMA_8B.products() == ((6144, 4096), (4096, 4096), (28_672, 4096), (4096, 14_336))
    assert LLAMA_8B.layer_parameters_count == 218_103_808


def test_recomputation_costs_one_more_forward():
    plain, again = (train_step_s(gpu(), LLAMA_8B, 1, 4096, recompute=recompute) for recompute in (False, True))
    assert plain.recompute_s == 0
    assert again.step_s - plain.step_s == pytest.approx(again.recompute_s)
    assert again.recompute_s == pytest.approx((plain.products_s + plain.attention_s + plain.elementwise_s) / 3, rel=0.25)


def test_decoding_one_sequence_reads_the_weights_once():
    """15 GB of 16-bit weights at 3.35 TB/s are 4.5 ms; no step is quicker, and 6.8 ms were measured (terp-h100)."""
    floor = 2 * (LLAMA_8B.parameters_count - LLAMA_8B.vocabulary_count * LLAMA_8B.hidden_count) / 3.35e12
    assert floor < decode_s(gpu(), LLAMA_8B, 1, 512) < 1.7 * floor


def test_a_short_prompt_waits_for_the_host():
    assert prefill_s(gpu(), LLAMA_8B, 1, 16) == pytest.approx(prefill_s(gpu(), LLAMA_8B, 1, 64), rel=0.01)
    assert prefill_s(gpu(), LLAMA_8B, 1, 8192) > 4 * prefill_s(gpu(), LLAMA_8B, 1, 1024)


@given(st.integers(1, 48), st.sampled_from([512, 1024, 4096, 8192]), st.integers(1, 16), st.sampled_from([256, 1024, 4096]))
def test_steps_keep_their_invariants(layers, hidden, batch, tokens):
    shape = Transformer(layers, hidden, hidden // 64, hidden // 64, 4 * hidden, 32_000, gated=False)
    chip = gpu()
    step = train_step_s(chip, shape, batch, tokens)
    flops = 6 * batch * tokens * (shape.parameters_count - shape.vocabulary_count * hidden)
    assert step.step_s > flops / chip.peak_flop_per_s["bf16"], "no step beats the peak"
    assert step.step_s == pytest.approx(sum(dataclasses.astuple(step)))
    assert train_step_s(chip, shape, 2 * batch, tokens).step_s > step.step_s
    assert train_step_s(chip, shape, batch, tokens, compiled=False).step_s > step.step_s
    assert train_step_s(chip, shape, batch, tokens, kernel="flash2").step_s > 0.9 * step.step_s
    assert decode_s(chip, shape, batch, 2 * tokens) > decode_s(chip, shape, batch, tokens)
