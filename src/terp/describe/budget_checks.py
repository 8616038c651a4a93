"""What the fields of a budget cannot tell one by one: names that must be known, shares and dates that must fit."""

from __future__ import annotations

from collections.abc import Callable, Collection

from terp.catalogue import Node, read_catalogue, read_prices
from terp.describe.budget import COST_CLASSES, Budget
from terp.describe.workload import Workload
from terp.errors import Problem, did_you_mean
from terp.reader import Written
from terp.units import Money


def misfits_of_budget(
    written: Written[Budget],
    sites: Collection[str],
    workloads: Collection[str],
    read_workload: Callable[[str], Written[Workload]],
) -> list[Problem]:
    """All that does not fit in a budget: money without a rate, nobody to pay a class of cost, dates that run backwards."""
    return [
        *_money(written),
        *_payers(written),
        *_dates(written),
        *_places(written, sites),
        *_wishes(written, workloads, read_workload),
        *_choices(written),
    ]


def _money(written: Written[Budget]) -> list[Problem]:
    """Amounts in a currency without a rate."""
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
    """Ceilings on what a payer does not pay, payers without any bound, classes of cost that nobody can pay whole."""
    payers, tree, problems = written.record.payers, written.tree, []
    for name, payer in payers.items():
        for kind in payer.ceilings:
            if kind not in payer.pays:
                wrong, would_do = "a ceiling on what it does not pay", f"add {kind} to `pays`, or take the ceiling out"
                problems.append(tree.problem(("payers", name, "ceilings", kind), wrong, kind, would_do))
    if all(payer.amount is None for payer in payers.values()):
        problems.append(tree.problem(("payers",), "nobody says how much", would_do="give at least one payer an amount"))
    for kind in COST_CLASSES:
        ceilings = [payer.ceilings.get(kind, 1.0) for payer in payers.values() if kind in payer.pays]
        needed = kind != "programme" or written.record.programme is not None
        if needed and sum(ceilings) < 1 - 1e-9:
            share = f"payers may pay {sum(ceilings):.0%} of it"
            problems.append(
                tree.problem(("payers",), f"nobody can pay all of the {kind}", share, "let another payer pay it")
            )
    shares = {name: payer.access_ceiling_fraction for name, payer in payers.items() if payer.buys_access}
    certain = {name: share for name, share in shares.items() if share < 1}
    if sum(certain.values()) > 1 + 1e-9:
        wrong, would_do = "shares of the access time come to more than 100 %", "lower some `access_ceiling`"
        problems.append(tree.problem(("payers",), wrong, f"{sum(certain.values()):.0%}", would_do))
    return problems


def _dates(written: Written[Budget]) -> list[Problem]:
    delivery = written.record.delivery
    if delivery.from_month <= delivery.until_month:
        return []
    found = f"{delivery.from_month} to {delivery.until_month}"
    return [written.tree.problem(("delivery",), "the delivery ends before it begins", found, "swap the two months")]


def _places(written: Written[Budget], sites: Collection[str]) -> list[Problem]:
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
    want, tree = written.record.want, written.tree
    if want.workload not in workloads:
        hint = did_you_mean(want.workload, workloads)
        return [tree.problem(("want", "workload"), "no such workload", repr(want.workload), hint)]
    domains = read_workload(want.workload).record.domains
    problems = [
        tree.problem(
            ("want", "domains", name), f"no such domain in {want.workload}", repr(name), did_you_mean(name, domains)
        )
        for name in want.domains
        if name not in domains
    ]
    if want.domains and sum(want.domains.values()) <= 0:
        problems.append(tree.problem(("want", "domains"), "no domain counts", would_do="give one of them a share"))
    return problems


def _choices(written: Written[Budget]) -> list[Problem]:
    """Nodes that are not in the catalogue or have no price, shares that leave nothing to choose."""
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
    for field in ("topologies", "oversubscriptions", "gpu_caps", "spares"):
        if not getattr(choices, field):
            problems.append(tree.problem(("choices", field), "nothing to choose from", "[]", "name at least one"))
    return problems
