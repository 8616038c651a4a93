"""How sure a choice is, and what would change it: `robustness` and `sensitivity` of a plan's document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from terp.plan.money.ledger import Tariff
from terp.plan.outcome.document import kind_title
from terp.plan.outcome.reasons import sensitivity, throughput_swings
from terp.plan.search.evaluate import Evaluated
from terp.plan.search.frontier import Pick, best_of_kinds
from terp.plan.search.price_table import Setting
from terp.plan.uncertainty.price_scenarios import costs_of, futures, kind_of, reserves, swings, tariffs


def robustness(
    setting: Setting, leading: Sequence[Evaluated], best: Pick, tariff: Tariff, tell: Callable[[float], None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """`robustness`, with the recommended kind's share of wins, and the rows of `sensitivity`.

    leading   the best designs of each kind, with as many nodes as lower prices could pay
    tariff    the price scenarios
    """
    chosen = kind_of(best.entry)
    told = futures(setting, leading, tariff)
    tell(0.5)
    count, mine = tariff.market_ratio.size, told.kinds.index(chosen)
    bought = told.winner >= 0
    wins = np.bincount(told.winner[bought], minlength=len(told.kinds))
    regret = np.abs(1 - np.nan_to_num(told.values[mine][bought]) / told.best[bought])
    rows = np.full(count, best.row)
    found = {
        "wins_fraction": float(wins[mine] / count),
        "scenarios_count": count,
        "wins": [
            {"design": kind_title(setting, told.kinds[at]), "fraction": float(wins[at] / count)}
            for at in np.argsort(-wins).tolist()
            if wins[at]
        ],
        "fits_fraction": float(costs_of(setting, best.entry, rows, tariff, 0.0).paid.mean()),
        "reserves": [
            {
                "reserve_fraction": kept.reserve_fraction,
                "gpus_count": kept.gpus_count,
                "science_fraction": kept.h100_hours_count / best.value("science"),
                "fits_fraction": kept.fits_fraction,
            }
            for kept in reserves(setting, best.entry, tariff)
        ],
        "regret_fraction": float(regret.mean()) if bought.any() else 0.0,
    }
    central = futures(setting, leading, tariffs(setting, {}, 1))
    picks = best_of_kinds(leading, "science")
    rates = throughput_swings(setting, central, picks, chosen)
    return found, sensitivity(setting, swings(setting, leading, chosen), rates)
