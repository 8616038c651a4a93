"""Fits the intervals of training steps to residuals of whole sources, each predicted without it.

    python scripts/fit_step_intervals.py           prints ends, and the share of left-out rows inside; a minute
    python scripts/fit_step_intervals.py --write   writes them into catalogue/physics/training.yaml

A source that constants were fitted to is left out whole: where its software has rows of others, the rate of products is
fitted again to those; where it has none, the software that would stand in for it predicts the rows, and its class is that of
software not graded.  Ends are quantiles of published over predicted, low and high apart, of a class with the class
that it belongs to.  They are graded by leaving each source out once more, of the residuals themselves.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from terp.catalogue import constants, with_constants
from terp.physics.intervals import Interval
from terp.physics.training.software import Generation, TrainingSoftware
from terp.physics.uncertainty import features_of
from terp.physics.uncertainty.step_intervals import GradedSoftware, StepClass, StepIntervals
from terp.validate.steps.training_cases import class_of, predict_row
from terp.validate.steps.training_grades import all_rows, is_for_fitting
from terp.validate.steps.training_rows import TrainingRow

FILE = Path(__file__).parents[1] / "src" / "terp" / "catalogue" / "physics" / "training.yaml"
STANDS_IN = {
    "fsdp-2023": ("fsdp-eager", "fsdp-2024"), "fsdp-2024": ("compiled",), "fsdp-eager": ("fsdp-2024",), "compiled": ("fsdp-2024",),
    "eager": ("fsdp-eager", "compiled"), "internevo-2023": ("deepspeed-2025",), "jax-2024": ("fsdp-2024",),
    "megatron-2024": ("megatron-2025",), "megatron-2025": ("megatron-2024",), "megatron-2026": ("megatron-2025",),
    "megatron-2026-06": ("megatron-2026",), "mlperf-2024": ("megatron-2024",), "deepspeed-2021": ("megatron-2021",),
    "megatron-2021": ("deepspeed-2021",), "deepspeed-2025": ("fsdp-2024",),
}  # fmt: skip
"""Generation -> those that would stand in for it if no row of it were known; the first that there is."""
TAILS = (0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02)
"""Shares of rows beyond each end that are tried; the first is taken whose intervals hold HOLDS of sources left out."""
HOLDS = 0.85
SOURCES_TO_TRUST = 2.0
"""Sources of a class from which its own rows weigh as much as all of the wider class that it belongs to."""
GRADED = "all graded"
"""The class of which all is known."""
LEAST_SOURCES = 2
"""A class of fewer sources is not written: it takes the interval of the class that it belongs to."""
STOOD_IN_WEIGHT = 0.05
"""Weight of a row that was predicted by software of which a table of ours says that it would stand in for its own."""
HEAD = "intervals:"
LONG_TOKENS = 16_384
"""Tokens above which a sequence is a recipe of its own: assumed."""
STEPS_OF_RATE = 9


@dataclass(frozen=True)
class Residual:
    """A row predicted without its source: logarithms of published over predicted, with the class that it then has."""

    source: str
    name: str
    known: StepClass
    step: float | None
    memory: float | None
    weight: float = 1.0


def source_of(row: TrainingRow) -> str:
    """The laboratory of a row: what its id begins with; both sets of vTrain are one."""
    prefix = row.name.partition("-")[0]
    return "vtm" if prefix == "vts" else prefix


def seen_of(rows: Sequence[TrainingRow]) -> tuple[tuple[str, ...], dict[str, dict[str, GradedSoftware]]]:
    """Chips and recipes of rows that constants are fitted to."""
    by_name: dict[tuple[str, str], list[TrainingRow]] = defaultdict(list)
    for row in rows:
        by_name[row.software, row.chip.architecture].append(row)
    software: dict[str, dict[str, GradedSoftware]] = {}
    for (name, architecture), of_name in sorted(by_name.items()):
        features = set().union(*(features_of(split, row.work) for row in of_name for split in row.strategies))
        graded = GradedSoftware(tuple(sorted(features)), max(row.gpus_count for row in of_name))
        software.setdefault(name, {})[architecture] = graded
    return tuple(sorted({row.part for row in rows})), software


def without(source: str, rows: Sequence[TrainingRow], fitted: Sequence[TrainingRow]) -> list[Residual]:
    """The residuals of a source whose rows nothing was fitted to."""
    mine = [row for row in rows if row.step_s and source_of(row) == source]
    kept = [row for row in fitted if source_of(row) != source]
    chips, software = seen_of(kept)
    intervals = StepIntervals(0, chips, software, {}, {})
    fitted_names = {row.software for row in fitted if source_of(row) == source}
    known = constants(TrainingSoftware)
    generations = dict(known.generations)
    for name in fitted_names & set(software):
        generations[name] = rated(name, generations[name], [row for row in kept if row.software == name])
    gone = fitted_names - set(software)
    stand_in = {name: next(one for one in STANDS_IN[name] if one in generations) for name in gone if name in STANDS_IN}
    residuals = []
    with with_constants(dataclasses.replace(known, generations=generations)):
        for row in mine:
            case = predict_row(dataclasses.replace(row, software=stand_in.get(row.software, row.software)))
            of_class = class_of(row, intervals)
            step = float(np.log(row.step_s / case.step_s))
            weight = STOOD_IN_WEIGHT if row.software in stand_in else 1.0
            residuals.append(Residual(source, row.name, of_class, step, None, weight))
    return residuals


def of_memory(rows: Sequence[TrainingRow], fitted: Sequence[TrainingRow]) -> list[Residual]:
    """The residuals of all rows that publish a memory; nothing is fitted to memory, so that none of them needs leaving out."""
    intervals = StepIntervals(0, *seen_of(fitted), {}, {})
    return [
        Residual(
            source_of(row), row.name,
            class_of(row, intervals),
            None, float(np.log(row.memory_bytes / predict_row(row).memory_bytes)),
        )
        for row in rows if row.memory_bytes
    ]  # fmt: skip


def rated(name: str, generation: Generation, rows: Sequence[TrainingRow]) -> Generation:
    """A generation with its rates of products fitted to some rows alone, one factor for each architecture."""
    shares = dict(generation.products_share)
    known = constants(TrainingSoftware)
    for architecture in {row.chip.architecture for row in rows}:
        of_it = [row for row in rows if row.chip.architecture == architecture][::3] or rows[:1]
        best, least = shares[architecture], np.inf
        for factor in np.geomspace(0.8, 1.25, STEPS_OF_RATE):
            share = min(shares[architecture] * factor, 1.2)
            tried = dataclasses.replace(generation, products_share={**shares, architecture: share})
            with with_constants(dataclasses.replace(known, generations={**known.generations, name: tried})):
                loss = float(np.mean([abs(np.log(predict_row(row).step_s / row.step_s)) for row in of_it if row.step_s]))
            if loss < least:
                best, least = share, loss
        shares[architecture] = best
    return dataclasses.replace(generation, products_share=shares)


def weights(residuals: Sequence[Residual]) -> np.ndarray:
    """Weight of each row: a source counts for three times the root of its rows, as a table of a thousand is one laboratory's."""
    counts = Counter(one.source for one in residuals)
    return np.array([one.weight * min(1.0, 3 / np.sqrt(counts[one.source])) for one in residuals])


