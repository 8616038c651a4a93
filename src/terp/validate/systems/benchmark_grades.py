"""The models of HPL, its power, HPCG and HPL-MxP against machines of the TOP500."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from terp.catalogue import constants, read_catalogue
from terp.errors import UnknownName
from terp.physics import hpl_power_w, predict_hpcg, predict_hpl, predict_mxp
from terp.physics.benchmark.hpl import HplConstants
from terp.validate.grading.cases import expected, published_file
from terp.validate.grading.csv_table import Row, read_rows
from terp.validate.grading.grade import Grade, GradedCase, Skipped
from terp.validate.grading.published_rows import Built, Unbuilt, build_row
from terp.validate.grading.split import group_of, groups_for_fitting


@dataclass(frozen=True)
class _Model:
    """One model: the column that publishes its quantity, with its scale to SI, and what predicts it."""

    quantity: str
    unit: str
    column: str
    scale: float
    predict: Callable[[Built], float]
    constants: tuple[str, ...]


def _rmax(case: Built) -> float:
    return predict_hpl(case.system).rmax_flop_per_s


def power_w(case: Built, activity: float | None = None) -> float:
    """Power of a row's machine in HPL [W], with a network of which only the rate is known."""
    system = case.system
    network_w = constants(HplConstants).network_energy_j_per_byte * system.gpus_count * system.network_bytes_per_s
    return hpl_power_w(case.levels, system.gpus_count / system.gpus_per_node_count, network_w, activity)


def _hpcg(case: Built) -> float:
    return predict_hpcg(case.system).hpcg_flop_per_s


def _mxp(case: Built) -> float:
    return predict_mxp(case.system).mxp_flop_per_s


_OF_HPL: Final = (
    "network share", "panel time of Ampere", "DGEMM share of CDNA2", "DGEMM share of CDNA3",
    "memory share", "host memory share",
)  # fmt: skip
_OF_HPCG: Final = ("intensity of Ampere", "intensity of Hopper", "intensity of CDNA2", "intensity of CDNA3")
_MODELS: Final = {
    "hpl": _Model("Rmax", "flop_per_s", "rmax_tflops", 1e12, _rmax, _OF_HPL),
    "hpl-power": _Model("power in HPL", "w", "power_kw", 1e3, power_w, ("activity", "rest of boards without switches")),
    "hpcg": _Model("HPCG", "flop_per_s", "hpcg_tflops", 1e12, _hpcg, _OF_HPCG),
    "mxp": _Model("HPL-MxP", "flop_per_s", "hplmxp_tflops", 1e12, _mxp, ("share of peak",)),
}


def models() -> tuple[str, ...]:
    """The models that can be graded."""
    return tuple(_MODELS)


def grade(model: str, path: Path | None = None) -> Grade:
    """The grade of a model: on the shipped rows that it was not fitted to, or on all rows of a CSV file.

    Raises UnknownName for a model, Problems for a file.
    """
    if model not in _MODELS:
        raise UnknownName("model to validate", model, _MODELS)
    asked, ours = _MODELS[model], _shipped()
    chosen = groups_for_fitting("top500")
    fit = [case for case in ours if group_of(case) in chosen]
    fitted = {_identity(case.row) for case in fit}
    rows = read_rows(path, asked.column) if path is not None else [row for row in _rows() if row.number(asked.column)]
    built = [_built(row, asked) for row in rows]
    told = _baseline(asked, fit)
    cases = tuple(
        GradedCase(
            name=case.row.name,
            part=case.part,
            published=published * asked.scale,
            predicted=asked.predict(case),
            baseline=told(case),
            known=case.known,
            fitted=_identity(case.row) in fitted,
        )
        for case in built
        if isinstance(case, Built) and (published := case.row.number(asked.column)) is not None
    )
    graded = cases if path is not None else tuple(case for case in cases if not case.fitted)
    limits = expected("top500", model)
    return Grade(
        model=model,
        quantity=asked.quantity,
        unit=asked.unit,
        rows_count=len(built),
        fitted_count=sum(case.fitted for case in cases),
        cases=graded,
        skipped=tuple(Skipped(case.name, case.reason) for case in built if isinstance(case, Unbuilt)),
        constants=asked.constants,
        limits=limits,
    )


def _built(row: Row, model: _Model) -> Built | Unbuilt:
    """The machine of a row that publishes what the model predicts."""
    if row.number(model.column) is None:
        return Unbuilt(row.name, row.bad(model.column) or f"no {model.quantity}")
    return build_row(row, read_catalogue())


@cache
def _rows() -> tuple[Row, ...]:
    return tuple(read_rows(published_file("top500", "table.csv")))


@cache
def _shipped() -> tuple[Built, ...]:
    """The shipped rows that machines can be built from."""
    built = [build_row(row, read_catalogue()) for row in _rows()]
    return tuple(case for case in built if isinstance(case, Built))


def _identity(row: Row) -> tuple[str, float | None]:
    """A row wherever it stands: the same name and Rmax."""
    return row.name, row.number("rmax_tflops")


def _baseline(model: _Model, fit: Sequence[Built]) -> Callable[[Built], float | None]:
    """Median a GPU of the same GPU model in the fit rows, else of the same architecture; None where there is none."""
    each: dict[str, list[float]] = {}
    for case in fit:
        published = case.row.number(model.column)
        if published is not None:
            for key in (case.part, case.system.accelerator.architecture):
                each.setdefault(key, []).append(published * model.scale / case.system.gpus_count)
    medians = {key: statistics.median(values) for key, values in each.items()}

    def told(case: Built) -> float | None:
        a_gpu = medians.get(case.part, medians.get(case.system.accelerator.architecture))
        return None if a_gpu is None else a_gpu * case.system.gpus_count

    return told
