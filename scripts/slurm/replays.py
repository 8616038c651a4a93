"""Draws traces, submits them to a cluster at their times, and writes what became of the jobs."""

from __future__ import annotations

import argparse
import csv
import json
import os
import queue
import random
import shutil
import statistics
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from slurm.cluster import GPUS, Cluster, Trouble, say, until


class Replay:
    """Submits a trace at its times, whatever becomes of the jobs, and reads what became of them."""

    def __init__(self, cluster: Cluster, rows: list[dict[str, str]]) -> None:
        self.cluster, self.rows = cluster, rows
        self.ids: dict[str, str] = {}
        self.lags_s: list[float] = []
        self.loads: list[float] = []
        self.refused: list[str] = []

    def submit(self, began: float) -> None:
        """Four hands, so that a slow answer does not hold up the next."""
        waiting: queue.Queue[dict[str, str] | None] = queue.Queue()
        hands = [threading.Thread(target=self._hand, args=(waiting, began), daemon=True) for _ in range(4)]
        for hand in hands:
            hand.start()
        for row in self.rows:
            time.sleep(max(0.0, began + float(row["submit_s"]) / self.cluster.speed - time.time()))
            waiting.put(row)
        for _ in hands:
            waiting.put(None)
        for hand in hands:
            hand.join()
        if self.refused:
            raise Trouble("refused: " + "; ".join(self.refused[:5]))

    def _hand(self, waiting: queue.Queue[dict[str, str] | None], began: float) -> None:
        while row := waiting.get():
            try:
                self.ids[row["idx"]] = self.cluster.tool(*sbatch(row)).strip()
            except Trouble as trouble:
                self.refused.append(str(trouble))
            self.lags_s.append((time.time() - began) * self.cluster.speed - float(row["submit_s"]))

    def wait(self, longest_s: float) -> None:
        """Until no job waits, runs or completes."""
        if not until(lambda: time.sleep(1) or self.cluster.tool("squeue", "-h") == "", longest_s):
            raise Trouble(f"jobs still there {longest_s:g} s after the last submission")

        def settled() -> bool:
            """The accounting has the end of all."""
            time.sleep(0.5)
            return all(row["End"].isdigit() for row in self.accounts().values())

        until(settled, 20)

    def accounts(self) -> dict[str, dict[str, str]]:
        """What sacct says of each job, by its number."""
        fields = "JobID,State,Submit,Eligible,Start,End,ElapsedRaw,NodeList"
        return {row["JobID"]: row for row in table(sacct(self.cluster, fields))}

    def observed(self) -> tuple[list[dict[str, object]], list[str]]:
        """A row a job, seconds counted as in the trace; and where sacct and jobcomp do not agree.

        Where sacct has no time, jobcomp's stands.
        """
        accounts, second = self.accounts(), completions(self.cluster.work / "log/jobcomp.txt")
        rows, differ = [], []
        first = accounts[self.ids[self.rows[0]["idx"]]]
        origin = int(first["Submit"]) - round(float(self.rows[0]["submit_s"]))
        for row in self.rows:
            number = self.ids[row["idx"]]
            said, also = accounts[number], second[number]
            if said["Start"] != also["Start"] or said["End"] != also["End"]:
                differ.append(f"job {number}: sacct {said['Start']}-{said['End']}, jobcomp {also['Start']}-{also['End']}")
            start, end = (int(said[key] if said[key].isdigit() else also[key]) - origin for key in ("Start", "End"))
            submit = int(said["Submit"]) - origin
            times = {"submit_s": submit, "start_s": start, "end_s": end, "elapsed_s": end - start, "wait_s": start - submit}
            asked = {key: value for key, value in row.items() if key not in ("idx", "submit_s")}
            state = {"idx": row["idx"], "jobid": number, "state": said["State"].split()[0]}
            rows.append({**state, **times, **asked, "nodelist": said["NodeList"]})
        return rows, differ

    def watch(self, began: float, snapshots: list[float], folder: Path | None) -> None:
        """Notes the load of the machine every ten seconds, and priorities and shares at the times asked for."""
        due = sorted(snapshots)
        while not self._over.wait(1):
            now = (time.time() - began) * self.cluster.speed
            if not self.loads or now > 10 * self.cluster.speed * len(self.loads):
                self.loads.append(os.getloadavg()[0])
            if due and now >= due[0] and folder:
                at = f"{due.pop(0):g}"
                (folder / f"sprio_at_{at}s.txt").write_text(self.cluster.tool("sprio", "-l"))
                (folder / f"sshare_at_{at}s.txt").write_text(self.cluster.tool("sshare", "-l", "-a"))

    @contextmanager
    def watched(self, began: float, snapshots: list[float], folder: Path | None):
        """Watches from beside while the body runs."""
        self._over = threading.Event()
        beside = threading.Thread(target=self.watch, args=(began, snapshots, folder), daemon=True)
        beside.start()
        try:
            yield
        finally:
            self._over.set()
            beside.join()


