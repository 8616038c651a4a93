"""What a scenario of a sweep costs, and what the sweep adds to it."""

from dataclasses import replace

import pytest

from terp.results.sweep_folder import add_part, load_sweep, merge_parts, row_of
from terp.sweep import Scenario, processes, read_plan, run_sweep
from terp.sweep.points import do_batch

YEAR = Scenario("gefion")


def test_a_year_of_a_sweep(benchmark):
    """Its row, from a worker that has done others before.  Bar: 1.8 s, so that 1,000 take 15 minutes on two cores."""
    scenarios = [replace(YEAR, seed=seed) for seed in (1, 2, 3)]
    batches = [[(scenario.digest(scenario.inputs()), scenario)] for scenario in scenarios]
    do_batch(batches[0])
    benchmark.pedantic(lambda: [do_batch(batch) for batch in batches], rounds=3, warmup_rounds=1)
    benchmark.extra_info["s_a_year"] = round(benchmark.stats["min"] / len(batches), 3)


def test_planning_a_thousand_years(benchmark):
    """Reading the files once, and a digest for each."""
    plan = read_plan(["seed=1..1000"], {"machine": "gefion"})
    inputs = YEAR.inputs()
    benchmark.pedantic(lambda: [scenario.digest(inputs) for scenario in plan.scenarios], rounds=5, warmup_rounds=1)


def test_keeping_a_hundred_rows(benchmark, tmp_path):
    """A hundred parts of one row, put into one and read again: what a sweep adds to its scenarios."""
    day = replace(YEAR, days=1)
    inputs = day.inputs()
    row = row_of("", {}, inputs.digests, day.summary(inputs))

    def keep():
        merge_parts(tmp_path, [add_part(tmp_path, [{**row, "scenario": str(number)}]) for number in range(100)])

    benchmark.pedantic(keep, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep(benchmark, tmp_path, workers):
    """Twelve years from start to end, with the start of the processes: two should take little more than half as long."""
    counted = iter(range(100))

    def sweep():
        folder = tmp_path / str(next(counted))
        run_sweep(read_plan(["seed=1..12"], {"machine": "gefion"}), folder, processes(workers))
        assert load_sweep(folder).rows.num_rows == 12

    benchmark.pedantic(sweep, rounds=1)
