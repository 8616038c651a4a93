"""The models of HPL, its power, HPCG and HPL-MxP against machines of the TOP500.

All four read the same table: a row is a machine, and a column publishes what a model predicts.  Every group of machines,
of one vendor, architecture and year, is left out once: its rows are predicted by constants fitted to the other folds
(validation/top500/folds.yaml), and their intervals come from the residuals of other groups.  The catalogue's constants are
fitted to all rows; those grade a table of the caller's own.  The baseline is the median a GPU of the same GPU model in the
rows for fitting, without the row's own fold.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from terp.catalogue import constants, read_catalogue
from terp.errors import UnknownName
from terp.physics import hpl_class, hpl_power_class, hpl_power_w, predict_hpcg, predict_hpl, predict_mxp
from terp.physics.benchmark.hpl import HplConstants
from terp.physics.gpu.architectures import Subject, graded_class
from terp.validate.grading.cases import expected, published_file
from terp.validate.grading.csv_table import Row, read_rows
from terp.validate.grading.grade import Grade, GradedCase, Skipped
from terp.validate.grading.left_out import with_known_intervals, with_left_out_intervals
from terp.validate.grading.published_rows import Built, Unbuilt, build_row
from terp.validate.grading.split import fold_of, group_of
from terp.validate.systems.benchmark_folds import with_fold


@dataclass(frozen=True)
class _Model:
    """One model: the column that publishes its quantity, with its scale to SI, and what predicts it.

    quantity    in words;  unit   of the prediction, as keys spell it
    column      of the table;  scale   SI units in one of the column's
    predict     from the machine of a row, in SI
    class_of    the class of a row's machine, by which its interval is chosen
    constants   names of the constants that were fitted
    needs       column without which a row is graded and never fitted to; empty for none
    """

    quantity: str
    unit: str
    column: str
    scale: float
    predict: Callable[[Built], float]
    class_of: Callable[[Built], str]
    constants: tuple[str, ...]
    needs: str = ""


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


SMALL: Final = 100
"""GPUs below which a machine is graded among the small ones."""


def _hpl_class(case: Built) -> str:
    """The class of a row's machine in HPL."""
    return hpl_class(case.system.accelerator, reference=case.system.reference)


def _power_class(case: Built) -> str:
    """The class of a row's machine in power under HPL."""
    return hpl_power_class(case.system.accelerator)


def _graded_class(subject: Subject) -> Callable[[Built], str]:
    """What gives the class of a row's machine in another benchmark: whether its architecture is graded there."""
    return lambda case: graded_class(case.system.accelerator, subject)


_OF_HPL: Final = (
    "network share", "panel time of Ampere", "year of panels on GPUs", "energy of a flop on CDNA", "memory share",
    "host memory share",
)  # fmt: skip
_OF_HPCG: Final = tuple(f"intensity of {name}" for name in ("Ampere", "Hopper", "Blackwell", "CDNA2", "CDNA3"))
_OF_POWER: Final = ("activity", "rest of boards without switches")
_MODELS: Final = {
    "hpl": _Model("Rmax", "flop_per_s", "rmax_tflops", 1e12, _rmax, _hpl_class, _OF_HPL, "nmax"),
    "hpl-power": _Model("power in HPL", "w", "power_kw", 1e3, power_w, _power_class, _OF_POWER),
    "hpcg": _Model("HPCG", "flop_per_s", "hpcg_tflops", 1e12, _hpcg, _graded_class("hpcg"), _OF_HPCG),
    "mxp": _Model("HPL-MxP", "flop_per_s", "hplmxp_tflops", 1e12, _mxp, _graded_class("mxp"), ("share of peak",)),
}


def models() -> tuple[str, ...]:
    """The models that can be graded, as the terminal names them."""
    return tuple(_MODELS)


