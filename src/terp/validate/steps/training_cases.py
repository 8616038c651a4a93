"""Measured training steps with what is predicted for them, and what their errors add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue import constants
from terp.physics import generation_named, predict_step
from terp.physics.gpu.precisions import peak_flop_per_s
from terp.physics.intervals import Interval
from terp.physics.training.memory import MemoryConstants
from terp.physics.training.step_prediction import TrainingStep
from terp.physics.uncertainty import StepClass, StepIntervals, likely_step, step_class, step_intervals
from terp.results.record import Json
from terp.statistics import quantile
from terp.validate.steps.training_rows import TrainingRow

SLOWEST_PLAUSIBLE: Final = 1.25
"""Time over that of the fastest settings that a row leaves open, up to which others are plausible: assumed, 1.1 to 1.5."""
LEAST_GROUP: Final = 5
"""Rows of one model on as many GPUs that an order is graded on."""


@dataclass(frozen=True)
class TrainingCase:
    """A row with what was predicted for it: the middle over the settings that it leaves open.

    step_s         predicted time of a step;  memory_bytes   of the fullest GPU
    baseline_s     by the one-line rule
    open           whether the row leaves settings open
    known          how much is known of the row: its class, by which its intervals are chosen
    likely, held   ends of the 90 % intervals of time and of memory, as ratios to what is predicted
    """

    row: TrainingRow
    step_s: float
    memory_bytes: float
    baseline_s: float
    open: bool
    known: StepClass
    likely: Interval
    held: Interval

    @property
    def low_s(self) -> float:
        """The low end of the step's 90 % interval [s]."""
        return self.step_s * self.likely.low_ratio

    @property
    def high_s(self) -> float:
        """The high end of the step's 90 % interval [s]."""
        return self.step_s * self.likely.high_ratio

    @property
    def inside(self) -> bool | None:
        """True if the published step lies in its interval; None where none is published."""
        return self.low_s <= self.row.step_s <= self.high_s if self.row.step_s else None

    @property
    def error_fraction(self) -> float | None:
        """Predicted over published step time, less one; None where none is published.

        Above 0 where the step is predicted slower than it was.
        """
        return self.step_s / self.row.step_s - 1 if self.row.step_s else None

    @property
    def memory_error_fraction(self) -> float | None:
        """Predicted over published memory, less one; None where none is published."""
        return self.memory_bytes / self.row.memory_bytes - 1 if self.row.memory_bytes else None


def predict_row(row: TrainingRow) -> TrainingCase:
    """The case of a row.  Settings that it leaves open take the middle of what is plausible: of what fits the memory, and is
    not much slower than the fastest, as whoever publishes has tried others.

    Gives predicted time [s] and memory [bytes] halfway between the least and the most of the plausible settings; if none
    fits the memory, all count, as the published run did fit.  Where a row has what the allocator counted, so has the case.
    """
    steps = [_step(row, index) for index in range(len(row.strategies))]
    fitting = [step for step in steps if step.fits] or steps
    most = SLOWEST_PLAUSIBLE * min(step.step_s for step in fitting)
    plausible = [step for step in fitting if step.step_s <= most]
    known = class_of(row)
    beside = constants(MemoryConstants).context_bytes if row.allocated else 0.0
    times, memories = [step.step_s for step in plausible], [float(step.memory.total_bytes) - beside for step in plausible]
    return TrainingCase(
        row=row,
        step_s=(min(times) + max(times)) / 2,
        memory_bytes=(min(memories) + max(memories)) / 2,
        baseline_s=_baseline_s(row),
        open=len(steps) > 1,
        known=known,
        likely=likely_step(row.chip, known),
        held=step_intervals().of_memory(known),
    )


def class_of(row: TrainingRow, intervals: StepIntervals | None = None) -> StepClass:
    """How much is known of a row, by its first strategy.

    intervals   whose rows to fit count; the catalogue's if None
    """
    of, chip = intervals or step_intervals(), row.chip.architecture
    return step_class(of, row.part, chip, row.software, row.strategies[0], row.work, nearest=row.nearest)


def _step(row: TrainingRow, index: int) -> TrainingStep:
    """The row's step with the strategy of an index into `strategies`.

    It is predicted by `predict_step` from the row's GPU, network, work, batch and generation of software.
    """
    generation = generation_named(row.software)
    return predict_step(row.chip, row.net, row.work, row.strategies[index], row.batch_count, generation)


