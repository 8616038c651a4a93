"""Fits the constants of HPL, its power, HPCG and HPL-MxP to the fit rows of validation/top500, and prints them.

python scripts/fit_hpl.py      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from terp.catalogue import read_catalogue
from terp.validate.grading.csv_table import read_rows
from terp.validate.grading.published_rows import Built, build_row
from terp.validate.grading.split import group_of, groups_for_fitting
from terp.validate.systems.benchmark_grades import power_w

hpl, dgemm, hpcg = (import_module(f"terp.physics.{name}") for name in ("hpl", "dgemm", "hpcg"))
START = (0.6, 4e-6, 0.52, 0.5)
POWER_ROUND = 0.08  # half of all equal machines differ by more, so the trend is looked for among the others
ROUND = 0.02  # errors below two per cent count for little: no list is better than that


def set_constants(values):
    hpl.NETWORK_SHARE, hpl.PANEL_S["ampere"] = values[0], values[1]
    dgemm.SHARE_OF_PEAK.update(cdna2=values[2], cdna3=values[3])


def main() -> None:
    rows = read_rows(Path(__file__).parents[1] / "validation" / "top500" / "table.csv")
    built = [case for case in (build_row(row, read_catalogue()) for row in rows) if isinstance(case, Built)]
    chosen = groups_for_fitting("top500")
    fit = [case for case in built if group_of(case) in chosen]
    measured = np.array([case.row.number("rmax_tflops") * 1e12 for case in fit])

    def ratios():
        return np.array([hpl.predict_hpl(case.system).rmax_flop_per_s for case in fit]) / measured

    def loss(scaled):
        if min(scaled) <= 0:
            return 1e3
        set_constants(np.array(scaled) * START)
        errors = np.log(ratios())
        return np.mean(np.sqrt(errors**2 + ROUND**2))

    found = minimize(loss, np.ones(len(START)), method="Nelder-Mead", options={"maxiter": 3000, "maxfev": 3000})
    set_constants(found.x * START)
    print(f"{len(fit)} of {len(built)} rows")
    print(f"NETWORK_SHARE {hpl.NETWORK_SHARE:.3f}  PANEL_S {hpl.PANEL_S}  SHARE_OF_PEAK {dgemm.SHARE_OF_PEAK}")
    print("published over predicted, 10, 50 and 90 %:", np.quantile(1 / ratios(), [0.1, 0.5, 0.9]).round(3))
    fit_shares([case for case in fit if case.system.n_count], [case for case in fit if case.row.number("hplmxp_tflops")])
    with_power = [case for case in fit if case.row.number("power_kw")]
    drawn = np.array([case.row.number("power_kw") * 1e3 for case in with_power])

    def power_loss(activity):
        told = np.array([power_w(case, activity) for case in with_power])
        return np.mean(np.sqrt(np.log(told / drawn) ** 2 + POWER_ROUND**2))

    found = minimize_scalar(power_loss, bounds=(0.5, 1.0), method="bounded")
    print(f"ACTIVITY {found.x:.3f} on {len(with_power)} rows, mean error {found.fun:.3f}")
    fit_hpcg([case for case in fit if case.row.number("hpcg_tflops")])


def fit_shares(with_order: list[Built], with_mxp: list[Built]) -> None:
    own, host = [], []
    for case in with_order:
        chip, matrix = case.system.accelerator, 8 * case.system.n_count**2 / case.system.gpus_count
        if chip.host_memory_bytes:
            host.append((matrix - hpl.MEMORY_SHARE * chip.memory_bytes) / chip.host_memory_bytes)
        else:
            own.append(matrix / chip.memory_bytes)
    print(f"MEMORY_SHARE median {np.median(own):.3f}  HOST_SHARE median {np.median(host):.3f}")
    share = [
        case.row.number("hplmxp_tflops") * 1e12 / case.system.gpus_count / case.system.accelerator.peak_flop_per_s["fp16"]
        for case in with_mxp
    ]
    print(
        f"HPL-MxP SHARE_OF_PEAK median {np.median(share):.3f} of {len(share)} rows, 10 and 90 %:",
        np.quantile(share, [0.1, 0.9]),
    )


def fit_hpcg(fit: list[Built]) -> None:
    measured = np.array([case.row.number("hpcg_tflops") * 1e12 for case in fit])
    names, start = ("ampere", "hopper", "cdna2"), (0.2, 0.16, 0.13)

    def ratios():
        return np.array([hpcg.predict_hpcg(case.system).hpcg_flop_per_s for case in fit]) / measured

    def loss(scaled):
        values = np.array(scaled) * start
        if min(scaled) < 0:
            return 1e3
        hpcg.INTENSITY_FLOP_PER_BYTE.update(zip(names, values, strict=True))
        return np.mean(np.sqrt(np.log(ratios()) ** 2 + ROUND**2))

    found = minimize(loss, np.ones(3), method="Nelder-Mead", options={"maxiter": 3000, "maxfev": 3000})
    loss(found.x)
    print(f"{len(fit)} rows  INTENSITY {dict(zip(names, found.x * start, strict=True))}")
    print("published over predicted, 10, 50 and 90 %:", np.quantile(1 / ratios(), [0.1, 0.5, 0.9]).round(3))


if __name__ == "__main__":
    main()
