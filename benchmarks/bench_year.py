"""How fast, and how the cost grows: `make bench`.  Nothing here passes or fails; the ratios are what matters.

The floor for one pass over a job's life is two events, a heap push and pop and a row each: some 100 ns.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from terp.catalogue import read_catalogue
from terp.describe import Backfill, Policy, Scenario, read_machine, read_policy, read_site, read_workload
from terp.hardware import build_machine
from terp.simulate import controls_on, draw_jobs, draw_node_events, kernels, kinds_of, run_pool
from terp.simulate import year as simulated_year
from terp.simulate.engine.engines import run_controller, run_core
from terp.simulate.jobs.job_controls import jobs_under
from terp.simulate.workload_year import load_of

YEAR_S = 365 * 86_400
SEED = 1


@pytest.fixture(scope="module")
def gefion():
    return build_machine(read_machine("gefion"), read_catalogue())


@pytest.fixture(scope="module")
def year(gefion):
    return draw_jobs(read_workload("national").record, gefion.gpus_count, 8, 400 * 86_400, 3600, SEED)


def loaded(gefion, jobs, policy=None, record=None):
    """The jobs of the national workload as engines take them."""
    workload = read_workload("national")
    controls = controls_on(gefion, Scenario(machine="gefion"), policy)
    work = jobs_under(controls, gefion, record or workload.record, kinds_of(gefion, workload), jobs)
    return load_of(gefion, read_site("copenhagen").record, work, controls)


def work_of(core, load):
    """The jobs as the core takes them, first come first served."""
    jobs = load.jobs.take(load.order)
    columns = (load.eligible_s, jobs.gpus, jobs.run_s, jobs.requested_s, load.checkpoint_s, load.restart_s, load.power_w)
    return core.make_jobs(*columns, write_s=load.write_s)


def by_core(gefion, load, horizon_s):
    """A run of the core with failures and power."""
    faults = draw_node_events(gefion.reliability, gefion.nodes_count, horizon_s, SEED)
    no_caps = (np.zeros(0, np.int64), np.zeros(0))
    return run_core(gefion, None, read_workload("national").record, load, faults, no_caps, horizon_s, None)


@pytest.mark.parametrize("count", [10_000, 100_000, 1_000_000])
def test_core_jobs_per_second(benchmark, gefion, year, count):
    """The compiled core alone on the first jobs of 400 days: cost a job must not grow with their number."""
    jobs = year.take(np.arange(count))
    horizon_s = int(jobs.submit_s[-1]) + 1
    benchmark.pedantic(by_core, (gefion, loaded(gefion, jobs), horizon_s), rounds=5, warmup_rounds=1)
    benchmark.extra_info["jobs_per_s"] = round(len(jobs) / benchmark.stats["min"])


def test_drawing_a_year(benchmark, gefion):
    workload = read_workload("national").record
    benchmark.pedantic(draw_jobs, (workload, gefion.gpus_count, 8, YEAR_S, 3600, SEED), rounds=5, warmup_rounds=1)


def test_a_whole_year(benchmark, gefion):
    """Draw, simulate, account: what `wall_s` in summary.json says.  Bar: 3 s on one core."""
    named = {"site": read_site("copenhagen"), "workload": read_workload("national"), "seed": SEED}
    benchmark.pedantic(simulated_year, (gefion,), named, rounds=3, warmup_rounds=1)


def test_the_process(benchmark, tmp_path):
    """`terp simulate gefion` from start to end, compiled cache warm.  Bar: 8 s."""
    command = [sys.executable, "-m", "terp", "simulate", "gefion", "-o", str(tmp_path / "run")]
    benchmark.pedantic(subprocess.run, (command,), {"check": True, "capture_output": True}, rounds=3, warmup_rounds=1)


def test_help(benchmark):
    """`terp --help`.  Bar: 250 ms of CPU."""
    benchmark.pedantic(
        subprocess.run, ([sys.executable, "-m", "terp", "--help"],), {"check": True, "capture_output": True}, rounds=5
    )


def _advance(benchmark, core, work, nodes, rules):
    """Time of a run without failures, until the last arrival."""
    plant, nothing = core.Plant(nodes, 8, 1900.0, 50.0, 1e5), core.NodeEvents(*np.zeros((4, 0), np.int64))
    until_s = int(work.submit_s[-1]) + 1

    def run():
        state = core.new_state(work, plant, nothing, rules)
        core.advance(state, work, plant, nothing, rules, until_s)
        return state

    state = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    benchmark.extra_info["jobs_per_s"] = round(work.submit_s.size / benchmark.stats["min"])
    benchmark.extra_info["most_waiting"] = int(state.row_counts[:, 2].max())


@pytest.mark.parametrize("nodes", [191, 600, 1000, 3000, 10_000])
def test_nodes(benchmark, gefion, nodes):
    """The national workload scaled to so many nodes, 300,000 jobs of it."""
    core, workload = kernels(), read_workload("national")
    days = 2 + round(24_000 / nodes)
    jobs = draw_jobs(workload.record, nodes * 8, 8, days * 86_400, 3600, SEED).take(np.arange(300_000))
    work = work_of(core, loaded(gefion, jobs))
    _advance(benchmark, core, work, nodes, core.by_submission())


@pytest.mark.parametrize("load", [0.8, 0.95, 1.1, 1.3])
def test_queue_depth(benchmark, gefion, load):
    """The deeper the queue, the more there is to look through."""
    core, workload = kernels(), read_workload("national")
    record = workload.record.model_copy(update={"load_fraction": load})
    jobs = draw_jobs(record, gefion.gpus_count, 8, YEAR_S // 4, 3600, SEED)
    work = work_of(core, loaded(gefion, jobs, record=record))
    _advance(benchmark, core, work, gefion.nodes_count, core.by_submission())


def test_priorities(benchmark, gefion, year):
    """Fifty accounts, worked out anew every 300 s.  Bar: 300,000 jobs a second."""
    core = kernels()
    work = work_of(core, loaded(gefion, year))
    work = work._replace(account=np.arange(len(year)) // 7 % 50)
    rules = core.Rules(
        1, 1000.0, 7 * 86_400.0, 10_000.0, 14 * 86_400.0, 300, np.ones(50), np.zeros(0, np.int64), np.zeros(0)
    )
    _advance(benchmark, core, work, gefion.nodes_count, rules)


@pytest.mark.parametrize("kind", ["none", "easy", "conservative"])
def test_pool(benchmark, gefion, year, kind):
    """The same jobs in a flat pool; conservative plans the first 100.  Bars: 2 million jobs a second, and 100,000."""
    policy = Policy(name="bench", title="bench", backfill=Backfill(kind=kind, jobs_count=100))
    arguments = (year.submit_s, year.gpus, year.run_s, year.requested_s, gefion.gpus_count, policy)
    benchmark.pedantic(run_pool, arguments, rounds=3, warmup_rounds=1)
    benchmark.extra_info["jobs_per_s"] = round(len(year) / benchmark.stats["min"])


@pytest.mark.parametrize("load", [0.5, 0.85, 0.95])
def test_load(benchmark, gefion, load):
    """A longer queue costs more: the core at three loads."""
    record = read_workload("national").record.model_copy(update={"load_fraction": load})
    jobs = draw_jobs(record, gefion.gpus_count, 8, YEAR_S // 4, 3600, SEED)
    benchmark.pedantic(by_core, (gefion, loaded(gefion, jobs, record=record), YEAR_S // 4), rounds=3, warmup_rounds=1)
    benchmark.extra_info["jobs_per_s"] = round(len(jobs) / benchmark.stats["min"])


@pytest.mark.parametrize("name", ["preemption", "without-preemption"])
def test_controller(benchmark, gefion, name):
    """A quarter of a year by the controller, backfill every 30 s."""
    policy, workload = read_policy(name).record, read_workload("national").record
    jobs = draw_jobs(workload, gefion.gpus_count, 8, YEAR_S // 4, 3600, SEED)
    load = loaded(gefion, jobs, policy)
    faults = draw_node_events(gefion.reliability, gefion.nodes_count, YEAR_S // 4, SEED)
    arguments = (gefion, policy, workload, load, faults, YEAR_S // 4, None)
    benchmark.pedantic(run_controller, arguments, rounds=1, warmup_rounds=1)
    benchmark.extra_info["jobs_per_s"] = round(len(jobs) / benchmark.stats["min"])
