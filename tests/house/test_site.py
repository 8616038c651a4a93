"""What the site is made with beside mkdocs: docstrings as Markdown, links that leave docs/, notebooks as pages."""

import re

import pytest
from support.scripts import ROOT, module_of

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_aligned_names_of_a_docstring_become_a_list():
    pytest.importorskip("griffe", reason="the site is not set up here: make docs")
    text = "A step.\n\ntp, pp   how it is split\nzero     0 to 3\n\nRaises TerpError for a split  that does not fit.\n\n    code   stays"
    assert module_of("site_docstrings").as_markdown(text).splitlines() == [
        "A step.",
        "",
        "- `tp`, `pp`: how it is split",
        "- `zero`: 0 to 3",
        "",
        "Raises TerpError for a split  that does not fit.",
        "",
        "    code   stays",
    ]


def test_a_long_line_of_words_takes_no_time():
    """Forty words in a row once took hours: each way to cut them was tried."""
    pytest.importorskip("griffe", reason="the site is not set up here: make docs")
    text = " ".join(["ThreadsPerCore"] * 8) + ", " + ", ".join(["CoreSpecCount"] * 40) + " and Feature of nodes; DownNodes"
    assert module_of("site_docstrings").as_markdown(text) == text


def test_links_to_files_beside_the_docs_lead_to_copies():
    pytest.importorskip("mkdocs", reason="the site is not set up here: make docs")
    hooks = module_of("site_hooks")

    class Page:
        class file:  # noqa: N801 - as mkdocs calls it
            src_uri = "formats/site.md"

    text = "[a](../../sites/groningen.yaml) [b](../theory/hpl.md) [c](https://example.org) [d](../../CONTRIBUTING.md)"
    led = re.findall(r"\((.*?)\)", hooks.on_page_markdown(text, Page()))
    assert led == ["../files/sites/groningen.yaml", "../theory/hpl.md", "https://example.org", "../contributing.md"]
    assert hooks.LOADED.search('<script src="https://example.org/x.js"></script>')
    assert not hooks.LOADED.search('<a href="https://example.org"><img src="images/report.png"></a>')


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_show_what_they_are_saved_with(path):
    nbformat = pytest.importorskip("nbformat", reason="no Jupyter here: the extra `notebook`")
    script = module_of("notebook_pages")
    held = nbformat.read(path, as_version=4)
    assert script.texts(script.executed(path)) == script.texts(held), "run scripts/notebook_pages.py"
