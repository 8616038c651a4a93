"""`terp plan` as its users type it; each call is a process of its own."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support import commands
from support.small_plans import budget_of

from terp.plan.outcome.plan_folder import TABLES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "formats" / "plan.md").read_text("utf-8")
QUICK = ("--scenarios", 50, "--no-simulation")


def terp(*words, check=None, cwd=None):
    done = commands.run(*words, cwd=cwd)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


@pytest.fixture(scope="module")
def budget(tmp_path_factory):
    """The small budget with one kind of machine and one year."""
    folder = tmp_path_factory.mktemp("budget")
    budget_of(
        folder,
        operation_years=1,
        payers={"state": {"amount": "20 MEUR"}, "europe": {
            "title": "Europe", "amount": "4 MEUR", "pays": ["acquisition"], "ceilings": {"acquisition": 0.5},
            "buys_access": True}},
        sites={"copenhagen": None},
        choices={"nodes": ["hgx-b300-liquid"], "oversubscriptions": [2]},
    )  # fmt: skip
    return folder / "small.yaml"


@pytest.fixture(scope="module")
def planned(budget, tmp_path_factory):
    """A plan with its simulated years, in a folder, and what was printed."""
    folder = tmp_path_factory.mktemp("plans") / "deep" / "plan"
    done = terp("plan", budget, "-o", folder, "--json", "--scenarios", 60, "--workers", 1, check=0)
    return folder, json.loads(done.stdout)


# plan.json as its page has it


def cells(text):
    """Rows of the page's tables: key cell and description, a table at a time."""
    tables, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            key, told = (cell.strip() for cell in line.strip("|").split("|", 1))
            rows.append((re.findall(r"`([^`]+)`", key), told))
        elif rows:
            tables.append([row for row in rows if row[0]])
            rows = []
    return tables


def names_in(told):
    """Keys that a description gives to what stands under a key: those in back quotes within the first braces or list."""
    found = re.search(r"\{(.*)\}", told)
    return set(re.findall(r"`(\w+)`", found.group(1) if found else told))


def check_keys(data, table):
    assert set(data) == {key for keys, _ in table for key in keys}, "what is there, and what the page says is there"
    for keys, told in table:
        for key in keys:
            below = data[key][0] if isinstance(data[key], list) and data[key] else data[key]
            if (
                isinstance(below, dict)
                and key not in ("best", "frontier")
                and not key.endswith("_data")  # what fills the gaps of a sentence, by its code
                and not re.search(r"\{[a-z ]+: ", told.partition("`")[0])
            ):
                assert set(below) <= set(re.findall(r"`(\w+)`", told)), key


def test_json_is_data_alone_and_as_its_page_says(planned):
    _, document = planned
    whole, machine = cells(PAGE)
    check_keys(document, whole)
    check_keys(document["best"], machine)
    for one in document["frontier"]:
        assert set(one) == set(document["best"])
    told = next(text for keys, text in machine if "design" in keys)
    assert set(document["best"]["design"]) == names_in(told)
    assert document["format"] == "terp-plan/1"


def test_years_are_simulated(planned):
    _, document = planned
    for machine in document["frontier"]:
        years = machine["simulated"]
        assert (years["years_count"], years["seeds"]) == (1, [1])
        assert 0 < years["gpu_utilisation_fraction"] <= 1
        assert years["facility_energy_j_per_year"] == pytest.approx(machine["energy_j_per_year"], rel=0.1)
        assert sum(years["science"].values()) > 0


# The folder


def test_the_folder_is_whole(planned):
    folder, document = planned
    files = {machine["file"] for machine in document["frontier"]}
    tables = {f"{name}.parquet" for name in TABLES}
    assert {path.name for path in folder.iterdir()} == {
        "plan.json",
        "best.yaml",
        "workload.yaml",
        "brief.html",
        *files,
        *tables,
    }
    assert json.loads((folder / "plan.json").read_text("utf-8")) == document
    assert (folder / "best.yaml").read_text() == (folder / document["best"]["file"]).read_text()
    assert "<html" in (folder / "brief.html").read_text("utf-8")[:500]
    for name in TABLES:
        rows = pq.read_table(folder / f"{name}.parquet")
        wanted = sum(len(one["costs"]) for one in document["frontier"]) if name == "costs" else len(document[name])
        assert rows.num_rows == wanted, name
    costs = pq.read_table(folder / "costs.parquet").to_pylist()
    best = sum(row["eur"] for row in costs if row["machine"] == document["best"]["machine"])
    assert best == pytest.approx(document["best"]["tco_eur"], rel=1e-12)


