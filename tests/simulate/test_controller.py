"""The compiled controller against a naive reference, against what a real Slurm printed, and against conservation."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from simulate.naive_controller import AmbiguousError, Naive, numbers

from terp.describe import Cluster, Policy, Trace
from terp.simulate import rules
from terp.simulate import schedule as scheduling
from terp.simulate.schedule import Extras, schedule

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
    names = {word: tuple(dict.fromkeys(row[word] for row in rows)) or ("",) for word in ("account", "user", "qos", "partition")}

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
    return Extras(*(None if row is None else some(row) for row in extras)) if extras else None


# --- cross-check with the naive reference --------------------------------------------------------------------------

WAYS = ("shared", "backfill", "main", "placement", "multifactor", "partitions", "reservations", "limits", "preemption",
        "dependencies", "times", "turns", "checkpoints")  # fmt: skip


@st.composite
def cases(draw, *ways):
    """A policy, cluster, trace, extras, turns and horizon; what is not named in `ways` is plain."""

    def one(*values):
        return draw(st.sampled_from(values))

    def some_of(way, *values):
        return one(*values) if way in ways else values[0]

    count = one(1, 2, 3, 4, 4, 6)
    gpus = [4] * count
    if "shared" in ways and count in (2, 4):
        gpus = [one(2, 4) for _ in range(count)]
    cluster = cluster_of(gpus, some_of("shared", 8, 8, 0), some_of("shared", 0, 0, 8e6), one(1, 2, 3))
    jobs, submit = [], 0
    for k in range(draw(st.integers(1, 12))):
        submit += one(0, 0, 1, 3, 10, 25)
        limit = one(1, 5, 10, 20, 30, 60)
        job = {
            "submit": submit, "nodes": min(one(1, 1, 2, 3, 4, 6), count), "gpus": one(0, 1, 2, 4), "exclusive": one(True, False),
            "limit": limit, "run": max(limit - one(-3, 0, 1, 4, 15, 50), 1),
        }  # fmt: skip
        if "shared" in ways:
            job |= {"cores": one(0, 1, 2, 4, 8, 9), "memory": one(0, 1_000_000, 2_500_001, 8_000_000), "gpus": one(0, 1, 2, 4, 5)}
        if {"multifactor", "limits", "reservations", "partitions"} & set(ways):
            job |= {"account": one("a", "b", "c", "d"), "user": one("u", "v")}
        if {"multifactor", "limits", "preemption"} & set(ways):
            job |= {"qos": one("", "low", "mid", "high")}
        if "partitions" in ways:
            job |= {"partition": one("", "p", "q", "r")}
        if "dependencies" in ways:
            array = one(-1, -1, 0, 1)
            job |= {"after": one(-1, -1, k - 1, k // 2), "array": array, "array_limit": one(0, 1, 2) if array >= 0 else 0}
            job |= {"licenses": one(0, 0, 1, 2, 4), "eligible": submit + one(0, 0, 0, 7, 40)}
            job["after"] = -1 if job["after"] >= k else job["after"]
        jobs.append(job)
    words = {
        "backfill": {
            "kind": one("none", "easy", "conservative"),
            "interval_s": some_of("backfill", 0, 0, 7, 30), "window_s": some_of("backfill", 1e9, 60, 100),
            "resolution_s": some_of("backfill", 1, 1, 10, 60), "jobs_count": some_of("backfill", 1000, 1, 2, 5),
            "test_s": some_of("backfill", 0, 0, 1.5), "planning": some_of("backfill", "exact", "slurm"),
        },
        "depth_count": some_of("main", 1000, 1, 2, 4), "sched_interval_s": some_of("main", 0, 0, 15, 40),
        "placement": some_of("placement", "first-fit", "best-fit", "fewest-leaves", "spread"),
        "launch_s": some_of("times", 0, 0, 2), "complete_s": some_of("times", 0, 0, 3), "over_s": some_of("times", 0, 0, 2, 30),
        "accounts": {}, "qos": {}, "partitions": {}, "reservations": {},
    }  # fmt: skip
    if "multifactor" in ways:
        weights = {
            f"{name}_ratio": one(0, 1, 100, 1000) for name in ("age", "fairshare", "job_size", "partition", "qos")
        }
        words |= {"order": "multifactor"}
        words["priority"] = {"weights": weights, "max_age_s": one(30, 100, 1e6), "half_life_s": one(0, 0, 40),
                             "calc_period_s": one(1, 7, 30), "favor_small": one(True, False)}  # fmt: skip

    def limits():
        if "limits" not in ways:
            return {}
        fields = draw(st.sets(st.sampled_from(rules.LIMIT_FIELDS), max_size=2))
        return {field: one(1, 2, 4) * (15 if field.endswith("_s") else 4 if "gpus" in field else 1) for field in fields}

    if {"multifactor", "limits", "reservations"} & set(ways):
        for name, parent in (("a", ""), ("b", ""), ("c", "a"), ("root", "")):
            words["accounts"][name] = {"parent": parent, "shares_count": one(0, 1, 1, 3), "limits": limits()}
    if {"multifactor", "limits", "preemption"} & set(ways):
        for name, priority, stops in (("low", 1, []), ("mid", 2, ["low"]), ("high", 4, ["low", "mid"])):
            words["qos"][name] = {"priority_ratio": priority, "usage_factor_ratio": one(1, 2, 0.5), "limits": limits()}
            if "preemption" in ways:
                words["qos"][name] |= {
                    "preempts": stops, "preempt_mode": one("off", "requeue", "cancel", "suspend"),
                    "grace_s": one(0, 0, 5), "exempt_s": one(0, 0, 12),
                }  # fmt: skip
    if "partitions" in ways:
        for name, nodes in (("p", "1-2"), ("q", "2-4,6"), ("r", "")):
            words["partitions"][name] = {
                "nodes": nodes, "tier_count": one(1, 1, 2), "exclusive": one(False, True), "factor_count": one(1, 2),
                "max_time_s": one(None, 30), "accounts": one([], ["a"]), "qos": one([], ["high"]),
                "billing_gpu_ratio": one(0, 2), "billing_node_ratio": one(0, 1),
            }  # fmt: skip
    if "reservations" in ways:
        for k in range(one(1, 1, 2, 3)):
            words["reservations"][f"r{k}"] = {
                "start_s": one(0, 5, 20, 50), "length_s": one(3, 10, 40), "every_s": one(0, 0, 30, 60),
                "nodes": one("", "1", "1-2", "2-6"), "accounts": one([], ["a"], ["b", "c"], ["root"]),
            }  # fmt: skip
    if "dependencies" in ways and one(True, False):
        words["licenses"] = {"x": 3}
    turns = []
    if "turns" in ways:
        for node in range(count):
            at = 0
            for _ in range(one(0, 1, 1, 2)):
                at += one(1, 5, 20, 50)
                if one(True, False):
                    turns.append((at, node, 2, one(1, 6, 30)))
                    at += one(0, 3, 10)
                if one(True, False):
                    turns.append((at, node, 0, 0))
                    at += one(1, 10, 40)
                    turns.append((at, node, 1, 0))
    extras = None
    if "checkpoints" in ways:
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
test_checkpoints = checked("checkpoints", "turns", examples=60)
test_stops_and_failures = checked("preemption", "turns", "checkpoints", "times", examples=100)
test_everything = checked(*WAYS, examples=150)