def intervals_of(residuals: Sequence[Residual], quantity: str, tail: float) -> dict[str, Interval]:
    """Name of a class, or of one that it belongs to -> its ends, of all that enough sources tell of."""
    rows = [one for one in residuals if getattr(one, quantity) is not None]
    values = np.array([getattr(one, quantity) for one in rows])
    weight = weights(rows)
    names = sorted({name for one in rows for name in one.known.names})
    chains = {name: next(one.known.names for one in rows if name in one.known.names) for name in names}
    found = {}
    for name in names:
        chain = chains[name][chains[name].index(name) :]
        own = np.array([name in one.known.names for one in rows])
        if name == "any" or len({one.source for one, has in zip(rows, own, strict=True) if has}) >= LEAST_SOURCES:
            mixed = mixture(rows, weight, chain)
            low, high = (float(np.exp(quantile(values, mixed, level))) for level in (tail, 1 - tail))
            found[name] = Interval(min(low, 1.0), max(high, 1.0))
    return {name: no_narrower(ends, found.get(GRADED)) for name, ends in found.items()}


def no_narrower(ends: Interval, graded: Interval | None) -> Interval:
    """The ends of a class, at least as far apart as those of what is graded: who knows less cannot say more."""
    if graded is None:
        return ends
    return Interval(min(ends.low_ratio, graded.low_ratio), max(ends.high_ratio, graded.high_ratio))


def mixture(rows: Sequence[Residual], weight: np.ndarray, chain: Sequence[str]) -> np.ndarray:
    """Weights of all rows for a class: its own as far as its sources are many, the rest of the class that it belongs to."""
    mixed, left = np.zeros(len(rows)), 1.0
    for name in chain:
        own = np.array([name in one.known.names for one in rows]) * weight
        by_source = Counter[str]()
        for one, share in zip(rows, own, strict=True):
            by_source[one.source] += share
        total = sum(by_source.values())
        if not total:
            continue
        sources = total**2 / sum(share**2 for share in by_source.values())
        trust = 1.0 if name == chain[-1] else sources / (sources + SOURCES_TO_TRUST)
        mixed += left * trust * own / total
        left *= 1 - trust
    return mixed


