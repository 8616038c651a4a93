"""The compiled controller against a naive reference, against what a real Slurm printed, and against conservation."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from support.naive_controller import AmbiguousError, Naive, numbers

from terp.describe import Cluster, Policy, Trace
from terp.simulate.engine import controller_input as rules
from terp.simulate.engine.compiled import kernels
from terp.simulate.engine.controller.controller_rows import (
    TIMELINE_TIME,
    AttemptRow,
    ControllerCount,
    JobRow,
    NodeRow,
    Request,
    RequestRate,
    Running,
    ShareRow,
)
from terp.simulate.engine.controller.controller_state import new_controller_state
from terp.simulate.engine.shared.codes import AttemptEnd
from terp.simulate.engine.shared.node_events import NodeEvents, no_events
from terp.simulate.engine.trace_schedule import TraceExtras, park_of, prepare, schedule

WHOLE = {"exclusive": True}
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def some(values, default=0):
    return np.array(values, np.int64) if values else np.zeros(0, np.int64)


def trace_of(jobs):
    """A trace of dictionaries, which say what differs from one node with nothing asked of it."""
    default = {
        "submit": 0, "nodes": 1, "gpus": 0, "cores": 0, "memory": 0, "exclusive": False, "run": 10, "limit": 20, "after": -1,
        "array": -1, "array_limit": 0, "licenses": 0, "account": "", "user": "", "qos": "", "partition": "",
    }  # fmt: skip
    rows = [default | job for job in jobs]
    names = {
        word: tuple(dict.fromkeys(row[word] for row in rows)) or ("",) for word in ("account", "user", "qos", "partition")
    }

    def column(word):
        return some([row[word] for row in rows])

    def index(word):
        return some([names[word].index(row[word]) for row in rows])

    none = np.full(len(rows), -1, np.int64)
    return Trace(
        submit_s=column("submit"), eligible_s=some([row.get("eligible", row["submit"]) for row in rows]), nodes=column("nodes"),
        gpus=column("gpus"), cores=column("cores"), memory=column("memory").astype(float),
        exclusive=column("exclusive").astype(bool), run_s=column("run"), limit_s=column("limit"), start_s=none, end_s=none,
        state=none * 0, user=index("user"), account=index("account"), qos=index("qos"), partition=index("partition"),
        after=column("after"), array=column("array"), array_limit=column("array_limit"), licenses=column("licenses"),
        users=names["user"], accounts=names["account"], qos_names=names["qos"], partitions=names["partition"],
    )  # fmt: skip


def cluster_of(gpus, cores=8, memory=0, leaf=2):
    count = len(gpus)
    return Cluster(
        tuple(f"n{k + 1}" for k in range(count)), some(gpus), np.full(count, cores), np.full(count, float(memory)),
        np.arange(count) // leaf,
    )  # fmt: skip


def policy_of(**words):
    """A policy of plain words; times without their unit are seconds."""

    def with_units(value, word=""):
        if isinstance(value, dict):
            return {key: with_units(entry, key) for key, entry in value.items()}
        return f"{value} s" if word.endswith("_s") and value is not None else value

    return Policy(name="test", title="Test", **with_units(words))


def turns_of(turns):
    table = np.array(sorted(turns), np.int64).reshape(-1, 4)
    return tuple(table.T.copy())


def extras_of(extras):
    return TraceExtras(*(None if row is None else some(row) for row in extras)) if extras else None


# --- cross-check with the naive reference --------------------------------------------------------------------------

WAYS = ("shared", "backfill", "main", "placement", "multifactor", "partitions", "reservations", "limits", "preemption",
        "dependencies", "times", "turns", "checkpoints", "groups")  # fmt: skip


class Draw:
    """What Hypothesis draws, by the ways that a case is about: elsewhere the first, plain value."""

    def __init__(self, draw, ways):
        self.draw, self.ways = draw, set(ways)

    def one(self, *values):
        return self.draw(st.sampled_from(values))

    def maybe(self):
        return self.draw(st.booleans())

    def some_of(self, way, *values):
        return self.one(*values) if way in self.ways else values[0]

    def any_of(self, *ways):
        return bool(self.ways & set(ways))


def drawn_jobs(case, count):
    one, maybe = case.one, case.maybe
    jobs, submit, early = [], 0, (90, 150, 300) if case.any_of("groups") else ()
    for k in range(case.draw(st.integers(1, 18 if case.any_of("groups") else 12))):
        submit += one(0, 0, 1, 3, 10, 25)
        limit = one(5, 20, 30, 50, 70, 100, 130, 200, 300) if case.any_of("groups") else one(1, 5, 10, 20, 30, 60)
        job = {
            "submit": submit, "nodes": min(one(1, 1, 2, 3, 4, 6), count), "gpus": one(0, 1, 2, 4), "exclusive": maybe(),
            "limit": limit, "run": max(limit - one(-3, 0, 1, 4, 15, 50, *early), 1),
        }  # fmt: skip
        if case.any_of("shared"):
            job |= {
                "cores": one(0, 1, 2, 4, 8, 9),
                "memory": one(0, 1_000_000, 2_500_001, 8_000_000),
                "gpus": one(0, 1, 2, 4, 5),
            }
        if case.any_of("multifactor", "limits", "reservations", "partitions"):
            job |= {"account": one("a", "b", "c", "d"), "user": one("u", "v")}
        if case.any_of("multifactor", "limits", "preemption"):
            job |= {"qos": one("", "low", "mid", "high")}
        if case.any_of("partitions"):
            job |= {"partition": one("", "p", "q", "r")}
        if case.any_of("dependencies"):
            array = one(-1, -1, 0, 1)
            job |= {"after": one(-1, -1, k - 1, k // 2), "array": array, "array_limit": one(0, 1, 2) if array >= 0 else 0}
            job |= {"licenses": one(0, 0, 1, 2, 4), "eligible": submit + one(0, 0, 0, 7, 40)}
            job["after"] = -1 if job["after"] >= k else job["after"]
        jobs.append(job)
    return jobs


def drawn_words(case):
    one, maybe, some_of = case.one, case.maybe, case.some_of
    words = {
        "backfill": {
            "kind": one("conservative", "easy") if case.any_of("groups") else one("none", "easy", "conservative"),
            "interval_s": some_of("backfill", 0, 0, 7, 30), "window_s": some_of("backfill", 1e9, 60, 100),
            "resolution_s": some_of("backfill", 1, 1, 10, 60), "jobs_count": some_of("backfill", 1000, 1, 2, 5),
            "test_s": some_of("backfill", 0, 0, 0.4, 1.5), "planning": "slurm" if case.any_of("groups") else some_of("backfill", "exact", "slurm"),
        },
        "depth_count": some_of("main", 1000, 1, 2, 4), "sched_interval_s": some_of("main", 0, 0, 15, 40),
        "placement": some_of("placement", "first-fit", "best-fit", "fewest-leaves", "spread"),
        "launch_s": some_of("times", 0, 0, 2), "complete_s": some_of("times", 0, 0, 3), "over_s": some_of("times", 0, 0, 2, 30),
        "accounts": {}, "qos": {}, "partitions": {}, "reservations": {},
    }  # fmt: skip
    if case.any_of("multifactor"):
        weights = {f"{name}_ratio": one(0, 1, 100, 1000) for name in ("age", "fairshare", "job_size", "partition", "qos")}
        words |= {"order": "multifactor"}
        words["priority"] = {"weights": weights, "max_age_s": one(30, 100, 1e6), "half_life_s": one(0, 0, 40),
                             "calc_period_s": one(1, 7, 30), "favor_small": maybe()}  # fmt: skip

    def limits():
        if not case.any_of("limits"):
            return {}
        fields = case.draw(st.sets(st.sampled_from(rules.LIMIT_FIELDS), max_size=2))
        return {field: one(1, 2, 4) * (15 if field.endswith("_s") else 4 if "gpus" in field else 1) for field in fields}

    if case.any_of("multifactor", "limits", "reservations"):
        for name, parent in (("a", ""), ("b", ""), ("c", "a"), ("root", "")):
            words["accounts"][name] = {"parent": parent, "shares_count": one(0, 1, 1, 3), "limits": limits()}
    if case.any_of("multifactor", "limits", "preemption"):
        for name, priority, stops in (("low", 1, []), ("mid", 2, ["low"]), ("high", 4, ["low", "mid"])):
            words["qos"][name] = {"priority_ratio": priority, "usage_factor_ratio": one(1, 2, 0.5), "limits": limits()}
            if case.any_of("preemption"):
                words["qos"][name] |= {
                    "preempts": stops, "preempt_mode": one("off", "requeue", "cancel", "suspend"),
                    "grace_s": one(0, 0, 5), "exempt_s": one(0, 0, 12),
                }  # fmt: skip
    if case.any_of("partitions"):
        for name, nodes in (("p", "1-2"), ("q", "2-4,6"), ("r", "")):
            words["partitions"][name] = {
                "nodes": nodes, "tier_count": one(1, 1, 2), "exclusive": maybe(), "factor_count": one(1, 2),
                "max_time_s": one(None, 30), "accounts": one([], ["a"]), "qos": one([], ["high"]),
                "billing_gpu_ratio": one(0, 2), "billing_node_ratio": one(0, 1),
            }  # fmt: skip
    if case.any_of("reservations"):
        for k in range(one(1, 1, 2, 3)):
            words["reservations"][f"r{k}"] = {
                "start_s": one(0, 5, 20, 50), "length_s": one(3, 10, 40), "every_s": one(0, 0, 30, 60),
                "nodes": one("", "1", "1-2", "2-6"), "accounts": one([], ["a"], ["b", "c"], ["root"]),
            }  # fmt: skip
    if case.any_of("dependencies") and maybe():
        words["licenses"] = {"x": 3}
    return words


def drawn_turns(case, count):
    one, maybe = case.one, case.maybe
    turns = []
    if case.any_of("turns"):
        for node in range(count):
            at = 0
            for _ in range(one(0, 1, 1, 2)):
                at += one(1, 5, 20, 50)
                if maybe():
                    turns.append((at, node, 2, one(1, 6, 30)))
                    at += one(0, 3, 10)
                if maybe():
                    turns.append((at, node, 0, 0))
                    at += one(1, 10, 40)
                    turns.append((at, node, 1, 0))
    return turns


@st.composite
def cases(draw, *ways):
    """A policy, cluster, trace, extras, turns and horizon; what is not named in `ways` is plain."""
    case = Draw(draw, ways)
    one, some_of = case.one, case.some_of
    count = one(1, 2, 3, 4, 4, 6)
    gpus = [4] * count
    if case.any_of("shared") and count in (2, 4):
        gpus = [one(2, 4) for _ in range(count)]
    cluster = cluster_of(gpus, some_of("shared", 8, 8, 0), some_of("shared", 0, 0, 8e6), one(1, 2, 3))
    jobs, words, turns = drawn_jobs(case, count), drawn_words(case), drawn_turns(case, count)
    extras = None
    if case.any_of("checkpoints"):
        extras = tuple([one(*values) for _ in jobs] for values in ((0, 3, 7), (0, 1, 2), (0, 2, 5)))
    return policy_of(**words), cluster, jobs, extras, sorted(turns), one(100, 400, 1000)


def agree(case):
    """Asserts that the compiled controller and the naive one agree on a case; the schedule."""
    policy, cluster, jobs, extras, turns, horizon = case
    trace = trace_of(jobs)
    try:
        naive = Naive(policy, cluster, trace, extras, turns).run(horizon)
    except AmbiguousError:
        reject()
    found = schedule(policy, cluster, trace, extras_of(extras), turns_of(turns), horizon)
    assert found.start_s.tolist() == [job.first_start for job in naive.jobs]
    assert found.end_s.tolist() == [job.end for job in naive.jobs]
    assert found.outcome.tolist() == [job.outcome for job in naive.jobs]
    assert found.lost_s.tolist() == [job.lost for job in naive.jobs]
    assert found.restarts.tolist() == [job.restarts for job in naive.jobs]
    nodes = [found.nodes[found.nodes_from[k] : found.nodes_from[k + 1]].tolist() for k in range(len(jobs))]
    assert [sorted(chosen) for job, chosen in zip(naive.jobs, nodes, strict=True) if job.hold] == [
        sorted(job.hold) for job in naive.jobs if job.hold
    ]
    assert found.counters["backfilled_jobs_count"] == naive.backfilled
    assert found.counters["preemptions_count"] == naive.stops
    assert found.counters["node_failures_count"] == naive.failures
    assert sum(found.refused.values()) >= (len(naive.jobs) - len(naive.jobs_kept) > 0)
    return found


def checked(*ways, examples=60):
    """A test of the ways named, each with a strategy of its own."""

    @settings(FAST, max_examples=examples)
    @given(cases(*ways))
    def test(case):
        agree(case)

    return test


test_whole_and_shared_nodes = checked("shared")
test_backfill = checked("backfill", examples=120)
test_depth_of_the_main_pass = checked("main", "backfill")
test_placement = checked("placement")
test_priorities_and_fair_tree = checked("multifactor", examples=100)
test_partitions = checked("partitions")
test_reservations = checked("reservations", examples=80)
test_limits = checked("limits", examples=80)
test_preemption = checked("preemption", examples=150)
test_dependencies_arrays_licences = checked("dependencies", examples=80)
test_times_of_launch_completion_and_overrun = checked("times")
test_nodes_that_go_down_and_drain = checked("turns", examples=80)
test_times_of_backfill_passes = checked("backfill", "times", examples=100)
test_groups_of_ends = checked("groups", examples=150)
test_checkpoints = checked("checkpoints", "turns", examples=60)
test_preemption_among_partitions = checked("preemption", "partitions", examples=150)
test_stops_and_failures = checked("preemption", "turns", "checkpoints", "times", examples=100)
test_everything = checked(*WAYS, examples=100)


@st.composite
def plans(draw):
    """Six nodes at a time: what runs (from, limit, nodes), what is planned (from, to, nodes), who asks, where it may start."""
    one = Draw(draw, ()).one
    some_nodes = st.sets(st.integers(0, 5), min_size=1, max_size=3).map(sorted)
    now, grid = one(0, 7, 59, 100), one(1, 10, 60)
    ends = st.integers(now - 20, now + 500).map(lambda end: max(end, 1))
    running = draw(st.lists(st.tuples(st.just(0), ends, some_nodes), max_size=10))
    starts_at = st.integers(now // grid, (now + 300) // grid).map(lambda at: at * grid)
    lengths = st.integers(1, 20).map(lambda length: length * grid)
    planned = [(at, at + length, nodes) for at, length, nodes in draw(st.lists(st.tuples(starts_at, lengths, some_nodes)))][
        :10
    ]
    asks = {"nodes": one(1, 2, 3, 4), "limit": one(1, 20, 100, 240), **WHOLE}
    planning = {"planning": one("slurm", "slurm", "exact"), "resolution_s": grid, "window_s": 600}
    avail = draw(st.sets(st.integers(0, 5), min_size=3))
    return planning, now, running, planned, asks, avail, now + one(0, 0, 1, 20, 61, 150)


@settings(FAST, max_examples=100)
@given(plans())
def test_one_look_at_ends_and_plan(case):
    """The parts of a backfill pass by themselves: when a job fits by ends, what a plan leaves, when it is tried again."""
    planning, now, running, planned, asks, avail, begin = case
    jobs = [{"limit": limit, "nodes": len(nodes)} for _, limit, nodes in running]
    jobs += [{"nodes": len(nodes)} for _, _, nodes in planned] + [asks]
    policy, cluster, trace = policy_of(backfill={"kind": "conservative", **planning}), cluster_of([4] * 6), trace_of(jobs)
    kernels("controller")  # names the folder of what these chapters compile
    from terp.simulate.engine.controller.backfill_plan import (
        mark_unplanned,
        new_plan,
        on_grid_s,
        overlaps_plan,
        reserve,
        will_run_s,
    )
    from terp.simulate.engine.controller.start_stop import start_job

    naive, last = Naive(policy, cluster, trace), len(jobs) - 1
    ready = prepare(policy, cluster, trace, TraceExtras())
    asked, rule, park = ready.jobs, ready.rules, park_of(cluster)
    state = new_controller_state(asked, rule, park, no_events())
    for k, (_, _, nodes) in enumerate(running):
        state.node[NodeRow.CHOSEN, : len(nodes)] = nodes
        start_job(state, rule, asked, k, 0, 0)
        naive.begin(naive.jobs[k], nodes)
    naive.now, slots = now, new_plan(state, rule, now)
    for k, (at, until, nodes) in enumerate(planned, len(running)):
        state.node[NodeRow.CHOSEN, : len(nodes)] = nodes
        slots = reserve(state, asked, k, at, until, slots)
    job = naive.jobs[last]
    state.node[NodeRow.AVAIL] = [node in avail for node in range(6)]
    start, chosen = naive.will_run(job, avail)
    assert will_run_s(state, rule, asked, park, last, now) == start
    if chosen is not None:
        assert state.node[NodeRow.CHOSEN, : job.nodes].tolist() == chosen
        at, until = on_grid_s(rule, begin), on_grid_s(rule, begin + job.limit)
        assert overlaps_plan(state, asked, last, at, until) == naive.overlaps(job, planned, begin, chosen)
    left, later = naive.plan_avail(job, planned, begin)
    assert (mark_unplanned(state, rule, asked, last, begin, begin + job.limit) or 2**62) == later
    assert set(np.flatnonzero(state.node[NodeRow.AVAIL]).tolist()) == left


# --- one small machine for each rule that was once broken ----------------------------------------------------------


def starts(policy, cluster, jobs, extras=None, turns=(), horizon=2**40):
    return agree((policy, cluster, jobs, extras, turns, horizon)).start_s.tolist()


def test_nothing_shares_a_node_that_is_given_whole_even_where_cores_are_not_known():
    assert starts(policy_of(), cluster_of([4], cores=0), [WHOLE, {"gpus": 1}]) == [0, 10]


def test_whole_nodes_have_what_is_asked_of_them():
    assert schedule(policy_of(), cluster_of([2, 4]), trace_of([{"gpus": 4, **WHOLE}])).nodes.tolist() == [1]
    assert schedule(policy_of(), cluster_of([2, 4]), trace_of([{"gpus": 4, "nodes": 2}])).refused


def test_jobs_may_be_eligible_in_another_order_than_they_were_submitted():
    jobs = [{"eligible": 50, **WHOLE}, WHOLE, WHOLE]
    assert starts(policy_of(), cluster_of([4]), jobs) == [50, 0, 10]


def test_a_dependency_waits_for_what_completes():
    assert starts(policy_of(complete_s=5), cluster_of([4, 4]), [WHOLE, {"after": 0, **WHOLE}]) == [0, 15]


def test_a_gap_that_is_just_long_enough_is_filled():
    jobs = [{"run": 20, "limit": 20, **WHOLE}, {"nodes": 2, **WHOLE}, {"limit": 20, "run": 20, **WHOLE}]
    assert starts(policy_of(), cluster_of([4, 4]), jobs) == [0, 20, 0]
    by_slurm = policy_of(backfill={"planning": "slurm"})
    assert starts(by_slurm, cluster_of([4, 4]), jobs) == [0, 20, 30], "slurmctld wants a second between"


def test_limits_of_a_qos_stand_for_those_of_accounts_and_nearer_ones_for_farther_ones():
    accounts = {"a": {"limits": {"user_jobs_count": 1}}, "c": {"parent": "a", "limits": {"user_jobs_count": 2}}}
    jobs = [{"account": "c", "user": "u", **WHOLE}] * 3
    assert starts(policy_of(accounts=accounts), cluster_of([4] * 4), jobs) == [0, 0, 10]
    qos = {"q": {"limits": {"user_jobs_count": 3}}}
    assert (
        starts(policy_of(accounts=accounts, qos=qos), cluster_of([4] * 4), [job | {"qos": "q"} for job in jobs]) == [0] * 3
    )


def test_accounts_below_one_that_has_a_reservation_may_use_it():
    reservations = {"r": {"start_s": 0, "length_s": 100, "accounts": ["a"]}}
    policy = policy_of(accounts={"a": {}, "c": {"parent": "a"}}, reservations=reservations)
    assert starts(policy, cluster_of([4]), [{"account": "c"}, {"account": "b"}]) == [0, 100]


def test_repeated_reservations_do_not_end():
    """A job that fits in no gap waits for good, and the run ends all the same; one that fits takes the next gap."""
    policy = policy_of(reservations={"r": {"start_s": 0, "length_s": 15, "every_s": 20}})
    assert schedule(policy, cluster_of([4]), trace_of([{"limit": 10}])).start_s.tolist() == [-1]
    jobs = [{"limit": 5, "run": 5, "submit": at} for at in (0, 1000)]
    assert starts(policy, cluster_of([4]), jobs, horizon=2000) == [15, 1015]


QOS = {"low": {}, "high": {"preempts": ["low"], "priority_ratio": 1}}


def test_an_exempt_job_is_stopped_when_it_no_longer_is():
    policy = policy_of(qos=QOS | {"low": {"exempt_s": 12}})
    jobs = [{"qos": "low", "run": 50, "limit": 50, **WHOLE}, {"qos": "high", "submit": 1, **WHOLE}]
    assert starts(policy, cluster_of([4]), jobs) == [0, 12]


def test_who_asked_in_vain_asks_again():
    """While the nodes that it had freed wait for its turn, a job of higher priority took them: it stops others again."""
    qos = {"low": {"grace_s": 5}, "mid": {"preempts": ["low"], "priority_ratio": 1}, "high": {"priority_ratio": 2}}
    policy = policy_of(qos=qos, order="multifactor", priority={"weights": {"qos_ratio": 100}})
    long = {"run": 200, "limit": 200, **WHOLE}
    jobs = [{"qos": "low", **long}, {"qos": "low", **long}, {"qos": "mid", "submit": 1, **long}]
    jobs.append({"qos": "high", "submit": 2, **long})
    assert starts(policy, cluster_of([4, 4]), jobs, horizon=1000)[2:] == [11, 6]


def test_who_is_asked_twice_to_stop_stops_once():
    priority = {"weights": {"qos_ratio": 100}}
    policy = policy_of(qos=QOS | {"low": {"grace_s": 9}}, order="multifactor", priority=priority)
    jobs = [{"qos": "low", "gpus": 4, "run": 50, "limit": 50}] + [{"qos": "high", "gpus": 2, "submit": at} for at in (1, 2)]
    assert agree((policy, cluster_of([4]), jobs, None, [], 1000)).counters["preemptions_count"] == 1


def test_suspended_jobs_count_in_limits_and_are_lost_with_their_node():
    limits = {"limits": {"group_jobs_count": 2}}
    policy = policy_of(qos=QOS | {"low": {"preempt_mode": "suspend"}}, accounts={"root": limits})
    low, high = {"qos": "low", "run": 30, "limit": 50, **WHOLE}, {"qos": "high", "submit": 5, **WHOLE}
    assert starts(policy, cluster_of([4, 4]), [low, high | {"nodes": 2}, high | {"qos": "low"}]) == [0, 5, 15]
    found = agree((policy, cluster_of([4]), [low, high], None, [(8, 0, 0, 0), (10, 0, 1, 0)], 1000))
    assert found.restarts.tolist() == [1, 1]
    assert found.end_s.tolist() == [50, 20]


def test_overlapping_repairs_and_failures_count_once():
    turns = [(0, 0, 2, 10), (5, 0, 0, 0), (30, 0, 1, 0)]
    assert starts(policy_of(), cluster_of([4]), [{"submit": 1}], None, turns) == [30]
    turns = [(0, 0, 2, 10), (5, 0, 1, 0), (8, 0, 2, 10)]
    assert starts(policy_of(), cluster_of([4]), [{"submit": 6}, {"submit": 11, **WHOLE}], None, turns) == [6, 26]


def test_a_failing_node_may_stop_more_jobs_than_it_has_gpus():
    jobs = [{"cores": 1, "run": 90, "limit": 90}] * 64
    turns = [turn for at in range(10, 60, 5) for turn in ((at, 0, 0, 0), (at + 1, 0, 1, 0))]
    assert agree((policy_of(), cluster_of([0], cores=64), jobs, None, turns, 1000)).restarts.tolist() == [10] * 64


def test_users_of_accounts_that_are_tied_stand_together():
    """Fair tree: children of tied accounts are merged; users alike in two accounts that are not tied are not alike."""
    accounts = {"a": {}, "b": {}}
    priority = {"weights": {"fairshare_ratio": 100}, "half_life_s": 0, "calc_period_s": 1}
    policy = policy_of(accounts=accounts, order="multifactor", priority=priority)
    used = [("a", "u", 30), ("a", "v", 10), ("b", "w", 20), ("b", "x", 20)]
    jobs = [{"account": account, "user": user, "run": run, "limit": run} for account, user, run in used]
    jobs += [{"submit": 31, "limit": 100, "run": 100, "nodes": 4, **WHOLE}]
    jobs += [{"submit": 40, "account": account, "user": user, "nodes": 4, **WHOLE} for account, user, _ in used]
    assert starts(policy, cluster_of([4] * 4), jobs)[5:] == [161, 131, 141, 151]


def test_an_account_with_nobody_in_it_ties_nobody_to_who_comes_after_it():
    """`b` is empty and level with the root's own user; `d` comes after both, and is not level with them."""
    accounts = {"a": {"shares_count": 0}, "b": {}}
    priority = {"weights": {"fairshare_ratio": 1}, "half_life_s": 0, "calc_period_s": 1}
    policy = policy_of(accounts=accounts, order="multifactor", priority=priority)
    jobs = [{"account": account, "user": "u", "run": 1, "limit": 1} | WHOLE for account in "add"]
    assert starts(policy, cluster_of([4]), jobs) == [1, 0, 2]


