"""Distils the published job statistics of the Acme release into one joint table that reproduces them.

    python scripts/distil_jobs.py FOLDER src/terp/catalogue/job_statistics

The release publishes margins, cluster by cluster: durations by type, GPUs a job by jobs and by GPU time, shares of the
types by jobs and by GPU time, end states by jobs and by GPU time.  Jobs drawn margin by margin, as if independent,
put 22 % (Seren) and 37 % (Kalos) of the GPU time at the wrong size.  So the joint table over (type, GPUs, duration) is the one of least
relative entropy to independence within a type that meets the margins (the dual is smooth and convex: damped Newton), and the
end state follows a logistic law in the logarithm of the job's GPU time, whose four constants meet the four state
margins exactly.  What is left is printed.  Needs scipy.

Writes joint.parquet (a row a cell, `share` of jobs) and published.csv (the margins as printed, to check against).
"""

from __future__ import annotations

import csv
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.optimize import fsolve

NAMES = {
    "Evaluation": "evaluation",
    "Pretrain": "pretraining",
    "SFT": "fine-tuning",
    "MLLM": "multimodal",
    "Debug": "debug",
    "Other": "other",
}
STATES = ("completed", "cancelled", "failed")
SIZES = 2.0 ** np.arange(11)
EDGES = 2.0 ** np.arange(22)
LONGEST_S = {"Seren": 1_209_604.0, "Kalos": 625_740.0}  # acme_cluster_summary, the longest GPU job
READING = 3e-4  # how well the flat tail of a curve could be read off the release's figures, as a share of a type's jobs
LOW = np.concatenate([[0.5], EDGES[:-1]])