def test_the_best_machine_is_a_file_for_the_other_verbs(planned):
    folder, document = planned
    best = folder / "best.yaml"
    assert f"{document['best']['gpus_count']}" in terp("show", best, check=0).stdout.replace(",", "")
    rate = terp("predict", best, "hpl", "--json", check=0).stdout
    assert str(document["best"]["rmax_flop_per_s"])[:8] in rate


def test_the_best_machine_is_simulated_as_it_is(budget, tmp_path):
    """One that is large enough for every job of the national workload."""
    text = budget.read_text().replace("20 MEUR", "130 MEUR").replace("0.45 MW", "4 MW")
    (tmp_path / "rich.yaml").write_text(text)
    terp("plan", tmp_path / "rich.yaml", "-o", tmp_path / "rich", *QUICK, check=0)
    assert terp("simulate", tmp_path / "rich" / "best.yaml", "--days", 3, "-o", tmp_path / "days", check=0).stdout


def test_a_machine_smaller_than_the_largest_jobs_is_simulated_with_the_workload_beside_it(planned, tmp_path):
    folder, document = planned
    assert document["best"]["gpus_count"] < 1024
    asked = ("--workload", folder / "workload.yaml", "--days", 3, "--json", "-o", tmp_path / "days")
    said = terp("simulate", folder / "best.yaml", *asked, check=0)
    summary = json.loads(said.stdout)
    assert set(summary["domains"]) >= set(document["budget"]["domains"])
    idle = [name for name, one in summary["domains"].items() if name not in document["budget"]["domains"] and one["gpu_s"]]
    assert idle == []


def test_an_earlier_plan_is_replaced_and_other_files_are_kept(budget, tmp_path):
    folder = tmp_path / "plan"
    terp("plan", budget, "-o", folder, *QUICK, check=0)
    before = {path.name for path in folder.iterdir()}
    (folder / "notes.txt").write_text("mine")
    (folder / "mine.yaml").write_text("mine")
    done = terp("plan", budget, "-o", folder, "--objective", "cost", "--force", *QUICK, check=0)
    assert str(folder / "brief.html") in done.stdout
    document = json.loads((folder / "plan.json").read_text())
    assert document["budget"]["objective"] == "cost"
    files = {machine["file"] for machine in document["frontier"]}
    after = {path.name for path in folder.iterdir()}
    assert {"notes.txt", "mine.yaml"} <= after
    machines = {name for name in after if name.endswith(".yaml")} - {"mine.yaml", "best.yaml", "workload.yaml"}
    assert machines == files, "machines of the earlier plan are gone"
    assert {name for name in before if name.endswith(".parquet")} <= after


# As text


def test_text_says_what_to_buy_and_how_sure(budget):
    done = terp("plan", budget, *QUICK, check=0)
    assert "HGX B300" in done.stdout
    assert "price scenarios" in done.stdout
    assert done.stderr == "", "no progress where nobody watches"
    assert max(len(line) for line in done.stdout.splitlines()) <= 125


# What goes wrong


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("no-such-budget",), 2, "no-such-budget"),
        (("netherland",), 2, "netherlands"),
        (("BUDGET", "--objective", "scienc"), 2, "did you mean 'science'"),
        (("BUDGET", "--sites", "groningn"), 2, "did you mean 'groningen'"),
        (("BUDGET", "--sites", ","), 2, "--sites names no site"),
        (("/no/such/file.yaml",), 2, "/no/such/file.yaml"),
        (("BUDGET", "--scenarios", "3"), 2, "--scenarios"),
        (("BUDGET", "--workers", "1", "--scheduler", "tcp://x:1"), 2, "--workers"),
    ],
)
def test_mistakes_end_with_2_and_say_what_would_do(budget, words, code, said):
    done = terp(
        "plan",
        *(budget if word == "BUDGET" else word for word in words),
        *(() if "--workers" in words else ("--no-simulation",)),
    )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_fits_ends_with_1(budget, tmp_path):
    text = budget.read_text().replace("20 MEUR", "2 MEUR").replace("4 MEUR", "1 MEUR")
    (tmp_path / "poor.yaml").write_text(text)
    done = terp("plan", tmp_path / "poor.yaml", "-o", tmp_path / "out", *QUICK)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no machine fits the money of EUR 3.0 million" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_way_is_left_alone(budget, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, said in (("own", "a folder with other files in it"), ("file", "is a file, not a folder")):
        done = terp("plan", budget, "-o", tmp_path / name, *QUICK)
        assert done.returncode == 2
        assert said in done.stderr
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["thesis.txt"]
    assert (tmp_path / "file").read_text() == "mine"
