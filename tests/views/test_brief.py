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

from terp.errors import UnknownName
from terp.views.brief import as_brief
from terp.views.brief.language import Language, read_texts
from terp.views.brief.rows import assumptions, constraints, decisive, runner_up
from terp.views.figures.plan_charts import effect_at
from terp.views.figures.sankey import sankey
from terp.views.text.plan_text import as_text

PLAN = json.loads((Path(__file__).parent / "data" / "plan.json").read_text("utf-8"))
PAGES = {lang: as_brief(PLAN, lang) for lang in ("en", "nl")}
FOLDER = Path(as_brief.__code__.co_filename).parent


REAL = json.loads((Path(__file__).parent / "data" / "plan-netherlands.json").read_text("utf-8"))  # made by the planner


def changed(**keys):
    return {**copy.deepcopy(PLAN), **keys}


def words(page):
    """What a reader sees: no markup, entities as characters, any space as a blank."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)))


def parsed(figure):
    return ET.fromstring(figure)  # noqa: S314 (our own figures)


def without_site(title):
    """A title where its site is told once for several."""
    sites = {machine["design"]["site_title"] for machine in PLAN["frontier"]}
    return next((title.removesuffix(f", {site}") for site in sites if title.endswith(f", {site}")), title)


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
    plan = changed(frontier=[], payers=[], cash_flow=[], flows=[], rejected=[], binding=[], sensitivity=[])
    plan |= {"assumptions": [], "sources": {}, "caveats": []}
    plan["budget"] |= {"notes": [], "domains": {}, "domain_titles": {}, "money_eur": None}
    plan["best"] |= {"simulated": None, "rank": None, "ranks": [], "costs": [], "checks": [], "science": {}, "access": {}}
    plan["best"] |= {"why": "", "first_science": ""}
    plan["robustness"]["wins"] = []
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
    language, seen = Language(lang), words(PAGES[lang])
    titles = [
        *(machine["title"] for machine in PLAN["frontier"]),
        *(lost["reason"].removesuffix(".") for lost in PLAN["rejected"]),
        *(without_site(row["title"]) for row in PLAN["rejected"]),
        *(without_site(row["title"]) for row in PLAN["assumptions"]),
        *(row["title"] for row in PLAN["sensitivity"]),
        *PLAN["caveats"],
    ]
    said = [language.sentence(title) for title in titles]
    assert [title for title in said if title.lower() not in seen.lower()] == []
    payers = [language.sentence(payer["title"]) for payer in PLAN["payers"]]
    assert [title for title in payers if title.lower() not in seen.lower()] == []
    for key, source in PLAN["sources"].items():
        assert source["title"] in seen
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
    rows_of_inputs = [*PLAN["sensitivity"], *decisive(PLAN["sensitivity"])]  # the annex has all, the paper those that decide
    inputs = sum(row["status"] == "assumed" for row in rows_of_inputs)
    limits = sum(check.get("status") == "assumed" for check in PLAN["best"]["checks"])
    amount = sum(row["name"] == "payers.state.amount" for row in PLAN["assumptions"] if row["status"] == "assumed")
    assert len(marked) == assumed + lines + inputs + limits + amount


def test_the_mark_goes_with_the_assumption():
    plan = changed()
    for row in (*plan["assumptions"], *plan["sensitivity"], *plan["best"]["costs"], *plan["best"]["checks"]):
        row["status"] = "published"
    assert as_brief(plan, "en").count('<sup class="assumed"') == 2  # the legend, twice


# ---- figures


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_figures_are_well_formed_and_named(lang):
    found = figures(PAGES[lang])
    large = [figure for figure in found if 'role="img"' in figure]
    assert len(large) == 8
    for figure in found:
        root = parsed(figure)
        assert root.get("aria-label") or root.get("aria-hidden") == "true"
        assert re.search(r"\bnan\b", figure) is None


def test_the_stages_of_the_sankey_sum_to_the_same():
    found = amounts(next(figure for figure in figures(PAGES["en"]) if "data-stage" in figure))
    assert set(found) == {"payer", "class", "line"}
    assert list(found.values()) == [pytest.approx(PLAN["best"]["tco_eur"])] * 3


FLOW = st.fixed_dictionaries({
    "payer": st.sampled_from("ab<"), "class": st.sampled_from("cd"), "line": st.sampled_from("efghij"),
    "eur": st.floats(0.01, 1e9),
})  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(FLOW, min_size=1, max_size=12))
def test_any_flows_keep_their_sums_and_their_bars_apart(flows):
    styles = {flow["payer"]: "bar-0" for flow in flows}
    figure = sankey(flows, lambda _, key: key, styles, str, "money")
    assert list(amounts(figure).values()) == [pytest.approx(sum(flow["eur"] for flow in flows))] * 3
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
    assert "below 500" in as_brief(plan, "en")
    assert "onder 500" in as_brief(plan, "nl")


def test_inputs_that_nobody_feels_are_counted_and_not_shown():
    plan = changed()
    quiet = {**plan["sensitivity"][-1], "objective_low_fraction": 0.001, "objective_high_fraction": -0.004}
    plan["sensitivity"] += [
        {**quiet, "title": "Price of a hinge", "changes_at_ratio": 3.0},
        {**quiet, "title": "Price of a screw", "changes_at_ratio": None},
        {**quiet, "title": "Price of a bolt", "changes_at_ratio": 1.01},
    ]
    seen = words(as_brief(plan, "en"))
    assert "2 more inputs move the objective by less than 0.5%" in seen
    assert "Price of a bolt" in seen
    assert '<td class="wrap">Price of a screw' not in as_brief(plan, "en")


def test_what_lost_for_one_reason_stands_in_one_row():
    plan = changed()
    plan["rejected"] += [{**plan["rejected"][0], "title": "Another of the kind"}]
    page = as_brief(plan, "en")
    first = plan["rejected"][0]
    row = next(row for row in re.findall(r"<tr>.*?</tr>", page) if "Another of the kind" in row)
    assert without_site(first["title"]) in row
    assert words(page).count(Language("en").sentence(first["reason"]).removesuffix(".")) == 1


# ---- languages


def leaves(data, path=()):
    if isinstance(data, dict):
        return set().union(*(leaves(value, (*path, key)) for key, value in data.items()))
    return {path}


def test_both_languages_have_the_same_keys_and_gaps():
    english, dutch = read_texts("en"), read_texts("nl")
    assert leaves(english) == leaves(dutch)
    for key, text in english["texts"].items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", dutch["texts"][key])), key


def test_every_text_is_used_and_every_text_asked_for_is_there():
    code = "".join(path.read_text("utf-8") for path in FOLDER.iterdir() if path.suffix in (".py", ".j2")).replace("'", '"')
    keys = set(read_texts("en")["texts"])
    asked = set(re.findall(r"\bt\(\"(\w+)\"", code)) | set(re.findall(r"\btext\(\s*\"(\w+)\"", code))
    made = ("axis_", "group_", "lost_")  # with what follows worked out
    assert {key for key in asked if key not in made} <= keys
    assert [key for key in keys if f'"{key}"' not in code and not key.startswith(made)] == []


def test_no_english_text_is_left_in_the_dutch_page():
    """All of our own texts of some words, with their gaps cut out, are absent; what the plan says in English is marked."""
    seen = words(re.sub(r'<span lang="en">.*?</span>', "", PAGES["nl"]))
    english, dutch = read_texts("en")["texts"], read_texts("nl")["texts"]
    left = []
    for key, text in english.items():
        for piece in re.split(r"{\w+}", text):
            part = piece.strip(" .,;:()")
            if len(part.split()) > 1 and part in seen and part not in dutch[key]:
                left.append((key, part))
    assert left == []
    assert '<html lang="nl">' in PAGES["nl"]


def test_a_sentence_that_nobody_translated_is_marked_as_english():
    plan = changed(caveats=["Nobody has <yet> translated this."])
    assert '<li><span lang="en">Nobody has &lt;yet&gt; translated this.</span></li>' in as_brief(plan, "nl")
    assert "<li>Nobody has &lt;yet&gt; translated this.</li>" in as_brief(plan, "en")


ENGLISH = re.compile(r"(?<!-)\b(the|and|by|with|for|from|which|at|less|more|than|year|years|price)\b(?!-)", re.IGNORECASE)


def test_the_dutch_page_of_a_real_plan_has_no_english_but_where_it_says_so():
    """What stays English is notes and sources, in elements that say lang="en"; all else is free of English small words."""
    page = re.sub(r"<style>.*?</style>", "", as_brief(REAL, "nl"), flags=re.DOTALL)
    page = re.sub(r'<(span|a)\b[^>]* lang="en">.*?</\1>', "", re.sub(r'<li id="source-.*?</li>', "", page, flags=re.DOTALL))
    assert [text for text in re.findall(r">([^<]+)<", page) if ENGLISH.search(unescape(text))] == []


def test_only_notes_and_sources_of_a_real_plan_stay_english():
    language = Language("nl")
    said = [
        *(machine[key] for machine in REAL["frontier"] for key in ("title", "why")),
        *(machine["design"][key] for machine in REAL["frontier"] for key in ("node_title", "site_title")),
        *(row["reason"].removesuffix(".") for row in REAL["rejected"]),
        *(row["title"] for row in (*REAL["rejected"], *REAL["assumptions"], *REAL["sensitivity"], *REAL["payers"])),
        *(row["design"] for row in REAL["robustness"]["wins"]), *REAL["caveats"], *REAL["budget"]["notes"],
    ]  # fmt: skip
    english = {sentence for sentence in said if 'lang="en"' in language.marked(sentence)}
    assert [sentence for sentence in english if ENGLISH.search(sentence)] == []


def test_a_note_of_several_parts_is_translated_part_by_part():
    got = Language("nl").noted("price of 2025-06, brought to 2026-06 by -8% a year; so said <nobody>; no price was read")
    assert got == (
        "prijs van juni 2025, naar juni 2026 gebracht met \u22128% per jaar; "
        '<span lang="en">so said &lt;nobody&gt;</span>; er is geen prijs gevonden'
    )


def test_a_gap_is_not_filled_with_english():
    """Else half a sentence would be Dutch, and none of it marked."""
    assert Language("nl").sentence("Money of the people with the keys") == "Money of the people with the keys"


def test_sentences_fill_their_gaps_and_translate_what_is_in_them():
    dutch = Language("nl")
    assert dutch.sentence("Takes 6.9 MW, and the hall feeds 1,204.5 MW.") == "Vraagt 6,9 MW, en de zaal levert 1.204,5 MW."
    got = dutch.sentence("No longer delivered after 2026-12; delivery is from 2027-06.")
    assert got == "Wordt na december 2026 niet meer geleverd; levering begint in juni 2027."
    kind = "HGX B300 server, direct liquid-cooled (8 x B300, generic), Groningen, a new hall"
    assert dutch.sentence(kind) == "HGX B300-server, vloeistofgekoeld (8 × B300, algemeen), Groningen, nieuwe rekenzaal"  # noqa: RUF001
    assert dutch.sentence("Something else") == "Something else"


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
        as_brief(PLAN, "de")


# ---- what may be missing, and what must not come in


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_a_plan_of_nothing_still_makes_a_paper_and_a_text(lang):
    page = as_brief(bare(), lang)
    assert "data-stage" not in page
    assert "None" not in words(page)
    assert Language(lang).text("sim_none") in words(page)
    assert "below 500" in as_text(bare())


def test_payers_without_a_bound_say_so():
    plan = changed()
    for payer in plan["payers"]:
        payer["amount_eur"] = None
    assert words(as_brief(plan, "en")).count("no bound") == 3
    assert "may give at most" not in as_brief(plan, "en")


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
        free = {"title", "reason", "why", "note", "site_title", "node_title", "publisher", "changes_to", "design", "gpu"}
        return evil if key in free and isinstance(data, str) else data

    page = as_brief(spoilt(PLAN), lang)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for figure in figures(page):
        parsed(figure)


def test_only_addresses_of_the_web_become_links():
    plan = changed()
    plan["sources"]["quote-b300"]["address"] = "javascript:alert(1)"
    assert "javascript:" not in as_brief(plan, "en")


# ---- a real plan


def test_the_paper_of_a_real_plan_says_what_a_reserve_buys_and_what_rent_costs():
    page, seen = as_brief(REAL, "en"), words(as_brief(REAL, "en"))
    rows = REAL["robustness"]["reserves"]
    table = re.search(r'<table class="reserves">.*?</table>', page, re.DOTALL)[0]
    assert table.count("<tr") == len(rows) + 1
    for row in rows:
        cells = f"<td>{row['gpus_count']:,}</td><td>{row['science_fraction']:.0%}</td><td>{row['fits_fraction']:.0%}</td>"
        assert cells in table
    assert table.count('<tr class="best">') == 1
    rent = REAL["rent_instead"]
    assert f"would cost {Language('en').money(rent['eur'])}".replace("\u00a0", " ") in seen


def test_every_assumption_of_a_real_plan_is_in_one_group_of_the_annex():
    groups = assumptions(REAL, Language("en"))
    names = [row["name"] for group in groups for _, _, row in group.rows]
    assert sorted(names) == sorted(row["name"] for row in REAL["assumptions"])
    assert [group.name for group in groups] == ["money", "prices", "halls", "speed", "ours"]
    halls = next(group for group in groups if group.name == "halls")
    assert {site for site, _, _ in halls.rows} == set(REAL["budget"]["site_titles"])
    assert not any(title.endswith(site) for site, title, _ in halls.rows)


def test_every_constraint_that_binds_is_in_the_table_of_checks():
    rows = constraints(REAL)
    assert {row["constraint"] for row in rows if row["bound"]} == {row["constraint"] for row in REAL["binding"]}
    assert len(rows) == len(REAL["best"]["checks"])


def test_a_design_that_wins_more_often_is_named():
    plan = copy.deepcopy(REAL)
    assert runner_up(plan, Language("en")).startswith("The next is")
    plan["robustness"]["wins"][1]["fraction"] = 0.99
    assert runner_up(plan, Language("en")).startswith("Another design wins more often")
    plan["robustness"]["wins"] = plan["robustness"]["wins"][:1]
    assert runner_up(plan, Language("en")) == ""


# ---- the terminal


def test_the_text_fits_and_holds_the_answer():
    text = as_text(PLAN)
    assert max(map(len, text.splitlines())) <= 125
    best = PLAN["best"]
    for part in (best["title"], f"{best['gpus_count']:,}", best["first_science"], "71%", "best.yaml"):
        assert part in text
    for machine in PLAN["frontier"]:
        assert f"{machine['gpu']}, {machine['design']['site_title'][:12]}" in text
    for payer in PLAN["payers"]:
        assert payer["title"] in text


def test_who_hardly_ever_wins_is_not_named():
    plan = changed()
    plan["robustness"]["wins"] += [{"design": "A rare one", "fraction": 0.005}, {"design": "A rarer", "fraction": 0.001}]
    plan["robustness"]["wins"][1]["fraction"] = 0.006
    text = as_text(plan)
    assert "A rare" not in text
    assert f"{plan['robustness']['wins'][1]['design']} 1%" in " ".join(text.split())


def test_the_text_of_a_real_plan_fits_two_screens_and_holds_reserves_and_rent():
    lines = as_text(REAL).splitlines()
    assert max(map(len, lines)) <= 125
    assert len(lines) <= 80
    for row in REAL["robustness"]["reserves"]:
        shown = rf"^ +{row['reserve_fraction']:.0%}(, as planned)? +{row['gpus_count']:,} +{row['science_fraction']:.0%} "
        assert any(re.match(shown, line) for line in lines)
    assert any("or rent" in line and "on demand" in line for line in lines)


def test_long_words_of_a_plan_do_not_break_the_width():
    plan = changed()
    for row in (*plan["frontier"], *plan["rejected"], *plan["payers"], *plan["sensitivity"], plan["budget"], plan["best"]):
        row["title"] = "An extraordinarily long title of a thing that nobody would call so, " * 3
    for row in plan["rejected"]:
        row["reason"] = "Far too many words. " * 20
    for row in plan["sensitivity"]:
        row["changes_to"] = "another design " * 9
    assert max(map(len, as_text(plan).splitlines())) <= 125


def test_at_most_five_sensitivities_and_eight_that_lost():
    plan = changed(rejected=PLAN["rejected"] * 3)
    text = as_text(plan)
    assert sum(row["title"][:36] in text for row in PLAN["sensitivity"]) == 5
    assert "and 22 more" in text
