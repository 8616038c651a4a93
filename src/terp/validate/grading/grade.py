"""What a model's errors add up to, beside a baseline's on the same rows.

An error is predicted over published less one, so that +0.1 is ten per cent too much.  Medians and percentiles are of
errors without sign; the bias is the median with it.  A baseline is a rule of one line, such as flops over half of the
peak: a model that is no better on the same rows says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from terp.results.record import Json
from terp.statistics import quantile
from terp.validate.grading.cases import ErrorLimits

LEAST_INSIDE_FRACTION: Final = 0.80
MOST_INSIDE_FRACTION: Final = 0.95
"""Shares of left-out rows between which a 90 % interval holds: below it says too little of its doubt, above too much."""


@dataclass(frozen=True)
class GradedCase:
    """One published number and what the model says of it, both in the SI unit of their `Grade`.

    name        as the table has it, for people
    part        what the case is grouped by in a long list, such as the GPU
    published   above 0
    predicted   the model's number
    baseline    the number of the one-line rule; None where that has no answer
    known       input -> how it is known: stated, inferred, assumed or open
    fitted      whether constants were fitted to the row; only on tables of the caller's own are such cases kept
    low, high   ends of the model's 90 % interval; both None where the model states none
    class_name  how much is known of the case, by which its interval is chosen, in words such as "chip not seen"
    group       what is left out as a whole: who published it, or the family of machines
    scale       of the case among the others, in words such as "below 100 GPUs"; empty where none is told apart
    """

    name: str
    part: str
    published: float
    predicted: float
    baseline: float | None
    known: Mapping[str, str]
    fitted: bool = False
    low: float | None = None
    high: float | None = None
    class_name: str = ""
    group: str = ""
    scale: str = ""

    def __post_init__(self) -> None:
        """Refuses an interval with one end, or whose ends stand the wrong way round."""
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.name}: an interval has two ends, and this one has {self.low} and {self.high}")
        if self.low is not None and self.high is not None and not 0 <= self.low <= self.high:
            raise ValueError(f"{self.name}: an interval runs from 0 or more upwards, not {self.low} to {self.high}")

    @property
    def error_fraction(self) -> float:
        """Predicted over published, less one."""
        return self.predicted / self.published - 1

    @property
    def inside(self) -> bool | None:
        """True if the published number lies within the model's 90 % interval; None where the model states none."""
        return None if self.low is None or self.high is None else self.low <= self.published <= self.high

    @property
    def width_ratio(self) -> float | None:
        """High over low end of the interval [-]; None where the model states none."""
        return None if not self.low or self.high is None else self.high / self.low


@dataclass(frozen=True)
class Skipped:
    """A row that no case was made of, and why: it counts in no error, and is listed so that nothing vanishes unseen.

    kind   the reason in few words, without the row's numbers, by which rows are counted; the reason itself if empty
    """

    name: str
    reason: str
    kind: str = ""


def skipped_data(rows: Iterable[Skipped]) -> list[Json]:
    """Rows that were left out, as JSON has them: a list of objects with `name` and `reason`."""
    return [{"name": row.name, "reason": row.reason} for row in rows]


def refused_data(rows: Iterable[Skipped]) -> dict[str, Json]:
    """Rows that were left out, by reason: the reason in few words -> how many rows, the most first."""
    return dict(Counter(row.kind or row.reason for row in rows).most_common())


@dataclass(frozen=True)
class Errors:
    """What the errors of some cases add up to; every figure is a fraction of the published value, None without a case.

    >>> case = GradedCase("a run", "H100", published=2.0, predicted=2.5, baseline=None, known={})
    >>> Errors((case,)).bias_fraction
    0.25
    """

    cases: tuple[GradedCase, ...]

    @property
    def median_fraction(self) -> float | None:
        """Median of the errors without sign; None without a case."""
        return quantile((abs(case.error_fraction) for case in self.cases), 0.5)

    @property
    def p90_fraction(self) -> float | None:
        """90th percentile of the errors without sign; None without a case."""
        return quantile((abs(case.error_fraction) for case in self.cases), 0.9)

    @property
    def bias_fraction(self) -> float | None:
        """Median of the errors with their sign; above 0 where the model says too much.  None without a case."""
        return quantile((case.error_fraction for case in self.cases), 0.5)

    @property
    def baseline_fraction(self) -> float | None:
        """Median error without sign of the baseline, on the cases that it has an answer for; None where it has none.

        It is taken on the model's own rows, or on those of them that it can answer: its errors are never those of easier
        ones.
        """
        return quantile(self._baseline_errors(), 0.5)

    @property
    def baseline_p90_fraction(self) -> float | None:
        """90th percentile of the baseline's errors without sign, on the same cases; None where it has no answer."""
        return quantile(self._baseline_errors(), 0.9)

    @property
    def inside_fraction(self) -> float | None:
        """Share of the cases with an interval that lie in it, which a 90 % interval that holds has near 0.9; None without.

        Cases of a class without an interval count neither way.
        """
        inside = [case.inside for case in self.cases if case.inside is not None]
        return sum(inside) / len(inside) if inside else None

    @property
    def median_width_ratio(self) -> float | None:
        """Median of high over low ends of the intervals [-]: what the share inside is bought with; None without one."""
        return quantile((case.width_ratio for case in self.cases if case.width_ratio is not None), 0.5)

    @property
    def by_group(self) -> dict[str, Errors]:
        """Group -> what its own cases add up to, in the order of the names; empty where cases name no group."""
        return self._split_by(lambda case: case.group)

    @property
    def by_class(self) -> dict[str, Errors]:
        """Class of how much is known -> what its cases add up to, in the order of the names; empty without classes."""
        return self._split_by(lambda case: case.class_name)

    @property
    def by_scale(self) -> dict[str, Errors]:
        """Scale -> what its cases add up to, in the order of the names; empty where none is told apart."""
        return self._split_by(lambda case: case.scale)

    def figures(self) -> dict[str, Json]:
        """What the errors add up to, as JSON has it in all and by group, under the keys of docs/formats/validate.md."""
        return {
            "median_abs_error": self.median_fraction,
            "p90_abs_error": self.p90_fraction,
            "bias": self.bias_fraction,
            "baseline_median_abs_error": self.baseline_fraction,
            "baseline_p90_abs_error": self.baseline_p90_fraction,
            "inside_fraction": self.inside_fraction,
            "median_width_ratio": self.median_width_ratio,
        }

    def _baseline_errors(self) -> list[float]:
        answered = ((case.baseline, case.published) for case in self.cases if case.baseline is not None)
        return [abs(baseline / published - 1) for baseline, published in answered]

    def _split_by(self, key: Callable[[GradedCase], str]) -> dict[str, Errors]:
        parts: dict[str, list[GradedCase]] = {}
        for case in self.cases:
            if key(case):
                parts.setdefault(key(case), []).append(case)
        return {name: Errors(tuple(parts[name])) for name in sorted(parts)}

    @property
    def worst(self) -> GradedCase | None:
        """The case with the largest error without sign; None without a case."""
        return max(self.cases, key=lambda case: abs(case.error_fraction), default=None)


