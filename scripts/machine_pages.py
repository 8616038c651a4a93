"""Writes docs/machines/: a page for every machine that ships, from its file, and their index.

python scripts/machine_pages.py
"""

from __future__ import annotations

from pathlib import Path

from terp.catalogue import edition, editions, read_catalogue
from terp.describe import read_machine, shipped_names
from terp.hardware import Machine, build_machine
from terp.physics import benchmark_power_w, benchmark_system, predict_hpl
from terp.units import show
from terp.views.text.machine_text import held_against, rows

FOLDER = Path(__file__).parents[1] / "docs" / "machines"


def pages() -> dict[str, str]:
    """File name -> text."""
    built = {name: build_machine(read_machine(name), read_catalogue()) for name in shipped_names("machines")}
    return {"README.md": index(built), **{f"{name}.md": page(machine) for name, machine in built.items()}}


def index(machines: dict[str, Machine]) -> str:
    lines = [
        "# Machines", "", "Made by `scripts/machine_pages.py` from `machines/*.yaml`; change those, not these pages.", "",
        "Listed and predicted are Rmax of HPL, and its power, on the GPUs of the listed run.", "",
        "| machine | GPUs | GPU | fabric | listed | predicted | | listed | predicted | |", "|---" * 10 + "|",
    ]  # fmt: skip
    errors = []
    for name, machine in machines.items():
        listed, predicted, error = against_the_list(machine)
        power, told_w = powers(machine)
        if power:
            errors.append(told_w / power - 1)
        drawn = (
            [show(power, "w", 4), show(told_w, "w", 4), f"{errors[-1]:+.1%}"] if power else ["", show(told_w, "w", 4), ""]
        )
        lines.append(
            f"| [{machine.file.title}]({name}.md) | {machine.gpus_count:,} | `{machine.node.accelerator}` "
            f"| {machine.file.fabric.topology} | {listed} | {predicted} | {error} | {' | '.join(drawn)} |"
        )
    median = sorted(abs(error) for error in errors)[len(errors) // 2]
    lines += [
        "",
        f"Powers of {len(errors)} machines err by {median:.1%} in the median, network and storage included where described.",
    ]
    return "\n".join(lines) + "\n"


def powers(machine: Machine) -> tuple[float, float]:
    """Power in HPL as the list has it, 0 if it has none, and as predicted [W]."""
    entry = machine.file.listed
    told_w = benchmark_power_w(machine, machine.listed_gpus_count or machine.gpus_count)
    if entry is None or entry.edition not in editions() or entry.rmax_flop_per_s is None:
        return 0.0, told_w
    held = edition(entry.edition)
    mine = (held.name == entry.name) & (abs(held.rmax / entry.rmax_flop_per_s - 1) < 0.01)
    return float(max(held.power[mine], default=0.0)), told_w


def against_the_list(machine: Machine) -> tuple[str, str, str]:
    """Rmax listed and predicted for the GPUs of the listed run, and the error."""
    entry = machine.file.listed
    run = predict_hpl(benchmark_system(machine, machine.listed_gpus_count))
    rmax = entry.rmax_flop_per_s if entry else None
    told = show(run.rmax_flop_per_s, "flop_per_s")
    return (show(rmax, "flop_per_s"), told, f"{run.rmax_flop_per_s / rmax - 1:+.1%}") if rmax else ("", told, "")


def page(machine: Machine) -> str:
    file = machine.file
    lines = [f"# {file.title}", "", f"From `machines/{file.name}.yaml`; see it with `terp show {file.name}`.", ""]
    lines += ["| | |", "|---|---|"] + [f"| {name} | {text} |" for name, text in rows(machine) if name]
    listed, predicted, error = against_the_list(machine)
    lines.append(f"| HPL, predicted | {predicted} |")
    if listed and file.listed:
        lines.append(
            f"| HPL, TOP500 {file.listed.edition}, {file.listed.nodes_count:,} nodes | {listed}, so that we err by {error} |"
        )
    lines += [f"| {name} | {text} |" for name, text in held_against(machine)]
    if file.note:
        lines += ["", file.note]
    lines += ["", "## Who says so", "", "| value | | status | range | source | note |", "|---|---|---|---|---|---|"]
    for path, entry in machine.provenance.items():
        if path.startswith(f"{file.name}."):
            source = f"`{entry.source}`" if entry.source else ""
            name = path.removeprefix(f"{file.name}.")
            lines.append(f"| {name} | {entry.value_text} | {entry.status} | {entry.range_text} | {source} | {entry.note} |")
    lines += ["", "Parts and citations: [catalogue](../catalogue.md)."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for file_name, text in pages().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
