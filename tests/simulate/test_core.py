"""The compiled core against a naive reference, against published figures, and against conservation."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.naive import Job, Naive, Ranks

from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.core.core_state import CorePlant, Count, by_submission, close_core_state, make_jobs, new_core_state
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.node_events import NodeEvents

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def core():
    return kernels()


WATTS = (1000.0, 100.0, 10.0, 0.125)  # base, idle and down node, busy GPU


def run_core(core, nodes, per_node, jobs, events=(), horizon=2**40, steps=1, ranks=None, caps=()):
    """Runs the core on lists; `jobs` as Job records, `events` as (time, kind, node, repair), `caps` as (time, watts)."""

    def column(name, kind=np.int64):
        return np.array([getattr(job, name) for job in jobs], kind)

    power = WATTS[3] * column("gpus").astype(float)
    said = {"write_s": column("write"), "account": column("account"), "standing": column("standing", float)}
    columns = (column(name) for name in ("submit", "gpus", "work", "limit", "checkpoint", "restart"))
    work = make_jobs(*columns, power, **said)
    table = np.array(events, np.int64).reshape(-1, 4)
    turns = NodeEvents(*(table[:, place].copy() for place in (0, 2, 1, 3)))
    rules = by_submission()._replace(
        cap_time_s=np.array([time for time, _ in caps], np.int64), cap_w=np.array([watts for _, watts in caps], float)
    )
    if ranks:
        weights = {"age_weight": ranks.age_weight, "max_age_s": ranks.max_age, "fair_weight": ranks.fair_weight}
        times = {"half_life_s": ranks.half_life, "calc_period_s": ranks.calc_period}
        rules = rules._replace(ranked=1, shares=np.array(ranks.shares), **weights, **times)
    plant = CorePlant(nodes, per_node, WATTS[1], WATTS[2], WATTS[0])
    state = new_core_state(work, plant, turns, rules)
    for step in range(1, steps + 1):
        core.advance(state, work, plant, turns, rules, horizon * step // steps)
    close_core_state(state, horizon)
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
def cases(draw, writes=(0,), accounts=1, *, drains=False):
    per_node = draw(st.sampled_from([1, 2, 4, 8]))
    nodes = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 35]))
    sizes = [*range(1, per_node), *(per_node * whole for whole in range(1, min(nodes, 6) + 1)), nodes * per_node]
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
                write=draw(st.sampled_from(writes)),
                account=draw(st.integers(0, accounts - 1)),
                standing=draw(st.sampled_from([0.0, 0.0, 30.0])) if accounts > 1 else 0.0,
            )
        )
    events = []
    for node in range(min(nodes, 6)):
        at = 0
        for _ in range(draw(st.integers(0, 2))):
            at += draw(st.integers(1, 80))
            back = at + draw(st.integers(1, 40))
            events += [(at, 0, node, 0), (back, 1, node, 0)]
            at = back + 1
        if drains and draw(st.booleans()):
            events.append((draw(st.integers(0, 120)), 2, node, draw(st.integers(1, 40))))
        if drains and draw(st.booleans()):  # an outage that may lie over another
            at = draw(st.integers(0, 120))
            events += [(at, 0, node, 0), (at + draw(st.integers(1, 40)), 1, node, 0)]
    return nodes, per_node, jobs, sorted(events), draw(st.integers(50, 2000))


@st.composite
def ranks(draw):
    return Ranks(
        age_weight=draw(st.sampled_from([0.0, 10.0, 100.0])),
        max_age=draw(st.sampled_from([5.0, 50.0, 1000.0])),
        fair_weight=draw(st.sampled_from([0.0, 50.0])),
        half_life=draw(st.sampled_from([0.0, 7.0, 100.0])),
        calc_period=draw(st.sampled_from([1, 10, 60])),
        shares=draw(st.sampled_from([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [5.0, 2.0, 1.0]])),
    )


@st.composite
def caps(draw, nodes, per_node):
    """Caps between what idles and what all draws."""
    most = 8 * WATTS[3] * nodes * per_node
    return [
        (time, WATTS[0] + WATTS[1] * nodes + draw(st.integers(0, 8)) / 64 * most)
        for time in sorted(draw(st.sets(st.integers(0, 150), max_size=3)))
    ]


def held_on(rows, moments):
    """A timeline's rows at moments: each holds until the next."""
    times = np.array(sorted(rows))
    return [rows[int(times[np.searchsorted(times, moment, side="right") - 1])] for moment in moments]


