"""A user's own policy: the reference engine against the core, orders against choices, and nonsense that is named."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate.test_controller import WHOLE, cluster_of, trace_of
from simulate.test_core import WATTS, agree, cases, held_on
from support.naive import Naive

import terp
from terp.connect import read_trace
from terp.describe import OWN_POLICIES, read_policy
from terp.errors import Problems, TerpError
from terp.simulate import schedule_pool
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.core.core_state import Count
from terp.simulate.engine.own_policy import ClusterView, PolicyJobs, WaitingJob, own_policy, ranks_by
from terp.simulate.engine.reference_engine import PowerLevels, ReferenceEngine
from terp.simulate.engine.shared.node_events import NodeEvents, no_events
from terp.simulate.engine.trace_schedule import TraceExtras

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_policy.py"


@pytest.fixture(autouse=True)
def _nobodys_policies():
    """What a test registers is gone after it."""
    before = dict(OWN_POLICIES)
    yield
    OWN_POLICIES.clear()
    OWN_POLICIES.update(before)


# --- the reference engine is the core, for a policy that says what the core says ------------------------------------------


class AsNaive(Naive):
    """EASY backfill of the naive twin, which looks at a ClusterView and notes what it would start."""

    def __init__(self, nodes, per_node):
        super().__init__(nodes, per_node, [], [])

    def choose(self, waiting, cluster, now):
        jobs = {}
        for job in [*waiting, *(running.job for running in cluster.running)]:
            jobs[job.index] = NaiveJob(job)
        self.waiting = [jobs[job.index] for job in waiting]
        self.running = []
        for running in cluster.running:
            job = jobs[running.job.index]
            job.start, job.nodes = running.start_s, list(running.nodes)
            self.running.append(job)
        self.shut = {
            node
            for node, free in enumerate(cluster.free_gpus)
            if free < 0 and not any(node in r.nodes for r in cluster.running)
        } | self.draining
        before = len(self.running)
        self.schedule(now)
        return [(job.number, job.nodes) for job in self.running[before:]]

    draining: set = frozenset()

    @property
    def closed(self):
        return self.shut

    def affordable(self, *_):
        return True


class NaiveJob:
    def __init__(self, job):
        self.number, self.limit = job.index, job.requested_s
        self.gpus = job.gpus_count * job.nodes_count
        self.first_start, self.start, self.nodes = -1, -1, []

    @property
    def requested_end(self):
        return self.start + self.limit


def referenced(case, choose):
    """The reference engine on a case of the core's."""
    nodes, per_node, jobs, events, horizon = case
    trace = trace_of(
        [
            {
                "submit": job.submit, "run": job.work, "limit": job.limit, "nodes": max(job.gpus // per_node, 1),
                "gpus": min(job.gpus, per_node), "exclusive": job.gpus >= per_node,
            }
            for job in jobs
        ]
    )  # fmt: skip
    extras = TraceExtras(
        *(np.array([getattr(job, name) for job in jobs], np.int64) for name in ("checkpoint", "write", "restart")),
        WATTS[3] * np.array([job.gpus for job in jobs], float),
    )
    table = np.array(events, np.int64).reshape(-1, 4)
    turns = NodeEvents(*(table[:, place].copy() for place in (0, 2, 1, 3)))
    power = PowerLevels(WATTS[1], WATTS[2], WATTS[0])
    policy = own_policy("as-naive", choose)
    engine = ReferenceEngine(policy, cluster_of([per_node] * nodes, cores=0), trace, extras, turns, power)
    for until_s in (horizon // 3, horizon):
        engine.advance(until_s)
    return engine


@settings(max_examples=60, deadline=None)
@given(cases(writes=(0, 1, 4)))
def test_easy_as_a_choice_is_the_core(case):
    """Starts, ends, losses, power and every count of the timeline, with failures and checkpoints that take time."""
    state = agree(kernels(), case)
    engine = referenced(case, AsNaive(*case[:2]).choose)
    assert [job.first_start_s for job in engine.jobs] == state.first_start_s.tolist()
    assert [job.end_s for job in engine.jobs] == state.end_s.tolist()
    assert [job.lost_s for job in engine.jobs] == state.lost_s.tolist()
    assert [job.view.restarts_count for job in engine.jobs] == state.restarts.tolist()
    count = int(state.n[Count.ROWS])
    columns = (state.row_time[:count], state.row_counts[:count], state.row_power[:count])
    told = {at_s: (counts, power_w) for at_s, counts, power_w in zip(*(column.tolist() for column in columns), strict=True)}
    rows = {row.time_s: (list(row.counts), row.power_w) for row in engine.timeline}
    moments = sorted({0, *rows})
    assert held_on(rows, moments) == held_on(told, moments)


@settings(max_examples=40, deadline=None)
@given(cases(drains=True), st.randoms(use_true_random=False))
def test_whatever_a_choice_starts_no_node_holds_too_much(case, random):
    """A choice that starts anything that fits, in any order: capacity, time and counts hold all the same."""
    nodes, per_node, jobs, _, horizon = case

    def choose(waiting, cluster, now):
        for job in random.sample(waiting, len(waiting)):
            with_it = cluster.with_started(job)
            if with_it is not None and random.random() < 0.8:
                yield job.index
                cluster = with_it

    engine = referenced(case, choose)
    held = np.zeros((nodes, horizon), np.int64)
    for attempt in engine.attempts:
        job = engine.jobs[attempt.job_index].view
        assert attempt.start_s >= job.submit_s
        assert len(set(attempt.nodes)) == job.nodes_count
        held[list(attempt.nodes), attempt.start_s : horizon if attempt.end_s < 0 else attempt.end_s] += job.gpus_count
    assert held.max(initial=0) <= per_node
    times = np.append([row.time_s for row in engine.timeline], horizon)
    assert (np.repeat([row.counts[0] for row in engine.timeline], np.diff(times)) == held.sum(0)).all()
    ran = np.bincount(
        [a.job_index for a in engine.attempts],
        [(a.end_s if a.end_s >= 0 else horizon) - a.start_s for a in engine.attempts],
        len(jobs),
    )
    for job, seconds in zip(engine.jobs, ran.tolist(), strict=True):
        if job.outcome == 0 and job.end_s >= 0:
            assert seconds == job.work_s + job.lost_s


def test_a_drained_node_runs_empty_goes_down_and_comes_back():
    engine = referenced((1, 4, [], [], 100), lambda *_: [])
    assert engine.attempts == []
    trace = trace_of([{"gpus": 1, "run": 20}, {"gpus": 1, "submit": 6, "run": 5, "limit": 5}])
    turns = NodeEvents(*(np.array([value], np.int64) for value in (5, 0, 2, 7)))
    engine = ReferenceEngine(own_policy("f", first_come), cluster_of([4]), trace, TraceExtras(), turns)
    engine.advance(1000)
    assert [job.first_start_s for job in engine.jobs] == [0, 27]
    assert {row.time_s: row.counts[4:] for row in engine.timeline} == {
        0: (0, 0), 5: (0, 1), 6: (0, 1), 20: (1, 0), 27: (0, 0), 32: (0, 0),
    }  # fmt: skip


def first_come(waiting, cluster, now):
    """First come, first served, without backfill."""
    for job in waiting:
        cluster = cluster.with_started(job)
        if cluster is None:
            return
        yield job


def test_dependencies_and_arrays_are_minded_for_the_policy():
    jobs = [{"gpus": 1}, {"gpus": 1, "after": 0}, *[{"gpus": 1, "array": 3, "array_limit": 1, "submit": 1}] * 2]
    engine = ReferenceEngine(own_policy("f", first_come), cluster_of([4]), trace_of(jobs), TraceExtras(), no_events())
    engine.advance(1000)
    assert [job.first_start_s for job in engine.jobs] == [0, 10, 1, 11]


# --- orders ---------------------------------------------------------------------------------------------------------------


def waits(run):
    return run.jobs["wait_s"].to_pylist()


def test_an_order_by_submission_is_easy():
    terp.extend.policy("by-submission", by="order")(lambda jobs: jobs.submit_s)
    run, easy = (terp.simulate.year("gefion", days=2, seed=3, load="120 %", policy=name) for name in ("by-submission", None))
    assert waits(run) == waits(easy)
    assert sum(filter(None, waits(run))) > 0
    assert run.summary.policy == "by-submission"


def test_an_order_is_minded_in_a_year_and_in_a_replay(tmp_path):
    @terp.extend.policy("widest-first", by="order")
    def widest(jobs):
        return -jobs.gpus_count

    terp.extend.policy("again", by="order")(lambda jobs: jobs.submit_s * 0)
    wide, again = (terp.simulate.year("gefion", days=2, seed=3, load="130 %", policy=name) for name in (widest, "again"))
    gpus, submit_s = (np.array(wide.jobs[name].to_pylist()) for name in ("gpus_count", "submit_s"))

    def mean_wait_s(run):
        """Of wide jobs, those that still wait at the end as well."""
        waited = [2 * 86_400 - at if wait is None else wait for wait, at in zip(waits(run), submit_s.tolist(), strict=True)]
        return np.array(waited)[gpus >= 64].mean()

    assert mean_wait_s(wide) < mean_wait_s(again)
    rows = [(0, 3, 100), (1, 1, 10), (2, 2, 10), (3, 1, 10)]
    path = tmp_path / "trace.swf"
    path.write_text(
        "".join(
            f"{k + 1} {at} -1 {run} {units} -1 -1 {units} {run} -1 1 1 1 1 1 1 -1 -1\n"
            for k, (at, units, run) in enumerate(rows)
        )
    )
    trace = read_trace(path, unit="node")
    small = terp.simulate.replay(trace, "eos", site="copenhagen", policy=widest, failures=False)
    expected = schedule_pool(
        [0, 1, 2, 3], [3, 1, 2, 1], [100, 10, 10, 10], [100, 10, 10, 10], 576, read_policy("easy").record, [-3, -1, -2, -1]
    )
    assert small.summary.engine == "pool"
    assert small.trace.start_s.tolist() == expected.tolist()
    with pytest.raises(Problems, match="widest-first: an order is replayed where nothing fails"):
        terp.simulate.replay(trace, "eos", site="copenhagen", policy=widest)


# --- by name, by function, in a year and in a replay -----------------------------------------------------------------------


def test_a_policy_goes_by_name_and_function_for_a_year_and_a_replay():
    terp.extend.policy("first-come")(first_come)
    by_name, by_function = (
        terp.simulate.year("gefion", days=1, seed=2, policy=policy) for policy in ("first-come", first_come)
    )
    assert by_name.jobs.equals(by_function.jobs)
    assert by_name.origin["controls"]["policy"] == "first-come"
    jobs = [{"gpus": 8, "run": 10 + k, "limit": 20, **WHOLE} for k in range(5)]
    done = terp.simulate.replay(trace_of(jobs), "gefion", policy="first-come", failures=False)
    assert done.summary.engine == "reference"
    assert done.trace.start_s.tolist() == [0] * 5
    assert terp.policy("first-come").record is terp.policy(first_come).record
    with pytest.raises(TerpError, match="did you mean 'first-come'"):
        terp.policy("first-comes")
    with pytest.raises(Problems, match="a function that is no policy, found test_a"):
        terp.policy(test_a_policy_goes_by_name_and_function_for_a_year_and_a_replay)


def test_names_and_kinds_that_cannot_be():
    with pytest.raises(TerpError, match="easy"):
        terp.extend.policy("easy")
    with pytest.raises(TerpError, match="Not A Name"):
        terp.extend.policy("Not A Name")
    with pytest.raises(Problems, match="no such kind of policy, found 'guess'"):
        terp.extend.policy("x", by="guess")(first_come)
    with pytest.raises(Problems, match="a policy is a function"):
        terp.extend.policy("x")(7)


# --- nonsense --------------------------------------------------------------------------------------------------------------


def raises(waiting, cluster, now):
    raise ZeroDivisionError("by my own fault")


def late(waiting, cluster, now):
    yield waiting[0]
    raise KeyError("too late")


NONSENSE = {
    "failed: ZeroDivisionError: by my own fault, found job 0, the first to wait, at day 0 00:00:05": raises,
    "failed: KeyError: 'too late'": late,
    "answered None, which is no list of jobs": None,
    "answered 'all', which is no list of jobs": "all",
    r"answered 1\.5, which is no job": [1.5],
    "answered True, which is no job": [True],
    r"no job that waits has this number, found job 99 at day 0 00:00:05 \(5 s\)": [99],
    "it runs already, found job 0": [0, 0],
    "takes 2 nodes with room for it, and fewer are free, found job 1": [0, 1],
    r"takes 1 nodes, and was given \[0, 1\]": [(0, [0, 1])],
    r"takes 2 nodes, and was given \[1, 1\]": [(1, [1, 1])],
    "there is no node 7": [(0, [7])],
    "there is no node -1": [(0, [-1])],
    "node 0 has no room for it, found job 1": [(0, [0]), (1, [0, 1])],
    "nodes must be numbers, and are 'x'": [(0, "x")],
}


@pytest.mark.parametrize("wrong", NONSENSE)
def test_nonsense_is_named_with_policy_job_and_time(wrong):
    answer = NONSENSE[wrong]
    jobs = [{"submit": 5, "gpus": 1}, {"submit": 5, "nodes": 2, "gpus": 4, **WHOLE}]
    policy = own_policy("nonsense", answer if callable(answer) else lambda *_: answer)
    engine = ReferenceEngine(policy, cluster_of([4, 4]), trace_of(jobs), TraceExtras(), no_events())
    with pytest.raises(Problems, match=wrong) as problem:
        engine.advance(1000)
    assert str(problem.value).startswith("policy nonsense: ")
    assert "(5 s)" in str(problem.value)


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        (lambda *_: 1 / 0, "the order failed: ZeroDivisionError: division by zero"),
        (lambda jobs: jobs.submit_s[1:], r"one number a job, found an array of shape \(\d+,\)"),
        (lambda jobs: np.where(jobs.submit_s > 0, np.nan, 0), r"no number, but nan, found job \d+ at day 0"),
        (lambda jobs: ["a"] * jobs.submit_s.size, "the order failed: ValueError"),
        (lambda jobs: jobs.submit_s.sort(), "the order failed: ValueError"),
    ],
)
def test_orders_that_are_none(order, wrong):
    terp.extend.policy("no-order", by="order")(order)
    with pytest.raises(Problems, match=f"policy no-order.*{wrong}"):
        terp.simulate.year("gefion", days=1, policy="no-order")


