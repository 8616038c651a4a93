"""Fills the decision paper from a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from terp.views.brief import drawn, rows
from terp.views.brief.language import Language, capital
from terp.views.brief.marks import Marks

Plan = Mapping[str, Any]


def as_brief(plan: Plan, lang: str = "en") -> str:
    """The decision paper of a plan, complete in itself; prints to some pages of A4.

    plan   plan.json, see docs/formats/plan.md; nothing else is read
    lang   "en" or "nl"

    Raises UnknownName for another language.
    """
    language = Language(lang)
    folder = resources.files("terp.views.brief")
    template = _environment(language).from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    return template.render(**_words(plan, language), **_data(plan, language))


def _environment(language: Language) -> Environment:
    """The template's filters write numbers and words in a language."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "money": language.money,
        "millions": language.millions,
        "number": language.number,
        "fixed": language.fixed,
        "percent": language.percent,
        "show": language.quantity,
        "month": language.month,
        "large": language.large,
        "value": language.value,
        "said": language.marked,
        "plain": language.sentence,
        "noted": language.noted,
        "date": language.date,
        "capital": capital,
        "tonnes": lambda mass_kg: rows.tonnes(mass_kg, language),
        "link": _web,
        "short": drawn.short,
    }
    return environment


def _words(plan: Plan, language: Language) -> dict[str, Any]:
    """What writes, marks and draws."""
    marks, budget = Marks(plan["assumptions"], language), plan["budget"]
    return {
        "lang": language.code,
        "t": language.text,
        "name": language.name,
        "mark": marks.mark,
        "marked_input": marks.of_input,
        "constraint": _constraint(plan, language),
        "source": lambda key: _source(plan, key),
        "reached": lambda payer: _reached(payer, language),
        "used": lambda what: _used(what, language),
        "titled": lambda machine: _titled(machine, language),
        "design": lambda machine, node=True: _design(machine, language, node=node),
        "style": _style(),
        "figures": _figures(plan, language),
        "answer": _answer(plan, language),
        "runner_up": rows.runner_up(plan, language),
        "goal": language.name("objectives", budget["objective"]),
        "years": _years(plan["best"]["design"]["operation_years_count"], language),
        "domain_words": _weighted(plan, language),
        "simulated_years": _years((plan["best"]["simulated"] or {}).get("years_count", 0), language),
    }


def _data(plan: Plan, language: Language) -> dict[str, Any]:
    """The plan, and rows made from it."""
    classes = _classes(plan)
    return {
        "plan": plan,
        "b": plan["budget"],
        "best": plan["best"],
        "domains": _domains(plan, language),
        "compared": drawn.compared(plan),
        "classes": classes,
        "class_sums": {kind: sum(payer["by_class"].get(kind, 0.0) for payer in plan["payers"]) for kind in classes},
        "bars": _bars(plan),
        "lost": rows.lost(plan),
        "felt": drawn.felt(plan["sensitivity"]),
        "decisive": rows.decisive(plan["sensitivity"]),
        "constraints": rows.constraints(plan),
        "groups": rows.assumptions(plan, language),
        "reserves": plan["robustness"].get("reserves", []),
        "rent": plan.get("rent_instead"),
        "cost_rows": _cost_rows(plan, language),
        "simulated": rows.simulated(plan, language, _domains(plan, language)),
        "simulated_by_year": _simulated_by_year(plan, language),
        "bounded_eur": _bounded(plan["payers"]),
    }


def _style() -> str:
    """The report's style, and what this page adds."""
    report = resources.files("terp.views.report").joinpath("page.css").read_text("utf-8")
    return report + resources.files("terp.views.brief").joinpath("page.css").read_text("utf-8")


def _web(address: str) -> str:
    """An address that may be linked to: of the web, or none."""
    return address if address.startswith(("https://", "http://")) else ""


def _years(count: int, language: Language) -> str:
    return language.text("year_one" if count == 1 else "year_many", count=count)


