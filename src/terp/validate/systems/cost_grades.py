"""Prices of built machines against published purchases at the same scope, beside EUR 45,000 a GPU.

A price is the purchase's lines at quoted prices, those that are negotiated times the level of a deal of its size; its
interval comes of prices, quantities and the market drawn many times.  The level and its spread are fitted to some of the
purchases by `fit_level`; the others are graded, on the median error and on how many sums lie within the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field

from terp.arrays import Floats
from terp.catalogue import constants, own_catalogue
from terp.errors import Problem, Problems
from terp.physics import draw_factors, level_fraction, ranges_of, scenarios_eur
from terp.physics.money.price_uncertainty import DealConstants
from terp.reader import read_entries, read_text, read_tree
from terp.results.record import Json, as_json
from terp.validate.grading.cases import ErrorLimits, published_file
from terp.validate.grading.grade import Grade, GradedCase, Skipped
from terp.validate.grading.split import fitted_constants, groups_for_fitting
from terp.validate.systems.purchases import Priced, PurchaseFile, price_purchase, read_purchases

SOURCE: Final = "costs"
SCENARIOS: Final = 4000
"""Draws of prices, quantities and the market for a purchase, and the seed of all of them."""
SEED: Final = 1
BASELINE_EUR: Final = 45_000.0
"""The one-line rule: so much a GPU, with all that belongs to it."""


class CostLimits(ErrorLimits):
    """What must hold: the median error as of other models, and the share of sums within the model's 90 % interval.

    bar_inside_fraction    share that was asked for before the first run
    held_inside_fraction   share that was reached, which no change may lessen
    """

    bar_inside_fraction: float = Field(gt=0, le=1)
    held_inside_fraction: float = Field(ge=0, le=1)


@dataclass(frozen=True)
class CostCase:
    """One purchase: what was paid, and its price with the ends of the 90 % interval [EUR].

    name, title       the entry's, and for people
    covers            the scope, for people
    printed           the sum as published, in its currency
    published_eur     the sum at the rate of its month
    eur               our price, the level of the deal applied
    low_eur, high_eur   ends of our 90 % interval
    baseline_eur      EUR 45,000 a GPU; None where the number of GPUs is not known
    level_fraction    what was multiplied to quoted prices; 1 for a sum of quotes
    fitted            whether the level was fitted to the purchase
    gpu               the catalogue's name; empty without a machine file
    source            key of who published it
    lines_eur         our price by line
    unpriced          parts of the bill without a price, with their counts
    """

    name: str
    title: str
    covers: str
    printed: str
    published_eur: float
    eur: float
    low_eur: float
    high_eur: float
    baseline_eur: float | None
    level_fraction: float
    fitted: bool
    gpu: str
    source: str
    lines_eur: dict[str, float]
    unpriced: tuple[tuple[str, int], ...]

    @property
    def error_fraction(self) -> float:
        """Ours over the published sum, less one; above 0 where we ask too much."""
        return self.eur / self.published_eur - 1

    @property
    def inside(self) -> bool:
        """True if the published sum lies within our 90 % interval.

        Of ten sums nine do where the interval is right.
        """
        return self.low_eur <= self.published_eur <= self.high_eur


@dataclass(frozen=True)
class CostGrade:
    """The graded purchases, those that something was fitted to, and what must hold.

    grade    the errors of the graded ones
    cases    purchases that are graded;  fitted   those that the level was fitted to
    limits   None on a file of the caller's, for which nothing was fixed
    """

    grade: Grade
    cases: tuple[CostCase, ...]
    fitted: tuple[CostCase, ...]
    limits: CostLimits | None

    @property
    def inside_fraction(self) -> float | None:
        """Share of graded sums within the model's 90 % interval; None without a case."""
        return sum(case.inside for case in self.cases) / len(self.cases) if self.cases else None

    @property
    def worsened(self) -> bool:
        """True if the median is worse than the held one by more than its step, or fewer sums lie inside than are held.

        On a file of the caller's own it is never so.
        """
        inside, limits = self.inside_fraction, self.limits
        fewer = limits is not None and (inside is None or inside < limits.held_inside_fraction - 1e-9)
        return limits is not None and (self.grade.worsened or fewer)

    @property
    def missed(self) -> tuple[str, ...]:
        """Which bars are missed: those of the grade, and "inside" where too few sums lie within; empty on a caller's
        file.
        """
        limits, inside = self.limits, self.inside_fraction
        if limits is None:
            return ()
        short = inside is None or inside < limits.bar_inside_fraction
        return (*self.grade.missed, *(("inside",) if short else ()))

    def as_data(self) -> dict[str, Json]:
        """The grade as JSON, see docs/formats/validate.md: that of its errors, the share inside, and the cases of both kinds
        [EUR].
        """
        data = self.grade.as_data()
        data["missed"] = list(self.missed)
        data["inside"] = self.inside_fraction
        data["bar_inside"] = self.limits.bar_inside_fraction if self.limits else None
        data["cases"] = [_case_data(case) for case in (*self.cases, *self.fitted)]
        return data


