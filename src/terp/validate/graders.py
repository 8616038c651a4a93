"""The front door of validation: a function a model, each giving its `Grades`, and one that grades them all.

Without a table of the caller's, the rows that ship and that nothing was fitted to are graded; with one, all of its rows.
A table's columns stand in docs/formats/validate.md.  All functions raise Problems for a file that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems
from terp.results.record import Json
from terp.validate.chips.collective_grades import grade_collectives
from terp.validate.chips.kernel_grades import KernelGrades, grade_kernels
from terp.validate.grading.model_grades import AllGrades, Grades, grades_of
from terp.validate.steps.training_grades import grade_training
from terp.validate.systems.benchmark_grades import grade
from terp.validate.systems.cost_grades import grade_costs
from terp.validate.systems.fleet_grades import grade_fleets
from terp.validate.systems.power_grades import grade_power
from terp.validate.systems.slurm_grades import SlurmGrade, grade_replays, grade_slurm, worsened_slurm

PathLike = str | Path
"""A file of the caller's own."""


def hpl(cases: PathLike | None = None) -> Grades:
    """Rmax of HPL against machines of the TOP500 [flop/s]; the document has the median error of the power beside it.

    cases   a CSV file of machines with the columns of validation/top500/table.csv; None for the rows that ship

    `terp.validate.hpl().table` has the median, the 90th percentile, the bias and the baseline as fractions of Rmax.
    """
    path = _path(cases)
    graded = grade("hpl", path)
    document = graded.as_data() | {"power_median_abs_error": _power_median_fraction(path)}
    return grades_of("hpl", graded, (graded,), document, shipped=path is None)


def hpl_power(cases: PathLike | None = None) -> Grades:
    """Power in HPL against machines of the TOP500 that state it [W].

    cases   a CSV file of machines that has a `power_kw`; None for the rows that ship
    """
    return _of_list("hpl-power", cases)


def hpcg(cases: PathLike | None = None) -> Grades:
    """HPCG against machines of the TOP500 that state it [flop/s].

    cases   a CSV file of machines that has an `hpcg_tflops`; None for the rows that ship
    """
    return _of_list("hpcg", cases)


def mxp(cases: PathLike | None = None) -> Grades:
    """HPL-MxP against machines of its list [flop/s].

    cases   a CSV file of machines that has an `hplmxp_tflops`; None for the rows that ship
    """
    return _of_list("mxp", cases)


def kernels(cases: PathLike | None = None, gpu: str = "") -> Grades:
    """Kernels [s], and whole steps on one GPU in time [s], power [W] and memory [bytes], against measured ones.

    cases   a JSON-lines file, an object a measurement; None for the rows that ship
    gpu     the catalogue's name of the GPU that it was measured on, or its beginning; the reference GPU if empty

    Each kind of kernel has a grade of its own; a file is graded on all of its rows.
    Raises UnknownName for the GPU, and Problems for a GPU without a file.
    """
    path = _path(cases)
    if gpu and path is None:
        raise Problems([Problem("", 0, 0, "gpu", "the GPU of a file, and none is given", repr(gpu), "give `cases` too")])
    graded = KernelGrades(*grade_kernels(path, gpu or None))
    return grades_of("kernels", graded, graded.grades, graded.as_data(), shipped=path is None, left_out=graded.left)


def collectives(cases: PathLike | None = None) -> Grades:
    """Collectives within a node and across nodes against measured ones [s].

    cases   a CSV file, a line a measurement, with a time or a bus bandwidth; None for the rows that ship
    """
    path = _path(cases)
    graded = grade_collectives(path)
    return grades_of("collectives", graded, (graded,), graded.as_data(), shipped=path is None)


def training(cases: PathLike | None = None) -> Grades:
    """Training steps in time [s] and memory [bytes] against published ones.

    cases   a CSV file, a line a step; None for the rows that ship

    A row that leaves settings open is predicted by the middle of what is plausible; `document` says how many do.

    >>> grades = training()  # doctest: +SKIP
    >>> grades.table.to_pandas()[["model", "median_abs_error_fraction"]]  # doctest: +SKIP
    """
    path = _path(cases)
    graded = grade_training(path)
    return grades_of("training", graded, graded.grades, graded.as_data(), shipped=path is None)


def power(cases: PathLike | None = None) -> Grades:
    """Energy of runs [J], and swings of a job's power over its mean [-], against measured runs.

    cases   a Parquet file of readings, one of a node a row

    Columns of the file are benchmark, n_nodes, run, start_unix_ms, node, t_s and power_ac_w; a run needs twenty readings of
    each node in the mean.
    """
    path = _path(cases)
    graded = grade_power(path)
    return grades_of("power", graded, graded.grades, graded.as_data(), shipped=path is None)