def sbatch(row: dict[str, str]) -> list[str]:
    """The command that submits a row: whole nodes exclusively, else a fair part of a node's cores and memory."""
    gpus = int(row["gpus_per_node"])
    share = ["--exclusive"] if gpus == GPUS else ["-c", str(14 * gpus), "--mem", str(250_000 * gpus)]
    asked = [f"--{key}={row[key]}" for key in ("account", "qos") if row.get(key)]
    size = ["-N", row["nodes"], "--ntasks-per-node=1", f"--gres=gpu:{gpus}", "-t", row["limit_min"], *share, *asked]
    what = ["-o", "/dev/null", "--no-requeue", "--wrap", f"exec sleep {row['duration_s']}"]
    return ["sbatch", "--parsable", "-J", f"j{row['idx']}", *size, *what]


def sacct(cluster: Cluster, fields: str) -> str:
    """Its table of all jobs, with times as seconds since 1970."""
    env = {**cluster.env, "SLURM_TIME_FORMAT": "%s"}  # not for all: with it set, sacct --json of 22.05 gives no jobs
    return cluster.tool("sacct", "-X", "-P", "-S", "2020-01-01", "-o", fields, env=env)


def table(text: str) -> list[dict[str, str]]:
    """Rows of what --parsable2 prints."""
    head, *lines = text.splitlines()
    return [dict(zip(head.split("|"), line.split("|"), strict=True)) for line in lines]


def completions(path: Path) -> dict[str, dict[str, str]]:
    """Start and end of each job that jobcomp/filetxt wrote down, as seconds since 1970, by its number."""
    found = {}
    for line in path.read_text("utf-8").splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        times = {key: stamp(words[f"{key}Time"]) for key in ("Start", "End")}
        found[words["JobId"]] = times
    return found


def stamp(text: str) -> str:
    """Seconds since 1970 of a time that Slurm printed as a date, or as such seconds already."""
    try:
        return text if text.isdigit() else str(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()))
    except ValueError:
        return text