def _case_data(case: CostCase) -> dict[str, Json]:
    """A purchase as JSON, amounts in euros, the level and the error as fractions."""
    return {
        "name": case.name,
        "title": case.title,
        "covers": case.covers,
        "printed": case.printed,
        "published_eur": case.published_eur,
        "predicted_eur": case.eur,
        "low_eur": case.low_eur,
        "high_eur": case.high_eur,
        "baseline_eur": case.baseline_eur,
        "error": case.error_fraction,
        "inside": case.inside,
        "level": case.level_fraction,
        "fitted": case.fitted,
        "source": case.source,
        "lines": as_json(case.lines_eur),
        "unpriced": as_json(dict(case.unpriced)),
    }


def grade_costs(cases: Path | None = None) -> CostGrade:
    """Prices every purchase that can be, of the shipped cases or of a file like them.

    cases   the file, YAML; None for the purchases that ship.  All of a caller's file are graded, none of it is for fitting

    Raises Problems for a file that cannot be read, or that names machines or prices that nobody knows.
    """
    return _shipped_grade(own_catalogue()) if cases is None else _grade(cases)


@cache
def _shipped_grade(_own: str) -> CostGrade:
    """The grade of the purchases that ship, made once for each own catalogue; a caller's file may change."""
    return _grade(None)


def _grade(cases: Path | None) -> CostGrade:
    """The grade of a caller's file, or of the purchases that ship.  Raises Problems."""
    file = read_purchases(cases or published_file(SOURCE, "cases.yaml"))
    fit = groups_for_fitting(SOURCE) if cases is None else frozenset[str]()
    skipped = tuple(Skipped(name, purchase.left_out) for name, purchase in file.purchases.items() if purchase.left_out)
    priced = [price_purchase(file, name) for name, purchase in file.purchases.items() if not purchase.left_out]
    made = [case_of(bought, fitted=bought.name in fit) for bought in priced]
    graded = tuple(case for case in made if not case.fitted)
    fitted = tuple(case for case in made if case.fitted)
    limits = _limits()
    grade = Grade(
        cases=tuple(_case(case) for case in graded),
        model=SOURCE,
        quantity="price",
        unit="eur",
        rows_count=len(file.purchases),
        fitted_count=len(fitted),
        skipped=skipped,
        constants=fitted_constants(SOURCE),
        limits=limits,
    )
    return CostGrade(grade, graded, fitted, limits if cases is None else None)


def _case(case: CostCase) -> GradedCase:
    """A purchase as the grades of all models have it."""
    known = {"scope": case.covers}
    return GradedCase(
        case.title, case.gpu or "-", case.published_eur, case.eur, case.baseline_eur, known,
        low=case.low_eur, high=case.high_eur,
    )  # fmt: skip


