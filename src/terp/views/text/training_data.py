"""A predicted training step, its run, and the frontier of a search, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from terp.catalogue import hourly
from terp.connect import read_config
from terp.describe import ModelFile, TransformerModel, read_model, read_site
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics import (
    Generation,
    Interconnect,
    Strategy,
    TrainingStep,
    Weather,
    Work,
    energy_price_eur_per_j,
    generation_named,
    hall_flows,
    interconnect_of,
    machine_power,
    predict_step,
    staircase_eur,
    work_of,
)
from terp.physics.gpu.architectures import is_measured
from terp.physics.gpu.precisions import peak_flop_per_s
from terp.physics.training.checkpoint import checkpoint_bytes, checkpoint_write_s
from terp.physics.training.goodput import run_with_failures
from terp.physics.training.stage import Recompute
from terp.physics.training.strategy import misfits_of_precision, misfits_of_strategy
from terp.physics.training.strategy_search import Found, Range, search
from terp.physics.training.training_power import StepPower, step_power
from terp.units import HOUR_S, J_PER_MWH, YEAR_S, show

LANGUAGE_SOFTWARE: Final = "megatron-2024"
OTHER_SOFTWARE: Final = "eager"
"""Of transformers, and of convolutions, operators and graphs, where none is asked for."""
LIFE_S: Final = 5 * YEAR_S
"""Over which a machine's price is spread: assumed, 4 to 7 years."""
MOST_MICRO_BATCH: Final = 11
"""Powers of two that are tried for a micro-batch that is not given."""


@dataclass(frozen=True)
class Asked:
    """What a prediction is asked for: a machine, a model on its samples, a batch and a software."""

    machine: Machine
    model: ModelFile
    work: Work
    net: Interconnect
    batch_count: int
    software: str

    @property
    def generation(self) -> Generation:
        """The software's constants."""
        return generation_named(self.software)


def model_named(name_or_path: str) -> ModelFile:
    """A model by the name of one that ships, by a file of Terp, or by a hub's config.json."""
    return read_config(name_or_path) if name_or_path.endswith(".json") else read_model(name_or_path).record


def asked(
    machine: Machine, model: str, tokens: int | None, batch_count: int, software: str | None = None, precision: str = "bf16"
) -> Asked:
    """What is asked for, once it can be.  Raises Problems or UnknownName."""
    if software is not None:
        generation_named(software)
    named = model_named(model)
    own_size = getattr(named, "vocabulary_size", 0) == 0
    problems = []
    if not own_size and tokens is None:
        problems.append(Problem("", 0, 0, "--seq", "missing", would_do="write the tokens of a sequence, such as --seq 8192"))
    if own_size and tokens is not None:
        wrong = f"{named.title} has samples of its own size"
        problems.append(Problem("", 0, 0, "--seq", wrong, str(tokens), "leave it away"))
    if tokens is not None and not 1 <= tokens <= 10**8:
        problems.append(Problem("", 0, 0, "--seq", "out of range", str(tokens), "1 to 100,000,000 would do"))
    if problems:
        raise Problems([*problems, *misfits_of_precision(machine.accelerator, precision)])
    usual = LANGUAGE_SOFTWARE if isinstance(named, TransformerModel) else OTHER_SOFTWARE
    work = work_of(named, tokens or 0)
    return Asked(machine, named, work, interconnect_of(machine), batch_count, software or usual)


def step_of(wanted: Asked, strategy: Strategy, *, any_micro_batch: bool = False) -> TrainingStep:
    """The step by a strategy, or by the fastest that fits of its powers of two for the micro-batch.

    Raises Problems for one that does not divide or does not fit, with one that would do.
    """
    chip, machine = wanted.machine.accelerator, wanted.machine
    if any_micro_batch:
        strategy = _with_micro_batch(wanted, strategy)
    problems = misfits_of_strategy(chip, wanted.model, wanted.work, strategy, wanted.batch_count, machine.gpus_count)
    if problems:
        raise Problems(problems)
    step = predict_step(chip, wanted.net, wanted.work, strategy, wanted.batch_count, wanted.generation)
    if not step.fits:
        held, room = (show(value, "bytes", 3) for value in (float(step.memory.total_bytes), chip.memory_bytes))
        wrong = f"does not fit: {held} on a GPU of {room}"
        raise Problems([Problem("", 0, 0, "", wrong, "", _what_would_fit(wanted, strategy))])
    return step


