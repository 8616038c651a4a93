"""Runs the notebooks of docs/notebooks and keeps what they show.

python scripts/notebook_pages.py

The site makes pages of them as they are saved; tests/house runs them again and compares their text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook, run from its beginning by this Python; what changes from run to run is left out.

    Raises CellExecutionError for a cell that fails.
    """
    book = nbformat.read(path, as_version=4)
    book.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    NotebookClient(book, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
    for place, cell in enumerate(book.cells):
        cell.id = f"cell-{place}"
        cell.metadata = {}
        for output in cell.get("outputs", []):
            output.metadata = {}
            if "data" in output and "text/html" in output.data:
                output.data.pop("text/plain", None)
    book.metadata = {"kernelspec": book.metadata["kernelspec"]}
    return book


def texts(book: nbformat.NotebookNode) -> list[list[str]]:
    """What each cell shows in words, pictures apart."""
    return [
        [
            output.get("text") or output.get("data", {}).get("text/html") or output.get("data", {}).get("text/plain", "")
            for output in cell.get("outputs", [])
            if "image/png" not in output.get("data", {})
        ]
        for cell in book.cells
    ]


if __name__ == "__main__":
    wanted = sys.argv[1:] or [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
    for name in wanted:
        nbformat.write(executed(FOLDER / f"{name}.ipynb"), FOLDER / f"{name}.ipynb")
