"""A predicted training step, its run, and the frontier of a search, as text."""

from __future__ import annotations

from typing import Any, Final

from terp.physics.training.strategy_search import Found
from terp.units import show
from terp.views.text.columns import aligned
from terp.views.text.training_data import Asked

MOST_FRONTIER: Final = 24
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


def training_text(wanted: Asked, data: dict[str, Any]) -> str:
    """A predicted step for people."""
    sure = f"{show(data['step_low_s'], 's')} to {show(data['step_high_s'], 's')}"
    rate = f"{data['samples_per_s']:,.3g} samples/s"
    if data["tokens_per_s"]:
        rate = f"{data['tokens_per_s']:,.0f} tokens/s, {data['tokens_per_s'] / data['gpus_count']:,.0f} a GPU"
    room = GIBI * wanted.machine.accelerator.memory_bytes
    kinds = ((key.removesuffix("_bytes"), value) for key, value in data["memory"].items() if value)
    held = ", ".join(f"{kind} {show(value, 'bytes', 3)}" for kind, value in kinds)
    powers = [show(data[key], "w", 3) for key in ("gpu_power_w", "node_power_w", "job_power_w")]
    rows = [
        ("step", f"{show(data['step_s'], 's', 4)}, likely {sure} (9 of 10 published steps)"),
        ("rate", rate),
        ("MFU", f"{data['mfu_fraction']:.1%} of the {data['strategy']['precision']} peak, HFU {data['hfu_fraction']:.1%}"),
        ("memory", f"{show(data['memory_bytes'], 'bytes', 3)} of {show(room, 'bytes', 3)} a GPU: {held}"),
        ("power", f"{powers[0]} a GPU, {powers[1]} a node, {powers[2]} in all"),
        ("a step", _spent(data)),
        ("split", _split_text(data["strategy"])),
        ("software", f"{data['software']}: {wanted.generation.title}"),
    ]  # fmt: skip
    title = f"{wanted.model.title} ({data['parameters_count'] / 1e9:,.3g} billion parameters)"
    lines = [f"{title} on {data['gpus_count']:,} GPUs of {wanted.machine.file.title}", ""]
    lines += [f"  {name:9} {text}" for name, text in rows]
    lines += ["", "  where the time goes"]
    parts = sorted(data["breakdown"].items(), key=lambda item: -item[1])
    lines += [f"    {value / data['step_s']:6.1%}  {_PARTS[part]}" for part, value in parts if value > 5e-4 * data["step_s"]]
    if "run" in data:
        lines += ["", *_run_lines(data["run"], wanted)]
    lines += ["", *(f"  mind that {text}" for text in data["caveats"])] if data["caveats"] else []
    return "\n".join(lines)


def _euros(value: float) -> str:
    return f"EUR {value:,.0f}" if value >= 1000 else f"EUR {value:.3g}"


def _spent(data: dict[str, Any]) -> str:
    words = [show(data["energy_j"], "j", 3)]
    kinds = (("cost_eur", "electricity"), ("hire_eur", "hire"), ("capital_eur", "the machine's price"))
    return ", ".join(words + [f"{_euros(data[key])} of {kind}" for key, kind in kinds if data[key] is not None])


def _split_text(strategy: dict[str, Any]) -> str:
    named = (("TP", "tp"), ("PP", "pp"), ("VP", "vp"), ("CP", "cp"), ("EP", "ep"), ("DP", "dp"))
    words = [f"{title} {strategy[key]}" for title, key in named if strategy[key] > 1]
    words += [f"micro-batch {strategy['micro_batch']:g}", f"ZeRO {strategy['zero']}"]
    share = strategy["recomputed_fraction"]
    words.append(f"{share:.0%} of layers recomputed" if 0 < share < 1 else f"recompute {strategy['recompute']}")
    return ", ".join(words)


def _run_lines(run: dict[str, Any], wanted: Asked) -> list[str]:
    unit = "tokens" if wanted.work.tokens_count else "samples"
    likely = f"{show(run['run_low_s'], 's')} to {show(run['run_high_s'], 's')}"
    written, interval = show(run["checkpoint_bytes"], "bytes", 3), show(run["checkpoint_interval_s"], "s", 3)
    lines = [
        f"  a run on {run['tokens_count']:,.0f} {unit}: {run['steps_count']:,} steps",
        f"    {show(run['run_s'], 's', 3)}, likely {likely}; {run['goodput_fraction']:.1%} of it good",
        f"    {run['interruptions_count']:.3g} failures to expect; a checkpoint of {written} every {interval}",
    ]
    return [*lines, f"    {_spent(run)}"]


def _eur(row: dict[str, Any]) -> str:
    value = row["cost_eur"] if row["hire_eur"] is None else row["hire_eur"]
    return "-" if value is None else _euros(value)


def frontier_text(wanted: Asked, found: Found, rows: list[dict[str, Any]], by: str) -> str:
    """The frontier of a search for people, and how many splits stand behind it."""
    money = "electricity" if not rows or rows[0]["hire_eur"] is None else "hire"
    head = ("nodes", "GPUs", "step", "MFU", "memory", "energy a step", money, "split")
    shown = rows[:MOST_FRONTIER]
    table = [
        (
            str(row["nodes_count"]), str(row["gpus_count"]), show(row["step_s"], "s", 4), f"{row['mfu_fraction']:.1%}",
            show(row["memory_bytes"], "bytes", 3), show(row["energy_j"], "j", 3),
            _eur(row), _split_text(row["strategy"]),
        )
        for row in shown
    ]  # fmt: skip
    lines = [
        f"{wanted.model.title} on {wanted.machine.file.title}, a batch of {wanted.batch_count:,}: best by {by} first",
        "",
        *(f"  {line}" for line in aligned([head, *table])),
    ]
    if len(rows) > len(shown):
        lines.append(f"  and {len(rows) - len(shown)} more: --json")
    lines += ["", f"  {found.evaluated_count:,} splits evaluated, {found.fitting_count:,} fit the memory;"]
    said = {"time": "is faster than all with fewer nodes", "energy": "that takes more energy is faster"}
    return "\n".join([*lines, f"  each line {said.get(by, 'that costs more is faster')}"])
