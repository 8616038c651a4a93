"""What a model's errors add up to, beside a baseline's on the same rows.

An error is predicted over published less one, so that +0.1 is ten per cent too much.  Medians and percentiles are of
errors without sign; the bias is the median with it.  A baseline is a rule of one line, such as flops over half of the
peak: a model that is no better on the same rows says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from terp.results.record import Json
from terp.statistics import quantile
from terp.validate.grading.cases import ErrorLimits


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
    """

    name: str
    part: str
    published: float
    predicted: float
    baseline: float | None
    known: Mapping[str, str]
    fitted: bool = False

    @property
    def error_fraction(self) -> float:
        """Predicted over published, less one."""
        return self.predicted / self.published - 1


@dataclass(frozen=True)
class Skipped:
    """A row that no case was made of, and why: it counts in no error, and is listed so that nothing vanishes unseen."""

    name: str
    reason: str


def skipped_data(rows: Iterable[Skipped]) -> list[Json]:
    """Rows that were left out, as JSON has them: a list of objects with `name` and `reason`."""
    return [{"name": row.name, "reason": row.reason} for row in rows]


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
        answered = ((case.baseline, case.published) for case in self.cases if case.baseline is not None)
        return quantile((abs(baseline / published - 1) for baseline, published in answered), 0.5)

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

        The words are those that the terminal prints: "median", "90 %", "baseline"; ("nothing graded",) without a case.
        """
        median, p90, baseline = self.median_fraction, self.p90_fraction, self.baseline_fraction
        if median is None or p90 is None:
            return ("nothing graded",)
        missed = ["median"] if median > self.limits.bar_fraction else []
        if self.limits.bar_p90_fraction is not None and p90 > self.limits.bar_p90_fraction:
            missed.append("90 %")
        return (*missed, "baseline") if baseline is not None and median >= baseline else tuple(missed)

    def as_data(self) -> dict[str, Json]:
        """The grade as JSON, see docs/formats/validate.md: counts, errors as fractions, limits, each case in its unit."""
        return {
            "model": self.model,
            "quantity": self.quantity,
            "n": self.rows_count,
            "graded": len(self.cases),
            "fitted": self.fitted_count,
            "skipped": skipped_data(self.skipped),
            "median_abs_error": self.median_fraction,
            "p90_abs_error": self.p90_fraction,
            "bias": self.bias_fraction,
            "worst": None if self.worst is None else {"name": self.worst.name, "error": self.worst.error_fraction},
            "baseline_median_abs_error": self.baseline_fraction,
            "constants": list(self.constants),
            "held_median_abs_error": self.limits.held_fraction,
            "bar_median_abs_error": self.limits.bar_fraction,
            "bar_p90_abs_error": self.limits.bar_p90_fraction,
            "missed": list(self.missed),
            "cases": [self._case(case) for case in self.cases],
        }

    def _case(self, case: GradedCase) -> dict[str, Json]:
        """A case as JSON; the keys of its three numbers end with the grade's unit."""
        return {
            "name": case.name,
            "part": case.part,
            f"published_{self.unit}": case.published,
            f"predicted_{self.unit}": case.predicted,
            f"baseline_{self.unit}": case.baseline,
            "error": case.error_fraction,
            "fitted": case.fitted,
            "inputs": dict(case.known),
        }
