"""The decision paper: it holds all of the plan, in two languages, and nothing from outside; the terminal's text fits."""

import copy
import json
import re
from html import unescape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.errors import Problems, UnknownName
from terp.plan import MoneyFlow, plan_of
from terp.plan.reason_codes import Code
from terp.views.brief import as_brief
from terp.views.brief.paper_rows import assumptions, constraints, decisive, felt, lost, runner_up
from terp.views.figures.plan_charts import effect_at
from terp.views.figures.sankey import sankey
from terp.views.messages import Language
from terp.views.text.plan_text import as_text

PLAN = json.loads((Path(__file__).parent / "data" / "plan-netherlands.json").read_text("utf-8"))  # made by the planner
YEARS = [
    {"year": 2027 + at, "seed": 1 + at, "gpu_utilisation_fraction": use, "gpu_hours": 23.1e6, "electricity_eur": 3.4e6}
    for at, use in enumerate((0.83, 0.84, 0.82, 0.85, 0.81))
]
PLAN["frontier"][0]["simulated"] = {
    "years_count": 5, "seeds": [1, 2, 3, 4, 5], "gpu_utilisation_fraction": 0.83, "mean_pue": 1.093,
    "facility_energy_j_per_year": 1.05e14, "carbon_kg_per_year": 5.2e6, "node_failures_per_year": 812.4,
    "mean_wait_s": 5_400.0, "p95_wait_s": 31_000.0, "gpu_hours_per_year": 23.1e6,
    "science": {"medicine": 21e6, "climate": 22e6, "cybersecurity": 14e6}, "by_year": YEARS,
}  # fmt: skip
PLAN["best"] = PLAN["frontier"][0]


def brief(document, lang="en"):
    return as_brief(plan_of(document), lang)


def text_of(document):
    return as_text(plan_of(document))


PAGES = {lang: brief(PLAN, lang) for lang in ("en", "nl")}


def changed(**keys):
    """The plan with other values.  Its frontier's first machine is its best, so `best` is changed there."""
    plan = {**copy.deepcopy(PLAN), **keys}
    if plan["frontier"]:
        plan["best"] = plan["frontier"][0]
    return plan


