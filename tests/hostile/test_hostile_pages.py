"""Pages, Markdown, tables and pictures of every kind of result, whose titles, names and folders are made to break them."""

import csv
import dataclasses
import json
import re
from functools import cache
from pathlib import Path

import pytest

import terp
from terp.describe import read_machine, read_model, read_policy, read_site, read_workload
from terp.views.report.formats.csv_tables import as_csv, tables_of
from terp.views.report.formats.markdown_text import as_markdown
from terp.views.report.written import as_html_page

ROOT = Path(__file__).parents[2]
EVIL = (
    "=cmd|'/C calc'!A1 $\\frac{1$ <img src=x onerror=alert(1)>\x1b[2J\x9b31m\u202etxt\u2066\u2028\x07 {{7*7}} | **b** ${x}"
)
"""A formula, half of mathtext, a tag, ANSI, a turn of direction, a template, a table's bar, Markdown and a shell's variable."""
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]")
"""What a terminal, a browser or an editor would obey."""


def with_evil_titles(value):
    """A description with every title and note in it made evil."""
    if isinstance(value, dict):
        return {key: EVIL if key in ("title", "note") else with_evil_titles(inner) for key, inner in value.items()}
    return [with_evil_titles(inner) for inner in value] if isinstance(value, list) else value


def evil(read, name):
    return with_evil_titles(read(name).tree.mapping)


@cache
def machine():
    return terp.machine(evil(read_machine, "gefion"))


@cache
def a_run(seed):
    inputs = {"site": evil(read_site, "copenhagen"), "workload": evil(read_workload, "national")}
    return terp.simulate.year(machine(), **inputs, policy=evil(read_policy, "fair-share"), days=1, seed=seed)


@cache
def training(kind):
    asked = {"seq": 4096, "global_batch": 64, "gpus": 64, "tokens": "1B"}
    model = evil(read_model, "llama-3.1-8b")
    return getattr(terp.predict, kind)(machine(), model, **asked, **({"zero": 1, "cp": 1} if kind == "search" else {}))


def grades(folder, model):
    """Of a table whose names are evil."""
    head, *rows = (
        (ROOT / "validation" / {"hpl": "top500"}.get(model, model) / "table.csv").read_text("utf-8").splitlines()[:5]
    )
    path = folder / "t.csv"
    cells = [f'"{EVIL}"{row[row.index(",") :]}' for row in rows if row[0] != '"']
    path.write_text("\n".join([head, *cells, ""]))
    return terp.validate.GRADERS[model](path)


def comparison(folder):
    """Of two runs in folders of evil names."""
    places = [folder / f"{EVIL.replace('/', ' ')}-{seed}" for seed in (1, 2)]
    a_run(1).save(places[0])
    terp.simulate.year(machine(), site=evil(read_site, "groningen"), days=1, seed=1).save(places[1])
    return terp.sweep.compare(*places)


def sweep(folder):
    """A sweep over a file of an evil name, whose titles are evil too."""
    path = folder / f"{EVIL.replace('/', ' ').replace(chr(0x2028), ' ')}.yaml"
    path.write_text(json.dumps(evil(read_site, "copenhagen")))
    return terp.sweep.run("gefion", over={"site": [str(path)], "seed": [1, 2]}, days=1, workers=1, out=folder / "sweep")


THINGS = {
    "machine": lambda _: machine(),
    "run": lambda _: a_run(1),
    "comparison": comparison,
    "sweep": sweep,
    "training": lambda _: training("training"),
    "search": lambda _: training("search"),
    "hpl": lambda _: terp.predict.hpl(machine()),
    "hpcg": lambda _: terp.predict.hpcg(machine()),
    "grades of hpl": lambda folder: grades(folder, "hpl"),
    "grades of training": lambda folder: grades(folder, "training"),
}


@pytest.mark.parametrize("kind", THINGS)
def test_a_page_its_markdown_and_its_tables_hold_nothing_raw(kind, tmp_path):
    thing = THINGS[kind](tmp_path)
    page = as_html_page(thing)
    assert RAW.search(page) is None
    assert "<img src=x" not in page
    assert "49" not in re.findall(r"\{\{.*?\}\}", page)
    text = as_markdown(page)
    assert RAW.search(text) is None
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|"), "a row of a table is one line"
    assert RAW.search(repr(thing)) is None
    assert RAW.search(thing._repr_html_()) is None
    for name, table in tables_of(thing).items():
        written = as_csv(table).decode("utf-8")
        assert RAW.search(written) is None, name
        rows = list(csv.reader(written.splitlines()))
        assert {len(row) for row in rows} == {len(table.column_names)}, name
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell[:1] in "=@\t" and cell] == [], name


@pytest.mark.parametrize("figure", ["use", "waits", "power", "breakdown", "frontier of a search", "frontier of a plan"])
@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_picture_is_drawn_with_evil_names(figure, ending, tmp_path):
    pytest.importorskip("matplotlib")
    from terp.views.figures.plots import save_figure

    if figure == "frontier of a plan":
        from terp.plan import plan_of

        data = ROOT / "tests" / "views" / "data" / "plan-netherlands.json"
        plan = plan_of(json.loads(data.read_text("utf-8")))
        thing = dataclasses.replace(plan, machines=tuple(dataclasses.replace(one, gpu=EVIL) for one in plan.machines))
    elif figure in ("use", "waits", "power"):
        thing = a_run(1)
    else:
        thing = training("training" if figure == "breakdown" else "search")
    path = tmp_path / f"picture.{ending}"
    save_figure(thing, figure.split()[0], path)
    assert path.stat().st_size > 1000
    if ending == "svg":
        assert RAW.search(path.read_text("utf-8")) is None
