"""What the fields of a site cannot tell one by one: series that must be known, numbers of the hall that must
fit.

A kind of cooler has keys of its own, a heat pump is for heat that is too cold, and coolers that draw in dry air
need its temperature.
"""

from __future__ import annotations

from typing import Final

from terp.catalogue import hourly, series_names
from terp.describe.hall import HeatReuse, Liquid
from terp.describe.site import Site
from terp.errors import Problem, did_you_mean
from terp.reader import Written

_OF_KIND: Final = {"dry": (), "adiabatic": ("pad", "cycles"), "tower": ("latent", "cycles")}
"""Kind of cooler -> the keys that it must have and others must not."""


def misfits_of_site(written: Written[Site]) -> list[Problem]:
    """Series that are not there or of another unit, a hall that cannot be, tax slices that do not rise.

    Gives a problem a mistake, with the place in the file.
    """
    site, tree, known = written.record, written.tree, series_names()
    problems = []
    for field, unit in (("price", "EUR/MWh"), ("carbon", "gCO2/kWh"), ("wet_bulb", "degC"), ("dry_bulb", "degC")):
        name = getattr(site, field)
        if name is None:
            continue
        if name not in known:
            problems.append(tree.problem((field,), "unknown hourly series", repr(name), did_you_mean(name, known)))
        elif hourly(name).entry.unit != unit:
            wrong = f"a series in {hourly(name).entry.unit} where one in {unit} is wanted"
            problems.append(tree.problem((field,), wrong, repr(name)))
    bounds = [slice_.up_to_j for slice_ in site.energy_tax]
    rising = sorted(bound for bound in bounds if bound is not None)
    if any(bound is None for bound in bounds[:-1]) or rising != [bound for bound in bounds if bound is not None]:
        wrong = "the slices do not rise"
        problems.append(tree.problem(("energy_tax",), wrong, would_do="sort by up_to; only the last goes without"))
    return [*problems, *misfits_of_hall(written)]


def misfits_of_hall(written: Written[Site]) -> list[Problem]:
    """Cooling that ends before it begins, keys that a kind needs or has not, temperatures and shares that cannot be."""
    return [*_cooling(written), *_liquid(written), *_heat_reuse(written), *_bought(written)]


def _cooling(written: Written[Site]) -> list[Problem]:
    """Air cooling: chillers that do all before outside air does nothing, and losses said twice or never."""
    cooling, tree, problems = written.record.cooling, written.tree, []
    if cooling.free_below_celsius >= cooling.full_above_celsius:
        wrong = "free cooling ends above where chillers do all"
        problems.append(tree.problem(("cooling", "full_above"), wrong, would_do="put full_above above free_below"))
    flat = "electrical_loss_fraction" in cooling.model_fields_set
    if flat == (cooling.conversion is not None):
        wrong = "both `electrical_loss` and `conversion`" if flat else "neither `electrical_loss` nor `conversion`"
        problems.append(tree.problem(("cooling",), wrong, would_do="write one of them", key=True))
    return problems


def _liquid(written: Written[Site]) -> list[Problem]:
    """The water loop: water that comes back colder, keys of another kind of cooler, coolers without an air
    temperature.
    """
    site, tree = written.record, written.tree
    loop: Liquid | None = site.cooling.liquid
    if loop is None:
        return []
    path, problems = ("cooling", "liquid"), []
    if loop.supply_celsius >= loop.return_celsius:
        would_do = "water comes back warmer: put return above supply"
        problems.append(tree.problem((*path, "return"), "not above the supply", would_do=would_do))
    rejection = loop.rejection
    for key in ("pad", "latent", "cycles"):
        given = getattr(rejection, f"{key}_{'ratio' if key == 'cycles' else 'fraction'}") is not None
        if given != (key in _OF_KIND[rejection.kind]):
            wrong = f"{'not a key' if given else 'missing'} for `kind: {rejection.kind}`"
            would_do = f"leave `{key}` away" if given else f"add `{key}:`"
            problems.append(tree.problem((*path, "rejection", key), wrong, would_do=would_do, key=True))
    if rejection.kind != "tower" and site.dry_bulb is None:
        problems.append(_needs_air(written, f"coolers of `kind: {rejection.kind}`"))
    return problems


def _needs_air(written: Written[Site], who: str) -> Problem:
    """A series of dry-bulb temperatures is missing, which `who` needs."""
    would_do = "add `dry_bulb:` with a series of air temperature, such as 'dry-bulb-aarhus'"
    return written.tree.problem(("dry_bulb",), f"missing, and {who} need it", would_do=would_do, key=True)


def _heat_reuse(written: Written[Site]) -> list[Problem]:
    """Heat that is handed over: limits that do not rise, and a network that is warmer than the heat there is,
    or a heat pump where it is not.
    """
    site, tree = written.record, written.tree
    reuse: HeatReuse | None = site.heat_reuse
    if reuse is None:
        return []
    problems: list[Problem] = []

    def add(key: str, wrong: str, written: str, would_do: str) -> None:
        problems.append(tree.problem(("heat_reuse", key), wrong, written, would_do))

    if reuse.full_below_celsius >= reuse.none_above_celsius:
        add("none_above", "not above full_below", "", "put none_above above full_below")
    warm = site.cooling.liquid.return_celsius if site.cooling.liquid else site.hall.return_air_celsius
    if warm is None:
        add("supply", "the temperature of the heat is not known", "", "add `return_air` to `hall`, or a `liquid` loop")
    elif reuse.lift_carnot_fraction is None and warm < reuse.supply_celsius:
        would_do = "add `lift_carnot` for a heat pump, or lower `supply`"
        add("supply", "warmer than the heat there is", f"{reuse.supply_celsius:g} degC of {warm:g} degC", would_do)
    elif reuse.lift_carnot_fraction is not None and warm >= reuse.supply_celsius:
        add("lift_carnot", "the heat is warm enough without", "", "leave it away, or raise `supply`")
    if site.dry_bulb is None:
        problems.append(_needs_air(written, "networks that take heat by season"))
    return problems


def _bought(written: Written[Site]) -> list[Problem]:
    """A contract with a price it does not have or without the one it needs, and renewable shares above the
    whole.
    """
    contract, tree, problems = written.record.contract, written.tree, []
    if (contract.kind == "fixed") != (contract.price_eur_per_j is not None):
        wrong = f"{'missing' if contract.price_eur_per_j is None else 'not a key'} for `kind: {contract.kind}`"
        would_do = "a fixed contract has a `price`, a day-ahead one has the series'"
        problems.append(tree.problem(("contract", "price"), wrong, would_do=would_do, key=True))
    renewables = written.record.renewables
    total = renewables.total_fraction if renewables else 0.0
    if total > 1 + 1e-9:
        problems.append(tree.problem(("renewables",), "more than all of the energy", f"{total:.4g}", "lower one of them"))
    return problems