def _baseline_s(row: TrainingRow) -> float:
    """Model flops, and what was recomputed where that is stated, over half of the peak [s].

    Adapters alone cost two thirds of the flops: the weights' own gradients are not made.

        t = B F (1 + r / 3) a / (0.5 P N)

    B is the batch, F the flops of a sample, r the share of the layers that are recomputed, a two thirds for adapters and
    else 1, P the peak of a GPU in the precision of the row's first strategy, and N the number of GPUs.
    """
    strategy = row.strategies[0]
    peak = peak_flop_per_s(row.chip, strategy.precision)
    again = 1 + strategy.recompute.layers_fraction / 3 if strategy.recompute else 1.0
    trained = 2 / 3 if strategy.adapters else 1.0
    return row.batch_count * row.work.flop * again * trained / (0.5 * peak * row.gpus_count)


@dataclass(frozen=True)
class TrainingErrors:
    """What the errors of step times add up to [fractions of the published value]; None where there are none.

    median, mape, p90   without sign: the median, the mean and the 90th percentile;  bias   the median with it
    inside_fraction     share of the steps in their 90 % intervals;  median_width_ratio  high over low ends of these
    baseline_mape, memory_mape   means without sign of the baseline's step times, and of memory
    """

    median_fraction: float | None
    mape: float | None
    p90_fraction: float | None
    bias_fraction: float | None
    baseline_mape: float | None
    memory_mape: float | None
    inside_fraction: float | None
    median_width_ratio: float | None

    def as_data(self) -> dict[str, Json]:
        """As JSON has them."""
        return {
            "median_abs_error": self.median_fraction,
            "mape": self.mape,
            "p90_abs_error": self.p90_fraction,
            "bias": self.bias_fraction,
            "baseline_mape": self.baseline_mape,
            "memory_mape": self.memory_mape,
            "inside_fraction": self.inside_fraction,
            "median_width_ratio": self.median_width_ratio,
        }


def figures_of(cases: Sequence[TrainingCase]) -> TrainingErrors:
    """What the errors of some cases add up to.

    Cases without a step time count in the errors of memory alone.

    cases   of one table, one source or one model; an empty sequence gives None for every figure
    """
    errors = np.array([case.error_fraction for case in cases if case.error_fraction is not None])
    baseline = np.array([case.baseline_s / case.row.step_s - 1 for case in cases if case.row.step_s])
    inside = [case.inside for case in cases if case.inside is not None]
    memory = np.array([case.memory_error_fraction for case in cases if case.memory_error_fraction is not None])
    return TrainingErrors(
        median_fraction=_median(np.abs(errors)),
        mape=_mean_abs(errors),
        p90_fraction=quantile(np.abs(errors), 0.9),
        bias_fraction=_median(errors),
        baseline_mape=_mean_abs(baseline),
        memory_mape=_mean_abs(memory),
        inside_fraction=float(np.mean(inside)) if inside else None,
        median_width_ratio=quantile((case.high_s / case.low_s for case in cases if case.row.step_s), 0.5),
    )


def _median(errors: Floats) -> float | None:
    """Median of some errors; None without any."""
    return float(np.median(errors)) if len(errors) else None


def _mean_abs(errors: Floats) -> float | None:
    """Mean of some errors without sign; None without any."""
    return float(np.mean(np.abs(errors))) if len(errors) else None


def rank_tau(cases: Sequence[TrainingCase]) -> float | None:
    """Kendall's tau-b between the predicted and the measured order of a model's rows on as many GPUs, mean over groups.

    1 where every order is met, -1 where each is turned round; None without a group of LEAST_GROUP rows that differ.
    """
    groups: dict[tuple[str, int, int], list[TrainingCase]] = defaultdict(list)
    for case in cases:
        groups[case.row.model, case.row.work.parameters_count, case.row.gpus_count].append(case)
    taus = [_tau(group) for group in groups.values() if len(group) >= LEAST_GROUP]
    known = [tau for tau in taus if tau is not None]
    return float(np.mean(known)) if known else None


def _tau(cases: Sequence[TrainingCase]) -> float | None:
    """Kendall's tau-b of one group's predicted and measured step times; None where all times of either are the same."""
    predicted = np.array([case.step_s for case in cases])
    measured = np.array([case.row.step_s for case in cases], np.float64)
    first, second = np.triu_indices(len(cases), 1)
    a, b = np.sign(predicted[first] - predicted[second]), np.sign(measured[first] - measured[second])
    both = np.sqrt(np.sum(a != 0) * np.sum(b != 0))
    return float(np.sum(a * b) / both) if both else None
