"""Fills the decision paper from a plan.

The template `page.html.j2` holds the order of the paper and no numbers; what it needs is made here, in two parts: what
writes and draws (`_words`), and rows of data (`_data`).  A name that the template asks for and nobody gives is an error.

The template gives the body of the page; the frame that all pages share puts style, contents and head around it.  Sums
here are over rows of the plan: nothing is predicted or priced anew.  Amounts that are not words yet are in euros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment
from markupsafe import Markup

from terp.plan import CostOfLine, PayerShare, PlannedMachine, PurchasePlan, SimulatedYear
from terp.plan.reason_codes import Reason
from terp.views.brief import paper_figures, paper_rows
from terp.views.brief.marks import Marks
from terp.views.messages import Language, capital
from terp.views.report.frame.page_frame import environment, framed


def as_brief(plan: PurchasePlan, lang: str = "en") -> str:
    """The decision paper of a plan, complete in itself: styles and figures stand in the page; prints to some pages of A4.

    plan   made, or read from its folder
    lang   "en" or "nl"

    Raises UnknownName for another language.
    """
    language = Language(lang)
    folder = resources.files("terp.views.brief")
    template = _environment(language).from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    body = template.render(**_words(plan, language), **_data(plan, language))
    style = folder.joinpath("page.css").read_text("utf-8")
    title, contents = str(language.plain(plan.budget.title)), language.text("contents")
    return framed(language.code, title, body, more_style=style, contents=contents, look="brief")


def _environment(language: Language) -> Environment:
    """The template's filters write numbers and words in a language.

    Words are escaped unless they are markup already, and a name that is not given is an error (StrictUndefined).
    """
    made = environment()
    made.filters |= {
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
        "plain": language.plain,
        "date": language.date,
        "capital": capital,
        "tonnes": lambda mass_kg: paper_rows.tonnes(mass_kg, language),
        "link": _web,
        "loose": lambda words: words.replace("\u00a0", " "),  # so that a large amount may take two lines
    }
    return made


def _words(plan: PurchasePlan, language: Language) -> dict[str, object]:
    """What writes, marks and draws, by the names that the template uses.

    t, name, titled, design    functions that give words in the language
    mark, marked_input         functions that give the dagger of what is assumed, or nothing
    constraint                 function that makes the code of a constraint's title, for the filter `said`
    source, reached, used      functions: a source as a link, bounds that a payer has reached, what an assumption is used for
    figures                    SVG by name, as of `_figures`
    answer                     the two sentences of `_answer`
    years, simulated_years     numbers of years with their noun; "0 years" where none was simulated
    """
    marks, budget, best = Marks(plan.assumptions, language), plan.budget, plan.best
    return {
        "lang": language.code,
        "t": language.text,
        "name": language.name,
        "mark": marks.mark,
        "marked_input": marks.of_input,
        "constraint": lambda name: Reason(f"check.{name}"),
        "source": _sources(plan),
        "reached": lambda payer: _reached(payer, language),
        "used": lambda what: language.name("uses", what.partition(".")[0]),
        "titled": lambda machine: language.sentence(machine.called),
        "design": lambda machine, node=True: _design(machine, language, node=node),
        "figures": _figures(plan, language),
        "answer": _answer(plan, language),
        "runner_up": paper_rows.runner_up(plan, language),
        "goal": language.name("objectives", budget.objective),
        "years": _years(best.design.operation_years_count, language),
        "domain_words": _weighted(plan, language),
        "simulated_years": _years(best.simulated.years_count if best.simulated else 0, language),
    }


def _data(plan: PurchasePlan, language: Language) -> dict[str, object]:
    """The plan, and rows made from it, by the names that the template uses.

    classes, class_sums         classes of cost, and what all payers pay of each [EUR]
    bars                        payer -> class of its colour, as in the figures
    cost_rows                   lines of cost, as of `_cost_rows`
    simulated_by_year           rows of the simulated years, none where no year was simulated
    bounded_eur                 as of `_bounded`
    lost, felt, decisive, constraints, groups, simulated   rows as of `paper_rows`
    """
    classes = _classes(plan)
    return {
        "plan": plan,
        "b": plan.budget,
        "best": plan.best,
        "domains": _domains(plan, language),
        "classes": classes,
        "class_sums": {kind: sum(payer.by_class.get(kind, 0.0) for payer in plan.payers) for kind in classes},
        "bars": _bars(plan),
        "lost": paper_rows.lost(plan, language),
        "felt": paper_rows.felt(plan.sensitivity),
        "decisive": paper_rows.decisive(plan.sensitivity),
        "constraints": paper_rows.constraints(plan),
        "groups": paper_rows.assumptions(plan, language),
        "reserves": plan.robustness.reserves,
        "rent": plan.rent_instead,
        "cost_rows": _cost_rows(plan, language),
        "simulated": paper_rows.simulated(plan, language, _domains(plan, language)),
        "simulated_by_year": _simulated_by_year(plan, language),
        "bounded_eur": _bounded(plan.payers),
    }


def _web(address: str) -> str:
    """An address that may be linked to: of the web, or none, so that no source can put a script behind a link.

    >>> _web("https://www.top500.org"), _web("javascript:alert(1)")
    ('https://www.top500.org', '')
    """
    return address if address.startswith(("https://", "http://")) else ""


def _years(count: int, language: Language) -> str:
    """A number of years with its noun, in the singular for one."""
    return language.text("year_one" if count == 1 else "year_many", count=count)


def _listed(words: Sequence[str], language: Language) -> str:
    """Words as a list in a sentence: "a, b and c"; one word alone, and nothing for none.

    >>> _listed(["storage", "staff", "energy"], Language("en"))
    'storage, staff and energy'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {language.text('and')} {words[-1]}"


