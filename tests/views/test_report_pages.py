"""`terp report` of everything: pages, formats, names that say none, tables that a spreadsheet may open, hostile titles."""

import csv
import json
import re

import pyarrow as pa
import pytest
from click.testing import CliRunner

import terp
from terp.errors import Problems, UnknownName
from terp.physics import machine_power, power_parts
from terp.predict import prediction_of
from terp.results.comparison import Case, compare
from terp.sweep import Comparison
from terp.views.cli.report import command
from terp.views.figures.forest import ForestRow, forest
from terp.views.report.formats.csv_tables import as_csv
from terp.views.report.formats.markdown_text import as_markdown
from terp.views.report.frame import Page, Rows, Words, as_page
from terp.views.report.frame.amounts import in_one_unit, percent
from terp.views.report.written import as_html_page, format_of, write_report

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def report(*words):
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)


def years(shift, spread):
    return {
        seed: {"mean_wait_s": 100.0 + spread * seed, "facility_energy_j": 3.6e9 + shift + 1e6 * seed} for seed in range(1, 7)
    }


@pytest.fixture(scope="module")
def comparison():
    """Energy moves by as much in every pair, waits at random."""
    noisy = years(-3.6e8, 1.0)
    for seed, year in noisy.items():
        year["mean_wait_s"] += (-1) ** seed * 40.0
    cases = [
        Case("base", "base", {"cap": ""}, {}, {}, years(0.0, 1.0), is_sweep=False),
        Case("<b>capped</b>", "capped", {"cap": "600 W"}, {}, {}, noisy, is_sweep=False),
    ]
    return Comparison(tuple(compare(cases)))


def test_a_machine_has_a_page_with_its_racks_fabric_and_power(tmp_path):
    gefion = terp.machine("gefion")
    path = gefion.report(tmp_path / "gefion.html")
    page = path.read_text("utf-8")
    for words in (
        "Racks and floor",
        "The fabric",
        "Where the power goes",
        "48 leaf switches",
        "32 spine switches",
        "bisection",
    ):
        assert words in page
    assert page.count('class="slots-') == 2 * gefion.nodes.racks_count  # in both widths
    assert page.count('class="rack"') == 2 * gefion.racks_count


@pytest.mark.parametrize("name", terp.names("machines"))
def test_every_machine_has_a_page_and_its_power_adds_up(name):
    machine = terp.machine(name)
    page = as_html_page(machine)
    assert not re.search(r"\bnan\b|None\b", page)
    parts, power = power_parts(machine), machine_power(machine)
    assert sum(part.expected_w for part in parts) == pytest.approx(power.expected_w)
    assert sum(part.rated_w for part in parts) == pytest.approx(power.rated_w)
    assert all(part.expected_w >= 0 and part.rated_w >= 0 for part in parts)


def test_a_comparison_has_what_is_told_apart_first(comparison):
    page = as_html_page(comparison)
    assert page.index("Told apart from chance") < page.index("Not told apart from chance")
    sure = page[page.index("Told apart from chance") : page.index("Not told apart from chance")]
    assert "energy at the meter" in sure
    assert "mean wait" not in re.sub(r"<svg.*?</svg>", "", sure, flags=re.DOTALL)
    assert "&lt;b&gt;capped" in page
    assert "<b>capped" not in page


def test_an_interval_beyond_the_axis_ends_in_an_arrow_and_the_dot_stays_within():
    rows = [
        ForestRow("sure", -0.05, (-0.06, -0.04), sure=True, note="-5 %"),
        ForestRow("wild", 3.0, (-2.0, 8.0), sure=False, note="+300 %"),
    ]
    figure = forest(rows, str, "t")
    width = float(re.search(r'viewBox="0 0 (\S+)', figure)[1])
    assert all(0 <= float(x) <= width for x in re.findall(r'\bc?x[12]?="([-\d.]+)"', figure))
    assert forest([], str, "t") == ""


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (("gefion", "hpl"), lambda: terp.predict.hpl("gefion")),
        (("gefion", "hpcg"), lambda: terp.predict.hpcg("gefion")),
        (("gefion", "train"), lambda: terp.predict.training("gefion", "llama-3.1-8b", seq=4096, global_batch=64, gpus=64)),
    ],
)
def test_a_prediction_that_was_kept_is_read_back_and_has_a_page(arguments, result, tmp_path):
    made = result()
    path = tmp_path / "kept.json"
    path.write_text(json.dumps(made.to_dict()))
    read = prediction_of(json.loads(path.read_text()), str(path))
    assert read.to_dict() == made.to_dict()
    done = report(path)
    assert done.output.strip() == str(tmp_path / "kept.html")
    assert "Where the time goes" in (tmp_path / "kept.html").read_text("utf-8")


