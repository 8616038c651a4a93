"""Fits the constants of generations of training software to the fit rows of validation/training.

python scripts/fit_training.py [--write] [GENERATION ...]      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from fitting import Fitted, ranges, report

from terp.catalogue import constants, with_constants
from terp.physics.training.software import Generation, TrainingSoftware
from terp.reader.fields import written_name
from terp.validate.steps.training_cases import predict_row
from terp.validate.steps.training_grades import FITTED, is_for_fitting, shipped_rows

BOUNDS = {
    "tensor_overlap_fraction": (0, 0.95),
    "data_overlap_fraction": (0, 0.95),
    "expert_overlap_fraction": (0, 0.95),
    "again_fraction": (0.0, 1),
}
ARCHITECTURES = ("ampere", "hopper", "blackwell")


def value(generation: Generation, name: str) -> float:
    """A constant of a generation; one named by an architecture is the rate of GEMM there."""
    return generation.products_share[name] if name in ARCHITECTURES else getattr(generation, name)


def changed(name: str, values: dict[str, float]) -> TrainingSoftware:
    """All software, with other values of one generation."""
    known = constants(TrainingSoftware)
    base = known.generations[name]
    shares = {name: value for name, value in values.items() if name in ARCHITECTURES}
    others = {name: value for name, value in values.items() if name not in ARCHITECTURES}
    new = dataclasses.replace(base, products_share={**base.products_share, **shares}, **others)
    return dataclasses.replace(known, generations={**known.generations, name: new})


def path_of(name: str, constant: str) -> str:
    """Where a constant stands in the catalogue."""
    fields = {field.name: field for field in dataclasses.fields(Generation)}
    key = (
        f"products.{constant}" if constant in ARCHITECTURES else fields[constant].metadata.get("key", written_name(constant))
    )
    return f"software.generations.{name}.{key}"


def fit(name: str, rows: list) -> TrainingSoftware:
    """Fits a generation to rows; the software with what was found."""
    from scipy.optimize import minimize  # noqa: PLC0415 -- only fits need it, and not the tests of writing

    base, names = constants(TrainingSoftware).generations[name], FITTED[name]
    start = np.array([value(base, constant) or 0.01 for constant in names])
    measured = np.array([row.step_s for row in rows])

    def loss(values) -> float:
        for constant, one in zip(names, values, strict=True):
            low, high = BOUNDS.get(constant, (0, 1.1 if constant in ARCHITECTURES or constant == "experts_ratio" else 1e9))
            if not low <= one <= high:
                return 1e3
        with with_constants(changed(name, dict(zip(names, values, strict=True)))):
            predicted = np.array([predict_row(row).step_s for row in rows])
        return float(np.mean(np.abs(np.log(predicted / measured))))

    before, most = loss(start), {"maxiter": 40 * len(start), "xatol": 0.01, "fatol": 1e-4}
    found = minimize(lambda scaled: loss(scaled * start), np.ones(len(start)), method="Nelder-Mead", options=most)
    values = found.x * start
    fitted = [
        Fitted(path_of(name, constant), one, *ends)
        for constant, one, ends in zip(names, values, ranges(loss, values), strict=True)
    ]
    report(f"{name}: {len(rows)} rows, mean error {before:.3f} -> {found.fun:.3f}", fitted)
    return changed(name, dict(zip(names, values, strict=True)))


def main(wanted: list[str]) -> None:
    rows = [row for row in shipped_rows() if row.step_s]
    for name in wanted or FITTED:
        mine = [row for row in rows if row.software == name]
        with with_constants(fit(name, [row for row in mine if is_for_fitting(row)])):
            errors = np.abs([predict_row(row).error_fraction for row in mine if not is_for_fitting(row)])
        if len(errors):
            middle, mean, most = np.median(errors), np.mean(errors), np.quantile(errors, 0.9)
            print(f"    held out: {len(errors)} rows, median {middle:.3f}, mean {mean:.3f}, 90 % {most:.3f}")


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if not name.startswith("--")])