def _listed(words: Sequence[str], language: Language) -> str:
    """Words as a list in a sentence."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {language.text('and')} {words[-1]}"


def _answer(plan: Plan, language: Language) -> list[str]:
    """The answer in two sentences."""
    best, text = plan["best"], language.text
    payers = [
        text("answer_payer", eur=language.money(payer["pays_eur"]), payer=_within(language.sentence(payer["title"])))
        for payer in plan["payers"]
        if payer["pays_eur"]
    ]
    first = text(
        "answer_1" if payers else "answer_1_unpaid",
        gpus=language.fixed(best["gpus_count"]),
        gpu=drawn.short(best["gpu"]),
        nodes=language.fixed(best["nodes_count"]),
        site=rows.place(best["design"]["site_title"], language),
        tco=language.money(best["tco_eur"]),
        years=_years(plan["best"]["design"]["operation_years_count"], language),
        payers=_listed(payers, language),
    )
    key = "answer_2_unranked" if best["rank"] is None else "answer_2"
    science, month = language.large(best["science_h100_hours_per_year"]), language.month(best["first_science"])
    return [first, text(key, rank=best["rank"], science=science, month=month)]


def _within(title: str) -> str:
    """A title as it stands within a sentence."""
    return f"t{title[1:]}" if title.startswith("The ") else title


def _bounded(payers: Sequence[Plan]) -> tuple[float, bool]:
    """What payers may give at most, and whether that is all of them."""
    known = [payer["amount_eur"] for payer in payers if payer["amount_eur"] is not None]
    return sum(known), len(known) == len(payers)


def _domains(plan: Plan, language: Language) -> dict[str, str]:
    """Domain -> what it is called."""
    names = {**dict.fromkeys(plan["best"]["science"], ""), **dict.fromkeys(plan["budget"]["domains"], "")}
    titles = plan["budget"]["domain_titles"]
    return {key: language.name("domains", key, titles.get(key, "")) for key in names}


def _weighted(plan: Plan, language: Language) -> str:
    """Domains with their weights, as words."""
    names, weights = _domains(plan, language), plan["budget"]["domains"]
    words = [f"{names[key][:1].lower()}{names[key][1:]} {language.percent(weight)}" for key, weight in weights.items()]
    return _listed(words, language) or language.text("none")


def _constraint(plan: Plan, language: Language) -> Callable[[str], str]:
    """What a constraint is called: as its check is, where there is one."""
    titles = {check["constraint"]: check["title"] for check in plan["best"]["checks"]}
    return lambda key: language.name("constraints", key, titles.get(key, ""))


def _source(plan: Plan, key: str) -> str | Markup:
    """Who says so, as a link down to the list of sources."""
    if not key:
        return ""
    known = plan["sources"].get(key)
    if known is None:
        return key
    return Markup('<a href="#source-{}" lang="en">{}</a>').format(key, known["publisher"] or key)


def _reached(payer: Plan, language: Language) -> str:
    """The bounds that a payer has reached."""
    bounds = [language.name("bounds", bound) for bound in payer["binding"].split(", ") if bound]
    return ", ".join(bounds) or language.text("no_bound_reached")


def _used(what: str | Sequence[str], language: Language) -> str:
    """What an input is used for: lines and classes of cost by their names."""
    words = [word.partition(".")[0] for word in ([what] if isinstance(what, str) else what)]
    families = ("lines", "classes", "uses", "constraints")
    known = [next((f for f in families if word in language.names[f]), "") for word in words]
    return ", ".join(language.name(f, word) if f else language.sentence(word) for f, word in zip(known, words, strict=True))


def _classes(plan: Plan) -> list[str]:
    """Classes of cost that anything is paid in, in the order of the first that pays them."""
    found = [kind for payer in plan["payers"] for kind, eur in payer["by_class"].items() if eur]
    return list(dict.fromkeys([*found, *(cost["class"] for cost in plan["best"]["costs"])]))


def _titled(machine: Plan, language: Language) -> str | Markup:
    """A machine's title, without what follows the name of its GPU."""
    return language.marked(machine["title"].replace(machine["gpu"], drawn.short(machine["gpu"])))