def quantile(values: np.ndarray, weight: np.ndarray, level: float) -> float:
    """The value below which lies a share of the weight, between values by their middles."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order] / 2
    return float(np.interp(level * weight.sum(), below, values[order]))


def graded(residuals: Sequence[Residual], quantity: str, tail: float) -> list[tuple[Residual, bool, float]]:
    """For each row whether it lies in the interval of all other sources, with its width."""
    rows = [one for one in residuals if getattr(one, quantity) is not None]
    inside = []
    for source in sorted({one.source for one in rows}):
        found = intervals_of([one for one in rows if one.source != source], quantity, tail)
        for one in rows:
            if one.source == source:
                ends = next(found[name] for name in one.known.names if name in found)
                within = ends.low_ratio <= np.exp(getattr(one, quantity)) <= ends.high_ratio
                inside.append((one, bool(within), ends.high_ratio / ends.low_ratio))
    return inside


def held_fraction(inside: Sequence[tuple[Residual, bool, float]]) -> float:
    """Share of rows inside, each source by its weight."""
    return float(np.average([entry[1] for entry in inside], weights=weights([entry[0] for entry in inside])))


def fitted_intervals(
    residuals: Sequence[Residual], quantity: str
) -> tuple[dict[str, Interval], list[tuple[Residual, bool, float]]]:
    """The narrowest intervals of TAILS that hold HOLDS of the sources left out, and what lies in them when left out."""
    for tail in TAILS:
        inside = graded(residuals, quantity, tail)
        if held_fraction(inside) >= HOLDS:
            break
    print(f"{quantity}: {tail:.0%} beyond each end")
    return intervals_of(residuals, quantity, tail), inside


def told(inside: Sequence[tuple[Residual, bool, float]]) -> None:
    """Prints the share inside and the median width, in all, by source and by class."""
    for title, key in (("source", lambda one: one.source), ("class", lambda one: one.known.name)):
        parts: dict[str, list[tuple[Residual, bool, float]]] = defaultdict(list)
        for entry in inside:
            parts[key(entry[0])].append(entry)
        for name, of_part in sorted(parts.items()):
            share, width = np.mean([entry[1] for entry in of_part]), np.median([entry[2] for entry in of_part])
            print(f"    {title} {name:44} {len(of_part):5} rows, {share:.0%} inside, width {width:.2f}")
    shares = np.array([entry[1] for entry in inside])
    print(f"  in all: {shares.mean():.1%} of {len(inside)} rows inside, {held_fraction(inside):.1%} by source,", end=" ")
    print(f"width {np.median([entry[2] for entry in inside]):.2f}")


def yaml_of(intervals: StepIntervals) -> str:
    """The part of the file that is of training."""
    lines = [
        HEAD,
        f'  long_tokens: {{value: {intervals.long_tokens_count}, status: assumed, range: "8192 .. 32768"}}',
        f"  chips: [{', '.join(intervals.chips)}]",
        "  software:",
    ]
    for name, of_name in intervals.software.items():
        lines += [f"    {name}:"]
        for architecture, one in of_name.items():
            lines += [
                f"      {architecture}:",
                f"        features: [{', '.join(one.features)}]",
                f'        gpus: {{value: {one.gpus_count}, status: derived, note: "most of a row to fit"}}',
            ]
    for name, found in (("step", intervals.step), ("held", intervals.memory)):
        lines += [f"  {name}:"]
        for known, ends in found.items():
            lines += [f'    "{known}":']
            for key, ratio in (("low", ends.low_ratio), ("high", ends.high_ratio)):
                text = f"value: {ratio:.3g}, status: fitted, fitted_by: scripts/fit_step_intervals.py"
                lines += [f'      {key}: {{{text}, range: "{ratio * 0.9:.2g} .. {ratio * 1.1:.2g}"}}']
    return "\n".join(lines) + "\n"


def residuals_of_all() -> tuple[list[Residual], list[TrainingRow], list[TrainingRow]]:
    """The residuals of all rows that ship, each source predicted without it; the rows, and those that are fitted to."""
    rows = [row for row in all_rows() if row.step_s or row.memory_bytes]
    fitted = [row for row in rows if row.step_s and is_for_fitting(row)]
    residuals = [one for source in sorted({source_of(row) for row in rows}) for one in without(source, rows, fitted)]
    return residuals + of_memory(rows, fitted), rows, fitted


def main() -> None:
    residuals, _, fitted = residuals_of_all()
    found = {}
    for quantity in ("step", "memory"):
        found[quantity], inside = fitted_intervals(residuals, quantity)
        told(inside)
        for name, ends in found[quantity].items():
            print(
                f"    {name:52} x{ends.low_ratio:.2f} to x{ends.high_ratio:.2f}, width {ends.high_ratio / ends.low_ratio:.2f}"
            )
    chips, software = seen_of(fitted)
    if "--write" in sys.argv:
        others = FILE.read_text("utf-8").partition(f"\n{HEAD}\n")[0]
        FILE.write_text(
            others + "\n" + yaml_of(StepIntervals(LONG_TOKENS, chips, software, found["step"], found["memory"])), "utf-8"
        )


if __name__ == "__main__":
    main()
