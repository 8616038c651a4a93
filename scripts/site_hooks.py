"""What mkdocs is told beside mkdocs.yml: the pages of folders, files outside of docs/, notebooks as pages.

A page links to what lies beside docs/ as it does in the repository (`../machines/gefion.yaml`); the site gets a copy of each such
file under `files/`.  Notebooks become pages with the outputs that they were saved with; the tests run them.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
CONTRIBUTING = "contributing.md"
LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]* src=\"?https?:[^>]*>|<link[^>]* rel=\"?(?:stylesheet|preconnect)[^>]*https?:[^>]*>"
)
"""What a browser would fetch from elsewhere when a page is opened."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lists the pages of a folder where nav names the folder, its README first."""
    config.nav = [expanded(entry) for entry in config.nav]
    return config


def expanded(entry: object) -> object:
    """An entry of nav with folders replaced by their pages."""
    if isinstance(entry, dict):
        return {name: expanded(value) for name, value in entry.items()}
    if isinstance(entry, list):
        return [page for part in entry for page in flat(expanded(part))]
    if isinstance(entry, str) and entry.endswith("/"):
        pages = sorted((DOCS / entry).glob("*.md"), key=lambda path: (path.name != "README.md", path.name))
        books = sorted((DOCS / entry).glob("*.ipynb"))
        return [f"{entry}{path.stem}.md" for path in (*pages, *books)]
    return entry


def flat(part: object) -> list[object]:
    """A list of what is a list or not."""
    return part if isinstance(part, list) else [part]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page for contributors, the pages of notebooks, and every file beside docs/ that a page links to."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").replace("](docs/", "](")
    files.append(File.generated(config, CONTRIBUTING, content=text))
    for path in DOCS.rglob("*.ipynb"):
        place = path.relative_to(DOCS)
        for name, content in notebook_files(path):
            files.append(File.generated(config, str(place.with_name(name)), content=content))
        files.remove(files.get_file_from_path(str(place)))
    linked = {target for path in DOCS.rglob("*.md") for target in outside(path.read_text("utf-8"), path.parent)}
    for target in sorted(linked):
        files.append(File.generated(config, f"files/{target.relative_to(ROOT)}", abs_src_path=str(target)))
    return files


def outside(text: str, folder: Path) -> Iterator[Path]:
    """Files beside docs/ that a page in a folder links to."""
    for name in LINK.findall(text):
        target = (folder / name).resolve()
        if target.is_file() and target.is_relative_to(ROOT) and not target.is_relative_to(DOCS) and target.suffix != ".md":
            yield target


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """The page with links to files beside docs/ led to their copies."""
    depth = page.file.src_uri.count("/")
    folder = (DOCS / page.file.src_uri).parent

    def led(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        if target == ROOT / "CONTRIBUTING.md":
            return "../" * depth + CONTRIBUTING
        if any(outside(f"]({match[1]})", folder)):
            return "../" * depth + f"files/{target.relative_to(ROOT)}"
        return match[1]

    return LINK.sub(led, markdown)


def notebook_files(path: Path) -> Iterator[tuple[str, str | bytes]]:
    """The page of a notebook and its pictures, as name and content."""
    parts = []
    for place, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
        source = "".join(cell["source"])
        parts.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" else source)
        for number, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{path.stem}-{place}-{number}.png"
                yield name, b64decode(data["image/png"])
                parts.append(f"![what the cell shows]({name})")
            elif "text/html" in data:
                parts.append(f'<div class="output" markdown="0">\n{"".join(data["text/html"])}\n</div>')
            else:
                text = "".join(output.get("text") or data.get("text/plain", ""))
                parts.append(f"```text\n{text.rstrip()}\n```")
    yield f"{path.stem}.md", "\n\n".join(parts) + "\n"


def on_post_build(config: MkDocsConfig) -> None:
    """Raises PluginError where a page would load something from elsewhere."""
    for path in sorted(Path(config.site_dir).rglob("*.html")):
        if loaded := LOADED.search(path.read_text("utf-8")):
            raise PluginError(f"{path}: loads from elsewhere: {loaded[0]}")