def grade(model: str, path: Path | None = None) -> Grade:
    """The grade of a model: on the shipped rows, each by constants that did not see its group, or on a CSV file.

    model   one of `models()`;  path   a table of the caller's own, None for the rows that ship

    A table of the caller's own is graded whole by the catalogue's constants; rows that those were fitted to are recognised
    by name and Rmax, and marked.
    Raises UnknownName for a model, Problems for a file or a table without the model's column.
    """
    if model not in _MODELS:
        raise UnknownName("model to validate", model, _MODELS)
    benchmark = _MODELS[model]
    if path is not None:
        built = [_built(row, benchmark) for row in read_rows(path, benchmark.column)]
        fitted = {_identity(case.row) for case in _for_fitting(benchmark)}
        cases = with_known_intervals(model, _cases(benchmark, built, fitted=fitted))
    else:
        built = [_built(row, benchmark) for row in _rows() if row.number(benchmark.column)]
        cases = with_left_out_intervals(_cases(benchmark, built, folded=True))
    return Grade(
        model=model,
        quantity=benchmark.quantity,
        unit=benchmark.unit,
        rows_count=len(built),
        fitted_count=sum(case.fitted for case in cases),
        cases=cases,
        skipped=tuple(Skipped(case.name, case.reason) for case in built if isinstance(case, Unbuilt)),
        constants=benchmark.constants,
        limits=expected("top500", model),
    )


def _cases(
    model: _Model,
    built: Sequence[Built | Unbuilt],
    *,
    folded: bool = False,
    fitted: Collection[object] = (),
) -> list[GradedCase]:
    """A case of each machine, without an interval yet.

    folded   whether each is predicted by the constants of the other folds, and so its baseline
    fitted   identities of the rows that the catalogue's constants were fitted to
    """
    cases = []
    for case in built:
        if not isinstance(case, Built):
            continue
        group = group_of(case)
        fold = fold_of(group) if folded else None
        known: AbstractContextManager[None] = nullcontext() if fold is None else with_fold(fold)
        with known:
            predicted = model.predict(case)
        cases.append(
            GradedCase(
                name=case.row.name,
                part=case.part,
                published=(case.row.number(model.column) or 0.0) * model.scale,
                predicted=predicted,
                baseline=_baseline_without(model.column, fold, case),
                known=case.known,
                fitted=_identity(case.row) in fitted,
                class_name=model.class_of(case),
                group=group,
                scale=f"below {SMALL} GPUs" if case.system.gpus_count < SMALL else f"{SMALL} GPUs and more",
            )
        )
    return cases


def for_fitting(model: str) -> tuple[Built, ...]:
    """The shipped rows that a model's constants are fitted to, in the order of the table.

    model   one of `models()`
    """
    return _for_fitting(_MODELS[model])


def _for_fitting(model: _Model) -> tuple[Built, ...]:
    return tuple(
        case
        for case in _shipped()
        if case.row.number(model.column) and (not model.needs or case.row.text.get(model.needs, "").strip())
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


def _baseline_without(column: str, fold: int | None, case: Built) -> float | None:
    """The one-line rule: median a GPU of the same GPU model in the rows for fitting, else of the same architecture [SI].

    fold   whose rows are left aside; None to take all.  None where no row is of the machine's architecture
    """
    medians = _medians(column, fold)
    a_gpu = medians.get(case.part, medians.get(case.system.accelerator.architecture))
    return None if a_gpu is None else a_gpu * case.system.gpus_count


@cache
def _medians(column: str, fold: int | None) -> dict[str, float]:
    """GPU model, and architecture -> median of a column a GPU [SI], over the rows for fitting outside a fold."""
    [model] = [model for model in _MODELS.values() if model.column == column]
    each: dict[str, list[float]] = {}
    for case in _for_fitting(model):
        if fold is not None and fold_of(group_of(case)) == fold:
            continue
        published = (case.row.number(column) or 0.0) * model.scale
        for key in (case.part, case.system.accelerator.architecture):
            each.setdefault(key, []).append(published / case.system.gpus_count)
    return {key: statistics.median(values) for key, values in each.items()}
