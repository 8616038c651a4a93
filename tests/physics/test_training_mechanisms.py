"""Mechanisms of a training step, each by itself: identities and limits, and worked examples by hand."""

from dataclasses import replace

import numpy as np
import pytest

from terp.catalogue import Accelerator, read_catalogue
from terp.describe import read_model
from terp.physics import Strategy, generation_named, interconnect_between, predict_step, work_of
from terp.physics.fabric.collectives import collective_s
from terp.physics.neural.work import AttentionWork
from terp.physics.training.layers import _attention_s
from terp.physics.training.products import Share
from terp.physics.training.stage import DISPATCHERS, RECOMPUTE, Recompute, layer_times

CHIP = read_catalogue().part(Accelerator, "h100-sxm-80gb")
NET = interconnect_between(CHIP, 8, 50e9)
SMALL, MIXTURE = read_model("llama-3.1-8b").record, read_model("deepseek-v3").record
FSDP, CORE = generation_named("fsdp-2024"), generation_named("megatron-2025")


def step(model=SMALL, tokens=8192, gpus=64, batch=64, generation=FSDP, **strategy):
    asked = {"zero_count": 3, "recompute": RECOMPUTE["none"]} | strategy
    return predict_step(CHIP, NET, work_of(model, tokens), Strategy(gpus, **asked), batch, generation)


def test_recomputation_by_operation_lies_between_nothing_and_all():
    none, ops, full = (step(recompute=RECOMPUTE[name]) for name in ("none", "ops", "full"))
    assert none.step_s < ops.step_s < full.step_s
    kept = [float(one.memory.activations_bytes) for one in (none, ops, full)]
    assert kept[0] > kept[1] > kept[2]


def test_every_second_layer_is_half_of_all():
    none, half, full = (step(recompute=Recompute(share)) for share in (0.0, 0.5, 1.0))
    assert half.column.again_s == pytest.approx(full.column.again_s / 2, rel=1e-12)
    assert none.column.again_s == 0


def test_rings_between_nodes_pay_for_each_step():
    """With nothing to move only latencies are left, by hand for each protocol: start, steps over links, steps between nodes."""
    told = [float(collective_s(NET, "all_gather", 0.0, ranks, 8)) for ranks in (16, 64, 512)]
    by_hand = [
        min(6.6 + 0.6 * (p - p / 8) + 2.7 * (p / 8 - 1), 14 + 1.9 * (p - p / 8) + 4.0 * (p / 8 - 1)) for p in (16, 64, 512)
    ]
    assert told == pytest.approx([1e-6 * value for value in by_hand], rel=1e-9)


def test_sharded_weights_are_gathered_layer_by_layer():
    """The same bytes in more layers take as much longer as the latency of a ring for each."""
    net = replace(NET, port_bytes_per_s=1e15, link_bytes_per_s=1e15, pair_bytes_per_s=1e15)
    times = []
    for layers in (16, 32):
        work = work_of(SMALL.model_copy(update={"layers_count": layers}), 8192)
        found = predict_step(
            CHIP, net, work, Strategy(512, zero_count=3, recompute=RECOMPUTE["none"]), 512, generation_named("fsdp-2023")
        )
        times.append(float(found.time.data_s))
    assert times[1] / times[0] == pytest.approx(33 / 17, rel=0.02)


def test_a_pipeline_keeps_gathered_weights():
    """torchtitan gathers once a step where there is a pipeline: two bytes a weight of the stage are held besides."""
    found = step(pipeline_count=2)
    layers, ends, shard = found.column.dense_parameters_count / 2, found.column.head_parameters_count, 32
    assert float(found.memory.weights_bytes) == pytest.approx(2 * layers + 2 * (layers + ends) / shard, rel=1e-12)
    assert float(found.time.data_s) < float(step().time.data_s)


def test_adapters_cost_more_the_wider_they_are():
    narrow, wide = (step(adapters=True, rank_count=rank).step_s for rank in (8, 256))
    assert narrow < wide < 1.5 * narrow


def test_software_of_the_megatron_kind_has_fewer_adapters():
    torch, core = (
        step(adapters=True, generation=replace(FSDP, adapters_inner=inner, adapters_fused=fused)).step_s
        for inner, fused in ((True, False), (False, True))
    )
    assert core < torch


def test_heads_for_tokens_cost_what_they_exchange():
    ring, heads = (
        layer_times(CHIP, NET, work_of(SMALL, 65536), Share(1, context_count=8, context_kind=kind), CORE)
        for kind in ("ring", "heads")
    )
    assert heads.context_s[0] == heads.context_s[1]  # all-to-alls backward are as many
    assert ring.context_s[1] == pytest.approx(2 * ring.context_s[0])
    rows = 65536 / 8
    n_in, n_out = 2 * rows * (32 + 2 * 8) * 128, 2 * rows * 32 * 128
    by_hand = 32 * sum(float(collective_s(NET, "all_to_all", size, 8, 8)) for size in (n_in, n_out))
    assert heads.context_s[0] == pytest.approx(by_hand, rel=1e-12)