def _answer(plan: PurchasePlan, language: Language) -> list[str]:
    """The answer in two sentences: what to buy for how much and who pays, then what it does and when.

    A machine below the TOP500 has a second sentence of its own, and a plan that nobody pays anything of a first.

    plan   of which `best` is the answer;  language   of both sentences

    A payer that pays nothing is not named.  Science is that of a year, in H100-hours.
    """
    best, text = plan.best, language.text
    payers = [
        text("answer_payer", eur=language.money(payer.pays_eur), payer=_within(language.title(payer.title)))
        for payer in plan.payers
        if payer.pays_eur
    ]
    first = text(
        "answer_1" if payers else "answer_1_unpaid",
        gpus=language.fixed(best.gpus_count),
        gpu=best.gpu,
        nodes=language.fixed(best.nodes_count),
        site=paper_rows.place(best.design.site_title, language),
        tco=language.money(best.tco_eur),
        years=_years(best.design.operation_years_count, language),
        payers=_listed(payers, language),
    )
    key = "answer_2_unranked" if best.rank is None else "answer_2"
    science, month = language.large(best.science_h100_hours_per_year), language.month(best.first_science)
    return [first, text(key, rank=best.rank, science=science, month=month)]


def _within(title: str) -> str:
    """A title as it stands within a sentence: an article in front loses its capital.

    >>> _within("The ministry"), _within("University hospitals")
    ('the ministry', 'University hospitals')
    """
    return f"t{title[1:]}" if title.startswith("The ") else title


def _bounded(payers: Sequence[PayerShare]) -> tuple[float, bool]:
    """What payers with a bound may give at most [EUR], and whether that is all of them.

    payers   of the plan; what those without a bound may give is no part of the sum
    """
    known = [payer.amount_eur for payer in payers if payer.amount_eur is not None]
    return sum(known), len(known) == len(payers)


def _domains(plan: PurchasePlan, language: Language) -> dict[str, str]:
    """Domain -> what it is called, those of the machine's work first, then those that only the budget weighs.

    In English the budget's own title goes before the name that `messages` has; in Dutch that name goes before the title.
    """
    names = {**dict.fromkeys(plan.best.science, ""), **dict.fromkeys(plan.budget.domains, "")}
    return {key: language.name("domains", key, plan.budget.domain_titles.get(key, "")) for key in names}


def _weighted(plan: PurchasePlan, language: Language) -> str:
    """Domains with their weights, as words in a sentence: "climate 40% and medicine 60%"."""
    names = _domains(plan, language)
    words = [
        f"{names[key][:1].lower()}{names[key][1:]} {language.percent(weight)}" for key, weight in plan.budget.domains.items()
    ]
    return _listed(words, language) or language.text("none")


def _sources(plan: PurchasePlan) -> Callable[[str], str | Markup]:
    """Who says so, as a link down to the list of sources.

    The function that it gives takes the short name of a source; one that the plan does not cite stays as it is.
    """
    known = {source.key: source for source in plan.sources}

    def source(key: str) -> str | Markup:
        if key not in known:
            return key
        return Markup('<a href="#source-{}" lang="en">{}</a>').format(key, known[key].publisher or key)

    return source


def _reached(payer: PayerShare, language: Language) -> str:
    """The bounds that a payer has reached, as words; the text for none where it has reached none."""
    return ", ".join(language.name("bounds", bound) for bound in payer.binding) or language.text("no_bound_reached")


def _classes(plan: PurchasePlan) -> list[str]:
    """Classes of cost that anything is paid in, in the order of the first that pays them; then those that only cost."""
    paid = [kind for payer in plan.payers for kind, eur in payer.by_class.items() if eur]
    return list(dict.fromkeys([*paid, *(cost.cost_class for cost in plan.best.costs)]))


