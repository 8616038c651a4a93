"""A user's own GPU, of which only the data sheet is known: read beside what ships, and every verb answers for it.

The files are those of docs/howto/add-a-gpu.md, as they stand there.
"""

import json
import os
import re
from pathlib import Path

import pytest
from support import commands

import terp
from terp.catalogue import Accelerator, own_catalogue, read_catalogue, read_prices, use_own_catalogue
from terp.errors import Problems
from terp.physics.gpu.architectures import architecture_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "add-a-gpu.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w/.-]+\.yaml)`:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(params=["named", "unknown"])
def folder(request, tmp_path):
    """The files of the page; without the architecture in the second case, of which then the sheet alone is known."""
    for name, text in FILES.items():
        if request.param == "unknown" and "physics" in name:
            continue
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    budget = (ROOT / "budgets" / "netherlands-as-planned.yaml").read_text("utf-8")
    (tmp_path / "budget.yaml").write_text(budget + "\nchoices: {nodes: [zephyr-node]}\n", "utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def read_anew():
    """The environment is read once a process: each test reads its own."""
    yield
    own_catalogue.cache_clear()


@pytest.fixture
def own(folder, monkeypatch):
    """The same, read in this process."""
    monkeypatch.setenv("TERP_CATALOGUE", "")
    own_catalogue.cache_clear()
    use_own_catalogue(folder / "mine")
    return folder


def terp_on(folder, *words):
    done = commands.run("--catalogue", "mine", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_the_files_that_it_lists():
    listed = set(re.findall(r"^  ([\w/]+\.yaml) ", PAGE, re.MULTILINE))
    assert {f"mine/{name}" for name in listed} | {"zephyr.yaml"} == set(FILES)


def test_it_is_read_beside_what_ships(own):
    catalogue = read_catalogue()
    assert catalogue.part(Accelerator, "zephyr-z1").short_title == "Z1"
    assert catalogue.part(Accelerator, "h100-sxm-80gb").short_title == "H100"
    assert catalogue.provenance["accelerators.zephyr-z1.memory"].source == "zephyr-sheet"
    assert read_prices().of_part("zephyr-node") == "zephyr-node"
    known = architecture_of(catalogue.part(Accelerator, "zephyr-z1"))
    assert known.fitted == frozenset()
    assert known.name == ("zephyr" if (own / "mine" / "physics").exists() else "unknown")


def test_without_the_folder_nothing_of_it_is_known(own, monkeypatch):
    with_own = read_catalogue().digest
    use_own_catalogue(None)
    assert "zephyr-z1" not in read_catalogue().parts["accelerators"]
    assert read_catalogue().digest != with_own


def test_benchmarks_say_that_nothing_was_measured(own):
    machine = terp.machine(str(own / "zephyr.yaml"))
    for predict in (terp.predict.hpl, terp.predict.hpcg, terp.predict.mxp):
        assert "hpl-not-fitted" in [caveat.code for caveat in predict(machine).caveats]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["unknown"], indirect=True)
def test_every_verb_of_the_terminal_answers(folder):
    shown = json.loads(terp_on(folder, "show", "zephyr.yaml", "--json"))
    assert shown["gpus_count"] == 1024
    for benchmark, key in (("hpl", "rmax_flop_per_s"), ("hpcg", "hpcg_flop_per_s"), ("mxp", "mxp_flop_per_s")):
        told = json.loads(terp_on(folder, "predict", "zephyr.yaml", benchmark, "--json"))
        assert told[key] > 0
    words = ["--model", "llama-3.1-8b", "--seq", "8192", "--global-batch", "256", "--gpus", "64"]
    step = json.loads(terp_on(folder, "predict", "zephyr.yaml", "train", *words, "--json"))
    assert 0 < step["mfu_fraction"] < 0.68
    assert any("Z1" in caveat or "zephyr" in caveat or "unknown" in caveat for caveat in step["caveats"])
    run = json.loads(terp_on(folder, "simulate", "zephyr.yaml", "--days", "2", "--seed", "1", "--json"))
    assert run["jobs_completed_count"] > 0
    plan = json.loads(terp_on(folder, "plan", "budget.yaml", "--no-simulation", "--scenarios", "50", "--json"))
    assert {machine["design"]["node"] for machine in plan["frontier"]} == {"zephyr-node"}
    assert any("No work on Z1 was ever measured" in caveat for caveat in plan["caveats"])


@pytest.mark.slow
def test_a_plan_does_not_buy_what_nobody_measured():
    """Rubin is sold in the months of the Dutch budget, and turned away with the reason, not left out."""
    plan = terp.plan.purchase("netherlands-as-planned", simulation=False, scenarios=50).to_dict()
    reasons = {row["machine"]: row["reason"] for row in plan["rejected"]}
    assert "no work on its GPU was measured" in reasons["vera-rubin-nvl72-tray"]
    assert not any("rubin" in machine["design"]["node"] for machine in plan["frontier"])


def test_an_entry_that_ships_is_not_changed(folder, monkeypatch):
    monkeypatch.setenv("TERP_CATALOGUE", str(folder / "mine"))
    own_catalogue.cache_clear()
    sheet = FILES["mine/parts/accelerators.yaml"]
    (folder / "mine" / "parts" / "accelerators.yaml").write_text(sheet.replace("zephyr-z1:", "h100-sxm-80gb:"), "utf-8")
    with pytest.raises(Problems, match="h100-sxm-80gb: ships with Terp already") as caught:
        read_catalogue()
    assert "mine/parts/accelerators.yaml:" in str(caught.value)


def test_all_problems_of_all_files_are_told_at_once_with_their_place(folder, monkeypatch):
    mine = folder / "mine"
    monkeypatch.setenv("TERP_CATALOGUE", str(mine))
    own_catalogue.cache_clear()
    sheet = FILES["mine/parts/accelerators.yaml"]
    (mine / "parts" / "accelerators.yaml").write_text(sheet.replace('"900 W"', "900"), "utf-8")
    (mine / "parts" / "nodes.yaml").write_text(FILES["mine/parts/nodes.yaml"].replace("connectx-7", "conectx-7"), "utf-8")
    with pytest.raises(Problems) as caught:
        read_catalogue()
    told = str(caught.value)
    assert "accelerators.yaml:8:16: zephyr-z1.board_power: the unit is missing" in told
    assert "zephyr-node.adapter: no such part in adapters" in told
    assert "'connectx-7'" in told


def test_a_file_that_no_catalogue_has_is_told(folder, monkeypatch):
    (folder / "mine" / "parts" / "gpus.yaml").write_text("a: 1\n", "utf-8")
    monkeypatch.setenv("TERP_CATALOGUE", "")
    own_catalogue.cache_clear()
    with pytest.raises(Problems, match=r"gpus\.yaml: not a file of the catalogue"):
        use_own_catalogue(folder / "mine")
    assert os.environ["TERP_CATALOGUE"] == ""
    with pytest.raises(Problems, match="no such folder"):
        use_own_catalogue(folder / "yours")


def test_a_price_of_ones_own_takes_the_place_of_the_one_that_ships(folder, monkeypatch):
    own = "dgx-b200:\n  title: DGX B200\n  of: [dgx-b200]\n  price: {value: '480 kUSD', status: published, source: zephyr-sheet}\n"
    (folder / "mine" / "prices" / "nodes.yaml").write_text(f"{own}  dated: '2026-10'\n", "utf-8")
    monkeypatch.setenv("TERP_CATALOGUE", str(folder / "mine"))
    own_catalogue.cache_clear()
    assert read_prices().named("dgx-b200").price.amount == 480_000
    assert read_prices().named("dgx-h200").price.amount == 360_000
