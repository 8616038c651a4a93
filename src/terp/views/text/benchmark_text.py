"""Predicted benchmarks of a machine for the terminal.

Values, their likely range, where the time goes, and for HPL the rank in each edition of the TOP500 that is held.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from terp.hardware import Machine
from terp.physics import power_limited_clock_hz
from terp.results.benchmark_results import BenchmarkResult, HpcgResult, HplResult
from terp.units import show
from terp.views import notebook

TITLES: Final = {"hpl": "HPL", "hpcg": "HPCG", "mxp": "HPL-MxP"}
"""Benchmark -> its name for people."""
PARTS: Final = {
    "dgemm": "multiplying matrices",
    "network": "swapping rows and broadcasting panels between nodes, not hidden",
    "staging": "gathering swapped rows within a node",
    "panel": "factorising panels, not hidden",
    "memory": "reading memory",
    "halo": "exchanging halos, not hidden",
}
"""Part of the time -> what it is, in the order in which parts are shown."""


def _part_text(part: str, machine: Machine, *, emulated: bool = False) -> str:
    """What a part of the time is; only for Hopper is the clock in it known, and not of emulated products.

    part   a key of the breakdown
    """
    clock = power_limited_clock_hz(machine.accelerator)
    if part == "dgemm" and machine.accelerator.architecture == "hopper" and not emulated:
        return f"{PARTS[part]} at {show(clock, 'hz', 4)}, the clock that the power cap leaves"
    return PARTS[part]


def interval_text(result: BenchmarkResult) -> str:
    """The interval of the rate with what it means, and the class of how much is known that decides its width."""
    ends = f"{show(result.low, 'flop_per_s')} to {show(result.high, 'flop_per_s')}"
    factors = f"x{result.low / result.value:.2f} to x{result.high / result.value:.2f}"
    return f"9 of 10 sites submit {ends} ({result.class_name}: {factors})"


def reach_text(result: HplResult) -> str:
    """What the machine can do, and what the middle of sites submits of it."""
    reach = show(result.reach_flop_per_s, "flop_per_s", 4)
    return f"{reach}, as one site in ten tunes it; the middle site submits {result.submitted_fraction:.0%} of that"


def power_text(result: HplResult) -> str:
    """The ends that 9 of 10 submitted powers lie between."""
    return f"{show(result.power_low_w, 'w')} to {show(result.power_high_w, 'w')}"


def as_text(machine: Machine, result: BenchmarkResult, only_edition: str | None = None) -> str:
    """A prediction for people, in lines without an end.

    machine        the machine it is of;  result   of HPL, HPCG or HPL-MxP
    only_edition   the edition that was asked for, such as "2024-11"; None for all

    The interval is what nine of ten sites submit of machines of the class, from groups of machines that were left out.
    """
    title = TITLES[result.benchmark]
    lines = [f"{machine.file.title}: {title} on {result.gpus_count:,} GPUs", ""]
    name = "Rmax" if isinstance(result, HplResult) else title
    rows = [(name, f"{show(result.value, 'flop_per_s', 4)}, {interval_text(result)}")]
    if isinstance(result, HplResult):
        rows.append(("can reach", reach_text(result)))
    if not isinstance(result, HpcgResult):
        rows.append(("N", f"{result.n_count:,}"))
    rows.append(("run time", show(result.run_s, "s")))
    if isinstance(result, HplResult):
        past = ", which emulated products may pass" if result.emulated else ""
        rows.append(("of peak", f"{result.efficiency_fraction:.1%} of the FP64 matrix peak{past}"))
    between = f", likely {power_text(result)}" if isinstance(result, HplResult) else ""
    rows.append(("power", f"{show(result.power_w, 'w', 4)}{between}; {show(result.energy_j, 'j')} in all"))
    if isinstance(result, HplResult):
        rows.append(("per watt", f"{result.flop_per_s_per_w / 1e9:.1f} Gflop/s a W"))
    lines += [f"  {name:11} {text}" for name, text in rows]
    emulated = isinstance(result, HplResult) and result.emulated
    shares = {name.removesuffix("_fraction"): share for name, share in asdict(result.breakdown).items()}
    if shares:
        lines += ["", "  where the time goes"]
    lines += [
        f"    {shares[part]:6.1%}  {_part_text(part, machine, emulated=emulated)}" for part in PARTS if shares.get(part)
    ]
    if isinstance(result, HplResult):
        memory, matrix = result.breakdown.gpu_memory_fraction, show(result.breakdown.matrix_bytes, "bytes")
        host = ", with that of the host" if machine.accelerator.host_memory_bytes else ""
        lines += [f"    the matrix is {matrix}, {memory:.0%} of the GPUs' memory{host}"]
        lines += ["", *_rank_lines(machine, result, only_edition)]
    lines += ["", *(f"  mind that {notebook.sentence(caveat)}" for caveat in result.caveats)] if result.caveats else []
    return "\n".join(lines)


def _rank_lines(machine: Machine, result: HplResult, only: str | None) -> list[str]:
    """A line an edition: ranks, and who stands above and below; `only` leaves one of them.

    machine   whose listed run is named at the end if it used another number of GPUs
    result    with its ranks by edition; `only` is None for all editions
    """
    lines = ["  edition   TOP500  Green500*  between"]
    for name, rank in result.rank.items():
        if only not in (None, name):
            continue
        near = result.neighbours[name]
        beside = [entry for entry in (near.above, near.below) if entry]
        words = [f"{entry.name} ({show(entry.rmax_flop_per_s, 'flop_per_s')})" for entry in beside]
        place = "below" if rank is None else f"{rank}" if near.exact else f"about {rank}"
        green = result.green_rank[name]
        lines.append(f"  {name}  {place:>8}  {green if green is not None else '-':>8}  {' and '.join(words)}")
    lines += ["  * by the powers that the TOP500 prints; the Green500 often takes another run, tuned for it"]
    gpus = machine.listed_gpus_count
    if gpus not in (None, result.gpus_count):
        lines += [f"  its listed run used {gpus:,} GPUs: --gpus {gpus}"]
    return lines
