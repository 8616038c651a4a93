"""How sure a choice is, and what would change it: wins in price scenarios, and the effect of each input by itself.

The arithmetic of prices is in `price_scenarios.py`; here it becomes records, and the range of each GPU's speed, which no
price moves, is held against the choice in the same way.

Two questions are answered apart.  In the price scenarios everything is uncertain at once: which kind wins how often, what
the recommended machine would cost, and what is lost by having chosen it.  In the sensitivity each input moves alone from one
end of its range to the other, all else at its central value, and the inputs are ordered by what they do to the objective.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, cast

import numpy as np

from terp.catalogue import Node
from terp.plan.money.ledger import Tariff
from terp.plan.outcome.assumptions import factor_origin, short_name
from terp.plan.outcome.machine_figures import named_kind
from terp.plan.outcome.machine_records import MachineKind
from terp.plan.outcome.plan_records import InputSwing, KindWins, ReserveWorth, Robustness
from terp.plan.reason_codes import Code, Reason
from terp.plan.search.evaluate import Evaluated
from terp.plan.search.frontier import Pick, best_of_kinds
from terp.plan.search.workings import Workings
from terp.plan.uncertainty.price_scenarios import (
    Futures,
    Kind,
    PriceSwing,
    costs_of,
    futures,
    kind_of,
    reserves,
    swings,
    tariffs,
)

_WIDEST: Final = 4.0
"""Times the central value, up or down, beyond which it is not looked whether another kind of machine wins."""


def robustness(
    workings: Workings, leading: Sequence[Evaluated], best: Pick, tariff: Tariff, tell: Callable[[float], None]
) -> tuple[float, Robustness, tuple[InputSwing, ...]]:
    """The recommended kind's share of wins, how sure it is, and what each input does to the answer.

    workings  with numbers of nodes that lower prices could pay
    leading   the best designs of each kind, with as many nodes as lower prices could pay
    best      the recommended machine;  tariff   the price scenarios
    tell      hears the share done

    The share is of all scenarios, those in which nothing can be bought too.  Regret is the mean loss of the objective over
    those in which something can, by having chosen the recommended kind and sized it anew.

    Wins are listed with the most frequent first, and kinds that never win are left out.  The share in which the very machine
    can be paid counts the reserve as money to spend, as the reserve is there for that.
    """
    chosen = kind_of(best.entry)
    drawn = futures(workings, leading, tariff)
    tell(0.5)
    count, own = tariff.market_ratio.size, drawn.kinds.index(chosen)
    bought = drawn.winner_index >= 0
    wins = np.bincount(drawn.winner_index[bought], minlength=len(drawn.kinds))
    regret = np.abs(1 - np.nan_to_num(drawn.values[own][bought]) / drawn.best[bought])
    rows = np.full(count, best.row)
    sure = Robustness(
        scenarios_count=count,
        wins=tuple(
            KindWins(named_kind(workings, drawn.kinds[at]), float(wins[at] / count))
            for at in np.argsort(-wins).tolist()
            if wins[at]
        ),
        fits_fraction=float(costs_of(workings, best.entry, rows, tariff, 0.0).paid.mean()),
        reserves=tuple(
            ReserveWorth(
                reserve_fraction=row.reserve_fraction,
                gpus_count=row.gpus_count,
                science_fraction=row.h100_hours_count / best.value("science"),
                fits_fraction=row.fits_fraction,
            )
            for row in reserves(workings, best.entry, tariff)
        ),
        regret_fraction=float(regret.mean()) if bought.any() else 0.0,
    )
    return float(wins[own] / count), sure, _sensitivity(workings, leading, chosen)


def _sensitivity(workings: Workings, leading: Sequence[Evaluated], chosen: Kind) -> tuple[InputSwing, ...]:
    """What each price, rate and throughput does to the answer, the strongest first; each alone, all else central.

    leading   the best designs of each kind, with as many nodes as lower prices could pay;  chosen   the recommended kind

    Prices and rates come from the tables of the plan, speeds from the range of each GPU among the kinds that could be
    bought.
    """
    central = futures(workings, leading, tariffs(workings, {}, 1))
    of_speed = throughput_swings(workings, central, best_of_kinds(leading, "science"), chosen)
    rows = [_of_price(workings, swing) for swing in swings(workings, leading, chosen)]
    return tuple(sorted([*rows, *of_speed], key=lambda row: -row.effect_fraction))


def _of_price(workings: Workings, swing: PriceSwing) -> InputSwing:
    """The swing of a price or a rate as a record, with its title, status and source.

    Effects are over the central objective, less one: -1 where nothing can be bought at that end of the range.
    """
    kind, title, status, source = factor_origin(workings, swing.name)
    changes = swing.changes_at_ratio is not None
    return InputSwing(
        name=swing.name,
        title=title,
        kind=cast("Literal['price', 'rate']", kind),
        low_ratio=swing.low_ratio,
        high_ratio=swing.high_ratio,
        objective_low_fraction=swing.values[0] - 1,
        objective_high_fraction=swing.values[1] - 1,
        best_at_low=_named(workings, swing.winners[0]),
        best_at_high=_named(workings, swing.winners[1]),
        changes_at_ratio=swing.changes_at_ratio,
        changes_to=_named(workings, swing.changes_to) if changes else None,
        source=source,
        status=status,
    )


def _named(workings: Workings, kind: Kind | None) -> MachineKind | None:
    """A kind as a record with its titles; None stays None, where nothing can be bought."""
    return None if kind is None else named_kind(workings, kind)


def throughput_range(workings: Workings, pick: Pick) -> tuple[float, float]:
    """Low and high of what an hour of a machine's GPUs is worth, over the central value [-], by the budget's domains.

    The mean over the domains, weighed by the share of the time that the budget gives to each, at the low and at the high end
    of the range of all domains together.
    """
    work, weights = workings.work_of_frame(pick.design.frame, pick.design.gpu_cap_fraction), workings.inputs.weights
    central, low, high = (
        sum(weights[name] * ratios[name] for name in weights)
        for ratios in (work.h100_ratio, work.low_ratio, work.high_ratio)
    )
    return low / central, high / central


def throughput_swings(
    workings: Workings, central: Futures, picks: Mapping[Kind, Pick], chosen: Kind
) -> Iterator[InputSwing]:
    """What the range of each GPU's worth does to the answer, at central prices; of objectives that count science alone.

    central   one scenario: the best of each kind at central prices
    picks     the machine of each kind that does the most science
    chosen    the recommended kind

    One swing a GPU: where that of the chosen machine is low, or another's is high, another kind may win.

    A GPU's speed changes no cost, so machines keep their size, and the objective of a kind moves in proportion to its GPU's
    speed.  Kinds of which nothing can be paid at central prices are left out.  The other GPUs stay at their central speed.
    """
    if workings.inputs.objective != "science":
        return
    kinds = zip(central.kinds, central.values[:, 0], strict=True)
    values = {kind: float(value) for kind, value in kinds if np.isfinite(value)}
    by_gpu: dict[str, Kind] = {}
    for kind in sorted(values, key=lambda kind: -values[kind]):
        by_gpu.setdefault(_gpu_of(workings, kind), kind)
    own = _gpu_of(workings, chosen)
    rival = max((kind for gpu, kind in by_gpu.items() if gpu != own), key=lambda kind: values[kind], default=None)
    for gpu, kind in by_gpu.items():
        swing = throughput_range(workings, picks[kind])
        if gpu == own:
            yield _of_chosen(
                workings, gpu, swing, (kind, values[kind]), (rival, values[rival] if rival else 0.0), values[chosen]
            )
        else:
            yield _of_rival(workings, gpu, swing, (kind, values[kind]), (chosen, values[chosen]))


def _gpu_of(workings: Workings, kind: Kind) -> str:
    """Name in the catalogue of the GPU of a kind of machine."""
    return workings.inputs.catalogue.part(Node, kind.node).accelerator


Valued = tuple[Kind, float]
"""A kind of machine, and the objective that the best of it reaches."""


def _of_chosen(
    workings: Workings, gpu: str, swing: tuple[float, float], own: Valued, rival: tuple[Kind | None, float], best: float
) -> InputSwing:
    """What the speed of the chosen machine's GPU does: where it is low, the best of another GPU may win.

    best   objective of the chosen kind
    swing   ends of the range over the central speed
    own     the best kind of that GPU;  rival   the best kind of any other GPU, None where there is none
    """
    (kind, value), (other, other_value) = own, rival
    at_low, at_high = value * swing[0], value * swing[1]
    near = other is not None and other_value / best >= 1 / _WIDEST
    changes = (other_value / best, other) if near else (None, None)
    ends = max(at_low, other_value) / best - 1, at_high / best - 1
    return _of_speed(workings, gpu, swing, ends, (kind if at_low >= other_value else other, kind), changes)


def _of_rival(workings: Workings, gpu: str, swing: tuple[float, float], own: Valued, chosen: Valued) -> InputSwing:
    """What the speed of another GPU does: where it is high, the best of it may win.

    swing   ends of its range over the central speed;  own   the best kind of that GPU;  chosen   the recommended kind

    Its low end changes nothing, since the recommended kind wins there as it does now.
    """
    (kind, value), (best_kind, best) = own, chosen
    at_high = value * swing[1]
    changes = (best / value, kind) if best / value <= _WIDEST else (None, None)
    winners = best_kind, kind if at_high > best else best_kind
    return _of_speed(workings, gpu, swing, (best / best - 1, max(best, at_high) / best - 1), winners, changes)


def _of_speed(
    workings: Workings,
    gpu: str,
    swing: tuple[float, float],
    ends: tuple[float, float],
    winners: tuple[Kind | None, Kind],
    changes: tuple[float | None, Kind | None],
) -> InputSwing:
    """A record of what the speed of one GPU does to the answer.

    swing     ends of its range over the central speed;  ends   objective there over the central one, less one
    winners   kinds that win at both ends;  changes   multiple of its speed at which another kind wins, and which

    The kind of input is "throughput", and its status "derived", since speeds are predicted and not asked of anyone.
    """
    return InputSwing(
        name=f"throughput.{gpu}",
        title=Reason(Code.SPEED_OF_GPU, {"gpu": short_name(workings, gpu)}),
        kind="throughput",
        low_ratio=swing[0],
        high_ratio=swing[1],
        objective_low_fraction=ends[0],
        objective_high_fraction=ends[1],
        best_at_low=_named(workings, winners[0]),
        best_at_high=_named(workings, winners[1]),
        changes_at_ratio=changes[0],
        changes_to=_named(workings, changes[1]),
        source="",
        status="derived",
    )