# --- identities -------------------------------------------------------------------------------------------------------


def run_parts(case, idle_w=0.0, down_w=0.0, base_w=0.0):
    """The parts of `schedule`, with powers: what was kept, what was asked, and the state after the run."""
    policy, cluster, jobs, extras, turns, horizon = case
    given = extras_of(extras) or TraceExtras()
    given = TraceExtras(given.checkpoint_s, given.write_s, given.restart_s, 1.0 + np.arange(len(jobs)))
    ready = prepare(policy, cluster, trace_of(jobs), given)
    asked, rule, kept = ready.jobs, ready.rules, ready.kept
    park = park_of(cluster, idle_w, down_w, base_w)
    events = NodeEvents(*turns_of(turns))
    state = new_controller_state(asked, rule, park, events)
    for until_s in (horizon // 3, horizon):
        kernels("controller").advance(state, asked, rule, park, events, until_s)
    return kept, asked, state


def attempts_of(state, horizon):
    """Job, start and end of every attempt."""
    rows = state.att[:, : state.n[ControllerCount.ATTEMPTS]]
    end = np.where(rows[AttemptRow.OUTCOME] == AttemptEnd.STILL_RUNNING, horizon, rows[AttemptRow.END])
    return list(zip(rows[AttemptRow.JOB].tolist(), rows[AttemptRow.START].tolist(), end.tolist(), strict=True))


def outages(turns, horizon):
    """Node, from, to of every failure."""
    for at, node, kind, _ in turns:
        if kind == 0:
            yield node, at, next((back for back, other, up, _ in turns if other == node and up == 1 and back > at), horizon)


@settings(FAST, max_examples=100)
@given(cases("shared", "partitions", "reservations", "limits", "turns", "checkpoints", "placement", "backfill", "main"))
def test_nothing_is_used_twice_or_by_those_who_may_not(case):
    policy, cluster, jobs, _, turns, horizon = case
    kept, _, state = run_parts(case)
    parts = list(policy.partitions.items())
    named = {name: numbers(part.nodes, len(cluster.names)) for name, part in parts}
    used = np.zeros((4, len(cluster.names), horizon), np.int64)
    last = {job: (start, end) for job, start, end in attempts_of(state, horizon)}
    for k, (start, end) in last.items():
        job = jobs[kept[k]]
        nodes = state.nodes[state.job[JobRow.NODES_FROM, k] : state.job[JobRow.NODES_FROM, k + 1]].tolist()
        assert len(set(nodes)) == job["nodes"]
        part = job.get("partition") or (parts[0][0] if parts else "")
        assert set(nodes) <= named.get(part, set(nodes)), "only on nodes of its partition"
        whole = job["exclusive"] or (bool(parts) and policy.partitions[part].exclusive)
        for row, amount in enumerate((1 if whole else 0, job["gpus"], job.get("cores", 0), job.get("memory", 0))):
            used[row, nodes, start:end] += amount
        for node, down_s, up_s in outages(turns, horizon):
            assert node not in nodes or end <= down_s or start >= up_s, "nothing runs on a node that is down"
        account = job.get("account", "")
        above = {account, "root"} | ({"a"} if account == "c" else set())
        for entry in policy.reservations.values():
            for at in range(round(entry.start_s), horizon, max(round(max(entry.every_s, entry.length_s)), 1)):
                if entry.every_s or at == entry.start_s:
                    held = numbers(entry.nodes, len(cluster.names)) & set(nodes)
                    fine = above & set(entry.accounts) or end <= at or start >= at + entry.length_s
                    assert fine or not held, "nothing runs where others have reserved"
    assert used[0].max(initial=0) <= 1
    assert (used[1] <= cluster.gpus[:, None]).all()
    assert (used[2] <= np.where(cluster.cores > 0, cluster.cores, 2**40)[:, None]).all()
    assert (used[3] <= np.where(cluster.memory > 0, cluster.memory, 2**60)[:, None]).all()


@settings(FAST, max_examples=100)
@given(cases("limits", "preemption", "turns", "dependencies"))
def test_limits_are_never_exceeded(case):
    policy, _, jobs, _, _, horizon = case
    kept, _, state = run_parts(case)
    running = np.zeros((len(jobs), horizon), np.int64)
    for job, start, end in attempts_of(state, horizon):
        running[kept[job], start:end] += 1
    assert running.max(initial=0) <= 1, "no job runs twice at a time"
    weights = {"jobs": [1 for _ in jobs], "nodes": [job["nodes"] for job in jobs],
               "gpus": [job["nodes"] * job["gpus"] for job in jobs]}  # fmt: skip

    def most(which, what):
        mine = [k for k, job in enumerate(jobs) if which(job)]
        return int((running[mine] * np.array(weights[what])[mine, None]).sum(0).max(initial=0)) if mine else 0

    first = next(iter(policy.qos), "")
    for name, qos in policy.qos.items():
        for what in ("jobs", "nodes", "gpus"):
            limit = getattr(qos.limits, f"group_{what}_count")
            assert limit is None or most(lambda job, name=name: (job["qos"] or first) == name, what) <= limit
    below = {"a": {"a", "c"}, "root": {"a", "b", "c", "d"}}
    for name, account in policy.accounts.items():
        for what in ("jobs", "nodes", "gpus"):
            limit = getattr(account.limits, f"group_{what}_count")
            if limit is None or any(getattr(qos.limits, f"group_{what}_count") is not None for qos in policy.qos.values()):
                continue
            assert most(lambda job, name=name: job["account"] in below.get(name, {name}), what) <= limit
    for array in (0, 1):
        limited = [k for k, job in enumerate(jobs) if job["array"] == array and job["array_limit"]]
        if limited and all(jobs[k]["array_limit"] for k in range(len(jobs)) if jobs[k]["array"] == array):
            assert running[limited].sum(0).max(initial=0) <= max(jobs[k]["array_limit"] for k in limited)
    if policy.licenses:
        assert (running * np.array([job["licenses"] for job in jobs])[:, None]).sum(0).max(initial=0) <= 3


@settings(FAST, max_examples=100)
@given(cases("preemption", "turns", "times", "checkpoints", "dependencies", "multifactor"))
def test_jobs_and_energy_add_up(case):
    _, cluster, jobs, _, turns, horizon = case
    turns = [turn for turn in turns if turn[2] != 2]  # failures only, whose times are known beforehand
    case = (*case[:4], turns, horizon)
    kept, asked, state = run_parts(case, 100.0, 10.0, 1000.0)
    rows = int(state.n[ControllerCount.ROWS])
    lasts = np.diff(np.append(state.row[TIMELINE_TIME, :rows], horizon))
    energy_j = (state.row_power[:rows] * lasts).sum()
    down_s = sum(min(to, horizon) - min(at, horizon) for _, at, to in outages(turns, horizon))
    attempts = attempts_of(state, horizon)
    of_jobs_j = sum(asked.x[RequestRate.POWER, job] * (end - start) for job, start, end in attempts)
    idle_j = 1000.0 * horizon + 100.0 * (len(cluster.names) * horizon - down_s) + 10.0 * down_s
    assert energy_j == pytest.approx(idle_j + of_jobs_j, abs=1e-6)
    busy = sum(asked.of[Request.NODES, job] * asked.of[Request.GPUS, job] * (end - start) for job, start, end in attempts)
    assert (state.row[0, :rows] * lasts).sum() == busy
    arrived = (asked.of[Request.ELIGIBLE] < horizon).sum()
    ended, running = (state.job[JobRow.ENDED, :-1] >= 0).sum(), int(state.n[ControllerCount.RUNNING])
    assert ended + running + state.n[ControllerCount.WAITING] + state.n[ControllerCount.SUSPENDED] == arrived
    ran = np.zeros(kept.size, np.int64)
    np.add.at(ran, [job for job, _, _ in attempts], [end - start for _, start, end in attempts])
    done = (state.job[JobRow.OUTCOME, :-1] == AttemptEnd.DONE) & (state.job[JobRow.ENDED, :-1] >= 0)
    assert (ran >= asked.of[Request.WORK] + state.job[JobRow.LOST, :-1])[done].all(), (
        "time = work, what was lost, launch, writes"
    )


# --- against what a real Slurm printed ------------------------------------------------------------------------------

SSHARE = {  # account: shares, raw usage, level, factor of its user
    "climate": (30, 2821102, 0.827655, 0.2), "cybersecurity": (20, 1098740, 1.416712, 0.6),
    "medicine": (40, 3607858, 0.862894, 0.4), "teaching": (10, 333124, 2.336361, 0.8),
}  # fmt: skip
SPRIO = (  # submitted [s], nodes, account, QOS, priority
    (6687, 16, "climate", "low", 2581), (7025, 32, "climate", "normal", 4249), (7116, 2, "climate", "normal", 4088),
    (7607, 8, "climate", "normal", 4097), (8093, 2, "climate", "low", 2443), (8113, 1, "climate", "normal", 4037),
    (8278, 2, "climate", "normal", 4034), (8354, 2, "climate", "normal", 4031), (8516, 4, "climate", "normal", 4034),
    (8632, 16, "climate", "normal", 4091),
)  # fmt: skip
SPRIO_AT_S = 8806
"""When these priorities were worked out: the only second or so in which all ages are as printed."""


def test_fair_tree_and_priorities_are_those_of_a_real_slurm():
    """slurmctld 22.05 with 191 nodes of 112 cores; `sshare` and `sprio` of one of our own replays."""
    weights = {"age_ratio": 2000, "fairshare_ratio": 10000, "job_size_ratio": 1000, "qos_ratio": 4000}
    policy = policy_of(
        order="multifactor", priority={"weights": weights, "max_age_s": 12 * 3600, "half_life_s": 6 * 3600},
        accounts={name: {"shares_count": row[0]} for name, row in SSHARE.items()},
        qos={name: {"priority_ratio": priority} for name, priority in (("normal", 50), ("high", 100), ("low", 10))},
    )  # fmt: skip
    jobs = [
        {"submit": submit, "nodes": nodes, "cores": 112, "gpus": 8, "account": account, "user": "root", "qos": qos, **WHOLE}
        for submit, nodes, account, qos, _ in SPRIO
    ]
    jobs += [{"submit": 9000, "account": name, "user": "root", "qos": "normal"} for name in SSHARE]
    cluster = cluster_of([8] * 191, cores=112)
    kernels("controller")  # names the folder of what these chapters compile
    from terp.simulate.engine.controller.fair_share import fair_tree
    from terp.simulate.engine.controller.job_queue import multifactor

    trace = trace_of(jobs)
    tree = rules.tree_of(policy, trace)
    ready = prepare(policy, cluster, trace, TraceExtras())
    asked, rule = ready.jobs, ready.rules
    park = park_of(cluster)
    state = new_controller_state(asked, rule, park, no_events())
    for at, account in enumerate(tree.account_of):
        state.share[ShareRow.USE, at] = SSHARE[account][1] if at and account in SSHARE else 0
    state.share[ShareRow.USE, 0] = sum(row[1] for row in SSHARE.values())
    state.f[Running.CHARGED_S] = SPRIO_AT_S
    fair_tree(state, rule, SPRIO_AT_S)
    for at, account in enumerate(tree.account_of):
        if account in SSHARE and tree.is_leaf[at]:
            assert state.share[ShareRow.FACTOR, at] == SSHARE[account][3]
            assert state.share[ShareRow.LEVEL, tree.parent[at]] == pytest.approx(SSHARE[account][2], abs=1e-5)
        elif tree.is_leaf[at]:
            assert state.share[ShareRow.FACTOR, at] == 1.0, "root's own user"
    found = [multifactor(state, rule, asked, park, k, SPRIO_AT_S) for k in range(len(SPRIO))]
    assert np.abs(np.array(found) - [row[4] for row in SPRIO]).max() <= 1


# --- the same code with compilation off --------------------------------------------------------------------------


def busy_case():
    """A case with something of everything, without Hypothesis."""
    rng = np.random.default_rng(5)
    qos = {"low": {"grace_s": 3}, "mid": {"preempt_mode": "suspend", "preempts": ["low"]},
           "high": {"preempts": ["low", "mid"], "priority_ratio": 4}}  # fmt: skip
    weights = {"age_ratio": 100, "fairshare_ratio": 1000, "job_size_ratio": 10, "qos_ratio": 500}
    policy = policy_of(
        order="multifactor", priority={"weights": weights, "max_age_s": 500, "half_life_s": 0, "calc_period_s": 20},
        backfill={"kind": "conservative", "interval_s": 7, "planning": "slurm", "resolution_s": 5}, qos=qos, launch_s=1,
        complete_s=2, placement="fewest-leaves", accounts={"a": {}, "b": {"shares_count": 2}, "c": {"parent": "a"}},
        reservations={"r": {"start_s": 50, "length_s": 20, "every_s": 150, "nodes": "1-2", "accounts": ["b"]}},
        depth_count=3, sched_interval_s=30,
    )  # fmt: skip
    jobs = [
        {
            "submit": 5 * k, "nodes": int(rng.integers(1, 5)), "gpus": int(rng.integers(0, 5)), "exclusive": bool(k % 3),
            "run": int(rng.integers(1, 60)), "limit": 50, "account": "abc"[k % 3], "user": "uv"[k % 2],
            "qos": ("low", "mid", "high")[k % 5 // 2], "after": k - 3 if k % 7 == 6 else -1,
        }
        for k in range(40)
    ]  # fmt: skip
    extras = ([0, 5] * 20, [1] * 40, [2] * 40)
    return policy, cluster_of([4] * 6), jobs, extras, [(60, 1, 0, 0), (90, 3, 2, 30), (100, 1, 1, 0)], 3000


@pytest.mark.slow
def test_compilation_changes_nothing():
    found = agree(busy_case())
    assert found.counters["preemptions_count"] > 0 < found.counters["backfilled_jobs_count"]
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from simulate.test_controller import agree, busy_case
found = agree(busy_case())
print(found.start_s.tolist(), found.end_s.tolist(), found.nodes.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={"NUMBA_DISABLE_JIT": "1", "PATH": "", "PYTHONPATH": str(Path(rules.__file__).parents[3])},
    )  # fmt: skip
    assert done.stdout.strip() == f"{found.start_s.tolist()} {found.end_s.tolist()} {found.nodes.tolist()}"