def _limits() -> CostLimits:
    """What must hold of the shipped purchases.  Raises Problems for a file that does not say it."""
    problems: list[Problem] = []
    path = published_file(SOURCE, "expect.yaml")
    entries = read_entries(read_tree(read_text(path), str(path)), CostLimits, problems)
    if problems:
        raise Problems(problems)
    return entries[SOURCE]


def case_of(priced: Priced, *, fitted: bool) -> CostCase:
    """The case of a priced purchase: its total at the level of a deal of its size, and the 90 % interval.

    fitted   whether the level was fitted to it;  a sum of quotes has the level 1, as nobody negotiated
    """
    purchase = priced.purchase
    level = 1.0 if purchase.quoted else float(level_fraction(priced.hardware_eur))
    low, high = np.quantile(scenarios_of(priced, level), [0.05, 0.95]).tolist()
    lines: dict[str, float] = {}
    for line in (priced_line.cost for priced_line in priced.lines):
        lines[line.line] = lines.get(line.line, 0.0) + line.eur * (level if line.negotiated else 1.0)
    gpus = priced.gpus_count
    return CostCase(
        name=priced.name,
        title=purchase.title,
        covers=purchase.covers,
        printed=str(purchase.published),
        published_eur=priced.published_eur,
        eur=sum(lines.values()),
        low_eur=low,
        high_eur=high,
        baseline_eur=None if gpus is None else BASELINE_EUR * gpus,
        level_fraction=level,
        fitted=fitted,
        gpu=priced.gpu,
        source=priced.source,
        lines_eur=lines,
        unpriced=priced.unpriced,
    )


def scenarios_of(priced: Priced, level: float) -> Floats:
    """Totals by scenario [EUR], shape (SCENARIOS,): prices, quantities and the market drawn.

    level   of the deal, on the lines that are negotiated

    Lines with the same `drawn`, such as all that are counted by years of operation, share a draw in every scenario.
    """
    quantities = {line.drawn: (line.low_ratio, 1.0, line.high_ratio) for line in priced.lines if line.drawn}
    factors = draw_factors({**ranges_of([line.cost for line in priced.lines]), **quantities}, SCENARIOS, SEED)
    total = np.zeros(SCENARIOS)
    for line in priced.lines:
        quantity = factors[line.drawn] if line.drawn else np.ones(1)
        total = total + quantity * scenarios_eur([line.cost], factors, level)
    return total


def fit_level(file: PurchaseFile, names: Sequence[str]) -> tuple[float, float, float]:
    """Level of a deal of 10 MEUR, its exponent, and the standard deviation of its log, by least squares on some purchases.

    names   entries of the file, at least three

    ln g_i = ln g0 - b ln(S_i / 10 MEUR), g_i the published sum less what is not negotiated, over what is, at quoted prices.
    Gives g0 [-], b [-] and the deviation with n - 2 degrees of freedom; scripts write them to the catalogue.
    """
    priced = [price_purchase(file, name) for name in names]
    size = np.log([bought.hardware_eur / constants(DealConstants).level_at_eur for bought in priced])
    level = np.log([(bought.published_eur - bought.other_eur) / bought.negotiated_eur for bought in priced])
    design = np.stack([np.ones_like(size), -size], axis=1)
    line = np.linalg.lstsq(design, level, rcond=None)[0]
    spread = np.sqrt(np.sum((level - design @ line) ** 2) / (len(priced) - 2))
    return float(np.exp(line[0])), float(line[1]), float(spread)


def fitted_to(file: PurchaseFile) -> list[str]:
    """Names of the purchases that the level is fitted to: for fitting, negotiated, and not the source of a price.

    A sum that a price of the catalogue was taken from would fit itself, and a sum of quotes has no deal in it.
    """
    fit = groups_for_fitting(SOURCE)
    return [name for name, bought in file.purchases.items() if name in fit and not bought.quoted and not bought.gives_price]
