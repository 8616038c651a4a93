"""A predicted training step, its run, and the frontier of a search, as text.

Parts of a step are sorted by their size; those below 0.05 % are not shown.  Splits are written with the field's
abbreviations: TP, PP, VP, CP, EP, DP, ZeRO.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from terp.results.training_results import FrontierEntry, SearchResult, TrainingResult, TrainingRun, TrainingSplit
from terp.units import show
from terp.views import notebook
from terp.views.text.columns import aligned

MOST_FRONTIER: Final = 24
"""Splits of a frontier that are shown; --json has all."""
GIBI: Final = 1.07
"""Makers' gigabytes of GPU memory are 2^30 bytes."""
_PARTS: Final = {
    "compute_s": "matrix products and work between them",
    "attention_s": "attention",
    "tensor_s": "tensor-parallel exchanges, not hidden",
    "context_s": "context-parallel exchanges, not hidden",
    "expert_s": "expert-parallel exchanges, not hidden",
    "pipeline_s": "sends between stages, not hidden",
    "bubble_s": "the pipeline's bubble",
    "data_s": "gradients and weights over replicas, not hidden",
    "optimizer_s": "the optimizer",
    "input_s": "waiting for data",
    "overhead_s": "loss, clipping, logging",
    "stragglers_s": "waiting for the slowest",
}
"""Part of a step's breakdown -> what it is."""


def training_text(result: TrainingResult) -> str:
    """A predicted step for people: time with its likely range, rate, MFU, memory, power, the split, and where time goes.

    Likely is what nine of ten published steps fell within.  A run follows where tokens or samples of one were given.
    """
    sure = f"{show(result.step_low_s, 's')} to {show(result.step_high_s, 's')}"
    rate = f"{result.samples_per_s:,.3g} samples/s"
    if result.tokens_per_s:
        rate = f"{result.tokens_per_s:,.0f} tokens/s, {result.tokens_per_s / result.gpus_count:,.0f} a GPU"
    room = GIBI * result.gpu_memory_bytes
    kinds = ((key.removesuffix("_bytes"), value) for key, value in asdict(result.memory).items() if value)
    held = ", ".join(f"{kind} {show(value, 'bytes', 3)}" for kind, value in kinds)
    powers = [show(value, "w", 3) for value in (result.gpu_power_w, result.node_power_w, result.job_power_w)]
    rows = [
        ("step", f"{show(result.step_s, 's', 4)}, likely {sure} (9 of 10 published steps)"),
        ("rate", rate),
        ("MFU", f"{result.mfu_fraction:.1%} of the {result.strategy.precision} peak, HFU {result.hfu_fraction:.1%}"),
        ("memory", f"{show(result.memory_bytes, 'bytes', 3)} of {show(room, 'bytes', 3)} a GPU: {held}"),
        ("power", f"{powers[0]} a GPU, {powers[1]} a node, {powers[2]} in all"),
        ("a step", _spent(result)),
        ("split", _split_text(result.strategy)),
        ("software", f"{result.software}: {result.software_title}"),
    ]
    title = f"{result.model_title} ({result.parameters_count / 1e9:,.3g} billion parameters)"
    lines = [f"{title} on {result.gpus_count:,} GPUs of {result.machine_title}", ""]
    lines += [f"  {name:9} {text}" for name, text in rows]
    lines += ["", "  where the time goes"]
    parts = sorted(asdict(result.breakdown).items(), key=lambda item: -item[1])
    lines += [f"    {value / result.step_s:6.1%}  {_PARTS[part]}" for part, value in parts if value > 5e-4 * result.step_s]
    if result.run is not None:
        lines += ["", *_run_lines(result.run, "tokens" if result.sequence_tokens_count else "samples")]
    lines += ["", *(f"  mind that {notebook.sentence(caveat)}" for caveat in result.caveats)] if result.caveats else []
    return "\n".join(lines)