@dataclass(frozen=True)
class Grade(Errors):
    """The grade of one model on one set of rows.

    model          as `terp validate` names it, such as "hpl" or "train-power"
    quantity       what is predicted, in words
    unit           SI unit of the cases' numbers, as keys spell it: "flop_per_s", "w", "s", "eur", ...
    rows_count     rows of the table that publish the quantity
    fitted_count   rows that constants were fitted to; not among the cases unless the caller's own table has them
    skipped        rows that no case was made of, each with the reason
    constants      names of the constants that were fitted
    limits         what was asked for before the first run, and what may not worsen

    `median_fraction`, `p90_fraction` and `bias_fraction` are those of the cases; `missed` and `worsened` hold them against
    the limits.  A grade whose table has no row for it is worsened: a model must not pass because its rows were lost.
    """

    model: str
    quantity: str
    unit: str
    rows_count: int
    fitted_count: int
    skipped: tuple[Skipped, ...]
    constants: tuple[str, ...]
    limits: ErrorLimits

    @property
    def worsened(self) -> bool:
        """True if the median is worse than the held one by more than the step, or if nothing was graded at all."""
        median = self.median_fraction
        return median is None or median > self.limits.held_fraction + self.limits.step_fraction

    @property
    def missed(self) -> tuple[str, ...]:
        """Which of the bars is missed, and the baseline if the model is no better; empty if all are met.

        The words are those that the terminal prints: "median", "90 %", "baseline", "inside" where less than 80 % of the
        cases lie in their 90 % intervals; ("nothing graded",) without a case.
        """
        median, p90, baseline = self.median_fraction, self.p90_fraction, self.baseline_fraction
        if median is None or p90 is None:
            return ("nothing graded",)
        missed = ["median"] if median > self.limits.bar_fraction else []
        if self.limits.bar_p90_fraction is not None and p90 > self.limits.bar_p90_fraction:
            missed.append("90 %")
        if baseline is not None and median >= baseline:
            missed.append("baseline")
        inside = self.inside_fraction
        return (*missed, "inside") if inside is not None and inside < LEAST_INSIDE_FRACTION else tuple(missed)

    def as_data(self) -> dict[str, Json]:
        """The grade as JSON, see docs/formats/validate.md: counts, errors as fractions, limits, each case in its unit."""
        return {
            "model": self.model,
            "quantity": self.quantity,
            "n": self.rows_count,
            "graded": len(self.cases),
            "fitted": self.fitted_count,
            "skipped": skipped_data(self.skipped),
            **self.figures(),
            "worst": None if self.worst is None else {"name": self.worst.name, "error": self.worst.error_fraction},
            "constants": list(self.constants),
            "held_median_abs_error": self.limits.held_fraction,
            "bar_median_abs_error": self.limits.bar_fraction,
            "bar_p90_abs_error": self.limits.bar_p90_fraction,
            "missed": list(self.missed),
            "by_class": _parts(self.by_class),
            "by_scale": _parts(self.by_scale),
            "by_group": _parts(self.by_group),
            "cases": [self._case(case) for case in self.cases],
        }

    def _case(self, case: GradedCase) -> dict[str, Json]:
        """A case as JSON; the keys of its five numbers end with the grade's unit."""
        return {
            "name": case.name,
            "part": case.part,
            f"published_{self.unit}": case.published,
            f"predicted_{self.unit}": case.predicted,
            f"baseline_{self.unit}": case.baseline,
            f"low_{self.unit}": case.low,
            f"high_{self.unit}": case.high,
            "class": case.class_name,
            "group": case.group,
            "inside": case.inside,
            "error": case.error_fraction,
            "fitted": case.fitted,
            "inputs": dict(case.known),
        }


def _parts(parts: Mapping[str, Errors]) -> dict[str, Json]:
    """Groups or classes as JSON: the number of cases of each, and what their errors add up to."""
    return {name: {"graded": len(errors.cases), **errors.figures()} for name, errors in parts.items()}
