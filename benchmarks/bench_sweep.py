"""What a scenario of a sweep costs, and what the sweep adds to it."""

import pytest

from terp.describe import Scenario
from terp.results import load_sweep
from terp.results.sweep_folder import add_part, merge_parts, row_of
from terp.simulate import inputs_of, simulate_scenario
from terp.sweep import processes, read_axes, run_sweep
from terp.sweep.points import do_batch, scenario_digest

YEAR = Scenario(machine="gefion")


def test_a_year_of_a_sweep(benchmark):
    """Its row, from a worker that has done others before.  Bar: 1.8 s, so that 1,000 take 15 minutes on two cores."""
    scenarios = [YEAR.model_copy(update={"seed": seed}) for seed in (1, 2, 3)]
    batches = [[(scenario_digest(scenario, inputs_of(scenario)), scenario)] for scenario in scenarios]
    do_batch(batches[0])
    benchmark.pedantic(lambda: [do_batch(batch) for batch in batches], rounds=3, warmup_rounds=1)
    benchmark.extra_info["s_a_year"] = round(benchmark.stats["min"] / len(batches), 3)


def test_planning_a_thousand_years(benchmark):
    """Reading the files once, and a digest for each."""
    axes = read_axes(["seed=1..1000"], {"machine": "gefion"})
    inputs = inputs_of(YEAR)
    benchmark.pedantic(lambda: [scenario_digest(scenario, inputs) for scenario in axes.scenarios], rounds=5, warmup_rounds=1)


def test_keeping_a_hundred_rows(benchmark, tmp_path):
    """A hundred parts of one row, put into one and read again: what a sweep adds to its scenarios."""
    day = YEAR.model_copy(update={"days": 1})
    inputs = inputs_of(day)
    row = row_of("", {}, inputs.digests, simulate_scenario(day, inputs).summary)

    def keep():
        merge_parts(tmp_path, [add_part(tmp_path, [{**row, "scenario": str(number)}]) for number in range(100)])

    benchmark.pedantic(keep, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep(benchmark, tmp_path, workers):
    """Twelve years from start to end, with the start of the processes: two should take little more than half as long."""
    counted = iter(range(100))

    def sweep():
        folder = tmp_path / str(next(counted))
        run_sweep(read_axes(["seed=1..12"], {"machine": "gefion"}), folder, processes(workers))
        assert load_sweep(folder).rows.num_rows == 12

    benchmark.pedantic(sweep, rounds=1)
