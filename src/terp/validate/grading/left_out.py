"""Intervals from residuals of whole groups left out, and how they are given to cases.

A case's interval comes from the residuals of all groups but its own, in its class of how much is known: what a machine of
a vendor and year not seen before would have been given.  Of a caller's own rows the catalogue's intervals are taken, which
come from all groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from terp.physics import Interval, interval_of
from terp.statistics import order_interval
from terp.validate.grading.grade import GradedCase

FEWEST: Final = 5
"""Residuals of other groups in a class below which those of all classes are taken."""
_REACH: Final = 0.9
"""Quantile of published over predicted rates that counts as what a machine can do."""


def intervals_of(cases: Iterable[GradedCase], *, tuned: bool = False) -> dict[str, Interval]:
    """Class -> its interval, from the residuals of all cases of the class, each predicted without its group.

    tuned   whether sites tune for the number, so that an upper quantile says what can be reached
    """
    ratios: dict[str, list[float]] = {}
    for case in cases:
        ratios.setdefault(case.class_name, []).append(case.published / case.predicted)
    return {name: _interval(values, tuned=tuned) for name, values in sorted(ratios.items())}


def with_left_out_intervals(cases: Sequence[GradedCase]) -> tuple[GradedCase, ...]:
    """The cases with 90 % intervals from the residuals of other groups in their class, or in all where those are few.

    cases   with `group` and `class_name`, predicted by constants that did not see their group

    Cases are as they were where no other group is there at all.
    """
    ratios = np.array([case.published / case.predicted for case in cases])
    groups, classes = (np.array([getattr(case, name) for case in cases]) for name in ("group", "class_name"))
    kept: dict[tuple[str, str], tuple[float, float] | None] = {}
    given = []
    for case in cases:
        key = (case.class_name, case.group)
        if key not in kept:
            others = groups != case.group
            alike = ratios[others & (classes == case.class_name)]
            sample = alike if alike.size >= FEWEST else ratios[others]
            kept[key] = order_interval(sample) if sample.size >= FEWEST else None
        given.append(_with_ends(case, kept[key]))
    return tuple(given)


def with_known_intervals(model: str, cases: Iterable[GradedCase]) -> tuple[GradedCase, ...]:
    """The cases with the catalogue's intervals of their classes.  Raises UnknownName for a class without one."""
    given = []
    for case in cases:
        interval = interval_of(model, case.class_name)
        given.append(_with_ends(case, (interval.low_ratio, interval.high_ratio)))
    return tuple(given)


def _interval(ratios: Sequence[float], *, tuned: bool) -> Interval:
    low, high = order_interval(ratios)
    return Interval(low, high, float(np.quantile(ratios, _REACH)) if tuned else None)


def _with_ends(case: GradedCase, ends: tuple[float, float] | None) -> GradedCase:
    return case if ends is None else replace(case, low=case.predicted * ends[0], high=case.predicted * ends[1])
