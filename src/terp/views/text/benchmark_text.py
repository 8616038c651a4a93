"""Predicted benchmarks of a machine as data and as text."""

from __future__ import annotations

from typing import Any

from terp.catalogue import Own, constants, edition, editions
from terp.hardware import Machine
from terp.physics import (
    HplPrediction,
    benchmark_power_w,
    benchmark_system,
    power_limited_clock_hz,
    predict_hpcg,
    predict_hpl,
    predict_mxp,
)
from terp.physics.benchmark.hpcg import HpcgConstants
from terp.units import show


def hpl_data(machine: Machine, gpus: int | None, order: int | None) -> dict[str, Any]:
    """The JSON of `terp predict MACHINE hpl`, see docs/formats/predict.md."""
    system = benchmark_system(machine, gpus, order)
    run = predict_hpl(system)
    power_w = benchmark_power_w(machine, system.gpus_count)
    return {
        "machine": machine.file.name,
        "benchmark": "hpl",
        "gpus_count": system.gpus_count,
        "rmax_flop_per_s": run.rmax_flop_per_s,
        "rmax_low_flop_per_s": run.rmax_low_flop_per_s,
        "rmax_high_flop_per_s": run.rmax_high_flop_per_s,
        "n_count": run.n_count,
        "run_s": run.run_s,
        "efficiency_fraction": run.rmax_flop_per_s / (system.gpus_count * machine.accelerator.fp64_matrix_flop_per_s),
        "power_w": power_w,
        "energy_j": power_w * run.run_s,
        "flop_per_s_per_w": run.rmax_flop_per_s / power_w,
        **_places(machine, run, power_w),
        "breakdown": {
            "dgemm_flop_per_s": run.dgemm_flop_per_s,
            "dgemm_fraction": run.dgemm_s / run.run_s,
            "network_fraction": run.network_s / run.run_s,
            "staging_fraction": run.staging_s / run.run_s,
            "panel_fraction": run.panel_s / run.run_s,
            "matrix_bytes": 8.0 * run.n_count**2,
            "gpu_memory_fraction": 8.0 * run.n_count**2 / (system.gpus_count * machine.accelerator.memory_bytes),
        },
        "caveats": list(system.caveats()),
    }


def _places(machine: Machine, run: HplPrediction, power_w: float) -> dict[str, Any]:
    """Ranks by edition, and the neighbours in each."""
    entry = machine.file.listed
    own = Own(entry.name, entry.rmax_flop_per_s or run.rmax_flop_per_s) if entry else None
    rank: dict[str, int | None] = {}
    green: dict[str, int | None] = {}
    neighbours = {}
    for name in editions():
        place = edition(name).place(run.rmax_flop_per_s, own)
        rank[name] = place.rank
        green[name] = edition(name).green_rank(run.rmax_flop_per_s / power_w, run.rmax_flop_per_s, own)
        neighbours[name] = {"exact": place.exact, "above": _neighbour(place.above), "below": _neighbour(place.below)}
    return {"rank": rank, "green_rank": green, "neighbours": neighbours}


def _neighbour(entry: tuple[str, float] | None) -> dict[str, Any] | None:
    return None if entry is None else {"name": entry[0], "rmax_flop_per_s": entry[1]}


def hpcg_data(machine: Machine, gpus: int | None) -> dict[str, Any]:
    """The JSON of `terp predict MACHINE hpcg`."""
    system = benchmark_system(machine, gpus)
    run = predict_hpcg(system)
    power_w = benchmark_power_w(machine, system.gpus_count, constants(HpcgConstants).activity_fraction)
    return {
        "machine": machine.file.name,
        "benchmark": "hpcg",
        "gpus_count": system.gpus_count,
        "hpcg_flop_per_s": run.hpcg_flop_per_s,
        "hpcg_low_flop_per_s": run.hpcg_low_flop_per_s,
        "hpcg_high_flop_per_s": run.hpcg_high_flop_per_s,
        "run_s": run.run_s,
        "power_w": power_w,
        "energy_j": power_w * run.run_s,
        "breakdown": {"memory_fraction": run.memory_fraction, "halo_fraction": run.halo_fraction},
        "caveats": list(system.caveats()),
    }


