"""What the fields of a budget cannot tell one by one: names that must be known, shares and dates that must
fit.

The checks know the catalogue's prices and rates, since a machine that has no price cannot be bought.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from terp.catalogue import Node, read_catalogue, read_prices
from terp.describe.budget import COST_CLASSES, MOST_YEARS, Budget, CostClass
from terp.describe.machine_file import MOST_OVERSUBSCRIPTION
from terp.describe.workload import Workload
from terp.errors import Problem, did_you_mean
from terp.reader import Written
from terp.units import Money, number, show

_HALF: Final = "write 1 for none, 2 for half the links"
"""What would do for an oversubscription."""


def misfits_of_budget(
    written: Written[Budget],
    sites: Collection[str],
    workloads: Collection[str],
    read_workload: Callable[[str], Written[Workload]],
) -> list[Problem]:
    """All that does not fit in a budget: money without a rate, nobody to pay a class of cost, dates that run
    backwards.

    written         the budget as it was read
    sites, workloads   names that ship
    read_workload   a workload by one of these names, to look its domains up

    Gives a problem a mistake, with the place in the file; empty for a budget that fits.
    """
    return [
        *_money(written),
        *_payers(written),
        *_programme(written),
        *_dates(written),
        *_places(written, sites),
        *_wishes(written, workloads, read_workload),
        *_choices(written),
    ]


def _money(written: Written[Budget]) -> list[Problem]:
    """Amounts in a currency that the catalogue has no rate of; euros need none."""
    record, known = written.record, ["EUR", *read_prices().currencies]
    amounts: dict[tuple[str, ...], Money | None] = {
        **{("payers", name, "amount"): payer.amount for name, payer in record.payers.items()},
        ("programme",): record.programme,
        ("ceilings", "machine_contract"): record.ceilings.machine_contract,
    }
    return [
        written.tree.problem(path, "a currency without a rate", repr(money.currency), did_you_mean(money.currency, known))
        for path, money in amounts.items()
        if money is not None and money.currency not in known
    ]


def _payers(written: Written[Budget]) -> list[Problem]:
    """Ceilings on what a payer does not pay, payers without any bound, classes of cost that nobody can pay whole.

    Ceilings are each at most 100 %; together they may come to more, since each says how much a payer may pay at most.
    """
    record, tree, problems = written.record, written.tree, []
    payers, amounts = record.payers, [payer.amount for payer in record.payers.values()]
    for name, payer in payers.items():
        if not payer.pays:
            would_do = f"name classes of cost ({', '.join(COST_CLASSES)}), or take the payer out"
            problems.append(tree.problem(("payers", name, "pays"), "a payer that pays nothing", "[]", would_do))
        for kind in payer.ceilings:
            if kind not in payer.pays:
                wrong, would_do = "a ceiling on what it does not pay", f"add {kind} to `pays`, or take the ceiling out"
                problems.append(tree.problem(("payers", name, "ceilings", kind), wrong, kind, would_do, key=True))
    if all(amount is None for amount in amounts):
        problems.append(tree.problem(("payers",), "nobody says how much", would_do="give at least one payer an amount"))
    elif all(amount is not None and amount.amount == 0 for amount in amounts):
        problems.append(tree.problem(("payers",), "there is no money", would_do="give at least one payer an amount"))
    for kind in sorted(_needed(record), key=COST_CLASSES.index):
        ceilings = [payer.ceilings.get(kind, 1.0) for payer in payers.values() if kind in payer.pays]
        if sum(ceilings) < 1 - 1e-9:
            share = f"payers may pay {100 * sum(ceilings):.0f} % of it" if ceilings else "no payer pays it"
            problems.append(
                tree.problem(("payers",), f"nobody can pay all of the {kind}", share, "let another payer pay it")
            )
    return problems


def _needed(record: Budget) -> set[CostClass]:
    """Classes of cost that arise: a building where a hall is built, a programme where there is one."""
    needed: set[CostClass] = {"acquisition", "operation"}
    if any(choice.hall == "new" for choice in record.sites.values()):
        needed.add("building")
    if record.programme is not None and record.programme.amount > 0:
        needed.add("programme")
    return needed


def _programme(written: Written[Budget]) -> list[Problem]:
    """A programme that costs more than those who pay it have.

    Amounts without a rate are told by `_money`; a payer without an amount has whatever it takes.
    """
    record, prices = written.record, read_prices()
    amounts = [payer.amount for payer in record.payers.values() if "programme" in payer.pays]
    known = ("EUR", *prices.currencies)
    stated = [money for money in amounts if money is not None and money.currency in known]
    if record.programme is None or record.programme.currency not in known or len(stated) < len(amounts) or not amounts:
        return []
    have = sum(prices.euros(money, record.prices_of) for money in stated) * (1 - record.reserve_fraction)
    cost = prices.euros(record.programme, record.prices_of)
    if cost <= have:
        return []
    would_do = f"those who pay it have {Money(have, 'EUR')} without the reserve"
    return [written.tree.problem(("programme",), "costs more than there is for it", str(Money(cost, "EUR")), would_do)]


def _dates(written: Written[Budget]) -> list[Problem]:
    """Months that run backwards: of delivery, of prices, of sites that are ready too late, every one of them."""
    record, tree = written.record, written.tree
    delivery, ready = record.delivery, [choice.ready for choice in record.sites.values()]
    problems = []
    if delivery.from_month > delivery.until_month:
        shown = f"{delivery.from_month} to {delivery.until_month}"
        problems.append(tree.problem(("delivery",), "the delivery ends before it begins", shown, "swap the two months"))
    elif record.prices_of > delivery.until_month:
        would_do = f"use prices of {delivery.until_month} or before, or a later delivery"
        problems.append(tree.problem(("prices_of",), "prices from after the delivery", record.prices_of, would_do))
    elif all(month is not None and month > delivery.until_month for month in ready):
        soonest = min(month for month in ready if month is not None)
        would_do = f"let the delivery last until {soonest} at least"
        problems.append(tree.problem(("sites",), "no site is ready by the end of the delivery", soonest, would_do))
    return problems


def _places(written: Written[Budget], sites: Collection[str]) -> list[Problem]:
    """Sites that do not ship, and sites that can feed nothing."""
    problems = []
    for name, choice in written.record.sites.items():
        if choice.site not in sites:
            wrong, hint = "no such site", did_you_mean(choice.site, sites)
            problems.append(written.tree.problem(("sites", name, "site"), wrong, repr(choice.site), hint))
        if choice.power_w == 0:
            would_do = "say what it can feed, such as '5 MW', or take it out"
            problems.append(written.tree.problem(("sites", name, "power"), "a site without power", "0 W", would_do))
    return problems


def _wishes(
    written: Written[Budget], workloads: Collection[str], read_workload: Callable[[str], Written[Workload]]
) -> list[Problem]:
    """A workload that does not ship, domains that it does not have or that all count nothing, more flash than
    storage.
    """
    want, tree = written.record.want, written.tree
    if want.workload not in workloads:
        hint = did_you_mean(want.workload, workloads)
        return [tree.problem(("want", "workload"), "no such workload", repr(want.workload), hint)]
    domains = read_workload(want.workload).record.domains
    problems = [
        tree.problem(
            ("want", "domains", name),
            f"no such domain in {want.workload}",
            repr(name),
            did_you_mean(name, domains),
            key=True,
        )
        for name in want.domains
        if name not in domains
    ]
    if want.domains and sum(want.domains.values()) <= 0:
        problems.append(tree.problem(("want", "domains"), "no domain counts", would_do="give one of them a share"))
    must = written.record.must
    if 0 < must.storage_bytes < must.flash_bytes:
        shown, would_do = (
            show(must.flash_bytes, "bytes"),
            f"storage, which flash is part of, is {show(must.storage_bytes, 'bytes')}",
        )
        problems.append(tree.problem(("must", "flash"), "more flash than storage in all", shown, would_do))
    return problems


def _choices(written: Written[Budget]) -> list[Problem]:
    """Nodes that are not in the catalogue or have no price, shares that leave nothing to choose.

    A part is priced if any rule of `prices.yaml` names it; what it costs in the budget's month is found when
    planning.
    """
    choices, tree = written.record.choices, written.tree
    known, prices = read_catalogue().parts["nodes"], read_prices()
    priced = [name for name in known if prices.of_part(name)]
    problems = []
    for index, name in enumerate(choices.nodes):
        if name not in known or not isinstance(known[name], Node):
            hint = did_you_mean(name, priced)
            problems.append(tree.problem(("choices", "nodes", index), "no such node in the catalogue", repr(name), hint))
        elif name not in priced:
            hint = "with a price: " + ", ".join(priced)
            problems.append(tree.problem(("choices", "nodes", index), "a node without a price", repr(name), hint))
    wrongs: tuple[tuple[str, Callable[[float], bool], str, str], ...] = (
        ("oversubscriptions", lambda ratio: ratio < 1, "less than no oversubscription", _HALF),
        ("oversubscriptions", lambda ratio: ratio > MOST_OVERSUBSCRIPTION, "more than any fabric has", _HALF),
        ("gpu_caps", lambda cap: cap <= 0, "a GPU without power", "write shares of the makers' own cap, such as 0.85"),
        ("spares", lambda share: share >= 1, "no node left to work", "write a share below 1, such as 0.02"),
        ("operation_years", lambda years: not 1 <= years <= MOST_YEARS, "out of range", f"1 to {MOST_YEARS} would do"),
    )
    for field, is_wrong, wrong, would_do in wrongs:
        for index, value in enumerate(getattr(choices, field)):
            if is_wrong(value):
                problems.append(tree.problem(("choices", field, index), wrong, number(value), would_do))
    empty = [field for field in ("topologies", "oversubscriptions", "gpu_caps", "spares") if not getattr(choices, field)]
    return problems + [
        tree.problem(("choices", field), "nothing to choose from", "[]", "name at least one") for field in empty
    ]
