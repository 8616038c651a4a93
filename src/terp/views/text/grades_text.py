"""Grades of models as text: one table for all, and one model with its cases.

The table has a row a set of rows that is graded by errors; fleets and replays of Slurm, which have none, get a line
below it.  `grades_text` picks what a model's own kind of grade shows; docs are made of the same rows by scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from terp.units import show
from terp.validate import Grade, Grades
from terp.validate.chips.kernel_grades import KernelGrades
from terp.validate.steps.training_grades import TrainingGrade, predictors_mape
from terp.validate.systems.cost_grades import CostGrade
from terp.validate.systems.fleet_grades import FleetCase, FleetGrade
from terp.validate.systems.power_grades import PowerGrades
from terp.validate.systems.slurm_grades import SlurmGrade
from terp.views.text.columns import aligned
from terp.views.text.error_text import as_text, left_lines, share

FLEET_HEAD: Final = ("", "figure", "printed", "published", "of it 95 %", "simulated", "95 %", "source")
"""Names of the columns of `fleet_rows`."""


def fleets_line(graded: FleetGrade) -> str:
    """Fleets in a line: how many figures lie within, and which of those asked for do not.

    graded   on a table of the caller's own, for which nothing was asked, the second half is left out
    """
    inside = sum(case.inside for case in graded.cases)
    asked_count = len(graded.limits.asked) if graded.limits else 0
    missed = f"; missed of {asked_count} asked for: {', '.join(graded.missed) or 'none'}" if asked_count else ""
    within = f"{inside} of {len(graded.cases)} published figures within the simulation's interval and it in theirs"
    return f"fleets: {within}{missed}"


def fleet_rows(graded: FleetGrade) -> list[tuple[str, ...]]:
    """A row a figure under FLEET_HEAD, numbers in the unit that was printed, with both intervals.

    graded   whose cases each have the published figure, the simulated one, and the 95 % interval of either, as far as known
    """
    return [
        (
            "inside" if case.inside else "outside",
            case.name,
            case.printed,
            f"{case.published:.4g}",
            _span(case.published_range, case),
            f"{case.predicted:.4g}",
            _span(case.predicted_range),
            case.source if case.how_read == "read" else f"{case.source} ({case.how_read})",
        )
        for case in graded.cases
    ]


def _span(limits: tuple[float, float] | None, case: FleetCase | None = None) -> str:
    """An interval in words; "not known" for None, and "above" its low end where the case is a lower bound alone."""
    if limits is None:
        return "not known"
    return f"above {limits[0]:.4g}" if case is not None and case.bound else f"{limits[0]:.4g} .. {limits[1]:.4g}"


def fleets_text(graded: FleetGrade) -> str:
    """Fleets: the line, a row a figure, and the rows that are not simulated.

    Cells are cut at 44 characters, so that a row fits a wide terminal.
    """
    rows = [tuple(cell[:44] for cell in row) for row in fleet_rows(graded)]
    return "\n".join([fleets_line(graded), "", *aligned([FLEET_HEAD, *rows]), "", *left_lines(graded.skipped)])


COST_HEAD: Final = ("", "error", "purchase", "published", "in euros", "ours", "of it 90 %", "baseline", "covers")
"""Names of the columns of `cost_rows`."""


def cost_rows(graded: CostGrade) -> list[tuple[str, ...]]:
    """A row a purchase under COST_HEAD: the graded ones, then those that something was fitted to.

    graded   amounts are in euros but for the printed sum, which is in its own currency
    """
    return [
        (
            ("fitted to" if case.fitted else "inside" if case.inside else "outside"),
            f"{case.error_fraction:+.1%}",
            case.title,
            case.printed,
            show(case.published_eur, "eur", 4),
            show(case.eur, "eur", 4),
            f"{show(case.low_eur, 'eur', 3)} .. {show(case.high_eur, 'eur', 3)}",
            "-" if case.baseline_eur is None else show(case.baseline_eur, "eur", 3),
            case.covers,
        )
        for case in (*graded.cases, *graded.fitted)
    ]


def costs_line(graded: CostGrade) -> str:
    """Purchases in a line: the median error, and how many sums lie within the interval.

    Errors are without sign; the baseline is EUR 45,000 a GPU.
    """
    inside, count = sum(case.inside for case in graded.cases), len(graded.cases)
    missed = f"; missed: {', '.join(graded.missed) or 'nothing'}" if graded.limits else ""
    median, baseline = graded.grade.median_fraction, graded.grade.baseline_fraction
    errors = f"prices of {count} purchases off by {share(median)} in the median, EUR 45,000 a GPU by {share(baseline)}"
    return f"costs: {errors}; {inside} of {count} sums within the 90 % interval{missed}"


def costs_text(graded: CostGrade) -> str:
    """Purchases: the line, a row a purchase, what has no price, and the purchases that are left out.

    Purchases that the level of the deal was fitted to stand below the graded ones.
    """
    unpriced = [
        f"  {case.title}: no price of {', '.join(f'{count} {part}' for part, count in case.unpriced)}"
        for case in (*graded.cases, *graded.fitted)
        if case.unpriced
    ]
    table = aligned([COST_HEAD, *cost_rows(graded)])
    return "\n".join([costs_line(graded), "", *table, "", *unpriced, *left_lines(graded.grade.skipped)])


SLURM_HEAD: Final = ("replay", "jobs", "observed", "simulated", "error", "chaos", "KS", "start, median", "90 %", "missed")
"""Names of the columns of `slurm_rows`."""


def slurm_rows(grades: Sequence[SlurmGrade]) -> list[tuple[str, ...]]:
    """The replays of a real Slurm, a row each under SLURM_HEAD: mean waits, errors, and how far chaos alone goes."""
    return [
        (
            entry.name,
            f"{entry.jobs_count}",
            show(entry.mean_wait_observed_s, "s"),
            show(entry.mean_wait_simulated_s, "s"),
            f"{entry.error_fraction:+.1%}",
            f"{entry.chaos_fraction:.1%}",
            f"{entry.ks_fraction:.2f}",
            show(entry.median_start_s, "s"),
            show(entry.p90_start_s, "s"),
            ", ".join(entry.missed) or "-",
        )
        for entry in grades
    ]


def slurm_line(grades: Sequence[SlurmGrade]) -> str:
    """The replays in one line: the median error of their mean waits without sign, and how many meet all bars.

    grades   one a replay, at least one
    """
    off = float(np.median([abs(entry.error_fraction) for entry in grades]))
    met = sum(not entry.missed for entry in grades)
    return (
        f"slurm: mean waits of {len(grades)} replays of a real slurmctld off by {off:.1%} in the median, {met} meet all bars"
    )


def kernels_text(graded: KernelGrades) -> str:
    """Each kind of kernel and step as one model, and the rows that no case was made of.

    Kinds without a case are left out; "nothing to grade" where that leaves none.
    """
    parts = [*(as_text(entry) for entry in graded.grades), "\n".join(left_lines(graded.left))]
    return "\n\n".join(part for part in parts if part) or "nothing to grade"


def training_text(graded: TrainingGrade, *, shipped: bool) -> str:
    """Step times and memory, each as one model, and what only steps are graded by.

    shipped   whether the rows are those that ship: then the 37 steps of published predictors are graded too
    """
    figures = graded.figures
    shares = {"mean": figures.mape, "baseline": figures.baseline_mape, "mean of memory": figures.memory_mape}
    more = [f"{name} {value:.1%}" for name, value in shares.items() if value is not None]
    tau = graded.rank_tau
    more += [] if tau is None else [f"order within a model's rows on as many GPUs: Kendall's tau {tau:.2f}"]
    more.append(f"{graded.open_count} rows leave settings open")
    if shipped:
        more.append(f"37 steps that published predictors were graded on: {predictors_mape():.1%} (best of those 13.0 %)")
    return "\n\n".join([*(as_text(entry) for entry in graded.grades), "  " + "; ".join(more)])


def power_text(graded: PowerGrades) -> str:
    """Energy, levels and steps, each as one model, the harder baseline, and errors by quantile.

    The harder baseline knows benchmark and nodes: it is the mean power of the runs that were fitted to.
    """
    harder = graded.baseline_of_group_fraction
    more = [f"mean power of the group's fit runs, the harder baseline: {share(harder)}", "median error by quantile:"]
    more += [f"  {name:15} {share(errors.median_fraction)}" for name, errors in graded.swings.items()]
    return "\n\n".join([*(as_text(entry) for entry in graded.grades), "\n".join(f"  {line}" for line in more)])


def slurm_text(replays: Sequence[SlurmGrade]) -> str:
    """A row a replay.

    replays   those that ship, or the caller's one
    """
    return "\n".join(aligned([SLURM_HEAD, *slurm_rows(replays)]))


def grades_text(grades: Grades) -> str:
    """What `terp validate MODEL` prints, by the model's own kind of grade.

    grades   of one model, as a function of `terp.validate` gives them; what its `detail` is decides how it is shown
    """
    match grades.detail:
        case KernelGrades() as graded:
            return kernels_text(graded)
        case TrainingGrade() as graded:
            return training_text(graded, shipped=grades.shipped)
        case PowerGrades() as graded:
            return power_text(graded)
        case CostGrade() as graded:
            return costs_text(graded)
        case FleetGrade() as graded:
            return fleets_text(graded)
        case Grade() as graded:
            return as_text(graded)
    return slurm_text(grades.detail)


def below_lines(models: Sequence[Grades]) -> list[str]:
    """What stands below the table of all models: those that have no errors to take a median of.

    Benchmarks, kernels and the others stand in the table and add nothing here.

    models   all that were graded, of which only fleets and replays give a line each
    """
    lines: list[str] = []
    for grades in models:
        if isinstance(grades.detail, FleetGrade):
            lines.append(fleets_line(grades.detail))
        elif isinstance(grades.detail, tuple):
            lines.append(slurm_line(grades.detail))
    return lines
