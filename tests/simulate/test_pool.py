"""The compiled pool against a naive reference, against published figures, and against the defects of other tools."""

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.naive_pool import WRONGS, Job, Pool

from terp.describe import Backfill, Policy, Priority, read_policy
from terp.errors import Problems
from terp.simulate import run_pool, schedule_pool
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.core.core_state import CorePlant, by_submission, make_jobs, new_core_state
from terp.simulate.engine.shared.node_events import no_events

DATA = Path(__file__).parents[1] / "data"


def policy_of(kind, depth=1_000_000, resolution=1):
    backfill = Backfill(kind=kind, jobs_count=depth, resolution_s=f"{resolution} s")
    return Policy(name="test", title="test", backfill=backfill)


def compiled(jobs, units, kind, depth=1_000_000, resolution=1):
    columns = ([getattr(job, name) for job in jobs] for name in ("submit", "units", "run", "limit"))
    return run_pool(*columns, units, policy_of(kind, depth, resolution), [job.rank for job in jobs])


def starts(jobs, units, kind="easy"):
    return compiled(jobs, units, kind).start_s.tolist()


def made(*rows):
    """Jobs of (submit, units, run, limit)."""
    return [Job(number, *row) for number, row in enumerate(rows)]


def wrongly(wrong, units, *rows):
    """Start times by an implementation with a defect."""
    assert wrong in WRONGS
    return Pool(units, made(*rows), "easy", wrong=wrong).go()


# --- cross-check with other code ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_easy_gives_the_figures_of_three_prototypes():
    """Mean wait 7606.5 s, bounded slowdown 15.970: C++, numba and naive Python agreed on them before this was written."""
    with gzip.open(DATA / "node10k.swf.gz", "rt") as lines:
        rows = np.array([[int(word) for word in line.split()] for line in lines if not line.startswith(";")])
    submit, run, units, limit = rows[:, 1], rows[:, 3], rows[:, 7], rows[:, 8]
    done = run_pool(submit, units, run, limit, 191, read_policy("easy").record)
    wait = done.start_s - submit
    slowdown = np.maximum(1, (wait + run) / np.maximum(10, run))
    assert f"{wait.mean():.1f} {slowdown.mean():.3f}" == "7606.5 15.970"
    assert done.most_units_count == 191
    core = kernels()
    jobs = make_jobs(submit, units, run, limit, 0 * run, 0 * run, 0.0 * run)
    nothing, plant, rules = (
        no_events(),
        CorePlant(191, 1, 0.0, 0.0, 0.0),
        by_submission(),
    )
    state = new_core_state(jobs, plant, nothing, rules)
    core.advance(state, jobs, plant, nothing, rules, 2**40)
    assert (state.first_start_s == done.start_s).all(), "the core with nodes of one GPU is the same pool"


# --- cross-check with the naive reference -------------------------------------------------------------------------


@st.composite
def cases(draw):
    units = draw(st.integers(1, 12))
    jobs, submit = [], 0
    ranked = draw(st.booleans())
    for number in range(draw(st.integers(1, 40))):
        submit += draw(st.sampled_from([0, 0, 1, 3, 20]))
        limit = draw(st.integers(1, 60))
        size = draw(st.integers(1, units))
        rank = draw(st.sampled_from([0.0, 1.0, 2.5])) if ranked else 0.0
        jobs.append(Job(number, submit, size, draw(st.integers(0, limit + 5)), limit, rank))
    return units, jobs


@settings(max_examples=300, deadline=None)
@given(
    cases(), st.sampled_from(["none", "easy", "conservative"]), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([1, 7, 30])
)
def test_no_start_differs_from_the_naive_reference(case, kind, depth, resolution):
    units, jobs = case
    done = compiled(jobs, units, kind, depth, resolution)
    naive = Pool(units, jobs, kind, depth, resolution)
    assert done.start_s.tolist() == naive.go()
    counts = (done.most_units_count, done.most_running_count, done.most_waiting_count)
    assert counts == (naive.most_units, naive.most_running, naive.most_waiting)


