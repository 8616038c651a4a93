"""Where a machine will stand in the TOP500 in years to come: the last list held, grown as the lists before it did.

Nothing is assumed of technology: each band of ranks goes on growing at its own median rate, and the interval is what this
way of projecting erred by in the past.  Where a machine would stand in a list that is held, `terp.catalogue.edition` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats, Ints
from terp.catalogue import edition, editions
from terp.errors import Problem, Problems, UnknownName

PLACES: Final = 500
BELOW: Final = PLACES + 1
"""Places of a list, and the rank of what is too slow for it."""
BANDS: Final = ((1, 10), (11, 50), (51, 100), (101, 200), (201, 350), (351, 500))
"""First and last rank of each band that grows at a rate of its own."""
CONFIDENCE: Final = 0.9
_APART_YEARS: Final = 0.9  # editions nearer to each other say little of a yearly rate
_SAME_YEARS: Final = 0.003  # a day: years are written with three digits
_SAME_LOG: Final = 1e-12
_LEAST_FIT: Final = 3
_LEAST_TRIED: Final = 4  # editions of which one projection of the past can be tried


@dataclass(frozen=True)
class Rank:
    """A place, and its 90 % interval; None where it would be below the list.

    The low end is the better place.
    """

    rank: int | None
    low: int | None
    high: int | None


def year_of_month(month: str) -> float:
    """A month as a year with its fraction, by the middle of the month: "2025-06" is 2025.458.

    The one convention of Terp: editions of lists, deliveries and first jobs all lie in the middle of their month.
    """
    return int(month[:4]) + (int(month[5:7]) - 0.5) / 12


@cache
def _whole() -> tuple[tuple[str, ...], Floats, Floats]:
    """The whole editions held: names, years, and the logarithm of Rmax by edition and rank."""
    names = tuple(name for name in editions() if edition(name).whole)
    rmax = np.array([np.sort(edition(name).rmax)[::-1][:PLACES] for name in names])
    return names, np.array([year_of_month(name) for name in names]), np.log(rmax)


def _by_rank(values: Floats) -> Floats:
    """Values of the bands at every rank, linear in the logarithm of rank between the bands' middles."""
    middles = [np.log(first * last) / 2 for first, last in BANDS]
    by_rank: Floats = np.interp(np.log(np.arange(1, PLACES + 1)), middles, values)
    return by_rank


@cache
def _growth(count: int) -> Floats:
    """Yearly growth of log Rmax at every rank, of the first `count` whole editions.

    Of each band the median, over pairs of editions, of the median over ranks: two odd lists or machines do not move it.
    """
    _, years, logs = _whole()
    pairs = [(i, j) for j in range(count) for i in range(j) if years[j] - years[i] > _APART_YEARS]
    rates = [
        np.median([np.median((logs[j] - logs[i])[first - 1 : last]) / (years[j] - years[i]) for i, j in pairs])
        for first, last in BANDS
    ]
    return _by_rank(np.array(rates))


@cache
def _past_errors(count: int) -> tuple[Floats, float]:
    """By rank, error of log Rmax over the root of the years ahead, and the longest way that could be tried [years].

    Every edition is projected to every later one of the first `count`.  Ranks of a band err together, so what nine in ten of
    them stay within is taken of each projection, and of the few projections the worst.
    """
    _, years, logs = _whole()
    worst, longest = np.zeros(len(BANDS)), 0.0
    for base in range(_LEAST_FIT - 1, count):
        for later in range(base + 1, count):
            ahead = float(years[later] - years[base])
            error = np.abs(logs[later] - logs[base] - _growth(base + 1) * ahead) / np.sqrt(ahead)
            worst = np.maximum(worst, [np.quantile(error[first - 1 : last], CONFIDENCE) for first, last in BANDS])
            longest = max(longest, ahead)
    return _by_rank(worst), longest


def _listed_logs(year: float, known: str | None) -> tuple[Floats, Floats, Floats]:
    """Logarithm of `listed_flop_per_s`."""
    names, years, logs = _whole()
    if known is not None and known not in names:
        raise UnknownName("whole edition of the TOP500", known, names)
    last = names.index(known) if known is not None else len(names) - 1
    if year < years[0] - _SAME_YEARS:
        raise Problems(
            [Problem("", 0, 0, "", "a year before the first list that is held", f"{year:g}", f"{years[0]:.1f} on")]
        )
    base = int(np.flatnonzero(years[: last + 1] <= year + _SAME_YEARS).max())
    ahead = max(year - float(years[base]), 0.0)
    ahead = 0.0 if ahead < _SAME_YEARS else ahead
    errors, longest = _past_errors(max(base + 1, _LEAST_TRIED))
    spread = errors * np.sqrt(ahead) * np.sqrt(max(ahead / longest, 1.0))
    central = logs[base] + _growth(max(base + 1, _LEAST_FIT)) * ahead
    slow, middle, fast = (np.sort(one)[::-1] for one in (central - spread, central, central + spread))
    return middle, slow, fast


def listed_flop_per_s(year: float, known: str | None = None) -> tuple[Floats, Floats, Floats]:
    """Rmax that each rank will have, and the ends of its 90 % interval [flop/s]; arrays of 500, falling with rank.

    ln R(r, t) = ln R(r, t0) + g(r) (t - t0)

    t0  the last whole edition at or before the year;  g  growth of the rank's band in the editions up to it
    The interval is what the worst of the projections from earlier editions erred by: in the log as the root of the years
    ahead, and beyond the longest that could be tried as the years.
    known   the last edition to be used, all if None; so the past can be projected too
    Raises UnknownName for an edition, Problems for a year before the first.

    year   with its fraction, as `year_of_month` gives it

    Gives the central value, the slow end and the fast end, in this order.
    """
    middle, slow, fast = (np.exp(one) for one in _listed_logs(year, known))
    return middle, slow, fast


def ranks_in(year: float, rmax_flop_per_s: ArrayLike, known: str | None = None) -> tuple[Ints, Ints, Ints]:
    """Places of machines by Rmax [flop/s] in a year, with the ends of their 90 % interval; 501 is below the list.

    A machine as fast as a listed one stands before it.  Raises as `listed_flop_per_s`.

    rmax_flop_per_s   one or an array; results have its shape, in the order central, low, high
    """
    own = np.log(np.asarray(rmax_flop_per_s, np.float64)) + _SAME_LOG
    middle, low, high = (1 + np.searchsorted(-one, -own, side="left").astype(np.int64) for one in _listed_logs(year, known))
    return middle, low, high


def rank_in(year: float, rmax_flop_per_s: float, known: str | None = None) -> Rank:
    """The place of one machine by Rmax [flop/s] in a year.  Raises as `listed_flop_per_s`."""
    return Rank(*(None if int(one) >= BELOW else int(one) for one in ranks_in(year, rmax_flop_per_s, known)))