def test_what_is_shown_cannot_be_changed():
    def meddle(waiting, cluster, now):
        waiting[0].nodes_count = 0

    engine = ReferenceEngine(own_policy("meddle", meddle), cluster_of([4]), trace_of([{}]), TraceExtras(), no_events())
    with pytest.raises(Problems, match="policy meddle: the choice failed: FrozenInstanceError"):
        engine.advance(10)


def test_a_cap_of_the_machine_is_refused():
    terp.extend.policy("first-come")(first_come)
    with pytest.raises(Problems, match="first-come: caps of the machine's power are for"):
        terp.simulate.year("gefion", days=1, policy="first-come", power_cap="1 MW")


def test_the_example_runs(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["easy", "short-first", "smallest-first"]


def test_fitting_nodes_are_those_that_fit():
    """The nodes with room, the fullest first, by number among equals: for shares and whole nodes, cores and memory."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        free = [tuple(rng.integers(-1, 5, 6).tolist()) for _ in range(3)]
        jobs = tuple(rng.integers(0, 2, 6).tolist())
        cluster = ClusterView((4,) * 6, free[0], free[1], free[2], jobs, (0,) * 6, (), 0.0, 0)
        gpus, cores, memory, whole = (int(number) for number in rng.integers(0, 4, 4))
        job = WaitingJob(0, 0, 1, 1, gpus, cores, memory, whole > 1, 0.0, "", "", "", "")
        fitting = [node for node in range(6) if cluster.fits_on(job, node)]
        assert cluster.fitting_nodes(job) == tuple(sorted(fitting, key=lambda node: (free[0][node], node)))


def test_what_an_order_is_shown_is_still_the_engines_own():
    """The engines' arrays stay writable: kernels are compiled for those, and would be compiled anew for others."""
    jobs = PolicyJobs(*(np.arange(3) for _ in range(5)))
    policy = own_policy("last-first", lambda jobs: -jobs.submit_s, by="order")
    assert ranks_by(policy, jobs).tolist() == [0, -1, -2]
    assert all(column.flags.writeable for column in jobs)