def costs(cases: PathLike | None = None) -> Grades:
    """Prices of machines [EUR] against what was paid at the same scope.

    cases   a YAML file, an entry a purchase; None for the purchases that ship
    """
    path = _path(cases)
    graded = grade_costs(path)
    return grades_of(
        "costs", graded, (graded.grade,), graded.as_data(), shipped=path is None, missed=graded.missed, fell=graded.worsened
    )


def fleets(cases: PathLike | None = None) -> Grades:
    """Figures of published fleets against simulated ones: failures, time between them, effective training time.

    cases   a CSV file, a line a figure; None for the figures that ship

    They are graded by intervals, not by errors, so that `grades` is empty and `table` has a row a figure.
    """
    path = _path(cases)
    graded = grade_fleets(path)
    return grades_of(
        "fleets", graded, (), graded.as_data(), shipped=path is None,
        missed=graded.missed, left_out=graded.skipped, fell=graded.worsened,
    )  # fmt: skip


def slurm(
    trace: PathLike | None = None, observed: PathLike | None = None, slurm_conf: PathLike | None = None,
    assoc: PathLike | None = None,
) -> Grades:  # fmt: skip
    """When jobs start under the controller, against a real slurmctld of the same slurm.conf: all that ship, or one.

    trace        jobs as they were submitted, CSV
    observed     what the real controller did with them, CSV
    slurm_conf   the slurm.conf it ran under
    assoc        its accounts and QOS, as sacctmgr prints them; None without

    Without any of the four, the replays that ship.  Raises Problems if some but not all of the first three are given, or
    if they do not belong together.
    """
    files = {"trace": trace, "observed": observed, "slurm_conf": slurm_conf}
    if trace is None and observed is None and slurm_conf is None and assoc is None:
        replays = grade_replays()
        document: Json = [replay.as_data() for replay in replays]
        return grades_of("slurm", replays, (), document, shipped=True, missed=_missed(replays), fell=worsened_slurm(replays))
    if trace is None or observed is None or slurm_conf is None:
        lacking = [name for name, file in files.items() if file is None]
        would_do = "give trace, observed and slurm_conf together"
        raise Problems([Problem("", 0, 0, name, "missing for a replay", would_do=would_do) for name in lacking])
    replay = grade_slurm(Path(trace), Path(observed), Path(slurm_conf), _path(assoc))
    return grades_of("slurm", (replay,), (), replay.as_data(), shipped=False, missed=_missed((replay,)))


def all_models() -> AllGrades:
    """Every model on the rows that ship, in the order of `GRADERS`, as `terp validate` grades them; a minute or so.

    Caveats and sources are those of all models, each once.
    """
    models = tuple(grader() for grader in GRADERS.values())
    caveats = tuple(dict.fromkeys(caveat for grades in models for caveat in grades.caveats))
    sources = tuple(dict.fromkeys(source for grades in models for source in grades.sources))
    return AllGrades(models=models, caveats=caveats, sources=sources)


def _of_list(model: str, cases: PathLike | None) -> Grades:
    """The validation of a benchmark against the TOP500's tables."""
    path = _path(cases)
    graded = grade(model, path)
    return grades_of(model, graded, (graded,), graded.as_data(), shipped=path is None)


def _power_median_fraction(path: Path | None) -> float | None:
    """Median error of the power beside that of Rmax [fraction]; None for a table without powers."""
    try:
        return grade("hpl-power", path).median_fraction
    except Problems:  # the column is not there; what else is wrong with the table, the grade of Rmax has said
        return None


def _missed(replays: tuple[SlurmGrade, ...]) -> tuple[str, ...]:
    """Bars that any replay misses, each once."""
    return tuple(dict.fromkeys(bar for replay in replays for bar in replay.missed))


def _path(file: PathLike | None) -> Path | None:
    """The caller's file as a path; None for the rows that ship."""
    return None if file is None else Path(file)


GRADERS: Final[dict[str, Callable[..., Grades]]] = {
    "hpl": hpl,
    "hpl-power": hpl_power,
    "hpcg": hpcg,
    "mxp": mxp,
    "kernels": kernels,
    "collectives": collectives,
    "training": training,
    "power": power,
    "costs": costs,
    "fleets": fleets,
    "slurm": slurm,
}
"""What can be validated, as the terminal names it -> what grades it."""
