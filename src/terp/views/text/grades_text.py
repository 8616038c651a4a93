"""Grades of models as text and as data: one table for all, and one model with its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from terp.errors import Problem, Problems
from terp.units import show
from terp.validate import (
    CostGrade,
    Errors,
    FleetCase,
    FleetGrade,
    Grade,
    Skipped,
    SlurmGrade,
    grade,
    grade_collectives,
    grade_costs,
    grade_fleets,
    grade_kernels,
    grade_power,
    grade_replays,
    grade_training,
    models,
    worsened_slurm,
)
from terp.validate.training.training_grades import predictors_mape
from terp.views.text.columns import aligned

HEAD = (
    "model",
    "rows",
    "fitted",
    "graded",
    "median",
    "90 %",
    "worst",
    "bias",
    "baseline",
    "constants",
    "asked for",
    "missed",
)


def table_rows(grades: Sequence[Grade]) -> list[tuple[str, ...]]:
    """The grade table, a row a model, without its head."""
    return [
        (
            entry.model,
            f"{entry.rows_count}",
            f"{entry.fitted_count}",
            f"{len(entry.cases)}",
            _share(entry.median_fraction),
            _share(entry.p90_fraction),
            f"{entry.worst.error_fraction:+.0%} {entry.worst.name}" if entry.worst else "-",
            _share(entry.bias_fraction, "+.1%"),
            _share(entry.baseline_fraction),
            f"{len(entry.constants)}",
            _share(entry.limits.bar_fraction, ".0%"),
            ", ".join(entry.missed) or "-",
        )
        for entry in grades
    ]


def _share(value: float | None, form: str = ".1%") -> str:
    return "-" if value is None else f"{value:{form}}"


def table_lines(grades: Sequence[Grade]) -> list[str]:
    """The grade table, aligned."""
    return aligned([HEAD, *table_rows(grades)])


MOST_CASES = 150
MOST_LEFT = 60


def by_part(grade: Grade) -> list[tuple[str, int, float, float]]:
    """Cases and errors of each part: name, number, median and 90th percentile."""
    errors: dict[str, list[float]] = {}
    for case in grade.cases:
        errors.setdefault(case.part, []).append(abs(case.error_fraction))
    return [(part, len(found), *np.quantile(found, [0.5, 0.9]).tolist()) for part, found in sorted(errors.items())]


def kernels_data(grades: Mapping[str, Grade], left: Sequence[Skipped]) -> dict[str, Any]:
    """The JSON of `terp validate kernels`: all that was timed together, and each kind under `groups`."""
    groups = {kind: entry.as_data() for kind, entry in grades.items() if entry.rows_count}
    timed = [entry for entry in grades.values() if entry.quantity == "time"]
    whole = Errors(tuple(case for entry in timed for case in entry.cases))
    fitted = sum(entry.fitted_count for entry in timed)
    return {
        "n": len(whole.cases) + fitted + len(left),
        "graded": len(whole.cases),
        "fitted": fitted,
        "skipped": [{"name": row.name, "reason": row.reason} for row in left],
        "median_abs_error": whole.median_fraction,
        "p90_abs_error": whole.p90_fraction,
        "bias": whole.bias_fraction,
        "baseline_median_abs_error": whole.baseline_fraction,
        "groups": groups,
    }


def left_lines(left: Sequence[Skipped]) -> list[str]:
    """Rows that no case was made of, each with the reason; of very many, reasons with how many rows each."""
    if not left:
        return []
    if len(left) <= MOST_LEFT:
        return [f"  {len(left)} rows left out:", *(f"    {row.name[:40]}: {row.reason}" for row in left)]
    reasons = Counter(row.reason for row in left)
    return [f"  {len(left)} rows left out:", *(f"    {count:4} {reason}" for reason, count in reasons.most_common())]


def as_text(grade: Grade) -> str:
    """One model: its line of the table, its cases or, of very many, their parts, and every row that none was made of."""
    lines = [*table_lines([grade]), ""]
    cases = sorted(grade.cases, key=lambda case: abs(case.error_fraction))
    if len(cases) > MOST_CASES:
        lines += [
            f"  {part:40} {count:5} cases, median {median:.1%}, 90 % {p90:.1%}"
            for part, count, median, p90 in by_part(grade)
        ]
        cases = []
    dimension = grade.unit
    for case in cases:
        told = f"{show(case.published, dimension, 4)} published, {show(case.predicted, dimension, 4)} predicted"
        fitted = ", fitted to" if case.fitted else ""
        lines.append(f"  {case.error_fraction:+7.1%}  {case.name[:40]:40}  {case.part:17} {told}{fitted}")
    if grade.skipped:
        lines += ["", *left_lines(grade.skipped)]
    constants = ", ".join(grade.constants) if grade.constants else "none"
    lines += ["", f"  fitted constants: {constants}"]
    return "\n".join(lines)


@dataclass(frozen=True)
class Said:
    """What `terp validate MODEL` says: a row of the table for each of its grades, its JSON, and its text.

    below    what stands below the table of all models, where there are no errors to take a median of
    fell     whether it is worse there than what is held
    """

    grades: tuple[Grade, ...]
    data: Any
    text: str
    below: str = ""
    fell: bool = False

    @property
    def worsened(self) -> bool:
        """True if a median is worse than the one held by more than its step, or a figure no longer lies within."""
        return self.fell or any(entry.worsened for entry in self.grades)


FLEET_HEAD: Final = ("", "figure", "printed", "published", "of it 95 %", "simulated", "95 %", "source")


def fleets_line(found: FleetGrade) -> str:
    """Fleets in a line: how many figures lie within, and which of those asked for do not."""
    inside = sum(case.inside for case in found.cases)
    asked = len(found.limits.asked) if found.limits else 0
    missed = f"; missed of {asked} asked for: {', '.join(found.missed) or 'none'}" if asked else ""
    return (
        f"fleets: {inside} of {len(found.cases)} published figures within the simulation's interval and it in theirs{missed}"
    )


def fleet_rows(found: FleetGrade) -> list[tuple[str, ...]]:
    """A row a figure under FLEET_HEAD."""
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
        for case in found.cases
    ]


def _span(limits: tuple[float, float] | None, case: FleetCase | None = None) -> str:
    if limits is None:
        return "not known"
    return f"above {limits[0]:.4g}" if case is not None and case.bound else f"{limits[0]:.4g} .. {limits[1]:.4g}"


def _fleets(cases: Path | None, _: str | None) -> Said:
    found = grade_fleets(cases)
    rows = [tuple(cell[:44] for cell in row) for row in fleet_rows(found)]
    text = [fleets_line(found), "", *aligned([FLEET_HEAD, *rows]), "", *left_lines(found.skipped)]
    return Said((), found.as_data(), "\n".join(text), fleets_line(found), found.worsened)


COST_HEAD: Final = ("", "error", "purchase", "published", "in euros", "ours", "of it 90 %", "baseline", "covers")


def cost_rows(found: CostGrade) -> list[tuple[str, ...]]:
    """A row a purchase under COST_HEAD: the graded ones, then those that something was fitted to."""
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
        for case in (*found.cases, *found.fitted)
    ]


def costs_line(found: CostGrade) -> str:
    """Purchases in a line: the median error, and how many sums lie within the interval."""
    inside, count = sum(case.inside for case in found.cases), len(found.cases)
    missed = f"; missed: {', '.join(found.missed) or 'nothing'}" if found.limits else ""
    median, baseline = found.grade.median_fraction, found.grade.baseline_fraction
    told = f"prices of {count} purchases off by {_share(median)} in the median, EUR 45,000 a GPU by {_share(baseline)}"
    return f"costs: {told}; {inside} of {count} sums within the 90 % interval{missed}"


def _costs(cases: Path | None, _: str | None) -> Said:
    found = grade_costs(cases)
    rows = cost_rows(found)
    unpriced = [
        f"  {case.title}: no price of {', '.join(f'{count} {part}' for part, count in case.unpriced)}"
        for case in (*found.cases, *found.fitted)
        if case.unpriced
    ]
    text = [costs_line(found), "", *aligned([COST_HEAD, *rows]), "", *unpriced, *left_lines(found.grade.skipped)]
    return Said((found.grade,), found.as_data(), "\n".join(text), fell=found.worsened)


SLURM_HEAD: Final = ("replay", "jobs", "observed", "simulated", "error", "chaos", "KS", "start, median", "90 %", "missed")


def slurm_rows(grades: Sequence[SlurmGrade]) -> list[tuple[str, ...]]:
    """The replays of a real Slurm, a row each, without their head."""
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
    """The replays in one line."""
    off = float(np.median([abs(entry.error_fraction) for entry in grades]))
    met = sum(not entry.missed for entry in grades)
    return (
        f"slurm: mean waits of {len(grades)} replays of a real slurmctld off by {off:.1%} in the median, {met} meet all bars"
    )


def slurm_said(grades: Sequence[SlurmGrade], data: Any) -> Said:
    """What `terp validate slurm` says of the replays that ship, or of one."""
    text = "\n".join(aligned([SLURM_HEAD, *slurm_rows(grades)]))
    return Said((), data, text, slurm_line(grades), worsened_slurm(grades))


def _slurm(cases: Path | None, _: str | None) -> Said:
    if cases is not None:
        would_do = "name --trace, --observed and --slurm-conf"
        raise Problems([Problem("", 0, 0, "--cases", "a replay is more than one file", str(cases), would_do)])
    grades = grade_replays()
    return slurm_said(grades, [entry.as_data() for entry in grades])


def _of_list(model: str, cases: Path | None, _: str | None) -> Said:
    found = grade(model, cases)
    data = found.as_data()
    if model == "hpl":
        data["power_median_abs_error"] = _power(cases)
    return Said((found,), data, as_text(found))


def _power(cases: Path | None) -> float | None:
    """Median error of the power beside that of Rmax; None for a table without powers."""
    try:
        return grade("hpl-power", cases).median_fraction
    except Problems:  # the column is not there; what else is wrong with the table, the grade of Rmax has said
        return None


def _kernels(cases: Path | None, gpu: str | None) -> Said:
    kinds, left = grade_kernels(cases, gpu)
    grades = tuple(entry for entry in kinds.values() if entry.cases)
    parts = [as_text(entry) for entry in grades] + ["\n".join(left_lines(left))]
    text = "\n\n".join(part for part in parts if part) or "nothing to grade"
    return Said(grades, kernels_data(kinds, left), text)


def _collectives(cases: Path | None, _: str | None) -> Said:
    found = grade_collectives(cases)
    return Said((found,), found.as_data(), as_text(found))


def _training(cases: Path | None, _: str | None) -> Said:
    found = grade_training(cases)
    data = found.as_data()
    text = [as_text(entry) for entry in found.grades]
    shares = (("mean", "mape"), ("baseline", "baseline_mape"), ("mean of memory", "memory_mape"))
    more = [f"{name} {data[key]:.1%}" for name, key in shares if data[key] is not None]
    tau = data["rank_tau"]
    more += [] if tau is None else [f"order within a model's rows on as many GPUs: Kendall's tau {tau:.2f}"]
    more.append(f"{data['open_settings']} rows leave settings open")
    if cases is None:
        more.append(f"37 steps that published predictors were graded on: {predictors_mape():.1%} (best of those 13.0 %)")
    return Said(found.grades, data, "\n\n".join([*text, "  " + "; ".join(more)]))


def _power_of_nodes(cases: Path | None, _: str | None) -> Said:
    found = grade_power(cases)
    data = found.as_data()
    text = [as_text(entry) for entry in found.grades]
    share = found.baseline_of_group_fraction
    more = [f"mean power of the group's fit runs, the harder baseline: {_share(share)}", "median error by quantile:"]
    more += [f"  {name:15} {_share(entry['median_abs_error'])}" for name, entry in data["swings"].items()]
    return Said(found.grades, data, "\n\n".join([*text, "\n".join(f"  {line}" for line in more)]))


GRADERS: Final[dict[str, Callable[[Path | None, str | None], Said]]] = {
    **{model: partial(_of_list, model) for model in models()},
    "kernels": _kernels,
    "collectives": _collectives,
    "training": _training,
    "power": _power_of_nodes,
    "costs": _costs,
    "fleets": _fleets,
    "slurm": _slurm,
}
"""What can be validated -> what grades it, on rows that ship or on a file, and on which GPU the file was measured."""
