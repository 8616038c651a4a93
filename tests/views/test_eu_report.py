"""The EU's yearly report: every point of the annexes, by the regulation's formulas, and the command that writes it."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from terp.catalogue import hourly, read_catalogue
from terp.describe import Renewables, read_machine, read_site, read_workload
from terp.hardware import build_machine
from terp.physics import cooling_degree_days
from terp.results import save_run
from terp.simulate import eu_report, year
from terp.views.cli.report import command

ROOT = Path(__file__).parents[2]
POINTS = {  # eu-2024-1364, in its order: Annex II section 1 has letters a to r, sections 2 and 3 two and four
    "I.1": "abcde", "I.2": "ab", "II.1": "abcdefghijklmnopqr", "II.2": "ab", "II.3": "abcd",
}  # fmt: skip
UNITS = {
    "PDIT": "kW", "SDC": "m2", "SCR": "m2", "EDC": "kWh", "EDC-BG": "kWh", "EIT": "kWh", "CBtG": "kW", "WIN": "m3",
    "WIN-POT": "m3", "EREUSE": "kWh", "TWH": "degC", "CDD": "degree-days", "ERES-TOT": "kWh", "ERES-GOO": "kWh",
    "ERES-PPA": "kWh", "ERES-OS": "kWh", "CSTOR": "PB", "BIN": "GB/s", "BOUT": "GB/s", "TOUT": "EB",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(catalogue):
    """A liquid-cooled machine in a hall with warm water that a network takes, and some renewable energy."""
    machine = build_machine(read_machine("el-dorado"), catalogue)
    site = read_site("groningen-warm")
    bought = Renewables(guarantees="0.5", agreements="0.2")
    site = dataclasses.replace(site, record=site.record.model_copy(update={"renewables": bought}))
    return year(machine, site=site, workload=read_workload("national"), days=3, seed=1)


@pytest.fixture(scope="module")
def report(run):
    return eu_report(run)


def by_symbol(report):
    return {item["symbol"]: item for item in report["items"] if item["point"].startswith("II.1")}


def test_every_point_of_the_annexes_is_there_in_order(report):
    found = list(dict.fromkeys(item["point"] for item in report["items"]))
    assert found == [f"{section}({letter})" for section, letters in POINTS.items() for letter in letters]
    assert [item["point"] for item in report["indicators"]] == [f"III({letter})" for letter in "abcd"]


def test_units_are_those_of_the_regulation(report):
    for item in report["items"]:
        if item["symbol"] in UNITS:
            assert item["unit"] == UNITS[item["symbol"]], item["symbol"]
    assert [item["unit"] for item in report["indicators"]] == ["", "m3/MWh", "", ""]


def test_values_are_there_just_where_they_are_known(report):
    for item in [*report["items"], *report["indicators"]]:
        assert (item["value"] in (None, [])) == (item["known"] == "not declared"), item["point"]


def test_every_item_that_is_missing_names_a_key_that_gives_it(run, report):
    """The keys are those of a site file: each is taken by the reader, and the item is then known."""
    missing = {item["point"] + item["symbol"]: item["key"] for item in report["items"] if item["value"] in (None, [])}
    assert all(missing.values())
    said = {
        "owner": "a foundation", "municipality": "GM0014", "centre": "colocation", "in_operation": "2026-10",
        "electrical_redundancy": "N+1", "cooling_redundancy": "N+1", "backup_energy": "3 MWh", "grid_functions": ["reserve"],
        "grid_battery": "200 kW", "potable": 0.5, "server_capacity": 1000, "rate_in": "400 Gb/s", "rate_out": "400 Gb/s",
        "data_in": "3 PB", "data_out": "2 PB",
    }  # fmt: skip
    asked = {key.removeprefix("declared.") for key in missing.values() if key.startswith("declared.")}
    assert asked <= set(said)
    shipped = read_site("groningen-warm")
    data = {**shipped.tree.mapping, "declared": said}
    site = read_site(data).record
    origin = {**run.origin, "declared": site.declared.model_dump()}
    full = eu_report(dataclasses.replace(run, origin=origin))
    items = {item["point"] + item["symbol"]: item for item in full["items"]}
    for point, key in missing.items():
        if key.startswith("declared."):
            assert items[point]["known"] == "declared", point
    assert items["II.1(d)EDC-BG"]["value"] == pytest.approx(3000)
    assert items["II.3(a)BIN"]["value"] == pytest.approx(50)
    assert items["II.1(i)WIN-POT"]["value"] == pytest.approx(0.5 * items["II.1(h)WIN"]["value"])


def test_what_is_declared_is_no_input_of_a_run(run):
    """A declaration changes nothing that is simulated, so runs with and without one are years of one case."""
    from terp.simulate.account.origin import digests_of

    machine, workload = build_machine(read_machine("gefion"), read_catalogue()), read_workload("national")
    shipped = read_site("groningen")
    declared = read_site({**shipped.tree.mapping, "declared": {"owner": "a foundation"}})
    assert digests_of(machine, shipped, workload) == digests_of(machine, declared, workload)


def test_the_page_says_what_is_missing_and_which_key_gives_it(report):
    from terp.views.report.eu.eu_page import eu_html

    page = eu_html(report)
    for item in report["items"]:
        if item["value"] in (None, []):
            assert item["key"] in page
    assert "What is missing" in page


def test_items_are_the_run_in_the_units_of_the_regulation(run, report):
    items = by_symbol(report)
    assert items["EDC"]["value"] == pytest.approx(run.summary["facility_energy_j"] / 3.6e6)
    assert items["EIT"]["value"] == pytest.approx(run.summary["it_energy_j"] / 3.6e6)
    assert items["EREUSE"]["value"] == pytest.approx(run.summary["reused_heat_j"] / 3.6e6)
    assert items["EREUSE"]["value"] > 0
    assert items["PDIT"]["value"] == pytest.approx(run.origin["power"]["rated_w"] / 1000)
    assert items["TWH"]["value"] == 42
    assert items["ERES-TOT"]["value"] == pytest.approx(0.7 * items["EDC"]["value"])
    kinds = sum(items[symbol]["value"] for symbol in ("ERES-GOO", "ERES-PPA", "ERES-OS"))
    assert kinds == pytest.approx(items["ERES-TOT"]["value"])


def test_indicators_follow_annex_iii(run, report):
    items, values = by_symbol(report), {item["symbol"]: item["value"] for item in report["indicators"]}
    assert values["PUE"] == pytest.approx(items["EDC"]["value"] / items["EIT"]["value"])
    assert values["PUE"] == pytest.approx(run.summary["mean_pue"])
    assert values["WUE"] == pytest.approx(items["WIN"]["value"] / (items["EIT"]["value"] / 1000))
    assert values["WUE"] == pytest.approx(run.summary["mean_wue_kg_per_j"] * 3.6e6)  # m3 a MWh are litres a kWh
    assert values["ERF"] == pytest.approx(run.summary["energy_reuse_fraction"])
    assert values["REF"] == pytest.approx(0.7)


def test_who_must_report_and_how_large_it_is(run, report):
    assert report["must_report"]
    for rated_w, size, must in ((9e4, "below 100 kW", False), (4.9e5, "very small", False), (5e5, "small", True),
                                (1.5e6, "medium", True), (2e6, "large", True), (2e7, "very large", True)):  # fmt: skip
        origin = {**run.origin, "power": {**run.origin["power"], "rated_w": rated_w}}
        other = eu_report(dataclasses.replace(run, origin=origin))
        assert (other["size"], other["must_report"]) == (size, must)


def test_a_longer_run_reports_its_first_calendar_year(run):
    hours = pa.concat_tables([run.hours.arrow] * 123)  # 369 days
    long = dataclasses.replace(run, hours=hours, summary={**run.summary, "days": 369})
    report = eu_report(long)
    assert (report["from"], report["to"], report["whole_year"]) == ("2024-01-01", "2024-12-31", True)
    year_of_365 = dataclasses.replace(run, hours=hours.slice(0, 365 * 24), summary={**run.summary, "days": 365})
    short = eu_report(year_of_365)
    assert (short["to"], short["whole_year"]) == ("2024-12-30", True)
    assert "365 days" in short["year_rule"]
    assert eu_report(run)["whole_year"] is False
    once = by_symbol(eu_report(run))["EDC"]["value"]
    assert by_symbol(report)["EDC"]["value"] == pytest.approx(122 * once)


def test_degree_days_are_of_the_site_s_air(run):
    """A series 10 K warmer than Aarhus has some; a site without a series says that it has none."""
    warm = hourly("dry-bulb-aarhus").values[4000:4072] + 10
    index = run.hours.column_names.index("dry_bulb_celsius")
    hours = run.hours.arrow.set_column(index, "dry_bulb_celsius", pa.array(warm))
    item = by_symbol(eu_report(dataclasses.replace(run, hours=hours)))["CDD"]
    assert item["value"] == pytest.approx(cooling_degree_days(warm))
    assert item["value"] > 0
    none = run.hours.arrow.set_column(index, "dry_bulb_celsius", pa.nulls(72, pa.float64()))
    item = by_symbol(eu_report(dataclasses.replace(run, hours=none)))["CDD"]
    assert (item["value"], item["known"]) == (None, "not declared")


def test_a_hall_that_declares_nothing_says_so(gefion):
    report = eu_report(year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=1, seed=1))
    known = {item["symbol"] or item["point"]: item for item in report["items"]}
    assert known["CSTOR"]["value"] == pytest.approx(gefion.storage.usable_bytes / 1e15)
    assert "assumes" in known["CSTOR"]["note"]
    assert known["I.1(e)"]["value"] == "2024"
    assert "DK" in known["I.1(c)"]["note"]
    items = by_symbol(report)
    assert {items[symbol]["known"] for symbol in ("TWH", "SDC", "SCR")} == {"not declared"}
    assert (items["WIN"]["value"], items["WIN-POT"]["value"], items["EREUSE"]["value"]) == (0, 0, 0)
    assert {items[symbol]["known"] for symbol in ("ERES-TOT", "ERES-GOO", "ERES-PPA", "ERES-OS")} == {"not declared"}
    assert [item["value"] for item in report["indicators"]][1:] == [0, 0, None]


def test_the_command_writes_or_prints_it_and_a_new_run_takes_it_away(run, report, tmp_path):
    folder = tmp_path / "run"
    save_run(run, folder)
    asked = CliRunner().invoke(command, [str(folder), "--eu"])
    assert asked.output.split() == [str(folder / "eu-report.json"), str(folder / "eu-report.html")]
    written = json.loads((folder / "eu-report.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(report))
    printed = CliRunner().invoke(command, [str(folder), "--eu", "--json", "-o", str(tmp_path / "mine.json")])
    assert json.loads(printed.output) == json.loads((tmp_path / "mine.json").read_text("utf-8")) == written
    save_run(run, folder)
    assert not (folder / "eu-report.json").exists()
    assert not (folder / "eu-report.html").exists()
    assert CliRunner().invoke(command, [str(folder), "--json"]).exit_code == 2


def test_its_page_names_every_key_point_and_symbol(report):
    text = (ROOT / "docs" / "formats" / "eu-report.md").read_text("utf-8")
    named = set(re.findall(r"`([\w-]+)`", text))
    assert set(report) | set(report["items"][0]) <= named
    assert {item["symbol"] for item in [*report["items"], *report["indicators"]] if item["symbol"]} <= named
    assert {item["known"] for item in report["items"]} | {"not declared"} <= {*named, "not declared", "not simulated"}


def test_the_page_of_a_run_shows_heat_and_network(run):
    from terp.views.report import as_html
    from terp.views.text.summary_text import as_text

    assert "of heat handed on" in as_html(run)
    assert "for the network" in as_html(run)
    assert "heat reused" in as_text(run)
    assert np.isclose(run.summary["reused_heat_j"], run.hours.column("reused_heat_j").to_numpy().sum())
