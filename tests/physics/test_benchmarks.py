"""HPL, HPCG and HPL-MxP: limits, worked examples, invariants."""

import dataclasses
from math import log2, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, constants, read_catalogue
from terp.describe import read_machine, shipped_names
from terp.errors import Problems, UnknownName
from terp.hardware import build_machine
from terp.physics import (
    HplSystem,
    benchmark_power_w,
    benchmark_system,
    dgemm_flop_per_s,
    matrix_order,
    power_limited_clock_hz,
    predict_hpcg,
    predict_hpl,
    predict_mxp,
)
from terp.physics.benchmark.hpl import HplConstants

CLASSES = ("NVIDIA's own nodes", "others' nodes of NVIDIA GPUs", "AMD nodes", "chip or mode not graded")
GPUS = list(read_catalogue().parts["accelerators"])


def gpu(name):
    return read_catalogue().part(Accelerator, name)


def system(name="h100-sxm-80gb", gpus=1024, per_node=8, network=5e10, order=None):
    return HplSystem(gpu(name), gpus, per_node, network, order)


def test_the_clock_and_rate_of_an_h100_are_those_measured():
    """validation/terp-h100: 58.46 Tflop/s at 1.774 GHz under the cap of 700 W."""
    h100 = gpu("h100-sxm-80gb")
    assert power_limited_clock_hz(h100) == pytest.approx(1.774e9, rel=0.001)
    assert dgemm_flop_per_s(h100) == pytest.approx(58.46e12, rel=0.001)


def test_a_lower_cap_slows_by_its_cube_root_and_a_high_one_not_past_boost():
    h100 = gpu("h100-sxm-80gb")
    low = h100.model_copy(update={"board_power_w": 77 + 623 / 8})
    assert power_limited_clock_hz(low) == pytest.approx(1.774e9 / 2, rel=0.001)
    assert power_limited_clock_hz(h100.model_copy(update={"board_power_w": 2000.0})) == h100.boost_clock_hz


def test_one_gpu_waits_for_nobody():
    run = predict_hpl(system("h200-sxm-141gb", gpus=1))
    assert (run.network_s, run.staging_s, run.panel_s) == (0, 0, 0)
    assert run.rmax_flop_per_s == pytest.approx(run.dgemm_flop_per_s)


def test_one_node_has_no_network():
    assert predict_hpl(system(gpus=8)).network_s == 0
    assert predict_hpcg(system(gpus=8)).halo_fraction == 0
    assert predict_hpl(system(gpus=16)).network_s > 0


def test_an_endless_network_leaves_what_a_node_does():
    run = predict_hpl(system(network=1e30))
    assert run.network_s == pytest.approx(0)
    assert run.staging_s > 0


def test_network_time_by_hand():
    """1,024 H100 of 8 a node at 50 GB/s, N = 3,000,000: k W'/N (4 + 2.5) (1 - 1/32) / (b sqrt 8), each step apart."""
    order, gpus, rate = 3_000_000, 1024, dgemm_flop_per_s(gpu("h100-sxm-80gb"))
    run = predict_hpl(system(order=order))
    dgemm_s = (2 / 3 * order**3 + 2 * order**2) / (gpus * rate)
    words_a_gpu = order**2 / gpus
    k = constants(HplConstants).network_fraction
    share = k * 6 * rate / sqrt(words_a_gpu) * (4 + log2(gpus) / 4) * (1 - 1 / sqrt(gpus))
    assert run.dgemm_s == pytest.approx(dgemm_s)
    assert run.network_s == pytest.approx(share * dgemm_s / (5e10 * sqrt(8)))
    assert run.staging_s == pytest.approx(share * dgemm_s / (0.22 * 450e9))


