"""Fits the constants of HPL, its power, HPCG and HPL-MxP to the fit rows of validation/top500.

python scripts/fit_hpl.py [--write]      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from fitting import Fitted, least, ranges, report

from terp.catalogue import constants, read_catalogue, with_constants
from terp.physics.benchmark.hpcg import HpcgConstants, predict_hpcg
from terp.physics.benchmark.hpl import HplConstants, predict_hpl
from terp.physics.gpu.architectures import Architectures
from terp.validate.grading.csv_table import read_rows
from terp.validate.grading.published_rows import Built, build_row
from terp.validate.grading.split import group_of, groups_for_fitting
from terp.validate.systems.benchmark_grades import power_w

OF = "architectures.architectures"
POWER_ROUND = 0.08  # half of all equal machines differ by more, so the trend is looked for among the others
ROUND = 0.02  # errors below two per cent count for little: no list is better than that


def rounded(ratios: np.ndarray, least_error: float = ROUND) -> float:
    """Mean error of logarithms, in which small ones count for little."""
    return float(np.mean(np.sqrt(np.log(ratios) ** 2 + least_error**2)))


def percentiles(title: str, low_path: str, high_path: str, published_over_predicted: np.ndarray) -> None:
    """The interval that the rows make; its ends' ranges are those of the rows with a tenth fewer on either side."""
    ends = np.quantile(published_over_predicted, [0.05, 0.1, 0.15, 0.85, 0.9, 0.95])
    report(title, [Fitted(low_path, ends[1], ends[0], ends[2]), Fitted(high_path, ends[4], ends[3], ends[5])])


def fit_rates(fit: list[Built]) -> None:
    """The rate of HPL: network, Ampere's panels, CDNA's DGEMM; and the interval."""
    measured = np.array([case.row.number("rmax_tflops") * 1e12 for case in fit])

    def changed(values):
        network, panel, cdna2, cdna3 = values
        table = constants(Architectures).changed("ampere", panel_s=panel)
        table = table.changed("cdna2", dgemm_fraction=cdna2).changed("cdna3", dgemm_fraction=cdna3)
        return replace(constants(HplConstants), network_fraction=network), table

    def ratios(values) -> np.ndarray:
        with with_constants(*changed(values)):
            return np.array([predict_hpl(case.system).rmax_flop_per_s for case in fit]) / measured

    def loss(values) -> float:
        return rounded(ratios(values))

    values, left = least(loss, (0.6, 4e-6, 0.52, 0.5), per_value=750)
    paths = ("benchmarks.hpl.network", f"{OF}.ampere.panel", f"{OF}.cdna2.dgemm", f"{OF}.cdna3.dgemm")
    found = [Fitted(path, value, *end) for path, value, end in zip(paths, values, ranges(loss, values), strict=True)]
    report(f"HPL: {len(fit)} rows, mean error {left:.4f}", found)
    percentiles("HPL's interval", "benchmarks.hpl.low", "benchmarks.hpl.high", 1 / ratios(values))


def fit_shares(fit: list[Built]) -> None:
    """Medians: what the matrix fills, and the share of the FP16 peak that HPL-MxP reaches."""
    own, host, memory = [], [], constants(HplConstants).memory_fraction
    for case in (case for case in fit if case.system.n_count):
        chip, matrix = case.system.accelerator, 8 * case.system.n_count**2 / case.system.gpus_count
        if chip.host_memory_bytes:
            host.append((matrix - memory * chip.memory_bytes) / chip.host_memory_bytes)
        else:
            own.append(matrix / chip.memory_bytes)
    share = np.array(
        [
            case.row.number("hplmxp_tflops")
            * 1e12
            / case.system.gpus_count
            / case.system.accelerator.peak_flop_per_s["fp16"]
            for case in fit
            if case.row.number("hplmxp_tflops")
        ]
    )
    paths = ("benchmarks.hpl.memory", "benchmarks.hpl.host_memory", "benchmarks.mxp.peak")
    groups = [np.clip(group, 0, 1) for group in (own, host, share)]
    found = [Fitted(path, np.median(group), group.min(), group.max()) for path, group in zip(paths, groups, strict=True)]
    report(f"medians of {len(own)}, {len(host)} and {len(share)} rows", found)
    percentiles("HPL-MxP's interval", "benchmarks.mxp.low", "benchmarks.mxp.high", share / np.median(share))


def fit_power(fit: list[Built]) -> None:
    """The level of a node in HPL."""
    drawn = np.array([case.row.number("power_kw") * 1e3 for case in fit])

    def loss(values) -> float:
        return rounded(np.array([power_w(case, float(values[0])) for case in fit]) / drawn, POWER_ROUND)

    values, left = least(loss, (0.9,))
    found = [Fitted("benchmarks.hpl.activity", values[0], *ranges(loss, values)[0])]
    report(f"power: {len(fit)} rows, mean error {left:.3f}", found)


def fit_hpcg(fit: list[Built]) -> None:
    """HPCG's flops per byte, by architecture; and the interval."""
    measured = np.array([case.row.number("hpcg_tflops") * 1e12 for case in fit])
    names = ("ampere", "hopper", "cdna2")

    def ratios(values) -> np.ndarray:
        table = constants(Architectures)
        for name, value in zip(names, values, strict=True):
            table = table.changed(name, hpcg_flop_per_byte=value)
        with with_constants(table):
            return np.array([predict_hpcg(case.system).hpcg_flop_per_s for case in fit]) / measured

    def loss(values) -> float:
        return rounded(ratios(values))

    values, left = least(loss, (0.2, 0.16, 0.13), per_value=1000)
    found = [
        Fitted(f"{OF}.{name}.hpcg", value, *end)
        for name, value, end in zip(names, values, ranges(loss, values), strict=True)
    ]
    report(f"HPCG: {len(fit)} rows, mean error {left:.4f}; halos {constants(HpcgConstants).halo_bytes_per_flop}", found)
    percentiles("HPCG's interval", "benchmarks.hpcg.low", "benchmarks.hpcg.high", 1 / ratios(values))


def main() -> None:
    rows = read_rows(Path(__file__).parents[1] / "validation" / "top500" / "table.csv")
    built = [case for case in (build_row(row, read_catalogue()) for row in rows) if isinstance(case, Built)]
    chosen = groups_for_fitting("top500")
    fit = [case for case in built if group_of(case) in chosen]
    fit_rates(fit)
    fit_shares(fit)
    fit_power([case for case in fit if case.row.number("power_kw")])
    fit_hpcg([case for case in fit if case.row.number("hpcg_tflops")])


if __name__ == "__main__":
    main()