def trace(args: argparse.Namespace) -> list[dict[str, object]]:
    """Jobs drawn from a seed: sizes and limits by weight, run times as a share of the limit, scaled to the offered load.

    Accounts and QOS are drawn apart, so that the same seed gives the same jobs without them.
    """
    dice, names = random.Random(args.seed), random.Random(f"names {args.seed}")
    sizes = [
        (size, weight) for size, weight in zip((1, 2, 4, 8, 16, 32, 64, 96), (50, 20, 14, 9, 4, 2, 0.8, 0.2), strict=True)
    ]
    sizes = [(size, weight) for size, weight in sizes if size <= args.nodes]
    limits = [int(word) for word in args.limits.split(",")]
    jobs = []
    for _ in range(args.jobs):
        if dice.random() < args.subnode:
            nodes, gpus = 1, dice.choice([1, 1, 2, 4])
        else:
            nodes, gpus = dice.choices(*zip(*sizes, strict=True))[0], GPUS
        limit = dice.choices(limits, [34, 30, 18, 11, 5, 2][: len(limits)])[0]
        share = 0.97 if dice.random() < 0.15 else dice.betavariate(1.6, 1.8)
        jobs.append([dice.uniform(0, args.window), nodes, gpus, limit, max(3, round(limit * 60 * share))])
    work = sum(nodes * seconds * gpus / GPUS for _, nodes, gpus, _, seconds in jobs)
    scale = args.load * args.nodes * args.window / work
    for job in jobs:
        job[4] = max(3, min(job[3] * 60 - args.margin, round(job[4] * scale)))
    keys = ("submit_s", "nodes", "gpus_per_node", "limit_min", "duration_s")
    rows = [{"idx": number, **dict(zip(keys, job, strict=True))} for number, job in enumerate(sorted(jobs))]
    for row in rows:
        row["submit_s"] = round(row["submit_s"], 3)
        for key in ("account", "qos"):
            if shares := getattr(args, f"{key}s"):
                row[key] = names.choices(*zip(*shares, strict=True))[0]
    return rows


def weights(text: str) -> list[tuple[str, float]]:
    """Names with weights: medicine=2,climate=1."""
    pairs = [word.split("=") for word in text.split(",")]
    return [(name, float(weight)) for name, weight in pairs]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    """A table with a head."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def replay(args: argparse.Namespace, cluster: Cluster) -> int:
    """Submits, waits, writes what was observed and, if asked, all that goes with it."""
    with args.trace.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    run = Replay(cluster, rows)
    began = time.time() + 2
    if args.record:
        args.record.mkdir(parents=True, exist_ok=True)
    with run.watched(began, args.snapshots, args.record):
        run.submit(began)
        say(
            f"{len(run.ids)} jobs submitted, the last {max(run.lags_s):.1f} s late at most, {statistics.mean(run.lags_s):.1f} s in the mean"
        )
        run.wait(args.patience)
    observed, differ = run.observed()
    write_csv(args.observed, observed)
    ends = [row["end_s"] for row in observed]
    waits = [row["wait_s"] for row in observed]
    states = [row["state"] for row in observed]
    facts = {
        "slurm": cluster.tool("sbatch", "--version").split()[-1],
        "nodes": cluster.nodes,
        "speed": cluster.speed,
        "jobs": len(observed),
        "states": {state: states.count(state) for state in sorted(set(states))},
        "mean_wait_s": round(statistics.mean(waits), 1),
        "max_wait_s": max(waits),
        "last_end_s": max(ends),
        "mean_submit_lag_s": round(statistics.mean(run.lags_s), 2),
        "max_submit_lag_s": round(max(run.lags_s), 2),
        "mean_load": round(statistics.mean(run.loads), 2),
        "max_load": round(max(run.loads), 2),
        "sacct_unlike_jobcomp": differ,
    }
    say(json.dumps(facts, indent=2))
    if args.record:
        record(args.record, cluster, facts)
    return 0


def record(folder: Path, cluster: Cluster, facts: dict[str, object]) -> None:
    """The configuration with its folder as $WORKDIR, what sacct and sdiag say, and the facts of the run."""
    (folder / "slurm.conf").write_text(cluster.conf_text())
    (folder / "replay.json").write_text(json.dumps(facts, indent=2) + "\n")
    fields = "JobID,JobName,User,Account,QOS,Partition,State,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,"
    fields += "NNodes,NCPUS,ReqTRES,AllocTRES,NodeList,ExitCode"
    (folder / "sacct_parsable2.txt").write_text(sacct(cluster, fields))
    (folder / "sacct.json").write_text(cluster.tool("sacct", "-S", "2020-01-01", "--json"))
    (folder / "sdiag.txt").write_text(cluster.tool("sdiag"))
    shutil.copy(cluster.work / "log/jobcomp.txt", folder / "jobcomp.txt")
