"""Fits the constants of generations of training software to the fit rows of validation/training, and prints them.

python scripts/fit_training.py [GENERATION ...]      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from scipy.optimize import minimize

from terp.physics.training import software as generations
from terp.validate.steps.training_grades import FITTED, is_for_fitting, predict_row, shipped_rows

BOUNDS = {
    "tensor_overlap_fraction": (0, 0.95),
    "data_overlap_fraction": (0, 0.95),
    "expert_overlap_fraction": (0, 0.95),
    "again_fraction": (0.0, 1),
}
ARCHITECTURES = ("ampere", "hopper", "blackwell")


def value(generation, name):
    return generation.products_share[name] if name in ARCHITECTURES else getattr(generation, name)


def changed(generation, values):
    shares = {name: value for name, value in values.items() if name in ARCHITECTURES}
    others = {name: value for name, value in values.items() if name not in ARCHITECTURES}
    return dataclasses.replace(generation, products_share={**generation.products_share, **shares}, **others)


def fit(name: str, rows: list) -> None:
    base, names = generations.GENERATIONS[name], FITTED[name]
    start = np.array([value(base, constant) or 0.01 for constant in names])
    measured = np.array([row.step_s for row in rows])

    def loss(scaled):
        values = dict(zip(names, scaled * start, strict=True))
        for constant, found in values.items():
            low, high = BOUNDS.get(constant, (0, 1.1 if constant in ARCHITECTURES or constant == "experts_ratio" else 1e9))
            if not low <= found <= high:
                return 1e3
        generations.GENERATIONS[name] = changed(base, values)
        told = np.array([predict_row(row).step_s for row in rows])
        return float(np.mean(np.abs(np.log(told / measured))))

    before = loss(np.ones(len(start)))
    found = minimize(
        loss, np.ones(len(start)), method="Nelder-Mead", options={"maxiter": 40 * len(start), "xatol": 0.01, "fatol": 1e-4}
    )
    print(f"{name}: {len(rows)} rows, mean error {before:.3f} -> {found.fun:.3f}")
    for constant, scaled, first in zip(names, found.x, start, strict=True):
        print(f"    {constant} = {scaled * first:.3g}")
    generations.GENERATIONS[name] = changed(base, dict(zip(names, found.x * start, strict=True)))


def main(wanted: list[str]) -> None:
    rows = [row for row in shipped_rows() if is_for_fitting(row) and row.step_s]
    for name in wanted or FITTED:
        fit(name, [row for row in rows if row.software == name])
        held = [row for row in shipped_rows() if row.software == name and not is_for_fitting(row) and row.step_s]
        errors = np.array([predict_row(row).error_fraction for row in held])
        if len(errors):
            print(
                f"    held out: {len(errors)} rows, median {np.median(abs(errors)):.3f}, mean {np.mean(abs(errors)):.3f}, 90 % {np.quantile(abs(errors), 0.9):.3f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