def mxp_data(machine: Machine, gpus: int | None, order: int | None) -> dict[str, Any]:
    """The JSON of `terp predict MACHINE mxp`."""
    system = benchmark_system(machine, gpus, order)
    run = predict_mxp(system)
    power_w = benchmark_power_w(machine, system.gpus_count)
    return {
        "machine": machine.file.name,
        "benchmark": "mxp",
        "gpus_count": system.gpus_count,
        "mxp_flop_per_s": run.mxp_flop_per_s,
        "mxp_low_flop_per_s": run.mxp_low_flop_per_s,
        "mxp_high_flop_per_s": run.mxp_high_flop_per_s,
        "n_count": run.n_count,
        "run_s": run.run_s,
        "power_w": power_w,
        "energy_j": power_w * run.run_s,
        "breakdown": {},
        "caveats": [*system.caveats(), "where the time goes is not modelled: the rate is a share of the FP16 peak"],
    }


_NAMES = {"hpl": "rmax", "hpcg": "hpcg", "mxp": "mxp"}
_TITLES = {"hpl": "HPL", "hpcg": "HPCG", "mxp": "HPL-MxP"}
_PARTS = {
    "dgemm": "multiplying matrices",
    "network": "swapping rows and broadcasting panels between nodes, not hidden",
    "staging": "gathering swapped rows within a node",
    "panel": "factorising panels, not hidden",
    "memory": "reading memory",
    "halo": "exchanging halos, not hidden",
}


def _part_text(part: str, machine: Machine) -> str:
    """What a part of the time is; only for Hopper is the clock in it known."""
    clock = power_limited_clock_hz(machine.accelerator)
    if part == "dgemm" and machine.accelerator.architecture == "hopper":
        return f"{_PARTS[part]} at {show(clock, 'hz', 4)}, the clock that the power cap leaves"
    return _PARTS[part]


def as_text(machine: Machine, data: dict[str, Any], only_edition: str | None = None) -> str:
    """A prediction for people."""
    kind = data["benchmark"]
    value, low, high = (data[f"{_NAMES[kind]}{end}_flop_per_s"] for end in ("", "_low", "_high"))
    sure = "" if any("assumed" in text for text in data["caveats"]) else " (8 of 10 machines)"
    likely = f"{show(low, 'flop_per_s')} to {show(high, 'flop_per_s')}"
    lines = [f"{machine.file.title}: {_TITLES[kind]} on {data['gpus_count']:,} GPUs", ""]
    rows = [("Rmax" if kind == "hpl" else _TITLES[kind], f"{show(value, 'flop_per_s', 4)}, likely {likely}{sure}")]
    if "n_count" in data:
        rows.append(("N", f"{data['n_count']:,}"))
    rows.append(("run time", show(data["run_s"], "s")))
    if "efficiency_fraction" in data:
        rows.append(("of peak", f"{data['efficiency_fraction']:.1%} of the FP64 matrix peak"))
    rows.append(("power", f"{show(data['power_w'], 'w', 4)}, {show(data['energy_j'], 'j')} in all"))
    if "flop_per_s_per_w" in data:
        rows.append(("per watt", f"{data['flop_per_s_per_w'] / 1e9:.1f} Gflop/s a W"))
    lines += [f"  {name:11} {text}" for name, text in rows]
    shares = {name.removesuffix("_fraction"): share for name, share in data["breakdown"].items()}
    if shares:
        lines += ["", "  where the time goes"]
    lines += [f"    {shares[part]:6.1%}  {_part_text(part, machine)}" for part in _PARTS if shares.get(part)]
    if kind == "hpl":
        memory = data["breakdown"]["gpu_memory_fraction"]
        host = ", with that of the host" if machine.accelerator.host_memory_bytes else ""
        lines += [
            f"    the matrix is {show(data['breakdown']['matrix_bytes'], 'bytes')}, {memory:.0%} of the GPUs' memory{host}"
        ]
        lines += ["", *_rank_lines(machine, data, only_edition)]
    lines += ["", *(f"  mind that {text}" for text in data["caveats"])] if data["caveats"] else []
    return "\n".join(lines)


def _rank_lines(machine: Machine, data: dict[str, Any], only: str | None) -> list[str]:
    lines = ["  edition   TOP500  Green500*  between"]
    for name, rank in data["rank"].items():
        if only not in (None, name):
            continue
        near = data["neighbours"][name]
        words = [
            f"{entry['name']} ({show(entry['rmax_flop_per_s'], 'flop_per_s')})"
            for entry in (near["above"], near["below"])
            if entry
        ]
        place = "below" if rank is None else f"{rank}" if near["exact"] else f"about {rank}"
        green = data["green_rank"][name]
        lines.append(f"  {name}  {place:>8}  {green if green is not None else '-':>8}  {' and '.join(words)}")
    lines += ["  * by the powers that the TOP500 prints; the Green500 often takes another run, tuned for it"]
    gpus = machine.listed_gpus_count
    if gpus not in (None, data["gpus_count"]):
        lines += [f"  its listed run used {gpus:,} GPUs: --gpus {gpus}"]
    return lines
