"""Rows of the paper's tables that take more than a filter: what lost, constraints, reserves, assumptions by their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from terp.plan import Assumption, BindingConstraint, ConstraintCheck, InputSwing, MachineKind, PurchasePlan
from terp.views.messages import Language, capital

GROUPS: Final = ("money", "prices", "halls", "speed", "ours")
"""Groups of assumptions, in the order of the annex."""
_OURS: Final = ("acceptance", "milestones", "level")
_FIRST: Final = {"prices": "prices", "rates": "prices", "throughput": "speed", "sites": "halls"}


@dataclass(frozen=True)
class LostGroup:
    """Machines that lost for one reason.

    kind     "dominated": another is better;  "constraint": it may not be;  reason   in words, without its full stop
    places   (title of a site, machines there); a site of no title where none was looked at
    """

    kind: str
    reason: str
    places: tuple[tuple[str, tuple[str, ...]], ...]


def lost(plan: PurchasePlan, language: Language) -> list[LostGroup]:
    """Machines by reason, in the order of the first; those of one reason by site, so that a site is named once.

    What another machine beats comes first, then what a constraint keeps out.
    """
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in plan.rejected:
        reason = language.sentence(row.reason).removesuffix(".")
        groups.setdefault((row.kind, reason), {}).setdefault(row.of.site_title, []).append(row.of.node_label)
    return [
        LostGroup(kind, reason, tuple((site, tuple(labels)) for site, labels in places.items()))
        for (kind, reason), places in sorted(groups.items(), key=lambda item: item[0][0] != "dominated")
    ]


@dataclass(frozen=True)
class ConstraintRow:
    """A constraint of the table of checks: what was checked, and how far it is from holding the machine back.

    check   None for what only the search looked at;  bound   None where the plan does not know the room
    """

    constraint: str
    check: ConstraintCheck | None
    bound: BindingConstraint | None


def constraints(plan: PurchasePlan) -> list[ConstraintRow]:
    """Checks, each with the room that is left and what more of it is worth, where the plan knows; then what has room
    alone.
    """
    binding = {row.constraint: row for row in plan.binding}
    rows = [ConstraintRow(check.constraint, check, binding.pop(check.constraint, None)) for check in plan.best.checks]
    return rows + [ConstraintRow(name, None, row) for name, row in binding.items()]


@dataclass(frozen=True)
class AssumptionGroup:
    """Assumptions that are used for the same.

    name   one of GROUPS
    note   of all of them, where they have the same;  rows  (site or nothing, title, note, assumption)
    """

    name: str
    note: str | Markup
    rows: tuple[tuple[str, str | Markup, str | Markup, Assumption], ...]


def assumptions(plan: PurchasePlan, language: Language) -> list[AssumptionGroup]:
    """Assumptions by what they are used for, those of the halls by site; titles in the reader's language.

    Groups are in the order of GROUPS, without those that are empty.
    """
    groups: dict[str, list[Assumption]] = {group: [] for group in GROUPS}
    places = {row.name.split(".")[0] for row in plan.assumptions if ".cooling." in row.name}
    for row in plan.assumptions:
        first = row.name.split(".")[0]
        group = "ours" if row.name in _OURS else "halls" if first in places else _FIRST.get(first, "money")
        groups[group].append(row)
    return [_group(name, rows, plan, language) for name, rows in groups.items() if rows]


def _group(name: str, rows: Sequence[Assumption], plan: PurchasePlan, language: Language) -> AssumptionGroup:
    """A group with its rows in the order of the budget's sites, and notes that say no more than the title left out."""
    order = {title: place for place, title in enumerate(["", *plan.budget.site_titles])}
    common = rows[0].notes if len(rows) > 1 and len({row.notes for row in rows}) == 1 else ()
    shown = []
    for row in sorted(rows, key=lambda row: order.get(row.site_title, len(order))):
        title = language.marked(row.title)
        note = noted(row, language)
        same = "; ".join(map(language.plain, row.notes)).lower() == language.plain(row.title).lower()
        shown.append(
            (row.site_title, title if isinstance(title, Markup) else capital(title), "" if same or common else note, row)
        )
    return AssumptionGroup(name, noted(rows[0], language) if common else "", tuple(shown))


