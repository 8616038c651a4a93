"""Fits the constants of HPL, its power, HPCG and HPL-MxP to the rows of validation/top500, and the intervals to what is left out.

python scripts/fit_hpl.py [--write]      (needs scipy: pip install 'terp[data]')

The catalogue's constants are fitted to all rows.  Each fold's, in validation/top500/folds.yaml, are fitted to the rows of the
other folds, for grading; intervals come from the residuals of those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from fitting import Fitted, least, ranges, report
from intervals_file import write_intervals

from terp.catalogue import constants, with_constants
from terp.catalogue.read.constants import read_constants
from terp.physics import Interval, predict_hpcg, predict_hpl
from terp.physics.benchmark.hpcg import HpcgConstants
from terp.physics.benchmark.hpl import NOT_GRADED, HplConstants
from terp.physics.gpu.architectures import Architectures
from terp.statistics import order_interval
from terp.validate.grading.left_out import intervals_of
from terp.validate.grading.published_rows import Built
from terp.validate.grading.split import FOLDS_COUNT, fold_of, group_of
from terp.validate.systems.benchmark_folds import OF_CDNA, OF_HPCG, FoldConstants, records_of
from terp.validate.systems.benchmark_grades import for_fitting, grade, models, power_w

OF = "architectures.architectures"
FOLDS = Path(__file__).parents[1] / "validation" / "top500" / "folds.yaml"
HEAD = """# Constants that were fitted without a fold of the machines, for grading that fold: scripts/fit_hpl.py --write makes them.
# A group, of one vendor, architecture and year, is in the fold that the hash of its name says (terp/validate/grading/split.py).
"""
POWER_ROUND = 0.08  # half of all equal machines differ by more, so the trend is looked for among the others
ROUND = 0.02  # errors below two per cent count for little: no list is better than that
START = (0.85, 4.5e-6, 1.09e-11)


def rounded(ratios: np.ndarray, least_error: float = ROUND) -> float:
    """Mean error of logarithms, in which small ones count for little."""
    return float(np.mean(np.sqrt(np.log(ratios) ** 2 + least_error**2)))


def published(rows: Iterable[Built], column: str, scale: float) -> np.ndarray:
    """A column of rows in SI."""
    return np.array([(row.row.number(column) or 0.0) * scale for row in rows])


def hpl_loss(rows: list[Built]) -> Callable[[Iterable[float]], float]:
    """The mean error of Rmax by network share, Ampere's panel time and CDNA's energy of a flop."""
    measured = published(rows, "rmax_tflops", 1e12)

    def loss(values: Iterable[float]) -> float:
        network, panel, cdna = values
        with with_constants(*records_of(of_values(network, panel, cdna))):
            return rounded(np.array([predict_hpl(row.system).rmax_flop_per_s for row in rows]) / measured)

    return loss


def of_values(network: float, panel: float, cdna: float) -> FoldConstants:
    """The catalogue's constants with those of HPL's rate in their place."""
    table = read_constants(Architectures)
    return FoldConstants(
        network=float(network), panel=f"{panel} s", cdna_energy=f"{cdna} J/flop",
        activity=read_constants(HplConstants).activity_fraction,
        intensity={name: table.of(name).hpcg_flop_per_byte for name in OF_HPCG}, mxp=0.45,
    )  # fmt: skip


def intensities(rows: list[Built]) -> dict[str, np.ndarray]:
    """Useful flops a byte that each row of HPCG says of its architecture, its halos taken off."""
    halo, found = constants(HpcgConstants).halo_bytes_per_flop, dict[str, list[float]]()
    for row in rows:
        system, rate = row.system, (row.row.number("hpcg_tflops") or 0.0) * 1e12
        crosses = system.gpus_count > system.gpus_per_node_count
        memory_s = system.gpus_count / rate - (halo / system.network_bytes_per_s if crosses else 0.0)
        found.setdefault(system.accelerator.architecture, []).append(
            1 / (memory_s * system.accelerator.memory_rate_bytes_per_s)
        )
    return {name: np.array(values) for name, values in found.items()}


def mxp_shares(rows: list[Built]) -> np.ndarray:
    """Published rate of HPL-MxP over the dense FP16 peak of each row."""
    peaks = np.array([row.system.gpus_count * row.system.accelerator.peak_flop_per_s["fp16"] for row in rows])
    return published(rows, "hplmxp_tflops", 1e12) / peaks


def activity_loss(rows: list[Built]) -> Callable[[Iterable[float]], float]:
    """The mean error of the power by the level of a node in HPL."""
    drawn = published(rows, "power_kw", 1e3)
    return lambda values: rounded(np.array([power_w(row, float(next(iter(values)))) for row in rows]) / drawn, POWER_ROUND)


def constants_of(rows: dict[str, list[Built]]) -> FoldConstants:
    """All constants fitted to some rows, by model."""
    (network, panel, cdna), _ = least(hpl_loss(rows["hpl"]), START, per_value=60)
    (activity,), _ = least(activity_loss(rows["hpl-power"]), (0.9,), per_value=60)
    return FoldConstants(
        network=round(float(network), 4), panel=f"{panel:.4g} s", cdna_energy=f"{cdna:.4g} J/flop", activity=round(float(activity), 4),
        intensity={name: round(float(np.median(of)), 4) for name, of in sorted(intensities(rows["hpcg"]).items())},
        mxp=round(float(np.median(mxp_shares(rows["mxp"]))), 4),
    )  # fmt: skip


def outside(fold: int | None) -> dict[str, list[Built]]:
    """Rows for fitting by model, without those of a fold."""
    return {
        model: [row for row in for_fitting(model) if fold is None or fold_of(group_of(row)) != fold] for model in models()
    }


def report_all(rows: dict[str, list[Built]]) -> None:
    """The catalogue's constants with the ranges that the fit leaves open."""
    values = constants_of(rows)
    loss, at = hpl_loss(rows["hpl"]), (values.network_fraction, values.panel_s, values.cdna_energy_j_per_flop)
    paths = ("benchmarks.hpl.network", f"{OF}.ampere.panel", *(f"{OF}.{name}.fp64_energy" for name in OF_CDNA))
    ends = ranges(loss, at)
    report(
        f"HPL: {len(rows['hpl'])} rows, mean error {loss(at):.4f}",
        [Fitted(path, value, *end) for path, value, end in zip(paths, (*at, at[2]), (*ends, ends[2]), strict=True)],
    )
    report_shares(rows["hpl"])
    drawn, level = activity_loss(rows["hpl-power"]), values.activity_fraction
    report(f"power: {len(rows['hpl-power'])} rows", [Fitted("benchmarks.hpl.activity", level, *ranges(drawn, (level,))[0])])
    found = intensities(rows["hpcg"])
    report(
        f"HPCG: {len(rows['hpcg'])} rows, medians",
        [
            Fitted(f"{OF}.{name}.hpcg", float(np.median(of)), of.min(), of.max())
            for name, of in found.items()
            if name in OF_HPCG
        ],
    )
    shares = mxp_shares(rows["mxp"])
    report(f"HPL-MxP: {len(shares)} rows", [Fitted("benchmarks.mxp.peak", values.mxp_fraction, shares.min(), shares.max())])