def test_tensor_exchanges_hide_only_where_the_job_lets_them():
    hidden, shown = (step(generation=CORE, tensor_count=8, zero_count=1, tensor_overlap=choice) for choice in (True, False))
    share = 1 - CORE.tensor_overlap_fraction
    assert hidden.column.tensor_s == pytest.approx(share * shown.column.tensor_s, rel=1e-12)
    usual = step(generation=CORE, tensor_count=8, zero_count=1)
    assert usual.step_s == hidden.step_s


def test_dispatchers_send_a_token_once_to_a_gpu():
    """Eight of 256 experts on eight GPUs: a token goes to 8 (1 - (7/8)^8) = 5.25 GPUs, and not to 8."""
    times = {
        name: layer_times(CHIP, NET, work_of(MIXTURE, 4096), Share(1, expert_count=8, dispatcher=name), CORE)
        for name in DISPATCHERS
    }
    assert times["deepep"].expert_s == times["hybridep"].expert_s
    assert times["deepep"].expert_s / times["all-to-all"].expert_s == pytest.approx(1 - (7 / 8) ** 8, rel=0.04)


def test_experts_have_fewer_replicas_to_share_their_states():
    """With as many GPUs over the experts as replicas each expert is held once, so its optimizer is not divided."""
    one = step(MIXTURE, 4096, 8, 32, CORE, zero_count=1, expert_count=8)
    experts = one.column.expert_parameters_count
    assert float(one.memory.optimizer_bytes) > 12 * experts
    none = step(MIXTURE, 4096, 8, 32, CORE, zero_count=0, expert_count=8)
    dense = one.column.dense_parameters_count + one.column.ends_parameters_count
    assert float(none.memory.optimizer_bytes - one.memory.optimizer_bytes) == pytest.approx(12 * dense * 7 / 8, rel=1e-9)


def test_a_single_stage_holds_both_ends():
    one, two = step(zero_count=0), step(zero_count=0, pipeline_count=2)
    ends = 2 * SMALL.vocabulary_size * SMALL.hidden_size
    assert one.column.ends_parameters_count == pytest.approx(ends, rel=1e-4)
    assert float(two.memory.weights_bytes) == pytest.approx(float(one.memory.weights_bytes) / 2, rel=0.02)


@pytest.mark.parametrize(("gradients", "bytes_each"), [(None, 4.0), (2.0, 2.0), (4.0, 4.0)])
def test_gradients_are_kept_as_software_sums_them(gradients, bytes_each):
    found = step(generation=CORE, zero_count=0, gradient_bytes=gradients)
    held = found.column.dense_parameters_count + found.column.ends_parameters_count
    assert float(found.memory.gradients_bytes) == pytest.approx(bytes_each * held, rel=1e-12)


def test_a_scale_a_row_costs_more_than_one_a_tensor():
    tensor, row, bf16 = (step(precision=name).step_s for name in ("fp8", "fp8-row", "bf16"))
    assert tensor < row < 1.15 * bf16


def attended_s(window, tokens=32768):
    part = AttentionWork(tokens, tokens, 32, 8, 128, 128, causal=True, window_size=window)
    return _attention_s(CHIP, part, Share(1), CORE, backward=False)


def test_a_window_costs_its_keys_and_a_block():
    narrow, wide, whole = attended_s(1024), attended_s(2048), attended_s(0)
    assert narrow < wide < whole
    times = np.array([attended_s(window) for window in (4096, 8192)])
    assert times[1] / times[0] == pytest.approx((8192 + 128) / (4096 + 128), rel=0.1)


def test_a_window_of_a_block_costs_twice_its_pairs():
    part = AttentionWork(4096, 4096, 64, 8, 64, 64, causal=True, window_size=128)
    plain = AttentionWork(256, 256, 64, 8, 64, 64, causal=False, groups_count=16)
    assert _attention_s(CHIP, part, Share(8), CORE, backward=False) == pytest.approx(
        _attention_s(CHIP, plain, Share(8), CORE, backward=False), rel=1e-9
    )


def test_exchanges_of_replicas_hide_only_where_the_job_lets_them():
    usual, hidden, shown = (
        step(generation=CORE, zero_count=1, data_overlap=choice).time.data_s for choice in (None, True, False)
    )
    assert float(usual) == float(hidden)
    assert float(hidden) == pytest.approx((1 - CORE.data_overlap_fraction) * float(shown), rel=1e-9)