@pytest.mark.parametrize("kind", ["none", "easy", "conservative"])
@pytest.mark.parametrize("ranked", [False, True])
def test_no_start_differs_where_many_wait(kind, ranked):
    """Long queues with gaps, whole blocks of which are skipped; fewer jobs where the reference takes their fourth power."""
    rng = np.random.default_rng(5)
    sizes = rng.choice([1, 2, 4, 8, 16], 80 if kind == "conservative" else 400)
    jobs = [
        Job(n, n // 3, int(size), int(rng.integers(1, 90)), 100, float(rng.integers(5)) if ranked else 0.0)
        for n, size in enumerate(sizes)
    ]
    assert starts(jobs, 16, kind) == Pool(16, jobs, kind).go()


# --- identities -----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from(["none", "easy", "conservative"]))
def test_no_more_than_the_pool_is_in_use(case, kind):
    units, jobs = case
    done = compiled(jobs, units, kind)
    assert (done.start_s >= [job.submit for job in jobs]).all()
    assert most_in_use(jobs, done.start_s) <= done.most_units_count <= units
    if all(job.run > 0 for job in jobs):
        assert most_in_use(jobs, done.start_s) == done.most_units_count


def most_in_use(jobs, start_s):
    """From start and end times alone."""
    changes = []
    for job, start in zip(jobs, start_s, strict=True):
        changes += [(start, 1, job.units), (start + min(job.run, job.limit), 0, -job.units)]
    used = most = 0
    for _, _, change in sorted(changes):
        used += change
        most = max(most, used)
    return most


def test_where_nobody_waits_all_policies_are_one():
    jobs = made(*((9 * n, 1 + n % 3, 8, 20) for n in range(50)))
    assert starts(jobs, 3, "none") == starts(jobs, 3, "easy") == starts(jobs, 3, "conservative") == [j.submit for j in jobs]


def test_jobs_of_lower_rank_stand_before_others():
    """Three wait for the one unit; the last to come has the lowest rank."""
    assert schedule_pool([0, 1, 2, 3], [1] * 4, [10] * 4, [10] * 4, 1, policy_of("easy"), [0, 2, 2, 1]).tolist() == [
        0,
        20,
        30,
        10,
    ]


def test_conservative_delays_none_where_easy_delays_the_second():
    """Three of four units are taken to 10, then two to 30, then all: one unit for 40 s delays not the head but the next."""
    rows = ((0, 3, 10, 10), (1, 2, 20, 20), (2, 4, 10, 10), (3, 1, 40, 40))
    assert starts(made(*rows), 4, "easy") == [0, 10, 43, 3]
    assert starts(made(*rows), 4, "conservative") == [0, 10, 30, 40]


def test_planning_is_as_deep_as_the_policy_says():
    """Of depth 1 the job behind the head is not looked at in the passes at 2 and at 10, though it fits."""
    rows = made((0, 3, 10, 10), (1, 2, 20, 20), (2, 1, 5, 5))
    assert compiled(rows, 4, "conservative", 1).start_s.tolist() == [0, 10, 30]
    assert compiled(rows, 4, "conservative", 2).start_s.tolist() == [0, 10, 2]


# --- what other tools have wrong: each test fails for an implementation that has the defect ------------------------


def test_extra_units_may_be_used_beyond_the_shadow_time():
    """Two of four units until 100, then the head takes three: the fourth is free for whoever takes one, however long."""
    rows = ((0, 2, 100, 100), (1, 3, 10, 10), (2, 1, 900, 1000))
    assert starts(made(*rows), 4) == [0, 100, 2]
    assert wrongly("no extra units", 4, *rows) == [0, 100, 100]


def test_the_shadow_time_moves_when_a_job_ends_early():
    """The head needs two units, of which one is free at 10 instead of 100: so it starts at 50, and nobody may overrun that."""
    rows = ((0, 1, 10, 100), (0, 1, 50, 50), (0, 2, 200, 200), (1, 2, 10, 10), (20, 1, 60, 60))
    assert starts(made(*rows), 4) == [0, 0, 0, 50, 60]
    assert wrongly("frozen shadow", 4, *rows) == [0, 0, 0, 80, 20]


def test_the_shadow_time_is_found_by_ends_and_not_by_lengths_of_running_jobs():
    """The longer job began long before, so that its units are the first to come free."""
    rows = ((0, 2, 100, 100), (80, 2, 60, 60), (81, 3, 10, 10), (82, 1, 30, 30))
    assert starts(made(*rows), 5) == [0, 80, 100, 110]
    assert wrongly("running sorted by length", 5, *rows) == [0, 80, 112, 82]


def test_estimates_are_requested_and_not_true_run_times():
    """The last job would be gone in time by its true run time; but it asks for more, and nobody knows."""
    rows = ((0, 2, 100, 100), (1, 4, 10, 10), (2, 1, 5, 500))
    assert starts(made(*rows), 4) == [0, 100, 110]
    assert wrongly("true run times of waiting jobs", 4, *rows) == [0, 100, 2]


def test_nobody_overtakes_a_head_that_would_wait_longer_for_it():
    rows = ((0, 2, 100, 100), (1, 4, 10, 10), (2, 1, 500, 500))
    assert starts(made(*rows), 4) == [0, 100, 110]
    assert wrongly("head unprotected", 4, *rows) == [0, 502, 2]


def test_what_a_pass_starts_is_taken_from_the_pool_at_once():
    """Over-subscription: utilisation hides it, the most units in use show it."""
    rows = ((0, 3, 100, 100), (1, 4, 10, 10), (2, 1, 20, 20), (2, 1, 20, 20))
    done = compiled(made(*rows), 4, "easy")
    assert done.start_s.tolist() == [0, 100, 2, 22]
    assert done.most_units_count == most_in_use(made(*rows), done.start_s) == 4
    assert most_in_use(made(*rows), wrongly("chosen jobs stay free", 4, *rows)) == 5


@pytest.mark.slow
def test_a_job_is_ended_when_it_has_run_for_its_limit():
    """However late it started: the limit is a length and not a time of day."""
    rows = ((1000, 1, 500, 10), (1001, 1, 10, 10))
    assert starts(made(*rows), 1) == [1000, 1010]
    assert wrongly("limit as an absolute time", 1, *rows) == [1000, 1500]


class _WithHistory(Pool):
    """Keeps the units in use of every second, as tools that tick do."""

    def schedule(self, now):
        self.history = getattr(self, "history", [])
        self.history += [list(self.running) for _ in range(now - len(self.history))]
        super().schedule(now)


def test_memory_does_not_grow_with_the_time_that_passes():
    """The same jobs a hundred times as far apart take as many bytes; and fewer than 1 KB a job."""

    def peak_bytes(run, stretch):
        jobs = made(*((7 * stretch * n, 1, 5, 9) for n in range(300)))
        run(jobs)
        tracemalloc.start()
        run(jobs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    def right(jobs):
        compiled(jobs, 4, "easy")

    def wrong(jobs):
        _WithHistory(4, jobs, "easy").go()

    assert peak_bytes(right, 100) < 1.05 * peak_bytes(right, 1) < 300 * 1024
    assert peak_bytes(wrong, 100) > 10 * peak_bytes(wrong, 1)


def test_running_and_waiting_are_not_mistaken_for_each_other():
    """Three run and none waits; then one runs and two wait."""

    def counted(pool):
        pool.go()
        return pool.most_running, pool.most_waiting

    def mistaken(pool):
        return counted(pool)[::-1]

    for rows, expected in ((((0, 1, 9, 9),) * 3, (3, 0)), (((0, 3, 9, 9), (1, 3, 9, 9), (2, 3, 9, 9)), (1, 2))):
        done = compiled(made(*rows), 3, "easy")
        assert (done.most_running_count, done.most_waiting_count) == counted(Pool(3, made(*rows), "easy")) == expected
        assert mistaken(Pool(3, made(*rows), "easy")) != expected


# --- mistakes are named, all at once -----------------------------------------------------------------------------------


def test_what_cannot_run_is_named_at_once():
    policy = Policy(
        name="x", title="x", order="multifactor", priority=Priority(), backfill=Backfill(interval_s="30 s", planning="slurm")
    )
    with pytest.raises(Problems) as found:
        run_pool([5, 3], [1, 9], [1, -1], [1, 0], 8, policy)
    paths = [problem.path for problem in found.value.problems]
    assert paths == ["backfill.interval_s", "backfill.planning", "limit_s", "order", "run_s", "submit_s", "units"]
    with pytest.raises(Problems, match="unlike length"):
        run_pool([5], [1, 9], [1], [1], 8, policy_of("easy"))
    with pytest.raises(Problems, match="rank: must have one entry a job, found 3"):
        run_pool([5], [1], [1], [1], 8, policy_of("easy"), [1, 2, 3])


def test_no_jobs_are_no_mistake():
    assert run_pool([], [], [], [], 8, policy_of("easy")).start_s.size == 0


# --- the same code with compilation off --------------------------------------------------------------------------


@pytest.mark.slow
def test_compilation_changes_nothing():
    rng = np.random.default_rng(3)
    rows = [(2 * n, int(rng.integers(1, 9)), int(rng.integers(1, 90)), 90) for n in range(80)]
    expected = [starts(made(*rows), 8, kind) for kind in ("none", "easy", "conservative")]
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from simulate.test_pool import made, starts
print([starts(made(*{rows!r}), 8, kind) for kind in ("none", "easy", "conservative")])
"""
    environment = {"NUMBA_DISABLE_JIT": "1", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == str(expected)