def report_shares(rows: list[Built]) -> None:
    """Medians: what the matrix fills of the GPUs' memory, and of a superchip's host memory besides."""
    own, host, memory = [], [], constants(HplConstants).memory_fraction
    for row in (row for row in rows if row.system.n_count):
        chip, matrix = row.system.accelerator, 8 * (row.system.n_count or 0) ** 2 / row.system.gpus_count
        if chip.host_memory_bytes:
            host.append((matrix - memory * chip.memory_bytes) / chip.host_memory_bytes)
        else:
            own.append(matrix / chip.memory_bytes)
    paths = ("benchmarks.hpl.memory", "benchmarks.hpl.host_memory")
    groups = [np.clip(group, 0, 1) for group in (own, host)]
    found = [Fitted(path, np.median(group), group.min(), group.max()) for path, group in zip(paths, groups, strict=True)]
    report(f"medians of {len(own)} and {len(host)} rows", found)


def fold_text() -> str:
    """The file of the folds' constants."""
    lines = [HEAD.rstrip()]
    for fold in range(FOLDS_COUNT):
        one = constants_of(outside(fold))
        intensity = ", ".join(f"{name}: {value}" for name, value in one.intensity.items())
        lines.append(
            f'fold-{fold}: {{network: {one.network_fraction}, panel: "{one.panel_s:.4g} s", cdna_energy: "{one.cdna_energy_j_per_flop:.4g} J/flop", '
            f"activity: {one.activity_fraction}, mxp: {one.mxp_fraction}, intensity: {{{intensity}}}}}"
        )
    return "\n".join(lines) + "\n"


def not_graded(model: str) -> Interval:
    """The interval of an architecture that nobody graded: each is predicted with what it would have fallen back on.

    Residuals of every architecture count alike, whatever the number of its rows.
    """
    if model not in ("hpl", "hpcg"):
        cases = grade(model).cases
        low, high = order_interval(case.published / case.predicted for case in cases)
        return Interval(low, high)
    column = {"hpl": "rmax_tflops", "hpcg": "hpcg_tflops"}[model]
    quantiles = []
    for name in ("ampere", "hopper", "blackwell", "cdna2", "cdna3"):
        rows = [row for row in for_fitting(model) if row.system.accelerator.architecture == name]
        table = constants(Architectures).changed(name, hpcg_flop_per_byte=None, panel_s=0.0)
        if name != "hopper":  # whose DGEMM was measured, and is what the others fall back on
            table = table.changed(name, dgemm_fraction=None, fp64_energy_j_per_flop=None)
        with with_constants(table) if rows else nullcontext():
            predicted = [
                predict_hpl(row.system).rmax_flop_per_s if model == "hpl" else predict_hpcg(row.system).hpcg_flop_per_s
                for row in rows
            ]
        if rows:
            quantiles.append(np.quantile(published(rows, column, 1e12) / predicted, np.linspace(0.025, 0.975, 20)))
    low, high = order_interval(np.concatenate(quantiles))
    return Interval(low, high, float(np.quantile(np.concatenate(quantiles), 0.9)) if model == "hpl" else None)


def main() -> None:
    """Prints what is fitted, and writes it if the script was called with --write: constants, folds, then intervals."""
    report_all(outside(None))
    text = fold_text()
    print(text)
    if "--write" not in sys.argv:
        return
    FOLDS.write_text(text, "utf-8")
    for model in models():
        graded = grade(model)
        notes = {name: f"{len(errors.cases)} rows of {len({case.group for case in errors.cases})} groups left out"
                 for name, errors in graded.by_class.items()}  # fmt: skip
        found = intervals_of(graded.cases, tuned=model == "hpl")
        other = NOT_GRADED if model.startswith("hpl") else "architecture not graded"
        found[other] = not_graded(model)
        notes[other] = "architectures of the other classes, each predicted with what it would fall back on"
        write_intervals(model, found, notes, script="scripts/fit_hpl.py", source="top500-lists")


if __name__ == "__main__":
    main()