def noted(row: Assumption, language: Language) -> str | Markup:
    """The notes of an assumption, in one, with semicolons between; what stays English is marked as such."""
    return Markup("; ").join(language.noted(note) for note in row.notes)


def runner_up(plan: PurchasePlan, language: Language) -> str:
    """Which other design wins, and whether it does more often than the recommended one; empty if none does.

    By the shares of the price scenarios that `robustness.wins` has.
    """
    others = [row for row in plan.robustness.wins if row.design != plan.best.kind]
    if not others:
        return ""
    other = max(others, key=lambda row: row.fraction)
    key = "sure_other" if other.fraction > plan.robustness_fraction else "sure_next"
    return language.text(key, design=_kind(other.design, language), share=language.percent(other.fraction))


def _kind(kind: MachineKind, language: Language) -> str:
    """A kind of machine in words: what its node is called, and the place."""
    return f"{language.title(kind.node_label)}, {place(kind.site_title, language)}"


def place(title: str, language: Language) -> str:
    """A site within a sentence: "Groningen, a new hall" is "Groningen (a new hall)"; a title without a comma stays."""
    where, _, how = language.title(title).rpartition(", ")
    return f"{where} ({how})" if where else how


def decisive(rows: Sequence[InputSwing]) -> list[InputSwing]:
    """The inputs within whose range another design wins, in the order that they have; the paper names each of them."""
    return [row for row in rows if _changes_within_range(row)]


def _changes_within_range(row: InputSwing) -> bool:
    """Whether another kind of machine wins somewhere within the range of an input."""
    return row.changes_at_ratio is not None and row.low_ratio <= row.changes_at_ratio <= row.high_ratio


_FELT: Final = 0.005  # of the objective


def felt(rows: Sequence[InputSwing]) -> list[InputSwing]:
    """The inputs that move the objective by half a percent, or within whose range another design wins; the annex has
    them.
    """
    return [row for row in rows if row.effect_fraction >= _FELT or _changes_within_range(row)]


def simulated(plan: PurchasePlan, language: Language, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What the simulated years gave, beside what the plan says: (words, simulated, planned); none if nothing was simulated.

    names   domain -> what it is called.  Where the plan has no such figure, such as a wait, the last is the word for none
    """
    best, years = plan.best, plan.best.simulated
    if years is None:
        return []
    text, show, none = language.text, language.quantity, language.text("none")
    rows = [
        (text("sim_use"), language.percent(years.gpu_utilisation_fraction, 1), none),
        (text("sim_hours"), language.large(years.gpu_hours_per_year), language.large(best.gpu_hours_per_year)),
        (text("sim_wait"), show(years.mean_wait_s, "s"), none),
        (text("sim_p95"), show(years.p95_wait_s, "s"), none),
        (text("sim_failures"), language.number(years.node_failures_per_year), none),
        (text("sim_pue"), language.fixed(years.mean_pue, 3), language.fixed(best.pue_ratio, 3)),
        (text("sim_energy"), show(years.facility_energy_j_per_year, "j"), show(best.energy_j_per_year, "j")),
        (text("sim_carbon"), tonnes(years.carbon_kg_per_year, language), tonnes(best.carbon_kg_per_year, language)),
    ]
    for domain, hours in years.science.items():
        planned = best.science.get(domain)
        words = text("sim_science", domain=names.get(domain, domain))
        rows.append((words, language.large(hours), none if planned is None else language.large(planned)))
    return [(capital(words), got, planned) for words, got, planned in rows]


def tonnes(mass_kg: float, language: Language) -> str:
    """A mass as people write it in an account of carbon: tonnes, three digits."""
    return f"{language.number(mass_kg / 1000)}\u00a0t"
