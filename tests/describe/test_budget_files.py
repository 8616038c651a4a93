"""Budget files: what ships reads, and every mistake is told in one line, with its place and what would do."""

import re

import pytest

from terp.catalogue import read_prices
from terp.describe import read_budget, shipped_names
from terp.describe.budget import COST_CLASSES
from terp.errors import Problems, UnknownName

GOOD = """
kind: budget
name: good
title: "Good"
prices_of: "2026-06"
payers:
  state:
    title: "State"
    amount: "100 MEUR"
  europe:
    title: "Europe"
    amount: "50 MEUR"
    pays: [acquisition, operation]
    ceilings: {acquisition: 0.5, operation: 50 %}
    buys_access: true
    access_ceiling: 0.5
delivery: {from: "2027-06", until: "2028-03"}
vat: {rate: 0.21, on: host}
reserve: 5 %
programme: "10 MEUR"
sites:
  here:
    site: groningen
    hall: new
    power: "5 MW"
    pue_ceiling: 1.2
    electricity: "0.1 EUR/kWh"
    ready: "2027-09"
must: {storage: "20 PB", flash: "5 PB", european_nodes: 4 %}
want:
  domains: {medicine: 1, climate: 2}
  objective: science
choices: {nodes: [], spares: [0, 0.02]}
"""


