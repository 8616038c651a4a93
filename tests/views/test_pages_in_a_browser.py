"""Pages in Chromium: nothing cut on a telephone or on A4, labels that can be read, and axe-core without a violation."""

import re
import shutil
from pathlib import Path

import pytest

import terp
from terp.plan import plan_of
from terp.views.brief import as_brief
from terp.views.report.formats.pdf_print import as_pdf, browser
from terp.views.report.written import as_html_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE, SCREEN, PAPER = (390, 844), (1200, 900), (718, 1000)  # A4 is 718 pixels wide within its margins
SMALLEST = 10.0  # pixels of a label in a figure; most have 11 and more
LABELS = """() => [...document.querySelectorAll('svg text')].filter(t => t.getClientRects().length).map(t => {
    const svg = t.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return [t.textContent, scale * parseFloat(getComputedStyle(t).fontSize)];
}).filter(label => label[1] < %s)"""
CUT = """() => [...document.querySelectorAll('svg text')].filter(t => t.getClientRects().length).map(t => {
    const box = t.getBoundingClientRect(), frame = t.ownerSVGElement.getBoundingClientRect();
    return [t.textContent, Math.max(frame.left - box.left, box.right - frame.right)];
}).filter(label => label[1] > 3)"""


@pytest.fixture(scope="module")
def chromium(pages):  # which are made first: a sweep's processes and a browser's loop do not go together
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e .[dev]")
    path = browser()
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def axe():
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-core: pip install -e .[dev]")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each kind, as files."""
    import json

    from terp.simulate import eu_report
    from terp.views.report.eu.eu_page import eu_html

    folder = tmp_path_factory.mktemp("pages")
    run = terp.simulate.year("gefion", days=20)
    sweep = terp.sweep.run(
        "gefion", over={"gpu_cap": [None, "600 W"], "seed": [1, 2, 3]}, days=2, out=folder / "sweep", workers=1
    )
    plan = plan_of(json.loads((Path(__file__).parent / "data" / "plan-netherlands.json").read_text("utf-8")))
    made = {
        "run": as_html_page(run),
        "eu": eu_html(eu_report(run)),
        "sweep": as_html_page(sweep),
        "machine": as_html_page(terp.machine("gefion")),
        "large-machine": as_html_page(terp.machine("jupiter")),
        "hpl": as_html_page(terp.predict.hpl("gefion")),
        "training": as_html_page(terp.predict.training("gefion", "llama-3.1-8b", seq=4096, global_batch=64, gpus=64)),
        "validation": as_html_page(terp.validate.hpcg()),
        "plan-en": as_brief(plan, "en"),
        "plan-nl": as_brief(plan, "nl"),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page, "utf-8")
    return {name: folder / f"{name}.html" for name in made}


KINDS = ("run", "eu", "sweep", "machine", "large-machine", "hpl", "training", "validation", "plan-en", "plan-nl")


def opened(chromium, path, size, **more):
    page = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **more).new_page()
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("kind", KINDS)
def test_a_telephone_shows_all_of_it_under_ten_screens(chromium, pages, kind):
    page = opened(chromium, pages[kind], PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert page.evaluate("document.documentElement.scrollHeight") < 10 * PHONE[1]
    assert page.evaluate(LABELS % SMALLEST) == []
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_shows_it_under_ten_screens_without_a_label_cut(chromium, pages, kind):
    page = opened(chromium, pages[kind], SCREEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREEN[0]
    assert page.evaluate("document.documentElement.scrollHeight") < 10 * SCREEN[1]
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("kind", KINDS)
def test_paper_has_all_that_is_folded_and_cuts_nothing(chromium, pages, kind):
    page = opened(chromium, pages[kind], PAPER)
    page.emulate_media(media="print")
    wide = page.evaluate(
        "() => [...document.querySelectorAll('main *')].filter(e => !e.closest('svg'))"
        ".map(e => [e.className, e.getBoundingClientRect().right]).filter(e => e[1] > innerWidth + 0.5)"
    )
    assert wide == []
    assert page.evaluate("[...document.querySelectorAll('table')].every(t => t.tHead && t.tHead.rows.length)")
    heads = "[...document.querySelectorAll('thead')].map(h => getComputedStyle(h).display)"
    assert set(page.evaluate(heads)) <= {"table-header-group"}
    rows = "[...document.querySelectorAll('tr')].map(r => getComputedStyle(r).breakInside)"
    assert set(page.evaluate(rows)) <= {"avoid"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(chromium, axe, pages, kind, scheme):
    page = opened(chromium, pages[kind], PHONE, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.evaluate(axe)
    result = page.evaluate("axe.run()")
    assert [(entry["id"], entry["nodes"][0]["html"][:120]) for entry in result["violations"]] == []
    assert len(result["passes"]) > 10


def test_a_pdf_is_printed_by_the_browser_that_is_there(chromium, pages):
    printed = as_pdf(pages["run"].read_text("utf-8"))
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 3


def test_without_a_browser_a_line_says_what_would_do(monkeypatch):
    from terp.errors import Problems

    monkeypatch.setenv("TERP_BROWSER", "no-such-browser")
    with pytest.raises(Problems, match="install Chromium"):
        as_pdf("<p>a</p>")
    assert shutil.which("no-such-browser") is None