def _design(machine: PlannedMachine, language: Language, *, node: bool) -> str | Markup:
    """What a machine is, in a line under its name; with its node or without.

    What is as usual is not mentioned: no taper, no cap, no spares, and cooling that the node's title says already.

    machine   of the frontier;  node   whether the title of its node stands first

    Parts stand between raised dots; the first space of each does not break.
    """
    design, text = machine.design, language.text
    ratio = design.oversubscription_ratio
    topology = language.name("topologies", design.topology)
    words = [
        language.title(design.node_title) if node else "",
        topology if ratio == 1 else f"{topology} {text('oversubscribed', ratio=language.number(ratio))}",
        "" if node and "cool" in design.node_title else language.name("coolings", design.cooling),
    ]
    if design.gpu_cap_fraction < 1:
        words.append(text("capped", share=language.percent(design.gpu_cap_fraction)))
    if design.spare_nodes_count:
        words.append(text("spares", count=language.fixed(design.spare_nodes_count)))
    return " · ".join(word.replace(" ", "\u00a0", 1) for word in words if word)


def _bars(plan: PurchasePlan) -> dict[str, str]:
    """Payer -> class of its colour.

    Six colours take turns, so that a seventh payer has the first one's again.
    """
    return {payer.name: f"bar-{index % 6}" for index, payer in enumerate(plan.payers)}


@dataclass(frozen=True)
class CostRow:
    """A line of cost as the table has it: in words, with its share of all costs and its bar.

    share   of the total cost of ownership, 0 to 1;  bar   SVG of its value and interval
    """

    cost: CostOfLine
    words: str
    share: float
    bar: Markup


def _cost_rows(plan: PurchasePlan, language: Language) -> list[CostRow]:
    """Lines of cost with their share, a bar each, all bars on the scale of the highest end of an interval.

    Shares are of the sum of all lines at central prices, and lines stand in the plan's order.
    """
    costs = plan.best.costs
    most = max((cost.high_eur for cost in costs), default=0.0)
    total = sum(cost.eur for cost in costs)
    rows = []
    for cost in costs:
        bar = Markup(paper_figures.interval(cost.eur, cost.low_eur, cost.high_eur, most))  # noqa: S704 (numbers)
        words = capital(language.sentence(Reason(f"line.{cost.line}")))
        rows.append(CostRow(cost, words, cost.eur / total if total else 0.0, bar))
    return rows


def _simulated_by_year(plan: PurchasePlan, language: Language) -> list[tuple[str, str, str, str]]:
    """Year, use, GPU-hours [millions], electricity [million EUR]: the mean over the seeds, with the lowest and the
    highest.
    """
    by_year: dict[int, list[SimulatedYear]] = {}
    for year in plan.best.simulated.by_year if plan.best.simulated else ():
        by_year.setdefault(year.year, []).append(year)
    rows = []
    for number, years in by_year.items():
        use = _spread([year.gpu_utilisation_fraction for year in years], lambda value: language.percent(value, 1))
        hours = _spread([year.gpu_hours / 1e6 for year in years], lambda value: language.fixed(value, 2))
        electricity = _spread([year.electricity_eur / 1e6 for year in years], lambda value: language.fixed(value, 2))
        rows.append((str(number), use, hours, electricity))
    return rows


def _spread(values: Sequence[float], label: Callable[[float], str]) -> str:
    """Mean of some values, and the lowest and highest where there is more than one, each written by `label`.

    values   at least one of them

    >>> _spread([2.0], str)
    '2.0'
    """
    mean = label(sum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({label(min(values))} \u2013 {label(max(values))})"


def _figures(plan: PurchasePlan, language: Language) -> Mapping[str, Markup]:
    """All figures of the page by name, as SVG; empty where there is nothing to show.

    flows, cash           payers, classes and lines of cost as bands;  money by year and payer
    cost, rmax            the frontier: science against cost, and against the rate in HPL
    rank, science         the recommended machine's rank by year;  its science by domain, beside the next machine's
    sensitivity, robust   what each input moves;  how often each kind of machine wins
    """
    names, styles = _domains(plan, language), _bars(plan)
    made = {
        "flows": paper_figures.flows(plan, language, styles),
        "cost": paper_figures.frontier(plan, language, "tco"),
        "rmax": paper_figures.frontier(plan, language, "rmax"),
        "rank": paper_figures.rank(plan.best, language),
        "cash": paper_figures.cash(plan, language, styles),
        "science": paper_figures.science(plan, language, names),
        "sensitivity": paper_figures.sensitivity(plan.sensitivity, language),
        "robust": paper_figures.wins(plan.robustness.wins, language),
    }
    return {key: Markup(figure) for key, figure in made.items()}  # noqa: S704 (figures escape their words)
