"""The models of HPL, its power, HPCG and HPL-MxP against machines of the TOP500.

All four read the same table: a row is a machine, and a column publishes what a model predicts.  Constants are fitted to
the groups that validation/top500/split.yaml names; the others are graded.  The baseline is the median a GPU of the same
GPU model in the rows for fitting.
"""

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
    """One model: the column that publishes its quantity, with its scale to SI, and what predicts it.

    quantity    in words;  unit   of the prediction, as keys spell it
    column      of the table;  scale   SI units in one of the column's
    predict     from the machine of a row, in SI
    constants   names of the constants that were fitted
    """

    quantity: str
    unit: str
    column: str
    scale: float
    predict: Callable[[Built], float]
    constants: tuple[str, ...]


def _rmax(case: Built) -> float:
    """Rmax of a row's machine [flop/s]."""
    return predict_hpl(case.system).rmax_flop_per_s


def power_w(case: Built, activity: float | None = None) -> float:
    """Power of a row's machine in HPL [W], with a network of which only the rate is known.

    activity   level of a node between idle and full [0 to 1]; HPL's fitted one if None
    """
    system = case.system
    network_w = constants(HplConstants).network_energy_j_per_byte * system.gpus_count * system.network_bytes_per_s
    return hpl_power_w(case.levels, system.gpus_count / system.gpus_per_node_count, network_w, activity)


def _hpcg(case: Built) -> float:
    """HPCG of a row's machine [flop/s]."""
    return predict_hpcg(case.system).hpcg_flop_per_s


def _mxp(case: Built) -> float:
    """HPL-MxP of a row's machine [flop/s]."""
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
    """The models that can be graded, as the terminal names them."""
    return tuple(_MODELS)


def grade(model: str, path: Path | None = None) -> Grade:
    """The grade of a model: on the shipped rows that it was not fitted to, or on all rows of a CSV file.

    model   one of `models()`;  path   a table of the caller's own, None for the rows that ship

    On a table of the caller's own, rows that constants were fitted to are recognised by name and Rmax, and marked.
    Raises UnknownName for a model, Problems for a file or a table without the model's column.
    """
    if model not in _MODELS:
        raise UnknownName("model to validate", model, _MODELS)
    benchmark, ours = _MODELS[model], _shipped()
    chosen = groups_for_fitting("top500")
    fit = [case for case in ours if group_of(case) in chosen]
    fitted = {_identity(case.row) for case in fit}
    rows = (
        read_rows(path, benchmark.column) if path is not None else [row for row in _rows() if row.number(benchmark.column)]
    )
    built = [_built(row, benchmark) for row in rows]
    baseline_of = _baseline(benchmark, fit)
    cases = tuple(
        GradedCase(
            name=case.row.name,
            part=case.part,
            published=published * benchmark.scale,
            predicted=benchmark.predict(case),
            baseline=baseline_of(case),
            known=case.known,
            fitted=_identity(case.row) in fitted,
        )
        for case in built
        if isinstance(case, Built) and (published := case.row.number(benchmark.column)) is not None
    )
    graded = cases if path is not None else tuple(case for case in cases if not case.fitted)
    limits = expected("top500", model)
    return Grade(
        model=model,
        quantity=benchmark.quantity,
        unit=benchmark.unit,
        rows_count=len(built),
        fitted_count=sum(case.fitted for case in cases),
        cases=graded,
        skipped=tuple(Skipped(case.name, case.reason) for case in built if isinstance(case, Unbuilt)),
        constants=benchmark.constants,
        limits=limits,
    )


def _built(row: Row, model: _Model) -> Built | Unbuilt:
    """The machine of a row that publishes what the model predicts.

    A row whose column is empty or holds nonsense becomes an `Unbuilt` with that reason.
    """
    if row.number(model.column) is None:
        return Unbuilt(row.name, row.bad(model.column) or f"no {model.quantity}")
    return build_row(row, read_catalogue())


@cache
def _rows() -> tuple[Row, ...]:
    """All shipped rows, read once."""
    return tuple(read_rows(published_file("top500", "table.csv")))


@cache
def _shipped() -> tuple[Built, ...]:
    """The shipped rows that machines can be built from.

    Rows that no machine can be built from are left out here, and are listed by `grade` with the reason.
    """
    built = [build_row(row, read_catalogue()) for row in _rows()]
    return tuple(case for case in built if isinstance(case, Built))


def _identity(row: Row) -> tuple[str, float | None]:
    """A row wherever it stands: the same name and Rmax.

    By it a row of a caller's own table is known again among those that constants were fitted to.
    """
    return row.name, row.number("rmax_tflops")


def _baseline(model: _Model, fit: Sequence[Built]) -> Callable[[Built], float | None]:
    """The one-line rule: median a GPU of the same GPU model in the fit rows, else of the same architecture.

    Gives a function from a row's machine to the number in SI, or to None where no fit row is of its architecture.
    """
    each: dict[str, list[float]] = {}
    for case in fit:
        published = case.row.number(model.column)
        if published is not None:
            for key in (case.part, case.system.accelerator.architecture):
                each.setdefault(key, []).append(published * model.scale / case.system.gpus_count)
    medians = {key: statistics.median(values) for key, values in each.items()}

    def of_case(case: Built) -> float | None:
        """The median a GPU times the GPUs of a machine, in SI; None where no fit row is of its GPU or architecture."""
        a_gpu = medians.get(case.part, medians.get(case.system.accelerator.architecture))
        return None if a_gpu is None else a_gpu * case.system.gpus_count

    return of_case