def _euro_text(value: float) -> str:
    """An amount: whole euros from 1000 up, three digits below."""
    return f"EUR {value:,.0f}" if value >= 1000 else f"EUR {value:.3g}"


def _spent(spent: TrainingResult | TrainingRun) -> str:
    """The energy and the euros of a step or a run.

    Euros that are not known, such as of a machine without a price, are left out.
    """
    kinds = ((spent.cost_eur, "electricity"), (spent.hire_eur, "hire"), (spent.capital_eur, "the machine's price"))
    words = [f"{_euro_text(value)} of {kind}" for value, kind in kinds if value is not None]
    return ", ".join([show(spent.energy_j, "j", 3), *words])


def _split_text(split: TrainingSplit) -> str:
    """A split by the field's abbreviations, as far as anything is split.

    Counts of 1 are left out, but the micro-batch and what ZeRO shards are always told.
    """
    counts = {"TP": split.tp_count, "PP": split.pp_count, "VP": split.vp_count}
    counts |= {"CP": split.cp_count, "EP": split.ep_count, "DP": split.dp_count}
    words = [f"{title} {count}" for title, count in counts.items() if count > 1]
    words += [f"micro-batch {split.micro_batch_count:g}", f"ZeRO {split.zero_count}"]
    share = split.recomputed_fraction
    words.append(f"{share:.0%} of layers recomputed" if 0 < share < 1 else f"recompute {split.recompute}")
    return ", ".join(words)


def _run_lines(run: TrainingRun, unit: str) -> list[str]:
    """The whole run: steps, time with its likely range, failures, checkpoints and energy.

    unit   what its work is counted in, tokens or samples
    """
    likely = f"{show(run.run_low_s, 's')} to {show(run.run_high_s, 's')}"
    written, interval = show(run.checkpoint_bytes, "bytes", 3), show(run.checkpoint_interval_s, "s", 3)
    return [
        f"  a run on {run.tokens_count:,.0f} {unit}: {run.steps_count:,} steps",
        f"    {show(run.run_s, 's', 3)}, likely {likely}; {run.goodput_fraction:.1%} of it good",
        f"    {run.interruptions_count:.3g} failures to expect; a checkpoint of {written} every {interval}",
        f"    {_spent(run)}",
    ]


def _eur(entry: FrontierEntry) -> str:
    """What a step of an entry costs, by its hire if an hour has a price, else its electricity; a dash if neither
    is known.
    """
    value = entry.cost_eur if entry.hire_eur is None else entry.hire_eur
    return "-" if value is None else _euro_text(value)


def frontier_text(result: SearchResult) -> str:
    """The frontier of a search for people, and how many splits stand behind it.

    Each line beats all others in what the search is by or in nodes; by time an entry is faster than all with fewer nodes.
    """
    money = "electricity" if result.best.hire_eur is None else "hire"
    head = ("nodes", "GPUs", "step", "MFU", "memory", "energy a step", money, "split")
    shown = result.frontier[:MOST_FRONTIER]
    table = [
        (
            str(entry.nodes_count), str(entry.gpus_count), show(entry.step_s, "s", 4), f"{entry.mfu_fraction:.1%}",
            show(entry.memory_bytes, "bytes", 3), show(entry.energy_j, "j", 3), _eur(entry), _split_text(entry.strategy),
        )
        for entry in shown
    ]  # fmt: skip
    batch = f"a batch of {result.global_batch_count:,}"
    lines = [
        f"{result.model_title} on {result.machine_title}, {batch}: best by {result.by} first",
        "",
        *(f"  {line}" for line in aligned([head, *table])),
    ]
    if len(result) > len(shown):
        lines.append(f"  and {len(result) - len(shown)} more: --json")
    lines += ["", f"  {result.evaluated_count:,} splits evaluated, {result.fitting_count:,} fit the memory;"]
    better = {"time": "is faster than all with fewer nodes", "energy": "that takes more energy is faster"}
    return "\n".join([*lines, f"  each line {better.get(result.by, 'that costs more is faster')}"])
