"""A predicted training step, its run, and the frontier of a search, as text.

Parts of a step are sorted by their size; those below 0.05 % are not shown.  Splits are written with the field's
abbreviations: TP, PP, VP, CP, EP, DP, ZeRO.
"""

from __future__ import annotations

from dataclasses import asdict
from math import log
from typing import Final

from terp.results.training_results import FrontierEntry, SearchResult, TrainingResult, TrainingRun, TrainingSplit
from terp.units import DAY_S, J_PER_KWH, number, show
from terp.views import notebook
from terp.views.text.columns import aligned

MOST_FRONTIER: Final = 24
"""Splits of a frontier that are shown; --json has all."""
GIBI: Final = 1.07
"""Makers' gigabytes of GPU memory are 2^30 bytes."""
PARTS: Final = {
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

    Likely is what nine of ten published steps of its class fell within; the class says what of it is graded.  A run
    """
    sure = f"{show(result.step_low_s, 's')} to {show(result.step_high_s, 's')}"
    ratios = f"x{result.step_low_s / result.step_s:.2f} to x{result.step_high_s / result.step_s:.2f}"
    rate = f"{result.samples_per_s:,.3g} samples/s"
    if result.tokens_per_s:
        rate = f"{result.tokens_per_s:,.0f} tokens/s, {result.tokens_per_s / result.gpus_count:,.0f} a GPU"
    room = GIBI * result.gpu_memory_bytes
    kinds = ((key.removesuffix("_bytes"), value) for key, value in asdict(result.memory).items() if value)
    held = ", ".join(f"{kind} {show(value, 'bytes', 3)}" for kind, value in kinds)
    powers = [show(value, "w", 3) for value in (result.gpu_power_w, result.node_power_w, result.job_power_w)]
    where = "in all" if not result.rest_power_w else f"of the job, its share of {_nodes(result)}"
    rows = [
        ("step", f"{show(result.step_s, 's', 4)}, likely {sure} ({result.class_name}: {ratios})"),
        ("rate", rate),
        ("MFU", f"{result.mfu_fraction:.1%} of the {result.strategy.precision} peak, HFU {result.hfu_fraction:.1%}"),
        ("memory", f"{show(result.memory_bytes, 'bytes', 3)} of {show(room, 'bytes', 3)} a GPU: {held}"),
        ("power", f"{powers[0]} a GPU, {powers[1]} a node, {powers[2]} {where}"),
        ("a step", _spent(result)),
        ("split", split_text(result.strategy)),
        ("trained", _trained_text(result)),
        ("software", f"{result.software}: {result.software_title}"),
    ]
    title = f"{result.model_title} ({result.parameters_count / 1e9:,.3g} billion parameters)"
    gpus = "1 GPU" if result.gpus_count == 1 else f"{result.gpus_count:,} GPUs"
    lines = [f"{title} on {gpus} of {result.machine_title}", ""]
    lines += [f"  {name:9} {text}" for name, text in rows if text]
    lines += ["", "  where the time goes"]
    parts = sorted(asdict(result.breakdown).items(), key=lambda item: -item[1])
    lines += [f"    {value / result.step_s:6.1%}  {PARTS[part]}" for part, value in parts if value > 5e-4 * result.step_s]
    if result.run is not None:
        lines += ["", *_run_lines(result.run, "tokens" if result.sequence_tokens_count else "samples")]
    lines += ["", *(f"  mind that {notebook.sentence(caveat)}" for caveat in result.caveats)] if result.caveats else []
    return "\n".join(lines)


def _nodes(result: TrainingResult) -> str:
    """The nodes that a job stands on, of which it does not fill the last.

    In words, such as "a node" or "3 nodes".
    """
    nodes = -(-result.gpus_count // max(result.node_gpus_count, 1))
    return "a node" if nodes == 1 else f"{nodes:,} nodes"


def _trained_text(result: TrainingResult) -> str:
    """What is trained, where it is not all in the usual way: adapters and their rank, the frozen format, the states.

    Empty for a plain training, whose line is then left out.
    """
    split, share = result.strategy, result.trained_parameters_count / result.parameters_count
    words = []
    if split.adapters:
        rank = f"of rank {split.rank_count}" if split.rank_count else "of the usual size (--rank sets it)"
        words.append(f"adapters {rank}, {result.trained_parameters_count / 1e6:,.3g} million parameters, {share:.2%} of all")
    if split.base != "bf16":
        words.append(f"frozen weights in {split.base.upper()}")
    if split.states != "mixed":
        words.append("weights, gradients and moments in BF16")
    return "; ".join(words)


def _euro_text(value: float) -> str:
    """An amount: whole euros from 1000 up, three digits below.

    >>> _euro_text(1234.4), _euro_text(0.0512)
    ('EUR 1,234', 'EUR 0.0512')
    """
    return f"EUR {value:,.0f}" if value >= 1000 else f"EUR {value:.3g}"


def _spent(spent: TrainingResult | TrainingRun) -> str:
    """The energy and the euros of a step or a run.

    Euros that are not known, such as of a machine without a price, are left out.
    """
    kinds = ((spent.cost_eur, "electricity"), (spent.hire_eur, "hire"), (spent.capital_eur, "the machine's price"))
    words = [f"{_euro_text(value)} of {kind}" for value, kind in kinds if value is not None]
    return ", ".join([show(spent.energy_j, "j", 3), *words])


def split_text(split: TrainingSplit) -> str:
    """A split by the field's abbreviations, as far as anything is split.

    Counts of 1 are left out, but the micro-batch and what ZeRO shards are always told.

    The micro-batch is in samples, ZeRO a stage from 0 to 3.
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
    return [
        f"  a run on {run.tokens_count:,.0f} {unit}: {run.steps_count:,} steps",
        f"    {show(run.run_s, 's', 3)}, likely {likely}; {run.goodput_fraction:.1%} of it good",
        f"    {run.interruptions_count:.3g} failures to expect; {_checkpoint_text(run)}",
        f"    {_spent(run)}",
    ]


def _checkpoint_text(run: TrainingRun) -> str:
    """How often to write a checkpoint, or that none is needed.

    None is needed where next to nothing would be lost without one; its interval is then None.
    """
    written = show(run.checkpoint_bytes, "bytes", 3)
    if run.checkpoint_interval_s is None:
        return f"no checkpoint needed on the way, the last holds {written}"
    return f"a checkpoint of {written} every {show(run.checkpoint_interval_s, 's', 3)}"


def _eur(spent: FrontierEntry | TrainingRun) -> str:
    """What a step or a run costs, by its hire if an hour has a price, else its electricity; a dash if neither is known."""
    value = spent.cost_eur if spent.hire_eur is None else spent.hire_eur
    return "-" if value is None else _euro_text(value)


def shown_entries(result: SearchResult) -> list[FrontierEntry]:
    """Entries of a frontier that fit a screen, in its order: the best; of runs those of the ends and the knee, and between
    them as even as they come in GPUs, since a run is asked about at every size.  --json has all.
    """
    if len(result) <= MOST_FRONTIER or result.best.run is None:
        kept = {entry.gpus_count for entry in result.frontier[:MOST_FRONTIER]} | {result.knee_gpus_count}
        return [entry for entry in result if entry.gpus_count in kept]
    by_size = sorted(result, key=lambda entry: entry.gpus_count)
    low, high = by_size[0].gpus_count, by_size[-1].gpus_count
    wanted = [low * (high / low) ** (index / (MOST_FRONTIER - 3)) for index in range(MOST_FRONTIER - 2)]
    kept = {min(by_size, key=lambda entry: abs(log(entry.gpus_count / count))).gpus_count for count in wanted}
    kept |= {result.best.gpus_count, result.knee_gpus_count}
    return [entry for entry in result if entry.gpus_count in kept]


def frontier_text(result: SearchResult) -> str:
    """The frontier of a search for people, the knee marked, and how many splits stand behind it.

    Each line beats all others in what the search is by or in nodes; by time an entry is faster than all with fewer nodes.
    Of a run each line has its days, energy, euros and failures; else those of a step.
    """
    money = "electricity" if result.best.hire_eur is None else "hire"
    shown = shown_entries(result)
    table = [_run_head(money) if result.best.run else _step_head(money)]
    table += [_run_row(entry, entry.run) if entry.run else _step_row(entry) for entry in shown]
    knee = result.knee_gpus_count if len(result) > 1 else 0
    mark = "  <- knee" if result.knee_is_reached else "  <- no knee yet"
    marks = ["", *(mark if entry.gpus_count == knee else "" for entry in shown)]
    batch = f"a batch of {result.global_batch_count:,}"
    run = result.best.run
    of_run = f", {run.tokens_count:,.0f} {'tokens' if result.best.tokens_per_s else 'samples'}" if run else ""
    lines = [
        f"{result.model_title} on {result.machine_title}, {batch}{of_run}: best by {result.by} first",
        "",
        *(f"  {line}{mark}" for line, mark in zip(aligned(table), marks, strict=True)),
    ]
    if len(result) > len(shown):
        lines.append(f"  and {len(result) - len(shown)} more: --json")
    lines += ["", f"  {result.evaluated_count:,} splits evaluated, {result.fitting_count:,} fit the memory;"]
    better = {"time": "is faster than all with fewer nodes", "energy": "that takes more energy is faster"}
    lines += [f"  each line {better.get(result.by, 'that costs more is faster')}", *_knee_lines(result)]
    lines += ["", *(f"  mind that {notebook.sentence(caveat)}" for caveat in result.caveats)] if result.caveats else []
    return "\n".join(lines)


def _knee_lines(result: SearchResult) -> list[str]:
    """What the knee means, and what going on to the fastest costs.

    Where the knee is the largest that was looked at, that there may be more to gain beyond; where none beyond it is faster,
    that.  Nothing where there is one entry alone.
    """
    knee, fastest = result.knee, min(result, key=lambda entry: entry.time_s)
    if len(result) == 1:
        return []
    if not result.knee_is_reached:
        return [f"  the knee is not reached: more GPUs still pay at {knee.gpus_count:,}, the most that were looked at"]
    if knee is fastest:
        beyond = f"of the larger numbers up to {result.most_gpus_count:,} none is faster with this batch"
        return [f"  the knee is at {knee.gpus_count:,} GPUs: {beyond}"]
    faster, dearer = knee.time_s / fastest.time_s, fastest.gpu_time_s / knee.gpu_time_s
    return [
        f"  the knee is at {knee.gpus_count:,} GPUs: beyond it 1% more GPU time buys less than 1% less time;",
        f"  {fastest.gpus_count:,} GPUs are {faster:.2f} times as fast for {dearer:.2f} times the GPU time",
    ]


def _step_head(money: str) -> tuple[str, ...]:
    """Headings of a frontier by the step.

    money   what the euros of the column are for, "hire" or "electricity"
    """
    return ("nodes", "GPUs", "step", "MFU", "memory", "energy a step", money, "split")


def _step_row(entry: FrontierEntry) -> tuple[str, ...]:
    """A line of a frontier by the step.

    Cells in the order of `_step_head`; time, memory and energy are scaled each for itself.
    """
    return (
        str(entry.nodes_count), str(entry.gpus_count), show(entry.step_s, "s", 4), f"{entry.mfu_fraction:.1%}",
        show(entry.memory_bytes, "bytes", 3), show(entry.energy_j, "j", 3), _eur(entry), split_text(entry.strategy),
    )  # fmt: skip


def _run_head(money: str) -> tuple[str, ...]:
    """Headings of a frontier of whole runs.

    money   as of `_step_head`
    """
    return ("nodes", "GPUs", "days", "MFU", "kWh", f"EUR of {money}", "failures", "split")


def _run_row(entry: FrontierEntry, run: TrainingRun) -> tuple[str, ...]:
    """A line of a frontier of whole runs, one unit a column.

    run   of the entry; euros are its hire where an hour has a price, else its electricity
    """
    euros = run.cost_eur if run.hire_eur is None else run.hire_eur
    return (
        str(entry.nodes_count), str(entry.gpus_count), number(run.run_s / DAY_S, 3), f"{entry.mfu_fraction:.1%}",
        number(run.energy_j / J_PER_KWH, 3), "-" if euros is None else number(euros, 3), number(run.interruptions_count, 2),
        split_text(entry.strategy),
    )  # fmt: skip
