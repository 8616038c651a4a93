"""The docs say what is: generated pages are current, and every command and example in them runs."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support import commands
from support.scripts import module_of

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")


def test_the_catalogue_page_is_current():
    assert (ROOT / "docs" / "catalogue.md").read_text("utf-8") == module_of("catalogue_page").page(), (
        "run scripts/catalogue_page.py"
    )


def test_the_machine_pages_are_current():
    pages = module_of("machine_pages").pages()
    held = {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "machines").glob("*.md")}
    assert held == pages, "run scripts/machine_pages.py"


def test_the_table_of_models_is_current():
    script = module_of("models_page")
    assert script.PAGE.read_text("utf-8") == script.page(), "run scripts/models_page.py"


def test_the_page_of_model_files_says_what_is(tmp_path, monkeypatch, capsys):
    """Its example is a file that reads, it names every key and every type of config, and its Python runs."""
    from terp.connect import MODEL_TYPES
    from terp.describe import Experts, Latent, Patches, StateSpace, TransformerModel, Window, read_model

    text = (ROOT / "docs" / "formats" / "model.md").read_text("utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "example.yaml").write_text(example)
    model = read_model(str(tmp_path / "example.yaml")).record
    assert model == read_model(model.name).record
    named = set(re.findall(r"`([\w.-]+)`", text))
    records = (TransformerModel, Experts, Latent, Patches, StateSpace, Window)
    assert {info.alias for record in records for info in record.model_fields.values()} - named == set()
    assert set(MODEL_TYPES) - named == set()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    config = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
              "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 128256}  # fmt: skip
    (tmp_path / "Llama-3.1-8B").mkdir()
    (tmp_path / "Llama-3.1-8B" / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out == "llama-3.1-8b 32 8\n"


TRAINING = module_of("training_pages")


@pytest.mark.slow
@pytest.mark.parametrize(
    "paths", [[TRAINING.THEORY, TRAINING.RUN[0]], TRAINING.RUN[1:]], ids=["of training", "of plans and the README"]
)
def test_the_pages_of_training_are_current(paths, monkeypatch):
    """The table of software, and what the commands of the tutorials of training and of plans and of the README print.

    The README prints a plan of the tutorial, which is made once.
    """
    monkeypatch.setattr(TRAINING, "TERP", commands.shim_text())
    for path in paths:
        assert path.read_text("utf-8") == TRAINING.page(path), "run scripts/training_pages.py"


@pytest.mark.slow
def test_documented_keys_are_those_of_a_training():
    """docs/formats/predict.md names every key of a step, a run and a search, docs/formats/validate.md those of the grade."""
    step = ["predict", "gefion", "train", "--model", "llama-3.1-8b", "--seq", "8192", "--global-batch", "64", "--gpus", "64"]
    asked = {
        "predict": ([*step, "--tokens", "1e12", "--gpu-hour", "2"], [*step, "--search"]),
        "validate": (["validate", "training"],),
    }
    for page, runs in asked.items():
        named = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "formats" / f"{page}.md").read_text("utf-8")))
        for words in runs:
            data = json.loads(commands.terp(*words, "--json").stdout)
            for names in ("groups", "refused", "by_class", "by_group"):  # keyed by sources, reasons and classes
                data.pop(names, None)
            assert keys_of(data) - named == set()


def keys_of(data):
    if isinstance(data, dict):
        return set(data) | set().union(*map(keys_of, data.values()))
    return set().union(*map(keys_of, data)) if isinstance(data, list) else set()


@pytest.mark.slow
def test_the_grade_page_is_current(monkeypatch):
    script = module_of("grade_page")
    for name, grades in commands.all_grades().items():
        monkeypatch.setattr(script, name, lambda grades=grades: grades)
    assert (ROOT / "docs" / "validation.md").read_text("utf-8") == script.text(), "run scripts/grade_page.py"


def run_all(text, folder):
    """Runs every command of a page in one folder, in order; how many there are."""
    path = f"{commands.shim(folder / 'bin')}:{os.environ['PATH']}"
    lines = [line[2:] for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for line in lines:
        environment = {**os.environ, "PATH": path, "TERP": str(ROOT)}
        done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    return len(lines)


@pytest.mark.slow
def test_every_command_of_the_page_of_sites_runs(tmp_path):
    """And its whole site is read, as a mapping too."""
    from terp import site

    text = (ROOT / "docs" / "howto" / "own-site.md").read_text("utf-8")
    assert run_all(text, tmp_path) == 6
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "example.yaml").write_text(example)
    assert site(tmp_path / "example.yaml").record.title == "Delft, the Netherlands"
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})  # noqa: S102


@pytest.mark.slow
def test_every_command_of_the_page_of_ways_runs(tmp_path):
    """And its Python."""
    text = (ROOT / "docs" / "howto" / "find-your-way.md").read_text("utf-8")
    assert run_all(text, tmp_path) == 10
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})  # noqa: S102


@pytest.mark.slow
def test_every_command_of_the_tutorial_runs(tmp_path):
    """In order, in one folder, as a reader would type them."""
    assert run_all(TUTORIAL, tmp_path) > 10
    assert (tmp_path / "runs" / "week" / "report.html").stat().st_size > 20_000


@pytest.mark.slow
def test_the_python_of_the_tutorial_runs():
    [code] = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    share, jobs = done.stdout.split()
    assert 0 < float(share) <= 1
    assert int(jobs) > 1000


@pytest.mark.slow
def test_every_command_of_the_operators_tutorial_runs(tmp_path):
    """The same commands on two days and two seeds: the page's numbers are of whole years, and take minutes."""
    text = (ROOT / "docs" / "tutorials" / "operations.md").read_text("utf-8")
    lines = [line[2:] for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 6
    for command in lines:
        words = re.sub(r"1\.\.\d+", "1..2", command.replace(" --days 90", ""))
        words += " --days 2 --workers 1" if " sweep " in words else ""
        done = commands.run(*shlex.split(words)[1:], cwd=tmp_path)
        assert done.returncode == 0, f"{words}\n{done.stderr}"


def test_the_example_of_a_policy_reads_and_every_key_is_named(tmp_path):
    from terp.describe import Account, Assign, Backfill, Limits, Partition, Policy, Priority, Qos, Reservation, read_policy

    text = (ROOT / "docs" / "formats" / "policy.md").read_text("utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "example.yaml").write_text(example)
    assert read_policy(str(tmp_path / "example.yaml")).record.qos["debug"].preempts == ["large"]
    named = set(re.findall(r"[a-z_]+", text))
    records = (Policy, Priority, Backfill, Account, Qos, Partition, Reservation, Limits, Assign)
    assert {info.alias for record in records for info in record.model_fields.values()} - named == set()


EXAMPLES = {
    "own_model_family": "MLP-Mixer L/16",
    "own_policy": "mean wait",
    "own_trace_format": "1 dropped",
    "sites-compare": "groningen",
}
"""What each example prints, among other things."""


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_run_and_are_short(path):
    assert len(path.read_text("utf-8").splitlines()) < 110
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert EXAMPLES[path.stem] in done.stdout


def test_links_within_the_docs_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if not target.startswith("http") and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_modules_that_the_docs_name_are_there():
    """By their whole path, or the end of it; names of examples that a reader writes apart."""
    files = [path.as_posix() for folder in ("src", "scripts", "tests", "examples") for path in (ROOT / folder).rglob("*.py")]
    wrong = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text("utf-8")):
            if not any(path.endswith(f"/{name}") for path in files):
                wrong.append(f"{page.name}: {name}")
    assert wrong == []


def test_documented_keys_are_those_of_a_run(gefion):
    """docs/formats/run.md names every column and every key of summary.json and run.json."""
    from terp.describe import read_site, read_workload
    from terp.simulate import year

    run = year(gefion, site=read_site("copenhagen"), workload=read_workload("national"), days=1, seed=1)
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "formats" / "run.md").read_text("utf-8")))
    keys = {
        *run.summary,
        *run.origin,
        *run.jobs.column_names,
        *run.interruptions.column_names,
        *run.timeline.column_names,
        *run.hours.column_names,
    }
    for entry in (*run.summary["groups"].values(), *run.summary["domains"].values(), *run.summary["sizes"]):
        keys |= set(entry)
    assert keys - named == set()
