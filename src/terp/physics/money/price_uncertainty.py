"""What is not known of prices, as draws: each price by its own range, and the level of the whole deal.

A price's range is its 90 % interval: low and high are the 5th and 95th percentile, the central value the median, log-normal
on each side.  Prices are drawn independently by name; one factor more, `market`, multiplies all hardware together.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Final

import numpy as np

from terp.arrays import Floats
from terp.catalogue.read.constants import constants
from terp.statistics import NORMAL_P95

Ranges = Mapping[str, tuple[float, float, float]]

MARKET: Final = "market"
"""Name of the factor that all hardware shares."""


@dataclass(frozen=True)
class DealConstants:
    """Level of a negotiated deal over its parts at quoted prices, fitted to purchases.

    level_fraction   of a deal of level_at_eur;  exponent_ratio  how it falls with size
    spread_ratio     standard deviation of the level's logarithm
    """

    PLACE: ClassVar[str] = "costs"
    level_fraction: float
    exponent_ratio: float
    spread_ratio: float
    level_at_eur: float


def level_spread() -> float:
    """Standard deviation of the logarithm of a deal's level about the level of its size [-].

    A deal is negotiated as a whole, so its level moves the prices of all of its parts together.
    """
    return constants(DealConstants).spread_ratio


def split_lognormal(low: float, central: float, high: float, z: Floats) -> Floats:
    """Values at standard normal quantiles `z`, in the unit of the range; array of the shape of `z`.

    x = c (h/c)^(z/z95) above the median, c (c/l)^(z/z95) below it

    z95   NORMAL_P95

    Raises ValueError unless 0 < low <= central <= high.
    """
    if not 0 < low <= central <= high:
        raise ValueError(f"not a range of positive values: {low}, {central}, {high}")
    ratio = np.where(z >= 0, high / central, central / low)
    return np.asarray(central * ratio ** (z / NORMAL_P95))


def draw_factors(ranges: Ranges, scenarios_count: int, seed: int) -> dict[str, Floats]:
    """Multiplicative factors by name, and `market`; each an array of shape (scenarios,) with median 1 [-].

    ranges   name -> low, central and high in any unit, or over the central value
    seed     with the name, the seed of the name's own draws: another price more changes no other's draws

    `market` is log-normal with the spread of deals about their level by size, `level_spread`.

    scenarios_count   draws of each name, one from each of as many equal parts of its law
    """
    factors = {}
    for name, (low, central, high) in ranges.items():
        z = _normal(name, scenarios_count, seed)
        factors[name] = split_lognormal(low / central, 1.0, high / central, z) if central > 0 else np.ones(scenarios_count)
    factors[MARKET] = np.exp(level_spread() * _normal(MARKET, scenarios_count, seed))
    return factors


def _normal(name: str, scenarios_count: int, seed: int) -> Floats:
    """Stratified standard normal draws of a name: one from each of `scenarios` equal parts, in the name's own order."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    share = (random.permutation(scenarios_count) + random.random(scenarios_count)) / scenarios_count
    return np.array([NormalDist().inv_cdf(float(one)) for one in np.clip(share, 1e-15, 1 - 1e-15)])


def level_fraction(quoted_eur: float) -> float:
    """What a public purchase pays, over the sum of its parts at quoted prices [-].  g = g0 (S / 10 MEUR)^-b, at most 1.

    quoted_eur   S, sum of the hardware at quoted prices [EUR]
    g0, b        of costs.yaml, fitted to purchases (docs/theory/costs.md)
    """
    return float(level_fractions(np.array([quoted_eur]))[0])


def level_fractions(quoted_eur: Floats) -> Floats:
    """The same for many purchases at once."""
    c = constants(DealConstants)
    size = np.maximum(quoted_eur, 1.0) / c.level_at_eur
    return np.asarray(np.minimum(1.0, c.level_fraction * size**-c.exponent_ratio))
