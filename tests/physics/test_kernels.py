"""Kernels on one GPU: limits, a worked example, invariants."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, read_catalogue
from terp.errors import Problems, UnknownName
from terp.physics import attention_s, gemm_s, stream_s
from terp.physics.gpu.kernels import software_named

SIZES = st.integers(1, 20_000)


def gpu(name="h100-sxm-80gb"):
    return read_catalogue().part(Accelerator, name)


def test_a_large_product_by_hand():
    """8,192 cubed in BF16 in PyTorch: 64 x 32 tiles of 128 x 256 are 16 waves, each full but the last; tile by tile."""
    chip, size = gpu(), 8192
    best = np.inf
    for high, wide in ((128, 256), (128, 128), (64, 128), (64, 64)):
        tiles = ceil(size / high) * ceil(size / wide)
        waves = ceil(tiles / 132)
        occupancy = tiles / (waves * 132)
        one = 2 * high * wide * (size + 146) / (989.4e12 / 132)
        best = min(best, waves * one / (1 - (1 - 0.716) * occupancy))
    assert gemm_s(chip, size, size, size) == pytest.approx(best)
    assert 2 * size**3 / best == pytest.approx(700e12, rel=0.05), "732 were measured (terp-h100)"


def test_a_tiny_product_costs_a_launch_and_a_thin_one_its_bytes():
    chip = gpu()
    assert gemm_s(chip, 16, 16, 16) == software_named("torch-eager").host_s
    thin = gemm_s(chip, 1, 65_536, 65_536, software="trtllm-2025")
    assert thin == pytest.approx(2 * 65_536**2 / (0.794 * 3.35e12), rel=0.01)


@given(
    SIZES, SIZES, SIZES, st.sampled_from(["h100-sxm-80gb", "h200-sxm-141gb", "a100-sxm-80gb", "b200-sxm-180gb", "mi300x"])
)
def test_no_product_beats_peak_or_memory(m, n, k, name):
    chip = gpu(name)
    time_s = float(gemm_s(chip, m, n, k, software="trtllm-2025"))
    assert time_s > 2 * m * n * k / chip.peak_flop_per_s["bf16"]
    assert time_s > 2 * (m * k + k * n + m * n) / chip.memory_rate_bytes_per_s
    assert gemm_s(chip, m, n, 2 * k, software="trtllm-2025") >= time_s * 0.999, "twice as deep is no faster"


def test_shapes_broadcast_and_ten_thousand_cost_little():
    chip = gpu()
    m = np.array([[1], [128], [4096]])
    n = np.array([1024, 8192])
    table = gemm_s(chip, m, n, 4096)
    assert table.shape == (3, 2)
    assert table[1, 1] == gemm_s(chip, 128, 8192, 4096)


def test_precision_orders_large_products():
    times = {
        precision: float(gemm_s(gpu(), 8192, 8192, 8192, precision=precision))
        for precision in ("fp8", "bf16", "tf32", "fp64")
    }
    assert times["fp8"] < times["bf16"] < times["tf32"] < times["fp64"]
    assert times["bf16"] / times["fp8"] < 2, "less than the data sheet says, by the power cap"


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 32_768), st.sampled_from([64, 96, 128]))
def test_attention_keeps_its_invariants(batch, heads, tokens, size):
    chip = gpu()
    forward = float(attention_s(chip, batch, heads, tokens, size))
    full = float(attention_s(chip, batch, heads, tokens, size, causal=False))
    back = float(attention_s(chip, batch, heads, tokens, size, backward=True))
    assert forward <= full * 1.0001 or tokens < 512
    assert back >= forward
    assert forward >= 2 * batch * heads * tokens**2 * size / chip.peak_flop_per_s["bf16"]
    assert float(attention_s(chip, batch, heads, 2 * tokens, size)) >= forward


def test_cudnn_beats_flash2_where_it_was_measured():
    fast, slow = (attention_s(gpu(), 4, 16, 4096, 128, kernel=kernel) for kernel in ("cudnn", "flash2"))
    assert slow / fast == pytest.approx(513 / 296, rel=0.1)


def test_streams_are_bound_by_memory():
    assert stream_s(gpu(), 1e10) == pytest.approx(1e10 / (0.9 * 3.35e12))
    assert stream_s(gpu(), 1e3) == 8.3e-6
    assert stream_s(gpu("h200-sxm-141gb"), 1e10) < stream_s(gpu(), 1e10)


def test_what_is_not_there_is_said():
    with pytest.raises(Problems, match="trtllm-2025 has no fp8 products on NVIDIA H100"):
        gemm_s(gpu(), 8, 8, 8, precision="fp8", software="trtllm-2025")
    with pytest.raises(Problems, match="torch-eager has no fp8 products on NVIDIA A100"):
        gemm_s(gpu("a100-sxm-80gb"), 8, 8, 8, precision="fp8")
    with pytest.raises(UnknownName, match="no software 'torch-eagre'; did you mean 'torch-eager'"):
        gemm_s(gpu(), 8, 8, 8, software="torch-eagre")
    with pytest.raises(UnknownName, match="attention kernel"):
        attention_s(gpu(), 1, 1, 128, 64, kernel="flash9")
    with pytest.raises(Problems, match="backward of trtllm was not measured"):
        attention_s(gpu(), 1, 1, 128, 64, kernel="trtllm", software="trtllm-2025", backward=True)
    with pytest.raises(UnknownName, match="memory-bound work"):
        stream_s(gpu(), 1, "sort")


@pytest.mark.parametrize("precision", ["fp8", "fp8-block", "mxfp8", "fp4"])
def test_a_chip_with_fp4_has_gemm_in_every_precision_below_16_bits(precision):
    """One table of precisions: what training predicts, kernels predict; FP4 is the fastest, blocks a little behind plain FP8."""
    chip = read_catalogue().part(Accelerator, "b200-sxm-180gb")
    took, plain, half = (
        float(gemm_s(chip, 16384, 16384, 16384, precision=name, software="torch-steps"))
        for name in (precision, "fp8", "bf16")
    )
    assert took < half
    assert took < plain if precision == "fp4" else plain <= took < 1.2 * plain


def test_a_precision_that_a_chip_has_not_names_those_it_has():
    for precision in ("fp4", "mxfp8"):
        with pytest.raises(Problems, match="known: bf16, fp16, fp32, fp64, fp8, fp8-block, tf32"):
            gemm_s(read_catalogue().part(Accelerator, "h100-sxm-80gb"), 64, 64, 64, precision=precision)
