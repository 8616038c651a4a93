"""One predicted step, strategies a second, and the whole search.

The floor of a strategy is some 250 numpy operations on a column of 8,192: about 1 ns each where the columns stay in the
cache.  Calculon evaluates 157 strategies a second on one core.
"""

from __future__ import annotations

import numpy as np
import pytest

from terp.catalogue import read_catalogue
from terp.describe import read_machine, read_model
from terp.hardware import build_machine
from terp.physics import Strategy, generation_named, interconnect_of, predict_step, work_of
from terp.physics.training.memory import step_memory
from terp.physics.training.stage import RECOMPUTE, column, layer_times
from terp.physics.training.step import Splits, step_time
from terp.physics.training.strategy_search import CHUNK, Range, search

GENERATION = generation_named("megatron-2024")


@pytest.fixture(scope="module")
def gefion():
    return build_machine(read_machine("gefion"), read_catalogue())


def test_one_prediction(benchmark, gefion):
    work, net = work_of(read_model("llama-3.1-70b").record, 8192), interconnect_of(gefion)
    strategy = Strategy(512, tensor_count=4, pipeline_count=4, interleave_count=5)
    benchmark(lambda: predict_step(gefion.accelerator, net, work, strategy, 512, GENERATION))


def test_strategies_a_second(benchmark, gefion):
    """Memory and time of a column of strategies; `extra_info` has the rate."""
    work, net = work_of(read_model("gpt3-175b").record, 2048), interconnect_of(gefion)
    share = Strategy(1, tensor_count=8).share
    times = layer_times(gefion.accelerator, net, work, share, GENERATION)
    one = column(times, work, share, RECOMPUTE["none"], GENERATION)
    draw = np.random.default_rng(1)
    stages, parts, replicas = (draw.integers(1, most, CHUNK).astype(float) for most in (97, 9, 33))
    splits = Splits(stages, parts, replicas, 1536 / replicas, draw.integers(0, 3, CHUNK).astype(float), replicas)

    def both():
        step_memory(work, one, share, RECOMPUTE["none"], splits, GENERATION)
        return step_time(gefion.accelerator, net, work, one, share, splits, GENERATION)

    benchmark(both)
    if benchmark.stats:
        benchmark.extra_info["strategies_per_s"] = CHUNK / benchmark.stats["mean"]


@pytest.mark.parametrize(("name", "tokens", "batch"), [("gpt3-175b", 2048, 1536), ("llama-3.1-405b", 8192, 1528)])
def test_a_whole_search(benchmark, gefion, name, tokens, batch):
    model, net = read_model(name).record, interconnect_of(gefion)
    wide = Range(gefion.gpus_count, 8, batch, Strategy(1))
    found = benchmark(lambda: search(gefion.accelerator, net, model, work_of(model, tokens), wide, GENERATION))
    benchmark.extra_info["evaluated"] = found.evaluated_count