def _design(machine: Plan, language: Language, *, node: bool) -> str | Markup:
    """What a machine is, in a line under its name; with its node or without."""
    design, text = machine["design"], language.text
    ratio = design["oversubscription_ratio"]
    topology = language.name("topologies", design["topology"])
    words = [
        language.sentence(design["node_title"]) if node else "",
        topology if ratio == 1 else f"{topology} {text('oversubscribed', ratio=language.number(ratio))}",
        "" if node and "cool" in design["node_title"] else language.name("coolings", design["cooling"]),
        "" if design["site_title"] in machine["title"] else language.sentence(design["site_title"]),
    ]
    if design["gpu_cap_fraction"] < 1:
        words.append(text("capped", share=language.percent(design["gpu_cap_fraction"])))
    if design["spare_nodes_count"]:
        words.append(text("spares", count=language.fixed(design["spare_nodes_count"])))
    return " · ".join(word.replace(" ", "\u00a0", 1) for word in words if word)


def _bars(plan: Plan) -> dict[str, str]:
    """Payer -> class of its colour."""
    return {payer["name"]: f"bar-{index % 6}" for index, payer in enumerate(plan["payers"])}


def _cost_rows(plan: Plan, language: Language) -> list[dict[str, Any]]:
    """Lines of cost with their share, a bar each."""
    costs = plan["best"]["costs"]
    most = max((cost["high_eur"] for cost in costs), default=0.0)
    total = sum(cost["eur"] for cost in costs)
    found = []
    for cost in costs:
        bar = drawn.interval(cost["eur"], cost["low_eur"], cost["high_eur"], most)
        words = language.name("lines", cost["line"], cost["title"])
        found.append({**cost, "words": capital(words), "share": cost["eur"] / total if total else 0.0, "bar": Markup(bar)})  # noqa: S704 (numbers)
    return found


def _simulated_by_year(plan: Plan, language: Language) -> list[tuple[str, str, str, str]]:
    """Year, use, GPU-hours, electricity: the mean over the seeds, with the lowest and the highest."""
    years = (plan["best"]["simulated"] or {}).get("by_year", [])
    found = []
    for year in dict.fromkeys(row["year"] for row in years):
        mine = [row for row in years if row["year"] == year]
        use = _spread([row["gpu_utilisation_fraction"] for row in mine], lambda value: language.percent(value, 1))
        hours = _spread([row["gpu_hours"] / 1e6 for row in mine], lambda value: language.fixed(value, 2))
        electricity = _spread([row["electricity_eur"] / 1e6 for row in mine], lambda value: language.fixed(value, 2))
        found.append((str(year), use, hours, electricity))
    return found


def _spread(values: Sequence[float], label: Callable[[float], str]) -> str:
    """Mean, and the ends where there is more than one."""
    mean = label(sum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({label(min(values))} \u2013 {label(max(values))})"


def _figures(plan: Plan, language: Language) -> dict[str, Markup]:
    """All figures of the page, as SVG; empty where there is nothing to show."""
    names, styles = _domains(plan, language), _bars(plan)
    made = {
        "flows": drawn.flows(plan, language, styles),
        "cost": drawn.frontier(plan, language, "tco_eur"),
        "rmax": drawn.frontier(plan, language, "rmax_flop_per_s"),
        "rank": drawn.rank(plan["best"], language),
        "cash": drawn.cash(plan, language, styles),
        "science": drawn.science(plan, language, names),
        "sensitivity": drawn.sensitivity(plan["sensitivity"], language),
        "robust": drawn.wins(plan["robustness"]["wins"], language),
    }
    return {key: Markup(figure) for key, figure in made.items()}  # noqa: S704 (figures escape their words)
