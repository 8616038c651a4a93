"""The compiled core against a naive reference, against published figures, and against conservation."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate.naive import Job, Naive

from terp.simulate.kernels import kernels

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def core():
    return kernels()


def run_core(core, nodes, per_node, jobs, events=(), horizon=2**40, steps=1):
    """Runs the core on lists; `jobs` as Job records, `events` as (time, up, node)."""

    def column(name):
        return np.array([getattr(job, name) for job in jobs], np.int64)

    power = 0.125 * column("gpus").astype(float)
    work = core.Jobs(*(column(name) for name in ("submit", "gpus", "work", "limit", "checkpoint", "restart")), power)
    table = np.array(events, np.int64).reshape(-1, 3)
    turns = core.NodeEvents(table[:, 0].copy(), table[:, 2].copy(), table[:, 1].copy())
    plant = core.Plant(nodes, per_node, 100.0, 10.0, 1000.0)
    state = core.new_state(work, plant, turns)
    for step in range(1, steps + 1):
        core.advance(state, work, plant, turns, horizon * step // steps)
    core.close(state, horizon)
    return work, plant, state


# --- cross-check with other code ---------------------------------------------------------------------------------


def test_easy_backfill_gives_the_figures_of_three_prototypes(core):
    """10,000 jobs on 191 whole nodes: mean wait 7606.5 s, bounded slowdown 15.970, as a correct EASY gives.

    The trace is synthetic and ours; C++, numba and naive Python prototypes agreed on these digits before this core
    was written (mean wait 7606.5, bounded slowdown 15.970, at most 191 nodes in use).
    """
    with gzip.open(DATA / "node10k.swf.gz", "rt") as lines:
        rows = np.array([[int(word) for word in line.split()] for line in lines if not line.startswith(";")])
    jobs = [Job(n, submit=row[1], gpus=row[7], work=row[3], limit=row[8]) for n, row in enumerate(rows.tolist())]
    _, _, state = run_core(core, 191, 1, jobs)
    wait = state.first_start_s - rows[:, 1]
    slowdown = np.maximum(1, (wait + rows[:, 3]) / np.maximum(10, rows[:, 3]))
    assert f"{wait.mean():.1f}" == "7606.5"
    assert f"{slowdown.mean():.3f}" == "15.970"
    assert state.row_counts[:, 0].max() == 191


# --- cross-check with the naive reference -------------------------------------------------------------------------


@st.composite
def cases(draw):
    per_node = draw(st.sampled_from([1, 2, 4, 8]))
    nodes = draw(st.integers(1, 6))
    sizes = [*range(1, per_node), *(per_node * whole for whole in range(1, nodes + 1))]
    jobs = []
    submit = 0
    for number in range(draw(st.integers(1, 40))):
        submit += draw(st.integers(0, 12))
        limit = draw(st.integers(1, 60))
        jobs.append(
            Job(
                number,
                submit=submit,
                gpus=draw(st.sampled_from(sizes)),
                work=draw(st.integers(1, limit + 5)),
                limit=limit,
                checkpoint=draw(st.sampled_from([0, 0, 3, 7])),
                restart=draw(st.sampled_from([0, 2])),
            )
        )
    events = []
    for node in range(nodes):
        at = 0
        for _ in range(draw(st.integers(0, 2))):
            at += draw(st.integers(1, 80))
            back = at + draw(st.integers(1, 40))
            events += [(at, 0, node), (back, 1, node)]
            at = back + 1
    return nodes, per_node, jobs, sorted(events), draw(st.integers(50, 2000))


@settings(max_examples=400, deadline=None)
@given(cases())
def test_no_start_differs_from_the_naive_reference(core, case):
    nodes, per_node, jobs, events, horizon = case
    _, _, state = run_core(core, nodes, per_node, jobs, events, horizon, steps=3)
    naive = Naive(nodes, per_node, jobs, events)
    naive.run(horizon)
    assert state.first_start_s.tolist() == [job.first_start for job in jobs]
    assert state.end_s.tolist() == [job.end for job in jobs]
    assert state.lost_s.tolist() == [job.lost for job in jobs]
    running = {int(state.slot_job[slot]) for slot in np.flatnonzero(state.slot_attempt >= 0)}
    assert running == {job.number for job in naive.running}


# --- identities -----------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(cases())
def test_nothing_is_used_twice_and_nothing_is_lost(core, case):
    nodes, per_node, jobs, events, horizon = case
    work, plant, state = run_core(core, nodes, per_node, jobs, events, horizon)
    attempts = int(state.n[core.ATTEMPTS])
    job_of, start, end = state.attempt_job[:attempts], state.attempt_start[:attempts], state.attempt_end[:attempts]
    assert (start >= work.submit_s[job_of]).all(), "nothing starts before it is submitted"
    assert (end >= start).all()
    held = np.zeros((nodes, horizon), np.int64)
    for attempt in range(attempts):
        used = state.attempt_nodes[state.attempt_nodes_from[attempt] : state.attempt_nodes_from[attempt + 1]]
        gpus = work.gpus[job_of[attempt]]
        assert len(set(used.tolist())) == len(used) == max(gpus // per_node, 1)
        held[used, start[attempt] : end[attempt]] += min(gpus, per_node)
    assert held.max(initial=0) <= per_node, "no node over its capacity"
    for time, up, node in events:
        back = next((t for t, u, n in events if n == node and u and t > time), horizon)
        if not up and time < horizon:
            assert held[node, time : min(back, horizon)].sum() == 0, "nothing runs on a node that is down"
    rows = int(state.n[core.ROWS])
    times = np.append(state.row_time[:rows], horizon)
    busy = np.repeat(state.row_counts[:rows, 0], np.diff(times))
    assert (busy == held.sum(0)).all(), "the timeline tells what was held"
    ran = np.bincount(job_of, end - start, len(jobs))
    ended_well = state.outcome == core.DONE
    assert (ran[ended_well] == work.work_s[ended_well] + state.lost_s[ended_well]).all(), "time held = work + loss"
    arrived = int(state.n[core.ARRIVED])
    running = int(state.n[core.RUNNING])
    waiting = int(state.n[core.WAITING])
    assert (state.end_s >= 0).sum() + running + waiting == arrived == (work.submit_s < horizon).sum()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_energy_is_the_integral_of_power(core, case):
    """Power of nodes by state and of attempts, added up apart, is the timeline's integral to the last joule."""
    nodes, per_node, jobs, events, horizon = case
    work, plant, state = run_core(core, nodes, per_node, jobs, events, horizon)
    rows, attempts = int(state.n[core.ROWS]), int(state.n[core.ATTEMPTS])
    duration = np.diff(np.append(state.row_time[:rows], horizon))
    integral = (state.row_power[:rows] * duration).sum()
    down_s = sum(min(back, horizon) - min(at, horizon) for at, back in _outages(events))
    static = plant.base_w * horizon + plant.idle_w * (nodes * horizon - down_s) + plant.down_w * down_s
    length = state.attempt_end[:attempts] - state.attempt_start[:attempts]
    dynamic = (work.power_w[state.attempt_job[:attempts]] * length).sum()
    assert integral == pytest.approx(static + dynamic, abs=1e-6)