def _with_micro_batch(wanted: Asked, strategy: Strategy) -> Strategy:
    """The strategy with the micro-batch that is fastest of those that divide and fit; with 1 if none does."""
    machine = wanted.machine
    steps = []
    for power in range(MOST_MICRO_BATCH):
        tried = replace(strategy, micro_batch_count=2**power)
        if misfits_of_strategy(
            machine.accelerator, wanted.model, wanted.work, tried, wanted.batch_count, machine.gpus_count
        ):
            break
        step = predict_step(machine.accelerator, wanted.net, wanted.work, tried, wanted.batch_count, wanted.generation)
        if not step.fits:
            break
        steps.append(step)
    return min(steps, key=lambda step: step.step_s).strategy if steps else strategy


def _what_would_fit(wanted: Asked, strategy: Strategy) -> str:
    found = found_by(wanted, strategy, {}, strategy.gpus_count)
    if not found.frontier:
        return "no split that was tried fits on as many GPUs: use more, or a machine with more memory"
    best = found.frontier[0].strategy
    fewer = "" if best.gpus_count == strategy.gpus_count else f"--gpus {best.gpus_count} "
    return f"{fewer}{_options(best)} would do"


def found_by(
    wanted: Asked, base: Strategy, fixed: dict[str, Any], gpus_most: int, by: Literal["time", "energy", "euros"] = "time"
) -> Found:
    """Searches splits up to so many GPUs; `fixed` holds options that have one choice.  Raises Problems for a precision."""
    chip = wanted.machine.accelerator
    problems = misfits_of_precision(chip, base.precision)
    if wanted.batch_count < 1:
        wrong = "not a positive number"
        problems.append(Problem("", 0, 0, "--global-batch", wrong, str(wanted.batch_count), "at least 1 would do"))
    if not 1 <= gpus_most <= wanted.machine.gpus_count:
        would_do = f"1 to {wanted.machine.gpus_count} would do"
        problems.append(Problem("", 0, 0, "--gpus", "not on this machine", str(gpus_most), would_do))
    if problems:
        raise Problems(problems)
    node = wanted.machine.node.accelerators_count
    choices: dict[str, Any] = {key: (value,) for key, value in fixed.items() if value is not None}
    wide = Range(gpus_most, node, wanted.batch_count, base, by=by, **choices)
    return search(chip, wanted.net, wanted.model, wanted.work, wide, wanted.generation)


def training_data(wanted: Asked, step: TrainingStep, tokens: float | None, hire_eur: float | None) -> dict[str, Any]:
    """The JSON of `terp predict MACHINE train`, see docs/formats/predict.md."""
    machine, spread = wanted.machine, _spread(wanted)
    wait_s = _input_wait_s(wanted, step)
    power, step_s = step_power(machine, step), step.step_s + wait_s
    flop = wanted.work.flop * wanted.batch_count * (2 / 3 if step.strategy.adapters else 1.0)
    again = 1 + _again(wanted, step.strategy.recompute or Recompute())
    precision = step.strategy.precision
    peak = peak_flop_per_s(machine.accelerator, precision)
    mfu = flop / step_s / (peak * step.strategy.gpus_count)
    data: dict[str, Any] = {
        "machine": machine.file.name,
        "model": wanted.model.name,
        "parameters_count": wanted.work.parameters_count,
        "gpus_count": step.strategy.gpus_count,
        "global_batch_count": wanted.batch_count,
        "sequence_tokens_count": wanted.work.tokens_count or None,
        "step_s": step_s,
        "step_low_s": step_s / (1 + spread),
        "step_high_s": step_s * (1 + spread),
        "samples_per_s": wanted.batch_count / step_s,
        "tokens_per_s": wanted.batch_count * wanted.work.tokens_count / step_s if wanted.work.tokens_count else None,
        "mfu_fraction": mfu,
        "hfu_fraction": mfu * again,
        "memory_bytes": float(step.memory.total_bytes),
        "memory": {key: float(value) for key, value in vars(step.memory).items()},
        "fits": step.fits,
        "breakdown": breakdown(step) | {"input_s": wait_s},
        "gpu_power_w": power.gpu_w,
        "node_power_w": power.node_w,
        "job_power_w": power.job_w,
        "energy_j": power.job_w * step_s,
        **_money(machine, power, step, hire_eur),
        "strategy": strategy_data(step.strategy),
        "software": wanted.software,
        "caveats": _caveats(wanted, step),
    }
    if tokens is not None:
        data["run"] = _run(wanted, step, power, tokens, data)
    return data


