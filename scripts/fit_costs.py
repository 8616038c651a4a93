"""Fits the level of negotiated prices to the purchases that are for fitting, and says how each is missed without itself.

python scripts/fit_costs.py [--write]

Ranges are what the fits without one purchase each span.
"""

from __future__ import annotations

from statistics import median

from fitting import Fitted, report

from terp.catalogue import constants
from terp.physics.money.price_uncertainty import DealConstants
from terp.validate.grading.cases import published_file
from terp.validate.systems.cost_grades import fit_level, fitted_to
from terp.validate.systems.purchases import price_purchase, read_purchases

PATHS = ("costs.level", "costs.exponent", "costs.spread")


def main() -> None:
    file, level_at_eur = read_purchases(published_file("costs", "cases.yaml")), constants(DealConstants).level_at_eur
    names = fitted_to(file)
    values, without, missed = fit_level(file, names), [], []
    for name in names:
        without.append(fit_level(file, [other for other in names if other != name]))
        level, exponent, _ = without[-1]
        one = price_purchase(file, name)
        fraction = min(1.0, level * (one.hardware_eur / level_at_eur) ** -exponent)
        missed.append((fraction * one.negotiated_eur + one.other_eur) / one.published_eur - 1)
        print(f"without {name}: {level:.3f}, {exponent:.3f}; it is missed by {missed[-1]:+.0%}")
    spans = [(max(min(each), 0.0), max(each)) for each in zip(*without, strict=True)]
    fitted = [Fitted(path, value, *span) for path, value, span in zip(PATHS, values, spans, strict=True)]
    report(f"on {', '.join(names)}; median {median(map(abs, missed)):.0%}", fitted)


if __name__ == "__main__":
    main()
