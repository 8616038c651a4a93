"""What a node gets done: the same on any machine of its frame, and less under a cap."""

import numpy as np
import pytest
from support.small_plans import inputs_of

from terp.catalogue import Node, read_catalogue
from terp.describe import machine_of_text
from terp.hardware import build_machine
from terp.plan.machines.frames import Extras, frame_for, kits_for
from terp.plan.machines.machine_writer import machine_text
from terp.plan.machines.yearly_work import jobs_on, largest_job, node_work
from terp.predict import domain_rates, gpu_time_shares, tokens_per_s_per_gpu
from terp.simulate import kinds_of


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return inputs_of(tmp_path_factory.mktemp("work"))


def frame(node="hgx-b300-liquid", kit=0, ratio=2.0):
    catalogue = read_catalogue()
    return frame_for(node, kits_for(node, catalogue)[kit], "rail-optimised-fat-tree", ratio, catalogue)


@pytest.mark.parametrize("node", ["hgx-b300-liquid", "dgx-h200", "gb200-nvl4-node"])
def test_the_same_on_a_machine_of_another_size(inputs, node):
    """That jobs are worked out on a small machine is an assumption that this test holds against a large one."""
    mine = frame(node)
    jobs = jobs_on(inputs, mine)
    each = inputs.catalogue.part(Node, node).accelerators_count
    assert jobs.machine.gpus_count >= largest_job(inputs) > jobs.machine.gpus_count - 2 * mine.nodes_per_unit_count * each
    text = machine_text(mine, 157, Extras(), inputs.catalogue, name="large", title="large")
    large = build_machine(machine_of_text(text, "large"), inputs.catalogue)
    assert tokens_per_s_per_gpu(large).tokens_per_s == pytest.approx(jobs.tokens_per_s, rel=1e-12)
    for one, other in zip(domain_rates(large, inputs.workload), jobs.rates, strict=True):
        assert one.h100_ratio == pytest.approx(other.h100_ratio, rel=1e-12)
    for one, other in zip(kinds_of(large, inputs.workload), jobs.kinds, strict=True):
        assert one.level_w == other.level_w


def test_an_hour_of_an_h100_is_worth_an_h100_hour(inputs):
    work = node_work(inputs, jobs_on(inputs, frame("dgx-h100", ratio=1.0)), 1.0)
    assert work.h100_ratio == pytest.approx(dict.fromkeys(inputs.weights, 1.0), rel=0.02)


def test_worth_is_that_of_the_kinds_by_their_time(inputs):
    jobs = jobs_on(inputs, frame())
    work, time = node_work(inputs, jobs, 1.0), gpu_time_shares(inputs.workload.record)
    for domain, ratio in work.h100_ratio.items():
        mine = [
            (time[kind.domain, kind.job], rate)
            for kind, rate in zip(jobs.kinds, jobs.rates, strict=True)
            if kind.domain == domain
        ]
        whole = sum(share for share, _ in mine)
        assert ratio == pytest.approx(sum(share * rate.h100_ratio for share, rate in mine) / whole)
        assert work.low_ratio[domain] <= ratio <= work.high_ratio[domain]
    assert work.tokens_per_s == pytest.approx(jobs.tokens_per_s)


def test_a_lower_cap_takes_power_and_pace(inputs):
    jobs = jobs_on(inputs, frame())
    works = [node_work(inputs, jobs, cap) for cap in (1.0, 0.85, 0.7, 0.5)]
    for column in ("busy_w", "tokens_per_s", "inference_tokens_per_s"):
        values = [getattr(work, column) for work in works]
        assert values == sorted(values, reverse=True)
        assert values[0] > values[-1]
    assert works[0].capped_off_w == 0
    board_w, each = jobs.machine.accelerator.board_power_w, jobs.machine.node.accelerators_count
    assert works[2].capped_off_w == pytest.approx(0.3 * board_w * each)
    assert works[3].h100_ratio["medicine"] / works[0].h100_ratio["medicine"] > works[3].busy_w / works[0].busy_w, (
        "pace falls less than power"
    )
    assert np.allclose([work.idle_w for work in works], works[0].idle_w)