def _again(wanted: Asked, recompute: Recompute) -> float:
    """Flops that are done twice over those of the model."""
    work = wanted.work
    attention = sum(layer.count * part.flop for layer in work.layers for part in layer.attention) / work.flop
    whole = recompute.layers_fraction * wanted.generation.again_fraction * (work.flop / 3 - work.head.flop) / work.flop
    return whole + recompute.attention * attention


def _input_wait_s(wanted: Asked, step: TrainingStep) -> float:
    """What reading a batch takes beyond a step, at the rate of the machine's storage for this job alone [s]."""
    rate = wanted.machine.storage.read_bytes_per_s
    return max(wanted.work.input_bytes * wanted.batch_count / rate - step.step_s, 0.0) if rate else 0.0


def _spread(wanted: Asked) -> float:
    """Nine of ten published steps lie within this share of what is predicted."""
    experts = any(product.split == "experts" for layer in wanted.work.layers for product in layer.products)
    return wanted.generation.experts_spread_fraction if experts else wanted.generation.spread_fraction


def breakdown(step: TrainingStep) -> dict[str, float]:
    """Where a step's time goes, by kind [s]; exchanges are what of them does not hide behind work."""
    one, time = step.column, step.time
    scale = float(time.layers_s) / max(one.layers_s, 1e-12)
    exposed = {"tensor_s": one.tensor_s, "context_s": one.context_s, "expert_s": one.expert_s}
    parts = {key: value * scale for key, value in exposed.items()}
    attention = min(one.attention_s * scale, float(time.layers_s) - sum(parts.values()))
    return {
        "compute_s": float(time.layers_s) - sum(parts.values()) - attention + float(time.head_s),
        "attention_s": attention,
        **parts,
        "pipeline_s": float(time.pipe_s),
        "bubble_s": float(time.bubble_s),
        "data_s": float(time.data_s),
        "optimizer_s": float(time.optimizer_s),
        "input_s": 0.0,
        "overhead_s": float(time.overhead_s),
        "stragglers_s": float(time.straggle_s),
    }


def _money(machine: Machine, power: StepPower, step: TrainingStep, hire_eur: float | None) -> dict[str, float | None]:
    """Electricity at the site's mean price and losses, hire by the hour, and the share of the machine's own price [EUR]."""
    energy_j = power.job_w * step.step_s
    gpu_s = step.step_s * step.strategy.gpus_count
    own = machine.file.cost_eur
    rates = site_rates(machine)
    return {
        "pue_ratio": rates[0] if rates else None,
        "cost_eur": energy_j * rates[0] * rates[1] if rates else None,
        "hire_eur": gpu_s / HOUR_S * hire_eur if hire_eur is not None else None,
        "capital_eur": own * gpu_s / (machine.gpus_count * LIFE_S) if own else None,
    }


def site_rates(machine: Machine) -> tuple[float, float] | None:
    """Power at the meter over that of the machine, and the price of energy with its tax [EUR/J], means of the site's year.

    Tax and network charge are those of a year in which the machine is in long training, over its energy; each month's
    peak is taken for the year's.
    """
    if machine.file.site is None:
        return None
    site = read_site(machine.file.site).record
    power, contract = machine_power(machine), site.contract
    weather = Weather(hourly(site.wet_bulb).values, hourly(site.dry_bulb).values if site.dry_bulb else None)
    it_w = np.full_like(weather.wet_bulb_celsius, power.expected_w)
    wetted_w = it_w - power.base_w if machine.node.cooling == "liquid" else it_w * 0.0
    drawn = hall_flows(it_w, wetted_w, weather, power.expected_w, site).meter_w
    year_j = float(drawn.mean()) * YEAR_S
    price = energy_price_eur_per_j(np.array(float(hourly(site.price).values.mean()) / J_PER_MWH), contract)
    peaks_eur = float(drawn.max()) * (contract.network.year_peak_eur_per_w + 12 * contract.network.month_peak_eur_per_w)
    levies_eur = staircase_eur(year_j, site.energy_tax) + peaks_eur
    extra = contract.margin_eur_per_j + contract.network.energy_eur_per_j
    return float(drawn.mean() / power.expected_w), float(price) + extra + levies_eur / year_j


