"""Rows of the paper's tables that take more than a filter: what lost, constraints, reserves, assumptions by their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from terp.views.brief.language import Language, capital

Plan = Mapping[str, Any]
GROUPS: Final = ("money", "prices", "halls", "speed", "ours")
"""Groups of assumptions, in the order of the annex."""
_OURS: Final = ("acceptance", "milestones", "level")
_FIRST: Final = {"prices": "prices", "rates": "prices", "throughput": "speed", "sites": "halls"}


@dataclass(frozen=True)
class Lost:
    """Machines that lost for one reason.

    places   (title of a site, machines there); a site of no title where it is not known
    """

    kind: str
    reason: str
    places: tuple[tuple[str, tuple[str, ...]], ...]


def lost(plan: Plan) -> list[Lost]:
    """Machines by reason, in the order of the first; those of one reason by site, so that a site is named once."""
    sites = [*plan["budget"].get("site_titles", []), *(machine["design"]["site_title"] for machine in plan["frontier"])]
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in plan["rejected"]:
        site = next((site for site in sites if row["title"].endswith(f", {site}")), "")
        label = row["title"].removesuffix(f", {site}") if site else row["title"]
        found.setdefault((row["kind"], row["reason"]), {}).setdefault(site, []).append(label)
    return [
        Lost(kind, reason.removesuffix("."), tuple((site, tuple(labels)) for site, labels in places.items()))
        for (kind, reason), places in sorted(found.items(), key=lambda item: item[0][0] != "dominated")
    ]


def constraints(plan: Plan) -> list[dict[str, Any]]:
    """Checks, each with the room that is left and what more of it is worth, where the plan knows."""
    binding = {row["constraint"]: row for row in plan["binding"]}
    rows = [{**check, "bound": binding.pop(check["constraint"], None)} for check in plan["best"]["checks"]]
    empty = {"title": "", "value": None, "limit": None, "unit": "", "met": True}
    return rows + [{**empty, "constraint": key, "bound": row} for key, row in binding.items()]


@dataclass(frozen=True)
class Group:
    """Assumptions that are used for the same.

    note   of all of them, where they have the same;  rows  (site or nothing, title without it, assumption)
    """

    name: str
    note: str
    rows: tuple[tuple[str, str, Plan], ...]


def assumptions(plan: Plan, language: Language) -> list[Group]:
    """Assumptions by what they are used for, those of the halls by site; titles in the reader's language."""
    found: dict[str, list[Plan]] = {group: [] for group in GROUPS}
    places = {row["name"].split(".")[0] for row in plan["assumptions"] if ".cooling." in row["name"]}
    for row in plan["assumptions"]:
        first = row["name"].split(".")[0]
        group = "ours" if row["name"] in _OURS else "halls" if first in places else _FIRST.get(first, "money")
        found[group].append(row)
    return [_group(name, rows, plan, language) for name, rows in found.items() if rows]


def _group(name: str, rows: Sequence[Plan], plan: Plan, language: Language) -> Group:
    sites = plan["budget"].get("site_titles", []) if name == "halls" else []
    told = []
    for row in rows:
        site = next((site for site in sites if row["title"].endswith(f", {site}")), "")
        title = language.marked(row["title"])
        shown = title.removesuffix(f", {language.sentence(site)}") if site else title
        told.append((site, shown[:1].upper() + shown[1:] if not isinstance(shown, Markup) else shown, row))
    order = ["", *sites]
    told.sort(key=lambda one: order.index(one[0]))
    notes = {row["note"] for row in rows}
    return Group(name, notes.pop() if len(notes) == 1 and len(rows) > 1 else "", tuple(told))


def runner_up(plan: Plan, language: Language) -> str:
    """Which other design wins, and whether it does more often than the recommended one; empty if none does."""
    best, share = plan["best"], plan["robustness_fraction"]
    others = [row for row in plan["robustness"]["wins"] if not best["title"].endswith(f" {row['design']}")]
    if not others:
        return ""
    other = max(others, key=lambda row: float(row["fraction"]))
    key = "sure_other" if other["fraction"] > share else "sure_next"
    return language.text(key, design=place(other["design"], language), share=language.percent(other["fraction"]))


def place(title: str, language: Language) -> str:
    """A site, or a machine at a site, within a sentence: "Groningen (a new hall)"."""
    where, _, how = language.sentence(title).rpartition(", ")
    return f"{where} ({how})" if where else how


def decisive(rows: Sequence[Plan]) -> list[Plan]:
    """The inputs within whose range another design wins."""
    return [
        row
        for row in rows
        if row["changes_at_ratio"] is not None and row["low_ratio"] <= row["changes_at_ratio"] <= row["high_ratio"]
    ]


def simulated(plan: Plan, language: Language, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What the simulated years gave, beside what the plan says; none if nothing was simulated.

    names   domain -> what it is called
    """
    best, found = plan["best"], plan["best"]["simulated"]
    if found is None:
        return []
    text, show, none = language.text, language.quantity, language.text("none")
    rows = [
        (text("sim_use"), language.percent(found["gpu_utilisation_fraction"], 1), none),
        (text("sim_hours"), language.large(found["gpu_hours_per_year"]), language.large(best["gpu_hours_per_year"])),
        (text("sim_wait"), show(found["mean_wait_s"], "s"), none),
        (text("sim_p95"), show(found["p95_wait_s"], "s"), none),
        (text("sim_failures"), language.number(found["node_failures_per_year"]), none),
        (text("sim_pue"), language.fixed(found["mean_pue"], 3), language.fixed(best["pue_ratio"], 3)),
        (text("sim_energy"), show(found["facility_energy_j_per_year"], "j"), show(best["energy_j_per_year"], "j")),
        (text("sim_carbon"), tonnes(found["carbon_kg_per_year"], language), tonnes(best["carbon_kg_per_year"], language)),
    ]
    for domain, hours in found["science"].items():
        planned = best["science"].get(domain)
        words = text("sim_science", domain=names.get(domain, domain))
        rows.append((words, language.large(hours), none if planned is None else language.large(planned)))
    return [(capital(words), got, planned) for words, got, planned in rows]


def tonnes(mass_kg: float, language: Language) -> str:
    """A mass as people write it in an account of carbon."""
    return f"{language.number(mass_kg / 1000)}\u00a0t"
