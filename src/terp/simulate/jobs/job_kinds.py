"""What each kind of job draws on the machine that is simulated, and how fast it is there: predicted, or as its file says.

Jobs run as long as was published on other GPUs: most GPU time was a budget that people ended.  A kind that says what it runs
does more work in it here, by the ratio of predicted steps: the same model, software, batch and split on as many GPUs of the
profile over those of this machine.

`kinds_of` is what others call.  The kinds are without caps; `terp.simulate.controls.capped_kinds` gives them under caps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from terp.arrays import Floats
from terp.catalogue import Accelerator, Node, Processor, job_profile, read_catalogue, read_reference
from terp.describe import Workload
from terp.errors import Problems
from terp.hardware import Machine
from terp.physics import (
    TrainingStep,
    checkpoint_bytes,
    checkpoint_write_s,
    interconnect_of,
    levels_of,
    node_levels,
)
from terp.physics.gpu.architectures import is_measured
from terp.physics.training.training_power import step_power
from terp.predict.training_job import TrainingJob, placed, runs_on
from terp.predict.workload_mix import job_names, profile_names
from terp.reader import Provenance, Written

FILE: Final = "file"
PREDICTED: Final = "predicted"
PUBLISHED: Final = "published"
BUSY: Final = "long training"
"""Where a power or a speed comes from: the file, the models, the published profile, the level of a node in long training."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job on the machine that is simulated.

    model        what it runs; empty if its file does not say
    level_w      mean power of a whole node that runs it, without fans [W], to the watt if predicted
    speed_ratio  over that on the GPUs of each profile in use, to the thousandth; rounded so that the last digits of other
                 processors change no run
    write_s      of a checkpoint, to the hundredth; 0 where what the job holds is not known
    scatter_ratio  its step with every node on a leaf of its own over its step packed; 1 where no step is predicted

    domain, job   names in the workload file
    level_from    of the power: FILE, PREDICTED, or BUSY where nothing is known of the kind
    speed_from    of the speed: PREDICTED, or PUBLISHED where the kind is taken to run here as it did there
    """

    domain: str
    job: str
    model: str
    level_w: float
    level_from: str
    speed_ratio: dict[str, float]
    speed_from: str
    write_s: float = 0.0
    scatter_ratio: float = 1.0


def kinds_of(machine: Machine, workload: Written[Workload]) -> tuple[JobKind, ...]:
    """Every kind of job, in the order that `JobSet.job` counts.  Raises Problems, all at once, for what cannot run so.

    A step is predicted where a job says what it runs and steps were measured on such GPUs.  A power in the file wins over a
    predicted one, scaled from the node that workload files are written for to this machine's.
    """
    profiles, scale = profile_names(workload.record), scale_of_workload(machine)
    known = is_measured(machine.accelerator, "steps")
    kinds, problems = [], []
    for domain, name in job_names(workload.record):
        job = workload.record.domains[domain].jobs[name]
        level_w, level_from = levels_of(machine).busy_w, BUSY
        speed, speed_from, write_s, scatter = dict.fromkeys(profiles, 1.0), PUBLISHED, 0.0, 1.0
        if job.runs is not None and known:
            try:
                training, step = runs_on(machine, job.runs)
                level_w, level_from = float(round(step_power(machine, step).level_w)), PREDICTED
                speed, speed_from, write_s = _speeds(training, step, profiles), PREDICTED, _write_s(machine, training, step)
                scatter = _scatter_ratio(machine, training, step)
            except Problems as error:
                path = ("domains", domain, "jobs", name, "runs")
                problems += [placed(workload, path, problem) for problem in error.problems]
        if job.node_power_w is not None:
            level_w, level_from = job.node_power_w * scale, FILE
        model = job.runs.model if job.runs else ""
        kinds.append(JobKind(domain, name, model, level_w, level_from, speed, speed_from, write_s, scatter))
    if problems:
        raise Problems(problems)
    return tuple(kinds)


def _scatter_ratio(machine: Machine, training: TrainingJob, step: TrainingStep) -> float:
    """What a step takes where every node hangs on another leaf, over that on as few leaves as can be, to the thousandth.

    Never below 1; the same job, split and software, on a network whose leaves hold one domain of GPUs each.
    """
    net = interconnect_of(machine)
    apart = training.step(machine.accelerator, replace(net, leaf_gpus_count=net.domain_gpus_count))
    return max(round(apart.step_s / step.step_s, 3), 1.0)


def _write_s(machine: Machine, training: TrainingJob, step: TrainingStep) -> float:
    """Time of a checkpoint's write, with the storage to itself [s].

    The bytes are what a restart needs: weights, and the optimizer's state of what is trained.
    """
    written = checkpoint_bytes(training.work.parameters_count, step.strategy.optimizer, step.column.trained_fraction)
    nodes = -(-step.strategy.gpus_count // machine.node.accelerators_count)
    return round(checkpoint_write_s(written, nodes, machine.storage.write_bytes_per_s), 2)


def scale_of_workload(machine: Machine) -> float:
    """Full power of a node of this machine over that of the node whose levels workload files give [-].

    Files give powers of one node type, which the catalogue's reference names; other nodes draw in proportion at full power.
    """
    catalogue = read_catalogue()
    node = catalogue.part(Node, read_reference().record.workload_node)
    accelerator, processor = catalogue.part(Accelerator, node.accelerator), catalogue.part(Processor, node.processor)
    return levels_of(machine).full_w / node_levels(node, accelerator, processor).full_w


def _speeds(training: TrainingJob, step: TrainingStep, profiles: Iterable[str]) -> dict[str, float]:
    """Steps on each profile's GPUs over the step here.

    Above 1 where this machine is faster; profiles on the same node type share one predicted step.
    """
    nodes = {profile: job_profile(profile).node for profile in profiles}
    steps_s = {name: training.step_on(name).step_s for name in set(nodes.values())}
    return {profile: round(steps_s[name] / step.step_s, 3) for profile, name in nodes.items()}


def _work_gpu_s(table: pa.Table, kinds: Sequence[JobKind]) -> Floats:
    """What each job got done: the GPU time that it would take on the GPUs of its profile, without failures [s].

    table   of jobs, whose columns `gpu_s`, `lost_gpu_s`, `job` and `profile` count; shape (jobs,)
    """
    profiles = table.column("profile").combine_chunks()
    ratios = np.array([[kind.speed_ratio[name] for name in profiles.dictionary.to_pylist()] for kind in kinds])
    kind = table.column("job").combine_chunks().indices.to_numpy()
    useful_gpu_s = table.column("gpu_s").to_numpy() - table.column("lost_gpu_s").to_numpy()
    done: Floats = useful_gpu_s * ratios[kind, profiles.indices.to_numpy()]
    return done


def kinds_data(table: pa.Table, kinds: Sequence[JobKind], pace: Floats | None = None) -> list[dict[str, Any]]:
    """`kinds` of summary.json, see docs/formats/run.md.

    table   of jobs;  pace  speed of each job over its kind's, where a policy caps it; None: 1

    A row a kind, in their order, with jobs, GPU time and work [s] of the run beside what the kind is.
    """
    codes = table.column("job").combine_chunks().indices.to_numpy()
    sums = {
        "jobs_count": np.bincount(codes, minlength=len(kinds)),
        "gpu_s": np.bincount(codes, table.column("gpu_s").to_numpy(), len(kinds)),
        "work_gpu_s": np.bincount(codes, _work_gpu_s(table, kinds) * (1.0 if pace is None else pace), len(kinds)),
    }
    return [
        {
            "domain": kind.domain,
            "job": kind.job,
            "model": kind.model or None,
            "node_power_w": kind.level_w,
            "node_power_from": kind.level_from,
            "speed_ratio": kind.speed_ratio,
            "speed_from": kind.speed_from,
            "write_s": kind.write_s,
            "scatter_ratio": kind.scatter_ratio,
            **{key: column[index].item() for key, column in sums.items()},
        }
        for index, kind in enumerate(kinds)
    ]


def kinds_digest(kinds: Iterable[JobKind]) -> str:
    """SHA-256 of all powers and speeds: it changes with the machine, the file, and the constants of the models.

    The digest is in run.json and in each row of a sweep, where it tells apart two runs of the same files but other models.
    """
    rows = [(kind.domain, kind.job, f"{kind.level_w:.9g}", sorted(kind.speed_ratio.items())) for kind in kinds]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def predicted_provenance(kinds: Iterable[JobKind]) -> dict[str, Provenance]:
    """Who says what is not in the workload file: paths of `node_power` and `speed`, as derived values.

    Paths are those of the workload file, without the workload's name before them.
    """
    entries = {}
    for kind in kinds:
        path, note = f"domains.{kind.domain}.jobs.{kind.job}", f"predicted step of {kind.model}"
        if kind.level_from == PREDICTED:
            entries[f"{path}.node_power"] = Provenance("derived", f"{kind.level_w:,.0f} W", note=note)
        if kind.level_from == BUSY:
            unknown = "no step is predicted on these GPUs: as any long training"
            entries[f"{path}.node_power"] = Provenance("derived", f"{kind.level_w:,.0f} W", note=unknown)
        if kind.speed_from == PREDICTED:
            for profile, ratio in kind.speed_ratio.items():
                over = f"{note}, over that on {job_profile(profile).accelerator}"
                entries[f"{path}.speed.{profile}"] = Provenance("derived", f"{ratio:g}", note=over)
    return entries
