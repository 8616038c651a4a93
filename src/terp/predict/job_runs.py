"""What a job of a workload runs, and its predicted step on a machine and on the nodes of the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from terp.catalogue import Accelerator, Node, read_catalogue
from terp.describe import ModelFile, Runs, Workload, read_model
from terp.errors import Problem, Problems, UnknownName
from terp.hardware import Machine
from terp.physics.fabric.collectives import Interconnect, interconnect_between, interconnect_of
from terp.physics.neural.families import work_of
from terp.physics.neural.work import Work
from terp.physics.training.software import Generation, generation_named
from terp.physics.training.stage import RECOMPUTE
from terp.physics.training.step_prediction import TrainingStep, predict_step
from terp.physics.training.strategy import Strategy, misfits_of_precision, misfits_of_strategy
from terp.reader import Written
from terp.units import show


@dataclass(frozen=True)
class Asked:
    """What `runs` of a workload asks for, on some machine."""

    model: ModelFile
    work: Work
    generation: Generation
    strategy: Strategy
    batch_count: int

    def step(self, chip: Accelerator, net: Interconnect) -> TrainingStep:
        """The predicted step; in BF16 on a chip that does not have the precision asked for."""
        has = not misfits_of_precision(chip, self.strategy.precision)
        strategy = self.strategy if has else replace(self.strategy, precision="bf16")
        return predict_step(chip, net, self.work, strategy, self.batch_count, self.generation)

    def step_on(self, name: str) -> TrainingStep:
        """The step on as many GPUs of a node of the catalogue, on a fabric that loses nothing.

        Whether the split fits their memory is not asked.  Raises UnknownName.
        """
        node = read_catalogue().part(Node, name)
        chip = read_catalogue().part(Accelerator, node.accelerator)
        port_bytes_per_s = node.compute_ports_count * node.compute_port_rate_bytes_per_s / node.accelerators_count
        switched = node.link_switches_count > 0
        return self.step(chip, interconnect_between(chip, node.link_domain_count, port_bytes_per_s, switched=switched))


def asked_on(machine: Machine, runs: Runs) -> tuple[Asked, TrainingStep]:
    """What is asked for and its step on the machine.  Raises Problems, by the options of `terp predict`."""
    try:
        generation = generation_named(runs.software)
    except UnknownName as error:
        raise Problems([Problem("", 0, 0, "--software", str(error))]) from None
    model = read_model(runs.model).record
    work, strategy = work_of(model, runs.seq_count or 0), strategy_of(runs, machine.gpus_count)
    problems = misfits_of_strategy(machine.accelerator, model, work, strategy, runs.global_batch_count, machine.gpus_count)
    if problems:
        raise Problems(problems)
    asked = Asked(model, work, generation, strategy, runs.global_batch_count)
    step = asked.step(machine.accelerator, interconnect_of(machine))
    if not step.fits:
        held, room = (show(size, "bytes", 3) for size in (float(step.memory.total_bytes), machine.accelerator.memory_bytes))
        would_do = f"a split that `terp predict {machine.file.name} train --search` finds would do"
        raise Problems([Problem("", 0, 0, "", f"does not fit: {held} on a GPU of {room}", would_do=would_do)])
    return asked, step


def strategy_of(runs: Runs, gpus_most: int) -> Strategy:
    """The split that `runs` describes, on all of so many GPUs if it names no number."""
    return Strategy(
        gpus_count=runs.gpus_count or gpus_most,
        micro_batch_count=runs.micro_batch_count,
        tensor_count=runs.tp_count,
        pipeline_count=runs.pp_count,
        interleave_count=runs.vp_count,
        context_count=runs.cp_count,
        expert_count=runs.ep_count,
        sequence_parallel=runs.sequence_parallel,
        zero_count=runs.zero_count,
        shard_count=runs.shard_count,
        recompute=RECOMPUTE[runs.recompute] if runs.recompute else None,
        precision=runs.precision,
        adapters=runs.adapters,
        optimizer=runs.optimizer,
    )


def placed(workload: Written[Workload], path: tuple[str, ...], problem: Problem) -> Problem:
    """A problem of an option of `terp predict`, at the key of a workload file that says the same."""
    key = problem.path.removeprefix("--").replace("-", "_")
    would_do = re.sub(r"--([a-z]+)", r"\1", problem.would_do) if key else problem.would_do
    return workload.tree.problem((*path, key) if key else path, problem.wrong, problem.found, would_do)