@given(st.sampled_from(GPUS), st.integers(1, 5000), st.sampled_from([1e10, 2.5e10, 5e10, 1e11]), st.sampled_from([4, 8]))
def test_hpl_keeps_its_invariants(name, nodes, network, per_node):
    """Parts add up to the whole, never faster than DGEMM, the interval holds the value, a faster network is no slower."""
    one = system(name, nodes * per_node, per_node, network)
    run = predict_hpl(one)
    assert run.dgemm_s + run.network_s + run.staging_s + run.panel_s == pytest.approx(run.run_s)
    assert run.rmax_flop_per_s * run.run_s == pytest.approx(2 / 3 * run.n_count**3 + 2 * run.n_count**2)
    assert run.rmax_flop_per_s <= one.gpus_count * run.dgemm_flop_per_s
    assert run.rmax_low_flop_per_s < run.rmax_flop_per_s < run.rmax_high_flop_per_s
    faster = predict_hpl(dataclasses.replace(one, network_bytes_per_s=2 * network))
    assert faster.rmax_flop_per_s >= run.rmax_flop_per_s
    smaller = predict_hpl(dataclasses.replace(one, n_count=max(run.n_count // 2, 1024)))
    assert smaller.rmax_flop_per_s <= run.rmax_flop_per_s * 1.0000001
    assert 8 * run.n_count**2 <= one.gpus_count * (one.accelerator.memory_bytes + one.accelerator.host_memory_bytes)


def test_gathering_within_a_node_goes_at_the_rate_of_its_links():
    """The slower by what links are slower, whatever the memory: an A100's have 300 of an H100's 450 GB/s."""
    one = system("h100-sxm-80gb", gpus=8, order=200_704)
    slow = dataclasses.replace(one, accelerator=one.accelerator.model_copy(update={"link_rate_bytes_per_s": 300e9}))
    assert predict_hpl(slow).staging_s == pytest.approx(1.5 * predict_hpl(one).staging_s)


def test_panels_are_hidden_on_machines_of_later_software():
    """A machine of A100s that was installed in 2023 or later factorises panels on its GPUs; of one without a year the older way."""
    years = {
        year: predict_hpl(dataclasses.replace(system("a100-sxm-80gb"), year=year)) for year in (None, 2020, 2022, 2023, 2026)
    }
    assert years[None].panel_s == years[2020].panel_s == years[2022].panel_s > 0
    assert years[2023].panel_s == years[2026].panel_s == 0
    assert years[2023].rmax_flop_per_s > 1.05 * years[2022].rmax_flop_per_s


def test_the_interval_is_that_of_the_class():
    """NVIDIA's own nodes lie closer together than others'; what nobody graded is wider than either."""
    one = system(gpus=1024)
    runs = [
        predict_hpl(dataclasses.replace(one, reference=True)),
        predict_hpl(one),
        predict_hpl(system("mi300a", per_node=4)),
        predict_hpl(system("mi355x")),
    ]
    assert tuple(run.class_name for run in runs) == CLASSES
    widths = [run.rmax_high_flop_per_s / run.rmax_low_flop_per_s for run in runs]
    assert widths[0] < widths[1] < min(widths[2:])
    for run in runs:
        assert run.rmax_flop_per_s < run.reach_flop_per_s <= run.rmax_high_flop_per_s
    assert predict_hpl(system("b200-sxm-180gb")).class_name != CLASSES[-1]
    assert predict_hpl(system("b300-sxm-288gb")).class_name == CLASSES[-1]  # next to no FP64


def test_emulation_gains_on_blackwell_and_loses_on_hopper():
    """Rikyu's node of four GB200: 58.26 Tflop/s a GPU against 37.27 of hardware, 1.563 times (riken-rikyu)."""
    node = system("gb200", gpus=4, per_node=4, network=1e11)
    hardware, emulated = predict_hpl(node), predict_hpl(dataclasses.replace(node, emulated=True))
    assert hardware.rmax_flop_per_s == pytest.approx(149.075e12, rel=0.05)
    assert emulated.rmax_flop_per_s / hardware.rmax_flop_per_s == pytest.approx(1.563, rel=0.02)
    for name in ("h100-sxm-80gb", "a100-sxm-80gb", "mi300x"):
        one = system(name)
        slower = dataclasses.replace(one, emulated=True)
        assert predict_hpl(slower).rmax_flop_per_s < predict_hpl(one).rmax_flop_per_s
        assert "fp64-emulated-slower" in [caveat.code for caveat in slower.caveats()]
    assert emulated.class_name == CLASSES[-1]
    with pytest.raises(UnknownName, match="int8"):
        predict_hpl(dataclasses.replace(system("rubin"), emulated=True))


@given(st.sampled_from(GPUS), st.integers(2, 5000))
def test_hpcg_and_mxp_are_bound_by_memory_and_peak(name, nodes):
    one = system(name, nodes * 8)
    hpcg, mxp = predict_hpcg(one), predict_mxp(one)
    assert hpcg.memory_fraction + hpcg.halo_fraction == pytest.approx(1)
    assert hpcg.hpcg_flop_per_s < 0.25 * one.gpus_count * one.accelerator.memory_rate_bytes_per_s
    assert mxp.mxp_flop_per_s * mxp.run_s == pytest.approx(2 / 3 * mxp.n_count**3)
    assert mxp.mxp_flop_per_s < one.gpus_count * one.accelerator.peak_flop_per_s["fp16"]


def test_the_matrix_of_a_superchip_reaches_into_host_memory():
    assert 8 * matrix_order(gpu("gh200-96gb"), 1000) ** 2 > 1000 * 96e9
    assert 8 * matrix_order(gpu("h100-sxm-80gb"), 1000) ** 2 < 1000 * 80e9


def test_gefion_without_having_been_fitted_on_it(gefion):
    """66.59 Pflop/s and 1,753.2 kW in 8.1 minutes (top500-2024-11); its group is always graded."""
    run = predict_hpl(benchmark_system(gefion))
    assert run.rmax_flop_per_s == pytest.approx(66.59e15, rel=0.03)
    power_w = benchmark_power_w(gefion, gefion.gpus_count)
    assert power_w == pytest.approx(1_753_200, rel=0.08)
    assert predict_hpcg(benchmark_system(gefion)).hpcg_flop_per_s == pytest.approx(749.8e12, rel=0.12)


def test_run_time_of_isambard_is_what_was_reported():
    """58 minutes on 1,260 nodes (lockwood-isambard), from the listed matrix."""
    machine = build_machine(read_machine("isambard-ai"), read_catalogue())
    run = predict_hpl(benchmark_system(machine, 5040, 10_399_744))
    assert run.run_s == pytest.approx(58 * 60, rel=0.10)


@pytest.mark.parametrize("name", shipped_names("machines"))
def test_orders_of_magnitude(name):
    """A GPU of these years does 5 to 60 Tflop/s in HPL and draws 0.3 to 2 kW with all around it; a run takes minutes to hours."""
    machine = build_machine(read_machine(name), read_catalogue())
    run = predict_hpl(benchmark_system(machine))
    power_w = benchmark_power_w(machine, machine.gpus_count)
    assert 5e12 < run.rmax_flop_per_s / machine.gpus_count < 60e12
    assert 300 < power_w / machine.gpus_count < 2000
    assert 60 < run.run_s < 4 * 3600


def test_a_thousand_predictions_are_plain_arithmetic(gefion):
    """No array, no table: a thousand machines cost milliseconds (benchmarks/bench_hpl.py says how many)."""
    runs = [predict_hpl(benchmark_system(gefion, 8 * (1 + count % 190))) for count in range(1000)]
    assert len({run.n_count for run in runs}) == 190


@pytest.mark.parametrize(
    ("gpus", "order", "says"),
    [
        (1529, None, "gefion cannot run on that many GPUs, found 1529; use whole nodes of 8, up to 1528"),
        (12, None, "use whole nodes of 8"),
        (0, None, "use whole nodes of 8"),
        (None, 10_000_000, "no matrix of that order can be run, found 10000000; use 40960 or more"),
        (None, 3, "and at most 4050527, which fills the memory"),
    ],
)
def test_runs_that_cannot_be(gefion, gpus, order, says):
    with pytest.raises(Problems) as error:
        benchmark_system(gefion, gpus, order)
    assert says in str(error.value)