@pytest.mark.parametrize("document", [{}, [], {"benchmark": "hpl"}, {"step_s": 1, "strategy": 3}, {"benchmark": ["hpl"]}, 7])
def test_what_is_no_prediction_is_refused(document):
    with pytest.raises(Problems):
        prediction_of(document, "x.json")


@pytest.mark.parametrize(
    ("out", "wanted", "format_"),
    [("a.html", None, "html"), ("a.pdf", None, "pdf"), ("a.PDF", "pdf", "pdf"), ("a.md", None, "md"), ("tables", "csv", "csv"),
     ("a.csv", None, "csv"), (None, None, "html"), (None, "md", "md")],
)  # fmt: skip
def test_a_name_or_an_option_says_the_format(out, wanted, format_):
    from pathlib import Path

    assert format_of(None if out is None else Path(out), wanted) == format_


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gefion", "-o", "rep.pdf", "--format", "html"), "the name says pdf"),
        (("gefion", "-o", "rep.docx"), "says no format"),
        (("gefion", "-o", "rep"), "says no format"),
        (("gefion", "--format", "pfd"), "did you mean 'pdf'"),
        (("gefon",), "did you mean 'gefion'"),
        (("nowhere/at/all",), "no folder, no file and no machine"),
        (("gefion", "--lang", "nl"), "English"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_line(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((Problems, UnknownName), match=re.escape(says)):
        report(*words)
    assert list(tmp_path.iterdir()) == []


def test_tables_go_into_a_folder_and_one_alone_into_a_file(comparison, tmp_path):
    written = write_report(terp.machine("gefion"), tmp_path / "tables", "csv")
    assert {path.name for path in written} == {"figures.csv", "bill.csv", "nodes.csv"}
    with (tmp_path / "tables" / "nodes.csv").open() as file:
        assert sum(1 for _ in csv.DictReader(file)) == 191
    write_report(comparison, tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text().startswith('"base_case"')
    with pytest.raises(Problems, match="do not go into one file"):
        write_report(terp.machine("gefion"), tmp_path / "gefion.csv")


def test_no_cell_of_a_table_is_a_formula():
    texts = ["=1+1", "+49 30", "-x", "@a", "\tb", "plain", "-1.5", None, "+2e3"]
    numbers = [-1.0, 2.0, None, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]
    rows = list(csv.DictReader(as_csv(pa.table({"text": texts, "number": numbers})).decode().splitlines()))
    assert [row["text"] for row in rows] == ["'=1+1", "'+49 30", "'-x", "'@a", r"'\tb", "plain", "-1.5", "", "+2e3"]
    assert rows[0]["number"] == "-1"


def test_markdown_has_the_words_and_tables_and_no_drawing(comparison):
    text = as_markdown(as_html_page(comparison))
    assert text.splitlines()[2].startswith("# ")
    assert "| energy at the meter [" in text
    assert re.search(r"^\|---\|", text, re.MULTILINE)
    assert "<" not in text.replace("<b>capped</b>", "")
    gefion = as_markdown(as_html_page(terp.machine("gefion")))
    assert "## Racks and floor" in gefion
    assert "viewBox" not in gefion


def test_bold_words_of_markdown_stand_by_their_full_stop_and_apart_from_words():
    text = as_markdown(
        "<p>It <b>ran </b>, so <code>terp report</code>.</p><div class='card'><b>7</b><span>GPUs</span></div>"
    )
    assert text == "It **ran**, so `terp report`.\n\n- **7** GPUs\n"
    assert as_markdown("<p><b>a</b><b>b</b> (<b>c</b>)</p>") == "**a** **b** (**c**)\n"


def test_nothing_of_a_title_reaches_a_page_raw():
    evil = "\x1b[2J\u202eabc\x07<script>alert(1)</script>\u2066"
    page = as_page(Page(evil, evil, evil, [Words(evil), Rows(evil, (evil, "b"), [(evil, evil)])]))
    assert CONTROL.search(page) is None
    assert "<script" not in page
    assert "\\x1b" in page


def test_a_column_has_one_unit():
    assert in_one_unit([1.2e9, 3.4e8, None], "w") == ("GW", ["1.20", "0.34", "\u2013"])
    assert in_one_unit([0.0], "s") == ("s", ["0.00"])
    assert in_one_unit([0.85, 0.9], "fraction") == ("%", ["85.0", "90.0"])
    assert percent(0.0131) == "1.3\u00a0%"
    assert percent(-0.00001, 1) == "0.0\u00a0%"