def agree(core, case, ranks=None, caps=()):
    nodes, per_node, jobs, events, horizon = case
    _, _, state = run_core(core, nodes, per_node, jobs, events, horizon, 3, ranks, caps)
    naive = Naive(nodes, per_node, jobs, events, ranks, caps, WATTS)
    naive.run(horizon)
    assert state.first_start_s.tolist() == [job.first_start for job in jobs]
    assert state.end_s.tolist() == [job.end for job in jobs]
    assert state.lost_s.tolist() == [job.lost for job in jobs]
    assert state.written_s.tolist() == [job.written for job in jobs]
    running = {int(state.slot_job[slot]) for slot in np.flatnonzero(state.slot_attempt >= 0)}
    assert running == {job.number for job in naive.running}
    attempts, rows = int(state.n[Count.ATTEMPTS]), int(state.n[Count.ROWS])
    told = dict(zip(state.row_time[:rows].tolist(), state.row_counts[:rows].tolist(), strict=True))
    moments = sorted({0, *told, *naive.rows})
    counts = held_on({0: [0] * 6} | naive.rows, moments)
    assert held_on(told, moments) == counts
    busy, _, _, _, down, _ = np.array(counts).T
    watts = WATTS[0] + WATTS[1] * (nodes - down) + WATTS[2] * down + WATTS[3] * busy
    powers = dict(zip(told, state.row_power[:rows].tolist(), strict=True))
    assert held_on(powers, moments) == watts.tolist()
    cuts = [(int(job), int(event)) for job, event in zip(state.attempt_job, state.attempt_event, strict=True) if event >= 0]
    assert sorted(cuts) == sorted((job.number, event) for job in jobs for event in job.cuts)
    assert ((state.attempt_event >= 0) == (state.attempt_outcome == AttemptEnd.NODE_FAILED))[:attempts].all()
    assert state.n[Count.DOWN] == len(naive.down)
    assert state.n[Count.DRAINING] == len(naive.drain)
    return state


@settings(max_examples=120, deadline=None)
@given(cases())
def test_no_start_differs_from_the_naive_reference(core, case):
    agree(core, case)


@settings(max_examples=120, deadline=None)
@given(cases(writes=(0, 1, 4), drains=True))
def test_no_start_differs_with_drains_and_checkpoints_that_take_time(core, case):
    agree(core, case)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(cases(writes=(0, 2), drains=True, accounts=3), ranks())
def test_no_start_differs_by_priority(core, case, ranks):
    agree(core, case, ranks)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_start_differs_under_a_cap_of_power(core, data):
    case = data.draw(cases(drains=True, accounts=3))
    state = agree(core, case, data.draw(st.none() | ranks()), data.draw(caps(*case[:2])))
    rows = int(state.n[Count.ROWS])
    assert (np.diff(state.row_time[:rows]) > 0).all()