def words(page):
    """What a reader sees: no markup, entities as characters, any space as a blank."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)))


def parsed(figure):
    return ET.fromstring(figure)  # noqa: S314 (our own figures)


def figures(page):
    return re.findall(r"<svg.*?</svg>", page, re.DOTALL)


def amounts(figure):
    """Stage -> sum of its bars."""
    found = {}
    for element in parsed(figure).iter():
        if "data-eur" in element.attrib:
            stage = element.attrib["data-stage"]
            found[stage] = found.get(stage, 0.0) + float(element.attrib["data-eur"])
    return found


def bare():
    """A plan with nothing in any of its lists, and null wherever null may be."""
    plan = changed(payers=[], cash_flow=[], flows=[], rejected=[], binding=[], sensitivity=[])
    plan |= {"assumptions": [], "sources": {}, "caveats": [], "caveat_codes": []}
    plan["budget"] |= {"notes": [], "domains": {}, "domain_titles": {}, "money_eur": None}
    del plan["frontier"][1:]
    plan["best"] |= {"simulated": None, "rank": None, "ranks": [], "costs": [], "checks": [], "science": {}, "access": {}}
    plan["best"] |= {"first_science": ""}
    plan["robustness"] |= {"wins": [], "reserves": []}
    return plan


# ---- identities of the fixture: what the contract promises


def test_the_sums_of_the_fixture_hold():
    """Pin of the data, not of the planner: lines, payers, flows and cash all sum to the total cost of ownership."""
    best = PLAN["best"]
    assert PLAN["frontier"][0] == best
    for machine in PLAN["frontier"]:
        assert sum(cost["eur"] for cost in machine["costs"]) == pytest.approx(machine["tco_eur"])
    for rows, key in ((PLAN["payers"], "pays_eur"), (PLAN["flows"], "eur"), (PLAN["cash_flow"], "eur")):
        assert sum(row[key] for row in rows) == pytest.approx(best["tco_eur"])
    assert sum(PLAN["budget"]["domains"].values()) == pytest.approx(1)
    assert {row["source"] for row in PLAN["assumptions"]} - {""} <= set(PLAN["sources"])


# ---- the page holds the plan


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_it_holds_every_machine_payer_assumption_source_and_reason(lang):
    language, seen, plan = Language(lang), words(PAGES[lang]), plan_of(PLAN)
    said = [
        *(language.sentence(machine.called) for machine in plan.machines),
        *(language.sentence(row.reason).removesuffix(".") for row in plan.rejected),
        *(language.title(row.of.node_label) for row in plan.rejected),
        *(language.plain(row.title) for row in (*plan.assumptions, *plan.sensitivity[:12])),
        *(language.sentence(caveat) for caveat in plan.caveats),
        *(language.title(payer.title) for payer in plan.payers),
    ]
    assert [words for words in said if words.lower() not in seen.lower()] == []
    for key, source in PLAN["sources"].items():
        assert " ".join(source["title"].split()) in seen
        assert key in seen
        assert not source["address"] or f'href="{source["address"].replace("&", "&amp;")}"' in PAGES[lang]


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_every_assumed_number_of_a_table_bears_the_mark(lang):
    assumed = sum(row["status"] == "assumed" for row in PLAN["assumptions"])
    rows = re.findall(r"<tr.*?</tr>", PAGES[lang], re.DOTALL)
    marked = [row for row in rows if 'class="assumed"' in row]
    in_map = [row for row in rows if 'class="is-assumed"' in row]
    assert len(in_map) == assumed
    assert set(in_map) <= set(marked)
    lines = sum(cost["status"] == "assumed" for cost in PLAN["best"]["costs"])
    rows_of_inputs = plan_of(PLAN).sensitivity  # the annex has those that are felt, the paper those that decide
    inputs = sum(row.status == "assumed" for row in (*felt(rows_of_inputs), *decisive(rows_of_inputs)[:8]))
    amount = sum(row["name"] == "payers.state.amount" for row in PLAN["assumptions"] if row["status"] == "assumed")
    reserve = 1  # the one that is planned
    assert len(marked) == assumed + lines + inputs + amount + reserve


def test_the_mark_goes_with_the_assumption():
    plan = changed()
    for row in (*plan["assumptions"], *plan["sensitivity"], *plan["best"]["costs"]):
        row["status"] = "published"
    assert brief(plan, "en").count('<sup class="assumed"') == 2  # the legend, twice


# ---- figures


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_figures_are_well_formed_and_named(lang):
    found = figures(PAGES[lang])
    large = [figure for figure in found if 'role="img"' in figure]
    assert len(large) == 2 * 8  # for screens and paper, and for telephones
    for figure in found:
        root = parsed(figure)
        assert root.get("aria-label") or root.get("aria-hidden") == "true"
        assert re.search(r"\bnan\b", figure) is None


def test_the_stages_of_the_sankey_sum_to_the_same():
    found = amounts(next(figure for figure in figures(PAGES["en"]) if "data-stage" in figure))
    assert set(found) == {"payer", "class", "line"}
    assert list(found.values()) == [pytest.approx(PLAN["best"]["tco_eur"])] * 3


FLOW = st.builds(MoneyFlow, st.sampled_from("ab<"), st.sampled_from("cd"), st.sampled_from("efghij"), st.floats(0.01, 1e9))


@settings(max_examples=60, deadline=None)
@given(st.lists(FLOW, min_size=1, max_size=12))
def test_any_flows_keep_their_sums_and_their_bars_apart(flows):
    styles = {flow.payer: "bar-0" for flow in flows}
    figure = sankey(flows, lambda _, key: key, styles, str, "money")
    assert list(amounts(figure).values()) == [pytest.approx(sum(flow.eur for flow in flows))] * 3
    bars = {}
    for element in parsed(figure).iter():
        if "data-eur" in element.attrib:
            bars.setdefault(element.attrib["data-stage"], []).append((float(element.get("y")), float(element.get("height"))))
    for stage in bars.values():
        ordered = sorted(stage)
        assert all(low + tall <= high + 0.2 for (low, tall), (high, _) in pairwise(ordered))


@pytest.mark.parametrize("figure", figures(PAGES["nl"]))
def test_labels_lie_within_the_frame_and_not_on_one_another(figure):
    """By an estimate of 6 units a character, under what fonts take; within one figure."""
    boxes = []
    width, height = (float(value) for value in parsed(figure).get("viewBox").split()[2:])
    for element in parsed(figure).iter("text"):
        if element.get("class") == "on":
            continue  # numbers within dots that may touch
        wide = 6 * len(element.text)
        shift = {"start": 0, "middle": wide / 2, "end": wide}[element.get("text-anchor")]
        left, base = float(element.get("x")) - shift, float(element.get("y"))
        boxes.append((left, base - 9, left + wide, base + 2, element.text))
    for index, one in enumerate(boxes):
        assert -1 <= one[0] <= one[2] <= width + 1, one
        assert 0 <= one[1] <= one[3] <= height, one
        for other in boxes[:index]:
            assert not (one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]), (one, other)


def test_the_effect_at_a_break_lies_on_the_line_between_the_ends():
    low, high = (0.5, 0.2), (4.0, -0.6)
    assert effect_at(0.5, low, high) == pytest.approx(0.2)
    assert effect_at(1.0, low, high) == pytest.approx(0.0)
    assert effect_at(2.0, low, high) == pytest.approx(-0.3)
    assert effect_at(0.25, low, high) is None
    assert effect_at(5.0, low, high) is None


def test_a_rank_below_500_is_said_and_drawn_at_the_bottom():
    plan = changed()
    plan["best"]["ranks"][-2] |= {"rank": 480, "rank_high": None}
    plan["best"]["ranks"][-1] |= {"rank": None, "rank_low": 490, "rank_high": None}
    assert "below 500" in brief(plan, "en")
    assert "onder 500" in brief(plan, "nl")


def test_inputs_that_nobody_feels_are_counted_and_not_shown():
    plan = changed()
    loud = next(row for row in plan["sensitivity"] if row["changes_at_ratio"] is not None)
    ends = {"low_ratio": 0.8, "high_ratio": 1.2, "objective_low_fraction": 0.001, "objective_high_fraction": -0.004}
    quiet = {key: value for key, value in {**loud, **ends}.items() if key not in ("title_code", "title_data")}
    plan["sensitivity"] = [
        loud,
        {**quiet, "title": "Price of a hinge", "changes_at_ratio": 3.0},
        {**quiet, "title": "Price of a screw", "changes_at_ratio": None},
        {**quiet, "title": "Price of a bolt", "changes_at_ratio": 1.01},
    ]
    seen = words(brief(plan, "en"))
    assert "2 more inputs move the objective by less than 0.5%" in seen
    assert "Price of a bolt" in seen
    assert '<td class="wrap">Price of a screw' not in brief(plan, "en")


def test_what_lost_for_one_reason_stands_in_one_row():
    plan = changed()
    first = plan["rejected"][0]
    plan["rejected"] += [{**first, "title_kind": {**first["title_kind"], "node_label": "Another of the kind"}}]
    page = brief(plan, "en")
    row = next(row for row in re.findall(r"<tr>.*?</tr>", page) if "Another of the kind" in row)
    assert first["title_kind"]["node_label"] in row
    assert words(page).count(first["reason"].removesuffix(".")) == 1
    groups = lost(plan_of(plan), Language("en"))
    assert sum(len(labels) for group in groups for _, labels in group.places) == len(plan["rejected"])


# ---- languages


def test_a_note_that_nobody_translated_is_marked_as_english():
    plan = changed()
    plan["budget"]["notes"] = ["Nobody has <yet> translated this."]
    assert '<li><span lang="en">Nobody has &lt;yet&gt; translated this.</span></li>' in brief(plan, "nl")
    assert "<li>Nobody has &lt;yet&gt; translated this.</li>" in brief(plan, "en")
    assert '<html lang="nl">' in PAGES["nl"]


ENGLISH = re.compile(r"(?<!-)\b(the|and|by|with|for|from|which|at|less|more|than|year|years|price)\b(?!-)", re.IGNORECASE)


def test_the_dutch_page_of_a_real_plan_has_no_english_but_where_it_says_so():
    """What stays English is notes and sources, in elements that say lang="en"; all else is free of English small words."""
    page = re.sub(r"<style>.*?</style>", "", PAGES["nl"], flags=re.DOTALL)
    page = re.sub(r'<(span|a)\b[^>]* lang="en">.*?</\1>', "", re.sub(r'<li id="source-.*?</li>', "", page, flags=re.DOTALL))
    assert [text for text in re.findall(r">([^<]+)<", page) if ENGLISH.search(unescape(text))] == []


def test_a_note_of_several_parts_is_translated_part_by_part():
    got = Language("nl").noted("so said <nobody>; no price was read")
    assert got == '<span lang="en">so said &lt;nobody&gt;</span>; er is geen prijs gevonden'


@pytest.mark.parametrize(
    ("call", "english", "dutch"),
    [
        (lambda a: a.money(204.5e6), "€204.5 million", "€ 204,5 miljoen"),
        (lambda a: a.money(-1.25e9), "\u2212€1.25 billion", "\u2212€ 1,25 miljard"),
        (lambda a: a.money(3.456), "€3.46", "€ 3,46"),
        (lambda a: a.money(71_000), "€71,000", "€ 71.000"),
        (lambda a: a.money(852_953), "€0.9 million", "€ 0,9 miljoen"),
        (lambda a: a.number(1528), "1,528", "1.528"),
        (lambda a: a.fixed(-0.04, 1), "0.0", "0,0"),
        (lambda a: a.percent(0.0415, 1, sign=True), "+4.2%", "+4,2%"),
        (lambda a: a.percent(-0.5), "\u221250%", "\u221250%"),
        (lambda a: a.quantity(3.82e6, "w"), "3.82 MW", "3,82 MW"),
        (lambda a: a.quantity(9870, "s"), "2.74 h", "2,74 uur"),
        (lambda a: a.month("2027-09"), "September 2027", "september 2027"),
        (lambda a: a.date("2025-10-03"), "3 October 2025", "3 oktober 2025"),
        (lambda a: a.large(38.94e12), "38.9 trillion", "38,9 biljoen"),
        (lambda a: a.value("0.075 .. 0.19 EUR/kWh"), "0.075 \u2013 0.19 EUR/kWh", "0,075 \u2013 0,19 euro per kWh"),
        (lambda a: a.value("2028-03", "month"), "March 2028", "maart 2028"),
        (lambda a: a.value(20e15, "bytes"), "20 PB", "20 PB"),
        (lambda a: a.value(None, "w"), "\u2013", "\u2013"),
    ],
)  # fmt: skip
def test_numbers_are_written_the_languages_way(call, english, dutch):
    for lang, expected in (("en", english), ("nl", dutch)):
        assert call(Language(lang)).replace("\u00a0", " ") == expected


def test_a_language_that_is_not_there_is_refused():
    with pytest.raises(UnknownName, match="language"):
        brief(PLAN, "de")


# ---- what may be missing, and what must not come in


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_a_plan_of_nothing_still_makes_a_paper_and_a_text(lang):
    page = brief(bare(), lang)
    assert "data-stage" not in page
    assert "None" not in words(page)
    assert Language(lang).text("sim_none") in words(page)
    assert "below 500" in text_of(bare())


def test_payers_without_a_bound_say_so():
    plan = changed()
    plan["budget"]["money_eur"] = None
    for payer in plan["payers"]:
        payer["amount_eur"] = None
    assert words(brief(plan, "en")).count("no bound") == len(plan["payers"])
    assert "may give at most" not in brief(plan, "en")


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_nothing_comes_from_outside(lang):
    page = PAGES[lang]
    assert re.search(r"<script|<link|<img|<iframe|@import|url\(|\bsrc=|srcset|javascript:", page) is None
    linked = set(re.findall(r'href="([^"#][^"]*)"', page))
    assert linked == {row["address"].replace("&", "&amp;") for row in PLAN["sources"].values() if row["address"]}
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_html_in_a_plan_is_text(lang):
    evil = '<script>alert("x")</script>&'

    def spoilt(data, key=""):
        if isinstance(data, dict):
            return {name: spoilt(value, name) for name, value in data.items()}
        if isinstance(data, list):
            return [spoilt(value, key) for value in data]
        free = {"title", "note", "site_title", "node_title", "node_label", "publisher", "gpu", "problem"}
        return evil if key in free and isinstance(data, str) else data

    page = brief(spoilt(PLAN), lang)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for figure in figures(page):
        parsed(figure)


def test_only_addresses_of_the_web_become_links():
    plan = changed()
    next(iter(plan["sources"].values()))["address"] = "javascript:alert(1)"
    assert "javascript:" not in brief(plan, "en")


# ---- a real plan


def test_the_paper_of_a_real_plan_says_what_a_reserve_buys_and_what_rent_costs():
    page, seen = brief(PLAN, "en"), words(brief(PLAN, "en"))
    rows = PLAN["robustness"]["reserves"]
    table = re.search(r'<table class="reserves">.*?</table>', page, re.DOTALL)[0]
    assert table.count("<tr") == len(rows) + 1
    for row in rows:
        cells = f"<td>{row['gpus_count']:,}</td><td>{row['science_fraction']:.0%}</td><td>{row['fits_fraction']:.0%}</td>"
        assert cells in table
    assert table.count('<tr class="best">') == 1
    rent = PLAN["rent_instead"]
    assert f"would cost {Language('en').money(rent['eur'])}".replace("\u00a0", " ") in seen


def test_every_assumption_of_a_real_plan_is_in_one_group_of_the_annex():
    groups = assumptions(plan_of(PLAN), Language("en"))
    names = [row.name for group in groups for _, _, _, row in group.rows]
    assert sorted(names) == sorted(row["name"] for row in PLAN["assumptions"])
    assert [group.name for group in groups] == ["money", "prices", "halls", "speed", "ours"]
    halls = next(group for group in groups if group.name == "halls")
    assert {site for site, _, _, _ in halls.rows} == set(PLAN["budget"]["site_titles"])
    assert not any(title.endswith(site) for site, title, _, _ in halls.rows)


def test_every_constraint_that_binds_is_in_the_table_of_checks():
    rows = constraints(plan_of(PLAN))
    assert {row.constraint for row in rows if row.bound} == {row["constraint"] for row in PLAN["binding"]}
    assert len(rows) == len(PLAN["best"]["checks"])


def test_a_design_that_wins_more_often_is_named():
    plan = changed()
    best = {key: plan["best"]["design"][key] for key in ("node", "node_label", "site_title")}
    best["place"] = plan["best"]["design"]["site"]
    other = {"node": "x", "node_label": "Another", "place": "groningen", "site_title": "Groningen, a new hall"}
    plan["robustness_fraction"] = 0.6
    plan["robustness"]["wins"] = [{"design_kind": best, "fraction": 0.6}, {"design_kind": other, "fraction": 0.4}]
    assert runner_up(plan_of(plan), Language("en")) == "The next is Another, Groningen (a new hall); it wins in 40%."
    plan["robustness"]["wins"][1]["fraction"] = 0.99
    assert runner_up(plan_of(plan), Language("en")).startswith("Another design wins more often")
    plan["robustness"]["wins"] = plan["robustness"]["wins"][:1]
    assert runner_up(plan_of(plan), Language("en")) == ""


# ---- the terminal


def test_the_text_fits_and_holds_the_answer():
    text = text_of(PLAN)
    assert max(map(len, text.splitlines())) <= 125
    best = PLAN["best"]
    for part in (best["title"], f"{best['gpus_count']:,}", best["first_science"], "best.yaml"):
        assert part in text
    for machine in PLAN["frontier"]:
        assert f"{machine['design']['node_label']}, {machine['design']['site_title'][:8]}" in text
    for payer in PLAN["payers"]:
        assert payer["title"] in text


def test_who_hardly_ever_wins_is_not_named():
    plan = changed()
    kinds = [
        {"node": name, "node_label": name, "place": "x", "site_title": "Somewhere"} for name in ("often", "rare", "rarer")
    ]
    shares = (0.006, 0.005, 0.001)
    plan["robustness"]["wins"] = [{"design_kind": of, "fraction": share} for of, share in zip(kinds, shares, strict=True)]
    text = text_of(plan)
    assert "rare" not in text
    assert "often, Somewhere 1%" in " ".join(text.split())


def test_the_text_of_a_real_plan_fits_two_screens_and_holds_reserves_and_rent():
    lines = text_of(PLAN).splitlines()
    assert max(map(len, lines)) <= 125
    assert len(lines) <= 80
    for row in PLAN["robustness"]["reserves"]:
        shown = rf"^ +{row['reserve_fraction']:.0%}(, as planned)? +{row['gpus_count']:,} +{row['science_fraction']:.0%} "
        assert any(re.match(shown, line) for line in lines)
    assert any("or rent" in line and "on demand" in line for line in lines)


def test_long_words_of_a_plan_do_not_break_the_width():
    plan = changed()
    long = "An extraordinarily long title of a thing that nobody would call so, " * 3
    for row in (*plan["payers"], *plan["sensitivity"], plan["budget"]):
        row["title"] = long
        row.pop("title_code", None)
    for row in plan["rejected"]:
        row["title_kind"] |= {"node_label": long}
    for machine in plan["frontier"]:
        machine["design"] |= {"node_label": long, "site_title": long}
    assert max(map(len, text_of(plan).splitlines())) <= 125


def test_at_most_five_sensitivities_and_eight_that_lost():
    plan = changed()
    text = text_of(plan)
    block = text[text.index("what would change it") :].split("\n\n")[0]
    assert len(block.splitlines()) == 6
    assert f"and {len(plan['rejected']) - 8} more" in text


# ---- the document


def test_a_plan_is_read_from_its_document_and_writes_the_same():
    plan = plan_of(PLAN)
    assert json.loads(json.dumps(plan.to_dict())) == PLAN
    assert plan == plan_of(PLAN)
    assert hash(plan) == hash(plan_of(PLAN))
    assert len(repr(plan)) < 200
    assert plan.best.why.code == Code.LEADS
    frontier = plan.frontier
    assert frontier.num_rows == len(PLAN["frontier"])
    assert frontier["tco_eur"].to_pylist() == [machine["tco_eur"] for machine in PLAN["frontier"]]
    assert all(check.met for check in plan.check())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plan: plan.pop("format"), "not a plan of this program"),
        (lambda plan: plan.pop("payers"), "payers"),
        (lambda plan: plan["frontier"][0].pop("tco_eur"), r"machines\.0\.tco_eur"),
        (lambda plan: plan["frontier"][0].update(tco_eur="much"), r"machines\.0\.tco_eur"),
    ],
)
def test_what_is_no_plan_is_refused_by_the_part(change, said):
    plan = changed()
    change(plan)
    with pytest.raises(Problems, match=said):
        plan_of(plan)