class Margins:
    """The published margins of one cluster."""

    def __init__(self, folder: Path, cluster: str) -> None:
        self.cluster = cluster
        self.high_s = np.maximum(np.minimum(EDGES, LONGEST_S[cluster]), LOW * 1.001)
        self.mean_s = (self.high_s - LOW) / np.log(self.high_s / LOW)  # of a log-uniform duration in its bin
        self._rows = pq.read_table(folder / "acme_job_cdfs.parquet").to_pylist()
        self.types = [row for row in csv.DictReader((folder / "acme_type_mix.csv").open()) if row["cluster"] == cluster]
        summary = {row["id"]: row for row in csv.DictReader((folder / "acme_cluster_summary.csv").open())}[cluster]
        self.by_jobs = self._on_sizes("gpus_per_job__share_of_jobs")
        self.by_gpu_time = self._on_sizes("gpus_per_job__share_of_gpu_time")
        self.type_jobs = self._share("share_of_gpu_jobs_pct")
        self.type_gpu_time = self._share("share_of_gpu_time_pct")
        self.durations = np.array([self._duration(row["type"]) for row in self.types])
        times = [float(summary[f"{word}_gpu_time"]) for word in ("complete", "cancel", "fail")]
        self.gpu_s_a_job = sum(times) / float(summary["gpu_job_num"])
        self.state_jobs = [float(summary[f"{word}_rate_gpu"]) for word in ("complete", "cancel", "fail")]
        self.state_gpu_time = [float(summary[f"{word}_rate_gpu_time"]) for word in ("complete", "cancel", "fail")]

    def cdf(self, metric: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
        points = sorted(
            (r["x"], r["cdf_pct"])
            for r in self._rows
            if (r["metric"], r["cluster"], r["type"]) == (metric, self.cluster, kind)
        )
        return np.array([x for x, _ in points]), np.array([share for _, share in points]) / 100

    def _share(self, column: str) -> np.ndarray:
        shares = np.array([float(row[column]) for row in self.types])
        return shares / shares.sum()

    def _on_sizes(self, metric: str) -> np.ndarray:
        x, cdf = self.cdf(metric, "all")
        mass = np.maximum(np.diff(cdf, prepend=0.0), 0.0)
        return np.bincount(np.searchsorted(SIZES, x), mass / mass.sum(), SIZES.size)

    def _duration(self, kind: str) -> np.ndarray:
        x, cdf = self.cdf("job_duration_s_by_type", kind)
        assert np.array_equal(x, EDGES)
        mass = np.where(LONGEST_S[self.cluster] > LOW, np.maximum(np.diff(cdf, prepend=0.0), 0.0), 0.0)
        return mass / mass.sum()

    def prior(self) -> np.ndarray:
        """Independence within a type: sizes by its box (a quarter a step, 4 % beyond the whiskers), durations as published."""
        cells = np.zeros((len(self.types), SIZES.size, EDGES.size))
        for index, row in enumerate(self.types):
            box = [float(row[f"gpus_{mark}"]) for mark in ("whisker_low", "q1", "median", "q3", "whisker_high")]
            sizes = np.zeros(SIZES.size)
            for low, high in pairwise(box):
                inside = (low <= SIZES) & (high >= SIZES)
                if not inside.any():
                    inside = np.searchsorted(SIZES, high) == np.arange(SIZES.size)
                sizes[inside] += 0.25 / inside.sum()
            beyond = np.where(box[-1] < SIZES, 1.0, 0.1)
            cells[index] = self.type_jobs[index] * np.outer(
                0.96 * sizes + 0.04 * beyond / beyond.sum(), self.durations[index]
            )
        return cells


def joint(margins: Margins) -> np.ndarray:
    """The joint shares of jobs by (type, size, duration bin)."""
    prior = margins.prior()
    gpu_time = SIZES[:, None] * margins.mean_s[None, :] / margins.gpu_s_a_job
    features: list[np.ndarray] = []
    targets: list[float] = []

    def require(where: Any, weight: Any, target: float, slack: float) -> None:
        feature = np.zeros(prior.shape)
        feature[where] = weight
        features.append(feature.ravel() / slack)
        targets.append(target / slack)

    for kind in range(prior.shape[0]):
        for step in range(EDGES.size):
            target = margins.type_jobs[kind] * margins.durations[kind, step]
            require(
                np.s_[kind, :, step],
                1.0,
                target,
                max(0.002 * target, (READING if margins.high_s[step] > 1e5 else 5e-5) * margins.type_jobs[kind]),
            )
        target = margins.type_gpu_time[kind]
        require(np.s_[kind], gpu_time, target, max(0.02 * target, 5e-4))
    for size in range(SIZES.size):
        require(np.s_[:, size], 1.0, margins.by_jobs[size], max(0.01 * margins.by_jobs[size], 1e-6))
        require(np.s_[:, size], gpu_time[size], margins.by_gpu_time[size], max(0.02 * margins.by_gpu_time[size], 5e-4))
    design, wanted = np.array(features), np.array(targets)
    log_prior = np.log(np.maximum(prior.ravel(), 1e-15))

    def dual(multipliers: np.ndarray) -> tuple[float, np.ndarray]:
        exponent = log_prior + design.T @ multipliers
        top = exponent.max()
        cells = np.exp(exponent - top)
        value = top + np.log(cells.sum()) - multipliers @ wanted + 0.5 * multipliers @ multipliers
        return float(value), cells / cells.sum()

    multipliers = np.zeros(wanted.size)
    value, cells = dual(multipliers)
    for _ in range(500):
        mean = design @ cells
        gradient = mean - wanted + multipliers
        hessian = (design * cells) @ design.T - np.outer(mean, mean) + np.eye(wanted.size)
        step = np.linalg.solve(hessian, gradient)
        decrease = gradient @ step
        if decrease < 1e-10:
            break
        length = 1.0
        while dual(multipliers - length * step)[0] > value - 0.25 * length * decrease and length > 1e-9:
            length /= 2
        multipliers = multipliers - length * step
        value, cells = dual(multipliers)
    else:
        raise SystemExit(f"{margins.cluster}: no convergence, decrement {decrease:.2g}")
    return cells.reshape(prior.shape)


def with_states(cells: np.ndarray, margins: Margins) -> np.ndarray:
    """Splits each cell by end state: log-odds against completion are linear in log GPU time."""
    gpu_time = SIZES[:, None] * margins.mean_s[None, :]
    log_time = np.log(gpu_time)
    weight = (cells * gpu_time).sum(0) / (cells * gpu_time).sum()

    def shares(constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cancelled = np.exp(constants[0] + constants[1] * log_time)
        failed = np.exp(constants[2] + constants[3] * log_time)
        return cancelled / (1 + cancelled + failed), failed / (1 + cancelled + failed)

    def miss(constants: np.ndarray) -> list[float]:
        cancelled, failed = shares(constants)
        jobs = cells.sum(0)
        return [
            (jobs * cancelled).sum() - margins.state_jobs[1], (jobs * failed).sum() - margins.state_jobs[2],
            (weight * cancelled).sum() - margins.state_gpu_time[1], (weight * failed).sum() - margins.state_gpu_time[2],
        ]  # fmt: skip

    constants, _, solved, message = fsolve(miss, [-4.0, 0.3, 0.0, 0.0], full_output=True)
    if solved != 1:
        raise SystemExit(f"{margins.cluster}: states: {message}")
    cancelled, failed = shares(constants)
    print(f"{margins.cluster}: state constants {np.round(constants, 4)}")
    return cells[..., None] * np.stack([1 - cancelled - failed, cancelled, failed], -1)[None]


def report(cells: np.ndarray, margins: Margins) -> None:
    """Prints what the joint table leaves of each margin, in percentage points."""
    time = cells * SIZES[:, None] * margins.mean_s[None, :]
    print(f"{margins.cluster}: GPU seconds a job {time.sum():.0f}, published {margins.gpu_s_a_job:.0f}")
    for name, got, wanted in (
        ("GPU time by size", time.sum((0, 2)) / time.sum(), margins.by_gpu_time),
        ("jobs by size", cells.sum((0, 2)), margins.by_jobs),
        ("GPU time by type", time.sum((1, 2)) / time.sum(), margins.type_gpu_time),
        ("jobs by type", cells.sum((1, 2)), margins.type_jobs),
    ):
        print(f"  {name:17} largest miss {100 * np.abs(got - wanted).max():.2f} points")


def published(margins: Margins) -> list[list[str]]:
    """The margins to check a generated year against, as rows of text."""
    profile = f"acme-{margins.cluster.lower()}"
    rows = [
        [profile, "gpu_time_by_gpus", "all", f"{size:.0f}", f"{share:.6f}"]
        for size, share in zip(SIZES, margins.by_gpu_time, strict=True)
    ]
    rows += [
        [profile, "gpu_time_by_state", "all", state, f"{share:.3f}"]
        for state, share in zip(STATES, margins.state_gpu_time, strict=True)
    ]
    rows += [
        [profile, "jobs_by_state", "all", state, f"{share:.3f}"]
        for state, share in zip(STATES, margins.state_jobs, strict=True)
    ]
    for row, jobs, time in zip(margins.types, margins.type_jobs, margins.type_gpu_time, strict=True):
        kind = NAMES[row["type"]]
        rows.append([profile, "jobs_by_type", "all", kind, f"{jobs:.6f}"])
        rows.append([profile, "gpu_time_by_type", "all", kind, f"{time:.6f}"])
        x, cdf = margins.cdf("job_duration_s_by_type", row["type"])
        for quantile in (0.5, 0.75, 0.9, 0.95):
            seconds = np.exp2(np.interp(quantile * cdf[-1], cdf, np.log2(x)))
            rows.append([profile, "duration_s", kind, f"{quantile}", f"{seconds:.1f}"])
    return rows


def main(folder: Path, target: Path) -> None:
    columns: dict[str, list[Any]] = {name: [] for name in ("profile", "type", "state", "gpus", "low_s", "high_s", "share")}
    rows = [["profile", "measure", "of", "at", "value"]]
    for cluster in ("Seren", "Kalos"):
        margins = Margins(folder, cluster)
        cells = joint(margins)
        report(cells, margins)
        full = with_states(cells, margins)
        rows += published(margins)
        for kind, size, step, state in zip(*np.nonzero(full > 1e-9), strict=True):
            cell = (
                f"acme-{cluster.lower()}",
                NAMES[margins.types[kind]["type"]],
                STATES[state],
                int(SIZES[size]),
                LOW[step],
                margins.high_s[step],
            )
            for column, value in zip(columns.values(), (*cell, full[kind, size, step, state]), strict=True):
                column.append(value)
    pq.write_table(pa.table(columns), target / "joint.parquet", compression="zstd", compression_level=19)
    with (target / "published.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