def told_of(tmp_path, *changes):
    """What is said of the good file with pieces of its text replaced."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(Problems) as error:
        read_budget(str(tmp_path / "b.yaml"))
    return str(error.value).replace(f"{tmp_path}/", "").splitlines()


@pytest.mark.parametrize("name", shipped_names("budgets"))
def test_budgets_that_ship_read(name):
    written = read_budget(name)
    assert written.record.name == name
    assert written.provenance  # its numbers say who says them


@pytest.mark.parametrize("name", shipped_names("budgets"))
def test_numbers_in_shipped_budgets_have_a_source_or_a_range(name):
    written = read_budget(name)
    for path, entry in written.provenance.items():
        assert entry.source or entry.range_text, path
    for payer in written.record.payers:
        assert f"payers.{payer}.amount" in written.provenance
    for site in written.record.sites:
        assert {f"sites.{site}.power", f"sites.{site}.electricity"} <= set(written.provenance)


def test_the_four_stories_that_ship():
    millions = {}
    for name in shipped_names("budgets"):
        budget = read_budget(name).record
        millions[name] = sum(read_prices().euros(p.amount, budget.prices_of) for p in budget.payers.values()) / 1e6
    published = {"netherlands": 275.5, "netherlands-alone": 204.5, "netherlands-as-planned": 201.0, "gefion-like": 93.8}
    assert millions == pytest.approx(published, rel=0.001)


def test_the_good_file_is_good(tmp_path):
    (tmp_path / "b.yaml").write_text(GOOD)
    budget = read_budget(str(tmp_path / "b.yaml")).record
    assert budget.payers["state"].pays == list(COST_CLASSES)
    assert budget.payers["europe"].ceilings == {"acquisition": 0.5, "operation": 0.5}
    assert budget.operation_years_count == 5
    assert budget.reserve_fraction == pytest.approx(0.05)


ONE_LINE = [
    # shares of more than 100 %, wherever one can write them
    ("acquisition: 0.5", "acquisition: 120 %", "b.yaml:14:29: payers.europe.ceilings.acquisition: out of range, found '120 %'; at most 100 % would do"),
    ("acquisition: 0.5", "acquisition: 1.2", "b.yaml:14:29: payers.europe.ceilings.acquisition: out of range, found 1.2; at most 1 would do"),
    ("access_ceiling: 0.5", "access_ceiling: 150 %", "b.yaml:16:21: payers.europe.access_ceiling: out of range, found '150 %'; at most 100 % would do"),
    ("reserve: 5 %", "reserve: 100 %", "b.yaml:19:10: reserve: out of range, found '100 %'; less than 100 % would do"),
    ("rate: 0.21", "rate: 121 %", "b.yaml:18:13: vat.rate: out of range, found '121 %'; at most 100 % would do"),
    ("nodes: 4 %}", "nodes: 104 %}", "b.yaml:29:55: must.european_nodes: out of range, found '104 %'; at most 100 % would do"),
    ("[0, 0.02]", "[0, 1.02]", "b.yaml:33:34: choices.spares.1: out of range, found 1.02; at most 1 would do"),
    ("[0, 0.02]", "[0, 1]", "b.yaml:33:34: choices.spares.1: no node left to work, found 1; write a share below 1, such as 0.02"),
    # money
    ("100 MEUR", "100 million", "b.yaml:9:13: payers.state.amount: not an amount of money, found '100 million'; write a number and its currency, such as '64.1 MEUR' or '310 kUSD'"),
    ("10 MEUR", "96 MEUR", "b.yaml:20:12: programme: costs more than there is for it, found 96 MEUR; those who pay it have 95 MEUR without the reserve"),
    ("100 MEUR", "100,5 MEUR", "b.yaml:9:13: payers.state.amount: not an amount of money, found '100,5 MEUR'; write the number with one point and no comma, such as '64.1 MEUR' or '310 kUSD'"),
    ("100 MEUR", "100.000.000 EUR", "b.yaml:9:13: payers.state.amount: not an amount of money, found '100.000.000 EUR'; write the number with one point and no comma, such as '64.1 MEUR' or '310 kUSD'"),
    # payers
    ("operation: 50 %", "building: 50 %", "b.yaml:14:34: payers.europe.ceilings.building: a ceiling on what it does not pay, found building; add building to `pays`, or take the ceiling out"),
    ("operation: 50 %", "power: 50 %", "b.yaml:14:34: payers.europe.ceilings.power: not one of the known words, found 'power'; known: acquisition, building, operation, programme"),
    ('amount: "100 MEUR"', 'pays: [operation, building, programme]\n    amount: "100 MEUR"', "b.yaml:6:1: payers: nobody can pay all of the acquisition, found payers may pay 50 % of it; let another payer pay it"),
    ('amount: "100 MEUR"', 'pays: [acquisition, operation, programme]\n    amount: "100 MEUR"', "b.yaml:6:1: payers: nobody can pay all of the building, found no payer pays it; let another payer pay it"),
    # names
    ("objective: science", "objective: sience", "b.yaml:32:14: want.objective: not one of the known words, found 'sience'; did you mean 'science'?"),
    ("site: groningen", "site: groningn", "b.yaml:23:11: sites.here.site: no such site, found 'groningn'; did you mean 'groningen'?"),
    ("medicine: 1", "medecine: 1", "b.yaml:31:13: want.domains.medecine: no such domain in national, found 'medecine'; did you mean 'medicine'?"),
    ("want:\n", "want:\n  workload: nationl\n", "b.yaml:31:13: want.workload: no such workload, found 'nationl'; did you mean 'national'?"),
    ("nodes: [],", "nodes: [dgx-b2000],", "b.yaml:33:19: choices.nodes.0: no such node in the catalogue, found 'dgx-b2000'; did you mean 'dgx-b200'?"),
    ("hall: new", "hall: rented", "b.yaml:24:11: sites.here.hall: not one of the known words, found 'rented'; known: new, colocation, existing"),
    ("programme: ", "program: ", "b.yaml:20:1: program: unknown key, found 'program'; did you mean 'programme'?"),
    # places and months
    ("5 MW", "0 MW", "b.yaml:25:12: sites.here.power: a site without power, found 0 W; say what it can feed, such as '5 MW', or take it out"),
    ('until: "2028-03"', 'until: "2027-03"', "b.yaml:17:1: delivery: the delivery ends before it begins, found 2027-06 to 2027-03; swap the two months"),
    ('until: "2028-03"', 'until: "2028-13"', "b.yaml:17:36: delivery.until: not a month, found '2028-13'; write it as '2027-09'"),
    ('"2026-06"', '"2028-06"', "b.yaml:5:12: prices_of: prices from after the delivery, found 2028-06; use prices of 2028-03 or before, or a later delivery"),
    ('ready: "2027-09"', 'ready: "2028-09"', "b.yaml:21:1: sites: no site is ready by the end of the delivery, found 2028-09; let the delivery last until 2028-09 at least"),
    # what cannot be built
    ('flash: "5 PB"', 'flash: "50 PB"', "b.yaml:29:34: must.flash: more flash than storage in all, found 50 PB; storage, which flash is part of, is 20 PB"),
    ("pue_ceiling: 1.2", "pue_ceiling: 0.9", "b.yaml:26:18: sites.here.pue_ceiling: out of range, found 0.9; at least 1 would do"),
    ("nodes: [],", "nodes: [], gpu_caps: [0],", "b.yaml:33:33: choices.gpu_caps.0: a GPU without power, found 0; write shares of the makers' own cap, such as 0.85"),
    ("nodes: [],", "nodes: [], oversubscriptions: [100],", "b.yaml:33:41: choices.oversubscriptions.0: more than any fabric has, found 100; write 1 for none, 2 for half the links"),
    ("nodes: [],", "nodes: [], operation_years: [0, 3],", "b.yaml:33:40: choices.operation_years.0: out of range, found 0; 1 to 15 would do"),
    ("nodes: [],", "nodes: [], topologies: [dragonfly],", "b.yaml:33:35: choices.topologies.0: not one of the known words, found 'dragonfly'; known: rail-optimised-fat-tree, fat-tree"),
    ("nodes: [],", "nodes: [], topologies: [],", "b.yaml:33:34: choices.topologies: nothing to choose from, found []; name at least one"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), ONE_LINE, ids=[row[1].strip()[:40] for row in ONE_LINE])
def test_each_mistake_is_one_line(tmp_path, old, new, line):
    [told] = told_of(tmp_path, (old, new))
    place = r":\d+:\d+: "
    assert re.sub(place, ": ", told, count=1) == re.sub(place, ": ", line, count=1)


def test_places_are_those_of_the_file(tmp_path):
    assert told_of(tmp_path, ("acquisition: 0.5", "acquisition: 120 %"))[0].startswith("b.yaml:14:29: ")
    assert told_of(tmp_path, ("operation: 50 %", "building: 50 %"))[0].startswith("b.yaml:14:34: ")


def test_a_currency_without_a_rate(tmp_path):
    [told] = told_of(tmp_path, ("100 MEUR", "100 MXYZ"))
    assert told.startswith("b.yaml:9:13: payers.state.amount: a currency without a rate, found 'XYZ'; known: ")
    assert all(currency in told for currency in ("EUR", "DKK", "USD"))


def test_nobody_says_how_much_or_says_nothing(tmp_path):
    for amount, wrong in (("", "nobody says how much"), ('amount: "0 MEUR"', "there is no money")):
        changes = [('amount: "100 MEUR"', amount), ('amount: "50 MEUR"', amount), ('programme: "10 MEUR"\n', "")]
        [told] = told_of(tmp_path, *changes)
        assert told.endswith(f": payers: {wrong}; give at least one payer an amount")


def test_ceilings_may_come_to_more_than_all_together(tmp_path):
    text = GOOD.replace("pays: [acquisition, operation]", "pays: [acquisition, operation]").replace(
        "0.5, operation", "0.9, operation"
    )
    twice = text.replace(
        'amount: "100 MEUR"',
        'amount: "100 MEUR"\n    ceilings: {acquisition: 0.9}\n    buys_access: true\n    access_ceiling: 0.9',
    )
    (tmp_path / "b.yaml").write_text(twice)
    assert read_budget(str(tmp_path / "b.yaml")).record.payers["state"].ceilings == {"acquisition": 0.9}


def test_a_building_need_not_be_paid_where_none_is_built(tmp_path):
    text = GOOD.replace('amount: "100 MEUR"', 'amount: "100 MEUR"\n    pays: [acquisition, operation, programme]')
    (tmp_path / "b.yaml").write_text(text.replace("hall: new", "hall: colocation"))
    assert "building" not in read_budget(str(tmp_path / "b.yaml")).record.payers["state"].pays


def test_several_mistakes_are_told_at_once(tmp_path):
    fields = told_of(
        tmp_path, ("acquisition: 0.5", "acquisition: 120 %"), ("science", "sience"), ("reserve: 5 %", "reserves: 5 %")
    )
    assert [line.split(": ")[1] for line in fields] == ["payers.europe.ceilings.acquisition", "reserves", "want.objective"]
    names = told_of(
        tmp_path,
        ("5 MW", "0 MW"),
        ("site: groningen", "site: nowhere"),
        ("100 MEUR", "100 MXYZ"),
        ("medicine: 1", "magic: 1"),
        ("2026-06", "2029-06"),
    )
    assert [line.split(": ")[1] for line in names] == [
        "prices_of",
        "payers.state.amount",
        "sites.here.site",
        "sites.here.power",
        "want.domains.magic",
    ]


def test_a_budget_that_does_not_ship():
    with pytest.raises(UnknownName, match="netherlands"):
        read_budget("netherland")
