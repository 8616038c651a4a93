"""How far a prediction may be off: ends of 90 % intervals over predicted values, by class of how much is known of a case.

They come from residuals of whole groups of rows that no constant had seen, such as a vendor's machines of a year, never of
rows beside fitted ones; scripts/fit_hpl.py and scripts/fit_intervals.py make them.  `terp validate` prints how many
published rows lie inside, where each group is left out of the interval too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.errors import UnknownName


@dataclass(frozen=True)
class Interval:
    """Ends of a 90 % interval over the predicted value [-].

    low_ratio, high_ratio   9 of 10 published values lie between, over predicted ones
    reach_ratio             of a rate that is tuned: what one site in ten reaches; None where nothing is tuned
    """

    low_ratio: float
    high_ratio: float
    reach_ratio: float | None = None


@dataclass(frozen=True)
class Intervals:
    """All intervals: model as `terp validate` names it -> class of how much is known -> interval."""

    PLACE: ClassVar[str] = "intervals"
    models: Mapping[str, Mapping[str, Interval]]


def interval_of(model: str, class_name: str) -> Interval:
    """The interval of a model's predictions in a class.

    model        as `terp validate` names it, such as "hpl";  class_name   in words, such as "NVIDIA nodes"

    Raises UnknownName for a model or a class without one.
    """
    models = constants(Intervals).models
    if model not in models:
        raise UnknownName("model with intervals", model, models)
    if class_name not in models[model]:
        raise UnknownName(f"class of {model}", class_name, models[model])
    return models[model][class_name]