def _run(wanted: Asked, step: TrainingStep, power: StepPower, tokens: float, data: dict[str, Any]) -> dict[str, Any]:
    """The whole run on so many tokens, or samples where there are no tokens, with failures and checkpoints."""
    machine = wanted.machine
    steps = int(np.ceil(tokens / (wanted.batch_count * (wanted.work.tokens_count or 1))))
    nodes = -(-step.strategy.gpus_count // machine.node.accelerators_count)
    written = checkpoint_bytes(wanted.work.parameters_count, step.strategy.optimizer, step.column.trained_fraction)
    write_s = checkpoint_write_s(written, nodes, machine.storage.write_bytes_per_s)
    failures_per_s = nodes * machine.reliability.node_failures_per_s
    done = run_with_failures(steps * step.step_s, failures_per_s, write_s)
    times = done.run_s / step.step_s
    return {
        "tokens_count": tokens,
        "steps_count": steps,
        "run_s": done.run_s,
        "run_low_s": done.run_s * data["step_low_s"] / step.step_s,
        "run_high_s": done.run_s * data["step_high_s"] / step.step_s,
        "goodput_fraction": done.good_fraction,
        "interruptions_count": done.interruptions_count,
        "checkpoint_interval_s": done.interval_s,
        "checkpoint_s": done.write_s,
        "checkpoint_bytes": written,
        "energy_j": power.job_w * done.run_s,
        **{key: data[key] * times if data[key] is not None else None for key in ("cost_eur", "hire_eur", "capital_eur")},
    }


def strategy_data(strategy: Strategy) -> dict[str, Any]:
    """A strategy by the names of its options."""
    again = strategy.recompute or Recompute()
    return {
        "gpus_count": strategy.gpus_count,
        "tp": strategy.tensor_count,
        "pp": strategy.pipeline_count,
        "vp": strategy.interleave_count,
        "cp": strategy.context_count,
        "ep": strategy.expert_count,
        "dp": strategy.replicas_count,
        "micro_batch": strategy.micro_batch_count,
        "zero": strategy.zero_count,
        "shard": strategy.shard_count,
        "sequence_parallel": strategy.sequence_parallel,
        "recompute": "selective" if again.attention else "none" if not again.layers_fraction else "full",
        "recomputed_fraction": again.layers_fraction,
        "precision": strategy.precision,
        "optimizer": strategy.optimizer,
        "adapters": strategy.adapters,
    }


def _options(strategy: Strategy) -> str:
    data = strategy_data(strategy)
    words = [
        f"--{key.replace('_', '-')} {data[key]:g}" for key in ("tp", "pp", "vp", "cp", "ep", "micro_batch") if data[key] > 1
    ]
    return " ".join([*words, f"--zero {strategy.zero_count}", f"--recompute {data['recompute']}"])


def _caveats(wanted: Asked, step: TrainingStep) -> list[str]:
    chip = wanted.machine.accelerator
    notes = []
    if not is_measured(chip, "steps"):
        notes.append(f"no training step was measured on {chip.title}: its products take the shares of an H100")
    if wanted.work.tokens_count == 0:
        notes.append("reading samples is taken to keep up: pre-processing on the host can bind, and is not modelled")
    if step.strategy.precision in ("fp4", "fp8-block"):
        notes.append("in this precision few rows were there to fit to")
    return notes


def frontier_data(wanted: Asked, found: Found, by: str, hire_eur: float | None) -> list[dict[str, Any]]:
    """The frontier of a search: time, energy and euros of each size of job, with the best first by what was asked for."""
    rows = []
    for candidate in found.frontier:
        step = predict_step(
            wanted.machine.accelerator, wanted.net, wanted.work, candidate.strategy, wanted.batch_count, wanted.generation
        )
        data = training_data(wanted, step, None, hire_eur)
        rows.append(
            {key: data[key] for key in FRONTIER}
            | {"nodes_count": -(-step.strategy.gpus_count // wanted.machine.node.accelerators_count)}
        )
    keys = {"time": "step_s", "energy": "energy_j"}
    return sorted(rows, key=lambda row: row.get(keys.get(by, "hire_eur")) or row["cost_eur"] or row["energy_j"])


FRONTIER: Final = (
    "gpus_count", "step_s", "samples_per_s", "tokens_per_s", "mfu_fraction", "memory_bytes", "gpu_power_w", "energy_j",
    "cost_eur", "hire_eur", "strategy",
)  # fmt: skip
