"""Fits the level of negotiated prices to the purchases that are for fitting, and says how each is missed without itself.

python scripts/fit_costs.py
"""

from __future__ import annotations

from statistics import median

from terp.physics.money.price_uncertainty import LEVEL_AT_EUR
from terp.validate.grading.cases import published_file
from terp.validate.systems.cost_grades import fit_level, fitted_to
from terp.validate.systems.purchases import price_purchase, read_purchases


def main() -> None:
    file = read_purchases(published_file("costs", "cases.yaml"))
    names = fitted_to(file)
    level, exponent, spread = fit_level(file, names)
    print(f"LEVEL_FRACTION {level:.3f}, LEVEL_EXPONENT {exponent:.3f}, LEVEL_SPREAD {spread:.2f}, on {', '.join(names)}")
    missed = []
    for name in names:
        level, exponent, _ = fit_level(file, [other for other in names if other != name])
        one = price_purchase(file, name)
        fraction = min(1.0, level * (one.hardware_eur / LEVEL_AT_EUR) ** -exponent)
        missed.append((fraction * one.negotiated_eur + one.other_eur) / one.published_eur - 1)
        print(f"without {name}: {level:.3f}, {exponent:.3f}; it is missed by {missed[-1]:+.0%}")
    print(f"median {median(map(abs, missed)):.0%}")


if __name__ == "__main__":
    main()