@pytest.mark.parametrize("ranked", [False, True])
def test_no_start_differs_where_hundreds_wait(core, ranked):
    """Queues of many blocks with gaps, behind heads of whole nodes and of shares."""
    rng = np.random.default_rng(11)
    jobs = [
        Job(n, n // 4, int(rng.choice([1, 1, 2, 3, 4, 8, 12])), int(rng.integers(1, 30)), 30, 5, 1, 1, n % 3)
        for n in range(500)
    ]
    state = agree(core, (5, 4, jobs, [(40, 0, 1, 0), (90, 1, 1, 0), (100, 2, 3, 20)], 900),
                  Ranks(20.0, 200.0, 30.0, 100.0, 20, [3.0, 1.0, 1.0]) if ranked else None)  # fmt: skip
    assert state.row_counts[:, 2].max() > 300


# --- worked examples -------------------------------------------------------------------------------------------------


def test_a_drained_node_goes_down_once_empty_and_comes_back_by_itself(core):
    """Drained at 5 with a job to 20: nothing new until it is down from 20 to 27; the next job starts then."""
    jobs = [Job(0, 0, 1, 20, 20), Job(1, 6, 1, 5, 5)]
    _, _, state = run_core(core, 1, 4, jobs, [(5, 2, 0, 7)])
    assert state.first_start_s.tolist() == [0, 27]
    rows = int(state.n[Count.ROWS])
    down_draining = dict(zip(state.row_time[:rows].tolist(), state.row_counts[:rows, 4:].tolist(), strict=True))
    assert down_draining == {0: [0, 0], 5: [0, 1], 6: [0, 1], 20: [1, 0], 27: [0, 0], 32: [0, 0]}


def test_checkpoints_take_time_and_save_work(core):
    """10 s of work, a checkpoint of 2 s after every 3: cut at 9, one is whole; 7 are left with two more, and 1 s to resume."""
    _, _, state = run_core(core, 1, 1, [Job(0, 0, 1, 10, 99, 3, 1, 2)], [(9, 0, 0, 0), (20, 1, 0, 0)])
    assert state.attempt_start[:2].tolist() == [0, 20]
    assert state.end_s[0] == 20 + 1 + 7 + 2 * 2
    assert state.lost_s[0] == (9 - 3) + 1 + 4
    assert state.written_s[0] == 2 + 1 + 4
    assert state.attempt_event[:2].tolist() == [0, -1]


def test_the_account_that_used_least_for_its_shares_comes_first(core):
    """All used 10 s, and account 2 has twice the shares; account 1's use lies further back than account 0's."""
    jobs = [Job(n, n, 1, 10, 10, account=account) for n, account in enumerate((1, 0, 2))]
    jobs += [Job(n, 25, 1, 10, 10, account=n - 3) for n in (3, 4, 5)]
    _, _, state = run_core(core, 1, 1, jobs, ranks=Ranks(0.0, 1.0, 100.0, 100.0, 30, [1.0, 1.0, 2.0]))
    assert state.first_start_s.tolist() == [0, 10, 20, 50, 40, 30]


def test_power_keeps_back_what_is_large_and_lets_by_what_is_small(core):
    """Two nodes' worth of power until 50: the job of two waits though three are idle, the one after it does not."""
    jobs = [Job(0, 0, 8, 60, 60), Job(1, 1, 16, 10, 10), Job(2, 2, 8, 60, 60)]
    idle_w = WATTS[0] + 4 * WATTS[1]
    _, _, state = run_core(core, 4, 8, jobs, caps=[(0, idle_w + 16 * WATTS[3]), (50, idle_w + 32 * WATTS[3])])
    assert state.first_start_s.tolist() == [0, 50, 2]


# --- identities -----------------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(cases())
def test_nothing_is_used_twice_and_nothing_is_lost(core, case):
    nodes, per_node, jobs, events, horizon = case
    work, plant, state = run_core(core, nodes, per_node, jobs, events, horizon)
    attempts = int(state.n[Count.ATTEMPTS])
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
    for time, kind, node, _ in events:
        back = next((t for t, k, n, _ in events if n == node and k == 1 and t > time), horizon)
        if kind == 0 and time < horizon:
            assert held[node, time : min(back, horizon)].sum() == 0, "nothing runs on a node that is down"
    rows = int(state.n[Count.ROWS])
    times = np.append(state.row_time[:rows], horizon)
    busy = np.repeat(state.row_counts[:rows, 0], np.diff(times))
    assert (busy == held.sum(0)).all(), "the timeline tells what was held"
    ran = np.bincount(job_of, end - start, len(jobs))
    ended_well = state.outcome == AttemptEnd.DONE
    assert (ran[ended_well] == work.work_s[ended_well] + state.lost_s[ended_well]).all(), "time held = work + loss"
    arrived = int(state.n[Count.ARRIVED])
    running = int(state.n[Count.RUNNING])
    waiting = int(state.n[Count.WAITING])
    assert (state.end_s >= 0).sum() + running + waiting == arrived == (work.submit_s < horizon).sum()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_energy_is_the_integral_of_power(core, case):
    """Power of nodes by state and of attempts, added up apart, is the timeline's integral to the last joule."""
    nodes, per_node, jobs, events, horizon = case
    work, plant, state = run_core(core, nodes, per_node, jobs, events, horizon)
    rows, attempts = int(state.n[Count.ROWS]), int(state.n[Count.ATTEMPTS])
    duration = np.diff(np.append(state.row_time[:rows], horizon))
    integral = (state.row_power[:rows] * duration).sum()
    down_s = sum(min(back, horizon) - min(at, horizon) for at, back in _outages(events))
    static = plant.base_w * horizon + plant.idle_w * (nodes * horizon - down_s) + plant.down_w * down_s
    length = state.attempt_end[:attempts] - state.attempt_start[:attempts]
    dynamic = (work.power_w[state.attempt_job[:attempts]] * length).sum()
    assert integral == pytest.approx(static + dynamic, abs=1e-6)


def _outages(events):
    by_node = {}
    for time, kind, node, _ in events:
        if kind:
            yield by_node.pop(node), time
        else:
            by_node[node] = time


# --- the same code with compilation off --------------------------------------------------------------------------


@pytest.mark.slow
def test_compilation_changes_nothing(core):
    rng = np.random.default_rng(3)
    jobs = [
        Job(n, submit=3 * n, gpus=int(rng.choice([1, 2, 4, 8, 16])), work=int(rng.integers(1, 200)), limit=200)
        for n in range(60)
    ]
    events = [(50, 0, 1, 0), (90, 1, 1, 0), (120, 0, 0, 0), (150, 1, 0, 0), (160, 2, 2, 9)]
    _, _, state = run_core(core, 3, 8, jobs, events, 5000)
    fields = [(job.submit, job.gpus, job.work, job.limit) for job in jobs]
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support.naive import Job
from simulate.test_core import run_core
from terp.simulate.engine.compiled import kernels
jobs = [Job(n, *row) for n, row in enumerate({fields!r})]
_, _, state = run_core(kernels(), 3, 8, jobs, {events!r}, 5000)
print(state.first_start_s.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"NUMBA_DISABLE_JIT": "1", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == str(state.first_start_s.tolist())


# --- theory, within a standard error ------------------------------------------------------------------------------


@pytest.mark.slow
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
