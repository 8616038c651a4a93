"""Published purchases: the grade, that nothing graded was fitted to, and files of one's own."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from terp.catalogue import constants, read_prices
from terp.errors import Problems
from terp.physics import level_fraction
from terp.physics.money import price_uncertainty as deals
from terp.validate.grading.cases import published_file
from terp.validate.grading.split import groups_for_fitting
from terp.validate.systems.cost_grades import BASELINE_EUR, case_of, fit_level, fitted_to, grade_costs, scenarios_of
from terp.validate.systems.purchases import price_purchase, read_purchases
from terp.views.cli.validate import command

GRADED = {
    "gefion",
    "isambard-ai",
    "jupiter",
    "marenostrum5",
    "lumi",
    "leonardo",
    "hipergator-ai-2025",
    "it4lia",
}
OWN = """
mine:
  title: "A small machine"
  published: "3 MEUR"
  signed: "2024-09"
  covers: "eight nodes and a switch"
  gpus: 64
  extras:
    nodes: {price: dgx-h100, quantity: 8}
    switches: {price: qm9700, quantity: {value: 2, status: assumed, range: "1 .. 4"}}
"""


@pytest.fixture(scope="module")
def shipped():
    return read_purchases(published_file("costs", "cases.yaml"))


@pytest.fixture(scope="module")
def found():
    return grade_costs()


def test_the_bars_are_met_and_nothing_worsened(found):
    assert found.missed == ()
    assert not found.worsened
    assert found.inside_fraction == found.limits.held_inside_fraction
    assert found.grade.median_fraction < found.grade.baseline_fraction
    worse = replace(found, cases=tuple(replace(case, high_eur=case.low_eur) for case in found.cases))
    assert worse.worsened
    assert "inside" in worse.missed


def test_no_graded_purchase_is_fitted_to(found, shipped):
    assert {case.name for case in found.cases} == GRADED
    assert groups_for_fitting("costs").isdisjoint(GRADED)
    assert {case.name for case in found.fitted} == groups_for_fitting("costs")
    assert set(fitted_to(shipped)) == {"perlmutter", "vega", "meluxina", "karolina", "discoverer", "olivia"}
    graded = {price_purchase(shipped, name).source for name in GRADED} - {"gefion-press"}
    used = {entry.source for path, entry in read_prices().provenance.items() if path.endswith((".price", ".rate"))}
    assert used.isdisjoint(graded)


def test_the_constants_are_those_of_the_fit(shipped):
    level, exponent, spread = fit_level(shipped, fitted_to(shipped))
    known = constants(deals.DealConstants)
    assert level == pytest.approx(known.level_fraction, abs=0.005)
    assert exponent == pytest.approx(known.exponent_ratio, abs=0.005)
    assert spread == pytest.approx(known.spread_ratio, abs=0.01)


def test_frontier_gives_the_price_of_its_node_and_quotes_add_up(found):
    errors = {case.name: case.error_fraction for case in found.fitted}
    assert abs(errors["frontier"]) < 0.01
    assert max(abs(errors[name]) for name in ("h100-512", "h100-1024", "h100-32768")) < 0.01


def test_jupiter_is_the_one_that_is_missed_and_by_how_much(found):
    assert [case.name for case in found.cases if not case.inside] == ["jupiter"]
    [jupiter] = [case for case in found.cases if case.name == "jupiter"]
    assert jupiter.eur / jupiter.published_eur == pytest.approx(1.96, abs=0.1)


def test_lines_add_up_and_the_interval_holds_the_total(found):
    for case in (*found.cases, *found.fitted):
        assert sum(case.lines_eur.values()) == pytest.approx(case.eur)
        assert case.low_eur < case.eur < case.high_eur
        assert case.unpriced == ()


def test_what_is_not_negotiated_is_paid_in_full(shipped):
    leonardo = price_purchase(shipped, "leonardo")
    full, half = (case_of(leonardo, fitted=False), scenarios_of(leonardo, 0.0))
    assert full.lines_eur["staff"] + full.lines_eur["electricity"] == pytest.approx(leonardo.other_eur)
    assert half.mean() == pytest.approx(leonardo.other_eur, rel=0.1)
    assert full.level_fraction == level_fraction(leonardo.hardware_eur)


def test_lumi_is_priced_with_the_nodes_that_were_contracted(shipped):
    nodes = [line.cost for line in price_purchase(shipped, "lumi").lines if line.cost.line == "nodes"]
    assert [line.quantity_ratio for line in nodes] == [2560]


def test_ones_own_purchases(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    found = grade_costs(path)
    [case] = found.cases
    assert found.limits is None
    assert not found.worsened
    assert case.baseline_eur == 64 * BASELINE_EUR
    assert 1.5e6 < case.eur < 2.6e6
    ran = CliRunner().invoke(command, ["costs", "--cases", str(path), "--json"])
    assert ran.exit_code == 0
    data = json.loads(ran.output)
    assert data["cases"][0]["name"] == "mine"
    assert data["cases"][0]["predicted_eur"] == case.eur
    assert data["inside"] == case.inside


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("price: dgx-h100", "price: dgx-h1000", "neither a price nor a part"),
        ("3 MEUR", "3 MXXX", "currency without a rate"),
        ('range: "1 .. 4"', 'range: "3 .. 4"', "outside its range"),
        ("quantity: 8", "quantity: 0", "more than 0"),
        ("covers:", "cover:", "unknown key"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, old, new, told):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(Problems) as error:
        grade_costs(path)
    assert told in str(error.value)
    assert "own.yaml:" in str(error.value)
