"""What every floor needs of statistics, once: quantiles of laws and of samples, intervals of counts and of shares."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan, cos, pi, sin, sqrt
from typing import Final

import numpy as np

NORMAL_P95: Final = 1.6448536269514722
"""What a standard normal variable stays below with probability 0.95: the ends of an interval of 90 %."""
NORMAL_P975: Final = 1.959964
"""The same for 0.975, the ends of an interval of 95 %, to the six places that tables print."""


def quantile(values: Iterable[float], probability: float) -> float | None:
    """The quantile of a sample, between its neighbours in a straight line; None of an empty one.

    values        any numbers in one unit, which is that of the answer
    probability   from 0 to 1
    """
    sample = list(values)
    return float(np.quantile(sample, probability)) if sample else None


def order_interval(values: Iterable[float], share_fraction: float = 0.9) -> tuple[float, float]:
    """Ends that one more value of the same law lies between with the probability `share_fraction`, whatever the law.

    Order statistics at (n + 1) p of n values, between neighbours in a straight line; the outermost two of few values.

    values   at least one, in any unit, which is that of the ends

    >>> order_interval(range(1, 20))
    (1.0, 19.0)
    """
    sample = np.asarray(list(values), float)
    low, high = np.quantile(sample, [(1 - share_fraction) / 2, (1 + share_fraction) / 2], method="weibull")
    return float(low), float(high)


def poisson_interval(count: float) -> tuple[float, float]:
    """The 95 % interval of a Poisson law's mean of which `count` events were seen, as low and high [events].

    Byar's approximation to the exact one (Breslow and Day 1987), within 1 % of it from 5 events on.
    """
    above = count + 1
    high = above * (1 - 1 / (9 * above) + NORMAL_P975 / (3 * np.sqrt(above))) ** 3
    low = count * max(1 - 1 / (9 * count) - NORMAL_P975 / (3 * np.sqrt(count)), 0.0) ** 3 if count > 0 else 0.0
    return float(low), float(high)


def wilson_interval(share_fraction: float, of_count: float) -> tuple[float, float]:
    """The 95 % interval of a probability that was seen as a share of `of_count` cases, as low and high [-].

    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    p   share_fraction, from 0 to 1;  n  of_count, above 0;  z  NORMAL_P975

    Source: Wilson 1927.  Holds for few cases and for shares near 0 or 1, where p -+ z sqrt(p (1 - p) / n) does not.
    """
    middle = (share_fraction + NORMAL_P975**2 / (2 * of_count)) / (1 + NORMAL_P975**2 / of_count)
    spread = sqrt(share_fraction * (1 - share_fraction) / of_count + NORMAL_P975**2 / (4 * of_count * of_count))
    half = NORMAL_P975 / (1 + NORMAL_P975**2 / of_count) * spread
    return middle - half, middle + half


def student_quantile(share: float, degrees: int) -> float:
    """What a variable of Student's t distribution stays below with the probability `share`, at least 1/2, below 1.

    degrees   of freedom, 1 or more

    The central probability is a finite sum for whole degrees of freedom (abramowitz-1964, 26.7.3 and 26.7.4), here
    solved for t by halving.
    """
    low, high = 0.0, 1.0
    while _central(high, degrees) < 2 * share - 1:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, degrees) < 2 * share - 1 else (low, middle)
    return (low + high) / 2


def _central(t: float, degrees: int) -> float:
    """Probability that a variable of Student's distribution lies within -t and t."""
    angle = atan(t / sqrt(degrees))
    term = cos(angle) if degrees % 2 else 1.0
    total = term if degrees > 1 else 0.0
    for step in range(degrees % 2 + 2, degrees - 1, 2):
        term *= (step - 1) / step * cos(angle) ** 2
        total += term
    if degrees % 2:
        return 2 / pi * (angle + sin(angle) * total)
    return sin(angle) * total