def _outages(events):
    by_node = {}
    for time, up, node in events:
        if up:
            yield by_node.pop(node), time
        else:
            by_node[node] = time


# --- the same code with compilation off --------------------------------------------------------------------------


def test_compilation_changes_nothing(core):
    rng = np.random.default_rng(3)
    jobs = [
        Job(n, submit=3 * n, gpus=int(rng.choice([1, 2, 4, 8, 16])), work=int(rng.integers(1, 200)), limit=200)
        for n in range(60)
    ]
    events = [(50, 0, 1), (90, 1, 1), (120, 0, 0), (150, 1, 0)]
    _, _, state = run_core(core, 3, 8, jobs, events, 5000)
    fields = [(job.submit, job.gpus, job.work, job.limit) for job in jobs]
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from simulate.naive import Job
from simulate.test_core import run_core
from terp.simulate import core
jobs = [Job(n, *row) for n, row in enumerate({fields!r})]
_, _, state = run_core(core, 3, 8, jobs, {events!r}, 5000)
print(state.first_start_s.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"NUMBA_DISABLE_JIT": "1", "PATH": ""},
    )
    assert done.stdout.strip() == str(state.first_start_s.tolist())


# --- theory, within a standard error ------------------------------------------------------------------------------


def test_waits_of_single_node_jobs_are_erlangs(core):
    """M/M/c: Poisson arrivals and exponential run times on c nodes wait C(c, a) s / (c - a) on average (Erlang C)."""
    nodes, service_s, load = 8, 10_000.0, 0.8
    offered = nodes * load
    terms = [1.0]
    for k in range(1, nodes):
        terms.append(terms[-1] * offered / k)
    last = terms[-1] * offered / nodes / (1 - load)
    theory_s = last / (sum(terms) + last) * service_s / (nodes - offered)
    means = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        count = 20_000
        submit = np.cumsum(rng.exponential(service_s / offered, count)).astype(np.int64)
        run = np.maximum(rng.exponential(service_s, count), 1).astype(np.int64)
        jobs = [Job(n, int(at), 1, int(length), 10**9) for n, (at, length) in enumerate(zip(submit, run, strict=True))]
        _, _, state = run_core(core, nodes, 1, jobs)
        means.append((state.first_start_s - submit)[2000:].mean())
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert error < 0.03 * theory_s, "else the test proves nothing"
    assert abs(np.mean(means) - theory_s) < 4 * error
